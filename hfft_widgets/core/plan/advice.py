"""Changes worth making to a plan, each in words and as the values that `TrainingPlan.replace` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.defaults import accumulation_for, batched, rate_after, steps_within, with_intervals
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.units import bytes_text, duration_text, usd_text
from hfft_widgets.errors import PlanError

# what does not take less than this share of the memory helps nobody
_LESS = 0.98
# below this share of its price another flavor is worth a word
_MUCH_CHEAPER = 0.75
# from this share of padding on, and below this share of the time, another order of the rows is
_MUCH_PADDING, _MUCH_SOONER = 0.1, 0.9
# a training that takes longer is worth a try of about so long first
_LONG_SECONDS, _TRY_SECONDS = 3600, 1200


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


def advice_for(training: Training, elsewhere: Iterable[Estimate]) -> Iterator[Advice]:
    """What would make the training fit, or cheaper in all.

    Args:
        training: The training.
        elsewhere: What it takes on other flavors.
    """
    if not training.estimate.fits and (way := next((w for w in _lighter(training) if w.estimate.fits), None)):
        yield _advice(training, way)
    if less := _less_padding(training):
        yield less
    if cheaper := _cheaper(training.estimate, elsewhere):
        yield cheaper
    if shorter := _shorter(training):
        yield shorter


def lighter_than(training: Training) -> Advice | None:
    """The least change that takes less memory, for a training that ran out of it; None: there is nothing left.

    The same batch in smaller pieces changes nothing of what is learned; then fewer answers per prompt; then adapters;
    then a larger card, and adapters on 4-bit weights: on this machine these first.
    """
    need, has = training.estimate.memory_bytes.high, training.hardware.memory_bytes
    roomier = (
        way
        for way in _lighter(training)
        if way.estimate.memory_bytes.high < _LESS * need or way.hardware.memory_bytes > has
    )
    way = next(roomier, None)
    return _advice(training, way) if way else None


def _lighter(training: Training) -> Iterator[Training]:
    """The training changed to take less memory, the least change first."""
    effective, size = training.effective_batch_size, training.settings.batch_size // 2
    while size >= training.trainer.least_batch:
        steps = accumulation_for(training, size, effective, training.hardware.devices)
        yield training.with_values(batch_size=size, accumulation=steps)
        size //= 2
    if training.trainer.generates:
        for count in (4, 2):
            if count < training.settings.num_generations and effective % count == 0:
                yield batched(training.with_values(num_generations=count), effective)
    if training.peft == "none":
        rate = rate_after(training, training.method, "lora")
        adapters = training.with_values(peft="lora", learning_rate=rate)
        yield adapters
        yield batched(adapters, effective)
    here = training.flavor == "local"  # where a larger card would cost money, and fewer bits nothing
    yield from _in_four_bits(training, effective) if here else ()
    larger = [m for m in training.machines if m.gpus == 1 and m.memory_bytes > training.hardware.memory_bytes]
    there = [batched(training, effective, machine.name, fixed=training.settings.batch_size) for machine in larger]
    yield from sorted(there, key=lambda other: (not other.estimate.fits, other.estimate.usd.mid))
    yield from _in_four_bits(training, effective) if not here else ()


def _in_four_bits(training: Training, effective: int) -> Iterator[Training]:
    """Adapters on 4-bit weights, as they are and in the largest pieces that fit."""
    if training.quantized or not training.hardware.gpu:
        return
    rate = rate_after(training, training.method, "qlora")
    other = training.with_values(peft="qlora", learning_rate=rate, use_vllm=False)
    yield from (other, batched(other, effective))


def _advice(training: Training, other: Training) -> Advice:
    """What of a training differs from another, as advice."""
    s, o = training.settings, other.settings
    changes = {
        name: getattr(other, name) for name in ("peft", "flavor") if getattr(other, name) != getattr(training, name)
    }
    changes |= {
        n: getattr(o, n) for n in ("batch_size", "accumulation", "num_generations") if getattr(o, n) != getattr(s, n)
    }
    batch = f"batch {o.batch_size} x {o.accumulation}"
    need, before = (bytes_text(p.estimate.memory_bytes.high) for p in (other, training))
    less = f"takes up to {need} instead of {before}"
    if "flavor" in changes:
        has = bytes_text(other.hardware.memory_bytes)
        words = f"{other.flavor} has {has}, and the training would cost about {usd_text(other.estimate.usd.mid)} there."
        return Advice(f"Use {other.flavor}", words, changes)
    if changes.get("peft") == "qlora":
        words = f"Adapters on 4-bit weights, a little coarser, {less.replace('takes', 'take')}, in the same steps."
        return Advice("Use QLoRA", words, changes)
    if "peft" in changes:
        return Advice("Use LoRA", f"LoRA instead of all weights {less}, in the same steps.", changes)
    if "num_generations" in changes:
        return Advice(f"{o.num_generations} answers", f"{o.num_generations} answers per prompt {less}.", changes)
    words = f"{batch.capitalize()} instead of {s.batch_size} x {s.accumulation} {less}, and learns the same."
    return Advice(f"Use {batch}", words, changes)


# ---- padding -----------------------------------------------------------------------------------


def padding_share(training: Training) -> float:
    """Share of the computed tokens that only fill rows up, from 0 to 1."""
    work = training.work
    real = training.lengths.mean + work.written_tokens
    return 0.0 if training.packs_here else max(0.0, 1 - real / (work.tokens_per_row + work.written_tokens))


def side_by_side(training: Training) -> Advice | None:
    """Rows of like length brought together; None where the trainer cannot, or they are already."""
    if not training.trainer.groups or training.groups_rows or training.packs or training.data.pictures:
        return None
    other = batched(training.with_values(group_by_length=True), training.effective_batch_size)
    how = "Rows of like length brought together"
    return _padded_less(training, other, "Group by length", how, {"group_by_length": True})


def packed(training: Training) -> Advice | None:
    """Several rows in one sequence, as many rows behind a step as before; None where nothing keeps them apart."""
    able = training.trainer.packs and bool(training.hardware.gpu) and training.hardware.bf16
    if not able or training.packs or training.data.pictures:
        return None
    together = training.lengths.packed(training.settings.max_length)
    sequences = max(1, round(training.effective_batch_size / together))
    other = batched(training.with_values(packing=True), sequences)
    how = f"About {together:.1f} rows in one sequence, which flash attention keeps apart"
    return _padded_less(training, other, "Pack rows", how, {"packing": True})


def _padded_less(training: Training, other: Training, label: str, how: str, changes: dict[str, Any]) -> Advice:
    s, o = training.settings, other.settings
    changes |= {n: getattr(o, n) for n in ("batch_size", "accumulation") if getattr(o, n) != getattr(s, n)}
    before, after = (one.estimate for one in (training, other))
    price = f"{usd_text(after.usd.mid)} instead of {usd_text(before.usd.mid)}, " if before.usd_per_hour else ""
    time = f"{duration_text(after.seconds.mid)} instead of {duration_text(before.seconds.mid)}"
    share, words = padding_share(training), f"{how} would take {price}{time}."
    if share >= _MUCH_PADDING:
        words = f"{share:.0%} of the computed tokens are padding: each batch is as long as its longest row. {words}"
    return Advice(label, words, changes)


def _less_padding(training: Training) -> Advice | None:
    """What spares padding, where that is worth a word."""
    found = [one for one in (side_by_side(training), packed(training)) if one]
    if not found or padding_share(training) < _MUCH_PADDING:
        return None
    took = [(training.with_values(**one.changes).estimate, one) for one in found]
    then, best = min(
        ((e, one) for e, one in took if e.fits), key=lambda pair: pair[0].seconds.mid, default=(None, None)
    )
    worth = then is not None and then.seconds.mid < _MUCH_SOONER * training.estimate.seconds.mid
    return best if worth else None


def _shorter(training: Training) -> Advice | None:
    """Part of the data first, where all of it takes hours: what goes wrong shows in minutes, and costs little."""
    e = training.estimate
    if not e.fits or e.seconds.mid <= _LONG_SECONDS:
        return None

    def only(count: int) -> Training:
        return with_intervals(training.with_values(max_steps=count))

    try:
        steps = steps_within(training, only, _TRY_SECONDS, None)
    except PlanError:  # not even one step
        return None
    short = only(steps).estimate
    price = f", for about {usd_text(short.usd.mid)} instead of {usd_text(e.usd.mid)}" if e.usd_per_hour else ""
    takes = duration_text(short.seconds.mid)
    words = (
        f"All of it takes about {duration_text(e.seconds.mid)}. A first try of {takes} reads "
        f"{training.rows_in(steps):,} of {training.rows:,} rows, in random order{price}."
    )
    return Advice(f"Try {takes} first", words, {"max_steps": steps})


def _cheaper(e: Estimate, elsewhere: Iterable[Estimate]) -> Advice | None:
    """Dearer per hour is often cheaper per run: the flavor that is both, if the difference is worth a word."""
    paid = [other for other in elsewhere if other.usd_per_hour and other.fits]
    better = [o for o in paid if o.usd.mid < _MUCH_CHEAPER * e.usd.mid and o.seconds.mid < e.seconds.mid]
    if not better:
        return None
    best = min(better, key=lambda other: other.usd.mid)
    words = (
        f"{best.flavor} would cost less in all, {usd_text(best.usd.mid)} instead of {usd_text(e.usd.mid)}, and be done "
        f"in {duration_text(best.seconds.mid)} instead of {duration_text(e.seconds.mid)}."
    )
    return Advice(f"Use {best.flavor}", words, {"flavor": best.flavor})
