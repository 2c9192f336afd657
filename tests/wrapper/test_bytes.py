"""Every byte passes, in both directions, whatever it is."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psutil
import pytest

from tests.faults.seeds import luck
from tests.wrapper.running import ECHO, Running, server

NUMBERS = b'{"jsonrpc":"2.0","id":123456789012345678901234567890,"result":{"x":1.000,"y":1e400,"z":-0}}\n'
ODD = {
    "any bytes": bytes(range(256)) * 64,
    "no JSON": b"Content-Length: 5\r\n\r\nhello\n\n\n",
    "invalid UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":"\xff\xfe\xc3"}}\n',
    "exact numbers and vendor fields": NUMBERS.replace(b"result", b"vendor"),
    "a batch": b'[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":[]},17,[]]\r\n',
    "no newline at the end": b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
    "spaces, and keys in any order": b' { "params" : {} , "id" : "a\\u0062" , "method" : "tools\\/call" } \n',
    "deep": b"[" * 5000 + b"\n" + b'{"a":' * 5000 + b"\n",
    "torn in the middle of a character": "ä".encode()[:1] + b"\n" + "é".encode() * 20_000 + b"\n",
}


@pytest.mark.parametrize("sockets", [False, True], ids=["pipes", "sockets"])
def test_odd_bytes_pass_unchanged_in_both_directions(place: Path, sockets: bool) -> None:
    with Running(server(ECHO), home=place, sockets=sockets) as wrapper:
        for sent in ODD.values():
            wrapper.send(sent)
            assert wrapper.receive(len(sent)) == sent
        assert wrapper.leave() == 0
        assert wrapper.rest() == b""
        assert wrapper.complaints() == ""


@pytest.mark.parametrize("sockets", [False, True], ids=["pipes", "sockets"])
def test_ten_megabytes_pass_unchanged_in_both_directions(place: Path, sockets: bool) -> None:
    text = "x" * 5_000_000 + '"\\' * 1_000_000
    sent = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"text": text}}).encode()
    sent += b"\n"
    with Running(server(ECHO), home=place, sockets=sockets) as wrapper:
        sending = threading.Thread(target=wrapper.send, args=(sent,))
        sending.start()
        assert wrapper.receive(len(sent)) == sent
        sending.join()
        assert wrapper.heartbeat(lambda beat: beat["activity_count"] == 1)["in_flight"] == 1


def test_any_chunking_passes_unchanged(place: Path) -> None:
    chance = luck("chunks")
    sent = b"".join(
        chance.randbytes(chance.randrange(1, 3000)) + b"\n" * chance.randrange(3) for _ in range(200)
    )
    with Running(server(ECHO), home=place) as wrapper:
        at = 0
        while at < len(sent):
            part = sent[at : at + chance.choice([1, 2, 700, 5000])]
            wrapper.send(part)
            assert wrapper.receive(len(part)) == part
            at += len(part)


def test_three_thousand_calls_in_a_row_are_passed_on_counted_and_answered(place: Path) -> None:
    answering = """
import posix
rest = b""
while chunk := posix.read(0, 65536):
    *lines, rest = (rest + chunk).split(b"\\n")
    out = b"".join(b'{"jsonrpc":"2.0","id":%d,"result":{}}\\n' % int(line[22:line.index(b",", 22)]) for line in lines)
    while out:
        out = out[posix.write(1, out):]
"""
    calls = [
        b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{}}\n' % ident for ident in range(3000)
    ]
    with Running(server(answering), home=place) as wrapper:
        sending = threading.Thread(target=wrapper.send, args=calls)
        sending.start()
        answers = [json.loads(wrapper.line())["id"] for _ in calls]
        sending.join()
        assert answers == list(range(3000))
        assert wrapper.heartbeat(lambda beat: beat["activity_count"] == 3000 and not beat["in_flight"])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_a_client_that_stops_reading_holds_the_server_up_and_costs_no_memory(place: Path) -> None:
    flood = """
import posix
posix.set_blocking(1, False)
written = 0
from select import select
while select([], [1], [], 0.3)[1]:
    written += posix.write(1, b"x" * 65536)
posix.write(2, b"%d\\n" % written)
posix.read(0, 1)
"""
    with Running(server(flood), home=place) as wrapper:
        assert wrapper.process.stderr
        written = int(wrapper.process.stderr.readline())
        assert written < 1_000_000
        assert psutil.Process(wrapper.process.pid).memory_info().rss < 12_500_000
        wrapper.send(b"\n")
        assert wrapper.receive(written) == b"x" * written
