-- The daemon's statements once more, for ten thousand joiners and a thousand leavers at a time. What is written and what the
-- log says stay as they were.

-- Without a SET the planner puts it in the place of the call; with one, each of a leaver's twelve outcomes paid for a
-- session setting and a plan.
CREATE OR REPLACE FUNCTION paasla.from_us(us jsonb) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN us::bigint > 0 THEN timestamptz 'epoch' + us::bigint * interval '1 microsecond' END
$$;

-- As in 0021, in PL/pgSQL: a function in SQL is planned anew by each call.
CREATE OR REPLACE FUNCTION paasla.intend(items jsonb) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    acting bigint := audit.acting_person();
BEGIN
    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT x.*, v.ordinality, nextval('paasla.intent_intent_id_seq') AS id
        FROM jsonb_array_elements(items) WITH ORDINALITY v
        CROSS JOIN LATERAL jsonb_to_record(v.value) AS x (account_id bigint, person_id bigint, directory text, purpose text,
            role_group_id int, op text, "row" int, put_back boolean, counted boolean)
    ), planned AS (
        INSERT INTO paasla.intent (intent_id, account_id, person_id, directory, purpose, role_group_id, op, row, put_back, counted)
        OVERRIDING SYSTEM VALUE
        SELECT i.id, i.account_id, i.person_id, i.directory, i.purpose, nullif(i.role_group_id, 0), i.op, i.row,
            coalesce(i.put_back, false), coalesce(i.counted, false)
        FROM item i ORDER BY i.ordinality
    ), told AS (
        INSERT INTO audit.event (acting_person, action, intent_id, account_id, person_id, directory, lifecycle_row, role_group_id,
            detail)
        SELECT acting, 'intent.planned', i.id, i.account_id, i.person_id, i.directory, i.row, nullif(i.role_group_id, 0),
            jsonb_strip_nulls(jsonb_build_object('op', i.op, 'purpose', i.purpose, 'put_back', nullif(i.put_back, false)))::text
        FROM item i ORDER BY i.ordinality
    )
    SELECT i.id FROM item i ORDER BY i.ordinality;
END $$;

-- As in 0021, in PL/pgSQL for the same reason; and most loads ask about no transaction at all.
CREATE OR REPLACE FUNCTION paasla.hasty(xacts xid8[], named int, per_hour int) RETURNS SETOF xid8 LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF xacts IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH span AS MATERIALIZED (
        SELECT min(said_at) - interval '1 hour' AS lo, max(said_at) AS hi FROM paasla.departure_said WHERE xact_id = ANY (xacts)
    ), few AS (
        SELECT d.xact_id, d.said_by, max(d.said_at) AS at, count(DISTINCT d.person_id) AS n
        FROM span s JOIN paasla.departure_said d ON d.said_at >= s.lo AND d.said_at <= s.hi
        GROUP BY d.xact_id, d.said_by HAVING count(DISTINCT d.person_id) <= named
    )
    SELECT x.xact_id FROM (SELECT f.xact_id, sum(f.n) OVER (PARTITION BY f.said_by ORDER BY f.at
        RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS said FROM few f) x
    WHERE x.said > per_hour AND x.xact_id = ANY (xacts);
END $$;

-- As in 0016, and: a part that has nothing to do costs nothing.
CREATE OR REPLACE FUNCTION paasla.settle(s jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    who bigint := s->'person_id';
    acc bigint := nullif((s->'account_id')::bigint, 0);
    dir text := s->>'directory';
    now_is text := s->>'state';
    its_dn text := nullif(s->>'dn', '');
    wrote boolean := s->'intents' <> '[]';
    locked timestamptz := paasla.from_us(s->'locked_at_us');
    left_groups timestamptz := paasla.from_us(s->'out_at_us');
    acting bigint;
    x jsonb;
    gone paasla.finding;
    old paasla.account;
BEGIN
    IF wrote THEN
        acting := audit.acting_person();
        WITH settled AS (
            UPDATE paasla.intent i SET outcome = o.outcome, code = nullif(o.code, 0), settled_at = clock_timestamp()
            FROM jsonb_to_recordset(s->'intents') AS o (id bigint, outcome text, code int, at_us jsonb)
            WHERE i.intent_id = o.id AND i.outcome IS NULL
            RETURNING i.intent_id, i.account_id, o.outcome, nullif(o.code, 0) AS code, o.at_us
        )
        INSERT INTO audit.event (acting_person, action, intent_id, account_id, person_id, directory, result_code, detail)
        SELECT acting, 'intent.outcome', d.intent_id, d.account_id, who, dir, d.code,
            jsonb_strip_nulls(jsonb_build_object('outcome', d.outcome, 'answered_at', paasla.from_us(d.at_us)))::text
        FROM settled d ORDER BY d.intent_id;
    END IF;
    IF acc IS NOT NULL THEN
        SELECT * INTO old FROM paasla.account WHERE account_id = acc FOR UPDATE;
        UPDATE paasla.account SET state = now_is, state_row = nullif((s->'row')::int, 0),
            state_text = coalesce(nullif(s->>'sentence', ''), state_text),
            native_id = coalesce(nullif(s->>'native_id', ''), native_id), dn = coalesce(its_dn, dn),
            state_at = CASE WHEN state = now_is THEN state_at ELSE clock_timestamp() END,
            opened_at = CASE WHEN now_is = 'open' AND state <> 'open' THEN clock_timestamp() ELSE opened_at END,
            changed_at = CASE WHEN locked IS NOT NULL THEN paasla.from_us(s->'changed_at_us') ELSE changed_at END,
            locked_at = CASE WHEN now_is = 'open' THEN NULL ELSE coalesce(locked, locked_at) END,
            out_at = CASE WHEN now_is = 'open' THEN NULL ELSE coalesce(left_groups, out_at) END,
            last_write_at = CASE WHEN wrote THEN clock_timestamp() ELSE last_write_at END
        WHERE account_id = acc;
        IF old.state <> now_is OR (its_dn IS NOT NULL AND old.dn IS DISTINCT FROM its_dn) THEN
            PERFORM audit.append('account.state', jsonb_build_object('account_id', acc, 'person_id', who, 'directory', dir,
                'lifecycle_row', nullif((s->'row')::int, 0)),
                jsonb_build_object('state', now_is, 'before', old.state, 'purpose', s->'purpose',
                    'changed_at', paasla.from_us(s->'changed_at_us'), 'locked_at', locked, 'out_at', left_groups),
                jsonb_build_object('login', old.login, 'dn', its_dn));
        END IF;
        IF s->'memberships' <> '[]' THEN
            INSERT INTO paasla.membership AS m (account_id, role_group_id, present)
            SELECT acc, v.role_group_id, v.present
            FROM jsonb_to_recordset(s->'memberships') AS v (role_group_id int, present boolean)
            ON CONFLICT (account_id, role_group_id) DO UPDATE SET present = excluded.present, since = clock_timestamp()
                WHERE m.present <> excluded.present;
        END IF;
    END IF;
    IF s->'findings' <> '[]' THEN
        FOR x IN SELECT value FROM jsonb_array_elements(s->'findings') LOOP
            PERFORM paasla.note_finding(dir, x);
        END LOOP;
    END IF;
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
    IF s->'seqs' <> '[]' THEN
        DELETE FROM paasla.dirty WHERE seq = ANY (ARRAY(SELECT v::bigint FROM jsonb_array_elements(s->'seqs') v));
    END IF;
    IF (s->'retry_after_us')::bigint > 0 THEN
        INSERT INTO paasla.dirty (directory, person_id, cause, not_before)
        VALUES (dir, who, 'retry', clock_timestamp() + (s->'retry_after_us')::bigint * interval '1 microsecond');
    END IF;
    PERFORM paasla.close_plans(dir, who);
END $$;
DROP FUNCTION paasla.note_outcomes(bigint, text, jsonb);

-- They look for single rows by key and nothing else. A session that began with empty tables would keep plans that read
-- them from end to end; so would the checks of foreign keys.
ALTER FUNCTION paasla.reserve(text, bigint, text, text[]) SET enable_seqscan = off;
ALTER FUNCTION paasla.intend(jsonb) SET enable_seqscan = off;
ALTER FUNCTION paasla.settle(jsonb) SET enable_seqscan = off;

-- As in 0012, and: an end only takes away. Whoever is out everywhere already (the change itself woke the daemon) and is not
-- being worked on, which shows in the queue until the work is settled, need not be looked at once more because the moment
-- has passed too.
CREATE OR REPLACE FUNCTION paasla.mark_due() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    upto timestamptz := now(); -- before the snapshots of the statements below
    lo timestamptz;
    hi timestamptz;
    passed boolean;
    due bigint[];
    grants bigint[];
BEGIN
    -- A clock that was set back has passed some moments too early: they are looked at again.
    SELECT least(last_at, upto), greatest(last_at, upto) INTO lo, hi FROM paasla.clock_tick;
    WITH ended AS MATERIALIZED (
        SELECT person_id FROM paasla.employment WHERE upper(period) > lo AND upper(period) <= hi
        UNION SELECT person_id FROM paasla.access_grant WHERE upper(valid) > lo AND upper(valid) <= hi
    ), changed AS (
        SELECT person_id FROM paasla.employment WHERE lower(period) > lo AND lower(period) <= hi
        UNION SELECT e.person_id FROM paasla.employment e JOIN paasla.institution_directory d ON d.institution = e.institution
            WHERE lower(e.period) > lo AND paasla.ahead(lower(e.period), d.create_ahead) > lo
              AND paasla.ahead(lower(e.period), d.create_ahead) <= hi
        UNION SELECT person_id FROM paasla.absence WHERE suspend AND (lower(period) > lo AND lower(period) <= hi
            OR upper(period) > lo AND upper(period) <= hi)
        UNION SELECT person_id FROM paasla.access_grant WHERE lower(valid) > lo AND lower(valid) <= hi
        UNION SELECT e.person_id FROM ended e JOIN LATERAL (SELECT bool_and(a.state = 'out') AS out FROM paasla.account a
            WHERE a.person_id = e.person_id AND a.purpose IN ('personal', 'admin')) a
            ON a.out IS NOT TRUE OR EXISTS (SELECT FROM paasla.directory x
                JOIN paasla.dirty d ON d.directory = x.directory AND d.person_id = e.person_id)
    )
    SELECT (SELECT array_agg(person_id) FROM changed), EXISTS (SELECT FROM ended) INTO due, passed;
    WITH d AS (DELETE FROM paasla.grant_due WHERE at <= upto RETURNING grant_id) SELECT array_agg(grant_id) INTO grants FROM d;
    IF grants IS NOT NULL THEN
        PERFORM paasla.open_work(grants);
    END IF;
    UPDATE paasla.plan SET state = 'expired' WHERE state = 'approved' AND expires_at <= upto;
    IF due IS NOT NULL THEN
        PERFORM paasla.mark(due, 'due');
    END IF;
    IF due IS NOT NULL OR passed THEN
        UPDATE paasla.clock_tick SET last_at = upto;
    END IF;
    RETURN coalesce((extract(epoch FROM paasla.next_change(upto)) * 1000000)::bigint, 0);
END $$;
