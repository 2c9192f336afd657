"""The kinds of settings: how the value of each is read from TOML, and what is said where it cannot be one. Used by config.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from iai_daemon.units import NEVER, format_duration, format_size, parse_duration, parse_size

# What may turn memories into vectors, and how the name of a model begins that sentence-transformers loads.
MODELS = ("hash", "wordllama", "http", "none")
SENTENCES = "sentence-transformers:"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)
_LONGEST_NAME = 200
# What passes and commands may be called.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)

# What stands in an address between the user and the host: it may hold what it should not, such as @ and /, and ends with the last @. A
# number there is a port.
_PASSWORD = re.compile(r"(?<=://)([^/?@:]*:)(?!\d{1,5}(?:[/?,]|$)).*(?=@)")
# What only its owner may know of an address's parameters.
_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of setting is read from a TOML value (ValueError says why not) and written back as one.

    `tables`: it is written as [[section.key]], one table after the other. `choices`: what it can be, where that is known.
    """

    read: Callable[[object], object]
    write: Callable[[Any], object] = lambda value: value
    tables: bool = False
    choices: tuple[str, ...] = ()


def need(value: object, wanted: type, example: str) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"must be {example}")
    return value


def duration(at_least: float = 0.0, *, never: bool = True) -> Kind:
    def read(value: object) -> float:
        seconds = parse_duration(need(value, str, 'a duration in quotes, such as "90s", "5m" or "48h"'))
        if seconds == NEVER and not never:
            raise ValueError('cannot be "never"')
        if seconds < at_least:
            raise ValueError(f"must be at least {format_duration(at_least)}")
        return seconds

    return Kind(read, format_duration)


def size(at_least: int) -> Kind:
    def read(value: object) -> int:
        wanted = parse_size(need(value, str, 'a size in quotes, such as "10MB"'))
        if wanted < at_least:
            raise ValueError(f"must be at least {format_size(at_least)}")
        return wanted

    return Kind(read, format_size)


def whole(at_least: int, at_most: int) -> Kind:
    def read(value: object) -> int:
        number = cast("int", need(value, int, f"a whole number from {at_least} to {at_most}"))
        if not at_least <= number <= at_most:
            raise ValueError(f"must be a whole number from {at_least} to {at_most}")
        return number

    return Kind(read)


def number_of(at_least: float, at_most: float = NEVER) -> Kind:
    def read(value: object) -> float:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else NEVER
        if not at_least <= number <= at_most or number == NEVER:
            limits = f"of at least {at_least:g}" if at_most == NEVER else f"from {at_least:g} to {at_most:g}"
            raise ValueError(f"must be a number {limits}")
        return float(number)

    return Kind(read)


def one_of(*choices: str) -> Kind:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError("must be " + " or ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return Kind(read, choices=choices)


def texts() -> Kind:
    def read(value: object) -> tuple[str, ...]:
        read_in = need(value, list, 'a list of texts, such as ["…"]')
        if not all(isinstance(text, str) and text for text in read_in):
            raise ValueError('must be a list of texts, such as ["…"]')
        if len(set(read_in)) != len(read_in):
            raise ValueError("names something twice")
        return tuple(read_in)

    return Kind(read, list)


def directories() -> Kind:
    """At least one, or everybody would seem absent; none that depends on where the daemon was started."""

    def read(value: object) -> tuple[str, ...]:
        paths = cast("tuple[str, ...]", texts().read(value))
        if not paths or not all(path == "~" or path.startswith(("{home}", "~/", "/")) for path in paths):
            raise ValueError('must name at least one directory, each beginning with "{home}", "~/" or "/"')
        return paths

    return Kind(read, list)


def path_or_none() -> Kind:
    """None is written "". A path does not depend on where the daemon was started."""

    def read(value: object) -> str:
        path = cast("str", need(value, str, 'a path in quotes, or ""'))
        if "\0" in path or not (path in ("", "~") or path.startswith(("{home}", "~/", "/"))):
            raise ValueError('must begin with "{home}", "~/" or "/", or be ""')
        return path

    return Kind(read)


def a_path() -> Kind:
    def read(value: object) -> str:
        path = cast("str", path_or_none().read(value))
        if not path:
            raise ValueError('must begin with "{home}", "~/" or "/"')
        return path

    return Kind(read)


def embedding_model() -> Kind:
    def read(value: object) -> str:
        if isinstance(value, str) and value.startswith(SENTENCES) and value.removeprefix(SENTENCES).strip():
            return value
        if value not in MODELS:
            named = ", ".join(f'"{each}"' for each in MODELS)
            raise ValueError(f'must be {named} or "{SENTENCES}NAME"')
        return str(value)

    return Kind(read, choices=MODELS)


def url_or_none(example: str, key: str, *, query: bool = False) -> Kind:
    """None is written "". Credentials are refused, `key` says where they belong: people show their settings to one another.

    `query`: whether it may have one, being a whole address to which nothing is added.
    """

    def read(value: object) -> str:
        text = cast("str", need(value, str, f'an address in quotes, such as "{example}", or ""'))
        if not text:
            return text
        parts = _split(text)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('must be an address that begins with "http://" or "https://", or ""')
        if parts.username is not None or parts.password is not None:
            raise ValueError(f"must not hold a user's name or a password: {key} names where a key is")
        if (parts.query and not query) or parts.fragment:
            raise ValueError(f'must end before what is added to it, such as "{example}"')
        return text

    return Kind(read)


def _split(url: str) -> SplitResult | None:
    """None: it is no address."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 and url.isascii() and url.isprintable() and " " not in url else None
    except ValueError:
        return None


def is_loopback(url: str) -> bool:
    """Whether what is sent there stays on this machine, as far as the address tells."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def line_of_text() -> Kind:
    def read(value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_NAME:
            raise ValueError(f"must be a text of at most {_LONGEST_NAME} characters on one line")
        return value

    return Kind(read)


def variable_or_none() -> Kind:
    """A key itself looks otherwise: who writes it here is told before it is read anywhere."""

    def read(value: object) -> str:
        if value != "" and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            raise ValueError('must be the name of an environment variable such as "OPENAI_API_KEY", or ""')
        return value

    return Kind(read)


def store_address() -> Kind:
    """ "sqlite", or where a PostgreSQL is. Shown without its password."""

    def read(value: object) -> str:
        text = need(value, str, '"sqlite" or an address such as "postgresql://user@host/database"')
        if text != "sqlite" and not is_server(text):
            raise ValueError('must be "sqlite" or an address such as "postgresql://user@host/database"')
        return str(text)

    return Kind(read, without_password)


def is_server(store: str) -> bool:
    """Whether a store is an address of PostgreSQL's."""
    return store.startswith(("postgresql://", "postgres://"))


def without_password(store: str) -> str:
    """The address as people may see it."""
    address, mark, parameters = _PASSWORD.sub(r"\1…", store).partition("?")
    shown = (
        f"{name}=…" if unquote(name).strip() in _SECRETS else each
        for each in parameters.split("&")
        for name in [each.partition("=")[0]]
    )
    return address + mark + "&".join(shown)


def duration_or_usual(usual: float) -> Kind:
    """Nothing, or less than that, means the usual one."""

    def read(value: object) -> float:
        text = need(value, str, 'a duration in quotes, such as "30s"')
        seconds = cast("float", duration(never=False).read(text.removeprefix("-")))
        return usual if text.startswith("-") or not seconds else seconds

    return Kind(read, format_duration)


def whole_or_usual(usual: int, at_most: int) -> Kind:
    """Zero, or less than that, means the usual one."""

    def read(value: object) -> int:
        number = cast("int", need(value, int, f"a whole number up to {at_most}"))
        if number > at_most:
            raise ValueError(f"must be a whole number up to {at_most}")
        return number if number > 0 else usual

    return Kind(read)


def short_name() -> Kind:
    def read(value: object) -> str:
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise ValueError("must be a short name of small letters, digits, - and _")
        return value

    return Kind(read)


def argv() -> Kind:
    """A program and its arguments. A relative path would depend on where the daemon was started."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
            raise ValueError('must be a list of texts, the program first, such as ["/usr/bin/tidy", "notes"]')
        if any("\0" in each for each in value) or not value[0]:
            raise ValueError("holds a text that no program can be given")
        if "/" in value[0] and not value[0].startswith(("/", "~/")):
            raise ValueError('must begin with a name that PATH leads to, or with a path from "/" or "~/"')
        return tuple(value)

    return Kind(read, list)


def argv_or_none() -> Kind:
    return Kind(lambda value: () if value == [] else argv().read(value), list)


YES_OR_NO = Kind(lambda value: need(value, bool, "true or false"), choices=("true", "false"))
