"""Addresses of the stand-in Hub and what answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import accounts, buckets, job_routes, repos, uploads, viewer
from .faults import Layer
from .state import Ask, HubError, State

READERS_AND_WRITERS = repos.READERS | uploads.WRITERS
_ALL = ["GET", "HEAD", "POST", "PUT", "DELETE"]
_JOB = "/api/jobs/{namespace}/{name}"


def make_app(hub: State) -> ASGIApp:
    """The app of this Hub, with its journal and faults around it."""

    def route(path: str, handler: Callable[..., Response], *methods: str) -> Route:
        return Route(path, _endpoint(hub, handler), methods=list(methods or ("GET",)))

    routes = [
        route("/api/whoami-v2", accounts.whoami),
        route("/api/jobs/hardware", job_routes.flavors),
        route("/api/jobs/{namespace}", job_routes.create, "POST"),
        route("/api/jobs/{namespace}", job_routes.listing),
        route(_JOB, job_routes.inspect),
        route(f"{_JOB}/cancel", job_routes.cancel, "POST"),
        route(f"{_JOB}/duplicate", job_routes.duplicate, "POST"),
        route(f"{_JOB}/labels", job_routes.relabel, "PUT"),
        route(f"{_JOB}/logs", job_routes.follow_log),
        route(f"{_JOB}/metrics", job_routes.follow_metrics),
        route("/api/repos/create", uploads.create, "POST"),
        route("/api/repos/delete", uploads.delete, "DELETE"),
        route("/api/validate-yaml", _valid_yaml, "POST"),
        route("/api/models", repos.listing),
        route("/api/datasets", repos.listing),
        route("/_lfs/{oid}", uploads.lfs_put, "PUT"),
        route("/_lfs_verify/{oid}", uploads.lfs_verify, "POST"),
        route("/datasets-server/{verb}", viewer.answer),
        route("/datasets-server/assets/{sha256}/image.png", viewer.asset),
        route("/{rest:path}", _by_address, *_ALL),
    ]
    return Layer(Starlette(routes=routes, exception_handlers={HubError: _told}), hub)


def _endpoint(hub: State, handler: Callable[..., Response]) -> Callable[[Request], Any]:
    """Handlers are plain functions with the body at hand; they run in a thread, so they may take their time."""

    async def endpoint(request: Request) -> Response:
        scope = request.scope
        ask = Ask(
            hub,
            request.method,
            request.url.path,
            scope["raw_path"].decode("ascii"),
            request.query_params,
            request.headers,
            await request.body(),
            scope["effects"],
        )
        words = [value for name, value in request.path_params.items() if name != "rest"]
        return await to_thread.run_sync(lambda: handler(ask, *words))

    return endpoint


def _by_address(ask: Ask) -> Response:
    """Buckets and repositories: their addresses hold quoted slashes, so they are read before unquoting."""
    if ask.path.startswith(("/api/buckets/", "/buckets/")):
        return buckets.answer(ask)
    if ask.path.endswith("/info/lfs/objects/batch") and ask.method == "POST":
        return uploads.lfs_batch(ask)
    at = repos.target(ask.raw_path)
    handler = READERS_AND_WRITERS.get((ask.method, at.verb))
    if handler is None:
        raise HubError(404, "Not Found")
    return handler(ask, at)


def _valid_yaml(ask: Ask) -> Response:
    return JSONResponse({"errors": [], "warnings": []})


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return error.response()
