"""What a mapping may draw on: the dataset's columns and the places inside them, as prompts, answers and turns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from hfft_widgets.core.data.columns import STANDARD_KEYS, Row, Schema, Shape
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.mapping.column_names import (
    CHOSEN_WORDS,
    COMPLETION,
    HISTORY,
    MATERIAL,
    MESSAGES,
    PROMPT,
    REJECTED_WORDS,
    SUBJECT,
    SYSTEM,
    TEXT,
    flat,
    spelled,
    worded,
)
from hfft_widgets.core.data.mapping.places import column_at, made, overlap, read_at, speakers
from hfft_widgets.core.data.mapping.preferences import opposites, ranked
from hfft_widgets.core.data.mapping.steps import parses
from hfft_widgets.core.data.mapping.transforms import Transform

CHATS = (Shape.MESSAGES, Shape.TURNS, Shape.TURNS_AS_JSON)
ANSWERS = (Shape.TEXT, *CHATS)
Targets = Mapping[str, Transform]


@dataclass(frozen=True)
class Available:
    """What a mapping may draw on.

    Attributes:
        schema: The dataset's columns, and the places inside them.
        chat: Whether the model has a chat template, or may have one.
        pictures: The column of pictures that a vision-language model shall see, or None.
        marked: Whether its texts mark the place of a picture by `<image>`.
        system: Whether the chat template takes a system turn.
        sample: Some rows.
    """

    schema: Schema
    chat: bool = True
    pictures: str | None = None
    marked: bool = False
    system: bool = True
    sample: Sequence[Row] = field(default=(), repr=False, compare=False)

    def says(self, name: str, end: str = "") -> bool:
        """Whether a column mostly holds sentences: three words or more, that end so."""
        made_ = self.column(name)
        cells = [cell for row in self.sample if isinstance(cell := value_or_none(made_, row), str)]
        fine = sum(len(cell.split()) > 2 and cell.rstrip().endswith(end) for cell in cells)
        return 2 * fine > len(self.sample) and not strange(name)

    def column(self, name: str) -> Transform:
        """A column or a place as it is."""
        return made(self.schema, "column", name)

    def shape(self, transform: Transform) -> Shape | None:
        """What the first of a transform's columns holds; of lists of answers what an answer is."""
        column = column_at(self.schema, transform)
        if column and transform.how in {"best", "worst"}:
            return column.items or Shape.TEXT
        return column.shape if column else None


def value_or_none(transform: Transform, row: Row) -> object:
    """What a transform makes of a row; None where it cannot be applied."""
    try:
        return transform.value(row)
    except MAPPING_ERRORS:
        return None


def of_shape(schema: Schema, shapes: Collection[Shape]) -> Iterator[str]:
    """The columns that hold one of these."""
    return (name for name in schema.columns if schema.shape(name) in shapes)


def strange(name: str) -> bool:
    """Whether a name looks like a cell of a table without a header."""
    return len(name.split()) > 3 or "\t" in name or ";" in name or not name.strip()


def chats(schema: Schema) -> Iterator[str]:
    """Columns with whole conversations: well-known names first, then any."""
    known = [name for name in spelled(schema, MESSAGES, CHATS) if not _goes_on(schema, name)]
    answers = {name for pair in pairs(schema) for name in pair} | {"prompt", "completion"}
    yield from known
    for name in of_shape(schema, CHATS):
        fresh = name not in known and name not in answers and not _goes_on(schema, name)
        if fresh and has_questions(schema, name):
            yield name


def _goes_on(schema: Schema, name: str) -> bool:
    """Whether its turns are earlier ones: the question and the answer have columns of their own."""
    earlier = {flat(own) for own in (*schema.columns[name].names, schema.columns[name].home)} & {*HISTORY}
    return (
        bool(earlier) and any(spelled(schema, PROMPT, {Shape.TEXT})) and any(spelled(schema, COMPLETION, {Shape.TEXT}))
    )


def texts_of(schema: Schema) -> Iterator[str]:
    """Columns of text that is learned as it is: well-known names first, or the only one."""
    yield from spelled(schema, TEXT, {Shape.TEXT})
    real = [name for name, column in schema.columns.items() if not column.path]
    alone = len(real) == 1 and not strange(real[0]) and "input_ids" not in schema
    if alone and not any(spelled(schema, PROMPT, {Shape.TEXT})):
        texts = [n for n in of_shape(schema, {Shape.TEXT}) if schema.columns[n].path[-1:] != (("written",),)]
        yield from texts if len(texts) == 1 else texts[: schema.shape(real[0]) is Shape.TEXT]


def pairs(schema: Schema) -> Iterator[tuple[str, str]]:
    """Columns with a better and a worse answer of one shape."""
    bad = list(worded(schema, REJECTED_WORDS, ANSWERS))
    for chosen in worded(schema, CHOSEN_WORDS, ANSWERS):
        for rejected in bad:
            if chosen not in bad and schema.shape(chosen) is schema.shape(rejected):
                yield chosen, rejected
    yield from (both for both in opposites(schema, ANSWERS) if schema.shape(both[0]) is schema.shape(both[1]))


def has_questions(schema: Schema, name: str) -> bool:
    """Whether the user speaks in its turns."""
    return "user" in speakers(schema.columns[name])


def has_answers(schema: Schema, name: str) -> bool:
    """Whether the assistant speaks in its turns."""
    return "assistant" in speakers(schema.columns[name])


def turns_of(available: Available, name: str, how: str = "turns") -> Transform:
    """The turns of a column in chat-template keys and roles; the column itself where nothing is to change."""
    column = available.schema.columns[name]
    keys, roles = column.turn_keys, tuple(sorted(column.renamed_roles.items()))
    written = column.shape is Shape.TURNS_AS_JSON
    as_it_is = how == "turns" and keys == STANDARD_KEYS and not (roles or written or parses(column.path))
    if as_it_is and not available.marked:
        return available.column(name)
    unmark = available.marked and how != "answer_text"
    return made(available.schema, how, name, keys=keys, roles=roles, json=written, unmark=unmark)


def with_prompt(available: Available, answers: Targets, used: Collection[str] = ()) -> Targets | None:
    """A prompt with these answers, all of one form; None if there is no prompt.

    A `prompt` of text with pairs of answers, or with a `completion`, stays text: someone wrote it for a trainer. Any
    other question and answer become turns, since a trainer would glue them together without even a space.
    """
    read = [place for answer in answers.values() for place in read_at(answer)]
    taken = {name for name, c in available.schema.columns.items() if any(overlap(c, place) for place in read)}
    prompt = prompt_of(available, {*used, *taken})
    if prompt is None:
        return None
    texts = all(available.shape(answer) not in CHATS for answer in answers.values())
    named = {column for answer in answers.values() for column in answer.columns}
    written = "completion" not in answers or named <= {"completion", "chosen"} or not available.chat
    if texts and written and stays_text(available, prompt) and not prompt.before:
        return {"prompt": prompt, **answers}
    return as_turns(available, prompt, answers)


def as_turns(available: Available, prompt: Transform, answers: Targets) -> Targets:
    """A prompt and its answers as turns; as text where the model has no chat template."""
    if not available.chat:
        return {"prompt": prompt, **answers}
    turns = {name: _as_turn(available, answer) for name, answer in answers.items()}
    return {"prompt": prompt_turns(available, prompt), **turns}


def _as_turn(available: Available, transform: Transform) -> Transform:
    """An answer as an assistant turn; one that was chosen out of several stays text until then."""
    column = column_at(available.schema, transform)
    if column and column.shape in CHATS and transform.how == "column":
        return turns_of(available, column.name)
    if available.shape(transform) is Shape.MESSAGES:
        return transform
    return replace(transform, turn="assistant")


def before_turns(available: Available, taken: Collection[str] = ()) -> tuple[Transform, ...]:
    """A system prompt and earlier exchanges that have columns of their own."""
    schema = available.schema
    system = [n for n in spelled(schema, SYSTEM, {Shape.TEXT}) if n not in taken][:1] if available.system else []
    earlier = [n for n in spelled(schema, HISTORY, {Shape.MESSAGES}) if n not in taken and has_answers(schema, n)][:1]
    return (
        *(made(schema, "column", name, turn="system") for name in system),
        *(turns_of(available, name) for name in earlier),
    )


def prompt_of(available: Available, taken: Collection[str] = ()) -> Transform | None:
    """The prompt: a column, with what it is about beside it and the system prompt and earlier exchanges before it."""
    schema = available.schema
    free = (name for name in spelled(schema, PROMPT, ANSWERS) if name not in taken)
    questions = (n for n in chats(schema) if n not in taken and has_questions(schema, n) and not has_answers(schema, n))
    subjects = (name for name in spelled(schema, SUBJECT, {Shape.TEXT}) if name not in taken)
    main = next(chain(free, questions, subjects if _has_answer_column(schema) else ()), None)
    if main is None:
        return None
    before = before_turns(available, {main, *taken}) if available.chat else ()
    if schema.shape(main) is not Shape.TEXT:
        return replace(turns_of(available, main), before=before) if before else turns_of(available, main)
    columns = [main]
    known = flat(schema.columns[main].known_as)
    if known.startswith(("instruction", "question", "prompt", "task", "query")):
        about = [name for name in spelled(schema, MATERIAL, {Shape.TEXT}) if name != main and name not in taken][:1]
        context = about and flat(schema.columns[about[0]].known_as) == "context" and known.startswith("question")
        columns = [*about, main] if context else [main, *about]
    if not available.system or not available.chat:
        columns = [*[n for n in spelled(schema, SYSTEM, {Shape.TEXT}) if n not in taken][:1], *columns]
    prompt = made(schema, "joined", *columns) if len(columns) > 1 else available.column(main)
    return replace(prompt, before=before) if before else prompt


def _has_answer_column(schema: Schema) -> bool:
    return any(spelled(schema, COMPLETION, ANSWERS)) or any(pairs(schema)) or any(ranked(schema, ANSWERS))


def stays_text(available: Available, prompt: Transform) -> bool:
    """Whether a prompt is text that somebody wrote for a trainer."""
    if available.pictures or prompt.before:
        return False
    is_text = all(
        (c := column_at(available.schema, prompt, n)) and c.shape is Shape.TEXT for n in range(len(prompt.columns))
    )
    return is_text and (not available.chat or (prompt.columns == ("prompt",) and not any(prompt.paths)))


def prompt_turns(available: Available, prompt: Transform) -> Transform:
    """A prompt as turns: text becomes one user turn."""
    return replace(prompt, turn="user") if available.shape(prompt) is Shape.TEXT else prompt
