"""Columns as numbers: one code per outline, one digest per value, without leaving Arrow where possible."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from hfft_widgets.core.data.arrow.arrays import is_text, offsets, plain, text_bytes, turn_fields, valid, values
from hfft_widgets.core.data.arrow.json_column import JsonColumn
from hfft_widgets.core.data.arrow.search import holding, odd_start
from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS, is_picture
from hfft_widgets.core.data.emulators.outline import NEEDLES, Json, outline, stand_in
from hfft_widgets.core.data.rules.facets import TextFacets, joined, text_facets

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Codes = NDArray[np.uint64]

_A, _B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def codes(column: pa.Array | Sequence[Any]) -> tuple[Codes, Codes]:
    """Two numbers per cell of a column, equal where the outlines and where the facets of the texts are.

    The second is 0 where no text has another facet than a plain one.
    """
    import pyarrow as pa

    facets = text_facets()
    if isinstance(column, JsonColumn):
        of_turns, of_others = codes(column.turns), codes(column.others)
        return column.merged(of_turns[0], of_others[0]), column.merged(of_turns[1], of_others[1])
    if isinstance(column, pa.Array):
        column = plain(column)
        if is_text(column.type):
            return _text_codes(column, facets, whole=True)
        if turn_fields(column.type) and not _nested(column):
            return _turn_codes(column, facets)
        if pa.types.is_null(column.type):
            return np.zeros(len(column), np.uint64), np.zeros(len(column), np.uint64)
        column = values(column)
    forms = np.fromiter((number(repr(outline(cell))) for cell in column), np.uint64, len(column))
    return forms, np.fromiter((_mark(facets.of_cell(cell)) for cell in column), np.uint64, len(column))


def _mark(found: Hashable) -> int:
    return 0 if found is None else number(repr(found)) | 1


def digests(column: pa.Array | Sequence[Any]) -> Codes:
    """A number per cell of a column, equal where the cells are equal (but for one chance in 2**64 per pair)."""
    import pyarrow as pa

    if isinstance(column, JsonColumn):
        return column.merged(digests(column.turns), digests(column.others))
    if isinstance(column, pa.Array):
        column = plain(column)
        if is_text(column.type):
            return _text_digests(column)
        if turn_fields(column.type) and not _extra(column):
            return _turn_digests(column)
        column = values(column)
    return np.fromiter((number(_said(cell)) for cell in column), np.uint64, len(column))


def _said(cell: Any) -> str:
    """What a cell says, as text; of a picture a hash, for it may be large."""
    pictures = cell if isinstance(cell, list) else [cell]
    if not pictures or not all(map(is_picture, pictures)):
        return repr(cell)
    contents = [picture.get("bytes") if isinstance(picture, Mapping) else picture.tobytes() for picture in pictures]
    bare = repr(cell).encode()  # a picture elsewhere, or bytes that are none
    return repr([xxhash.xxh3_64_intdigest(data if isinstance(data, bytes) and data else bare) for data in contents])


def sizes(column: pa.Array | Sequence[Any]) -> NDArray[np.uint32]:
    """The bytes of text in each cell of a column, as UTF-8."""
    import pyarrow as pa

    if isinstance(column, JsonColumn):
        return column.merged(sizes(column.turns), sizes(column.others))
    if isinstance(column, pa.Array):
        column = plain(column)
        if is_text(column.type):
            return np.diff(offsets(column)).astype(np.uint32)
        if names := turn_fields(column.type):
            at, turns = turns_of(column)
            ends = offsets(turns.field(names[1]))
            return (ends[at[1:]] - ends[at[:-1]]).astype(np.uint32)
        column = values(column)
    return np.fromiter((_bytes(cell) for cell in column), np.uint32, len(column))


def _bytes(cell: Any) -> int:
    if isinstance(cell, str):
        return len(cell.encode("utf-8", "surrogatepass"))
    if isinstance(cell, Json):
        return _bytes(cell.value)
    if isinstance(cell, Mapping):
        content = next((cell[name] for name in CONTENT_KEYS if name in cell), None)
        return _bytes(content if any(name in cell for name in ROLE_KEYS) else list(cell.values()))
    return sum(map(_bytes, cell)) if isinstance(cell, (list, tuple)) else 0


def number(text: str) -> int:
    """A text as a number."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def distinct(numbers: Codes) -> tuple[Codes, NDArray[np.int32]]:
    """The different numbers, in the order in which they come, and for each number which of them it is.

    Arrow's hash table does not sort, as numpy would.
    """
    import pyarrow as pa

    encoded = pa.array(numbers).dictionary_encode()
    return encoded.dictionary.to_numpy(), encoded.indices.to_numpy()


def _mixed(numbers: Codes) -> Codes:
    """Numbers spread over 64 bits, so that sums of them seldom meet."""
    numbers = (numbers + _A) * _B
    return (numbers ^ (numbers >> np.uint64(31))) * _A


# ---- columns of a batch ----------------------------------------------------------------------


def batch_size(batch: Any) -> int:
    """The rows of a batch: Arrow's, or lists by column."""
    return len(next(iter(batch.values()), ())) if isinstance(batch, Mapping) else int(batch.num_rows)


def plain_column(batch: Any, name: str) -> Any:
    """A column of a batch, as an Arrow array of few kinds or as a list."""
    return batch[name] if isinstance(batch, Mapping) else plain(batch.column(name))


def read_json(column: Any) -> Any:
    """A column whose texts may be JSON, as what they write."""
    return JsonColumn(listed(column)) if isinstance(column, list) or is_text(column.type) else column


def cell(column: Any, place: int) -> Any:
    """One cell as a plain value."""
    return column[place] if isinstance(column, list) else values(column.slice(place, 1))[0]


def listed(column: Any) -> Sequence[Any]:
    """All cells as plain values."""
    return column if isinstance(column, (list, JsonColumn)) else values(column)


def holds_turns(column: Any) -> bool:
    """Whether it is an Arrow column of turns of plain text and nothing more."""
    return not isinstance(column, (list, JsonColumn)) and turn_fields(column.type) is not None and not _extra(column)


# ---- texts and turns in Arrow ----------------------------------------------------------------


@lru_cache(maxsize=1024)
def _form(seen: str | None) -> np.uint64:
    return np.uint64(number(repr(seen)))


def _text_codes(column: pa.Array, facets: TextFacets, *, whole: bool) -> tuple[Codes, Codes]:
    """`codes` of texts. Only those that may be more than plain text are looked at one by one."""
    at, data = offsets(column), text_bytes(column)
    length = np.diff(at)
    forms, marks = np.where(length > 0, _form("text"), _form("")), np.zeros(len(column), np.uint64)
    filled = np.flatnonzero(length > 0)
    odd = np.zeros(len(column), bool)
    odd[filled] = odd_start(data, at[:-1][filled], at[1:][filled]) | (length[filled] <= facets.longest)
    odd[holding(data, at, tuple(dict.fromkeys((*NEEDLES, *facets.needles))))] = True
    there = valid(column)
    forms[~there] = _form(None)
    rows = np.flatnonzero((odd | facets.reads_all) & there)
    for row, text in zip(rows.tolist(), column.take(rows).to_pylist(), strict=True):
        forms[row] = _form(stand_in(text, whole=whole))
        marks[row] = _mark(facets.of_text(text))
    return forms, marks


def turns_of(column: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Where each cell's turns begin and end, and the turns of all cells."""
    at = offsets(column)
    return at - at[0], column.values.slice(int(at[0]), int(at[-1] - at[0]))


def _turn_codes(column: pa.Array, facets: TextFacets) -> tuple[Codes, Codes]:
    """`codes` of turns of plain text."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = turns_of(column)
    forms, marks = _text_codes(plain(turns.field(names[1])), facets, whole=False)
    each = _speakers(turns.field(names[0])) ^ _mixed(forms)
    for place, field in enumerate(turns.type):
        if field.name not in names and not _all_null(turns.field(field.name)):
            each = each ^ _mixed(_presence(turns.field(field.name)) + np.uint64(1000 * (place + 1)))
    if turns.null_count:
        each[~valid(turns)] = np.uint64(7)
    there = valid(column)
    return np.where(there, _summed(each, at), np.uint64(3)), np.where(there, _joined_marks(marks, at), np.uint64(0))


def _speakers(column: pa.Array) -> Codes:
    role = plain(column).dictionary_encode()
    speakers = np.array([number(repr(name)) for name in role.dictionary.to_pylist()] + [1], np.uint64)
    spoken: Codes = speakers[role.indices.fill_null(len(speakers) - 1).to_numpy(zero_copy_only=False)]
    return spoken


def _joined_marks(marks: Codes, at: NDArray[np.int64]) -> Codes:
    """A number per cell from those of its turns: the earlier ones' in any order, and those of the last two."""
    found = np.zeros(len(at) - 1, np.uint64)
    marked = np.flatnonzero(marks)
    for cell in np.unique(np.searchsorted(at, marked, "right") - 1).tolist():
        found[cell] = _mark(joined([mark or None for mark in marks[at[cell] : at[cell + 1]].tolist()]))
    return found


def _all_null(column: pa.Array) -> bool:
    """Whether no cell has a value."""
    return bool(column.null_count == len(column))


def _presence(column: pa.Array) -> Codes:
    """0: nothing; 1: an empty list or text; 2: a value."""
    import pyarrow as pa

    present = valid(column).astype(np.uint64)
    kind = column.type
    if is_text(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        present[(np.diff(offsets(column)) > 0) & (present > 0)] = 2
    return present


def _summed(each: Codes, at: NDArray[np.int64]) -> Codes:
    """One number per cell from those of its turns, in their order."""
    place = np.arange(len(each), dtype=np.uint64) - np.repeat(at[:-1], np.diff(at)).astype(np.uint64)
    total = np.zeros(len(each) + 1, np.uint64)
    np.cumsum(each * (place * np.uint64(2) + np.uint64(0x100000001B3)), out=total[1:])
    return _mixed(total[at[1:]] - total[at[:-1]] + np.diff(at).astype(np.uint64))


def _extra(column: pa.Array) -> bool:
    """Whether turns hold more than a speaker and a text."""
    names = turn_fields(column.type) or ()
    _, turns = turns_of(column)
    return any(field.name not in names and not _all_null(turns.field(field.name)) for field in turns.type)


def _nested(column: pa.Array) -> bool:
    """Whether turns hold records or lists, tool calls for instance, of which rules ask what is in them."""
    import pyarrow as pa

    _, turns = turns_of(column)
    nested = (
        field.name for field in turns.type if pa.types.is_nested(field.type) or isinstance(field.type, pa.JsonType)
    )
    return any(not _all_null(turns.field(name)) for name in nested)


def _text_digests(column: pa.Array) -> Codes:
    at, data = offsets(column), memoryview(text_bytes(column).data)
    return _hashed(data, at, np.where(valid(column), np.uint64(0), _A))


def _turn_digests(column: pa.Array) -> Codes:
    """The texts of a cell's turns lie one behind the other: one hash for all, mixed with their lengths and speakers."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = turns_of(column)
    content = plain(turns.field(names[1]))
    ends = offsets(content)
    lengths = _summed(_mixed(np.diff(ends).astype(np.uint64)), at)
    each = _speakers(turns.field(names[0])) ^ _mixed((valid(content) + 2 * valid(turns)).astype(np.uint64))
    salt = lengths ^ _summed(each, at) ^ valid(column)
    return _hashed(memoryview(text_bytes(content).data), ends[at], salt)


def each_turn_digest(column: pa.Array) -> tuple[NDArray[np.int64], Codes]:
    """Where each cell's turns begin and end, and a digest of each turn."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = turns_of(column)
    role, content = (plain(turns.field(name)) for name in names)
    return at, _text_digests(role) * _A ^ _text_digests(content)


def _hashed(data: memoryview, at: NDArray[np.int64], salt: Codes) -> Codes:
    hashed, places = xxhash.xxh3_64_intdigest, at.tolist()
    numbers = (hashed(data[start:end]) for start, end in pairwise(places))
    return np.fromiter(numbers, np.uint64, len(places) - 1) ^ salt
