"""Column mappings worth trying, the best first; one is offered only if the method then takes the rows as meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from hfft_widgets.core.data.columns import Row, Schema, Shape
from hfft_widgets.core.data.emulators.base import ASKED
from hfft_widgets.core.data.mapping.available import (
    ANSWERS,
    CHATS,
    Available,
    Targets,
    as_turns,
    before_turns,
    chats,
    has_answers,
    has_questions,
    of_shape,
    pairs,
    prompt_of,
    prompt_turns,
    stays_text,
    texts_of,
    turns_of,
    with_prompt,
)
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.column_names import (
    ANSWER_WORDS,
    CHECKED,
    CHOSEN_WORDS,
    COMPLETION,
    PICTURES,
    PROMPT,
    REJECTED_WORDS,
    TEXT,
    flat,
    spelled,
    worded,
)
from hfft_widgets.core.data.mapping.places import column_at, made, overlap, widened
from hfft_widgets.core.data.mapping.preferences import labels, pairs_of_names, ranked
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.match import Model, fitted_after
from hfft_widgets.core.method import METHODS

_REAL_PICTURES = (Shape.PICTURE, Shape.PICTURES)
_TRIED_ROWS = 300
# How a column says which of two answers won: no answer itself.
_TAG = re.compile(r"(?i)(?:model|response|answer|assistant|option|output)?[ _]?[ab012]|.*\b(?:tie|both|neither)\b.*")


@dataclass(frozen=True)
class Proposal:
    """A mapping that a method takes.

    Attributes:
        mapping: The mapping.
        guess: Whether nothing but the kinds of the columns speaks for it.
    """

    mapping: ColumnMapping
    guess: bool = False


def propose(
    method: str, schema: Schema, sample: Sequence[Row], model: Model, wide: Schema | None = None
) -> Proposal | None:
    """The first mapping after which the method takes the sample as it is meant; None if there is none.

    Of several that are taken, one that leaves nothing unread comes first.

    Args:
        method: One of METHODS.
        schema: The dataset's schema.
        sample: Some of its rows, to try mappings on.
        model: Its chat template, and whether it reads pictures.
        wide: The schema with the places inside its columns; None: they are looked for.
    """
    tried = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    pictures = next(chain(spelled(schema, PICTURES, _REAL_PICTURES), of_shape(schema, _REAL_PICTURES)), None)
    if not METHODS[method].sees_pictures:
        pictures = None
    if pictures and model.vision is False:
        return None  # without its pictures such a dataset says something else
    marked = bool(pictures) and _marked(tried)
    system = model.template.takes_system
    available = Available(wide or widened(schema, tried), model.chat, pictures, marked, system, tried)
    second: Proposal | None = None
    for guess, candidates in ((False, CANDIDATES[method]), (True, _guesses(method))):
        for targets in candidates(available):
            shown = {**targets, **_shown(available)}
            mapping = ColumnMapping(shown, in_the_way(method, schema, shown))
            fit = fitted_after(method, mapping, tried, model)
            if fit.fits and not fit.misses:
                return Proposal(mapping, guess)
            second = second or (Proposal(mapping, guess) if fit.fits else None)
    return second


def _shown(available: Available) -> Targets:
    """What goes along: pictures, under the name that TRL looks for, and tools that a text writes."""
    shown: dict[str, Transform] = {}
    tools = next(spelled(available.schema, ("tools", "functions"), {Shape.LIST}), None)
    if tools and available.schema.columns[tools].path:
        shown["tools"] = available.column(tools)
    if available.pictures is not None:
        single = available.schema.shape(available.pictures) is Shape.PICTURE
        shown["image" if single else "images"] = available.column(available.pictures)
    return shown


def _marked(sample: Sequence[Row]) -> bool:
    return any("<image>" in str(cell) for row in sample[:20] for cell in row.values() if isinstance(cell, (str, list)))


def in_the_way(method: str, schema: Schema, targets: Targets) -> tuple[str, ...]:
    """The columns that would lead this trainer astray once these are filled."""
    sources = {name for transform in targets.values() for name in transform.sources}
    harmless = set() if METHODS[method].generates else {"tools", "chat_template_kwargs"}
    kept = {name for name in harmless if schema.shape(name) in {Shape.LIST, Shape.RECORD, Shape.TEXT, Shape.EMPTY_LIST}}
    # with pictures GRPO asks all of these, not the prompt alone, whether the row is a conversation
    asked = ASKED if {"image", "images"} & targets.keys() else ()
    sounds = (name for name, column in schema.columns.items() if column.shape is Shape.SOUND)
    return tuple(
        name
        for name in (*sounds, *schema.named(*dict.fromkeys((*METHODS[method].special_columns, *asked))))
        if name not in targets and name not in sources and name not in kept
    )


# ---- candidates, one generator per method ----------------------------------------------------


def _sft(available: Available) -> Iterator[Targets]:
    schema = available.schema
    if schema.shape("prompt") in ANSWERS and schema.shape("prompt") is schema.shape("completion"):
        yield from _system_or_not(available, _as_is(available, prompt="user", completion="assistant"))
    for name in chats(schema):
        if has_answers(schema, name):
            yield from _after_others(available, {"messages": turns_of(available, name)})
    yield from ({"messages": transform} for transform in _made_chats(schema))
    yield from _sft_preference(available)
    yield from _question_and_answer(available)
    for better, _ in ranked(schema, (*ANSWERS, Shape.LIST)):
        if better.wins != "ask" and (asked := with_prompt(available, {"completion": better})):
            yield asked
    if not available.pictures and not one_turn_each(schema):
        for name in texts_of(schema):
            yield {"text": available.column(name)}


def one_turn_each(schema: Schema) -> bool:
    """Whether a row is a single turn of a conversation: nobody means to learn its text alone."""
    return bool(schema.named("role", "from", "speaker")) and bool(schema.named("content", "value", "text"))


def _made_chats(schema: Schema) -> Iterator[Transform]:
    """Conversations written as a column for each turn."""
    for asked, answered in _NUMBERED:
        turns = [name for n in range(1, 20) for stem in (asked, answered) for name in _of_turn(schema, stem, n)]
        if len(turns) > 2:
            yield made(schema, "alternating", *turns)


_NUMBERED = (("user", "assistant"), ("human", "gpt"), ("human", "assistant"), ("question", "answer"), ("q", "a"),
             ("prompt", "response"), ("input", "output"))  # fmt: skip


def _of_turn(schema: Schema, stem: str, number: int) -> list[str]:
    return [
        name for name in of_shape(schema, {Shape.TEXT}) if flat(name) in {f"{stem}{number}", f"turn{number}{stem}"}
    ][:1]


def _as_is(available: Available, **speakers: str) -> Targets:
    """Columns under their own names. Pictures have a place in turns only; anything else stays what it is."""
    schema, targets = available.schema, {}
    for name, speaker in speakers.items():
        if available.pictures and schema.shape(name) is Shape.TEXT:
            targets[name] = made(schema, "column", name, turn=speaker)
        else:
            targets[name] = turns_of(available, name) if schema.shape(name) in CHATS else available.column(name)
    return targets


def _sft_preference(available: Available) -> Iterator[Targets]:
    schema = available.schema
    for chosen, _ in sorted(pairs(schema), key=lambda pair: not has_questions(schema, pair[0])):
        if has_questions(schema, chosen):
            yield {
                "prompt": turns_of(available, chosen, "turns_before_answer"),
                "completion": turns_of(available, chosen, "answer_turn"),
            }
        elif asked := with_prompt(available, {"completion": available.column(chosen)}):
            yield asked
        elif schema.shape(chosen) is Shape.TEXT and not available.pictures:
            yield {"text": available.column(chosen)}
    for chosen in worded(schema, CHOSEN_WORDS, ANSWERS):
        names_one = any(_TAG.fullmatch(str(value).strip()) for value in schema.columns[chosen].values)
        if not names_one and (asked := with_prompt(available, {"completion": available.column(chosen)})):
            yield asked


def _question_and_answer(available: Available) -> Iterator[Targets]:
    schema = available.schema
    halves = pairs_of_names(schema, ANSWERS)
    answers = [
        *spelled(schema, COMPLETION, ANSWERS),
        *sorted(worded(schema, ANSWER_WORDS, ANSWERS), key=lambda name: flat(schema.columns[name].known_as) in CHECKED),
        *(name for name in spelled(schema, COMPLETION, {Shape.TEXT}, numbers=True) if not _is_label(schema, name)),
        *spelled(schema, TEXT, {Shape.TEXT}),
        *(name for name in of_shape(schema, CHATS) if _answers_alone(schema, name)),
    ]
    if chosen := _option(available):
        yield chosen
    bad = {*worded(schema, REJECTED_WORDS, ANSWERS), *(worse for _, worse in pairs(schema))}
    for answer in dict.fromkeys(answers):
        if answer not in halves | bad and (asked := with_prompt(available, {"completion": available.column(answer)})):
            yield asked


def _answers_alone(schema: Schema, name: str) -> bool:
    """Whether its turns are answers to what another column asks; several of them side by side are none."""
    several = any(key[:1] == ("each",) for key in schema.columns[name].path if isinstance(key, tuple))
    return has_answers(schema, name) and not has_questions(schema, name) and not several


def _is_label(schema: Schema, name: str) -> bool:
    return flat(schema.columns[name].known_as) in {"label", "labels", "target", "targets"}


def _option(available: Available) -> Targets | None:
    """A question, the answers to choose from, and which of them is right."""
    schema = available.schema
    lettered = [name for name, column in schema.columns.items() if column.path[-1:] == (("options",),)]
    texts = [
        n for n in schema.columns if overlapping(schema, n, lettered) and schema.shape(n) in {Shape.TEXTS, Shape.RECORD}
    ]
    right = [*spelled(schema, ("answer", "answerkey", "label", "correctanswer", "answeridx", "answerindex", "target"),
                      {Shape.NUMBER, Shape.TEXT})]  # fmt: skip
    question = next(spelled(schema, PROMPT, {Shape.TEXT}), None)
    if not (lettered and texts and right and question) or question in right or overlapping(schema, question, lettered):
        return None
    prompt = made(schema, "joined", question, lettered[0], turn="user")
    return {"prompt": prompt, "completion": made(schema, "option", texts[0], right[0], turn="assistant")}


def overlapping(schema: Schema, name: str, others: Collection[str]) -> bool:
    """Whether one of these places lies in this one."""
    return any(name != other and overlap(schema.columns[name], schema.columns[other]) for other in others)


def _dpo(available: Available) -> Iterator[Targets]:
    schema = available.schema
    for chosen, rejected in pairs(schema):
        both = {"chosen": chosen, "rejected": rejected}
        if has_questions(schema, chosen) and not available.pictures:
            yield {name: turns_of(available, column) for name, column in both.items()}
        elif has_questions(schema, chosen):
            answers = {name: turns_of(available, column, "answer_turn") for name, column in both.items()}
            yield {"prompt": turns_of(available, chosen, "turns_before_answer"), **answers}
        elif asked := with_prompt(available, {name: available.column(column) for name, column in both.items()}):
            yield asked
        if not available.pictures:
            chats = schema.shape(chosen) in CHATS
            yield {n: turns_of(available, c) if chats else available.column(c) for n, c in both.items()}
    for better, worse in ranked(schema, (*ANSWERS, Shape.LIST)):
        first = column_at(schema, better)
        if first and first.shape is Shape.MESSAGES and has_questions(schema, first.name):
            yield {"chosen": better, "rejected": worse}
        elif asked := with_prompt(available, {"chosen": better, "rejected": worse}):
            yield asked


def _kto(available: Available) -> Iterator[Targets]:
    schema = available.schema
    if not available.pictures:
        yield from _dpo(available)
    for label in labels(schema):
        used = {column.name} if (column := column_at(schema, label)) else set()
        for answer in spelled(schema, COMPLETION, ANSWERS):
            if answer not in used and (asked := with_prompt(available, {"completion": available.column(answer)}, used)):
                yield {**asked, "label": label}
        for name in chats(schema):
            yield {
                "prompt": turns_of(available, name, "turns_before_answer"),
                "completion": turns_of(available, name, "answer_turn"),
                "label": label,
            }


def _grpo(available: Available) -> Iterator[Targets]:
    schema = available.schema
    if schema.shape("prompt") in ANSWERS:
        yield from _system_or_not(available, _as_is(available, prompt="user"))
    if picked := _option(available):
        yield {"prompt": picked["prompt"], "answer": replace(picked["completion"], turn="")}
    if prompt := prompt_of(available):
        prompt = prompt if stays_text(available, prompt) else prompt_turns(available, prompt)
        texts = [*spelled(schema, COMPLETION, {Shape.TEXT}, numbers=True)]
        other = next((name for name in texts if schema.columns[name].path and name != "answer"), None)
        yield {"prompt": prompt, **({"answer": available.column(other)} if other and "answer" not in schema else {})}
    for name in chats(schema):
        ends = has_answers(schema, name)
        if not ends:
            yield {"prompt": turns_of(available, name)}
            continue
        answer = {} if "answer" in schema else {"answer": turns_of(available, name, "answer_text")}
        yield from _after_others(available, {"prompt": turns_of(available, name, "turns_before_answer"), **answer})
    for chosen, _ in pairs(schema):
        if has_questions(schema, chosen):
            yield {"prompt": turns_of(available, chosen, "turns_before_answer")}


CANDIDATES: dict[str, Callable[[Available], Iterator[Targets]]] = {
    "SFT": _sft, "DPO": _dpo, "GRPO": _grpo, "KTO": _kto, "Reward": _dpo, "RLOO": _grpo,
}  # fmt: skip


def _guesses(method: str) -> Callable[[Available], Iterator[Targets]]:
    """One column that asks or tells, and one other of words or numbers, of which the names say nothing."""

    def guessed(available: Available) -> Iterator[Targets]:
        schema = available.schema
        if METHODS[method].recommended_for != "answers" or one_turn_each(schema):
            return
        plain_ways = [
            n for n in of_shape(schema, {Shape.TEXT}) if all(isinstance(k, str) for k in schema.columns[n].path)
        ]
        texts = [name for name in plain_ways if available.says(name)]
        asking = [name for name in texts if available.says(name, "?")]
        numbers = [n for n, c in schema.columns.items() if c.path == (("written",),) and len(c.values) not in {1, 2}]
        question = next(iter(asking or texts), None)
        plain = question is not None and flat(question) not in PROMPT
        others = [n for n in texts if n != question] or (numbers if asking and plain else [])
        if question and len(others) == 1 and flat(others[0]) not in PROMPT:
            yield as_turns(available, available.column(question), {"completion": available.column(others[0])})

    return guessed


# ---- where values may come from --------------------------------------------------------------


def _after_others(available: Available, targets: Targets) -> Iterator[Targets]:
    """The turns of the first target after a system prompt that has a column of its own; then without it."""
    name, turns = next(iter(targets.items()))
    if (column := column_at(available.schema, turns)) and (before := before_turns(available, {column.name})):
        plain = replace(turns, how="turns") if turns.how == "column" else turns
        yield {**targets, name: replace(plain, before=before)}
    yield targets


def _system_or_not(available: Available, targets: Targets) -> Iterator[Targets]:
    """Prompts and answers as they are; first, where a system prompt has a column of its own, as turns behind it."""
    prompt = targets["prompt"]
    if available.chat and (before := before_turns(available)):
        answers = {name: made_ for name, made_ in targets.items() if name != "prompt"}
        turns = as_turns(available, prompt, answers)
        yield {**turns, "prompt": replace(turns["prompt"], before=before)}
    yield targets
