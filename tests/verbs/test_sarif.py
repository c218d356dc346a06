"""Findings beside the lines of files, for code hosts, editors and a check before each commit."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets import cli
from hfft_widgets.core.data.rules.book import pages
from hfft_widgets.verbs.sarif import NOT_TRAINABLE, lines_of_rows

ROOT = Path(__file__).parents[2]
GOOD = {"prompt": "Why is it?", "completion": " So it is."}
ROWS = [
    json.dumps(GOOD),
    "",
    json.dumps({"prompt": "Why?", "completion": None}),
    json.dumps({**GOOD, "prompt": "How?"}),
]


def hfft(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(words)
    return code, capsys.readouterr().out


def test_a_finding_has_file_and_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "some rows.jsonl"
    file.write_text("\n".join(ROWS), "utf-8")
    code, out = hfft(capsys, "validate", str(file), "--format", "sarif")
    log = json.loads(out)
    assert code == 1
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert {*rules} == {*pages(), NOT_TRAINABLE}
    found, blocked = run["results"]
    place = found["locations"][0]["physicalLocation"]
    assert (found["ruleId"], found["level"], place["region"]) == ("no_value", "error", {"startLine": 3})
    assert place["artifactLocation"]["uri"] == file.as_uri()
    assert blocked["ruleId"] == NOT_TRAINABLE
    _holds_what_sarif_requires(log)


def _holds_what_sarif_requires(log: dict[str, Any]) -> None:
    """The required properties and the closed lists of the specification, sections 3.13, 3.14, 3.19, 3.27 and 3.49."""
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        assert all(rule["id"] and rule["shortDescription"]["text"] for rule in driver["rules"])
        for result in run["results"]:
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            assert result["ruleId"] in {rule["id"] for rule in driver["rules"]}
            for location in result["locations"]:
                uri = location["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"[\w%./:~+-]+", uri)
                assert location["physicalLocation"]["region"]["startLine"] >= 1


def test_of_several_files_all_are_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("good.jsonl", "bad.jsonl", "none.jsonl")]
    Path(names[0]).write_text("\n".join(json.dumps({**GOOD, "prompt": f"Why {n}?"}) for n in range(3)), "utf-8")
    Path(names[1]).write_text("\n".join(ROWS), "utf-8")
    assert hfft(capsys, "validate", names[0])[0] == 0
    code, out = hfft(capsys, "validate", *names, "--format", "json")
    assert code == 1
    statuses = [report.get("status", report.get("error")) for report in json.loads(out)["reports"]]
    assert statuses == ["READY", "BLOCKED BY ROWS", "DatasetNotFoundError"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_the_line_of_a_tables_row_is_where_it_begins(rows: list[tuple[str, str]]) -> None:
    file = Path(__file__)

    class Table(type(file)):  # type: ignore[misc]
        suffix = ".csv"

        def open(self, **_: Any) -> io.StringIO:
            return io.StringIO(written.getvalue(), newline="")

    written, begins = io.StringIO(newline=""), []
    table = csv.writer(written, lineterminator="\n")
    table.writerow(["a", "b"])
    for row in rows:
        begins.append(written.getvalue().count("\n") + 1)
        table.writerow(row)
    assert list(lines_of_rows(Table(file))) == begins


def test_the_hook_stops_a_commit_of_rows_that_stop_the_training(tmp_path: Path) -> None:
    """The entry of the manifest, as pre-commit runs it: split into words, the files behind it."""
    manifest = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    entry, pattern = (re.search(rf"^  {key}: (.*)$", manifest, re.MULTILINE)[1] for key in ("entry", "files"))  # type: ignore[index]
    assert entry.split()[0] == "hfft"
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text("\n".join(json.dumps({**GOOD, "prompt": f"Why {n}?"}) for n in range(3)), "utf-8")
    bad.write_text("\n".join(ROWS), "utf-8")
    assert re.search(pattern, str(good))
    assert not re.search(pattern, "notes.md")
    command = [sys.executable, "-m", "hfft_widgets.cli", *entry.split()[1:], str(good), str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "rule no_value" in done.stdout
