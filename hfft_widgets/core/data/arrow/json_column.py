"""Columns of JSON text, as what they write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS
from hfft_widgets.core.data.emulators.outline import Json, parsed

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


class JsonColumn(Sequence[Any]):
    """A column of JSON text as what it writes. Cells of nothing but turns of plain text are Arrow's, for speed.

    Attributes:
        turns: Those cells, one behind the other.
        others: All other cells.
    """

    def __init__(self, column: Sequence[Any]) -> None:
        self._cells = [parsed(cell) for cell in column]
        keys = [_plain_turns(cell) for cell in self._cells]
        common = next(filter(None, keys), _STANDARD)
        self._plain = np.array([found == common for found in keys], bool)
        chosen = [cell.value for cell, is_plain in zip(self._cells, self._plain.tolist(), strict=True) if is_plain]
        try:
            self.turns = _turn_array(chosen, *common)
        except UnicodeEncodeError:  # half a character, which JSON can write and Arrow cannot hold
            self._plain[:] = False
            self.turns = _turn_array([], *common)
        self.others = [cell for cell, is_plain in zip(self._cells, self._plain.tolist(), strict=True) if not is_plain]

    def merged(self, of_turns: NDArray[Any], of_others: NDArray[Any]) -> NDArray[Any]:
        """What was found of the two, in the order of the column."""
        found = np.zeros(len(self), of_turns.dtype)
        found[self._plain], found[~self._plain] = of_turns, of_others
        return found

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, place: Any) -> Any:
        return self._cells[place]


_STANDARD = (ROLE_KEYS[0], CONTENT_KEYS[0])


def _plain_turns(cell: Any) -> tuple[str, str] | None:
    """The keys of speaker and text, where all turns of a cell have these two alone, as text or nothing."""
    value = cell.value if isinstance(cell, Json) and cell.bracket else None
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict) or len(first) != 2:
        return None
    role = next((name for name in ROLE_KEYS if name in first), "")
    content = next((name for name in CONTENT_KEYS if name in first), "")
    kinds = (str, type(None))
    for turn in value or ():
        if not isinstance(turn, dict) or len(turn) != 2:
            return None
        if not isinstance(turn.get(role, 0), kinds) or not isinstance(turn.get(content, 0), kinds):
            return None
    return role, content


def _turn_array(cells: list[list[dict[str, Any]]], role: str, content: str) -> pa.Array:
    """Cells of turns as Arrow holds them.

    Raises:
        UnicodeEncodeError: A text is no Unicode.
    """
    import pyarrow as pa

    words = {
        name: pa.array([turn[name] for cell in cells for turn in cell], pa.large_string()) for name in (role, content)
    }
    turns = pa.StructArray.from_arrays(list(words.values()), list(words))
    return pa.LargeListArray.from_arrays(np.cumsum([0, *map(len, cells)], dtype=np.int64), turns)
