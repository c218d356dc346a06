"""Real curves of small trainings, for the forecast of the final held-out loss: `python -m tests.bench.made_curves`.

Small networks that guess the next letter of the standard library's documentation, of many widths, amounts of data,
learning rates, batch sizes and schedules, each with its loss on held-out text at forty moments. The first 200 are for
the rule and its band, the others are for judging it.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

FOR_THE_RULE = 200
KEPT = Path(__file__).parent / "data" / "made_curves.json"
COUNT, STEPS, CHECKS, CONTEXT = 400, 160, 40, 6


def text() -> str:
    from hfft_widgets.samples import _symbols

    return "\n".join(symbol.summary for symbol in _symbols())


def made(number: int, letters: Any) -> dict[str, Any]:
    """One training: its settings and its curve, as (step, held-out loss)."""
    import torch

    chance = random.Random(number)
    width, hidden = chance.choice((8, 16, 32)), chance.choice((32, 64))
    rate = 10 ** chance.uniform(-3.3, -1.5)
    batch, rows = chance.choice((16, 32, 64, 128)), chance.choice((500, 2000, 20_000, 80_000))
    schedule, held = chance.choice(("cosine", "linear", "constant")), chance.choice((200, 500, 1000))
    torch.manual_seed(number)
    vocabulary = int(letters.max()) + 1
    places = torch.randperm(len(letters) - CONTEXT - 1)
    test, train = places[:held], places[held : held + rows]
    model = torch.nn.Sequential(
        torch.nn.Embedding(vocabulary, width), torch.nn.Flatten(), torch.nn.Linear(CONTEXT * width, hidden),
        torch.nn.GELU(), torch.nn.Linear(hidden, vocabulary),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    window = torch.arange(CONTEXT)
    loss = torch.nn.functional.cross_entropy
    curve = []
    for step in range(STEPS + 1):
        if step % (STEPS // CHECKS) == 0:
            with torch.no_grad():
                curve.append(
                    [step, round(float(loss(model(letters[test[:, None] + window]), letters[test + CONTEXT])), 4)]
                )
        share = step / STEPS
        decay = {"cosine": 0.5 * (1 + math.cos(math.pi * share)), "linear": 1 - share, "constant": 1.0}[schedule]
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / (0.05 * STEPS)) * decay
        at = train[torch.randint(len(train), (batch,))]
        optimizer.zero_grad()
        loss(model(letters[at[:, None] + window]), letters[at + CONTEXT]).backward()
        optimizer.step()
    return {"schedule": schedule, "rate": round(rate, 6), "rows": rows, "batch": batch, "curve": curve}


def make(count: int = COUNT) -> None:
    import torch

    torch.set_num_threads(1)
    told = text()
    known = {letter: at for at, letter in enumerate(sorted(set(told)))}
    letters = torch.tensor([known[letter] for letter in told])
    found = [made(number, letters) for number in range(count)]
    KEPT.write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in found) + "\n]\n", "utf-8")


if __name__ == "__main__":
    make(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
