"""What is needed to start a program of the user's: where it is, what it is given, the order for its guard, how it ended in words."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from iai_daemon.paths import HOME_VARIABLE, Home
from iai_daemon.programs import SIGNALLED, TELL

# Of what a program writes so many bytes are kept, the last ones.
TAIL = 4096
# What of our own environment every program gets; keys and tokens are not among it.
USUAL = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
# Written to a guard's line: the program is asked to end. The end of the line ends everything.
ASK_TO_END = b"t"


def guard(*, tells: bool = False) -> list[str]:
    """The argv of a guard; with `tells` it says what it does on its standard output."""
    script = str(Path(__file__).with_name("guard.py"))
    return [sys.executable, "-I", "-S", script, *([TELL] if tells else [])]


@dataclass(frozen=True, slots=True)
class Order:
    """What a guard has to start. It comes through its standard input, since everybody may read what stands in an argument list.

    `given`: the number of an inherited descriptor that is the program's standard input; without it that is empty. `limits`: soft
    limits by the numbers of `resource`. `fresh`: set those, and take priorities back to normal.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    umask: int | None = None
    given: int | None = None
    fresh: bool = False
    limits: Mapping[int, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """As a guard reads it. Raises ValueError for a text with a zero byte in it."""
        fields = [("argv", each) for each in self.argv]
        fields += [("env", f"{name}={value}") for name, value in self.environment.items()]
        fields.append(("cwd", str(self.cwd)))
        fields += [("limit", f"{kind}:{soft}") for kind, soft in self.limits.items()]
        if self.umask is not None:
            fields.append(("umask", f"{self.umask:o}"))
        if self.given is not None:
            fields.append(("given", str(self.given)))
        if self.fresh:
            fields.append(("fresh", ""))
        if any("\0" in value for _, value in fields):
            raise ValueError("embedded null byte")
        body = "".join(f"{name}={value}\0" for name, value in fields).encode("utf-8", "surrogateescape")
        return b"%d\n%b" % (len(body), body)


def find(program: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The path of a program; None: there is none that can be started."""
    return shutil.which(str(Path(program).expanduser()), path=environment.get("PATH"))


def environment(names: Sequence[str], home: Home, ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a program gets of our environment: the usual variables and the named ones, and in which home we work."""
    given = {name: ours[name] for name in (*USUAL, *names) if name in ours}
    return {**given, HOME_VARIABLE: str(home.root)}


def keep_tail(tail: bytes, chunk: bytes) -> bytes:
    """The end of what was written so far."""
    return (tail + chunk[-TAIL:])[-TAIL:]


def signal_of(status: int) -> str | None:
    """The name of the signal that ended a program; None: an exit status is all there is."""
    if status > SIGNALLED:
        with suppress(ValueError):
            return signal.Signals(status - SIGNALLED).name
    return None
