"""Whether a method takes a dataset as it is meant: by its columns, by the trainer's own steps, by what is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfft_widgets.core.data.columns import Row, Schema, Shape, calls_with_null, schema_of
from hfft_widgets.core.data.emulators import TrainerEmulator
from hfft_widgets.core.data.emulators.base import ALL, ASKED
from hfft_widgets.core.data.emulators.learned import MARKED, way_of
from hfft_widgets.core.data.emulators.outline import repeats
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.match_columns import MATCHERS, ColumnRole, ColumnUse, Match, disagreement
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.unread import missed, unlearned, unread
from hfft_widgets.core.method import METHODS

_TRIED_ROWS = 40


@dataclass(frozen=True)
class Model:
    """What of a model decides about data.

    Attributes:
        name: Its name, or None while none is chosen.
        template: Its chat template; a neutral one while it is not known.
        chat: Whether it has one, or may have one.
        vision: Whether it reads pictures; None: not known.
        learned: Which words of a conversation it shall learn: "all" or "answers".
    """

    template: ChatTemplate
    name: str | None = None
    chat: bool = True
    vision: bool | None = None
    learned: str = ALL

    def rendering(self, method: str, first: Row) -> ChatTemplate:
        """What renders the method's conversations, if this is one of its rows."""
        marked = "messages" in METHODS[method].columns and way_of(self.learned, first, self.template) == MARKED
        return self.template.in_training if marked else self.template

    def emulator(self, method: str, first: Row) -> TrainerEmulator:
        """The method's trainer, once it has seen this row."""
        return TrainerEmulator(method, first, self.template, self.vision, self.learned)


def fitted(method: str, sample: Sequence[Row], model: Model, schema: Schema | None = None) -> Match:
    """Whether the method takes rows like these, and learns from them what they are meant to teach."""
    schema = schema or schema_of(sample)
    fit = MATCHERS[method](schema, model.vision)
    if sounds := [name for name, column in schema.columns.items() if column.shape is Shape.SOUND]:
        return Match(f"'{sounds[0]}' holds sound: no trainer here reads it, and datasets decodes it with every row")
    if not fit.fits or fit.parts[0].duty is ColumnRole.TOKENS:
        return fit
    refusal = _refusal(method, sample, model, schema) or _against_the_meaning(fit, sample)
    return refusal or _as_read(method, fit, sample, model, schema)


def fitted_after(method: str, mapping: ColumnMapping, sample: Sequence[Row], model: Model) -> Match:
    """The same after a mapping. Single rows it cannot be applied to are left out here."""
    rows, error = [], None
    for row in sample:
        try:
            if mapping.keeps(row):
                rows.append(mapping.apply(row))
        except MAPPING_ERRORS as raised:
            error = raised
    if not rows and not error:
        return Match("No row says which answer is the better one")
    if error and 2 * len(rows) < len(sample):
        return Match(f"The column mapping cannot be applied to most rows: {error!r}")
    return fitted(method, rows, model)


def first_row(
    method: str,
    rows: Sequence[Row],
    model: Model,
    weights: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Row:
    """The row that a trainer had better see first: the one under which it takes most of these.

    Args:
        method: The method.
        rows: Rows, the most usual ones first.
        model: The model.
        weights: How many rows each stands for; 1 if not given.
        numbers: Their order in the dataset, which decides between two that are as good; as they stand if not given.
    """
    weights, numbers = weights or [1] * len(rows), numbers or range(len(rows))
    best: tuple[int, int, Row] | None = None
    for number, first in zip(numbers, rows[:4], strict=False):
        emulator = model.emulator(method, first)
        refused = sum(weight for row, weight in zip(rows, weights, strict=True) if emulator.read(row).refusal)
        if best is None or (refused, number) < best[:2]:
            best = refused, number, first
        if 2 * refused < sum(weights):
            break
    assert best is not None
    return best[2]


def _refusal(method: str, sample: Sequence[Row], model: Model, schema: Schema) -> Match | None:
    tried = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    lenient = _lenient(model)
    emulator = lenient.emulator(method, first_row(method, tried, lenient))
    refused = [reading.refusal for reading in map(emulator.read, tried) if reading.refusal]
    if not refused or 2 * len(refused) <= len(tried):
        return None
    return Match(disagreement(schema, ASKED) or f"The trainer refuses such rows: {refused[0]}")


def _as_read(method: str, fit: Match, sample: Sequence[Row], model: Model, schema: Schema) -> Match:
    """The match with what never reaches the model; none, where that is what should be learned."""
    tried = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    emulator = model.emulator(method, first_row(method, tried, model))
    read = [(row, reading) for row in tried if (reading := emulator.read(row)).passages]
    if lost := unlearned(fit.parts, read):
        return Match(lost)
    online = METHODS[method].generates
    return replace(
        fit, misses=missed(schema, fit.parts, read), unread=unread(schema, fit.parts, read, emulator, online=online)
    )


def _lenient(model: Model) -> Model:
    """Templates refuse rows, not columns."""
    return replace(model, template=ChatTemplate(None))


# ---- what is learned -------------------------------------------------------------------------


def _against_the_meaning(fit: Match, sample: Sequence[Row]) -> Match | None:
    parts = {part.duty: part for part in fit.parts}
    return (
        _repeated_prompt(parts, sample)
        or _answerless(parts, sample)
        or _null_in_calls(fit, sample)
        or _same_answers(parts, sample)
    )


def _same_answers(parts: dict[ColumnRole, ColumnUse], sample: Sequence[Row]) -> Match | None:
    """Pairs of which nobody says anything else than the other teach nothing."""
    chosen, rejected = (parts.get(role) for role in (ColumnRole.CHOSEN, ColumnRole.REJECTED))
    if not chosen or not rejected or any(row.get(chosen.column) != row.get(rejected.column) for row in sample):
        return None
    return Match(f"'{chosen.column}' and '{rejected.column}' are the same in every row: nothing can be learned")


def _null_in_calls(fit: Match, sample: Sequence[Row]) -> Match | None:
    """Calls of tools that mostly give arguments no value are a table's doing, and the model would learn to write so."""
    for column in (part.column for part in fit.parts if part.turns):
        if 2 * sum(calls_with_null(row.get(column)) for row in sample) > len(sample):
            return Match(f"Tool calls in '{column}' have arguments without a value: the model would learn null")
    return None


def _repeated_prompt(parts: dict[ColumnRole, ColumnUse], sample: Sequence[Row]) -> Match | None:
    prompt = parts.get(ColumnRole.PROMPT)
    answer = parts.get(ColumnRole.CHOSEN)
    if prompt is None or answer is None:
        return None
    repeated = sum(repeats(row.get(prompt.column), row.get(answer.column)) for row in sample)
    if 2 * repeated <= len(sample):
        return None
    return Match(f"The answers begin with the prompt, and TRL would put '{prompt.column}' before it once more")


def _answerless(parts: dict[ColumnRole, ColumnUse], sample: Sequence[Row]) -> Match | None:
    """Conversations that mostly end with a question have nothing to learn."""
    for duty in (ColumnRole.CONVERSATION, ColumnRole.COMPLETION, ColumnRole.CHOSEN):
        part = parts.get(duty)
        if part is None or not part.turns:
            continue
        cells = [row.get(part.column) for row in sample]
        turns = [cell for cell in cells if isinstance(cell, list) and cell]
        if turns and not any(_speaks(turn) for cell in turns for turn in cell):
            return Match(f"No turn in '{part.column}' is the assistant's: there is no answer to learn")
        said = [_says(turn) for cell in turns for turn in cell if _speaks(turn)]
        if 2 * sum(said) < len(said):
            return Match(f"The answers in '{part.column}' have no text that chat templates read")
    return None


def _says(turn: Any) -> bool:
    """Whether a turn has text, typed parts or calls, whatever they say."""
    if not isinstance(turn, dict):
        return False
    content = turn.get("content", turn.get("value"))
    typed = isinstance(content, list) and any(isinstance(part, dict) and "type" in part for part in content)
    return isinstance(content, str) or typed or bool(turn.get("tool_calls") or turn.get("function_call"))


def _speaks(turn: Any) -> bool:
    return isinstance(turn, dict) and str(turn.get("role", turn.get("from"))) in {"assistant", "gpt", "model"}
