"""What a person should know about a plan before it runs: what could disappoint, and which numbers it computes with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hfft_widgets.core.plan.advice import Advice
from hfft_widgets.core.plan.data_stats import GUESSED, UNSEEN
from hfft_widgets.core.plan.defaults import TINY
from hfft_widgets.core.plan.hardware import gpu_name
from hfft_widgets.core.plan.proposals.answers import always_thinks, switches_thinking
from hfft_widgets.core.plan.settings import usual_rewards
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.units import bytes_text, plural, usd_text

_FEW_ROWS = 50
# a wait on this machine's processor that is worth a word
_LONG_SECONDS = 3600
# share of the reference answers that may be cut; and tokens below which most answers, or thoughts, are
_FEW_CLIPPED, _LEAST_ANSWER, _LEAST_THOUGHTS = 0.02, 300, 2048


def warnings_of(training: Training, max_usd: float | None, advice: Iterable[Advice]) -> Iterator[str]:
    """One sentence each, the worst first.

    Args:
        training: The training.
        max_usd: The most a person wants to spend, or None.
        advice: Changes worth making.
    """
    e, s = training.estimate, training.settings
    if not e.fits:
        yield (
            f"It needs up to {bytes_text(e.memory_bytes.high)} and {training.flavor} has "
            f"{bytes_text(e.capacity_bytes)}: expect it to run out of memory."
        )
    if training.lies_here and e.usd_per_hour:
        yield "The model or the data lie on this machine, where a job cannot reach them: put them on the Hub first."
    if max_usd is not None and e.ceiling_usd > max_usd + 1e-9:
        yield (
            f"It may cost up to {usd_text(e.ceiling_usd)}, more than the {usd_text(max_usd)} you allow: "
            "fewer steps or another flavor keep within it."
        )
    if training.facts.gated:
        yield f"{training.facts.name} is gated: who runs this must have accepted its terms at {training.facts.page}."
    if s.max_length > training.facts.context_length and not training.trainer.generates:
        yield (
            f"max_length {s.max_length:,} is more than the {training.facts.context_length:,} tokens that "
            f"{training.facts.name} was made for: what lies beyond is read badly, or not at all."
        )
    yield from _running_code(training)
    yield from _uncounted(training)
    yield from _clipped(training)
    yield from _ineffective(training)
    if training.rows < _FEW_ROWS:
        yield f"{plural(training.rows, 'row')} are very few: the model may learn them by heart and nothing else."
    yield from _machine(training)
    yield from _leaked(training)
    if training.splits_conversations:
        yield "The chat template does not mark answers, so only the last answer of each conversation is learned."
    yield from (one.words for one in advice)


def _ineffective(training: Training) -> Iterator[str]:
    """Settings that the machine cannot follow, or that are slow there."""
    s, machine = training.settings, training.hardware
    if s.use_vllm and training.trainer.generates and training.vllm_obstacle:
        yield f"vLLM does not write the answers on {training.flavor}: {training.vllm_obstacle}."
    if s.bf16_weights and not training.adapts and not training.weights_in_16_bits:
        yield f"A {machine.gpu} has no bfloat16: the weights learn in float32 there, in twice the memory."
    if (training.quantized or s.optim == "paged_adamw_8bit") and not machine.gpu and training.facts.parameters >= TINY:
        yield "4-bit weights and paged moments are made for GPUs: on a processor they spare memory and cost much time."


def _machine(training: Training) -> Iterator[str]:
    """What the machine lacks, or what is not known of it."""
    machine = training.hardware
    if machine.note:
        yield machine.note
    elif training.flavor == "local" and not machine.gpu and training.estimate.seconds.mid > _LONG_SECONDS:
        yield "This machine has no GPU that torch could use: a GPU flavor would be far faster."
    if machine.gpu and gpu_name(machine.gpu) is None:
        yield f"How fast a {machine.gpu} is, is not known here: it is taken for an L4, and the range is wide."


def _clipped(training: Training) -> Iterator[str]:
    """Where answers would be cut before their end: nothing is learned from those."""
    if not training.trainer.generates:
        return
    s, answers, template = training.settings, training.data.answers, training.facts.chat_template or ""
    beyond = answers.share_beyond(s.max_completion_length) if answers else 0.0
    if beyond > _FEW_CLIPPED:
        yield (
            f"{beyond:.0%} of the reference answers are longer than the {s.max_completion_length:,} tokens an answer "
            "may have: such answers are cut, and score as wrong ones do."
        )
    thinks = always_thinks(template) or (s.thinking and switches_thinking(template))
    if thinks and s.max_completion_length < _LEAST_THOUGHTS:
        yield (
            f"{training.facts.name} thinks before it answers, and {s.max_completion_length:,} tokens end most thoughts "
            f"before the answer: allow {_LEAST_THOUGHTS:,} and more, or choose a model that need not think."
        )
    elif not thinks and s.max_completion_length < _LEAST_ANSWER and training.facts.parameters >= TINY:
        yield (
            f"Answers are cut at {s.max_completion_length:,} tokens: models of this size often write more, and what is "
            "cut scores as a wrong answer does."
        )


def _leaked(training: Training) -> Iterator[str]:
    if training.data.leaked and not training.data.apart:
        yield (
            f"{plural(training.data.leaked, 'held-out row')} would be nearly the same as a row to train on, and the "
            "score too good: the report's fix leaves them out."
        )


def precision_of(training: Training) -> str:
    """The formats of numbers that the script chooses where it runs, and why not TRL's own.

    TRL 1.16 loads a model given by name in float32, and asks for bfloat16 on every GPU.
    """
    machine = training.hardware
    if training.weights_in_16_bits:
        return "weights and products in bfloat16."
    if not machine.gpu:
        frozen = "frozen weights in 4 bits (nf4), all else in " if training.quantized else ""
        return f"{frozen}float32, as a processor computes best."
    if machine.bf16:
        kind, why = "bfloat16", ""
    else:
        kind, why = "float16", f"; a {machine.gpu} has no bfloat16 and would only emulate it, many times slower"
    if training.quantized:
        return f"frozen weights in 4 bits (nf4), products in {kind}, adapters in float32{why}."
    if training.peft == "none":
        return f"weights in float32, products in {kind}{why}."
    spared = bytes_text(2 * training.facts.parameters)
    return f"frozen weights in {kind} ({spared} less than in float32, TRL's default), adapters in float32{why}."


def _running_code(training: Training) -> Iterator[str]:
    """That answers are code, which runs."""
    if training.trainer.generates and "passes_tests" in (
        training.settings.rewards or usual_rewards(training.data.columns)
    ):
        yield (
            "The model's answers are code, and they run where it trains: apart from your files and the network, in one "
            "of three ways that is chosen there. Where none works, the training does not start."
        )


def _uncounted(training: Training) -> Iterator[str]:
    """What the estimate does not know of the tokens."""
    if GUESSED in training.data.tokens_source:
        yield f"Tokens are {GUESSED}, as {training.facts.name} has no tokenizer here: time and memory may be far off."
    if UNSEEN in training.data.tokens_source:
        yield (
            f"How many tokens {training.facts.name} makes of a picture is not known here: time and memory are those of "
            "the text alone, and will be more."
        )
