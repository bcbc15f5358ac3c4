"""What should be, as a function of time, and what falls due."""

import datetime

import pytest


def in_days(n):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=n)


def test_an_arrival_over_time(town):
    town.hire("2001", employed_from=in_days(10))
    assert town.wanted("2001") == ("none", "never")
    assert town.wanted("2001", at="now() + interval '4 days'") == ("locked", "arriving")
    assert town.wanted("2001", at="now() + interval '11 days'") == ("open", "employed")
    town.depart("2001", "now() + interval '20 days'")
    assert town.wanted("2001", at="now() + interval '21 days'") == ("locked", "departed")


def test_directories_of_each_institution(town):
    town.hire("77", institution="LA")
    who = town.person("77", "LA")
    wanted = "SELECT directory, want FROM paasla.wanted_account WHERE person_id = %s ORDER BY 1"
    assert town.rows(wanted, who) == [("kool", "open"), ("linn", "open")]
    assert town.wanted("1042", "kool") is None, "no row where no institution of the person has accounts"
    town.rows("SELECT paasla.hire('LV', '78', 'Eesnimi', 'Nimi77', personal_code => '49403136515')", user="hr")
    assert town.person("78") != who, "the same name is not the same person"


def test_two_employments_in_two_directories(town):
    town.hire("3001", "Tiiu", "Rebane", personal_code="49403136515")
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code="49403136515")
    town.rows("UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '78'", user="hr")
    assert town.wanted("3001", "kool") == ("locked", "departed")
    assert town.wanted("3001", "linn") == ("open", "employed")


def test_administrators_account_is_closed_when_the_task_is_taken_away(town):
    assert town.wanted("1042", purpose="admin") is None
    town.rows("UPDATE paasla.staff SET it_admin = true WHERE employee_no = '1042'", user="hr")
    assert town.wanted("1042", purpose="admin") == ("open", "employed")
    town.rows("UPDATE paasla.staff SET it_admin = false WHERE employee_no = '1042'", user="hr")
    assert town.wanted("1042", purpose="admin") == ("locked", "not_admin")


def test_suspension_keeps_entitlements_and_departure_does_not(town):
    town.grant("1042")
    mine = "SELECT count(*) FROM paasla.entitlement WHERE person_id = %s"
    town.rows("SELECT paasla.absent('1042', current_date, suspend => true)", user="hr")
    assert town.one(mine, town.person("1042")) == 1
    town.depart("1042", "now() + interval '1 day'")
    assert town.one("SELECT count(*) FROM paasla.entitlement_at(now() + interval '2 days') WHERE person_id = %s", town.person("1042")) == 0


def test_entitlements_are_those_of_accounts_that_are_wanted(town):
    """entitlement_at asks for the employment itself, for speed; it must come to the same as the accounts."""
    town.hire("2001", it_admin=True)
    town.hire("2002", employed_from=in_days(3))
    town.hire("2003")
    for no in ("2001", "2002", "2003", "1042"):
        town.grant(no)
    town.rows("INSERT INTO paasla.role_group (role_id, directory, group_dn, purpose) SELECT role_id, 'linn', 'cn=haldus', 'admin' "
              "FROM paasla.register_role WHERE role_code = 'lugeja'", user="admin")
    town.rows("SELECT paasla.absent('2001', current_date, suspend => true)", user="hr")
    town.depart("2003", "now() + interval '2 days'")
    for days in (0, 1, 2.5, 4):
        at = in_days(days)
        got = town.rows("SELECT person_id, directory, purpose, role_group_id FROM paasla.entitlement_at(%s) ORDER BY 1, 2, 3, 4", at)
        assert got == town.rows("""SELECT w.person_id, w.directory, w.purpose, rg.role_group_id FROM paasla.wanted_account_at(%(t)s) w
            JOIN paasla.role_group rg ON rg.directory = w.directory AND rg.purpose = w.purpose
            JOIN paasla.access_grant g ON g.role_id = rg.role_id AND g.person_id = w.person_id AND g.valid @> %(t)s
            WHERE w.want = 'open' OR w.cause = 'suspended' ORDER BY 1, 2, 3, 4""".replace("%(t)s", "%s"), at, at) and got


@pytest.mark.parametrize("what", ["hire", "depart", "grant", "revoke", "absence", "ahead"])
def test_each_thing_that_comes_by_itself_is_foreseen_and_falls_due(town, what):
    town.query("tick")
    soon = town.one("SELECT clock_timestamp() + interval '1 minute'")
    who = town.person("1042")
    if what == "hire":
        town.hire("2001", employed_from=soon)
        who = town.person("2001")
    elif what == "ahead":
        town.hire("2001", employed_from=soon + datetime.timedelta(days=7))
        who = town.person("2001")
        if (soon + datetime.timedelta(days=7)).utcoffset() != soon.utcoffset():
            pytest.skip("the clocks change within these days")
    elif what == "depart":
        town.rows("UPDATE paasla.staff SET departed_at = %s WHERE employee_no = '1042'", soon, user="hr")
    elif what == "grant":
        town.grant("1042", valid_from=soon)
    elif what == "revoke":
        town.grant("1042", valid_until=soon)
    else:
        town.rows("INSERT INTO paasla.absence (person_id, period, suspend) VALUES (%s, tstzrange(%s, NULL), true)", who, soon)
    town.clean()
    assert abs(town.query("tick")[0][0] - soon.timestamp() * 1e6) < 2
    assert [d for d in town.dirty() if d[1] == who and d[2] == "due"] == [] or what in ("grant", "revoke")
    town.clean()
    town.pass_time("1 minute")
    town.query("tick")
    assert ("linn", who, "due") in town.dirty()
    town.clean()
    town.query("tick")
    assert town.dirty() == [], "once"


def test_a_clock_that_was_set_back_looks_again_at_what_it_passed_too_early(town):
    town.query("tick")
    town.depart("1042", "now() + interval '5 days'")
    town.clean()
    town.rows("UPDATE paasla.clock_tick SET last_at = now() + interval '10 days'")
    town.query("tick")
    assert town.dirty() == [("linn", town.person("1042"), "due")]
    assert town.one("SELECT last_at <= now() FROM paasla.clock_tick")


def test_due_does_not_depend_on_the_sessions_time_zone(town):
    town.hire("2001", employed_from=datetime.datetime(2027, 3, 30, tzinfo=datetime.timezone.utc))
    moments = set()
    for zone in ("Europe/Tallinn", "UTC", "America/New_York"):
        town.rows(f"SET timezone = '{zone}'")
        moments.add(town.one("SELECT paasla.next_change('2027-03-01Z')"))
    assert moments == {datetime.datetime(2027, 3, 23, 1, tzinfo=datetime.timezone.utc)}, "seven days of Tallinn, one of 23 hours"


def test_changes_of_roles_and_directories_wake_their_people(town):
    town.grant("1042")
    who = town.person("1042")
    for change in ("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'lugeja'",
                   "UPDATE paasla.register_role SET on_drift = 'put_back' WHERE role_code = 'lugeja'",
                   "INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', 'cn=teine' FROM "
                   "paasla.register_role WHERE role_code = 'lugeja'",
                   "DELETE FROM paasla.role_group WHERE group_dn = 'cn=teine'"):
        town.clean()
        town.rows(change, user="admin")
        assert town.dirty() == [("linn", who, "role")], change
    town.clean()
    town.rows("UPDATE paasla.directory SET mode = 'observe' WHERE directory = 'linn'", user="admin")
    assert {d[1:] for d in town.dirty()} == {(town.person(n), "directory") for n in ("1001", "1002", "1042")}
    town.clean()
    town.rows("UPDATE paasla.directory SET last_compare_text = 'x'")
    assert town.dirty() == []


def test_a_person_in_an_observed_role_by_membership_only_is_woken_too(town):
    group = town.one("SELECT role_group_id FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja,%'")
    acc = town.query("reserve", "linn", town.person("1001"), "personal", ["x"])[0][0]
    town.rows("INSERT INTO paasla.membership VALUES (%s, %s, true)", acc, group)
    town.clean()
    town.rows("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'lugeja'", user="admin")
    assert town.dirty() == [("linn", town.person("1001"), "role")]


def test_an_account_in_a_directory_no_longer_used_is_known_and_left_alone(town):
    town.query("reserve", "linn", town.person("1042"), "personal", ["x"])
    town.rows("DELETE FROM paasla.institution_directory WHERE institution = 'LV'", user="admin")
    rows = [r for r in town.query("load_work", "preview", ["linn"], 10, 3, [town.person("1042")], 20, 0) if r[0] == "P"]
    assert [r[4:6] for r in rows] == [("none", "never")]
    assert [r[5:] for r in town.query("scan_accounts", "linn", "f")] == [("x", "none", "none", "never", "", "", "")]
