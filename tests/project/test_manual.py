"""The manual page is what the commands say of themselves, can be read by man, and is installed where man looks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon.cli import manual
from iai_daemon.errors import IaiError
from iai_daemon.paths import Home
from tests.cli.commands import every
from tests.project.source import ROOT

PAGE = ROOT / "docs" / "iai-daemon.1"
# With what a wheel is made, and what it must not depend on: what is installed here besides.
_LIMIT = 120


def run(*argv: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    return subprocess.run(
        argv,
        input=text,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT,
    )


def test_the_page_says_what_help_says_now() -> None:
    assert PAGE.read_text() == manual.page(), "docs/iai-daemon.1 is not up to date: `make manual` renews it"


def test_the_module_prints_the_page() -> None:
    done = run(sys.executable, "-m", "iai_daemon.cli.manual")
    assert (done.stdout, done.stderr) == (manual.page(), "")


def test_every_command_option_and_example_stands_in_it() -> None:
    text = manual.page()
    for listed in every():
        head = manual.escaped(" ".join(["iai-daemon", *listed.words]))
        assert f'.SS "{head}' in text or not listed.words
        assert not listed.words or all(manual.escaped(line) in text for line in listed.examples)
        for option in listed.command.params:
            longest = max(option.opts, key=len)
            assert manual.escaped(longest) in text or not longest.startswith("-")


def test_every_file_of_a_home_is_explained() -> None:
    there_are = {name for name, each in vars(Home).items() if isinstance(each, property)}
    assert set(manual.FILES) == there_are


def test_every_exit_status_is_explained() -> None:
    text = manual.page().partition(".SH EXIT STATUS")[2].partition(".SH")[0]
    told = set(re.findall(r"^\\fB(\d+)\\fP$", text, re.MULTILINE))
    assert {"0", *(str(each.exit_status) for each in _below(IaiError))} <= told


def _below(error: type[IaiError]) -> Iterator[type[IaiError]]:
    yield error
    for each in error.__subclasses__():
        yield from _below(each)


@pytest.mark.parametrize("command", [["groff", "-man", "-ww", "-z"], ["mandoc", "-T", "lint", "-W", "error"]])
def test_formatters_find_nothing_wrong_with_it(command: list[str]) -> None:
    done = run(*command, str(PAGE))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "text",
    [
        ".SH a request",
        "'a quote begins it'",
        "back\\slash \\fBand\\fP escapes \\",
        "--dashes - and en–dash — and “quotes” …",
        "a `half quoted word",
        '"twice" ^hat ~/tilde $var #hash',
        '\\&.\\" comment',
        "größer 夜",
    ],
)
def test_whatever_a_text_holds_is_shown_as_it_is(text: str) -> None:
    source = f".TH T 1\n.SH A\n.nf\n{manual.escaped(text)}\n.fi\n"
    assert source.isascii()
    done = run("groff", "-man", "-Tutf8", "-P-c", "-ww", text=source)
    assert done.stderr == ""
    assert text in done.stdout


def test_what_stands_between_backquotes_is_bold() -> None:
    assert manual.prose("see `nights undo` then") == r"see \fBnights undo\fP then"
    assert manual.prose("a `half quoted word") == r"a \(gahalf quoted word"


def wheel(folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT,
    )
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_man_finds_it_where_the_wheel_is_installed(tmp_path: Path) -> None:
    made = wheel(tmp_path / "dist")
    (held,) = [name for name in zipfile.ZipFile(made).namelist() if name.endswith("iai-daemon.1")]
    assert held.endswith(".data/data/share/man/man1/iai-daemon.1")
    there = tmp_path / "venv"
    # In an environment of its own: pip takes away first what it finds installed beside it, wherever it installs to.
    assert run(sys.executable, "-m", "venv", "--without-pip", str(there)).returncode == 0
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--quiet"]
    python = str(there / "bin" / "python")
    done = run(sys.executable, "-m", "pip", "--python", python, "install", *options, str(made))
    assert done.returncode == 0, done.stderr
    page = there / "share" / "man" / "man1" / "iai-daemon.1"
    assert page.read_text() == PAGE.read_text()
    found = run(
        "man", "-w", "iai-daemon", PATH=f"{there / 'bin'}{os.pathsep}{os.environ['PATH']}", MANPATH=""
    )
    assert found.stdout.strip() == str(page), found.stderr
