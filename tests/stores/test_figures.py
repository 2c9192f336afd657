"""What a store counts of itself, on every engine."""

from __future__ import annotations

from iai_daemon.memory.figures import Figures
from iai_daemon.memory.stores import Stores
from tests.consolidation.evening import NOW, a_day, a_night, night


def test_a_new_store_counts_nothing(opened: Stores) -> None:
    none = dict.fromkeys(("current", "superseded", "merged", "expired", "archived", "forgotten"), 0)
    assert opened.counts.figures() == Figures(none, {}, {}, {}, None, None)


def test_memories_nights_and_changes_are_counted_and_what_is_taken_back_stays_counted(opened: Stores) -> None:
    a_day(opened, 12)
    done = night(opened)
    a_night(opened, NOW + 1000, kind="nap", rule="idle")
    a_night(opened, NOW + 2000, outcome="yielded")
    opened.nights.begin_night("night", "absent", NOW + 3000)
    found = opened.counts.figures()
    assert found.memories["expired"] == done.counters.expired_pruned == 4
    assert sum(found.memories[each] for each in ("current", "superseded", "expired")) == 12
    assert found.nights == {("night", "completed"): 1, ("nap", "completed"): 1, ("night", "yielded"): 1}
    assert found.changes["expired"] == 4
    assert (found.night_began, found.night_ended) == (done.started_at, done.ended_at)
    assert done.id is not None
    opened.nights.undo(done.id, NOW + 4000, force=False)
    assert opened.counts.figures().changes == found.changes
    assert opened.counts.figures().memories["expired"] == 0


def test_what_waits_is_counted_by_why(opened: Stores) -> None:
    a_day(opened, 12)
    done = night(opened, review=True)
    assert opened.counts.figures().held == {"review": done.counters.proposed}
    assert opened.counts.figures().changes == {}


def test_the_first_changes_of_a_kind_that_stand_are_told(opened: Stores) -> None:
    a_day(opened, 30)
    done = night(opened)
    assert done.id is not None
    first = opened.nights.first_of(done.id, "expired", 2)
    assert [each.effect for each in first] == ["expired", "expired"]
    assert first == opened.nights.journal(night=done.id)[:2]
    assert opened.nights.first_of(done.id, "merged", 2) == []
    opened.nights.undo(done.id, NOW + 4000, force=False)
    assert opened.nights.first_of(done.id, "expired", 2) == []
