"""What psycopg raises as sentences for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import errors

from iai_daemon.errors import BadRecord, IaiError, NotPermitted, NotYours, StoreAway, StoreBusy

# Somebody else holds what the statement waits for.
BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
# The server, or the way to it, cannot be used now: it is gone, starts, stops, only reads, is full, or did not answer in time.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
)
# What the schema itself raises where somebody would change what another was told.
_OF_ANOTHER = "IA001"
# It answers, and will not do just this: whoever asks something else next need not wait.
_ANSWERS = (
    *BUSY,
    errors.ReadOnlySqlTransaction,
    errors.InsufficientResources,
    errors.DiskFull,
    errors.OutOfMemory,
    errors.ConfigurationLimitExceeded,
    errors.ProgramLimitExceeded,
    errors.QueryCanceled,
    errors.IdleInTransactionSessionTimeout,
)


class Unanswered(psycopg.OperationalError):
    """The server has not answered in time."""


class Lost(psycopg.OperationalError):
    """The connection ended on the way: whether the server has done what it was told is not known."""


def is_out_of_reach(cause: psycopg.Error) -> bool:
    """Whether nothing else that is asked of the server now would be answered either."""
    return isinstance(cause, AWAY) and not isinstance(cause, _ANSWERS)


@contextlib.contextmanager
def translated(place: str, busy_seconds: float) -> Iterator[None]:
    """Raises StoreBusy, StoreAway, NotYours, NotPermitted and BadRecord in place of what psycopg says."""
    try:
        yield
    except psycopg.Error as cause:
        sentence = in_words(cause, place, busy_seconds)
        if sentence is None:
            raise
        raise sentence from cause


def in_words(cause: psycopg.Error, place: str, busy_seconds: float) -> IaiError | None:
    """The sentence; None for what is about a statement and not about the server."""
    if cause.sqlstate == _OF_ANOTHER:
        return NotYours(cause=one_line(cause))
    if isinstance(cause, BUSY):
        return StoreBusy(path=place, seconds=f"{busy_seconds:g}")
    if isinstance(cause, errors.InsufficientPrivilege):
        return NotPermitted(place=place, cause=one_line(cause))
    if isinstance(cause, errors.ProgramLimitExceeded):
        return BadRecord(problem=f"the memory's server cannot keep that ({one_line(cause)})")
    if isinstance(cause, AWAY):
        return StoreAway(place=place, cause=one_line(cause))
    return None


def one_line(cause: psycopg.Error) -> str:
    """What the server says, or else the library, without its many lines."""
    said = cause.diag.message_primary or str(cause)
    return " ".join(said.split()) or type(cause).__name__
