"""Calls put into runs and counted: what failed, after what, with whom, in which task, by plain values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from iai_daemon.consolidation.insights.calls import Call, Outcome
from iai_daemon.consolidation.insights.runs import (
    LAST_CALLS,
    MOST_TOOLS,
    WINDOW,
    Counts,
    Family,
    Rate,
    Tool,
    counted,
    tool_of,
)
from iai_daemon.consolidation.insights.statistics import Table
from tests.consolidation.test_passes import go_on

A, B, C = Tool("a"), Tool("b"), Tool("c")
OK, ERROR, CANCELLED, UNANSWERED = Outcome.OK, Outcome.ERROR, Outcome.CANCELLED, Outcome.UNANSWERED
_ENDS = {"+": OK, "-": ERROR, "c": CANCELLED, "u": UNANSWERED}


def run(said: str, name: str = "r", **more: str | bool | None) -> list[Call]:
    """`a+ b-`: a call of `a` that was successful, then one of `b` that failed."""
    return [
        Call(run=name, tool=each[0], outcome=_ENDS[each[1]], seq=at, **more)  # type: ignore[arg-type]
        for at, each in enumerate(said.split())
    ]


def count(*runs: Sequence[Call]) -> Counts:
    return counted([call for each in runs for call in each], go_on)


def table(counts: Counts, family: Family, tool: Tool, other: str = "") -> tuple[int, int, int, int]:
    """Of all tasks together: events and all of those concerned, then of the others."""
    of = counts.tables((family, tool, other))
    return (
        sum(each.events for each in of),
        sum(each.total for each in of),
        sum(each.other_events for each in of),
        sum(each.other_total for each in of),
    )


@pytest.mark.parametrize(
    ("tool", "label"), [(Tool("read"), "`read`"), (Tool("read", "files"), "`read` of `files`")]
)
def test_a_tool_is_told_with_its_server_where_that_is_known(tool: Tool, label: str) -> None:
    assert tool.label == label


def test_tools_of_two_servers_are_two_tools() -> None:
    assert tool_of(Call("r", "read", OK, server="files")) == Tool("read", "files")
    assert tool_of(Call("r", "read", OK)) == Tool("read", "")
    assert tool_of(Call("r")) == Tool("", "")


def test_the_names_in_the_notes_stay() -> None:
    assert [*Rate] == ["failed", "unfinished", "failed again"]
    assert [*Family] == ["client", "after", "once", "retried", "recovered", "called", "failed"]


def test_failures_and_calls_without_an_answer_are_counted_run_by_run() -> None:
    counts = count(run("a+ a- ac au a-", "r1"), run("a- a+", "r2"), run("au", "r3"))
    assert counts.groups(Rate.UNFINISHED, A) == [(2, 5), (0, 2), (1, 1)]
    assert counts.groups(Rate.FAILED, A) == [(2, 3), (1, 2)]
    assert counts.groups(Rate.FAILED, B) == []


def test_a_call_after_a_failure_in_the_same_run_is_counted_until_one_is_successful() -> None:
    counts = count(run("a- a- b+ a- ac a+ a- ", "r1"), run("a+ a-", "r2"))
    assert counts.groups(Rate.FAILED_AGAIN, A) == [(2, 3)]
    assert counts.groups(Rate.FAILED_AGAIN, B) == []


def test_calls_of_one_client_are_compared_with_those_of_others_where_clients_are_known() -> None:
    counts = count(run("a- a+", "r1", client="x"), run("a+ a+ a-", "r2", client="y"), run("a-", "r3"))
    assert table(counts, Family.CLIENT, A, "x") == (1, 2, 1, 3)
    assert table(counts, Family.CLIENT, A, "y") == (1, 3, 1, 2)


def test_calls_directly_after_another_tool_are_compared_with_all_others_of_it() -> None:
    counts = count(run("a+ b- b+ a- b- c+ b+", "r1"), run("b-", "r2"))
    assert table(counts, Family.AFTER, B, A.label) == (2, 2, 1, 3)
    assert table(counts, Family.AFTER, B, C.label) == (0, 1, 3, 4)
    assert (Family.AFTER, B, B.label) not in counts.concerned
    assert {tool.name for family, tool, _ in counts.concerned if family is Family.AFTER} == {"a", "b", "c"}


def test_calls_once_another_tool_was_called_are_compared_with_those_before() -> None:
    counts = count(run("b- a+ c+ b- b+", "r1"), run("b+", "r2"))
    assert table(counts, Family.ONCE, B, A.label) == (1, 2, 1, 2)
    assert table(counts, Family.ONCE, B, C.label) == (1, 2, 1, 2)
    assert (Family.ONCE, B, B.label) not in counts.concerned


def test_calls_directly_after_a_failure_of_the_same_tool_are_tried_again_at_once() -> None:
    counts = count(run("a- a- a+ a+ b- a-", "r1"), run("a- b+ a+ ac a+", "r2"))
    assert table(counts, Family.RETRIED, A) == (1, 2, 3, 6)


def test_calls_after_a_failure_are_compared_by_what_was_called_in_between() -> None:
    counts = count(run("a- b+ a- c+ a+ b+ a+", "r1"), run("a- b+ c- b- a-", "r2"))
    assert table(counts, Family.RECOVERED, A, B.label) == (2, 2, 0, 1)
    assert table(counts, Family.RECOVERED, A, C.label) == (1, 2, 1, 1)
    assert (Family.RECOVERED, A, A.label) not in counts.concerned
    assert table(counts, Family.RECOVERED, B, C.label) == (0, 0, 0, 0)


def test_what_got_no_answer_is_no_attempt_but_comes_before_the_next_call() -> None:
    counts = count(run("a- bc a+"))
    assert counts.groups(Rate.FAILED_AGAIN, A) == [(0, 1)]
    assert table(counts, Family.AFTER, A, B.label) == (0, 1, 1, 1)
    assert table(counts, Family.RECOVERED, A, B.label) == (0, 1, 0, 0)
    assert {family for family, tool, _ in counts.concerned if tool == B} == set()
    assert {family for family, tool in counts.all if tool == B} == set()


def test_runs_that_call_a_tool_are_compared_with_those_that_do_not_by_their_success() -> None:
    counts = count(
        run("a+ b+", "r1", success=True),
        run("a- a+", "r2", success=True),
        run("a-", "r3", success=False),
        run("b+", "r4", success=False),
        run("b- a-", "r5"),
    )
    assert table(counts, Family.CALLED, A) == (2, 3, 0, 1)
    assert table(counts, Family.CALLED, B) == (1, 2, 1, 2)
    assert table(counts, Family.FAILED, A) == (1, 2, 1, 1)
    assert table(counts, Family.FAILED, B) == (0, 0, 1, 2)


def test_what_is_said_of_a_run_as_a_whole_counts_as_no_call() -> None:
    told = [Call("r", task="t", success=False), *run("a+"), Call("r", success=True), Call("r")]
    counts = count(told)
    assert counts.tables((Family.CALLED, A, "")) == [Table(1, 1, 0, 0)]
    assert counts.knows_tasks(Family.CALLED, A)
    assert {tool for _, tool in counts.rates} == {A}


def test_the_first_task_that_is_named_is_that_of_the_run() -> None:
    counts = count([*run("a+"), *run("a-", task="t1"), *run("a-", task="t2")])
    assert list(counts.all[Family.ONCE, A]) == ["t1"]


def test_whatever_is_compared_is_compared_by_task() -> None:
    counts = count(run("a- a- b+ a-", task="t", client="x", success=True))
    assert {family: list(counts.all[family, A]) for family in Family} == {family: ["t"] for family in Family}
    assert {key[0] for key, tasks in counts.concerned.items() if list(tasks) == ["t"]} == {*Family}


def test_tasks_are_kept_apart_and_told_in_their_order() -> None:
    counts = count(
        run("a- b- a+", "r1", task="t2"), run("a+ b+", "r2", task="t1"), run("b- a- b-", "r3", task="t1")
    )
    assert counts.tables((Family.AFTER, B, A.label)) == [Table(1, 2, 1, 1), Table(1, 1, 0, 0)]
    assert counts.knows_tasks(Family.AFTER, B)
    assert not counts.knows_tasks(Family.CLIENT, B)
    assert not count(run("a+ b+")).knows_tasks(Family.AFTER, B)


def test_calls_are_in_the_order_of_their_numbers_where_every_one_has_one() -> None:
    first, then = Call("r", "a", OK, at=90.0, seq=1.0), Call("r", "b", OK, at=80.0, seq=2.0)
    assert table(count([then, first]), Family.AFTER, B, A.label) == (0, 1, 0, 0)
    nothing = Call("r", "a", OK, at=90.0, seq=0.0)
    assert table(count([then, nothing]), Family.AFTER, B, A.label) == (0, 1, 0, 0)
    unnumbered = Call("r", "a", OK, at=90.0)
    assert table(count([then, unnumbered]), Family.AFTER, A, B.label) == (0, 1, 0, 0)


def test_what_bears_no_time_comes_before_what_does() -> None:
    timed, timeless = Call("r", "a", OK, at=5.0), Call("r", "b", OK)
    assert table(count([timed, timeless]), Family.AFTER, A, B.label) == (0, 1, 0, 0)


def test_of_what_came_too_long_before_the_newest_nothing_counts() -> None:
    assert WINDOW == 180 * 86400.0
    newest = 1_000_000_000.0
    calls = [Call("r", "a", OK, at=newest - WINDOW + late) for late in (-1.0, 0.0)]
    counts = count([*calls, Call("r", "b", OK, at=newest), Call("r", "c", OK)])
    assert counts.groups(Rate.FAILED, A) == [(0, 1)]
    assert counts.groups(Rate.FAILED, B) == counts.groups(Rate.FAILED, C) == [(0, 1)]


def test_without_any_time_everything_counts() -> None:
    assert count(run("a- a+")).groups(Rate.FAILED, A) == [(1, 2)]
    assert count([]).rates == {}


def test_of_each_tool_the_newest_calls_count_and_the_older_ones_still_come_before_them() -> None:
    assert LAST_CALLS == 400
    old = [Call("r", "a", ERROR, at=1.0), Call("r", "b", OK, at=2.0)]
    new = [Call("r", "a", OK, at=3.0 + number) for number in range(400)]
    counts = count([*old, *new])
    assert counts.groups(Rate.FAILED, A) == [(0, 400)]
    assert counts.groups(Rate.FAILED_AGAIN, A) == [(0, 1)]
    assert table(counts, Family.RECOVERED, A, B.label) == (0, 1, 0, 0)
    # One more, and the oldest of those that counted does no longer.
    assert count([*old, *new[:399]]).groups(Rate.FAILED, A) == [(1, 400)]


def test_the_most_called_tools_are_compared_and_of_those_called_as_often_the_first_by_name() -> None:
    assert MOST_TOOLS == 60
    names = [f"t{number:02}" for number in range(61)]
    once = [Call("r", name, ERROR, seq=at, success=True) for at, name in enumerate(names)]
    counts = count(once)
    assert {tool.name for _, tool in counts.rates} == set(names[:60])
    more = count([*once, Call("r", "t60", OK, seq=99.0)])
    assert {tool.name for _, tool in more.rates} == {*names[:59], "t60"}
    assert {tool.name for family, tool in more.all if family is Family.CALLED} == {*names[:59], "t60"}
    # What is not compared is nothing that others come after either.
    labels = {other for family, _, other in more.concerned if family is Family.AFTER}
    assert "`t57`" in labels
    assert "`t59`" not in labels
    assert table(more, Family.ONCE, Tool("t60"), "`t59`") == (0, 0, 1, 2)


@pytest.mark.parametrize(("calls", "asked"), [(0, 2), (1, 5), (50, 5), (51, 6), (1000, 24), (1001, 27)])
def test_a_long_walk_asks_every_fifty_calls_whether_to_go_on(calls: int, asked: int) -> None:
    times: list[int] = []
    counted([Call("r", "a", OK, seq=at) for at in range(calls)], lambda: times.append(1))
    assert len(times) == asked


def test_the_runs_are_walked_by_name() -> None:
    counts = count(run("a-", "r2"), run("a+", "r1"))
    assert list(counts.rates[Rate.FAILED, A]) == ["r1", "r2"]
