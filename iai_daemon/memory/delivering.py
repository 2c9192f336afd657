"""Hand notes to the memory, each once, and those that wait in the spool first. Called by memory servers, commands and the daemon."""

from __future__ import annotations

import logging

from iai_daemon.clock import Stopwatch, read
from iai_daemon.errors import BadRecord, NoSuchRecord, NotPermitted, Queued, StoreAway, StoreBusy
from iai_daemon.memory.record import Record
from iai_daemon.memory.spool import Note, Spool, is_empty
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home

# Why a note has to wait for the memory's server.
LATER = (StoreAway, StoreBusy, Queued)
# Whoever delivers has something else to do as well, in seconds.
WITHIN = 1.0
_log = logging.getLogger(__name__)


def remember(stores: Stores, home: Home, note: Note, now: int) -> Record:
    """Keep a note of this home in the memory. Raises Queued where notes that were told before still wait; StoreAway, StoreBusy: then
    it may have been kept or not, and delivering it again by the spool is right in both cases."""
    if not is_empty(home):
        raise Queued(path=home.spool)
    return stores.deliveries.add(note.name, note.draft, now)


def deliver(stores: Stores, home: Home, within: float = WITHIN) -> int:
    """Deliver what waits, in order, for `within` seconds at most and the one that was begun then; how many notes that were. What
    cannot be delivered now goes on waiting, and so does what comes after it."""
    if is_empty(home):
        return 0
    delivered, watch, spool = 0, Stopwatch(), Spool(home)
    unfit: tuple[type[Exception], ...] = (BadRecord, *stores.database.unfit)
    with spool.delivering() as ours:
        for waiting in spool.waiting() if ours else ():
            try:
                _deliver(stores, waiting.note)
            except (StoreAway, StoreBusy, NotPermitted) as error:
                _log.debug("notes go on waiting: %s", error)
                break
            except unfit as error:
                _log.warning("the memory cannot keep %s, which is set aside: %s", waiting.path, error)
                spool.set_aside(waiting.path)
                continue
            spool.done(waiting)
            delivered += 1
            if watch.seconds() > within:
                break
    return delivered


def _deliver(stores: Stores, note: Note) -> None:
    try:
        stores.deliveries.add(note.name, note.draft, read().milliseconds)
    except NoSuchRecord:
        _log.debug("%s had been delivered, and was purged", note.name)
