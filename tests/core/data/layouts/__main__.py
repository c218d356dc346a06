"""`python -m tests.core.data.layouts [NAME ...]`: how many layouts reach a trained mapping, and why others do not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.core.data.layouts.scoring import LAYOUTS, fault
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.tiny import save_models


def main() -> None:
    names = sys.argv[1:]
    chosen = [layout for layout in LAYOUTS if not names or any(name in layout.name for name in names)]
    with tempfile.TemporaryDirectory() as folder:
        with quiet():
            save_models(Path(folder))
        faults = {layout.name: fault(layout, Path(folder), trained=True) for layout in chosen}
    wrong = {name: words for name, words in faults.items() if words}
    print(*(f"{name}: {words}" for name, words in wrong.items()), sep="\n")
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} layouts reach a trained mapping.")


if __name__ == "__main__":
    main()
