"""What a repaired dataset must be."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.report import Finding, ValidationReport
from hfft_widgets.core.units import plural
from hfft_widgets.teaching.checks import Judge, kind_problem

LOUD = ("crash", "dropped", "silent")
LOG_ROWS = 19
LEAST_LEFT = 11


def repaired_log(report: Any) -> list[str]:
    """No silent finding in the zoo's log, and its good rows are still there."""
    wrong = kind_problem(report, ValidationReport, "hfft.validate(log, model=MODEL)")
    if wrong:
        return wrong
    problems = _faults(report)
    if report.total != LOG_ROWS:
        problems.append(f"This report is about {plural(report.total, 'row')}; the zoo's log has {LOG_ROWS}.")
    left = len(report.rows_for("SFT"))
    if left < LEAST_LEFT:
        problems.append(
            f"{plural(left, 'row')} left for SFT. At least {LEAST_LEFT} can be kept: which fix took too many?"
        )
    return problems


def repaired_own(report: Any) -> list[str]:
    """Rows of one's own: a method takes them, and nothing about them is silent."""
    wrong = kind_problem(report, ValidationReport, 'hfft.validate("my_rows.jsonl")')
    if wrong:
        return wrong
    problems = _faults(report)
    if not any(str(verdict.status) == "READY" for verdict in report.verdicts.values()):
        problems.append("No method is READY for these rows. Is there a mapping for one?")
    return problems


def _faults(report: ValidationReport) -> list[str]:
    """What is wrong for the methods that take the rows."""
    ready = {name for name, verdict in report.verdicts.items() if str(verdict.status) == "READY"}
    return [words for finding in report.findings if (words := _fault(finding, ready or set(report.verdicts)))]


def _fault(finding: Finding, methods: set[str]) -> str:
    """The worst that a finding does to one of the methods; "" for what is only worth knowing."""
    effects = {str(effect) for method, effect in finding.effects.items() if method in methods}
    worst = next((one for one in LOUD if one in effects), "")
    rows = ", ".join(map(str, finding.rows[:3])) + (" ..." if len(finding.rows) > 3 else "")
    return f"There is still a finding with the effect {worst} (row {rows}): {finding.message}" if worst else ""


CHECKS: dict[str, Judge] = {"data-ex1": repaired_log, "data-ex1-own": repaired_own}
