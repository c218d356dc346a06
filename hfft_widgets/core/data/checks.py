"""What can be wrong with a cell: one function per check, and registers that say what it means.

Checks give a problem its name, its words and its remedy. Whether it ends the training is not theirs to say: that is
what the twin of the trainer does with the row. `otherwise` is what the problem does where the trainer takes the row:
"silent" (it trains, not on what was meant) or "warn" (worth knowing).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.methods import Duty
from hfft_widgets.core.data.shapes import ROLES, Shape, picture_opens, says_nothing, shape_of

CRASH, DROPPED, SILENT, WARN = "crash", "dropped", "silent", "warn"

_ANSWERS = frozenset({Duty.COMPLETION, Duty.CHOSEN, Duty.REJECTED})
_SPOKEN = _ANSWERS | {Duty.CONVERSATION}  # where the last turn is the one to learn
_WORDS = _SPOKEN | {Duty.PROMPT, Duty.TEXT}


# ---- one cell of text ------------------------------------------------------------------------


def no_value(cell: Any) -> bool:
    """Nothing in the cell."""
    return cell is None


def not_text(cell: Any) -> bool:
    """A number, list or record where text is read."""
    return not isinstance(cell, str)


def no_text(cell: Any) -> bool:
    """A text of no character."""
    return bool(cell == "")


def blank_text(cell: Any) -> bool:
    """A text of white space or nothing."""
    return bool(not cell.strip())


def near_empty(cell: Any) -> bool:
    """An answer without a letter or digit, or a word that stands for no answer."""
    return bool(cell.strip()) and says_nothing(cell)


# ---- one conversation ------------------------------------------------------------------------


def not_a_conversation(cell: Any) -> bool:
    """Something else than a list of turns where a conversation is read, or a turn without `role`."""
    if cell == []:
        return False
    return shape_of(cell) is not Shape.MESSAGES or not all(isinstance(turn, Mapping) for turn in cell)


def no_turns(cell: Any) -> bool:
    """A conversation without a turn."""
    return not cell


def no_content(cell: Any) -> bool:
    """A turn without content and without a tool call."""
    return any(turn.get("content") is None and not turn.get("tool_calls") for turn in cell)


def content_not_text(cell: Any) -> bool:
    """A turn whose content is a number, list or record."""
    return any(turn.get("content") is not None and not isinstance(turn.get("content"), str) for turn in cell)


def content_not_parts(cell: Any) -> bool:
    """Beside pictures a content may be text or a list of parts with a type, and nothing else."""
    contents = [turn.get("content") for turn in cell]
    return not all(c is None or isinstance(c, str) or (isinstance(c, list) and all(map(_is_part, c))) for c in contents)


def _is_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in {"text", "image"}


def blank_content(cell: Any) -> bool:
    """A turn of white space or nothing, without a tool call."""
    return any(
        isinstance(c := turn.get("content"), str) and not c.strip() and not turn.get("tool_calls") for turn in cell
    )


def unknown_role(cell: Any) -> bool:
    """A speaker that is not system, user, assistant or tool."""
    return any(not isinstance(role := turn.get("role"), str) or role not in ROLES for turn in cell)


def no_answer(cell: Any) -> bool:
    """A last turn that is not the assistant's."""
    return bool(cell[-1].get("role") != "assistant")


def ends_with_answer(cell: Any) -> bool:
    """A prompt whose last turn is the assistant's."""
    return bool(cell[-1].get("role") == "assistant")


def near_empty_answer(cell: Any) -> bool:
    """A last turn of the assistant that says nothing."""
    last = cell[-1]
    text = last.get("content")
    return last.get("role") == "assistant" and isinstance(text, str) and not last.get("tool_calls") and near_empty(text)


def broken_tool_calls(cell: Any) -> bool:
    """A tool call that is written as text, or no list of records."""
    calls = [turn.get("tool_calls") for turn in cell if turn.get("tool_calls")]
    return not all(isinstance(c, list) and all(isinstance(call, Mapping) for call in c) for c in calls)


# ---- cells of other duties -------------------------------------------------------------------


def no_label(cell: Any) -> bool:
    """A label that is neither true nor false."""
    return not isinstance(cell, (bool, int, float)) or cell not in {0, 1}


def no_number(cell: Any) -> bool:
    """A margin that is no number."""
    return not isinstance(cell, (int, float))


def no_picture(cell: Any) -> bool:
    """A picture without a value, or one that cannot be opened."""
    return not all(map(picture_opens, cell if isinstance(cell, list) else [cell]))


@dataclass(frozen=True)
class CellCheck:
    """A check of one cell.

    Attributes:
        rule: Its name.
        found: Whether the cell has the problem.
        message: In words; {column} stands for the column.
        duties: Columns of these duties are looked at.
        otherwise: What it does where the trainer takes the row.
        fix: The fix's rule, or None.
        ends: Whether a cell with this problem is not looked at further.
        explains: How well it explains a refusal: 2 by itself, 1 through the chat template, 0 not at all.
        depends: Whether what becomes of the row depends on the chat template.
    """

    rule: str
    found: Callable[[Any], bool]
    message: str
    duties: Collection[Duty] = _WORDS
    otherwise: str = SILENT
    fix: str | None = None
    ends: bool = False
    explains: int = 0
    depends: bool = False


DEPENDS = ". What becomes of it depends on the chat template: most render nothing, Qwen2.5's refuses"

TEXT_CHECKS: tuple[CellCheck, ...] = (
    CellCheck("no_value", no_value, "No value in {column}", fix="is_text", ends=True, explains=2),
    CellCheck("not_text", not_text, "Something else than text in {column}", fix="is_text", ends=True, explains=2),
    CellCheck(
        "no_text", no_text, "Empty prompt in {column}", {Duty.PROMPT}, WARN, fix="has_text", ends=True, explains=2
    ),
    CellCheck(
        "blank_text",
        blank_text,
        "Blank text in {column}: there is nothing to learn",
        _WORDS - {Duty.PROMPT},
        fix="has_text",
        ends=True,
    ),
    CellCheck("blank_prompt", blank_text, "Blank prompt in {column}", {Duty.PROMPT}, WARN, fix="has_text", ends=True),
    CellCheck(
        "near_empty", near_empty, "An answer in {column} that says nothing", _ANSWERS, WARN, fix="says_something"
    ),
)

TURN_CHECKS: tuple[CellCheck, ...] = (
    CellCheck("no_value", no_value, "No value in {column}", fix="is_conversation", ends=True, explains=2),
    CellCheck(
        "not_a_conversation",
        not_a_conversation,
        "No list of turns with roles in {column}",
        fix="is_conversation",
        ends=True,
        explains=2,
    ),
    CellCheck("no_turns", no_turns, "No turn in {column}", fix="is_conversation", ends=True, explains=2),
    CellCheck(
        "no_content", no_content, "A turn without content in {column}", fix="has_contents", explains=1, depends=True
    ),
    CellCheck(
        "content_not_text",
        content_not_text,
        "A turn whose content is not text in {column}",
        fix="has_contents",
        explains=1,
        depends=True,
    ),
    CellCheck("blank_content", blank_content, "A blank turn in {column}", fix="has_contents"),
    CellCheck(
        "unknown_role",
        unknown_role,
        "A role in {column} that chat templates do not know: they leave such turns out, or refuse them",
        fix="has_roles",
        explains=1,
    ),
    CellCheck(
        "broken_tool_calls",
        broken_tool_calls,
        "Tool calls in {column} that are no list of records: chat templates cannot read them",
        fix="has_tool_calls",
        explains=1,
    ),
    CellCheck(
        "no_answer",
        no_answer,
        "The last turn in {column} is not the assistant's: there is no answer to learn",
        _SPOKEN,
        fix="ends_with_answer",
    ),
    CellCheck("ends_with_answer", ends_with_answer, "The prompt in {column} ends with an answer", {Duty.PROMPT}, WARN),
    CellCheck(
        "near_empty", near_empty_answer, "An answer in {column} that says nothing", _SPOKEN, WARN, fix="says_something"
    ),
)

OTHER_CHECKS: tuple[CellCheck, ...] = (
    CellCheck("no_label", no_label, "Neither true nor false in {column}", {Duty.LABEL}, fix="is_label", explains=2),
    CellCheck("no_number", no_number, "No number in {column}", {Duty.MARGIN}, fix="is_number", explains=2),
    CellCheck(
        "no_picture",
        no_picture,
        "A picture in {column} that is missing or cannot be opened",
        {Duty.PICTURES},
        fix="leave_out",
        explains=2,
    ),
)
