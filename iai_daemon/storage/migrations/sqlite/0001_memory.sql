-- Records, their words and vectors, and what nights did to them. Times are milliseconds since the epoch, UTC.

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    external_id TEXT,
    content TEXT NOT NULL,
    kind TEXT,
    subject TEXT,
    attribute TEXT,
    scope TEXT NOT NULL,
    tags TEXT NOT NULL,
    source TEXT,
    session TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    superseded_by INTEGER REFERENCES records (id),
    merged_into INTEGER REFERENCES records (id),
    expired_at INTEGER,
    archived_at INTEGER,
    forgotten_at INTEGER,
    -- counts every change of the row: what a night planned on an older revision is not applied
    revision INTEGER NOT NULL DEFAULT 1,
    -- the place of the last write by a user (never by a night) in the sequence of all such writes: cursors point into it
    change INTEGER NOT NULL
) STRICT;

CREATE INDEX records_by_change ON records (change);
CREATE INDEX records_by_key ON records (subject, attribute, scope) WHERE subject IS NOT NULL;
-- The current records of one key, oldest first: nights go through them however long the key's history is.
CREATE INDEX records_current_by_key ON records (subject, attribute, scope, valid_from, id)
WHERE subject IS NOT NULL AND attribute IS NOT NULL
AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL;
CREATE INDEX records_by_external_id ON records (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX records_by_merged_into ON records (merged_into) WHERE merged_into IS NOT NULL;
-- Only what is current can expire, so asking whether anything is due never walks through the past.
CREATE INDEX records_by_expiry ON records (expires_at)
WHERE expires_at IS NOT NULL
AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL;

CREATE VIRTUAL TABLE words USING fts5 (
    content,
    content = 'records',
    content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TRIGGER records_words_insert AFTER INSERT ON records BEGIN
    INSERT INTO words (rowid, content) VALUES (new.id, new.content);
END;

CREATE TRIGGER records_words_delete AFTER DELETE ON records BEGIN
    INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
END;

CREATE TRIGGER records_words_update AFTER UPDATE OF content ON records BEGIN
    INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
    INSERT INTO words (rowid, content) VALUES (new.id, new.content);
END;

CREATE TABLE vectors (
    record INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (record, model)
) STRICT;

CREATE TABLE nights (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('night', 'nap')),
    rule TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT CHECK (outcome IN ('completed', 'yielded', 'nothing_to_do', 'failed', 'cancelled')),
    reason TEXT,
    report TEXT,
    undone_at INTEGER
) STRICT;

CREATE INDEX nights_unfinished ON nights (id) WHERE ended_at IS NULL;

CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    night INTEGER NOT NULL REFERENCES nights (id),
    round INTEGER NOT NULL,
    pass TEXT NOT NULL,
    change_id TEXT NOT NULL,
    effect TEXT NOT NULL,
    record INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- the whole row as JSON before and after; no `before`: the night added it
    before TEXT,
    after TEXT NOT NULL,
    at INTEGER NOT NULL,
    undone_at INTEGER
) STRICT;

CREATE INDEX journal_by_night ON journal (night, round, effect);
CREATE INDEX journal_by_record ON journal (record);

CREATE TABLE cursors (
    pass TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- What a user took back: nights leave it alone while the record stays at this revision; an explicit wish does it again.
CREATE TABLE taken_back (
    pass TEXT NOT NULL,
    record INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    PRIMARY KEY (record, pass)
) STRICT;
