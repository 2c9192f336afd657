"""One suite, every engine: `opened` is the memory of a home, `agenda` its agenda, on each engine in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home

ENGINES = ["sqlite", "postgresql"]


@pytest.fixture(params=ENGINES)
def home_of_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A home whose settings name this engine, with nothing in its store."""
    home = Home(tmp_path / "home")
    home.create()
    if request.param == "postgresql":
        address = request.getfixturevalue("new_database")()
        home.config.write_text(f'[memory]\nstore = "{address}"\n')
        home.config.chmod(0o600)
    return home


@pytest.fixture
def open_again(home_of_engine: Home) -> Iterator[Callable[[], Stores]]:
    """Opens the same memory once more, as another process would."""
    opened: list[Stores] = []

    def open_one() -> Stores:
        opened.append(open_stores(home_of_engine))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def opened(open_again: Callable[[], Stores]) -> Stores:
    return open_again()


@pytest.fixture
def open_the_agenda(home_of_engine: Home) -> Iterator[Callable[[], OpenedAgenda]]:
    """Opens the same agenda once more, as another process would."""
    opened: list[OpenedAgenda] = []

    def open_one() -> OpenedAgenda:
        opened.append(open_agenda(home_of_engine))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def agenda(open_the_agenda: Callable[[], OpenedAgenda]) -> AgendaStore:
    return open_the_agenda().store
