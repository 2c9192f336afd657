"""Bytes in any pieces, messages of any size and floods of them: all passes, and the wrapper stays small."""

from __future__ import annotations

import hashlib
import json
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wrapper.running import ECHO, Running, request, server

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
both = pytest.mark.parametrize("sockets", [False, True], ids=["pipes", "sockets"])

HUNDRED_MEGABYTES = 100 * 1024 * 1024
# What a wrapper may hold beyond what it holds at rest, whatever passes.
MORE = 12_000_000

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\xff", b"[", b"]}", b"x" * 16_384, b"y" * 70_000]),
        st.sampled_from([b'{"jsonrpc":"2.0","id":1,"method":"tools/call"', b',"params":{}}\n', b'"result":{}}\n']),
    ),
    max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["pipes", "sockets"])
def echo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    place = tmp_path_factory.mktemp("home")
    (place / "wrappers").mkdir()
    with Running(server(ECHO), home=place, sockets=request.param) as wrapper:
        yield wrapper
        assert wrapper.leave() == 0
        assert wrapper.rest() == b""
        assert wrapper.complaints() == ""


@given(pieces=PIECES)
def test_whatever_is_written_in_whatever_pieces_comes_out_as_it_was(
    echo: Running, pieces: list[bytes]
) -> None:
    sent = b"".join(pieces)
    with _sending(echo, pieces):
        assert echo.receive(len(sent)) == sent


@contextmanager
def _sending(wrapper: Running, pieces: list[bytes]) -> Iterator[None]:
    """Meanwhile the client writes, each piece in a write of its own."""
    thread = threading.Thread(target=wrapper.send, args=[piece for piece in pieces if piece])
    thread.start()
    yield
    thread.join()


def _most_held(wrapper: Running) -> int:
    """Bytes: the most that the wrapper ever held."""
    lines = Path(f"/proc/{wrapper.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _at_rest(wrapper: Running) -> int:
    wrapper.heartbeat()
    resident: int = psutil.Process(wrapper.process.pid).memory_info().rss
    return resident


@linux
@both
def test_a_message_of_a_hundred_megabytes_passes_both_ways_and_is_never_held(
    place: Path, sockets: bool
) -> None:
    head, tail = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"text":"', b'"}}\n'
    block = b"a\\u00e4 " * 9_000
    blocks = HUNDRED_MEGABYTES // len(block)
    whole = hashlib.blake2b(head)
    with Running(server(ECHO), home=place, sockets=sockets) as wrapper:
        rest = _at_rest(wrapper)
        with _sending(wrapper, [head, *[block] * blocks, tail]):
            seen, left = hashlib.blake2b(), len(head) + blocks * len(block) + len(tail)
            while left:
                seen.update(part := wrapper.receive(min(left, 1_000_000)))
                left -= len(part)
        for _ in range(blocks):
            whole.update(block)
        whole.update(tail)
        assert seen.digest() == whole.digest()
        assert wrapper.heartbeat(lambda beat: beat["activity_count"])["in_flight"] == 1
        assert _most_held(wrapper) - rest <= MORE


@linux
def test_a_server_that_floods_during_a_call_is_heard_to_the_end_and_nothing_piles_up(place: Path) -> None:
    note = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}\n'
    flooding = f"""
import posix
posix.read(0, 65536)
for number in range(400):
    out = {note!r} * 500
    while out:
        out = out[posix.write(1, out):]
posix.write(1, b'{{"jsonrpc":"2.0","id":1,"result":{{}}}}\\n')
posix.read(0, 1)
"""
    with Running(server(flooding), home=place) as wrapper:
        rest = _at_rest(wrapper)
        wrapper.send(request("tools/call", 1))
        for _ in range(400):
            assert wrapper.receive(500 * len(note)) == 500 * note
        assert json.loads(wrapper.line())["id"] == 1
        assert wrapper.heartbeat(lambda beat: beat["activity_count"] and not beat["in_flight"])
        assert _most_held(wrapper) - rest <= MORE


@linux
@both
def test_while_the_client_does_not_read_nothing_is_lost_and_nothing_is_hoarded(
    place: Path, sockets: bool
) -> None:
    with Running(server(ECHO), home=place, sockets=sockets) as wrapper:
        rest = _at_rest(wrapper)
        os.set_blocking(wrapper.input, False)
        calls, sent = b"".join(_line(ident) for ident in range(100_000)), 0
        # Until nobody has taken anything for half a second.
        while select.select([], [wrapper.input], [], 0.5)[1]:
            sent += os.write(wrapper.input, calls[sent : sent + 4096])
            assert sent < len(calls), "somebody hoards"
        assert _most_held(wrapper) - rest <= MORE
        assert sent < 3_000_000
        os.set_blocking(wrapper.input, True)
        with _sending(wrapper, [calls[sent:]]):
            assert wrapper.receive(len(calls)) == calls


def _line(ident: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":{}}\n' % ident
