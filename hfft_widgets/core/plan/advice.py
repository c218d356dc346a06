"""Changes worth making to a plan, each in words and as the values that `TrainingPlan.replace` takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.plan.batching import LEAST_BATCH, accumulation_for, batched, cards
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.core.units import bytes_text, duration_text, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

# what does not take less than this share of the memory helps nobody
_LESS = 0.98
# below this share of its price another flavor is worth a word
_MUCH_CHEAPER = 0.75


@dataclass(frozen=True)
class Advice:
    """A change to a plan.

    Attributes:
        label: What it does, in the few words of a button.
        words: What it brings, one sentence.
        changes: Names and values for `TrainingPlan.replace`.
    """

    label: str
    words: str
    changes: Mapping[str, Any]


def advice_for(plan: TrainingPlan) -> Iterator[Advice]:
    """What would make the plan fit, or cheaper in all."""
    made = plan.with_script(None)  # an edited script follows no setting: what is advised is told all the same
    if not made.estimate.fits and (way := next((w for w in _lighter(made) if w.estimate.fits), None)):
        yield _advice(made, way)
    if cheaper := _cheaper(made):
        yield cheaper


def lighter_than(plan: TrainingPlan) -> Advice | None:
    """The least change that takes less memory, for a plan that ran out of it; None: there is nothing left.

    The same batch in smaller pieces changes nothing of what is learned; then fewer answers per prompt; then adapters;
    then a larger card.
    """
    made = plan.with_script(None)
    need = made.estimate.memory_bytes.high
    roomier = (
        way
        for way in _lighter(made)
        if way.estimate.memory_bytes.high < _LESS * need or way.hardware.memory_bytes > made.hardware.memory_bytes
    )
    way = next(roomier, None)
    return _advice(made, way) if way else None


def _lighter(plan: TrainingPlan) -> Iterator[TrainingPlan]:
    """The plan changed to take less memory, the least change first."""
    effective, size = plan.effective_batch_size, plan.settings.batch_size // 2
    while size >= LEAST_BATCH.get(plan.method, 1):
        yield plan.with_values(
            batch_size=size, accumulation=accumulation_for(plan, size, effective, cards(plan.hardware))
        )
        size //= 2
    if plan.method in GENERATING:
        for count in (4, 2):
            if count < plan.settings.num_generations and effective % count == 0:
                yield batched(plan.with_values(num_generations=count), effective)
    if plan.peft == "none":
        adapters = plan.replace(peft="lora")
        yield adapters
        yield batched(adapters, effective)
    larger = [m for m in plan.machines if m.gpus == 1 and m.memory_bytes > plan.hardware.memory_bytes]
    there = [batched(plan, effective, machine.name, fixed=plan.settings.batch_size) for machine in larger]
    yield from sorted(there, key=lambda other: (not other.estimate.fits, other.estimate.usd.mid))


def _advice(plan: TrainingPlan, other: TrainingPlan) -> Advice:
    """What of a plan differs from another, as advice."""
    s, o = plan.settings, other.settings
    changes = {name: getattr(other, name) for name in ("peft", "flavor") if getattr(other, name) != getattr(plan, name)}
    changes |= {
        n: getattr(o, n) for n in ("batch_size", "accumulation", "num_generations") if getattr(o, n) != getattr(s, n)
    }
    batch = f"batch {o.batch_size} x {o.accumulation}"
    need, before = (bytes_text(p.estimate.memory_bytes.high) for p in (other, plan))
    less = f"takes up to {need} instead of {before}"
    if "flavor" in changes:
        has = bytes_text(other.hardware.memory_bytes)
        words = f"{other.flavor} has {has}, and the training would cost about {usd_text(other.estimate.usd.mid)} there."
        return Advice(f"Use {other.flavor}", words, changes)
    if "peft" in changes:
        return Advice("Use LoRA", f"LoRA instead of all weights {less}, in the same steps.", changes)
    if "num_generations" in changes:
        return Advice(f"{o.num_generations} answers", f"{o.num_generations} answers per prompt {less}.", changes)
    words = f"{batch.capitalize()} instead of {s.batch_size} x {s.accumulation} {less}, and learns the same."
    return Advice(f"Use {batch}", words, changes)


def _cheaper(plan: TrainingPlan) -> Advice | None:
    """Dearer per hour is often cheaper per run: the flavor that is both, if the difference is worth a word."""
    e = plan.estimate
    paid = [o for o in plan.options if o.flavor.usd_per_hour and o.estimate.fits and o.note != "chosen"]
    better = [
        o for o in paid if o.estimate.usd.mid < _MUCH_CHEAPER * e.usd.mid and o.estimate.seconds.mid < e.seconds.mid
    ]
    if not better:
        return None
    best = min(better, key=lambda option: option.estimate.usd.mid)
    words = (
        f"{best.flavor.name} would cost less in all, {usd_text(best.estimate.usd.mid)} instead of "
        f"{usd_text(e.usd.mid)}, and be done in {duration_text(best.estimate.seconds.mid)} instead of "
        f"{duration_text(e.seconds.mid)}."
    )
    return Advice(f"Use {best.flavor.name}", words, {"flavor": best.flavor.name})
