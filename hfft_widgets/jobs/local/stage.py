"""From the facts a run left on disk to its stage. Pure: whoever looks gathers the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import duration_text

START_SECONDS = 90.0  # a start that took longer will not come
_ELSEWHERE = "It ran in another container or on another machine"
SILENT_SECONDS = 15.0  # the heart beats about once a second; a slow network disk may hold a few back


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run.

    Attributes:
        state: What its watcher wrote, or None if it has not written yet.
        now: Unix time.
        created: Unix time of the submission.
        last_seen: Unix time of the last heartbeat or output.
        last_word: The last of "end", "error" and "stopped" among the script's events, or "".
        cancel_asked: Whether somebody asked to cancel it.
        here: Whether the process ids in the state mean something here.
        script_lives: Whether the script lives; means nothing unless `here`.
        watcher_lives: Whether its watcher lives; means nothing unless `here`.
        restarted: Whether the machine was started again since.
        timeout_seconds: The run's limit, or None.
        stall_seconds: For how long it may stand still, or None.
        damaged: Whether its watcher wrote a state that cannot be read any more.
        still_seconds: For how long its heart was seen not to beat, by the clock of who looks alone.
    """

    state: Mapping[str, Any] | None
    now: float
    created: float
    last_seen: float
    last_word: str = ""
    cancel_asked: bool = False
    here: bool = True
    script_lives: bool = False
    watcher_lives: bool = False
    restarted: bool = False
    timeout_seconds: float | None = None
    stall_seconds: float | None = None
    damaged: bool = False
    still_seconds: float = 0.0


def judge(facts: RunFacts) -> tuple[Stage, str]:
    """The stage, and what the backend says about the end ("" while it runs, or where the script speaks for itself)."""
    if facts.damaged:
        return _unreadable(facts)
    if facts.state is None:
        if facts.now - facts.created < START_SECONDS:
            return Stage.SCHEDULING, ""
        return Stage.ERROR, "It was never started: what started it was ended in the middle of it."
    if facts.state.get("finished") is not None:
        return _ended(facts, facts.state)
    if _is_over(facts):
        return _vanished(facts)
    # of another machine or container that shares this folder only the heart can be heard: its silence is no end
    silence = f"{_ELSEWHERE}, which has been silent for {duration_text(facts.still_seconds)}. "
    silence += "If that was ended, cancel the run here."
    note = silence if not facts.here and _silent(facts) else ""
    return (Stage.RUNNING if facts.state.get("started") else Stage.SCHEDULING), note


def _is_over(facts: RunFacts) -> bool:
    if facts.here:
        return not (facts.script_lives or facts.watcher_lives)
    return facts.restarted or (_silent(facts) and bool(facts.last_word or facts.cancel_asked))


def _silent(facts: RunFacts) -> bool:
    """Whether its heart stands still: two clocks are never compared, they may differ by hours."""
    return facts.still_seconds >= SILENT_SECONDS


def _unreadable(facts: RunFacts) -> tuple[Stage, str]:
    """Its state is damaged: its heart and its own last word tell."""
    if facts.last_word == "end":
        return Stage.COMPLETED, ""
    if not _silent(facts):
        return Stage.RUNNING, "Its state cannot be read; it is judged by its heartbeat."
    silence = duration_text(facts.still_seconds)
    return Stage.ERROR, f"Its state cannot be read, and it has been silent for {silence}."


def _ended(facts: RunFacts, state: Mapping[str, Any]) -> tuple[Stage, str]:
    if state.get("exit_code") == 0 and facts.last_word == "end":
        return Stage.COMPLETED, ""
    if state.get("stopped_for") == "cancel":
        return Stage.CANCELED, ""
    return Stage.ERROR, _ended_badly(facts, state)


def _ended_badly(facts: RunFacts, state: Mapping[str, Any]) -> str:
    code, reason = state.get("exit_code"), state.get("stopped_for")
    if reason == "timeout":
        limit = "it was given" if facts.timeout_seconds is None else duration_text(facts.timeout_seconds)
        return f"It was stopped at its time limit ({limit})."
    if reason == "stall":
        return f"It was stopped: nothing moved for {duration_text(facts.stall_seconds or 0)}, the limit it was given."
    if reason == "signal":
        return "It was stopped because the system asked its supervisor to end, as at a shutdown."
    if code == 0:
        return "The script ended without saying that it was done."
    if facts.last_word == "end":
        return f"The script said that it was done, then ended with code {code}."
    return str(state.get("message") or "")


def _vanished(facts: RunFacts) -> tuple[Stage, str]:
    """Neither script nor watcher live, and no exit code was written: the script's own last word counts."""
    if facts.last_word == "end":
        return Stage.COMPLETED, ""
    if facts.last_word != "error" and facts.cancel_asked:
        return Stage.CANCELED, ""
    return Stage.ERROR, "" if facts.last_word == "error" else _silence(facts)


def _silence(facts: RunFacts) -> str:
    if facts.last_word == "stopped":
        return "It was stopped by a signal from outside."
    if facts.restarted:
        return "The machine was restarted while it ran."
    if not facts.here:
        return f"{_ELSEWHERE}, and ended there without a word."
    if (facts.state or {}).get("waiting"):
        return "It was ended from outside while it waited for its turn: nothing had begun. Launch it again."
    started, limit = (facts.state or {}).get("started"), facts.timeout_seconds
    latest = ""
    if started is not None and limit is not None and facts.now - started >= limit:  # the system holds it, wordless
        latest = f", the script at the latest at its time limit ({duration_text(limit)})"
    return f"The script and its supervisor were ended from outside, without a word in the log{latest}."
