-- What several daemons, and several users, need of one database. Times that hosts compare are this server's.

-- Notes that had waited outside because the memory could not be reached, each delivered once: by the name that it was given when
-- it was told.
CREATE TABLE delivered (
    note TEXT NOT NULL,
    record BIGINT NOT NULL,
    at BIGINT NOT NULL,
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, note)
);

CREATE INDEX delivered_by_time ON delivered (at);

-- Every daemon, and who is there where it runs. It counts until its lease is over. Who writes what others want to hear of at once
-- tells so on the channel iai_presence, with the id.
CREATE TABLE hosts (
    -- one home on one machine
    id TEXT NOT NULL CHECK (length(id) <= 64),
    name TEXT NOT NULL CHECK (length(name) <= 200),
    -- who is there, as JSON; ages in it are those of renewed_at
    presence TEXT NOT NULL CHECK (octet_length(presence) <= 65536),
    published_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    renewed_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    -- seconds
    lease DOUBLE PRECISION NOT NULL CHECK (lease > 0 AND lease <= 86400),
    owned_by TEXT NOT NULL DEFAULT session_user,
    PRIMARY KEY (owned_by, id)
);

-- Who runs a night, and until when he is believed to. Only who knows the newest token writes as a night.
CREATE TABLE fences (
    name TEXT PRIMARY KEY,
    token BIGINT NOT NULL,
    host TEXT,
    home TEXT,
    -- the process, what it does, and since when, in words
    holder TEXT,
    -- the session of the server that holds the advisory lock
    backend INTEGER,
    backend_start TIMESTAMPTZ,
    until TIMESTAMPTZ
);

INSERT INTO fences (name, token) VALUES ('night', 0);

-- A token that came again would let in who was kept out by it.
CREATE FUNCTION keep_token() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.token < OLD.token OR NEW.name <> OLD.name THEN
        RAISE EXCEPTION 'a token never goes back' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER tokens_only_grow BEFORE UPDATE ON fences FOR EACH ROW EXECUTE FUNCTION keep_token();

-- Whose a row is. The rules hold for the tables' owner, too. `session_user` and not `current_user`: who has logged in.
DO $$
DECLARE
    of_one TEXT;
BEGIN
    FOREACH of_one IN ARRAY ARRAY[
        'records', 'facts', 'vectors', 'nights', 'journal', 'cursors', 'taken_back', 'held', 'hindrances', 'refused', 'tasks', 'links',
        'contradictions', 'uses', 'pass_notes', 'sessions', 'recalls', 'occurrences', 'deferrals', 'runs', 'slots',
        'slot_updates', 'delivered', 'hosts', 'shared_scopes'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_one);
        EXECUTE format('CREATE POLICY own ON %I USING (owned_by = session_user) WITH CHECK (owned_by = session_user)', of_one);
    END LOOP;
END
$$;

-- Everybody sees every host, since a night waits for all of them, and which scopes others have opened.
CREATE POLICY seen ON hosts FOR SELECT USING (true);
CREATE POLICY seen ON shared_scopes FOR SELECT USING (true);

-- What was told in a scope that both have opened. What a night has made of it belongs to the night's user alone: everybody's own nights
-- do the same. Policies are asked in the order of their names, the last one first: `own` comes before these, and is enough for one's own.
CREATE POLICY also_seen ON records FOR SELECT
USING (made_by IS NULL AND (scope, owned_by) IN (SELECT seen.scope, seen.owned_by FROM seen_of_others() AS seen));
CREATE POLICY also_corrected ON records FOR UPDATE
USING (made_by IS NULL AND (scope, owned_by) IN (SELECT seen.scope, seen.owned_by FROM seen_of_others() AS seen));
-- Such rows are told apart from those that are not there: see `keep_to_owner`.
CREATE POLICY also_refused ON records FOR DELETE
USING (made_by IS NULL AND (scope, owned_by) IN (SELECT seen.scope, seen.owned_by FROM seen_of_others() AS seen));

-- Rows belong to what their owner sees, or an unknown id could be told from somebody else's, and his rows be kept from going.
CREATE POLICY of_what_is_seen ON vectors AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM records WHERE id = record));
CREATE POLICY of_what_is_seen ON taken_back AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM records WHERE id = record));
CREATE POLICY of_what_is_seen ON uses AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM records WHERE id = record));
CREATE POLICY of_what_is_seen ON held AS RESTRICTIVE FOR INSERT
WITH CHECK (record IS NULL OR EXISTS (SELECT 1 FROM records WHERE id = record));
CREATE POLICY of_what_is_seen ON links AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM records WHERE id = one) AND EXISTS (SELECT 1 FROM records WHERE id = other));
CREATE POLICY of_what_is_seen ON contradictions AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM records WHERE id = older) AND EXISTS (SELECT 1 FROM records WHERE id = newer));
CREATE POLICY of_what_is_seen ON occurrences AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM recalls WHERE id = recall));
CREATE POLICY of_what_is_seen ON deferrals AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM occurrences WHERE id = occurrence));
CREATE POLICY of_what_is_seen ON runs AS RESTRICTIVE FOR INSERT
WITH CHECK (EXISTS (SELECT 1 FROM occurrences WHERE id = occurrence));

CREATE POLICY of_own_night ON journal AS RESTRICTIVE FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM nights WHERE id = night));
CREATE POLICY of_own_night ON held AS RESTRICTIVE FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM nights WHERE id = night));
CREATE POLICY of_own_night ON links AS RESTRICTIVE FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM nights WHERE id = night));
-- What is planned or found anew is that night's.
CREATE POLICY of_what_is_seen_still ON held AS RESTRICTIVE FOR UPDATE USING (true)
WITH CHECK ((record IS NULL OR EXISTS (SELECT 1 FROM records WHERE id = record)) AND EXISTS (SELECT 1 FROM nights WHERE id = night));
CREATE POLICY of_own_night_still ON links AS RESTRICTIVE FOR UPDATE
USING (true) WITH CHECK (EXISTS (SELECT 1 FROM nights WHERE id = night));

-- What a row belongs to is said once. (`keep_to_owner` sees to it for records.)
CREATE FUNCTION belongs_for_good () RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = iai, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('what a row of %s belongs to does not change', TG_TABLE_NAME);
END
$$;

CREATE TRIGGER belongs_for_good BEFORE UPDATE ON vectors FOR EACH ROW
WHEN (NEW.record <> OLD.record) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON taken_back FOR EACH ROW
WHEN (NEW.record <> OLD.record) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON uses FOR EACH ROW
WHEN (NEW.record <> OLD.record) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON links FOR EACH ROW
WHEN (NEW.one <> OLD.one OR NEW.other <> OLD.other) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON contradictions FOR EACH ROW
WHEN (NEW.older <> OLD.older OR NEW.newer <> OLD.newer) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON journal FOR EACH ROW
WHEN (NEW.night <> OLD.night) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON occurrences FOR EACH ROW
WHEN (NEW.id <> OLD.id OR NEW.recall <> OLD.recall) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON deferrals FOR EACH ROW
WHEN (NEW.occurrence <> OLD.occurrence) EXECUTE FUNCTION belongs_for_good();
CREATE TRIGGER belongs_for_good BEFORE UPDATE ON runs FOR EACH ROW
WHEN (NEW.occurrence <> OLD.occurrence) EXECUTE FUNCTION belongs_for_good();

-- A slot is woken through its user's own recall: a recall that another slot names could be nobody's any more.
CREATE FUNCTION recall_is_own () RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = iai, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM recalls WHERE id = NEW.recall) THEN
        RAISE foreign_key_violation USING MESSAGE = format('there is no recall %s', NEW.recall);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER recall_is_own BEFORE INSERT OR UPDATE OF recall ON slots FOR EACH ROW
WHEN (NEW.recall IS NOT NULL) EXECUTE FUNCTION recall_is_own();

-- Whether a function of the schema's own works here, called by somebody else.
CREATE FUNCTION on_behalf () RETURNS BOOLEAN
LANGUAGE sql STABLE SET search_path = iai, pg_temp AS $$
    SELECT current_user <> session_user
    AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'iai.records'::regclass)
$$;

-- A record stays whose it is. Who shares its scope may let others take its place, and his nights may put it in order; what it says,
-- and whether it is known at all, is for its owner to decide.
CREATE FUNCTION keep_to_owner () RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = iai, pg_temp AS $$
DECLARE
    otherwise records;
BEGIN
    IF on_behalf() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id AND NEW.owned_by = OLD.owned_by THEN
        otherwise := NEW;
        otherwise.valid_to := OLD.valid_to;
        otherwise.superseded_by := OLD.superseded_by;
        otherwise.merged_into := OLD.merged_into;
        otherwise.expired_at := OLD.expired_at;
        otherwise.archived_at := OLD.archived_at;
        otherwise.revision := OLD.revision;
        otherwise.change := OLD.change;
        IF otherwise IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    -- Of what another was told, by a code of our own: no grant would help.
    RAISE EXCEPTION USING
        ERRCODE = CASE WHEN OLD.owned_by = session_user THEN 'insufficient_privilege' ELSE 'IA001' END,
        MESSAGE = format('memory %s belongs to %s', OLD.id, OLD.owned_by);
END
$$;

CREATE TRIGGER records_keep_to_owner BEFORE UPDATE ON records FOR EACH ROW
WHEN (OLD.owned_by <> session_user OR NEW.owned_by <> OLD.owned_by OR NEW.id <> OLD.id) EXECUTE FUNCTION keep_to_owner();
CREATE TRIGGER records_go_by_their_owner BEFORE DELETE ON records FOR EACH ROW
WHEN (OLD.owned_by <> session_user) EXECUTE FUNCTION keep_to_owner();

-- What takes a record's place is of the same scope: so whoever sees the one may see the other. Its name begins such that it comes before
-- the references' own rule, which sees everybody's rows and would tell which ids there are.
CREATE FUNCTION successor_is_seen () RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = iai, pg_temp AS $$
BEGIN
    IF (NEW.superseded_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM records WHERE id = NEW.superseded_by AND scope = NEW.scope))
    OR (NEW.merged_into IS NOT NULL AND NOT EXISTS (SELECT 1 FROM records WHERE id = NEW.merged_into AND scope = NEW.scope)) THEN
        RAISE foreign_key_violation USING MESSAGE = format('what took the place of memory %s is not in its scope', NEW.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER "A_successor_is_seen" AFTER INSERT OR UPDATE OF superseded_by, merged_into, scope ON records
DEFERRABLE FOR EACH ROW WHEN (NEW.superseded_by IS NOT NULL OR NEW.merged_into IS NOT NULL) EXECUTE FUNCTION successor_is_seen();

-- A function of the schema's own may take out what others' nights have kept of a memory that goes, or is not shared with them any more.
DO $$
DECLARE
    of_one TEXT;
BEGIN
    FOREACH of_one IN ARRAY ARRAY['records', 'journal', 'vectors', 'links', 'contradictions', 'uses', 'held'] LOOP
        EXECUTE format('CREATE POLICY on_behalf ON %I TO %I USING (%s on_behalf())', of_one, current_user,
            CASE WHEN of_one = 'records' THEN 'made_by IS NOT NULL AND' ELSE '' END);
    END LOOP;
END
$$;

-- The text of an erased memory is in nobody's journal and in nobody's gist.
CREATE FUNCTION erase_elsewhere () RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = iai, pg_temp AS $$
DECLARE
    gists BIGINT[];
BEGIN
    SELECT array_agg(DISTINCT one) INTO gists FROM links WHERE other = OLD.id AND kind = 'source' AND owned_by <> OLD.owned_by;
    UPDATE records SET superseded_by = NULL WHERE superseded_by = ANY (gists);
    DELETE FROM records WHERE id = ANY (gists) AND owned_by <> OLD.owned_by;
    UPDATE journal SET
        before = (before::jsonb || nobody_said())::text,
        after = (after::jsonb || nobody_said())::text,
        reason = '[purged]'
    WHERE (record = OLD.id OR record = ANY (gists)) AND owned_by <> OLD.owned_by;
    -- What waits and rests on it is planned anew.
    DELETE FROM held WHERE owned_by <> OLD.owned_by AND plan ~ ('(^|[^0-9])' || OLD.id || '([^0-9]|$)');
    RETURN OLD;
END
$$;

-- What purge.py leaves of a record that it erases.
CREATE FUNCTION nobody_said () RETURNS JSONB
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
'{"content": "[purged]", "subject": null, "attribute": null, "source": null, "external_id": null, "kind": null, "session": null,
"client": null, "tags": "[]"}'::jsonb;

CREATE TRIGGER records_erase_elsewhere BEFORE DELETE ON records FOR EACH ROW
WHEN (OLD.made_by IS NULL) EXECUTE FUNCTION erase_elsewhere();

-- Who no longer shares a scope takes his memories along: those of others that they replaced hold again, and the other way round, and
-- nobody keeps what he made of them.
CREATE FUNCTION part () RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = iai, pg_temp AS $$
DECLARE
    his BIGINT[];
    theirs BIGINT[];
BEGIN
    SELECT array_agg(id) FILTER (WHERE owned_by = OLD.owned_by), array_agg(id) FILTER (WHERE owned_by <> OLD.owned_by)
    INTO his, theirs FROM records WHERE scope = OLD.scope AND made_by IS NULL;
    UPDATE records SET
        superseded_by = NULL, merged_into = NULL, valid_to = NULL, revision = revision + 1,
        change = (SELECT last_value FROM changes) + place
    FROM (
        SELECT id AS other, ROW_NUMBER() OVER (ORDER BY id) AS place FROM records
        WHERE (id = ANY (his) AND (superseded_by = ANY (theirs) OR merged_into = ANY (theirs)))
        OR (id = ANY (theirs) AND (superseded_by = ANY (his) OR merged_into = ANY (his)))
    ) AS replaced
    WHERE records.id = replaced.other;
    DELETE FROM vectors WHERE (record = ANY (his) AND owned_by <> OLD.owned_by) OR (record = ANY (theirs) AND owned_by = OLD.owned_by);
    DELETE FROM uses WHERE (record = ANY (his) AND owned_by <> OLD.owned_by) OR (record = ANY (theirs) AND owned_by = OLD.owned_by);
    DELETE FROM links
    WHERE ((one = ANY (his) OR other = ANY (his)) AND owned_by <> OLD.owned_by)
    OR ((one = ANY (theirs) OR other = ANY (theirs)) AND owned_by = OLD.owned_by);
    DELETE FROM contradictions
    WHERE ((older = ANY (his) OR newer = ANY (his)) AND owned_by <> OLD.owned_by)
    OR ((older = ANY (theirs) OR newer = ANY (theirs)) AND owned_by = OLD.owned_by);
    RETURN OLD;
END
$$;

CREATE TRIGGER shared_scopes_part BEFORE DELETE ON shared_scopes FOR EACH ROW EXECUTE FUNCTION part();

-- Nobody reads the words but by the functions above, which run as the tables' owner.
ALTER TABLE words ENABLE ROW LEVEL SECURITY;

-- What runs as the tables' owner runs for these tables alone: nobody hangs it on one of his own.
REVOKE EXECUTE ON FUNCTION note_change(), note_words(), erase_elsewhere(), part() FROM PUBLIC;
