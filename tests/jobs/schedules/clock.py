"""A clock that only a test moves: whatever waits by it takes no time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

START = 1_790_000_000.0


class Clock:
    """Stands in for the module `time` in the modules that it is given to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return START + self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)

    def module(self) -> SimpleNamespace:
        return SimpleNamespace(monotonic=self.monotonic, time=self.time, sleep=self.sleep)


class Pause:
    """Stands in for an `Event` or `Interrupt`: to wait moves the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over = False

    def set(self) -> None:
        self._over = True

    def is_set(self) -> bool:
        return self._over

    def wait(self, seconds: float | None = None) -> bool:
        if not self._over:
            self._clock.sleep(seconds or 0.0)
        return self._over


@contextmanager
def simulated(clock: Clock, modules: Iterable[ModuleType]) -> Iterator[None]:
    """Let these modules live by the clock."""
    with ExitStack() as stack:
        shown: Any = clock.module()
        for module in modules:
            stack.enter_context(patch.object(module, "time", shown))
        yield
