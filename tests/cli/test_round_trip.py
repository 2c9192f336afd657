"""What leaves a memory as lines and comes into another."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.memory.nights import Batch
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.cli.inside import call_json, said
from tests.consolidation.evening import NOW, night, remember
from tests.consolidation.passes_for_tests import summing_up
from tests.fakes import NOON


@pytest.fixture
def another(tmp_path: Path) -> Home:
    """A home in which nothing has been yet."""
    home = Home(tmp_path / "another")
    home.create()
    return home


def test_a_plain_export_brings_what_was_told_into_another_memory(home: Home, another: Home) -> None:
    """With its names and times; what was replaced is replaced again by the next night."""
    with closing(open_stores(home)) as stores:
        remember(stores, "the port is 1", NOON - 3000, subject="api", attribute="port", external_id="note-1")
        remember(stores, "the port is 2", NOON - 2000, subject="api", attribute="port")
        night(stores)
    lines = said(home, "memory", "export")
    done = call_json(another, "memory", "import", "-", stdin=lines)
    assert (done["added"], done["left_out"], done["bad"]) == (2, [], [])
    with closing(open_stores(another)) as stores:
        assert [each.name for each in stores.memory.export()] == ["note-1", "2"]
        night(stores)
        first, second = stores.memory.export()
        assert (first.superseded_by, first.valid_to) == (second.id, second.valid_from)
    assert call_json(another, "memory", "import", "-", stdin=lines)["unchanged"] == 2


def test_what_was_forgotten_and_what_a_night_had_added_stay_behind(home: Home, another: Home) -> None:
    with closing(open_stores(home)) as stores:
        kept = [remember(stores, f"note {number}") for number in range(3)]
        night(stores, chosen=[summing_up()])
        stores.memory.forget(kept[1].id, NOW)
        contents = [each.content for each in stores.memory.export()]
    lines = said(home, "memory", "export")
    assert len(contents) == len(lines.splitlines()) == 4
    done = call_json(another, "memory", "import", "-", stdin=lines)
    assert (done["added"], done["left_out"]) == (2, [2, 4])
    with closing(open_stores(another)) as stores:
        assert [each.content for each in stores.memory.export()] == ["note 0", "note 2"]
    assert (
        said(another, "memory", "import", "-", stdin=lines)
        .rstrip()
        .endswith("0 added, 0 superseded, 2 unchanged, 0 bad, 2 left out (forgotten, or added by a night)")
    )


def test_what_a_pass_keeps_comes_along_however_long_it_is(home: Home, another: Home) -> None:
    with closing(open_stores(home)) as stores:
        remember(stores, "a note")
        number = stores.nights.begin_night("night", "asked", NOW)
        batch = Batch(notes={"seen": "x" * (3 << 20)})
        stores.nights.apply(number, 1, "verbose", batch, NOW)
        stores.nights.end_night(number, "completed", None, {}, NOW)
    lines = said(home, "memory", "export", "--full")
    assert max(map(len, lines.splitlines())) > 3 << 20
    done = call_json(another, "memory", "import", "-", stdin=lines)
    assert (done["added"], done["bad"]) == (1, [])
    assert said(another, "memory", "export", "--full") == lines


def test_a_line_that_is_too_long_is_no_memory(home: Home) -> None:
    lines = "\n".join(json.dumps({"content": text}) for text in ("one", "x" * (1 << 20), "two"))
    done = call_json(home, "memory", "import", "-", stdin=lines, status=1)
    assert (done["added"], [each["line"] for each in done["bad"]]) == (2, [2])
