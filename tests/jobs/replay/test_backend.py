"""A recording as a host shows it: by the clock of then, faster, and nothing of it kept."""

from __future__ import annotations

import math

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError, RunNotFoundError
from hfft_widgets.jobs import index, step_times
from hfft_widgets.jobs.replay.backend import Playback, ReplayBackend, playback
from hfft_widgets.jobs.replay.recorded import recording
from hfft_widgets.jobs.run import Run

LONG = "sft"


@pytest.fixture
def run(clock) -> Run:
    return Run(ReplayBackend(), Playback(LONG, 60, clock.seconds).id)


def look(run: Run, clock, seconds: float) -> Run:
    """The run, so many seconds of the recording after its launch."""
    clock.seconds = playback(run.id.partition(":")[2]).began + seconds / 60
    run.refresh()
    return run


def test_an_id_holds_the_whole_showing():
    shown = Playback(LONG, 2.5, 1796032751.412)
    assert shown.id == "sft@2.5x1796032751412"
    assert playback(shown.id) == shown
    assert (playback(LONG).id, playback(LONG).elapsed(0)) == (LONG, math.inf)
    for wrong in ("sft@60x1", "sft@x1796032751412", "../sft", "", "sft@60x1796032751412 "):
        with pytest.raises(RunNotFoundError):
            playback(wrong)


def test_it_happens_again_by_its_own_clock(run, clock):
    kept = recording(LONG)
    assert look(run, clock, 0).stage == Stage.SCHEDULING
    half = look(run, clock, kept.seconds / 2)
    assert (half.stage, half.error, half.stall, half.verdict) == (Stage.RUNNING, None, None, None)
    steps = [point.step for point in half.history["loss"]]
    assert 0 < half.pace.fraction < 1
    assert kept.seconds / 4 < half.pace.seconds_left < kept.seconds
    assert half.to_dict()["seconds"] == pytest.approx(kept.seconds / 2, abs=1)
    events = look(run, clock, kept.seconds + 1).refresh()
    assert (run.stage, run.complete, events) == (Stage.COMPLETED, True, [])
    assert len(run.history["loss"]) > len(steps)
    assert run.verdict.outcome == "learned"
    assert run.to_dict()["seconds"] == pytest.approx(kept.finished - kept.started, abs=1)


def test_points_come_in_the_order_they_were_told(run, clock):
    told = []
    for seconds in range(0, 3600, 20):
        clock.seconds = playback(run.id.partition(":")[2]).began + seconds / 60
        told += run.refresh()
        if run.complete:
            break
    assert [event.n for event in told] == list(range(len(told)))
    whole = Run(ReplayBackend(), LONG)
    assert {name: whole.history[name] for name in whole.history} == {name: run.history[name] for name in run.history}


def test_a_showing_can_be_stopped(run, clock):
    look(run, clock, 120)
    run.cancel()
    clock.seconds += 1000
    assert run.stage == Stage.CANCELED
    assert run.to_dict()["seconds"] < 121
    assert run.verdict is None


def test_nothing_of_it_is_kept_listed_or_counted(run, clock, home):
    look(run, clock, 10_000)
    assert run.complete
    assert index.runs() == index.runs(damaged=True) == index.runs(on="replay") == []
    assert index.runs_frame().empty
    assert step_times._kept() == []
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_what_has_happened_cannot_be_changed(run):
    for act in (run.delete, run.resume):
        with pytest.raises(RunError, match="is a recording"):
            act()
    assert (run.checkpoint_step, run.checkpoint_bytes, run.output, run.best_checkpoint) == (None, 0, None, None)
    assert run.disk_bytes == 0
    run.free_checkpoints()
    with pytest.raises(LaunchError, match="cannot be started as a recording"):
        ReplayBackend().submit(run.submission)


def test_a_rented_machine_has_its_price(clock):
    kept = recording("job")
    run = Run(ReplayBackend(), Playback("job", 60, clock.seconds).id)
    values = look(run, clock, kept.seconds / 2).to_dict()
    assert 0 < values["cost_usd"] < kept.usd_per_hour * kept.seconds / 3600
    assert values["ceiling_usd"] > values["cost_usd"]
    done = look(run, clock, kept.seconds).to_dict()
    assert done["cost_usd"] == pytest.approx(kept.usd_per_hour * (kept.finished - kept.started) / 3600)
    assert done["running_seconds"] == pytest.approx(kept.finished - kept.started)
