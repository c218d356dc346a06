"""The monitor and the exporter on Hugging Face Jobs, headless, against the stand-in Hub."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets import samples
from hfft_widgets.errors import HubError, LaunchError
from hfft_widgets.jobs import index, launching
from hfft_widgets.jobs.records import launches
from tests.hub import POOR_TOKEN, READ_TOKEN, WRITE_TOKEN
from tests.hub_client.conftest import hub, use_hub
from tests.hub_client.schedules import line
from tests.jobs.conftest import until

__all__ = ["hub"]

QUICK = "import sys\nprint('here', flush=True)\nsys.exit(0)\n"


@pytest.fixture(autouse=True)
def jobs():
    """The process' own place for jobs, made anew."""
    index.backend.cache_clear()
    yield
    index.backend("jobs").close()
    index.backend.cache_clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory, sample_home):
    """A plan for a job, with a script that ends at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        report = hfft.validate("sample:messages", model="sample:model")
        plan = hfft.plan_training("sample:model", report, flavor="t4-small", push_to="user/tuned")
        folder = samples.model()
    data = dataclasses.replace(plan.data, reference={"path": "user/talk", "name": None, "split": "train"})
    return plan.with_values(model="user/tiny-llama", data=data).with_script(QUICK), folder


@pytest.fixture
def plan(made, hub):
    hub.add_model(made[1], "user/tiny-llama")
    hub.add_dataset("user/talk", rows=[{"prompt": "Hi", "completion": "Hello"}])
    return made[0]


@pytest.fixture
def panel(plan):
    monitor = hfft.TrainingMonitor(plan)
    yield monitor
    if monitor._follower:
        monitor._follower.stop()


def drawn(panel):
    """The steps at which the loss has a point."""
    series = panel.losses._series["loss"]
    return [int(step) for step in (*series.x, *series.new_x)]


def visible(widget):
    return widget.layout.display != "none"


def test_the_price_is_looked_at_then_agreed_to(hub, panel):
    assert not visible(panel.start_button)
    assert visible(panel.paying)
    assert not visible(panel.pay_button)
    limit = panel.look()
    assert f"at most ${limit.usd:.2f}" in panel.pay_button.description
    assert visible(panel.pay_button)
    shown = panel.price.value
    assert "Signed in as user, can write, can run jobs" in shown
    assert "At most $" in shown
    assert "The model goes to user/tuned" in shown
    assert len(hub.jobs) == 0
    run = panel.pay()
    assert len(hub.jobs) == 1
    assert panel.run.id == run.id
    until(lambda: panel.result is not None)
    assert "here" in panel.log_view.value
    assert "huggingface.co/jobs/user/" in panel.card.html
    assert panel.price.value == ""


def test_two_clicks_make_one_job(hub, panel):
    panel.look()
    for _ in range(5):
        panel.pay_button.click()
    until(lambda: panel.run is not None and not panel.busy)
    assert len(hub.jobs) == 1


def test_nothing_starts_without_a_look_and_a_changed_plan_asks_again(hub, panel, plan):
    with pytest.raises(LaunchError, match="costs money: at most"):
        panel.launch()
    panel.look()
    panel.plan = plan.with_script(QUICK + "# changed\n")
    assert not visible(panel.pay_button)
    assert panel.price.value == ""
    with pytest.raises(LaunchError, match="costs money: at most"):
        panel.pay()
    assert len(hub.jobs) == 0
    panel.look()
    object.__setattr__(panel.limit, "fingerprint", "of another plan")
    with pytest.raises(LaunchError, match="changed since its price was confirmed"):
        panel.pay()
    assert len(hub.jobs) == 0


def test_a_check_that_fails_leaves_nothing_to_click(hub, panel, plan):
    panel.plan = dataclasses.replace(plan, push_to="other/tuned")
    panel.look()
    assert not visible(panel.pay_button)
    assert "cannot write to other/tuned" in panel.price.value
    panel.plan = dataclasses.replace(plan, max_usd=0.01)
    panel.look()
    assert "may cost more than the $0.01 allowed" in panel.price.value
    assert not visible(panel.pay_button)


@pytest.mark.parametrize(("token", "words"), [(None, "Nobody is signed in"), (READ_TOKEN, "cannot run jobs")])
def test_who_may_not_run_jobs_is_told(hub, panel, monkeypatch, token, words):
    use_hub(hub, monkeypatch, token)
    try:
        panel.look()
    except HubError:
        assert token is None
    assert words in panel.price.value + panel.status.value
    assert not visible(panel.pay_button)


def test_without_credits_the_launch_is_refused_and_says_so(hub, panel, plan, monkeypatch):
    use_hub(hub, monkeypatch, POOR_TOKEN)
    panel.plan = dataclasses.replace(plan, push_to="poor/tuned")
    panel.look()
    with pytest.raises(LaunchError, match="credits"):
        panel.pay()
    assert panel.run is None
    assert "credits" in panel.status.value


@pytest.mark.full
def test_a_launch_nobody_answered_is_unconfirmed_with_a_button(hub, panel, monkeypatch):
    monkeypatch.setattr(launching, "LOOKS", (0.0,) * 2)
    panel.look()
    hub.fault("/api/jobs/user$", method="POST", refused=True)
    panel.pay()
    assert "Unconfirmed" in panel.card.html
    assert "Nobody knows whether it was started" in panel.card.html
    assert visible(panel.check_button)
    panel.check()
    assert "Nothing was started a second time" in panel.status.value
    (launch,) = launches()
    job = hub.jobs.add(["late"], labels={"hfft": "1", "hfft_run": launch["run"]}, flavor="t4-small")
    until(lambda: not panel.check().status.unconfirmed)
    assert "Unconfirmed" not in panel.card.html
    assert not visible(panel.check_button)
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
    until(lambda: "GPU 0 busy" in panel.card.html)
    until(lambda: "so far" in panel.card.html)  # the Hub counts whole seconds
    job.set_stage("COMPLETED")
    until(lambda: panel.result is not None)
    assert "GPU 0 busy" not in panel.card.html
    assert "in all" in panel.card.html


def test_runs_of_the_account_are_listed_and_attached_by_a_click(hub):
    jobs = [hub.jobs.add([line(n) for n in range(50)], stage="COMPLETED", labels={"hfft": "1"}) for _ in range(3)]
    panel = hfft.TrainingMonitor()
    panel.opened()
    listed = [value for _, value in panel.earlier.options]
    assert {f"jobs:user/{job.id}" for job in jobs} <= set(listed)
    panel.earlier.value = f"jobs:user/{jobs[1].id}"
    until(lambda: panel.result is not None and not panel.busy)
    assert panel.run.id == f"jobs:user/{jobs[1].id}"
    assert len(panel.run.history["loss"]) == 10


@pytest.mark.full
def test_a_run_that_cannot_be_seen_does_not_hide_the_others(hub):
    gone, there = (hub.jobs.add(["a"], labels={"hfft": "1"}) for _ in range(2))
    assert len(hfft.runs()) == 2  # known on this machine from now on
    del hub.jobs._by_id[gone.id]
    index.backend("jobs").close()
    index.backend.cache_clear()
    there.set_stage("COMPLETED")
    panel = hfft.TrainingMonitor()
    panel.opened()
    listed = {value: words for words, value in panel.earlier.options}
    assert "cannot be seen now" in listed[f"jobs:user/{gone.id}"]
    assert "COMPLETED" in listed[f"jobs:user/{there.id}"]


@pytest.mark.full
def test_estimate_and_actual_stand_side_by_side(hub, panel):
    panel.look()
    panel.pay()
    until(lambda: panel.result is not None)
    assert "Estimated" in panel.card.html
    assert "Actual" in panel.card.html


def test_an_export_by_a_job_needs_the_model_on_the_hub(hub, made):
    panel = hfft.GGUFExporter(str(made[1]))
    assert visible(panel.export_button)
    panel.where.value = "cpu-basic"
    assert not visible(panel.export_button)
    assert visible(panel.paying)
    panel.push_to.value = "user/tiny-GGUF"
    with pytest.raises(LaunchError, match="only on this machine"):
        panel.look()
    with pytest.raises(LaunchError, match="only on this machine"):
        panel.export()
    assert len(hub.jobs) == 0


def test_no_widget_holds_the_token(hub, panel):
    panel.look()
    panel.pay()
    until(lambda: panel.result is not None)
    states = [widget.get_state() for widget in (panel, *panel.top.children, *panel.bottom.children, panel.price)]
    assert WRITE_TOKEN not in repr(states) + panel.card.html + repr(vars(panel))
