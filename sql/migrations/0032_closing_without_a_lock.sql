-- As in 0015, but: an account whose lock was refused is being closed too, by its password alone. That is not locked.
CREATE OR REPLACE FUNCTION paasla.leaver_state(employee_no text, institution text DEFAULT NULL) RETURNS TABLE (directory text, answer text)
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
            WHEN a.state IN ('closing', 'out', 'paused', 'ready') AND (a.state <> 'closing' OR a.locked_at IS NOT NULL)
                AND NOT o.written THEN 4
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

-- As in 0023, but: that somebody opened an account is over when it is seen locked again, and not because a look at what is
-- still open finds nothing new.
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
              AND (f.kind <> 'opened_by_hand' AND NOT EXISTS (SELECT FROM jsonb_array_elements(s->'findings') v
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
ALTER FUNCTION paasla.settle(jsonb) SET enable_seqscan = off; -- as in 0023
