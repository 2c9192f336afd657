"""From what somebody wants to a recall: what the commands' and the tools' own tests do not show."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.agenda.asking.here import machine_zone
from iai_daemon.agenda.asking.wishes import Manner, When, Wish, draft_of, policy_of, trigger_of
from iai_daemon.agenda.recall import CallType
from iai_daemon.config import Agent
from iai_daemon.errors import NoSuchAgent, UsageError
from iai_daemon.paths import Home
from tests.fakes import NOON
from tests.journeys.real import command

NOW = round(NOON * 1000)
AGENTS = {"claude": Agent(("claude", "{context}"), name="claude")}
CONFIG = Path("config.toml")


@pytest.mark.parametrize("zone", ["Europe/Paris", ":America/New_York", "UTC"])
def test_the_zone_of_the_environment_is_that_of_the_machine(zone: str) -> None:
    assert machine_zone({"TZ": zone}) == zone.removeprefix(":")


@pytest.mark.parametrize("zone", ["Nonsense/Zone", "EST5EDT,M3.2.0,M11.1.0", "../../etc/passwd", "Europe"])
def test_a_zone_without_a_name_that_is_known_is_not_guessed(zone: str) -> None:
    assert machine_zone({"TZ": zone}) is None


def test_a_zone_that_cannot_be_named_is_utc_and_that_is_said(home: Home) -> None:
    words = ("recall", "add", "x", "--session", "s", "--at", "2100-06-01 09:00", "--dry-run")
    done = subprocess.run(
        command(home, *words),
        env={**os.environ, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "Tue 2100-06-01 09:00 UTC\n"
    assert (
        "the zone of this machine has no name that is known, so UTC is meant: --tz names another"
        in done.stderr
    )


def test_an_interval_fires_first_when_it_is_over_and_what_is_wanted_now_at_once() -> None:
    _, first = draft_of(Wish("x", "s", When("UTC", every="6h"), "me"), AGENTS, CONFIG, NOW)
    assert first.scheduled_for == NOW + 6 * 3_600_000
    draft, first = draft_of(Wish("x", "s", When("UTC", now=True), "me"), AGENTS, CONFIG, NOW)
    assert (first.scheduled_for, draft.call_type) == (NOW, CallType.IMMEDIATE)


def test_jitter_puts_off_when_it_is_tried_and_not_the_plan() -> None:
    wish = Wish("x", "s", When("UTC", every="6h"), "me", manner=Manner(jitter="10m"))
    _, first = draft_of(wish, AGENTS, CONFIG, NOW)
    assert first.scheduled_for == NOW + 6 * 3_600_000
    assert 0 <= first.next_try_at - first.scheduled_for <= 600_000
    assert draft_of(wish, AGENTS, CONFIG, NOW)[1] == first


def test_no_chain_of_retries_leaves_what_a_store_can_count() -> None:
    policy = policy_of(Manner(retries=20, backoff="30d"), CallType.ONCE)
    assert NOW + policy.backoff * 2**policy.retries < 2**63


@given(
    message=st.text(max_size=30),
    session=st.text(max_size=30),
    agent=st.none() | st.text(max_size=10),
    when=st.text(max_size=30),
    kind=st.sampled_from(["at", "after", "every", "cron", "rrule"]),
    zone=st.sampled_from(["UTC", "Europe/Paris"]) | st.text(max_size=10),
)
def test_any_wish_is_a_recall_or_a_refusal_in_one_sentence(
    message: str, session: str, agent: str | None, when: str, kind: str, zone: str
) -> None:
    wish = Wish(message, session, When(zone, **{kind: when}), "me", agent=agent)
    try:
        draft, first = draft_of(wish, AGENTS, CONFIG, NOW)
    except (UsageError, NoSuchAgent) as refused:
        sentence = str(refused)
    else:
        sentence = "it is a recall"
        assert first.scheduled_for > NOW
        assert draft.message == message.strip()
        assert "\0" not in draft.message + draft.session_id
    assert sentence.strip()
    assert "\n" not in sentence


def test_two_times_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="this one has at and every"):
        trigger_of(When("UTC", at="09:00", every="1d"), NOW)
