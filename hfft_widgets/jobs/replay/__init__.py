"""Runs that happened, shown again: for lessons, and for whoever has no minutes, no card or no account."""

from __future__ import annotations

import math
import time

from hfft_widgets.errors import RunError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.replay.backend import Playback
from hfft_widgets.jobs.replay.recorded import names, recording
from hfft_widgets.jobs.run import Run


def replay(name: str, speed: float = 60) -> Run:
    """A recorded run, which happens again: a `Run` like any other, that costs nothing and stands in no list.

    >>> run = replay("overfit", speed=float("inf"))
    >>> run.id, run.wait().stage
    ('replay:overfit', <Stage.COMPLETED: 'COMPLETED'>)

    All its times are those of the recording. `run.plan["recorded"]` says what it shows and where it was made; its model
    was not kept, so it cannot be exported, asked or gone on with.

    Args:
        name: One of `hfft.recordings()`.
        speed: How many times faster than it happened; `float("inf")`: all of it is there at once, and so it is for
            `hfft.attach("replay:NAME")`.

    Raises:
        RunNotFoundError: There is no such recording; the message names those there are.
        RunError: The speed is not above 0.
    """
    recording(name)
    if not speed > 0 or (speed > 100_000 and not math.isinf(speed)):
        raise RunError(
            f"The speed {speed!r} shows nothing.", remedy="Give a number above 0: 60 shows a minute in a second."
        )
    return Run(index.backend("replay"), Playback(name, speed, time.time()).id)


def recordings() -> dict[str, str]:
    """The recorded runs that `replay` shows: name -> what it shows, and where it was made."""
    return {name: recording(name).about for name in names()}
