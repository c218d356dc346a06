"""What costs money starts only at a price that was looked at; earlier runs are listed. Against the stand-in Hub."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import HubError, LaunchError
from hfft_widgets.jobs import index
from tests.hub_client.conftest import use_hub
from tests.hub_client.schedules import line
from tests.jobs.conftest import until
from tests.standin_hub import POOR_TOKEN, READ_TOKEN, WRITE_TOKEN
from tests.widgets.conftest import QUICK
from tests.widgets.html import fill, page, press

pytestmark = pytest.mark.usefixtures("jobs")
START = "Start on t4-small, at most $"


def can_pay(panel) -> bool:
    return any(words.startswith("Start on") for words in page(panel).buttons)


def test_the_price_is_looked_at_then_agreed_to(hub, panel):
    assert page(panel).primary == ["Look at the price"]
    assert not page(panel).has_button("Train on this machine")
    press(panel, "Look at the price")
    assert page(panel).primary == [f"{START}{panel.limit.usd:.2f}"]
    shown = page(panel).text
    assert "Signed in as user, can write, can run jobs" in shown
    assert "At most $" in shown
    assert "The model goes to user/tuned" in shown
    assert len(hub.jobs) == 0
    press(panel, START)
    assert len(hub.jobs) == 1
    until(lambda: panel.result is not None)
    press(panel, "What it printed")
    assert "here" in page(panel).one(role="log").text
    assert "huggingface.co/jobs/user/" in str(panel.html())
    assert panel.price is None


def test_two_clicks_make_one_job(hub, panel):
    panel.look()
    button = page(panel).button(START)
    for _ in range(5):
        panel._act({"do": button["data-do"], "value": None})
    until(lambda: panel.run is not None and not panel.busy)
    assert len(hub.jobs) == 1


def test_nothing_starts_without_a_look_and_a_changed_plan_asks_again(hub, panel, plan):
    with pytest.raises(LaunchError, match="costs money: at most"):
        panel.launch()
    panel.look()
    panel.plan = plan.with_script(QUICK + "# changed\n")
    assert page(panel).primary == ["Look at the price"]
    assert panel.price is None
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
    assert not can_pay(panel)
    assert "cannot write to other/tuned" in panel.price
    panel.plan = dataclasses.replace(plan, max_usd=0.01)
    panel.look()
    assert "may cost more than the $0.01 allowed" in panel.price
    assert not can_pay(panel)


@pytest.mark.parametrize(("token", "words"), [(None, "Nobody is signed in"), (READ_TOKEN, "cannot run jobs")])
def test_who_may_not_run_jobs_is_told(hub, panel, monkeypatch, token, words):
    use_hub(hub, monkeypatch, token)
    try:
        panel.look()
    except HubError:
        assert token is None
    assert words in page(panel).text
    assert not can_pay(panel)


def test_without_credits_the_launch_is_refused_and_says_so(hub, panel, plan, monkeypatch):
    use_hub(hub, monkeypatch, POOR_TOKEN)
    panel.plan = dataclasses.replace(plan, push_to="poor/tuned")
    panel.look()
    with pytest.raises(LaunchError, match="credits"):
        panel.pay()
    assert panel.run is None
    assert "credits" in page(panel).alert


def test_a_result_without_a_place_gets_one_that_can_be_changed(hub, panel, plan):
    panel.plan = dataclasses.replace(plan.with_script(None), push_to=None)
    assert page(panel).field("Hub repository").value == ""
    press(panel, "Look at the price")
    assert page(panel).field("Hub repository").value == "user/tiny-llama-SFT"
    assert "The model goes to user/tiny-llama-SFT" in page(panel).text
    fill(panel, "Hub repository", "user/my-own")
    assert page(panel).primary == ["Look at the price"]  # another plan
    press(panel, "Look at the price")
    assert page(panel).primary[0].startswith(START)
    assert panel.limit.fingerprint == panel.plan.replace(push_to="user/my-own").fingerprint
    assert panel.plan.push_to is None
    assert len(hub.jobs) == 0


def test_runs_of_the_account_are_listed_and_attached_by_a_click(hub):
    jobs = [hub.jobs.add([line(n) for n in range(50)], stage="COMPLETED", labels={"hfft": "1"}) for _ in range(3)]
    panel = hfft.TrainingMonitor()
    panel.opened()
    listed = page(panel).field("Earlier runs").choices
    assert {f"jobs:user/{job.id}" for job in jobs} <= set(listed.values())
    assert len(listed) == 1 + len(jobs)  # no two are called alike
    fill(panel, "Earlier runs", f"jobs:user/{jobs[1].id}")
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
    listed = {value: words for words, value in page(panel).field("Earlier runs").choices.items()}
    assert "cannot be seen now" in listed[f"jobs:user/{gone.id}"]
    assert "completed" in listed[f"jobs:user/{there.id}"]


def test_nothing_on_the_page_holds_the_token(hub, panel):
    panel._ipython_display_()
    panel.look()
    panel.pay()
    until(lambda: panel.result is not None)
    states = [widget.get_state() for widget in (panel._surface, *panel.curves.plots.values())]
    assert WRITE_TOKEN not in repr(states) + str(panel.html()) + repr(vars(panel))


def test_an_organization_owns_and_pays_what_is_started_in_its_name(hub, panel):
    panel.namespace, plan = "acme", panel.plan
    panel.plan = plan.with_script(None).replace(push_to=None)
    press(panel, "Look at the price")
    assert panel.values["push_to"] == "acme/tiny-llama-SFT"
    panel.plan = plan
    press(panel, "Look at the price")
    press(panel, START)
    until(lambda: panel.run is not None)
    assert panel.run.id.startswith("jobs:acme/")


def test_a_dataset_that_was_uploaded_for_the_run_is_deleted_at_a_second_click(hub, panel, plan, tmp_path):
    path = tmp_path / "talk.jsonl"
    path.write_text('{"prompt": "Hi", "completion": "Hello"}\n')
    report = hfft.upload(hfft.validate(str(path)), "user/talk-for-jobs")
    panel.plan = plan.with_values(data=dataclasses.replace(plan.data, reference=report.reference)).with_script(QUICK)
    panel.look()
    panel.pay()
    until(lambda: panel.result is not None)
    press(panel, "Delete the uploaded dataset user/talk-for-jobs")
    assert "goes from the Hub for good" in page(panel).text
    press(panel, "Keep it")
    press(panel, "Delete the uploaded dataset user/talk-for-jobs")
    press(panel, "Delete it from the Hub")
    until(lambda: not panel.busy)
    assert panel.error is None
    assert not page(panel).has_button("Delete the uploaded dataset user/talk-for-jobs")
    assert [entry.status for entry in hub.journal if entry.method == "DELETE"] == [200]
