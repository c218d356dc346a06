"""Who wrote which words of a rendered conversation, and which of them are an answer's.

A template is a program, so its text is not searched: the conversation is rendered once more with marks around each
turn's words, and where the marks come out, there the words are. Where marks change what a template does, the words
are looked for in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from hfft_widgets.core.data.templates import ANSWER_MARKS, ChatTemplate
from hfft_widgets.core.data.templates.assistant_mask import marks_answers

TEMPLATE, SYSTEM, USER, ASSISTANT, TOOL = "template", "system", "user", "assistant", "tool"
_AUTHORS = {
    "developer": SYSTEM, "human": USER, "gpt": ASSISTANT, "model": ASSISTANT, "function": TOOL, "ipython": TOOL,
}  # fmt: skip
_CODES = (SYSTEM, USER, ASSISTANT, TOOL)
# of a private area of Unicode: no template knows them, and JSON leaves them as they are
_OPENS, _CLOSE = "\ue5b0\ue5b1\ue5b2\ue5b3", "\ue5a0"  # one for each of _CODES
_MARKS = re.compile(f"[{_OPENS}{_CLOSE}]")
_NO_WORDS = {"role", "from", "type", "id", "tool_call_id", "call_id"}
_KEPT_APART = re.compile(r"(</?think>|<image>)")


@dataclass(frozen=True)
class Piece:
    """Words of one author.

    Attributes:
        text: The words.
        author: "template", "system", "user", "assistant", "tool"; "text" of a text without turns.
        learned: Whether they carry the loss.
    """

    text: str
    author: str
    learned: bool = False


def author_of(turn: Mapping[str, Any]) -> str:
    """Who speaks in a turn; one that templates do not know is a user to them, if anybody."""
    role = str(turn.get("role", turn.get("from")))
    return _AUTHORS.get(role, role if role in _CODES else USER)


def authored(template: ChatTemplate, turns: Sequence[Mapping[str, Any]], text: str, **names: Any) -> tuple[Piece, ...]:
    """The text of these turns, by its authors.

    Args:
        template: What rendered them.
        turns: The conversation.
        text: What the template made of it.
        **names: What else it was given.
    """
    try:
        pieces = tuple(_joined(_unmarked(template.render([_marked(turn) for turn in turns], **names))))
    except Exception:  # noqa: BLE001 - a stranger's program may raise anything at a mark
        pieces = ()
    return pieces if "".join(piece.text for piece in pieces) == text else tuple(_joined(_looked_for(turns, text)))


def answers(template: ChatTemplate, pieces: Sequence[Piece], turns: Any, **names: Any) -> tuple[Piece, ...]:
    """The pieces with what TRL learns of them where it learns answers alone: each answer with its end.

    A template with `{% generation %}` says itself what that is. Of the others TRL has versions that do: there an answer
    begins behind the words that ask for it, and its end is what follows every answer.
    """
    if template.marks_answers:
        marked = template.marking.render(turns, **names)
        return tuple(_joined(_both(pieces, _spans(marked))))
    asks, ends = template.around_answers
    return tuple(_joined(_both(pieces, list(_answer_spans(pieces, asks, ends)))))


def can_learn_answers(template: ChatTemplate) -> bool:
    """Whether TRL can learn all answers of a conversation alone; of a template that is not known it is taken to."""
    return not template.known or marks_answers(template.source)


def learned_from(pieces: Sequence[Piece], start: int) -> tuple[Piece, ...]:
    """The pieces with everything from this character on learned."""
    return tuple(_joined(_both(pieces, [(start, sum(len(piece.text) for piece in pieces))])))


# ---- marks -----------------------------------------------------------------------------------


def _marked(turn: Mapping[str, Any]) -> dict[str, Any]:
    mark = _OPENS[_CODES.index(author_of(turn))]
    return {key: value if key in {*_NO_WORDS, "name"} else _with_marks(value, mark) for key, value in turn.items()}


def _with_marks(value: Any, mark: str) -> Any:
    if isinstance(value, str):
        return "".join(_around(part, mark) for part in _KEPT_APART.split(value))
    if isinstance(value, Mapping):
        return {key: item if key in _NO_WORDS else _with_marks(item, mark) for key, item in value.items()}
    return [_with_marks(item, mark) for item in value] if isinstance(value, (list, tuple)) else value


def _around(text: str, mark: str) -> str:
    """Inside of the white space at both ends, which templates cut; what they look for stays as it is."""
    words = text.strip()
    if not words or _KEPT_APART.fullmatch(text):
        return text
    start = text.index(words)
    return f"{text[:start]}{mark}{words}{_CLOSE}{text[start + len(words) :]}"


def _unmarked(marked: str) -> Iterator[Piece]:
    author, start = TEMPLATE, 0
    for mark in _MARKS.finditer(marked):
        yield Piece(marked[start : mark.start()], author)
        author = TEMPLATE if mark.group() == _CLOSE else _CODES[_OPENS.index(mark.group())]
        start = mark.end()
    yield Piece(marked[start:], author)


def _looked_for(turns: Sequence[Mapping[str, Any]], text: str) -> Iterator[Piece]:
    done = 0
    for turn in turns:
        words = turn.get("content", turn.get("value"))
        words = words.strip() if isinstance(words, str) else ""
        place = text.find(words, done) if words else -1
        if place >= 0:
            yield Piece(text[done:place], TEMPLATE)
            yield Piece(words, author_of(turn))
            done = place + len(words)
    yield Piece(text[done:], TEMPLATE)


def _spans(marked: str) -> list[tuple[int, int]]:
    """Where `{% generation %}` begins and ends, in the text without marks."""
    found: list[tuple[int, int]] = []
    place, begun = 0, 0
    for part in re.split(f"([{''.join(ANSWER_MARKS)}])", marked):
        if part == ANSWER_MARKS[0]:
            begun = place
        elif part == ANSWER_MARKS[1]:
            found.append((begun, place))
        else:
            place += len(part)
    return found


# ---- answers ---------------------------------------------------------------------------------


def _answer_spans(pieces: Sequence[Piece], asks: str, ends: str) -> Iterator[tuple[int, int]]:
    """Where each answer begins and ends, for templates that do not say it."""
    own = "".join(piece.text if piece.author == TEMPLATE else "\0" * len(piece.text) for piece in pieces)
    stops = list(accumulate(len(piece.text) for piece in pieces))
    said = [stop for stop, piece in zip(stops, pieces, strict=True) if piece.author == ASSISTANT]
    begun = [match.end() for match in re.finditer(re.escape(asks), own)] if asks else []
    if not begun:
        begun = [stop - len(piece.text) for stop, piece in zip(stops, pieces, strict=True) if stop in said]
    for start, following in pairwise([*begun, len(own) + len(asks)]):
        end = own.find(ends, start, following - len(asks)) if ends else -1
        # an answer that says nothing has an end, too
        words = max((stop for stop in said if start < stop < following), default=min(start + 1, len(own)))
        yield start, end + len(ends) if end >= 0 else words


def _both(pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """The pieces, cut where a span begins or ends."""
    cuts = sorted({place for span in spans for place in span})
    at = 0
    for piece in pieces:
        end = at + len(piece.text)
        for start, stop in pairwise([at, *(cut for cut in cuts if at < cut < end), end]):
            learned = any(low <= start < high for low, high in spans)
            yield replace(piece, text=piece.text[start - at : stop - at], learned=learned)
        at = end


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one; nothing empty."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting and (waiting.author, waiting.learned) == (piece.author, piece.learned):
            waiting = replace(waiting, text=waiting.text + piece.text)
        elif piece.text:
            if waiting:
                yield waiting
            waiting = piece
    if waiting:
        yield waiting
