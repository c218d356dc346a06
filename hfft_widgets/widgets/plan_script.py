"""The script of a plan: to read, change, copy and keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anywidget
import ipywidgets as W  # noqa: N812
import traitlets as t

from hfft_widgets.core.html import el, join
from hfft_widgets.core.plan.views_script import difference
from hfft_widgets.widgets.panel import folded

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan
    from hfft_widgets.widgets.plan import TrainingPlanner

# The browser alone can reach a clipboard and a downloads folder.
_ESM = """
function render({ model, el }) {
  const told = document.createElement('span');
  told.setAttribute('role', 'status');
  const add = (label, act) => {
    const button = document.createElement('button');
    button.className = 'jupyter-widgets jupyter-button widget-button';
    button.style.width = 'auto';
    button.textContent = label;
    button.addEventListener('click', async () => { told.textContent = ' ' + await act(); });
    el.append(button);
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(model.get('code'));
      return 'copied';
    } catch {  // no clipboard over plain http, or it was not allowed
      return 'the browser did not allow it: select the text and copy it';
    }
  };
  const keep = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([model.get('code')], { type: 'text/x-python' }));
    link.download = model.get('name');
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return 'downloading ' + model.get('name');
  };
  add('Copy', copy);
  add('Download', keep);
  el.append(told);
}
export default { render };
"""


class CopyButtons(anywidget.AnyWidget):
    """Copies a text to the browser's clipboard, or downloads it."""

    _esm = _ESM
    code = t.Unicode("").tag(sync=True)
    name = t.Unicode("train.py").tag(sync=True)


class ScriptPart:
    """An editor for the script. It is filled when it is opened: a script is long."""

    def __init__(self, panel: TrainingPlanner) -> None:
        self.panel = panel
        self.plan: TrainingPlan | None = None
        self.text = W.Textarea(rows=22, continuous_update=False, layout=W.Layout(width="100%"))
        self.text.add_class("hfft-code")
        self.copies = CopyButtons()
        self.note = W.HTML()
        use = panel.button(
            "Use this script", panel.edit_script, doing="Reading the script", tooltip="The edited script is what runs"
        )
        self.back = panel.button("Take the edit back", panel.undo_edit, doing="Making the script")
        row = W.HBox([use, self.back, self.copies], layout=W.Layout(flex_flow="row wrap", align_items="center"))
        self.fold = folded("Read and edit the script", W.VBox([self.text, row, self.note]))
        self.fold.selected_index = None
        self.fold.observe(lambda _: self._fill(), "selected_index")

    def show(self, plan: TrainingPlan) -> None:
        """Take a plan."""
        self.plan = plan
        self._fill()

    def _fill(self) -> None:
        plan = self.plan
        if plan is None or self.fold.selected_index is None:
            return
        self.text.value = self.copies.code = plan.script
        self.copies.name = f"train_{plan.method.lower()}_{plan.fingerprint[:6]}.py"
        self.back.layout.display = "none" if plan.edited is None else ""
        edit = difference(plan.made_script, plan.edited) if plan.edited else None
        words = join([el("div", "Edited by hand. What differs from the script the plan makes:", class_="sub"), edit])
        self.note.value = el("div", words, class_="hfft part") if edit else ""
