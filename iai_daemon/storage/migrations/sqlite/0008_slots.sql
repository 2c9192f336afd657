-- The slots that a calendar's backend lists, and what it is still to be told of them. Times are milliseconds since the epoch, UTC.

CREATE TABLE slots (
    -- in the order in which they were listed first
    number INTEGER PRIMARY KEY,
    -- as the backend calls it
    id TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'in_progress', 'paused', 'completed', 'aborted')),
    listed_at INTEGER NOT NULL,
    started_at INTEGER,
    resolved_at INTEGER,
    reason TEXT,
    summary TEXT,
    -- what wakes its agent
    recall INTEGER UNIQUE REFERENCES recalls (id),
    agent_ended INTEGER NOT NULL DEFAULT 0,
    CHECK ((resolved_at IS NOT NULL) = (state IN ('completed', 'aborted'))),
    CHECK ((recall IS NULL) = (started_at IS NULL)),
    CHECK (state <> 'queued' OR recall IS NULL),
    CHECK (state NOT IN ('in_progress', 'paused') OR recall IS NOT NULL)
) STRICT;

CREATE INDEX slots_open ON slots (listed_at, number) WHERE resolved_at IS NULL;
CREATE INDEX slots_past ON slots (resolved_at, number) WHERE resolved_at IS NOT NULL;

CREATE TABLE slot_updates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slot TEXT NOT NULL REFERENCES slots (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'paused', 'completed', 'aborted')),
    summary TEXT,
    reason TEXT,
    -- no two are alike, in no store: after a loss the backend must not take a new one for what it has been told
    key TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
    made_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    -- the backend has taken it, or never will
    delivered_at INTEGER
) STRICT;

-- What is forgotten takes these along.
CREATE INDEX slot_updates_by_slot ON slot_updates (slot);
CREATE INDEX slot_updates_waiting ON slot_updates (id) WHERE delivered_at IS NULL;
