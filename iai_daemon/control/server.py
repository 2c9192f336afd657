"""The daemon's end of the control socket: who may talk, one line at a time, and how long one may be silent."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from iai_daemon.control.address import address
from iai_daemon.control.messages import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MAX_LINE,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REFUSED,
    Failure,
    Request,
    answer,
    failure,
    notification,
    parse_request,
)
from iai_daemon.errors import FileUnusable, IaiError, UsageError
from iai_daemon.paths import identity

IDLE_TIMEOUT = 30.0
MAX_CONNECTIONS = 64
# Descriptors that the daemon needs for its own files, whoever calls.
_OWN = 32

Notify = Callable[[Mapping[str, object]], None]
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
            elif len(self._connections) <= _most_connections() and _is_ours(writer):
                await self._converse(reader, writer)
        except (OSError, TimeoutError):
            # The other end has gone, or has been silent for too long: nobody is left to be told.
            return
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upcoming = asyncio.ensure_future(reader.readline())
        try:
            while True:
                try:
                    line = await asyncio.wait_for(asyncio.shield(upcoming), IDLE_TIMEOUT)
                except ValueError:
                    writer.write(failure(Failure(PARSE_ERROR, f"a line may have {MAX_LINE} bytes")))
                    await writer.drain()
                    return
                if not line:
                    return
                upcoming = asyncio.ensure_future(reader.readline())
                reply = await self._answer(line, writer, upcoming)
                if reply:
                    writer.write(reply)
                    await writer.drain()
        finally:
            upcoming.cancel()

    async def _answer(
        self, line: bytes, writer: asyncio.StreamWriter, upcoming: asyncio.Future[bytes]
    ) -> bytes | None:
        """What to reply to one line; a caller who hangs up meanwhile ends the work that he asked for."""
        request = parse_request(line)
        if isinstance(request, Failure):
            return failure(request)
        work = asyncio.ensure_future(self._handle(request, writer))
        try:
            either: set[asyncio.Future[bytes | None] | asyncio.Future[bytes]] = {work, upcoming}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and upcoming.done() and (upcoming.exception() or not upcoming.result()):
                return None
            return await work
        finally:
            work.cancel()

    async def _handle(self, request: Request, writer: asyncio.StreamWriter) -> bytes | None:
        def notify(params: Mapping[str, object]) -> None:
            writer.write(notification(request.method, params))

        handler = self._handlers.get(request.method)
        if handler is None:
            known = ", ".join(self._handlers)
            return failure(
                Failure(METHOD_NOT_FOUND, f"there is no {request.method!r}: there are {known}", request.id)
            )
        try:
            result = await handler(request.params, notify)
        except UsageError as error:
            return failure(Failure(INVALID_PARAMS, str(error), request.id))
        except IaiError as error:
            return failure(Failure(REFUSED, str(error), request.id))
        except Exception as error:  # noqa: BLE001 -- one bad call must not end the daemon; it is logged by `failed`
            self._failed(error)
            return failure(Failure(INTERNAL_ERROR, "the daemon failed; its log tells why", request.id))
        return None if request.id is None else answer(request.id, result)


def _most_connections() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, limit - _OWN))


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end is a process of this user (or root), as the kernel tells it."""
    connection = writer.get_extra_info("socket")
    if sys.platform == "darwin":
        # struct xucred of unix(4): version, uid, …; SOL_LOCAL is 0 and LOCAL_PEERCRED 1.
        uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1]
    else:
        # struct ucred of unix(7): pid, uid, gid.
        size = struct.calcsize("iII")
        uid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
    return uid in (os.geteuid(), 0)
