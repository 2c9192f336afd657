"""What iai-daemon promises whatever happens around it, how each promise is attacked, and which tests are its proof.

`python -m tests.faults` runs the proofs; `docs/promises.md` is printed from this.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """`proofs`: files of tests, or tests in them. `longer`: what FAULTS=long adds."""

    name: str
    promise: str
    attack: str
    proofs: tuple[str, ...]
    longer: str = ""


@dataclass(frozen=True)
class Chapter:
    """Promises about one thing."""

    title: str
    promises: tuple[Promise, ...]


_CALLS = (
    "tests/faults/test_store_calls.py::test_a_write_that_is_killed_is_there_wholly_or_not_at_all_and_goes_on"
)
_FILE = "tests/stores/test_sqlite_file.py::"
_NO_ROOM = "tests/faults/test_no_room.py::"
_SURROUNDINGS = "tests/faults/test_surroundings.py::"
_YIELD = "tests/consolidation/test_worker_yield.py"
_DISPATCH = "tests/agenda/test_dispatch.py::"
_SHARED = "tests/agenda/test_shared.py::"
_MOVE = "tests/cli/test_store_migrate.py::"
_MIGRATIONS = "tests/stores/test_migrations.py::"

DAEMON = Chapter(
    "The daemon",
    (
        Promise(
            "one-daemon",
            "A home has one daemon, never two, and whoever comes second says who is there.",
            "Eight starts at the same instant; locks, sockets and homes that are deleted, replaced, moved, emptied or not ours;"
            " daemons that are killed or stopped meanwhile.",
            (
                "tests/faults/test_one_daemon.py",
                "tests/journeys/test_daemon.py::test_there_is_one_daemon_for_a_home",
            ),
            "25 rounds of each start, and every odd thing in the lock's place.",
        ),
        Promise(
            "state-saves",
            "What is kept in a file is there as it was or as it should be, never half, whatever ends its writing.",
            "kill -9, or an error, instead of every single system call that writes the state, the settings and a heartbeat; a real"
            " daemon that dies in saving.",
            (
                "tests/faults/test_system_calls.py",
                "tests/ground/test_files.py",
                "tests/lifecycle/test_saved.py",
                "tests/lifecycle/test_books.py",
            ),
        ),
        Promise(
            "restarts",
            "A daemon that was stopped or killed is followed by one that stands where it stood, or where it should stand by now.",
            "kill -9 and SIGTERM at random moments, before, during and after its first tick; a machine that slept in between.",
            ("tests/faults/test_restarts.py", "tests/faults/test_watchdog.py"),
            "50 ends in a row instead of 2.",
        ),
        Promise(
            "hung-daemon",
            "A daemon that hangs is not heard of by its service manager, and is replaced.",
            "Loops that are stopped with SIGSTOP or fail in their parts, under a real systemd where there is one.",
            (
                "tests/service/test_notify.py::test_a_loop_that_hangs_is_not_heard_of",
                "tests/service/test_notify.py::test_a_tick_that_fails_in_its_parts_is_heard_of_and_the_status_says_what_fails",
                "tests/service/test_under_systemd.py::test_a_daemon_that_hangs_is_replaced",
                "tests/service/test_under_systemd.py::test_a_killed_daemon_comes_back_as_a_new_process",
            ),
        ),
        Promise(
            "degradations",
            "What breaks around the daemon does not end it: the rest goes on, and what is wrong is told until it is over.",
            "Each of the things that docs/reference/degradations.md lists is broken and mended under a running daemon.",
            ("tests/faults/test_degradations.py",),
        ),
        Promise(
            "socket-abuse",
            "Whatever callers do at the control socket, everybody else is answered, and nothing of it stays.",
            "Random bytes, half lines, lines without end, nonsense, floods of calls, callers who do not read or who hang up, users who"
            " are not ours.",
            (
                "tests/faults/test_socket_abuse.py",
                "tests/control/test_socket.py",
                "tests/control/test_seats.py",
                "tests/control/test_messages.py",
                "tests/journeys/test_callers.py::test_forty_who_are_stuck_cost_the_status_nothing",
            ),
            "5,000 callers instead of 200.",
        ),
        Promise(
            "at-rest",
            "A tick costs next to nothing, and no memory stays of it.",
            "Thousands of ticks with wrappers that refresh.",
            ("tests/faults/test_tick_cost.py",),
            "5,000 ticks instead of 600.",
        ),
    ),
)

NIGHTS = Chapter(
    "Nights",
    (
        Promise(
            "night-kills",
            "A night that is killed tears nothing and loses nothing, and the next one goes on where it was.",
            "kill -9 of its worker or its daemon at random moments while another process goes on storing; kill -9 at system calls of a"
            " night.",
            (
                "tests/faults/test_night_kills.py",
                _CALLS,
                "tests/consolidation/test_worker.py::test_a_kill_leaves_the_store_before_or_after_a_batch_and_the_next_night_ends_the_work",
                "tests/consolidation/test_worker_deaths.py",
                "tests/journeys/test_nights.py::test_a_worker_dies_with_its_daemon",
            ),
            "400 kills instead of 4, 200 instead of 6 by what the worker has said, and 300 of the system calls instead of 6.",
        ),
        Promise(
            "night-yields",
            "A night gives way within a second of your return.",
            "Somebody comes back at random moments of every long computation, of backups and checks; workers that are stopped and do"
            " not listen; a store that somebody holds.",
            (
                _YIELD,
                "tests/faults/test_night_kills.py::test_a_worker_that_is_stuck_when_somebody_comes_back_is_gone_within_a_second",
                "tests/consolidation/test_maintain.py::test_a_user_who_comes_back_waits_no_second_for_it",
                "tests/journeys/test_nights.py::test_somebody_who_comes_back_stops_the_night_and_it_goes_on_when_he_has_left",
            ),
            "100 returns instead of 4.",
        ),
        Promise(
            "undo",
            "A night is taken back byte for byte, in any order, also after others.",
            "Random days, nights and undos; memories that were changed since.",
            ("tests/consolidation/test_undo_in_any_order.py", "tests/consolidation/test_journal.py"),
            "1,000 random days instead of 25.",
        ),
        Promise(
            "worker-memory",
            "A night that runs out of memory ends alone, is told as such, and the next one takes less at a time.",
            "Passes that need more than consolidation.memory_limit, at the limit of the process and, where one can be made, of a"
            " control group.",
            ("tests/consolidation/test_worker_memory.py",),
        ),
        Promise(
            "fruitless-nights",
            "Nights that are interrupted again and again cost less and less.",
            "Somebody comes back before each night has got anything done.",
            ("tests/faults/test_fruitless_nights.py",),
            "100 returns instead of 16.",
        ),
        Promise(
            "users-at-night",
            "Whoever stores or searches while a night runs loses nothing and does not wait.",
            "Memory servers that write without a pause during a night.",
            ("tests/faults/test_users_during_a_night.py",),
            "8 servers and 100,000 memories instead of 2 and 3,000.",
        ),
        Promise(
            "programs",
            "A program that is a pass of the night leaves nothing behind, however it ends.",
            "Programs that ignore SIGTERM, fork, leave daemons behind; workers, guards and daemons that are killed meanwhile.",
            (
                "tests/consolidation/test_commands.py::test_its_time_is_over_and_all_of_it_is_ended",
                "tests/consolidation/test_commands.py::test_somebody_comes_back_and_one_that_ignores_it_is_killed_with_all_it_started_in_time",
                "tests/consolidation/test_commands.py::test_a_daemon_that_it_leaves_behind_is_ended_with_it",
                "tests/consolidation/test_commands.py::test_a_worker_that_is_killed_leaves_nothing_of_its_program",
                "tests/consolidation/test_commands.py::test_a_guard_that_is_ended_takes_its_program_along",
                "tests/journeys/test_programs.py::test_a_daemon_that_is_killed_leaves_nothing_of_a_program",
            ),
        ),
    ),
)

MEMORY = Chapter(
    "The memory",
    (
        Promise(
            "acknowledged",
            "What the memory has acknowledged is kept.",
            "kill -9 right after the answer and at system calls of the writing; eight memory servers that write at once.",
            (
                "tests/mcp_server/test_tools.py::test_what_was_acknowledged_survives_a_kill",
                "tests/mcp_server/test_tools.py::test_eight_servers_write_at_once_and_nothing_is_lost",
                _CALLS,
            ),
            "300 of the system calls instead of 6.",
        ),
        Promise(
            "upgrades",
            "A store of any earlier version is brought up wholly or not at all.",
            "kill -9 at system calls of the upgrade, of a file and of a server; many processes that open it at once.",
            (
                _CALLS,
                "tests/faults/test_store_calls.py::test_an_upgrade_of_a_server_that_is_killed_is_there_wholly_or_not_at_all_and_goes_on",
                _MIGRATIONS + "test_a_migration_that_fails_leaves_nothing",
                _MIGRATIONS + "test_processes_that_open_a_new_or_an_old_server_at_once_make_its_schema_once",
                _FILE + "test_eight_processes_that_open_a_new_store_at_once_all_succeed",
                _FILE + "test_a_store_whose_maker_was_killed_at_once_is_ours",
            ),
            "Every earlier version instead of two, at 300 of the system calls instead of 6.",
        ),
        Promise(
            "moves",
            "A memory that is moved to another engine is there wholly before it is used there, and the old one stays as it was.",
            "kill -9 at random moments of `store migrate`, ends between any two portions, writes meanwhile.",
            (
                _MOVE + "test_a_process_that_is_killed_at_any_moment_leaves_what_goes_on",
                _MOVE + "test_a_move_that_ended_early_goes_on_where_it_stopped",
                _MOVE + "test_a_move_back_that_ended_early_goes_on_where_it_stopped",
                _MOVE
                + "test_what_was_written_to_the_old_store_meanwhile_is_seen_and_the_next_move_begins_anew",
                _MOVE + "test_two_moves_into_one_database_are_not_mixed",
            ),
            "20 kills instead of 4.",
        ),
        Promise(
            "imports",
            "An import that is stopped or killed goes on with the same command, and a full one has restored all or nothing.",
            "kill -9 at system calls of imports of three kinds; Ctrl-C anywhere.",
            (
                _CALLS,
                "tests/cli/test_stopping.py::test_an_import_that_is_stopped_goes_on_with_the_same_command",
                "tests/cli/test_stopping.py::test_what_another_program_remembers_goes_on_with_the_same_command",
                "tests/cli/test_stopping.py::test_a_full_export_that_is_stopped_has_restored_nothing",
            ),
            "300 of the system calls instead of 6.",
        ),
        Promise(
            "restores",
            "A restore brings back everything or changes nothing, and what others store meanwhile is kept.",
            "kill -9 during the restore; two writers, a daemon and an agent that have the store open.",
            (
                "tests/cli/test_store.py::test_a_restore_that_is_killed_has_restored_everything_or_nothing",
                "tests/cli/test_store.py::test_what_others_store_meanwhile_is_in_the_memory_or_in_what_was_kept",
                "tests/cli/test_store.py::test_a_daemon_and_an_agent_go_on_with_what_was_restored",
                "tests/faults/test_damaged_store.py::test_at_no_moment_of_a_restore_is_there_no_memory",
            ),
            "60 kills instead of 4, 40 races instead of 2.",
        ),
        Promise(
            "damaged-store",
            "A damaged memory is told with the command that mends it, and is never overwritten nor begun anew.",
            "Files that are cut, zeroed, overwritten, exchanged, deleted or without their log; random pages and bytes of them.",
            ("tests/faults/test_damaged_store.py", _FILE + "test_a_damaged_store_stays_untouched"),
            "450 random damages instead of 12.",
        ),
        Promise(
            "locked-store",
            "A memory that another program holds keeps nobody waiting for long, and that is said.",
            "Another process holds the store while the daemon ticks, a night begins, an agent searches.",
            (
                "tests/faults/test_degradations.py::test_a_store_that_another_process_holds_keeps_nobody_waiting",
                _FILE + "test_a_lock_that_is_held_too_long_is_a_sentence",
                _YIELD
                + "::test_a_store_that_another_process_holds_for_too_long_ends_the_night_and_is_held_against_no_pass",
                _YIELD + "::test_a_night_that_has_not_begun_does_not_wait_for_a_users_transaction",
                "tests/mcp_server/test_uses.py::test_a_store_that_somebody_holds_slows_no_search",
            ),
        ),
        Promise(
            "newer-store",
            "A memory that a newer iai-daemon has written stays untouched, and so does what is not ours.",
            "Files and servers of a newer schema, also where only the log tells; databases of other programs.",
            (
                _FILE + "test_a_newer_schema_stays_untouched",
                _FILE + "test_a_newer_schema_that_still_stands_in_the_log_is_seen",
                _FILE + "test_another_programs_database_stays_untouched",
                _FILE + "test_what_is_no_store_stays_untouched",
                _MIGRATIONS + "test_a_server_of_a_newer_program_is_left_alone",
                _MIGRATIONS + "test_somebody_elses_schema_of_our_name_is_left_alone",
            ),
        ),
        Promise(
            "server-away",
            "A PostgreSQL that is gone, frozen or slow costs one deadline, and what agents tell meanwhile is kept and delivered once.",
            "A server of the tests' own is crashed, frozen with SIGSTOP, stopped and started; answers that come late; a name server"
            " that says nothing; kills of the memory servers that keep the notes.",
            (
                "tests/faults/test_server_away.py",
                "tests/storage/test_server.py",
                "tests/mcp_server/test_spool.py",
                "tests/neighbours/test_away.py",
            ),
        ),
        Promise(
            "shared-nights",
            "Of several machines with one memory one runs the night, and a server that breaks in the middle of it loses nothing.",
            "Two hosts at once; kill -9 at random moments; a server that crashes, freezes or ends the session; a worker that was"
            " stopped past its lease and comes back.",
            (
                "tests/faults/test_night_on_a_server.py",
                "tests/journeys/test_nights_on_a_server.py::test_a_daemon_says_that_its_server_is_frozen_and_nights_come_again_after_it",
            ),
            "100 kills instead of 3.",
        ),
    ),
)

PRESENCE = Chapter(
    "Who is there",
    (
        Promise(
            "hostile-heartbeats",
            "Whatever lies in the wrappers' directory, each file has a verdict with a reason, and hides nobody beside it.",
            "Random bytes, names and fields; links, pipes, devices, sockets, files of others, files that change while they are read.",
            (
                "tests/presence/test_hostile.py",
                "tests/presence/test_heartbeat.py",
                "tests/presence/test_ends.py",
                "tests/presence/test_bounds.py",
            ),
            "3,000 random heartbeats instead of 60.",
        ),
        Promise(
            "dead-wrappers",
            "A wrapper that is dead counts for nobody at once, and one that lives is never taken for dead.",
            "Zombies, recycled pids, wrappers that are stopped or killed, clients that are gone, scanners that race.",
            ("tests/presence/test_dead_means_dead.py", "tests/presence/test_orphans.py"),
            "20,000 scans and 100,000 replaced files instead of 3,000 and 4,000.",
        ),
        Promise(
            "containers",
            "Wrappers in containers and on other machines count as they should, and nobody's process is ended for theirs.",
            "Pid namespaces in which pid 1 and every pid mean something else; another kernel's boot.",
            ("tests/faults/test_containers.py",),
        ),
        Promise(
            "clocks",
            "Neither a step of the clock nor a sleep of the machine nor a restart makes the living look dead, or starts or skips a night.",
            "Clocks that jump by hours, machines that sleep, daemons that restart, at any moment of an evening; the kernel's own boot"
            " clock in a time namespace.",
            ("tests/faults/test_time.py", "tests/faults/test_suspend.py", "tests/presence/test_ageing.py"),
            "Every combination instead of a sample, and 1,000 random evenings instead of 5.",
        ),
        Promise(
            "lost-events",
            "What no event tells of is found by the tick, and watching comes back by itself.",
            "No inotify instance, no watch, a queue that overflows, directories that are replaced or unmounted.",
            ("tests/faults/test_inotify.py", "tests/presence/test_watcher.py"),
        ),
        Promise(
            "many-files",
            "Thousands of files among the heartbeats hide nobody, cost no caller his answer, and leave when they leave.",
            "More files than are looked at: heartbeats of the dead, files that are none, files of others.",
            ("tests/faults/test_many_files.py",),
            "100,000 files.",
        ),
    ),
)

MACHINE = Chapter(
    "The machine",
    (
        Promise(
            "full-disk",
            "On a full disk nothing is torn, what cannot be done is one sentence, and nothing is missing when there is room again.",
            "Disks of a few megabytes that are full to the last byte before and during nights, backups, restores and the daemon's notes.",
            (
                _SURROUNDINGS + "test_a_full_disk_is_told_and_nothing_is_missing_when_there_is_room_again",
                _NO_ROOM + "test_on_a_disk_that_is_nearly_full_no_night_begins_and_the_status_says_why",
                _NO_ROOM
                + "test_a_night_that_is_asked_for_on_a_full_disk_is_one_sentence_and_the_memory_is_whole",
                _NO_ROOM + "test_a_restore_on_a_full_disk_changes_nothing",
                _NO_ROOM + "test_empty_pages_stay_where_the_disk_has_no_room_to_write_the_others_anew",
                "tests/ground/test_log.py::test_a_full_disk_loses_the_entry_and_says_so",
                "tests/wrapper/test_outcomes.py::test_a_disk_that_takes_no_more_leaves_whole_lines_and_a_relay_that_goes_on",
            ),
            "20 amounts of room that is left instead of 3.",
        ),
        Promise(
            "no-inodes",
            "The same where not the bytes but the inodes are used up.",
            "Disks that take no further file, or one, two, three.",
            (
                _NO_ROOM + "test_without_an_inode_a_command_says_so_or_does_its_work_and_the_memory_is_whole",
                _NO_ROOM + "test_a_night_whose_backup_cannot_be_made_changes_nothing",
                _SURROUNDINGS + "test_a_full_disk_is_told_and_nothing_is_missing_when_there_is_room_again",
            ),
            "Every number of inodes up to three.",
        ),
        Promise(
            "read-only",
            "A disk that becomes read-only is told, and all goes on when it may be written again.",
            "Remounts under a running daemon, before a start, and below the backups.",
            (
                _SURROUNDINGS + "test_a_disk_that_becomes_read_only_is_told_until_it_may_be_written_again",
                "tests/faults/test_one_daemon.py::test_a_home_on_a_disk_that_is_read_only_is_one_sentence",
                _NO_ROOM + "test_a_night_whose_backup_cannot_be_made_changes_nothing",
            ),
        ),
        Promise(
            "descriptors",
            "Without a file descriptor nobody dies: who is there stays there, and the wrapper relays.",
            "Limits that are lowered under a running daemon and wrapper; callers who take every descriptor there is.",
            (
                "tests/faults/test_descriptors.py",
                "tests/presence/test_bounds.py::test_without_descriptors_a_heartbeat_is_as_old_as_its_file",
            ),
        ),
        Promise(
            "directories",
            "A directory of the home that is deleted, replaced or not ours is made again, or told until it is.",
            "Deleted, moved, exchanged and linked directories, files in their place, rights taken away.",
            (
                _SURROUNDINGS
                + "test_a_directory_that_is_missing_is_made_and_one_that_was_replaced_is_the_one_that_counts",
                _SURROUNDINGS
                + "test_what_is_no_directory_is_told_until_it_is_one_and_others_are_seen_meanwhile",
                _SURROUNDINGS + "test_a_directory_that_cannot_be_read_is_told_and_its_wrappers_stay",
            ),
        ),
        Promise(
            "objections",
            "On battery, under load and on a disk with too little room a night waits, and the status says why.",
            "A machine without mains, with load, with little room.",
            (
                _SURROUNDINGS + "test_on_battery_a_night_waits_for_the_mains",
                _SURROUNDINGS + "test_under_load_no_night_starts",
                _NO_ROOM + "test_on_a_disk_that_is_nearly_full_no_night_begins_and_the_status_says_why",
            ),
        ),
    ),
)

AGENTS = Chapter(
    "Agents that are woken",
    (
        Promise(
            "at-most-once",
            "No recall and no slot runs twice, and each has an end that is told.",
            "kill -9 of daemons around the moments at which recalls are due, and at every statement between claim and end; daemons and"
            " threads that race; clocks that are set back.",
            (
                "tests/faults/test_recall_kills.py",
                "tests/stores/test_agenda_file.py::test_a_kill_anywhere_between_claim_and_end_leaves_whole_steps_and_never_a_second_run",
                "tests/stores/test_agenda_file.py::test_of_processes_that_race_for_an_occurrence_exactly_one_runs_it",
                "tests/stores/test_slots_file.py::test_a_kill_anywhere_leaves_whole_steps_and_no_recall_without_its_slot",
                _DISPATCH
                + "test_what_ran_when_the_daemon_died_is_never_repeated_and_says_that_its_end_is_unknown",
                _DISPATCH + "test_a_clock_that_is_set_back_fires_nothing_twice",
                _SHARED + "test_of_many_that_are_due_at_once_none_is_woken_twice_and_four_daemons_share_them",
                _SHARED
                + "test_who_was_stopped_after_its_claim_and_comes_back_does_not_wake_what_another_has_woken",
                _SHARED
                + "test_whatever_several_do_at_once_in_the_same_sessions_every_recall_stands_as_it_should",
            ),
            "1,000 kills instead of 12, and every statement.",
        ),
        Promise(
            "no-recall-lost",
            "No reboot, crash, sleep or change of clocks loses a recall: it runs, or is told as missed.",
            "Years in zones whose clocks do odd things, with daemons that are stopped, killed and asleep at random; what was claimed"
            " when a daemon died; ten thousand at once.",
            (
                "tests/agenda/test_year.py",
                _DISPATCH + "test_what_was_claimed_but_not_begun_when_the_daemon_died_is_done_by_the_next",
                _DISPATCH + "test_after_a_suspend_the_newest_is_made_up_for_and_says_for_how_many_it_stands",
                _DISPATCH + "test_under_skip_a_downtime_is_missed_as_a_whole_and_counted",
                _DISPATCH + "test_ten_thousand_at_once_are_all_accounted_for",
                _SHARED + "test_what_was_claimed_by_a_daemon_that_died_is_done_by_another",
                "tests/stores/test_agenda_restored.py",
            ),
            "Four zones instead of two, asked more often.",
        ),
        Promise(
            "hanging-agents",
            "An agent that hangs, floods, forks or does not listen is ended in time with all that it has started.",
            "Programs that ignore every signal, leave session and group, hold pipes open, fork without end, write gigabytes; guards"
            " and daemons that are killed or stopped meanwhile.",
            (
                "tests/agenda/test_wake.py",
                _DISPATCH + "test_an_agent_is_ended_when_its_minutes_a_day_are_used_up",
                _DISPATCH
                + "test_a_daemon_that_stops_ends_its_agents_and_a_later_one_tries_again_what_may_be",
            ),
        ),
    ),
)

WRAPPER = Chapter(
    "The wrapper",
    (
        Promise(
            "relay",
            "The wrapper relays every byte unchanged, whether there is a daemon, a heartbeat or room for one.",
            "Any bytes in any pieces, messages of 100 MB, clients that do not read, servers that flood, directories that cannot be"
            " written; no daemon at all.",
            (
                "tests/wrapper/test_bytes.py",
                "tests/wrapper/test_fidelity.py",
                "tests/wrapper/test_heartbeat_file.py::test_where_no_heartbeat_can_be_written_it_says_so_once_and_relays",
                "tests/wrapper/test_heartbeat_file.py::test_a_directory_that_vanishes_and_returns_is_written_to_again",
                "tests/faults/test_descriptors.py::test_a_wrapper_without_descriptors_relays_and_stays_there",
            ),
            "3,000 random messages instead of 60.",
        ),
        Promise(
            "nothing-left",
            "Whoever ends first, client, server or wrapper, within two seconds nothing of the others is left, and no heartbeat.",
            "Every order of ends and signals; servers that are deaf or leave their group; clients that are gone without a word.",
            (
                "tests/wrapper/test_ending.py",
                "tests/wrapper/test_matrix.py",
                "tests/wrapper/test_with_daemon.py",
            ),
        ),
    ),
)

CHAPTERS = (DAEMON, NIGHTS, MEMORY, PRESENCE, MACHINE, AGENTS, WRAPPER)
PROMISES = {each.name: each for chapter in CHAPTERS for each in chapter.promises}
