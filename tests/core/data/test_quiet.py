"""Clean data stays quiet: of 20 clean datasets in well-known layouts at most one has a finding that one can dismiss."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import hfft_widgets as hfft
from tests.core.data.layouts import answers, chats, layout, preferences
from tests.core.data.layouts.scoring import LAYOUTS

CLEAN = (
    "tatsu-lab/alpaca", "databricks/databricks-dolly-15k", "meta-math/MetaMathQA", "openai/gsm8k",
    "HuggingFaceH4/ultrachat_200k", "HuggingFaceH4/no_robots", "teknium/OpenHermes-2.5", "LDJnr/Capybara",
    "trl-lib/Capybara", "Open-Orca/OpenOrca", "allenai/tulu-3-sft-mixture", "GAIR/lima", "HuggingFaceTB/smoltalk",
    "trl-lib/ultrafeedback_binarized", "Intel/orca_dpo_pairs", "Skywork/Skywork-Reward-Preference-80K-v0.2",
    "PKU-Alignment/PKU-SafeRLHF", "stanfordnlp/SHP", "trl-lib/kto-mix-14k", "rajpurkar/squad",
)  # fmt: skip
ROWS = 120  # so many that the split is looked at as well
WORDS = [
    "the",
    "old",
    "road",
    "winds",
    "past",
    "a",
    "mill",
    "and",
    "over",
    "three",
    "hills",
    "before",
    "it",
    "meets",
    "the",
    "river",
    "where",
    "boats",
    "wait",
    "for",
    "grain",
    "and",
    "salt",
    "in",
    "autumn",
    "fog",
    "while",
    "lanterns",
    "burn",
    "near",
    "stone",
    "houses",
    "full",
    "of",
    "bread",
    "and",
    "songs",
]


def said(begin: str, n: int, count: int, end: str) -> str:
    draw = random.Random(f"{begin}{n}")
    return f"{begin} {' '.join(draw.choice(WORDS) for _ in range(count))}{end}"


@pytest.fixture
def long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions and answers that are not nearly the same."""
    made = {"q": ("Which is it,", 9, "?"), "a": ("It is", 22, "."), "b": ("Perhaps", 14, ".")}
    for module in (layout, answers, chats, preferences):
        for name, (begin, count, end) in made.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda n, b=begin, c=count, e=end: said(b, n, c, e))


@pytest.mark.parametrize("names", [CLEAN[::4], pytest.param(CLEAN, marks=pytest.mark.ci)], ids=["some", "all"])
def test_clean_data_stays_quiet(names: tuple[str, ...], models: Path, long_texts: None) -> None:
    found = []
    for one in (one for one in LAYOUTS if one.name in names):
        report = hfft.validate([one.row(n) for n in range(ROWS)], model=str(models / "qwen3"))
        verdict = report.verdicts[one.method]
        report = report.with_mapping(one.method, verdict.mapping) if verdict.mapping else report
        found += [(one.name, finding.rule, finding.severity) for finding in report.findings]
    assert len(found) <= 1, found
    assert {severity for *_, severity in found} <= {"warn"}
