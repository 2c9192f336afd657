"""The command line as a whole: which commands there are, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

import iai_daemon
from iai_daemon.cli.common import home_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# With what a shell asks for completions; click derives it from the program's name.
COMPLETING = "_IAI_DAEMON_COMPLETE"
# Under what a newcomer looks for it: the command, the module of `iai_daemon.cli` and the name in it, and what `--help` says of
# it, so that help loads nothing else.
SECTIONS = {
    "First steps": {
        "demo": ("demo", "demo", "Show one evening in about two minutes, in a home of its own."),
        "install": ("service", "install", "Make the daemon a service that starts with your login."),
        "clients": (
            "clients",
            "clients",
            "Connect Claude Code, Codex, Cursor … with the memory and the wrapper.",
        ),
        "doctor": ("doctor", "doctor", "Say what is wrong here and what mends it."),
        "status": ("quick_commands", "status", "Say how the daemon stands."),
    },
    "What it does, and why": {
        "watch": ("watch", "watch", "Show how the daemon stands, live."),
        "history": ("history", "history", "Draw the last day or week: states, nights and naps, and why."),
        "report": ("report", "report", "Make a page of what happened while you were away, or serve it live."),
        "presence": ("presence", "presence", "Say who is here: every wrapper, and why it counts or not."),
        "logs": ("logs", "logs", "Show the daemon's log to a person; -f goes on."),
        "metrics": ("metrics", "metrics", "Print figures for Prometheus and its kin."),
    },
    "Nights": {
        "nights": ("nights", "nights", "List nights, show one, take one back, accept what one proposed."),
        "consolidate": ("consolidate", "consolidate", "Put the memory in order now."),
        "tasks": ("tasks", "tasks", "Show what comes by itself, switch it off and on, run it now."),
        "sleep": ("wishes", "sleep", "Send the daemon to bed now; it wakes at the next activity."),
        "wake": ("wishes", "wake", "Wake the daemon and keep it awake."),
    },
    "The memory": {
        "memory": ("memory", "memory", "Add, find, show, forget, import and export memories."),
        "store": (
            "store",
            "store",
            "List, make and restore backups of the whole memory, move it to another engine.",
        ),
    },
    "The agenda": {
        "recall": ("recall", "recall", "Wake an agent at a time, in a session, with a message."),
        "agents": ("agents", "agents", "Show which agents recalls can wake, try one out."),
        "sessions": ("sessions", "sessions", "List the conversations that are known, close one."),
        "slots": ("slots", "slots", "Show what the calendar has for agents, say what became of it."),
    },
    "Settings and service": {
        "config": ("config", "config", "Show, check and change the settings."),
        "start": ("service", "start", "Start the service."),
        "stop": ("service", "stop", "Stop the service."),
        "restart": ("service", "restart", "Stop the service and start it, as after an update."),
        "uninstall": ("service", "uninstall", "Take the service away; the memory stays."),
        "completion": (
            "completion",
            "completion",
            "Print what completes these commands in bash, zsh or fish.",
        ),
    },
    "What the service and the clients start": {
        "run": ("quick_commands", "run", "Run the daemon in the foreground."),
        "mcp": ("quick_commands", "mcp", "Serve the memory to an MCP client on standard input and output."),
    },
}
_COMMANDS = {name: each for section in SECTIONS.values() for name, each in section.items()}


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
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{name:11}", text) for name, (_, _, text) in commands.items()], col_max=14
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The commands as help lists them, of which none is loaded, and the options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 -- only a shell that completes needs it

        begun = {name: text for name, (_, _, text) in _COMMANDS.items() if name.startswith(incomplete)}
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=text) for name, text in begun.items()), *options]


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\n`iai-daemon COMMAND --help` tells more about one of them.\n`man iai-daemon` tells all of it.",
)
@click.version_option(iai_daemon.__version__, prog_name="iai-daemon")
@home_option
def iai() -> None:
    """The night shift for coding agents' memory: knows when you are there, tidies up while you are away.

    \b
    Example: iai-daemon demo
    Example: iai-daemon install
    Example: iai-daemon clients connect claude-code
    Example: iai-daemon doctor
    Example: iai-daemon status
    """


def main(words: Sequence[str]) -> int:
    """Run one command; returns the exit status. IaiError is left to the caller."""
    if COMPLETING in os.environ:
        # A shell asks how a line can go on: click answers it, in the shell's own way.
        import iai_daemon.cli.shells  # noqa: F401, PLC0415 -- nobody else needs it
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
