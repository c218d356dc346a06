"""What an edited script really trained: it tells so, and the plan it was made from knows nothing of the edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfft_widgets.core.plan.settings import SETTINGS

EVENT = "training"


def as_it_ran(plan: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plan of a run; of an edited script with model, data, method and settings as the script told them.

    Args:
        plan: The plan's JSON values.
        told: The data of the script's event `training`; empty if there was none.
    """
    if not plan.get("edited") or not told:
        return plan
    ran = {name: str(told[name]) for name in ("title", "model", "method", "peft") if isinstance(told.get(name), str)}
    data = {**(plan.get("data") or {}), "name": str(told.get("data") or (plan.get("data") or {}).get("name"))}
    arguments = told.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    settings = {name: given[one.trl] for name, one in SETTINGS.items() if one.trl in given}
    return {**plan, **ran, "data": data, "settings": {**(plan.get("settings") or {}), **settings}}
