"""What the Hub tells of a job, in this package's words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hfft_widgets.core.run.foreign import ForeignLog
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.script import read_plan
from hfft_widgets.core.units import duration_text
from hfft_widgets.hub.events import HEADER, Event, text_bytes
from hfft_widgets.hub.jobs_api import JobFacts


def foreign_text() -> Callable[[list[Event]], bytes]:
    """Bytes of a foreign job's events, in which what its trainer prints stands as event lines."""
    log = ForeignLog()

    def render(events: list[Event]) -> bytes:
        return text_bytes([(at, text if text.startswith(HEADER) else log.take(text, _unix(at))) for at, text in events])

    return render


def _unix(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return time.time()


def submitted(facts: JobFacts) -> dict[str, Any]:
    """What a job tells of its submission: everything if this package started it, else its name."""
    script = facts.script
    plan = (read_plan(script) if script else None) or {}
    known = str(facts.labels.get("name") or f"Job {facts.id}")
    return {
        "kind": str(plan.get("kind") or facts.labels.get("hfft_kind") or "training"),
        "title": str(plan.get("title") or known),
        "script": script or " ".join(facts.command),
        "plan": plan,
        "fingerprint": facts.labels.get("hfft_plan", ""),
        "push_to": plan.get("push_to"),
    }


def paid_seconds(facts: JobFacts) -> float | None:
    """Seconds that an ended job is paid for, or None."""
    if facts.running_seconds is not None:
        return facts.running_seconds
    return facts.finished - facts.started if facts.finished and facts.started else None


def stage_of(told: str, started: float | None) -> Stage:
    """The stage; one that is not known here is not taken for an end."""
    if told in Stage.__members__:
        return Stage(told)
    return Stage.RUNNING if started else Stage.SCHEDULING


def message_of(stage: Stage, told: str, message: str, timeout_seconds: float | None) -> str:
    """The Hub's words about an end, as the diagnosis reads them; "" where the exit code says it all."""
    if told not in Stage.__members__:
        return f"The Hub calls its stage {told!r}, which is not known here. {message}".strip()
    if stage is Stage.ERROR and re.search(r"time.?out", message, re.IGNORECASE):
        limit = "it was given" if timeout_seconds is None else duration_text(timeout_seconds)
        return f"It was stopped at its time limit ({limit})."
    return "" if exit_code(message) is not None else message


def exit_code(message: str) -> int | None:
    """The script's exit code from the Hub's words, or None."""
    found = re.search(r"exit code:? (-?\d+)", message, re.IGNORECASE)
    return int(found[1]) if found else None
