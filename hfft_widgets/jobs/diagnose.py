"""What went wrong, for a run of this package or a log from anywhere."""

from __future__ import annotations

from pathlib import Path

from hfft_widgets.core.run.diagnosis import Diagnosis, diagnose_log
from hfft_widgets.errors import RunError
from hfft_widgets.jobs.run import Run

_LOG_BYTES = 4 * 2**20  # of the end of a log: how a run ended stands there


def diagnose(run_or_log: Run | str | bytes | Path, exit_code: int | None = None, message: str = "") -> Diagnosis | None:
    """What went wrong, what shows it, and what to do next; None if nothing shows that something did.

    Args:
        run_or_log: A run, or the log of any training, from anywhere: its text, its bytes, or the path of its file.
        exit_code: Of the script, where it is known; negative: the signal that ended it. A run knows its own.
        message: What the place that ran it says about the end. A run knows that, too.

    Raises:
        RunError: The file cannot be read.
    """
    if isinstance(run_or_log, Run):
        return run_or_log.diagnosis
    log = _end(run_or_log) if isinstance(run_or_log, Path) else run_or_log
    return diagnose_log(log.decode("utf-8", "replace") if isinstance(log, bytes) else log, exit_code, message)


def _end(path: Path) -> bytes:
    """The end of a file with a log.

    Raises:
        RunError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            return file.read()
    except OSError as error:
        why = f"The system said: {error.strerror or error}."
        raise RunError(f"The log {path} cannot be read.", why=why, remedy="Give its path, or its text.") from error
