"""CPU of validating conversational rows against the bare parquet read, a Python loop and `datasets.map`.

    python -m tests.bench.bench_validate [OTHER CHECKOUT] [--rows ROWS] [--small]

Rows of 2 to 6 messages, some 740 bytes each, in one parquet file. Each way runs in a process of its own, all in turn,
and the least of five counts; CPU seconds are user + system with all threads, children included. The Python loop and
`datasets.map` run on at most 100,000 rows and are scaled to all. Of another checkout only the validation is measured.
At most 1.8 reads and 1 GB are asked for, with `--rows 1000000`.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

LOOP_ROWS = 100_000
MOST_READS, MOST_MB = 1.8, 1024
ROLES = {"system", "user", "assistant", "tool"}


def make(path: Path, rows: int) -> None:
    """Mostly good rows; every thousandth has a fault of one of six kinds."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "ran", "lit", "me")])
    kind = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("messages", pa.list_(kind))])
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for start in range(0, rows, 20_000):
            n = min(20_000, rows - start)
            pool = [" ".join(random.choice(words, max(2, int(random.gamma(2, 10))))) + "." for _ in range(5000)]
            cells = [_turns(start + row, random, pool) for row in range(n)]
            writer.write_table(pa.table({"messages": pa.array(cells, schema.field(0).type)}), row_group_size=20_000)


def _turns(number: int, random: Any, pool: list[str]) -> list[dict[str, Any]]:
    count = 2 * int(random.integers(1, 4))
    picked = random.integers(0, len(pool), (count, 2))
    turns = [
        {"role": ("user", "assistant")[n % 2], "content": f"{number} {pool[a]} {pool[b]}"}
        for n, (a, b) in enumerate(picked.tolist())
    ]
    if number % 1000 == 999:
        _spoil(turns, number // 1000 % 6)
    return turns


def _spoil(turns: list[dict[str, Any]], kind: int) -> None:
    if kind == 0:
        turns[0]["role"] = "human"
    elif kind == 1:
        turns[-1]["content"] = None
    elif kind == 2:
        turns[-1]["content"] = "  "
    elif kind == 3:
        del turns[-1]
    elif kind == 4:
        turns[:] = [turns[0], *turns]
    else:
        turns[:] = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]


# ---- the ways --------------------------------------------------------------------------------


def read(path: str) -> Any:
    import pyarrow.parquet as pq

    return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(batch_size=50_000))


def validate(path: str) -> Any:
    import hfft_widgets as hfft

    report = hfft.validate(path)
    return {finding.rule: finding.count for finding in report.findings}


def seen(turns: list[dict[str, Any]]) -> tuple[Any, ...]:
    """What a careful person would write: roles, null and blank content, last turn, alternation, a hash."""
    bad = null = blank = same = False
    before = None
    for turn in turns:
        role, content = turn["role"], turn["content"]
        bad |= role not in ROLES
        null |= content is None
        blank |= content is not None and not content.strip()
        same |= role == before
        before = role
    return bad, null, blank, same, before != "assistant", hash(tuple((t["role"], t["content"]) for t in turns))


def loop(path: str) -> Any:
    with tempfile.TemporaryDirectory() as cache:
        dataset = _dataset(path, cache)
        start = _cpu()
        hashes = {seen(row["messages"])[5] for row in dataset}
        return {"rows": len(dataset), "distinct": len(hashes), "cpu": _cpu() - start}


def _dataset(path: str, cache: str) -> Any:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    dataset = load_dataset("parquet", data_files=path, cache_dir=cache, split="train")
    return dataset.select(range(min(LOOP_ROWS, len(dataset))))


def mapped(path: str) -> Any:
    with tempfile.TemporaryDirectory() as cache:
        dataset = _dataset(path, cache)
        start = _cpu()
        done = dataset.map(
            lambda batch: {"seen": [str(seen(turns)) for turns in batch["messages"]]},
            batched=True,
            remove_columns=["messages"],
        )
        return {"rows": len(done), "cpu": _cpu() - start}


WAYS = {"read": read, "validate": validate, "python loop": loop, "datasets.map": mapped}


def child(way: str, path: str) -> None:
    import datasets  # noqa: F401 - what every way has to import is not counted
    import pyarrow.parquet  # noqa: F401

    start = _cpu()
    said = WAYS[way](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = said.pop("cpu") if isinstance(said, dict) and "cpu" in said else _cpu() - start
    print(json.dumps({"cpu": cpu, "peak_mb": peak, "said": said}))


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def main() -> int:
    from tests.bench import turns

    words = turns.asked(__doc__, rows=200_000)
    rows, rounds = (2_000, 1) if words.small else (words.rows, 5)
    measured = [(name, name, turns.HERE) for name in WAYS]
    measured += [("validate, other", "validate", root) for name, root in words.checkouts.items() if name == "other"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        make(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB of parquet")
        runs = [(way, turns.child(__file__, ["child", name, path], root))
                for _ in range(rounds) for way, name, root in measured]  # fmt: skip
    best = {way: min((run for name, run in runs if name == way), key=lambda run: run["cpu"]) for way, *_ in measured}
    for way, run in best.items():
        scale = rows / min(rows, LOOP_ROWS) if way in {"python loop", "datasets.map"} else 1
        cpu, ratio = run["cpu"] * scale, run["cpu"] * scale / best["read"]["cpu"]
        print(f"{way:15} {cpu:8.2f} CPU s  {ratio:6.2f} x the read  {run['peak_mb']:6.0f} MB  {run['said']}")
    own = best["validate"]
    return int(own["cpu"] > MOST_READS * best["read"]["cpu"] or own["peak_mb"] > MOST_MB)


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["child"] else sys.exit(main())
