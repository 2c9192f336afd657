"""For pytest, while the suite is measured: leaves out the tests of what measuring itself costs or changes."""

from __future__ import annotations

import pytest

# By the beginning of a test's id.
LEFT_OUT = {
    "tests/project/test_small_processes.py": "measuring imports what a small process does without",
    "tests/presence/test_cost.py": "measuring costs time and memory",
    "tests/dreaming/test_cost.py": "measuring costs time and memory",
    "tests/faults/test_tick_cost.py": "measuring costs time and memory",
    "tests/journeys/test_programs.py::test_a_plug_in_that_is_named_does_not_make_the_daemon_large": "measuring costs memory",
    "tests/wrapper/test_bytes.py::test_a_client_that_stops_reading": "measuring costs memory",
    "tests/wrapper/test_fidelity.py::test_a_server_that_floods": "measuring costs memory",
    "tests/wrapper/test_outcomes.py::test_without_its_file_beside_it": "a wrapper that was copied is not the one that is measured",
    "tests/wrapper/test_server.py::test_a_wrapper_that_was_copied": "a wrapper that was copied is not the one that is measured",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.nodeid.startswith(tuple(LEFT_OUT))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
