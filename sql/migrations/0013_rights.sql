-- Who may do what. Everything belongs to paasla_owner, as whom nobody logs in; nothing is PUBLIC's.

DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c WHERE c.relnamespace IN ('paasla'::regnamespace, 'audit'::regnamespace)
        AND c.relkind IN ('r', 'v') LOOP
        EXECUTE format('ALTER %s %s OWNER TO paasla_owner', CASE r.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, r.name);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', r.name);
    END LOOP;
    FOR r IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace IN ('paasla'::regnamespace, 'audit'::regnamespace)
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', r.name);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', r.name);
    END LOOP;
END $$;
GRANT SELECT ON paasla.schema_version TO PUBLIC;

-- The extension's functions, as far as triggers and indexes of others need them, run as paasla_owner.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA paasla TO paasla_owner;

-- What anybody with a role of ours may call.
GRANT EXECUTE ON FUNCTION paasla.standing_at(timestamptz), paasla.wanted_account_at(timestamptz), paasla.entitlement_at(timestamptz),
    paasla.next_change(timestamptz), paasla.ahead(timestamptz, interval), paasla.name_ok(text), paasla.hr_sees(text), audit.acting_person(), paasla.personal_code_ok(text),
    paasla.keys_stay(), paasla.refuse(), paasla.dirty_notify(), paasla.request_approval(), paasla.staff_statement()
    TO paasla_daemon, paasla_hr, paasla_admin, paasla_grantor, paasla_approver, paasla_auditor;

-- HR: the staff view and the verbs of working life. Sees its own institutions (paasla.hr_scope).
GRANT SELECT, INSERT, UPDATE ON paasla.staff TO paasla_hr;
GRANT SELECT ON paasla.absences TO paasla_hr;
GRANT EXECUTE ON FUNCTION paasla.absent(text, date, date, text, boolean, text), paasla.end_absence(bigint, date) TO paasla_hr;
GRANT EXECUTE ON FUNCTION paasla.hire(text, text, text, text, timestamptz, text, text, text, boolean, text, text, timestamptz,
        text, text), paasla.depart(text, date, text, text), paasla.file_request(text, text, bytea, text, text) TO paasla_hr;
GRANT SELECT ON paasla.institution TO paasla_hr, paasla_grantor, paasla_admin, paasla_approver;

-- Administrator: what there is to be had, and where; gives nothing to anybody.
GRANT SELECT, INSERT, UPDATE ON paasla.register, paasla.register_role, paasla.institution TO paasla_admin;
GRANT SELECT, INSERT (directory, dialect, mode), UPDATE (dialect, mode) ON paasla.directory TO paasla_admin;
GRANT SELECT, INSERT, DELETE ON paasla.role_group, paasla.institution_directory, paasla.hr_scope TO paasla_admin;
GRANT UPDATE (create_ahead) ON paasla.institution_directory TO paasla_admin;
GRANT EXECUTE ON FUNCTION paasla.accept_server(text), paasla.recreate_account(bigint, text) TO paasla_admin;

-- Grantor: grants and work orders; defines no roles.
GRANT INSERT (person_id, role_id, employment_id, valid, reference, reason) ON paasla.access_grant TO paasla_grantor;
GRANT UPDATE (valid, reason) ON paasla.access_grant TO paasla_grantor;
GRANT INSERT (reference, requested_by, document_sha256, note) ON paasla.request TO paasla_grantor, paasla_hr;
GRANT EXECUTE ON FUNCTION paasla.grant_access(text, text, text, text, text, timestamptz, timestamptz, text),
    paasla.revoke_access(text, text, text, text, text), paasla.file_request(text, text, bytea, text, text),
    paasla.close_work_order(bigint, text, text) TO paasla_grantor;

GRANT EXECUTE ON FUNCTION paasla.approve_request(text), paasla.approve_plan(text, interval) TO paasla_approver;

-- What those who run it may look at.
GRANT SELECT (person_id, given_name, family_name, created_at) ON paasla.person -- the personal code is HR's
    TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT SELECT ON paasla.employment, paasla.employee_number, paasla.absence, paasla.request, paasla.directory,
    paasla.directory_total, paasla.institution_directory, paasla.register, paasla.register_role, paasla.role_group, paasla.access_grant,
    paasla.work_order, paasla.account, paasla.login_name, paasla.membership, paasla.dirty, paasla.finding, paasla.plan,
    paasla.plan_item, paasla.intent, paasla.control, paasla.clock_tick, paasla.wanted_account, paasla.entitlement,
    paasla.matrix, paasla.institution, paasla.db_login, paasla.hr_scope TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT SELECT ON audit.event, audit.opening TO paasla_grantor, paasla_approver, paasla_admin, paasla_auditor;
GRANT USAGE ON SCHEMA audit TO paasla_grantor, paasla_approver, paasla_admin;
GRANT EXECUTE ON FUNCTION paasla.ask(text, text) TO paasla_grantor, paasla_approver, paasla_admin;
GRANT EXECUTE ON FUNCTION audit.commitment(text, bytea, text) TO paasla_auditor;

-- Daemon: reads what should be, writes through its functions only.
GRANT SELECT (person_id, given_name, family_name) ON paasla.person TO paasla_daemon;
GRANT SELECT (person_id, period, suspend) ON paasla.absence TO paasla_daemon;
GRANT SELECT ON paasla.employment, paasla.institution_directory, paasla.directory, paasla.register_role,
    paasla.role_group, paasla.access_grant, paasla.account, paasla.membership, paasla.directory_total, paasla.dirty, paasla.plan, paasla.plan_item,
    paasla.intent, paasla.control, paasla.wanted_account, paasla.entitlement TO paasla_daemon;
GRANT EXECUTE ON FUNCTION paasla.recover(), paasla.mark_due(), paasla.reserve(text, bigint, text, text[]), paasla.intend(jsonb),
    paasla.settle(jsonb), paasla.hold(jsonb), paasla.nominate(text, jsonb), paasla.note_compare(text, jsonb),
    paasla.take_controls() TO paasla_daemon;
