"""Running an export step by step, each step in a process of its own.

What crashes or runs out of memory there becomes an error with its reason, and all memory is given back at its end.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from pathlib import Path

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.machine.threads import thread_environment

STEPS: dict = {}  # name -> function; the other modules add theirs
STEP_ARGUMENT = "--step"  # the script started with it runs that one step
SAID = "@step "  # how a step's process speaks to the script

# A tqdm bar, and which part of its step each known bar covers.
BAR = re.compile(r"^\s*(?P<label>[^|%]*?):?\s*(?P<percent>\d+)%\|")
BARS = {
    "Loading weights": (0.2, 0.5),
    "Unloading and merging model": (0.5, 0.8),
    "Writing model shards": (0.8, 1.0),
    "Writing": (0.3, 1.0),
}

# What went wrong, by what the step said, and what to do about it.
REMEDIES = (
    (
        # numpy, which writes the file's tensors, has words of its own
        r"No space left on device|Errno 28|WinError 112|File too large|Errno 27|Not enough free space|\d+ written\b",
        "Free disk space, or set HFFT_OUTPUT_DIR to a larger disk.",
    ),
    (r"MemoryError|not enough memory|bad_alloc|out of memory|killed", "Close other programs, or use more memory."),
    (r"unknown model architecture", "This quantizer does not know the model yet: export it as Q8_0, which needs none."),
    (
        r"BPE pre-tokenizer was not recognized",
        "llama.cpp does not know this tokenizer, so the model cannot be exported.",
    ),
    (
        r"Model \w+ is not supported|not supported",
        "llama.cpp has no converter for this model: choose another base model.",
    ),
    (r"No module named|PackageNotFoundError", 'Install what is missing with: pip install "hfft-widgets[gguf]"'),
    (r"\bnan\b|NaN", "The training made weights that are not numbers: train again with a lower learning rate."),
    (r"size mismatch|adapter", "Set BASE to the very model that the adapter was trained on."),
)
TELLING_LINES = re.compile(r"GGML_ASSERT|^ERROR|^\w*(Error|Exception)\b|\berror\b|failed|fatal", re.IGNORECASE)


class StepFailedError(Exception):
    """A step did not do what it should.

    Args:
        message: What happened and why.
        kind: The class of error, as the `error` event names it.
        remedy: What to do next.
    """

    def __init__(self, message, *, kind="StepFailedError", remedy=""):
        super().__init__(message)
        self.kind = kind
        self.remedy = remedy


class CanceledError(BaseException):
    """The script was asked to stop. No handler of ordinary errors catches it."""


PER_FILE = ("quantize", "compare", "verify")  # steps that run once for each quantization


class ExportProgress:
    """How far the whole export is: every step counts as the seconds it is expected to take."""

    seconds: dict = {}  # noqa: RUF012 - one road per process, set by `expect`
    files = 1
    done = 0.0
    told = ("", -1.0, 0.0)  # stage, fraction, time

    @classmethod
    def tell(cls, stage, share, message):
        """Tell the overall fraction, at most three times a second and only if it has grown by 1%."""
        total = sum(cls.seconds.values()) or 1.0
        fraction = min(1.0, (cls.done + share * cls.of(stage)) / total)
        last_stage, last_fraction, last_time = cls.told
        fraction = max(fraction, last_fraction)
        now = time.monotonic()
        if stage == last_stage and (fraction - last_fraction < 0.01 or now - last_time < 0.3):
            return
        cls.told = (stage, fraction, now)
        tell("progress", stage=stage, fraction=round(fraction, 4), message=message)

    @classmethod
    def expect(cls, seconds, files=1):
        """Begin anew, with the seconds each step may take for all files together."""
        cls.seconds, cls.files, cls.done, cls.told = dict(seconds), files, 0.0, ("", -1.0, 0.0)

    @classmethod
    def finish(cls, stage):
        """A step is done."""
        cls.done += cls.of(stage)

    @classmethod
    def of(cls, stage):
        """Seconds that one run of a step may take."""
        return cls.seconds.get(stage, 0.0) / (cls.files if stage in PER_FILE else 1)


# ---- The script's side ---------------------------------------------------------------------------


def step(name, message, /, **settings):
    """Run one step in a process of its own and return what it found.

    Args:
        name: A name in `STEPS`.
        message: What it does, for people.
        **settings: The step function's arguments, as JSON values or paths.

    Raises:
        StepFailedError: With the reason the step gave, or that its output shows.
    """
    ExportProgress.tell(name, 0.0, message)
    command = [sys.executable, str(Path(__file__).absolute()), STEP_ARGUMENT, name]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **thread_environment(), **CHILD_ENVIRONMENT},
    )
    try:
        hand_over(child, settings)
        said, tail = listen(child, name, message)
        code = child.wait()
    finally:
        child.kill()  # nothing happens if it has ended
        child.wait()
    if code in {-15, -2}:
        time.sleep(1)  # who ended the step meant the script too: its own signal is on the way
    if code != 0 or "result" not in said:
        raise blame(name, code, said, tail)
    ExportProgress.finish(name)
    return said["result"]


CHILD_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
    "GGML_NO_BACKTRACE": "1",  # without it an abort in llama.cpp starts a debugger
    "TOKENIZERS_PARALLELISM": "false",
}


def hand_over(child, settings):
    """Give the step its settings; a process that died at once shows why in its output."""
    try:
        child.stdin.write(json.dumps(settings, default=str))
        child.stdin.close()
    except OSError:
        pass


def listen(child, name, message):
    """Pass the step's output on, turn its bars into progress; returns what it said and its last lines."""
    said = {}
    tail: deque = deque(maxlen=80)
    for raw in child.stdout:  # a carriage return ends a line too
        line = raw.rstrip()
        if line.startswith(SAID):
            news = json.loads(line[len(SAID) :])
            said.update(news)
            if "share" in news:
                ExportProgress.tell(name, news["share"], news.get("message") or message)
        elif bar := BAR.match(line):
            if bar["label"] in BARS:
                start, end = BARS[bar["label"]]
                ExportProgress.tell(name, start + (end - start) * int(bar["percent"]) / 100, message)
        elif line:
            tail.append(line)
            print(line, flush=True)
    return said, tail


def blame(name, code, said, tail):
    """The error that says why a step failed: its own words, else the line of its output that tells most."""
    reason = said.get("error") or next((line for line in reversed(tail) if TELLING_LINES.search(line)), "")
    reason = reason or (tail[-1] if tail else "It said nothing.")
    # an exit code below zero is the signal that ended the process
    ending = ENDINGS.get(code, f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}")
    if "error" in said:
        ending = "failed"
    kind = said.get("kind") or ("MemoryError" if code == -9 else "StepFailedError")
    text = f"The step '{name}' {ending}: {reason}"[:2000]
    remedy = said.get("remedy") or next((words for pattern, words in REMEDIES if re.search(pattern, text)), "")
    return StepFailedError(
        text, kind=kind, remedy=remedy or "Try again; if it ends the same way, report it with this message."
    )


ENDINGS = {
    -9: "was killed, most likely because the machine ran out of memory",
    -6: "was aborted by llama.cpp",
    -11: "crashed (segmentation fault)",
    3: "was aborted by llama.cpp",  # what abort() gives on Windows
}


# ---- The step's side -----------------------------------------------------------------------------


def say(**news):
    """Tell the script something: share (0 to 1 of this step), message, result, error, kind, remedy."""
    sys.stdout.write("\n" + SAID + json.dumps(news, default=str) + "\n")
    sys.stdout.flush()


def run_step(name):
    """Be the process of one step; leaves with 0 if it gave a result."""
    settings = json.load(sys.stdin)
    threading.Thread(target=leave_with_parent, args=[os.getppid()], daemon=True).start()
    code = 1
    try:
        say(result=STEPS[name](**settings))
        code = 0
    except StepFailedError as error:
        say(error=str(error), kind=error.kind, remedy=error.remedy)
    except SystemExit as error:  # llama.cpp's converter logs its reason and exits
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - whatever it is, the script must hear of it
        traceback.print_exc()
        say(error=f"{type(error).__name__}: {error}", kind=type(error).__name__)
    sys.stderr.flush()
    os._exit(code)  # cyllama's objects can crash while the interpreter takes them down


def leave_with_parent(parent):
    """Leave when the script was killed and could not end its step; on Windows the id never changes."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
