"""Agents that do anything, in any order, at once: never a dollar over what the person allowed."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp_types import ElicitResult

from hfft_widgets.agent.mcp import make_server
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs import index
from hfft_widgets.jobs.money import Allowance
from tests.agent.conftest import SHOWS_CARDS
from tests.jobs.till import Till, registered
from tests.verbs.conftest import kept

TOKEN = "hf_" + "x" * 34
PRICES = (0.1, 0.4, 0.75, 2.0)
LIMITS = (0.0, 0.4, 1.0, 2.5)
_WORDS = re.compile(r"up to \$([\d.]+)\?.*\(plan (\w+), attempt (\d+)\)")
ENDS = (Stage.COMPLETED, Stage.ERROR, Stage.CANCELED)


@cache
def started_with(allowance: Allowance) -> MCPServer:
    """The server as a person started it; it remembers nothing between two walks."""
    return make_server(allowance)


class Walk:
    """One agent's random calls against one server; what the person said is kept here, apart from the package."""

    def __init__(self, seed: int, till: Till) -> None:
        self.dice = random.Random(seed)
        self.till = till
        self.limit = self.dice.choice(LIMITS)
        self.day = self.dice.choice((None, None, 0.5, 3.0))
        self.read_only = self.dice.random() < 0.1
        self.can_ask = self.dice.random() < 0.5
        self.shows_cards = self.dice.random() < 0.5
        self.yes: list[tuple[str, int, float]] = []
        self.texts: list[str] = []
        self.plans = [self._plan(number) for number in range(4)]

    def _plan(self, number: int) -> tuple[str, float]:
        usd = self.dice.choice(PRICES)
        name = kept(f"{number:016x}", flavor=f"till:{usd:.2f}", title=f"SFT of {TOKEN}")
        return name, usd

    async def answer(self, context: Any, params: Any) -> ElicitResult:
        """The person: yes to what the words say, no, or nothing."""
        self.texts.append(params.message)
        kind = self.dice.choice(("yes", "yes", "no", "decline", "cancel"))
        if kind in {"decline", "cancel"}:
            return ElicitResult(action=kind)
        if kind == "yes":
            (said,) = _WORDS.findall(params.message)
            self.yes.append((said[1], int(said[2]), float(said[0])))
        return ElicitResult(action="accept", content={"start": kind == "yes"})

    async def go(self, steps: int) -> None:
        server = started_with(Allowance(self.limit, self.day, self.read_only))
        more = {"elicitation_callback": self.answer} if self.can_ask else {}
        more |= {"extensions": SHOWS_CARDS} if self.shows_cards else {}
        async with Client(server, mode=self.dice.choice(("auto", "legacy")), **more) as client:
            for _ in range(steps):
                await self.dice.choice((self.launch, self.launch, self.burst, self.end, self.look))(client)

    async def launch(self, client: Client) -> None:
        name, usd = self.dice.choice(self.plans)
        said = self.dice.choice((usd, usd, usd, 0.0, usd * 2, -usd, 1e9))
        attempt = self.dice.choice((1, 1, 1, 2, 3, 0))
        await self.call(client, "launch", {"fingerprint": name, "ceiling_usd": said, "attempt": attempt})

    async def burst(self, client: Client) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(self.dice.randint(2, 4)):
                group.start_soon(self.launch, client)

    async def end(self, client: Client) -> None:
        live = [name for name, bill in self.till.bills.items() if not bill.stage.final]
        if live:
            self.till.end(self.dice.choice(live), self.dice.choice(ENDS), self.dice.choice((0.0, 0.3, 1.0)))

    async def look(self, client: Client) -> None:
        run = f"till:{self.dice.choice([*self.till.bills, 'nothing'])}"
        name, arguments = self.dice.choice(
            (("run", {"run_id": run}), ("runs", {}), ("control", {"run_id": run}), ("script", {"of": self.plans[0][0]}))
        )
        await self.call(client, name, arguments)

    async def call(self, client: Client, name: str, arguments: dict[str, Any]) -> None:
        self.texts.append((await client.call_tool(name, arguments)).model_dump_json())

    def check(self) -> None:
        """What was billed, against what the person said."""
        asked = Counter(self.yes)
        attempts: Counter[tuple[str, int]] = Counter()
        without = 0.0
        for bill in self.till.bills.values():
            name, attempt, usd = bill.submission.fingerprint, bill.submission.attempt, bill.usd
            attempts[name, attempt] += 1
            counted = bill.usd if bill.cost_usd is None else bill.cost_usd
            if not asked[name, attempt, usd]:
                without += counted
                assert usd <= self.limit
        assert max(attempts.values(), default=0) <= 1
        assert without <= (self.limit if self.day is None else self.day) + 1e-9
        assert not (self.read_only and self.till.bills)
        assert TOKEN not in json.dumps(self.texts)


def walks(seeds: range, steps: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    jobs = 0
    for seed in seeds:
        monkeypatch.setenv("HFFT_HOME", str(folder / str(seed % 64)))
        for left in (folder / str(seed % 64)).rglob("*.json*"):
            left.unlink()  # of an earlier walk
        walk = Walk(seed, registered(monkeypatch))
        anyio.run(walk.go, steps)
        try:
            walk.check()
        except AssertionError as error:
            raise AssertionError(f"walk {seed}: {walk.__dict__}") from error
        jobs += len(walk.till.bills)
    return jobs


def test_a_hundred_agents(home, monkeypatch):
    assert walks(range(100), 8, home, monkeypatch) > 30
    index.backend.cache_clear()


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_ten_thousand_agents(home, monkeypatch):
    assert walks(range(1000, 11_000), 10, home, monkeypatch) > 3000
    index.backend.cache_clear()
