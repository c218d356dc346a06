"""A training plan as text, Markdown and HTML: one value, three renderings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfft_widgets.core.html import Markup, bar, card, chip, el, figures, fold, icon, join, table
from hfft_widgets.core.plan.caveats import precision_of
from hfft_widgets.core.plan.reason import Reason
from hfft_widgets.core.plan.views_options import compared
from hfft_widgets.core.plan.views_script import difference, highlighted, lesson_of
from hfft_widgets.core.plan.work import GENERATING
from hfft_widgets.core.summary import summary_markdown, summary_text
from hfft_widgets.core.units import bytes_text, count_text, duration_text, plural, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.estimate import Estimate, Range
    from hfft_widgets.core.plan.model import ModelFacts
    from hfft_widgets.core.plan.training import TrainingPlan

_PARTS_SHOWN = 5


def _span(span: Range, words: object) -> str:
    from_, to = words(span.low), words(span.high)  # type: ignore[operator]
    return from_ if from_ == to else f"{from_} to {to}"


def facts_of(plan: TrainingPlan) -> list[tuple[str, str]]:
    """What every rendering says: (name, value)."""
    e, s = plan.estimate, plan.settings
    where = "this machine" if plan.flavor == "local" else plan.flavor
    facts = [
        ("Method", f"{plan.method}, {'LoRA' if plan.peft == 'lora' else 'all weights'}"),
        ("Model", f"{plan.facts.name}, {count_text(plan.facts.parameters)} parameters"),
        ("Data", f"{plan.data.name}, {plural(plan.data.rows, 'row')}, {_learned(plan)}"),
        ("Where", f"{where} ({plan.hardware.where})"),
        ("Steps", f"{e.steps:,}, effective batch {plan.effective_batch_size}, learning rate {s.learning_rate:g}"),
        ("Time", f"about {duration_text(e.seconds.mid)} ({_span(e.seconds, duration_text)})"),
        ("Memory", f"about {bytes_text(e.memory_bytes.mid)} of {bytes_text(e.capacity_bytes)}"),
        ("Price", f"{usd_text(e.usd.mid)} ({_span(e.usd, usd_text)})" if e.usd.mid else "$0"),
    ]
    if plan.timeout_seconds:
        facts.append(("Ceiling", _ceiling(plan)))
        facts.append(("Prices", f"{e.prices_source}, {e.prices_date}"))
    facts.append(("Numbers", precision_of(plan)))
    if plan.facts.licence:
        facts.append(("Licence", plan.facts.licence))
    if plan.facts.unknown:
        facts.append(("Unknown", "; ".join(plan.facts.unknown)))
    return facts


def _learned(plan: TrainingPlan) -> str:
    tokens = f"{plan.data.tokens_per_row:,.0f} tokens each"
    share, s = plan.data.trained_share, plan.settings
    whole = share is None or share == 1 or s.assistant_only_loss or s.answers_only  # or not what the report counted
    return tokens if whole else f"{tokens}, {share:.0%} of them learned"


def _ceiling(plan: TrainingPlan) -> str:
    e = plan.estimate
    stopped = f"stopped after {duration_text(e.timeout_seconds)} at {usd_text(e.usd_per_hour)} an hour"
    return f"{usd_text(e.ceiling_usd)} at most: {stopped}"


def plan_text(plan: TrainingPlan) -> str:
    """The plan for a terminal."""
    return summary_text(f"Training plan: {plan.title}", facts_of(plan), map(str, plan.reasons), plan.warnings)


def plan_markdown(plan: TrainingPlan) -> str:
    """The plan for a README or an issue."""
    return summary_markdown(plan.title, facts_of(plan), map(str, plan.reasons), plan.warnings)


def plan_html(plan: TrainingPlan) -> Markup:
    """The plan as a card."""
    e = plan.estimate
    free = e.capacity_bytes - e.memory_bytes.high
    status = chip("ok", f"Fits with {bytes_text(free)} free") if e.fits else chip("bad", "Memory too small")
    where = "this machine" if plan.flavor == "local" else f"{plan.flavor} ({plan.hardware.where})"
    rows = f"{plural(plan.data.rows, 'row')}, {_learned(plan)}"
    return card(
        plan.title, f"{plan.data.name} · {rows} · {where}", status,
        _figures(plan), _why(plan), _memory(plan), compared(plan), [_model(plan.facts), _script(plan)],
        label=f"Training plan: {plan.title}",
    )  # fmt: skip


def _figures(plan: TrainingPlan) -> Markup:
    e, s = plan.estimate, plan.settings
    if e.usd_per_hour:
        money = (usd_text(e.usd.mid), [f"estimated, {_span(e.usd, usd_text)}", el("br"), _unbroken(_ceiling(plan))])
    else:
        money = ("$0", ["on your own machine"])
    answers = f", {s.num_generations} answers each" if plan.method in GENERATING else ""
    amount = f"{s.num_train_epochs:g} epochs" if s.max_steps < 0 else f"{plural(plan.rows_seen, 'row')} looked at"
    return figures(
        (duration_text(e.seconds.mid), _unbroken(f"estimated, {_span(e.seconds, duration_text)}")),
        money,
        (bytes_text(e.memory_bytes.mid), f"peak of {bytes_text(e.capacity_bytes)}"),
        (f"{e.steps:,}", f"steps of {plan.effective_batch_size}, {amount}{answers}"),
    )


def _unbroken(words: str) -> str:
    """No line ends inside a duration."""
    duration = r"\d+ (?:d|h|min|s)\b(?: \d+ (?:h|min|s)\b)?"
    return re.sub(duration, lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), words)


# ---- why ------------------------------------------------------------------------------------------


def _why(plan: TrainingPlan) -> Markup:
    warned = [el("li", icon("warn"), el("div", linked(words, plan.facts.page))) for words in plan.warnings]
    if plan.facts.unknown:
        words = f"Not known of this model: {'; '.join(plan.facts.unknown)}."
        warned.append(el("li", icon("info"), el("div", words)))
    return join(
        [
            el("ul", warned, class_="f") if warned else None,
            el("div", "Why this plan", class_="sub"),
            el("ul", [_reason(reason) for reason in (*plan.reasons, _numbers(plan))], class_="why"),
        ]
    )


def _numbers(plan: TrainingPlan) -> Reason:
    return Reason(f"Numbers: {precision_of(plan)}")


def _reason(reason: Reason) -> Markup:
    more = fold("alternative", el("div", reason.alternative)) if reason.alternative else None
    return el("li", reason.words, " ", more)


# ---- memory ---------------------------------------------------------------------------------------


def _memory(plan: TrainingPlan) -> Markup:
    """A stacked bar as long as the card; where the upper bound lies is marked on it."""
    e = plan.estimate
    what = f"Memory of one {plan.hardware.gpu} at peak" if plan.hardware.gpu else "Memory at peak"
    return memory_bar(e, what, max(float(e.capacity_bytes), e.memory_bytes.high))


def memory_bar(e: Estimate, what: str, total: float, names: Sequence[str] = ()) -> Markup:
    """A device's memory at peak as a stacked bar, its upper bound marked, and its end where the axis goes further.

    Args:
        e: The estimate.
        what: A heading.
        total: Where the axis ends, in bytes: at the device's memory or beyond.
        names: The parts to show, in this order, so that several bars have the same colours; none: the largest.
    """
    names = names or sorted(e.parts, key=lambda name: -e.parts[name])[:_PARTS_SHOWN]
    shown = [(_part(name), e.parts.get(name, 0.0), bytes_text(e.parts.get(name, 0.0))) for name in names]
    rest = sum(size for name, size in e.parts.items() if name not in names)
    if rest:
        shown.append(("Other", rest, bytes_text(rest)))
    has, most = bytes_text(e.capacity_bytes), bytes_text(e.memory_bytes.high)
    label = f"{bytes_text(e.memory_bytes.mid)} of {has} used, at most {most}"
    marks = [_limit(e.memory_bytes.high, total, f"at most {most}", "most")]
    beyond = e.capacity_bytes < total
    if beyond:
        marks.append(_limit(e.capacity_bytes, total, f"the card ends at {has}", "end"))
    ends = el("div", el("span", "0"), " ", el("span", bytes_text(total)), class_="axis")
    return el(
        "div",
        el("div", what, class_="sub"),
        el("div", bar(shown, total, label=label), marks, class_="memory over" if beyond else "memory"),
        ends,
    )


def _part(name: str) -> str:
    return name if name[:2] in {"KV", "vL", "16"} else name.capitalize()


def _limit(size: float, total: float, words: str, class_: str) -> Markup:
    share = 100 * size / total
    side = "left" if share > 60 else ""
    return el("div", el("span", words, class_=side or None), class_=f"mark {class_}", style=f"left:{share:.2f}%")


# ---- the model ------------------------------------------------------------------------------------


def model_rows(facts: ModelFacts) -> list[tuple[str, str]]:
    """What is known of a model: (name, value)."""
    heads = f"{facts.heads} heads of {facts.head_dim}, {facts.kv_heads} of them with keys and values of their own"
    tied = "one matrix for input and output" if facts.tied_embeddings else "two matrices, for input and for output"
    gated = {True: f"accept them at {facts.page}", False: "nothing to accept", None: "" if facts.local else "not known"}
    rows = [
        ("Architecture", f"{facts.architecture} ({facts.model_type})"),
        ("Parameters", f"{facts.parameters:,}, counted from: {facts.parameters_source}"),
        ("Layers", f"{facts.layers} of width {facts.hidden_size:,}, MLP {facts.intermediate_size:,}; {heads}"),
        ("Vocabulary", f"{facts.vocabulary_size:,} tokens, {tied}"),
        ("Context", f"{facts.context_length:,} tokens"),
        ("Chat template", "yes" if facts.chat_template else "none: a base model"),
        ("Pictures", "read" if facts.vision else "not read"),
        ("Licence", facts.licence or "not known"),
        ("Terms", gated[facts.gated]),
    ]
    return [(name, value) for name, value in rows if value]


def _model(facts: ModelFacts) -> Markup:
    rows = [(name, linked(value, facts.page)) for name, value in model_rows(facts)]
    title = f"The model: {count_text(facts.parameters)} parameters, {facts.context_length:,} tokens of context"
    return fold(title, table(("", ""), rows, class_="words facts"))


def linked(words: str, address: str) -> Markup:
    """Words in which an address, where it stands, can be clicked."""
    before, found, after = words.partition(address) if address else (words, "", "")
    link = el("a", found, href=found, target="_blank", rel="noopener") if found else None
    return join([before, link, after])


# ---- the script -----------------------------------------------------------------------------------


def _script(plan: TrainingPlan) -> Markup:
    lines = plan.script.count("\n") + 1
    title = f"The script that runs ({lines} lines; the part to read comes first)"
    shown = fold(title, highlighted(lesson_of(plan.script)))
    if plan.edited is None:
        return shown
    changed = difference(plan.made_script, plan.edited)
    return join(
        [el("div", icon("info"), " The script was edited by hand.", class_="note"), fold("The edit", changed), shown]
    )
