"""Fine-tune an open language model from a notebook: data -> plan -> run -> export.

Names load on first use (PEP 562): importing the package reads no other file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfft_widgets import errors as errors
    from hfft_widgets import samples as samples
    from hfft_widgets import teaching as teaching
    from hfft_widgets.api import attach as attach
    from hfft_widgets.api import launch as launch
    from hfft_widgets.api import plan_export as plan_export
    from hfft_widgets.api import plan_training as plan_training
    from hfft_widgets.api import preflight as preflight
    from hfft_widgets.api import runs as runs
    from hfft_widgets.api import splits as splits
    from hfft_widgets.api import validate as validate
    from hfft_widgets.core.data.held_out import check_split as check_split
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping as ColumnMapping
    from hfft_widgets.core.data.report import Finding as Finding
    from hfft_widgets.core.data.report import Status as Status
    from hfft_widgets.core.data.report import ValidationReport as ValidationReport
    from hfft_widgets.core.data.report import Verdict as Verdict
    from hfft_widgets.core.data.rules.book import RuleBook as RuleBook
    from hfft_widgets.core.data.rules.book import rules as rules
    from hfft_widgets.core.estimate.estimate import Estimate as Estimate
    from hfft_widgets.core.export.plan import ExportPlan as ExportPlan
    from hfft_widgets.core.plan.plan import TrainingPlan as TrainingPlan
    from hfft_widgets.core.plan.sweep import Sweep as Sweep
    from hfft_widgets.core.reward_trial import RewardTrial as RewardTrial
    from hfft_widgets.core.run.diagnosis import Diagnosis as Diagnosis
    from hfft_widgets.core.run.history import MetricHistory as MetricHistory
    from hfft_widgets.core.run.history import Point as Point
    from hfft_widgets.core.run.stage import Stage as Stage
    from hfft_widgets.estimates import estimate as estimate
    from hfft_widgets.hosts import keep_in_drive as keep_in_drive
    from hfft_widgets.hub.account import sign_in as sign_in
    from hfft_widgets.jobs.comparing import compare as compare
    from hfft_widgets.jobs.diagnose import diagnose as diagnose
    from hfft_widgets.jobs.index import runs_frame as runs_frame
    from hfft_widgets.jobs.local.callback import TrainerCallback as TrainerCallback
    from hfft_widgets.jobs.replay import recordings as recordings
    from hfft_widgets.jobs.replay import replay as replay
    from hfft_widgets.jobs.run import Run as Run
    from hfft_widgets.jobs.sweep import SweepRun as SweepRun
    from hfft_widgets.jobs.uploads import delete_upload as delete_upload
    from hfft_widgets.jobs.uploads import upload as upload
    from hfft_widgets.teaching.checks import check as check
    from hfft_widgets.teaching.glossary import glossary as glossary
    from hfft_widgets.trials import try_reward as try_reward
    from hfft_widgets.widgets.data import DatasetValidator as DatasetValidator
    from hfft_widgets.widgets.export import GGUFExporter as GGUFExporter
    from hfft_widgets.widgets.plan import TrainingPlanner as TrainingPlanner
    from hfft_widgets.widgets.run import TrainingMonitor as TrainingMonitor
    from hfft_widgets.widgets.studio import FineTuner as FineTuner
    from hfft_widgets.widgets.teaching import lesson_end as lesson_end
    from hfft_widgets.widgets.teaching import quiz as quiz
    from hfft_widgets.widgets.teaching.memory import MemoryPicture as MemoryPicture

__version__ = "0.1.0"

_MODULES = ("errors", "samples", "teaching")
_HOMES = {
    "api": ("attach", "launch", "plan_export", "plan_training", "preflight", "runs", "splits", "validate"),
    "core.data.rules.book": ("RuleBook", "rules"),
    "core.data.held_out": ("check_split",),
    "core.data.mapping.column_mapping": ("ColumnMapping",),
    "core.data.report": ("Finding", "Status", "ValidationReport", "Verdict"),
    "core.export.plan": ("ExportPlan",),
    "core.estimate.estimate": ("Estimate",),
    "core.plan.plan": ("TrainingPlan",),
    "core.plan.sweep": ("Sweep",),
    "core.reward_trial": ("RewardTrial",),
    "core.run.diagnosis": ("Diagnosis",),
    "core.run.history": ("MetricHistory", "Point"),
    "core.run.stage": ("Stage",),
    "estimates": ("estimate",),
    "hosts": ("keep_in_drive",),
    "hub.account": ("sign_in",),
    "jobs.comparing": ("compare",),
    "jobs.diagnose": ("diagnose",),
    "jobs.local.callback": ("TrainerCallback",),
    "jobs.replay": ("recordings", "replay"),
    "jobs.run": ("Run",),
    "jobs.index": ("runs_frame",),
    "jobs.sweep": ("SweepRun",),
    "jobs.uploads": ("delete_upload", "upload"),
    "teaching.checks": ("check",),
    "teaching.glossary": ("glossary",),
    "trials": ("try_reward",),
    "widgets.data": ("DatasetValidator",),
    "widgets.export": ("GGUFExporter",),
    "widgets.plan": ("TrainingPlanner",),
    "widgets.run": ("TrainingMonitor",),
    "widgets.studio": ("FineTuner",),
    "widgets.teaching": ("lesson_end", "quiz"),
    "widgets.teaching.memory": ("MemoryPicture",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_MODULES, *_HOME_OF])  # noqa: PLE0605 - computed from the one table above


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME_OF:
        return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext hfft_widgets` brings `%hfft`."""
    import_module(f"{__name__}.magic").load(ipython)
