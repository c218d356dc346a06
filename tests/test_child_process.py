"""A child that is asked: its answers, what it said, and that it never outlives who asked."""

from __future__ import annotations

import json
import sys
import time

import pytest

from hfft_widgets.child_process import ask_child

CODE = """
import json, sys, time
asked = json.loads(open(sys.argv[1]).read())
with open(sys.argv[2], "w") as answers:
    for one in asked["numbers"]:
        answers.write(json.dumps(one * 2) + "\\n")
        answers.flush()
print("the last word", flush=True)
time.sleep(asked["sleep"])
"""


def ask(tmp_path, numbers, sleep=0.0, **more):
    script = tmp_path / "child.py"
    script.write_text(CODE)
    return ask_child([sys.executable, "-S", str(script)], {"numbers": numbers, "sleep": sleep}, **more)


def test_each_answer_comes_and_what_else_was_said(tmp_path):
    seen = []
    assert ask(tmp_path, [1, 2], progress=seen.append) == ([2, 4], "the last word", True)
    assert seen[-1] == 2
    assert ask(tmp_path, ["a", {}]).last.startswith("TypeError")


def test_it_is_ended_after_its_time_and_where_nobody_waits_any_more(tmp_path):
    began = time.monotonic()
    late = ask(tmp_path, [3], sleep=600, most_seconds=0.5)
    assert (late.answers, late.in_time) == ([6], False)

    def stop(done):
        raise InterruptedError(json.dumps(done))

    with pytest.raises(InterruptedError):
        ask(tmp_path, [3], sleep=600, progress=stop)
    assert time.monotonic() - began < 60
