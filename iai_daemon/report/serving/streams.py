"""Server-sent events: an open page hears that it is to renew itself (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from iai_daemon.clock import Clock
from iai_daemon.report.serving.changes import Changes

MOST = 16
# Seconds: a sign of life to who hears nothing else, and how long one may take to read what he is told.
_ALIVE_EVERY, _PATIENCE = 15.0, 10.0
# Milliseconds after which a browser comes again.
_AGAIN_AFTER = 2000

_HELLO = f"retry: {_AGAIN_AFTER}\n: hello\n\n".encode()
_ALIVE = b": here\n\n"

# As ASGI has them.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Streams:
    """All open streams. Who does not read is let go, and comes again when he does."""

    def __init__(self, changes: Changes, clock: Clock, patience: float = _PATIENCE) -> None:
        self._changes = changes
        self._clock = clock
        self._patience = patience
        self._open = 0

    async def __call__(self, _scope: Message, receive: Receive, send: Send) -> None:
        """An ASGI application of its own."""
        if self._open >= MOST or self._changes.ended:
            await _turn_away(send)
            return
        self._open += 1
        try:
            with self._changes.heard() as heard, contextlib.suppress(OSError, TimeoutError):
                await self._tell(heard, receive, send)
        finally:
            self._open -= 1

    async def _tell(self, heard: asyncio.Event, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive, heard))
        try:
            headers = [(b"content-type", b"text/event-stream")]
            await self._in_time(send, {"type": "http.response.start", "status": 200, "headers": headers})
            await self._in_time(send, _body(_HELLO))
            while True:
                woken = await self._clock.wait(heard, _ALIVE_EVERY)
                if gone.done() or self._changes.ended:
                    break
                number = self._changes.number
                said = f"event: changed\nid: {number}\ndata: {number}\n\n".encode() if woken else _ALIVE
                await self._in_time(send, _body(said))
            await self._in_time(send, _body(b"", more=False))
        finally:
            gone.cancel()

    async def _in_time(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._patience):
            await send(message)


async def _gone(receive: Receive, heard: asyncio.Event) -> None:
    """Until the browser hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
    heard.set()


async def _turn_away(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"30")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send(_body(f"{MOST} pages are open already.\n".encode(), more=False))


def _body(text: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}
