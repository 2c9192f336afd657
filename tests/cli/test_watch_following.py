"""What follows the daemon for `watch`, with a daemon that does what real ones hardly ever do, and a time that is handed in."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from iai_daemon.cli.following import Following
from iai_daemon.control.address import address
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home
from iai_daemon.units import NEVER

NEWS = {"state": "IDLE", "night": {"running": False, "progress": None}}
STATUS: dict[str, Any] = {"pid": 7, "consolidation": {"running": False, "progress": None, "last": None}}


class Odd:
    """The other end of the socket: it says what the test wants, when the test wants it."""

    def __init__(self, home: Home) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with address(home.socket) as where:
            self.listener.bind(where)
        self.listener.listen(8)
        self.listener.settimeout(5)
        self.taken: list[socket.socket] = []

    def take(self) -> socket.socket:
        """Who has called next."""
        connection, _ = self.listener.accept()
        connection.settimeout(5)
        self.taken.append(connection)
        return connection

    def close(self) -> None:
        for each in (*self.taken, self.listener):
            each.close()


@pytest.fixture
def odd(home: Home) -> Iterator[Odd]:
    daemon = Odd(home)
    yield daemon
    daemon.close()


@pytest.fixture
def following(home: Home) -> Iterator[Following]:
    found = Following(home, every=1.0)
    yield found
    found.close()


def asked(connection: socket.socket) -> list[str]:
    return [json.loads(line)["method"] for line in connection.recv(65_536).splitlines()]


def say(connection: socket.socket, **message: object) -> None:
    connection.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def meet(odd: Odd, following: Following, now: float = 0.0) -> tuple[socket.socket, socket.socket]:
    """Both are connected, and the first status was told: the lines for questions and for news."""
    following.go_on(now)
    questions, news = odd.take(), odd.take()
    assert asked(news) == ["subscribe"]
    say(news, method="subscribe", params=NEWS)
    following.go_on(now + 0.5)
    assert asked(questions) == ["status"]
    say(questions, id=1, result=STATUS)
    following.go_on(now + 0.5)
    assert following.seen == STATUS
    return questions, news


def test_it_listens_and_asks_once_a_second(odd: Odd, following: Following) -> None:
    questions, _news = meet(odd, following)
    assert following.next_at() == 1.5
    following.go_on(1.4)
    following.go_on(1.5)
    assert asked(questions) == ["status"]


def test_a_change_is_asked_about_at_once_and_ten_at_once_are_asked_about_once(
    odd: Odd, following: Following
) -> None:
    questions, news = meet(odd, following)
    for number in range(10):
        say(news, method="subscribe", params={**NEWS, "state": f"state {number}"})
    following.go_on(0.95)
    assert asked(questions) == ["status"]
    changes = following.changes
    say(questions, id=1, result=STATUS)
    following.go_on(0.96)
    assert following.changes == changes + 1
    assert following.next_at() == 1.95


def test_the_progress_of_a_night_is_taken_from_what_is_told_and_no_change(
    odd: Odd, following: Following
) -> None:
    _questions, news = meet(odd, following)
    changes = following.changes
    progress = {"round": 1, "done": 3, "total": 9}
    say(news, method="subscribe", params={**NEWS, "night": {"running": False, "progress": progress}})
    following.go_on(0.9)
    assert following.seen is not None
    assert following.seen["consolidation"] == {"running": False, "progress": progress, "last": None}
    assert (following.changes, following.next_at()) == (changes, 1.5)


def test_who_does_not_answer_is_mute_and_what_is_known_stays(odd: Odd, following: Following) -> None:
    questions, _news = meet(odd, following)
    following.go_on(2.0)
    following.go_on(4.9)
    assert following.trouble is None
    following.go_on(5.0)
    assert isinstance(following.trouble, DaemonMute)
    assert (following.seen, following.next_at()) == (STATUS, NEVER)
    say(questions, id=1, result=STATUS)
    following.go_on(60.0)
    assert following.trouble is None


def test_who_comes_back_mute_is_not_said_to_be_away(odd: Odd, following: Following) -> None:
    for line in meet(odd, following):
        line.close()
    following.go_on(1.0)
    assert isinstance(following.trouble, DaemonAway)
    following.go_on(2.0)
    for now in (3.0, 4.0, 6.0):
        following.go_on(now)
    assert isinstance(following.trouble, DaemonMute)


@pytest.mark.parametrize("every", [1.0, None])
def test_who_fails_over_an_answer_is_asked_again(home: Home, odd: Odd, every: float | None) -> None:
    following = Following(home, every)
    questions, news = meet(odd, following)
    say(news, method="subscribe", params={**NEWS, "state": "WAKE"})
    following.go_on(1.5)
    assert asked(questions) == ["status"]
    say(questions, id=1, error={"code": -32603, "message": "the daemon failed; its log tells why"})
    following.go_on(1.6)
    assert isinstance(following.trouble, DaemonMute)
    following.go_on(following.next_at())
    assert asked(questions) == ["status"]
    say(questions, id=1, result=STATUS)
    following.go_on(8.0)
    assert following.trouble is None
    following.close()


def test_who_has_gone_is_looked_for_later_each_time_and_not_more_than_every_five_seconds(
    home: Home, following: Following
) -> None:
    now, pauses = 0.0, []
    for _ in range(10):
        following.go_on(now)
        assert isinstance(following.trouble, DaemonAway)
        pauses.append(round(following.next_at() - now, 3))
        now = following.next_at()
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0]
    assert following.changes == 1


def test_who_hangs_up_on_everybody_is_not_called_without_end(odd: Odd, following: Following) -> None:
    """Where too many call a daemon takes them in and lets them go at once."""
    now = 0.0
    for _ in range(6):
        following.go_on(now)
        for _ in range(2):
            odd.take().close()
        following.go_on(now)
        assert isinstance(following.trouble, DaemonAway)
        assert following.next_at() > now
        now = following.next_at()
    assert now > 5.0


def test_where_too_many_listen_it_goes_on_asking_and_tries_to_listen_again(
    odd: Odd, following: Following
) -> None:
    following.go_on(0.0)
    questions, news = odd.take(), odd.take()
    assert asked(news) == ["subscribe"]
    say(news, id=1, error={"code": -32000, "message": "Too many are listening."})
    following.go_on(0.5)
    say(questions, id=1, result=STATUS)
    following.go_on(0.6)
    assert (following.seen, following.trouble) == (STATUS, None)
    assert len(list(following.lines())) == 1
    following.go_on(31.0)
    assert asked(odd.take()) == ["subscribe"]


@pytest.mark.parametrize("answer", [b"nonsense\n", b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_whatever_is_no_answer_is_nobody(odd: Odd, following: Following, answer: bytes) -> None:
    questions, _news = meet(odd, following)
    questions.sendall(answer)
    for _ in range(3):
        following.go_on(0.6)
    assert isinstance(following.trouble, DaemonAway)
    assert following.seen is None
    assert not list(following.lines())


def test_an_answer_in_pieces_is_read_whole(odd: Odd, following: Following) -> None:
    questions, _news = meet(odd, following)
    following.go_on(1.5)
    data = json.dumps({"jsonrpc": "2.0", "id": 1, "result": STATUS | {"pid": 8}}).encode() + b"\n"
    for byte in range(len(data)):
        questions.sendall(data[byte : byte + 1])
        following.go_on(1.6)
    assert following.seen is not None
    assert following.seen["pid"] == 8
