"""What others ask of a scan: which sessions and clients are here, who is at work, and on which host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iai_daemon.presence.classify import Presence, Status, Wrapper, digest_of
from iai_daemon.presence.heartbeat import Heartbeat
from tests.fakes import NOON

IDLE_AFTER = 60.0
BEAT = Heartbeat(pid=4242, uuid="u", last_refresh=NOON, reports_activity=True)


def wrapper(path: str, *, active_at: float | None = None, host: str | None = None, **beat: Any) -> Wrapper:
    session = beat.get("session_id")
    return Wrapper(
        path, Status.FRESH, "runs", replace(BEAT, **beat), active_at=active_at, host=host,
        session_digest=digest_of(session) if host and session else None,
    )  # fmt: skip


def test_an_activity_counts_until_it_is_as_old_as_the_limit() -> None:
    seen = wrapper("a", active_at=100.0)
    assert seen.is_active(159.9, IDLE_AFTER)
    assert not seen.is_active(160.0, IDLE_AFTER)


def test_nobody_is_active_who_did_nothing_yet_or_is_not_present() -> None:
    assert not wrapper("a").is_active(100.0, IDLE_AFTER)
    for gone in (Status.STALE, Status.ORPHAN):
        assert not replace(wrapper("a", active_at=100.0), status=gone).is_active(100.0, IDLE_AFTER)
    assert not Wrapper("a", Status.FRESH, "runs", active_at=100.0).is_active(100.0, IDLE_AFTER)


def test_who_is_too_old_to_tell_of_activity_counts_as_active() -> None:
    assert wrapper("a", reports_activity=False).is_active(10**6, IDLE_AFTER)


def test_a_session_is_at_work_while_a_wrapper_of_it_is_active() -> None:
    people = Presence((
        wrapper("a", active_at=100.0, session_id="one", client_name="claude-code"),
        wrapper("b", active_at=1.0, session_id="two", client_name="claude-code"),
        wrapper("c", active_at=100.0, session_id="three"),
        wrapper("d", active_at=100.0),
        replace(wrapper("e", active_at=100.0, session_id="five"), status=Status.ORPHAN),
    ))  # fmt: skip
    at_work = people.sessions_at_work(110.0, IDLE_AFTER)
    assert at_work.get("one") == "its session is at work in claude-code"
    assert at_work.get("three") == "its session is at work in a client"
    assert [at_work.get(session) for session in ("two", "four", "five", "")] == [None] * 4


def test_a_session_at_work_on_another_host_is_known_by_its_digest_alone() -> None:
    people = Presence(elsewhere=(
        wrapper("a", active_at=100.0, session_id="one", client_name="cursor", host="ada's laptop"),
        wrapper("b", active_at=1.0, session_id="two", host="ada's laptop"),
        replace(wrapper("c", active_at=100.0, session_id="three", host="bob's"), session_digest=None),
    ))  # fmt: skip
    at_work = people.sessions_at_work(110.0, IDLE_AFTER)
    assert at_work.get("one") == "its session is at work in cursor on ada's laptop"
    assert at_work.get("two") is None
    assert at_work.get("three") is None
    assert "one" not in f"{at_work.elsewhere.keys()}"


def test_what_is_said_of_here_comes_before_what_is_said_of_elsewhere() -> None:
    here = wrapper("a", active_at=100.0, session_id="one", client_name="codex")
    there = wrapper("b", active_at=100.0, session_id="one", client_name="cursor", host="far")
    assert Presence((here,), elsewhere=(there,)).sessions_at_work(100.0, IDLE_AFTER).get("one") == (
        "its session is at work in codex"
    )


def test_a_digest_is_the_same_on_every_host_and_in_every_version() -> None:
    """Hosts of different versions compare them."""
    assert (
        digest_of("s")
        == "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89"[: len(digest_of("s"))]
    )
    assert len(digest_of("\ud800")) == 32


def test_the_sessions_of_present_wrappers_are_named_with_their_clients() -> None:
    people = Presence((
        wrapper("a", session_id="one", client_name="codex"),
        wrapper("b", session_id="one"),
        wrapper("c", client_name="codex"),
        replace(wrapper("d", session_id="gone"), status=Status.STALE),
    ))  # fmt: skip
    assert people.sessions == {("one", "a"): "codex", ("one", "b"): None}


def test_a_client_is_active_if_one_of_its_wrappers_is_and_counts_only_where_a_person_uses_it() -> None:
    people = Presence((
        wrapper("a", client_name="codex"),
        wrapper("b", active_at=100.0, client_name="codex"),
        wrapper("c", client_name="codex"),
        wrapper("d", client_name="cursor"),
        replace(wrapper("e", active_at=100.0, client_name="woken"), headless=True),
        wrapper("f", active_at=100.0),
    ))  # fmt: skip
    assert people.clients(100.0, IDLE_AFTER) == {"codex": True, "cursor": False}


def test_calls_without_an_answer_are_counted_of_who_is_present() -> None:
    people = Presence(
        (
            wrapper("a", in_flight=2),
            wrapper("b", in_flight=1),
            replace(wrapper("c", in_flight=5), status=Status.ORPHAN),
        ),
        elsewhere=(wrapper("d", host="near"), wrapper("e", in_flight=1, host="far")),
    )
    assert people.in_flight == 3
    assert people.in_flight_elsewhere == "far"
    assert Presence(elsewhere=(wrapper("d", host="near"),)).in_flight_elsewhere is None


def test_every_status_is_counted_also_where_nobody_has_it() -> None:
    counts = Presence((wrapper("a"), wrapper("b"))).counts
    assert counts[Status.FRESH] == 2
    assert set(counts) == set(Status)
    assert sum(counts.values()) == 2
