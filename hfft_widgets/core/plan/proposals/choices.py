"""What would cost less, as a table: each row one change, what it saves, and what it takes from the training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.advice import Advice, packed, side_by_side
from hfft_widgets.core.plan.defaults import batched
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.units import plural

# a change that saves less than this share helps nobody
_WORTH = 0.02
# of the rows: what a shorter limit may cut
_CUT_QUANTILE = 0.95


@dataclass(frozen=True)
class CostChoice(Advice):
    """A change that makes a training cheaper.

    Attributes:
        usd: What the training costs with it, in the middle.
        usd_saved: What that is less; 0 on this machine.
        seconds_saved: How much sooner it is done, in the middle; below 0: later.
        rows_hurt: Rows that are cut, left out or never seen.
    """

    usd: float
    usd_saved: float
    seconds_saved: float
    rows_hurt: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return dict(vars(self))


Proposed = tuple[str, str, dict[str, Any], int]  # label, words, changes, rows hurt


def choices_for(training: Training, changed: Callable[[dict[str, Any]], Training]) -> tuple[CostChoice, ...]:
    """What would cost less, the largest saving first.

    Args:
        training: The training.
        changed: The training with changes, and what follows from them.
    """
    found = (_choice(training.estimate, changed(dict(one[2])).estimate, *one) for one in _proposed(training))
    worth = [one for one in found if one is not None]
    return tuple(sorted(worth, key=lambda one: (-one.usd_saved, -one.seconds_saved)))


def _choice(
    now: Estimate, then: Estimate, label: str, words: str, changes: dict[str, Any], rows_hurt: int
) -> CostChoice | None:
    usd, seconds = now.usd.mid - then.usd.mid, now.seconds.mid - then.seconds.mid
    saved = usd / now.usd.mid if now.usd.mid else seconds / now.seconds.mid
    if saved < _WORTH or (now.fits and not then.fits):
        return None
    return CostChoice(
        label, words, changes, usd=then.usd.mid, usd_saved=usd, seconds_saved=seconds, rows_hurt=rows_hurt
    )


def _proposed(training: Training) -> Iterator[Proposed]:
    yield from _fewer_passes(training)
    yield from _shorter_rows(training)
    yield from _less_padding(training)
    yield from _otherwise(training)
    if training.trainer.generates:
        yield from _shorter_answers(training)


def _fewer_passes(training: Training) -> Iterator[Proposed]:
    s, rows = training.settings, training.rows - training.settings.eval_rows
    if s.max_steps > 0:
        steps = max(1, s.max_steps // 2)
        seen = [min(rows, training.rows_in(count)) for count in (s.max_steps, steps)]
        yield "Half the steps", "It ends after half of its steps.", {"max_steps": steps}, seen[0] - seen[1]
        return
    if s.num_train_epochs > 1:
        words = f"Each row is seen once instead of {s.num_train_epochs:g} times: it learns less of each."
        yield "One epoch", words, {"num_train_epochs": 1.0}, 0
    whole = min(1.0, s.num_train_epochs)
    words = "One pass over half of the rows, drawn at random: enough where they are much alike."
    yield "Half the rows", words, {"num_train_epochs": whole / 2}, round(rows * whole / 2)


def _shorter_rows(training: Training) -> Iterator[Proposed]:
    if training.trainer.generates or training.data.pictures:
        return
    limit = 64 * math.ceil(training.lengths.quantile(_CUT_QUANTILE) / 64)
    if limit >= min(training.settings.max_length, training.lengths.longest):
        return
    hurt = training.data.row_lengths.share_beyond(limit)
    rows = round(hurt * training.rows)
    what = "are left out" if training.trainer.drops_long_rows else "lose their end"
    yield f"{limit:,} tokens", f"{plural(rows, 'row')} beyond {limit:,} tokens {what}.", {"max_length": limit}, rows


def _less_padding(training: Training) -> Iterator[Proposed]:
    for advice in filter(None, (side_by_side(training), packed(training))):
        yield advice.label, advice.words, dict(advice.changes), 0


def _otherwise(training: Training) -> Iterator[Proposed]:
    paid = (
        [m.name for m in training.machines if m.usd_per_hour and m.gpus == 1] if training.hardware.usd_per_hour else []
    )
    there = [batched(training, training.effective_batch_size, name) for name in paid if name != training.flavor]
    fitting = [other for other in there if other.estimate.fits]
    if fitting:
        best = min(fitting, key=lambda other: other.estimate.usd.mid)
        yield f"On {best.flavor}", f"The same training on {best.hardware.where}.", {"flavor": best.flavor}, 0
    if training.peft == "none":
        yield "LoRA", "Adapters learn instead of all weights, in the same steps.", {"peft": "lora"}, 0
    if training.settings.activation_checkpointing:
        words = "Activations are remembered, not computed again: faster, where the memory holds them."
        yield "Remember", words, {"activation_checkpointing": False}, 0


def _shorter_answers(training: Training) -> Iterator[Proposed]:
    s, rows = training.settings, training.rows
    half = max(1, s.max_completion_length // 2)
    beyond = training.data.answers.share_beyond(half) if training.data.answers else 0.0
    words = f"An answer longer than {half:,} tokens is cut, and scores as a wrong one does."
    yield f"{half:,} tokens an answer", words, {"max_completion_length": half}, round(beyond * rows)
    if s.eval_rows > 16:
        fewer = max(8, s.eval_rows // 4)
        words = f"Each check writes answers to {fewer} held-out prompts instead of {s.eval_rows}: a rougher score."
        yield "Check on fewer", words, {"eval_rows": fewer}, 0
