-- The daemon's functions. Each is one transaction; settle() may be sent twice after an unknown commit and does no harm.

-- Open intents of a former life: their persons are looked at before anything else; the look settles them.
CREATE FUNCTION paasla.recover() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT DISTINCT directory, person_id, 'recovery' FROM paasla.intent WHERE outcome IS NULL;
    UPDATE paasla.control SET started_at = NULL WHERE done_at IS NULL AND started_at IS NOT NULL
        AND at > clock_timestamp() - interval '1 hour'; -- begun by a daemon that did not live to end it
    IF FOUND THEN
        NOTIFY paasla_control;
    END IF;
END $$;

-- What fell due since the last time becomes dirty; work orders of that time are opened. Returns the next moment in
-- microseconds, 0 for none. Writes nothing when nothing fell due: its own NOTIFY would call it again and again.
-- An end that is committed after its moment is not seen here; its own trigger made its person dirty.
CREATE FUNCTION paasla.mark_due() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    upto timestamptz := now(); -- before the snapshots of the statements below
    lo timestamptz;
    hi timestamptz;
    due bigint[];
    grants bigint[];
BEGIN
    -- A clock that was set back has passed some moments too early: they are looked at again.
    SELECT least(last_at, upto), greatest(last_at, upto) INTO lo, hi FROM paasla.clock_tick;
    SELECT array_agg(DISTINCT x.person_id) INTO due FROM (
        SELECT person_id FROM paasla.employment WHERE lower(period) > lo AND lower(period) <= hi
        UNION SELECT person_id FROM paasla.employment WHERE upper(period) > lo AND upper(period) <= hi
        UNION SELECT e.person_id FROM paasla.employment e JOIN paasla.institution_directory d ON d.institution = e.institution
            WHERE lower(e.period) > lo AND paasla.ahead(lower(e.period), d.create_ahead) > lo
              AND paasla.ahead(lower(e.period), d.create_ahead) <= hi
        UNION SELECT person_id FROM paasla.absence WHERE suspend AND (lower(period) > lo AND lower(period) <= hi
            OR upper(period) > lo AND upper(period) <= hi)
        UNION SELECT person_id FROM paasla.access_grant WHERE lower(valid) > lo AND lower(valid) <= hi
        UNION SELECT person_id FROM paasla.access_grant WHERE upper(valid) > lo AND upper(valid) <= hi
    ) x;
    WITH d AS (DELETE FROM paasla.grant_due WHERE at <= upto RETURNING grant_id) SELECT array_agg(grant_id) INTO grants FROM d;
    IF grants IS NOT NULL THEN
        PERFORM paasla.open_work(grants);
    END IF;
    UPDATE paasla.plan SET state = 'expired' WHERE state = 'approved' AND expires_at <= upto;
    IF due IS NOT NULL THEN
        PERFORM paasla.mark(due, 'due');
        UPDATE paasla.clock_tick SET last_at = upto;
    END IF;
    RETURN coalesce((extract(epoch FROM paasla.next_change(upto)) * 1000000)::bigint, 0);
END $$;

-- The first free log-in of the candidates becomes this person's for ever; one that the person has already is used again.
CREATE FUNCTION paasla.reserve(dir text, person bigint, for_purpose text, candidates text[])
RETURNS TABLE (account_id bigint, login text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c text;
    mine text;
    id bigint;
BEGIN
    PERFORM FROM paasla.person p WHERE p.person_id = reserve.person FOR NO KEY UPDATE;
    SELECT l.login INTO mine FROM paasla.login_name l WHERE l.person_id = reserve.person AND l.purpose = for_purpose
        ORDER BY l.reserved_at DESC LIMIT 1;
    IF mine IS NULL THEN
        FOREACH c IN ARRAY candidates LOOP
            INSERT INTO paasla.login_name (login, person_id, purpose) VALUES (c, reserve.person, for_purpose) ON CONFLICT DO NOTHING;
            IF FOUND THEN
                mine := c;
                EXIT;
            END IF;
        END LOOP;
    END IF;
    IF mine IS NULL THEN
        RETURN QUERY SELECT 0::bigint, ''::text;
        RETURN;
    END IF;
    SELECT a.account_id INTO id FROM paasla.account a WHERE a.person_id = reserve.person AND a.directory = dir AND a.purpose = for_purpose;
    IF id IS NULL THEN
        INSERT INTO paasla.account (person_id, directory, purpose, login) VALUES (reserve.person, dir, for_purpose, mine)
        RETURNING paasla.account.account_id INTO id;
        PERFORM audit.append('account.reserved', jsonb_build_object('person_id', reserve.person, 'account_id', id, 'directory', dir),
            jsonb_build_object('purpose', for_purpose), jsonb_build_object('login', mine));
    END IF;
    RETURN QUERY SELECT id, mine;
END $$;

CREATE FUNCTION paasla.intend(items jsonb) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    i jsonb;
    id bigint;
BEGIN
    FOR i IN SELECT value FROM jsonb_array_elements(items) LOOP
        INSERT INTO paasla.intent (account_id, person_id, directory, purpose, role_group_id, op, row, put_back)
        VALUES ((i->>'account_id')::bigint, (i->>'person_id')::bigint, i->>'directory', i->>'purpose',
            nullif((i->>'role_group_id')::int, 0), i->>'op', (i->>'row')::int, coalesce((i->>'put_back')::boolean, false))
        RETURNING intent_id INTO id;
        PERFORM audit.append('intent.planned', jsonb_build_object('intent_id', id, 'account_id', i->'account_id',
            'person_id', i->'person_id', 'directory', i->'directory', 'lifecycle_row', i->'row',
            'role_group_id', nullif((i->>'role_group_id')::int, 0)),
            jsonb_build_object('op', i->'op', 'purpose', i->'purpose', 'put_back', nullif((i->>'put_back')::boolean, false)));
        RETURN NEXT id;
    END LOOP;
END $$;

CREATE FUNCTION paasla.from_us(us jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN us::text::bigint > 0 THEN timestamptz 'epoch' + us::text::bigint * interval '1 microsecond' END
$$;

CREATE FUNCTION paasla.note_finding(dir text, f jsonb) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE id bigint;
BEGIN
    UPDATE paasla.finding SET times = times + 1, last_at = clock_timestamp(), text = f->>'text', severity = f->>'severity'
        WHERE kind = f->>'kind' AND directory = dir AND key = f->>'key' AND state = 'open';
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO paasla.finding (kind, severity, directory, person_id, account_id, role_group_id, key, text)
    VALUES (f->>'kind', f->>'severity', dir, nullif((f->>'person_id')::bigint, 0), nullif((f->>'account_id')::bigint, 0),
        nullif((f->>'role_group_id')::int, 0), f->>'key', f->>'text')
    ON CONFLICT DO NOTHING RETURNING finding_id INTO id;
    IF id IS NOT NULL THEN
        PERFORM audit.append('finding.opened', jsonb_build_object('finding_id', id, 'directory', dir,
            'person_id', nullif((f->>'person_id')::bigint, 0), 'account_id', nullif((f->>'account_id')::bigint, 0),
            'role_group_id', nullif((f->>'role_group_id')::int, 0)),
            jsonb_build_object('kind', f->'kind', 'severity', f->'severity'), jsonb_build_object('text', f->>'text'));
    END IF;
END $$;

-- Plans of which nothing is left are closed: an approved one is done, a held one has become needless. An item is over
-- when it was done, when things are that way already, or when nobody wants it any more.
CREATE FUNCTION paasla.close_plans(dir text, who bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plans bigint[];
    p paasla.plan;
BEGIN
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
                    AND m.role_group_id = i.role_group_id AND m.present)
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

CREATE FUNCTION paasla.settle(s jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    who bigint := (s->>'person_id')::bigint;
    acc bigint := nullif((s->>'account_id')::bigint, 0);
    dir text := s->>'directory';
    x jsonb;
    gone paasla.finding;
    old paasla.account;
BEGIN
    FOR x IN SELECT value FROM jsonb_array_elements(s->'intents') LOOP
        UPDATE paasla.intent SET outcome = x->>'outcome', code = nullif((x->>'code')::int, 0), settled_at = clock_timestamp()
            WHERE intent_id = (x->>'id')::bigint AND outcome IS NULL RETURNING account_id INTO old.account_id;
        CONTINUE WHEN NOT FOUND;
        PERFORM audit.append('intent.outcome', jsonb_build_object('intent_id', x->'id', 'account_id', old.account_id,
            'person_id', who, 'directory', dir, 'result_code', nullif((x->>'code')::int, 0)),
            jsonb_build_object('outcome', x->'outcome', 'answered_at', paasla.from_us(x->'at_us')));
    END LOOP;
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
        INSERT INTO paasla.membership AS m (account_id, role_group_id, present)
        SELECT acc, (value->>'role_group_id')::int, (value->>'present')::boolean FROM jsonb_array_elements(s->'memberships')
        ON CONFLICT (account_id, role_group_id) DO UPDATE SET present = excluded.present, since = clock_timestamp()
            WHERE m.present <> excluded.present;
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

CREATE FUNCTION paasla.hold(h jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
    preview boolean := coalesce((h->>'preview')::boolean, false);
BEGIN
    DELETE FROM paasla.dirty WHERE seq IN (SELECT value::text::bigint FROM jsonb_array_elements(coalesce(h->'seqs', '[]')));
    IF NOT preview THEN
        UPDATE paasla.plan SET state = 'expired' WHERE state = 'approved' AND expires_at <= clock_timestamp();
        SELECT plan_id INTO id FROM paasla.plan WHERE directory = h->>'directory' AND digest = h->>'digest' AND state IN ('held', 'approved');
        IF id IS NOT NULL THEN
            RETURN id;
        END IF;
    END IF;
    INSERT INTO paasla.plan (directory, digest, state, why, locks, removals, items, control_id)
    VALUES (coalesce(h->>'directory', ''), h->>'digest', CASE WHEN preview THEN 'preview' ELSE 'held' END, coalesce(h->>'why', ''),
        (h->>'locks')::int, (h->>'removals')::int, jsonb_array_length(h->'items'), nullif((h->>'control_id')::bigint, 0))
    RETURNING plan_id INTO id;
    INSERT INTO paasla.plan_item (plan_id, ordinal, person_id, account_id, purpose, role_group_id, op, row)
    SELECT id, n, (v->>'person_id')::bigint, nullif((v->>'account_id')::bigint, 0), v->>'purpose',
        nullif((v->>'role_group_id')::int, 0), v->>'op', (v->>'row')::int
    FROM jsonb_array_elements(h->'items') WITH ORDINALITY AS t (v, n);
    IF preview THEN
        UPDATE paasla.control SET done_at = clock_timestamp(), plan_id = id, result = nullif(h->>'why', '')
            WHERE control_id = (h->>'control_id')::bigint;
    ELSE
        UPDATE paasla.plan p SET state = 'superseded' -- all of it stands in the new one
        WHERE p.state = 'held' AND p.directory = h->>'directory' AND p.plan_id <> id AND NOT EXISTS (
            SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i WHERE i.plan_id = p.plan_id
            EXCEPT SELECT i.person_id, i.purpose, coalesce(i.role_group_id, 0), i.op FROM paasla.plan_item i WHERE i.plan_id = id);
        PERFORM audit.append('plan.held', jsonb_build_object('plan_id', id, 'directory', h->'directory'),
            jsonb_build_object('digest', h->'digest', 'why', h->'why', 'locks', h->'locks', 'removals', h->'removals'));
    END IF;
    RETURN id;
END $$;

CREATE FUNCTION paasla.nominate(dir text, n jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT dir, (v->>'person_id')::bigint, v->>'cause' FROM jsonb_array_elements(n->'persons') v
    WHERE NOT EXISTS (SELECT FROM paasla.dirty d WHERE d.directory = dir AND d.person_id = (v->>'person_id')::bigint
                      AND d.not_before <= now()); -- will be looked at anyway
    PERFORM paasla.note_finding(dir, v) FROM jsonb_array_elements(n->'findings') v;
END $$;

CREATE FUNCTION paasla.note_compare(dir text, c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d paasla.directory;
    gone paasla.finding;
    said text := format('%s entries, %s accounts, %s groups compared; %s persons to look at, %s orphans%s', c->>'entries',
        c->>'accounts', c->>'groups', c->>'nominated', c->>'orphans', coalesce('; ' || nullif(c->>'why', ''), ''));
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
    UPDATE paasla.control SET done_at = clock_timestamp(), result = said WHERE control_id = (c->>'control_id')::bigint;
END $$;

CREATE FUNCTION paasla.take_controls() RETURNS TABLE (control_id bigint, kind text, directory text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE paasla.control SET started_at = clock_timestamp() WHERE started_at IS NULL
    RETURNING control_id, kind, coalesce(directory, '')
$$;
