"""What trainers print by themselves, from real logs too."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from hfft_widgets.core.run.foreign import ForeignLog
from hfft_widgets.core.run.journal import Journal

LOGS = Path(__file__).parent / "logs"


def journal_of(lines):
    log, journal = ForeignLog(), Journal()
    for at, line in enumerate(lines):
        journal.feed((log.take(line, 1000.0 + at) + "\n").encode("utf-8", "replace"))
    return journal


def test_a_dict_behind_bars_takes_its_step_from_the_bar():
    journal = journal_of(
        [
            "\r  0%|          | 0/50 [00:00<?, ?it/s]\r  4%|4         | 2/50 [00:00<00:02, 2it/s]\r {'loss': '5.72'}",
            "\r100%|##########| 5/5 [00:00<00:00, 9.00it/s]\x1b[A\r  \r{'eval_loss': '5.1', 'epoch': '0.1'}",
            "\r 10%|#         | 5/50 [00:00<00:02, 20.00it/s]\r {'loss': 'nan', 'grad_norm': 'inf', 'epoch': '0.2'}",
        ]
    )
    assert [point.step for point in journal.history["loss"]] == [2, 5]
    assert [point.step for point in journal.history["eval_loss"]] == [2]
    assert journal.total_steps == 50
    assert str(journal.history["loss"][1].value) == "nan"


def test_without_a_bar_the_lines_are_counted():
    journal = journal_of([f"{{'loss': '{5 - at}.0', 'epoch': '{at}.0'}}" for at in range(3)])
    assert [(p.step, p.value, p.epoch) for p in journal.history["loss"]] == [
        (1, 5.0, 0.0),
        (2, 4.0, 1.0),
        (3, 3.0, 2.0),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{'loss': __import__('os').system('true')}",
        "{'a': '1'}",
        "{'loss': 'many'}",
        "{'loss': ",
        "{'loss': {'a': 1}}",
        "{'loss': [1]}",
        "{" * 5000,
        "{'loss': '1'} and more",
        "\ud800 {'x': '1'}",
        '@hfft {"n": 1, "t": 1.0, "event": "log"} {\'loss\': \'1\'}',
    ],
)
def test_what_is_no_metrics_stays_as_it_is(line):
    assert ForeignLog().take(line, 1.0) == line


def test_hostile_lines_take_no_time():
    began = time.process_time()
    for line in ("{'a'" * 100_000, "0%|" * 100_000, "\r" * 300_000 + "{'", "{' " + " " * 300_000, "%| 1/2 " * 50_000):
        ForeignLog().take(line, 1.0)
    assert time.process_time() - began < 2


def test_any_bytes_are_survived():
    chance = random.Random(5)
    log = ForeignLog()
    pieces = ["{'loss': '1'", "}", "\r", " 1/2 [", "3%|#|", "'epoch': ", "nan", ": ", "\u2028", "{'", "'}", "9" * 400]
    for _ in range(3000):
        log.take("".join(chance.choice(pieces) for _ in range(chance.randint(1, 12))), 1.0)


@pytest.mark.parametrize("method", ["sft", "dpo", "grpo"])
@pytest.mark.parametrize("bars", [0, 1], ids=["bars", "no bars"])
def test_a_real_log(method, bars):
    text = (LOGS / f"{method}_disable_tqdm_{bars}.merged.log").read_bytes().decode("utf-8", "replace")
    journal = journal_of(text.split("\n"))
    logged = text.count("{'loss'")
    assert logged >= 5
    assert len(journal.history["loss"]) == logged
    steps = [point.step for point in journal.history["loss"]]
    assert steps == sorted(set(steps))
    assert len(journal.history["train_loss"]) == 1
    if not bars:
        assert journal.total_steps == 50
        assert steps[-1] == 50
