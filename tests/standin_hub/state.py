"""What every module of the stand-in Hub shares: the state, one request, errors with the Hub's headers, times."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    import uvicorn
    from starlette.datastructures import Headers, QueryParams

    from .accounts import Account, Accounts
    from .buckets import Buckets
    from .faults import Effects, Faults
    from .jobs import Jobs
    from .store import Store
    from .viewer import Viewer


class HubError(Exception):
    """An answer other than 2xx, with the headers by which the client tells errors apart.

    `code` is X-Error-Code: without it the client names no repository errors over plain http.
    """

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None, **body: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": message, **body}
        # a line break here would break the answer, and the client would then retry for 23 seconds
        one_line = re.sub(r"[\r\n]+", " ", message).encode("ascii", "replace").decode()
        self.headers = {**(headers or {}), "X-Error-Message": one_line}
        if code:
            self.headers["X-Error-Code"] = code

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers)


class Cut(Exception):  # noqa: N818 -- not an error: a fault rule asks to cut the connection here
    """Close the connection where the answer stands."""


@dataclass
class Entry:
    """One line of the journal. The token itself is never kept."""

    method: str
    path: str
    query: str
    has_token: bool
    at: float
    """Unix seconds."""
    status: int | None = None
    """None: there is no answer yet, or the connection was cut before it."""


@dataclass
class State:
    """Everything a running stand-in Hub knows."""

    root: Path
    accounts: Accounts
    faults: Faults
    store: Store
    buckets: Buckets
    jobs: Jobs
    viewer: Viewer
    endpoint: str = ""
    page_size: int = 50
    journal: list[Entry] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Tracebacks of the stand-in's own defects: the client saw a 500."""
    server: uvicorn.Server | None = None


@dataclass(frozen=True)
class Ask:
    """One request, its body read."""

    hub: State
    method: str
    path: str
    raw_path: str
    """Still quoted: a revision may hold a slash as %2F."""
    query: QueryParams
    headers: Headers
    body: bytes
    effects: Effects

    def json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise HubError(400, f"Invalid JSON: {error}") from error

    def lines(self) -> list[dict[str, Any]]:
        """The body as one JSON object per line."""
        return [json.loads(line) for line in self.body.split(b"\n") if line.strip()]

    def account(self) -> Account | None:
        """Who asks; None without a token; 401 with an unknown one."""
        return self.hub.accounts.of(self.headers.get("authorization", ""))

    def user(self) -> Account:
        """Who asks; 401 without a token."""
        account = self.account()
        if account is None:
            raise HubError(401, "Invalid username or password.")
        return account

    def writer(self, namespace: str) -> Account:
        """Who asks, if they may write there; else 401 or 403."""
        account = self.user()
        if not account.owns(namespace):
            raise HubError(403, f"You don't have the required permissions for the namespace {namespace}.")
        if not account.can_write:
            raise HubError(403, "You must have write access: this token is read-only.")
        return account


def now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """As JavaScript writes it: milliseconds and a Z."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
