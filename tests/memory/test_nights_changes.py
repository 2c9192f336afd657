"""What a change, an addition and a batch are where nothing more is said of them."""

from __future__ import annotations

from iai_daemon.memory.nights.changes import (
    SETTABLE,
    Addition,
    Applied,
    Batch,
    Change,
    LinkKind,
    Outside,
    Why,
)
from iai_daemon.memory.record import Draft


def test_a_change_is_no_loss_unless_it_was_read_from_words_or_likeness() -> None:
    assert not Change("id", "expired", 1, 2, "why", {}, {}).inferred


def test_a_text_is_never_among_what_a_night_may_set() -> None:
    assert {"valid_to", "superseded_by", "merged_into", "expired_at", "archived_at"} == SETTABLE


def test_an_addition_is_made_from_nothing_and_replaces_nothing_by_itself() -> None:
    plain = Addition("id", "gist", Draft("x"), "why", {})
    assert (plain.sources, plain.replaces) == ((), {})
    assert plain.replaces is not Addition("id", "gist", Draft("x"), "why", {}).replaces


def test_a_batch_does_nothing_that_it_is_not_told() -> None:
    empty = Batch()
    lists = (empty.changes, empty.vectors, empty.additions, empty.links, empty.held, empty.lifted)
    assert (*lists, empty.contradictions) == ((),) * 7
    assert (empty.cursor, empty.position, empty.outside) == (None, None, None)
    assert (empty.insists, empty.upkeep, empty.notes) == (False, False, {})


def test_what_is_not_counted_is_none() -> None:
    assert Outside() == Outside(examined=0, changed=0, said="")
    assert Applied(1, 2, 3) == Applied(1, 2, 3, losses=0, linked=0, left_out=frozenset())


def test_words_that_the_store_keeps_stay_as_they_are() -> None:
    assert [each.value for each in LinkKind] == ["related", "source"]
    assert [each.value for each in Why] == ["review", "budget", "recall"]
