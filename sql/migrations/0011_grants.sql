-- Requests, grants, work orders, plans: what people do. Each function is for one role (0013_rights.sql).

CREATE FUNCTION paasla.file_request(reference text, requested_by_no text DEFAULT NULL, document_sha256 bytea DEFAULT NULL,
    note text DEFAULT NULL, institution text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    id bigint;
    e paasla.employment;
BEGIN
    IF requested_by_no IS NOT NULL THEN
        e := paasla.find_employment(requested_by_no, institution);
    END IF;
    INSERT INTO paasla.request (reference, requested_by, document_sha256, note)
    VALUES (btrim(reference), coalesce(e.person_id, audit.acting_person()), document_sha256, note) RETURNING request_id INTO id;
    RETURN id;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'request % is filed already', reference USING ERRCODE = 'unique_violation', HINT = 'A document number is used once.';
END $$;

CREATE FUNCTION paasla.approve_request(reference text) RETURNS void
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
    END IF;
    UPDATE paasla.request SET approved_by = who, approved_at = now() WHERE request_id = r.request_id;
END $$;

CREATE FUNCTION paasla.role_by_code(register text, role text) RETURNS int LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id int;
    have text;
BEGIN
    SELECT role_id INTO id FROM paasla.register_role WHERE register_code = register AND role_code = role;
    IF id IS NULL THEN
        SELECT string_agg(role_code, ', ' ORDER BY role_code) INTO have FROM paasla.register_role WHERE register_code = register;
        RAISE EXCEPTION 'register % has no role %', register, role USING ERRCODE = 'no_data_found',
            HINT = coalesce('Its roles: ' || have, 'There is no such register; see paasla.register.');
    END IF;
    RETURN id;
END $$;

CREATE FUNCTION paasla.grant_access(employee_no text, register text, role text, reference text, reason text DEFAULT NULL,
    valid_until timestamptz DEFAULT NULL, valid_from timestamptz DEFAULT NULL, institution text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    id bigint;
BEGIN
    IF reference IS NULL OR NOT EXISTS (SELECT FROM paasla.request r WHERE r.reference = reference) THEN
        RAISE EXCEPTION 'there is no request %', coalesce(reference, '(none)') USING ERRCODE = 'foreign_key_violation',
            HINT = 'A grant rests on a document: paasla.file_request(reference, requested_by_no) first.';
    END IF;
    INSERT INTO paasla.access_grant (person_id, role_id, employment_id, valid, reference, reason)
    VALUES (e.person_id, paasla.role_by_code(register, role), e.employment_id,
        tstzrange(coalesce(valid_from, now()), valid_until), reference, reason) RETURNING grant_id INTO id;
    RETURN id;
EXCEPTION WHEN exclusion_violation THEN
    RAISE EXCEPTION 'number % has % % already in that time', employee_no, register, role
        USING ERRCODE = 'unique_violation', HINT = 'See paasla.matrix; end the standing grant first.';
END $$;

CREATE FUNCTION paasla.revoke_access(employee_no text, register text, role text, reference text DEFAULT NULL,
    institution text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e paasla.employment := paasla.find_employment(employee_no, institution);
    r int := paasla.role_by_code(register, role);
    n int;
BEGIN
    UPDATE paasla.access_grant g SET ended_by = 'revoke',
        valid = CASE WHEN lower(g.valid) >= now() THEN 'empty'::tstzrange ELSE tstzrange(lower(g.valid), now()) END
    WHERE g.person_id = e.person_id AND g.role_id = r AND NOT isempty(g.valid) AND (upper(g.valid) IS NULL OR upper(g.valid) > now());
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n = 0 THEN
        RAISE EXCEPTION 'number % does not have % %', employee_no, register, role
            USING ERRCODE = 'no_data_found', HINT = 'See paasla.matrix.';
    END IF;
    RETURN now();
END $$;

CREATE FUNCTION paasla.close_work_order(id bigint, new_state text, new_note text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE w paasla.work_order;
BEGIN
    SELECT * INTO w FROM paasla.work_order WHERE work_order_id = id FOR UPDATE;
    IF w.work_order_id IS NULL THEN
        RAISE EXCEPTION 'there is no work order %', id USING ERRCODE = 'no_data_found', HINT = '`paaslactl work list` shows them.';
    ELSIF w.state <> 'open' THEN
        RAISE EXCEPTION 'work order % is % since %', id, w.state, w.closed_at USING HINT = 'Nothing was changed.';
    ELSIF new_state NOT IN ('done', 'cancelled') THEN
        RAISE EXCEPTION 'a work order is done or cancelled, not %', new_state;
    ELSIF new_state = 'cancelled' AND coalesce(btrim(new_note), '') = '' THEN
        RAISE EXCEPTION 'work order % needs a note to be cancelled', id USING HINT = 'Say why it need not be done.';
    END IF;
    UPDATE paasla.work_order SET state = new_state, note = coalesce(new_note, note), closed_at = clock_timestamp(),
        closed_by = session_user WHERE work_order_id = id;
END $$;

CREATE FUNCTION paasla.approve_plan(plan text, valid_for interval DEFAULT '1 hour') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    p paasla.plan;
    n int;
BEGIN
    SELECT count(*) INTO n FROM paasla.plan x WHERE x.state = 'held'
        AND CASE WHEN length(plan) >= 8 THEN starts_with(x.digest, lower(plan)) ELSE x.plan_id::text = plan END;
    IF n <> 1 THEN
        RAISE EXCEPTION '% held plans have the number, or a digest that begins with, %', n, plan USING ERRCODE = 'no_data_found',
            HINT = 'Give at least 8 characters of the digest that `paaslactl plan list` shows.';
    END IF;
    IF valid_for <= interval '0' OR valid_for > interval '1 day' THEN
        RAISE EXCEPTION 'an approval for % is refused', valid_for USING HINT = 'At most one day.';
    END IF;
    UPDATE paasla.plan x SET state = 'approved', approved_by = session_user, approved_at = clock_timestamp(),
        expires_at = clock_timestamp() + valid_for WHERE x.state = 'held'
        AND CASE WHEN length(plan) >= 8 THEN starts_with(x.digest, lower(plan)) ELSE x.plan_id::text = plan END RETURNING * INTO p;
    IF NOT FOUND THEN -- another approver's transaction came first
        RAISE EXCEPTION 'plan % is held no more', plan USING ERRCODE = 'no_data_found',
            HINT = 'Another approver was faster, or it has become needless: see `paaslactl plan list`.';
    END IF;
    PERFORM audit.append('plan.approved', jsonb_build_object('plan_id', p.plan_id, 'directory', p.directory),
        jsonb_build_object('digest', p.digest, 'items', p.items, 'expires_at', p.expires_at));
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT DISTINCT p.directory, person_id, 'approved' FROM paasla.plan_item i WHERE i.plan_id = p.plan_id;
    RETURN p.plan_id;
END $$;

CREATE FUNCTION paasla.ask(kind text, directory text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE id bigint;
BEGIN
    IF directory IS NOT NULL AND NOT EXISTS (SELECT FROM paasla.directory d WHERE d.directory = directory) THEN
        RAISE EXCEPTION 'there is no directory %', directory USING ERRCODE = 'no_data_found', HINT = 'See paasla.directory.';
    END IF;
    INSERT INTO paasla.control (kind, directory) VALUES (kind, directory) RETURNING control_id INTO id;
    RETURN id;
END $$;

-- A lost account is made anew only when somebody says so.
CREATE FUNCTION paasla.recreate_account(account bigint, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a paasla.account;
BEGIN
    UPDATE paasla.account x SET state = 'none', native_id = NULL, dn = NULL, state_text = NULL, state_at = clock_timestamp()
    WHERE x.account_id = account AND x.state = 'lost' RETURNING x.* INTO a;
    IF a.account_id IS NULL OR coalesce(btrim(reason), '') = '' THEN
        RAISE EXCEPTION 'account % is not lost, or no reason was given', account USING HINT = '`paaslactl findings` names lost accounts.';
    END IF;
    UPDATE paasla.membership m SET present = false, since = clock_timestamp() WHERE m.account_id = account AND m.present;
    PERFORM audit.append('account.recreate', jsonb_build_object('account_id', account, 'person_id', a.person_id,
        'directory', a.directory), '{}', jsonb_build_object('text', reason, 'login', a.login));
    INSERT INTO paasla.dirty (directory, person_id, cause) VALUES (a.directory, a.person_id, 'recreate');
END $$;

-- Our records were made against another server (a restore, a clone, a wrong address): from here on this one counts.
CREATE FUNCTION paasla.accept_server(dir text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE paasla.directory SET identity = NULL, identity_seen_at = NULL WHERE directory = dir;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no directory %', dir USING ERRCODE = 'no_data_found';
    END IF;
    UPDATE paasla.finding SET state = 'resolved', resolved_at = clock_timestamp()
        WHERE kind = 'server_changed' AND directory = dir AND state = 'open';
    PERFORM audit.append('directory.server_accepted', jsonb_build_object('directory', dir));
    INSERT INTO paasla.control (kind, directory) VALUES ('sync', dir);
END $$;
