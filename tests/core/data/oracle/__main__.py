"""`python -m tests.core.data.oracle --json FILE [--only NAME...]`: ask the trainers, append a JSON line per answer."""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.core.data.oracle.asking import SEEDS, answer, depends_on_hash, disagreements, line, questions, quiet, read
from tests.core.data.oracle.case import Case
from tests.core.data.oracle.corpus import BY_NAME, CASES
from tests.core.data.oracle.tiny import VISION, save_models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="append an answer per line; questions answered there are left out")
    parser.add_argument("--only", nargs="*", default=list(BY_NAME), metavar="NAME", help="names of datasets")
    parser.add_argument("--corpus", type=Path, help="write the corpus itself as JSON lines")
    parser.add_argument("--models", type=Path, help="folder of the tiny models; made if it is not there")
    parser.add_argument("--seed", type=int, help="PYTHONHASHSEED of this process; none: start one process per seed")
    chosen = parser.parse_args()
    cases = [BY_NAME[name] for name in chosen.only]
    if chosen.corpus:
        chosen.corpus.write_text("".join(json.dumps(_told(case)) + "\n" for case in CASES), encoding="utf-8")
    if not chosen.json:
        return
    models = chosen.models or Path(tempfile.mkdtemp())
    if not (models / VISION).exists():
        with quiet():
            save_models(models)
    if chosen.seed is None:
        _all_seeds(cases, chosen.json, models)
        _summary(cases, chosen.json)
    else:
        _one_seed(cases, chosen.json, models, chosen.seed)


def _all_seeds(cases: list[Case], file: Path, models: Path) -> None:
    for seed in SEEDS:
        asked = [case.name for case in cases if seed == SEEDS[0] or depends_on_hash(case)]
        command = [sys.executable, "-m", __package__, "--json", file, "--models", models, "--seed", str(seed)]
        if asked:
            subprocess.run([*command, "--only", *asked], env=os.environ | {"PYTHONHASHSEED": str(seed)}, check=True)


def _one_seed(cases: list[Case], file: Path, models: Path, seed: int) -> None:
    known = read(file) if file.exists() else {}
    asked = [(case, question) for case in cases for question in questions(case)]
    asked.sort(key=lambda pair: pair[1].template != "qwen3")  # the usual template first: partial answers are read
    with file.open("a", encoding="utf-8") as out:
        for case, question in asked:
            if not any(told["seed"] == seed for told in known.get(question, ())):
                out.write(json.dumps(line(question, seed, answer(case, question, models))) + "\n")
                out.flush()
                if not gc.get_freeze_count():
                    gc.freeze()  # the libraries stay: trainers collect garbage, and need not walk through them


def _summary(cases: list[Case], file: Path) -> None:
    answers = read(file)
    wrong = [text for case in cases for text in disagreements(case, answers)]
    print(*wrong, f"{len(answers)} questions on {len(cases)} datasets, {len(wrong)} disagreements", sep="\n")


def _told(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "rows": json.loads(json.dumps(case.rows, default=repr)),
        "hashed": depends_on_hash(case),
        "templates": {
            template: {
                "verdicts": {method: sorted(told) for method, told in expected.verdicts.items()},
                "bad": expected.bad,
                "open": {row: sorted(methods) for row, methods in expected.open.items()},
            }
            for template, expected in case.by_template.items()
        },
    }


if __name__ == "__main__":
    main()
