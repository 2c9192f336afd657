"""The embedder that needs nothing: words, and pieces of them, hashed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from iai_daemon.memory.embedders.embedder import GoOn
from iai_daemon.memory.vectors import Vectors, unit

_Numbers = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.intp]

# A longer text is judged by its beginning: 256 cells say nothing about more, and what is in hand at once stays small.
_MOST_CHARACTERS = 4096
_CHARACTERS_AT_ONCE = 65_536
_NEIGHBOURS = (2, 3)
_DIMENSION = 256

_NO_WORD = re.compile(r"[\W_]+")
_SPACE = ord(" ")
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_POWERS = np.cumprod(np.full(_MOST_CHARACTERS, _PRIME))


class HashEmbedder:
    """Words, and two or three neighbouring characters, hashed into 256 cells: no download, the same on every machine.

    Every such feature adds one to a cell or takes one off, as its hash says. The sums are whole numbers, so the vectors
    are equal to the last bit whatever machine and library made them.
    """

    name = "hash-256"

    def embed(self, texts: Sequence[str], go_on: GoOn = lambda: None) -> Vectors:
        """One row per text, of length 1 (or 0 for a text without any letter or digit)."""
        rows = np.zeros((len(texts), _DIMENSION), dtype=np.float64)
        done = 0
        for part in _in_parts([_clean(text) for text in texts]):
            go_on()
            rows[done : done + len(part)] = self._sums(part)
            done += len(part)
        return unit(rows)

    def _sums(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """The cells of each of these cleaned texts."""
        characters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(
            np.uint64
        )
        text_at = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        features = [_words(characters), *(_neighbours(characters, text_at, n) for n in _NEIGHBOURS)]
        hashes = _mix(np.concatenate([found for found, _ in features]))
        owners = text_at[np.concatenate([places for _, places in features])]
        cells = (hashes & np.uint64(_DIMENSION - 1)).astype(np.intp)
        signs = np.where(hashes >> np.uint64(63), -1, 1)
        sums = np.bincount(owners * _DIMENSION + cells, signs, len(texts) * _DIMENSION)
        return sums.reshape(len(texts), _DIMENSION).astype(np.float64)


def _clean(text: str) -> str:
    """Its words with one space before, between and after them."""
    words = _NO_WORD.sub(" ", text[:_MOST_CHARACTERS].casefold()).strip()
    return f" {words} " if words else ""


def _in_parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in runs of about _CHARACTERS_AT_ONCE."""
    start = length = 0
    for index, text in enumerate(texts):
        if length + len(text) > _CHARACTERS_AT_ONCE and index > start:
            yield texts[start:index]
            start, length = index, 0
        length += len(text)
    if start < len(texts):
        yield texts[start:]


def _words(characters: _Numbers) -> tuple[_Numbers, _Places]:
    """The hash of every word, and where it begins: the sum of its characters times powers of a prime, modulo 2⁶⁴."""
    inside = np.flatnonzero(characters != _SPACE)
    if not len(inside):
        return np.empty(0, np.uint64), inside
    first = np.flatnonzero(characters[inside - 1] == _SPACE)
    lengths = np.diff(np.append(first, len(inside)))
    place_in_word = np.arange(len(inside)) - np.repeat(first, lengths)
    hashes = np.add.reduceat(characters[inside] * _POWERS[place_in_word % _MOST_CHARACTERS], first)
    return hashes, inside[first]


def _neighbours(characters: _Numbers, text_at: _Places, n: int) -> tuple[_Numbers, _Places]:
    """The hash of every run of `n` characters within one text, and where it begins."""
    count = max(0, len(characters) - n + 1)
    hashes = np.full(count, n, dtype=np.uint64)
    for offset in range(n):
        hashes = hashes * _PRIME + characters[offset : offset + count]
    within = np.flatnonzero(text_at[:count] == text_at[len(text_at) - count :])
    return hashes[within], within


def _mix(hashes: _Numbers) -> _Numbers:
    """Spread every bit over all of them: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
