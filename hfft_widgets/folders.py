"""Where this package keeps files on this machine: nothing is created before it is needed.

`HFFT_HOME` moves both folders, e.g. for tests or a larger disk.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

LAYOUT = "v1"  # a new layout gets a new name, so an old one is never misread


def data(*parts: str) -> Path:
    """What must be kept: runs, datasets that scripts read. The parts are joined, nothing is created."""
    return _home("data", user_data_path("hfft-widgets")).joinpath(LAYOUT, *parts)


def cache(*parts: str) -> Path:
    """What can be made again: samples. The parts are joined, nothing is created."""
    return _home("cache", user_cache_path("hfft-widgets")).joinpath(LAYOUT, *parts)


def _home(kind: str, default: Path) -> Path:
    home = os.environ.get("HFFT_HOME")
    return Path(home).expanduser().absolute() / kind if home else default


def size_bytes(folder: Path) -> int:
    """What the files below a folder hold; a file that goes away meanwhile counts as nothing."""
    return sum(_size(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
