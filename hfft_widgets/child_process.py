"""A process of its own that is asked something and answers: what it loads is gone with it.

It is given two files: what is asked, as JSON, and where its answers go, a line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_LOOK_SECONDS, _MOST_SECONDS = 0.2, 600.0


class ChildAnswers(NamedTuple):
    """What a child answered.

    Attributes:
        answers: Its answers, in their order; fewer than were asked for where it ended before.
        last: The last line of what else it said, for who is to know why.
        in_time: Whether it ended by itself.
    """

    answers: list[Any]
    last: str
    in_time: bool = True


def ask_child(
    command: Sequence[str],
    asked: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
    most_seconds: float = _MOST_SECONDS,
) -> ChildAnswers:
    """Start a child, give it what is asked, and wait for its answers; it never outlives this call.

    Args:
        command: The program; the two files follow it.
        asked: JSON values.
        environment: Its own; this process' if not given.
        progress: Called with the answers so far, five times a second; what it raises ends the child.
        most_seconds: It is ended after that.

    Raises:
        OSError: It could not be started.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        given, answers, said = (Path(place) / name for name in ("asked.json", "answers.jsonl", "said.txt"))
        given.write_text(json.dumps(asked), "utf-8")
        with said.open("wb") as output:
            child = subprocess.Popen(
                [*command, str(given), str(answers)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=None if environment is None else dict(environment),
            )  # fmt: skip
            try:
                in_time = _ends(child, answers, progress, most_seconds)
            finally:
                child.kill()
                child.wait()
        found = [json.loads(line) for line in _lines(answers)]
        return ChildAnswers(found, said.read_text("utf-8", "replace").strip().rpartition("\n")[2], in_time)


def _ends(child: subprocess.Popen[bytes], answers: Path, progress: Callable[[int], None], most_seconds: float) -> bool:
    """Wait for its end; whether it came in time."""
    began = time.monotonic()
    while True:
        ended = child.poll() is not None
        progress(len(_lines(answers)))
        left = most_seconds - (time.monotonic() - began)
        if ended or left <= 0:
            return ended
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(min(_LOOK_SECONDS, left))


def _lines(file: Path) -> list[str]:
    """Those that are whole."""
    text = file.read_text("utf-8") if file.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
