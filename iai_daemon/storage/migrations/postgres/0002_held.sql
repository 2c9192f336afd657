-- What nights planned and did not do, what keeps a pass from running, and the tasks. Times are milliseconds, UTC.

-- One planned change that waits: for a person (review), for the next night (budget), or until it no longer harms (recall).
CREATE TABLE held (
    change_id TEXT NOT NULL,
    night BIGINT NOT NULL REFERENCES nights (id) DEFERRABLE,
    round BIGINT NOT NULL,
    pass TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('review', 'budget', 'recall')),
    effect TEXT NOT NULL,
    -- the record that it changes, at the revision that it was planned on; neither for a record that it would add
    record BIGINT REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    revision BIGINT,
    reason TEXT NOT NULL,
    -- the rest of the plan as JSON
    plan TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- in the order in which they were planned
    rowid BIGINT GENERATED ALWAYS AS IDENTITY,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, change_id)
);

CREATE INDEX held_by_record ON held (record, pass);
CREATE INDEX held_by_night ON held (night);
CREATE INDEX held_for_budget ON held (why) WHERE why = 'budget';

-- What stands between a pass and its next attempt; a pass without a row is free to run.
CREATE TABLE hindrances (
    pass TEXT NOT NULL,
    failures BIGINT NOT NULL,
    deferrals BIGINT NOT NULL,
    not_before BIGINT,
    portion BIGINT,
    reason TEXT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, pass)
);

-- Records that a night added and a user took back: nights do not add them again by themselves.
CREATE TABLE refused (
    change_id TEXT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, change_id)
);

-- inferred: the change was read from words or likeness, so it counts against the loss budget
ALTER TABLE journal ADD COLUMN inferred BIGINT NOT NULL DEFAULT 0;

-- which night computed a vector, and in which round; not known of older ones
ALTER TABLE vectors ADD COLUMN night BIGINT;
ALTER TABLE vectors ADD COLUMN round BIGINT;
CREATE INDEX vectors_by_night ON vectors (night, round) WHERE night IS NOT NULL;

-- Without it every record that is taken out would have the whole table searched for those that it replaced.
CREATE INDEX records_by_superseded_by ON records (superseded_by) WHERE superseded_by IS NOT NULL;
