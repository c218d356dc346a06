"""Two checkouts measured in turn, in one run: each pass in a process of its own, the least CPU time of each counts."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[2]


def asked(doc: str | None, rows: int = 0) -> argparse.Namespace:
    """What the command line says: `small`, `rows`, and `checkouts` (this one, and another one if it was named)."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", nargs="?", type=Path, help="another checkout, measured in turn with this one")
    parser.add_argument("--small", action="store_true", help="seconds instead of minutes: does it start and end?")
    if rows:
        parser.add_argument("--rows", type=int, default=rows)
    words = parser.parse_args()
    others = {"other": words.other.absolute()} if words.other else {}
    words.checkouts = {"this": HERE, **others}
    return words


def least(script: str, words: list[object], checkouts: Mapping[str, Path], rounds: int) -> dict[str, dict[str, float]]:
    """By checkout the least of each figure that the script prints as JSON in its last line."""
    found: dict[str, dict[str, float]] = {name: {} for name in checkouts}
    for _ in range(rounds):
        for name, root in checkouts.items():
            for figure, value in child(script, words, root).items():
                found[name][figure] = min(value, found[name].get(figure, value))
    return found


def child(script: str, words: list[object], root: Path) -> Any:
    """What a script prints as JSON in its last line, with the package of that checkout."""
    command = [sys.executable, script, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """The figures of all checkouts side by side, and this one's share of the other's."""
    lines = []
    for figure, value in found["this"].items():
        line = f"{value:10.4f}"
        if "other" in found:
            line += f"{found['other'][figure]:10.4f}  x{value / max(1e-9, found['other'][figure]):.2f}"
        lines.append(f"{line}  {figure}")
    heading = "      this" + ("     other  this/other" if "other" in found else "") + "  CPU seconds"
    return "\n".join([heading, *lines])
