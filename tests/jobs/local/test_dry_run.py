"""The very script as far as its first step, in a process of its own."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.jobs.local import dry_run as dry
from hfft_widgets.verbs import prove
from hfft_widgets.verbs.plans import plan as planned


def made(method: str, peft: str = "lora", kind: str = "messages", **settings):
    report = hfft.validate(f"sample:{kind}", model="sample:model")
    return hfft.plan_training("sample:model", report, method=method, peft=peft, flavor="local", **settings)


def test_where_a_package_is_missing_it_says_so_and_starts_nothing(monkeypatch):
    monkeypatch.setattr(dry, "_MODULES", {"no_such_module": "train"})
    monkeypatch.setattr(dry, "ask_child", None)
    found = dry.dry_run("", {"title": "t"}, "f")
    assert 'pip install "hfft-widgets[train]"' in found.not_tried
    assert not found.passed


def test_rows_with_pictures_are_not_tried():
    assert "pictures" in dry.dry_run("", {"title": "t", "data": {"pictures": "image"}}, "f").not_tried


def test_it_gives_up_in_time():
    assert dry.dry_run("", {"title": "t"}, "f", timeout_seconds=0.05).not_tried == "it took longer than 0 seconds."


@pytest.mark.ci
def test_it_counts_as_the_trainer_does_and_leaves_nothing(tmp_path, monkeypatch):
    (folder := tmp_path / "work").mkdir()
    monkeypatch.chdir(folder)
    plan = made("SFT", num_train_epochs=1, batch_size=8)
    seen = []
    found = plan.dry_run(lambda done, total: seen.append((done, total)))
    assert found.passed, found
    assert found.trained == plan.work.trained(plan.facts)
    assert found.steps == plan.estimate.steps
    assert found.rows == plan.rows - plan.settings.eval_rows
    assert found.step_tokens == pytest.approx(plan.estimate.step_tokens, rel=0.05)
    assert found.loss is not None
    assert seen[-1] == (3, 3)
    assert list(folder.iterdir()) == []


@pytest.mark.ci
def test_what_the_script_raises_is_found_before_it_is_paid_for():
    plan = made("SFT")
    wrong = plan.with_script(plan.script.replace('target_modules="all-linear"', 'target_modules=["no_such_layer"]'))
    found = wrong.dry_run()
    assert "no_such_layer" in found.raised
    assert not found.passed


@pytest.mark.full
def test_of_many_rows_some_are_looked_at_and_the_others_told_from_them():
    plan = made("DPO", kind="preference", num_train_epochs=1, batch_size=2, accumulation=2)
    found = dry.dry_run(plan.script, plan.to_dict(), plan.fingerprint, rows=300)
    assert found.passed, found
    assert found.counted < 0.2
    assert "Only a part of the epoch" in found.notes[0]
    assert found.rows == plan.rows - plan.settings.eval_rows
    assert found.steps == pytest.approx(plan.estimate.steps, rel=0.01)
    assert found.step_tokens == pytest.approx(plan.estimate.step_tokens, rel=0.1)
    assert found.differences == ()


@pytest.mark.full
def test_what_is_missing_on_this_machine_alone_is_no_fault_of_the_plan():
    plan = made("SFT")
    for line, word in (("import no_such_package", "no_such_package"), ("raise MemoryError('full')", "full")):
        found = plan.with_script(
            f"{plan.script.replace('def main():', f'def main():{chr(10)}    {line}', 1)}"
        ).dry_run()
        assert word in found.not_tried
        assert found.words.startswith("Not tried: ")
        assert not found.raised


def test_steps_and_tokens_are_held_against_a_plan_for_one_card_and_rows_one_by_one():
    estimate = {"steps": 10, "step_tokens": 100.0}
    one = {"trained": 5, "estimate": estimate, "flavor": "a10g-small", "settings": {"packing": False}}
    assert dry._planned(one) == {"trained": 5.0, "step_tokens": 100.0, "steps": 10.0}
    assert dry._planned({**one, "flavor": "l4x4"}) == {"trained": 5.0, "step_tokens": 100.0}
    assert dry._planned({**one, "settings": {"packing": True}}) == {"trained": 5.0}


@pytest.mark.full
@pytest.mark.parametrize("peft", ["lora", "none"])
@pytest.mark.parametrize(
    ("method", "kind"),
    [("DPO", "preference"), ("KTO", "preference"), ("Reward", "preference"), ("GRPO", "verifiable"),
     ("RLOO", "verifiable"), ("SFT", "prompt_completion")],
)  # fmt: skip
def test_every_method_comes_to_its_first_step(method, peft, kind):
    plan = made(method, peft, kind)
    found = plan.dry_run()
    assert found.passed, found
    assert found.trained == pytest.approx(plan.work.trained(plan.facts), rel=0.01)
    assert found.steps == plan.estimate.steps


@pytest.mark.full
def test_prove_takes_a_plan(monkeypatch):
    answer = planned("sample:model", "sample:messages", flavor="local")
    found = prove(answer.values["fingerprint"])
    assert found.values["kind"] == "dry_run"
    assert found.values["passed"]
    assert "It would run" in found.text
