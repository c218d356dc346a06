"""The names public datasets give to the columns trainers read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from hfft_widgets.core.data.shapes import Schema, Shape

# Names are compared without case and separators; the earlier ones are the surer ones.
PROMPT = (
    "prompt", "instruction", "instructions", "question", "query", "problem", "user", "userprompt", "usermessage",
    "request", "input", "inputs", "human", "task", "goal", "history",
)  # fmt: skip
# What a task may be about, where nothing is plainly a prompt: a summary's document, a translation's source.
SUBJECT = (
    "dialogue", "dialog", "document", "article", "passage", "context", "text", "sentence", "premise", "body", "post",
    "content", "code", "title", "description", "source", "src",
)  # fmt: skip
COMPLETION = (
    "completion", "response", "output", "outputs", "answer", "reply", "assistant", "assistantresponse", "solution",
    "target", "targets", "label", "generation", "gpt", "summary", "answers",
)  # fmt: skip
MESSAGES = (
    "messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns", "history", "chatmessages",
)  # fmt: skip
TEXT = ("text", "content", "document", "passage", "body", "article", "rawtext", "code")
SYSTEM = ("system", "systemprompt", "systemmessage")
# What an instruction is about: it belongs to the prompt, after it.
MATERIAL = ("input", "inputs", "context")

# Whether an answer was wanted, and how good it was found.
LABEL = (
    "label", "labels", "islabel", "thumbs", "thumb", "thumbsup", "vote", "upvoted", "liked", "like", "desirable",
    "isdesirable", "good", "isgood", "accepted", "isaccepted", "correct", "iscorrect", "feedback", "judgement",
    "judgment", "verdict", "preferred", "positive", "helpful", "rating", "score", "stars", "quality", "helpfulness",
    "overall", "overallscore", "reward", "grade", "issafe", "safe",
)  # fmt: skip
YES = (
    "true", "yes", "good", "up", "thumbsup", "thumbs_up", "positive", "like", "liked", "desirable", "chosen",
    "accepted", "accept", "correct", "helpful", "preferred", "pass", "upvote", "1", "+1", "y", "win",
)  # fmt: skip
NO = (
    "false", "no", "bad", "down", "thumbsdown", "thumbs_down", "negative", "dislike", "disliked", "undesirable",
    "rejected", "reject", "incorrect", "unhelpful", "wrong", "fail", "downvote", "0", "-1", "n", "lose",
)  # fmt: skip
# Which of two answers is the better one, and the values that mean the first.
CHOICE = (
    "labels", "label", "winner", "preference", "preferred", "choice", "better", "betterresponseid", "preferredresponse",
    "selected", "best", "bestresponse", "vote", "humanpreference", "annotation",
)  # fmt: skip
SCORES = ("score", "rating", "overallscore", "overall", "reward", "pmscore", "votes", "upvotes", "quality", "rank")
PICTURES = ("images", "image", "img", "imgs", "picture", "pictures", "photo", "photos", "screenshot")

# For preferences a part of the name decides: good_response, response_chosen, winner.
CHOSEN_WORDS = frozenset({"chosen", "accepted", "preferred", "good", "better", "best", "winner", "winning", "positive"})
REJECTED_WORDS = frozenset(
    {"rejected", "dispreferred", "bad", "worse", "worst", "loser", "losing", "negative", "reject", "refused"}
)


def spelled(schema: Schema, names: Collection[str], shapes: Collection[Shape]) -> Iterator[str]:
    """The columns with one of these names and shapes, the surest name first."""
    columns = {flat(column): column for column in reversed(list(schema.columns))}
    for name in names:
        column = columns.get(name)
        if column is not None and schema.shape(column) in shapes:
            yield column


def worded(schema: Schema, words: frozenset[str], shapes: Collection[Shape]) -> Iterator[str]:
    """The columns of these shapes with one of these words in their name, the shortest name first."""
    for column in sorted(schema.columns, key=len):
        if schema.shape(column) in shapes and words & set(re.split(r"[^a-z0-9]+", column.lower())):
            yield column


def flat(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
