"""The server as clients see it, in both eras of the protocol."""

from __future__ import annotations

import json
from urllib.parse import quote

import anyio
import jsonschema
import pytest

from hfft_widgets import __version__, verbs
from hfft_widgets.agent.schemas import RESULTS
from hfft_widgets.jobs.money import Allowance, ledger
from hfft_widgets.verbs.table import VERBS
from tests.agent.conftest import ERAS, Person, said, talk
from tests.verbs.conftest import finished, kept, kept_for_till


@pytest.fixture(params=ERAS)
def era(request) -> str:
    return request.param


def test_what_the_tools_say_of_themselves(era):
    async def look(client):
        return client.protocol_version, client.server_info, (await client.list_tools()).tools, client.instructions

    version, server, tools, instructions = talk(look, era=era)
    assert version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[era]
    assert (server.name, server.version) == ("hfft", __version__)
    assert "never an instruction" in instructions
    assert [tool.name for tool in tools] == [one.tool for one in VERBS if one.tool]
    hints = {tool.name: tool.annotations for tool in tools}
    assert [name for name, hint in hints.items() if not hint.read_only_hint] == ["launch", "control"]
    assert [name for name, hint in hints.items() if hint.destructive_hint] == ["control"]
    for tool in tools:
        assert tool.output_schema["required"]
        assert "allowance" not in json.dumps(tool.input_schema)  # nobody who calls can give it
        assert "agreed" not in json.dumps(tool.input_schema)
        for name, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), (tool.name, name)


def test_results_keep_their_schemas(era, sample_folders, pairs):
    async def work(client):
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        found = {}
        for name, arguments in {
            "validate": {"data": pairs, "model": "sample:model"},
            "preview": {"data": pairs, "model": "sample:model"},
            "plan": {"data": pairs, "model": "sample:model", "use_mapping": True},
            "runs": {},
            "diagnose": {"log": "CUDA out of memory", "exit_code": 1},
        }.items():
            found[name] = await client.call_tool(name, arguments)
            jsonschema.validate(found[name].structured_content, schemas[name])
        return found

    found = talk(work, era=era)
    assert not any(result.is_error for result in found.values())
    assert found["validate"].structured_content["status"] == "NEEDS MAPPING"
    assert "DPO: NEEDS MAPPING" in said(found["validate"])  # each is sufficient alone
    assert found["plan"].structured_content["fingerprint"] in said(found["plan"])


def test_an_error_can_be_read_and_mended(era, sample_folders, pairs):
    async def work(client):
        return [
            await client.call_tool("plan", {"data": pairs, "model": "sample:model"}),
            await client.call_tool("run", {"run_id": "local:nothing"}),
            await client.call_tool("plan", {"data": pairs}),
        ]

    mapping, unknown, missing = talk(work, era=era)
    assert mapping.is_error
    for part in ("What:", "Why:", "Remedy:", "use_mapping=true", "no instructions"):
        assert part in said(mapping)
    assert unknown.is_error
    assert missing.is_error
    assert "model" in said(missing)


def test_a_run_id_comes_at_once_and_again(era, home):
    async def work(client):
        fingerprint = kept("a" * 16, body="time.sleep(600)")
        with anyio.fail_after(20):
            first = await client.call_tool("launch", {"fingerprint": fingerprint})
        results = []

        async def again():
            results.append(await client.call_tool("launch", {"fingerprint": fingerprint}))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(again)
        run = first.structured_content["run"]
        ended = await client.call_tool("control", {"run_id": run, "action": "cancel"})
        return first, results, ended

    first, results, ended = talk(work, era=era)
    assert first.structured_content["started"]
    assert {one.structured_content["run"] for one in results} == {first.structured_content["run"]}
    assert not any(one.structured_content["started"] for one in results)
    assert ended.structured_content["stage"] == "CANCELED"


def test_progress_grows(era, home):
    body = "for n in range(1, 9):\n    tell('log', step=n, total_steps=8, metrics={'loss': 1})\n    time.sleep(0.4)\n"
    seen: list[tuple[float, float | None]] = []

    async def note(done, total, message):
        seen.append((done, total))

    async def work(client):
        run = verbs.launch(kept("a" * 16, body=body)).values["run"]
        since = "COMPLETED:8"
        return await client.call_tool(
            "wait",
            {"run_id": run, "since": (await _cursor(client, run)) or since, "seconds": 5},
            progress_callback=note,
        )

    async def _cursor(client, run):
        return (await client.call_tool("run", {"run_id": run})).structured_content["cursor"]

    found = talk(work, era=era)
    assert found.structured_content["changed"]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_validation_tells_its_progress(era, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"why {n}?", "completion": f"so {n}"}) for n in range(20_000)))
    seen: list[float] = []

    async def note(done, total, message):
        seen.append(done)

    talk(lambda client: client.call_tool("validate", {"data": str(path)}, progress_callback=note), era=era)
    assert seen
    assert seen == sorted(set(seen))


def test_what_can_be_read(era, home):
    line = "tell('log', step=1, total_steps=2, metrics={'loss': 1.5})\ntell('log', step=2, metrics={'loss': 0.5})\n"
    run = finished(body=line + "print('a line \\u202e')\ntell('end')")

    async def work(client):
        read = {}
        for name in ("", "/log", "/curve.json", "/curve.csv", "/curve.svg"):
            read[name] = (await client.read_resource(f"hfft://runs/{quote(run, safe='')}{name}")).contents[0].text
        read["script"] = (await client.read_resource(f"hfft://plans/{'f' * 16}/script.py")).contents[0].text
        read["plan"] = (await client.read_resource(f"hfft://plans/{'f' * 16}")).contents[0].text
        read["runs"] = (await client.read_resource("hfft://runs")).contents[0].text
        for missing in ("hfft://plans/0000000000000000", "hfft://runs/local%3Anothing", "hfft://plans/..%2F..%2Fx"):
            with pytest.raises(Exception, match=r"plan|run|failed|resource"):
                await client.read_resource(missing)
        return read

    read = talk(work, era=era)
    assert json.loads(read[""])["id"] == run
    assert "a line \ufffd" in read["/log"]
    assert json.loads(read["/curve.json"])["loss"] == [[1, 1.5], [2, 0.5]]
    assert read["/curve.csv"].splitlines()[1] == "loss,1,1.5"
    assert read["/curve.svg"].startswith("<svg xmlns=")
    assert "def tell(" in read["script"]
    assert json.loads(read["plan"])["model"] == "user/tiny"
    assert json.loads(read["runs"])["runs"][0]["id"] == run


def test_a_report_can_be_read(sample_folders, pairs):
    async def work(client):
        found = await client.call_tool("validate", {"data": pairs})
        name = found.structured_content["report"]
        return (await client.read_resource(f"hfft://reports/{name}")).contents[0].text

    assert "DPO" in talk(work)


# ---- the person's yes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "person", "started", "asked"),
    [
        (1.0, None, True, 0),
        (1.0, Person(False), True, 0),
        (0.0, Person(True), True, 1),
        (0.0, Person(False), False, 1),
        (0.0, Person(None), False, 1),
        (0.0, None, None, 0),
    ],
    ids=["limit covers", "covered: not asked", "yes", "no", "closed", "cannot ask"],
)
def test_the_table_of_money(era, till, limit, person, started, asked):
    person = Person(*person.answers) if person else None
    fingerprint = kept_for_till(till, 0.4, "a" * 16)
    call = {"fingerprint": fingerprint, "ceiling_usd": 0.4}
    found = talk(lambda client: client.call_tool("launch", call), Allowance(limit), person=person, era=era)
    if started is None:
        assert found.is_error
        assert "--max-usd 0.40" in said(found)
    else:
        assert not found.is_error
        assert found.structured_content["started"] is started
        assert found.structured_content["answer"] == ("started" if started else "declined")
    assert len(till.bills) == bool(started)
    assert len(person.asked if person else []) == asked
    if asked:
        assert "can cost up to $0.40?" in person.asked[0]
        assert fingerprint in person.asked[0]
    states = [entry.state for entry in ledger.entries()]
    assert states == ["started" if started else "refused"]


def test_a_yes_counts_once_and_for_this_only(era, till):
    """The same again is the same run; another plan, or the next attempt, is asked for again."""
    person = Person(True, False, False)

    async def work(client):
        one, other = kept_for_till(till, 0.4, "a" * 16), kept_for_till(till, 0.4, "b" * 16)
        first = await client.call_tool("launch", {"fingerprint": one, "ceiling_usd": 0.4})
        till.bills["job0"].stage = type(till.bills["job0"].stage)("ERROR")
        await client.call_tool("launch", {"fingerprint": other, "ceiling_usd": 0.4})
        await client.call_tool("launch", {"fingerprint": one, "ceiling_usd": 0.4, "attempt": 2})
        return first

    first = talk(work, person=person, era=era)
    assert first.structured_content["started"]
    assert len(person.asked) == 3
    assert len(till.bills) == 1


def test_asked_again_for_what_was_started_it_asks_nobody(era, till):
    person = Person(True)

    async def work(client):
        call = {"fingerprint": kept_for_till(till, 0.4, "a" * 16), "ceiling_usd": 0.4}
        return [await client.call_tool("launch", call) for _ in range(3)]

    first, *more = talk(work, person=person, era=era)
    assert len(person.asked) == 1
    assert {one.structured_content["run"] for one in more} == {first.structured_content["run"]}


def test_read_only(era, till):
    run = verbs.launch(kept_for_till(till, 0.4, "a" * 16), 0.4, allowance=Allowance(1.0)).values["run"]

    async def work(client):
        return [
            await client.call_tool("launch", {"fingerprint": kept_for_till(till, 0.2, "b" * 16), "ceiling_usd": 0.2}),
            await client.call_tool("launch", {"fingerprint": kept("c" * 16)}),
            await client.call_tool("control", {"run_id": run, "action": "cancel"}),
            await client.call_tool("run", {"run_id": run}),
        ]

    *changes, look = talk(work, Allowance(9.0, read_only=True), person=Person(True, True), era=era)
    assert all(one.is_error and "for reading only" in said(one) for one in changes)
    assert look.structured_content["stage"] == "RUNNING"
    assert len(till.bills) == 1


def test_every_tool_has_a_schema_of_its_result():
    assert set(RESULTS) == {one.tool for one in VERBS if one.tool}
