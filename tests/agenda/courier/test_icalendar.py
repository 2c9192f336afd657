"""iCalendars: which events are slots and when, and that no text of anybody's holds the courier up."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iai_daemon.agenda.slots.courier.answers import Kind
from iai_daemon.agenda.slots.courier.events import NoCalendar, find
from iai_daemon.agenda.slots.courier.icalendar import Address, File, ICalendar
from iai_daemon.agenda.slots.courier.reading import Window, work_out
from iai_daemon.agenda.slots.courier.web import Web
from iai_daemon.clock import Stopwatch
from tests.agenda.backend import Backend
from tests.agenda.courier.asking import KEY, a_beat, trouble
from tests.fakes import FakeClock

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000
MINUTE = 60_000
# A Saturday.
NINE = round(datetime(2026, 11, 21, 21, 0, tzinfo=BERLIN).timestamp() * 1000)


def calendar(*events: str, head: str = "") -> bytes:
    """Each event by its lines; what is missing of UID and summary is filled in."""
    texts = []
    for each in events:
        lines = each.split("\n")
        filled = [
            line
            for name, line in (("UID", "UID:u"), ("SUMMARY", "SUMMARY:Writer: sing"))
            if not any(given.startswith(name) for given in lines)
        ]
        texts.append("\r\n".join(["BEGIN:VEVENT", *filled, *lines, "END:VEVENT", ""]))
    zone = head.replace("\n", "\r\n")
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zone}{''.join(texts)}END:VCALENDAR\r\n".encode()


def expand(*events: str, now: int = NINE, head: str = "") -> tuple[list[Any], list[str]]:
    answer = work_out(
        calendar(*events, head=head), ["writer", "reader"], Window(now, now + 25 * HOUR, BERLIN)
    )
    return answer["occurrences"], answer["dropped"]


def one(*events: str, now: int = NINE, head: str = "") -> Any:
    """The first occurrence: start and end in minutes from now, id, agent, title, message."""
    (start, end, *rest), *_ = expand(*events, now=now, head=head)[0]
    return ((start - now) / MINUTE, (end - now) / MINUTE, *rest)


@pytest.mark.parametrize(
    ("lines", "agent", "title"),
    [
        ("SUMMARY:sing\nCATEGORIES:WRITER", "writer", "sing"),
        ("SUMMARY:sing\nCATEGORIES:home,Reader ,writer", "reader", "sing"),
        ("SUMMARY:sing\nCATEGORIES:home\nCATEGORIES;LANGUAGE=en:reader", "reader", "sing"),
        ("SUMMARY:Writer: sing", "writer", "sing"),
        ('SUMMARY;ALTREP="http://x:1":writer :sing', "writer", "sing"),
        ("summary:WRITER:sing", "writer", "sing"),
        ("SUMMARY:Writer: sing\nCATEGORIES:writer", "writer", "sing"),
        ("SUMMARY:Writer: sing\nCATEGORIES:reader", "reader", "Writer: sing"),
        ("SUMMARY:Lunch: with Ada", None, ""),
        ("SUMMARY:writer", None, ""),
        ("SUMMARY:sing\nCATEGORIES:writers", None, ""),
        ("SUMMARY:Lunch\nBEGIN:VALARM\nSUMMARY:writer: x\nCATEGORIES:writer\nEND:VALARM", None, ""),
    ],
)
def test_an_event_is_for_the_agent_of_its_category_or_of_the_name_before_the_colon(
    lines: str, agent: str | None, title: str
) -> None:
    found = expand(f"{lines}\nDTSTART:20261121T210000")[0]
    assert [(each[3], each[4]) for each in found] == ([(agent, title)] if agent else [])


def test_an_agent_is_told_the_description_else_the_summary_else_which_slot_it_is() -> None:
    when = "\nDTSTART:20261121T200000Z"
    assert one(rf"DESCRIPTION:one\, two\;\nthree\\n{when}")[5] == "one, two;\nthree\\n"
    assert one(f"DESCRIPTION: {when}")[5] == "sing"
    assert one(f"SUMMARY:writer:{when}")[4:] == ("", "[calendar] slot u/20261121T200000Z")
    folded = "DESCRIPTION:a long\n  line\n\t of it"
    assert one(f"{folded}{when}")[5] == "a long line of it"


def test_a_character_may_be_folded_in_the_middle() -> None:
    data = calendar("DESCRIPTION:x€y\nDTSTART:20261121T200000Z").replace(
        b"\xe2\x82\xac", b"\xe2\r\n \x82\xac"
    )
    answer = work_out(data, ["writer"], Window(NINE, NINE + HOUR, BERLIN))
    assert answer["occurrences"][0][5] == "x€y"


@pytest.mark.parametrize(
    ("lines", "start", "end", "slot"),
    [
        ("DTSTART:20261121T200000Z\nDTEND:20261121T210000Z", 0, 60, "u/20261121T200000Z"),
        ("DTSTART:20261121T200000Z\nDURATION:PT30M", 0, 30, "u/20261121T200000Z"),
        # At least for a quarter of an hour.
        ("DTSTART:20261121T200000Z", 0, 15, "u/20261121T200000Z"),
        ("DTSTART:20261121T200000Z\nDTEND:20261121T200100Z", 0, 15, "u/20261121T200000Z"),
        # Begun earlier, and begun days ago.
        ("DTSTART:20261121T194600Z", -14, 1, "u/20261121T194600Z"),
        ("DTSTART:20261101T200000Z\nDTEND:20261201T200000Z", -20 * 1440, 10 * 1440, "u/20261101T200000Z"),
        # A floating time is that of the clocks here; so is a day.
        ("DTSTART:20261121T210000", 0, 15, "u/20261121T210000"),
        ("DTSTART;VALUE=DATE:20261121", -21 * 60, 3 * 60, "u/20261121"),
        ("DTSTART;VALUE=DATE:20261121\nDTEND;VALUE=DATE:20261121", -21 * 60, 3 * 60, "u/20261121"),
        ("DTSTART;VALUE=DATE:20261120\nDTEND;VALUE=DATE:20261123", -45 * 60, 27 * 60, "u/20261120"),
        ("DTSTART;TZID=America/New_York:20261121T150000", 0, 15, "u/20261121T200000Z"),
        ('DTSTART;TZID="W. Europe Standard Time":20261121T210000', 0, 15, "u/20261121T200000Z"),
        # Shown as free time: whoever lets an agent work is free meanwhile.
        ("DTSTART:20261121T200000Z\nTRANSP:TRANSPARENT", 0, 15, "u/20261121T200000Z"),
        # Another day of a series, one that came later, one that was moved.
        ("DTSTART:20200101T200000Z\nRRULE:FREQ=DAILY", 0, 15, "u/20261121T200000Z"),
        (
            "DTSTART;TZID=Europe/Berlin:20260701T210000\nRRULE:FREQ=WEEKLY;BYDAY=SA",
            0,
            15,
            "u/20261121T200000Z",
        ),
        ("DTSTART:20261121T200000Z\nRRULE:FREQ=DAILY;COUNT=2000000000", 0, 15, "u/20261121T200000Z"),
        ("DTSTART:20261101T100000Z\nRDATE:20261121T200000Z", 0, 15, "u/20261121T200000Z"),
        (
            "DTSTART:20261101T200000Z\nRRULE:FREQ=DAILY\nEXDATE:20261121T200000Z",
            1440,
            1455,
            "u/20261122T200000Z",
        ),
    ],
)
def test_an_event_is_due_from_its_start_to_its_end(lines: str, start: int, end: int, slot: str) -> None:
    assert one(lines)[:3] == (start, end, slot)


@pytest.mark.parametrize(
    "lines",
    [
        "DTSTART:20261121T200000Z\nSTATUS:CANCELLED",
        "DTSTART:20261121T194500Z",
        "DTSTART:20261124T200000Z",
        "DTSTART:20261101T200000Z\nRRULE:FREQ=DAILY;UNTIL=20261120T000000Z",
        "DTSTART:20261101T200000Z\nRRULE:FREQ=DAILY;COUNT=3",
    ],
)
def test_what_is_cancelled_over_or_far_away_is_no_slot(lines: str) -> None:
    assert expand(lines) == ([], [])


def test_an_occurrence_that_was_changed_is_as_it_was_changed() -> None:
    series = "DTSTART;TZID=Europe/Berlin:20261101T090000\nRRULE:FREQ=DAILY"
    this = "RECURRENCE-ID;TZID=Europe/Berlin:20261121T090000"
    moved = f"{this}\nDTSTART;TZID=Europe/Berlin:20261121T213000\nSUMMARY:Reader: read"
    assert one(series, moved)[:5] == (30, 45, "u/20261121T203000Z", "reader", "read")
    soon = series.replace("T09", "T21")
    gone = f"{this.replace('T09', 'T21')}\nDTSTART;TZID=Europe/Berlin:20261121T210000\nSTATUS:CANCELLED"
    assert one(soon, gone)[2] == "u/20261122T200000Z"
    handed_on = f"{this.replace('T09', 'T21')}\nDTSTART;TZID=Europe/Berlin:20261121T210000\nSUMMARY:Lunch"
    assert one(soon, handed_on)[2] == "u/20261122T200000Z"


def test_a_zone_may_be_defined_in_the_calendar_or_be_that_of_all_of_it() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\n"
        "TZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    assert one("DTSTART;TZID=Ours:20261121T230000", head=zone)[:3] == (0, 15, "u/20261121T200000Z")
    google = "X-WR-TIMEZONE:America/New_York\n"
    assert one("DTSTART:20261121T200000Z", head=google)[:3] == (0, 15, "u/20261121T200000Z")
    weekly = "DTSTART:20260627T000000Z\nRRULE:FREQ=WEEKLY;BYDAY=FR"
    assert one(weekly, head=google, now=NINE - 19 * HOUR)[2] == "u/20261121T010000Z"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("DTSTART;TZID=Mars/Base:20261121T210000", "nobody knows its time zone Mars/Base"),
        ("DTSTART:tomorrow", "it cannot be read ("),
        ("SUMMARY:writer: sing", "it has no DTSTART"),
        ("DTSTART:20261121T200000Z\nRRULE:FREQ=OFTEN", "it cannot be read ("),
        ("DTSTART:20261121T200000Z\nRRULE:FREQ=DAILY;COUNT=" + "9" * 5000, "it cannot be read ("),
        ("DTSTART:20261121T200000Z\nDURATION:P9999999999D", "it cannot be read ("),
        (
            "DTSTART:20261121T200000Z\nDESCRIPTION:" + "x" * 20_001,
            "its text is longer than 20,000 characters",
        ),
        ("DTSTART:20261121T200000Z\nEXDATE:" + "20261121T200000Z," * 6000, "its EXDATE is too long"),
        ("UID:\nDTSTART:20261121T200000Z", "has no UID"),
    ],
)
def test_an_event_that_cannot_be_gone_by_is_dropped_with_a_reason_and_the_others_stay(
    lines: str, why: str
) -> None:
    found, dropped = expand(lines, "UID:good\nDTSTART:20261121T200000Z")
    assert [each[2] for each in found] == ["good/20261121T200000Z"]
    assert len(dropped) == 1
    assert dropped[0].startswith("event 'sing'")
    assert why in dropped[0]
    assert len(dropped[0]) < 300


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:20261121T200000Z\nRRULE:FREQ=DAILY;INTERVAL=0",
        "DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY",
    ],
)
def test_a_rule_that_never_comes_to_an_end_costs_a_second_and_nobody_else(rule: str) -> None:
    watch = Stopwatch()
    found, dropped = expand(rule, "UID:good\nDTSTART:20261121T200000Z")
    assert dropped == ["event 'sing': its rule takes longer than 1 s to work out"]
    assert [each[2] for each in found] == ["good/20261121T200000Z"]
    assert watch.seconds() < 10


def test_a_calendar_that_takes_too_long_is_read_as_far_as_that_goes() -> None:
    data = calendar(*(f"UID:{number}\nDTSTART:20261121T200000Z" for number in range(9)))
    answer = work_out(data, ["writer"], Window(NINE, NINE + HOUR, BERLIN), patience=-1.0)
    assert answer == {
        "occurrences": [],
        "dropped": ["the calendar takes too long to read: 9 of its events are left out"],
    }


def test_more_than_anybody_plans_is_left_out_from_its_end() -> None:
    often = "DTSTART:20261121T000000Z\nRRULE:FREQ=MINUTELY"
    found, dropped = expand(f"UID:1\n{often}", f"UID:2\n{often}")
    assert len(found) == 2000
    assert dropped == ["there are more events at a time than 2000: the later ones are left out"]


def test_what_is_not_for_an_agent_is_never_worked_out() -> None:
    hostile = "SUMMARY:Lunch\nDTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY"
    assert expand(*(f"UID:{number}\n{hostile}" for number in range(50))) == ([], [])


def test_a_name_that_is_too_long_or_strange_becomes_one_that_is_not() -> None:
    for uid in ("x" * 200, "a\\nb", "ü" * 190):
        assert one(f"UID:{uid}\nDTSTART:20261121T200000Z")[2].startswith("sha256-")
    assert one(f"UID:{'x' * 180}\nDTSTART:20261121T200000Z")[2] == "x" * 180 + "/20261121T200000Z"


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\x00" * 50, b"BEGIN:VCARD\nEND:VCARD", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:"]
)
def test_what_is_no_calendar_or_half_of_one_is_refused(data: bytes) -> None:
    with pytest.raises(NoCalendar):
        find(data, ["writer"])


_PARTS = st.sampled_from(
    [
        *(
            f"{end}:{name}"
            for end in ("BEGIN", "END")
            for name in ("VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "")
        ),
        *(
            "UID:1",
            "SUMMARY:writer:x",
            "CATEGORIES:writer",
            "TZID:X",
            "X-WR-TIMEZONE:X",
            ":",
            ";",
            " x",
            'X;Y=":',
        ),
        *("DTSTART:20261121T200000Z", "DTSTART;TZID=X:20261121T200000", "RRULE:FREQ=DAILY"),
        "RECURRENCE-ID:20261121T200000Z",
    ]
)


@given(st.lists(_PARTS | st.text(max_size=20), max_size=30))
@settings(max_examples=150)
def test_whatever_lines_it_holds_it_is_read(lines: list[str]) -> None:
    text = "\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"])
    answer = work_out(text.encode("utf-8", "surrogatepass"), ["writer"], Window(NINE, NINE + HOUR, BERLIN))
    assert all(each[3] == "writer" and each[0] < each[1] for each in answer["occurrences"])


NOON = "DTSTART:20261121T120000Z\nDTEND:20261121T130000Z"
LATER = "UID:later\nDTSTART:20261121T143000Z"


@pytest.fixture
def clock() -> FakeClock:
    """At NOON."""
    return FakeClock()


def ids(backend: ICalendar, *agents: str) -> list[str]:
    return [each.id for each in backend.beat(a_beat(*agents)).slots]


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "plan.ics"
    path.write_bytes(calendar(NOON, LATER))
    backend = ICalendar(File(path), clock.now)
    answer = backend.beat(a_beat())
    assert [each.id for each in answer.slots] == ["u/20261121T120000Z"]
    assert answer.next_at == clock.wall + 2.5 * 3600
    clock.advance(2.6 * 3600)
    assert ids(backend) == ["later/20261121T143000Z"]
    path.write_bytes(calendar(f"{LATER}\nSTATUS:CANCELLED"))
    assert ids(backend) == []


def test_agents_that_come_later_are_found(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "plan.ics"
    path.write_bytes(calendar(NOON))
    backend = ICalendar(File(path), clock.now)
    assert ids(backend, "reader") == []
    assert ids(backend, "reader", "Writer") == ["u/20261121T120000Z"]


def test_a_day_is_worked_out_at_a_time_and_days_later_another_one_is(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "plan.ics"
    path.write_bytes(calendar(f"{NOON}\nRRULE:FREQ=DAILY"))
    backend = ICalendar(File(path), clock.now)
    for day in (21, 23, 25):
        assert ids(backend) == [f"u/202611{day}T120000Z"]
        clock.advance(2 * 86_400)
    clock.step(-3 * 86_400)
    assert ids(backend) == ["u/20261124T120000Z"]


def test_while_the_file_is_away_or_half_written_the_last_good_one_counts_and_that_is_said(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "plan.ics"
    backend = ICalendar(File(path), clock.now)
    found = trouble(lambda: backend.beat(a_beat()))
    assert found.kind is Kind.AWAY
    assert str(found) == f"the calendar {path}: it cannot be read (No such file or directory)"
    path.write_bytes(calendar(NOON))
    assert ids(backend) == ["u/20261121T120000Z"]
    clock.advance(60)
    path.write_bytes(calendar(NOON)[:-30])
    for _ in range(2):
        clock.advance(30)
        answer = backend.beat(a_beat())
        assert [each.id for each in answer.slots] == ["u/20261121T120000Z"]
        assert answer.dropped == [
            "the calendar cannot be read: it ends in the middle; what it held at 2026-11-21T12:00:00.000Z still counts"
        ]
    path.unlink()
    assert len(backend.beat(a_beat()).dropped) == 1
    path.write_bytes(calendar(NOON))
    assert backend.beat(a_beat()).dropped == []


def test_a_file_may_be_anything_and_has_its_bound(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "plan.ics"
    os.mkfifo(path)
    backend = ICalendar(File(path), clock.now)
    assert "it is no file" in str(trouble(lambda: backend.beat(a_beat())))
    path.unlink()
    path.write_bytes(b"BEGIN:VCALENDAR\n" + b"\n" * 10_000_000)
    found = trouble(lambda: backend.beat(a_beat()))
    assert (found.kind, str(found).endswith("it is longer than 10 MB")) == (Kind.BAD, True)


def test_an_address_is_fetched_every_five_minutes_and_only_what_has_changed(
    backend: Backend, webs: Callable[..., Web], clock: FakeClock
) -> None:
    def give(handler: Any) -> None:
        if handler.headers.get("If-None-Match") == '"one"':
            handler.write(b"", 304)
        else:
            handler.write(calendar(NOON), ETag='"one"', Last_Modified="Sat, 21 Nov 2026 11:00:00 GMT")

    backend.on_get = give
    asking = ICalendar(Address(backend.url + "/x?y=1", webs(), lambda: KEY), clock.now)
    for _ in range(21):
        assert ids(asking) == ["u/20261121T120000Z"]
        clock.advance(30)
    assert [each.path for each in backend.asked] == ["/api/x?y=1"] * 3
    assert [each.head.get("If-None-Match") for each in backend.asked] == [None, '"one"', '"one"']
    assert backend.asked[1].head["If-Modified-Since"] == "Sat, 21 Nov 2026 11:00:00 GMT"
    assert {each.head["Authorization"] for each in backend.asked} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("tag", ["\xe9", "x" * 1001])
def test_a_tag_that_cannot_be_sent_back_is_not(
    backend: Backend, webs: Callable[..., Web], clock: FakeClock, tag: str
) -> None:
    backend.on_get = lambda handler: handler.write(calendar(NOON), ETag=tag)
    asking = ICalendar(Address(backend.url, webs(), lambda: None), clock.now)
    for _ in range(2):
        assert ids(asking) == ["u/20261121T120000Z"]
        clock.advance(301)
    assert "If-None-Match" not in backend.asked[1].head


def test_while_the_address_does_not_answer_the_last_good_one_counts_and_that_is_said(
    backend: Backend, webs: Callable[..., Web], clock: FakeClock
) -> None:
    backend.on_get = lambda handler: handler.say({}, 503)
    asking = ICalendar(Address(backend.url, webs(), lambda: None), clock.now)
    assert trouble(lambda: asking.beat(a_beat())).kind is Kind.AWAY
    clock.advance(30)
    assert trouble(lambda: asking.beat(a_beat())).kind is Kind.AWAY
    assert len(backend.asked) == 1
    backend.on_get = lambda handler: handler.write(calendar(NOON))
    clock.advance(31)
    assert ids(asking) == ["u/20261121T120000Z"]
    backend.on_get = lambda handler: handler.write(b"<html>sign in</html>")
    clock.advance(301)
    answer = asking.beat(a_beat())
    assert [each.id for each in answer.slots] == ["u/20261121T120000Z"]
    assert "it is no iCalendar; what it held at" in answer.dropped[0]
    backend.on_get = lambda handler: handler.say({}, 401)
    clock.advance(301)
    assert "it answers 401; what it held at" in asking.beat(a_beat()).dropped[0]


def test_an_address_has_its_bound_too(backend: Backend, webs: Callable[..., Web], clock: FakeClock) -> None:
    backend.on_get = lambda handler: handler.write(b"x" * 10_000_001)
    asking = ICalendar(Address(backend.url, webs(), lambda: None), clock.now)
    found = trouble(lambda: asking.beat(a_beat()))
    assert (found.kind, str(found).endswith("its answer is longer than 10 MB")) == (Kind.BAD, True)
