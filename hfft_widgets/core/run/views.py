"""A run as a card: stage, progress, figures, answers before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.html import Markup, card, chip, el, figures, fold, icon, items, join, table
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import bytes_text, duration_text, usd_text

_STAGES = {
    Stage.SCHEDULING: ("wait", "Waiting for a machine"),
    Stage.RUNNING: ("run", "Running"),
    Stage.COMPLETED: ("ok", "Completed"),
    Stage.CANCELED: ("warn", "Cancelled"),
    Stage.ERROR: ("bad", "Failed"),
    Stage.DELETED: ("warn", "Deleted"),
}


@dataclass(frozen=True)
class RunView:
    """What a run looks like at one moment: everything its renderings need.

    Attributes:
        id: The run's id.
        title: Its title.
        stage: Its stage.
        step: Optimizer steps done, or None.
        total_steps: Steps planned, or None.
        seconds: Since the launch, up to the end.
        seconds_left: Estimated; None if not known or final.
        age_seconds: Since the run was last heard of; None if final.
        message: What it is doing, in its own words, or "".
        error: What went wrong, or None.
        output: Where the result is, or None.
        cost_usd: Money so far, or None if not known.
        history: Its curves.
        answers: Data of its `answers` event.
        chart: A static chart for a saved notebook, or None.
        unconfirmed: Whether nobody knows if it was started.
        note: What the place that runs it says, or "".
        page: Address of its page on the Hub, or "".
        use: What it uses of its machine now: see `use_figures`.
        pushed: What it put on the Hub so far, in words, or "".
        estimate: The plan's estimate as JSON values, {} if there was none.
        running_seconds: For which it was paid, at its end; None before, and where nothing is paid.
    """

    id: str
    title: str
    stage: Stage
    step: int | None = None
    total_steps: int | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    age_seconds: float | None = None
    message: str = ""
    error: str | None = None
    output: str | None = None
    cost_usd: float | None = None
    history: MetricHistory = field(default_factory=MetricHistory)
    answers: Mapping[str, Any] = field(default_factory=dict)
    chart: Markup | None = None
    unconfirmed: bool = False
    note: str = ""
    page: str = ""
    use: tuple[tuple[str, str], ...] = ()
    pushed: str = ""
    estimate: Mapping[str, Any] = field(default_factory=dict)
    running_seconds: float | None = None

    @property
    def fraction(self) -> float | None:
        """Share of the steps done, 0 to 1."""
        if self.step is None or not self.total_steps:
            return None
        return min(1.0, self.step / self.total_steps)


def run_html(view: RunView) -> Markup:
    """The run as a card."""
    kind, words = ("warn", "Unconfirmed") if view.unconfirmed else _STAGES[view.stage]
    return card(
        view.title, _subtitle(view), chip(kind, words),
        el("div", el("b", "What happened: "), view.error, class_="bad") if view.error else None,
        el("div", icon("warn" if view.unconfirmed else "info"), view.note, class_="note") if view.note else None,
        el("div", _meter(view), figures(*_numbers(view))) if _numbers(view) or view.message else None,
        _use(view),
        _estimated(view),
        fold("The curves", view.chart) if view.chart else None,
        _answers(view.answers),
        el("div", "The model is in ", el("code", view.output), class_="sub")
        if view.output and view.stage is Stage.COMPLETED else None,
        _on_hub(view),
        label=f"Run: {view.title}",
    )  # fmt: skip


def _subtitle(view: RunView) -> str:
    parts = [view.id, duration_text(view.seconds)]
    if view.stage.final:
        return " · ".join(parts)
    if view.message and view.step is None:
        parts.append(view.message)
    if view.seconds_left is not None:
        parts.append(f"about {duration_text(view.seconds_left)} left")
    if view.age_seconds is not None and view.age_seconds > 20:
        parts.append(f"last heard of {duration_text(view.age_seconds)} ago")
    return " · ".join(parts)


def _meter(view: RunView) -> Markup | None:
    if view.fraction is None:
        return None
    percent = round(100 * view.fraction, 1)
    attributes = {"role": "progressbar", "aria_valuenow": percent, "aria_valuemin": 0, "aria_valuemax": 100}
    return el("div", el("i", style=f"width:{percent}%"), class_="meter", aria_label="Progress", **attributes)


def _numbers(view: RunView) -> list[tuple[str, str]]:
    found = []
    if view.step is not None and view.total_steps:
        found.append((f"{view.step:,}", f"of {view.total_steps:,} steps"))
    for name, words in (("loss", "loss"), ("eval_loss", "loss on held-out rows"), ("reward", "reward"),
                        ("eval_mean_token_accuracy", "held-out tokens right"),
                        ("rewards/accuracies", "preferred the chosen answer")):  # fmt: skip
        points = view.history.get(name, ())
        if points:
            started = f", from {points[0].value:.3g}" if len(points) > 1 else ""
            found.append((f"{points[-1].value:.3g}", words + started))
    if view.cost_usd:
        found.append((usd_text(view.cost_usd), "in all" if view.stage.final else "so far"))
    return found


def use_figures(
    cpu_percent: float | None, memory: tuple[int, int], gpus: Iterable[tuple[float, int, int]]
) -> tuple[tuple[str, str], ...]:
    """What a machine is used for, as figures.

    Args:
        cpu_percent: Of all processors together, or None.
        memory: Bytes in use, and in all.
        gpus: Per GPU percent busy, bytes in use, and in all.
    """
    found = []
    for number, (percent, used, total) in enumerate(gpus):
        name = f"GPU {number}"
        found += [(f"{percent:.0f}%", f"{name} busy"), (bytes_text(used), f"of {bytes_text(total)} on {name}")]
    if cpu_percent is not None:
        found.append((f"{cpu_percent:.0f}%", "processor busy"))
    if memory[1]:
        found.append((bytes_text(memory[0]), f"of {bytes_text(memory[1])} memory"))
    return tuple(found)


def _use(view: RunView) -> Markup | None:
    if not view.use or view.stage.final:
        return None
    return el("div", el("div", "Its machine, now", class_="sub"), figures(*view.use))


def _estimated(view: RunView) -> Markup | None:
    """Estimate against actual, of a run that was paid for and has ended."""
    seconds, usd = view.estimate.get("seconds"), view.estimate.get("usd")
    if view.running_seconds is None or not seconds:
        return None
    rows = [("Time", _span(duration_text(seconds["low"]), duration_text(seconds["high"])),
             duration_text(view.running_seconds))]  # fmt: skip
    if usd and view.cost_usd is not None:
        rows.append(("Price", _span(usd_text(usd["low"]), usd_text(usd["high"])), usd_text(view.cost_usd)))
    return table(("Paid for", "Estimated", "Actual"), rows)


def _span(low: str, high: str) -> Markup:
    """A range, or one value where both ends read the same.

    Each in an element of its own: JupyterLab sets what stands between two dollar signs of one text as math.
    """
    return el("span", low) if low == high else join([el("span", low), " to ", el("span", high)])


def _on_hub(view: RunView) -> Markup | None:
    if not view.pushed and not view.page:
        return None
    link = el("a", "Its page on the Hub", href=view.page, target="_blank", rel="noopener") if view.page else None
    return el("div", f"On the Hub: {view.pushed}. " if view.pushed else None, link, class_="sub")


def price_html(limit: str, checks: Iterable[tuple[bool | None, str, str, str]]) -> Markup:
    """What a launch costs at most, and what was looked at before it.

    Args:
        limit: The price in words.
        checks: For each whether it passed (None: nobody can tell before), its name, what was found, what to do.
    """
    kinds = {True: "ok", False: "bad", None: "info"}
    rows = [
        (kinds[passed], name, [message, el("div", remedy) if remedy and not passed else None], "")
        for passed, name, message, remedy in checks
        if not (passed and limit in message)  # the price itself stands above
    ]
    return el("div", el("b", f"{limit[0].upper()}{limit[1:]}"), items(rows), class_="hfft part")


def _answers(answers: Mapping[str, Any]) -> Markup | None:
    rows = answers.get("rows") or []
    if not rows:
        return None
    score = answers.get("score")
    head = [figures((f"{score['after']:.0%}", f"of {answers['count']} held-out questions right"),
                    (f"{score['before']:.0%}", "before training"))] if score else []  # fmt: skip
    body = [_answer(row) for row in rows]
    columns = ("Held-out question", "Expected", "Before", "After")
    shown = table(columns, body[:5], class_="words")
    more = fold(f"{len(body) - 5} more", table(columns, body[5:], class_="words")) if len(body) > 5 else None
    return el(
        "div",
        head,
        el("div", "The same questions before and after, none of them trained on", class_="sub"),
        shown,
        more,
    )


def _answer(row: Mapping[str, Any]) -> tuple[object, ...]:
    right = row["after"].strip() == row["expected"].strip()
    return (
        _short(row["prompt"], 160), _short(row["expected"], 90), el("span", _short(row["before"], 60), class_="sub"),
        el("b", _short(row["after"], 90), class_="same" if right else None),
    )  # fmt: skip


def _short(words: str, limit: int) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
