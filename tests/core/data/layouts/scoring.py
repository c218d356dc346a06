"""Walk a layout as a person does: validate, take what is offered, and see what the trainer then learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hfft_widgets as hfft
from tests.core.data.layouts.answers import ANSWERS
from tests.core.data.layouts.chats import CHATS
from tests.core.data.layouts.layout import ROWS, Layout
from tests.core.data.layouts.preferences import PREFERENCES
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.tiny import VISION
from tests.core.data.oracle.trainers import as_dataset, train

LAYOUTS: list[Layout] = [*ANSWERS, *CHATS, *PREFERENCES]
MOST_CALLS = 3
USABLE = {"READY", "NEEDS MAPPING"}


def fault(layout: Layout, models: Path, *, trained: bool) -> str:
    """Why no trained mapping is reached that learns what is meant, in words; "": it is."""
    rows = [layout.row(n) for n in range(ROWS)]
    family = VISION if {"image", "images"} & {*rows[0]} else "qwen3"
    with quiet():
        report = hfft.validate(rows, model=str(models / family))
    calls = 0
    for call in layout.calls:
        report, calls = call(report, layout.method), calls + 1
    verdict = report.verdicts[layout.method]
    if verdict.status == "NEEDS MAPPING":
        if verdict.mapping is None or verdict.mapping.asks:
            return f"it asks: {verdict.mapping and verdict.mapping.asks}"
        report, calls = report.with_mapping(layout.method, verdict.mapping), calls + 1
    if calls > MOST_CALLS:
        return f"{calls} calls"
    verdict = report.verdicts[layout.method]
    if verdict.status != "READY":
        return f"{verdict.status}: {verdict.reason} {verdict.details}"
    return _meaning(layout, report) or (_refusal(layout, report, rows, family, models) if trained else "")


def _meaning(layout: Layout, report: Any) -> str:
    """What is wrong with what the trainer makes of row 0."""
    passages = {passage.name: passage for passage in report.reading(layout.method, 0).passages}
    good = passages.get("chosen") or next(iter(passages.values()))
    words = f"{report.verdicts[layout.method].mapping and report.verdicts[layout.method].mapping.words}: {passages}"
    if layout.learned not in good.learned or (layout.never and layout.never in good.learned):
        return f"does not learn it: {words}"
    if layout.read not in good.context + good.learned:
        return f"does not read it: {words}"
    if layout.worse and layout.worse not in passages["rejected"].learned:
        return f"the worse one is another: {words}"
    return ""


def _refusal(layout: Layout, report: Any, rows: list[dict[str, Any]], family: str, models: Path) -> str:
    scope = {"dataset": as_dataset(rows)}
    with quiet():
        exec(report.code(layout.method), scope)
        return train(layout.method, scope["dataset"], family, models).raised or ""
