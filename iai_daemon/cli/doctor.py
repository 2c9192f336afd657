"""`iai-daemon doctor`: what is wrong, and what mends it; works without a daemon and without a home."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.clock import read
from iai_daemon.doctor import report
from iai_daemon.doctor.examine import examine
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.doctor.registry import CHECKS, WAKE_TEST
from iai_daemon.doctor.registry import wake_test as waking
from iai_daemon.errors import IaiError, UsageError
from iai_daemon.foreign import printable

_COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can safely be mended, after saying what that is.")
@click.option("--dry-run", is_flag=True, help="With --fix: only say what would be done.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option(
    "--wake-test",
    metavar="NAME",
    shell_complete=completing.agents,
    help="Also start this agent's command, as the daemon would.",
)
@home_option
@json_option
def doctor(fix: bool, dry_run: bool, yes: bool, wake_test: str | None, as_json: bool) -> int:
    """Say what is wrong here and what mends it; ends with 1 when something fails. Each check does the real thing.

    \b
    Example: iai-daemon doctor
    Example: iai-daemon doctor --fix --dry-run
    Example: iai-daemon doctor --wake-test claude
    """
    if (dry_run or yes) and not fix:
        raise UsageError(problem="--dry-run and --yes are about what --fix does: give that, too.")
    found = _look(wake_test)
    mended: list[dict[str, str | None]] = []
    if fix:
        mended = _mend(found, dry_run=dry_run, yes=yes or as_json or not sys.stdin.isatty())
        # Whoever was woken is not woken again for it.
        found = [*_look(None), *(each for each in found if each.name == WAKE_TEST)] if mended else found
    result: dict[str, object] = {"checks": report.describe(found)}
    if fix:
        result["mended"] = mended
    emit(result, as_json=as_json, human=lambda: _human(found), styled=True)
    return 0 if report.healthy(found) else 1


def _look(agent: str | None) -> list[Finding]:
    patient = meet(home(), read())
    return examine(patient, [*CHECKS, *([waking(agent)] if agent else [])])


def _mend(found: Sequence[Finding], *, dry_run: bool, yes: bool) -> list[dict[str, str | None]]:
    """Say what would be done, ask where somebody can be asked, and do it; what was done, each with what went wrong."""
    mends = [(each.name, each.mend) for each in found if each.mend is not None]
    for name, mend in mends:
        click.echo(f"{'would' if dry_run else 'will'} {mend.says} ({name})", err=True)
    if not mends:
        click.echo("there is nothing that the doctor can mend by itself", err=True)
    if dry_run or not mends or not (yes or click.confirm("Do it?", err=True)):
        return []
    done: list[dict[str, str | None]] = []
    for name, mend in mends:
        problem = None
        try:
            mend.do()
        except (IaiError, OSError) as error:
            problem = str(error)
            click.echo(f"could not {mend.says}: {problem}", err=True)
        done.append({"name": name, "did": mend.says, "problem": problem})
    return done


def _human(found: Sequence[Finding]) -> str:
    """Colours go where click finds a terminal."""
    said = [(status, printable(line)) for status, line in report.lines(found)]
    return "\n".join(click.style(line, fg=_COLOURS[status]) if status else line for status, line in said)
