"""What is wrong with a row as a whole, and what becomes of a row in which something is wrong.

The twin of the trainer decides the effects: a problem that explains why the trainer refuses or drops a row takes
that effect, the others keep their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfft_widgets.core.data.checks import (
    CRASH,
    DEPENDS,
    DROPPED,
    OTHER_CHECKS,
    SILENT,
    TEXT_CHECKS,
    TURN_CHECKS,
    WARN,
    content_not_parts,
    content_not_text,
)
from hfft_widgets.core.data.fitting import repeats
from hfft_widgets.core.data.methods import Duty, Part
from hfft_widgets.core.data.shapes import ROLES, Row, Shape, shape_of
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.trainers import Reading

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


# ---- one row ----------------------------------------------------------------------------------


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


def control_tokens(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """The column with a written-out control token."""
    for part in parts.values():
        if any(template.control_tokens(text) for text in _texts(row.get(part.column))):
            return part.column
    return None


def left_out(row: Row, parts: Mapping[Duty, Part], template: ChatTemplate) -> str | None:
    """The column with a turn of a known role whose words the template does not render."""
    for part in parts.values():
        turns = _as_read(row.get(part.column), part) if part.turns else None
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            continue
        if any(turns[number].get("role") in ROLES for number in template.left_out(turns)):
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
            unsure = DEPENDS if check.depends and not template.known else ""
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


def _texts(cell: Any) -> list[str]:
    turns = cell if isinstance(cell, list) else []
    contents = [turn.get("content", turn.get("value")) for turn in turns if isinstance(turn, Mapping)]
    return [text for text in [cell, *contents] if isinstance(text, str)]


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
