"""Single rows: as they are, as the model sees them, and before and after a mapping or a fix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfft_widgets.core import html as h
from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.preparing import prepared
from hfft_widgets.core.data.shapes import Row
from hfft_widgets.core.data.shortening import shortened
from hfft_widgets.core.data.values import Finding
from hfft_widgets.core.data.views_words import safe, shown, shown_lines
from hfft_widgets.core.diff import changed_lines, diff_line
from hfft_widgets.errors import DataError

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.data.trainers import Passage, Reading

_CELL_CHARACTERS, _PASSAGE_CHARACTERS, _PREVIEW_CHARACTERS = 3000, 6000, 240
_CONTEXT_LINES, _CHANGE_LINES = 2, 60
_AFFECTED_ROWS = 3


# ---- a row as it is --------------------------------------------------------------------------


def row_table(number: int, row: Row) -> h.Markup:
    """A row's cells: text as it is, everything else as JSON."""
    cells = [(safe(name, 80), h.el("pre", shown_lines(_cell(cell), _CELL_CHARACTERS), dir="auto"))
             for name, cell in row.items()]  # fmt: skip
    title = h.el("div", h.el("b", f"Row {number:,}"), " as it is in the dataset")
    return h.join([title, h.table(["Column", "Cell"], cells, class_="words row")])


def _cell(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    try:
        return json.dumps(cell, ensure_ascii=False, indent=1, default=shortened)
    except (TypeError, ValueError, RecursionError):
        return repr(cell)


# ---- what the model sees ---------------------------------------------------------------------


def seen(report: ValidationReport, method: str, number: int) -> h.Markup:
    """One row as the method's trainer gives it to the model, what is learned marked by colour and by underline."""
    title = h.el("div", h.el("b", f"What the model sees with {method}"), _through(report))
    try:
        reading = report.reading(method, number)
    except DataError as error:
        return h.join([title, _line("info", f"{error.what} {error.remedy}")])
    return h.join([title, *_reading(reading)])


def _through(report: ValidationReport) -> str:
    if not report.model:
        return ", through a plain chat template, since no model is chosen"
    return f", through the chat template of {shown(report.model, 80)}" if report.template else ", as plain text"


def _reading(reading: Reading) -> Iterator[h.Markup]:
    if reading.refusal:
        yield _line("bad", f"The trainer refuses this row: {shown(reading.refusal, 400)}")
    if reading.dropped:
        yield _line("warn", "The trainer leaves this row out: no token of it would be learned")
    for passage in reading.passages:
        yield _passage(passage)
    if any(passage.learned for passage in reading.passages):
        yield h.el(
            "div", h.el("mark", "underlined", class_="learned"), ": learned; the rest is only read", class_="fix"
        )
    elif reading.passages:
        yield h.el("div", "Nothing here is learned as it stands: the model writes its own answers", class_="fix")


def _passage(passage: Passage) -> h.Markup:
    context = shown_lines(passage.context, _PASSAGE_CHARACTERS)
    learned = shown_lines(passage.learned, _PASSAGE_CHARACTERS)
    mark = h.el("mark", learned, class_="learned") if learned else None
    return h.join([h.el("div", passage.name, class_="sub"), h.el("pre", context, mark, dir="auto", class_="seen")])


def _line(kind: str, words: str) -> h.Markup:
    return h.el("div", h.icon(kind), " ", words)


# ---- before and after a fix ------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What a fix does to one row.

    Attributes:
        number: The row's number in the dataset as it was given.
        before: The row as the trainer would get it now.
        after: The same with the fix; None: it is left out.
    """

    number: int
    before: Row
    after: Row | None


def changes(report: ValidationReport, finding: Finding) -> list[Change]:
    """What the finding's fix does to the first of its rows."""
    fix = finding.fix
    if fix is None:
        return []
    method = next(m for m in finding.effects if fix.concerns(m))
    mapping = None if fix.first else report.verdicts[method].mapping
    fixes = [agreed for agreed in report.fixes if agreed.rule != "deduplicate" and agreed.first >= fix.first]
    numbers = finding.rows[:_AFFECTED_ROWS]
    made = []
    for number, row in zip(numbers, report.rows.take(numbers), strict=True):
        now = dict(_left([(number, row)], method, mapping, fixes))
        then = {} if fix.rule == "deduplicate" else dict(fix.numbered(now.items()))
        made += [Change(number, before, then.get(number)) for before in now.values()]
    return made


def _left(numbered: list[tuple[int, Any]], method: str, mapping: ColumnMapping | None, fixes: Any) -> Any:
    try:
        return list(prepared(numbered, method, mapping, fixes))
    except MAPPING_ERRORS:
        return numbered


def changes_view(made: Sequence[Change]) -> h.Markup:
    """Rows before (-) and after (+)."""
    return h.join(_change(change) for change in made)


def _change(change: Change) -> h.Markup:
    if change.after is None:
        title, lines = "is left out", [("-", line) for line in _short_lines(change.before)]
    elif change.after == change.before:
        title, lines = "stays as it is", [(" ", line) for line in _short_lines(change.before)]
    else:
        before, after = (_cell(dict(row)).split("\n") for row in (change.before, change.after))
        title, lines = "is changed", list(changed_lines(before, after, _CONTEXT_LINES))
    head = h.el("div", h.el("b", f"Row {change.number:,}"), f" {title}", class_="fix")
    listed = [diff_line(sign, shown_lines(line, _CELL_CHARACTERS)) for sign, line in lines[:_CHANGE_LINES]]
    return h.join([head, h.el("pre", listed, class_="diff", dir="auto")])


def _short_lines(row: Row) -> list[str]:
    return [f"{shown(name, 40)}: {shown(cell, _PREVIEW_CHARACTERS)}" for name, cell in row.items()]


# ---- before and after a mapping --------------------------------------------------------------


def mapping_view(mapping: ColumnMapping, rows: Sequence[Row]) -> h.Markup:
    """A few rows before and after a mapping."""
    cells = [(_listing(row, mapping.sources), _mapped(mapping, row)) for row in rows]
    return h.table(["Before", "After"], cells, class_="words halves")


def _mapped(mapping: ColumnMapping, row: Row) -> h.Markup:
    try:
        return _listing(mapping.apply(row), tuple(mapping.targets))
    except MAPPING_ERRORS as error:
        return _line("bad", f"The mapping cannot be applied to this row: {shown(repr(error), 200)}")


def _listing(row: Row, names: Sequence[str]) -> h.Markup:
    """Some columns of a row, one below the other."""
    first: Mapping[str, Any] = {name: row.get(name) for name in names}
    return h.join(
        h.el("div", h.el("b", safe(name, 40)), " ", safe(cell, _PREVIEW_CHARACTERS), class_="cell")
        for name, cell in first.items()
    )
