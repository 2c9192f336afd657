"""Who may ask what of the served page. Pure but for `new`: values of a request in, a refusal or none out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

_LOOPBACK = "127.0.0.1"
# Ports that browsers leave out of addresses.
_UNSAID = 80
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered: an HTTP status, and a sentence for the person at the browser."""

    status: int
    problem: str


_ELSEWHERE = Refusal(
    421, "This address is not the one that the page is served at. Open the one that the terminal shows."
)
_UNKNOWN = Refusal(
    403,
    "This page is for whoever started it: open the address with the token that `iai-daemon report --serve` has printed.",
)
_FOREIGN = Refusal(403, "That was asked by another page, and is not done.")
_NOT_OURS = Refusal(403, "The page that asked is older than this server: load it again.")


@dataclass(frozen=True, slots=True)
class Access:
    """What is secret about one server. `token` stands in the printed address, `key` in the browser's cookie, `csrf` in the page."""

    port: int
    token: str
    key: str
    csrf: str

    @classmethod
    def new(cls, port: int) -> Access:
        """With secrets of 32 random bytes each."""
        return cls(port, *(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def address(self) -> str:
        """Where whoever has the token comes in."""
        return f"http://{_LOOPBACK}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies know no ports, and several homes may be served at a time."""
        return f"iai-daemon-{self.port}"

    def opens(self, token: str) -> bool:
        """Whether it is the token of the printed address."""
        return _same(token, self.token)

    def refuses_place(self, host: str) -> Refusal | None:
        """`host`: what the browser believes to speak with. A name that somebody else made point here is not ours."""
        return None if host.lower() in self._hosts() else _ELSEWHERE

    def refuses(self, method: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Refusal | None:
        """Of a request to the right place; header names in lower case."""
        if not _same(cookies.get(self.cookie, ""), self.key):
            return _UNKNOWN
        if _asked_by_another_page(headers):
            return _FOREIGN
        if method in _SAFE:
            return None
        if headers.get("origin", "").lower() not in {f"http://{host}" for host in self._hosts()}:
            return _FOREIGN
        return None if _same(headers.get("x-csrf-token", ""), self.csrf) else _NOT_OURS

    def _hosts(self) -> set[str]:
        named = {f"{name}:{self.port}" for name in (_LOOPBACK, "localhost")}
        return named | ({_LOOPBACK, "localhost"} if self.port == _UNSAID else set())


def _asked_by_another_page(headers: Mapping[str, str]) -> bool:
    """A page of another server on this machine counts as the same site for cookies, since it differs by its port only.

    Browsers say so (https://www.w3.org/TR/fetch-metadata/); going to our page from there is no harm.
    """
    site = headers.get("sec-fetch-site", "none")
    return site not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate"


def _same(given: str, ours: str) -> bool:
    """In a time that tells nothing about how much of it is right."""
    return secrets.compare_digest(given.encode(errors="surrogateescape"), ours.encode())
