-- The log. audit.event is final from here on: later versions add no column and change no meaning, because its rows are
-- hashed. Personal values never stand in it, only commitments; the values are in audit.opening, the erasable part.

CREATE TABLE audit.event (
    event_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xact_id        xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(), -- orders the log for sealing; ids may have gaps
    at             timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    shard          int NOT NULL DEFAULT 0,
    session_role   name NOT NULL DEFAULT SESSION_USER,
    acting_person  bigint,
    action         text NOT NULL,
    person_id      bigint,
    employment_id  bigint,
    account_id     bigint,
    request_id     bigint,
    grant_id       bigint,
    role_id        bigint,
    role_group_id  bigint,
    register_code  text,
    directory      text,
    work_order_id  bigint,
    plan_id        bigint,
    finding_id     bigint,
    intent_id      bigint,
    lifecycle_row  int,
    result_code    int,
    detail         text NOT NULL DEFAULT '{}', -- JSON as text: what was written stays byte for byte
    commit_name    bytea CHECK (octet_length(commit_name) = 32),
    commit_login   bytea CHECK (octet_length(commit_login) = 32),
    commit_dn      bytea CHECK (octet_length(commit_dn) = 32),
    commit_text    bytea CHECK (octet_length(commit_text) = 32),
    commit_value   bytea CHECK (octet_length(commit_value) = 32)
);
CREATE INDEX event_person ON audit.event (person_id, event_id);
CREATE INDEX event_at ON audit.event (at);
CREATE INDEX event_xact ON audit.event (shard, xact_id, event_id);
CREATE INDEX event_account ON audit.event (account_id, event_id) WHERE account_id IS NOT NULL;

CREATE TABLE audit.opening (
    event_id bigint NOT NULL REFERENCES audit.event,
    field    text NOT NULL CHECK (field IN ('name', 'login', 'dn', 'text', 'value')),
    salt     bytea NOT NULL CHECK (octet_length(salt) = 32),
    value    text NOT NULL,
    PRIMARY KEY (event_id, field)
);

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.refuse('The log is only ever added to.');
CREATE TRIGGER opening_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.opening
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.refuse('Openings are erased by a function that logs it, nothing else.');
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER event_append_only;
ALTER TABLE audit.opening ENABLE ALWAYS TRIGGER opening_append_only;

-- Who acts: the claimed person where the log-in may act for others, else the person behind the log-in.
CREATE FUNCTION audit.acting_person() RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE claimed text := current_setting('paasla.acting_person', true);
BEGIN
    IF claimed ~ '^[0-9]{1,18}$' AND pg_has_role(session_user, 'paasla_onbehalf', 'member') THEN
        RETURN claimed::bigint;
    END IF;
    RETURN (SELECT person_id FROM paasla.db_login WHERE role_name = session_user);
END $$;

-- HMAC-SHA-256 under a salt of its own, over field name, zero byte, value: 32 bytes that tell nothing without the salt.
CREATE FUNCTION audit.commitment(field text, salt bytea, value text) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT paasla.hmac(convert_to(field, 'UTF8') || '\x00'::bytea || convert_to(value, 'UTF8'), salt, 'sha256') $$;

-- The only writer. `ids` names object columns of the event; `private` the personal values by field. NULLs are left out.
CREATE FUNCTION audit.append(action text, ids jsonb, detail jsonb DEFAULT '{}', private jsonb DEFAULT '{}')
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
    f record;
    salts jsonb := '{}';
    c jsonb := '{}';
    salt bytea;
BEGIN
    FOR f IN SELECT key, value FROM jsonb_each_text(jsonb_strip_nulls(private)) LOOP
        salt := paasla.gen_random_bytes(32);
        salts := salts || jsonb_build_object(f.key, encode(salt, 'hex'));
        c := c || jsonb_build_object(f.key, encode(audit.commitment(f.key, salt, f.value), 'hex'));
    END LOOP;
    INSERT INTO audit.event (acting_person, action, person_id, employment_id, account_id, request_id, grant_id, role_id,
        role_group_id, register_code, directory, work_order_id, plan_id, finding_id, intent_id, lifecycle_row,
        result_code, detail, commit_name, commit_login, commit_dn, commit_text, commit_value)
    VALUES (audit.acting_person(), append.action, (ids->>'person_id')::bigint, (ids->>'employment_id')::bigint,
        (ids->>'account_id')::bigint, (ids->>'request_id')::bigint, (ids->>'grant_id')::bigint,
        (ids->>'role_id')::bigint, (ids->>'role_group_id')::bigint, ids->>'register_code', ids->>'directory',
        (ids->>'work_order_id')::bigint, (ids->>'plan_id')::bigint, (ids->>'finding_id')::bigint,
        (ids->>'intent_id')::bigint, (ids->>'lifecycle_row')::int, (ids->>'result_code')::int,
        jsonb_strip_nulls(detail)::text, decode(c->>'name', 'hex'), decode(c->>'login', 'hex'), decode(c->>'dn', 'hex'),
        decode(c->>'text', 'hex'), decode(c->>'value', 'hex'))
    RETURNING event_id INTO id;
    INSERT INTO audit.opening (event_id, field, salt, value)
    SELECT id, key, decode(salts->>key, 'hex'), value FROM jsonb_each_text(jsonb_strip_nulls(private));
    RETURN id;
END $$;
