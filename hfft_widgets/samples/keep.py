"""Files and folders that are made once and kept: whole or not at all, whoever else makes them at the same time."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

from hfft_widgets import folders
from hfft_widgets.core.script import fingerprint
from hfft_widgets.errors import DataError


def place(name: str, suffix: str = "") -> Path:
    """Where a sample is kept. Its folder tells the Python whose documentation it holds and the code that made it."""
    python = f"{sys.implementation.name}{platform.python_version()}"
    return folders.cache("samples", f"{python}-{_content_version()}", name + suffix)


def keep_file(target: Path, write: Callable[[Path], None]) -> Path:
    """Have `write` make a file, then put it at `target` in one step; of two makers the last one wins.

    Raises:
        DataError: The disk is full or the folder cannot be written.
    """
    with _beside(target) as draft:
        write(draft / target.name)
        try:
            (draft / target.name).replace(target)
        except PermissionError:  # Windows, while another process reads the same file: then it is there already
            if not target.is_file():
                raise
    return target


def keep_folder(target: Path, fill: Callable[[Path], None]) -> Path:
    """Have `fill` fill a folder, then put it at `target` in one step; of two makers the first one wins.

    Raises:
        DataError: The disk is full or the folder cannot be written.
    """
    with _beside(target) as draft:
        made = draft / target.name
        made.mkdir()
        fill(made)
        try:
            made.rename(target)
        except OSError:  # a folder that is not empty cannot be replaced: someone else was faster
            if not target.is_dir():
                raise
    return target


def discard(target: Path) -> None:
    """Take a damaged sample out of the way."""
    if target.is_dir():
        with _beside(target) as draft:
            target.rename(draft / "damaged")
    else:
        target.unlink(missing_ok=True)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder of our own on the same disk, gone afterwards."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    except OSError as error:
        raise _not_kept(target, error) from error
    try:
        yield draft
    except OSError as error:
        raise _not_kept(target, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _not_kept(target: Path, error: OSError) -> DataError:
    return DataError(
        f"The sample could not be kept in {str(target.parent)!r}.",
        why=f"{error.strerror or error}.",
        remedy="Free some disk space, or set HFFT_HOME to a folder that can be written, before starting Python.",
    )


@cache
def _content_version() -> str:
    """Changes whenever the code that makes samples changes, so that no one reads rows of an older code."""
    sources = sorted(item.name for item in files(__package__).iterdir() if item.name.endswith(".py"))
    return fingerprint(*((files(__package__) / name).read_text("utf-8") for name in sources))[:8]
