"""Where the notebook runs: at home, or on Google Colab, which differs in four things.

A page there hears nothing of what a thread sends (colabtools#3373), so what threads send waits until the page asks. It
shows widgets of others only once their manager is enabled (colabtools#498). Its secrets are no environment variables.
And the machine dies, with all that was made on it.

This was never run on Colab. The tests put a stand-in of `google.colab` at this one seam, made from those issues and the
source of Colab's widget manager.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

ASKS_MS = 1000  # between two questions of a page to the kernel, where it hears nothing otherwise
_DRIVE = "/content/drive"
_waiting: deque[Callable[[], object]] = deque()


def on_colab() -> bool:
    """Whether this kernel is one of Google Colab: its kernels import that package as they start."""
    return "google.colab" in sys.modules


def enable_widgets() -> None:
    """Let the page show widgets of this package; at home there is nothing to do."""
    if on_colab():
        import_module("google.colab.output").enable_custom_widget_manager()


def tell(page: Callable[[], object]) -> None:
    """Do what changes a page: now, or where it would not hear of it from this thread, when it asks next.

    Args:
        page: Makes or changes widgets or outputs.
    """
    if not on_colab():
        page()
        return
    _waiting.append(page)
    if threading.current_thread() is threading.main_thread():
        deliver()


def telling(update: Callable[..., object]) -> Callable[..., None]:
    """The same function, for a thread: it changes a page as `tell` does."""
    return lambda *given: tell(lambda: update(*given))


def deliver() -> None:
    """Do what waits; called in the main thread, where the page has asked."""
    while _waiting:
        _waiting.popleft()()


def keep_in_drive(folder: str = "hfft") -> Path | None:
    """Keep runs, with their checkpoints, in the person's Google Drive: Colab asks them for it.

    A later notebook that calls this finds them again, and `run.resume()` goes on. At home nothing is done.

    Args:
        folder: Its name below "My Drive".

    Returns:
        Where they are kept; None at home.
    """
    if not on_colab():
        return None
    import_module("google.colab.drive").mount(_DRIVE)
    home = Path(_DRIVE, "MyDrive", folder)
    os.environ["HFFT_HOME"] = str(home)
    return home


def warning() -> str:
    """What a person should know before a run starts on this machine; "" at home."""
    if not on_colab() or os.environ.get("HFFT_HOME", "").startswith(_DRIVE):
        return ""
    return (
        "Colab deletes this machine when the session ends, and your run with it. Give the plan a Hub repository, or "
        "run hfft.keep_in_drive() in a cell first: then it is kept in your Drive, and can go on from there."
    )


def first_cell(source: str) -> str:
    """The first cell of a notebook: it does nothing where this package is installed, else it installs it.

    What the host has, torch for its GPU above all, stays as it is. It says nothing but what went wrong.

    Args:
        source: What pip installs, e.g. "hfft-widgets[train,gguf]".
    """
    return f"""\
# Does nothing where hfft_widgets is installed; else, on Colab say, it installs it in about a minute.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hfft_widgets") is None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "{source}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    print("Installed." if done.returncode == 0 else done.stderr)"""
