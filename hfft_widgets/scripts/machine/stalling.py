"""A limit without progress, held by the script itself where no supervisor does: on a job, a hung run costs on."""

import os
import signal
import threading
import time

from hfft_widgets.scripts.events import Moving, tell

LOOK_SECONDS = 1.0


def hold_stall_limit():
    """End this process where it does not go on for `HFFT_STALL_SECONDS`; without that variable, nothing.

    A library that keeps Python's lock while it hangs keeps the watching thread from running too: then the time limit
    of the job is what ends it.
    """
    seconds = float(os.environ.get("HFFT_STALL_SECONDS") or 0)
    if seconds > 0 and os.environ.get("RANK", "0") == "0":
        Moving.last = time.monotonic()
        threading.Thread(target=_watch, args=(seconds,), name="stall limit", daemon=True).start()


def _watch(seconds):
    while time.monotonic() - Moving.last < seconds:
        time.sleep(min(LOOK_SECONDS, seconds / 4))
    words = f"nothing moved for {seconds:.0f} seconds, the limit it was given"
    tell("error", type="Stalled", message=words)
    os.kill(os.getpid(), signal.SIGTERM)  # as when it is cancelled: it saves, if it can still finish its step
    time.sleep(float(os.environ.get("HFFT_GRACE", "60")))
    os._exit(142)
