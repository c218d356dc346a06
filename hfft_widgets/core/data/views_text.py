"""The report as text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfft_widgets.core.data.views_words import (
    LINE_CHARACTERS,
    SYMBOLS,
    effects_of,
    length_lines,
    lines_of,
    looked_at,
    name_of,
    not_known,
    rows_of,
    shown,
)
from hfft_widgets.core.units import plural

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def text(report: ValidationReport) -> str:
    """The short text: one paragraph per method, then what some rows have, how long they are, what was looked at."""
    parts = [f"Dataset validation for {name_of(report)}:"]
    parts += ["\n".join(_verdict_lines(report, method)) for method in report.verdicts]
    if report.findings:
        parts.append("\n".join(["Rows:", *(f"  {line}" for line in _finding_lines(report))]))
    if report.lengths:
        parts.append("\n".join(["Tokens:", *(f"  {line}." for line in length_lines(report))]))
    parts.append("\n".join(_last_lines(report)))
    return "\n\n".join(parts)


def _verdict_lines(report: ValidationReport, method: str) -> Iterator[str]:
    status = report.verdicts[method].status
    yield f"{method}: {SYMBOLS[status]} {status}"
    for line in lines_of(report, method):
        yield f"  {line}"


def _finding_lines(report: ValidationReport) -> Iterator[str]:
    for finding in report.findings:
        fix = f". Fix: {finding.fix.label}" if finding.fix else ""
        line = f"{plural(finding.count, 'row')}: {finding.message} ({effects_of(finding)}; {rows_of(finding)}){fix}"
        yield shown(line, LINE_CHARACTERS)


def _last_lines(report: ValidationReport) -> Iterator[str]:
    yield f"Recommended: {report.recommended or 'no method fits these rows'} ({looked_at(report)})."
    for fix in report.fixes:
        yield shown(f"Agreed: {fix.label}.", LINE_CHARACTERS)
    if words := not_known(report):
        yield words


def markdown(report: ValidationReport) -> str:
    """The report as Markdown, for a model card or an issue."""
    lines = [f"## {_md(name_of(report))}", "", f"{plural(report.total, 'row')}, {_md(looked_at(report))}", ""]
    for method, verdict in report.verdicts.items():
        reason, *details = lines_of(report, method)
        marked = " (recommended)" if method == report.recommended else ""
        lines.append(f"- **{method}: {SYMBOLS[verdict.status]} {verdict.status}**{marked} {_md(reason)}")
        lines += [f"  - {_md(line)}" for line in details]
    for title, listed in (
        ("Rows", _finding_lines(report)),
        ("Tokens", length_lines(report)),
        ("Agreed", (shown(fix.label, LINE_CHARACTERS) for fix in report.fixes)),
        ("Not known yet", filter(None, [not_known(report)])),
    ):
        if items := [f"- {_md(line)}" for line in listed]:
            lines += ["", f"### {title}", "", *items]
    return "\n".join(lines) + "\n"


def _md(words: str) -> str:
    return _MARKDOWN.sub(r"\\\1", words)
