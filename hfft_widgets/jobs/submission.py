"""A plan as what a backend can run; and for one that is paid, all that must be on the Hub before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.plan.data_stats import lies_here
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.base import Backend, JobTarget, Submission

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.plan.plan import TrainingPlan


def submission(plan: TrainingPlan | ExportPlan, target: JobTarget, *, stall_minutes: float | None = None) -> Submission:
    """The plan's script with what must be known to run it; raises LaunchError: such a limit makes no sense."""
    values = plan.to_dict()
    if short := getattr(plan, "short_script", None):
        values["short_script"] = short
    return Submission(
        kind=values["kind"],
        title=plan.title,
        script=plan.script,
        plan=values,
        fingerprint=plan.fingerprint,
        disk_bytes=plan.disk_bytes,
        memory_bytes=int(values.get("least_memory_bytes") or 0) if values["kind"] == "export" else 0,
        expected_bytes=_expected_bytes(plan),
        timeout_seconds=values.get("timeout_seconds"),
        stall_seconds=stall_seconds(stall_minutes),
        modules=plan.modules,
        flavor=plan.flavor,
        target=target,
    )


def _expected_bytes(plan: TrainingPlan | ExportPlan) -> int:
    """What a training holds of the machine's own memory: that of a GPU is no part of it."""
    from hfft_widgets.core.plan.plan import TrainingPlan

    if not isinstance(plan, TrainingPlan) or plan.hardware.gpu:
        return 0
    return int(plan.estimate.memory_bytes.mid)


def stall_seconds(minutes: float | None) -> float | None:
    """A limit without progress, from what was given in minutes; raises LaunchError."""
    if minutes is None:
        return None
    sensible = isinstance(minutes, (int, float)) and not isinstance(minutes, bool) and math.isfinite(minutes)
    if not sensible or minutes <= 0:
        raise LaunchError(
            f"stall_minutes is {minutes!r}.", remedy="Give a number of minutes above 0, or leave it away for none."
        )
    return 60.0 * minutes


def job_target(
    plan: TrainingPlan | ExportPlan,
    backend: Backend,
    *,
    max_usd: float | None = None,
    confirmed: str | None = None,
    namespace: str = "",
) -> JobTarget:
    """What a job needs besides its script; nothing where nothing is paid.

    Args:
        plan: The plan.
        backend: What runs it.
        max_usd: The most it may cost.
        confirmed: Fingerprint of the plan whose price was confirmed.
        namespace: Who owns and pays it.

    Raises:
        LaunchError: Something of the plan is only on this machine, or its result would be lost.
    """
    return target_of(plan.to_dict(), backend, max_usd=max_usd, confirmed=confirmed, namespace=namespace)


def target_of(
    values: Mapping[str, Any],
    backend: Backend,
    *,
    max_usd: float | None = None,
    confirmed: str | None = None,
    namespace: str = "",
) -> JobTarget:
    """The same from the plan's values. Raises LaunchError."""
    if not backend.is_paid:
        return JobTarget()
    models, datasets = _read_by(values)
    if not values.get("push_to") and not values.get("pilot"):
        raise LaunchError(
            "The plan does not say where the result goes: a job's disk is deleted at its end.",
            remedy="Plan it with push_to='your-name/a-new-name', a repository on the Hub.",
        )
    return JobTarget(max_usd, confirmed, namespace, values.get("push_to") or None, models, datasets)


def _read_by(values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hub ids of the models and datasets that a plan reads; what is only on this machine, no job can read."""
    models = [str(name) for name in (values["model"], values.get("base")) if name]
    for name in models:
        if Path(name).is_absolute():
            raise LaunchError(
                f"The model {name} is only on this machine, where no job can read it.",
                remedy="Upload it to the Hub (huggingface_hub.upload_folder), private if you like, and use its id.",
            )
    reference = (values.get("data") or {}).get("reference") or {}
    if lies_here(reference):
        raise LaunchError(
            f"The dataset {values['data']['name']} is only on this machine, where no job can read it.",
            remedy="Upload it, private: the plan's panel has a button, hfft.upload(report) does it in Python, and "
            "`hfft upload FILE NAME` at a prompt.",
        )
    return tuple(dict.fromkeys(models)), (str(reference["path"]),) if "path" in reference else ()
