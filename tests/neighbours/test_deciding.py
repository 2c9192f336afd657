"""Absent and inactive mean everyone, everywhere."""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Overdue, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Wrapper
from tests.neighbours.there import wrapper


def there(host: str = "mill", **given: object) -> Wrapper:
    return replace(wrapper(**given), host=host)  # type: ignore[arg-type]


class Here:
    """One host's lifecycle."""

    def __init__(self, state: State = State.WAKE, *, last_active: float = 0.0) -> None:
        self.standing = Standing(state, since=0.0, last_active=last_active)

    def look(
        self, now: float, *others: Wrapper, here: tuple[Wrapper, ...] = (), blind: bool = False
    ) -> Decision:
        presence = Presence(here, elsewhere=others, out_of_sight=blind)
        decision = decide(self.standing, presence, now, Lifecycle(), Overdue())
        self.standing = decision.standing
        return decision


def test_activity_on_another_host_means_wake_here_and_its_host_is_named() -> None:
    life = Here(State.BEDTIME)
    decision = life.look(1000.0, there(active=997.0))
    assert (decision.standing.state, decision.standing.rule) == (State.WAKE, "active")
    assert decision.standing.reason == "someone was active 3 s ago on mill, 1 wrapper open on mill"
    assert decision.allowed is Allowed.NONE


def test_a_reason_tells_how_many_of_the_wrappers_are_elsewhere() -> None:
    decision = Here().look(1000.0, there(active=997.0), here=(wrapper("b", active=900.0),))
    assert (
        decision.standing.reason == "someone was active 3 s ago on mill, 2 wrappers open, 1 of them on mill"
    )


def test_who_is_active_here_is_not_said_to_be_elsewhere() -> None:
    decision = Here().look(1000.0, there(active=900.0), here=(wrapper("b", active=997.0),))
    assert decision.standing.reason == "someone was active 3 s ago, 2 wrappers open, 1 of them on mill"


def test_many_hosts_are_counted_instead_of_named() -> None:
    crowd = [there(f"host-{each}", own=str(each), active=900.0 - each) for each in range(200)]
    assert Here().look(1000.0, *crowd).standing.reason == (
        "someone was active 100 s ago on host-0, 200 wrappers open on 200 other hosts"
    )


def test_nobody_is_absent_while_somebody_is_present_elsewhere() -> None:
    life = Here()
    for now in (1000.0, 1200.0):
        decision = life.look(now, there(active=0.0))
    assert (decision.standing.state, decision.standing.rule) == (State.IDLE, "idle")
    assert decision.standing.absent_since is None


def test_when_the_last_one_elsewhere_has_gone_the_absence_begins() -> None:
    life = Here()
    life.look(1000.0, there(active=0.0))
    assert life.look(1001.0).standing.absent_since == 1001.0
    decision = life.look(1121.0)
    assert (decision.standing.rule, decision.allowed) == ("absent", Allowed.ALL)


def test_inactive_waits_for_the_last_activity_anywhere() -> None:
    life = Here()
    life.look(100.0, there(active=100.0), here=(wrapper("b", active=10.0),))
    decision = life.look(1899.0, there(active=100.0), here=(wrapper("b", active=10.0),))
    assert (decision.standing.rule, decision.next_at) == ("idle", 1900.0)
    assert life.look(1900.0, there(active=100.0)).standing.rule == "inactive"


def test_an_agent_that_another_daemon_woke_is_nobodys_return_and_holds_nights_up() -> None:
    life = Here(State.BEDTIME)
    life.standing = replace(life.standing, absent_since=0.0)
    decision = life.look(1000.0, there(active=999.0, headless=True))
    assert (decision.standing.state, decision.allowed) == (State.BEDTIME, Allowed.NONE)
    assert decision.standing.reason.endswith("held up while an agent that we woke is at work")


def test_a_new_wrapper_elsewhere_counts_once_it_has_settled() -> None:
    life = Here(State.BEDTIME)
    decision = life.look(1000.0, there(settled=1001.0))
    assert (decision.standing.state, decision.next_at, decision.allowed) == (
        State.BEDTIME,
        1001.0,
        Allowed.NONE,
    )
    assert life.look(1001.0, there(settled=1001.0)).standing.reason == (
        "a new wrapper has settled on mill, 1 wrapper open on mill"
    )


def test_activity_elsewhere_ends_a_sleep_that_was_asked_for_here_and_what_was_before_does_not() -> None:
    life = Here()
    life.standing = replace(life.standing, asked=Asked(State.BEDTIME, 1000.0), slept_at=1000.0)
    assert life.look(1001.0, there(active=999.0)).standing.rule == "asked"
    assert life.look(1003.0, there(active=1002.0)).standing.state is State.WAKE


def test_while_others_cannot_be_seen_the_day_goes_on_and_no_night_starts() -> None:
    life = Here()
    life.look(1000.0, blind=True)
    decision = life.look(1200.0, blind=True)
    assert (decision.standing.state, decision.allowed) == (State.BEDTIME, Allowed.NONE)
    assert decision.standing.reason.endswith("no night while other hosts cannot be seen")
    assert life.look(1201.0).allowed is Allowed.ALL


def test_an_old_wrapper_elsewhere_counts_for_as_long_as_it_is_open() -> None:
    decision = Here().look(10_000.0, there(legacy=True))
    assert decision.standing.state is State.WAKE
    assert "too old to report activity" in decision.standing.reason
