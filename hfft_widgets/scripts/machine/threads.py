"""How many threads a process may use, and that those which wait do not spin.

By default every library starts a thread per CPU of the machine, also in a container that may use two of them, and
idle threads spin. Beside other work they then wait for each other, and the same training takes several times as long.
"""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}


def usable_threads():
    """Threads that all of this process's work may use: what a person set, else the CPUs that are free."""
    for name in ("HFFT_THREADS", "OMP_NUM_THREADS"):
        first = os.environ.get(name, "").split(",")[0].strip()
        if first.isdigit() and int(first):
            return int(first)
    allowed = max(1, int(min(affinity(), cpu_quota())))
    idle = (os.cpu_count() or 1) - (os.getloadavg()[0] if hasattr(os, "getloadavg") else 0)
    # a load passes and a run lasts: it never gets less than half of what it may use
    return max(1, (allowed + 1) // 2, min(allowed, round(idle)))


def thread_environment(processes=1) -> dict[str, str]:
    """Variables for a process that is started, `processes` of which share the CPUs; a person's own stay as they are."""
    threads = str(max(1, usable_threads() // processes))
    # the first is handed on, so that what starts later does not take our own work for somebody else's
    wanted = {"HFFT_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, **PASSIVE}
    ours = os.environ.get("HFFT_THREADS")
    return {name: value for name, value in wanted.items() if os.environ.get(name) in {None, ours}}


def affinity():
    """CPUs this process is bound to."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota():
    """CPU seconds per second that Linux grants this process's control group and those above it; infinite if not set."""
    return min((_quota_of(folder) for folder in own_groups("cpu")), default=float("inf"))


def own_groups(controller):
    """Folders of this process's control groups and of those above them, of Linux's version 2 and 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return set()
    groups = [Path(line.split(":", 2)[-1].strip("/")) for line in lines]
    inside = {folder for group in groups for folder in (group, *group.parents)}
    return {root / folder for root in (CGROUPS, CGROUPS / controller) for folder in inside}


def _quota_of(folder):
    """The quota of one control group."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / name).read_text("utf-8") for name in names).split()
        except (OSError, ValueError):
            continue
        if quota.isdigit():
            return int(quota) / int(period)
    return float("inf")
