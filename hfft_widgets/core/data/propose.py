"""Column mappings worth trying, the best first; one is offered only if the method's own rules accept its result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping, Pick
from hfft_widgets.core.data.methods import FITS, Fit
from hfft_widgets.core.data.shapes import STANDARD_KEYS, Row, Schema, Shape, schema_of
from hfft_widgets.core.data.spellings import (
    CHOSEN_WORDS,
    COMPLETION,
    MATERIAL,
    MESSAGES,
    PROMPT,
    REJECTED_WORDS,
    SYSTEM,
    TEXT,
    spelled,
    worded,
)

_CHATS = (Shape.MESSAGES, Shape.TURNS)
_ANSWERS = (Shape.TEXT, *_CHATS)
Targets = Mapping[str, Pick]

# Columns that a trainer treats specially where it finds them, whether they are meant or not.
_SPECIAL = {
    "SFT": ("prompt", "completion", "messages", "conversations", "text", "chosen", "rejected", "image", "images"),
    "DPO": ("prompt", "completion", "messages", "image", "images"),
    "GRPO": ("prompts", "completions", "image", "images"),
}


def propose(method: str, schema: Schema, sample: Sequence[Row], *, chat: bool = True) -> ColumnMapping | None:
    """The first mapping after which the method takes the sample; None if there is none.

    Args:
        method: "SFT", "DPO" or "GRPO".
        schema: The dataset's schema.
        sample: Some of its rows, to try mappings on.
        chat: Whether the model has a chat template, or may have one.
    """
    pictures = [name for name in schema.named("image", "images") if schema.shape(name) in {Shape.RECORD, Shape.OTHER}]
    if pictures:
        return None  # without its pictures such a dataset says something else
    for targets in _CANDIDATES[method](schema, chat):
        mapping = ColumnMapping(targets, _in_the_way(method, schema, targets))
        if _accepted(method, mapping, sample):
            return mapping
    return None


def _in_the_way(method: str, schema: Schema, targets: Targets) -> tuple[str, ...]:
    sources = {name for pick in targets.values() for name in pick.columns}
    return tuple(name for name in schema.named(*_SPECIAL[method]) if name not in targets and name not in sources)


def _accepted(method: str, mapping: ColumnMapping, sample: Sequence[Row]) -> bool:
    return fit_after(method, mapping, sample).fits


def fit_after(method: str, mapping: ColumnMapping, sample: Sequence[Row]) -> Fit:
    """What the method makes of the sample after a mapping. Single rows it cannot be applied to are left out here."""
    rows, error = [], None
    for row in sample:
        try:
            rows.append(mapping.apply(row))
        except MAPPING_ERRORS as raised:
            error = raised
    if error and 2 * len(rows) < len(sample):
        return Fit(f"The column mapping cannot be applied to most rows: {error!r}")
    return FITS[method](schema_of(rows))


# ---- candidates, one generator per method ----------------------------------------------------


def _sft(schema: Schema, chat: bool) -> Iterator[Targets]:
    if schema.shape("prompt") and schema.shape("prompt") is schema.shape("completion"):
        yield _as_they_are(schema, "prompt", "completion")
    for name in _chats(schema):
        yield {"messages": _turns(schema, name), **_as_they_are(schema, "tools")}
    yield from _sft_preference(schema, chat)
    yield from _question_and_answer(schema, chat)
    for name in _texts(schema):
        yield {"text": _column(name)}


def _sft_preference(schema: Schema, chat: bool) -> Iterator[Targets]:
    for chosen, _ in _pairs(schema):
        if _has_questions(schema, chosen):
            yield {
                "prompt": _turns(schema, chosen, "turns_before_answer"),
                "completion": _turns(schema, chosen, "answer_turn"),
            }
        elif asked := _asked(schema, {"completion": chosen}, chat):
            yield asked
        elif schema.shape(chosen) is Shape.TEXT:
            yield {"text": _column(chosen)}


def _question_and_answer(schema: Schema, chat: bool) -> Iterator[Targets]:
    for answer in spelled(schema, COMPLETION, _ANSWERS):
        if asked := _asked(schema, {"completion": answer}, chat):
            yield asked


def _dpo(schema: Schema, chat: bool) -> Iterator[Targets]:
    for chosen, rejected in _pairs(schema):
        answers = {"chosen": chosen, "rejected": rejected}
        if _has_questions(schema, chosen):
            yield {name: _turns(schema, source) for name, source in answers.items()}
        elif asked := _asked(schema, answers, chat):
            yield asked
        else:
            yield {name: _column(source) for name, source in answers.items()}


def _asked(schema: Schema, answers: Mapping[str, str], chat: bool) -> Targets | None:
    """A prompt with these answers (target -> source), all of one form; None if there is no prompt.

    Text in a column called `prompt` stays text: someone wrote it for a trainer. A question or an instruction becomes
    a user turn, since a trainer would glue question and answer together without even a space.
    """
    prompt = _prompt(schema, set(answers.values()))
    if prompt is None:
        return None
    texts = all(schema.shape(source) is Shape.TEXT for source in answers.values())
    if texts and _stays_text(schema, prompt, chat):
        return {"prompt": prompt} | {name: _column(source) for name, source in answers.items()}
    turns = {name: _as_turns(schema, source) for name, source in answers.items()}
    return {"prompt": _asking(schema, prompt)} | turns


def _grpo(schema: Schema, chat: bool) -> Iterator[Targets]:
    if "prompt" in schema:
        yield {"prompt": _turns(schema, "prompt") if schema.shape("prompt") in _CHATS else _column("prompt")}
    if prompt := _prompt(schema):
        yield {"prompt": prompt if _stays_text(schema, prompt, chat) else _asking(schema, prompt)}
    for name in _chats(schema):
        answer = {} if "answer" in schema else {"answer": _turns(schema, name, "answer_text")}
        yield {"prompt": _turns(schema, name, "turns_before_answer"), **answer}
    for chosen, _ in _pairs(schema):
        if _has_questions(schema, chosen):
            yield {"prompt": _turns(schema, chosen, "turns_before_answer")}


_CANDIDATES: dict[str, Callable[[Schema, bool], Iterator[Targets]]] = {"SFT": _sft, "DPO": _dpo, "GRPO": _grpo}


# ---- where values may come from --------------------------------------------------------------


def _column(name: str) -> Pick:
    return Pick("column", (name,))


def _as_they_are(schema: Schema, *names: str) -> dict[str, Pick]:
    return {name: _column(name) for name in schema.named(*names)}


def _turns(schema: Schema, name: str, how: str = "turns") -> Pick:
    """The turns of a column in chat-template keys and roles; the column itself where nothing is to change."""
    column = schema.columns[name]
    keys, roles = column.turn_keys, tuple(sorted(column.renamed_roles.items()))
    if how == "turns" and keys == STANDARD_KEYS and not roles:
        return _column(name)
    return Pick(how, (name,), keys, roles)


def _chats(schema: Schema) -> Iterator[str]:
    """Columns with whole conversations: well-known names first, then any."""
    known = list(spelled(schema, MESSAGES, _CHATS))
    answers = {name for pair in _pairs(schema) for name in pair} | {"prompt", "completion"}
    yield from known
    for name in schema.columns:
        if name not in known and name not in answers and schema.shape(name) in _CHATS and _has_questions(schema, name):
            yield name


def _texts(schema: Schema) -> Iterator[str]:
    yield from spelled(schema, TEXT, {Shape.TEXT})
    if len(schema.columns) == 1 and not any(spelled(schema, PROMPT, {Shape.TEXT})):
        yield from (name for name in schema.columns if schema.shape(name) is Shape.TEXT)


def _pairs(schema: Schema) -> Iterator[tuple[str, str]]:
    """Columns with a better and a worse answer of one shape."""
    for chosen in worded(schema, CHOSEN_WORDS, _ANSWERS):
        for rejected in worded(schema, REJECTED_WORDS, {*_ANSWERS} & {schema.shape(chosen)}):
            yield chosen, rejected


def _has_questions(schema: Schema, name: str) -> bool:
    column = schema.columns[name]
    return "user" in {column.renamed_roles.get(role, role) for role in column.roles}


def _prompt(schema: Schema, taken: Collection[str] = ()) -> Pick | None:
    """The prompt: a column, with what it is about after it and the system prompt before it."""
    free = (name for name in spelled(schema, PROMPT, _ANSWERS) if name not in taken)
    main = next(free, None)
    if main is None or schema.shape(main) is not Shape.TEXT:
        return _turns(schema, main) if main else None
    before = list(spelled(schema, SYSTEM, {Shape.TEXT}))[:1]
    after = [name for name in spelled(schema, MATERIAL, {Shape.TEXT}) if name != main and name not in taken][:1]
    columns = (*before, main, *(after if main.lower().startswith("instruction") else []))
    return Pick("joined", columns) if len(columns) > 1 else _column(main)


def _stays_text(schema: Schema, prompt: Pick, chat: bool) -> bool:
    is_text = all(schema.shape(name) is Shape.TEXT for name in prompt.columns)
    return is_text and (not chat or prompt.columns == ("prompt",))


def _asking(schema: Schema, prompt: Pick) -> Pick:
    """A prompt as turns: text becomes one user turn."""
    text = schema.shape(prompt.columns[0]) is Shape.TEXT
    return Pick("user_turn", prompt.columns) if text else prompt


def _as_turns(schema: Schema, answer: str) -> Pick:
    return Pick("assistant_turn", (answer,)) if schema.shape(answer) is Shape.TEXT else _turns(schema, answer)
