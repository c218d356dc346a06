"""Keeps one script running, whatever becomes of the notebook that started it.

Run by path, with the standard library alone, so that nothing the notebook does can reach it:

    python -I -S supervisor.py launch FOLDER     starts the watcher, detached, and returns once the script runs
    python -I -S supervisor.py watch FOLDER      starts the script, watches it to its end

The folder holds `submission.json` and `script.py`. The script writes straight into `log`: there is no pipe, so if the
watcher itself is killed, the script lives on. The watcher writes `state.json` (facts alone; `stage` judges them),
touches `heartbeat` about once a second, and looks for `cancel.json`. Where others have taken the machine's cores it
waits for its turn (`turns`), or for `now.json`. Nothing of the environment is written down; at the end secrets that the
script printed are overwritten in the log, and `swept` says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

SUBMISSION = "submission.json"
SCRIPT = "script.py"
LOG = "log"
STATE = "state.json"
CANCEL = "cancel.json"
NOW = "now.json"
HEARTBEAT = "heartbeat"
OUTPUT = "output"
OWN_LOG = "supervisor.log"
SWEPT = "swept"
WORD = "HFFT_WORD"  # the run's own, for its event lines; what it starts inherits it
RESUMED = "resumed.json"
FINISH = "finish"  # asks the script to end as after its last step
MOVED = "moved"  # the script touches it whenever it goes on

GRACE_SECONDS = 15.0  # between asking a script to stop and killing it
TICK_SECONDS = 0.2
GONE_TICKS = 10  # a network disk may lose a folder for a moment
BEAT_SECONDS = 1.0
START_SECONDS = 60.0  # a loaded machine may take long to start two interpreters
LATE_SECONDS = 5.0  # after a limit that nobody held


def _beside(name: str) -> Any:
    """A module by its path from this folder: nothing but the standard library can be imported here."""
    path = Path(__file__).parent.joinpath(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"hfft_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


family = _beside("family")
log_file = _beside("log_file")
waiting = _beside("waiting")


# ---- Files -------------------------------------------------------------------------------------


def write_json(path: Path, value: object) -> None:
    """Write a file that a reader sees whole or not at all, even after a power cut."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        _retry(lambda: fresh.replace(path))
    finally:
        fresh.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None if there is no such file or no object in it. Raises OSError: it cannot be read now."""
    try:
        value = json.loads(_retry(lambda: path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _retry(action: Any) -> Any:
    # on Windows a file cannot be replaced in the moment in which another process has it open
    for _ in range(40 if sys.platform == "win32" else 0):
        try:
            return action()
        except PermissionError:
            time.sleep(0.025)
    return action()


# ---- Who is who --------------------------------------------------------------------------------


def identity(pid: int) -> dict[str, Any]:
    """What a state says of a process: its id, its birth, and the Unix time at which it was seen."""
    return {"pid": pid, "birth": family.birth(pid), "seconds": time.time()}


def machine() -> dict[str, str]:
    """This start of this machine or container: process ids mean something here alone."""
    boot = namespace = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink().name
    return {"host": platform.node(), "boot": boot, "namespace": namespace}


# ---- Starting and ending -----------------------------------------------------------------------


def detached() -> dict[str, Any]:
    """What keeps a child alive when its parent, or its parent's terminal, ends."""
    if sys.platform == "win32":
        # a hidden console of its own: closing the notebook's does not end it, and Ctrl-Break can be sent within it
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    else:  # noqa: RET505 (the type checker leaves out whole branches of another system)
        return {"start_new_session": True}


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:  # noqa: RET505
        return {"start_new_session": True}


def start(
    folder: Path, word: str = "", limit: float | None = None, ticket: int | None = None
) -> subprocess.Popen[bytes]:
    """Start the script in a process group of its own, its output going straight into the log.

    Args:
        folder: The run's.
        word: The run's own, for its event lines.
        limit: Seconds it may take. The system itself holds it, a little later, should the watcher be gone by then.
        ticket: A handle that it inherits, which it holds for as long as it lives.
    """
    environment = dict(os.environ) | {WORD: word}
    environment |= {"PYTHONUNBUFFERED": "1", "HFFT_OUTPUT_DIR": str(folder / OUTPUT)}
    environment |= {"HFFT_MOVED": str(folder / MOVED), "HFFT_FINISH": str(folder / FINISH)}
    # Windows would choose a code page for files and output; a bar that is redrawn often would fill the log
    for name, value in (("PYTHONUTF8", "1"), ("TQDM_MININTERVAL", "1"), ("COLUMNS", "100")):
        environment.setdefault(name, value)
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-u", SCRIPT],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=() if ticket is None or sys.platform == "win32" else (ticket,),
            preexec_fn=_alarm(limit) if limit is not None and sys.platform != "win32" else None,  # noqa: PLW1509 -- no threads here
            **_own_group(),
        )


def _alarm(limit: float) -> Any:
    """A timer that a program keeps when it becomes another one (execve(2)): SIGALRM, which ends it."""
    return lambda: signal.setitimer(signal.ITIMER_REAL, limit + LATE_SECONDS)


class Stopper:
    """Ends the script when its time is over, when it does not go on, when a cancel is asked for, or at a shutdown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = 0
        self.deadline: float | None = None
        self.stall_seconds: float | None = None
        self._told = True
        self._signs: tuple[int, int] | None = None
        self._moved = 0.0
        self.reason: str | None = None
        self.family: dict[int, str] = {}
        self.signals: list[int] = []
        self._home = folder.stat().st_ino
        self._missed = 0
        self._asked = 0.0

    def begin(
        self, pid: int, timeout_seconds: float | None, stall_seconds: float | None = None, *, told: bool = True
    ) -> None:
        """The script was started: from now on its time counts.

        Args:
            pid: Its process.
            timeout_seconds: How long it may take; None: as long as it wants.
            stall_seconds: How long it may stand still; None: as long as it wants.
            told: Whether only what the script says of itself counts as going on, or all that it prints.
        """
        self.pid, self.stall_seconds, self._told, self._moved = pid, stall_seconds, told, time.monotonic()
        self.deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    def note(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """A signal handler."""
        self.signals.append(signum)

    def step(self) -> None:
        """Look once; ask, or kill, if it is time to."""
        request = self._request()
        if self.reason is None:
            self.reason = self._why(request)
            if self.reason:
                self._asked = time.monotonic()
                self.family = family.descendants(self.pid)
                family.ask(self.pid)
        elif time.monotonic() - self._asked >= _grace(request):
            self.family |= family.descendants(self.pid)
            family.kill(self.pid, self.family)

    def _request(self) -> dict[str, Any] | None:
        with contextlib.suppress(OSError):  # a disk that refuses for a moment must not end the watching
            return read_json(self.folder / CANCEL)
        return None

    def reason_to_end(self) -> str | None:
        """Look whether it is time to end a run whose script was not started yet."""
        self.reason = self._why(self._request())
        return self.reason

    def _is_there(self) -> bool:
        """Whether the run's own folder is; where its disk does not answer, or is not there, it counts as there."""
        try:
            return self.folder.stat().st_ino == self._home
        except FileNotFoundError:
            return not self.folder.parent.is_dir()
        except OSError:
            return True

    def _still(self) -> float:
        """Seconds since it went on: two looks are compared, never two clocks."""
        signs = self._looked()
        if signs is not None and signs != self._signs:
            self._signs, self._moved = signs, time.monotonic()
        return time.monotonic() - self._moved

    def _looked(self) -> tuple[int, int] | None:
        """What changes while it goes on; None where the disk does not answer."""
        try:
            moved = self.folder / MOVED
            at = moved.stat().st_mtime_ns if moved.exists() else 0
            return at, 0 if at and self._told else (self.folder / LOG).stat().st_size
        except OSError:
            return None

    def _why(self, request: dict[str, Any] | None) -> str | None:
        if request is not None:
            return "cancel"
        self._missed = 0 if self._is_there() else self._missed + 1
        if self._missed > GONE_TICKS:
            return "deleted"  # nobody could find it, or stop it, any more
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "timeout"
        if self.stall_seconds is not None and self._still() >= self.stall_seconds:
            return "stall"
        return "signal" if self.signals else None


def _grace(request: dict[str, Any] | None) -> float:
    asked = (request or {}).get("grace_seconds")
    return float(asked) if isinstance(asked, (int, float)) else GRACE_SECONDS


# ---- The watcher -------------------------------------------------------------------------------


class State:
    """The facts of a run, kept on disk; a full disk is tried again, the run goes on meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stale = False
        self.facts: dict[str, Any] = {"version": 1, "place": machine(), "supervisor": identity(os.getpid())}
        self._beaten = float("-inf")

    def keep(self, **facts: Any) -> None:
        """Take facts and write all of them down."""
        self.facts |= facts
        try:
            write_json(self.folder / STATE, self.facts)
            self.stale = False
        except OSError:
            self.stale = True

    def beat(self) -> bool:
        """Show, about once a second, that the run lives; whether it was time to."""
        if time.monotonic() - self._beaten < BEAT_SECONDS:
            return False
        self._beaten = time.monotonic()
        with contextlib.suppress(OSError):
            now = time.time()  # this machine's clock, where a network disk would take its own
            (self.folder / HEARTBEAT).touch()
            os.utime(self.folder / HEARTBEAT, (now, now))
        if self.stale:
            self.keep()
        return True

    def end(self, **facts: Any) -> None:
        """Write the last facts, for up to half a minute where the disk refuses them."""
        self.keep(finished=time.time(), **facts)
        for _ in range(30):
            deleted = not self.folder.is_dir() and self.folder.parent.is_dir()
            if not self.stale or deleted:
                return
            time.sleep(1)
            self.keep()


def watch(folder: Path) -> int:
    """Wait for the run's turn, start the script and watch it to its end; returns the watcher's own exit code."""
    submission = read_json(folder / SUBMISSION) or {}
    state = State(folder)
    write_json(folder / STATE, state.facts)  # before the start: a script that could not be found again must not run
    if (folder / CANCEL).exists():
        state.end(stopped_for="cancel")
        return 0
    stopper = Stopper(folder)
    _listen(stopper)
    turn = waiting.Turn(folder, int(submission.get("needed_bytes") or 0), _beside)
    try:
        if not waiting.wait(turn, stopper, state, folder / NOW):
            state.end(waiting=None, stopped_for=stopper.reason)
            return 0
        return _run(folder, submission, stopper, state, turn)
    finally:
        turn.over()


def _run(folder: Path, submission: dict[str, Any], stopper: Stopper, state: State, turn: Any) -> int:
    word, limit = str(submission.get("word") or ""), submission.get("timeout_seconds")
    os.environ.update(turn.environment())
    try:
        process = start(folder, word, limit, turn.handle)
    except OSError as error:
        state.end(message=f"Python could not be started: {error}")
        return 1
    told = submission.get("kind") != "export"  # a part of an export may take an hour, and prints meanwhile
    stopper.begin(process.pid, limit, submission.get("stall_seconds"), told=told)
    state.keep(script=identity(process.pid), started=time.time(), waiting=None)
    _follow(process, stopper, state, log_file.Cutter(folder / LOG))
    family.sweep(process.pid, stopper.family, WORD, word)
    log_file.hide_secrets(folder)
    state.end(exit_code=process.returncode, stopped_for=stopper.reason)
    return 0


def _listen(stopper: Stopper) -> None:
    """A shutdown stops the script gently; an interrupt or a closed terminal is not meant for it."""
    signal.signal(signal.SIGTERM, stopper.note)
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: None)


def _follow(process: subprocess.Popen[bytes], stopper: Stopper, state: State, cutter: Any) -> None:
    while process.poll() is None:
        if state.beat():
            cutter.step()
        stopper.step()
        time.sleep(TICK_SECONDS)


def launch(folder: Path) -> int:
    """Start a detached watcher; returns 0 once it has started the script or waits its turn, else 1, why on stderr."""
    with (folder / OWN_LOG).open("ab") as own:
        command = [sys.executable, "-I", "-S", str(Path(__file__).absolute()), "watch", str(folder)]
        watcher = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=own, stderr=own, **detached())
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended = watcher.poll() is not None
        facts = read_json(folder / STATE) or {}
        if facts.keys() & {"started", "finished", "waiting"}:
            return 0
        if ended:
            break
        time.sleep(0.02)
    sys.stderr.write((folder / OWN_LOG).read_text("utf-8", "replace")[-2000:] or "The supervisor did not answer.")
    return 1


if __name__ == "__main__":
    sys.exit({"launch": launch, "watch": watch}[sys.argv[1]](Path(sys.argv[2])))
