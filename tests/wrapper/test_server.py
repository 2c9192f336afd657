"""The server runs as it would without a wrapper: surroundings, signals, exit status; and how the command line answers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import iai_daemon
from tests.wrapper.running import LIGHT, WRAPPER, Running, server

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")

SURROUNDINGS = """
import json, posix
def is_open(descriptor):
    try:
        posix.fstat(descriptor)
    except OSError:
        return False
    return True
files = list(filter(is_open, range(64)))
with open("/proc/self/environ", "rb") as file:
    given = file.read().decode("latin-1")
with open("/proc/self/status") as file:
    umask = [line for line in file if line.startswith("Umask")]
print(json.dumps({"environment": given.split("\\0"), "cwd": posix.getcwd(), "files": files, "umask": umask}))
"""


@linux
@pytest.mark.parametrize(
    "environment",
    [
        {"PATH": "/usr/bin:/bin"},
        {"PATH": "/usr/bin", "LC_CTYPE": "C.UTF-8"},
        {"LANG": "C", "A": "ä=\udcff"},
        {},
    ],
    ids=["as clients cut it", "with a locale", "in the C locale", "empty"],
)
def test_environment_directory_and_files_are_those_that_the_client_gave(
    place: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    seen = []
    for direct in (True, False):
        with Running(
            server(SURROUNDINGS), home=place, environment=environment, cwd=tmp_path, direct=direct
        ) as wrapper:
            seen.append(json.loads(wrapper.line()))
    assert seen[0] == seen[1]
    assert (seen[1]["cwd"], seen[1]["files"]) == (str(tmp_path), [0, 1, 2])


@linux
def test_the_server_blocks_and_ignores_no_signal_because_of_us(place: Path) -> None:
    shown = ["/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    with Running(shown, direct=True) as alone, Running(shown, home=place) as wrapper:
        without, with_us = ([int(each.line().split()[1], 16) for _ in range(2)] for each in (alone, wrapper))
    assert with_us[0] == without[0]
    # 32 and 33 are glibc's own: whatever posix_spawn starts ignores them until its own glibc is ready.
    assert not with_us[1] & ~without[1] & ~(0b11 << 31)


def test_the_server_has_a_process_group_of_its_own(place: Path) -> None:
    with Running(server("import posix; print(posix.getpgrp() == posix.getpid())"), home=place) as wrapper:
        assert wrapper.line() == b"True"


def test_what_the_server_says_on_standard_error_goes_straight_to_the_client(place: Path) -> None:
    with Running(server("import posix; posix.write(2, b'\\xffhello')"), home=place) as wrapper:
        wrapper.process.wait(10)
        assert wrapper.process.stderr
        assert wrapper.process.stderr.read() == b"\xffhello"


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("", 0),
        ("import posix; posix._exit(3)", 3),
        ("import posix; posix._exit(255)", 255),
        ("import posix; posix.kill(posix.getpid(), 9)", 128 + signal.SIGKILL),
        ("import posix; posix.kill(posix.getpid(), 15)", 128 + signal.SIGTERM),
    ],
)
def test_the_exit_status_is_the_servers(place: Path, script: str, status: int) -> None:
    with Running(server(script), home=place) as wrapper:
        assert wrapper.process.wait(10) == status


def test_all_that_the_server_said_before_it_died_arrives(place: Path) -> None:
    script = "import posix; posix.write(1, b'x' * 60000); posix._exit(1)"
    with Running(server(script), home=place) as wrapper:
        assert wrapper.rest() == b"x" * 60000
        assert wrapper.process.wait(10) == 1


def _run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    line = [*LIGHT, str(WRAPPER), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=10, env=environment)


def test_a_command_that_is_not_there_is_127_and_one_sentence() -> None:
    ended = _run("--", "no-such-command-anywhere")
    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr.count("\n") == 1
    assert "no-such-command-anywhere" in ended.stderr


def test_a_command_that_may_not_be_run_is_126_and_one_sentence(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    ended = _run("--", str(plain))
    assert ended.returncode == 126
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--",),
        ("cat",),
        ("--home",),
        ("--home", "x"),
        ("--hom", "x", "--", "cat"),
        ("--home", "--", "cat"),
    ],
)
def test_wrong_usage_is_exit_2_and_says_how_it_is_used(arguments: tuple[str, ...]) -> None:
    ended = _run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "usage: iai-wrapper [--home DIR]" in ended.stderr


def test_help_tells_the_usage_and_the_version_is_the_packages() -> None:
    assert "usage: iai-wrapper" in _run("--help").stdout
    assert _run("--version").stdout == f"iai-wrapper {iai_daemon.__version__}\n"


def test_it_starts_through_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "absolute").symlink_to(WRAPPER)
    (tmp_path / "relative").symlink_to("absolute")
    line = [*LIGHT, str(tmp_path / "relative"), "--version"]
    assert subprocess.run(line, capture_output=True, text=True, check=True, timeout=10).stdout


def test_it_starts_as_an_entry_point() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(WRAPPER.parent)!r}); sys.argv[1:] = ['--version']; "
        "from iai_wrapper import main; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=10
    )
    assert iai_daemon.__version__ in ended.stdout


def test_until_it_relays_it_imports_nothing_but_itself_and_what_is_built_into_python() -> None:
    code = (
        f"import sys; sys.path.append({str(WRAPPER.parent)!r}); before = set(sys.modules); import iai_wrapper; "
        "print(*sorted(set(sys.modules) - before - set(sys.builtin_module_names)))"
    )
    ended = subprocess.run([*LIGHT, "-c", code], capture_output=True, text=True, check=True, timeout=10)
    assert ended.stdout.split() == ["iai_heartbeat", "iai_relay", "iai_wrapper"]


def test_a_wrapper_that_was_copied_without_its_parts_says_so(tmp_path: Path) -> None:
    alone = tmp_path / WRAPPER.name
    alone.write_bytes(WRAPPER.read_bytes())
    done = subprocess.run([*LIGHT, str(alone), "--", "cat"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("iai-wrapper: ")
    assert done.stderr.count("\n") == 1
