"""What a person should know about a plan before it runs: what could disappoint, and which numbers it computes with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfft_widgets.core.plan.flavors import gpu_name
from hfft_widgets.core.plan.settings import GUESSED, UNSEEN
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.core.units import bytes_text, plural, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

_FEW_ROWS = 50
# a wait on this machine's processor that is worth a word
_LONG_SECONDS = 3600


def warnings_of(plan: TrainingPlan) -> Iterator[str]:
    """One sentence each, the worst first."""
    e, s = plan.estimate, plan.settings
    if not e.fits:
        yield (
            f"It needs up to {bytes_text(e.memory_bytes.high)} and {plan.flavor} has "
            f"{bytes_text(e.capacity_bytes)}: expect it to run out of memory."
        )
    lies_here = plan.facts.local or "data_files" in plan.data.reference
    if lies_here and e.usd_per_hour:
        yield "The model or the data lie on this machine, where a job cannot reach them: put them on the Hub first."
    if plan.max_usd is not None and e.ceiling_usd > plan.max_usd + 1e-9:
        yield (
            f"It may cost up to {usd_text(e.ceiling_usd)}, more than the {usd_text(plan.max_usd)} you allow: "
            "fewer steps or another flavor keep within it."
        )
    if plan.facts.gated:
        yield f"{plan.facts.name} is gated: who runs this must have accepted its terms at {plan.facts.page}."
    if s.max_length > plan.facts.context_length and plan.method not in GENERATING:
        yield (
            f"max_length {s.max_length:,} is more than the {plan.facts.context_length:,} tokens that "
            f"{plan.facts.name} was made for: what lies beyond is read badly, or not at all."
        )
    yield from _uncounted(plan)
    if plan.data.rows < _FEW_ROWS:
        yield f"{plural(plan.data.rows, 'row')} are very few: the model may learn them by heart and nothing else."
    if plan.flavor == "local" and not plan.hardware.gpu and e.seconds.mid > _LONG_SECONDS:
        yield "This machine has no GPU that torch could use: a GPU flavor would be far faster."
    if plan.hardware.gpu and gpu_name(plan.hardware.gpu) is None:
        yield f"How fast a {plan.hardware.gpu} is, is not known here: it is taken for an L4, and the range is wide."
    if s.answers_only and plan.method == "SFT" and "messages" in plan.data.columns:
        yield "The chat template does not mark answers, so only the last answer of each conversation is learned."
    yield from (advice.words for advice in plan.advice)


def precision_of(plan: TrainingPlan) -> str:
    """The formats of numbers that the script chooses where it runs, and why not TRL's own.

    TRL 1.16 loads a model given by name in float32, and asks for bfloat16 on every GPU.
    """
    machine = plan.hardware
    if not machine.gpu:
        return "float32, as a processor computes best."
    if machine.bf16:
        kind, why = "bfloat16", ""
    else:
        kind, why = "float16", f"; a {machine.gpu} has no bfloat16 and would only emulate it, many times slower"
    if plan.peft == "none":
        return f"weights in float32, products in {kind}{why}."
    spared = bytes_text(2 * plan.facts.parameters)
    return f"frozen weights in {kind} ({spared} less than in float32, TRL's default), adapters in float32{why}."


def _uncounted(plan: TrainingPlan) -> Iterator[str]:
    """What the estimate does not know of the tokens."""
    if GUESSED in plan.data.tokens_source:
        yield f"Tokens are {GUESSED}, as {plan.facts.name} has no tokenizer here: time and memory may be far off."
    if UNSEEN in plan.data.tokens_source:
        yield (
            f"How many tokens {plan.facts.name} makes of a picture is not known here: time and memory are those of "
            "the text alone, and will be more."
        )
