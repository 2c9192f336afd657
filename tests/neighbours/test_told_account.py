"""What stands in the table when a host tells of itself, and how each field is read, by plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import iai_daemon
from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours.account import Account, Unreadable, is_news, of, read, write
from iai_daemon.presence.classify import Presence, Status, Wrapper, digest_of
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.units import NEVER

BEAT = Heartbeat(
    7,
    "beat-1",
    0.0,
    in_flight=2,
    client_name="editor\n2",
    session_id="0123456789abcdef",
    reports_activity=True,
)
WRAPPER = Wrapper("a file", Status.FRESH, "", BEAT, 990.1234, 900.0, 1085.0, headless=False)
CENTURY = 3.2e9
QUIETEST = Heartbeat(0, "w", 0.0, reports_activity=True)


def written(*wrappers: Wrapper, at: float = 1000.0, **changes: Any) -> dict[str, Any]:
    account = replace(Account("IDLE", "idle", wrappers, len(wrappers), 7, "1.2.3", "a-run"), **changes)
    content: dict[str, Any] = json.loads(write(account, at))
    return content


def heard(content: object, at: float = 50.0) -> Account:
    return read(json.dumps(content), "mill", at)


def one(**told: Any) -> Wrapper:
    (found,) = heard({"wrappers": [{"id": "w", **told}]}).wrappers
    return found


def test_every_field_of_an_account_stands_there_by_its_name() -> None:
    assert written() == {
        "schema": 1,
        "version": "1.2.3",
        "run": "a-run",
        "state": "IDLE",
        "rule": "idle",
        "night": 7,
        "open": 0,
        "wrappers": [],
    }
    assert write(Account("WAKE", "é"), 0.0) == (
        f'{{"schema":1,"version":"{iai_daemon.__version__}","run":null,"state":"WAKE","rule":"é","night":null,"open":0,"wrappers":[]}}'
    )


def test_every_field_of_a_wrapper_stands_there_by_its_name_and_what_is_not_known_is_left_out() -> None:
    (busy,) = written(WRAPPER)["wrappers"]
    assert busy == {
        "id": "beat-1",
        "client": "editor?2",
        "session": "01234567",
        "session_digest": digest_of("0123456789abcdef"),
        "people": True,
        "active_ago": 9.877,
        "settled_ago": 100.0,
        "stale_in": 85.0,
        "in_flight": 2,
        "reports": True,
    }
    bare = Wrapper("a file", Status.FRESH, "", headless=True)
    (told,) = written(bare)["wrappers"]
    assert told == {
        "id": "a file",
        "people": False,
        "settled_ago": CENTURY,
        "stale_in": CENTURY,
        "in_flight": 0,
        "reports": True,
    }


def test_an_activity_is_told_where_no_call_is_under_way() -> None:
    (idle,) = written(replace(WRAPPER, beat=replace(BEAT, in_flight=0)))["wrappers"]
    assert (idle["activity"], idle["in_flight"]) == (990.123, 0)
    (old,) = written(replace(WRAPPER, beat=replace(BEAT, reports_activity=False)))["wrappers"]
    assert old["reports"] is False


def test_an_account_is_read_field_by_field() -> None:
    content = {
        "state": "WAKE", "rule": "active", "night": 9, "open": 3, "version": "2.0", "run": "r", "wrappers": [{"id": "w"}],
    }  # fmt: skip
    assert replace(heard(content), wrappers=()) == Account("WAKE", "active", (), 3, 9, "2.0", "r")
    assert heard({"wrappers": []}) == Account("?", "?", (), 0, None, "?", None)
    assert heard({**content, "open": 0}).open == 1
    assert heard({**content, "open": 1e9}).open == 1_000_000
    for odd in (True, "9", 1.5, None):
        assert heard({**content, "night": odd}).night is None
    for odd in (None, "3", True, -5):
        assert heard({**content, "open": odd}).open == 1
    long = heard({**content, "state": "S" * 99, "rule": 7, "run": "a\tb"})
    assert (long.state, long.rule, long.run) == ("S" * 40, "?", "a?b")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "it is no JSON"), ("[" * 100_000, "it is no JSON"), ("[]", "it is no object"), ("{}", "it does not say who is there")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as found:
        read(text, "mill", 0.0)
    assert str(found.value) == said


def test_a_wrapper_is_read_field_by_field() -> None:
    found = one(
        client="editor", session="01234567", session_digest="d", people=False, activity=990.5, active_ago=9.5, settled_ago=100.0,
        stale_in=85.0, in_flight=2, reports=False,
    )  # fmt: skip
    beat = Heartbeat(
        0,
        "w",
        0.0,
        last_activity=990.5,
        reports_activity=False,
        in_flight=2,
        client_name="editor",
        session_id="01234567",
    )
    assert found == Wrapper(
        "w",
        Status.FRESH,
        "told by mill",
        beat,
        40.5,
        -50.0,
        135.0,
        headless=True,
        host="mill",
        session_digest="d",
    )


def test_of_a_wrapper_that_tells_nothing_the_quietest_is_taken() -> None:
    found = one()
    assert found.beat == QUIETEST
    assert (found.active_at, found.settled_at, found.stale_at) == (None, 50.0 - CENTURY, NEVER)
    assert (found.headless, found.session_digest) == (False, None)


@pytest.mark.parametrize("odd", [None, "1", True, [], float("nan"), float("inf")])
def test_what_is_no_number_counts_as_not_told(odd: object) -> None:
    found = one(active_ago=odd, stale_in=odd, in_flight=odd, activity=odd)
    assert (found.active_at, found.stale_at, found.beat) == (None, NEVER, QUIETEST)


def test_numbers_are_brought_into_their_bounds() -> None:
    far = one(active_ago=1e300, settled_ago=-1e300, stale_in=1e300, in_flight=10**300, activity=1e300)
    assert (far.active_at, far.settled_at, far.stale_at) == (50.0 - CENTURY, 50.0 + CENTURY, 50.0 + CENTURY)
    assert far.beat is not None
    assert (far.beat.in_flight, far.beat.last_activity) == (1_000_000, 1e12)
    below = one(active_ago=-5, stale_in=-5, in_flight=-5, activity=-5)
    assert (below.active_at, below.stale_at) == (50.0, 50.0)
    assert below.beat is not None
    assert (below.beat.in_flight, below.beat.last_activity) == (0, 0.0)


def test_what_is_no_wrapper_is_passed_over_and_of_too_many_the_first_are_taken() -> None:
    odd: list[object] = [None, "w", [], {}, {"id": 3}, {"id": ""}]
    assert heard({"wrappers": [*odd, {"id": "w"}]}).wrappers == (one(),)
    many = heard({"wrappers": [{"id": f"w{number}"} for number in range(101)]})
    assert [each.path for each in many.wrappers] == [f"w{number}" for number in range(100)]
    assert many.open == 100


def test_people_are_told_of_before_agents_who_works_before_who_rests_and_the_latest_first() -> None:
    resting = replace(BEAT, in_flight=0)
    agent = replace(WRAPPER, path="agent", headless=True)
    early = replace(WRAPPER, path="early", beat=resting, active_at=5.0)
    never = replace(WRAPPER, path="never", beat=None, active_at=None)
    late = replace(WRAPPER, path="late", beat=resting, active_at=6.0)
    busy = replace(WRAPPER, path="busy", active_at=1.0)
    stale = replace(WRAPPER, path="stale", status=Status.STALE)
    found = of(State.WAKE, "active", Presence((agent, early, never, late, busy, stale)), 4)
    assert [each.path for each in found.wrappers] == ["busy", "late", "early", "never", "agent"]
    assert (found.state, found.rule, found.open, found.night) == ("WAKE", "active", 5, 4)
    assert of(State.IDLE, "idle", Presence(), "4").night is None


def test_news_is_what_differs_in_more_than_its_age() -> None:
    before = Account("WAKE", "active", (WRAPPER,), 1, None)
    assert is_news(None, before)
    assert not is_news(before, before)
    for changed in (
        replace(before, state="IDLE"), replace(before, rule="settled"), replace(before, night=1), replace(before, open=2),
        replace(before, wrappers=()),
        *(replace(before, wrappers=(each,)) for each in (
            replace(WRAPPER, path="b"), replace(WRAPPER, headless=True), replace(WRAPPER, settled_at=901.0),
            replace(WRAPPER, beat=replace(BEAT, in_flight=0)), replace(WRAPPER, beat=replace(BEAT, session_id="other")),
        )),
    ):  # fmt: skip
        assert is_news(before, changed)
    assert not is_news(
        before, replace(before, wrappers=(replace(WRAPPER, stale_at=2000.0, active_at=2000.0),))
    )


@pytest.mark.parametrize(
    ("then", "now", "news"),
    [(None, None, False), (None, 5.0, True), (5.0, None, False), (5.0, 6.0, False), (5.0, 6.001, True), (6.0, 5.0, False)],
)  # fmt: skip
def test_an_activity_is_news_a_second_after_the_one_before(
    then: float | None, now: float | None, news: bool
) -> None:
    resting = replace(WRAPPER, beat=replace(BEAT, in_flight=0))
    before, after = (Account("WAKE", "active", (replace(resting, active_at=at),), 1) for at in (then, now))
    assert is_news(before, after) is news
