-- Grants: what may be given, that it ends and does not vanish, and the work orders of registers that hang on no directory.

CREATE FUNCTION paasla.grant_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rr paasla.register_role;
    rq paasla.request;
    last_end timestamptz;
    endless boolean;
    known boolean;
    was timestamptz := CASE WHEN TG_OP = 'UPDATE' THEN upper(OLD.valid) END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.grant_id, NEW.person_id, NEW.role_id, NEW.employment_id, NEW.origin, NEW.granted_by, NEW.granted_at)
           IS DISTINCT FROM (OLD.grant_id, OLD.person_id, OLD.role_id, OLD.employment_id, OLD.origin, OLD.granted_by,
                             OLD.granted_at) THEN
            RAISE EXCEPTION 'grant %: who, what and by whom do not change', OLD.grant_id USING HINT = 'End it and give another.';
        END IF;
        IF isempty(OLD.valid) OR was <= now() THEN
            IF NEW.valid IS DISTINCT FROM OLD.valid THEN
                RAISE EXCEPTION 'grant % ended on %; an end that has passed does not change', OLD.grant_id, was
                    USING HINT = 'Give a new grant.';
            END IF;
        ELSIF NOT isempty(NEW.valid) AND lower(NEW.valid) IS DISTINCT FROM lower(OLD.valid) AND lower(OLD.valid) <= now() THEN
            RAISE EXCEPTION 'grant % began on %; its beginning does not change', OLD.grant_id, lower(OLD.valid)
                USING HINT = 'What was, stays.';
        ELSIF isempty(NEW.valid) AND lower(OLD.valid) <= now() AND coalesce(NEW.ended_by, '') <> 'departure' THEN
            RAISE EXCEPTION 'grant % has been in effect since %', OLD.grant_id, lower(OLD.valid) USING HINT = 'End it with now().';
        ELSIF upper(NEW.valid) < now() - interval '1 minute' AND coalesce(NEW.ended_by, '') <> 'departure' THEN
            RAISE EXCEPTION 'grant % cannot end at %, which has passed: it was in effect until now', OLD.grant_id, upper(NEW.valid)
                USING HINT = 'Use now().';
        END IF;
        IF NEW.valid IS NOT DISTINCT FROM OLD.valid OR isempty(NEW.valid) OR upper(NEW.valid) <= was THEN
            RETURN NEW; -- nothing more is given
        END IF;
    END IF;
    PERFORM FROM paasla.person WHERE person_id = NEW.person_id FOR KEY SHARE; -- waits for a departure in flight
    SELECT * INTO rr FROM paasla.register_role WHERE role_id = NEW.role_id;
    SELECT bool_or(upper(period) IS NULL), max(upper(period)), count(*) > 0 INTO endless, last_end, known
        FROM paasla.employment WHERE person_id = NEW.person_id
        AND (NEW.employment_id IS NULL OR employment_id = NEW.employment_id);
    IF NOT known OR NOT coalesce(endless, false) AND last_end <= greatest(lower(NEW.valid), now()) THEN
        RAISE EXCEPTION 'person % is not employed then, so % % cannot be given', NEW.person_id, rr.register_code, rr.role_code
            USING HINT = 'Hire first; a grant does not outlive the employment.';
    END IF;
    IF NOT endless AND (upper(NEW.valid) IS NULL OR upper(NEW.valid) > last_end) THEN
        NEW.valid := tstzrange(lower(NEW.valid), last_end);
        NEW.ended_by := 'departure';
    END IF;
    IF rr.privileged THEN
        SELECT * INTO rq FROM paasla.request WHERE reference = NEW.reference;
        IF upper(NEW.valid) IS NULL OR coalesce(btrim(NEW.reason), '') = '' THEN
            RAISE EXCEPTION '% % is privileged: it needs a reason and an end', rr.register_code, rr.role_code
                USING HINT = 'Give reason and valid_until.';
        END IF;
        IF rq.approved_by IS NULL OR rq.approved_by = NEW.person_id OR rq.approved_by IS NOT DISTINCT FROM rq.requested_by
           OR rq.requested_by IS NULL THEN
            RAISE EXCEPTION '% % is privileged: its request % needs a requester and the approval of somebody who is neither requester nor beneficiary',
                rr.register_code, rr.role_code, coalesce(NEW.reference, '(none)')
                USING HINT = 'paasla.approve_request(reference) by a member of paasla_approver.';
        END IF;
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
        SELECT 'add' AS kind WHERE g.valid @> now()
        UNION ALL SELECT 'remove' WHERE NOT isempty(g.valid) AND upper(g.valid) <= now() AND lower(g.valid) < upper(g.valid)
            AND EXISTS (SELECT FROM paasla.work_order w WHERE w.grant_id = g.grant_id AND w.kind = 'add')
    ) k
    WHERE g.grant_id = ANY (grants)
    ON CONFLICT (grant_id, kind) WHERE state <> 'cancelled' DO NOTHING;
END $$;

CREATE FUNCTION paasla.work_order_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
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
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM audit.append('grant.given', jsonb_build_object('person_id', n.person_id, 'grant_id', n.grant_id,
            'role_id', n.role_id, 'employment_id', n.employment_id, 'register_code', r.register_code, 'request_id', q.request_id),
            jsonb_build_object('from', lower(n.valid), 'until', upper(n.valid), 'origin', n.origin),
            jsonb_build_object('text', n.reason, 'value', n.reference))
        FROM new n JOIN paasla.register_role r USING (role_id) LEFT JOIN paasla.request q USING (reference);
        PERFORM paasla.open_work((SELECT array_agg(grant_id) FROM new));
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
    PERFORM paasla.mark((SELECT array_agg(n.person_id) FROM new n JOIN old o USING (grant_id) WHERE n.valid IS DISTINCT FROM o.valid),
        'revoked');
    RETURN NULL;
END $$;
CREATE TRIGGER grant_new AFTER INSERT ON paasla.access_grant REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.grant_changed();
CREATE TRIGGER grant_upd AFTER UPDATE ON paasla.access_grant REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.grant_changed();
