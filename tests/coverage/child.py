"""Measure the process that this is run in: the switch has every Python of the environment run it as it starts.

It asks no environment variable, since many processes get an environment that is made anew. What ends at once (`os._exit`, `execve`)
is saved before; only a kill loses what it had seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import coverage

# They start without site-packages, where the switch lies.
_BARE = ("/iai_wrapper.py", "/programs/guard.py")
_ENDINGS = ("_exit", "execv", "execve")


def start(config: str, runner: int) -> None:
    """Begin, if whoever wanted it is still there: a runner that was killed leaves its switch behind."""
    if not _is_there(runner) or getattr(subprocess, "_measured", False):
        return
    subprocess._measured = True  # type: ignore[attr-defined]
    measured = coverage.Coverage(config_file=config, auto_data=True)
    measured._warn_no_data = measured._warn_preimported_source = False
    _save_before_the_end(measured.save)
    _let_the_bare_see_the_switch()
    measured.start()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _save_before_the_end(save: Callable[[], None]) -> None:
    """`os` has these from posix, which the wrapper asks itself."""
    posix = sys.modules["posix"]
    for name in _ENDINGS:
        real = getattr(os, name)

        def end(*arguments: Any, real: Callable[..., None] = real) -> None:
            try:
                save()
            finally:
                real(*arguments)

        setattr(os, name, end)
        setattr(posix, name, end)


def with_site(argv: Sequence[Any]) -> list[Any]:
    """The same without the -S that stands before a program of ours."""
    words = list(argv)
    for place, word in enumerate(words[:-1]):
        if word == "-S" and str(words[place + 1]).endswith(_BARE):
            return words[:place] + words[place + 1 :]
    return words


def _let_the_bare_see_the_switch() -> None:
    real = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def execute(popen: Any, args: Any, *rest: Any, **named: Any) -> None:
        real(popen, args if isinstance(args, str | bytes | os.PathLike) else with_site(args), *rest, **named)

    subprocess.Popen._execute_child = execute  # type: ignore[attr-defined]
