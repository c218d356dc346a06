"""What a report says of a case, against what should be said: verdicts, meaning, words."""

from __future__ import annotations

import json
import re
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hfft_widgets as hfft
from hfft_widgets.errors import DataError, HfftError

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Known:
    """A dataset and what should be said of it: see the package."""

    id: str
    data: Any
    expected: Any
    also_ok: dict[str, list[str]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    seen: tuple[dict[str, Any], ...] = ()
    say: tuple[str, ...] = ()


def public() -> list[Known]:
    """The cases of `index.jsonl`."""
    lines = (FILES.parent / "index.jsonl").read_text("utf-8").splitlines()
    return [
        Known(c["id"], FILES / c["file"], c["expected"], c["also_ok"], tuple(c["refused"]), tuple(c["seen"]),
              tuple(c["say"]))
        for c in map(json.loads, lines)
    ]  # fmt: skip


@dataclass
class Score:
    """[right, asked] of each kind, and what was wrong."""

    counts: dict[str, list[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, right: bool, words: str) -> None:
        counts = self.counts.setdefault(kind, [0, 0])
        counts[0] += right
        counts[1] += 1
        if not right:
            self.wrong.append(f"{kind:8} {words}")

    def share(self, kind: str) -> float:
        right, asked = self.counts.get(kind, [0, 0])
        return right / max(asked, 1)

    def __str__(self) -> str:
        counts = [f"{kind} {right}/{asked}" for kind, (right, asked) in self.counts.items()]
        return ", ".join([*counts, *(f"{n} {fault}" for fault, n in sorted(self.faults.items()))])


def scored(cases: Iterable[Known], model: str) -> Score:
    """Validate each case with this model and count what is right."""
    score = Score()
    for case in cases:
        _add(case, model, score)
    return score


def _add(case: Known, model: str, score: Score) -> None:
    report = words = None
    try:
        report = hfft.validate(case.data, model=model)
        words = str(report).replace(report.name, "")
    except HfftError as error:
        words = str(error).replace(Path(str(case.data)).name, "")
    except Exception:
        score.faults["tracebacks"] += 1
        score.wrong.append(f"traceback {case.id}\n{traceback.format_exc()}")
    if case.expected == "DataError":
        score.add("unreadable", words is not None and report is None, case.id)
    else:
        _verdicts(case, report, score)
    for check in case.seen:
        text, passed = _seen(report, check)
        score.add("meaning", passed, f"{case.id} {check['method']} {check['row']} {check['part']}: {text}")
    if case.say:
        found = any(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", words or "", re.IGNORECASE) for w in case.say)
        score.add("said", found, f"{case.id}: none of {case.say} in {words}")


def _verdicts(case: Known, report: Any, score: Score) -> None:
    for method, expected in case.expected.items():
        verdicts = {name.lower(): verdict for name, verdict in report.verdicts.items()} if report else {}
        verdict = verdicts.get(method)
        fine = bool(verdict) and verdict.status in (expected, *case.also_ok.get(method, []))
        words = f"{verdict.status}: {verdict.reason} {verdict.mapping and verdict.mapping.words}" if verdict else "-"
        score.add("verdicts", fine, f"{case.id} {method}: {words}, should be {expected}")
        score.faults["false READY"] += bool(verdict) and verdict.status == "READY" and method in case.refused


def _seen(report: Any, check: dict[str, Any]) -> tuple[str, bool]:
    if report is None:
        return "no report", False
    verdict = report.verdicts[check["method"]]
    try:
        passages = report.reading(check["method"], check["row"]).passages
    except DataError as error:
        return f"{verdict.status} {error}", False
    if verdict.status == "INCOMPATIBLE":
        return f"INCOMPATIBLE {verdict.reason}", False
    text = " ".join(p.text for p in passages if check["part"] in ("", p.name))
    passed = all(w in text for w in check["has"]) and not any(w in text for w in check["hasnt"])
    return f"{verdict.status} {verdict.mapping and verdict.mapping.words} {text!r}", passed


def table(scores: dict[str, Score]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| cases | verdicts | meaning | said | unreadable | false READY | tracebacks |"
    for name, score in scores.items():
        counts = ["/".join(map(str, score.counts.get(k, "-"))) for k in ("verdicts", "meaning", "said", "unreadable")]
        yield f"| {name} | {' | '.join(counts)} | {score.faults['false READY']} | {score.faults['tracebacks']} |"
