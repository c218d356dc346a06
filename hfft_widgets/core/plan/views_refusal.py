"""A refused plan as text, Markdown and HTML: what it would take, and what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.core.html import Markup, card, chip, el, figures, items, join
from hfft_widgets.core.plan.refusal import SMALLER
from hfft_widgets.core.plan.views import memory_bar
from hfft_widgets.core.summary import summary_markdown, summary_text
from hfft_widgets.core.units import bytes_text, count_text, plural, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.refusal import Refusal

_PARTS = ("weights", "optimizer", "gradients", "activations", "runtime")


def _facts(refusal: Refusal) -> list[tuple[str, str]]:
    facts, data = refusal.plan.facts, refusal.plan.data
    full, lora = (plan.estimate.memory_bytes.high for plan in (refusal.full, refusal.lora))
    e = refusal.plan.estimate
    return [
        ("Model", f"{facts.name}, {count_text(facts.parameters)} parameters"),
        ("Data", f"{data.name}, {plural(data.rows, 'row')}"),
        ("Memory", f"up to {bytes_text(full)} for all weights, up to {bytes_text(lora)} with LoRA"),
        ("Card", f"{bytes_text(refusal.card.memory_bytes)}, the largest single one ({refusal.card.where})"),
        ("Price", f"{refusal.price}."),
        ("Prices", f"{e.prices_source}, {e.prices_date}"),
    ]


def refusal_text(refusal: Refusal) -> str:
    """The refusal for a terminal."""
    return summary_text(refusal.title, _facts(refusal), [refusal.what, refusal.why], [refusal.instead])


def refusal_markdown(refusal: Refusal) -> str:
    """The refusal for a README or an issue."""
    return summary_markdown(refusal.title, _facts(refusal), [refusal.what, refusal.why], [refusal.instead])


def refusal_html(refusal: Refusal) -> Markup:
    """The refusal as a card."""
    data, e = refusal.plan.data, refusal.plan.estimate
    subtitle = f"{data.name} · {plural(data.rows, 'row')}, {data.tokens_per_row:,.0f} tokens each"
    dated = f", {e.prices_date}" if e.prices_date else ""
    return card(
        refusal.title, subtitle, chip("bad", "Refused"),
        _figures(refusal), _why(refusal), _memory(refusal), _instead(),
        el("div", f"Prices: {e.prices_source}{dated}.", class_="sub"),
        label=refusal.title,
    )  # fmt: skip


def _figures(refusal: Refusal) -> Markup:
    full, lora = (plan.estimate.memory_bytes.high for plan in (refusal.full, refusal.lora))
    e = refusal.plan.estimate
    where = "this machine" if refusal.plan.flavor == "local" else refusal.plan.flavor
    how = "LoRA" if refusal.plan.peft == "lora" else "all weights"
    money = [f"estimated, {how} on {where}", el("br"), f"{usd_text(e.ceiling_usd)} at most"] if e.usd.mid else where
    return figures(
        (count_text(refusal.plan.facts.parameters), "parameters; plans are made under 8 B"),
        (bytes_text(full), "at most, all weights"),
        (bytes_text(lora), "at most, LoRA"),
        (usd_text(e.usd.mid), money if e.fits else f"{how} would not fit {where}"),
    )


def _why(refusal: Refusal) -> Markup:
    return items([("bad", refusal.what, refusal.why, None)])


def _memory(refusal: Refusal) -> Markup:
    """Both bars on one axis, with the end of the card marked on each."""
    named = (("all weights", refusal.full.estimate), ("LoRA", refusal.lora.estimate))
    total = max(float(refusal.card.memory_bytes), *(e.memory_bytes.high for _, e in named))
    bars = [memory_bar(e, f"{refusal.card.where} at peak, {how}", total, _PARTS) for how, e in named]
    return el("div", bars, class_="peaks")


def _instead() -> Markup:
    allow = (
        "The button under this card, or allow_large=True in Python, makes the plan behind these figures. Begin with "
        "few steps and a limit."
    )
    ways = [("ok", *SMALLER, None), ("warn", "Or go on, if you know what you do", allow, None)]
    return join([el("div", "What to do instead", class_="sub"), items(ways)])
