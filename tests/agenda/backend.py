"""A real calendar backend on loopback that lists what a test says, keeps what it is told, or misbehaves as it is told."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from iai_daemon.paths import Home

ANSWERS = Callable[["Handler"], None]


@dataclass(frozen=True)
class Asked:
    """One request; `body` is its JSON, None where there is none."""

    method: str
    path: str
    head: dict[str, str]
    body: Any

    @property
    def slot(self) -> str:
        """Which slot an update is about."""
        return unquote(self.path.split("/")[-2])


class Backend(ThreadingHTTPServer):
    """`slots` is what a heartbeat lists. `on_beat` and `on_update` answer instead, when they are set; `on_get` answers GET."""

    daemon_threads = False

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.slots: list[Any] = []
        self.restart_pending = False
        self.on_beat: ANSWERS | None = None
        self.on_update: ANSWERS | None = None
        self.on_get: ANSWERS | None = None
        self.asked: list[Asked] = []
        self.scheme = "https" if trust else "http"
        if trust:
            self.socket = trust.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        # Those that are made to wait go on when it is closed.
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/api"

    @property
    def beats(self) -> list[Asked]:
        return [each for each in self.asked if each.path.endswith("/heartbeat")]

    @property
    def updates(self) -> list[Asked]:
        return [each for each in self.asked if each.path.endswith("/status")]

    def told(self) -> list[tuple[str, str]]:
        """Slot and status of each update, in the order in which they came."""
        return [(each.slot, each.body["status"]) for each in self.updates]

    def list_slot(self, id: Any, agent: str, prompt: str = "do it", **more: Any) -> None:  # noqa: A002 -- as in the answer
        self.slots.append({"id": id, "agent_id": agent, "title": f"Slot {id}", "prompt_text": prompt, **more})

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is no matter."""


class Handler(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        asked = Asked("POST", self.path, dict(self.headers), json.loads(self._body()))
        self.server.asked.append(asked)
        if self.path.endswith("/heartbeat"):
            answer = self.server.on_beat or Handler.list_slots
        else:
            answer = self.server.on_update or (lambda handler: handler.say({"status": asked.body["status"]}))
        answer(self)

    def do_GET(self) -> None:
        self.server.asked.append(Asked("GET", self.path, dict(self.headers), None))
        (self.server.on_get or (lambda handler: handler.say({}, 404)))(self)

    def list_slots(self) -> None:
        self.say({"slots": self.server.slots, "restart_pending": self.server.restart_pending})

    def say(self, answer: Any, status: int = 200) -> None:
        self.write(json.dumps(answer).encode(), status)

    def write(self, body: bytes, status: int = 200, length: int | None = None, **head: str) -> None:
        """`length`: what is told of it instead of how long it is."""
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.closing.wait(60)

    def drip(self, start: bytes) -> None:
        """One byte after the other, for far longer than anybody should wait."""
        self.wfile.write(start)
        for _ in range(3000):
            if self.server.closing.wait(0.02):
                return
            self.wfile.write(b"x")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Its clock is wrong by decades."""
        return super().date_time_string(0 if timestamp is None else timestamp)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- of the library
        """Tests are quiet."""


@contextlib.contextmanager
def calendar_backend(trust: ssl.SSLContext | None = None) -> Iterator[Backend]:
    with Backend(trust) as backend:
        thread = threading.Thread(target=backend.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield backend
        finally:
            backend.closing.set()
            backend.shutdown()
            thread.join()


def configure(home: Home, url: str, **settings: str) -> None:
    """Write the settings that lead there, beside what stands in the home's config.toml already."""
    lines = [
        "",
        "[calendar]",
        f'url = "{url}"',
        *(f"{name} = {json.dumps(settings[name])}" for name in settings),
    ]
    before = home.config.read_text(encoding="utf-8") if home.config.exists() else ""
    home.config.write_text(before + "\n".join([*lines, ""]), encoding="utf-8")
