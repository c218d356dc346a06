"""From a model and a report to a plan: every choice is a rule with its reason."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.data.report import Status, ValidationReport
from hfft_widgets.core.plan.flavors import Flavor, recommended_name
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.settings import GOALS, SETTING_NAMES, DataFacts, Settings
from hfft_widgets.core.plan.training import METHODS, TrainingPlan
from hfft_widgets.core.units import bytes_text, count_text
from hfft_widgets.errors import PlanError

LARGEST = 8.0e9
TINY = 5e7

_OPTIMIZES = {
    "SFT": "it learns to answer as the examples do",
    "DPO": "it learns to prefer the chosen answers to the rejected ones",
    "GRPO": "it learns from the scores of its own answers",
}


def choose_method(report: ValidationReport, goal: str | None, method: str | None) -> tuple[str, str]:
    """The method and the reason for it.

    Raises:
        PlanError: The data is not ready for it, with the mapping or fix that makes it so.
    """
    wanted = method or (GOALS.get(goal.lower()) if goal else None)
    if goal and wanted is None:
        raise PlanError(f"Unknown goal {goal!r}.", remedy=f"Choose one of: {', '.join(GOALS)}.")
    chosen = wanted or report.recommended
    if chosen is None:
        states = "; ".join(f"{name}: {verdict.reason}" for name, verdict in report.verdicts.items())
        raise PlanError(
            f"{report.name} can not be trained on as it is.",
            why=states + ".",
            remedy="Apply a mapping or a fix that the report offers.",
        )
    if chosen not in METHODS:
        raise PlanError(f"Unknown method {chosen!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
    _refuse_unready(report, chosen)
    why = f"for the goal '{goal}'" if goal else "you chose it" if method else "the data fits it best"
    return chosen, f"{chosen}: {why}; {_OPTIMIZES[chosen]}."


def _refuse_unready(report: ValidationReport, method: str) -> None:
    verdict = report.verdicts[method]
    if verdict.status is Status.READY:
        return
    remedies = {
        Status.NEEDS_MAPPING: f"Apply the proposed mapping: report.with_mapping('{method}', "
        f"report.verdicts['{method}'].mapping).",
        Status.BLOCKED_BY_ROWS: "Drop the rows that hurt: "
        "report.with_fixes(*[f.fix for f in report.findings if f.fix]).",
        Status.INCOMPATIBLE: "Choose another method, or data with the columns it needs.",
    }
    raise PlanError(
        f"{report.name} is not ready for {method} ({verdict.status}).",
        why=f"{verdict.reason}.",
        remedy=remedies[verdict.status],
    )


@dataclass(frozen=True)
class Wishes:
    """What a person asked for; what is None is chosen by rule.

    Attributes:
        goal: "instruction following", "preferences" or "verifiable reasoning".
        method: "SFT", "DPO" or "GRPO"; overrides the goal.
        peft: "lora" or "none".
        flavor: Name of the hardware.
        push_to: Hub repository for the result.
        allow_large: Plan models of 8 billion parameters and more.
        settings: Settings by name.
    """

    goal: str | None = None
    method: str | None = None
    peft: str | None = None
    flavor: str | None = None
    push_to: str | None = None
    allow_large: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

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
        PlanError: No sound plan exists; the message says what would help.
    """
    if facts.parameters >= LARGEST and not wishes.allow_large:
        raise PlanError(
            f"{facts.name} has {count_text(facts.parameters)} parameters.",
            why="From 8 B on, one wrong setting costs more than it teaches.",
            remedy="Start with a smaller model, or pass allow_large=True.",
        )
    chosen, why_method = choose_method(report, wishes.goal, wishes.method)
    if data.conversational and not facts.chat_template:
        raise PlanError(
            f"{facts.name} has no chat template, and {data.name} holds conversations.",
            remedy="Choose the model's instruct variant, or data with plain prompt and completion columns.",
        )
    if chosen == "GRPO" and "answer" not in data.columns:
        raise PlanError(
            f"{data.name} has no 'answer' column, so nothing can score what the model answers.",
            why=f"Its columns are {', '.join(data.columns)}.",
            remedy="Map the column with the right answers to 'answer', or choose SFT or DPO.",
        )
    where, why_where = _flavor(facts, data, wishes.flavor)
    settings, why_settings = _settings(facts, data, chosen)
    draft = TrainingPlan(
        model=facts.reference,
        method=chosen,
        peft=wishes.peft or "none",
        flavor=where,
        settings=settings,
        data=data,
        facts=facts,
        machines=machines,
        goal=wishes.goal or "",
        push_to=wishes.push_to,
    )
    draft, why_peft = _choose_peft(draft, wishes.peft)
    draft = _with_rates(draft)
    draft, why_batch = _fit_batch(draft)
    draft = _with_intervals(draft.replace(**wishes.settings), wishes.settings)
    reasons = [why_method, why_peft, why_where, *why_settings, *why_batch]
    return dataclasses.replace(draft, reasons=tuple(r for r in reasons if r), warnings=tuple(_warnings(draft)))


def _flavor(facts: ModelFacts, data: DataFacts, flavor: str | None) -> tuple[str, str]:
    if flavor:
        return flavor, f"{flavor}: you chose it."
    if facts.local or _is_local(data):
        return "local", "This machine: model or data lie here, where a job elsewhere could not reach them."
    name = recommended_name(facts.parameters)
    return name, f"{name}: the usual choice for {count_text(facts.parameters)} parameters."


def _is_local(data: DataFacts) -> bool:
    return "data_files" in data.reference


def _settings(facts: ModelFacts, data: DataFacts, method: str) -> tuple[Settings, list[str]]:
    reasons = []
    longest = min(
        facts.context_length, 64 * math.ceil(data.longest_tokens * 1.05 / 64), 4096 if facts.parameters > TINY else 1024
    )
    if data.longest_tokens > longest:
        reasons.append(f"max_length {longest:,}: longer rows are cut, the longest 1 % exceed it.")
    else:
        reasons.append(f"max_length {longest:,}: 99 % of the rows stay within {data.longest_tokens:,} tokens.")
    messages = "messages" in data.columns
    marked = "{% generation" in (facts.chat_template or "") or "{%- generation" in (facts.chat_template or "")
    tiny = facts.parameters < TINY
    settings = Settings(
        num_train_epochs={"SFT": 2 if tiny else 3, "DPO": 1, "GRPO": 1}[method],
        max_length=longest,
        assistant_only_loss=method == "SFT" and messages and marked,
        answers_only=method == "SFT" and messages and not marked,
        eval_rows=max(1, min(200 if tiny else 100, data.rows // 10 or 1)),
        questions=min(200 if tiny else 16, max(1, data.rows // 10)),
        max_completion_length=32 if tiny else 256,
        num_generations=8,
        lora_r=32 if tiny else 16,
    )
    if method == "SFT" and messages:
        reasons.append("Only the answers are learned, not the questions.")
    return settings, reasons


def _choose_peft(plan: TrainingPlan, asked: str | None) -> tuple[TrainingPlan, str]:
    """LoRA when asked, from 3.5 B, or when full training does not fit the card and adapters do."""
    lora = plan.replace(peft="lora")
    if asked:
        return plan, ("LoRA" if asked == "lora" else "All weights") + ": you chose it."
    if plan.facts.parameters >= 3.5e9:
        return lora, "LoRA: from 3.5 B parameters on, training all weights needs several large cards."
    smallest = plan.replace(batch_size=1, peft="none")
    if not smallest.estimate.fits and plan.facts.parameters >= TINY:
        need = bytes_text(smallest.estimate.memory_bytes.high)
        return (
            lora,
            f"LoRA: training all weights needs {need}, {plan.flavor} has {bytes_text(plan.hardware.memory_bytes)}.",
        )
    return plan, "All weights: the model is small enough, and nothing learns better."


def _with_rates(plan: TrainingPlan) -> TrainingPlan:
    """TRL's defaults for full training, ten times as much for adapters; a tiny model takes far larger steps.

    The rates of tiny models were measured on the samples: 5e-4 learns, from 1.5e-3 on it stays on a plateau.
    """
    rate = {"SFT": 2e-5, "DPO": 1e-6, "GRPO": 1e-6}[plan.method]
    if plan.peft == "lora":
        rate *= 10
    if plan.facts.parameters < TINY:
        rate = {"SFT": 5e-4, "DPO": 2e-5, "GRPO": 2e-5}[plan.method] * (2 if plan.peft == "lora" else 1)
    return plan.replace(learning_rate=rate)


def _fit_batch(plan: TrainingPlan) -> tuple[TrainingPlan, list[str]]:
    """The largest batch that fits, accumulated to an effective batch of 16; tiny models gain more from more steps."""
    small = plan.facts.parameters < TINY
    effective = 8 if small else 16
    for batch in (effective, effective // 2, 4, 2, 1):
        candidate = plan.replace(
            batch_size=batch, accumulation=max(1, effective // batch), activation_checkpointing=not small
        )
        if candidate.estimate.fits or batch == 1:
            break
    candidate = _grpo_batch(candidate)
    s = candidate.settings
    why = (
        f"Batch {s.batch_size} x {s.accumulation}: an effective batch of {s.effective_batch_size} that fits the memory."
    )
    return candidate, [why]


def _grpo_batch(plan: TrainingPlan) -> TrainingPlan:
    """The batch TRL accepts: rows per step a multiple of the answers per prompt."""
    if plan.method != "GRPO":
        return plan
    s = plan.settings
    step = s.num_generations // math.gcd(s.num_generations, s.batch_size)
    return plan.replace(accumulation=step * math.ceil(s.accumulation / step))


def _with_intervals(plan: TrainingPlan, fixed: Mapping[str, Any]) -> TrainingPlan:
    """About 100 points on a curve, ten evaluations, four checkpoints, whatever the length."""
    steps = plan.work.steps
    wanted = {"logging_steps": steps // 100, "eval_steps": steps // 6, "save_steps": steps // 4}
    return plan.replace(**{name: max(1, count) for name, count in wanted.items() if name not in fixed})


def _warnings(plan: TrainingPlan) -> list[str]:
    found = []
    if not plan.estimate.fits:
        found.append(
            f"It needs up to {bytes_text(plan.estimate.memory_bytes.high)} and {plan.flavor} has "
            f"{bytes_text(plan.hardware.memory_bytes)}: expect it to run out of memory."
        )
    if plan.data.rows < 50:
        found.append(f"{plan.data.rows} rows are very few: the model may learn them by heart and nothing else.")
    if plan.flavor == "local" and not plan.hardware.gpu and plan.estimate.seconds.mid > 3600:
        found.append("This machine has no GPU that torch could use: a GPU flavor would be far faster.")
    if plan.settings.answers_only and plan.method == "SFT":
        found.append(
            "The chat template does not mark answers, so only the last answer of each conversation is learned."
        )
    return found
