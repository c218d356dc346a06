"""The machines that a plan could run on, each with the plan as it would be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.workload import Training


@dataclass(frozen=True)
class Option:
    """One flavor the plan could run on.

    Attributes:
        plan: The plan as it would be there: the batch fits the card, the effective batch is the same.
        note: A few words: "chosen", "memory too small", "beaten by another" (see `dominated`), or "".
    """

    plan: Training = field(repr=False)
    note: str

    @property
    def flavor(self) -> Flavor:
        """The machine."""
        return self.plan.hardware

    @property
    def estimate(self) -> Estimate:
        """What the training takes there."""
        return self.plan.estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON values: the machine, and the middle of what the training takes there."""
        e, s = self.estimate, self.plan.settings
        return {
            "name": self.flavor.name,
            "where": self.flavor.where,
            "note": self.note,
            "fits": e.fits,
            "batch_size": s.batch_size,
            "accumulation": s.accumulation,
            "memory_bytes": e.memory_bytes.mid,
            "capacity_bytes": e.capacity_bytes,
            "seconds": e.seconds.mid,
            "usd": e.usd.mid,
            "usd_per_hour": e.usd_per_hour,
        }
