"""Vectors from any model that the package `sentence-transformers` loads (`pip install "iai-daemon[embeddings]"`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from iai_daemon.errors import NoEmbedder
from iai_daemon.kinds import SENTENCES
from iai_daemon.memory.embedders.embedder import GoOn
from iai_daemon.memory.embedders.waiting import wait_for
from iai_daemon.memory.vectors import Vectors, unit

_TEXTS_AT_ONCE = 8
_MOST_CHARACTERS = 8192
# What it and the libraries below it raise where a model, a file, a device or the network is not as they need it.
_TROUBLE = (OSError, ValueError, RuntimeError, ImportError)


class SentenceEmbedder:
    """`name` is "sentence-transformers:" and the model, as that package knows it. It is loaded with the first text, which takes
    seconds, a gigabyte, and a download unless it is a directory. Raises NoEmbedder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: Any = None

    def embed(self, texts: Sequence[str], go_on: GoOn = lambda: None) -> Vectors:
        """One row per text, of length 1."""
        if self._model is None:
            self._model = wait_for(self._load, go_on)
        parts = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = [text[:_MOST_CHARACTERS] for text in texts[start : start + _TEXTS_AT_ONCE]]
            parts.append(wait_for(partial(self._encode, some), go_on))
        return unit(np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)

    def _load(self) -> Any:
        try:
            package = import_module("sentence_transformers")
        except ModuleNotFoundError as cause:
            raise self._refusal(
                f"the package {cause.name} is not installed", '`pip install "iai-daemon[embeddings]"`'
            ) from cause
        except _TROUBLE as cause:
            raise self._refusal(
                f"its package cannot be loaded ({_first_line(cause)})",
                "Installing it anew, or a greater `consolidation.memory_limit`,",
            ) from cause
        try:
            return package.SentenceTransformer(self.name.removeprefix(SENTENCES))
        except _TROUBLE as cause:
            raise self._refusal(
                f"the model cannot be loaded ({_first_line(cause)})", "Another `embedding.model`"
            ) from cause

    def _encode(self, texts: Sequence[str]) -> Any:
        try:
            rows = np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float64)
        except _TROUBLE as cause:
            raise self._refusal(f"it fails ({_first_line(cause)})", "Another `embedding.model`") from cause
        if rows.ndim != 2 or len(rows) != len(texts):
            raise self._refusal("it does not give one vector for each text", "Another `embedding.model`")
        return rows

    def _refusal(self, problem: str, remedy: str) -> NoEmbedder:
        return NoEmbedder(model=self.name, problem=problem, remedy=remedy)


def _first_line(cause: Exception) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0]
