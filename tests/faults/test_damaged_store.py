"""A store that is damaged is noticed and told with the command that mends it, never overwritten and never begun anew."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from iai_daemon.__main__ import main
from iai_daemon.clock import read
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.cli.inside import call, call_json
from tests.consolidation.evening import export
from tests.fakes import LONG
from tests.faults.seeds import chance, luck
from tests.journeys.real import SHORT, RunningDaemon, command, until
from tests.mcp_server.test_tools import agent, ask, refused

DAYS = 86_400.0
DAMAGES_EACH = 150 if LONG else 4
PAGE = 4096
MEMORIES = 300

# What people and programs do with a memory.
COMMANDS = (
    ["memory", "search", "deploy"],
    ["memory", "add", "One more."],
    ["memory", "export"],
    ["memory", "show", "7"],
    ["memory", "history", "service 3"],
    ["memory", "forget", "9"],
    ["nights", "list"],
    ["store", "backup"],
    ["store", "backups"],
)


@pytest.fixture
def backup(home: Home) -> str:
    """The name of a backup of a memory of many pages, two days old: the next night makes one of its own first."""
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(
            (
                Draft(
                    f"Note {number} about the deploy. " + "x" * 300,
                    subject=f"service {number % 9}",
                    attribute="a",
                )
                for number in range(MEMORIES)
            ),
            0,
        )
        return back_up_now(stores.nights, home, read().wall - 2 * DAYS).name


@pytest.fixture
def whole(backup: str, home: Home) -> str:
    """What the memory is while nothing has happened to it."""
    with closing(open_stores(home)) as stores:
        return export(stores)


def said(home: Home, words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """One command in this process, where a traceback would be an exception: its exit status and its complaint."""
    status = main(["--home", str(home.root), *words])
    return status, capsys.readouterr().err


def files(home: Home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.root.glob("memory*")}


def assert_restored(home: Home, backup: str, whole: str, spoiled: bytes | None) -> None:
    """`store restore` brings back every memory, and what was there is kept as it was."""
    done = call_json(home, "store", "restore", backup)
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole
    if spoiled is not None:
        kept = Path(done["kept"])
        assert done["damaged"]
        assert kept.name.startswith("memory-corrupt-")
        # SQLite counts its writes in the header of a copy.
        assert kept.read_bytes()[100:].rstrip(b"\0") == spoiled[100:].rstrip(b"\0")
    assert not list(home.root.rglob(".memory-*"))


# --- what opening notices


def _rewrite(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(change(path.read_bytes())), None)[1]


DAMAGES: dict[str, Callable[[Path], None]] = {
    "header zeroed": _rewrite(lambda data: bytes(100) + data[100:]),
    "header overwritten": _rewrite(lambda data: chance("header").randbytes(PAGE) + data[PAGE:]),
    "schema overwritten": _rewrite(lambda data: data[:100] + b"\xff" * (PAGE - 100) + data[PAGE:]),
    "cut short": _rewrite(lambda data: data[: len(data) // 2]),
    "cut within a page": _rewrite(lambda data: data[: len(data) - PAGE // 2]),
    "zeros from the second page on": _rewrite(lambda data: data[:PAGE] + bytes(len(data) // 2 - PAGE)),
    "another file": _rewrite(lambda _data: b"a letter to somebody " * 500),
    "emptied": _rewrite(lambda _data: b""),
    "missing": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_store_that_cannot_be_opened_is_one_sentence_with_the_command_that_mends_it(
    home: Home, backup: str, whole: str, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    damage(home.memory)
    spoiled = files(home)
    for words in [*COMMANDS, ["consolidate"], ["mcp"]]:
        status, complaint = said(home, words, capsys)
        if words == ["store", "backups"]:
            assert (status, complaint) == (0, "")
            continue
        assert (status, complaint.count("\n")) == (78, 1), (words, complaint)
        assert str(home.memory) in complaint
        assert f"`iai-daemon store restore {backup}` puts the newest backup in its place" in complaint
    assert files(home) == spoiled, "nothing was written, and no empty memory was begun"
    assert_restored(home, backup, whole, spoiled.get("memory.db") or None)


def test_the_newest_backup_that_is_whole_is_named(home: Home, backup: str) -> None:
    (home.backups / "memory-29990101T000000Z.db").write_bytes((home.backups / backup).read_bytes()[:-1])
    (home.backups / "memory-29990102T000000Z.db").write_bytes(b"")
    home.memory.unlink()
    assert f"`iai-daemon store restore {backup}`" in call(home, "memory", "export").stderr


def test_without_a_backup_a_damaged_store_is_left_untouched_too(home: Home, backup: str) -> None:
    (home.backups / backup).unlink()
    DAMAGES["cut short"](home.memory)
    spoiled = files(home)
    done = call(home, "memory", "add", "One more.")
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert "there is no backup of it" in done.stderr
    assert files(home) == spoiled


def test_a_log_without_its_store_is_no_reason_to_begin_anew(home: Home) -> None:
    """SQLite would delete the log."""
    with closing(open_stores(home)) as stores:
        stores.memory.add(Draft("in the log"), 0)
        log = home.memory.with_name("memory.db-wal")
        kept = log.read_bytes()
    log.write_bytes(kept)
    for left in (lambda: home.memory.write_bytes(b""), home.memory.unlink):
        left()
        done = call(home, "memory", "export")
        assert (done.returncode, done.stderr.count("\n")) == (78, 1)
        assert "though its log is there" in done.stderr
        assert log.read_bytes() == kept


# --- what only reading notices


def _overwrite_some_pages(path: Path, chance: Random) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for page in chance.sample(range(1, pages), chance.randint(1, pages // 3)):
            file.seek(page * PAGE)
            file.write(chance.randbytes(PAGE))


def _change_some_bytes(path: Path, chance: Random) -> None:
    """Not where the tables are described: a description that is another one, and as good, is none that anybody can refuse."""
    data = path.read_bytes()
    with path.open("r+b") as file:
        for _ in range(chance.randint(1, 400)):
            at = chance.randrange(PAGE, len(data))
            if b"CREATE " not in data[at // PAGE * PAGE : (at // PAGE + 1) * PAGE]:
                file.seek(at)
                file.write(chance.randbytes(1))


def _zero_some_pages(path: Path, chance: Random) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        file.seek(chance.randrange(1, pages // 2) * PAGE)
        file.write(bytes(PAGE * chance.randint(1, pages // 2)))


@pytest.mark.parametrize("number", range(DAMAGES_EACH))
@pytest.mark.parametrize("damage", [_overwrite_some_pages, _change_some_bytes, _zero_some_pages])
def test_whatever_is_damaged_a_command_does_its_work_or_says_so_and_a_restore_mends_it(
    home: Home,
    backup: str,
    whole: str,
    damage: Callable[[Path, Random], None],
    number: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(home.memory, luck(f"{damage.__name__} {number}"))
    for words in COMMANDS:
        status, complaint = said(home, words, capsys)
        assert status in (0, 1, 78), (words, complaint)
        assert complaint.count("\n") == (status != 0), (words, complaint)
        if status == 78:
            assert "store restore" in complaint
    assert_restored(home, backup, whole, None)


def test_a_night_that_finds_damage_changes_nothing_and_keeps_the_older_backups(
    home: Home, backup: str, whole: str
) -> None:
    """Damage that nobody has met yet would be in every backup before long."""
    _overwrite_what_nobody_reads(home.memory)
    for number in range(7):
        (home.backups / f"memory-2020010{number + 1}T000000Z.db").touch()
    before = sorted(path.name for path in home.backups.iterdir())
    done = call(home, "consolidate", "--json", "--pass", "expire", "--pass", "supersede")
    assert done.returncode == 1
    report = call_json(home, "nights", "list")["nights"][-1]
    assert report["outcome"] == "failed"
    assert f"`iai-daemon store restore {backup}` puts the newest backup in its place" in report["reason"]
    assert report["passes"] == []
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole
    assert sorted(path.name for path in home.backups.iterdir()) == before
    refusal = call(home, "store", "backup")
    assert (refusal.returncode, refusal.stderr.count("\n")) == (78, 1)
    assert f"store restore {backup}" in refusal.stderr
    assert_restored(home, backup, whole, None)


def _overwrite_what_nobody_reads(path: Path) -> None:
    """The only page of a table that few nights look at."""
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'refused'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


# --- a lost log


def test_a_lost_log_takes_no_more_than_what_stood_in_it(home: Home, backup: str, whole: str) -> None:
    with _killed_while_open(home):
        pass
    assert home.memory.with_name("memory.db-wal").stat().st_size
    home.memory.with_name("memory.db-wal").unlink()
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole
        assert _sound(stores, home)


def test_after_its_first_backup_a_memory_does_not_live_in_its_log_alone(home: Home) -> None:
    """Small ones do before: SQLite moves a log into the file when it has grown, or when the last one has closed it."""
    stores = open_stores(home)
    stores.memory.add(Draft("One."), 0)
    back_up_now(stores.nights, home, read().wall)
    copied = home.memory.read_bytes()
    stores.close()
    for left in home.root.glob("memory.db*"):
        left.unlink()
    home.memory.write_bytes(copied)
    with closing(open_stores(home)) as found:
        assert [each.content for each in found.memory.export()] == ["One."]


def test_a_memory_that_lived_in_its_lost_log_alone_is_not_begun_anew(home: Home, backup: str) -> None:
    fresh = Home(home.root.with_name("fresh"))
    fresh.create()
    with _killed_while_open(fresh):
        pass
    for ending in ("-wal", "-shm"):
        fresh.memory.with_name(f"memory.db{ending}").unlink()
    (fresh.backups / backup).write_bytes((home.backups / backup).read_bytes())
    left = fresh.memory.read_bytes()
    assert left, "the header is there, and nothing else"
    done = call(fresh, "memory", "export")
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert (
        f"holds nothing, though there are backups of it, so nothing is written there: `iai-daemon store restore {backup}`"
        in done.stderr
    )
    assert fresh.memory.read_bytes() == left


_OPEN = """
import sys; from pathlib import Path
from iai_daemon.memory.opening import open_stores; from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
stores = open_stores(Home(Path(sys.argv[1])))
stores.memory.add(Draft("in the log"), 0)
print("open", flush=True)
sys.stdin.read()
"""


class _killed_while_open:  # noqa: N801 -- a context manager
    """A process that has the store open, with something in its log; killed at the end."""

    def __init__(self, home: Home) -> None:
        words = [sys.executable, "-c", _OPEN, str(home.root)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> subprocess.Popen[bytes]:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"open\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _sound(stores: Stores, home: Home) -> bool:
    with closing(sqlite3.connect(home.memory)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


# --- who has it open meanwhile

QUIET = SHORT.replace('tick = "2s"', 'tick = "300ms"').replace(
    "[consolidation]", "[consolidation]\nenabled = false"
)


@contextmanager
def running(home: Home) -> Iterator[RunningDaemon]:
    """A daemon that ends without a complaint."""
    daemon = RunningDaemon(home, QUIET)
    try:
        yield daemon
    finally:
        assert daemon.stop() == ""


def degraded(daemon: RunningDaemon, what: str) -> str:
    """Why this does not work, in one line; empty when it does."""
    found = "; ".join(each["why"] for each in daemon.status()["degraded"] if each["what"] == what)
    assert "\n" not in found
    return found


@pytest.mark.parametrize("name", ["header overwritten", "schema overwritten", "cut short", "missing"])
def test_a_daemon_says_what_is_wrong_and_goes_on_when_it_is_mended(
    home: Home, backup: str, whole: str, name: str
) -> None:
    DAMAGES[name](home.memory)
    with running(home) as daemon:
        until(lambda: f"`iai-daemon store restore {backup}`" in degraded(daemon, "store"))
        assert daemon.status()["store"]["memories"] is None
        call_json(home, "store", "restore", backup)
        until(lambda: daemon.status()["store"]["memories"] == MEMORIES)
        until(lambda: not daemon.status()["degraded"])
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole


def test_a_store_that_is_deleted_under_a_daemon_is_not_begun_anew(home: Home, backup: str) -> None:
    with running(home) as daemon:
        until(lambda: daemon.status()["store"]["memories"] == MEMORIES)
        for left in home.root.glob("memory.db*"):
            left.unlink()
        until(lambda: f"`iai-daemon store restore {backup}`" in degraded(daemon, "store"))
        assert not home.memory.exists()


def test_a_night_that_finds_damage_is_told_by_the_status(home: Home, backup: str, whole: str) -> None:
    _overwrite_what_nobody_reads(home.memory)
    with running(home) as daemon:
        daemon.wait_state("BEDTIME")
        done = call(home, "consolidate", "--pass", "expire", "--pass", "supersede")
        assert done.returncode == 1
        until(lambda: f"`iai-daemon store restore {backup}`" in degraded(daemon, "nights"))
        call_json(home, "store", "restore", backup)
        until(lambda: not daemon.status()["degraded"])


def test_a_night_that_cannot_open_the_store_is_told_by_the_status(
    home: Home, backup: str, whole: str
) -> None:
    """The daemon itself has all of it that it asks for in memory, and would notice much later."""
    with running(home) as daemon:
        daemon.wait_state("BEDTIME")
        with closing(sqlite3.connect(home.memory)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        DAMAGES["header overwritten"](home.memory)
        done = call(home, "consolidate")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert f"`iai-daemon store restore {backup}`" in done.stderr
        until(lambda: f"`iai-daemon store restore {backup}`" in degraded(daemon, "nights"))


def test_an_agent_is_told_in_one_sentence(home: Home, backup: str, tmp_path: Path) -> None:
    async def conversation() -> None:
        async with agent(home, tmp_path) as session:
            await ask(session, "remember", content="One more.", scope="global")
            with closing(sqlite3.connect(home.memory)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _overwrite(home.memory)
            text = await refused(session, "search_memory", query="deploy", scope="global")
            assert f"`iai-daemon store restore {backup}`" in text

    asyncio.run(conversation())


def _overwrite(path: Path) -> None:
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xa5" * (len(data) - PAGE))


def test_a_store_that_can_still_be_opened_is_restored_under_whoever_has_it_open(
    home: Home, backup: str, whole: str
) -> None:
    with _killed_while_open(home) as process:
        with closing(sqlite3.connect(home.memory)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _overwrite(home.memory)
        inode = home.memory.stat().st_ino
        done = call_json(home, "store", "restore", backup)
        assert (done["damaged"], home.memory.stat().st_ino) == (True, inode)
        assert Path(done["kept"]).name.startswith("memory-corrupt-")
        assert process.poll() is None
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole


def test_a_store_that_cannot_be_opened_any_more_waits_for_those_who_still_have_it(
    home: Home, backup: str, whole: str
) -> None:
    """Its file is replaced: whoever goes on with the old one would write where nobody ever looks again."""
    with _killed_while_open(home) as process:
        with closing(sqlite3.connect(home.memory)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        DAMAGES["header overwritten"](home.memory)
        spoiled = files(home)
        done = call(home, "store", "restore", backup)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert f"process {process.pid} (" in done.stderr
        assert "end that, then restore again" in done.stderr
        assert files(home) == spoiled
    assert_restored(home, backup, whole, spoiled["memory.db"])


def test_what_is_set_aside_keeps_its_log_and_the_restored_memory_gets_none(
    home: Home, backup: str, whole: str
) -> None:
    DAMAGES["header overwritten"](home.memory)
    log = home.memory.with_name("memory.db-wal")
    log.write_bytes(b"log " * 5000)
    done = call_json(home, "store", "restore", backup)
    kept = Path(done["kept"])
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"log " * 5000
    with closing(open_stores(home)) as stores:
        assert export(stores) == whole


def test_at_no_moment_of_a_restore_is_there_no_memory(home: Home, backup: str, whole: str) -> None:
    """Or somebody who opens it in that moment would begin an empty one."""
    DAMAGES["header overwritten"](home.memory)
    looks = 0
    with subprocess.Popen(command(home, "store", "restore", backup), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            assert home.memory.stat().st_size
            looks += 1
    assert (process.returncode, looks > 100) == (0, True)
