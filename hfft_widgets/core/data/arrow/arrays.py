"""Arrow arrays of text and of turns: what kind they are, their buffers, and their cells as plain values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


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
    role = next((name for name in ROLE_KEYS if name in fields), None)
    content = next((name for name in CONTENT_KEYS if name in fields), None)
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


_DIGITS = 4300  # of more Python makes no number
_LOOSE = re.compile(r"\s*(-\d*|\d+)(\.\d*)?(?:[eE]([+-]?\d*))?\s*", re.ASCII)


def _from_json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):  # a file may call anything JSON
        return _loose_number(cell)


def _loose_number(cell: str) -> Any:
    """A number as `datasets` reads it: also "007", "1e", and "-", which is 0; other text as it is."""
    found = _LOOSE.fullmatch(cell)
    if found is None:
        return cell
    whole, part, power = found.groups()
    whole = "-0" if whole == "-" else whole
    if part is power is None:
        return int(whole) if len(whole) <= _DIGITS else cell
    return float(f"{whole}{part or ''}e{power if power and power.strip('+-') else 0}")


def offsets(column: pa.Array) -> NDArray[np.int64]:
    """Where each cell's text or list begins, and the last one ends; shape (cells + 1,)."""
    import pyarrow as pa

    large = pa.types.is_large_string(column.type) or pa.types.is_large_list(column.type)
    width = np.int64 if large else np.int32
    buffer = column.buffers()[1]
    if buffer is None or not len(column):
        return np.zeros(len(column) + 1, np.int64)
    start = column.offset * np.dtype(width).itemsize
    return np.frombuffer(buffer, width, len(column) + 1, start).astype(np.int64)


def valid(column: pa.Array) -> NDArray[np.bool_]:
    """Which cells have a value."""
    if not column.null_count:
        return np.ones(len(column), bool)
    there: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return there


def text_bytes(column: pa.Array) -> NDArray[np.uint8]:
    """The bytes of all texts of the buffers that an array is part of."""
    buffer = column.buffers()[2]
    return np.frombuffer(buffer, np.uint8) if buffer is not None else np.zeros(0, np.uint8)
