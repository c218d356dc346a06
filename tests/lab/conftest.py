"""A real Jupyter server with the package's part in it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.browser.harness import LabServer
from tests.jobs.conftest import home, hub, local, start

__all__ = ["home", "hub", "local", "start"]


class Answer(NamedTuple):
    """What the server said."""

    status: int
    values: Any


class JupyterServer(LabServer):
    """Jupyter's server alone, without any page."""

    module = "jupyter_server"
    trait = "ServerApp"

    def _command(self) -> list[str]:
        return [part for part in super()._command() if "expose_app_in_browser" not in part]

    def _quieten(self) -> None:
        pass

    def ask(self, method: str, path: str = "", *, signed_in: bool = True, room: str = "runs") -> Answer:
        """Call a route below hfft/runs, or another room of ours."""
        headers = {"Authorization": f"token {self.token}"} if signed_in else {}
        request = urllib.request.Request(f"{self.url}/hfft/{room}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, json.loads(response.read() or "null"))
        except urllib.error.HTTPError as error:
            said = error.read() if "json" in (error.headers["Content-Type"] or "") else b""
            return Answer(error.code, json.loads(said or "null"))

    def runs(self, shown: str = "local") -> list[dict[str, Any]]:
        """The runs as the panel gets them."""
        return self.ask("GET", f"?shown={shown}").values["runs"]


def path_of(run_id: str) -> str:
    """The part of an address that names a run, as a page writes it."""
    return "/" + quote(run_id, safe="")


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server, which lives as long as the session, looks for runs."""
    return tmp_path_factory.mktemp("server") / "home"


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory, server_home: Path) -> Iterator[JupyterServer]:
    env = {"HFFT_HOME": str(server_home), "HF_HUB_OFFLINE": "1"}
    with JupyterServer(tmp_path_factory.mktemp("served"), env=env) as server:
        yield server


@pytest.fixture
def server(
    running_server: JupyterServer, server_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JupyterServer]:
    """A server that sees this test's runs, and no other's."""
    home.mkdir(exist_ok=True)
    server_home.symlink_to(home, target_is_directory=True)
    yield running_server
    server_home.unlink()
