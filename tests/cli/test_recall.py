"""`iai-daemon recall`, without a daemon unless the test says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from iai_daemon.agenda.recall import State
from iai_daemon.paths import Home
from iai_daemon.units import parse_stamp
from tests.cli import calling
from tests.cli.inside import call, call_json, refused, said
from tests.cli.planning import CLAUDE, NOTE, TO_CLAUDE, carry_out, with_agents
from tests.journeys.real import SHORT, RunningDaemon

# The fields that other programs know recalls by.
FIELDS = {
    "id",
    "session_id",
    "call_type",
    "trigger_at",
    "interval_seconds",
    "internal_comment",
    "additional_context_message",
    "status",
    "created_at",
    "updated_at",
}


@pytest.fixture(autouse=True)
def _agents(home: Home) -> None:
    with_agents(home)


def add(home: Home, *words: str, session: str = "s1") -> dict[str, Any]:
    return call_json(home, "recall", "add", "Look.", "--agent", "claude", "--session", session, *words)


def ids(answer: dict[str, Any]) -> list[int]:
    return [each["id"] for each in answer["recalls"]]


def states(home: Home, *words: str) -> list[str]:
    return [each["state"] for each in call_json(home, "recall", "history", *words)["occurrences"]]


def test_a_dry_run_shows_the_next_ten_times_and_writes_nothing(home: Home) -> None:
    words = ("recall", "add", "Look.", *TO_CLAUDE, "--cron", "0 9 * * mon-fri", "--tz", "America/New_York")
    answer = call_json(home, *words, "--dry-run")
    assert len(answer["next"]) == 10
    assert all(" 09:00 E" in each["local"] for each in answer["next"])
    assert not [each for each in answer["next"] if each["local"].startswith(("Sat", "Sun"))]
    moments = [parse_stamp(each["at"]) for each in answer["next"]]
    assert moments == sorted(set(moments))
    assert answer["problem"] is None
    assert said(home, *words, "--dry-run").splitlines() == [each["local"] for each in answer["next"]]
    assert not home.memory.exists()


@pytest.mark.parametrize(
    ("when", "times"),
    [(("--in", "20m"), 1), (("--now",), 1), (("--every", "6h"), 10), (("--rrule", "FREQ=DAILY;COUNT=3"), 3)],
)
def test_a_dry_run_shows_as_many_times_as_there_are(home: Home, when: Sequence[str], times: int) -> None:
    answer = call_json(home, "recall", "add", "Look.", *TO_CLAUDE, *when, "--dry-run")
    assert len(answer["next"]) == times


def test_a_dry_run_ends_where_the_recall_does(home: Home) -> None:
    soon = call_json(home, "recall", "add", "Look.", *TO_CLAUDE, "--in", "18m", "--dry-run")["next"][0]["at"]
    answer = call_json(
        home, "recall", "add", "Look.", *TO_CLAUDE, "--every", "5m", "--until", soon, "--dry-run"
    )
    assert len(answer["next"]) == 3


def test_a_dry_run_says_what_would_be_refused_and_shows_the_times_all_the_same(home: Home) -> None:
    done = call(
        home, "recall", "add", "Look.", "--agent", "nobody", "--session", "s", "--in", "1h", "--dry-run"
    )
    assert done.returncode == 0
    assert "it would be refused: There is no agent nobody" in done.stderr
    assert done.stdout.count("\n") == 1


def test_what_is_added_is_told_with_the_fields_that_others_know_and_ours(home: Home) -> None:
    made = add(home, "--every", "90m", "--comment", "hourly, more or less")
    assert set(made) > FIELDS
    first = parse_stamp(made["trigger_at"]) - parse_stamp(made["created_at"])
    assert first == pytest.approx(5400)
    shown = {name: made[name] for name in FIELDS - {"created_at", "updated_at", "trigger_at", "id"}}
    assert shown == {
        "session_id": "s1",
        "call_type": "recurring",
        "interval_seconds": 5400,
        "internal_comment": "hourly, more or less",
        "additional_context_message": "Look.",
        "status": "pending",
    }
    assert (made["agent"], made["made_by"], made["paused"], made["reason"]) == ("claude", "user", False, None)
    assert made["trigger"] == {"kind": "every", "expression": "5400", "tz": made["trigger"]["tz"]}
    (listed,) = call_json(home, "recall", "list")["recalls"]
    assert listed == {name: value for name, value in made.items() if name != "daemon"}


@pytest.mark.parametrize(
    ("when", "call_type", "retries"),
    [
        (("--at", "2100-01-01 09:00"), "once", 2),
        (("--in", "1h"), "once", 2),
        (("--now",), "immediate", 2),
        (("--every", "1d"), "recurring", 0),
        (("--cron", "@daily"), "recurring", 0),
        (("--rrule", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9"), "recurring", 0),
        (("--every", "1d", "--retries", "3"), "recurring", 3),
        (("--in", "1h", "--retries", "0"), "once", 0),
    ],
)
def test_what_fires_once_is_tried_again_unless_said_otherwise(
    home: Home, when: Sequence[str], call_type: str, retries: int
) -> None:
    made = add(home, *when)
    assert (made["call_type"], made["policy"]["retries"]) == (call_type, retries)
    if call_type != "recurring" or when[0] != "--every":
        assert made["interval_seconds"] is None


def test_a_recall_keeps_how_it_is_to_be_carried_out(home: Home) -> None:
    policy = {
        "catch_up": "all",
        "catch_up_window": "48h",
        "overlap": "queue",
        "jitter": "10m",
        "retries": 4,
        "backoff": "90s",
        "max_defer": "1h",
    }
    words = [word for name, value in policy.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    made = add(home, "--cron", "0 9 * * *", "--until", "2100-01-01T00:00:00Z", *words)
    assert made["policy"] == policy
    assert made["expires_at"] == "2100-01-01T00:00:00.000Z"
    assert call_json(home, "recall", "show", "1")["policy"] == policy


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "and this one does not say when."),
        (("--in", "1h", "--now"), "and this one has in and now."),
        (("--at", "2020-01-01 09:00"), "is in the past"),
        (("--in", "soon"), "is no time to wait"),
        (("--cron", "0 0 30 2 *"), "0 0 30 2 *"),
        (("--every", "10ms"), "An interval lasts from a second"),
        (("--in", "1h", "--tz", "Europe/Pariss"), "say an IANA name such as Europe/Paris"),
        (("--in", "1h", "--until", "2020-01-01"), "until: "),
        (("--in", "2h", "--until", "09:00", "--tz", "nowhere"), "There is no time zone"),
        (("--in", "1h", "--jitter", "45d"), "jitter must be at most 30d."),
        (("--in", "1h", "--max-defer", "never"), "max-defer must be a duration with an end"),
        (("--in", "1h", "--backoff", "2"), "backoff: '2' is not a duration"),
        (("--in", "1h", "--retries", "99"), "retries must be a number from 0 to 20."),
        (("--in", "1h", "--retries", "-1"), "retries must be a number from 0 to 20."),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_one_sentence(
    home: Home, words: Sequence[str], sentence: str
) -> None:
    assert sentence in refused(home, "recall", "add", "Look.", *TO_CLAUDE, *words, status=2)
    assert call_json(home, "recall", "list", "--all")["recalls"] == []


def test_the_agent_may_be_left_out_where_there_is_one(home: Home) -> None:
    words = ("recall", "add", "Look.", "--session", "s1", "--in", "1h")
    assert refused(home, *words, status=2) == "Say which agent is to be woken: there are claude, note."
    near = refused(home, *words, "--agent", "clade")
    assert near.startswith('There is no agent clade: did you mean "claude"?')
    with_agents(home, NOTE)
    assert call_json(home, *words)["agent"] == "note"
    home.config.unlink()
    assert f"[agents.NAME] in {home.config}" in refused(home, *words, status=2)


@pytest.mark.parametrize("session", ["", " ", "--dangerously-skip-permissions", "a\nb", "x" * 257])
def test_a_session_is_an_id_and_never_an_option_of_the_agent(home: Home, session: str) -> None:
    words = ("recall", "add", "Look.", "--agent", "claude", f"--session={session}", "--in", "1h")
    assert "named by its id" in refused(home, *words, status=2)


def test_a_message_may_come_from_standard_input_and_has_bounds(home: Home) -> None:
    words = ("recall", "add", "-", "--agent", "claude", "--in", "1h")
    made = call_json(home, *words, "--session", "s1", stdin="Two\nlines.\n")
    assert made["additional_context_message"] == "Two\nlines."
    assert call(home, *words, "--session", "s2", stdin="é" * 20_000).returncode == 0
    for text in ("", " \n", "x" * 20_001, "zero\0byte"):
        done = call(home, *words, "--session", "s3", stdin=text)
        assert done.returncode == 2
        assert "The message must be a text of 1 to 20,000 characters" in done.stderr


def test_a_list_shows_the_beginning_of_a_message_on_one_line(home: Home) -> None:
    call_json(home, "recall", "add", "看" * 70, *TO_CLAUDE, "--in", "1h")
    call_json(home, "recall", "add", "Two\nlines.", "--agent", "claude", "--session", "s2", "--in", "2h")
    second, first = said(home, "recall", "list").splitlines()
    assert second.endswith("once: Two lines.")
    assert first.endswith(f"once: {'看' * 59}…")


def test_a_session_has_one_pending_recall_and_the_refusal_names_it(home: Home) -> None:
    first = add(home, "--in", "1h")
    why = refused(home, "recall", "add", "Look.", *TO_CLAUDE, "--in", "2h")
    assert "session s1 has a pending recall already" in why
    assert str(first["id"]) in why
    add(home, "--in", "2h", session="s2")


def test_without_a_daemon_it_says_that_nothing_fires(home: Home) -> None:
    told = said(home, "recall", "add", "Look.", *TO_CLAUDE, "--in", "1h")
    assert told.startswith("recall 1 wakes claude in the session s1: ")
    assert "no daemon is running: nothing fires until one does (`iai-daemon run`)" in told


def test_a_daemon_that_runs_is_told(home: Home) -> None:
    daemon = RunningDaemon(home, SHORT + CLAUDE)
    try:
        assert add(home, "--in", "1h")["daemon"] is True
        assert "no daemon" not in said(home, "recall", "add", "Look.", "--session", "s2", "--in", "1h")
    finally:
        daemon.stop()


def test_as_a_program_it_is_the_same(home: Home) -> None:
    made = calling.call_json(
        home, "recall", "add", "-", *TO_CLAUDE, "--cron", "0 9 * * *", stdin="Schön: ☕\n"
    )
    assert made["additional_context_message"] == "Schön: ☕"
    assert calling.call_json(home, "recall", "list")["recalls"][0]["id"] == made["id"]
    assert "Schön: ☕" in calling.said(home, "recall", "list")
    assert "does not say when" in calling.refused(home, "recall", "add", "x", *TO_CLAUDE, status=2)


def test_recalls_are_listed_with_what_is_due_last_first(home: Home) -> None:
    for number, hours in enumerate((2, 3, 1), 1):
        add(home, "--in", f"{hours}h", session=f"s{number}")
    assert ids(call_json(home, "recall", "list")) == [2, 1, 3]
    assert ids(call_json(home, "recall", "list", "--limit", "1", "--offset", "1")) == [1]
    assert ids(call_json(home, "recall", "list", "--session", "s3")) == [3]
    assert ids(call_json(home, "recall", "list", "--user", "nobody-of-that-name")) == []
    call_json(home, "recall", "cancel", "2")
    assert ids(call_json(home, "recall", "list")) == [1, 3]
    every = call_json(home, "recall", "list", "--all")
    assert ids(every) == [2, 1, 3]
    assert every["recalls"][0]["status"] == "cancelled"
    assert every["recalls"][0]["trigger_at"] is not None
    lines = said(home, "recall", "list").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "3"]
    assert "claude in s1  once: Look." in lines[0]


def test_a_recall_is_cancelled_by_its_id_or_with_all_of_its_session(home: Home) -> None:
    add(home, "--in", "1h")
    assert call_json(home, "recall", "cancel", "1")["cancelled"] == [1]
    again = call_json(home, "recall", "cancel", "1")
    assert (again["cancelled"], again["recalls"][0]["status"]) == ([], "cancelled")
    add(home, "--every", "1h")
    assert call_json(home, "recall", "cancel", "--session", "s1")["cancelled"] == [2]
    assert said(home, "recall", "cancel", "--session", "s1") == "nothing was to come in the session s1\n"
    assert refused(home, "recall", "cancel", status=2).startswith("Say what to cancel")
    assert refused(home, "recall", "cancel", "1", "--session", "s1", status=2).startswith(
        "Say what to cancel"
    )
    assert states(home) == ["cancelled", "cancelled"]


def test_the_next_time_of_what_recurs_is_skipped(home: Home) -> None:
    made = add(home, "--every", "1h")
    told = call_json(home, "recall", "skip", "1")
    assert told["skipped"] == made["trigger_at"]
    assert parse_stamp(told["trigger_at"]) - parse_stamp(made["trigger_at"]) == pytest.approx(3600)
    assert states(home) == ["skipped", "planned"]
    assert "recall 1 skips" in said(home, "recall", "skip", "1")
    add(home, "--in", "1h", session="s2")
    assert refused(home, "recall", "skip", "2") == (
        "Recall 2 fires once, so there is no next time to go on with: cancel it."
    )


def test_a_recall_is_paused_and_goes_on(home: Home) -> None:
    made = add(home, "--cron", "0 9 * * *")
    assert call_json(home, "recall", "pause", "1")["changed"] is True
    assert said(home, "recall", "pause", "1") == "recall 1 is paused already\n"
    assert "paused" in said(home, "recall", "list")
    assert call_json(home, "recall", "list")["recalls"][0]["paused"] is True
    told = call_json(home, "recall", "resume", "1")
    assert (told["changed"], told["paused"], told["status"]) == (True, False, "pending")
    assert told["trigger_at"] == made["trigger_at"]
    assert call_json(home, "recall", "resume", "1")["changed"] is False


def test_a_recall_that_is_paused_goes_on_where_it_was(home: Home) -> None:
    add(home, "--cron", "0 9 * * *")
    next_at = call_json(home, "recall", "skip", "1")["trigger_at"]
    call_json(home, "recall", "pause", "1")
    assert call_json(home, "recall", "resume", "1")["trigger_at"] == next_at
    assert states(home) == ["skipped", "planned"]


def test_a_recall_gets_another_plan(home: Home) -> None:
    add(home, "--in", "1h")
    told = call_json(home, "recall", "reschedule", "1", "--at", "2100-01-01T09:00:00Z")
    assert (told["trigger_at"], told["call_type"]) == ("2100-01-01T09:00:00.000Z", "once")
    told = call_json(home, "recall", "reschedule", "1", "--every", "2h")
    assert (told["interval_seconds"], told["call_type"]) == (7200, "recurring")
    assert "does not say when" in refused(home, "recall", "reschedule", "1", status=2)
    assert states(home) == ["cancelled", "cancelled", "planned"]


def test_what_expires_is_not_planned_for_later(home: Home) -> None:
    add(home, "--in", "1h", "--until", "2099-01-01T00:00:00Z")
    why = refused(home, "recall", "reschedule", "1", "--at", "2100-01-01T09:00:00Z", status=2)
    assert why == "It would never fire: it expires before its first time."


def test_a_recall_runs_now_once_more_than_planned_where_it_recurs(home: Home) -> None:
    made = add(home, "--every", "6h")
    told = said(home, "recall", "run", "1")
    assert told.startswith("recall 1 is due now; no daemon is running")
    occurrences = call_json(home, "recall", "history", "1")["occurrences"]
    assert sorted(each["extra"] for each in occurrences) == [False, True]
    coming = call_json(home, "recall", "show", "1")["next"]
    assert coming[1]["at"] == made["trigger_at"]
    add(home, "--in", "6h", session="s2")
    call_json(home, "recall", "run", "2")
    assert states(home, "2") == ["planned"]


def test_what_was_done_is_shown_with_what_the_agent_wrote(home: Home) -> None:
    add(home, "--now")
    carry_out(home, "All is \x1b[31mgreen\x1b[0m.\n")
    shown = call_json(home, "recall", "show", "1")
    assert (shown["status"], shown["next"]) == ("fired", [])
    (occurrence,) = shown["occurrences"]
    assert (occurrence["state"], occurrence["exit_status"], occurrence["deferred"]) == ("done", 0, [])
    assert occurrence["runs"][0]["output"] == "All is \x1b[31mgreen\x1b[0m.\n"
    told = said(home, "recall", "show", "1")
    assert "All is \ufffd[31mgreen" in told
    assert "\x1b" not in told
    (line,) = call_json(home, "recall", "history", "1")["occurrences"]
    assert {"recall", "session_id", "scheduled_for", "state", "reason", "deferrals"} < set(line)
    assert line["started_at"] <= line["ended_at"]


def test_what_failed_says_why(home: Home) -> None:
    add(home, "--now", "--retries", "0")
    carry_out(home, "no network\n", state=State.FAILED, status=3)
    assert "failed; exit status 3" in said(home, "recall", "history")
    assert call_json(home, "recall", "show", "1")["status"] == "failed"
    for change in ("pause", "resume", "skip", "run"):
        assert refused(home, "recall", change, "1")
    assert "Nothing more is to come of recall 1 (failed)" in refused(home, "recall", "run", "1")


def test_history_is_oldest_first_and_bounded(home: Home) -> None:
    add(home, "--every", "1h")
    for _ in range(3):
        call_json(home, "recall", "skip", "1")
    told = call_json(home, "recall", "history", "--limit", "2")["occurrences"]
    assert [each["state"] for each in told] == ["skipped", "planned"]
    times = [each["scheduled_for"] for each in call_json(home, "recall", "history", "1")["occurrences"]]
    assert times == sorted(times)


@pytest.mark.parametrize("command", ["show", "cancel", "skip", "pause", "resume", "run", "history"])
def test_a_recall_that_is_not_there_is_refused(home: Home, command: str) -> None:
    why = refused(home, "recall", command, "99")
    assert why == "There is no recall 99: `iai-daemon recall list` shows them."
    assert call(home, "recall", command, "0").returncode == 2
