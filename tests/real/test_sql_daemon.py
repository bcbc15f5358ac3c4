"""What the daemon asks and says: the statements of sql/queries against a real database."""

import json

import pytest

from sqldaemon import account, hold, intend, item, load, only, settle


def test_one_load_has_everything_about_a_pair_in_order(town):
    group = town.one("SELECT role_group_id FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja,%%'")
    town.grant("1042")
    acc = account(town, "1042", state="open")[0]
    town.hire("1043", it_admin=True)
    town.clean()
    town.rows("INSERT INTO paasla.membership VALUES (%s, %s, true)", acc, group)
    intent = intend(town, "1042", acc, "remove_member", group)
    plan = hold(town, "a" * 64, [item(town, "1042", acc)])
    town.depart("1042")
    rows = load(town)
    assert [r[0] for r in rows] == ["T"] * 2 + ["G"] * 3 + ["P", "M", "I", "H"] + ["D"] * 2
    who = str(town.person("1042"))
    assert rows[1][:6] == ["T", "linn", "1", "1", "", ""]
    assert only(rows, "G")[0][1:8] == ["linn", str(group), rows[2][3], "cn=lugeja,ou=grupid,dc=linn", "enforce", "f", "personal"]
    p = only(rows, "P")[0]
    assert p[1:12] == [who, "linn", "personal", "locked", "departed", "t", str(acc), "1042a", "", "", "open"]
    assert p[12:19] == ["Mari", "Tamm", "1042", "", "", "LV", "enforce"] and int(p[19]) > 1e15 and p[20] == "0"
    assert only(rows, "M")[0][1:10] == [who, "linn", "personal", str(group), "f", "t", "enforce", "f", "0"]
    assert only(rows, "I")[0][1:7] == [who, "linn", "personal", str(intent), "remove_member", str(group)]
    assert only(rows, "H")[0][1:7] == [who, "linn", "personal", "held", "close", "0"]
    assert plan and all(r[1:3] == [who, "linn"] for r in only(rows, "D"))


def test_it_says_when_the_next_row_falls_due(town):
    def due():
        return [r[5] for r in load(town, "urgent") if r[0] == "T"]
    town.clean()
    assert due() == ["", ""], "nothing waits for its time"
    for after in ("3 hours", "2 hours", "-1 hour"):
        town.rows("INSERT INTO paasla.dirty (directory, person_id, cause, not_before) VALUES ('linn', %s, 'retry', now() + %s::interval)",
                  town.person("1042"), after)
    kool, linn = due()
    assert kool == "" and 7190e6 < int(linn) <= 7200e6
    town.clean()
    assert due() == ["", ""]


def test_administrators_have_their_row_first(town):
    town.hire("1043", it_admin=True)
    assert [r[3:6] for r in only(load(town, "bulk"), "P") if r[1] == str(town.person("1043"))] == [
        ["admin", "open", "employed"], ["personal", "open", "employed"]]
    town.rows("UPDATE paasla.staff SET it_admin = false WHERE employee_no = '1043'", user="hr")
    assert town.wanted("1043", purpose="admin") == ("locked", "not_admin")
    town.depart("1043")
    assert town.wanted("1043", purpose="admin") == ("locked", "departed")


def test_urgent_and_bulk_share_the_pairs(town):
    town.clean()
    acc = {no: account(town, no, state="open")[0] for no in ("1001", "1002", "1042")}
    town.clean()
    town.depart("1042")
    town.grant("1001")
    assert {r[1] for r in only(load(town, "urgent"), "P")} == {str(town.person("1042"))}
    assert {r[1] for r in only(load(town, "bulk"), "P")} == {str(town.person("1001"))}
    both = [town.person("1002")]
    assert {r[1] for r in only(load(town, "preview", persons=both), "P")} == {str(town.person(n)) for n in acc}
    town.clean()
    for no in acc:
        town.grant(no, role="kirjutaja") if no != "1042" else None
    assert len(only(load(town, "bulk", limit=1), "P")) == 1
    assert load(town, "bulk", directories=["kool"])[0][:2] == ["T", "kool"]


def test_a_retry_waits_and_its_row_goes_with_the_pair(town):
    acc = account(town, "1042")[0]
    town.clean()
    settle(town, "1042", acc, "none", retry_after_us=3600 * 1000000)
    assert only(load(town, "bulk"), "P") == [] and town.one("SELECT cause, not_before > now() + interval '59 min' FROM paasla.dirty") == ("retry", True)
    town.grant("1042")
    assert len(only(load(town, "bulk"), "D")) == 2
    settle(town, "1042", acc, "none")
    assert town.rows("SELECT * FROM paasla.dirty") == []


@pytest.mark.parametrize("leavers, named", [(3, "t"), (4, "f")])
def test_named_means_few_in_one_transaction(town, leavers, named):
    for i in range(leavers):
        town.hire(f"30{i}")
        account(town, f"30{i}", state="open")
    town.clean()
    town.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no LIKE '30%%'", user="hr")
    assert {r[6] for r in only(load(town), "P")} == {named}
    settle(town, "300", town.one("SELECT account_id FROM paasla.account WHERE person_id = %s", town.person("300")), "out")
    assert {r[6] for r in only(load(town), "P")} == {named}, "what is consumed does not make the rest few"
    town.rows("SELECT paasla.depart('301')", user="hr")
    assert {r[1]: r[6] for r in only(load(town), "P")}[str(town.person("301"))] == "t", "said once more, alone"
    if leavers > 3:
        town.rows("SELECT count(paasla.depart('30' || i)) FROM generate_series(0, 3) i", user="hr")
        assert {r[6] for r in only(load(town), "P")} == {"f"}, "saying a list once more is a list"
        town.hire("302", "Eesnimi", "Nimi302")
        assert {r[1]: r[6] for r in only(load(town), "P") + only(load(town, "bulk"), "P")}[str(town.person("302"))] == "f"


def names(town, user, *numbers):
    """One transaction of that log-in."""
    town.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no = ANY (%s)", list(numbers), user=user)


def test_a_list_stays_a_list_when_the_end_of_one_on_it_is_moved(town):
    people = ["80%02d" % n for n in range(4)]
    for no in people:
        town.hire(no)
    town.rows("UPDATE paasla.staff SET departed_at = now() + interval '1 minute', departure_ref = 'x' WHERE employee_no LIKE '80%%'", user="hr")
    town.rows("UPDATE paasla.staff SET departed_at = now() + interval '50 seconds' WHERE employee_no = '8000'", user="hr")
    town.pass_time("1 minute")
    told = {r[1]: r[6] for r in only(load(town), "P")}
    assert {told[str(town.person(no))] for no in people[1:]} == {"f"}, "one is told of by another transaction now, and they came as four"
    assert told[str(town.person("8000"))] == "t", "who is named by itself"


def named(town, per_hour):
    return {r[1] for r in only(load(town, per_hour=per_hour), "P") if r[6] == "t" and r[3] == "personal" and r[2] == "linn"}


def test_a_list_that_is_committed_in_pieces_names_only_its_first_ones(town):
    people = [str(2000 + n) for n in range(12)]
    for no in people + ["77"]:
        town.hire(no, institution="LA" if no == "77" else "LV")
        account(town, no, state="open") if no != "77" else None
    who = {no: str(town.person(no, "LA" if no == "77" else "LV")) for no in people + ["77"]}
    names(town, "hr", *people[:6])  # a list: it names nobody, and takes nothing from the number
    for no in people[6:10]:
        names(town, "hr", no)
    assert named(town, 4) == {who[no] for no in people[6:10]}
    names(town, "hr", *people[10:])
    assert named(town, 4) == {who[no] for no in people[6:10]}, "the first ones stay named"
    assert named(town, 6) == {who[no] for no in people[6:]}
    assert named(town, 0) == set()
    names(town, "hr_la", "77")
    assert who["77"] in named(town, 4), "another log-in is counted by itself"
    town.rows("SELECT paasla.depart(%s)", people[0], user="hr")
    assert who[people[0]] not in named(town, 4) and who[people[0]] in named(town, 7), "to say it again is to name, too"
    town.rows("SET session_replication_role = replica; UPDATE paasla.departure_said SET said_at = said_at - interval '61 minutes' "
              "WHERE person_id <> %s" % who[people[0]])
    assert who[people[0]] in named(town, 4), "an hour later"


def test_what_the_brake_let_pass_is_told_to_who_asks(town):
    acc = account(town, "1042", state="open")[0]
    assert only(load(town, passed_us=10**9), "W") == []
    one = town.query("intents", json.dumps([
        dict(account_id=acc, person_id=town.person("1042"), directory="linn", purpose="personal", role_group_id=g, op=op, row=1,
             counted=counted) for g, op, counted in ((0, "close", True), (1, "remove_member", True), (2, "remove_member", False), (0, "close", True))]))
    assert len(one) == 4
    rows = only(load(town, passed_us=10**9), "W")
    assert sorted(r[1:4] for r in rows) == [["linn", str(acc), "0"], ["linn", str(acc), "1"]], "each thing once"
    assert all(0 <= int(r[4]) < 60 * 10**6 for r in rows)
    town.rows("SET session_replication_role = replica; UPDATE paasla.intent SET at = at - interval '10 minutes' WHERE intent_id = %d" % one[0][0])
    ages = {r[3]: int(r[4]) for r in only(load(town, passed_us=10**9), "W")}
    assert ages["0"] < 60 * 10**6, "as of the last time"
    town.rows("SET session_replication_role = replica; UPDATE paasla.intent SET at = at - interval '10 minutes' WHERE intent_id = %d" % one[3][0])
    assert {r[3]: int(r[4]) for r in only(load(town, passed_us=10**9), "W")}["0"] >= 600 * 10**6
    assert only(load(town, passed_us=0), "W") == [] and only(load(town, passed_us=1), "W") == []
    assert only(load(town, passed_us=10**9, directories=["kool"]), "W") == []


def moments(town, acc):
    return [m and int(m) for m in town.one("SELECT extract(epoch FROM changed_at), extract(epoch FROM locked_at), extract(epoch FROM out_at) "
                                           "FROM paasla.account WHERE account_id = %s", acc)]


def test_the_first_moments_of_a_departure_stay(town):
    acc = account(town, "1042", state="open")[0]

    def told(state, changed, locked, out):
        settle(town, "1042", acc, state, changed_at_us=changed * 10**6, locked_at_us=locked * 10**6, out_at_us=out * 10**6)
        return moments(town, acc)
    assert told("closing", 100, 110, 0) == [100, 110, None]
    assert told("out", 100, 0, 120) == [100, 110, 120]
    assert told("out", 100, 210, 220) == [100, 110, 120], "put right again: it was out since the departure"
    assert told("out", 100, 0, 320) == [100, 110, 120]
    assert told("out", 500, 510, 520) == [500, 510, 520], "another departure"
    assert told("open", 600, 0, 0) == [500, None, None]
    assert told("out", 600, 610, 620) == [600, 610, 620]


def test_reserve_is_for_ever_and_the_same_everywhere(town):
    town.hire("77", institution="LA")
    who = town.person("77", "LA")
    a, login = town.query("reserve", "linn", who, "personal", ["x", "y"])[0]
    b, again = town.query("reserve", "kool", who, "personal", ["z"])[0]
    assert (login, again) == ("x", "x") and a != b
    assert town.query("reserve", "linn", who, "personal", ["q"])[0] == (a, "x")
    assert town.query("reserve", "linn", town.person("1042"), "personal", ["x", "y"])[0][1] == "y"
    assert town.query("reserve", "linn", town.person("1001"), "personal", ["x", "y"])[0] == (0, "")
    town.refused("refused", "DELETE FROM paasla.login_name")
    town.refused("does not change", "UPDATE paasla.login_name SET login = 'w' WHERE login = 'x'")


def test_intent_and_outcome_are_logged_and_settled_once(town):
    acc = account(town, "1042", state="open")[0]
    n = intend(town, "1042", acc, "close")
    done = [dict(id=n, outcome="done", code=0, at_us=1795241643995793)]
    settle(town, "1042", acc, "out", row=440, sentence="The lock is in the directory.", native_id="uuid", dn="uid=x,dc=linn", intents=done,
           changed_at_us=1795241643000000, locked_at_us=1795241643500000, out_at_us=1795241643900000)
    assert town.one("SELECT state, state_row, native_id, dn, extract(epoch FROM locked_at - changed_at)::float FROM paasla.account") == (
        "out", 440, "uuid", "uid=x,dc=linn", 0.5)
    settle(town, "1042", acc, "out", row=440, intents=[dict(id=n, outcome="failed", code=50, at_us=0)])  # sent twice after a lost answer
    assert town.one("SELECT outcome, code FROM paasla.intent") == ("done", None)
    assert [r[0] for r in town.rows("SELECT action FROM audit.event WHERE account_id = %s ORDER BY event_id", acc)] == [
        "account.reserved", "intent.planned", "intent.outcome", "account.state"]


def test_open_intents_are_looked_at_after_a_crash(town):
    acc = account(town, "1042", state="open")[0]
    intend(town, "1042", acc, "close")
    town.clean()
    town.query("recover")
    assert town.dirty() == [("linn", town.person("1042"), "recovery")]
    assert len(only(load(town, "urgent"), "I")) == 1 and town.one("SELECT outcome FROM paasla.intent") is None


def test_settle_takes_exactly_the_rows_that_were_read(town):
    acc = account(town, "1042")[0]
    town.clean()
    town.grant("1042")
    seqs = [int(r[3]) for r in only(load(town, "bulk"), "D")]
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    settle(town, "1042", acc, "open", seqs=seqs)
    assert [c for _, _, c in town.dirty()] == ["revoked"]


def test_findings_open_once_and_are_over_when_not_found_again(town):
    acc = account(town, "1042")[0]
    who = town.person("1042")
    def found(kind, key, account_id=acc):
        return dict(kind=kind, severity="warning", person_id=who, account_id=account_id, role_group_id=0, key=key, text="Mari Tamm ...")
    settle(town, "1042", acc, "open", findings=[found("a", "1"), found("b", "2"), found("c", f"{who}/personal", 0)])
    settle(town, "1042", acc, "open", findings=[found("a", "1")])
    assert town.rows("SELECT kind, times, state FROM paasla.finding ORDER BY kind") == [("a", 2, "open"), ("b", 1, "open"), ("c", 1, "open")]
    settle(town, "1042", acc, "open", findings=[found("a", "1")], resolved=[dict(kind="*", key="*")])
    assert town.rows("SELECT kind, times, state FROM paasla.finding ORDER BY kind") == [("a", 3, "open"), ("b", 1, "resolved"), ("c", 1, "resolved")]
    settle(town, "1042", acc, "open", findings=[found("b", "2")])
    assert town.one("SELECT count(*) FROM paasla.finding WHERE kind = 'b'") == 2
    assert town.one("SELECT count(*) FROM audit.event WHERE action LIKE 'finding.%%' AND detail LIKE '%%Mari%%'") == 0


def test_put_backs_of_the_last_hour_are_counted(town):
    group = town.one("SELECT role_group_id FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja,%%'")
    acc = account(town, "1042")[0]
    town.grant("1042")
    town.rows("UPDATE paasla.register_role SET on_drift = 'put_back' WHERE role_code = 'lugeja'", user="admin")
    for _ in range(3):
        intend(town, "1042", acc, "remove_member", group, put_back=True)
    assert [r[8:10] for r in only(load(town, "bulk"), "M")] == [["t", "3"]]
