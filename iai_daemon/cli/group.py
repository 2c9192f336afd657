"""The command line as a whole: which commands there are, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

import iai_daemon
from iai_daemon.cli.common import home_option

# The command, the module of `iai_daemon.cli` and the name in it, and what `--help` says: so help loads nothing else.
_COMMANDS = {
    "run": ("quick_commands", "run", "Run the daemon in the foreground."),
    "status": ("quick_commands", "status", "Say how the daemon stands."),
    "doctor": ("doctor", "doctor", "Say what is wrong here and what mends it."),
    "presence": ("presence", "presence", "Say who is here: every wrapper, and why it counts or not."),
    "history": ("history", "history", "Show the transitions between WAKE, IDLE and BEDTIME, oldest first."),
    "sleep": ("wishes", "sleep", "Send the daemon to bed now; it wakes at the next activity."),
    "wake": ("wishes", "wake", "Keep the daemon awake."),
    "consolidate": ("consolidate", "consolidate", "Put the memory in order now."),
    "nights": ("nights", "nights", "List nights, show one, take one back, accept what one proposed."),
    "tasks": ("tasks", "tasks", "Show what comes by itself, switch it off and on, run it now."),
    "recall": ("recall", "recall", "Wake an agent at a time, in a session, with a message."),
    "slots": ("slots", "slots", "Show what the calendar has for agents, say what became of it."),
    "sessions": ("sessions", "sessions", "List the conversations that are known, close one."),
    "agents": ("agents", "agents", "Show which agents recalls can wake, try one out."),
    "memory": ("memory", "memory", "Add, find, show, forget, import and export memories."),
    "store": (
        "store",
        "store",
        "List, make and restore backups of the whole memory, move it to another engine.",
    ),
    "config": ("config", "config", "Show, check and change the settings."),
    "clients": (
        "clients",
        "clients",
        "Connect Claude Code, Codex, Cursor … with the memory and the wrapper.",
    ),
    "install": ("service", "install", "Make the daemon a service that starts with your login."),
    "uninstall": ("service", "uninstall", "Take the service away; the memory stays."),
    "start": ("service", "start", "Start the service."),
    "stop": ("service", "stop", "Stop the service."),
    "restart": ("service", "restart", "Restart the service, as after an update."),
    "logs": ("logs", "logs", "Show the daemon's log to a person; -f goes on."),
    "mcp": ("quick_commands", "mcp", "Serve the memory to an MCP client on standard input and output."),
    "demo": ("demo", "demo", "Show one evening in about two minutes, in a home of its own."),
}


class _LazyGroup(click.Group):
    """A group that knows its commands by name and imports them one at a time. The arguments are click's."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"iai_daemon.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(iai_daemon.__version__, prog_name="iai-daemon")
@home_option
def iai() -> None:
    """The night shift for coding agents' memory: knows when you are there, tidies up while you are away."""


def main(words: Sequence[str]) -> int:
    """Run one command; returns the exit status. IaiError is left to the caller."""
    try:
        result = iai.main(list(words), prog_name="iai-daemon", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as shown:
        shown.show()
        return 2
    except click.ClickException as error:
        click.echo(f"iai-daemon: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        click.echo("", err=True)
        return 130
    finally:
        sys.stdout.flush()
    return result if isinstance(result, int) else 0
