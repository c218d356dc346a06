"""What TRL 1.16's SFTTrainer makes of a row: the branches of its `_prepare_dataset` and collators, in their order."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.shapes import Row
from hfft_widgets.core.data.trainers.reading import (
    Passage,
    Read,
    Reading,
    Trial,
    chatml,
    from_value,
    opened,
    split,
    with_pictures,
)


def sft(trial: Trial, first: Row) -> Read:
    """The reading of rows after this first one, which decides the path of all."""
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
        return _reading(_tokenized(trial, values))

    return read


def _ended(trial: Trial, row: dict[str, Any]) -> dict[str, Any]:
    """The end-of-text token goes behind the text, else behind the completion."""
    if "text" in row and not row["text"].endswith(trial.template.eos):
        return row | {"text": row["text"] + trial.template.eos}
    if "completion" in row:
        return row | {"completion": trial.ended(row["completion"])}
    return row


def _tokenized(trial: Trial, row: Row) -> Passage:
    names = trial.template_names(row)
    if "prompt" in row:
        return _completion(trial, row, names)
    if trial.is_conversational(row):
        text = trial.render(row["messages"], **names)
        return Passage("text", "", text, _last_answer(row["messages"], text))
    return Passage("text", "", trial.text(row["text"]))


def _last_answer(turns: Any, text: str) -> int:
    words = turns[-1].get("content")
    return max(0, text.rfind(words.strip())) if isinstance(words, str) else 0


def _completion(trial: Trial, row: Row, names: dict[str, Any]) -> Passage:
    if trial.is_conversational(row):
        prompt = trial.render(row["prompt"], generation_prompt=True, **names)
        whole = trial.render(row["prompt"] + row["completion"], **names)
    else:
        prompt = trial.text(row["prompt"])
        whole = trial.text(row["prompt"] + row["completion"])
    context, learned = split(prompt, whole)
    return Passage("completion", context, learned)


def _reading(passage: Passage) -> Reading:
    """Rows without a token to learn are filtered out before training."""
    return Reading((passage,), dropped=not passage.learned)


def _with_pictures(trial: Trial, first: Row) -> Read:
    """Vision datasets are read in the collator, at the step that draws the row."""

    def read(row: Row) -> Reading:
        pictures = opened([row["image"]] if "image" in first else row["images"])
        if "messages" in first:
            return Reading((Passage("text", "", trial.render(with_pictures(row["messages"], pictures))),))
        if "text" in first:
            return Reading((_marked(Passage("text", "", trial.text(row["text"])), pictures),))
        if "prompt" not in first or "completion" not in first:
            raise KeyError(f"Unexpected input keys in examples: {list(first)}.")
        if not trial.is_conversational(first):
            return Reading((_marked(Passage("completion", row["prompt"], row["completion"]), pictures),))
        turns = with_pictures(row["prompt"], pictures)
        prompt = trial.render(turns, generation_prompt=True)
        whole = trial.render(turns + with_pictures(row["completion"]))
        context, learned = split(prompt, whole)
        return Reading((Passage("completion", context, learned),))

    return read


def _marked(passage: Passage, pictures: list[Any]) -> Passage:
    """Plain text has no place for a picture, unless it writes the model's own mark."""
    if pictures and "<image>" not in passage.context + passage.learned:
        raise ValueError(f"Found total 0 <image> tokens for {len(pictures)} image(s)")
    return passage
