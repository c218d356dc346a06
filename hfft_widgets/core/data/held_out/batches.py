"""What the rows of a batch ask and say, as the script reads them, in Arrow without a dict for each turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hfft_widgets.core.data import arrow
from hfft_widgets.core.data.arrow.arrays import plain, turn_fields, valid
from hfft_widgets.scripts.leakage import row_text
from hfft_widgets.scripts.proof.held_out import asked_text, bare_text

_TURNS = "messages", "chosen"  # of which the last turn is no question


def asked(batch: Any, names: Sequence[str]) -> Iterator[str]:
    """What `asked_text` gives of each row.

    Args:
        batch: Of `Rows.batches`.
        names: Its columns.
    """
    name = next((name for name in _TURNS if name in names), None)
    column = arrow.plain_column(batch, name) if name and "prompt" not in names else None
    if column is not None and (texts := _questions(column)) is not None:
        return texts
    columns = {name: arrow.listed(arrow.plain_column(batch, name)) for name in names}
    return (asked_text(dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True))


def said(batch: Any, columns: Sequence[str]) -> Iterator[str]:
    """What `row_text` gives of each row.

    Args:
        batch: Of `Rows.batches`.
        columns: Those that are read.
    """
    cells = zip(*(_said(arrow.plain_column(batch, name)) for name in columns), strict=True)
    return ("\n".join(filter(None, texts)) for texts in cells)


def _questions(column: Any) -> Iterator[str] | None:
    """The questions of conversations that all have a turn and nothing but speakers and texts; None: these do not."""
    if not arrow.holds_turns(column) or turn_fields(column.type) != ("role", "content") or column.null_count:
        return None
    at, turns = arrow.turns_of(column)
    counts = np.diff(at)
    if turns.null_count or not counts.all():
        return None
    asks = np.ones(len(turns), bool)
    asks[at[1:][counts > 1] - 1] = False
    texts = [bare_text(text or "") for text in turns.field("content").filter(asks).to_pylist()]
    ends = np.append(0, np.cumsum(np.maximum(counts - 1, 1))).tolist()
    return (" ".join(texts[start:end]) for start, end in pairwise(ends))


def _said(column: Any) -> list[str]:
    """What each cell of a column says."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = None if isinstance(column, list) else turn_fields(column.type)
    if names is None:
        return [row_text({"": cell}, ("",)) for cell in arrow.listed(column)]
    at, turns = arrow.turns_of(column)
    who, what = (plain(turns.field(name)) for name in names)
    said = pc.greater(pc.binary_length(what), 0).fill_null(False).to_numpy(zero_copy_only=False)
    kept = valid(turns) & said & ~(pc.equal(who, "system").fill_null(False).to_numpy(zero_copy_only=False))
    ends = np.append(0, np.cumsum(kept))[at]
    texts = pa.ListArray.from_arrays(ends.astype(np.int32), what.filter(kept).cast(pa.string()))
    joined: list[str] = pc.binary_join(texts, "\n").to_pylist()
    return joined
