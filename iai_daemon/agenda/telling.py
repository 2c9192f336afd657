"""What the status tells of recalls: the next one, the agents at work, what keeps recalls from happening. Used by `dispatch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import Due
from iai_daemon.agenda.waking.running import Runs
from iai_daemon.units import stamp_of

# The last millisecond that anything can be planned for; so many planned ones of paused recalls are passed over.
_LAST, _MOST_PAUSED = 253_402_300_799_999, 8
# Of a message the status tells the beginning.
_LONGEST_MESSAGE = 200


def next_recall(opened: OpenedAgenda, agents: Mapping[str, object] | None) -> dict[str, object] | None:
    """What is tried next of what is for these agents (None: for any), as it is planned now. Raises IaiError."""
    for due in opened.store.due(_LAST, _MOST_PAUSED, agents):
        if due.recall.paused_at is None:
            return _describe(due, shared=opened.shared)
    return None


def _describe(due: Due, *, shared: bool) -> dict[str, object]:
    """Where others share the agenda, another user's session and message are his own."""
    recall, ours = due.recall, True
    if shared:
        from iai_daemon.agenda.asking.here import this_user  # noqa: PLC0415 -- only where others share the agenda

        ours = recall.owner == this_user()
    return {
        "at": stamp_of(due.occurrence.next_try_at),
        "id": recall.id,
        "agent": recall.agent,
        "session_id": recall.session_id if ours else None,
        "message": recall.message[:_LONGEST_MESSAGE] if ours else None,
    }


def running(runs: Runs) -> list[dict[str, object]]:
    """The agents that are at work, also those that are tried out, for no recall."""
    at_work = [(run.id, run.recall.id, run.agent.name, run.recall.session_id, run.since) for run in runs]
    trials = [(each.id, None, each.agent, None, each.since) for each in runs.trials]
    return [
        {
            "recall": recall,
            "agent": agent,
            "session_id": session,
            "since": stamp_of(since),
            "processes": [list(process) for process, of in runs.woken.items() if of == number],
        }
        for number, recall, agent, session, since in [*at_work, *trials]
    ]


def degraded(
    trouble: str | None, hindered: Mapping[str, str], waiting_for_others: Mapping[str, int]
) -> Iterator[dict[str, str]]:
    """What keeps recalls from happening as they should: the store, agents that cannot be woken, and those that nobody here knows."""
    if trouble:
        yield {"what": "agenda", "why": trouble, "fix": "as the sentence says; the daemon tries again"}
    for agent, why in hindered.items():
        fix = "as the sentence says; its recalls wait meanwhile (`iai-daemon recall list`)"
        yield {"what": f"agent {agent}", "why": why, "fix": fix}
    for agent, since in waiting_for_others.items():
        why = f"no daemon here knows agent {agent}: its recalls are due since {stamp_of(since)}, and no other host has taken them"
        fix = f"add [agents.{agent}] to the settings of a host that shares this agenda"
        yield {"what": f"agent {agent}", "why": why, "fix": fix}
