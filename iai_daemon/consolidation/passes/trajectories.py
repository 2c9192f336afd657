"""The pass `trajectories`: what tools did in agents' runs becomes insights. All files are read again whenever one of them has
changed, so an insight is what they say now; what it has learnt itself it never reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iai_daemon.consolidation.insights import files
from iai_daemon.consolidation.insights.calls import Call, Unreadable, parse
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.nights import Batch, NightStore, Outside
from iai_daemon.memory.record import Record

_TOLD = "told"


@dataclass(slots=True)
class Read:
    """What has been read so far, and what could not be, by why."""

    state: str
    count: int
    pieces: Iterator[files.Piece]
    calls: list[Call] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Portion):
    """The next lines, and what they are put to."""

    piece: files.Piece
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class All(Portion):
    """Everything is read. `told`: what was told before, as the pass notes it."""

    read: Read
    told: str

    @property
    def empty(self) -> bool:
        """Never: that there is nothing any more is news, too."""
        return False


class Trajectories:
    """`directories`: where the files lie."""

    name = "trajectories"
    shares = True
    cursor = None
    portion_size = 1000

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = directories
        self._read: Read | None = None

    def input(self, store: NightStore, now: int) -> str:  # noqa: ARG002 -- the files alone tell
        return files.state_of(files.find(self._directories))

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002
        """Files; what an interrupted night had begun to read is read anew."""
        self._read = None
        found = files.find(self._directories)
        return 0 if store.notes(self.name).get("input", "") == files.state_of(found) else len(found)

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        notes = store.notes(self.name)
        if self._read is None:
            found = files.find(self._directories)
            state = files.state_of(found)
            if state == notes.get("input", ""):
                return Portion([], examined=0, last=True)
            self._read = Read(state, len(found), files.read(found))
        piece = next(self._read.pieces, None)
        if piece is not None:
            return Piece([], examined=len(piece.lines), last=False, piece=piece, read=self._read)
        current, told = store.made_by(self.name), notes.get(_TOLD, "[]")
        return All(current, examined=0, last=True, read=self._read, told=told)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        if isinstance(portion, Piece):
            _parse(portion, yield_point)
        if isinstance(portion, All):
            return _learn(portion, now, yield_point)
        return Batch()


def _parse(portion: Piece, yield_point: YieldPoint) -> None:
    piece, read = portion.piece, portion.read
    read.left_out.update({"longer than 64 KiB": piece.long} if piece.long else {})
    for number, line in enumerate(piece.lines):
        if number % 200 == 0:
            yield_point()
        call = parse(line, piece.source) if line.strip() else None
        if isinstance(call, Unreadable):
            read.left_out[call.why] += 1
        elif call is not None:
            read.calls.append(call)


def _learn(portion: All, now: int, yield_point: YieldPoint) -> Batch:
    # Only a night learns; the daemon imports this file to ask whether there is something to do.
    from iai_daemon.consolidation.insights.findings import judge  # noqa: PLC0415
    from iai_daemon.consolidation.insights.runs import counted  # noqa: PLC0415
    from iai_daemon.consolidation.insights.telling import from_note, tell, to_note  # noqa: PLC0415

    read = portion.read
    found = judge(counted(read.calls, yield_point), yield_point)
    telling = tell(found, from_note(portion.told), _by_key(portion.records), now)
    return Batch(
        telling.changes,
        additions=telling.additions,
        notes={"input": read.state, _TOLD: to_note(telling.told)},
        outside=Outside(said=_say(read)),
    )


def _by_key(records: Sequence[Record]) -> Mapping[tuple[str, str], Record]:
    return {(record.subject or "", record.attribute or ""): record for record in records}


def _say(read: Read) -> str:
    said = f"{len(read.calls)} lines of {read.count} files"
    left_out = ", ".join(f"{count} {why}" for why, count in sorted(read.left_out.items()))
    return f"{said}; left out: {left_out}" if left_out else said
