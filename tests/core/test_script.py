"""Scripts are put together from literals alone, and give their plan back."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.script import (
    assemble,
    calls,
    comment,
    fingerprint,
    literal,
    read_plan,
    runtime,
    with_functions,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_literal_is_ascii_and_means_the_value(value):
    text = literal(value)
    assert text.isascii()
    assert ast.literal_eval(text) == value


def test_what_is_no_literal_is_refused():
    with pytest.raises(ValueError, match="has no Python literal"):
        literal(object())


@given(st.text())
def test_a_comment_stays_one_line_and_closes_no_string(text):
    words = comment(text)
    assert words.isascii()
    assert not set(words) & set('\n\r"\\')
    ast.parse(f'"""{words}."""\nx = 1  # {words}')


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_the_plan_comes_back_from_the_script(plan):
    script = assemble(
        dependencies=["trl==1.16.0"], recipe='"""Recipe."""\n\n\ndef main():\n    pass', modules=["events"], plan=plan
    )
    assert read_plan(script) == plan


def test_a_script_without_a_plan_or_that_is_no_python_has_none():
    assert read_plan("x = 1") is None
    assert read_plan("def broken(") is None
    assert read_plan("PLAN = open('f')") is None
    assert read_plan("PLAN = 3") is None


def test_runtime_is_verbatim_but_for_its_own_imports():
    source = runtime("training")
    assert "from hfft_widgets" not in source
    assert "def train(" in source


def test_fingerprints_differ_with_every_part():
    assert len({fingerprint("a", "b"), fingerprint("ab"), fingerprint("b", "a"), fingerprint("a", "b", None)}) == 4


def test_code_brings_the_functions_it_calls_and_those_that_they_call():
    code = with_functions('made = says_something("n/a"), from_json("[1]")', "rows")
    assert [line for line in code.splitlines() if line.startswith(("def ", "import "))] == [
        "import json",
        "def from_json(cell):",
        "def says_nothing(text):",
        "def says_something(cell):",
    ]
    scope = {}
    exec(code, scope)
    assert scope["made"] == (False, [1])


@pytest.mark.parametrize("code", ["", 'dataset = dataset.remove_columns(["turns"])', "made = [turns for turns in x]"])
def test_code_that_calls_no_function_brings_none(code):
    assert not calls(code, "rows")
    assert with_functions(code, "rows") == code


def test_functions_that_the_code_defines_itself_are_its_own():
    code = "def turns(cell):\n    return cell\n\n\nmade = turns(1)"
    assert not calls(code, "rows")
    assert calls("made = turns(1)", "rows")
