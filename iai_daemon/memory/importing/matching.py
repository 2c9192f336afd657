"""Which memory a passage is: the one that an earlier import has made of it, one that it takes the place of, or a new one.

What its source names by an id keeps that. Else a passage is known by what it says; where it is new, and something of the same
place in the same file is no longer said there and is like it, it is that one in other words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from iai_daemon.errors import BadRecord
from iai_daemon.memory.drafts import MAX_NAME, MAX_SOURCE, from_object, stamp
from iai_daemon.memory.importing.said import (
    MOST_MISTAKES,
    Bad,
    Passage,
    Said,
    Skipped,
    Source,
    digest,
    foreign_byte,
)
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.trust import IMPORT
from iai_daemon.units import format_stamp
from iai_daemon.wording.features import features
from iai_daemon.wording.similarity import similarity

# From here on two texts of one place are the same thing told anew.
_LIKE = 0.35
# Of more changed texts in one place nobody can tell which was which; and of longer ones the beginning decides.
_MOST_COMPARED = 60
_COMPARED_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the file as it is named, and the line, None where lines tell nothing."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(slots=True)
class Report:
    """What is to be said of an import. `gone`: ids of memories that a file no longer holds."""

    files: int = 0
    added: int = 0
    unchanged: int = 0
    superseded: int = 0
    bad: list[tuple[Place, str]] = field(default_factory=list)
    skipped: list[tuple[Place, str]] = field(default_factory=list)
    redacted: list[tuple[Place, tuple[str, ...]]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept under an external id, as far as it matters here; `begins` in seconds, `record` is None for what this import
    itself has added."""

    content: str
    subject: str | None
    source: str | None
    current: bool
    begins: float
    record: int | None


@dataclass(slots=True)
class Told:
    """A passage that can be a memory, where it stands, and under which id it is to be kept."""

    place: Place
    passage: Passage
    draft: Draft


class Matching:
    """One import of one format. `kept`: every record of the memory, oldest first; `now` in seconds since the epoch."""

    def __init__(self, name: str, kept: Iterable[Record], *, redacts: bool, now: float) -> None:
        self.report = Report()
        self._name = name
        self._redacts = redacts
        self._now = now
        self._known: dict[tuple[str, str], _Known] = {}
        for record in kept:
            if record.external_id is not None and record.external_id.startswith(f"{name}:"):
                self._known[record.scope, record.external_id] = _Known(
                    record.content,
                    record.subject,
                    record.source,
                    record.current,
                    record.valid_from / 1000,
                    record.id,
                )
        # What this import has met again: one file still says it, whatever another one does.
        self._met: set[tuple[str, str]] = set()
        self._by_content: dict[tuple[str, str], str] = {}
        self._of_file: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (scope, name_of_it), known in self._known.items():
            self._by_content.setdefault((scope, known.content), name_of_it)
            if known.source is not None and known.current and name_of_it.startswith(f"{name}:text:"):
                self._of_file[scope, known.source].append(name_of_it)

    def take(self, source: Source, said: Iterable[Said], scope: str) -> list[Told]:
        """The memories of one file, each with its id; what else it says goes into the report."""
        self.report.files += 1
        mistakes = len(self.report.bad)
        told = [each for each in self._drafts(source, said, scope, mistakes) if self._has_own_id(each)]
        waiting = [each for each in told if each.passage.own_id is None]
        unknown = [each for each in waiting if not self._is_known(each)]
        if len(self.report.bad) == mistakes:
            unknown = self._pair(source, scope, unknown)
        for each in unknown:
            if not self._is_known(each):
                self._keep(each, self._new_id(each))
        return told

    # What it says.

    def _drafts(self, source: Source, said: Iterable[Said], scope: str, mistakes: int) -> Iterator[Told]:
        for each in said:
            place = Place(source.name, each.line)
            if isinstance(each, Skipped):
                self.report.skipped.append((place, each.reason))
                continue
            told = each if isinstance(each, Bad) else self._draft(source, each, place, scope)
            if isinstance(told, Told):
                yield told
                continue
            self.report.bad.append((place, told.problem))
            if len(self.report.bad) - mistakes >= MOST_MISTAKES:
                self.report.bad.append(
                    (place, "the rest of the file is not read: it seems to be something else")
                )
                return

    def _draft(self, source: Source, passage: Passage, place: Place, scope: str) -> Told | Bad:
        from_file = None if source.modified_at is None else format_stamp(source.modified_at)
        path = None if source.path is None else place_of(source)
        values = {
            "content": passage.content,
            "kind": passage.kind,
            "subject": passage.subject,
            "scope": scope,
            "tags": passage.tags,
            "source": path,
            "session": passage.session,
            "created_at": _stamp(passage.created_at, "created_at") or from_file,
            "expires_at": _stamp(passage.expires_at, "expires_at"),
        }
        try:
            draft = from_object(values, origin=IMPORT, redacts=self._redacts)
        except BadRecord as problem:
            return Bad(passage.line, foreign_byte(passage.content) or str(problem))
        if draft.redacted:
            self.report.redacted.append((place, draft.redacted))
        return Told(place, passage, draft)

    # Which one it is.

    def _has_own_id(self, told: Told) -> bool:
        """Gives it the id that its source has for it. Whether it stays: of two with one id the first does."""
        own = told.passage.own_id
        if own is None:
            return True
        name = f"{self._name}:id:{own}"
        name = name if len(name) <= MAX_NAME and name.isprintable() else f"{self._name}:id:{digest(own)}"
        before = self._known.get((told.draft.scope, name))
        if before is not None and before.content == told.draft.content:
            told.draft = replace(told.draft, external_id=name)
            self._known[told.draft.scope, name] = replace(before, record=None)
            self.report.unchanged += 1
        elif before is not None and before.record is None:
            self.report.bad.append((told.place, "another memory with the same id stands before it"))
            return False
        else:
            self._keep(told, name)
        return True

    def _is_known(self, told: Told) -> bool:
        known = self._by_content.get((told.draft.scope, told.draft.content))
        if known is not None:
            told.draft = replace(told.draft, external_id=known)
            self._met.add((told.draft.scope, known))
            self.report.unchanged += 1
        return known is not None

    def _pair(self, source: Source, scope: str, unknown: Sequence[Told]) -> list[Told]:
        """Gives what is said in other words the id of what it was; returns the rest. What is left of the file's earlier memories
        is reported."""
        path = None if source.path is None else place_of(source)
        earlier = self._of_file.get((scope, path), []) if path else []
        left = []
        gone = _Gone({name: self._known[scope, name] for name in earlier if (scope, name) not in self._met})
        for each in unknown:
            if self._is_known(each):
                continue
            older = gone.take(each)
            if older is None:
                left.append(each)
            else:
                self._keep(each, older)
        self.report.gone += gone.records()
        return left

    def _new_id(self, told: Told) -> str:
        """From what it says and where; with a number where that id has come to mean something else."""
        first = f"{self._name}:text:{digest(told.passage.group)}:{digest(told.draft.content)}"
        number, found = 1, first
        while (known := self._known.get((told.draft.scope, found))) and known.content != told.draft.content:
            number += 1
            found = f"{first}:{number}"
        return found

    def _keep(self, told: Told, name: str) -> None:
        """It is new, or takes the place of what has that id."""
        draft = told.draft
        older = self._known.get((draft.scope, name))
        begins = draft.created_at if draft.created_at is not None else self._now
        if older is not None and begins <= older.begins:
            # The source still gives the time of what it said before: this is not as old.
            begins = self._now
        told.draft = replace(draft, external_id=name, created_at=begins)
        if older is not None and self._by_content.get((draft.scope, older.content)) == name:
            del self._by_content[draft.scope, older.content]
        self._met.add((draft.scope, name))
        self.report.added += 1
        self.report.superseded += older is not None and older.current
        self._known[draft.scope, name] = _Known(
            draft.content, draft.subject, draft.source, True, begins, None
        )
        self._by_content[draft.scope, draft.content] = name


class _Gone:
    """What a file said at an earlier import and does not say now, by id: each is taken once, by what says it in other words."""

    def __init__(self, known: Mapping[str, _Known]) -> None:
        self._left = dict(known)
        self._of_place: dict[str, list[str]] = defaultdict(list)
        self._of_text: dict[str, list[str]] = defaultdict(list)
        for name, each in known.items():
            self._of_place[name.split(":")[2]].append(name)
            self._of_text[_bare(each)].append(name)
        self._number = Counter({place: len(names) for place, names in self._of_place.items()})

    def take(self, told: Told) -> str | None:
        """The one that says the same below another heading; else the one of its place that is most like it."""
        same = self._of_text[_bare(told.draft)]
        while same and same[-1] not in self._left:
            same.pop()
        found = same[-1] if same else self._most_like(told)
        if found is not None:
            del self._left[found]
            self._number[found.split(":")[2]] -= 1
        return found

    def records(self) -> list[int]:
        """The ids of the memories that nothing has taken."""
        return [each.record for each in self._left.values() if each.record is not None]

    def _most_like(self, told: Told) -> str | None:
        place = digest(told.passage.group)
        if not 0 < self._number[place] <= _MOST_COMPARED:
            return None
        older = self._of_place[place] = [name for name in self._of_place[place] if name in self._left]
        mine = features(_bare(told.draft))
        likeness = {name: similarity(mine, features(_bare(self._left[name]))) for name in older}
        best = max(older, key=lambda name: likeness[name])
        return best if likeness[best] >= _LIKE else None


def place_of(source: Source) -> str | None:
    """The file's path, as memories have it for their source; None where it is longer than that may be."""
    path = str(source.path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return path if len(path) <= MAX_SOURCE else None


def _bare(text: Draft | _Known) -> str:
    """What it says, without the name before it: that everything in one place has."""
    return text.content.removeprefix(f"{text.subject}: ")[:_COMPARED_TEXT]


def _stamp(text: str | None, name: str) -> str | None:
    """A time that can be read, else None: a memory is worth more than when it was told."""
    try:
        seconds = stamp(text, name)
    except BadRecord:
        return None
    return None if seconds is None else format_stamp(seconds)
