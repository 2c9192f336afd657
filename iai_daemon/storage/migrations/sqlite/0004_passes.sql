-- What passes add to the records, and what they go by beside them. Times are milliseconds since the epoch, UTC.

-- the pass that added it; NULL: a user. Passes never take for an input what a pass has made.
ALTER TABLE records ADD COLUMN made_by TEXT;
CREATE INDEX records_by_maker ON records (made_by, subject, attribute) WHERE made_by IS NOT NULL;

-- Two records that belong together. A row is its own journal: what a user took back stays, so that nights leave it alone.
CREATE TABLE links (
    -- related: the smaller id is `one`; source: `one` was made from `other`
    one INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('related', 'source')),
    weight REAL NOT NULL,
    reason TEXT NOT NULL,
    change_id TEXT NOT NULL,
    night INTEGER NOT NULL REFERENCES nights (id),
    round INTEGER NOT NULL,
    pass TEXT NOT NULL,
    at INTEGER NOT NULL,
    undone_at INTEGER,
    PRIMARY KEY (one, other, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX links_by_other ON links (other);
CREATE INDEX links_by_night ON links (night, round);

-- What a newer record says against an older one, read from their words when it was told, or by a night.
CREATE TABLE contradictions (
    older INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    newer INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    rule TEXT NOT NULL,
    words TEXT NOT NULL,
    certain INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (older, newer)
) STRICT, WITHOUT ROWID;

CREATE INDEX contradictions_by_newer ON contradictions (newer);

-- How often an agent was given a record as an answer, and when last.
CREATE TABLE uses (
    record INTEGER PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,
    times INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

-- What a pass keeps for itself from one portion to the next, written with what it changes. 'input' is the state in which it
-- last worked through what it reads outside of the store.
CREATE TABLE pass_notes (
    pass TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (pass, name)
) STRICT, WITHOUT ROWID;

-- What was told in one session, in its order: what stands around a memory helps to find it.
CREATE INDEX records_by_session ON records (scope, session, valid_from, id) WHERE session IS NOT NULL;

-- What is over of one key, oldest first: a fact that is told late ends where the next of them began.
CREATE INDEX records_over_by_key ON records (subject, attribute, scope, valid_from, id)
WHERE subject IS NOT NULL AND attribute IS NOT NULL AND superseded_by IS NOT NULL;
