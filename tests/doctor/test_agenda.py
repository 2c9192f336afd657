"""What is planned and does not happen, agents that cannot be woken, and agents that are woken to see."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import Draft, NewRun, Recall, State
from iai_daemon.agenda.schedule.triggers import made_at
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Outcome, Settle
from iai_daemon.clock import read
from iai_daemon.control import client
from iai_daemon.doctor.checks import agenda
from iai_daemon.doctor.examine import Check, examine
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.doctor.registry import wake_test
from iai_daemon.errors import DaemonMute, Refused
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.agenda.plans import MINUTE, NOON, draft
from tests.doctor.looking import failing, look
from tests.doctor.remembering import after, daemon
from tests.journeys.real import SHORT, RunningDaemon, call, call_json, command, until, wrapper_file
from tests.journeys.test_recalls import AGENT as SCRIBE
from tests.journeys.test_recalls import CONFIG

AGENT = '[agents.a]\ncommand = ["/bin/echo", "{message}"]\n'


@contextlib.contextmanager
def kept(home: Home) -> Iterator[AgendaStore]:
    opened = open_agenda(home)
    try:
        yield opened.store
    finally:
        opened.close()


def plan(store: AgendaStore, moment: int, session: str = "s", **changes: Any) -> Recall:
    """A recall that fires once, then."""
    wanted: Draft = draft(session, made_at(format_stamp(moment / 1000), "UTC", moment - 1), **changes)
    return store.add(wanted, first(wanted, moment - 1), moment - 1)


def run(store: AgendaStore, state: State, number: int) -> None:
    """What was planned for so many minutes after noon was carried out then, and ended so."""
    now = NOON + number * MINUTE
    plan(store, now, f"s{number}")
    (due,) = store.due(now, 1)
    assert store.claim(due.occurrence.id, "test", now + MINUTE, None, now)
    begun = store.begin(due.occurrence.id, "test", NewRun("a", f"s{number}"), now)
    assert begun is not None
    store.end(begun, Outcome(state, 0, ""), now + 1000)


def beside(
    home: Home,
    pid: int = 0,
    seconds: float = 0.0,
    running: Sequence[object] = (),
    looked_at: float | None = None,
) -> dict[str, Finding]:
    """What is found where a daemon is this process, and says that these agents are at work, and when it looked last."""
    now = after(seconds)
    at = format_stamp(now.wall if looked_at is None else after(looked_at).wall)
    status = {"pid": pid, "agenda": {"running": running}, "tick": {"at": at}}
    patient = replace(meet(home, now), status=status)
    return {each.name: each for each in examine(patient, [Check("agenda", agenda.look)])}


def wake(home: Home, name: str) -> Finding:
    (found,) = examine(meet(home, read()), [wake_test(name)])
    assert found.name == "agenda.wake-test"
    return found


def test_without_a_memory_there_are_no_recalls(tmp_path: Path) -> None:
    found = look(Home(tmp_path / "none"), "agenda")
    assert failing(found) == {}
    assert found["agenda"].seen == "there is no memory yet, so no recalls"


def test_what_is_to_come_is_counted(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        plan(store, NOON + MINUTE)
    found = look(home, "agenda", after())
    assert failing(found) == {}
    assert found["agenda"].seen == "recalls to come: 1, the next at 2026-11-21T12:01:00.000Z"
    assert "the programs of a are there" in found["agenda.agents"].seen


def test_what_is_long_due_beside_a_daemon_is_a_failure(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        recall = plan(store, NOON)
    assert failing(beside(home, seconds=119)) == {}
    found = beside(home, seconds=121)["agenda"]
    assert found.status is Verdict.FAIL
    assert f"recall {recall.id} has been due for 2 min" in found.seen
    assert "`iai-daemon logs`" in (found.remedy or "")
    assert failing(beside(home, seconds=3600, looked_at=60)) == {}, "the machine has slept since"
    busy = beside(home, seconds=121, running=[{}, {}, {}])
    assert (failing(busy), "3 agents are at work" in busy["agenda"].seen) == ({}, True)


def test_what_is_due_without_a_daemon_is_told_with_the_command_that_starts_one(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        plan(store, NOON)
    found = look(home, "agenda", after(10))["agenda"]
    assert (found.status, found.remedy) == (Verdict.WARN, "`iai-daemon start`")


def test_where_hosts_share_an_agenda_what_is_due_goes_by_their_servers_clock(
    home: Home, new_database: Callable[[], str]
) -> None:
    """This host's is far behind."""
    home.config.write_text(f'{AGENT}[memory]\nstore = "{new_database()}"\n')
    with kept(home) as store:
        plan(store, store.clock(0) - 5_000)
        assert "due now: 1" in beside(home)["agenda"].seen
        assert failing(look(home, "agenda", after())) == {}
        plan(store, store.clock(0) - 3 * MINUTE, "another")
    assert beside(home)["agenda"].status is Verdict.FAIL
    assert look(home, "agenda", after())["agenda"].remedy == "`iai-daemon start`"


def test_what_another_host_is_to_wake_is_told_when_nobody_has_taken_it(
    home: Home, new_database: Callable[[], str]
) -> None:
    home.config.write_text(f'{AGENT}[memory]\nstore = "{new_database()}"\n')
    with kept(home) as store:
        plan(store, store.clock(0) - 5_000, agent="theirs")
        assert failing(beside(home)) == {}
        plan(store, store.clock(0) - 3 * MINUTE, "another", agent="gone")
    found = beside(home)
    assert found["agenda"].status is Verdict.OK
    assert found["agenda.recalls"].status is Verdict.WARN
    assert "recalls of agent gone are due since" in found["agenda.recalls"].seen
    assert "[agents.gone]" in (found["agenda.recalls"].remedy or "")


def test_a_recall_for_an_agent_that_nobody_defines_is_a_failure(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        recall = plan(store, NOON, agent="gone")
    found = look(home, "agenda", after(-60))["agenda.recalls"]
    assert found.status is Verdict.FAIL
    assert f"recall {recall.id} is for what the settings do not define: gone" in found.seen
    assert f"`iai-daemon recall cancel {recall.id}`" in (found.remedy or "")
    with kept(home) as store:
        store.cancel(recall.id, "not wanted", NOON)
    assert failing(look(home, "agenda", after())) == {}


def test_what_was_missed_since_yesterday_is_told_for_a_day(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        plan(store, NOON)
        (due,) = store.due(NOON, 1)
        store.settle([Settle(due.occurrence.id, State.MISSED, "nobody was there")], NOON)
    found = look(home, "agenda", after(60))["agenda.missed"]
    assert (found.status, found.seen) == (Verdict.WARN, "one was missed in the last 24 h")
    assert "`iai-daemon recall history`" in (found.remedy or "")
    assert failing(look(home, "agenda", after(90_000))) == {}


def test_an_agent_whose_last_three_runs_failed_is_told(home: Home) -> None:
    home.config.write_text(AGENT)
    with kept(home) as store:
        for number, state in enumerate([State.DONE, State.FAILED, State.FAILED]):
            run(store, state, number)
        assert failing(look(home, "agenda", after(3600))) == {}
        run(store, State.UNCONFIRMED, 3)
        found = look(home, "agenda", after(3600))["agenda.runs"]
        assert (found.status, "the last 3 runs all failed of a" in found.seen) == (Verdict.WARN, True)
        assert "`iai-daemon doctor --wake-test a`" in (found.remedy or "")
        run(store, State.DONE, 4)
    assert failing(look(home, "agenda", after(3600))) == {}


def test_a_limit_that_keeps_a_recall_waiting_is_told(home: Home) -> None:
    home.config.write_text(AGENT + "max_runs_per_day = 1\n")
    with kept(home) as store:
        run(store, State.DONE, 0)
        assert failing(look(home, "agenda", after(3600))) == {}
        plan(store, NOON + 120 * MINUTE, "later")
    found = look(home, "agenda", after(3600))["agenda.limits"]
    assert (found.status, found.seen) == (Verdict.WARN, "the limit of 1 runs a day for a is reached")
    assert "max_runs_per_day" in (found.remedy or "")
    assert failing(look(home, "agenda", after(90_000))).keys() == {"agenda"}  # due, and nobody there


def test_a_program_is_looked_for_where_the_daemon_looks(home: Home, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "scribe"
    program.parent.mkdir()
    program.touch(0o755)
    home.config.write_text('[agents.a]\ncommand = ["scribe"]\ncwd = "/"\nenv = ["PATH"]\n')
    found = look(home, "agenda")["agenda.agents"]
    assert found.status is Verdict.FAIL
    assert "there is no program scribe on its PATH" in found.seen
    assert "whole path" in (found.remedy or "")
    with daemon({"PATH": str(program.parent)}) as pid:
        assert failing(beside(home, pid)) == {}
    with daemon({"PATH": "/bin"}) as pid:
        assert beside(home, pid)["agenda.agents"].status is Verdict.FAIL


def test_a_directory_that_is_gone_is_told(home: Home) -> None:
    home.config.write_text('[agents.a]\ncommand = ["/bin/echo"]\ncwd = "/no/such/place"\n')
    found = look(home, "agenda")["agenda.agents"]
    assert (found.status, "there is no directory /no/such/place" in found.seen) == (Verdict.FAIL, True)


def test_what_an_agent_is_to_get_and_the_daemon_does_not_have_is_told(home: Home) -> None:
    home.config.write_text('[agents.a]\ncommand = ["/bin/echo"]\ncwd = "/"\nenv = ["SCRIBE_KEY"]\n')
    with daemon({}) as pid:
        found = beside(home, pid)["agenda.environment"]
    assert (found.status, "SCRIBE_KEY" in found.seen) == (Verdict.WARN, True)
    with daemon({"SCRIBE_KEY": "sesame"}) as pid:
        assert failing(beside(home, pid)) == {}


# Agents that are woken to see.


def agent(*words: str, timeout: str = "20s", more: str = "") -> str:
    """Settings with an agent `a` that does this in a shell."""
    return (
        f'{SHORT}[agents.a]\ncommand = {json.dumps(["/bin/sh", "-c", *words])}\ntimeout = "{timeout}"\n{more}'
    )


def test_an_agent_that_there_is_not_is_named_with_the_nearest(home: Home) -> None:
    home.config.write_text('[agents.claude]\ncommand = ["/bin/echo"]\n')
    found = wake(home, "cluade")
    assert found.status is Verdict.FAIL
    assert "There is no agent cluade" in found.seen
    assert "claude" in found.seen


def test_without_a_daemon_an_agent_is_woken_from_this_terminal_which_is_said(home: Home) -> None:
    home.config.write_text(agent("echo hello there"))
    found = wake(home, "a")
    assert found.status is Verdict.OK
    assert "no daemon is running, so in this terminal's environment" in found.seen
    assert found.seen.endswith("it said last: hello there")
    home.config.write_text(agent("echo no such session; exit 3"))
    found = wake(home, "a")
    assert found.status is Verdict.FAIL
    assert ": exit status 3; it said last: no such session" in found.seen
    assert "`iai-daemon agents test a`" in (found.remedy or "")
    assert not home.memory.exists()


def test_an_agent_that_goes_on_with_a_session_may_fail_for_want_of_one(home: Home) -> None:
    home.config.write_text(agent("exit 1", "{session_id}"))
    assert "`iai-daemon agents test a --session ID`" in (wake(home, "a").remedy or "")


def test_the_daemon_wakes_an_agent_in_its_own_environment_and_for_no_recall(
    home: Home, start_daemon: Callable[..., RunningDaemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIBE", "of the daemon")
    start_daemon(agent("echo $SCRIBE $0", "{message}", more='env = ["SCRIBE", "PATH"]\n'))
    monkeypatch.setenv("SCRIBE", "of this terminal")
    found = wake(home, "a")
    assert found.status is Verdict.OK
    assert "a was woken by the daemon, as for a recall" in found.seen
    assert "it said last: of the daemon Say hello" in found.seen
    assert call_json(home, "recall", "history")["occurrences"] == []
    assert call_json(home, "agents", "list")["agents"][0]["runs"] == 0


def test_an_agent_that_the_daemon_cannot_wake_or_that_takes_too_long_fails(
    home: Home, start_daemon: Callable[..., RunningDaemon]
) -> None:
    lost = '[agents.lost]\ncommand = ["/no/such/program"]\n'
    start_daemon(agent("read nothing; exec tail -f /dev/null", timeout="300ms", more=lost))
    found = wake(home, "a")
    assert (found.status, "its time limit" in found.seen) == (Verdict.FAIL, True)
    found = wake(home, "lost")
    assert (found.status, "there is no program /no/such/program" in found.seen) == (Verdict.FAIL, True)


def test_what_is_asked_wrongly_is_refused(home: Home, start_daemon: Callable[..., RunningDaemon]) -> None:
    start_daemon(agent("true"))
    for params, why in [
        ({}, "agent must be the name"),
        ({"agent": ["a"]}, "agent must be the name"),
        ({"agent": "a", "message": "m"}, "There is no 'message'"),
        ({"agent": "b"}, "There is no agent b"),
    ]:
        with pytest.raises(Refused, match=why):
            client.ask(home, "wake_test", params)


def test_who_hangs_up_ends_the_agent_and_frees_its_place(
    home: Home, tmp_path: Path, start_daemon: Callable[..., RunningDaemon]
) -> None:
    told = tmp_path / "pid"
    endless = f"echo $$ > {told}.new; mv {told}.new {told}; exec tail -f /dev/null"
    start_daemon(agent(endless, more="[agenda]\nmax_concurrent = 1\n[agents.b]\ncommand = ['/bin/true']\n"))
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(home.socket))
        caller.sendall(b'{"jsonrpc":"2.0","id":1,"method":"wake_test","params":{"agent":"a"}}\n')
        until(told.exists)
        process = psutil.Process(int(told.read_text()))
        found = wake(home, "b")
        assert (found.status, "1 agents are at work" in found.seen) == (Verdict.FAIL, True)
    until(lambda: not process.is_running())
    until(lambda: wake(home, "b").status is Verdict.OK)


def test_the_wrappers_of_an_agent_that_is_tried_out_are_not_the_user(
    home: Home, tmp_path: Path, start_daemon: Callable[..., RunningDaemon]
) -> None:
    told, script = tmp_path / "told", tmp_path / "scribe"
    script.write_text(SCRIBE.format(python=sys.executable, wrapper=wrapper_file()))
    script.chmod(0o700)
    daemon = start_daemon(CONFIG.format(script=script, told=told))
    daemon.wait_state("BEDTIME")
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(home.socket))
        caller.sendall(b'{"jsonrpc":"2.0","id":1,"method":"wake_test","params":{"agent":"scribe"}}\n')
        until(told.with_suffix(".begun").exists)
        until(lambda: [each["headless"] for each in call_json(home, "presence")["wrappers"]] == [True])
        assert daemon.state()[0] == "BEDTIME"
        assert "scribe is being tried out, since " in call(home, "status").stdout
        told.with_suffix(".end").touch()
        assert b"seen to it" in caller.makefile("rb").readline()


@pytest.mark.parametrize("beside_a_daemon", [True, False])
def test_who_interrupts_the_doctor_ends_the_agent(
    home: Home, tmp_path: Path, start_daemon: Callable[..., RunningDaemon], beside_a_daemon: bool
) -> None:
    told = tmp_path / "pid"
    text = agent(f"echo $$ > {told}.new; mv {told}.new {told}; exec tail -f /dev/null")
    home.config.write_text(text)
    if beside_a_daemon:
        start_daemon(text)
    doctor = subprocess.Popen(
        command(home, "doctor", "--wake-test", "a"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until(told.exists)
    process = psutil.Process(int(told.read_text()))
    doctor.send_signal(signal.SIGINT)
    doctor.communicate(timeout=10)
    assert doctor.returncode != 0
    until(lambda: not process.is_running())


def test_a_daemon_that_does_not_answer_wakes_nobody(home: Home) -> None:
    home.config.write_text(agent("echo hello"))
    mute = DaemonMute(home=home.root, seconds=1, log=home.log)
    (found,) = examine(replace(meet(home, read()), away=mute), [wake_test("a")])
    assert (found.status, found.seen) == (Verdict.WARN, "not checked: the daemon does not answer")


def test_a_home_that_is_in_use_is_well(home: Home, start_daemon: Callable[..., RunningDaemon]) -> None:
    daemon = start_daemon(agent("echo hello"))
    for each in ("The build is green.", "The release is on Friday."):
        assert call(home, "memory", "add", each).returncode == 0
    call_json(home, "recall", "add", "Look.", "--session", "s", "--in", "1h")
    until(lambda: (daemon.status()["consolidation"]["last"] or {}).get("outcome") == "completed", 30)
    for check in ("store", "nights", "embedder", "agenda", "agenda.calendar"):
        assert failing(look(home, check)) == {}
