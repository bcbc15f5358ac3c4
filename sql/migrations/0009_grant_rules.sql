-- Grants: what may be given, that it ends and does not vanish, and the work orders of registers that hang on no directory.

-- What a change of a grant may not do. `capped`: a departure writes it.
CREATE FUNCTION paasla.grant_may_change(old paasla.access_grant, new paasla.access_grant, capped boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (new.grant_id, new.person_id, new.role_id, new.employment_id, new.origin, new.granted_by, new.granted_at)
       IS DISTINCT FROM (old.grant_id, old.person_id, old.role_id, old.employment_id, old.origin, old.granted_by,
                         old.granted_at) THEN
        RAISE EXCEPTION 'grant %: who, what and by whom do not change', old.grant_id USING HINT = 'End it and give another.';
    ELSIF new.valid IS NOT DISTINCT FROM old.valid THEN
        RETURN;
    ELSIF isempty(old.valid) THEN
        RAISE EXCEPTION 'grant % was ended before it began', old.grant_id USING HINT = 'Give a new grant.';
    ELSIF upper(old.valid) <= now() THEN
        RAISE EXCEPTION 'grant % ended on %; an end that has passed does not change', old.grant_id, upper(old.valid)
            USING HINT = 'Give a new grant.';
    ELSIF NOT isempty(new.valid) AND lower(new.valid) IS DISTINCT FROM lower(old.valid) AND lower(old.valid) <= now() THEN
        RAISE EXCEPTION 'grant % began on %; its beginning does not change', old.grant_id, lower(old.valid)
            USING HINT = 'What was, stays.';
    ELSIF isempty(new.valid) AND lower(old.valid) <= now() AND NOT capped THEN
        RAISE EXCEPTION 'grant % has been in effect since %', old.grant_id, lower(old.valid) USING HINT = 'End it with now().';
    ELSIF upper(new.valid) < now() - interval '1 minute' AND NOT capped THEN
        RAISE EXCEPTION 'grant % cannot end at %, which has passed: it was in effect until now', old.grant_id, upper(new.valid)
            USING HINT = 'Use now().';
    END IF;
END $$;

-- A privileged role needs a reason, an end that was asked for, and an approval by a third person.
CREATE FUNCTION paasla.privileged_ok(g paasla.access_grant, what text) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE rq paasla.request;
BEGIN
    SELECT * INTO rq FROM paasla.request WHERE reference = g.reference;
    IF g.given_until IS NULL OR coalesce(btrim(g.reason), '') = '' THEN
        RAISE EXCEPTION '% is privileged: it needs a reason and an end (request %)', what, coalesce(g.reference, '(none)')
            USING ERRCODE = 'check_violation', HINT = 'Give reason and valid_until.';
    ELSIF rq.requested_by IS NULL OR rq.approved_by IS NULL OR rq.approved_by IN (g.person_id, rq.requested_by) THEN
        RAISE EXCEPTION '% is privileged: its request % needs a requester, and the approval of somebody who is neither requester nor beneficiary',
            what, coalesce(g.reference, '(none)') USING ERRCODE = 'check_violation',
            HINT = 'paasla.approve_request(reference) by a member of paasla_approver.';
    END IF;
END $$;

CREATE FUNCTION paasla.grant_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rr paasla.register_role;
    what text;
    last_end timestamptz;
    endless boolean;
    capped boolean := NEW.ended_by = 'departure!';
BEGIN
    PERFORM paasla.must_see_others();
    IF TG_OP = 'UPDATE' THEN
        capped := coalesce(capped, false);
        PERFORM paasla.grant_may_change(OLD, NEW, capped);
        IF capped THEN -- the end that was given stays known
            NEW.ended_by := CASE WHEN isempty(NEW.valid) OR upper(NEW.valid) IS DISTINCT FROM OLD.given_until THEN 'departure' END;
            RETURN NEW;
        ELSIF NEW.valid IS NOT DISTINCT FROM OLD.valid THEN
            NEW.ended_by := OLD.ended_by;
            NEW.given_until := OLD.given_until;
            RETURN NEW;
        END IF;
    END IF;
    NEW.given_until := upper(NEW.valid);
    NEW.ended_by := CASE WHEN isempty(NEW.valid) OR upper(NEW.valid) <= now() THEN 'revoke' END;
    IF TG_OP = 'UPDATE' AND NEW.valid <@ OLD.valid THEN
        RETURN NEW; -- nothing more is given
    END IF;
    PERFORM FROM paasla.person WHERE person_id = NEW.person_id FOR KEY SHARE; -- waits for a departure in flight
    SELECT * INTO rr FROM paasla.register_role WHERE role_id = NEW.role_id;
    what := rr.register_code || ' ' || rr.role_code;
    IF isempty(NEW.valid) OR upper(NEW.valid) <= now() THEN
        RAISE EXCEPTION '% for person % would be over before it is given (%)', what, NEW.person_id, NEW.valid
            USING ERRCODE = 'check_violation', HINT = 'The end has to lie in the future.';
    END IF;
    SELECT bool_or(upper(period) IS NULL), max(upper(period)) INTO endless, last_end
        FROM paasla.employment WHERE person_id = NEW.person_id
        AND (NEW.employment_id IS NULL OR employment_id = NEW.employment_id);
    IF endless IS NULL OR NOT endless AND last_end <= greatest(lower(NEW.valid), now()) THEN
        RAISE EXCEPTION 'person % is not employed then (%), so % cannot be given', NEW.person_id,
            coalesce('the employment ends on ' || last_end, 'there is no such employment'), what
            USING ERRCODE = 'check_violation', HINT = 'Hire first; a grant does not outlive the employment.';
    END IF;
    IF rr.privileged THEN
        IF TG_OP = 'UPDATE' THEN
            RAISE EXCEPTION '% is privileged: grant % is not prolonged', what, OLD.grant_id
                USING ERRCODE = 'check_violation', HINT = 'Each time has a request and an approval of its own: give a new grant.';
        END IF;
        PERFORM paasla.privileged_ok(NEW, what);
    END IF;
    IF NOT endless AND (upper(NEW.valid) IS NULL OR upper(NEW.valid) > last_end) THEN
        NEW.valid := tstzrange(lower(NEW.valid), last_end);
        NEW.ended_by := 'departure';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER grant_guard BEFORE INSERT OR UPDATE ON paasla.access_grant FOR EACH ROW EXECUTE FUNCTION paasla.grant_guard();

-- Opens what has to be done by hand for grants that begin or have ended by now. Each end of a grant has one order.
CREATE FUNCTION paasla.open_work(grants bigint[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.work_order w SET state = 'cancelled', closed_at = clock_timestamp(), closed_by = session_user,
        note = coalesce(w.note || ' ', '') || 'The right ended before this was done; see the order to remove it.'
    FROM paasla.access_grant g
    WHERE w.grant_id = ANY (grants) AND g.grant_id = w.grant_id AND w.kind = 'add' AND w.state = 'open'
      AND (isempty(g.valid) OR upper(g.valid) <= now());
    INSERT INTO paasla.work_order (person_id, register_code, role_id, grant_id, kind, class, due_at, cause)
    SELECT g.person_id, r.register_code, g.role_id, g.grant_id, k.kind,
        CASE WHEN k.kind = 'remove' AND (rr.privileged OR a.admin) THEN 'kohe' ELSE 'tavaline' END,
        CASE WHEN k.kind = 'remove' AND (rr.privileged OR a.admin) THEN now() ELSE now() + r.due_in END,
        CASE WHEN k.kind = 'add' THEN 'grant' ELSE coalesce(g.ended_by, 'expired') END
    FROM paasla.access_grant g
    JOIN paasla.register_role rr ON rr.role_id = g.role_id
    JOIN paasla.register r ON r.register_code = rr.register_code AND r.route = 'manual'
    CROSS JOIN LATERAL (SELECT coalesce(bool_or(e.it_admin), false) AS admin FROM paasla.employment e
        WHERE e.person_id = g.person_id) a
    CROSS JOIN LATERAL (
        SELECT 'add' AS kind WHERE g.valid @> now() AND g.origin <> 'adopted' -- adopted: it is there already
        -- Also when nobody was asked to add it (the route was another then). A backdated departure empties a grant that
        -- was in effect: what was done for it by hand has to be undone.
        UNION ALL SELECT 'remove' WHERE upper(g.valid) <= now() OR isempty(g.valid) AND EXISTS (
            SELECT FROM paasla.work_order w WHERE w.grant_id = g.grant_id AND w.kind = 'add')
    ) k
    WHERE g.grant_id = ANY (grants)
    ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION paasla.note_due(grants bigint[]) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO paasla.grant_due (grant_id, at)
    SELECT g.grant_id, m.at FROM paasla.access_grant g CROSS JOIN LATERAL (VALUES (lower(g.valid)), (upper(g.valid))) m (at)
    WHERE g.grant_id = ANY (grants) AND m.at > now()
$$;

CREATE FUNCTION paasla.work_order_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM audit.append('work_order.' || CASE n.state WHEN 'open' THEN 'opened' ELSE n.state END,
        jsonb_build_object('person_id', n.person_id, 'register_code', n.register_code, 'role_id', n.role_id,
            'grant_id', n.grant_id, 'work_order_id', n.work_order_id),
        jsonb_build_object('kind', n.kind, 'class', n.class, 'due_at', n.due_at, 'cause', n.cause),
        jsonb_build_object('text', n.note)) FROM new n;
    RETURN NULL;
END $$;
CREATE TRIGGER work_order_new AFTER INSERT ON paasla.work_order REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.work_order_changed();
CREATE TRIGGER work_order_upd AFTER UPDATE ON paasla.work_order REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.work_order_changed();

CREATE FUNCTION paasla.grant_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        jsonb_build_object('text', n.reason, 'value', n.reference))
    FROM new n JOIN old o USING (grant_id) JOIN paasla.register_role r ON r.role_id = n.role_id
        LEFT JOIN paasla.request q ON q.reference = n.reference WHERE n IS DISTINCT FROM o;
    PERFORM paasla.open_work((SELECT array_agg(grant_id) FROM new));
    PERFORM paasla.note_due((SELECT array_agg(n.grant_id) FROM new n JOIN old o USING (grant_id)
        WHERE n.valid IS DISTINCT FROM o.valid));
    PERFORM paasla.mark((SELECT array_agg(n.person_id) FROM new n JOIN old o USING (grant_id) WHERE n.valid IS DISTINCT FROM o.valid),
        'revoked');
    RETURN NULL;
END $$;
CREATE TRIGGER grant_new AFTER INSERT ON paasla.access_grant REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.grant_changed();
CREATE TRIGGER grant_upd AFTER UPDATE ON paasla.access_grant REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.grant_changed();
