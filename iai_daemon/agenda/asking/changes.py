"""What is done to recalls that are there, alike for the command line and the memory server."""

from __future__ import annotations

from collections.abc import Sequence

from iai_daemon.agenda.planning import following
from iai_daemon.agenda.recall import CallType, Occurrence, Planned, Recall, State
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
from iai_daemon.errors import RecallOver, Refused

# More than anybody has in one session, and what may still be planned of a recall.
_MANY = 1000


def live_in(store: AgendaStore, session_id: str, asking: Viewer) -> Sequence[Recall]:
    """The recalls of a session of which more is to come, as far as this user may see them."""
    return store.recalls(asking, Filter(session_id=session_id, live=True, limit=_MANY))


def skip_next(store: AgendaStore, recall: Recall, reason: str, now: int) -> int:
    """Skip the next firing of a recurring recall; when it was planned for. Raises Refused, RecallOver."""
    if recall.call_type is not CallType.RECURRING:
        raise Refused(
            problem=f"Recall {recall.id} fires once, so there is no next time to go on with: cancel it."
        )
    planned = _planned(store, recall)
    if not planned:
        raise RecallOver(id=recall.id, status=recall.status)
    next_one = min(planned, key=_tried)
    return store.skip_next(recall.id, following(recall, next_one.scheduled_for), reason, now)


def resume(store: AgendaStore, recall: Recall, now: int) -> bool:
    """A paused recall goes on: with what is still planned of it, else with what its plan has next. False: it is not paused."""
    to_come = [each for each in _planned(store, recall) if not each.extra and each.next_try_at > now]
    if not to_come:
        return store.resume(recall.id, following(recall, now), now)
    first = min(to_come, key=_tried)
    return store.resume(recall.id, Planned(first.scheduled_for, first.next_try_at), now)


def _planned(store: AgendaStore, recall: Recall) -> Sequence[Occurrence]:
    return [each for each in store.history(recall.id, _MANY) if each.state is State.PLANNED]


def _tried(occurrence: Occurrence) -> tuple[int, int]:
    return occurrence.next_try_at, occurrence.id
