"""The consolidation worker: a process that runs one night and ends, which gives its memory back.

Started by night.py as `python -P -m iai_daemon.consolidation.worker`. It reads its job as one line of JSON from standard
input, then lines that ask it to stop; it tells what happens as lines of JSON on standard output.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from iai_daemon import clock
from iai_daemon.clock import Stopwatch
from iai_daemon.config import Settings, load
from iai_daemon.consolidation import lock, passes, process
from iai_daemon.consolidation.backup import back_up_when_old
from iai_daemon.consolidation.death import Death, from_bytes
from iai_daemon.consolidation.job import Job, from_line
from iai_daemon.consolidation.journal import describe_entry, describe_held, record_of
from iai_daemon.consolidation.note import look, morning_note, summary
from iai_daemon.consolidation.notes import leave_note
from iai_daemon.consolidation.passes.commands import RunCommand
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.summarize import Summarize
from iai_daemon.consolidation.plan import Pass
from iai_daemon.consolidation.report import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NOT_REHEARSED,
    YIELDED,
    PassReport,
    Report,
)
from iai_daemon.consolidation.runner import Halt, Order, Surroundings, run_night
from iai_daemon.errors import IaiError, NightBusy, NightRefused
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.programs.dying import die_with_parent
from iai_daemon.units import format_stamp

Tell = Callable[[Mapping[str, object]], None]


class Choose(Protocol):
    """Which passes a night has: `passes.chosen`, or somebody's own."""

    def __call__(
        self, settings: Settings, home: Home, *, alone: bool, names: Sequence[str] | None = None
    ) -> Sequence[Pass]: ...


_PROGRESS_EVERY = 0.1
# Seconds that a server may take for one of a night's statements: nobody waits for it, and a large memory is a lot to look through.
_DEADLINE = 120.0
_LOOK_FOR_CYCLES_AFTER = 50_000
# Each may hold a whole memory, and a line has its bounds.
_CHANGES_A_LINE = 16


class Inbox:
    """What the parent says. A thread reads it, so that the night only has to look at a field.

    `stopped` is called once, by whoever asks the night to stop: for what does not look at the field.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines = self._read_lines()
        self.halt: Halt | None = None
        self.stopped: Callable[[], None] = lambda: None

    def first(self) -> bytes:
        """The first line; empty when the parent is gone before it wrote one."""
        return next(self._lines, b"")

    def listen(self) -> None:
        """From now on, take what comes as a wish to stop."""
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def stop(self, outcome: str, reason: str) -> None:
        """Ask the night to stop; the first wish counts."""
        if self.halt is None:
            self.halt = Halt(outcome, reason)
            self.stopped()

    def _listen(self) -> None:
        for line in self._lines:
            try:
                said = json.loads(line)
                if "yield" in said:
                    self.stop(YIELDED, str(said["yield"]))
                elif "cancel" in said:
                    self.stop(CANCELLED, str(said["cancel"]))
            except (ValueError, TypeError):
                self.stop(CANCELLED, "the parent said something that is not understood")
        self.stop(CANCELLED, "the process that started it has gone")

    def _read_lines(self) -> Iterator[bytes]:
        """os.read and not sys.stdin: a thread that waits in a buffered read keeps the interpreter from ending."""
        buffer = b""
        while chunk := os.read(self._descriptor, 65_536):
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from lines


class Outbox:
    """What the parent hears. Progress is told ten times a second at most."""

    def __init__(self, descriptor: int, inbox: Inbox) -> None:
        self._descriptor = descriptor
        self._inbox = inbox
        self._place: tuple[object, ...] | None = None
        self._since = Stopwatch()

    def tell(self, event: Mapping[str, object]) -> None:
        """One line. A parent that does not listen any more is gone: that is a reason to stop, not an error."""
        if event["event"] == "progress" and not self._is_news(event):
            return
        data = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            self._inbox.stop(CANCELLED, "the process that started it has gone")

    def _is_news(self, event: Mapping[str, object]) -> bool:
        place = (event["pass"], event["round"], event["portion"])
        news = (
            place != self._place
            or self._since.seconds() >= _PROGRESS_EVERY
            or event["done"] == event["total"]
        )
        if news:
            self._place, self._since = place, Stopwatch()
        return news


def main(choose: Choose = passes.chosen) -> int:
    """Run the one job; exit status 0, or 1 when it could not be. `choose` says which passes a night has."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to answer
    inbox = Inbox(_stdin_for_wishes())
    outbox = Outbox(_stdout_for_events(), inbox)
    line = inbox.first()
    if not line:
        return 1
    try:
        job, parent = from_line(line)
        if os.getppid() != parent:
            return 1  # it ended before we had asked to end with it
        process.make_room()
        # Records come and go by the thousand, and never in cycles: looking for those takes a twentieth of a night.
        gc.set_threshold(_LOOK_FOR_CYCLES_AFTER)
        inbox.listen()
        signal.signal(signal.SIGTERM, lambda *_: inbox.stop(CANCELLED, "it was told to end"))
        work(job, inbox, outbox.tell, choose)
    except NightBusy as error:
        outbox.tell({"event": "busy", "message": str(error), "holder": error.data["holder"]})
        return 1
    except Exception as cause:  # noqa: BLE001 -- the last place that can tell the parent what went wrong
        message = str(cause) if isinstance(cause, IaiError) else f"{type(cause).__name__}: {cause}"
        outbox.tell({"event": "error", "message": message})
        return 1
    return 0


def _stdout_for_events() -> int:
    """What a pass or a library prints goes to standard error: between two events it would break the conversation."""
    events = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return events


def _stdin_for_wishes() -> int:
    """What a pass reads from standard input is nothing: it would take the wish to stop from the night."""
    wishes = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return wishes


def work(job: Job, inbox: Inbox, tell: Tell, choose: Choose) -> None:
    """Open the store, run the night, tell its report."""
    home = Home(job.home)
    home.create()
    settings = load(home)
    process.limit_memory(settings.consolidation.memory_limit)
    chosen = choose(settings, home, alone=job.alone, names=job.passes)
    order = Order(
        kind=job.kind,
        rule=job.rule,
        asked=job.asked,
        max_rounds=job.max_rounds or settings.consolidation.max_rounds,
        model=passes.model(settings),
        loss_budget=settings.consolidation.loss_budget,
        review=settings.consolidation.review,
    )
    with contextlib.closing(open_stores(home, lambda: inbox.halt is None, deadline=_DEADLINE)) as stores:
        inbox.stopped = stores.database.interrupt
        if job.dry_run:
            report = _rehearse(stores, chosen, order, inbox, tell)
            report = replace(report, passes=(*report.passes, *_not_rehearsed(settings, job, chosen)))
        else:
            report = run_night(stores.nights, chosen, order, _surroundings(home, stores, job, inbox, tell))
            _leave_note(home, report, stores.nights, tell)
        tell({"event": "report", "report": report.as_json()})
        path = settings.vectors_path(home)
        if path is not None and report.id is not None and report.outcome == COMPLETED and not job.dry_run:
            _export_vectors(stores, order.model, path, inbox, tell)


def _surroundings(home: Home, stores: Stores, job: Job, inbox: Inbox, tell: Tell) -> Surroundings:
    now = clock.read().wall
    return Surroundings(
        halted=lambda: inbox.halt,
        tell=tell,
        lock=lock.held_everywhere(
            home.consolidation_lock,
            f"process {os.getpid()}, {job.kind} ({job.rule}), since {format_stamp(now)}",
            stores.nights,
            lambda why: inbox.stop(FAILED, why),
        ),
        prepare=lambda: back_up_when_old(stores.nights, home.backups, now, lambda: inbox.halt is None),
        memory=stores.memory,
        death=lambda: _last_death(home.killed_night, tell),
    )


def _last_death(path: Path, tell: Tell) -> Death | None:
    """What the parent of an earlier worker wrote down about its end; it counts once, so it is taken away."""
    try:
        data = path.read_bytes()
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as cause:
        tell({"event": "warning", "message": f"{path} cannot be read and deleted ({cause.strerror})"})
        return None
    return from_bytes(data)


def _rehearse(stores: Stores, chosen: Sequence[Pass], order: Order, inbox: Inbox, tell: Tell) -> Report:
    """The very same night on a copy, and what its journal says: nothing else shows so surely what would change."""
    ours = (each for each in chosen if not _costs(each))
    # Programs of the user's, and servers, are not rehearsed: what they cost, they cost.
    rehearsed = [Summarize() if isinstance(each, Summarize) else each for each in ours]
    with stores.nights.rehearsal(lambda: inbox.halt is None) as copy:
        if copy is None:
            raise NightRefused(problem=inbox.halt.reason if inbox.halt else "it was stopped")
        report = run_night(copy, rehearsed, order, Surroundings(halted=lambda: inbox.halt, tell=tell))
        entries = copy.journal(night=report.id) if report.id is not None else []
        rows = copy.held(night=report.id) if report.id is not None else []
    changes = [describe_entry(entry) for entry in entries]
    held = [describe_held(row, record_of(stores.memory, row)) for row in rows]
    for name, told in (("changes", changes), ("held", held)):
        for start in range(0, len(told), _CHANGES_A_LINE):
            portion = told[start : start + _CHANGES_A_LINE]
            tell({"event": "planned", name: [{**each, "night": None} for each in portion]})
    return replace(report, id=None)


def _costs(each: Pass) -> bool:
    return isinstance(each, RunCommand) or (isinstance(each, Embed) and each.asks_a_server)


def _not_rehearsed(settings: Settings, job: Job, chosen: Sequence[Pass]) -> Iterator[PassReport]:
    if any(isinstance(each, Embed) and each.asks_a_server for each in chosen):
        yield PassReport("embed", 1, status=NOT_REHEARSED)
    for each in settings.consolidation.commands:
        if job.passes is None or each.pass_name in job.passes:
            yield PassReport(each.pass_name, 1, status=NOT_REHEARSED)


def _leave_note(home: Home, report: Report, store: NightStore, tell: Tell) -> None:
    """The morning note is a courtesy: a night stands without it."""
    if report.id is None:
        return
    try:
        if morning := look(store):
            note = morning_note(morning)
            if morning.night["id"] == report.id:
                # Who has asked for this night hears it whether the disk takes it or not.
                tell({"event": "note", "text": note, "summary": summary(morning)})
            leave_note(home, note)
    except (OSError, IaiError) as cause:
        why = str(cause) if isinstance(cause, IaiError) else cause.strerror
        tell({"event": "warning", "message": f"{home.last_night} cannot be written ({why})"})


def _export_vectors(stores: Stores, model: str | None, path: Path, inbox: Inbox, tell: Tell) -> None:
    """After the report, for a night stands without it, and it gives way as a night does."""
    if model is None:
        return
    # numpy takes 0.15 s and 25 MB to load: only who wants that file pays for it.
    from iai_daemon.consolidation.vectors_file import write_vectors  # noqa: PLC0415

    try:
        write_vectors(stores.nights, model, path, lambda: inbox.halt is None)
    except (OSError, IaiError) as cause:
        tell({"event": "warning", "message": f"the vectors cannot be written to {path} ({cause})"})


if __name__ == "__main__":
    sys.exit(main())
