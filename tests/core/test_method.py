"""What is known of a method stands in one value, and what it does in four registries; nothing else names one."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import get_args

import pytest

import hfft_widgets
from hfft_widgets.core.data.emulators.online import TAKEN
from hfft_widgets.core.method import GOALS, METHODS, Goal, MethodName

PACKAGE = Path(hfft_widgets.__file__).parent
REGISTRIES = {
    "core.data.match_columns": "MATCHERS",
    "core.data.emulators": "EMULATORS",
    "core.data.mapping.suggest": "CANDIDATES",
    "core.plan.trl_arguments": "ARGUMENTS",
    "sentence.choices": "METHOD_WORDS",
}
OWNERS = {
    "core/method.py",
    "core/data/match_columns.py",
    "core/data/emulators/__init__.py",
    "core/data/mapping/suggest.py",
    "core/plan/trl_arguments.py",
    "sentence/choices.py",
}
# a public default, what a lesson teaches and asks for, a plot that happens to be called "Reward", and a script, which
# runs without the core
ALLOWED = {
    "estimates.py", "core/run/curves/__init__.py", "scripts/publishing.py", "teaching/concepts.py",
    "teaching/checks/capstone.py", "teaching/checks/data.py",
}  # fmt: skip


@pytest.mark.parametrize(("module", "name"), REGISTRIES.items())
def test_a_registry_has_each_method(module: str, name: str) -> None:
    registry = getattr(importlib.import_module(f"hfft_widgets.{module}"), name)
    assert registry.keys() == METHODS.keys()


def names_methods(file: Path) -> bool:
    """Whether a string of it is a method's name."""
    tree = ast.parse(file.read_text("utf-8"))
    return any(isinstance(node, ast.Constant) and node.value in METHODS for node in ast.walk(tree))


def test_nothing_else_names_a_method() -> None:
    found = {file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py") if names_methods(file)}
    assert found == OWNERS | ALLOWED


def test_a_goal_leads_to_methods() -> None:
    assert {method for methods in GOALS.values() for method in methods} == {
        name for name, method in METHODS.items() if method.goal
    }


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_layout_is_of_columns_that_the_trainer_treats_specially_or_rewards_read(method) -> None:
    assert method.layouts
    given = {name for layout in method.layouts for name in layout}
    assert given - {*method.special_columns} == ({"answer"} if method.generates else set())


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_whose_scripts_train_on_pictures_sees_them(method) -> None:
    assert method.sees_pictures or not method.reads_pictures
    assert {*TAKEN} <= {*method.special_columns} or not method.generates


def test_an_editor_completes_the_methods_and_goals_that_there_are():
    assert get_args(MethodName) == tuple(METHODS)
    assert get_args(Goal) == tuple(GOALS)
