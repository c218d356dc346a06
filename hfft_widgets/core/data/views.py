"""The report as text, Markdown and HTML: three renderings of one value. What comes from a dataset is never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from hfft_widgets.core import html as h
from hfft_widgets.core.data.examine import shortened
from hfft_widgets.core.data.values import Finding, Status, Verdict
from hfft_widgets.core.units import count_text, plural

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

SYMBOLS = {Status.READY: "✓", Status.BLOCKED_BY_ROWS: "!", Status.NEEDS_MAPPING: "!", Status.INCOMPATIBLE: "✗"}
_ICONS = {Status.READY: "ok", Status.BLOCKED_BY_ROWS: "bad", Status.NEEDS_MAPPING: "warn", Status.INCOMPATIBLE: "info"}
_EFFECT_ICONS = {"crash": "bad", "dropped": "warn", "silent": "warn", "warn": "info"}
EFFECT_WORDS = {
    "crash": "stops the training",
    "dropped": "left out by the trainer",
    "silent": "trains, but not on what was meant",
    "warn": "worth knowing",
}
_NAME_CHARACTERS, _CELL_CHARACTERS, _PREVIEW_ROWS, _PREVIEW_COLUMNS = 120, 160, 3, 6

# Characters that would rearrange the text around them, or that a terminal would obey.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def shown(value: object, characters: int = _CELL_CHARACTERS) -> str:
    r"""A text of the dataset in one line of bounded length, with every invisible character written out.

    >>> shown("a\nb\u202e")
    'a\\nb\\u202e'
    """
    text = shortened(value, characters)
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def name_of(report: ValidationReport) -> str:
    """The dataset's name as every rendering shows it."""
    return shown(report.name, _NAME_CHARACTERS)


# ---- text ------------------------------------------------------------------------------------


def text(report: ValidationReport) -> str:
    """The short text: one paragraph per method, then what some rows have."""
    parts = [f"Dataset validation for {name_of(report)}:"]
    parts += ["\n".join(_text_lines(method, verdict)) for method, verdict in report.verdicts.items()]
    if report.findings:
        parts.append("\n".join(["Rows:", *(f"  {shown(line, 1000)}" for line in _finding_lines(report))]))
    return "\n\n".join(parts)


def _text_lines(method: str, verdict: Verdict) -> Iterator[str]:
    yield f"{method}: {SYMBOLS[verdict.status]} {verdict.status}"
    for line in (verdict.reason, *verdict.details):
        yield f"  {shown(line, 1000)}"


def _finding_lines(report: ValidationReport) -> Iterator[str]:
    for finding in report.findings:
        yield f"{plural(finding.count, 'row')}: {finding.message} ({_effects(finding)})"


def _effects(finding: Finding) -> str:
    """The effects in words, methods with the same effect together: "SFT, DPO: stops the training"."""
    methods: dict[str, list[str]] = {}
    for method, effect in finding.effects.items():
        methods.setdefault(effect, []).append(method)
    return "; ".join(f"{', '.join(names)}: {EFFECT_WORDS[effect]}" for effect, names in methods.items())


# ---- Markdown --------------------------------------------------------------------------------


def markdown(report: ValidationReport) -> str:
    """The report as Markdown, for a model card or an issue."""
    lines = [f"## {_md(name_of(report))}", "", f"{plural(report.total, 'row')}, {_md(_subtitle(report))}", ""]
    for method, verdict in report.verdicts.items():
        lines.append(f"- **{method}: {SYMBOLS[verdict.status]} {verdict.status}** {_md(shown(verdict.reason, 1000))}")
        lines += [f"  - {_md(shown(line, 1000))}" for line in verdict.details]
    if report.findings:
        lines += ["", "### Rows", "", *(f"- {_md(shown(line, 1000))}" for line in _finding_lines(report))]
    return "\n".join(lines) + "\n"


def _md(words: str) -> str:
    return _MARKDOWN.sub(r"\\\1", words)


# ---- HTML ------------------------------------------------------------------------------------


def html(report: ValidationReport) -> h.Markup:
    """The card."""
    return h.card(
        name_of(report),
        _subtitle(report),
        _chip(report),
        _figures(report),
        h.items(_method_item(method, verdict) for method, verdict in report.verdicts.items()),
        h.items(_finding_item(finding) for finding in report.findings) if report.findings else None,
        _preview(report),
        label=f"Dataset validation for {name_of(report)}",
    )


def _subtitle(report: ValidationReport) -> str:
    columns = ", ".join(shown(name, 40) for name in islice(report.columns, 8))
    more = f" and {len(report.columns) - 8} more" if len(report.columns) > 8 else ""
    checked = f"chat template of {shown(report.model, 80)}" if report.model and report.template else "no chat template"
    agreed = [
        plural(len(found), noun) for found, noun in ((report.mappings, "mapping"), (report.fixes, "fix")) if found
    ]
    return " · ".join([f"columns {columns}{more}", f"checked {report.coverage}, {checked}", *agreed])


def _chip(report: ValidationReport) -> h.Markup:
    method = report.recommended
    if method is None:
        return h.chip("bad", "No method fits")
    words = {
        Status.READY: ("ok", f"Ready for {method}"),
        Status.NEEDS_MAPPING: ("warn", f"{method} after mapping columns"),
        Status.BLOCKED_BY_ROWS: ("warn", f"{method} after fixing rows"),
    }
    return h.chip(*words[report.verdicts[method].status])


def _figures(report: ValidationReport) -> h.Markup:
    pairs: list[tuple[str, h.Child]] = [
        (count_text(report.total), "row" if report.total == 1 else "rows"),
        (count_text(len(report.columns)), "column" if len(report.columns) == 1 else "columns"),
    ]
    numbers = report.statistics.get(report.recommended or "")
    if numbers:
        if numbers["rows"] != report.total:
            pairs.append((count_text(numbers["rows"]), f"rows for {report.recommended}"))
        pairs.append((count_text(numbers["characters_median"]), "characters per row (median)"))
        pairs.append((count_text(numbers["characters_p99"]), "characters per row (99th percentile)"))
    return h.figures(*pairs)


def _method_item(method: str, verdict: Verdict) -> tuple[str, h.Child, h.Child, h.Child]:
    details = [h.el("div", _safe(line)) for line in verdict.details]
    return _ICONS[verdict.status], method, [_safe(verdict.reason), *details], str(verdict.status)


def _finding_item(finding: Finding) -> tuple[str, h.Child, h.Child, h.Child]:
    where = ", ".join(f"{number:,}" for number in finding.rows[:5]) + (" …" if finding.count > 5 else "")
    example = h.fold(f"Show an example (row {finding.rows[0]:,})", h.el("pre", _safe(finding.example, 500)))
    fix = h.el("div", "Fix: ", _safe(finding.fix.label)) if finding.fix else None
    rows = h.el("div", f"{_effects(finding)} · {'row' if finding.count == 1 else 'rows'} {where}")
    return _EFFECT_ICONS[finding.severity], _safe(finding.message), [rows, fix, example], plural(finding.count, "row")


def _preview(report: ValidationReport) -> h.Markup | None:
    rows = list(islice(report.rows, _PREVIEW_ROWS))
    if not rows:
        return None
    columns = list(islice(report.columns, _PREVIEW_COLUMNS))
    cells = [tuple(_safe(shortened(row.get(name), _CELL_CHARACTERS)) for name in columns) for row in rows]
    left = len(report.columns) - len(columns)
    more = f", {len(columns)} of {len(report.columns)} columns" if left else ""
    return h.fold(
        f"First {plural(len(rows), 'row')}{more}", h.table([_safe(name, 40) for name in columns], cells, class_="words")
    )


def _safe(value: object, characters: int = 1000) -> h.Markup:
    """Text of the dataset: isolated, so that right-to-left letters leave the rest of the card alone."""
    return h.el("bdi", shown(value, characters))
