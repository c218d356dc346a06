"""What a person may choose for each column a trainer reads, with how sure each choice is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from hfft_widgets.core.data.columns import Schema, Shape
from hfft_widgets.core.data.mapping.available import Available, turns_of
from hfft_widgets.core.data.mapping.column_names import (
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
from hfft_widgets.core.data.mapping.preferences import labels, ranked
from hfft_widgets.core.data.mapping.transforms import Transform

_CHATS = (Shape.MESSAGES, Shape.TURNS, Shape.TURNS_AS_JSON)
_KNOWN = {"prompt": PROMPT, "completion": COMPLETION, "messages": MESSAGES, "text": TEXT, "answer": COMPLETION}
_WORDED = {"chosen": CHOSEN_WORDS, "rejected": REJECTED_WORDS}
SURE, LIKELY, GUESS = "sure", "likely", "a guess"


@dataclass(frozen=True)
class Choice:
    """One way to fill a column.

    Attributes:
        transform: The way.
        confidence: "sure", "likely" or "a guess".
    """

    transform: Transform
    confidence: str

    @property
    def label(self) -> str:
        """For a list of choices; what is sure needs no word."""
        return self.transform.words if self.confidence == SURE else f"{self.transform.words} ({self.confidence})"


def choices(target: str, schema: Schema) -> tuple[Choice, ...]:
    """All ways to fill this column from these, the surest first."""
    transforms, open_ = dict.fromkeys(_transforms(target, Available(schema))), _open(schema)
    found = [Choice(one, GUESS if one in open_ else confidence(target, one, schema)) for one in transforms]
    return tuple(sorted(found, key=lambda choice: (SURE, LIKELY, GUESS).index(choice.confidence)))


def _open(schema: Schema) -> set[Transform]:
    """Ways to choose the better answer by a score of which nobody knows whether the highest or the lowest is meant."""
    asking = (made for both in ranked(schema, (Shape.TEXT, *_CHATS)) for made in both if made.wins == "ask")
    return {made.better(wins) for made in asking for wins in ("highest", "lowest")}


def confidence(target: str, transform: Transform, schema: Schema) -> str:
    """How sure it is that this is what the column is meant to hold: by the names of its columns."""
    main = transform.columns[0]
    if flat(main) == flat(target) or (target in {"prompt", "completion"} and transform.reads_turns):
        return SURE
    if transform.wins == "ask":
        return GUESS
    if transform.how in {"at_least", "better", "worse", "best", "worst"}:
        return LIKELY if transform.how != "at_least" else GUESS
    if target in _WORDED:
        return LIKELY if main in set(worded(schema, _WORDED[target], set(Shape))) else GUESS
    known = spelled(schema, _KNOWN.get(target, ()), {Shape.TEXT, *_CHATS})
    return LIKELY if main in set(known) or target == "label" else GUESS


def _transforms(target: str, available: Available) -> Iterator[Transform]:
    schema = available.schema
    texts = [name for name in schema.columns if schema.shape(name) is Shape.TEXT]
    chats = [name for name in schema.columns if schema.shape(name) in _CHATS]
    if target == "messages":
        return (turns_of(available, name) for name in chats)
    if target == "text":
        return (Transform("column", (name,)) for name in texts)
    if target == "label":
        booleans = (name for name in schema.columns if schema.shape(name) is Shape.BOOLEAN)
        return chain(labels(schema), (Transform("column", (name,)) for name in booleans))
    if target == "answer":
        plain = (name for name in schema.columns if schema.shape(name) in {Shape.TEXT, Shape.NUMBER, Shape.BOOLEAN})
        return chain(
            (Transform("column", (name,)) for name in plain),
            (turns_of(available, name, "answer_text") for name in chats),
        )
    return _spoken(target, available, texts, chats)


def _spoken(target: str, available: Available, texts: list[str], chats: list[str]) -> Iterator[Transform]:
    """Prompts and answers: text as it is, or as a turn; turns; what a score chooses."""
    speaker = "user" if target == "prompt" else "assistant"
    material = list(spelled(available.schema, MATERIAL, {Shape.TEXT}))
    for name in texts:
        for turn in ("", speaker):
            yield Transform("column", (name,), turn=turn)
            if target == "prompt":
                yield from (Transform("joined", (name, more), turn=turn) for more in material if more != name)
    for name in chats:
        hows = ("turns_before_answer", "turns") if target == "prompt" else ("answer_turn", "turns")
        yield from (turns_of(available, name, how) for how in hows)
    if target != "prompt":
        for better, worse in ranked(available.schema, (Shape.TEXT, *_CHATS)):
            made = worse if target == "rejected" else better
            yield from (made.better(wins) for wins in ("highest", "lowest")) if made.wins == "ask" else (made,)
