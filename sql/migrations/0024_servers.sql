-- A directory may have several servers. Which one the daemon works with, how the others are, and which of them have a
-- leaver's lock: the lock goes to all of them side by side, and each one's answer is kept.

-- ---- the servers, as the daemon sees them; written when something changes ----

CREATE TABLE paasla.directory_server (
    directory text COLLATE "C" NOT NULL, -- as the configuration names it
    server    text COLLATE "C" NOT NULL, -- its address as configured
    listed    int NOT NULL,              -- its place in uris, from 1
    in_use    boolean NOT NULL,          -- the daemon works with this one
    state     text NOT NULL CHECK (state IN ('up', 'away', 'refused', 'untried')),
    read_only boolean NOT NULL,          -- it has refused a write and named another server, or says so of itself
    since     timestamptz NOT NULL,
    why       text NOT NULL DEFAULT '',  -- not up: what is wrong
    PRIMARY KEY (directory, server)
);

CREATE OR REPLACE FUNCTION paasla.note_connections(c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM paasla.connection n WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(c) v WHERE v->>'directory' = n.directory);
    INSERT INTO paasla.connection AS n (directory, state, since, why)
    SELECT v->>'directory', v->>'state', paasla.from_us(v->'since_us'), v->>'why' FROM jsonb_array_elements(c) v
    ON CONFLICT (directory) DO UPDATE SET state = excluded.state, since = excluded.since, why = excluded.why
        WHERE (n.state, n.since, n.why) IS DISTINCT FROM (excluded.state, excluded.since, excluded.why);
    DELETE FROM paasla.directory_server n WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(c) v,
        jsonb_array_elements(v->'servers') s WHERE v->>'directory' = n.directory AND s->>'server' = n.server);
    INSERT INTO paasla.directory_server AS n (directory, server, listed, in_use, state, read_only, since, why)
    SELECT v->>'directory', s->>'server', (s->>'listed')::int, (s->>'in_use')::boolean, s->>'state',
        (s->>'read_only')::boolean, paasla.from_us(s->'since_us'), s->>'why'
        FROM jsonb_array_elements(c) v, jsonb_array_elements(v->'servers') s
    ON CONFLICT (directory, server) DO UPDATE SET listed = excluded.listed, in_use = excluded.in_use,
        state = excluded.state, read_only = excluded.read_only, since = excluded.since, why = excluded.why
        WHERE (n.listed, n.in_use, n.state, n.read_only, n.since, n.why)
            IS DISTINCT FROM (excluded.listed, excluded.in_use, excluded.state, excluded.read_only, excluded.since, excluded.why);
END $$;

-- ---- which server has which lock ----

CREATE TABLE paasla.lock_ack (
    account_id      bigint NOT NULL REFERENCES paasla.account,
    intent_id       bigint NOT NULL REFERENCES paasla.intent,
    server          text COLLATE "C" NOT NULL,
    result_code     int,                            -- of the lock there (RFC 4511); -1 no answer came; -2 it could not be sent
    seen            boolean NOT NULL DEFAULT false, -- acknowledged by a look that showed the lock
    acknowledged_at timestamptz,                    -- NULL: the server is not known to have the lock
    PRIMARY KEY (intent_id, server)
);
CREATE INDEX lock_ack_account ON paasla.lock_ack (account_id);
CREATE INDEX lock_ack_owed ON paasla.lock_ack (server) WHERE acknowledged_at IS NULL;

-- What is owed is born with the intent: a crash between the lock and its answers forgets no server.
CREATE FUNCTION paasla.owe_acks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.lock_ack (account_id, intent_id, server)
    SELECT NEW.account_id, NEW.intent_id, s.server FROM paasla.directory_server s
    WHERE s.directory = NEW.directory
      AND (SELECT count(*) FROM paasla.directory_server o WHERE o.directory = NEW.directory) > 1;
    RETURN NULL;
END $$;
CREATE TRIGGER intent_owes_acks AFTER INSERT ON paasla.intent FOR EACH ROW WHEN (NEW.op IN ('lock', 'close'))
    EXECUTE FUNCTION paasla.owe_acks();

-- `items`: {account_id, intent_id, server, code, seen, at_us}. May be sent twice: what is acknowledged stays so.
CREATE FUNCTION paasla.acked(dir text, items jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    x jsonb;
    n paasla.lock_ack;
    old paasla.lock_ack;
    i paasla.intent;
BEGIN
    FOR x IN SELECT value FROM jsonb_array_elements(items) LOOP
        SELECT * INTO i FROM paasla.intent t
            WHERE t.intent_id = (x->>'intent_id')::bigint AND t.account_id = (x->>'account_id')::bigint AND t.directory = dir;
        CONTINUE WHEN NOT FOUND;
        n.account_id := i.account_id;
        n.intent_id := i.intent_id;
        n.server := x->>'server';
        n.seen := (x->>'seen')::boolean;
        n.result_code := CASE WHEN NOT n.seen THEN (x->>'code')::int END;
        n.acknowledged_at := CASE WHEN n.seen OR n.result_code = 0 THEN paasla.from_us(x->'at_us') END;
        SELECT * INTO old FROM paasla.lock_ack a WHERE a.intent_id = n.intent_id AND a.server = n.server FOR UPDATE;
        CONTINUE WHEN old.acknowledged_at IS NOT NULL OR (NOT n.seen AND old.result_code = n.result_code);
        n.result_code := coalesce(n.result_code, old.result_code); -- a look leaves what was answered
        INSERT INTO paasla.lock_ack VALUES (n.*) ON CONFLICT (intent_id, server) DO UPDATE
            SET result_code = excluded.result_code, seen = excluded.seen, acknowledged_at = excluded.acknowledged_at;
        PERFORM audit.append(CASE WHEN n.acknowledged_at IS NULL THEN 'lock.not_acknowledged' ELSE 'lock.acknowledged' END,
            jsonb_build_object('account_id', n.account_id, 'intent_id', n.intent_id, 'person_id', i.person_id,
                'directory', dir, 'result_code', n.result_code),
            jsonb_build_object('server', n.server, 'seen', n.seen, 'answered_at', paasla.from_us(x->'at_us')));
        -- It may have done the lock only now. Where servers replicate whole entries (slapd) its newer entry has then come
        -- in place of ours, with the password as it was there: it is made useless once more.
        IF n.seen AND old.result_code = -1 AND i.op = 'close' THEN
            UPDATE paasla.account a SET state = 'locking', state_at = clock_timestamp(), state_row = NULL,
                state_text = 'A server may have done the lock late, with the old password beside it; the account is closed once more.'
                WHERE a.account_id = n.account_id AND a.state IN ('closing', 'out');
            IF FOUND THEN
                PERFORM audit.append('account.state', jsonb_build_object('account_id', n.account_id, 'person_id', i.person_id,
                    'directory', dir), jsonb_build_object('state', 'locking', 'purpose', i.purpose, 'server', n.server));
                INSERT INTO paasla.dirty (directory, person_id, cause) VALUES (dir, i.person_id, 'late_lock');
            END IF;
        END IF;
    END LOOP;
END $$;

-- Where the lock that counts now stands: of each account that is, or is about to be, locked the last lock, and the
-- servers that it went to, as far as they are still listed.
CREATE VIEW paasla.lock_place AS
SELECT k.account_id, k.intent_id, a.directory, k.server, s.listed, s.in_use, s.state, s.read_only, k.result_code, k.seen,
    k.acknowledged_at
FROM paasla.account a
CROSS JOIN LATERAL (SELECT i.intent_id, i.op, i.outcome FROM paasla.intent i
    WHERE i.account_id = a.account_id AND i.op IN ('lock', 'close', 'open') AND i.outcome IS DISTINCT FROM 'not_done'
    ORDER BY i.intent_id DESC LIMIT 1) last
JOIN paasla.lock_ack k ON k.intent_id = last.intent_id
JOIN paasla.directory_server s ON s.directory = a.directory AND s.server = k.server
WHERE last.outcome IS NULL OR a.state IN ('ready', 'locking', 'closing', 'paused', 'out');

-- Locks that these servers are not known to have, the newest first.
CREATE FUNCTION paasla.unacked(dir text, servers text[])
RETURNS TABLE (account_id bigint, intent_id bigint, server text, native_id text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.account_id, p.intent_id, p.server, a.native_id
    FROM paasla.lock_ack k JOIN paasla.lock_place p ON p.account_id = k.account_id AND p.intent_id = k.intent_id AND p.server = k.server
    JOIN paasla.account a ON a.account_id = k.account_id
    WHERE k.acknowledged_at IS NULL AND k.server = ANY (servers) AND a.directory = dir AND a.native_id IS NOT NULL
    ORDER BY k.intent_id DESC LIMIT 500
$$;

-- ---- rights ----

ALTER TABLE paasla.directory_server OWNER TO paasla_owner;
ALTER TABLE paasla.lock_ack OWNER TO paasla_owner;
ALTER VIEW paasla.lock_place OWNER TO paasla_owner;
ALTER FUNCTION paasla.owe_acks() OWNER TO paasla_owner;
ALTER FUNCTION paasla.acked(text, jsonb) OWNER TO paasla_owner;
ALTER FUNCTION paasla.unacked(text, text[]) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.owe_acks(), paasla.acked(text, jsonb), paasla.unacked(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.acked(text, jsonb), paasla.unacked(text, text[]) TO paasla_daemon;
GRANT SELECT ON paasla.directory_server, paasla.lock_ack, paasla.lock_place TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
