"""The kernel's side of LivePlot: what travels, and what a page that opens is given. (The page: tests/browser.)"""

from __future__ import annotations

import gzip
import math
import subprocess
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.errors import HfftError
from hfft_widgets.widgets.live_plot import LivePlot, Together

NAN = float("nan")


class Wire:
    """Everything a plot publishes, and what a page that keeps to the protocol makes of it."""

    def __init__(self, plot: LivePlot) -> None:
        self.messages: list[dict[str, Any]] = []
        self.bytes = 0
        self.seq = 0
        self.curves: dict[str, dict[float, float]] = {}
        self.gaps = 0
        others = plot.comm.publish_msg
        plot.comm.publish_msg = lambda *args, **kwargs: (others(*args, **kwargs), self._published(*args, **kwargs))
        self.start(plot.get_state()["_hist"])

    def start(self, held: dict[str, Any]) -> None:
        self.curves = {name: {} for name in held["names"]}
        self._take(held["names"], _curves(held["counts"], held["data"]), held["seq"])

    def _published(self, _type: str, data: dict[str, Any] | None = None, buffers: Any = (), **_: Any) -> None:
        if (data or {}).get("method") != "custom":
            return
        content = data["content"]
        self.bytes += sum(len(part) for part in buffers)
        curves = _curves([count for _, one in content["of"] for count in one["counts"]], buffers[0])
        [(_, message)] = content["of"]  # alone: plots that are together have a test of their own
        self.messages.append(message)
        if message.get("whole"):
            self.curves = {name: {} for name in message["names"]}
            self._take(message["names"], curves, message["seq"])
        elif message["seq"] > self.seq:
            self.gaps += message["seq"] != self.seq + 1
            self._take(message.get("names", list(self.curves)), curves, message["seq"])

    def _take(self, names: list[str], curves: list[dict[float, float]], seq: int) -> None:
        for name, points in zip(names, curves, strict=True):
            self.curves.setdefault(name, {}).update(points)
        self.seq = seq


def _curves(counts: list[int], data: bytes) -> list[dict[float, float]]:
    """What a page unpacks: a negative count is of a curve at the x of the last one with points."""
    numbers, x, found = array("d", bytes(data)), array("d"), []
    for count in counts:
        if count > 0:
            x, numbers = numbers[:count], numbers[count:]
        y, numbers = numbers[: abs(count)], numbers[abs(count) :]
        found.append(dict(zip(x if count else (), y, strict=True)))
    assert not numbers
    return found


def test_importing_it_loads_neither_numpy_nor_plotly() -> None:
    code = "import sys, hfft_widgets.widgets.live_plot; print([m for m in ('numpy', 'plotly') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_points_arrive_as_they_were_given() -> None:
    plot = LivePlot(["loss"])
    wire = Wire(plot)
    plot.append("loss", 1, 2.5)
    plot.append("loss", [2, 3], [NAN, 1 / 3])
    plot.append("eval_loss", 3, math.inf)
    plot.flush()
    assert [message.get("whole") for message in wire.messages] == [None]
    assert wire.messages[0]["names"] == ["loss", "eval_loss"]
    assert wire.curves["loss"][1] == 2.5
    assert math.isnan(wire.curves["loss"][2])
    assert wire.curves["loss"][3] == 1 / 3
    assert wire.curves["eval_loss"] == {3: math.inf}
    assert plot.names == ("loss", "eval_loss")


def test_numpy_arrays_and_scalars_are_numbers_too() -> None:
    import numpy as np

    plot = LivePlot()
    wire = Wire(plot)
    plot.append("loss", np.arange(3), np.linspace(1, 2, 3, dtype="f4"))
    plot.append("loss", np.int64(3), np.float32(0.5))
    plot.flush()
    assert wire.curves["loss"] == {0: 1.0, 1: 1.5, 2: 2.0, 3: 0.5}


def test_nothing_new_sends_nothing() -> None:
    plot = LivePlot(["loss"])
    wire = Wire(plot)
    plot.flush()
    plot.append("loss", 1, 1)
    plot.flush()
    plot.flush()
    assert len(wire.messages) == 1


@pytest.mark.parametrize(("x", "expected"), [(2, {1: 1, 2: 9, 3: 3}), (1.5, {1: 1, 1.5: 9, 2: 2, 3: 3})])
def test_a_point_from_the_past_takes_its_place(x: float, expected: dict[float, float]) -> None:
    """A resumed run tells the steps since its checkpoint again."""
    plot = LivePlot(["loss"])
    wire = Wire(plot)
    plot.append("loss", [1, 2, 3], [1, 2, 3])
    plot.flush()
    plot.append("loss", x, 9)
    plot.flush()
    assert wire.messages[-1]["whole"]
    assert wire.curves["loss"] == expected


def test_an_empty_append_loses_nothing_that_waits() -> None:
    plot = LivePlot(max_hz=0.01)
    wire = Wire(plot)
    plot.append("loss", 0, 1.0)
    plot.append("loss", [], [])
    plot.flush()
    assert wire.curves == {"loss": {0: 1.0}}


_VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(math.inf))
_POINTS = st.lists(st.tuples(st.integers(0, 60), _VALUES), max_size=8)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from("abc"), _POINTS),
        st.tuples(st.just("replace"), st.sampled_from("abc"), _POINTS),
        st.tuples(st.just("clear")),
        st.tuples(st.just("flush")),
    ),
    max_size=30,
)


@given(_STEPS)
@settings(max_examples=150, deadline=None)
def test_a_page_sees_what_was_given_whenever_it_opens(steps: list[tuple[Any, ...]]) -> None:
    """Early pages live on messages, late ones on the state and the messages after it; both end with the same."""
    plot = LivePlot(["a"], max_hz=0.01)  # flushes happen where the steps say
    early, late = Wire(plot), None
    expected: dict[str, dict[float, float]] = {"a": {}}
    for i, (action, *args) in enumerate(steps):
        if i == len(steps) // 2:
            late = Wire(plot)
        if action in {"append", "replace"}:
            name, points = args
            getattr(plot, action)(name, [x for x, _ in points], [y for _, y in points])
            if action == "replace":
                expected[name] = {}
            expected.setdefault(name, {}).update(points)
        elif action == "clear":
            plot.clear()
            expected.clear()
        else:
            plot.flush()
            assert early.curves == expected
    plot.flush()
    assert early.curves == expected
    assert list(early.curves) == list(plot.names)
    assert early.gaps == 0
    assert late is None or (late.curves, late.gaps) == (expected, 0)
    assert Wire(plot).curves == expected
    plot.close()


def test_what_is_held_and_sent_is_bounded_and_keeps_the_spikes() -> None:
    plot = LivePlot(cap=100, max_hz=0.01)
    wire = Wire(plot)
    values = [math.sin(k / 500) for k in range(50_000)]
    values[12_345], values[23_456], values[34_567] = 9.0, -9.0, NAN
    for start in range(0, 50_000, 1000):
        plot.append("loss", range(start, start + 1000), values[start : start + 1000])
        plot.flush()
        held = plot.get_state()["_hist"]
        assert held["counts"][0] <= 2 * plot.cap
    kept = Wire(plot).curves["loss"]
    assert (kept[12_345], kept[23_456]) == (9.0, -9.0)
    assert math.isnan(kept[34_567])
    assert {0, 49_999} <= set(kept)
    assert all(kept[x] == values[int(x)] for x in kept if x != 34_567)
    assert wire.bytes <= 50 * 16 * (plot.cap + 60), "a message holds about cap points"


def test_at_most_max_hz_messages_leave_and_the_last_point_does() -> None:
    plot = LivePlot(["loss"], max_hz=5)
    wire = Wire(plot)
    start = time.monotonic()
    k = 0
    while time.monotonic() - start < 1.1:
        plot.append("loss", k, k)
        k += 1
        time.sleep(0.005)
    deadline = time.monotonic() + 5
    while len(wire.curves["loss"]) < k and time.monotonic() < deadline:
        time.sleep(0.02)
    seconds = time.monotonic() - start
    assert list(wire.curves["loss"]) == list(range(k))
    assert 2 <= len(wire.messages) <= 5 * seconds + 2


def test_any_thread_may_append() -> None:
    plot = LivePlot(max_hz=50, cap=5000)
    wire = Wire(plot)
    threads = [
        threading.Thread(target=lambda name=name: [plot.append(name, k, k) for k in range(800)]) for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    plot.flush()
    assert wire.gaps == 0
    assert wire.curves == {name: {float(k): float(k) for k in range(800)} for name in plot.names}
    assert sorted(plot.names) == list("abcd")


def test_points_travel_in_the_state_only_when_a_page_asks_for_it() -> None:
    plot = LivePlot(["loss"])
    plot.append("loss", 1, 2)
    plot.flush()
    assert plot.get_state()["_hist"]["counts"] == [1]
    assert plot.get_state(["_hist"])["_hist"]["counts"] == [1]
    assert "_hist" not in plot.get_state(["title"])
    assert "_hist" not in plot.get_state("title")


def test_a_page_that_missed_something_is_sent_all() -> None:
    plot = LivePlot(["loss"])
    wire = Wire(plot)
    plot.append("loss", [1, 2], [3, 4])
    plot.flush()
    plot._answer(plot, {"type": "sync"}, [])
    assert wire.messages[-1]["whole"]
    assert wire.messages[-1]["seq"] == wire.messages[0]["seq"]
    assert wire.curves["loss"] == {1: 3, 2: 4}
    plot._answer(plot, {"type": "sync", "seq": plot._seq}, [])
    assert len(wire.messages) == 2, "who has all of them is sent nothing"


def test_plots_that_are_together_share_their_messages() -> None:
    together = Together()
    plots = [LivePlot(together=together, max_hz=0.01) for _ in range(3)]
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    for plot in plots:
        plot.send = lambda content, buffers=None: sent.append((content, buffers))
        plot.append("loss", 1, 2.0)
    plots[0].flush()
    [(content, [data])] = sent
    assert [uid for uid, _ in content["of"]] == [plot._uid for plot in plots]
    assert [message["counts"] for _, message in content["of"]] == [[1], [-1], [-1]], "the x of a step travels once"
    assert data == array("d", [1.0, 2.0, 2.0, 2.0]).tobytes()
    plots[1].append("loss", 2, 2.0)
    together.flush()
    assert sent[-1][0]["of"] == [[plots[1]._uid, {"counts": [1], "seq": 2}]]
    for plot in plots:
        plot.close()
    assert together.timer is None


def test_the_bundle_is_the_installed_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    import plotly

    plot = LivePlot()
    sent: list[tuple[dict[str, Any], Any]] = []
    monkeypatch.setattr(plot, "send", lambda content, buffers=None: sent.append((content, buffers)))
    plot._answer(plot, {"type": "bundle"}, [])
    [(content, [data])] = sent
    assert content == {"type": "bundle"}
    assert len(data) < 2_500_000
    assert gzip.decompress(data) == (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2], [1], "2 x and 1 y"),
        (NAN, 1, "not finite"),
        ([1, math.inf], [1, 2], "not finite"),
        ("12", "34", "takes numbers"),
        (1, None, "takes numbers"),
    ],
)
@pytest.mark.parametrize("method", ["append", "replace"])
def test_what_cannot_be_drawn_is_refused_and_changes_nothing(method: str, x: Any, y: Any, words: str) -> None:
    plot = LivePlot()
    plot.append("loss", 1, 1)
    with pytest.raises(HfftError, match=words):
        getattr(plot, method)("loss", x, y)
    with pytest.raises(HfftError, match=words):
        getattr(plot, method)("other", x, y)
    wire = Wire(plot)
    plot.flush()
    assert wire.curves == {"loss": {1: 1}}


def test_closing_leaves_no_timer() -> None:
    plot = LivePlot(max_hz=0.01)
    plot.append("loss", 1, 1)
    plot.flush()
    plot.append("loss", 2, 2)
    timer = plot._together.timer
    assert timer is not None
    assert timer.is_alive()
    plot.close()
    timer.join(5)
    assert not timer.is_alive()


def test_a_curve_of_another_run_travels_like_its_own_and_goes_with_a_clear() -> None:
    plot = LivePlot()
    wire = Wire(plot)
    plot.append("loss", [1, 2], [3.0, 2.0])
    plot.lay_beside("loss (earlier)", "loss", [1, 5], [4.0, 1.0])
    plot.flush()
    assert wire.curves == {"loss": {1: 3.0, 2: 2.0}, "loss (earlier)": {1: 4.0, 5: 1.0}}
    assert plot.get_state()["_beside"] == {"loss (earlier)": "loss"}
    plot.clear()
    plot.append("loss", 1, 3.0)
    plot.flush()
    assert wire.curves == {"loss": {1: 3.0}}
    assert plot.get_state()["_beside"] == {}
