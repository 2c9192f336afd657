"""A memory's story, and a whole memory written out and restored, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call, call_json, refused, said


@pytest.fixture
def lived(home: Home) -> Home:
    """A memory with a night behind it."""
    for port in ("80", "9000"):
        call_json(home, "memory", "add", f"Port {port}.", "--subject", "api", "--attribute", "port")
    call_json(home, "consolidate")
    return home


@pytest.fixture
def another(tmp_path: Path) -> Home:
    return Home(tmp_path / "another")


def test_a_memory_is_shown_with_its_story_for_people_and_for_programs(lived: Home) -> None:
    shown = call_json(lived, "memory", "show", "1")
    assert [each["what"] for each in shown["story"]] == ["told", "replaced_by"]
    assert shown["superseded_by"] == 2
    lines = said(lived, "memory", "show", "1").splitlines()
    assert "content        Port 80." in lines
    assert lines[-1].endswith("replaced by 2, a newer fact about (api, port) in global (2: Port 9000.)")
    assert (
        said(lived, "memory", "show", "2")
        .splitlines()[-1]
        .endswith("took the place of 1 (superseded) (1: Port 80.)")
    )


def test_what_a_new_memory_seems_to_correct_is_named(home: Home) -> None:
    first = call_json(home, "memory", "add", "Invoices are kept in Odoo.")
    assert first["corrects"] == []
    second = call_json(home, "memory", "add", "Invoices have moved from Odoo to SAP.")
    (corrected,) = second["corrects"]
    assert (corrected["id"], corrected["content"]) == (first["id"], "Invoices are kept in Odoo.")
    assert corrected["evidence"].startswith("says “Invoices have moved from Odoo to SAP”")
    lines = said(home, "memory", "add", "SAP was replaced by Lexware for invoices.").splitlines()
    assert lines == ["stored as 3", "it seems to correct 2: Invoices have moved from Odoo to SAP."]


def test_a_full_export_is_restored_as_it_is_and_its_night_can_be_taken_back(
    lived: Home, another: Home
) -> None:
    everything = said(lived, "memory", "export", "--full")
    assert said(lived, "memory", "export") != everything
    restored = call_json(another, "memory", "import", "-", stdin=everything)
    assert (restored["added"], restored["bad"]) == (2, [])
    assert restored["journal"] == everything.count('"type": "journal"')
    assert said(another, "memory", "export", "--full") == everything
    assert said(another, "memory", "export") == said(lived, "memory", "export")
    for home in (lived, another):
        assert call_json(home, "nights", "undo", "1")["restored"] == 1
    assert said(another, "memory", "export") == said(lived, "memory", "export")


def test_it_is_restored_into_an_empty_memory_only(lived: Home) -> None:
    everything = said(lived, "memory", "export", "--full")
    done = call(lived, "memory", "import", "-", stdin=everything)
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds 2 memories and 1 nights: give another home with --home DIR" in done.stderr
    assert said(lived, "memory", "export", "--full") == everything


@pytest.mark.parametrize(
    ("spoil", "line", "why"),
    [
        (lambda lines: [*lines[:1], "{", *lines[1:]], 2, "it is not JSON"),
        (lambda lines: [*lines, lines[-1][:-5]], 7, "it is not JSON"),
        (
            lambda lines: [*lines[:2], '{"content": "a note"}', *lines[2:]],
            3,
            "it is no line of a full export",
        ),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, "it does not fit what it belongs to"),
    ],
    ids=["in the middle", "cut off", "of somebody else", "twice"],
)
def test_a_bad_line_is_named_and_then_nothing_is_restored(
    lived: Home, another: Home, spoil: Callable[[list[str]], list[str]], line: int, why: str
) -> None:
    """Half a journal would be no journal. A plain import keeps the good lines."""
    lines = said(lived, "memory", "export", "--full").splitlines()[:6]
    assert len(lines) == 6
    done = call(another, "memory", "import", "-", stdin="\n".join(spoil(lines)))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"iai-daemon: Nothing was restored, because of line {line}: {why}")
    assert said(another, "memory", "export", "--full") == ""


def test_memories_of_somebody_who_has_types_too_are_imported_as_ever(home: Home) -> None:
    lines = '{"type": "record", "id": 1, "content": "one"}\n{"type": "journal", "content": "two"}'
    assert call_json(home, "memory", "import", "-", stdin=lines)["added"] == 2


def test_an_empty_file_is_an_import_of_nothing(home: Home) -> None:
    assert call_json(home, "memory", "import", "-")["added"] == 0
    assert "No such file" in refused(home, "memory", "import", "/nowhere/at/all", status=2)


def test_what_a_memory_holds_does_not_steer_the_terminal(home: Home) -> None:
    call_json(home, "memory", "add", "staging \x1b]0;owned\x07 is \x1b[31mdown\u202e")
    (line,) = said(home, "memory", "search", "staging").splitlines()
    assert not {"\x1b", "\x07", "\u202e"} & set(line)
