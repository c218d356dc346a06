"""A proof as a card: what each trainer did, and whether that is what the report says."""

from __future__ import annotations

from hfft_widgets.cards import parts as p
from hfft_widgets.cards.report.words import Values, shown
from hfft_widgets.core import html as h

_WORD_CHARACTERS = 400


def html(proof: Values) -> h.Markup:
    """The card."""
    return p.card(_title(proof), _subtitle(proof), _chip(proof), lines(proof), label=_title(proof))


def lines(proof: Values) -> h.Markup:
    """A line per trial; why there is none, where nothing was tried."""
    if proof["not_tried"]:
        return h.el("div", p.icon("info"), " ", shown(proof["not_tried"], _WORD_CHARACTERS))
    found = [_line(trial) for trial in proof["trials"]]
    return h.join([*found, h.el("div", f"{_subtitle(proof)}.", class_="fix")])


def _line(trial: Values) -> h.Markup:
    kind = "info" if trial["not_tried"] else "ok" if trial["agrees"] else "bad"
    words = shown(trial["words"], _WORD_CHARACTERS)
    return h.el("div", p.icon(kind), " ", h.el("b", trial["method"]), ": ", words, class_="line")


def text(proof: Values) -> str:
    """The same for a terminal."""
    return "\n".join([f"{_title(proof)}: {_verdict(proof)}.", *(f"  {line}" for line in _said(proof))])


def markdown(proof: Values) -> str:
    """The same for an issue."""
    escaped = (line.replace("`", "'").replace("<", "&lt;") for line in _said(proof))
    return "\n".join([f"### {_title(proof)}", "", f"{_verdict(proof)}.", "", *(f"- {line}" for line in escaped)]) + "\n"


def _said(proof: Values) -> list[str]:
    if proof["not_tried"]:
        return [shown(proof["not_tried"], _WORD_CHARACTERS)]
    marks = {True: "agrees", False: "DIFFERS"}
    trials = [f"{t['method']} ({marks[t['agrees']]}): {shown(t['words'], _WORD_CHARACTERS)}" for t in proof["trials"]]
    return [*trials, f"{_subtitle(proof)}."]


def _title(proof: Values) -> str:
    return f"Two steps of training on {shown(proof['name'], 80)}"


def _verdict(proof: Values) -> str:
    if proof["not_tried"] or not any(not trial["not_tried"] for trial in proof["trials"]):
        return "Not tried"
    return (
        "The trainers do what the report says"
        if proof["agrees"]
        else "A trainer does something else than the report says"
    )


def _chip(proof: Values) -> h.Markup:
    words = _verdict(proof)
    return p.chip("info" if words == "Not tried" else "ok" if proof["agrees"] else "bad", words)


def _subtitle(proof: Values) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in proof["versions"].items())
    return f"Tiny random weights, the tokenizer of {shown(proof['model'] or 'no model', 80)}; {versions}"
