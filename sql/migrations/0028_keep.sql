-- What is kept of an account while it is open. The end that HR knows beforehand: the directory gets it ahead, so that the
-- account closes by itself even if the daemon is down. And names that HR changes.

-- When an account that is wanted open ends, for good or until work begins again: where the employments that reach beyond `t`
-- without a gap end. No row: it has no end. Only who has an end at all is looked at closer.
CREATE FUNCTION paasla.known_end_at(t timestamptz)
RETURNS TABLE (person_id bigint, directory text, purpose text, ends timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT g.person_id, g.directory, g.purpose, upper(r.run)
    FROM (
        SELECT e.person_id, d.directory, p.purpose, range_agg(e.period) AS runs
        FROM paasla.employment e
        JOIN paasla.institution_directory d ON d.institution = e.institution
        JOIN (VALUES ('admin'::text), ('personal')) p (purpose) ON p.purpose = 'personal' OR e.it_admin
        WHERE (upper(e.period) IS NULL OR upper(e.period) > t)
          AND e.person_id IN (SELECT f.person_id FROM paasla.employment f WHERE upper(f.period) > t)
        GROUP BY e.person_id, d.directory, p.purpose
    ) g CROSS JOIN LATERAL unnest(g.runs) AS r (run)
    WHERE r.run @> t AND upper(r.run) < '2200-01-01'
$$;

-- What an intent of op keep writes: NULL takes away what was written before. An end in the directory is ours when it stands
-- in one of these, whatever became of the write.
ALTER TABLE paasla.intent ADD COLUMN ends timestamptz;
CREATE INDEX intent_ends ON paasla.intent (account_id) WHERE ends IS NOT NULL;

-- As in 0023, and: the end that is to be written.
CREATE OR REPLACE FUNCTION paasla.intend(items jsonb) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    acting bigint := audit.acting_person();
BEGIN
    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT x.*, v.ordinality, nextval('paasla.intent_intent_id_seq') AS id,
            CASE WHEN x.ends_us > 0 THEN timestamptz 'epoch' + x.ends_us * interval '1 microsecond' END AS ends
        FROM jsonb_array_elements(items) WITH ORDINALITY v
        CROSS JOIN LATERAL jsonb_to_record(v.value) AS x (account_id bigint, person_id bigint, directory text, purpose text,
            role_group_id int, op text, "row" int, put_back boolean, counted boolean, ends_us bigint)
    ), planned AS (
        INSERT INTO paasla.intent (intent_id, account_id, person_id, directory, purpose, role_group_id, op, row, put_back, counted,
            ends)
        OVERRIDING SYSTEM VALUE
        SELECT i.id, i.account_id, i.person_id, i.directory, i.purpose, nullif(i.role_group_id, 0), i.op, i.row,
            coalesce(i.put_back, false), coalesce(i.counted, false), i.ends
        FROM item i ORDER BY i.ordinality
    ), told AS (
        INSERT INTO audit.event (acting_person, action, intent_id, account_id, person_id, directory, lifecycle_row, role_group_id,
            detail)
        SELECT acting, 'intent.planned', i.id, i.account_id, i.person_id, i.directory, i.row, nullif(i.role_group_id, 0),
            jsonb_strip_nulls(jsonb_build_object('op', i.op, 'purpose', i.purpose, 'put_back', nullif(i.put_back, false),
                'ends', CASE WHEN i.op = 'keep' THEN coalesce(to_char(i.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
                    'never') END))::text
        FROM item i ORDER BY i.ordinality
    )
    SELECT i.id FROM item i ORDER BY i.ordinality;
END $$;
ALTER FUNCTION paasla.intend(jsonb) SET enable_seqscan = off; -- as in 0023

-- ---- names ----

-- A value in a directory that shows one of these is out of date; any other is somebody's own.
CREATE TABLE paasla.former_name (
    person_id   bigint NOT NULL REFERENCES paasla.person,
    given_name  text COLLATE "C" NOT NULL,
    family_name text COLLATE "C" NOT NULL,
    until       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (person_id, given_name, family_name)
);

CREATE FUNCTION paasla.name_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.former_name AS f (person_id, given_name, family_name)
    SELECT o.person_id, o.given_name, o.family_name FROM old o JOIN new n USING (person_id)
    WHERE (o.given_name, o.family_name) IS DISTINCT FROM (n.given_name, n.family_name)
    ON CONFLICT (person_id, given_name, family_name) DO UPDATE SET until = excluded.until;
    RETURN NULL;
END $$;
CREATE TRIGGER person_renamed AFTER UPDATE ON paasla.person REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.name_changed();

-- ---- rights ----

ALTER TABLE paasla.former_name OWNER TO paasla_owner;
ALTER FUNCTION paasla.name_changed() OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.name_changed() FROM PUBLIC;
GRANT SELECT ON paasla.former_name TO paasla_daemon;
ALTER FUNCTION paasla.known_end_at(timestamptz) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.known_end_at(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.known_end_at(timestamptz)
    TO paasla_daemon, paasla_hr, paasla_admin, paasla_grantor, paasla_approver, paasla_auditor;
