"""What a dry run says, and how it shows itself."""

from __future__ import annotations

import json

from hfft_widgets.cards import show
from hfft_widgets.core.dry_run import DryRun

FOUND = DryRun(
    "SFT of <b>it</b>", "abc", {"trained": 1000.0, "steps": 20.0, "step_tokens": 512.0}, trained=1200, rows=100,
    steps=20, tokens=6400, step_tokens=515.0, longest=64, loss=4.2, versions={"trl": "1.16.0"},
)  # fmt: skip


def test_what_would_run_is_said_beside_what_was_planned():
    assert FOUND.passed
    assert FOUND.differences == ("1,200 parameters are trained, and the plan says 1,000",)
    assert "6,400 tokens an epoch" in FOUND.words
    text = str(FOUND)
    assert "The script would run" in text
    assert "Tokens in a step: 515 (planned 512)" in text


def test_what_is_refused_and_what_was_not_tried_are_no_pass():
    refused = DryRun("t", "f", raised="ValueError: <script>no</script>")
    assert not refused.passed
    assert "stop before its first step: ValueError" in refused.words
    assert "<script>" not in refused.to_html()
    missing = DryRun("t", "f", not_tried="trl is not installed.")
    assert not missing.passed
    assert missing.differences == ()
    assert "Not tried" in str(missing)
    assert "Not tried" in missing.to_markdown()


def test_a_saved_one_shows_the_same_card():
    values = json.loads(json.dumps(FOUND.to_dict("card")))
    assert show(values).to_html() == FOUND.to_html()
    assert "<b>it" not in FOUND.to_html()
