"""Two sessions at what people enter: absences, names, contacts, registers, directories. A wake-up is owed whichever of the two
comes last, even when the daemon consumed everything in between. test_sql_races_all.py says which case is for which trigger."""
import psycopg2
import pytest

from test_sql_races import two  # noqa: F401 (the fixture)
from test_sql_races_daemon import BOTH, LATE, both

ABSENT = "SELECT paasla.absent(%s, current_date, NULL, NULL, true)"
HIRE = "SELECT paasla.hire('LV', '3001', 'Tiiu', 'Rebane')",
GRANT = "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1', 'r')",


def causes(town, who, directory="linn"):
    return {c for d, p, c in town.dirty() if (d, p) == (directory, who)}


# ---- registers and the like: two at one row ----

# table: what its events are called, what is inserted, what is changed (%s: to 1 or 2), which row it is
ROWS = {
    "institution": ("institution", "(institution, name) VALUES ('UUS', 'Uus')", "name = '%s'", "institution = 'UUS'"),
    "institution_contact": ("institution_contact", "(institution, purpose, contact) VALUES ('LV', 'help', 'a')", "contact = '%s'", "purpose = 'help'"),
    "institution_directory": ("institution_directory", "(institution, directory) VALUES ('LV', 'kool')", "create_ahead = '%s days'",
                              "(institution, directory) = ('LV', 'kool')"),
    "directory": ("directory", "(directory, dialect, mode) VALUES ('uus', 'openldap', 'observe')", "dialect = (ARRAY['389ds', 'ad'])[%s]",
                  "directory = 'uus'"),
    "register": ("register", "(register_code, name, route) VALUES ('UUS', 'Uus', 'manual')", "name = '%s'", "register_code = 'UUS'"),
    "register_role": ("role", "(register_code, role_code, name) VALUES ('PABER', 'uus', 'uus')", "name = '%s'", "role_code = 'uus'"),
    "role_group": ("role_group", "(role_id, directory, group_dn) SELECT role_id, 'kool', 'cn=uus' FROM paasla.register_role"
                   " WHERE role_code = 'lugeja'", None, "group_dn = 'cn=uus'"),
    "hr_scope": ("hr_scope", "(role_name, institution) VALUES ('nobody', 'LV')", "institution = (ARRAY['LV', 'LA'])[%s]", "role_name = 'nobody'"),
    "db_login": ("db_login", "(role_name, person_id) SELECT 'hr', person_id FROM paasla.staff WHERE employee_no = '1042'",
                 "person_id = (SELECT person_id FROM paasla.staff WHERE employee_no = '100%s')", "role_name = 'hr'"),
    "request": ("request", "(reference) VALUES ('KK-77')", "note = '%s'", "reference = 'KK-77'"),
}
AS_OWNER = ("postgres", "postgres")


def events(town, table):
    said = dict(town.rows("SELECT split_part(action, '.', 2), count(*) FROM audit.event WHERE split_part(action, '.', 1) = %s GROUP BY 1", ROWS[table][0]))
    return lambda: {k: v - said.get(k, 0) for k, v in town.rows(
        "SELECT split_part(action, '.', 2), count(*) FROM audit.event WHERE split_part(action, '.', 1) = %s GROUP BY 1", ROWS[table][0])
        if v > said.get(k, 0)}


def may_be_removed(town, table):
    return not town.one("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = ('paasla.' || %s)::regclass AND tgname = %s AND tgtype & 8 > 0)",
                        table, table + "_stays")


@pytest.mark.parametrize("table", ROWS)
@pytest.mark.parametrize("commit", [True, False])
def test_two_enter_the_same_row(town, two, table, commit):
    new = events(town, table)
    insert = "INSERT INTO paasla.%s %s" % (table, ROWS[table][1]),
    if commit:
        with pytest.raises(psycopg2.errors.UniqueViolation):
            both(two, False, insert, insert, users=AS_OWNER)
    else:
        assert both(two, False, insert, insert, users=AS_OWNER, commit=False)
    assert new() == {"added": 1}
    assert town.one("SELECT count(*) FROM paasla.%s WHERE %s" % (table, ROWS[table][3])) == 1


@BOTH
@pytest.mark.parametrize("table", [t for t in ROWS if ROWS[t][2]])
def test_two_change_the_same_row(town, two, table, turned):
    town.rows("INSERT INTO paasla.%s %s" % (table, ROWS[table][1]))
    new = events(town, table)
    one, other = ("UPDATE paasla.%s SET %s WHERE %s" % (table, ROWS[table][2] % n, ROWS[table][3]) for n in (1, 2))
    assert both(two, turned, (one,), (other,), users=AS_OWNER)
    assert new() == {"changed": 2}
    assert town.one("SELECT count(*) FROM paasla.%s WHERE %s AND %s" % (table, ROWS[table][3], ROWS[table][2] % (1 if turned else 2))) == 1


@BOTH
@pytest.mark.parametrize("table", [t for t in ROWS if ROWS[t][2]])
def test_one_changes_what_another_removes(town, two, table, turned):
    if not may_be_removed(town, table):
        town.rows("INSERT INTO paasla.%s %s" % (table, ROWS[table][1]))
        town.refused("", "DELETE FROM paasla.%s WHERE %s" % (table, ROWS[table][3]))
        return
    town.rows("INSERT INTO paasla.%s %s" % (table, ROWS[table][1]))
    new = events(town, table)
    change, remove = "UPDATE paasla.%s SET %s WHERE %s" % (table, ROWS[table][2] % 2, ROWS[table][3]), "DELETE FROM paasla.%s WHERE %s" % (table, ROWS[table][3])
    assert both(two, turned, (change,), (remove,), users=AS_OWNER)
    assert new() == ({"removed": 1} if turned else {"changed": 1, "removed": 1})


def test_two_remove_one_group(town, two):
    town.rows("INSERT INTO paasla.role_group " + ROWS["role_group"][1])
    new = events(town, "role_group")
    if may_be_removed(town, "role_group"):
        assert both(two, False, *[("DELETE FROM paasla.role_group WHERE group_dn = 'cn=uus'",)] * 2, users=AS_OWNER)
        assert new() == {"removed": 1}


@pytest.mark.parametrize("spelled", ["CN=Uus,dc=linn", "cn=uus, dc=linn"])
def test_one_group_for_two_roles(town, two, spelled):
    add = "INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM paasla.register_role WHERE role_code = %s"
    try:
        both(two, False, (add, "cn=uus,dc=linn", "lugeja"), (add, spelled, "kirjutaja"), users=("admin", "admin"))
    except psycopg2.errors.UniqueViolation:
        pass
    assert town.one("SELECT count(*) FROM paasla.role_group WHERE lower(group_dn) LIKE 'cn=uus%%'") == 1


# ---- wake-ups ----

# A change wakes those whom its own statement sees. Who is entered by a transaction that ends after that statement and before
# the change does is seen by nobody: what woke that person may be consumed before the change is there to be read. The next
# full compare finds it, and README says so. (A lock that both take would make HR wait for an administrator's open session.)
CHANGE_LAST = pytest.mark.parametrize("turned, late_first, lost", [
    (False, False, False), (True, True, False), (False, True, True), (True, False, True)])


def owed(town, two, turned, late_first, one, other, users, who, directory, lost=False):
    """Two that wake the same person; the daemon consumes everything between the two ends. lost: nobody looks at the person
    until the next compare, whose rows say what is wanted by both."""
    town.clean()
    both(two, turned, one, other, users=users, late_first=late_first, between=town.clean)
    assert bool(causes(town, who(), directory)) != lost, "somebody looks at the person after the last of the two"
    assert str(who()) in [r[0] for r in town.query("scan_accounts", directory, False)]


@CHANGE_LAST
@pytest.mark.parametrize("what", [
    "UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'lugeja'",
    "INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', 'cn=uus' FROM paasla.register_role WHERE role_code = 'lugeja'",
    "DELETE FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja%'"])
def test_a_role_changes_while_somebody_is_granted_it(town, two, turned, late_first, lost, what):
    owed(town, two, turned, late_first, (what,), GRANT, ("postgres", "grantor"), lambda: town.person("1042"), "linn", lost)


@CHANGE_LAST
@pytest.mark.parametrize("what", [
    "UPDATE paasla.directory SET mode = 'observe' WHERE directory = 'linn'",
    "UPDATE paasla.institution_directory SET create_ahead = '3 days' WHERE (institution, directory) = ('LV', 'linn')"])
def test_a_directory_changes_while_somebody_is_hired(town, two, turned, late_first, lost, what):
    owed(town, two, turned, late_first, (what,), HIRE, ("postgres", "hr"), lambda: town.person("3001"), "linn", lost)


@BOTH
@LATE
def test_an_institution_gets_a_directory_while_somebody_is_hired(town, two, turned, late_first):
    owed(town, two, turned, late_first, ("INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'kool')",), HIRE,
         ("postgres", "hr"), lambda: town.person("3001"), "kool", lost=True)


@BOTH
@LATE
def test_an_absence_is_entered_while_its_person_departs(town, two, turned, late_first):
    owed(town, two, turned, late_first, (ABSENT, "1042"), ("SELECT paasla.depart('1042')",), ("hr", "hr"),
         lambda: town.person("1042"), "linn")
    assert town.wanted("1042") == ("locked", "departed")


@CHANGE_LAST
def test_an_absence_is_entered_while_its_person_is_hired_elsewhere(town, two, turned, late_first, lost):
    code = "49403136515"
    town.hire("3001", "Tiiu", "Rebane", personal_code=code)
    owed(town, two, turned, late_first, (ABSENT, "3001"),
         ("SELECT paasla.hire('LA', '78', 'Tiiu', 'Rebane', personal_code => %s)", code), ("hr", "hr_la"), lambda: town.person("3001"), "kool", lost)


@BOTH
def test_two_absences_of_one_person_and_one_is_cut_short(town, two, turned):
    who = town.person("1042")
    town.rows(ABSENT, "1042", user="hr")
    town.clean()
    cut = "UPDATE paasla.absence SET period = tstzrange(lower(period), now() + interval '1 minute') WHERE person_id = %s", who
    both(two, turned, (ABSENT, "1042"), cut, users=("hr", "postgres"), between=town.clean)
    assert causes(town, who) == {"absence"} and town.wanted("1042") == ("locked", "suspended")
    assert town.one("SELECT count(*) FROM audit.event WHERE action LIKE 'absence.%%'") == 3


@BOTH
def test_two_cut_one_absence_short(town, two, turned):
    who = town.person("1042")
    town.rows(ABSENT, "1042", user="hr")
    one, other = (("UPDATE paasla.absence SET period = tstzrange(lower(period), lower(period) + %s * interval '1 day') WHERE person_id = %s", n, who)
                  for n in (1, 2))
    assert both(two, turned, one, other, users=AS_OWNER)
    assert town.one("SELECT upper(period) - lower(period) = %s * interval '1 day' FROM paasla.absence", 1 if turned else 2)
    assert town.one("SELECT count(*) FROM audit.event WHERE action = 'absence.changed'") == 2


# ---- names ----

@BOTH
@pytest.mark.parametrize("commit", [True, False])
def test_two_rename_one_person(town, two, turned, commit):
    """Each name that was borne for a moment is a former one, and the one that stands is none."""
    who = town.person("1042")
    one, other = (("UPDATE paasla.person SET family_name = %s WHERE person_id = %s", name, who) for name in ("Kask", "Mänd"))
    assert both(two, turned, one, other, users=AS_OWNER, commit=commit)
    first, last = ("Mänd", "Kask") if turned else ("Kask", "Mänd")
    assert town.one("SELECT family_name FROM paasla.person WHERE person_id = %s", who) == last
    assert {f for f, in town.rows("SELECT family_name FROM paasla.former_name WHERE person_id = %s", who)} == ({"Tamm", first} if commit else {"Tamm"})
    assert causes(town, who) >= {"person"}


@BOTH
@LATE
def test_a_rename_beside_a_departure(town, two, turned, late_first):
    who = town.person("1042")
    both(two, turned, ("UPDATE paasla.person SET family_name = 'Kask' WHERE person_id = %s", who), ("SELECT paasla.depart('1042')",),
         users=("postgres", "hr"), late_first=late_first)
    assert town.wanted("1042") == ("locked", "departed")
    assert town.rows("SELECT family_name FROM paasla.former_name") == [("Tamm",)]
    assert town.one("SELECT count(*) FROM paasla.departure_said") == 1


# ---- what is asked for ----

@BOTH
@LATE
def test_a_compare_is_asked_for_while_a_directory_is_entered(town, two, turned, late_first):
    """Answered for each directory that was there; the new one is compared when it comes up."""
    both(two, turned, ("SELECT paasla.ask('sync')",), ("INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('uus', 'openldap', 'observe')",),
         users=("postgres", "postgres"), late_first=late_first)
    assert {"linn", "kool"} <= {d for d, in town.rows("SELECT directory FROM paasla.control_answer")}
