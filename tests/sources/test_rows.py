from __future__ import annotations

import base64
import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hfft_widgets import folders
from hfft_widgets.errors import DataError, DatasetNotFoundError, EmptyDatasetError
from hfft_widgets.sources import rows as module
from hfft_widgets.sources import rows_library
from hfft_widgets.sources.rows import choices, open_rows
from hfft_widgets.sources.rows_memory import chosen_config

ROWS = [{"text": "Grüße", "n": 1}, {"text": "b", "n": 2}]


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def jsonl(rows: list[Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


def by_reference(source: Any) -> list[dict[str, Any]]:
    """What a training script would load."""
    from datasets import load_dataset

    return list(load_dataset(**json.loads(json.dumps(source.reference))))


# ---- files -----------------------------------------------------------------------------------


def write(path: Path) -> Path:
    import pandas as pd

    frame = pd.DataFrame(ROWS)
    suffix = path.suffix.lower()
    if suffix == ".json":
        path.write_text(json.dumps(ROWS), "utf-8")
    elif suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix in {".csv", ".tsv"}:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    else:
        path.write_text(jsonl(ROWS), "utf-8")
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson", ".parquet", ".csv", ".tsv", ".JSONL"])
def test_files_of_every_format(tmp_path: Path, suffix: str) -> None:
    source = open_rows(str(write(tmp_path / f"rows{suffix}")))
    assert list(source.rows) == ROWS == by_reference(source)
    assert (source.name, source.columns, source.total) == (f"rows{suffix}", ("text", "n"), 2)
    assert source.materialize() is source


NAMES = [
    "a b.jsonl",
    "it's.jsonl",
    "ünï 文.jsonl",
    "[1].jsonl",
    "#1.jsonl",
    "per%20cent.jsonl",
    "{x}.jsonl",
    ".hidden.jsonl",
]
if os.name != "nt":
    NAMES += ['q"uote.jsonl', "st*ar.jsonl", "what?.jsonl", "back\\slash.jsonl"]


@pytest.mark.parametrize("name", NAMES)
def test_awkward_paths(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"in {name}"
    folder.mkdir()
    for other in ("1.jsonl", "star.jsonl", "stxar.jsonl", "whatx.jsonl"):  # what a pattern would match instead
        (folder / other).write_text(jsonl([{"text": "wrong"}]), "utf-8")
    source = open_rows(write(folder / name))
    assert list(source.rows) == ROWS == by_reference(source)
    assert source.name == name


def test_a_relative_path_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "rows.jsonl")
    monkeypatch.chdir(tmp_path)
    source = open_rows("rows.jsonl")
    monkeypatch.chdir(tmp_path.parent)
    assert by_reference(source) == ROWS


def test_a_slice_of_a_file(tmp_path: Path) -> None:
    source = open_rows(write(tmp_path / "rows.jsonl"), split="train[:1]")
    assert list(source.rows) == ROWS[:1] == by_reference(source)


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("empty.jsonl", "", EmptyDatasetError, "empty.jsonl is empty"),
        ("blank.json", " \n\n", EmptyDatasetError, "is empty"),
        ("none.json", "[]", EmptyDatasetError, "has no row"),
        ("head.csv", "a,b\n", EmptyDatasetError, "has no row"),
        ("line.jsonl", '{"a": 1}\n{"a": oops}\n', DataError, "line 2 is not JSON"),
        ("cut.jsonl", '{"a": 1}\n{"a": 2}\n{"a": ', DataError, "line 3 is not JSON"),
        ("array.json", '[{"a": 1},\n {"a": oops}]', DataError, "line 2 is not JSON"),
        ("texts.jsonl", '"a"\n"b"\n', DataError, "cannot be read"),
        ("wide.csv", "a,b\n1,2\n3,4,5\n", DataError, "line 3"),
        ("junk.parquet", "not parquet", DataError, "cannot be read"),
        ("rows.xlsx", "PK", DataError, "Save it as one of .json, .jsonl"),
        ("rows", "{}", DataError, "no suffix"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: str, error: type, words: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(error, match=words) as caught:
        open_rows(path)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="There is no file"):
        open_rows(tmp_path / "nope.jsonl")
    with pytest.raises(DatasetNotFoundError, match="There is no file"):
        open_rows("nope.parquet")
    with pytest.raises(DataError, match="is an empty folder"):
        open_rows(str(tmp_path))
    with pytest.raises(DataError, match="no configuration"):
        open_rows(write(tmp_path / "rows.jsonl"), config="default")
    with pytest.raises(DataError, match="no split 'test'"):
        open_rows(tmp_path / "rows.jsonl", split="test")


def test_a_full_disk_is_told() -> None:
    inner = OSError(errno.ENOSPC, "No space left on device")
    outer = RuntimeError("An error occurred while generating the dataset")
    outer.__cause__ = inner
    error = rows_library.no_space(outer)
    assert error is not None
    assert "no space left" in str(error)
    assert "HFFT_HOME" in error.remedy


# ---- several files, folders ------------------------------------------------------------------


def test_several_files_and_patterns(tmp_path: Path) -> None:
    for number in (2, 1, 3):
        (tmp_path / f"part{number}.jsonl").write_text(jsonl([{"n": number}]), "utf-8")
    listed = open_rows([tmp_path / "part3.jsonl", str(tmp_path / "part1.jsonl")])
    assert list(listed.rows) == [{"n": 3}, {"n": 1}] == by_reference(listed)
    pattern = open_rows(str(tmp_path / "part*.jsonl"))
    assert list(pattern.rows) == [{"n": 1}, {"n": 2}, {"n": 3}] == by_reference(pattern)
    assert pattern.name == f"3 files in {tmp_path.name}"
    (tmp_path / "part4.jsonl").write_text('{"n": oops}', "utf-8")
    with pytest.raises(DataError, match=r"part4.jsonl cannot be read: line 1 is not JSON"):
        open_rows(str(tmp_path / "part*.jsonl"))
    with pytest.raises(DataError, match="several kinds"):
        open_rows([tmp_path / "part1.jsonl", write(tmp_path / "rows.csv")])
    with pytest.raises(DatasetNotFoundError, match="There is no file"):
        open_rows(str(tmp_path / "none*.jsonl"))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_folders_as_the_library_reads_them(tmp_path: Path, suffix: str) -> None:
    from datasets import Dataset

    folder = tmp_path / "in here"
    folder.mkdir()
    for name, rows in {"train-00000-of-00002": ROWS, "train-00001-of-00002": ROWS[:1], "test-00000": ROWS[1:]}.items():
        one = Dataset.from_list(rows)
        one.to_parquet(folder / f"{name}.{suffix}") if suffix == "parquet" else one.to_json(folder / f"{name}.{suffix}")
    source = open_rows(folder)
    assert list(source.rows) == [*ROWS, ROWS[0]] == by_reference(source)
    assert choices(str(folder)) == {"default": ["train", "test"]}
    test = open_rows(str(folder), split="test")
    assert list(test.rows) == ROWS[1:] == by_reference(test)
    some = open_rows(folder, split="train[1:]")
    assert list(some.rows) == [ROWS[1], ROWS[0]] == by_reference(some)
    with pytest.raises(DataError, match="Choose a split: 'train', 'test'"):
        open_rows(folder, split="nope")


# ---- in memory -------------------------------------------------------------------------------


def test_lists_of_dicts() -> None:
    source = open_rows([{"a": 1}, {"b": "x"}])
    assert list(source.rows) == [{"a": 1, "b": None}, {"a": None, "b": "x"}]
    assert source.name == "in-memory dataset"
    assert source.reference is None


def test_mixed_values_stay_what_they_are() -> None:
    rows = [{"a": 1, "m": [{"role": "user"}]}, {"a": "x", "m": "text"}, {"a": [1], "m": None}]
    source = open_rows(rows)
    assert list(source.rows) == rows == by_reference(source.materialize())


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], EmptyDatasetError, "no row"),
        (["text"], DataError, "Item 0 of the list is str"),
        ([{1: "x"}], DataError, "column named 1"),
        ("".join, DataError, "builtin_function_or_method is no dataset"),
        (42, DataError, "int is no dataset"),
    ],
)
def test_what_is_no_dataset(data: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        open_rows(data)


def test_frames() -> None:
    import pandas as pd

    source = open_rows(pd.DataFrame({"text": ["a", None], "n": [1.0, None]}, index=[7, 9]))
    assert list(source.rows) == [{"text": "a", "n": 1.0}, {"text": None, "n": None}]
    mixed = open_rows(pd.DataFrame({0: [1, "x", None]}))
    assert list(mixed.rows) == [{"0": 1}, {"0": "x"}, {"0": None}]
    with pytest.raises(EmptyDatasetError):
        open_rows(pd.DataFrame({"a": []}))
    with pytest.raises(DataError, match="'a'"):
        open_rows(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_datasets() -> None:
    from datasets import Dataset, DatasetDict

    dataset = Dataset.from_list(ROWS)
    assert list(open_rows(dataset).rows) == ROWS
    dataset.info.dataset_name = "greetings"
    assert open_rows(dataset).name == "greetings"
    assert open_rows(DatasetDict({"train": dataset, "test": dataset.select([0])})).total == 2
    assert open_rows(DatasetDict({"only": dataset})).total == 2
    assert open_rows(DatasetDict({"a": dataset, "b": dataset.select([0])}), split="b").total == 1
    with pytest.raises(DataError, match="Choose a split: 'a', 'b'"):
        open_rows(DatasetDict({"a": dataset, "b": dataset}))
    with pytest.raises(EmptyDatasetError):
        open_rows(dataset.select([]))


def test_a_stream_is_read_to_its_end() -> None:
    from datasets import Dataset

    told: list[tuple[int, int]] = []
    stream = Dataset.from_list([{"n": n} for n in range(2500)]).to_iterable_dataset()
    source = open_rows(stream, progress=lambda done, total: told.append((done, total)))
    assert source.total == 2500
    assert told == [(1000, 0), (2000, 0), (2500, 2500)]


def test_a_stream_is_read_to_a_limit_or_until_it_is_cancelled() -> None:
    from datasets import Dataset

    stream = Dataset.from_list([{"n": n} for n in range(2500)]).to_iterable_dataset()
    source = open_rows(stream, limit=1200)
    assert [row["n"] for row in source.rows] == list(range(1200))
    assert (source.coverage, source.all_rows) == ("a sample: the first 1,200 rows", None)
    whole = open_rows(stream, limit=2500)
    assert (whole.coverage, whole.all_rows) == ("all rows", 2500)
    asked: list[int] = []
    with pytest.raises(DataError, match="stopped at row 5"):
        open_rows(stream, cancelled=lambda: asked.append(0) or len(asked) == 5)


def test_a_stream_whose_types_change_after_a_while() -> None:
    from datasets import IterableDataset

    def rows() -> Iterator[dict[str, Any]]:
        yield from ({"a": n, "m": None} for n in range(1500))
        yield from ({"a": f"text {n}", "m": [{"role": "user"}]} for n in range(1000))
        yield {"a": 1.5, "b": "late"}

    source = open_rows(IterableDataset.from_generator(rows))
    expected = [{"a": None, "m": None, "b": None} | row for row in rows()]
    assert list(source.rows) == expected == by_reference(source.materialize())


def test_a_stream_that_breaks_is_told() -> None:
    from datasets import IterableDataset

    def rows() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise KeyError("lost")

    with pytest.raises(DataError, match=r"broke after row 1. KeyError: 'lost'"):
        open_rows(IterableDataset.from_generator(rows))


def test_a_stream_of_pictures_is_not_decoded() -> None:
    from datasets import Dataset, Image, List

    rows = [{"image": {"bytes": b"not a picture", "path": None}, "images": [{"bytes": b"nor this", "path": None}]}]
    pictures = Dataset.from_list(rows).cast_column("image", Image()).cast_column("images", List(Image()))
    source = open_rows(pictures.to_iterable_dataset())
    assert list(source.rows) == rows
    assert source.rows.dataset.features == pictures.features


def test_pictures_are_not_decoded() -> None:
    from datasets import Dataset, Image, List, load_dataset

    picture = {"bytes": PNG, "path": None}
    rows = Dataset.from_list([{"image": picture, "images": [picture, picture]}])
    rows = rows.cast_column("image", Image()).cast_column("images", List(Image()))
    source = open_rows(rows)
    assert list(source.rows) == [{"image": picture, "images": [picture, picture]}]
    assert next(source.rows.batches()).schema.field("image").type == rows.data.schema.field("image").type
    loaded = load_dataset(**source.materialize().reference)
    assert loaded.features == rows.features, "a script must see pictures, not their bytes"
    assert loaded[0]["image"].size == (1, 1)


def test_splits_to_choose_from(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    rows = Dataset.from_list(ROWS)
    assert choices(DatasetDict({"a": rows, "b": rows})) == {"default": ["a", "b"]}
    assert choices(rows) == choices(ROWS) == choices(write(tmp_path / "rows.jsonl")) == {"default": ["train"]}


def test_materialize_names_the_file_by_its_content() -> None:
    first, second = open_rows(ROWS).materialize(), open_rows(ROWS).materialize()
    other = open_rows([*ROWS, {"text": "c", "n": 3}]).materialize()
    assert first.reference == second.reference != other.reference
    assert by_reference(first) == ROWS
    kept = sorted(folders.data("datasets").iterdir())
    assert len(kept) == 2
    assert all(path.suffix == ".parquet" for path in kept)


def test_materialize_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="Set HFFT_HOME"):
        open_rows(ROWS).materialize()


@pytest.mark.parametrize("odd", [2**70, "\ud800", {"deep": [-(2**64)]}])
def test_what_a_dataset_cannot_hold_is_kept_as_it_is(odd: Any) -> None:
    source = open_rows([{"fine": 1, "odd": odd}, {"fine": 2}])
    assert list(source.rows) == [{"fine": 1, "odd": odd}, {"fine": 2, "odd": None}]
    assert (source.columns, source.total, source.coverage) == (("fine", "odd"), 2, "all rows")
    with pytest.raises(DataError, match="Column 'odd' holds values that a dataset cannot hold"):
        source.materialize()
    assert not folders.data("datasets").exists()


def test_arrays_beside_what_a_dataset_cannot_hold_are_lists() -> None:
    import numpy as np

    turn = {"role": np.array(["a", "b"]), "content": (np.float32(1), "x")}
    (row,) = open_rows([{"big": 2**70, "turns": [turn]}]).rows
    assert row == {"big": 2**70, "turns": [{"role": ["a", "b"], "content": [1.0, "x"]}]}


def test_arrays_of_texts_and_of_numbers_in_one_list_are_lists() -> None:
    import numpy as np

    mixed = [None, np.array(["a", "b"]), np.array([1, 2])]  # which pyarrow calls not implemented
    rows = open_rows([{"turns": ["a", np.float32(1.0)]}, {"turns": mixed}]).rows
    assert [row["turns"] for row in rows] == [["a", 1.0], [None, ["a", "b"], [1, 2]]]


def test_what_a_file_cannot_hold_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    from datasets import Dataset

    def refuse(self: Dataset, path: Path) -> None:  # what older pyarrow says about records without a field
        raise pa.ArrowNotImplementedError("Cannot write struct type 'meta' with no child field to Parquet.")

    monkeypatch.setattr(Dataset, "to_parquet", refuse)
    with pytest.raises(DataError, match="cannot be written to a parquet file"):
        open_rows(ROWS).materialize()
    assert list(folders.data("datasets").iterdir()) == []


def test_a_crash_while_writing_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_digest", full)
    with pytest.raises(DataError, match="no space left"):
        open_rows(ROWS).materialize()
    assert list(folders.data("datasets").iterdir()) == []


# ---- the Hub ---------------------------------------------------------------------------------


def test_offline_is_told() -> None:
    with pytest.raises(
        DataError, match="no file or folder stanfordnlp/imdb here, and the Hugging Face Hub could not be reached"
    ):
        open_rows("stanfordnlp/imdb")


def test_configurations_must_be_chosen_where_there_are_several() -> None:
    assert chosen_config(["a"], None, "x") == "a"
    assert chosen_config(["a", "default"], None, "x") == "default"
    assert chosen_config(["a", "b"], "b", "x") == "b"
    with pytest.raises(DataError, match="Choose one: 'a', 'b'"):
        chosen_config(["a", "b"], None, "x")
    with pytest.raises(DataError, match="no configuration 'c'"):
        chosen_config(["a", "b"], "c", "x")


class _Refusing(BaseHTTPRequestHandler):
    """A Hub that answers as the real one does for names it does not know, and for gated ones."""

    def do_GET(self) -> None:
        gated = "gated" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("X-Error-Message", "Access to it is restricted" if gated else "Repository not found")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name http.server asks for

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def refusing_hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(("name", "kind", "words"), [
    ("me/nope", "DatasetNotFoundError", "There is no dataset me/nope"),
    ("me/gated", "DataError", "me/gated is gated"),
])  # fmt: skip
def test_names_the_hub_does_not_give(refusing_hub: str, tmp_path: Path, name: str, kind: str, words: str) -> None:
    code = (
        "from hfft_widgets.sources.rows import open_rows\nfrom hfft_widgets.errors import HfftError\n"
        f"try: open_rows({name!r})\nexcept HfftError as error: print(type(error).__name__, error)"
    )
    environment = {**os.environ, "HF_ENDPOINT": refusing_hub, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.stdout.startswith(f"{kind} {words}"), result.stderr
