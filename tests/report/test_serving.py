"""The served page from the side of whoever asks it: who is let in, what is answered, how it ends. A browser has tests of its own."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch, SystemClock
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.report.serving.access import Access
from iai_daemon.report.serving.changes import Changes
from iai_daemon.report.serving.streams import MOST, Streams
from tests.cli.calling import refused
from tests.consolidation.evening import a_day, export, night, remember
from tests.fakes import FakeClock
from tests.journeys.real import SHORT, RunningDaemon, until
from tests.report.served import Caller, Served

ACCESS = Access(8765, token="t" * 43, key="k" * 43, csrf="c" * 43)
COOKIE = {"iai-daemon-8765": "k" * 43}


@pytest.fixture(params=["sqlite", "postgresql"])
def home_of_engine(request: pytest.FixtureRequest, home: Home) -> Home:
    """A home on each engine in turn."""
    if request.param == "postgresql":
        address = request.getfixturevalue("new_database")()
        home.config.write_text(f'[memory]\nstore = "{address}"\n')
        home.config.chmod(0o600)
    return home


def a_night_of_three(home: Home) -> str:
    """What the memory was before a night that changed three of its records."""
    with closing(open_stores(home)) as stores:
        a_day(stores, 9)
        before = export(stores)
        assert night(stores).counters.expired_pruned == 3
        assert export(stores) != before
    return before


def the_memory(home: Home) -> str:
    with closing(open_stores(home)) as stores:
        return export(stores)


# Who is let in.


def test_whoever_has_neither_cookie_nor_token_is_told_how_to_come_in_and_nothing_else(
    home: Home, serve: Callable[..., Served]
) -> None:
    a_night_of_three(home)
    served = serve(home)
    for path in (
        "/",
        "/content",
        "/events",
        "/nights/1/undo",
        "/nowhere",
        f"/?token={served.token[:-1]}x",
        "/?token=",
    ):
        answer = served.ask(path)
        assert answer.status == 403, path
        assert "iai-daemon report --serve" in answer.text
        assert "staging" not in answer.text
    assert served.ask("/nights/1/undo", "POST", b"{}", origin=served.origin).status == 403


def test_the_token_opens_once_for_a_cookie_and_leaves_the_address(
    home: Home, serve: Callable[..., Served]
) -> None:
    served = serve(home)
    came = served.ask(f"/?token={served.token}")
    assert (came.status, came.headers["location"]) == (303, "/")
    cookie, *attributes = came.headers["set-cookie"].split("; ")
    assert {each.lower() for each in attributes} == {"httponly", "path=/", "samesite=strict"}
    assert served.token not in cookie
    assert len(served.token) >= 43
    assert served.ask("/", cookie=cookie).status == 200
    assert served.ask("/", cookie=cookie[:-1] + ("A" if cookie[-1] != "A" else "B")).status == 403


def test_a_browser_that_comes_from_elsewhere_leaves_that_behind_before_it_needs_its_cookie(
    home: Home, serve: Callable[..., Served]
) -> None:
    """It sends a strict cookie along no redirect that another place began."""
    served = serve(home)
    came = served.ask(f"/?token={served.token}", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert came.status == 200
    assert 'http-equiv="refresh" content="0;url=/"' in came.text
    assert served.token not in came.text
    assert "set-cookie" in came.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1:1", "localhost", "127.0.0.1:87650"]
)
def test_a_name_that_was_made_to_point_here_is_refused_whatever_else_is_right(host: str) -> None:
    refusal = ACCESS.refuses_place(host)
    assert refusal is not None
    assert refusal.status == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765"])
def test_the_two_names_of_this_machine_are_served(host: str) -> None:
    assert ACCESS.refuses_place(host) is None


def test_at_the_port_that_browsers_leave_out_it_may_be_left_out() -> None:
    access = Access.new(80)
    assert access.refuses_place("127.0.0.1") is None
    assert (
        access.refuses(
            "POST", {"origin": "http://localhost", "x-csrf-token": access.csrf}, {access.cookie: access.key}
        )
        is None
    )


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("POST", {"x-csrf-token": "c" * 43}),
        ("POST", {"origin": "null", "x-csrf-token": "c" * 43}),
        ("POST", {"origin": "http://127.0.0.1:3000", "x-csrf-token": "c" * 43}),
        ("POST", {"origin": "https://127.0.0.1:8765", "x-csrf-token": "c" * 43}),
        ("POST", {"origin": "http://127.0.0.1:8765", "x-csrf-token": "c" * 42 + "d"}),
        ("POST", {"origin": "http://127.0.0.1:8765"}),
        ("DELETE", {"origin": "http://evil.example", "x-csrf-token": "c" * 43}),
        ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}),
    ],
)
def test_what_another_page_asks_is_refused_though_the_browser_sends_our_cookie(
    method: str, headers: dict[str, str]
) -> None:
    refusal = ACCESS.refuses(method, headers, COOKIE)
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8765", "http://localhost:8765"])
def test_what_our_own_page_asks_is_done(origin: str) -> None:
    own = {
        "origin": origin,
        "x-csrf-token": "c" * 43,
        "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "cors",
    }
    assert ACCESS.refuses("POST", own, COOKIE) is None
    assert (
        ACCESS.refuses("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, COOKIE) is None
    )


def test_secrets_that_are_no_ascii_are_refused_like_others() -> None:
    assert not ACCESS.opens("ü" * 43)
    assert ACCESS.refuses("GET", {}, {"iai-daemon-8765": "\udcff"}) is not None


def test_every_server_has_secrets_of_its_own() -> None:
    secrets = {
        secret
        for _ in range(3)
        for access in [Access.new(1)]
        for secret in (access.token, access.key, access.csrf)
    }
    assert len(secrets) == 9


def test_foreign_hosts_and_origins_are_refused_by_the_server_itself(
    home: Home, serve: Callable[..., Served]
) -> None:
    before = a_night_of_three(home)
    caller = Caller(serve(home))
    after = the_memory(home)
    assert caller.get("/", host="evil.example").status == 421
    assert (
        caller.served.ask(f"/?token={caller.served.token}", host=f"evil.example:{caller.served.port}").status
        == 421
    )
    for wrong in (
        {"origin": "http://evil.example"},
        {"x_csrf_token": "x"},
        {"host": "evil.example"},
        {"cookie": "a=b"},
    ):
        assert caller.post("/nights/1/undo", {}, **wrong).status in (403, 421)
    assert the_memory(home) == after != before


def test_every_answer_has_the_headers_that_keep_it_to_itself(
    home: Home, serve: Callable[..., Served]
) -> None:
    caller = Caller(serve(home))
    for answer in (
        caller.get("/"),
        caller.get("/content"),
        caller.get("/nowhere"),
        caller.served.ask("/"),
        caller.get("/nights/1/undo"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert "connect-src 'self'" in caller.get("/").headers["content-security-policy"]
    assert "unsafe" not in caller.get("/").headers["content-security-policy"]


def test_it_listens_on_this_machine_alone(home: Home, serve: Callable[..., Served]) -> None:
    served = serve(home)
    listening = [
        each.laddr
        for each in psutil.Process(served.process.pid).net_connections("inet")
        if each.status == "LISTEN"
    ]
    assert listening == [("127.0.0.1", served.port)]


def test_the_token_stands_on_standard_output_and_nowhere_else(
    home: Home, serve: Callable[..., Served]
) -> None:
    a_night_of_three(home)
    served = serve(home)
    caller = Caller(served)
    caller.get("/content")
    caller.post("/nights/1/undo", {"force": "perhaps"})
    started = " ".join(psutil.Process(served.process.pid).cmdline()) + str(
        psutil.Process(served.process.pid).environ()
    )
    assert served.stop() == 0
    secrets = (served.token, caller.csrf, caller.cookie.partition("=")[2])
    kept = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    for secret in secrets:
        assert secret not in served.errors + started
        assert not [content for content in kept if secret.encode() in content]


def test_a_browser_is_led_to_the_address_by_a_file_of_ours_and_not_by_what_it_is_started_with(
    home: Home, tmp_path: Path
) -> None:
    """What a program is started with is to be seen by everybody."""
    noted, script = tmp_path / "noted", tmp_path / "browser"
    script.write_text(
        f'#!/bin/sh\nfile="${{1#file://}}"\nstat -c %a "$file" > {noted}.new 2>/dev/null || stat -f %Lp "$file" > {noted}.new\n'
        f'echo "$1" >> {noted}.new\ncat "$file" >> {noted}.new\nmv {noted}.new {noted}\n'
    )
    script.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "BROWSER": f"{script} %s"}
    served = Served(home, "--open", environment=environment)
    try:
        until(noted.exists)
        mode, argument, page = noted.read_text().split("\n", 2)
        assert (mode, served.token in argument, served.token in page) == ("600", False, True)
    finally:
        assert served.stop() == 0
    assert not Path(argument.removeprefix("file://")).exists()


# What is answered.


def test_the_page_and_what_stands_in_it_are_given(home: Home, serve: Callable[..., Served]) -> None:
    a_night_of_three(home)
    caller = Caller(serve(home))
    page, content = caller.get("/"), caller.get("/content")
    assert page.status == content.status == 200
    assert 'data-undo="1"' in page.text
    assert 'data-undo="1"' in content.text
    assert "<html" in page.text
    assert "<html" not in content.text
    assert caller.get("/favicon.ico").status == 204
    assert caller.get("/nowhere").status == 404


def test_a_memory_that_is_damaged_is_told_of_and_does_not_keep_the_page_from_being_served(
    home: Home, serve: Callable[..., Served]
) -> None:
    home.memory.write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    caller = Caller(serve(home))
    assert caller.get("/content").status == 200
    answer = caller.post("/nights/1/undo", {})
    assert answer.status == 409
    assert str(home.memory) in answer.json()["problem"]


def test_undoing_a_night_puts_every_memory_back_and_says_so_as_the_command_does(
    home_of_engine: Home, serve: Callable[..., Served]
) -> None:
    before = a_night_of_three(home_of_engine)
    caller = Caller(serve(home_of_engine))
    told = caller.get("/nights/1/undo").json()
    assert told["said"].startswith("This night began on Saturday 21 November at ")
    assert "It made 3 changes: 3 expired. Undoing it makes every memory what it was before" in told["said"]
    assert the_memory(home_of_engine) != before
    done = caller.post("/nights/1/undo", {})
    assert done.status == 200
    assert done.json()["said"].startswith("Night 1 is undone: 3 memories are as they were before it.")
    assert the_memory(home_of_engine) == before
    again = caller.post("/nights/1/undo", {})
    assert (again.status, "was undone already" in again.json()["problem"]) == (409, True)
    assert caller.get("/nights/1/undo").status == 409
    assert 'data-undo="1"' not in caller.get("/content").text


def test_what_was_shown_a_moment_ago_is_not_shown_again_once_a_night_is_undone(
    home: Home, serve: Callable[..., Served]
) -> None:
    a_night_of_three(home)
    caller = Caller(serve(home))
    assert 'data-undo="1"' in caller.get("/content").text
    assert caller.post("/nights/1/undo", {}).status == 200
    assert 'data-undo="1"' not in caller.get("/content").text


def test_memories_that_have_changed_since_are_named_with_what_force_would_lose(
    home_of_engine: Home, serve: Callable[..., Served]
) -> None:
    with closing(open_stores(home_of_engine)) as stores:
        first = remember(stores, "The API listens on port 80.", subject="api", attribute="port")
        remember(stores, "The API listens on port 90.", at=1_795_262_300.0, subject="api", attribute="port")
        night(stores)
        stores.memory.forget(first.id, 1_795_262_500_000)
    caller = Caller(serve(home_of_engine))
    refusal = caller.post("/nights/1/undo", {"force": False})
    assert refusal.status == 409
    assert f"the memory {first.id} changed after night 1" in refusal.json()["force_loses"]
    assert "those later changes are lost" in refusal.json()["force_loses"]
    done = caller.post("/nights/1/undo", {"force": True})
    assert done.status == 200
    assert f"also the memory {first.id} that changed later" in done.json()["said"]


def test_while_a_night_runs_nothing_is_undone(home: Home, serve: Callable[..., Served]) -> None:
    from iai_daemon.consolidation import lock  # noqa: PLC0415 -- of interest here only

    a_night_of_three(home)
    caller = Caller(serve(home))
    with lock.held(home.consolidation_lock, "process 1, a night"):
        answer = caller.post("/nights/1/undo", {})
    assert answer.status == 503
    assert "Another process is consolidating this memory" in answer.json()["problem"]


@pytest.mark.parametrize("number", ["0", "7", "9223372036854775808", "99999999999999999999999999"])
def test_a_night_that_there_is_not_is_not_found(
    home: Home, serve: Callable[..., Served], number: str
) -> None:
    caller = Caller(serve(home))
    assert caller.get(f"/nights/{number}/undo").status == 404
    answer = caller.post(f"/nights/{number}/undo", {})
    assert (answer.status, answer.json()["problem"].startswith("There is no night")) == (404, True)


def test_a_wish_that_is_not_one_is_refused_and_does_nothing(home: Home, serve: Callable[..., Served]) -> None:
    a_night_of_three(home)
    caller = Caller(serve(home))
    after = the_memory(home)
    for told in ([], "force", None, {"force": 1}, {"force": "yes"}, {"forse": True}):
        assert caller.post("/nights/1/undo", told).status == 400
    assert caller.post("/nights/1/undo", {"force": "x" * 5000}).status == 413
    assert caller.post("/nights/1/undo", {}, content_type="text/plain").status == 415
    assert caller.post("/content", {}).status == 405
    own = {
        "origin": caller.served.origin,
        "x_csrf_token": caller.csrf,
        "content_type": "application/json",
        "cookie": caller.cookie,
    }
    assert caller.served.ask("/nights/1/undo", "POST", b"[" * 4000, **own).status == 400
    assert caller.served.ask("/nights/1/undo", "POST", b"\xff{", **own).status == 400
    assert the_memory(home) == after


# What is told by itself.


class Stream:
    """An open page's side of the events."""

    def __init__(self, caller: Caller) -> None:
        self._connection = http.client.HTTPConnection(caller.served.host, caller.served.port, timeout=20)
        self._connection.request("GET", "/events", headers={"cookie": caller.cookie})
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        if self.status == 200:
            assert self._answer.getheader("content-type") == "text/event-stream"
            assert self.next().startswith(b"retry: ")

    def next(self) -> bytes:
        """The next block; nothing when the stream has ended."""
        lines = list(iter(self._answer.readline, b"\n"))[:9] if not self._answer.closed else []
        return b"".join(lines)

    def changed(self) -> None:
        """Until one says that something has changed."""
        while not (said := self.next()).startswith(b"event: changed"):
            assert said.startswith(b":"), said

    def rest(self) -> bytes:
        return self._answer.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Caller], Stream]]:
    with ExitStack() as opened:
        yield lambda caller: opened.enter_context(closing(Stream(caller)))


def test_a_night_is_told_of_without_a_daemon(
    home_of_engine: Home, serve: Callable[..., Served], listen: Callable[[Caller], Stream]
) -> None:
    caller = Caller(serve(home_of_engine))
    stream = listen(caller)
    assert 'data-undo="1"' not in caller.get("/content").text
    a_night_of_three(home_of_engine)
    while 'data-undo="1"' not in caller.get("/content").text:
        stream.changed()


def test_what_the_daemon_does_is_told_and_so_is_that_it_came_and_went(
    home: Home, serve: Callable[..., Served], listen: Callable[[Caller], Stream]
) -> None:
    caller = Caller(serve(home))
    stream = listen(caller)
    daemon = RunningDaemon(home, SHORT)
    try:
        stream.changed()
        daemon.wait_state("BEDTIME")
        stream.changed()
    finally:
        daemon.stop()
    stream.changed()


def test_no_more_than_sixteen_pages_are_told_and_who_leaves_makes_room(
    home: Home, serve: Callable[..., Served], listen: Callable[[Caller], Stream]
) -> None:
    caller = Caller(serve(home))
    streams = [listen(caller) for _ in range(MOST)]
    assert {each.status for each in streams} == {200}
    assert listen(caller).status == 503
    assert caller.get("/content").status == 200
    streams[0].close()
    until(lambda: _takes_one_more(caller))


def test_who_does_not_read_what_he_is_told_is_let_go() -> None:
    sent: list[dict[str, object]] = []

    async def serve_one() -> None:
        changes = Changes()
        streams = Streams(changes, SystemClock(), patience=0.05)
        never, greeted = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, object]:
            await never.wait()
            return {}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(dict(message))
            if len(sent) == 2:
                greeted.set()
            if len(sent) > 2:
                await never.wait()

        passing_on = asyncio.create_task(changes.pass_on(SystemClock(), lambda: 0.0))
        open_page = asyncio.create_task(streams({}, receive, send))
        await greeted.wait()
        changes.tell()
        async with asyncio.timeout(10):
            await open_page
        assert changes.hearing == 0
        passing_on.cancel()

    asyncio.run(serve_one())
    assert sent[-1]["body"] == b"event: changed\nid: 1\ndata: 1\n\n"


def test_many_changes_at_a_time_are_told_as_one_and_no_more_often_than_pages_can_renew_themselves() -> None:
    """On a clock that jumps: of a thousand changes in a minute, as many are told as renewals of two seconds fit into it."""

    async def count() -> int:
        changes, clock = Changes(), FakeClock()
        told, began = 0, clock.now().awake
        passing_on = asyncio.create_task(changes.pass_on(clock, lambda: 2.0))
        with changes.heard() as heard:
            while clock.now().awake - began < 60.0:
                changes.tell()
                await asyncio.sleep(0)  # noqa: TID251 -- lets the other tasks run, takes no time
                told += heard.is_set()
                heard.clear()
        passing_on.cancel()
        return told

    # One at the beginning, one every eight seconds, and perhaps one at the end.
    assert asyncio.run(count()) in (8, 9)


def _takes_one_more(caller: Caller) -> bool:
    with closing(Stream(caller)) as stream:
        return stream.status == 200


# How it ends.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_at_once_though_streams_are_open(
    home: Home, serve: Callable[..., Served], listen: Callable[[Caller], Stream], number: signal.Signals
) -> None:
    served = serve(home)
    caller = Caller(served)
    streams = [listen(caller) for _ in range(3)]
    silent = socket.create_connection((served.host, served.port))
    with closing(silent):
        watch = Stopwatch()
        served.process.send_signal(number)
        assert served.process.wait(timeout=10) == 0
        assert watch.seconds() < 2.0
    for each in streams:
        # To its end: one that was cut off would raise.
        assert each.rest().replace(b"event: changed\nid: 1\ndata: 1\n\n", b"") == b""
    served.stop()
    assert "Traceback" not in served.errors
    assert served.errors.count("\n") == 1


def test_a_memory_that_is_held_by_another_process_does_not_hold_up_the_end(
    home: Home, serve: Callable[..., Served]
) -> None:
    """Neither that it is asked for, nor that a night is being undone."""
    a_night_of_three(home)
    served = serve(home)
    caller = Caller(served)
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with closing(http.client.HTTPConnection(served.host, served.port, timeout=20)) as connection:
            own = {
                "cookie": caller.cookie,
                "origin": served.origin,
                "x-csrf-token": caller.csrf,
                "content-type": "application/json",
            }
            connection.request("POST", "/nights/1/undo", body=b"{}", headers=own)
            watch = Stopwatch()
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(timeout=10) == 0
            assert watch.seconds() < 2.5
        other.execute("ROLLBACK")


def test_a_port_that_is_taken_is_said_in_one_sentence(home: Home, serve: Callable[..., Served]) -> None:
    served = serve(home)
    said = refused(home, "report", "--serve", "--port", str(served.port))
    assert said.startswith(f"The page cannot be served at port {served.port} of this machine (")


def test_a_port_can_be_chosen_and_is_taken_again_right_after(
    home: Home, serve: Callable[..., Served]
) -> None:
    first = serve(home)
    Caller(first)
    first.stop()
    second = serve(home, "--port", str(first.port))
    assert second.port == first.port
    assert second.ask("/", cookie=f"iai-daemon-{first.port}={first.token}").status == 403


def test_what_does_not_go_together_is_refused(home: Home) -> None:
    assert "--serve makes no file" in refused(home, "report", "--serve", "--out", "x.html", status=2)
    assert "--port goes with --serve" in refused(home, "report", "--port", "80", status=2)
