-- The current records of users that a current record contradicts, and since when each has neither been told, asked for nor
-- contradicted anew: what the pass `decay` goes by, and the question whether it has work.
CREATE VIEW disputed WITH (security_invoker = true) AS
SELECT
    records.id AS record,
    records.revision AS revision,
    newer.id AS newer,
    newer.revision AS newer_revision,
    contradictions.at AS contradicted_at,
    COALESCE(uses.times, 0) AS times,
    uses.last_at AS last_at,
    GREATEST(contradictions.at, records.created_at, COALESCE(uses.last_at, 0)) AS quiet_since
FROM contradictions
JOIN records ON records.id = contradictions.older
JOIN records AS newer ON newer.id = contradictions.newer
LEFT JOIN uses ON uses.record = records.id
WHERE records.made_by IS NULL AND contradictions.outranked = 0
AND records.valid_to IS NULL AND records.superseded_by IS NULL AND records.merged_into IS NULL
AND records.expired_at IS NULL AND records.archived_at IS NULL AND records.forgotten_at IS NULL
AND newer.valid_to IS NULL AND newer.superseded_by IS NULL AND newer.merged_into IS NULL
AND newer.expired_at IS NULL AND newer.archived_at IS NULL AND newer.forgotten_at IS NULL;
