"""Which answers are still wrong, and whether a run of one's own learned something."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.core.units import plural
from hfft_widgets.jobs.replay import replay
from hfft_widgets.jobs.run import Run
from hfft_widgets.teaching.checks import Judge, kind_problem

RECORDED = "sft"


def still_wrong(rows: Any) -> list[str]:
    """All rows of the recorded run whose answer is wrong in the end, and no other."""
    wrong = kind_problem(rows, list, "[row for row in rows if ...]")
    if wrong or not all(isinstance(row, Mapping) and "prompt" in row for row in rows):
        return wrong or ["These are no rows of the table: each has prompt, expected, before and after."]
    given = {row["prompt"] for row in rows}
    kept = _answers()
    missed = [row for row in kept if row["after"] != row["expected"] and row["prompt"] not in given]
    right = [row for row in kept if row["after"] == row["expected"] and row["prompt"] in given]
    problems = [f"{plural(len(right), 'row')} of yours has the right answer."] if right else []
    return [*problems, f"{plural(len(missed), 'row')} with a wrong answer is not among them."] if missed else problems


def own_run(run: Any) -> list[str]:
    """A run that has ended and learned something."""
    wrong = kind_problem(run, Run, "hfft.launch(plan)")
    if wrong:
        return wrong
    if not run.stage.final:
        return ["It has not ended yet: run.wait() waits for it."]
    verdict = run.verdict
    if verdict is None:
        return ["It has no verdict: a plan with eval_rows and questions has one."]
    return [] if verdict.outcome == "learned" else [f"Its verdict is not “learned”: {verdict}"]


def _answers() -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = replay(RECORDED, speed=math.inf).wait().to_dict()["answers"]["rows"]
    return rows


CHECKS: dict[str, Judge] = {"quickstart-ex1": still_wrong, "quickstart-ex1-own": own_run}
