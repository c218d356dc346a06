"""The monitor, headless; on this machine, and on Hugging Face Jobs against the stand-in Hub."""

from __future__ import annotations

import os
import time

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import HfftError, RunError
from hfft_widgets.jobs.hf import launch as launching
from hfft_widgets.jobs.hf.records import launches
from hfft_widgets.jobs.local import turns
from hfft_widgets.widgets.log import LOG_LINES
from tests.hub_client.schedules import line
from tests.jobs.conftest import PRELUDE, until
from tests.widgets.html import fill, page, press, wait

pytestmark = pytest.mark.usefixtures("jobs")

STEPS = """
tell("progress", message="Loading data and model")
wait("loaded")
tell("progress", message="Asking the untrained model 2 held-out questions")
wait("asked")
for step in range(1, 4):
    tell("log", step=step, total_steps=6, metrics={"loss": 3.0 / step, "grad_norm": 1.0, "entropy": 2.0})
    print("line", step, flush=True)
wait("trained")
tell("answers", count=2, score={"before": 0.0, "after": 0.5}, rows=[
    {"prompt": "Which?", "expected": "json", "before": "the", "after": "json"},
    {"prompt": "What?", "expected": "os", "before": "the", "after": "the"}])
tell("end")
"""


@pytest.fixture
def script(tmp_path):
    """A training that says what it does and goes on when it is told to: what to run, and the way to tell it."""
    waits = f"""
def wait(name):
    while not os.path.exists(os.path.join({str(tmp_path)!r}, name)):
        time.sleep(0.02)
"""
    return PRELUDE + waits + STEPS, lambda name: (tmp_path / name).touch()


@pytest.fixture(scope="module")
def local_plan(sample_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        report = hfft.validate("sample:messages", model="sample:model")
        return hfft.plan_training("sample:model", report)


def chip(panel) -> str:
    return page(panel).one(class_="chip").words


def figures(panel) -> list[str]:
    return [one.words for one in page(panel).all(class_="kpi")]


def test_a_monitor_without_anything_says_so():
    panel = hfft.TrainingMonitor()
    panel._ipython_display_()
    assert "No run is known here yet" in page(panel).status
    with pytest.raises(RunError, match="Make a plan first"):
        panel.launch()
    with pytest.raises(RunError, match="no run to cancel"):
        panel.cancel()
    with pytest.raises(HfftError):
        panel.watch("local:20200101-000000-00000000")


def test_a_run_is_told_in_the_words_of_the_moment_and_its_parts_stay_in_place(local_plan, script):
    source, go_on = script
    panel = hfft.TrainingMonitor(local_plan.with_script(source))
    assert "Not started" in page(panel).text
    press(panel, "Train on this machine")
    until(lambda: chip(panel) == "Loading the model")
    first = page(panel)
    assert len(first.all(class_="plot-frame")) == 3
    assert len(figures(panel)) == 4
    assert page(panel).has_button("Cancel the run")
    go_on("loaded")
    until(lambda: chip(panel) == "Asking before")
    go_on("asked")
    until(lambda: chip(panel) == "Step 3 of 6")
    now = page(panel)
    assert figures(panel)[:2] == ["3 of 6 steps", "1 loss, from 3"]
    assert len(figures(panel)) == 4
    assert [one.words for one in now.all(tag="figcaption")] == ["Loss", "Entropy, nats", "Gradient norm"]
    assert len(now.all(tag="figure")) == len(first.all(tag="figure"))
    assert now.one(role="progressbar")["aria-valuenow"] == "50.0"
    go_on("trained")
    until(lambda: panel.result is not None)
    ended = page(panel)
    assert chip(panel) == "Completed: not measured"
    assert figures(panel)[:2] == ["50% of 2 held-out questions right", "0% before training"]
    assert ended.text.index("held-out questions right") < ended.text.index("Loss")  # the score first
    assert ended.primary == []  # this plan is done
    assert not ended.has_button("Cancel the run")
    assert "Which?" in str(panel.report())
    assert "<svg" in str(panel.report())


def test_while_nothing_happens_nothing_travels(local_plan, script):
    panel = hfft.TrainingMonitor(local_plan.with_script(script[0]))
    panel._ipython_display_()
    panel.launch()
    until(lambda: chip(panel) == "Loading the model")
    revision, before = panel._surface._revision, str(panel.html())
    assert "data-since" in before
    time.sleep(4)
    assert str(panel.html()) == before
    assert panel._surface._revision == revision
    panel.cancel()


def test_a_run_that_waits_for_its_turn_can_be_told_to_begin(local_plan, script, tmp_path, monkeypatch):
    monkeypatch.setenv(turns.QUEUE, str(tmp_path / "queue"))
    monkeypatch.setenv("HFFT_THREADS", str(os.cpu_count()))
    other = turns.Ticket("another", os.cpu_count(), 0)
    other.look(turns.Capacity(os.cpu_count(), os.cpu_count()), str, os.cpu_count())
    panel = hfft.TrainingMonitor(local_plan.with_script(script[0]))
    panel.launch()
    assert chip(panel) == "Waiting for its turn"
    assert "It waits for another run on this machine" in page(panel).text
    assert page(panel).has_button("Cancel the run")
    press(panel, "Start anyway")
    until(lambda: chip(panel) == "Loading the model")
    assert not page(panel).has_button("Start anyway")
    panel.cancel()
    other.give_back()


def test_a_cancelled_run_ends_and_can_be_started_again(local_plan, script):
    panel = hfft.TrainingMonitor(local_plan.with_script(script[0]))
    panel.launch()
    until(lambda: chip(panel) == "Loading the model")
    press(panel, "Cancel the run")
    until(lambda: panel.result is not None)
    assert chip(panel) == "Cancelled"
    assert page(panel).primary == ["Train on this machine"]
    assert page(panel).all(class_="plot-frame") == []


def test_a_failed_run_says_why_and_what_to_type(local_plan):
    panel = hfft.TrainingMonitor(local_plan.with_script("raise ModuleNotFoundError(\"No module named 'peft'\")\n"))
    panel.launch()
    until(lambda: panel.result is not None)
    assert chip(panel) == "Failed"
    assert "The package 'peft' is not installed" in page(panel).text
    assert page(panel).button("Copy")["data-copy"] == 'pip install "hfft-widgets[train]"'


def test_what_it_printed_is_read_while_it_grows(local_plan, script):
    source, go_on = script
    panel = hfft.TrainingMonitor(local_plan.with_script(source.replace("range(1, 4)", "range(1, 300)")))
    panel.launch()
    for name in ("loaded", "asked"):
        go_on(name)
    until(lambda: panel.run.log.endswith("line 299"))
    assert page(panel).all(role="log") == []
    press(panel, "What it printed")
    lines = page(panel).one(role="log").all(tag="span")
    assert [one.words for one in lines] == [f"line {n}" for n in range(300 - LOG_LINES, 300)]
    assert len({one["data-key"] for one in lines}) == LOG_LINES  # those that stay are known by their name
    press(panel, "What it printed")
    assert page(panel).all(role="log") == []
    panel.cancel()


def test_a_live_run_is_found_again(local_plan, script):
    first = hfft.TrainingMonitor(local_plan.with_script(script[0]))
    run = first.launch()
    again = hfft.TrainingMonitor()
    again.opened()
    assert again.run.id == run.id
    assert again.live
    first.cancel()
    until(lambda: again.result is not None)
    assert again.result.stage == "CANCELED"


def test_another_run_is_drawn_from_its_first_point(local_plan, script):
    source, go_on = script
    for name in ("loaded", "asked", "trained"):
        go_on(name)
    one = hfft.launch(local_plan.with_script(source)).wait(60)
    other = hfft.launch(local_plan.with_script(source.replace("3.0 /", "9.0 /") + "#")).wait(60)
    panel = hfft.TrainingMonitor(one)
    before = panel.curves.plots["Loss", "loss"]
    panel.watch(other)
    assert panel.curves.plots["Loss", "loss"] is not before  # its zoom was another run's
    series = panel.curves.plots["Loss", "loss"]._series["loss"]
    assert [*series.y, *series.new_y] == [9.0, 4.5, 3.0]


def test_a_run_is_compared_with_earlier_ones_while_it_lives(local_plan, script):
    source, go_on = script
    for name in ("loaded", "asked"):
        go_on(name)
    changed = local_plan.replace(learning_rate=local_plan.settings.learning_rate / 2)
    told = PRELUDE + "tell('log', step=1, total_steps=1, metrics={'loss': 9.0})"
    earlier = hfft.launch(changed.with_script(told)).wait(60)
    first = hfft.launch(changed.replace(seed=7).with_script(told)).wait(60).rename("the first one")
    panel = hfft.TrainingMonitor(local_plan.with_script(source + "###"))
    panel.launch()
    until(lambda: chip(panel) == "Step 3 of 6")
    choices = page(panel).field("Compare with").choices
    assert panel.run.id not in choices.values()
    assert any(words.startswith("the first one") for words in choices)
    fill(panel, "Compare with", earlier.id)
    plot = panel.curves.plots["Loss", "loss"]
    name = f"loss ({panel.comparison._name(earlier)})"
    assert plot._beside == {name: "loss"}
    assert f"{local_plan.settings.learning_rate:g}" in page(panel).text
    fill(panel, "and with", first.id)
    both = {name, "loss (the first one)"}
    assert set(plot._beside) == both
    assert "seed" in page(panel).text
    go_on("trained")
    until(lambda: panel.result is not None)
    assert set(plot.names) == {"loss", *both}
    press(panel, "Take the first one away")
    assert plot.names == ("loss", name)
    earlier.delete()
    press(panel, f"Take {panel.comparison._name(earlier)} away")
    assert plot.names == ("loss",)
    field = page(panel).field("Compare with").name
    panel._act({"set": field, "value": earlier.id})  # a page that shows it still
    wait(panel)
    assert page(panel).field("Compare with").value == ""
    assert "There is no run" in page(panel).alert
    assert plot.names == ("loss",)


def test_a_run_gets_a_name_and_its_own_back(local_plan, script):
    panel = hfft.TrainingMonitor(local_plan.with_script(script[0] + "####"))
    run = panel.launch()
    title = run.title
    fill(panel, "Call this run", "half the <b>rate</b>")
    press(panel, "Rename")
    assert page(panel).one(tag="h3").words == "half the <b>rate</b>"
    assert hfft.attach(run.id).title == "half the <b>rate</b>"
    press(panel, "Rename")
    assert run.title == title
    panel.cancel()


def test_the_figure_of_a_run_is_plotlys_own(local_plan, script):
    source, go_on = script
    for name in ("loaded", "asked", "trained"):
        go_on(name)
    figure = hfft.launch(local_plan.with_script(source + "##")).wait(60).figure()
    assert type(figure).__module__.startswith("plotly.graph_objs")
    assert [trace.name for trace in figure.data] == ["loss", "entropy", "grad_norm"]  # in the order of its method
    assert list(figure.data[0].y) == [3.0, 1.5, 1.0]


# ---- on Hugging Face Jobs ----------------------------------------------------------------------


def drawn(panel):
    """The steps at which the loss has a point."""
    plot = panel.curves.plots["Loss", "loss"]
    with panel.curves._together.lock:  # all points at once
        series = plot._series["loss"]
        return [int(step) for step in (*series.x, *series.new_x)]


@pytest.mark.full
def test_a_launch_nobody_answered_is_unconfirmed_with_a_button(hub, panel, monkeypatch):
    monkeypatch.setattr(launching, "LOOKS", (0.0,) * 2)
    panel.look()
    hub.fault("/api/jobs/user$", method="POST", refused=True)
    panel.pay()
    assert chip(panel) == "Unconfirmed"
    assert "Nobody knows whether it was started" in page(panel).text
    press(panel, "Check again")
    assert "Nothing was started a second time" in page(panel).status
    (launch,) = launches()
    job = hub.jobs.add(["late"], labels={"hfft": "1", "hfft_run": launch["run"]}, flavor="t4-small")
    until(lambda: not panel.check().status.unconfirmed)
    assert chip(panel) != "Unconfirmed"
    assert not page(panel).has_button("Check again")
    job.set_stage("COMPLETED")
    until(lambda: panel.result is not None)
    assert len(hub.jobs) == 1


@pytest.mark.full
def test_older_points_go_before_those_that_are_drawn(hub):
    job = hub.jobs.add(line, count=9000, labels={"hfft": "1"})
    panel = hfft.TrainingMonitor(f"jobs:user/{job.id}")
    until(lambda: drawn(panel) == list(range(0, 9000, 5)))
    job.set_stage("COMPLETED")
    until(lambda: panel.result is not None)
    assert drawn(panel) == list(range(0, 9000, 5))


@pytest.mark.full
def test_the_machine_is_shown_while_it_runs(hub):
    hub.jobs.metrics_seconds = 0.05
    job = hub.jobs.add(["a"], flavor="t4-small", labels={"hfft": "1"})
    panel = hfft.TrainingMonitor(f"jobs:user/{job.id}")
    until(lambda: "GPU 0 busy" in page(panel).text)
    until(lambda: "so far" in page(panel).text)
    until(lambda: panel.run.to_dict()["seconds"] > 1.5)  # of a job that has ended the Hub counts whole seconds
    job.set_stage("COMPLETED")
    until(lambda: panel.result is not None)
    assert "GPU 0 busy" not in page(panel).text
    assert "in all" in page(panel).text


@pytest.mark.full
def test_estimate_and_actual_stand_side_by_side(hub, panel):
    panel.look()
    panel.pay()
    until(lambda: panel.result is not None)
    heads = [one.words for one in page(panel).all(tag="th")]
    assert heads == ["Paid for", "Estimated", "Actual"]


# ---- what others start -----------------------------------------------------------------------------


@pytest.fixture
def agent(home):
    """The tools of Jupyter's agents, with a run that waits until it is ended."""
    from hfft_widgets.agent import jupyter
    from tests.verbs.conftest import kept

    started = []

    def start(fingerprint: str, title: str) -> str:
        kept(fingerprint, title=title, body="while True: time.sleep(0.1)")
        started.append(jupyter.hfft_launch(fingerprint=fingerprint).run)
        return started[-1]

    yield start
    for run_id in started:
        jupyter.hfft_control(run_id=run_id, action="cancel")


def test_an_empty_monitor_shows_what_an_agent_starts_and_then_only_offers(agent):
    monitor = hfft.TrainingMonitor()
    monitor.opened()
    first = agent("a" * 16, "SFT of <b>one</b>")
    began = time.monotonic()
    until(lambda: monitor.run is not None)
    assert time.monotonic() - began < 2
    assert monitor.run.id == first
    assert not page(monitor).has_button("Watch it")

    second = agent("b" * 16, "SFT of <b>two</b>")
    until(lambda: page(monitor).has_button("Watch it"), 3)
    assert monitor.run.id == first  # who watches goes on watching
    assert "Started elsewhere: SFT of <b>two</b>." in page(monitor).text
    press(monitor, "Watch it")
    wait(monitor)
    assert monitor.run.id == second
    assert not page(monitor).has_button("Watch it")

    agent("c" * 16, "SFT of three")
    until(lambda: page(monitor).has_button("Leave it"), 3)
    press(monitor, "Leave it")
    assert not page(monitor).has_button("Watch it")
    assert monitor.run.id == second


def test_a_page_at_another_step_offers_it_and_stays(agent):
    tuner = hfft.FineTuner()
    tuner.opened()
    run = agent("a" * 16, "SFT of one")
    until(lambda: page(tuner).has_button("Watch it"), 3)
    assert tuner.open == 0
    press(tuner, "Watch it")
    until(lambda: tuner.monitor.run is not None and not tuner.monitor.busy)
    assert (tuner.open, tuner.monitor.run.id) == (2, run)


def test_what_a_panel_starts_is_not_offered_to_itself_and_an_agent_sees_it(local_plan, script):
    from hfft_widgets.agent import jupyter

    monitor = hfft.TrainingMonitor(local_plan.with_script(script[0]))
    monitor.opened()
    run = monitor.launch()
    until(lambda: run.id in monitor.elsewhere._known, 4)
    assert not page(monitor).has_button("Watch it")
    assert [one["id"] for one in jupyter.hfft_runs().runs] == [run.id]
    monitor.cancel()


def test_what_was_spent_and_refused_is_shown_and_follows(home, monkeypatch):
    from hfft_widgets.jobs.money import ledger

    monitor = hfft.TrainingMonitor()
    monitor.opened()
    assert page(monitor).all(data_key="ledger") == []
    entry = ledger.begin(title="SFT of <b>one</b>", fingerprint="f" * 16, flavor="t4-small", ceiling_usd=0.4)
    ledger.refused(entry, "nobody allowed that")
    until(lambda: "refused: nobody allowed that" in page(monitor).text, 4)
    assert "Last 24 hours: $0, no daily limit" in page(monitor).one(data_key="ledger").text
    monkeypatch.setenv("HFFT_DAY_USD", "much")
    monitor.list_earlier()
    assert "HFFT_DAY_USD is 'much'" in page(monitor).text


# ---- code that runs unheld -----------------------------------------------------------------------


def test_code_that_nothing_holds_is_asked_about_before_it_runs(local_plan, monkeypatch):
    from hfft_widgets.errors import UnheldCodeError

    asked = []

    def launch(plan, *, unheld_code=False, **_):
        asked.append(unheld_code)
        raise UnheldCodeError("Nothing holds it.") if not unheld_code else RunError("far enough")

    monkeypatch.setattr("hfft_widgets.api.launch", launch)
    monitor = hfft.TrainingMonitor(local_plan)
    press(monitor, "Train on this machine")
    assert "Nothing holds it" in page(monitor).one(data_key="bar").text
    press(monitor, "Train all the same, its code unheld")
    assert asked == [False, True]
