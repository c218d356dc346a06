"""The dataset viewer's client against the stand-in Hub, and against what a broken server may say."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hfft_widgets.errors import DataError, DatasetNotFoundError, HubError
from hfft_widgets.hub.remote import BLOCK_BYTES, RemoteFile
from hfft_widgets.hub.viewer import Viewer
from hfft_widgets.sources.rows import open_rows
from tests.hub_viewer.conftest import TALK
from tests.standin_hub import WRITE_TOKEN, StandInHub, not_ready, partial, pending, rate_limited


def test_what_it_says(viewer: Viewer) -> None:
    assert viewer.splits("acme/talk").splits == {"default": ("train", "test")}
    page = viewer.rows("acme/talk", "default", "train", 40)
    assert list(page.rows) == TALK[40:140]
    assert page.numbers == tuple(range(40, 140))
    assert (page.total, page.partial, set(page.cut)) == (250, False, {frozenset()})
    assert page.features["n"] == {"dtype": "int64", "_type": "Value"}
    first = viewer.first_rows("acme/talk", "default", "train")
    assert (list(first.rows), first.total) == (TALK[:100], None)
    size = viewer.size("acme/talk", "default", "test")
    assert (size.rows, size.estimated_rows, size.partial) == (3, None, False)
    statistics = viewer.statistics("acme/talk", "default", "test")
    assert (statistics.rows, statistics.columns["n"]["max"], statistics.partial) == (3, 2, False)
    copy = viewer.parquet("acme/talk", "default", "train")
    assert (len(copy.files), copy.partial) == (1, False)
    for value in (page, size, statistics, copy):
        assert dataclasses.fields(value)
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.partial = True


def test_what_is_not_whole_is_told(hub: StandInHub, viewer: Viewer) -> None:
    hub.fault("/splits", **pending("acme/talk", "other"))
    assert viewer.splits("acme/talk").pending == ("other",)
    hub.fault("/(rows|size|statistics|parquet)$", times=4, **partial())
    where = ("acme/talk", "default", "train")
    assert all(ask(*where).partial for ask in (viewer.rows, viewer.size, viewer.statistics, viewer.parquet))
    hub.fault("/splits", merge={"failed": [{"dataset": "x", "config": "bad", "error": {"error": "no\nfile"}}]})
    assert viewer.splits("acme/talk").failed == {"bad": "no file."}
    hub.fault("/rows$", truncate_cells=10)
    page = viewer.rows("acme/talk", "default", "test")
    assert page.cut == (frozenset({"messages"}),) * 3


@pytest.mark.parametrize("trouble", [not_ready(), rate_limited(0), {"status": 503}, {"refused": True}, {"lost": True}])
def test_what_passes_is_waited_for(hub: StandInHub, viewer: Viewer, trouble: dict[str, Any]) -> None:
    fault = hub.fault("/splits", times=2, **trouble)
    assert viewer.splits("acme/talk").splits
    assert fault.hits == 2


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (not_ready(), "is not ready to show acme/talk. The server is busier than usual"),
        (rate_limited(30), "too many requests from here. Try again in 30 seconds"),
        ({"status": 503, "body": "<html>"}, "not ready to show"),
        ({"refused": True}, "could not be reached"),
        ({"status": 500, "body": {"error": "x" * 9999}}, "answered 500 to /splits"),
        ({"status": 200, "body": "<html>"}, "cannot be understood"),
        ({"status": 200, "body": {"splits": [3]}}, "cannot be understood"),
        ({"status": 200, "body": None}, "cannot be understood"),
    ],
)
def test_what_does_not_pass_is_told(hub: StandInHub, trouble: dict[str, Any], words: str) -> None:
    hub.fault("/splits", times=None, **trouble)
    with pytest.raises(HubError, match=words) as caught:
        Viewer(patience=0.6).splits("acme/talk")
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


def test_patience_has_an_end(hub: StandInHub) -> None:
    hub.fault("/splits", times=None, **not_ready())
    started = time.monotonic()
    with pytest.raises(HubError):
        Viewer(patience=1).splits("acme/talk")
    assert 0.4 < time.monotonic() - started < 15
    hub.clear_faults()
    fault = hub.fault("/splits", times=None, **rate_limited(3600))
    with pytest.raises(HubError, match="in 3600 seconds"):
        Viewer(patience=1).splits("acme/talk")
    assert fault.hits == 1, "who is asked to wait for an hour does not ask again at once"


def test_names_it_does_not_show(hub: StandInHub, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("acme/nope", "other/shut"):
        with pytest.raises(DatasetNotFoundError, match=f"{name}.*private or gated.*accept its conditions at https"):
            viewer.splits(name)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(DatasetNotFoundError, match="sign in"):
        Viewer(patience=0).splits("other/shut")
    with pytest.raises(DataError, match="no split 'nope' in 'default'"):
        viewer.rows("acme/talk", "default", "nope")
    hub.fault("/splits", status=501, headers={"X-Error-Code": "DatasetInBlockListError"}, body={"error": "blocked"})
    with pytest.raises(HubError, match=r"cannot show acme/talk.*blocked"):
        viewer.splits("acme/talk")


def test_offline_nothing_is_asked(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=r"offline mode. Unset HF_HUB_OFFLINE"):
        Viewer().splits("acme/talk")
    assert open_rows(TALK, viewer=Viewer()).total == len(TALK)
    assert not hub.journal


def test_a_proxy_is_used_or_refused(
    hub: StandInHub, elsewhere: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, told = elsewhere
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("HFFT_DATASET_VIEWER", "http://viewer.invalid")
    with pytest.raises(HubError, match="answered 206 to /splits"):
        Viewer(patience=0).splits("acme/talk")
    assert len(told) == 1
    monkeypatch.setenv("HTTP_PROXY", "nonsense://")
    with pytest.raises(HubError, match="proxy settings"):
        Viewer().splits("acme/talk")


def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch, hub: StandInHub) -> None:
    monkeypatch.setenv("HFFT_DATASET_VIEWER", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"http://127.0.0.1:9/splits could not be reached. ConnectError"):
        Viewer(patience=0).splits("acme/talk")


# ---- the token -------------------------------------------------------------------------------


class _Elsewhere(BaseHTTPRequestHandler):
    """Another host: it keeps what it was told, and gives three bytes."""

    told: list[str | None]

    def do_GET(self) -> None:
        self.told.append(self.headers.get("Authorization"))
        self.send_response(206)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"abc")

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str | None]]]:
    _Elsewhere.told = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", _Elsewhere.told
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_the_hub_sees_the_token(hub: StandInHub, viewer: Viewer, elsewhere: tuple[str, list[str | None]]) -> None:
    url, told = elsewhere
    assert viewer.open(f"{url}/file", 3).read(0, 3) == b"abc"
    hub.fault("/moved", status=302, headers={"Location": f"{url}/file"})
    assert viewer.open(f"{hub.endpoint}/moved", 3).read(0, 3) == b"abc"
    assert told == [None, None]
    assert [entry.has_token for entry in hub.journal if entry.path == "/moved"] == [True]


def test_the_token_is_nowhere(hub: StandInHub, viewer: Viewer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    hub.fault("/splits", times=None, status=500, body={"error": "no"})
    with pytest.raises(HubError) as caught:
        viewer.splits("acme/talk")
    shown = f"{viewer!r} {vars(viewer)} {vars(viewer._http)} {caught.value!r} {caught.getrepr(showlocals=True)}"
    assert hub.journal[-1].has_token
    assert WRITE_TOKEN not in shown + caplog.text


def test_a_folder_that_cannot_be_written(viewer: Viewer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "file"))
    with pytest.raises(HubError, match="Set HFFT_HOME"):
        viewer.open("http://127.0.0.1:9/file", 3)


# ---- files -----------------------------------------------------------------------------------


def test_a_file_is_fetched_once_and_only_where_it_is_read(tmp_path: Any) -> None:
    content = bytes(range(256)) * (4 * BLOCK_BYTES // 256) + b"end"
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return content[start:stop]

    file = RemoteFile(fetch, len(content), tmp_path)
    with file.open() as reader:
        reader.seek(-3, 2)
        assert reader.read() == b"end"
        reader.seek(BLOCK_BYTES - 1)
        assert reader.read(3) == content[BLOCK_BYTES - 1 : BLOCK_BYTES + 2]
        assert reader.tell() == BLOCK_BYTES + 2
    assert asked == [(4 * BLOCK_BYTES, len(content)), (0, 2 * BLOCK_BYTES)]
    with file.open() as reader:
        assert reader.read(len(content)) == content
    assert asked[2:] == [(2 * BLOCK_BYTES, 4 * BLOCK_BYTES)]
    assert list(tmp_path.iterdir()) == [], "its temporary file has no name"


@pytest.mark.parametrize("cut", [{"status": 404}, {"status": 200, "body": "short"}, {"refused": True, "times": None}])
def test_bytes_that_do_not_come(hub: StandInHub, viewer: Viewer, cut: dict[str, Any]) -> None:
    ((url, size),) = viewer.parquet("acme/talk", "default", "test").files
    hub.fault("/resolve/", **cut)
    with pytest.raises(HubError, match=r"0000.parquet could not be"):
        viewer.open(url, size).read(0, size)
    hub.clear_faults()
    assert viewer.open(url, size).read(0, 4) == b"PAR1"
