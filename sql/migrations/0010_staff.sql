-- HR's view and functions. One UPDATE is the whole interface to offboarding.

-- Whether the log-in (not the function's owner) may act for an institution.
CREATE FUNCTION paasla.hr_sees(institution text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_has_role(session_user, 'paasla_owner', 'member')
        OR EXISTS (SELECT FROM paasla.hr_scope s WHERE s.role_name = session_user AND s.institution = hr_sees.institution)
$$;

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
    IF at = date_trunc('day', at) THEN
        RAISE NOTICE 'number % departs at %, the very beginning of %: the last whole day is %', employee_no, at,
            to_char(at, 'DD.MM.YYYY'), to_char(at - interval '1 hour', 'DD.MM.YYYY')
            USING HINT = 'paasla.depart(number, last_day) takes the last working day instead.';
    END IF;
END $$;

CREATE FUNCTION paasla.person_by_no(institution text, no text) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT person_id FROM paasla.employee_number n WHERE n.institution = person_by_no.institution AND n.employee_no = no
$$;

CREATE FUNCTION paasla.hire(institution text, employee_no text, given_name text, family_name text,
    employed_from timestamptz DEFAULT now(), unit text DEFAULT NULL, "position" text DEFAULT NULL, kind text DEFAULT 'employee',
    it_admin boolean DEFAULT false, personal_code text DEFAULT NULL, manager_no text DEFAULT NULL,
    until timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    p paasla.person;
    who bigint;
    id bigint;
    given text := paasla.clean_name(given_name);
    family text := paasla.clean_name(family_name);
BEGIN
    IF NOT paasla.hr_sees(institution) THEN
        RAISE EXCEPTION 'log-in % does not act for institution %', session_user, coalesce(institution, '(none)')
            USING ERRCODE = 'insufficient_privilege', HINT = 'paasla.hr_scope says which log-in sees which institution.';
    END IF;
    IF coalesce(given, '') = '' OR coalesce(family, '') = '' THEN
        RAISE EXCEPTION 'number % has no % name', employee_no, CASE WHEN coalesce(given, '') = '' THEN 'given' ELSE 'family' END
            USING ERRCODE = 'check_violation', HINT = 'Both names are needed; who has one name only is written with it in both.';
    END IF;
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
    END IF;
    INSERT INTO paasla.employee_number AS n (institution, employee_no, person_id) VALUES (institution, employee_no, who)
    ON CONFLICT DO NOTHING;
    IF paasla.person_by_no(institution, employee_no) IS DISTINCT FROM who THEN
        RAISE EXCEPTION 'employee number % of % belongs to somebody else', employee_no, institution
            USING ERRCODE = 'unique_violation', HINT = 'A number is one person''s for ever.';
    END IF;
    INSERT INTO paasla.employment (person_id, institution, employee_no, unit, "position", manager_id, kind, it_admin, period)
    VALUES (who, institution, employee_no, unit, "position", paasla.person_by_no(institution, manager_no), kind,
        coalesce(it_admin, false), tstzrange(coalesce(employed_from, now()), until))
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
        NEW.unit, NEW.position, coalesce(NEW.kind, 'employee'), NEW.it_admin, NEW.personal_code, NEW.manager_no, NEW.departed_at);
    SELECT person_id INTO NEW.person_id FROM paasla.employment WHERE employment_id = NEW.employment_id;
    RETURN NEW;
END $$;
CREATE TRIGGER staff_insert INSTEAD OF INSERT ON paasla.staff FOR EACH ROW EXECUTE FUNCTION paasla.staff_insert();

CREATE FUNCTION paasla.staff_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE other text;
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
        SELECT e.institution INTO other FROM paasla.employment e WHERE e.employee_no = OLD.employee_no
            AND e.institution <> OLD.institution AND e.ended_stmt = statement_timestamp() AND e.ended_xact = pg_current_xact_id();
        IF other IS NOT NULL THEN
            RAISE EXCEPTION 'employee number % is used by two institutions, % and %', OLD.employee_no, other, OLD.institution
                USING HINT = format('Name the institution: ... WHERE employee_no = %L AND institution = %L', OLD.employee_no, OLD.institution);
        END IF;
        PERFORM paasla.say_moment(OLD.employee_no, NEW.departed_at);
    END IF;
    UPDATE paasla.employment SET unit = NEW.unit, "position" = NEW.position, kind = NEW.kind, it_admin = NEW.it_admin,
        departure_ref = NEW.departure_ref,
        manager_id = CASE WHEN NEW.manager_no IS DISTINCT FROM OLD.manager_no
                          THEN paasla.person_by_no(OLD.institution, NEW.manager_no) ELSE manager_id END,
        period = tstzrange(NEW.employed_from, NEW.departed_at)
    WHERE employment_id = OLD.employment_id;
    IF (NEW.given_name, NEW.family_name, NEW.personal_code) IS DISTINCT FROM (OLD.given_name, OLD.family_name, OLD.personal_code) THEN
        UPDATE paasla.person SET given_name = paasla.clean_name(NEW.given_name), family_name = paasla.clean_name(NEW.family_name),
            personal_code = NEW.personal_code WHERE person_id = OLD.person_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER staff_update INSTEAD OF UPDATE ON paasla.staff FOR EACH ROW EXECUTE FUNCTION paasla.staff_update();
CREATE TRIGGER staff_delete INSTEAD OF DELETE ON paasla.staff FOR EACH ROW
    EXECUTE FUNCTION paasla.refuse('Mark the departure: UPDATE paasla.staff SET departed_at = now(), departure_ref = ...');

-- The one employment that a number means now. Institution NULL: only if there is just one that the log-in sees.
CREATE FUNCTION paasla.find_employment(no text, inst text) RETURNS paasla.employment LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment;
    places text;
    n int;
BEGIN
    SELECT count(DISTINCT x.institution), string_agg(DISTINCT x.institution, ', ') INTO n, places FROM paasla.employment x
        WHERE x.employee_no = no AND (inst IS NULL OR x.institution = inst);
    IF n = 0 THEN
        RAISE EXCEPTION 'nobody has employee number %', no || coalesce(' at ' || inst, '')
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.staff.';
    ELSIF n > 1 THEN
        RAISE EXCEPTION 'employee number % is used by %', no, places USING ERRCODE = 'ambiguous_parameter', HINT = 'Name the institution.';
    END IF;
    SELECT * INTO e FROM paasla.employment x WHERE x.employee_no = no AND (inst IS NULL OR x.institution = inst)
        ORDER BY lower(x.period) DESC LIMIT 1;
    RETURN e;
END $$;

CREATE FUNCTION paasla.depart(employee_no text, last_day date DEFAULT NULL, reference text DEFAULT NULL,
    institution text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    at timestamptz := CASE WHEN last_day IS NULL THEN now() ELSE (last_day + 1)::timestamp AT TIME ZONE 'Europe/Tallinn' END;
BEGIN
    IF NOT paasla.hr_sees(e.institution) THEN
        RAISE EXCEPTION 'log-in % does not act for institution %', session_user, e.institution
            USING ERRCODE = 'insufficient_privilege', HINT = 'paasla.hr_scope says which log-in sees which institution.';
    END IF;
    IF upper(e.period) <= now() THEN
        RAISE NOTICE 'number % departed on % already; the daemon is told once more', employee_no, upper(e.period);
        PERFORM paasla.mark(ARRAY[e.person_id], 'departed'); -- named by itself: a held list does not hold it up
        RETURN upper(e.period);
    END IF;
    UPDATE paasla.employment x SET period = tstzrange(lower(x.period), depart.at2), departure_ref = coalesce(reference, x.departure_ref)
    FROM (SELECT at AS at2) depart WHERE x.employment_id = e.employment_id;
    RETURN at;
END $$;
