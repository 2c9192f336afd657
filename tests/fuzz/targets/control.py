"""What comes in by the control socket, over a real one (`control.server.ControlServer`)."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.control.address import address
from iai_daemon.control.messages import MAX_LINE, Failure, call, parse_request
from iai_daemon.control.server import ControlServer, Notify
from iai_daemon.errors import Refused, UsageError
from iai_daemon.units import parse_duration
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

# Far more than an answer takes, also on a machine under load.
_PATIENCE = 20.0
_LINES = [
    call("status", {}, 1),
    call("sleep", {"for": "2h"}, 2),
    call("tell", {"passes": ["expire"], "max_rounds": 3}, 3),
    call("refuse", {}, 4),
    b'{"jsonrpc": "2.0", "method": "status"}\n',
    b'{"jsonrpc": "2.0", "method": "status", "id": "a text"}\n',
]
_TOKENS = [b'"id": ', b'"jsonrpc": "2.0", ', b'"method": "status"', b'"params": {}', b'"params": [1]', b"\n\n", b"x" * (MAX_LINE + 9)]  # fmt: skip


class Desk:
    """Handlers of each kind. `failures`: what they raised that nobody had expected."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    async def status(self, params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return {"told": dict(params)}

    async def sleep(self, params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        try:
            return {"seconds": parse_duration(str(params.get("for")))}
        except ValueError as cause:
            raise UsageError(problem=f"{cause}.") from cause

    async def tell(self, params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        for number in range(3):
            notify({"done": number, "of": params.get("passes")})
        return {}

    async def refuse(self, _params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        raise Refused(problem="Not now.")


class Heard:
    """What came of some bytes: the messages in answer to them, what another caller is told then, and what failed inside."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.after: Any = None
        self.failures: list[object] = []

    @property
    def answers(self) -> list[Any]:
        return [each for each in self.messages if "method" not in each]


async def _hear(kind: Any, data: bytes, wanted: int) -> Heard:
    heard, desk = Heard(), Desk()

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # Python 3.11 tells of connections that were open at the end in this way.
        if not isinstance(context.get("exception"), asyncio.CancelledError):
            heard.failures.append(context)

    asyncio.get_running_loop().set_exception_handler(note)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        names = ("status", "sleep", "tell", "refuse")
        server = kind(path, {name: getattr(desk, name) for name in names}, heard.failures.append)
        await server.open()
        try:
            async with asyncio.timeout(_PATIENCE):
                heard.messages = await _ask(path, data, wanted)
                (heard.after,) = await _ask(path, _LINES[0], 1)
        finally:
            await server.close()
    return heard


async def _ask(path: Path, data: bytes, wanted: int) -> list[Any]:
    """The messages up to the answer that is wanted last, or to the end."""
    with address(path) as where:
        reader, writer = await asyncio.open_unix_connection(where, limit=1 << 24)
    messages: list[Any] = []
    try:
        writer.write(data)
        while sum("method" not in each for each in messages) < wanted and (line := await reader.readline()):
            messages.append(json.loads(line))
    except ConnectionError:
        pass  # who has said too much is not heard to the end
    finally:
        writer.close()
    return messages


def _awaited(data: bytes) -> tuple[list[object], bool]:
    """The ids of the answers that there must be, and whether the server hangs up behind them: at a line that is too long."""
    idents: list[object] = []
    for line in data.split(b"\n")[:-1]:
        if len(line) >= MAX_LINE:
            return idents, True
        each = parse_request(line)
        if isinstance(each, Failure) or each.id is not None:
            idents.append(each.id)
    return idents, len(data.rpartition(b"\n")[2]) >= MAX_LINE


def check(subject: Any, given: Sequence[bytes]) -> Verdict:
    data = b"".join(given)
    idents, too_long = _awaited(data)
    heard = asyncio.run(_hear(subject, data, len(idents)))
    assert not heard.failures, heard.failures
    assert heard.after["result"] == {"told": {}}, "nobody else is answered any more"
    assert all(each["jsonrpc"] == "2.0" for each in heard.messages)
    found = [each["id"] for each in heard.answers]
    assert found == idents or (too_long and found == idents[: len(found)]), (
        "the answers are not those to the calls"
    )
    assert all(("result" in each) is not ("error" in each) for each in heard.answers)
    assert all(str(each["error"]["message"]) for each in heard.answers if "error" in each)
    codes = sorted({each["error"]["code"] for each in heard.answers if "error" in each})
    if any("result" in each for each in heard.answers):
        return accepted("answered, and errors" if codes else "answered")
    return refused(f"errors {codes}" if codes else "silence")


class _Broken(ControlServer):
    """Takes every answer for one to a call with the id 1."""

    async def _answer(self, line: bytes, *rest: Any) -> bytes | None:
        reply = await super()._answer(line, *rest)
        return reply and json.dumps({**json.loads(reply), "id": 1}).encode() + b"\n"


TARGET = Target(
    name="control",
    law="the server answers each call by its id or closes, no handler fails, and the next caller is answered",
    corpus=(tuple(_LINES), (b"[]\n", b"\xff\n", b"\n")),
    inputs=st.lists(mutated(_LINES, _TOKENS, most=2), max_size=5).map(tuple),
    check=check,
    subject=ControlServer,
    broken=_Broken,
)  # fmt: skip
