"""Who may do what: every log-in against every table, function and query."""

import glob
import os

import psycopg2
import pytest

from sqltown import QUERIES

USERS = ["hr", "admin", "grantor", "approver", "auditor", "reviewer", "daemon", "nobody"]
READERS = {"admin", "grantor", "approver", "auditor"}

# table: who reads it, inserts, updates, deletes
TABLES = {
    "paasla.institution": (READERS | {"hr"}, {"admin"}, {"admin"}, set()),
    "paasla.person": (set(), set(), set(), set()),  # columns only, see below
    "paasla.employee_number": (READERS, set(), set(), set()),
    "paasla.employment": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.former_name": ({"daemon"}, set(), set(), set()),
    "paasla.absence": (READERS, set(), set(), set()),
    "paasla.departure_said": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.request": (READERS, set(), set(), set()),
    "paasla.directory": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.institution_directory": (READERS | {"daemon"}, {"admin"}, set(), {"admin"}),
    "paasla.register": (READERS, {"admin"}, {"admin"}, set()),
    "paasla.register_role": (READERS | {"daemon"}, {"admin"}, {"admin"}, set()),
    "paasla.role_group": (READERS | {"daemon"}, {"admin"}, set(), {"admin"}),
    "paasla.access_grant": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.work_order": (READERS, set(), set(), set()),
    "paasla.account": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.login_name": (READERS, set(), set(), set()),
    "paasla.membership": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.directory_total": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.dirty": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.finding": (READERS, set(), set(), set()),
    "paasla.plan": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.plan_item": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.intent": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.control": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.clock_tick": (READERS, set(), set(), set()),
    "paasla.control_answer": (READERS, set(), set(), set()),
    "paasla.grant_due": (READERS, set(), set(), set()),
    "paasla.institution_contact": (READERS | {"hr"}, {"admin"}, set(), {"admin"}),
    "paasla.daemon_run": (set(), set(), set(), set()),  # columns only: the salt is nobody's
    "paasla.config_value": (set(), set(), set(), set()),
    "paasla.connection": (READERS, set(), set(), set()),
    "paasla.directory_server": (READERS, set(), set(), set()),
    "paasla.lock_ack": (READERS, set(), set(), set()),
    "paasla.lock_place": (READERS, set(), set(), set()),
    "paasla.open_findings": ({"daemon"}, set(), set(), set()),
    "paasla.open_work": ({"daemon"}, set(), set(), set()),
    "paasla.hr_scope": (READERS, {"admin"}, set(), {"admin"}),
    "paasla.db_login": (READERS, set(), set(), set()),
    "paasla.staff": ({"hr"}, {"hr"}, {"hr"}, set()),
    "paasla.absences": ({"hr"}, set(), set(), set()),
    "paasla.wanted_account": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.entitlement": (READERS | {"daemon"}, set(), set(), set()),
    "paasla.matrix": (READERS, set(), set(), set()),
    "audit.event": (READERS, set(), set(), set()),
    "audit.opening": (READERS, set(), set(), set()),
}

# column rights that are narrower than the table: table, verb, columns, who
COLUMNS = [
    ("paasla.person", "SELECT", {"person_id", "given_name", "family_name"}, {"daemon"}),
    ("paasla.person", "SELECT", {"person_id", "given_name", "family_name", "created_at"}, READERS),
    ("paasla.absence", "SELECT", {"person_id", "period", "suspend"}, {"daemon"}),
    ("paasla.daemon_run", "SELECT", {"one", "version", "host", "file_sha256", "started_at", "loaded_at", "needs_restart"}, READERS),
    ("paasla.config_value", "SELECT", {"name", "value"}, READERS),
    ("paasla.directory", "INSERT", {"directory", "dialect", "mode"}, {"admin"}),
    ("paasla.directory", "UPDATE", {"dialect", "mode"}, {"admin"}),
    ("paasla.institution_directory", "UPDATE", {"create_ahead"}, {"admin"}),
    ("paasla.institution_contact", "UPDATE", {"contact"}, {"admin"}),
    ("paasla.access_grant", "INSERT", {"person_id", "role_id", "employment_id", "valid", "reference", "reason"}, {"grantor"}),
    ("paasla.access_grant", "UPDATE", {"valid", "reason", "end_reference"}, {"grantor"}),
    ("paasla.request", "INSERT", {"reference", "requested_by", "document_sha256", "note"}, {"grantor", "hr"}),
]

# functions that people or the daemon call; everything else is nobody's
CALLS = {
    "hire": {"hr"}, "depart": {"hr"}, "absent": {"hr"}, "end_absence": {"hr"}, "leaver_state": {"hr"},
    "file_request": {"hr", "grantor"}, "grant_access": {"grantor"}, "revoke_access": {"grantor"}, "close_work_order": {"grantor"},
    "approve_request": {"approver"}, "approve_plan": {"approver"}, "ask": {"admin", "grantor", "approver"},
    "accept_server": {"admin"}, "recreate_account": {"admin"},
    "undo_depart": {"hr"}, "hr_sees_person": {"hr"}, "dn_key": {"admin"},
    "recover": {"daemon"}, "mark_due": {"daemon"}, "reserve": {"daemon"}, "intend": {"daemon"}, "settle": {"daemon"}, "hold": {"daemon"}, "lock_looked_at": {"daemon"},
    "nominate": {"daemon"}, "hasty": {"daemon"}, "leavers_named": {"daemon"}, "note_compare": {"daemon"}, "watched": {"daemon"}, "take_controls": {"daemon"}, "note_config": {"daemon"},
    "note_connections": {"daemon"}, "daemon_works": READERS, "acked": {"daemon"}, "unacked": {"daemon"},
}
HARMLESS = {"standing_at", "wanted_account_at", "known_end_at", "entitlement_at", "next_change", "ahead", "name_ok", "hr_sees", "acting_person",
            "personal_code_ok", "keys_stay", "refuse", "dirty_notify", "request_approval", "staff_statement", "commitment"}


def test_the_matrix_names_every_table(town):
    have = {r[0] for r in town.rows("SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace IN ('paasla'::regnamespace, "
                                    "'audit'::regnamespace) AND relkind IN ('r', 'v', 'm', 'p', 'f')")} - {"paasla.schema_version"}
    assert have == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_tables(town, table):
    for verb, allowed in zip(("SELECT", "INSERT", "UPDATE", "DELETE"), TABLES[table]):
        got = {u for u in USERS if town.one("SELECT has_table_privilege(%s, %s, %s)", u, table, verb)}
        assert got == allowed, f"{verb} on {table}"
    for verb in ("TRUNCATE", "REFERENCES", "TRIGGER"):
        assert not [u for u in USERS if town.one("SELECT has_table_privilege(%s, %s, %s)", u, table, verb)], f"{verb} on {table}"


def test_columns(town):
    granted = {}
    for table, verb, columns, users in COLUMNS:
        for u in users:
            granted[u, table, verb] = columns
    for table, (readers, inserters, updaters, _) in TABLES.items():
        columns = [r[0] for r in town.rows("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                                           "AND NOT attisdropped", table)]
        for verb, whole in (("SELECT", readers), ("INSERT", inserters), ("UPDATE", updaters)):
            for u in set(USERS) - whole:
                got = {c for c in columns if town.one("SELECT has_column_privilege(%s, %s, %s, %s)", u, table, c, verb)}
                assert got == granted.get((u, table, verb), set()), f"{u}: {verb} on {table}"


def test_functions(town):
    seen = set()
    for oid, name, config, definer, owner in town.rows(
            "SELECT p.oid, proname, proconfig, prosecdef, proowner::regrole::text FROM pg_proc p WHERE pronamespace IN ('paasla'::regnamespace, "
            "'audit'::regnamespace) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"):
        users = {u for u in USERS if town.one("SELECT has_function_privilege(%s, %s::oid, 'EXECUTE')", u, oid)}
        seen.add(name)
        if name not in HARMLESS:
            assert users == CALLS.get(name, set()), name
        assert "nobody" not in users and "reviewer" not in users
        assert owner == "paasla_owner", name
        if definer:
            assert any(c.startswith("search_path=pg_catalog, pg_temp") for c in config or []), f"{name} pins its search_path"
    assert set(CALLS) <= seen


def test_every_object_is_the_owners_and_nobody_logs_in_as_it(town):
    assert town.rows("SELECT c.oid::regclass FROM pg_class c WHERE relnamespace IN ('paasla'::regnamespace, 'audit'::regnamespace) "
                     "AND relkind IN ('r', 'v', 'S') AND relowner <> 'paasla_owner'::regrole") == []
    assert town.rows("SELECT rolname FROM pg_roles WHERE rolname LIKE 'paasla%' AND (rolcanlogin OR rolsuper OR rolcreaterole)") == []
    for u in USERS:
        assert not town.one("SELECT pg_has_role(%s, 'paasla_owner', 'member')", u)


@pytest.mark.parametrize("user, statement", [
    ("nobody", "SELECT * FROM paasla.staff"), ("nobody", "SELECT paasla.depart('1042')"), ("reviewer", "SELECT * FROM paasla.person"),
    ("hr", "SELECT * FROM paasla.person"), ("hr", "SELECT * FROM audit.event"),
    ("hr", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1')"), ("grantor", "SELECT paasla.depart('1042')"),
    ("grantor", "UPDATE paasla.staff SET departed_at = now()"), ("grantor", "SELECT personal_code FROM paasla.person"),
    ("admin", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1')"), ("admin", "SELECT paasla.approve_plan('aaaaaaaaa')"),
    ("admin", "INSERT INTO paasla.db_login VALUES ('admin', 1)"), ("admin", "UPDATE paasla.directory SET identity = 'x'"),
    ("approver", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1')"), ("auditor", "SELECT paasla.ask('sync')"),
    ("auditor", "DELETE FROM audit.event"), ("daemon", "SELECT personal_code FROM paasla.person"), ("daemon", "SELECT * FROM audit.opening"),
    ("admin", "SELECT salt FROM paasla.daemon_run"), ("auditor", "SELECT secret FROM paasla.config_value"),
    ("daemon", "SELECT state FROM paasla.finding"), ("daemon", "SELECT state FROM paasla.work_order"),
    ("daemon", "INSERT INTO paasla.access_grant (person_id, role_id, valid) VALUES (1, 1, tstzrange(now(), NULL))"),
    ("daemon", "UPDATE paasla.account SET state = 'out'"), ("grantor", "CREATE TABLE paasla.x ()"), ("grantor", "CREATE TABLE public.x ()"),
])
def test_who_may_not_cannot(town, user, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        town.rows(statement, user=user)


def test_temporary_tables_are_nobodys():
    from sqltown import server
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server().sql("CREATE TEMPORARY TABLE t ()", user="grantor")


def test_the_daemon_may_send_all_its_queries_with_row_security_off(town):
    arguments = {"load_work": ["urgent", ["linn"], 10, 3, [], 20, 1000000], "reserve": ["linn", 1, "personal", ["x"]], "intents": ["[]"],
                 "watch_state": ["linn"], "watched": ["linn", '{"entries": [], "persons": [], "findings": []}'],
                 "acked": ["linn", "[]"], "unacked": ["linn", ["ldap://x"], 1],
                 "nominate": ["linn", '{"persons": [], "findings": []}'], "scan_accounts": ["linn", "f"], "scan_group": ["linn", ["x"]], "scan_groups": ["linn"], "preflight_groups": ["linn"], "preflight_people": ["linn"],
                 "note_connections": ['[{"directory": "linn", "state": "up", "since_us": 1, "why": ""}]'],
                 "note_config": ['{"note_id": "1", "kind": "start", "version": "1", "host": "h", "file_sha256": "%s", "started_us": 1, '
                                 '"loaded_us": 1, "values": {"a": "b"}, "secrets": {"a": "00"}, "needs_restart": []}' % ("0" * 64)],
                 "note_compare": ["linn", '{"complete": false, "identity": "", "orphans": 0}'],
                 "hold": ['{"directory": "linn", "digest": "a", "items": [], "locks": 0, "removals": 0}'],
                 "settle": ['{"person_id": 1, "directory": "linn", "purpose": "personal", "account_id": 0, "state": "none", "row": 0, '
                            '"intents": [], "memberships": [], "findings": [], "resolved": [], "seqs": [], "retry_after_us": 0}']}
    town.rows("SET row_security = off", user="daemon")
    for path in sorted(glob.glob(os.path.join(QUERIES, "*.sql"))):
        name = os.path.basename(path)[:-len(".sql")]
        if not name.startswith("ctl_") and not name.startswith("listen_"):
            town.query(name, *arguments.get(name, []))
