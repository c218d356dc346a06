"""A model beyond the sizes that are planned without a word: what it would take, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfft_widgets.core.html import Markup
from hfft_widgets.core.plan.batching import batched
from hfft_widgets.core.plan.flavors import Flavor
from hfft_widgets.core.plan.training import TrainingPlan
from hfft_widgets.core.units import bytes_text, count_text, duration_text, usd_text
from hfft_widgets.errors import ModelTooLargeError

SMALLER = (
    "Start with a smaller sibling, under 8 B",
    "Data, method and script stay as they are, and mistakes are cheap.",
)
LARGEST = 8.0e9  # parameters; from here on a plan needs an explicit wish


@dataclass(frozen=True)
class Refusal:
    """Why no plan was made, with the figures behind it. It renders itself as a plan does.

    Attributes:
        plan: What `allow_large=True` gives.
    """

    plan: TrainingPlan

    @property
    def title(self) -> str:
        """The refusal in one line."""
        return f"Not planned: {self.plan.method} of {self.plan.facts.name}"

    @cached_property
    def card(self) -> Flavor:
        """The machine with the largest single card; this machine, where there is no other to choose."""
        single = [machine for machine in self.plan.machines if machine.gpus == 1]
        return max(single or self.plan.machines, key=lambda machine: machine.memory_bytes)

    @cached_property
    def full(self) -> TrainingPlan:
        """All weights on that card."""
        return batched(self.plan.with_values(peft="none"), self.plan.effective_batch_size, self.card.name)

    @cached_property
    def lora(self) -> TrainingPlan:
        """Adapters on that card."""
        return batched(self.plan.with_values(peft="lora"), self.plan.effective_batch_size, self.card.name)

    @property
    def what(self) -> str:
        """What happened."""
        facts = self.plan.facts
        size = f"{facts.name} has {count_text(facts.parameters)} parameters"
        return f"{size}: models of 8 B and more are planned only if you say so."

    @property
    def why(self) -> str:
        """Memory and money in words."""
        full, lora = (plan.estimate.memory_bytes.high for plan in (self.full, self.lora))
        has = f"the largest single card ({self.card.where}) has {bytes_text(self.card.memory_bytes)}"
        return (
            f"All weights would take up to {bytes_text(full)}, adapters up to {bytes_text(lora)}; {has}. "
            f"{self.price}, and every wrong setting costs that again."
        )

    @property
    def price(self) -> str:
        """What the plan would cost, without a full stop."""
        e, where = self.plan.estimate, self.plan.flavor
        how = "LoRA" if self.plan.peft == "lora" else "All weights"
        if not e.fits:
            return f"{how} would not fit {'this machine' if where == 'local' else where}"
        if not e.usd_per_hour:
            return f"{how} on this machine would take about {duration_text(e.seconds.mid)}"
        about = f"about {usd_text(e.usd.mid)} and {duration_text(e.seconds.mid)}"
        return f"{how} on {where} would take {about} ({usd_text(e.ceiling_usd)} at most)"

    @property
    def instead(self) -> str:
        """What to do, and what only those who know should do."""
        return f"{SMALLER[0]}. {SMALLER[1]} If you know what you do: allow_large=True."

    def error(self) -> ModelTooLargeError:
        """The refusal as what is raised."""
        return ModelTooLargeError(self.what, why=self.why, remedy=self.instead, refusal=self)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "kind": "refusal",
            "title": self.title,
            "what": self.what,
            "why": self.why,
            "remedy": self.instead,
            "full": self.full.estimate.to_dict(),
            "lora": self.lora.estimate.to_dict(),
            "plan": self.plan.to_dict(),
        }

    def __str__(self) -> str:
        from hfft_widgets.core.plan.views_refusal import refusal_text

        return refusal_text(self)

    def to_markdown(self) -> str:
        """The refusal as Markdown."""
        from hfft_widgets.core.plan.views_refusal import refusal_markdown

        return refusal_markdown(self)

    def _repr_html_(self) -> Markup:
        from hfft_widgets.core.plan.views_refusal import refusal_html

        return refusal_html(self)
