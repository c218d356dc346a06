"""The table of known failures, the narrow ones first."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure
from hfft_widgets.core.run.diagnosis.known import data, ends, gpu, hub, machine, memory, packages, training

FAILURES: tuple[Failure, ...] = (
    *memory.FAILURES,
    *machine.FAILURES,
    *gpu.FAILURES,
    *training.FAILURES,
    *hub.FAILURES,
    *packages.FAILURES,
    *data.FAILURES,
    *gpu.CONSEQUENCES,
    *ends.FAILURES,
)
