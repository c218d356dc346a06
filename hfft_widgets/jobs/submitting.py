"""A plan as what a place can run; and for Hugging Face Jobs, all that must be on the Hub before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.base import Paid, Submission

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.plan.training import TrainingPlan


def submission(plan: TrainingPlan | ExportPlan, *, paid: Paid | None = None) -> Submission:
    """The plan's script with what must be known to run it."""
    values = plan.to_dict()
    return Submission(
        kind=values["kind"],
        title=plan.title,
        script=plan.script,
        plan=values,
        fingerprint=plan.fingerprint,
        disk_bytes=plan.disk_bytes,
        timeout_seconds=values.get("timeout_seconds"),
        modules=plan.modules,
        paid=paid,
    )


def paid(
    plan: TrainingPlan | ExportPlan, max_usd: float | None = None, confirmed: str | None = None, namespace: str = ""
) -> Paid:
    """What a job needs besides its script.

    Args:
        plan: The plan.
        max_usd: The most it may cost.
        confirmed: Fingerprint of the plan whose price was confirmed.
        namespace: Who owns and pays it.

    Raises:
        LaunchError: Something of the plan is only on this machine, or its result would be lost.
    """
    if plan.flavor == "local":
        raise LaunchError(
            "This plan is for this machine, not for Hugging Face Jobs.",
            remedy='Plan it with a flavor of Jobs, e.g. flavor="t4-small", or launch it with on="local".',
        )
    models, datasets = _read_by(plan)
    if not plan.push_to:
        raise LaunchError(
            "The plan does not say where the result goes: a job's disk is deleted at its end.",
            remedy="Plan it with push_to='your-name/a-new-name', a repository on the Hub.",
        )
    return Paid(plan.flavor, max_usd, confirmed, namespace, plan.push_to, models, datasets)


def _read_by(plan: TrainingPlan | ExportPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hub ids of the models and datasets that a plan reads; what is only on this machine, no job can read."""
    values = plan.to_dict()
    models = [name for name in (plan.model, values.get("base")) if name]
    for name in models:
        if Path(name).is_absolute():
            raise LaunchError(
                f"The model {name} is only on this machine, where no job can read it.",
                remedy="Upload it to the Hub (huggingface_hub.upload_folder), private if you like, and use its id.",
            )
    reference = (values.get("data") or {}).get("reference") or {}
    if "data_files" in reference:
        raise LaunchError(
            f"The dataset {values['data']['name']} is only on this machine, where no job can read it.",
            remedy='Upload it (Dataset.push_to_hub("your-name/name", private=True)), and check it by its Hub id.',
        )
    return tuple(dict.fromkeys(models)), (str(reference["path"]),) if "path" in reference else ()
