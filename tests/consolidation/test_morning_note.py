"""The lines of the morning note, by plain values; test_report reads those of whole nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iai_daemon.consolidation.note import Morning, look, morning_note, summary
from iai_daemon.memory.nights import Hindrance, JournalEntry, NightRow, Why
from iai_daemon.memory.record import Record
from tests.consolidation.test_shown_report import NOON, SHOWN
from tests.memory.test_rank import memory

HEAD = "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed."
UNDO = "`iai-daemon nights undo 7` takes it back."
NIGHT: dict[str, Any] = {**SHOWN, "undone_at": None}


def lines(morning: Morning) -> list[str]:
    text = morning_note(morning, UTC)
    assert text.endswith("\n")
    return text.splitlines()


def note(*, morning: Mapping[str, Any] | None = None, **changes: Any) -> list[str]:
    return lines(Morning({**NIGHT, **changes}, **(morning or {})))


def test_of_a_night_without_anything_two_lines_are_told() -> None:
    assert note() == [HEAD, "Of 3 memories: nothing had to be changed."]


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({"kind": "nap"}, "The last nap, Sat 21 Nov 2026, 12:00 UTC: nap 7, completed."),
        ({"outcome": "yielded"}, "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, yielded."),
        ({"reason": "WAKE"}, "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed (WAKE)."),
        (
            {"reason": "WAKE", "passes": [{"name": "embed", "status": "failed: x"}]},
            "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed.",
        ),
        (
            {"ended_at": "2026-11-21T12:01:00.000Z"},
            "Last night, Sat 21 Nov 2026, 12:00–12:01 UTC: night 7, completed.",
        ),
        (
            {"ended_at": "2026-11-21T13:00:00.000Z"},
            "Last night, Sat 21 Nov 2026, 12:00–13:00 UTC: night 7, completed.",
        ),
        (
            {"ended_at": "2026-11-22T12:00:00.000Z"},
            "Last night, Sat 21 Nov 2026, 12:00–12:00 UTC: night 7, completed.",
        ),
        (
            {"reason": "r" * 241},
            f"Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed ({'r' * 239}…).",
        ),
        (
            {"reason": "r" * 240},
            f"Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed ({'r' * 240}).",
        ),
        ({"reason": "a\nb\x1b[2J"}, "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed (a b [2J)."),
    ],
)
def test_the_head_says_what_it_was_when_and_how_it_ended(changes: dict[str, Any], head: str) -> None:
    assert note(**changes)[0] == head


def test_times_are_those_of_the_zone() -> None:
    oslo = ZoneInfo("Europe/Oslo")
    undone = {**NIGHT, "undone_at": "2026-11-21T23:30:00.000Z"}
    head, back = morning_note(Morning(undone), oslo).splitlines()
    assert head == "Last night, Sat 21 Nov 2026, 13:00 CET: night 7, completed."
    assert back == "It was taken back at Sun 22 Nov 2026, 00:30: what it changed is as it was before."
    since = [{**NIGHT, "kind": "nap", "id": 8}]
    told = morning_note(Morning(NIGHT, since=since), oslo).splitlines()
    assert told[-1] == "Since then 1 nap, the last at 13:00: nothing was changed."


def test_what_was_taken_back_is_told_without_what_it_did() -> None:
    undone = {"undone_at": "2026-11-21T13:30:00.000Z", "expired_pruned": 2, "links_added": 1}
    assert note(**undone, morning={"examples": ["an example"]}) == [
        HEAD,
        "It was taken back at Sat 21 Nov 2026, 13:30: what it changed is as it was before.",
    ]


def test_what_was_done_to_memories_and_beside_them_is_told_with_examples() -> None:
    told = note(
        expired_pruned=2, archived=1, links_added=3, gists_written=1, morning={"examples": ["a", "b"]}
    )
    assert told == [
        HEAD,
        "Of 3 memories: 2 past their time, 1 archived.",
        "  a",
        "  b",
        "Beside them: 3 links and 1 gist of what belongs together.",
        UNDO,
    ]


@pytest.mark.parametrize("counter", ["proposed", "held_back"])
def test_where_something_waits_nothing_was_changed_though_it_had_to_be(counter: str) -> None:
    changes: dict[str, Any] = {counter: 1}
    assert note(**changes) == [HEAD, "Of 3 memories: nothing was changed."]


def test_what_waits_is_told_with_the_commands_for_it() -> None:
    assert note(morning={"proposed": 1, "held_back": 2}) == [
        HEAD,
        "Of 3 memories: nothing had to be changed.",
        "It proposes 1 change: `iai-daemon nights show 7 --diff` shows them,",
        "`iai-daemon nights accept 7` carries them out.",
        "2 changes held back: `iai-daemon nights show 7` says why.",
    ]


@pytest.mark.parametrize(
    ("counter", "back"),
    [("expired_pruned", True), ("gists_written", True), ("links_added", True), ("nodes_embedded", False)],
)
def test_the_way_back_is_told_where_there_is_one(counter: str, back: bool) -> None:
    changes: dict[str, Any] = {counter: 1}
    assert (note(**changes)[-1] == UNDO) is back


def failing(*names: str, cause: str = "no server.") -> list[dict[str, str]]:
    return [{"name": name, "status": f"failed: {cause}"} for name in names]


@pytest.mark.parametrize(
    ("changes", "hindered", "told"),
    [
        (
            {"passes": failing("embed")},
            {},
            [
                "Went wrong: embed, no server.",
                "The next night tries again; `iai-daemon doctor` says what is wrong.",
            ],
        ),
        (
            {"passes": failing("embed", "tidy"), "outcome": "failed"},
            {"embed": False, "tidy": True},
            [
                "Went wrong (and 1 other): embed, no server.",
                "The next night tries again; `iai-daemon doctor` says what is wrong.",
            ],
        ),
        (
            {"passes": failing("embed", "tidy", "mend")},
            {"embed": True},
            [
                "Went wrong (and 2 others): embed, no server.",
                "`iai-daemon nights retry embed` lets it run again; `iai-daemon doctor` says what is wrong.",
            ],
        ),
        (
            {"passes": failing("e" * 31, cause="c" * 241)},
            {"e" * 31: True},
            [
                f"Went wrong: {'e' * 29}…, {'c' * 239}….",
                f"`iai-daemon nights retry {'e' * 29}…` lets it run again; `iai-daemon doctor` says what is wrong.",
            ],
        ),
        ({"outcome": "failed"}, {}, ["The next night tries again; `iai-daemon doctor` says what is wrong."]),
        ({"outcome": "yielded"}, {}, ["It gave way, and goes on by itself when nobody is at work."]),
        (
            {"outcome": "yielded", "passes": failing("embed")},
            {},
            [
                "Went wrong: embed, no server.",
                "The next night tries again; `iai-daemon doctor` says what is wrong.",
                "It gave way, and goes on by itself when nobody is at work.",
            ],
        ),
    ],
)
def test_what_went_wrong_is_told_with_what_mends_it(
    changes: dict[str, Any], hindered: dict[str, bool], told: list[str]
) -> None:
    assert note(**changes, morning={"hindered": hindered})[2:] == told


@pytest.mark.parametrize(
    ("resumes", "told"), [({"night": 7}, False), ({"night": 6}, True), (None, True), ({}, True)]
)
def test_a_night_that_another_has_gone_on_with_goes_on_no_more(
    resumes: dict[str, int] | None, told: bool
) -> None:
    since = [{**NIGHT, "id": 8}, {**NIGHT, "id": 9, "resumes": resumes}]
    said = note(outcome="yielded", morning={"since": since})
    assert ("It gave way, and goes on by itself when nobody is at work." in said) is told


def later(kind: str, hour: int, **changes: Any) -> dict[str, Any]:
    return {**NIGHT, "kind": kind, "started_at": f"2026-11-21T{hour}:15:00.000Z", **changes}


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (
            [later("nap", 13, archived=1), later("nap", 14, archived=2, links_added=1)],
            ["Since then 2 naps, the last at 14:15: 3 archived, 1 link."],
        ),
        ([later("night", 13)], ["Since then the night at 13:15 found nothing to change."]),
        (
            [later("night", 13), later("night", 14, outcome="yielded")],
            ["Since then the night at 14:15 (and 1 before it) gave way before it changed anything."],
        ),
        (
            [
                later("night", 13),
                later("night", 14),
                later("nap", 16),
                later("night", 15, outcome="cancelled"),
            ],
            [
                "Since then 1 nap, the last at 16:15: nothing was changed.",
                "Since then the night at 15:15 (and 2 before it) was cancelled before it changed anything.",
            ],
        ),
    ],
)
def test_what_came_since_is_told_after_it(since: list[dict[str, Any]], told: list[str]) -> None:
    assert note(morning={"since": since})[2:] == told


def test_another_night_that_runs_is_told_of() -> None:
    assert note(morning={"running": 9})[2:] == ["Another one, night 9, has not ended yet."]
    assert note(morning={"running": 0})[2:] == ["Another one, night 0, has not ended yet."]


def test_everything_comes_in_its_order() -> None:
    told = note(
        archived=1,
        outcome="yielded",
        passes=failing("embed"),
        morning={"held_back": 1, "running": 9, "since": [later("nap", 13)]},
    )
    begins = ["Last", "Of 3", "1 change", "Went", "The next", "It gave", "Since", "Another", "`iai-daemon"]
    assert [line.startswith(begin) for line, begin in zip(told, begins, strict=True)] == [True] * 9


def test_where_it_would_be_longer_than_twelve_lines_the_examples_are_left_out() -> None:
    long = {"outcome": "yielded", "passes": failing("embed"), "archived": 1, "links_added": 1}
    waits = {"running": 9, "proposed": 1}
    assert len(note(**long, morning={**waits, "examples": ["a", "b"]})) == 12
    left_out = note(**long, morning={**waits, "examples": ["a", "b", "c"]})
    assert len(left_out) == 10
    assert left_out == note(**long, morning=waits)
    oslo = morning_note(
        Morning({**NIGHT, **long}, examples=["a", "b", "c"], running=9, proposed=1), ZoneInfo("Europe/Oslo")
    )
    assert oslo.splitlines() == [left_out[0].replace("12:00 UTC", "13:00 CET"), *left_out[1:]]


@pytest.mark.parametrize(
    ("changes", "morning", "said"),
    [
        ({}, {}, "nothing was changed."),
        ({"archived": 2, "links_added": 1}, {}, "2 archived, 1 link."),
        ({}, {"proposed": 1, "held_back": 2}, "1 change proposed, 2 changes held back."),
        ({}, {"held_back": 1}, "1 change held back."),
        ({"passes": failing("embed", "t" * 31)}, {}, f"failed: embed, {'t' * 29}…."),
        (
            {"archived": 1, "passes": failing("embed")},
            {"proposed": 2},
            "1 archived, 2 changes proposed, failed: embed.",
        ),
    ],
)
def test_the_summary_is_a_line_without_anybodys_words(
    changes: dict[str, Any], morning: dict[str, Any], said: str
) -> None:
    assert summary(Morning({**NIGHT, **changes}, **morning)) == said


# What it tells of.


@dataclass
class Books:
    """What a store knows of nights. `entries` are in the order in which they were made."""

    rows: Sequence[NightRow] = ()
    entries: Sequence[JournalEntry] = ()
    records: Mapping[int, Record] = field(default_factory=dict)
    held: Mapping[tuple[int, Why], int] = field(default_factory=dict)
    hindered: Mapping[str, Hindrance] = field(default_factory=dict)

    def nights(self, limit: int) -> Sequence[NightRow]:
        return self.rows[-limit:]

    def count_held(self, night: int) -> Mapping[tuple[int, Why], int]:
        return self.held if night == 7 else {}

    def hindrances(self) -> Mapping[str, Hindrance]:
        return self.hindered

    def first_of(self, night: int, effect: str, limit: int) -> Sequence[JournalEntry]:
        return [each for each in self.entries if (each.night, each.effect) == (night, effect)][:limit]

    def standing(self, ids: Sequence[int], *, pass_name: str, taken_back: bool) -> Mapping[int, Record]:
        assert (pass_name, taken_back) == ("", True)
        return {each: self.records[each] for each in ids if each in self.records}


def row(number: int = 7, **changes: Any) -> NightRow:
    report: dict[str, Any] = {**SHOWN, "id": number, **changes}
    return NightRow(
        number, report["kind"], "absent", NOON, NOON, report["outcome"], None, report, report.get("undone")
    )


def open_row(number: int) -> NightRow:
    return NightRow(number, "night", "absent", NOON, None, None, None, None, None)


def entry(effect: str, content: str | None, night: int = 7, **after: Any) -> JournalEntry:
    told = {"content": content, **after}
    return JournalEntry(1, night, 1, "p", "c", effect, 1, "why", {}, told, NOON, None, False)


def looked(*rows: NightRow, **books: Any) -> Morning:
    store: Any = Books(rows, **books)
    found = look(store)
    assert found is not None
    return found


def examples(*entries: JournalEntry, **records: str) -> list[str]:
    known = {int(name[1:]): memory(int(name[1:]), content) for name, content in records.items()}
    return list(looked(row(), entries=entries, records=known).examples)


def test_without_a_night_that_has_ended_there_is_nothing_to_tell() -> None:
    nothing: Any = Books()
    assert look(nothing) is None
    running: Any = Books([open_row(7)])
    assert look(running) is None


def test_of_one_night_all_is_looked_up() -> None:
    held = {
        (1, Why.REVIEW): 1,
        (2, Why.REVIEW): 2,
        (1, Why.BUDGET): 4,
        (2, Why.BUDGET): 8,
        (1, Why.RECALL): 16,
    }
    hindered = {"embed": Hindrance(not_before=NOON), "tidy": Hindrance(failures=1)}
    found = looked(row(), entries=[entry("expired", "Old.")], held=held, hindered=hindered)
    assert found == Morning(
        night=NIGHT,
        examples=['"Old." was past its time'],
        since=[],
        proposed=3,
        held_back=28,
        running=None,
        hindered={"embed": True, "tidy": False},
    )


def test_a_night_that_was_taken_back_has_no_examples() -> None:
    assert looked(row(undone=NOON), entries=[entry("expired", "Old.")]).examples == ()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(1, archived=1), row(2)], 1),
        ([row(1, archived=1), row(2, archived=1)], 2),
        ([row(1, archived=1), row(2, outcome="failed")], 2),
        ([row(1, archived=1), row(2, passes=failing("embed"))], 2),
        ([row(1, archived=1), row(2, proposed=1)], 2),
        ([row(1, archived=1), row(2, archived=1, kind="nap")], 1),
        ([row(1), row(2)], 2),
        ([row(1), row(2, archived=1, kind="nap")], 1),
        ([row(1, kind="nap"), row(2, kind="nap")], 2),
    ],
)
def test_the_newest_night_of_which_there_is_something_to_tell_is_told(
    rows: list[NightRow], told: int
) -> None:
    found = looked(*rows)
    assert found.night["id"] == told
    assert [each["id"] for each in found.since] == [each.id for each in rows if each.id > told]


def test_the_night_that_has_not_ended_yet_is_the_one_that_runs() -> None:
    assert looked(row(7), open_row(8)).running == 8
    assert looked(open_row(6), row(7)).running is None


def test_a_hundred_nights_are_looked_through() -> None:
    empty = [row(number) for number in range(2, 101)]
    assert looked(row(1, archived=1), *empty).night["id"] == 1
    assert looked(row(1, archived=1), *empty, row(101)).night["id"] == 101


@pytest.mark.parametrize(
    ("effect", "after", "said"),
    [
        ("superseded", {"superseded_by": 8}, '"On 8081." gave way to "On 9000."'),
        ("superseded", {"superseded_by": 9}, '"On 8081." was replaced'),
        ("superseded", {"superseded_by": None}, '"On 8081." was replaced'),
        ("superseded", {}, '"On 8081." was replaced'),
        ("superseded", {"superseded_by": "8"}, '"On 8081." was replaced'),
        ("merged", {"merged_into": 8}, '"On 8081." was joined with "On 9000."'),
        ("merged", {"merged_into": 9}, '"On 8081." was joined with another'),
        ("merged", {"merged_into": 10}, '"On 8081." was told twice, and is one memory now'),
        ("archived", {}, '"On 8081." was archived'),
        ("gist", {}, 'a gist was written: "On 8081."'),
        ("learnt", {}, 'learnt: "On 8081."'),
        ("profiled", {}, 'learnt: "On 8081."'),
        ("expired", {}, '"On 8081." was past its time'),
    ],
)
def test_each_kind_of_change_has_its_example(effect: str, after: dict[str, Any], said: str) -> None:
    assert examples(entry(effect, "On 8081.", **after), _8="On 9000.", _10="On 8081.") == [said]


def test_the_example_that_tells_most_comes_first_and_two_are_enough() -> None:
    order = ["superseded", "merged", "archived", "gist", "learnt", "profiled", "expired"]
    entries = [entry(effect, f"{effect}.", superseded_by=8, merged_into=8) for effect in reversed(order)]
    for at in range(len(order) - 1):
        left = entries[: len(order) - at]
        first, second = examples(*left, _8="New.")
        assert f'"{order[at]}."' in first
        assert f'"{order[at + 1]}."' in second


def test_of_one_kind_two_are_told_and_those_first_that_left_something() -> None:
    entries = [
        entry("superseded", f"{name}.", superseded_by=at) for name, at in (("a", 9), ("b", 8), ("c", 9))
    ]
    assert examples(*entries, _8="New.") == ['"b." gave way to "New."', '"a." was replaced']
    assert examples(*entries[::2]) == ['"a." was replaced', '"c." was replaced']


def test_one_of_each_kind_comes_before_a_second_one_of_the_same() -> None:
    same = [entry("archived", "a."), entry("archived", "b.")]
    assert examples(*same, entry("expired", "c.")) == ['"a." was archived', '"c." was past its time']


def test_what_was_purged_is_no_example() -> None:
    assert examples(entry("expired", None), entry("expired", ""), entry("expired", " \n")) == []


def test_of_the_first_eight_changes_of_a_kind_an_example_is_taken() -> None:
    gone = [entry("expired", None)] * 7
    assert examples(*gone, entry("expired", "Old.")) == ['"Old." was past its time']
    assert examples(*gone, entry("expired", None), entry("expired", "Old.")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("x" * 30, "New.", f'"{"x" * 30}" gave way to "New."'),
        ("x" * 31, "New.", '"… xxxxxxxxxxxxxxxxxxxxxxxxxxx…" gave way to "New."'),
        ("a b " + "x" * 40, "New.", '"a b xxxxxxxxxxxxxxxxxxxxxxxxx…" gave way to "New."'),
        (
            "The staging gateway answers on port 8081.",
            "The staging gateway answers on port 9000.",
            '"… on port 8081." gave way to "… on port 9000."',
        ),
        ("The staging port is now 8081", "The staging port is now 9000", '"The staging port is now 8081" gave way to "The staging port is now 9000"'),
        ("The staging port is now 8081 ü", "The staging port is now 9000", '"The staging port is now 8081 ü" gave way to "The staging port is now 9000"'),
    ],
)  # fmt: skip
def test_an_example_quotes_the_words_in_which_two_texts_differ(old: str, new: str, said: str) -> None:
    assert examples(entry("superseded", old, superseded_by=8), _8=new) == [said]


@pytest.mark.parametrize(
    ("long", "said"),
    [
        ("w" * 396, '"… www a b" was joined with "… www a c"'),
        ("w" * 397, '"… wwwwwwwwwwwwwwwwwwwwwwwwwww…" was told twice, and is one memory now'),
    ],
)
def test_texts_are_compared_by_their_first_400_characters(long: str, said: str) -> None:
    texts = [f"{long[:-4]} www a {last}" for last in "bc"]
    assert examples(entry("merged", texts[0], merged_into=8), _8=texts[1]) == [said]
