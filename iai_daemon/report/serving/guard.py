"""Before every answer: is it asked at the right place, by whom it is for; and the headers that all answers have."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iai_daemon.report.serving.access import Access, Refusal

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# What is no page of the report needs nothing at all.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """An ASGI application around another one, which sees only requests that it may answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"nothing but HTTP is served: {scope['type']}")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_ALWAYS, "content-security-policy": _NOTHING}.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)

    def _answer(self, request: Request) -> Response | None:
        """What is said without asking the application; None: that is to answer."""
        if elsewhere := self._access.refuses_place(request.headers.get("host", "")):
            return _refused(elsewhere)
        if request.url.path == "/favicon.ico":
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if request.url.path == "/" and self._access.opens(request.query_params.get("token", "")):
            return self._let_in(request.headers)
        headers = {name.lower(): value for name, value in request.headers.items()}
        refusal = self._access.refuses(request.method, headers, request.cookies)
        return None if refusal is None else _refused(refusal)

    def _let_in(self, headers: Mapping[str, str]) -> Response:
        """The cookie, and on to the address without the token."""
        answer: Response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            # A browser that follows a link from elsewhere sends a strict cookie only once it has left that place behind.
            answer = HTMLResponse(_page("One moment", '<meta http-equiv="refresh" content="0;url=/">'))
        answer.set_cookie(self._access.cookie, self._access.key, path="/", httponly=True, samesite="strict")
        return answer


def _refused(refusal: Refusal) -> Response:
    return plain(refusal.problem, refusal.status)


def plain(problem: str, status: int) -> Response:
    """A page of one sentence."""
    return HTMLResponse(_page(problem), status)


def _page(said: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>iai-daemon</title>{head}</head>'
        f"<body><main><h1>iai-daemon</h1><p>{escape(said)}</p></main></body></html>\n"
    )
