"""Where it runs, and whether all weights or adapters learn: the rules of the field, corrected by the memory model.

A default that would run out of memory is changed by what changes the task least: first the batch at the same
effective batch (nothing changes), then fewer answers per prompt, then adapters, then a larger card, and the plan says
which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.defaults import TINY, batched, usual_rate, with_intervals
from hfft_widgets.core.plan.hardware import Flavor, size_class
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.settings import Reason, moving
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.units import bytes_text, count_text, duration_text, usd_text
from hfft_widgets.errors import ModelTooLargeError

# what changes the memory, and the time: what was said of either is no longer true once one of them changes
_MEMORY, _TIME = (("flavor", "peft", *moving(what)) for what in ("memory", "time"))
_BOTH = tuple(dict.fromkeys((*_MEMORY, *_TIME)))
_BATCH = ("batch_size", "accumulation")
ALWAYS_ADAPTERS = 3.5e9  # parameters; from here on all weights need several large cards
_NAMES = {"none": "All weights", "lora": "LoRA", "qlora": "QLoRA"}
# a processor is enough for what takes no longer
_LOCAL_SECONDS = 3600


@dataclass(frozen=True)
class _Asked:
    """What a person chose: a flavor, adapters or not, settings by name; and the rows behind one step, on all cards."""

    flavor: str | None
    peft: str | None
    fixed: frozenset[str]
    effective: int

    def pefts(self, facts: ModelFacts) -> tuple[str, ...]:
        """What to try, the one that learns best first."""
        parameters = facts.parameters
        if self.peft:
            return (self.peft,)
        if not facts.lora_parameters(1):
            return ("none",)
        if parameters >= ALWAYS_ADAPTERS:
            return ("lora",)
        return ("none",) if parameters < TINY else ("none", "lora")

    def packed(self, facts: ModelFacts) -> tuple[str, ...]:
        """What to try where no card holds it otherwise."""
        return () if self.peft or facts.parameters < TINY or not facts.lora_parameters(1) else ("qlora",)


@dataclass(frozen=True)
class _Candidates:
    """Groups of flavors to try in order, in each the cheapest that fits; and why, as a sentence or ""."""

    names: tuple[tuple[str, ...], ...]
    why: str = ""


def choose_hardware(
    draft: Training, flavor: str | None, peft: str | None, effective: int, fixed: Iterable[str]
) -> tuple[Training, tuple[Reason, ...]]:
    """The draft with flavor, adapters and batch chosen, and the reasons for them.

    Args:
        draft: A training whose flavor, peft and batch are placeholders.
        flavor: What the person chose, or None.
        peft: What the person chose, or None.
        effective: Rows behind one optimizer step, on all cards together.
        fixed: Names of settings the person chose.
    """
    asked = _Asked(flavor, peft, frozenset(fixed), effective)
    candidates, pefts = _candidates(draft, asked), asked.pefts(draft.facts)
    ways = (pefts, asked.packed(draft.facts))  # a larger card before fewer bits
    found = (_cheapest(draft, names, kind, asked) for kinds in ways for names in candidates.names for kind in kinds)
    fitting = next(filter(None, found), None)
    if fitting and not candidates.why:
        fitting = _cheapest(draft, [m.name for m in _single(draft)], fitting.peft, asked)
    chosen = fitting or _prepared(draft, pefts[-1], _roomiest(draft, candidates), asked)
    return chosen, tuple(_reasons(chosen, candidates, asked))


def _candidates(draft: Training, asked: _Asked) -> _Candidates:
    if asked.flavor:
        draft.machine(asked.flavor)
        return _Candidates(((asked.flavor,),), f"{asked.flavor}: you chose it.")
    if draft.lies_here:
        why = "This machine: model or data lie here, where a job elsewhere could not reach them."
        return _Candidates((("local",),), why)
    known = {machine.name: machine for machine in draft.machines}
    if "local" in known and _suits_here(draft, asked):
        return _Candidates((("local",),), "This machine: it is enough for this model, and costs nothing.")
    usual = tuple(name for name in size_class(draft.facts.parameters).flavors if name in known)
    rest = tuple((machine.name,) for machine in _single(draft) if machine.name not in usual)
    groups = (usual, *rest) if usual else rest
    if not groups:
        return _Candidates(tuple((name,) for name in known), "It is all there is to choose from.")
    return _Candidates(groups)


def _single(draft: Training) -> list[Flavor]:
    """Machines to rent with one card, the cheapest of an hour first: of those with the same card the usual one."""
    large = draft.facts.parameters >= ALWAYS_ADAPTERS  # such weights pass through the host's memory
    usual = size_class(draft.facts.parameters).flavors if large else ()
    rented = (m for m in draft.machines if m.gpus == 1 and m.usd_per_hour)
    found: dict[str, Flavor] = {}
    for machine in sorted(rented, key=lambda machine: (machine.name not in usual, machine.usd_per_hour)):
        found.setdefault(machine.gpu, machine)
    return sorted(found.values(), key=lambda machine: machine.usd_per_hour)


def _suits_here(draft: Training, asked: _Asked) -> bool:
    """A GPU here that all of it fits; without one, a model so small that a processor is enough."""
    parameters, gpu = draft.facts.parameters, bool(draft.machine("local").gpu)
    kinds = (asked.pefts(draft.facts)[-1], *(asked.packed(draft.facts) if gpu else ()))
    here = (_prepared(draft, kind, "local", asked).estimate for kind in kinds)
    return any(e.fits and (gpu or (parameters < TINY and e.seconds.mid < _LOCAL_SECONDS)) for e in here)


def _cheapest(draft: Training, names: Iterable[str], peft: str, asked: _Asked) -> Training | None:
    """The cheapest of these flavors that holds it, if one does."""
    able = [name for name in names if peft != "qlora" or draft.machine(name).gpu]  # a processor takes days for it
    there = (_prepared(draft, peft, name, asked) for name in able)
    fitting = [training for training in there if training.estimate.fits]
    return min(fitting, key=lambda training: training.estimate.usd.mid, default=None)


def _roomiest(draft: Training, candidates: _Candidates) -> str:
    """Where nothing fits: the largest card there is to choose."""
    names = (name for group in candidates.names for name in group)
    return max(names, key=lambda name: draft.machine(name).memory_bytes)


def _prepared(draft: Training, peft: str, flavor: str, asked: _Asked) -> Training:
    """The draft there, with the largest batch that fits; with fewer answers per prompt where none does."""
    draft = draft.with_values(peft=peft)
    if "learning_rate" not in asked.fixed:
        draft = draft.with_values(learning_rate=usual_rate(draft.method, peft, draft.facts.parameters))
    training = _batch(draft, flavor, asked)
    if draft.trainer.generates and not {"num_generations", *_BATCH} & asked.fixed:
        for count in (4, 2):
            if training.estimate.fits:
                break
            training = _batch(draft.with_values(num_generations=count), flavor, asked)
    return training


def _batch(training: Training, flavor: str, asked: _Asked) -> Training:
    """The batch by rule where the person left it open; what they chose stays."""
    s = training.settings
    size, steps = (getattr(s, name) if name in asked.fixed else 0 for name in _BATCH)
    there = batched(training, asked.effective, flavor, fixed=size, accumulation=steps)
    return with_intervals(there, asked.fixed)


# ---- reasons --------------------------------------------------------------------------------------


def _reasons(training: Training, candidates: _Candidates, asked: _Asked) -> Iterator[Reason]:
    yield _why_peft(training, asked)
    yield from _why_here(training, candidates.why)
    s, fits = training.settings, training.estimate.fits
    where = f", on each of {training.hardware.gpus} cards" if training.hardware.gpus > 1 else ""
    pieces = "the pieces that fit and are done soonest" if fits else "the smallest pieces; even they are too large"
    if asked.fixed.isdisjoint(_BATCH):
        whole = f"an effective batch of {training.effective_batch_size}, in {pieces}."
        yield Reason(f"Batch {s.batch_size} x {s.accumulation}{where}: {whole}", _MEMORY)
    if training.trainer.generates and "num_generations" not in asked.fixed and s.num_generations < 8:
        words = f"{s.num_generations} answers per prompt instead of 8: more at once do not fit the memory."
        yield Reason(words, _MEMORY)


def _why_peft(training: Training, asked: _Asked) -> Reason:
    if asked.peft:
        return Reason(f"{_NAMES[asked.peft]}: you chose it.", ("peft",))
    if training.peft == "none":
        words = "All weights: the model is small enough for it, and nothing learns better."
        return Reason(words, _MEMORY, _lighter(training), _MEMORY)
    if training.quantized:
        return _why_four_bits(training, asked)
    size = count_text(training.facts.parameters)
    full = batched(training.with_values(peft="none"), asked.effective, fixed=1)
    need, has = bytes_text(full.estimate.memory_bytes.high), bytes_text(full.estimate.capacity_bytes)
    if training.facts.parameters >= ALWAYS_ADAPTERS:
        words = f"LoRA: to train all weights of {size} parameters takes up to {need}; adapters learn nearly as well."
    else:
        words = (
            f"LoRA instead of all weights: they would take up to {need}, and {training.flavor} has {has}. Adapters "
            "learn from the same rows in the same steps."
        )
    return Reason(words, _MEMORY, _roomier(training, asked.effective), _TIME)


def _why_four_bits(training: Training, asked: _Asked) -> Reason:
    lora = batched(training.with_values(peft="lora"), asked.effective, fixed=1).estimate
    need, has = bytes_text(lora.memory_bytes.high), bytes_text(lora.capacity_bytes)
    words = (
        f"QLoRA: with the weights in 16 bits adapters would take up to {need}, and {training.flavor} has {has}. In 4 "
        "bits they fit; they are a little coarser, and each step takes longer."
    )
    return Reason(words, _MEMORY)


def _lighter(training: Training) -> str:
    other = training.with_values(peft="lora").estimate.memory_bytes.mid
    return f"LoRA would take {bytes_text(other)} instead of {bytes_text(training.estimate.memory_bytes.mid)}."


def _roomier(training: Training, effective: int) -> str:
    """Where all weights would fit, and for how much."""
    full = training.with_values(
        peft="none", learning_rate=usual_rate(training.method, "none", training.facts.parameters)
    )
    paid = [m.name for m in training.machines if m.usd_per_hour]
    fitting = [there for name in paid if (there := batched(full, effective, name)).estimate.fits]
    if not fitting:
        return "No flavor would hold all weights."
    best = min(fitting, key=lambda there: there.estimate.usd.mid)
    return f"All weights would fit {best.flavor} ({best.hardware.where}), for about {usd_text(best.estimate.usd.mid)}."


def _why_here(training: Training, why: str) -> Iterator[Reason]:
    if why:
        yield Reason(why, ("flavor",))
        return
    e, others = training.estimate, [m.name for m in _single(training) if m.name != training.flavor]
    there = [batched(training, training.effective_batch_size, name) for name in others]
    rivals = sorted((one for one in there if one.estimate.fits), key=lambda one: one.estimate.usd.mid)
    small = [one.hardware for one in there if not one.estimate.fits]
    words = (
        f"{training.flavor}: it costs least in all, about {_costs(e)}"
        if e.fits
        else f"{training.flavor}: the largest card there is"
    )
    lacks = (
        f"; {' and '.join(m.name for m in small[:3])} {'has' if len(small) == 1 else 'have'} too little memory"
        if small
        else ""
    )
    other = f"The next would be {rivals[0].flavor}: {_costs(rivals[0].estimate)}." if rivals else ""
    yield Reason(f"{words}{lacks}.", ("flavor", *_BOTH), other, _BOTH)


def _costs(e: Estimate) -> str:
    return f"{usd_text(e.usd.mid)} and {duration_text(e.seconds.mid)}"


# ---- too large for a plan without a word -----------------------------------------------------------

SMALLER = (
    "Start with a smaller sibling, under 8 B",
    "Data, method and script stay as they are, and mistakes are cheap.",
)
LARGEST = 8.0e9  # parameters; from here on a plan needs an explicit wish


@dataclass(frozen=True)
class Refusal(HasCard):
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
    def packed(self) -> TrainingPlan:
        """Adapters on 4-bit weights, in the smallest pieces, on the smallest card there is that holds them."""
        plan = self.plan.with_values(peft="qlora", use_vllm=False)
        single = sorted((m for m in plan.machines if m.gpus == 1 and m.gpu), key=lambda machine: machine.memory_bytes)
        there = [batched(plan, plan.effective_batch_size, machine.name) for machine in single]
        fitting = next((one for one in there if one.estimate.fits), None)
        return fitting or batched(plan, plan.effective_batch_size, self.card.name)

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
            f"{self.four_bits} {self.price}, and every wrong setting costs that again."
        )

    @property
    def four_bits(self) -> str:
        """What 4-bit weights would take, and where, in a sentence."""
        e, card = self.packed.estimate, self.packed.hardware
        where = "this machine" if card.name == "local" else f"{card.name}, {card.where}"
        need, has = bytes_text(e.memory_bytes.high), bytes_text(e.capacity_bytes)
        if not e.fits:
            return f"In 4 bits (QLoRA) it would take up to {need}, more than {where} has."
        price = f", for about {usd_text(e.usd.mid)}" if e.usd_per_hour else ""
        return f"In 4 bits (QLoRA) it would take up to {need} of the {has} of {where}{price}."

    @property
    def price(self) -> str:
        """What the plan would cost, without a full stop."""
        e, where = self.plan.estimate, self.plan.flavor
        how = _NAMES[self.plan.peft]
        if not e.fits:
            return f"{how} would not fit {'this machine' if where == 'local' else where}"
        if not e.usd_per_hour:
            return f"{how} on this machine would take about {duration_text(e.seconds.mid)}"
        about = f"about {usd_text(e.usd.mid)} and {duration_text(e.seconds.mid)}"
        return f"{how} on {where} would take {about} ({usd_text(e.ceiling_usd)} at most)"

    @property
    def instead(self) -> str:
        """What to do, and what only those who know should do."""
        return (
            f'{SMALLER[0]}. {SMALLER[1]} If you know what you do: allow_large=True (and peft="qlora" on a small card).'
        )

    def error(self) -> ModelTooLargeError:
        """The refusal as what is raised."""
        return ModelTooLargeError(self.what, why=self.why, remedy=self.instead, refusal=self)

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        values = {
            "kind": "refusal",
            "title": self.title,
            "what": self.what,
            "why": self.why,
            "remedy": self.instead,
            "full": self.full.estimate.to_dict(),
            "lora": self.lora.estimate.to_dict(),
            "qlora": self.packed.estimate.to_dict(),
            "plan": self.plan.to_dict(),
        }
        if detail == "plain":
            return values
        card, small = (
            {"where": one.where, "memory_bytes": one.memory_bytes} for one in (self.card, self.packed.hardware)
        )
        return with_card(values, name=self.plan.facts.name, card=card, small=small, price=self.price, smaller=SMALLER)
