"""What the command of a server means, taken apart by plain values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from iai_daemon.clients.through import Needed, Through, needed, understand

SCRIPT = "/opt/iai_wrapper.py"


def refused(word: str) -> str:
    return f"{word!r} is no option of the wrapper, or lacks its value"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            f"/usr/bin/python3 -I -S {SCRIPT} --home /h -- npx x",
            Through(("/usr/bin/python3", "-I", "-S", SCRIPT), ("npx", "x"), True, SCRIPT, "/h"),
        ),
        ("iai-wrapper -- x", Through(("iai-wrapper",), ("x",), True)),
        ("/bin/iai-wrapper --home= -- x", Through(("/bin/iai-wrapper",), ("x",), True)),
        (f"{SCRIPT} --home=/h -- x", Through((SCRIPT,), ("x",), True, SCRIPT, "/h")),
        ("python3 -m iai_wrapper -- x", Through(("python3", "-m", "iai_wrapper"), ("x",), True)),
        ("uvx iai-wrapper -- x", Through(("uvx", "iai-wrapper"), ("x",), True)),
        (
            "iai-wrapper --record-outcomes --session s --home /h -- x -- y",
            Through(("iai-wrapper",), ("x", "--", "y"), True, None, "/h"),
        ),
        (
            "iai-wrapper --home /h -- iai-daemon --home /m mcp",
            Through(
                ("iai-wrapper",), ("iai-daemon", "--home", "/m", "mcp"), True, None, "/h", True, "/m"
            ),
        ),
        ("iai-wrapper", Through(("iai-wrapper",), (), True, wrong="no command stands behind a --")),
        (
            "iai-wrapper --home /h --",
            Through(("iai-wrapper",), (), True, None, "/h", wrong="no command stands behind a --"),
        ),
        ("iai-wrapper npx x", Through(("iai-wrapper",), (), True, wrong=refused("npx"))),
        (
            "iai-wrapper --home /h --session",
            Through(("iai-wrapper",), (), True, None, "/h", wrong=refused("--session")),
        ),
        (
            "iai-wrapper --record-outcomes=1 -- x",
            Through(("iai-wrapper",), (), True, wrong=refused("--record-outcomes")),
        ),
        (
            "python3 -m iai_wrapper npx",
            Through(("python3", "-m", "iai_wrapper"), (), True, wrong=refused("npx")),
        ),
    ],
)  # fmt: skip
def test_what_goes_through_the_wrapper_is_taken_apart(words: str, found: Through) -> None:
    assert understand(words.split()) == found


def test_of_a_long_word_of_somebody_elses_the_beginning_is_shown() -> None:
    assert understand(["iai-wrapper", "w" * 41]).wrong == refused("w" * 40)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "npx x",
        "npx -- iai-wrapper -- x",
        "iai_wrapper -- x",
        "python3 iai_wrapper -- x",
        "-m x iai_wrapper -- x",
        "npx server /src/iai-wrapper",
        f"npx server {SCRIPT} --home",
        f"npx server {SCRIPT} x",
        f"node -e code {SCRIPT} x",
        f"python3 -c code {SCRIPT} x",
        f"python3 -X utf8 other.py {SCRIPT} x",
    ],
)
def test_another_command_is_all_inner(words: str) -> None:
    assert understand(words.split()) == Through((), tuple(words.split()))


@pytest.mark.parametrize(
    "words",
    [
        "python3", "python", "python3.12", "python3.13t", "pypy3", "/usr/bin/python3", "node", "bun", "sh", "bash", "zsh",
        "python3 -I -S", "python3 -X utf8", "python3 -W error -I",
    ],
)  # fmt: skip
def test_what_an_interpreter_runs_is_certainly_the_wrapper(words: str) -> None:
    assert understand([*words.split(), SCRIPT, "npx"]).wrong == refused("npx")


@pytest.mark.parametrize(
    "words",
    ["ruby", "python3x", "mypython3", "python3 -c", "python3 -", "node -e", "node --require", "python3 --"],
)
def test_what_only_stands_behind_another_program_is_not(words: str) -> None:
    assert not understand([*words.split(), SCRIPT, "npx"]).wrapper


@pytest.mark.parametrize(
    ("words", "memory", "home"),
    [
        ("iai-daemon mcp", True, None),
        ("/x/iai-daemon --home /h mcp", True, "/h"),
        ("iai-daemon --home=/h mcp", True, "/h"),
        ("iai-daemon mcp --home /h", True, "/h"),
        ("iai-daemon mcp --home", True, None),
        ("iai-daemon --home /h --home /i mcp", True, "/i"),
        ("iai-daemon -v mcp x", True, None),
        ("iai-daemon", False, None),
        ("iai-daemon status", False, None),
        ("iai-daemon status mcp", False, None),
        ("iai-daemon --home mcp", False, "mcp"),
        ("python3 -P -m iai_daemon --home /h mcp", True, "/h"),
        ("python3 iai_daemon mcp", False, None),
        ("iai_daemon mcp", False, None),
        ("npx mcp", False, None),
        ("uvx iai-daemon mcp", True, None),
    ],
)
def test_our_memory_is_known_with_the_home_that_it_is_given(
    words: str, memory: bool, home: str | None
) -> None:
    command = words.split()
    assert understand(command) == Through((), tuple(command), memory=memory, memory_home=home)
    behind = understand(["iai-wrapper", "--", *command])
    assert (behind.memory, behind.memory_home, behind.home) == (memory, home, None)


def program(path: str) -> Needed:
    return Needed(path, program=True)


def read(path: str) -> Needed:
    return Needed(path, program=False)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ("", []),
        ("npx x", []),
        ("/bin/npx /x", [program("/bin/npx")]),
        ("/bin/node /x.js /y.js", [program("/bin/node"), read("/x.js")]),
        ("node /x.js", [read("/x.js")]),
        ("node x.js", []),
        ("node", []),
        ("/bin/node -e /x.js", [program("/bin/node")]),
        ("python3 -m /x.py", []),
        ("python3 -X utf8 -I /x.py", [read("/x.py")]),
        ("python3 -W /w.py /x.py", [read("/x.py")]),
        ("python3 -I", []),
        ("/${userHome}/npx", []),
        (
            f"/bin/python3 -I {SCRIPT} -- /bin/node /x.js",
            [program("/bin/python3"), read(SCRIPT), program("/bin/node"), read("/x.js")],
        ),
        (f"{SCRIPT} -- npx", [program(SCRIPT)]),
        (f"{SCRIPT} --", [program(SCRIPT)]),
        ("/bin/iai-wrapper -- /bin/npx", [program("/bin/iai-wrapper"), program("/bin/npx")]),
        ("/bin/uvx /bin/iai-wrapper -- npx", [program("/bin/uvx")]),
        ("python3 -m iai_wrapper -- npx", []),
    ],
)
def test_the_files_that_it_cannot_start_without_are_those_named_by_their_whole_paths(
    words: str, files: Sequence[Needed]
) -> None:
    assert list(needed(understand(words.split()))) == files
