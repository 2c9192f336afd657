-- What reached the memory later than it was told. Times are milliseconds since the epoch, UTC.

-- Notes that had waited outside because the memory could not be reached, each delivered once: by the name that it was given when
-- it was told.
CREATE TABLE delivered (
    note TEXT PRIMARY KEY,
    record INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX delivered_by_time ON delivered (at);
