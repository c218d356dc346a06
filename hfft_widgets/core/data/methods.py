"""What each trainer makes of a dataset's columns: one function per method, from a schema to a `Fit`.

These are the branches of TRL 1.16's own preparation (`_prepare_dataset` of each trainer), in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from hfft_widgets.core.data.shapes import Column, Schema, Shape
from hfft_widgets.core.data.spellings import PROMPT, spelled


class Duty(StrEnum):
    """What a column is for in a training."""

    TOKENS = "tokens"
    TEXT = "text"
    CONVERSATION = "conversation"
    PROMPT = "prompt"
    COMPLETION = "completion"
    CHOSEN = "chosen"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Part:
    """A column a method reads.

    Attributes:
        column: Its name.
        duty: What for.
        turns: Whether its cells are conversations; else they are text.
    """

    column: str
    duty: Duty
    turns: bool


@dataclass(frozen=True)
class Fit:
    """Whether a schema is what a method reads.

    Attributes:
        reason: Why or why not, in one line.
        parts: The columns read; none: it does not fit.
        details: More that is worth knowing.
    """

    reason: str
    parts: tuple[Part, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the method can read this schema."""
        return bool(self.parts)


# TRL asks one of these columns, whichever a Python set gives first, whether the row is a conversation.
_ASKED = ("prompt", "chosen", "rejected", "completion", "messages")
_READABLE = {Shape.TEXT, Shape.MESSAGES}
_PICTURES = ("image", "images")

_CONVERSATION = "with conversation format"
_ALL_TOKENS = "TRL's default is to learn every token, the questions too."


def sft(schema: Schema) -> Fit:
    """SFT: tokens, or prompt and completion, or messages, or text; tested in this order."""
    if "input_ids" in schema:
        return Fit("Found 'input_ids' column: already tokenized", (Part("input_ids", Duty.TOKENS, turns=False),))
    if "prompt" in schema and "completion" not in schema:
        return Fit("With a 'prompt' column TRL asks for a 'completion' column, and there is none")
    if refusal := _pictures(schema) or _disagreement(schema):
        return refusal
    if "prompt" in schema:
        return _sft_prompt(schema)
    return _sft_conversation(schema, "conversations") or _sft_conversation(schema, "messages") or _sft_text(schema)


def _sft_prompt(schema: Schema) -> Fit:
    if clash := _not_alike(schema, ("prompt", "completion")):
        return clash
    if schema.shape("text") is not None and not _turns(schema, "prompt"):
        return Fit("A 'text' column beside 'prompt' and 'completion' gets the end-of-text token in their place")
    parts = _parts(schema, {"prompt": Duty.PROMPT, "completion": Duty.COMPLETION})
    return Fit(
        f"Found 'prompt' and 'completion' columns {_form(schema, 'prompt')}", parts, ("Only completions are learned.",)
    )


def _sft_conversation(schema: Schema, name: str) -> Fit | None:
    column = schema.columns.get(name)
    if column is None or not _read_as_turns(column):
        return None
    if refusal := _foreign_roles(column):
        return refusal
    return Fit(f"Found '{name}' column {_CONVERSATION}", (Part(name, Duty.CONVERSATION, turns=True),), (_ALL_TOKENS,))


def _read_as_turns(column: Column) -> bool:
    """TRL reads from/value turns in 'conversations' alone, and role/content turns everywhere but there."""
    if column.name == "conversations":
        return column.shape is Shape.TURNS and column.turn_keys == ("from", "value")
    return column.shape is Shape.MESSAGES


def _sft_text(schema: Schema) -> Fit:
    if schema.shape("text") is Shape.TEXT:
        return Fit("Found 'text' column", (Part("text", Duty.TEXT, turns=False),), ("Every token is learned.",))
    for name in ("messages", "text"):
        if name in schema:
            return Fit(f"Column '{name}' holds {schema.shape(name)}, which TRL cannot read there")
    return Fit("Missing 'messages' or 'text', or 'prompt' and 'completion' columns")


def dpo(schema: Schema) -> Fit:
    """DPO: chosen and rejected, with a prompt of the same form or the prompt at the start of both."""
    missing = [name for name in ("chosen", "rejected") if name not in schema]
    if missing:
        return Fit(f"Missing {_names(missing)} column{'s' if len(missing) > 1 else ''}")
    if refusal := _pictures(schema):
        return refusal
    read = schema.named("prompt", "chosen", "rejected")
    if refusal := _not_alike(schema, read) or _disagreement(schema):
        return refusal
    if "prompt" not in schema and (refusal := _implicit_prompt(schema)):
        return refusal
    parts = _parts(schema, {name: Duty(name) for name in read})
    details = () if "prompt" in schema else ("The prompt is what both answers begin with.",)
    return Fit(f"Found {_names(read)} columns {_form(schema, 'chosen')}", parts, details)


def _implicit_prompt(schema: Schema) -> Fit | None:
    if _turns(schema, "chosen") and not {"user", "system"} & set(schema.columns["chosen"].roles):
        return Fit("No 'prompt' column, and 'chosen' and 'rejected' hold answers alone")
    question = evident_prompt(schema)
    if question and not _turns(schema, "chosen"):
        return Fit(f"Without a 'prompt' column the model would never see '{question}'")
    return None


def grpo(schema: Schema) -> Fit:
    """GRPO: a prompt; every other column goes to the reward functions by its name."""
    if "prompt" not in schema:
        return Fit("Missing 'prompt' column")
    if pictures := [name for name in schema.named(*_PICTURES) if schema.shape(name) is not Shape.NULL]:
        return Fit(f"TRL takes a dataset with {_names(pictures)} for pictures; this model reads text")
    if clash := schema.named("prompts", "completions"):
        return Fit(f"Column {_names(clash)} has the name of an argument of every reward function")
    if refusal := _not_alike(schema, ("prompt",)):
        return refusal
    others = [name for name in schema.columns if name not in {"prompt", "completion", "completion_ids"}]
    details = (
        f"Reward functions get {_names(others)}." if others else "There is no other column to check an answer against.",
    )
    return Fit(f"Found 'prompt' column {_form(schema, 'prompt')}", _parts(schema, {"prompt": Duty.PROMPT}), details)


FITS: dict[str, Callable[[Schema], Fit]] = {"SFT": sft, "DPO": dpo, "GRPO": grpo}


# ---- what the methods ask of columns ---------------------------------------------------------


def evident_prompt(schema: Schema) -> str | None:
    """The column that is plainly the prompt under another name, or None."""
    return next((name for name in spelled(schema, PROMPT, {Shape.TEXT}) if name != "prompt"), None)


def _pictures(schema: Schema) -> Fit | None:
    """TRL looks for these names in the first row, whatever they hold."""
    names = schema.named(*_PICTURES)
    return Fit(f"TRL takes a dataset with {_names(names)} for pictures; this model reads text") if names else None


def _disagreement(schema: Schema) -> Fit | None:
    asked = schema.named(*_ASKED, "conversations")
    turns = [name for name in asked if _read_as_turns(schema.columns[name])]
    others = [name for name in asked if name not in turns and name != "conversations"]
    if turns and others:
        return Fit(f"Conversations in {_names(turns)} and none in {_names(others)}: TRL may ask either")
    return None


def _not_alike(schema: Schema, names: Iterable[str]) -> Fit | None:
    shapes = {name: schema.shape(name) for name in names}
    for name, shape in shapes.items():
        if shape not in _READABLE:
            return Fit(f"Column '{name}' holds {shape}, not text or messages")
        if _turns(schema, name) and (refusal := _foreign_roles(schema.columns[name])):
            return refusal
    if len(set(shapes.values())) > 1:
        return Fit("; ".join(f"'{name}' holds {shape}" for name, shape in shapes.items()) + ": TRL asks for one form")
    return None


def _foreign_roles(column: Column) -> Fit | None:
    """Roles under other names in most turns: TRL passes them on, and chat templates drop or refuse such turns."""
    renamed = column.renamed_roles
    foreign = sum(column.roles[name] for name in renamed)
    if 2 * foreign <= sum(column.roles.values()):
        return None
    return Fit(
        f"Roles {_names(renamed)} in '{column.name}' are not those of chat templates, and TRL does not rename them"
    )


def _turns(schema: Schema, name: str) -> bool:
    return schema.shape(name) is Shape.MESSAGES


def _parts(schema: Schema, duties: dict[str, Duty]) -> tuple[Part, ...]:
    return tuple(Part(name, duty, turns=_turns(schema, name)) for name, duty in duties.items())


def _form(schema: Schema, name: str) -> str:
    return _CONVERSATION if _turns(schema, name) else "with text"


def _names(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
