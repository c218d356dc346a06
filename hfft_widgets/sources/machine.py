"""What this machine has: its GPU or its processor's measured speed, and its memory."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import subprocess
import sys
import time
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path

from hfft_widgets.core.plan.hardware import Flavor, local_flavor, local_gpu
from hfft_widgets.scripts.machine import memory
from hfft_widgets.scripts.machine.threads import own_groups

_LOOKED_SECONDS = 10.0  # what other programs hold of a card changes
_APPLE = (
    "torch trains on this Mac's own GPU where it can (MPS, in float32), which was never measured here: memory is "
    "shared with everything else, and the time is a processor's, so it should take less."
)
_AMD = (
    "This AMD card is used only where torch was installed for ROCm; it was never measured here: the plan is a "
    "processor's, so it should take less time, and the card's memory was not looked at."
)


def this_machine() -> Flavor:
    """This machine as a flavor named "local": its GPUs with what is free of them, or its processor.

    Takes about a tenth of a second, at most every ten seconds. torch is not asked: importing it would take longer than
    the plan.
    """
    return _this_machine(int(time.monotonic() / _LOOKED_SECONDS))


@lru_cache(maxsize=1)
def _this_machine(_: int) -> Flavor:
    cards = _nvidia()
    if cards:
        name = cards[0][0]
        return local_gpu(name, min(free for _, free in cards), len(cards))
    return dataclasses.replace(_processor(), note=_other_gpu())


@cache
def _processor() -> Flavor:
    return local_flavor(memory_bytes(), _measured_tflops())


def memory_bytes() -> int:
    """The memory that may be used here: the machine's, or what Linux grants this process, in a container say."""
    return int(memory.total_bytes(own_groups("memory")) or 0)


def free_memory_bytes() -> int | None:
    """What of it is free now, swap counted; None where nobody can say."""
    found: int | None = memory.free_bytes(own_groups("memory"))
    return found


def _other_gpu() -> str:
    """What to say of a GPU whose speed and memory are not known here."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return _APPLE
    return _AMD if Path("/dev/kfd").exists() else ""  # the device of AMD's driver for computing


def _nvidia() -> list[tuple[str, int]]:
    """Name and free memory in bytes of the NVIDIA GPUs that a run would see, from the driver's own tool."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    query = [tool, "--query-gpu=name,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [line.rsplit(",", 1) for line in answer.splitlines() if line.strip()]
        cards = [(name.strip(), int(mebibytes) * 2**20) for name, mebibytes in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    return _visible(cards)


def _visible(cards: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The cards that CUDA_VISIBLE_DEVICES leaves: numbers as CUDA reads them, up to the first that is none."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None or "GPU-" in allowed:
        return cards
    numbers = [int(word) if word.strip().isdecimal() else -1 for word in allowed.split(",")]
    seen = takewhile(lambda number: 0 <= number < len(cards), numbers)
    return [cards[number] for number in seen]


def _measured_tflops() -> float:
    """Float32 TFLOP/s of one matrix product on all cores: the best of a few, 2 n^3 operations each."""
    import numpy as np

    n = 768
    matrix = np.ones((n, n), dtype=np.float32)
    matrix @ matrix  # warms the threads
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e12
