"""One suite, every engine: `opened` is the memory of a home, `agenda` its agenda, on each engine in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.paths import Home

ENGINES = ["sqlite"]


@pytest.fixture(params=ENGINES)
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Stores]]:
    """Opens the same memory once more, as another process would."""
    assert request.param == "sqlite"
    home = Home(tmp_path / "home")
    home.create()
    opened: list[Stores] = []

    def open_one() -> Stores:
        opened.append(open_stores(home))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def opened(open_again: Callable[[], Stores]) -> Stores:
    return open_again()


@pytest.fixture(params=ENGINES)
def open_the_agenda(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], OpenedAgenda]]:
    """Opens the same agenda once more, as another process would."""
    assert request.param == "sqlite"
    home = Home(tmp_path / "home")
    home.create()
    opened: list[OpenedAgenda] = []

    def open_one() -> OpenedAgenda:
        opened.append(open_agenda(home))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def agenda(open_the_agenda: Callable[[], OpenedAgenda]) -> AgendaStore:
    return open_the_agenda().store
