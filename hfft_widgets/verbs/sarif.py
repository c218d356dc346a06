"""Findings as SARIF 2.1.0, which code hosts and editors show beside the lines of a file.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hfft_widgets.core.data.rules.book import rules
from hfft_widgets.verbs.reply import visible

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import Finding, ValidationReport

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NOT_TRAINABLE = "not_trainable"
_LEVELS = {"crash": "error", "dropped": "warning", "silent": "warning", "warn": "note"}
_STOPS = {"BLOCKED BY ROWS", "INCOMPATIBLE"}
Judged = tuple[str, "ValidationReport", str | None]


def sarif(judged: Iterable[Judged], version: str) -> dict[str, Any]:
    """One run of the checks as SARIF values.

    Args:
        judged: (what was validated, its report, the method it is judged by; None: no method fits).
        version: This package's.
    """
    results = [result for data, report, method in judged for result in _results(data, report, method)]
    driver = {"name": "hfft", "semanticVersion": version, "rules": list(_rules())}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules() -> Iterator[dict[str, Any]]:
    for page in rules().pages:
        level = _LEVELS[min(page["effects"].values(), key=[*_LEVELS].index)]
        yield _rule(page["id"], page["message"], page["why"], level) | {
            "help": {"text": str(rules(page["id"])), "markdown": rules(page["id"]).to_markdown()}
        }
    why = "No training can begin with these rows as they are; the message says why."
    yield _rule(NOT_TRAINABLE, "The rows cannot be trained on as they are", why, "error")


def _rule(name: str, title: str, why: str, level: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "defaultConfiguration": {"level": level},
    }


def _results(data: str, report: ValidationReport, method: str | None) -> Iterator[dict[str, Any]]:
    lines = list(lines_of_rows(Path(data))) if report.findings else []
    for finding in report.findings:
        effect = finding.effects.get(method or "", finding.severity)
        yield from (_result(data, finding, _LEVELS[effect], row, lines) for row in finding.rows)
    verdict = report.verdicts.get(method or "")
    if method is None or (verdict and verdict.status in _STOPS):
        said = f"{method}: {verdict.status}. {verdict.reason}." if verdict else "No method can train on this data."
        place = {"physicalLocation": _file(data, 1)} if Path(data).is_file() else _row(data, None)
        text = {"text": visible(said)}
        yield {"ruleId": NOT_TRAINABLE, "level": "error", "message": text, "locations": [place]}


def _result(data: str, finding: Finding, level: str, row: int, lines: list[int]) -> dict[str, Any]:
    place = _row(data, row)
    if Path(data).is_file():
        place["physicalLocation"] = _file(data, lines[row] if row < len(lines) else None)
    effects = ", ".join(f"{method}: {effect}" for method, effect in finding.effects.items())
    text = {"text": visible(f"{finding.message} (row {row}; {effects})")}
    return {"ruleId": finding.rule, "level": level, "message": text, "locations": [place]}


def _row(data: str, row: int | None) -> dict[str, Any]:
    where = visible(data)
    name = where if row is None else f"row {row}"
    return {"logicalLocations": [{"name": name, "fullyQualifiedName": f"{where}#{row or 0}", "kind": "object"}]}


def _file(data: str, line: int | None) -> dict[str, Any]:
    path = Path(data)
    address = path.resolve().as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"artifactLocation": {"uri": address}, **({"region": {"startLine": line}} if line else {})}


def lines_of_rows(path: Path) -> Iterator[int]:
    """The line of a text file, from 1, on which each row begins; nothing where rows are no lines."""
    kind = path.suffix.lower()
    if kind not in {".jsonl", ".ndjson", ".csv", ".tsv"} or not path.is_file():
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        if kind in {".jsonl", ".ndjson"}:
            yield from (number for number, line in zip(count(1), file, strict=False) if line.strip())
            return
        reader, begins, header = csv.reader(file), 1, True
        for cells in reader:
            if cells and not header:
                yield begins
            header, begins = header and not cells, reader.line_num + 1
