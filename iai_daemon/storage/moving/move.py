"""The move itself: portions, each with the note of how far it is in one transaction, so that what was killed goes on; and the proof
at the end that both sides hold the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from iai_daemon.errors import NotMoved
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.moving.side import Progress, Side
from iai_daemon.storage.moving.tables import (
    FACTS,
    RECORDS,
    TASKS,
    Content,
    Table,
    Values,
    all_tables,
    content,
)

# One transaction takes so many rows, or so many characters: a second's work at most, and little memory.
_ROWS, _CHARACTERS = 2_000, 4_000_000
# Who opens an empty store leaves these in it; they give way to those that come.
_GIVES_WAY = {FACTS, TASKS}

# What is told after the name of a table once all is there.
COMPARED = " compared"

_Rows = Iterable[tuple[Values, Values]]


@dataclass(frozen=True, slots=True)
class Moved:
    """What is now in the new store, table by table, and whether an earlier move was gone on with."""

    tables: dict[str, Content]
    resumed: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """One part of the way: the rows of a table, or (`refers`) what points from some of them to others."""

    table: Table
    refers: bool = False

    def rows(self, source: Side, after: Values | None) -> _Rows:
        return source.references(after) if self.refers else source.rows(self.table, after)

    def put(self, target: Side, rows: Sequence[Values]) -> None:
        if self.refers:
            target.refer(rows)
        else:
            target.put(self.table, rows)


def _steps(tables: Sequence[Table]) -> list[_Step]:
    steps = []
    for table in tables:
        steps.append(_Step(table))
        if table.name == RECORDS:
            steps.append(_Step(table, refers=True))
    return steps


def move(source: Side, target: Side, told: Tell = unheard) -> Moved:
    """Everything from `source` to `target`, which is nobody's store until `target.finish()` was called. Raises NotMoved where the
    target is not empty, and where both are not the same at the end, since somebody has written meanwhile. `told` hears of the rows of
    each table; what it raises ends the move where the next one goes on."""
    tables = all_tables()
    progress, resumed = _begin(source, target, tables)
    steps = _steps(tables)
    with source.moment():
        numbers = source.numbers()
        for at in range(progress.step, len(steps)):
            after = progress.after if at == progress.step else None
            _take(source, target, steps[at], replace(progress, step=at, after=after), told)
    with target.database.writing():
        target.count_on(numbers)
        target.note(replace(progress, step=len(steps), after=None))
    return Moved(_compare(source, target, tables, progress, told), resumed)


def refuse_occupied(target: Side, tables: Sequence[Table]) -> None:
    """Raises NotMoved where anything is there that a move would mix with."""
    occupied = target.occupied([table for table in tables if table.name not in _GIVES_WAY])
    if occupied is not None:
        problem = f"{target.place} has {occupied} already, and a store is moved into an empty one only: give another."
        raise NotMoved(problem=problem)


def _begin(source: Side, target: Side, tables: Sequence[Table]) -> tuple[Progress, bool]:
    """Where to go on, and whether that is not the beginning."""
    found = target.progress()
    if found is not None and found.source == source.place and not found.spoiled:
        return found, True
    progress = Progress(source.place)
    with target.database.writing():
        if found is None:
            refuse_occupied(target, tables)
        target.clear(tables)
        target.note(progress)
    return progress, False


def _take(source: Side, target: Side, step: _Step, begun: Progress, told: Tell) -> None:
    """One step, from where it stopped."""
    goes_on = begun.after is not None and not step.refers
    done, total = target.count(step.table) if goes_on else 0, source.count(step.table)
    for portion in _portions(step.rows(source, begun.after)):
        with target.database.writing():
            step.put(target, [values for _, values in portion])
            target.note(replace(begun, after=portion[-1][0]))
        done += len(portion)
        told(step.table.name, min(done, total), total)


def _portions(rows: _Rows) -> Iterator[list[tuple[Values, Values]]]:
    portion: list[tuple[Values, Values]] = []
    size = 0
    for key, values in rows:
        portion.append((key, values))
        size += sum(len(value) for value in values if isinstance(value, str | bytes))
        if len(portion) >= _ROWS or size >= _CHARACTERS:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _compare(
    source: Side, target: Side, tables: Sequence[Table], progress: Progress, told: Tell
) -> dict[str, Content]:
    """What both hold. Raises NotMoved where it is not the same; the next move begins anew then."""
    found: dict[str, Content] = {}
    with source.moment():
        for table in tables:
            there, here = contents(source, table, told), contents(target, table, told)
            if there != here:
                with target.database.writing():
                    target.note(replace(progress, spoiled=True))
                raise NotMoved(problem=_differs(table, source, target, there, here))
            found[table.name] = here
            told(f"{table.name}{COMPARED}", here.rows, here.rows)
    return found


def contents(side: Side, table: Table, told: Tell = unheard) -> Content:
    """What one side holds of a table."""

    def rows() -> Iterator[Values]:
        for number, (_, values) in enumerate(side.rows(table), start=1):
            if number % _ROWS == 0:
                told(f"{table.name}{COMPARED}", number, total)
            yield values

    total = side.count(table)
    return content(rows())


def _differs(table: Table, source: Side, target: Side, there: Content, here: Content) -> str:
    return (
        f"{table.name} is not the same in {source.place} ({there.rows} rows) and in {target.place} ({here.rows}), so somebody has "
        "written meanwhile: close your clients, then run this again, and it begins anew."
    )


def copy(source: Side, target: Side, may_go_on: Callable[[], bool]) -> bool:
    """Everything that is there at this moment into a store that nobody else sees; False: `may_go_on` said no on the way."""
    with source.moment():
        numbers = source.numbers()
        for step in _steps(all_tables()):
            for portion in _portions(step.rows(source, None)):
                if not may_go_on():
                    return False
                with target.database.writing():
                    step.put(target, [values for _, values in portion])
    with target.database.writing():
        target.count_on(numbers)
    return True
