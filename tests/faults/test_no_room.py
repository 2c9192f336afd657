"""No room, or no place, for what a night writes: it does not begin, or it changes nothing, and the reason is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home, backups
from tests.fakes import LONG
from tests.faults.stage import Stage, mounting, playing
from tests.journeys.real import command, until

MEMORIES = 200
ONLY = ("--pass", "expire", "--pass", "supersede")


@pytest.fixture
def disk(home: Home) -> Iterator[Disk]:
    """The home on a small disk of its own."""
    with mounting() as stage:
        yield Disk(home, stage)


class Disk:
    """A home that only processes in a namespace have on a disk of 4 MB; `seen` is where the test finds it.

    SQLite follows links, and would find what lies under the mount: here only commands in the namespace use it.
    """

    def __init__(self, home: Home, stage: Stage) -> None:
        self.home = home
        self.stage = stage
        self.mount("size=4m", home.root)
        self.seen = Home(stage.seen(home.root))
        self.seen.create()

    def mount(self, options: str, where: Path) -> None:
        self.stage.run("mount", "-t", "tmpfs", "-o", options, "none", where)

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Any program, to its end; never a traceback."""
        done = subprocess.run(
            [*self.stage.before, *words], input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        assert "Traceback" not in done.stderr
        return done

    def call(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command of ours."""
        return self.run(*command(self.home, *words), stdin=stdin)

    def consolidate(self, *words: str) -> dict[str, Any]:
        """The report of a night that is asked for."""
        answer: dict[str, Any] = json.loads(self.call("consolidate", "--json", *words).stdout)
        return answer

    def refuses(self, *words: str, said: Sequence[str]) -> None:
        """In one sentence that says so; a night that has begun says it in its report."""
        done = self.call(*words)
        sentence = done.stderr or done.stdout
        assert (done.returncode in (1, 78), sentence.count("\n")) == (True, 1), done
        assert all(each in sentence for each in said), sentence

    def remember(self, number: int = MEMORIES) -> str:
        """Memories of which every other one is past its time; the export of all."""
        lines = (
            json.dumps(
                {
                    "content": f"Note {each}. " + "x" * 400,
                    "expires_at": "2020-01-01T00:00:00Z" if each % 2 else None,
                }
            )
            for each in range(number)
        )
        assert self.call("memory", "import", "-", stdin="\n".join(lines)).returncode == 0
        return self.exported()

    def exported(self) -> str:
        """Every memory, in a file that is sound."""
        self.sql("PRAGMA integrity_check")
        done = self.call("memory", "export")
        assert done.returncode == 0, done
        return done.stdout

    def sql(self, statement: str) -> None:
        """Fails unless it answers nothing, or `ok`."""
        program = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "sys.exit(c.execute(sys.argv[2]).fetchall() not in ([], [('ok',)]))"
        )
        assert self.run(sys.executable, "-c", program, str(self.home.memory), statement).returncode == 0

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes, in whole pages."""
        with (self.seen.root / "filler").open("wb", buffering=0) as filler:
            for size in (65_536, 1):
                until(lambda size=size: _is_full(filler, size), 30)  # type: ignore[misc]
            filler.truncate(filler.tell() - leave)

    def make_room(self) -> None:
        (self.seen.root / "filler").unlink()
        assert not list(self.seen.root.rglob(".memory-*"))


def _is_full(filler: Any, size: int) -> bool:
    try:
        filler.write(bytes(size))
    except OSError:
        return True
    return False


def test_on_a_disk_that_is_nearly_full_no_night_begins_and_the_status_says_why(disk: Disk) -> None:
    disk.stage.run("mount", "-o", "remount,size=24m", "none", disk.home.root)
    with playing(disk.seen, told=disk.home, before=disk.stage.before) as scene:
        scene.leave_work()
        scene.wait_degraded("nights", "the disk has", "MB left, and a night may need 32 MB")
        scene.wait_tick()
        assert scene.daemon.status()["consolidation"]["last"] is None
        disk.stage.run("mount", "-o", "remount,size=64m", "none", disk.home.root)
        scene.wait_night()
        assert scene.degraded() == {}


@pytest.mark.parametrize("leave", range(0, 400_000, 20_480) if LONG else [0, 40_960, 307_200])
def test_a_night_that_is_asked_for_on_a_full_disk_is_one_sentence_and_the_memory_is_whole(
    disk: Disk, leave: int
) -> None:
    """It ends in opening the store, in writing that it begins, in the backup: whatever the room that is left is for."""
    before = disk.remember()
    disk.fill(leave)
    disk.refuses("consolidate", *ONLY, said=["room"])
    if leave < 50_000:
        disk.refuses("memory", "add", "x" * 65_000, said=["room"])
    disk.make_room()
    assert disk.exported() == before
    assert disk.consolidate(*ONLY)["expired_pruned"] == MEMORIES // 2


@pytest.mark.parametrize("left", range(4) if LONG else (0, 3))
def test_without_an_inode_a_command_says_so_or_does_its_work_and_the_memory_is_whole(
    disk: Disk, left: int
) -> None:
    """A store needs two for its log, a night one for its backup, and a file that is written whole one more."""
    before = disk.remember()
    used = os.statvfs(disk.seen.root)
    inodes = used.f_files - used.f_ffree + left
    disk.stage.run("mount", "-o", f"remount,nr_inodes={inodes}", "none", disk.home.root)
    ended = {
        words[0]: disk.call(*words)
        for words in (["consolidate", *ONLY], ["memory", "add", "x"], ["config", "set", "log.keep", "4"])
    }
    disk.stage.run("mount", "-o", "remount,nr_inodes=10000", "none", disk.home.root)
    assert ended["consolidate"].returncode in (1, 78)
    for done in ended.values():
        assert (done.returncode in (0, 1, 78), (done.stdout + done.stderr).count("\n")) == (True, 1), done
    kept = before.splitlines()
    there = disk.exported().splitlines()
    assert there[: len(kept)] == kept
    assert len(there) - len(kept) == (ended["memory"].returncode == 0)
    assert (disk.seen.config.exists() and "keep = 4" in disk.seen.config.read_text()) == (
        ended["config"].returncode == 0
    )
    assert disk.consolidate(*ONLY)["expired_pruned"] == MEMORIES // 2


def test_a_restore_on_a_full_disk_changes_nothing(disk: Disk) -> None:
    disk.remember()
    assert disk.call("store", "backup").returncode == 0
    before = disk.remember(5)
    disk.fill()
    (made,) = backups(disk.seen.backups)
    disk.refuses("store", "restore", made.path.name, said=["full", "room"])
    disk.make_room()
    assert disk.exported() == before
    assert disk.call("store", "restore", made.path.name).returncode == 0
    assert disk.exported() != before


@pytest.mark.parametrize(
    ("options", "said"),
    [("size=64k", "full"), ("nr_inodes=1", "No space left"), ("ro", "Read-only")],
    ids=["too small", "without an inode", "read-only"],
)
def test_a_night_whose_backup_cannot_be_made_changes_nothing(disk: Disk, options: str, said: str) -> None:
    before = disk.remember()
    disk.mount(f"{options},mode=700", disk.home.backups)
    done = disk.call("consolidate", *ONLY)
    assert done.returncode in (1, 78)
    sentence = done.stderr or disk.call("nights", "show", "1").stdout
    assert said in sentence
    assert str(disk.home.backups) in sentence
    assert disk.exported() == before
    assert not list(disk.seen.backups.iterdir())
    disk.stage.run("umount", disk.home.backups)
    assert disk.consolidate(*ONLY)["expired_pruned"] == MEMORIES // 2


def test_empty_pages_stay_where_the_disk_has_no_room_to_write_the_others_anew(disk: Disk) -> None:
    disk.stage.run("mount", "-o", "remount,size=60m", "none", disk.home.root)
    disk.remember()
    disk.sql("CREATE TABLE filler AS SELECT randomblob(9000000) AS data")
    disk.sql("CREATE TABLE others AS SELECT randomblob(8000000) AS data")
    disk.sql("DROP TABLE filler")
    assert disk.call("store", "backup").returncode == 0
    disk.stage.run("mount", "-o", "remount,size=41m", "none", disk.home.root)
    (told,) = disk.consolidate("--pass", "maintain")["passes"]
    assert "9 MB are empty and stay so: the disk has no room to write the rest anew" in told["said"]
