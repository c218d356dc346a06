"""What each trainer makes of a dataset's columns: one function per method, from a schema to a `Match`.

These are the branches of TRL 1.16's own preparation (`_prepare_dataset` of each trainer), in their order, and what
it would quietly do against the evident meaning of a column: ignore a question, take a rating for a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from hfft_widgets.core.data.columns import Column, Schema, Shape
from hfft_widgets.core.data.emulators.online import TAKEN
from hfft_widgets.core.data.mapping.column_names import PROMPT, spelled


class ColumnRole(StrEnum):
    """What a column is for in a training."""

    TOKENS = "tokens"
    TEXT = "text"
    CONVERSATION = "conversation"
    PROMPT = "prompt"
    COMPLETION = "completion"
    CHOSEN = "chosen"
    REJECTED = "rejected"
    LABEL = "label"
    MARGIN = "margin"
    PICTURES = "pictures"


@dataclass(frozen=True)
class ColumnUse:
    """A column a method reads.

    Attributes:
        column: Its name.
        duty: What for.
        turns: Whether its cells are conversations; else they are text.
    """

    column: str
    duty: ColumnRole
    turns: bool


@dataclass(frozen=True)
class Match:
    """Whether a schema is what a method reads.

    Attributes:
        reason: Why or why not, in one line.
        parts: The columns read; none: it does not fit.
        details: More that is worth knowing.
        misses: Columns with words for the model that it would never see.
        unread: What else of the rows never reaches the model, in words.
    """

    reason: str
    parts: tuple[ColumnUse, ...] = ()
    details: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the method can read this schema."""
        return bool(self.parts)


PICTURE_NAMES = ("image", "images")
_READABLE = {Shape.TEXT, Shape.MESSAGES}
_REAL_PICTURES = {Shape.PICTURE, Shape.PICTURES}
_CONVERSATION = "with conversation format"
_NEEDS_VISION = "Only a vision-language model can read it."


def sft(schema: Schema, vision: bool | None) -> Match:
    """SFT: tokens, or prompt and completion, or messages, or text; tested in this order."""
    if "input_ids" in schema:
        return _tokens(schema, "input_ids", "labels")
    pictures = _aside(schema) or _pictures(schema, vision)
    if isinstance(pictures, Match):
        return pictures
    return _with_pictures(schema, pictures, _sft_vision(schema)) if pictures else _sft_words(schema)


def _sft_words(schema: Schema) -> Match:
    if "prompt" in schema and "completion" not in schema:
        return Match("With a 'prompt' column TRL asks for a 'completion' column, and there is none")
    if "prompt" in schema:
        return _sft_prompt(schema)
    return _sft_conversation(schema, "conversations") or _sft_conversation(schema, "messages") or _sft_text(schema)


def _sft_prompt(schema: Schema) -> Match:
    if clash := _not_alike(schema, ("prompt", "completion")):
        return clash
    if schema.shape("text") not in {None, Shape.NULL} and not _turns(schema, "prompt"):
        return Match("A 'text' column beside 'prompt' and 'completion' gets the end-of-text token in their place")
    parts = _parts(schema, {"prompt": ColumnRole.PROMPT, "completion": ColumnRole.COMPLETION})
    return Match(
        f"Found 'prompt' and 'completion' columns {_form(schema, 'prompt')}", parts, ("Only completions are learned.",)
    )


def _sft_conversation(schema: Schema, name: str) -> Match | None:
    column = schema.columns.get(name)
    if column is None or not _read_as_turns(column):
        return None
    if refusal := _foreign_roles(column) or _no_answers(column):
        return refusal
    return Match(f"Found '{name}' column {_CONVERSATION}", (ColumnUse(name, ColumnRole.CONVERSATION, turns=True),))


def _read_as_turns(column: Column) -> bool:
    """TRL reads from/value turns in 'conversations' alone, and role/content turns everywhere but there."""
    if column.name == "conversations":
        return column.shape is Shape.TURNS and column.turn_keys == ("from", "value")
    return column.shape is Shape.MESSAGES


def _sft_text(schema: Schema) -> Match:
    if schema.shape("text") is Shape.TEXT:
        part = ColumnUse("text", ColumnRole.TEXT, turns=False)
        return Match("Found 'text' column", (part,), ("Every token is learned.",))
    for name in ("messages", "text", "conversations"):
        if name in schema:
            return Match(f"Column '{name}' holds {_held(schema, name)}, which TRL cannot read there")
    return Match("Missing 'messages' or 'text', or 'prompt' and 'completion' columns")


def _sft_vision(schema: Schema) -> Match:
    if conversation := _sft_conversation(schema, "messages"):
        return conversation
    if schema.shape("messages") is None and schema.shape("prompt") is not None and "completion" in schema:
        return _not_alike(schema, ("prompt", "completion")) or _spoken(_sft_prompt(schema), "prompt")
    return Match("Pictures go with 'messages', or with 'prompt' and 'completion' turns, and there are none")


def dpo(schema: Schema, vision: bool | None) -> Match:
    """DPO: chosen and rejected, with a prompt of the same form or the prompt at the start of both."""
    pictures = _missing(schema, "chosen", "rejected") or _aside(schema) or _pictures(schema, vision)
    if isinstance(pictures, Match):
        return pictures
    if pictures and "prompt" not in schema:
        return Match("With pictures TRL asks for a 'prompt' column, and there is none")
    fit = _pair(schema)
    return _with_pictures(schema, pictures, _spoken(fit, "chosen")) if pictures else fit


def _pair(schema: Schema) -> Match:
    read = schema.named("prompt", "chosen", "rejected")
    if refusal := _not_alike(schema, read):
        return refusal
    if "prompt" not in schema and (refusal := _implicit_prompt(schema)):
        return refusal
    parts = _parts(schema, {name: ColumnRole(name) for name in read})
    details = () if "prompt" in schema else ("The prompt is what both answers begin with.",)
    return Match(f"Found {_names(read)} columns {_form(schema, 'chosen')}", parts, details)


def _implicit_prompt(schema: Schema) -> Match | None:
    if _turns(schema, "chosen") and not {"user", "system"} & set(schema.columns["chosen"].roles):
        return Match("No 'prompt' column, and 'chosen' and 'rejected' hold answers alone")
    return _ignored_question(schema, "chosen")


def _ignored_question(schema: Schema, answer: str) -> Match | None:
    question = evident_prompt(schema)
    if question and not (_turns(schema, answer) and "user" in schema.columns[answer].roles):
        return Match(f"Without a 'prompt' column the model would never see '{question}'")
    return None


def kto(schema: Schema, vision: bool | None) -> Match:
    """KTO: prompt, completion and whether it is wanted; pairs are taken apart."""
    pictures = _aside(schema) or _pictures(schema, vision)
    if isinstance(pictures, Match):
        return pictures
    if {"chosen", "rejected"} <= schema.columns.keys() and not pictures:
        return _kto_pair(schema)
    fit = _kto_label(schema)
    return _with_pictures(schema, pictures, _spoken(fit, "prompt")) if pictures else fit


def _kto_pair(schema: Schema) -> Match:
    if stale := schema.named("completion", "label"):
        return Match(f"TRL would take {_names(stale)} in place of the two answers and of which one is better")
    fit = _pair(schema)
    return Match(fit.reason, fit.parts, (*fit.details, "Each pair becomes two rows.")) if fit.fits else fit


def _kto_label(schema: Schema) -> Match:
    if refusal := _missing(schema, "prompt", "completion", "label"):
        return refusal
    if refusal := _not_alike(schema, ("prompt", "completion")) or _no_label(schema.columns["label"]):
        return refusal
    duties = {"prompt": ColumnRole.PROMPT, "completion": ColumnRole.COMPLETION, "label": ColumnRole.LABEL}
    return Match(f"Found 'prompt', 'completion' and 'label' columns {_form(schema, 'prompt')}", _parts(schema, duties))


def _no_label(column: Column) -> Match | None:
    if column.shape is Shape.BOOLEAN:
        return None
    if column.shape is not Shape.NUMBER:
        return Match(f"Column 'label' holds {_kind(column)}, not true or false")
    fitting = sum(count for value, count in column.values.items() if value in {0, 1})
    if 2 * fitting > sum(column.values.values()):
        return None
    return Match("Column 'label' holds ratings: TRL would take every one of them for a yes")


def reward(schema: Schema, vision: bool | None) -> Match:  # noqa: ARG001 - the reward trainer reads no pictures
    """Reward: chosen and rejected, and a prompt that is put before both."""
    if {"chosen_ids", "rejected_ids"} <= schema.columns.keys():
        return _tokens(schema, "chosen_ids", "rejected_ids")
    if refusal := _missing(schema, "chosen", "rejected") or _aside(schema):
        return refusal
    read = schema.named("prompt", "chosen", "rejected")
    ignored = None if "prompt" in schema else _ignored_question(schema, "chosen")
    if refusal := _not_alike(schema, read) or ignored:
        return refusal
    if schema.shape("margin") not in {None, Shape.NUMBER, Shape.BOOLEAN}:
        return Match(f"Column 'margin' holds {schema.shape('margin')}, not numbers")
    duties = {name: ColumnRole(name) for name in (*read, *schema.named("margin"))}
    return Match(f"Found {_names(read)} columns {_form(schema, 'chosen')}", _parts(schema, duties))


def grpo(schema: Schema, vision: bool | None) -> Match:
    """GRPO and RLOO: a prompt; every other column goes to the reward functions by its name."""
    pictures = _missing(schema, "prompt") or _pictures(schema, vision)
    if isinstance(pictures, Match):
        return pictures
    if clash := schema.named(*TAKEN):
        return Match(f"Column {_names(clash)} has the name of an argument of every reward function")
    if refusal := _not_alike(schema, ("prompt",)):
        return refusal
    others = [name for name in schema.columns if name not in {"prompt", "completion", "completion_ids"}]
    details = (
        f"Reward functions get {_names(others)}." if others else "There is no other column to check an answer against.",
    )
    fit = Match(
        f"Found 'prompt' column {_form(schema, 'prompt')}", _parts(schema, {"prompt": ColumnRole.PROMPT}), details
    )
    return _with_pictures(schema, pictures, _spoken(fit, "prompt")) if pictures else fit


MATCHERS: dict[str, Callable[[Schema, bool | None], Match]] = {
    "SFT": sft, "DPO": dpo, "GRPO": grpo, "KTO": kto, "Reward": reward, "RLOO": grpo,
}  # fmt: skip


# ---- what the methods ask of columns ---------------------------------------------------------


def evident_prompt(schema: Schema) -> str | None:
    """The column that is plainly the prompt under another name, or None."""
    return next((name for name in spelled(schema, PROMPT, {Shape.TEXT}) if name != "prompt"), None)


def disagreement(schema: Schema, names: Iterable[str]) -> str | None:
    """Why the answer depends on chance: some of the columns TRL may ask hold conversations, others do not."""
    asked = schema.named(*names)
    turns = [name for name in asked if _turns(schema, name)]
    others = [name for name in asked if name not in turns]
    if not turns or not others:
        return None
    return f"Conversations in {_names(turns)} and none in {_names(others)}: TRL may ask either"


def _missing(schema: Schema, *names: str) -> Match | None:
    missing = [name for name in names if name not in schema]
    return Match(f"Missing {_names(missing)} column{'s' if len(missing) > 1 else ''}") if missing else None


def _pictures(schema: Schema, vision: bool | None) -> Match | list[str] | None:
    """The columns of pictures. TRL looks for these names in the first row, whatever they hold."""
    names = schema.named(*PICTURE_NAMES)
    if not names:
        return None
    real = [name for name in names if schema.shape(name) in _REAL_PICTURES]
    if real and vision is not False:
        return real
    if real:
        return Match(f"TRL takes a dataset with {_names(names)} for pictures; this model reads text")
    return Match(f"TRL takes a column called {_names(names)} for pictures, and it holds {_held(schema, names[0])}")


def _with_pictures(schema: Schema, pictures: list[str], fit: Match) -> Match:
    if not fit.fits:
        return fit
    if len(schema.named(*PICTURE_NAMES)) > 1:
        return Match("'image' and 'images' side by side: TRL reads one of them")
    parts = tuple(ColumnUse(name, ColumnRole.PICTURES, turns=False) for name in pictures)
    return Match(
        f"{fit.reason}, with pictures in {_names(pictures)}", (*fit.parts, *parts), (*fit.details, _NEEDS_VISION)
    )


def _spoken(fit: Match, column: str) -> Match:
    """Pictures have a place in turns only."""
    text = fit.fits and not any(part.turns for part in fit.parts)
    return Match(f"With pictures TRL asks for turns, and '{column}' holds text") if text else fit


def _aside(schema: Schema) -> Match | None:
    """Columns that TRL hands to the chat template."""
    for name, wanted in (("tools", "a list of tools"), ("chat_template_kwargs", "a record")):
        shape = schema.shape(name)
        if name == "tools" and shape in {Shape.NUMBER, Shape.BOOLEAN, Shape.RECORD}:
            return Match(f"TRL hands a column called 'tools' to the chat template, and it holds {shape}, not {wanted}")
        if name != "tools" and shape not in {None, Shape.RECORD}:
            return Match(f"TRL hands a column called '{name}' to the chat template, and it holds {shape}, not {wanted}")
    return None


def _not_alike(schema: Schema, names: Iterable[str]) -> Match | None:
    shapes = {name: schema.shape(name) for name in names}
    for name, shape in shapes.items():
        if shape not in _READABLE:
            return Match(f"Column '{name}' holds {_held(schema, name)}, not text or messages")
        if _turns(schema, name) and (refusal := _foreign_roles(schema.columns[name])):
            return refusal
    if len(set(shapes.values())) > 1:
        return Match("; ".join(f"'{name}' holds {shape}" for name, shape in shapes.items()) + ": TRL asks for one form")
    return None


def _foreign_roles(column: Column) -> Match | None:
    """A role mostly under another name: TRL passes it on, and chat templates drop or refuse such turns."""
    renamed = column.renamed_roles
    for role in ("user", "assistant"):
        names = [name for name, meant in renamed.items() if meant == role]
        if sum(column.roles[name] for name in names) > column.roles.get(role, 0):
            return Match(
                f"Roles {_names(renamed)} in '{column.name}' are not those of chat templates, "
                "and TRL does not rename them"
            )
    return None


def _no_answers(column: Column) -> Match | None:
    if "assistant" in {*column.roles, *column.renamed_roles.values()}:
        return None
    return Match(f"No turn in '{column.name}' is the assistant's: there is no answer to learn")


def _tokens(schema: Schema, *names: str) -> Match:
    found = schema.named(*names)
    wrong = [name for name in found if schema.shape(name) not in {Shape.NUMBERS, Shape.EMPTY_LIST}]
    if wrong:
        return Match(f"Column '{wrong[0]}' holds {_held(schema, wrong[0])}, not token ids")
    columns = f"{_names(found)} column{'s' if len(found) > 1 else ''}"
    return Match(
        f"Found {columns}: already tokenized", tuple(ColumnUse(name, ColumnRole.TOKENS, turns=False) for name in found)
    )


def _turns(schema: Schema, name: str) -> bool:
    return schema.shape(name) is Shape.MESSAGES


def _held(schema: Schema, name: str) -> str:
    return _kind(schema.columns[name])


def _kind(column: Column) -> str:
    return "nothing" if column.shape is Shape.NULL else str(column.shape)


def _parts(schema: Schema, duties: dict[str, ColumnRole]) -> tuple[ColumnUse, ...]:
    return tuple(ColumnUse(name, duty, turns=_turns(schema, name)) for name, duty in duties.items())


def _form(schema: Schema, name: str) -> str:
    return _CONVERSATION if _turns(schema, name) else "with text"


def _names(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
