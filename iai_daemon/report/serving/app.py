"""What the served page consists of: the page, what it renews itself with, the stream of changes, and the undoing of a night."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from iai_daemon.clock import Clock
from iai_daemon.errors import ChangedSince, IaiError, NightBusy, NoSuchNight, StoreBusy
from iai_daemon.paths import Home
from iai_daemon.report.own_files import policy
from iai_daemon.report.serving import undoing
from iai_daemon.report.serving.access import Access
from iai_daemon.report.serving.beside import beside
from iai_daemon.report.serving.changes import Changes
from iai_daemon.report.serving.guard import Guard, plain
from iai_daemon.report.serving.pages import Pages
from iai_daemon.report.serving.streams import Streams

# Bytes: whether to force it is all that a wish says.
LONGEST_BODY = 4096
_LAST_NIGHT = 2**63 - 1

_Endpoint = Callable[[Request], Awaitable[Response]]


class App:
    """The answers, one method for each route."""

    def __init__(self, home: Home, pages: Pages, changes: Changes, clock: Clock) -> None:
        self._home, self._pages, self._changes, self._clock = home, pages, changes, clock
        self._errands: set[asyncio.Task[None]] = set()

    def guarded(self, access: Access) -> ASGIApp:
        """Everything, behind its guard."""
        routes = [
            Route("/", self.whole),
            Route("/content", self.content),
            Route("/events", Streams(self._changes, self._clock)),
            Route("/nights/{night:int}/undo", _answered(self.describe)),
            Route("/nights/{night:int}/undo", _answered(self.undo), methods=["POST"]),
        ]
        return Guard(Starlette(routes=routes, exception_handlers={Exception: _broken}), access)

    async def whole(self, _request: Request) -> Response:
        try:
            text = await self._pages.page(self._clock)
        except IaiError as problem:
            return plain(str(problem), HTTPStatus.SERVICE_UNAVAILABLE)
        return HTMLResponse(text, headers={"content-security-policy": policy(live=True)})

    async def content(self, _request: Request) -> Response:
        try:
            text = await self._pages.content(self._clock)
        except IaiError as problem:
            return plain(str(problem), HTTPStatus.SERVICE_UNAVAILABLE)
        return HTMLResponse(text)

    async def describe(self, request: Request) -> dict[str, Any]:
        """What undoing a night would take back."""
        night = _night(request)
        return await beside(lambda: undoing.describe(self._home, night), "the night")

    async def undo(self, request: Request) -> dict[str, Any]:
        """Take a night back."""
        night, force = _night(request), await _force(request)
        now = self._clock.now().milliseconds
        done = await beside(lambda: undoing.undo(self._home, night, now, force=force), "the undoing")
        self._changes.tell_at_once()
        errand = asyncio.create_task(self._tell_daemon())
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)
        return done

    async def _tell_daemon(self) -> None:
        await beside(lambda: undoing.tell_daemon(self._home), "telling the daemon")


async def _broken(_request: Request, _problem: Exception) -> Response:
    """A mistake of ours; the server goes on and writes down where it was made."""
    problem = "The page could not be made, by a mistake of iai-daemon's own: the terminal shows where."
    return plain(problem, HTTPStatus.INTERNAL_SERVER_ERROR)


class _Unfit(Exception):
    """A request that no page of ours makes."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


def _answered(work: Callable[[Request], Awaitable[dict[str, Any]]]) -> _Endpoint:
    """As JSON: what came of it, or `problem`, the sentence why not; `force_loses` where it could be forced, and at what cost."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await work(request))
        except _Unfit as unfit:
            return JSONResponse({"problem": str(unfit)}, unfit.status)
        except ChangedSince as refusal:
            loses = undoing.lost_by_force(refusal, _night(request))
            return JSONResponse({"problem": str(refusal), "force_loses": loses}, HTTPStatus.CONFLICT)
        except IaiError as problem:
            return JSONResponse({"problem": str(problem)}, _status(problem))

    return answer


def _status(problem: IaiError) -> int:
    if isinstance(problem, NoSuchNight):
        return HTTPStatus.NOT_FOUND
    if isinstance(problem, NightBusy | StoreBusy):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.CONFLICT


def _night(request: Request) -> int:
    """Raises NoSuchNight for a number that no night can have."""
    night: int = request.path_params["night"]
    if not 1 <= night <= _LAST_NIGHT:
        raise NoSuchNight(id=night)
    return night


async def _force(request: Request) -> bool:
    """What the body says: an object, of which `force` is all that is asked. Raises _Unfit."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _Unfit(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The request must be JSON.")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_BODY:
                raise _Unfit(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too long.")
    except ClientDisconnect as gone:
        raise _Unfit(HTTPStatus.BAD_REQUEST, "The request has no end.") from gone
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise _Unfit(HTTPStatus.BAD_REQUEST, "The request is not JSON.") from cause
    if (
        not isinstance(asked, dict)
        or asked.keys() - {"force"}
        or not isinstance(asked.get("force", False), bool)
    ):
        raise _Unfit(HTTPStatus.BAD_REQUEST, 'The request must be an object such as {"force": false}.')
    return bool(asked.get("force", False))
