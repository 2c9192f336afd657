"""What the courier is asked, by plain lines: an order, or what is wrong with it in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iai_daemon.agenda.slots.courier.orders import LONGEST_LINE, Agent, BadOrder, Beat, Tell, from_line
from tests.agenda.courier.asking import STAMP

BEAT: dict[str, Any] = {"id": 3, "do": "beat", "captured_at": STAMP, "agents": []}
AGENT: dict[str, Any] = {"id": "writer", "model": "large", "status": "idle"}
UPDATE: dict[str, Any] = {
    "id": 4,
    "do": "update",
    "slot": "7",
    "status": "aborted",
    "summary": "half a song",
    "reason": "no voice",
    "key": "k-1",
}


def line(order: Any) -> bytes:
    return json.dumps(order).encode()


def refused(given: bytes) -> tuple[str, int | None]:
    """What is wrong with it, and what it calls itself."""
    with pytest.raises(BadOrder) as caught:
        from_line(given)
    return str(caught.value), caught.value.id


def without(order: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in order.items() if each != name}


def test_a_beat_names_every_agent_in_its_order() -> None:
    order = {**BEAT, "agents": [AGENT, {"id": "reader", "model": "small", "status": "working"}]}
    agents = (Agent("writer", "large", "idle"), Agent("reader", "small", "working"))
    assert from_line(line(order)) == Beat(3, STAMP, agents)
    assert from_line(line(BEAT)) == Beat(3, STAMP, ())


@pytest.mark.parametrize("agent", [{**AGENT, "model": None}, {**AGENT, "model": ""}, without(AGENT, "model")])
def test_an_agent_need_not_say_its_model(agent: dict[str, Any]) -> None:
    assert from_line(line({**BEAT, "agents": [agent]})) == Beat(3, STAMP, (Agent("writer", "", "idle"),))


def test_an_update_says_what_became_of_a_slot() -> None:
    assert from_line(line(UPDATE)) == Tell(4, "7", "aborted", "half a song", "no voice", "k-1")


@pytest.mark.parametrize("nothing", [{"summary": None, "reason": None}, {}])
def test_an_update_need_not_say_more_than_a_status(nothing: dict[str, None]) -> None:
    bare = without(without(UPDATE, "summary"), "reason")
    assert from_line(line({**bare, **nothing})) == Tell(4, "7", "aborted", None, None, "k-1")


def test_an_empty_summary_stays_one() -> None:
    assert from_line(line({**UPDATE, "summary": "", "reason": ""})) == Tell(4, "7", "aborted", "", "", "k-1")


def test_a_line_may_be_as_long_as_a_million_bytes_and_no_longer() -> None:
    assert LONGEST_LINE == 1_000_000
    longest = line(BEAT).ljust(1_000_000)
    assert from_line(longest) == Beat(3, STAMP, ())
    assert refused(longest + b" ") == ("the line is too long", None)


@pytest.mark.parametrize("given", [b"", b"{", b"beat", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_line_that_is_no_json_is_refused(given: bytes) -> None:
    assert refused(given) == ("the line is no JSON", None)


@pytest.mark.parametrize(
    "order",
    [
        7,
        None,
        [BEAT],
        "beat",
        {},
        without(BEAT, "id"),
        *({**BEAT, "id": id_} for id_ in ("3", True, 3.0, None)),
    ],
)
def test_an_order_has_a_whole_number_as_its_id(order: Any) -> None:
    assert refused(line(order)) == ("the line is no order with a number as its id", None)


@pytest.mark.parametrize(
    "order", [{**BEAT, "do": "dance"}, without(BEAT, "do"), {**UPDATE, "do": ["update"]}]
)
def test_what_an_order_may_ask_for_is_named_to_whoever_asks_for_something_else(order: dict[str, Any]) -> None:
    assert refused(line(order)) == ('an order\'s "do" is "beat" or "update"', order["id"])


@pytest.mark.parametrize(
    ("order", "name"),
    [
        (BEAT, "captured_at"),
        (UPDATE, "slot"),
        (UPDATE, "status"),
        (UPDATE, "key"),
    ],
)
def test_what_an_order_must_say_it_says_as_a_text(order: dict[str, Any], name: str) -> None:
    for wrong in (without(order, name), {**order, name: ""}, {**order, name: 7}, {**order, name: None}):
        assert refused(line(wrong)) == (f"{name} is no text", order["id"])


@pytest.mark.parametrize("name", ["summary", "reason"])
@pytest.mark.parametrize("value", [0, False, ["x"], {}])
def test_what_an_update_may_say_is_a_text(name: str, value: Any) -> None:
    assert refused(line({**UPDATE, name: value})) == (f"{name} is no text", 4)


@pytest.mark.parametrize("agents", [None, {}, "writer", [AGENT, "reader"], [[]], ["reader", AGENT]])
def test_the_agents_of_a_beat_are_a_list_of_objects(agents: Any) -> None:
    assert refused(line({**BEAT, "agents": agents})) == ("agents is no list of objects", 3)
    assert refused(line(without(BEAT, "agents"))) == ("agents is no list of objects", 3)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (without(AGENT, "id"), "id"),
        ({**AGENT, "id": 7}, "id"),
        ({**AGENT, "model": 7}, "model"),
        (without(AGENT, "status"), "status"),
        ({**AGENT, "status": ""}, "status"),
    ],
)
def test_an_agent_says_its_id_and_its_status(agent: dict[str, Any], name: str) -> None:
    assert refused(line({**BEAT, "agents": [AGENT, agent]})) == (f"{name} is no text", 3)


@pytest.mark.parametrize("key", ["grüße", "a\nb", "a\tb", " a", "a ", "\x7f"])
def test_a_key_can_stand_in_a_header(key: str) -> None:
    assert refused(line({**UPDATE, "key": key})) == ("key cannot stand in a header", 4)


def test_a_key_may_hold_blanks_and_signs() -> None:
    assert from_line(line({**UPDATE, "key": "a b~{c}"})) == Tell(
        4, "7", "aborted", "half a song", "no voice", "a b~{c}"
    )
