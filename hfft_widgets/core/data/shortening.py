"""Any cell as text of bounded length."""

from __future__ import annotations

import json
from typing import Any

from hfft_widgets.core.data.shapes import turn_keys

_EXAMPLE_CHARACTERS = 400


def shortened(cell: Any, characters: int = _EXAMPLE_CHARACTERS) -> str:
    """A cell as text of bounded length, whatever it holds."""
    text = cell if isinstance(cell, str) else _written(cell)
    return text if len(text) <= characters else text[:characters] + "…"


def _written(cell: Any) -> str:
    """Conversations as their turns, anything else as JSON."""
    keys = turn_keys(cell)
    if keys:
        return " ⏎ ".join(_spoken(turn, *keys) for turn in cell)
    try:
        return json.dumps(cell, ensure_ascii=False, default=_unwritten)
    except (TypeError, ValueError, RecursionError):
        return repr(cell)


def _unwritten(value: Any) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else str(value)


def _spoken(turn: Any, role: str, content: str) -> str:
    return f"{turn.get(role)}: {turn.get(content or 'content')}" if isinstance(turn, dict) else repr(turn)
