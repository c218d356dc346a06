"""The Hub's words about a job, in this package's."""

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.hub.jobs_api import read_job
from hfft_widgets.jobs.hf.job_info import attempt_of, exit_code, message_of, stage_of


@pytest.mark.parametrize(
    ("word", "started", "stage"),
    [
        ("COMPLETED", 1.0, Stage.COMPLETED),
        ("PAUSED", 1.0, Stage.RUNNING),
        ("PAUSED", None, Stage.SCHEDULING),
        ("", None, Stage.SCHEDULING),
    ],
)
def test_a_stage_that_is_not_known_is_no_end(word, started, stage):
    assert stage_of(word, started) is stage


@pytest.mark.parametrize(
    ("stage", "word", "message", "words"),
    [
        (Stage.ERROR, "ERROR", "Job timeout", "It was stopped at its time limit (10 min)."),
        (Stage.ERROR, "ERROR", "Job failed with exit code: 137", ""),
        (Stage.ERROR, "ERROR", "The node was lost", "The node was lost"),
        (
            Stage.RUNNING,
            "PAUSED",
            "by an admin",
            "The Hub calls its stage 'PAUSED', which is not known here. by an admin",
        ),
    ],
)
def test_what_is_said_of_an_end(stage, word, message, words):
    assert message_of(stage, word, message, 600.0) == words


def test_exit_codes():
    assert [exit_code(words) for words in ("exit code: 137", "Exit code -9", "it ended")] == [137, -9, None]


@pytest.mark.parametrize(("labels", "attempt"), [({"hfft_attempt": "3"}, 3), ({}, 1), ({"hfft_attempt": "x"}, 1)])
def test_attempts(labels, attempt):
    assert attempt_of(read_job({"id": "a", "status": {"stage": "RUNNING"}, "labels": labels}, "user")) == attempt
