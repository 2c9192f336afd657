"""`iai-daemon report --serve` in a process of its own, and a caller of it that is no browser."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from iai_daemon.paths import Home

_PATIENCE = 20.0


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Served:
    """It runs until `stop`. `address` is the one that it has printed; `errors` what it wrote beside, once it has ended."""

    def __init__(self, home: Home, *words: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.errors = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "iai_daemon", "--home", str(home.root), "report", "--serve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().rstrip("\n")
        assert self.address or not self.stop(), self.errors
        parts = urlsplit(self.address)
        assert parts.port is not None
        self.host, self.port = parts.hostname or "", parts.port
        self.origin = f"http://{self.host}:{self.port}"
        self.token = parts.query.removeprefix("token=")

    def stop(self) -> int:
        """End it as a service manager would; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            _, self.errors = self.process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request as it is given; `_` in the names of headers stands for `-`."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, got, answer.read().decode())
        finally:
            connection.close()


class Caller:
    """Somebody who came in by the printed address: has its cookie, and reads the page's secret from it."""

    def __init__(self, served: Served) -> None:
        self.served = served
        came = served.ask(f"/?token={served.token}")
        assert came.status == 303
        self.cookie = came.headers["set-cookie"].partition(";")[0]
        page = self.get("/").text
        self.csrf = page.partition('data-csrf="')[2].partition('"')[0]
        assert self.csrf

    def get(self, path: str, **headers: str) -> Answer:
        return self.served.ask(path, cookie=self.cookie, **headers)

    def post(self, path: str, told: object, **headers: str) -> Answer:
        """As the page does it, unless `headers` say something else."""
        own = {
            "cookie": self.cookie,
            "origin": self.served.origin,
            "x_csrf_token": self.csrf,
            "content_type": "application/json",
        }
        return self.served.ask(path, "POST", json.dumps(told).encode(), **{**own, **headers})
