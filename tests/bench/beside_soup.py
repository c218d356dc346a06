"""The verdict beside that of Soup's `ship` (PyPI soup-cli, read in 0.77.0), on the tiny runs.

    python -m tests.bench.beside_soup PYTHON        a Python that has soup-cli

Soup ships where a task score rose and no benchmark fell by more than its threshold. Its own scores are right answers
that are written: models of 300,000 weights write none, before or after, so that every run would be a tie. So its rule
gets what these runs measured, as scores from 0 to 1: the chance of each token of held-out answers, the share of pairs
or labels in the right order, the same of the fixed suite. The rule is Soup's own code (`verdict_from_evidence`, the
reader of `soup ship --evidence`), with its own threshold.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from itertools import product
from statistics import fmean
from typing import Any

from tests.bench.tiny_runs import RIGHT, judged, kept_runs

_READER = """
import json, sys
from soup_cli.utils.ship_verdict import verdict_from_evidence
for evidence in json.load(sys.stdin):
    found = verdict_from_evidence(evidence)
    print(found.decision, found.failed_rule)
"""
SHIPS = {"good"}  # kinds that may be shipped


def evidence(proof: dict[str, Any]) -> dict[str, Any]:
    """What a run measured, as Soup reads it."""
    sides = {"base": "before", "tuned": "after"}
    task = {side: _score(proof, proof[name]) for side, name in sides.items()}
    suite = {part: {side: _chance(values[name], part) for side, name in sides.items()}
             for part, values in proof["suite"].items()}  # fmt: skip
    return {"task": {"mode": "metric", **task}, "benchmarks": suite}


def _score(proof: dict[str, Any], values: list[float]) -> float:
    if proof["measure"] == "loss":
        return _chance(values)
    if proof["measure"] == "label":
        good = [value for value, label in zip(values, proof["labels"], strict=True) if label]
        bad = [value for value, label in zip(values, proof["labels"], strict=True) if not label]
        return fmean(a > b for a, b in product(good, bad))
    return fmean(value > 0 for value in values) if proof["measure"] == "pair" else min(1.0, max(0.0, fmean(values)))


def _chance(values: list[float], part: str = "") -> float:
    return fmean(values) if part == "stopping" else fmean(math.exp(-value) for value in values)


def main(python: str) -> None:
    runs = [run for run in kept_runs() if run["proof"].get("before")]
    asked = json.dumps([evidence(run["proof"]) for run in runs])
    done = subprocess.run([python, "-c", _READER], input=asked, capture_output=True, text=True, check=True)
    said = [line.split(" None")[0] for line in done.stdout.strip().splitlines()]
    table: Counter[tuple[str, str, str]] = Counter()
    for run, theirs in zip(runs, said, strict=True):
        table[run["kind"], judged(run).outcome, theirs] += 1
    print(f"{'runs that are':14}{'our verdict':18}{'Soup ship':32}{'runs':>5}")
    for (kind, ours, theirs), count in sorted(table.items()):
        print(f"{kind:14}{ours:18}{theirs:32}{count:>5}")
    right = sum(count for (kind, ours, _), count in table.items() if ours in RIGHT[kind])
    theirs_right = sum(n for (kind, _, t), n in table.items() if t.startswith("SHIP") == (kind in SHIPS))
    print(f"right: ours {right}, Soup {theirs_right} of {table.total()} (it has one question: may this be shipped?)")


if __name__ == "__main__":
    main(sys.argv[1])
