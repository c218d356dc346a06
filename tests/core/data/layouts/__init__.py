"""The column layouts of well-known public datasets, as rows of our own words: does a person reach a trained mapping?

`answers.py`, `chats.py` and `preferences.py` hold a layout per dataset: the method it is for, a row by its number, what
must be learned of it, and the public calls that a person makes beyond the offer (at most three; most need none).
`scoring.py` walks them; `python -m tests.core.data.layouts` prints the table.
"""
