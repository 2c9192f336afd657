-- What nights planned and did not do, what keeps a pass from running, and the tasks. Times are milliseconds, UTC.

-- One planned change that waits: for a person (review), for the next night (budget), or until it no longer harms (recall).
CREATE TABLE held (
    change_id TEXT PRIMARY KEY,
    night INTEGER NOT NULL REFERENCES nights (id),
    round INTEGER NOT NULL,
    pass TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('review', 'budget', 'recall')),
    effect TEXT NOT NULL,
    -- the record that it changes, at the revision that it was planned on; neither for a record that it would add
    record INTEGER REFERENCES records (id) ON DELETE CASCADE,
    revision INTEGER,
    reason TEXT NOT NULL,
    -- the rest of the plan as JSON
    plan TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX held_by_record ON held (record, pass);
CREATE INDEX held_by_night ON held (night);
CREATE INDEX held_for_budget ON held (why) WHERE why = 'budget';

-- What stands between a pass and its next attempt; a pass without a row is free to run.
CREATE TABLE hindrances (
    pass TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    deferrals INTEGER NOT NULL,
    not_before INTEGER,
    portion INTEGER,
    reason TEXT NOT NULL
) STRICT;

-- Records that a night added and a user took back: nights do not add them again by themselves.
CREATE TABLE refused (
    change_id TEXT PRIMARY KEY
) STRICT;

-- inferred: the change was read from words or likeness, so it counts against the loss budget
ALTER TABLE journal ADD COLUMN inferred INTEGER NOT NULL DEFAULT 0;

-- which night computed a vector, and in which round; not known of older ones
ALTER TABLE vectors ADD COLUMN night INTEGER;
ALTER TABLE vectors ADD COLUMN round INTEGER;
CREATE INDEX vectors_by_night ON vectors (night, round) WHERE night IS NOT NULL;

-- The place of the next write in the sequence. Rows may have gone since a cursor went past them, so cursors count too.
CREATE VIEW next_change AS
SELECT MAX(
    COALESCE((SELECT MAX(change) FROM records), 0),
    COALESCE((SELECT MAX(position) FROM cursors), 0)
) + 1 AS change;

-- Without it every record that is taken out would have the whole table searched for those that it replaced.
CREATE INDEX records_by_superseded_by ON records (superseded_by) WHERE superseded_by IS NOT NULL;
