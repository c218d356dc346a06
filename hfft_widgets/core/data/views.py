"""The report as a card; as text and Markdown see `views_text`. What comes from a dataset is never markup."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from hfft_widgets.core import html as h
from hfft_widgets.core.data import views_lengths
from hfft_widgets.core.data.shortening import shortened
from hfft_widgets.core.data.values import Finding, Status
from hfft_widgets.core.data.views_text import markdown, text
from hfft_widgets.core.data.views_words import (
    effects_of,
    lines_of,
    looked_at,
    name_of,
    not_known,
    rows_of,
    safe,
    shown,
)
from hfft_widgets.core.units import count_text, plural

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

__all__ = ["html", "markdown", "shown", "status_line", "text"]

_ICONS = {Status.READY: "ok", Status.BLOCKED_BY_ROWS: "bad", Status.NEEDS_MAPPING: "warn", Status.INCOMPATIBLE: "info"}
_EFFECT_ICONS = {"crash": "bad", "dropped": "warn", "silent": "warn", "warn": "info"}
_OPEN_FINDINGS, _TITLE_COLUMNS = 5, 8
_PREVIEW_ROWS, _PREVIEW_COLUMNS, _CELL_CHARACTERS = 3, 6, 160


def html(report: ValidationReport) -> h.Markup:
    """The card."""
    return h.card(
        name_of(report),
        _subtitle(report),
        _chip(report),
        _figures(report),
        _sample_note(report),
        _methods(report),
        _rows_section(report),
        *(views_lengths.section(lengths) for lengths in report.lengths.values()),
        _folds(report),
        label=f"Dataset validation for {name_of(report)}",
    )


def status_line(report: ValidationReport, method: str) -> h.Markup:
    """One method's verdict in a line: icon, word and reason."""
    verdict = report.verdicts[method]
    words = h.el("b", f"{method}: {verdict.status}")
    return h.el("div", h.icon(_ICONS[verdict.status]), words, " ", safe(verdict.reason), class_="hfft-line hfft-vars")


def _subtitle(report: ValidationReport) -> h.Markup:
    names = list(islice(report.columns, _TITLE_COLUMNS))
    columns = [[", " if place else "", safe(name, 40)] for place, name in enumerate(names)]
    more = f" and {len(report.columns) - len(names)} more" if len(report.columns) > len(names) else ""
    agreed = [
        f" · {len(found)} {one if len(found) == 1 else many}"
        for found, one, many in ((report.mappings, "mapping", "mappings"), (report.fixes, "fix", "fixes"))
        if found
    ]
    return h.join(["columns ", columns, more, " · ", safe(looked_at(report)), agreed])


def _chip(report: ValidationReport) -> h.Markup:
    method = report.recommended
    if method is None:
        return h.chip("bad", "No method fits")
    words = {
        Status.READY: ("ok", f"Ready for {method}"),
        Status.NEEDS_MAPPING: ("warn", f"{method} after mapping columns"),
        Status.BLOCKED_BY_ROWS: ("warn", f"{method} after fixing rows"),
    }
    kind, said = words[report.verdicts[method].status]
    return h.chip(kind, f"{said}, as far as seen" if report.sampled else said)


def _figures(report: ValidationReport) -> h.Markup:
    rows = "rows looked at" if report.sampled else "row" if report.total == 1 else "rows"
    pairs: list[tuple[str, h.Child]] = [(count_text(report.total), rows)]
    if report.sampled and report.all_rows:
        pairs.append((count_text(report.all_rows), "rows in all"))
    numbers = report.statistics.get(report.recommended or "")
    if numbers and numbers["rows"] != report.total:
        pairs.append((count_text(numbers["rows"]), f"rows left for {report.recommended}"))
    if lengths := report.lengths.get(report.recommended or ""):
        learned = "all" if lengths.tokens == lengths.trained_tokens else count_text(lengths.trained_tokens)
        pairs.append((count_text(lengths.tokens), f"tokens, {learned} learned"))
        pairs.append((count_text(lengths.quantile(0.5)), "tokens per row (median)"))
    elif numbers:
        pairs.append((count_text(numbers["bytes_median"]), "bytes of text per row (median)"))
        pairs.append((count_text(numbers["bytes_p99"]), "bytes of text per row (99th percentile)"))
    else:
        pairs.append((count_text(len(report.columns)), "column" if len(report.columns) == 1 else "columns"))
    return h.figures(*pairs)


def _sample_note(report: ValidationReport) -> h.Markup | None:
    words = not_known(report)
    return h.el("div", h.icon("info"), " ", words, class_="note") if words else None


# ---- methods ---------------------------------------------------------------------------------


def _methods(report: ValidationReport) -> h.Markup:
    """The recommended method first, then the others that can work, then the rest under one line."""
    usable = [m for m, verdict in report.verdicts.items() if verdict.status is not Status.INCOMPATIBLE]
    usable.sort(key=lambda method: method != report.recommended)
    others = [method for method in report.verdicts if method not in usable]
    listed = [_method(report, method) for method in usable]
    if not others:
        return h.join(listed)
    cannot = f"{plural(len(others), 'method')} cannot use these rows: {', '.join(others)}"
    return h.join([*listed, h.fold(cannot, [_method(report, method) for method in others], open_=not usable)])


def _method(report: ValidationReport, method: str) -> h.Markup:
    """One line, which opens where there is more to say."""
    verdict = report.verdicts[method]
    reason, *details = lines_of(report, method)
    kind = _ICONS[verdict.status]
    tag = [h.el("span", "recommended", class_="tag"), " "] if method == report.recommended else None
    line = [
        h.icon(kind),
        h.el("b", method),
        " ",
        h.el("span", tag, safe(reason), class_="why"),
        " ",
        h.el("span", str(verdict.status), class_=f"word {kind}"),
    ]
    if not details:
        return h.el("div", h.el("div", line, class_="row"), class_="method")
    more = h.el("div", [h.el("div", safe(line)) for line in details], class_="fix")
    return h.el("details", h.el("summary", line, class_="row"), more, class_="method")


# ---- rows ------------------------------------------------------------------------------------


def _rows_section(report: ValidationReport) -> h.Markup | None:
    if not report.findings:
        return _nothing_found(report)
    first, rest = report.findings[:_OPEN_FINDINGS], report.findings[_OPEN_FINDINGS:]
    more = h.fold(f"{plural(len(rest), 'more finding')}", _finding_list(rest)) if rest else None
    return h.join([_finding_list(first), more])


def _nothing_found(report: ValidationReport) -> h.Markup | None:
    if report.recommended is None:
        return None
    seen = f"Checked {report.coverage} for {report.recommended}"
    return h.items([("ok", "Nothing found in the rows", seen, "")])


def _finding_list(findings: Iterable[Finding]) -> h.Markup:
    return h.items(_finding_item(finding) for finding in findings)


def _finding_item(finding: Finding) -> tuple[str, h.Child, h.Child, h.Child]:
    example = h.fold(f"Show an example (row {finding.rows[0]:,})", h.el("pre", safe(finding.example, 500)))
    fix = h.el("div", "Fix: ", safe(finding.fix.label)) if finding.fix else None
    where = h.el("div", f"{effects_of(finding)} · {rows_of(finding)}")
    return _EFFECT_ICONS[finding.severity], safe(finding.message), [where, fix, example], plural(finding.count, "row")


# ---- at the end ------------------------------------------------------------------------------


def _folds(report: ValidationReport) -> h.Markup | None:
    return h.join([_agreed(report), _preview(report)]) or None


def _agreed(report: ValidationReport) -> h.Markup | None:
    """What a person agreed to, and the lines it becomes in the training script."""
    fixes = [h.el("div", safe(fix.label), class_="fix") for fix in report.fixes]
    codes = {method: report.code(method) for method in report.verdicts if method in report.mappings}
    if report.fixes and report.recommended:
        codes.setdefault(report.recommended, report.code(report.recommended))
    scripts = [h.el("pre", h.el("bdi", code), class_="code") for code in dict.fromkeys(codes.values()) if code]
    return h.fold("What was agreed to, as in the training script", fixes, scripts) if fixes or scripts else None


def _preview(report: ValidationReport) -> h.Markup | None:
    rows = report.rows.take(range(min(_PREVIEW_ROWS, report.total)))
    if not rows:
        return None
    columns = list(islice(report.columns, _PREVIEW_COLUMNS))
    cells = [tuple(safe(shortened(row.get(name), _CELL_CHARACTERS)) for name in columns) for row in rows]
    left = len(report.columns) - len(columns)
    more = f", {len(columns)} of {len(report.columns)} columns" if left else ""
    return h.fold(
        f"First {plural(len(rows), 'row')}{more}", h.table([safe(name, 40) for name in columns], cells, class_="words")
    )
