"""An open report follows its file: it is checked again within a second of saving, and changes stay."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hfft_widgets as hfft
from tests.widgets.data.panels import PAIRS, checked


def save(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")


def watching() -> int:
    return sum(thread.name == "hfft-file" for thread in threading.enumerate())


def until(true: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


def test_a_saved_file_is_checked_again_and_its_mapping_stays(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    save(file, PAIRS)
    panel = checked(str(file))
    panel.apply_mapping("DPO")
    save(file, [*PAIRS, {**PAIRS[0], "question": "And why?"}])
    assert until(lambda: panel.result.total == 13, 5)
    assert "DPO" in panel.result.mappings
    assert until(lambda: "The file changed: it was checked again." in panel.status, 2)
    file.write_text("{broken", "utf-8")
    assert until(lambda: "cannot be read now" in panel.status, 5)
    assert panel.result.total == 13
    save(file, PAIRS[:5])
    assert until(lambda: panel.result.total == 5, 5)
    panel.put("dataset", "sample:messages")  # another dataset is not checked by itself
    save(file, PAIRS[:4])
    time.sleep(1.2)
    assert panel.result.total == 5


def test_nothing_is_watched_where_there_is_no_file(tmp_path: Path) -> None:
    before = watching()
    panel = hfft.DatasetValidator(PAIRS)
    panel.validate()
    assert watching() == before
    file = tmp_path / "pairs.jsonl"
    save(file, PAIRS)
    panel = checked(str(file))
    assert watching() == before + 1
    panel._watch.look_at(None)
    assert until(lambda: watching() == before, 2)
