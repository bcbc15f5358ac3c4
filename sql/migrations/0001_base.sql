-- Schemas, roles and extensions. Roles are the cluster's: made only when they are missing.

DO $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['paasla_owner', 'paasla_daemon', 'paasla_hr', 'paasla_admin', 'paasla_grantor',
                             'paasla_approver', 'paasla_reviewer', 'paasla_auditor', 'paasla_onbehalf'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', r);
        END IF;
    END LOOP;
    -- Calendar days are Tallinn's, whoever connects from wherever.
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET timezone = %L', pg_catalog.current_database(), 'Europe/Tallinn');
    -- Compiling a query that looks for one person among many takes ten times as long as running it.
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET jit = off', pg_catalog.current_database());
END $$;
SET LOCAL timezone = 'Europe/Tallinn';

-- Temporary tables would let anybody put triggers of their own behind ours.
DO $$
BEGIN
    EXECUTE pg_catalog.format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA paasla AUTHORIZATION paasla_owner;
CREATE SCHEMA audit AUTHORIZATION paasla_owner;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA paasla;
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA paasla;
GRANT USAGE ON SCHEMA paasla TO paasla_daemon, paasla_hr, paasla_admin, paasla_grantor, paasla_approver,
    paasla_reviewer, paasla_auditor;
GRANT USAGE ON SCHEMA audit TO paasla_daemon, paasla_auditor;
ALTER DEFAULT PRIVILEGES IN SCHEMA paasla REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Which migrations have been applied, by `paaslactl db migrate`.
CREATE TABLE paasla.schema_version (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    sha256     bytea,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    program    text
);
GRANT SELECT ON paasla.schema_version TO PUBLIC;

-- Which person stands behind a log-in of the database.
CREATE TABLE paasla.db_login (
    role_name name PRIMARY KEY,
    person_id bigint NOT NULL
);

-- Refuses a statement, whoever sends it. The table's comment-like argument says what to do instead.
CREATE FUNCTION paasla.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: rows here are history', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING HINT = coalesce(TG_ARGV[0], 'Nothing is deleted here; end it instead.'), ERRCODE = 'insufficient_privilege';
END $$;
