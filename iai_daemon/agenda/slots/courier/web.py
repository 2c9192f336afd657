"""One exchange over HTTP, bounded in time and size whatever the other side does. Nothing here knows what it is about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from iai_daemon import __version__
from iai_daemon.agenda.slots.courier.answers import Kind, Trouble
from iai_daemon.foreign import one_line
from iai_daemon.kinds import is_loopback

# Seconds: for each step, and for everything together.
_STEP = httpx2.Timeout(10.0, connect=5.0)
_WHOLE = 15.0
_MB = 1_000_000
_SAID = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; the names of the head are written small."""

    status: int
    head: Mapping[str, str]
    body: bytes


class Web:
    """Asks servers, one at a time. `whole`: seconds after which an exchange is given up."""

    def __init__(self, whole: float = _WHOLE) -> None:
        self._whole = whole
        self._loop = asyncio.new_event_loop()
        self._trust: ssl.SSLContext | None = None

    def close(self) -> None:
        """Nothing can be asked any more."""
        self._loop.close()

    def ask(
        self, method: str, url: str, head: Mapping[str, str], content: bytes | None, most_megabytes: int
    ) -> Reply:
        """Raises Trouble: AWAY when nothing came of it, BAD for an answer that is too long."""
        asking = self._ask(method, url, head, content, most_megabytes)
        try:
            return self._loop.run_until_complete(asyncio.wait_for(asking, self._whole))
        except TimeoutError as cause:
            raise Trouble(kind=Kind.AWAY, problem=f"it has not answered within {self._whole:g} s") from cause
        except httpx2.TimeoutException as cause:
            raise Trouble(kind=Kind.AWAY, problem="it has not answered in time") from cause
        except (httpx2.HTTPError, OSError) as cause:
            raise Trouble(
                kind=Kind.AWAY, problem=f"it does not answer ({one_line(_reason(cause), _SAID)})"
            ) from cause
        except (httpx2.InvalidURL, ValueError) as cause:
            raise Trouble(
                kind=Kind.BAD, problem="its address, or a proxy of the environment, cannot be used"
            ) from cause

    async def _ask(
        self, method: str, url: str, head: Mapping[str, str], content: bytes | None, most_megabytes: int
    ) -> Reply:
        is_safe = urlsplit(url).scheme == "https"
        # Through a tunnel a proxy sees no more than whom we talk to. What goes unencrypted, key and all, is shown to no
        # proxy that was meant for other things.
        client = httpx2.AsyncClient(
            verify=self._trusted() if is_safe else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=is_safe and not is_loopback(url),
            timeout=_STEP,
            follow_redirects=False,
        )
        # Nothing packed: what is counted is what there is.
        usual = {"Accept-Encoding": "identity", "User-Agent": f"iai-daemon/{__version__}"}
        async with (
            client,
            client.stream(method, url, headers={**usual, **head}, content=content) as answer,
        ):
            return Reply(answer.status_code, dict(answer.headers), await _body(answer, most_megabytes))

    def _trusted(self) -> ssl.SSLContext:
        """Made once: it reads some hundred certificates."""
        if self._trust is None:
            self._trust = httpx2.create_ssl_context()
        return self._trust


def _reason(cause: BaseException) -> str:
    """What the system says, at the bottom of what the libraries make of it."""
    said, below = str(cause) or type(cause).__name__, cause.__cause__ or cause.__context__
    while below is not None:
        if isinstance(below, ssl.SSLCertVerificationError):
            return f"its certificate cannot be trusted: {below.verify_message}"
        if isinstance(below, (socket.gaierror, ssl.SSLError)):
            said = below.strerror or said
        elif isinstance(below, OSError) and below.errno:
            said = os.strerror(below.errno)
        below = below.__cause__ or below.__context__
    return said


async def _body(answer: httpx2.Response, most_megabytes: int) -> bytes:
    body = bytearray()
    # Closed here and now, and not whenever it comes to be collected.
    async with contextlib.aclosing(answer.aiter_raw()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > most_megabytes * _MB:
                raise Trouble(kind=Kind.BAD, problem=f"its answer is longer than {most_megabytes} MB")
    return bytes(body)
