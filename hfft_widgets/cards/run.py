"""A run as a card: stage, progress, figures, answers before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import age, chip, failure, figures, fold, heading, icon, items, link, table
from hfft_widgets.cards.summary import facts_known, summary_markdown, summary_text
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import bytes_text, duration_text, ends, plural, short, usd_text

Values = Mapping[str, Any]
Check = tuple[bool | None, str, str, str]

MOST_FIGURES = 4
UNKNOWN = "\N{EN DASH}"
SHOWN_ANSWERS = 3
_STAGES = {
    Stage.SCHEDULING: ("wait", "Waiting for a machine"),
    Stage.RUNNING: ("run", "Running"),
    Stage.COMPLETED: ("ok", "Completed"),
    Stage.CANCELED: ("warn", "Cancelled"),
    Stage.ERROR: ("bad", "Failed"),
    Stage.DELETED: ("warn", "Deleted"),
}
_BY_DESIGN = {"loss", "eval_loss"}  # about 0 where rewards are learned from: it tells nothing
_METRICS = {
    "loss": "loss",
    "eval_loss": "held-out loss",
    "reward": "reward",
    "eval_reward": "held-out reward",
    "eval_mean_token_accuracy": "held-out tokens right",
    "rewards/accuracies": "preferred the chosen answer",
}


# what a script says it is doing, by its first word or two, and what is said of it where there is little room
_DOING = {
    "Loading": "Loading the model", "Asking the untrained": "Asking before", "Asking the trained": "Asking after",
    "Saving": "Saving the model", "The disk": "Waiting for disk", "Stopping early": "Stopping early",
    "Measuring the untrained": "Measuring before", "Measuring the trained": "Measuring after",
    "Pushing": "Pushing to the Hub", "Fetching": "Fetching the checkpoint",
}  # fmt: skip


def _stage(run: Values) -> tuple[str, str]:
    return ("warn", "Unconfirmed") if run.get("unconfirmed") else _STAGES[Stage(run["stage"])]


def stage_words(run: Values) -> str:
    """Its stage in the middle of a sentence: "completed", "failed"."""
    return _stage(run)[1].lower()


def doing(run: Values) -> tuple[str, str]:
    """Where it stands, in the words of the moment: "Loading the model", "Step 12 of 60", "Completed"."""
    kind, words = _stage(run)
    if run.get("stalled"):
        return "warn", "No machine yet" if kind == "wait" else "Stalled"
    if kind == "wait" and str(run["id"]).startswith("local:"):
        return kind, "Waiting for its turn" if run.get("waiting") else "Starting"
    if kind != "run":
        found = run.get("verdict")
        return (_verdict_icon(found), f"{words}: {found['title'].lower()}") if found else (kind, words)
    message = str(run["message"] or "")
    if message:
        return kind, next((said for start, said in _DOING.items() if message.startswith(start)), words)
    if run["step"] is None:
        return kind, "Starting"
    return kind, f"Step {run['step']:,}" + (f" of {run['total_steps']:,}" if run["total_steps"] else "")


_POINT_SECONDS = 5  # a point each second shall not be a message each second


def _verdict_icon(verdict: Values) -> str:
    return {"learned": "ok", "unknown": "info"}.get(verdict["outcome"], "warn")


_FACTS = {
    "Run": lambda run: run["id"],
    "Stage": lambda run: _stage(run)[1],
    "Verdict": lambda run: f"{run['verdict']['title']}. {run['verdict']['words']}" if run["verdict"] else "",
    "Time": lambda run: duration_text(run["seconds"]),
    "Stopped": lambda run: f"after {duration_text(run['stall_seconds'])} without progress" if _held(run) else "",
    "Figures": lambda run: ", ".join(f"{words} {value}" for value, words in _numbers(run)),
    "Hub": lambda run: _pushed_words(run["pushed"]),
    "Output": lambda run: run["output"],
}


def _held(run: Values) -> bool:
    """Whether it is live, and has a limit without progress."""
    return bool(run.get("stall_seconds")) and not _final(run)


def text(run: Values) -> str:
    """The run for a terminal."""
    return summary_text(run["title"], facts_known(_FACTS, run), [], _said(run))


def markdown(run: Values) -> str:
    """The run for an issue."""
    return summary_markdown(run["title"], facts_known(_FACTS, run), [], _said(run))


def _said(run: Values) -> list[str]:
    said = [f"A recording. {run['recorded']}"] if run.get("recorded") else []
    said += [run[name] for name in ("error", "note") if run.get(name)]
    return [*said, *(f"{sign['words']} {sign['remedy']}" for sign in run.get("health") or ())]


def html(run: Values) -> Markup:
    """The run as a card."""
    label = f"Run: {run['title']}"
    parts = (*first_sections(run), known(_chart, run), *last_sections(run))
    return el("article", top(run), [el("section", part) for part in parts if part], class_="hfft mathjax_ignore",
              aria_label=label)  # fmt: skip


def top(run: Values, *, ticks: bool = False) -> Markup:
    """What stands above: its title, where it stands, since when.

    Args:
        run: The values.
        ticks: Whether the page counts the seconds by itself: then the markup stays the same while time goes by.
    """
    about = el("div", known(_subtitle, run, ticks), class_="sub")
    return el("header", el("div", el("h3", run["title"]), about, class_="grow"), known(lambda: chip(*doing(run))))


def first_sections(run: Values) -> list[Markup | None]:
    """What stands above the curves: what went wrong, whether it learned, the score, figures."""
    return [known(part, run) for part in (_recorded, _error, _note, _verdict, _health, _figures, _forecast)]


def last_sections(run: Values) -> list[Markup | None]:
    """What stands below the curves: its machine, prices, its repository."""
    return [known(part, run) for part in (_use, _estimated, _on_hub)]


def short_figures(run: Values) -> Markup:
    """Where it stands, what is left and what it costs, in a line."""
    kind, words = known(doing, run) or _stage(run)
    parts = [el("span", icon(kind), " ", el("b", words))]
    if left := known(_left, run):
        parts.append(el("span", f"about {left} left"))
    if run.get("cost_usd"):
        parts.append(el("span", el("b", usd_text(run["cost_usd"])), " in all" if _final(run) else " so far"))
    return join(parts)


def _figures(run: Values) -> Markup | None:
    """Its figures, at the end the score; and where the model is."""
    shown, made = (_answers if known(_scored, run) else _progress)(run), known(_output, run)
    return el("div", shown, made) if shown or made else None


def _final(run: Values) -> bool:
    return "stage" in run and Stage(run["stage"]).final


def _recorded(run: Values) -> Markup | None:
    return el("div", el("b", "A recording. "), run["recorded"], class_="sub") if run.get("recorded") else None


def _error(run: Values) -> Markup | None:
    return failure(run["error"]) if run["error"] else None


def _note(run: Values) -> Markup | None:
    kind = "warn" if run["unconfirmed"] or run.get("stalled") else "info"
    return el("div", icon(kind), run["note"], class_="note") if run["note"] else None


def _verdict(run: Values) -> Markup | None:
    """Whether it taught anything."""
    found = run["verdict"]
    if not found:
        return None
    proves = f" For this method, to learn means {found['proves']}." if found["proves"] else ""
    said = el("div", el("b", found["title"]), ". ", found["words"], proves)
    return el("div", icon(_verdict_icon(found)), said, class_="note verdict", role="status")


def _forecast(run: Values) -> Markup | None:
    """What the rest of its steps buys."""
    return el("div", run["forecast"]["words"], class_="sub") if run["forecast"] and not _final(run) else None


def _health(run: Values) -> Markup | None:
    """What is not well, in words, each with what to do."""
    signs = [
        el("div", icon("warn"), el("div", s["words"], " ", s["remedy"]), class_="note") for s in run.get("health") or ()
    ]
    return el("div", signs) if signs else None


def _best(run: Values, name: str) -> str:
    """Where a curve was best, if it became worse since."""
    best = run.get("best")
    if not best or best["metric"] != name or abs(best["last"] - best["value"]) <= 0.02 * max(abs(best["value"]), 0.05):
        return ""
    return f"; best {_value(name, best['value'])} at step {best['step']:,}" + (", kept" if best["kept"] else "")


def _progress(run: Values) -> Markup | None:
    """Always as high, whatever is known: nothing moves when the first figures come."""
    if _final(run):
        numbers = _numbers(run)
        return el("div", figures(*numbers[:MOST_FIGURES])) if numbers else None
    numbers = [*_numbers(run), (_left(run) or UNKNOWN, f"left{_between(run)}")]
    steps = (UNKNOWN, f"of {run['total_steps']:,} steps" if run["total_steps"] else "steps")
    numbers = [*([steps] if run["step"] is None or not run["total_steps"] else []), *numbers]
    if not run["metrics"]:
        numbers.insert(1, (UNKNOWN, "loss"))
    return el("div", _meter(run), figures(*numbers[: MOST_FIGURES - 1], numbers[-1]))


def _chart(run: Values) -> Markup | None:
    from hfft_widgets.cards.chart import svg  # late: a page draws its curves live

    return fold("The curves", svg(run["card"]["curves"]), open_=True) if run["card"]["curves"] else None


def _output(run: Values) -> Markup | None:
    done = run["output"] and run["stage"] == Stage.COMPLETED
    return el("div", "The model is in ", el("code", run["output"]), class_="sub") if done else None


def _subtitle(run: Values, ticks: bool) -> Markup:
    ticking = ticks and not _final(run) and not run.get("recorded")  # whose seconds are not the page's
    parts: list[object] = [run["id"], age(run["seconds"], run.get("since") if ticking else None)]
    if run["message"] and not _final(run):
        parts.append(run["message"])
    if run["age_seconds"] is not None and run["age_seconds"] > 20:
        heard = age(run["age_seconds"], run.get("heard") if ticking else None)
        parts.append(join(["last heard of ", heard, " ago"]))
    if ticking and run.get("last_point"):
        newest = run["last_point"] // _POINT_SECONDS * _POINT_SECONDS
        parts.append(join(["last point ", age(0, newest), " ago"]))
    if run.get("tokens_per_second") and not _final(run):
        digits = f"{run['tokens_per_second']:.2g}"
        parts.append(f"{float(digits):,.0f} tokens/s")
    return join([" · " if at else None, part] for at, part in enumerate(parts))


def _left(run: Values) -> str:
    """The time left as roughly as it is known: it must not change with each look."""
    seconds = run["seconds_left"]
    return "" if _final(run) or seconds is None else _roughly(seconds)


def _roughly(seconds: float) -> str:
    return duration_text(max(10, round(seconds, -1)) if seconds < 60 else 60 * round(seconds / 60))


def _between(run: Values) -> str:
    """The range of the time left, where its ends read differently."""
    ends_of = [_roughly(seconds) for seconds in run.get("left_range") or ()]
    return f", {ends_of[0]} to {ends_of[1]}" if len(set(ends_of)) > 1 else ""


def _meter(run: Values) -> Markup | None:
    known_steps = run["step"] is not None and run["total_steps"]
    percent = round(100 * min(1.0, run["step"] / run["total_steps"]), 1) if known_steps else 0
    attributes = {"role": "progressbar", "aria_valuenow": percent, "aria_valuemin": 0, "aria_valuemax": 100}
    return el("div", el("i", style=f"width:{percent}%"), class_="meter", aria_label="Progress", **attributes)


def _numbers(run: Values) -> list[tuple[str, str]]:
    found = []
    if run["step"] is not None and run["total_steps"]:
        found.append((f"{run['step']:,}", f"of {run['total_steps']:,} steps"))
    rewarded = bool(run["metrics"].get("reward"))
    for name, words in _METRICS.items():
        if (values := run["metrics"].get(name)) and not (rewarded and name in _BY_DESIGN):
            started = f", from {_value(name, values[0])}" if len(values) > 1 else ""
            found.append((_value(name, values[-1]), words + (_best(run, name) or started)))
    if run["cost_usd"]:
        most = run.get("ceiling_usd")
        so_far = f"so far, at most {usd_text(most)}" if most else "so far"
        found.append((usd_text(run["cost_usd"]), "in all" if _final(run) else so_far))
    return found


def _value(name: str, value: Any) -> str:
    """A share in percent, anything else in three digits."""
    return f"{float(value):.0%}" if "accurac" in name else f"{float(value):.3g}"


def _use(run: Values) -> Markup | None:
    """What its machine is used for."""
    use = run["use"]
    if not use or _final(run):
        return None
    found = []
    for number, gpu in enumerate(use["gpus"]):
        name = f"GPU {number}"
        found.append((f"{gpu['percent']:.0f}%", f"{name} busy"))
        found.append((bytes_text(gpu["memory_bytes"]), f"of {bytes_text(gpu['memory_total_bytes'])} on {name}"))
    if use["cpu_percent"] is not None:
        found.append((f"{use['cpu_percent']:.0f}%", "processor busy"))
    if use["memory_total_bytes"]:
        found.append((bytes_text(use["memory_bytes"]), f"of {bytes_text(use['memory_total_bytes'])} memory"))
    return el("div", heading("Its machine, now"), figures(*found)) if found else None


def _estimated(run: Values) -> Markup | None:
    """Estimate against actual, of a run that was paid for and has ended."""
    seconds, usd = run["estimate"].get("seconds"), run["estimate"].get("usd")
    if run["running_seconds"] is None or not seconds:
        return None
    rows = [("Time", _span(ends(seconds, duration_text)), duration_text(run["running_seconds"]))]
    if usd and run["cost_usd"] is not None:
        rows.append(("Price", _span(ends(usd, usd_text)), usd_text(run["cost_usd"])))
    return table(("Paid for", "Estimated", "Actual"), rows)


def _span(words: list[str]) -> Markup:
    """Each end in an element of its own: JupyterLab sets what stands between two dollar signs of one text as math."""
    return join([" to " if at else None, el("span", end)] for at, end in enumerate(words))


def _on_hub(run: Values) -> Markup | None:
    words = _pushed_words(run["pushed"])
    if not words and not run["page"]:
        return None
    page = link("Its page on the Hub", run["page"]) if run["page"] else None
    return el("div", f"On the Hub: {words}. " if words else None, page, class_="sub")


def _pushed_words(pushed: Values | None) -> str:
    if pushed is None:
        return ""
    kept = ", the newest checkpoint with them" if pushed["checkpoint"] else ""
    return f"{pushed['repo_id']}, {plural(pushed['files'], 'file')} of {bytes_text(pushed['size_bytes'])}{kept}"


def price_html(limit: str, checks: Sequence[Check]) -> Markup:
    """What a launch costs at most, and what was looked at before it.

    Args:
        limit: The price in words.
        checks: For each whether it passed (None: nobody can tell before), its name, what was found, what to do.
    """
    passed = [check for check in checks if check[0] and limit not in check[2]]  # the price itself stands above
    rest = sorted((check for check in checks if not check[0]), key=lambda check: check[0] is None)
    done = fold(join([icon("ok"), " ", f"{plural(len(passed), 'check')} passed"]), _checks(passed))
    said = f"{limit[0].upper()}{limit[1:]}"
    return el("div", heading(said), _checks(rest) if rest else None, done if passed else None, class_="hfft part")


def _checks(checks: Sequence[Check]) -> Markup:
    """What was looked at, with what to do where it did not pass."""
    kinds = {True: "ok", False: "bad", None: "info"}
    return items((kinds[passed], name, [found, el("div", remedy) if remedy and not passed else None], "")
                 for passed, name, found, remedy in checks)  # fmt: skip


def _scored(run: Values) -> bool:
    return _final(run) and bool((run.get("answers") or {}).get("rows"))


def _answers(run: Values) -> Markup:
    """The score first and large, then what it is made of."""
    answers = run["answers"]
    score, numbers = answers.get("score"), _numbers(run)
    found = [(f"{score['after']:.0%}", f"of {plural(answers['count'], 'held-out question')} right"),
             (f"{score['before']:.0%}", "before training")] if score else []  # fmt: skip
    others = [number for number in numbers if "steps" not in number[1]] if found else numbers
    body = [_answer(row) for row in answers["rows"]]
    columns = ("Held-out question", "Expected", "Before", "After")
    rest = body[SHOWN_ANSWERS:]
    return el(
        "div",
        figures(*(*found, *others)[:MOST_FIGURES]),
        el("div", "The same questions before and after, none of them trained on", class_="sub above"),
        table(columns, body[:SHOWN_ANSWERS], class_="words"),
        fold(f"{len(rest)} more", table(columns, rest, class_="words")) if rest else None,
    )


def _answer(row: Mapping[str, Any]) -> tuple[object, ...]:
    right = row["after"].strip() == row["expected"].strip()
    return (
        _short(row["prompt"], 159), _short(row["expected"], 89), el("span", _short(row["before"], 59), class_="sub"),
        el("b", _short(row["after"], 89), class_="same" if right else None),
    )  # fmt: skip


def _short(words: str, limit: int) -> str:
    return short(" ".join(words.split()), limit)
