"""What a run logs reaches the monitor's plots, for each method, while it runs."""

from __future__ import annotations

import pytest

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.curves import groups
from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.health import Best
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.widgets.curves import MOST, SMALL, Curves
from tests.core.run.test_curves import METRICS
from tests.widgets.html import page


class Logged:
    """A run that logs, as the part sees it."""

    best = None

    def __init__(self, method: str = "") -> None:
        self.journal = Journal()
        self.history = self.journal.history
        self._telling = METHODS[method].curves if method else ()

    @property
    def curves(self):
        return groups(self.history, self._telling)

    def log(self, step: int, **metrics: float | None) -> Event:
        event = Event(step, float(step), "log", step, metrics=metrics)
        self.history.add(event)
        return event


def points(part: Curves, name: str) -> list[tuple[float, float]]:
    plot = next(plot for plot in part.plots.values() if name in plot.names)
    series = plot._series[name]
    return list(zip([*series.x, *series.new_x], [*series.y, *series.new_y], strict=True))


def shown(part: Curves, small: int = SMALL) -> tuple[list[str], list[str]]:
    """The titles of the plots in view, and of those in the fold."""
    whole = page(str(part.view(small)))
    folded = [one.words for fold in whole.all(tag="details") for one in fold.all(tag="figcaption")]
    every = [one.words for one in whole.all(tag="figcaption")]
    return [title.split(",")[0] for title in every if title not in folded], [one.split(",")[0] for one in folded]


@pytest.mark.parametrize("method", METHODS)
def test_all_that_a_method_logs_is_drawn_but_bookkeeping(method):
    run, part = Logged(method), Curves()
    part.draw(run)
    frames = page(str(part.view())).all(tag="figure")
    part.extend(run, [run.log(5, **dict.fromkeys(METRICS[method], 1.0))])
    drawn = [name for plot in part.plots.values() for name in plot.names]
    assert sorted(drawn) == sorted(name for group in run.curves for name in group.names)
    assert {"loss", "learning_rate", "grad_norm", *METHODS[method].curves} <= set(drawn)
    assert not {"epoch", "num_tokens", "total_flos"} & set(drawn)
    assert all(points(part, name) == [(5.0, 1.0)] for name in drawn)
    titles = [group.title for group in run.curves]
    assert shown(part) == (titles[: 1 + SMALL], titles[1 + SMALL :])
    assert shown(part, 0) == (titles[:1], titles[1:])
    assert len(frames) == 1 + SMALL  # before the first point, their places are kept
    slots = [one["data-widget"] for one in page(str(part.view())).all(class_="plot-slot")]
    assert slots == [plot.model_id for plot in part.plots.values()]


def test_curves_grow_and_a_metric_that_comes_later_takes_its_place():
    run, part = Logged("SFT"), Curves()
    part.draw(run)
    part.extend(run, [run.log(1, eval_loss=4.0)])
    part.extend(run, [run.log(2, loss=3.0, grad_norm=None), run.log(3, loss=2.0, entropy=0.5)])
    plot = part.plots["Loss", "loss"]
    assert plot.names == ("loss", "eval_loss")  # the training's curve has the first colour
    assert points(part, "loss") == [(2.0, 3.0), (3.0, 2.0)]
    assert [title for title, _ in part.plots] == ["Loss", "Entropy"]
    part.extend(run, [run.log(4, loss=1.0)])
    assert part.plots["Loss", "loss"] is plot
    assert points(part, "loss")[-1] == (4.0, 1.0)
    assert shown(part)[1] == []


def test_older_points_that_come_late_are_drawn():
    run, part = Logged(), Curves()
    part.draw(run)
    part.extend(run, [run.log(9, loss=1.0)])
    run.log(1, loss=5.0)
    part.draw(run)
    assert points(part, "loss") == [(1.0, 5.0), (9.0, 1.0)]


def test_another_run_begins_with_nothing():
    run, part = Logged(), Curves()
    part.draw(run)
    part.extend(run, [run.log(1, loss=1.0, mine=2.0)])
    part.clear()
    assert part.plots == {}
    other = Logged()
    part.draw(other)
    part.extend(run, [run.log(2, loss=2.0)])  # said too late
    part.extend(other, [other.log(1, loss=7.0)])
    assert list(part.plots) == [("Loss", "loss")]
    assert points(part, "loss") == [(1.0, 7.0)]


def test_a_metric_called_like_a_plot_has_a_plot_of_its_own():
    run, part = Logged(), Curves()
    part.draw(run)
    part.extend(run, [run.log(1, loss=1.0, Loss=2.0)])
    assert list(part.plots) == [("Loss", "loss"), ("Loss", "Loss")]


def test_any_number_of_metrics_makes_a_bounded_number_of_plots():
    run, part = Logged(), Curves()
    part.draw(run)
    for step in range(4):
        part.extend(run, [run.log(step, **{f"m{n:03}": 1.0 for n in range(50 * (step + 1))}, loss=1.0)])
    assert len(part.plots) == MOST
    assert len(points(part, "loss")) == 4


def beside(part: Curves) -> dict[str, list[tuple[float, float]]]:
    """The curves of another run, with their points."""
    names = [name for plot in part.plots.values() for name in plot._beside]
    assert {name: plot._beside[name] for plot in part.plots.values() for name in plot._beside} == {
        name: name.partition(" ")[0] for name in names
    }
    return {name: points(part, name) for name in names}


def test_another_run_lies_beside_while_the_own_one_grows():
    run, other, part = Logged(), Logged(), Curves()
    for step in (1, 2, 3):
        other.log(step, loss=9.0 / step, mine=1.0)
    part.draw(run)
    part.extend(run, [run.log(1, loss=5.0)])
    part.compare({"28 Nov 14:05": other.history})
    dashed = [(1.0, 9.0), (2.0, 4.5), (3.0, 3.0)]
    assert beside(part) == {"loss (28 Nov 14:05)": dashed}  # nothing of what this run does not log
    part.extend(run, [run.log(2, loss=4.0, mine=2.0)])
    assert points(part, "loss") == [(1.0, 5.0), (2.0, 4.0)]
    assert beside(part) == {"loss (28 Nov 14:05)": dashed, "mine (28 Nov 14:05)": [(s, 1.0) for s in (1.0, 2.0, 3.0)]}
    part.compare({})
    assert beside(part) == {}
    assert [plot.names for plot in part.plots.values()] == [("loss",), ("mine",)]
    assert points(part, "loss") == [(1.0, 5.0), (2.0, 4.0)]
    part.compare({"x": other.history})
    part.clear()
    part.draw(run)
    assert beside(part) == {}  # another run on show is compared with none


def test_a_metric_that_is_called_like_the_other_runs_curve_keeps_its_own_points():
    run, other, part = Logged(), Logged(), Curves()
    other.log(1, **{"rewards/chosen": 9.0})
    part.draw(run)
    part.extend(run, [run.log(1, **{"rewards/chosen": 1.0, "rewards/chosen (x)": 2.0})])
    part.compare({"x": other.history})
    assert points(part, "rewards/chosen") == [(1.0, 1.0)]
    assert points(part, "rewards/chosen (x)")[0][1] in {2.0, 9.0}


def test_another_axis_smoothing_and_a_logarithmic_scale():
    run, part = Logged(), Curves()
    for step in (1, 2, 3):
        run.log(step, loss=4.0 if step == 1 else 2.0, num_tokens=100.0 * step)
    part.draw(run)
    part.see(axis="tokens", smoothing=0.5, y_log=True)
    plot = next(iter(part.plots.values()))
    assert (plot.x_title, plot.y_log) == ("tokens", True)
    assert [x for x, _ in points(part, "loss")] == [100.0, 200.0, 300.0]
    assert [round(y, 3) for _, y in points(part, "loss")] == [4.0, 2.667, 2.286]
    part.extend(run, [run.log(4, loss=2.0, num_tokens=400.0)])
    assert points(part, "loss")[-1][0] == 400.0
    part.see(axis="step", smoothing=0.0)
    assert points(part, "loss") == [(1.0, 4.0), (2.0, 2.0), (3.0, 2.0), (4.0, 2.0)]


def test_the_best_point_what_is_no_number_and_where_it_went_on_are_marked():
    run, part = Logged(), Curves()
    for step, value in ((1, 3.0), (2, float("nan")), (3, 1.0), (4, 2.0)):
        run.log(step, eval_loss=value)
    run.best = Best("eval_loss", 3, 1.0, 2.0)
    run.journal.resumes.append((3, 0.0))
    part.draw(run)
    assert points(part, "best") == [(3.0, 1.0)]
    assert points(part, "not a number") == [(2.0, 3.0)]
    assert points(part, "went on from a checkpoint") == [(4.0, 2.0)]
    run.best = Best("eval_loss", 5, 0.5, 0.5)
    part.extend(run, [run.log(5, eval_loss=0.5)])
    assert points(part, "best") == []  # the end of the curve needs no mark
    part.extend(run, [run.log(6, eval_loss=0.7)])
    assert points(part, "best") == [(5.0, 0.5)]
