"""`python -m tests.core.data.cases [NAME ...]`: the score of the cases, and what is wrong."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.core.data.cases.exported import EXPORTED
from tests.core.data.cases.mine import MINE
from tests.core.data.cases.scoring import public, scored, table
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.tiny import save_models


def main() -> None:
    folder = Path(tempfile.gettempdir()) / "hfft-tiny-models"
    names = sys.argv[1:]
    with quiet():
        if not folder.exists():
            save_models(folder)
        kinds = {"public": public(), "mine": [*MINE, *EXPORTED]}
        chosen = {k: [c for c in cases if not names or any(n in c.id for n in names)] for k, cases in kinds.items()}
        scores = {kind: scored(cases, str(folder / "qwen3")) for kind, cases in chosen.items()}
    for kind, score in scores.items():
        print(f"# {kind}", *score.wrong, score, sep="\n")
    print(*table(scores), sep="\n")


if __name__ == "__main__":
    main()
