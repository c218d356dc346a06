"""What can be wrong with a row: one function per check, and registers that say what it means.

Checks give a problem its name, its words and its remedy. Whether it ends the training is not theirs to say: that is
what the twin of the trainer does with the row. `otherwise` is what the problem does where the trainer takes the row:
"silent" (it trains, not on what was meant) or "warn" (worth knowing).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfft_widgets.core.data.fitting import repeats
from hfft_widgets.core.data.methods import Duty, Part
from hfft_widgets.core.data.shapes import ROLES, Row, Shape, picture_opens, says_nothing, shape_of
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.trainers import Reading

CRASH, DROPPED, SILENT, WARN = "crash", "dropped", "silent", "warn"

_ANSWERS = frozenset({Duty.COMPLETION, Duty.CHOSEN, Duty.REJECTED})
_SPOKEN = _ANSWERS | {Duty.CONVERSATION}  # where the last turn is the one to learn
_WORDS = _SPOKEN | {Duty.PROMPT, Duty.TEXT}
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


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


_DEPENDS = ". What becomes of it depends on the chat template: most render nothing, Qwen2.5's refuses"

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


# ---- several cells ---------------------------------------------------------------------------


def same_answers(row: Row, parts: Mapping[Duty, Part]) -> bool:
    """The better answer is the worse one: there is nothing to prefer."""
    return bool(row.get(parts[Duty.CHOSEN].column) == row.get(parts[Duty.REJECTED].column))


def no_shared_start(row: Row, parts: Mapping[Duty, Part]) -> bool:
    """Without a prompt column the answers must begin with the same turn (or character)."""
    chosen, rejected = (row.get(parts[duty].column) for duty in (Duty.CHOSEN, Duty.REJECTED))
    return not (chosen and rejected) or chosen[0] != rejected[0]


def one_is_the_start_of_the_other(row: Row, parts: Mapping[Duty, Part]) -> bool:
    """Without a prompt column, nothing of one answer is left behind what both begin with."""
    chosen, rejected = (row[parts[duty].column] for duty in (Duty.CHOSEN, Duty.REJECTED))
    short = min(len(chosen), len(rejected))
    return bool(chosen[:short] == rejected[:short])


def broken_tools(row: Row) -> bool:
    """Tools that are neither a list of records nor JSON text of one."""
    tools = row.get("tools")
    try:
        tools = json.loads(tools) if isinstance(tools, str) else tools
    except ValueError:
        return True
    return tools is not None and not (isinstance(tools, list) and all(isinstance(tool, Mapping) for tool in tools))


def repeated_prompt(row: Row, parts: Mapping[Duty, Part]) -> str | None:
    """The column of an answer that begins with the prompt once more."""
    prompt = row.get(parts[Duty.PROMPT].column)
    answers = [parts[duty].column for duty in (Duty.COMPLETION, Duty.CHOSEN, Duty.REJECTED) if duty in parts]
    return next((name for name in answers if repeats(prompt, row.get(name))), None)


def thinking_removed(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """The column of a conversation whose earlier thinking the template takes out."""
    for part in parts.values():
        turns = row.get(part.column) if part.turns else None
        earlier = _texts(turns[:-1]) if isinstance(turns, list) else []
        if any(_THINKING.search(text) for text in earlier) and not template.keeps_thinking:
            return part.column
    return None


# ---- problems --------------------------------------------------------------------------------


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
        explains: How well it explains that a trainer refuses or drops the row.
    """

    rule: str
    message: str
    columns: tuple[str, ...]
    effect: str
    cell: Any = None
    fix: str | None = None
    explains: int = 0


def problems(method: str, row: Row, parts: Sequence[Part], template: ChatTemplate, reading: Reading) -> list[Problem]:
    """Everything wrong with one row for a method; duplicates and lengths are found elsewhere, they need all rows.

    Args:
        method: The method.
        row: The row as the trainer gets it.
        parts: The columns it reads.
        template: The chat template.
        reading: What the trainer makes of the row: it decides the effects.
    """
    pictures = any(part.duty is Duty.PICTURES for part in parts)
    found = [problem for part in parts for problem in _of_cell(row.get(part.column), part, template, pictures)]
    if not any(problem.explains > 1 for problem in found):
        found += _of_row(method, row, {part.duty: part for part in parts}, template)
    if reading.refusal:
        return _explained(found, row, parts, reading)
    return _dropped(found, row, parts) if reading.dropped else found


def _explained(found: list[Problem], row: Row, parts: Sequence[Part], reading: Reading) -> list[Problem]:
    """The problems of a row that ends the training: the best explanation is what ends it."""
    best = max((problem.explains for problem in found), default=0)
    if reading.by_template and best < 2:
        refusal = _template_refuses(row, parts, reading.refusal)
        reasons = [problem for problem in found if problem.explains == 1] or [refusal]
    else:
        reasons = [problem for problem in found if problem.explains == best > 0] or [_refused(row, parts, reading)]
    others = [problem for problem in found if problem not in reasons and problem.effect == WARN]
    return [replace(problem, effect=CRASH) for problem in reasons] + others


def _template_refuses(row: Row, parts: Sequence[Part], refusal: str) -> Problem:
    columns = tuple(part.column for part in parts if part.turns)
    words = f"The model's chat template refuses the conversation: {refusal}"
    first: Any = next((row[name] for name in columns if row.get(name)), None)
    system = isinstance(first, list) and isinstance(first[0], Mapping) and first[0].get("role") == "system"
    return Problem("template_refuses", words, columns, CRASH, row, "merge_system" if system else "leave_out")


def _refused(row: Row, parts: Sequence[Part], reading: Reading) -> Problem:
    columns = tuple(part.column for part in parts)
    return Problem("trainer_refuses", f"The trainer stops: {reading.refusal}", columns, CRASH, row, "leave_out")


def _dropped(found: list[Problem], row: Row, parts: Sequence[Part]) -> list[Problem]:
    reasons = [replace(problem, effect=DROPPED) for problem in found if problem.effect == SILENT]
    rest = [problem for problem in found if problem.effect != SILENT]
    words = "Nothing of the row is left to learn: the trainer leaves it out"
    alone = Problem("nothing_learned", words, tuple(part.column for part in parts), DROPPED, row, "leave_out")
    return (reasons or [alone]) + rest


def _of_cell(cell: Any, part: Part, template: ChatTemplate, pictures: bool) -> Iterator[Problem]:
    if part.duty in {Duty.LABEL, Duty.MARGIN, Duty.PICTURES}:
        checks = OTHER_CHECKS
    else:
        checks = TURN_CHECKS if part.turns else TEXT_CHECKS
        cell = _as_read(cell, part)
    for check in checks:
        found = content_not_parts if pictures and check.found is content_not_text else check.found
        if part.duty in check.duties and found(cell):
            unsure = _DEPENDS if check.depends and not template.known else ""
            message = check.message.format(column=f"'{part.column}'") + unsure
            yield Problem(check.rule, message, (part.column,), check.otherwise, cell, check.fix, check.explains)
            if check.ends:
                return


def _as_read(cell: Any, part: Part) -> Any:
    """The cell as the trainer reads it: from/value turns in 'conversations' get the usual keys."""
    if part.column == "conversations" and shape_of(cell) is Shape.TURNS:
        return [
            {"role": turn.get("from"), "content": turn.get("value")} if isinstance(turn, Mapping) else turn
            for turn in cell
        ]
    return cell


def _of_row(method: str, row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> Iterator[Problem]:
    if Duty.CHOSEN in parts and Duty.REJECTED in parts:
        yield from _of_pair(method, row, parts)
    if Duty.PROMPT in parts and (column := repeated_prompt(row, parts)):
        words = f"The answer in '{column}' begins with the prompt once more"
        yield Problem("repeated_prompt", words, (parts[Duty.PROMPT].column, column), SILENT, row[column], "leave_out")
    if method not in {"GRPO", "RLOO"} and broken_tools(row):
        words = "Tools that are no list of records, nor JSON text of one"
        yield Problem("broken_tools", words, ("tools",), SILENT, row["tools"], "leave_out", 2)
    yield from _of_template(row, parts, template)


def _of_template(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> Iterator[Problem]:
    if column := control_tokens(row, parts, template):
        words = f"A control token of chat templates stands in '{column}': the tokenizer makes a real one of it"
        yield Problem("control_tokens", words, (column,), SILENT, row[column], "leave_out")
    if template.known and (column := left_out(row, parts, template)):
        words = f"The model's chat template leaves out a turn in '{column}'"
        yield Problem("template_leaves_out", words, (column,), SILENT, row[column], "leave_out")
    if template.known and (column := thinking_removed(row, parts, template)):
        words = f"The model's chat template takes earlier thinking out of '{column}'"
        yield Problem("thinking_removed", words, (column,), WARN, row[column])


def control_tokens(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """The column with a written-out control token."""
    for part in parts.values():
        if any(template.control_tokens(text) for text in _texts(row.get(part.column))):
            return part.column
    return None


def _texts(cell: Any) -> list[str]:
    turns = cell if isinstance(cell, list) else []
    contents = [turn.get("content", turn.get("value")) for turn in turns if isinstance(turn, Mapping)]
    return [text for text in [cell, *contents] if isinstance(text, str)]


def left_out(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """The column with a turn of a known role whose words the template does not render."""
    for part in parts.values():
        turns = _as_read(row.get(part.column), part) if part.turns else None
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            continue
        if any(turns[number].get("role") in ROLES for number in template.left_out(turns)):
            return part.column
    return None


def _of_pair(method: str, row: Row, parts: Mapping[Duty, Part]) -> Iterator[Problem]:
    columns = (parts[Duty.CHOSEN].column, parts[Duty.REJECTED].column)
    cell = row.get(columns[0])
    turns = parts[Duty.CHOSEN].turns
    if same_answers(row, parts):
        words = "Chosen and rejected answers are the same: nothing is learned"
        yield Problem("same_answers", words, columns, SILENT, cell, "answers_differ", explains=1)
    elif Duty.PROMPT in parts or method == "Reward":
        return
    elif no_shared_start(row, parts):
        words = "Chosen and rejected answers do not begin alike, so that there is no prompt"
        fix = "share_a_start" if turns else "leave_out"
        yield Problem("no_shared_start", words, columns, SILENT, cell, fix, explains=2 if turns else 0)
    elif one_is_the_start_of_the_other(row, parts):
        words = "One answer is the start of the other: nothing of it is left behind the prompt"
        yield Problem("nothing_behind_the_prompt", words, columns, SILENT, cell, "leave_out", explains=1)
