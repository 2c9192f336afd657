"""Answers that go on: nothing comes twice and nothing is left out, whatever is told meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.errors import UsageError
from iai_daemon.mcp_server.cursor import cursor, numbers_of, steps, summed
from iai_daemon.paths import Home
from tests.mcp_server.users import Server


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    server = Server(home)
    yield server
    server.leave()


def remember(server: Server, count: int, text: str) -> set[int]:
    return {server.call("remember", content=text.format(number))["id"] for number in range(count)}


def pages(server: Server, tool: str, name: str, **arguments: object) -> Iterator[list[int]]:
    """The ids of each answer, to the last."""
    answer = server.call(tool, **arguments)
    yield [each["id"] for each in answer[name]]
    while "next_cursor" in answer:
        answer = server.call(tool, cursor=answer["next_cursor"], **arguments)
        yield [each["id"] for each in answer[name]]


def test_the_pages_of_a_search_are_all_that_it_finds_and_each_once(server: Server) -> None:
    told = remember(server, 25, "Host {} is backed up to the vault.")
    found = list(pages(server, "search_memory", "results", query="vault backup", limit=10))
    assert [len(page) for page in found] == [10, 10, 5]
    assert {each for page in found for each in page} == told
    everything = [
        each["id"] for each in server.call("search_memory", query="vault backup", limit=100)["results"]
    ]
    assert len(everything) == 25


def test_what_is_told_between_two_pages_makes_nothing_come_twice_and_is_not_lost(server: Server) -> None:
    before = remember(server, 12, "Host {} is backed up to the vault.")
    found = pages(server, "search_memory", "results", query="vault", limit=5)
    told = next(found)
    meanwhile = remember(server, 4, "The vault, the vault, box {} of the vault.")
    for page in found:
        told += page
    assert len(told) == len(set(told))
    assert set(told) == before | meanwhile


def test_a_page_holds_no_more_than_was_asked_for_and_the_last_one_leads_nowhere(server: Server) -> None:
    remember(server, 3, "Host {} is backed up to the vault.")
    assert "next_cursor" not in server.call("search_memory", query="vault", limit=3)
    answer = server.call("search_memory", query="vault", limit=2)
    assert len(answer["results"]) == 2
    last = server.call("search_memory", query="vault", limit=2, cursor=answer["next_cursor"])
    assert (len(last["results"]), "next_cursor" in last) == (1, False)
    assert last["results"][0]["score"] <= answer["results"][-1]["score"]


def test_a_history_goes_on_where_it_stopped_although_it_grows(server: Server) -> None:
    def tell(number: int) -> None:
        server.call("remember", content=f"The port is {number}.", subject="staging", attribute="port")

    for number in range(5):
        tell(number)
    found = pages(server, "memory_history", "records", subject="staging", limit=2)
    told = next(found)
    tell(5)
    for page in found:
        told += page
    assert told == [1, 2, 3, 4, 5, 6]


def test_a_cursor_of_another_question_is_refused_and_said_so(server: Server) -> None:
    remember(server, 3, "Host {} is backed up to the vault.")
    told = server.call("search_memory", query="vault", limit=1)["next_cursor"]
    for changed in (
        {"query": "host"},
        {"scope": "elsewhere"},
        {"include_superseded": True},
        {"as_of": "2027-01-01T00:00:00Z"},
    ):
        with pytest.raises(RuntimeError, match="leave it out to begin anew"):
            server.call("search_memory", **{"query": "vault", "limit": 1, "cursor": told, **changed})
    assert server.call("search_memory", query=" vault ", limit=3, cursor=f" {told} ")["results"]


def test_a_cursor_that_was_made_up_is_refused_in_one_sentence(server: Server) -> None:
    asked = (("search_memory", {"query": "x"}), ("memory_history", {"subject": "x"}))
    for made_up in ("2", "next", "00000000-1.2", "-", "ffffffff-", "é"):
        for tool, arguments in asked:
            with pytest.raises(RuntimeError, match="does not belong to this question") as refused:
                server.call(tool, cursor=made_up, **arguments)
            assert "\n" not in str(refused.value)


@given(st.lists(st.integers(-(2**63), 2**63), min_size=1), st.lists(st.text() | st.booleans()))
def test_a_cursor_holds_its_numbers_for_its_question_only(numbers: list[int], about: list[object]) -> None:
    told = cursor(about, numbers)
    assert numbers_of(told, about) == tuple(numbers)
    with pytest.raises(UsageError):
        numbers_of(told, [*about, "more"])
    with pytest.raises(UsageError):
        numbers_of(told + "1", about)


@given(st.lists(st.integers(0, 2**40)))
def test_ascending_numbers_survive_as_steps(numbers: list[int]) -> None:
    assert summed(steps(sorted(numbers))) == sorted(numbers)
