"""What can be wrong with a cell that is neither words nor turns: a label, a margin, a picture, a row's tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfft_widgets.core.data.emulators.outline import Json, Picture
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import Rule, Scope


def _no_label(cell: Any) -> bool:
    return not isinstance(cell, (bool, int, float)) or cell not in {0, 1}


def _no_picture(cell: Any) -> bool:
    pictures = cell if isinstance(cell, list) else [cell]
    return not all(map(_opens, pictures))


def _opens(picture: Any) -> bool:
    """What lies elsewhere (an address) is trusted."""
    return picture.opens if isinstance(picture, Picture) else not (picture is None or isinstance(picture, Mapping))


def _broken_tools(look: Callable[[str], Any]) -> bool:
    tools = look("tools")
    tools = tools.value if isinstance(tools, Json) else tools
    return tools is not None and not (isinstance(tools, list) and all(isinstance(tool, Mapping) for tool in tools))


VALUE_RULES = (
    Rule("no_label", Scope.VALUE, _no_label, bool, "Neither true nor false in {column}",
         frozenset({ColumnRole.LABEL}), fix="is_label", explains=2, examples=((None, True), (3, 0), ("yes", 1))),
    Rule("no_number", Scope.VALUE, lambda cell: isinstance(cell, (int, float)), lambda number: not number,
         "No number in {column}", frozenset({ColumnRole.MARGIN}), fix="is_number", explains=2, examples=((None, 0.5),)),
    Rule("no_picture", Scope.VALUE, _no_picture, bool, "A picture in {column} that is missing or cannot be opened",
         frozenset({ColumnRole.PICTURES}), fix="leave_out", explains=2,
         examples=(({"bytes": b"no picture", "path": None}, {"bytes": None, "path": "a.png"}), (None, []))),
    Rule("broken_tools", Scope.ROW, _broken_tools, bool, "Tools that are no list of records, nor JSON text of one",
         fix="leave_out", explains=2, fits=lambda method, _: not method.generates,
         examples=(({"tools": "[1]"}, {"tools": '[{"name": "f"}]'}), ({"tools": "{}"}, {"tools": "[]"}),
                   ({"tools": "{broken"}, {"tools": None}))),
)  # fmt: skip
