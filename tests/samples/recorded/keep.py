"""Keeps a run of this machine as a recording, without the names of the machine's folders."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.jobs.replay import recorded
from hfft_widgets.jobs.run import Run

FOLDER = Path(recorded.__file__).with_name("runs")
MOST_BYTES = 200_000
NEUTRAL = "~/hfft"
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d+")
_LIBRARY_FOLDERS = re.compile(r'/[^\s"\':]*/(?=site-packages/)|/[^\s"\':]*/lib/(?=python3\.\d+/)')
MADE = "A real run of the tiny sample model, on a processor: no GPU was at hand"
_LIBRARIES = ("trl", "transformers", "torch")


def keep(name: str, run: Run, shows: str, *, made: str = MADE, hide: str = "", **more: Any) -> Path:
    """Write the recording of a run that has ended.

    Args:
        name: The recording's.
        run: The run.
        shows: What is to be seen in it, in a sentence.
        made: Where it was made, in a sentence without its full stop.
        hide: A folder that it shall not name.
        **more: Values of `Recording` that the run itself does not say, e.g. the price of its machine.
    """
    run.wait()
    status, submitted = run.status, run.submission
    private = [
        *{str(folders.data().parents[1]), str(folders.cache().parents[1])},
        *filter(None, [hide]),
    ]

    def neutral(text: str) -> str:
        for folder in private:
            text = text.replace(folder, NEUTRAL)
        return _LIBRARY_FOLDERS.sub("", _LOOPBACK.sub("http://stand-in-hub", text))

    day = datetime.fromtimestamp(status.created, UTC).date()
    versions = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    kept = recorded.Recording(
        about=f"{shows} {made} ({day}, {versions}).",
        kind=submitted.kind,
        title=submitted.title,
        plan=json.loads(neutral(json.dumps(dict(submitted.plan)))),
        script=neutral(submitted.script),
        fingerprint=submitted.fingerprint,
        stage=str(status.stage),
        created=status.created,
        started=status.started or status.created,
        finished=status.finished or status.created,
        log=neutral(_log(run)),
        exit_code=status.exit_code,
        message=status.message,
        timeout_seconds=submitted.timeout_seconds,
        **more,
    )
    packed = kept.packed()
    assert len(packed) < MOST_BYTES, f"{name}: {len(packed):,} bytes"
    path = FOLDER / f"{name}.json.gz"
    path.write_bytes(packed)
    return path


def _log(run: Run) -> str:
    """All that it printed; of a progress bar, which draws itself hundreds of times in one line, its last state."""
    output = b""
    while chunk := run._backend.read(run._job_id, len(output)):
        output += chunk
    lines = output.decode("utf-8", "replace").split("\n")
    return "\n".join(next((part for part in reversed(line.split("\r")) if part.strip()), "") for line in lines)
