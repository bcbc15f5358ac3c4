"""The log: every change leaves its event in the same transaction, without personal values, and nothing is ever taken away."""

import hashlib
import hmac
import json

import psycopg2
import pytest

from sqldaemon import account, intend, settle

NEW = "SELECT event_id, action, session_role, acting_person, person_id, detail FROM audit.event WHERE event_id > %s ORDER BY event_id"

# log-in, statement, the actions that it leaves in this order
CHANGES = [
    ("hr", "SELECT paasla.hire('LV', '2001', 'Jüri', 'Saladus')", ["person.created", "employment.started"]),
    ("hr", "UPDATE paasla.staff SET family_name = 'Saladus' WHERE employee_no = '1042'", ["person.changed"]),
    ("hr", "UPDATE paasla.staff SET unit = 'x' WHERE employee_no = '1042'", ["employment.changed"]),
    ("hr", "SELECT paasla.depart('1042', NULL, 'Saladus')", ["employment.ended"]),
    ("hr", "SELECT paasla.absent('1042', current_date)", ["absence.entered"]),
    ("postgres", "INSERT INTO paasla.absence (person_id, period) SELECT min(person_id), tstzrange(now(), NULL) FROM paasla.person", ["absence.entered"]),
    ("grantor", "SELECT paasla.file_request('Saladus-1', '1001', NULL, 'Saladus')", ["request.added"]),
    ("approver", "SELECT paasla.approve_request('KK-1')", ["request.changed"]),
    ("grantor", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1', 'Saladus')", ["grant.given"]),
    ("grantor", "SELECT paasla.grant_access('1042', 'PABER', 'vaataja', 'KK-1', 'Saladus')", ["grant.given", "work_order.opened"]),
    ("admin", "INSERT INTO paasla.register (register_code, name, contact) VALUES ('UUS', 'Uus', 'Saladus')", ["register.added"]),
    ("admin", "UPDATE paasla.register SET contact = 'Saladus' WHERE register_code = 'KAUST'", ["register.changed"]),
    ("admin", "UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'lugeja'", ["role.changed"]),
    ("admin", "INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'kool', 'cn=Saladus' FROM paasla.register_role "
              "WHERE role_code = 'lugeja'", ["role_group.added"]),
    ("admin", "DELETE FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja,%'", ["role_group.removed"]),
    ("admin", "INSERT INTO paasla.directory (directory, dialect) VALUES ('uus', 'openldap')", ["directory.added"]),
    ("admin", "UPDATE paasla.directory SET mode = 'observe' WHERE directory = 'linn'", ["directory.changed"]),
    ("admin", "UPDATE paasla.institution_directory SET create_ahead = '1 day'", ["institution_directory.changed"] * 3),
    ("admin", "INSERT INTO paasla.institution (institution, name) VALUES ('RK', 'Raamatukogu')", ["institution.added"]),
    ("admin", "INSERT INTO paasla.hr_scope VALUES ('hr_la', 'LV')", ["hr_scope.added"]),
    ("postgres", "INSERT INTO paasla.db_login SELECT 'hr', min(person_id) FROM paasla.person", ["db_login.added"]),
    ("admin", "SELECT paasla.ask('sync')", ["control.asked"]),
]


def last(town):
    return town.one("SELECT coalesce(max(event_id), 0) FROM audit.event")


@pytest.mark.parametrize("user, statement, actions", CHANGES, ids=[c[1][:60] for c in CHANGES])
def test_every_change_leaves_its_event_and_a_rollback_leaves_none(town, user, statement, actions):
    before = last(town)
    conn = town.connect(user, autocommit=False)
    conn.cursor().execute(statement)
    conn.rollback()
    assert town.rows(NEW, before) == []
    conn.cursor().execute(statement)
    conn.commit()
    conn.close()
    events = town.rows(NEW, before)
    assert [e[1] for e in events] == actions
    for event in events:
        assert event[2] == user
        assert "Saladus" not in event[5] and "Jüri" not in event[5] and "KK-" not in event[5]
        assert json.loads(event[5]) is not None


def test_times_in_events_are_utc(town):
    town.depart("1042")
    detail = json.loads(town.one("SELECT detail FROM audit.event WHERE action = 'employment.ended'"))
    assert detail["until"].endswith("+00:00")


def test_openings_prove_their_commitments(town):
    town.hire("2001", "Õnne", "Žukov")
    account(town, "2001")
    town.depart("2001", ref="KK-2026-7")
    opened = town.rows("""SELECT o.field, o.salt, o.value, CASE o.field WHEN 'name' THEN e.commit_name WHEN 'login' THEN e.commit_login
        WHEN 'dn' THEN e.commit_dn WHEN 'text' THEN e.commit_text ELSE e.commit_value END
        FROM audit.opening o JOIN audit.event e USING (event_id)""")
    assert {o[0] for o in opened} >= {"name", "login", "text", "value"}
    for field, salt, value, commitment in opened:
        expected = hmac.new(bytes(salt), field.encode() + b"\0" + value.encode(), hashlib.sha256).digest()
        assert bytes(commitment) == expected and len(bytes(salt)) == 32
    assert len({bytes(o[1]) for o in opened}) == len(opened), "a salt is used once"
    assert town.one("SELECT count(*) FROM audit.event e WHERE num_nonnulls(commit_name, commit_login, commit_dn, commit_text, commit_value) "
                    "<> (SELECT count(*) FROM audit.opening o WHERE o.event_id = e.event_id)") == 0


def test_the_daemons_doings_are_logged_without_personal_values(town):
    before = last(town)
    acc = account(town, "1042")[0]
    n = intend(town, "1042", acc, "create")
    settle(town, "1042", acc, "ready", row=420, native_id="n", dn="uid=1042a,dc=linn", sentence="x",
           intents=[dict(id=n, outcome="failed", code=50, at_us=1)],
           findings=[dict(kind="k", severity="warning", person_id=town.person("1042"), account_id=acc, role_group_id=0, key="k", text="Mari Tamm")])
    events = town.rows(NEW, before)
    assert [e[1] for e in events] == ["account.reserved", "intent.planned", "intent.outcome", "account.state", "finding.opened"]
    assert not any(word in e[5] for e in events for word in ("Mari", "1042a", "dc=linn"))
    assert town.one("SELECT result_code FROM audit.event WHERE action = 'intent.outcome'") == 50


def test_who_acts_for_whom(town):
    anu, toomas = town.person("1001"), town.person("1002")
    def acting(user):
        return town.one("SELECT acting_person FROM audit.event WHERE event_id = %s", last(town))
    town.rows(f"SET paasla.acting_person = '{anu}'", user="clerk")
    town.rows("SELECT paasla.file_request('A', '1001')", user="clerk")
    assert acting("clerk") == anu
    town.rows(f"SET paasla.acting_person = '{anu}'", user="grantor")
    town.rows("SELECT paasla.file_request('B', '1001')", user="grantor")
    assert acting("grantor") is None, "only members of paasla_onbehalf say for whom they act"
    town.rows(f"SET paasla.acting_person = '{anu}'", user="approver")
    town.rows("SELECT paasla.approve_request('A')", user="approver")
    assert acting("approver") == toomas
    town.rows("SET paasla.acting_person = 'x; DROP'", user="clerk")
    town.rows("SELECT paasla.file_request('C', '1001')", user="clerk")
    assert acting("clerk") is None


@pytest.mark.parametrize("statement", ["UPDATE audit.event SET action = 'x'", "UPDATE audit.opening SET value = 'x'",
                                       "DELETE FROM audit.event", "DELETE FROM audit.opening", "TRUNCATE audit.event CASCADE",
                                       "TRUNCATE audit.opening"])
def test_the_log_is_only_ever_added_to(town, statement):
    town.refused("is refused: rows here are history", statement)
    town.rows("SET session_replication_role = replica")  # where ordinary triggers are silent
    town.refused("is refused: rows here are history", statement)


TABLES = ["institution", "person", "employee_number", "employment", "absence", "request", "directory", "register", "register_role",
          "access_grant", "work_order", "account", "login_name", "membership", "finding", "plan", "plan_item", "intent", "control"]


@pytest.mark.parametrize("table", TABLES)
def test_nothing_of_the_towns_history_is_deleted(town, table):
    town.refused(f"DELETE on paasla.{table} is refused", f"DELETE FROM paasla.{table}")
    town.refused("TRUNCATE on paasla.* is refused", f"TRUNCATE paasla.{table} CASCADE")


@pytest.mark.parametrize("table", ["role_group", "institution_directory", "dirty", "hr_scope", "db_login"])
def test_what_may_be_deleted_is_not_truncated(town, table):
    town.refused(f"TRUNCATE on paasla.{table} is refused", f"TRUNCATE paasla.{table} CASCADE")


@pytest.mark.parametrize("table, change", [
    ("person", "person_id = DEFAULT"), ("employee_number", "employee_no = 'x'"), ("employment", "institution = 'LA'"),
    ("employment", "person_id = 2"), ("register", "register_code = 'x'"), ("register_role", "role_code = 'x'"),
    ("role_group", "group_dn = 'x'"), ("directory", "directory = 'x'"), ("institution", "institution = 'x'"),
    ("request", "reference = 'x'"), ("request", "requested_by = 2"), ("request", "document_sha256 = sha256('x')"),
])
def test_keys_do_not_change(town, table, change):
    where = {"employment": "person_id = 1", "request": "reference = 'KK-1'"}.get(table, "true")
    town.refused("not change|do not change", f"UPDATE paasla.{table} SET {change} WHERE {where}")


def test_an_event_does_not_hinder_a_prepared_transaction(town):
    conn = town.connect(autocommit=False)
    cur = conn.cursor()
    cur.execute("SELECT audit.append('test.event', '{}')")
    cur.execute("PREPARE TRANSACTION 'x'")
    conn.rollback()
    conn.autocommit = True
    cur.execute("ROLLBACK PREPARED 'x'")
    conn.close()


def test_only_functions_write_the_log(town):
    for user in ("hr", "admin", "grantor", "approver", "auditor", "daemon"):
        for text in ("INSERT INTO audit.event (action) VALUES ('x')", "INSERT INTO audit.opening VALUES (1, 'name', '', '')",
                     "SELECT audit.append('x', '{}')"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                town.rows(text, user=user)
