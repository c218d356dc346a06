"""Runs beside each other: `hfft.compare(run, other, another)`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from hfft_widgets.core.run.comparison import Compared, RunComparison
from hfft_widgets.errors import HubError, RunError
from hfft_widgets.jobs.run import Run


def compare(*runs: Run, name: Callable[[Run], str] | None = None) -> RunComparison:
    """Two or more runs beside each other: in what their plans differ, what they came to, and their curves.

    Args:
        runs: Them, live or ended; the others are held against the first.
        name: What a run is called; its title if not given.

    Raises:
        RunError: There are fewer than two.
    """
    if len(runs) < 2:
        raise RunError("A comparison needs two runs or more.", remedy="Give them: hfft.compare(run, other).")
    names = unlike([(name or _title)(run) for run in runs])
    return RunComparison(tuple(_compared(run, called) for run, called in zip(runs, names, strict=True)))


def unlike(names: Sequence[str]) -> list[str]:
    """The names, those that several have with a number.

    >>> unlike(["a", "b", "a"])
    ['a (1)', 'b', 'a (2)']
    """
    often, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if often[name] > 1 else name)
    return found


def _title(run: Run) -> str:
    known = run.known
    return known.title if known else run.id


def _compared(run: Run, name: str) -> Compared:
    known = run.known
    try:
        verdict = run.verdict
        stage = str(run.stage)
    except (HubError, RunError):
        verdict, stage = None, ""
    plan = known.plan if known else {}
    return Compared(run.id, name, stage, verdict.outcome if verdict else "", plan, run.history)
