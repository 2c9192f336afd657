"""A calendar backend as small as one can be: slots from a JSON file or added by POST, what becomes of them printed and kept.

    python examples/calendar_backend.py [--port 8765] [--slots slots.json] [--key-file KEY]

It speaks docs/reference/calendar-backend.openapi.yaml, and beside it `GET /slots` and `POST /slots` for whoever plans:

    curl -d '{"agent_id": "writer", "title": "Greeting", "prompt_text": "Say hello."}' http://127.0.0.1:8765/slots

The file holds a list of slots, and is written again whenever one changes. A slot with `due_at` (RFC 3339) is listed from then
on, one without at once. Needs nothing but Python, and listens on this machine alone.
"""

from __future__ import annotations

import argparse
import hmac
import json
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

OVER = ("completed", "aborted")
STATUSES = ("in_progress", "paused", *OVER)
LONGEST = 1_000_000

Slot = dict[str, Any]


class Refused(Exception):
    """What is answered instead: an HTTP status, and an object that says why."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.answer = answer


class Slots:
    """All slots, in memory and in a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        listed = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else []
        self._slots: dict[str, Slot] = {str(slot["id"]): slot for slot in listed}

    def all(self) -> list[Slot]:
        with self._lock:
            return list(self._slots.values())

    def due(self, now: datetime, agents: list[Any]) -> list[Slot]:
        """Those of these agents whose time has come and that are not over."""
        with self._lock:
            return [
                slot
                for slot in self._slots.values()
                if slot.get("status") not in OVER and slot["agent_id"] in agents and is_due(slot, now)
            ]

    def add(self, slot: Slot) -> Slot:
        if not isinstance(slot.get("agent_id"), str):
            raise Refused(400, {"error": "agent_id is missing"})
        try:
            is_due(slot, datetime.now(UTC))
        except (TypeError, ValueError):
            raise Refused(400, {"error": "due_at is no time"}) from None
        with self._lock:
            numbers = [int(name) for name in self._slots if name.isdecimal()]
            id = str(slot.get("id") or max(numbers, default=0) + 1)  # noqa: A001 -- as the slots have it
            if id in self._slots:
                raise Refused(409, {"error": f"there is a slot {id} already"})
            self._slots[id] = {**slot, "id": id}
            self._save()
            return self._slots[id]

    def update(self, id: str, update: Slot, key: str) -> Slot:  # noqa: A002 -- as the slots have it
        """An update that comes again changes nothing again; a slot that is over stays as it is."""
        with self._lock:
            if id not in self._slots:
                raise Refused(404, {"error": f"there is no slot {id}"})
            slot = self._slots[id]
            if key and key in self._seen:
                return slot
            if update.get("status") not in STATUSES:
                raise Refused(400, {"error": f"status is none of {', '.join(STATUSES)}"})
            if slot.get("status") in OVER:
                raise Refused(409, {"error": "it is over already", "status": slot["status"]})
            slot.update({name: update.get(name) for name in ("status", "summary", "reason")})
            self._seen.add(key)
            self._save()
            return slot

    def _save(self) -> None:
        if self._path:
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(list(self._slots.values()), indent=2), encoding="utf-8")
            new.replace(self._path)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def is_due(slot: Slot, now: datetime) -> bool:
    if slot.get("due_at") is None:
        return True
    due = datetime.fromisoformat(slot["due_at"])
    return (due if due.tzinfo else due.replace(tzinfo=UTC)) <= now


class Handler(BaseHTTPRequestHandler):
    """Answers the two requests of the daemon's, and the two of whoever plans."""

    slots: ClassVar[Slots]
    key: ClassVar[str | None] = None
    timeout = 30

    def do_GET(self) -> None:
        self.answer(self.list_all)

    def do_POST(self) -> None:
        self.answer(self.take)

    def answer(self, work: Any) -> None:
        try:
            status, answer = 200, work()
        except Refused as refused:
            status, answer = refused.status, refused.answer
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def list_all(self) -> Any:
        self.check({})
        if self.path != "/slots":
            raise Refused(404, {"error": "there is only /slots"})
        return self.slots.all()

    def take(self) -> Any:
        said = self.body()
        self.check(said)
        match self.path.strip("/").split("/"):
            case ["heartbeat"]:
                agents = [each.get("id") for each in said.get("agents", ()) if isinstance(each, dict)]
                due = self.slots.due(datetime.now(UTC), agents)
                say(f"heartbeat of {said.get('identifier')}: {len(agents)} agents, {len(due)} slots are due")
                return {"slots": due, "restart_pending": False}
            case ["slots"]:
                return self.slots.add(said)
            case ["slots", id, "status"]:
                slot = self.slots.update(unquote(id), said, self.headers.get("Idempotency-Key", ""))
                why = said.get("summary") or said.get("reason") or ""
                say(f"slot {slot['id']}: {said['status']}{': ' if why else ''}{why}")
                return {"status": slot["status"]}
            case _:
                raise Refused(404, {"error": "there are /heartbeat, /slots and /slots/ID/status"})

    def body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            raise Refused(413, {"error": "there is no length, or too much of it"})
        try:
            said = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused(400, {"error": "that is no JSON"}) from None
        if not isinstance(said, dict):
            raise Refused(400, {"error": "that is no object"})
        return said

    def check(self, said: dict[str, Any]) -> None:
        """No page in a browser may plan anything here. The key, where one is set: in the head, or in what is said."""
        host = self.headers.get("Host", "").partition(":")[0]
        if "Origin" in self.headers or host not in ("127.0.0.1", "localhost"):
            raise Refused(403, {"error": "this is for programs of this machine alone"})
        given = self.headers.get("Authorization", "").removeprefix("Bearer ") or str(said.get("api_key", ""))
        if self.key is not None and not hmac.compare_digest(given.encode(), self.key.encode()):
            raise Refused(401, {"error": "the key is wrong"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- of the library
        """What matters is printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A small calendar backend for iai-daemon, to begin with.")
    parser.add_argument("--port", type=int, default=8765, help="0: any that is free")
    parser.add_argument("--slots", type=Path, help="a JSON file of slots, kept up to date")
    parser.add_argument("--key-file", type=Path, help="a file with the key that is asked for")
    options = parser.parse_args()
    Handler.slots = Slots(options.slots)
    if options.key_file:
        Handler.key = options.key_file.read_text(encoding="ascii").strip()
    with ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        say(f'url = "http://127.0.0.1:{server.server_port}"')
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
