"""What is measured: the status and the store's figures as families of samples, named by OpenMetrics' conventions. Pure.

A status may come from another version, or from somebody else's socket: what is no number is left out, and texts are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from iai_daemon.foreign import printable
from iai_daemon.units import parse_stamp

PREFIX = "iai_daemon"
LONGEST_LABEL = 128
OTHER = "other"
# Plug-ins may name theirs as they like: what is not among these is counted together, so that the number of series has its bounds.
STATES = ("WAKE", "IDLE", "BEDTIME")
VERDICTS = ("fresh", "stale", "orphan", "invalid")
STATUSES = ("current", "superseded", "merged", "expired", "archived", "forgotten")
KINDS = ("night", "nap")
OUTCOMES = ("completed", "yielded", "failed", "cancelled")
EFFECTS = ("expired", "superseded", "merged", "archived", "gist", "learnt", "profiled", "renewed")
WHYS = ("review", "budget", "recall")

Labels = Mapping[str, str]
Status = Mapping[str, Any]


class Type(StrEnum):
    """What a family is."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and what tells it from others of its family."""

    value: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class Family:
    """`name` is without the `_total` of counters and the `_info` of infos; `unit` is what it ends with, empty where it has none."""

    name: str
    type: Type
    help: str
    samples: Sequence[Sample]
    unit: str = ""

    def to_json(self) -> dict[str, object]:
        """As `metrics --json` shows it."""
        samples = [{"labels": dict(each.labels), "value": each.value} for each in self.samples]
        return {
            "name": self.name,
            "type": self.type.value,
            "unit": self.unit,
            "help": self.help,
            "samples": samples,
        }


class Figures(Protocol):
    """What the store counts of itself: iai_daemon.memory.figures."""

    @property
    def memories(self) -> Mapping[str, int]: ...
    @property
    def nights(self) -> Mapping[tuple[str, str], int]: ...
    @property
    def changes(self) -> Mapping[str, int]: ...
    @property
    def held(self) -> Mapping[str, int]: ...
    @property
    def night_began(self) -> int | None: ...
    @property
    def night_ended(self) -> int | None: ...


def families(status: Status, figures: Figures | None) -> list[Family]:
    """All that can be told; of what is not known there is no sample, and no family without one. `status`: the object of
    `status --json`, its pid None where no daemon runs; `figures`: None where the store cannot be asked."""
    up = _number(status.get("pid")) is not None
    store = _object(status, "store")
    info = {"version": bounded(status.get("version")), "engine": bounded(store.get("engine"))}
    told = [
        _one("up", Type.GAUGE, "Whether the daemon answers.", float(up)),
        Family(PREFIX, Type.INFO, "What runs, and what keeps its memory.", [Sample(1.0, info)]),
        _one("store_up", Type.GAUGE, "Whether the memory can be asked.", float(figures is not None)),
        *(_daemon(status) if up else ()),
        *(_store(figures) if figures is not None else ()),
    ]
    return [each for each in told if each.samples]


def _daemon(status: Status) -> Iterator[Family]:
    """What the daemon alone knows."""
    presence, night = _object(status, "presence"), _object(status, "consolidation")
    agenda, tick = _object(status, "agenda"), _object(status, "tick")
    states = [Sample(float(each == status.get("state")), {"state": each}) for each in STATES]
    yield _family("state", Type.GAUGE, "The lifecycle's state: 1 for the one that holds.", states)
    verdicts = {each: presence.get(each) for each in VERDICTS}
    yield _family("wrappers", Type.GAUGE, "Wrappers, by what their heartbeats say.", _by("verdict", verdicts))
    yield _one("active_wrappers", Type.GAUGE, "Wrappers whose user is at work.", presence.get("active"))
    running = night.get("running")
    yield _one("night_running", Type.GAUGE, "Whether a night or a nap runs.", float(running is True))
    yield _one(
        "agents_running", Type.GAUGE, "Agents that are at work for the agenda.", _length(agenda, "running")
    )
    missed = agenda.get("missed_last_day")
    yield _one("missed_recalls", Type.GAUGE, "Recalls that were missed within the last day.", missed)
    at = _stamp(agenda.get("next_at"))
    yield _one("next_recall_timestamp", Type.GAUGE, "When the next recall is due.", at, "seconds")
    ticked = _stamp(tick.get("at"))
    yield _one("tick_timestamp", Type.GAUGE, "When the daemon's loop last ticked.", ticked, "seconds")
    yield _one(
        "tick_failures",
        Type.COUNTER,
        "Failures that the loop survived since it started.",
        tick.get("failures"),
    )
    yield _one("degraded", Type.GAUGE, "Things that do not work as they should.", _length(status, "degraded"))


def _store(figures: Figures) -> Iterator[Family]:
    """What the store knows, whether a daemon runs or not."""
    statuses = {each: figures.memories.get(each, 0) for each in STATUSES}
    yield _family(
        "memories",
        Type.GAUGE,
        "Memories; one that was merged is superseded by nothing.",
        _by("status", statuses),
    )
    ended: dict[tuple[str, str], int] = {(kind, outcome): 0 for kind in KINDS for outcome in OUTCOMES}
    for (kind, outcome), number in figures.nights.items():
        place = (kind if kind in KINDS else OTHER, outcome if outcome in OUTCOMES else OTHER)
        ended[place] = ended.get(place, 0) + number
    nights = [
        Sample(float(number), {"kind": kind, "outcome": outcome}) for (kind, outcome), number in ended.items()
    ]
    yield _family("nights", Type.COUNTER, "Nights and naps that have ended.", nights)
    changes = _by("effect", _known(figures.changes, EFFECTS))
    yield _family("changes", Type.COUNTER, "Changes that nights have made, also those taken back.", changes)
    held = _by("why", _known(figures.held, WHYS))
    yield _family("held_changes", Type.GAUGE, "Planned changes that wait.", held)
    began, over = figures.night_began, figures.night_ended
    at = None if over is None else over / 1000
    yield _one(
        "last_night_end_timestamp", Type.GAUGE, "When the newest completed night ended.", at, "seconds"
    )
    took = None if over is None or began is None else (over - began) / 1000
    yield _one(
        "last_night_duration", Type.GAUGE, "How long the newest completed night took.", took, "seconds"
    )


def _known(counted: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Every known name, and all others together."""
    found = {name: counted.get(name, 0) for name in names}
    others = sum(number for name, number in counted.items() if name not in found)
    return {**found, OTHER: others} if others else found


def _by(label: str, values: Mapping[str, object]) -> list[Sample]:
    numbers = ((name, _number(value)) for name, value in values.items())
    return [Sample(number, {label: bounded(name)}) for name, number in numbers if number is not None]


def _family(name: str, type_: Type, help_: str, samples: Sequence[Sample], unit: str = "") -> Family:
    return Family(f"{PREFIX}_{name}{f'_{unit}' if unit else ''}", type_, help_, samples, unit)


def _one(name: str, type_: Type, help_: str, value: object, unit: str = "") -> Family:
    number = _number(value)
    return _family(name, type_, help_, [] if number is None else [Sample(number, {})], unit)


def _number(value: object) -> float | None:
    """A finite number that is not below zero: nothing here can be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _length(object_: Status, name: str) -> int | None:
    found = object_.get(name)
    return len(found) if isinstance(found, list) else None


def _object(object_: Status, name: str) -> Status:
    found = object_.get(name)
    return found if isinstance(found, Mapping) else {}


def _stamp(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_stamp(value)
    except ValueError:
        return None


def bounded(value: object) -> str:
    """A text as a label may have it: of no more than LONGEST_LABEL characters, all of which can be printed, but for line feeds.
    What is no text is not known."""
    text = value[: LONGEST_LABEL + 1] if isinstance(value, str) else "unknown"
    shown = printable(text, keep="\n")
    return shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 1]}…"
