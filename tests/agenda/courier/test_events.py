"""Which events of an iCalendar are for an agent, by plain texts; test_icalendar asks when they take place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from iai_daemon.agenda.slots.courier.events import Event, Found, NoCalendar, Series, find

AGENTS = ["writer", "Reader"]
FOR_WRITER = ("UID:u", "SUMMARY:writer: sing")
ZONE = ("BEGIN:VTIMEZONE", "TZID:Here", "BEGIN:STANDARD", "TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE")


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", *lines, "END:VEVENT"]


def calendar(*lines: str, newline: str = "\r\n") -> bytes:
    return newline.join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]).encode()


def found(*lines: str, newline: str = "\r\n", agents: Sequence[str] = AGENTS) -> Found:
    return find(calendar(*lines, newline=newline), agents)


def only(*lines: str, newline: str = "\r\n") -> Event:
    """Of a calendar with one event, that."""
    (series,) = found(*event(*lines), newline=newline).series
    (read,) = series.events
    return read


def taken(*lines: str) -> Event:
    """An event of these lines."""
    read = Event()
    for line in lines:
        name = line[: min(line.find(each) for each in ";:" if each in line)]
        read.take(name, line.removeprefix(name))
    return read


# What is a calendar.


@pytest.mark.parametrize(
    "data", [b"", b"BEGIN:VEVENT\r\nEND:VCALENDAR", b"<html>", b"X BEGIN:VCALENDAR\nEND:VCALENDAR"]
)
def test_what_does_not_begin_as_a_calendar_is_none(data: bytes) -> None:
    with pytest.raises(NoCalendar) as caught:
        find(data, AGENTS)
    assert str(caught.value) == "it is no iCalendar"


@pytest.mark.parametrize(
    "data", [b"BEGIN:VCALENDAR", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", b"BEGIN:VCALENDAR\nEND:VCALENDARS"]
)
def test_a_calendar_that_ends_in_the_middle_is_none(data: bytes) -> None:
    with pytest.raises(NoCalendar) as caught:
        find(data, AGENTS)
    assert str(caught.value) == "it ends in the middle"


@pytest.mark.parametrize(
    "data",
    [
        b"BEGIN:VCALENDAR\nEND:VCALENDAR",
        b"begin:vcalendar\r\nend:vcalendar\r\n\r\n  ",
        b"\xef\xbb\xbf\r\n BEGIN:VCALENDAR\r\nEND:VCALENDAR",
    ],
)
def test_a_calendar_may_be_empty_small_and_stand_among_blanks(data: bytes) -> None:
    assert find(data, AGENTS) == Found([], {}, "", [])


# Which events are for an agent.


def test_what_an_event_says_is_read() -> None:
    assert only(
        "uid:u\\,1",
        "SUMMARY;LANGUAGE=en:Writer: sing\\, and\\; dance",
        "DESCRIPTION: two\\nlines \\\\ ",
        "CATEGORIES:home, fun ",
        "STATUS: cancelled ",
        "DTSTART;TZID=Here:20261121T210000",
        "RRULE:FREQ=DAILY",
        "LOCATION:Berlin",
        "no line at all",
    ) == Event(
        uid="u,1",
        summary="sing, and; dance",
        description="two\nlines \\",
        categories=["home", "fun"],
        is_cancelled=True,
        when=["DTSTART;TZID=Here:20261121T210000", "RRULE:FREQ=DAILY"],
        zones={"Here"},
        agent="writer",
        problem=None,
    )


@pytest.mark.parametrize(
    "name", ["SEQUENCE", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"]
)
def test_every_line_that_says_when_is_kept_as_it_is(name: str) -> None:
    assert only(*FOR_WRITER, f"{name.lower()};VALUE=x:1").when == [f"{name};VALUE=x:1"]


@pytest.mark.parametrize(
    ("line", "zones"),
    [
        ("DTSTART;TZID=Here:1", {"Here"}),
        ("DTSTART;VALUE=DATE-TIME;tzid=Here;X=y:1", {"Here"}),
        ('DTSTART;TZID="W. Europe":1', {"W. Europe"}),
        ('DTSTART;TZID="a;b":1', {"a;b"}),
        ("DTSTART:1;TZID=Not:2", set()),
        ("DTSTART:1", set()),
    ],
)
def test_the_zones_that_an_event_names_are_known(line: str, zones: set[str]) -> None:
    assert only(*FOR_WRITER, line).zones == zones


def test_the_zones_of_all_lines_count() -> None:
    assert only(*FOR_WRITER, "DTSTART;TZID=A:1", "DTEND;TZID=B:2").zones == {"A", "B"}


@pytest.mark.parametrize(
    ("status", "cancelled"),
    [("CANCELLED", True), ("Cancelled", True), ("CONFIRMED", False), ("TENTATIVE", False), ("", False)],
)
def test_an_event_is_cancelled_by_its_status(status: str, cancelled: bool) -> None:
    assert only(*FOR_WRITER, f"STATUS:{status}").is_cancelled is cancelled
    assert only(*FOR_WRITER).is_cancelled is False


def test_categories_add_up_and_of_what_is_said_twice_the_last_counts() -> None:
    twice = only("UID:u", "CATEGORIES:a,writer", "CATEGORIES:b", "SUMMARY:one", "SUMMARY:two")
    assert (twice.categories, twice.summary) == (["a", "writer", "b"], "two")


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("SUMMARY:a:b", "a:b"),
        ('SUMMARY;ALTREP="http://x:1":a', "a"),
        ('SUMMARY;A="x:y";B="z:w";C=d:a', "a"),
        ("SUMMARY;LANGUAGE=en:a", "a"),
        ("SUMMARY;LANGUAGE=en", ""),
        ('SUMMARY;ALTREP="x:a', ""),
        ("SUMMARY:", ""),
        (r"SUMMARY:a\nb\Nc\,d\;e\\n\x\X", "a\nb\nc,d;e\\nxX"),
    ],
)
def test_a_value_stands_behind_its_parameters_and_is_unescaped(line: str, summary: str) -> None:
    assert taken(line).summary == summary


@pytest.mark.parametrize(
    ("summary", "categories", "agent", "left"),
    [
        ("writer: sing", "", "writer", "sing"),
        (" WRITER : sing: loud", "", "writer", "sing: loud"),
        ("writer:", "", "writer", ""),
        ("writer", "", None, "writer"),
        ("Lunch: with Ada", "", None, "Lunch: with Ada"),
        ("sing", "READER", "Reader", "sing"),
        ("sing", "home,reader,writer", "Reader", "sing"),
        ("writer: sing", "home", "writer", "sing"),
        ("writer: sing", "writer", "writer", "sing"),
        ("writer: sing", "reader", "Reader", "writer: sing"),
        ("reader: sing", "writer,reader", "writer", "reader: sing"),
        ("", "", None, ""),
    ],
)
def test_an_event_is_for_the_agent_of_a_category_else_of_the_name_before_the_colon(
    summary: str, categories: str, agent: str | None, left: str
) -> None:
    read = Event(summary=summary, categories=categories.split(","))
    read.find_agent(AGENTS)
    assert (read.agent, read.summary) == (agent, left)


def test_names_of_agents_are_the_same_however_they_are_written() -> None:
    read = Event(categories=["STRASSE"])
    read.find_agent(["straße"])
    assert read.agent == "straße"


def test_an_agent_is_told_the_description_else_the_summary() -> None:
    assert Event(summary="sing", description="la\x1b[1m\r\nla").message == "la[1m\nla"
    assert Event(summary="sing\nloud").message == "sing\nloud"
    assert Event().message == ""


def test_the_title_is_the_summary_on_one_line() -> None:
    assert Event(summary="sing\n\x07 loud", description="la la").title == "sing loud"


@pytest.mark.parametrize(("length", "problem"), [(99_999, None), (100_000, "its RRULE is too long")])
def test_a_line_that_says_when_has_less_than_a_hundred_thousand_characters(
    length: int, problem: str | None
) -> None:
    line = "RRULE:".ljust(length, "x")
    assert taken(line).problem == problem
    assert only(*FOR_WRITER, line).problem == problem
    assert [len(each) for each in only(*FOR_WRITER, line).when] == [length]


def test_what_is_far_too_long_is_cut_and_what_comes_after_it_is_read() -> None:
    read = only("UID:u", "DESCRIPTION:" + "x" * 200_000, "SUMMARY:writer: sing", "DTSTART:" + "1" * 200_000)
    assert (read.description, read.summary) == ("x" * (100_000 - len("DESCRIPTION:")), "sing")
    assert read.problem == "its DTSTART is too long"


# How the text is cut up.


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_a_folded_line_is_one_line_whatever_ends_it(newline: str) -> None:
    read = only(
        *FOR_WRITER, f"DESCRIPTION:a{newline} b{newline}\tc{newline}  d", "DTSTART:1", newline=newline
    )
    assert (read.description, read.when) == ("abc d", ["DTSTART:1"])


def test_what_is_no_utf_8_is_seen_to_have_been_there() -> None:
    data = calendar(*event(*FOR_WRITER, "DESCRIPTION:a€b")).replace("€".encode(), b"\xff")
    assert find(data, AGENTS).series[0].events[0].description == "a\ufffdb"


def test_a_last_line_needs_no_end() -> None:
    data = calendar(*event(*FOR_WRITER)).rstrip()
    assert [each.uid for each in find(data, AGENTS).series] == ["u"]


def test_what_stands_within_an_event_is_not_its_own() -> None:
    alarm = ("BEGIN:VALARM", "SUMMARY:reader: wake up", "DTSTART:2", "END:VALARM")
    read = only(*FOR_WRITER, *alarm, "DTSTART:1")
    assert (read.summary, read.agent, read.when) == ("sing", "writer", ["DTSTART:1"])


def test_only_events_of_the_calendar_itself_count() -> None:
    todo = ("BEGIN:VTODO", "UID:t", "SUMMARY:writer: sing", "END:VTODO")
    nested = ("BEGIN:VTODO", *event(*FOR_WRITER), "END:VTODO")
    assert found(*todo, *nested) == Found([], {}, "", [])


def test_begin_and_end_may_be_written_small_and_with_blanks() -> None:
    lines = ("begin: vevent ", *FOR_WRITER, "end:vevent")
    assert [each.uid for each in found(*lines).series] == ["u"]


def test_an_end_too_many_ends_nothing() -> None:
    data = b"BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR"
    assert find(data, AGENTS) == Found([], {}, "", [])


def test_events_that_follow_each_other_do_not_mix() -> None:
    lines = [*event("UID:a", "SUMMARY:writer: one", "DESCRIPTION:x"), *event("UID:b", "SUMMARY:reader: two")]
    told = [(each.uid, each.events[0].agent, each.events[0].message) for each in found(*lines).series]
    assert told == [("a", "writer", "x"), ("b", "Reader", "two")]


# Zones, and what belongs together.


def test_a_zone_is_known_by_its_name_with_all_its_lines() -> None:
    assert found(*ZONE).zones == {"Here": "\r\n".join(ZONE)}


def test_a_zone_without_a_name_is_none_and_of_one_that_is_defined_twice_the_first_counts() -> None:
    second = [line.replace("+0100", "+0200") for line in ZONE]
    nameless = ("BEGIN:VTIMEZONE", "TZIDS:x", "END:VTIMEZONE")
    assert found(*nameless, *ZONE, *second).zones == {"Here": "\r\n".join(ZONE)}


def test_the_name_of_a_zone_may_be_written_small_and_with_blanks() -> None:
    zone = ("BEGIN:VTIMEZONE", "tzid: Here ", "END:VTIMEZONE")
    assert found(*zone).zones == {"Here": "\r\n".join(zone)}


@pytest.mark.parametrize("line", ["X-WR-TIMEZONE:Europe/Berlin", "x-wr-timezone:Europe/Berlin"])
def test_the_zone_of_the_whole_calendar_is_its_own_line(line: str) -> None:
    assert found("X-WR-CALNAME:mine", line, "METHOD:PUBLISH").head == line
    assert found("X-WR-CALNAME:mine").head == ""
    assert found(*event(*FOR_WRITER, line)).head == ""


def test_events_of_one_uid_are_a_series_in_their_order_if_one_of_them_is_for_an_agent() -> None:
    lines = [
        *event("UID:a", "SUMMARY:one"),
        *event("UID:b", "SUMMARY:writer: two"),
        *event("UID:a", "SUMMARY:writer: three"),
        *event("UID:c", "SUMMARY:four"),
    ]
    told = [(each.uid, [(one.summary, one.agent) for one in each.events]) for each in found(*lines).series]
    assert told == [("a", [("one", None), ("three", "writer")]), ("b", [("two", "writer")])]


def test_an_event_without_a_uid_is_dropped_and_said_if_it_is_for_an_agent() -> None:
    lines = [
        *event("SUMMARY:writer: sing\\nloud"),
        *event("SUMMARY:lunch"),
        *event("UID:", "SUMMARY:writer: x"),
    ]
    read = found(*lines)
    assert read.series == []
    assert read.dropped == ["event 'sing loud' has no UID", "event 'x' has no UID"]


def test_a_series_is_named_by_its_first_summary_else_by_its_uid() -> None:
    assert Series("u", [Event(summary="sing\nloud"), Event(summary="dance")]).named == "event 'sing loud'"
    assert Series("u", [Event()]).named == "event 'u'"


def test_a_series_is_a_calendar_of_its_own_with_the_zones_that_it_names() -> None:
    events = [
        Event(uid="u", summary="sing", when=["DTSTART;TZID=B:1", "RRULE:FREQ=DAILY"], zones={"B", "C"}),
        Event(uid="u", when=["DTSTART;TZID=A:2"], zones={"A"}),
    ]
    text = Series("u", events).text({"D": "zone d", "B": "zone b", "A": "zone a"}, "X-WR-TIMEZONE:UTC")
    assert text.decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//iai-daemon//courier//EN",
        "X-WR-TIMEZONE:UTC",
        "zone a",
        "zone b",
        "BEGIN:VEVENT",
        "UID:one",
        "X-NUMBER:0",
        "DTSTART;TZID=B:1",
        "RRULE:FREQ=DAILY",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:one",
        "X-NUMBER:1",
        "DTSTART;TZID=A:2",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_a_series_of_a_calendar_without_a_zone_has_no_line_of_one() -> None:
    text = Series("u", [Event()]).text({}, "")
    assert text.decode().split("\r\n")[2:4] == ["PRODID:-//iai-daemon//courier//EN", "BEGIN:VEVENT"]
