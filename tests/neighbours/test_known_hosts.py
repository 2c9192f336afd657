"""Who counts as being there, by what was read of the table and when."""

from __future__ import annotations

from iai_daemon.neighbours.hosts import FORGOTTEN, Hosts, Row
from iai_daemon.presence.classify import Presence
from iai_daemon.units import NEVER
from tests.neighbours.there import account, row, wrapper


def taken(*rows: Row, at: float = 100.0) -> Hosts:
    hosts = Hosts()
    hosts.take(rows, at)
    return hosts


def names(hosts: Hosts, now: float, *, in_sight: bool = True) -> list[str | None]:
    return [each.host for each in hosts.elsewhere(now, in_sight=in_sight)]


def test_while_the_server_can_be_asked_its_word_alone_decides() -> None:
    hosts = taken(row(account(wrapper()), renewed=29.0, lease=30.0))
    assert names(hosts, 10_000.0) == ["mill"]
    hosts.take([row(account(wrapper()), renewed=30.0, lease=30.0)], 101.0)
    assert names(hosts, 101.0) == []


def test_while_it_cannot_be_asked_a_host_counts_until_its_lease_would_have_been_over() -> None:
    hosts = taken(row(account(wrapper()), renewed=10.0, lease=30.0), at=100.0)
    assert names(hosts, 119.9, in_sight=False) == ["mill"]
    assert names(hosts, 120.0, in_sight=False) == []
    assert hosts.ending_after(100.0) == 120.0
    assert hosts.ending_after(120.0) == NEVER


def test_our_own_row_is_nobody_elsewhere() -> None:
    assert names(taken(row(account(wrapper()), own=True)), 100.0) == []


def test_the_hosts_of_several_users_count_even_under_one_id() -> None:
    hosts = taken(row(account(wrapper()), owner="ann"), row(account(wrapper()), owner="bob"))
    assert len(names(hosts, 100.0)) == 2


def test_an_activity_keeps_the_time_at_which_it_was_dated_first() -> None:
    """A slow answer later would make it seem newer, and so would a server whose clock was set back."""
    there = account(wrapper(active=1000.0))
    hosts = taken(row(there, at=1010.0, renewed=1.0), at=100.0)
    (first,) = hosts.elsewhere(100.0, in_sight=True)
    assert first.active_at == 89.0
    assert not hosts.take([row(there, at=1010.0, renewed=-3600.0)], 108.0)
    (again,) = hosts.elsewhere(108.0, in_sight=True)
    assert again.active_at == first.active_at
    assert hosts.take([row(account(wrapper(active=1017.0)), at=1018.0)], 109.0)
    (newer,) = hosts.elsewhere(109.0, in_sight=True)
    assert newer.active_at == 108.0


def test_what_another_user_tells_of_sessions_puts_off_nobodys_recalls() -> None:
    for same_user in (True, False):
        hosts = taken(row(account(wrapper(session="s", in_flight=1)), same_user=same_user))
        presence = Presence(elsewhere=hosts.elsewhere(100.0, in_sight=True))
        assert (presence.sessions_at_work(100.0, 60.0).get("s") is not None) is same_user


def test_a_new_wrapper_settles_once() -> None:
    hosts = taken(row(account(wrapper(settled=1002.0)), at=1000.0), at=100.0)
    hosts.take([row(account(wrapper(settled=1002.0)), at=1000.0, renewed=1.0)], 105.0)
    (seen,) = hosts.elsewhere(105.0, in_sight=True)
    assert seen.settled_at == 102.0


def test_a_call_in_flight_is_at_work_at_every_moment() -> None:
    hosts = taken(row(account(wrapper(in_flight=1))))
    for now in (100.0, 160.0):
        (seen,) = hosts.elsewhere(now, in_sight=True)
        assert seen.active_at == now


def test_what_a_host_tells_and_nobody_can_read_counts_for_nobody_and_is_told() -> None:
    hosts = taken(row("]"), row(account(wrapper()), name="quern"))
    assert names(hosts, 100.0) == ["quern"]
    assert [each.name for each in hosts if each.trouble] == ["mill"]
    assert "what a host tells cannot be used" in [said for said, _ in hosts.news]
    hosts.news.clear()
    hosts.take([row("]"), row(account(wrapper()), name="quern")], 101.0)
    assert hosts.news == []


def test_it_is_told_once_who_comes_who_leaves_and_who_is_not_heard_of() -> None:
    hosts = Hosts()
    for at, rows in enumerate(
        [
            [row(account()), row(account(), name="quern")],
            [row(account(), renewed=40.0), row(account(), name="quern")],
            [row(account(), renewed=41.0)],
            [row(account())],
        ]
    ):
        hosts.take(rows, 100.0 + at)
    told = [(said, data["host"]) for said, data in hosts.news]
    assert told == [
        ("host is there", "mill"),
        ("host is there", "quern"),
        ("host has not been heard of", "mill"),
        ("host has left", "quern"),
        ("host is there", "mill"),
    ]
    assert [data["seconds"] for _, data in hosts.news if "seconds" in data] == [40]


def test_a_part_of_the_table_leaves_the_others_as_they_were() -> None:
    hosts = taken(row(account(wrapper())), row(account(wrapper()), name="quern"))
    hosts.take([row(account(), name="quern")], 101.0, {"id-quern"})
    assert names(hosts, 101.0) == ["mill"]


def test_who_is_named_and_not_there_has_left() -> None:
    hosts = taken(row(account(wrapper())), row(account(wrapper()), name="quern"))
    hosts.take([], 101.0, {"id-quern"})
    assert names(hosts, 101.0) == ["mill"]


def test_who_was_not_heard_of_for_a_day_is_forgotten() -> None:
    assert list(taken(row(account(), renewed=FORGOTTEN))) == []


def test_a_name_is_one_short_line() -> None:
    (host,) = taken(row(account(), name="mi\nll" + "x" * 500))
    assert host.name.startswith("mi?ll")
    assert len(host.name) == 64


def test_hundreds_of_hosts_are_one_lookup_each() -> None:
    hosts = taken(*(row(account(wrapper(str(each))), name=f"host-{each}") for each in range(500)))
    assert len(names(hosts, 100.0)) == 500
    assert hosts.lease_ends() == 130.0
