"""Live use of a job's processor, memory and GPUs. The Hub keeps no history of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.errors import HubError
from hfft_widgets.hub.streams.events import payloads
from hfft_widgets.hub.wire import Interrupt, Wire

_SILENT_SECONDS = 15.0  # one measurement a second while it runs; the stream does not end with the job
_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class GpuMetrics:
    """One GPU: percent busy, and its memory."""

    percent: float
    memory_bytes: int
    memory_total_bytes: int


@dataclass(frozen=True)
class HardwareMetrics:
    """What a job uses now.

    Attributes:
        cpu_percent: Of all its processors together; None: not known.
        memory_bytes: Main memory in use.
        memory_total_bytes: Main memory of the machine.
        gpus: One item per GPU.
    """

    cpu_percent: float | None
    memory_bytes: int
    memory_total_bytes: int
    gpus: tuple[GpuMetrics, ...] = ()


class MetricsFollower:
    """Delivers what a job uses, about once a second, until the job ends.

    Args:
        wire: Carries the requests.
        namespace: Whose job it is.
        job_id: The job.
        deliver: Takes each measurement; called in the thread of `run`.
        ended: Whether the job is over.
    """

    def __init__(
        self,
        wire: Wire,
        namespace: str,
        job_id: str,
        *,
        deliver: Callable[[HardwareMetrics], None],
        ended: Callable[[], bool],
    ) -> None:
        self._path = f"/api/jobs/{namespace}/{job_id}/metrics"
        self._wire = wire
        self._deliver = deliver
        self._ended = ended
        self._interrupt = Interrupt()

    def stop(self) -> None:
        """End `run` at once, from any thread."""
        self._interrupt.set()

    def run(self) -> None:
        """Deliver until the job ends or `stop` is called. What fails is tried again: figures, not facts, are lost."""
        while not self._interrupt.is_set():
            try:
                if self._ended():
                    return
                self._pass()
            except HubError:
                pass
            self._interrupt.wait(_WAIT_SECONDS)

    def _pass(self) -> None:
        with self._wire.stream(
            self._path, action="read the job's metrics", interrupt=self._interrupt, read_seconds=_SILENT_SECONDS
        ) as chunks:
            for found in payloads(chunks):
                if self._interrupt.is_set() or (not found and self._ended()):
                    return  # the server may keep a stream alive that has nothing to tell
                metrics = read_metrics(found[-1]) if found else None  # of several only the newest is of interest
                if metrics is not None:
                    self._deliver(metrics)


def read_metrics(payload: bytes) -> HardwareMetrics | None:
    """The figures of one event; None if it holds none."""
    try:
        raw = json.loads(payload)
        gpus = raw.get("gpus") or {}
        return HardwareMetrics(
            cpu_percent=_number(raw.get("cpu_usage_pct")),
            memory_bytes=int(raw["memory_used_bytes"]),
            memory_total_bytes=int(raw["memory_total_bytes"]),
            gpus=tuple(_gpu(gpus[name]) for name in sorted(gpus)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _gpu(raw: Mapping[str, Any]) -> GpuMetrics:
    return GpuMetrics(float(raw["utilization"]), int(raw["memory_used_bytes"]), int(raw["memory_total_bytes"]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
