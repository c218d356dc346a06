"""Hub datasets as sources: a sample at once, then all rows, streamed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hfft_widgets.errors import DataError, HubError
from hfft_widgets.hub.viewer import Viewer
from hfft_widgets.sources import rows_hub
from hfft_widgets.sources.rows import choices, open_rows
from tests.hub_viewer.conftest import LARGE, LONG, PNG, TALK
from tests.standin_hub import StandInHub, not_ready, partial

REFERENCE = {"path": "acme/talk", "name": "default", "split": "train"}


def test_a_sample_then_all_rows(viewer: Viewer, asked: Any) -> None:
    source = open_rows("acme/talk", sample=True, viewer=viewer)
    assert asked() == ["splits", "rows"], "nothing else is downloaded"
    assert list(source.rows) == TALK[:100]
    assert (source.total, source.all_rows, source.sampled) == (100, 250, True)
    assert source.coverage == "a sample: the first 100 rows of 250"
    assert (source.reference, source.columns) == (REFERENCE, ("messages", "n"))
    told: list[tuple[int, int]] = []
    whole = source.full(lambda done, total: told.append((done, total)))
    assert (whole.total, whole.all_rows, whole.coverage, whole.sampled) == (250, 250, "all rows", False)
    assert list(whole.rows) == TALK
    assert told[-1] == (250, 250)
    assert whole.rows.take([249, 7]) == [TALK[249], TALK[7]]
    assert (whole.reference, whole.full()) == (REFERENCE, whole)
    fetched = len(asked())
    assert list(whole.rows) == TALK
    assert len(asked()) == fetched, "a second pass is no second download"


def test_a_small_dataset_is_its_own_sample(viewer: Viewer) -> None:
    source = open_rows("acme/small", sample=True, viewer=viewer)
    assert (source.coverage, source.sampled, source.full()) == ("all rows", False, source)


def test_the_sample_comes_at_once(viewer: Viewer) -> None:
    viewer.splits("acme/talk")  # the stand-in reads the dataset when it is first asked
    started = time.process_time()  # the stand-in's own work is in it
    open_rows("acme/talk", sample=True, viewer=viewer)
    assert time.process_time() - started < 3


def test_choices(viewer: Viewer) -> None:
    assert choices("acme/two", viewer) == {"a": ["train"], "b": ["train"]}
    assert choices("acme/talk", viewer) == {"default": ["train", "test"]}
    with pytest.raises(DataError, match="Choose one: 'a', 'b'"):
        open_rows("acme/two", sample=True, viewer=viewer)
    with pytest.raises(DataError, match="Choose a split: 'train', 'test'"):
        open_rows("acme/talk", split="nope", viewer=viewer)
    source = open_rows("acme/two", config="b", viewer=viewer)
    assert list(source.rows) == [{"x": 2}]
    assert source.reference == {"path": "acme/two", "name": "b", "split": "train"}


def test_what_the_viewer_knows_only_in_part(hub: StandInHub, viewer: Viewer) -> None:
    hub.fault("/rows$", **partial())
    size = {"config": "default", "split": "train", "num_rows": 250, "num_bytes_memory": 1, "num_bytes_parquet_files": 1}
    answer = {"size": {"splits": [{**size, "estimated_num_rows": 12_345}]}, "partial": True}
    hub.fault("/size$", times=None, status=200, body=answer)
    source = open_rows("acme/talk", sample=True, viewer=viewer)
    assert (source.coverage, source.all_rows) == ("a sample: the first 100 rows of about 12,345", 12_345)
    part = source.full()
    assert (part.total, part.coverage) == (250, "a sample: the first 250 rows of about 12,345")
    assert part.sampled
    hub.clear_faults()
    hub.fault("/rows$", **partial())
    hub.fault("/size$", status=404)
    assert open_rows("acme/talk", sample=True, viewer=viewer).coverage == "a sample: the first 100 rows"


def test_cells_that_were_cut(hub: StandInHub, viewer: Viewer) -> None:
    hub.fault("/rows$", times=None, status=500, headers={"X-Error-Code": "TooBigContentError"}, body={"error": "big"})
    source = open_rows("acme/long", sample=True, viewer=viewer)
    cut = viewer.first_rows("acme/long", "default", "train").cut
    whole = sum(not names for names in cut)
    assert 0 < whole < 100
    assert list(source.rows) == LONG[:whole], "no conversation that is half a text"
    left_out = len(cut) - whole
    assert source.coverage == f"a sample: the first {whole} rows of 100 ({left_out} with shortened cells left out)"


def test_pictures_are_records() -> None:
    image, kind = {"src": "https://host/a.png?Signature=secret", "height": 1, "width": 1}, {"_type": "Image"}
    kept = {"bytes": None, "path": "https://host/a.png"}
    assert rows_hub._undecoded(image, kind) == kept
    assert rows_hub._undecoded([image, None], {"_type": "List", "feature": kind}) == [kept, None]
    assert rows_hub._undecoded([{"i": image, "_type": "x"}], [{"i": kind}]) == [{"i": kept, "_type": "x"}]
    assert rows_hub._undecoded({"_type": "x"}, {"_type": "Json"}) == {"_type": "x"}
    field = {"_type": {"_type": "Value", "dtype": "string"}, "i": kind}  # a record with a field of that name
    assert rows_hub._undecoded({"_type": "x", "i": image}, field) == {"_type": "x", "i": kept}


def test_a_dataset_of_pictures(hub: StandInHub, viewer: Viewer, tmp_path: Path) -> None:
    from datasets import Dataset, Features, Image, Value

    picture = {"bytes": PNG, "path": None}
    features = Features({"image": Image(), "text": Value("string")})
    Dataset.from_list([{"image": picture, "text": "a"}], features=features).to_parquet(tmp_path / "train.parquet")
    hub.add_dataset("acme/pictures", files={"train.parquet": (tmp_path / "train.parquet").read_bytes()})
    (shown,) = open_rows("acme/pictures", sample=True, viewer=viewer).rows
    assert shown["image"]["bytes"] is None
    assert shown["image"]["path"].startswith("http")
    (read,) = open_rows("acme/pictures", viewer=viewer).rows
    assert read["image"]["bytes"] == PNG


def test_a_pass_can_be_cancelled(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfft_widgets.hub.remote.BLOCK_BYTES", 1000)
    for name in ("acme/talk", "acme/large"):  # all here with its footer, and not
        stop: list[int] = []
        source = open_rows(name, viewer=viewer, cancelled=lambda stop=stop: bool(stop))
        stop.append(1)
        with pytest.raises((DataError, HubError), match="stopped"):
            list(source.rows)


def test_a_connection_lost_while_streaming(hub: StandInHub, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfft_widgets.hub.remote.BLOCK_BYTES", 1000)
    source = open_rows("acme/large", viewer=viewer)
    hub.fault("/resolve/", times=None, refused=True)
    with pytest.raises(HubError, match=r"0000.parquet could not be reached"):
        list(source.rows)
    hub.clear_faults()
    hub.fault("/resolve/", times=2, lost=True)
    assert list(source.rows) == LARGE


# ---- where the viewer does not help, the library does: in a process of its own ------------------


def opened(hub: StandInHub, home: Path, call: str) -> Any:
    code = (
        "import json\nfrom hfft_widgets.hub.viewer import Viewer\nfrom hfft_widgets.errors import HfftError\n"
        "from hfft_widgets.sources.rows import choices, open_rows\n"
        f"try:\n  s = open_rows({call}, viewer=Viewer(patience=0))\n"
        "  print(json.dumps([s.coverage, s.all_rows, s.reference, list(s.rows)]))\n"
        "except HfftError as error: print(json.dumps([type(error).__name__, str(error)]))"
    )
    environment = hub.environment(home=home)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_a_copy_the_dataset_is_downloaded(hub: StandInHub, tmp_path: Path) -> None:
    hub.fault("/parquet$", times=None, **not_ready())
    assert opened(hub, tmp_path, "'acme/talk'") == ["all rows", 250, REFERENCE, TALK]


@pytest.mark.full
def test_a_slice_is_downloaded(hub: StandInHub, tmp_path: Path) -> None:
    found = opened(hub, tmp_path, "'acme/talk', split='train[3:5]'")
    assert found == ["all rows", 2, {**REFERENCE, "split": "train[3:5]"}, TALK[3:5]]


def test_without_the_viewer_the_sample_is_streamed(hub: StandInHub, tmp_path: Path) -> None:
    hub.fault("/datasets-server/", times=None, status=503)
    found = opened(hub, tmp_path, "'acme/talk', sample=True")
    assert found == ["a sample: the first 100 rows", None, REFERENCE, TALK[:100]]


def test_when_neither_answers_both_are_told(hub: StandInHub, viewer: Viewer) -> None:
    hub.fault("/rows$|/first-rows$", times=None, status=500, body={"error": "broken"})
    with pytest.raises(DataError, match="The dataset viewer cannot show acme/talk"):
        open_rows("acme/talk", sample=True, viewer=viewer)  # the library of this process is offline


@pytest.mark.parametrize("sample", [True, pytest.param(False, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("acme/nope", "DatasetNotFoundError", "There is no dataset acme/nope"),
        ("other/shut", "DataError", "other/shut is gated"),
    ],
)
def test_names_nobody_shows(hub: StandInHub, tmp_path: Path, name: str, kind: str, words: str, sample: bool) -> None:
    found = opened(hub, tmp_path, f"{name!r}, sample={sample}")
    assert found[0] == kind
    assert found[1].startswith(words)


# ---- no network: an answer in seconds, and the right one ------------------------------------------


def without_network(home: Path, hub: StandInHub, call: str) -> tuple[str, float]:
    """What `hfft.<call>` says or returns where no server can be reached, and the seconds that took."""
    code = (
        "import time, datasets, hfft_widgets as hfft, hfft_widgets.api\nstarted = time.monotonic()\n"
        f"try: said = hfft.{call}\n"
        "except hfft.errors.HfftError as error: said = f'{type(error).__name__}: {error}'\n"
        "print(time.monotonic() - started)\nprint(said)"
    )
    nowhere = "http://127.0.0.1:9"
    environment = {**hub.environment(home=home), "HF_ENDPOINT": nowhere, "HFFT_DATASET_VIEWER": nowhere}
    environment |= {"HF_HUB_OFFLINE": "0", "HFFT_HOME": str(home / "hfft")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seconds, said = done.stdout.split("\n", 1)
    return said, float(seconds)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("validate('acme/nope')", "DataError: There is no file or folder acme/nope here, and the Hugging Face Hub"),
        ("validate('acme/nope', sample=True)", "There is no file or folder acme/nope here, and"),
        ("api.splits('acme/nope')", "There is no file or folder acme/nope here, and"),
        ("validate('./no/such/file.jsonl')", "DatasetNotFoundError: There is no file "),
        ("validate([{'text': 'a'}], model='acme/nope')", "There is no folder acme/nope here, and the Hugging Face Hub"),
    ],
)  # fmt: skip
def test_without_a_network_the_answer_comes_at_once(hub: StandInHub, tmp_path: Path, call: str, words: str) -> None:
    said, seconds = without_network(tmp_path, hub, call)
    assert words in said
    assert seconds < 5


def test_what_was_downloaded_can_be_checked_without_a_network(hub: StandInHub, tmp_path: Path) -> None:
    hub.fault("/parquet$", times=None, **not_ready())
    assert opened(hub, tmp_path, "'acme/talk'")[1] == 250
    said, seconds = without_network(tmp_path, hub, "validate('acme/talk', split='train').total")
    assert said.strip() == "250"
    assert seconds < 5
