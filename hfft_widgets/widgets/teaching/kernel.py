"""Ending the kernel in which this runs: it gives the machine its memory back."""

from __future__ import annotations

import threading
from typing import Any

SOON = 0.5  # seconds, so that the page hears first what happens


def end_kernel() -> bool:
    """End this kernel in a moment; False where there is none, as in a terminal."""
    from IPython import get_ipython

    kernel: Any = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    timer = threading.Timer(SOON, _stop, args=(kernel,))
    timer.daemon = True
    timer.start()
    return True


def _stop(kernel: Any) -> None:
    """Its loop ends, and with it the process."""
    kernel.io_loop.add_callback(kernel.do_shutdown, False)
