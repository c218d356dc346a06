"""What a recording holds, and the one place that reads the files it is kept in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from hfft_widgets.core.run.events import parse
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunNotFoundError
from hfft_widgets.jobs.base import Submission

_SUFFIX = ".json.gz"


@dataclass(frozen=True)
class Recording:
    """A run that happened, kept with all that it printed.

    Attributes:
        about: What it shows, where and when it was made, and with which versions, in words for people.
        kind: "training" or "export".
        title: Its short name.
        plan: Its plan as JSON values.
        script: The source that ran.
        fingerprint: What was trained.
        stage: How it ended.
        created: Unix time of its launch.
        started: Unix time at which its script started.
        finished: Unix time of its end.
        log: Everything it printed, event lines too.
        exit_code: Of its script.
        message: What its host said about the end.
        usd_per_hour: Price of its machine; 0 of one that cost nothing.
        timeout_seconds: Its time limit, or None.
    """

    about: str
    kind: str
    title: str
    plan: Mapping[str, Any]
    script: str = field(repr=False)
    fingerprint: str
    stage: str
    created: float
    started: float
    finished: float
    log: str = field(repr=False)
    exit_code: int | None = None
    message: str = ""
    usd_per_hour: float = 0.0
    timeout_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """From its launch to its end."""
        return self.finished - self.created

    @property
    def end(self) -> Stage:
        """The stage that it ended with."""
        return Stage(self.stage)

    @cached_property
    def submission(self) -> Submission:
        """What was submitted; its plan says that it is a recording."""
        plan = {**self.plan, "recorded": self.about}
        flavor, seconds = str(plan.get("flavor", "local")), self.timeout_seconds
        return Submission(
            self.kind, self.title, self.script, plan, self.fingerprint, timeout_seconds=seconds, flavor=flavor
        )

    @cached_property
    def output(self) -> bytes:
        """What it printed, as bytes."""
        return self.log.encode()

    def printed(self, moment: float) -> int:
        """How many bytes it had printed at a moment, in Unix time: what has no time came with the next event."""
        if moment >= self.finished:
            return len(self.output)
        return max((end for seconds, end in self._ends if seconds <= moment), default=0)

    @cached_property
    def _ends(self) -> tuple[tuple[float, int], ...]:
        return tuple(self._events())

    def _events(self) -> Iterator[tuple[float, int]]:
        at = 0
        for line in self.output.splitlines(keepends=True):
            at += len(line)
            if event := parse(line.decode("utf-8", "replace").rstrip("\n")):
                yield event.seconds, at

    def packed(self) -> bytes:
        """The file that it is kept in: the same bytes for the same run."""
        return gzip.compress(json.dumps(asdict(self), ensure_ascii=False).encode(), mtime=0)


def names() -> tuple[str, ...]:
    """The recordings there are."""
    return tuple(sorted(entry.name.removesuffix(_SUFFIX) for entry in _folder().iterdir() if _is_one(entry.name)))


@cache
def recording(name: str) -> Recording:
    """The recording of that name.

    Raises:
        RunNotFoundError: There is none; it names those there are.
    """
    if name not in names():
        raise RunNotFoundError(f"There is no recording {name!r}.", remedy=f"Choose one of: {', '.join(names())}.")
    return Recording(**json.loads(gzip.decompress((_folder() / f"{name}{_SUFFIX}").read_bytes())))


def _folder() -> Any:
    return files("hfft_widgets.jobs.replay") / "runs"


def _is_one(name: str) -> bool:
    return name.endswith(_SUFFIX)
