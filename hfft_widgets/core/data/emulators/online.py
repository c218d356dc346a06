"""What TRL 1.16's GRPO and RLOO trainers make of a row, at the step that draws it: they prepare nothing."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.base import Context, Passage, Read, Reading, opened, plain, with_pictures
from hfft_widgets.core.data.templates.authors import USER

# Names that every reward function gets from the trainer itself.
TAKEN = ("prompts", "completions")


def online(trial: Context, first: Row) -> Read:
    """GRPO and RLOO: a prompt to be answered; every other column goes to the reward functions by its name."""
    if clash := [name for name in TAKEN if name in first]:
        raise TypeError(f"a reward function got multiple values for keyword argument '{clash[0]}'")
    mixed = isinstance(first["prompt"], str)

    def read(row: Row) -> Reading:
        prompt = row["prompt"]
        if isinstance(prompt, str) is not mixed:
            raise TypeError("a batch mixes prompts of text and of turns")
        pictures = _pictures(row, first)
        if pictures is not None and not trial.is_conversational(row):
            raise ValueError("Multimodal training requires conversational prompts.")
        if not trial.is_conversational({"prompt": prompt}):
            return _prompt(plain("prompt", (USER, trial.text(prompt))))
        turns = with_pictures(prompt, pictures) if pictures is not None else prompt
        _parts(turns)
        return _prompt(Passage("prompt", trial.authored(turns, generation_prompt=True)))

    return read


def _pictures(row: Row, first: Row) -> list[Any] | None:
    if not {"image", "images"} & first.keys():
        return None
    pictures = opened(row["images"] if "images" in first else [row["image"]])
    if not pictures:
        raise TypeError("a batch mixes prompts with and without pictures")
    return pictures


def _parts(turns: Any) -> None:
    """TRL looks for pictures in every list of parts."""
    for turn in turns:
        content = turn["content"]
        if isinstance(content, list):
            _ = [part["type"] for part in content]


def _prompt(passage: Passage) -> Reading:
    if not passage.pieces:
        raise IndexError("index -1 is out of bounds for dimension 1 with size 0")
    return Reading((passage,))
