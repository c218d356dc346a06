"""What TRL 1.16's SFTTrainer makes of a row: the branches of its `_prepare_dataset` and collators, in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.base import (
    Context,
    NoAnswerError,
    Passage,
    Read,
    Reading,
    chatml,
    from_value,
    opened,
    plain,
    split,
    whole,
    with_pictures,
)
from hfft_widgets.core.data.emulators.learned import LAST, MARKED, way_of
from hfft_widgets.core.data.templates.authors import ASSISTANT, USER, answers

_NO_ANSWER = "Answers alone are learned, and the row has no assistant's turn"


def sft(trial: Context, first: Row) -> Read:
    """The reading of rows after this first one, which decides the path of all."""
    way = way_of(trial.learned, first, trial.template)
    if way == LAST:
        read = _prepared(trial, _last_apart(first), way)
        return lambda row: read(_last_apart(row))
    return _prepared(trial, first, way)


def _last_apart(row: Row) -> dict[str, Any]:
    """The row as a script hands it on that learns the last answer alone."""
    if len(row["messages"]) == 1:
        raise NoAnswerError(_NO_ANSWER)
    kept = {name: cell for name, cell in row.items() if name != "messages"}
    return {**kept, "prompt": row["messages"][:-1], "completion": row["messages"][-1:]}


def _prepared(trial: Context, first: Row, way: str) -> Read:
    if trial.pictures(first):
        return _with_pictures(trial, first)
    if "input_ids" in first:
        return lambda row: Reading(dropped=all(label == -100 for label in row.get("labels", row["input_ids"])))
    convert = from_value(first)
    conversational = trial.is_conversational(chatml(first) if convert else first)
    had_messages = "messages" in first

    def read(row: Row) -> Reading:
        values = chatml(row) if convert else dict(row)
        if not conversational:
            values = _ended(trial, values)
            if had_messages:
                values.pop("messages", None)
        return _reading(_tokenized(trial, values, way))

    return read


def _ended(trial: Context, row: dict[str, Any]) -> dict[str, Any]:
    """The end-of-text token goes behind the text, else behind the completion."""
    if "text" in row and not row["text"].endswith(trial.template.eos):
        return row | {"text": row["text"] + trial.template.eos}
    if "completion" in row:
        return row | {"completion": trial.ended(row["completion"])}
    return row


def _tokenized(trial: Context, row: Row, way: str) -> Passage:
    names = trial.template_names(row)
    if "prompt" in row:
        return _completion(trial, row, names)
    if not trial.is_conversational(row):
        return whole(plain("text", ("text", trial.text(row["text"]))))
    if way != MARKED:
        return whole(Passage("text", trial.authored(row["messages"], **names)))
    marked = replace(trial, template=trial.template.in_training)
    pieces = marked.authored(row["messages"], **names)
    passage = Passage("text", answers(marked.template, pieces, row["messages"], **names))
    if not passage.learned:
        raise NoAnswerError(_NO_ANSWER)
    return passage


def _completion(trial: Context, row: Row, names: dict[str, Any]) -> Passage:
    if trial.is_conversational(row):
        prompt = trial.render(row["prompt"], generation_prompt=True, **names)
        made = Passage("completion", trial.authored(row["prompt"] + row["completion"], **names))
    else:
        prompt = trial.text(row["prompt"])
        trial.text(row["prompt"] + row["completion"])
        made = plain("completion", (USER, prompt), (ASSISTANT, row["completion"]))
    return split(prompt, made)[0]


def _reading(passage: Passage) -> Reading:
    """Rows without a token to learn are filtered out before training."""
    return Reading((passage,), dropped=not passage.learned)


def _with_pictures(trial: Context, first: Row) -> Read:
    """Vision datasets are read in the collator, at the step that draws the row."""

    def read(row: Row) -> Reading:
        pictures = opened([row["image"]] if "image" in first else row["images"])
        if "messages" in first:
            said = trial.authored(with_pictures(row["messages"], pictures))
            return Reading((whole(Passage("text", said)),))
        if "text" in first:
            return Reading((_marked(whole(plain("text", ("text", trial.text(row["text"])))), pictures),))
        if "prompt" not in first or "completion" not in first:
            raise KeyError(f"Unexpected input keys in examples: {list(first)}.")
        if not trial.is_conversational(first):
            made = plain("completion", (USER, row["prompt"]), (ASSISTANT, row["completion"]))
            return Reading((_marked(split(row["prompt"], made)[0], pictures),))
        turns = with_pictures(row["prompt"], pictures)
        prompt = trial.render(turns, generation_prompt=True)
        made = Passage("completion", trial.authored(turns + with_pictures(row["completion"])))
        return Reading((split(prompt, made)[0],))

    return read


def _marked(passage: Passage, pictures: list[Any]) -> Passage:
    """Plain text has no place for a picture, unless it writes the model's own mark."""
    if pictures and "<image>" not in passage.text:
        raise ValueError(f"Found total 0 <image> tokens for {len(pictures)} image(s)")
    return passage
