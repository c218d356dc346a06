"""One line, one event, or none."""

import math

import pytest

from hfft_widgets.core.run.events import parse

WHOLE = '"n": 3, "t": 5.0, "event": "log"'


def test_all_keys_find_their_place():
    line = f'@hfft {{{WHOLE}, "step": 7, "total_steps": 9, "epoch": 0.5, "metrics": {{"loss": 2.5}}, "path": "x"}}'
    event = parse(line)
    assert (event.n, event.seconds, event.kind, event.step, event.total_steps, event.epoch) == (
        3,
        5.0,
        "log",
        7,
        9,
        0.5,
    )
    assert event.metrics == {"loss": 2.5}
    assert event.data == {"path": "x"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "@hfft",
        "@hfft ",
        "@hfft {",
        "@hfft []",
        "@hfft null",
        '@hfft "text"',
        "@hfft 7",
        '@hfft {"n": 1}',
        '@hfft {"n": "x", "t": 1, "event": "log"}',
        '@hfft {"n": 1, "t": NaN, "event": "log"}',
        '@hfft {"n": 1, "t": 1e999, "event": "log"}',
        '@hfft {"n": Infinity, "t": 1, "event": "log"}',
        f'@hfft {{{WHOLE}, "metrics": [1, 2]}}',
        f'@hfft {{{WHOLE}, "metrics": "loss"}}',
        f'@hfft {{{WHOLE}, "step": "seven"}}',
        f'@hfft {{{WHOLE}, "epoch": {{}}}}',
        "@hfft " + "[" * 100_000,
        f'@hfft {{{WHOLE}, "metrics": {{"loss": 1' + "0" * 5000 + "}}",
    ],
)
def test_what_is_no_event_is_none(line):
    assert parse(line) is None


def test_numbers_that_are_none():
    line = f'@hfft {{{WHOLE}, "metrics": {{"a": "nan", "b": "inf", "c": "-inf", "d": null, "e": NaN, "f": 3}}}}'
    metrics = parse(line).metrics
    assert math.isnan(metrics["a"])
    assert math.isnan(metrics["e"])
    assert (metrics["b"], metrics["c"], metrics["d"], metrics["f"]) == (math.inf, -math.inf, None, 3.0)


def test_one_odd_metric_does_not_take_the_others_away():
    line = f'@hfft {{{WHOLE}, "metrics": {{"loss": 2.0, "list": [1], "object": {{}}, "text": "x", "flag": true}}}}'
    assert parse(line).metrics == {"loss": 2.0}


def test_half_a_surrogate_pair_cannot_travel_and_is_replaced():
    event = parse(f'@hfft {{{WHOLE}, "path": "x\\ud800y", "list": [{{"\\udfff": "\\ud83d\\ude00"}}]}}')
    assert event.data == {"path": "x\ufffdy", "list": [{"\ufffd": "\U0001f600"}]}


def test_a_step_that_is_no_number_is_none():
    assert parse(f'@hfft {{{WHOLE}, "step": NaN, "total_steps": null}}').step is None
