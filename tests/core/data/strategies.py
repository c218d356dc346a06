"""Rows and mappings for property tests, of types that fit in one Arrow column each."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Arrow cannot hold lone surrogates
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maybe_texts = st.none() | texts
roles = st.sampled_from(["user", "assistant", "system", "human", "gpt", "User"])
turns = st.fixed_dictionaries({"role": roles, "content": maybe_texts})
conversations = st.none() | st.lists(turns, max_size=4)
foreign = st.none() | st.lists(st.fixed_dictionaries({"from": roles, "value": maybe_texts}), max_size=4)

ROW = {
    "prompt": maybe_texts,
    "a'b\"c": maybe_texts,
    "extra": st.none() | st.integers(-5, 5),
    "messages": conversations,
    "chosen": conversations,
    "conversations": foreign,
}


def tables(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows. The first row has every type, so that no column is of type null."""
    rows = st.lists(st.fixed_dictionaries(columns or ROW), min_size=1, max_size=6)
    return rows.map(lambda listed: [_typical(listed[0]), *listed])


def _typical(row: dict[str, Any]) -> dict[str, Any]:
    typical = {
        "prompt": "Why?",
        "a'b\"c": "How?",
        "extra": 1,
        "text": "The sky.",
        "rejected": [{"role": "user", "content": "x"}],
        "messages": [{"role": "user", "content": "Hi"}],
        "chosen": [{"role": "user", "content": "Hi"}],
        "conversations": [{"from": "human", "value": "Hi"}],
    }
    return {name: typical[name] for name in row}


# Any values JSON can hold, in rows whose keys are the ones that trainers and checks look for, or any.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "tool_calls", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    ["prompt", "completion", "messages", "conversations", "text", "chosen", "rejected", "question", "answer", "image"]
)
json_rows = st.lists(st.dictionaries(names | st.text(max_size=5), json_values, max_size=5), min_size=1, max_size=6)
