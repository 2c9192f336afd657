-- What comes by itself, and a way from a memory to those that it replaced. Times are milliseconds since the epoch, UTC.

CREATE TABLE tasks (
    name TEXT PRIMARY KEY,
    action TEXT NOT NULL,
    trigger TEXT NOT NULL,
    -- a duration as the settings write it
    every TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The changes that let one memory take the place of others: its story tells of them, those that were taken back, too.
CREATE INDEX journal_by_successor
ON journal (COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into')))
WHERE COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into')) IS NOT NULL;
