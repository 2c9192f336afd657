"""The settings: broken ones, and ones that others may write."""

from __future__ import annotations

import os

import pytest

from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look


def test_no_settings_are_fine(home: Home) -> None:
    assert failing(look(home, "config")) == {}


def test_a_line_that_is_wrong_is_named_with_the_remedy(home: Home) -> None:
    home.create()
    home.config.write_text('[lifecycle]\ntikc = "30s"\n')
    found = look(home, "config")["config"]
    assert found.status is Verdict.FAIL
    assert "line 2" in found.seen
    assert "tick" in found.seen
    assert "`iai-daemon config check`" in (found.remedy or "")


def test_settings_that_keep_one_waiting_do_not_keep_the_doctor(home: Home) -> None:
    home.create()
    os.mkfifo(home.config)
    found = look(home, "config")["config"]
    home.config.write_text("")  # and whoever reads goes on
    assert (found.status, "within a second" in found.seen) == (Verdict.FAIL, True)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_settings_that_others_may_write_are_made_private(home: Home, mode: int) -> None:
    home.create()
    home.config.write_text("")
    home.config.chmod(mode)
    found = look(home, "config")["config.private"]
    assert found.status is Verdict.WARN
    assert found.remedy == f"chmod 600 {home.config}"
    assert found.mend
    found.mend.do()
    assert failing(look(home, "config")) == {}
