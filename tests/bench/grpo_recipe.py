"""Does GRPO learn the sample task? Right answers to held-out questions before and after, over three seeds.

    python -m tests.bench.grpo_recipe            the start is trained once and kept
    python -m tests.bench.grpo_recipe --small    two steps, few questions: only that it works

The start knows the task but answers most questions in a sentence, where the bare name is asked for: what it says right
by trying is paid, and is said more often. The KL term holds it near its start. Each seed is a plan's own script, as it
runs for people, in a process of its own whose CPU seconds are counted from its first import to its last file.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.scripts.running import Script, plan_on, start_cold

SEEDS = (0, 1, 2)
HELD_OUT = 400
MOST_CPU_SECONDS = 90.0
LONGEST_SECONDS = 1800.0  # a busy machine is slow
SENTENCES = 0.65  # of the start's answers: the others are bare names
START = {"max_steps": 150, "batch_size": 8, "learning_rate": 5e-4, "lr_scheduler_type": "linear", "eval_rows": 8,
         "eval_steps": 150, "save_steps": 1000, "questions": 0, "assistant_only_loss": True}  # fmt: skip
RECIPE = {"rewards": ("correct",), "beta": 0.02, "learning_rate": 5e-5, "lr_scheduler_type": "constant",
          "max_steps": 16, "batch_size": 64, "accumulation": 1, "num_generations": 8, "max_completion_length": 12,
          "temperature": 1.0, "eval_rows": 8, "eval_steps": 1000, "save_steps": 1000, "questions": 0}  # fmt: skip
SMALL = "--small" in sys.argv

Row = dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """What became of one seed.

    Attributes:
        seed: Its seed.
        right: Which held-out questions are answered right.
        cpu_seconds: Of the whole process.
        rewards: Mean reward, step by step.
        kl: How far from its start it is at the end.
    """

    seed: int
    right: list[bool]
    cpu_seconds: float
    rewards: list[float]
    kl: float


def rows() -> tuple[list[Row], list[Row]]:
    """Questions with their answers: to train on, and held out."""
    import hfft_widgets as hfft

    split = hfft.samples.dataset("verifiable").train_test_split(test_size=40 if SMALL else HELD_OUT, seed=42)
    return list(split["train"]), list(split["test"])


def beginner(train: list[Row], folder: Path) -> Path:
    """The starting checkpoint; made once."""
    import hfft_widgets as hfft

    if not (folder / "out" / "model.safetensors").exists():
        settings = START | ({"max_steps": 2, "eval_steps": 2} if SMALL else {})
        script = plan_on(_taught(train), folder, hfft.samples.model(), "SFT", **settings).script
        _ended(start_cold(script, folder))
    return folder / "out"


def _taught(train: list[Row]) -> list[Row]:
    chance = random.Random(0)
    return [
        {"messages": [*row["prompt"], {"role": "assistant", "content": _said(row["answer"], chance)}]} for row in train
    ]


def _said(answer: str, chance: random.Random) -> str:
    return f"It is from {answer}." if chance.random() < SENTENCES else answer


def trained(seed: int, model: Path, train: list[Row], held_out: list[Row], folder: Path) -> Trained:
    """One run of the recipe."""
    settings = RECIPE | {"seed": seed} | ({"max_steps": 2, "batch_size": 8} if SMALL else {})
    script = plan_on(train, folder, model, "GRPO", **settings).script
    before = _children_seconds()
    journal = _ended(start_cold(script, folder)).journal
    spent = _children_seconds() - before
    history = journal.history
    rewards, kl = ([point.value for point in history.get(name, ())] for name in ("reward", "kl"))
    return Trained(seed, right_answers(folder / "out", held_out), spent, rewards, kl[-1])


def _ended(script: Script) -> Script:
    assert script.wait(LONGEST_SECONDS).code == 0, script.log
    return script


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def right_answers(model: Path, held_out: list[Row], at_once: int = 100) -> list[bool]:
    """Which questions get the answer and nothing else, without chance."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    loaded, found = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), []
    for begin in range(0, len(held_out), at_once):
        batch = held_out[begin : begin + at_once]
        asked = tokenizer.apply_chat_template(
            [row["prompt"] for row in batch],
            add_generation_prompt=True, return_dict=True, return_tensors="pt", padding=True,
        )  # fmt: skip
        told = loaded.generate(**asked, max_new_tokens=16, do_sample=False)[:, asked["input_ids"].shape[1] :]
        answers = tokenizer.batch_decode(told, skip_special_tokens=True)
        found += [said.strip() == row["answer"] for said, row in zip(answers, batch, strict=True)]
    return found


def interval(before: list[bool], after: list[list[bool]], draws: int = 10_000) -> tuple[float, float]:
    """The 95 % interval of the change: of each question the mean over the seeds, questions drawn anew."""
    changes = [fmean(map(int, seeds)) - start for start, *seeds in zip(before, *after, strict=True)]
    chance = random.Random(0)
    means = sorted(fmean(chance.choices(changes, k=len(changes))) for _ in range(draws))
    return means[int(0.025 * draws)], means[int(0.975 * draws) - 1]


def main() -> None:
    train, held_out = rows()
    kept = Path(tempfile.gettempdir()) / f"hfft-grpo-start{'-small' if SMALL else ''}"
    model = beginner(train, kept)
    before = right_answers(model, held_out)
    print(f"{'':8}{'right':>8}{'up':>6}{'down':>6}{'reward':>16}{'KL':>8}{'CPU s':>8}")
    print(f"{'start':8}{fmean(before):>8.1%}   of {len(held_out)} held-out questions", flush=True)
    found = list(_each_seed(model, train, held_out, before))
    low, high = interval(before, [one.right for one in found])
    after, slowest = fmean(fmean(one.right) for one in found), max(one.cpu_seconds for one in found)
    print(f"right answers {fmean(before):.1%} -> {after:.1%}, 95 % interval of the change {low:+.1%} to {high:+.1%}")
    print(f"at most {slowest:.0f} CPU seconds a seed (bound {MOST_CPU_SECONDS:.0f})")
    sys.exit(not SMALL and (low <= 0 or slowest > MOST_CPU_SECONDS))


def _each_seed(model: Path, train: list[Row], held_out: list[Row], before: list[bool]) -> Iterator[Trained]:
    for seed in SEEDS[:1] if SMALL else SEEDS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            one = trained(seed, model, train, held_out, Path(folder))
        up = sum(now and not then for then, now in zip(before, one.right, strict=True))
        down = sum(then and not now for then, now in zip(before, one.right, strict=True))
        few = max(1, len(one.rewards) // 4)
        reward = f"{fmean(one.rewards[:few]):.2f} -> {fmean(one.rewards[-few:]):.2f}"
        print(
            f"seed {seed:<3}{fmean(one.right):>8.1%}{up:>6}{down:>6}{reward:>16}{one.kl:>8.3f}{one.cpu_seconds:>8.0f}",
            flush=True,
        )
        yield one


if __name__ == "__main__":
    main()
