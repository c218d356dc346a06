"""The texts and turns that the corpus is made of."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
ROWS = 4

_THINGS = ("the tide", "old bread", "a copper roof", "river ice", "garden soil", "a violin string", "paper", "dew")
_CAUSES = (
    "the moon pulls the water along",
    "its starch forms crystals again",
    "air and rain turn the metal green",
    "cold water becomes lighter before it freezes",
    "worms and roots keep moving it",
    "its tension follows the warmth of the room",
    "its fibres swell in damp air",
    "clear nights let the ground cool quickly",
)


def question(n: int) -> str:
    return f"Why does {_THINGS[n % 8]} change during day {n + 1}?"


def answer(n: int) -> str:
    return f"It changes because {_CAUSES[n % 8]}."


def poor(n: int) -> str:
    return f"Nobody has ever looked at {_THINGS[n % 8]}, sorry."


def story(n: int) -> str:
    return f"On day {n + 1} we wrote down how {_THINGS[n % 8]} looked. {answer(n)}"


def system(text: str = "You answer in one sentence.") -> Row:
    return {"role": "system", "content": text}


def user(content: Any) -> Row:
    return {"role": "user", "content": content}


def assistant(content: Any) -> Row:
    return {"role": "assistant", "content": content}


def chat(n: int) -> list[Row]:
    return [user(question(n)), assistant(answer(n))]


def poor_chat(n: int) -> list[Row]:
    return [user(question(n)), assistant(poor(n))]


def long_chat(n: int) -> list[Row]:
    return [*chat(n), user(f"And {question(n + 1).lower()}"), assistant(answer(n + 1))]


def spoken(n: int, human: str = "human", model: str = "gpt") -> list[Row]:
    return [{"from": human, "value": question(n)}, {"from": model, "value": answer(n)}]


def rows(make: Any, count: int = ROWS) -> list[Row]:
    """Rows `make(0)`, `make(1)`, ..."""
    return [make(n) for n in range(count)]


def lengthy(n: int = 0) -> str:
    """A text of about 1,500 words: too long for any tokenizer's 1,024 tokens."""
    return " ".join(f"On day {day} of year {n} the gauge showed {day * 37 % 1009} and then fell." for day in range(100))
