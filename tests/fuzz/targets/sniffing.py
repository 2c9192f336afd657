"""What the wrapper makes of the bytes that it relays (`iai_relay.relay`, `Lines`, `iai_heartbeat.Seen`, `iai_outcomes`)."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from hypothesis import strategies as st

import iai_outcomes
from iai_daemon.consolidation.insights.calls import Call
from iai_daemon.consolidation.insights.calls import parse as read_outcome
from iai_daemon.presence.heartbeat import Heartbeat as ReadHeartbeat
from iai_daemon.presence.heartbeat import parse as read_heartbeat
from iai_heartbeat import HEAD, LONGEST, MOST, TAIL, Heartbeat, Seen
from iai_relay import Lines, Log, relay
from tests.fakes import NOON
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

# Who says it, and what: True is the client.
Said = tuple[bool, bytes]

_NAME = "heartbeat-4711-u.json"
_FACTS = {"pid": 4711, "uuid": "u", "schema_version": 1, "server": "tool-server", "started_at": "2026-11-21T11:00:00.000Z"}  # fmt: skip
_CHUNKS, _BYTES = 60, 60_000


class Wrapper:
    """Both directions of one wrapper without its process. `looks`: of a Seen, what looks at a line of each direction."""

    def __init__(self, looks: Callable[[Seen, bool], Callable[[bytes], None]]) -> None:
        self.seen = Seen()
        self.seen.wall = lambda: NOON  # type: ignore[method-assign, assignment]
        self.seen.steady = lambda: 1000.0  # type: ignore[method-assign, assignment]
        self.log = Log(lambda: None)
        self.outcomes = iai_outcomes.Outcomes("/nowhere", _FACTS, self.seen, lambda: 1000.0)
        self.seen.outcomes = self.outcomes
        self.raised: list[Exception] = []
        self.lines = {side: Lines(self._catching(looks(self.seen, side))) for side in (True, False)}

    def _catching(self, look: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def looking(line: bytes) -> None:
            try:
                look(line)
            except Exception as cause:  # the log would only say so and go on
                self.raised.append(cause)
                raise

        return looking

    def pass_on(self, client: bool, chunks: Sequence[bytes]) -> bytes:
        """What comes out at the other side of the relay, to which these chunks come one by one."""
        ours, theirs = socket.socketpair(
            socket.AF_UNIX, getattr(socket, "SOCK_SEQPACKET", socket.SOCK_STREAM)
        )
        with ours, theirs, tempfile.TemporaryFile() as sink:
            for chunk in chunks:
                ours.send(chunk)
            ours.shutdown(socket.SHUT_WR)
            assert relay(theirs.fileno(), sink.fileno(), self.log, self.lines[client])
            self.log.look()
            return os.pread(sink.fileno(), os.fstat(sink.fileno()).st_size, 0)

    def told(self) -> tuple[Any, ...]:
        """All that others will ever know of what has passed."""
        seen, lines = self.seen, [_line(each) for each in self.outcomes._lines]
        return seen.activity_count, seen.in_flight(), seen.client, seen.session, seen.last_activity, lines

    def require_bounds(self) -> None:
        seen = self.seen
        for each in self.lines.values():
            assert len(each._head) <= HEAD
            assert len(each._tail) <= TAIL
        for kept in (seen._calls, seen._pings, self.outcomes._begun, self.outcomes._lines):
            assert len(kept) <= MOST
        assert not self.log.chunks
        texts = [
            seen.session,
            *(seen.client or {}).values(),
            *(each for each in seen._calls if isinstance(each, str)),
        ]
        assert all(text is None or len(text) <= LONGEST for text in texts)

    def require_readable(self) -> None:
        """What it writes, the daemon reads."""
        data = Heartbeat("/nowhere", dict(_FACTS), self.seen)._content(self.seen.in_flight())
        beat = read_heartbeat(_NAME, data, NOON)
        assert isinstance(beat, ReadHeartbeat)
        assert (
            beat.fallback == "its last_refresh is unusable"
            if b"last_refresh" not in data
            else beat.fallback is None
        )
        assert (beat.activity_count, beat.in_flight) == (self.seen.activity_count, self.seen.in_flight())
        assert (beat.client_name is None) is (self.seen.client is None)
        for each in self.outcomes._lines:
            found = read_outcome(iai_outcomes._encoded(each).removesuffix(b"\n"), "x")
            assert (
                isinstance(found, Call)
                or not str(each["tool"]).replace("`", " ").strip().isprintable()
                or found.why
            )


def _line(told: dict[str, Any]) -> tuple[Any, ...]:
    return told["tool"], told["outcome"], told["client"], told["session"]


def _real(seen: Seen, client: bool) -> Callable[[bytes], None]:
    return seen.look_at_request if client else seen.look_at_answer


def _broken(seen: Seen, client: bool) -> Callable[[bytes], None]:
    """Takes every message for an object."""

    def look(line: bytes) -> None:
        if client and line.startswith(b"["):
            json.loads(line)["id"]
        _real(seen, client)(line)

    return look


def check(subject: Any, said: Sequence[Said]) -> Verdict:
    in_pieces, in_one = Wrapper(subject), Wrapper(subject)
    for client, together in groupby(said, lambda each: each[0]):
        chunks = [chunk for _, chunk in together if chunk]
        if not chunks:
            continue
        whole = b"".join(chunks)
        assert in_pieces.pass_on(client, chunks) == whole, "the bytes were changed"
        in_one.lines[client].add(whole) if not in_one.raised else None
        assert not in_pieces.raised, in_pieces.raised
        in_pieces.require_bounds()
    assert in_pieces.told() == in_one.told(), "how it was cut changes what is seen"
    in_pieces.require_readable()
    count, flying, client_name, session, _, lines = in_pieces.told()
    kinds = {"active": count, "a call": flying, "named": client_name, "in a session": session, "ended": lines}
    told = [kind for kind, there in kinds.items() if there]
    return accepted(", ".join(told)) if told else refused("nothing was seen")


def _message(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n"


_LONG = {"text": "x" * (HEAD + TAIL)}
CLIENT = [
    _message(id=0, method="initialize", params={"clientInfo": {"name": "editor", "version": "2"}}),
    _message(id=1, method="tools/call", params={"name": "search", "arguments": {}, "_meta": {"threadId": "t-1"}}),
    _message(id="s", method="tools/call", params={"name": "write", "arguments": _LONG}),
    json.dumps({"method": "tools/call", "params": {"name": "w", "arguments": _LONG}, "jsonrpc": "2.0", "id": 3}).encode() + b"\n",
    _message(method="notifications/cancelled", params={"requestId": 1}),
    b"[" + _message(id=4, method="resources/read", params={}).strip() + b", " + _message(id=5, method="ping").strip() + b"]\n",
    _message(id=9, result={}),
    _message(id=6, method="server/discover", params={"_meta": {"io.modelcontextprotocol/clientInfo": {"name": "codex"}}}),
]  # fmt: skip
SERVER = [
    _message(id=1, result={"content": [], "isError": True}),
    _message(id="s", result={"content": [_LONG], "isError": True}),
    json.dumps({"result": {"content": [_LONG]}, "jsonrpc": "2.0", "id": 3}).encode() + b"\n",
    _message(id=9, method="ping"),
    _message(id=4, error={"code": 1, "message": "no"}),
    _message(method="notifications/message", params={"data": "x"}),
]
_TOKENS = [
    *(b'"id": ', b'"method": ', b'"params": {', b'"tools/call"', b'"isError": true', b'": {', b"}}}", b'"name": "\\ud800"'),
    *(b"\n", b'"_meta": {"threadId": "' + b"t" * 300 + b'"}', b'"clientInfo": {"name": "' + b"n" * 300 + b'"}'),
]  # fmt: skip


def _cut(of: tuple[bool, bytes, bytes]) -> Iterator[Said]:
    client, data, places = of
    data = data[:_BYTES]
    ends = sorted({place * len(data) // 256 for place in places} | {len(data)})
    for begin, end in zip([0, *ends], ends, strict=False):
        yield client, data[begin:end]


_TURN = st.booleans().flatmap(
    lambda client: st.tuples(
        st.just(client), mutated(CLIENT if client else SERVER, _TOKENS, most=2), st.binary(max_size=5)
    )
)
_CONVERSATION = (*((True, each) for each in CLIENT), *((False, each) for each in SERVER))

TARGET = Target(
    name="sniffing",
    law="the wrapper changes no byte, never raises, keeps little, and sees the same however the stream is cut",
    corpus=(_CONVERSATION, ((True, CLIENT[1]), (False, SERVER[0]))),
    inputs=st.lists(_TURN, max_size=6).map(lambda turns: tuple(each for turn in turns for each in _cut(turn))[:_CHUNKS]),
    check=check,
    subject=_real,
    broken=_broken,
)  # fmt: skip
