"""Who may ask what of the served page, by plain values of requests; test_serving.py asks it of a real server."""

from __future__ import annotations

import pytest

from iai_daemon.report.serving.access import Access, Refusal

ACCESS = Access(8123, token="the token", key="the key", csrf="the csrf")  # noqa: S106 -- of nothing
COOKIES = {"iai-daemon-8123": "the key"}
OURS = {"origin": "http://127.0.0.1:8123", "x-csrf-token": "the csrf"}

ELSEWHERE = Refusal(
    421, "This address is not the one that the page is served at. Open the one that the terminal shows."
)
UNKNOWN = Refusal(
    403,
    "This page is for whoever started it: open the address with the token that `iai-daemon report --serve` has printed.",
)
FOREIGN = Refusal(403, "That was asked by another page, and is not done.")
OLDER = Refusal(403, "The page that asked is older than this server: load it again.")


def test_the_address_is_that_of_this_machine_with_the_token() -> None:
    assert ACCESS.address == "http://127.0.0.1:8123/?token=the token"
    assert ACCESS.cookie == "iai-daemon-8123"


def test_each_server_has_secrets_of_its_own_of_thirty_two_bytes() -> None:
    one, other = Access.new(8123), Access.new(8123)
    assert (one.port, other.port) == (8123, 8123)
    secrets = {one.token, one.key, one.csrf, other.token, other.key, other.csrf}
    assert len(secrets) == 6
    assert {len(each) for each in secrets} == {43}


@pytest.mark.parametrize(
    ("token", "opens"),
    [
        ("the token", True),
        ("the toke", False),
        ("the token ", False),
        ("The token", False),
        ("the key", False),
        ("", False),
        ("\udcff", False),
        ("größe", False),
    ],
)
def test_the_token_of_the_address_opens_and_nothing_else(token: str, opens: bool) -> None:
    assert ACCESS.opens(token) is opens


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost:8123", "LocalHost:8123"])
def test_the_address_may_be_written_in_two_ways(host: str) -> None:
    assert ACCESS.refuses_place(host) is None
    assert ACCESS.refuses("POST", {**OURS, "origin": f"http://{host}"}, COOKIES) is None


@pytest.mark.parametrize(
    "host",
    ["", "127.0.0.1", "localhost", "127.0.0.1:80", "localhost:81230", "evil.example:8123", "[::1]:8123"],
)
def test_a_name_that_somebody_else_made_point_here_is_refused(host: str) -> None:
    assert ACCESS.refuses_place(host) == ELSEWHERE
    assert ACCESS.refuses("POST", {**OURS, "origin": f"http://{host}"}, COOKIES) == FOREIGN


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:80", "localhost:80"])
def test_the_usual_port_need_not_be_said(host: str) -> None:
    usual = Access(80, "t", "k", "c")
    assert usual.refuses_place(host) is None
    assert usual.refuses_place("evil.example") == ELSEWHERE
    assert Access(81, "t", "k", "c").refuses_place(host) == ELSEWHERE


@pytest.mark.parametrize(
    "cookies",
    [{}, {"iai-daemon-8123": ""}, {"iai-daemon-8123": "another"}, {"iai-daemon-8124": "the key"}],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_who_does_not_have_the_cookie_is_not_known(method: str, cookies: dict[str, str]) -> None:
    assert ACCESS.refuses(method, OURS, cookies) == UNKNOWN


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_only_looks_needs_the_cookie_alone(method: str) -> None:
    assert ACCESS.refuses(method, {}, COOKIES) is None
    assert ACCESS.refuses(method, {"origin": "http://evil.example"}, COOKIES) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"origin": ""}, FOREIGN),
        ({"origin": "null"}, FOREIGN),
        ({"origin": "https://127.0.0.1:8123"}, FOREIGN),
        ({"origin": "http://127.0.0.1:8124"}, FOREIGN),
        ({"origin": "HTTP://LOCALHOST:8123"}, None),
        ({"x-csrf-token": ""}, OLDER),
        ({"x-csrf-token": "the key"}, OLDER),
        ({"x-csrf-token": "\udcff"}, OLDER),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "get"])
def test_who_changes_something_does_so_from_our_page_of_this_server(
    method: str, changes: dict[str, str], refusal: Refusal | None
) -> None:
    assert ACCESS.refuses(method, {**OURS, **changes}, COOKIES) == refusal


@pytest.mark.parametrize("name", ["origin", "x-csrf-token"])
def test_a_header_that_is_missing_is_as_good_as_a_wrong_one(name: str) -> None:
    headers = {each: value for each, value in OURS.items() if each != name}
    assert ACCESS.refuses("POST", headers, COOKIES) == (FOREIGN if name == "origin" else OLDER)


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"sec-fetch-site": "none"}, None),
        ({"sec-fetch-site": "same-origin"}, None),
        ({"sec-fetch-site": "same-site"}, FOREIGN),
        ({"sec-fetch-site": "cross-site"}, FOREIGN),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, FOREIGN),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, None),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, None),
        ({"sec-fetch-mode": "cors"}, None),
    ],
)
def test_another_page_may_lead_here_and_ask_nothing(headers: dict[str, str], refusal: Refusal | None) -> None:
    assert ACCESS.refuses("GET", headers, COOKIES) == refusal
