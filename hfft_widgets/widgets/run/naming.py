"""What a person calls the run on show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.cards.parts import fold
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.errors import RunError
from hfft_widgets.widgets.form import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from hfft_widgets.jobs.run import Run
    from hfft_widgets.widgets.panel import Panel


class NamePart:
    """A folded field for a run's name.

    Args:
        panel: Whose part it is; its `run` is called so.
        renamed: Called after that.
    """

    def __init__(self, panel: Panel, renamed: Callable[[], object]) -> None:
        self._panel, self._renamed = panel, renamed
        panel.has("name", "")
        panel.can("rename", self.rename)

    def rename(self) -> None:
        """Call the run as the field says; an empty field gives it its own title back."""
        if self._panel.run is None:
            raise RunError("There is no run to name.", remedy="Choose one first.")
        self._panel.run.rename(str(self._panel.values["name"]))
        self._panel.values["name"] = ""
        self._renamed()

    def view(self, run: Run) -> Markup:
        """The field."""
        form = self._panel.form
        field = form.text("name", "Call this run", hint=run.title, enter="rename", half=True)
        return el("div", fold("Its name", join([fields(field), form.button("Rename", "rename")])), data_key="name")
