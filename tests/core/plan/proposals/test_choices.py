"""What would cost less: each row is a change that `replace` takes, with what it saves and hurts."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.estimate.padding import RowLengths
from hfft_widgets.core.plan.advice import padding_share
from hfft_widgets.core.plan.defaults import batched
from tests.core.plan.reports import plan


@pytest.fixture(scope="module")
def chats():
    """Chat-like rows: few are much longer than the others."""
    made = plan(flavor="l40sx1", peft="lora", batch_size=16, accumulation=1)
    lengths = RowLengths.of([120 + 3 * (n % 60) for n in range(970)] + [2000 + n for n in range(30)])
    data = dataclasses.replace(
        made.data, lengths=lengths, rows=20_000, tokens_per_row=lengths.mean, longest_tokens=2020
    )
    return dataclasses.replace(made, data=data).replace(max_length=2048)


def test_each_change_saves_what_it_says(chats):
    assert {"One epoch", "Half the rows", "Group by length", "Pack rows"} <= {one.label for one in chats.choices}
    for one in chats.choices:
        other = chats.replace(**one.changes)
        assert chats.estimate.usd.mid - other.estimate.usd.mid == pytest.approx(one.usd_saved)
        assert one.usd_saved > 0
    assert [one.usd_saved for one in chats.choices] == sorted((one.usd_saved for one in chats.choices), reverse=True)


def test_a_shorter_limit_names_the_rows_it_cuts(chats):
    (shorter,) = (one for one in chats.choices if "max_length" in one.changes)
    assert shorter.rows_hurt == 600
    assert "lose their end" in shorter.words


def test_padding_is_said_in_dollars_with_a_button(chats):
    """The estimate knows that each batch is as long as its longest row, and what would spare it."""
    assert padding_share(chats) > 0.5
    (advice,) = (one for one in chats.advice if "padding" in one.words)
    assert advice.words in chats.warnings
    assert "$" in advice.words
    less = chats.replace(**advice.changes)
    assert padding_share(less) < 0.1
    assert less.estimate.usd.mid < 0.7 * chats.estimate.usd.mid


def test_what_is_grouped_or_packed_is_in_the_script(chats):
    assert 'train_sampling_strategy="group_by_length"' in chats.replace(group_by_length=True).recipe
    assert "group_by_length" not in chats.replace(group_by_length=True, packing=True).recipe
    assert "train_sampling_strategy" not in chats.recipe


def test_packing_is_not_counted_where_the_script_does_not_pack(chats):
    there = chats.replace(flavor="t4-small")
    assert there.replace(packing=True).estimate.seconds == there.estimate.seconds


def test_a_batch_is_smaller_where_a_large_one_is_mostly_padding(chats):
    alike = dataclasses.replace(chats.data, lengths=RowLengths(((249, 1000),), 20_000), longest_tokens=249)
    mixed, even = (batched(dataclasses.replace(chats, data=data), 16) for data in (chats.data, alike))
    assert mixed.settings.batch_size < even.settings.batch_size
    assert mixed.effective_batch_size == even.effective_batch_size == 16


def test_the_whole_table_on_the_card(chats):
    html = chats.to_html()
    assert "What would cost less" in html
    assert "One epoch" in html


def test_an_edited_script_still_says_what_would_cost_less(chats):
    edited = chats.with_script(chats.script.replace("set_seed(SEED)", "set_seed(1)"))
    assert edited.choices == chats.choices
