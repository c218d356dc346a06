from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.core.data.columns import schema_of
from hfft_widgets.core.data.match_columns import MATCHERS, ColumnRole, disagreement, evident_prompt

Q, A = [{"role": "user", "content": "Why?"}], [{"role": "assistant", "content": "So."}]
SHAREGPT = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]
FOREIGN = [{"role": "human", "content": "Why?"}, {"role": "gpt", "content": "So."}]
PICTURE = {"bytes": b"", "path": "a.png"}


def match(method: str, row: dict[str, Any], vision: bool | None = None) -> Any:
    return MATCHERS[method](schema_of([row]), vision)


@pytest.mark.parametrize(
    ("method", "row", "read"),
    [
        ("SFT", {"messages": Q + A}, {"messages": "conversation"}),
        ("SFT", {"conversations": SHAREGPT, "prompt": None}, None),
        ("SFT", {"conversations": SHAREGPT}, None),
        ("SFT", {"conversations": [{"from": "user", "value": "Why?"}, {"from": "assistant", "value": "So."}]},
         {"conversations": "conversation"}),
        ("SFT", {"messages": FOREIGN}, None),
        ("SFT", {"messages": Q}, None),
        ("SFT", {"text": "Why? So."}, {"text": "text"}),
        ("SFT", {"prompt": "Why?", "completion": "So."}, {"prompt": "prompt", "completion": "completion"}),
        ("SFT", {"prompt": "Why?", "completion": A}, None),
        ("SFT", {"prompt": "Why?", "text": "So."}, None),
        ("SFT", {"input_ids": [1, 2], "labels": [1, 2]}, {"input_ids": "tokens", "labels": "tokens"}),
        ("SFT", {"input_ids": ["a"]}, None),
        ("DPO", {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
         {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}),
        ("DPO", {"chosen": Q + A, "rejected": Q + A}, {"chosen": "chosen", "rejected": "rejected"}),
        ("DPO", {"chosen": A, "rejected": A}, None),
        ("DPO", {"question": "Why?", "chosen": "So.", "rejected": "No."}, None),
        ("KTO", {"prompt": "Why?", "completion": "So.", "label": True},
         {"prompt": "prompt", "completion": "completion", "label": "label"}),
        ("KTO", {"prompt": "Why?", "completion": "So.", "label": 4}, None),
        ("KTO", {"prompt": "Why?", "completion": "So.", "label": "yes"}, None),
        ("KTO", {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "label": True}, None),
        ("Reward", {"chosen": "So.", "rejected": "No.", "margin": 0.5},
         {"chosen": "chosen", "rejected": "rejected", "margin": "margin"}),
        ("Reward", {"chosen": "So.", "rejected": "No.", "margin": "high"}, None),
        ("Reward", {"chosen": "So.", "rejected": "No.", "image": "a.png"},
         {"chosen": "chosen", "rejected": "rejected"}),
        ("GRPO", {"prompt": Q, "answer": "So."}, {"prompt": "prompt"}),
        ("GRPO", {"prompt": Q, "completions": ["So."]}, None),
        ("RLOO", {"question": "Why?"}, None),
    ],
)  # fmt: skip
def test_which_columns_a_method_reads(method: str, row: dict[str, Any], read: dict[str, str] | None) -> None:
    fit = match(method, row)
    assert fit.fits is (read is not None)
    assert {part.column: part.duty for part in fit.parts} == {k: ColumnRole(v) for k, v in (read or {}).items()}
    assert fit.reason


@pytest.mark.parametrize("method", ["SFT", "DPO", "KTO", "GRPO", "RLOO"])
def test_pictures_go_to_models_that_see_and_with_turns(method: str) -> None:
    turns = {"prompt": Q, "completion": A, "chosen": A, "rejected": A, "label": True, "image": PICTURE}
    asked = turns if method != "KTO" else {k: v for k, v in turns.items() if k not in {"chosen", "rejected"}}
    assert match(method, asked, True).fits
    assert ColumnRole.PICTURES in {part.duty for part in match(method, asked, True).parts}
    assert not match(method, asked, False).fits
    text = asked | {name: "Why?" for name in ("prompt", "completion", "chosen", "rejected") if name in asked}
    assert not match(method, text, True).fits


@pytest.mark.parametrize(
    ("aside", "fits"), [({"tools": "[]"}, True), ({"tools": 3}, False), ({"chat_template_kwargs": "x"}, False)]
)
def test_what_goes_to_the_chat_template_has_its_form(aside: dict[str, Any], fits: bool) -> None:
    assert match("SFT", {"messages": Q + A, **aside}).fits is fits


def test_an_evident_prompt_has_another_name() -> None:
    assert evident_prompt(schema_of([{"question": "Why?", "answer": "So."}])) == "question"
    assert evident_prompt(schema_of([{"prompt": "Why?", "answer": "So."}])) is None


def test_columns_that_trl_may_ask_in_any_order_agree_or_are_named() -> None:
    schema = schema_of([{"prompt": Q, "completion": "So."}])
    assert "'prompt'" in (disagreement(schema, ["prompt", "completion"]) or "")
    assert disagreement(schema, ["prompt"]) is None
