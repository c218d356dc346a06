"""Beside Soup's `data lint` and `data doctor` (PyPI soup-cli[train]) on the same datasets, as a table.

    python -m tests.bench.bench_soup [--small] [SOUP]

SOUP is the command `soup` of an environment of its own; without it only this package is asked. Asked are the cases in
which something has to be said (an ignored column, a tie, a separator ...), by the words that a right answer holds
whatever else it says, and 20 clean datasets of well-known layouts, of which nothing has to be said.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Said = tuple[str, bool]  # all that is said, and whether it is a warning or an error


def cases() -> list[tuple[str, Any, tuple[str, ...]]]:
    """Name, rows or file, and what has to be said as expressions."""
    from tests.core.data.cases.mine import MINE
    from tests.core.data.cases.scoring import public

    return [(case.id, case.data, case.say) for case in (*public(), *MINE) if case.say]


def clean() -> list[tuple[str, Any]]:
    """Name and rows."""
    from tests.core.data import test_quiet
    from tests.core.data.layouts import answers, chats, layout, preferences
    from tests.core.data.layouts.scoring import LAYOUTS

    made = {"q": ("Which is it,", 9, "?"), "a": ("It is", 22, "."), "b": ("Perhaps", 22, ".")}
    for module in (layout, answers, chats, preferences):
        for name, (begin, count, end) in made.items():
            if hasattr(module, name):
                setattr(module, name, lambda n, b=begin, c=count, e=end: test_quiet.said(b, n, c, e))
    chosen = [one for one in LAYOUTS if one.name in test_quiet.CLEAN]
    return [(one.name, [one.row(n) for n in range(test_quiet.ROWS)]) for one in chosen]


def here(model: str, data: Any) -> Said:
    """What this package says."""
    import hfft_widgets as hfft

    try:
        report = hfft.validate(str(data) if isinstance(data, Path) else data, model=model)
    except hfft.errors.HfftError as error:
        return str(error), True
    if method := report.offered_mapping:
        mapping = report.verdicts[method].mapping
        mapped = report if mapping is None or mapping.asks else report.with_mapping(method, mapping)
        return f"{report}\n{mapped}", bool(mapped.findings)
    return str(report), bool(report.findings)


def soup(command: str, model: str, data: Any, folder: Path) -> Said:
    """What Soup says; both commands together."""
    file = data if isinstance(data, Path) else folder / "rows.jsonl"
    if file is not data:
        file.write_text("".join(f"{json.dumps(row, default=str)}\n" for row in data), "utf-8")
    asked = (["data", "lint", str(file)], ["data", "doctor", str(file), "--model", model])
    environment = os.environ | {"HOME": str(folder), "SOUP_NO_AUDIT_LOG": "1", "COLUMNS": "400"}
    done = [subprocess.run([command, *words], env=environment, capture_output=True, text=True) for words in asked]
    words = "\n".join(f"{one.stdout}\n{one.stderr}" for one in done)
    return words, re.search(r"│ (MAJOR|MINOR|CRITICAL)", words) is not None  # as its tables call what is not OK


def row(name: str, asks: Callable[[Any], Said], small: bool) -> tuple[str, ...]:
    """A tool's figures."""
    began = time.monotonic()
    wanted = [(asks(data)[0], say) for _, data, say in (cases()[:2] if small else cases())]
    right = sum(all(re.search(f"(?i){one}", said) for one in say) for said, say in wanted)
    quiet = [not asks(data)[1] for _, data in (clean()[:2] if small else clean())]
    each = (time.monotonic() - began) / (len(wanted) + len(quiet))
    return name, f"{right} of {len(wanted)}", f"{sum(quiet)} of {len(quiet)}", f"{each:.1f} s"


def main(given: list[str]) -> None:
    small, commands = "--small" in given, [word for word in given if word != "--small"]
    import hfft_widgets as hfft

    model = str(hfft.samples.model())
    with tempfile.TemporaryDirectory() as folder:
        rows = [row("hfft.validate", lambda data: here(model, data), small)]
        rows += [row("soup data lint, doctor", lambda data, c=one: soup(c, model, data, Path(folder)), small)
                 for one in commands]  # fmt: skip
    for line in [("", "what matters is said", "clean data: quiet", "each dataset"), *rows]:
        print("| " + " | ".join(f"{cell:22}" for cell in line) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
