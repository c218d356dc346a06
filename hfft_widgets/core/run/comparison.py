"""In what two trainings differ, in words, from the values of their plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.units import plural, short

_MOST = 6  # differences that are told one by one
_CHARACTERS = 60


def told_differences(plan: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What the other plan has where this one has something else, in one sentence.

    >>> one = {"method": "SFT", "peft": "lora", "settings": {"learning_rate": 2e-4, "lora_r": 16, "beta": 0.1}}
    >>> told_differences(one, {**one, "settings": {"learning_rate": 1e-5, "lora_r": 8, "beta": 0.3}})
    'It had learning rate 1e-05 instead of 0.0002, LoRA rank 8 instead of 16.'

    Args:
        plan: The plan of the run on show, as JSON values; settings that it lacks are not compared.
        other: The plan of the run beside it.
    """
    if not plan or not other:
        return "In what they differ is not known: the plan of one of them is gone."
    found = [f"{label} {_words(theirs)} instead of {_words(own)}" for label, own, theirs in _differences(plan, other)]
    if not found:
        return "Model, data and settings are the same."
    more = f", and {plural(len(found) - _MOST, 'more difference')}" if len(found) > _MOST else ""
    return f"It had {', '.join(found[:_MOST])}{more}."


def _differences(plan: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(label, own value, the other's)."""
    yield from _unlike("model", plan.get("model"), other.get("model"))
    yield from _unlike("data", *(one.get("data", {}).get("name") for one in (plan, other)))
    yield from _unlike("method", plan.get("method"), other.get("method"))
    yield from _unlike("adapters", *(one.get("peft") for one in (plan, other)))
    both = plan.get("settings", {}), other.get("settings", {})
    for name, setting in SETTINGS.items():
        says = any(setting.said_by(one.get("method"), one.get("peft")) for one in (plan, other))
        if says and name in both[0] and name in both[1]:
            label = setting.label if sum(map(str.isupper, setting.label)) > 1 else setting.label.lower()
            yield from _unlike(label, both[0][name], both[1][name])
    yield from _unlike("script edited by hand", *(bool(one.get("edited")) for one in (plan, other)))


def _unlike(label: str, own: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if own != other:
        yield label, own, other


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return short(" and ".join(map(str, value)), _CHARACTERS) or "none"
    if value is None or value == -1:
        return "none"
    return f"{value:g}" if isinstance(value, float) else short(str(value), _CHARACTERS)
