"""Near-duplicates: what may join what, and what becomes of it over nights and their undoing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.config import Embedding
from iai_daemon.consolidation.likeness.joining import joins
from iai_daemon.consolidation.likeness.portions import CROWD, JOINABLE, Compared, Preparation, Reach
from iai_daemon.consolidation.likeness.reading import Comparison
from iai_daemon.consolidation.likeness.verdict import Verdict, judged, verdict
from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.consolidation.runner import Halt, Order, Surroundings, run_night
from iai_daemon.memory.nights import Change
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, export, night, remember, work_in_a_process
from tests.consolidation.test_passes import go_on, record
from tests.fakes import LONG, NOON

# Four ways to say one thing, and what differs from it in one word.
SAYINGS = (
    "Seed the fixtures before launching the importer.",
    "Before the importer launches, fixtures must be seeded.",
    "Before launching the importer, seed the fixtures.",
    "seed the fixtures before launching the importer",
)
OTHERWISE = (
    "Seed the fixtures before launching the api.",
    "Do not seed the fixtures before launching the importer.",
    "Seed the fixtures after launching the importer.",
    "Seed the 3 fixtures before launching the importer.",
)


# --- what joins what


def planned(
    *records: Record, new: Sequence[Record] | None = None, joined: dict[int, Sequence[Record]] | None = None
) -> dict[int, Change]:
    """What is planned where every new record is near every other."""
    examined = records if new is None else new
    near = {each.id: [other for other in records if other.id != each.id] for each in examined}
    portion = Compared(examined, len(examined), last=True, near=near, joined=joined or {})
    return {change.record: change for change in joins(portion, "deduplicate", go_on)}


def joined(*records: Record, **more: object) -> dict[int, int]:
    return {each: change.sets["merged_into"] for each, change in planned(*records, **more).items()}  # type: ignore[arg-type]


def test_a_record_joins_the_one_that_says_the_same_and_more() -> None:
    short, long = record(content=SAYINGS[0]), record(content=SAYINGS[1])
    change = planned(short, long)[short.id]
    assert change.sets == {"merged_into": long.id, "valid_to": short.valid_from}
    assert change.rests_on == {long.id: 1}
    assert change.inferred
    assert change.reason == (
        f"says the same as {long.id} in other words: Before the importer launches, fixtures must be seeded"
    )


def test_of_two_that_say_as_much_the_older_leads() -> None:
    newer, older = record(content=SAYINGS[0], created_at=2000), record(content=SAYINGS[2], created_at=1000)
    assert joined(newer, older) == {newer.id: older.id}


def test_word_for_word_is_said_so() -> None:
    older, newer = record(content="Use pnpm."), record(content="Use  pnpm ")
    assert planned(older, newer)[newer.id].reason == f"says the same as {older.id} word for word"


def test_what_names_nothing_joins_only_what_is_the_same_word_for_word() -> None:
    ok, again, well = record(content="ok"), record(content="ok"), record(content="well, ok then")
    assert joined(ok, again, well) == {again.id: ok.id}


@pytest.mark.parametrize("other", OTHERWISE)
def test_what_differs_in_a_value_stays(other: str) -> None:
    assert joined(record(content=SAYINGS[0]), record(content=other)) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The API listens on port 8080, the worker on port 8081.", "The API listens on port 8081, the worker on port 8080."),
        ("Timeouts: connect 5 s, read 30 s.", "Timeouts: connect 30 s, read 5 s."),
        ("alpha: 1, beta: 2, gamma: 3", "beta: 1, alpha: 2, gamma: 3"),
        ("Is the main branch protected?", "The main branch is protected."),
        ("If the CI fails, rerun the job.", "The CI fails, rerun the job."),
        ("The mail worker is running on the old host.", "The mail worker is sitting on the old host."),
        ("The planner is parking the climber.", "The planner is climbing the park."),
        ("We might move the queue to Redis.", "We move the queue to Redis."),
    ],
)  # fmt: skip
def test_the_same_words_that_claim_something_else_stay(one: str, other: str) -> None:
    assert verdict(one, other) is Verdict.RELATED
    assert joined(record(content=one), record(content=other)) == {}


def test_the_same_many_words_in_no_order_at_all_stay() -> None:
    words = [
        "gateway",
        "ledger",
        "scheduler",
        "importer",
        "dashboard",
        "notifier",
        "resolver",
        "crawler",
        "exporter",
        "mailer",
    ]
    shuffled = random.Random(1).sample(words, len(words))  # noqa: S311
    assert verdict(" ".join(words), " ".join(shuffled)) is Verdict.RELATED


def test_figures_may_move_together_with_their_words() -> None:
    one = "Staging uses port 8080, production uses port 8081."
    other = "Production uses port 8081, staging uses port 8080."
    assert verdict(one, other) is Verdict.SAME


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"scope": "/home/me/project"},
        {"kind": "preference"},
        {"subject": "deploy"},
        {"subject": "deploy", "attribute": "order"},
    ],
    ids=["scope", "kind", "subject", "key"],
)
def test_only_what_is_about_the_same_is_joined(elsewhere: dict[str, str]) -> None:
    assert joined(record(content=SAYINGS[0]), record(content=SAYINGS[2], **elsewhere)) == {}
    assert len(joined(record(content=SAYINGS[0], **elsewhere), record(content=SAYINGS[2], **elsewhere))) == 1


def test_an_expiring_note_does_not_swallow_a_permanent_one() -> None:
    expiring, permanent = record(content=SAYINGS[1], expires_at=NOW), record(content=SAYINGS[0])
    assert joined(expiring, permanent) == {}


def test_of_two_that_say_as_much_the_one_that_lasts_longer_leads() -> None:
    soon, late, ever = (record(content="Use pnpm.", expires_at=end) for end in (NOW, NOW + 1, None))
    assert joined(soon, late, ever) == {soon.id: ever.id, late.id: ever.id}


def test_nothing_is_joined_along_a_chain() -> None:
    """The one in the middle says the same as either of the outer two, and these contradict each other."""
    texts = ("Commits must be signed.", "Commits are signed.", "Commits may be signed.")
    must, are, may = texts
    assert [verdict(must, are), verdict(are, may), verdict(must, may)] == ["same", "same", "related"]
    records = [record(content=text) for text in texts]
    assert joined(*records) == {records[1].id: records[0].id}


def test_one_that_others_joined_takes_them_along_only_where_they_agree() -> None:
    leader, better = record(content=SAYINGS[0]), record(content=SAYINGS[1])
    agreeing, other = record(content=SAYINGS[2]), record(content=OTHERWISE[0])
    assert joined(leader, better, new=[better], joined={leader.id: [agreeing]}) == {leader.id: better.id}
    assert joined(leader, better, new=[better], joined={leader.id: [agreeing, other]}) == {}
    assert joined(leader, better, new=[better], joined={leader.id: [agreeing] * CROWD}) == {}


@given(st.lists(st.sampled_from([*SAYINGS, *OTHERWISE]), max_size=12), st.randoms())
def test_leaders_never_join_and_everybody_agrees_with_their_own_leader(
    texts: list[str], luck: random.Random
) -> None:
    records = [record(content=text) for text in texts]
    found = joined(*records)
    by_id = {each.id: each for each in records}
    for member, leader in found.items():
        assert leader not in found
        assert verdict(by_id[member].content, by_id[leader].content) is Verdict.SAME
    assert joined(*luck.sample(records, len(records))) == found


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_judged(one: str, other: str) -> None:
    assert verdict(one, one) is Verdict.SAME
    assert verdict(one, other) is verdict(other, one)


def test_it_does_not_matter_which_of_two_is_asked_about_first() -> None:
    assert all(verdict(pair["a"], pair["b"]) is verdict(pair["b"], pair["a"]) for pair in our_own_pairs())


def test_of_many_figures_the_order_counts() -> None:
    figures = [f"port {number}" for number in range(60)]
    last_two_exchanged = [*figures[:-2], figures[-1], figures[-2]]
    assert verdict(", ".join(figures), ", ".join(figures) + ", too") is Verdict.SAME
    assert verdict(", ".join(figures), ", ".join(last_two_exchanged)) is Verdict.RELATED


def test_what_is_related_is_left_to_be_linked() -> None:
    one, other, apart = (record(content=text) for text in (SAYINGS[0], OTHERWISE[0], "Lunch is at noon."))
    portion = Compared([one], 1, last=True, near={one.id: [other, apart]}, joined={})
    assert list(judged(portion, go_on)) == [(one, other, Verdict.RELATED)]


def test_our_own_sentences_are_joined_where_they_may_be_and_left_where_they_must() -> None:
    """Measured: nine in ten of the true ones, one in a hundred of those that must not."""
    pairs = list(our_own_pairs())
    joined = [pair["same"] for pair in pairs if verdict(pair["a"], pair["b"]) is Verdict.SAME]
    true, right = sum(pair["same"] for pair in pairs), sum(joined)
    assert right >= 0.95 * len(joined)
    assert len(joined) - right <= 0.02 * (len(pairs) - true)
    assert right >= 0.8 * true


def test_what_may_be_joined_is_found_among_all_others(stores: Stores) -> None:
    """By figures and words, or by direction: the numbers lose next to nothing of what the words would join."""
    pairs = [pair for pair in our_own_pairs() if verdict(pair["a"], pair["b"]) is Verdict.SAME]
    remember_many(stores, dict.fromkeys(text for pair in pairs for text in (pair["a"], pair["b"])))
    night(stores, chosen=[Embed(Embedding())])
    ids = {record.content: record.id for record in stores.memory.export()}
    near = compared(stores, JOINABLE)
    missed = [
        pair
        for pair in pairs
        if min(ids[pair["a"]], ids[pair["b"]]) not in near.get(max(ids[pair["a"]], ids[pair["b"]]), ())
    ]
    assert len(missed) <= 0.02 * len(pairs)


def our_own_pairs() -> Iterator[dict[str, Any]]:
    folder = Path(__file__).parents[1] / "wording" / "data"
    for path in sorted(folder.glob("*_duplicates.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


# --- over nights


def current(stores: Stores) -> list[str]:
    return [each.content for each in stores.memory.export() if each.current]


def test_a_night_joins_what_says_the_same_and_keeps_every_wording(stores: Stores) -> None:
    kept = [remember(stores, text, NOON - 600 + at) for at, text in enumerate((*SAYINGS, *OTHERWISE))]
    report = night(stores, chosen=[Deduplicate(None)], memory=stores.memory)
    assert (report.outcome, report.counters.duplicates_merged) == ("completed", 3)
    assert current(stores) == [SAYINGS[1], *OTHERWISE]
    assert stores.memory.merged_ids() == {kept[1].id: tuple(str(kept[at].id) for at in (0, 2, 3))}
    assert [each.content for each in stores.memory.export()] == [each.content for each in kept]
    hits = stores.memory.search(Query("fixtures before the importer", include_superseded=True, limit=20), NOW)
    assert {hit.record.content for hit in hits} == {*SAYINGS, *OTHERWISE}


def test_a_second_night_finds_nothing_to_do(stores: Stores) -> None:
    for text in SAYINGS:
        remember(stores, text)
    night(stores)
    before = export(stores)
    assert night(stores).outcome == "nothing_to_do"
    assert export(stores) == before


def test_undoing_restores_byte_for_byte_and_is_not_done_again_by_itself(stores: Stores) -> None:
    for text in SAYINGS:
        remember(stores, text)
    before = export(stores)
    first = night(stores)
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    assert export(stores) == before
    assert night(stores).outcome == "nothing_to_do"
    remember(stores, "Lunch is at noon.")
    assert night(stores).counters.duplicates_merged == 0
    assert export(stores).startswith(before)


def test_what_was_undone_is_done_again_when_a_person_asks(stores: Stores) -> None:
    for text in SAYINGS:
        remember(stores, text)
    first = night(stores)
    merged = export(stores)
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    remember(stores, "Lunch is at noon.")
    night(stores)
    assert night(stores, asked=True).counters.duplicates_merged == 3
    assert export(stores).startswith(merged)


def test_what_was_undone_is_looked_at_again_when_it_changes(stores: Stores) -> None:
    one, _ = remember(stores, SAYINGS[0]), remember(stores, SAYINGS[1])
    first = night(stores)
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    stores.memory.forget(one.id, NOW)
    stores.memory.restore(one.id, NOW)
    assert night(stores).counters.duplicates_merged == 1


def test_new_records_join_those_of_earlier_nights(stores: Stores) -> None:
    leader = remember(stores, SAYINGS[1])
    remember(stores, OTHERWISE[0])
    night(stores)
    for text in (SAYINGS[0], SAYINGS[2]):
        remember(stores, text)
    night(stores)
    assert current(stores) == [SAYINGS[1], OTHERWISE[0]]
    assert stores.memory.merged_ids() == {leader.id: ("3", "4")}


def test_a_wording_that_says_more_takes_the_place_of_the_leader_and_all_of_its_own(stores: Stores) -> None:
    remember(stores, SAYINGS[0])
    remember(stores, SAYINGS[3])
    night(stores)
    better = remember(stores, SAYINGS[1])
    night(stores)
    assert current(stores) == [SAYINGS[1]]
    assert stores.memory.merged_ids([better.id]) == {better.id: ("1", "2")}
    stores.nights.undo(2, NOW, force=False)
    assert current(stores) == [SAYINGS[0], SAYINGS[1]]


def test_what_came_in_many_portions_is_joined_as_if_it_had_come_in_one(stores: Stores) -> None:
    """Each of many sentences twice, in another order the second time; some scopes, one of them large."""
    luck, numbers = random.Random(1), count()  # noqa: S311 -- the same sentences each time
    names = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in ("rel", "mint", "stok", "plun")]
    firsts = [luck.sample(names, 4) for _ in range(300)]
    for again in (False, True):
        for one, two, three, four in luck.sample(firsts, len(firsts)):
            said = f"the {one} {two} fails", f"the {three} {four} is down"
            text = f"{said[0]} after {said[1]}" if again else f"after {said[1]}, {said[0]}"
            remember(stores, text, NOON - 9000 + next(numbers), scope="/other" if one < "f" else "/main")
    report = night(stores)
    assert report.counters.duplicates_merged == 100
    assert report.counters.held_back == 200
    for _ in range(2):
        night(stores)
    assert stores.memory.memories() == 300
    assert all(len(joined) == 1 for joined in stores.memory.merged_ids().values())


def test_without_vectors_words_alone_find_what_is_alike(stores: Stores) -> None:
    for text in (*SAYINGS, *OTHERWISE):
        remember(stores, text)
    assert night(stores, chosen=[Deduplicate(None)]).counters.duplicates_merged == 3


def test_in_review_nothing_is_joined_but_proposed_once(stores: Stores) -> None:
    for text in SAYINGS[:2]:
        remember(stores, text)
    assert night(stores, review=True).counters.proposed == 1
    remember(stores, SAYINGS[2])
    assert night(stores, review=True).counters.proposed == 1
    assert len(stores.nights.held()) == 2
    assert len(current(stores)) == 3


def test_what_names_nothing_is_joined_word_for_word(stores: Stores) -> None:
    for text in ("ok", "👍", "ok", "👍", "👎", "so it is", "it is so"):
        remember(stores, text)
    night(stores, chosen=[Deduplicate(None)])
    assert current(stores) == ["ok", "👍", "👎", "so it is", "it is so"]


def test_what_shares_no_word_is_found_by_its_direction(stores: Stores) -> None:
    """As `associate` may ask."""
    one = remember(stores, "Migration worker deployment")
    other = remember(stores, "Emigration coworkers redeployment")
    remember(stores, "Lunch is at noon")
    night(stores, chosen=[Embed(Embedding())])
    assert compared(stores, Reach(words=0.0, direction=0.5, most=8, same_figures=False)) == {
        other.id: [one.id]
    }
    assert compared(stores, Reach(words=0.4, direction=0.5, most=8, same_figures=False)) == {}


def test_other_figures_are_near_only_where_that_is_asked_for(stores: Stores) -> None:
    one, other = remember(stores, "Port 1 is closed"), remember(stores, "Port 2 is closed")
    assert compared(stores, Reach(words=0.4, direction=0.8, most=8, same_figures=False)) == {
        other.id: [one.id]
    }
    assert compared(stores, Reach(words=0.4, direction=0.8, most=8, same_figures=True)) == {}


def compared(stores: Stores, reach: Reach) -> dict[int, list[int]]:
    """Who is near whom."""
    comparison = Comparison("associate", "hash-256", reach)
    for _ in range(20):
        portion = comparison.read(stores.nights, 1000, taken_back=False)
        if isinstance(portion, Compared):
            return {each: [other.id for other in others] for each, others in portion.near.items() if others}
        assert isinstance(portion, Preparation)
        portion.step(go_on)
    pytest.fail("it has no end")


class Interruption:
    """Somebody comes back at the so-manyth question whether the night may go on; counts the questions."""

    def __init__(self, at: int | None = None) -> None:
        self.asked = 0
        self._at = at

    def __call__(self) -> Halt | None:
        self.asked += 1
        return Halt("yielded", "somebody is back") if self.asked == self._at else None


def _three_of_each(stores: Stores) -> None:
    """Ninety notes, three times each, in three orders of their words, and those of one after those of another."""
    for round_number in range(3):
        for number in range(90):
            parts = [f"port {number}", f"region {number % 7}", f"service {number % 11}"]
            remember(stores, ", ".join(parts[round_number:] + parts[:round_number]) + " is closed")


def test_a_night_may_be_broken_off_anywhere_and_the_same_passes_go_on(stores: Stores) -> None:
    """Whatever they had in hand is worth nothing or still true."""
    _three_of_each(stores)
    night(stores, chosen=[Embed(Embedding())])
    chosen, order = [Deduplicate("hash-256")], Order("night", "absent", loss_budget=9.0)
    whole = Interruption()
    with stores.nights.rehearsal() as copy:
        run_night(copy, chosen, order, Surroundings(halted=whole))
    assert whole.asked > 20
    for at in range(1, whole.asked, 1 if LONG else whole.asked // 15):
        with stores.nights.rehearsal() as copy:
            broken_off = run_night(copy, chosen, order, Surroundings(halted=Interruption(at)))
            assert broken_off.outcome == "yielded"
            run_night(copy, chosen, order, Surroundings())
            assert run_night(copy, chosen, order, Surroundings()).outcome == "nothing_to_do"
            assert copy.counts()["current"] == 90, f"broken off at question {at}"


def steps(stores: Stores, each: Deduplicate, ask: YieldPoint = go_on, limit: int = 100) -> Iterator[Portion]:
    """One portion after the other, planned and applied, as a night does it."""
    number = stores.nights.begin_night("night", "absent", NOW)
    for _ in range(100):
        portion = each.read(stores.nights, NOW, limit=limit, taken_back=False)
        if portion.empty:
            return
        stores.nights.apply(number, 1, each.name, each.plan(portion, NOW, ask), NOW)
        yield portion
    pytest.fail("it has no end")


def remember_many(stores: Stores, texts: Iterable[str]) -> None:
    stores.memory.import_many((Draft(text, created_at=NOON - 60) for text in texts), NOW)


def ports(count: int) -> list[str]:
    return [f"Port {number} is closed." for number in range(count)]


def test_a_pass_yields_on_its_way_to_a_portion(stores: Stores) -> None:
    remember_many(stores, ports(900))
    asked: list[None] = []
    first = next(portion for portion in steps(stores, Deduplicate(None), lambda: asked.append(None)))
    assert isinstance(first, Preparation)
    assert len(asked) >= 2


def test_more_records_than_are_taken_in_or_searched_for_at_once_are_all_compared(stores: Stores) -> None:
    remember_many(stores, [*ports(1050), *ports(100)])
    night(stores, chosen=[Embed(Embedding())])
    compared = [each for each in steps(stores, Deduplicate("hash-256")) if isinstance(each, Compared)]
    assert [each.examined for each in compared] == [100] * 11 + [50]
    assert stores.memory.memories() == 1050


def test_what_was_broken_off_while_taking_records_in_begins_anew(stores: Stores) -> None:
    class Back(Exception):
        pass

    def somebody_is_back() -> None:
        raise Back

    each = Deduplicate(None)
    remember_many(stores, ports(1050))
    list(steps(stores, each))
    remember_many(stores, ports(1))
    portion = each.read(stores.nights, NOW, limit=100, taken_back=False)
    with pytest.raises(Back):
        each.plan(portion, NOW, somebody_is_back)
    list(steps(stores, each))
    assert stores.memory.memories() == 1050


def test_what_is_written_while_a_night_compares_is_compared_too(stores: Stores) -> None:
    remember_many(stores, ports(20))
    for portion in steps(stores, Deduplicate(None), limit=10):
        if isinstance(portion, Compared) and portion.position == 10:
            remember_many(stores, ports(30))
    assert stores.memory.memories() == 30


def test_a_real_worker_joins(stores: Stores, home: Home) -> None:
    for text in SAYINGS:
        remember(stores, text)
    report = work_in_a_process(home)
    assert report is not None
    assert (report["outcome"], report["duplicates_merged"]) == ("completed", 3)
