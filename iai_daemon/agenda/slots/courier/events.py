"""Which events of an iCalendar (RFC 5545) are for an agent, found in its text before any library has to read it: of a calendar
that holds a life, few are. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from iai_daemon.agenda.slots.courier.answers import clean, clean_title
from iai_daemon.foreign import one_line

# A long line is folded: a break and a blank in the middle of it, perhaps in the middle of a character (RFC 5545 §3.1).
_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z0-9-]+)([;:].*)", re.DOTALL)
_VALUE = re.compile(r"""(?:;[^:"]*(?:"[^"]*"[^:"]*)*)?:(.*)""", re.DOTALL)
_ZONE = re.compile(r""";TZID=(?:"([^"]*)"|([^;:"]*))""", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LONGEST_LINE = 100_000
# What says when.
_WHEN = ("SEQUENCE", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
# Which event an occurrence is of: the library leaves what it does not know where it is.
NUMBER = "X-NUMBER"


class NoCalendar(ValueError):
    """What is said of a text that is no iCalendar, or not all of one."""


@dataclass(slots=True)
class Event:
    """One VEVENT. `agent`: whom it is for; `when`: its lines that say when; `problem`: why it cannot be gone by."""

    uid: str = ""
    summary: str = ""
    description: str = ""
    categories: list[str] = field(default_factory=list)
    is_cancelled: bool = False
    when: list[str] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)
    agent: str | None = None
    problem: str | None = None

    def take(self, name: str, rest: str) -> None:
        value = _value(rest)
        if name in _WHEN:
            if len(name) + len(rest) >= _LONGEST_LINE:
                self.problem = f"its {name} is too long"
            self.when.append(name + rest)
            self.zones.update(
                first or second for first, second in _ZONE.findall(rest.partition(":")[0] + ":")
            )
        elif name == "CATEGORIES":
            self.categories += [each.strip() for each in value.split(",")]
        elif name == "STATUS":
            self.is_cancelled = value.strip().upper() == "CANCELLED"
        elif name == "UID":
            self.uid = _unescaped(value).strip()
        elif name == "SUMMARY":
            self.summary = _unescaped(value).strip()
        elif name == "DESCRIPTION":
            self.description = _unescaped(value).strip()

    def find_agent(self, agents: Collection[str]) -> None:
        """A category that is an agent's name, else the name before the first colon of the summary; which then goes."""
        names = {each.casefold(): each for each in agents}
        before, colon, after = self.summary.partition(":")
        named = names.get(before.strip().casefold()) if colon else None
        self.agent = next((names[c.casefold()] for c in self.categories if c.casefold() in names), named)
        if named and named == self.agent:
            self.summary = after.strip()

    @property
    def title(self) -> str:
        return clean_title(self.summary)

    @property
    def message(self) -> str:
        """Not yet bounded."""
        return clean(self.description or self.summary)


@dataclass(slots=True)
class Series:
    """All events of one UID: the rule, and what is different in some of its occurrences."""

    uid: str
    events: list[Event] = field(default_factory=list)

    def text(self, zones: Mapping[str, str], head: str) -> bytes:
        """A calendar of this series alone, with the definitions of the zones that it names."""
        named = sorted({zone for event in self.events for zone in event.zones} & zones.keys())
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//iai-daemon//courier//EN"]
        lines += [*([head] if head else []), *(zones[zone] for zone in named)]
        for number, event in enumerate(self.events):
            lines += ["BEGIN:VEVENT", "UID:one", f"{NUMBER}:{number}", *event.when, "END:VEVENT"]
        return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()

    @property
    def named(self) -> str:
        """What a person knows it by."""
        return f"event {one_line(self.events[0].summary or self.uid)!r}"


@dataclass(slots=True)
class Found:
    """What a calendar holds for agents. `head`: the line that names the zone of a calendar as Google writes it."""

    series: list[Series]
    zones: dict[str, str]
    head: str
    dropped: list[str]


def find(data: bytes, agents: Collection[str]) -> Found:
    """The series of which at least one event is for one of these agents. Raises NoCalendar."""
    text = _FOLD.sub(b"", data).decode("utf-8-sig", errors="replace").lstrip()
    if not text[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise NoCalendar("it is no iCalendar")
    if text.rstrip()[-13:].upper() != "END:VCALENDAR":
        raise NoCalendar("it ends in the middle")
    found, by_uid = Found([], {}, "", []), dict[str, Series]()
    for event in _events(text, found):
        event.find_agent(agents)
        if event.uid:
            by_uid.setdefault(event.uid, Series(event.uid)).events.append(event)
        elif event.agent:
            found.dropped.append(f"event {one_line(event.summary)!r} has no UID")
    found.series = [each for each in by_uid.values() if any(event.agent for event in each.events)]
    return found


def _events(text: str, found: Found) -> Iterator[Event]:
    """Every VEVENT; what there is to know of time zones is noted on the way."""
    for kind, lines in _blocks(text):
        if kind == "VEVENT":
            event = Event()
            for line in lines:
                parts = _LINE.match(line)
                if parts:
                    event.take(parts[1].upper(), parts[2])
            yield event
        elif kind == "VTIMEZONE":
            _note_zone(lines, found.zones)
        elif lines[0].upper().startswith("X-WR-TIMEZONE"):
            found.head = lines[0]


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each line of a calendar itself, and each component in it when it ends: of a time zone all lines, of others without what is
    within them, as alarms are."""
    path: list[str] = []
    block: list[str] = []
    for line in _lines(text):
        word, _, value = line.partition(":")
        if word.upper() == "BEGIN":
            path.append(value.strip().upper())
            if len(path) == 2:
                block = []
        if len(path) == 1 and word[:1] in ("X", "x"):
            yield path[0], [line]
        elif len(path) == 2 or path[1:2] == ["VTIMEZONE"]:
            block.append(line)
        if word.upper() == "END" and path:
            ended = path.pop()
            if len(path) == 1:
                yield ended, block


def _lines(text: str) -> Iterator[str]:
    """Without a copy of them all. What is far too long for what it says is cut, and refused by its length later."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start : min(end, start + _LONGEST_LINE)].removesuffix("\r")
        start = end + 1


def _note_zone(lines: list[str], zones: dict[str, str]) -> None:
    for line in lines:
        if line[:5].upper() == "TZID:":
            zones.setdefault(line[5:].strip(), "\r\n".join(lines))


def _value(rest: str) -> str:
    found = _VALUE.match(rest)
    return found[1] if found else ""


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
