"""A plan is frozen, names what it does, writes a script that is Python, and refuses nonsense with a way out."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from hfft_widgets.core.plan.training import TrainingPlan
from hfft_widgets.core.script import LESSON_END, read_plan
from hfft_widgets.errors import PlanError

HOSTILE = "x\"; __import__('os').system('touch pwned')  #\n'''\"\"\"\u202e</script><img src=x onerror=alert(1)>"


def methods(plan: TrainingPlan) -> list[TrainingPlan]:
    preference = dataclasses.replace(plan.data, columns=("prompt", "chosen", "rejected"), conversational=False)
    prompts = dataclasses.replace(plan.data, columns=("prompt", "answer"), conversational=False)
    made = [
        plan,
        dataclasses.replace(plan.replace(method="DPO"), data=preference),
        dataclasses.replace(plan.replace(method="GRPO", batch_size=8), data=prompts),
    ]
    return [variant.replace(peft=peft) for variant in made for peft in ("lora", "none")]


def test_every_method_writes_a_lesson_first_and_machinery_last(plan):
    for variant in methods(plan):
        script = variant.script
        compile(script, "script.py", "exec")
        lesson, machinery = script.split(LESSON_END)
        assert "def main():" in lesson
        assert len([line for line in lesson.split(chr(34) * 3, 2)[2].splitlines() if line.strip()]) <= 50
        assert "def train(" in machinery
        assert "from hfft_widgets" not in script
        assert read_plan(script)["method"] == variant.method
        assert script.isascii()


def test_arguments_exist_in_the_installed_trl(plan):
    import trl

    from hfft_widgets.scripts.training import watched

    every = {"logging_steps": 1, "eval_steps": 1, "save_steps": 1}
    for variant in methods(plan):
        call = next(
            node
            for node in ast.walk(ast.parse(variant.script))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == f"{variant.method}Config"
        )
        fields = {field.name for field in dataclasses.fields(getattr(trl, f"{variant.method}Config"))}
        assert {keyword.arg for keyword in call.keywords if keyword.arg} | set(watched(1, **every)) <= fields


def test_hostile_names_stay_values(plan):
    data = dataclasses.replace(plan.data, name=HOSTILE, reference={"path": HOSTILE, "split": "train"})
    evil = dataclasses.replace(
        plan, model=HOSTILE, data=data, goal=HOSTILE, facts=dataclasses.replace(plan.facts, reference=HOSTILE)
    )
    tree = ast.parse(evil.script)
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(assigned["MODEL"]) == HOSTILE
    assert ast.literal_eval(assigned["DATASET"])["path"] == HOSTILE
    assert "__import__" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    html = evil._repr_html_()
    assert "<img" not in html
    assert "</script>" not in html


def test_replace_gives_a_new_plan_estimated_again(plan):
    more = plan.replace(num_train_epochs=6, batch_size=2)
    assert plan.settings.num_train_epochs == 3
    assert more.estimate.steps > plan.estimate.steps
    assert more.fingerprint != plan.fingerprint
    assert plan.replace().fingerprint == plan.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PPO"},
        {"flavor": "tpu"},
        {"peft": "magic"},
        {"batch_size": 0},
        {"learning_rate": -1},
        {"max_length": 2.5},
        {"unheard_of": 1},
        {"num_train_epochs": float("nan")},
    ],
)
def test_nonsense_is_refused_with_a_way_out(plan, changes):
    with pytest.raises(PlanError) as caught:
        plan.replace(**changes)
    assert caught.value.remedy


def test_text_markdown_html_and_dict_agree(plan):
    steps, name = f"{plan.estimate.steps:,}", plan.data.name
    for rendered in (str(plan), plan.to_markdown(), plan._repr_html_()):
        assert steps in rendered
        assert name in rendered
        assert plan.title in rendered
    assert plan.to_dict()["estimate"]["steps"] == plan.estimate.steps
    assert "<b>it</b>" not in plan._repr_html_()


def test_every_flavor_is_an_option_and_the_chosen_one_is_marked(plan):
    assert {option.flavor.name for option in plan.options} == {machine.name for machine in plan.machines}
    assert [option.flavor.name for option in plan.options if option.note == "chosen"] == [plan.flavor]
