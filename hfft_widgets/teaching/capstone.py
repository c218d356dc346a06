"""The folder that the last exercise hands in: what was made, as plain files that another person can read and check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hfft_widgets.errors import LessonError

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.jobs.run import Run

REPORT, RUN, EXPORTS, OTHERS, CARD = "report.json", "run.json", "exports.json", "others.json", "card.md"


def hand_in(
    folder: str | Path,
    *,
    report: ValidationReport,
    run: Run,
    step: int,
    exports: Sequence[Run],
    others: Sequence[Mapping[str, str]],
    card: str,
) -> Path:
    """Write what was made into a folder, for `hfft.check("capstone", folder)` and for another person.

    Args:
        folder: Where the files go; it is made if it is not there.
        report: Of the rows that were trained on.
        run: The training.
        step: The step of the checkpoint that is kept.
        exports: The exports of it.
        others: Questions of another kind: "question", the answer "before" and the answer "after" the training.
        card: What the model is for, what it cost, what it cannot do, and what went wrong, in Markdown.

    Returns:
        The folder.

    Raises:
        LessonError: The folder cannot be written.
    """
    where = Path(folder).expanduser()
    values = run.to_dict() | {"plan": dict(run.plan), "fingerprint": run.fingerprint, "chosen_step": step}
    values["eval_loss"] = [[point.step, point.value] for point in run.history.get("eval_loss", ())]
    told = [dict(one.journal.data("verified")) | {"stage": str(one.stage)} for one in exports]
    try:
        where.mkdir(parents=True, exist_ok=True)
        for name, value in ((REPORT, report.to_dict()), (RUN, values), (EXPORTS, told), (OTHERS, list(others))):
            (where / name).write_text(json.dumps(value, indent=1, default=str), "utf-8")
        (where / CARD).write_text(card, "utf-8")
    except OSError as error:
        raise LessonError(f"The folder {where} could not be written.", why=f"The system said: {error}.") from error
    return where
