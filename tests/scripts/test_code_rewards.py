"""Code that a model wrote is held: judged by its tests, ended in time, and without a way to anything else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfft_widgets.core.script import runtime
from hfft_widgets.scripts import code_rewards
from hfft_widgets.scripts.code_rewards import code_of, holds, passes_tests, run_tests, way_to_hold

ADD = "def add(a, b):\n    return a + b\n"
TESTS = ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no resource limits")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What never ends is ended soon."""
    monkeypatch.setattr(code_rewards, "CODE_SECONDS", 1)
    monkeypatch.setattr(code_rewards, "LIMITS", code_rewards.LIMITS | {"RLIMIT_CPU": 1})
    monkeypatch.setenv("HFFT_UNHELD_CODE", "1")
    yield
    code_rewards.hold_code.cache_clear()


@pytest.mark.parametrize(
    ("code", "share"),
    [
        (ADD, 1.0),
        (f"Here it is:\n```python\n{ADD}```\nIt adds.", 1.0),
        (f"```\nx = 1\n```\nNo, better:\n```py\n{ADD}", 1.0),
        ("def add(a, b):\n    return 3\n", 0.5),
        ("def add(a, b:", 0.0),
        ("", 0.0),
        ("raise SystemExit(0)", 0.0),
        (ADD + "print('noise'); import sys; sys.stderr.write('more')", 1.0),
        ("import os\nos.write(1, b'2')\n" + ADD, 1.0),
        ("def add(a, b):\n    raise KeyboardInterrupt", 0.0),
    ],
)
def test_the_share_of_tests_passed(code, share):
    assert passes_tests(completions=[code], tests=[TESTS], prompts=["?"]) == [share]


def test_messages_are_answers_and_tests_may_be_one_text():
    assert passes_tests([[{"role": "assistant", "content": ADD}]], ["\n".join(TESTS)], trainer_state=None) == [1.0]


@pytest.mark.parametrize(
    ("completion", "tests"), [(None, TESTS), ([], TESTS), (ADD, []), (ADD, None), (ADD, 7), (3, TESTS)]
)
def test_an_odd_row_counts_nothing(completion, tests):
    assert passes_tests([completion], [tests]) == [0.0]


RICH = """
import math
from collections import Counter
from dataclasses import dataclass

class Empty(ValueError):
    pass

class Stack:
    def __init__(self):
        self.items = []
    def push(self, item):
        self.items.append(item)
    def pop(self):
        if not self.items:
            raise Empty("nothing there")
        return self.items.pop()
    def __len__(self):
        return len(self.items)

@dataclass
class Point:
    x: int
    y: int = 0
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

def counted(words):
    return Counter(words)
def in_place(items):
    items.sort()
def squares(n):
    for i in range(n):
        yield i * i
def applied(function, items):
    return [function(item) for item in items]
def greet():
    print("hello")
def nested():
    return {"a": [(1, 2.5), {3}], 7: b"x", None: True}
def odd(n):
    raise ValueError(f"{n} is odd")
def area(r):
    return math.pi * r ** 2
"""


def test_what_tests_usually_do_with_code_they_can_do():
    tests = [
        "s = Stack()\ns.push(1); s.push([2])\nassert len(s) == 2 and s.pop() == [2] and s.items == [1]",
        "assert isinstance(s, Stack) and not isinstance(3, Stack)",
        "try:\n    Stack().pop()\nexcept Empty as error:\n    assert 'nothing' in str(error)\nelse:\n    assert False",
        "assert Point(1, 2) + Point(3) == Point(4, 2) and Point(1).y == 0",
        "assert counted('abca') == {'a': 2, 'b': 1, 'c': 1}",
        "x = [3, 1, 2]\nin_place(x)\nassert x == [1, 2, 3]",
        "assert list(squares(4)) == [0, 1, 4, 9] and sum(squares(3)) == 5",
        "assert applied(lambda n: n + 1, (1, 2)) == [2, 3] and applied(function=str, items=[1]) == ['1']",
        "import io,contextlib as c\nwith c.redirect_stdout(io.StringIO()) as o:greet()\nassert o.getvalue()",
        "assert nested() == {'a': [(1, 2.5), {3}], 7: b'x', None: True}",
        "try:\n    odd(3)\nexcept ValueError as error:\n    assert str(error) == '3 is odd'\nelse:\n    assert False",
        "assert math.isclose(area(2), 4 * math.pi)",
        "def check(candidate):\n    assert candidate(1) > 3\ncheck(area)",
    ]
    assert run_tests(RICH, tests) == len(tests)


# ---- attacks -------------------------------------------------------------------------------------

EVERYWHERE = "for n in range(64):\n    try:\n        os.write(n, b'1')\n    except OSError:\n        pass\n"
EQUAL = "class Always(int):\n    def __eq__(self, other): return True\n    __ne__ = None\n    __hash__ = int.__hash__\n"
ATTACKS = {
    "delete a folder": "import shutil\nshutil.rmtree({victim!r}, ignore_errors=True)\ndef f(): return 41",
    "read home": "def f(): return int(open({secret!r}).read())",
    "read the tests": (
        "import gc, sys\ndef f():\n    seen = [o for o in gc.get_objects() if isinstance(o, (dict, list, tuple))]\n"
        "    frame = sys._getframe()\n    while frame:\n        seen.append(frame.f_locals); frame = frame.f_back\n"
        "    text = ' '.join(map(repr, seen)) + ' '.join(sys.argv)\n"
        "    return int(text.split('assert f() =' + '= ')[1][:2])"
    ),
    "print the marker": "import os\n" + EVERYWHERE + "def f():\n    print(1)\n    return 0",
    "fork bomb": "import os\ndef f():\n    while True: os.fork()",
    "memory": "def f():\n    kept = []\n    while True: kept.append(bytearray(2**28))",
    "network": "import socket\ndef f():\n    socket.create_connection(('127.0.0.1', {port}), 1)\n    return {wanted}",
    "endless output": "import os\ndef f():\n    while True: print('x' * 10**5); os.write(1, b'x' * 10**5)",
    "write outside": "def f():\n    open({mark!r}, 'w').close()\n    return {wanted}",
    "kill the parent": (
        "import os\ndef f():\n    for pid in (os.getppid(), {pid}, {other}, -1):\n        try:\n"
        "            os.kill(pid, 9)\n        except (OSError, TypeError):\n            pass"
    ),
    "exit early with the marker": "import os, sys\n" + EVERYWHERE + "sys.stdout.write('1')\nos._exit(0)",
    "be equal to everything": EQUAL + "def f(): return Always(0)",
    "be an object equal to everything": EQUAL.replace("int", "object") + "def f(): return Always()",
    "change what the tests mean": (
        "import builtins, sys\ndef abs(x): return {wanted}\nbuiltins.int = str\nsys.exit = lambda *a: None\n"
        "AssertionError = None\n__builtins__ = dict()\ndef f(): return 0"
    ),
    "look into the parent": "def f(): return int(open('/proc/{pid}/environ').read().split('HFFT_SECRET=')[1][:2])",
    "rename and link": (
        "import os\ndef f():\n    try:\n        os.rename({victim!r}, {victim!r} + '2')\n    except OSError:\n"
        "        os.symlink('/', {mark!r})\n    return {wanted}"
    ),
}  # fmt: skip


WANTED = 41
MEASURED = "assert f() == 41\n"


def attack_each(way: str, folder: Path) -> dict[str, float]:
    """The reward of each attack; what it must leave alone is looked at after each."""
    victim, mark = folder / "victim", folder / "mark"
    victim.mkdir()
    (victim / "work.txt").write_text("of years")
    secret = Path.home() / f".hfft-test-{os.getpid()}"
    secret.write_text(str(WANTED))
    folder.chmod(0o777)
    victim.chmod(0o777)
    found = {}
    with socket.create_server(("127.0.0.1", 0)) as server, subprocess.Popen(["sleep", "60"]) as other:
        server.settimeout(0)
        places = {
            "victim": str(victim), "secret": str(secret), "mark": str(mark), "port": server.getsockname()[1],
            "pid": os.getpid(), "other": other.pid,
        }  # fmt: skip
        try:
            for name, attack in ATTACKS.items():
                wanted = 1 if name == "change what the tests mean" else WANTED
                test = "assert abs(f() - 41) == 1" if wanted == 1 else MEASURED
                code = attack.format(**places, wanted=wanted) if "{" in attack else attack
                start = time.monotonic()
                found[name] = run_tests(code, [test], way)
                assert time.monotonic() - start < code_rewards.CODE_SECONDS + 3, name
                assert (victim / "work.txt").read_text() == "of years", name
                assert not mark.exists(), name
                assert other.poll() is None, name
                with pytest.raises(BlockingIOError):
                    server.accept()
        finally:
            secret.unlink()
            other.kill()
    return found


@POSIX
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(way, marks=() if way == way_to_hold() else pytest.mark.full)
        for way in (code_rewards.WAYS if os.name == "posix" else ())
    ],
)
def test_no_attack_succeeds(way, tmp_path, monkeypatch):
    if not holds(way):
        pytest.skip(f"this system does not hold code by {way}")
    monkeypatch.setenv("HFFT_SECRET", str(WANTED))
    for parent in [tmp_path, *tmp_path.parents][:-2]:  # whatever the mode of pytest's own folders
        parent.chmod(parent.stat().st_mode | 0o055)
    found = attack_each(way, tmp_path)
    assert found.pop("delete a folder") == 1  # it does what it was asked for, and deletes nothing
    assert set(found.values()) == {0}, found


@POSIX
def test_unheld_the_attacks_do_succeed(tmp_path):
    """The attacks are attacks: without walls some of them work."""
    code = ATTACKS["write outside"].format(mark=str(tmp_path / "mark"), wanted=WANTED)
    assert run_tests(code, [MEASURED], "") == 1
    assert (tmp_path / "mark").exists()


def test_where_nothing_holds_it_is_refused_unless_a_person_agreed(monkeypatch):
    monkeypatch.setattr(code_rewards, "way_to_hold", lambda: "")
    code_rewards.hold_code.cache_clear()
    monkeypatch.delenv("HFFT_UNHELD_CODE")
    with pytest.raises(RuntimeError, match="Nothing on this machine can hold code"):
        passes_tests([ADD], [TESTS])
    monkeypatch.setattr(code_rewards, "keep_own_secrets", lambda: None)
    monkeypatch.setenv("HFFT_UNHELD_CODE", "1")
    assert passes_tests([ADD], [TESTS]) == [1.0]


@pytest.mark.parametrize(
    "code", ["import time; time.sleep(60)", "try:\n    while True: pass\nfinally:\n    while True: pass"]
)
def test_it_ends_in_time(code):
    start = time.monotonic()
    assert run_tests(code, ["pass"]) == 0
    assert time.monotonic() - start < code_rewards.CODE_SECONDS + 3


@pytest.mark.skipif(sys.platform != "linux", reason="Linux hides a process's environment on request")
def test_unheld_the_environment_is_hidden_from_the_processes_started():
    script = f"{runtime('held')}\n{runtime('events')}\n{runtime('code_rewards')}\nkeep_own_secrets()\n"
    script += "import ctypes\nprint(ctypes.CDLL(None).prctl(3))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert told.stdout.strip() == "0", told.stderr  # PR_GET_DUMPABLE


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
