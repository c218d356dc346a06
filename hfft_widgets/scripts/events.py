"""Telling what happens: to a program that watches, one ASCII line of JSON per event; to a person, plain lines.

A program that watches gives the run a word of its own, `@hfft:word {...}`: nothing else that is printed can pass for an
event.
"""

import contextlib
import errno
import io
import json
import os
import sys
import time
from itertools import count
from pathlib import Path

_counter = count()
WAIT_SECONDS = 3600  # for room on a full disk


class Moving:
    """When this script last went on: who holds its limit without progress looks here, or at the file it touches."""

    last = time.monotonic()
    touched = float("-inf")

    @classmethod
    def note(cls):
        """It went on: a step, a batch, an event."""
        cls.last = time.monotonic()
        path = os.environ.get("HFFT_MOVED")
        if path and cls.last - cls.touched >= 1:
            cls.touched = cls.last
            with contextlib.suppress(OSError):
                Path(path).touch()


def tell(event, *, step=None, total_steps=None, epoch=None, metrics=None, **data):
    """Print one event; started by hand, as a line to read. Telling never fails."""
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes that train together, the first speaks
    Moving.note()
    place = {"step": step, "total_steps": total_steps, "epoch": epoch, "metrics": plain(metrics)}
    place = {name: value for name, value in place.items() if value is not None}
    word = os.environ.get("HFFT_WORD")
    if word is not None:
        _print(event_line(event, word, {**data, **place}))
    elif text := readable(event, data, **place):
        _print(text + "\n")


def event_line(event, word, values):
    """The event on a line of its own, so that no progress bar can swallow it."""
    line = {"n": next(_counter), "t": round(time.time(), 3), "event": event, **values}
    return f"\n@hfft{f':{word}' if word else ''} {json.dumps(plain(line), default=str)}\n"


SHOWN_FIRST = (
    "loss", "eval_loss", "reward", "eval_reward", "mean_token_accuracy", "eval_mean_token_accuracy",
    "rewards/accuracies", "eval_rewards/accuracies", "accuracy", "eval_accuracy", "learning_rate", "grad_norm",
    "train_runtime",
)  # fmt: skip


def readable(event, data, *, step=None, total_steps=None, epoch=None, metrics=None):
    """What a person reads of an event; "" for nothing."""
    place = f"step {step} of {total_steps}" if step is not None and total_steps else ""
    if metrics:
        shown = [name for name in SHOWN_FIRST if isinstance(metrics.get(name), (int, float))]
        return "  ".join([place, *(f"{name} {metrics[name]:.4g}" for name in shown)]).strip()
    if event == "answers":
        score = data.get("score")
        said = f"right before {score['before']:.0%}, after {score['after']:.0%}" if score else "before and after"
        rows = [f"  {r['expected']!r} expected; {r['before']!r} before; {r['after']!r} after" for r in data["rows"][:3]]
        return "\n".join([f"Held-out questions, {said}:", *rows])
    words = {
        "start": f"Training: {total_steps} steps", "save": f"{place}  checkpoint in {data.get('path')}",
        "stopped": f"Stopped at {place}. Run it again to go on.",
        "end": f"Done. The model is in {data.get('output_dir')}",
        "progress": str(data.get("message", "")),
    }  # fmt: skip
    return words.get(event, "")


def whole_lines():
    """Under `python -u` what a full disk takes of a line is lost without an error; behind a buffer the rest is kept."""
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.FileIO):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=True)


def _print(text):
    """Print; where the disk is full, wait for room: the training pauses meanwhile, and loses nothing."""
    _patiently(sys.stdout.flush)  # what was printed before
    _patiently(lambda: sys.stdout.write(text), again=False)  # a buffer keeps what the disk did not take
    _patiently(sys.stdout.flush)


def _patiently(action, again=True):
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return action()
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            if not (full and again) or time.monotonic() > deadline:
                return None  # nobody hears it; the training goes on
        time.sleep(1)


def plain(value):
    """A value JSON can hold: nan and inf as strings, tensors and numpy numbers as numbers."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value
