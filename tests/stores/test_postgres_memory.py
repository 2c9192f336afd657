"""What a memory has in PostgreSQL alone: several processes that write, an index of words and one of vectors that the server keeps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import tuple_row

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import StoreAway, StoreBusy
from iai_daemon.memory.nights import Sharing
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.postgres.nights import PostgresNights
from iai_daemon.memory.postgres.opening import open_postgres
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.database import Database
from iai_daemon.storage.postgres.database import PostgresDatabase
from tests.consolidation.evening import EVERY, a_day, night
from tests.storage.team import Team, User, team, users
from tests.stores.test_likeness import NOW, PASS, add
from tests.stores.test_similar import MODEL, keep, similar

WRITERS, WRITES = 3, 60
# Seconds in which all of them are done, also on a machine that has much else to do.
AT_MOST = 120.0
WRITER = """
import pathlib
import sys
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
stores = open_stores(Home(pathlib.Path(sys.argv[1])))
for number in range(int(sys.argv[3])):
    stores.memory.add(Draft(f"note {number} of writer {sys.argv[2]}"), 1)
stores.close()
"""


@pytest.fixture
def address(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def home(address: str, tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)
    return home


@pytest.fixture
def opened(home: Home) -> Iterator[Stores]:
    stores = open_stores(home)
    yield stores
    stores.close()


@pytest.fixture(scope="module")
def a_team() -> Iterator[Team]:
    with team() as made:
        yield made


@pytest.fixture
def ada(a_team: Team, tmp_path: Path) -> Iterator[User]:
    """Somebody who is no superuser: row security holds for her."""
    with a_team.database() as database, users(a_team, database, tmp_path) as found:
        yield found["ada"]


def ask(address: str, question: str) -> list[tuple[object, ...]]:
    """The server itself, as its owner."""
    with psycopg.connect(address, row_factory=tuple_row) as connection:
        return connection.execute(question.encode()).fetchall()


def found(stores: Stores, words: str) -> list[str]:
    return [hit.record.content for hit in stores.memory.search(Query(words), NOW)]


# Several who write.


def test_a_cursor_misses_nothing_however_many_processes_write_at_once(opened: Stores, home: Home) -> None:
    argv = [sys.executable, "-c", WRITER, str(home.root)]
    writers = [subprocess.Popen([*argv, str(number), str(WRITES)]) for number in range(WRITERS)]
    seen: list[str] = []
    position, watch = 0, Stopwatch()
    while len(seen) < WRITERS * WRITES and watch.seconds() < AT_MOST:
        for record in opened.nights.changed_since(position, 7):
            seen.append(record.content)
            assert record.change > position
            position = record.change
        pause(0.001)
    assert [writer.wait(AT_MOST) for writer in writers] == [0] * WRITERS
    assert sorted(seen) == sorted(f"note {n} of writer {w}" for w in range(WRITERS) for n in range(WRITES))


def test_whoever_may_not_wait_gives_up_at_once(opened: Stores, home: Home) -> None:
    impatient = open_stores(home, lambda: False)
    with opened.database.writing():
        watch = Stopwatch()
        with pytest.raises(StoreBusy):
            impatient.nights.begin_night("night", "absent", NOW)
        assert watch.seconds() < 5
        with pytest.raises(StoreBusy):
            impatient.memory.note_use([1], NOW)
    assert impatient.nights.begin_night("night", "absent", NOW) == 1
    impatient.close()


def test_a_question_that_takes_longer_than_the_deadline_is_given_up(address: str) -> None:
    stores = open_postgres(address, None, 10.0, deadline=1.0)
    watch = Stopwatch()
    with pytest.raises(StoreAway), stores.database.translated():
        stores.database.execute("SELECT pg_sleep(60)")
    assert watch.seconds() < 20
    stores.close()


# The index of words.


def test_the_index_of_words_follows_whatever_becomes_of_the_memories(opened: Stores, address: str) -> None:
    one = add(opened, "the wombat digs, its key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH")
    other = add(opened, "the wombat sleeps")
    assert len(found(opened, "wombat")) == 2
    opened.purge.redact(one.id)
    assert not found(opened, "abcdefghijklmnopqrstuvwxyz0123456789abcdefgh")
    assert len(found(opened, "digs")) == 1
    opened.purge.purge(opened.purge.marks([other.id]), NOW)
    assert not found(opened, "sleeps")
    assert ask(address, "SELECT record FROM iai.words") == [(one.id,)]


def test_words_of_any_alphabet_are_found_however_they_are_written(opened: Stores) -> None:
    texts = (
        "Die Brücke über die Ötztaler Ache",
        "Привет, Мир",
        "Ελληνικά ΚΕΦΑΛΑΙΑ",
        "version 1e5 of v2.10",
        "日本語 テキスト",
    )
    for text in texts:
        add(opened, text)
    for words, text in (
        ("brucke", 0), ("BRÜCKE", 0), ("otztaler", 0), ("привет", 1), ("МИР", 1), ("κεφαλαια", 2), ("1e5", 3), ("v2", 3),
        ("日本語", 4),
    ):  # fmt: skip
        assert found(opened, words) == [texts[text]], words


def test_of_a_word_that_all_have_the_shortest_and_then_the_newest_come_first(opened: Stores) -> None:
    drafts = [Draft(f"tea {number}", created_at=NOW / 1000 + number) for number in range(1500)]
    opened.memory.import_many([Draft("tea and much else that was said that day"), *drafts], NOW)
    best = found(opened, "tea")
    assert best == [f"tea {number}" for number in range(1499, 1489, -1)]
    assert found(opened, "tea 7")[0] == "tea 7"


def test_what_was_told_last_is_in_the_index_itself_and_in_no_list_beside_it(
    opened: Stores, address: str
) -> None:
    opened.memory.import_many([Draft(f"note {number} about wombats") for number in range(50)], NOW)
    assert ask(address, "SELECT gin_clean_pending_list('iai.words_by_stem')") == [(0,)]


# The index of vectors.


def test_an_index_of_vectors_answers_as_looking_at_all_of_them_does(opened: Stores, address: str) -> None:
    assert isinstance(opened.nights, PostgresNights)
    if not opened.nights._has_near():
        pytest.skip("the server has no pgvector")
    records = [add(opened, f"note {number}") for number in range(40)]
    keep(opened, [(each, (number + 1, 40 - number, 3)) for number, each in enumerate(records)])
    before = similar(opened, records[20], 5)
    opened.nights._make_index(MODEL, 3, lambda: True)
    opened.nights._make_index(MODEL, 3, lambda: True)
    assert (
        len(
            ask(
                address,
                "SELECT 1 FROM pg_indexes WHERE tablename = 'near_vectors' AND indexdef LIKE '%hnsw%'",
            )
        )
        == 1
    )
    assert similar(opened, records[20], 5) == before
    # What came another way, as out of another store, is brought in when the store is looked after.
    ask(address, "DELETE FROM iai.near_vectors RETURNING record")
    assert similar(opened, records[20], 5) == before
    assert opened.nights.maintain(NOW, lambda: True) is not None
    assert ask(address, "SELECT COUNT(*) FROM iai.near_vectors") == [(40,)]
    assert similar(opened, records[20], 5) == before


# Nights.


def test_a_night_does_the_same_on_both_engines(opened: Stores, tmp_path: Path) -> None:
    own = Home(tmp_path / "sqlite")
    own.create()
    embedded = open_stores(own)
    told = []
    for stores in (opened, embedded):
        a_day(stores, 600)
        report = night(stores, chosen=EVERY)
        assert report.outcome == "completed"
        told.append(
            (
                [(row.effect, row.record, row.before, row.after) for row in stores.nights.journal(night=1)],
                stores.nights.counts("hash-256"),
                [(each["one"], each["other"]) for each in stores.nights.links_of_night(1)],
            )
        )
    embedded.close()
    assert told[0] == told[1]
    assert opened.nights.undo(1, NOW, force=False).restored == len(told[0][0])


def rows_read(database: Database) -> dict[str, int]:
    """Of the tables that grow; whatever this connection has not told the server yet."""
    rows = database.execute(
        """
        SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) AS read FROM pg_stat_xact_user_tables
        WHERE relname IN ('records', 'words')
        """
    )
    return {row["relname"]: row["read"] for row in rows}


def test_what_a_night_asks_about_a_few_of_a_users_memories_reads_no_whole_table(ada: User) -> None:
    """Row security lets an index be used only where a condition gives away nothing of what it sees."""
    told = 1000
    ada.stores.memory.import_many([Draft(f"note{number} about thing{number}") for number in range(told)], NOW)
    few = ada.stores.nights.changed_since(told // 2, 5)
    database, nights, ids = ada.stores.database, ada.stores.nights, [record.id for record in few]
    with database.translated(), database.reading():
        # So few rows are read as a whole even where an index could be used.
        database.execute("SET LOCAL enable_seqscan TO off")
        before = rows_read(database)
        assert nights.settled(ids, pass_name=PASS, taken_back=False) == frozenset()
        assert not nights.followed(ids)
        assert nights.without_vector(ids, MODEL) == frozenset(ids)
        assert not nights.contradicted_by(ids)
        assert nights.standing(ids, pass_name=PASS, taken_back=False).keys() == set(ids)
        assert nights.sharing_each([Sharing(record, 5) for record in few]).keys() == set(ids)
        after = rows_read(database)
    assert 0 < after["records"] - before["records"] < told / 4
    assert 0 < after["words"] - before["words"] < told / 4


def test_a_night_makes_no_copy_and_looks_after_the_tables(opened: Stores, tmp_path: Path) -> None:
    add(opened)
    assert opened.nights.back_up(tmp_path / "copy.db", lambda: True)
    assert not (tmp_path / "copy.db").exists()
    assert opened.nights.maintain(NOW, lambda: False) is None
    assert opened.nights.maintained_at() is None
    assert "statistics renewed" in (opened.nights.maintain(NOW, lambda: True) or ())
    assert opened.nights.maintained_at() == NOW


def test_of_what_was_erased_statistics_hold_nothing_and_no_dead_row_is_left(
    opened: Stores, address: str
) -> None:
    record = add(opened, "quokkas everywhere")
    assert isinstance(opened.database, PostgresDatabase)
    add(opened, "wombats, too")
    opened.nights.maintain(NOW, lambda: True)
    held = """
        SELECT 1 FROM pg_stats WHERE schemaname = 'iai'
        AND concat(most_common_vals, histogram_bounds, most_common_elems) LIKE '%quokka%'
    """
    assert ask(address, held)
    assert opened.purge.purge(opened.purge.marks([record.id]), NOW).emptied
    assert ask(address, held) == []
