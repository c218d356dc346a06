"""The work of a training from plain figures, without a plan."""

from __future__ import annotations

import math
from typing import Any

from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.core.plan.workload import check_choice
from hfft_widgets.errors import PlanError

_PRECISIONS = ("auto", "bf16", "fp16", "no")
_ANSWERS = {"completion_tokens": 512, "generations": 8}


def quick_work(  # noqa: PLR0913 - a training as plain figures, each by its name
    flavor: Flavor,
    *,
    method: str,
    peft: str,
    lora_r: int,
    dtype: str | None,
    mixed_precision: str,
    max_length: int,
    batch_size: int,
    accumulation: int,
    tokens: float | None,
    tokens_per_row: float | None,
    rows: int,
    epochs: float,
    **details: Any,
) -> Work:
    """The work that these figures describe on a flavor.

    Args:
        flavor: Where it shall run: it decides what bfloat16 means.
        method: A name in `METHODS`.
        peft: "none", "lora" or "qlora".
        lora_r: Rank of the adapters.
        dtype: Format of the weights; None: float32 for all weights, 16 bits for frozen ones.
        mixed_precision: "auto" (what the card computes), "bf16", "fp16" or "no".
        max_length: Longest row in tokens.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        tokens: Tokens of the whole training; overrides rows and epochs.
        tokens_per_row: Mean tokens of a row; `max_length` if None.
        rows: Rows in one epoch.
        epochs: Passes over the data.
        **details: Further attributes of `Work`.

    Raises:
        PlanError: A value that is not allowed, with those that are.
    """
    check_choice("method", method, METHODS)
    check_choice("peft", peft, PEFT)
    check_choice("mixed_precision", mixed_precision, _PRECISIONS)
    for name, whole in (("max_length", max_length), ("batch_size", batch_size), ("accumulation", accumulation),
                        ("rows", rows), ("lora_r", lora_r)):  # fmt: skip
        if type(whole) is not int or not 1 <= whole < _MOST:
            raise PlanError(f"{name} is {whole!r}.", remedy="It must be a whole number of at least 1.")
    usual = max_length if tokens_per_row is None else tokens_per_row
    for name, given in details.items():
        _check_detail(name, given)
    for name, number in (("tokens_per_row", usual), ("epochs", epochs), ("tokens", 1 if tokens is None else tokens)):
        _check_positive(name, number)
    for name, usually in _ANSWERS.items():
        asked = details.pop(name) or usually
        details |= {name: asked} if METHODS[method].generates else {}
    return Work(
        method=method,
        lora_r=0 if peft == "none" else lora_r,
        batch_size=batch_size,
        accumulation=accumulation,
        tokens_per_row=min(usual, max_length),
        max_length=max_length,
        unmasked=batch_size == 1 and not METHODS[method].paired,
        rows=rows if tokens is None else math.ceil(tokens / min(usual, max_length)),
        epochs=epochs if tokens is None else 1,
        quantized=peft == "qlora",
        dtype=dtype or "",
        mixed_precision=mixed_precision != "no" and bool(flavor.gpu),
        emulated=mixed_precision == "bf16" and bool(flavor.gpu) and not flavor.bf16,
        **details,
    )


_SWITCHES = ("checkpointing", "full_logits", "vllm")
_MOST = 1e15  # of rows, tokens and epochs: more nobody has


def _check_detail(name: str, given: object) -> None:
    if name in _SWITCHES and not isinstance(given, bool):
        raise PlanError(f"{name} is {given!r}.", remedy="It must be True or False.")
    if name in _ANSWERS and given is not None and not (type(given) is int and 1 <= given < _MOST):
        raise PlanError(f"{name} is {given!r}.", remedy="It must be a whole number of at least 1, or None.")


def _check_positive(name: str, number: object) -> None:
    fits = isinstance(number, (int, float)) and not isinstance(number, bool) and 0 < number < _MOST
    if not fits:
        raise PlanError(f"{name} is {number!r}.", remedy=f"It must be a number above 0 and below {_MOST:g}.")
