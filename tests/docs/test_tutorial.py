"""The tutorial, typed into a real shell as its reader does: every command works, and answers what the page says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.docs.house import House, scripts
from tests.docs.pages import page

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

_LIMIT = 180
_MARK = "@@step"
# What is another one each time, and the word that stands for it on both sides.
_LOOSE = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "STAMP"),
    (r"((tomorrow|yesterday) )?\b\d{1,2}:\d\d(:\d\d)?\b", "TIME"),
    (r"\w{3} \d{1,2} \w{3} \d{4}, TIME(–TIME)? \w+", "WHEN"),
    (r"\((just now|in [\d.]+ \w+|[\d.]+ \w+ ago)\)", "(THEN)"),
    (r"\b(for|after) [\d.]+ m?s\b", r"\1 LONG"),
)


def _steps() -> list[tuple[str, str]]:
    """Each command, and what is shown below it."""
    found: list[tuple[str, str]] = []
    for block in page("docs/tutorial.md").blocks:
        assert block.language == "console", block.place
        for line in block.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                command, shown = found.pop()
                continues = line.startswith("> ") and not shown
                found.append((f"{command}\n{line[2:]}", "") if continues else (command, f"{shown}{line}\n"))
    return found


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The home directory of somebody who has nothing but our programs."""
    scripts(House(tmp_path / "ada").programs)
    return tmp_path / "ada"


@pytest.fixture
def written(top: Path) -> Iterator[Path]:
    """Where the shell writes; whatever it has left running is ended after the test."""
    yield top.parent / "written.txt"
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get("HOME") == str(top):
            process.kill()


def test_every_step_works_and_answers_what_the_page_says(top: Path, written: Path) -> None:
    steps = _steps()
    script = "".join(f'{command}\necho "{_MARK} $?"\n' for command, _ in steps)
    # Jobs as in a shell that somebody types into: each a group of its own that `kill %1` ends whole.
    answered = _answers(_type(f"set -m\n{script}", top, written), str(top))
    said = [each[0] for each in answered]
    assert [each[1] for each in answered] == ["0"] * len(steps), "\n".join(said)
    for (command, shown), answer in zip(steps, said, strict=True):
        assert re.fullmatch(_pattern(shown), _loosened(answer)), (
            f"$ {command}\n{answer}\nthe page says:\n{shown}"
        )
    assert list(top.iterdir()) == [House(top).programs], "the page tells how to tidy up, and it does not"


def _type(script: str, top: Path, written: Path) -> str:
    programs = f"{House(top).programs}{os.pathsep}{os.environ['PATH']}"
    with (
        written.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            ["bash", "-c", script],  # noqa: S607 -- as its reader does
            cwd=top,
            env={"HOME": str(top), "PATH": programs, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as shell,
    ):
        try:
            shell.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            shell.send_signal(signal.SIGKILL)
    return written.read_text("utf-8")


def _answers(text: str, top: str) -> list[tuple[str, str]]:
    """What was written at each step, and with what status it ended; not what the shell says of its jobs."""
    plain = re.sub(r"^\[\d\][+-]? .*\n", "", text.replace(top, "/home/ada"), flags=re.MULTILINE)
    return re.findall(rf"(.*?){_MARK} (\d+)\n", plain, re.DOTALL)


def _loosened(text: str) -> str:
    for pattern, word in _LOOSE:
        text = re.sub(pattern, word, text)
    return text


def _pattern(shown: str) -> str:
    """A line `…` stands for any lines, `…` within a line for anything in it."""
    lines = [
        "(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in _loosened(shown).splitlines()
    ]
    return "".join(lines)


def test_a_page_that_says_otherwise_is_noticed() -> None:
    answer = _loosened("since 21:46 (just now)\nnext\nmemory    4 memories\n")
    assert re.fullmatch(_pattern("since 9:00 (3 s ago)\n…\n"), answer)
    assert re.fullmatch(_pattern("since 21:46 (just now)\nnext\nmemory …\n"), answer)
    assert not re.fullmatch(_pattern("since 21:46 (just now)\nnext\n"), answer)
    assert not re.fullmatch(_pattern("…\nmemory    5 memories\n"), answer)
