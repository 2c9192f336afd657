"""Sessions and recalls of the agenda, on every engine: what each method of the protocol promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iai_daemon.agenda.recall import CatchUp, Overlap, Planned, Policy, Session, State, Status
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
from iai_daemon.errors import NoSuchRecall, NoSuchSession, SessionTaken
from tests.stores.recalls import (
    DONE,
    HOUR,
    NOW,
    add,
    begin,
    hourly,
    in_hours,
    once,
    recurring,
    states,
    the_last,
)

ALL = Viewer("root", administrator=True)
UNKNOWN = [0, -1, 7, 1 << 63, 1 << 80]


# Sessions.


def test_a_session_is_registered_once_and_listed_in_the_order_of_that(agenda: AgendaStore) -> None:
    assert agenda.register("b", "claude-code", NOW)
    assert agenda.register("a", None, NOW + 1)
    assert not agenda.register("b", "codex", NOW + 2)
    assert agenda.sessions() == [
        Session("b", "claude-code", NOW, None, None),
        Session("a", None, NOW + 1, None, None),
    ]


def test_a_closed_session_is_told_of_only_when_asked_for_and_opens_again(agenda: AgendaStore) -> None:
    agenda.register("s1", "codex", NOW)
    assert agenda.close_session("s1", NOW + 1) == []
    assert agenda.sessions() == []
    assert agenda.sessions(closed=True) == [Session("s1", "codex", NOW, NOW + 1, None)]
    assert agenda.close_session("s1", NOW + 2) == []
    assert agenda.sessions(closed=True)[0].closed_at == NOW + 1, "it was closed then"
    assert agenda.register("s1", "claude-code", NOW + 3)
    assert agenda.sessions() == [Session("s1", "codex", NOW + 3, None, None)]


def test_a_session_names_its_pending_recall(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    assert agenda.sessions() == [Session("s1", None, NOW, None, recall.id)]
    assert agenda.with_pending(["s1", "s2"]) == {"s1"}
    assert agenda.with_pending([]) == set()
    agenda.cancel(recall.id, "enough", NOW)
    assert agenda.sessions()[0].pending is None
    assert agenda.with_pending({"s1"}) == set()


def test_an_unknown_session_cannot_be_closed(agenda: AgendaStore) -> None:
    with pytest.raises(NoSuchSession, match="no session nobody"):
        agenda.close_session("nobody", NOW)


def test_closing_a_session_cancels_what_is_to_come_in_it_and_what_runs_goes_on(agenda: AgendaStore) -> None:
    running = add(agenda, recurring())
    begun = begin(agenda, the_last(agenda, running), NOW + HOUR)
    pending = add(agenda, once(when=NOW + 3 * HOUR), NOW + HOUR)
    other = add(agenda, once("s2"))
    assert agenda.close_session("s1", NOW + HOUR + 1) == [running.id, pending.id]
    for each in (running, pending):
        told = agenda.recall(each.id)
        assert (told.status, told.reason) == (Status.CANCELLED, "its session was closed")
    assert states(agenda, running) == [(1, State.RUNNING), (2, State.CANCELLED)]
    assert agenda.recall(other.id).status is Status.PENDING
    agenda.end(begun, DONE, NOW + HOUR + 2)
    assert states(agenda, running)[0] == (1, State.DONE)
    assert agenda.recall(running.id).status is Status.CANCELLED


def test_a_recall_opens_its_session_again(agenda: AgendaStore) -> None:
    agenda.register("s1", "codex", NOW)
    agenda.close_session("s1", NOW)
    add(agenda, once())
    assert [each.closed_at for each in agenda.sessions()] == [None]


# Adding, finding.


def test_a_recall_is_kept_as_it_was_given_also_for_others(
    open_the_agenda: Callable[[], OpenedAgenda],
) -> None:
    policy = Policy(CatchUp.ALL, 5, Overlap.QUEUE, 7, 3, 11, 13)
    draft = recurring(
        message="Grüße,\n'; DROP TABLE recalls; -- 🌙 %s {session_id}" + "x" * 100_000,
        made_by="agent codex",
        comment="für später",
        policy=policy,
        expires_at=NOW + 99 * HOUR,
    )
    planned = Planned(NOW + HOUR, NOW + HOUR + 5)
    recall = open_the_agenda().store.add(draft, planned, NOW)
    for name in ("session_id", "agent", "message", "call_type", "trigger", "owner", "made_by", "comment"):
        assert getattr(recall, name) == getattr(draft, name)
    assert (recall.policy, recall.expires_at, recall.status) == (policy, NOW + 99 * HOUR, Status.PENDING)
    assert (recall.created_at, recall.updated_at, recall.next_at) == (NOW, NOW, NOW + HOUR + 5)
    assert (recall.reason, recall.paused_at) == (None, None)
    assert open_the_agenda().store.recall(recall.id) == recall


def test_what_a_policy_leaves_to_the_settings_stays_open(agenda: AgendaStore) -> None:
    assert add(agenda, once(policy=Policy())).policy == Policy()


def test_a_second_pending_recall_of_a_session_is_refused_by_its_name(agenda: AgendaStore) -> None:
    one = add(agenda, once())
    with pytest.raises(SessionTaken, match=f"session s1 has a pending recall already \\({one.id}\\)"):
        add(agenda, recurring())
    assert len(agenda.recalls(ALL, Filter())) == 1
    add(agenda, once("s2"))


def test_an_agent_plans_its_own_next_recall_while_it_runs(agenda: AgendaStore) -> None:
    one = add(agenda, once())
    begun = begin(agenda, the_last(agenda, one), NOW + HOUR)
    assert agenda.recall(one.id).status is Status.RUNNING
    following = add(agenda, once(when=NOW + 2 * HOUR), NOW + HOUR)
    agenda.end(begun, DONE, NOW + HOUR)
    assert agenda.recall(one.id).status is Status.FIRED
    assert agenda.recall(following.id).status is Status.PENDING


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_unknown_recall_is_refused_by_everything(agenda: AgendaStore, number: int) -> None:
    for ask in (
        lambda: agenda.recall(number),
        lambda: agenda.cancel(number, "", NOW),
        lambda: agenda.pause(number, NOW),
        lambda: agenda.resume(number, None, NOW),
        lambda: agenda.skip_next(number, None, "", NOW),
        lambda: agenda.reschedule(number, hourly(), in_hours(1), NOW),
        lambda: agenda.run_now(number, NOW),
    ):
        with pytest.raises(NoSuchRecall, match=str(number)):
            ask()
    assert agenda.history(number, 5) == []
    assert agenda.deferrals(number) == []
    assert agenda.runs(number) == []


def test_recalls_are_listed_by_their_next_try_the_latest_first(agenda: AgendaStore) -> None:
    soon, late, past, same = (
        add(agenda, once(name, when))
        for name, when in (("a", NOW + 2), ("b", NOW + 9), ("c", NOW + 5), ("d", NOW + 2))
    )
    agenda.cancel(past.id, "", NOW)
    listed = agenda.recalls(ALL, Filter())
    assert [each.id for each in listed] == [late.id, past.id, same.id, soon.id]
    assert [each.next_at for each in listed] == [NOW + 9, None, NOW + 2, NOW + 2]
    assert agenda.recalls(ALL, Filter(limit=2, offset=1)) == listed[1:3]
    assert agenda.recalls(ALL, Filter(offset=4)) == []
    assert [each.id for each in agenda.recalls(ALL, Filter(live=True))] == [late.id, same.id, soon.id]
    assert [each.id for each in agenda.recalls(ALL, Filter(session_id="c"))] == [past.id]


def test_the_live_ones_are_those_that_run_or_wait_too(agenda: AgendaStore) -> None:
    first = add(agenda, recurring())
    begin(agenda, the_last(agenda, first), NOW + HOUR)
    add(agenda, once(when=NOW + 5 * HOUR), NOW + HOUR)
    assert len(agenda.recalls(ALL, Filter(live=True))) == 2


def test_an_ordinary_user_sees_his_own_recalls_and_an_administrator_all(agenda: AgendaStore) -> None:
    his = add(agenda, once("a", owner="ann"))
    hers = add(agenda, once("b", owner="bob"))
    assert [each.id for each in agenda.recalls(Viewer("ann"), Filter())] == [his.id]
    assert agenda.recalls(Viewer("ann"), Filter(user="bob")) == []
    assert agenda.recalls(Viewer("ann"), Filter(session_id="b")) == []
    assert [each.id for each in agenda.recalls(ALL, Filter(user="bob"))] == [hers.id]
    assert len(agenda.recalls(ALL, Filter())) == 2
