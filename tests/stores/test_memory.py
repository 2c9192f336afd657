"""The users' side of a memory: what is remembered, found, replaced, forgotten."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iai_daemon.errors import NoSuchRecord
from iai_daemon.memory.nights import Batch, Change
from iai_daemon.memory.record import Draft, Record, describe
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores

NOW = 1_800_000_000_000
HOUR = 3_600_000


def found(opened: Stores, text: str, now: int = NOW, **asked: object) -> list[str]:
    return [hit.record.content for hit in opened.memory.search(Query(text, **asked), now)]  # type: ignore[arg-type]


def port(content: str, **more: object) -> Draft:
    return Draft(content, subject="staging", attribute="port", **more)  # type: ignore[arg-type]


def test_what_is_remembered_comes_back_as_it_was_said(opened: Stores) -> None:
    draft = Draft(
        "Deploys go to eu-west-1 — naïve “quotes”, 漢字 and 🦊.",
        "note-1",
        "fact",
        "deploys",
        "region",
        "shop",
        ("a", "b"),
        "the user",
        "session-1",
        1_700_000_000.123,
        1_900_000_000.0,
    )
    record = opened.memory.add(draft, NOW)
    assert opened.memory.get(record.id) == record
    told = describe(record)
    assert told["content"] == draft.content
    assert told["tags"] == ["a", "b"]
    assert told["created_at"] == told["valid_from"] == "2023-11-14T22:13:20.123Z"
    assert told["expires_at"] == "2030-03-17T17:46:40.000Z"
    assert (told["external_id"], told["scope"], told["session"]) == ("note-1", "shop", "session-1")
    assert told["current"] is True


def test_a_memory_that_is_not_there_is_named(opened: Stores) -> None:
    for number in (0, -1, 99, 2**70):
        with pytest.raises(NoSuchRecord, match=str(number)):
            opened.memory.get(number)
        with pytest.raises(NoSuchRecord):
            opened.memory.forget(number, NOW)


def test_the_newer_fact_of_a_key_comes_first_at_once_whatever_its_words(opened: Stores) -> None:
    opened.memory.add(port("The staging API answers on port 8081."), NOW)
    opened.memory.add(port("We moved it to 9000."), NOW + 1)
    assert found(opened, "staging API port 8081", NOW + 2) == [
        "We moved it to 9000.",
        "The staging API answers on port 8081.",
    ]


def test_facts_of_other_scopes_subjects_and_attributes_replace_nothing(opened: Stores) -> None:
    opened.memory.add(port("Staging port one.", scope="shop"), NOW)
    opened.memory.add(port("Staging port two.", scope="app"), NOW + 1)
    opened.memory.add(
        Draft("Staging port three.", subject="production", attribute="port", scope="shop"), NOW + 2
    )
    assert found(opened, "port one", scopes=("shop",)) == ["Staging port one.", "Staging port three."]


def test_ties_go_to_the_newest(opened: Stores) -> None:
    for number in range(5):
        opened.memory.add(Draft("The same words."), NOW + number)
    hits = opened.memory.search(Query("same words"), NOW + 9)
    assert [hit.record.id for hit in hits] == [5, 4, 3, 2, 1]
    assert {hit.score for hit in hits} == {1.0}


def test_ties_go_to_the_newest_of_however_many(opened: Stores) -> None:
    opened.memory.import_many((Draft("The same words.") for _ in range(300)), NOW)
    opened.memory.import_many((Draft("The same words.", created_at=5.0) for _ in range(300)), NOW)
    hits = opened.memory.search(Query("same words", limit=3), NOW)
    assert [hit.record.id for hit in hits] == [300, 299, 298]


def test_the_newer_fact_comes_first_however_many_older_ones_match_better(opened: Stores) -> None:
    opened.memory.import_many((port("staging port staging port") for _ in range(300)), NOW)
    opened.memory.add(port("We moved it to 9000."), NOW)
    opened.memory.add(Draft("The port of staging was chosen by lot among all ports."), NOW)
    assert found(opened, "staging port", limit=2) == ["We moved it to 9000.", "staging port staging port"]


def test_the_fact_that_held_at_a_moment_comes_first(opened: Stores) -> None:
    for second, content in enumerate(("staging port 8081", "staging port 8082", "the third"), 1):
        opened.memory.add(port(content, created_at=second), NOW)
    assert found(opened, "staging port", as_of=2500) == ["staging port 8082", "staging port 8081"]
    assert found(opened, "staging port", as_of=1500) == ["staging port 8081"]
    assert found(opened, "staging port", as_of=500) == []


def test_an_expired_successor_gives_way_to_the_fact_before_it(opened: Stores) -> None:
    opened.memory.add(port("Staging listens on port 8081."), NOW)
    opened.memory.add(port("Port 9000 just for today.", expires_at=(NOW + HOUR) / 1000), NOW + 1)
    assert found(opened, "staging port", NOW + 2)[0] == "Port 9000 just for today."
    assert found(opened, "staging port", NOW + HOUR) == ["Staging listens on port 8081."]
    assert found(opened, "staging port", NOW + HOUR, include_superseded=True)[0].startswith("Staging")


def test_scores_are_of_the_best_one(opened: Stores) -> None:
    for content in (
        "tabs",
        "tabs and spaces",
        "spaces in quite a lot of other words, and no others",
        "other",
    ):
        opened.memory.add(Draft(content), NOW)
    scores = [hit.score for hit in opened.memory.search(Query("tabs spaces"), NOW)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    assert all(0 < score <= 1 for score in scores)


def test_an_expired_fact_is_no_longer_found_and_can_be_asked_for(opened: Stores) -> None:
    opened.memory.add(Draft("Staging is frozen.", expires_at=(NOW + HOUR) / 1000), NOW)
    assert found(opened, "staging frozen", NOW + HOUR - 1)
    assert not found(opened, "staging frozen", NOW + HOUR)
    assert found(opened, "staging frozen", NOW + HOUR, include_superseded=True)
    assert found(opened, "staging frozen", NOW + HOUR, as_of=NOW + 1)
    assert not found(opened, "staging frozen", NOW + HOUR, as_of=NOW - 1)


def test_a_search_stays_in_its_scopes(opened: Stores) -> None:
    for scope in ("shop", "app", "global"):
        opened.memory.add(Draft(f"A note of {scope}.", scope=scope), NOW)
    assert found(opened, "note", scopes=("app",)) == ["A note of app."]
    assert len(found(opened, "note", scopes=("app", "global"))) == 2
    assert len(found(opened, "note")) == 3


def test_a_scope_is_found_behind_many_better_matches_of_others(opened: Stores) -> None:
    opened.memory.import_many((Draft("needle needle", scope="crowd") for _ in range(700)), NOW)
    opened.memory.add(Draft("One needle in quite a lot of hay.", scope="mine"), NOW)
    assert found(opened, "needle", scopes=("mine",)) == ["One needle in quite a lot of hay."]


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "a" * 100_000,
        "a b " * 100_000,
        "\ud800",
        "a*",
        "NEAR(a b)",
        "AND",
        "NOT x",
        "content:x",
        "^x",
        "(",
        "-",
        "'; DROP TABLE records;--",
        "\x00",
    ],
)
def test_query_syntax_is_just_words(opened: Stores, text: str) -> None:
    opened.memory.add(Draft("and near not x a content drop table records"), NOW)
    found(opened, text)
    assert opened.memory.memories() == 1


@given(text=st.text(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_fails(opened: Stores, text: str) -> None:
    opened.memory.search(Query(text), NOW)


def test_words_are_found_in_other_forms_and_other_alphabets(opened: Stores) -> None:
    opened.memory.add(Draft("Migrations are run before the workers start."), NOW)
    opened.memory.add(Draft("Die Prüfung läuft nächtlich."), NOW)
    opened.memory.add(Draft("миграции запускаются ночью"), NOW)
    opened.memory.add(Draft("स्टेजिंग सर्वर रात में बंद रहता है"), NOW)
    opened.memory.add(Draft("デプロイは夜に行う"), NOW)
    opened.memory.add(Draft("DATABASE_URL is read from .env.local"), NOW)
    assert found(opened, "run the migration before a worker starts")[0].startswith("Migrations")
    assert found(opened, "prufung") == ["Die Prüfung läuft nächtlich."]
    assert found(opened, "миграции") == ["миграции запускаются ночью"]
    assert found(opened, "सर्वर") == ["स्टेजिंग सर्वर रात में बंद रहता है"]
    assert found(opened, "デプロイは夜に行う") == ["デプロイは夜に行う"]
    assert found(opened, "the database url") == ["DATABASE_URL is read from .env.local"]
    assert found(opened, "DATABASE_URL") == ["DATABASE_URL is read from .env.local"]
    assert found(opened, "what is it") == ["DATABASE_URL is read from .env.local"], (
        "only stop words: then they count"
    )
    assert found(opened, "") == found(opened, "?!") == []


def test_what_is_forgotten_is_never_found_until_it_is_restored(opened: Stores) -> None:
    record = opened.memory.add(Draft("A secret that slipped in."), NOW)
    assert not opened.memory.forget(record.id, NOW).current
    assert opened.memory.forget(record.id, NOW + 5).forgotten_at == NOW
    assert not found(opened, "secret", include_superseded=True)
    assert not found(opened, "secret", as_of=NOW)
    assert [each.id for each in opened.memory.export()] == [record.id]
    assert opened.memory.restore(record.id, NOW).current
    assert found(opened, "secret")


def test_history_tells_what_held_when(opened: Stores) -> None:
    opened.memory.add(port("8081", created_at=100.0), NOW)
    opened.memory.add(port("9000", created_at=200.0), NOW)
    opened.memory.add(Draft("owner Ingrid", subject="staging", attribute="owner", created_at=150.0), NOW)
    contents = [record.content for record in opened.memory.history("staging", None, ())]
    assert contents == ["8081", "owner Ingrid", "9000"]
    assert [record.content for record in opened.memory.history("staging", "port", ())] == ["8081", "9000"]
    assert opened.memory.history("staging", "port", ("elsewhere",)) == []
    opened.memory.forget(1, NOW)
    assert [record.content for record in opened.memory.history("staging", "port", ())] == ["9000"]
    opened.memory.restore(1, NOW)
    assert found(opened, "8081 9000", as_of=150_000) == ["8081"]


def test_an_import_adds_keeps_and_supersedes_by_external_id(opened: Stores) -> None:
    first = [Draft("one", "a"), Draft("two", "b"), Draft("three")]
    assert vars_of(opened.memory.import_many(first, NOW)) == (3, 0, 0)
    assert vars_of(opened.memory.import_many(first[:2], NOW + 1)) == (0, 2, 0)
    assert vars_of(opened.memory.import_many([Draft("uno", "a")], NOW + 2)) == (1, 0, 1)
    assert vars_of(opened.memory.import_many([Draft("uno", "a")], NOW + 3)) == (0, 1, 0)
    records = list(opened.memory.export())
    assert [(each.content, each.current, each.superseded_by) for each in records] == [
        ("one", False, 4),
        ("two", True, None),
        ("three", True, None),
        ("uno", True, None),
    ]
    assert records[0].valid_to == records[3].valid_from


def test_two_projects_that_use_the_same_external_ids_stay_apart(opened: Stores) -> None:
    opened.memory.import_many(
        [Draft("of the shop", "1", scope="shop"), Draft("of the app", "1", scope="app")], NOW
    )
    assert vars_of(opened.memory.import_many([Draft("new in the shop", "1", scope="shop")], NOW)) == (1, 0, 1)
    assert [(each.content, each.current) for each in opened.memory.export()] == [
        ("of the shop", False),
        ("of the app", True),
        ("new in the shop", True),
    ]


def test_an_import_brings_nothing_back_that_was_forgotten(opened: Stores) -> None:
    opened.memory.import_many([Draft("a secret", "1")], NOW)
    opened.memory.forget(1, NOW)
    assert vars_of(opened.memory.import_many([Draft("a secret", "1")], NOW)) == (0, 1, 0)
    assert not found(opened, "secret")


def test_what_was_joined_into_a_record_is_told_to_the_last(opened: Stores) -> None:
    opened.memory.import_many([Draft("one", "a"), Draft("two"), Draft("three", "c"), Draft("four")], NOW)
    night = opened.nights.begin_night("night", "absent", NOW)
    for record, into in ((1, 2), (2, 3)):
        change = Change(f"join {record}", "merged", record, 1, "the same", {"merged_into": into}, {})
        opened.nights.apply(night, 1, "deduplicate", Batch([change]), NOW)
    assert opened.memory.merged_ids() == {2: ("a",), 3: ("a", "2")}
    assert opened.memory.merged_ids([3, 4]) == {3: ("a", "2")}
    assert found(opened, "one two three") == ["three"]


def vars_of(imported: object) -> tuple[int, int, int]:
    return imported.added, imported.unchanged, imported.superseded  # type: ignore[attr-defined]


def test_every_write_of_a_user_takes_the_next_place_in_the_sequence(opened: Stores) -> None:
    first = opened.memory.add(Draft("one"), NOW)
    second = opened.memory.add(Draft("two"), NOW)
    again = opened.memory.forget(first.id, NOW)
    assert first.change < second.change < again.change
    assert (first.revision, again.revision) == (1, 2)


def test_two_who_have_it_open_see_each_others_memories(open_again: Callable[[], Stores]) -> None:
    one, other = open_again(), open_again()
    for turn, opened in enumerate(itertools.islice(itertools.cycle((one, other)), 10)):
        opened.memory.add(Draft(f"note {turn}"), NOW + turn)
    assert one.memory.memories() == other.memory.memories() == 10


def test_ids_are_never_given_twice(opened: Stores) -> None:
    records: list[Record] = [opened.memory.add(Draft("x"), NOW) for _ in range(3)]
    assert [record.id for record in records] == [1, 2, 3]


@pytest.mark.parametrize("scope", ["x\0b", "\ud800x", "x\udc00", "\0"])
def test_what_no_text_can_hold_names_nothing(opened: Stores, scope: str) -> None:
    opened.memory.add(Draft("tea", subject="a", scope="a"), NOW)
    assert not opened.memory.search(Query("tea", scopes=(scope,)), NOW)
    assert not opened.memory.history("a", None, (scope,))
    assert not opened.memory.recent((scope,), 9, NOW)
    assert opened.memory.search(Query(f"tea {scope}"), NOW)
    assert len(opened.memory.recent(("a", scope, "🫖"), 9, NOW)) == 1
