"""While files are read somebody is told how far it is, and can end it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfft_widgets.errors import DataError
from hfft_widgets.sources.rows import open_rows
from hfft_widgets.sources.rows_library import load

TEXT = "a river and its seven bridges " * 40


def written(path: Path, rows: int) -> str:
    path.write_text("".join(json.dumps({"text": f"{n} {TEXT}"}) + "\n" for n in range(rows)))
    return str(path)


def test_parts_are_told_as_they_are_read_and_the_rows_are_those_of_the_library(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", 30)
    arguments = {"path": "json", "data_files": file, "split": "train", "chunksize": 10_000}
    steps: list[tuple[int, int]] = []
    found = load(arguments, lambda *step: steps.append(step))
    assert len(steps) > 3
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (30, 0)
    assert found.to_list() == load({**arguments, "split": "train"}).to_list()


@pytest.mark.parametrize("suffix", ["rows.jsonl", "rows.csv"])
def test_it_ends_when_it_is_told_to(tmp_path: Path, suffix: str) -> None:
    file = written(tmp_path / suffix, 30)

    def stop(_done: int, _total: int) -> None:
        raise RuntimeError("a person pressed stop")

    with pytest.raises(RuntimeError, match="pressed stop"):
        open_rows(file, progress=stop)
    with pytest.raises(DataError, match="stopped at row"):
        open_rows(file, cancelled=lambda: True)
    assert open_rows(file).total == 30 - (suffix == "rows.csv")  # nothing half read is kept


def test_bytes_beside_texts_that_are_no_text_stay_what_they_are() -> None:
    rows = [{"text": ["a river", b"\xff\xfe"]}, {"text": ["a road"]}]
    assert open_rows(rows).rows.take([0])[0] == rows[0]
