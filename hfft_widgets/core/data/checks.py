"""What can be wrong with a row: one function per check, and one register that says what each does to a training.

Effects are those of TRL 1.16 on one such row among good ones, seen by running its trainers: "crash" (it raises),
"dropped" (it leaves the row out), "silent" (it trains, not on what was meant), "warn" (worth knowing).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.methods import Duty, Part
from hfft_widgets.core.data.shapes import ROLES, Row, Shape, shape_of
from hfft_widgets.core.data.templates import ChatTemplate

CRASH, SILENT, WARN = "crash", "silent", "warn"

_ANSWERS = frozenset({Duty.COMPLETION, Duty.CHOSEN, Duty.REJECTED})
_SPOKEN = _ANSWERS | {Duty.CONVERSATION}  # where the last turn is the one to learn
_EVERY = frozenset(Duty) - {Duty.TOKENS}
_NOT_PROMPT = _EVERY - {Duty.PROMPT}


# ---- one cell --------------------------------------------------------------------------------


def no_value(cell: Any) -> bool:
    """Nothing in the cell."""
    return cell is None


def not_text(cell: Any) -> bool:
    """A number, list or record where text is read."""
    return not isinstance(cell, str)


def not_a_conversation(cell: Any) -> bool:
    """Something else than a list of turns where a conversation is read, or a first turn without `role`."""
    if cell == []:
        return False
    return shape_of(cell) is not Shape.MESSAGES or not all(isinstance(turn, Mapping) for turn in cell)


def no_turns(cell: Any) -> bool:
    """A conversation without a turn."""
    return not cell


def no_text(cell: Any) -> bool:
    """A text of no character."""
    return bool(cell == "")


def blank_text(cell: Any) -> bool:
    """A text of white space or nothing."""
    return bool(not cell.strip())


def no_content(cell: Any) -> bool:
    """A turn without content and without a tool call."""
    return any(turn.get("content") is None and not turn.get("tool_calls") for turn in cell)


def content_not_text(cell: Any) -> bool:
    """A turn whose content is a number, list or record."""
    return any(turn.get("content") is not None and not isinstance(turn.get("content"), str) for turn in cell)


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


@dataclass(frozen=True)
class CellCheck:
    """A check of one cell.

    Attributes:
        rule: Its name.
        found: Whether the cell has the problem.
        message: In words; {column} stands for the column.
        effects: Method -> effect.
        duties: Columns of these duties are looked at.
        fix: The fix's rule, or None.
        ends: Whether a cell with this problem is not looked at further.
        depends: Whether what becomes of the row depends on the chat template.
    """

    rule: str
    found: Callable[[Any], bool]
    message: str
    effects: Mapping[str, str]
    duties: Collection[Duty] = _EVERY
    fix: str | None = None
    ends: bool = False
    depends: bool = False


_ALL_CRASH = {"SFT": CRASH, "DPO": CRASH, "GRPO": CRASH}
_ALL_SILENT = {"SFT": SILENT, "DPO": SILENT, "GRPO": SILENT}
_ALL_WARN = {"SFT": WARN, "DPO": WARN, "GRPO": WARN}
_DEPENDS = ". What becomes of it depends on the chat template: most render nothing, Qwen2.5's refuses"

TEXT_CHECKS: tuple[CellCheck, ...] = (
    CellCheck("no_value", no_value, "No value in {column}", _ALL_CRASH, fix="is_text", ends=True),
    CellCheck("not_text", not_text, "Something else than text in {column}", _ALL_CRASH, fix="is_text", ends=True),
    CellCheck(
        "no_text",
        no_text,
        "Empty prompt in {column}",
        {"GRPO": CRASH},
        {Duty.PROMPT},
        fix="has_text",
        ends=True,
    ),
    CellCheck(
        "blank_text",
        blank_text,
        "Blank text in {column}: there is nothing to learn",
        _ALL_SILENT,
        _NOT_PROMPT,
        fix="has_text",
    ),
    CellCheck("blank_prompt", blank_text, "Blank prompt in {column}", _ALL_WARN, {Duty.PROMPT}, fix="has_text"),
)

TURN_CHECKS: tuple[CellCheck, ...] = (
    CellCheck("no_value", no_value, "No value in {column}", _ALL_CRASH, fix="is_conversation", ends=True),
    CellCheck(
        "not_a_conversation",
        not_a_conversation,
        "No list of turns with roles in {column}",
        _ALL_CRASH,
        fix="is_conversation",
        ends=True,
    ),
    CellCheck("no_turns", no_turns, "No turn in {column}", _ALL_CRASH, fix="is_conversation", ends=True),
    CellCheck(
        "no_content", no_content, "A turn without content in {column}", _ALL_SILENT, fix="has_contents", depends=True
    ),
    CellCheck(
        "content_not_text",
        content_not_text,
        "A turn whose content is not text in {column}",
        _ALL_SILENT,
        fix="has_contents",
        depends=True,
    ),
    CellCheck("blank_content", blank_content, "A blank turn in {column}", _ALL_SILENT, fix="has_contents"),
    CellCheck(
        "unknown_role",
        unknown_role,
        "A role in {column} that chat templates do not know: they leave such turns out, or refuse them",
        _ALL_SILENT,
        fix="has_roles",
    ),
    CellCheck(
        "no_answer",
        no_answer,
        "The last turn in {column} is not the assistant's: there is no answer to learn",
        {"SFT": SILENT, "DPO": SILENT},
        _SPOKEN,
        fix="ends_with_answer",
    ),
    CellCheck(
        "ends_with_answer",
        ends_with_answer,
        "The prompt in {column} ends with an answer",
        _ALL_WARN,
        {Duty.PROMPT},
    ),
)


# ---- several cells ---------------------------------------------------------------------------


def same_answers(row: Row, parts: Mapping[Duty, Part]) -> bool:
    """The better answer is the worse one: there is nothing to prefer."""
    return bool(row.get(parts[Duty.CHOSEN].column) == row.get(parts[Duty.REJECTED].column))


def no_shared_start(row: Row, parts: Mapping[Duty, Part]) -> bool:
    """Without a prompt column the answers must begin with the same turn (or character)."""
    chosen, rejected = (row.get(parts[duty].column) for duty in (Duty.CHOSEN, Duty.REJECTED))
    return not (chosen and rejected) or chosen[0] != rejected[0]


def template_refusal(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """Why the chat template refuses one of the conversations made of this row; None if it takes all."""
    for turns, generation_prompt in _conversations(row, parts):
        if refusal := template.refusal(turns, generation_prompt=generation_prompt):
            return refusal
    return None


def _conversations(row: Row, parts: Mapping[Duty, Part]) -> Iterator[tuple[list[Any], bool]]:
    """The conversations a trainer renders of a row, and whether each is a prompt to be answered."""
    prompt = row[parts[Duty.PROMPT].column] if Duty.PROMPT in parts else []
    if Duty.PROMPT in parts:
        yield prompt, True
    for duty in (Duty.CONVERSATION, Duty.COMPLETION, Duty.CHOSEN, Duty.REJECTED):
        if duty in parts:
            yield [*prompt, *_as_read(row[parts[duty].column], parts[duty])], False


def _as_read(cell: Any, part: Part) -> Any:
    """The cell as the trainer reads it: from/value turns in 'conversations' get the usual keys."""
    if part.column == "conversations" and shape_of(cell) is Shape.TURNS:
        return [
            {"role": turn.get("from"), "content": turn.get("value")} if isinstance(turn, Mapping) else turn
            for turn in cell
        ]
    return cell


@dataclass(frozen=True)
class Problem:
    """A check's hit in one row.

    Attributes:
        rule: The check's name.
        message: What the finding says.
        columns: The columns concerned.
        effect: What it does to this method's training.
        cell: What to show as an example.
        fix: The rule of a fix for these columns, or None.
    """

    rule: str
    message: str
    columns: tuple[str, ...]
    effect: str
    cell: Any = None
    fix: str | None = None


def problems(method: str, row: Row, parts: Sequence[Part], template: ChatTemplate | None = None) -> Iterator[Problem]:
    """Everything wrong with one row for a method; duplicates are found elsewhere, they need all rows."""
    broken = False
    for part in parts:
        for problem in _cell_problems(method, _as_read(row.get(part.column), part), part, template):
            broken |= problem.effect == CRASH
            yield problem
    if not broken:
        yield from _row_problems(row, {part.duty: part for part in parts}, template)


def _cell_problems(method: str, cell: Any, part: Part, template: ChatTemplate | None) -> Iterator[Problem]:
    for check in TURN_CHECKS if part.turns else TEXT_CHECKS:
        if method in check.effects and part.duty in check.duties and check.found(cell):
            unsure = _DEPENDS if check.depends and template is None else ""
            message = check.message.format(column=f"'{part.column}'") + unsure
            yield Problem(check.rule, message, (part.column,), check.effects[method], cell, check.fix)
            if check.ends:
                return


def _row_problems(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate | None) -> Iterator[Problem]:
    if Duty.CHOSEN in parts and Duty.REJECTED in parts:
        yield from _pair_problems(row, parts)
    if template and any(part.turns for part in parts.values()):
        refusal = template_refusal(row, parts, template)
        if refusal:
            columns = tuple(part.column for part in parts.values())
            yield Problem(
                "template_refuses",
                f"The model's chat template refuses the conversation: {refusal}",
                columns,
                CRASH,
                row,
            )


def _pair_problems(row: Row, parts: Mapping[Duty, Part]) -> Iterator[Problem]:
    columns = (parts[Duty.CHOSEN].column, parts[Duty.REJECTED].column)
    cell = row.get(columns[0])
    if same_answers(row, parts):
        words = "Chosen and rejected answers are the same: nothing is learned"
        yield Problem("same_answers", words, columns, SILENT, cell, "answers_differ")
    elif Duty.PROMPT not in parts and no_shared_start(row, parts):
        turns = parts[Duty.CHOSEN].turns
        words = "Chosen and rejected answers do not begin alike, so that there is no prompt"
        fix = "share_a_start"
        yield Problem("no_shared_start", words, columns, CRASH if turns else WARN, cell, fix if turns else None)
