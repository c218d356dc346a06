"""What the page asks Jupyter's server: the runs, and to end or delete one. Behind Jupyter's own authentication.

    GET    hfft/runs?shown=&since=    the runs as summaries: those that changed since an earlier answer
    GET    hfft/runs/<id>             one run, with what it holds of the disk
    POST   hfft/runs/<id>/cancel      ask it to end
    POST   hfft/runs/<id>/resume      let it go on from its last checkpoint, with the Python that it ran in
    POST   hfft/runs/<id>/start_now   let it begin although it waits for its turn
    DELETE hfft/runs/<id>             delete what is kept of it here
    GET    hfft/lessons               the lessons' names and titles
    GET    hfft/lessons/<name>        one lesson's notebook
    GET    hfft/ledger                today's sum, the limits, the last launches and refusals

Whatever may wait for a disk or the Hub does so in a thread. A token, the environment of a run and its log never leave.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from hfft_widgets.errors import HfftError, HubError, RunNotFoundError
from hfft_widgets.lab.lessons import lessons, notebook
from hfft_widgets.lab.run_list import RunList
from hfft_widgets.lab.summary import summary

if TYPE_CHECKING:
    from hfft_widgets.jobs.run import Run

_ID = "(.+)"  # as it comes: a colon and a slash in it are escaped, or not
_SHOWN = ("all", "local", "jobs")


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """The routes, all of which share one list of runs."""
    runs = url_path_join(base_url, "hfft", "runs")
    shared = {"run_list": RunList()}
    return [
        (runs, RunsHandler, shared),
        (url_path_join(runs, _ID, f"({'|'.join(ACTIONS)})"), ActionHandler, {}),
        (url_path_join(runs, _ID), RunHandler, {}),
        (url_path_join(base_url, "hfft", "lessons"), LessonsHandler, {}),
        (url_path_join(base_url, "hfft", "lessons", _ID), LessonHandler, {}),
        (url_path_join(base_url, "hfft", "ledger"), LedgerHandler, {}),
    ]


class _Handler(APIHandler):
    """Answers in JSON; an error says what happened, why, and what to do."""

    auth_resource = "hfft"

    async def answer(self, look: Callable[[], object]) -> None:
        """Finish with what a call, made in a thread, returns or raises."""
        try:
            values = await asyncio.to_thread(look)
        except HfftError as error:
            self.set_status(_status(error))
            values = {"message": str(error)}
        self.finish(json.dumps(values))


def _status(error: HfftError) -> int:
    if isinstance(error, RunNotFoundError):
        return 404
    return 502 if isinstance(error, HubError) else 409


class RunsHandler(_Handler):
    """The runs."""

    _track_activity = False  # looking on is no reason to keep a server that is ended when idle

    def initialize(self, run_list: RunList) -> None:
        """Take the list that all pages share."""
        self.run_list = run_list

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The newest runs, as far as they changed, and how many older ones there are."""
        shown = self.get_query_argument("shown", "all")
        if shown not in _SHOWN:
            raise web.HTTPError(400, f"shown={shown!r} is none of: {', '.join(_SHOWN)}.")
        since = self.get_query_argument("since", "0")
        if not (since.isascii() and since.isdigit()):
            raise web.HTTPError(400, f"since={since!r} is no revision of an earlier answer.")
        await self.answer(lambda: self.run_list.look(shown, int(since)))


class RunHandler(_Handler):
    """One run."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Its summary, and the bytes that are kept of it on this machine's disk."""
        await self.answer(lambda: _details(_attach(run_id)))

    @web.authenticated
    @authorized
    async def delete(self, run_id: str) -> None:
        """Delete what is kept of it here."""
        await self.answer(lambda: _attach(run_id).delete())


ACTIONS: Mapping[str, Callable[[Run], Run]] = {
    "cancel": lambda run: run.cancel(timeout=0),
    "resume": lambda run: run.resume(),
    "start_now": lambda run: run.start_now(),
}
"""What a run can be asked, none of which costs; its stage tells what became of it."""


class ActionHandler(_Handler):
    """What a run is asked to do."""

    @web.authenticated
    @authorized
    async def post(self, run_id: str, action: str) -> None:
        """Ask it."""
        await self.answer(lambda: summary(ACTIONS[action](_attach(run_id))))


class LessonsHandler(_Handler):
    """The lessons that the package brings."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Their names and titles, in their order."""
        await self.answer(lessons)


class LessonHandler(_Handler):
    """One lesson."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Its notebook."""
        await self.answer(lambda: notebook(name))


class LedgerHandler(_Handler):
    """What was started, refused and paid."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Its summary and the last entries, in words."""
        await self.answer(_ledger)


def _ledger() -> dict[str, Any]:
    from hfft_widgets import verbs
    from hfft_widgets.cards import ledger

    values = verbs.ledger().values
    return {"summary": ledger.summary(values), "rows": ledger.rows(values)}


def _attach(run_id: str) -> Run:
    from hfft_widgets import api

    return api.attach(run_id)


def _details(run: Run) -> dict[str, Any]:
    return {**summary(run), "disk_bytes": run.disk_bytes}
