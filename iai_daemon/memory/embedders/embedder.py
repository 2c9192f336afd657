"""What an embedder is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from iai_daemon.memory.vectors import Vectors

# Called in the middle of a long computation, as often as every fifty milliseconds; it raises when that has to stop.
GoOn = Callable[[], None]


class Embedder(Protocol):
    """Makes vectors. Another algorithm is another name, under which its vectors are kept."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str], go_on: GoOn = lambda: None) -> Vectors:
        """One row per text, of length 1 (or 0 for a text in which it finds nothing). What `go_on` raises is raised here.

        Raises NoEmbedder when it cannot be used.
        """
        ...
