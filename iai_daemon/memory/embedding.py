"""Which embedder the settings name, and under which name its vectors are kept. Loads neither numpy nor a model: the daemon asks for
the name only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iai_daemon.config import Embedding
from iai_daemon.kinds import SENTENCES

if TYPE_CHECKING:
    from iai_daemon.memory.embedders.embedder import Embedder


def stored_as(embedding: Embedding) -> str | None:
    """Under which name the vectors of this model are kept; None: there are none."""
    named = {
        "none": None,
        "hash": "hash-256",
        "wordllama": "wordllama-256",
        "http": f"http:{embedding.remote_model}",
    }
    return named.get(embedding.model, embedding.model)


def load_embedder(embedding: Embedding) -> Embedder:
    """The embedder that these settings name. Raises NoEmbedder; nothing is asked of the network yet."""
    # Each brings numpy, or libraries of its own: only who is chosen is loaded.
    if embedding.model == "http":
        from iai_daemon.memory.embedders.remote import RemoteEmbedder  # noqa: PLC0415 -- see above

        return RemoteEmbedder(embedding)
    if embedding.model == "wordllama":
        from iai_daemon.memory.embedders.static import StaticEmbedder  # noqa: PLC0415 -- see above

        return StaticEmbedder()
    if embedding.model.startswith(SENTENCES):
        from iai_daemon.memory.embedders.sentences import SentenceEmbedder  # noqa: PLC0415 -- see above

        return SentenceEmbedder(embedding.model)
    from iai_daemon.memory.embedders.hashing import HashEmbedder  # noqa: PLC0415 -- see above

    return HashEmbedder()
