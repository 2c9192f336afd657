from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.agenda.world import World


@pytest.fixture
def worlds(home: Home) -> Iterator[Callable[..., World]]:
    """Makes the world of a test; what it has open is closed at the end."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(World(home, **options))
        return made[-1]

    yield make
    for world in made:
        world.forget()


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    return worlds()
