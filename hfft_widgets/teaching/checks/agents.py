"""Which plans are refused and why; and a task for an agent that leaves nothing open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfft_widgets import sentence
from hfft_widgets.teaching.checks import Judge, kind_problem

REASONS = ("ceiling", "destination", "learned", "data", "model", "method")
WRONG_WITH = {"A": "ceiling", "B": "destination", "D": "learned"}
_LOOK = {
    "ceiling": "Compare the line Ceiling with the price in the task.",
    "destination": "Where does the result go, and who can see it?",
    "learned": "Compare its reasons with those of plan C.",
}
_NEEDED = {
    "model": "It names no model.",
    "dataset": "It names no data.",
    "max_usd": "It has no limit: say at most how many dollars.",
    "push_to": "It does not say where the result goes: push to owner/name.",
}


def refusals(refused: Any) -> list[str]:
    """Plan -> the word that says why it is refused."""
    wrong = kind_problem(refused, Mapping, '{"A": "ceiling", ...}')
    if wrong:
        return wrong
    problems = [f"Plan {name} is the good one: why do you refuse it?" for name in refused if name not in WRONG_WITH]
    for name, reason in WRONG_WITH.items():
        word = str(refused.get(name, "")).strip().lower()
        if word and word not in REASONS:
            problems.append(f"Plan {name}: {word!r} is none of the words {', '.join(REASONS)}.")
        elif word != reason:
            problems.append(f"Plan {name}: " + (f"not yet the reason. {_LOOK[reason]}" if word else "no reason yet."))
    return problems


def whole_task(task: Any) -> list[str]:
    """A sentence that says model, data, limit and destination."""
    wrong = kind_problem(task, str, "a sentence in quotes")
    if wrong:
        return wrong
    request = sentence.read(task)
    problems = [words for name, words in _NEEDED.items() if getattr(request, name) is None]
    return problems + [f"Nobody can say what this means: {one.text}" for one in request.not_understood]


CHECKS: dict[str, Judge] = {"agents-ex1": refusals, "agents-ex1-own": whole_task}
