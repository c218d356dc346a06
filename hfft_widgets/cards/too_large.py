"""A refused plan as text, Markdown and HTML: what it would take, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import card, chip, figures, heading, items
from hfft_widgets.cards.plan import memory_bar, prices_words
from hfft_widgets.cards.summary import facts_known, summary_markdown, summary_text
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.core.units import bytes_text, count_text, plural, usd_text

Values = Mapping[str, Any]

_PARTS = ("weights", "optimizer", "gradients", "activations", "runtime")


def _most(refusal: Values, how: str) -> str:
    return bytes_text(refusal[how]["memory_bytes"]["high"])


def _card_words(refusal: Values) -> str:
    largest = refusal["card"]["card"]
    return f"{bytes_text(largest['memory_bytes'])}, the largest single one ({largest['where']})"


_FACTS = {
    "Model": lambda r: f"{r['card']['name']}, {count_text(r['plan']['facts']['parameters'])} parameters",
    "Data": lambda r: f"{r['plan']['data']['name']}, {plural(r['plan']['data']['rows'], 'row')}",
    "Memory": lambda r: f"up to {_most(r, 'full')} for all weights, up to {_most(r, 'lora')} with LoRA",
    "Card": _card_words,
    "Price": lambda r: f"{r['card']['price']}.",
    "Prices": lambda r: prices_words(r["plan"]["estimate"]),
}


def _why_words(refusal: Values) -> tuple[list[str], list[str]]:
    """What happened and why, and what to do instead."""
    return [refusal[k] for k in ("what", "why") if k in refusal], [refusal[k] for k in ("remedy",) if k in refusal]


def text(refusal: Values) -> str:
    """The refusal for a terminal."""
    return summary_text(refusal["title"], facts_known(_FACTS, refusal), *_why_words(refusal))


def markdown(refusal: Values) -> str:
    """The refusal for a README or an issue."""
    return summary_markdown(refusal["title"], facts_known(_FACTS, refusal), *_why_words(refusal))


def html(refusal: Values) -> Markup:
    """The refusal as a card."""
    parts = (_figures, _why, _memory, _instead, _prices)
    return card(
        refusal["title"], known(_subtitle, refusal), chip("bad", "Refused"),
        *(known(part, refusal) for part in parts), label=refusal["title"],
    )  # fmt: skip


def _subtitle(refusal: Values) -> str:
    data = refusal["plan"]["data"]
    return f"{data['name']} · {plural(data['rows'], 'row')}, {data['tokens_per_row']:,.0f} tokens each"


def _figures(refusal: Values) -> Markup:
    plan, e = refusal["plan"], refusal["plan"]["estimate"]
    where = "this machine" if plan["flavor"] == "local" else plan["flavor"]
    how = PEFT[plan["peft"]]
    most = f"{usd_text(e['ceiling_usd'])} at most"
    money = [f"estimated, {how} on {where}", el("br"), most] if e["usd"]["mid"] else where
    fits = e["memory_bytes"]["high"] <= e["capacity_bytes"]
    return figures(
        (count_text(plan["facts"]["parameters"]), "parameters; plans are made under 8 B"),
        (_most(refusal, "full"), "at most, all weights"),
        (_most(refusal, "lora"), "at most, LoRA"),
        *([(_most(refusal, "qlora"), _four_bits(refusal))] if "qlora" in refusal else []),
        (usd_text(e["usd"]["mid"]), money if fits else f"{how} would not fit {where}"),
    )


def _four_bits(refusal: Values) -> str:
    e, where = refusal["qlora"], refusal["card"]["small"]["where"]
    holds = e["memory_bytes"]["high"] <= e["capacity_bytes"]
    return f"at most, QLoRA: it {'fits' if holds else 'would not fit'} {where}, {bytes_text(e['capacity_bytes'])}"


def _why(refusal: Values) -> Markup:
    return items([("bad", refusal["what"], refusal["why"], None)])


def _memory(refusal: Values) -> Markup:
    """Both bars on one axis, with the end of the card marked on each."""
    largest, named = refusal["card"]["card"], {"all weights": refusal["full"], "LoRA": refusal["lora"]}
    total = max(float(largest["memory_bytes"]), *(e["memory_bytes"]["high"] for e in named.values()))
    bars = [memory_bar(e, heading(f"{largest['where']} at peak, {how}"), total, _PARTS) for how, e in named.items()]
    return el("div", bars, class_="peaks")


def _instead(refusal: Values) -> Markup:
    allow = (
        "The button under this card, or allow_large=True in Python, makes the plan behind these figures. Begin with "
        "few steps and a limit."
    )
    title, words = refusal["card"]["smaller"]
    ways = [("ok", title, words, None), ("warn", "Or go on, if you know what you do", allow, None)]
    return join([heading("What to do instead"), items(ways)])


def _prices(refusal: Values) -> Markup:
    return el("div", f"Prices: {prices_words(refusal['plan']['estimate'])}.", class_="sub")
