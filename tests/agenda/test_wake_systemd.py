"""Waking agents through a real user manager."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.project.source import ROOT
from tests.user_manager import UID, user_manager


def test_all_that_holds_for_children_of_ours_holds_for_units_of_a_user_manager(tmp_path: Path) -> None:
    with user_manager(tmp_path) as manager:
        tests = str(Path(__file__).with_name("test_wake.py"))
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={ROOT}",
            f"--basetemp={manager.home / 'tests'}",
        ]
        done = manager.run(
            [sys.executable, "-m", "pytest", *options, tests],
            environment={"TESTS_USER_MANAGER": f"/run/user/{UID}", "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        units = manager.run(
            ["systemctl", "--user", "list-units", "--all", "--plain", "--no-legend", "iai-agent-*"]
        )
        assert units.stdout.strip() == "", "no unit is left, failed ones neither"
