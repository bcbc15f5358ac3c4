-- HR's view and functions. One UPDATE is the whole interface to offboarding.

-- Whether the log-in (not the function's owner) may act for an institution.
CREATE FUNCTION paasla.hr_sees(institution text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_has_role(session_user, 'paasla_owner', 'member')
        OR EXISTS (SELECT FROM paasla.hr_scope s WHERE s.role_name = session_user AND s.institution = hr_sees.institution)
$$;

CREATE FUNCTION paasla.hr_must_see(institution text) RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT paasla.hr_sees(institution) THEN
        RAISE EXCEPTION 'log-in % does not act for institution %', session_user, coalesce(institution, '(none)')
            USING ERRCODE = 'insufficient_privilege', HINT = 'paasla.hr_scope says which log-in sees which institution.';
    END IF;
END $$;

CREATE FUNCTION paasla.clean_name(n text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT normalize(btrim(n), NFC) $$;

CREATE VIEW paasla.staff WITH (security_barrier) AS
    SELECT e.institution, e.employee_no, p.given_name, p.family_name, e.unit, e.position, lower(e.period) AS employed_from,
        upper(e.period) AS departed_at, e.departure_ref, e.kind, e.it_admin, p.personal_code,
        (SELECT m.employee_no FROM paasla.employment m WHERE m.person_id = e.manager_id AND m.institution = e.institution
            ORDER BY lower(m.period) DESC LIMIT 1) AS manager_no,
        e.person_id, e.employment_id
    FROM paasla.employment e JOIN paasla.person p ON p.person_id = e.person_id
    WHERE paasla.hr_sees(e.institution);

-- The moment that a date or time means for a departure, said where it could be misread.
CREATE FUNCTION paasla.say_moment(employee_no text, at timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'Europe/Tallinn' AS $$
BEGIN
    IF NOT isfinite(at) THEN
        RAISE EXCEPTION 'number % cannot depart at %', employee_no, at
            USING ERRCODE = 'check_violation', HINT = 'Who does not depart has departed_at = NULL.';
    ELSIF at = date_trunc('day', at) THEN
        RAISE NOTICE 'number % departs at %, the very beginning of %: the last whole day is %', employee_no, at,
            to_char(at, 'DD.MM.YYYY'), to_char(at - interval '1 hour', 'DD.MM.YYYY')
            USING HINT = 'paasla.depart(number, last_day) takes the last working day instead.';
    END IF;
END $$;

CREATE FUNCTION paasla.person_by_no(institution text, no text) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT person_id FROM paasla.employee_number n WHERE n.institution = person_by_no.institution AND n.employee_no = no
$$;

-- What HR typed, refused in a sentence before a constraint does it in its own words.
CREATE FUNCTION paasla.check_person(employee_no text, given text, family text, code text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(given, '') = '' OR coalesce(family, '') = '' THEN
        RAISE EXCEPTION 'number % has no % name', employee_no, CASE WHEN coalesce(given, '') = '' THEN 'given' ELSE 'family' END
            USING ERRCODE = 'check_violation', HINT = 'Both names are needed; who has one name only is written with it in both.';
    ELSIF NOT paasla.name_ok(given) OR NOT paasla.name_ok(family) THEN
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

CREATE FUNCTION paasla.hire(institution text, employee_no text, given_name text, family_name text,
    employed_from timestamptz DEFAULT now(), unit text DEFAULT NULL, "position" text DEFAULT NULL, kind text DEFAULT 'employee',
    it_admin boolean DEFAULT false, personal_code text DEFAULT NULL, manager_no text DEFAULT NULL,
    until timestamptz DEFAULT NULL, reference text DEFAULT NULL, departure_ref text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    p paasla.person;
    who bigint;
    id bigint;
    given text := paasla.clean_name(given_name);
    family text := paasla.clean_name(family_name);
BEGIN
    PERFORM paasla.hr_must_see(institution);
    IF NOT EXISTS (SELECT FROM paasla.institution i WHERE i.institution = hire.institution) THEN
        RAISE EXCEPTION 'there is no institution %', institution USING ERRCODE = 'no_data_found', HINT = 'See paasla.institution.';
    END IF;
    PERFORM paasla.check_person(employee_no, given, family, personal_code);
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
    VALUES (who, institution, employee_no, unit, "position", paasla.person_by_no(institution, manager_no), kind,
        coalesce(it_admin, false), tstzrange(coalesce(employed_from, now()), until), reference, departure_ref)
    RETURNING employment_id INTO id;
    RETURN id;
EXCEPTION WHEN exclusion_violation THEN
    RAISE EXCEPTION 'number % is employed at % already in that time', employee_no, institution
        USING ERRCODE = 'unique_violation', HINT = 'See paasla.staff.';
END $$;

CREATE FUNCTION paasla.staff_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.employment_id := paasla.hire(NEW.institution, NEW.employee_no, NEW.given_name, NEW.family_name, NEW.employed_from,
        NEW.unit, NEW.position, coalesce(NEW.kind, 'employee'), NEW.it_admin, NEW.personal_code, NEW.manager_no, NEW.departed_at,
        NULL, NEW.departure_ref);
    SELECT person_id INTO NEW.person_id FROM paasla.employment WHERE employment_id = NEW.employment_id;
    RETURN NEW;
END $$;
CREATE TRIGGER staff_insert INSTEAD OF INSERT ON paasla.staff FOR EACH ROW EXECUTE FUNCTION paasla.staff_insert();

-- Where an employment ends that is to end at a moment. One that has not begun is called off: it becomes an instant that
-- is over, so that nothing is got ready for it any more.
CREATE FUNCTION paasla.ended_period(e paasla.employment, at timestamptz) RETURNS tstzrange LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tick interval := '1 microsecond';
    free timestamptz; -- the number may be in use until then
BEGIN
    IF at IS NULL OR at > lower(e.period) THEN
        RETURN tstzrange(lower(e.period), at);
    ELSIF lower(e.period) <= now() THEN
        RAISE EXCEPTION 'employment of number % began on %; it cannot end at %, before that', e.employee_no, lower(e.period), at
            USING ERRCODE = 'check_violation', HINT = 'The last day cannot be before the first.';
    END IF;
    RAISE NOTICE 'number % was to begin on %: the arrival is called off', e.employee_no, lower(e.period);
    SELECT greatest(max(upper(x.period)), now() - tick) INTO free FROM paasla.employment x
        WHERE x.institution = e.institution AND x.employee_no = e.employee_no AND x.employment_id <> e.employment_id
          AND upper(x.period) <= lower(e.period);
    RETURN tstzrange(free, free + tick);
END $$;

-- Which numbers one UPDATE of the view has ended so far: a number that two institutions use has to be said with its own.
CREATE FUNCTION paasla.staff_statement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('paasla.staff_ended', '', true);
    RETURN NULL;
END $$;

CREATE FUNCTION paasla.number_is_meant(no text, inst text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended text := current_setting('paasla.staff_ended', true);
    other text;
BEGIN
    IF NOT EXISTS (SELECT FROM paasla.employment e WHERE e.employee_no = no AND e.institution <> inst) THEN
        RETURN;
    END IF;
    SELECT split_part(x, '@', 2) INTO other FROM string_to_table(ended, ' ') x
        WHERE split_part(x, '@', 1) = no AND split_part(x, '@', 2) <> inst;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'employee number % is used by two institutions, % and %', no, other, inst
            USING ERRCODE = 'ambiguous_parameter',
                HINT = format('Name the institution: ... WHERE employee_no = %L AND institution = %L', no, inst);
    END IF;
    PERFORM set_config('paasla.staff_ended', concat_ws(' ', nullif(ended, ''), no || '@' || inst), true);
END $$;

CREATE FUNCTION paasla.staff_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
                          THEN paasla.person_by_no(OLD.institution, NEW.manager_no) ELSE manager_id END,
        period = CASE WHEN (NEW.employed_from, NEW.departed_at) IS DISTINCT FROM (OLD.employed_from, OLD.departed_at)
                      THEN paasla.ended_period(was, NEW.departed_at) ELSE period END
    WHERE employment_id = OLD.employment_id;
    IF (NEW.given_name, NEW.family_name, NEW.personal_code) IS DISTINCT FROM (OLD.given_name, OLD.family_name, OLD.personal_code) THEN
        PERFORM paasla.check_person(OLD.employee_no, paasla.clean_name(NEW.given_name), paasla.clean_name(NEW.family_name), NEW.personal_code);
        UPDATE paasla.person SET given_name = paasla.clean_name(NEW.given_name), family_name = paasla.clean_name(NEW.family_name),
            personal_code = NEW.personal_code WHERE person_id = OLD.person_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER staff_update INSTEAD OF UPDATE ON paasla.staff FOR EACH ROW EXECUTE FUNCTION paasla.staff_update();
CREATE TRIGGER staff_statement BEFORE UPDATE ON paasla.staff FOR EACH STATEMENT EXECUTE FUNCTION paasla.staff_statement();
CREATE TRIGGER staff_delete INSTEAD OF DELETE ON paasla.staff FOR EACH ROW
    EXECUTE FUNCTION paasla.refuse('Mark the departure: UPDATE paasla.staff SET departed_at = now(), departure_ref = ...');

-- The one employment that a number means now: the one that lasts, else the next to begin, else the last one. Institution
-- NULL: only if the number is used by one; for a log-in of HR, by one of those that it sees.
CREATE FUNCTION paasla.find_employment(no text, inst text) RETURNS paasla.employment LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment;
    places text[];
BEGIN
    SELECT array_agg(DISTINCT x.institution ORDER BY x.institution) INTO places FROM paasla.employment x
        WHERE x.employee_no = no AND (inst IS NULL OR x.institution = inst);
    IF places IS NULL THEN
        RAISE EXCEPTION 'nobody has employee number %', coalesce(no, '(none)') || coalesce(' at ' || inst, '')
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.staff.';
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

-- ---- absences: HR's, and only of its own institutions; why somebody is absent is not asked ----

CREATE VIEW paasla.absences WITH (security_barrier) AS
    SELECT a.absence_id, e.institution, e.employee_no, a.period, a.suspend, a.deputy_id, a.person_id
    FROM paasla.absence a JOIN paasla.employment e ON e.person_id = a.person_id
    WHERE paasla.hr_sees(e.institution);

-- Whole days, both included; last_day NULL: until it is known. suspend: the account is locked for that time.
CREATE FUNCTION paasla.absent(employee_no text, first_day date, last_day date DEFAULT NULL, deputy_no text DEFAULT NULL,
    suspend boolean DEFAULT false, institution text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    deputy bigint := paasla.person_by_no(e.institution, deputy_no);
    id bigint;
BEGIN
    PERFORM paasla.hr_must_see(e.institution);
    IF deputy_no IS NOT NULL AND deputy IS NULL THEN
        RAISE EXCEPTION 'nobody has employee number % at %, so nobody can stand in for %', deputy_no, e.institution, employee_no
            USING ERRCODE = 'no_data_found', HINT = 'The deputy is named by a number of the same institution.';
    ELSIF last_day < first_day THEN
        RAISE EXCEPTION 'an absence of number % from % to % ends before it begins', employee_no, first_day, last_day
            USING ERRCODE = 'check_violation', HINT = 'Both days are included.';
    END IF;
    INSERT INTO paasla.absence (person_id, period, deputy_id, suspend)
    VALUES (e.person_id, tstzrange(first_day::timestamp AT TIME ZONE 'Europe/Tallinn',
        (last_day + 1)::timestamp AT TIME ZONE 'Europe/Tallinn'), deputy, suspend) RETURNING absence_id INTO id;
    RETURN id;
END $$;

-- The person is back: with the end of that day, or now. One that has not begun is taken back whole.
CREATE FUNCTION paasla.end_absence(absence bigint, last_day date DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a paasla.absence;
    at timestamptz := coalesce((last_day + 1)::timestamp AT TIME ZONE 'Europe/Tallinn', now());
BEGIN
    SELECT * INTO a FROM paasla.absence x WHERE x.absence_id = absence FOR UPDATE;
    IF a.absence_id IS NULL OR NOT EXISTS (SELECT FROM paasla.employment e WHERE e.person_id = a.person_id
                                           AND paasla.hr_sees(e.institution)) THEN
        RAISE EXCEPTION 'there is no absence % that log-in % sees', absence, session_user
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.absences.';
    ELSIF upper(a.period) <= now() THEN
        RAISE EXCEPTION 'absence % ended on %', absence, upper(a.period) USING HINT = 'What was, stays.';
    ELSIF at < now() THEN
        RAISE EXCEPTION 'absence % cannot end on %, which has passed', absence, last_day USING HINT = 'Leave the day out: it ends now.';
    END IF;
    UPDATE paasla.absence x SET suspend = x.suspend AND lower(x.period) < at,
        period = CASE WHEN lower(x.period) < at THEN tstzrange(lower(x.period), at)
                      ELSE tstzrange(lower(x.period), lower(x.period) + interval '1 microsecond') END
    WHERE x.absence_id = absence;
    RETURN at;
END $$;

-- The end of `last_day` in Tallinn, or now. Ends what lasts and calls off what has not begun under that number.
CREATE FUNCTION paasla.depart(employee_no text, last_day date DEFAULT NULL, reference text DEFAULT NULL,
    institution text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    at timestamptz := CASE WHEN last_day IS NULL THEN now() ELSE (last_day + 1)::timestamp AT TIME ZONE 'Europe/Tallinn' END;
BEGIN
    PERFORM paasla.hr_must_see(e.institution);
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
