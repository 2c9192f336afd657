"""Ctrl-C and SIGTERM in the middle of each long command: what is left is whole, and what goes on does. Real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.memory.nights import Batch, Change
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.purge import Purged
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.moving.sqlite_side import being_filled
from tests.cli.inside import call_json, said
from tests.cli.longer import PORTION, count, lines, long
from tests.cli.planning import NOTE, with_agents
from tests.cli.test_store_migrate import of_file, query, remember, use_server
from tests.journeys.real import command, until

Database = Callable[[], str]


@pytest.fixture
def another(tmp_path: Path) -> Home:
    """Where the same is done without being stopped."""
    home = Home(tmp_path / "another")
    home.create()
    return home


@pytest.fixture
def large(home: Home) -> Home:
    """A home whose memory takes moments to be copied."""
    with closing(open_stores(home)) as stores:
        stores.memory.import_many((Draft(f"{number} {'x' * 4000}") for number in range(10_000)), 1)
    return home


def assert_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None


def exported(home: Home) -> str:
    return said(home, "memory", "export")


def contents(home: Home) -> list[str]:
    """What every memory says, in the order of their ids."""
    return [json.loads(line)["content"] for line in exported(home).splitlines()]


# Stopped between two portions.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_import_that_is_stopped_goes_on_with_the_same_command(
    home: Home, another: Home, tmp_path: Path, number: signal.Signals
) -> None:
    every = lines(range(5 * PORTION))
    with long(home, "memory", "import", "-", "--json", fed=True) as importing:
        importing.write(lines(range(2 * PORTION + 50)))
        until(lambda: count(home.memory) == 2 * PORTION)
        sentence = importing.stop(number)
    assert sentence == (
        "400 lines were taken over. The same command goes on where it stopped: what is there already stays as it is."
    )
    assert importing.out == ""
    assert importing.left.startswith("iai-daemon: Stopped: ")
    assert count(home.memory) == 2 * PORTION
    assert_whole(home.memory)
    again = call_json(home, "memory", "import", "-", stdin=every.decode())
    assert (again["unchanged"], again["added"]) == (2 * PORTION, 3 * PORTION)
    said(another, "memory", "import", "-", stdin=every.decode())
    assert exported(home) == exported(another)


def test_of_lines_without_ids_it_is_said_which_are_left_and_how_they_come_in(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "my notes.jsonl"
    total = 20_000
    file.write_bytes(lines(range(total), named=False))
    with long(home, "memory", "import", str(file)) as importing:
        until(lambda: count(home.memory) > 0)
        sentence = importing.stop()
    found = re.match(
        r"([\d,]+) lines were taken over \(\d+% of the file\)\. Go on with `(.*)`: ([\d,]+) of them have no `id`, and would be "
        r"stored a second time\.$",
        sentence,
    )
    assert found, sentence
    through = int(found[1].replace(",", ""))
    assert through == count(home.memory) < total
    advice = found[2].replace("iai-daemon", " ".join(command(home)), 1)
    assert advice.startswith("tail -n +")
    subprocess.run(["/bin/sh", "-c", advice], check=True, capture_output=True)
    assert contents(home) == [json.loads(line)["content"] for line in file.read_text().splitlines()]


def test_before_anything_was_taken_over_it_says_so(home: Home) -> None:
    with long(home, "memory", "import", "-", fed=True) as importing:
        importing.until_said("\x1b[?25l")
        assert importing.stop() == "nothing was imported yet."


def test_bad_lines_are_named_though_it_is_stopped(home: Home) -> None:
    with long(home, "memory", "import", "-", fed=True) as importing:
        importing.write(b"no JSON\n" + lines(range(PORTION)))
        until(lambda: count(home.memory) == PORTION)
        assert importing.stop().startswith("201 lines were taken over.")
    assert "line 1: it is not JSON" in importing.plain


def test_what_another_program_remembers_goes_on_with_the_same_command(
    home: Home, another: Home, tmp_path: Path
) -> None:
    told = [
        {"id": str(at), "memory": f"Note {at} about the deploy.", "created_at": "2026-11-01T12:00:00Z"}
        for at in range(6000)
    ]
    file = tmp_path / "mem0.json"
    file.write_text(json.dumps(told))
    words = ("memory", "import", "--from", "mem0", str(file))
    with long(home, *words) as importing:
        until(lambda: count(home.memory) > 0, 30)
        sentence = importing.stop()
    kept = count(home.memory)
    assert 0 < kept < len(told)
    assert sentence.startswith(f"{kept:,} memories were taken over. The same command goes on")
    assert_whole(home.memory)
    assert call_json(home, *words)["added"] == len(told) - kept
    said(another, *words)
    assert contents(home) == contents(another)


def test_a_full_export_that_is_stopped_has_restored_nothing(home: Home, another: Home) -> None:
    remember(another, 1000)
    full = said(another, "memory", "export", "--full")
    with long(home, "memory", "import", "-", fed=True) as importing:
        # More than the pipe holds, so the beginning has been taken.
        importing.write(full[:-100].encode())
        sentence = importing.stop()
    assert (
        sentence
        == "nothing was restored, since that is done whole or not at all. The same command begins anew."
    )
    assert count(home.memory) == 0
    assert_whole(home.memory)
    said(home, "memory", "import", "-", stdin=full)
    assert said(home, "memory", "export", "--full") == full


def test_an_export_that_is_stopped_says_that_it_is_not_whole(home: Home) -> None:
    remember(home, 10_000)
    before = exported(home)
    ours, its = os.pipe()
    try:
        with long(home, "memory", "export", read=its) as exporting:
            os.close(its)
            assert os.read(ours, 10) == before[:10].encode()
            sentence = exporting.stop()
    finally:
        os.close(ours)
    assert re.fullmatch(
        r"[\d,]+ of 10,000 lines were written, so that what there is is not whole: export it again\.",
        sentence,
    )
    assert "Traceback" not in exporting.said
    assert exported(home) == before


def test_a_move_that_is_stopped_goes_on_with_the_same_command(home: Home, tmp_path: Path) -> None:
    remember(home, 20_000)
    moved = tmp_path / "moved.db"
    words = ("store", "migrate", "--to", f"sqlite:{moved}")
    with long(home, *words, "--json") as moving:
        until(lambda: count(being_filled(moved)) > 0, 30)
        sentence = moving.stop()
    assert re.match(r"everything( up to [\d,]+ rows of records)? was moved to ", sentence), sentence
    assert sentence.endswith(
        f"{moved}, and {home.memory} stays as it is. The same command goes on where it stopped."
    )
    assert (moving.out, moved.exists()) == ("", False)
    assert_whole(being_filled(moved))
    assert call_json(home, *words)["resumed"]
    assert of_file(moved) == of_file(home.memory)
    assert not being_filled(moved).exists()


def test_so_does_one_to_a_server_and_one_back(home: Home, new_database: Database, tmp_path: Path) -> None:
    remember(home, 12_000)
    address, back = new_database(), tmp_path / "back.db"
    there, home_again = ("store", "migrate", "--to", address), ("store", "migrate", "--to", f"sqlite:{back}")
    with long(home, *there) as moving:
        until(lambda: query(address, "SELECT 1 FROM iai.records LIMIT 1"), 30)
        assert "The same command goes on where it stopped." in moving.stop()
    assert call_json(home, *there)["resumed"]
    before = of_file(home.memory)
    use_server(home, address)
    with long(home, *home_again) as moving:
        until(lambda: count(being_filled(back)) > 0, 30)
        assert "The same command goes on where it stopped." in moving.stop()
    assert call_json(home, *home_again)["resumed"]
    assert of_file(back) == before


def unfinished(home: Home) -> list[Path]:
    return list(home.root.rglob(".memory-*"))


def test_a_restore_that_is_stopped_has_restored_nothing(large: Home) -> None:
    backup = call_json(large, "store", "backup")["name"]
    remember(large, 10)
    before, kept = of_file(large.memory), sorted(large.backups.iterdir())
    with long(large, "store", "restore", backup, "--yes") as restoring:
        until(lambda: unfinished(large))
        sentence = restoring.stop()
    assert sentence == "nothing was restored, and the memory is what it was. The same command begins anew."
    assert of_file(large.memory) == before
    assert sorted(large.backups.iterdir()) == kept
    assert_whole(large.memory)
    assert call_json(large, "store", "restore", backup)["memories"] == 10_000


def test_a_backup_that_is_stopped_leaves_nothing(large: Home) -> None:
    with long(large, "store", "backup", "--json") as copying:
        until(lambda: unfinished(large))
        sentence = copying.stop()
    assert sentence == "no backup was made, and nothing is left of it. The same command begins anew."
    assert (copying.out, list(large.backups.iterdir())) == ("", [])
    assert call_json(large, "store", "backup")["memories"] == 10_000


def test_a_purge_that_is_stopped_at_the_backups_goes_on_with_the_same_command(large: Home) -> None:
    made = [call_json(large, "store", "backup")["name"] for _ in range(2)]
    words = ("memory", "purge", "7", "--backups", "--yes")
    with long(large, *words) as purging:
        until(lambda: unfinished(large))
        sentence = purging.stop()
    assert sentence == (
        "nothing was erased from the memory, and each backup is rewritten or what it was. The same command goes on."
    )
    assert count(large.memory) == 10_000
    for name in made:
        assert_whole(large.backups / name)
    purged = call_json(large, *words)
    assert (purged["purged"], purged["emptied"], purged["backups"]["holding"]) == ([7], True, [])
    assert [count(path) for path in (large.memory, *(large.backups / name for name in made))] == [9_999] * 3


def expiry(record: int) -> Change:
    return Change(f"{record:016}", "expired", record, 1, "its time is over", {"expired_at": 2}, {})


def test_an_undo_that_is_stopped_has_taken_nothing_back(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        stores.memory.import_many((Draft(f"Note {at} about the deploy.") for at in range(3000)), 1)
        number = stores.nights.begin_night("night", "absent", 2)
        stores.nights.apply(number, 1, "expire", Batch([expiry(record) for record in range(1, 3001)]), 2)
        stores.nights.end_night(number, "completed", None, {}, 3)
    before = exported(home)
    with long(home, "nights", "undo", "1", "--yes") as undoing:
        undoing.until_said("\x1b[?25l")
        sentence = undoing.stop()
    assert sentence == "nothing of night 1 was taken back. The same command begins anew."
    assert exported(home) == before
    assert_whole(home.memory)
    assert call_json(home, "nights", "undo", "1")["restored"] == 3000


def test_a_crontab_that_is_stopped_goes_on_with_the_same_command(home: Home, tmp_path: Path) -> None:
    with_agents(home, NOTE)
    file = tmp_path / "crontab"
    file.write_text(
        "".join(f"{at % 60} {at // 60 % 24} * * * /bin/echo 'Note {at}.'\n" for at in range(3000))
    )
    words = ("recall", "import", "crontab", str(file))

    def taken() -> int:
        with closing(sqlite3.connect(home.memory)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM recalls").fetchone()[0])

    remember(home, 1)
    with long(home, *words) as taking_over:
        until(lambda: taken() > 0, 30)
        sentence = taking_over.stop()
    done = taken()
    assert 0 < done < 3000
    assert sentence.startswith(f"of 3,000 lines {done:,} are done with. The same command goes on")
    again = call_json(home, *words)
    assert (len(again["already"]), len(again["added"])) == (done, 3000 - done)


def test_who_started_it_may_want_ctrl_c_to_be_ignored(home: Home) -> None:
    program = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *command(home, "memory", "import", "-")]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as importing:
        assert importing.stdin
        importing.stdin.write(lines(range(PORTION)))
        importing.stdin.flush()
        until(lambda: count(home.memory) == PORTION)
        importing.send_signal(signal.SIGINT)
        out, err = importing.communicate(lines(range(PORTION, PORTION + 5)), timeout=60)
    assert (importing.returncode, err) == (0, b"")
    assert out.startswith(b"205 added")


# In the middle of a statement.


class Moments:
    """Somebody who wants it to stop, once he was asked so often."""

    def __init__(self, left: int) -> None:
        self.left = left

    def may_go_on(self) -> bool:
        self.left -= 1
        return self.left > 0


@pytest.fixture
def opened(home: Home) -> Iterator[Stores]:
    with closing(open_stores(home)) as stores:
        yield stores


def test_a_file_that_is_made_anew_can_be_left_at_any_moment(home: Home, opened: Stores) -> None:
    opened.memory.import_many((Draft(f"{number} {'pear ' * 200}") for number in range(3000)), 1)
    secret = opened.memory.add(Draft("The word is quincunx."), 1).id
    marks = opened.purge.marks([secret])
    left, erased = 1, []
    while (purged := purged_unless_stopped(opened, marks, left)) is None:
        erased.append(opened.memory.memories() == 3000)
        assert opened.database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        left += 2
    assert len(erased) > 1
    assert erased[-1], "it was the file that was left"
    assert purged.emptied
    assert b"quincunx" not in home.memory.read_bytes()
    assert opened.memory.memories() == 3000


def purged_unless_stopped(opened: Stores, marks: Mapping[int, int], left: int) -> Purged | None:
    try:
        with opened.database.interruptible(Moments(left).may_go_on):
            return opened.purge.purge(marks, 2)
    except Interrupted:
        return None
