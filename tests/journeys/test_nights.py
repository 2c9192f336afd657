"""Nights as the daemon runs them: when nobody is there, until somebody comes back, and again where they stopped."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable

from iai_daemon.clock import Stopwatch
from iai_daemon.flock import is_held
from iai_daemon.paths import Home

from .real import SHORT, RunningDaemon, RunningWrapper, call, call_json, command, until

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]

NO_NIGHTS = SHORT.replace("[consolidation]", "[consolidation]\nenabled = false")


def fill(home: Home, records: int) -> None:
    lines = (
        json.dumps(
            {"id": f"n{number}", "content": f"Note {number} about the deploy of service {number % 97}."}
        )
        for number in range(records)
    )
    assert call(home, "memory", "import", "-", stdin="\n".join(lines)).returncode == 0


def add_corrected_fact(home: Home) -> None:
    for port in ("8081", "9000"):
        call_json(
            home, "memory", "add", f"Staging is on {port}.", "--subject", "staging", "--attribute", "port"
        )
    call_json(home, "memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z")


def embedding(daemon: RunningDaemon) -> bool:
    """Whether a running night is in the middle of its longest pass."""
    night = daemon.status()["consolidation"]
    return night["pass"] == "embed" and bool(night["progress"]["done"])


def nights(home: Home) -> list[dict[str, object]]:
    found: list[dict[str, object]] = call_json(home, "nights", "list")["nights"]
    return found


def test_a_night_comes_when_everybody_has_left_and_only_when_something_has_changed(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    home.create()
    add_corrected_fact(home)
    daemon = start_daemon()
    until(lambda: daemon.status()["consolidation"]["last"])
    night = nights(home)[-1]
    assert (night["kind"], night["rule"], night["outcome"]) == ("night", "absent", "completed")
    assert (night["expired_pruned"], night["superseded_gc"], night["nodes_embedded"]) == (1, 1, 3)
    assert (night["total_nodes"], night["embedding_coverage"]) == (3, 1.0)
    assert "1 replaced by newer facts" in home.last_night.read_text()
    assert list(home.backups.iterdir())
    daemon.stop()
    again = start_daemon()
    again.wait_state("BEDTIME")
    until(lambda: again.status()["tick"]["failures"] == 0)
    assert len(nights(home)) == 1


def test_somebody_who_comes_back_stops_the_night_and_it_goes_on_when_he_has_left(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    home.create()
    fill(home, 8_000)
    daemon = start_daemon()
    wrapper = start_wrapper()
    until(lambda: daemon.status()["consolidation"]["running"], 20)
    until(lambda: embedding(daemon), 20)
    watch = Stopwatch()
    wrapper.send("tools/call")
    until(lambda: not is_held(home.consolidation_lock))
    assert watch.seconds() <= 1.0
    assert daemon.state()[0] == "WAKE"
    cut = until(lambda: [each for each in nights(home) if each["outcome"]])[-1]
    assert (cut["outcome"], 0 < cut["nodes_embedded"] < 8_000) == ("yielded", True)
    wrapper.answer()
    wrapper.leave()
    until(lambda: daemon.status()["consolidation"]["last"]["outcome"] == "completed", 30)
    done = nights(home)
    assert sum(each["nodes_embedded"] for each in done) == 8_000
    assert done[-1]["embedding_coverage"] == 1.0


def test_a_daemon_that_stops_ends_its_night_and_leaves_the_store_whole(
    home: Home, start_daemon: Daemons
) -> None:
    home.create()
    fill(home, 8_000)
    daemon = start_daemon()
    until(lambda: daemon.status()["consolidation"]["running"], 20)
    watch = Stopwatch()
    daemon.stop()
    assert watch.seconds() < 5
    assert not is_held(home.consolidation_lock)
    report = call_json(home, "consolidate")
    assert (report["outcome"], report["embedding_coverage"]) == ("completed", 1.0)


def test_a_worker_dies_with_its_daemon(home: Home, start_daemon: Daemons) -> None:
    home.create()
    fill(home, 8_000)
    daemon = start_daemon()
    until(lambda: daemon.status()["consolidation"]["night"], 20)
    daemon.process.kill()
    until(lambda: not is_held(home.consolidation_lock), 3)
    assert call_json(home, "consolidate")["embedding_coverage"] == 1.0
    # It may have seen the end of its input before the kernel's signal, and have closed its books.
    assert nights(home)[0]["outcome"] in ("failed", "cancelled")


def test_consolidate_is_refused_while_somebody_is_at_work_unless_forced(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    home.create()
    add_corrected_fact(home)
    daemon = start_daemon(NO_NIGHTS.replace('idle_after = "600ms"', 'idle_after = "1h"'))
    wrapper = start_wrapper()
    wrapper.send("tools/call")
    wrapper.answer()
    daemon.wait_state("WAKE", "active")
    refused = call(home, "consolidate")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    assert call_json(home, "consolidate", "--force")["superseded_gc"] == 1
    daemon.stop()
    assert "--force" in call(home, "consolidate").stderr
    assert call_json(home, "consolidate", "--force")["outcome"] == "nothing_to_do"


def test_ctrl_c_stops_an_asked_night_with_and_without_a_daemon(home: Home, start_daemon: Daemons) -> None:
    home.create()
    fill(home, 8_000)
    for through_daemon in (False, True):
        if through_daemon:
            start_daemon(NO_NIGHTS)
        asked = subprocess.Popen(command(home, "consolidate"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: is_held(home.consolidation_lock), 20)
        asked.send_signal(signal.SIGINT)
        said, errors = asked.communicate(timeout=20)
        assert asked.returncode != 0
        assert b"Traceback" not in errors
        until(lambda: not is_held(home.consolidation_lock), 5)
        assert through_daemon or b"cancelled" in said
    assert call_json(home, "consolidate")["embedding_coverage"] == 1.0


def test_strictly_nothing_runs_while_any_wrapper_is_open(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    home.create()
    add_corrected_fact(home)
    strict = (
        '[lifecycle]\ntick = "200ms"\nidle_after = "300ms"\ninactive_for = "never"\noverdue_after = "never"\n'
    )
    strict += (
        'absent_for = "0s"\n[presence]\nsettle_after = "0s"\n[consolidation]\nnaps = false\ninterval = "0s"\n'
    )
    home.config.write_text(strict)
    wrapper = start_wrapper()
    daemon = start_daemon(strict)
    daemon.wait_state("IDLE", "idle")
    before = daemon.status()["tick"]["at"]
    until(lambda: daemon.status()["tick"]["at"] > before)
    until(lambda: daemon.status()["tick"]["at"] > before)
    assert nights(home) == []
    wrapper.leave()
    until(lambda: nights(home) and nights(home)[-1]["outcome"] == "completed")
    assert nights(home)[-1]["rule"] == "absent"
