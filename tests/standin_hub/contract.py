"""Runs the checks of a module, each a function `check_...`, and prints their outcomes as one line of JSON.

A process of its own: the clients read HF_ENDPOINT when they are first imported.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import traceback
from pathlib import Path

from tests.standin_hub import StandInHub

MARK = "OUTCOMES "
REPOSITORY = Path(__file__).parents[2]


def names(module: str) -> list[str]:
    """The checks in a module's source, in their order; importing it would import the clients."""
    text = (Path(__file__).parent / f"{module}.py").read_text("utf-8")
    return [line[4:].split("(")[0] for line in text.splitlines() if line.startswith("def check_")]


def outcomes(hub: StandInHub, module: str, folder: Path, **environment: str) -> dict[str, str | None]:
    """Run the checks against the Hub; per check None or what went wrong."""
    settings = {**hub.environment(), "PYTHONPATH": str(REPOSITORY), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "tests.standin_hub.contract", module, str(folder)],
        env=settings,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    assert lines, done.stdout + done.stderr
    told: dict[str, str | None] = json.loads(lines[-1].removeprefix(MARK))
    return told


def main(module: str, folder: Path) -> None:
    checks = importlib.import_module(f"tests.standin_hub.{module}")
    told: dict[str, str | None] = {}
    for name in names(module):
        check = getattr(checks, name)
        try:
            check(*[folder][: len(inspect.signature(check).parameters)])
            told[name] = None
        except Exception:  # the outcome of this check; the others go on
            told[name] = traceback.format_exc()
    print(MARK + json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
