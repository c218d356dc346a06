"""Rows in batches and by number are those that a training script loads."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data.rows import PythonRows
from hfft_widgets.errors import DataError
from hfft_widgets.sources import rows_arrow, rows_parquet
from hfft_widgets.sources.rows import open_rows
from hfft_widgets.sources.rows_arrow import DatasetRows, plain
from hfft_widgets.sources.rows_library import quiet
from hfft_widgets.sources.rows_memory import held
from hfft_widgets.sources.rows_parquet import ParquetRows

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
FLOATS = st.integers(-4000, 4000).map(lambda n: n / 8)  # of mixed columns the library keeps ten digits
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | TEXT
TURNS = st.lists(st.fixed_dictionaries({"role": TEXT}, optional={"content": SCALARS, "name": TEXT}), max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), TURNS | VALUES, min_size=1), min_size=1, max_size=12)
PROPERTY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def from_batches(rows: Any, columns: list[str] | None = None) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = []
    for batch in rows.batches() if columns is None else rows.batches(columns):
        if isinstance(batch, dict):
            read += [dict(zip(batch, cells, strict=True)) for cells in zip(*batch.values(), strict=True)]
        else:
            read += plain(batch)
    return read


def agree(rows: Any, expected: list[dict[str, Any]], numbers: list[int]) -> None:
    numbers = [number % len(expected) for number in numbers]
    assert rows.total == len(rows) == len(expected)
    assert from_batches(rows) == list(rows) == expected
    assert rows.take(numbers) == [expected[number] for number in numbers]
    chosen = list(rows.columns)[-1:]
    assert from_batches(rows, chosen) == [{name: row[name] for name in chosen} for row in expected]


@PROPERTY
@given(rows=ROWS, numbers=st.lists(st.integers(0, 99), max_size=5))
def test_any_rows_in_memory(rows: list[dict[str, Any]], numbers: list[int]) -> None:
    kept = held(rows)
    expected = list(kept.dataset) if isinstance(kept, DatasetRows) else rows
    agree(kept, [{name: row.get(name) for name in kept.columns} for row in expected], numbers)


@PROPERTY
@given(rows=ROWS, numbers=st.lists(st.integers(0, 99), max_size=5), group=st.integers(1, 5), size=st.integers(1, 4))
@example(
    rows=[{"a": []}, {"a": "007"}, {"a": "-1."}, {"a": "1e"}, {"a": "-"}], numbers=[1], group=1, size=1
)  # texts that are numbers
def test_any_rows_in_parquet(
    tmp_path: Path, rows: list[dict[str, Any]], numbers: list[int], group: int, size: int
) -> None:
    from datasets import Dataset

    kept = held(rows)
    if not isinstance(kept, DatasetRows):
        return
    path = tmp_path / "rows.parquet"
    try:
        pq.write_table(kept.dataset.data.table, path, row_group_size=group)
    except pa.ArrowNotImplementedError:  # records without a field
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_arrow, "_BATCH_ROWS", size)
        streamed = ParquetRows([rows_parquet.File("a", lambda: path), rows_parquet.File("b", lambda: path)])
        with quiet():
            expected = list(Dataset.from_parquet([str(path), str(path)], cache_dir=str(tmp_path / "cache")))
        agree(streamed, expected, numbers)


@PROPERTY
@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1), numbers=st.lists(st.integers(0, 99)))
def test_any_python_rows(rows: list[dict[str, Any]], numbers: list[int]) -> None:
    python = PythonRows(rows)
    if python.columns:
        agree(python, [{name: row.get(name) for name in python.columns} for row in rows], numbers)


def test_no_column_is_still_so_many_rows(tmp_path: Path) -> None:
    from datasets import Dataset

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": range(7)}), path, row_group_size=3)
    for rows in (open_rows(path).rows, DatasetRows(Dataset.from_dict({"n": range(7)}))):
        assert sum(batch.num_rows for batch in rows.batches([])) == 7
    assert list(PythonRows([{"n": n} for n in range(7)]).batches([])) == [{"n": list(range(7))}]


@pytest.mark.parametrize("shuffled", [False, True])
def test_datasets_of_every_feature(shuffled: bool) -> None:
    import datetime as dt

    from datasets import Array2D, ClassLabel, Dataset, Features, Json, LargeList, List, Translation, Value

    features = Features(
        {
            "label": ClassLabel(names=["no", "yes"]),
            "when": Value("timestamp[ms]"),
            "grid": Array2D((2, 2), "int32"),
            "json": Json(),
            "tools": List(Json()),
            "deep": {"inner": LargeList({"x": Json()})},
            "pair": Translation(["de", "en"]),
            "bytes": Value("large_binary"),
        }
    )
    row = {
        "label": 1, "when": dt.datetime(2026, 1, 2, 3), "grid": [[1, 2], [3, 4]], "json": {"a": [1, None, "x"]},  # noqa: DTZ001
        "tools": [{"name": "t"}, {"other": 1}, None], "deep": {"inner": [{"x": 1}, {"x": "one"}, None]},
        "pair": {"de": "Hallo", "en": "Hello"}, "bytes": b"\x00",
    }  # fmt: skip
    dataset = Dataset.from_list([row, dict.fromkeys(row), row], features=features)
    if shuffled:
        dataset = dataset.select([2, 1, 0, 0])
    agree(DatasetRows(dataset), list(dataset), [2, 0, 2])
    agree(DatasetRows(dataset.with_format("numpy", columns=["label"])), list(dataset), [1])


def test_json_that_is_none_stays_text() -> None:
    storage = pa.array(['{"a": 1}', "oops", None, "[" * 100_000])
    table = pa.table({"j": pa.ExtensionArray.from_storage(pa.json_(), storage)})
    assert [row["j"] for row in plain(table)] == [{"a": 1}, "oops", None, "[" * 100_000]


# ---- Parquet files ---------------------------------------------------------------------------


def by_reference(source: Any) -> list[dict[str, Any]]:
    from datasets import load_dataset

    return list(load_dataset(**source.reference))


def test_types_that_the_library_changes(tmp_path: Path) -> None:
    columns = {
        "words": pa.array(["a", "b", "a"]).dictionary_encode(),
        "nested": pa.array(
            [[{"r": "x"}], [], None], pa.list_(pa.struct({"r": pa.dictionary(pa.int32(), pa.string())}))
        ),
        "view": pa.array(["x", None, "long enough to be apart"], pa.string_view()),
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    source = open_rows(tmp_path / "rows.parquet")
    assert list(source.rows) == by_reference(source)
    types = [field.type for batch in source.rows.batches() for field in batch.schema]
    assert not any(pa.types.is_dictionary(kind) for kind in types)


def test_files_whose_columns_differ(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(
        pa.table({"b": pa.array(["y"], pa.large_string()), "a": pa.array([2], pa.int32())}), tmp_path / "2.parquet"
    )
    pq.write_table(pa.table({"a": [3]}), tmp_path / "3.parquet")
    source = open_rows([tmp_path / f"{number}.parquet" for number in (1, 2, 3)])
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": None}]
    assert list(source.rows) == expected == by_reference(source)
    assert from_batches(source.rows, ["b"]) == [{"b": row["b"]} for row in expected]
    with pytest.raises(DataError, match=r"1.parquet has columns that 3.parquet lacks: 'b'"):
        open_rows([tmp_path / "3.parquet", tmp_path / "1.parquet"])


def test_a_file_damaged_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": [f"{n}" * 50 for n in range(4000)]}), path, row_group_size=1000, compression="snappy")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"rows.parquet cannot be read"):
        from_batches(open_rows(path).rows)


def test_a_disk_that_is_full_while_reading_is_told(tmp_path: Path) -> None:
    def no_room() -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="no space left on the disk"):
        ParquetRows([rows_parquet.File("rows.parquet", no_room)])


def test_taking_reads_only_the_row_groups_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": range(1000)}), path, row_group_size=100)
    rows = open_rows(path).rows
    asked: list[Any] = []
    read = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile, "iter_batches", lambda *args, **named: asked.append(named["row_groups"]) or read(*args, **named)
    )
    assert rows.take([950, 3, 955, 3]) == [{"n": 950}, {"n": 3}, {"n": 955}, {"n": 3}]
    assert rows.take([999]) == [{"n": 999}]
    assert asked == [[0], [9]]
    assert rows[-1] == {"n": 999}
    assert rows[2:4] == [{"n": 2}, {"n": 3}]
    with pytest.raises(IndexError):
        rows[1000]


def test_what_was_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_arrow, "_BATCH_ROWS", 500)
    path = tmp_path / "rows.parquet"
    content = [random.Random(n).randbytes(1000) for n in range(8000)]  # 8 MB that no codec shortens
    pq.write_table(pa.table({"b": content}), path, row_group_size=500)
    rows = open_rows(path).rows
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in rows.batches()]
    assert max(held) < 4 << 20


def test_small_row_groups_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": range(1000)}), path, row_group_size=10)
    assert [len(batch) for batch in open_rows(path).rows.batches()] == [1000]
    monkeypatch.setattr(rows_arrow, "_BATCH_ROWS", 25)
    assert {len(batch) for batch in open_rows(path).rows.batches()} == {20}


def test_batches_of_large_rows_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import Dataset

    monkeypatch.setattr(rows_arrow, "_BATCH_BYTES", 1 << 20)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"picture": [bytes([n]) * (1 << 17) for n in range(20)]}), path)
    for rows in (open_rows(path).rows, DatasetRows(Dataset.from_parquet(str(path), cache_dir=str(tmp_path)))):
        sizes = [len(batch) for batch in rows.batches()]
        assert sum(sizes) == 20
        assert max(sizes) <= 8
