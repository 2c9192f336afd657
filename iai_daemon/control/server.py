"""The daemon's end of the control socket: who may talk, one line at a time, and how long one may be silent."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from iai_daemon.control.address import address
from iai_daemon.control.messages import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MAX_LINE,
    METHOD_NOT_FOUND,
    NOT_RELOADED,
    PARSE_ERROR,
    REFUSED,
    Failure,
    Request,
    answer,
    failure,
    notification,
    parse_request,
)
from iai_daemon.control.seats import Seat, Seats, peer_of
from iai_daemon.errors import FileUnusable, IaiError, NotReloaded, UsageError
from iai_daemon.paths import identity

IDLE_TIMEOUT = 30.0
# So much is kept for one who reads slowly; of what is told meanwhile he misses some.
_MOST_UNREAD = 256 * 1024


class Left(ConnectionError):
    """The caller has gone: nobody is left to be told."""


class Notify:
    """Tells the caller something before the answer to his call. One who does not read keeps nobody waiting but himself."""

    def __init__(self, writer: asyncio.StreamWriter, method: str, stay: Callable[[], None]) -> None:
        self._writer = writer
        self._method = method
        self._stay = stay

    def __call__(self, params: Mapping[str, object]) -> None:
        """Returns at once; left out where too much waits to be read already."""
        if self._writer.transport.get_write_buffer_size() <= _MOST_UNREAD:
            self._writer.write(notification(self._method, params))

    def stay(self) -> None:
        """The call goes on for as long as the caller likes. Raises Refused when too many of that kind do."""
        self._stay()

    async def read(self) -> None:
        """Wait until he has read most of it. Raises Left when he has gone."""
        try:
            await self._writer.drain()
        except OSError as cause:
            raise Left from cause


Handler = Callable[[Mapping[str, object], Notify], Awaitable[Mapping[str, object]]]


class ControlServer:
    """Serves `handlers` (by method name) on a socket that only this user may talk to.

    `failed` is told of a handler's unexpected error; the caller gets a sentence, never a traceback. `displaced` is called
    when somebody comes in by a socket that is no longer at `path`: its directory was moved, and he is turned away.
    """

    def __init__(
        self,
        path: Path,
        handlers: Mapping[str, Handler],
        failed: Callable[[Exception], None],
        displaced: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._handlers = handlers
        self._failed = failed
        self._displaced = displaced
        self._server: asyncio.Server | None = None
        self._bound: tuple[int, int] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._seats = Seats()

    async def open(self) -> None:
        """Bind and listen. The caller holds the daemon's lock, so a socket that is there already is a dead one's.

        Raises FileUnusable.
        """
        try:
            await self._listen()
        except OSError as cause:
            raise FileUnusable(path=self._path, cause=cause.strerror or cause) from cause

    async def reopen(self) -> bool:
        """Listen again when the socket was deleted or replaced; whether it was. Raises FileUnusable."""
        if self._stands:
            return False
        if self._server is not None:
            self._server.close()
        await self.open()
        return True

    async def _listen(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                with address(self._path) as where:
                    listener.bind(where)
            finally:
                os.umask(before)
            self._bound = identity(self._path)
            self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_LINE)
        except BaseException:
            listener.close()
            raise

    async def close(self) -> None:
        """Stop listening, end every connection, remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._stands:
            self._path.unlink(missing_ok=True)

    @property
    def _stands(self) -> bool:
        """Whether the socket at the path is ours."""
        return self._bound is not None and identity(self._path) == self._bound

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            if not self._stands:
                self._displaced()
            elif task is not None:
                await self._seat(task, reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            # The other end has gone, has been silent for too long, or has to make room, as all have at the end: nobody is left to be
            # told. Python 3.11 takes a connection that was cancelled for one that failed.
            return
        finally:
            writer.close()

    async def _seat(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Let in who may come in. Raises OSError and TimeoutError when he goes."""
        peer = peer_of(writer.get_extra_info("socket"))
        seat = self._seats.take(peer, task) if peer.is_ours else None
        if seat is None:
            return
        try:
            await self._converse(reader, writer, seat)
        finally:
            self._seats.leave(seat)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seat: Seat) -> None:
        upcoming = asyncio.ensure_future(reader.readline())
        try:
            while True:
                try:
                    line = await asyncio.wait_for(asyncio.shield(upcoming), IDLE_TIMEOUT)
                except ValueError:
                    writer.write(failure(Failure(PARSE_ERROR, f"a line may have {MAX_LINE} bytes")))
                    await _read_by(writer)
                    return
                if not line:
                    return
                self._seats.hear(seat)
                upcoming = asyncio.ensure_future(reader.readline())
                reply = await self._answer(line, writer, upcoming, seat)
                if reply:
                    writer.write(reply)
                    await _read_by(writer)
        finally:
            upcoming.cancel()

    async def _answer(
        self, line: bytes, writer: asyncio.StreamWriter, upcoming: asyncio.Future[bytes], seat: Seat
    ) -> bytes | None:
        """What to reply to one line; a caller who hangs up meanwhile ends the work that he asked for."""
        request = parse_request(line)
        if isinstance(request, Failure):
            return failure(request)
        work = asyncio.ensure_future(self._handle(request, writer, seat))
        seat.at_work = True
        try:
            either: set[asyncio.Future[bytes | None] | asyncio.Future[bytes]] = {work, upcoming}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and upcoming.done() and (upcoming.exception() or not upcoming.result()):
                return None
            return await work
        finally:
            work.cancel()
            seat.at_work = seat.long_call = False

    async def _handle(self, request: Request, writer: asyncio.StreamWriter, seat: Seat) -> bytes | None:
        """The line to reply with; a notification gets none, whatever becomes of it."""
        failed: Failure | None = None
        result: Mapping[str, object] = {}
        handler = self._handlers.get(request.method)
        try:
            if handler is None:
                known = ", ".join(self._handlers)
                failed = Failure(METHOD_NOT_FOUND, f"there is no {request.method!r}: there are {known}")
            else:
                notify = Notify(writer, request.method, partial(self._seats.settle_in, seat))
                result = await handler(request.params, notify)
        except UsageError as error:
            failed = Failure(INVALID_PARAMS, str(error))
        except NotReloaded as error:
            failed = Failure(NOT_RELOADED, str(error.data["problem"]))
        except IaiError as error:
            failed = Failure(REFUSED, str(error))
        except Left:
            return None
        except Exception as error:  # noqa: BLE001 -- one bad call must not end the daemon; it is logged by `failed`
            self._failed(error)
            failed = Failure(INTERNAL_ERROR, "the daemon failed; its log tells why")
        if request.id is None:
            return None
        if failed is not None:
            return failure(replace(failed, id=request.id))
        return answer(request.id, result)


async def _read_by(writer: asyncio.StreamWriter) -> None:
    """Wait until the caller has read what was told him. Raises TimeoutError when he does not, OSError when he has gone."""
    async with asyncio.timeout(IDLE_TIMEOUT):
        await writer.drain()
