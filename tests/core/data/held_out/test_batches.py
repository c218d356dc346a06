"""What rows ask and say is the same in Arrow as one by one, for turns of any shape."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.data.held_out.batches import asked, said
from hfft_widgets.scripts.leakage import row_text
from hfft_widgets.scripts.proof.held_out import asked_text

TEXT = st.sampled_from(["Why?", "So it is.", "", "!!", "Größe ﬁ", "two  words\n", "snake_case 7"])
TURN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", None]), "content": TEXT})
CHAT = st.lists(TURN, min_size=1, max_size=4)


def same(rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows).combine_chunks()
    whole = table.to_batches()[0]
    for batch in (whole, whole.slice(1)):
        kept, names = batch.to_pylist(), table.column_names
        assert list(asked(batch, names)) == [asked_text(row) for row in kept]
        assert list(said(batch, names)) == [row_text(row, names) for row in kept]


@given(st.lists(CHAT, min_size=2, max_size=6))
def test_turns_in_arrow_say_what_their_rows_say(chats: list[list[dict[str, Any]]]) -> None:
    same([{"messages": chat} for chat in chats])


TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]


@pytest.mark.parametrize(
    "rows",
    [
        [{"messages": TURNS}, {"messages": None}, {"messages": []}, {"messages": TURNS[:1]}],
        [{"messages": [{"role": "user", "content": None}]}, {"messages": [*TURNS, None]}],
        [{"messages": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}] * 2,
        [{"messages": [{**turn, "name": "Bo"} for turn in TURNS], "id": 7}] * 2,
        [{"chosen": TURNS, "rejected": TURNS[:1], "n": n} for n in range(3)],
        [{"prompt": "Why?", "completion": "So."}, {"prompt": "How?", "completion": None}],
        [{"text": "Why? So."}, {"text": None}],
    ],
)
def test_other_rows_too(rows: list[dict[str, Any]]) -> None:
    same(rows)
