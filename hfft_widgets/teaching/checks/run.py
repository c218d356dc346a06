"""What a chosen checkpoint, and a look at four runs, must be."""

from __future__ import annotations

from typing import Any

from hfft_widgets.jobs.replay import replay
from hfft_widgets.jobs.run import Run
from hfft_widgets.teaching.checks import Judge

NEAR = 1.1
"""How many times the lowest held-out loss that of a chosen checkpoint may be."""
WORDS = ("too slow", "diverging", "overfitting", "both answers lose", "reward hacking")
SHOWN = {"slow": "too slow", "diverging": "diverging", "dpo": "both answers lose", "hacked": "reward hacking"}
PULLED = "grpo"
_LOOK = {
    "slow": "Its loss fell at every look, and was still above 4 after 40 steps. How fast did the good run fall?",
    "diverging": "Where is its loss at the end, and where was it at the start?",
    "dpo": "Look at the curve of the chosen answers, and at the margin.",
    "hacked": "Look at the reward for right answers, and at the whole reward.",
}


def checkpoint(step: Any) -> list[str]:
    """A step near the lowest loss on held-out rows of the recording."""
    return _near_the_best(replay("overfit", speed=float("inf")), step)


def own_checkpoint(given: Any) -> list[str]:
    """The same for a run of one's own: (run, step)."""
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], Run)):
        return ["Give the run and the step, in this order: (run, step)."]
    return _near_the_best(*given)


def _near_the_best(run: Run, step: Any) -> list[str]:
    if isinstance(step, bool) or not isinstance(step, int):
        return [f"This is a {type(step).__name__}. Give the step as a whole number."]
    steps = [point.step for point in run.history.get("eval_loss", ())]
    found = run.best
    if found is None:
        return ["This run has fewer than two evaluations on held-out rows: there is nothing to choose from."]
    if step not in steps:
        return [
            f"At step {step} nothing was held against the held-out rows. Choose one of: {', '.join(map(str, steps))}."
        ]
    value = next(point.value for point in run.history["eval_loss"] if point.step == step)
    if value <= NEAR * found.value:
        return []
    return [f"The held-out loss was {value:.2f} at step {step}. There is a step where it was much lower."]


def diagnoses(found: Any) -> list[str]:
    """What is wrong with four runs, and which run was pulled back."""
    if not isinstance(found, dict):
        return [f"This is a {type(found).__name__}. Give a dict with a word for each run."]
    problems = []
    for name, right in SHOWN.items():
        said = found.get(name)
        if said not in WORDS:
            problems.append(f"{name}: choose one of {', '.join(WORDS)}.")
        elif said != right:
            problems.append(f"{name}: it is not {said}. {_LOOK[name]}")
    if found.get("pulled back") != PULLED:
        problems.append("pulled back: which of the two runs of GRPO has a curve called kl?")
    return problems


CHECKS: dict[str, Judge] = {"run-ex1": checkpoint, "run-ex1-own": own_checkpoint, "run-ex2": diagnoses}
