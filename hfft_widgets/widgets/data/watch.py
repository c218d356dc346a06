"""A look at the file of an open report, twice a second: whoever saves it sees the report follow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SECONDS = 0.5
Version = tuple[int, int]


class FileWatch:
    """Calls back where a file changed. Without a file it holds no thread, and the thread ends with who is called.

    Args:
        changed: Called in the watching thread, once for each saved version.
    """

    def __init__(self, changed: Callable[[], Any]) -> None:
        self._changed = changed
        self._ended = threading.Event()

    def look_at(self, data: Any) -> None:
        """Watch this file from now on, and no other; what is no file is not watched."""
        self._ended.set()
        path = Path(data).expanduser() if isinstance(data, (str, Path)) and str(data).strip() else None
        seen = version(path) if path else None
        if path is not None and seen is not None:
            self._ended = threading.Event()
            arguments = (path, seen, self._ended)
            threading.Thread(target=self._watch, args=arguments, name="hfft-file", daemon=True).start()

    def _watch(self, path: Path, seen: Version, ended: threading.Event) -> None:
        while not ended.wait(_SECONDS):
            now = version(path)
            if now is not None and now != seen:  # a file that is being replaced is not there for a moment
                seen = now
                self._changed()


def version(path: Path) -> Version | None:
    """What changes where a file is saved; None: there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size) if path.is_file() else None
