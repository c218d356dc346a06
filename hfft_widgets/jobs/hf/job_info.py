"""What the Hub says of a job, in this package's words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.run.foreign import ForeignLog
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.script import read_plan
from hfft_widgets.core.units import duration_text
from hfft_widgets.hub.hardware import hardware
from hfft_widgets.hub.jobs_api import JobFacts
from hfft_widgets.hub.streams.events import HEADER, LogLine, text_bytes
from hfft_widgets.hub.token import own_mask
from hfft_widgets.jobs.base import JobStatus

if TYPE_CHECKING:
    from hfft_widgets.jobs.hf.poller import Seen

PAGE = "https://huggingface.co/jobs"
ATTEMPT_LABEL = "hfft_attempt"


def foreign_text() -> Callable[[list[LogLine]], bytes]:
    """Bytes of a foreign job's events, in which what its trainer prints stands as event lines."""
    log = ForeignLog()

    def render(events: list[LogLine]) -> bytes:
        return text_bytes([(at, text if text.startswith(HEADER) else log.take(text, _unix(at))) for at, text in events])

    return render


def _unix(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return time.time()


def submitted(facts: JobFacts) -> dict[str, Any]:
    """What a job says of its submission: everything if this package started it, else its name."""
    script = facts.script
    plan = (read_plan(script) if script else None) or {}
    known = str(facts.labels.get("name") or f"Job {facts.id}")
    return {
        "kind": str(plan.get("kind") or facts.labels.get("hfft_kind") or "training"),
        "title": str(plan.get("title") or known),
        "script": own_mask().hide(script or " ".join(facts.command)),
        "plan": plan,
        "fingerprint": facts.labels.get("hfft_plan", ""),
        "attempt": attempt_of(facts),
        "push_to": plan.get("push_to"),
    }


def attempt_of(facts: JobFacts) -> int:
    """Which launch of its fingerprint a job is; those of versions that did not count are the first."""
    label = str(facts.labels.get(ATTEMPT_LABEL, ""))
    return int(label) if label.isdecimal() else 1


def news(seen: Seen, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a look says that is not written down yet: the submission, the price, and the end."""
    facts = seen.facts
    found: dict[str, Any] = {}
    if not kept.get("created"):
        found |= submitted(facts) | {"created": facts.created or seen.time, "flavor": facts.flavor}
    if kept.get("usd_per_hour") is None and facts.flavor:
        machine = hardware().flavor(facts.flavor)
        found |= {"usd_per_hour": machine.usd_per_hour} if machine else {}
    if facts.final:
        found["ended"] = {
            "stage": facts.stage,
            "message": facts.message,
            "started": facts.started,
            "finished": facts.finished or seen.time,
        }
        found["running_seconds"] = paid_seconds(facts)
    return found


def status(job: tuple[str, str], kept: Mapping[str, Any], seen: Seen | None, *, behind: bool, note: str) -> JobStatus:
    """Where a job stands.

    Args:
        job: Namespace and job id.
        kept: What is written down of it.
        seen: The last look; None: it has ended, and nobody looked again.
        behind: Whether older output is still being fetched.
        note: What keeps this machine from seeing more of it, or "".
    """
    ended = kept.get("ended") or {}
    facts = seen.facts if seen else None
    word = str(ended.get("stage") or (facts.stage if facts else ""))
    started = ended.get("started") or (facts.started if facts else None)
    stage = stage_of(word, started)
    if seen and started and not seen.facts.final and seen.running_seconds is not None:
        started = time.time() - seen.running_seconds  # this machine's clock need not be the Hub's
    message = str(ended.get("message") or (facts.message if facts else ""))
    seconds = kept.get("running_seconds") if ended else seen.running_seconds if seen else None
    price = kept.get("usd_per_hour")
    words = (message_of(stage, word, message, kept.get("timeout_seconds")), note)
    return JobStatus(
        stage=stage,
        created=float(kept.get("created") or 0),
        started=started,
        finished=ended.get("finished"),
        exit_code=exit_code(message) if stage is Stage.ERROR else None,
        message=" ".join(filter(None, words)),
        heartbeat=seen.time if seen else ended.get("finished"),
        cost_usd=None if seconds is None or price is None else seconds * price / 3600,
        behind=behind,
        page=f"{PAGE}/{'/'.join(job)}",
    )


def paid_seconds(facts: JobFacts) -> float | None:
    """Seconds that an ended job is paid for, or None."""
    if facts.running_seconds is not None:
        return facts.running_seconds
    return facts.finished - facts.started if facts.finished and facts.started else None


def stage_of(word: str, started: float | None) -> Stage:
    """The stage; one that is not known here is not taken for an end."""
    if word in Stage.__members__:
        return Stage(word)
    return Stage.RUNNING if started else Stage.SCHEDULING


def message_of(stage: Stage, word: str, message: str, timeout_seconds: float | None) -> str:
    """The Hub's words about an end, as the diagnosis reads them; "" where the exit code says it all."""
    if word not in Stage.__members__:
        return f"The Hub calls its stage {word!r}, which is not known here. {message}".strip()
    if stage is Stage.ERROR and re.search(r"time.?out", message, re.IGNORECASE):
        limit = "it was given" if timeout_seconds is None else duration_text(timeout_seconds)
        return f"It was stopped at its time limit ({limit})."
    return "" if exit_code(message) is not None else message


def exit_code(message: str) -> int | None:
    """The script's exit code from the Hub's words, or None."""
    found = re.search(r"exit code:? (-?\d+)", message, re.IGNORECASE)
    return int(found[1]) if found else None
