"""An import that is repeated: what is known stays, what is told anew replaces what it was, and nothing else is touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iai_daemon.memory.importing import FORMATS
from iai_daemon.memory.importing.matching import Matching, Report
from iai_daemon.memory.importing.said import Source
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Imported
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.fakes import NOON
from tests.memory.import_sources import PLACE

NOW = int(NOON * 1000)
BULLETS = ["The API listens on port 8081.", "Never push to main.", "Ask Ingrid about deploys."]


@pytest.fixture
def opened(home: Home) -> Iterator[Stores]:
    with closing(open_stores(home)) as stores:
        yield stores


def bring(
    stores: Stores,
    text: str,
    form: str = "claude-md",
    name: str | None = "CLAUDE.md",
    changed_at: float = NOON - 9000,
    scope: str = "/shop",
) -> tuple[Report, Imported]:
    """One import of one file."""
    matching = Matching(form, stores.memory.export(), redacts=True, now=NOON)
    path = None if name is None else PLACE / name
    source = Source(name or "-", text.encode(), path, None if name is None else changed_at)
    told = matching.take(source, FORMATS[form].read(source), scope)
    return matching.report, stores.memory.import_many((each.draft for each in told), NOW)


def listed(bullets: list[str], heading: str = "Notes") -> str:
    return f"# {heading}\n" + "".join(f"- {each}\n" for each in bullets)


def current(stores: Stores) -> list[str]:
    return [each.content for each in stores.memory.export() if each.current]


def by_id(stores: Stores) -> dict[int, Record]:
    return {each.id: each for each in stores.memory.export()}


def agree(report: Report, imported: Imported) -> tuple[int, int, int]:
    """What is said beforehand is what the store does."""
    counts = (report.added, report.superseded, report.unchanged)
    assert counts == (imported.added, imported.superseded, imported.unchanged)
    return counts


@pytest.mark.parametrize("name", ["CLAUDE.md", None], ids=["file", "standard input"])
def test_a_second_import_adds_nothing(opened: Stores, name: str | None) -> None:
    assert agree(*bring(opened, listed(BULLETS), name=name)) == (3, 0, 0)
    before = by_id(opened)
    assert agree(*bring(opened, listed(BULLETS), name=name)) == (0, 0, 3)
    assert by_id(opened) == before


def test_what_is_said_otherwise_now_replaces_what_it_was_and_nothing_else(opened: Stores) -> None:
    bring(opened, listed(BULLETS))
    changed = ["Write tests.", "The API listens on port 9000.", *BULLETS[1:]]
    report, imported = bring(opened, listed(changed), changed_at=NOON - 10)
    assert agree(report, imported) == (2, 1, 2)
    older, newer = by_id(opened)[1], by_id(opened)[5]
    assert (older.superseded_by, newer.content, newer.external_id) == (5, changed[1], older.external_id)
    assert older.valid_to == newer.valid_from == NOW - 10_000
    assert agree(*bring(opened, listed(changed))) == (0, 0, 4)


def test_items_that_only_changed_their_order_or_their_heading_are_the_same(opened: Stores) -> None:
    bring(opened, listed(BULLETS))
    assert agree(*bring(opened, listed(BULLETS[::-1], "Rules"))) == (0, 0, 3)


def test_a_heading_that_has_another_name_now_leaves_nothing_behind(opened: Stores) -> None:
    bring(opened, listed(BULLETS, "Blog"))
    report, imported = bring(opened, listed(BULLETS, "The team blog"))
    assert (agree(report, imported), report.gone) == ((3, 3, 0), [])
    assert current(opened) == [f"The team blog: {each}" for each in BULLETS]


def test_what_is_gone_from_its_file_is_kept_and_named(opened: Stores) -> None:
    bring(opened, listed(BULLETS))
    report, imported = bring(opened, listed(BULLETS[:1]))
    assert (agree(report, imported), report.gone) == ((0, 0, 1), [2, 3])
    assert len(current(opened)) == 3
    assert bring(opened, listed(BULLETS[:1]), name="AGENTS.md")[0].gone == []


def test_nothing_counts_as_gone_from_a_file_that_could_not_be_read_to_its_end(opened: Stores) -> None:
    entity = '{"type": "entity", "name": "Ada", "entityType": "person", "observations": ["works in Ulm"]}'
    bring(opened, entity, "mcp-memory", "memory.jsonl")
    report, _ = bring(opened, "{\n", "mcp-memory", "memory.jsonl")
    assert (len(report.bad), report.gone) == (1, [])


def test_a_copy_that_still_says_the_older_thing_is_believed_and_imports_come_to_rest(opened: Stores) -> None:
    newer = ["The API listens on port 9000.", *BULLETS[1:]]
    for name in ("CLAUDE.md", "AGENTS.md"):
        bring(opened, listed(BULLETS), name=name)
    assert len(by_id(opened)) == 3
    bring(opened, listed(newer), name="CLAUDE.md")
    assert agree(*bring(opened, listed(BULLETS), name="AGENTS.md")) == (1, 0, 2)
    before = by_id(opened)
    for name, bullets in (("CLAUDE.md", newer), ("AGENTS.md", BULLETS)) * 2:
        assert agree(*bring(opened, listed(bullets), name=name)) == (0, 0, 3)
    assert by_id(opened) == before


BULLET = st.sampled_from(
    [f"The {what} listens on port {port}." for what in ("API", "mail server") for port in (80, 81, 82)]
    + ["Use tabs", "Use spaces", "Never push to main."]
)
FILE = st.lists(BULLET, max_size=6)
STATE = st.fixed_dictionaries({"CLAUDE.md": FILE, "AGENTS.md": FILE, "api/CLAUDE.md": FILE})
SCOPES = itertools.count()


# Each import looks through everything that the ones before it have left.
@settings(max_examples=60)
@given(st.lists(STATE, min_size=1, max_size=4), st.booleans())
def test_however_several_files_change_what_they_say_is_current_and_a_second_import_adds_nothing(
    opened: Stores, states: list[dict[str, list[str]]], backwards: bool
) -> None:
    scope = f"/{next(SCOPES)}"

    def bring_all(state: dict[str, list[str]]) -> tuple[int, int, int]:
        matching = Matching("claude-md", opened.memory.export(), redacts=True, now=NOON)
        drafts = []
        for name in sorted(state, reverse=backwards):
            source = Source(name, listed(state[name]).encode(), PLACE / name, NOON - 9000)
            drafts += [told.draft for told in matching.take(source, FORMATS["claude-md"].read(source), scope)]
        return agree(matching.report, opened.memory.import_many(drafts, NOW))

    for state in states:
        bring_all(state)
        is_said = {each for bullets in state.values() for each in bullets}
        holding = [each for each in opened.memory.export() if each.scope == scope and each.current]
        assert is_said <= {each.content for each in holding}
        assert len({each.content for each in holding}) == len(holding)
        assert bring_all(state)[:2] == (0, 0)


def test_what_comes_back_to_what_it_was_replaces_again(opened: Stores) -> None:
    newer = ["The API listens on port 9000.", *BULLETS[1:]]
    for bullets in (BULLETS, newer, BULLETS):
        bring(opened, listed(bullets))
    assert sorted(current(opened)) == sorted(BULLETS)
    assert agree(*bring(opened, listed(BULLETS))) == (0, 0, 3)


def test_what_was_forgotten_stays_forgotten(opened: Stores) -> None:
    bring(opened, listed(BULLETS))
    opened.memory.forget(2, NOW)
    assert agree(*bring(opened, listed(BULLETS))) == (0, 0, 3)
    assert len(current(opened)) == 2


def test_the_same_text_twice_in_a_file_is_one_memory_for_good(opened: Stores) -> None:
    text = listed(BULLETS) + listed(BULLETS, "Rules")
    for counts in ((3, 0, 3), (0, 0, 6)):
        report, imported = bring(opened, text)
        assert (agree(report, imported), report.gone) == (counts, [])


def test_projects_stay_apart(opened: Stores) -> None:
    for scope in ("/shop", "/blog"):
        assert agree(*bring(opened, listed(BULLETS), scope=scope)) == (3, 0, 0)
    report, imported = bring(opened, listed(BULLETS[:1]), scope="/blog")
    assert (agree(report, imported), report.gone) == ((0, 0, 1), [5, 6])


def test_facts_of_one_person_do_not_replace_each_other(opened: Stores) -> None:
    def graph(*observations: str) -> str:
        listed = ", ".join(f'"{each}"' for each in observations)
        return f'{{"type": "entity", "name": "Ada", "entityType": "person", "observations": [{listed}]}}'

    bring(opened, graph("works in Ulm", "likes tea"), "mcp-memory", "memory.jsonl")
    report, imported = bring(opened, graph("plays chess", "likes green tea"), "mcp-memory", "memory.jsonl")
    assert (agree(report, imported), report.gone) == ((2, 1, 0), [1])
    assert current(opened) == ["Ada: works in Ulm", "Ada: plays chess", "Ada: likes green tea"]
    # Another graph with a person of that name says nothing about this one.
    report, imported = bring(opened, graph("likes tea with milk"), "mcp-memory", "other.jsonl")
    assert agree(report, imported) == (1, 0, 0)


def test_a_memory_of_mem0_keeps_its_id_and_holds_from_when_it_was_changed(opened: Stores) -> None:
    first = '[{"id": "a", "memory": "Works at Acme", "created_at": "2025-01-01T00:00:00Z"}]'
    again = first.replace("Acme", "Bolt").replace('"}', '", "updated_at": "2025-06-01T00:00:00Z"}')
    bring(opened, first, "mem0", "mem0.json")
    assert agree(*bring(opened, again, "mem0", "elsewhere.json")) == (1, 1, 0)
    older, newer = by_id(opened).values()
    assert (older.external_id, newer.external_id) == ("mem0:id:a", "mem0:id:a")
    assert older.valid_to == newer.valid_from > older.valid_from
    assert agree(*bring(opened, again, "mem0", None)) == (0, 0, 1)


def test_of_two_memories_with_one_id_the_first_is_kept_each_time(opened: Stores) -> None:
    text = '[{"id": 1, "memory": "one"}, {"id": 1, "memory": "two"}, {"id": 1, "memory": "one"}]'
    for counts in ((1, 0, 1), (0, 0, 2)):
        report, imported = bring(opened, text, "mem0", "mem0.json")
        assert agree(report, imported) == counts
        assert len(report.bad) == 1


def test_what_its_source_still_dates_as_before_holds_from_now(opened: Stores) -> None:
    for memory in ("Works at Acme", "Works at Bolt"):
        text = f'[{{"id": "a", "memory": "{memory}", "created_at": "2025-01-01T00:00:00Z"}}]'
        bring(opened, text, "mem0", "mem0.json")
    older, newer = by_id(opened).values()
    assert older.valid_to == newer.valid_from == NOW


def test_times_that_nobody_can_read_are_those_of_the_file(opened: Stores) -> None:
    text = '[{"memory": "one", "created_at": "yesterday", "expiration_date": "soon"}]'
    report, _ = bring(opened, text, "mem0", "mem0.json")
    (record,) = by_id(opened).values()
    assert (report.bad, record.created_at, record.expires_at) == ([], NOW - 9_000_000, None)


def test_secrets_go_and_an_import_of_the_same_adds_nothing(opened: Stores) -> None:
    token = "ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for counts in ((1, 0, 0), (0, 0, 1)):
        report, imported = bring(opened, listed([f"Push with {token}."]))
        assert agree(report, imported) == counts
        assert [kinds for _, kinds in report.redacted] == [("GitHub token",)]
    assert token not in "".join(current(opened))


def test_a_memory_is_what_was_imported_from_where_it_stands(opened: Stores) -> None:
    bring(opened, listed(BULLETS, "Work"))
    record = by_id(opened)[1]
    assert (record.origin, record.source, record.scope) == ("import", str(PLACE / "CLAUDE.md"), "/shop")
    assert (record.subject, record.attribute) == ("Work", None)
    assert record.created_at == NOW - 9_000_000


def test_bytes_that_are_no_utf_8_are_named_and_the_rest_is_kept(opened: Stores) -> None:
    source = Source("x.md", b"- one\n- tw\xff\n- three\n", Path("/x.md"), NOON)
    matching = Matching("claude-md", (), redacts=True, now=NOON)
    told = matching.take(source, FORMATS["claude-md"].read(source), "global")
    assert [each.draft.content for each in told] == ["one", "three"]
    ((place, problem),) = matching.report.bad
    assert (str(place), problem) == ("x.md:2", "it is not UTF-8 text: it holds the byte 0xff")
