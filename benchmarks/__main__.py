"""`make bench`: every figure that is promised, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHES = ("wrapper", "server", "daemon", "agenda", "night", "likeness", "corrections", "memory", "postgres")


def main() -> int:
    """Run the benches named on the command line, else all; 1 when one of them fails."""
    here = Path(__file__).parent
    failed = 0
    for name in sys.argv[1:] or BENCHES:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, here / f"{name}.py"], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
