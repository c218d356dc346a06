"""No rows make the data room raise anything but an error of this package."""

from __future__ import annotations

import random
import string
from typing import Any

import numpy as np
import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.report import ValidationReport
from hfft_widgets.errors import HfftError
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.tiny import save_models

pytest.importorskip("torch")

NAMES = (
    "prompt", "completion", "messages", "conversations", "text", "chosen", "rejected", "question", "answer", "image",
    "images", "label", "score", "rating", "score_a", "score_b", "response_a", "response_b", "winner", "system", "tools",
    "history", "answers", "completions", "scores", "instruction", "input", "output", "reward", "input_ids", "rank",
    "chat_template_kwargs", "data", "choices", "margin", "a b", "", "é",
)  # fmt: skip
KEYS = ("role", "content", "from", "value", "text", "score", "rank", "tool_calls", "function_call", "parts", "type",
        "answer", "question", "bytes", "path", "name", "arguments", "thinking")  # fmt: skip
ROLES = ("user", "assistant", "system", "tool", "human", "gpt", "developer", "function", "User", "", "agent")
TEXTS = (
    "", " ", "Why?", "So it is.", "\ud800", "[1, 2]", '{"a": 1}', '[{"role": "user", "content": "Hi"}]', "[broken",
    "[{'role': 'user', 'content': 'Hi'}]", "Human: Hi\n\nAssistant: Hello", "### Instruction:\nGo\n### Response:\nOk",
    "<think>a</think>b", "<image>", "<|im_start|>user", "A", "1", "true", "tie", "n/a", "x" * 3000, "{0}{a}", "\x00",
    '{"messages": [{"role": "user", "content": "a"}]}', "http://x/y.png", "#### 7", "iVBORw0KGgo=",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 7, 0.5, -0.0, float("nan"), float("inf"), float("-inf"), 2**70, -100, 10**400, True, False)


def value(draw: random.Random, depth: int = 0) -> Any:
    plain = [
        lambda: None,
        lambda: draw.choice(TEXTS),
        lambda: draw.choice(TEXTS),
        lambda: draw.choice(NUMBERS),
        lambda: draw.choice(
            (b"bytes", b"\xff", "".join(draw.sample(string.printable, 5)), np.float32(1), draw.random())
        ),
    ]
    deep = [
        lambda: [value(draw, depth + 1) for _ in range(draw.randrange(4))],
        lambda: [value(draw, depth + 1) for _ in range(draw.randrange(4))],
        lambda: turns(draw, depth),
        lambda: draw.choice((np.array([1, 2]), np.array(["a", "b"]), {"bytes": b"no", "path": None}, (1, 2))),
        lambda: {draw.choice(KEYS): value(draw, depth + 1) for _ in range(draw.randrange(5))},
    ]
    return draw.choice(plain + deep if depth < 3 else plain)()


def turns(draw: random.Random, depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(draw.randrange(4)):
        role = draw.choice(ROLES) if draw.random() < 0.9 else value(draw, depth + 2)
        made.append({"role": role, "content": draw.choice(TEXTS) if draw.random() < 0.7 else value(draw, depth + 1)})
        made[-1] |= {draw.choice(KEYS): value(draw, depth + 2)} if draw.random() < 0.3 else {}
    return made


def dataset(seed: int) -> list[dict[Any, Any]]:
    """Some rows; mostly a column holds values of one kind, at times of any."""
    draw = random.Random(seed)
    names = draw.sample(NAMES, draw.randint(1, 5))
    columns = {name: draw.randrange(2**30) for name in names}
    rows = []
    for _ in range(draw.randint(1, 6)):
        row = {}
        for name, own in columns.items():
            alike = draw.random() < 0.7
            if draw.random() < 0.95:
                row[name] = value(random.Random(own) if alike else draw)
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models")
    with quiet():
        save_models(folder)
    return str(folder / "qwen3")


def looked_at(rows: Any, model: str | None) -> None:
    """The report on rows, and all that can be asked of it."""
    try:
        report = hfft.validate(rows, model=model)
    except HfftError:
        return
    _ask(report)
    for method, verdict in report.verdicts.items():
        if verdict.mapping and not verdict.mapping.asks:
            _ask(report.with_mapping(method, verdict.mapping))
            break
    fixes = [finding.fix for finding in report.findings]
    _ask(report.with_fixes(*fixes[:3]))


def _ask(report: ValidationReport) -> None:
    assert str(report)
    assert report.to_dict("card")
    for method in report.verdicts:
        assert isinstance(report.code(method), str)
        for ask in (lambda m=method: report.rows_for(m), lambda m=method: report.reading(m, 0)):
            try:
                ask()
            except HfftError:
                continue


MANY, PART = 10_000, 500  # each part takes a minute


@pytest.mark.parametrize(
    "seeds",
    [range(500), *(pytest.param(range(at, at + PART), marks=pytest.mark.full) for at in range(PART, MANY, PART))],
    ids=lambda seeds: f"{seeds.start}-{seeds.stop}",
)
def test_whatever_the_rows_no_traceback(seeds: range, model: str) -> None:
    for seed in seeds:
        try:
            looked_at(dataset(seed), model if seed % 2 else None)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {dataset(seed)!r}") from error
