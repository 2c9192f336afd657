"""Which part of the suite a test belongs to, by the beginning of its name below tests/. What is named nowhere is the ordinary part."""

from __future__ import annotations

# Real nights make room for whatever else runs: they come a few at a time, after all others, file by file. So does what keeps a browser or
# an installation for a file of tests.
NIGHTS = (
    "consolidation/test_commands",
    "consolidation/test_worker",
    "docs/test_run",
    "docs/test_tutorial",
    "examples",
    "faults/test_fruitless_nights",
    "faults/test_night_kills",
    "faults/test_night_on_a_server",
    "journeys/test_callers",
    "journeys/test_demo",
    "journeys/test_hosts",
    "journeys/test_nights",
    "journeys/test_programs",
    "journeys/test_reload",
    "packaging/test_installed",
    "privacy",
    "report/browser",
)
# What measures, or takes from everybody what a machine has one of, wants it for itself: one after the other, at the end.
ALONE = (
    "dreaming/test_cost",
    "faults/test_degradations",
    "faults/test_tick_cost",
    "faults/test_users_during_a_night",
    "presence/test_cost",
    "service/test_under_systemd",
)
# What takes long, most of it because each test starts processes of its own. `make test` does without them: for each of them something
# quicker of the same room stays, or a promise that `make faults` proves. `make test-all` has all of them.
THOROUGH = (
    "agenda/test_dispatch.py::test_ten_thousand",
    "agenda/test_shared",
    "agenda/test_year",
    "benchmarks/test_running",
    "cli/test_completion",
    "cli/test_stopping",
    "cli/test_store_migrate",
    "cli/test_watch.py",
    "consolidation/test_coming",
    "consolidation/test_history.py::test_every_question",
    "consolidation/test_plug_ins",
    "coverage",
    "faults/test_containers",
    "faults/test_inotify",
    "faults/test_many_files",
    "faults/test_no_room",
    "faults/test_one_daemon",
    "faults/test_restarts",
    "faults/test_server_away",
    "faults/test_surroundings",
    "faults/test_time.py::test_clocks_that_jump_around",
    "faults/test_watchdog",
    "journeys/test_log",
    "journeys/test_slots",
    "mcp_server/test_calendar_tools",
    "mcp_server/test_lasting",
    "mcp_server/test_paging",
    "mcp_server/test_recall_tools",
    "mcp_server/test_resources",
    "mcp_server/test_spool",
    "mcp_server/test_tools.py::test_eight_servers",
    "mcp_server/test_uses",
    "memory/test_import_any_bytes",
    "metrics/test_command",
    "metrics/test_textfile",
    "mutation",
    "notify/test_journey",
    "report/test_gather.py::test_much_is_bounded",
    "report/test_gather.py::test_the_changes_of_all_nights",
    "report/test_page.py::test_a_busy_month",
    "report/test_serving",
    "soak/test_soak",
    "storage/test_secrets",
    "storage/test_users",
    "stores/test_stopped_erasures",
    "wrapper/test_with_daemon.py::test_twins",
    "wrapper/test_with_daemon.py::test_without_a_daemon_notes",
)

MARKERS = {"night": NIGHTS, "alone": ALONE, "thorough": THOROUGH}
