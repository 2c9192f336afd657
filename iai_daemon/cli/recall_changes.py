"""What is done to a recall that is there: `iai-daemon recall cancel`, `skip`, `pause`, `resume`, `reschedule` and `run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from iai_daemon.agenda.asking import changes
from iai_daemon.agenda.asking.describe import describe_kept, stamp
from iai_daemon.agenda.asking.here import recall_of, viewer
from iai_daemon.agenda.asking.wishes import replanned
from iai_daemon.agenda.recall import Recall
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.cli import completing
from iai_daemon.cli.agenda import NOBODY_FIRES, agenda, when_of, when_options
from iai_daemon.cli.common import Id, emit, home, home_option, json_option, now_ms, tell_daemon
from iai_daemon.errors import UsageError

_REASON = "cancelled with `iai-daemon recall cancel`"
_SKIPPED = "skipped with `iai-daemon recall skip`"

_LIVE = ("pending", "running", "waiting")

_id = click.argument("id_", metavar="ID", type=Id, shell_complete=completing.recalls)


@click.command()
@click.argument("id_", metavar="[ID]", type=Id, required=False, shell_complete=completing.recalls)
@click.option(
    "--session",
    metavar="ID",
    shell_complete=completing.sessions,
    help="Everything that is still to come in this session.",
)
@home_option
@json_option
def cancel(id_: int | None, session: str | None, as_json: bool) -> None:
    """Let nothing more come of a recall; a run that is under way goes on.

    \b
    Example: iai-daemon recall cancel 3
    Example: iai-daemon recall cancel --session 1f0c
    """
    if (id_ is None) == (session is None):
        raise UsageError(problem="Say what to cancel: the ID of a recall, or --session ID, not both.")
    with agenda() as store:
        here, now = viewer(home()), now_ms()
        chosen = changes.live_in(store, session or "", here) if id_ is None else [recall_of(store, id_, here)]
        cancelled = [each.id for each in chosen if store.cancel(each.id, _REASON, now)]
        told = [describe_kept(store, store.recall(each.id)) for each in chosen]
    tell_daemon()
    emit(
        {"cancelled": cancelled, "recalls": told},
        as_json=as_json,
        human=lambda: _say_cancelled(cancelled, id_, session),
    )


def _say_cancelled(cancelled: list[int], id_: int | None, session: str | None) -> str:
    if cancelled:
        return "\n".join(f"recall {each} is cancelled" for each in cancelled)
    return f"nothing was to come of recall {id_}" if id_ else f"nothing was to come in the session {session}"


@click.command()
@_id
@home_option
@json_option
def skip(id_: int, as_json: bool) -> None:
    """Skip the next time of a recall that recurs.

    \b
    Example: iai-daemon recall skip 3
    """

    def work(store: AgendaStore, recall: Recall, now: int) -> dict[str, Any]:
        return {"skipped": stamp(changes.skip_next(store, recall, _SKIPPED, now))}

    told = _change(id_, work)
    emit(told, as_json=as_json, human=lambda: f"recall {id_} skips {told['skipped']}; {_say_next(told)}")


@click.command()
@_id
@home_option
@json_option
def pause(id_: int, as_json: bool) -> None:
    """Skip whatever is due of a recall until `recall resume`.

    \b
    Example: iai-daemon recall pause 3
    """
    told = _change(id_, lambda store, recall, now: {"changed": store.pause(recall.id, now)})
    already = "" if told["changed"] else " already"
    emit(told, as_json=as_json, human=lambda: f"recall {id_} is paused{already}")


@click.command()
@_id
@home_option
@json_option
def resume(id_: int, as_json: bool) -> None:
    """Let a recall that was paused go on with its next time.

    \b
    Example: iai-daemon recall resume 3
    """
    told = _change(id_, lambda store, recall, now: {"changed": changes.resume(store, recall, now)})
    said = "goes on" if told["changed"] else "is not paused"
    emit(told, as_json=as_json, human=lambda: f"recall {id_} {said}; {_say_next(told)}")


@click.command()
@_id
@when_options
@home_option
@json_option
def reschedule(id_: int, as_json: bool, **said: Any) -> None:
    """Give a recall another plan.

    \b
    Example: iai-daemon recall reschedule 3 --at "2026-11-30 09:00"
    """
    when = when_of(said)

    def work(store: AgendaStore, recall: Recall, now: int) -> dict[str, Any]:
        store.reschedule(recall.id, *replanned(recall, when, now), now)
        return {}

    told = _change(id_, work)
    emit(told, as_json=as_json, human=lambda: f"recall {id_}: {_say_next(told)}")


@click.command()
@_id
@home_option
@json_option
def run(id_: int, as_json: bool) -> None:
    """Let a recall fire now, once more than planned where it recurs; its session may put it off.

    \b
    Example: iai-daemon recall run 3
    """

    def work(store: AgendaStore, recall: Recall, now: int) -> dict[str, Any]:
        return {"scheduled_for": stamp(store.run_now(recall.id, now).scheduled_for)}

    told = _change(id_, work)
    said = f"recall {id_} fires now" if told["daemon"] else f"recall {id_} is due now; {NOBODY_FIRES}"
    emit(told, as_json=as_json, human=lambda: said)


def _change(id_: int, work: Callable[[AgendaStore, Recall, int], Mapping[str, Any]]) -> dict[str, Any]:
    """Do it, and tell the daemon; the recall as it is then, what the work tells, and whether a daemon runs."""
    with agenda() as store:
        answer = work(store, recall_of(store, id_, viewer(home())), now_ms())
        told = describe_kept(store, store.recall(id_))
    return {**told, **answer, "daemon": tell_daemon()}


def _say_next(told: Mapping[str, Any]) -> str:
    return f"next {told['local']}" if told["status"] in _LIVE else "nothing more is to come of it"
