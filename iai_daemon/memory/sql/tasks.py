"""The tasks in a store. The protocol, with the meaning of every method, is in tasks.py."""

from __future__ import annotations

from dataclasses import asdict

from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.memory.tasks import Task
from iai_daemon.storage.database import Row


class SqlTasks(SqlPart):
    """A TaskStore on one connection."""

    def tasks(self) -> list[Task]:
        return [_task(row) for row in self._all("SELECT * FROM tasks ORDER BY name", {})]

    def task(self, name: str) -> Task | None:
        row = self._first("SELECT * FROM tasks WHERE name = :name", {"name": name})
        return None if row is None else _task(row)

    def add(self, task: Task) -> bool:
        if self.task(task.name) is not None:
            return False
        with self._writing():
            added = self._database.execute(
                """
                INSERT INTO tasks (name, action, trigger, every, enabled, created_at, updated_at)
                VALUES (:name, :action, :trigger, :every, :enabled, :created_at, :updated_at)
                ON CONFLICT DO NOTHING
                """,
                {**asdict(task), "enabled": int(task.enabled)},
            )
        return bool(added.rowcount)

    def update(self, name: str, now: int, *, every: str | None = None, enabled: bool | None = None) -> bool:
        wanted = {"name": name, "every": every, "enabled": None if enabled is None else int(enabled)}
        differs = self._first(
            """
            SELECT 1 FROM tasks WHERE name = :name
            AND (every <> COALESCE(:every, every) OR enabled <> COALESCE(:enabled, enabled))
            """,
            wanted,
        )
        if differs is None:
            return False
        with self._writing():
            self._database.execute(
                """
                UPDATE tasks
                SET every = COALESCE(:every, every), enabled = COALESCE(:enabled, enabled), updated_at = :now
                WHERE name = :name
                """,
                {**wanted, "now": now},
            )
        return True


def _task(row: Row) -> Task:
    values = dict(row)
    values["enabled"] = bool(row["enabled"])
    return Task(**values)
