"""A few rows of each of a few kinds, for tests of everything but the verdicts (those have the oracle's corpus)."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def user(content: Any) -> Row:
    return {"role": "user", "content": content}


def assistant(content: Any) -> Row:
    return {"role": "assistant", "content": content}


def chat(number: int, answer: Any = "because") -> list[Row]:
    return [user(f"Why is {number}?"), assistant(answer)]


def chats(*extra: Any) -> list[Row]:
    return [{"messages": chat(n)} for n in range(3)] + [{"messages": turns} for turns in extra]


ROWS: dict[str, list[Row]] = {
    "messages": chats(),
    "prompt and completion": [{"prompt": f"Why {n}?", "completion": " So."} for n in range(3)],
    "question and answer": [{"question": f"Why {n}?", "answer": "So."} for n in range(3)],
    "verifiable": [{"prompt": [user(f"What is {n}?")], "answer": str(n)} for n in range(3)],
    "preference": [{"prompt": f"Why {n}?", "chosen": " Since.", "rejected": " No."} for n in range(3)],
    "good and bad response": [
        {"prompt": f"Why {n}?", "good_response": " So.", "bad_response": " No."} for n in range(3)
    ],
    "thumbs": [{"prompt": f"Why {n}?", "completion": " So.", "label": n % 2 == 0} for n in range(4)],
    "numbers": [{"a": n, "b": float(n)} for n in range(3)],
    "a text among conversations": chats("Why?"),
    "empty messages in a row": chats([]),
    "content without a value": chats([user("Why?"), assistant(None)]),
    "one unknown role": chats([{"role": "human", "content": "Why?"}, assistant("So.")]),
    "duplicates": chats(chat(0), chat(0)),
}
