"""What is kept of an open account: its end that HR knows beforehand, and names that HR changes."""
import datetime
import json

import pytest

import sqldaemon as d


def at(text):
    return "date_trunc('hour', now()) + interval '%s'" % text


def moment(town, text):
    return town.one("SELECT " + at(text))


def ends(town, no, directory="linn", purpose="personal"):
    return town.one("SELECT max(k.ends) FROM paasla.wanted_account w JOIN paasla.known_end_at(now()) k USING (person_id, directory, purpose)"
                    " WHERE want = 'open' AND person_id = %s AND directory = %s AND purpose = %s", town.person(no), directory, purpose)


def us(when):
    return str(int((when - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) / datetime.timedelta(microseconds=1)))


def end_row(town, no, kind="preview", **more):
    rows = [r for r in d.load(town, kind, persons=[town.person(no)], **more) if r[0] == "E" and r[1] == str(town.person(no))]
    assert len(rows) <= 1
    return rows[0][4:9] if rows else None


def keep(town, no, acc, when):
    return town.query("intents", json.dumps([dict(account_id=acc, person_id=town.person(no), directory="linn", purpose="personal",
                                                  role_group_id=0, op="keep", row=830, ends_us=int(us(when)) if when else 0)]))[0][0]


# ---- the end ----

def test_an_end_that_lies_ahead(town):
    assert ends(town, "1042") is None
    town.depart("1042", at("3 days"))
    assert ends(town, "1042") == moment(town, "3 days")
    town.depart("1042", at("5 days"))
    assert ends(town, "1042") == moment(town, "5 days")
    town.rows("UPDATE paasla.staff SET departed_at = NULL WHERE employee_no = '1042'", user="hr")
    assert ends(town, "1042") is None
    town.depart("1042")
    assert ends(town, "1042") is None, "a leaver's account is locked, and has no end to come"


def test_employments_that_follow_each_other_are_one(town):
    who = town.person("1042")
    town.depart("1042", at("3 days"))
    town.rows("INSERT INTO paasla.employee_number VALUES ('LA', '77', %s)", who)
    town.rows("INSERT INTO paasla.employment (person_id, institution, employee_no, period) VALUES (%s, 'LA', '77', tstzrange("
              + at("3 days") + ", " + at("9 days") + "))", who)
    assert ends(town, "1042") == moment(town, "9 days"), "linn knows both institutions"
    town.rows("UPDATE paasla.employment SET period = tstzrange(lower(period) + interval '1 second', upper(period))"
              " WHERE institution = 'LA' AND person_id = %s", who)
    assert ends(town, "1042") == moment(town, "3 days"), "it closes between them"
    town.rows("UPDATE paasla.employment SET period = tstzrange(" + at("2 days") + ", NULL) WHERE institution = 'LA' AND person_id = %s", who)
    assert ends(town, "1042") is None, "nothing ends"


def test_an_administrator_s_account_ends_with_the_task(town):
    who = town.person("1042")
    town.rows("UPDATE paasla.staff SET it_admin = true WHERE employee_no = '1042'", user="hr")
    town.rows("INSERT INTO paasla.employee_number VALUES ('LA', '77', %s)", who)
    town.rows("INSERT INTO paasla.employment (person_id, institution, employee_no, period) VALUES (%s, 'LA', '77', tstzrange(now(), NULL))", who)
    town.depart("1042", at("3 days"))
    assert ends(town, "1042") is None and ends(town, "1042", purpose="admin") == moment(town, "3 days")
    assert ends(town, "1042", "kool") is None


def test_only_what_is_open_has_an_end(town):
    town.depart("1042", at("3 days"))
    town.rows("SELECT paasla.absent('1042', current_date, suspend => true)", user="hr")
    assert ends(town, "1042") is None


def test_what_the_daemon_is_told(town):
    assert end_row(town, "1042") is None
    town.depart("1042", at("3 days"))
    want = moment(town, "3 days")
    assert end_row(town, "1042") == [us(want), "t", "0", "", ""]
    acc = d.account(town, "1042", state="open")[0]
    first = keep(town, "1042", acc, want)
    assert end_row(town, "1042") == [us(want), "t", "0", us(want), ""], "an intent is enough to know it as ours"
    assert [r[7] for r in d.load(town, "preview", persons=[town.person("1042")]) if r[0] == "I"] == [us(want)]
    d.settle(town, "1042", acc, "open", intents=[dict(id=first, outcome="done", code=0, at_us=0)])
    assert end_row(town, "1042") == [us(want), "t", "0", us(want), us(want)]
    scanned = {r[0]: r[9] for r in town.query("scan_accounts", "linn", "f")}
    assert scanned[str(town.person("1042"))] == us(want) and scanned[str(town.person("1001"))] == ""
    town.rows("UPDATE paasla.staff SET departed_at = NULL WHERE employee_no = '1042'", user="hr")
    second = keep(town, "1042", acc, None)
    d.settle(town, "1042", acc, "open", intents=[dict(id=second, outcome="done", code=0, at_us=0)])
    assert end_row(town, "1042") == ["", "f", "0", us(want), us(want) + " 0"]
    assert {r[0]: r[9] for r in town.query("scan_accounts", "linn", "f")}[str(town.person("1042"))] == "0"
    # what the log says of it
    said = [json.loads(r[0]) for r in town.rows("SELECT detail FROM audit.event WHERE action = 'intent.planned' ORDER BY event_id")]
    assert [s["op"] for s in said] == ["keep", "keep"] and said[1]["ends"] == "never"
    assert datetime.datetime.fromisoformat(said[0]["ends"]) == want
    # a leaver whom we believe open: what stands in the directory may be ours
    town.depart("1042")
    assert end_row(town, "1042") == ["", "f", "0", us(want), ""]


def test_named_or_a_crowd(town):
    for n in range(6):
        town.hire("30%02d" % n)
    town.depart("1042", at("3 days"))
    assert end_row(town, "1042")[1:3] == ["t", "0"]
    town.rows("UPDATE paasla.staff SET departed_at = " + at("3 days 5 hours") + ", departure_ref = 'KK-2' WHERE employee_no LIKE '30%%'", user="hr")
    assert end_row(town, "3000")[1:3] == ["f", "7"], "six of a list, and one besides"
    assert end_row(town, "1042")[1:3] == ["t", "0"]
    town.depart("3000", at("30 days"))
    assert end_row(town, "3000")[1:3] == ["t", "0"] and end_row(town, "3001")[1:3] == ["f", "6"]
    assert end_row(town, "3001", named=5)[1:3] == ["f", "6"], "they came as six, whatever became of one"
    assert end_row(town, "3001", named=6)[1:3] == ["t", "0"]
    assert end_row(town, "1042", per_hour=0)[1] == "f", "one by one, but too many in an hour"


def test_a_load_that_says_nothing_of_ends_costs_nothing(town):
    assert not [r for r in d.load(town, "preview", persons=[town.person("1001"), town.person("1002")]) if r[0] == "E"]


# ---- names ----

def names(town, no):
    return [tuple(r[4:7]) for r in d.load(town, "preview", persons=[town.person(no)]) if r[0] == "N" and r[2] == "linn"]


def test_former_names(town):
    assert names(town, "1042") == []
    town.rows("UPDATE paasla.staff SET family_name = 'Kask' WHERE employee_no = '1042'", user="hr")
    assert names(town, "1042") == [("0", "Mari", "Tamm")]
    town.rows("UPDATE paasla.staff SET given_name = 'Maria' WHERE employee_no = '1042'", user="hr")
    assert names(town, "1042") == [("0", "Mari", "Kask"), ("0", "Mari", "Tamm")]
    town.rows("UPDATE paasla.staff SET given_name = 'Mari', family_name = 'Tamm' WHERE employee_no = '1042'", user="hr")
    assert names(town, "1042")[0] == ("0", "Maria", "Kask") and len(names(town, "1042")) == 3
    town.rows("UPDATE paasla.staff SET unit = 'Arhiiv' WHERE employee_no = '1042'", user="hr")
    assert len(names(town, "1042")) == 3, "the name stayed"
    acc = d.account(town, "1042", state="open")[0]
    done = d.intend(town, "1042", acc, "rename")
    d.settle(town, "1042", acc, "open", intents=[dict(id=done, outcome="done", code=0, at_us=0)])
    assert {n[0] for n in names(town, "1042")} == {"1"}
    assert [r[10:12] for r in town.query("scan_accounts", "linn", "t") if r[0] == str(town.person("1042"))] == [("Mari", "Tamm")]
    assert [r[10:12] for r in town.query("scan_accounts", "linn", "f") if r[0] == str(town.person("1042"))] == [("", "")]


def test_a_change_of_name_wakes_the_daemon(town):
    town.rows("DELETE FROM paasla.dirty")
    town.rows("UPDATE paasla.staff SET family_name = 'Kask' WHERE employee_no = '1042'", user="hr")
    assert town.rows("SELECT directory, person_id FROM paasla.dirty") == [("linn", town.person("1042"))]


@pytest.mark.parametrize("user", ["hr", "admin", "grantor", "approver", "auditor", "nobody"])
def test_former_names_are_the_daemon_s(town, user):
    town.refused("permission denied", "SELECT * FROM paasla.former_name", user=user)
