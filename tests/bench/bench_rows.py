"""What streaming rows costs beside the bare Parquet read: CPU seconds, their ratio, memory.

    python -m tests.bench.bench_rows [ROWS | --small]

Conversations of 2 to 6 messages, about 800 bytes a row, in row groups of 50,000, written to a temporary folder. Every
pass runs in a process of its own, several times in turn; the least CPU time of each counts.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

_GROUP = 50_000
_BATCH = 20_000  # as the package reads; larger ones take more memory and no less time
_REPEATS = 3


def generate(path: Path, rows: int) -> int:
    """Write the file; the size of its rows in Arrow, in bytes."""
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    pool = [" ".join(f"word{n}" for n in random.integers(0, 6000, random.integers(5, 60))) for _ in range(5000)]
    size, writer = 0, None
    for start in range(0, rows, _GROUP):
        table = conversations(random, min(_GROUP, rows - start), pool)
        size += table.nbytes
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=_GROUP)
    assert writer is not None
    writer.close()
    return size


def conversations(random: np.random.Generator, rows: int, pool: list[str]) -> Any:
    """Rows of 2, 4 or 6 messages in turn by user and assistant."""
    import pyarrow as pa
    import pyarrow.compute as pc

    turns = random.integers(1, 4, rows) * 2
    offsets = np.concatenate([[0], np.cumsum(turns)]).astype(np.int32)
    total = int(offsets[-1])
    roles = pa.array(["user", "assistant"]).take(pa.array((np.arange(total) - np.repeat(offsets[:-1], turns)) % 2))
    texts = pa.array(pool).take(pa.array(random.integers(0, len(pool), total)))
    numbers = pa.array(random.integers(0, 1 << 40, total)).cast(pa.string())
    texts = pc.binary_join_element_wise(texts, numbers, " ")
    messages = pa.StructArray.from_arrays([roles, texts], ["role", "content"])
    return pa.table({"messages": pa.ListArray.from_arrays(pa.array(offsets), messages)})


def bare(path: str) -> int:
    import pyarrow.parquet as pq

    return sum(len(batch) for batch in pq.ParquetFile(path).iter_batches(_BATCH))


def streamed(path: str) -> int:
    from hfft_widgets.sources.rows import open_rows

    return sum(len(batch) for batch in open_rows(path).rows.batches())


def measured(kind: str, path: Path) -> dict[str, float]:
    """CPU seconds of a pass, without imports, and the process's peak memory in MB."""
    return json.loads(started(kind, path))


def started(*words: object) -> str:
    command = [sys.executable, __file__, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def child(kind: str, path: str) -> None:
    import datasets  # noqa: F401 - what both passes stand on is not what is measured
    import pyarrow.parquet  # noqa: F401

    import hfft_widgets.sources.rows  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF)
    rows = {"bare": bare, "streamed": streamed}[kind](path)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"rows": rows, "cpu": cpu, "rss": after.ru_maxrss / 1024, "before": before.ru_maxrss / 1024}))


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        size = json.loads(started("generate", path, rows))  # a process' peak memory starts from its parent's
        print(f"{rows:,} rows, {size / 1e6:,.0f} MB Arrow, {path.stat().st_size / 1e6:,.0f} MB Parquet")
        runs = [(kind, measured(kind, path)) for _ in range(_REPEATS) for kind in ("bare", "streamed")]
    best = {k: min((run for kind, run in runs if kind == k), key=lambda run: run["cpu"]) for k in ("bare", "streamed")}
    for kind, run in best.items():
        print(f"{kind:9} {run['cpu']:6.2f} CPU s, peak {run['rss']:5.0f} MB ({run['before']:.0f} MB before the pass)")
    print(f"ratio     {best['streamed']['cpu'] / best['bare']['cpu']:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["generate", path, rows]:
            print(generate(Path(path), int(rows)))
        case [kind, path]:
            child(kind, path)
        case ["--small"]:
            main(5_000)
        case rows:
            main(int(rows[0]) if rows else 200_000)
