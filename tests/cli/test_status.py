"""`status` of real daemons: who is here, what comes next and whether it comes, on terminals of every kind, and without a daemon."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iai_daemon import telling
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.telling import _describe
from iai_daemon.cli.status import nobody
from iai_daemon.clock import Now
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.units import parse_stamp
from tests.cli.calling import at_a_terminal, call, call_json, said
from tests.fakes import NOON
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, until

# Times that are seconds away, and still far enough to be told before they come.
SOON = SHORT.replace('idle_after = "600ms"', 'idle_after = "2s"\ninactive_for = "3s"').replace(
    'absent_for = "400ms"', 'absent_for = "1500ms"'
)
SCRIBE = '[agents.scribe]\ncommand = ["cat"]\n'
NOW = Now(NOON, 10_000.0, 10_000.0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def wrapper(home: Home) -> Iterator[RunningWrapper]:
    home.create()
    running = RunningWrapper(home)
    yield running
    running.leave()


def is_then(came: float, told: str) -> bool:
    """Not before its time; a machine that has much else to do is late."""
    return -0.1 < came - parse_stamp(told) < 5.0


def keys(value: object) -> object:
    """The names in an object, and in the objects within it."""
    return {name: keys(each) for name, each in value.items()} if isinstance(value, dict) else None


def test_without_a_daemon_the_object_has_the_same_fields(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    running = keys(start("").status())
    assert isinstance(running, dict)
    without = keys(nobody())
    assert isinstance(without, dict)
    assert running.keys() == without.keys()
    for part in ("presence", "next", "consolidation", "store", "tick"):
        assert running[part].keys() == without[part].keys()


def test_everybody_who_is_here_is_told_with_what_he_does(
    start: Callable[[str], RunningDaemon], wrapper: RunningWrapper
) -> None:
    daemon = start("")
    until(lambda: daemon.status()["here"])
    (quiet,) = daemon.status()["here"]
    assert (quiet["pid"], quiet["last_activity"], quiet["active"]) == (wrapper.process.pid, None, False)
    assert (quiet["host"], quiet["headless"], quiet["busy"], quiet["server"]) == (None, False, None, "cat")
    wrapper.send("tools/call")
    until(lambda: daemon.status()["here"][0]["busy"] == {"calls": 1, "recall": None})
    wrapper.answer()
    until(lambda: daemon.status()["here"][0]["busy"] is None)
    (after,) = daemon.status()["here"]
    assert after["active"]
    assert after["since"] <= after["last_activity"] <= daemon.status()["at"]


def test_what_is_told_to_come_next_comes_then(
    home: Home, start: Callable[[str], RunningDaemon], wrapper: RunningWrapper
) -> None:
    daemon = start(SOON)
    wrapper.send("tools/call")
    wrapper.answer()
    until(lambda: daemon.state() == ("WAKE", "active") and not daemon.status()["here"][0]["busy"])
    ahead = daemon.status()["next"]
    assert ahead["bedtime"]["rule"] == "inactive"
    daemon.wait_state("BEDTIME")
    transitions = call_json(home, "history")["transitions"]
    came = {each["to"]: parse_stamp(each["at"]) for each in transitions}
    assert is_then(came["IDLE"], ahead["idle"]["at"])
    assert is_then(came["BEDTIME"], ahead["bedtime"]["at"])
    assert daemon.status()["next"]["bedtime"] is None


def test_when_the_last_one_has_gone_the_night_is_told_before_it_comes(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    call_json(home, "memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z")
    daemon = start(SOON.replace('absent_for = "1500ms"', 'absent_for = "4s"'))
    ahead = daemon.status()["next"]
    assert ahead["bedtime"]["rule"] == "absent"
    assert ahead["night"] == {"at": ahead["bedtime"]["at"], "why": None}
    last = until(lambda: daemon.status()["consolidation"]["last"], 20)
    assert is_then(parse_stamp(last["started_at"]), ahead["night"]["at"])
    until(lambda: daemon.status()["next"]["night"] == {"at": None, "why": "nothing is to do"})
    assert daemon.status()["consolidation"]["last_night"]["id"] == last["id"]
    told = said(home, "status")
    assert "1 past their time" in told
    assert f"`iai-daemon nights undo {last['id']}` takes it back" in told
    call_json(home, "nights", "undo", str(last["id"]), "--yes")
    until(lambda: "; taken back " in said(home, "status"))


def test_a_night_after_another_waits_for_the_interval(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    call_json(home, "memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z")
    daemon = start(SHORT.replace('interval = "0s"', 'interval = "2h"'))
    last = until(lambda: daemon.status()["consolidation"]["last"], 20)
    night = until(lambda: daemon.status()["next"]["night"])
    assert night["why"] == "the interval since the last one"
    assert parse_stamp(night["at"]) - parse_stamp(last["started_at"]) == pytest.approx(7200, abs=5)


def test_why_no_night_comes_is_told(home: Home, start: Callable[[str], RunningDaemon]) -> None:
    daemon = start(SHORT + "enabled = false\n")
    seen = daemon.status()
    assert "consolidation.enabled" in seen["next"]["night"]["why"]
    assert seen["next"]["night"] == {"at": None, "why": seen["consolidation"]["why_not"]}


def test_the_recall_that_comes_next_is_told_and_a_paused_one_is_not(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    daemon = start(SCRIBE)
    assert daemon.status()["next"]["recall"] is None
    soon = ("--agent", "scribe", "--session", "s1", "--in", "1h")
    first = call_json(home, "recall", "add", "Water the plants.", *soon)["id"]
    later = ("--agent", "scribe", "--session", "s2", "--in", "2h")
    second = call_json(home, "recall", "add", "x" * 5000, *later)["id"]
    told = daemon.status()["next"]["recall"]
    assert (told["id"], told["agent"], told["session_id"]) == (first, "scribe", "s1")
    assert told["message"] == "Water the plants."
    assert told["at"] == daemon.status()["agenda"]["next_at"]
    call_json(home, "recall", "pause", str(first))
    told = daemon.status()["next"]["recall"]
    assert (told["id"], len(told["message"])) == (second, 200)


def test_where_users_share_an_agenda_what_another_wants_of_his_agent_is_his_own(home: Home) -> None:
    home.create()
    home.config.write_text(SCRIBE)
    call_json(home, "recall", "add", "Water.", "--agent", "scribe", "--session", "s1", "--in", "1h")
    opened = open_agenda(home)
    (due,) = opened.store.due(2**50, 1)
    opened.close()
    told = _describe(due, shared=True)
    assert (told["session_id"], told["message"]) == ("s1", "Water.")
    another = replace(due, recall=replace(due.recall, owner="somebody else"))
    told = _describe(another, shared=True)
    assert (told["agent"], told["session_id"], told["message"]) == ("scribe", None, None)


def present(number: int, **differently: Any) -> Wrapper:
    beat = Heartbeat(number, "u", NOON, reports_activity=True, client_name="codex", session_id="secret")
    return Wrapper(f"p{number}", Status.FRESH, "", beat, active_at=NOW.awake - number, **differently)


def test_of_those_on_other_hosts_neither_the_session_nor_the_process_is_told() -> None:
    (told,) = telling._here([present(1, host="mill")], [], NOW, 300.0)
    assert (told["host"], told["client"], told["active"]) == ("mill", "codex", True)
    assert (told["session_id"], told["pid"], told["since"]) == (None, None, None)
    assert "secret" not in json.dumps(told)


def test_of_a_thousand_the_thirty_two_are_told_who_did_something_last_and_people_first() -> None:
    here = [present(number, headless=number == 1) for number in range(1, 1001)]
    told = telling._here(here, [], NOW, 300.0)
    assert [each["pid"] for each in told] == list(range(2, 34))


def test_what_a_client_calls_itself_is_told_in_bounds() -> None:
    beat = Heartbeat(1, "u", NOON, client_name="c" * 5000, session_id="s" * 5000, server="x" * 5000)
    (told,) = telling._here([Wrapper("p", Status.FRESH, "", beat)], [], NOW, 300.0)
    assert len(json.dumps(told)) < 1000


def test_an_agent_that_was_woken_is_told_with_its_recall() -> None:
    runs = [{"session_id": "secret", "recall": 4}, {"session_id": None, "recall": None}]
    agent, person = telling._here([present(1, headless=True), present(2)], runs, NOW, 300.0)[::-1]
    assert agent["busy"] == {"calls": 0, "recall": 4}
    assert person["busy"] is None


def test_why_a_bedtime_has_no_night_is_told() -> None:
    assert telling._held_up(Presence(out_of_sight=True)) == "other hosts cannot be seen"
    assert telling._held_up(Presence((present(1, headless=True),))) == "an agent that was woken is at work"
    assert telling._held_up(Presence((present(1),))) == "a client has just been opened"


# On terminals.


def test_a_terminal_gets_colours_and_lines_as_wide_as_it_is(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    start("")
    shown = at_a_terminal(home, "status", COLUMNS="44")
    assert "\x1b[1;36mIDLE" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(map(len, plain.splitlines())) <= 44


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}])
def test_who_wants_no_colours_gets_none(
    home: Home, start: Callable[[str], RunningDaemon], environment: dict[str, str]
) -> None:
    start("")
    assert "\x1b" not in at_a_terminal(home, "status", **environment)


def test_a_locale_that_knows_ascii_only_gets_nothing_else(
    home: Home, start: Callable[[str], RunningDaemon]
) -> None:
    start(SCRIBE)
    said(home, "recall", "add", "Gieß die Blumen … bald", "--agent", "scribe", "--session", "s", "--in", "1h")
    assert "Gie? die Blumen ... bald" in at_a_terminal(home, "status", LC_ALL="C", COLUMNS="160")
    assert "Gieß die Blumen … bald" in at_a_terminal(home, "status", LC_ALL="C.UTF-8", COLUMNS="160")


def test_what_is_piped_is_plain_and_a_line_for_each_thing(
    home: Home, start: Callable[[str], RunningDaemon], wrapper: RunningWrapper
) -> None:
    daemon = start("")
    until(lambda: daemon.status()["here"])
    told = said(home, "status")
    assert "\x1b" not in told
    assert re.search(
        r"^here      a client without a name: nothing done yet, open since \d\d:\d\d$", told, re.MULTILINE
    )


# Without a daemon.


def test_without_a_daemon_the_note_of_the_last_night_is_shown(home: Home) -> None:
    home.create()
    home.last_night.write_text("Last night: three facts.\x1b[2J\n" + "x" * 100_000)
    done = call(home, "status")
    assert (done.returncode, "start it with" in done.stderr) == (1, True)
    assert done.stdout.startswith("The note of the last night:\nLast night: three facts.\ufffd[2J\n")
    assert len(done.stdout) < 5000
    assert call_json(home, "status", status=1)["pid"] is None


def test_without_a_daemon_and_a_night_nothing_is_made_up(home: Home) -> None:
    done = call(home, "status")
    assert (done.returncode, done.stdout) == (1, "")
