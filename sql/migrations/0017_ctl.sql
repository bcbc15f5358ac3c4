-- What paaslactl needs of the schema: the document that a revocation rests on, the answer of each directory to a sync,
-- and what HR may know of a leaver's accounts.

-- ---- the document that a grant's end rests on ----

-- Not a foreign key: to take something away must not wait until somebody has filed the paper.
ALTER TABLE paasla.access_grant ADD COLUMN end_reference text CONSTRAINT grant_end_reference CHECK (
    end_reference = btrim(end_reference) AND end_reference <> '' AND length(end_reference) <= 60);
GRANT UPDATE (end_reference) ON paasla.access_grant TO paasla_grantor;

-- It is said in the statement that brings the end nearer, and goes when that end is taken back. Runs before grant_guard.
CREATE FUNCTION paasla.grant_end_document() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.end_reference IS NOT NULL THEN
            RAISE EXCEPTION 'a grant that is given has no document of its end' USING ERRCODE = 'check_violation',
                HINT = 'Give it when the grant is ended.';
        END IF;
    ELSIF NEW.end_reference IS DISTINCT FROM OLD.end_reference AND (NEW.valid = OLD.valid OR NOT NEW.valid <@ OLD.valid) THEN
        RAISE EXCEPTION 'grant %: the document of its end does not change by itself', OLD.grant_id
            USING ERRCODE = 'check_violation', HINT = 'Give it in the statement that ends the grant.';
    ELSIF NOT NEW.valid <@ OLD.valid AND NEW.ended_by IS DISTINCT FROM 'departure!' THEN
        NEW.end_reference := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER grant_end_document BEFORE INSERT OR UPDATE ON paasla.access_grant
    FOR EACH ROW EXECUTE FUNCTION paasla.grant_end_document();

-- The event of an end names the request that the end rests on; the one that the grant rests on stands in grant.given.
CREATE OR REPLACE FUNCTION paasla.grant_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM audit.append('grant.given', jsonb_build_object('person_id', n.person_id, 'grant_id', n.grant_id,
            'role_id', n.role_id, 'employment_id', n.employment_id, 'register_code', r.register_code, 'request_id', q.request_id),
            jsonb_build_object('from', lower(n.valid), 'until', upper(n.valid), 'origin', n.origin),
            jsonb_build_object('text', n.reason, 'value', n.reference))
        FROM new n JOIN paasla.register_role r USING (role_id) LEFT JOIN paasla.request q USING (reference);
        PERFORM paasla.open_work((SELECT array_agg(grant_id) FROM new));
        PERFORM paasla.note_due((SELECT array_agg(grant_id) FROM new));
        PERFORM paasla.mark((SELECT array_agg(person_id) FROM new), 'granted');
        RETURN NULL;
    END IF;
    PERFORM audit.append(CASE WHEN isempty(n.valid) OR upper(n.valid) IS DISTINCT FROM upper(o.valid) AND n.ended_by IS NOT NULL
                              THEN 'grant.ended' ELSE 'grant.changed' END,
        jsonb_build_object('person_id', n.person_id, 'grant_id', n.grant_id, 'role_id', n.role_id,
            'employment_id', n.employment_id, 'register_code', r.register_code, 'request_id', q.request_id),
        jsonb_build_object('from', lower(o.valid), 'until', upper(n.valid), 'before_until', upper(o.valid),
            'ended_by', n.ended_by, 'never_began', CASE WHEN isempty(n.valid) THEN true END),
        jsonb_build_object('text', n.reason, 'value', x.reference))
    FROM new n JOIN old o USING (grant_id) JOIN paasla.register_role r ON r.role_id = n.role_id
        CROSS JOIN LATERAL (SELECT CASE WHEN n.valid IS DISTINCT FROM o.valid
            AND (n.ended_by = 'revoke' OR n.end_reference IS DISTINCT FROM o.end_reference AND n.end_reference IS NOT NULL)
            THEN n.end_reference ELSE n.reference END AS reference) x
        LEFT JOIN paasla.request q ON q.reference = x.reference WHERE n IS DISTINCT FROM o;
    PERFORM paasla.open_work((SELECT array_agg(grant_id) FROM new));
    PERFORM paasla.note_due((SELECT array_agg(n.grant_id) FROM new n JOIN old o USING (grant_id)
        WHERE n.valid IS DISTINCT FROM o.valid));
    PERFORM paasla.mark((SELECT array_agg(n.person_id) FROM new n JOIN old o USING (grant_id) WHERE n.valid IS DISTINCT FROM o.valid),
        'revoked');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION paasla.revoke_access(employee_no text, register text, role text, reference text DEFAULT NULL,
    institution text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    r int := paasla.role_by_code(register, role);
    document text := btrim(reference);
    n int;
BEGIN
    IF document = '' OR length(document) > 60 THEN
        RAISE EXCEPTION 'reference % cannot be used', quote_literal(reference) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A document number has 1 to 60 characters; without one, leave it out.';
    END IF;
    UPDATE paasla.access_grant g SET ended_by = 'revoke', end_reference = document,
        valid = CASE WHEN lower(g.valid) >= now() THEN 'empty'::tstzrange ELSE tstzrange(lower(g.valid), now()) END
    WHERE g.person_id = e.person_id AND g.role_id = r AND NOT isempty(g.valid) AND (upper(g.valid) IS NULL OR upper(g.valid) > now());
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n = 0 THEN
        RAISE EXCEPTION 'number % does not have % %', employee_no, register, role
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.matrix.';
    ELSIF NOT EXISTS (SELECT FROM paasla.request q WHERE q.reference = document) AND document IS NOT NULL THEN
        RAISE NOTICE 'no request % is filed; the number alone is kept', document
            USING HINT = 'paasla.file_request(reference, requested_by_no) says who asked for it.';
    END IF;
    RETURN now();
END $$;

-- ---- what each directory answered to a sync ----

-- A row is made for each directory when the sync is asked for; `at` stays NULL until its full compare has ended.
CREATE TABLE paasla.control_answer (
    control_id bigint NOT NULL REFERENCES paasla.control,
    directory  text COLLATE "C" NOT NULL REFERENCES paasla.directory,
    at         timestamptz,
    complete   boolean,
    entries    bigint,
    accounts   bigint,
    groups     bigint,
    differ     bigint, -- persons
    strangers  bigint, -- entries and members of nobody
    why        text,   -- what kept it from being complete
    result     text,   -- all of it in a sentence
    PRIMARY KEY (control_id, directory)
);
ALTER TABLE paasla.control_answer OWNER TO paasla_owner;
REVOKE ALL ON paasla.control_answer FROM PUBLIC;
GRANT SELECT ON paasla.control_answer TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
CREATE TRIGGER control_answer_stays BEFORE DELETE OR TRUNCATE ON paasla.control_answer FOR EACH STATEMENT
    EXECUTE FUNCTION paasla.refuse();
CREATE TRIGGER control_answer_keys BEFORE UPDATE ON paasla.control_answer FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('control_id', 'directory');

CREATE OR REPLACE FUNCTION paasla.control_notify() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.control_answer (control_id, directory)
    SELECT n.control_id, d.directory FROM new n JOIN paasla.directory d ON d.directory = coalesce(n.directory, d.directory)
    WHERE n.kind = 'sync';
    UPDATE paasla.control k SET done_at = clock_timestamp(), result = 'no directory is entered' FROM new n
    WHERE k.control_id = n.control_id AND n.kind = 'sync' AND NOT EXISTS (SELECT FROM paasla.directory);
    PERFORM audit.append('control.asked', jsonb_build_object('directory', n.directory),
        jsonb_build_object('control_id', n.control_id, 'kind', n.kind)) FROM new n;
    NOTIFY paasla_control;
    RETURN NULL;
END $$;

-- Those that are taken together have begun together: a compare for the newest of them answers all (note_compare).
CREATE OR REPLACE FUNCTION paasla.take_controls() RETURNS TABLE (control_id bigint, kind text, directory text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE paasla.control SET started_at = now() WHERE started_at IS NULL
    RETURNING control_id, kind, coalesce(directory, '')
$$;

CREATE FUNCTION paasla.counted(n bigint, one text, many text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$ SELECT n || ' ' || CASE WHEN n = 1 THEN one ELSE many END $$;

-- What a full compare found, in a sentence. A difference concludes nothing: its person is looked at again by itself. Of a
-- compare that is not complete nobody can say that nobody differs.
CREATE FUNCTION paasla.compare_text(c jsonb) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws('; ', nullif(concat_ws(', ', paasla.counted((c->>'entries')::bigint, 'entry', 'entries'),
            paasla.counted((c->>'accounts')::bigint, 'account', 'accounts'),
            paasla.counted((c->>'groups')::bigint, 'group', 'groups')), '') || ' compared',
        CASE WHEN (c->>'nominated')::bigint > 0
             THEN paasla.counted((c->>'nominated')::bigint, 'person differs and is', 'persons differ and are') || ' looked at again'
             WHEN (c->>'complete')::boolean THEN 'nobody differs' END,
        CASE WHEN (c->>'orphans')::bigint > 0
             THEN paasla.counted((c->>'orphans')::bigint, 'stranger', 'strangers') END,
        CASE WHEN NOT (c->>'complete')::boolean THEN 'NOT COMPLETE' || coalesce(': ' || nullif(c->>'why', ''), '') END)
$$;

CREATE OR REPLACE FUNCTION paasla.note_compare(dir text, c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d paasla.directory;
    gone paasla.finding;
    said text := paasla.compare_text(c);
BEGIN
    SELECT * INTO d FROM paasla.directory WHERE directory = dir FOR UPDATE;
    UPDATE paasla.directory SET last_compare_at = clock_timestamp(), last_compare_complete = (c->>'complete')::boolean,
        last_compare_text = said,
        identity = CASE WHEN (c->>'complete')::boolean THEN coalesce(identity, nullif(c->>'identity', '')) ELSE identity END,
        identity_seen_at = CASE WHEN identity IS NULL OR identity = c->>'identity' THEN clock_timestamp() ELSE identity_seen_at END
    WHERE directory = dir;
    IF d.identity IS NOT NULL AND c->>'identity' <> '' AND d.identity <> c->>'identity' THEN
        PERFORM paasla.note_finding(dir, jsonb_build_object('kind', 'server_changed', 'severity', 'critical', 'key', dir, 'text',
            format('Directory %s answers as another server than before (a restore, a clone or a wrong address). Nothing is concluded and nothing written until an administrator says paasla.accept_server(%L).', dir, dir)));
    END IF;
    -- Strangers that this compare did not see again are gone. (Past a thousand they are only counted, so nothing is concluded.)
    IF (c->>'complete')::boolean AND (c->>'orphans')::int <= 1000 THEN
        FOR gone IN UPDATE paasla.finding f SET state = 'resolved', resolved_at = clock_timestamp()
            WHERE f.state = 'open' AND f.directory = dir AND f.kind IN ('orphan_account', 'unmanaged_member')
              AND f.last_at < d.last_compare_at RETURNING f.* LOOP
            PERFORM audit.append('finding.resolved', jsonb_build_object('finding_id', gone.finding_id, 'directory', dir),
                jsonb_build_object('kind', gone.kind));
        END LOOP;
    END IF;
    PERFORM audit.append('compare.done', jsonb_build_object('directory', dir), c - ARRAY['identity', 'why']);
    PERFORM paasla.answer_controls(dir, c);
END $$;

-- The answer of one directory, to the sync that the compare was made for and to all that had been taken by then: their
-- wish is met too. A sync is done when every directory that it was for has answered.
CREATE FUNCTION paasla.answer_controls(dir text, c jsonb) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine paasla.control;
    asked bigint[];
BEGIN
    SELECT * INTO mine FROM paasla.control WHERE control_id = (c->>'control_id')::bigint;
    IF mine.control_id IS NULL THEN
        RETURN; -- nobody asked
    END IF;
    SELECT array_agg(k.control_id) INTO asked FROM (SELECT x.control_id FROM paasla.control x
        WHERE x.kind = 'sync' AND x.done_at IS NULL AND coalesce(x.directory, dir) = dir
          AND (x.control_id = mine.control_id OR x.started_at <= mine.started_at) ORDER BY x.control_id FOR UPDATE) k;
    UPDATE paasla.control_answer a SET at = clock_timestamp(), complete = (c->>'complete')::boolean,
        entries = (c->>'entries')::bigint, accounts = (c->>'accounts')::bigint, groups = (c->>'groups')::bigint,
        differ = (c->>'nominated')::bigint, strangers = (c->>'orphans')::bigint, why = nullif(c->>'why', ''),
        result = paasla.compare_text(c)
    WHERE a.control_id = ANY (asked) AND a.directory = dir;
    UPDATE paasla.control k SET done_at = clock_timestamp(), result = (
        SELECT coalesce(string_agg(a.directory || ': ' || a.result, E'\n' ORDER BY a.directory), paasla.compare_text(c))
        FROM paasla.control_answer a WHERE a.control_id = k.control_id)
    WHERE k.control_id = ANY (asked)
      AND NOT EXISTS (SELECT FROM paasla.control_answer a WHERE a.control_id = k.control_id AND a.at IS NULL);
END $$;

-- ---- what HR may know of a leaver's accounts ----

-- One answer for each directory; where a person has two accounts, the one that is furthest from out:
--   no account | out | stays open (something else still entitles the person) | locked (not yet seen out of every group) |
--   not proven (nothing shows that the lock is enforced, or the entry cannot be found) | still open (or nobody knows)
-- Only of staff of the log-in's own institutions. What waits for the daemon, or has no outcome yet, is never "out".
CREATE FUNCTION paasla.leaver_state(employee_no text, institution text DEFAULT NULL) RETURNS TABLE (directory text, answer text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    e paasla.employment := paasla.find_employment(leaver_state.employee_no, leaver_state.institution);
BEGIN
    PERFORM paasla.hr_must_see(e.institution);
    RETURN QUERY
    SELECT x.directory, (ARRAY['no account', 'out', 'stays open', 'locked', 'not proven', 'still open'])[max(x.rank)]
    FROM (SELECT p.directory, CASE
            WHEN w.want = 'open' OR w.cause = 'suspended' THEN 3
            WHEN coalesce(a.state, 'none') = 'none' THEN CASE WHEN o.waits OR o.written THEN 6 ELSE 1 END
            WHEN a.state = 'out' AND NOT o.waits AND NOT o.written THEN 2
            WHEN a.state IN ('lost', 'foreign') OR EXISTS (SELECT FROM paasla.finding f WHERE f.account_id = a.account_id
                AND f.kind = 'lock_not_proven' AND f.state = 'open') THEN 5
            WHEN a.state IN ('closing', 'out', 'paused', 'ready') AND NOT o.written THEN 4
            ELSE 6 END AS rank
        FROM (SELECT v.directory, v.purpose FROM paasla.wanted_account v WHERE v.person_id = e.person_id
              UNION SELECT y.directory, y.purpose FROM paasla.account y WHERE y.person_id = e.person_id) p
        LEFT JOIN paasla.wanted_account w ON w.person_id = e.person_id AND w.directory = p.directory AND w.purpose = p.purpose
        LEFT JOIN paasla.account a ON a.person_id = e.person_id AND a.directory = p.directory AND a.purpose = p.purpose
        CROSS JOIN LATERAL (SELECT
            EXISTS (SELECT FROM paasla.dirty q WHERE q.person_id = e.person_id AND q.directory = p.directory) AS waits,
            EXISTS (SELECT FROM paasla.intent i WHERE i.person_id = e.person_id AND i.directory = p.directory
                    AND i.outcome IS NULL) AS written) o) x
    GROUP BY x.directory ORDER BY x.directory;
END $$;

-- ---- who may ----

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['paasla.grant_end_document()', 'paasla.counted(bigint, text, text)', 'paasla.compare_text(jsonb)',
        'paasla.answer_controls(text, jsonb)', 'paasla.leaver_state(text, text)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.leaver_state(text, text) TO paasla_hr;
-- A moment that has passed and that nobody has taken yet: `why` calls nobody out while there is one.
GRANT SELECT ON paasla.grant_due TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
