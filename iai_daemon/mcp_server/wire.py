"""Standard input as the SDK can read it, and what is still to be said on standard output. Used by the server."""

from __future__ import annotations

import asyncio
import json
import re
from io import TextIOWrapper
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import anyio

from iai_daemon.clock import Stopwatch, SystemClock

# Longer than the memory may keep a call waiting.
_PATIENCE = 15.0

# Any escape of a JSON text; the groups are a character of two halves, and a half that stands alone.
_ESCAPE = re.compile(
    r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class Input(anyio.AsyncFile[str]):
    """Lines in which no half of a character stands alone.

    JavaScript leaves halves where a text was cut within an emoji. The SDK's JSON parser refuses the whole message then,
    id included, so the call would never be answered. At the end of its input the SDK drops what it has not answered yet:
    so the end is told when everything is answered.
    """

    def __init__(self, lines: TextIOWrapper, questions: Questions) -> None:
        super().__init__(lines)
        self._questions = questions

    async def readline(self) -> str:
        line = mended(await super().readline())
        if line:
            self._questions.asked(line)
        else:
            await self._questions.wait_until_answered()
        return line


class Questions:
    """The client's requests that have no answer yet."""

    def __init__(self) -> None:
        self._open: set[int | str] = set()
        self._answered = asyncio.Event()

    def asked(self, line: str) -> None:
        """A message has come; what is no message the SDK will say."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict) or "method" not in message:
            return
        if isinstance(message.get("id"), int | str):
            self._open.add(message["id"])
        elif message["method"] == "notifications/cancelled" and isinstance(message.get("params"), dict):
            self.answered(message["params"].get("requestId"))

    def answered(self, identity: object) -> None:
        """It needs no answer any more."""
        if isinstance(identity, int | str):
            self._open.discard(identity)
            self._answered.set()

    async def wait_until_answered(self) -> None:
        """Or until nothing can come any more."""
        watch = Stopwatch()
        while self._open and watch.seconds() < _PATIENCE:
            self._answered.clear()
            await SystemClock().wait(self._answered, _PATIENCE)


_Message_contra = TypeVar("_Message_contra", contravariant=True)


class _Stream(Protocol[_Message_contra]):
    async def send(self, item: _Message_contra, /) -> None: ...

    async def aclose(self) -> None: ...


class Output(Generic[_Message_contra]):
    """The SDK's stream of messages to the client, which notes what has been answered."""

    def __init__(self, stream: _Stream[_Message_contra], questions: Questions) -> None:
        self._stream = stream
        self._questions = questions

    async def send(self, item: _Message_contra, /) -> None:
        """Returns when the writer has taken it."""
        await self._stream.send(item)
        message = getattr(item, "message", None)
        if not hasattr(message, "method"):
            self._questions.answered(getattr(message, "id", None))

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Output[_Message_contra]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def mended(line: str) -> str:
    """The line with U+FFFD, the replacement character, for each half that stands alone."""
    return (
        _ESCAPE.sub(lambda found: r"\ufffd" if found[2] else found[0], line) if _HALF.search(line) else line
    )
