-- What comes by itself, and a way from a memory to those that it replaced. Times are milliseconds since the epoch, UTC.

CREATE TABLE tasks (
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    trigger TEXT NOT NULL,
    -- a duration as the settings write it
    every TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, name)
);

-- The changes that let one memory take the place of others: its story tells of them, those that were taken back, too.
CREATE INDEX journal_by_successor
ON journal (COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into')))
WHERE COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into')) IS NOT NULL;
