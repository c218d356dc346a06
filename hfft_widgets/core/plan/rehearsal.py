"""Trying a plan before it is paid for: a dry run of its script, and a pilot of ten real steps on its hardware."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, cast

from hfft_widgets.core.dry_run import DryRun
from hfft_widgets.core.plan.settings import Reason
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.units import bytes_text, duration_text
from hfft_widgets.errors import PlanError

PILOT_STEPS = 10
_NEVER = 100_000  # steps between what a pilot does not do
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rehearsal:
    """What a plan is tried with: it runs processes and jobs, so it is handed in.

    Attributes:
        dry_run: (plan, progress) -> what its script would do.
        launch: Starts a plan; takes `max_usd` where that is paid for.
        measured: (plan, run of its pilot) -> the measured plan.
    """

    dry_run: Callable[[Any, Progress | None], DryRun]
    launch: Callable[..., Any]
    measured: Callable[[Any, Any], Any]


class Rehearsed(Training):
    """What can be tried of a training plan.

    Attributes:
        rehearsal: What it is tried with; None: it was made elsewhere.
        edited: Its script as a person changed it, or None.
        fingerprint: What is trained.
    """

    rehearsal: Rehearsal | None
    edited: str | None
    fingerprint: Any

    def dry_run(self, progress: Progress | None = None) -> DryRun:
        """Run the very script as far as its first step, on this machine: real data, trainer and collator, a tiny model.

        It counts the tokens of an epoch and the parameters that the real model would train, and finds what TRL and
        PEFT refuse. Where it cannot be tried the answer says so; nothing is raised for that.

        Args:
            progress: Called with (parts done, all parts).
        """
        if self.rehearsal is None:
            return DryRun(self.title, str(self.fingerprint), not_tried=_ELSEWHERE)
        return self.rehearsal.dry_run(self, progress)

    def pilot(self, *, max_usd: float | None = None, confirmed: str | None = None, namespace: str = "") -> Any:
        """Start ten real steps of this training on its hardware, and return their run; `after_pilot` takes its figures.

        Nothing is pushed or kept of it. It is a launch as any other: asked, counted, and started once.

        Args:
            max_usd: The most it may cost; needed where it costs.
            confirmed: Fingerprint of the pilot (`pilot_plan`) whose price was confirmed.
            namespace: Who owns and pays it; the account itself if not given.

        Raises:
            PlanError: The training is too short for one.
            LaunchError: It was not started; without `max_usd` the message says what it costs.
        """
        return self._tried_with.launch(self.pilot_plan, max_usd=max_usd, confirmed=confirmed, namespace=namespace)

    @property
    def pilot_plan(self) -> Self:
        """The pilot as a plan of its own. Raises PlanError: the training is too short, or its script was edited."""
        if self.edited:
            raise PlanError(
                "The script was edited by hand, and a pilot's settings would not reach it.",
                remedy="Take the edit back first: plan.with_script(None).",
            )
        if self.pilot_run or self.estimate.steps <= PILOT_STEPS:
            raise PlanError(
                f"The whole training has {self.estimate.steps} steps: a pilot of {PILOT_STEPS} would save nothing.",
                remedy="Launch the plan itself.",
            )
        few = min(self.settings.eval_rows, max(1, self.effective_batch_size))
        why = f"{PILOT_STEPS} steps, of which all but the first are timed; nothing is kept or pushed."
        return self.with_values(
            max_steps=PILOT_STEPS, logging_steps=1, eval_steps=_NEVER, save_steps=_NEVER, questions=0, trackio=False,
            eval_rows=few, push_to=None, pilot_run=True, max_usd=None, reasons=(Reason(why),),
        )  # fmt: skip

    def after_pilot(self, run: Any) -> Self:
        """The plan with what its pilot measured: the time of a step, in place of a range, and the memory.

        Args:
            run: What `pilot` returned, once it has ended.

        Raises:
            PlanError: It has not ended, or it failed; the message says why, and what would help.
        """
        return cast("Self", self._tried_with.measured(self, run))

    @property
    def _tried_with(self) -> Rehearsal:
        if self.rehearsal is None:
            raise PlanError("This plan cannot be tried.", why=_ELSEWHERE, remedy="Make it with hfft.plan_training.")
        return self.rehearsal


_ELSEWHERE = "it was not made by hfft.plan_training on this machine."


def measured_words(seconds: float, memory_bytes: float | None) -> str:
    """What a pilot says, as a reason."""
    memory = f" and {bytes_text(memory_bytes)} of memory at its peak" if memory_bytes else ""
    each = f"{seconds:.2g} s" if seconds < 10 else duration_text(seconds)
    follow = "time, price and memory follow" if memory else "time and price follow"
    return f"A pilot of {PILOT_STEPS} steps took {each} for each{memory}: {follow} it."
