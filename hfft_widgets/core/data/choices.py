"""What a person may choose for each column a trainer reads, with how sure each choice is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from hfft_widgets.core.data.picks import Pick
from hfft_widgets.core.data.propose import Offer, turns_of
from hfft_widgets.core.data.ranking import labels, ranked
from hfft_widgets.core.data.shapes import Schema, Shape
from hfft_widgets.core.data.spellings import (
    CHOSEN_WORDS,
    COMPLETION,
    MATERIAL,
    MESSAGES,
    PROMPT,
    REJECTED_WORDS,
    TEXT,
    flat,
    spelled,
    worded,
)

_PAIRS = (("prompt", "chosen", "rejected"), ("chosen", "rejected"))
# The sets of columns that a method can be given, the usual one first.
LAYOUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "SFT": (("messages",), ("prompt", "completion"), ("text",)),
    "DPO": _PAIRS,
    "GRPO": (("prompt", "answer"), ("prompt",)),
    "KTO": (("prompt", "completion", "label"), *_PAIRS),
    "Reward": _PAIRS,
    "RLOO": (("prompt", "answer"), ("prompt",)),
}
_CHATS = (Shape.MESSAGES, Shape.TURNS, Shape.TURNS_AS_JSON)
_KNOWN = {"prompt": PROMPT, "completion": COMPLETION, "messages": MESSAGES, "text": TEXT, "answer": COMPLETION}
_WORDED = {"chosen": CHOSEN_WORDS, "rejected": REJECTED_WORDS}
SURE, LIKELY, GUESS = "sure", "likely", "a guess"


@dataclass(frozen=True)
class Choice:
    """One way to fill a column.

    Attributes:
        pick: The way.
        confidence: "sure", "likely" or "a guess".
    """

    pick: Pick
    confidence: str

    @property
    def label(self) -> str:
        """For a list of choices."""
        return f"{self.pick.words} ({self.confidence})"


def choices(target: str, schema: Schema) -> tuple[Choice, ...]:
    """All ways to fill this column from these, the surest first."""
    picks = dict.fromkeys(_picks(target, Offer(schema)))
    found = [Choice(pick, confidence(target, pick, schema)) for pick in picks]
    return tuple(sorted(found, key=lambda choice: (SURE, LIKELY, GUESS).index(choice.confidence)))


def confidence(target: str, pick: Pick, schema: Schema) -> str:
    """How sure it is that this is what the column is meant to hold: by the names of its columns."""
    main = pick.columns[0]
    if flat(main) == flat(target) or (target in {"prompt", "completion"} and pick.reads_turns):
        return SURE
    if pick.how in {"at_least", "better", "worse", "best", "worst"}:
        return LIKELY if pick.how != "at_least" else GUESS
    if target in _WORDED:
        return LIKELY if main in set(worded(schema, _WORDED[target], set(Shape))) else GUESS
    known = spelled(schema, _KNOWN.get(target, ()), {Shape.TEXT, *_CHATS})
    return LIKELY if main in set(known) or target == "label" else GUESS


def _picks(target: str, offer: Offer) -> Iterator[Pick]:
    schema = offer.schema
    texts = [name for name in schema.columns if schema.shape(name) is Shape.TEXT]
    chats = [name for name in schema.columns if schema.shape(name) in _CHATS]
    if target == "messages":
        return (turns_of(offer, name) for name in chats)
    if target == "text":
        return (Pick("column", (name,)) for name in texts)
    if target == "label":
        booleans = (name for name in schema.columns if schema.shape(name) is Shape.BOOLEAN)
        return chain(labels(schema), (Pick("column", (name,)) for name in booleans))
    if target == "answer":
        plain = (name for name in schema.columns if schema.shape(name) in {Shape.TEXT, Shape.NUMBER, Shape.BOOLEAN})
        return chain(
            (Pick("column", (name,)) for name in plain), (turns_of(offer, name, "answer_text") for name in chats)
        )
    return _spoken(target, offer, texts, chats)


def _spoken(target: str, offer: Offer, texts: list[str], chats: list[str]) -> Iterator[Pick]:
    """Prompts and answers: text as it is, or as a turn; turns; what a score chooses."""
    speaker = "user" if target == "prompt" else "assistant"
    material = list(spelled(offer.schema, MATERIAL, {Shape.TEXT}))
    for name in texts:
        for turn in ("", speaker):
            yield Pick("column", (name,), turn=turn)
            if target == "prompt":
                yield from (Pick("joined", (name, more), turn=turn) for more in material if more != name)
    for name in chats:
        hows = ("turns_before_answer", "turns") if target == "prompt" else ("answer_turn", "turns")
        yield from (turns_of(offer, name, how) for how in hows)
    if target != "prompt":
        for better, worse in ranked(offer.schema, (Shape.TEXT, *_CHATS)):
            yield worse if target == "rejected" else better
