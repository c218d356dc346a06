"""`hfft-mcp`: the server on standard input and output, or on this machine's loopback address with a bearer token."""

from __future__ import annotations

import argparse
import hmac
import os
import secrets
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets.errors import HfftError, MissingExtraError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.money import Allowance

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
PORT = 8765
TOKEN = "HFFT_MCP_TOKEN"  # noqa: S105 - the variable's name


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the client leaves; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        allowance = allowed(given.max_usd, given.day_usd, read_only=given.read_only)
        server = _server(allowance)
    except HfftError as error:
        _say(str(error))
        return 2
    if given.http:
        _serve_http(server, given.port)
    else:
        server.run("stdio")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("hfft-mcp", description="Fine-tuning for agents, under your limit.")
    parser.add_argument("--max-usd", type=float, help="the most one launch can cost without asking you (default 0)")
    parser.add_argument("--day-usd", type=float, help="the most that 24 hours can cost in all (default: --max-usd)")
    parser.add_argument("--read-only", action="store_true", help="nothing is started or stopped")
    parser.add_argument("--http", action="store_true", help=f"streamable HTTP on {HOST} instead of standard input")
    parser.add_argument("--port", type=int, default=PORT, help=f"with --http (default {PORT})")
    return parser


def allowed(max_usd: float | None, day_usd: float | None, *, read_only: bool) -> Allowance:
    """What the person allows: by the options, else by the environment. Raises LaunchError."""
    given = money.from_environment(agent=True)
    return Allowance(
        given.max_usd if max_usd is None else max_usd,
        given.day_usd if day_usd is None else day_usd,
        read_only or given.read_only,
    )


def _server(allowance: Allowance) -> Any:
    try:
        from hfft_widgets.agent.mcp import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types", "anyio", "pydantic"}:
            raise
        raise MissingExtraError("The MCP server", "mcp", str(error.name)) from None
    return make_server(allowance)


def _serve_http(server: Any, port: int) -> None:
    import uvicorn

    token = os.environ.get(TOKEN) or secrets.token_urlsafe(32)
    if not os.environ.get(TOKEN):
        _say(
            f"Serving at http://{HOST}:{port}/mcp. Connect with this header, valid until this server ends:\n"
            f"  Authorization: Bearer {token}\nSet {TOKEN} to choose it yourself."
        )
    uvicorn.run(http_app(server, token), host=HOST, port=port, log_level="warning")


def http_app(server: Any, token: str) -> ASGIApp:
    """The server as an application that takes requests with this token only, for this machine's own addresses only."""
    return Bearer(server.streamable_http_app(host=HOST), token)  # which checks Host and Origin


class Bearer:
    """Answers 401 to whoever does not have the token.

    Args:
        app: What others reach.
        token: The token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        given = dict(scope.get("headers") or ()).get(b"authorization", b"")
        if scope["type"] == "lifespan" or hmac.compare_digest(given, self._expected):
            await self.app(scope, receive, send)
            return
        from starlette.responses import PlainTextResponse

        refused = PlainTextResponse("A bearer token is needed.", 401, {"WWW-Authenticate": 'Bearer realm="hfft"'})
        await refused(scope, receive, send)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - standard output belongs to the protocol


if __name__ == "__main__":
    sys.exit(main())
