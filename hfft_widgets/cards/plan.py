"""A training plan as text, Markdown and HTML: one value, three renderings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import bar, card, chip, figures, fold, heading, icon, link, table
from hfft_widgets.cards.script import diff, highlighted
from hfft_widgets.cards.summary import facts_known, summary_markdown, summary_text
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.core.units import bytes_text, count_text, duration_text, ends, plural, usd_text

Values = Mapping[str, Any]

_PARTS_SHOWN = 5
_SMALL = 0.15  # of a card: below this the bar shows what is used, not what there is


# ---- what every rendering says --------------------------------------------------------------------


def _name(plan: Values) -> str:
    """The last part of the model's id or folder, where the plan does not name it."""
    return str(plan["card"].get("name") or re.split(r"[\\/]", plan["model"].rstrip("\\/"))[-1])


def _where(plan: Values) -> str:
    where = "this machine" if plan["flavor"] == "local" else plan["flavor"]
    return f"{where} ({plan['card']['where']})" if "where" in plan["card"] else str(where)


def _rows(plan: Values) -> str:
    data, s = plan["data"], plan["settings"]
    tokens, share = f"{data['tokens_per_row']:,.0f} tokens each", data["trained_share"]
    ways = {"marked": s["assistant_only_loss"], "last": s["answers_only"]}
    counted = all(on is (data.get("learns", "all") == way) for way, on in ways.items())  # else a person chose another
    whole = share is None or share == 1 or not counted
    learned = tokens if whole else f"{tokens}, {share:.0%} of them learned"
    first = s.get("rows")  # of plans that were saved before there was a choice: none
    part = f"the first {first:,} of " if first and first < data["rows"] else ""
    return f"{part}{plural(data['rows'], 'row')}, {learned}"


def _steps(plan: Values) -> str:
    batch = f", effective batch {plan['card']['effective_batch_size']}" if plan["card"] else ""
    return f"{plan['estimate']['steps']:,}{batch}, learning rate {plan['settings']['learning_rate']:g}"


def _time(plan: Values) -> str:
    seconds = plan["estimate"]["seconds"]
    return f"about {duration_text(seconds['mid'])} ({' to '.join(ends(seconds, duration_text))})"


def _memory_words(plan: Values) -> str:
    e = plan["estimate"]
    return f"about {bytes_text(e['memory_bytes']['mid'])} of {bytes_text(e['capacity_bytes'])}"


def _price(plan: Values) -> str:
    usd = plan["estimate"]["usd"]
    return f"{usd_text(usd['mid'])} ({' to '.join(ends(usd, usd_text))})" if usd["mid"] else "$0"


def _ceiling(plan: Values) -> str:
    e = plan["estimate"]
    stopped = f"stopped after {duration_text(e['timeout_seconds'])} at {usd_text(e['usd_per_hour'])} an hour"
    return f"{usd_text(e['ceiling_usd'])} at most: {stopped}"


def prices_words(e: Values) -> str:
    """Where an estimate's prices are from, and of which day."""
    return ", ".join(filter(None, (e["prices_source"], e["prices_date"])))


_FACTS = {
    "Method": lambda plan: f"{plan['method']}, {PEFT.get(plan['peft'], plan['peft'])}",
    "Model": lambda plan: f"{_name(plan)}, {count_text(plan['facts']['parameters'])} parameters",
    "Trained": lambda plan: _trained(plan["trained"], plan["facts"]),
    "Data": lambda plan: f"{plan['data']['name']}, {_rows(plan)}",
    "Where": _where,
    "Steps": _steps,
    "Time": _time,
    "Memory": _memory_words,
    "Price": _price,
    "Ceiling": lambda plan: _ceiling(plan) if plan["timeout_seconds"] else "",
    "Prices": lambda plan: prices_words(plan["estimate"]) if plan["timeout_seconds"] else "",
    "Numbers": lambda plan: plan["card"]["numbers"],
    "Will export as GGUF": lambda plan: plan["exports"],
    "Licence": lambda plan: plan["facts"]["licence"],
    "Unknown": lambda plan: "; ".join(plan["facts"]["unknown"]),
}


def _trained(count: int, facts: Values) -> str:
    share = 100 * count / facts["parameters"]
    return f"{count:,} parameters" + (f", {share:.3g} % of all" if share < 100 else ", all of them")


def text(plan: Values) -> str:
    """The plan for a terminal."""
    return summary_text(f"Training plan: {plan['title']}", facts_known(_FACTS, plan), plan["reasons"], plan["warnings"])


def markdown(plan: Values) -> str:
    """The plan for a README or an issue."""
    return summary_markdown(plan["title"], facts_known(_FACTS, plan), plan["reasons"], plan["warnings"])


# ---- the card -------------------------------------------------------------------------------------


def html(plan: Values) -> Markup:
    """The plan as a card."""
    sections = [known(part, plan) for part in (_figures, warned, why, reward, memory, _compared, cheaper, _folded)]
    return card(
        plan["title"], known(_subtitle, plan), known(_status, plan), *sections, label=f"Training plan: {plan['title']}"
    )


def figure(plan: Values) -> dict[str, Any]:
    """Cost against time of all hardware, as `plotly.graph_objects.Figure` takes it."""
    from hfft_widgets.cards import hardware  # late: a page opens without it

    return hardware.figure(plan)


def _compared(plan: Values) -> Markup:
    from hfft_widgets.cards.hardware import compared

    return compared(plan)


def top(plan: Values) -> Markup:
    """What stands above: what runs, whether it fits, and the figures."""
    head = el("div", el("h3", plan["title"]), el("div", known(_subtitle, plan), class_="sub"), class_="grow")
    return join([el("header", head, known(_status, plan)), el("section", known(_figures, plan))])


def short_figures(plan: Values) -> Markup:
    """Time, price and fit in a line."""
    e = plan["estimate"]
    time = el("span", "about ", el("b", duration_text(e["seconds"]["mid"])))
    price, most = (
        (usd_text(e["usd"]["mid"]), f", at most {usd_text(e['ceiling_usd'])}") if e["usd_per_hour"] else ("free", "")
    )
    return join([time, el("span", el("b", price), most), _status(plan)])


def _subtitle(plan: Values) -> str:
    where = "this machine" if plan["flavor"] == "local" else _where(plan)
    return f"{plan['data']['name']} · {_rows(plan)} · {where}"


def _status(plan: Values) -> Markup:
    free = plan["estimate"]["capacity_bytes"] - plan["estimate"]["memory_bytes"]["high"]
    return chip("ok", f"Fits with {bytes_text(free)} free") if free >= 0 else chip("bad", "Memory too small")


def _figures(plan: Values) -> Markup:
    e = plan["estimate"]
    if e["usd_per_hour"]:
        span = " to ".join(ends(e["usd"], usd_text))
        money = (usd_text(e["usd"]["mid"]), [f"likely {span}", el("br"), _unbroken(_ceiling(plan))])
    else:
        money = ("$0", ["on your own machine"])
    time = f"likely {' to '.join(ends(e['seconds'], duration_text))}"
    return figures(
        (duration_text(e["seconds"]["mid"]), _unbroken(time)),
        money,
        (bytes_text(e["memory_bytes"]["mid"]), f"peak of {bytes_text(e['capacity_bytes'])}"),
        (f"{e['steps']:,}", _amount(plan)),
    )


def _amount(plan: Values) -> str:
    s, more = plan["settings"], plan["card"]
    method = METHODS.get(plan["method"])
    answers = f", {s['num_generations']} answers each" if method and method.generates else ""
    whole = s["max_steps"] < 0 or not more
    amount = plural_epochs(s["num_train_epochs"]) if whole else f"{plural(more['rows_seen'], 'row')} looked at"
    batch = f" of {more['effective_batch_size']}" if more else ""
    return f"steps{batch}, {amount}{answers}"


def plural_epochs(count: float) -> str:
    """E.g. "1 epoch"."""
    return f"{count:g} {'epoch' if count == 1 else 'epochs'}"


def _unbroken(words: str) -> str:
    """No line ends inside a duration."""
    duration = r"\d+ (?:d|h|min|s)\b(?: \d+ (?:h|min|s)\b)?"
    return re.sub(duration, lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), words)


# ---- why ------------------------------------------------------------------------------------------


def warned(plan: Values, remedies: Mapping[str, Markup] | None = None) -> Markup | None:
    """What could disappoint, each with the button that changes it, and what is not known; None: nothing.

    Args:
        plan: The plan's values.
        remedies: Buttons, by the words of their warning.
    """
    page, remedies = plan["card"].get("page", ""), remedies or {}
    found = [el("li", icon("warn"), el("div", linked(w, page)), remedies.get(w)) for w in plan["warnings"]]
    if exports_not(plan):
        found.append(el("li", icon("warn"), el("div", f"Will export as GGUF: {plan['exports']}.")))
    if unknown := plan.get("facts", {}).get("unknown"):
        found.append(el("li", icon("info"), el("div", f"Not known of this model: {'; '.join(unknown)}.")))
    return el("ul", found, class_="f warned") if found else None


def exports_not(plan: Values) -> bool:
    """Whether what the plan makes cannot become a GGUF file."""
    return str(plan.get("exports") or "").startswith("no")


def why(plan: Values) -> Markup:
    """The reasons, and how the model can be used afterwards."""
    said = plan["reasons"]
    reasons = list(zip(said, plan["card"].get("alternatives") or [""] * len(said), strict=True))
    if "numbers" in plan["card"]:
        reasons.append((f"Numbers: {plan['card']['numbers']}", ""))
    if plan.get("exports") and not exports_not(plan):
        reasons.append((f"Will export as GGUF: {plan['exports']}.", ""))
    return join(
        [
            heading("Why this plan"),
            el("ul", [_reason(*reason) for reason in reasons], class_="why"),
        ]
    )


def _reason(words: str, alternative: str) -> Markup:
    return el("li", words, " ", fold("alternative", el("div", alternative)) if alternative else None)


def cheaper(plan: Values, buttons: Sequence[Markup] = ()) -> Markup | None:
    """What would cost less, folded: what each change saves and which rows it hurts; None: nothing would.

    Args:
        plan: The plan's values.
        buttons: One for each change, in their order; none: their names.
    """
    choices = plan["card"].get("choices") or ()
    if not choices:
        return None
    names = buttons or [choice["label"] for choice in choices]
    rows = [(name, choice["words"], _saved(choice), _hurt(choice)) for name, choice in zip(names, choices, strict=True)]
    return fold("What would cost less", table(("", "What changes", "Saves", "Rows hurt"), rows, class_="words"))


def _saved(choice: Values) -> str:
    seconds, usd = choice["seconds_saved"], choice["usd_saved"]
    time = duration_text(abs(seconds)) + (" sooner" if seconds >= 0 else " later")
    return f"{usd_text(usd)}, {time}" if usd else time


def _hurt(choice: Values) -> str:
    return f"{choice['rows_hurt']:,}" if choice["rows_hurt"] else "none"


def reward(plan: Values) -> Markup | None:
    """What the reward pays, where one was tried: folded, unless it teaches the wrong thing."""
    trial = plan.get("reward_trial")
    if trial is None:
        return None
    from hfft_widgets.cards.trials.reward_trial import section

    names = " + ".join(trial["rewards"])
    if trial["problems"]:
        return join([heading("The reward", f"{names}: refused, it would teach the wrong thing"), section(trial)])
    return fold(f"The reward {names} tells right from wrong", section(trial))


# ---- memory ---------------------------------------------------------------------------------------


def memory(plan: Values) -> Markup:
    """A stacked bar as long as the card; where the upper bound lies is marked on it."""
    e, gpu = plan["estimate"], plan["card"].get("gpu")
    said = f"Memory of one {gpu} at peak" if gpu else "Memory at peak"
    most, has = e["memory_bytes"]["high"], float(e["capacity_bytes"])
    if most >= _SMALL * has:
        return memory_bar(e, heading(said), max(has, most))
    share = f"{100 * most / has:.0f} %" if most >= 0.01 * has else "less than 1 %"
    return memory_bar(e, heading(said, f"at most {share} of {bytes_text(has)}; the bar shows that part"), most)


def memory_bar(e: Values, what: Markup, total: float, names: Sequence[str] = ()) -> Markup:
    """A device's memory at peak as a stacked bar, its upper bound marked, and its end where the axis goes further.

    Args:
        e: The estimate's values.
        what: A heading.
        total: Where the axis ends, in bytes: at the device's memory or beyond.
        names: The parts to show, in this order, so that several bars have the same colours; none: the largest.
    """
    parts, capacity, memory = e["parts"], e["capacity_bytes"], e["memory_bytes"]
    names = names or sorted(parts, key=lambda name: -parts[name])[:_PARTS_SHOWN]
    shown = [(_part(name), parts.get(name, 0.0), bytes_text(parts.get(name, 0.0))) for name in names]
    rest = sum(size for name, size in parts.items() if name not in names)
    if rest:
        shown.append(("Other", rest, bytes_text(rest)))
    has, most = bytes_text(capacity), bytes_text(memory["high"])
    label = f"{bytes_text(memory['mid'])} of {has} used, at most {most}"
    beyond = capacity < total
    marks = [_limit(memory["high"], total, f"at most {most}", "most")] if beyond or memory["high"] < total else []
    if beyond:
        marks.append(_limit(capacity, total, f"the card ends at {has}", "end"))
    kind = "over" if beyond else "whole" if marks else "bare"
    end = bytes_text(total) if marks else f"at most {most}"
    ends = el("div", el("span", "0"), " ", el("span", end), class_="axis")
    return el(
        "div",
        what,
        el("div", bar(shown, total, label=label), marks, class_=f"memory {kind}"),
        ends,
    )


def _part(name: str) -> str:
    return name if name[:2] in {"KV", "vL", "16"} else name.capitalize()


def _limit(size: float, total: float, words: str, class_: str) -> Markup:
    share = 100 * size / total
    side = "left" if share > 60 else ""
    return el("div", el("span", words, class_=side or None), class_=f"mark {class_}", style=f"left:{share:.2f}%")


# ---- the model and the script ---------------------------------------------------------------------


def _folded(plan: Values) -> Markup:
    return join([known(model, plan), known(_script, plan["card"])])


def model_rows(facts: Values, page: str) -> list[tuple[str, str]]:
    """What is known of a model: (name, value)."""
    heads = (
        f"{facts['heads']} heads of {facts['head_dim']}, {facts['kv_heads']} of them with keys and values of their own"
    )
    tied = "one matrix for input and output" if facts["tied_embeddings"] else "two matrices, for input and for output"
    unsaid = "" if facts["local"] else "not known"
    gated = {True: f"accept them at {page}", False: "nothing to accept", None: unsaid}
    width = f"{facts['layers']} of width {facts['hidden_size']:,}, MLP {facts['intermediate_size']:,}"
    rows = [
        ("Architecture", f"{facts['architecture']} ({facts['model_type']})"),
        ("Parameters", f"{facts['parameters']:,}, counted from: {facts['parameters_source']}"),
        ("For each token", f"{facts['active_parameters']:,} of them" if "active_parameters" in facts else ""),
        ("For pictures", f"{facts['picture_parameters']:,} of them" if "picture_parameters" in facts else ""),
        ("Layers", f"{width}; {heads}"),
        ("Vocabulary", f"{facts['vocabulary_size']:,} tokens, {tied}"),
        ("Context", f"{facts['context_length']:,} tokens"),
        ("Chat template", "yes" if facts["chat_template"] else "none: a base model"),
        ("Pictures", "read" if facts["vision"] else "not read"),
        ("Licence", facts["licence"] or "not known"),
        ("Terms", gated[facts["gated"]]),
    ]
    return [(name, value) for name, value in rows if value]


def model(plan: Values) -> Markup:
    """What is known of the model, folded."""
    facts, page = plan["facts"], plan["card"].get("page", "")
    known_of_it = model_rows(facts, page)
    if "trained" in plan:
        known_of_it.insert(2, ("Trained", _trained(plan["trained"], facts)))
    rows = [(name, linked(value, page)) for name, value in known_of_it]
    title = f"The model: {count_text(facts['parameters'])} parameters, {facts['context_length']:,} tokens of context"
    return fold(title, table(("", ""), rows, class_="words facts"))


def linked(words: str, address: str) -> Markup:
    """Words in which an address, where it stands, can be clicked."""
    before, found, after = words.partition(address) if address else (words, "", "")
    return join([before, link(found, found), after])


def _script(more: Values) -> Markup:
    title = f"The script that runs ({more['script_lines']} lines; the part to read comes first)"
    shown = fold(title, highlighted(more["recipe"]))
    if more["edit"] is None:
        return shown
    note = el("div", icon("info"), " The script was edited by hand.", class_="note")
    return join([note, fold("The edit", diff(more["edit"])), shown])
