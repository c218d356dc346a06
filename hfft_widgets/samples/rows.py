"""Rows for each shape a trainer reads, made from documented symbols. Pure: the same symbols give the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hfft_widgets.core.script import fingerprint
from hfft_widgets.samples.stdlib import Symbol

Row = dict[str, Any]


def shuffled(symbols: Sequence[Symbol]) -> list[Symbol]:
    """The symbols in an order that mixes modules and depends on nothing but their content."""
    return sorted(symbols, key=lambda symbol: fingerprint(symbol.module, symbol.name, symbol.summary))


def question(symbol: Symbol) -> str:
    """What every sample task asks; the answer is the symbol's module."""
    return f"Which module is this from?\n{symbol.signature}\n{symbol.summary}"


def messages(symbols: Sequence[Symbol]) -> list[Row]:
    """Conversations of one turn, for SFT: `messages`."""
    return [{"messages": [_user(question(symbol)), _assistant(symbol.module)]} for symbol in symbols]


def prompt_completion(symbols: Sequence[Symbol]) -> list[Row]:
    """Plain text, for SFT without a chat template: `prompt`, `completion`."""
    return [{"prompt": f"{question(symbol)}\nModule:", "completion": f" {symbol.module}"} for symbol in symbols]


def preference(symbols: Sequence[Symbol]) -> list[Row]:
    """Pairs for DPO: `prompt`, `chosen` (this symbol's answer), `rejected` (the answer of a symbol of another module).

    The prompt is explicit and all three are message lists, so that DPO applies the chat template to them and need
    not guess where the prompt ends.
    """
    return [
        {
            "prompt": [_user(question(symbol))],
            "chosen": [_assistant(symbol.module)],
            "rejected": [_assistant(_other(symbols, place).module)],
        }
        for place, symbol in enumerate(symbols)
    ]


def verifiable(symbols: Sequence[Symbol]) -> list[Row]:
    """Prompts with an answer a function can check, for GRPO: `prompt`, `answer`."""
    return [{"prompt": [_user(question(symbol))], "answer": symbol.module} for symbol in symbols]


MAKERS: dict[str, Callable[[Sequence[Symbol]], list[Row]]] = {
    maker.__name__: maker for maker in (messages, prompt_completion, preference, verifiable)
}


def _user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def _assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def _other(symbols: Sequence[Symbol], place: int) -> Symbol:
    """The next symbol of another module, going round."""
    round_trip = [*symbols[place + 1 :], *symbols[:place]]
    return next(symbol for symbol in round_trip if symbol.module != symbols[place].module)
