"""What every engine does when a store is looked after: what nobody looks at any more goes, and when that was is noted.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from iai_daemon.memory.nights import EMBEDDING
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.storage.database import Interrupted

# One transaction deletes so many: milliseconds.
_VECTORS_AT_ONCE = 1000


class SqlUpkeep(SqlPart):
    """The part of a NightStore's upkeep that is the same for all."""

    def _note_maintained(self, now: int) -> None:
        with self._writing():
            self._database.execute(
                """
                INSERT INTO facts (name, value) VALUES ('maintained_at', :now)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value
                """,
                {"now": str(now)},
            )

    def _drop_replaced_vectors(self, may_go_on: Callable[[], bool]) -> Iterator[str]:
        """Those of models that were set before, once every memory has its vector of the one that is set now: they are derived,
        and nobody looks at them any more. Raises Interrupted."""
        for model in self._replaced_models():
            with self._writing():
                # Were it set again, it would have to begin anew.
                self._database.execute(
                    "DELETE FROM cursors WHERE pass = 'embed:' || :model", {"model": model}
                )
            dropping = True
            while dropping:
                if not may_go_on():
                    raise Interrupted
                with self._writing():
                    dropping = self._changed(
                        """
                        DELETE FROM vectors WHERE model = :model
                        AND record IN (SELECT record FROM vectors WHERE model = :model LIMIT :most)
                        """,
                        {"model": model, "most": _VECTORS_AT_ONCE},
                    )
            with self._writing():
                self._database.execute(
                    "DELETE FROM pass_notes WHERE pass = 'embed' AND name = 'dimension:' || :model",
                    {"model": model},
                )
            yield f"vectors of the former model {model} dropped"

    def _replaced_models(self) -> list[str]:
        rows = self._all(
            """
            WITH wanted AS (SELECT value AS model FROM pass_notes WHERE pass = 'embed' AND name = :embedding)
            SELECT SUBSTR(name, LENGTH('dimension:') + 1) AS model FROM pass_notes, wanted
            WHERE pass = 'embed' AND name LIKE 'dimension:%' AND name <> 'dimension:' || wanted.model
            AND NOT EXISTS (
                SELECT 1 FROM records WHERE forgotten_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM vectors WHERE record = records.id AND vectors.model = wanted.model
                )
            )
            ORDER BY model
            """,
            {"embedding": EMBEDDING},
        )
        return [row["model"] for row in rows]
