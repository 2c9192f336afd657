"""The command `iai-wrapper`, run by MCP clients as `python -I -S iai_wrapper.py`: starts iai_relay.py, which lies beside it.

Python keeps the compiled form of modules, but never that of a script: as one script, the wrapper would need 10 ms more at
every start, which doubles the start of Python itself, and 2 MB more for as long as it runs.
"""

import posix
import sys


def folder_of(path: str) -> str:
    """Where `path` really lies: it may be a link."""
    try:
        target = posix.readlink(path)
    except OSError:
        return path.rpartition("/")[0]
    return folder_of(target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}")


# At the end of the path: what lies there must not stand before the standard library.
sys.path.append(folder_of(__file__))

try:
    from iai_heartbeat import VERSION
    from iai_relay import main
except ImportError:
    posix.write(
        2, b"iai-wrapper: iai_relay.py and iai_heartbeat.py must lie beside iai_wrapper.py: copy all three.\n"
    )
    sys.exit(1)

__all__ = ["VERSION", "main"]

if __name__ == "__main__":
    sys.exit(main())
