"""A run's card, from plain values."""

from __future__ import annotations

import pytest

from hfft_widgets.cards.run import html, markdown, price_html, text
from hfft_widgets.core.run.stage import Stage
from tests.widgets.html import page

ENDED = {
    "kind": "run", "id": "jobs:me/x", "title": "SFT of a-model", "stage": "COMPLETED", "step": 9, "total_steps": 9,
    "seconds": 100.0, "seconds_left": None, "age_seconds": None, "running_seconds": 80.0, "message": "", "error": None,
    "note": "", "unconfirmed": False, "output": "/models/x", "page": "https://huggingface.co/jobs/me/x",
    "pushed": {"repo_id": "me/x", "files": 3, "size_bytes": 10**6, "checkpoint": False}, "cost_usd": 0.5,
    "estimate": {}, "use": None, "metrics": {"loss": [2.0, 1.5], "rewards/accuracies": ["nan"]},
    "answers": {"count": 1, "rows": [{"prompt": "Why?", "expected": "So.", "before": "?", "after": "So."}]},
    "verdict": {"outcome": "learned", "title": "Learned", "words": "Its loss fell.", "proves": "", "change": None},
    "forecast": None,
    "card": {"curves": {"loss": [[1, 2.0], [9, 1.5]]}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.001, 0.004, "<td><span>under $0.01</span></td>"),
        (0.31, 1.13, "<td><span>$0.31</span> to <span>$1.13</span></td>"),
    ],
)
def test_a_range_whose_ends_read_the_same_is_one_value(low, high, shown):
    estimate = {"seconds": {"low": 60, "mid": 90, "high": 120}, "usd": {"low": low, "mid": low, "high": high}}
    assert shown in html({**ENDED, "estimate": estimate})


def test_where_rewards_are_learned_from_the_loss_tells_nothing():
    shown = text({**ENDED, "metrics": {"loss": [3e-8, -8e-6], "eval_loss": [-9e-7], "reward": [0.2, 0.3]}})
    assert "reward, from 0.2 0.3" in shown
    assert "loss," not in shown
    assert "held-out loss" not in shown


def test_what_a_run_came_to_is_in_every_rendering():
    for shown in (html(ENDED), text(ENDED), markdown(ENDED)):
        for words in ("SFT of a-model", "Completed", "1.5", "loss, from 2", "me/x, 3 files of 1.0 MB", "/models/x"):
            assert words in shown
    assert "What happened" not in html(ENDED)
    assert "Paid for" not in html(ENDED)  # nothing was estimated


def test_every_stage_has_an_icon_and_a_word():
    for stage in Stage:
        shown = html({**ENDED, "stage": str(stage)})
        assert 'class="chip ' in shown
        assert ("The curves" in shown) == bool(ENDED["card"]["curves"])
    assert "Unconfirmed" in html({**ENDED, "unconfirmed": True})


def test_only_a_page_of_the_web_can_be_clicked():
    assert 'href="https://huggingface.co/jobs/me/x"' in html(ENDED)
    assert "href" not in html({**ENDED, "page": "javascript:alert(1)"})


def test_checks_that_passed_take_a_line_and_the_others_come_first():
    checks = [
        (True, "Account", "Signed in.", ""),
        (None, "Credits", "Nobody can see them.", "Look there."),
        (False, "Place", "It is not yours.", "Choose another."),
        (True, "Price", "at most $1, as said", ""),
    ]
    shown = page(price_html("at most $1", checks))
    assert [one.words for one in shown.all(tag="summary")] == ["1 check passed"]  # the price stands above
    assert [one.words for one in shown.all(tag="b")] == ["Place", "Credits", "Account"]
    assert shown.words.index("Choose another.") < shown.words.index("1 check passed") < shown.words.index("Signed in.")
    assert page(price_html("at most $1", checks[1:3])).all(tag="summary") == []
