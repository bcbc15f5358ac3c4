-- The first brake counts what many small plans do as if it were one big plan, and a list that HR's program commits in
-- pieces is a list: both outlast a restart, because they stand here.

-- ---- what the brake let pass ----

ALTER TABLE paasla.intent ADD COLUMN counted boolean NOT NULL DEFAULT false; -- neither named nor approved: see load_work, W
CREATE INDEX intent_counted ON paasla.intent (directory, at) WHERE counted;

-- As in 0016, and: whether the brake counted it.
CREATE OR REPLACE FUNCTION paasla.intend(items jsonb) RETURNS SETOF bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH item AS MATERIALIZED (
        SELECT x.*, v.ordinality, nextval('paasla.intent_intent_id_seq') AS id
        FROM jsonb_array_elements(items) WITH ORDINALITY v
        CROSS JOIN LATERAL jsonb_to_record(v.value) AS x (account_id bigint, person_id bigint, directory text, purpose text,
            role_group_id int, op text, "row" int, put_back boolean, counted boolean)
    ), planned AS (
        INSERT INTO paasla.intent (intent_id, account_id, person_id, directory, purpose, role_group_id, op, row, put_back, counted)
        OVERRIDING SYSTEM VALUE
        SELECT id, account_id, person_id, directory, purpose, nullif(role_group_id, 0), op, row, coalesce(put_back, false),
            coalesce(counted, false)
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

-- ---- who said a departure, and when ----

CREATE TABLE paasla.departure_said ( -- a row each time: an end that was set or moved, or said once more
    employment_id bigint NOT NULL REFERENCES paasla.employment,
    person_id     bigint NOT NULL,
    xact_id       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    said_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
    said_by       name NOT NULL DEFAULT SESSION_USER
);
CREATE INDEX departure_said_xact ON paasla.departure_said (xact_id);
CREATE INDEX departure_said_at ON paasla.departure_said (said_at);
CREATE TRIGGER departure_said_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON paasla.departure_said
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.refuse();

CREATE FUNCTION paasla.note_departure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.departure_said (employment_id, person_id)
    SELECT n.employment_id, n.person_id FROM new n JOIN old o USING (employment_id)
    WHERE upper(n.period) IS NOT NULL AND upper(n.period) IS DISTINCT FROM upper(o.period)
       OR n.said_again_xact IS NOT NULL AND n.said_again_xact IS DISTINCT FROM o.said_again_xact;
    RETURN NULL;
END $$;
CREATE TRIGGER employment_said AFTER UPDATE ON paasla.employment REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.note_departure();

-- Of these transactions those that named nobody, because their log-in had named more than `per_hour` people by then in an
-- hour, each transaction at most `named`: that is a list in pieces. A list in one transaction takes nothing from the number.
CREATE FUNCTION paasla.hasty(xacts xid8[], named int, per_hour int) RETURNS SETOF xid8 LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    WITH span AS MATERIALIZED (
        SELECT min(said_at) - interval '1 hour' AS lo, max(said_at) AS hi FROM paasla.departure_said WHERE xact_id = ANY (xacts)
    ), few AS (
        SELECT d.xact_id, d.said_by, max(d.said_at) AS at, count(DISTINCT d.person_id) AS n
        FROM span s JOIN paasla.departure_said d ON d.said_at >= s.lo AND d.said_at <= s.hi
        GROUP BY d.xact_id, d.said_by HAVING count(DISTINCT d.person_id) <= named
    )
    SELECT x.xact_id FROM (SELECT f.xact_id, sum(f.n) OVER (PARTITION BY f.said_by ORDER BY f.at
        RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS said FROM few f) x
    WHERE x.said > per_hour AND x.xact_id = ANY (xacts)
$$;

-- ---- held plans ----

-- As the daemon makes it (daemon/store_json.c): a line an item, in the order of their bytes.
CREATE FUNCTION paasla.plan_digest(plan bigint) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(string_agg(x.line, '' ORDER BY x.line COLLATE "C"), 'UTF8')), 'hex')
    FROM (SELECT format(E'%s %s %s %s %s\n', i.op, i.person_id, coalesce(i.account_id, 0), i.purpose, coalesce(i.role_group_id, 0))
          AS line FROM paasla.plan_item i WHERE i.plan_id = plan) x
$$;

-- Whether all of these items wait in that plan, or may run by it.
CREATE FUNCTION paasla.stand_in(these jsonb, plan bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT EXISTS (
        SELECT (v->>'person_id')::bigint, v->>'purpose', (v->>'role_group_id')::int, v->>'op' FROM jsonb_array_elements(these) v
        EXCEPT SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i
            WHERE i.plan_id = stand_in.plan AND NOT i.over)
$$;

CREATE FUNCTION paasla.add_items(plan bigint, these jsonb) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO paasla.plan_item (plan_id, ordinal, person_id, account_id, purpose, role_group_id, op, row)
    SELECT add_items.plan, n + (SELECT coalesce(max(i.ordinal), 0) FROM paasla.plan_item i WHERE i.plan_id = add_items.plan),
        (v->>'person_id')::bigint, nullif((v->>'account_id')::bigint, 0), v->>'purpose', nullif((v->>'role_group_id')::int, 0),
        v->>'op', (v->>'row')::int
    FROM jsonb_array_elements(these) WITH ORDINALITY AS t (v, n)
$$;

-- As in 0012, and: what is held while a plan of that directory waits goes into that plan, which gets another digest by it.
-- Who would have to read and release a thousand plans of one item releases them unread.
CREATE OR REPLACE FUNCTION paasla.hold(h jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
    told text := h->>'digest';
    preview boolean := coalesce((h->>'preview')::boolean, false);
BEGIN
    DELETE FROM paasla.dirty WHERE seq IN (SELECT value::text::bigint FROM jsonb_array_elements(coalesce(h->'seqs', '[]')));
    IF NOT preview THEN
        UPDATE paasla.plan SET state = 'expired' WHERE state = 'approved' AND expires_at <= clock_timestamp();
        SELECT p.plan_id INTO id FROM paasla.plan p WHERE p.directory = h->>'directory' AND p.state IN ('held', 'approved')
            AND (p.digest = h->>'digest' OR paasla.stand_in(h->'items', p.plan_id)) ORDER BY p.plan_id LIMIT 1;
        IF id IS NOT NULL THEN
            RETURN id; -- sent twice
        END IF;
        SELECT p.plan_id INTO id FROM paasla.plan p WHERE p.directory = h->>'directory' AND p.state = 'held' AND EXISTS (
            SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i WHERE i.plan_id = p.plan_id
            EXCEPT SELECT (v->>'person_id')::bigint, v->>'purpose', (v->>'role_group_id')::int, v->>'op'
                FROM jsonb_array_elements(h->'items') v) -- else all of it stands in the new one, and that takes its place
            ORDER BY p.plan_id DESC LIMIT 1 FOR UPDATE;
    END IF;
    IF id IS NULL THEN
        INSERT INTO paasla.plan (directory, digest, state, why, locks, removals, items, control_id)
        VALUES (coalesce(h->>'directory', ''), told, CASE WHEN preview THEN 'preview' ELSE 'held' END, coalesce(h->>'why', ''),
            (h->>'locks')::int, (h->>'removals')::int, jsonb_array_length(h->'items'), nullif((h->>'control_id')::bigint, 0))
        RETURNING plan_id INTO id;
        PERFORM paasla.add_items(id, h->'items');
    ELSE
        PERFORM paasla.add_items(id, h->'items');
        UPDATE paasla.plan p SET digest = paasla.plan_digest(id), why = coalesce(h->>'why', ''), locks = p.locks + (h->>'locks')::int,
            removals = p.removals + (h->>'removals')::int, items = p.items + jsonb_array_length(h->'items')
        WHERE p.plan_id = id RETURNING p.digest INTO told;
    END IF;
    IF preview THEN
        UPDATE paasla.control SET done_at = clock_timestamp(), plan_id = id, result = nullif(h->>'why', '')
            WHERE control_id = (h->>'control_id')::bigint;
    ELSE
        UPDATE paasla.plan p SET state = 'superseded' -- all of it stands in the new one
        WHERE p.state = 'held' AND p.directory = h->>'directory' AND p.plan_id <> id AND NOT EXISTS (
            SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i WHERE i.plan_id = p.plan_id
            EXCEPT SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i WHERE i.plan_id = id);
        PERFORM audit.append('plan.held', jsonb_build_object('plan_id', id, 'directory', h->'directory'),
            jsonb_build_object('digest', told, 'why', h->'why', 'locks', h->'locks', 'removals', h->'removals'));
    END IF;
    RETURN id;
END $$;

-- As in 0012, and two things that were called over though they were not. While a wake-up of this person lies there, the
-- last account of this look, or the next look, is still to be settled: an account that was believed to be out, and whose
-- lock somebody took away. And a member whom nobody granted is in no membership of ours, only in a finding.
CREATE OR REPLACE FUNCTION paasla.close_plans(dir text, who bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plans bigint[];
    p paasla.plan;
BEGIN
    IF EXISTS (SELECT FROM paasla.dirty d WHERE d.directory = dir AND d.person_id = who AND d.not_before <= clock_timestamp()) THEN
        RETURN;
    END IF;
    SELECT array_agg(DISTINCT x.plan_id) INTO plans FROM paasla.plan x JOIN paasla.plan_item i ON i.plan_id = x.plan_id
        WHERE i.person_id = who AND x.directory = dir AND x.state IN ('held', 'approved');
    IF plans IS NULL THEN
        RETURN;
    END IF;
    UPDATE paasla.plan_item i SET over = true FROM paasla.plan x
    WHERE x.plan_id = ANY (plans) AND i.plan_id = x.plan_id AND i.person_id = who AND NOT i.over AND (
        EXISTS (SELECT FROM paasla.intent n WHERE n.account_id = i.account_id AND n.op = i.op AND n.outcome = 'done'
            AND n.role_group_id IS NOT DISTINCT FROM i.role_group_id AND n.at >= x.approved_at)
        OR CASE WHEN i.op = 'remove_member' THEN NOT EXISTS (SELECT FROM paasla.membership m WHERE m.account_id = i.account_id
                    AND m.role_group_id = i.role_group_id AND m.present) AND NOT EXISTS (SELECT FROM paasla.finding f
                    WHERE f.account_id = i.account_id AND f.role_group_id = i.role_group_id AND f.kind = 'drift_member_added' AND f.state = 'open')
                  OR EXISTS (SELECT FROM paasla.entitlement_at(now()) e WHERE e.person_id = who AND e.role_group_id = i.role_group_id)
                WHEN i.op = 'add_member' THEN EXISTS (SELECT FROM paasla.membership m WHERE m.account_id = i.account_id
                    AND m.role_group_id = i.role_group_id AND m.present)
                  OR NOT EXISTS (SELECT FROM paasla.entitlement_at(now()) e WHERE e.person_id = who AND e.role_group_id = i.role_group_id)
                WHEN i.op IN ('lock', 'close') THEN NOT EXISTS (SELECT FROM paasla.wanted_account_at(now()) w
                    WHERE w.person_id = who AND w.directory = dir AND w.purpose = i.purpose AND w.want = 'locked')
                  OR EXISTS (SELECT FROM paasla.account a WHERE a.account_id = i.account_id
                    AND a.state = ANY (CASE i.op WHEN 'close' THEN ARRAY['out'] ELSE ARRAY['out', 'paused', 'ready'] END))
                WHEN i.op IN ('open', 'create') THEN NOT EXISTS (SELECT FROM paasla.wanted_account_at(now()) w
                    WHERE w.person_id = who AND w.directory = dir AND w.purpose = i.purpose
                      AND (w.want = 'open' OR w.cause = 'arriving' AND i.op = 'create'))
                  OR EXISTS (SELECT FROM paasla.account a WHERE a.person_id = who AND a.directory = dir AND a.purpose = i.purpose
                    AND (a.state = 'open' OR i.op = 'create' AND a.state NOT IN ('none', 'creating')))
                ELSE true END);
    FOR p IN UPDATE paasla.plan x SET state = CASE x.state WHEN 'approved' THEN 'done' ELSE 'superseded' END
             WHERE x.plan_id = ANY (plans) AND NOT EXISTS (SELECT FROM paasla.plan_item i WHERE i.plan_id = x.plan_id AND NOT i.over)
             RETURNING x.* LOOP
        PERFORM audit.append('plan.' || p.state, jsonb_build_object('plan_id', p.plan_id, 'directory', dir),
            jsonb_build_object('digest', p.digest, 'items', p.items));
    END LOOP;
END $$;

-- Whether this log-in, or the person behind it, did what a plan rests on: for one of its items the newest of the things
-- that may have caused it.
CREATE FUNCTION paasla.plan_is_own(plan bigint) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH role_done AS MATERIALIZED ( -- switched, or given other groups, within a day before the plan
        SELECT v.event_id, v.role_id, v.session_role, v.acting_person FROM paasla.plan p JOIN audit.event v
            ON v.at > p.created_at - interval '1 day' AND v.action IN ('role.changed', 'role_group.added', 'role_group.removed')
        WHERE p.plan_id = plan_is_own.plan
    )
    SELECT EXISTS (
        SELECT FROM paasla.plan_item i
        LEFT JOIN paasla.role_group g ON g.role_group_id = i.role_group_id
        CROSS JOIN LATERAL (
            SELECT x.session_role, x.acting_person FROM (
                (SELECT v.event_id, v.session_role, v.acting_person FROM audit.event v WHERE v.person_id = i.person_id
                    AND CASE v.action WHEN 'employment.ended' THEN true WHEN 'grant.ended' THEN v.role_id = g.role_id
                        WHEN 'employment.changed' THEN i.purpose = 'admin' -- is no administrator any more
                        WHEN 'absence.entered' THEN g.role_id IS NULL WHEN 'absence.changed' THEN g.role_id IS NULL ELSE false END
                    ORDER BY v.event_id DESC LIMIT 1)
                UNION ALL
                (SELECT r.event_id, r.session_role, r.acting_person FROM role_done r WHERE r.role_id = g.role_id
                    ORDER BY r.event_id DESC LIMIT 1)) x
            ORDER BY x.event_id DESC LIMIT 1) c
        WHERE i.plan_id = plan_is_own.plan AND NOT i.over
          AND (c.session_role = session_user OR c.acting_person = audit.acting_person()))
$$;

-- As in 0011, and: nobody releases what they did themselves, and a plan is named by its digest, which changes when it grows.
CREATE OR REPLACE FUNCTION paasla.approve_plan(plan text, valid_for interval DEFAULT '1 hour') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    p paasla.plan;
    ids bigint[];
BEGIN
    SELECT array_agg(x.plan_id) INTO ids FROM paasla.plan x
        WHERE x.state = 'held' AND length(plan) >= 8 AND starts_with(x.digest, lower(plan));
    IF coalesce(cardinality(ids), 0) <> 1 THEN
        RAISE EXCEPTION '% held plans have a digest that begins with %', coalesce(cardinality(ids), 0), plan
            USING ERRCODE = 'no_data_found', HINT = 'Give at least 8 characters of the digest that `paaslactl plan list` shows.';
    ELSIF valid_for IS NULL OR valid_for <= interval '0' OR valid_for > interval '1 day' THEN
        RAISE EXCEPTION 'an approval for % is refused', coalesce(valid_for::text, 'ever') USING HINT = 'At most one day.';
    ELSIF paasla.plan_is_own(ids[1]) AND NOT pg_has_role(session_user, 'paasla_owner', 'member') THEN
        RAISE EXCEPTION 'log-in % did what plan % rests on', session_user, plan
            USING ERRCODE = 'insufficient_privilege', HINT = 'Another approver has to release it.';
    END IF;
    UPDATE paasla.plan x SET state = 'approved', approved_by = session_user, approved_at = clock_timestamp(),
        expires_at = clock_timestamp() + valid_for
        WHERE x.plan_id = ids[1] AND x.state = 'held' AND starts_with(x.digest, lower(plan)) RETURNING * INTO p;
    IF NOT FOUND THEN -- another transaction came first
        RAISE EXCEPTION 'plan % is held no more, or has grown', plan USING ERRCODE = 'no_data_found',
            HINT = 'Another approver was faster, it has become needless, or more was held: see `paaslactl plan list`.';
    END IF;
    PERFORM audit.append('plan.approved', jsonb_build_object('plan_id', p.plan_id, 'directory', p.directory),
        jsonb_build_object('digest', p.digest, 'items', p.items, 'expires_at', p.expires_at));
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT DISTINCT p.directory, person_id, 'approved' FROM paasla.plan_item i WHERE i.plan_id = p.plan_id;
    RETURN p.plan_id;
END $$;

-- ---- rights ----

ALTER TABLE paasla.departure_said OWNER TO paasla_owner;
REVOKE ALL ON paasla.departure_said FROM PUBLIC;
GRANT SELECT ON paasla.departure_said TO paasla_daemon, paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['paasla.note_departure()', 'paasla.hasty(xid8[], int, int)', 'paasla.plan_digest(bigint)',
        'paasla.stand_in(jsonb, bigint)', 'paasla.add_items(bigint, jsonb)', 'paasla.plan_is_own(bigint)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.hasty(xid8[], int, int) TO paasla_daemon;
