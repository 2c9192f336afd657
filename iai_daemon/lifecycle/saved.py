"""`state.json`: the standing, kept over a restart. Stamps on the wall clock in the file, on the awake clock in the program."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon import atomic
from iai_daemon.clock import Now
from iai_daemon.lifecycle.decide import Asked, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.units import NEVER, format_stamp, parse_stamp

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a start found: the standing to go on from, and why an older one could not be used (None: it could, or is none)."""

    standing: Standing
    fresh: bool
    trouble: str | None = None


def save(path: Path, standing: Standing, now: Now, boot_id: str | None) -> None:
    """Write the standing whole. Raises OSError."""

    def stamp(awake: float | None) -> str | None:
        return None if awake is None or awake == NEVER else format_stamp(now.wall - now.awake + awake)

    asked = standing.asked
    content = {
        "schema": SCHEMA,
        "state": standing.state.value,
        "since": stamp(standing.since),
        "rule": standing.rule,
        "reason": standing.reason,
        "last_active": stamp(standing.last_active),
        "absent_since": stamp(standing.absent_since),
        "asked": asked and {"state": asked.state.value, "at": stamp(asked.at), "until": stamp(asked.until)},
        # With these a later start in the same boot knows how far the wall clock was set in between.
        "clock": {"wall": now.wall, "boot": now.boot, "boot_id": boot_id},
    }
    atomic.write(path, json.dumps(content, indent=1).encode() + b"\n")


def resume(path: Path, now: Now, boot_id: str | None) -> Resumed:
    """The standing to begin with. A missing or damaged file means a fresh start, which says so. Never raises."""
    fresh = Standing(State.WAKE, since=now.awake, last_active=now.awake)
    try:
        return Resumed(_read(json.loads(path.read_bytes()), now, boot_id), fresh=False)
    except FileNotFoundError:
        return Resumed(fresh, fresh=True)
    except OSError as cause:
        return Resumed(fresh, fresh=True, trouble=f"{path} cannot be read ({cause.strerror}): started afresh")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Resumed(fresh, fresh=True, trouble=f"{path} is damaged: started afresh")


def _read(content: Mapping[str, object], now: Now, boot_id: str | None) -> Standing:
    step = _step_since(content.get("clock"), now, boot_id)

    def awake(stamp: object) -> float:
        """A time in the future is taken as now: it can only come from a clock that was set back."""
        return min(now.awake, now.awake - (now.wall - step - parse_stamp(str(stamp))))

    def awake_or_none(stamp: object) -> float | None:
        return None if stamp is None else awake(stamp)

    asked = content.get("asked")
    return Standing(
        state=State(str(content["state"])),
        since=awake(content["since"]),
        last_active=awake(content["last_active"]),
        absent_since=awake_or_none(content["absent_since"]),
        asked=_read_asked(asked, now, step) if isinstance(asked, dict) else None,
        rule=str(content["rule"]),
        reason=str(content["reason"]),
    )


def _read_asked(asked: Mapping[str, object], now: Now, step: float) -> Asked:
    def awake(stamp: object) -> float:
        return now.awake - (now.wall - step - parse_stamp(str(stamp)))

    until = asked["until"]
    return Asked(
        State(str(asked["state"])),
        min(now.awake, awake(asked["at"])),
        NEVER if until is None else awake(until),
    )


def _step_since(clock: object, now: Now, boot_id: str | None) -> float:
    """By how many seconds the wall clock was set since the file was written; 0 where another boot leaves it unknown."""
    if not isinstance(clock, dict) or boot_id is None or clock.get("boot_id") != boot_id:
        return 0.0
    step = (now.wall - float(clock["wall"])) - (now.boot - float(clock["boot"]))
    if not math.isfinite(step):
        raise ValueError("the clock of the file is no time")
    return step
