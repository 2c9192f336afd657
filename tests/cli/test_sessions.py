"""`iai-daemon sessions`, without a daemon."""

from __future__ import annotations

import json

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call_json, refused, said
from tests.cli.planning import carry_out, with_agents
from tests.journeys.real import RunningWrapper, until


@pytest.fixture(autouse=True)
def _agents(home: Home) -> None:
    with_agents(home)


def add(home: Home, session: str, *words: str) -> None:
    call_json(home, "recall", "add", "Look.", "--agent", "claude", "--session", session, *words)


def test_a_recall_makes_its_session_known(home: Home) -> None:
    assert said(home, "sessions", "list") == "no sessions\n"
    add(home, "s1", "--in", "1h")
    (known,) = call_json(home, "sessions", "list")["sessions"]
    assert known.pop("registered_at").endswith("Z")
    assert known == {"id": "s1", "client": None, "closed_at": None, "pending": 1, "active": False}
    assert "recall 1 is pending" in said(home, "sessions", "list")


def test_closing_a_session_cancels_what_is_to_come_and_names_it(home: Home) -> None:
    add(home, "s1", "--in", "1h")
    add(home, "s2", "--every", "1h")
    assert call_json(home, "sessions", "close", "s1") == {"session": "s1", "cancelled": [1]}
    assert [each["id"] for each in call_json(home, "recall", "list")["recalls"]] == [2]
    assert [each["id"] for each in call_json(home, "sessions", "list")["sessions"]] == ["s2"]
    every = call_json(home, "sessions", "list", "--all")["sessions"]
    assert [(each["id"], each["closed_at"] is None) for each in every] == [("s1", False), ("s2", True)]
    assert said(home, "sessions", "close", "s2") == "the session s2 is closed\nrecall 2 is cancelled\n"


def test_a_session_that_is_not_known_is_refused(home: Home) -> None:
    why = refused(home, "sessions", "close", "s9")
    assert why == "There is no session s9: `iai-daemon sessions list` shows them."


def test_a_session_without_a_pending_recall_stays_known(home: Home) -> None:
    add(home, "s1", "--now")
    carry_out(home, "done\n")
    assert call_json(home, "sessions", "list")["sessions"][0]["pending"] is None


def test_a_session_is_active_while_somebody_works_in_it(home: Home) -> None:
    add(home, "s1", "--in", "1h")
    wrapper = RunningWrapper(home, before=["env", "CLAUDE_CODE_SESSION_ID=s1"])
    try:
        wrapper.send("tools/call")
        until(lambda: _in_session(home, "s1"))
        (known,) = call_json(home, "sessions", "list")["sessions"]
        assert known["active"] is True
        assert "active" in said(home, "sessions", "list")
    finally:
        wrapper.leave()
    assert call_json(home, "sessions", "list")["sessions"][0]["active"] is False


def _in_session(home: Home, session: str) -> bool:
    """Whether a heartbeat says that a call of this session has come in."""
    beats = [json.loads(path.read_text()) for path in home.wrappers.glob("heartbeat-*.json")]
    return any(each.get("session_id") == session and each["last_activity"] for each in beats)
