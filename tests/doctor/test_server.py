"""The memory's server: well, away, frozen, older, newer, held by others, and who else could read along."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import psycopg
import pytest

from iai_daemon.clock import Now, Stopwatch, read
from iai_daemon.doctor.checks import server
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.paths import Home
from iai_daemon.storage.migrate import newest
from iai_daemon.storage.postgres.schema import bring_up
from iai_daemon.storage.postgres.server import give_back, take
from tests import postgres
from tests.cli.calling import call
from tests.doctor.looking import failing, look
from tests.doctor.remembering import remember

ABOUT = {"who": "ada", "sees_all": False, "owner": False, "granted": 0, "users": 1}


def use(home: Home, address: str) -> None:
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)


@pytest.fixture
def address(home: Home, new_database: Callable[[], str]) -> str:
    """Of the database that the home's settings name."""
    address = new_database()
    use(home, address)
    return address


def query(address: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


# Well.


def test_a_server_that_is_well_is_written_to_and_left_as_it_was(home: Home, address: str) -> None:
    remember(home)
    before = query(address, "SELECT name, value FROM iai.facts ORDER BY 1")
    found = look(home, "store")
    assert failing(found) == {}
    assert "written, read and taken back" in found["store"].seen
    assert f"schema {newest()}" in found["store.postgres"].seen
    assert "answers in" in found["store.postgres"].seen
    assert "who has it for himself" in found["store.postgres.role"].seen
    assert found["store.postgres.encryption"].seen == "what goes there stays on this machine"
    assert query(address, "SELECT name, value FROM iai.facts ORDER BY 1") == before
    assert not home.memory.exists()


def test_every_other_check_looks_at_the_server_too(home: Home, address: str) -> None:
    remember(home)
    for check in ("nights", "agenda", "embedder"):
        found = look(home, check)
        assert "no memory" not in found[check].seen, found
        assert "not checked" not in found[check].seen, found
    assert query(address, "SELECT COUNT(*) FROM iai.records") == [(1,)]


def test_what_is_about_a_file_is_not_looked_at_and_says_why(home: Home, address: str) -> None:
    remember(home)
    found = look(home, "store")
    assert "backed up where the server runs" in found["store.backup"].seen
    assert "a server looks after its own files" in found["store.integrity"].seen
    assert not {"store.log", "store.empty", "store.growth"} & found.keys()
    assert address


def test_what_a_killed_doctor_has_left_is_taken_back_by_a_later_one(home: Home, address: str) -> None:
    now = read().milliseconds
    with psycopg.connect(address, autocommit=True) as connection:
        for left in (("doctor:1", str(now - 3_600_001)), ("doctor:2", str(now))):
            connection.execute("INSERT INTO iai.facts (name, value) VALUES (%s, %s)", left)
    look(home, "store")
    assert query(address, "SELECT name FROM iai.facts WHERE name LIKE 'doctor:%'") == [("doctor:2",)]


def test_the_command_says_what_it_sees_of_a_server(home: Home, address: str) -> None:
    remember(home)
    done = call(home, "doctor", "--json")
    checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert checks["store"]["status"] == checks["store.postgres"]["status"] == "ok"
    assert address in checks["store"]["seen"]


# Not there, or not as it should be.


def test_a_server_that_is_not_there_is_said_with_what_mends_it(home: Home) -> None:
    use(home, "postgresql://me@127.0.0.1:1/memory")
    found = look(home, "store")
    assert found["store.postgres"].status is found["store"].status is Verdict.FAIL
    assert "cannot be used now" in found["store.postgres"].seen
    assert "pg_isready" in (found["store.postgres"].remedy or "")


def test_a_database_without_our_schema_is_left_as_it_is(home: Home, postgres_server: str) -> None:
    with postgres.a_database(postgres_server, f"bare_{os.getpid()}") as address:
        use(home, address)
        assert look(home, "store")["store"].seen == "there is no memory yet"
        assert "there is no memory yet" in look(home, "nights")["nights"].seen
        assert query(address, "SELECT 1 FROM pg_namespace WHERE nspname = 'iai'") == []


def test_an_older_schema_is_told_and_not_brought_up(home: Home, postgres_server: str) -> None:
    with postgres.a_database(postgres_server, f"older_{os.getpid()}") as address:
        older = take(address)
        try:
            bring_up(older, 5, half_moved=True)
        finally:
            give_back(older)
        use(home, address)
        found = look(home, "store")
        assert found["store.schema"].status is Verdict.WARN
        assert "`iai-daemon store upgrade`" in (found["store.schema"].remedy or "")
        assert "older schema" in look(home, "nights")["nights"].seen
        assert query(address, "SELECT number FROM iai.schema_version") == [(5,)]


def test_a_newer_schema_is_said(home: Home, address: str) -> None:
    query(address, "UPDATE iai.schema_version SET number = number + 1")
    found = look(home, "store")
    assert found["store"].status is Verdict.FAIL
    assert "was written by a newer iai-daemon" in found["store"].seen


def test_who_writes_for_long_is_said_and_not_waited_for(home: Home, address: str) -> None:
    with psycopg.connect(address) as other:
        other.execute("SELECT pg_advisory_xact_lock(x'69616964'::int, 1)")
        found = look(home, "store")
    assert found["store"].status is Verdict.WARN
    assert "somebody has been writing" in found["store"].seen


def test_a_password_that_others_can_read_is_said(home: Home, address: str) -> None:
    home.config.write_text(f'[memory]\nstore = "{address.replace("@", ":hush@")}"\n')
    home.config.chmod(0o644)
    found = look(home, "store")
    assert found["store"].status is Verdict.FAIL
    assert "it holds a password and others can read the file: chmod 600" in found["store"].seen
    assert "hush" not in str(found)


def test_row_security_that_was_switched_off_fails(home: Home, address: str) -> None:
    query(address, "ALTER TABLE iai.records DISABLE ROW LEVEL SECURITY")
    found = look(home, "store")
    assert found["store.postgres.rows"].status is Verdict.FAIL
    assert "row security is off for records" in found["store.postgres.rows"].seen


def test_a_host_whose_clock_is_wrong_is_told(home: Home, address: str) -> None:
    now = read()
    found = look(home, "store", Now(now.wall - 7200, now.awake, now.boot))
    assert found["store.postgres.clock"].status is Verdict.WARN
    assert "ahead of this host's" in found["store.postgres.clock"].seen
    assert address


@pytest.fixture
def frozen(home: Home) -> Iterator[Home]:
    """A home whose memory is on a server that takes what is sent and answers nothing."""
    with postgres.running() as own:
        use(home, own.dsn("postgres"))
        remember(home)
        own.freeze()
        try:
            yield home
        finally:
            own.thaw()


def test_the_whole_doctor_ends_in_time_beside_a_frozen_server(frozen: Home) -> None:
    watch = Stopwatch()
    done = call(frozen, "doctor", "--json")
    assert watch.seconds() < 12, "which is mostly the start of Python beside other tests"
    checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["store"]["status"] == "fail"
    for name in ("nights", "agenda"):
        assert "not checked" in checks[name]["seen"], checks[name]


def test_one_check_ends_in_time_beside_a_frozen_server(frozen: Home) -> None:
    watch = Stopwatch()
    found = look(frozen, "store")
    assert watch.seconds() < 4
    assert found["store"].status is Verdict.FAIL


# What is thought of what was seen.


def verdict(finding: Finding) -> Verdict:
    assert (finding.remedy is None) == (finding.status is Verdict.OK)
    return finding.status


@pytest.mark.parametrize(
    ("host", "encrypted", "expected"),
    [
        ("/var/run/postgresql", False, Verdict.OK),
        ("127.0.0.1", False, Verdict.OK),
        ("::1", False, Verdict.OK),
        ("localhost", False, Verdict.OK),
        ("db.example.org", True, Verdict.OK),
        ("db.example.org", False, Verdict.WARN),
        ("10.0.0.7", False, Verdict.WARN),
    ],
)
def test_plain_text_that_leaves_this_machine_is_warned_of(
    host: str, encrypted: bool, expected: Verdict
) -> None:
    assert verdict(server.encryption(host, encrypted=encrypted)) is expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({}, Verdict.OK),
        ({"owner": True}, Verdict.OK),
        ({"sees_all": True, "owner": True}, Verdict.OK),
        ({"users": 2}, Verdict.OK),
        ({"granted": 1}, Verdict.OK),
        ({"owner": True, "granted": 1}, Verdict.WARN),
        ({"owner": True, "users": 2}, Verdict.WARN),
        ({"sees_all": True, "users": 2}, Verdict.WARN),
    ],
)
def test_who_could_see_or_change_what_others_own_is_warned_of(
    about: dict[str, object], expected: Verdict
) -> None:
    assert verdict(server.role({**ABOUT, **about})) is expected


def test_connections_and_answers_have_their_limits() -> None:
    assert verdict(server.connections(79, 100)) is Verdict.OK
    assert verdict(server.connections(80, 100)) is Verdict.WARN
    assert verdict(server.answering("PostgreSQL", 0.1)) is Verdict.OK
    assert verdict(server.answering("PostgreSQL", 0.101)) is Verdict.WARN
    assert verdict(server.clock(30)) is verdict(server.clock(-30)) is Verdict.OK
    assert verdict(server.clock(31)) is verdict(server.clock(-31)) is Verdict.WARN
