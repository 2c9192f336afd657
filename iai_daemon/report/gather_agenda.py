"""The agenda's past and coming week, and the runs of agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from iai_daemon.agenda.asking.describe import coming, describe_occurrence
from iai_daemon.agenda.asking.here import viewer
from iai_daemon.agenda.recall import Occurrence, Recall, Run, State
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter
from iai_daemon.config import Settings
from iai_daemon.errors import NoSuchRecall
from iai_daemon.paths import Home
from iai_daemon.report.gather_nights import bounded
from iai_daemon.units import stamp_of

_WEEK = 7 * 86_400_000
# So many firings are looked through, told of the past and of the coming week; of one recall at most so many are projected.
_LOOKED_THROUGH, _PAST, _COMING, _OF_ONE = 1000, 150, 150, 50
_RECALLS, _RUNS = 200, 100
# Characters of a message, and of why something did not work.
_MESSAGE, _REASON, _NAME = 160, 300, 80
_OPEN = (State.PLANNED, State.CLAIMED)
NOTHING: dict[str, Any] = {
    "past": [],
    "past_left_out": 0,
    "coming": [],
    "coming_left_out": 0,
    "paused": 0,
    "runs": [],
    "runs_left_out": 0,
    "agents": [],
}


def agenda(home: Home, settings: Settings, now: int, since: float) -> dict[str, Any]:
    """The firings of the past week and of the coming one, oldest first, and the runs since then (seconds since the epoch), newest
    first. Raises StoreUnusable, StoreBusy."""
    with closing(open_agenda(home, settings.memory)) as opened:
        told = _Told(opened.store, opened.store.clock(now))
        past, runs = told.past(), told.runs(since)
        ahead, more, paused = told.coming(home)
    return {
        "past": past[-_PAST:],
        "past_left_out": max(0, len(past) - _PAST),
        "coming": ahead[:_COMING],
        "coming_left_out": max(0, len(ahead) - _COMING) + more,
        "paused": paused,
        "runs": runs[:_RUNS],
        "runs_left_out": max(0, len(runs) - _RUNS),
        "agents": _by_agent(runs),
    }


class _Told:
    """What one agenda tells now."""

    def __init__(self, store: AgendaStore, now: int) -> None:
        self._store = store
        self._now = now
        self._recalls: dict[int, Recall | None] = {}
        self._history = list(store.history(None, _LOOKED_THROUGH))

    def past(self) -> list[dict[str, Any]]:
        """What was to happen within the last week."""
        found = [
            each
            for each in self._history
            if self._now - _WEEK <= each.scheduled_for and each.state not in _OPEN
        ]
        found.sort(key=lambda each: (each.scheduled_for, each.id))
        return [self._firing(each) for each in found]

    def coming(self, home: Home) -> tuple[list[dict[str, Any]], int, int]:
        """What is planned within the coming week and what follows by the recalls' own rules; how many recalls were left out, or
        fire more often than is told; how many are paused, of which nothing comes."""
        recalls = self._store.recalls(viewer(home), Filter(live=True, limit=_RECALLS + 1))
        found: list[dict[str, Any]] = []
        more, paused = max(0, len(recalls) - _RECALLS), 0
        for recall in recalls[:_RECALLS]:
            if recall.paused_at is not None:
                paused += 1
                continue
            planned = self._store.history(recall.id, _OF_ONE)
            times = coming(recall, planned, _OF_ONE + 1)
            inside = [each for each in times if each <= self._now + _WEEK]
            more += len(inside) > _OF_ONE
            found += self._ahead(recall, planned, inside[:_OF_ONE])
        found.sort(key=lambda each: (each["at"], each["recall"]))
        return found, more, paused

    def _ahead(
        self, recall: Recall, planned: Sequence[Occurrence], times: Sequence[int]
    ) -> Iterator[dict[str, Any]]:
        tries = {each.scheduled_for: each for each in planned if each.state is State.PLANNED}
        for moment in times:
            known = tries.get(moment)
            yield {
                **_words(recall),
                "recall": recall.id,
                "at": stamp_of(moment),
                "planned": known is not None,
                "put_off_until": stamp_of(known.next_try_at)
                if known is not None and known.deferrals
                else None,
                "reason": bounded(known.reason, _REASON) if known is not None and known.reason else None,
            }

    def runs(self, since: float) -> list[dict[str, Any]]:
        """Of the newest firings, newest first."""
        found = []
        for each in reversed(self._history):
            if each.started_at is not None and each.started_at >= since * 1000:
                found += [self._run(each, run) for run in reversed(self._store.runs(each.id))]
        return sorted(found, key=lambda run: str(run["started_at"]), reverse=True)

    def _firing(self, occurrence: Occurrence) -> dict[str, Any]:
        told = describe_occurrence(occurrence)
        told["reason"] = bounded(told["reason"], _REASON) if told["reason"] else None
        return {**told, **_words(self._recall(occurrence.recall)), "at": told["scheduled_for"]}

    def _run(self, occurrence: Occurrence, run: Run) -> dict[str, Any]:
        ended = run.ended_at
        return {
            "id": run.id,
            "recall": occurrence.recall,
            "agent": bounded(run.agent, _NAME),
            "session_id": bounded(run.session_id, _NAME),
            "started_at": stamp_of(run.started_at),
            "ended_at": None if ended is None else stamp_of(ended),
            "seconds": None if ended is None else max(0, ended - run.started_at) / 1000,
            "exit_status": run.exit_status,
            "problem": bounded(run.problem, _REASON) if run.problem else None,
            "confirmed": run.confirmed_at is not None,
            "needs_confirmation": run.needs_confirmation,
        }

    def _recall(self, number: int) -> Recall | None:
        if number not in self._recalls:
            try:
                self._recalls[number] = self._store.recall(number)
            except NoSuchRecall:
                self._recalls[number] = None
        return self._recalls[number]


def _words(recall: Recall | None) -> dict[str, Any]:
    """Who is woken and what is said; the message only begins."""
    return {
        "agent": None if recall is None else bounded(recall.agent, _NAME),
        "session_id": None if recall is None else bounded(recall.session_id, _NAME),
        "message": None if recall is None else bounded(" ".join(recall.message[:1000].split()), _MESSAGE),
        "recurs": recall is not None and recall.trigger.kind != "at",
    }


def _by_agent(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """How often each agent ran, how often that went wrong, and for how long."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in runs:
        by_name[each["agent"]].append(each)
    return [
        {
            "agent": name,
            "runs": len(own),
            "failed": sum(each["problem"] is not None for each in own),
            "running": sum(each["ended_at"] is None for each in own),
            "seconds": round(sum(each["seconds"] or 0 for each in own), 3),
        }
        for name, own in sorted(by_name.items())
    ]
