"""examples/calendar_backend.py: the quick start's backend really runs, and speaks what the courier speaks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from iai_daemon.agenda.slots.courier.answers import Kind
from iai_daemon.agenda.slots.courier.http import HttpBackend
from iai_daemon.config import Calendar
from tests.agenda.courier.asking import KEY, a_beat, a_tell, trouble
from tests.project.source import ROOT

Http = Callable[..., HttpBackend]


class Example:
    """The example in a process of its own."""

    def __init__(self, *options: str) -> None:
        program = str(ROOT / "examples" / "calendar_backend.py")
        self._child = subprocess.Popen(
            [sys.executable, program, "--port", "0", *options], stdout=subprocess.PIPE, text=True
        )
        self.url = self.line().split('"')[1]

    def line(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline().rstrip("\n")

    def add(self, **slot: Any) -> httpx2.Response:
        return httpx2.post(f"{self.url}/slots", json=slot, trust_env=False)

    def end(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Example]]:
    started: list[Example] = []

    def run(*options: str) -> Example:
        started.append(Example(*options))
        return started[-1]

    yield run
    for each in started:
        each.end()


def test_a_slot_is_planned_listed_carried_out_and_kept(
    start: Callable[..., Example], http: Http, tmp_path: Path
) -> None:
    file = tmp_path / "slots.json"
    file.write_text('[{"id": 3, "agent_id": "writer", "prompt_text": "from the file"}]', encoding="utf-8")
    example = start("--slots", str(file))
    assert example.add(agent_id="writer", title="Greeting", prompt_text="Say hello.").json()["id"] == "4"
    example.add(agent_id="writer", due_at="2999-01-01T00:00:00Z")
    example.add(agent_id="reader")
    backend = http(example.url, identifier="workshop")
    assert [each.message for each in backend.beat(a_beat("writer")).slots] == ["from the file", "Say hello."]
    assert example.line() == "heartbeat of workshop: 1 agents, 2 slots are due"
    assert backend.tell(a_tell("4", "completed", summary="said", key="a")) is None
    assert example.line() == "slot 4: completed: said"
    assert [each.id for each in backend.beat(a_beat("writer")).slots] == ["3"]
    kept = {each["id"]: each for each in json.loads(file.read_text(encoding="utf-8"))}
    assert (kept["4"]["status"], kept["4"]["summary"]) == ("completed", "said")


def test_the_same_update_counts_once_and_a_slot_that_is_over_stays_as_it_is(
    start: Callable[..., Example], http: Http
) -> None:
    example = start()
    example.add(id="a/b", agent_id="writer")
    backend = http(example.url)
    backend.tell(a_tell("a/b", "in_progress", key="1"))
    backend.tell(a_tell("a/b", "aborted", key="2"))
    assert backend.tell(a_tell("a/b", "in_progress", key="1")) == "aborted"
    assert backend.tell(a_tell("a/b", "completed", key="3")) == "aborted"
    assert trouble(lambda: backend.tell(a_tell("other"))).kind is Kind.REFUSED


def test_it_may_ask_for_a_key(start: Callable[..., Example], http: Http, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n", encoding="ascii")
    example = start("--key-file", str(file))
    for place in ("header", "payload"):
        assert http(example.url, KEY, api_key_in=place).beat(a_beat()).slots == []
        assert (
            trouble(lambda place=place: http(example.url, "x", api_key_in=place).beat(a_beat())).kind
            is Kind.AUTH
        )
    assert trouble(lambda: http(example.url).beat(a_beat())).kind is Kind.AUTH


def test_what_is_no_slot_and_what_a_page_in_a_browser_sends_is_refused(start: Callable[..., Example]) -> None:
    example = start()
    assert example.add(title="whose?").status_code == 400
    assert example.add(agent_id="writer", due_at="soon").status_code == 400
    sent = {"json": {"agent_id": "writer"}, "trust_env": False}
    for head in ({"Origin": "https://page.example"}, {"Host": "page.example"}):
        assert httpx2.post(f"{example.url}/slots", headers=head, **sent).status_code == 403
    assert httpx2.get(f"{example.url}/slots", trust_env=False).json() == []


def test_its_address_is_one_that_the_settings_take(start: Callable[..., Example]) -> None:
    assert Calendar(url=start().url).is_set
