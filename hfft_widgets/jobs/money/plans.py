"""Plans that were made, kept by their fingerprint: what was priced is what is launched, whatever process does it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from hfft_widgets import folders
from hfft_widgets.errors import PlanError
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local.supervisor import read_json, write_json

_KEPT = 200  # the newest
_NAME = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
_FIELDS = tuple(f.name for f in dataclasses.fields(Submission) if f.name not in {"environment", "target", "attempt"})


def keep(made: Submission) -> None:
    """Keep a plan as what can be launched; of one fingerprint the newest. Where that fails it raises PlanError."""
    folder = folders.data("plans")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(folder / f"{made.fingerprint}.json", {name: getattr(made, name) for name in _FIELDS})
        for old in _newest_first(folder)[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise PlanError(
            f"The plan could not be kept at {folder}.",
            why=f"The system said: {error.strerror or error}.",
            remedy="Free some disk, or set HFFT_HOME to a folder that can be written.",
        ) from error


def kept(fingerprint: str) -> Submission:
    """The plan of a fingerprint.

    Raises:
        PlanError: None is kept; the message lists those that are.
    """
    values = read_json(_path(fingerprint)) if _NAME.fullmatch(fingerprint) else None
    if values is None or not set(_FIELDS) <= values.keys():
        known = ", ".join(fingerprints()[:5])
        raise PlanError(
            f"There is no plan {fingerprint[:80]!r}.",
            why="A plan is named by its fingerprint, 16 hexadecimal digits, which planning returns.",
            remedy=f"Make the plan first; kept are {known}." if known else "Make the plan first.",
        )
    return Submission(**{name: values[name] for name in _FIELDS})


def fingerprints() -> list[str]:
    """Those of the plans that are kept, the newest first."""
    return [path.stem for path in _newest_first(folders.data("plans"))]


def _path(fingerprint: str) -> Path:
    return folders.data("plans", f"{fingerprint}.json")


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
