"""For pytest, while the suite is measured: leaves out the tests of what measuring itself costs or changes."""

from __future__ import annotations

import pytest

# By the beginning of a test's id.
LEFT_OUT = {
    "tests/project/test_small_processes.py": "measuring imports what a small process does without",
    "tests/presence/test_cost.py": "measuring costs time and memory",
    "tests/dreaming/test_cost.py": "measuring costs time and memory",
    "tests/faults/test_tick_cost.py": "measuring costs time and memory",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.nodeid.startswith(tuple(LEFT_OUT))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
