"""Four plans that an agent could bring for one task, recorded from this package: which would you sign?

for name, plan in samples.agent_plans().items():
    display(plan)  # the plan's own card
    plan.sign, plan.why
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from hfft_widgets.core.card import Detail, HasCard

TASK = (
    "Fine-tune Qwen/Qwen3-0.6B on my-team/support-chats for instruction following. Learn the answers only. Spend at "
    "most $2. The model goes to my-team/support-bot, private."
)
"""What the agent was asked for."""


@dataclass(frozen=True)
class RecordedPlan(HasCard):
    """A plan as it was shown, with what is to be said of it.

    Attributes:
        values: The plan's JSON values, with those of its card.
        sign: Whether it does what was asked for.
        why: Where to look, in one or two sentences.
    """

    values: dict[str, Any] = field(repr=False)
    sign: bool
    why: str

    @property
    def recipe(self) -> str:
        """The part of its script that a person reads."""
        return str(self.values["card"]["recipe"])

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """The plan's JSON values."""
        return self.values if detail == "card" else {n: one for n, one in self.values.items() if n != "card"}


def agent_plans() -> dict[str, RecordedPlan]:
    """The four plans by their letters, "A" to "D"."""
    text = (files("hfft_widgets.samples") / "agent_plans.json").read_text("utf-8")
    return {name: RecordedPlan(**kept) for name, kept in json.loads(text).items()}
