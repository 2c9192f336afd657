"""`iai-wrapper --record-outcomes`: what a real wrapper writes of the calls that pass it, and what it never writes."""

from __future__ import annotations

import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.consolidation.insights.calls import Call, parse
from iai_heartbeat import Seen, messages
from iai_outcomes import LARGEST, Outcomes, is_error, member
from tests.wrapper.running import ECHO, LIGHT, WRAPPER, Running, request, server, until

RECORD = ("--record-outcomes", "--session", "s-1")
FACTS: dict[str, Any] = {"pid": 4711, "uuid": "0-1-2", "server": "tool-server"}
SECRET = "correct horse battery staple"


def _call(ident: object, tool: str = "search", **arguments: object) -> dict[str, object]:
    return request("tools/call", ident, name=tool, arguments=arguments)


def _files(place: Path) -> list[Path]:
    return sorted((place / "trajectories").glob("*"))


def _lines(place: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in _files(place) for line in path.read_text(encoding="utf-8").splitlines()
    ]


def _recorded(place: Path, count: int) -> list[dict[str, Any]]:
    def there() -> list[dict[str, Any]] | None:
        found = _lines(place)
        return found if len(found) >= count else None

    found = until(there)
    assert found is not None
    return found


# --- the real one


def test_every_finished_call_becomes_one_line(place: Path) -> None:
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(request("initialize", 0, clientInfo={"name": "a client", "version": "2"}))
        # The echo of what the client answers is the server's answer.
        wrapper.send(_call(1), _call("two", "write"), _call(3), _call(4), _call(5, "write"))
        wrapper.send({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})
        wrapper.send({"jsonrpc": "2.0", "id": "two", "result": {"content": [], "isError": True}})
        wrapper.send({"jsonrpc": "2.0", "id": 3, "error": {"code": -32602, "message": "no such tool"}})
        _recorded(place, 3)
        wrapper.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}})
        _recorded(place, 4)
        assert wrapper.leave() == 0
    lines = _lines(place)
    assert [(line["tool"], line["outcome"]) for line in lines] == [
        ("search", "ok"),
        ("write", "error"),
        ("search", "error"),
        ("search", "cancelled"),
        ("write", "unanswered"),
    ]
    for line in lines:
        assert set(line) == {"schema", "at", "tool", "outcome", "duration_ms", "client", "session", "server"}
        assert (line["schema"], line["client"], line["session"]) == (1, "a client", "s-1")
        assert line["server"] == Path(sys.executable).name
        assert 0 <= line["duration_ms"] < 10_000
        assert isinstance(parse(json.dumps(line).encode(), "file"), Call)


def test_the_duration_is_that_of_the_call(place: Path) -> None:
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(_call(1))
        wrapper.line()
        wrapper.heartbeat(lambda beat: beat["in_flight"] == 1)
        select_for(0.15)
        wrapper.send({"jsonrpc": "2.0", "id": 1, "result": {}})
        (line,) = _recorded(place, 1)
    assert 150 <= line["duration_ms"] < 5_000


def select_for(seconds: float) -> None:
    """Lets time pass that belongs to what is measured."""
    import select  # noqa: PLC0415

    select.select([], [], [], seconds)


def test_neither_arguments_nor_results_are_written_anywhere(place: Path) -> None:
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(_call(1, "search", query=SECRET))
        wrapper.send({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": SECRET}]}})
        wrapper.send(_call(2), {"jsonrpc": "2.0", "id": 2, "error": {"code": 1, "message": SECRET}})
        _recorded(place, 2)
        wrapper.leave()
    assert not [
        path for path in place.rglob("*") if path.is_file() and SECRET in path.read_text(encoding="utf-8")
    ]


def test_only_the_user_may_read_it_and_its_name_is_the_wrappers(place: Path) -> None:
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(_call(1), {"jsonrpc": "2.0", "id": 1, "result": {}})
        _recorded(place, 1)
        beat = wrapper.heartbeat()
        (path,) = _files(place)
        assert path.name == f"{beat['pid']}-{beat['uuid']}.jsonl"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_the_option_and_without_a_call_nothing_is_written(place: Path) -> None:
    for options in ((), RECORD):
        with Running(server(ECHO), home=place, options=options) as wrapper:
            if not options:
                wrapper.send(_call(1), {"jsonrpc": "2.0", "id": 1, "result": {}})
            wrapper.send(request("tools/list", 2))
            wrapper.heartbeat()
            assert wrapper.leave() == 0
    assert not (place / "trajectories").exists()


def test_a_killed_wrapper_has_written_what_had_ended(place: Path) -> None:
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(_call(1), {"jsonrpc": "2.0", "id": 1, "result": {}})
        _recorded(place, 1)
        wrapper.process.send_signal(signal.SIGKILL)
        wrapper.process.wait()
    assert len(_lines(place)) == 1


@pytest.mark.parametrize("kind", ["a file", "a link", "no home"])
def test_where_nothing_can_be_written_it_says_so_once_and_relays(place: Path, kind: str) -> None:
    home = place if kind != "no home" else place / "nowhere"
    if kind == "a file":
        (place / "trajectories").write_text("")
    elif kind == "a link":
        (place / "trajectories").symlink_to("/proc")
    with Running(server(ECHO), home=home, options=RECORD) as wrapper:
        for ident in range(3):
            wrapper.send(_call(ident), {"jsonrpc": "2.0", "id": ident, "result": {}})
            assert (json.loads(wrapper.line())["id"], json.loads(wrapper.line())["id"]) == (ident, ident)
            until(lambda: wrapper.process.poll() is None)
        assert wrapper.leave() == 0
        complaints = [line for line in wrapper.complaints().splitlines() if "outcomes" in line]
    assert len(complaints) == 1
    assert "but relaying all the same" in complaints[0]


def test_a_disk_that_takes_no_more_leaves_whole_lines_and_a_relay_that_goes_on(place: Path) -> None:
    limited = f"""
import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
os.execv({sys.executable!r}, [*{LIGHT!r}, {str(WRAPPER)!r}, *sys.argv[1:]])
"""
    command = [*LIGHT, "-c", limited, "--home", str(place), *RECORD, "--", *server(ECHO)]
    with Running(command, home=place, direct=True) as wrapper:
        for ident in range(30):
            wrapper.send(_call(ident), {"jsonrpc": "2.0", "id": ident, "result": {}})
            wrapper.line()
            wrapper.line()
        assert wrapper.leave() == 0
        assert "outcomes are not recorded" in wrapper.complaints()
    (path,) = _files(place)
    assert path.stat().st_size <= 1500
    assert path.read_bytes().endswith(b"\n") or not path.stat().st_size
    assert all(line["outcome"] == "ok" for line in _lines(place))


def test_without_its_file_beside_it_the_wrapper_relays_and_says_what_is_missing(
    place: Path, tmp_path: Path
) -> None:
    for name in ("iai_wrapper.py", "iai_relay.py", "iai_heartbeat.py"):
        shutil.copy(WRAPPER.parent / name, tmp_path / name)
    command = [*LIGHT, str(tmp_path / "iai_wrapper.py"), "--home", str(place), *RECORD, "--", *server(ECHO)]
    with Running(command, home=place, direct=True) as wrapper:
        wrapper.send(_call(1))
        assert json.loads(wrapper.line())["id"] == 1
        assert wrapper.leave() == 0
        assert "iai_outcomes.py must lie beside" in wrapper.complaints()


def test_nothing_of_it_is_loaded_by_a_wrapper_that_does_not_record() -> None:
    program = f"import sys; sys.path.append({str(WRAPPER.parent)!r}); import iai_relay; print('iai_outcomes' in sys.modules)"
    ended = subprocess.run([*LIGHT, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_a_message_without_an_end_is_passed_over_and_the_next_one_is_looked_at(place: Path) -> None:
    """In a real wrapper: only where nothing has imported `json` the scanner fails in its own way."""
    long = (
        '{"id": 2, "method": "tools/call", "params": {"name": "write", "arguments": {"text": "' + "x" * 70_000
    )
    with Running(server(ECHO), home=place, options=RECORD) as wrapper:
        wrapper.send(b'{"id": 1, "method": "tools/call\n' + json.dumps(_call(1)).encode() + b"\n")
        wrapper.send(long.encode() + b'"}}}\n')
        assert [len(wrapper.line()) for _ in range(3)][2] > 70_000
        wrapper.heartbeat(lambda beat: beat["in_flight"] == 2)
        assert wrapper.leave() == 0
        assert wrapper.complaints() == ""
    assert [line["tool"] for line in _lines(place)] == ["search", "write"]


# --- its parts, with time handed in


class _Seen(Seen):
    """At noon, and at a steady time that the test sets."""

    now = 100.0
    wall = staticmethod(lambda: 1_795_262_400.0)

    def __init__(self) -> None:
        super().__init__()
        self.steady = lambda: self.now  # type: ignore[method-assign]


def _record(home: Path, lines: Sequence[bytes]) -> tuple[Outcomes, _Seen]:
    seen = _Seen()
    outcomes = Outcomes(str(home), FACTS, seen, lambda: seen.now)
    seen.outcomes = outcomes
    for line in lines:
        (seen.look_at_request if b'"method"' in line else seen.look_at_answer)(line)
    return outcomes, seen


def test_the_stamp_is_that_of_the_call_and_the_duration_ends_with_the_answer(place: Path) -> None:
    outcomes, seen = _record(place, [json.dumps(_call(1)).encode()])
    seen.now += 2.5
    seen.look_at_answer(b'{"id": 1, "result": {}}')
    outcomes.write()
    (line,) = _lines(place)
    assert (line["at"], line["duration_ms"]) == ("2026-11-21T11:59:57.500Z", 2500)


def test_names_are_cut_and_escaped(place: Path) -> None:
    outcomes, _ = _record(place, [json.dumps(_call(1, '"\n\\' + "x" * 500)).encode()])
    outcomes.end_all()
    (line,) = _lines(place)
    assert line["tool"] == ('"\n\\' + "x" * 500)[:200]


def test_a_file_that_is_full_ends_with_a_line_that_says_so(place: Path) -> None:
    outcomes, seen = _record(place, [])
    line = json.dumps(_call(1, "x" * 200)).encode()
    for _ in range(LARGEST // 300 // 500 + 1):
        for _ in range(500):
            seen.look_at_request(line)
            seen.look_at_answer(b'{"id": 1, "result": {}}')
        outcomes.write()
    (path,) = _files(place)
    assert LARGEST - 1000 < path.stat().st_size < LARGEST + 1000
    lines = _lines(place)
    assert [at for at, line in enumerate(lines) if "full" in line] == [len(lines) - 1]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"id": 1, "result": {"isError": true, "content": ["LONG"]}}', True),
        ('{"id": 1, "result": {"content": ["LONG"], "isError": true}}', True),
        ('{"result": {"content": ["LONG"], "isError" : true}, "id": 1}', True),
        ('{"id": 1, "result": {"content": ["LONG"], "isError": false}}', False),
        ('{"id": 1, "result": {"content": ["LONG"]}}', False),
        ('{"id": 1, "result": {"content": ["LONG \\"isError\\": true"]}}', False),
        ('{"id": 1, "error": {"code": 1, "message": "LONG"}}', True),
    ],
)
def test_whether_a_very_long_answer_is_an_error_is_read_from_its_ends(
    place: Path, line: str, error: bool
) -> None:
    long = line.replace("LONG", "x" * 70_000).encode()
    cut = long[: 16 * 1024] + long[-4 * 1024 :]
    outcomes, seen = _record(place, [json.dumps(_call(1)).encode()])
    seen.look_at_answer(cut)
    outcomes.write()
    assert [each["outcome"] for each in _lines(place)] == ["error" if error else "ok"]


@pytest.mark.parametrize(
    ("line", "tool"),
    [
        (
            '{"id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"q": "LONG"}}}',
            ["search"],
        ),
        (
            '{"method": "tools/call", "params": {"_meta": {"a": [1]}, "name": "search", "x": "LONG"}, "id": 1}',
            ["search"],
        ),
        (
            '{"id": 1, "method": "tools/call", "params": {"arguments": {"name": "LONG"}, "name": "search"}}',
            [],
        ),
    ],
)
def test_the_tool_of_a_very_long_call_is_recorded_where_it_stands_before_the_long_part(
    place: Path, line: str, tool: list[str]
) -> None:
    long = line.replace("LONG", "x" * 70_000).encode()
    outcomes, _ = _record(place, [long[: 16 * 1024] + long[-4 * 1024 :]])
    outcomes.end_all()
    assert [each["tool"] for each in _lines(place)] == tool


def test_what_no_call_was_open_for_is_not_recorded(place: Path) -> None:
    outcomes, _ = _record(
        place,
        [
            b'{"id": 7, "result": {}}',
            b'{"method": "notifications/cancelled", "params": {"requestId": 7}}',
            b'{"id": 8, "method": "resources/read", "params": {"name": "x"}}',
            b'{"id": 8, "result": {}}',
            b'{"id": 9, "method": "tools/call", "params": [1]}',
            b'{"id": 9, "result": {}}',
            b'{"method": "tools/call", "params": {"name": "x"}}',
        ],
    )
    outcomes.end_all()
    assert not _files(place)


def test_what_a_cut_message_holds_is_looked_for_only_where_it_belongs() -> None:
    assert member(b'{"a": {"params": {"name": "x"}}', "params", "name") is None
    assert member(b'{"params": 5', "params", "name") is None
    assert member(b"", "params", "name") is None
    assert not is_error(messages(b'{"id": 1, "result": {"isError": 1}}')[0], b"")
