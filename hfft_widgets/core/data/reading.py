"""Rows as plain values, one by one."""

from __future__ import annotations

from collections.abc import Iterator

from hfft_widgets.core.data.columnar import batch_size, listed, plain_column
from hfft_widgets.core.data.fixes import Numbered
from hfft_widgets.core.data.rows import Rows


def numbered(rows: Rows) -> Iterator[Numbered]:
    """All rows with their numbers."""
    start = 0
    for batch in rows.batches():
        columns = {name: listed(plain_column(batch, name)) for name in rows.columns}
        for place in range(batch_size(batch)):
            yield start + place, {name: cells[place] for name, cells in columns.items()}
        start += batch_size(batch)
