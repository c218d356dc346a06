"""The same input through Python, MCP and the shell; who may come in over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets import cli
from hfft_widgets.agent import serve
from hfft_widgets.agent.mcp import make_server
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.verbs.table import VERBS, Verb, verb
from tests.agent.conftest import TOKEN, talk
from tests.verbs.conftest import finished

RUN = "tell('log', step=1, total_steps=1, metrics={'loss': 1.5})\nprint('a line')\ntell('end')"


def inputs(one: Verb, data: str, run: str) -> dict[str, Any]:
    """What each verb is given; a new verb needs a line here."""
    return {
        "validate": {"data": data, "model": "sample:model"},
        "prove": {"data": data, "model": "sample:model", "method": "DPO"},
        "rules": {"rule": "pair"},
        "preview": {"data": data, "model": "sample:model", "row": 1},
        "upload": {"data": data, "to": "user/pairs"},
        "plan": {"model": "sample:model", "data": data, "use_mapping": True, "settings": {"max_steps": 2}},
        "script": {"of": run},
        "launch": {"fingerprint": "f" * 16, "attempt": 1},
        "runs": {},
        "run": {"run_id": run},
        "wait": {"run_id": run, "seconds": 0.0},
        "control": {"run_id": run},
        "export": {"source": "sample:model", "quantization": "Q8_0"},
        "diagnose": {"run_id": run},
        "ledger": {},
        "doctor": {},
    }[one.name]


def words(command: str, one: Verb, given: dict[str, Any]) -> list[str]:
    """The same as a command line."""
    found = [command]
    for parameter in one.parameters:
        if parameter.name in given:
            value, flag = given[parameter.name], "--" + parameter.name.replace("_", "-")
            if parameter.name == "settings":
                found += [word for name, one in value.items() for word in ("--set", f"{name}={one}")]
            elif parameter.required or (command, parameter.name) in cli._LAST:
                found.append(str(value))
            else:
                found += [flag] if value is True else [flag, str(value)]
    return [*found, "--json"]


@pytest.mark.parametrize("one", VERBS, ids=lambda one: one.name)
def test_every_door_gives_the_same(one, sample_folders, pairs, capsys, request):
    run = finished(body=RUN)
    if one.name == "upload":
        request.getfixturevalue("hub")
    check_doors(one, inputs(one, pairs, run), capsys)


def test_a_sweep_comes_by_every_door(sample_folders, pairs, capsys):
    given = {"model": "sample:model", "data": pairs, "use_mapping": True, "settings": {"max_steps": 2}}
    check_doors(verb("plan"), {**given, "sweep": "learning_rate=1e-5,1e-4"}, capsys)


def check_doors(one, given, capsys):
    """The same values through Python, MCP of both eras, and each command."""
    python = one.call(**given).values
    if one.tool:
        server = make_server(Allowance(0.0))
        for era in ("auto", "legacy"):
            found = talk(lambda client: client.call_tool(one.tool, given), era=era, server=server)
            assert not found.is_error, found.content
            assert found.structured_content == python
    for command in one.commands:
        code = cli.main(words(command, one, given))
        if command in {"finish", "resume", "start-now"}:
            assert code == 2  # a run that is complete goes nowhere
            continue
        shown = json.loads(capsys.readouterr().out)
        acted = {"action"} if one.name == "control" else set()
        assert {name: shown[name] for name in python if name not in acted} == {
            name: value for name, value in python.items() if name not in acted
        }


# ---- who comes in, and under which limit -----------------------------------------------------


def test_without_the_token_and_from_elsewhere_nobody_comes_in(address):
    import httpx2

    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}

    def status(**headers: str) -> tuple[int, dict[str, str]]:
        answer = httpx2.post(address, json=body, headers={**accept, **headers})
        return answer.status_code, dict(answer.headers)

    right = {"Authorization": f"Bearer {TOKEN}"}
    code, headers = status()
    assert (code, headers["www-authenticate"]) == (401, 'Bearer realm="hfft"')
    for wrong in ("Bearer nope", f"bearer{TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer"):
        assert status(Authorization=wrong)[0] == 401
    assert status(**right, Host="evil.example")[0] == 421
    assert status(**right, Host=f"{serve.HOST}.evil.example:80")[0] == 421
    assert status(**right, Origin="https://evil.example")[0] == 403
    assert status(**right, Origin="null")[0] == 403
    assert status(**right, Origin=address.removesuffix("/mcp"))[0] not in {401, 403, 421}


def test_the_persons_limit_is_given_at_the_start(monkeypatch, capsys):
    assert serve.allowed(None, None, read_only=False) == Allowance(0.0)
    assert serve.allowed(2.0, 5.0, read_only=True) == Allowance(2.0, 5.0, read_only=True)
    monkeypatch.setenv("HFFT_MAX_USD", "3")
    assert serve.allowed(None, None, read_only=False) == Allowance(3.0)
    assert serve.allowed(0.0, None, read_only=False) == Allowance(0.0)
    assert serve.main(["--max-usd", "-1"]) == 2
    assert "number of dollars" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        serve.main(["--host", "0.0.0.0"])
