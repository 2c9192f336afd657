"""The page of states: every word in which daemon, nights, recalls and slots say how they stand, from the tables that they live by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from iai_daemon.agenda import recall
from iai_daemon.agenda.slot import SlotState
from iai_daemon.cli.reference.markdown import block, code, either, prose, table
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.consolidation import report
from iai_daemon.doctor.finding import Verdict
from iai_daemon.lifecycle import states
from iai_daemon.presence import classify

_Word = TypeVar("_Word", bound=str)

_INTRODUCTION = "The words in which `--json` says how things stand; they do not change. The commands say the same to people in sentences."
# What no enumeration tells of itself; a test sees that none is missing.
HEARTBEATS = {
    classify.Status.FRESH: "Its wrapper is there: somebody has this client open.",
    classify.Status.STALE: "It was not refreshed for `presence.stale_after`: its wrapper is stopped or gone.",
    classify.Status.ORPHAN: "Its wrapper is proven to be gone, or its client is.",
    classify.Status.INVALID: "The file is no heartbeat; the reason says why.",
}
OUTCOMES = {
    report.COMPLETED: "It came to its end.",
    report.YIELDED: "Somebody came back, so it stopped; what was done is kept, and it goes on later.",
    report.NOTHING_TO_DO: "Nothing was due; nothing is stored of it.",
    report.FAILED: "It did not come to its end; the reason says why. What was done until then is kept.",
    report.CANCELLED: "Somebody stopped it, or the daemon ended; what was done is kept.",
}
_VERDICTS = {
    Verdict.OK: "Nothing to do.",
    Verdict.WARN: "Worth knowing, or not looked at. The doctor ends with 0 all the same.",
    Verdict.FAIL: "It does not work: the remedy says what mends it. The doctor ends with 1.",
}


def page() -> str:
    """The whole page."""
    return whole("States, rules and outcomes", _blocks())


def _blocks() -> Iterator[str]:
    yield prose(_INTRODUCTION)
    yield from _lifecycle()
    yield "## Heartbeats"
    yield _explained("status", HEARTBEATS)
    yield "## Outcomes of nights"
    yield _explained("outcome", OUTCOMES)
    yield from _agenda()
    yield "## What the doctor finds"
    yield _explained("status", _VERDICTS)


def _lifecycle() -> Iterator[str]:
    yield "## The day"
    yield block(states.diagram().splitlines(), "mermaid")
    rows = [(code(event.rule), prose(f"{states.GLOSSARY[event]}.")) for event in states.Event]
    yield "`status` and `history` name the rule by which a state holds. Beside these there is `started`: the daemon has just begun."
    yield table(["rule", "when it holds"], rows)
    yield "What becomes of each state when a rule holds:"
    yield table(
        ["", *states.State],
        [
            (event.value, *(states.TRANSITIONS[state][event] for state in states.State))
            for event in states.Event
        ],
    )


def _agenda() -> Iterator[str]:
    yield "## Recalls"
    for kind in (recall.CallType, recall.Status, recall.CatchUp, recall.Overlap):
        yield f"{either(kind)}. {prose(kind.__doc__ or '')}"
    yield "## Occurrences of a recall"
    yield f"{either(recall.State)}. {prose(recall.State.__doc__ or '')}"
    yield table(["from", "to"], [(code(state), _next(recall.TRANSITIONS, state)) for state in recall.State])
    yield "## Slots"
    yield f"{either(SlotState)}. {prose(SlotState.__doc__ or '')}"


def _next(transitions: Mapping[recall.State, frozenset[recall.State]], state: recall.State) -> str:
    following = [each for each in type(state) if each in transitions[state]]
    return either(following) if following else "it is over"


def _explained(head: str, words: Mapping[_Word, str]) -> str:
    return table([head, "meaning"], [(code(word), prose(said)) for word, said in words.items()])
