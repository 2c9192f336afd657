"""The pass `outcomes`: the profiles of models in a JSON file become one fact per model. A profile that has changed takes the
place of the one before; the fact of a model that is no longer in the file stays, for it says what was measured."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from iai_daemon.consolidation.effects import PROFILED
from iai_daemon.consolidation.insights.files import Found, state_of
from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Addition, Batch, NightStore, Outside
from iai_daemon.memory.record import Draft, Record

_ATTRIBUTE = "outcomes"


@dataclass(slots=True)
class Read:
    """The state of a file, and what is still to be told of it: sentences by model. `records`: what is told so far, by model;
    `told`: which of it was planned last, whether or not a user has forgotten it since."""

    state: str
    records: Mapping[str, Record]
    told: Mapping[str, str]
    sentences: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(Portion):
    """What stands in the file, and where it is put when it is understood."""

    content: bytes
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Some(Portion):
    """Of some models: what is told (if anything), and the sentence of today."""

    pairs: Mapping[str, tuple[Record | None, str]]
    read: Read

    @property
    def empty(self) -> bool:
        """Never: that nothing can be read is news, too."""
        return False


class Outcomes:
    """`path`: the file; None: there is none, so there is nothing to do."""

    name = "outcomes"
    shares = True
    cursor = None
    portion_size = 100

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: Read | None = None

    def input(self, store: NightStore, now: int) -> str:  # noqa: ARG002 -- the file alone tells
        return _state(self._path)

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002
        """One file; what an interrupted night had begun to read is read anew."""
        self._read = None
        return int(store.notes(self.name).get("input", "") != _state(self._path))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        if self._read is None:
            notes, state = store.notes(self.name), _state(self._path)
            if notes.get("input", "") == state:
                return Portion([], examined=0, last=True)
            records = {record.subject or "": record for record in store.made_by(self.name)}
            self._read = Read(state, records, notes)
            if state:
                return Content([], examined=0, last=False, content=_content(self._path), read=self._read)
        read = self._read
        some = dict(islice(read.sentences.items(), limit))
        for model in some:
            del read.sentences[model]
        pairs = {model: (read.records.get(model), sentence) for model, sentence in some.items()}
        return Some([], examined=len(pairs), last=not read.sentences, pairs=pairs, read=read)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002
        if isinstance(portion, Content):
            # Only a night parses; the daemon imports this file to ask whether there is something to do.
            from iai_daemon.consolidation.insights.profiles import read  # noqa: PLC0415

            found = read(portion.content, yield_point)
            portion.read.sentences, portion.read.left_out = found.sentences, found.left_out
        if not isinstance(portion, Some):
            return Batch()
        read_, additions, notes = portion.read, [], {}
        for model, (record, sentence) in portion.pairs.items():
            addition = _addition(model, record, sentence)
            if read_.told.get(_note(model)) != addition.change_id:
                additions.append(addition)
                notes[_note(model)] = addition.change_id
        if not portion.last:
            return Batch(additions=additions, notes=notes)
        left_out = ", ".join(f"{count} {why}" for why, count in sorted(read_.left_out.items()))
        said = Outside(said=f"left out: {left_out}") if left_out else None
        return Batch(additions=additions, notes={**notes, "input": read_.state}, outside=said)


def _note(model: str) -> str:
    return f"told {model}"


def _addition(model: str, before: Record | None, sentence: str) -> Addition:
    draft = Draft(
        sentence,
        kind="fact",
        subject=model,
        attribute=_ATTRIBUTE,
        tags=("model-outcomes",),
        source=Outcomes.name,
    )
    replaces = {} if before is None else {before.id: before.revision}
    reason = f"the profile of {model} " + ("is new" if before is None else "has changed")
    return Addition(
        change_id(Outcomes.name, PROFILED, 0, model, sentence),
        PROFILED,
        draft,
        reason,
        replaces,
        (),
        replaces,
    )


def _state(path: Path | None) -> str:
    """Sixteen hex digits that change when the file does; empty when there is none."""
    try:
        seen = path.stat() if path is not None else None
    except OSError:
        seen = None
    if path is None or seen is None:
        return ""
    return state_of([Found(path, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)])


def _content(path: Path | None) -> bytes:
    """At most one byte more than may be; empty where nothing can be read: of a pipe or a device nothing is."""
    if path is None:
        return b""
    # As above.
    from iai_daemon.consolidation.insights.profiles import LARGEST  # noqa: PLC0415

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            return opened.read(LARGEST + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
