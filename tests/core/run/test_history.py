"""Curves have rising steps, whatever order their points came in."""

import math
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.history import MetricHistory, Point

tellings = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.floats(0, 100),
        st.dictionaries(st.sampled_from("abc"), st.none() | st.floats(), max_size=3),
    )
)


@given(tellings)
def test_steps_rise_and_the_later_telling_counts(rows):
    history, expected = MetricHistory(), {}
    for n, (step, seconds, metrics) in enumerate(rows):
        history.add(Event(n, seconds, "log", step=step, metrics=metrics))
        for name, value in metrics.items():
            if value is not None and expected.get((name, step), (-1.0, 0))[0] <= seconds:
                expected[name, step] = (seconds, value)
    for name, points in history.items():
        steps = [point.step for point in points]
        assert steps == sorted(set(steps))
        assert history.last(name) == points[-1] or math.isnan(points[-1].value)
        for point in points:
            assert repr((point.seconds, point.value)) == repr(expected[name, point.step])
    assert sum(map(len, history.values())) == len(expected)


def test_events_without_a_step_or_values_change_nothing():
    history = MetricHistory()
    history.add(Event(0, 1.0, "log", metrics={"loss": 1.0}))
    history.add(Event(1, 1.0, "log", step=1, metrics={"loss": None}))
    assert "loss" not in history or history["loss"] == ()
    assert history.last("loss") is None
    assert history.get("never") is None


ADD_WHILE_READING = """
import gc
from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.history import MetricHistory, Point

history = MetricHistory()

def more(*_):  # stands for a thread that adds points, let in by a finalizer that waits or prints
    for step in range(len(history["loss"]) if "loss" in history else 0, 200_000)[:500]:
        history.add(Event(step, float(step), "log", step=step, metrics={"loss": 1.0}))

more()
gc.callbacks.append(more)
for threshold in (1, 2, 3, 5, 7, 11):
    gc.set_threshold(threshold)
    for _ in range(30):
        points = history["loss"]
        assert points[0].step == 0 and points[-1].step == len(points) - 1
print(len(history["loss"]))
"""


def test_a_collection_of_garbage_in_the_middle_of_a_read_does_not_crash_the_interpreter():
    command = [sys.executable, "-c", ADD_WHILE_READING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 5_000


def test_a_name_may_come_while_others_are_looked_at():
    history = MetricHistory()
    history.add(Event(0, 1.0, "log", step=1, metrics={"a": 1.0, "b": 2.0}))
    for n, name in enumerate(history):
        history.add(Event(1, 1.0, "log", step=1, metrics={f"new{n}{name}": 1.0}))
    assert len(history) == 4


def test_a_new_curve_is_never_seen_empty() -> None:
    class Watched(dict[str, list[Point]]):
        def __setitem__(self, name, points):
            assert points
            super().__setitem__(name, points)

        def setdefault(self, name, points=None):
            assert points
            return super().setdefault(name, points)

    history = MetricHistory()
    history._points = Watched()
    history.add(Event(0, 1.0, "log", step=1, metrics={"loss": 2.0, "reward": None}))
    assert list(history) == ["loss"]
