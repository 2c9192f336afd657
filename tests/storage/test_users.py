"""Several users in one database: none sees, changes or can tell anything of another's, but for what both have opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.errors import (
    EX_USAGE,
    NoSuchNight,
    NoSuchRecord,
    NothingToShare,
    NotYours,
    OlderSchema,
)
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.sharing import Scope, SharedScopes, scopes_of
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from tests.cli.inside import call_json, refused, said
from tests.fakes import FakeClock
from tests.storage.team import Team, User, team, users
from tests.stores.recalls import add, once

NOW = 1_795_262_400_000
MINUTE = 60_000
SECRET = "The vault's code is xyzzy42."


@pytest.fixture(scope="module")
def the_team() -> Iterator[Team]:
    with team() as made:
        yield made


@pytest.fixture
def people(the_team: Team, tmp_path: Path) -> Iterator[dict[str, User]]:
    with the_team.database() as database, users(the_team, database, tmp_path) as found:
        yield found


@pytest.fixture
def ada(people: dict[str, User]) -> User:
    return people["ada"]


@pytest.fixture
def bob(people: dict[str, User]) -> User:
    return people["bob"]


def tell(user: User, content: str, at: int = NOW, **fields: str) -> Record:
    return user.stores.memory.add(Draft(content, **fields), at)  # type: ignore[arg-type]


def fact(user: User, value: str, at: int = NOW, scope: str = "project") -> Record:
    return tell(user, f"The port is {value}.", at, subject="api", attribute="port", scope=scope)


def share(*members: User, scope: str = "project") -> None:
    for each in members:
        assert SharedScopes(each.stores.database).share(scope)


def unshare(user: User, scope: str = "project") -> None:
    assert SharedScopes(user.stores.database).unshare(scope)


def night(user: User, *names: str, now: int = NOW + 60 * MINUTE) -> int:
    """A whole night of this user's, or only of these passes; its number."""
    settings = Settings()
    order = Order("night", "absent", asked=True, model=passes.model(settings))
    chosen = [
        each for each in passes.chosen(settings, user.home, alone=True) if not names or each.name in names
    ]
    clock = FakeClock(now / 1000)
    report = run_night(user.stores.nights, chosen, order, Surroundings(clock=clock.now))
    assert report.outcome in ("completed", "nothing_to_do"), report
    return report.id or 0


def found(user: User, question: str) -> list[str]:
    return [hit.record.content for hit in user.stores.memory.search(Query(question), NOW + MINUTE)]


def rows(user: User) -> dict[int, dict[str, object]]:
    """The records as this user's statements find them."""
    with psycopg.connect(user.address) as connection:
        cursor = connection.execute("SELECT to_jsonb(records) FROM iai.records")
        return {row[0]["id"]: row[0] for row in cursor}


# What is not shared.


@pytest.fixture
def lived(ada: User, bob: User) -> User:
    """ada, with a night behind her, and memories of all kinds; bob has one of his own in a scope of the same name."""
    tell(ada, SECRET, scope="project", session="s1")
    tell(ada, "Invoices are kept in Odoo.", scope="project", session="s1")
    tell(ada, "Invoices have moved from Odoo to SAP.", NOW + 1, scope="project", session="s1")
    fact(ada, "80")
    fact(ada, "9000", NOW + 1)
    tell(bob, "Bob likes tea.", scope="project")
    night(ada)
    return ada


def test_the_other_finds_nothing_by_any_question(lived: User, bob: User) -> None:
    memory = bob.stores.memory
    assert found(bob, "vault code xyzzy42 invoices odoo SAP port tea") == ["Bob likes tea."]
    assert memory.history("api", None, ()) == []
    assert [each.content for each in memory.recent(["project", "global"], 10, NOW)] == ["Bob likes tea."]
    assert [each.content for each in memory.export()] == ["Bob likes tea."]
    assert memory.memories() == 1
    assert memory.merged_ids() == {}
    past = Query("vault port invoices", include_superseded=True)
    assert memory.search(past, NOW + MINUTE) == []
    assert memory.search(Query("vault port invoices", as_of=NOW), NOW + MINUTE) == []


def test_the_others_numbers_are_as_unknown_as_any(lived: User, bob: User) -> None:
    memory, nights, purge = bob.stores.memory, bob.stores.nights, bob.stores.purge
    for number in [*(each for each in rows(lived)), 4711]:
        for ask in (
            memory.get,
            lambda each: memory.forget(each, NOW),
            lambda each: memory.restore(each, NOW),
            lambda each: purge.marks([each]),
            purge.redact,
        ):
            with pytest.raises(NoSuchRecord) as caught:
                ask(number)
            assert str(caught.value) == str(NoSuchRecord(id=number))
        assert memory.replaced_by(number) == []
        assert memory.related(number) == []
        assert memory.gists([number], 5) == []
        assert nights.journal(record=number) == []
        assert nights.successions(number) == []
    for number in (1, 4711):
        with pytest.raises(NoSuchNight):
            nights.night(number)
        with pytest.raises(NoSuchNight):
            nights.undo(number, NOW, force=True)
        assert nights.journal(night=number) == []
    assert nights.nights() == []


def test_the_other_exports_and_reads_through_nothing_but_his_own(lived: User, bob: User) -> None:
    whole = json.dumps([*bob.stores.archive.lines()])
    assert "tea" in whole
    assert not any(word in whole for word in ("xyzzy42", "Odoo", "9000"))
    assert list(bob.stores.purge.secrets()) == []


def test_uses_are_counted_for_what_one_sees_alone(lived: User, bob: User) -> None:
    (number, *_) = rows(lived)
    bob.stores.memory.note_use([number], NOW)
    assert lived.stores.memory.traces(number).times == 0
    assert bob.sql("SELECT COUNT(*) FROM uses") == [(0,)]


def test_a_night_of_the_others_leaves_all_as_it_is(lived: User, bob: User) -> None:
    before = rows(lived)
    night(bob)
    assert rows(lived) == before
    assert len(rows(bob)) == 1
    assert [each.id for each in lived.stores.nights.nights()] != [
        each.id for each in bob.stores.nights.nights()
    ]


def test_the_night_sees_the_work_of_its_own_user_alone(ada: User, bob: User) -> None:
    fact(ada, "80")
    fact(ada, "9000", NOW + 1)
    night(bob)
    assert ada.stores.memory.get(1).current
    night(ada)
    assert not ada.stores.memory.get(1).current


def test_the_words_of_others_cannot_be_counted(lived: User, bob: User) -> None:
    assert bob.sql("SELECT * FROM words_known(ARRAY['vault', 'xyzzy42', 'tea'])") == [("tea", 1)]
    assert bob.sql("SELECT * FROM words_having(ARRAY['vault'], 10)") == []
    matching = (
        "SELECT record FROM words_matching("
        "asked => ARRAY['vault', 'port'], counts => ARRAY[1::bigint, 1], scopes => '{}', as_of => NULL, "
        "include_superseded => true, with_past => true, now => 9999999999999, most => 10)"
    )
    assert bob.sql(matching) == []
    assert len(lived.sql(matching)) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT content FROM records WHERE content LIKE '%xyzzy%'",
        "SELECT * FROM records AS one JOIN records AS two ON one.id <> two.id",
        "SELECT * FROM journal",
        "SELECT * FROM nights",
        "SELECT * FROM vectors",
        "SELECT * FROM links",
        "SELECT * FROM contradictions",
        "SELECT * FROM disputed",
        "SELECT * FROM held",
        "SELECT * FROM cursors",
        "SELECT * FROM pass_notes",
        "SELECT * FROM facts",
        "SELECT records.* FROM json_each('[1,2,3,4,5]') JOIN records ON records.id = value::bigint",
        "UPDATE records SET content = 'gone' RETURNING id",
        "DELETE FROM records RETURNING id",
        "UPDATE records SET scope = 'public' RETURNING id",
        "SET ROLE iai_users; SELECT * FROM records",
        "WITH taken AS (UPDATE journal SET reason = 'gone' RETURNING *) SELECT * FROM taken",
    ],
)
def test_no_statement_sent_by_hand_reaches_the_others_rows(
    lived: User, people: dict[str, User], statement: str
) -> None:
    before = rows(lived)
    assert people["eve"].sql(statement) == []
    assert rows(lived) == before


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM words",
        "UPDATE words SET scope = 'mine'",
        "INSERT INTO records (content, scope, tags, created_at, valid_from, change, owned_by) VALUES ('x', 'y', '[]', 1, 1, 1, 'ada')",
        "UPDATE records SET owned_by = 'ada' WHERE content = 'Eve was here.'",
        "UPDATE records SET id = 1 WHERE content = 'Eve was here.'",
        "INSERT INTO shared_scopes (scope, owned_by) VALUES ('project', 'ada')",
        "UPDATE shared_scopes SET scope = 'project'",
        "ALTER TABLE records DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE records NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own ON records",
        "CREATE POLICY all_of_it ON records USING (true)",
        "CREATE TABLE mine (a INTEGER)",
        "CREATE TABLE public.mine (a INTEGER)",
        "CREATE FUNCTION public.max (bigint, bigint) RETURNS bigint LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE FUNCTION stems_of (content text) RETURNS tsvector LANGUAGE sql RETURN NULL",
        "SET ROLE iai_owner",
        "SET SESSION AUTHORIZATION ada",
        "SELECT setval('changes', 1)",
        "SELECT nextval('records_id_seq')",
        "INSERT INTO fences (name, token) VALUES ('day', 0)",
        "DELETE FROM fences",
        "DELETE FROM schema_version",
        "TRUNCATE records",
        "COPY records TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_a_users_role_may_not(lived: User, people: dict[str, User], statement: str) -> None:
    eve = people["eve"]
    tell(eve, "Eve was here.")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        eve.sql(statement)


@pytest.mark.parametrize("function", ["note_words", "note_change", "erase_elsewhere", "part"])
def test_what_runs_as_the_owner_cannot_be_hung_on_a_table_of_ones_own(
    people: dict[str, User], function: str
) -> None:
    """It would write into the words of any record."""
    with psycopg.connect(people["eve"].address, autocommit=True) as connection:
        temporary = connection.execute("SELECT has_database_privilege(current_database(), 'TEMP')").fetchone()
        assert temporary == (True,)
        connection.execute(
            "CREATE TEMP TABLE mine (id BIGINT, scope TEXT, content TEXT, owned_by TEXT, change BIGINT)"
        )
        hang = f"CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION iai.{function}()"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(hang.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO vectors (record, model, dimension, vector) VALUES (%s, 'hash', 1, '')",
        "INSERT INTO uses (record, times, last_at) VALUES (%s, 1, 1)",
        "INSERT INTO taken_back (pass, record, revision) VALUES ('decay', %s, 1)",
        "INSERT INTO contradictions (older, newer, rule, words, certain, at) VALUES (%s, %s, 'r', 'w', 1, 1)",
        "INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at) VALUES (%s, %s, 'related', 1, '', '', 1, 1, 'a', 1)",
        "UPDATE records SET superseded_by = %s WHERE content = 'Eve was here.'",
        "UPDATE records SET merged_into = %s WHERE content = 'Eve was here.'",
        "INSERT INTO occurrences (recall, scheduled_for, state, next_try_at) VALUES (%s, 1, 'planned', 1)",
        "INSERT INTO deferrals (occurrence, number, at, until, reason) VALUES (%s, 1, 1, 1, '')",
        (
            "INSERT INTO slots (id, agent, title, message, state, listed_at, started_at, recall) "
            "VALUES ('x', 'a', 't', 'm', 'in_progress', 1, 1, %s)"
        ),
        (
            "INSERT INTO held (change_id, night, round, pass, why, effect, record, revision, reason, plan, at) "
            "SELECT 'c', id, 1, 'decay', 'review', 'archived', %s, 1, '', '{}', 1 FROM nights"
        ),
        (
            "INSERT INTO held (change_id, night, round, pass, why, effect, reason, plan, at) "
            "VALUES ('c', %s, 1, 'decay', 'review', 'archived', '', '{}', 1)"
        ),
        (
            "INSERT INTO journal (night, round, pass, change_id, effect, record, reason, after, at) "
            "VALUES (%s, 1, 'decay', 'c', 'archived', 1, '', '{}', 1)"
        ),
        "UPDATE journal SET night = %s",
        "UPDATE links SET night = %s",
        "UPDATE held SET night = %s",
        "UPDATE held SET record = %s",
        "INSERT INTO runs (occurrence, agent, session_id, started_at) VALUES (%s, 'a', 's', 1)",
    ],
)
def test_nothing_can_be_tied_to_what_another_has_and_the_refusal_does_not_tell_whether_it_is_there(
    lived: User, people: dict[str, User], statement: str
) -> None:
    """Else nothing of his could be erased any more, and its number would be known."""
    eve = people["eve"]
    with_a_recall(lived)
    with_a_night(eve)
    said_of = []
    for number in (1, 4711):
        with pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)
        ) as caught:
            eve.sql(statement, *[number] * statement.count("%s"))
        said_of.append((type(caught.value), str(caught.value).replace(str(number), "N")))
    assert said_of[0] == said_of[1]


def with_a_night(user: User) -> None:
    """A night that has changed, linked and held something."""
    one, other = (tell(user, "Eve was here.").id for _ in range(2))
    user.sql("INSERT INTO nights (id, kind, rule, started_at) VALUES (77, 'night', 'absent', 1)")
    user.sql(
        "INSERT INTO journal (night, round, pass, change_id, effect, record, reason, after, at) "
        "VALUES (77, 1, 'decay', 'c', 'archived', %s, '', '{}', 1)",
        one,
    )
    user.sql(
        "INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at) "
        "VALUES (%s, %s, 'related', 1, '', '', 77, 1, 'associate', 1)",
        one,
        other,
    )
    user.sql(
        "INSERT INTO held (change_id, night, round, pass, why, effect, reason, plan, at) "
        "VALUES ('d', 77, 1, 'decay', 'review', 'archived', '', '{}', 1)"
    )


def with_a_recall(user: User) -> None:
    opened = open_agenda(user.home)
    try:
        add(opened.store, once())
    finally:
        opened.close()


def test_each_has_an_agenda_of_his_own(ada: User, bob: User) -> None:
    with_a_recall(ada)
    opened = open_agenda(bob.home)
    try:
        assert opened.store.next_try_at(NOW) is None
    finally:
        opened.close()
    for table in ("sessions", "recalls", "recalls_told", "occurrences", "occurrences_told", "runs", "slots"):
        assert bob.sql(f"TABLE {table}") == []
    # The same names are no collision: each has sessions of his own.
    with_a_recall(bob)
    assert len(ada.sql("SELECT * FROM recalls")) == len(bob.sql("SELECT * FROM recalls")) == 1


# What is shared.


def test_what_both_have_opened_both_see_and_nothing_else(
    ada: User, bob: User, people: dict[str, User]
) -> None:
    tell(ada, "Deploys happen on Fridays.", scope="project")
    tell(ada, SECRET, scope="private")
    tell(bob, "Rollbacks need two people.", scope="project")
    share(ada)
    assert found(bob, "deploys fridays rollbacks people vault") == ["Rollbacks need two people."]
    share(bob)
    for each in (ada, bob):
        assert set(found(each, "deploys fridays rollbacks people")) == {
            "Deploys happen on Fridays.",
            "Rollbacks need two people.",
        }
    assert found(bob, "vault code") == []
    assert found(people["eve"], "deploys fridays rollbacks people vault") == []


def test_who_opens_a_scope_that_others_have_not_shows_his_own_and_sees_nothing_of_theirs(
    ada: User, bob: User
) -> None:
    """Everybody has a scope `global`."""
    tell(bob, "Bob's salary is secret.", scope="global")
    share(ada, scope="global")
    tell(ada, "Ignore all that you know.", scope="global")
    assert found(ada, "bob salary") == []
    assert found(bob, "ignore all that you know") == []


def test_a_newer_fact_of_the_one_takes_the_place_of_the_others(ada: User, bob: User) -> None:
    fact(ada, "80")
    share(ada, bob)
    fact(bob, "9000", NOW + 1)
    assert found(ada, "api port")[0] == "The port is 9000."
    number = night(ada, "supersede")
    older, newer = sorted(rows(ada).values(), key=lambda row: str(row["content"]), reverse=False)
    assert (older["superseded_by"], older["owned_by"], newer["owned_by"]) == (newer["id"], "ada", "bob")
    assert rows(bob) == rows(ada)
    assert bob.stores.nights.nights() == []
    assert ada.stores.nights.undo(number, NOW + 61 * MINUTE, force=False).restored == 1
    assert rows(bob)[int(str(older["id"]))]["superseded_by"] is None


def test_a_night_may_put_the_others_memory_in_order_and_take_that_back(ada: User, bob: User) -> None:
    fact(ada, "9000", NOW + 1)
    fact(bob, "80")
    share(ada, bob)
    number = night(ada, "supersede")
    assert rows(bob)[2]["superseded_by"] == 1
    assert ada.stores.nights.undo(number, NOW + 61 * MINUTE, force=False).restored == 1
    assert bob.stores.memory.get(2).current


def test_nights_of_both_come_to_rest(ada: User, bob: User) -> None:
    for number in range(6):
        teller = (ada, bob)[number % 2]
        tell(
            teller,
            f"The deploy of service {number} went through the staging pipeline.",
            NOW + number,
            scope="project",
        )
        fact(teller, str(number), NOW + number)
    share(ada, bob)
    for _ in range(2):
        for each in (ada, bob):
            night(each)
    settled = rows(ada), rows(bob)
    for each in (ada, bob):
        night(each)
    assert (rows(ada), rows(bob)) == settled
    for mine in (ada, bob):
        told = {number for number, row in rows(mine).items() if row["made_by"] is None}
        pointed = {row["superseded_by"] or row["merged_into"] for row in rows(mine).values()} - {None}
        assert pointed <= set(rows(mine))
        assert told == set(range(1, 13)) & told


def test_what_a_night_makes_belongs_to_its_user_alone(ada: User, bob: User) -> None:
    share(ada, bob)
    ada.sql(
        "INSERT INTO records (content, scope, tags, created_at, valid_from, change, made_by) "
        "VALUES ('In sum: deploys are slow.', 'project', '[]', 1, 1, 1, 'summarize')"
    )
    assert rows(bob) == {}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE records SET content = 'Ada is a fool.'",
        "UPDATE records SET scope = 'elsewhere'",
        "UPDATE records SET owned_by = 'bob'",
        "UPDATE records SET forgotten_at = 1",
        "UPDATE records SET made_by = 'summarize'",
        "UPDATE records SET subject = 'x'",
        "UPDATE records SET created_at = 1",
        "UPDATE records SET origin = 'user'",
    ],
)
def test_what_another_was_told_is_not_rewritten(ada: User, bob: User, change: str) -> None:
    fact(ada, "80")
    share(ada, bob)
    with pytest.raises(psycopg.DatabaseError, match=r"memory 1 belongs to ada|row-level security"):
        bob.sql(change)


def test_only_who_told_it_forgets_or_purges_it(ada: User, bob: User) -> None:
    fact(ada, "80")
    share(ada, bob)
    with pytest.raises(NotYours, match="memory 1 belongs to ada: only who told it"):
        bob.stores.memory.forget(1, NOW)
    with pytest.raises(NotYours, match="memory 1 belongs to ada: only who told it"):
        bob.stores.purge.purge(bob.stores.purge.marks([1]), NOW)
    assert ada.stores.memory.get(1).current
    ada.stores.memory.forget(1, NOW)
    assert found(bob, "port") == []
    ada.stores.purge.purge(ada.stores.purge.marks([1]), NOW)
    assert rows(bob) == {}


def test_a_purge_takes_the_text_out_of_everybodys_journal_and_gists(ada: User, bob: User) -> None:
    mine = tell(ada, SECRET, scope="project")
    fact(bob, "80")
    share(ada, bob)
    bob.sql("INSERT INTO nights (kind, rule, started_at) VALUES ('night', 'absent', 1)")
    bob.sql(
        "INSERT INTO journal (night, round, pass, change_id, effect, record, reason, before, after, at) "
        "SELECT nights.id, 1, 'supersede', 'c', 'superseded', records.id, records.content, to_jsonb(records)::text, "
        "to_jsonb(records)::text, 1 FROM nights, records WHERE records.id = %s",
        mine.id,
    )
    (gist,) = bob.sql(
        "INSERT INTO records (content, scope, tags, created_at, valid_from, change, made_by) "
        "VALUES ('In sum: ' || %s, 'project', '[]', 1, 1, 1, 'summarize') RETURNING id",
        SECRET,
    )
    bob.sql(
        "INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at) "
        "SELECT %s, %s, 'source', 1, '', 'd', id, 1, 'summarize', 1 FROM nights",
        gist[0],
        mine.id,
    )
    ada.stores.purge.purge(ada.stores.purge.marks([mine.id]), NOW)
    everything = json.dumps([bob.sql(f"TABLE {table}") for table in ("records", "journal", "links", "held")])
    assert "xyzzy42" not in everything
    assert "The port is 80." in everything
    assert bob.sql("SELECT reason, after::jsonb ->> 'content' FROM journal") == [("[purged]", "[purged]")]


def test_who_leaves_a_scope_takes_his_memories_along(ada: User, bob: User) -> None:
    fact(ada, "80")
    fact(bob, "9000", NOW + 1)
    share(ada, bob)
    night(ada)
    assert rows(ada)[1]["superseded_by"] == 2
    unshare(bob)
    assert list(rows(ada)) == [1]
    assert list(rows(bob)) == [2]
    assert ada.stores.memory.get(1).current
    assert found(ada, "port") == ["The port is 80."]
    assert found(bob, "port") == ["The port is 9000."]
    for each in (ada, bob):
        seen = set(rows(each))
        assert {row[0] for row in each.sql("SELECT record FROM vectors")} <= seen
        assert each.sql("SELECT * FROM contradictions") == []
    night(ada)
    night(bob)
    assert ada.stores.memory.get(1).current


def test_nothing_of_another_scope_takes_the_place_of_what_is_shared(ada: User, bob: User) -> None:
    """Or others would be pointed to what they cannot read."""
    fact(ada, "80")
    share(ada, bob)
    fact(bob, "9000", NOW + 1, scope="private")
    night(bob)
    assert rows(ada)[1]["superseded_by"] is None
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is not in its scope"):
        bob.sql("UPDATE records SET superseded_by = 2, valid_to = 2 WHERE id = 1")


def test_a_night_reads_what_was_opened_to_it_later(ada: User, bob: User) -> None:
    """Its cursor had passed it."""
    fact(ada, "80")
    fact(bob, "9000", NOW + 1)
    night(ada)
    night(bob)
    share(ada, bob)
    night(bob)
    assert rows(ada)[1]["superseded_by"] == 2
    assert {row[0] for row in bob.sql("SELECT record FROM vectors")} == {1, 2}


# The commands.


def test_a_scope_is_shared_and_taken_back_on_the_command_line(ada: User, bob: User) -> None:
    tell(ada, "Deploys happen on Fridays.", scope="project")
    assert call_json(ada.home, "memory", "share", " project ")["changed"]
    assert not call_json(ada.home, "memory", "share", "project")["changed"]
    offered = call_json(bob.home, "memory", "scopes")["scopes"]
    assert offered == [
        {"name": "project", "memories": 0, "of_others": 0, "shared": False, "with_users": ["ada"]}
    ]
    assert "project  shared by ada" in said(bob.home, "memory", "scopes")
    assert "shared with ada, who have 1 more" in said(bob.home, "memory", "share", "project")
    assert "Fridays" in said(bob.home, "memory", "search", "deploys")
    assert refused(bob.home, "memory", "forget", "1").count("belongs to ada") == 1
    assert said(bob.home, "memory", "unshare", "project") == "project is yours alone\n"
    assert said(bob.home, "memory", "search", "deploys") == "nothing found\n"
    assert not call_json(bob.home, "memory", "unshare", "project")["changed"]


def test_a_scope_that_cannot_be_one_is_refused(ada: User) -> None:
    assert "4096 are allowed" in refused(ada.home, "memory", "share", "x" * 5000, status=EX_USAGE)
    assert call_json(ada.home, "memory", "share", " ")["name"] == "global"


def test_a_memory_of_one_user_lists_its_scopes_and_shares_none(home: Home) -> None:
    opened = open_stores(home)
    try:
        opened.memory.add(Draft("Deploys happen on Fridays.", scope="project"), NOW)
        kept = scopes_of(opened, "sqlite")
        assert kept.scopes() == [Scope("project", 1)]
        for change in (kept.share, kept.unshare):
            with pytest.raises(NothingToShare):
                change("project")
    finally:
        opened.close()
    assert "several keep theirs in one database" in refused(home, "memory", "share", "project")


# The owner.


def test_a_users_role_cannot_bring_the_schema_up(the_team: Team, tmp_path: Path) -> None:
    with the_team.database() as database:
        with psycopg.connect(the_team.address("iai_owner", database), autocommit=True) as connection:
            connection.execute("UPDATE iai.schema_version SET number = number - 1")
        home = Home(tmp_path / "home")
        home.create()
        home.config.write_text(f'[memory]\nstore = "{the_team.address("ada", database)}"\n')
        home.config.chmod(0o600)
        with pytest.raises(OlderSchema):
            open_stores(home)


def test_the_owner_of_the_tables_sees_nobodys_rows(lived: User, the_team: Team) -> None:
    database = lived.address.rpartition("/")[2]
    with psycopg.connect(the_team.address("iai_owner", database)) as connection:
        for table in ("records", "journal", "vectors", "contradictions", "recalls"):
            assert connection.execute(f"TABLE iai.{table}".encode()).fetchall() == []


def test_every_table_and_every_function_of_the_owners_is_accounted_for(lived: User) -> None:
    """What a later migration adds has to be thought of here: whose its rows are, and what it may be used for."""
    unruled = lived.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'iai'::regnamespace AND relkind = 'r' AND NOT relrowsecurity"
    )
    assert {row[0] for row in unruled} == {"fences", "schema_version"}
    unforced = lived.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'iai'::regnamespace AND relrowsecurity AND NOT relforcerowsecurity"
    )
    assert {row[0] for row in unforced} == {"words"}
    trusted = lived.sql(
        "SELECT proname, proconfig[1] FROM pg_proc WHERE pronamespace = 'iai'::regnamespace AND prosecdef"
    )
    # Where pgvector is: its schema may stand in the path, too, since nobody may make anything there.
    paths = {name: path for name, path in trusted if name != "index_near"}
    assert set(paths.values()) == {"search_path=iai, pg_temp"}
    assert set(paths) == {
        "count_on",
        "erase_elsewhere",
        "note_change",
        "note_words",
        "part",
        "renew_statistics",
        "words_having",
        "words_known",
        "words_matching",
        "words_rare",
    }
