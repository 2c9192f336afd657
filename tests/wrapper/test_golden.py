"""The contract from both sides: the daemon's parser reads every golden file as it should, and the wrapper's file is like the golden one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.presence import ends
from iai_daemon.presence.heartbeat import Heartbeat, Unreadable, parse
from tests.wrapper.running import ECHO, Running, request, server

GOLDEN = Path(__file__).parents[2] / "wrappers" / "golden"
CONTRACT = GOLDEN.parent / "CONTRACT.md"
EXPECTED: dict[str, dict[str, Any]] = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


def test_every_golden_file_has_its_reading_and_every_reading_its_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} - {"expected"} == EXPECTED.keys()


@pytest.mark.parametrize("case", EXPECTED)
def test_the_daemon_reads_it_so(case: str) -> None:
    expected = EXPECTED[case]
    data = (GOLDEN / f"{case}.json").read_bytes()
    read = parse(expected["file_name"], data, expected.get("mtime", 0.0))
    if expected["reading"] == "unreadable":
        assert isinstance(read, Unreadable)
        return
    assert isinstance(read, Heartbeat)
    reading = dict(expected["reading"])
    assert bool(read.fallback) == reading.pop("fallback")
    assert {name: getattr(read, name) for name in reading} == reading


def test_the_wrapper_writes_what_the_golden_file_shows(place: Path) -> None:
    golden = json.loads((GOLDEN / "full.json").read_bytes())
    with Running(server(ECHO), home=place, options=["--session", "s"]) as wrapper:
        wrapper.send(
            request("initialize", 0, clientInfo={"name": "n", "version": "1"}), request("tools/call")
        )
        written = wrapper.heartbeat(lambda beat: beat["activity_count"] and beat["client"])
    optional = {"process_start", "boot_id", "child_start"} - written.keys()
    assert golden.keys() - optional == written.keys()
    assert {name: type(value) for name, value in written.items()} == {
        name: type(golden[name]) for name in written
    }


def test_the_contract_names_every_field_that_is_written() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    for field in json.loads((GOLDEN / "full.json").read_bytes()):
        assert f"`{field}`" in text, field


NOTES: dict[str, Any] = json.loads((GOLDEN / "ended" / "expected.json").read_text(encoding="utf-8"))


def test_every_note_has_its_reading() -> None:
    assert {path.stem for path in (GOLDEN / "ended").iterdir()} - {"expected"} == NOTES.keys()


@pytest.mark.parametrize("case", NOTES)
def test_the_daemon_reads_a_note_so(case: str) -> None:
    read = ends.parse((GOLDEN / "ended" / f"{case}.json").read_bytes())
    assert (read and asdict(read)) == NOTES[case]


def test_the_wrapper_leaves_a_note_like_the_golden_one_and_for_reasons_that_the_contract_names(
    place: Path,
) -> None:
    golden = json.loads((GOLDEN / "ended" / "full.json").read_bytes())
    with Running(server(ECHO), home=place, options=["--session", "s"]) as wrapper:
        wrapper.send(request("initialize", 0, clientInfo={"name": "n", "version": "1"}))
        wrapper.heartbeat(lambda beat: beat["client"])
        wrapper.leave()
    (path,) = (place / "wrappers").iterdir()
    note = json.loads(path.read_bytes())
    assert {name: type(value) for name, value in note.items()} == {
        name: type(value) for name, value in golden.items()
    }
    text = CONTRACT.read_text(encoding="utf-8")
    assert not [reason for reason in ends.REASONS if f"`{reason}`" not in text]
    assert not [name for name in note if f"`{name}`" not in text]
