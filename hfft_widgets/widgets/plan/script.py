"""The script of a plan: to read, change, copy and keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.cards.script import difference, highlighted
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.widgets.form import Form, actions

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.widgets.panel import Panel


STANDALONE, SHORT = "standalone", "short"


class ScriptPart:
    """An editor for the script. It is filled when it is opened: a script is long."""

    def __init__(self, panel: Panel) -> None:
        self._values = panel.values
        self.open = False
        panel.has("script", "")
        panel.has("script_form", STANDALONE)

    def show(self, plan: TrainingPlan) -> None:
        """Take a plan."""
        self._values["script"] = plan.script if self.open else ""

    def toggle(self, plan: TrainingPlan) -> None:
        """Open the editor, or close it."""
        self.open = not self.open
        self.show(plan)

    def unused(self, plan: TrainingPlan) -> bool:
        """Whether the text was edited and is not what would run."""
        return self.open and not self._short(plan) and _plain(str(self._values["script"])) != _plain(plan.script)

    def view(self, form: Form, plan: TrainingPlan) -> Markup:
        """The button that opens it; then the text, what was edited, and what to do with it."""
        unused = self.unused(plan)
        toggle = form.button("Read and edit the script", "script", expanded=self.open, always=True)
        if not self.open:
            return toggle
        forms = self._forms(form) if plan.short_script else None
        if self._short(plan):
            shown = highlighted(str(plan.short_script))
            return join([actions(toggle), forms, shown])
        edit = difference(plan.made_script, plan.edited) if plan.edited else None
        note = el("div", "Edited by hand. What differs from the script the plan makes:", class_="sub") if edit else None
        said = "Use this script (edited, not used yet)" if unused else "Use this script"
        use = form.button(said, "use_script", off=not unused, help_="The edited script is what runs")
        name = f"train_{plan.method.lower()}_{plan.fingerprint[:6]}.py"
        text = {"type": "button", "class_": "hfft-button quiet", "aria_controls": form.id("script")}
        return join(
            [
                actions(
                    toggle, use,
                    form.button("Take the edit back", "undo_edit", quiet=True) if plan.edited or unused else None,
                    el("button", "Copy", data_copy="", **text), el("button", "Download", data_download=name, **text),
                ),
                forms,
                form.area("script", "The script that runs"),
                note,
                edit,
            ]
        )  # fmt: skip

    def _short(self, plan: TrainingPlan) -> bool:
        return self._values["script_form"] == SHORT and plan.short_script is not None

    @staticmethod
    def _forms(form: Form) -> Markup:
        """Which form of the script to look at."""
        help_ = "The short form is to read and keep, for a machine that has TRL. What runs stands alone."
        choices = [("Standalone: what runs, anywhere", STANDALONE), ("Short: TRL alone", SHORT)]
        return form.segments("script_form", "Form of the script", choices, help_=help_)


def _plain(script: str) -> str:
    """A browser ends lines in its own way."""
    return script.replace("\r\n", "\n").rstrip()
