"""Which method: from what the report says of the data and what the person wants."""

from __future__ import annotations

from hfft_widgets.core.data.report import Status, ValidationReport
from hfft_widgets.core.plan.reason import Reason
from hfft_widgets.core.plan.settings import GOALS, usual_rewards
from hfft_widgets.core.plan.training import METHODS
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.errors import PlanError

# method -> what it optimises
OPTIMIZES = {
    "SFT": "it makes each example's answer more likely, token by token (cross-entropy)",
    "DPO": "it makes the chosen answer likelier than the rejected one, measured against the model it was (no reward "
    "model, no generating)",
    "KTO": "it makes answers marked good likelier and those marked bad less likely; no pairs are needed",
    "Reward": "it learns a score that is higher for the chosen answer than for the rejected one (Bradley-Terry); the "
    "result judges answers and writes none",
    "GRPO": "it writes several answers to each prompt and makes those likelier that score above their group's mean",
    "RLOO": "it writes several answers to each prompt and makes those likelier that score above the mean of the others",
}


def choose_method(report: ValidationReport, goal: str | None, method: str | None) -> tuple[str, Reason]:
    """The method and the reason for it.

    Args:
        report: The validation, with mappings and fixes applied.
        goal: One of `GOALS`, or None.
        method: One of METHODS, which overrides the goal, or None.

    Raises:
        PlanError: The data is not ready for it, with the mapping or fix that makes it so.
    """
    if method is not None and method not in METHODS:
        raise PlanError(f"Unknown method {method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
    chosen = method or (_for_goal(report, goal) if goal else report.recommended)
    if chosen is None:
        states = "; ".join(f"{name}: {verdict.reason}" for name, verdict in report.verdicts.items())
        raise PlanError(
            f"{report.name} can not be trained on as it is.",
            why=states + ".",
            remedy="Apply a mapping or a fix that the report offers.",
        )
    _refuse_unready(report, chosen)
    why = "you chose it" if method else f"for the goal '{goal}'" if goal else "the data fits it best"
    return chosen, Reason(f"{chosen}: {why}; {OPTIMIZES[chosen]}.", ("method", "goal"), _others(report, chosen))


def _for_goal(report: ValidationReport, goal: str) -> str:
    """The first method for a goal that the data is ready for; the usual one if none is."""
    if goal.lower() not in GOALS:
        raise PlanError(f"Unknown goal {goal!r}.", remedy=f"Choose one of: {', '.join(GOALS)}.")
    methods = GOALS[goal.lower()]
    order = (Status.READY, Status.BLOCKED_BY_ROWS, Status.NEEDS_MAPPING)
    found = (name for status in order for name in methods if report.verdicts[name].status is status)
    return next(found, methods[0])


def _others(report: ValidationReport, chosen: str) -> str:
    ready = [name for name, verdict in report.verdicts.items() if verdict.status is Status.READY and name != chosen]
    if not usual_rewards(report.columns):  # prompts alone are enough for their trainers, and teach nothing
        ready = [name for name in ready if name not in GENERATING]
    return "; ".join(f"{name} would do too: {OPTIMIZES[name]}" for name in ready) + "." if ready else ""


def _refuse_unready(report: ValidationReport, method: str) -> None:
    verdict = report.verdicts[method]
    if verdict.status is Status.READY:
        return
    remedies = {
        Status.NEEDS_MAPPING: f"Apply the proposed mapping: report.with_mapping('{method}', "
        f"report.verdicts['{method}'].mapping).",
        Status.BLOCKED_BY_ROWS: "Drop the rows that hurt: "
        "report.with_fixes(*[f.fix for f in report.findings if f.fix]).",
        Status.INCOMPATIBLE: "Choose another method, or data with the columns it needs.",
    }
    raise PlanError(
        f"{report.name} is not ready for {method} ({verdict.status}).",
        why=f"{verdict.reason}.",
        remedy=remedies[verdict.status],
    )
