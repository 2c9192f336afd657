"""Which of the counts are more than chance, and the sentences that say so, by plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from iai_daemon.consolidation.insights import findings
from iai_daemon.consolidation.insights.findings import judge
from iai_daemon.consolidation.insights.runs import Counts, Family, Rate, Tool
from tests.consolidation.test_passes import go_on

SEARCH, READ = Tool("search"), Tool("read", "files")


def rates(counts: Counts, rate: Rate, groups: Sequence[tuple[int, int]], tool: Tool = SEARCH) -> Counts:
    """(events, all) of each run."""
    for number, (events, total) in enumerate(groups):
        for at in range(total):
            counts.rates[rate, tool][f"r{number}"].add(at < events)
    return counts


def rate(of: Rate, *groups: tuple[int, int], tool: Tool = SEARCH) -> findings.Tested:
    (found,) = judge(rates(Counts(), of, groups, tool), go_on)
    return found


def compared(
    counts: Counts,
    family: Family,
    concerned: tuple[int, int],
    others: tuple[int, int],
    *,
    other: str = "`read`",
    tool: Tool = SEARCH,
    task: str = "",
) -> Counts:
    for events, total, said in ((*concerned, [other]), (*others, [])):
        for at in range(total):
            counts.add(family, tool, task, said, event=at < events)
    return counts


def comparison(
    family: Family,
    concerned: tuple[int, int] = (15, 20),
    others: tuple[int, int] = (3, 20),
    *,
    other: str = "`read`",
    tool: Tool = SEARCH,
) -> findings.Tested:
    (found,) = judge(compared(Counts(), family, concerned, others, other=other, tool=tool), go_on)
    return found


def test_of_a_rate_everything_is_told() -> None:
    found = rate(Rate.FAILED, (12, 20))
    told = "in 12 of 20 calls (60%, 95 % interval 39%–78%), in 1 run."
    assert replace(found, p=0.0, q=0.0) == findings.Tested(
        subject="search",
        attribute="failure rate",
        sentence=f"`search` failed {told}",
        over=f"This is no more than usual now: `search` failed {told}",
        support=20,
        rate=0.6,
        other=None,
        more=True,
        p=0.0,
        clear=True,
        q=0.0,
        within=None,
    )
    assert found.p == found.q == pytest.approx(2.1356e-11, rel=1e-4)
    assert found.told
    assert found.key == ("search", "failure rate")


@pytest.mark.parametrize(
    ("of", "attribute", "claim"),
    [
        (Rate.FAILED, "failure rate", "`search` failed in"),
        (
            Rate.UNFINISHED,
            "rate of calls without an answer",
            "`search` was cancelled, or gave no answer, in",
        ),
        (
            Rate.FAILED_AGAIN,
            "failure rate when tried again",
            "After a failure, the next call of `search` in the same run failed again in",
        ),
    ],
)
def test_each_rate_has_its_sentence(of: Rate, attribute: str, claim: str) -> None:
    found = rate(of, (9, 9), (7, 8), (1, 3))
    told = "17 of 20 calls (85%, 95 % interval 64%–95%), in 3 runs."
    assert found.sentence == f"{claim} {told}"
    assert found.over == f"This is no more than usual now: {claim[0].lower()}{claim[1:]} {told}"
    assert (found.attribute, found.more, found.clear) == (attribute, True, True)


@pytest.mark.parametrize(
    ("of", "attribute"),
    [
        (Rate.FAILED, "failure rate on files"),
        (Rate.UNFINISHED, "rate of calls without an answer on files"),
        (Rate.FAILED_AGAIN, "failure rate when tried again on files"),
    ],
)
def test_what_is_said_of_a_tool_is_said_of_its_server(of: Rate, attribute: str) -> None:
    found = rate(of, (15, 20), tool=READ)
    assert found.key == ("read", attribute)
    assert "`read` of `files`" in found.sentence


@pytest.mark.parametrize(
    ("of", "events", "total", "more", "clear", "p"),
    [
        (Rate.FAILED, 1, 20, False, False, 0.6415141),
        (Rate.FAILED, 2, 20, True, False, 0.2641605),
        (Rate.FAILED, 3, 20, True, True, 0.0754837),
        (Rate.FAILED, 0, 400, False, False, 1.0),
        (Rate.UNFINISHED, 3, 20, True, True, 0.0754837),
        (Rate.UNFINISHED, 0, 400, False, False, 1.0),
        (Rate.FAILED_AGAIN, 10, 20, False, False, 1.0),
        (Rate.FAILED_AGAIN, 14, 20, True, False, 0.1153183),
        (Rate.FAILED_AGAIN, 15, 20, True, True, 0.0413895),
        (Rate.FAILED_AGAIN, 6, 20, False, False, 0.1153183),
        (Rate.FAILED_AGAIN, 5, 20, False, True, 0.0413895),
    ],
)
def test_more_than_usual_is_clear_and_of_calls_tried_again_also_less(
    of: Rate, events: int, total: int, more: bool, clear: bool, p: float
) -> None:
    found = rate(of, (events, total))
    assert (found.more, found.clear, found.support, found.rate) == (more, clear, total, events / total)
    assert found.p == pytest.approx(p, rel=1e-5)


@pytest.mark.parametrize("of", Rate)
def test_of_fewer_than_ten_calls_no_rate_is_told(of: Rate) -> None:
    assert judge(rates(Counts(), of, [(5, 5), (4, 4)]), go_on) == []
    assert len(judge(rates(Counts(), of, [(5, 5), (5, 5)]), go_on)) == 1


def test_calls_of_runs_that_are_alike_count_for_less() -> None:
    """Five runs of which one fails throughout are worth five calls."""
    found = rate(Rate.FAILED, (10, 10), *[(0, 10)] * 4)
    assert found.sentence.endswith("10 of 50 calls (20%, 95 % interval 4%–62%), in 5 runs.")
    assert found.p == pytest.approx(1 - 0.95**5, rel=1e-6)
    assert not found.clear
    again = rate(Rate.FAILED_AGAIN, (10, 10), *[(0, 10)] * 5)
    assert again.p == pytest.approx(2 * (1 + 6) / 64, rel=1e-6)


TOLD = (
    "15 of 20 {what} (75%) against 3 of 20 {what} (15%); odds ratio 17, 95 % interval 3.5–83"  # by Woolf, too
)


@pytest.mark.parametrize(
    ("family", "other", "attribute", "claim", "what"),
    [
        (
            Family.CLIENT,
            "codex",
            "failures with codex",
            "with `codex`, `search` fails {} often than with others",
            "calls",
        ),
        (
            Family.AFTER,
            "`read`",
            "failures directly after read",
            "directly after `read`, `search` fails {} often",
            "calls",
        ),
        (
            Family.ONCE,
            "`read` of `files`",
            "failures once read of files was called",
            "once `read` of `files` was called in a run, `search` fails {} often",
            "calls",
        ),
        (
            Family.RETRIED,
            "",
            "failures when tried again at once",
            "called again directly after it failed, `search` fails {} often than otherwise",
            "calls",
        ),
        (
            Family.RECOVERED,
            "`read`",
            "failures when tried again after read",
            "where `read` was called between a failure of `search` and its next attempt, that fails {} often",
            "calls",
        ),
        (
            Family.CALLED,
            "",
            "success of runs that call it",
            "runs that call `search` succeed {} often",
            "runs",
        ),
        (
            Family.FAILED,
            "",
            "success of runs in which it fails",
            "runs in which a call of `search` failed succeed {} often than others that call it",
            "runs",
        ),
    ],
)
def test_each_comparison_has_its_sentence(
    family: Family, other: str, attribute: str, claim: str, what: str
) -> None:
    found, said = comparison(family, other=other), claim.format("more")
    told = TOLD.format(what=what)
    assert found.sentence == f"{said[0].upper()}{said[1:]}: {told}."
    assert found.over == f"It is no longer clear that {said}: {told}."
    assert found.key == ("search", attribute)
    assert (found.support, found.rate, found.other, found.more, found.clear) == (40, 0.75, 0.15, True, True)
    assert found.p == found.q == pytest.approx(0.0005563394, rel=1e-6)
    fewer = comparison(family, (3, 20), (15, 20), other=other)
    said = claim.format("less")
    assert fewer.sentence.startswith(f"{said[0].upper()}{said[1:]}: 3 of 20 {what} (15%) against 15 of 20")
    assert not fewer.more
    # Of two clients the one fails less often where the other fails more often: that is said of the other.
    assert fewer.clear is (family is not Family.CLIENT)
    on_server = comparison(family, other=other, tool=Tool("search", "web"))
    assert on_server.attribute == f"{attribute} on web"
    assert "`search` of `web`" in on_server.sentence


@pytest.mark.parametrize(
    ("concerned", "others", "odds"),
    [
        ((6, 10), (4, 10), "odds ratio 2.2, 95 % interval 0.38–13."),
        ((19, 20), (1, 20), "odds ratio 100 or more, 95 % interval 21–100 or more."),
        ((1, 20), (19, 20), "odds ratio 0.0028, 95 % interval 0.00016–0.048."),
    ],
)
def test_odds_are_told_in_two_digits_up_to_a_hundred(
    concerned: tuple[int, int], others: tuple[int, int], odds: str
) -> None:
    assert comparison(Family.AFTER, concerned, others).sentence.endswith(odds)


def test_what_hardly_may_be_chance_is_clear() -> None:
    for concerned, others, odds in (
        ((14, 20), (5, 20), "odds ratio 7, 95 % interval 1.7–28."),
        ((5, 20), (14, 20), "odds ratio 0.14, 95 % interval 0.035–0.57."),
    ):
        found = comparison(Family.AFTER, concerned, others)
        assert found.sentence.endswith(odds)
        assert found.clear


def test_what_may_be_chance_is_not_clear() -> None:
    found = comparison(Family.AFTER, (6, 10), (4, 10))
    assert (found.more, found.clear, found.told) == (True, False, False)


@pytest.mark.parametrize(
    ("concerned", "others", "found"),
    [((9, 10), (1, 10), 1), ((8, 9), (1, 10), 0), ((9, 10), (1, 9), 0), ((10, 10), (10, 10), 0)],
)
def test_of_fewer_than_ten_on_each_side_nothing_is_compared(
    concerned: tuple[int, int], others: tuple[int, int], found: int
) -> None:
    assert len(judge(compared(Counts(), Family.AFTER, concerned, others), go_on)) == found


@pytest.mark.parametrize(("tasks", "found"), [(4, 0), (5, 1)])
def test_where_tasks_are_known_five_of_them_have_to_tell(tasks: int, found: int) -> None:
    counts = Counts()
    for number in range(tasks):
        compared(counts, Family.AFTER, (4, 5), (1, 5), task=f"t{number}")
    compared(counts, Family.AFTER, (5, 5), (5, 5), task="t9")
    judged = judge(counts, go_on)
    assert len(judged) == found
    if judged:
        assert judged[0].sentence.endswith(", compared within the same task (5 tasks tell something).")
        assert judged[0].sentence.startswith(
            "Directly after `read`, `search` fails more often: 25 of 30 calls (83%) against 10 of 30 calls (33%)"
        )


def test_comparisons_of_calls_count_for_less_where_runs_are_alike_and_those_of_runs_do_not() -> None:
    alike = [(10, 10), (0, 10)] * 3
    for family, as_much in ((Family.AFTER, False), (Family.CALLED, True), (Family.FAILED, True)):
        counts = rates(compared(Counts(), family, (15, 20), (3, 20)), Rate.FAILED, alike)
        found = next(each for each in judge(counts, go_on) if each.other is not None)
        assert (found.p == comparison(family).p) is as_much
        assert ("interval 3.5–83" in found.sentence) is as_much


def test_what_fails_directly_after_another_is_not_told_again_as_once_that_was_called() -> None:
    def once(*, after: tuple[int, int], others: tuple[int, int], server: str = "") -> findings.Tested:
        tool = Tool("search", server)
        counts = compared(Counts(), Family.ONCE, (15, 20), (3, 20), tool=tool)
        found = judge(compared(counts, Family.AFTER, after, others, tool=tool), go_on)
        return next(each for each in found if " once " in each.attribute)

    for server, on in (("", ""), ("web", " on web")):
        told_already = once(after=(15, 20), others=(3, 20), server=server)
        assert told_already.within == ("search", f"failures directly after read{on}")
        assert told_already.clear is False
        assert once(after=(3, 20), others=(15, 20), server=server).clear
        assert once(after=(6, 10), others=(4, 10), server=server).clear


def test_nothing_else_says_a_thing_less_exactly() -> None:
    assert {family: comparison(family).within for family in Family if family is not Family.ONCE} == {
        family: None for family in Family if family is not Family.ONCE
    }


def test_the_surest_comes_first_and_all_that_was_looked_at_counts() -> None:
    counts = rates(Counts(), Rate.FAILED, [(5, 20)])
    rates(counts, Rate.FAILED, [(10, 20)], READ)
    rates(counts, Rate.UNFINISHED, [(0, 20)])
    compared(counts, Family.AFTER, (15, 20), (3, 20))
    found = judge(counts, go_on)
    assert [each.key for each in found] == [
        ("read", "failure rate on files"),
        ("search", "failures directly after read"),
        ("search", "failure rate"),
        ("search", "rate of calls without an answer"),
    ]
    assert [each.q / each.p for each in found] == pytest.approx([4, 2, 4 / 3, 1])


def test_of_what_is_as_sure_the_first_by_name_comes_first() -> None:
    counts = Counts()
    for name in ("b", "c", "a"):
        rates(counts, Rate.FAILED, [(0, 10)], Tool(name))
    assert [each.subject for each in judge(counts, go_on)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("clear", "q", "told"), [(True, 0.05, True), (True, 0.051, False), (False, 0.0, False)]
)
def test_it_is_told_where_it_is_clear_and_hardly_by_chance(clear: bool, q: float, told: bool) -> None:
    assert replace(rate(Rate.FAILED, (12, 20)), clear=clear, q=q).told is told


@pytest.mark.parametrize(("tools", "keys", "asked"), [(0, 0, 0), (1, 1, 2), (3, 20, 4), (3, 21, 5)])
def test_it_is_asked_at_each_rate_and_every_twenty_comparisons_whether_to_go_on(
    tools: int, keys: int, asked: int
) -> None:
    counts = Counts()
    for number in range(tools):
        rates(counts, Rate.FAILED, [(0, 1)], Tool(f"t{number}"))
    for number in range(keys):
        compared(counts, Family.AFTER, (0, 1), (0, 1), other=f"`t{number}`")
    times: list[int] = []
    judge(counts, lambda: times.append(1))
    assert len(times) == asked
