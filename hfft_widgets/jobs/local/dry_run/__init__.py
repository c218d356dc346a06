"""A dry run: the very script of a plan as far as its first step, in a process of its own, before a cent is spent."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.child_process import ask_child
from hfft_widgets.core.dry_run import DryRun
from hfft_widgets.core.plan.hardware import FLAVORS
from hfft_widgets.errors import MissingExtraError
from hfft_widgets.jobs.local.preflight import check_modules
from hfft_widgets.scripts.machine.threads import thread_environment

Progress = Callable[[int, int], None]

_MODULES = {"torch": "train", "trl": "train", "accelerate": "train", "peft": "train"}
_MOST_SECONDS, _ROWS = 300.0, 4000
# the trainer made and its rows counted, the real model's adapters counted, a step made
_PARTS = 3
_HIDDEN = ("WANDB_API_KEY", "COMET_API_KEY")


def dry_run(
    script: str,
    plan: Mapping[str, Any],
    fingerprint: str,
    progress: Progress | None = None,
    *,
    timeout_seconds: float = _MOST_SECONDS,
    rows: int = _ROWS,
) -> DryRun:
    """Run a plan's script as far as its first step: its data, trainer and collator as they are, its model tiny.

    The data are loaded as the script loads them. Nothing is written beside a folder that goes away again, nothing is
    pushed, nothing is paid. Where it cannot be tried, the answer says why; nothing is ever raised for that.

    Args:
        script: The plan's script.
        plan: The plan's values.
        fingerprint: Of the plan.
        progress: Called with (parts done, all parts); what it raises ends the child process.
        timeout_seconds: After that it is given up.
        rows: About how many rows the trainer gets; of more, some of all, and what is told of the others is scaled.
    """
    made: dict[str, Any] = {"title": str(plan.get("title") or ""), "fingerprint": fingerprint}
    made["planned"] = _planned(plan)
    try:
        check_modules(_MODULES, "A dry run")
    except MissingExtraError as error:
        return DryRun(**made, not_tried=str(error))
    if (plan.get("data") or {}).get("pictures"):
        return DryRun(**made, not_tried="rows with pictures need the model's own files.")
    found, why = _answered({"rows": rows}, script, progress or (lambda *_: None), timeout_seconds)
    if not {"raised", "not_tried", "loss"} & found.keys():
        return DryRun(**made, not_tried=why)
    return DryRun(**made, **found, notes=tuple(_notes(plan, found)))


def _notes(plan: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("counted", 1) < 1:
        yield "Only a part of the epoch was looked at: its rows, steps and tokens are told from that."
    if _packs(plan):
        yield "Rows are packed where a card has the attention for it: here steps and tokens are of rows one by one."


def _packs(plan: Mapping[str, Any]) -> bool:
    return bool((plan.get("settings") or {}).get("packing"))


def _planned(plan: Mapping[str, Any]) -> dict[str, float]:
    """What a plan says of what is counted here: of one card, and of rows one by one."""
    estimate = plan.get("estimate") or {}
    known = {"trained": plan.get("trained")}
    if not _packs(plan):
        known["step_tokens"] = estimate.get("step_tokens")
        if next((flavor.gpus for flavor in FLAVORS if flavor.name == plan.get("flavor")), 1) == 1:
            known["steps"] = estimate.get("steps")
    return {name: float(value) for name, value in known.items() if isinstance(value, (int, float))}


def _answered(asked: Mapping[str, Any], script: str, progress: Progress, seconds: float) -> tuple[dict[str, Any], str]:
    """What the child answered, all parts in one; and why it did not come to its end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        (file := Path(place) / "script.py").write_text(script, "utf-8")
        answers, last, in_time = ask_child(
            [sys.executable, "-m", "hfft_widgets.jobs.local.dry_run.child"],
            {**asked, "script": str(file)},
            environment=_environment(Path(place)),
            progress=lambda done: progress(done, _PARTS),
            most_seconds=seconds,
        )
    found = {name: value for answer in answers for name, value in answer.items()}
    if not in_time:
        return found, f"it took longer than {seconds:.0f} seconds."
    return found, f"the process ended before its first step: {last[:300] or 'no word of it'}."


def _environment(place: Path) -> dict[str, str]:
    """On the processor, and writing to a folder that goes away."""
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    return {**kept, **thread_environment(), "HFFT_OUTPUT_DIR": str(place / "trained"), "CUDA_VISIBLE_DEVICES": "",
            "TOKENIZERS_PARALLELISM": "false"}  # fmt: skip
