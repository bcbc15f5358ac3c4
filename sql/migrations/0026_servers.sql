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
    password_gone   boolean NOT NULL DEFAULT false, -- it took the useless password after the lock too, or need not
    seen            boolean NOT NULL DEFAULT false, -- a look showed the lock
    acknowledged_at timestamptz,                    -- NULL: the server is not known to have the lock
    close_again     boolean NOT NULL DEFAULT false, -- the old password may have come back by this server
    PRIMARY KEY (intent_id, server)
);
CREATE INDEX lock_ack_account ON paasla.lock_ack (account_id);
CREATE INDEX lock_ack_owed ON paasla.lock_ack (server)
    WHERE NOT seen AND (acknowledged_at IS NULL OR NOT (password_gone OR close_again));

-- What is owed is born with the intent: a crash between the lock and its answers forgets no server.
CREATE FUNCTION paasla.owe_acks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.lock_ack (account_id, intent_id, server, password_gone)
    SELECT NEW.account_id, NEW.intent_id, s.server, NEW.op = 'lock' FROM paasla.directory_server s
    WHERE s.directory = NEW.directory
      AND (SELECT count(*) FROM paasla.directory_server o WHERE o.directory = NEW.directory) > 1;
    RETURN NULL;
END $$;
CREATE TRIGGER intent_owes_acks AFTER INSERT ON paasla.intent FOR EACH ROW WHEN (NEW.op IN ('lock', 'close'))
    EXECUTE FUNCTION paasla.owe_acks();

-- Where servers replicate whole entries (slapd), one that does the lock late, or not the password after it, may put its
-- entry, with the old password, in place of the one in use: nobody is out then before the account was closed once more.
CREATE FUNCTION paasla.close_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM paasla.lock_ack k WHERE k.account_id = NEW.account_id AND k.close_again AND k.acknowledged_at IS NOT NULL
               AND k.intent_id = (SELECT max(o.intent_id) FROM paasla.lock_ack o WHERE o.account_id = NEW.account_id)) THEN
        NEW.state := 'locking';
        NEW.state_row := NULL;
        NEW.state_text := 'A server may have kept the old password beside its lock; the account is closed once more.';
        INSERT INTO paasla.dirty (directory, person_id, cause, not_before) SELECT NEW.directory, NEW.person_id, 'close_again',
            CASE WHEN count(*) < 4 THEN '-infinity' ELSE now() + interval '1 hour' END -- a server may refuse for ever
            FROM paasla.intent i WHERE i.account_id = NEW.account_id AND i.op = 'close' AND i.at > now() - interval '1 hour';
        PERFORM audit.append('account.close_again', jsonb_build_object('account_id', NEW.account_id, 'person_id', NEW.person_id,
            'directory', NEW.directory), jsonb_build_object('purpose', NEW.purpose));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_close_again BEFORE UPDATE OF state ON paasla.account FOR EACH ROW
    WHEN (NEW.state = 'out' AND NEW.person_id IS NOT NULL) EXECUTE FUNCTION paasla.close_again();

-- The old password may have come back by this server just now. The mark stands beside the last lock of the account, not the
-- one that it is told of: that one may have been answered too late, and only a close that begins after this undoes it.
CREATE FUNCTION paasla.may_be_back(acc bigint, uri text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.lock_ack a SET close_again = true WHERE a.account_id = acc AND a.server = uri AND NOT a.close_again
        AND a.intent_id = (SELECT max(o.intent_id) FROM paasla.lock_ack o WHERE o.account_id = acc);
    UPDATE paasla.account a SET state = a.state WHERE a.account_id = acc AND a.state = 'out';
END $$;

-- What a server says of the password after the lock.
CREATE FUNCTION paasla.acked_password(i paasla.intent, uri text, gone boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.lock_ack a SET password_gone = gone, close_again = a.close_again OR NOT gone
        WHERE a.intent_id = i.intent_id AND a.server = uri AND coalesce(a.result_code, 0) = 0 AND NOT a.password_gone;
    IF FOUND AND NOT gone THEN
        PERFORM paasla.may_be_back(i.account_id, uri);
    END IF;
END $$;

-- `items`: {account_id, intent_id, server, code, seen, after, whole, at_us}. after: `code` is of the password that follows
-- the lock; whole: of the server in use, where the intent's outcome tells of the password. May be sent twice: what is
-- acknowledged stays so.
CREATE FUNCTION paasla.acked(dir text, items jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    x jsonb;
    i paasla.intent;
    old paasla.lock_ack;
    n paasla.lock_ack;
    late boolean; -- an earlier lock was done there without the password after it, or may have been
BEGIN
    FOR x IN SELECT value FROM jsonb_array_elements(items) LOOP
        SELECT * INTO i FROM paasla.intent t
            WHERE t.intent_id = (x->>'intent_id')::bigint AND t.account_id = (x->>'account_id')::bigint AND t.directory = dir;
        CONTINUE WHEN NOT FOUND;
        IF (x->>'after')::boolean THEN
            PERFORM paasla.acked_password(i, x->>'server', x->>'code' = '0');
            CONTINUE;
        END IF;
        INSERT INTO paasla.lock_ack (account_id, intent_id, server, password_gone)
            VALUES (i.account_id, i.intent_id, x->>'server', i.op = 'lock') ON CONFLICT DO NOTHING;
        SELECT * INTO old FROM paasla.lock_ack a WHERE a.intent_id = i.intent_id AND a.server = x->>'server' FOR UPDATE;
        n := old;
        n.seen := (x->>'seen')::boolean;
        IF NOT n.seen THEN
            n.result_code := (x->>'code')::int;
            n.password_gone := old.password_gone OR (x->>'whole')::boolean;
        END IF;
        -- A look says something new of a server that has the lock only when its word on the password is missing.
        CONTINUE WHEN old.seen OR old.acknowledged_at IS NOT NULL AND (old.password_gone OR NOT n.seen)
            OR NOT n.seen AND old.result_code = n.result_code;
        IF n.seen OR n.result_code = 0 THEN
            n.acknowledged_at := coalesce(old.acknowledged_at, paasla.from_us(x->'at_us'));
            -- Locks that never were answered there: they may have been done only now.
            UPDATE paasla.lock_ack o SET seen = true, acknowledged_at = n.acknowledged_at WHERE o.account_id = n.account_id
                AND o.server = n.server AND o.intent_id <= n.intent_id AND o.acknowledged_at IS NULL
                AND coalesce(o.result_code, -1) = -1;
            late := FOUND;
            IF n.seen THEN -- this one did not bring the password there either
                UPDATE paasla.lock_ack o SET close_again = true WHERE o.account_id = n.account_id AND o.server = n.server
                    AND o.intent_id < n.intent_id AND o.result_code = 0 AND NOT (o.password_gone OR o.close_again);
                late := late OR FOUND;
            END IF;
            n.close_again := old.close_again OR n.seen AND (late OR old.acknowledged_at IS NOT NULL);
        END IF;
        UPDATE paasla.lock_ack a SET result_code = n.result_code, password_gone = n.password_gone, seen = n.seen,
            acknowledged_at = n.acknowledged_at, close_again = n.close_again
            WHERE a.intent_id = n.intent_id AND a.server = n.server;
        PERFORM audit.append(CASE WHEN n.acknowledged_at IS NULL THEN 'lock.not_acknowledged' ELSE 'lock.acknowledged' END,
            jsonb_build_object('account_id', n.account_id, 'intent_id', n.intent_id, 'person_id', i.person_id,
                'directory', dir, 'result_code', n.result_code),
            jsonb_build_object('server', n.server, 'seen', n.seen, 'answered_at', paasla.from_us(x->'at_us')));
        IF n.close_again THEN
            PERFORM paasla.may_be_back(n.account_id, n.server);
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

-- Locks that these servers are not known to have, the newest first. From the intent `before` on an answer is still to come,
-- and a look ahead of it would say nothing: what is on its way may be done after it.
CREATE FUNCTION paasla.unacked(dir text, servers text[], before bigint)
RETURNS TABLE (account_id bigint, intent_id bigint, server text, native_id text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.account_id, p.intent_id, p.server, coalesce(a.native_id, '') -- or whose word on the password is missing
    FROM paasla.lock_ack k JOIN paasla.lock_place p ON p.account_id = k.account_id AND p.intent_id = k.intent_id AND p.server = k.server
    JOIN paasla.account a ON a.account_id = k.account_id
    WHERE NOT k.seen AND (k.acknowledged_at IS NULL OR NOT (k.password_gone OR k.close_again)) AND k.server = ANY (servers)
      AND (k.intent_id < before OR (k.acknowledged_at IS NULL AND k.result_code IS NOT NULL)) AND a.directory = dir
    ORDER BY k.intent_id DESC LIMIT 500
$$;

-- ---- rights ----

ALTER TABLE paasla.directory_server OWNER TO paasla_owner;
ALTER TABLE paasla.lock_ack OWNER TO paasla_owner;
ALTER VIEW paasla.lock_place OWNER TO paasla_owner;
ALTER FUNCTION paasla.owe_acks() OWNER TO paasla_owner;
ALTER FUNCTION paasla.close_again() OWNER TO paasla_owner;
ALTER FUNCTION paasla.may_be_back(bigint, text) OWNER TO paasla_owner;
ALTER FUNCTION paasla.acked_password(paasla.intent, text, boolean) OWNER TO paasla_owner;
ALTER FUNCTION paasla.acked(text, jsonb) OWNER TO paasla_owner;
ALTER FUNCTION paasla.unacked(text, text[], bigint) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.owe_acks(), paasla.close_again(), paasla.may_be_back(bigint, text), paasla.acked_password(paasla.intent, text, boolean),
    paasla.acked(text, jsonb), paasla.unacked(text, text[], bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.acked(text, jsonb), paasla.unacked(text, text[], bigint) TO paasla_daemon;
GRANT SELECT ON paasla.directory_server, paasla.lock_ack, paasla.lock_place TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
