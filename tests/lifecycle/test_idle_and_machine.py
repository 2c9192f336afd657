"""When an idle system may dream, and what the machine may object to."""

from __future__ import annotations

import os
import re
import shutil

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.idle import dream_due_at
from iai_daemon.lifecycle.machine import objection
from iai_daemon.paths import Home

seconds = some.floats(0, 1e6)


def test_the_first_dream_may_begin_when_the_system_is_idle() -> None:
    assert dream_due_at(100.0, None, 60.0) == 100.0


def test_after_a_dream_a_full_timeout_passes_before_the_next() -> None:
    assert dream_due_at(100.0, 130.0, 60.0) == 190.0
    assert dream_due_at(200.0, 130.0, 60.0) == 200.0


@given(seconds, some.none() | seconds, seconds)
def test_a_dream_is_never_due_before_the_system_is_idle_nor_within_a_timeout_of_the_last(
    idle_since: float, last_ended: float | None, timeout: float
) -> None:
    due = dream_due_at(idle_since, last_ended, timeout)
    assert due >= idle_since
    assert last_ended is None or due >= last_ended + timeout


def test_by_default_the_machine_does_not_object(home: Home) -> None:
    assert objection(Lifecycle(), home) is None


def test_a_load_above_the_limit_is_an_objection_with_its_figures(home: Home) -> None:
    if os.getloadavg()[0] == 0:
        pytest.skip("this machine has no load at all")
    said = objection(Lifecycle(max_load=1e-9), home)
    assert said is not None
    assert said.startswith("the load is ")
    assert "max_load 1e-09" in said
    assert objection(Lifecycle(max_load=1e9), home) is None


def test_a_machine_without_a_battery_counts_as_one_on_mains(home: Home) -> None:
    battery = psutil.sensors_battery()
    expected = battery is not None and battery.power_plugged is False
    assert (objection(Lifecycle(only_on_ac=True), home) is not None) == expected


def test_a_disk_without_room_for_a_copy_of_the_store_is_an_objection_with_its_figures(home: Home) -> None:
    with home.memory.open("wb") as store:
        store.truncate(shutil.disk_usage(home.root).free)  # a sparse file takes no room itself
    said = objection(Lifecycle(), home)
    assert said is not None
    assert re.fullmatch(r"the disk has [\d,]+ MB left, and a night may need [\d,]+ MB", said)


def test_a_home_that_has_vanished_is_an_objection(home: Home) -> None:
    shutil.rmtree(home.root)
    assert objection(Lifecycle(), home) == f"{home.root} cannot be looked at (No such file or directory)"
