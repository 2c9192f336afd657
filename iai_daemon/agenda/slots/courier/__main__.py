"""The courier's process: one order a line from standard input, one answer a line to standard output, until the input ends.

A key is in none of them, whoever repeats it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from iai_daemon import clock, config
from iai_daemon.agenda.slots.courier.answers import Answer, Kind, Trouble
from iai_daemon.agenda.slots.courier.ending import end_with_parent
from iai_daemon.agenda.slots.courier.http import HttpBackend
from iai_daemon.agenda.slots.courier.icalendar import Address, File, ICalendar
from iai_daemon.agenda.slots.courier.key import Secrets, read_key
from iai_daemon.agenda.slots.courier.orders import LONGEST_LINE, BadOrder, Beat, Tell, from_line
from iai_daemon.agenda.slots.courier.web import Web
from iai_daemon.errors import BadConfig
from iai_daemon.paths import Home, find_home
from iai_daemon.units import format_stamp


class Backend(Protocol):
    """Where slots come from. Everything raises Trouble."""

    def beat(self, order: Beat) -> Answer: ...

    def tell(self, order: Tell) -> str | None: ...


class Courier:
    """Carries out orders, one after the other, with the settings that stood in the home when it was started."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._calendar = config.load(home).calendar
        self._secrets = Secrets()
        # All that keeps others out of many a calendar is that nobody knows its address.
        where = urlsplit(self._calendar.url)
        path = where._replace(scheme="", netloc="").geturl()
        self._address = Secrets(path if self._calendar.backend == "icalendar" and path != "/" else None)
        self._backend = self._make()

    def answer(self, line: bytes) -> Mapping[str, Any]:
        """Whatever the line is."""
        try:
            order = from_line(line)
        except BadOrder as cause:
            return _failure(cause.id, Kind.BAD, str(cause))
        try:
            if isinstance(order, Beat):
                return {"id": order.id, "ok": True, **self._told(self._backend.beat(order))}
            return {"id": order.id, "ok": True, "status": self._backend.tell(order)}
        except Trouble as cause:
            return _failure(order.id, cause.kind, self._without(str(cause)))

    def _make(self) -> Backend:
        calendar, web = self._calendar, Web()
        if calendar.backend == "http":
            return HttpBackend(calendar, web, self._key)
        if calendar.path:
            return ICalendar(File(config.filled_in(calendar.path, self._home)), clock.read)
        return ICalendar(Address(calendar.url, web, self._key), clock.read)

    def _key(self) -> str | None:
        key = read_key(self._calendar, self._home)
        self._secrets = Secrets(key)
        return key

    def _without(self, text: str) -> str:
        return self._address.hide(self._secrets.hide(text))

    def _told(self, answer: Answer) -> Mapping[str, Any]:
        """What goes to the daemon of an answer. A slot whose name is made of the key could not be told of without it."""
        hide, dropped = self._secrets.hide, [*answer.dropped]
        slots = []
        for each in answer.slots:
            if self._secrets.are_in(each.id, each.agent, each.status or ""):
                dropped.append("a slot that is named by the key")
                continue
            repeats = self._secrets.are_in(each.title, each.message)
            title, message = (hide(each.title), hide(each.message)) if repeats else (each.title, each.message)
            told = {"id": each.id, "agent": each.agent, "title": title, "message": message}
            slots.append({**told, "status": each.status})
        next_at = None if answer.next_at is None else format_stamp(answer.next_at)
        return {
            "slots": slots,
            "restart_pending": answer.restart_pending,
            "dropped": [self._without(each) for each in dropped],
            "next_at": next_at,
        }


class Misconfigured:
    """Stands in where the settings cannot be read: every order is answered with why."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            return _failure(from_line(line).id, Kind.BAD, self._problem)
        except BadOrder as cause:
            return _failure(cause.id, Kind.BAD, str(cause))


def _failure(id: int | None, kind: Kind, problem: str) -> Mapping[str, Any]:  # noqa: A002 -- as on the line
    return {"id": id, "ok": False, "kind": str(kind), "problem": problem}


def _lines(descriptor: int) -> Iterator[bytes]:
    """What is longer than a line may be loses its end, which makes it one that cannot be read."""
    buffer = b""
    while chunk := os.read(descriptor, 65_536):
        *lines, buffer = (buffer + chunk).split(b"\n")
        buffer = buffer[: LONGEST_LINE + 1]
        yield from lines


def _serve(courier: Courier | Misconfigured) -> None:
    for line in _lines(sys.stdin.fileno()):
        data = json.dumps(courier.answer(line), ensure_ascii=False).encode() + b"\n"
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]


def main() -> None:
    """Serve until the input ends, and be gone then: a look-up of a name that still hangs is waited for by nobody."""
    end_with_parent()
    parser = argparse.ArgumentParser(prog="courier", description="Talks to the calendar for iai-daemon.")
    parser.add_argument("--home", required=True)
    home = find_home(parser.parse_args().home)
    courier: Courier | Misconfigured
    try:
        courier = Courier(home)
    except BadConfig as cause:
        courier = Misconfigured(str(cause))
    with contextlib.suppress(BrokenPipeError):  # the daemon has gone
        _serve(courier)
    os._exit(0)


if __name__ == "__main__":
    main()
