"""What is measured, family by family, by plain values."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.memory.figures import Figures
from iai_daemon.metrics.families import Family, Sample, Type, bounded, families
from tests.metrics.statuses import FIGURES, status

NOTHING = Figures({}, {}, {}, {}, None, None)


def by_name(
    said: dict[str, Any], counted: Figures | None = None
) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of each family, by its name without what all begin with."""
    return {
        each.name.removeprefix("iai_daemon_"): [(dict(one.labels), one.value) for one in each.samples]
        for each in families(said, counted)
    }


def labelled(label: str, **values: float) -> list[Sample]:
    return [Sample(value, {label: name}) for name, value in values.items()]


def plain(value: float) -> list[Sample]:
    return [Sample(value, {})]


def test_a_daemon_and_its_memory_are_told_family_by_family() -> None:
    gauge, counter, info = Type.GAUGE, Type.COUNTER, Type.INFO
    nights = {("night", "completed"): 4.0, ("nap", "yielded"): 2.0, ("other", "completed"): 1.0}
    places = [
        (kind, end) for kind in ("night", "nap") for end in ("completed", "yielded", "failed", "cancelled")
    ]
    assert families(status(), FIGURES) == [
        Family("iai_daemon_up", gauge, "Whether the daemon answers.", plain(1)),
        Family(
            "iai_daemon",
            info,
            "What runs, and what keeps its memory.",
            [Sample(1, {"version": "1.2.3", "engine": "sqlite"})],
        ),
        Family("iai_daemon_store_up", gauge, "Whether the memory can be asked.", plain(1)),
        Family(
            "iai_daemon_state",
            gauge,
            "The lifecycle's state: 1 for the one that holds.",
            labelled("state", WAKE=0, IDLE=1, BEDTIME=0),
        ),
        Family(
            "iai_daemon_wrappers",
            gauge,
            "Wrappers, by what their heartbeats say.",
            labelled("verdict", fresh=2, stale=3, orphan=0, invalid=0),
        ),
        Family("iai_daemon_active_wrappers", gauge, "Wrappers whose user is at work.", plain(1)),
        Family("iai_daemon_night_running", gauge, "Whether a night or a nap runs.", plain(1)),
        Family("iai_daemon_agents_running", gauge, "Agents that are at work for the agenda.", plain(2)),
        Family("iai_daemon_missed_recalls", gauge, "Recalls that were missed within the last day.", plain(1)),
        Family(
            "iai_daemon_next_recall_timestamp_seconds",
            gauge,
            "When the next recall is due.",
            plain(1_795_262_400.0),
            "seconds",
        ),
        Family(
            "iai_daemon_tick_timestamp_seconds",
            gauge,
            "When the daemon's loop last ticked.",
            plain(1_795_262_430.5),
            "seconds",
        ),
        Family(
            "iai_daemon_tick_failures", counter, "Failures that the loop survived since it started.", plain(6)
        ),
        Family("iai_daemon_degraded", gauge, "Things that do not work as they should.", plain(1)),
        Family(
            "iai_daemon_memories",
            gauge,
            "Memories; one that was merged is superseded by nothing.",
            labelled("status", current=3, superseded=3, merged=3, expired=3, archived=3, forgotten=3),
        ),
        Family(
            "iai_daemon_nights",
            counter,
            "Nights and naps that have ended.",
            [
                Sample(nights.get(place, 0.0), {"kind": place[0], "outcome": place[1]})
                for place in [*places, ("other", "completed")]
            ],
        ),
        Family(
            "iai_daemon_changes",
            counter,
            "Changes that nights have made, also those taken back.",
            labelled(
                "effect",
                expired=0,
                superseded=7,
                merged=0,
                archived=0,
                gist=0,
                learnt=0,
                profiled=0,
                renewed=0,
                other=5,
            ),
        ),
        Family(
            "iai_daemon_held_changes",
            gauge,
            "Planned changes that wait.",
            labelled("why", review=5, budget=0, recall=0),
        ),
        Family(
            "iai_daemon_last_night_end_timestamp_seconds",
            gauge,
            "When the newest completed night ended.",
            plain(1_795_262_461.5),
            "seconds",
        ),
        Family(
            "iai_daemon_last_night_duration_seconds",
            gauge,
            "How long the newest completed night took.",
            plain(61.5),
            "seconds",
        ),
    ]


def test_of_a_status_that_says_nothing_only_that_is_told() -> None:
    unknown = [({"version": "unknown", "engine": "unknown"}, 1.0)]
    assert by_name({}) == {"up": [({}, 0.0)], "iai_daemon": unknown, "store_up": [({}, 0.0)]}
    assert by_name({"pid": 1}) == {
        "up": [({}, 1.0)],
        "iai_daemon": unknown,
        "store_up": [({}, 0.0)],
        "state": [({"state": "WAKE"}, 0.0), ({"state": "IDLE"}, 0.0), ({"state": "BEDTIME"}, 0.0)],
        "night_running": [({}, 0.0)],
    }


def test_a_store_that_holds_nothing_counts_everything_as_none() -> None:
    told = by_name({}, NOTHING)
    assert set(told) == {"up", "iai_daemon", "store_up", "memories", "nights", "changes", "held_changes"}
    assert told["store_up"] == [({}, 1.0)]
    assert told["nights"] == [
        ({"kind": kind, "outcome": outcome}, 0.0)
        for kind in ("night", "nap")
        for outcome in ("completed", "yielded", "failed", "cancelled")
    ]
    assert [labels["effect"] for labels, _ in told["changes"]] == [
        *("expired", "superseded", "merged", "archived", "gist", "learnt", "profiled", "renewed")
    ]
    assert told["held_changes"] == [
        ({"why": "review"}, 0.0),
        ({"why": "budget"}, 0.0),
        ({"why": "recall"}, 0.0),
    ]


def test_what_has_other_names_is_counted_together() -> None:
    nights = {
        ("siesta", "completed"): 1,
        ("doze", "completed"): 2,
        ("night", "dreamt"): 4,
        ("night", "lost"): 8,
        ("siesta", "lost"): 16,
    }
    told = by_name({}, Figures({"odd": 7}, nights, {"swept": 1, "tidied": 2}, {"mood": 3}, None, None))
    others = [(labels["kind"], labels["outcome"], number) for labels, number in told["nights"] if number]
    assert others == [("other", "completed", 3.0), ("night", "other", 12.0), ("other", "other", 16.0)]
    assert told["changes"][-1] == ({"effect": "other"}, 3.0)
    assert told["held_changes"][-1] == ({"why": "other"}, 3.0)
    assert sum(number for _, number in told["memories"]) == 0


@pytest.mark.parametrize(("began", "ended"), [(None, None), (1000, None)])
def test_a_night_that_has_not_ended_tells_no_times(began: int | None, ended: int | None) -> None:
    told = by_name({}, Figures({}, {}, {}, {}, began, ended))
    assert not any(name.startswith("last_night") for name in told)


def test_a_night_whose_beginning_is_not_known_tells_its_end_alone() -> None:
    told = by_name({}, Figures({}, {}, {}, {}, None, 1500))
    assert told["last_night_end_timestamp_seconds"] == [({}, 1.5)]
    assert "last_night_duration_seconds" not in told


@pytest.mark.parametrize("value", [0, 7, 1.5])
def test_a_number_is_told_as_it_is(value: float) -> None:
    assert by_name({"pid": 1, "tick": {"failures": value}})["tick_failures"] == [({}, float(value))]


@pytest.mark.parametrize(
    "value", [None, "7", True, False, [7], -1, -0.5, 10**400, float("inf"), float("-inf"), float("nan")]
)
def test_what_is_no_number_that_can_be_is_left_out(value: object) -> None:
    assert "tick_failures" not in by_name({"pid": 1, "tick": {"failures": value}})
    assert [
        labels for labels, _ in by_name({"pid": 1, "presence": {"fresh": value, "stale": 2}})["wrappers"]
    ] == [{"verdict": "stale"}]


@pytest.mark.parametrize("pid", [None, "42", True, -1])
def test_without_the_number_of_a_process_no_daemon_answers(pid: object) -> None:
    told = by_name(status(pid=pid))
    assert (told["up"], "state" in told) == ([({}, 0.0)], False)


@pytest.mark.parametrize("value", ["", "soon", 7, None, ["2026-11-21T12:00:00Z"], "9999-99-99T00:00:00Z"])
def test_what_is_no_stamp_is_left_out(value: object) -> None:
    told = by_name(status(agenda={"next_at": value}, tick={"at": value}))
    assert not any(name.endswith("timestamp_seconds") for name in told)


@pytest.mark.parametrize("value", [None, {"a": 1}, "ab", 2])
def test_only_lists_are_counted(value: object) -> None:
    told = by_name(status(agenda={"running": value}, degraded=value))
    assert {"agents_running", "degraded"}.isdisjoint(told)


def test_an_empty_list_counts_none() -> None:
    told = by_name(status(agenda={"running": []}, degraded=[]))
    assert (told["agents_running"], told["degraded"]) == ([({}, 0.0)], [({}, 0.0)])


@pytest.mark.parametrize("value", [None, [], "presence", 7])
def test_a_part_of_a_status_that_is_no_object_says_nothing(value: object) -> None:
    told = by_name(status(presence=value, consolidation=value, agenda=value, tick=value, store=value))
    assert set(told) == {"up", "iai_daemon", "store_up", "state", "night_running", "degraded"}
    assert told["iai_daemon"] == [({"version": "1.2.3", "engine": "unknown"}, 1.0)]


@pytest.mark.parametrize(
    ("running", "told"), [(True, 1.0), (False, 0.0), (None, 0.0), (1, 0.0), ("yes", 0.0)]
)
def test_a_night_runs_where_that_is_true(running: object, told: float) -> None:
    assert by_name(status(consolidation={"running": running}))["night_running"] == [({}, told)]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("sqlite", "sqlite"),
        ("", ""),
        ("a\nb", "a\nb"),
        ("a\tb\x1b[1m", "a\ufffdb\ufffd[1m"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 127 + "…"),
        ("x" * 10_000, "x" * 127 + "…"),
        (None, "unknown"),
        (7, "unknown"),
        (["sqlite"], "unknown"),
    ],
)
def test_a_label_is_a_text_that_can_be_printed_of_at_most_128_characters(value: object, label: str) -> None:
    assert bounded(value) == label


def test_a_family_is_told_to_programs_in_full() -> None:
    family = Family(
        "x_seconds", Type.COUNTER, "How long.", [Sample(1.5, {"a": "b"}), Sample(2.0, {})], "seconds"
    )
    assert family.to_json() == {
        "name": "x_seconds",
        "type": "counter",
        "unit": "seconds",
        "help": "How long.",
        "samples": [{"labels": {"a": "b"}, "value": 1.5}, {"labels": {}, "value": 2.0}],
    }
    assert Family("x", Type.GAUGE, "", []).to_json() == {
        "name": "x",
        "type": "gauge",
        "unit": "",
        "help": "",
        "samples": [],
    }
