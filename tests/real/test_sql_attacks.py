"""What a log-in with one role tries in order to see, give or say what is not its own."""
import io

import psycopg2
import pytest

from sqltown import server

CODE = "38001085718"


def both(town, *roles):
    """A log-in with several roles, and the person behind it."""
    user = "x" + town.name + "_" + str(len(roles))
    town.rows("CREATE ROLE %s LOGIN IN ROLE %s" % (user, ", ".join(roles)))
    town.hire("6" + town.name[4:])
    town.rows("INSERT INTO paasla.db_login SELECT %s, person_id FROM paasla.employee_number WHERE employee_no = %s", user, "6" + town.name[4:])
    return user


# ---- other institutions' staff ----

def test_a_number_of_another_institution_is_nobodys(town):
    """Neither its being there nor where it is."""
    town.hire("78", institution="LA")
    for call in ("depart('%s'%s)", "undo_depart('%s', 'R'%s)", "leaver_state('%s'%s)", "absent('%s', current_date%s)", "file_request('R-1', '%s'%s)"):
        there, nowhere = (str(town.refused("nobody has employee number", "SELECT paasla." + call % (no, ""), user="hr_la")).replace(no, "N")
                          for no in ("1042", "4711"))
        assert there == nowhere and "LV" not in there
        town.refused("does not act for institution LV", "SELECT paasla." + call % ("1042", ", institution => 'LV'"), user="hr_la")
    assert town.wanted("1042") == ("open", "employed")
    town.grant("1042"), town.grant("78", role="kirjutaja")  # who may read all staff finds both


def test_a_known_personal_code_makes_nobody_known(town):
    town.hire("1500", "Salajane", "Isik", personal_code=CODE)
    e = town.refused("a person of another name", "SELECT paasla.hire('LA', '1', 'Uus', 'Keegi', personal_code => %s)", CODE, user="hr_la")
    assert "Salajane" not in str(e) and "Salajane" not in town.notices("hr_la")
    town.refused("a person of another name", "INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, personal_code) "
                 "VALUES ('LA', '1', 'Uus', 'Keegi', %s)", CODE, user="hr_la")
    town.rows("SELECT paasla.hire('LA', '1', 'Salajane', 'Abielus', personal_code => %s)", CODE, user="hr_la")  # a new family name
    assert town.person("1", "LA") == town.person("1500")


def test_a_second_employer_does_not_make_somebody_else_of_a_person(town):
    town.hire("1500", "Salajane", "Isik", personal_code=CODE)
    town.rows("SELECT paasla.hire('LA', '1', 'Salajane', 'Isik', employed_from => '1990-01-01', personal_code => %s)", CODE, user="hr_la")
    for change in ("given_name = 'Röövitud'", "family_name = 'Röövitud'", "personal_code = NULL"):
        town.refused("another institution says", "UPDATE paasla.staff SET %s WHERE employee_no = '1'" % change, user="hr_la")
    town.rows("UPDATE paasla.staff SET unit = 'Köök' WHERE employee_no = '1'", user="hr_la")
    town.rows("UPDATE paasla.staff SET family_name = 'Abielus' WHERE employee_no = '1500'", user="hr")
    town.depart("1500")
    town.rows("UPDATE paasla.staff SET given_name = 'Endine' WHERE employee_no = '1'", user="hr_la")  # nobody else employs them now


@pytest.mark.parametrize("leak", [
    "1 / (CASE WHEN family_name = 'Tamm' THEN 0 ELSE 1 END) = 1", "family_name::int = 1", "to_date(personal_code, 'YYYY') IS NULL",
    "xmlparse(document given_name) IS NULL", "family_name ~ ('(' || given_name)"])
def test_no_operator_sees_rows_before_the_scope_does(town, leak):
    """An error in the WHERE clause would tell of the row that it met."""
    assert town.rows("SELECT count(*) FROM paasla.staff WHERE " + leak, user="hr_la") == [(0,)]
    assert town.rows("SELECT count(*) FROM paasla.absences WHERE 1 / (CASE WHEN suspend THEN 0 ELSE 0 END) = 1", user="hr_la") == [(0,)]


def test_copy_is_no_way_round(town):
    def copy(user, table, line):
        town.session(user).cursor().copy_expert("COPY %s FROM STDIN" % table, io.StringIO(line))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="does not act for"):
        copy("hr_la", "paasla.staff (institution, employee_no, given_name, family_name)", "LV\t9\tA\tB\n")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        copy("grantor", "paasla.access_grant (person_id, role_id, valid, granted_by)", "1\t1\t[2030-01-01,)\tx\n")
    with pytest.raises(psycopg2.errors.NotNullViolation, match="rests on no request"):
        copy("grantor", "paasla.access_grant (person_id, role_id, valid)", '1\t1\t["2030-01-01",)\n')
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        copy("auditor", "audit.event (action)", "x\n")


# ---- personal codes ----

def codes(town, user):
    return {r[0] for r in town.rows("SELECT value FROM audit.opening WHERE value ~ '^[1-8][0-9]{10}$'", user=user)}


def test_personal_codes_stay_with_hr_and_the_auditor(town):
    other = "49403136515"
    town.hire("1500", "Salajane", "Isik", personal_code=CODE)
    town.hire("78", "Teine", "Isik", institution="LA")
    town.rows("UPDATE paasla.staff SET personal_code = %s WHERE employee_no = '78'", other, user="hr")
    assert codes(town, "auditor") == {CODE, other}
    for user in ("grantor", "approver", "admin"):
        assert codes(town, user) == set()
        assert town.one("SELECT count(*) FROM audit.event WHERE commit_value IS NOT NULL AND action LIKE 'person.%%'", user=user) >= 2
        assert {"Salajane Isik", "1500"} <= {r[0] for r in town.rows("SELECT value FROM audit.opening", user=user)}, "the rest is there"
    jack = both(town, "paasla_hr", "paasla_grantor")
    town.rows("INSERT INTO paasla.hr_scope VALUES (%s, 'LA')", jack)
    assert codes(town, jack) == {other}, "of the institutions that it sees"
    town.rows("SET row_security = off", user="grantor")
    town.refused("row-level security|row security", "SELECT value FROM audit.opening", user="grantor")


# ---- grants ----

def file_and_approve(town, reference, by="1001", filer="grantor", approver="approver"):
    town.rows("SELECT paasla.file_request(%s, %s)", reference, by, user=filer)
    town.rows("SELECT paasla.approve_request(%s)", reference, user=approver)


GIVE = "SELECT paasla.grant_access(%s, 'JUUR', 'juur', %s, 'põhjus', now() + interval '1 day')"


def test_an_approval_is_used_up_after_a_week(town):
    file_and_approve(town, "P-1")
    town.rows(GIVE, "1042", "P-1", user="grantor")
    town.rows("SET session_replication_role = replica; UPDATE paasla.request SET approved_at = now() - interval '8 days' WHERE reference = 'P-1';"
              " SET session_replication_role = origin")
    town.refused("is used up", GIVE, "1001", "P-1", user="grantor")
    town.grant("1001")  # what is not privileged rests on any document
    assert town.one("SELECT count(*) FROM paasla.access_grant WHERE valid @> now() AND reference = 'P-1'") == 1, "what was given stands"


def test_nobody_approves_what_they_filed_in_somebody_elses_name(town):
    jack = both(town, "paasla_grantor", "paasla_approver")
    town.rows("SELECT paasla.file_request('P-3', '1001')", user=jack)
    town.refused("filed by the same log-in or person", "SELECT paasla.approve_request('P-3')", user=jack)
    town.rows("INSERT INTO paasla.request (reference, requested_by) VALUES ('P-4', %s)", town.person("1001"), user=jack)
    town.refused("filed by the same log-in or person", "SELECT paasla.approve_request('P-4')", user=jack)
    town.rows("SELECT paasla.approve_request('P-3')", user="approver")
    second = "y" + town.name  # another log-in of the same person
    town.rows("CREATE ROLE %s LOGIN IN ROLE paasla_grantor" % second)
    town.rows("INSERT INTO paasla.db_login SELECT %s, person_id FROM paasla.db_login WHERE role_name = %s", second, jack)
    town.rows("SELECT paasla.file_request('P-5', '1001')", user=second)
    town.refused("filed by the same log-in or person", "SELECT paasla.approve_request('P-5')", user=jack)


def test_a_grant_without_a_document_is_none(town):
    role = town.one("SELECT role_id FROM paasla.register_role WHERE role_code = 'vaataja'")
    town.refused("rests on no request", "INSERT INTO paasla.access_grant (person_id, role_id, valid) VALUES (%s, %s, tstzrange(now(), NULL))",
                 town.person("1042"), role, user="grantor")


# ---- in somebody else's name ----

def test_only_who_may_act_for_others_does(town):
    for user in ("grantor", "hr", "admin", "approver", "clerk"):
        town.rows("SET paasla.acting_person = %s", str(town.person("1002")), user=user)
    town.rows("SELECT paasla.file_request('A-1')", user="grantor")
    town.rows("SELECT paasla.file_request('A-2')", user="clerk")
    assert town.rows("SELECT acting_person FROM audit.event WHERE action = 'request.added' ORDER BY event_id DESC LIMIT 2") == [
        (town.person("1002"),), (None,)]
    town.refused("made by the same person", "SELECT paasla.approve_request('A-2')", user="approver")


@pytest.mark.parametrize("user", ["hr", "admin", "grantor", "approver", "auditor", "daemon", "nobody"])
@pytest.mark.parametrize("statement", [
    "INSERT INTO audit.event (action) VALUES ('x')", "SELECT audit.append('x', '{}')", "UPDATE audit.opening SET value = 'x'",
    "SET session_replication_role = replica", "ALTER TABLE paasla.employment DISABLE TRIGGER ALL", "SET ROLE paasla_owner",
    "SET SESSION AUTHORIZATION postgres", "CREATE SCHEMA x", "CREATE TABLE public.x ()", "ALTER TABLE audit.opening DISABLE ROW LEVEL SECURITY",
    "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'", "SELECT paasla.gen_random_bytes(1)",
    "SELECT setval('paasla.intent_intent_id_seq', 1)", "CREATE POLICY x ON audit.opening USING (true)"])
def test_nobody_forges_or_switches_off(town, user, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        town.rows(statement, user=user)


def test_an_advisory_lock_of_anybody_is_no_daemon(town):
    assert town.one("SELECT paasla.daemon_works()", user="auditor") is False
    town.rows("SELECT pg_advisory_lock(123563549092961)", user="grantor")
    assert town.one("SELECT paasla.daemon_works()", user="auditor") is False
    town.rows("SELECT pg_advisory_unlock(123563549092961)", user="grantor")
    town.rows("SELECT pg_advisory_lock(123563549092961)", user="daemon")
    assert town.one("SELECT paasla.daemon_works()", user="auditor") is True


def test_the_auditor_still_proves_a_commitment(town):
    """Though the extension's functions are nobody's."""
    assert town.one("SELECT bool_and(audit.commitment(o.field, o.salt, o.value) = e.commit_name) FROM audit.opening o "
                    "JOIN audit.event e USING (event_id) WHERE o.field = 'name'", user="auditor") is True
    assert server().sql("SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' WHERE pronamespace = "
                        "'paasla'::regnamespace AND has_function_privilege('nobody', p.oid, 'EXECUTE')") == [(0,)]


def test_a_transaction_that_somebody_left_open_does_not_hold_up_a_departure_for_ever():
    """A grantor's session that touched a grant, and went for lunch."""
    for user in ("grantor", "admin", "hr"):
        assert server().sql("SHOW idle_in_transaction_session_timeout", user=user) == [("5min",)]
