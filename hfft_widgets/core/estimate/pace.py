"""How far a step's time may be from the arithmetic, and what earlier runs of one's own say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from hfft_widgets.core.estimate.memory import FRAGMENTATION, VLLM
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import FinishedRun, Flavor
from hfft_widgets.core.plan.model import ModelFacts

# (low, high) as shares of the middle: nine of ten published points lie inside; wider for cards without a published
# timing. What the very card has done before is surer.
_RANGE, _RANGE_UNMEASURED, _RANGE_OWN = (0.65, 1.55), (0.5, 2.0), (0.8, 1.3)
# of the very training, its steps timed without its start
_RANGE_PILOT, _SAME = (0.88, 1.15), 1.02
# of a model whose layers are assumed
_RANGE_ASSUMED = (0.4, 2.5)
# runs are of one shape while model and step differ by no more than this factor
_ALIKE = 2.0
# fewer steps are mostly warming up; a ratio beyond this is another machine, or a clock that was set
_LEAST_STEPS, _ABSURD = 5, 20.0


@dataclass(frozen=True)
class StepPace:
    """What is known of the seconds of a step beside the arithmetic.

    Attributes:
        correction: What a step takes, as a share of the arithmetic.
        low: The lower bound, as a share of the corrected middle.
        high: The upper bound.
    """

    correction: float
    low: float
    high: float


def pace_of(model: ModelFacts, work: Work, flavor: Flavor) -> StepPace:
    """The correction by finished runs of one's own on this card, of about this shape; else the bounds of the card."""
    alike = [run for run in flavor.finished if _alike(run, model, work)]
    if ratios := [run.ratio for run in alike if run.pilot and _same(run, model, work)]:
        return StepPace(median(ratios), *_RANGE_PILOT)
    if ratios := [run.ratio for run in alike]:
        return StepPace(median(ratios), *_RANGE_OWN)
    measured = flavor.measured and not work.dora
    return StepPace(1.0, *(_RANGE_ASSUMED if model.assumed else _RANGE if measured else _RANGE_UNMEASURED))


def measured_memory(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """The memory in pilots of the very training on this card, as a share of the arithmetic; 0: there was none."""
    if work.pilot:  # what it measures is held against the arithmetic alone
        return 0.0
    runs = [run for run in flavor.finished if run.pilot and _alike(run, model, work) and _same(run, model, work)]
    return max((run.memory for run in runs), default=0.0)


def memory_share(plan: Mapping[str, Any], held_bytes: float) -> float:
    """What torch held at most, as a share of what the plan of a pilot says; 0: that tells nothing.

    Args:
        plan: The values of the pilot's plan.
        held_bytes: The most that torch's allocator had reserved.
    """
    parts = (plan.get("estimate") or {}).get("parts") or {}
    said = FRAGMENTATION * math.fsum(size for name, size in parts.items() if name not in {"runtime", VLLM})
    share = held_bytes / said if said and VLLM not in parts else 0.0
    return share if 1 / _ABSURD < share < _ABSURD else 0.0


def finished_run(plan: Mapping[str, Any], steps: int, seconds: float) -> FinishedRun | None:
    """What a run that has ended well says of later ones; None: it says nothing.

    Args:
        plan: The values of its plan.
        steps: Optimizer steps that it made.
        seconds: From the first to the last of them, evaluations included.
    """
    estimate = plan.get("estimate") or {}
    known = [estimate.get(name) for name in ("step_seconds", "check_seconds", "step_tokens", "correction")]
    values = [float(value) for value in known if isinstance(value, (int, float)) and value >= 0]
    parameters, method = (plan.get("facts") or {}).get("parameters"), plan.get("method")
    if not isinstance(parameters, int) or not isinstance(method, str) or plan.get("edited") or steps < _LEAST_STEPS:
        return None
    if len(values) < len(known):
        return None
    step, checks, tokens, correction = values
    said = (steps * step + checks) / correction if correction else 0.0
    if said <= 0 or not 1 / _ABSURD < seconds / said < _ABSURD:
        return None
    peft, pilot = str(plan.get("peft") or "none"), bool(plan.get("pilot"))
    return FinishedRun(method, peft, parameters, tokens, seconds / said, pilot=pilot)


def _same(run: FinishedRun, model: ModelFacts, work: Work) -> bool:
    tokens = work.accumulation * work.mean_tokens
    return run.parameters == model.parameters and max(run.step_tokens, tokens) <= _SAME * min(run.step_tokens, tokens)


def _alike(run: FinishedRun, model: ModelFacts, work: Work) -> bool:
    pairs = ((run.parameters, model.parameters), (run.step_tokens, work.accumulation * work.mean_tokens))
    near = all(one > 0 and other > 0 and abs(math.log(one / other)) <= math.log(_ALIKE) for one, other in pairs)
    kind = "none" if work.full else "qlora" if work.quantized else "lora"
    return near and (run.method, run.peft) == (work.method, kind)
