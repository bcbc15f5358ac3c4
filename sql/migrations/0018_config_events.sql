-- What the daemon tells of itself: its configuration as it took effect, how its connections are, and what monitoring may
-- count. Nothing here is written on a schedule: an idle daemon writes nothing.

-- ---- the daemon that works on this database, or did so last ----

CREATE TABLE paasla.daemon_run (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    note_id       text NOT NULL, -- of the last note that was taken
    version       text NOT NULL,
    host          text NOT NULL,
    file_sha256   text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    started_at    timestamptz NOT NULL,
    loaded_at     timestamptz NOT NULL,
    needs_restart text[] NOT NULL DEFAULT '{}', -- options of the file that count from the next start on
    salt          bytea NOT NULL DEFAULT paasla.gen_random_bytes(32)
);

CREATE TABLE paasla.config_value ( -- what is in force; the next load is compared with it
    name   text COLLATE "C" PRIMARY KEY, -- daemon.poll_s, directory linn.uris
    value  text NOT NULL,
    secret bytea -- of an option that names a file with a secret: a keyed hash of what was in it, to see that it changed
);

CREATE TABLE paasla.connection ( -- written when one comes or goes
    directory text COLLATE "C" PRIMARY KEY, -- as the configuration names it; paasla.directory may not know it
    state     text NOT NULL CHECK (state IN ('up', 'away', 'refused')), -- refused: the server does not take our log-on
    since     timestamptz NOT NULL,
    why       text NOT NULL DEFAULT '' -- not up: what is wrong
);

-- Whether a paaslad works on this database now: it holds the advisory lock that spells "paasla" as long as it lives.
CREATE FUNCTION paasla.daemon_works() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND l.classid = (123563549092961 >> 32)::oid AND l.objid = (123563549092961 & 4294967295)::oid)
$$;

-- One event for each load: what differs from what was in force before. The same note sent twice, because nobody knew
-- whether the first one arrived, counts once.
CREATE FUNCTION paasla.note_config(c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run paasla.daemon_run;
    changes jsonb;
    secrets text[];
BEGIN
    SELECT * INTO run FROM paasla.daemon_run FOR UPDATE;
    IF run.note_id = c->>'note_id' THEN
        RETURN;
    END IF;
    SELECT jsonb_object_agg(coalesce(n.key, o.name), jsonb_build_object('old', o.value, 'new', n.value)) INTO changes
        FROM jsonb_each_text(c->'values') n FULL JOIN paasla.config_value o ON o.name = n.key COLLATE "C"
        WHERE o.value IS DISTINCT FROM n.value;
    SELECT array_agg(o.name ORDER BY o.name) INTO secrets
        FROM jsonb_each_text(c->'secrets') n JOIN paasla.config_value o ON o.name = n.key COLLATE "C"
        WHERE o.secret <> paasla.hmac(decode(n.value, 'hex'), run.salt, 'sha256');
    INSERT INTO paasla.daemon_run AS r (note_id, version, host, file_sha256, started_at, loaded_at, needs_restart)
    VALUES (c->>'note_id', c->>'version', c->>'host', c->>'file_sha256', paasla.from_us(c->'started_us'),
        paasla.from_us(c->'loaded_us'), ARRAY(SELECT jsonb_array_elements_text(c->'needs_restart')))
    ON CONFLICT (one) DO UPDATE SET note_id = excluded.note_id, version = excluded.version, host = excluded.host,
        file_sha256 = excluded.file_sha256, started_at = excluded.started_at, loaded_at = excluded.loaded_at,
        needs_restart = excluded.needs_restart
    RETURNING r.salt INTO run.salt;
    DELETE FROM paasla.config_value WHERE NOT c->'values' ? name;
    INSERT INTO paasla.config_value AS v (name, value, secret)
    SELECT n.key, n.value, paasla.hmac(decode(s.value, 'hex'), run.salt, 'sha256')
        FROM jsonb_each_text(c->'values') n LEFT JOIN jsonb_each_text(c->'secrets') s ON s.key = n.key
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, secret = coalesce(excluded.secret, v.secret);
    PERFORM audit.append(CASE WHEN c->>'kind' = 'reload' AND (changes IS NOT NULL OR secrets IS NOT NULL
            OR run.file_sha256 IS DISTINCT FROM c->>'file_sha256') THEN 'config.changed' ELSE 'config.loaded' END, '{}',
        jsonb_build_object('version', c->'version', 'host', c->'host', 'file_sha256', c->'file_sha256', 'changes', changes,
            'secrets_changed', to_jsonb(secrets), 'needs_restart', nullif(c->'needs_restart', '[]')));
END $$;

CREATE FUNCTION paasla.note_connections(c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM paasla.connection n WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(c) v WHERE v->>'directory' = n.directory);
    INSERT INTO paasla.connection AS n (directory, state, since, why)
    SELECT v->>'directory', v->>'state', paasla.from_us(v->'since_us'), v->>'why' FROM jsonb_array_elements(c) v
    ON CONFLICT (directory) DO UPDATE SET state = excluded.state, since = excluded.since, why = excluded.why
        WHERE (n.state, n.since, n.why) IS DISTINCT FROM (excluded.state, excluded.since, excluded.why);
END $$;

-- ---- the last full compare that saw everything, though a later one did not ----

ALTER TABLE paasla.directory ADD COLUMN last_complete_at timestamptz;
UPDATE paasla.directory SET last_complete_at = last_compare_at WHERE last_compare_complete;

CREATE FUNCTION paasla.compare_complete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.last_complete_at := NEW.last_compare_at;
    RETURN NEW;
END $$;
CREATE TRIGGER directory_complete BEFORE UPDATE OF last_compare_at ON paasla.directory FOR EACH ROW
    WHEN (NEW.last_compare_complete) EXECUTE FUNCTION paasla.compare_complete();

-- ---- what monitoring may count, without a right to read it ----

CREATE VIEW paasla.open_findings AS
SELECT directory, severity, count(*) AS n, count(*) FILTER (WHERE kind = 'lock_not_proven') AS not_proven
FROM paasla.finding WHERE state = 'open' GROUP BY directory, severity;

CREATE VIEW paasla.open_work AS
SELECT count(*) AS n, count(*) FILTER (WHERE due_at < now()) AS overdue FROM paasla.work_order WHERE state = 'open';

-- ---- rights ----

ALTER TABLE paasla.daemon_run OWNER TO paasla_owner;
ALTER TABLE paasla.config_value OWNER TO paasla_owner;
ALTER TABLE paasla.connection OWNER TO paasla_owner;
ALTER VIEW paasla.open_findings OWNER TO paasla_owner;
ALTER VIEW paasla.open_work OWNER TO paasla_owner;
ALTER FUNCTION paasla.note_config(jsonb) OWNER TO paasla_owner;
ALTER FUNCTION paasla.note_connections(jsonb) OWNER TO paasla_owner;
ALTER FUNCTION paasla.compare_complete() OWNER TO paasla_owner;
ALTER FUNCTION paasla.daemon_works() OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.note_config(jsonb), paasla.note_connections(jsonb), paasla.compare_complete(),
    paasla.daemon_works() FROM PUBLIC;

GRANT SELECT (one, version, host, file_sha256, started_at, loaded_at, needs_restart) ON paasla.daemon_run
    TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT SELECT (name, value) ON paasla.config_value TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT SELECT ON paasla.connection TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT EXECUTE ON FUNCTION paasla.daemon_works() TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT EXECUTE ON FUNCTION paasla.note_config(jsonb), paasla.note_connections(jsonb) TO paasla_daemon;
GRANT SELECT ON paasla.open_findings, paasla.open_work TO paasla_daemon;
