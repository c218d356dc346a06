"""The memory that may be used here: the machine's, or what Linux grants this process, in a container say.

With the standard library alone on Linux, so that a run's supervisor can ask; elsewhere psutil answers, where it is.
"""

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of control groups of Linux's version 2 and 1
_USES = ("memory.current", "memory.usage_in_bytes")
_CACHED = ("inactive_file", "total_inactive_file")  # of files, which the system drops where memory is short


def total_bytes(groups=()):
    """All that may ever be used; None where nobody can say.

    Args:
        groups: Folders of this process's control groups, see `threads.own_groups("memory")`.
    """
    known = _meminfo()
    whole = known.get("MemTotal") if known else _asked(lambda psutil: psutil.virtual_memory().total)
    limits = [limit for limit, _ in map(_granted, groups) if limit is not None]
    return min([*([whole] if whole is not None else []), *limits], default=None)


def free_bytes(groups=()):
    """What is free now, swap counted: a machine that swaps is slow, not lost. None where nobody can say.

    Args:
        groups: Folders of this process's control groups, see `threads.own_groups("memory")`.
    """
    known = _meminfo()
    if known:
        free = known.get("MemAvailable", known.get("MemFree", 0)) + known.get("SwapFree", 0)
    else:
        free = _asked(lambda psutil: psutil.virtual_memory().available + psutil.swap_memory().free)
    left = [max(0, limit - used) for limit, used in map(_granted, groups) if limit is not None]
    return min([*([free] if free is not None else []), *left], default=None)


def _meminfo():
    """What Linux says of the machine, in bytes (proc_meminfo(5)); empty elsewhere."""
    try:
        lines = [line.split() for line in MEMINFO.read_text("utf-8").splitlines()]
        return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 2}
    except (OSError, ValueError):
        return {}


def _asked(question):
    try:
        import psutil

        return int(question(psutil))
    except (ImportError, OSError):
        return None


def _granted(group):
    """What a control group may use, and what it cannot give back of that; (None, 0): no limit."""
    limit = _first_number(group, _LIMITS)
    if limit is None:
        return None, 0
    return limit, max(0, (_first_number(group, _USES) or 0) - _cached(group))


def _first_number(group, names):
    for name in names:
        try:
            return int((group / name).read_text("utf-8"))
        except (OSError, ValueError):  # "max" is no number
            continue
    return None


def _cached(group):
    try:
        words = [line.split() for line in (group / "memory.stat").read_text("utf-8").splitlines()]
        return next((int(pair[1]) for name in _CACHED for pair in words if pair[0] == name), 0)
    except (OSError, ValueError, IndexError):
        return 0
