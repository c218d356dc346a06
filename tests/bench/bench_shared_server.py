"""Several people on one server at once: memory of each kernel, the wait for panel and first click, and trainings.

python -m tests.bench.bench_shared_server [PEOPLE] [--train] [--small]

Each has a kernel and a HFFT_HOME of their own; all start in the same moment, as in a lesson. Memory is PSS: what
processes share is counted once. CPU seconds, unlike seconds, do not count what else the machine does. With `--train`
each then trains the sample for ten steps with one thread: how many run at once, what they hold together, and how long
the last one waits for its turn.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Self

import psutil
from jupyter_client.manager import start_new_kernel

OPEN = "import hfft_widgets as hfft; tuner = hfft.FineTuner(); tuner"
CLICK = "report = tuner.data.validate()"
TRAIN = "run = hfft.launch(hfft.plan_training('sample:model', report, max_steps=10)).wait(); status = run.status"
WAITED = {"turn": "status.started - status.created", "training": "status.finished - status.started"}


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    people = numbers[0] if numbers else 2 if "--small" in sys.argv else 8
    together, trains = Barrier(people), "--train" in sys.argv
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(people) as pool, Trainings(Path(folder)) as seen:
        found = list(pool.map(lambda number: lesson(Path(folder, str(number)), together, trains), range(people)))
    print(f"{people} people at once on {os.cpu_count()} CPUs, load before {os.getloadavg()[1]:.1f}")
    for name in ("kernel", "panel", "click", *(WAITED if trains else ())):
        seconds = [one[name] for one in found]
        print(f"{name:8} {median(seconds):6.1f} s, the slowest {max(seconds):6.1f} s")
    print(f"cpu      {median(one['cpu'] for one in found):6.1f} CPU seconds a kernel")
    each = [one["bytes"] / 1e6 for one in found]
    print(f"memory   {median(each):6.0f} MB a kernel, {sum(each):6.0f} MB in all")
    if trains:
        print(f"trainings {seen.most:5} at once at most, {seen.bytes / 1e6:.0f} MB together")
        print(f"trainings {median(seen.cpu.values()):5.1f} CPU seconds each")


def lesson(home: Path, together: Barrier, trains: bool) -> dict[str, float]:
    """One person: open the panel, click once, train; seconds of each, and the kernel's memory after the click."""
    together.wait()
    began = time.monotonic()
    own = {"HFFT_HOME": str(home), "HFFT_QUEUE": str(home.parent / "queue"), "HFFT_THREADS": "1"}
    manager, client = start_new_kernel(env={**os.environ, **own}, startup_timeout=300)
    try:
        found = {"kernel": time.monotonic() - began}
        for name, code in (("panel", OPEN), ("click", CLICK)):
            began = time.monotonic()
            run(client, code)
            found[name] = time.monotonic() - began
        together.wait()  # all are there when memory is counted
        kernel = psutil.Process(manager.provisioner.pid)
        found["bytes"], found["cpu"] = memory(kernel), sum(kernel.cpu_times()[:2])
        together.wait()
        if trains:
            found |= run(client, TRAIN, WAITED)
        return found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code: str, asked: dict[str, str] | None = None) -> dict[str, float]:
    """Run code in a kernel; the values of expressions after it."""
    reply = client.execute(code, reply=True, timeout=1800, user_expressions=asked or {})["content"]
    assert reply["status"] == "ok", reply
    return {name: float(value["data"]["text/plain"]) for name, value in reply["user_expressions"].items()}


class Trainings:
    """Counts trainings while they run: how many at once, and their memory together, at most; CPU seconds of each.

    Args:
        folder: In which they keep their files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.most, self.bytes = 0, 0.0
        self.cpu: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(1):
            held = list(self._held())
            self.most, self.bytes = max(self.most, len(held)), max(self.bytes, sum(held))

    def _held(self) -> Iterator[float]:
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.Error):
                if (process.info["cmdline"] or [""])[-1] == "script.py" and process.cwd().startswith(str(self.folder)):
                    self.cpu[process.pid] = sum(process.cpu_times()[:2])
                    yield memory(process)


def memory(one: psutil.Process) -> float:
    held = one.memory_full_info()
    return float(getattr(held, "pss", held.uss))


if __name__ == "__main__":
    main()
