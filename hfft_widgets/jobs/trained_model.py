"""What a finished training (a `Run`, whose module imports this one) gives to its export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import ExportError

_READ_SECONDS = 60.0


def trained_model(run: Any) -> Path | str:
    """The model that it made: a folder of this machine, or the Hub id that a job pushed to.

    Raises:
        ExportError: It is no training, or has no finished model.
    """
    run.refresh()
    if run.kind != "training":
        raise ExportError(f"{run.id} is an export, not a training.", remedy="Give the training run, or a model folder.")
    if run.plan.get("recorded"):
        raise ExportError(
            f"{run.id} is a recording: its model was not kept.", remedy="Train one of your own: hfft.launch(plan)."
        )
    pushed = None if run.is_local else run.plan.get("push_to")
    if run.stage is not Stage.COMPLETED or not (run.output or pushed):
        raise ExportError(
            f"{run.id} has no finished model: its stage is {run.stage}.",
            remedy="Wait for it with run.wait(), or give the folder of a checkpoint.",
        )
    run.wait(_READ_SECONDS)  # it has ended: what it printed may still be on its way
    return Path(run.output) if run.output else str(pushed)


def held_out_prompt(run: Any) -> str | None:
    """A prompt it did not train on, of those whose answer it learned where there is one."""
    rows = run.journal.data("answers").get("rows") or []
    learned = [row for row in rows if row.get("after") == row.get("expected")]
    chosen = (learned or rows or [{}])[0].get("prompt")
    return chosen if isinstance(chosen, str) else None


def questions_asked(run: Any) -> dict[str, Any]:
    """What it asked at its end, for the export to ask the file: `questions` and `longest`; {} of an older run."""
    told = run.journal.data("answers")
    keys = ("asked", "after", "expected")
    rows = [{key: row[key] for key in keys} for row in told.get("rows") or () if all(key in row for key in keys)]
    return {"questions": rows, "longest": int(told.get("longest") or 128)} if rows else {}


def name_after(plan: Mapping[str, Any]) -> str | None:
    """A name for the exported file."""
    model = str(plan.get("model", "")).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return f"{model}-{plan.get('method', 'tuned')}" if model else None
