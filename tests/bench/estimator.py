"""Scores the estimates of memory and time against published measurements.

    python -m tests.bench.estimator [FILE]

Relative error, median and 90th percentile, per hardware class, beside two rules in use; how often the shown range
holds the truth, and how wide it is. With `--points` every point; with `--fit` the constants of `core.plan.time` are
fitted, and scored on each source with that source left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np

from hfft_widgets.core.estimate.estimate import memory_range
from hfft_widgets.core.estimate.memory import FRAGMENTATION, context_bytes, peak_allocation
from hfft_widgets.core.estimate.pace import pace_of
from hfft_widgets.core.estimate.time import SPEED, Speed, step_seconds
from tests.bench.literature import Measured, read

CALIBRATION = Path(__file__).parent / "data" / "calibration.csv"
FIELD = CALIBRATION.with_name("field_points.csv")
# LLaMA-Factory's README: GB per billion parameters
_GB_PER_BILLION = {"full": 18, "lora": 2, "qlora": 0.5}
# huggingface/skills estimate_cost.py: hours per thousand examples and billion parameters, times a hardware factor
_HOURS_PER_THOUSAND = 0.1
_HARDWARE_FACTOR = {"T4": 2.0, "L4": 1.2, "A10G": 1.0, "A100": 0.7, "A100-40GB": 0.7}


@dataclass(frozen=True)
class Score:
    """One point with what was said about it."""

    measured: Measured
    mid: float
    low: float
    high: float
    peer: float

    @property
    def error(self) -> float:
        return abs(self.mid / self.measured.truth - 1)

    @property
    def peer_error(self) -> float:
        return abs(self.peer / self.measured.truth - 1)

    @property
    def covered(self) -> bool:
        return self.low <= self.measured.truth <= self.high


def score(point: Measured, speed: Speed = SPEED) -> Score:
    """What the product and the peer's rule say about a point."""
    if point.kind == "memory":
        spread = memory_range(point.work, memory(point))
        return Score(point, spread.mid, spread.low, spread.high, _peer_memory(point))
    mid, pace = seconds(point, speed), pace_of(point.model, point.work, point.flavor)
    return Score(point, mid, mid * pace.low, mid * pace.high, _peer_seconds(point))


def memory(point: Measured) -> float:
    """The estimate of what the row's metric counts, in bytes."""
    allocated = sum(peak_allocation(point.model, point.work).values())
    allocated += point.extra_bytes_per_parameter * point.work.trained(point.model) + point.extra_bytes
    if point.metric == "mem_alloc":
        return allocated
    return allocated * FRAGMENTATION + (0 if point.reserved else context_bytes(point.flavor))


def seconds(point: Measured, speed: Speed) -> float:
    """The estimate of one optimizer step."""
    speed = replace(speed, layer_seconds=speed.layer_seconds + point.layer_seconds)
    return step_seconds(point.model, point.work, point.flavor, speed)


def _peer_memory(point: Measured) -> float:
    peft = "qlora" if point.work.quantized else "lora" if point.work.lora_r else "full"
    return _GB_PER_BILLION[peft] * point.model.parameters


def _peer_seconds(point: Measured) -> float:
    examples = point.work.batch_size * point.work.accumulation
    hours = _HOURS_PER_THOUSAND * point.model.parameters / 1e9 * examples / 1000
    return hours * 3600 * _HARDWARE_FACTOR.get(point.flavor.gpu, 1.0)


def fitted(points: Sequence[Measured]) -> Speed:
    """The constants with the least mean absolute log error over sources: each source weighs the same."""
    own = [point for point in points if not point.other_stack and not point.doubt]
    return min(_grid(), key=lambda speed: _loss(own, speed))


def _grid() -> Iterable[Speed]:
    # above 0.65 of the peak, better products and more element-wise work cannot be told apart: whole runs of MosaicML's
    # fused code reach at most 0.64 of it on an A100
    for matmul, elementwise, layer, adapter in product(
        (0.45, 0.5, 0.55, 0.6, 0.65), (1.0, 1.5, 2.0, 2.5, 3.0, 3.5), (0.4e-3, 0.5e-3, 0.6e-3, 0.7e-3, 0.8e-3),
        (0.0, 0.05e-3, 0.1e-3, 0.15e-3),
    ):  # fmt: skip
        yield replace(SPEED, matmul=matmul, elementwise=elementwise, layer_seconds=layer, adapter_seconds=adapter)


def _loss(points: Sequence[Measured], speed: Speed) -> float:
    by_source: dict[str, list[float]] = {}
    for point in points:
        by_source.setdefault(point.source, []).append(abs(np.log(seconds(point, speed) / point.truth)))
    return float(np.mean([np.sqrt(len(errors)) * np.mean(errors) for errors in by_source.values()]))


def held_out(points: Sequence[Measured]) -> list[Score]:
    """Every point, scored with constants fitted to the other sources."""
    scores = []
    points = [p for p in points if not p.work.emulated and not p.other_stack]  # rates set from those very runs
    for source in sorted({p.source for p in points}):
        speed = fitted([p for p in points if p.source != source])
        print(f"  without {source}: {speed}")
        scores += [score(p, speed) for p in points if p.source == source]
    return scores


def table(scores: Sequence[Score], title: str) -> str:
    """The scores by hardware class, as lines of text."""
    lines = [
        f"{title:<22}{'points':>7}{'median':>9}{'p90':>8}{'peer med':>10}{'peer p90':>10}{'inside':>8}{'high/low':>10}"
    ]
    sound = [s for s in scores if not s.measured.doubt]
    groups = {name: [s for s in sound if s.measured.flavor.gpu == name] for name in _gpus(scores)}
    groups["without DeepSpeed"] = [s for s in sound if not s.measured.other_stack]
    groups["all"] = sound
    groups["all, doubtful too"] = list(scores)
    lines += [f"{name:<22}" + _line(chosen) for name, chosen in groups.items() if chosen]
    return "\n".join(lines)


def _gpus(scores: Sequence[Score]) -> list[str]:
    return sorted({s.measured.flavor.gpu for s in scores})


def _line(scores: Sequence[Score]) -> str:
    errors, peers = [s.error for s in scores], [s.peer_error for s in scores]
    inside = sum(s.covered for s in scores) / len(scores)
    return (
        f"{len(scores):>7}{median(errors):>9.1%}{np.quantile(errors, 0.9):>8.1%}{median(peers):>10.0%}"
        f"{np.quantile(peers, 0.9):>10.0%}{inside:>8.0%}{median(s.high / s.low for s in scores):>10.2f}"
    )


def main() -> None:
    """Reads a file, prints the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=CALIBRATION)
    parser.add_argument("--points", action="store_true", help="every point")
    parser.add_argument("--fit", action="store_true", help="fit the constants, each source left out once")
    parser.add_argument("--small", action="store_true", help="a fifth of the points: does it start and end?")
    arguments = parser.parse_args()
    points = read(arguments.file)[:: 5 if arguments.small else 1]
    for kind in ("memory", "time"):
        chosen = [p for p in points if p.kind == kind and not p.skipped]
        if not chosen:
            continue
        scores = [score(p) for p in chosen]
        print(table(scores, kind), "", sep="\n")
        if arguments.points:
            print(*[_point(s) for s in scores], "", sep="\n")
        if arguments.fit and kind == "time":
            print("fitted to all:", fitted(chosen))
            print(table(held_out(chosen), "time, held out"), "", sep="\n")
    for point in points:
        if point.skipped or point.doubt:
            what = "not scored" if point.skipped else "doubtful"
            print(f"{what}: {point.point} {point.model.reference}: {point.skipped or point.doubt}")


def _point(s: Score) -> str:
    m, unit = s.measured, 1e9 if s.measured.kind == "memory" else 1
    row = m.row
    return (
        f"{m.point} {row['model']:<16}{row['peft']:<14}{row['hardware']:<10}{row['seq_len']:>5}x{row['batch']:<3}"
        f"{m.truth / unit:>9.2f}{s.mid / unit:>9.2f}{s.mid / m.truth - 1:>+8.1%}{'' if s.covered else '  outside'}"
    )


if __name__ == "__main__":
    main()
