"""Every method's script is Python with the recipe first, uses arguments that TRL has, and holds values as values."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter

import pytest

from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.pins import versions
from hfft_widgets.core.plan.recipe import modules, pins, rewards
from hfft_widgets.core.plan.settings import usual_rewards
from hfft_widgets.core.script import RECIPE_END, runtime
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import check_script
from tests.core.plan.variants import COLUMNS, assigned_in, call_of, online, variants

HOSTILE = "x\"; __import__('os').system('touch pwned')  #\n'''\"\"\"\u202e</script>\\"


def test_the_methods_are_those_the_scripts_know():
    assert set(METHODS) == set(COLUMNS)


def test_every_script_has_its_lesson_first_and_runtime_last(plan):
    for variant in variants(plan):
        recipe = check_script(variant, most_lines=86)  # with every setting unusual, in 4 bits
        assert max(map(len, recipe.splitlines())) <= 130


def test_every_name_a_script_uses_is_defined_in_it(plan, tmp_path):
    import subprocess
    import sys

    for number, variant in enumerate(variants(plan)):
        (tmp_path / f"{number}.py").write_text(variant.script, "utf-8")
    checked = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F811,F63,F7", "--ignore", "F811"]
    told = subprocess.run([*checked, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout


def test_no_two_parts_of_a_script_define_the_same_name(plan):
    """They stand in one file: the later would be called where the earlier was meant."""
    clashes = {}
    for variant in variants(plan):
        body = ast.parse(variant.script).body
        named = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        named += [
            t.id for node in body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
        ]
        clashes |= {name: variant.method for name, count in Counter(named).items() if count > 1}
    assert clashes == {}


@pytest.mark.ci
def test_hostile_names_stay_values(plan):
    for variant in variants(plan):
        reference = {"path": HOSTILE, "split": "train", "data_files": {HOSTILE: [HOSTILE]}}
        data = dataclasses.replace(variant.data, name=HOSTILE, reference=reference)
        facts = dataclasses.replace(variant.facts, reference=HOSTILE)
        evil = dataclasses.replace(variant, model=HOSTILE, data=data, goal=HOSTILE, facts=facts)
        with pytest.raises(PlanError, match="push_to"):
            dataclasses.replace(evil, push_to=HOSTILE)
        tree = ast.parse(evil.script)
        assigned = assigned_in(tree)
        assert ast.literal_eval(assigned["MODEL"]) == HOSTILE
        assert ast.literal_eval(assigned["DATASET"]) == reference
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "__import__" not in names
        assert names <= {node.id for node in ast.walk(ast.parse(variant.script)) if isinstance(node, ast.Name)}


# ---- rewards -----------------------------------------------------------------------------------


def test_rewards_follow_the_columns_unless_chosen(plan):
    assert rewards(online(plan, "answer")) == ("correct", "close")
    assert rewards(online(plan, "tests")) == ("passes_tests",)
    chosen = online(plan, "answer", rewards=["correct", "brief"])
    assert rewards(chosen) == ("correct", "brief")
    call = call_of(chosen.script, "GRPOConfig")
    weights = next(keyword.value for keyword in call.keywords if keyword.arg == "reward_weights")
    assert ast.literal_eval(weights) == [1.0, 0.2]
    assert usual_rewards(["prompt"]) == ()
    assert rewards(plan) == ()


def test_code_runs_only_in_scripts_that_reward_it(plan):
    assert "code_rewards" in modules(online(plan, "tests"))
    assert "subprocess.Popen" in online(plan, "tests").script
    assert "code_rewards" not in modules(online(plan, "answer"))


@pytest.mark.parametrize(
    ("columns", "chosen", "word"),
    [((), (), "nothing"), (("answer",), ("passes_tests",), "'tests'"), ((), ("correct",), "'answer'")],
)
def test_a_reward_without_its_column_is_refused(plan, columns, chosen, word):
    with pytest.raises(PlanError, match=word) as caught:
        _ = online(plan, *columns, rewards=chosen).script
    assert caught.value.remedy


# ---- what depends on the model -----------------------------------------------------------------


def test_a_base_model_gets_a_template_where_it_reads_conversations(plan):
    base = dataclasses.replace(plan, facts=dataclasses.replace(plan.facts, chat_template=None))
    assert "give_chat_template(tokenizer)" in base.script.split(RECIPE_END)[0]
    text = dataclasses.replace(base, data=dataclasses.replace(base.data, columns=("text",), conversational=False))
    assert "give_chat_template" not in text.script
    assert "give_chat_template" not in plan.script


def test_pins_follow_what_is_used(plan):
    assert not [pin for pin in pins(plan) if pin.startswith(("torchvision", "trackio", "kernels"))]
    sees = next(variant for variant in variants(plan) if variant.facts.vision)
    assert any(pin.startswith("torchvision==") for pin in pins(sees))
    assert not [pin for pin in pins(plan.replace(peft="none")) if pin.startswith("peft")]
    assert any(pin.startswith("trackio==") for pin in pins(plan.replace(trackio=True)))


def test_pins_are_what_is_tested(plan):
    for variant in variants(plan):
        for pin in pins(variant):
            name, _, version = pin.partition("==")
            assert versions()[name] == version


def test_row_code_stands_in_the_runtime_of_scripts_that_call_it(plan):
    mapping = ColumnMapping({"messages": Transform("turns", ("chat",), ("from", "value"))})
    mapped = dataclasses.replace(plan, data=dataclasses.replace(plan.data, code=mapping.lines(["chat"])))
    shown, rest = mapped.script.split(RECIPE_END)
    assert '"messages": turns(items(row["chat"]), keys=["from", "value"])' in shown
    assert runtime("rows") in rest
    assert "def turns(" not in plan.script
