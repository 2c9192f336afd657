"""A memory that is purged is in no file of the home any more, and everything else goes on as if it had never been told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.config import Settings
from iai_daemon.consolidation import lock, passes
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.consolidation.journal import undo_night
from iai_daemon.errors import NoSuchRecord
from iai_daemon.memory.nights import Why
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.purge import PURGED
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.cli.inside import call, call_json, refused, said
from tests.consolidation.evening import NOW, NOWHERE, export, night, remember
from tests.consolidation.lives import Day, as_often_as_time_allows, evenings, world
from tests.consolidation.passes_for_tests import summing_up
from tests.consolidation.topics import BACKUPS, remember_all
from tests.fakes import NOON

LATER = NOW + 10**9
EVERY = passes.chosen(Settings(), NOWHERE, alone=True)
# What nobody else says; the parts are long enough to be looked for byte by byte.
NAMES = ("quixotrel", "zanzibrook", "ommatidrop", "verlangfix", "tessakordt", "wumborline", "yarrowpent")
CONTENT = (
    f"The {NAMES[0]} ledger database backup in cold-storage is now kept by {NAMES[1]} instead of Ingrid."
)


def _told(stores: Stores) -> int:
    """One memory with all that a memory may have, told between others that it replaces, says otherwise than and belongs to."""
    remember_all(stores, BACKUPS)
    remember(stores, "The port is 1.", NOON - 5000, subject=NAMES[2], attribute=NAMES[3])
    told = remember(
        stores,
        CONTENT,
        NOON - 4000,
        subject=NAMES[2],
        attribute=NAMES[3],
        tags=(NAMES[4],),
        source=NAMES[5],
        external_id=NAMES[6],
    )
    remember(stores, f"{CONTENT[:-1]}", NOON - 3000)
    for number in range(40):
        remember(stores, f"note {number} about nothing in particular", NOON - 2000 + number)
    return told.id


def _files_with(home: Home, words: tuple[str, ...], *, below: Path | None = None) -> dict[str, list[str]]:
    """The files of the home that hold any of these words, in any writing."""
    found = {}
    for path in sorted((below or home.root).rglob("*")):
        if path.is_file():
            text = path.read_bytes().lower()
            if here := [word for word in words if word.encode() in text]:
                found[path.name] = here
    return found


def _set(stores: Stores, pragma: str) -> None:
    """For all parts of this store: they share one connection."""
    assert isinstance(stores.database, SqliteDatabase)
    stores.database.connection.execute(f"PRAGMA {pragma}")


def _is_sound(home: Home) -> bool:
    with closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    return True


@pytest.fixture
def lived(home: Home) -> Iterator[tuple[Stores, int]]:
    """A memory after two nights, one of which only proposed, and the record that is to go."""
    stores = open_stores(home)
    # Debian's SQLite overwrites what is deleted; that of most others leaves it where it was.
    _set(stores, "secure_delete = OFF")
    told = _told(stores)
    night(stores, chosen=EVERY)
    remember(stores, f"{CONTENT} Ask {NAMES[0]}.", NOON - 100)
    night(stores, chosen=EVERY, review=True)
    yield stores, told
    stores.close()


def _about_it(stores: Stores) -> list[int]:
    """The record, and what others said in the same words or of the same subject: those are memories of their own."""
    told = (each for each in stores.memory.export() if each.made_by is None)
    return [each.id for each in told if NAMES[0] in each.content or NAMES[2] == each.subject]


def test_no_file_of_the_home_holds_a_word_of_it_any_more(lived: tuple[Stores, int], home: Home) -> None:
    stores, told = lived
    assert _files_with(home, NAMES)["memory.db"] or _files_with(home, NAMES)["memory.db-wal"]
    marks = stores.purge.marks(_about_it(stores))
    purged = stores.purge.purge(marks, LATER)
    assert purged.emptied
    assert told in purged.records
    # While it is open, and when everybody has closed it.
    assert _files_with(home, NAMES) == {}
    stores.close()
    assert _files_with(home, NAMES) == {}
    assert _is_sound(home)


def test_a_gist_that_quotes_it_goes_too_and_the_next_night_makes_one_without_it(stores: Stores) -> None:
    told = remember_all(stores, BACKUPS)
    fifth = remember(
        stores, f"The backup of the ledger database in cold-storage belongs to {NAMES[0]}.", NOON - 90
    )
    night(stores, chosen=EVERY)
    (gist,) = stores.nights.made_by("summarize")
    purged = stores.purge.purge(stores.purge.marks([fifth.id]), LATER)
    assert (purged.records, purged.gists) == ((fifth.id,), (gist.id,))
    night(stores, chosen=EVERY)
    (anew,) = stores.nights.made_by("summarize")
    assert stores.nights.made_from([anew.id]) == {anew.id: tuple(each.id for each in told)}
    assert NAMES[0] not in anew.content


def test_a_gist_that_was_taken_back_quotes_it_no_longer_in_the_journal(stores: Stores, home: Home) -> None:
    remember_all(stores, BACKUPS)
    fifth = remember(
        stores, f"The backup of the ledger database in cold-storage belongs to {NAMES[0]}.", NOON - 90
    )
    night(stores, chosen=EVERY)
    undo_night(stores.nights, home, 1, LATER)
    assert PURGED not in _gists_in_the_journal(stores)
    stores.purge.purge(stores.purge.marks([fifth.id]), LATER)
    assert _gists_in_the_journal(stores) == [PURGED]
    assert not any(NAMES[0] in json.dumps(line) for line in stores.archive.lines())


def _gists_in_the_journal(stores: Stores) -> list[str]:
    return [
        line["after"]["content"]
        for line in stores.archive.lines()
        if line.get("pass") == "summarize" and "after" in line
    ]


def test_what_it_had_replaced_holds_again_and_the_nights_can_still_be_taken_back(
    stores: Stores, home: Home
) -> None:
    first = remember(stores, "Port 80.", NOON - 50, subject="api", attribute="port")
    second = remember(stores, "Port 81.", NOON - 40, subject="api", attribute="port")
    over = remember(stores, "The lease ends today.", NOON - 30, expires_at=NOON - 10)
    night(stores)
    purged = stores.purge.purge(stores.purge.marks([second.id]), LATER)
    assert purged.holding_again == (first.id,)
    assert stores.memory.get(first.id).current
    assert [hit.record.id for hit in stores.memory.search(Query("port"), NOW)] == [first.id]
    assert not stores.memory.get(over.id).current
    undone = undo_night(stores.nights, home, 1, LATER)
    assert (undone.restored, list(undone.changed_since)) == (1, [])
    assert stores.memory.get(over.id).current
    assert stores.memory.get(first.id).current


def test_a_night_that_ended_the_purged_one_is_taken_back_for_all_others(stores: Stores, home: Home) -> None:
    older = remember(stores, "Port 80.", NOON - 50, subject="api", attribute="port")
    remember(stores, "Port 81.", NOON - 40, subject="api", attribute="port")
    over = remember(stores, "The lease ends today.", NOON - 30, expires_at=NOON - 10)
    night(stores)
    assert stores.purge.purge(stores.purge.marks([older.id]), LATER).holding_again == ()
    undone = undo_night(stores.nights, home, 1, LATER)
    assert (undone.restored, list(undone.changed_since), list(undone.gone)) == (1, [], [older.id])
    assert stores.memory.get(over.id).current


def test_plans_that_rest_on_it_wait_no_longer(stores: Stores) -> None:
    first = remember(stores, "Port 80.", NOON - 50, subject="api", attribute="port")
    second = remember(stores, "Port 81.", NOON - 40, subject="api", attribute="port")
    over = remember(stores, "The lease ends today.", NOON - 30, expires_at=NOON - 10)
    night(stores, review=True, chosen=[summing_up(), *EVERY])
    assert stores.nights.waiting() == {Why.REVIEW: 3}
    stores.purge.purge(stores.purge.marks([second.id]), LATER)
    assert [
        row.planned.record for row in stores.nights.held(why=Why.REVIEW) if hasattr(row.planned, "record")
    ] == [over.id]
    assert stores.memory.get(first.id).current


def test_its_number_is_not_given_again_and_the_sequence_of_writes_does_not_go_back(stores: Stores) -> None:
    remember(stores, "one")
    last = remember(stores, "two")
    night(stores)
    before = stores.nights.newest_change()
    stores.purge.purge(stores.purge.marks([last.id]), LATER)
    assert stores.nights.newest_change() >= before
    third = remember(stores, "three")
    assert third.id == last.id + 1
    report = night(stores)
    assert report.counters.nodes_embedded == 1, "no cursor is past what was told after it"
    with pytest.raises(NoSuchRecord):
        stores.memory.get(last.id)


def test_a_full_export_after_it_is_restored_as_it_is(lived: tuple[Stores, int], tmp_path: Path) -> None:
    stores, _ = lived
    stores.purge.purge(stores.purge.marks(_about_it(stores)), LATER)
    lines = [json.dumps(line) for line in stores.archive.lines()]
    assert any(PURGED in line for line in lines)
    other = Home(tmp_path / "other")
    other.create()
    with closing(open_stores(other)) as again:
        again.archive.restore(json.loads(line) for line in lines)
        assert [json.dumps(line) for line in again.archive.lines()] == lines


@as_often_as_time_allows
@given(evenings, some.data())
def test_whatever_happened_before_all_others_are_as_they_were_and_every_night_can_be_taken_back(
    days: list[Day], data: some.DataObject
) -> None:
    with world() as it:
        nights = it.live(days)
        going = data.draw(some.lists(some.sampled_from(sorted(it.lines)), unique=True, min_size=1))
        before = {line["id"]: line for line in map(json.loads, export(it.stores).splitlines())}
        purged = it.stores.purge.purge(it.stores.purge.marks(going), LATER)
        after = {line["id"]: line for line in map(json.loads, export(it.stores).splitlines())}
        assert before.keys() - after.keys() == {*purged.records, *purged.gists}
        same = after.keys() - set(purged.holding_again)
        # Which others were joined into one is told by their names, and some of those are gone.
        assert all({**after[each], "merged_ids": 0} == {**before[each], "merged_ids": 0} for each in same)
        assert all(after[each]["superseded_by"] is None for each in purged.holding_again)
        assert _is_sound(it.home)
        for number in data.draw(some.permutations(nights)):
            it.undo(number, force=True)
        told = "\n".join(it.lines[each] for each in sorted(it.lines) if each not in going)
        assert export(it.stores) == told


# --- the command


def test_the_command_names_the_backups_that_hold_it_and_rewrites_them_on_request(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        _told(stores)
        night(stores, chosen=EVERY)
        first = back_up_now(stores.nights, home, NOON)
        copies = [str(each) for each in _about_it(stores)]
    done = call_json(home, "memory", "purge", *copies, "--yes")
    assert done["purged"] == sorted(map(int, copies))
    assert (done["backups"], done["emptied"]) == (
        {"holding": [first.name], "unreadable": [], "rewritten": []},
        True,
    )
    assert set(_files_with(home, NAMES)) == {first.name}
    call_json(home, "store", "restore", first.name, "--yes")
    again = call_json(home, "memory", "purge", *copies, "--yes", "--backups")
    assert first.name in again["backups"]["rewritten"]
    assert _files_with(home, NAMES) == {}
    call_json(home, "store", "restore", first.name, "--yes")
    assert call_json(home, "memory", "show", "1")["content"] == BACKUPS[0]
    assert refused(home, "memory", "show", copies[0]).startswith(f"There is no memory {copies[0]}")


def test_a_backup_of_another_memory_is_left_alone(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.create()
    with closing(open_stores(other)) as stores:
        remember(stores, "another memory", NOON - 9000)
        theirs = back_up_now(stores.nights, other, NOON)
    call_json(home, "memory", "add", "ours")
    (home.backups / theirs.name).write_bytes(theirs.read_bytes())
    done = call_json(home, "memory", "purge", "1", "--yes", "--backups")
    assert done["backups"] == {"holding": [], "unreadable": [], "rewritten": []}
    assert (home.backups / theirs.name).read_bytes() == theirs.read_bytes()


def test_a_program_has_to_say_yes_and_nothing_happens_without(home: Home) -> None:
    call_json(home, "memory", "add", "a note")
    assert refused(home, "memory", "purge", "1", status=2) == (
        "What is purged never comes back, so that a program has to say --yes."
    )
    assert call_json(home, "memory", "show", "1")["content"] == "a note"
    assert refused(home, "memory", "purge", "1", "7", "--yes").startswith("There is no memory 7")
    assert call_json(home, "memory", "show", "1")["content"] == "a note"


def test_it_waits_for_no_night_and_is_refused_while_one_runs(home: Home) -> None:
    call_json(home, "memory", "add", "a note")
    with lock.held(home.consolidation_lock, "a night"):
        assert refused(home, "memory", "purge", "1", "--yes").startswith("Another process is consolidating")
        assert refused(home, "memory", "redact", "1").startswith("Another process is consolidating")
    assert said(home, "memory", "purge", "1", "--yes").splitlines() == [
        "erased: 1",
        "Exports, and copies that you made elsewhere, are out of reach.",
    ]


def test_while_somebody_reads_in_the_log_it_says_so_and_a_second_call_empties_the_file(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        told = remember(stores, CONTENT)
        with closing(sqlite3.connect(home.memory, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM records").fetchone()
            _set(stores, "busy_timeout = 0")
            purged = stores.purge.purge(stores.purge.marks([told.id]), LATER)
            assert (purged.records, purged.emptied) == ((told.id,), False)
            reader.execute("ROLLBACK")
        assert _files_with(home, NAMES) != {}
        assert stores.purge.purge({}, LATER).emptied
        assert _files_with(home, NAMES) == {}


# --- secrets that are there already


def test_what_was_told_with_its_secret_is_listed_and_mended(home: Home) -> None:
    call_json(home, "config", "set", "memory.redact_secrets", "false")
    assert call_json(home, "memory", "add", f"The staging password is {NAMES[0]}7.")["redacted"] == []
    call_json(
        home, "memory", "add", f"Port 80, password: {NAMES[0]}7", "--subject", "api", "--attribute", "port"
    )
    call_json(
        home, "memory", "add", f"Port 81, password: {NAMES[0]}7", "--subject", "api", "--attribute", "port"
    )
    call_json(home, "consolidate")
    call_json(home, "config", "set", "memory.redact_secrets", "true")
    listed = call_json(home, "memory", "secrets")["records"]
    assert listed == [{"id": number, "kinds": ["password"]} for number in (1, 2, 3)]
    assert NAMES[0] not in said(home, "memory", "secrets")
    for number in ("1", "2", "3"):
        done = call_json(home, "memory", "redact", number)
        assert (done["redacted"], done["emptied"]) == (["password"], True)
    assert call_json(home, "memory", "show", "1")["content"] == "The staging password is [secret: password]."
    assert call_json(home, "memory", "secrets")["records"] == []
    held = set(_files_with(home, (NAMES[0],)))
    assert held == set(done["backups"]["holding"])
    assert call_json(home, "nights", "undo", "1")["restored"] == 1
    assert call_json(home, "memory", "search", "staging password")["results"][0]["id"] == 1
    assert call(home, "memory", "redact", "9").returncode == 1
