"""How questions, outcomes, words and the board look: HTML from plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hfft_widgets.cards.parts import card, chip, icon, style, table
from hfft_widgets.core.html import Child, Markup, el, join
from hfft_widgets.core.units import plural
from hfft_widgets.teaching.pictures import picture

STATES = {"not answered": "Not answered yet", "wrong": "Not quite", "right": "Right", "noted": "Noted"}
"""A state in words."""

_KINDS = {"not answered": "wait", "wrong": "warn", "right": "ok", "noted": "info"}


def page(*parts: Child) -> Markup:
    """Parts with their stylesheet, for a cell's output."""
    return join([style(), el("div", *parts, class_="hfft-vars")])


def line(state: str, words: str) -> Markup:
    """A state with its icon and words, in one line; read aloud when it changes."""
    said = [el("b", f"{STATES[state]}."), " ", words]
    return el("div", icon(_KINDS[state], label=STATES[state]), *said, class_="hfft-line", role="status")


def status(state: str) -> Markup:
    """A state as a chip."""
    return chip(_KINDS[state], STATES[state])


def asked(ask: str, answers: Iterable[tuple[str, str]]) -> Markup:
    """A question and its answers, for where nothing can be clicked."""
    return card("Question", ask, None, el("ol", [el("li", says) for _, says in answers], type="a"), label="Question")


def outcome(title: str, state: str, words: str, problems: Sequence[str]) -> Markup:
    """What a check says."""
    listed = el("ul", [el("li", icon("warn"), el("div", one)) for one in problems], class_="f") if problems else None
    return card(title, words, status(state), listed, label=title)


def words(entries: Iterable[Mapping[str, Any]]) -> Markup:
    """Words with what they mean, and a picture where one helps."""
    listed = [
        el(
            "section",
            el("h4", one["word"]),
            el("p", one["means"]),
            picture(one["picture"]) if one["picture"] else None,
        )
        for one in entries
    ]
    return el("article", listed, class_="hfft mathjax_ignore words-of", aria_label="Words")


def grid(title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Markup:
    """A table of words."""
    return card(title, "", None, table(head, rows, class_="words"), label=title)


def board(values: Mapping[str, Any]) -> Markup:
    """The teacher's board: what was answered, question by question, beliefs first."""
    head = f"{plural(values['codes'], 'class code')} of the lesson {values['title']}"
    beliefs = [
        el(
            "li",
            icon("warn"),
            el("div", el("b", one["thinks"]), el("div", f"{one['question']}: {one['says']}", class_="fix")),
            el("span", f"{one['count']} of {one['of']}", class_="n"),
        )
        for one in values["beliefs"]
    ]
    first = [el("h4", "Most common beliefs"), el("ul", beliefs, class_="f")] if beliefs else el("p", values["nothing"])
    tables = [_tally(one) for one in values["questions"]]
    return card("What the room thinks", head, None, first, *tables, label="What the room thinks")


def _tally(question: Mapping[str, Any]) -> Markup:
    if not question["answered"]:
        return join([el("h4", question["ask"]), el("div", "Nobody answered this one.", class_="sub")])
    most = max(1, *(one["count"] for one in question["answers"]))
    rows = [
        el(
            "div",
            el("span", f"{one['letter']}  {one['says']}", class_="says"),
            el("span", el("i", style=f"width:{100 * one['count'] / most:.0f}%"), class_="meter"),
            el("span", icon("ok", label="the right answer") if one["right"] else None, f"{one['count']}", class_="n"),
            class_="tally",
        )
        for one in question["answers"]
    ]
    after = f"{question['ended_right']} of {question['answered']} came to the right answer in the end"
    return join([el("h4", question["ask"]), rows, el("div", after, class_="sub")])
