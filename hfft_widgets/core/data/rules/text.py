"""What can be wrong with a text: a cell, or the words of a turn."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.columns import NOTHING_BYTES, says_nothing
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import SPOKEN, WARN, WORDS, Rule, Scope, Turns

_PROMPT = frozenset({ColumnRole.PROMPT})


def _kind(outline: Any) -> str | None:
    """None: nothing; "": a text of no character; " ": a blank one; else "text", or "other" for what is no text."""
    if outline is None:
        return None
    return ("text" if outline.strip() else outline) if isinstance(outline, str) else "other"


def _blank(kind: str | None) -> bool:
    return kind in {"", " "}


TEXT_RULES = (
    Rule("no_value", Scope.VALUE, _kind, lambda kind: kind is None, "No value in {column}", fix="is_text", ends=True,
         explains=2, examples=((None, "So it is."),)),
    Rule("not_text", Scope.VALUE, _kind, lambda kind: kind == "other", "Something else than text in {column}",
         fix="is_text", ends=True, explains=2, examples=((5, "5"),)),
    Rule("no_text", Scope.VALUE, _kind, lambda kind: kind == "", "Empty prompt in {column}", _PROMPT, WARN,
         fix="has_text", ends=True, explains=2, examples=(("", "Why?"),)),
    Rule("blank_text", Scope.VALUE, _kind, _blank, "Blank text in {column}: there is nothing to learn",
         WORDS - _PROMPT, fix="has_text", ends=True, empty=True, examples=(("  ", " So."), ("", "So."))),
    Rule("blank_prompt", Scope.VALUE, _kind, _blank, "Blank prompt in {column}", _PROMPT, WARN, fix="has_text",
         ends=True, examples=((" \n", "Why?"),)),
    Rule("near_empty", Scope.TEXT, lambda text: bool(text.strip()) and says_nothing(text), bool,
         "An answer in {column} that says nothing", SPOKEN, WARN, fix="says_something", turns=Turns.ANSWER,
         longest=NOTHING_BYTES, examples=(("n/a", "No."), ("...", "42"))),
)  # fmt: skip
