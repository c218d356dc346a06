"""What TRL 1.16's DPO, KTO and Reward trainers make of a row: their `_prepare_dataset` and collators."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.base import (
    Context,
    Passage,
    Read,
    Reading,
    implicit_prompt,
    opened,
    plain,
    split,
    whole,
    with_pictures,
)
from hfft_widgets.core.data.templates.authors import ASSISTANT, USER


def dpo(trial: Context, first: Row) -> Read:
    """DPO: an answer and a worse one to the same prompt; without a prompt column, to what both begin with."""
    if trial.pictures(first):
        return _pair_with_pictures(trial, first)
    implicit = "prompt" not in first
    conversational = trial.is_conversational(implicit_prompt(first) if implicit else first)

    def read(row: Row) -> Reading:
        values = implicit_prompt(row) if implicit else dict(row)
        if not conversational:
            values |= {name: trial.ended(values[name]) for name in ("chosen", "rejected")}
        return _answers(trial, values, "chosen", "rejected")

    return read


def _answers(trial: Context, row: Row, *names: str) -> Reading:
    extra = trial.template_names(row)
    if trial.is_conversational(row):
        prompt = trial.render(row["prompt"], generation_prompt=True, **extra)
        wholes = [Passage(name, trial.authored(row["prompt"] + row[name], **extra)) for name in names]
    else:
        prompt = trial.text(row["prompt"])
        wholes = [_spoken(trial, name, prompt, row[name]) for name in names]
    return Reading(split(prompt, *wholes))


def _spoken(trial: Context, name: str, prompt: str, answer: Any) -> Passage:
    trial.text(prompt + answer)
    return plain(name, (USER, prompt), (ASSISTANT, answer))


def _pair_with_pictures(trial: Context, first: Row) -> Read:
    def read(row: Row) -> Reading:
        pictures = opened([row["image"]] if "image" in first else row["images"])
        names = ("chosen", "rejected")
        if not trial.is_conversational(first):
            texts = [trial.text(row[name]) for name in ("prompt", *names)]
            if pictures and "<image>" not in texts[0]:
                raise ValueError(f"Found total 0 <image> tokens for {len(pictures)} image(s)")
            wholes = [_spoken(trial, name, texts[0], text) for name, text in zip(names, texts[1:], strict=True)]
            return Reading(split(texts[0], *wholes))
        values = {"prompt": with_pictures(row["prompt"], pictures)}
        values |= {name: with_pictures(row[name]) for name in names}
        _last_role(row["prompt"])
        return _answers(trial, {**values, **_template_columns(row)}, *names)

    return read


def _last_role(turns: Any) -> None:
    """TRL's own `apply_chat_template`, which the vision collators use, asks who speaks last."""
    if turns[-1]["role"] not in {"user", "tool", "assistant"}:
        raise ValueError(f"Invalid role in the last message: {turns[-1]['role']}")


def _template_columns(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("tools", "chat_template_kwargs") if name in row}


def kto(trial: Context, first: Row) -> Read:
    """KTO: an answer and whether it is wanted; pairs are taken apart, two rows each."""
    if trial.pictures(first):
        if {"chosen", "rejected"} & first.keys():
            raise ValueError("Vision datasets must be in unpaired format with `completion` and `label` columns.")
        return _answer_with_pictures(trial, first)
    implicit = "prompt" not in first
    head = implicit_prompt(first) if implicit else dict(first)
    paired = {"chosen", "rejected"} <= head.keys()
    if paired:
        head["completion"] = head.pop("chosen")
        del head["rejected"]
    conversational = trial.is_conversational(head)

    def read(row: Row) -> Reading:
        values = implicit_prompt(row) if implicit else dict(row)
        answers = [values.pop("chosen"), values.pop("rejected")] if paired else [values["completion"]]
        if paired and "completion" in values:  # TRL lets a column of this name win over both answers
            answers = [values["completion"]] * 2
        _ = sum([values["label"]] if "label" in values or not paired else [])
        made: list[Passage] = []
        for answer in answers:
            completion = answer if conversational else trial.ended(answer)
            made += _answers(trial, values | {"completion": completion}, "completion").passages
        names = ("chosen", "rejected") if paired else ("completion",)
        return Reading(tuple(Passage(name, one.pieces) for name, one in zip(names, made, strict=True)))

    return read


def _answer_with_pictures(trial: Context, first: Row) -> Read:
    def read(row: Row) -> Reading:
        pictures = opened([row["image"]] if "image" in first else row["images"])
        _ = 0 + row["label"]
        turns = {"prompt": with_pictures(row["prompt"], pictures), "completion": with_pictures(row["completion"])}
        _last_role(row["prompt"])
        return _answers(trial, {**turns, **_template_columns(row)}, "completion")

    return read


def reward(trial: Context, first: Row) -> Read:
    """Reward: two answers to score, the prompt glued before both where there is one."""
    if {"chosen_ids", "rejected_ids"} <= first.keys():
        return lambda _: Reading()
    conversational = trial.is_conversational(first)

    def read(row: Row) -> Reading:
        values = dict(row)
        if not conversational:
            values |= {name: trial.ended(values[name]) for name in ("chosen", "rejected") if name in values}
        extra = trial.template_names(values)
        if "prompt" in values:
            values |= {name: values["prompt"] + values[name] for name in ("chosen", "rejected")}
        turns = trial.is_conversational(values)
        made = [
            Passage(name, trial.authored(values[name], **extra))
            if turns
            else plain(name, *_said(values.get("prompt", ""), trial.text(values[name])))
            for name in ("chosen", "rejected")
        ]
        _margin(first, row)
        return Reading(tuple(map(whole, made)))

    return read


def _said(prompt: Any, text: str) -> tuple[tuple[str, str], ...]:
    asked = prompt if isinstance(prompt, str) else ""  # turns that name no role are rendered with the answer
    return (USER, asked), (ASSISTANT, text[len(asked) :])


def _margin(first: Row, row: Row) -> None:
    if "margin" in first and not isinstance(row["margin"], (int, float)):
        raise TypeError(f"a margin must be a real number, not {type(row['margin']).__name__}")
