"""Nights take nothing from the past: what could be asked about any moment before a night can be asked after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import example, given

from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from tests.consolidation.chronicles import HOUR, SEASON, Evening, Fact, Words, chronicles, happens
from tests.consolidation.evening import EVERY, NOW, night, remember
from tests.consolidation.lives import as_often_as_time_allows, world
from tests.fakes import NOON, FakeClock

# Words that only what is over by now may have.
TELLING = ("8000", "8001", "Lexware", "Odoo", "jshint")


@dataclass(frozen=True)
class Past:
    """Every answer about the past, as ids: by moment and question; with all that is over, by question; and by subject."""

    held: Mapping[tuple[int, str], tuple[int, ...]]
    told: Mapping[str, tuple[int, ...]]
    stories: Mapping[str, tuple[int, ...]]


def asked(stores: Stores, now: int) -> Past:
    """All that can be asked now about the moments at which anything began or ended, and those right before."""
    records = list(stores.memory.export())
    times = {
        at
        for each in records
        for at in (each.valid_from, each.valid_to, each.expires_at, each.archived_at)
        if at is not None
    }
    moments = sorted({at - early for at in (*times, now) for early in (0, 1) if at <= now})
    questions = sorted({*TELLING, *(each.content for each in records)})

    def found(question: str, **about: object) -> tuple[int, ...]:
        hits = stores.memory.search(replace(Query(question, limit=100), **about), now)  # type: ignore[arg-type]
        return tuple(hit.record.id for hit in hits)

    subjects = sorted({each.subject for each in records if each.subject and each.made_by is None})
    return Past(
        {(at, each): found(each, as_of=at) for at in moments for each in questions},
        {each: found(each, include_superseded=True) for each in questions},
        {each: tuple(record.id for record in stores.memory.history(each, None, ())) for each in subjects},
    )


def require_kept(stores: Stores, before: Past, after: Past) -> None:
    """Each memory that answered still does: itself, or what has taken its place."""
    records = {each.id: each for each in stores.memory.export()}
    for about, answer in before.held.items():
        for record in answer:
            instead = set(_successors(records, record))
            assert instead & set(after.held[about]), (about, records[record], after.held[about])
        first = _first_of_each_key(records, after.held[about])
        for key, record in _first_of_each_key(records, answer).items():
            assert first[key] in _successors(records, record), (about, records[record], after.held[about])
    for question, answer in before.told.items():
        for record in answer:
            own = records[record].content == question
            instead = {record} if own else set(_successors(records, record))
            assert instead & set(after.told[question]), (question, records[record], after.told[question])
    assert before.stories.items() <= after.stories.items()


def _successors(records: Mapping[int, Record], record: int | None) -> Iterator[int]:
    """The record, and what took its place, and the place of that."""
    while record is not None:
        yield record
        record = records[record].superseded_by or records[record].merged_into


def _first_of_each_key(records: Mapping[int, Record], answer: Sequence[int]) -> dict[object, int]:
    """What a question is answered with about each fact."""
    first: dict[object, int] = {}
    for record in answer:
        key = records[record].key
        if key is not None:
            first.setdefault(key, record)
    return first


LATE = Evening((Fact(0, 2, 190, None),), HOUR)
FIRST = Evening((Fact(0, 0, 121, None), Fact(0, 1, 61, None), Fact(0, 2, 1, None)), HOUR)


@as_often_as_time_allows
@given(chronicles)
@example([FIRST, LATE])
@example([Evening((Fact(0, 0, 121, None), Fact(0, 1, 61, 30)), HOUR, undone=True), LATE])
@example([Evening((Words(0, 121), Words(1, 61)), HOUR), Evening((Words(2, 1),), HOUR)])
@example([Evening((Words(4, 121), Words(5, 61)), HOUR), Evening((Words(0, 1),), SEASON)])
def test_every_question_about_the_past_is_answered_after_a_night_as_before(days: list[Evening]) -> None:
    with world() as it:
        clock = FakeClock(NOON)
        for day in days:
            clock.advance(day.after)
            for event in day.events:
                happens(it, event, clock)
            now = clock.now().milliseconds
            before = asked(it.stores, now)
            report = night(it.stores, chosen=EVERY, clock=clock, memory=it.stores.memory)
            after = asked(it.stores, now)
            require_kept(it.stores, before, after)
            if day.undone and report.id is not None:
                it.undo(report.id, force=True)
                require_the_same(it.stores, before, asked(it.stores, now))


def require_the_same(stores: Stores, before: Past, again: Past) -> None:
    """What answers by its own words does so again. What only a night's reading led to is not led to any more."""
    records = {each.id: each for each in stores.memory.export()}

    def own(question: str, answer: Iterable[int]) -> set[int]:
        return {each for each in answer if question.lower() in records[each].content.lower()}

    for (at, question), answer in before.held.items():
        assert own(question, answer) == own(question, again.held[at, question]), (at, question)
    for question, answer in before.told.items():
        assert own(question, answer) == own(question, again.told[question]), question
    assert before.stories.items() <= again.stories.items()


def held(stores: Stores, moment: int, question: str = "port") -> list[str]:
    """What is answered about a moment, best first."""
    hits = stores.memory.search(Query(question, as_of=moment), NOW)
    return [hit.record.content for hit in hits]


def port(stores: Stores, number: int, minutes_ago: int, **fields: object) -> Record:
    at = NOON - 60 * minutes_ago
    return remember(stores, f"the port is {number}", at, subject="api", attribute="port", **fields)


def test_a_fact_that_is_told_late_ends_where_the_next_one_began_though_that_is_over(stores: Stores) -> None:
    first, second, third = port(stores, 1, 50), port(stores, 2, 30), port(stores, 3, 10)
    night(stores, chosen=[Supersede()])
    oldest, between = port(stores, 0, 60), port(stores, 9, 20)
    night(stores, chosen=[Supersede()])
    ends = {each.id: (each.superseded_by, each.valid_to) for each in stores.memory.export()}
    assert ends[oldest.id] == (first.id, first.valid_from)
    assert ends[first.id] == (second.id, second.valid_from)
    assert ends[between.id] == (third.id, third.valid_from)
    assert held(stores, oldest.valid_from + 1) == ["the port is 0"]
    assert held(stores, first.valid_from) == ["the port is 1"]
    assert held(stores, between.valid_from)[0] == "the port is 9"


def test_what_is_over_but_brought_back_by_an_undo_ends_nothing_that_lasts(stores: Stores) -> None:
    port(stores, 1, 50)
    port(stores, 2, 30, expires_at=NOON - 60 * 20)
    report = night(stores, chosen=[Expire(), Supersede()])
    assert report.id is not None
    stores.nights.undo(report.id, NOW, force=False)
    remember(stores, "something else")
    night(stores, chosen=[Expire(), Supersede()])
    assert held(stores, NOW - 60_000 * 10) == ["the port is 1"]


def test_what_was_joined_holds_until_the_one_that_it_joined_begins(stores: Stores) -> None:
    """And not after that one's end."""
    short = remember(stores, "Fixtures are seeded before the importer starts.", NOON - 3000)
    long = remember(
        stores, "Fixtures are seeded before the importer starts.", NOON - 2000, expires_at=NOON - 1000
    )
    again = remember(
        stores, "Fixtures are seeded before the importer starts", NOON - 2500, expires_at=NOON - 1000
    )
    night(stores, chosen=[each for each in EVERY if each.name == "deduplicate"])
    merged = {each.id: each.merged_into for each in stores.memory.export()}
    assert merged == {short.id: None, long.id: short.id, again.id: short.id}
    for moment in (short.valid_from, again.valid_from, long.valid_from, NOW):
        found = stores.memory.search(Query("importer fixtures", as_of=moment), NOW)
        assert [hit.record.id for hit in found] == [short.id]


def test_a_fact_that_is_told_again_is_not_joined_into_one_that_was_replaced_meanwhile(stores: Stores) -> None:
    for number, minutes_ago in ((80, 50), (90, 30), (80, 10)):
        port(stores, number, minutes_ago)
    night(stores, chosen=[each for each in EVERY if each.name == "deduplicate"])
    assert held(stores, NOW)[0] == "the port is 80"
    assert held(stores, NOW - 60_000 * 20)[0] == "the port is 90"
    assert stores.memory.search(Query("port"), NOW)[0].record.content == "the port is 80"


def test_words_that_only_an_earlier_fact_has_lead_to_what_held_at_the_moment(stores: Stores) -> None:
    older, newer = port(stores, 8080, 50), port(stores, 9090, 30)
    night(stores, chosen=[Supersede()])
    assert held(stores, older.valid_from, "8080") == ["the port is 8080"]
    assert held(stores, newer.valid_from, "8080") == ["the port is 9090"]
    assert held(stores, 0, "8080") == []


def test_what_is_archived_was_true_all_the_same(stores: Stores) -> None:
    older = remember(stores, "The bot lints every push with jshint.", NOON - SEASON - 60)
    remember(stores, "We dropped jshint; the bot runs oxlint on every push now.", NOON - SEASON)
    night(stores, chosen=[each for each in EVERY if each.name == "decay"])
    assert stores.memory.get(older.id).archived_at is not None
    assert held(stores, older.valid_from, "jshint") == [older.content]
    assert older.content in held(stores, NOW, "jshint")
    assert not [hit for hit in stores.memory.search(Query("jshint"), NOW) if hit.record.id == older.id]
