-- When which agent is woken, and what became of it. Times are milliseconds since the epoch, UTC; durations milliseconds.

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    client TEXT,
    registered_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

CREATE TABLE recalls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    agent TEXT NOT NULL,
    message TEXT NOT NULL,
    call_type TEXT NOT NULL CHECK (call_type IN ('once', 'recurring', 'immediate')),
    -- its trigger
    kind TEXT NOT NULL,
    expression TEXT NOT NULL,
    zone TEXT NOT NULL,
    anchor INTEGER NOT NULL,
    owner TEXT NOT NULL,
    made_by TEXT NOT NULL,
    comment TEXT NOT NULL,
    -- its policy; NULL: as the settings say
    catch_up TEXT CHECK (catch_up IN ('skip', 'once', 'all')),
    catch_up_window INTEGER,
    overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'queue', 'allow')),
    jitter INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    backoff INTEGER NOT NULL,
    max_defer INTEGER,
    expires_at INTEGER,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'waiting', 'fired', 'failed', 'cancelled')),
    reason TEXT,
    paused_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- a restored backup has left nothing planned: its plan goes on after this
    restored_at INTEGER
) STRICT;

-- A session has one pending recall at most.
CREATE UNIQUE INDEX recalls_pending ON recalls (session_id) WHERE status = 'pending';
CREATE INDEX recalls_waiting ON recalls (session_id, id) WHERE status = 'waiting';
CREATE INDEX recalls_by_session ON recalls (session_id, id);
CREATE INDEX recalls_restored ON recalls (restored_at) WHERE restored_at IS NOT NULL;

CREATE TABLE occurrences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recall INTEGER NOT NULL REFERENCES recalls (id),
    scheduled_for INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN (
            'planned', 'claimed', 'running', 'done', 'unconfirmed', 'failed', 'missed', 'skipped', 'cancelled'
        )
    ),
    reason TEXT,
    next_try_at INTEGER NOT NULL,
    seen_at INTEGER,
    deferrals INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    swallowed INTEGER NOT NULL DEFAULT 0,
    extra INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    lease_until INTEGER,
    settled_at INTEGER,
    -- What has run, or has come to another end, is never planned again.
    UNIQUE (recall, scheduled_for),
    CHECK ((lease_until IS NOT NULL) = (state IN ('claimed', 'running'))),
    CHECK ((settled_at IS NULL) = (state IN ('planned', 'claimed', 'running'))),
    CHECK (state NOT IN ('claimed', 'running') OR holder IS NOT NULL)
) STRICT;

-- What the daemon asks at each tick is a look-up, however much is planned or past.
CREATE INDEX occurrences_planned ON occurrences (next_try_at, id) WHERE state = 'planned';
CREATE INDEX occurrences_unseen ON occurrences (next_try_at) WHERE state = 'planned' AND seen_at IS NULL;
CREATE INDEX occurrences_open ON occurrences (recall, state, next_try_at) WHERE settled_at IS NULL;
CREATE INDEX occurrences_held ON occurrences (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX occurrences_settled ON occurrences (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX occurrences_missed ON occurrences (settled_at, swallowed) WHERE state = 'missed';
CREATE INDEX occurrences_by_recall ON occurrences (recall, id);

CREATE TABLE deferrals (
    occurrence INTEGER NOT NULL REFERENCES occurrences (id) ON DELETE CASCADE,
    -- how often it had been put off then
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (occurrence, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    occurrence INTEGER NOT NULL REFERENCES occurrences (id) ON DELETE CASCADE,
    agent TEXT NOT NULL,
    session_id TEXT NOT NULL,
    -- the SHA-256 of its token; NULL: nobody needs to confirm it
    token_hash TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    exit_status INTEGER,
    output TEXT NOT NULL DEFAULT '',
    problem TEXT,
    confirmed_at INTEGER,
    pid INTEGER,
    process_start INTEGER
) STRICT;

CREATE INDEX runs_by_occurrence ON runs (occurrence, id);
CREATE INDEX runs_by_agent ON runs (agent, started_at, ended_at);
CREATE INDEX runs_under_way ON runs (id) WHERE ended_at IS NULL;
CREATE INDEX runs_by_token ON runs (token_hash) WHERE token_hash IS NOT NULL AND ended_at IS NULL;
CREATE INDEX runs_with_output ON runs (ended_at) WHERE output <> '';

-- Recalls, and when each is tried next.
CREATE VIEW recalls_told AS
SELECT
    recalls.*,
    (
        SELECT MIN(occurrences.next_try_at) FROM occurrences
        WHERE occurrences.recall = recalls.id AND occurrences.state = 'planned'
        AND occurrences.settled_at IS NULL
    ) AS next_at
FROM recalls;

-- Occurrences, and how the last run of each went.
CREATE VIEW occurrences_told AS
SELECT
    occurrences.*,
    recalls.session_id AS session_id,
    runs.started_at AS started_at,
    runs.ended_at AS ended_at,
    runs.exit_status AS exit_status
FROM occurrences
JOIN recalls ON recalls.id = occurrences.recall
LEFT JOIN runs ON runs.id = (SELECT MAX(last.id) FROM runs AS last WHERE last.occurrence = occurrences.id);
