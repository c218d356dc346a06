"""Seven disasters that people reported in public, replayed by scripted agents: each is stopped, or harmless.

What happened is as the reports say (anthropics/claude-code, April 2026: #42329, #44405, #44532, #44993, #45005,
#45210, #46965): money spent on invented estimates, parallel and repeated jobs, jobs that nobody watched, crashes
called success.
The Hub is the stand-in; jobs really run there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import anyio
import pytest

from hfft_widgets import verbs
from hfft_widgets.jobs import index
from hfft_widgets.jobs.money import Allowance, ledger
from tests.agent.conftest import ERAS, Person, said, talk
from tests.standin_hub import WRITE_TOKEN
from tests.verbs.conftest import kept

LIMIT = 1.0
CENTS = 0.4  # what an hour of t4-small can cost at most


@pytest.fixture
def hub(hub, tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text('{"model_type": "llama"}')
    hub.add_model(tmp_path / "tiny", "user/tiny")
    monkeypatch.setitem(index.HOSTS, "jobs", "tests.jobs.far:backend")  # which looks more often
    index.backend.cache_clear()
    return hub


def plan(name: str, body: str = "tell('end')", seconds: float = 3600.0) -> dict:
    """A plan for a rented GPU, as planning keeps it, and how it is launched."""
    fingerprint = kept(name * 16, body=body, flavor="t4-small", timeout_seconds=seconds)
    return {"fingerprint": fingerprint, "ceiling_usd": 0.4}


def billed(hub) -> float:
    """The most that all jobs which were started can cost."""
    return CENTS * len(hub.jobs)


async def ended(client, run: str) -> dict:
    for _ in range(20):
        found = (await client.call_tool("wait", {"run_id": run, "seconds": 5})).structured_content
        if found["complete"]:
            return found
    raise AssertionError(found)


@pytest.mark.parametrize("era", ERAS)
def test_an_invented_price(hub, era):
    """#45005: an estimate that no code made, then $38.73 of $30: another price than the plan's starts nothing."""

    async def agent(client):
        return [await client.call_tool("launch", plan("a") | {"ceiling_usd": usd}) for usd in (0, 0.05, 0.39, 12)]

    results = talk(agent, Allowance(LIMIT), era=era)
    assert all((one.is_error and "at most" in said(one)) or "can cost up to $0.40" in said(one) for one in results)
    assert len(hub.jobs) == 0


def test_parallel_jobs(hub):
    """#45005: jobs in parallel, each within the limit, together far over it."""

    async def agent(client):
        results = []

        async def one(name: str) -> None:
            results.append(await client.call_tool("launch", plan(name, "time.sleep(600)")))

        async with anyio.create_task_group() as group:
            for name in "abcdef":
                group.start_soon(one, name)
        return results

    results = talk(agent, Allowance(LIMIT))
    assert sum(not one.is_error for one in results) == 2
    assert billed(hub) <= LIMIT
    assert ledger.counted_usd(0) <= LIMIT


def test_the_same_job_three_times(hub):
    """#42329: what seemed lost was launched again, three times: the same plan is the same run."""

    async def agent(client):
        return [await client.call_tool("launch", plan("a", "time.sleep(600)")) for _ in range(3)]

    results = talk(agent, Allowance(9.0))
    assert len({one.structured_content["run"] for one in results}) == 1
    assert len(hub.jobs) == 1


def test_settings_of_the_agents_own_making(hub, sample_folders, pairs):
    """#42329: `timeout` where the Hub wants `timeoutSeconds`, and seven settings at once: unknown ones are refused, and
    a job carries the time limit of its plan."""

    async def agent(client):
        settings = {"timeout": 7200, "lr": 1e-3, "warmup": 3}
        call = {"model": "sample:model", "data": pairs, "use_mapping": True, "settings": settings}
        refused = await client.call_tool("plan", call)
        return refused, await client.call_tool("launch", plan("a", seconds=1234) | {"ceiling_usd": 0.14})

    refused, launched = talk(agent, Allowance(9.0))
    assert refused.is_error
    assert "Unknown setting lr, timeout." in said(refused)
    assert launched.structured_content["started"]
    (job,) = hub.jobs
    assert job.spec["timeoutSeconds"] == 1260  # of whole minutes, which its price counts


def test_fail_and_launch_again(hub):
    """#44993, #45210: out of memory, launched again and again. What failed counts, and the limit ends it."""
    body = "time.sleep(1.2)\nprint('torch.cuda.OutOfMemoryError: CUDA out of memory.')\nsys.exit(1)"

    async def agent(client):
        texts, attempt = [], 1
        while True:
            launched = await client.call_tool("launch", plan("a", body) | {"attempt": attempt})
            texts.append(said(launched))
            if launched.is_error or attempt == 9:
                return attempt, texts
            seen = await client.call_tool("launch", plan("a", body) | {"attempt": attempt})
            assert not seen.structured_content["started"]
            attempt += 1
            assert (await ended(client, seen.structured_content["run"]))["stage"] == "ERROR"

    attempts, texts = talk(agent, Allowance(CENTS))
    costs = sum(entry.counted_usd for entry in ledger.entries())
    assert costs <= CENTS
    assert attempts == 2  # what the first one cost, however little, leaves no room for a whole second one
    assert "nobody allowed that" in texts[-1]
    assert len(hub.jobs) == 1


def test_what_crashed_is_not_called_success(hub):
    """#44532: "verified" said of what had crashed: a failed run says so everywhere, and cannot be exported."""

    async def agent(client):
        launched = await client.call_tool("launch", plan("a", "raise RuntimeError('lost')"))
        run = launched.structured_content["run"]
        await ended(client, run)
        look = await client.call_tool("run", {"run_id": run})
        return look, await client.call_tool("export", {"source": run})

    look, exported = talk(agent, Allowance(LIMIT))
    assert look.structured_content["stage"] == "ERROR"
    assert "It failed." in said(look)
    assert look.structured_content["diagnosis"]["cause"]
    assert exported.is_error


def test_a_result_that_would_be_lost(hub, sample_folders):
    """#44532: storage lost with the job: a job without a repository for its result is not started."""

    async def agent(client):
        made = await client.call_tool(
            "plan", {"model": "sample:model", "data": "sample:messages", "flavor": "t4-small"}
        )
        values = made.structured_content
        call = {"fingerprint": values["fingerprint"], "ceiling_usd": values["ceiling_usd"]}
        return made, await client.call_tool("launch", call)

    made, launched = talk(agent, Allowance(99.0), person=Person(True))
    assert made.structured_content["obstacle"]
    assert launched.is_error
    assert len(hub.jobs) == 0


@pytest.mark.ci
def test_nobody_watches(hub, monkeypatch):
    """#44405: the monitor died, and the bill went on: a run ends by itself, and any other process sees and ends it."""
    started = talk(lambda client: client.call_tool("launch", plan("a", "time.sleep(600)")), Allowance(LIMIT))
    run = started.structured_content["run"]
    index.backend("jobs").close()
    index.backend.cache_clear()  # the server that launched it is gone
    look = f"from hfft_widgets import verbs; print(verbs.control({run!r}).values['stage'])"
    environment = hub.environment() | {"HFFT_HOME": os.environ["HFFT_HOME"]}
    done = subprocess.run([sys.executable, "-c", look], env=environment, text=True, capture_output=True, timeout=60)
    assert done.stdout.strip() == "CANCELED", done.stderr
    (job,) = hub.jobs
    assert job.spec["timeoutSeconds"] == 3600


def test_ended_is_not_learned(hub):
    """#46965: worse than the base, and nobody measured: no word of success, but what was measured before and after."""
    body = (
        "tell('log', step=0, metrics={'eval_loss': 1.0})\ntell('log', step=9, metrics={'eval_loss': 2.0})\n"
        "tell('answers', before={'right': 5, 'of': 9}, after={'right': 2, 'of': 9})\ntell('end')"
    )

    async def agent(client):
        launched = await client.call_tool("launch", plan("a", body))
        run = launched.structured_content["run"]
        await ended(client, run)
        return await client.call_tool("run", {"run_id": run})

    found = talk(agent, Allowance(LIMIT))
    assert found.structured_content["metrics"]["eval_loss"] == [1.0, 2.0]
    assert found.structured_content["answers"]["after"]["right"] == 2
    assert "do not say that it did" in said(found)
    for word in ("success", "improved", "verified"):
        assert word not in said(found).lower()


def test_no_token_in_any_message(hub):
    token = "hf_" + "x" * 34

    async def agent(client):
        launched = await client.call_tool("launch", plan("a", f"print('token', {token!r})\ntell('end')"))
        run = launched.structured_content["run"]
        await ended(client, run)
        return [launched, await client.call_tool("run", {"run_id": run}), await client.call_tool("runs", {})]

    results = talk(agent, Allowance(LIMIT))
    assert any("[hidden]" in said(one) for one in results)
    assert all(secret not in one.model_dump_json() for one in results for secret in (WRITE_TOKEN, token))


@pytest.mark.ci
def test_several_servers_share_the_limit_and_the_runs(hub):
    """Each agent has a server of its own: of one plan there is one job, and together they stay within the limit."""
    names = "abcd"
    for name in names:
        plan(name, "time.sleep(600)")
    environment = hub.environment() | {"HFFT_HOME": os.environ["HFFT_HOME"], "HFFT_MAX_USD": str(LIMIT)}
    code = (
        "import sys; from hfft_widgets import verbs; from hfft_widgets.errors import LaunchError\n"
        "sys.stdin.readline()\n"
        "for name in ('a', sys.argv[1]):\n"
        "    try: print(verbs.launch(name * 16, 0.4).values['run'])\n"
        "    except LaunchError as error: print('refused', error)\n"
    )
    servers = [
        subprocess.Popen([sys.executable, "-c", code, name], env=environment, text=True, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
        for name in names
    ]  # fmt: skip
    answers = [server.communicate("go\n", timeout=120)[0].splitlines() for server in servers]
    assert len({first for first, _ in answers}) == 1
    assert len(hub.jobs) == 2
    refused = [one for _, one in answers if "nobody allowed that" in one]
    assert len(refused) == 2
    assert billed(hub) <= LIMIT


def test_the_ledger_tells_it_all(hub):
    person = Person(False)
    talk(lambda client: client.call_tool("launch", plan("a")), Allowance(0.0), person=person)
    talk(lambda client: client.call_tool("launch", plan("b")), Allowance(0.0))
    talk(lambda client: client.call_tool("launch", plan("c", "time.sleep(600)")), Allowance(LIMIT))
    found = verbs.ledger()
    assert [entry["state"] for entry in found.values["entries"]] == ["started", "refused", "refused"]
    assert "said no" in found.text
    assert "nobody allowed that" in found.text
    assert found.values["counted_usd_24_hours"] == CENTS
    assert time.time() - found.values["entries"][0]["time"] < 60
