"""Rows as a trainer gets them: after the column mapping and the fixes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hfft_widgets.core.data.fixes import Fix, Numbered
from hfft_widgets.core.data.mapping import ColumnMapping


def prepared(
    rows: Iterable[Numbered], method: str, mapping: ColumnMapping | None, fixes: Iterable[Fix]
) -> Iterator[Numbered]:
    """The rows as this method's trainer would get them: after its mapping and the fixes that are for it, in order."""
    concerned = [fix for fix in fixes if fix.concerns(method)]
    for fix in concerned:
        rows = fix.numbered(rows) if fix.first else rows
    if mapping:
        rows = ((number, mapping.apply(row)) for number, row in rows)
    for fix in concerned:
        rows = rows if fix.first else fix.numbered(rows)
    yield from rows
