"""Faults on purpose: rules per route, and the layer around the app that applies them and keeps the journal."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .state import Cut, Entry, State

ODD_SEPARATORS = "\u2028 \u2029 \u0085"
"""Not line breaks in SSE, but str.splitlines and httpx's iter_lines split there."""


@dataclass(frozen=True)
class Effects:
    """What the rules that matched one request change on its way."""

    drop_after: int | None = None
    """Cut a stream after so many events."""
    short_replay: int | None = None
    """End a stream, cleanly, after so many events."""
    stall_after: int | None = None
    """After so many events send nothing at all, not even keep-alives, until the client leaves."""
    stays_open: bool = False
    """A stream of a job that is over does not end: only keep-alives come."""
    duplicate: int | None = None
    """Send each n-th event twice."""
    separators: str | None = None
    """Put these characters in an unknown field of each event, in clear as JSON.stringify does."""
    stage_lag: float = 0.0
    """Job answers tell the stage of so many seconds ago."""
    truncate_cells: int | None = None
    """Dataset viewer rows: cut cells at so many characters."""


@dataclass
class Fault:
    """One rule. It applies to the requests whose path matches, after `skip` of them, `times` times (None: always)."""

    path: str
    """A regular expression, searched in the path without the query."""
    method: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    """Answer with this status, without reaching the app."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    """Seconds to wait first."""
    lost: bool = False
    """Let the request take effect, then cut the connection instead of answering."""
    refused: bool = False
    """Cut the connection before the request takes effect."""
    merge: Mapping[str, Any] | None = None
    """Merged into a JSON answer (into each element of a list): unknown fields, unknown stages, partial results."""
    effects: Effects = field(default_factory=Effects)
    hits: int = 0
    """How often it applied so far."""

    def takes(self, method: str, path: str) -> bool:
        """Whether it applies to this request; counts it."""
        if self.method not in (None, method) or not re.search(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


EFFECTS = {one.name for one in dataclasses.fields(Effects)}


class Faults:
    """The rules of one stand-in Hub."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, path: str, **settings: Any) -> Fault:
        """Settings are those of `Fault` and `Effects`."""
        effects = Effects(**{name: settings.pop(name) for name in list(settings) if name in EFFECTS})
        rule = Fault(path, effects=effects, **settings)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def matching(self, method: str, path: str) -> list[Fault]:
        with self._lock:
            return [rule for rule in self._rules if rule.takes(method, path)]


def merged(rules: list[Fault]) -> Effects:
    """The effects of all rules together; a later rule wins."""
    changes: dict[str, Any] = {}
    for rule in rules:
        chosen = {name: getattr(rule.effects, name) for name in EFFECTS}
        changes |= {name: value for name, value in chosen.items() if value != getattr(Effects(), name)}
    return Effects(**changes)


def deep_merge(value: Any, change: Mapping[str, Any]) -> Any:
    """`change` merged into a JSON value; into each element if it is a list."""
    if isinstance(value, list):
        return [deep_merge(one, change) for one in value]
    if not isinstance(value, dict):
        return value
    nested = {
        name: deep_merge(value[name], new) if isinstance(new, Mapping) and isinstance(value.get(name), dict) else new
        for name, new in change.items()
    }
    return {**value, **nested}


class Layer:
    """Around the app: the journal, the faults, and a Date header of our own.

    The server's own Date lags by up to a second, and the client compares log timestamps with it.
    """

    def __init__(self, app: ASGIApp, hub: State) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name for name, _ in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        entry = Entry(scope["method"], scope["path"], query, b"authorization" in headers, time.time())
        self._hub.journal.append(entry)
        rules = self._hub.faults.matching(scope["method"], scope["path"])
        scope["effects"] = merged(rules)
        for rule in rules:
            if rule.delay:
                await asyncio.sleep(rule.delay)
        answer = _Answer(send, rules, entry)
        try:
            await self._target(rules)(scope, receive, answer)
            await answer.finish()
        except Cut:
            await self._hang_up(scope)
        except ClientDisconnect:  # the client left in the middle: its own affair
            raise
        except Exception:
            self._hub.errors.append(traceback.format_exc())
            raise

    def _target(self, rules: list[Fault]) -> ASGIApp:
        """What answers: the app, or a rule instead."""
        for rule in rules:
            if rule.refused:
                raise Cut
            if rule.status is not None:
                body = {"error": "A fault was asked for."} if rule.body is None else rule.body
                return JSONResponse(body, rule.status, dict(rule.headers))
        return self._app

    async def _hang_up(self, scope: Scope) -> None:
        """Close the TCP connection; what was already written still arrives."""
        server = self._hub.server
        for connection in list(server.server_state.connections if server else ()):
            if getattr(connection, "client", None) == tuple(scope["client"]):
                connection.transport.close()
        await asyncio.sleep(0.01)  # until the server has noticed, or it would answer with a 500


class _Answer:
    """The way of an answer to the client."""

    def __init__(self, send: Send, rules: list[Fault], entry: Entry) -> None:
        self._entry = entry
        self._send = send
        self._lost = any(rule.lost for rule in rules)
        self._merges = [rule.merge for rule in rules if rule.merge is not None]
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if self._lost:
            return
        if message["type"] == "http.response.start":
            self._entry.status = message["status"]
            self._start = {**message, "headers": [*message.get("headers", []), (b"date", _date())]}
            if not self._merges:
                await self._send(self._start)
        elif self._merges:
            self._body += message.get("body", b"")
        else:
            await self._send(message)

    async def finish(self) -> None:
        """Send what was held back, or cut the connection of an answer that is to be lost."""
        if self._lost:
            raise Cut
        if not self._merges or not self._start:
            return
        value = json.loads(self._body or b"null")
        for change in self._merges:
            value = deep_merge(value, change)
        body = json.dumps(value).encode()
        kept = [(name, text) for name, text in self._start["headers"] if name.lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**self._start, "headers": [*kept, length]})
        await self._send({"type": "http.response.body", "body": body})


def _date() -> bytes:
    return formatdate(usegmt=True).encode()
