"""What iai_outcomes.py makes of calls and writes of them, part by part and letter for letter; no process is started."""

from __future__ import annotations

import json
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from iai_heartbeat import HEAD, MOST, TAIL, TORN, Seen
from iai_outcomes import LARGEST, Outcomes, is_error, member

FACTS: dict[str, Any] = {"pid": 4711, "uuid": "0-1-2", "server": "tool-server"}
NOON = 1_795_262_400.0
LONG = "x" * 2 * HEAD


class Recording:
    """Outcomes under a clock that is handed in, and what lies on the disk of them."""

    def __init__(self, home: Path) -> None:
        self.now = 100.0
        self.passed = 100.0
        self.seen = Seen()
        self.seen.steady = lambda: self.now
        self.seen.wall = lambda: NOON + self.now
        self.folder = home / "trajectories"
        self.outcomes = Outcomes(str(home), FACTS, self.seen, lambda: self.passed)

    def at(self, seconds: float) -> None:
        self.now = self.passed = seconds

    def begin(self, ident: object, name: object = "search") -> None:
        self.outcomes.begin(ident, {"id": ident, "params": {"name": name}}, b"")

    def lines(self) -> list[dict[str, Any]]:
        self.outcomes.write()
        return [json.loads(line) for path in self.folder.glob("*") for line in path.read_text().splitlines()]

    def ends(self) -> list[tuple[str, str]]:
        return [(line["tool"], line["outcome"]) for line in self.lines()]


@pytest.fixture
def recording(place: Path) -> Recording:
    return Recording(place)


def test_a_line_says_when_what_how_and_of_whom(recording: Recording) -> None:
    recording.begin(1)
    recording.seen.client = {"name": "a client", "version": None}
    recording.seen.session = "s-1"
    recording.at(102.5)
    recording.outcomes.end(1, "ok")
    recording.outcomes.write()
    (path,) = recording.folder.iterdir()
    assert path.name == "4711-0-1-2.jsonl"
    assert path.read_text() == (
        '{"schema": 1, "at": "2026-11-21T12:01:40.000Z", "tool": "search", "outcome": "ok", '
        '"duration_ms": 2500, "client": "a client", "session": "s-1", "server": "tool-server"}\n'
    )


def test_what_is_not_known_is_null(recording: Recording) -> None:
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    (line,) = recording.lines()
    assert (line["client"], line["session"], line["duration_ms"]) == (None, None, 0)


def test_the_duration_ends_when_the_answer_has_passed_and_not_when_it_is_looked_at(
    recording: Recording,
) -> None:
    recording.begin(1)
    recording.passed, recording.now = 100.25, 104.0
    recording.outcomes.end(1, "ok")
    recording.begin(2)
    recording.passed = 99.0
    recording.outcomes.end(2, "ok")
    first, second = recording.lines()
    assert (first["at"], first["duration_ms"]) == ("2026-11-21T12:01:40.000Z", 250)
    assert second["duration_ms"] == 0, "never less than none"


def test_only_its_user_may_read_it(recording: Recording) -> None:
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    recording.outcomes.write()
    (path,) = recording.folder.iterdir()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, recording.folder)] == [0o600, 0o700]


def test_what_ends_later_is_written_below_and_nothing_twice(recording: Recording) -> None:
    for ident in range(3):
        recording.begin(ident, f"t{ident}")
    recording.outcomes.end(1, "ok")
    assert recording.ends() == [("t1", "ok")]
    recording.outcomes.end(0, "error")
    recording.outcomes.end(2, "cancelled")
    assert recording.ends() == [("t1", "ok"), ("t0", "error"), ("t2", "cancelled")]
    assert len(recording.lines()) == 3


def test_each_call_ends_once(recording: Recording) -> None:
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    recording.outcomes.end(1, "error")
    recording.outcomes.end(2, "ok")
    assert recording.ends() == [("search", "ok")]


def test_without_an_end_nothing_is_written(recording: Recording) -> None:
    recording.begin(1)
    recording.outcomes.write()
    assert not recording.folder.exists()


def test_at_the_end_what_is_open_is_unanswered(recording: Recording) -> None:
    recording.begin(1, "a")
    recording.begin(2, "b")
    recording.outcomes.end_all()
    assert len(list(recording.folder.iterdir())) == 1
    recording.outcomes.end_all()
    assert recording.ends() == [("a", "unanswered"), ("b", "unanswered")]


@pytest.mark.parametrize(
    ("message", "line", "tool"),
    [
        ({"params": {"name": "x"}}, b"", "x"),
        ({"params": {"name": "n" * 201}}, b"", "n" * 200),
        ({"params": {"name": 5}}, b'{"params": {"name": "y"}', None),
        ({"params": []}, b"", None),
        ({}, b'{"params": {"name": "y"}', None),
        ({TORN: True}, b'{"params": {"name": "y"}', "y"),
        ({TORN: True}, b'{"params": {"name": "' + b"n" * 201 + b'"}', "n" * 200),
        ({TORN: True}, b'{"params": {"name": 5}', None),
        ({TORN: True}, b'{"params": {"title": "y"}', None),
        ({TORN: True, "params": {"name": "x"}}, b'{"params": {"name": "y"}', "x"),
    ],
)
def test_the_tool_is_the_one_that_the_call_names(
    recording: Recording, message: dict[str, Any], line: bytes, tool: str | None
) -> None:
    recording.outcomes.begin(1, message, line)
    recording.outcomes.end(1, "ok")
    assert recording.ends() == ([] if tool is None else [(tool, "ok")])


def test_a_call_with_the_id_of_another_takes_its_place(recording: Recording) -> None:
    recording.begin(1, "a")
    recording.begin(1, "b")
    recording.begin(2, "c")
    recording.begin(2, None)
    recording.outcomes.end_all()
    assert recording.ends() == [("b", "unanswered")]


def test_so_many_open_calls_are_remembered_and_so_many_lines_wait(recording: Recording) -> None:
    for ident in range(MOST + 1):
        recording.begin(ident)
    recording.outcomes.end(MOST, "ok")
    assert recording.lines() == []
    recording.outcomes.end(0, "ok")
    recording.begin("one more")
    recording.outcomes.end_all()
    assert len(recording.lines()) == MOST
    for ident in range(MOST - 1):
        recording.begin(ident)
        recording.outcomes.end(ident, "ok")
    for name in "ab":
        recording.begin(name, name)
        recording.outcomes.end(name, "ok")
    assert recording.ends()[-1] == ("a", "ok")
    assert len(recording.lines()) == 2 * MOST


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ({"id": 1, "result": {}}, "ok"),
        ({"id": 1, "result": {"isError": False}}, "ok"),
        ({"id": 1, "result": {"isError": "true"}}, "ok"),
        ({"id": 1, "result": {"isError": True}}, "error"),
        ({"id": 1, "error": None}, "error"),
        ({"id": 1}, "ok"),
        ({"id": None, "result": {}}, None),
        ({"result": {}}, None),
        ({TORN: True}, None),
    ],
)
def test_how_a_call_ended_is_told_by_its_answer(
    recording: Recording, message: dict[str, Any], outcome: str | None
) -> None:
    recording.begin(1)
    recording.outcomes.answer(1, message, b"")
    recording.outcomes.end_all()
    assert recording.ends() == ([("search", outcome)] if outcome else [])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"id": 1, "result": {"isError": true, "a": "LONG"}}', True),
        ('{"id": 1, "result": {"isError": false, "a": "LONG"}}', False),
        ('{"id": 1, "result": {"isError": 1, "a": "LONG"}}', False),
        ('{"id": 1, "result": {"a": "LONG", "isError": true}}', True),
        ('{"id": 1, "result": {"a": "LONG", "isError" :\n true}}', True),
        ('{"id": 1, "result": {"a": "LONG", "isError"true}}', True),
        ('{"id": 1, "result": {"a": "LONG", "isError": false}}', False),
        ('{"id": 1, "result": {"a": "LONG", "isError": true, "isError": false}}', False),
        ('{"id": 1, "result": {"a": "LONG\\"isError\\": true"}}', False),
        ('{"id": 1, "result": {"a": "LONG"}, "true": true}', False),
    ],
)
def test_of_a_long_answer_both_ends_tell_whether_it_is_an_error(line: str, error: bool) -> None:
    long = line.replace("LONG", LONG).encode()
    assert is_error({TORN: True, "id": 1}, long[:HEAD] + long[-TAIL:]) is error


def test_of_a_long_answer_only_so_much_of_its_end_is_looked_at() -> None:
    line = b'{"result": {"a": "' + LONG.encode() + b'", "isError": true'
    assert is_error({TORN: True}, line + b" " * (TAIL - 15))
    assert not is_error({TORN: True}, line + b" " * (TAIL - 6))
    assert not is_error({TORN: True}, line + b" " * TAIL)


def test_of_a_short_answer_the_line_tells_nothing() -> None:
    assert not is_error({"result": {}}, b'{"result": {"isError": true}}')
    assert not is_error({"result": []}, b"")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"o": {"n": 1}}', 1),
        ('{"o":{"n":1}}', 1),
        (' {\n"o"\t: \r\n{ "a" : [ {"n": 2} ] , "n" : 1 }}', 1),
        ('{"a": 1, "o": {"a": 1, "b": {"c": 2}, "n": "x"', "x"),
        ('{"o": {"n": null, "n": 2}}', None),
        ('{"o": {"n": 1, "n": 2}}', 1),
        ('{"o": {"a": 1}, "n": 2}', None),
        ('{"o": {}}', None),
        ('{"o": [1]}', None),
        ('{"o": 5', None),
        ('{"o": {"a": "LONG", "n": 1}}', None),
        ('{"o": {"a": nul, "n": 1}}', None),
        ('{"a": {"o": {"n": 1}}}', None),
        ('{"a": {}, "o": {"n": 1}}', None),
        ('{"p": {"n": 1}}', None),
        ("", None),
    ],
)
def test_a_member_is_found_where_it_belongs_and_before_the_long_part(line: str, found: object) -> None:
    assert member(line.replace("LONG", LONG).encode(), "o", "n") == found


def test_a_member_behind_the_head_is_not_looked_for() -> None:
    text = '{"o": {"n": 12'
    for blanks, found in ((HEAD - len(text), 12), (HEAD - len(text) + 1, 1), (HEAD, None)):
        line = text.replace(" {", " " * (blanks + 1) + "{").encode() + b"}}"
        assert member(line, "o", "n") == found


# --- where the disk takes no more


def full_but_for(recording: Recording, lines: int, characters: int) -> None:
    """One line is written; after it there is room for so many more like it, and for so many characters."""
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    (first,) = recording.lines()
    recording.outcomes._size += LARGEST - (lines + 1) * (len(json.dumps(first)) + 1) - characters


def end_each(recording: Recording, idents: str) -> list[bool | None]:
    """Which of all lines say that the file is full, once these calls have ended."""
    for ident in idents:
        recording.begin(ident)
        recording.outcomes.end(ident, "ok")
    return [line.get("full") for line in recording.lines()]


def test_a_file_grows_no_larger_than_it_may(recording: Recording) -> None:
    full_but_for(recording, 1, 1)
    assert end_each(recording, "abc") == [None, None, True]
    assert list(recording.lines()[2])[-1] == "full"
    assert end_each(recording, "d") == [None, None, True]


@pytest.mark.parametrize(
    ("lines", "characters", "full"), [(1, 1, [None, None]), (1, 0, [None, True]), (0, 1, [None, True]), (0, 0, [None])]
)  # fmt: skip
def test_a_line_that_would_reach_the_end_is_the_last(
    recording: Recording, lines: int, characters: int, full: list[bool | None]
) -> None:
    full_but_for(recording, lines, characters)
    assert end_each(recording, "a") == full


def test_half_a_line_is_taken_back_and_said_once(
    recording: Recording, capfd: pytest.CaptureFixture[str]
) -> None:
    end_each(recording, "abcdefghijklmnopqrst")
    (path,) = recording.folder.iterdir()
    size, (soft, hard) = path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        for ident in "xy":
            recording.begin(ident)
            recording.outcomes.end(ident, "ok")
            recording.outcomes.write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == size
    assert capfd.readouterr().err == (
        f"iai-wrapper: outcomes are not recorded in {recording.folder} (the disk is full), but relaying all the same.\n"
    )
    assert len(end_each(recording, "z")) == 21


def test_what_no_text_can_hold_is_replaced(recording: Recording) -> None:
    recording.begin(1, "a\ud800")
    recording.outcomes.end(1, "ok")
    assert recording.ends() == [("a?", "ok")]
    assert member(b'{"a": "\xff", "o": {"n": "\xff"}', "o", "n") == "\ufffd"


def test_where_nothing_can_be_written_that_is_said_once_and_in_full(
    recording: Recording, capfd: pytest.CaptureFixture[str]
) -> None:
    recording.folder.write_text("")
    for ident in range(3):
        recording.begin(ident)
        recording.outcomes.end(ident, "ok")
        recording.outcomes.write()
    assert capfd.readouterr().err == (
        f"iai-wrapper: outcomes are not recorded in {recording.folder} (Not a directory), but relaying all the same.\n"
    )


def test_a_folder_that_is_there_is_written_into_and_a_file_goes_on(recording: Recording) -> None:
    recording.folder.mkdir()
    path = recording.folder / "4711-0-1-2.jsonl"
    path.write_text('{"tool": "before", "outcome": "ok"}\n')
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    assert recording.ends() == [("before", "ok"), ("search", "ok")]


def test_a_link_in_its_place_is_not_followed(
    recording: Recording, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recording.folder.mkdir()
    (recording.folder / "4711-0-1-2.jsonl").symlink_to(tmp_path / "elsewhere")
    recording.begin(1)
    recording.outcomes.end(1, "ok")
    recording.outcomes.write()
    assert not (tmp_path / "elsewhere").exists()
    assert "Too many levels of symbolic links" in capfd.readouterr().err
