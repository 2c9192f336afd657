"""One night at a time on all hosts that share a database: the lock, the lease, the token, and who comes back too late."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import Fenced, NightBusy, StoreAway
from iai_daemon.storage.database import Holder
from iai_daemon.storage.postgres.database import PostgresDatabase
from iai_daemon.storage.postgres.fence import Fence
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from tests.postgres import Server, of_database, running

MILL = Holder("mill", "/home/ada/.iai-daemon", "process 12, night (absent), since noon")
BARN = Holder("barn", "/home/ada/.iai-daemon", "process 7, nap (inactive), since one")
# A lease for tests that wait for its end.
SHORT = 1.2

Open = Callable[..., PostgresDatabase]


@pytest.fixture
def address(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def open_(address: str) -> Iterator[Open]:
    """Opens the database once more, as another process would, or as somebody else."""
    with contextlib.ExitStack() as opened:
        yield lambda at=address: opened.enter_context(contextlib.closing(open_database(at, Lock.MEMORY)))


def write(database: PostgresDatabase, name: str) -> None:
    with database.translated(), database.writing():
        database.execute("INSERT INTO facts (name, value) VALUES (?, '1')", (name,))


def written(database: PostgresDatabase) -> set[str]:
    return {row["name"] for row in database.execute("SELECT name FROM facts WHERE name LIKE 'test %'")}


def fence(database: PostgresDatabase) -> dict[str, Any]:
    row = database.execute("SELECT * FROM fences").fetchone()
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 -- iterating gives the values


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    watch = Stopwatch()
    while not holds():
        assert watch.seconds() < seconds, "it did not come to that"
        pause(0.01)


def the_lease_runs_out(database: PostgresDatabase) -> None:
    """By the server's clock."""
    database.execute("UPDATE fences SET until = clock_timestamp() - interval '40 s'")


def nothing(_why: str) -> None:
    """For who does not want to know when it is lost."""


# One at a time


def test_of_two_hosts_one_runs_a_night_and_the_other_is_told_which(open_: Open) -> None:
    here, there = open_(), open_()
    with here.alone(MILL, nothing):
        assert here.holder() == there.holder() == MILL
        said = r"on mill, process 12, night \(absent\), since noon"
        with pytest.raises(NightBusy, match=said), there.alone(BARN, nothing):
            pass
    assert there.holder() is None
    with there.alone(BARN, nothing):
        assert here.holder() == BARN
        with pytest.raises(NightBusy, match="on barn"), here.alone(MILL, nothing):
            pass


def test_every_night_has_a_greater_token_and_leaves_no_name_behind(open_: Open) -> None:
    database, tokens = open_(), []
    for _ in range(3):
        with database.alone(MILL, nothing):
            tokens.append(database.fence)
            assert fence(database)["token"] == database.fence
        assert database.fence is None
    assert tokens == sorted(set(tokens))
    left = fence(database)
    assert {left.pop("token"), left.pop("name")} == {tokens[-1], "night"}
    assert set(left.values()) == {None}


def test_a_night_that_fails_lets_go_at_once(open_: Open) -> None:
    here, there = open_(), open_()
    with pytest.raises(ZeroDivisionError), here.alone(MILL, nothing):
        1 / 0  # noqa: B018 -- something goes wrong
    with there.alone(BARN, nothing):
        write(there, "test after it")


def test_a_lease_is_renewed_for_as_long_as_a_night_lasts(open_: Open) -> None:
    database, other = open_(), open_()
    with Fence(database, MILL, nothing, SHORT).held():
        first = fence(other)["until"]
        until(lambda: bool(fence(other)["until"] > first))
        watch = Stopwatch()
        while watch.seconds() < 1.5 * SHORT:
            assert other.holder() == MILL
            with pytest.raises(NightBusy), other.alone(BARN, nothing):
                pass
            pause(0.05)


def test_two_databases_of_one_server_have_nights_of_their_own(
    new_database: Callable[[], str], open_: Open
) -> None:
    here = open_()
    with (
        contextlib.closing(open_database(new_database(), Lock.MEMORY)) as elsewhere,
        here.alone(MILL, nothing),
        elsewhere.alone(BARN, nothing),
    ):
        assert (here.holder(), elsewhere.holder()) == (MILL, BARN)


# Who loses it


def test_who_has_lost_the_night_to_another_writes_nothing_and_users_still_do(open_: Open) -> None:
    lost: list[str] = []
    here, there, user = open_(), open_(), open_()
    with here.alone(MILL, lost.append):
        write(here, "test as a night")
        the_lease_runs_out(there)
        with there.alone(BARN, nothing):
            for attempt in range(3):
                with pytest.raises(Fenced, match="another one has begun since"):
                    write(here, f"test too late {attempt}")
            write(there, "test as the next")
            write(user, "test of a user")
            assert user.holder() == BARN
        with pytest.raises(Fenced):
            write(here, "test too late, though the other has ended")
    assert written(user) == {"test as a night", "test as the next", "test of a user"}
    write(here, "test of a user, too")


def test_who_has_lost_it_takes_nothing_from_the_next_when_it_ends(open_: Open) -> None:
    here, there = open_(), open_()
    with contextlib.ExitStack() as next_night:
        with here.alone(MILL, nothing):
            the_lease_runs_out(there)
            next_night.enter_context(there.alone(BARN, nothing))
        assert here.holder() == BARN
        with pytest.raises(NightBusy, match="on barn"), here.alone(MILL, nothing):
            pass
        write(there, "test it goes on")


def test_a_night_whose_session_is_ended_hears_of_it_and_may_write_until_another_begins(open_: Open) -> None:
    lost: list[str] = []
    here, there = open_(), open_()
    with Fence(here, MILL, lost.append, SHORT).held() as token:
        here.fence = token
        there.execute("SELECT pg_terminate_backend(?)", (fence(there)["backend"],))
        until(lambda: bool(lost))
        assert "its hold on postgresql://" in lost[0]
        write(here, "test its report")
        with there.alone(BARN, nothing), pytest.raises(Fenced):
            write(here, "test too late")
        here.fence = None
    assert len(lost) == 1


def test_a_night_that_another_has_taken_over_hears_of_it(open_: Open) -> None:
    lost: list[str] = []
    here, there = open_(), open_()
    with Fence(here, MILL, lost.append, SHORT).held():
        there.execute("UPDATE fences SET token = token + 1")
        until(lambda: bool(lost))
    assert "another one has begun since" in lost[0]


def test_a_token_never_goes_back(open_: Open) -> None:
    database = open_()
    with database.alone(MILL, nothing), pytest.raises(psycopg.IntegrityError, match="never goes back"):
        database.execute("UPDATE fences SET token = token - 1")


def test_a_server_that_has_missed_nights_gives_no_token_again(open_: Open) -> None:
    """One that takes the place of another may not have heard of its last nights."""
    database = open_()
    before = fence(database)["token"]
    with database.alone(MILL, nothing):
        token = database.fence
    database.execute("ALTER TABLE fences DISABLE TRIGGER tokens_only_grow")
    database.execute("UPDATE fences SET token = ?", (before,))
    database.execute("ALTER TABLE fences ENABLE TRIGGER tokens_only_grow")
    with database.alone(MILL, nothing):
        assert token is not None
        assert database.fence is not None
        assert database.fence > token


# Who is stopped, and comes back

HOLDS = """
import sys
from iai_daemon.errors import IaiError
from iai_daemon.storage.database import Holder
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.fence import Fence
from iai_daemon.storage.postgres.opening import open_database
database = open_database(sys.argv[1], Lock.MEMORY)
said = []
with Fence(database, Holder("mill", "/home", "process 12"), said.append, float(sys.argv[2])).held() as database.fence:
    print("holds", flush=True)
    for line in sys.stdin:
        try:
            with database.translated(), database.writing():
                database.execute("INSERT INTO facts (name, value) VALUES (?, '1')", (line.strip(),))
            print("written", flush=True)
        except IaiError as error:
            print(type(error).__name__, flush=True)
"""


@contextlib.contextmanager
def a_holder(address: str, lease: float) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the night, and writes as one what it is told."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, address, str(lease)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "holds\n"
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str], name: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_who_was_stopped_for_longer_than_its_lease_and_returns_writes_nothing(
    open_: Open, address: str
) -> None:
    """Its session is as alive as it was: the kernel answers for it."""
    database = open_()
    with a_holder(address, 60.0) as stopped:
        assert told(stopped, "test before") == "written"
        stopped.send_signal(signal.SIGSTOP)
        with pytest.raises(NightBusy, match="on mill, process 12"), database.alone(BARN, nothing):
            pass
        the_lease_runs_out(database)
        assert database.holder() is None
        with database.alone(BARN, nothing):
            stopped.send_signal(signal.SIGCONT)
            assert told(stopped, "test after") == "Fenced"
            assert told(stopped, "test after, again") == "Fenced"
            write(database, "test as the next")
    assert written(database) == {"test before", "test as the next"}


def test_the_server_itself_ends_who_is_not_heard_of_for_a_lease(open_: Open, address: str) -> None:
    """Also for a role that may end nobody's session."""
    database = open_()
    with a_holder(address, SHORT) as stopped:
        stopped.send_signal(signal.SIGSTOP)

        def free() -> bool:
            row = database.execute(
                "SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = 3"
            ).fetchone()
            return bool(row["n"] == 0)

        until(free)
        with database.alone(BARN, nothing):
            stopped.send_signal(signal.SIGCONT)
            assert told(stopped, "test after") == "Fenced"


def test_a_role_that_may_end_nobodys_session_waits_and_says_for_whom(
    open_: Open, address: str, postgres_server: str
) -> None:
    name = f"weak_{address.rpartition('iai_')[2]}"
    # Who may make roles.
    owner = open_(of_database(postgres_server, address.rpartition("/")[2]))
    owner.execute(f"CREATE ROLE {name} LOGIN")
    owner.execute(f"GRANT USAGE ON SCHEMA iai TO {name}")
    owner.execute(f"GRANT UPDATE ON fences TO {name}")
    owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA iai TO {name}")
    weak = of_database(address, address.rpartition("/")[2], user=name)
    try:
        with (
            contextlib.closing(open_database(weak, Lock.MEMORY)) as database,
            a_holder(address, 60.0) as held,
        ):
            held.send_signal(signal.SIGSTOP)
            the_lease_runs_out(owner)
            before = fence(owner)["token"]
            said = r"on mill, process 12, which should have been heard of 4\d s ago"
            with pytest.raises(NightBusy, match=said), database.alone(BARN, nothing):
                pass
            held.send_signal(signal.SIGCONT)
            # Nobody has begun, so nobody is kept out.
            assert fence(owner)["token"] == before
            assert told(held, "test it goes on") == "written"
            held.kill()
            held.wait()
            until(lambda: owner.holder() is None)
            with database.alone(BARN, nothing):
                assert owner.holder() == BARN
    finally:
        owner.execute(f"DROP OWNED BY {name}")
        owner.execute(f"DROP ROLE {name}")


def test_a_holder_that_is_killed_leaves_the_night_free_though_its_lease_is_not_over(
    open_: Open, address: str
) -> None:
    database = open_()
    with a_holder(address, 60.0) as killed:
        killed.kill()
        killed.wait()
        until(lambda: database.holder() is None)
        with database.alone(BARN, nothing):
            write(database, "test at once")


# A server that breaks


@pytest.fixture
def own_server() -> Iterator[Server]:
    with running(synchronous_commit="on") as server:
        yield server


def test_a_night_hears_when_its_server_crashes_and_the_next_one_can_begin(own_server: Server) -> None:
    lost: list[str] = []
    address = own_server.dsn("postgres")
    with contextlib.closing(open_database(address, Lock.MEMORY)) as database:
        with Fence(database, MILL, lost.append, SHORT).held() as token:
            own_server.crash()
            until(lambda: bool(lost))
            with pytest.raises(StoreAway):
                write(database, "test while it is away")
            own_server.start()
        database.server.is_back()
        with database.alone(BARN, nothing):
            assert database.fence is not None
            assert database.fence > token


def test_a_night_hears_within_its_lease_when_its_server_freezes(own_server: Server) -> None:
    lost: list[str] = []
    with (
        contextlib.closing(open_database(own_server.dsn("postgres"), Lock.MEMORY)) as database,
        Fence(database, MILL, lost.append, SHORT).held(),
    ):
        own_server.freeze()
        watch = Stopwatch()
        until(lambda: bool(lost))
        assert watch.seconds() <= SHORT
        own_server.thaw()
    assert "not answered" in lost[0]
