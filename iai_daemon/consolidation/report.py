"""What a night tells about itself: the report of `consolidate` and `nights show`, and the morning note. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from iai_daemon.consolidation.passes.expire import EXPIRED
from iai_daemon.consolidation.passes.supersede import SUPERSEDED
from iai_daemon.memory.nights import JournalEntry, NightRow, Outlook
from iai_daemon.units import format_stamp

COMPLETED, YIELDED, NOTHING_TO_DO, FAILED, CANCELLED = (
    "completed",
    "yielded",
    "nothing_to_do",
    "failed",
    "cancelled",
)


@dataclass(frozen=True, slots=True)
class Counters:
    """What was done, under the names that the report has always had. Passes that do not exist yet count 0."""

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

    @property
    def meaningful(self) -> bool:
        """Whether a round did work that may make more work: one more follows it then. Model profiles alone do not."""
        return bool(
            self.expired_pruned
            or self.superseded_gc
            or self.nodes_embedded
            or self.trajectory_insights
            or self.duplicates_merged
        )


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass in one round. `status`: done, yielded, skipped, or `failed: ` and the cause."""

    name: str
    round: int
    examined: int = 0
    changed: int = 0
    seconds: float = 0.0
    status: str = "skipped"


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One round, with the state of the store after it."""

    round: int
    counters: Counters
    after: Outlook

    def as_json(self) -> dict[str, object]:
        return {"round": self.round, **asdict(self.counters), **_state(self.after)}


@dataclass(frozen=True, slots=True)
class Report:
    """One night; stamps in milliseconds since the epoch. Without `id`: nothing was to do, so nothing is kept."""

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
    yield_ms: int | None = None
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0

    def as_json(self) -> dict[str, object]:
        """As `--json` shows it and the store keeps it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "rule": self.rule,
            "started_at": format_stamp(self.started_at / 1000),
            "ended_at": format_stamp(self.ended_at / 1000),
            "outcome": self.outcome,
            "reason": self.reason,
            "rounds": [each.as_json() for each in self.rounds],
            **asdict(self.counters),
            **_state(self.after),
            "yield_ms": self.yield_ms,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_rss_bytes": self.peak_rss_bytes,
            "passes": [asdict(each) for each in self.passes],
        }


def _state(after: Outlook) -> dict[str, object]:
    coverage = after.embedded / after.total if after.total else 1.0
    return {"total_nodes": after.total, "embedding_coverage": round(coverage, 6)}


def count(effects: Mapping[str, int], embedded: int) -> Counters:
    """The counters of so many journal rows by effect, and so many vectors (which the journal does not hold)."""
    return Counters(
        expired_pruned=effects.get(EXPIRED, 0),
        superseded_gc=effects.get(SUPERSEDED, 0),
        nodes_embedded=embedded,
    )


def interrupted(
    row: NightRow, effects: Mapping[tuple[int, str], int], last: JournalEntry | None, now: Outlook
) -> Report:
    """The report of a night whose process was killed, from the traces that it left."""
    by_round: dict[int, dict[str, int]] = {}
    for (number, effect), rows in effects.items():
        by_round.setdefault(number, {})[effect] = rows
    summed: dict[str, int] = {}
    for (_, effect), rows in effects.items():
        summed[effect] = summed.get(effect, 0) + rows
    where = "before its first change" if last is None else f"in the pass {last.pass_name}, round {last.round}"
    return Report(
        id=row.id,
        kind=row.kind,
        rule=row.rule,
        started_at=row.started_at,
        ended_at=row.started_at if last is None else last.at,
        outcome=FAILED,
        reason=f"its process ended without a word {where}; what it had done stands",
        rounds=[RoundReport(number, count(by_round[number], embedded=0), now) for number in sorted(by_round)],
        counters=count(summed, embedded=0),
        after=now,
    )


def of_row(row: NightRow) -> dict[str, object]:
    """The report of a night as the store keeps it, for `--json`; one without an end has neither `ended_at` nor `outcome`."""
    undone = None if row.undone_at is None else format_stamp(row.undone_at / 1000)
    if row.report is not None:
        return {**row.report, "undone_at": undone}
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


def morning_note(report: Mapping[str, object]) -> str:
    """A few plain lines for `last-night.txt`, from a report as JSON."""
    names = {
        "expired_pruned": "past their time",
        "superseded_gc": "replaced by newer facts",
        "nodes_embedded": "given a vector",
        "duplicates_merged": "joined with others",
        "archived": "archived",
    }
    done = [f"{report[name]} {words}" for name, words in names.items() if report[name]]
    reason = f" ({report['reason']})" if report["reason"] else ""
    lines = [
        f"The {report['kind']} {report['id']} of {report['started_at']}: {report['outcome']}{reason}.",
        f"Of {report['total_nodes']} memories: {', '.join(done) if done else 'nothing had to be changed'}.",
    ]
    if report["expired_pruned"] or report["superseded_gc"]:
        lines.append(f"`iai-daemon nights undo {report['id']}` takes it back.")
    return "\n".join(lines) + "\n"
