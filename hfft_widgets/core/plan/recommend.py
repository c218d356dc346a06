"""From a model and a report to a plan: every choice is a rule with its reason."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.data.report import ValidationReport
from hfft_widgets.core.plan.flavors import Flavor
from hfft_widgets.core.plan.lesson import rewards
from hfft_widgets.core.plan.marking import marks_answers
from hfft_widgets.core.plan.method import choose_method
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.placing import placed
from hfft_widgets.core.plan.rates import TINY, with_intervals
from hfft_widgets.core.plan.reason import Reason
from hfft_widgets.core.plan.refusal import LARGEST, Refusal
from hfft_widgets.core.plan.settings import SETTING_NAMES, DataFacts, Settings
from hfft_widgets.core.plan.training import TrainingPlan
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.core.units import plural
from hfft_widgets.errors import PlanError

__all__ = ["LARGEST", "Wishes", "choose_method", "recommend"]

# what both TRL and the scripts train pictures with
_WITH_PICTURES = ("SFT", "DPO")
_LEAST_ROWS = 2
_LONGEST, _LONGEST_TINY = 4096, 1024


@dataclass(frozen=True)
class Wishes:
    """What a person asked for; what is None is chosen by rule.

    Attributes:
        goal: "instruction following", "preferences" or "verifiable reasoning".
        method: "SFT", "DPO", "GRPO", "KTO", "Reward" or "RLOO"; overrides the goal.
        peft: "lora" or "none".
        flavor: Name of the hardware.
        push_to: Hub repository for the result.
        allow_large: Plan models of 8 billion parameters and more.
        settings: Settings by name.
        max_usd: The most it may cost.
        image: The container that jobs run in.
    """

    goal: str | None = None
    method: str | None = None
    peft: str | None = None
    flavor: str | None = None
    push_to: str | None = None
    allow_large: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_usd: float | None = None
    image: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.settings) - SETTING_NAMES
        if unknown:
            names = ", ".join(sorted(SETTING_NAMES))
            raise PlanError(f"Unknown setting {', '.join(sorted(unknown))}.", remedy=f"Settings: {names}.")


def recommend(
    facts: ModelFacts, report: ValidationReport, data: DataFacts, machines: tuple[Flavor, ...], wishes: Wishes
) -> TrainingPlan:
    """The plan for this model on this data.

    Args:
        facts: The model.
        report: The validation, with mappings and fixes applied.
        data: The data in numbers.
        machines: The hardware to choose from; one of them is "local".
        wishes: What the person asked for.

    Raises:
        ModelTooLargeError: The model has 8 billion parameters or more, and nobody said that it may.
        PlanError: No sound plan exists; the message says what would help.
    """
    if facts.quantization:
        raise _packed(facts)
    if data.rows < _LEAST_ROWS:
        raise PlanError(
            f"{data.name} has {plural(data.rows, 'usable row')}: one is trained on, and one is held out.",
            why="Mapping and fixes leave no more." if report.fixes or report.mappings else "",
            remedy="Undo a fix (report.without_fixes()), or choose data with more rows.",
        )
    chosen, why_method = choose_method(report, wishes.goal, wishes.method)
    if facts.vision and data.pictures and chosen not in _WITH_PICTURES:
        raise PlanError(
            f"{chosen} on pictures is not offered; {data.name} has them in its column {data.pictures!r}.",
            remedy=f"Choose {' or '.join(_WITH_PICTURES)}, or drop the column.",
        )
    open_ = Settings(**{**_defaults(facts, data, chosen), **wishes.settings})
    draft = TrainingPlan(
        model=facts.reference, method=chosen, peft=wishes.peft or "none", flavor=machines[0].name,
        settings=_stepwise(open_, chosen, wishes.settings), data=data, facts=facts, machines=machines,
        goal=wishes.goal or "", push_to=wishes.push_to, max_usd=wishes.max_usd, image=wishes.image,
    )  # fmt: skip
    judged = rewards(draft)
    plan = placed(draft, wishes.flavor, wishes.peft, _effective(draft, wishes.settings), wishes.settings)
    if facts.parameters >= LARGEST and not wishes.allow_large:
        raise Refusal(plan).error()
    reasons = [why_method, *plan.reasons, *_lessons(plan, report, judged)]
    reasons += [Reason(f"{name} {value}: you chose it.", (name,)) for name, value in wishes.settings.items()]
    return with_intervals(plan.with_values(reasons=tuple(reasons)), wishes.settings)


def _packed(facts: ModelFacts) -> PlanError:
    return PlanError(
        f"The weights of {facts.name} are packed into few bits ({facts.quantization}).",
        why="Such copies are made to answer, not to learn: gradients need the weights as they were.",
        remedy="Plan with the model it was made from; its card names it.",
    )


def _effective(draft: TrainingPlan, fixed: Mapping[str, Any]) -> int:
    """Rows behind one step: 16, for tiny models 8 (they gain more from more steps); what the person asked for."""
    usual = 8 if draft.facts.parameters < TINY else 16
    if {"batch_size", "accumulation"} <= set(fixed):
        return draft.effective_batch_size
    usual = max(usual, int(fixed.get("batch_size", 1)), int(fixed.get("accumulation", 1)))
    if draft.method in GENERATING:
        count = draft.settings.num_generations
        return count * math.ceil(usual / count)
    return usual


def _stepwise(settings: Settings, method: str, fixed: Mapping[str, Any]) -> Settings:
    """A draft's placeholders hold one step's answers, so that they are a plan; the batch is chosen later."""
    if method not in GENERATING or {"batch_size", "accumulation"} <= set(fixed):
        return settings
    if "accumulation" in fixed:
        return dataclasses.replace(settings, batch_size=settings.num_generations)
    return dataclasses.replace(settings, accumulation=settings.num_generations)


def _defaults(facts: ModelFacts, data: DataFacts, method: str) -> dict[str, Any]:
    tiny = facts.parameters < TINY
    marked = not facts.chat_template or marks_answers(facts.chat_template)  # a base model gets a template that marks
    conversations = method == "SFT" and "messages" in data.columns
    return {
        "num_train_epochs": {"SFT": 2 if tiny else 3}.get(method, 1),
        "max_length": _max_length(facts, data),
        "assistant_only_loss": conversations and marked,
        "answers_only": conversations and not marked,
        "eval_rows": max(1, min(200 if tiny else 100, data.rows // 10 or 1)),
        "questions": min(200 if tiny else 16, max(1, data.rows // 10)),
        "max_completion_length": 32 if tiny else 256,
        "lora_r": 32 if tiny else 16,
        "activation_checkpointing": not tiny,
    }


def _max_length(facts: ModelFacts, data: DataFacts) -> int:
    """The limit chosen with the data; else room for 99 % of the rows, up to a limit that a single card bears."""
    if data.max_length:
        return min(facts.context_length, data.max_length)
    roomy = 64 * math.ceil(data.longest_tokens * 1.05 / 64)
    return min(facts.context_length, roomy, _LONGEST_TINY if facts.parameters < TINY else _LONGEST)


def _lessons(plan: TrainingPlan, report: ValidationReport, judged: tuple[str, ...]) -> Iterator[Reason]:
    s, data = plan.settings, plan.data
    if plan.method in GENERATING:
        yield Reason(f"Answers are scored by {' and '.join(judged)}.", ("rewards", "method"))
    elif not data.pictures:
        yield Reason(_length_words(plan, report), ("max_length",))
    if s.assistant_only_loss or s.answers_only:
        yield Reason("Only the answers are learned, not the questions.", ("assistant_only_loss", "answers_only"))
    if data.conversational and not plan.facts.chat_template and not data.pictures:
        yield Reason(f"{plan.facts.name} is a base model without chat template: the script gives it one.")


def _length_words(plan: TrainingPlan, report: ValidationReport) -> str:
    limit, lengths = plan.settings.max_length, report.lengths.get(plan.method)
    if limit == plan.data.max_length:
        cost = f" {lengths.at(limit).words}." if lengths is not None else ""
        return f"max_length {limit:,}: the limit you chose with the data.{cost}"
    if limit == plan.facts.context_length < plan.data.longest_tokens:
        return f"max_length {limit:,}: {plan.facts.name} was made for no more; longer rows are cut."
    if plan.data.longest_tokens <= limit:
        return f"max_length {limit:,}: 99 % of the rows stay within {plan.data.longest_tokens:,} tokens."
    if lengths is not None:
        return f"max_length {limit:,}: longer rows are cut. {lengths.at(limit).words}."
    return f"max_length {limit:,}: longer rows are cut; the longest 1 % exceed {plan.data.longest_tokens:,} tokens."
