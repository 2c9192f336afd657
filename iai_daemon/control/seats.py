"""Who may have a connection to the control socket: as many as there is room for, and always room for who wants to know the status."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import sys
from dataclasses import dataclass

from iai_daemon.errors import Refused

MAX_CONNECTIONS = 64
# Of one process at most this part of all, and for calls that go on and on at most that part.
_OF_ONE, _FOR_LONG_CALLS = 4, 2
# Descriptors that the daemon needs for its own files, whoever calls.
_OWN = 32


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end, as the kernel tells it; `pid` is 0 where it lives in another namespace."""

    uid: int
    pid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is a process of this user, or root."""
        return self.uid in (os.geteuid(), 0)


@dataclass(eq=False, slots=True)
class Seat:
    """One connection. `at_work`: a call is being answered; `long_call`: one that goes on for as long as the caller likes."""

    peer: Peer
    task: asyncio.Task[None]
    at_work: bool = False
    long_call: bool = False


class Seats:
    """The connections in the order in which they were last heard of."""

    def __init__(self) -> None:
        self._taken: dict[Seat, None] = {}

    def take(self, peer: Peer, task: asyncio.Task[None]) -> Seat | None:
        """A seat for one who comes in; None when his process has enough of them, or nobody can be asked to leave.

        Where none is free, whoever has been silent for the longest time has to go.
        """
        most = _most_connections()
        if sum(seat.peer == peer for seat in self._taken) >= max(1, most // _OF_ONE):
            return None
        if len(self._taken) >= most:
            silent = next((seat for seat in self._taken if not seat.at_work), None)
            if silent is None:
                return None
            self.leave(silent)
            silent.task.cancel()
        seat = Seat(peer, task)
        self._taken[seat] = None
        return seat

    def hear(self, seat: Seat) -> None:
        """He has said something."""
        if seat in self._taken:
            del self._taken[seat]
            self._taken[seat] = None

    def settle_in(self, seat: Seat) -> None:
        """His call goes on for as long as he likes. Raises Refused when too many do so."""
        if sum(each.long_call for each in self._taken) >= max(1, _most_connections() // _FOR_LONG_CALLS):
            raise Refused(problem="Too many are listening to the daemon already: end one of them.")
        seat.long_call = True

    def leave(self, seat: Seat) -> None:
        """The seat is free; safe to call twice."""
        self._taken.pop(seat, None)


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end. Raises OSError."""
    if sys.platform == "darwin":
        # struct xucred of unix(4): version, uid, …; SOL_LOCAL is 0, LOCAL_PEERCRED 1, LOCAL_PEERPID 2.
        uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1]
        return Peer(uid, struct.unpack("i", connection.getsockopt(0, 2, 4))[0])
    # struct ucred of unix(7): pid, uid, gid.
    size = struct.calcsize("iII")
    pid, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return Peer(uid, pid)


def _most_connections() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, limit - _OWN))
