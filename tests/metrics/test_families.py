"""What is measured, and that the formats' own parsers read it, whatever a status holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from iai_daemon.memory.figures import Figures
from iai_daemon.metrics.families import LONGEST_LABEL, Family, Sample, Type, bounded, families
from iai_daemon.metrics.text import openmetrics, prometheus
from tests.metrics.statuses import FIGURES, figures, status, statuses

GUIDE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
# No status and no figures can make more series than that.
MOST_SERIES = 80

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(parsed: Any) -> Samples:
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in parsed
        for each in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"iai_daemon_{name}", tuple(sorted(labels.items()))]


def test_a_daemon_and_its_memory_are_told_in_full() -> None:
    found = samples(read_openmetrics(openmetrics(families(status(), FIGURES))))
    assert value(found, "up") == value(found, "store_up") == 1
    assert value(found, "info", version="1.2.3", engine="sqlite") == 1
    assert [value(found, "state", state=each) for each in ("WAKE", "IDLE", "BEDTIME")] == [0, 1, 0]
    assert (value(found, "wrappers", verdict="stale"), value(found, "active_wrappers")) == (3, 1)
    assert (value(found, "night_running"), value(found, "agents_running")) == (1, 2)
    assert (value(found, "missed_recalls"), value(found, "degraded")) == (1, 1)
    assert value(found, "next_recall_timestamp_seconds") == 1_795_262_400
    assert value(found, "tick_timestamp_seconds") == 1_795_262_430.5
    assert value(found, "tick_failures_total") == 6
    assert value(found, "memories", status="archived") == 3
    assert value(found, "nights_total", kind="night", outcome="completed") == 4
    assert value(found, "nights_total", kind="night", outcome="failed") == 0
    assert value(found, "nights_total", kind="other", outcome="completed") == 1
    assert value(found, "changes_total", effect="superseded") == 7
    assert value(found, "changes_total", effect="other") == 5
    assert value(found, "held_changes", why="review") == 5
    assert value(found, "last_night_end_timestamp_seconds") == 1_795_262_461.5
    assert value(found, "last_night_duration_seconds") == 61.5


def test_without_a_daemon_and_without_its_memory_what_remains_is_told() -> None:
    away = status(pid=None, state=None)
    without = samples(read_openmetrics(openmetrics(families(away, None))))
    assert {name for name, _ in without} == {"iai_daemon_up", "iai_daemon_info", "iai_daemon_store_up"}
    assert value(without, "up") == value(without, "store_up") == 0
    kept = samples(read_openmetrics(openmetrics(families(away, FIGURES))))
    assert value(kept, "memories", status="current") == 3
    assert not any(name == "iai_daemon_state" for name, _ in kept)


def test_a_memory_that_has_seen_no_night_tells_no_time_of_one() -> None:
    nothing = Figures({}, {}, {}, {}, None, None)
    names = {name for name, _ in samples(read_openmetrics(openmetrics(families(status(), nothing))))}
    assert "iai_daemon_nights_total" in names
    assert "iai_daemon_last_night_end_timestamp_seconds" not in names


@given(statuses(), st.none() | figures())
@example({}, None)
def test_whatever_a_status_holds_both_parsers_read_the_same(
    said: dict[str, Any], counted: Figures | None
) -> None:
    told = families(said, counted)
    found = samples(read_openmetrics(openmetrics(told)))
    assert found == samples(read_prometheus(prometheus(told)))
    assert 3 <= len(found) <= MOST_SERIES
    assert all(len(text) <= LONGEST_LABEL for _, labels in found for _, text in labels)
    assert all(number >= 0 for number in found.values())
    for text in (openmetrics(told), prometheus(told)):
        text.encode()
        assert all(each.isprintable() or each == "\n" for each in text)


@given(st.text())
def test_labels_come_back_as_they_were_but_for_what_cannot_be_shown(text: str) -> None:
    shown = bounded(text)
    family = Family("x", Type.GAUGE, 'a "help"\nof two lines \\', [Sample(1.0, {"label": shown})])
    for parsed in (read_openmetrics(openmetrics([family])), read_prometheus(prometheus([family]))):
        (only,) = parsed
        assert only.samples[0].labels == {"label": shown}
        assert only.documentation == 'a "help"\nof two lines \\'


def test_every_family_has_its_type_its_unit_and_its_help() -> None:
    parsed = {each.name: each for each in read_openmetrics(openmetrics(families(status(), FIGURES)))}
    for family in families(status(), FIGURES):
        assert parsed[family.name].type == family.type.value
        assert parsed[family.name].unit == family.unit
        assert parsed[family.name].documentation == family.help
    assert {each.name for each in parsed.values() if each.unit} == {
        f"iai_daemon_{name}_seconds"
        for name in (
            "next_recall_timestamp",
            "tick_timestamp",
            "last_night_end_timestamp",
            "last_night_duration",
        )
    }


def _documented() -> Iterator[tuple[str, str, frozenset[str]]]:
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `iai_daemon_"):
            name, kind, labels, *_ = line.strip("| ").split(" | ")
            yield name.strip("` "), kind.strip(), frozenset(re.findall(r"`(\w+)`", labels))


def test_the_guide_tells_every_metric_with_its_type_and_labels_and_no_other() -> None:
    suffixes = {Type.COUNTER: "_total", Type.INFO: "_info", Type.GAUGE: ""}
    made = {
        (each.name + suffixes[each.type], each.type.value, frozenset(each.samples[0].labels))
        for each in families(status(), FIGURES)
    }
    assert set(_documented()) == made


def test_the_guides_rules_ask_for_metrics_that_there_are() -> None:
    names = {name for name, _, _ in _documented()}
    asked = {
        name
        for line in GUIDE.read_text(encoding="utf-8").splitlines()
        if "expr:" in line
        for name in re.findall(r"iai_daemon_\w+", line)
    }
    assert asked
    assert asked <= names
