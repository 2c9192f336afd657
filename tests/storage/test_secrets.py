"""A password in the address of the memory's server is shown nowhere: not by a command, not in an error, not in a log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from iai_daemon.errors import BadAddress, IaiError
from iai_daemon.kinds import without_password
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.storage.postgres.server import shown, take
from tests.fakes import LASTING
from tests.journeys.real import call, command, until
from tests.mcp_server.users import Server as Agent
from tests.postgres import running

SECRET = "hunter2Zx81"
ADDRESSES = {
    "before the host": f"postgresql://me:{SECRET}@127.0.0.1:1/memory",
    "as a parameter": f"postgresql://me@127.0.0.1:1/memory?password={SECRET}",
    "of a key": f"postgresql://me@127.0.0.1:1/memory?sslmode=require&sslpassword={SECRET}",
    "with an @": f"postgresql://me:a@{SECRET}@127.0.0.1:1/memory",
    "with a slash": f"postgresql://me:a/{SECRET}@127.0.0.1:1/memory",
    "with a question mark": f"postgresql://me:a?{SECRET}@127.0.0.1:1/memory",
    "with a colon": f"postgresql://me:a:{SECRET}@127.0.0.1:1/memory",
    "with a wrong escape": f"postgresql://me:%ZZ{SECRET}@127.0.0.1:1/memory",
    "without a user": f"postgres://:{SECRET}@127.0.0.1:1/memory",
}


def settle_at(home: Home, address: str) -> None:
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_no_error_and_no_name_of_the_place_shows_it(home: Home, address: str) -> None:
    assert SECRET not in without_password(address)
    assert SECRET not in shown(address)
    settle_at(home, address)
    with pytest.raises(IaiError) as refused:
        open_stores(home)
    assert SECRET not in str(refused.value)
    cause: BaseException | None = refused.value
    while cause is not None:
        assert SECRET not in str(cause)
        cause = cause.__cause__


def test_what_may_be_shown_of_an_address_is_what_leads_there() -> None:
    assert without_password("postgresql://me:x@host:5432/memory?sslmode=require") == (
        "postgresql://me:…@host:5432/memory?sslmode=require"
    )
    assert without_password("postgresql://me@host/memory") == "postgresql://me@host/memory"
    assert shown("postgresql://me:x@host:5432/memory?sslmode=require") == "postgresql://me@host:5432/memory"
    assert shown("postgresql:///memory?host=/run/postgresql") == "postgresql:///memory"


def test_an_address_that_would_be_read_wrongly_is_refused_with_what_mends_it() -> None:
    for kind in ("with an @", "with a slash"):
        with pytest.raises(BadAddress, match="must be written as %2F, %3F, %40"):
            take(ADDRESSES[kind])
    with pytest.raises(BadAddress, match="written as %25"):
        take(ADDRESSES["with a wrong escape"])


COMMANDS = [
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "check"),
    ("status", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("memory", "search", "x"),
    ("memory", "add", "x", "--json"),
    ("memory", "export"),
    ("nights", "list"),
    ("recall", "list"),
    ("consolidate", "--json"),
    ("store", "backups"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_shows_it(home: Home, words: tuple[str, ...]) -> None:
    settle_at(home, ADDRESSES["before the host"])
    done = call(home, *words)
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_who_gives_a_wrong_password_is_told_so_without_it(home: Home) -> None:
    with running() as postgres:
        LASTING.add(postgres.pid)
        rules = postgres.data / "pg_hba.conf"
        rules.write_text("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        subprocess.run(
            [sys.executable, "-c", _WITH_A_PASSWORD, postgres.dsn("postgres")],
            check=True,
            capture_output=True,
        )
        settle_at(home, f"postgresql://me:{SECRET}@127.0.0.1:{postgres.port}/postgres")
        done = call(home, "memory", "search", "x")
        LASTING.discard(postgres.pid)
    assert done.returncode == 78
    assert 'password authentication failed for user "me"' in done.stderr
    assert SECRET not in done.stderr


_WITH_A_PASSWORD = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("CREATE ROLE me LOGIN PASSWORD 'another'")
    connection.execute("SELECT pg_reload_conf()")
"""


def test_no_process_has_it_on_its_command_line_and_no_answer_and_no_log_shows_it(home: Home) -> None:
    settle_at(home, ADDRESSES["before the host"])
    process = subprocess.Popen(
        command(home, "run"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    agent = Agent(home)
    try:
        with pytest.raises(RuntimeError, match="cannot be used now") as refused:
            agent.call("search_memory", query="x")
        assert SECRET not in str(refused.value)
        assert SECRET not in json.dumps(agent.call("remember", content="x"))
        until(lambda: call(home, "status").returncode == 0, 30)
        status = call(home, "status", "--json")
        assert SECRET not in status.stdout + status.stderr
        for each in psutil.process_iter(["cmdline"]):
            assert not any(SECRET in word for word in each.info["cmdline"] or ())
    finally:
        agent.leave()
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert SECRET not in said
    assert files_with(SECRET, home) == [home.config]


def files_with(text: str, home: Home) -> list[Path]:
    return [path for path in home.root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
