"""The recordings of the package: small, honest about where they were made, and without names of a machine."""

from __future__ import annotations

import re

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunNotFoundError
from hfft_widgets.jobs.replay import recorded

EVERY = recorded.names()
FILES = {entry.name.partition(".")[0]: entry for entry in recorded._folder().iterdir()}
FOLDERS = r"(?<![\w.~-])/(?:root|tmp|work|home|Users|usr|opt|var)/\w"
MACHINE = re.compile(rf"{FOLDERS}|hf_[A-Za-z0-9]{{20,}}|127\.0\.0\.1|localhost")


def test_all_that_lessons_need_are_there():
    wanted = {"sft", "overfit", "diverging", "slow", "dpo", "grpo", "hacked", "memory", "job", "whole", "answers"}
    assert wanted <= set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_a_recording_is_small_says_where_it_was_made_and_names_no_machine(name):
    found = recorded.recording(name)
    assert FILES[name].stat().st_size < 200_000
    assert re.search(r"A real run .* on a processor", found.about), found.about
    assert re.search(r"\(20\d\d-\d\d-\d\d, trl [\d.]+, transformers [\d.]+, torch \S+\)\.$", found.about)
    assert found.end.final
    assert found.created <= found.started < found.finished
    for text in (found.log, found.script, str(found.plan), found.about):
        assert MACHINE.findall(text) == []


def test_a_recording_is_packed_to_the_same_bytes():
    found = recorded.recording("memory")
    assert found.packed() == FILES["memory"].read_bytes()


def test_what_was_printed_grows_with_the_events():
    found = recorded.Recording(
        about="", kind="training", title="A run", plan={}, script="", fingerprint="f", stage="COMPLETED",
        created=10.0, started=11.0,
        finished=20.0,
        log='Loading\n@hfft {"n": 0, "t": 12.0, "event": "start"}\nbar\n@hfft {"n": 1, "t": 15.0, "event": '
        '"end"}\nBye\n',
    )  # fmt: skip
    shown = [found.output[: found.printed(moment)].decode().count("\n") for moment in (10, 12, 14.9, 15, 19, 20)]
    assert shown == [0, 2, 2, 4, 4, 5]
    assert (found.seconds, found.end) == (10.0, Stage.COMPLETED)
    assert found.submission.plan["recorded"] == ""


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(RunNotFoundError, match=r"no recording 'overfitt'.* overfit, "):
        recorded.recording("overfitt")
