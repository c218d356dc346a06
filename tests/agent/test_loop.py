"""A scripted agent drives everything through the server as a process: from raw columns to a file that was checked."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from hfft_widgets import samples
from tests.hub_client.conftest import holding
from tests.standin_hub import WRITE_TOKEN, StandInHub

SHORT = {"max_steps": 4, "logging_steps": 1, "eval_steps": 2, "eval_rows": 8, "questions": 2, "batch_size": 4}


def drive(script: Any, environment: dict[str, str], *options: str) -> Any:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "hfft_widgets.agent.serve", *options], env=environment
    )

    async def session() -> Any:
        async with Client(command) as client:
            return await script(client)

    return anyio.run(session)


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    found = await client.call_tool(tool, arguments)
    assert not found.is_error, found.content[0].text
    assert WRITE_TOKEN not in found.model_dump_json()
    return found.structured_content


async def watched(client: Client, run: str) -> dict[str, Any]:
    seen = await done(client, "run", run_id=run)
    while not seen["complete"]:
        seen = await done(client, "wait", run_id=run, since=seen["cursor"], seconds=20)
    assert seen["stage"] == "COMPLETED", seen["log"]
    return seen


@pytest.mark.full
def test_on_this_machine(sample_folders, tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = list(samples.dataset("preference").select(range(200)))
    text = [
        (row["prompt"][-1]["content"], row["chosen"][-1]["content"], row["rejected"][-1]["content"]) for row in rows
    ]
    names = ("question", "good_response", "bad_response")
    path.write_text("\n".join(json.dumps(dict(zip(names, cells, strict=True))) for cells in text))

    async def agent(client: Client) -> None:
        report = await done(client, "validate", data=str(path), model="sample:model")
        assert (report["judged"], report["status"]) == ("DPO", "NEEDS MAPPING")
        row = await done(client, "preview", data=str(path), model="sample:model", method="DPO")
        assert {passage["name"] for passage in row["reading"]["passages"]} == {"chosen", "rejected"}
        plan = await done(
            client, "plan", model="sample:model", data=str(path), method="DPO", use_mapping=True, settings=SHORT
        )
        assert plan["ceiling_usd"] == 0
        assert "good_response" in (await done(client, "script", of=plan["fingerprint"]))["script"]
        run = (await done(client, "launch", fingerprint=plan["fingerprint"]))["run"]
        seen = await watched(client, run)
        assert seen["step"] == 4
        export = await done(client, "export", source=run, quantization="Q8_0")
        file = await watched(client, (await done(client, "launch", fingerprint=export["fingerprint"]))["run"])
        assert "rewards/margins" in seen["metrics"]
        assert list(Path(file["output"]).rglob("*.gguf"))
        assert file["verified"]["verified"]  # llama.cpp answers with it as the model does

    drive(agent, dict(os.environ))


@pytest.mark.full
@pytest.mark.timeout(600)
def test_on_the_stand_in_within_a_limit(tmp_path, sample_folders):
    from tests.standin_hub import demo

    async def agent(client: Client) -> None:
        call = {"model": "user/tiny-llama", "data": "user/python-docs-messages", "flavor": "cpu-basic"}
        plan = await done(client, "plan", **call, push_to="user/tuned", method="SFT", every_row=True, settings=SHORT)
        assert 0 < plan["ceiling_usd"] <= 0.5
        assert plan["obstacle"] == ""
        price = {"fingerprint": plan["fingerprint"], "ceiling_usd": plan["ceiling_usd"]}
        run = (await done(client, "launch", **price))["run"]
        assert (await done(client, "launch", **price))["run"] == run
        await watched(client, run)
        export = await done(client, "export", source=run, flavor="cpu-basic", push_to="user/tuned-GGUF")
        price = {"fingerprint": export["fingerprint"], "ceiling_usd": export["ceiling_usd"]}
        file = await watched(client, (await done(client, "launch", **price))["run"])
        assert file["verified"]["verified"]

    with StandInHub(tmp_path) as hub:
        hub.jobs.schedule_seconds = 0.05
        hub.add_model(samples.model(), "user/tiny-llama")
        demo._dataset(hub, "messages")
        home = tmp_path / "machine"
        drive(agent, hub.environment(home=home / "hf") | {"HFFT_HOME": str(home / "hfft")}, "--max-usd", "0.5")
        assert len(hub.jobs) == 2
        assert any(file.endswith(".gguf") for file in hub.repo("models", "user/tuned-GGUF").commits[-1].files)
        assert not hub.errors
    assert holding(tmp_path / "machine", (WRITE_TOKEN,)) == []
