"""A guard's first steps: started as `python -I -S guard.py [--tell]` by starting.py, in a session of its own.

With --tell it says on standard output which process it is, before anything else. Python keeps the compiled form of modules and never
that of a script, so what a guard does stands in guarding.py.
"""

from __future__ import annotations

import os
import sys


def greet() -> None:
    """Its pid, and its start in clock ticks since boot as proc(5) counts it; `-` where the system does not tell."""
    start = "-"
    if sys.platform == "linux":
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123 -- pathlib takes as long to load as Python to start
            # The name of the program may hold anything, so what is counted begins behind its last bracket.
            start = stat.read().rpartition(b")")[2].split()[19].decode()
    os.write(1, f"{os.getpid()} {start}\n".encode())


if __name__ == "__main__":
    sys.path.append(sys.argv[0].rpartition("/iai_daemon/")[0])
    from iai_daemon.programs import TELL

    tells = TELL in sys.argv
    if tells:
        greet()
    from iai_daemon.programs.guarding import main

    sys.exit(main(tells=tells))
