"""A reward for code that passes tests. What a model writes runs held: apart from everything that matters.

An answer runs in a process without home, network, further processes or a file that it could write; its tests run in
another one, and only plain data go between the two. Three ways to build the walls are tried, best first; each counts
only after it was seen to hold.
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
from pathlib import Path

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.held import HELD

CODE_SECONDS = 2  # for one answer and all its tests
CODE_BYTES = 2**30
LIMITS = {
    "RLIMIT_CPU": CODE_SECONDS, "RLIMIT_AS": CODE_BYTES, "RLIMIT_FSIZE": 2**20, "RLIMIT_NOFILE": 64, "RLIMIT_CORE": 0,
}  # fmt: skip

WAYS = {
    "bubblewrap": "bubblewrap (bwrap): an own root with nothing but Python in it",
    "namespaces": "namespaces (unshare): an own root with nothing but Python in it",
    "user": "a user of its own without rights, for whom home is closed",
}
NONE = (
    "Nothing on this machine can hold code that the model writes: neither bubblewrap, nor namespaces, nor a user "
    "without rights. It could read and delete your files. Install bubblewrap (bwrap), use a container, or choose other "
    "rewards; if you accept the risk, set HFFT_UNHELD_CODE=1."
)


def passes_tests(completions, tests, **kwargs):
    """From 0.0 to 1.0: the share of the tests that the completion's code passes.

    Tests call what the code defines; they compare plain values (numbers, texts, lists, dicts ...) and objects that the
    code made. The code can write no file and start no process.

    Args:
        completions: Answers; of one with Markdown code blocks, the last block counts, else all of it.
        tests: For each answer its tests: Python source with `assert` in it, or a list of such.
        **kwargs: The dataset's other columns.
    """
    hold_code()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:  # they wait for processes
        return list(pool.map(_share_passed, completions, tests))


def _share_passed(completion, tests):
    try:
        tests = [tests] if isinstance(tests, str) else [str(test) for test in tests]
        return min(1.0, run_tests(code_of(completion), tests) / len(tests))
    except Exception:  # noqa: BLE001 - one odd row must not end a run of hours
        return 0.0


def code_of(completion):
    """The code in a completion: its last Markdown block, one that was not closed too, else all of it."""
    text = completion if isinstance(completion, str) else completion[-1]["content"]
    blocks = re.findall(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", text, re.DOTALL)
    return blocks[-1] if blocks else text


@cache
def hold_code():
    """How code is held here, chosen once and told; raises RuntimeError where nothing holds it and nobody agreed."""
    way = way_to_hold()
    if not way and not os.environ.get("HFFT_UNHELD_CODE"):
        raise RuntimeError(NONE)
    tell("progress", message=f"Code that the model writes is held by {WAYS[way]}" if way else "Code runs unheld")
    if way == "user":
        os.umask(0o077)  # what is downloaded from here on, the tests too, is not for that user
    if not way:
        keep_own_secrets()
    return way


@cache
def way_to_hold():
    """The first of the ways that holds on this machine, or ""."""
    return next((way for way in WAYS if holds(way)), "")


def holds(way):
    """Whether code that is held this way computes, and reaches neither home, nor network, nor a file to write."""
    home = Path.home()
    visible = {Path(path).relative_to(home).parts[0] for path in readable_paths() if Path(path).is_relative_to(home)}
    mine = [
        path
        for folder in (home, os.environ.get("HF_HOME"))
        for path in _entries(folder, visible)
        if folder != Path("/")
    ]
    tests = [
        "assert double(21) == 42",
        "assert not sees(4)",
        f"assert not any(sees(path) for path in {mine!r})",
        "assert not writes('x') and not connects() and not forks()",
    ]
    try:
        return run_tests(_TRIED, tests, way) == len(tests)
    except OSError:
        return False


def _entries(folder, visible):
    """Paths of up to 50 things in a folder, without those that are shown; none of the root, which is no home."""
    try:
        return [str(path) for path in Path(folder).iterdir() if path.name not in visible][:50] if folder else []
    except OSError:
        return []


_TRIED = """
def double(number):
    return 2 * number

def tried(doing, *given):
    try:
        doing(*given)
    except OSError:
        return False
    return True

def sees(path):
    import os
    return isinstance(path, str) and tried(os.lstat, path)

def writes(path):
    return tried(open, path, "w")

def connects():
    import socket
    return tried(socket.create_connection, ("127.0.0.1", 9), 1) or tried(socket.socket)

def forks():
    import os
    return tried(os.fork)
"""


def run_tests(code, tests, way=None):
    """How many of the tests pass after the code ran, each in a process of its own; 0 if it took too long."""
    way = hold_code() if way is None else way
    job = json.dumps({"code": code, "tests": tests})
    to_answer, to_judge = os.pipe(), os.pipe()
    # what the judge says goes to a file, whose size is limited; a pipe could fill this process's memory
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as said:
        line = (to_judge[0], to_answer[1])
        started = []
        try:
            started.append(_start_held(way, "answer", f"{folder}/answer", stdin=to_answer[0], stdout=to_judge[1]))
            os.close(to_answer[0])
            os.close(to_judge[1])
            started.append(_start_held(way, "judge", f"{folder}/judge", line, stdin=subprocess.PIPE, stdout=said))
            started[1].communicate(job.encode(), timeout=CODE_SECONDS + 1)
        except subprocess.TimeoutExpired:
            return 0
        finally:
            for process in started:
                end_group(process)
            for number in line:
                os.close(number)
        said.seek(0)
        found = re.fullmatch(r"\d{1,9}", said.read(10).decode("utf-8", "replace"))
    return int(found[0]) if found else 0


def _start_held(way, part, folder, line=(), **files):
    """Start one of the two processes."""
    Path(folder).mkdir(mode=0o755)
    uid = 50_000 + secrets.randbelow(15_000) if way == "user" else None  # nobody else's, so it can end nobody else
    walls = {"way": way, "folder": folder, "shown": readable_paths(), "limits": LIMITS, "uid": uid}
    command = [python_to_judge(), "-I", "-S", "-c", f"{HELD}\n\n\ninside(sys.argv[1])"]
    return subprocess.Popen(
        [*_walls_before(way), *command, json.dumps({"part": part, "line": line, "walls": walls})],
        cwd=folder,
        env={"SYSTEMROOT": os.environ["SYSTEMROOT"]} if os.name == "nt" else {},  # no token, no path
        start_new_session=os.name != "nt",
        stderr=subprocess.DEVNULL,
        pass_fds=line,
        **files,
    )


def _walls_before(way):
    """The start of a command that builds a part of the walls; raises FileNotFoundError where its tool is not there."""
    if way not in {"bubblewrap", "namespaces"}:
        return []
    tool = shutil.which("bwrap" if way == "bubblewrap" else "unshare")
    if tool is None:
        raise FileNotFoundError(way)
    if way == "namespaces":
        apart = ["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts"]
        return [tool, *apart, "--fork", "--kill-child"]
    command = [tool, "--unshare-all", "--die-with-parent", "--new-session"]
    for path in readable_paths():
        command += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    return [*command, "--remount-ro", "/", "--chdir", "/"]


@cache
def python_to_judge():
    """The Python that runs such code: this one's base; the system's where that lies in a home of somebody's."""
    own = Path(sys.executable).resolve()
    other = Path("/usr/bin/python3")
    return str(other.resolve() if own.is_relative_to(Path.home()) and other.exists() else own)


@cache
def readable_paths():
    """What such code can read: Python, and the libraries that it loads."""
    system = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache"]
    own = Path(python_to_judge())
    found = [*system, "/dev/null", "/dev/urandom", str(own), str(own.parent.parent / "lib")]
    return [path for path in dict.fromkeys(found) if os.path.lexists(path)]


def end_group(child):
    """End the process and whatever it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # Windows; or all have ended
        child.kill()
    child.wait()


@cache
def keep_own_secrets():
    """On Linux, hide this process's environment and memory, where a token may be, from the processes it starts."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
