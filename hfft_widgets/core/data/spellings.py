"""The names public datasets give to the columns trainers read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from hfft_widgets.core.data.shapes import Schema, Shape

# Names are compared without case and separators; the earlier ones are the surer ones.
PROMPT = (
    "prompt", "instruction", "instructions", "question", "query", "problem", "user", "userprompt", "usermessage",
    "task", "request", "input", "inputs", "source", "human", "goal",
)  # fmt: skip
COMPLETION = (
    "completion", "response", "output", "outputs", "answer", "reply", "assistant", "assistantresponse", "solution",
    "target", "targets", "label", "generation", "gpt", "summary",
)  # fmt: skip
MESSAGES = (
    "messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns", "history", "chatmessages",
)  # fmt: skip
TEXT = ("text", "content", "document", "passage", "body", "article", "rawtext", "code")
SYSTEM = ("system", "systemprompt", "systemmessage")
# What an instruction is about: it belongs to the prompt, after it.
MATERIAL = ("input", "inputs", "context")

# For preferences a part of the name decides: good_response, response_chosen, winner.
CHOSEN_WORDS = frozenset({"chosen", "accepted", "preferred", "good", "better", "best", "winner", "winning", "positive"})
REJECTED_WORDS = frozenset(
    {"rejected", "dispreferred", "bad", "worse", "worst", "loser", "losing", "negative", "reject", "refused"}
)


def spelled(schema: Schema, names: Collection[str], shapes: Collection[Shape]) -> Iterator[str]:
    """The columns with one of these names and shapes, the surest name first."""
    columns = {_flat(column): column for column in reversed(list(schema.columns))}
    for name in names:
        column = columns.get(name)
        if column is not None and schema.shape(column) in shapes:
            yield column


def worded(schema: Schema, words: frozenset[str], shapes: Collection[Shape]) -> Iterator[str]:
    """The columns of these shapes with one of these words in their name, the shortest name first."""
    for column in sorted(schema.columns, key=len):
        if schema.shape(column) in shapes and words & set(re.split(r"[^a-z0-9]+", column.lower())):
            yield column


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
