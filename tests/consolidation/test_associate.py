"""Links between memories: who is linked and why, what becomes of them over nights and their undoing, and where they are read."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.consolidation.likeness.relating import link
from iai_daemon.consolidation.likeness.topics import Tie, Topics
from iai_daemon.consolidation.passes import outlook
from iai_daemon.consolidation.passes.associate import Associate
from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.nights import Said
from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores
from tests.cli.inside import call_json, said
from tests.consolidation.evening import NOW, export, night, remember
from tests.consolidation.passes_for_tests import summing_up
from tests.consolidation.test_deduplicate import Interruption
from tests.consolidation.test_passes import go_on, record
from tests.consolidation.topics import ALONE, BACKUPS, INVOICES, links, remember_all

PASSES = [Associate()]


def linked(stores: Stores) -> set[tuple[int, int]]:
    return {(one, other) for one, other, _ in links(stores)}


def work(stores: Stores, *, asked: bool = False) -> bool:
    return outlook(stores.nights, PASSES, NOW, taken_back=asked).work


def reason_of(one: Record, other: Record, weight: float = 0.5) -> str:
    room = Topics(2)
    rows = [
        Said(each.id, each.change, each.scope, each.kind, each.subject, each.attribute, each.content, None)
        for each in (one, other)
    ]
    room.read(rows, go_on, is_new=True)
    room.prepare(go_on)
    (tie,) = room.near(other.id) or [Tie(one.id, weight, ())]
    return link(one, other, tie).reason


# --- who and why


def test_what_is_about_one_thing_is_linked_and_what_is_about_another_is_not(stores: Stores) -> None:
    backups, invoices, alone = (
        {each.id for each in remember_all(stores, some)} for some in (BACKUPS, INVOICES, ALONE)
    )
    report = night(stores, chosen=PASSES)
    found = linked(stores)
    assert report.counters.links_added == len(found) >= 8
    assert all(pair <= backups or pair <= invoices for pair in map(set, found))
    assert not alone & {each for pair in found for each in pair}
    for topic in (backups, invoices):
        assert topic <= {each for pair in found for each in pair}


def test_the_reason_names_what_both_speak_of() -> None:
    assert reason_of(record(content=BACKUPS[0]), record(content=BACKUPS[3])) == (
        "both speak of backup, ledger, storage"
    )
    assert reason_of(
        record(content="The MONGO_URL of staging is in vault."),
        record(content="Rotate MONGO_URL and tell vault every month."),
    ) == ("both speak of MONGO_URL, vault")


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("The staging gateway listens on port 8081.", "The staging gateway listens on port 8082.", "almost the same, but “8081” against “8082”"),
        ("Seed the fixtures before the importer.", "Do not seed the fixtures before the importer.", "almost the same, but one denies what the other says"),
        ("The importer runs hourly", "The importer runs hourly.", "both say the same"),
    ],
)  # fmt: skip
def test_what_hardly_differs_is_told_by_what_it_differs_in(one: str, other: str, reason: str) -> None:
    assert reason_of(record(content=one), record(content=other)) == reason


def test_a_subject_that_both_have_is_the_reason() -> None:
    one = record(content="It listens on 8081.", subject="staging gateway", attribute="port")
    other = record(content="Olga looks after it.", subject="staging gateway", attribute="owner")
    assert reason_of(one, other) == "both are about staging gateway"


def test_what_deduplicate_leaves_as_only_related_is_linked(stores: Stores) -> None:
    one = remember(stores, "Seed the fixtures before launching the importer.")
    other = remember(stores, "Seed the fixtures before launching the importer on staging.")
    night(stores, chosen=[Deduplicate(None), Associate()])
    ((_, _, reason),) = links(stores)
    assert linked(stores) == {(one.id, other.id)}
    assert reason.startswith("almost the same, but only one says")


def test_memories_of_two_kinds_are_linked_and_of_two_scopes_are_not(stores: Stores) -> None:
    one = remember(stores, BACKUPS[0], kind="fact")
    other = remember(stores, BACKUPS[1], kind="howto")
    remember(stores, BACKUPS[2], scope="/elsewhere")
    night(stores, chosen=PASSES)
    assert linked(stores) == {(one.id, other.id)}


def test_courtesy_links_nobody(stores: Stores) -> None:
    for text in (
        "Great, thanks!",
        "Thanks, that is great.",
        "Hey, thanks a lot, great idea!",
        "See you later!",
    ):
        remember(stores, text)
    remember_all(stores, ALONE)
    night(stores, chosen=PASSES)
    assert linked(stores) == set()


def test_nobody_takes_up_more_than_five_links(stores: Stores) -> None:
    names = [f"host{number}" for number in range(40)]
    for name in names:
        remember(stores, f"The turbine controller {name} reports to the windmill collector.")
    night(stores, chosen=PASSES)
    assert 0 < len(linked(stores)) <= 5 * len(names)
    assert all(0 < each.weight <= 1 for each in stores.memory.related(1))


@given(st.lists(st.sampled_from([*BACKUPS, *INVOICES, *ALONE, "", "👍"]), max_size=14), st.randoms())
def test_ties_do_not_depend_on_the_order_in_which_portions_are_read(
    texts: list[str], luck: random.Random
) -> None:
    rows = [Said(at, at, "global", None, None, None, text, None) for at, text in enumerate(texts, 1)]
    cut = luck.randint(0, len(rows))
    whole, parts = Topics(len(rows)), Topics(len(rows))
    whole.read(rows, go_on, is_new=True)
    for some in (rows[:cut], rows[cut:]):
        parts.read(some, go_on, is_new=True)
    for room in (whole, parts):
        room.prepare(go_on)
    for row in rows:
        ties = whole.near(row.record)
        assert ties == parts.near(row.record)
        assert all(tie.other != row.record and 0 < tie.weight <= 1 for tie in ties)
        assert len(ties) <= 5


# --- over nights


def test_a_night_without_anything_new_links_nothing(stores: Stores) -> None:
    remember_all(stores, BACKUPS, ALONE)
    night(stores, chosen=PASSES)
    before = list(links(stores)), export(stores)
    assert not work(stores)
    assert night(stores, chosen=PASSES).outcome == "nothing_to_do"
    assert (list(links(stores)), export(stores)) == before


def test_a_new_memory_is_linked_to_those_of_earlier_nights(stores: Stores) -> None:
    old = remember_all(stores, BACKUPS[:3], ALONE)
    night(stores, chosen=PASSES)
    new = remember(stores, BACKUPS[3])
    assert night(stores, chosen=PASSES).counters.links_added > 0
    fresh = [pair for pair in linked(stores) if new.id in pair]
    assert {min(pair) for pair in fresh} <= {each.id for each in old[:3]}


def test_links_count_between_current_memories_only(stores: Stores) -> None:
    first, second, *_ = remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    assert any(each.record.id == second.id for each in stores.memory.related(first.id))
    stores.memory.forget(second.id, NOW)
    assert not any(each.record.id == second.id for each in stores.memory.related(first.id))
    stores.memory.restore(second.id, NOW)
    assert any(each.record.id == second.id for each in stores.memory.related(first.id))


def test_nobody_is_linked_to_what_was_merged_or_replaced_in_the_same_night(stores: Stores) -> None:
    remember(stores, "The ledger backup goes to cold-storage.", subject="ledger backup", attribute="target")
    remember(stores, "The ledger backup goes to warm-storage.", subject="ledger backup", attribute="target")
    one = remember(stores, "Ingrid checks the ledger backup on Mondays.")
    again = remember(stores, "On Mondays Ingrid checks the ledger backup.")
    night(stores, chosen=[Supersede(), Deduplicate(None), Associate()])
    gone = {1, max(one.id, again.id)}
    with_anybody = {each for pair in linked(stores) for each in pair}
    assert with_anybody
    assert not gone & with_anybody


def test_what_a_pass_has_made_is_linked_to_nothing(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=[summing_up()])
    (gist,) = stores.nights.made_by("sum")
    night(stores, chosen=PASSES)
    assert gist.id not in {each for pair in linked(stores) for each in pair}
    assert not work(stores)


def test_undoing_takes_the_links_back_until_a_person_asks(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    first = night(stores, chosen=PASSES)
    before = list(links(stores))
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    assert linked(stores) == set()
    assert not work(stores)
    remember(stores, ALONE[0])
    night(stores, chosen=PASSES)
    assert linked(stores) == set()
    assert work(stores, asked=True)
    night(stores, chosen=PASSES, asked=True)
    assert list(links(stores)) == before
    assert not work(stores, asked=True)


def test_a_night_may_be_broken_off_anywhere_and_the_next_links_the_same(stores: Stores) -> None:
    for number in range(60):
        remember(stores, f"{BACKUPS[number % 4]} Region {number % 7}, rack {number % 11}.")
    order, whole = Order("night", "absent"), Interruption()
    with stores.nights.rehearsal() as copy:
        assert copy is not None
        each = Associate()
        each.portion_size = 10
        run_night(copy, [each], order, Surroundings(halted=whole))
        expected = copy.related_within(["global"], (0, 0), 10_000)
    assert expected
    assert whole.asked > 20
    for at in range(1, whole.asked, whole.asked // 12):
        with stores.nights.rehearsal() as copy:
            assert copy is not None
            each = Associate()
            each.portion_size = 10
            broken_off = run_night(copy, [each], order, Surroundings(halted=Interruption(at)))
            assert broken_off.outcome == "yielded"
            run_night(copy, [each], order, Surroundings())
            assert copy.related_within(["global"], (0, 0), 10_000) == expected, f"broken off at {at}"


# --- where links are read


def test_show_and_the_night_tell_of_links(stores: Stores, home: Any) -> None:
    first, *_ = remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    shown = call_json(home, "memory", "show", str(first.id))
    (other, *_) = shown["links"]
    assert other.keys() == {"id", "content", "kind", "weight", "reason", "night"}
    assert (other["kind"], other["night"]) == ("related", 1)
    assert other["content"] in BACKUPS
    assert f"related to {other['id']}: {other['reason']}" in said(home, "memory", "show", str(first.id))
    told = call_json(home, "nights", "show", "1")["links"]
    assert {(each["one"], each["other"]) for each in told} == linked(stores)
    assert all(each["undone_at"] is None for each in told)
    assert f"{told[0]['one']} and {told[0]['other']} linked" in said(home, "nights", "show", "1", "--diff")
    assert f"{len(told)} links between memories" in said(home, "nights", "show", "1")
