"""What could disappoint about a plan, said before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfft_widgets.core.units import bytes_text, duration_text, plural, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

_FEW_ROWS = 50
# below this share of its price another flavor is worth a word
_MUCH_CHEAPER = 0.75
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
    if plan.data.rows < _FEW_ROWS:
        yield f"{plural(plan.data.rows, 'row')} are very few: the model may learn them by heart and nothing else."
    if plan.flavor == "local" and not plan.hardware.gpu and e.seconds.mid > _LONG_SECONDS:
        yield "This machine has no GPU that torch could use: a GPU flavor would be far faster."
    if s.answers_only and plan.method == "SFT":
        yield "The chat template does not mark answers, so only the last answer of each conversation is learned."
    yield from _cheaper(plan)


def _cheaper(plan: TrainingPlan) -> Iterator[str]:
    """Dearer per hour is often cheaper per run: the flavor that is both, if the difference is worth a word."""
    e = plan.estimate
    paid = [o for o in plan.options if o.flavor.usd_per_hour and o.estimate.fits and o.note != "chosen"]
    better = [
        o for o in paid if o.estimate.usd.mid < _MUCH_CHEAPER * e.usd.mid and o.estimate.seconds.mid < e.seconds.mid
    ]
    if not better:
        return
    best = min(better, key=lambda option: option.estimate.usd.mid)
    yield (
        f"{best.flavor.name} would cost less in all, {usd_text(best.estimate.usd.mid)} instead of "
        f"{usd_text(e.usd.mid)}, and be done in {duration_text(best.estimate.seconds.mid)} instead of "
        f"{duration_text(e.seconds.mid)}."
    )
