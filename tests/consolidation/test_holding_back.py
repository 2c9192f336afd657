"""What a night plans and does not do: over the loss budget, against the recall self-check, or only proposed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iai_daemon.consolidation import budget
from iai_daemon.consolidation.report import Report
from iai_daemon.consolidation.runner import Halt
from iai_daemon.memory.nights import Batch, Why
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from tests.consolidation.evening import ALL, NOW, a_day, export, night, remember
from tests.consolidation.passes_for_tests import Scripted, breaking, joining, long, merge, summing_up
from tests.fakes import FakeClock


def _remember_many(stores: Stores, count: int) -> None:
    for number in range(count):
        remember(stores, f"note {number}: the deploy of service {number} goes through the blue gate")


def _current(stores: Stores) -> int:
    return stores.memory.memories()


def _statuses(report: Report) -> dict[str, str]:
    return {each.name: each.status for each in report.passes if each.round == 1}


# --- the loss budget


@pytest.mark.parametrize(
    ("share", "current", "allowed"), [(0.1, 0, 100), (0.1, 999, 100), (0.1, 5000, 500), (0.0, 9999, 100)]
)
def test_a_hundred_losses_or_the_share_of_the_current_records_are_allowed(
    share: float, current: int, allowed: int
) -> None:
    assert budget.allowance(share, current) == allowed


def test_what_is_over_the_budget_is_held_and_named_and_comes_again_the_next_night(stores: Stores) -> None:
    _remember_many(stores, 251)
    join = joining(into=1)
    first = night(stores, chosen=[join])
    assert (first.counters.held_back, _current(stores)) == (150, 151)
    held = stores.nights.held(night=1)
    assert {row.why for row in held} == {Why.BUDGET}
    assert [row.planned.reason for row in held[:2]] == ["says the same as 1"] * 2
    second = night(stores, chosen=[join])
    assert (second.counters.held_back, _current(stores)) == (50, 51)
    third = night(stores, chosen=[join])
    assert (third.counters.held_back, _current(stores)) == (0, 1)
    assert night(stores, chosen=[join]).outcome == "nothing_to_do"


def test_a_night_that_was_cut_short_and_the_one_that_goes_on_share_one_budget(stores: Stores) -> None:
    _remember_many(stores, 251)
    join = joining(into=1, portion_size=40)
    cut = night(stores, chosen=[join], halted=_after(4))
    assert cut.outcome == "yielded"
    lost = stores.nights.losses(1)
    assert 0 < lost < 100
    night(stores, chosen=[join])
    assert stores.nights.losses(1) + stores.nights.losses(2) == 100


def test_what_was_said_by_somebody_is_not_counted(stores: Stores) -> None:
    a_day(stores, 900)
    report = night(stores)
    assert (report.counters.expired_pruned, report.counters.held_back) == (300, 0)


def test_a_plan_whose_record_has_moved_on_is_dropped_and_its_pass_looks_again(stores: Stores) -> None:
    _remember_many(stores, 102)
    join = joining(into=1)
    night(stores, chosen=[join])
    (row,) = stores.nights.held()
    assert row.planned.effect == "merged"
    last = 102
    stores.memory.forget(last, NOW)
    stores.memory.restore(last, NOW)
    night(stores, chosen=[join])
    assert stores.memory.get(last).merged_into == 1
    assert not stores.nights.held()


def test_what_waits_is_no_work_for_a_night_without_its_pass(stores: Stores) -> None:
    _remember_many(stores, 150)
    night(stores, chosen=[joining(into=1)])
    assert stores.nights.held()
    others = [each for each in ALL if each.name == "expire"]
    assert night(stores, chosen=others).outcome == "nothing_to_do"


# --- the recall self-check


def test_a_merge_after_which_search_loses_what_it_found_is_held_back(stores: Stores) -> None:
    kept = remember(stores, "the lighthouse keeper drinks tea")
    lost = remember(stores, "zebras cross at the blue gate")
    report = night(stores, chosen=[joining(into=kept.id)], memory=stores.memory)
    assert (report.counters.held_back, _current(stores)) == (1, 2)
    (row,) = stores.nights.held()
    assert (row.why, row.planned.change_id) == (Why.RECALL, merge(lost, kept.id).change_id)
    assert [hit.record.id for hit in stores.memory.search(Query("zebras"), NOW)] == [lost.id]
    assert not stores.nights.journal(night=1)


def test_a_merge_whose_survivor_answers_the_same_question_is_made(stores: Stores) -> None:
    kept = remember(stores, "zebras cross at the blue gate every morning")
    remember(stores, "zebras cross at the blue gate")
    report = night(stores, chosen=[joining(into=kept.id)], memory=stores.memory)
    assert (report.counters.held_back, _current(stores)) == (0, 1)


def test_of_many_merges_a_sample_is_asked_for_and_once_one_does_harm_all_that_follow(stores: Stores) -> None:
    kept = remember(stores, "the lighthouse keeper drinks tea")
    for number in range(64):
        remember(stores, f"zebra{number} crosses at gate{number}")
    report = night(stores, chosen=[joining(into=kept.id)], memory=stores.memory)
    assert report.counters.held_back == 64


def test_what_harms_recall_is_tried_again_with_the_next_night_and_makes_none_by_itself(
    stores: Stores,
) -> None:
    kept = remember(stores, "the lighthouse keeper drinks tea")
    remember(stores, "zebras cross at the blue gate")
    join = joining(into=kept.id)
    night(stores, chosen=[join], memory=stores.memory)
    assert night(stores, chosen=[join], memory=stores.memory).outcome == "nothing_to_do"
    remember(stores, "the lighthouse keeper drinks tea")
    again = night(stores, chosen=[join], memory=stores.memory)
    assert (again.outcome, again.counters.held_back) == ("completed", 1)


# --- review


def test_under_review_a_night_proposes_everything_and_changes_nothing(stores: Stores) -> None:
    a_day(stores, 30)
    before = export(stores)
    report = night(stores, review=True)
    assert export(stores) == before
    assert (report.outcome, report.counters.proposed, report.counters.expired_pruned) == ("completed", 13, 0)
    assert report.counters.nodes_embedded == 30
    assert {row.why for row in stores.nights.held(night=1)} == {Why.REVIEW}
    assert night(stores, review=True).outcome == "nothing_to_do"


@pytest.mark.parametrize("asked", [True, False])
def test_under_review_a_key_with_more_facts_than_fit_is_proposed_to_its_end(
    stores: Stores, asked: bool
) -> None:
    for number in range(450):
        remember(stores, f"the branch is {number}", subject="branch", attribute="name")
    assert night(stores, review=True, asked=asked).counters.proposed >= 448


def test_a_proposal_that_is_undone_is_refused_and_nights_leave_it_alone(stores: Stores) -> None:
    a_day(stores, 30)
    before = export(stores)
    night(stores, review=True)
    stores.nights.undo(1, NOW, force=False)
    assert not stores.nights.held()
    assert night(stores).outcome == "nothing_to_do"
    assert export(stores) == before
    assert night(stores, asked=True).counters.expired_pruned == 10


# --- records that a night adds


def test_a_record_that_a_night_adds_is_journalled_and_taken_out_by_an_undo(stores: Stores) -> None:
    _remember_many(stores, 5)
    before = export(stores)
    night(stores, chosen=[summing_up(), *ALL])
    (gist,) = [each for each in stores.memory.export() if each.kind == "gist"]
    (entry,) = stores.nights.journal(record=gist.id)
    assert (entry.before, entry.effect, entry.after["content"]) == (None, "gist", "a gist of 5 notes")
    stores.nights.undo(1, NOW, force=False)
    assert export(stores) == before


def test_what_was_taken_out_is_not_added_again_until_somebody_asks(stores: Stores) -> None:
    _remember_many(stores, 5)
    night(stores, chosen=[summing_up()])
    stores.nights.undo(1, NOW, force=False)
    remember(stores, "one more")
    sum_up = summing_up()
    night(stores, chosen=[sum_up])
    gists = [each.content for each in stores.memory.export() if each.kind == "gist"]
    assert gists == ["a gist of 1 notes"]


def test_a_write_after_an_undo_that_took_records_out_is_seen_by_every_pass(stores: Stores) -> None:
    """The places of the records that went are not given away again below a cursor."""
    _remember_many(stores, 3)
    night(stores, chosen=[summing_up(), *ALL])
    stores.nights.undo(1, NOW, force=False)
    added = remember(stores, "one more")
    positions = [stores.nights.cursor(name) for name in ("sum", "supersede", "embed:hash-256")]
    assert added.change > max(positions)


# --- passes that wait


def _after(questions: int) -> Callable[[], Halt | None]:
    """Somebody comes back when so many questions have been answered with *go on*."""
    asked = iter(range(questions))
    return lambda: None if next(asked, None) is not None else Halt("yielded", "WAKE: somebody is back")


def test_a_pass_that_fails_three_times_running_is_left_out_and_the_others_go_on(stores: Stores) -> None:
    chosen = [breaking(RuntimeError("it broke")), *ALL]
    time = FakeClock()
    for number in range(3):
        remember(stores, f"note {number}")
        report = night(stores, chosen=chosen, clock=time)
        assert (report.outcome, _statuses(report)["break"]) == ("failed", "failed: RuntimeError: it broke")
        time.advance(3600)
    remember(stores, "one more")
    report = night(stores, chosen=chosen, clock=time)
    assert (report.outcome, report.counters.nodes_embedded) == ("completed", 1)
    assert _statuses(report)["break"] == "quarantined: RuntimeError: it broke"
    assert night(stores, chosen=chosen, clock=time).outcome == "nothing_to_do"
    assert night(stores, chosen=chosen, clock=time, asked=True).outcome == "nothing_to_do"
    time.advance(86_400)
    assert _statuses(night(stores, chosen=chosen, clock=time))["break"].startswith("failed")


def test_a_pass_that_never_gets_anywhere_is_deferred_and_tells_where_it_was_stopped(stores: Stores) -> None:
    remember(stores, "a note")
    time = FakeClock()
    for _ in range(3):
        report = night(stores, chosen=[long(100)], clock=time, halted=_after(5))
        assert (report.outcome, report.stopped and report.stopped.pass_name) == ("yielded", "long")
    assert night(stores, chosen=[long(1)], clock=time).outcome == "nothing_to_do"
    assert night(stores, chosen=[long(1)], clock=time, asked=True).outcome == "completed"


def test_the_night_that_goes_on_says_with_which_and_where(stores: Stores) -> None:
    a_day(stores, 500)
    first = night(stores, halted=_after(3))
    assert first.stopped is not None
    second = night(stores)
    assert second.resumes is not None
    assert second.as_json()["resumes"] == {"night": 1, "pass": first.stopped.pass_name}
    assert night(stores, asked=True).resumes is None


def test_a_pass_with_too_little_memory_gets_half_as_much_at_a_time(stores: Stores) -> None:
    def plan(records: object, _: object) -> Batch:
        if len(records) > 30:  # type: ignore[arg-type]
            raise MemoryError
        return Batch()

    _remember_many(stores, 100)
    greedy = Scripted("greedy", plans=plan)
    for expected in ([16, 32], [16, 16, 16, 16, 16, 4]):
        greedy.ran.clear()
        report = night(stores, chosen=[greedy])
        assert greedy.ran[: len(expected)] == expected
    assert report.outcome == "completed"
