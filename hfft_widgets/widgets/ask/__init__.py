"""One sentence fills in the page: what was understood is shown, a person goes on from there; nothing starts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import fold, icon
from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.units import duration_text
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.ask.fill import fill, fill_export, fill_plan, no_field
from hfft_widgets.widgets.form import actions, fields

if TYPE_CHECKING:
    from hfft_widgets.sentence import Request


class AskPart:
    """The field above the steps, and what came of the last sentence.

    Args:
        tuner: The page whose fields are filled in.
    """

    def __init__(self, tuner: Any) -> None:
        self._tuner = tuner
        self.request: Request | None = None
        self.unfilled: dict[str, str] = {}
        self._waiting: set[str] = set()  # steps of the request whose panel could not take it yet
        tuner.has("sentence", "")
        tuner.can("fill_in", self.fill_in)
        tuner.can("example", self.example)
        tuner.can("choose", self.choose)
        tuner.can("shorten", self.shorten)
        tuner.can("forget_sentence", self.forget)
        tuner.data.observe(self._checked, "result")
        tuner.planner.observe(self._planned, "result")
        tuner.exporter.observe(self._trained, "source")

    # ---- what a person can do -----------------------------------------------------------------

    def fill_in(self, sentence: str | None = None) -> Request:
        """Read a sentence, or the one in the field, and fill in the page with it."""
        from hfft_widgets import sentence as rules

        text = str(self._tuner.values["sentence"]) if sentence is None else sentence
        self._tuner.values["sentence"] = text
        return self._fill(rules.read(text))

    def example(self, number: str) -> Request:
        """Fill in the page with one of the examples."""
        from hfft_widgets.sentence import EXAMPLES

        return self.fill_in(EXAMPLES[int(number)])

    def choose(self, model: str) -> Request | None:
        """Take another of the models that could be meant."""
        if self.request is None:
            return None
        kept = tuple(one for one in self.request.assumed if one.field != "model")
        return self._fill(dataclasses.replace(self.request, model=model, assumed=kept))

    def shorten(self) -> None:
        """Cut the plan to the time that the sentence named."""
        planner, request = self._tuner.planner, self.request
        if planner.result is None or request is None or not request.seconds:
            return
        try:
            planner.change(max_steps=planner.result.within(seconds=request.seconds).settings.max_steps)
        except PlanError as error:  # not even one step fits
            self._tuner.show_error(error)

    def forget(self) -> None:
        """Take the sentence away; the fields stay as they are."""
        self.request, self._waiting = None, set()
        self._tuner.values["sentence"] = ""

    # ---- how it looks -------------------------------------------------------------------------

    def view(self) -> Markup:
        """The field, and below it what was understood, what was not, and examples."""
        from hfft_widgets.sentence.request import EXAMPLES

        form, request = self._tuner.form, self.request
        field = form.text("sentence", "Say what you want, in a sentence", half=True, hint=EXAMPLES[0], enter="fill_in")
        examples = [form.button(one, "example", value=n, quiet=True) for n, one in enumerate(EXAMPLES)]
        unsaid = request is not None and not request.asked
        return el(
            "div", fields(field, actions(form.button("Fill in", "fill_in"))),
            self._answer(request) if request is not None else None,
            fold("Examples", el("div", [el("div", one) for one in examples]), open_=unsaid),
            class_="hfft-ask", data_key="ask",
        )  # fmt: skip

    def _answer(self, request: Request) -> Markup:
        """What the sentence came to, for the person to look at before anything is pressed."""
        form = self._tuner.form
        head = "Filled in, nothing is started" if request.asked else "Nothing was understood to be done"
        return el(
            "div",
            el("div", icon("ok" if request.asked else "info"), " ", el("b", head), data_key="head"),
            el("ul", [_said(*pair) for pair in self._understood(request)]) if request.asked else None,
            [self._assumption(one) for one in request.assumed],
            self._shorter(request),
            [_line("info", what, f"no field takes it: {instead}") for what, instead in self.unfilled.items()],
            [_line("info", question, "say it, or fill it in below") for question in request.missing],
            [_line("warn", f"Not understood: “{one.text}”", one.why) for one in request.not_understood],
            actions(form.button("Clear", "forget_sentence", quiet=True)),
            class_="hfft said", role="status", aria_label="What was understood", data_key="said",
        )  # fmt: skip

    def _understood(self, request: Request) -> list[tuple[str, str]]:
        from hfft_widgets.sentence.request import STEPS

        no = no_field(request)
        taken = [pair for name, pair in zip(request.filled, request.words, strict=True) if name not in no]
        return [("To do", ", then ".join(STEPS[step] for step in request.asked)), *taken]

    def _assumption(self, assumed: Any) -> Markup:
        others = assumed.candidates[1:] if assumed.field == "model" else ()
        chosen = [self._tuner.form.button(f"{one} instead", "choose", value=one, quiet=True) for one in others]
        return el("div", _line("info", f"Assumed: {assumed.why}", ""), actions(*chosen) if chosen else None)

    def _shorter(self, request: Request) -> Markup | None:
        plan, seconds = self._tuner.planner.result, request.seconds
        if plan is None or not seconds or plan.estimate.seconds.mid <= seconds:
            return None
        return actions(self._tuner.form.button(f"Cut the plan to {duration_text(seconds)}", "shorten"))

    # ---- inside -------------------------------------------------------------------------------

    def _fill(self, request: Request) -> Request:
        self.request = request
        self._waiting = set()
        self.unfilled = fill(self._tuner, request)
        self._waiting = set(request.asked)
        self._tuner.refresh()
        return request

    def _checked(self, change: Any) -> None:
        """A plan is asked for with the dataset that was checked; another dataset is another wish."""
        request, data = self.request, self._tuner.data
        if request is None or change.new is None:
            return
        if request.dataset not in {None, data.values["dataset"]}:
            self._waiting, data.opens = set(), ""
        if "plan" in self._waiting:
            fill_plan(self._tuner, request)

    def _planned(self, change: Any) -> None:
        if change.new is not None:
            self._waiting.discard("plan")

    def _trained(self, change: Any) -> None:
        if self.request is not None and change.new is not None and "export" in self._waiting:
            fill_export(self._tuner, self.request)


def _said(label: str, value: str) -> Markup:
    return el("li", el("span", f"{label}: "), el("b", value))


def _line(kind: str, what: str, why: str) -> Markup:
    return el("div", icon(kind), " ", what, f" ({why})" if why else None, class_="sub")
