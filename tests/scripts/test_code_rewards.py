"""Code that a model wrote is run apart: it is judged by its tests, ends in time, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from hfft_widgets.core.script import machinery
from hfft_widgets.scripts import code_rewards
from hfft_widgets.scripts.code_rewards import code_of, jail, passes_tests, run_tests

ADD = "def add(a, b):\n    return a + b\n"
TESTS = ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no resource limits")


@pytest.fixture(params=["jail", "limits alone"])
def wall(request, monkeypatch):
    """With the system's jail where there is one, and without."""
    if request.param == "jail":
        if not jail():
            pytest.skip("this system allows no jail")
    else:
        monkeypatch.setattr(code_rewards, "jail", tuple)


@pytest.mark.parametrize(
    ("code", "share"),
    [
        (ADD, 1.0),
        (f"Here it is:\n```python\n{ADD}```\nIt adds.", 1.0),
        (f"```\nx = 1\n```\nNo, better:\n```py\n{ADD}", 1.0),
        ("def add(a, b):\n    return 3\n", 0.5),
        ("def add(a, b):\n    return None\n", 0.0),
        ("def add(a, b:", 0.0),
        ("", 0.0),
        ("raise SystemExit(0)", 0.0),
        ("import os; os._exit(0)", 0.0),
        (ADD + "print('noise'); import sys; sys.stderr.write('more')", 1.0),
        ("import os\nos.write(1, b'2')\n" + ADD, 0.0),  # what it says itself makes the count unreadable
        ("def add(a, b):\n    raise KeyboardInterrupt", 0.0),
        ("assert False", 0.0),
    ],
)
def test_the_share_of_tests_passed(code, share):
    assert passes_tests(completions=[code], tests=[TESTS], prompts=["?"]) == [share]
    assert passes_tests([[{"role": "assistant", "content": code}]], [TESTS], trainer_state=None) == [share]


def test_tests_may_be_one_text():
    assert passes_tests([ADD], ["\n".join(TESTS)]) == [1.0]


@pytest.mark.parametrize(
    ("completion", "tests"), [(None, TESTS), ([], TESTS), (ADD, []), (ADD, None), (ADD, 7), (3, TESTS)]
)
def test_an_odd_row_counts_nothing(completion, tests):
    assert passes_tests([completion], [tests]) == [0.0]


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "try:\n    while True: pass\nfinally:\n    import time; time.sleep(60)",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
    ],
)
def test_it_ends_in_time(code):
    start = time.monotonic()
    assert run_tests(code, ["pass"]) == 0
    assert time.monotonic() - start < code_rewards.CODE_SECONDS + 3


@POSIX
@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(4 * 2**30)",
        "open('f', 'wb').write(bytes(50 * 2**20))",
        "import os\nwhile os.write(1, b'x' * 65536): pass",
    ],
)
def test_it_gets_little_memory_and_disk(wall, code):
    assert run_tests(code, ["pass"]) == 0


@POSIX
def test_what_it_starts_ends_with_it(wall, tmp_path):
    mark = tmp_path / "alive"
    late = f"time.sleep(1.5)\n    open({str(mark)!r}, 'w').close()\n    os._exit(0)"
    code = f"import os, time\nif os.fork() == 0:\n    {late}"
    run_tests(code, ["pass"])
    time.sleep(2)
    assert not mark.exists()


@POSIX
def test_it_sees_no_token(wall, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert run_tests("import os; assert 'HF_TOKEN' not in os.environ", ["pass"]) == 1


@pytest.mark.skipif(not jail(), reason="this system allows no jail")
def test_in_jail_it_reaches_neither_network_nor_other_processes():
    look = "import os; assert [p for p in os.listdir('/proc') if p.isdigit()] == ['1'] or len(os.listdir('/proc')) < 80"
    call = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    peek = f"open('/proc/{os.getpid()}/environ', 'rb').read()"
    assert run_tests("", [call, peek]) == 0
    assert run_tests("", [look]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="Linux hides a process's environment on request")
def test_without_a_jail_the_environment_is_hidden_from_the_processes_started():
    script = (
        machinery("code_rewards")
        + "\njail = tuple\nkeep_own_secrets()\nimport ctypes\nprint(ctypes.CDLL(None).prctl(3))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert told.stdout.strip() == "0", told.stderr  # PR_GET_DUMPABLE


def test_many_answers_are_judged_together():
    start = time.monotonic()
    assert passes_tests([ADD] * 16, [TESTS] * 16) == [1.0] * 16
    assert time.monotonic() - start < 15


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "x = 1\n"),
        ("a\n```\ny\n```\nb\n```py \nz\n```", "z\n"),
        ("```js\nz\n```", "```js\nz\n```"),
    ],
)
def test_code_of(text, code):
    assert code_of(text) == code
