"""Fine-tune an open language model from a notebook: data -> plan -> run -> export.

Names load on first use (PEP 562): importing the package reads no other file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfft_widgets import errors as errors
    from hfft_widgets import samples as samples
    from hfft_widgets.api import attach as attach
    from hfft_widgets.api import estimate as estimate
    from hfft_widgets.api import launch as launch
    from hfft_widgets.api import plan_export as plan_export
    from hfft_widgets.api import plan_training as plan_training
    from hfft_widgets.api import preflight as preflight
    from hfft_widgets.api import runs as runs
    from hfft_widgets.api import sign_in as sign_in
    from hfft_widgets.api import validate as validate
    from hfft_widgets.core.data.mapping import ColumnMapping as ColumnMapping
    from hfft_widgets.core.data.report import Finding as Finding
    from hfft_widgets.core.data.report import Status as Status
    from hfft_widgets.core.data.report import ValidationReport as ValidationReport
    from hfft_widgets.core.data.report import Verdict as Verdict
    from hfft_widgets.core.export.plan import ExportPlan as ExportPlan
    from hfft_widgets.core.plan.estimate import Estimate as Estimate
    from hfft_widgets.core.plan.training import TrainingPlan as TrainingPlan
    from hfft_widgets.core.run.history import MetricHistory as MetricHistory
    from hfft_widgets.core.run.history import Point as Point
    from hfft_widgets.core.run.stage import Stage as Stage
    from hfft_widgets.jobs.run import Run as Run
    from hfft_widgets.widgets.data import DatasetValidator as DatasetValidator
    from hfft_widgets.widgets.export import GGUFExporter as GGUFExporter
    from hfft_widgets.widgets.plan import TrainingPlanner as TrainingPlanner
    from hfft_widgets.widgets.run import TrainingMonitor as TrainingMonitor
    from hfft_widgets.widgets.studio import FineTuner as FineTuner

__version__ = "0.1.0"

_MODULES = ("errors", "samples")
_HOMES = {
    "api": ("attach", "estimate", "launch", "plan_export", "plan_training", "preflight", "runs", "sign_in", "validate"),
    "core.data.mapping": ("ColumnMapping",),
    "core.data.report": ("Finding", "Status", "ValidationReport", "Verdict"),
    "core.export.plan": ("ExportPlan",),
    "core.plan.estimate": ("Estimate",),
    "core.plan.training": ("TrainingPlan",),
    "core.run.history": ("MetricHistory", "Point"),
    "core.run.stage": ("Stage",),
    "jobs.run": ("Run",),
    "widgets.data": ("DatasetValidator",),
    "widgets.export": ("GGUFExporter",),
    "widgets.plan": ("TrainingPlanner",),
    "widgets.run": ("TrainingMonitor",),
    "widgets.studio": ("FineTuner",),
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
