"""`iai-daemon slots`: what the calendar has for the agents, and what becomes of it; works without a daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from iai_daemon.agenda.asking import slots_by_hand
from iai_daemon.agenda.asking.describe import describe_past_slot, describe_slot, describe_update
from iai_daemon.agenda.slot import Slot
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.cli import completing
from iai_daemon.cli.agenda import opened_agenda
from iai_daemon.cli.common import Group, emit, home, home_option, json_option, now_ms, settings, tell_daemon
from iai_daemon.foreign import one_line

# More than anybody reads.
_ALL = 1_000_000

_id = click.argument("id_", metavar="ID", shell_complete=completing.slots)


@click.group(cls=Group)
@home_option
def slots() -> None:
    """Show what the calendar has for the agents, say what became of it.

    \b
    Example: iai-daemon slots list
    """


@slots.command("list")
@click.option("--all", "every", is_flag=True, help="All that are over and still known, not only the newest.")
@home_option
@json_option
def list_(every: bool, as_json: bool) -> None:
    """Print the slots: what is queued or active, then what is over, then what the backend has not been told yet.

    \b
    Example: iai-daemon slots list --all
    """
    calendar = settings().calendar
    with opened_agenda() as opened:
        store = opened.slots
        told: dict[str, Any] = {
            "enabled": calendar.is_set,
            "backend": calendar.backend if calendar.is_set else None,
            "slots": [describe_slot(each) for each in store.open_slots()],
            "history": [
                describe_past_slot(each) for each in store.past_slots(_ALL if every else calendar.history)
            ],
            "outbox": [describe_update(each) for each in store.outbox(_ALL)],
        }
    emit(told, as_json=as_json, human=lambda: "\n".join(_lines(told)))


@slots.command()
@_id
@click.option("--summary", metavar="T", required=True, help="What was done, for the backend.")
@home_option
@json_option
def complete(id_: str, summary: str, as_json: bool) -> None:
    """Say that a slot is done; an agent that is at work on it goes on, and its run counts as confirmed.

    \b
    Example: iai-daemon slots complete standup-17 --summary "Sent to all."
    """
    _end(id_, as_json, lambda store, slot, now: slots_by_hand.complete(store, slot, summary, now))


@slots.command()
@_id
@click.option("--reason", metavar="T", required=True, help="Why, for the backend.")
@home_option
@json_option
def abort(id_: str, reason: str, as_json: bool) -> None:
    """Say that nothing more comes of a slot; an agent that is at work on it is ended.

    \b
    Example: iai-daemon slots abort standup-17 --reason "It is a holiday."
    """
    _end(id_, as_json, lambda store, slot, now: slots_by_hand.abort(store, slot, reason, now))


@slots.command()
@_id
@click.option("--reason", metavar="T", default="", help="Why, for the backend.")
@home_option
@json_option
def pause(id_: str, reason: str, as_json: bool) -> None:
    """Say that a slot rests; its agent is left alone, and the slot stays until somebody ends it.

    \b
    Example: iai-daemon slots pause standup-17 --reason "Waits for the numbers."
    """
    _change(
        id_,
        as_json,
        lambda store, slot, now: slots_by_hand.pause(store, slot, reason, now),
        "is paused",
        "is paused already",
    )


@slots.command()
@_id
@home_option
@json_option
def resume(id_: str, as_json: bool) -> None:
    """Say that a slot that was paused goes on.

    \b
    Example: iai-daemon slots resume standup-17
    """
    _change(id_, as_json, slots_by_hand.resume, "is in progress again", "is not paused")


def _end(id_: str, as_json: bool, work: Callable[[SlotStore, Slot, int], Slot]) -> None:
    with opened_agenda() as opened:
        slot = work(opened.slots, opened.slots.slot(id_), now_ms())
    tell_daemon()
    emit(describe_past_slot(slot), as_json=as_json, human=lambda: f"slot {slot.id} is {slot.state}")


def _change(
    id_: str,
    as_json: bool,
    work: Callable[[SlotStore, Slot, int], tuple[Slot, bool]],
    done: str,
    else_: str,
) -> None:
    with opened_agenda() as opened:
        slot, changed = work(opened.slots, opened.slots.slot(id_), now_ms())
    tell_daemon()
    emit(
        {**describe_slot(slot), "changed": changed},
        as_json=as_json,
        human=lambda: f"slot {slot.id} {done if changed else else_}",
    )


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    if not told["enabled"]:
        yield (
            f"no calendar is set, so no slots come: say under [calendar] in {home().config} where they come from"
        )
    yield from _section("", [_say_open(each) for each in told["slots"]])
    yield from _section("over:", [_say_past(each) for each in told["history"]])
    yield from _section("the backend has not been told yet:", [_say_update(each) for each in told["outbox"]])
    if told["enabled"] and not (told["slots"] or told["history"]):
        yield "no slots"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines and title:
        yield title
    yield from lines


def _say_open(slot: Mapping[str, Any]) -> str:
    since = f"since {slot['started_at']}" if slot["started_at"] else f"listed {slot['listed_at']}"
    ended = ["its agent has ended: complete or abort it"] if slot["agent_ended"] else []
    return _line(slot["slot"], slot["agent"], slot["state"], since, slot["title"], slot["reason"], *ended)


def _say_past(slot: Mapping[str, Any]) -> str:
    said = slot["summary"] or slot["reason"]
    return _line(slot["slot"], slot["agent"], slot["status"], slot["resolved_at"], slot["title"], said)


def _say_update(update: Mapping[str, Any]) -> str:
    tried = f"tries {update['tries']}: {update['problem']}" if update["tries"] else None
    return _line(update["slot"], update["status"], f"since {update['made_at']}", tried)


def _line(*parts: str | None) -> str:
    """What others wrote cannot steer a terminal, and is cut short; an id never is, or nobody could give it to a command."""
    first, *rest = parts
    return "  ".join([first or "", *(one_line(each, 100) for each in rest if each)])
