"""Strategies that damage good examples: purely random bytes are refused at the first one, and find nothing."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# What readers of texts, numbers, times and JSON stumble over.
TOKENS = (
    *(b"0", b"-1", b"1", b"1.5", b"1e309", b"-0.0", b"9" * 30, b"9" * 5000, b"2147483648", b"9223372036854775808"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"{}", b"[]", b'""', b'"a"', b'"\\ud800"', b"[" * 3000, b'{"a":' * 2000),
    *(b"{", b"}", b"[", b"]", b'"', b"'", b",", b":", b"=", b"#", b"\\", b"/", b"//", b"/*", b"*/", b";", b"%", b"`"),
    *(b"\n", b"\r\n", b"\r", b"\t", b" ", b"\0", b"\x1b[2J", b"\x7f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(each.encode() for each in ("ü", "\u2028", "\u202e", "\u0663", "\U0001f319", "\ufeff")),
    *(b"1969-12-31T23:59:59Z", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00", b"2026-02-30T25:61:61Z", b"x" * 70_000),
)  # fmt: skip
_WORD = re.compile(rb"[A-Za-z0-9_.+-]+|[^A-Za-z0-9_.+\s]|\s+")
_SCALE = 1 << 16
_LONGEST = 100_000


class Edit(NamedTuple):
    """One act of damage. `place` and `to` are parts of the whole in 65536ths; an odd place is moved to where a word begins."""

    act: int
    place: int
    to: int
    token: int


# Two bytes choose the examples; each edit behind them is written in so many.
_CHOICE, _EDIT = struct.Struct("BB"), struct.Struct(">BHHH")


def one_of(these: Sequence[Any]) -> SearchStrategy[Any]:
    """One of these. Hypothesis' own would put all of them into the texts of its errors."""
    return st.integers(0, len(these) - 1).map(lambda number: these[number])


def mutated(corpus: Sequence[bytes], tokens: Sequence[bytes] = (), *, most: int = 6) -> SearchStrategy[bytes]:
    """One of these examples with up to so many edits. `tokens`: what means something to this reader, beside TOKENS.

    All of it is drawn at once, as bytes: drawn one by one, the choices would cost more than what is tried with them.
    """
    known = [*tokens, *TOKENS, *tokens]

    def damaged(drawn: bytes) -> bytes:
        first, second = _CHOICE.unpack_from(drawn)
        data, other = corpus[first % len(corpus)], corpus[second % len(corpus)]
        whole = (len(drawn) - _CHOICE.size) // _EDIT.size
        for number in range(whole):
            edit = Edit(*_EDIT.unpack_from(drawn, _CHOICE.size + number * _EDIT.size))
            data = _ACTS[edit.act % len(_ACTS)](data, other, edit, known[edit.token % len(known)])[:_LONGEST]
        return data

    return st.binary(min_size=_CHOICE.size, max_size=_CHOICE.size + most * _EDIT.size).map(damaged)


def mutated_text(corpus: Sequence[str], tokens: Sequence[str] = (), *, most: int = 6) -> SearchStrategy[str]:
    """The same of texts; what is no UTF-8 any more becomes question marks."""
    data = mutated([each.encode() for each in corpus], [each.encode() for each in tokens], most=most)
    return data.map(lambda found: found.decode(errors="replace"))


def _at(data: bytes, place: int) -> int:
    if place % 2:
        begins = [found.start() for found in _WORD.finditer(data)]
        return begins[place * len(begins) // _SCALE] if begins else 0
    return place * len(data) // _SCALE


def _span(data: bytes, edit: Edit) -> tuple[int, int]:
    first, last = sorted((_at(data, edit.place), _at(data, edit.to)))
    return first, last


def _word(data: bytes, edit: Edit) -> tuple[int, int]:
    at = _at(data, edit.place | 1)
    found = _WORD.match(data, at)
    return at, found.end() if found else at


def _flip(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    at = _at(data, edit.place)
    return data[:at] + bytes(each ^ (1 << edit.to % 8) for each in data[at : at + 1]) + data[at + 1 :]


def _insert(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    at = _at(data, edit.place)
    return data[:at] + token + data[at:]


def _replace_word(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    first, last = _word(data, edit)
    return data[:first] + token + data[last:]


def _drop_word(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    first, last = _word(data, edit)
    return data[:first] + data[last:]


def _cut_out(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    first, last = _span(data, edit)
    return data[:first] + data[last:]


def _truncate(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    return data[: _at(data, edit.place)]


def _double(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    first, last = _span(data, edit)
    return data[:last] + data[first:last] + data[last:]


def _repeat_word(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    first, last = _word(data, edit)
    return data[:last] + data[first:last] * (edit.to % 300) + data[last:]


def _splice(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    return data[: _at(data, edit.place)] + other[_at(other, edit.to) :]


def _swap_lines(data: bytes, other: bytes, edit: Edit, token: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        one, two = (place * len(lines) // _SCALE for place in (edit.place, edit.to))
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


_ACTS: Sequence[Callable[[bytes, bytes, Edit, bytes], bytes]] = (
    *(
        _replace_word,
        _insert,
        _drop_word,
        _flip,
        _cut_out,
        _truncate,
        _double,
        _repeat_word,
        _splice,
        _swap_lines,
    ),
)
