"""Jupyter AI's agents have the verbs: found by the entry point, without a version of `mcp` of ours."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from hfft_widgets import errors
from hfft_widgets.agent import jupyter
from hfft_widgets.verbs.table import VERBS
from tests.browser.harness import host_python
from tests.verbs.conftest import finished, kept, kept_for_till

ROOT = Path(__file__).parents[2]
AI_PYTHON = host_python("jupyter_server_mcp")


def tool(name: str):
    return getattr(jupyter, f"hfft_{name}")


def test_the_entry_point_names_functions_that_are_there():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    module, _, name = points["jupyter_server_mcp.tools"]["hfft"].partition(":")
    named = getattr(import_module(module), name)()
    assert len(named) == len([one for one in VERBS if one.jupyter]) == 12
    for place in named:
        module, _, name = place.partition(":")
        function = getattr(import_module(module), name)
        assert function.__name__ == name
        assert function.__doc__
        for parameter in inspect.signature(function).parameters.values():
            assert parameter.annotation.__metadata__[0].description


def test_no_version_of_mcp_is_imported():
    code = "import sys, hfft_widgets.agent.jupyter; print([n for n in ('mcp', 'fastmcp') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_run_is_started_and_seen(home):
    run = finished()
    seen = tool("run")(run_id=run)
    assert seen.stage == "COMPLETED"
    assert "COMPLETED" in seen.text
    again = tool("launch")(fingerprint="f" * 16)
    assert (again.run, again.started) == (run, False)


def test_nothing_that_costs_is_started_here(till, monkeypatch):
    monkeypatch.setenv("HFFT_MAX_USD", "99")  # of other doors
    with pytest.raises(errors.HfftError, match="nobody allowed that"):
        tool("launch")(fingerprint=kept_for_till(till, 0.4, "a" * 16), ceiling_usd=0.4)
    assert till.bills == {}
    monkeypatch.setenv("HFFT_READ_ONLY", "1")
    with pytest.raises(errors.HfftError, match="for reading only"):
        tool("launch")(fingerprint=kept("b" * 16))


@pytest.mark.full
@pytest.mark.skipif(
    not AI_PYTHON, reason="jupyter-server-mcp is not installed here, nor for the Python in HFFT_HOSTS_PYTHON"
)
def test_jupyters_own_server_lists_and_calls_them(home, tmp_path):
    """The real server of Jupyter AI, with this package installed beside it: what it starts is in the list of runs."""
    import socket
    import time

    import anyio
    from mcp import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    info = tmp_path / "site" / "hfft_widgets-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hfft-widgets\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[jupyter_server_mcp.tools]\nhfft = hfft_widgets.agent.jupyter:tools\n")
    path = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    command = [AI_PYTHON, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0",
               "--ServerApp.jpserver_extensions={'jupyter_server_mcp': True}", f"--MCPExtensionApp.mcp_port={port}",
               f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    server = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.PIPE, text=True)

    run = finished()

    async def look() -> tuple[list[str], dict, dict]:
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            names = [one.name for one in (await client.list_tools()).tools]
            found = await client.call_tool("hfft_diagnose", {"log": "CUDA out of memory", "exit_code": 1})
            runs = await client.call_tool("hfft_runs", {})
            return names, found.structured_content, runs.structured_content

    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        names, found, runs = anyio.run(look)
    finally:
        server.terminate()
        server.communicate(timeout=20)
    assert {name.partition(":")[2] for name in jupyter.tools()} <= set(names)
    assert "text" in json.loads(json.dumps(found))
    assert [one["id"] for one in runs["runs"]] == [run]
