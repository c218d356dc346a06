"""Small datasets re-made from public reports and frequent layouts, with what should be said and learned of each.

`index.jsonl` has a line per dataset: id, file, source (an address, or "common"), note, `expected` (method -> status, as
a careful person would say it; "DataError": the file cannot be read), `also_ok` (method -> other statuses that are right
too), `refused` (methods whose real trainer, TRL 1.16 on a tiny Qwen3, refuses the rows as they are), `seen` (what the
trainer's text of a row must and must not hold after the proposed mapping) and `say` (one of these words must be said).
`mine.py` and `exported.py` hold more of the same kinds. `python -m tests.core.data.cases` prints the score:

| cases                         | verdicts | meaning | said  | unreadable | false READY | tracebacks |
| public, 622636a of 2026-11-29 | 367/396  | 12/45   | 4/12  | 3/3        | 1           | 1          |
| public, now                   | 393/396  | 43/45   | 12/12 | 3/3        | 0           | 0          |
| mine, now                     | 380/380  | 127/127 | 7/7   |            | 0           | 0          |

Three public cases ask for what cannot both be: calls with null arguments are to be READY and no null to be seen (they
are mapped), a file with tabs is to be INCOMPATIBLE and its rows to be seen (its rows are read), and conversations of
one turn a row are to be seen though they are INCOMPATIBLE (`report.gathered`).
"""
