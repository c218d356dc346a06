"""What a layout is, and the words its rows are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
ROWS = 6


def q(n: int) -> str:
    """A question."""
    return f"Which road leads to town {n} in winter?"


def a(n: int) -> str:
    """Its right answer."""
    return f"The road over bridge {n} leads there."


def b(n: int) -> str:
    """A worse one."""
    return f"Nobody goes to place {n}, I think."


def user(text: Any) -> Row:
    return {"role": "user", "content": text}


def assistant(text: Any) -> Row:
    return {"role": "assistant", "content": text}


def chat(n: int) -> list[Row]:
    return [user(q(n)), assistant(a(n))]


def human(n: int) -> list[Row]:
    """The same as ShareGPT writes it."""
    return [{"from": "human", "value": q(n)}, {"from": "gpt", "value": a(n)}]


@dataclass(frozen=True)
class Layout:
    """One dataset's columns.

    Attributes:
        name: The dataset, as the Hub calls it.
        method: What it is made for.
        row: A row by its number.
        learned: What of row 0 must be learned; of a pair, of the chosen answer.
        read: What must be read before it.
        worse: What must be the rejected answer; "": there is none.
        never: What must not be learned.
        calls: What a person calls beyond the offer, each from a report and a method to another report.
    """

    name: str
    method: str
    row: Callable[[int], Row]
    learned: str = a(0)
    read: str = q(0)
    worse: str = ""
    never: str = b(0)
    calls: tuple[Callable[[Any, str], Any], ...] = ()


def sft(name: str, row: Callable[[int], Row], **more: Any) -> Layout:
    return Layout(name, "SFT", row, **more)


def dpo(name: str, row: Callable[[int], Row], **more: Any) -> Layout:
    return Layout(name, "DPO", row, worse=b(0), **more)


def better(which: str) -> Callable[[Any, str], Any]:
    """Say which score is the better one."""
    return lambda report, method: report.with_mapping(method, report.verdicts[method].mapping.better(which))


def by_example(**texts: str) -> Callable[[Any, str], Any]:
    """Point at texts of row 0."""
    return lambda report, method: report.with_mapping(method, report.by_example(method, 0, **texts))


def gathered(by: str) -> Callable[[Any, str], Any]:
    return lambda report, method: report.gathered(by)
