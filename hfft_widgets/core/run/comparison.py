"""In what trainings differ, from the values of their plans: two in a sentence, any number as a result with curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.run.curves import drawn, figure, groups
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.units import plural, short

_MOST = 6  # differences that are told one by one
_CHARACTERS = 60
_GONE = "In what they differ is not known: the plan of one of them is gone."

Plan = Mapping[str, Any]
Difference = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Compared:
    """One run of a comparison.

    Attributes:
        id: The run's.
        name: What it is called here, unlike all others.
        stage: Where it stands.
        verdict: Whether it learned, in a word, or "".
        plan: Its plan as JSON values; {} where it is gone.
        history: Its curves.
    """

    id: str
    name: str
    stage: str = ""
    verdict: str = ""
    plan: Plan = field(default_factory=dict)
    history: MetricHistory = field(default_factory=MetricHistory)


@dataclass(frozen=True)
class RunComparison(HasCard):
    """Two or more runs beside each other.

    Attributes:
        runs: They; the first is the one that the others are held against.
    """

    runs: tuple[Compared, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What is not the same in all of them: (label, its value in each), in words."""
        plans = [run.plan for run in self.runs]
        return tuple(_differences(plans)) if all(plans) else ()

    @property
    def ends(self) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
        """The last value of each curve that at least two of them have: (metric, value in each or None)."""
        names = dict.fromkeys(name for run in self.runs for name in run.history)
        held = {name for group in groups(names) for name in group.names}
        found = ((name, tuple(_last(run, name) for run in self.runs)) for name in names if name in held)
        return tuple((name, values) for name, values in found if sum(value is not None for value in values) > 1)

    def figure(self) -> Any:
        """The curves of all of them as a `plotly.graph_objects.Figure`: the first solid, the others dashed."""
        first, *others = self.runs
        drawn_now = figure(first.history, beside={run.name: run.history for run in others})
        return import_module("plotly.graph_objects").Figure(drawn_now)  # by name: importing it takes a second

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        known = all(run.plan for run in self.runs)
        values = {
            "kind": "run_comparison",
            "title": " beside ".join(run.name for run in self.runs),
            "runs": [{"id": run.id, "name": run.name, "stage": run.stage, "verdict": run.verdict} for run in self.runs],
            "differences": [[label, list(values)] for label, values in self.differences],
            "ends": [[name, list(values)] for name, values in self.ends],
            "note": "" if known else _GONE,
        }
        if detail == "plain":
            return values
        name = next((name for name, _ in self.ends), "")
        curves = {run.name: points for run in self.runs for points in drawn(run.history, [name]).values()}
        return with_card(values, metric=name, curves=curves)


def _last(run: Compared, name: str) -> float | None:
    points = run.history.get(name)
    return points[-1].value if points else None


def told_differences(plan: Plan, other: Plan) -> str:
    """What the other plan has where this one has something else, in one sentence.

    >>> one = {"method": "SFT", "peft": "lora", "settings": {"learning_rate": 2e-4, "lora_r": 16, "beta": 0.1}}
    >>> told_differences(one, {**one, "settings": {"learning_rate": 1e-5, "lora_r": 8, "beta": 0.3}})
    'It had learning rate 1e-05 instead of 0.0002, LoRA rank 8 instead of 16.'

    Args:
        plan: The plan of the run on show, as JSON values; settings that it lacks are not compared.
        other: The plan of the run beside it.
    """
    if not plan or not other:
        return _GONE
    found = [f"{label} {theirs} instead of {own}" for label, (own, theirs) in _differences([plan, other])]
    if not found:
        return "Model, data and settings are the same."
    more = f", and {plural(len(found) - _MOST, 'more difference')}" if len(found) > _MOST else ""
    return f"It had {', '.join(found[:_MOST])}{more}."


def _differences(plans: Sequence[Plan]) -> Iterator[Difference]:
    """(label, the value of each)."""
    yield from _unlike("model", [plan.get("model") for plan in plans])
    yield from _unlike("data", [plan.get("data", {}).get("name") for plan in plans])
    yield from _unlike("method", [plan.get("method") for plan in plans])
    yield from _unlike("adapters", [plan.get("peft") for plan in plans])
    settings = [plan.get("settings", {}) for plan in plans]
    for name, setting in SETTINGS.items():
        says = any(setting.said_by(plan.get("method"), plan.get("peft")) for plan in plans)
        if says and all(name in one for one in settings):
            label = setting.label if sum(map(str.isupper, setting.label)) > 1 else setting.label.lower()
            values = [one[name] for one in settings]
            yield from _unlike(label, ["all" if name == "rows" and value is None else value for value in values])
    yield from _unlike("script edited by hand", [bool(plan.get("edited")) for plan in plans])


def _unlike(label: str, values: Sequence[Any]) -> Iterator[Difference]:
    if any(value != values[0] for value in values):
        yield label, tuple(map(_words, values))


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return short(" and ".join(map(str, value)), _CHARACTERS) or "none"
    if value is None or value == -1:
        return "none"
    return f"{value:g}" if isinstance(value, float) else short(str(value), _CHARACTERS)
