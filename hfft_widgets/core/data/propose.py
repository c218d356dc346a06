"""Column mappings worth trying, the best first; one is offered only if the method then takes the rows as meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from hfft_widgets.core.data.fitting import Model, fitted_after
from hfft_widgets.core.data.mapping import ColumnMapping
from hfft_widgets.core.data.methods import SPECIAL
from hfft_widgets.core.data.picks import Pick
from hfft_widgets.core.data.ranking import labels, ranked
from hfft_widgets.core.data.shapes import STANDARD_KEYS, Row, Schema, Shape
from hfft_widgets.core.data.spellings import (
    CHOSEN_WORDS,
    COMPLETION,
    MATERIAL,
    MESSAGES,
    PICTURES,
    PROMPT,
    REJECTED_WORDS,
    SUBJECT,
    SYSTEM,
    TEXT,
    flat,
    spelled,
    worded,
)
from hfft_widgets.core.data.trainers.reading import ASKED

_CHATS = (Shape.MESSAGES, Shape.TURNS, Shape.TURNS_AS_JSON)
_ANSWERS = (Shape.TEXT, *_CHATS)
_REAL_PICTURES = (Shape.PICTURE, Shape.PICTURES)
_TRIED_ROWS = 300
Targets = Mapping[str, Pick]


@dataclass(frozen=True)
class Offer:
    """What a mapping may draw on.

    Attributes:
        schema: The dataset's columns.
        chat: Whether the model has a chat template, or may have one.
        pictures: The column of pictures that a vision-language model shall see, or None.
        marked: Whether its texts mark the place of a picture by `<image>`.
    """

    schema: Schema
    chat: bool = True
    pictures: str | None = None
    marked: bool = False


def propose(method: str, schema: Schema, sample: Sequence[Row], model: Model) -> ColumnMapping | None:
    """The first mapping after which the method takes the sample as it is meant; None if there is none.

    Args:
        method: One of METHODS.
        schema: The dataset's schema.
        sample: Some of its rows, to try mappings on.
        model: Its chat template, and whether it reads pictures.
    """
    tried = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    pictures = next(chain(spelled(schema, PICTURES, _REAL_PICTURES), _of(schema, _REAL_PICTURES)), None)
    if pictures and model.vision is False and method != "Reward":
        return None  # without its pictures such a dataset says something else
    if method == "Reward":
        pictures = None
    offer = Offer(schema, model.chat, pictures, bool(pictures) and _marked(tried))
    for targets in _CANDIDATES[method](offer):
        shown = {**targets, **_shown(offer)}
        mapping = ColumnMapping(shown, in_the_way(method, schema, shown))
        if fitted_after(method, mapping, tried, model).fits:
            return mapping
    return None


def _shown(offer: Offer) -> Targets:
    """The pictures, under the name that TRL looks for."""
    if offer.pictures is None:
        return {}
    name = "image" if offer.schema.shape(offer.pictures) is Shape.PICTURE else "images"
    return {name: _column(offer.pictures)}


def _of(schema: Schema, shapes: Collection[Shape]) -> Iterator[str]:
    return (name for name in schema.columns if schema.shape(name) in shapes)


def _marked(sample: Sequence[Row]) -> bool:
    return any("<image>" in str(cell) for row in sample[:20] for cell in row.values() if isinstance(cell, (str, list)))


def in_the_way(method: str, schema: Schema, targets: Targets) -> tuple[str, ...]:
    """The columns that would lead this trainer astray once these are filled."""
    sources = {name for pick in targets.values() for name in pick.columns}
    harmless = {"tools", "chat_template_kwargs"} if method not in {"GRPO", "RLOO"} else set()
    kept = {name for name in harmless if schema.shape(name) in {Shape.LIST, Shape.RECORD, Shape.TEXT, Shape.EMPTY_LIST}}
    # with pictures GRPO asks all of these, not the prompt alone, whether the row is a conversation
    asked = ASKED if {"image", "images"} & targets.keys() else ()
    return tuple(
        name
        for name in schema.named(*dict.fromkeys((*SPECIAL[method], *asked)))
        if name not in targets and name not in sources and name not in kept
    )


# ---- candidates, one generator per method ----------------------------------------------------


def _sft(offer: Offer) -> Iterator[Targets]:
    schema = offer.schema
    if schema.shape("prompt") in _ANSWERS and schema.shape("prompt") is schema.shape("completion"):
        yield {name: _as_is(offer, name, turn) for name, turn in (("prompt", "user"), ("completion", "assistant"))}
    for name in _chats(schema):
        if _has_answers(schema, name):
            yield {"messages": turns_of(offer, name)}
    yield from ({"messages": pick} for pick in _made_chats(schema))
    yield from _sft_preference(offer)
    yield from _question_and_answer(offer)
    for better, _ in ranked(schema, _ANSWERS):
        if asked := _asked(offer, {"completion": better}):
            yield asked
    if not offer.pictures:
        for name in _texts(schema):
            yield {"text": _column(name)}


def _made_chats(schema: Schema) -> Iterator[Pick]:
    """Conversations written as lists of exchanges, or of texts by turns."""
    for name in spelled(schema, MESSAGES, {Shape.LIST, Shape.TEXTS}):
        keys = schema.columns[name].records
        asked, answered = (next((key for key in keys if flat(key) in names), None) for names in (PROMPT, COMPLETION))
        if asked and answered:
            yield Pick("exchanges", (name,), (asked, answered))
        elif schema.shape(name) is Shape.TEXTS:
            yield Pick("alternating", (name,))


def _as_is(offer: Offer, name: str, speaker: str) -> Pick:
    """Pictures have a place in turns only; anything else stays what it is."""
    if offer.pictures and offer.schema.shape(name) is Shape.TEXT:
        return Pick("column", (name,), turn=speaker)
    return turns_of(offer, name) if offer.schema.shape(name) in _CHATS else _column(name)


def _sft_preference(offer: Offer) -> Iterator[Targets]:
    for chosen, _ in _pairs(offer.schema):
        if _has_questions(offer.schema, chosen):
            yield {
                "prompt": turns_of(offer, chosen, "turns_before_answer"),
                "completion": turns_of(offer, chosen, "answer_turn"),
            }
        elif asked := _asked(offer, {"completion": _column(chosen)}):
            yield asked
        elif offer.schema.shape(chosen) is Shape.TEXT and not offer.pictures:
            yield {"text": _column(chosen)}
    for chosen in worded(offer.schema, CHOSEN_WORDS, _ANSWERS):
        if asked := _asked(offer, {"completion": _column(chosen)}):
            yield asked


def _question_and_answer(offer: Offer) -> Iterator[Targets]:
    for answer in spelled(offer.schema, COMPLETION, _ANSWERS):
        if asked := _asked(offer, {"completion": _column(answer)}):
            yield asked
    for answer in spelled(offer.schema, TEXT, {Shape.TEXT}):
        if asked := _asked(offer, {"completion": _column(answer)}):
            yield asked


def _dpo(offer: Offer) -> Iterator[Targets]:
    schema = offer.schema
    for chosen, rejected in _pairs(schema):
        if _has_questions(schema, chosen) and not offer.pictures:
            yield {"chosen": turns_of(offer, chosen), "rejected": turns_of(offer, rejected)}
        elif _has_questions(schema, chosen):
            answers = {
                "chosen": turns_of(offer, chosen, "answer_turn"),
                "rejected": turns_of(offer, rejected, "answer_turn"),
            }
            yield {"prompt": turns_of(offer, chosen, "turns_before_answer"), **answers}
        elif asked := _asked(offer, {"chosen": _column(chosen), "rejected": _column(rejected)}):
            yield asked
        if not offer.pictures:
            yield {"chosen": _as_is(offer, chosen, ""), "rejected": _as_is(offer, rejected, "")}
    for better, worse in ranked(schema, _ANSWERS):
        if schema.shape(better.columns[0]) is Shape.MESSAGES and _has_questions(schema, better.columns[0]):
            yield {"chosen": better, "rejected": worse}
        elif asked := _asked(offer, {"chosen": better, "rejected": worse}):
            yield asked


def _kto(offer: Offer) -> Iterator[Targets]:
    if not offer.pictures:
        yield from _dpo(offer)
    for label in labels(offer.schema):
        used = set(label.columns)
        for answer in spelled(offer.schema, COMPLETION, _ANSWERS):
            if answer not in used and (asked := _asked(offer, {"completion": _column(answer)}, used)):
                yield {**asked, "label": label}
        for name in _chats(offer.schema):
            yield {
                "prompt": turns_of(offer, name, "turns_before_answer"),
                "completion": turns_of(offer, name, "answer_turn"),
                "label": label,
            }


def _grpo(offer: Offer) -> Iterator[Targets]:
    schema = offer.schema
    if schema.shape("prompt") in _ANSWERS:
        yield {"prompt": _as_is(offer, "prompt", "user")}
    if prompt := _prompt(offer):
        yield {"prompt": prompt if _stays_text(offer, prompt) else _asking(offer, prompt)}
    for name in _chats(schema):
        answer = {} if "answer" in schema else {"answer": turns_of(offer, name, "answer_text")}
        ends = _has_answers(schema, name)
        yield (
            {"prompt": turns_of(offer, name, "turns_before_answer"), **answer}
            if ends
            else {"prompt": turns_of(offer, name)}
        )
    for chosen, _ in _pairs(schema):
        if _has_questions(schema, chosen):
            yield {"prompt": turns_of(offer, chosen, "turns_before_answer")}


_CANDIDATES: dict[str, Callable[[Offer], Iterator[Targets]]] = {
    "SFT": _sft, "DPO": _dpo, "GRPO": _grpo, "KTO": _kto, "Reward": _dpo, "RLOO": _grpo,
}  # fmt: skip


# ---- where values may come from --------------------------------------------------------------


def _column(name: str) -> Pick:
    return Pick("column", (name,))


def _asked(offer: Offer, answers: Targets, used: Collection[str] = ()) -> Targets | None:
    """A prompt with these answers, all of one form; None if there is no prompt.

    A `prompt` of text with pairs of answers, or with a `completion`, stays text: someone wrote it for a trainer. Any
    other question and answer become turns, since a trainer would glue them together without even a space.
    """
    sources = {pick.columns[0] for pick in answers.values()} | set(used)
    prompt = _prompt(offer, {*used, *(name for pick in answers.values() for name in pick.columns)})
    if prompt is None:
        return None
    texts = all(offer.schema.shape(source) not in _CHATS for source in sources)
    written = "completion" not in answers or sources <= {"completion", "chosen"} or not offer.chat
    if texts and written and _stays_text(offer, prompt):
        return {"prompt": prompt, **answers}
    return {"prompt": _asking(offer, prompt)} | {name: _as_turn(offer, pick) for name, pick in answers.items()}


def _as_turn(offer: Offer, pick: Pick) -> Pick:
    """An answer as an assistant turn; one that was picked out of several stays text until then."""
    if offer.schema.shape(pick.columns[0]) in _CHATS and pick.plain:
        return turns_of(offer, pick.columns[0])
    return replace(pick, turn="assistant")


def turns_of(offer: Offer, name: str, how: str = "turns") -> Pick:
    """The turns of a column in chat-template keys and roles; the column itself where nothing is to change."""
    column = offer.schema.columns[name]
    keys, roles = column.turn_keys, tuple(sorted(column.renamed_roles.items()))
    written = column.shape is Shape.TURNS_AS_JSON
    if how == "turns" and keys == STANDARD_KEYS and not roles and not written and not offer.marked:
        return _column(name)
    return Pick(how, (name,), keys, roles, json=written, unmark=offer.marked and how != "answer_text")


def _chats(schema: Schema) -> Iterator[str]:
    """Columns with whole conversations: well-known names first, then any."""
    known = list(spelled(schema, MESSAGES, _CHATS))
    answers = {name for pair in _pairs(schema) for name in pair} | {"prompt", "completion"}
    yield from known
    for name in _of(schema, _CHATS):
        if name not in known and name not in answers and _has_questions(schema, name):
            yield name


def _texts(schema: Schema) -> Iterator[str]:
    yield from spelled(schema, TEXT, {Shape.TEXT})
    alone = len(schema.columns) == 1 and "input_ids" not in schema
    if alone and not any(spelled(schema, PROMPT, {Shape.TEXT})):
        yield from _of(schema, {Shape.TEXT})


def _pairs(schema: Schema) -> Iterator[tuple[str, str]]:
    """Columns with a better and a worse answer of one shape."""
    for chosen in worded(schema, CHOSEN_WORDS, _ANSWERS):
        for rejected in worded(schema, REJECTED_WORDS, {*_ANSWERS} & {schema.shape(chosen)}):
            yield chosen, rejected
    for name in _of(schema, _ANSWERS):  # as in stack-exchange-paired: j was voted above k
        other = f"{name[:-1]}k"
        if name.endswith("_j") and schema.shape(other) is schema.shape(name):
            yield name, other


def _speakers(schema: Schema, name: str) -> set[str]:
    column = schema.columns[name]
    return {column.renamed_roles.get(role, role) for role in column.roles}


def _has_questions(schema: Schema, name: str) -> bool:
    return "user" in _speakers(schema, name)


def _has_answers(schema: Schema, name: str) -> bool:
    return "assistant" in _speakers(schema, name)


def _prompt(offer: Offer, taken: Collection[str] = ()) -> Pick | None:
    """The prompt: a column, with what it is about after it and the system prompt before it."""
    schema = offer.schema
    free = (name for name in spelled(schema, PROMPT, _ANSWERS) if name not in taken)
    questions = (
        n for n in _chats(schema) if n not in taken and _has_questions(schema, n) and not _has_answers(schema, n)
    )
    subjects = (name for name in spelled(schema, SUBJECT, {Shape.TEXT}) if name not in taken)
    main = next(chain(free, questions, subjects if _has_answer_column(schema) else ()), None)
    if main is None and (record := next(spelled(schema, PROMPT, {Shape.RECORD}), None)):
        words = [key for key in schema.columns[record].records if flat(key) in {"fulltext", "text", "content"}]
        return Pick("field", (record,), (words[0], "")) if words else None
    if main is None or schema.shape(main) is not Shape.TEXT:
        return turns_of(offer, main) if main else None
    before = [name for name in spelled(schema, SYSTEM, {Shape.TEXT}) if name not in taken][:1]
    after = [name for name in spelled(schema, MATERIAL, {Shape.TEXT}) if name != main and name not in taken][:1]
    columns = (
        *before,
        main,
        *(after if main.lower().startswith(("instruction", "question", "prompt", "task")) else []),
    )
    return Pick("joined", columns) if len(columns) > 1 else _column(main)


def _has_answer_column(schema: Schema) -> bool:
    return any(spelled(schema, COMPLETION, _ANSWERS)) or any(_pairs(schema)) or any(ranked(schema, _ANSWERS))


def _stays_text(offer: Offer, prompt: Pick) -> bool:
    if offer.pictures:
        return False
    is_text = all(offer.schema.shape(name) is Shape.TEXT for name in prompt.columns)
    return is_text and (not offer.chat or prompt.columns == ("prompt",))


def _asking(offer: Offer, prompt: Pick) -> Pick:
    """A prompt as turns: text becomes one user turn."""
    text = offer.schema.shape(prompt.columns[0]) in {Shape.TEXT, Shape.RECORD}
    return replace(prompt, turn="user") if text else prompt
