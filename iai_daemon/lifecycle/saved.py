"""`state.json`: the standing, kept over a restart. Stamps on the wall clock in the file, on the awake clock in the program."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iai_daemon import atomic
from iai_daemon.clock import Now
from iai_daemon.lifecycle.decide import Asked, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.ageing import Clocks, Era
from iai_daemon.units import NEVER, format_stamp, parse_stamp

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a start found in the file.

    `standing` to go on from; `clocks` what the clocks of this boot did until it was written (None: that was in another
    boot, or never); `trouble` why the file could not be used.
    """

    standing: Standing
    clocks: Clocks | None = None
    trouble: str | None = None


def save(path: Path, standing: Standing, now: Now, boot_id: str | None, clocks: Clocks) -> None:
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
        "slept_at": stamp(standing.slept_at),
        # With these a later start in the same boot knows what the clocks did in between.
        "clock": {
            **_plain(now),
            "boot_id": boot_id,
            "stepped": clocks.stepped,
            "eras": [
                {"began": era.began, "asleep": era.asleep, "last": _plain(era.last)} for era in clocks.eras
            ],
        },
    }
    atomic.write(path, json.dumps(content, indent=1).encode() + b"\n")


def resume(path: Path, now: Now, boot_id: str | None) -> Resumed:
    """The standing to begin with. A missing or damaged file means a fresh start, which says so. Never raises."""
    fresh = Standing(State.WAKE, since=now.awake, last_active=now.awake)
    try:
        return _read(json.loads(path.read_bytes()), now, boot_id)
    except FileNotFoundError:
        return Resumed(fresh)
    except OSError as cause:
        return Resumed(fresh, trouble=f"{path} cannot be read ({cause.strerror}): started afresh")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Resumed(fresh, trouble=f"{path} is damaged: started afresh")


def _read(content: Mapping[str, Any], now: Now, boot_id: str | None) -> Resumed:
    clock = content["clock"]
    saved_at = _moment(clock)
    same_boot = boot_id is not None and clock["boot_id"] == boot_id and saved_at.awake <= now.awake
    # In the same boot the awake clock has gone on; in another the wall clock is all there is.
    since = saved_at if same_boot else now

    def awake(stamp: object) -> float:
        return since.awake - (since.wall - parse_stamp(str(stamp)))

    def past(stamp: object) -> float:
        """A time in the future is taken as now: it can only come from a clock that was set back."""
        return min(now.awake, awake(stamp))

    def past_or_none(stamp: object) -> float | None:
        return None if stamp is None else past(stamp)

    def wish(asked: Any) -> Asked | None:
        if asked is None:
            return None
        until = NEVER if asked["until"] is None else awake(asked["until"])
        return Asked(State(str(asked["state"])), past(asked["at"]), until)

    standing = Standing(
        state=State(str(content["state"])),
        since=past(content["since"]),
        last_active=past(content["last_active"]),
        absent_since=past_or_none(content["absent_since"]),
        asked=wish(content["asked"]),
        slept_at=past_or_none(content["slept_at"]),
        rule=str(content["rule"]),
        reason=str(content["reason"]),
    )
    eras = tuple(_era(each) for each in clock["eras"])
    return Resumed(standing, Clocks(eras, clock["stepped"] is True) if same_boot else None)


def _plain(now: Now) -> dict[str, float]:
    return {"wall": now.wall, "awake": now.awake, "boot": now.boot}


def _moment(clock: Mapping[str, Any]) -> Now:
    return Now(_finite(clock["wall"]), _finite(clock["awake"]), _finite(clock["boot"]))


def _era(era: Mapping[str, Any]) -> Era:
    return Era(_finite(era["began"]), _moment(era["last"]), _finite(era["asleep"]))


def _finite(value: object) -> float:
    seconds = float(str(value))
    if not math.isfinite(seconds):
        raise ValueError("the clock of the file is no time")
    return seconds
