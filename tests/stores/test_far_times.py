"""Times at the end of what a date can say, and beyond: people write them where they mean never, and other programs into the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.errors import BadRecord, StoreAway
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Record, describe
from iai_daemon.memory.spool import Spool, new_note
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home

NOW = 1_795_262_400_000
NEVER = "9999-12-31T23:59:59.000Z"
# The greatest number that both engines hold.
GREATEST = (1 << 63) - 1

Open = Callable[[], Stores]


def exported(stores: Stores) -> list[dict[str, object]]:
    """As `memory export` writes them."""
    return [json.loads(json.dumps(describe(each))) for each in stores.memory.export()]


def remember(stores: Stores, expires_at: str) -> Record:
    return stores.memory.add(from_object({"content": "the port is 1", "expires_at": expires_at}), NOW)


def put(stores: Stores, column: str, milliseconds: int) -> None:
    """Into the table itself, as nothing of ours would."""
    with stores.database.writing():
        stores.database.execute(f"UPDATE records SET {column} = ?", (milliseconds,))  # noqa: S608 -- ours


@pytest.mark.parametrize("said", ["9999-12-31", "9999-12-31T23:59:59Z", NEVER, "9999-06-01T00:00:00+14:00"])
def test_what_is_to_hold_for_ever_is_remembered_exported_and_imported_the_same(
    opened: Stores, said: str
) -> None:
    remember(opened, said)
    (line,) = exported(opened)
    again = from_object({**line, "external_id": "again"})
    opened.memory.import_many([again], NOW)
    first, second = exported(opened)
    assert first["expires_at"] == second["expires_at"]
    assert (first["current"], second["current"]) == (True, True)


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59-14:00", "10000-01-01", "9999-12-32"])
def test_what_no_date_can_say_is_refused(opened: Stores, said: str) -> None:
    with pytest.raises(BadRecord, match="expires_at must be a time"):
        remember(opened, said)


@pytest.mark.parametrize("milliseconds", [253_402_300_799_000, 253_402_300_800_000, GREATEST])
def test_whatever_number_stands_in_the_table_both_exports_write_a_time_that_import_takes(
    opened: Stores, milliseconds: int, tmp_path: Path
) -> None:
    remember(opened, "9999-01-01")
    put(opened, "expires_at", milliseconds)
    (line,) = exported(opened)
    assert line["expires_at"] == NEVER
    assert from_object(line).expires_at == 253_402_300_799.0
    lines = [json.loads(json.dumps(each)) for each in opened.archive.lines()]
    another = Home(tmp_path / "another")
    another.create()
    with closing(open_stores(another)) as stores:
        stores.archive.restore(lines)
        assert exported(stores) == [line]


@pytest.mark.parametrize("milliseconds", [-1, -GREATEST])
def test_what_was_before_all_times_that_import_takes_is_exported_as_the_first_of_them(
    opened: Stores, milliseconds: int
) -> None:
    remember(opened, NEVER)
    put(opened, "created_at", milliseconds)
    (line,) = exported(opened)
    assert line["created_at"] == "1970-01-01T00:00:00.000Z"
    assert from_object(line).created_at == 0.0


def test_a_note_that_waits_in_the_spool_may_hold_for_ever(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    spool = Spool(home)
    told = new_note(from_object({"content": "the port is 1", "expires_at": NEVER}), NOW)
    spool.keep(told, StoreAway(place="a server", cause="it is gone"))
    assert [each.note for each in spool.waiting()] == [told]
