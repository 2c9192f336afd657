"""The courier as the daemon has it: a process that answers every line, says no secret, and ends with its input or its parent."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.paths import Home
from tests.agenda.backend import Backend, configure
from tests.agenda.courier.asking import KEY
from tests.agenda.courier.conftest import Process

Start = Callable[..., Process]
BEAT = b'{"id": 5, "do": "beat", "captured_at": "2026-11-21T21:00:00Z", "agents": []}'


def test_it_beats_and_tells_and_ends_with_its_input(home: Home, backend: Backend, couriers: Start) -> None:
    configure(home, backend.url)
    backend.list_slot(7, "writer", "schreib ü", status="paused")
    courier = couriers()
    assert courier.beat("writer") == {
        "id": 1,
        "ok": True,
        "slots": [
            {"id": "7", "agent": "writer", "title": "Slot 7", "message": "schreib ü", "status": "paused"}
        ],
        "restart_pending": False,
        "dropped": [],
        "next_at": None,
    }
    assert courier.update("7") == {"id": 1, "ok": True, "status": None}
    assert backend.told() == [("7", "completed")]
    assert courier.end() == 0


BAD_LINES = [
    (b"", None),
    (b"{", None),
    (b"\xff", None),
    (b"[]", None),
    (b"7", None),
    (b"[" * 100_000, None),
    (b'{"do": "beat"}', None),
    (b'{"id": true, "do": "beat"}', None),
    (b'{"id": 4}', 4),
    (b'{"id": 4, "do": "sing"}', 4),
    (b'{"id": 4, "do": "beat", "captured_at": "x", "agents": {}}', 4),
    (b'{"id": 4, "do": "beat", "captured_at": "x", "agents": [{"id": 3}]}', 4),
    (b'{"id": 4, "do": "update", "slot": "7", "status": "x", "key": "a\\nb"}', 4),
    (b'{"id": 4, "do": "update", "slot": 7, "status": "x", "key": "k"}', 4),
    (b'{"id": 4, "do": "update", "slot": "7", "status": "x", "key": "k", "reason": 4}', 4),
    (b'{"id": 4, "x": "' + b"x" * 2_000_000 + b'"}', None),
]


def test_a_line_that_it_cannot_read_is_answered_and_the_next_one_too(
    home: Home, backend: Backend, couriers: Start
) -> None:
    configure(home, backend.url)
    courier = couriers()
    for line, number in BAD_LINES:
        answer = courier.send(line)
        assert (answer["id"], answer["ok"], answer["kind"]) == (number, False, "bad"), line[:99]
        assert answer["problem"].isprintable()
        assert courier.send(BEAT)["ok"]


def test_whatever_repeats_the_key_it_does_not(home: Home, backend: Backend, couriers: Start) -> None:
    configure(home, backend.url, api_key_env="CALENDAR_KEY")
    courier = couriers(CALENDAR_KEY=KEY)
    backend.list_slot(1, "writer", f"send {KEY} home", title=f"about {KEY}")
    backend.list_slot(KEY, "writer")
    backend.list_slot(f"x\n{KEY}", f"{KEY}")
    backend.list_slot(2, "writer", status=KEY)
    answer = courier.beat("writer")
    assert [(each["title"], each["message"]) for each in answer["slots"]] == [("about …", "send … home")]
    assert answer["dropped"].count("a slot that is named by the key") == 2
    for status in (400, 401, 404, 409, 500, 302):
        said = {"error": f"{KEY}? Bearer {KEY}?", "status": KEY}
        backend.on_beat = backend.on_update = lambda handler, said=said, status=status: handler.say(
            said, status
        )
        assert not courier.beat()["ok"]
        assert not courier.update()["ok"]
    backend.on_beat = lambda handler: handler.wfile.write(f"HTTP/1.1 {KEY}\r\n\r\n".encode())
    assert not courier.beat()["ok"]
    assert courier.end() == 0
    assert KEY.encode() not in courier.heard
    assert f"Bearer {KEY}" in backend.asked[0].head.values()


def test_a_key_that_is_missing_is_said_each_time_and_nothing_is_sent(
    home: Home, backend: Backend, couriers: Start
) -> None:
    configure(home, backend.url, api_key_file="{home}/key")
    courier = couriers()
    for answer in (courier.beat(), courier.update()):
        assert (answer["ok"], answer["kind"]) == (False, "auth")
        assert "key cannot be read (No such file or directory)" in answer["problem"]
    assert backend.asked == []
    (home.root / "key").write_text(KEY, encoding="ascii")
    (home.root / "key").chmod(0o600)
    assert courier.beat()["ok"]


def test_settings_that_cannot_be_read_are_said_each_time(home: Home, couriers: Start) -> None:
    home.config.write_text("[calendar]\nurl = 7\n", encoding="utf-8")
    courier = couriers()
    answer = courier.beat()
    assert (answer["id"], answer["ok"], answer["kind"]) == (1, False, "bad")
    assert "calendar.url must be an address" in answer["problem"]
    assert courier.send(b"?")["kind"] == "bad"
    assert courier.end() == 0


def _forever(path: Path) -> None:
    path.write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nSUMMARY:Writer: sing\nDTSTART:20200101T000000Z\n"
        "DTEND:21000101T000000Z\nEND:VEVENT\nEND:VCALENDAR\n",
        encoding="utf-8",
    )


def test_an_icalendar_lists_what_takes_place_and_nobody_is_told_what_became_of_it(
    home: Home, couriers: Start
) -> None:
    configure(home, "", backend="icalendar", path="{home}/plan.ics")
    _forever(home.root / "plan.ics")
    courier = couriers()
    answer = courier.beat("writer")
    assert answer["slots"] == [
        {"id": "u/20200101T000000Z", "agent": "writer", "title": "sing", "message": "sing", "status": None}
    ]
    assert courier.update("u/20200101T000000Z") == {"id": 1, "ok": True, "status": None}
    assert courier.beat("reader")["slots"] == []


def test_without_the_libraries_it_says_what_to_install(home: Home, couriers: Start, tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands for one that is not there."""
    configure(home, "", backend="icalendar", path="{home}/plan.ics")
    _forever(home.root / "plan.ics")
    missing = "raise ModuleNotFoundError(\"No module named 'icalendar'\", name='icalendar')\n"
    (tmp_path / "icalendar.py").write_text(missing, encoding="utf-8")
    answer = couriers(PYTHONPATH=str(tmp_path)).beat("writer")
    assert (answer["ok"], answer["kind"]) == (False, "bad")
    assert answer["problem"].endswith('icalendar is missing: `pip install "iai-daemon[calendar]"` brings it')


def test_the_private_address_of_a_calendar_is_not_repeated(
    home: Home, backend: Backend, couriers: Start
) -> None:
    private = "/private-0123456789/basic.ics"
    configure(home, backend.url + private, backend="icalendar")
    backend.on_get = lambda handler: handler.say({"error": f"no {handler.path}"}, 404)
    courier = couriers()
    answer = courier.beat("writer")
    assert (answer["kind"], backend.asked[0].path) == ("refused", "/api" + private)
    courier.end()
    assert b"private-0123456789" not in courier.heard


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the end of input does it")
def test_it_dies_with_whoever_started_it_even_where_its_input_stays_open(
    home: Home, backend: Backend
) -> None:
    configure(home, backend.url)
    command = [sys.executable, "-P", "-m", "iai_daemon.agenda.slots.courier", "--home", str(home.root)]
    program = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        courier = psutil.Process(int(parent.stdout.readline()))
        parent.stdin.write(BEAT + b"\n")
        parent.stdin.flush()
        assert json.loads(parent.stdout.readline())["ok"]
        parent.kill()
        watch = Stopwatch()
        while _lives(courier) and watch.seconds() < 10:
            pause(0.01)
        assert not _lives(courier)


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for the highest mark")
def test_a_line_without_an_end_takes_no_memory(home: Home, backend: Backend, couriers: Start) -> None:
    configure(home, backend.url)
    courier = couriers()
    assert courier.send(BEAT)["ok"]
    before = _peak(courier.pid)
    assert courier.send(b"x" * 30_000_000)["problem"] == "the line is too long"
    assert _peak(courier.pid) - before < 10_000


def _peak(pid: int) -> int:
    """The most memory that a process ever had, in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def test_a_line_of_the_daemons_with_many_agents_is_read(
    home: Home, backend: Backend, couriers: Start
) -> None:
    configure(home, backend.url)
    answer: Any = couriers().beat(*(f"agent-{number}" for number in range(5000)))
    assert answer["ok"]
    assert len(backend.beats[0].body["agents"]) == 5000
    assert json.dumps(answer)
