"""What a model answers: while it trains, and beside the one it was trained from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards.parts import table
from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.units import short

SHOWN_STEPS = 3


def samples_html(samples: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The fixed prompts, with the first answer and the newest ones, each with the step at which it came."""
    if not samples:
        return None
    parts = [el("div", "Its answers to a few held-out prompts, as they change", class_="sub above")]
    for sample in samples:
        answers = sample["answers"]
        kept = answers if len(answers) <= SHOWN_STEPS else [answers[0], *answers[1 - SHOWN_STEPS :]]
        rows = [(f"step {step:,}", _line(text, 200) or "(nothing)") for step, text in kept]
        parts += [
            el("div", el("b", _line(sample["prompt"], 160)), class_="asked"),
            table(("At", "Answer"), rows, class_="words"),
        ]
    return el("div", parts, data_key="samples")


def asked_html(answers: Sequence[Any]) -> Markup | None:
    """Untrained and trained side by side, the newest question first."""
    if not answers:
        return None
    rows = [
        (one.prompt, el("span", one.untrained or "(nothing)", class_="sub"), el("b", one.trained or "(nothing)"))
        for one in answers
    ]
    return table(("Question", "Untrained", "Trained"), rows, class_="words")


def _line(text: str, limit: int) -> str:
    return short(" ".join(str(text).split()), limit)
