-- People and why they may be here. Keys are surrogate integers; names are stored in NFC as HR wrote them.

CREATE FUNCTION paasla.name_ok(n text) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT n IS NFC NORMALIZED AND n = btrim(n) AND n <> '' AND length(n) <= 100
        AND n !~ '[[:cntrl:]\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]' $$; -- nor what one cannot see

-- Isikukood (EVS 585:2007): eleven digits, the last a check digit of two stages.
CREATE FUNCTION paasla.personal_code_ok(code text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s1 int := 0;
    s2 int := 0;
    d int;
BEGIN
    IF code !~ '^[1-8][0-9]{10}$' THEN
        RETURN false;
    END IF;
    FOR i IN 1..10 LOOP
        d := substr(code, i, 1)::int;
        s1 := s1 + d * ((i - 1) % 9 + 1);
        s2 := s2 + d * ((i + 1) % 9 + 1);
    END LOOP;
    d := CASE WHEN s1 % 11 < 10 THEN s1 % 11 WHEN s2 % 11 < 10 THEN s2 % 11 ELSE 0 END;
    RETURN d = substr(code, 11, 1)::int AND to_char(to_date(
        CASE WHEN substr(code, 1, 1)::int <= 2 THEN '18' WHEN substr(code, 1, 1)::int <= 4 THEN '19'
             WHEN substr(code, 1, 1)::int <= 6 THEN '20' ELSE '21' END || substr(code, 2, 6), 'YYYYMMDD'), 'YYMMDD')
        = substr(code, 2, 6);
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN false;
END $$;

CREATE TABLE paasla.institution (
    institution text COLLATE "C" PRIMARY KEY CHECK (institution ~ '^[A-Za-z0-9_-]{1,20}$'),
    name        text NOT NULL CHECK (paasla.name_ok(name))
);

CREATE TABLE paasla.hr_scope ( -- which institutions an HR log-in sees
    role_name   name NOT NULL,
    institution text COLLATE "C" NOT NULL REFERENCES paasla.institution,
    PRIMARY KEY (role_name, institution)
);

CREATE TABLE paasla.person (
    person_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    given_name    text NOT NULL CONSTRAINT person_given_name CHECK (paasla.name_ok(given_name)),
    family_name   text NOT NULL CONSTRAINT person_family_name CHECK (paasla.name_ok(family_name)),
    personal_code text COLLATE "C" UNIQUE CONSTRAINT person_personal_code CHECK (paasla.personal_code_ok(personal_code)),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE paasla.db_login ADD FOREIGN KEY (person_id) REFERENCES paasla.person;

-- An employee number is one person's for ever: the key that two sessions cannot both take.
CREATE TABLE paasla.employee_number (
    institution text COLLATE "C" NOT NULL REFERENCES paasla.institution,
    employee_no text COLLATE "C" NOT NULL CHECK (employee_no ~ '^[A-Za-z0-9._-]{1,30}$'),
    person_id   bigint NOT NULL REFERENCES paasla.person,
    PRIMARY KEY (institution, employee_no),
    UNIQUE (institution, employee_no, person_id)
);

CREATE TABLE paasla.employment (
    employment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id     bigint NOT NULL REFERENCES paasla.person,
    institution   text COLLATE "C" NOT NULL,
    employee_no   text COLLATE "C" NOT NULL,
    unit          text,
    position      text,
    manager_id    bigint REFERENCES paasla.person,
    kind          text NOT NULL DEFAULT 'employee' CHECK (kind IN ('official', 'employee', 'external', 'trainee', 'elected')),
    it_admin      boolean NOT NULL DEFAULT false,
    was_it_admin  boolean NOT NULL DEFAULT false, -- once true, always: the administrator's account must be closed then
    period        tstzrange NOT NULL CHECK (NOT isempty(period) AND lower(period) IS NOT NULL AND lower_inc(period)
                                            AND NOT upper_inc(period) AND isfinite(lower(period))
                                            AND (upper(period) IS NULL OR isfinite(upper(period)))),
    hire_ref      text, -- the documents that the beginning and the end rest on
    departure_ref text,
    ended_xact    xid8,        -- the transaction that set the end: how many it ended tells a list from a named leaver
    ended_stmt    timestamptz, -- and when it said so
    said_again_xact xid8,      -- the newest transaction that said a departure once more: counted in the same way
    FOREIGN KEY (institution, employee_no, person_id)
        REFERENCES paasla.employee_number (institution, employee_no, person_id),
    CONSTRAINT employment_number_once EXCLUDE USING gist
        (institution WITH =, employee_no WITH =, period WITH &&)
);
CREATE INDEX employment_person ON paasla.employment (person_id);
CREATE INDEX employment_starts ON paasla.employment (lower(period));
CREATE INDEX employment_ends ON paasla.employment (upper(period)) WHERE upper(period) IS NOT NULL;
CREATE INDEX employment_ended_xact ON paasla.employment (ended_xact) WHERE ended_xact IS NOT NULL;
CREATE INDEX employment_said_again ON paasla.employment (said_again_xact) WHERE said_again_xact IS NOT NULL;
CREATE INDEX employment_number ON paasla.employment (employee_no);

CREATE TABLE paasla.absence (
    absence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  bigint NOT NULL REFERENCES paasla.person,
    period     tstzrange NOT NULL CHECK (NOT isempty(period) AND lower(period) IS NOT NULL AND isfinite(lower(period))
                                         AND (upper(period) IS NULL OR isfinite(upper(period)))),
    deputy_id  bigint REFERENCES paasla.person CHECK (deputy_id <> person_id),
    suspend    boolean NOT NULL DEFAULT false -- true: the account is locked for the time; why stays HR's secret
);
CREATE INDEX absence_person ON paasla.absence (person_id);

CREATE TABLE paasla.request ( -- what a change rests on
    request_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference       text NOT NULL UNIQUE CHECK (reference = btrim(reference) AND reference <> '' AND length(reference) <= 60),
    requested_by    bigint REFERENCES paasla.person,
    requested_at    timestamptz NOT NULL DEFAULT now(),
    document_sha256 bytea CHECK (octet_length(document_sha256) = 32),
    approved_by     bigint REFERENCES paasla.person,
    approved_at     timestamptz,
    note            text,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT request_four_eyes CHECK (approved_by <> requested_by)
);
