"""The entry point `iai-daemon`: `run`, `mcp` and `status` start without the command line's libraries, the rest with them."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence

from iai_daemon.errors import IaiError
from iai_daemon.lean import uncollected, without

# The loop's process stays small, a memory server and a status must answer fast: none of them pays for click.
_QUICK = ("run", "mcp", "status")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    quick = _quick_command(words)
    try:
        return _load(quick)(words)
    except IaiError as error:
        print(f"iai-daemon: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"iai-daemon: {_say(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _say(error: OSError) -> str:
    """What the system says and of which file, and on a full disk the next step."""
    said = f"{error.strerror or error}: {error.filename or 'check the disk'}"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{said}: make room there (`df` and `df -i` tell), then try again." if full else said


def _quick_command(words: Sequence[str]) -> str | None:
    """The quick command that is asked for: the first word that is neither an option nor the value of `--home`."""
    value_follows = False
    for word in words:
        if value_follows:
            value_follows = False
        elif word == "--home":
            value_follows = True
        elif not word.startswith("-"):
            return word if word in _QUICK and "--help" not in words and "-h" not in words else None
    return None


def _load(quick: str | None) -> Callable[[Sequence[str]], int]:
    """Import only what the command needs: that is the point of this module."""
    # ruff: noqa: PLC0415
    if quick == "run":
        # asyncio and hashlib would load OpenSSL, 6 MB, for connections that the daemon never makes; shutil what unpacks archives.
        with without("ssl", "_hashlib", "bz2", "lzma"):
            from iai_daemon.cli.run import run

        return run
    if quick == "mcp":
        with uncollected():
            from iai_daemon.cli.mcp import mcp

        return mcp
    if quick == "status":
        from iai_daemon.cli.status import status

        return status
    from iai_daemon.cli.group import main as full

    return full


if __name__ == "__main__":
    sys.exit(main())
