"""A plan is frozen, names what it does, writes a script that is Python, and refuses nonsense with a way out."""

from __future__ import annotations

import ast
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.core.plan.defaults import batched
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.settings import OPTIMIZERS, SCHEDULES, SETTING_NAMES, SETTINGS
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.errors import PlanError
from tests.core.plan import reports
from tests.core.plan.reports import MACHINES, PLANS, check, plan
from tests.core.plan.settings.test_setting import OTHER
from tests.core.plan.variants import assigned_in, call_of

EVIL = "x\"; __import__('os').system('touch pwned')  #\n'''\"\"\"\u202e</script><img src=x onerror=alert(1)>"


def methods(plan: TrainingPlan) -> list[TrainingPlan]:
    preference = dataclasses.replace(plan.data, columns=("prompt", "chosen", "rejected"), conversational=False)
    prompts = dataclasses.replace(plan.data, columns=("prompt", "answer"), conversational=False)
    made = [
        plan,
        dataclasses.replace(plan.replace(method="DPO"), data=preference),
        dataclasses.replace(plan.replace(method="GRPO", batch_size=8), data=prompts),
    ]
    return [variant.replace(peft=peft) for variant in made for peft in ("lora", "none")]


def test_every_method_writes_a_lesson_first_and_runtime_last(plan):
    for variant in methods(plan):
        reports.check_script(variant, most_lines=75)


def test_arguments_exist_in_the_installed_trl(plan):
    import trl

    for variant in methods(plan):
        call = call_of(variant.script, f"{variant.method}Config")
        fields = {field.name for field in dataclasses.fields(getattr(trl, f"{variant.method}Config"))}
        assert {keyword.arg for keyword in call.keywords if keyword.arg} <= fields


def test_hostile_names_stay_values(plan):
    data = dataclasses.replace(plan.data, name=EVIL, reference={"path": EVIL, "split": "train"})
    evil = dataclasses.replace(
        plan, model=EVIL, data=data, goal=EVIL, facts=dataclasses.replace(plan.facts, reference=EVIL)
    )
    tree = ast.parse(evil.script)
    assigned = assigned_in(tree)
    assert ast.literal_eval(assigned["MODEL"]) == EVIL
    assert ast.literal_eval(assigned["DATASET"])["path"] == EVIL
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


def test_what_was_put_back_has_its_reasons_again(plan):
    plan = batched(plan, plan.effective_batch_size)
    changed = plan.replace(seed=7).replace(num_train_epochs=6, flavor="h200").reasoned_from(plan)
    assert {"seed 7: you chose it.", "flavor h200: you chose it."} <= set(map(str, changed.reasons))
    back = changed.replace(num_train_epochs=plan.settings.num_train_epochs, flavor=plan.flavor).reasoned_from(plan)
    assert [str(reason) for reason in back.reasons] == [*map(str, plan.reasons), "seed 7: you chose it."]
    assert back.replace(seed=plan.settings.seed).reasoned_from(plan) == plan


def test_jobs_are_what_costs_least_of_what_fits_and_can_reach_it(plan):
    assert plan.on_jobs() is plan
    plan = batched(plan, plan.effective_batch_size)
    moved = plan.replace(flavor="local").on_jobs()
    rented = [option for option in plan.options if option.estimate.usd_per_hour and option.estimate.fits]
    assert moved.flavor == min(rented, key=lambda option: option.estimate.usd.mid).flavor.name
    assert str(moved.reasons[-1]) == f"{moved.flavor}: it costs least in all of what can be rented."
    here = dataclasses.replace(plan.replace(flavor="local"), facts=dataclasses.replace(plan.facts, local=True))
    with pytest.raises(PlanError, match="Put them on the Hub first"):
        here.on_jobs()
    small = tuple(dataclasses.replace(machine, memory_bytes=1) for machine in plan.machines)
    with pytest.raises(PlanError, match="No machine to rent"):
        dataclasses.replace(plan.replace(flavor="local"), machines=small).on_jobs()


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


def test_only_the_first_rows_are_trained_on_and_held_out(plan):
    few = plan.replace(rows=200)
    assert (few.rows, few.settings.eval_rows) == (200, 20)
    assert few.estimate.steps < plan.estimate.steps
    assert few.recipe.index("dataset.select(range(min(200, len(dataset))))") < few.recipe.index("hold_out")
    assert f"the first 200 of {plan.data.rows:,} rows" in few.to_markdown()
    assert few.replace(rows=None).settings == plan.settings
    assert plan.replace(rows=10_000).recipe == plan.recipe
    assert plan.replace(eval_rows=7).replace(rows=200).settings.eval_rows == 7  # one's own number
    with pytest.raises(PlanError, match="20 rows of"):
        plan.replace(rows=20, eval_rows=20)


# ---- the fingerprint: what is trained --------------------------------------------------------------


def test_where_and_at_what_price_it_runs_is_not_what_is_trained(plan, monkeypatch):
    def machine(**changes: object) -> TrainingPlan:
        machines = (dataclasses.replace(m, **changes) if m.name == plan.flavor else m for m in plan.machines)
        return dataclasses.replace(plan, machines=tuple(machines))

    slower = machine(startup_seconds=(5000.0, 6000.0, 9000.0))
    assert slower.timeout_seconds > plan.timeout_seconds
    same = [
        slower,
        machine(usd_per_hour=7.5, prices_date="2031-01-01"),
        machine(tflops=1.0),
        dataclasses.replace(plan, flavor="l4x1"),
        dataclasses.replace(plan, max_usd=0.5, goal="preferences", reasons=()),
        dataclasses.replace(plan, image="ghcr.io/other/image:2"),
        dataclasses.replace(plan, facts=dataclasses.replace(plan.facts, licence="mit")),
        dataclasses.replace(plan, data=dataclasses.replace(plan.data, tokens_per_row=1.0, longest_tokens=1)),
        dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, num_train_epochs=3.0)),
    ]
    assert {other.fingerprint for other in same} == {plan.fingerprint}
    before = plan.script
    monkeypatch.setattr("hfft_widgets.core.script.runtime", lambda name: f"# {name}, written otherwise")
    again = dataclasses.replace(plan)
    assert again.script != before
    assert again.fingerprint == plan.fingerprint


def test_each_part_of_what_is_trained_makes_another_fingerprint(plan):
    data, other = plan.data, {"path": "org/data", "split": "train", "revision": "abc"}
    changed = [
        dataclasses.replace(plan, model="Qwen/Qwen3-1.7B"),
        dataclasses.replace(plan, data=dataclasses.replace(data, reference=other)),
        dataclasses.replace(plan, data=dataclasses.replace(data, code="dataset = dataset.shuffle()")),
        dataclasses.replace(plan, data=dataclasses.replace(data, applied={"mapping": None, "fixes": [{"kind": "x"}]})),
        dataclasses.replace(plan, peft="none"),
        dataclasses.replace(plan, push_to="me/it"),
        plan.with_script(plan.script.replace("set_seed(SEED)", "set_seed(1)")),
        *(dataclasses.replace(plan, method=method) for method in METHODS if method != plan.method),
        *(plan.with_values(**{name: OTHER[name]}) for name in SETTINGS if OTHER[name] != getattr(plan.settings, name)),
    ]
    assert len({plan.fingerprint, *(one.fingerprint for one in changed)}) == len(changed) + 1


def test_mapping_and_fixes_are_trained_and_the_form_of_their_code_is_not(plan):
    rows = [{"prompt": f"what comes after {n} ?", "completion": "" if n == 3 else str(n + 1)} for n in range(300)]
    found = reports.validate_rows(rows, name="org/pairs", reference={"path": "org/pairs"})
    fixed = found.with_fixes(*(finding.fix for finding in found.findings))
    assert fixed.fixes
    as_given, without = (dataclasses.replace(plan, data=data_stats(one, "SFT")) for one in (found, fixed))
    assert as_given.fingerprint != without.fingerprint
    otherwise = dataclasses.replace(without.data, code=without.data.code + "  # written otherwise")
    assert dataclasses.replace(without, data=otherwise).fingerprint == without.fingerprint


# ---- one way ---------------------------------------------------------------------------------------


def test_no_file_of_the_plan_imports_what_stands_on_it():
    """Also not for its types alone."""
    from graphlib import TopologicalSorter
    from pathlib import Path

    from hfft_widgets import core

    root = Path(core.__file__).parent
    files = {
        file: f"{file.parent.name}.{file.stem}" for room in ("plan", "estimate") for file in (root / room).glob("*.py")
    }
    imports = {
        name: {
            node.module.removeprefix("hfft_widgets.core.")
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module
        }
        & set(files.values())
        for file, name in files.items()
    }
    assert imports["plan.plan"] >= {"plan.rehearsal", "plan.defaults", "plan.advice", "plan.warnings", "plan.recipe"}
    TopologicalSorter(imports).prepare()  # raises where there is a circle


def test_an_option_is_what_choosing_it_gives():
    made = plan()
    for option in made.options:
        assert made.replace(flavor=option.flavor.name).estimate == option.estimate


LEGAL = {
    "learning_rate": st.floats(1e-9, 1), "num_train_epochs": st.floats(1e-3, 1e3),
    "max_steps": st.integers(1, 10**6) | st.just(-1),
    "batch_size": st.integers(1, 512), "accumulation": st.integers(1, 512), "max_length": st.integers(16, 2**17),
    "packing": st.booleans(), "group_by_length": st.booleans(), "warmup": st.floats(0, 0.9),
    "lr_scheduler_type": st.sampled_from(SCHEDULES),
    "weight_decay": st.floats(0, 1), "lora_r": st.integers(1, 512), "lora_alpha": st.integers(1, 1024),
    "assistant_only_loss": st.booleans(), "answers_only": st.booleans(), "beta": st.none() | st.floats(0, 10),
    "rewards": st.lists(st.sampled_from(["correct", "brief"]), unique=True), "num_generations": st.integers(2, 16),
    "num_iterations": st.integers(1, 4), "temperature": st.floats(0.01, 5),
    "thinking": st.booleans(),
    "max_completion_length": st.integers(1, 10**5), "activation_checkpointing": st.booleans(),
    "rows": st.none() | st.integers(601, 10**6),
    "eval_rows": st.integers(1, 599), "questions": st.integers(0, 100), "logging_steps": st.integers(1, 10**6),
    "eval_steps": st.integers(1, 10**6), "save_steps": st.integers(1, 10**6), "private": st.booleans(),
    "trackio": st.booleans(), "seed": st.integers(0, 2**31 - 1),
    "lora_targets": st.lists(st.sampled_from(["attention", "q_proj", "down_proj"]), unique=True),
    "lora_dropout": st.floats(0, 0.9), "use_rslora": st.booleans(), "use_dora": st.booleans(),
    "mask_truncated_completions": st.booleans(), "use_vllm": st.booleans(), "optim": st.sampled_from(list(OPTIMIZERS)),
    "bf16_weights": st.booleans(),
}  # fmt: skip


ATTACKS = [
    'x"; import os #', "'''\n\"\"\"", "{0}%s\\", "\u202e", "</script><img src=x onerror=alert(1)>", "a\r\nPLAN = 1",
]  # fmt: skip


HOSTILE = st.text(min_size=1, max_size=40) | st.sampled_from(ATTACKS)


def test_every_setting_has_legal_values_here():
    assert set(LEGAL) == SETTING_NAMES


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(METHODS)), st.sampled_from(MACHINES), st.sampled_from(list(PEFT)),
    st.fixed_dictionaries({}, optional=LEGAL),
)  # fmt: skip
def test_every_legal_setting_on_every_flavor_gives_a_plan(method, flavor, peft, values):
    """Or what TRL would refuse about a step of answers, with what to choose instead."""
    try:
        made = PLANS[method].replace(flavor=flavor.name, peft=peft, **values)
    except PlanError:
        if method not in {"GRPO", "RLOO"}:
            raise
        return
    check(made)
    compile(made.script, "script.py", "exec")


@settings(max_examples=25, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_names_never_become_code_or_markup(name, dataset, goal):
    made = PLANS["SFT"]
    data = dataclasses.replace(made.data, name=dataset, reference={"path": dataset, "split": name})
    facts = dataclasses.replace(made.facts, reference=name, licence=name, architecture=name, gated=True)
    evil = dataclasses.replace(made, model=name, data=data, facts=facts, goal=goal, push_to="me/it")
    tree = ast.parse(evil.script)
    assigned = assigned_in(tree)
    assert ast.literal_eval(assigned["MODEL"]) == name
    assert ast.literal_eval(assigned["DATASET"])["path"] == dataset
    usual = ast.parse(made.replace(push_to="me/it").script)
    kinds = [[type(node) for node in ast.walk(one) if isinstance(node, ast.stmt)] for one in (tree, usual)]
    assert kinds[0] == kinds[1]
    html = evil._repr_html_()
    assert "<img" not in html
    assert "</script>" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize("method", METHODS)
def test_hardly_any_rows(method):
    made = PLANS[method].replace(eval_rows=1)
    few = dataclasses.replace(made.data, rows=2)
    for name in ("local", "t4-small", "h200x8"):
        there = dataclasses.replace(made, data=few).replace(flavor=name)
        check(there)
        assert "very few" in " ".join(there.warnings)


def test_more_rows_cannot_be_held_out_than_there_are():
    made = PLANS["SFT"]
    assert made.replace(eval_rows=599).estimate.steps >= 1
    with pytest.raises(PlanError, match="none would be left") as caught:
        made.replace(eval_rows=600)
    assert "at most 599" in caught.value.remedy


def test_old_prices_carry_their_date_in_every_view():
    old = tuple(m.priced(m.usd_per_hour, source="a table", date="2019-01-01") for m in MACHINES)
    made = plan(machines=old)
    for rendered in (str(made), made.to_markdown(), made._repr_html_()):
        assert "a table, 2019-01-01" in rendered
    assert made.to_dict()["estimate"]["prices_date"] == "2019-01-01"


@pytest.mark.parametrize("image", ["python:3.12", "ghcr.io/astral-sh/uv:python3.12-bookworm", "x/y@sha256:abc"])
def test_an_image_can_be_chosen(image):
    other = PLANS["SFT"].replace(image=image)
    assert other.image == other.to_dict()["image"] == image
    assert other.replace(image="").image == ""


@pytest.mark.parametrize("image", [None, 3, "a b", "x\n--privileged", "caf\u00e9"])
def test_what_names_no_image_is_refused(image):
    with pytest.raises(PlanError, match="image"):
        PLANS["SFT"].replace(image=image)
