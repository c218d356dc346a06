"""Small datasets, one per shape or kind of broken row, with the verdict each method should get.

The expected verdicts are checked twice: against the validation (fast) and against TRL's own trainers (test_oracle).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

R, M, B, X = "READY", "NEEDS MAPPING", "BLOCKED BY ROWS", "INCOMPATIBLE"
Row = dict[str, Any]


def user(content: Any) -> Row:
    return {"role": "user", "content": content}


def assistant(content: Any) -> Row:
    return {"role": "assistant", "content": content}


def chat(number: int, answer: Any = "because") -> list[Row]:
    return [user(f"Why is {number}?"), assistant(answer)]


@dataclass(frozen=True)
class Case:
    """A dataset and what should be said about it.

    Attributes:
        name: Its name.
        rows: Its rows.
        verdicts: Status for SFT, DPO and GRPO.
        rules: Rules of all findings.
        accepted: Methods whose trainer runs on the dataset as it is although the verdict asks for a mapping,
            with what it would learn instead.
        batch: Rows per batch in the trainer; GRPO sees two prompts together only from 4 on.
    """

    name: str
    rows: list[Row]
    verdicts: tuple[str, str, str]
    rules: tuple[str, ...] = ()
    accepted: tuple[tuple[str, str], ...] = ()
    batch: int = 2


def _conversations(*extra: list[Any] | None) -> list[Row]:
    return [{"messages": chat(n)} for n in range(3)] + [{"messages": turns} for turns in extra]


def _pairs(*extra: Row) -> list[Row]:
    return [{"prompt": f"Why {n}?", "chosen": " Since.", "rejected": " No."} for n in range(3)] + list(extra)


def _both(number: int, chosen: str = "good", rejected: str = "bad") -> Row:
    return {"chosen": chat(number, chosen), "rejected": chat(number, rejected)}


CASES = [
    # ---- shapes
    Case("messages", _conversations(), (R, X, M)),
    Case("messages with tools column", [r | {"tools": None} for r in _conversations()], (R, X, M)),
    Case("messages beside prompt", [{"prompt": f"Why {n}?", "messages": chat(n)} for n in range(3)], (M, X, R)),
    Case(
        "sharegpt",
        [
            {"conversations": [{"from": "human", "value": f"Why {n}?"}, {"from": "gpt", "value": "So."}]}
            for n in range(3)
        ],
        (M, X, M),
        accepted=(("SFT", "turns of speakers the template does not know"),),
    ),
    Case(
        "sharegpt with chat roles",
        [
            {"conversations": [{"from": "user", "value": f"Why {n}?"}, {"from": "assistant", "value": "So."}]}
            for n in range(3)
        ],
        (R, X, M),
    ),
    Case("conversations with role and content", [{"conversations": chat(n)} for n in range(3)], (M, X, M)),
    Case("text", [{"text": f"The sky is {n}."} for n in range(3)], (R, X, X)),
    Case("content", [{"content": f"The sky is {n}.", "id": n} for n in range(3)], (M, X, X)),
    Case("prompt and completion", [{"prompt": f"Why {n}?", "completion": " So."} for n in range(3)], (R, X, R)),
    Case(
        "prompt and completion as messages",
        [{"prompt": [user(f"Why {n}?")], "completion": [assistant("So.")]} for n in range(3)],
        (R, X, R),
    ),
    Case(
        "instruction, input, output",
        [{"instruction": f"Add {n}", "input": "1", "output": "2"} for n in range(3)],
        (M, X, M),
    ),
    Case("question and answer", [{"question": f"Why {n}?", "answer": "So."} for n in range(3)], (M, X, M)),
    Case("verifiable", [{"prompt": [user(f"What is {n}?")], "answer": str(n)} for n in range(3)], (M, X, R)),
    Case("preference", _pairs(), (M, R, R)),
    Case(
        "preference as messages",
        [
            {"prompt": [user(f"Why {n}?")], "chosen": [assistant("So.")], "rejected": [assistant("No.")]}
            for n in range(3)
        ],
        (M, R, R),
    ),
    Case("implicit prompt as messages", [_both(n) for n in range(3)], (M, R, M)),
    Case("text prompt, answers as messages", [{"prompt": f"Why is {n}?", **_both(n)} for n in range(3)], (M, M, R)),
    Case(
        "good and bad response",
        [{"prompt": f"Why {n}?", "good_response": " So.", "bad_response": " No."} for n in range(3)],
        (M, M, R),
    ),
    Case(
        "question beside chosen and rejected",
        [{"question": f"Why {n}?", "chosen": "So it is.", "rejected": "So not."} for n in range(3)],
        (M, M, M),
        accepted=(("DPO", "answers without their question"),),
    ),
    Case(
        "answers alone as messages",
        [{"question": f"Why {n}?", "chosen": [assistant("So.")], "rejected": [assistant("No.")]} for n in range(3)],
        (M, M, M),
    ),
    Case("reward argument as a column", [{"prompt": f"Why {n}?", "completions": ["So."]} for n in range(3)], (X, X, M)),
    Case("numbers", [{"a": n, "b": float(n)} for n in range(3)], (X, X, X)),
    Case(
        "implicit prompt as text",
        [{"chosen": f"Human: Why {n}? AI: So.", "rejected": f"Human: Why {n}? AI: No."} for n in range(3)],
        (M, R, X),
    ),
    Case(
        "text beside prompt and completion",
        [{"prompt": f"Why {n}?", "completion": " So.", "text": f"Why {n}? So."} for n in range(3)],
        (M, X, R),
        accepted=(("SFT", "completions that never end"),),
    ),
    Case("picture names beside messages", [{"messages": chat(n), "image": f"{n}.png"} for n in range(3)], (M, X, M)),
    Case(
        "system turns",
        [{"messages": [{"role": "system", "content": "Be brief."}, *chat(n)]} for n in range(3)],
        (R, X, M),
    ),
    # ---- broken rows
    Case("a number among texts", [{"text": "The sky."}, {"text": 5}, {"text": "A tree."}], (B, X, X), ("not_text",)),
    Case(
        "a text among conversations",
        [*_conversations(), {"messages": "Why?"}],
        (B, X, M),
        ("not_a_conversation",),
    ),
    Case(
        "a turn without a role", [*_conversations(), {"messages": [{"content": 5}]}], (B, X, M), ("not_a_conversation",)
    ),
    Case(
        "a conversation among text prompts",
        [{"prompt": "Why?"}, {"prompt": "How?"}, {"prompt": "Who?"}, {"prompt": [user("When?")]}],
        (X, X, B),
        ("not_text",),
        batch=4,
    ),
    Case("no messages in a row", _conversations(None), (B, X, M), ("no_value",)),
    Case("empty messages in a row", _conversations([]), (B, X, M), ("no_turns",)),
    Case("content without a value", _conversations([user("Why?"), assistant(None)]), (R, X, M), ("no_content",)),
    Case("blank answer", _conversations([user("Why?"), assistant(" ")]), (R, X, M), ("blank_content",)),
    Case("last turn is the user's", _conversations([user("Why?")]), (R, X, M), ("no_answer",)),
    Case(
        "one unknown role",
        _conversations([{"role": "human", "content": "Why?"}, assistant("So.")]),
        (R, X, M),
        ("unknown_role",),
    ),
    Case("duplicates", _conversations(chat(0), chat(0)), (R, X, M), ("duplicate",)),
    Case("no text in a row", [{"text": "The sky."}, {"text": None}, {"text": "A tree."}], (B, X, X), ("no_value",)),
    Case(
        "no completion in a row",
        [{"prompt": "Why?", "completion": " So."}, {"prompt": "How?", "completion": None}],
        (B, X, R),
        ("no_value",),
    ),
    Case(
        "no prompt in a row",
        [{"prompt": "Why?", "completion": " So."}, {"prompt": None, "completion": " So."}],
        (B, X, B),
        ("no_value",),
    ),
    Case(
        "empty prompt in a row", [{"prompt": p, "answer": "1"} for p in ("What?", "Why?", "")], (M, X, B), ("no_text",)
    ),
    Case(
        "no chosen in a row", _pairs({"prompt": "Who?", "chosen": None, "rejected": " No."}), (M, B, R), ("no_value",)
    ),
    Case("same answers", _pairs({"prompt": "Who?", "chosen": " I.", "rejected": " I."}), (M, R, R), ("same_answers",)),
    Case(
        "answers that begin differently",
        [*(_both(n) for n in range(3)), {"chosen": chat(7), "rejected": chat(8)}],
        (M, B, M),
        ("no_shared_start",),
    ),
]
BY_NAME = {case.name: case for case in CASES}
