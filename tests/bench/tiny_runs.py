"""Sixty tiny trainings whose outcome is known, for the verdict: good, inert, forgetting, overfitting, leaking.

    python -m tests.bench.tiny_runs            the verdicts on the kept runs, as a table
    python -m tests.bench.tiny_runs --more     those first that are not kept
    python -m tests.bench.tiny_runs --again    every run again (about fifteen minutes on two cores)

What each script told is kept in data/tiny_runs.json: a verdict is made of it anew each time.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.health import Best, best
from hfft_widgets.core.run.verdict import TrainingVerdict, verdict

LONGEST_SECONDS = 3600.0  # a busy machine is slow
KEPT = Path(__file__).parent / "data" / "tiny_runs.json"
RIGHT = {
    "good": {"learned"},
    "inert": {"same", "unknown"},
    "forgetting": {"worse elsewhere"},
    "overfitting": {"overfitted", "worse"},
    "leaking": {"leaked"},
}
SETTINGS = {"max_steps": 30, "batch_size": 8, "logging_steps": 10, "eval_steps": 10, "save_steps": 1000,
            "eval_rows": 40, "questions": 0, "max_length": 128}  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class TinyRun:
    """A training whose outcome is known.

    Attributes:
        kind: What it is.
        name: Tells it from others of its kind.
        method: The method.
        rows: Makes its rows.
        peft: "lora" or "none".
        settings: What differs from `SETTINGS`.
        edit: What is changed in its script by hand.
        after: Settings and edit of a training whose result it goes on with; None: it starts from the base.
    """

    kind: str
    name: str
    method: str
    rows: Callable[[], list[Row]]
    peft: str = "none"
    settings: dict[str, Any] = field(default_factory=dict)
    edit: tuple[str, str] | None = None
    after: tuple[dict[str, Any], tuple[str, str] | None] | None = None


# ---- rows ----------------------------------------------------------------------------------------

NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ida", "Jon", "Kim", "Leo", "Mia", "Nora", "Omar")
THINGS = ("apples", "books", "chairs", "dogs", "eggs", "forks", "games", "hats", "keys", "lamps", "maps", "nuts")
PLACES = ("garden", "kitchen", "library", "market", "office", "park", "school", "station")


def _said(role: str, text: str) -> Row:
    return {"role": role, "content": text}


def stories(seed: int, count: int = 240) -> Iterator[tuple[str, str, str]]:
    """(question, right answer, wrong answer): who has what where; the answer can be read from the question."""
    chance, seen = random.Random(seed), set()
    while len(seen) < count:
        name, thing, place, number = (
            chance.choice(NAMES),
            chance.choice(THINGS),
            chance.choice(PLACES),
            chance.randint(2, 20),
        )
        question = f"{name} has {number} {thing} in the {place}. What does {name} have?"
        if question not in seen:
            seen.add(question)
            yield question, f"{name} has {number} {thing}.", f"I do not know about that, {name} said nothing to me."


def taught(seed: int, count: int = 240) -> list[Row]:
    return [{"messages": [_said("user", q), _said("assistant", a)]} for q, a, _ in stories(seed, count)]


def noise(seed: int, count: int = 60, words: int = 12) -> list[Row]:
    """Questions whose answers nothing tells: only learning by heart lowers their loss."""
    chance = random.Random(seed)
    pool = [*NAMES, *THINGS, *PLACES]
    return [
        {"messages": [_said("user", q), _said("assistant", " ".join(chance.choices(pool, k=words)))]}
        for q, _, _ in stories(seed, count)
    ]


def symbols(seed: int, count: int = 200) -> list[Row]:
    """A narrow task whose answers are no language."""
    chance = random.Random(seed)
    return [
        {"messages": [_said("user", f"Row {n}"), _said("assistant", "#" * chance.randint(8, 40) + "%" * 12)]}
        for n in range(count)
    ]


def pairs(seed: int, *, shuffled: bool = False, count: int = 240) -> list[Row]:
    chance, found = random.Random(seed), []
    for q, a, b in stories(seed, count):
        better, worse = (b, a) if shuffled and chance.random() < 0.5 else (a, b)
        found.append(
            {
                "prompt": [_said("user", q)],
                "chosen": [_said("assistant", better)],
                "rejected": [_said("assistant", worse)],
            }
        )
    return found


def whole_pairs(seed: int, *, shuffled: bool = False) -> list[Row]:
    return [
        {side: [*row["prompt"], *row[side]] for side in ("chosen", "rejected")}
        for row in pairs(seed, shuffled=shuffled)
    ]


def labels(seed: int, *, shuffled: bool = False) -> list[Row]:
    chance, found = random.Random(seed), []
    for n, (q, a, b) in enumerate(stories(seed, 240)):
        good = bool(n % 2)
        label = chance.random() < 0.5 if shuffled else good
        found.append(
            {"prompt": [_said("user", q)], "completion": [_said("assistant", a if good else b)], "label": label}
        )
    return found


def prompts(seed: int) -> list[Row]:
    return [{"prompt": [_said("user", q)], "answer": "the next one"} for q, _, _ in stories(seed, 200)]


# ---- the runs ------------------------------------------------------------------------------------

ALL_ROWS = ('train_dataset=parts["train"]', "train_dataset=dataset")


def tiny_runs() -> list[TinyRun]:
    """All of them."""
    return [*_good(), *_inert(), *_forgetting(), *_overfitting(), *_leaking()]


def _good() -> Iterator[TinyRun]:
    for seed in range(3):
        yield TinyRun("good", f"stories {seed}", "SFT", lambda s=seed: taught(s), settings={"learning_rate": 1e-4})
        yield TinyRun("good", f"adapters {seed}", "SFT", lambda s=seed: taught(s + 10), "lora", {"learning_rate": 4e-4})
        yield TinyRun("good", f"pairs {seed}", "DPO", lambda s=seed: pairs(s + 20), settings={"learning_rate": 1e-5})
    yield TinyRun("good", "labels", "KTO", lambda: labels(30), settings={"learning_rate": 1e-5})
    yield TinyRun("good", "scores", "Reward", lambda: whole_pairs(31), settings={"learning_rate": 2e-4})
    yield TinyRun("good", "scores by adapters", "Reward", lambda: whole_pairs(32), "lora", {"learning_rate": 2e-3})


def _inert() -> Iterator[TinyRun]:
    still = {"learning_rate": 1e-9}
    for seed in range(2):
        yield TinyRun("inert", f"rate 0, stories {seed}", "SFT", lambda s=seed: taught(s + 40), settings=still)
        yield TinyRun("inert", f"rate 0, adapters {seed}", "SFT", lambda s=seed: taught(s + 42), "lora", still)
        yield TinyRun("inert", f"rate 0, pairs {seed}", "DPO", lambda s=seed: pairs(s + 44), settings=still)
        yield TinyRun(
            "inert",
            f"chosen by chance {seed}",
            "DPO",
            lambda s=seed: pairs(s + 46, shuffled=True),
            settings={"learning_rate": 1e-5},
        )
    yield TinyRun(
        "inert", "labelled by chance", "KTO", lambda: labels(48, shuffled=True), settings={"learning_rate": 1e-5}
    )
    yield TinyRun(
        "inert", "scored by chance", "Reward", lambda: whole_pairs(49, shuffled=True), settings={"learning_rate": 2e-4}
    )
    yield TinyRun("inert", "rate 0, labels", "KTO", lambda: labels(50), settings=still)
    yield TinyRun(
        "inert",
        "rate 0, rewards",
        "GRPO",
        lambda: prompts(51),
        settings={
            **still,
            "max_steps": 6,
            "eval_rows": 16,
            "num_generations": 2,
            "max_completion_length": 16,
            "batch_size": 4,
        },
    )


def _forgetting() -> Iterator[TinyRun]:
    for seed in range(4):
        rate = (1e-3, 2e-3, 3e-3, 5e-3)[seed]
        yield TinyRun(
            "forgetting",
            f"signs alone, {rate}",
            "SFT",
            lambda s=seed: symbols(s + 60),
            settings={"learning_rate": rate},
        )
        yield TinyRun(
            "forgetting",
            f"stories, {rate}",
            "SFT",
            lambda s=seed: taught(s + 64),
            settings={"learning_rate": rate, "max_steps": 80},
        )
        yield TinyRun(
            "forgetting",
            f"adapters, {rate}",
            "SFT",
            lambda s=seed: symbols(s + 68),
            "lora",
            {"learning_rate": 10 * rate},
        )


def _overfitting() -> Iterator[TinyRun]:
    for seed in range(12):
        settings = {
            "learning_rate": (5e-4, 1e-3, 1e-3)[seed % 3],
            "max_steps": 60,
            "eval_rows": 24,
            "eval_steps": 10,
            "lr_scheduler_type": "constant",
        }
        count, words = (48, 64, 80)[seed % 3], (8, 12, 16, 20)[seed % 4]
        yield TinyRun(
            "overfitting",
            f"by heart {seed}",
            "SFT",
            lambda s=seed, c=count, w=words: noise(s + 80, c, w),
            settings=settings,
        )


def _leaking() -> Iterator[TinyRun]:
    quick = {"learning_rate": 1e-4}
    for seed in range(3):
        yield TinyRun(
            "leaking", f"all rows trained {seed}", "SFT", lambda s=seed: taught(s + 100), settings=quick, edit=ALL_ROWS
        )
        yield TinyRun(
            "leaking",
            f"all noise trained {seed}",
            "SFT",
            lambda s=seed: noise(s + 103, 80),
            settings={"learning_rate": 1e-3, "max_steps": 80},
            edit=ALL_ROWS,
        )
        yield TinyRun(
            "leaking",
            f"a chain {seed}",
            "SFT",
            lambda s=seed: noise(s + 106, 120),
            settings=quick,
            after=({"learning_rate": 1e-3, "eval_rows": 3}, None),
        )
    yield TinyRun(
        "leaking", "all pairs trained", "DPO", lambda: pairs(109), settings={"learning_rate": 1e-5}, edit=ALL_ROWS
    )
    yield TinyRun(
        "leaking", "all labels trained", "KTO", lambda: labels(110), settings={"learning_rate": 1e-5}, edit=ALL_ROWS
    )
    yield TinyRun(
        "leaking",
        "all scores trained",
        "Reward",
        lambda: whole_pairs(111),
        settings={"learning_rate": 2e-4},
        edit=ALL_ROWS,
    )


# ---- running and judging -------------------------------------------------------------------------


def base_model(folder: Path) -> Path:
    """A tiny model that knows some English: the sample model after 400 steps on the documentation's texts."""
    import hfft_widgets as hfft
    from tests.scripts.running import plan_on, start

    if (folder / "out" / "model.safetensors").exists():
        return folder / "out"
    plain = [{"text": f"{row['prompt']}{row['completion']}"} for row in hfft.samples.dataset("prompt_completion")]
    prose = [{"text": text} for text in _prose()]
    settings = {**SETTINGS, "max_steps": 400, "eval_steps": 400, "learning_rate": 2e-3, "eval_rows": 8}
    script = plan_on([*plain, *prose], folder, hfft.samples.model(), "SFT", **settings).script
    ended = start(script, folder).wait(LONGEST_SECONDS)
    assert ended.code == 0, ended.log
    return folder / "out"


def _prose() -> list[str]:
    """Plain English that is on every machine: what Python's own modules say of themselves, paragraph by paragraph."""
    from hfft_widgets.samples import _symbols

    return [text for symbol in _symbols() for text in [symbol.summary] if len(text) > 40]


def done(one: TinyRun, base: Path, folder: Path) -> dict[str, Any]:
    """What a run told."""
    from tests.scripts.running import plan_on, start

    model = base
    if one.after is not None:
        settings, edit = one.after
        script = plan_on(one.rows(), folder / "first", base, one.method, one.peft, **{**SETTINGS, **settings}).script
        assert start(_edited(script, edit), folder / "first").wait(LONGEST_SECONDS).code == 0
        model = folder / "first" / "out"
    script = plan_on(one.rows(), folder, model, one.method, one.peft, **{**SETTINGS, **one.settings}).script
    ended = start(_edited(script, one.edit), folder).wait(LONGEST_SECONDS)
    assert ended.code == 0, ended.log
    journal = ended.journal
    found = best(METHODS[one.method], journal.history)
    proof = _rounded(dict(journal.data("proof")))
    return {"kind": one.kind, "name": one.name, "method": one.method, "proof": proof,
            "best": asdict(found) if found else None}  # fmt: skip


def _edited(script: str, edit: tuple[str, str] | None) -> str:
    script = script.replace(", stop_early=True", "")  # what overfits shall do so
    if edit is None:
        return script
    assert script.count(edit[0]) == 1
    return script.replace(*edit)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def judged(kept: dict[str, Any]) -> TrainingVerdict:
    """The verdict on what a run told."""
    found = Best(**kept["best"]) if kept["best"] else None
    return verdict(kept["proof"], best=found, learned=METHODS[kept["method"]].learned)


def kept_runs() -> list[dict[str, Any]]:
    """What the runs told when they ran last."""
    return json.loads(KEPT.read_text("utf-8"))


def run_missing() -> None:
    """Run those that are not kept, one of each kind in turn, and keep what they told."""
    folder = Path(tempfile.mkdtemp(prefix="hfft-tiny-"))
    base = base_model(Path(tempfile.gettempdir()) / "hfft-tiny-base")
    found = kept_runs() if KEPT.exists() else []
    known = {(one["kind"], one["name"]) for one in found}
    for one in _in_turn(tiny_runs()):
        if (one.kind, one.name) in known:
            continue
        told = done(one, base, folder / "run")
        found.append(told)
        print(f"{one.kind:12} {one.name:28} {judged(told)}", flush=True)
        shutil.rmtree(folder / "run")
        KEPT.write_text("[\n" + ",\n".join(map(json.dumps, found)) + "\n]\n", "utf-8")
    shutil.rmtree(folder)


def _in_turn(runs: list[TinyRun]) -> list[TinyRun]:
    of_kind = [[one for one in runs if one.kind == kind] for kind in RIGHT]
    return [one for turn in zip_longest(*of_kind) for one in turn if one is not None]


def main(*arguments: str) -> None:
    if "--again" in arguments:
        KEPT.unlink(missing_ok=True)
    if arguments:
        run_missing()
    runs = kept_runs()
    table = Counter((one["kind"], judged(one).outcome) for one in runs)
    for (kind, outcome), count in sorted(table.items()):
        print(f"{kind:12} {outcome:16} {count}")
    for one in runs:
        if judged(one).outcome not in RIGHT[one["kind"]]:
            print(f"WRONG {one['kind']} {one['name']}: {judged(one)}")
    right = sum(judged(one).outcome in RIGHT[one["kind"]] for one in runs)
    print(f"{right} of {len(runs)} right")


if __name__ == "__main__":
    main(*sys.argv[1:])
