"""What a trainer makes of a row, and the run of a trainer that all six twins share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

from hfft_widgets.core.data.columns import Row, picture_opens
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.templates.authors import ASSISTANT, Piece, authored, learned_from

# TRL asks one of these columns whether a row is a conversation: whichever a Python set gives first.
ASKED = ("prompt", "chosen", "rejected", "completion", "messages")
# which words of a conversation are learned
ANSWERS, ALL = "answers", "all"


@dataclass(frozen=True)
class Passage:
    """A text as the model gets it.

    Attributes:
        name: "text", "completion", "chosen", "rejected" or "prompt".
        pieces: Who wrote which words of it, and which of them carry the loss.
    """

    name: str
    pieces: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def context(self) -> str:
        """Its start, which the model only reads."""
        return "".join(piece.text for piece in takewhile(lambda piece: not piece.learned, self.pieces))

    @property
    def spans(self) -> tuple[str, ...]:
        """The parts that carry the loss; for a prompt of GRPO and RLOO, none."""
        runs = groupby(self.pieces, key=lambda piece: piece.learned)
        return tuple("".join(piece.text for piece in run) for learned, run in runs if learned)

    @property
    def learned(self) -> str:
        """The same as one text."""
        return "".join(self.spans)

    @property
    def before_answer(self) -> str:
        """What stands before the words to be learned: of a whole conversation that is learned, before its last answer.

        With those gone, nothing is learned that was meant to be.
        """
        context = self.context
        said = [place for place, piece in enumerate(self.pieces) if piece.author == ASSISTANT]
        if context or not said or not all(piece.learned for piece in self.pieces):
            return context
        return "".join(piece.text for piece in self.pieces[: said[-1]])

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        pieces = [{"text": one.text, "author": one.author, "learned": one.learned} for one in self.pieces]
        return {"name": self.name, "context": self.context, "learned": self.learned, "pieces": pieces}


@dataclass(frozen=True)
class Reading:
    """What a trainer makes of a row.

    Attributes:
        passages: The texts made of it.
        refusal: What the trainer raises; "" if it takes the row.
        by_template: Whether it is the chat template that refuses.
        dropped: Whether it takes the row and leaves it out, since no token would carry a loss.
        unanswered: Whether it refuses the row because answers alone are learned, and the row has none.
    """

    passages: tuple[Passage, ...] = ()
    refusal: str = ""
    by_template: bool = False
    dropped: bool = False
    unanswered: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "passages": [passage.to_dict() for passage in self.passages]}


class NoAnswerError(RuntimeError):
    """TRL's own refusal: answers alone are learned, and the row has none."""


class TemplateRefusedError(Exception):
    """What a chat template raised, in its words."""


@dataclass
class Context:
    """A run of a trainer: the model's side of it, and the order in which Python's sets happen to give names.

    Attributes:
        template: The chat template.
        vision: Whether the model reads pictures; None: not known, then it is taken to.
        learned: Which words of a conversation: "all", as TRL does by itself, or "answers".
        order: Names of `ASKED` in the order of this run.
        ambiguous: Set when the columns of a row gave different answers, so that another order may end differently.
    """

    template: ChatTemplate
    vision: bool | None = None
    learned: str = ALL
    order: tuple[str, ...] = ASKED
    ambiguous: bool = False

    def is_conversational(self, row: Row) -> bool:
        """TRL's question: does the first turn of the first column asked have a role?"""
        asked = [name for name in self.order if name in row]
        self.ambiguous |= len({_answer(row[name]) for name in asked}) > 1
        if not asked:
            return False
        cell = row[asked[0]]
        return isinstance(cell, list) and isinstance(cell[0], dict) and "role" in cell[0]

    def render(self, turns: Any, **names: Any) -> str:
        """Turns through the chat template.

        Raises:
            TemplateRefusedError: Whatever the template raised.
        """
        if isinstance(turns, list) and turns and all(isinstance(turn, Mapping) for turn in turns):
            try:
                return self.template.render(turns, **names)
            except Exception as error:  # a stranger's program may raise anything
                raise TemplateRefusedError(f"{type(error).__name__}: {error}") from error
        return self.template.render(turns, **names)

    def authored(self, turns: Any, **names: Any) -> tuple[Piece, ...]:
        """Turns through the chat template, by who wrote what.

        Raises:
            TemplateRefusedError: Whatever the template raised.
        """
        return authored(self.template, turns, self.render(turns, **names), **names)

    def text(self, cell: Any) -> str:
        """A cell as text; turns in a place of text are rendered, as TRL does."""
        if isinstance(cell, list):
            return self.render(cell)
        if not isinstance(cell, str):
            raise TypeError(f"text input must be of type `str`, got {type(cell).__name__}")
        return cell

    def ended(self, text: Any) -> Any:
        """A text with the end-of-text token behind it."""
        return text if text.endswith(self.template.eos) else text + self.template.eos

    def template_names(self, row: Row) -> dict[str, Any]:
        """What a row gives the template beside its turns."""
        tools = row.get("tools")
        names = {"tools": json.loads(tools) if isinstance(tools, str) else tools}
        return {**names, **row.get("chat_template_kwargs", {})}

    def pictures(self, first: Row) -> bool:
        """Whether TRL takes a dataset for pictures: by the names of its columns alone."""
        if not {"image", "images"} & first.keys():
            return False
        if self.vision is False:
            raise ValueError("The dataset appears to be vision-related, but the model does not read pictures.")
        return True


def _answer(cell: Any) -> object:
    if not isinstance(cell, list):
        return False
    return (isinstance(cell[0], dict) and "role" in cell[0]) if cell else IndexError


Read = Callable[[Row], Reading]
Prepare = Callable[[Context, Row], Read]


def shared(a: str, b: str) -> int:
    """The number of characters that two texts begin with alike."""
    short = min(len(a), len(b))
    if a[:short] == b[:short]:
        return short
    low, high = 0, short  # they agree up to low, and differ before high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle)
    return low


def split(prompt: str, *wholes: Passage) -> tuple[Passage, ...]:
    """The wholes, each learned from where it leaves the prompt that they share.

    The end of a prompt that the whole does not repeat (a thinking block, a space) is left out, as TRL does.
    """
    start = min(shared(prompt, whole.text) for whole in wholes)
    return tuple(Passage(whole.name, learned_from(whole.pieces, start)) for whole in wholes)


def plain(name: str, *said: tuple[str, str]) -> Passage:
    """A passage of texts without turns, each with its author."""
    return Passage(name, tuple(Piece(text, author) for author, text in said if text))


def whole(passage: Passage) -> Passage:
    """The same, all of it learned."""
    return Passage(passage.name, learned_from(passage.pieces, 0))


def from_value(first: Row) -> bool:
    """Whether TRL renames from and value to role and content."""
    turns = first.get("conversations")
    return isinstance(turns, list) and isinstance(turns[0], dict) and {"from", "value"} <= turns[0].keys()


def chatml(row: Row) -> dict[str, Any]:
    """The row with from/value renamed in every column of turns, and `conversations` called `messages`."""
    lists = {*ASKED, "conversations"}
    renamed = {n: [_renamed(t) for t in c] if n in lists and isinstance(c, list) else c for n, c in row.items()}
    if "conversations" in renamed:
        renamed["messages"] = renamed.pop("conversations")
    return renamed


def _renamed(turn: Any) -> Any:
    if not isinstance(turn, dict):
        return turn
    names = {"from": "role", "value": "content"}
    plain = {key: value for key, value in turn.items() if key not in names}
    return plain | {names[key]: turn[key] for key in names if key in turn}


def implicit_prompt(row: Row) -> dict[str, Any]:
    """The row with what chosen and rejected begin with as its prompt: TRL's `extract_prompt`, its oddities included.

    Two empty lists fail there with an unbound variable; a first difference behind a blank looks one place back, and
    at the very start that is the last place.
    """
    chosen, rejected = row["chosen"], row["rejected"]
    shorter = min(len(chosen), len(rejected))
    if not shorter:
        raise UnboundLocalError("cannot access local variable 'idx': chosen or rejected is empty")
    at = next((n for n in range(shorter) if chosen[n] != rejected[n]), None)
    if at is None:
        at = shorter - 1
    elif chosen[at - 1] == " ":
        at -= 1
    return {**row, "prompt": chosen[:at], "chosen": chosen[at:], "rejected": rejected[at:]}


def with_pictures(turns: Any, pictures: Any = None) -> list[dict[str, Any]]:
    """Turns as lists of parts, the pictures before the first user's words or at their marks.

    Raises:
        ValueError: Another role, or another number of marks than of pictures.
    """
    pictures = pictures or []
    made, waiting = [], True
    for turn in turns:
        content = turn["content"] if turn["role"] == "user" else turn.get("content")
        if turn["role"] not in {"user", "assistant", "system", "tool"}:
            raise ValueError(f"Invalid role in message: {turn['role']}.")
        if isinstance(content, str):
            marks = [{"type": "image"} for _ in pictures] if turn["role"] == "user" and waiting else []
            waiting = waiting and turn["role"] != "user"
            content = [*marks, {"type": "text", "text": content}]
        made.append({**turn, "content": content})
    parts = [part for turn in made if turn["content"] and turn["role"] != "tool" for part in turn["content"]]
    marks_found = sum(part["type"] == "image" and "image" not in part for part in parts)
    if marks_found != len(pictures):
        raise ValueError(f"Number of images ({len(pictures)}) does not match number of placeholders ({marks_found}).")
    return made


def opened(pictures: Any) -> list[Any]:
    """The pictures of a row, none of them missing.

    Raises:
        TypeError: One has no value or cannot be opened; the processor fails at the batch that draws the row.
    """
    for picture in pictures or []:
        if not picture_opens(picture):
            raise TypeError("a picture without a value, or one that cannot be opened")
    return list(pictures or [])
