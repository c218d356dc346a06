"""Code that the model writes starts held, or not at all, unless a person accepted it."""

from __future__ import annotations

import pytest

from hfft_widgets.errors import UnheldCodeError
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.money import guards
from hfft_widgets.scripts import code_rewards


def code(**more) -> Submission:
    return Submission("training", "t", "pass", {"rewards": ["passes_tests"]}, "f", **more)


def test_code_starts_where_something_holds_it_or_a_person_accepted(monkeypatch):
    monkeypatch.delenv(guards.UNHELD, raising=False)
    monkeypatch.setattr(code_rewards, "way_to_hold", lambda: "")
    with pytest.raises(UnheldCodeError, match="unheld_code=True"):
        guards.check_held(code())
    guards.check_held(guards.accepting(code(), unheld_code=True))
    guards.check_held(Submission("training", "t", "pass", {"rewards": ["correct"]}, "f"))
    monkeypatch.setattr(code_rewards, "way_to_hold", lambda: "namespaces")
    guards.check_held(code())
