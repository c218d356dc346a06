"""Scripts are put together from literals alone, and give their plan back."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.script import assemble, comment, fingerprint, literal, machinery, read_plan

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
        dependencies=["trl==1.16.0"], lesson='"""Lesson."""\n\n\ndef main():\n    pass', modules=["telling"], plan=plan
    )
    assert read_plan(script) == plan


def test_a_script_without_a_plan_or_that_is_no_python_has_none():
    assert read_plan("x = 1") is None
    assert read_plan("def broken(") is None
    assert read_plan("PLAN = open('f')") is None
    assert read_plan("PLAN = 3") is None


def test_machinery_is_verbatim_but_for_its_own_imports():
    source = machinery("training")
    assert "from hfft_widgets" not in source
    assert "def train(" in source


def test_fingerprints_differ_with_every_part():
    assert len({fingerprint("a", "b"), fingerprint("ab"), fingerprint("b", "a"), fingerprint("a", "b", None)}) == 4
