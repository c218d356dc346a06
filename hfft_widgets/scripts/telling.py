"""Telling what happens: one ASCII line of JSON per event, `@hfft {...}`, easy for a program to read."""

import json
import os
import sys
import time
from itertools import count

_counter = count()


def tell(event, *, step=None, total_steps=None, epoch=None, metrics=None, **data):
    """Print one event. It starts on a line of its own, so that no progress bar can swallow it."""
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes that train together, the first speaks
    line = {"n": next(_counter), "t": round(time.time(), 3), "event": event, **data}
    place = {"step": step, "total_steps": total_steps, "epoch": epoch, "metrics": plain(metrics)}
    line.update({name: value for name, value in place.items() if value is not None})
    sys.stdout.write("\n@hfft " + json.dumps(plain(line), default=str) + "\n")
    sys.stdout.flush()


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
