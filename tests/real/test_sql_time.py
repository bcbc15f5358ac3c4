"""Moments at the edges: days of 23 and 25 hours, midnight, dates that nobody means, ends that meet."""

import psycopg2
import pytest

from sqldaemon import load, only

FAR = ["-infinity", "infinity", "4713-01-01 BC", "0001-01-01", "1899-12-31", "2200-01-02", "9999-12-31", "20260-06-01", "294276-12-31 23:59:59+00"]


def alive(town):
    """The daemon can still ask what is due, and for its work, and believes every row."""
    town.query("tick")
    for kind in ("urgent", "bulk"):
        for row in only(load(town, kind), "P"):
            assert row[19] == "" or int(row[19]) >= 0, row


@pytest.mark.parametrize("far", FAR)
def test_a_date_that_nobody_means_is_refused_and_stops_nobody(town, far):
    says = "cannot be meant|cannot depart at|before that|less than or equal|before it is given"
    for call in ("hire('LV', '9', 'A', 'B', employed_from => %s)", "hire('LV', '9', 'A', 'B', until => %s)", "depart('1042', %s::timestamptz::date)"):
        town.refused(says + "|date out of range|infinite", "SELECT paasla." + call, far, user="hr")
        alive(town)
    town.refused(says, "UPDATE paasla.staff SET departed_at = %s, departure_ref = 'x' WHERE employee_no = '1042'", far, user="hr")
    town.refused(says + "|date out of range|infinite", "SELECT paasla.absent('1042', %s::timestamptz::date)", far, user="hr")
    for when in ("valid_until", "valid_from"):
        town.refused(says, "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1', 'x', %s => %%s)" % when, far, user="grantor")
    alive(town)
    assert town.wanted("1042") == ("open", "employed")


def test_who_was_hired_before_1970_stops_nobody(town):
    """Microseconds since then are negative: one row of that kind and the daemon believed nothing of the whole load."""
    town.hire("9", employed_from="1961-09-01")
    town.hire("10", employed_from="1961-09-01", until="1969-12-31")
    assert town.wanted("9") == ("open", "employed") and town.wanted("10") == ("locked", "departed")
    alive(town)


def test_an_odd_beginning_that_stands_holds_up_no_departure(town):
    town.rows("SET session_replication_role = replica; UPDATE paasla.employment SET period = tstzrange('0001-01-01', NULL) "
              "WHERE employee_no = '1042'; SET session_replication_role = origin")
    town.depart("1042")
    assert town.wanted("1042") == ("locked", "departed")
    alive(town)


@pytest.mark.parametrize("column, table", [("due_in", "register"), ("create_ahead", "institution_directory")])
def test_an_interval_that_nobody_means_is_refused(town, column, table):
    """It let nobody depart, or nobody be loaded: the sum is no date any more."""
    for far in ("178000000 years", "2 years"):
        town.refused("check constraint", "UPDATE paasla.%s SET %s = %%s" % (table, column), far, user="admin")
    town.rows("UPDATE paasla.%s SET %s = '30 days'" % (table, column), user="admin")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Europe/Tallinn"])
@pytest.mark.parametrize("day, ends", [
    ("2027-03-27", "2027-03-27 22:00"), ("2027-03-28", "2027-03-28 21:00"),  # the day of 23 hours
    ("2027-10-30", "2027-10-30 21:00"), ("2027-10-31", "2027-10-31 22:00"),  # the day of 25 hours
    ("2028-02-29", "2028-02-29 22:00"), ("2027-12-31", "2027-12-31 22:00")])
def test_the_last_day_ends_in_tallinn(town, zone, day, ends):
    town.rows("SET timezone = '%s'" % zone, user="hr")
    town.rows("SELECT paasla.depart('1042', %s, 'KK')", day, user="hr")
    assert town.one("SELECT to_char(upper(period) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM paasla.employment WHERE employee_no = '1042'") == ends
    at = town.one("SELECT upper(period)::text FROM paasla.employment WHERE employee_no = '1042'")
    assert [town.wanted("1042", at="'%s'::timestamptz + interval '%s'" % (at, d))[0] for d in ("-1 microsecond", "0", "1 microsecond")] == [
        "open", "locked", "locked"], "the end itself is over"


@pytest.mark.parametrize("moment, days", [("2027-03-29 00:00", ("29.03.2027", "28.03.2027")), ("2027-11-01 00:00", ("01.11.2027", "31.10.2027")),
                                          ("2027-03-28 00:00", ("28.03.2027", "27.03.2027")), ("2028-01-01 00:00", ("01.01.2028", "31.12.2027"))])
def test_midnight_is_said(town, moment, days):
    town.depart("1042", "timestamp '%s' AT TIME ZONE 'Europe/Tallinn'" % moment)
    assert "beginning of %s: the last whole day is %s" % days in town.notices("hr")
    town.depart("1001", "timestamp '%s' AT TIME ZONE 'Europe/Tallinn' - interval '1 second'" % moment)
    assert "beginning" not in town.notices("hr")


def test_an_hour_that_comes_twice_is_one_order_of_moments(town):
    """03:30 on the last Sunday of October: the first one has its offset said."""
    town.depart("1042", "'2027-10-31 03:30+03'")
    town.depart("1001", "'2027-10-31 03:30+02'")
    between = "'2027-10-31 03:59:59+03'"
    assert (town.wanted("1042", at=between)[0], town.wanted("1001", at=between)[0]) == ("locked", "open")


def test_rehired_on_the_same_day(town):
    grant = town.grant("1042")
    conn = town.connect("hr", autocommit=False)  # even in the same transaction, at the very same moment
    cur = conn.cursor()
    cur.execute("SELECT paasla.depart('1042', NULL, 'KK')")
    cur.execute("SELECT paasla.hire('LV', '1042', 'Mari', 'Tamm')")
    conn.commit()
    conn.close()
    assert town.wanted("1042") == ("open", "employed")
    assert town.one("SELECT ended_by FROM paasla.access_grant WHERE grant_id = %s", grant) == "departure", "rights are given anew"
    town.refused("newer employment|has no departure", "SELECT paasla.undo_depart('1042', 'R')", user="hr")
    town.depart("1042")
    assert town.wanted("1042") == ("locked", "departed")
    town.rows("SELECT paasla.undo_depart('1042', 'R')", user="hr")  # the newer one goes on, and only that
    assert town.wanted("1042") == ("open", "employed")
    assert town.rows("SELECT * FROM paasla.entitlement WHERE person_id = %s", town.person("1042")) == []


def test_a_grant_that_ends_with_the_departure_ended_by_itself(early):
    def departing(town, at):
        grant = town.grant("1042", valid_until=at)
        other = town.grant("1042", role="kirjutaja")
        town.rows("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'x' WHERE employee_no = '1042'", at, user="hr")
        def ended_by(g):
            return town.one("SELECT ended_by, upper(valid) = %s FROM paasla.access_grant WHERE grant_id = %s", at, g)
        assert ended_by(grant) == (None, True) and ended_by(other) == ("departure", True)

    town = early(departing)
    town.query("tick")
    town.rows("SELECT paasla.undo_depart('1042', 'R')", user="hr")
    held = {r[0] for r in town.rows("SELECT role_id FROM paasla.entitlement WHERE person_id = %s", town.person("1042"))}
    assert held == {r[0] for r in town.rows("SELECT role_id FROM paasla.register_role WHERE role_code = 'kirjutaja'")}


def test_two_employers_and_one_end(town):
    code = "49403136515"
    town.hire("3001", "Tiiu", "Rebane", personal_code=code)
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code=code)
    at = town.one("SELECT now() + interval '1 day'")
    for no in ("3001", "78"):
        town.rows("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'x' WHERE employee_no = %s", at, no, user="hr")
    ends = "'%s'::timestamptz" % at
    assert [town.wanted("3001", at=ends + d)[0] for d in (" - interval '1 microsecond'", "")] == ["open", "locked"]
    town.rows("UPDATE paasla.staff SET departed_at = departed_at + interval '1 day' WHERE employee_no = '78'", user="hr")
    assert town.wanted("3001", at=ends)[0] == "open"
    with pytest.raises(psycopg2.Error, match="already in that time|employed at LA already"):
        town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code=code)
