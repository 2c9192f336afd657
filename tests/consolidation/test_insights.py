"""The parts under the pass `trajectories`: lines, files, and statistics against figures of others."""

from __future__ import annotations

import json
import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.insights import files, profiles
from iai_daemon.consolidation.insights.calls import LONGEST_LINE, Call, Outcome, Unreadable, parse
from iai_daemon.consolidation.insights.findings import judge
from iai_daemon.consolidation.insights.runs import LAST_CALLS, counted
from iai_daemon.consolidation.insights.statistics import (
    Table,
    adjusted,
    at_least,
    compare,
    design_effect,
    wilson,
)
from tests.consolidation.recorded import calls, write
from tests.fakes import LONG

GOLDEN = Path(__file__).parents[2] / "wrappers/golden/trajectories"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)
FIELDS = st.sampled_from(
    [
        "tool",
        "outcome",
        "at",
        "run",
        "session",
        "seq",
        "task",
        "reward",
        "success",
        "client",
        "server",
        "duration_ms",
    ]
)


# --- lines


def test_every_golden_line_says_what_it_should() -> None:
    lines = (GOLDEN / "lines.jsonl").read_bytes().splitlines()
    expected: list[dict[str, Any] | None] = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
    assert len(lines) == len(expected)
    for line, says in zip(lines, expected, strict=True):
        read = parse(line, "lines.jsonl")
        if says is None:
            assert isinstance(read, Unreadable), line
        else:
            assert read == Call(**{**says, "outcome": says.get("outcome") and Outcome(says["outcome"])})


@given(st.binary())
def test_any_bytes_are_a_call_or_a_reason(line: bytes) -> None:
    assert isinstance(parse(line, "x"), Call | Unreadable)


@given(st.dictionaries(FIELDS, JSON | st.sampled_from(["ok", "error"])))
def test_any_object_is_a_call_or_a_reason(fields: dict[str, Any]) -> None:
    read = parse(json.dumps(fields).encode(), "x")
    if isinstance(read, Call):
        names = [read.tool, read.client, read.server, read.task, read.run]
        assert all(name is None or (name.isprintable() and "`" not in name) for name in names)
        assert all(
            number is None or math.isfinite(number) for number in (read.at, read.seq, read.duration_ms)
        )


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_profiles_or_reasons(content: bytes) -> None:
    found = profiles.read(content, lambda: None)
    assert all(told.isprintable() for told in found.sentences.values())


# --- files


def _lines(directory: Path, most: int = files.MOST_BYTES) -> list[bytes]:
    return [line for piece in files.read(files.find([directory]), most) for line in piece.lines if line]


def test_lines_that_lie_across_pieces_are_read_whole(tmp_path: Path) -> None:
    lines = [b"%d " % number + b"x" * (number * 37 % 9000) for number in range(300)]
    assert sum(map(len, lines)) > 2 * files.CHUNK
    write(tmp_path / "a.jsonl", lines)
    assert _lines(tmp_path) == lines


def test_a_last_line_without_an_end_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"one\ntwo")
    assert _lines(tmp_path) == [b"one", b"two"]


def test_a_line_that_is_too_long_is_counted_and_the_next_one_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [b"one", b"x" * 3 * files.CHUNK, b"two", b"y" * 3 * files.CHUNK])
    pieces = list(files.read(files.find([tmp_path])))
    assert [line for piece in pieces for line in piece.lines if len(line) <= LONGEST_LINE and line] == [
        b"one",
        b"two",
    ]
    assert sum(piece.long for piece in pieces) == 2
    assert max(len(line) for piece in pieces for line in piece.lines) <= files.CHUNK + LONGEST_LINE


@pytest.mark.parametrize("most", [1, 50, 99, 100, 101, 150, 1000])
def test_of_too_much_the_newest_is_read_in_whole_lines(tmp_path: Path, most: int) -> None:
    for number, name in enumerate(["old", "new"]):
        path = write(
            tmp_path / f"{name}.jsonl", [b"%s%02d" % (name.encode(), at) + b"." * 4 for at in range(10)]
        )
        os.utime(path, (number, number))
    every = [b"%s%02d...." % (name, at) for name in (b"old", b"new") for at in range(10)]
    fitting = min(len(every), most // 10)
    assert _lines(tmp_path, most) == every[len(every) - fitting :]


def test_the_state_changes_with_the_files_and_only_with_them(tmp_path: Path) -> None:
    assert files.state_of(files.find([tmp_path])) == ""
    path = write(tmp_path / "a.jsonl", [b"{}"])
    one = files.state_of(files.find([tmp_path]))
    assert one == files.state_of(files.find([tmp_path]))
    write(path, [b"{}"])
    two = files.state_of(files.find([tmp_path]))
    path.rename(tmp_path / "b.jsonl")
    assert len({one, two, files.state_of(files.find([tmp_path]))}) == 3


def test_of_very_many_files_the_newest_are_taken(tmp_path: Path) -> None:
    for number in range(files.MOST_FILES + 5):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b"{}\n")
        os.utime(path, (number, number))
    found = files.find([tmp_path])
    assert [each.path.name for each in (found[0], found[-1])] == ["5.jsonl", f"{files.MOST_FILES + 4}.jsonl"]


# --- statistics


def test_the_interval_of_a_rate_is_wilsons() -> None:
    """Against Newcombe 1998, table I, method 3."""
    for events, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
    ):
        assert wilson(events, total) == pytest.approx((low, high), abs=5e-5)


def test_the_probability_of_a_rate_is_binomial() -> None:
    assert at_least(2, 3, 0.5) == pytest.approx(0.5)
    assert at_least(0, 10, 0.05) == pytest.approx(1.0)
    assert at_least(10, 10, 0.05) == pytest.approx(0.05**10)


def test_one_stratum_gives_the_odds_ratio_of_its_table() -> None:
    found = compare([Table(20, 40, 10, 50)])
    assert found is not None
    assert found.odds == pytest.approx(4.0)
    # Woolf's interval, which Robins, Breslow and Greenland's is in one stratum.
    error = math.sqrt(1 / 20 + 1 / 20 + 1 / 10 + 1 / 40)
    assert found.low == pytest.approx(4 / math.exp(1.959964 * error))
    assert found.p == pytest.approx(0.0059, abs=0.0003)


def test_strata_without_both_sides_and_without_a_difference_tell_nothing() -> None:
    assert compare([Table(5, 5, 0, 0), Table(0, 0, 1, 9), Table(4, 4, 6, 6), Table(0, 4, 0, 6)]) is None


def test_what_only_the_strata_cause_is_no_difference() -> None:
    found = compare([Table(90, 100, 9, 10), Table(1, 10, 10, 100)])
    assert found is not None
    assert found.odds == pytest.approx(1.0)


def test_an_empty_cell_gives_a_finite_ratio_with_a_wide_interval() -> None:
    found = compare([Table(10, 10, 0, 10)])
    assert found is not None
    assert 100 < found.odds < math.inf
    assert found.low > 1


def test_many_looks_are_corrected_for() -> None:
    """The fifteen of Benjamini and Hochberg 1995, section 4.2: four are found at .05."""
    ps = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert [q <= 0.05 for q in adjusted(ps)] == [True] * 4 + [False] * 11
    assert adjusted([]) == []


def test_groups_that_are_alike_within_count_for_less() -> None:
    assert design_effect([(1, 2)] * 10) == 1.0
    assert design_effect([(10, 10), (0, 10)] * 5) == pytest.approx(10.0)
    assert design_effect([(10, 10), (0, 10)]) == 1.0


def test_chance_alone_is_rarely_told() -> None:
    """A hundred evenings of tools that all fail alike, seen as anything but usual: in few is anything compared told."""
    import random  # noqa: PLC0415

    told = 0
    for seed in range(400 if LONG else 60):
        luck = random.Random(seed)  # noqa: S311 -- the same evenings each time
        lines = [
            Call(
                run=f"{number // 4}",
                tool=luck.choice("abcd"),
                outcome=Outcome.ERROR if luck.random() < 0.3 else Outcome.OK,
                seq=number,
                client=luck.choice("xy"),
                success=(number // 4) % 3 == 0,
            )
            for number in range(240)
        ]
        found = judge(counted(lines, lambda: None), lambda: None)
        told += any(each.told and each.other is not None for each in found)
    assert told <= (40 if LONG else 8)


# --- size


def test_the_newest_calls_of_a_tool_count() -> None:
    lines = [
        parse(json.dumps(line).encode(), "x")
        for line in calls("search", 0, LAST_CALLS) + calls("read", 1, 20)
    ]
    old = [
        Call(run=f"old {at}", tool="search", outcome=Outcome.ERROR, at=1_795_000_000.0) for at in range(50)
    ]
    found = judge(
        counted([*old, *(each for each in lines if isinstance(each, Call))], lambda: None), lambda: None
    )
    (rate,) = [each for each in found if each.key == ("search", "failure rate")]
    assert (rate.support, rate.rate) == (LAST_CALLS, 0.0)


def test_a_long_computation_asks_often_whether_it_may_go_on() -> None:
    """Of 60 tools in runs of 500 calls; the longest wait is measured against what the whole takes."""
    lines = [
        Call(
            run=f"{at // 500}",
            tool=f"t{at * 7919 % 60}",
            outcome=Outcome.ERROR if at % 7 == 0 else Outcome.OK,
            seq=at,
        )
        for at in range(40_000 if LONG else 10_000)
    ]
    asked: list[float] = []
    watch = Stopwatch()

    def yield_point() -> None:
        asked.append(watch.seconds())

    judge(counted(lines, yield_point), yield_point)
    gaps = sorted(later - earlier for earlier, later in pairwise(asked))
    assert len(asked) > 100
    # Nearly all of them: the machine may be busy with something else in between.
    assert gaps[int(len(gaps) * 0.99)] < 0.05
