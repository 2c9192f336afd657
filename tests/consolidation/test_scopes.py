"""Scopes keep projects apart: whatever is told in one, nothing of it comes to, or does anything to, another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, NOWHERE, night
from tests.consolidation.topics import ALONE, BACKUPS, INVOICES, links
from tests.fakes import LONG, NOON

SCOPES = ("global", "/projects/one", "/projects/two")
ASKED = ("ledger database backup", "invoices typesetter", "port", "Odoo SAP invoices", "Lunch kitchen")
SAID = (
    *BACKUPS,
    *INVOICES,
    *ALONE[:2],
    "Invoices are kept in Odoo.",
    "Invoices have moved from Odoo to SAP.",
    "The port is 80.",
    "The port is 81.",
)


@dataclass(frozen=True)
class Told:
    """One memory of one project: which of the texts, whether under a key, and whether with an id that others have, too."""

    text: int
    scope: str
    keyed: bool
    named: bool
    origin: str | None


told = some.builds(
    Told,
    some.integers(0, len(SAID) - 1),
    some.sampled_from(SCOPES),
    some.booleans(),
    some.booleans(),
    some.sampled_from(["user", "agent", "tool", None]),
)
# Whole topics in every scope beside what chance adds: so there are links and gists.
topics = [Told(text, scope, False, False, None) for scope in SCOPES[1:] for text in range(8)]


@contextmanager
def memory(tellings: Sequence[tuple[int, Told]]) -> Iterator[Stores]:
    """A memory with these, each told at its place in time, after two nights."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        with closing(open_stores(home)) as stores:
            for place, each in tellings:
                draft = Draft(
                    SAID[each.text],
                    external_id="same" if each.named else None,
                    subject="service" if each.keyed else None,
                    attribute="port" if each.keyed else None,
                    scope=each.scope,
                    session="session",
                    created_at=NOON - 6000 + place,
                    origin=each.origin,
                )
                if each.named:
                    stores.memory.import_many([draft], NOW)
                else:
                    stores.memory.add(draft, NOW)
            for _ in range(2):
                night(stores, chosen=passes.chosen(Settings(), NOWHERE, alone=True))
            yield stores


def _of_scope(stores: Stores, scope: str) -> list[tuple[object, ...]]:
    """What became of everything in a scope, in words that do not depend on numbers of records."""
    records = {each.id: each for each in stores.memory.export()}

    def named(record: int | None) -> object:
        return None if record is None else (records[record].content, records[record].valid_from)

    def fate(each: Record) -> tuple[object, ...]:
        successor = named(each.superseded_by), named(each.merged_into)
        return each.content, each.valid_from, *successor, each.valid_to, each.made_by

    return sorted(map(fate, (each for each in records.values() if each.scope == scope)), key=repr)


@settings(max_examples=300 if LONG else 12)
@given(some.lists(told, max_size=14).map(lambda more: list(enumerate([*topics, *more]))))
def test_nothing_of_one_project_comes_to_another(tellings: list[tuple[int, Told]]) -> None:
    with memory(tellings) as stores:
        records = {each.id: each for each in stores.memory.export()}
        for scope in SCOPES:
            mine = {number for number, each in records.items() if each.scope == scope}
            for text in ASKED:
                for query in (
                    Query(text, 50, (scope,)),
                    Query(text, 50, (scope,), include_superseded=True),
                    Query(text, 50, (scope,), as_of=NOW - 1000),
                ):
                    hits = {hit.record.id for hit in stores.memory.search(query, NOW)}
                    assert hits <= mine
                    for gist in stores.memory.gists(sorted(hits), 10):
                        assert gist.record.id in mine
                        assert set(gist.sources) <= mine
            assert {each.id for each in stores.memory.history("service", None, (scope,))} <= mine
            assert {each.id for each in stores.memory.recent((scope,), 100, NOW)} <= mine
        for each in records.values():
            for other in (each.superseded_by, each.merged_into):
                assert other is None or records[other].scope == each.scope
            assert {other.record.scope for other in stores.memory.related(each.id)} <= {each.scope}
            assert {other.record.scope for other in stores.memory.corrected_by(each.id)} <= {each.scope}
        for said in stores.nights.contradicted_by(list(records)):
            assert records[said.older].scope == records[said.newer].scope
        made = stores.nights.made_from([each.id for each in stores.nights.made_by("summarize")])
        assert all(
            records[one].scope == records[other].scope for one, others in made.items() for other in others
        )


@settings(max_examples=100 if LONG else 6)
@given(
    some.lists(told, max_size=14).map(lambda more: list(enumerate([*topics, *more]))),
    some.sampled_from(SCOPES),
)
def test_what_becomes_of_a_project_does_not_depend_on_what_others_tell(
    tellings: list[tuple[int, Told]], scope: str
) -> None:
    alone = [(place, each) for place, each in tellings if each.scope == scope]
    with memory(tellings) as everybody, memory(alone) as by_itself:
        assert _of_scope(everybody, scope) == _of_scope(by_itself, scope)


def test_the_topics_make_links_and_gists_so_that_there_is_something_to_keep_apart() -> None:
    with memory(list(enumerate(topics))) as stores:
        assert list(links(stores))
        assert {each.scope for each in stores.nights.made_by("summarize")} == set(SCOPES[1:])
