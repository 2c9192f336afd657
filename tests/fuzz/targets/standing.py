"""The standing that the daemon before left behind, whatever has become of the file (`lifecycle.saved.resume`)."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.clock import Now
from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Asked, Overdue, Standing, decide
from iai_daemon.lifecycle.saved import Resumed, resume, save
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.ageing import Ageing, Clocks
from iai_daemon.presence.classify import Presence
from tests.fakes import BOOT_ID, NOON
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

_THEN, _NOW = Now(NOON, 1000.0, 1000.0), Now(NOON + 50, 1050.0, 1050.0)


def _saved(standing: Standing, clocks: Clocks) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.json")
        save(path, standing, _THEN, BOOT_ID, clocks)
        return path.read_bytes()


def _clocks() -> Clocks:
    ageing = Ageing(tick=30.0)
    ageing.observe(_THEN)
    return ageing.clocks


CORPUS = (
    _saved(Standing(State.WAKE, since=900.0, last_active=990.0, rule="active", reason="x"), _clocks()),
    _saved(
        Standing(
            State.BEDTIME,
            900.0,
            800.0,
            absent_since=850.0,
            asked=Asked(State.BEDTIME, 900.0, 2000.0),
            slept_at=900.0,
        ),
        _clocks(),
    ),
)


def check(subject: Any, data: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.json")
        path.write_bytes(data)
        found = subject(path, _NOW, BOOT_ID)
        assert isinstance(found, Resumed)
        _require(found.standing)
        if found.trouble:
            assert str(path) in found.trouble
            return refused("started afresh")
        save(path, found.standing, _NOW, BOOT_ID, found.clocks or _clocks())
        again = subject(path, _NOW, BOOT_ID).standing
    assert (again.state, again.rule, again.reason) == (
        found.standing.state,
        found.standing.rule,
        found.standing.reason,
    )
    assert math.isclose(again.since, found.standing.since, abs_tol=0.01)
    return accepted("in the same boot" if found.clocks else "in another boot")


def _require(standing: Standing) -> None:
    """One can go on from it: no moment lies in the future, and a decision comes of it."""
    for moment in (standing.since, standing.last_active, standing.absent_since, standing.slept_at):
        assert moment is None or moment <= _NOW.awake
        assert moment is None or math.isfinite(moment)
    decided = decide(standing, Presence(), _NOW.awake, Lifecycle(), Overdue())
    assert not math.isnan(decided.next_at)


def _broken(path: Path, now: Now, boot_id: str) -> Resumed:
    """Takes every file for JSON."""
    json.loads(path.read_bytes())
    return resume(path, now, boot_id)


TARGET = Target(
    name="standing",
    law="any bytes are a standing from which can be gone on, and which is kept the same, or a fresh start that says so",
    corpus=CORPUS,
    inputs=mutated(
        CORPUS,
        [*(f'"{each}"'.encode() for each in (*State, BOOT_ID)), b'"wall": ', b'"awake": 1e308', b'"asked": {}', b'"eras": []', b'"at": '],
        most=4,
    )
    | st.binary(max_size=40),
    check=check,
    subject=resume,
    broken=_broken,
)  # fmt: skip
