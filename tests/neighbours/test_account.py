"""What a host tells of itself is read back as it was meant, and whatever else stands there is no surprise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours.account import MOST, Account, Unreadable, is_news, of, read, write
from iai_daemon.presence.classify import Presence, Status, Wrapper
from tests.neighbours.there import account, plain, wrapper

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)
keys = st.sampled_from(
    [
        "id",
        "client",
        "session",
        "people",
        "activity",
        "active_ago",
        "settled_ago",
        "stale_in",
        "in_flight",
        "reports",
    ]
)


def told(given: Account, at: float, *, heard_at: float) -> Account:
    return read(write(given, at), "mill", heard_at)


def test_times_come_over_as_ages_whatever_the_clocks_show() -> None:
    there = account(wrapper(active=1000.0, settled=900.0, stale_at=1085.0))
    (heard,) = told(there, 1010.0, heard_at=50.0).wrappers
    assert (heard.active_at, heard.settled_at, heard.stale_at) == (40.0, -60.0, 125.0)
    assert (heard.host, heard.status) == ("mill", Status.FRESH)


def test_who_has_not_settled_yet_settles_elsewhere_at_the_same_moment() -> None:
    (heard,) = told(account(wrapper(settled=1001.5)), 1000.0, heard_at=50.0).wrappers
    assert not heard.has_settled(51.0)
    assert heard.has_settled(51.5)


def test_state_night_agents_calls_and_old_wrappers_come_over() -> None:
    there = account(
        wrapper("a", in_flight=2),
        wrapper("b", headless=True),
        wrapper("c", legacy=True),
        state=State.IDLE,
        night=7,
    )
    heard = told(there, 0.0, heard_at=0.0)
    assert (heard.state, heard.rule, heard.night, heard.open) == ("IDLE", "active", 7, 3)
    by_id = {each.path: each for each in heard.wrappers}
    assert by_id["a"].beat is not None
    assert by_id["a"].beat.in_flight == 2
    assert [each.path for each in heard.wrappers if each.headless] == ["b"]
    assert by_id["c"].beat is not None
    assert not by_id["c"].beat.reports_activity


def test_only_the_beginning_of_a_session_is_told() -> None:
    (heard,) = told(account(wrapper(session="0123456789abcdef")), 0.0, heard_at=0.0).wrappers
    assert heard.beat is not None
    assert heard.beat.session_id == "01234567"
    assert "89abcdef" not in write(account(wrapper(session="0123456789abcdef")), 0.0)


def test_a_session_is_known_again_by_its_digest() -> None:
    (heard,) = told(account(wrapper(session="0123456789abcdef", active=0.0)), 0.0, heard_at=0.0).wrappers
    at_work = Presence(elsewhere=(heard,)).sessions_at_work(1.0, 60.0)
    assert at_work.get("0123456789abcdef") == "its session is at work in editor on mill"
    assert at_work.get("0123456789abcdee") is None
    assert at_work.get("01234567") is None
    assert Presence(elsewhere=(heard,)).sessions_at_work(61.0, 60.0).get("0123456789abcdef") is None


def test_a_wrapper_that_is_gone_is_not_told_of() -> None:
    gone = Wrapper("x", Status.ORPHAN, "", wrapper().beat)
    assert of(State.WAKE, "active", Presence((gone,)), None).wrappers == ()


def test_of_too_many_the_people_and_the_latest_are_told_and_all_are_counted() -> None:
    crowd = [wrapper(f"agent-{number}", headless=True) for number in range(MOST)]
    crowd += [wrapper(f"person-{number}", active=float(number)) for number in range(MOST)]
    there = account(*crowd)
    assert there.open == 2 * MOST
    assert {each.path for each in there.wrappers} == {f"person-{number}" for number in range(MOST)}
    assert len(plain(there, 0.0)["wrappers"]) == MOST  # type: ignore[arg-type]


@given(st.text(), st.text())
def test_whatever_a_client_calls_itself_fits_into_the_table(client: str, session: str) -> None:
    crowd = [wrapper(client * 50 + str(each), client=client * 50, session=session) for each in range(MOST)]
    text = write(account(*crowd), 0.0)
    assert len(text.encode()) <= 65_536
    assert len(read(text, "mill", 0.0).wrappers) <= MOST


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", "{}", '{"wrappers": 7}', "[" * 100_000, '{"wrappers": ' + "9" * 5000 + "}"],
)
def test_what_cannot_be_used_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text, "mill", 0.0)


@given(
    st.dictionaries(st.sampled_from(["state", "rule", "night", "open", "version"]), anything),
    st.lists(anything | st.dictionaries(keys, anything), max_size=5),
)
def test_any_object_that_lists_wrappers_is_read_without_a_surprise(
    head: dict[str, object], listed: list[object]
) -> None:
    heard = read(json.dumps({**head, "wrappers": listed}), "mill", 1000.0)
    assert len(heard.wrappers) <= len(listed)
    assert heard.open >= len(heard.wrappers)
    for each in heard.wrappers:
        assert each.active_at is None or each.active_at <= 1000.0
        assert each.settled_at == each.settled_at


def test_a_newer_version_that_tells_more_is_understood() -> None:
    content = plain(account(wrapper()), 0.0) | {"schema": 9, "mood": ["fine"]}
    assert len(read(json.dumps(content), "mill", 0.0).wrappers) == 1


def test_an_activity_is_news_when_the_one_that_was_told_is_older_than_a_second() -> None:
    before = account(wrapper(active=100.0))
    assert not is_news(before, account(wrapper(active=101.0)))
    assert is_news(before, account(wrapper(active=101.1)))


def test_a_refresh_is_no_news() -> None:
    assert not is_news(account(wrapper(stale_at=100.0)), account(wrapper(stale_at=130.0)))


def test_a_call_is_news_when_it_begins_and_when_it_ends_and_not_in_between() -> None:
    quiet, busy = account(wrapper(active=10.0)), account(wrapper(active=50.0, in_flight=1))
    assert is_news(quiet, busy)
    assert not is_news(busy, account(wrapper(active=90.0, in_flight=2)))
    assert is_news(busy, account(wrapper(active=50.5)))


@pytest.mark.parametrize(
    "after",
    [
        account(),
        account(wrapper(), wrapper("b")),
        account(wrapper(), state=State.IDLE),
        account(wrapper(), night=3),
    ],
)
def test_who_comes_and_goes_the_state_and_the_night_are_news(after: Account) -> None:
    assert is_news(account(wrapper()), after)
    assert is_news(None, after)
