-- Whatever way people are written, the same rules hold: history is kept, keys stay, each change leaves its event and its
-- wake-up in the same transaction.

-- Wakes the daemon for these persons, in every directory where they have or may have accounts.
CREATE FUNCTION paasla.mark(persons bigint[], why text) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT DISTINCT d.directory, d.person_id, why FROM (
        SELECT i.directory, e.person_id FROM paasla.employment e
            JOIN paasla.institution_directory i ON i.institution = e.institution WHERE e.person_id = ANY (persons)
        UNION SELECT a.directory, a.person_id FROM paasla.account a WHERE a.person_id = ANY (persons)
    ) d
$$;

CREATE FUNCTION paasla.dirty_notify() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new) THEN -- a statement that inserted nothing must not wake anybody
        NOTIFY paasla_dirty;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dirty_notify AFTER INSERT ON paasla.dirty REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.dirty_notify();

-- A departure and a grant that pass each other must see each other. They meet at the lock on the person's row, and what
-- they read after it has to be newer than the lock: not so in the other isolation levels.
CREATE FUNCTION paasla.must_see_others() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'employments and grants are not changed in isolation level %', current_setting('transaction_isolation')
            USING ERRCODE = 'invalid_transaction_state', HINT = 'Use READ COMMITTED, the default.';
    END IF;
END $$;

CREATE FUNCTION paasla.control_notify() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM audit.append('control.asked', jsonb_build_object('directory', n.directory),
        jsonb_build_object('control_id', n.control_id, 'kind', n.kind)) FROM new n;
    NOTIFY paasla_control;
    RETURN NULL;
END $$;
CREATE TRIGGER control_notify AFTER INSERT ON paasla.control REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.control_notify();

-- ---- people ----

CREATE FUNCTION paasla.person_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM audit.append('person.created', jsonb_build_object('person_id', n.person_id), '{}',
            jsonb_build_object('name', n.given_name || ' ' || n.family_name, 'value', n.personal_code)) FROM new n;
        RETURN NULL;
    END IF;
    PERFORM audit.append('person.changed', jsonb_build_object('person_id', n.person_id), '{}',
        jsonb_build_object('name', n.given_name || ' ' || n.family_name, 'value', n.personal_code))
        FROM new n JOIN old o USING (person_id) WHERE n IS DISTINCT FROM o;
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM new), 'person');
    RETURN NULL;
END $$;
CREATE TRIGGER person_new AFTER INSERT ON paasla.person REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.person_changed();
CREATE TRIGGER person_upd AFTER UPDATE ON paasla.person REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.person_changed();

-- ---- employments ----

CREATE FUNCTION paasla.employment_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was timestamptz := upper(OLD.period);
    ends timestamptz := upper(NEW.period);
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
    IF lower(NEW.period) IS DISTINCT FROM lower(OLD.period) AND lower(OLD.period) <= now() THEN
        RAISE EXCEPTION 'employment of number % has begun on %; its beginning does not change', OLD.employee_no, lower(OLD.period)
            USING HINT = 'What was, stays.';
    END IF;
    IF ends IS DISTINCT FROM was THEN
        IF was <= now() THEN
            RAISE EXCEPTION 'employment of number % at % ended on %; an end that has passed does not change', OLD.employee_no,
                OLD.institution, was USING HINT = 'If the person is back, hire again: paasla.hire(...) or INSERT INTO paasla.staff.';
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
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER employment_guard BEFORE INSERT OR UPDATE ON paasla.employment
    FOR EACH ROW EXECUTE FUNCTION paasla.employment_guard();

-- Ends grants that rest on employments that end, and all grants of persons whose last employment ends. A grant that was
-- ended by a departure follows when that departure is moved, but never beyond the end it was given; one that was revoked
-- stays revoked. grant_guard() knows the mark 'departure!', which nobody else may write.
CREATE FUNCTION paasla.cap_grants(persons bigint[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.access_grant g
    SET valid = CASE WHEN c.ends <= lower(g.valid) THEN 'empty'::tstzrange ELSE tstzrange(lower(g.valid), c.ends) END,
        ended_by = 'departure!'
    FROM (SELECT x.grant_id, least(x.given_until, CASE WHEN x.employment_id IS NOT NULL THEN upper(e.period)
                                                       WHEN NOT l.endless THEN l.last_end END) AS ends
          FROM paasla.access_grant x
          LEFT JOIN paasla.employment e ON e.employment_id = x.employment_id
          CROSS JOIN LATERAL (SELECT bool_or(upper(y.period) IS NULL) AS endless, max(upper(y.period)) AS last_end
              FROM paasla.employment y WHERE y.person_id = x.person_id) l
          WHERE x.person_id = ANY (persons) AND NOT isempty(x.valid) AND coalesce(x.ended_by, 'departure') = 'departure') c
    WHERE g.grant_id = c.grant_id AND (upper(g.valid) IS NULL OR upper(g.valid) > now())
      AND upper(g.valid) IS DISTINCT FROM c.ends;
END $$;

CREATE FUNCTION paasla.employment_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM audit.append('employment.started', jsonb_build_object('person_id', n.person_id, 'employment_id', n.employment_id),
            jsonb_build_object('institution', n.institution, 'kind', n.kind, 'it_admin', n.it_admin, 'from', lower(n.period),
                'until', upper(n.period)), jsonb_build_object('value', n.employee_no, 'text', n.hire_ref)) FROM new n;
        PERFORM paasla.mark((SELECT array_agg(person_id) FROM new), 'hired');
        RETURN NULL;
    END IF;
    PERFORM audit.append(CASE WHEN upper(n.period) IS DISTINCT FROM upper(o.period) AND upper(n.period) IS NOT NULL
                              THEN 'employment.ended' ELSE 'employment.changed' END,
        jsonb_build_object('person_id', n.person_id, 'employment_id', n.employment_id),
        jsonb_build_object('institution', n.institution, 'kind', n.kind, 'it_admin', n.it_admin, 'from', lower(n.period),
            'until', upper(n.period), 'before_until', upper(o.period),
            'said_again', CASE WHEN n.said_again_xact IS DISTINCT FROM o.said_again_xact THEN true END,
            'backdated', CASE WHEN upper(n.period) IS DISTINCT FROM upper(o.period)
                               AND upper(n.period) < now() - interval '1 minute' THEN true END),
        jsonb_build_object('text', n.departure_ref)) FROM new n JOIN old o USING (employment_id) WHERE n IS DISTINCT FROM o;
    PERFORM paasla.cap_grants((SELECT array_agg(n.person_id) FROM new n JOIN old o USING (employment_id)
        WHERE upper(n.period) IS DISTINCT FROM upper(o.period)));
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM (SELECT n.person_id FROM new n JOIN old o USING (employment_id)
        WHERE upper(n.period) IS DISTINCT FROM upper(o.period)
           OR n.said_again_xact IS DISTINCT FROM o.said_again_xact) x), 'departed');
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM (SELECT n.person_id FROM new n JOIN old o USING (employment_id)
        WHERE n IS DISTINCT FROM o AND upper(n.period) IS NOT DISTINCT FROM upper(o.period)
          AND n.said_again_xact IS NOT DISTINCT FROM o.said_again_xact) x), 'employment');
    RETURN NULL;
END $$;
CREATE TRIGGER employment_new AFTER INSERT ON paasla.employment REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.employment_changed();
CREATE TRIGGER employment_upd AFTER UPDATE ON paasla.employment REFERENCING NEW TABLE AS new OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.employment_changed();

-- ---- absences ----

CREATE FUNCTION paasla.absence_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM audit.append('absence.' || CASE TG_OP WHEN 'INSERT' THEN 'entered' ELSE 'changed' END,
        jsonb_build_object('person_id', n.person_id), jsonb_build_object('absence_id', n.absence_id, 'from', lower(n.period),
            'until', upper(n.period), 'deputy', n.deputy_id, 'suspend', n.suspend)) FROM new n;
    PERFORM paasla.mark((SELECT array_agg(person_id) FROM new), 'absence');
    RETURN NULL;
END $$;
CREATE TRIGGER absence_new AFTER INSERT ON paasla.absence REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.absence_changed();
CREATE TRIGGER absence_upd AFTER UPDATE ON paasla.absence REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.absence_changed();

-- ---- nothing here is deleted ----

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['institution', 'person', 'employee_number', 'employment', 'absence', 'request', 'directory',
        'register', 'register_role', 'access_grant', 'work_order', 'account', 'login_name', 'membership', 'finding', 'plan',
        'plan_item', 'intent', 'control'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE OR TRUNCATE ON paasla.%I FOR EACH STATEMENT
            EXECUTE FUNCTION paasla.refuse()', t || '_stays', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['role_group', 'institution_directory', 'dirty', 'hr_scope', 'db_login'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON paasla.%I FOR EACH STATEMENT
            EXECUTE FUNCTION paasla.refuse()', t || '_stays', t);
    END LOOP;
END $$;
