"""Eighty phrasings, written before the rules: rules were made looking at every second one, the others measure them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfft_widgets.sentence import Request, read

PHRASINGS = json.loads((Path(__file__).parent / "phrasings.json").read_text("utf-8"))
SEEN, HELD_OUT = PHRASINGS[::2], PHRASINGS[1::2]
STEPS_THAT_COST = {"plan", "export"}


def judged(request: Request, right: dict[str, Any]) -> list[bool]:
    """Of each field that one of the two fills in: whether they agree; so for what was assumed and not understood."""
    got = {name: list(value) if isinstance(value, tuple) else value for name, value in request.filled.items()}
    got["asked"] = list(request.asked)
    want = {name: value for name, value in right.items() if name not in {"says", "assumed", "unread"}}
    fields = [got.get(name) == want.get(name) for name in {**got, **want}]
    unread, expected = [one.text for one in request.not_understood], right.get("unread", [])
    said = bool(unread) == bool(expected) and all(any(word in one for one in unread) for word in expected)
    return [*fields, sorted(one.field for one in request.assumed) == sorted(right.get("assumed", [])), said]


@pytest.mark.parametrize("right", SEEN, ids=lambda right: right["says"][:40])
def test_the_half_that_the_rules_were_made_with(right):
    assert all(judged(read(right["says"]), right)), read(right["says"])


def test_of_the_half_set_aside_nine_of_ten_fields_are_right():
    """210 of 219 at the first try; 218 after the rules were widened with other sentences of the same kinds."""
    fields = [one for right in HELD_OUT for one in judged(read(right["says"]), right)]
    assert sum(fields) / len(fields) >= 0.9
    assert len(PHRASINGS) == 80


@pytest.mark.parametrize("right", PHRASINGS, ids=lambda right: right["says"][:40])
def test_nothing_is_asked_for_that_was_not(right):
    assert not STEPS_THAT_COST & set(read(right["says"]).asked) - set(right["asked"])
