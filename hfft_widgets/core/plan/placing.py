"""Where it runs, and whether all weights or adapters learn: the rules of the field, corrected by the memory model.

A default that would run out of memory is changed by what changes the task least: first the batch at the same
effective batch (nothing changes), then fewer answers per prompt, then adapters, then a larger card, and the plan says
which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hfft_widgets.core.plan.batching import batched
from hfft_widgets.core.plan.flavors import size_class
from hfft_widgets.core.plan.rates import TINY, usual_rate
from hfft_widgets.core.plan.reason import Reason
from hfft_widgets.core.plan.training import TrainingPlan
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.core.units import bytes_text, count_text, duration_text, usd_text

# settings that change the memory, and the time: what was said of either is no longer true once one of them changes
_MEMORY = (
    "flavor", "peft", "batch_size", "accumulation", "max_length", "lora_r", "activation_checkpointing",
    "num_generations", "max_completion_length",
)  # fmt: skip
_TIME = (*_MEMORY, "num_train_epochs", "max_steps", "eval_rows")
ALWAYS_ADAPTERS = 3.5e9  # parameters; from here on all weights need several large cards
# a processor is enough for what takes no longer
_LOCAL_SECONDS = 3600


@dataclass(frozen=True)
class Places:
    """Flavors to try in order, and why.

    Attributes:
        names: The first group in which one fits is used, in it the cheapest.
        why: A sentence's beginning.
    """

    names: tuple[tuple[str, ...], ...]
    why: str


def placed(
    draft: TrainingPlan, flavor: str | None, peft: str | None, effective: int, fixed: Iterable[str]
) -> TrainingPlan:
    """The draft with flavor, adapters and batch chosen, and the reasons for them.

    Args:
        draft: A plan whose flavor, peft and batch are placeholders.
        flavor: What the person chose, or None.
        peft: What the person chose, or None.
        effective: Rows behind one optimizer step, on all cards together.
        fixed: Names of settings the person chose.
    """
    fixed = frozenset(fixed)
    places = _places(draft, flavor, peft, effective, fixed)
    fitting = (
        plan
        for names in places.names
        for kind in _pefts(draft, peft)
        for plan in _fitting(draft, names, kind, effective, fixed)
    )
    chosen = next(fitting, None) or _smallest(draft, places, peft, effective, fixed)
    return chosen.with_values(reasons=tuple(_reasons(chosen, places, peft, effective, fixed)))


def _places(draft: TrainingPlan, flavor: str | None, peft: str | None, effective: int, fixed: frozenset[str]) -> Places:
    if flavor:
        draft.machine(flavor)
        return Places(((flavor,),), f"{flavor}: you chose it.")
    if draft.facts.local or "data_files" in draft.data.reference:
        why = "This machine: model or data lie here, where a job elsewhere could not reach them."
        return Places((("local",),), why)
    known = {machine.name: machine for machine in draft.machines}
    if "local" in known and _suits_here(draft, peft, effective, fixed):
        return Places((("local",),), "This machine: it is enough for this model, and costs nothing.")
    usual = tuple(name for name in size_class(draft.facts.parameters).flavors if name in known)
    single = sorted((m for m in known.values() if m.gpus == 1 and m.usd_per_hour), key=lambda m: m.usd_per_hour)
    rest = tuple((machine.name,) for machine in single if machine.name not in usual)
    groups = (usual, *rest) if usual else rest
    if not groups:
        return Places(tuple((name,) for name in known), "It is all there is to choose from.")
    return Places(groups, "")


def _suits_here(draft: TrainingPlan, peft: str | None, effective: int, fixed: frozenset[str]) -> bool:
    """A GPU here that all of it fits; without one, a model so small that a processor is enough."""
    here = _prepared(draft, _pefts(draft, peft)[-1], effective, fixed, "local")
    if draft.machine("local").gpu:
        return here.estimate.fits
    return draft.facts.parameters < TINY and here.estimate.fits and here.estimate.seconds.mid < _LOCAL_SECONDS


def _pefts(draft: TrainingPlan, peft: str | None) -> tuple[str, ...]:
    if peft:
        return (peft,)
    if draft.facts.parameters >= ALWAYS_ADAPTERS:
        return ("lora",)
    return ("none",) if draft.facts.parameters < TINY else ("none", "lora")


def _fitting(
    draft: TrainingPlan, names: tuple[str, ...], peft: str, effective: int, fixed: frozenset[str]
) -> Iterator[TrainingPlan]:
    """The cheapest of these flavors that holds it, if one does."""
    made = [_prepared(draft, peft, effective, fixed, name) for name in names]
    yield from sorted((plan for plan in made if plan.estimate.fits), key=lambda plan: plan.estimate.usd.mid)[:1]


def _prepared(draft: TrainingPlan, peft: str, effective: int, fixed: frozenset[str], flavor: str) -> TrainingPlan:
    """The draft there, with the largest batch that fits; with fewer answers per prompt where none does."""
    rate = {} if "learning_rate" in fixed else {"learning_rate": usual_rate(draft.method, peft, draft.facts.parameters)}
    plan = _batch(draft.with_values(peft=peft, **rate), flavor, effective, fixed)
    if draft.method in GENERATING and not {"num_generations", "batch_size", "accumulation"} & fixed:
        for count in (4, 2):
            if plan.estimate.fits:
                break
            plan = _batch(draft.with_values(peft=peft, num_generations=count, **rate), flavor, effective, fixed)
    return plan


def _batch(plan: TrainingPlan, flavor: str, effective: int, fixed: frozenset[str]) -> TrainingPlan:
    """The batch by rule where the person left it open; what they chose stays."""
    s = plan.settings
    batch = s.batch_size if "batch_size" in fixed else 0
    return batched(plan, effective, flavor, fixed=batch, accumulation=s.accumulation if "accumulation" in fixed else 0)


def _smallest(
    draft: TrainingPlan, places: Places, peft: str | None, effective: int, fixed: frozenset[str]
) -> TrainingPlan:
    """Where nothing fits: the largest card there is to choose, with the least that can be asked of it."""
    names = [name for group in places.names for name in group]
    largest = max(names, key=lambda name: draft.machine(name).memory_bytes)
    return _prepared(draft, _pefts(draft, peft)[-1], effective, fixed, largest)


# ---- reasons --------------------------------------------------------------------------------------


def _reasons(
    plan: TrainingPlan, places: Places, peft: str | None, effective: int, fixed: frozenset[str]
) -> Iterator[Reason]:
    yield _why_peft(plan, peft, effective)
    yield from _why_here(plan, places)
    s = plan.settings
    where = f", on each of {plan.hardware.gpus} cards" if plan.hardware.gpus > 1 else ""
    pieces = "the largest pieces that fit" if plan.estimate.fits else "the smallest pieces; even they are too large for"
    if not {"batch_size", "accumulation"} & fixed:
        yield Reason(
            f"Batch {s.batch_size} x {s.accumulation}{where}: an effective batch of {plan.effective_batch_size}, in "
            f"{pieces} the memory.",
            _MEMORY,
        )
    if plan.method in GENERATING and "num_generations" not in fixed and s.num_generations < 8:
        yield Reason(
            f"{s.num_generations} answers per prompt instead of 8: more at once do not fit the memory.",
            _MEMORY,
        )


def _why_peft(plan: TrainingPlan, peft: str | None, effective: int) -> Reason:
    if peft:
        return Reason(("LoRA" if peft == "lora" else "All weights") + ": you chose it.", ("peft",))
    if plan.peft == "none":
        return Reason(
            "All weights: the model is small enough for it, and nothing learns better.",
            _MEMORY,
            _lighter(plan),
            _MEMORY,
        )
    size = count_text(plan.facts.parameters)
    full = batched(plan.with_values(peft="none"), effective, fixed=1)
    need, has = bytes_text(full.estimate.memory_bytes.high), bytes_text(full.estimate.capacity_bytes)
    if plan.facts.parameters >= ALWAYS_ADAPTERS:
        words = f"LoRA: to train all weights of {size} parameters takes up to {need}; adapters learn nearly as well."
    else:
        words = (
            f"LoRA instead of all weights: they would take up to {need}, and {plan.flavor} has {has}. Adapters learn "
            "from the same rows in the same steps."
        )
    return Reason(words, _MEMORY, _roomier(plan, effective), _TIME)


def _lighter(plan: TrainingPlan) -> str:
    other = plan.replace(peft="lora").estimate.memory_bytes.mid
    return f"LoRA would take {bytes_text(other)} instead of {bytes_text(plan.estimate.memory_bytes.mid)}."


def _roomier(plan: TrainingPlan, effective: int) -> str:
    """Where all weights would fit, and for how much."""
    full = plan.with_values(peft="none", learning_rate=usual_rate(plan.method, "none", plan.facts.parameters))
    paid = [m.name for m in plan.machines if m.usd_per_hour]
    fitting = [there for name in paid if (there := batched(full, effective, name)).estimate.fits]
    if not fitting:
        return "No flavor would hold all weights."
    best = min(fitting, key=lambda there: there.estimate.usd.mid)
    return f"All weights would fit {best.flavor} ({best.hardware.where}), for about {usd_text(best.estimate.usd.mid)}."


def _why_here(plan: TrainingPlan, places: Places) -> Iterator[Reason]:
    if places.why:
        yield Reason(places.why, ("flavor",))
        return
    size, count = size_class(plan.facts.parameters), count_text(plan.facts.parameters)
    offered = [name for name in size.flavors if any(machine.name == name for machine in plan.machines)]
    if plan.flavor in size.flavors:
        yield Reason(f"{plan.flavor}: usual for {count} parameters ({size.name}).", ("flavor",))
        yield from (_compared(plan, name) for name in offered if name != plan.flavor)
        return
    lacks = f"{' and '.join(offered)}, has too little memory"
    if not offered:
        lacks = f"{' and '.join(size.flavors)}, is not offered"
    yield Reason(f"{plan.flavor}: what is usual for {count} parameters, {lacks}.", _MEMORY)


def _compared(plan: TrainingPlan, name: str) -> Reason:
    """Why the plan's flavor was taken and not this one, which is usual too."""
    other = batched(plan, plan.effective_batch_size, name)
    if not other.estimate.fits:
        return Reason(f"{name} is usual too, and has too little memory.", _MEMORY)
    here, there = (f"{usd_text(p.estimate.usd.mid)} and {duration_text(p.estimate.seconds.mid)}" for p in (plan, other))
    return Reason(f"It is the cheaper of the two usual ones in all: about {here}, {there} on {name}.", _TIME)
