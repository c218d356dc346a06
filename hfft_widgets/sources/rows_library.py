"""The datasets library: read in a way that can be ended, its errors told apart, and its noise silenced."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from hfft_widgets.errors import DataError

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause, the cause of that, ..."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__ or current.__context__


def reason(error: BaseException) -> str:
    """What the deepest cause says, in one line of bounded length."""
    said = [" ".join(str(link).split()) for link in chain(error)]
    return next((words for words in reversed(said) if words), type(error).__name__)[:300]


def no_space(error: BaseException) -> DataError | None:
    """The error for a full disk, if that is what happened."""
    for link in chain(error):
        full = isinstance(link, OSError) and link.errno == errno.ENOSPC
        if full or "Not enough disk space" in str(link):
            return DataError(
                "There is no space left on the disk.",
                why=reason(error).rstrip(".") + ".",
                remedy="Free some space, or set HF_HOME and HFFT_HOME to folders on a larger disk.",
            )
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's progress bars and log lines: what matters of them is in the errors raised here."""
    import datasets

    logger, bars = logging.getLogger("datasets"), not datasets.are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            datasets.enable_progress_bars()


# ---- reading ---------------------------------------------------------------------------------


def load(arguments: Mapping[str, Any], progress: Progress | None = None, cancelled: Cancelled | None = None) -> Any:
    """What `load_dataset` gives for these keyword arguments, one of which is the split.

    Lines of JSON and tables are read part by part, some megabytes each; a list of JSON is one part.

    Args:
        arguments: Of `load_dataset`.
        progress: Called with (rows read, 0) after each part; what it raises ends the reading, see `can_be_stopped`.
        cancelled: Asked after each part; when true, reading ends with a DataError.

    Raises:
        Exception: Whatever the library raises.
    """
    from datasets import load_dataset, load_dataset_builder

    if progress is None and cancelled is None:
        return load_dataset(**arguments)
    split = arguments["split"]
    builder = load_dataset_builder(**{name: value for name, value in arguments.items() if name != "split"})
    parts = getattr(builder, "_generate_tables", None)  # a dataset with a generator of rows has none
    if parts is not None:
        told = partial(_told, progress=progress, cancelled=cancelled)
        builder._generate_tables = lambda *given, **named: told(parts(*given, **named))  # noqa: SLF001
    try:
        builder.download_and_prepare()
    except Exception as error:  # noqa: BLE001 - the library wraps whatever it meets
        raise next((link for link in chain(error) if isinstance(link, _Stopped)), error) from None
    return builder.as_dataset(split)


def _told(
    parts: Iterator[tuple[Any, Any]], progress: Progress | None, cancelled: Cancelled | None
) -> Iterator[tuple[Any, Any]]:
    rows = 0
    for key, table in parts:
        rows += table.num_rows
        if cancelled and cancelled():
            raise _Stopped(DataError(f"Reading was stopped at row {rows:,}.", remedy="Start again to check all rows."))
        try:
            if progress:
                progress(rows, 0)
        except Exception as error:
            raise _Stopped(error) from error
        yield key, table


class _Stopped(BaseException):
    """It goes past whatever takes an error in the library for one in the data."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def can_be_stopped() -> Iterator[None]:
    """What ended a `load` in here is raised as what it was."""
    try:
        yield
    except _Stopped as stopped:
        raise stopped.error from None
