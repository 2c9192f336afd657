"""What each pass plans, from plain values."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.config import Consolidation, Embedding, Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.plan import Portion, change_id
from iai_daemon.memory.nights import Change
from iai_daemon.memory.record import Record
from tests.consolidation.evening import NOW, NOWHERE

_ids = count(1)


def go_on() -> None:
    """A yield point at which nobody is back."""


def record(**fields: object) -> Record:
    """A current record."""
    nothing = dict.fromkeys(Record.__dataclass_fields__)
    number = next(_ids)
    usual = {"id": number, "content": "…", "scope": "global", "tags": (), "revision": 1, "change": number}
    return Record(**{**nothing, **usual, "created_at": 1000, "valid_from": 1000, **fields})  # type: ignore[arg-type]


def fact(at: int, subject: str = "deploy", scope: str = "global", **fields: object) -> Record:
    return record(subject=subject, attribute="region", scope=scope, valid_from=at, **fields)


def superseded(*records: Record) -> dict[int, Change]:
    batch = Supersede().plan(Portion(records, len(records), last=True), NOW, go_on)
    return {change.record: change for change in batch.changes}


def test_a_record_expires_when_its_time_has_come_and_not_before() -> None:
    due, later = record(expires_at=NOW), record(expires_at=NOW + 1)
    batch = Expire().plan(Portion([due, later], 2, last=True), NOW, go_on)
    assert [change.record for change in batch.changes] == [due.id]
    assert batch.changes[0].sets == {"expired_at": NOW}


def test_a_record_may_be_born_expired() -> None:
    born = record(created_at=NOW, valid_from=NOW, expires_at=NOW - 5000)
    (change,) = Expire().plan(Portion([born], 1, last=True), NOW, go_on).changes
    assert change.reason == "was to be kept until 2026-11-21T11:59:55.000Z"


def test_of_two_facts_with_one_key_the_newer_holds() -> None:
    older, newer = fact(1000), fact(2000)
    changes = superseded(newer, older)
    assert changes.keys() == {older.id}
    assert changes[older.id].sets == {"valid_to": 2000, "superseded_by": newer.id}
    assert changes[older.id].rests_on == {newer.id: 1}
    assert changes[older.id].reason == (
        f"replaced by {newer.id}, a newer fact about (deploy, region) in global"
    )


def test_in_a_chain_each_fact_is_superseded_by_its_direct_successor() -> None:
    first, second, third = fact(1000), fact(2000), fact(3000)
    changes = superseded(third, first, second)
    assert {older: change.sets["superseded_by"] for older, change in changes.items()} == {
        first.id: second.id,
        second.id: third.id,
    }


def test_of_facts_of_the_same_moment_the_later_written_holds() -> None:
    older, newer = fact(1000), fact(1000)
    assert superseded(older, newer)[older.id].sets == {"valid_to": 1000, "superseded_by": newer.id}


def test_a_fact_that_is_said_twice_is_superseded_too() -> None:
    assert len(superseded(fact(1000, content="the same"), fact(2000, content="the same"))) == 1


@pytest.mark.parametrize(
    "other",
    [
        fact(2000, scope="/home/me/project"),
        fact(2000, subject="Deploy"),
        record(subject="deploy", attribute="owner", valid_from=2000),
        record(subject="deploy", valid_from=2000),
        fact(2000, forgotten_at=3000),
        fact(2000, expired_at=3000),
    ],
    ids=["another scope", "another spelling", "another attribute", "no attribute", "forgotten", "expired"],
)
def test_only_a_current_fact_with_the_same_key_supersedes(other: Record) -> None:
    assert not superseded(fact(1000), other)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=30), st.randoms())
def test_what_is_superseded_does_not_depend_on_the_order_of_reading(
    facts: list[tuple[int, str]], luck: random.Random
) -> None:
    records = [fact(1000 * at, subject) for at, subject in facts]
    shuffled = luck.sample(records, len(records))
    assert superseded(*shuffled) == superseded(*records)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=30))
def test_after_superseding_each_key_has_one_current_fact_and_no_time_runs_backwards(
    facts: list[tuple[int, str]],
) -> None:
    records = [fact(1000 * at, subject) for at, subject in facts]
    changes = superseded(*records)
    left = [each.key for each in records if each.id not in changes]
    assert len(left) == len(set(left))
    by_id = {each.id: each for each in records}
    for older, change in changes.items():
        assert change.sets["valid_to"] >= by_id[older].valid_from
        assert change.sets["superseded_by"] not in changes or change.sets["superseded_by"] != older


def test_change_ids_are_the_same_in_any_process() -> None:
    assert change_id("supersede", "superseded", 3, 17, 2000) == "dd27c51afce86bb2"


def test_a_change_id_depends_on_what_decides_and_not_on_the_revision() -> None:
    older, newer = fact(1000), fact(2000)
    assert superseded(older, newer) != superseded(replace(older, revision=5), newer)
    (one,), (two,) = superseded(older, newer).values(), superseded(replace(older, revision=5), newer).values()
    assert one.change_id == two.change_id


def test_embedding_plans_a_vector_for_each_record_that_has_none() -> None:
    portion = Portion([record(content="hello"), record(content="world")], examined=5, last=True, position=9)
    batch = Embed(Embedding()).plan(portion, NOW, go_on)
    assert [(v.model, v.dimension, len(v.data)) for v in batch.vectors] == [("hash-256", 256, 1024)] * 2
    assert (batch.cursor, batch.position) == ("embed:hash-256", 9)


def names(settings: Settings, **wanted: object) -> list[str]:
    return [each.name for each in passes.chosen(settings, NOWHERE, alone=True, **wanted)]  # type: ignore[arg-type]


def test_the_passes_run_in_their_order_whatever_the_settings_list_first() -> None:
    settings = Settings(consolidation=Consolidation(passes=("embed", "expire")))
    assert names(settings) == ["expire", "embed"]


def test_the_model_none_leaves_the_pass_embed_out() -> None:
    assert "embed" not in names(Settings(embedding=Embedding(model="none")))


def test_passes_may_be_named() -> None:
    assert names(Settings(), names=["supersede"]) == ["supersede"]
