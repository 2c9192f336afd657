"""What one host tells the others of itself, and how that is read, whatever stands there. Pure.

Clocks of hosts are never compared: what is told is how long ago something was, and how long ago it was told says the database.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import iai_daemon
from iai_daemon.foreign import printable
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Status, Wrapper, digest_of
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.units import NEVER

SCHEMA = 1
# More wrappers than people have: of others only the number is told. All together they fit into the table's 64 KB.
MOST = 100
_LONGEST_TEXT = 40
_SESSION = 8
# A newer activity is told at once when the one that was told is older than this, in seconds.
_NEWER = 1.0
# No age is longer, in seconds: a hundred years.
_OLDEST = 3.2e9
_MOST_CALLS = 1_000_000


class Unreadable(ValueError):
    """What a host tells cannot be used: damaged, or of another version."""


@dataclass(frozen=True, slots=True)
class Account:
    """How one host stands; times on the awake clock of whoever has it. `open` counts its wrappers, `wrappers` are those it tells
    of, `night` is the one that runs there, `run` tells this process from every other."""

    state: str
    rule: str
    wrappers: tuple[Wrapper, ...] = ()
    open: int = 0
    night: int | None = None
    version: str = iai_daemon.__version__
    run: str | None = None


def of(state: State, rule: str, presence: Presence, night: object) -> Account:
    """What this host has to tell."""
    told = sorted(presence.present, key=_importance, reverse=True)[:MOST]
    return Account(
        state.value, rule, tuple(told), len(presence.present), night if isinstance(night, int) else None
    )


def _importance(wrapper: Wrapper) -> tuple[bool, bool, float]:
    busy = wrapper.beat is not None and wrapper.beat.in_flight > 0
    return not wrapper.headless, busy, -NEVER if wrapper.active_at is None else wrapper.active_at


def is_news(before: Account | None, after: Account) -> bool:
    """Whether others have to hear of this at once, and not only with the next renewal."""
    if before is None or _lasting(before) != _lasting(after):
        return True
    told = {each.path: each for each in before.wrappers}
    return any(_is_newer(told[each.path], each) for each in after.wrappers)


def _lasting(account: Account) -> object:
    """All but what time alone changes."""
    wrappers = {
        (each.path, each.headless, each.settled_at, _calls(each) > 0, each.beat and each.beat.session_id)
        for each in account.wrappers
    }
    return account.state, account.rule, account.night, account.open, wrappers


def _is_newer(before: Wrapper, after: Wrapper) -> bool:
    if after.active_at is None or _calls(after):
        return False
    return before.active_at is None or after.active_at > before.active_at + _NEWER


def _calls(wrapper: Wrapper) -> int:
    return wrapper.beat.in_flight if wrapper.beat else 0


# --- written


def write(account: Account, now: float) -> str:
    """As it stands in the table at `now` (awake clock)."""
    content = {
        "schema": SCHEMA,
        "version": account.version,
        "run": account.run,
        "state": account.state,
        "rule": account.rule,
        "night": account.night,
        "open": account.open,
        "wrappers": [_plain(each, now) for each in account.wrappers],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(wrapper: Wrapper, now: float) -> Mapping[str, object]:
    beat = wrapper.beat
    session = beat.session_id if beat else None
    told = {
        "id": _text(beat.uuid if beat else wrapper.path),
        "client": _text(beat.client_name if beat else None),
        # Other users read this, too: the beginning is for people, by the digest hosts of one user know a session again.
        "session": (_text(session) or "")[:_SESSION] or None,
        "session_digest": digest_of(session) if session else None,
        "people": not wrapper.headless,
        # By this an activity is known again, by its age it is dated.
        "activity": None if wrapper.active_at is None or _calls(wrapper) else round(wrapper.active_at, 3),
        "active_ago": _ago(wrapper.active_at, now),
        "settled_ago": _ago(wrapper.settled_at, now),
        "stale_in": _bounded(wrapper.stale_at - now),
        "in_flight": _calls(wrapper),
        "reports": beat is None or beat.reports_activity,
    }
    return {key: value for key, value in told.items() if value is not None}


def _ago(at: float | None, now: float) -> float | None:
    return None if at is None else _bounded(now - at)


def _bounded(seconds: float) -> float:
    return round(min(max(seconds, -_OLDEST), _OLDEST), 3)


def _text(value: object) -> str | None:
    """One short line: what clients call themselves is theirs."""
    if not isinstance(value, str):
        return None
    return printable(value[:_LONGEST_TEXT], "?", keep="") or None


# --- read


def read(text: str, host: str, told_at: float) -> Account:
    """What `host` told at `told_at` (awake clock of the reader). Raises Unreadable; of wrappers those that can be used."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise Unreadable("it is no JSON") from cause
    if not isinstance(content, dict):
        raise Unreadable("it is no object")
    listed = content.get("wrappers")
    if not isinstance(listed, list):
        raise Unreadable("it does not say who is there")
    wrappers = tuple(_wrappers(listed[:MOST], host, told_at))
    night = content.get("night")
    return Account(
        state=_text(content.get("state")) or "?",
        rule=_text(content.get("rule")) or "?",
        wrappers=wrappers,
        open=max(len(wrappers), int(_number(content.get("open"), 0.0, 1e6) or 0)),
        night=night if isinstance(night, int) and not isinstance(night, bool) else None,
        version=_text(content.get("version")) or "?",
        run=_text(content.get("run")),
    )


def _wrappers(listed: Sequence[object], host: str, told_at: float) -> Iterator[Wrapper]:
    for each in listed:
        if isinstance(each, dict) and (own := _text(each.get("id"))):
            yield _wrapper(each, own, host, told_at)


def _wrapper(told: Mapping[str, Any], own: str, host: str, told_at: float) -> Wrapper:
    active_ago = _number(told.get("active_ago"), 0.0, _OLDEST)
    settled_ago = _number(told.get("settled_ago"), -_OLDEST, _OLDEST)
    stale_in = _number(told.get("stale_in"), 0.0, _OLDEST)
    beat = Heartbeat(
        pid=0,
        uuid=own,
        last_refresh=0.0,
        last_activity=_number(told.get("activity"), 0.0, 1e12),
        reports_activity=told.get("reports") is not False,
        in_flight=int(_number(told.get("in_flight"), 0.0, _MOST_CALLS) or 0),
        client_name=_text(told.get("client")),
        session_id=_text(told.get("session")),
    )
    return Wrapper(
        path=own,
        status=Status.FRESH,
        reason=f"told by {host}",
        beat=beat,
        active_at=None if active_ago is None else told_at - active_ago,
        settled_at=told_at - (_OLDEST if settled_ago is None else settled_ago),
        stale_at=NEVER if stale_in is None else told_at + stale_in,
        headless=told.get("people") is False,
        host=host,
        session_digest=_text(told.get("session_digest")),
    )


def _number(value: object, least: float, most: float) -> float | None:
    """A finite number, brought into its bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(max(value, least), most))
