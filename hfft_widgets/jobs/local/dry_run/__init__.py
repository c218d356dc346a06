"""A dry run: the very script of a plan as far as its first step, in a process of its own, before a cent is spent."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.core.dry_run import DryRun
from hfft_widgets.errors import MissingExtraError
from hfft_widgets.jobs.local.preflight import check_modules
from hfft_widgets.scripts.machine.threads import thread_environment

Progress = Callable[[int, int], None]

_MODULES = {"torch": "train", "trl": "train", "accelerate": "train", "peft": "train"}
_LOOK_SECONDS, _MOST_SECONDS = 0.2, 600.0
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
    """
    made: dict[str, Any] = {"title": str(plan.get("title") or ""), "fingerprint": fingerprint}
    made["planned"] = _planned(plan)
    try:
        check_modules(_MODULES, "A dry run")
    except MissingExtraError as error:
        return DryRun(**made, not_tried=str(error))
    if (plan.get("data") or {}).get("pictures"):
        return DryRun(**made, not_tried="rows with pictures need the model's own files.")
    found, why = _answered(script, progress or (lambda *_: None), timeout_seconds)
    if "raised" in found:
        found["raised"] = str(found["raised"])
    elif "loss" not in found:
        return DryRun(**made, not_tried=why)
    notes = ["Only the first part of the epoch was looked at."] if found.get("counted", 1) < 1 else []
    return DryRun(**made, **found, notes=tuple(notes))


def _planned(plan: Mapping[str, Any]) -> dict[str, float]:
    """What a plan says of what is counted here."""
    estimate = plan.get("estimate") or {}
    known = {
        "trained": plan.get("trained"), "steps": estimate.get("steps"), "step_tokens": estimate.get("step_tokens"),
    }  # fmt: skip
    return {name: float(value) for name, value in known.items() if isinstance(value, (int, float))}


def _answered(script: str, progress: Progress, seconds: float) -> tuple[dict[str, Any], str]:
    """What the child answered, all parts in one; and why it did not come to its end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        file, answers, said = (Path(place) / name for name in ("script.py", "answers.jsonl", "said.txt"))
        file.write_text(script, "utf-8")
        command = [sys.executable, "-m", "hfft_widgets.jobs.local.dry_run.child", str(file), str(answers)]
        environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        environment |= {**thread_environment(), "HFFT_OUTPUT_DIR": str(Path(place) / "trained"),
                        "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false"}  # fmt: skip
        with said.open("wb") as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
            try:
                ended = _wait(child, answers, progress, seconds)
            finally:
                child.kill()
                child.wait()
        found: dict[str, Any] = {}
        for line in _lines(answers):
            found |= json.loads(line)
        last = said.read_text("utf-8", "replace").strip().rpartition("\n")[2][:300]
    if not ended:
        return found, f"it took longer than {seconds:.0f} seconds."
    return found, f"the process ended before its first step: {last or 'no word of it'}."


def _wait(child: subprocess.Popen[bytes], answers: Path, progress: Progress, seconds: float) -> bool:
    """Whether it ended in time."""
    began = time.monotonic()
    while child.poll() is None:
        progress(len(_lines(answers)), _PARTS)
        if time.monotonic() - began > seconds:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
    progress(_PARTS, _PARTS)
    return True


def _lines(file: Path) -> list[str]:
    text = file.read_text("utf-8") if file.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
