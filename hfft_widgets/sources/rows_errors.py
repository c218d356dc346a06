"""What the datasets library raises, as errors of this package; and its noise, silenced."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hfft_widgets.errors import DataError


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
