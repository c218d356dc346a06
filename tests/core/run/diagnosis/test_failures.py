"""Logs of failures, each with its true cause: the table finds it, and says nothing else."""

import json
import re
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.run.diagnosis import diagnose, diagnose_log
from hfft_widgets.core.run.diagnosis.known import FAILURES
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage

CASES = json.loads(Path(__file__).with_name("failures.json").read_text("utf-8"))
HEALTHY = Path(__file__).parents[1] / "logs"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_log_has_its_cause(case):
    found = diagnose_log(case["log"], case["exit_code"], case["message"])
    assert found.name == case["class"], found
    own_words = f"{found.cause} {found.remedy}"
    assert not case["want"] or re.search(case["want"], own_words)
    assert not (case["bad"] and re.search(case["bad"], own_words))
    assert found.remedy
    assert not re.search(r"[{}]", own_words), "a name that was not filled in"
    if not found.name:
        assert found.cause == case["message"] or re.search("not known|not one that is known", found.cause)
        assert found.evidence or not case["log"] or case["message"]


def test_the_page_of_a_run_says_the_same():
    for case in CASES:
        journal = Journal()
        journal.feed(case["log"].encode())
        end = {"exit_code": case["exit_code"], "message": case["message"], "log": journal.log}
        assert diagnose(Stage.ERROR, **end) == diagnose_log(case["log"], case["exit_code"], case["message"])


def test_every_class_has_a_log_a_source_and_words():
    assert {failure.name for failure in FAILURES} == {case["class"] for case in CASES} - {""}
    for failure in FAILURES:
        assert failure.source
        assert failure.cause.endswith(".")
        assert failure.remedy
        for pattern in (*failure.raised, failure.line, failure.place, failure.value, failure.within, failure.unless):
            re.compile(pattern)


def test_a_pasted_log_needs_no_exit_code():
    """Where the log itself tells. Nothing is made up where it does not."""
    silent = {case["name"] for case in CASES if not diagnose_log(case["log"]) and "Traceback" in case["log"]}
    assert silent <= {"segv_here", "segv_torchrun", "oom_child_9"}
    for case in CASES:
        found = diagnose_log(case["log"])
        assert found is None or found.name == case["class"] or case["message"]


@pytest.mark.parametrize("path", sorted(HEALTHY.glob("*.log")), ids=lambda path: path.stem)
def test_a_healthy_log_is_silent(path):
    log = path.read_bytes().decode()
    assert hfft.diagnose(log) is None
    assert hfft.diagnose(path, exit_code=0) is None
    assert hfft.diagnose(log.encode(), exit_code=143, message="Job was canceled by the user") is None


ANSWER = "Traceback (most recent call last):\n  File 'a.py', line 3, in f\nMemoryError: No space left on device\n"


def test_a_row_that_looks_like_a_failure_is_a_row():
    log = f"sample 1: {ANSWER}and the loss is nan\n{{'loss': '2.0', 'epoch': '0.1'}}\n{{'train_runtime': '5'}}\n"
    assert diagnose_log(log) is None
    assert not diagnose_log(log, 3).name
    ended = '@hfft {"n": 1, "t": 5.0, "event": "end", "output_dir": "o"}\n'
    assert diagnose_log(ANSWER + ended) is None
    ignored = "Exception ignored in: <function f at 0x7>\n" + ANSWER
    assert diagnose_log("done\n" + ignored) is None


def test_out_of_memory_keeps_the_effective_batch():
    plan = {"method": "SFT", "peft": "lora", "settings": {"batch_size": 6, "accumulation": 2, "max_length": 512}}
    error = {"type": "OutOfMemoryError", "message": "CUDA out of memory."}
    found = diagnose(Stage.ERROR, exit_code=1, error=error, plan=plan)
    assert found.change == {"batch_size": 3, "accumulation": 4}
    assert "plan.replace(batch_size=3, accumulation=4)" in str(found)
    plan["settings"] |= found.change | {"batch_size": 1}
    assert diagnose(Stage.ERROR, exit_code=1, error=error, plan=plan).change == {"max_length": 256}
    plan |= {"method": "KTO", "peft": "none", "settings": {"batch_size": 2, "accumulation": 1}}
    assert diagnose(Stage.ERROR, exit_code=1, error=error, plan=plan).change == {"peft": "lora"}
    assert diagnose(Stage.ERROR, exit_code=1, error={"type": "NameError", "message": "x"}, plan=plan).change is None


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(hfft.errors.RunError, match="cannot be read"):
        hfft.diagnose(tmp_path / "none.log")


def test_logs_that_it_was_not_made_with_are_nearly_all_right():
    from tests.bench.fresh_logs import matrix

    taken, score = matrix()
    assert len(taken) >= 30
    assert score["right"] >= 0.85 * score.total(), taken
    assert score["wrong"] <= 0.03 * score.total(), taken
