"""The rows of a pilot: its first step takes the longest."""

from __future__ import annotations

from datasets import Dataset

from hfft_widgets.scripts.machine.peak import longest_first


def test_the_longest_rows_come_first_and_every_row_once():
    rows = Dataset.from_list([{"prompt": "p", "completion": "word " * (n * 7 % 40)} for n in range(40)])
    ordered = longest_first(rows, 4, 42)["completion"]
    sizes = [len(text.split()) for text in ordered]
    assert sizes[:4] == [39, 38, 37, 36]
    assert sorted(sizes) == list(range(40))
    assert sizes[4:] != sorted(sizes[4:], reverse=True)
    assert longest_first(rows, 4, 42)["completion"] == ordered
