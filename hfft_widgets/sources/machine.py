"""What this machine has: its GPU or its processor's measured speed, and its memory."""

from __future__ import annotations

import shutil
import subprocess
import time
from functools import cache

from hfft_widgets.core.plan.flavors import Flavor, local_flavor, local_gpu


@cache
def this_machine() -> Flavor:
    """This machine as a flavor named "local". Takes about a tenth of a second, once.

    torch is not asked: importing it would take longer than the plan.
    """
    gpu = _nvidia()
    if gpu:
        return local_gpu(*gpu)
    import psutil

    return local_flavor(psutil.virtual_memory().total, _measured_tflops())


def _nvidia() -> tuple[str, int] | None:
    """Name and memory in bytes of the first NVIDIA GPU, from its driver's own tool."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return None
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        name, mebibytes = answer.splitlines()[0].rsplit(",", 1)
        return name.strip(), int(mebibytes) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


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
