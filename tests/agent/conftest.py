from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import uvicorn
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import ElicitResult

from hfft_widgets.agent import serve
from hfft_widgets.agent.mcp import make_server
from hfft_widgets.jobs import index
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.verbs import reports
from tests.verbs.conftest import home, hub, pairs, sample_folders, till

__all__ = ["home", "hub", "pairs", "sample_folders", "till"]

ERAS = ("auto", "legacy")  # protocol 2026-07-28, and 2025-11-25
SHOWS_CARDS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
TOKEN = "a-token-of-this-test"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No report and no backend of another test."""
    reports._kept.clear()
    index.backend.cache_clear()
    yield
    for name in ("local", "jobs"):
        backend = index.backend(name)
        if hasattr(backend, "close"):
            backend.close()
    index.backend.cache_clear()


class Person:
    """Whom the client asks: answers with the next of these, `None` for closing the question, and keeps the words."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        answer = self.answers.pop(0) if self.answers else False
        if answer is None:
            return ElicitResult(action="cancel")
        return ElicitResult(action="accept", content={"start": answer})


def talk(
    script: Callable[[Client], Any], allowance: Allowance | None = None, *, person: Person | None = None,
    era: str = "auto", server: Any = None, extensions: Any = (),
) -> Any:  # fmt: skip
    """Run a scripted agent against a server in memory; returns what it returns."""

    async def session() -> Any:
        made = server or make_server(allowance or Allowance(0.0))
        more = {"elicitation_callback": person} if person else {}
        async with Client(made, mode=era, extensions=extensions, **more) as client:
            return await script(client)

    return anyio.run(session)


def said(result: Any) -> str:
    """All the texts of a result."""
    return "\n".join(part.text for part in result.content)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an application on this machine's loopback address, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, host=serve.HOST, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://{serve.HOST}:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def address(home) -> Iterator[str]:
    """The server over HTTP, for who has the token."""
    with served(serve.http_app(make_server(Allowance(0.0)), TOKEN)) as one:
        yield one
