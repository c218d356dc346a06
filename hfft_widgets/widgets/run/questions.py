"""Asking the trained model and the one before it, side by side; while it trains, what it answers as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.cards.parts import fold
from hfft_widgets.cards.runs.answers import asked_html, samples_html
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError
from hfft_widgets.widgets.form import fields

if TYPE_CHECKING:
    from hfft_widgets.jobs.asking.answers import ModelAnswer
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.widgets.panel import Panel

MOST_SHOWN = 8


class QuestionPart:
    """A field for a question and the answers of both models, below a training that is complete.

    Args:
        panel: Whose part it is; its `run` is asked.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.answers: list[ModelAnswer] = []
        panel.has("question", "")
        panel.can("ask_both", self.ask, doing="Asking both models")

    def clear(self) -> None:
        """Another run is on show."""
        self.answers = []
        self._panel.values["question"] = ""

    def ask(self) -> None:
        """Ask what stands in the field, both models, the same way."""
        question = str(self._panel.values["question"]).strip()
        if not question:
            raise RunError("There is no question.", remedy="Type one, or choose one of the run's own.")
        run: Run = self._panel.run
        self.answers = [run.answer(question), *self.answers][:MOST_SHOWN]
        self._panel.clear_status()

    def view(self, run: Run) -> Markup | None:
        """The answers while it trains; at its end the field."""
        samples = _samples(run)
        method = METHODS.get(str(run.plan.get("method")))
        if run.kind != "training" or (method is not None and not method.answers):
            return None
        if run.stage is not Stage.COMPLETED:
            return samples
        own = [str(row.get("prompt") or "") for row in run.journal.data("answers").get("rows") or ()]
        form = self._panel.form
        field = form.text("question", "Ask it", suggestions=own, enter="ask_both", wide=True,
                          hint="type a question, or choose one of its own", help_="Both models are asked the same way: "
                          "always the likeliest next word.")  # fmt: skip
        shown = join([fields(field), form.button("Ask both", "ask_both"), asked_html(self.answers)])
        more = fold("How its answers changed", samples) if samples else None
        # folded, so that the score stays where the curves were
        return el("div", fold("Ask the model, before and after its training", shown), more, data_key="questions")


def _samples(run: Run) -> Markup | None:
    from hfft_widgets.jobs.run.values import samples_of

    return samples_html(samples_of(run.journal.samples))
