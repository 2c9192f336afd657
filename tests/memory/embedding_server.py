"""A real HTTP server on loopback that gives embeddings as OpenAI's interface has them, or misbehaves as it is told."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from iai_daemon.config import Embedding


def numbers(text: str, dimension: int) -> list[float]:
    """A vector of a text: how often each character stands in it."""
    found = [0.0] * dimension
    for character in text:
        found[ord(character) % dimension] += 1
    return found


class Server(ThreadingHTTPServer):
    """`answer` is called for each request with its handler and what it asks; `asked` keeps what was asked, and with what head."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[_Handler, Any], None] = lambda handler, asked: handler.embed(asked["input"])
        self.asked: list[tuple[dict[str, str], Any]] = []
        # Those that are made to wait go on when it is closed.
        self.closing = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is no matter."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((dict(self.headers), {"path": self.path, **asked}))
        self.server.answer(self, asked)

    def embed(self, texts: Sequence[str], dimension: int = 8) -> None:
        """As a server should, in another order than it was asked."""
        data = [{"index": at, "embedding": numbers(text, dimension)} for at, text in enumerate(texts)]
        self.say({"object": "list", "data": data[::-1]})

    def say(self, answer: Any, status: int = 200) -> None:
        self.write(json.dumps(answer).encode(), status)

    def write(self, body: bytes, status: int = 200, length: int | None = None, **head: str) -> None:
        """`length`: what is told of it instead of how long it is."""
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.closing.wait(60)

    def drip(self) -> None:
        """One byte after the other, for far longer than anybody should wait."""
        self.send_response(200)
        self.end_headers()
        for _ in range(500):
            if self.server.closing.wait(0.02):
                return
            self.wfile.write(b" ")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- of the library
        """Tests are quiet."""


@contextlib.contextmanager
def embedding_server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def asking(server: Server, timeout: float = 20.0, model: str = "tiny", **settings: Any) -> Embedding:
    """The settings that lead to this server."""
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return Embedding("http", url, model, timeout=timeout, **settings)
