"""What went wrong in a run, why, and what to do next. What is not known is said to be unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hfft_widgets.core.run.diagnosis.failure import Failure
from hfft_widgets.core.run.diagnosis.known import FAILURES
from hfft_widgets.core.run.diagnosis.tracebacks import MARK, Raised, ending, fatal, passed_on
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import short

_LONGEST = 500  # characters of evidence that are shown
_LINES = 300  # of the end of a log in which a line outside tracebacks counts
_UNKNOWN = "This error is not one that is known here."
_AGAIN = "The log may show more; launch it again."


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known about a failure.

    Attributes:
        cause: What happened and why, in words; "most often" where it is only likely.
        evidence: What shows it: an exception, lines of the log, what the place said, or the exit code.
        remedy: What to do next.
        change: Settings that help, for `plan.replace(**change)`; None: no setting of the plan does.
        name: The class of failures, e.g. "gpu_memory"; "" where the cause is not known.
        memory: Whether it had too little memory, for sure or most likely: a lighter plan may help.
    """

    cause: str
    evidence: str = ""
    remedy: str = ""
    change: Mapping[str, Any] | None = None
    name: str = ""
    memory: bool = False

    def __str__(self) -> str:
        said = f"The script said: {self.evidence}" if self.evidence else ""
        settings = ", ".join(f"{name}={value!r}" for name, value in (self.change or {}).items())
        change = f"A change that helps: plan.replace({settings})." if settings else ""
        parts = (part for part in (self.cause, said, self.remedy, change) if part)
        # what a script said ends as it likes
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts)


@dataclass(frozen=True, slots=True)
class _End:
    """All that is known of the end of a run."""

    exit_code: int | None
    raised: tuple[Raised, ...]
    log: str
    message: str
    kind: str
    plan: Mapping[str, Any]

    def of(self, failure: Failure, evidence: str, *, rank: int | None = None) -> Diagnosis:
        """The diagnosis of a known failure."""
        value = failure.named(evidence)
        cause, remedy = failure.words(value), failure.advice(value, self.kind)
        if rank is not None:
            cause += f" It happened in process {rank} of those that train together."
        change = failure.change(self.plan) if failure.change else {}
        return Diagnosis(cause, _short(evidence), remedy, change or None, failure.name, failure.memory)


def diagnose(
    stage: Stage,
    *,
    exit_code: int | None = None,
    error: Mapping[str, Any] | None = None,
    log: str = "",
    message: str = "",
    kind: str = "training",
    plan: Mapping[str, Any] | None = None,
) -> Diagnosis | None:
    """Explain the end of a run; None if nothing went wrong (it lives, is complete, or was canceled on request).

    A limit that the place names counts first, then the exception that ended the script, the root of its chain before
    what it led to; then a line of the log, what else the place said, and the exit code.

    Args:
        stage: The run's stage.
        exit_code: Of the script; negative: the signal that ended it; None: not known.
        error: Data of the script's `error` event: "type", "message", and "remedy" where the script knows one.
        log: The end of the output.
        message: What the place that ran it says about the end.
        kind: "training" or "export": what the advice is about.
        plan: The plan as JSON values: what `change` starts from.
    """
    if stage is Stage.DELETED:
        return Diagnosis("The run was deleted. Its folder is gone.", remedy="Launch it again.")
    if stage is not Stage.ERROR:
        return None
    end = _End(exit_code, _raised(error or {}, log, exit_code), log, message, kind, plan or {})
    known = _known(end)
    if error and (own := error.get("remedy")):  # a script that says it knows more than its words tell
        cause = str(error.get("message") or error.get("type") or message)
        return Diagnosis(cause, remedy=str(own), memory=known is not None and known.memory)
    return known or _unknown(end)


def diagnose_log(log: str, exit_code: int | None = None, message: str = "") -> Diagnosis | None:
    """Explain the log of any training; None if nothing in it shows that something went wrong.

    Args:
        log: Its output, or the end of it.
        exit_code: Of the script, if it is known; negative: the signal that ended it.
        message: What the place that ran it says about the end.
    """
    journal = Journal()
    journal.feed(log.encode("utf-8", "replace"))
    ended_well = exit_code == 0 or (exit_code is None and journal.last in {"end", "summary"})
    if ended_well or re.search(r"(?i)\bcancell?ed\b", message):
        return None
    error = journal.data("error") if journal.last == "error" or exit_code is not None else {}
    end = _End(exit_code, _raised(error, journal.log, exit_code), journal.log, message, "training", {})
    if exit_code is None and not message and not end.raised:
        return _by_line(end)
    return _known(end) or _unknown(end)


def _raised(error: Mapping[str, Any], log: str, exit_code: int | None) -> tuple[Raised, ...]:
    """The exceptions that may have ended it: those of the log, and what the script told, unless it stands there."""
    found = fatal(log, exit_code)
    name, message = str(error.get("type") or ""), str(error.get("message") or "")
    if (name or message) and name not in {raised.type for raised in found}:
        found.append(Raised(name, message) if name else Raised(message, ""))
    return tuple(found)


# ---- What is known -----------------------------------------------------------------------------


def _known(end: _End) -> Diagnosis | None:
    return _by_place(end) or _by_exception(end) or _by_line(end) or _by_place(end, late=True) or _by_code(end)


def _by_place(end: _End, *, late: bool = False) -> Diagnosis | None:
    """What the place says; that something ended it is the last thing to go by."""
    for failure in FAILURES:
        if failure.place and (failure.name == "killed") is late and re.search(failure.place, end.message):
            found = end.of(failure, end.message)
            first, _, more = failure.cause.partition(". ")
            own = late or end.message.startswith(first.rstrip("."))
            return replace(found, cause=f"{end.message} {more}".strip(), evidence="") if own else found
    return None


def _by_exception(end: _End) -> Diagnosis | None:
    for failure in FAILURES:
        for raised in end.raised:
            if failure.is_raised_by(raised):
                return end.of(failure, raised.words, rank=raised.rank)
    return None


def _by_line(end: _End) -> Diagnosis | None:
    lines = ending(end.log, _LINES)
    for failure in FAILURES:
        line = next((line for line in lines if failure.line and re.search(failure.line, line)), None)
        if line is not None:
            return end.of(failure, line)
    return None


def _by_code(end: _End) -> Diagnosis | None:
    """The exit code, where nothing else is said; that of the process behind a launcher counts for it."""
    code = passed_on(end.raised)
    code = end.exit_code if code is None else code
    if code is None or (end.message and not end.raised) or any(not raised.points for raised in end.raised):
        return None
    codes = {code, code & 0xFFFFFFFF, 128 - code if 128 < code < 160 else code}
    failure = next((failure for failure in FAILURES if codes & set(failure.codes)), None)
    return end.of(failure, f"exit code {code}") if failure else None


# ---- What is not -------------------------------------------------------------------------------


def _unknown(end: _End) -> Diagnosis:
    raised = next((raised for raised in reversed(end.raised) if not raised.points), None)
    evidence = _shown(raised) if raised else ""
    if end.message:
        return Diagnosis(end.message, evidence, _AGAIN)
    if raised:
        return Diagnosis(f"The script failed. {_UNKNOWN}", evidence, "The log shows where it happened.")
    lines = 1 if MARK in end.log else 3  # none of an error that was survived
    last = " ".join(ending(end.log, lines)) or end.log.rstrip().rpartition("\n")[2]
    if end.exit_code is None:
        return Diagnosis("The run ended, and nothing is known of how.", _short(last), _AGAIN)
    cause = f"The script ended with code {end.exit_code}; the reason is not known."
    return Diagnosis(cause if last else f"{cause} It printed nothing.", _short(last), "The log may show more.")


def _shown(raised: Raised) -> str:
    """An exception with the place that it came from."""
    where = f" (in {raised.frames[-1][1]}, {raised.frames[-1][0]})" if raised.frames else ""
    return _short(raised.words) + where[:200]


def _short(text: str) -> str:
    return short(" ".join(text.split()), _LONGEST, " ...")
