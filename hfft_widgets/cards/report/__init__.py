"""The report as a card; as text and Markdown see `text`. What comes from a dataset is never markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards import parts as p
from hfft_widgets.cards.report.lengths import figure as lengths_figure
from hfft_widgets.cards.report.lengths import section as length_section
from hfft_widgets.cards.report.rules import page as rule_page
from hfft_widgets.cards.report.text import markdown, text
from hfft_widgets.cards.report.words import (
    Values,
    effects_of,
    learned_lines,
    lines_of,
    looked_at,
    name_of,
    not_known,
    rows_of,
    safe,
    sampled,
    severity,
    shown,
)
from hfft_widgets.core import html as h
from hfft_widgets.core.data.rules.book import pages
from hfft_widgets.core.units import count_text, plural

__all__ = ["html", "markdown", "shown", "status_line", "text"]

_ICONS = {"READY": "ok", "BLOCKED BY ROWS": "bad", "NEEDS MAPPING": "warn", "INCOMPATIBLE": "info"}
_EFFECT_ICONS = {"crash": "bad", "dropped": "warn", "silent": "warn", "warn": "info"}
_READY_WORDS = {
    "READY": "Ready for {}",
    "NEEDS MAPPING": "{} after mapping columns",
    "BLOCKED BY ROWS": "{} after fixing rows",
}
_OPEN_FINDINGS, _TITLE_COLUMNS, _CELL_CHARACTERS = 5, 8, 160


def html(report: Values) -> h.Markup:
    """The card."""
    title = name_of(report)
    above = [known(part, report) for part in (_figures, _sample_note, _methods, _rows_section)]
    lengths = [known(length_section, *item) for item in report.get("lengths", {}).items()]
    lengths += [known(learned_section, report)]
    folded = h.join(known(part, report) for part in (_applied, preview))
    label = f"Dataset validation for {title}"
    return p.card(title, known(_subtitle, report), known(_chip, report), *above, *lengths, folded, label=label)


def figure(report: Values) -> dict[str, Any]:
    """Tokens per row of each method, as `plotly.graph_objects.Figure` takes it."""
    return lengths_figure(report)


def top(report: Values) -> h.Markup:
    """What stands above: the name, what it is ready for, and the figures."""
    title = name_of(report)
    head = h.el("div", h.el("h3", title), h.el("div", known(_subtitle, report), class_="sub"), class_="grow")
    parts = [part for part in (known(_figures, report), known(_sample_note, report)) if part]
    return h.join([h.el("header", head, known(_chip, report)), [h.el("section", part) for part in parts]])


def status_line(method: str, verdict: Values) -> h.Markup:
    """One method's verdict in a line: icon, word and reason."""
    icon, words = p.icon(_ICONS[verdict["status"]]), h.el("b", f"{method}: {verdict['status']}")
    return h.el("div", icon, words, " ", safe(verdict["reason"]), class_="hfft-line hfft-vars")


def _subtitle(report: Values) -> h.Markup:
    names = list(islice(report["columns"], _TITLE_COLUMNS))
    columns = [[", " if place else "", safe(name, 40)] for place, name in enumerate(names)]
    more = f" and {len(report['columns']) - len(names)} more" if len(report["columns"]) > len(names) else ""
    applied = [
        f" · {len(found)} {one if len(found) == 1 else many}"
        for one, many in (("mapping", "mappings"), ("fix", "fixes"))
        if (found := report[many])
    ]
    return h.join(["columns ", columns, more, " · ", safe(looked_at(report)), applied])


def _chip(report: Values) -> h.Markup:
    method = report["recommended"]
    if method is None:
        return p.chip("bad", "No method fits")
    status = report["verdicts"][method]["status"]
    said = _READY_WORDS[status].format(method)
    return p.chip("ok" if status == "READY" else "warn", f"{said}, as far as seen" if sampled(report) else said)


def _figures(report: Values) -> h.Markup:
    total, method = report["total"], report["recommended"] or ""
    pairs: list[tuple[str, h.Child]] = [
        (count_text(total), "rows looked at" if sampled(report) else "row" if total == 1 else "rows")
    ]
    if sampled(report) and report["all_rows"]:
        pairs.append((count_text(report["all_rows"]), "rows in all"))
    numbers = report["statistics"].get(method)
    if numbers and numbers["rows"] != total:
        pairs.append((count_text(numbers["rows"]), f"rows left for {method}"))
    if lengths := report["lengths"].get(method):
        learned = "all" if lengths["tokens"] == lengths["trained_tokens"] else count_text(lengths["trained_tokens"])
        pairs.append((count_text(lengths["tokens"]), f"tokens, {learned} learned"))
        pairs.append((count_text(lengths["median"]), "tokens per row (median)"))
    elif numbers:
        pairs.append((count_text(numbers["bytes_median"]), "bytes of text per row (median)"))
        pairs.append((count_text(numbers["bytes_p99"]), "bytes of text per row (99th percentile)"))
    else:
        pairs.append((count_text(len(report["columns"])), "column" if len(report["columns"]) == 1 else "columns"))
    return p.figures(*pairs)


def _sample_note(report: Values) -> h.Markup | None:
    words = not_known(report)
    return h.el("div", p.icon("info"), " ", words, class_="note") if words else None


# ---- methods ---------------------------------------------------------------------------------


def _methods(report: Values) -> h.Markup:
    return methods(report, lambda method: _method(report, method))


def methods(report: Values, draw: Callable[[str], h.Markup], *, open_: bool = False) -> h.Markup:
    """The recommended method first, then the others that can work, then the rest under one line.

    Args:
        report: The report's values.
        draw: Draws one method.
        open_: Whether the rest is unfolded.
    """
    usable = [method for method, verdict in report["verdicts"].items() if verdict["status"] != "INCOMPATIBLE"]
    usable.sort(key=lambda method: method != report["recommended"])
    others = [method for method in report["verdicts"] if method not in usable]
    listed = [draw(method) for method in usable]
    if not others:
        return h.join(listed)
    open_ = open_ or not usable
    cannot = f"{plural(len(others), 'method')} cannot use these rows: {', '.join(others)}"
    return h.join([*listed, p.fold(cannot, [draw(method) for method in others], open_=open_)])


def _method(report: Values, method: str) -> h.Markup:
    """One line, which opens where there is more to say."""
    line, details = method_row(report, method), lines_of(report, method)[1:]
    if not details:
        return h.el("div", h.el("div", line, class_="row"), class_="method")
    more = h.el("div", [h.el("div", safe(line)) for line in details], class_="fix")
    return h.el("details", h.el("summary", line, class_="row"), more, class_="method")


def method_row(report: Values, method: str) -> h.Markup:
    """A method's line: icon, name, reason, verdict."""
    status = report["verdicts"][method]["status"]
    kind = _ICONS[status]
    tag = [h.el("span", "recommended", class_="tag"), " "] if method == report["recommended"] else None
    return h.join(
        [
            p.icon(kind), h.el("b", method), " ",
            h.el("span", tag, safe(lines_of(report, method)[0]), class_="why"), " ",
            h.el("span", status, class_=f"word {kind}"),
        ]
    )  # fmt: skip


# ---- rows ------------------------------------------------------------------------------------


def _rows_section(report: Values) -> h.Markup | None:
    if not report["findings"]:
        return _nothing_found(report)
    first, rest = report["findings"][:_OPEN_FINDINGS], report["findings"][_OPEN_FINDINGS:]
    more = p.fold(f"{plural(len(rest), 'more finding')}", _finding_list(rest)) if rest else None
    return h.join([_finding_list(first), more])


def _nothing_found(report: Values) -> h.Markup | None:
    if report["recommended"] is None:
        return None
    seen = f"Checked {report['coverage']} for {report['recommended']}"
    return p.items([("ok", "Nothing found in the rows", seen, "")])


def _finding_list(findings: Iterable[Values]) -> h.Markup:
    return p.items(finding_item(finding) for finding in findings)


def finding_item(finding: Values, *, remedy: h.Child = None) -> tuple[str, h.Child, h.Child, h.Child]:
    """A finding for a list: (icon kind, title, explanation, count at the right).

    Args:
        finding: Its values.
        remedy: Buttons, in place of the words for its fix and of its example.
    """
    where = h.el("div", f"{effects_of(finding)} · {rows_of(finding)}")
    rule = _rule(finding)
    icon, count = _EFFECT_ICONS[severity(finding)], plural(finding["count"], "row")
    if remedy is not None:
        return icon, safe(finding["message"]), [where, remedy, rule], count
    example = p.fold(f"Show an example (row {finding['rows'][0]:,})", h.el("pre", safe(finding["example"], 500)))
    fix = h.el("div", "Fix: ", safe(finding["fix"]["label"])) if finding["fix"] else None
    return icon, safe(finding["message"]), [where, fix, example, rule], count


def _rule(finding: Values) -> h.Markup | None:
    """The rule's page, folded: it is read offline, in a saved notebook too."""
    page = pages().get(finding["rule"])
    return p.fold(f"Rule {finding['rule']}", rule_page(page)) if page else None


def learned_section(report: Values) -> h.Markup | None:
    """Which words of conversations are learned, where there is a choice."""
    lines = learned_lines(report)
    return h.join([h.el("div", f"{line}.", class_="fix") for line in lines]) if lines else None


# ---- at the end ------------------------------------------------------------------------------


def _applied(report: Values) -> h.Markup | None:
    """What was changed, and the lines it becomes in the training script."""
    fixes = [h.el("div", safe(fix["label"]), class_="fix") for fix in report["fixes"]]
    codes = report["card"].get("code", ())
    scripts = [h.el("pre", h.el("bdi", code), class_="code") for code in codes]
    return p.fold("What was changed, as in the training script", fixes, scripts) if fixes or scripts else None


def preview(report: Values) -> h.Markup | None:
    """The first rows, folded."""
    rows, columns, total = report["card"]["rows"], report["card"]["columns"], len(report["columns"])
    if not rows:
        return None
    more = f", {len(columns)} of {total} columns" if len(columns) < total else ""
    cells = [tuple(safe(cell, _CELL_CHARACTERS) for cell in row) for row in rows]
    head = [safe(name, 40) for name in columns]
    return p.fold(f"First {plural(len(rows), 'row')}{more}", p.table(head, cells, class_="words"))
