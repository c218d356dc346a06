"""From a model and a report to a plan: every choice is a rule with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.data.findings import Status
from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.method import GOALS, METHODS
from hfft_widgets.core.plan.choose_hardware import LARGEST, Refusal, choose_hardware
from hfft_widgets.core.plan.data_stats import DataStats, learned_as
from hfft_widgets.core.plan.defaults import TINY, batched, held_out, with_intervals
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.proposals.answers import Answers, always_thinks, answers, switches_thinking
from hfft_widgets.core.plan.proposals.duration import Duration, duration, rows_per_step
from hfft_widgets.core.plan.recipe import rewards
from hfft_widgets.core.plan.settings import Reason, Settings, moving, usual_rewards
from hfft_widgets.core.plan.settings.names import understood
from hfft_widgets.core.plan.workload import Training, check_choice
from hfft_widgets.core.units import count_text, duration_text, plural, usd_text
from hfft_widgets.errors import PlanError

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

__all__ = ["LARGEST", "PlanRequest", "choose_method", "recommend"]

_LEAST_ROWS = 2
_LONGEST, _LONGEST_TINY = 4096, 1024
# share of the time that vLLM must come down to, to be chosen without being asked for
_VLLM_WORTH = 0.75
_TIME = moving("time")


@dataclass(frozen=True)
class PlanRequest:
    """What a person asked for; what is None is chosen by rule.

    Attributes:
        goal: One of `GOALS`.
        method: A name in `METHODS`; overrides the goal.
        peft: One of `PEFT`.
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
        named = understood(self.settings, ("push_to",))
        push_to = named.pop("push_to", self.push_to)  # as `hub_model_id`
        if self.push_to not in {None, push_to}:
            raise PlanError("push_to is given twice, as hub_model_id too.", remedy="Give it once.")
        object.__setattr__(self, "push_to", push_to)
        object.__setattr__(self, "settings", named)


def recommend(
    facts: ModelFacts, report: ValidationReport, data: DataStats, machines: tuple[Flavor, ...], request: PlanRequest
) -> TrainingPlan:
    """The plan for this model on this data.

    Args:
        facts: The model.
        report: The validation, with mappings and fixes applied.
        data: The data in numbers.
        machines: The hardware to choose from; one of them is "local".
        request: What the person asked for.

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
    chosen, why_method = choose_method(report, request.goal, request.method)
    method = METHODS[chosen]
    if facts.vision and data.pictures and not method.reads_pictures:
        able = " or ".join(name for name, other in METHODS.items() if other.reads_pictures)
        raise PlanError(
            f"{chosen} on pictures is not offered; {data.name} has them in its column {data.pictures!r}.",
            remedy=f"Choose {able}, or drop the column.",
        )
    chosen_answers = _answers(facts, data, request.settings) if method.generates else None
    defaults = _defaults(facts, data, request.settings.get("rows"))
    if chosen_answers:
        defaults["max_completion_length"] = chosen_answers.tokens
        defaults["mask_truncated_completions"] = chosen_answers.masked
    settings = Settings(**{**defaults, **request.settings})
    draft = Training(
        facts.reference, chosen, request.peft or "none", machines[0].name, settings, data, facts, machines,
        request.push_to,
    )  # fmt: skip
    judged, effective = rewards(draft), _effective(draft, request.settings)
    lasting = _duration(draft, effective, request.settings)
    draft = draft.with_values(num_train_epochs=lasting.epochs, max_steps=lasting.max_steps)
    placed, why_there = choose_hardware(draft, request.flavor, request.peft, effective, request.settings)
    placed, why_vllm = _vllm(placed, effective, request.settings)
    own = {f.name: getattr(placed, f.name) for f in fields(placed)}
    plan = TrainingPlan(**own, goal=request.goal or "", max_usd=request.max_usd, image=request.image)
    if facts.parameters >= LARGEST and not request.allow_large:
        raise Refusal(plan).error()
    reasons = [why_method, *why_there, *_data_reasons(plan, report, judged), *_why_so_long(plan, lasting)]
    if chosen_answers:
        reasons += [*why_vllm, *_answer_reasons(plan, chosen_answers)]
    reasons += [Reason(f"{name} {value}: you chose it.", (name,)) for name, value in request.settings.items()]
    return plan.with_values(reasons=tuple(reasons))


# formats in which makers publish a model in the first place: there is no other one that it was made from
_PUBLISHED_PACKED = {"mxfp4": "4 bits (mxfp4)", "fp8": "8 bits (fp8)"}


def _packed(facts: ModelFacts) -> PlanError:
    if facts.quantization in _PUBLISHED_PACKED:
        return PlanError(
            f"The weights of {facts.name} are published in {_PUBLISHED_PACKED[facts.quantization]}.",
            why="Gradients need weights of at least 16 bits.",
            remedy=f"Plan with a copy in bfloat16: search the Hub for {facts.name}-BF16.",
        )
    return PlanError(
        f"The weights of {facts.name} are packed into few bits ({facts.quantization}).",
        why="Such copies are made to answer, not to learn: gradients need the weights as they were.",
        remedy="Plan with the model it was made from; its card names it.",
    )


def _effective(draft: Training, fixed: Mapping[str, Any]) -> int:
    """Rows behind one step: by rule, or what the person asked for."""
    examples = draft.examples_per_row * (draft.rows - draft.settings.eval_rows)
    usual = rows_per_step(draft.trainer, examples, tiny=draft.facts.parameters < TINY)
    if {"batch_size", "accumulation"} <= set(fixed):
        return draft.effective_batch_size
    usual = max(usual, int(fixed.get("batch_size", 1)), int(fixed.get("accumulation", 1)))
    if draft.trainer.generates:
        count = draft.settings.num_generations
        return count * math.ceil(usual / count)
    return usual


def _duration(draft: Training, effective: int, fixed: Mapping[str, Any]) -> Duration:
    """How long by rule; what the person said of epochs or steps stays."""
    s = draft.settings
    if {"num_train_epochs", "max_steps"} & set(fixed):
        return Duration(s.num_train_epochs, s.max_steps)
    examples, tiny = draft.examples_per_row * (draft.rows - s.eval_rows), draft.facts.parameters < TINY
    return duration(draft.trainer, examples, max(1, effective // draft.answers_per_row), tiny=tiny)


def _why_so_long(plan: Training, lasting: Duration) -> Iterator[Reason]:
    if not lasting.words:
        return
    about, other = ("num_train_epochs", "max_steps", "batch_size", "accumulation"), ""
    if lasting.max_steps > 0:
        whole = plan.with_values(max_steps=-1, num_train_epochs=1.0).estimate
        cost = f" and {usd_text(whole.usd.mid)}" if whole.usd_per_hour else ""
        other = f"All rows once (num_train_epochs=1, max_steps=-1) would take {duration_text(whole.seconds.mid)}{cost}."
    yield Reason(lasting.words, about, other, moving("time"))


def _answers(facts: ModelFacts, data: DataStats, fixed: Mapping[str, Any]) -> Answers:
    thinks = always_thinks(facts.chat_template or "") or bool(fixed.get("thinking"))
    room = facts.context_length - data.row_lengths.longest
    return answers(data.answers, max(1, room), thinks=thinks, tiny=facts.parameters < TINY)


def _answer_reasons(plan: Training, chosen: Answers) -> Iterator[Reason]:
    s, template = plan.settings, plan.facts.chat_template or ""
    if s.max_completion_length == chosen.tokens:
        yield Reason(chosen.words, ("max_completion_length", "thinking"))
    if s.mask_truncated_completions and chosen.masked:
        words = "Answers that are cut teach nothing (mask_truncated_completions): a cut thought is no wrong answer."
        other = "Where too many are cut, little is learned: watch the clipped ratio. Off, a cut answer counts as wrong."
        yield Reason(words, ("mask_truncated_completions", "max_completion_length", "thinking"), other)
    if switches_thinking(template) and plan.data.conversational:
        how = "on" if s.thinking else "off"
        other = (
            "Thoughts (thinking=True) may score higher, and take about four times the tokens." if not s.thinking else ""
        )
        yield Reason(f"Thinking {how}: {plan.facts.name} thinks unless it is told not to.", ("thinking",), other)
    words = f"A step looks at {plural(plan.rows_in(1), 'prompt')}, with {s.num_generations} answers to each."
    yield Reason(words, ("batch_size", "accumulation", "num_generations", "flavor"))


def _vllm(draft: Training, effective: int, fixed: Mapping[str, Any]) -> tuple[Training, list[Reason]]:
    """The draft with vLLM where the card bears it and it is much sooner done, and the reason for it or against it."""
    asked, about = fixed.get("use_vllm"), ("use_vllm", "flavor", "peft")
    if not draft.trainer.generates or not draft.hardware.gpu or asked is False:
        return draft, []
    if draft.vllm_obstacle:
        words = f"Answers are written by the model itself: vLLM is not for {draft.flavor}, {draft.vllm_obstacle}."
        return draft, [Reason(words, about)]
    plain, size = draft.with_values(use_vllm=False), {"batch_size", "accumulation"} & set(fixed)
    with_it = plain.with_values(use_vllm=True)
    if not size:
        with_it = with_intervals(batched(with_it, effective), fixed)
    if not with_it.estimate.fits:
        return draft, [Reason(f"vLLM beside the training would not fit {draft.flavor}.", about)]
    takes, took = (_takes(one.estimate) for one in (with_it, plain))
    if asked or _much_sooner(with_it, plain):
        words = f"vLLM writes the answers, on the same card: {takes} instead of {took} (use_vllm=False: without it)."
        return with_it, [Reason(words, about)]
    return plain, [Reason("The model writes its answers itself.", about, f"With vLLM (use_vllm=True): {takes}.", _TIME)]


def _much_sooner(with_it: Training, plain: Training) -> bool:
    """Whether vLLM is worth its packages; on this machine they may not be there."""
    rented = plain.hardware.usd_per_hour > 0 and plain.facts.parameters >= TINY and not plain.trains_on_images
    return rented and with_it.estimate.seconds.mid < _VLLM_WORTH * plain.estimate.seconds.mid


def _takes(e: Estimate) -> str:
    price = f" and {usd_text(e.usd.mid)}" if e.usd_per_hour else ""
    return f"about {duration_text(e.seconds.mid)}{price}"


def _defaults(facts: ModelFacts, data: DataStats, first: object) -> dict[str, Any]:
    """The usual settings; `first`: how many rows a person chose."""
    rows = min(data.rows, first) if isinstance(first, int) else data.rows
    tiny = facts.parameters < TINY
    return {
        "max_length": _max_length(facts, data),
        **learned_as(data),
        "eval_rows": held_out(rows, facts.parameters),
        "questions": min(200 if tiny else 16, max(1, rows // 10)),
        "lora_r": 32 if tiny else 16,
        "activation_checkpointing": not tiny,
    }


def _max_length(facts: ModelFacts, data: DataStats) -> int:
    """The limit chosen with the data; else room for 99 % of the rows, up to a limit that a single card bears."""
    if data.max_length:
        return min(facts.context_length, data.max_length)
    roomy = 64 * math.ceil(data.longest_tokens * 1.05 / 64)
    return min(facts.context_length, roomy, _LONGEST_TINY if facts.parameters < TINY else _LONGEST)


def _data_reasons(plan: Training, report: ValidationReport, judged: tuple[str, ...]) -> Iterator[Reason]:
    s, data = plan.settings, plan.data
    if plan.trainer.generates:
        yield Reason(f"Answers are scored by {' and '.join(judged)}.", ("rewards", "method"))
    elif not data.pictures:
        yield Reason(_length_words(plan, report), ("max_length",))
    if s.assistant_only_loss or s.answers_only:
        yield Reason("Only the answers are learned, not the questions.", ("assistant_only_loss", "answers_only"))
    yield from _adapter_reasons(plan)
    if data.conversational and not plan.facts.chat_template and not data.pictures:
        yield Reason(f"{plan.facts.name} is a base model without chat template: the script gives it one.")


def _adapter_reasons(plan: Training) -> Iterator[Reason]:
    """Where adapters go, where that is not into every linear layer."""
    facts = plan.facts
    if plan.peft != "lora":
        return
    trained = count_text(facts.lora_parameters(plan.settings.lora_r))
    if facts.vision:
        yield Reason(f"Adapters go into the part that reads text alone ({trained} parameters).", ("peft", "lora_r"))
    if facts.lora_refused and isinstance(facts.lora_targets, tuple):
        names = ", ".join(facts.lora_targets)
        words = f"Adapters go beside {names} alone: PEFT refuses those beside other layers of this model."
        yield Reason(words, ("peft",), facts.lora_refused)
    if facts.layout.merged_parameters:
        yield Reason(f"Every expert gets adapters: {trained} parameters are trained.", ("peft", "lora_r"))


def _length_words(plan: Training, report: ValidationReport) -> str:
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


# ---- the method ----------------------------------------------------------------------------------


def choose_method(report: ValidationReport, goal: str | None, method: str | None) -> tuple[str, Reason]:
    """The method and the reason for it.

    Args:
        report: The validation, with mappings and fixes applied.
        goal: One of `GOALS`, or None.
        method: One of METHODS, which overrides the goal, or None.

    Raises:
        PlanError: The data is not ready for it, with the mapping or fix that makes it so.
    """
    chosen = method_for(report, goal, method)
    if chosen is None:
        states = "; ".join(f"{name}: {verdict.reason}" for name, verdict in report.verdicts.items())
        raise PlanError(
            f"{report.name} can not be trained on as it is.",
            why=states + ".",
            remedy="Apply a mapping or a fix that the report offers.",
        )
    _refuse_unready(report, chosen)
    why = "you chose it" if method else f"for the goal '{goal}'" if goal else "the data fits it best"
    return chosen, Reason(
        f"{chosen}: {why}; it {METHODS[chosen].optimizes}.", ("method", "goal"), _others(report, chosen)
    )


def method_for(report: ValidationReport, goal: str | None, method: str | None) -> str | None:
    """The method that is meant, ready or not; None if the data suits none. Raises PlanError: no such goal or method."""
    if method is not None:
        check_choice("method", method, METHODS)
    return method or (_for_goal(report, goal) if goal else report.recommended)


def _for_goal(report: ValidationReport, goal: str) -> str:
    """The first method for a goal that the data is ready for; the usual one if none is."""
    if goal.lower() not in GOALS:
        raise PlanError(f"Unknown goal {goal!r}.", remedy=f"Choose one of: {', '.join(GOALS)}.")
    methods = GOALS[goal.lower()]
    order = (Status.READY, Status.BLOCKED_BY_ROWS, Status.NEEDS_MAPPING)
    found = (name for status in order for name in methods if report.verdicts[name].status is status)
    return next(found, methods[0])


def _others(report: ValidationReport, chosen: str) -> str:
    ready = [name for name, verdict in report.verdicts.items() if verdict.status is Status.READY and name != chosen]
    if not usual_rewards(report.columns):  # prompts alone are enough for their trainers, and teach nothing
        ready = [name for name in ready if not METHODS[name].generates]
    return "; ".join(f"{name} would do too: it {METHODS[name].optimizes}" for name in ready) + "." if ready else ""


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
