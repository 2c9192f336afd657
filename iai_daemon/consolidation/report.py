"""What a night tells about itself: the report of `consolidate` and `nights show`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from iai_daemon.consolidation.death import Cause, Death
from iai_daemon.consolidation.effects import ARCHIVED, EXPIRED, GIST, LEARNT, MERGED, PROFILED, SUPERSEDED
from iai_daemon.memory.nights import NightRow, NightStore, Outlook, Why
from iai_daemon.units import stamp_of

COMPLETED, YIELDED, NOTHING_TO_DO, FAILED, CANCELLED = (
    "completed",
    "yielded",
    "nothing_to_do",
    "failed",
    "cancelled",
)
# The status of a command in a dry run.
NOT_REHEARSED = "not rehearsed: a dry run starts no other programs and asks no server"
# A night with such an outcome has left something to the next one.
CUT_SHORT = frozenset({YIELDED, FAILED, CANCELLED})
# A worker that we have killed did what it was asked to, in its way.
_ENDED_BY = {Cause.YIELD: YIELDED, Cause.CANCEL: CANCELLED}


@dataclass(frozen=True, slots=True)
class Counters:
    """What was done, under the names that the report has always had. Passes that do not exist yet count 0.

    `held_back`: planned, but over the loss budget or against the recall self-check; `proposed`: waits for a person.
    """

    expired_pruned: int = 0
    superseded_gc: int = 0
    nodes_embedded: int = 0
    trajectory_insights: int = 0
    model_insights: int = 0
    duplicates_merged: int = 0
    links_added: int = 0
    gists_written: int = 0
    archived: int = 0
    held_back: int = 0
    proposed: int = 0

    @property
    def meaningful(self) -> bool:
        """Whether a round did work that may make more work: one more follows it then. Model profiles alone do not."""
        return bool(
            self.expired_pruned
            or self.superseded_gc
            or self.nodes_embedded
            or self.trajectory_insights
            or self.duplicates_merged
            or self.gists_written
            or self.archived
        )


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass in one round. `status`: done, yielded, skipped, or `failed: ` and the cause. `said`: what no number tells."""

    name: str
    round: int
    examined: int = 0
    changed: int = 0
    seconds: float = 0.0
    status: str = "skipped"
    said: str = ""


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One round, with the state of the store after it."""

    round: int
    counters: Counters
    after: Outlook

    def as_json(self) -> dict[str, object]:
        return {"round": self.round, **asdict(self.counters), **_state(self.after)}


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a night was cut short: in which pass and round, after how many of about how many records."""

    pass_name: str
    round: int
    done: int = 0
    total: int = 0

    def as_json(self) -> dict[str, object]:
        return {"pass": self.pass_name, "round": self.round, "done": self.done, "total": self.total}


@dataclass(frozen=True, slots=True)
class Resumed:
    """Which night this one goes on with, and in which pass that was cut short (None: before the first)."""

    night: int
    pass_name: str | None

    def as_json(self) -> dict[str, object]:
        return {"night": self.night, "pass": self.pass_name}


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the recall self-check: of so many memories that were asked for in their own words so many were found before
    they were lost, and so many after. What was found no more is held back."""

    asked: int = 0
    found_before: int = 0
    found_after: int = 0

    def __add__(self, other: Checked) -> Checked:
        return Checked(
            self.asked + other.asked,
            self.found_before + other.found_before,
            self.found_after + other.found_after,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One night; stamps in milliseconds since the epoch. Without `id`: nothing was to do, so nothing is kept. Without `checked`:
    it is not known what the self-check found."""

    id: int | None
    kind: str
    rule: str
    started_at: int
    ended_at: int
    outcome: str
    reason: str | None
    rounds: Sequence[RoundReport]
    counters: Counters
    after: Outlook
    passes: Sequence[PassReport] = ()
    stopped: Stopped | None = None
    resumes: Resumed | None = None
    yield_ms: int | None = None
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    checked: Checked | None = None

    def as_json(self) -> dict[str, object]:
        """As `--json` shows it and the store keeps it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "rule": self.rule,
            "started_at": stamp_of(self.started_at),
            "ended_at": stamp_of(self.ended_at),
            "outcome": self.outcome,
            "reason": self.reason,
            "rounds": [each.as_json() for each in self.rounds],
            **asdict(self.counters),
            **_state(self.after),
            "stopped": self.stopped and self.stopped.as_json(),
            "resumes": self.resumes and self.resumes.as_json(),
            "yield_ms": self.yield_ms,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_rss_bytes": self.peak_rss_bytes,
            "self_check": self.checked and asdict(self.checked),
            "passes": [asdict(each) for each in self.passes],
        }


def _state(after: Outlook) -> dict[str, object]:
    coverage = after.embedded / after.total if after.total else 1.0
    return {"total_nodes": after.total, "embedding_coverage": round(coverage, 6)}


def counters(store: NightStore, night: int, of_round: int | None = None) -> Counters:
    """What a night (or one round of it) did, read back from what the store holds of it."""

    def total(by_round: Iterable[tuple[int, int]]) -> int:
        return sum(n for number, n in by_round if of_round in (None, number))

    effects, held = store.effects(night), store.count_held(night)

    def made(effect: str) -> int:
        return total((number, n) for (number, of), n in effects.items() if of == effect)

    def waiting(*whys: Why) -> int:
        return total((number, n) for (number, why), n in held.items() if why in whys)

    return Counters(
        expired_pruned=made(EXPIRED),
        superseded_gc=made(SUPERSEDED),
        nodes_embedded=total(store.embedded(night).items()),
        trajectory_insights=made(LEARNT),
        model_insights=made(PROFILED),
        duplicates_merged=made(MERGED),
        links_added=total(store.linked(night).items()),
        gists_written=made(GIST),
        archived=made(ARCHIVED),
        held_back=waiting(Why.BUDGET, Why.RECALL),
        proposed=waiting(Why.REVIEW),
    )


def interrupted(store: NightStore, row: NightRow, now: Outlook, death: Death | None = None) -> Report:
    """The report of a night that could not write its own, from the traces that it left and what is known of its end."""
    last = store.last_entry(row.id)
    rounds = sorted({number for number, _ in store.effects(row.id)} | set(store.embedded(row.id)))
    stopped = None if last is None else Stopped(last.pass_name, last.round)
    where = "before its first change" if last is None else f"in the pass {last.pass_name}, round {last.round}"
    outcome, said, yield_ms = FAILED, f"its process ended without a word {where}", None
    if death is not None and death.night == row.id:
        outcome, said, yield_ms = _ENDED_BY.get(death.cause, FAILED), death.say(), death.yield_ms
        stopped = Stopped(death.pass_name, max([1, *rounds])) if death.pass_name else stopped
    return Report(
        id=row.id,
        kind=row.kind,
        rule=row.rule,
        started_at=row.started_at,
        ended_at=row.started_at if last is None else last.at,
        outcome=outcome,
        reason=f"{said}; what it had done stands",
        rounds=[RoundReport(number, counters(store, row.id, number), now) for number in rounds],
        counters=counters(store, row.id),
        after=now,
        stopped=stopped,
        yield_ms=yield_ms,
    )


def _not_counted(report: Mapping[str, object]) -> dict[str, int]:
    return {name: number for name, number in asdict(Counters()).items() if name not in report}


def broken(report: Mapping[str, Any]) -> dict[str, str]:
    """The passes that failed by a report as JSON, each with its cause."""
    told = ((str(each.get("name")), str(each["status"])) for each in report.get("passes") or ())
    return {name: status.removeprefix("failed: ") for name, status in told if status.startswith("failed: ")}


def notable(report: Mapping[str, Any]) -> bool:
    """Whether a night changed or planned anything, or a pass of it failed, by its report as JSON."""
    return bool(broken(report)) or any(report[each.name] for each in fields(Counters))


def of_row(row: NightRow) -> dict[str, object]:
    """The report of a night as the store keeps it, for `--json`; one without an end has neither `ended_at` nor `outcome`."""
    undone = None if row.undone_at is None else stamp_of(row.undone_at)
    if row.report is not None:
        # What an older version did not count yet it did not do.
        return {**row.report, **_not_counted(row.report), "undone_at": undone}
    nothing_yet = Report(
        id=row.id,
        kind=row.kind,
        rule=row.rule,
        started_at=row.started_at,
        ended_at=row.started_at,
        outcome="",
        reason=row.reason,
        rounds=(),
        counters=Counters(),
        after=Outlook(work=True, total=0, embedded=0),
    )
    return {**nothing_yet.as_json(), "ended_at": None, "outcome": None, "undone_at": undone}
