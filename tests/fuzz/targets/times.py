"""When somebody wants a recall, in his words (`agenda.asking.wishes`, `agenda.schedule`)."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from iai_daemon.agenda.asking.wishes import When, trigger_of
from iai_daemon.agenda.schedule.local_time import END
from iai_daemon.agenda.schedule.triggers import Trigger, upcoming
from iai_daemon.errors import UsageError
from tests.fakes import NOON
from tests.fuzz.mutating import mutated_text, one_of
from tests.fuzz.target import Target, Verdict, accepted, refused

_NOW = round(NOON * 1000)
_EXAMPLES = {
    "at": ("2026-11-30 09:00", "2026-11-30T09:00:00Z", "09:00", "2027-03-28T02:30:00+01:00", "2026-11-30T09:00:00.5"),
    "after": ("90s", "45m", "2h30m", "1d"),
    "every": ("30s", "1h30m", "1d", "250ms", "36h"),
    "cron": ("0 9 * * 1-5", "*/5 * * * *", "@daily", "30 2 29 2 *", "0 0 L * *", "15,45 8-18/2 * JAN-MAR MON#1"),
    "rrule": (
        "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0",
        "DTSTART;TZID=America/New_York:20261130T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3\nEXDATE:20261225T090000",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=DAILY;INTERVAL=3;UNTIL=20271231T000000Z",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;WKST=SU", "FREQ=MINUTELY;INTERVAL=90", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
    ),
}  # fmt: skip
_TOKENS = [
    *("0", "60", "-1", "9999999", "*", "/0", "1-", ",", "#5", "L", "W", "?", "@yearly", "MON", "never", "0s", "1e9s", "99999d"),
    *("FREQ=SECONDLY", "BYDAY=", "BYSETPOS=366", "BYYEARDAY=366", "COUNT=0", "UNTIL=19000101", "INTERVAL=100000", "DTSTART:", "EXDATE:"),
    *("TZID=Mars/Base", "20261131T250000", "BYMONTH=2", "BYMONTHDAY=30", ";", "=", "+99:99", "T24:00", "2199-12-31 23:59", "RRULE:"),
]  # fmt: skip
_ZONES = (
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Monrovia",
    "Mars/Base",
    "",
    "../etc/passwd",
)
CORPUS = tuple((kind, text, "Europe/Berlin") for kind, texts in _EXAMPLES.items() for text in texts)


def check(subject: Any, given: tuple[str, str, str]) -> Verdict:
    kind, text, zone = given
    try:
        _, trigger = subject(When(zone, **{kind: text}), _NOW)
    except UsageError as cause:
        said = str(cause)
        assert said
        assert said.encode(errors="surrogatepass")
        assert len(said) < 1000 + len(zone) + len(text)
        return refused(f"{kind}: " + re.sub(r"['\"].*['\"]|\S*\d\S*", "", said)[:30])
    assert isinstance(trigger, Trigger)
    # What is wanted in no time at all is due at this moment.
    firings = upcoming(trigger, _NOW - 1, 5)
    assert firings, "it never comes, and was taken"
    assert firings == sorted(set(firings)), "its times are not in order, or twice the same"
    assert all(_NOW <= each < END for each in firings)
    assert (
        upcoming(Trigger(*(getattr(trigger, name) for name in Trigger.__slots__)), firings[0], 4)
        == firings[1:]
    )
    return accepted(kind)


def _broken(when: When, now: int) -> Any:
    """Takes every cron expression for one with five fields."""
    found = trigger_of(when, now)
    if when.cron is not None:
        when.cron.split(" ")[4]
    return found


_KIND = one_of(sorted(_EXAMPLES))

TARGET = Target(
    name="times",
    law="any words are a plan whose times come in order and again the same, or a refusal; and none takes endless time",
    corpus=CORPUS,
    inputs=_KIND.flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            mutated_text(_EXAMPLES[kind], _TOKENS, most=3),
            st.just("Europe/Berlin") | one_of(_ZONES),
        )
    ),
    check=check,
    subject=trigger_of,
    broken=_broken,
)
