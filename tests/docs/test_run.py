"""Every command that a page shows is run, in the order of the page, in a house where it has something to work on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.inside import call
from tests.docs.house import SETTINGS, House, build
from tests.docs.pages import Page, pages
from tests.docs.shell import Command, commands
from tests.journeys.real import RunningDaemon

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

# The pages some of whose commands ask a daemon that runs.
_WITH_A_DAEMON = ("README.md", "docs/how-to/postgres.md", "docs/how-to/remote.md", "docs/reference/doctor.md")
# The doctor looks at the very machine, where something may really be wrong.
_STATUSES = {"doctor": {0, 1}}
_BROKEN = re.compile(r"Traceback|Error\b")
# An example about nothing shows nothing.
_EMPTY = re.compile(r"(nothing found|no (sessions|slots|nights|transitions|memories|recalls|backups)\b.*)\n")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build(tmp_path_factory.mktemp("docs") / "ada")


@pytest.fixture
def house(built: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    copied = built.copied(tmp_path / "ada")
    copied.enter(monkeypatch)
    return copied


def _shown(page: Page) -> list[Command]:
    found = [command for block in page.blocks if block.language == "sh" for command in commands(block)]
    return [each for each in found if each.is_ours]


@contextmanager
def _daemon(page: Page, house: House) -> Iterator[None]:
    running = RunningDaemon(house.home, SETTINGS) if page.name in _WITH_A_DAEMON else None
    try:
        yield
    finally:
        if running:
            running.stop()


@pytest.mark.parametrize(
    "page", [each for each in pages() if not each.made and _shown(each)], ids=lambda page: page.name
)
def test_the_commands_of_a_page_run_in_its_order(page: Page, house: House) -> None:
    if page.name == "docs/how-to/calendar.md":
        house.list_slots("17", "18")
    with _daemon(page, house):
        for command in _shown(page):
            if command.why_not is None:
                _run(command, house)


def _run(command: Command, house: House) -> None:
    if command.needs_a_shell:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command.line],  # noqa: S607 -- as its reader does
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
        )
    else:
        done = call(house.home, *(os.path.expanduser(word) for word in command.words[1:]))  # noqa: PTH111 -- as a shell does
    allowed = _STATUSES.get(command.words[1], {0})
    assert done.returncode in allowed, f"{command.place}: {command.line}\n{done.stdout}{done.stderr}"
    assert not _BROKEN.search(done.stderr), f"{command.place}: {command.line}\n{done.stderr}"
    assert not _EMPTY.fullmatch(done.stdout), f"{command.place}: {command.line}: {done.stdout}"


def test_what_is_no_command_of_ours_is_marked_as_not_run() -> None:
    for page in pages():
        if page.made:
            continue
        run = _shown(page)
        for block in page.blocks:
            others = [each for each in commands(block) if block.language == "sh" and each not in run]
            assert all(each.why_not or each.program == "make" for each in others), block.place
