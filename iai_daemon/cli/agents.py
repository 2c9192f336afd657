"""`iai-daemon agents`: what recalls can wake, what they have used, and a trial; works without a daemon."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click

from iai_daemon.agenda.asking.here import viewer
from iai_daemon.agenda.asking.wishes import agent_of, message_of, session_id
from iai_daemon.agenda.recall import Status
from iai_daemon.agenda.store.recalls import AgendaStore, Filter
from iai_daemon.agenda.waking.call import make_call
from iai_daemon.agenda.waking.trial import HELLO, try_out
from iai_daemon.agenda.waking.wake import Ended, SystemWaker
from iai_daemon.cli import completing
from iai_daemon.cli.agenda import agenda
from iai_daemon.cli.common import Group, emit, home, home_option, json_option, now_ms, settings
from iai_daemon.config import Agent
from iai_daemon.errors import AgentUnusable
from iai_daemon.foreign import printable
from iai_daemon.paths import make_private
from iai_daemon.units import format_duration, say_duration

_DAY = 86_400_000
# More recalls than an agent has.
_MANY = 100_000


@click.group(cls=Group)
@home_option
def agents() -> None:
    """Show which agents recalls can wake, try one out.

    \b
    Example: iai-daemon agents test claude
    """


@agents.command("list")
@home_option
@json_option
def list_(as_json: bool) -> None:
    """Print every agent: its command, whether that can be started, and what it has used of its limits in the last 24 hours.

    \b
    Example: iai-daemon agents list
    """
    chosen = settings().agents
    with agenda() as store:
        waiting = store.recalls(viewer(home()), Filter(live=True, limit=_MANY))
        pending = Counter(each.agent for each in waiting if each.status is Status.PENDING)
        told = [_describe(store, each, pending[each.name]) for each in chosen.values()]
    how = asyncio.run(_how())
    lines = [line for each in told for line in _tell(each)] or [f"no agents: {home().config} defines none"]
    result = {"agents": told, "how": how}
    emit(result, as_json=as_json, human=lambda: "\n".join([*lines, f"agents run {how}"]))


async def _how() -> str:
    waker = SystemWaker()
    await waker.ask()
    return waker.describe()


def _describe(store: AgendaStore, agent: Agent, pending: int) -> dict[str, Any]:
    now = now_ms()
    spent = store.spent(agent.name, now - _DAY, now)
    argv, problem = list(agent.command), None
    try:
        argv[0] = make_call(agent, "", "", "", home()).argv[0]
    except AgentUnusable as refused:
        problem = str(refused)
    return {
        "name": agent.name,
        "argv": argv,
        "problem": problem,
        "model": agent.model or None,
        "cwd": agent.cwd,
        "timeout": format_duration(agent.timeout),
        "confirm": agent.confirm,
        "runs": spent.runs,
        "max_runs_per_day": agent.max_runs_per_day,
        "minutes": round(spent.milliseconds / 60_000, 2),
        "max_minutes_per_day": agent.max_minutes_per_day,
        "pending": pending,
    }


def _tell(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"{each['name']}  {' '.join(each['argv'])}"
    if each["problem"]:
        yield f"  {each['problem']}"
    confirms = ", has to confirm" if each["confirm"] else ""
    yield f"  in {each['cwd']}, for {each['timeout']} at most{confirms}"
    yield (
        f"  in the last 24 h {each['runs']} of {each['max_runs_per_day']} runs, "
        f"{each['minutes']:g} of {each['max_minutes_per_day']:g} minutes; recalls pending: {each['pending']}"
    )


@agents.command()
@click.argument("name", metavar="NAME", shell_complete=completing.agents)
@click.option("--message", metavar="M", default=HELLO, help="What it is told; else to say hello.")
@click.option(
    "--session",
    metavar="ID",
    shell_complete=completing.sessions,
    help="The session that it goes on with; else one of a new name.",
)
@home_option
@json_option
def test(name: str, message: str, session: str | None, as_json: bool) -> int:
    """Start an agent now, as a recall would, and say how that ended; ends with 1 when it failed. It counts for no limit.

    \b
    Example: iai-daemon agents test claude --session 1f0c
    """
    agent = agent_of(name, settings().agents, home().config)
    make_private(home().root)
    wanted = None if session is None else session_id(session)
    trial = asyncio.run(
        try_out(
            agent,
            home(),
            lambda call: SystemWaker().wake(call, lambda _: None),
            session_id=wanted,
            message=message_of(message),
        )
    )
    ended = trial.ended
    new = session is None and any("{session_id}" in each for each in agent.command)
    emit(trial.to_json(), as_json=as_json, human=lambda: "\n".join(_say(agent, ended, new=new)))
    return 0 if ended.problem is None else 1


def _say(agent: Agent, ended: Ended, *, new: bool) -> Iterator[str]:
    how = "worked" if ended.problem is None else f"failed: {ended.problem}"
    yield f"{agent.name} {how}, exit status {ended.exit_status}, {say_duration(ended.seconds)}"
    if ended.problem is not None and new:
        yield "its command goes on with a session, and this one was new: --session ID names one that there is"
    if ended.output:
        yield "the end of what it wrote:"
        yield from (f"  {line}" for line in printable(ended.output).splitlines())
