-- What passes add to the records, and what they go by beside them. Times are milliseconds since the epoch, UTC.

-- the pass that added it; NULL: a user. Passes never take for an input what a pass has made.
ALTER TABLE records ADD COLUMN made_by TEXT;
CREATE INDEX records_by_maker ON records (made_by, subject, attribute) WHERE made_by IS NOT NULL;

-- Two records that belong together. A row is its own journal: what a user took back stays, so that nights leave it alone.
CREATE TABLE links (
    -- related: the smaller id is `one`; source: `one` was made from `other`
    one BIGINT NOT NULL REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    other BIGINT NOT NULL REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    kind TEXT NOT NULL CHECK (kind IN ('related', 'source')),
    weight DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    change_id TEXT NOT NULL,
    night BIGINT NOT NULL REFERENCES nights (id) DEFERRABLE,
    round BIGINT NOT NULL,
    pass TEXT NOT NULL,
    at BIGINT NOT NULL,
    undone_at BIGINT,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, one, other, kind)
);

CREATE INDEX links_by_other ON links (other);
CREATE INDEX links_by_night ON links (night, round);

-- What a newer record says against an older one, read from their words when it was told, or by a night.
CREATE TABLE contradictions (
    older BIGINT NOT NULL REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    newer BIGINT NOT NULL REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    rule TEXT NOT NULL,
    words TEXT NOT NULL,
    certain BIGINT NOT NULL,
    at BIGINT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, older, newer)
);

CREATE INDEX contradictions_by_newer ON contradictions (newer);

-- How often an agent was given a record as an answer, and when last.
CREATE TABLE uses (
    record BIGINT NOT NULL REFERENCES records (id) ON DELETE CASCADE DEFERRABLE,
    times BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, record)
);

-- What a pass keeps for itself from one portion to the next, written with what it changes. 'input' is the state in which it
-- last worked through what it reads outside of the store.
CREATE TABLE pass_notes (
    pass TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, pass, name)
);

-- What was told in one session, in its order: what stands around a memory helps to find it.
CREATE INDEX records_by_session ON records (scope, session, valid_from, id) WHERE session IS NOT NULL;

-- What is over of one key, oldest first: a fact that is told late ends where the next of them began.
CREATE INDEX records_over_by_key ON records (subject, attribute, scope, valid_from, id)
WHERE subject IS NOT NULL AND attribute IS NOT NULL AND superseded_by IS NOT NULL;

-- The newest records that have these words and may answer a question, by the rules that the embedded engine goes by, too
-- (memory/sqlite/words.py). Gists are never among them.
CREATE FUNCTION words_answering (
    asked TSQUERY, scopes TEXT[], as_of BIGINT, include_superseded BOOLEAN, with_past BOOLEAN, now BIGINT, most BIGINT
) RETURNS TABLE (record BIGINT, stems TSVECTOR, valid_from BIGINT)
LANGUAGE plpgsql STABLE SET search_path = iai, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT words.record, words.stems, records.valid_from
    FROM words JOIN records ON records.id = words.record
    WHERE words.stems @@ asked
    AND (words.owned_by = session_user OR (words.scope, words.owned_by) IN (SELECT seen.scope, seen.owned_by FROM seen_of_others() AS seen))
    AND (scopes = '{}' OR words.scope = ANY (scopes))
    AND made_by IS DISTINCT FROM 'summarize'
    AND forgotten_at IS NULL
    AND CASE
        WHEN as_of IS NOT NULL THEN
            records.valid_from <= as_of
            AND (
                (with_past AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL))
                OR (
                    (valid_to IS NULL OR valid_to > as_of)
                    AND (expires_at IS NULL OR expires_at > as_of)
                )
            )
        ELSE
            include_superseded
            OR (with_past AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL))
            OR (
                valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL
                AND (expires_at IS NULL OR expires_at > now)
            )
    END
    ORDER BY words.record DESC LIMIT most;
END
$$;

-- The best of them: those that have the most telling of these stems, and are short (BM25, but that `ts_rank` tells how much it counts
-- to have one often). `counts`: of how many records each is known (`words_known`). All that have a rare one are looked at; of those that have common ones only, the newest that have all of them,
-- or two, or (where these are too few) one.
CREATE FUNCTION words_matching (
    asked TEXT[], counts BIGINT[], scopes TEXT[], as_of BIGINT, include_superseded BOOLEAN, with_past BOOLEAN, now BIGINT,
    most BIGINT
) RETURNS TABLE (record BIGINT, score DOUBLE PRECISION)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = iai, pg_temp AS $$
DECLARE
    looked_at CONSTANT BIGINT := 1000;
    paired CONSTANT BIGINT := 6;
    -- what ts_rank gives for a stem that stands there once
    once CONSTANT DOUBLE PRECISION := 0.0607927;
    everything DOUBLE PRECISION;
    questions TSQUERY[];
    telling DOUBLE PRECISION[];
    rare TEXT[];
    common TEXT[];
    pairs TSQUERY;
BEGIN
    SELECT COALESCE(MAX(words.record), 0) INTO everything FROM words;
    SELECT
        array_agg(asking(ARRAY[stem], '&') ORDER BY known, stem),
        array_agg(ln(1 + (GREATEST(everything, known) - known + 0.5) / (known + 0.5)) / once ORDER BY known, stem),
        array_agg(stem ORDER BY known, stem) FILTER (WHERE so_far <= looked_at),
        array_agg(stem ORDER BY known, stem) FILTER (WHERE so_far > looked_at)
    INTO questions, telling, rare, common
    FROM (
        SELECT stem, known, SUM(known) OVER (ORDER BY known, stem) AS so_far FROM unnest(asked, counts) AS given (stem, known)
    ) AS counted;
    -- Of two, to have all is to have a pair.
    SELECT string_agg(quote_literal(one) || '&' || quote_literal(other), '|')::tsquery INTO pairs
    FROM unnest(common) WITH ORDINALITY AS ones (one, place)
    JOIN unnest(common) WITH ORDINALITY AS others (other, later) ON place < later AND later <= paired
    WHERE cardinality(common) > 2;
    RETURN QUERY
    WITH strong AS MATERIALIZED (
        SELECT * FROM words_answering(
            asking(rare, '|'), scopes, as_of, include_superseded, with_past, now, looked_at
        )
        UNION ALL
        SELECT * FROM words_answering(
            asking(common, '&'), scopes, as_of, include_superseded, with_past, now, looked_at
        )
        UNION ALL
        SELECT * FROM words_answering(pairs, scopes, as_of, include_superseded, with_past, now, looked_at)
    ),
    candidates AS MATERIALIZED (
        SELECT DISTINCT ON (every.record) every.*, AVG(length(every.stems)) OVER () AS usual
        FROM (
            SELECT * FROM strong
            UNION ALL
            SELECT * FROM words_answering(
                asking(common, '|'), scopes, as_of, include_superseded, with_past, now,
                CASE WHEN (SELECT COUNT(*) FROM strong) < most THEN most ELSE 0 END
            )
        ) AS every
        ORDER BY every.record
    )
    SELECT candidates.record, had.score * 2.2 / (1.3 + 0.9 * length(candidates.stems) / candidates.usual)
    FROM candidates CROSS JOIN LATERAL (
        SELECT SUM(weight * ts_rank(candidates.stems, question)) AS score
        FROM unnest(questions, telling) AS each (question, weight)
    ) AS had
    ORDER BY 2 DESC, candidates.valid_from DESC, candidates.record DESC LIMIT most;
END
$$;
