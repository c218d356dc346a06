"""Asking again where asking changes nothing: a first look must not fail for one answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from hfft_widgets.errors import HubError

FIRST_LOOK_SECONDS = 8.0
_FIRST_WAIT = 0.25
_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})  # 0: it was not reached, or did not answer

T = TypeVar("T")


def patiently(ask: Callable[[], T], seconds: float) -> T:
    """What `ask` returns, asked again for some seconds while the Hub is busy; it must change nothing there.

    Args:
        ask: Asks once.
        seconds: For how long, the waiting that the Hub asks for included; 0: once.

    Raises:
        HubError: As `ask` raised it last.
    """
    deadline = time.monotonic() + seconds
    wait = _FIRST_WAIT
    while True:
        try:
            return ask()
        except HubError as error:
            pause = getattr(error, "wait_seconds", None) or wait
            if getattr(error, "status", -1) not in _PASSING or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        wait *= 2
