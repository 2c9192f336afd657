"""The environment is scrubbed before anything is imported, and a test that leaves something behind fails."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

# Where a quarter of the tests' time went into waiting for a disk, they run on memory instead, if it may hold programs, too.
_MEMORY = Path("/dev/shm")  # noqa: S108 -- what is made in it gets names of its own
_ROOMY = 8 * 2**30


def _lies_in_memory() -> bool:
    try:
        there = os.statvfs(_MEMORY)
    except OSError:
        return False
    roomy = there.f_bavail * there.f_frsize >= _ROOMY
    return roomy and not there.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK | os.X_OK)


if sys.platform == "linux" and _lies_in_memory():
    tempfile.tempdir = str(_MEMORY)

_HOME = tempfile.mkdtemp(prefix="iai-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
# Which PostgreSQL the tests may use; without it they start one of their own.
if "IAI_TEST_POSTGRES_DSN" in os.environ:
    os.environ["TESTS_POSTGRES_DSN"] = os.environ["IAI_TEST_POSTGRES_DSN"]
for _name in list(os.environ):
    if _name.startswith(("IAI_", "XDG_")) or _name.lower().endswith("_proxy"):
        del os.environ[_name]
os.environ["HOME"] = _HOME

import psutil  # noqa: E402 -- after the scrubbing
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from iai_daemon.clock import Stopwatch, pause  # noqa: E402
from iai_daemon.paths import Home  # noqa: E402
from tests.fakes import LASTING, LONG  # noqa: E402
from tests.faults.seeds import pytest_report_header  # noqa: E402, F401 -- the seed of what is random stands first
from tests.parts import MARKERS  # noqa: E402

_T = TypeVar("_T")

# What was started may need a moment to end by itself; what does not is a leak.
_GRACE = 2.0

settings.register_profile(
    "suite",
    deadline=None,
    database=None,
    derandomize=not LONG,
    max_examples=3000 if LONG else 60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        for marker, names in MARKERS.items():
            if name.startswith(names):
                item.add_marker(marker)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own, created."""
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL, as somebody who may make databases; started when it is first asked for."""
    with pytest.importorskip("tests.postgres", reason="psycopg is not installed").the_server() as address:
        yield address


@pytest.fixture(scope="session")
def database_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with our schema and nothing in it."""
    from tests import postgres  # noqa: PLC0415 -- it loads what most tests do without

    with postgres.a_template(postgres_server) as name:
        yield name


@pytest.fixture
def new_database(postgres_server: str, database_template: str) -> Iterator[Callable[[], str]]:
    """Makes databases with our schema and nothing in it, and gives the address of each; they are gone after the test."""
    from tests import postgres  # noqa: PLC0415 -- it loads what most tests do without

    with postgres.new_databases(postgres_server, database_template) as make:
        yield make


@pytest.fixture(autouse=True)
def _leaves_no_thread() -> Iterator[None]:
    before = _threads()
    yield
    assert not _left(lambda: _threads() - before), "the test leaves threads behind"


@pytest.fixture(autouse=True)
def _leaves_no_child_process() -> Iterator[None]:
    before = _children()
    yield
    assert not _left(lambda: _children() - before), "the test leaves child processes behind"


@pytest.fixture(autouse=True)
def _leaves_no_database_open() -> Iterator[None]:
    before = _databases()
    yield
    assert not _left(lambda: _databases() - before), "the test leaves databases open"


def _left(found: Callable[[], set[_T]]) -> set[_T]:
    """What is still there after a moment's grace."""
    watch = Stopwatch()
    while (left := found()) and watch.seconds() < _GRACE:
        pause(0.01)
    return left


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _children() -> set[psutil.Process]:
    """Our child processes, zombies too, but for what lasts as long as the tests do."""
    return {each for each in _all_children() if each.pid not in LASTING}


def _all_children() -> set[psutil.Process]:
    """Going through the process table costs milliseconds, so the kernel is asked first."""
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return set()
    return set(psutil.Process().children())


def _databases() -> set[str]:
    """The SQLite files that this process has open."""
    return {path for path in _open_files() if path.endswith((".db", ".db-wal", ".sqlite"))}


def _open_files() -> Iterator[str]:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        yield from (each.path for each in psutil.Process().open_files())
        return
    for descriptor in descriptors.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(descriptor.readlink())
