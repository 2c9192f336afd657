"""Stores with something in every table, as it was written at each schema: what no upgrade and no move may change."""

from __future__ import annotations

import json
from collections.abc import Iterator

from iai_daemon.storage.database import Database

# Quotes, what ends fields and lines elsewhere, all the planes of Unicode, nothing, and numbers at their ends.
ODD = 'It\'s "quoted", \\N \\. \t tab,\nline\r\nand 100% of ünïcödé 🌙 :name ? ´'
LARGEST = 2**63 - 1

_NIGHT = "INSERT INTO nights (id, kind, rule, started_at, ended_at, outcome, reason, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_RECORD = """
INSERT INTO records (
    id, external_id, content, kind, subject, attribute, scope, tags, source, session, created_at, expires_at, valid_from,
    valid_to, superseded_by, merged_into, expired_at, archived_at, forgotten_at, revision, change
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_RECALL = """
INSERT INTO recalls (
    id, session_id, agent, message, call_type, kind, expression, zone, anchor, owner, made_by, comment, overlap, jitter, retries,
    backoff, status, created_at, updated_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_OCCURRENCE = """
INSERT INTO occurrences (id, recall, scheduled_for, state, reason, next_try_at, holder, lease_until, settled_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_COLUMNS = [each.strip() for each in _RECORD.partition("(")[2].partition(")")[0].split(",")]
_Statements = list[tuple[str, list[tuple[object, ...]]]]


def _record(number: int, content: str, **others: object) -> tuple[object, ...]:
    row: dict[str, object] = {
        "external_id": None, "content": content, "kind": None, "subject": None, "attribute": None, "scope": "default",
        "tags": "[]", "source": None, "session": None, "created_at": number, "expires_at": None, "valid_from": number,
        "valid_to": None, "superseded_by": None, "merged_into": None, "expired_at": None, "archived_at": None,
        "forgotten_at": None, "revision": 1, "change": number,
    }  # fmt: skip
    return (number, *(row | others).values())


def _image(number: int, **others: object) -> str:
    """A record as the journal keeps it."""
    return json.dumps(dict(zip(_COLUMNS, _record(number, "The port is 8080.", **others), strict=True)))


_WRITTEN_AT: dict[int, _Statements] = {
    1: [
        (
            _RECORD,
            [
                _record(
                    4, "The port is 8090.", subject="server", attribute="port", session="s", change=7, tags='["ü"]'
                ),
                _record(
                    2, "The port is 8080.", subject="server", attribute="port", superseded_by=4, valid_to=4, revision=2
                ),
                _record(3, ODD, external_id=ODD, kind=ODD, expires_at=4_102_444_800_123, source="", scope=ODD),
                _record(1, "The port is 8080", merged_into=2, revision=LARGEST),
                _record(9, "forgotten", forgotten_at=12),
            ],
        ),
        (_NIGHT, [(1, "night", "absent", 5, 6, "completed", None, '{"total_nodes": 2}'), (3, "nap", "idle", 7, None, None, ODD, None)]),
        (
            ("INSERT INTO journal (id, night, round, pass, change_id, effect, record, reason, before, after, at, undone_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            [
                (1, 1, 1, "supersede", "a" * 64, "supersede", 2, ODD, _image(2), _image(2, superseded_by=4, valid_to=4, revision=2), 6, None),
                (5, 1, 2, "summarize", "b" * 64, "add", 40, "its record is gone", None, _image(40), 6, 8),
            ],
        ),
        (
            "INSERT INTO vectors (record, model, dimension, vector) VALUES (?, ?, ?, ?)",
            [(2, "hashing", 2, bytes(range(8))), (2, "Ähnlich", 2, b"\x00\xff\\x00\n" + b"\x01" * 2), (4, "hashing", 2, b"\x80" * 8)],
        ),
        ("INSERT INTO cursors (pass, position) VALUES (?, ?)", [("supersede", 7), ("embed:hashing", 3)]),
        ("INSERT INTO taken_back (pass, record, revision) VALUES (?, ?, ?)", [("expire", 3, 1), ("Expire", 3, 1)]),
        ("INSERT INTO facts (name, value) VALUES (?, ?)", [("first_started_at", "1"), ("maintained_at", "6")]),
    ],
    2: [
        (
            ("INSERT INTO held (change_id, night, round, pass, why, effect, record, revision, reason, plan, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            [
                (name, 1, 1, "merge", why, "merge", record, 1, ODD, '{"rests_on": [[4, 1]], "replaces": []}', 6)
                for name, why, record in (("z", "review", 2), ("a", "budget", None), ("m", "recall", 4))
            ],
        ),
        ("INSERT INTO hindrances (pass, failures, deferrals, reason) VALUES (?, ?, ?, ?)", [("merge", 1, 0, ODD)]),
        ("INSERT INTO refused (change_id) VALUES (?)", [("Zz",), ("aa",), ("ß",), ("b" * 64,)]),
    ],
    3: [
        (
            "INSERT INTO tasks (name, action, trigger, every, enabled, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [("consolidate", "consolidate", "bedtime", "1d", 1, 1, 1)],
        )
    ],
    4: [
        (
            "INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (2, 4, "related", 0.1 + 0.2, ODD, "c" * 64, 1, 1, "link", 6),
                (4, 3, "source", 1e-300, "", "d" * 64, 3, 1, "link", 6),
                (3, 4, "related", 1.0, "", "e" * 64, 3, 1, "link", 6),
            ],
        ),
        (
            "INSERT INTO contradictions (older, newer, rule, words, certain, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(2, 4, "numbers", "8080 → 8090", 1, 5)],
        ),
        ("INSERT INTO uses (record, times, last_at) VALUES (?, ?, ?)", [(4, 3, 11)]),
        ("INSERT INTO pass_notes (pass, name, value) VALUES (?, ?, ?)", [("embed", "input", ODD), ("Embed", "input", "x")]),
    ],
    7: [
        (
            "INSERT INTO sessions (id, client, registered_at, closed_at) VALUES (?, ?, ?, ?)",
            [("s", "claude", 1, None), (ODD, None, 2, 9), ("S", None, 3, None)],
        ),
        (
            _RECALL,
            [
                (3, "s", "claude", ODD, "once", "at", "2030-01-01T00:00:00Z", "UTC", 1, "me", "cli", "", "skip", 0, 0, 0, "pending", 1, 1),
                (7, ODD, "codex", "x", "recurring", "every", "86400", "Europe/Berlin", 1, "me", "cli", "", "queue", 5, 1, 2, "fired", 1, 1),
            ],
        ),
        (
            _OCCURRENCE,
            [
                (1, 7, 100, "done", None, 100, "me", None, 120),
                (5, 7, 200, "running", None, 200, "me", 260, None),
                (6, 3, 300, "planned", ODD, 300, None, None, None),
            ],
        ),
        ("INSERT INTO deferrals (occurrence, number, at, until, reason) VALUES (?, ?, ?, ?, ?)", [(1, 1, 100, 110, ODD)]),
        (
            ("INSERT INTO runs (id, occurrence, agent, session_id, token_hash, started_at, ended_at, exit_status, output) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            [(2, 1, "codex", ODD, None, 110, 120, 0, ODD * 50), (8, 5, "codex", ODD, "f" * 64, 200, None, None, "")],
        ),
    ],
    8: [
        (
            "INSERT INTO slots (number, id, agent, title, message, state, listed_at, started_at, recall) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(2, "b", "claude", ODD, ODD, "queued", 1, None, None), (5, "a", "codex", "t", "m", "in_progress", 1, 2, 7)],
        ),
        (
            "INSERT INTO slot_updates (id, slot, status, summary, key, made_at) VALUES (?, ?, ?, ?, ?, ?)",
            [(4, "a", "in_progress", ODD, "0" * 32, 2)],
        ),
    ],
    9: [("INSERT INTO delivered (note, record, at) VALUES (?, ?, ?)", [("n-1", 4, 7), ("N-1", 2, 8)])],
}  # fmt: skip


def fill(database: Database, schema: int) -> None:
    """Something in every table that the schema of this number has."""
    with database.writing():
        database.put_off_references()
        for statement, rows in _written_until(schema):
            database.executemany(statement, rows)
        database.count_on_from_what_is_there()


def _written_until(schema: int) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    for number, statements in _WRITTEN_AT.items():
        if number <= schema:
            yield from statements


def tables(schema: int) -> list[str]:
    """Those that `fill` fills."""
    return sorted({statement.split()[2] for statement, _ in _written_until(schema)})


def kept(database: Database, schema: int) -> dict[str, list[dict[str, object]]]:
    """Every row of these tables, by the columns that the schema of this number has."""
    found = {}
    for table in tables(schema):
        rows = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608 -- one of ours
        found[table] = sorted(rows, key=lambda row: [repr(row[name]) for name in sorted(row)])
    return found
