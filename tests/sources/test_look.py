"""Files of every look: read in another way than usual, which is said, or no dataset, which says what it is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import DataError
from hfft_widgets.sources.rows import open_rows

ROWS = [
    {"question": "Wie groß ist die Brücke über den Fluß?", "answer": "Vierzig Meter, größer als andere."},
    {"question": "Wo?", "answer": "Hier, dort."},
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def table(separator: str) -> str:
    lines = [separator.join(f'"{cell}"' for cell in row.values()) for row in ROWS]
    return "\n".join([separator.join(ROWS[0]), *lines, *lines, ""])


@pytest.mark.parametrize(
    ("separator", "encoding", "words"),
    [
        (",", "utf-8", ""),
        ("\t", "utf-8", "tabs"),
        (";", "utf-8", "semicolons"),
        ("|", "utf-8", "bars"),
        (";", "cp1252", "semicolons"),
        (",", "utf-16", "utf-16"),
    ],
)
def test_tables_of_any_separator_and_encoding(tmp_path: Path, separator: str, encoding: str, words: str) -> None:
    from datasets import load_dataset

    path = tmp_path / "rows.csv"
    path.write_text(table(separator), encoding)
    source = open_rows(path)
    assert source.columns == ("question", "answer")
    assert source.rows.take([0]) == ROWS[:1]
    assert load_dataset(**source.reference)[0] == ROWS[0]
    assert words in " ".join(source.notes)
    assert bool(source.notes) == bool(words)
    assert words in str(hfft.validate(path))


@pytest.mark.parametrize(
    "text", ["text\nWhy; so\nNo; never\n", "text\none;two;three\nfour\n", "a b\nx|y\nz\n", 'text\n"a\tb"\n']
)
def test_one_column_stays_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, "utf-8")
    assert len(open_rows(path).columns) == 1


@pytest.mark.parametrize("field", ["data", "examples"])
def test_rows_in_a_field_of_one_object(tmp_path: Path, field: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"version": 1, field: ROWS}), "utf-8")
    source = open_rows(path)
    assert (source.columns, source.total, source.reference["field"]) == (("question", "answer"), 2, field)
    assert field in str(hfft.validate(path))


def test_one_conversation_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "Why?"}]}), "utf-8")
    assert open_rows(path).columns == ("messages",)


def test_packed_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    assert open_rows(path).rows.take([1]) == ROWS[1:]


def test_what_was_saved_to_disk(tmp_path: Path) -> None:
    from datasets import Dataset

    Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    source = open_rows(tmp_path / "saved")
    assert source.rows.take([0]) == ROWS[:1]
    assert source.materialize().reference


def test_tables_of_pyarrow(tmp_path: Path) -> None:
    import pyarrow as pa

    views = pa.Table.from_pylist(ROWS).cast(pa.schema([("question", pa.string_view()), ("answer", pa.string_view())]))
    for rows in (pa.Table.from_pylist(ROWS), views):
        assert open_rows(rows).rows.take([1]) == ROWS[1:]


def test_parquet_of_text_views(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = pa.schema([("question", pa.string_view()), ("answer", pa.string())])
    pq.write_table(pa.Table.from_pylist(ROWS).cast(kinds), tmp_path / "rows.parquet")
    source = open_rows(tmp_path / "rows.parquet")
    assert source.rows.take([1, 0]) == ROWS[::-1]
    assert hfft.validate(tmp_path / "rows.parquet").verdicts["SFT"].status == "NEEDS MAPPING"


LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        ("rows.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        ("rows.jsonl", LINES.encode("utf-16"), "UTF-16"),
        ("rows.jsonl", b"null\n" * 3, "nothing but null"),
        ("rows.jsonl", b"null", "nothing but null"),
        ("rows.jsonl", LINES.replace("}\n", "},\n").encode(), "a comma stands behind every line"),
        ("rows.jsonl", "".join(f"{row}\n" for row in ROWS).encode(), "single quotes"),
        ("rows.csv", b'question,answer\n"a",b\nc,d\n"open,e\nf,g\n', "line 4"),
    ],
)
def test_what_is_no_dataset_says_what_it_is(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        hfft.validate(path)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("where", "words"),
    [("", "No dataset"), (" ", "No dataset"), ("s3://bucket/rows.jsonl", "address"), ("http://x.org/a.csv", "address")],
)
def test_addresses_that_are_none(where: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        hfft.validate(where)


@pytest.mark.parametrize(
    "where",
    [
        "https://huggingface.co/datasets/owner/name",
        " https://huggingface.co/datasets/owner/name/viewer/default/train?row=3 ",
        "https://huggingface.co/datasets/owner/name/tree/main#files",
        "hf://datasets/owner/name/data/train.parquet",
        "owner/name",
    ],
)
def test_a_pasted_address_names_its_dataset(where: str) -> None:
    from hfft_widgets.sources.rows_hub import named

    assert named(where) == "owner/name"


def test_what_is_readable_and_holds_no_rows_is_said(tmp_path) -> None:
    rows = [{"prompt": f"Why {n}?", "completion": f"So {n}."} for n in range(4)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    by_number = {name: {str(n): cell for n, cell in enumerate(cells)} for name, cells in columns.items()}
    for values in (columns, by_number):
        (tmp_path / "a.json").write_text(json.dumps(values))
        report = hfft.validate(tmp_path / "a.json")
        assert "whole columns, no rows" in str(report)
    (tmp_path / "b.json").write_text(json.dumps([[{"role": "user", "content": "Why?"}] * 2] * 3))
    assert "lists, not objects" in str(hfft.validate(tmp_path / "b.json"))
    turn = {"role": "user", "content": "Why?"}
    (tmp_path / "c.jsonl").write_text(json.dumps({"prompt": [turn, turn], "completion": [turn, turn]}) + "\n")
    assert hfft.validate(tmp_path / "c.jsonl").notes == ()  # one conversation is a row


def test_files_of_other_columns_are_named(tmp_path) -> None:
    folder = tmp_path / "rows"  # a name with "test" in it would be a split
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"prompt": "Why?", "completion": "So."}\n')
    (folder / "b.jsonl").write_text('{"text": "So."}\n')
    with pytest.raises(DataError, match="do not have the same columns") as caught:
        hfft.validate(folder)
    assert "b.jsonl has 'text'" in str(caught.value)


def test_a_few_letters_of_western_europe_are_read_as_they_are(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes("prompt,completion\nWarum?,Sch\u00f6n\nWo?,\u00dcber\n".encode("cp1252"))
    report = hfft.validate(tmp_path / "a.csv")
    assert report.rows_for("SFT")[0]["completion"] == "Sch\u00f6n"
