"""What a person asks of a plan before it is made: three questions, and everything else as it would be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import fold
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.method import GOALS, METHODS
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.form import Form, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.widgets.panel import Panel

_PEFT = {"lora": "LoRA adapters", "qlora": "LoRA on 4-bit weights", "none": "all weights"}
_BUDGETS = (("no limit", ""), ("$1", "1"), ("$5", "5"), ("$20", "20"))
_WHERE = (("auto", ""), ("this machine", "local"), ("HF Jobs", "jobs"))
_FIELDS = ("goal", "method", "peft", "push_to", "where", "flavor", "max_usd")


class RequestPart:
    """The questions above a plan.

    Args:
        panel: Whose fields these are.
        model: Hub id or folder of the model that learns, or None.
        again: Called after a change that needs a new plan.
        change: Called with the name and value of what the plan on show can take over: "max_usd", or "where".
    """

    def __init__(self, panel: Panel, model: Any, again: Callable[[], None], change: Callable[[str, Any], None]) -> None:
        self._values = panel.values
        self._change = change
        self.own_model = True
        panel.has("model", "" if model is None else str(model), lambda _: again())
        for name in ("goal", "method", "peft", "push_to"):
            panel.has(name, "", lambda _: again())
        panel.has("allow_large", False, lambda _: again())
        panel.has("where", "", lambda where: self._moved(str(where), again))
        panel.has("max_usd", "", lambda usd: change("max_usd", _dollars(usd)))
        panel.has("other_usd", "", self._limited)
        self._values["flavor"] = ""  # one that was chosen among the rows

    def begin(self, where: str | None, max_usd: float | None) -> None:
        """Answer where and for how much before a person does.

        Raises:
            PlanError: There is no such place, or the limit is no amount.
        """
        places = [place for _, place in _WHERE if place]
        if where is not None and where not in places:
            raise PlanError(f"where={where!r} is no place to train.", remedy=f"Choose one of: {', '.join(places)}.")
        if max_usd is not None and not 0 < max_usd < float("inf"):
            raise PlanError(f"max_usd={max_usd!r} is no limit.", remedy="Give dollars, e.g. 5, or leave it away.")
        self._values |= {"where": where or "", "max_usd": f"{max_usd:g}" if max_usd else ""}

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of `plan_training`, without model and settings."""
        values = self._values
        return {
            "goal": values["goal"] or None,
            "method": values["method"] or None,
            "peft": values["peft"] or None,
            "flavor": values["flavor"] or ("local" if values["where"] == "local" else None),
            "push_to": str(values["push_to"]).strip() or None,
            "allow_large": bool(values["allow_large"]),
            "max_usd": _dollars(values["max_usd"]),
        }

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked, to come back to."""
        return {name: self._values[name] for name in _FIELDS}

    @property
    def on_jobs(self) -> bool:
        """Whether it is to run on rented hardware, whichever."""
        return self._values["where"] == "jobs" and not self._values["flavor"]

    def show(self, plan: TrainingPlan) -> None:
        """Take a plan: its limit, and where it runs if it was not left open."""
        limit = f"{plan.max_usd:g}" if plan.max_usd else ""
        usual = limit in {value for _, value in _BUDGETS}
        self._values |= {"max_usd": limit, "other_usd": "" if usual else limit}
        if self._values["where"] or self._values["flavor"]:
            self._values["where"] = "local" if plan.flavor == "local" else "jobs"

    def view(self, form: Form, plan: TrainingPlan | None, data: ValidationReport | None) -> Markup:
        """Goal, place and budget side by side; the rest folded, each with what would be chosen."""
        unserved = [goal for goal in GOALS if data is not None and not _served(goal, data)]
        goals = [("auto", ""), *((_short(goal), goal) for goal in GOALS)]
        why_not = f"This data is not ready for {' or '.join(unserved)}." if unserved else ""
        apart = plan is not None and plan.lies_here
        reach = "Model or data lie here: no job reaches them." if apart else ""
        budgets = list(_BUDGETS)
        if (limit := str(self._values["max_usd"])) not in {value for _, value in budgets}:
            budgets.append((f"${limit}", limit))
        model = form.text("model", "Model that learns", wide=True, hint="a Hub id or folder, e.g. Qwen/Qwen3-0.6B")
        return join(
            [
                model if self.own_model else None,
                el(
                    "div",
                    form.segments("goal", "Goal", goals, help_=why_not, off=unserved),
                    form.segments("where", "Where", _WHERE, help_=reach, off=["jobs"] if apart else []),
                    form.segments("max_usd", "Budget", budgets),
                    class_="hfft-fields questions",
                ),
                fold(f"More: {_rest(self._values, plan)}", self._more(form, plan)),
            ]
        )

    def _more(self, form: Form, plan: TrainingPlan | None) -> Markup:
        auto = _auto(self._values, plan)
        return fields(
            form.choice("method", "Method", [(auto["method"], ""), *((name, name) for name in METHODS)]),
            form.choice(
                "peft", "What is trained", [(auto["peft"], ""), *((words, peft) for peft, words in _PEFT.items())]
            ),
            form.text("push_to", "Hub repository for the result", hint="none: it stays here"),
            form.text("other_usd", "Another limit, in dollars", hint="no limit", number=True),
            form.text("rows", "Only the first rows", hint="all", number=True) if plan is None else None,
            form.switch("allow_large", "8 billion parameters and more", help_="I know what that takes"),
        )

    def _moved(self, where: str, again: Callable[[], None]) -> None:
        self._values["flavor"] = ""
        if where:
            self._change("where", where)
        else:
            again()

    def _limited(self, usd: Any) -> None:
        self._change("other_usd", _dollars(usd))


def _auto(values: Mapping[str, Any], plan: TrainingPlan | None) -> dict[str, str]:
    """What "auto" means: "auto: SFT" where a plan was made of it."""
    made = {"method": plan.method, "peft": _PEFT[plan.peft]} if plan else {}
    return {name: f"auto: {made[name]}" if made and not values[name] else "auto" for name in ("method", "peft")}


def _rest(values: Mapping[str, Any], plan: TrainingPlan | None) -> str:
    """What the folded choices stand at: "Method auto: SFT, trained auto: all weights, no Hub repository"."""
    auto = _auto(values, plan)
    trained = _PEFT.get(values["peft"], auto["peft"])
    where_to = f"result to {values['push_to']}" if values["push_to"] else "no Hub repository"
    first = f" · the first {values['rows']} rows" if values["rows"] else ""
    return f"method {values['method'] or auto['method']} · trained {trained} · {where_to}{first}"


def _served(goal: str, data: ValidationReport) -> bool:
    return any(str(data.verdicts[method].status) == "READY" for method in GOALS[goal] if method in data.verdicts)


def _short(goal: str) -> str:
    """A goal in one word, as it stands side by side with others."""
    return {"instruction following": "instructions", "verifiable reasoning": "reasoning"}.get(goal, goal)


def _dollars(text: object) -> Any:
    """A limit as typed; what is no number stays as it is, for the plan to refuse."""
    words = str(text).strip().removeprefix("$")
    try:
        return float(words) or None if words else None
    except ValueError:
        return words
