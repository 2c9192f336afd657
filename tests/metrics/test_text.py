"""The two formats line by line; test_families asks parsers that others wrote."""

from __future__ import annotations

import pytest

from iai_daemon.metrics.families import Family, Sample, Type
from iai_daemon.metrics.text import openmetrics, prometheus

WAITED = Family("waited_seconds", Type.COUNTER, "How long.", [Sample(1.5, {"by": "ann"})], "seconds")
LEVEL = Family("level", Type.GAUGE, "How high.", [Sample(3.0, {}), Sample(0.25, {"a": "b", "c": ""})])
ABOUT = Family("about", Type.INFO, "What runs.", [Sample(1.0, {"version": "1.2"})])
ODD = Family("odd", Type.GAUGE, 'a "b"\nc\\d', [Sample(0.0, {"of": 'a "b"\nc\\d'})])


def test_openmetrics_names_type_unit_and_help_and_marks_its_end() -> None:
    assert openmetrics([WAITED, LEVEL, ABOUT]).splitlines() == [
        "# TYPE waited_seconds counter",
        "# UNIT waited_seconds seconds",
        "# HELP waited_seconds How long.",
        'waited_seconds_total{by="ann"} 1.5',
        "# TYPE level gauge",
        "# HELP level How high.",
        "level 3",
        'level{a="b",c=""} 0.25',
        "# TYPE about info",
        "# HELP about What runs.",
        'about_info{version="1.2"} 1',
        "# EOF",
    ]


def test_prometheus_names_the_samples_and_knows_neither_units_nor_infos() -> None:
    assert prometheus([WAITED, LEVEL, ABOUT]).splitlines() == [
        "# HELP waited_seconds_total How long.",
        "# TYPE waited_seconds_total counter",
        'waited_seconds_total{by="ann"} 1.5',
        "# HELP level How high.",
        "# TYPE level gauge",
        "level 3",
        'level{a="b",c=""} 0.25',
        "# HELP about_info What runs.",
        "# TYPE about_info gauge",
        'about_info{version="1.2"} 1',
    ]


def test_nothing_is_an_end_or_an_empty_text() -> None:
    assert openmetrics([]) == "# EOF\n"
    assert prometheus([]) == ""


def test_every_line_is_ended() -> None:
    assert (
        openmetrics([LEVEL])
        == '# TYPE level gauge\n# HELP level How high.\nlevel 3\nlevel{a="b",c=""} 0.25\n# EOF\n'
    )
    assert (
        prometheus([LEVEL]) == '# HELP level How high.\n# TYPE level gauge\nlevel 3\nlevel{a="b",c=""} 0.25\n'
    )


def test_what_means_something_to_the_format_is_escaped() -> None:
    assert openmetrics([ODD]).splitlines()[1:3] == [
        r"# HELP odd a \"b\"\nc\\d",
        r'odd{of="a \"b\"\nc\\d"} 0',
    ]
    assert prometheus([ODD]).splitlines()[::2] == [
        r'# HELP odd a "b"\nc\\d',
        r'odd{of="a \"b\"\nc\\d"} 0',
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1_795_262_430.5, "1795262430.5"),
        (2.0**60, "1152921504606846976"),
    ],
)
def test_a_whole_number_has_no_point_and_another_is_exact(value: float, text: str) -> None:
    assert prometheus([Family("x", Type.GAUGE, "", [Sample(value, {})])]).splitlines()[-1] == f"x {text}"
