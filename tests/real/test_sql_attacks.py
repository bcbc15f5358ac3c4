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
