-- Who sees, gives and says what: what a log-in with one role could do that is not its own; and rows that stopped the daemon.

-- ---- who sees what ----

-- The personal code is HR's, and stands in the openings too. Everything else there is for who runs it; nobody loses a row of
-- the log by this.
CREATE FUNCTION paasla.hr_sees_person(person bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM paasla.employment e WHERE e.person_id = person AND paasla.hr_sees(e.institution))
$$;
ALTER TABLE audit.opening ENABLE ROW LEVEL SECURITY;
CREATE POLICY opening_audit ON audit.opening FOR SELECT TO paasla_auditor USING (true);
CREATE POLICY opening_run ON audit.opening FOR SELECT TO paasla_grantor, paasla_approver, paasla_admin
    USING (field <> 'value' OR NOT EXISTS (SELECT FROM audit.event e WHERE e.event_id = opening.event_id
           AND starts_with(e.action, 'person.')));
CREATE POLICY opening_hr ON audit.opening FOR SELECT TO paasla_hr -- a log-in of HR that may read openings by another role
    USING (EXISTS (SELECT FROM audit.event e WHERE e.event_id = opening.event_id AND paasla.hr_sees_person(e.person_id)));

-- Who may read the staff of every institution (0013) learns nothing from a number; a log-in of HR alone does.
CREATE FUNCTION paasla.sees_all_staff() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT has_table_privilege(session_user, 'paasla.employment', 'SELECT')
$$;

-- As in 0010, and: to a log-in of HR the numbers of institutions that it does not see are nobody's.
CREATE OR REPLACE FUNCTION paasla.find_employment(no text, inst text) RETURNS paasla.employment LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment;
    places text[];
    all_seen boolean := paasla.sees_all_staff();
BEGIN
    IF NOT all_seen AND inst IS NOT NULL THEN
        PERFORM paasla.hr_must_see(inst);
    END IF;
    SELECT array_agg(DISTINCT x.institution ORDER BY x.institution) INTO places FROM paasla.employment x
        WHERE x.employee_no = no AND (inst IS NULL OR x.institution = inst) AND (all_seen OR paasla.hr_sees(x.institution));
    IF places IS NULL THEN
        RAISE EXCEPTION 'nobody has employee number %', coalesce(no, '(none)') || coalesce(' at ' || inst, '')
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.staff.' || CASE WHEN all_seen THEN '' ELSE ' Which institutions a log-in sees stands in paasla.hr_scope.' END;
    END IF;
    IF cardinality(places) > 1 AND EXISTS (SELECT FROM unnest(places) p WHERE paasla.hr_sees(p)) THEN
        SELECT array_agg(p) INTO places FROM unnest(places) p WHERE paasla.hr_sees(p);
    END IF;
    IF cardinality(places) > 1 THEN
        RAISE EXCEPTION 'employee number % is used by %', no, array_to_string(places, ', ')
            USING ERRCODE = 'ambiguous_parameter', HINT = 'Name the institution.';
    END IF;
    SELECT * INTO e FROM paasla.employment x WHERE x.employee_no = no AND x.institution = places[1]
        ORDER BY x.period @> now() DESC, upper(x.period) <= now() NULLS FIRST,
                 abs(extract(epoch FROM lower(x.period) - now())) LIMIT 1;
    RETURN e;
END $$;

-- Whoever is named as a manager is somebody.
CREATE FUNCTION paasla.manager_by_no(institution text, no text) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE id bigint := paasla.person_by_no(institution, no);
BEGIN
    IF no IS NOT NULL AND id IS NULL THEN
        RAISE EXCEPTION 'nobody has employee number % at %, so nobody of that number can be the manager', quote_literal(no), institution
            USING ERRCODE = 'no_data_found', HINT = 'The manager is named by a number of the same institution, and is hired first.';
    END IF;
    RETURN id;
END $$;

-- A person whom several institutions employ has one name and one personal code: the institution says them that has employed
-- the person for longest. Another one could make somebody else of a person whom it only hired by a known code.
CREATE FUNCTION paasla.may_rename(person bigint, employee_no text) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE first text;
BEGIN
    SELECT e.institution INTO first FROM paasla.employment e WHERE e.person_id = person AND e.period @> now()
        ORDER BY e.employment_id LIMIT 1;
    IF first IS NOT NULL AND NOT paasla.hr_sees(first) THEN
        RAISE EXCEPTION 'number %: another institution says the name and the personal code of this person', employee_no
            USING ERRCODE = 'insufficient_privilege', HINT = 'The one that has employed the person for longest; ask its HR.';
    END IF;
END $$;

-- As in 0010, and: an unknown manager is refused, and a person whom the log-in does not see is not found, renamed or told of
-- by the personal code alone.
CREATE OR REPLACE FUNCTION paasla.hire(institution text, employee_no text, given_name text, family_name text,
    employed_from timestamptz DEFAULT now(), unit text DEFAULT NULL, "position" text DEFAULT NULL, kind text DEFAULT 'employee',
    it_admin boolean DEFAULT false, personal_code text DEFAULT NULL, manager_no text DEFAULT NULL,
    until timestamptz DEFAULT NULL, reference text DEFAULT NULL, departure_ref text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    p paasla.person;
    who bigint;
    id bigint;
    manager bigint;
    given text := paasla.clean_name(given_name);
    family text := paasla.clean_name(family_name);
BEGIN
    PERFORM paasla.hr_must_see(institution);
    IF NOT EXISTS (SELECT FROM paasla.institution i WHERE i.institution = hire.institution) THEN
        RAISE EXCEPTION 'there is no institution %', institution USING ERRCODE = 'no_data_found', HINT = 'See paasla.institution.';
    END IF;
    PERFORM paasla.check_person(employee_no, given, family, personal_code);
    manager := paasla.manager_by_no(institution, manager_no);
    who := paasla.person_by_no(institution, employee_no);
    IF who IS NULL AND personal_code IS NOT NULL THEN
        SELECT person_id INTO who FROM paasla.person x WHERE x.personal_code = hire.personal_code;
    END IF;
    IF who IS NULL THEN
        INSERT INTO paasla.person (given_name, family_name, personal_code) VALUES (given, family, personal_code)
        RETURNING person_id INTO who;
    ELSE
        SELECT * INTO p FROM paasla.person WHERE person_id = who;
        IF p.personal_code IS DISTINCT FROM coalesce(personal_code, p.personal_code)
           OR personal_code IS NULL AND (p.given_name, p.family_name) IS DISTINCT FROM (given, family) THEN
            RAISE EXCEPTION 'employee number % of % belongs to somebody else', employee_no, institution
                USING ERRCODE = 'unique_violation',
                    HINT = 'A number is one person''s for ever. For the same person after a change of name, give the personal code.';
        END IF;
        IF p.given_name <> given AND p.family_name <> family AND NOT paasla.hr_sees_person(who) THEN
            RAISE EXCEPTION 'number %: the personal code belongs to a person of another name', employee_no
                USING ERRCODE = 'unique_violation', HINT = 'Where one of the two names has changed, the other one is asked for.';
        END IF;
        IF (p.given_name, p.family_name) IS DISTINCT FROM (given, family) THEN
            RAISE NOTICE 'the person with this personal code is known as % %; number % is hired under that name', p.given_name,
                p.family_name, employee_no USING HINT = 'A new name goes into paasla.staff.';
        END IF;
        IF p.personal_code IS NULL AND personal_code IS NOT NULL THEN
            UPDATE paasla.person x SET personal_code = hire.personal_code WHERE x.person_id = who;
        END IF;
    END IF;
    INSERT INTO paasla.employee_number AS n (institution, employee_no, person_id) VALUES (institution, employee_no, who)
    ON CONFLICT DO NOTHING;
    IF paasla.person_by_no(institution, employee_no) IS DISTINCT FROM who THEN
        RAISE EXCEPTION 'employee number % of % belongs to somebody else', employee_no, institution
            USING ERRCODE = 'unique_violation', HINT = 'A number is one person''s for ever.';
    END IF;
    INSERT INTO paasla.employment (person_id, institution, employee_no, unit, "position", manager_id, kind, it_admin, period,
        hire_ref, departure_ref)
    VALUES (who, institution, employee_no, unit, "position", manager, kind,
        coalesce(it_admin, false), tstzrange(coalesce(employed_from, now()), until), reference, departure_ref)
    RETURNING employment_id INTO id;
    RETURN id;
EXCEPTION WHEN exclusion_violation THEN
    RAISE EXCEPTION 'number % is employed at % already in that time', employee_no, institution
        USING ERRCODE = 'unique_violation', HINT = 'See paasla.staff.';
END $$;

CREATE OR REPLACE FUNCTION paasla.staff_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE was paasla.employment;
BEGIN
    IF (NEW.employment_id, NEW.person_id, NEW.institution, NEW.employee_no)
       IS DISTINCT FROM (OLD.employment_id, OLD.person_id, OLD.institution, OLD.employee_no) THEN
        RAISE EXCEPTION 'number % of %: institution and number do not change', OLD.employee_no, OLD.institution
            USING HINT = 'End this employment and hire anew.';
    END IF;
    IF NEW.departed_at IS DISTINCT FROM OLD.departed_at THEN
        -- A rehired person has two rows under one number: a departure means the one that stands.
        IF OLD.departed_at <= now() AND EXISTS (SELECT FROM paasla.employment e WHERE e.institution = OLD.institution
            AND e.employee_no = OLD.employee_no AND lower(e.period) >= OLD.departed_at) THEN
            RETURN OLD;
        END IF;
        PERFORM paasla.number_is_meant(OLD.employee_no, OLD.institution);
        PERFORM paasla.say_moment(OLD.employee_no, NEW.departed_at);
    END IF;
    SELECT * INTO was FROM paasla.employment x WHERE x.employment_id = OLD.employment_id FOR UPDATE;
    was.period := tstzrange(NEW.employed_from, NULL);
    UPDATE paasla.employment SET unit = NEW.unit, "position" = NEW.position, kind = NEW.kind, it_admin = NEW.it_admin,
        departure_ref = NEW.departure_ref,
        manager_id = CASE WHEN NEW.manager_no IS DISTINCT FROM OLD.manager_no
                          THEN paasla.manager_by_no(OLD.institution, NEW.manager_no) ELSE manager_id END,
        period = CASE WHEN (NEW.employed_from, NEW.departed_at) IS DISTINCT FROM (OLD.employed_from, OLD.departed_at)
                      THEN paasla.ended_period(was, NEW.departed_at) ELSE period END
    WHERE employment_id = OLD.employment_id;
    IF (NEW.given_name, NEW.family_name, NEW.personal_code) IS DISTINCT FROM (OLD.given_name, OLD.family_name, OLD.personal_code) THEN
        PERFORM paasla.may_rename(OLD.person_id, OLD.employee_no);
        PERFORM paasla.check_person(OLD.employee_no, paasla.clean_name(NEW.given_name), paasla.clean_name(NEW.family_name), NEW.personal_code);
        UPDATE paasla.person SET given_name = paasla.clean_name(NEW.given_name), family_name = paasla.clean_name(NEW.family_name),
            personal_code = NEW.personal_code WHERE person_id = OLD.person_id;
    END IF;
    RETURN NEW;
END $$;

-- ---- what a grant rests on ----

-- As in 0009, and: an approval is used up after a week. It names a document, not whom and what it gives; as long as it held
-- for ever, a document that was approved once gave any role to anybody, its giver included.
CREATE OR REPLACE FUNCTION paasla.privileged_ok(g paasla.access_grant, what text) RETURNS void LANGUAGE plpgsql STABLE
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
    ELSIF rq.approved_at < now() - interval '7 days' THEN
        RAISE EXCEPTION '% is privileged: request % was approved on %, and is used up', what, g.reference, rq.approved_at
            USING ERRCODE = 'check_violation', HINT = 'An approval is good for seven days; file another request.';
    END IF;
END $$;

-- As in 0011, and: who files a request in somebody's name does not approve it.
CREATE OR REPLACE FUNCTION paasla.approve_request(reference text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    who bigint := audit.acting_person();
    r paasla.request;
BEGIN
    SELECT * INTO r FROM paasla.request x WHERE x.reference = reference FOR UPDATE;
    IF r.request_id IS NULL THEN
        RAISE EXCEPTION 'there is no request %', reference USING ERRCODE = 'no_data_found', HINT = 'paasla.file_request files one.';
    ELSIF who IS NULL THEN
        RAISE EXCEPTION 'nobody knows which person log-in % is', session_user
            USING HINT = 'An owner enters it: INSERT INTO paasla.db_login (role_name, person_id) ...';
    ELSIF r.requested_by = who THEN
        RAISE EXCEPTION 'request % was made by the same person', reference USING HINT = 'Somebody else has to approve it.';
    ELSIF NOT pg_has_role(session_user, 'paasla_owner', 'member') AND EXISTS (SELECT FROM audit.event v
            WHERE v.action = 'request.added' AND v.at >= r.requested_at AND v.at < r.requested_at + interval '1 day' AND v.request_id = r.request_id
              AND (v.session_role = session_user OR v.acting_person = who)) THEN
        RAISE EXCEPTION 'request % was filed by the same log-in or person', reference USING ERRCODE = 'insufficient_privilege',
            HINT = 'Whoever it was made for: somebody else has to approve it.';
    END IF;
    UPDATE paasla.request SET approved_by = who, approved_at = now() WHERE request_id = r.request_id;
END $$;

-- As in 0009, and: what grant_access asks for, a plain INSERT has to give too.
CREATE OR REPLACE FUNCTION paasla.grant_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
    IF TG_OP = 'INSERT' AND NEW.origin = 'request' AND NEW.reference IS NULL THEN
        RAISE EXCEPTION 'a grant to person % rests on no request', NEW.person_id USING ERRCODE = 'not_null_violation',
            HINT = 'A grant rests on a document: paasla.file_request(reference, requested_by_no) first.';
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

-- ---- work orders ----

-- As in 0017, and: what was added by hand is removed by hand, also when the register hangs on a directory by then.
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
    JOIN paasla.register r ON r.register_code = rr.register_code
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM paasla.work_order w WHERE w.grant_id = g.grant_id AND w.kind = 'add') AS was_asked) b
    CROSS JOIN LATERAL (SELECT coalesce(bool_or(e.it_admin), false) AS admin FROM paasla.employment e
        WHERE e.person_id = g.person_id) a
    CROSS JOIN LATERAL (
        SELECT 'add' AS kind WHERE r.route = 'manual' AND g.valid @> now() AND g.round = 0 AND g.origin <> 'adopted' -- adopted: it is there already
        -- Also when nobody was asked to add it (the route was another then), and when somebody was though the register hangs
        -- on a directory now. A backdated departure empties a grant that was in effect: what was done by hand is undone.
        UNION ALL SELECT 'remove' WHERE upper(g.valid) <= now() AND (r.route = 'manual' OR b.was_asked) OR isempty(g.valid) AND b.was_asked
    ) k
    WHERE g.grant_id = ANY (grants)
    ON CONFLICT DO NOTHING;
END $$;

-- ---- the moments of a departure ----

-- A leaver who was out and is put right again (somebody took the lock away, or added a group) was locked and out since the
-- departure: its first moments stay. Another departure has another changed_at. Not while the account is believed to be open.
CREATE FUNCTION paasla.first_moments() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.locked_at := OLD.locked_at;
    NEW.out_at := coalesce(OLD.out_at, NEW.out_at);
    RETURN NEW;
END $$;
CREATE TRIGGER account_moments BEFORE UPDATE OF locked_at, out_at ON paasla.account FOR EACH ROW
    WHEN (OLD.locked_at IS NOT NULL AND NEW.state <> 'open' AND NEW.changed_at = OLD.changed_at
          AND (NEW.locked_at, NEW.out_at) IS DISTINCT FROM (OLD.locked_at, OLD.out_at))
    EXECUTE FUNCTION paasla.first_moments();

-- ---- whose lock it is ----

-- As in 0018, and: an advisory lock is anybody's to take, so only one that a log-in of the daemon holds says that it works.
CREATE OR REPLACE FUNCTION paasla.daemon_works() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND l.classid = (123563549092961 >> 32)::oid AND l.objid = (123563549092961 & 4294967295)::oid
        AND pg_has_role(a.usesysid, 'paasla_daemon', 'member'))
$$;

-- ---- dates that nobody means ----

-- One employment that begins in the year 294276 stopped the daemon for everybody: what is due, and what lies ahead by
-- create_ahead, could not be computed any more. 20260 for 2026 is a leaver who never leaves.
CREATE FUNCTION paasla.sane_dates() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET timezone = 'Europe/Tallinn' AS $$
DECLARE
    p tstzrange;
    was tstzrange;
    odd timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'access_grant' THEN
        p := NEW.valid;
        was := CASE WHEN TG_OP = 'UPDATE' THEN OLD.valid END;
    ELSE
        p := NEW.period;
        was := CASE WHEN TG_OP = 'UPDATE' THEN OLD.period END;
    END IF;
    SELECT x.at INTO odd FROM (VALUES (lower(p), lower(was)), (upper(p), upper(was))) x (at, before)
        WHERE (x.at < '1900-01-01' OR x.at >= '2200-01-01') AND x.at IS DISTINCT FROM x.before; -- what stands is no obstacle
    IF odd IS NOT NULL THEN
        RAISE EXCEPTION 'the moment % cannot be meant', odd USING ERRCODE = 'check_violation',
            HINT = 'It has to lie between the years 1900 and 2200; what does not end has no end.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER employment_dates BEFORE INSERT OR UPDATE OF period ON paasla.employment
    FOR EACH ROW EXECUTE FUNCTION paasla.sane_dates();
CREATE TRIGGER absence_dates BEFORE INSERT OR UPDATE OF period ON paasla.absence FOR EACH ROW EXECUTE FUNCTION paasla.sane_dates();
CREATE TRIGGER grant_dates BEFORE INSERT OR UPDATE OF valid ON paasla.access_grant FOR EACH ROW EXECUTE FUNCTION paasla.sane_dates();

-- A register whose orders were due in the year 294276 let nobody depart who had a right in it.
ALTER TABLE paasla.register ADD CONSTRAINT register_due_soon CHECK (due_in <= '1 year') NOT VALID;
ALTER TABLE paasla.institution_directory ADD CONSTRAINT directory_not_far_ahead CHECK (create_ahead <= '1 year') NOT VALID;

-- ---- names that cannot be told apart ----

-- As in 0010, and: a space is a space, and one of them is enough (a table that was pasted has other ones).
CREATE OR REPLACE FUNCTION paasla.clean_name(n text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT normalize(btrim(regexp_replace(n, '[ \u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]+', ' ', 'g')), NFC) $$;

-- As in 0010, and more of what nobody can see. The constraint of the table stays as it is: names that stand are no obstacle.
CREATE OR REPLACE FUNCTION paasla.check_person(employee_no text, given text, family text, code text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE -- Arabic letter mark, Hangul fillers, Khmer and Mongolian marks, variation selectors, specials, private use, tags
    hidden text := '[\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u3164\uE000-\uF8FF\uFE00-\uFE0F\uFFA0\uFFF0-\uFFFF\U000E0000-\U0010FFFF]';
BEGIN
    IF coalesce(given, '') = '' OR coalesce(family, '') = '' THEN
        RAISE EXCEPTION 'number % has no % name', employee_no, CASE WHEN coalesce(given, '') = '' THEN 'given' ELSE 'family' END
            USING ERRCODE = 'check_violation', HINT = 'Both names are needed; who has one name only is written with it in both.';
    ELSIF NOT paasla.name_ok(given) OR NOT paasla.name_ok(family) OR given || family ~ hidden THEN
        RAISE EXCEPTION 'number %: the name % cannot be used', employee_no, quote_literal(given || ' ' || family)
            USING ERRCODE = 'check_violation', HINT = 'At most 100 characters, and none that cannot be seen.';
    ELSIF employee_no !~ '^[A-Za-z0-9._-]{1,30}$' THEN
        RAISE EXCEPTION 'employee number % cannot be used', quote_literal(employee_no)
            USING ERRCODE = 'check_violation', HINT = 'Up to 30 letters, digits, dots, hyphens and underscores.';
    ELSIF NOT paasla.personal_code_ok(code) THEN
        RAISE EXCEPTION 'number %: the personal code is wrong', employee_no -- it is not said again: it is personal
            USING ERRCODE = 'check_violation', HINT = 'An isikukood has eleven digits; the last one checks the others.';
    END IF;
END $$;

-- One group, one role, also when its DN is written in another way: ending one role would take the other's members away. As
-- far as SQL can tell: case, spaces beside separators, and escapes of characters that have a shorter one (RFC 4514).
CREATE FUNCTION paasla.dn_key(dn text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    k text := lower(dn);
    c text;
BEGIN
    FOREACH c IN ARRAY ARRAY['5c', '20', '22', '23', '2b', '2c', '3b', '3c', '3d', '3e'] LOOP
        k := replace(k, '\' || c, '\' || chr(('x' || c)::bit(8)::int));
    END LOOP;
    RETURN regexp_replace(btrim(k), '(?<!\\)\s*([,=+])\s*', '\1', 'g');
END $$;
CREATE FUNCTION paasla.group_is_new() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE other text;
BEGIN
    SELECT r.register_code || ' ' || r.role_code INTO other FROM paasla.role_group g JOIN paasla.register_role r ON r.role_id = g.role_id
        WHERE g.directory = NEW.directory AND paasla.dn_key(g.group_dn) = paasla.dn_key(NEW.group_dn) LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'group % of directory % is the group of % already', NEW.group_dn, NEW.directory, other
            USING ERRCODE = 'unique_violation', HINT = 'One group belongs to one role, however its DN is written.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER role_group_new BEFORE INSERT ON paasla.role_group FOR EACH ROW EXECUTE FUNCTION paasla.group_is_new();

-- LV-1 with number 2, and LV with number 1-2, would be one employeeNumber in the directory, which proves whose entry it is.
CREATE UNIQUE INDEX employee_number_written ON paasla.employee_number ((institution || '-' || employee_no));

-- ---- rights ----

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['paasla.hr_sees_person(bigint)', 'paasla.sees_all_staff()', 'paasla.manager_by_no(text, text)',
        'paasla.may_rename(bigint, text)', 'paasla.first_moments()', 'paasla.sane_dates()', 'paasla.dn_key(text)',
        'paasla.group_is_new()']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.hr_sees_person(bigint) TO paasla_hr; -- by the policy; of a person it says what staff says

-- The extensions were made before anything was taken from PUBLIC.
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
             WHERE p.pronamespace = 'paasla'::regnamespace LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.hmac(bytea, bytea, text) TO paasla_auditor; -- audit.commitment
GRANT EXECUTE ON FUNCTION paasla.dn_key(text) TO paasla_admin; -- by the trigger
