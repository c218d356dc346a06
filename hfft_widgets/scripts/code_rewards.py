"""A reward for code that passes tests. What a model writes runs in a process of its own, with little time and memory.

This protects against accidents: endless loops, filled memory, deleted files. It is no wall against code that wants to
cheat or to break out, so never give such a run a token that can do harm.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache

CODE_SECONDS = 2  # for one answer and all its tests
CODE_BYTES = 2**30

# What the child runs: it limits itself, then runs the code and each test, and tells how many passed.
HARNESS = """
import json, os, sys
job = json.loads(sys.stdin.read())
try:
    import resource
    for name, limit in job["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
except ImportError:  # Windows has none
    pass
space, passed = {"__name__": "answer"}, 0
say, sys.stdout = sys.stdout, open(os.devnull, "w")
sys.stderr = sys.stdout
try:
    exec(compile(job["code"], "answer", "exec"), space)
    for test in job["tests"]:
        try:
            exec(compile(test, "test", "exec"), space)
            passed += 1
        except Exception:
            pass
except BaseException:
    passed = 0
say.write(job["marker"] + str(passed))
"""


def passes_tests(completions, tests, **kwargs):
    """From 0.0 to 1.0: the share of the tests that the completion's code passes.

    Args:
        completions: Answers; of one with Markdown code blocks, the last block counts, else all of it.
        tests: For each answer its tests: Python source with `assert` in it, or a list of such.
        **kwargs: The dataset's other columns.
    """
    keep_own_secrets()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:  # they wait for processes
        return list(pool.map(_share_passed, completions, tests))


def _share_passed(completion, tests):
    try:
        tests = [tests] if isinstance(tests, str) else [str(test) for test in tests]
        return run_tests(code_of(completion), tests) / len(tests)
    except Exception:  # noqa: BLE001 - one odd row must not end a run of hours
        return 0.0


def code_of(completion):
    """The code in a completion: its last Markdown block, one that was not closed too, else all of it."""
    text = completion if isinstance(completion, str) else completion[-1]["content"]
    blocks = re.findall(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", text, re.DOTALL)
    return blocks[-1] if blocks else text


def run_tests(code, tests):
    """How many of the tests pass after the code ran, in a process of its own; 0 if it took too long."""
    # how many passed is told after a word the code cannot know beforehand: printing a number is not enough
    marker = secrets.token_hex(8)
    limits = {
        "RLIMIT_CPU": CODE_SECONDS, "RLIMIT_AS": CODE_BYTES, "RLIMIT_FSIZE": 2**20, "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
    }  # fmt: skip
    job = json.dumps({"code": code, "tests": tests, "marker": marker, "limits": limits})
    # what it says goes to a file, whose size is limited; a pipe could fill this process's memory
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [*jail(), sys.executable, "-I", "-S", "-c", HARNESS],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"SYSTEMROOT": os.environ["SYSTEMROOT"]} if os.name == "nt" else {},  # no token, no path
            start_new_session=os.name != "nt",
        )
        try:
            child.communicate(job.encode(), timeout=CODE_SECONDS + 1)
        except subprocess.TimeoutExpired:
            return 0
        finally:
            end_group(child)
        said.seek(0)
        found = re.fullmatch(marker + r"(\d+)", said.read(1000).decode("utf-8", "replace"))
    return int(found[1]) if found else 0


def end_group(child):
    """End the process and whatever it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # Windows; or all have ended
        child.kill()
    child.wait()


@cache
def jail():
    """The start of a command that cuts a process off from network and other processes, where the system allows it."""
    tool = shutil.which("unshare")
    if tool is None:
        return ()
    command = (tool, "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    tried = subprocess.run([*command, sys.executable, "-I", "-S", "-c", ""], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


@cache
def keep_own_secrets():
    """On Linux, hide this process's environment and memory, where a token may be, from the processes it starts."""
    if sys.platform == "linux" and not jail():
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
