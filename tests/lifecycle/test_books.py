"""What is kept of the lifecycle is kept as soon as the disk takes it, and until then it is said why it does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from iai_daemon.lifecycle import history
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks
from tests.fakes import BOOT_ID, NOON, FakeClock

ASLEEP = Standing(State.BEDTIME, since=9_000.0, last_active=8_000.0, rule="absent")


@pytest.fixture
def books(home: Home) -> Books:
    books = Books(home, BOOT_ID)
    books.resume(FakeClock().now())
    return books


def _keep(books: Books, standing: Standing) -> None:
    books.keep(standing, FakeClock().now(), Clocks())


def _tell(books: Books, number: int) -> None:
    books.tell(Transition(NOON + number, "WAKE", "IDLE", "nobody", "no wrapper is open", {}))


def test_what_changes_nothing_that_lasts_is_not_written(home: Home, books: Books) -> None:
    _keep(books, ASLEEP)
    written = home.state.stat().st_mtime_ns
    _keep(books, replace(ASLEEP, reason="no wrapper open for 3 min", last_active=8_500.0))
    assert home.state.stat().st_mtime_ns == written
    _keep(books, replace(ASLEEP, rule="inactive"))
    assert home.state.stat().st_mtime_ns > written


def test_what_stands_in_the_way_is_told_and_when_it_has_gone_nothing_is_missing(
    home: Home, books: Books
) -> None:
    for path in (home.state, home.history):
        path.mkdir()
    for number in range(3):
        _tell(books, number)
        _keep(books, ASLEEP)
    assert str(home.state) in books.trouble["state"]
    assert str(home.history) in books.trouble["history"]
    for path in (home.state, home.history):
        path.rmdir()
    _keep(books, ASLEEP)
    assert books.trouble == {}
    assert json.loads(home.state.read_text())["state"] == "BEDTIME"
    assert [str(each["at"])[17:19] for each in history.read(home.history)] == ["00", "01", "02"]


def test_transitions_that_wait_for_the_disk_have_a_bound(home: Home, books: Books) -> None:
    home.history.mkdir()
    for number in range(1500):
        _tell(books, number)
        _keep(books, ASLEEP)
    home.history.rmdir()
    _keep(books, ASLEEP)
    told = history.read(home.history)
    assert len(told) == 1000
    assert told[-1]["at"] == "2026-11-21T12:24:59.000Z"
