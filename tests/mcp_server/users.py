"""Users of real `iai-daemon mcp` servers who remember and search without a pause: raw lines of JSON, so that it is the servers
that are measured and not a client."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from tests.introduction import HELLO
from tests.journeys.real import command

# Every so many writes one of these questions is asked.
_A_SEARCH_EVERY = 4


class Server:
    """One server and the only one who speaks with it."""

    def __init__(self, home: Home, project: Path | None = None) -> None:
        self._process = subprocess.Popen(
            command(home, "mcp"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=project or home.root,
            text=True,
        )
        self._calls = 0
        self.hello = self.ask("initialize", HELLO)
        self._send({"method": "notifications/initialized"})

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """What the tool answers. Raises RuntimeError with what it says when it refuses."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        answer: dict[str, Any] = result["structuredContent"]
        return answer

    def leave(self) -> None:
        self._process.communicate(timeout=20)

    def read(self, uri: str) -> str:
        """The text of a resource."""
        (content,) = self.ask("resources/read", {"uri": uri})["contents"]
        text: str = content["text"]
        return text

    def ask(self, method: str, params: object) -> dict[str, Any]:
        """Raises RuntimeError with what the server says against it."""
        self._calls += 1
        self._send({"id": self._calls, "method": method, "params": params})
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == self._calls:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                result: dict[str, Any] = answer["result"]
                return result
        raise RuntimeError("the server has gone")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@dataclass
class Crowd:
    """What users did: `kept` are the ids of what the server said is kept, `troubles` what they were told instead."""

    kept: list[int] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    searches: int = 0
    leaving: threading.Event = field(default_factory=threading.Event)
    _seconds: list[float] = field(default_factory=list)

    def writes_while(self, something_happens: Callable[[], object]) -> list[float]:
        """How many seconds each write took that ended meanwhile."""
        before = len(self._seconds)
        something_happens()
        return self._seconds[before:]

    def use(self, server: Server, name: int) -> None:
        """Until it is time to leave, or something goes wrong."""
        number = 0
        try:
            while not self.leaving.is_set():
                number += 1
                watch = Stopwatch()
                added = server.call("remember", content=f"Staging of service {number} goes to queue {name}.")
                self._seconds.append(watch.seconds())
                self.kept.append(added["id"])
                if number % _A_SEARCH_EVERY == 0:
                    found = server.call("search_memory", query=f"staging service {number} queue {name}")
                    assert found["results"]
                    self.searches += 1
        except (RuntimeError, AssertionError) as trouble:
            self.troubles.append(f"user {name}, write {number}: {trouble}")


@contextmanager
def crowd(home: Home, servers: int) -> Iterator[Crowd]:
    """So many users, each with a server, at work until the end."""
    users = Crowd()
    with ExitStack() as leaving:
        started = []
        for _ in range(servers):
            started.append(Server(home))
            leaving.callback(started[-1].leave)
        threads = [threading.Thread(target=users.use, args=(each, n)) for n, each in enumerate(started)]
        for thread in threads:
            thread.start()
        try:
            yield users
        finally:
            users.leaving.set()
            for thread in threads:
                thread.join()
