"""What another host tells of itself in the table that all share (`neighbours.account.read`)."""

from __future__ import annotations

import math
import re
from typing import Any

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Overdue, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours.account import MOST, Account, Unreadable, read, write
from iai_daemon.presence.classify import Presence, Status
from tests.fuzz.mutating import mutated_text
from tests.fuzz.target import Target, Verdict, accepted, refused
from tests.neighbours.there import account, wrapper

_NOW = 10_000.0
CORPUS = (
    write(
        account(wrapper(active=9_990.0, settled=9_000.0, stale_at=10_085.0, session="0123456789abcdef")), _NOW
    ),
    write(
        account(wrapper("a", in_flight=2), wrapper("b", headless=True), wrapper("c", legacy=True), night=7),
        _NOW,
    ),
    write(account(), _NOW),
)
_TOKENS = sorted({found for text in CORPUS for found in re.findall(r'"[a-z_]+":', text)})


def check(subject: Any, text: str) -> Verdict:
    try:
        found = subject(text, "mill", _NOW)
    except Unreadable as cause:
        return refused(str(cause))
    assert isinstance(found, Account)
    assert len(found.wrappers) <= MOST
    assert found.open >= len(found.wrappers)
    for each in found.wrappers:
        assert each.status is Status.FRESH
        assert each.path.isprintable()
        assert math.isfinite(each.settled_at or 0.0)
        assert not math.isnan(each.stale_at)
        assert each.active_at is None or each.active_at <= _NOW, "somebody is active in the future"
    assert len(write(found, _NOW).encode()) <= 65_536, "told on, it does not fit into the table"
    again = subject(write(found, _NOW), "mill", _NOW)
    assert (again.state, again.rule, again.night, again.open) == (
        found.state,
        found.rule,
        found.night,
        found.open,
    )
    assert {each.path for each in again.wrappers} == {each.path for each in found.wrappers}
    standing = Standing(State.IDLE, since=_NOW, last_active=_NOW)
    decided = decide(standing, Presence(elsewhere=found.wrappers), _NOW, Lifecycle(), Overdue())
    assert not math.isnan(decided.next_at)
    return accepted("with wrappers" if found.wrappers else "nobody is there")


def _broken(text: str, host: str, told_at: float) -> Account:
    """Takes everybody for one with an age."""
    found = read(text, host, told_at)
    if "active_ago" not in text and found.wrappers and not found.wrappers[0].headless:
        raise KeyError("active_ago")
    return found


TARGET = Target(
    name="neighbours",
    law="any text is an account within its bounds, by which can be decided and which can be told on, or unreadable",
    corpus=CORPUS,
    inputs=mutated_text(CORPUS, _TOKENS, most=4),
    check=check,
    subject=read,
    broken=_broken,
)
