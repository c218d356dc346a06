"""From the facts a run left on disk to its stage. Pure: whoever looks gathers the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import duration_text

START_SECONDS = 90.0  # a start that took longer will not come
SILENT_SECONDS = 15.0  # the heart beats about once a second; a slow network disk may hold a few back


@dataclass(frozen=True)
class Facts:
    """What is known of a run.

    Attributes:
        state: What its watcher wrote, or None if it has not written yet.
        now: Unix time.
        created: Unix time of the submission.
        last_seen: Unix time of the last heartbeat or output.
        told: The last of "end", "error" and "stopped" that the script told, or "".
        cancel_asked: Whether somebody asked to cancel it.
        here: Whether the process ids in the state mean something here.
        script_lives: Whether the script lives; means nothing unless `here`.
        watcher_lives: Whether its watcher lives; means nothing unless `here`.
        restarted: Whether the machine was started again since.
        timeout_seconds: The run's limit, or None.
    """

    state: Mapping[str, Any] | None
    now: float
    created: float
    last_seen: float
    told: str = ""
    cancel_asked: bool = False
    here: bool = True
    script_lives: bool = False
    watcher_lives: bool = False
    restarted: bool = False
    timeout_seconds: float | None = None


def judge(facts: Facts) -> tuple[Stage, str]:
    """The stage, and what the place says about the end ("" while it runs, or where the script speaks for itself)."""
    if facts.state is None:
        if facts.now - facts.created < START_SECONDS:
            return Stage.SCHEDULING, ""
        return Stage.ERROR, "It was never started: what started it was ended in the middle of it."
    if facts.state.get("finished") is not None:
        return _ended(facts, facts.state)
    if _lives(facts):
        return (Stage.RUNNING if facts.state.get("started") else Stage.SCHEDULING), ""
    return _vanished(facts)


def _lives(facts: Facts) -> bool:
    if facts.here:
        return facts.script_lives or facts.watcher_lives
    # another machine or container that shares this folder: only its heart can be heard
    return facts.now - facts.last_seen < SILENT_SECONDS


def _ended(facts: Facts, state: Mapping[str, Any]) -> tuple[Stage, str]:
    if state.get("exit_code") == 0 and facts.told == "end":
        return Stage.COMPLETED, ""
    if state.get("stopped_for") == "cancel":
        return Stage.CANCELED, ""
    return Stage.ERROR, _ended_badly(facts, state)


def _ended_badly(facts: Facts, state: Mapping[str, Any]) -> str:
    code, reason = state.get("exit_code"), state.get("stopped_for")
    if reason == "timeout":
        limit = "it was given" if facts.timeout_seconds is None else duration_text(facts.timeout_seconds)
        return f"It was stopped at its time limit ({limit})."
    if reason == "signal":
        return "It was stopped because the system asked its supervisor to end, as at a shutdown."
    if code == 0:
        return "The script ended without telling that it was done."
    if facts.told == "end":
        return f"The script told that it was done, then ended with code {code}."
    return str(state.get("message") or "")


def _vanished(facts: Facts) -> tuple[Stage, str]:
    """Neither script nor watcher live, and no exit code was written: the script's own last word counts."""
    if facts.told == "end":
        return Stage.COMPLETED, ""
    if facts.told != "error" and facts.cancel_asked:
        return Stage.CANCELED, ""
    return Stage.ERROR, "" if facts.told == "error" else _silence(facts)


def _silence(facts: Facts) -> str:
    if facts.told == "stopped":
        return "It was stopped by a signal from outside."
    if facts.restarted:
        return "The machine was restarted while it ran."
    if not facts.here:
        silence = duration_text(facts.now - facts.last_seen)
        return f"It ran in another container or on another machine, which has been silent for {silence}."
    return "The script and its supervisor were ended from outside, without a word in the log."
