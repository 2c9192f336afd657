"""The morning note: what the last night did, in a few lines for who was asleep meanwhile. Pure; notes.py writes it down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from itertools import takewhile
from typing import Any

from iai_daemon.consolidation.effects import (
    ARCHIVED,
    BESIDE,
    COUNTERS,
    EXPIRED,
    GIST,
    LEARNT,
    MERGED,
    PROFILED,
    SUPERSEDED,
    UNDOABLE,
    counted,
)
from iai_daemon.consolidation.report import COMPLETED, FAILED, YIELDED, broken, notable, of_row
from iai_daemon.foreign import one_line
from iai_daemon.memory.nights import JournalEntry, NightRow, NightStore, Why
from iai_daemon.units import parse_stamp, say_count, to_local

# So far back is looked for the night that is told of; naps may have followed it.
_LOOKED_THROUGH = 100
_EXAMPLES = 2
_LOOKED_AT = 8
# In lines: what is to be read before the first coffee.
_LONGEST = 12
_QUOTED = 30
# In characters, and in words before the first in which two texts differ.
_COMPARED, _BEFORE = 400, 2
_CAUSE = 240
_WAITING = ("proposed", "held_back")
# What makes the best example comes first.
_TOLD = {
    SUPERSEDED: "{old} gave way to {new}",
    MERGED: "{old} was joined with {new}",
    ARCHIVED: "{old} was archived",
    GIST: "a gist was written: {old}",
    LEARNT: "learnt: {old}",
    PROFILED: "learnt: {old}",
    EXPIRED: "{old} was past its time",
}
_WITHOUT_NEW = {SUPERSEDED: "{old} was replaced", MERGED: "{old} was joined with another"}

Told = Mapping[str, Any]

# One line of what somebody wrote, at most so many characters, without anything that would steer a terminal.
_clean = partial(one_line, instead=" ")


@dataclass(frozen=True, slots=True)
class Morning:
    """What there is to tell: `night`, a report as JSON, with `examples` of what it did, and those that came `since`.

    `proposed` and `held_back`: how much of what it planned waits now. `running`: the night that has not ended yet.
    """

    night: Told
    examples: Sequence[str] = ()
    since: Sequence[Told] = ()
    proposed: int = 0
    held_back: int = 0
    running: int | None = None
    hindered: Mapping[str, bool] = field(default_factory=dict)


def look(store: NightStore) -> Morning | None:
    """The newest night of which there is something to tell, else the newest one, else the newest nap; None: there was none.

    So a nap, or a night that found nothing to do, does not hide the night before it: it stands among those that came since.
    """
    rows = store.nights(_LOOKED_THROUGH)
    ended = [row for row in rows if row.report is not None]
    if not ended:
        return None
    nights = [row for row in ended if row.kind == "night"]
    row = next((each for each in reversed(nights) if _is_told(of_row(each))), (nights or ended)[-1])
    running = rows[-1].id if rows[-1].report is None else None
    held = dict.fromkeys(Why, 0)
    for (_, why), number in store.count_held(row.id).items():
        held[why] += number
    return Morning(
        night=of_row(row),
        examples=() if row.undone_at is not None else _examples(store, row),
        since=[of_row(each) for each in ended if each.id > row.id],
        proposed=held[Why.REVIEW],
        held_back=held[Why.BUDGET] + held[Why.RECALL],
        running=running,
        hindered={name: each.not_before is not None for name, each in store.hindrances().items()},
    )


def _is_told(report: Told) -> bool:
    return report["outcome"] == FAILED or notable(report)


def _examples(store: NightStore, row: NightRow) -> list[str]:
    """One of each of the kinds that tell most, and where there is but one kind more of it."""
    found: list[str] = []
    spare: list[str] = []
    for effect in _TOLD:
        if len(found) < _EXAMPLES:
            lines = _of_kind(store, row.id, effect)
            found += lines[:1]
            spare += lines[1:]
    return [*found, *spare][:_EXAMPLES]


def _of_kind(store: NightStore, night: int, effect: str) -> list[str]:
    """Of the first of its changes: those first that left something in their place."""
    whole: list[str] = []
    rest: list[str] = []
    for entry in store.first_of(night, effect, _LOOKED_AT):
        # What was purged has no words any more.
        if old := _clean(str(entry.after.get("content") or ""), _COMPARED):
            new = _successor(store, entry)
            (whole if new or effect not in _WITHOUT_NEW else rest).append(_example(effect, old, new))
    return [*whole, *rest]


def _successor(store: NightStore, entry: JournalEntry) -> str:
    """What says it now; empty: nothing that still holds."""
    successor = entry.after.get("superseded_by") or entry.after.get("merged_into")
    if not isinstance(successor, int):
        return ""
    standing = store.standing([successor], pass_name="", taken_back=True).get(successor)
    return "" if standing is None else _clean(standing.content, _COMPARED)


def _example(effect: str, old: str, new: str) -> str:
    if not new and effect in _WITHOUT_NEW:
        return _WITHOUT_NEW[effect].format(old=_quote(old))
    if new == old:
        return f"{_quote(old)} was told twice, and is one memory now"
    return _TOLD[effect].format(old=_quote(old, new), new=_quote(new, old))


def _quote(text: str, other: str = "") -> str:
    """The first words in quotes; where those are the other's, too, the words in which the two differ, and some before them."""
    words = text.split()
    alike = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, other.split(), strict=False))
    )
    if len(" ".join(words[: alike + 1])) > _QUOTED:
        text = f"… {' '.join(words[max(0, alike - _BEFORE) :])}"
    return f'"{_clean(text, _QUOTED)}"'


def morning_note(morning: Morning, zone: tzinfo | None = None) -> str:
    """A few plain lines for `last-night.txt`; times as in `zone`, None: as this machine has it."""
    lines = _lines(morning, morning.examples, zone)
    if len(lines) > _LONGEST:
        lines = _lines(morning, (), zone)
    return "\n".join(lines) + "\n"


def _lines(morning: Morning, examples: Sequence[str], zone: tzinfo | None) -> list[str]:
    lines = [*_head(morning.night, zone), *_did(morning.night, examples), *_waits(morning)]
    return [*lines, *_went_wrong(morning), *_since(morning, zone), *_way_back(morning.night)]


def summary(morning: Morning) -> str:
    """The same without anybody's words and without commands, in a line or two: for where others may look on."""
    night = morning.night
    waits = [say_count(morning.proposed, "change") + " proposed"] if morning.proposed else []
    waits += [say_count(morning.held_back, "change") + " held back"] if morning.held_back else []
    causes = broken(night)
    failed = [f"failed: {', '.join(_clean(name, _QUOTED) for name in causes)}"] if causes else []
    said = [*counted(night), *waits, *failed]
    return f"{', '.join(said) or 'nothing was changed'}."


def _head(night: Told, zone: tzinfo | None) -> Iterator[str]:
    called = "Last night" if night["kind"] == "night" else "The last nap"
    # Which pass broke of what has a line of its own.
    why = None if broken(night) else night["reason"]
    reason = f" ({_clean(str(why), _CAUSE)})" if why else ""
    yield f"{called}, {_when(night, zone)}: {night['kind']} {night['id']}, {night['outcome']}{reason}."
    if night.get("undone_at"):
        at = to_local(parse_stamp(str(night["undone_at"])), zone)
        yield f"It was taken back at {at:%a %d %b %Y, %H:%M}: what it changed is as it was before."


def _did(night: Told, examples: Sequence[str]) -> Iterator[str]:
    if night.get("undone_at"):
        return
    nothing = "nothing was changed" if any(night[name] for name in _WAITING) else "nothing had to be changed"
    changed = counted(night, set(COUNTERS) - set(BESIDE))
    yield f"Of {night['total_nodes']} memories: {', '.join(changed) or nothing}."
    yield from (f"  {each}" for each in examples)
    if added := counted(night, BESIDE):
        yield f"Beside them: {' and '.join(added)} of what belongs together."


def _waits(morning: Morning) -> Iterator[str]:
    number = morning.night["id"]
    if morning.proposed:
        yield f"It proposes {say_count(morning.proposed, 'change')}: `iai-daemon nights show {number} --diff` shows them,"
        yield f"`iai-daemon nights accept {number}` carries them out."
    if morning.held_back:
        yield f"{say_count(morning.held_back, 'change')} held back: `iai-daemon nights show {number}` says why."


def _went_wrong(morning: Morning) -> Iterator[str]:
    night = morning.night
    if causes := broken(night):
        (name, cause), *others = causes.items()
        more = f" (and {say_count(len(others), 'other')})" if others else ""
        yield f"Went wrong{more}: {_clean(name, _QUOTED)}, {_clean(cause.rstrip('.'), _CAUSE)}."
        retry = f"`iai-daemon nights retry {_clean(name, _QUOTED)}` lets it run again"
        again = retry if morning.hindered.get(name, False) else "The next night tries again"
        yield f"{again}; `iai-daemon doctor` says what is wrong."
    elif night["outcome"] == FAILED:
        yield "The next night tries again; `iai-daemon doctor` says what is wrong."
    if night["outcome"] == YIELDED and not _goes_on(morning):
        yield "It gave way, and goes on by itself when nobody is at work."


def _goes_on(morning: Morning) -> bool:
    """Whether a later one has gone on with it."""
    return any((each.get("resumes") or {}).get("night") == morning.night["id"] for each in morning.since)


def _since(morning: Morning, zone: tzinfo | None) -> Iterator[str]:
    naps = [each for each in morning.since if each["kind"] == "nap"]
    nights = [each for each in morning.since if each["kind"] != "nap"]
    if naps:
        total = {name: sum(int(each[name]) for each in naps) for name in COUNTERS}
        said = ", ".join(counted(total)) or "nothing was changed"
        yield f"Since then {say_count(len(naps), 'nap')}, the last at {_clock(naps[-1], zone)}: {said}."
    if nights:
        last = nights[-1]
        more = f" (and {len(nights) - 1} before it)" if len(nights) > 1 else ""
        yield f"Since then the night at {_clock(last, zone)}{more} {_vain(last)}."
    if morning.running is not None:
        yield f"Another one, night {morning.running}, has not ended yet."


def _vain(night: Told) -> str:
    """What became of a night that changed nothing."""
    said = {COMPLETED: "found nothing to change", YIELDED: "gave way before it changed anything"}
    return said.get(night["outcome"], f"was {night['outcome']} before it changed anything")


def _way_back(night: Told) -> Iterator[str]:
    if not night.get("undone_at") and any(night[name] for name in UNDOABLE):
        yield f"`iai-daemon nights undo {night['id']}` takes it back."


def _clock(report: Told, zone: tzinfo | None) -> str:
    return f"{to_local(parse_stamp(str(report['started_at'])), zone):%H:%M}"


def _when(report: Told, zone: tzinfo | None) -> str:
    """`Sat 21 Nov 2026, 03:12–03:14 CET`"""
    began, ended = (to_local(parse_stamp(str(report[name])), zone) for name in ("started_at", "ended_at"))
    until = (
        ""
        if (began.hour, began.minute, began.date()) == (ended.hour, ended.minute, ended.date())
        else f"–{ended:%H:%M}"
    )
    return f"{began:%a %d %b %Y, %H:%M}{until} {began:%Z}"
