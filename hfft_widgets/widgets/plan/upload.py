"""A dataset of this machine for a job elsewhere: asked, then uploaded, private."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hfft_widgets import choices
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import bytes_text, plural
from hfft_widgets.jobs import uploads
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.widgets.panel import Panel


class UploadPart:
    """The question, and what is done at a yes; nothing is sent before it.

    Args:
        panel: Whose question it is.
        data: Gives the checked dataset.
    """

    def __init__(self, panel: Panel, data: Callable[[], ValidationReport]) -> None:
        self._panel, self._data = panel, data
        self.open = False
        panel.has("upload_to", "")
        panel.can("offer_upload", self.offer, doing="Asking the Hub who you are")
        panel.can("keep_here", self.close)

    def offer(self) -> None:
        """Ask, with a name of the account's own that can be changed."""
        with self._panel._guarding():  # noqa: SLF001 - a part of it
            self._panel.values["upload_to"] = f"{choices.namespaces()[0]}/{uploads.upload_name(self._data())}"
            self.open = True
            self._panel.clear_status()

    def close(self) -> None:
        """Do not."""
        self.open = False

    def upload(self, to: str | None) -> ValidationReport:
        """Upload the dataset; what comes back is the report whose plans a job can run."""
        report = uploads.upload(
            self._data(), to or str(self._panel.values["upload_to"]).strip() or None, progress=self._progress
        )
        self.open = False
        return report

    def _progress(self, done: int, total: int) -> None:
        self._panel.progress(done, total, f"{bytes_text(done)} of {bytes_text(total)}")

    def view(self, form: Form, plan: TrainingPlan | None) -> Markup | None:
        """The button; once it was pressed, the question. None where it would not help: the model lies here too."""
        if plan is None or not plan.data_lies_here or plan.facts.local:
            return None
        if not self.open:
            words = "The dataset is on this machine, where no job can read it."
            return _box(el("div", words, class_="note"), form.button("Upload it for a job", "offer_upload"))
        data = self._data()
        asked = (
            f"{plural(data.total, 'row')} of {data.name} go to the Hub as they are, into a private dataset: only your "
            "account can read it. It stays there until it is deleted; when the run has ended, a button offers that."
        )
        name = form.text("upload_to", "Dataset on the Hub, private", wide=True, hint="you/a-new-name")
        yes = form.button("Upload it, private", "upload", primary=True)
        return _box(el("div", asked, class_="note"), fields(name), actions(yes, form.button("Not now", "keep_here")))


def _box(*parts: Markup) -> Markup:
    return el("div", join(list(parts)), class_="hfft", data_key="upload", role="group", aria_label="Upload the dataset")
