"""What a plan proposes, each with the button that takes it: remedies, what would cost less, and a reward to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfft_widgets.cards import plan as card
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.trials import how_code_is_held
from hfft_widgets.widgets.form import Form, actions

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan


def warnings(form: Form, plan: TrainingPlan, values: dict[str, Any]) -> Markup | None:
    """What could disappoint, with the button that changes it."""
    remedies = {one.words: form.button(one.label, "advice", value=n) for n, one in enumerate(plan.advice)}
    above = bool(plan.max_usd and plan.estimate.ceiling_usd > plan.max_usd)
    within = form.button("Stay within the limit", "within", help_="As many steps as it pays for")
    return join([card.warned(values, remedies), actions(within) if above else None])


def cheaper(form: Form, plan: TrainingPlan, values: dict[str, Any]) -> Markup | None:
    """What would cost less, each a button."""
    ways = enumerate(plan.choices)
    return card.cheaper(values, [form.button(one.label, "choice", value=n, quiet=True) for n, one in ways])


def reward(form: Form, plan: TrainingPlan, values: dict[str, Any]) -> Markup | None:
    """What came of trying the reward, or the button that tries it."""
    if not plan.trainer.generates:
        return None
    words = "Try the reward again" if plan.reward_trial else "Try the reward"
    help_ = "What it pays for right answers and for wrong ones; nothing is trained"
    held = el("div", words_held, class_="sub") if (words_held := how_code_is_held(plan)) else None
    return join([card.reward(values), held, actions(form.button(words, "reward", help_=help_))])
