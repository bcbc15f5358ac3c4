-- Registers, roles, groups, directories, requests: an event for each change, and a wake-up for everybody it touches.

CREATE FUNCTION paasla.holders(roles int[]) RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(DISTINCT person_id) FROM (
        SELECT person_id FROM paasla.access_grant WHERE role_id = ANY (roles) AND valid @> now()
        UNION SELECT a.person_id FROM paasla.membership m JOIN paasla.account a ON a.account_id = m.account_id
            JOIN paasla.role_group rg ON rg.role_group_id = m.role_group_id
            WHERE rg.role_id = ANY (roles) AND m.present AND a.person_id IS NOT NULL) x
$$;

-- One event for each row of `new`; the keys that the event has columns for go there, the rest into the detail. Names,
-- contacts, DNs and notes are personal or may be, so they are openings.
CREATE FUNCTION paasla.register_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    r record;
    j jsonb;
    verb text := CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END;
    ids text[] := ARRAY['register_code', 'role_id', 'role_group_id', 'directory', 'request_id', 'person_id'];
    private text[] := ARRAY['name', 'contact', 'owner_id', 'group_dn', 'note', 'reference', 'requested_by', 'approved_by',
                            'document_sha256', 'identity'];
BEGIN
    FOR r IN SELECT * FROM changed LOOP
        j := to_jsonb(r);
        PERFORM audit.append(TG_ARGV[0] || '.' || verb,
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(j) WHERE key = ANY (ids)),
            j - ids - private,
            jsonb_build_object('value', (SELECT jsonb_object_agg(key, value) FROM jsonb_each(jsonb_strip_nulls(j))
                                         WHERE key = ANY (private))::text));
        IF TG_ARGV[0] IN ('role', 'role_group') THEN
            PERFORM paasla.mark(paasla.holders(ARRAY[(j->>'role_id')::int]), 'role');
        END IF;
    END LOOP;
    IF TG_ARGV[0] IN ('directory', 'institution_directory') THEN
        FOR r IN SELECT DISTINCT to_jsonb(c)->>'directory' AS d FROM changed c LOOP
            INSERT INTO paasla.dirty (directory, person_id, cause)
            SELECT r.d, person_id, 'directory' FROM paasla.wanted_account WHERE directory = r.d AND purpose = 'personal';
        END LOOP;
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    t text[];
    op text;
BEGIN
    FOREACH t SLICE 1 IN ARRAY ARRAY[['register', 'register'], ['register_role', 'role'], ['role_group', 'role_group'],
        ['directory', 'directory'], ['institution_directory', 'institution_directory'], ['request', 'request'],
        ['institution', 'institution'], ['hr_scope', 'hr_scope'], ['db_login', 'db_login']] LOOP
        FOREACH op IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            CONTINUE WHEN t[1] = 'directory' AND op = 'UPDATE'; -- the daemon notes compares there: see below
            EXECUTE format('CREATE TRIGGER %I AFTER %s ON paasla.%I REFERENCING %s TABLE AS changed FOR EACH STATEMENT
                EXECUTE FUNCTION paasla.register_changed(%L)', t[1] || '_' || lower(op), op, t[1],
                CASE op WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END, t[2]);
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION paasla.directory_updated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM audit.append('directory.changed', jsonb_build_object('directory', n.directory),
        jsonb_build_object('mode', n.mode, 'before', o.mode, 'dialect', n.dialect))
        FROM changed n JOIN old o USING (directory) WHERE (n.mode, n.dialect) IS DISTINCT FROM (o.mode, o.dialect);
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT w.directory, w.person_id, 'directory' FROM changed n JOIN old o USING (directory)
        JOIN paasla.wanted_account w ON w.directory = n.directory AND w.purpose = 'personal' WHERE n.mode IS DISTINCT FROM o.mode;
    RETURN NULL;
END $$;
CREATE TRIGGER directory_update AFTER UPDATE ON paasla.directory REFERENCING NEW TABLE AS changed OLD TABLE AS old
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.directory_updated();

-- Keys and what a decision rested on do not change afterwards.
CREATE FUNCTION paasla.keys_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE k text;
BEGIN
    FOREACH k IN ARRAY TG_ARGV LOOP
        IF to_jsonb(NEW)->k IS DISTINCT FROM to_jsonb(OLD)->k THEN
            RAISE EXCEPTION '%.%: % does not change (it is %)', TG_TABLE_SCHEMA, TG_TABLE_NAME, k, to_jsonb(OLD)->>k
                USING HINT = 'Make a new row.';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER person_keys BEFORE UPDATE ON paasla.person FOR EACH ROW EXECUTE FUNCTION paasla.keys_stay('person_id', 'created_at');
CREATE TRIGGER account_keys BEFORE UPDATE ON paasla.account FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('account_id', 'person_id', 'directory', 'purpose', 'login');
CREATE TRIGGER intent_keys BEFORE UPDATE ON paasla.intent FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('intent_id', 'account_id', 'role_group_id', 'op', 'at');
CREATE TRIGGER register_keys BEFORE UPDATE ON paasla.register FOR EACH ROW EXECUTE FUNCTION paasla.keys_stay('register_code');
CREATE TRIGGER role_keys BEFORE UPDATE ON paasla.register_role FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('role_id', 'register_code', 'role_code');
CREATE TRIGGER role_group_keys BEFORE UPDATE ON paasla.role_group FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('role_group_id', 'role_id', 'directory', 'group_dn', 'purpose');
CREATE TRIGGER directory_keys BEFORE UPDATE ON paasla.directory FOR EACH ROW EXECUTE FUNCTION paasla.keys_stay('directory');
CREATE TRIGGER institution_keys BEFORE UPDATE ON paasla.institution FOR EACH ROW EXECUTE FUNCTION paasla.keys_stay('institution');
CREATE TRIGGER number_keys BEFORE UPDATE ON paasla.employee_number FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('institution', 'employee_no', 'person_id');
CREATE TRIGGER absence_keys BEFORE UPDATE ON paasla.absence FOR EACH ROW EXECUTE FUNCTION paasla.keys_stay('absence_id', 'person_id');
CREATE TRIGGER login_keys BEFORE UPDATE ON paasla.login_name FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('login', 'person_id', 'purpose', 'reserved_at');
CREATE TRIGGER request_keys BEFORE UPDATE ON paasla.request FOR EACH ROW
    EXECUTE FUNCTION paasla.keys_stay('request_id', 'reference', 'requested_by', 'requested_at', 'document_sha256');

-- An approval is given once, by a person with a log-in of their own.
CREATE FUNCTION paasla.request_approval() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.approved_by IS NOT NULL AND (NEW.approved_by, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at) THEN
        RAISE EXCEPTION 'request % is approved already', OLD.reference USING HINT = 'An approval does not change.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_approval BEFORE UPDATE ON paasla.request FOR EACH ROW EXECUTE FUNCTION paasla.request_approval();
