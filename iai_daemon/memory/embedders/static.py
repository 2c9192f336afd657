"""The static word vectors that the package `wordllama` carries, read from where it is installed: the package itself is never
imported, so neither its own dependencies nor the network are needed (`pip install --no-deps wordllama`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, PackagePath, files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from iai_daemon.errors import NoEmbedder
from iai_daemon.memory.embedders.embedder import GoOn
from iai_daemon.memory.vectors import Vectors, unit

_PACKAGE = "wordllama"
_WEIGHTS, _TOKENIZER = "l2_supercat_256.safetensors", "l2_supercat_tokenizer_config.json"
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
# No piece of the vocabulary goes on behind a space, so what is between two of them is split by itself.
_BETWEEN_SPACES = re.compile(f"{_SPACE}+[^{_SPACE}]*")
# A longer text is judged by its beginning. What has no space for so long is no word.
_MOST_CHARACTERS, _LONGEST_WORD = 4096, 64
_WORDS_KEPT = 65_536
_DIMENSION = 256
# Of so many characters or pieces: some milliseconds, and 8 MB of vectors.
_AT_ONCE = 8192


class StaticEmbedder:
    """The mean of the vectors of a text's pieces. Raises NoEmbedder when the package is missing or holds something else."""

    name = "wordllama-256"

    def __init__(self) -> None:
        found = _files()
        try:
            self._vectors = _matrix(found[_WEIGHTS])
            self.pieces = Pieces(_model(found[_TOKENIZER]))
            if self.pieces.numbers != set(range(len(self._vectors))):
                raise ValueError("vectors and pieces do not match")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
            raise _other_than_expected(found[_WEIGHTS].parent.parent) from cause

    def embed(self, texts: Sequence[str], go_on: GoOn = lambda: None) -> Vectors:
        """One row per text, of length 1 (or 0 for an empty text)."""
        rows = np.zeros((len(texts), _DIMENSION), np.float32)
        done, split, waiting = 0, list[list[int]](), 0
        for text in texts:
            if waiting >= _AT_ONCE:
                go_on()
                rows[done : done + len(split)] = self._sums(split)
                done, split, waiting = done + len(split), [], 0
            split.append(self.pieces.of(text[:_MOST_CHARACTERS]))
            waiting += max(len(split[-1]), min(len(text), _MOST_CHARACTERS))
        rows[done:] = self._sums(split)
        return unit(rows)

    def _sums(self, split: Sequence[Sequence[int]]) -> Vectors:
        """The vectors of these pieces, added up text by text."""
        rows = np.zeros((len(split), _DIMENSION), np.float32)
        counts = np.fromiter(map(len, split), np.intp, len(split))
        full = np.flatnonzero(counts)
        if len(full):
            numbers = np.fromiter((number for each in split for number in each), np.intp, counts.sum())
            starts = (np.cumsum(counts) - counts)[full]
            rows[full] = np.add.reduceat(self._vectors[numbers].astype(np.float32), starts)
        return rows


class Pieces:
    """Byte-pair encoding with a fallback to bytes, as SentencePiece does it (Sennrich, Haddow and Birch, 2016). Of a `model` in the
    form of the package `tokenizers`."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._numbers: Mapping[str, int] = model["vocab"]
        self._order = {tuple(pair.split(" ")): place for place, pair in enumerate(model["merges"])}
        self._bytes = [self._numbers[f"<0x{byte:02X}>"] for byte in range(256)]
        self._of_word = lru_cache(_WORDS_KEPT)(self._split)

    @property
    def numbers(self) -> set[int]:
        """Every number that a piece may have."""
        return set(self._numbers.values())

    def of(self, text: str) -> list[int]:
        """The numbers of the pieces of a text."""
        if not text:
            return []
        spaced = (_SPACE + text).replace(" ", _SPACE)
        return [number for word in _words(spaced) for number in self._of_word(word)]

    def _split(self, word: str) -> tuple[int, ...]:
        parts = list(word)
        while len(parts) > 1:
            orders = [self._order.get(pair, len(self._order)) for pair in pairwise(parts)]
            first = min(orders)
            if first == len(self._order):
                break
            at = orders.index(first)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return tuple(number for part in parts for number in self._numbers_of(part))

    def _numbers_of(self, part: str) -> list[int]:
        if part in self._numbers:
            return [self._numbers[part]]
        return [self._bytes[byte] for byte in part.encode("utf-8", "replace")]


def _model(path: Path) -> Mapping[str, Any]:
    model: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["model"]
    return model


def _words(spaced: str) -> Iterator[str]:
    for word in _BETWEEN_SPACES.findall(spaced):
        for start in range(0, len(word), _LONGEST_WORD):
            yield word[start : start + _LONGEST_WORD]


def _files() -> dict[str, Path]:
    """Where the two files are that we read, by name."""
    try:
        installed: Sequence[PackagePath] = files(_PACKAGE) or ()
    except PackageNotFoundError as cause:
        raise NoEmbedder(
            model="wordllama",
            problem=f"the package {_PACKAGE} is not installed",
            remedy="`pip install --no-deps wordllama`",
        ) from cause
    found = {each.name: Path(str(each.locate())) for each in installed if each.name in (_WEIGHTS, _TOKENIZER)}
    for name in (_WEIGHTS, _TOKENIZER):
        if name not in found or not found[name].is_file():
            raise _other_than_expected(Path(name))
    return found


def _matrix(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """The one matrix of a safetensors file, left on disk: eight bytes with the length of a JSON header, the header, the data
    (https://github.com/huggingface/safetensors#format)."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(min(length, 65_536)))
    described = header.get("embedding.weight", {})
    rows, columns = described.get("shape", (0, 0))
    start, end = described.get("data_offsets", (0, 0))
    if described.get("dtype") != "F16" or columns != _DIMENSION or end - start != 2 * rows * columns:
        raise ValueError("another matrix than expected")
    return np.memmap(path, "<f2", "r", 8 + length + start, (rows, columns))


def _other_than_expected(path: Path) -> NoEmbedder:
    return NoEmbedder(
        model="wordllama",
        problem=f"{path} is not what was expected of the package {_PACKAGE}",
        remedy="`pip install --no-deps --force-reinstall wordllama==0.4.0.post1`",
    )
