"""A training plan as text, Markdown and HTML: one value, three renderings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.core.html import Markup, bar, card, chip, el, figures, fold, table
from hfft_widgets.core.summary import reasons_html, summary_markdown, summary_text
from hfft_widgets.core.units import bytes_text, count_text, duration_text, plural, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.estimate import Range
    from hfft_widgets.core.plan.training import Option, TrainingPlan


def _span(span: Range, words: object) -> str:
    from_, to = words(span.low), words(span.high)  # type: ignore[operator]
    return from_ if from_ == to else f"{from_} to {to}"


def facts_of(plan: TrainingPlan) -> list[tuple[str, str]]:
    """What every rendering says: (name, value)."""
    e, s = plan.estimate, plan.settings
    where = "this machine" if plan.flavor == "local" else plan.flavor
    return [
        ("Method", f"{plan.method}, {'LoRA' if plan.peft == 'lora' else 'all weights'}"),
        ("Model", f"{plan.facts.name}, {count_text(plan.facts.parameters)} parameters"),
        ("Data", f"{plan.data.name}, {plural(plan.data.rows, 'row')}"),
        ("Where", f"{where} ({plan.hardware.where})"),
        ("Steps", f"{e.steps:,}, effective batch {s.effective_batch_size}, learning rate {s.learning_rate:g}"),
        ("Time", f"about {duration_text(e.seconds.mid)} ({_span(e.seconds, duration_text)})"),
        ("Memory", f"about {bytes_text(e.memory_bytes.mid)} of {bytes_text(e.capacity_bytes)}"),
        ("Price", f"{usd_text(e.usd.mid)} ({_span(e.usd, usd_text)})" if e.usd.mid else "$0"),
    ]


def plan_text(plan: TrainingPlan) -> str:
    """The plan for a terminal."""
    return summary_text(f"Training plan: {plan.title}", facts_of(plan), plan.reasons, plan.warnings)


def plan_markdown(plan: TrainingPlan) -> str:
    """The plan for a README or an issue."""
    return summary_markdown(plan.title, facts_of(plan), plan.reasons, plan.warnings)


def plan_html(plan: TrainingPlan) -> Markup:
    """The plan as a card."""
    e = plan.estimate
    free = e.capacity_bytes - e.memory_bytes.high
    status = chip("ok", f"Fits with {bytes_text(free)} free") if e.fits else chip("bad", "Memory too small")
    where = "this machine" if plan.flavor == "local" else plan.flavor
    subtitle = f"{plan.data.name} · {plural(plan.data.rows, 'row')} · {plural(e.steps, 'step')} · {where}"
    return card(
        plan.title, subtitle, status,
        _figures(plan), reasons_html(plan.reasons, plan.warnings), _memory(plan), _options(plan), _lesson(plan),
        label=f"Training plan: {plan.title}",
    )  # fmt: skip


def _figures(plan: TrainingPlan) -> Markup:
    e = plan.estimate
    money = (
        (usd_text(e.usd.mid), f"estimated, {_span(e.usd, usd_text)}") if e.usd.mid else ("$0", "on your own machine")
    )
    return figures(
        (duration_text(e.seconds.mid), f"estimated, {_span(e.seconds, duration_text)}"),
        money,
        (bytes_text(e.memory_bytes.mid), f"peak of {bytes_text(e.capacity_bytes)}"),
        (f"{e.steps:,}", f"steps, {plan.settings.num_train_epochs:g} epochs"),
    )


def _memory(plan: TrainingPlan) -> Markup:
    e = plan.estimate
    parts = sorted(e.parts.items(), key=lambda pair: -pair[1])
    shown = [(name.capitalize() if name[:2] != "KV" else name, size, bytes_text(size)) for name, size in parts[:5]]
    rest = sum(size for _, size in parts[5:])
    if rest:
        shown.append(("Other", rest, bytes_text(rest)))
    total = max(float(e.capacity_bytes), e.memory_bytes.mid)
    label = f"{bytes_text(e.memory_bytes.mid)} of {bytes_text(e.capacity_bytes)} used"
    what = "GPU memory at peak" if plan.hardware.gpu else "Memory at peak"
    return el("div", el("div", what, class_="sub"), bar(shown, total, label=label))


def _options(plan: TrainingPlan) -> Markup:
    rows = [_option(option) for option in plan.options]
    chosen = next(i for i, option in enumerate(plan.options) if option.note == "chosen")
    e = plan.estimate
    source = el("div", f"Prices of {e.prices_date}, {e.prices_source}", class_="sub")
    return fold("Other hardware, with total time and price",
                table(("Hardware", "Memory", "Time", "Price"), rows, selected=chosen), source)  # fmt: skip


def _option(option: Option) -> tuple[object, ...]:
    e, flavor = option.estimate, option.flavor
    name = "This machine" if flavor.name == "local" else flavor.name
    words = " ".join(part for part in (f"({flavor.where})", f"- {option.note}" if option.note else "") if part)
    return (
        el("span", el("b", name), " ", el("span", words, class_="sub")),
        f"{bytes_text(e.memory_bytes.mid)} of {bytes_text(e.capacity_bytes)}",
        duration_text(e.seconds.mid),
        usd_text(e.usd.mid),
    )


def _lesson(plan: TrainingPlan) -> Markup:
    from hfft_widgets.core.script import LESSON_END

    lesson = plan.script.partition(LESSON_END)[0].rstrip()
    lines = plan.script.count("\n") + 1
    return fold(f"The script that runs ({lines} lines; the part to read comes first)",
                el("pre", lesson, class_="code"))  # fmt: skip
