"""How the daemon stands, each row with its words, its tone and what it is worth."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Row
from iai_daemon.cli.standing import rows
from tests.cli.test_status_rows import DAY, HOUR, MINUTE, at, consolidation, night, status
from tests.fakes import NOON

# At noon in UTC it is 13:00 there.
BERLIN = ZoneInfo("Europe/Berlin")


def told(label: str, **differently: Any) -> list[Row]:
    return [row for row in rows(status(**differently), NOON, BERLIN) if row.label == label]


def test_everything_stands_on_one_screen_in_this_order() -> None:
    entry = {"what": "store", "why": "why", "fix": "fix"}
    recall = {"at": at(HOUR), "id": 4, "agent": "scribe", "message": ""}
    agenda = {"running": [{"recall": 4, "agent": "scribe", "since": at(0)}], "calendar": CALENDAR}
    waiting = {"review": 1, "budget": 1}
    seen = status(
        hosts=[host()],
        consolidation=consolidation(last=night(), waiting=waiting, why_not="asked"),
        next={"recall": recall},
        agenda=agenda,
        degraded=[entry],
    )
    assert [row.label for row in rows(seen, NOON, BERLIN)] == [
        *("state", "why", "here", "hosts", "night", "next", "agents", "calendar"),
        *("memory", "waiting", "waiting", "disabled", "degraded", "daemon"),
    ]


# --- the state


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("active", "someone is at work"),
        ("settled", "a client has just been opened"),
        ("idle", "nobody has done anything for a while"),
        ("nobody", "no client is open"),
        ("inactive", "clients are open, and nobody has used them for long"),
        ("absent", "everybody has left"),
        ("overdue", "a night has been waited for too long"),
        ("asked", "you asked for it"),
        ("started", "the daemon has just started"),
        ("a new one", "a new one"),
    ],
)
def test_each_rule_has_its_words(rule: str, words: str) -> None:
    (row,) = told("state", rule=rule)
    assert row.text == f"IDLE: {words}, since 12:00 (60 min ago)"


@pytest.mark.parametrize(
    ("state", "tone"),
    [("WAKE", Tone.WAKE), ("IDLE", Tone.IDLE), ("BEDTIME", Tone.BEDTIME), ("DOZING", Tone.PLAIN)],
)
def test_each_state_has_its_tone_and_is_worth_most(state: str, tone: Tone) -> None:
    (row,) = told("state", state=state)
    words = f"{state}: nobody has done anything for a while, since 12:00 (60 min ago)"
    assert row == Row("state", words, tone, 10)


def test_the_reason_is_a_quiet_row_of_one_line() -> None:
    assert told("why", reason="r" * 320) == [Row("why", f"idle: {'r' * 320}", Tone.QUIET, 7)]
    assert told("why", reason="r" * 321) == [Row("why", f"idle: {'r' * 319}…", Tone.QUIET, 7)]


# --- other hosts


def host(**differently: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"this": False, "name": "mill", "lease_over": False, "seen": 3.0}
    found |= {"state": "WAKE", "rule": "active", "wrappers": 2, "active": 1, "night": None}
    return found | differently


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({}, "mill: WAKE (active), 2 open, 1 active"),
        ({"night": 0}, "mill: WAKE (active), 2 open, 1 active, night 0 is running there"),
        ({"state": "s" * 21, "rule": "r" * 21}, f"mill: {'s' * 19}… ({'r' * 19}…), 2 open, 1 active"),
        ({"state": None}, "mill: tells what cannot be read: another version may run there"),
        ({"lease_over": True, "seen": None}, "mill: has not been heard of yet"),
        ({"lease_over": True, "seen": 600.0}, "mill: has not been heard of for 10 min"),
        ({"lease_over": True, "seen": 0.0}, "mill: has not been heard of for 0 s"),
    ],
)
def test_another_host_says_how_it_is(differently: dict[str, Any], words: str) -> None:
    assert told("hosts", hosts=[host(**differently)]) == [Row("hosts", words, worth=3)]


def test_this_host_is_no_other_and_those_that_count_come_first() -> None:
    hosts = [host(name="gone", lease_over=True), host(name="this", this=True), host(name="b"), host(name="a")]
    assert [row.text.partition(":")[0] for row in told("hosts", hosts=hosts)] == ["b", "a", "gone"]
    assert told("hosts", hosts=None) == []


def test_twelve_hosts_are_told_and_the_others_counted() -> None:
    hosts = [host(name=f"h{number}") for number in range(14)]
    assert [row.text.partition(":")[0] for row in told("hosts", hosts=hosts[:12])] == [
        f"h{number}" for number in range(12)
    ]
    assert told("hosts", hosts=hosts)[12:] == [Row("hosts", "2 more: `iai-daemon status --json`", worth=3)]


# --- nights


def nights(**differently: Any) -> list[Row]:
    return told("night", consolidation=consolidation(**differently))


def test_without_a_night_there_is_none_yet() -> None:
    assert nights() == [Row("night", "none yet", worth=6)]


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({"night": 14, "pass": "embed"}, "14 is running: embed"),
        ({"night": None, "pass": None}, "one is running: it begins"),
        ({"night": 14, "pass": "embed", "progress": {"round": 1}}, "14 is running: embed"),
        ({"night": 14, "pass": "embed", "progress": {"round": 2}}, "14 is running: embed, round 2"),
        (
            {"night": 14, "pass": "embed", "progress": {"done": 0, "total": 1}},
            "14 is running: embed, 0 of 1",
        ),
        ({"night": 14, "pass": "embed", "progress": {"done": 0, "total": 0}}, "14 is running: embed"),
        (
            {"night": 14, "pass": "embed", "progress": {"round": 3, "done": 1300, "total": 40_000}},
            "14 is running: embed, round 3, 1,300 of 40,000",
        ),
    ],
)
def test_a_night_that_is_running_says_how_far_it_is(differently: dict[str, Any], words: str) -> None:
    running = Row("night", words, Tone.BEDTIME, 8)
    assert nights(running=True, elsewhere="mill", **differently) == [running]
    last = Row("night", "the last: night 12 completed 04:01 (9 h ago)", worth=6)
    assert nights(running=True, last=night(), **differently) == [running, last]


def test_a_night_that_runs_on_another_host_says_where() -> None:
    assert nights(elsewhere="mill", last=night()) == [
        Row("night", "one is running on mill", Tone.BEDTIME, 8),
        Row("night", "the last: night 12 completed 04:01 (9 h ago)", worth=6),
    ]


def test_a_nap_stands_below_the_last_night() -> None:
    nap = night(id=13, kind="nap", ended_at=at(-HOUR))
    assert nights(last=nap, last_night=night()) == [
        Row("night", "the last: night 12 completed 04:01 (9 h ago)", worth=6),
        Row("night", "since then: nap 13 completed 12:00 (60 min ago)", worth=4),
    ]
    alone = Row("night", "the last: nap 13 completed 12:00 (60 min ago)", worth=6)
    assert nights(last=nap, last_night=None) == [alone]
    same = Row("night", "the last: night 12 completed 04:01 (9 h ago)", worth=6)
    assert nights(last=night(), last_night=night(id=11)) == [same]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("completed", "completed"),
        ("yielded", "gave way to someone who came back"),
        ("nothing_to_do", "found nothing to do"),
        ("failed", "failed"),
        ("cancelled", "was stopped"),
        ("another", "another"),
        ("o" * 41, "o" * 39 + "…"),
    ],
)
def test_each_outcome_has_its_words(outcome: str, words: str) -> None:
    (row,) = nights(last=night(outcome=outcome))
    assert row.text == f"the last: night 12 {words} 04:01 (9 h ago)"


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({"id": None}, "night completed 04:01 (9 h ago)"),
        ({"id": 0}, "night 0 completed 04:01 (9 h ago)"),
        ({"reason": "why"}, "night 12 completed 04:01 (9 h ago) (why)"),
        ({"reason": "w" * 161}, f"night 12 completed 04:01 (9 h ago) ({'w' * 159}…)"),
        ({"nodes_embedded": 5}, "night 12 completed 04:01 (9 h ago): 5 given a vector"),
        (
            {"links_added": 1},
            "night 12 completed 04:01 (9 h ago): 1 link; `iai-daemon nights undo 12` takes it back",
        ),
        (
            {"nodes_embedded": 5, "expired_pruned": 0, "gists_written": 2},
            "night 12 completed 04:01 (9 h ago): 2 gists, 5 given a vector; `iai-daemon nights undo 12` takes it back",
        ),
        (
            {"archived": 5, "undone_at": at(-HOUR)},
            "night 12 completed 04:01 (9 h ago): 5 archived; taken back 12:00",
        ),
        ({"undone_at": at(-DAY)}, "night 12 completed 04:01 (9 h ago); taken back yesterday 13:00"),
    ],
)
def test_a_night_that_has_ended_is_one_sentence(differently: dict[str, Any], words: str) -> None:
    (row,) = nights(last=night(**differently))
    assert row.text == f"the last: {words}"


# --- what comes


def following(**ahead: Any) -> list[Row]:
    return told("next", next=ahead)


NO_RECALL = Row("next", "no recall is planned", Tone.QUIET, 2)


def test_nothing_ahead_is_said_quietly() -> None:
    assert following() == told("next", next=None) == [NO_RECALL]
    assert told("next", next={}, agenda={"next_at": at(HOUR)}) == []


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        ({"idle": {"at": at(12 * MINUTE)}}, "IDLE 13:12 (in 12 min)"),
        ({"bedtime": {"at": at(37 * MINUTE)}}, "BEDTIME 13:37 (in 37 min)"),
        (
            {"idle": {"at": at(0)}, "bedtime": {"at": at(DAY)}},
            "IDLE now, BEDTIME tomorrow 13:00 (in 24 h)",
        ),
    ],
)
def test_the_states_ahead_are_one_row(ahead: dict[str, Any], words: str) -> None:
    assert following(**ahead) == [Row("next", f"{words}, if nobody does anything", worth=6), NO_RECALL]


@pytest.mark.parametrize(
    ("coming", "words"),
    [
        ({"at": None, "why": "nothing is to do"}, "no night: nothing is to do"),
        ({"at": None, "why": "w" * 161}, f"no night: {'w' * 159}…"),
        ({"at": at(HOUR), "why": None}, "a night 14:00 (in 60 min) at the earliest"),
        ({"at": at(HOUR), "why": "the interval"}, "a night 14:00 (in 60 min) at the earliest (the interval)"),
    ],
)
def test_the_next_night_says_when_it_may_come(coming: dict[str, Any], words: str) -> None:
    assert following(night=coming) == [Row("next", words, worth=6), NO_RECALL]
    assert following(night=coming, bedtime={"at": at(MINUTE)})[1] == Row("next", words, worth=6)


@pytest.mark.parametrize(("why", "because"), [(None, ""), ("a while", " (a while)")])
def test_a_night_that_waits_for_bedtime_alone_says_so(why: str | None, because: str) -> None:
    when = {"at": at(HOUR)}
    words = f"a night as soon as it is BEDTIME, if there is anything to do{because}"
    assert following(bedtime=when, night=when | {"why": why})[1] == Row("next", words, worth=6)


def test_where_no_night_can_come_a_row_of_its_own_says_so() -> None:
    never = consolidation(why_not="w" * 321)
    assert told("next", next={"night": {"at": None, "why": "x"}}, consolidation=never) == [NO_RECALL]
    assert told("disabled", consolidation=never) == [Row("disabled", "w" * 319 + "…", worth=6)]
    assert told("disabled", consolidation=consolidation(why_not="w" * 320)) == [
        Row("disabled", "w" * 320, worth=6)
    ]


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({}, "recall 4 14:00 (in 60 min) wakes scribe: Write."),
        ({"message": ""}, "recall 4 14:00 (in 60 min) wakes scribe"),
        ({"message": None}, "recall 4 14:00 (in 60 min) wakes scribe"),
        ({"message": "m" * 51}, f"recall 4 14:00 (in 60 min) wakes scribe: {'m' * 49}…"),
        ({"message": "m" * 50}, f"recall 4 14:00 (in 60 min) wakes scribe: {'m' * 50}"),
        ({"agent": "a" * 31}, f"recall 4 14:00 (in 60 min) wakes {'a' * 29}…: Write."),
        ({"agent": "a" * 30, "at": at(0)}, f"recall 4 now wakes {'a' * 30}: Write."),
    ],
)
def test_the_next_recall_says_whom_it_wakes_and_for_what(differently: dict[str, Any], words: str) -> None:
    recall = {"at": at(HOUR), "id": 4, "agent": "scribe", "message": "Write."} | differently
    assert following(recall=recall) == [Row("next", words, worth=6)]


# --- agents and calendar


def test_each_agent_that_runs_has_a_row_and_so_has_what_was_missed() -> None:
    runs: list[dict[str, object]] = [
        {"recall": 4, "agent": "scribe", "since": at(-MINUTE)},
        {"recall": None, "agent": "a" * 31, "since": at(0)},
    ]
    assert told("agents", agenda={"running": runs, "missed_last_day": 2}) == [
        Row("agents", "scribe is at work on recall 4, since 12:59 (60 s ago)", Tone.WAKE, 7),
        Row("agents", f"{'a' * 29}… is being tried out, since 13:00 (just now)", Tone.WAKE, 7),
        Row("agents", "2 recalls missed since yesterday: `iai-daemon recall history`", Tone.WARNING, 7),
    ]
    assert told("agents", agenda={"running": None, "missed_last_day": 0}) == []
    (missed,) = told("agents", agenda={"missed_last_day": 1})
    assert missed.text == "1 recall missed since yesterday: `iai-daemon recall history`"
    (longest,) = told("agents", agenda={"running": [runs[0] | {"agent": "a" * 30}]})
    assert longest.text == f"{'a' * 30} is at work on recall 4, since 12:59 (60 s ago)"


CALENDAR = {
    "enabled": True,
    "active": ["a", "b"],
    "queued": ["c"],
    "last_heartbeat": at(-HOUR),
    "restart_pending": False,
}


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({}, "2 slots active, 1 waiting, its backend answered 60 min ago"),
        ({"last_heartbeat": None}, "2 slots active, 1 waiting, its backend has not answered yet"),
        ({"active": ["a"], "queued": []}, "1 slot active, 0 waiting, its backend answered 60 min ago"),
        (
            {"restart_pending": True},
            "2 slots active, 1 waiting, its backend answered 60 min ago, which wants a restart",
        ),
    ],
)
def test_a_calendar_says_what_it_does(differently: dict[str, Any], words: str) -> None:
    agenda = {"calendar": CALENDAR | differently}
    assert told("calendar", agenda=agenda) == [Row("calendar", words, worth=3)]


@pytest.mark.parametrize("calendar", [None, {}, {"enabled": False}, CALENDAR | {"enabled": False}])
def test_a_calendar_that_is_not_there_has_no_row(calendar: dict[str, Any] | None) -> None:
    assert told("calendar", agenda={"calendar": calendar}) == []


# --- the memory, what is wrong, and the daemon


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "how many there are is not known (sqlite)"),
        (0, "0 memories (sqlite)"),
        (1, "1 memory (sqlite)"),
        (2, "2 memories (sqlite)"),
        (12_345, "12,345 memories (sqlite)"),
    ],
)
def test_the_memories_are_counted(count: int | None, words: str) -> None:
    assert told("memory", store={"engine": "sqlite", "memories": count}) == [Row("memory", words, worth=3)]


@pytest.mark.parametrize(
    ("waiting", "shown"),
    [
        ({}, []),
        (None, []),
        ({"review": 0, "budget": 0}, []),
        (
            {"review": 3},
            [Row("waiting", "3 proposals: `iai-daemon nights list` tells of which night", worth=6)],
        ),
        (
            {"budget": 2, "recall": 5},
            [Row("waiting", "7 changes held back: `iai-daemon nights list` tells why", worth=4)],
        ),
        (
            {"review": 1, "budget": 1},
            [
                Row("waiting", "1 proposal: `iai-daemon nights list` tells of which night", worth=6),
                Row("waiting", "1 change held back: `iai-daemon nights list` tells why", worth=4),
            ],
        ),
    ],
)
def test_what_waits_is_counted_by_what_it_waits_for(waiting: dict[str, int] | None, shown: list[Row]) -> None:
    assert told("waiting", consolidation=consolidation(waiting=waiting)) == shown


def test_what_does_not_work_is_a_warning_with_what_mends_it() -> None:
    entry = {"what": "w" * 401, "why": "y" * 401, "fix": "f" * 401}
    words = f"{'w' * 399}…: {'y' * 399}…; {'f' * 399}…"
    assert told("degraded", degraded=[entry]) == [Row("degraded", words, Tone.WARNING, 8)]
    whole = {name: text[:400] for name, text in entry.items()}
    (row,) = told("degraded", degraded=[whole])
    assert row.text == f"{'w' * 400}: {'y' * 400}; {'f' * 400}"


def test_twelve_things_that_do_not_work_are_told_and_the_others_counted() -> None:
    wrong = [{"what": f"w{number}", "why": "why", "fix": "fix"} for number in range(14)]
    assert [row.text for row in told("degraded", degraded=wrong[:12])] == [
        f"w{number}: why; fix" for number in range(12)
    ]
    assert told("degraded", degraded=wrong)[12:] == [
        Row("degraded", "2 more: `iai-daemon status --json`", Tone.WARNING, 8)
    ]


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        (0, "pid 7, version 1.2"),
        (1, "pid 7, version 1.2, 1 failed tick: `iai-daemon logs` tells why"),
        (3, "pid 7, version 1.2, 3 failed ticks: `iai-daemon logs` tells why"),
    ],
)
def test_the_daemon_names_itself_last(failures: int, words: str) -> None:
    seen = status(version="1.2", tick={"at": at(0), "failures": failures})
    assert rows(seen, NOON, BERLIN)[-1] == Row("daemon", words, Tone.QUIET, 1)
