"""The report as text and as Markdown."""

from __future__ import annotations

import re

from hfft_widgets.cards import known
from hfft_widgets.cards.report.words import (
    LINE_CHARACTERS,
    SYMBOLS,
    Values,
    effects_of,
    learned_lines,
    length_lines,
    lines_of,
    looked_at,
    name_of,
    not_known,
    rows_of,
    shown,
)
from hfft_widgets.core.units import plural

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def text(report: Values) -> str:
    """The short text: one paragraph per method, then what some rows have, how long they are, what was looked at."""
    verdicts = [known(_verdict, report, method) for method in report["verdicts"]]
    listed = [_paragraph(title, known(lines, report)) for title, lines in (("Rows", _findings), ("Tokens", _lengths))]
    last = known(_last, report)
    return "\n\n".join(filter(None, [f"Dataset validation for {name_of(report)}:", *verdicts, *listed, last]))


def _paragraph(title: str, lines: list[str] | None) -> str | None:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)]) if lines else None


def _verdict(report: Values, method: str) -> str:
    status = report["verdicts"][method]["status"]
    return "\n".join([f"{method}: {SYMBOLS[status]} {status}", *(f"  {line}" for line in lines_of(report, method))])


def _findings(report: Values) -> list[str]:
    return [shown(_finding(finding), LINE_CHARACTERS) for finding in report["findings"]]


def _finding(finding: Values) -> str:
    fix = f". Fix: {finding['fix']['label']}" if finding["fix"] else ""
    where = f"{effects_of(finding)}; {rows_of(finding)}; rule {finding['rule']}"
    return f"{plural(finding['count'], 'row')}: {finding['message']} ({where}){fix}"


def _lengths(report: Values) -> list[str]:
    return [f"{line}." for line in (*length_lines(report), *learned_lines(report))]


def _applied(report: Values) -> list[str]:
    return [shown(fix["label"], LINE_CHARACTERS) for fix in report["fixes"]]


def _not_known(report: Values) -> list[str]:
    return list(filter(None, [not_known(report)]))


def _last(report: Values) -> str:
    best = f"Recommended: {report['recommended'] or 'no method fits these rows'} ({looked_at(report)})."
    applied = [shown(f"Changed: {fix['label']}.", LINE_CHARACTERS) for fix in report["fixes"]]
    return "\n".join([best, *applied, *_not_known(report)])


def markdown(report: Values) -> str:
    """The report as Markdown, for a model card or an issue."""
    lines = [f"## {_md(name_of(report))}", "", known(_seen, report) or "", ""]
    lines += [line for method in report["verdicts"] for line in known(_items, report, method) or ()]
    for title, part in (
        ("Rows", _findings),
        ("Tokens", length_lines),
        ("Learned", learned_lines),
        ("Changes", _applied),
        ("Not known yet", _not_known),
    ):
        if found := known(part, report):
            lines += ["", f"### {title}", "", *(f"- {_md(line)}" for line in found)]
    return "\n".join(lines) + "\n"


def _seen(report: Values) -> str:
    return f"{plural(report['total'], 'row')}, {_md(looked_at(report))}"


def _items(report: Values, method: str) -> list[str]:
    status = report["verdicts"][method]["status"]
    reason, *details = lines_of(report, method)
    marked = " (recommended)" if method == report["recommended"] else ""
    first = f"- **{method}: {SYMBOLS[status]} {status}**{marked} {_md(reason)}"
    return [first, *(f"  - {_md(line)}" for line in details)]


def _md(words: str) -> str:
    return _MARKDOWN.sub(r"\\\1", words)
