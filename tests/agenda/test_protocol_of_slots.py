"""Whoever asks a store by the protocol gets from every engine what the protocol says: the same names, the same defaults."""

from __future__ import annotations

import inspect

import pytest

from iai_daemon.agenda.store.postgres.agenda import PostgresSlots
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.agenda.store.sql.slots import SqlSlots

METHODS = [name for name in vars(SlotStore) if not name.startswith("_")]


def asked(method: object) -> list[tuple[str, object, object]]:
    """What it is called with: names, ways and defaults."""
    assert callable(method)
    return [(each.name, each.kind, each.default) for each in inspect.signature(method).parameters.values()]


@pytest.mark.parametrize("store", [SqlSlots, PostgresSlots])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_what_the_protocol_says(store: type, method: str) -> None:
    assert asked(getattr(store, method)) == asked(getattr(SlotStore, method))


def test_a_slot_that_is_resolved_says_so_to_the_backend_unless_asked_not_to() -> None:
    defaults = {name: default for name, _, default in asked(SlotStore.resolve)}
    assert (defaults["summary"], defaults["reason"], defaults["tell"]) == (None, None, True)
