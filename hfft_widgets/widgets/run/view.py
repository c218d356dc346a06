"""How the curves are drawn: over what, how smooth, on which scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hfft_widgets.core.html import Markup
from hfft_widgets.core.run.curves.axes import AXES, Axis
from hfft_widgets.widgets.curves import Curves
from hfft_widgets.widgets.form import fields

if TYPE_CHECKING:
    from hfft_widgets.core.run.history import MetricHistory
    from hfft_widgets.widgets.panel import Panel

_SMOOTH = {"none": 0.0, "some": 0.6, "strong": 0.9}
_WORDS = {"step": "steps", "epoch": "epochs", "time": "minutes", "tokens": "tokens"}


class CurveView:
    """The fields below the curves.

    Args:
        panel: Whose fields they are.
        curves: What they change.
    """

    def __init__(self, panel: Panel, curves: Curves) -> None:
        self._panel, self._curves = panel, curves
        panel.has("axis", "step", lambda value: curves.see(axis=cast("Axis", value) if value in AXES else "step"))
        panel.has("smoothing", "none", lambda value: curves.see(smoothing=_SMOOTH.get(str(value), 0.0)))
        panel.has("y_log", False, lambda value: curves.see(y_log=bool(value)))

    def view(self, history: MetricHistory) -> Markup:
        """The fields, with the axes that this run has."""
        form = self._panel.form
        axes = [(_WORDS[axis], axis) for axis in AXES if _has(history, axis)]
        return fields(
            form.choice("axis", "Curves over", axes, half=True),
            form.choice("smoothing", "Smoothing", [(name, name) for name in _SMOOTH], half=True),
            form.switch("y_log", "Logarithmic scale"),
        )


def _has(history: Any, axis: str) -> bool:
    if axis == "tokens":
        return bool(history.get("num_tokens"))
    return axis != "epoch" or any(points[-1].epoch is not None for points in history.values())
