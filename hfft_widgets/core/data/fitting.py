"""Whether a method takes a dataset as it is meant: by its columns, by the trainer's own steps, by what is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.methods import FITS, Duty, Fit, Part, disagreement
from hfft_widgets.core.data.shapes import Row, Schema, schema_of
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.trainers import Twin
from hfft_widgets.core.data.trainers.reading import ASKED

_TRIED_ROWS = 40


@dataclass(frozen=True)
class Model:
    """What of a model decides about data.

    Attributes:
        name: Its name, or None while none is chosen.
        template: Its chat template; a neutral one while it is not known.
        chat: Whether it has one, or may have one.
        vision: Whether it reads pictures; None: not known.
    """

    template: ChatTemplate
    name: str | None = None
    chat: bool = True
    vision: bool | None = None


def fitted(method: str, sample: Sequence[Row], model: Model, schema: Schema | None = None) -> Fit:
    """Whether the method takes rows like these, and learns from them what they are meant to teach."""
    schema = schema or schema_of(sample)
    fit = FITS[method](schema, model.vision)
    if not fit.fits or fit.parts[0].duty is Duty.TOKENS:
        return fit
    return _refusal(method, sample, model, schema) or _against_the_meaning(fit, sample) or fit


def fitted_after(method: str, mapping: ColumnMapping, sample: Sequence[Row], model: Model) -> Fit:
    """The same after a mapping. Single rows it cannot be applied to are left out here."""
    rows, error = [], None
    for row in sample:
        try:
            rows.append(mapping.apply(row))
        except MAPPING_ERRORS as raised:
            error = raised
    if error and 2 * len(rows) < len(sample):
        return Fit(f"The column mapping cannot be applied to most rows: {error!r}")
    return fitted(method, rows, model)


def first_row(method: str, rows: Sequence[Row], model: Model, weights: Sequence[int] | None = None) -> Row:
    """The row that a trainer had better see first: the first under which it takes most of these.

    Args:
        method: The method.
        rows: Rows, the most usual ones first.
        model: The model.
        weights: How many rows each stands for; 1 if not given.
    """
    weights = weights or [1] * len(rows)
    best: tuple[int, Row] | None = None
    for first in rows[:4]:
        twin = Twin(method, first, model.template, model.vision)
        refused = sum(weight for row, weight in zip(rows, weights, strict=True) if twin.read(row).refusal)
        if best is None or refused < best[0]:
            best = refused, first
        if 2 * refused < sum(weights):
            break
    assert best is not None
    return best[1]


def _refusal(method: str, sample: Sequence[Row], model: Model, schema: Schema) -> Fit | None:
    tried = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    lenient = _lenient(model)
    twin = Twin(method, first_row(method, tried, lenient), lenient.template, lenient.vision)
    refused = [reading.refusal for reading in map(twin.read, tried) if reading.refusal]
    if not refused or 2 * len(refused) <= len(tried):
        return None
    return Fit(disagreement(schema, ASKED) or f"The trainer refuses such rows: {refused[0]}")


def _lenient(model: Model) -> Model:
    """Templates refuse rows, not columns."""
    return Model(ChatTemplate(None), model.name, model.chat, model.vision)


# ---- what is learned -------------------------------------------------------------------------


def _against_the_meaning(fit: Fit, sample: Sequence[Row]) -> Fit | None:
    parts = {part.duty: part for part in fit.parts}
    return _repeated_prompt(parts, sample) or _answerless(parts, sample)


def _repeated_prompt(parts: dict[Duty, Part], sample: Sequence[Row]) -> Fit | None:
    prompt = parts.get(Duty.PROMPT)
    answer = parts.get(Duty.CHOSEN)
    if prompt is None or answer is None:
        return None
    repeated = sum(repeats(row.get(prompt.column), row.get(answer.column)) for row in sample)
    if 2 * repeated <= len(sample):
        return None
    return Fit(f"The answers begin with the prompt, and TRL would put '{prompt.column}' before it once more")


def repeats(prompt: Any, answer: Any) -> bool:
    """Whether an answer begins with its prompt."""
    if isinstance(prompt, str) and isinstance(answer, str):
        return len(prompt.strip()) > 1 and answer.startswith(prompt) and len(answer) > len(prompt)
    if isinstance(prompt, list) and isinstance(answer, list):
        return bool(prompt) and len(answer) > len(prompt) and answer[: len(prompt)] == prompt
    return False


def _answerless(parts: dict[Duty, Part], sample: Sequence[Row]) -> Fit | None:
    """Conversations that mostly end with a question have nothing to learn."""
    for duty in (Duty.CONVERSATION, Duty.COMPLETION, Duty.CHOSEN):
        part = parts.get(duty)
        if part is None or not part.turns:
            continue
        cells = [row.get(part.column) for row in sample]
        turns = [cell for cell in cells if isinstance(cell, list) and cell]
        if turns and not any(_speaks(turn) for cell in turns for turn in cell):
            return Fit(f"No turn in '{part.column}' is the assistant's: there is no answer to learn")
    return None


def _speaks(turn: Any) -> bool:
    return isinstance(turn, dict) and (turn.get("role") or turn.get("from")) in {"assistant", "gpt", "model"}
