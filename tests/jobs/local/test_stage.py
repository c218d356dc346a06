"""From facts to a stage: every combination that matters, without a process."""

import itertools

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs.local.stage import SILENT_SECONDS, START_SECONDS, RunFacts, judge

NOW = 1_800_000_000.0


def facts(state=None, **more):
    return RunFacts(**({"state": state, "now": NOW, "created": NOW - 500, "last_seen": NOW - 1} | more))


def ended(code, reason=None, **more):
    return {"started": NOW - 400, "finished": NOW - 1, "exit_code": code, "stopped_for": reason} | more


@pytest.mark.parametrize(
    ("state", "told", "stage", "words"),
    [
        (ended(0), "end", Stage.COMPLETED, ""),
        (ended(0, "cancel"), "end", Stage.COMPLETED, ""),
        (ended(0), "", Stage.ERROR, "without saying"),
        (ended(0), "stopped", Stage.ERROR, "without saying"),
        (ended(0, "cancel"), "stopped", Stage.CANCELED, ""),
        (ended(143, "cancel"), "stopped", Stage.CANCELED, ""),
        (ended(-9, "cancel"), "", Stage.CANCELED, ""),
        (ended(1, "cancel"), "error", Stage.CANCELED, ""),
        (ended(1), "end", Stage.ERROR, "then ended with code 1"),
        (ended(1), "error", Stage.ERROR, ""),
        (ended(143), "stopped", Stage.ERROR, ""),
        (ended(143, "timeout"), "stopped", Stage.ERROR, "time limit (1 h)"),
        (ended(143, "signal"), "stopped", Stage.ERROR, "shutdown"),
        (ended(None, None, message="Python could not be started: no"), "", Stage.ERROR, "could not be started"),
    ],
)
def test_a_run_whose_end_was_written_down(state, told, stage, words):
    for lives in (False, True):  # the supervisor may be about to leave
        found, message = judge(facts(state, last_word=told, timeout_seconds=3600, watcher_lives=lives))
        assert found is stage
        assert words in message if words else message == ""


@pytest.mark.parametrize(("script", "watcher"), [(True, True), (True, False), (False, True)])
def test_a_run_that_lives(script, watcher):
    state = {"started": NOW - 400}
    assert judge(facts(state, script_lives=script, watcher_lives=watcher)) == (Stage.RUNNING, "")
    assert judge(facts({}, script_lives=script, watcher_lives=watcher)) == (Stage.SCHEDULING, "")


@pytest.mark.parametrize(
    ("more", "stage", "words"),
    [
        ({"last_word": "end"}, Stage.COMPLETED, ""),
        ({"last_word": "end", "cancel_asked": True}, Stage.COMPLETED, ""),
        ({"last_word": "error"}, Stage.ERROR, ""),
        ({"last_word": "error", "cancel_asked": True}, Stage.ERROR, ""),
        ({"cancel_asked": True}, Stage.CANCELED, ""),
        ({"last_word": "stopped", "cancel_asked": True}, Stage.CANCELED, ""),
        ({"last_word": "stopped"}, Stage.ERROR, "signal from outside"),
        ({}, Stage.ERROR, "ended from outside"),
        ({"here": False, "restarted": True}, Stage.ERROR, "machine was restarted"),
        ({"here": False}, Stage.RUNNING, ""),
        ({"here": False, "still_seconds": 480}, Stage.RUNNING, "silent for 8 min"),
        ({"here": False, "still_seconds": 480, "cancel_asked": True}, Stage.CANCELED, ""),
        ({"here": False, "still_seconds": 480, "last_word": "end"}, Stage.COMPLETED, ""),
        ({"damaged": True}, Stage.RUNNING, "cannot be read"),
        ({"damaged": True, "still_seconds": 480}, Stage.ERROR, "silent for 8 min"),
        ({"damaged": True, "last_word": "end"}, Stage.COMPLETED, ""),
    ],
)
def test_a_run_that_vanished(more, stage, words):
    found, message = judge(facts({"started": NOW - 490}, **({"last_seen": NOW - 480} | more)))
    assert found is stage
    assert words in message if words else message == ""


def test_elsewhere_the_heart_counts_and_the_ids_do_not():
    state = {"started": NOW - 400}
    for script, watcher in itertools.product((False, True), repeat=2):
        more = {"here": False, "script_lives": script, "watcher_lives": watcher}
        for seen in (NOW - 10_000, NOW + 10_000):  # by a clock that is not compared with this one
            assert judge(facts(state, **more, last_seen=seen)) == (Stage.RUNNING, "")
            stage, note = judge(facts(state, **more, last_seen=seen, still_seconds=SILENT_SECONDS + 1))
            assert (stage, "silent for 16 s" in note) == (Stage.RUNNING, True)


def test_a_start_has_its_time():
    assert judge(facts(None, created=NOW - START_SECONDS + 1)) == (Stage.SCHEDULING, "")
    stage, message = judge(facts(None, created=NOW - START_SECONDS - 1))
    assert stage is Stage.ERROR
    assert "never started" in message
