-- The daemon's two statements of every write, set by set: a leaver with ten groups has eleven intents and eleven outcomes,
-- and one statement for all of them costs as much as one for each. Their events hold no personal value, so they have no
-- commitments and need not go through audit.append.

CREATE OR REPLACE FUNCTION paasla.intend(items jsonb) RETURNS SETOF bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH item AS MATERIALIZED (
        SELECT x.*, v.ordinality, nextval('paasla.intent_intent_id_seq') AS id
        FROM jsonb_array_elements(items) WITH ORDINALITY v
        CROSS JOIN LATERAL jsonb_to_record(v.value) AS x (account_id bigint, person_id bigint, directory text, purpose text,
            role_group_id int, op text, "row" int, put_back boolean)
    ), planned AS (
        INSERT INTO paasla.intent (intent_id, account_id, person_id, directory, purpose, role_group_id, op, row, put_back)
        OVERRIDING SYSTEM VALUE
        SELECT id, account_id, person_id, directory, purpose, nullif(role_group_id, 0), op, row, coalesce(put_back, false)
        FROM item ORDER BY ordinality
    ), told AS (
        INSERT INTO audit.event (acting_person, action, intent_id, account_id, person_id, directory, lifecycle_row, role_group_id,
            detail)
        SELECT a.who, 'intent.planned', id, account_id, person_id, directory, row, nullif(role_group_id, 0),
            jsonb_strip_nulls(jsonb_build_object('op', op, 'purpose', purpose, 'put_back', nullif(put_back, false)))::text
        FROM item CROSS JOIN (SELECT audit.acting_person() AS who) a ORDER BY ordinality
    )
    SELECT id FROM item ORDER BY ordinality
$$;

CREATE FUNCTION paasla.note_outcomes(who bigint, dir text, outcomes jsonb) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    WITH settled AS (
        UPDATE paasla.intent i SET outcome = x.outcome, code = nullif(x.code, 0), settled_at = clock_timestamp()
        FROM jsonb_to_recordset(outcomes) AS x (id bigint, outcome text, code int, at_us bigint)
        WHERE i.intent_id = x.id AND i.outcome IS NULL
        RETURNING i.intent_id, i.account_id, x.outcome, nullif(x.code, 0) AS code, x.at_us
    )
    INSERT INTO audit.event (acting_person, action, intent_id, account_id, person_id, directory, result_code, detail)
    SELECT a.acting, 'intent.outcome', intent_id, account_id, note_outcomes.who, dir, code,
        jsonb_strip_nulls(jsonb_build_object('outcome', outcome, 'answered_at', paasla.from_us(to_jsonb(at_us))))::text
    FROM settled CROSS JOIN (SELECT audit.acting_person() AS acting) a ORDER BY intent_id
$$;
ALTER FUNCTION paasla.note_outcomes(bigint, text, jsonb) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.note_outcomes(bigint, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION paasla.settle(s jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    who bigint := (s->>'person_id')::bigint;
    acc bigint := nullif((s->>'account_id')::bigint, 0);
    dir text := s->>'directory';
    x jsonb;
    gone paasla.finding;
    old paasla.account;
BEGIN
    IF s->'intents' <> '[]' THEN
        PERFORM paasla.note_outcomes(who, dir, s->'intents');
    END IF;
    IF acc IS NOT NULL THEN
        SELECT * INTO old FROM paasla.account WHERE account_id = acc FOR UPDATE;
        UPDATE paasla.account SET state = s->>'state', state_row = nullif((s->>'row')::int, 0),
            state_text = coalesce(nullif(s->>'sentence', ''), state_text),
            native_id = coalesce(nullif(s->>'native_id', ''), native_id), dn = coalesce(nullif(s->>'dn', ''), dn),
            state_at = CASE WHEN state = s->>'state' THEN state_at ELSE clock_timestamp() END,
            opened_at = CASE WHEN s->>'state' = 'open' AND state <> 'open' THEN clock_timestamp() ELSE opened_at END,
            changed_at = CASE WHEN paasla.from_us(s->'locked_at_us') IS NOT NULL THEN paasla.from_us(s->'changed_at_us') ELSE changed_at END,
            locked_at = CASE WHEN s->>'state' = 'open' THEN NULL ELSE coalesce(paasla.from_us(s->'locked_at_us'), locked_at) END,
            out_at = CASE WHEN s->>'state' = 'open' THEN NULL ELSE coalesce(paasla.from_us(s->'out_at_us'), out_at) END,
            last_write_at = CASE WHEN s->'intents' <> '[]' THEN clock_timestamp() ELSE last_write_at END
        WHERE account_id = acc;
        IF old.state <> s->>'state' OR (nullif(s->>'dn', '') IS NOT NULL AND old.dn IS DISTINCT FROM s->>'dn') THEN
            PERFORM audit.append('account.state', jsonb_build_object('account_id', acc, 'person_id', who, 'directory', dir,
                'lifecycle_row', nullif((s->>'row')::int, 0)),
                jsonb_build_object('state', s->'state', 'before', old.state, 'purpose', s->'purpose',
                    'changed_at', paasla.from_us(s->'changed_at_us'), 'locked_at', paasla.from_us(s->'locked_at_us'),
                    'out_at', paasla.from_us(s->'out_at_us')),
                jsonb_build_object('login', old.login, 'dn', nullif(s->>'dn', '')));
        END IF;
        IF s->'memberships' <> '[]' THEN
            INSERT INTO paasla.membership AS m (account_id, role_group_id, present)
            SELECT acc, (value->>'role_group_id')::int, (value->>'present')::boolean FROM jsonb_array_elements(s->'memberships')
            ON CONFLICT (account_id, role_group_id) DO UPDATE SET present = excluded.present, since = clock_timestamp()
                WHERE m.present <> excluded.present;
        END IF;
    END IF;
    FOR x IN SELECT value FROM jsonb_array_elements(s->'findings') LOOP
        PERFORM paasla.note_finding(dir, x);
    END LOOP;
    IF s->'resolved' <> '[]' THEN -- all of it was read: what was not found again is over
        FOR gone IN UPDATE paasla.finding f SET state = 'resolved', resolved_at = clock_timestamp()
            WHERE f.state = 'open' AND f.directory = dir
              AND (f.account_id = acc OR (f.account_id IS NULL AND f.person_id = who
                                          AND f.key LIKE who || '/' || (s->>'purpose') || '%'))
              AND (NOT EXISTS (SELECT FROM jsonb_array_elements(s->'findings') v
                               WHERE v->>'kind' = f.kind AND v->>'key' = f.key)
                   OR EXISTS (SELECT FROM jsonb_array_elements(s->'resolved') v -- found and put back
                              WHERE v->>'kind' = f.kind AND v->>'key' = f.key))
            RETURNING f.* LOOP
            PERFORM audit.append('finding.resolved', jsonb_build_object('finding_id', gone.finding_id,
                'person_id', gone.person_id, 'account_id', gone.account_id, 'directory', dir),
                jsonb_build_object('kind', gone.kind));
        END LOOP;
    END IF;
    DELETE FROM paasla.dirty WHERE seq IN (SELECT value::text::bigint FROM jsonb_array_elements(s->'seqs'));
    IF (s->>'retry_after_us')::bigint > 0 THEN
        INSERT INTO paasla.dirty (directory, person_id, cause, not_before)
        VALUES (dir, who, 'retry', clock_timestamp() + (s->>'retry_after_us')::bigint * interval '1 microsecond');
    END IF;
    PERFORM paasla.close_plans(dir, who);
END $$;

-- Keys are compared only when a statement names them.
DROP TRIGGER account_keys ON paasla.account;
CREATE TRIGGER account_keys BEFORE UPDATE OF account_id, person_id, directory, purpose, login ON paasla.account FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('account_id', 'person_id', 'directory', 'purpose', 'login');
DROP TRIGGER intent_keys ON paasla.intent;
CREATE TRIGGER intent_keys BEFORE UPDATE OF intent_id, account_id, role_group_id, op, at ON paasla.intent FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('intent_id', 'account_id', 'role_group_id', 'op', 'at');
