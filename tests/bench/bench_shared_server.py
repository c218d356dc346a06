"""Several people on one server at once: memory of each kernel, and the wait for panel and first click.

python -m tests.bench.bench_shared_server [PEOPLE] [--small]

Each has a kernel and a HFFT_HOME of their own; all start in the same moment, as in a lesson. Memory is PSS: what
kernels share is counted once. CPU seconds, unlike seconds, do not count what else the machine does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from threading import Barrier

import psutil
from jupyter_client.manager import start_new_kernel

OPEN = "import hfft_widgets as hfft; tuner = hfft.FineTuner(); tuner"
CLICK = "report = tuner.data.validate()"


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    people = numbers[0] if numbers else 2 if "--small" in sys.argv else 8
    together = Barrier(people)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(people) as pool:
        found = list(pool.map(lambda number: lesson(Path(folder, str(number)), together), range(people)))
    print(f"{people} people at once on {os.cpu_count()} CPUs, load before {os.getloadavg()[1]:.1f}")
    for name in ("kernel", "panel", "click"):
        seconds = [one[name] for one in found]
        print(f"{name:8} {median(seconds):6.1f} s, the slowest {max(seconds):6.1f} s")
    print(f"cpu      {median(one['cpu'] for one in found):6.1f} CPU seconds a kernel")
    each = [one["bytes"] / 1e6 for one in found]
    print(f"memory   {median(each):6.0f} MB a kernel, {sum(each):6.0f} MB in all")


def lesson(home: Path, together: Barrier) -> dict[str, float]:
    """One person: open the panel, click once; seconds of each, and the kernel's memory after it."""
    together.wait()
    began = time.monotonic()
    manager, client = start_new_kernel(env={**os.environ, "HFFT_HOME": str(home)}, startup_timeout=300)
    try:
        found = {"kernel": time.monotonic() - began}
        for name, code in (("panel", OPEN), ("click", CLICK)):
            began = time.monotonic()
            reply = client.execute(code, reply=True, timeout=600)["content"]
            assert reply["status"] == "ok", reply
            found[name] = time.monotonic() - began
        together.wait()  # all are there when memory is counted
        kernel = psutil.Process(manager.provisioner.pid)
        found["bytes"], found["cpu"] = memory(kernel), sum(kernel.cpu_times()[:2])
        together.wait()
        return found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def memory(kernel: psutil.Process) -> float:
    one = kernel.memory_full_info()
    return float(getattr(one, "pss", one.uss))


if __name__ == "__main__":
    main()
