"""Gists: what is summed up and how, that they are beside their sources and in nobody's way, and when they are made anew."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.config import Embedding
from iai_daemon.consolidation.likeness.clusters import LEAST, MOST, Web
from iai_daemon.consolidation.likeness.gist import MOST_CHARACTERS, gist
from iai_daemon.consolidation.passes import outlook
from iai_daemon.consolidation.passes.associate import Associate
from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.passes.summarize import Summarize
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from tests.cli.inside import call_json, said
from tests.consolidation.evening import NOW, export, night, remember
from tests.consolidation.test_deduplicate import Interruption
from tests.consolidation.test_passes import go_on, record
from tests.consolidation.topics import ALONE, BACKUPS, INVOICES, made_up_topics, remember_all
from tests.fakes import NOON, FakeClock

PASSES = [Expire(), Embed(Embedding()), Deduplicate("hash-256"), Associate(), Summarize()]
FIFTH = "The bucket cold-storage holds a backup of the ledger database for the auditors."


def gists(stores: Stores) -> list[Record]:
    return list(stores.nights.made_by("summarize"))


def sources(store: NightStore) -> set[tuple[int, ...]]:
    """Of each gist what it sums up."""
    return set(store.made_from([each.id for each in store.made_by("summarize")]).values())


def work(stores: Stores, *, asked: bool = False) -> bool:
    return outlook(stores.nights, PASSES, NOW, model="hash-256", taken_back=asked).work


# --- clusters


def clusters(*links: tuple[int, int, float]) -> list[tuple[int, ...]]:
    web = Web()
    web.read(list(links))
    return list(web.clusters(go_on))


def all_of(*members: int, weight: float = 0.5) -> list[tuple[int, int, float]]:
    return [(one, other, weight) for one in members for other in members if one < other]


def test_what_is_linked_all_around_is_a_cluster_and_a_chain_is_none() -> None:
    assert clusters(*all_of(1, 2, 3, 4)) == [(1, 2, 3, 4)]
    assert clusters(*all_of(1, 2, 3)) == []
    assert clusters(*((at, at + 1, 0.9) for at in range(1, 9))) == []
    assert clusters(*((1, at, 0.9) for at in range(2, 9))) == [], "a star: its points have nothing in common"


def test_two_clusters_stay_two_where_one_link_joins_them() -> None:
    found = clusters(*all_of(1, 2, 3, 4), *all_of(5, 6, 7, 8), (4, 5, 0.9))
    assert sorted(found) == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_loose_links_make_no_cluster() -> None:
    assert clusters(*all_of(1, 2, 3, 4, weight=0.2)) == []


@given(
    st.lists(st.tuples(st.integers(1, 15), st.integers(1, 15), st.floats(0.1, 1.0)), max_size=60),
    st.randoms(),
)
def test_clusters_share_no_member_hold_together_and_do_not_depend_on_the_order_of_the_links(
    links: list[tuple[int, int, float]], luck: random.Random
) -> None:
    each_once = {(min(a, b), max(a, b)): weight for a, b, weight in links if a != b}
    unique = [(a, b, weight) for (a, b), weight in each_once.items()]
    found = clusters(*unique)
    assert clusters(*luck.sample(unique, len(unique))) == found
    members = [each for cluster in found for each in cluster]
    assert len(members) == len(set(members))
    for cluster in found:
        assert LEAST <= len(cluster) <= MOST
        inside = [pair for pair in each_once if set(pair) <= set(cluster)]
        assert all(sum(each in pair for pair in inside) >= 1 for each in cluster)


# --- what a gist says


def test_a_gist_is_made_of_the_sentences_of_its_sources() -> None:
    records = [record(content=text, created_at=at) for at, text in enumerate(BACKUPS)]
    text = gist(records, go_on)
    assert text is not None
    about, _, rest = text.partition(": ")
    assert about == "About backup, ledger, database"
    chosen = [each for each in BACKUPS if each in rest]
    assert 2 <= len(chosen) <= 4
    assert " ".join(chosen) == rest, "whole sentences, in the order in which they were told"
    assert gist(records[::-1], go_on) == text


def test_of_two_sentences_that_say_the_same_one_is_enough() -> None:
    again = [*BACKUPS, "the nightly backup of the ledger database goes to the bucket cold-storage!"]
    text = gist([record(content=each, created_at=at) for at, each in enumerate(again)], go_on)
    assert text is not None
    assert text.lower().count("goes to the bucket") <= 1


def test_courtesy_is_no_gist() -> None:
    assert (
        gist([record(content=text) for text in ("Thanks!", "Great, thanks.", "See you.", "Bye!")], go_on)
        is None
    )


@given(st.lists(st.text(max_size=900), min_size=1, max_size=8))
def test_a_gist_of_anything_is_short_and_the_same_in_any_order(texts: list[str]) -> None:
    records = [record(content=text) for text in texts]
    text = gist(records, go_on)
    assert text is None or len(text) <= MOST_CHARACTERS
    assert gist(records[::-1], go_on) == text


# --- over nights


def test_a_night_adds_a_gist_of_each_topic_and_leaves_its_sources_as_they_are(stores: Stores) -> None:
    backups, invoices, _ = (remember_all(stores, some) for some in (BACKUPS, INVOICES, ALONE))
    before = export(stores)
    report = night(stores, chosen=PASSES)
    assert (report.outcome, report.counters.gists_written) == ("completed", 2)
    assert sources(stores.nights) == {tuple(each.id for each in some) for some in (backups, invoices)}
    assert export(stores).startswith(before)
    made = gists(stores)[0]
    assert (made.kind, made.made_by, made.created_at) == ("gist", "summarize", backups[-1].created_at)
    assert made.content.startswith("About ")


def test_an_unchanged_store_gets_no_other_gists_and_no_night(stores: Stores) -> None:
    remember_all(stores, BACKUPS, INVOICES, ALONE)
    night(stores, chosen=PASSES)
    before = export(stores)
    assert not work(stores)
    assert night(stores, chosen=PASSES).outcome == "nothing_to_do"
    assert night(stores, chosen=PASSES, asked=True).outcome == "nothing_to_do"
    assert export(stores) == before


@pytest.mark.parametrize("chosen", [[Associate(), Summarize()], PASSES], ids=["alone", "all"])
def test_gists_make_no_work_for_the_next_night(stores: Stores, chosen: list[Any]) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=chosen)
    assert gists(stores)
    assert not outlook(stores.nights, chosen, NOW).work


def test_a_new_memory_of_the_topic_makes_the_gist_anew(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    (old,) = gists(stores)
    remember(stores, FIFTH)
    assert night(stores, chosen=PASSES).counters.gists_written == 1
    (new,) = gists(stores)
    assert sources(stores.nights) == {(1, 2, 3, 4, new.id - 1)}
    assert stores.memory.get(old.id).superseded_by == new.id


def test_a_memory_of_something_else_leaves_the_gist_as_it_is(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    before = gists(stores)
    remember(stores, ALONE[0])
    night(stores, chosen=PASSES)
    assert [each.id for each in gists(stores)] == [each.id for each in before]


def test_what_is_forgotten_is_in_no_gist_after_the_next_night(stores: Stores) -> None:
    remember_all(stores, (*BACKUPS, FIFTH))
    night(stores, chosen=PASSES)
    stores.memory.forget(1, NOW)
    assert work(stores)
    night(stores, chosen=PASSES)
    assert sources(stores.nights) == {(2, 3, 4, 5)}
    assert all(BACKUPS[0] not in each.content for each in gists(stores))
    assert not work(stores)


def test_a_topic_that_falls_below_four_memories_has_no_gist(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    (old,) = gists(stores)
    stores.memory.forget(1, NOW)
    night(stores, chosen=PASSES)
    assert gists(stores) == []
    assert stores.memory.get(old.id).archived_at is not None
    assert not work(stores)


def test_a_source_that_a_night_takes_out_is_noticed_though_nobody_wrote_anything(stores: Stores) -> None:
    remember_all(stores, (*BACKUPS, FIFTH))
    remember(
        stores,
        "The nightly backup of the ledger database needs the vault key of cold-storage.",
        expires_at=NOON + 60,
    )
    night(stores, chosen=PASSES)
    ((*_, last),) = sources(stores.nights)
    assert last == 6
    later = NOW + 120_000
    assert not work(stores)
    assert outlook(stores.nights, PASSES, later).work
    night(stores, chosen=PASSES, clock=FakeClock(wall=later / 1000))
    assert sources(stores.nights) == {(1, 2, 3, 4, 5)}
    assert not outlook(stores.nights, PASSES, later).work


def test_undoing_takes_gists_and_their_links_back_until_a_person_asks(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    before = export(stores)
    first = night(stores, chosen=PASSES)
    made = gists(stores)[0].content
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    assert export(stores) == before
    assert not work(stores)
    night(stores, chosen=PASSES)
    assert gists(stores) == []
    night(stores, chosen=PASSES, asked=True)
    assert [each.content for each in gists(stores)] == [made]


def test_undoing_a_renewal_brings_the_earlier_gist_back_and_leaves_it_there(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    (old,) = gists(stores)
    remember(stores, FIFTH)
    second = night(stores, chosen=PASSES)
    assert second.id is not None
    stores.nights.undo(second.id, NOW, force=False)
    assert [each.id for each in gists(stores)] == [old.id]
    night(stores, chosen=PASSES)
    assert [each.id for each in gists(stores)] == [old.id]
    assert not work(stores)


def test_in_review_gists_are_proposed_and_only_once(stores: Stores) -> None:
    remember_all(stores, BACKUPS)
    assert night(stores, chosen=PASSES, review=True).counters.proposed == 1
    assert gists(stores) == []
    assert not work(stores)


def test_gists_are_no_input_of_any_pass(stores: Stores) -> None:
    remember_all(stores, BACKUPS, INVOICES)
    for _ in range(3):
        night(stores, chosen=PASSES)
        stores.memory.forget(1, NOW)
        night(stores, chosen=PASSES)
        stores.memory.restore(1, NOW)
    assert all(each < 9 for some in sources(stores.nights) for each in some)
    assert all(
        each.kind == "source" or each.record.made_by is None
        for made in gists(stores)
        for each in stores.memory.related(made.id)
    )


def test_a_night_may_be_broken_off_anywhere_and_the_next_ends_the_same(stores: Stores) -> None:
    remember_all(stores, *made_up_topics(7))
    order, whole = Order("night", "absent"), Interruption()
    chosen = [Associate(), Summarize()]
    night(stores, chosen=chosen[:1])
    with stores.nights.rehearsal() as copy:
        assert copy is not None
        run_night(copy, chosen, order, Surroundings(halted=whole))
        expected = sources(copy)
    assert len(expected) == 7
    for at in range(1, whole.asked, max(1, whole.asked // 12)):
        with stores.nights.rehearsal() as copy:
            assert copy is not None
            each = Summarize()
            each.portion_size = 2
            assert run_night(copy, [each], order, Surroundings(halted=Interruption(at))).outcome in (
                "yielded",
                "completed",
            )
            run_night(copy, [Summarize()], order, Surroundings())
            assert sources(copy) == expected, f"broken off at {at}"


def test_many_links_are_read_in_steps_that_yield(stores: Stores) -> None:
    asked: list[None] = []
    luck = np.random.Generator(np.random.PCG64(7))
    web = Web()
    pairs = {
        tuple(sorted(pair)) for pair in luck.integers(1, 4000, (20_000, 2)).tolist() if pair[0] != pair[1]
    }
    web.read([(one, other, 0.5) for one, other in pairs])
    list(web.clusters(lambda: asked.append(None)))
    assert len(asked) > 10


# --- where gists are read


def test_search_tells_gists_beside_its_results_and_never_among_them(stores: Stores) -> None:
    remember_all(stores, BACKUPS, INVOICES, ALONE)
    query = Query("backup of the ledger database", limit=20)
    before = [(hit.record.id, hit.score) for hit in stores.memory.search(query, NOW)]
    night(stores, chosen=PASSES)
    hits = stores.memory.search(query, NOW)
    assert [hit.record.id for hit in hits] == [record for record, _ in before]
    assert all(hit.record.made_by is None for hit in hits)
    (told,) = stores.memory.gists([hit.record.id for hit in hits], 2)
    assert told.sources == (1, 2, 3, 4)
    assert stores.memory.gists([1], 2) == []
    assert stores.memory.gists([1, 5], 2) == []
    past = Query("backup of the ledger database", limit=20, include_superseded=True)
    assert all(hit.record.made_by is None for hit in stores.memory.search(past, NOW))


def test_the_command_line_tells_of_gists(stores: Stores, home: Any) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=PASSES)
    (made,) = gists(stores)
    answer = call_json(home, "memory", "search", "ledger backup")
    assert answer["gists"] == [{"id": made.id, "content": made.content, "sources": [1, 2, 3, 4]}]
    assert made.id not in [each["id"] for each in answer["results"]]
    assert made.content in said(home, "memory", "search", "ledger backup")
    kinds = {each["id"]: each["kind"] for each in call_json(home, "memory", "show", str(made.id))["links"]}
    assert kinds == dict.fromkeys((1, 2, 3, 4), "source")
    shown = call_json(home, "memory", "show", "1")["links"]
    assert ("source_of", made.id) in [(each["kind"], each["id"]) for each in shown]
