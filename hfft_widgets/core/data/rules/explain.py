"""What is wrong with one row, and what of it explains that a trainer refuses the row or leaves it out.

The emulator of the trainer decides the effects: a problem that explains why the trainer refuses or drops a row takes
that effect, the others keep their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from hfft_widgets.core.data import rules
from hfft_widgets.core.data.columns import Row, Shape, shape_of
from hfft_widgets.core.data.emulators import Reading
from hfft_widgets.core.data.emulators.outline import outline, pair_of, parsed
from hfft_widgets.core.data.mapping.preferences import scores_of_pair
from hfft_widgets.core.data.match_columns import ColumnRole, ColumnUse
from hfft_widgets.core.data.rules.base import (
    ANSWERS,
    CRASH,
    DROPPED,
    SILENT,
    WARN,
    Problem,
    Rule,
    Scope,
    Turns,
    problem_of,
)
from hfft_widgets.core.data.rules.dataset import CONTRADICTED, PLAIN
from hfft_widgets.core.data.rules.trainer import NOTHING_LEARNED, TEMPLATE_REFUSES, TRAINER_REFUSES
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.method import METHODS
from hfft_widgets.scripts.rows import higher

_OF_NO_CELL = {Scope.LENGTH, Scope.DATASET, Scope.TRAINER}
Place = tuple[Any, tuple[str, ...]]
"""What a facet is given, and the columns it stands in; the example and the message are the last one's."""


def problems(
    method: str, row: Row, parts: Sequence[ColumnUse], template: ChatTemplate, reading: Reading
) -> list[Problem]:
    """Everything wrong with one row for a method; duplicates and lengths are found elsewhere, they need all rows.

    Args:
        method: The method.
        row: The row as the trainer gets it.
        parts: The columns it reads.
        template: The chat template.
        reading: What the trainer makes of the row: it decides the effects.
    """
    uses = {part.duty: part for part in parts}
    asked = [rule for rule in _of_rows(rules.RULES) if rule.fits(METHODS[method], uses)]
    found = [problem for part in parts for problem in _of_cell(row, part, asked, template)]
    if not any(problem.explains > 1 for problem in found):
        found += [*_of_row(row, parts, asked, template), *_plain(row, parts, template), *_contradicted(row, uses)]
    if reading.refusal:
        return _explained(found, row, parts, reading)
    return _dropped(found, row, parts) if reading.dropped else found


@lru_cache(maxsize=4)
def _of_rows(registered: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule for rule in registered if rule.scope not in _OF_NO_CELL)


# ---- where a rule looks ----------------------------------------------------------------------


def _of_cell(row: Row, part: ColumnUse, asked: Sequence[Rule], template: ChatTemplate) -> Iterator[Problem]:
    cell = _as_read(row.get(part.column), part)
    for rule in asked:
        if not rule.of_row and any(rule.applies(rule.facet(seen)) for seen in _seen(rule, part, cell)):
            problem = problem_of(rule, (part.column,), cell)
            yield problem if template.known else replace(problem, message=problem.message + rule.unsure)
            if rule.ends:
                return


def _of_row(row: Row, parts: Sequence[ColumnUse], asked: Sequence[Rule], template: ChatTemplate) -> Iterator[Problem]:
    for rule in asked:
        if rule.of_row:
            given = (template,) if rule.asks_template else ()
            places = _places(rule, row, parts)
            has = (columns for seen, columns in places if rule.applies(rule.facet(seen), *given))
            for columns in islice(has, 1):
                shown = columns[-1] if rule.scope is not Scope.PAIR or "{column}" in rule.message else columns[0]
                yield problem_of(rule, columns, row.get(shown), named=shown)


def _plain(row: Row, parts: Sequence[ColumnUse], template: ChatTemplate) -> Iterator[Problem]:
    """Text that a model with a chat template learns without it."""
    questions = [part for part in parts if part.duty is ColumnRole.PROMPT]
    columns = [part.column for part in (*questions, *(part for part in parts if part.duty in ANSWERS))]
    if template.known and questions and len(columns) > 1 and not any(part.turns for part in parts):
        yield problem_of(PLAIN, tuple(columns), row.get(columns[0]))


def _contradicted(row: Row, uses: Mapping[ColumnRole, ColumnUse]) -> Iterator[Problem]:
    """A pair whose own scores say that the rejected answer is the better one."""
    scored = scores_of_pair(list(row)) if {ColumnRole.CHOSEN, ColumnRole.REJECTED} <= uses.keys() else None
    if scored:
        better, worse = scored[:2] if scored[2] == "highest" else (scored[1], scored[0])
        if higher(row.get(better), row.get(worse)) is False:
            yield problem_of(CONTRADICTED, scored[:2], row)


def _places(rule: Rule, row: Row, parts: Sequence[ColumnUse]) -> Iterator[Place]:
    if rule.scope is Scope.PAIR:
        assert isinstance(rule.roles, tuple)
        firsts, seconds = ([part.column for part in parts if part.duty in roles] for roles in rule.roles)
        yield from ((pair_of(row.get(a), row.get(b)), (a, b)) for a in firsts for b in seconds)
    elif rule.scope is Scope.ROW:
        yield partial(_outline_of, row), ("tools",)
    else:
        for part in parts:
            cell = _as_read(row.get(part.column), part)
            yield from ((seen, (part.column,)) for seen in _seen(rule, part, cell))


def _outline_of(row: Row, name: str) -> Any:
    return outline(parsed(row.get(name)) if name == "tools" else row.get(name))


def _seen(rule: Rule, part: ColumnUse, cell: Any) -> Iterator[Any]:
    """What the facet of a rule of cells is given of this one."""
    if part.duty not in rule.roles:
        return
    if rule.scope is Scope.TEXT:
        yield from _texts(cell, rule.turns)
    elif (rule.scope is Scope.MESSAGES) is part.turns:
        yield outline(cell)


def _texts(cell: Any, turns: Turns) -> list[str]:
    """The texts of a cell that a rule of texts looks at."""
    if not isinstance(cell, list):
        return [cell] if isinstance(cell, str) and turns is not Turns.EARLIER else []
    said = [turn for turn in cell if isinstance(turn, Mapping)]
    if turns is Turns.EARLIER:
        said = [turn for turn in cell[:-1] if isinstance(turn, Mapping)]
    if turns is Turns.ANSWER:
        said = [turn for turn in said[-1:] if turn.get("role") == "assistant" and not turn.get("tool_calls")]
    contents = (turn.get("content", turn.get("value")) for turn in said)
    return [content for content in contents if isinstance(content, str)]


def _as_read(cell: Any, part: ColumnUse) -> Any:
    """The cell as the trainer reads it: from/value turns in 'conversations' get the usual keys."""
    if part.turns and part.column == "conversations" and shape_of(cell) is Shape.TURNS:
        return [
            {"role": turn.get("from"), "content": turn.get("value")} if isinstance(turn, Mapping) else turn
            for turn in cell
        ]
    return cell


# ---- what explains what becomes of the row ---------------------------------------------------


def _explained(found: list[Problem], row: Row, parts: Sequence[ColumnUse], reading: Reading) -> list[Problem]:
    """The problems of a row that ends the training: the best explanation is what ends it."""
    best = max((problem.explains for problem in found), default=0)
    if reading.by_template and best < 2:
        refusal = _template_refuses(row, parts, reading.refusal)
        reasons = [problem for problem in found if problem.explains == 1] or [refusal]
    elif reading.unanswered and best < 2:
        reasons = [problem for problem in found if problem.rule == "no_answer"] or [_refused(row, parts, reading)]
    else:
        reasons = [problem for problem in found if problem.explains == best > 0] or [_refused(row, parts, reading)]
    others = [problem for problem in found if problem not in reasons and problem.effect == WARN]
    return [replace(problem, effect=CRASH) for problem in reasons] + others


def _template_refuses(row: Row, parts: Sequence[ColumnUse], refusal: str) -> Problem:
    columns = tuple(part.column for part in parts if part.turns)
    words = f"{TEMPLATE_REFUSES.message}: {refusal}"
    first: Any = next((row[name] for name in columns if row.get(name)), None)
    system = isinstance(first, list) and isinstance(first[0], Mapping) and first[0].get("role") == "system"
    return Problem(TEMPLATE_REFUSES.id, words, columns, CRASH, row, "merge_system" if system else "leave_out")


def _refused(row: Row, parts: Sequence[ColumnUse], reading: Reading) -> Problem:
    columns = tuple(part.column for part in parts)
    found = problem_of(TRAINER_REFUSES, columns, row)
    return replace(found, message=f"{found.message}: {reading.refusal}")


def _dropped(found: list[Problem], row: Row, parts: Sequence[ColumnUse]) -> list[Problem]:
    reasons = [replace(problem, effect=DROPPED) for problem in found if problem.effect == SILENT]
    rest = [problem for problem in found if problem.effect != SILENT]
    return (reasons or [problem_of(NOTHING_LEARNED, tuple(part.column for part in parts), row)]) + rest
