"""The runs that lessons replay: `python -m tests.samples.recorded NAME ...` makes them anew, each by a real run."""
