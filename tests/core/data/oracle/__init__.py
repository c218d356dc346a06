"""The judge of the data room: small datasets, what should be said of each, and TRL's own trainers to settle it.

`corpus` holds the datasets and the verdicts expected for them, by reasoning alone; `trainers` runs the real trainers
on tiny random models; `asking` puts the two together; `python -m tests.core.data.oracle --json FILE` answers
everything and tells where an expectation and a trainer disagree.
"""
