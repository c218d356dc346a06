"""Columns as numbers: cells of one form get one code, equal cells one digest, without leaving Arrow where possible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from hfft_widgets.core.data.forms import EDGE, EMPTY, NULL, TEXT, WORD_CONTENTS, WORD_ROLES, form_of, text_kind
from hfft_widgets.core.data.shapes import NOTHING_BYTES, is_picture

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Codes = NDArray[np.uint64]

_MARKS = re.compile(rb"<(?:\||s>|/s>|/think>|start_of_turn>|end_of_turn>|bos>|eos>)")
_A, _B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def codes(column: pa.Array | Sequence[Any]) -> Codes:
    """A number per cell of a column, equal where the forms are equal."""
    import pyarrow as pa

    if isinstance(column, pa.Array):
        column = plain(column)
        if is_text(column.type):
            return _mixed(text_kinds(column).astype(np.uint64))
        if turn_fields(column.type):
            return turn_codes(column)
        if pa.types.is_null(column.type):
            return np.zeros(len(column), np.uint64)
        column = values(column)
    return np.fromiter((number(repr(form_of(cell))) for cell in column), np.uint64, len(column))


def digests(column: pa.Array | Sequence[Any]) -> Codes:
    """A number per cell of a column, equal where the cells are equal (but for one chance in 2**64 per pair)."""
    import pyarrow as pa

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
    return repr([xxhash.xxh3_64_intdigest(data or repr(cell).encode()) for data in contents])


def sizes(column: pa.Array | Sequence[Any]) -> NDArray[np.uint32]:
    """The bytes of text in each cell of a column, as UTF-8."""
    import pyarrow as pa

    if isinstance(column, pa.Array):
        column = plain(column)
        if is_text(column.type):
            return np.diff(_offsets(column)).astype(np.uint32)
        if names := turn_fields(column.type):
            at, turns = _turns(column)
            ends = _offsets(turns.field(names[1]))
            return (ends[at[1:]] - ends[at[:-1]]).astype(np.uint32)
        column = values(column)
    return np.fromiter((_bytes(cell) for cell in column), np.uint32, len(column))


def _bytes(cell: Any) -> int:
    if isinstance(cell, str):
        return len(cell.encode("utf-8", "surrogatepass"))
    if isinstance(cell, Mapping):
        content = next((cell[name] for name in WORD_CONTENTS if name in cell), None)
        return _bytes(content if any(name in cell for name in WORD_ROLES) else list(cell.values()))
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


def cell(column: Any, place: int) -> Any:
    """One cell as a plain value."""
    return column[place] if isinstance(column, list) else values(column.slice(place, 1))[0]


def listed(column: Any) -> list[Any]:
    """All cells as plain values."""
    return column if isinstance(column, list) else values(column)


def holds_turns(column: Any) -> bool:
    """Whether it is an Arrow column of turns of plain text and nothing more."""
    return not isinstance(column, list) and turn_fields(column.type) is not None and not _extra(column)


# ---- Arrow -----------------------------------------------------------------------------------


def plain(column: pa.Array) -> pa.Array:
    """The array in a type of few kinds: dictionaries and views are written out."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    return column.cast(pa.large_string()) if pa.types.is_string_view(kind) else column


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is text."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def turn_fields(kind: pa.DataType) -> tuple[str, str] | None:
    """The fields of speaker and text, where a type is a list of turns of plain text."""
    import pyarrow as pa

    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return None
    fields = {field.name: field.type for field in kind.value_type}
    role = next((name for name in WORD_ROLES if name in fields), None)
    content = next((name for name in WORD_CONTENTS if name in fields), None)
    if role is None or content is None or not (is_text(fields[role]) and is_text(fields[content])):
        return None
    return role, content


def values(column: pa.Array) -> list[Any]:
    """The cells as plain values; JSON text that Arrow holds as such is read."""
    return (
        [_decoded(cell, column.type) for cell in column.to_pylist()] if _has_json(column.type) else column.to_pylist()
    )


def _has_json(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if isinstance(kind, pa.JsonType):
        return True
    if pa.types.is_struct(kind):
        return any(_has_json(field.type) for field in kind)
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return lists and _has_json(kind.value_type)


def _decoded(cell: Any, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if cell is None or not _has_json(kind):
        return cell
    if isinstance(kind, pa.JsonType):
        return _from_json(cell)
    if pa.types.is_struct(kind):
        return {field.name: _decoded(cell[field.name], field.type) for field in kind}
    return [_decoded(item, kind.value_type) for item in cell]


def _from_json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):  # a file may call anything JSON
        return cell


def _offsets(column: pa.Array) -> NDArray[np.int64]:
    import pyarrow as pa

    large = pa.types.is_large_string(column.type) or pa.types.is_large_list(column.type)
    width = np.int64 if large else np.int32
    buffer = column.buffers()[1]
    if buffer is None or not len(column):
        return np.zeros(len(column) + 1, np.int64)
    start = column.offset * np.dtype(width).itemsize
    return np.frombuffer(buffer, width, len(column) + 1, start).astype(np.int64)


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    if not column.null_count:
        return np.ones(len(column), bool)
    valid: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _text_bytes(column: pa.Array) -> NDArray[np.uint8]:
    buffer = column.buffers()[2]
    return np.frombuffer(buffer, np.uint8) if buffer is not None else np.zeros(0, np.uint8)


def text_kinds(column: pa.Array) -> NDArray[np.uint16]:
    """`text_kind` of every cell. Only cells that may be more than plain text are looked at one by one."""
    at, data = _offsets(column), _text_bytes(column)
    length = np.diff(at)
    kinds = np.where(length > 0, TEXT, EMPTY).astype(np.uint16)
    filled = np.flatnonzero(length > 0)
    odd = np.zeros(len(column), bool)
    odd[filled] = _odd_start(data, at[:-1][filled], at[1:][filled]) | (length[filled] <= NOTHING_BYTES)
    kinds[filled] |= (EDGE * (data[at[1:][filled] - 1] == ord(" "))).astype(np.uint16)
    odd[_marked(data, at)] = True
    kinds[~_valid(column)] = NULL
    for row in np.flatnonzero(odd & (kinds != NULL)):
        kinds[row] = text_kind(column[int(row)].as_py())
    return kinds


def _odd_start(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Texts that begin with white space or a bracket."""
    first = data[starts]
    second = data[np.minimum(starts + 1, ends - 1)]
    space = (first <= 0x20) | ((first == 0xC2) & ((second == 0x85) | (second == 0xA0)))
    space |= ((first == 0xE1) & (second == 0x9A)) | ((first == 0xE2) & ((second == 0x80) | (second == 0x81)))
    space |= (first == 0xE3) & (second == 0x80)
    odd: NDArray[np.bool_] = space | (first == ord("[")) | (first == ord("{"))
    return odd


def _marked(data: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cells with something that may be a control token or the end of thinking."""
    start = int(at[0])
    places = np.fromiter(_mark_places(data[start : int(at[-1])].tobytes()), np.int64) + start
    return np.unique(np.searchsorted(at, places, "right") - 1)


def _mark_places(text: bytes) -> Iterator[int]:
    """Python finds a letter in bytes at the speed of memory; where it is frequent, the pattern alone is faster."""
    place, tries = text.find(b"<"), len(text) // 100
    while place >= 0 and tries:
        if _MARKS.match(text, place):
            yield place
        place, tries = text.find(b"<", place + 1), tries - 1
    if place >= 0:
        yield from (mark.start() for mark in _MARKS.finditer(text, place))


def _turns(column: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Where each cell's turns begin and end, and the turns of all cells."""
    at = _offsets(column)
    return at - at[0], column.values.slice(int(at[0]), int(at[-1] - at[0]))


def turn_codes(column: pa.Array) -> Codes:
    """`codes` for a column of turns of plain text."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = _turns(column)
    role = plain(turns.field(names[0])).dictionary_encode()
    speakers = np.array([number(repr(name)) for name in role.dictionary.to_pylist()] + [1], np.uint64)
    spoken = speakers[role.indices.fill_null(len(speakers) - 1).to_numpy(zero_copy_only=False)]
    each = spoken ^ _mixed(text_kinds(plain(turns.field(names[1]))).astype(np.uint64))
    for place, field in enumerate(turns.type):
        if field.name not in names and not _all_null(turns.field(field.name)):
            each = each ^ _mixed(_presence(turns.field(field.name)) + np.uint64(1000 * (place + 1)))
    if turns.null_count:
        each[~_valid(turns)] = np.uint64(7)
    return np.where(_valid(column), _summed(each, at), np.uint64(3))


def _all_null(column: pa.Array) -> bool:
    """Whether no cell has a value."""
    return bool(column.null_count == len(column))


def _presence(column: pa.Array) -> Codes:
    """0: nothing; 1: an empty list or text; 2: a value."""
    import pyarrow as pa

    present = _valid(column).astype(np.uint64)
    kind = column.type
    if is_text(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        present[(np.diff(_offsets(column)) > 0) & (present > 0)] = 2
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
    _, turns = _turns(column)
    return any(field.name not in names and not _all_null(turns.field(field.name)) for field in turns.type)


def _text_digests(column: pa.Array) -> Codes:
    at, data = _offsets(column), memoryview(_text_bytes(column).data)
    return _hashed(data, at, np.where(_valid(column), np.uint64(0), _A))


def _turn_digests(column: pa.Array) -> Codes:
    """The texts of a cell's turns lie one behind the other: one hash for all, mixed with their lengths and speakers."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = _turns(column)
    content = plain(turns.field(names[1]))
    ends = _offsets(content)
    lengths = _summed(_mixed(np.diff(ends).astype(np.uint64)), at)
    return _hashed(memoryview(_text_bytes(content).data), ends[at], lengths ^ turn_codes(column))


def each_turn_digest(column: pa.Array) -> tuple[NDArray[np.int64], Codes]:
    """Where each cell's turns begin and end, and a digest of each turn."""
    names = turn_fields(column.type)
    assert names is not None
    at, turns = _turns(column)
    role, content = (plain(turns.field(name)) for name in names)
    return at, _text_digests(role) * _A ^ _text_digests(content)


def _hashed(data: memoryview, at: NDArray[np.int64], salt: Codes) -> Codes:
    hashed, places = xxhash.xxh3_64_intdigest, at.tolist()
    numbers = (hashed(data[start:end]) for start, end in pairwise(places))
    return np.fromiter(numbers, np.uint64, len(places) - 1) ^ salt
