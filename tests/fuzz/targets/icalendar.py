"""A calendar of anybody's (`agenda.slots.courier.reading.work_out`)."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.slots.courier.answers import LONGEST_ID, LONGEST_MESSAGE, LONGEST_TITLE, Gathering
from iai_daemon.agenda.slots.courier.events import NoCalendar
from iai_daemon.agenda.slots.courier.reading import Window, work_out
from tests.agenda.courier.test_icalendar import BERLIN, HOUR, NINE, calendar
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

_ZONE = (
    "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\n"
    "END:STANDARD\nEND:VTIMEZONE\n"
)
_SERIES = "DTSTART;TZID=Europe/Berlin:20261101T210000\nRRULE:FREQ=DAILY;COUNT=60"
CORPUS = (
    calendar("DTSTART:20261121T200000Z\nDTEND:20261121T210000Z\nDESCRIPTION:one\\, two"),
    calendar(_SERIES, "RECURRENCE-ID;TZID=Europe/Berlin:20261121T210000\nDTSTART;TZID=Europe/Berlin:20261121T213000"),
    calendar("DTSTART;TZID=Ours:20261121T230000\nSUMMARY:sing\nCATEGORIES:home,reader", head=_ZONE),
    calendar("DTSTART;VALUE=DATE:20261121\nEXDATE:20261122T200000Z\nRDATE:20261122T200000Z"),
    calendar("DTSTART:20200101T200000Z\nRRULE:FREQ=WEEKLY;BYDAY=SA;UNTIL=20270101T000000Z", head="X-WR-TIMEZONE:America/New_York\n"),
    calendar("DTSTART:20261121T200000Z\nDURATION:PT30M\nSTATUS:CONFIRMED\nTRANSP:OPAQUE"),
)  # fmt: skip
_TOKENS = [
    each.encode()
    for each in (
        *("BEGIN:VEVENT\r\n", "END:VEVENT\r\n", "BEGIN:VTIMEZONE\r\n", "TZID=Mars", "UID:u\r\n", "SUMMARY:Writer: x\r\n", "\r\n "),
        *("20261121T200000Z", "20261121", "00000000T000000", "99991231T235959Z", "PT0S", "-P1D", "RRULE:", "FREQ=HOURLY", "COUNT=0"),
        *("INTERVAL=0", "BYDAY=MO,", "BYSETPOS=-1", "BYMONTH=13", "UNTIL=20261121", "DTSTART:", "EXDATE:", "RECURRENCE-ID:"),
    )
]  # fmt: skip
_AGENTS = ("writer", "reader")


def check(subject: Any, data: bytes) -> Verdict:
    window = Window(NINE, NINE + 25 * HOUR, BERLIN)
    try:
        answer = subject(data, _AGENTS, window)
    except NoCalendar as cause:
        return refused(str(cause))
    assert all(reason and len(reason) < 400 and reason.isprintable() for reason in answer["dropped"])
    gathering = Gathering()
    for start, end, slot, agent, title, message in answer["occurrences"]:
        assert isinstance(start, int)
        assert start < end
        assert start < window.until
        assert end > window.now
        assert agent in _AGENTS
        assert 0 < len(slot) <= LONGEST_ID
        assert len(title) <= LONGEST_TITLE
        assert 0 < len(message) <= LONGEST_MESSAGE
        assert f"{slot}{title}{message}".encode()
        gathering.take(Listed(slot, agent, title, message))
    if answer["occurrences"]:
        return accepted("slots, and some are dropped" if answer["dropped"] else "slots")
    return refused(
        re.sub(r".*: |\(.*|\d+", "", answer["dropped"][0])[:40] if answer["dropped"] else "nothing is due"
    )


def _broken(data: bytes, agents: Any, window: Window) -> Any:
    """Takes every calendar for UTF-8."""
    data.decode()
    return work_out(data, agents, window)


TARGET = Target(
    name="icalendar",
    law="any bytes are slots within the window, with reasons for what is none, or no calendar; no rule takes endless time",
    corpus=CORPUS,
    inputs=mutated(CORPUS, _TOKENS, most=4) | st.binary(max_size=40),
    check=check,
    subject=work_out,
    broken=_broken,
    seconds=25.0,
)
