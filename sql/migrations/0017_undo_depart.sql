-- HR marked a departure by mistake: the same employment goes on, and what ended because of it comes back. Everything that
-- happened meanwhile stays in the log; the departure that was taken back is named there by its event.

ALTER TABLE paasla.employment
    ADD COLUMN resumed_event bigint, -- the newest departure of it that was taken back: its event
    ADD COLUMN resumed_ref   text;   -- and the document that this rests on

-- An end that had passed and was taken back opens a new round of orders: one to add and one to remove in each.
ALTER TABLE paasla.access_grant ADD COLUMN round int NOT NULL DEFAULT 0;
ALTER TABLE paasla.work_order ADD COLUMN round int NOT NULL DEFAULT 0;
DROP INDEX paasla.work_order_once;
CREATE UNIQUE INDEX work_order_once ON paasla.work_order (grant_id, kind, round);

-- ---- employments ----

-- As in 0007, and: an end that has passed moves when its departure is taken back (resumed_event, which only undo_depart
-- writes), but never to another moment that has passed.
CREATE OR REPLACE FUNCTION paasla.employment_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was timestamptz := upper(OLD.period);
    ends timestamptz := upper(NEW.period);
    resumed boolean := TG_OP = 'UPDATE' AND NEW.resumed_event IS DISTINCT FROM OLD.resumed_event;
BEGIN
    PERFORM paasla.must_see_others();
    NEW.was_it_admin := NEW.it_admin OR TG_OP = 'UPDATE' AND OLD.was_it_admin;
    IF TG_OP = 'INSERT' THEN
        IF ends IS NOT NULL THEN
            NEW.ended_xact := pg_current_xact_id();
            NEW.ended_stmt := statement_timestamp();
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.employment_id, NEW.person_id, NEW.institution, NEW.employee_no)
       IS DISTINCT FROM (OLD.employment_id, OLD.person_id, OLD.institution, OLD.employee_no) THEN
        RAISE EXCEPTION 'employment % of number %: keys do not change', OLD.employment_id, OLD.employee_no
            USING HINT = 'End this employment and hire anew.';
    END IF;
    IF lower(NEW.period) IS DISTINCT FROM lower(OLD.period) AND lower(OLD.period) <= now() AND NOT resumed THEN
        RAISE EXCEPTION 'employment of number % has begun on %; its beginning does not change', OLD.employee_no, lower(OLD.period)
            USING HINT = 'What was, stays.';
    END IF;
    IF ends IS DISTINCT FROM was OR resumed THEN
        IF was <= now() AND NOT resumed THEN
            RAISE EXCEPTION 'employment of number % at % ended on %; an end that has passed does not change', OLD.employee_no,
                OLD.institution, was USING HINT = 'If the person is back, hire again: paasla.hire(...) or INSERT INTO '
                'paasla.staff. If the departure was entered by mistake: paasla.undo_depart(number, reference).';
        ELSIF resumed AND ends <= now() THEN
            RAISE EXCEPTION 'employment of number % at % cannot go on until %, which has passed', OLD.employee_no,
                OLD.institution, ends USING HINT = 'If the person is back, hire again.';
        END IF;
        -- The transaction's own now() is not the past, however long the transaction takes.
        IF ends < now() - interval '1 minute' THEN
            IF coalesce(NEW.departure_ref, '') = '' THEN
                RAISE EXCEPTION 'departure of number % at % lies in the past and rests on no document', OLD.employee_no, ends
                    USING HINT = 'Give departure_ref, or use now().';
            END IF;
            RAISE WARNING 'departure of number % is backdated to %; access was open until now', OLD.employee_no, ends;
        END IF;
        PERFORM FROM paasla.person WHERE person_id = OLD.person_id FOR UPDATE; -- no grant slips in beside us
        NEW.ended_xact := CASE WHEN ends IS NULL THEN NULL ELSE pg_current_xact_id() END;
        NEW.ended_stmt := CASE WHEN ends IS NULL THEN NULL ELSE statement_timestamp() END;
        IF resumed THEN -- said of an end that counts no more: it must not name the leaver of a later list
            NEW.said_again_xact := NULL;
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- As in 0007, and: a departure that is taken back is neither an end nor a mere change.
CREATE OR REPLACE FUNCTION paasla.employment_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM audit.append('employment.started', jsonb_build_object('person_id', n.person_id, 'employment_id', n.employment_id),
            jsonb_build_object('institution', n.institution, 'kind', n.kind, 'it_admin', n.it_admin, 'from', lower(n.period),
                'until', upper(n.period)), jsonb_build_object('value', n.employee_no, 'text', n.hire_ref)) FROM new n;
        PERFORM paasla.mark((SELECT array_agg(person_id) FROM new), 'hired');
        RETURN NULL;
    END IF;
    PERFORM audit.append(CASE WHEN n.resumed_event IS DISTINCT FROM o.resumed_event THEN 'employment.resumed'
                              WHEN upper(n.period) IS DISTINCT FROM upper(o.period) AND upper(n.period) IS NOT NULL
                              THEN 'employment.ended' ELSE 'employment.changed' END,
        jsonb_build_object('person_id', n.person_id, 'employment_id', n.employment_id),
        jsonb_build_object('institution', n.institution, 'kind', n.kind, 'it_admin', n.it_admin, 'from', lower(n.period),
            'until', upper(n.period), 'before_until', upper(o.period),
            'undone_event', CASE WHEN n.resumed_event IS DISTINCT FROM o.resumed_event THEN n.resumed_event END,
            'said_again', CASE WHEN n.said_again_xact IS DISTINCT FROM o.said_again_xact AND n.said_again_xact IS NOT NULL
                               THEN true END,
            'backdated', CASE WHEN upper(n.period) IS DISTINCT FROM upper(o.period)
                               AND upper(n.period) < now() - interval '1 minute' THEN true END),
        jsonb_build_object('text', CASE WHEN n.resumed_event IS DISTINCT FROM o.resumed_event THEN n.resumed_ref
                                        ELSE n.departure_ref END))
        FROM new n JOIN old o USING (employment_id) WHERE n IS DISTINCT FROM o;
    PERFORM paasla.cap_grants((SELECT array_agg(n.person_id) FROM new n JOIN old o USING (employment_id)
        WHERE upper(n.period) IS DISTINCT FROM upper(o.period)));
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM (SELECT n.person_id FROM new n JOIN old o USING (employment_id)
        WHERE n.resumed_event IS DISTINCT FROM o.resumed_event) x), 'resumed');
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM (SELECT n.person_id FROM new n JOIN old o USING (employment_id)
        WHERE n.resumed_event IS NOT DISTINCT FROM o.resumed_event
          AND (upper(n.period) IS DISTINCT FROM upper(o.period)
               OR n.said_again_xact IS DISTINCT FROM o.said_again_xact)) x), 'departed');
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM (SELECT n.person_id FROM new n JOIN old o USING (employment_id)
        WHERE n IS DISTINCT FROM o AND upper(n.period) IS NOT DISTINCT FROM upper(o.period)
          AND n.said_again_xact IS NOT DISTINCT FROM o.said_again_xact
          AND n.resumed_event IS NOT DISTINCT FROM o.resumed_event) x), 'employment');
    RETURN NULL;
END $$;

-- As in 0010, and: "departed already" is believed only after a look that waits for an undo in flight. Otherwise the undo
-- would stand, and who said the departure once more would have been told that it does.
CREATE OR REPLACE FUNCTION paasla.depart(employee_no text, last_day date DEFAULT NULL, reference text DEFAULT NULL,
    institution text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    at timestamptz := CASE WHEN last_day IS NULL THEN now() ELSE (last_day + 1)::timestamp AT TIME ZONE 'Europe/Tallinn' END;
BEGIN
    PERFORM paasla.hr_must_see(e.institution);
    IF upper(e.period) <= now() THEN
        SELECT * INTO e FROM paasla.employment x WHERE x.employment_id = e.employment_id FOR UPDATE;
    END IF;
    IF upper(e.period) <= now() THEN
        RAISE NOTICE 'number % departed on % already; the daemon is told once more', employee_no, upper(e.period);
        -- Named by itself now: a list that is held does not hold this person up any longer.
        UPDATE paasla.employment x SET said_again_xact = pg_current_xact_id() WHERE x.employment_id = e.employment_id;
        RETURN upper(e.period);
    END IF;
    FOR e IN SELECT * FROM paasla.employment x WHERE x.institution = e.institution AND x.employee_no = e.employee_no
             AND (upper(x.period) IS NULL OR upper(x.period) > now()) ORDER BY lower(x.period) LOOP
        UPDATE paasla.employment x SET period = paasla.ended_period(e, at), departure_ref = coalesce(reference, x.departure_ref)
        WHERE x.employment_id = e.employment_id;
    END LOOP;
    RETURN at;
END $$;

-- ---- grants and work orders ----

-- As in 0009, and: what a departure wrote (`capped`), the same hand may take back after its moment.
CREATE OR REPLACE FUNCTION paasla.grant_may_change(old paasla.access_grant, new paasla.access_grant, capped boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (new.grant_id, new.person_id, new.role_id, new.employment_id, new.origin, new.granted_by, new.granted_at)
       IS DISTINCT FROM (old.grant_id, old.person_id, old.role_id, old.employment_id, old.origin, old.granted_by,
                         old.granted_at) THEN
        RAISE EXCEPTION 'grant %: who, what and by whom do not change', old.grant_id USING HINT = 'End it and give another.';
    ELSIF new.valid IS NOT DISTINCT FROM old.valid THEN
        RETURN;
    ELSIF capped AND old.ended_by = 'departure' AND (isempty(old.valid) OR upper(old.valid) <= now())
          AND NOT isempty(new.valid) AND coalesce(upper(new.valid) > now(), true)
          AND (isempty(old.valid) OR lower(new.valid) = lower(old.valid)) THEN
        RETURN; -- the departure was a mistake
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

-- As in 0009, and: each round has its orders. What a round after the first begins with, undo_depart knows and orders.
CREATE OR REPLACE FUNCTION paasla.open_work(grants bigint[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.work_order w SET state = 'cancelled', closed_at = clock_timestamp(), closed_by = session_user,
        note = coalesce(w.note || ' ', '') || 'The right ended before this was done; see the order to remove it.'
    FROM paasla.access_grant g
    WHERE w.grant_id = ANY (grants) AND g.grant_id = w.grant_id AND w.kind = 'add' AND w.state = 'open'
      AND (isempty(g.valid) OR upper(g.valid) <= now());
    INSERT INTO paasla.work_order (person_id, register_code, role_id, grant_id, kind, class, due_at, cause, round)
    SELECT g.person_id, r.register_code, g.role_id, g.grant_id, k.kind,
        CASE WHEN k.kind = 'remove' AND (rr.privileged OR a.admin) THEN 'kohe' ELSE 'tavaline' END,
        CASE WHEN k.kind = 'remove' AND (rr.privileged OR a.admin) THEN now() ELSE now() + r.due_in END,
        CASE WHEN k.kind = 'add' THEN 'grant' ELSE coalesce(g.ended_by, 'expired') END, g.round
    FROM paasla.access_grant g
    JOIN paasla.register_role rr ON rr.role_id = g.role_id
    JOIN paasla.register r ON r.register_code = rr.register_code AND r.route = 'manual'
    CROSS JOIN LATERAL (SELECT coalesce(bool_or(e.it_admin), false) AS admin FROM paasla.employment e
        WHERE e.person_id = g.person_id) a
    CROSS JOIN LATERAL (
        SELECT 'add' AS kind WHERE g.valid @> now() AND g.round = 0 AND g.origin <> 'adopted' -- adopted: it is there already
        -- Also when nobody was asked to add it (the route was another then). A backdated departure empties a grant that
        -- was in effect: what was done for it by hand has to be undone.
        UNION ALL SELECT 'remove' WHERE upper(g.valid) <= now() OR isempty(g.valid) AND EXISTS (
            SELECT FROM paasla.work_order w WHERE w.grant_id = g.grant_id AND w.kind = 'add')
    ) k
    WHERE g.grant_id = ANY (grants)
    ON CONFLICT DO NOTHING;
END $$;

-- What ended by departure, and would hold now or later without this one: `departure` is its event, `ended` the end that it
-- set. A grant that rests on no employment ended with the last one; an older departure's grants stay ended. Those that
-- would have ended by themselves meanwhile stay ended too. `begins`: an emptied grant's beginning stands in the log only.
CREATE FUNCTION paasla.ended_with(who bigint, employment bigint, departure bigint, ended timestamptz)
RETURNS TABLE (grant_id bigint, role_id int, round int, was_until timestamptz, begins timestamptz, ends timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.grant_id, g.role_id, g.round, upper(g.valid), b.begins, c.ends
    FROM paasla.access_grant g
    LEFT JOIN paasla.employment e ON e.employment_id = g.employment_id
    CROSS JOIN LATERAL (SELECT bool_or(upper(y.period) IS NULL) AS endless, max(upper(y.period)) AS last_end
        FROM paasla.employment y WHERE y.person_id = who) l
    CROSS JOIN LATERAL (SELECT least(g.given_until, CASE WHEN g.employment_id IS NOT NULL THEN upper(e.period)
                                                         WHEN NOT l.endless THEN l.last_end END) AS ends) c
    CROSS JOIN LATERAL (SELECT CASE WHEN NOT isempty(g.valid) THEN lower(g.valid) ELSE (
        SELECT (v.detail::jsonb->>'from')::timestamptz FROM audit.event v WHERE v.person_id = who AND v.grant_id = g.grant_id
            AND v.action = 'grant.ended' AND v.event_id > departure ORDER BY v.event_id DESC LIMIT 1) END AS begins) b
    WHERE g.person_id = who AND g.ended_by = 'departure' AND coalesce(g.employment_id = employment, true)
      AND (isempty(g.valid) OR upper(g.valid) <= now() AND upper(g.valid) >= ended)
      AND b.begins IS NOT NULL AND coalesce(c.ends > greatest(b.begins, now()), true)
$$;

-- Is something to be done by hand so that an ended grant holds again? Yes when it was removed, or when it never was added
-- because the end came first.
CREATE FUNCTION paasla.needs_adding(id bigint, in_round int, since timestamptz) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM paasla.work_order w WHERE w.grant_id = id AND w.round = in_round
        AND (w.kind = 'remove' AND w.state = 'done' OR w.kind = 'add' AND w.state = 'cancelled' AND w.closed_at >= since))
$$;

CREATE FUNCTION paasla.resume_grants(who bigint, employment bigint, departure bigint, ended timestamptz, reference text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    g record;
    other bigint;
    since timestamptz; -- when the departure was entered or took effect: orders closed after it were closed by it
    again boolean;
    adding boolean;
BEGIN
    PERFORM FROM paasla.access_grant x WHERE x.person_id = who ORDER BY x.grant_id FOR UPDATE;
    FOR g IN SELECT * FROM paasla.ended_with(who, employment, departure, ended) x ORDER BY x.begins, x.grant_id LOOP
        SELECT x.grant_id INTO other FROM paasla.access_grant x WHERE x.person_id = who AND x.role_id = g.role_id
            AND x.grant_id <> g.grant_id AND x.valid && tstzrange(g.begins, g.ends) LIMIT 1;
        IF other IS NOT NULL THEN
            RAISE NOTICE 'grant % stays ended: grant % gives the same role since then', g.grant_id, other;
            CONTINUE;
        END IF;
        SELECT greatest(v.at, g.was_until) INTO since FROM audit.event v WHERE v.event_id = departure;
        again := EXISTS (SELECT FROM paasla.work_order w WHERE w.grant_id = g.grant_id AND w.round = g.round
                         AND w.kind = 'remove');
        adding := again AND paasla.needs_adding(g.grant_id, g.round, since);
        UPDATE paasla.work_order w SET state = 'cancelled', closed_at = clock_timestamp(), closed_by = session_user,
            note = coalesce(w.note || ' ', '') || format('The departure was taken back (%s) before this was done.', reference)
        WHERE w.grant_id = g.grant_id AND w.kind = 'remove' AND w.state = 'open';
        UPDATE paasla.access_grant x SET valid = tstzrange(g.begins, g.ends), ended_by = 'departure!',
            round = x.round + again::int WHERE x.grant_id = g.grant_id;
        INSERT INTO paasla.work_order (person_id, register_code, role_id, grant_id, kind, class, due_at, cause, round)
        SELECT who, r.register_code, rr.role_id, g.grant_id, 'add', 'tavaline', now() + r.due_in, 'resumed', g.round + 1
        FROM paasla.register_role rr JOIN paasla.register r ON r.register_code = rr.register_code AND r.route = 'manual'
        WHERE rr.role_id = g.role_id AND adding;
    END LOOP;
END $$;

-- ---- the verb ----

-- The departure that set this end of an employment and still stands, as it was before `before`.
CREATE FUNCTION paasla.departure_of(e paasla.employment, ended timestamptz, before bigint) RETURNS audit.event LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT v FROM audit.event v
    WHERE v.person_id = e.person_id AND v.employment_id = e.employment_id AND v.action = 'employment.ended'
      AND v.event_id < before AND (v.detail::jsonb->>'until')::timestamptz = ended
      AND NOT EXISTS (SELECT FROM audit.event u WHERE u.person_id = e.person_id AND u.employment_id = e.employment_id
          AND u.action = 'employment.resumed' AND (u.detail::jsonb->>'undone_event')::bigint = v.event_id)
    ORDER BY v.event_id DESC LIMIT 1
$$;

-- Refuses where going on would not be what HR means.
CREATE FUNCTION paasla.may_resume(e paasla.employment, departure audit.event, back_to timestamptz) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE newer paasla.employment;
BEGIN
    IF upper(e.period) IS NULL THEN
        RAISE EXCEPTION 'number % at % has no departure: it is employed since %', e.employee_no, e.institution, lower(e.period)
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Nothing was changed. An end before that stands: '
                'who was hired again works under the new employment.';
    ELSIF departure.event_id IS NULL THEN
        RAISE EXCEPTION 'number % at % has no departure: the end on % was given with the employment', e.employee_no,
            e.institution, upper(e.period) USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'An end that lies ahead is moved in paasla.staff; after one that has passed, hire again.';
    END IF;
    SELECT * INTO newer FROM paasla.employment x WHERE x.person_id = e.person_id AND x.institution = e.institution
        AND x.employment_id <> e.employment_id AND (lower(x.period) >= upper(e.period) OR EXISTS (
            SELECT FROM audit.event v WHERE v.person_id = e.person_id AND v.employment_id = x.employment_id
            AND v.action = 'employment.started' AND v.event_id > departure.event_id))
        AND NOT EXISTS (SELECT FROM audit.event v WHERE v.person_id = e.person_id AND v.employment_id = x.employment_id
            AND v.action = 'employment.ended' AND v.xact_id = departure.xact_id) -- called off by the same departure
        ORDER BY lower(x.period) LIMIT 1;
    IF newer.employment_id IS NOT NULL THEN
        RAISE EXCEPTION 'the person has a newer employment at %: number % since %', newer.institution, newer.employee_no,
            lower(newer.period) USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'The departure stands; rights are given to the newer employment.';
    ELSIF back_to <= now() THEN
        RAISE EXCEPTION 'without this departure number % at % would have ended on %, which has passed', e.employee_no,
            e.institution, back_to USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'If the person is back, hire again.';
    END IF;
END $$;

-- One employment goes on as it was before `dep`.
CREATE FUNCTION paasla.resume_employment(e paasla.employment, dep audit.event, reference text) RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    back_to timestamptz := (dep.detail::jsonb->>'before_until')::timestamptz;
    begins timestamptz;
BEGIN
    PERFORM paasla.may_resume(e, dep, back_to);
    SELECT (v.detail::jsonb->>'from')::timestamptz INTO begins FROM audit.event v WHERE v.person_id = e.person_id
        AND v.employment_id = e.employment_id AND v.event_id < dep.event_id AND starts_with(v.action, 'employment.')
        ORDER BY v.event_id DESC LIMIT 1; -- not what it has now where the arrival was called off
    UPDATE paasla.employment x SET period = tstzrange(coalesce(begins, lower(x.period)), back_to),
        resumed_event = dep.event_id, resumed_ref = reference,
        departure_ref = (SELECT o.value FROM audit.opening o WHERE o.field = 'text'
            AND o.event_id = (paasla.departure_of(e, back_to, dep.event_id)).event_id)
    WHERE x.employment_id = e.employment_id;
    PERFORM paasla.resume_grants(e.person_id, e.employment_id, dep.event_id, upper(e.period), reference);
    RETURN back_to;
END $$;

-- Takes the last departure of a number back, with all that it ended: also an arrival that it called off. `until` is the
-- end that is planned now, NULL for none. Counted are grants that hold again or longer, orders that are needless now and
-- orders that are new, and accounts that were closed: the daemon opens them again, but their old passwords are gone.
CREATE FUNCTION paasla.undo_depart(employee_no text, reference text, institution text DEFAULT NULL, OUT until timestamptz,
    OUT grants_back int, OUT orders_cancelled int, OUT orders_opened int, OUT accounts_closed int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    seen paasla.employment := paasla.find_employment(employee_no, institution);
    e paasla.employment;
    dep audit.event;
    ref text := btrim(reference);
    had jsonb;     -- the person's grants before, by number
    open bigint[]; -- and the open orders
    r record;
BEGIN
    PERFORM paasla.hr_must_see(seen.institution);
    IF coalesce(ref, '') = '' OR length(ref) > 60 THEN
        RAISE EXCEPTION 'taking back the departure of number % needs a document', employee_no
            USING ERRCODE = 'check_violation', HINT = 'Give its number, at most 60 characters.';
    END IF;
    PERFORM FROM paasla.employment x WHERE x.institution = seen.institution AND x.employee_no = seen.employee_no
        ORDER BY x.employment_id FOR UPDATE;
    PERFORM FROM paasla.person p WHERE p.person_id = seen.person_id FOR UPDATE; -- no hire and no grant slips in beside us
    e := paasla.find_employment(seen.employee_no, seen.institution);
    IF e IS DISTINCT FROM seen THEN -- a departure that was said meanwhile is not the one that was a mistake
        RAISE EXCEPTION 'number % at % was changed by somebody else just now', employee_no, e.institution
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Nothing was done; look again.';
    END IF;
    SELECT coalesce(jsonb_object_agg(g.grant_id, g.valid), '{}') INTO had FROM paasla.access_grant g WHERE g.person_id = e.person_id;
    SELECT coalesce(array_agg(w.work_order_id), '{}') INTO open FROM paasla.work_order w
        WHERE w.person_id = e.person_id AND w.state = 'open';
    dep := paasla.departure_of(e, upper(e.period), 9223372036854775807);
    IF dep.event_id IS NULL THEN
        PERFORM paasla.may_resume(e, dep, NULL); -- says why not
    END IF;
    FOR r IN SELECT x AS employment, d AS departure FROM paasla.employment x
             CROSS JOIN LATERAL paasla.departure_of(x, upper(x.period), 9223372036854775807) d
             WHERE x.institution = e.institution AND x.employee_no = e.employee_no AND d.xact_id = dep.xact_id
             ORDER BY d.event_id DESC LOOP -- the last first: what was called off lies in the way of what lasted
        until := paasla.resume_employment(r.employment, r.departure, ref);
    END LOOP;
    SELECT upper(x.period) INTO until FROM paasla.employment x WHERE x.institution = e.institution
        AND x.employee_no = e.employee_no ORDER BY lower(x.period) DESC LIMIT 1;
    SELECT count(*) INTO grants_back FROM paasla.access_grant g WHERE g.person_id = e.person_id
        AND had->>g.grant_id::text IS DISTINCT FROM g.valid::text;
    SELECT count(*) FILTER (WHERE w.state <> 'open'), count(*) FILTER (WHERE w.state = 'open' AND w.work_order_id <> ALL (open))
        INTO orders_cancelled, orders_opened FROM paasla.work_order w
        WHERE w.person_id = e.person_id AND (w.state = 'open' OR w.work_order_id = ANY (open));
    SELECT count(*) INTO accounts_closed FROM paasla.account a JOIN paasla.wanted_account_at(now()) w
        ON w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose AND w.want = 'open'
        WHERE a.person_id = e.person_id AND a.state IN ('closing', 'out');
    IF accounts_closed > 0 THEN
        RAISE NOTICE 'the old password is gone in % of the person''s accounts: the departure made it useless', accounts_closed
            USING HINT = 'Where the daemon gives first passwords (first_password = file) a new one lies there when the '
                'account is open; elsewhere an administrator of the directory sets one.';
    END IF;
EXCEPTION WHEN exclusion_violation THEN
    RAISE EXCEPTION 'number % cannot go on: something that was entered since then stands in its place', employee_no
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'See paasla.staff and paasla.matrix of that person.';
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['paasla.ended_with(bigint,bigint,bigint,timestamptz)', 'paasla.needs_adding(bigint,int,timestamptz)',
        'paasla.resume_grants(bigint,bigint,bigint,timestamptz,text)', 'paasla.departure_of(paasla.employment,timestamptz,bigint)',
        'paasla.may_resume(paasla.employment,audit.event,timestamptz)',
        'paasla.resume_employment(paasla.employment,audit.event,text)', 'paasla.undo_depart(text,text,text)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.undo_depart(text, text, text) TO paasla_hr;

-- ---- whom a joiner asks, for the letter ----

CREATE TABLE paasla.institution_contact (
    institution text COLLATE "C" NOT NULL REFERENCES paasla.institution,
    purpose     text NOT NULL CHECK (purpose IN ('help', 'incident')), -- accounts and rights; a security incident
    contact     text NOT NULL CHECK (contact = btrim(contact) AND contact <> '' AND length(contact) <= 120),
    PRIMARY KEY (institution, purpose)
);
ALTER TABLE paasla.institution_contact OWNER TO paasla_owner;
REVOKE ALL ON paasla.institution_contact FROM PUBLIC;
GRANT SELECT ON paasla.institution_contact TO paasla_grantor, paasla_approver, paasla_auditor, paasla_hr;
GRANT SELECT, INSERT, DELETE, UPDATE (contact) ON paasla.institution_contact TO paasla_admin;
CREATE TRIGGER institution_contact_insert AFTER INSERT ON paasla.institution_contact REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.register_changed('institution_contact');
CREATE TRIGGER institution_contact_update AFTER UPDATE ON paasla.institution_contact REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.register_changed('institution_contact');
CREATE TRIGGER institution_contact_delete AFTER DELETE ON paasla.institution_contact REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.register_changed('institution_contact');
CREATE TRIGGER institution_contact_stays BEFORE TRUNCATE ON paasla.institution_contact
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.refuse();
