"""The scopes of a memory, and which of them its user has opened to the other users of a database. Those who have opened the same scope
see in it what all of them were told; all else is seen by its owner alone, which the database itself sees to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from iai_daemon.errors import NothingToShare
from iai_daemon.memory.stores import Stores
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.part import Part

# Writers beside it wait for so many rows at most, as the server's answer does.
_ROWS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Scope:
    """`memories`: one's own that hold; `of_others`: those of others that are seen here; `shared`: whether this user has opened it;
    `with_users`: who else has."""

    name: str
    memories: int
    of_others: int = 0
    shared: bool = False
    with_users: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "with_users": list(self.with_users)}


def scopes_of(stores: Stores, engine: str) -> Scopes:
    """What a memory of this engine can tell of its scopes, and change."""
    return (SharedScopes if engine == "postgresql" else Scopes)(stores.database)


class Scopes(Part):
    """Those of a memory of one user."""

    def scopes(self) -> list[Scope]:
        """All that are known, by their names."""
        rows = self._all(
            """
            SELECT scope, COUNT(*) AS memories FROM records
            WHERE made_by IS NULL
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            GROUP BY scope ORDER BY scope
            """,
            {},
        )
        return [Scope(row["scope"], row["memories"]) for row in rows]

    def share(self, scope: str, tell: Tell = unheard) -> bool:  # noqa: ARG002 -- that of several users tells
        """Open a scope to the others; False where it was. `tell` hears of memories that are opened; what it raises leaves all as it
        was. Raises NothingToShare."""
        raise NothingToShare(scope=scope)

    def unshare(self, scope: str) -> bool:
        """Keep it to oneself again; False where it was not open. Raises NothingToShare."""
        raise NothingToShare(scope=scope)


class SharedScopes(Scopes):
    """Those of a memory in a database that has several users."""

    def scopes(self) -> list[Scope]:
        rows = self._all(
            """
            WITH held (scope, own, others) AS (
                SELECT scope, COUNT(*) FILTER (WHERE owned_by = session_user), COUNT(*) FILTER (WHERE owned_by <> session_user)
                FROM records
                WHERE made_by IS NULL
                AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                GROUP BY scope
            ),
            opened (scope, mine, users) AS (
                SELECT scope, bool_or(owned_by = session_user),
                    COALESCE(json_agg(owned_by ORDER BY owned_by) FILTER (WHERE owned_by <> session_user), '[]')
                FROM shared_scopes GROUP BY scope
            )
            SELECT scope, COALESCE(own, 0) AS own, COALESCE(others, 0) AS others, COALESCE(mine, false) AS mine,
                COALESCE(users, '[]') AS users
            FROM held FULL JOIN opened USING (scope) ORDER BY scope
            """,
            {},
        )
        return [
            Scope(row["scope"], row["own"], row["others"], row["mine"], tuple(row["users"])) for row in rows
        ]

    def share(self, scope: str, tell: Tell = unheard) -> bool:
        with self._writing():
            opened = self._changed(
                "INSERT INTO shared_scopes (scope) VALUES (:scope) ON CONFLICT DO NOTHING", {"scope": scope}
            )
            if opened:
                self._look_again_at(self._told_in(scope), tell)
        return opened

    def unshare(self, scope: str) -> bool:
        with self._writing():
            return self._changed(
                "DELETE FROM shared_scopes WHERE scope = :scope AND owned_by = session_user", {"scope": scope}
            )

    def _told_in(self, scope: str) -> list[int]:
        rows = self._all(
            """
            SELECT id FROM records
            WHERE scope = :scope AND made_by IS NULL AND EXISTS (
                SELECT 1 FROM seen_scopes AS seen WHERE seen.scope = :scope AND seen.owned_by <> session_user
            )
            ORDER BY id
            """,
            {"scope": scope},
        )
        return [row["id"] for row in rows]

    def _look_again_at(self, records: Sequence[int], tell: Tell) -> None:
        """The nights of each have not seen those of the others yet: all come anew in the sequence of writes, each in its place."""
        for start in range(0, len(records), _ROWS_AT_ONCE):
            self._database.execute(
                """
                WITH again AS MATERIALIZED (
                    SELECT CAST(key AS BIGINT) AS place, CAST(value AS BIGINT) AS id FROM json_each(:records)
                )
                UPDATE records SET change = (SELECT change FROM next_change) + again.place
                FROM again WHERE records.id = again.id
                """,
                {"records": json.dumps(records[start : start + _ROWS_AT_ONCE])},
            )
            tell("sharing", min(start + _ROWS_AT_ONCE, len(records)), len(records))
