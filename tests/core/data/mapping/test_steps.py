from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets.core.data.mapping.steps import Call, Cell, Item, Step
from hfft_widgets.core.script import with_functions
from hfft_widgets.scripts import rows

ROW = {
    "a'b\"c": "Why?",
    "chat": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}],
    "written": json.dumps([{"role": "user", "content": "Why?"}]),
    "record": {"text": "So."},
}
ROLES = {"human": "user", "gpt": "assistant", "a very long name of a speaker": "system"}


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (Cell("a'b\"c"), "Why?"),
        (Item(Cell("record"), "text"), "So."),
        (Item(Call(rows.from_json, Cell("written")), slice(0, 1)), json.loads(ROW["written"])),
        (Call(rows.last_text, Call(rows.items, Cell("chat")), "value"), "So."),
        (
            Call(rows.turns, Cell("chat"), keys=["from", "value"], roles=ROLES),
            [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
        ),
    ],
)
def test_the_code_gives_what_the_step_gives(step: Step, value: Any) -> None:
    scope = {"row": ROW}
    exec(with_functions(f"made = {step.code}", "rows"), scope)
    assert scope["made"] == step.value(ROW) == value


def test_a_missing_column_is_none() -> None:
    assert Cell("no").value(ROW) is None
    with pytest.raises(TypeError):
        Item(Cell("no"), "text").value(ROW)


def test_a_long_call_stands_on_several_lines() -> None:
    code = Call(rows.turns, Cell("chat"), keys=["from", "value"], roles=ROLES).code
    assert code.splitlines() == [
        "turns(",
        '    row["chat"],',
        '    keys=["from", "value"],',
        '    roles={"human": "user", "gpt": "assistant", "a very long name of a speaker": "system"},',
        ")",
    ]


def test_options_that_are_none_are_left_out() -> None:
    assert Call(rows.turns, Cell("chat"), keys=["from", "value"], roles=None).code.endswith('keys=["from", "value"])')
