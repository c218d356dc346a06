"""CPU of looking for held-out rows that are nearly the same as rows to train on, against the bare parquet read.

    python -m tests.bench.bench_leakage [--small]

200,000 conversations of some 150 words, drawn as words are in English (Zipf's law, 50,000 words), each a hundredth a
near copy of another; 200 are held out. At most 8 bare reads (the least of three each; user and system of all threads)
are asked for.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MOST_READS, WORDS, BLOCK = 8, 50_000, 20_000


def make(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(0)
    share = 1 / np.arange(1, WORDS + 1)
    words = np.array([np.base_repr(n + 36, 36).lower() + "ing"[: n % 4] for n in range(WORDS)])
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    with pq.ParquetWriter(path, pa.schema([("messages", kind)]), compression="snappy") as writer:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            texts = [" ".join(words[row]) for row in draw.choice(WORDS, (count, 150), p=share / share.sum())]
            for n in range(100, count, 100):
                texts[n] = texts[n - 77] + " or so"
            cells = [[{"role": "user", "content": text[:200]}, {"role": "assistant", "content": text[200:]}]
                     for text in texts]  # fmt: skip
            writer.write_table(pa.table({"messages": pa.array(cells, kind)}), row_group_size=BLOCK)


def main(small: bool) -> int:
    import pyarrow.parquet as pq

    import hfft_widgets as hfft

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        make(file, 2_000 if small else 200_000)
        report = hfft.validate(str(file))
        times = 1 if small else 3
        read = min(_seconds(lambda: list(map(len, pq.ParquetFile(file).iter_batches(BLOCK)))) for _ in range(times))
        looked = min(_seconds(lambda: hfft.check_split(report, held_out=200)) for _ in range(times))
        found = [one.count for one in hfft.check_split(report, held_out=200).findings if one.rule == "leakage"]
    print(f"bare read {read:.2f} s, looking for near copies {looked:.2f} s (found {found}): ", end="")
    print(f"{looked / read:.1f} bare reads of {MOST_READS}")
    return int(looked > MOST_READS * read)


def _seconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv))
