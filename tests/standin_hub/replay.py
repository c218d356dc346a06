"""A person's walk over the real Hub, held against the stand-in: what does the stand-in answer otherwise?

    python -m tests.standin_hub.replay TRANSCRIPT

`hfft doctor --online` writes the transcript. The same walk is made over the stand-in, and what differs is said: an
assumption that held only there or only here, a status, a field that the stand-in lacks, a value of another kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.standin_hub import StandInHub

Transcript = dict[str, Any]
DATA = "public/rows"  # in place of a dataset of the person's own, whose name is left out
ROWS = [{"prompt": f"why {n}?", "completion": f"so {n}"} for n in range(20)]
MAX_USD = "0.05"


def walk_again(transcript: Transcript, folder: Path) -> tuple[dict[str, Any], Transcript]:
    """The same walk over a stand-in of its own: what the command says, and its transcript."""
    with StandInHub(folder / "hub") as hub:
        data = DATA if "{" in transcript["data"] else transcript["data"]
        hub.add_dataset(data, rows=ROWS)
        env = {**hub.environment(home=folder / "hf"), "HFFT_HOME": str(folder / "hfft"), "HFFT_MAX_USD": MAX_USD}
        words = ["doctor", "--online", "--max-usd", MAX_USD, "--data", data, "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "hfft_widgets.cli", *words],
            env={**env, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        if not done.stdout:
            raise RuntimeError(done.stderr)
    said = json.loads(done.stdout)
    return said, json.loads(Path(said["transcript"]).read_text("utf-8"))


def differences(theirs: Transcript, ours: Transcript) -> Iterator[str]:
    """What the stand-in does otherwise, one line each; what only it answers is no matter."""
    held = {check["name"]: check["ok"] for check in ours["checks"]}
    for check in theirs["checks"]:
        if held.get(check["name"]) != check["ok"]:
            yield f"{check['name']}: {check['ok']} there ({check['found']}), {held.get(check['name'])} here"
    known = {(one["method"], one["path"], one["status"]): one["form"] for one in ours["exchanges"]}
    asked = {(method, path) for method, path, _ in known}
    for one in theirs["exchanges"]:
        what = f"{one['method']} {one['path']}"
        key = one["method"], one["path"], one["status"]
        if key in known:
            yield from (f"{what} {one['status']}: {words}" for words in _other_form(one["form"], known[key]))
        elif key[:2] in asked:
            yield f"{what}: {one['status']} there, never here"
        else:
            yield f"{what}: not asked here"


def _other_form(theirs: Any, ours: Any, place: str = "") -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, form in theirs.items():
            if name in ours:
                yield from _other_form(form, ours[name], f"{place}.{name}".lstrip("."))
            else:
                yield f"{place}.{name}".lstrip(".") + " is not there"
    elif isinstance(theirs, list) and isinstance(ours, list):
        if theirs and ours:
            yield from _other_form(theirs[0], ours[0], f"{place}[]")
    elif theirs != ours and "nothing" not in f"{theirs} {ours}":
        yield f"{place} is {theirs!r} there, {ours!r} here"


def main() -> int:
    """Say what differs; 1 if anything does."""
    theirs = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        found = list(differences(theirs, walk_again(theirs, Path(folder))[1]))
    print("\n".join(found) or "The stand-in answers as the Hub did.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
