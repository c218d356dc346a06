"""What is looked at before a run is started on this machine."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

from hfft_widgets.core.units import bytes_text
from hfft_widgets.errors import LaunchError, MissingExtraError
from hfft_widgets.sources.machine import free_memory_bytes

_ELSEWHERE = "Set the variable HFFT_HOME to a folder on a larger disk before the notebook starts"


def check_modules(modules: Mapping[str, str], what: str) -> None:
    """Find every module without importing it.

    Args:
        modules: Module names, each with the extra that brings it.
        what: What was to be done, for the message.

    Raises:
        MissingExtraError: One is not installed.
    """
    importlib.invalidate_caches()  # it may have been installed a moment ago, in a cell
    for module, extra in modules.items():
        if not _installed(module.partition(".")[0]):
            raise MissingExtraError(what, extra, module)


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # loaded, though nobody knows from where
        return True


def check_disk(needed_bytes: int, folder: Path) -> None:
    """Compare what a run needs with what is free.

    Args:
        needed_bytes: Free disk the run needs.
        folder: Where it will write; it need not exist yet.

    Raises:
        LaunchError: There is less.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_bytes = shutil.disk_usage(there).free
    if needed_bytes > free_bytes:
        raise LaunchError(
            f"The run needs {bytes_text(needed_bytes)} of free disk, but only {bytes_text(free_bytes)} are free.",
            why=f"It writes to {folder}.",
            remedy=f"Delete files or delete old runs there, or choose a smaller model. {_ELSEWHERE}.",
        )


def check_memory(needed_bytes: int, held_bytes: int = 0) -> None:
    """Compare what a run needs with the memory that is free now.

    Args:
        needed_bytes: Memory that the run's largest step holds; 0: not known.
        held_bytes: What runs hold that end before this one has its turn.

    Raises:
        LaunchError: There is less: the system would end the run in its midst.
    """
    free_bytes = free_memory_bytes()
    if free_bytes is not None and needed_bytes > free_bytes + held_bytes:
        raise LaunchError(
            f"The run needs {bytes_text(needed_bytes)} of memory, but only {bytes_text(free_bytes)} are free.",
            why="The system would end it on the way.",
            remedy="Shut down other notebooks' kernels and programs, or run it on Hugging Face Jobs.",
        )


def refused(error: OSError, folder: Path) -> LaunchError:
    """What an error of the system means, in words, while a run's folder was being written."""
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        return LaunchError(
            f"The disk is full: the run's folder could not be written at {folder}.",
            remedy=f"Delete files or delete old runs. {_ELSEWHERE}.",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return LaunchError(
            f"No permission to write the run's folder at {folder}.",
            remedy=f"Make the folder writable. {_ELSEWHERE}, one that you may write to.",
        )
    return LaunchError(
        f"The run's folder could not be written at {folder}.",
        why=f"The system said: {error.strerror or error}.",
        remedy="Check the disk, or set the variable HFFT_HOME to another folder.",
    )
