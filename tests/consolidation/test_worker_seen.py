"""A night that a person asks for at a terminal: what is seen of it, and what Ctrl-C and SIGTERM make of it. Real processes."""

from __future__ import annotations

import re
import signal
from contextlib import closing

from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from tests.cli.inside import call_json
from tests.cli.longer import WIDE, long
from tests.cli.test_store_migrate import remember


def test_each_pass_of_a_night_has_its_bar(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        stores.memory.import_many((Draft(f"Note {at} about the deploy.") for at in range(2000)), 1)
    with long(home, "consolidate", "--pass", "embed") as night:
        assert night.end() == 0
    assert night.left == ""
    assert any(re.match(r"embed .*/2,000", bar) for bar in night.bars)
    assert all(len(bar) <= WIDE for bar in night.bars)


def test_a_night_that_is_stopped_tells_its_report_and_ends_as_shells_know_it(home: Home) -> None:
    remember(home, 8_000)
    words = ("consolidate", "--pass", "embed")
    with long(home, *words) as night:
        night.until_said("━")
        night.process.send_signal(signal.SIGINT)
        assert night.end() == 130
    assert night.left == ""
    assert "cancelled" in night.out
    assert night.out.endswith("stopped with Ctrl-C\n")
    with long(home, *words, "--dry-run") as rehearsal:
        rehearsal.until_said("━")
        assert rehearsal.stop(signal.SIGTERM) == "nothing was changed."
    assert rehearsal.out == ""
    assert call_json(home, *words)["embedding_coverage"] == 1.0
