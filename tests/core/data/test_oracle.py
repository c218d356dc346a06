"""Verdicts, mappings and flagged rows against the truth: TRL's real trainers, one epoch each on tiny random models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hfft_widgets as hfft
from tests.core.data.oracle.asking import CLEANED, Question, answer, disagreements, line, quiet, read
from tests.core.data.oracle.case import Case
from tests.core.data.oracle.corpus import BY_NAME, CASES
from tests.core.data.oracle.scoring import Score, judge, share
from tests.core.data.oracle.tiny import VISION
from tests.core.data.oracle.trainers import as_dataset

pytest.importorskip("trl")

# One question of each kind for the fast tier: dataset, method, chat template.
FAST = [
    ("messages", "SFT", "qwen3"),
    ("messages", "GRPO", "qwen3"),
    ("messages", "DPO", "qwen3"),
    ("slimorca", "SFT", "qwen2_5"),
    ("alpaca-cleaned", "SFT", "qwen3"),
    ("messages as JSON text", "SFT", "qwen3"),
    ("cosmopedia", "SFT", "qwen3"),
    ("preference", "DPO", "qwen3"),
    ("preference", "KTO", "qwen3"),
    ("implicit prompt as messages", "Reward", "llama3"),
    ("orca_dpo_pairs", "DPO", "qwen3"),
    ("good and bad response", "Reward", "qwen3"),
    ("unpaired as text", "KTO", "qwen3"),
    ("math_shepherd", "GRPO", "qwen3"),
    ("gsm8k", "RLOO", "qwen3"),
    ("empty messages in a row", "SFT", "qwen3"),
    ("one conversation of human and gpt", "SFT", "gemma"),
    ("answer of null", "SFT", "qwen2_5"),
    ("answer of null", "SFT", "gemma"),
    ("completion of null", "SFT", "qwen3"),
    ("chosen is rejected", "DPO", "qwen3"),
    ("rejected of null", "Reward", "qwen3"),
    ("label of null", "KTO", "qwen3"),
    ("empty prompt among prompts", "GRPO", "qwen3"),
    ("pictures, prompt and completion", "SFT", VISION),
    ("rlaif-v, formatted", "DPO", VISION),
]


def validated(case: Case, template: str, models: Path) -> Any:
    with quiet():
        return hfft.validate(as_dataset(case.rows), model=str(models / template), learned="all")  # as TRL by itself


@pytest.mark.ci
@pytest.mark.parametrize(("name", "method", "template"), FAST)
def test_the_report_says_what_the_trainer_does(name: str, method: str, template: str, models: Path) -> None:
    case, question = BY_NAME[name], Question(name, method, template)
    answers = {question: [line(question, 0, answer(case, question, models))]}
    assert not list(disagreements(case, answers)), "the corpus itself is wrong"
    score = Score()
    judge(case, template, validated(case, template, models), answers, models, score)
    assert not score.wrong + score.false_ready + score.refused
    assert score.usable[0] == score.usable[1]


def test_blocked_rows_are_all_that_blocks(models: Path) -> None:
    case = BY_NAME["several broken rows"]
    assert answer(case, Question(case.name, "SFT", "qwen3"), models).raised
    assert answer(case, Question(case.name, "SFT", "qwen3", CLEANED), models).raised is None
    report = validated(case, "qwen3", models)
    fixed = report.with_fixes(*(found.fix for found in report.findings if found.effects.get("SFT") == "crash"))
    assert fixed.verdicts["SFT"].status == "READY"


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_the_whole_corpus(models: Path, tmp_path: Path) -> None:
    """Answers can be kept between runs: set HFFT_ORACLE to a file that `python -m tests.core.data.oracle` wrote."""
    file = Path(os.environ.get("HFFT_ORACLE", tmp_path / "answers.jsonl"))
    asking = [sys.executable, "-m", "tests.core.data.oracle", "--json", file, "--models", models]
    subprocess.run(asking, check=True)
    answers = read(file)
    assert [text for case in CASES for text in disagreements(case, answers)] == []
    score = Score()
    for case in CASES:
        for template in case.by_template:
            judge(case, template, validated(case, template, models), answers, models, score)
    print(score, *score.wrong, *score.refused, sep="\n")
    assert score.false_ready == []
    assert share(score.verdicts) >= 0.98
    assert share(score.usable) >= 0.95
    assert share(score.found) >= 0.95
    assert share(score.flagged) >= 0.90
