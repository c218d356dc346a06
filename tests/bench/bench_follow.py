"""A million log lines of a running job: how soon a curve is there, how fast the whole log, how much memory.

Run it with `python -m tests.bench.bench_follow [LINES]`; it prints one line per figure and ends with 1 if one is out of
bounds. The stand-in Hub runs in a process of its own. The raw transfer is the same stream, read and thrown away.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

LINES = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 1_000_000
SERVER = """
import sys, time
from pathlib import Path
from tests.standin_hub import StandInHub

def line(index):
    if index % 100:
        return f"step {index}: some output of a script that prints about as much as scripts do, and a bit more"
    return f'@hfft {{"n": {index}, "t": {index}.5, "event": "log", "step": {index}, "metrics": {{"loss": 1.5}}}}'

with StandInHub(Path(sys.argv[1])) as hub:
    job = hub.jobs.add(line, count=int(sys.argv[2]), labels={"hfft": "1"})
    print(hub.endpoint, job.id, flush=True)
    sys.stdin.readline()
    job.set_stage("COMPLETED")
    sys.stdin.readline()
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SERVER, folder, str(LINES)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            try:
                endpoint, job_id = server.stdout.readline().split()
                from tests.standin_hub import WRITE_TOKEN

                os.environ |= {"HF_ENDPOINT": endpoint, "HF_TOKEN": WRITE_TOKEN, "HFFT_HOME": folder + "/home"}
                os.environ |= {"HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}
                return measure(server, job_id)
            finally:
                server.kill()


def measure(server: subprocess.Popen[str], job_id: str) -> int:
    from hfft_widgets.jobs.hf.backend import JobsBackend
    from hfft_widgets.jobs.run import Run

    far = JobsBackend()
    far.status(f"user/{job_id}")  # signed in, libraries loaded: as in a notebook that shows the list of runs
    before = memory_mb()
    raws = [raw_seconds(far, job_id)]
    cpu = time.process_time()
    began = time.perf_counter()
    run = Run(far, f"user/{job_id}")
    run.refresh()
    points = len(run.history.get("loss", ()))
    first = time.perf_counter() - began
    cache = far.streams.known(far._wire, ("user", job_id)).cache
    while cache.cursor.count < LINES + 1:
        time.sleep(0.01)
    replay, cpu = time.perf_counter() - began, time.process_time() - cpu
    while run.revision < 2:
        run.refresh()
        time.sleep(0.05)
    shown = time.perf_counter() - began
    assert len(run.history["loss"]) == LINES // 100
    after = memory_mb()
    far.close()
    server.stdin.write("end\n")
    server.stdin.flush()
    time.sleep(0.5)
    raws.append(raw_seconds(far, job_id))
    raw = sum(raws) / 2
    print(f"first curve ({points} points) after {first:.2f} s (bound: 1 s)")
    print(f"whole log on disk after {replay:.1f} s ({cpu:.1f} s of CPU), in the curves after {shown:.1f} s")
    print(f"raw transfer {raws[0]:.1f} and {raws[1]:.1f} s: the replay takes {replay / raw:.2f} times that (bound: 3)")
    print(f"peak memory {after:.0f} MB, {after - before:.0f} MB above the start (bound: 150 MB)")
    slow = LINES >= 1_000_000 and replay > 3 * raw  # of fewer lines the start is most of it
    return int(first >= 1 or slow or after - before > 150 or points == 0)


def raw_seconds(far, job_id: str) -> float:
    from hfft_widgets.hub.wire import Interrupt

    began = time.perf_counter()
    size = 0
    path = f"/api/jobs/user/{job_id}/logs"
    with far._api.wire.stream(path, action="read", interrupt=Interrupt(), read_seconds=60) as chunks:
        for chunk in chunks:
            size += len(chunk)
            if f"step {LINES - 1}:".encode() in chunk:  # a running job's stream does not end
                break
    seconds = time.perf_counter() - began
    print(f"{LINES:,} lines, {size / 1e6:.0f} MB")
    return seconds


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
