"""A hundred thousand people with half a million grants: the plans that the planner makes, and how many rows a statement
walks for what it is about. Seconds are told by tests/bench."""

import json
import os
import re

import pytest

from sqltown import QUERIES, Town

PEOPLE = 100000
FEW = 500  # rows that one person may cost
KEYS = {"person": "person_id", "employment": "person_id", "absence": "person_id", "access_grant": "person_id",
        "account": "person_id", "former_name": "person_id", "plan_item": "person_id", "membership": "account_id",
        "intent": "(person_id|account_id)"}
IN_TIME = ["employment_ends", "intent_counted"]  # who ends with somebody; what the brake let pass
FILL = f"""
SET session_replication_role = replica;
INSERT INTO paasla.register_role (register_code, role_code, name, mode) SELECT 'KAUST', 'r' || i, 'r', 'enforce' FROM generate_series(1, 50) i;
INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', 'cn=g' || role_id FROM paasla.register_role
    WHERE role_code LIKE 'r%%';
INSERT INTO paasla.person (given_name, family_name) SELECT 'Eesnimi', 'Nimi' || i FROM generate_series(1, {PEOPLE}) i;
INSERT INTO paasla.employee_number SELECT 'LV', 'N' || person_id, person_id FROM paasla.person WHERE given_name = 'Eesnimi';
INSERT INTO paasla.employment (person_id, institution, employee_no, period)
    SELECT person_id, 'LV', employee_no, tstzrange('2020-01-01', NULL) FROM paasla.employee_number WHERE employee_no LIKE 'N%%';
INSERT INTO paasla.access_grant (person_id, role_id, valid)
    SELECT e.person_id, r.role_id, tstzrange('2021-01-01', NULL) FROM paasla.employment e CROSS JOIN generate_series(0, 4) k
    JOIN (SELECT role_id, row_number() OVER (ORDER BY role_id) AS n FROM paasla.register_role WHERE role_code LIKE 'r%%') r
        ON r.n = (e.person_id + k * 7) %% 50 + 1 WHERE e.employee_no LIKE 'N%%';
INSERT INTO paasla.account (person_id, directory, purpose, login, state, native_id)
    SELECT person_id, 'linn', 'personal', 'u' || person_id, 'open', 'id' || person_id FROM paasla.person WHERE given_name = 'Eesnimi';
INSERT INTO paasla.membership (account_id, role_group_id, present)
    SELECT a.account_id, rg.role_group_id, true FROM paasla.account a JOIN paasla.access_grant g ON g.person_id = a.person_id
    JOIN paasla.role_group rg ON rg.role_id = g.role_id;
DELETE FROM paasla.dirty;
SET session_replication_role = origin;
ANALYZE;
""".replace("%%", "%")


@pytest.fixture(scope="module")
def crowd():
    t = Town()
    t.rows(FILL)
    t.rows("VACUUM ANALYZE paasla.access_grant")  # as an old table is: an index alone may answer
    yield t
    t.close()


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def by_key(scan):
    """Its rows are found by the person or the account, or it is one of those that ask for a span of time."""
    cond = scan.get("Index Cond", scan.get("Recheck Cond", ""))
    return re.search(KEYS[scan["Relation Name"]] + " = ", cond) or any(n.get("Index Name") in IN_TIME for n in nodes(scan))


def by_the_daemon(t, text):
    """As it asks for work: what is said ahead holds for one transaction."""
    t.rows("BEGIN", user="daemon")
    t.query("plan_by_key")
    rows = t.rows(text, user="daemon")
    t.rows("COMMIT", user="daemon")
    return rows


def explain(crowd, text):
    return crowd.one("EXPLAIN (ANALYZE, FORMAT JSON) " + text)[0]


def walked(crowd, what, user="daemon"):
    """The rows that a statement of that log-in reads from tables, in order or by an index."""
    def seen():
        crowd.rows("SELECT pg_stat_force_next_flush()")  # what was read before it is not its affair
        crowd.rows("SELECT pg_stat_force_next_flush()", user=user)
        return int(crowd.one("SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"))
    before = seen()
    what()
    return seen() - before


def test_the_whole_entitlement_walks_the_grants_once(crowd):
    got = explain(crowd, "SELECT * FROM paasla.entitlement")
    assert got["Plan"]["Actual Rows"] == PEOPLE * 5
    scans = [n for n in nodes(got["Plan"]) if n.get("Relation Name") == "access_grant"]
    assert [(n["Node Type"], n["Actual Loops"]) for n in scans] == [("Seq Scan", 1)]


def test_who_has_a_role_is_not_asked_of_an_index_by_person(crowd):
    """It would be read from end to end for each role, and the planner takes it to be cheap."""
    got = explain(crowd, "SELECT person_id, role_id FROM paasla.access_grant"
                         " WHERE role_id = (SELECT min(role_id) FROM paasla.register_role WHERE role_code LIKE 'r%') AND valid @> now()")
    indexes = [n["Index Name"] for n in nodes(got["Plan"]) if "Index Name" in n]
    assert "grant_role" in indexes and "grant_once" not in indexes


def test_the_whole_wanted_state_looks_at_nobody_twice(crowd):
    got = explain(crowd, "SELECT * FROM paasla.wanted_account")
    scans = [n for n in nodes(got["Plan"]) if n.get("Relation Name") == "employment"]
    assert len(scans) == 1 and scans[0]["Actual Loops"] == 1


def test_one_person_costs_one_person(crowd):
    crowd.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no = 'N5000'", user="hr")
    rows = crowd.query("load_work", "urgent", ["linn"], 10, 3, [], 20, 0)
    assert [r[0] for r in rows].count("P") == 1 and [r[0] for r in rows].count("M") == 5
    assert ["T", "linn", "0", "0"] == list(rows[0][:4]), "filled without triggers, so nothing was counted"
    assert walked(crowd, lambda: crowd.query("load_work", "urgent", ["linn"], 10, 3, [], 20, 0)) < FEW
    big = [n for text in ("SELECT * FROM paasla.wanted_account_at(now()) WHERE person_id = 5000",
                          "SELECT * FROM paasla.entitlement_at(now()) WHERE person_id = 5000")
           for n in nodes(explain(crowd, text)["Plan"])
           if n["Node Type"] == "Seq Scan" and n["Actual Rows"] + n.get("Rows Removed by Filter", 0) > 1000]
    assert big == [], "person_id reaches the indexes through the functions"


def test_quiet_statements_are_quick(crowd):
    crowd.rows("DELETE FROM paasla.dirty")
    crowd.query("tick")
    assert walked(crowd, lambda: crowd.query("tick")) < FEW
    assert walked(crowd, lambda: crowd.query("recover")) < FEW
    assert walked(crowd, lambda: crowd.query("load_work", "urgent", ["linn", "kool"], 10, 3, [], 20, 0)) < FEW


def test_one_group_is_read_in_one_walk(crowd):
    dn = crowd.one("SELECT min(group_dn) FROM paasla.role_group WHERE group_dn LIKE 'cn=g%'")
    got = []
    assert walked(crowd, lambda: got.extend(crowd.query("scan_group", "linn", dn))) < 6 * PEOPLE
    assert abs(len(got) - PEOPLE // 10) < 10


def test_all_groups_are_read_in_one_walk(crowd):
    rows = []
    assert walked(crowd, lambda: rows.extend(crowd.query("scan_groups", "linn"))) < 15 * PEOPLE, "everybody and their five grants"
    assert len(rows) == crowd.one("SELECT count(*) FROM paasla.role_group WHERE directory = 'linn'")
    assert sum(len(row[3].split()) for row in rows) == crowd.one("SELECT count(*) FROM paasla.entitlement WHERE directory = 'linn'")
    some = next(row for row in rows if row[3])
    assert set(map(int, some[3].split())) == {p for p, in crowd.rows(
        "SELECT person_id FROM paasla.entitlement WHERE role_group_id = %s", int(some[0]))}


def test_settling_does_not_grow_with_the_plan(crowd):
    """An approved plan of a thousand locks is looked at once for each of them, by their own items only."""
    items = [dict(person_id=p, account_id=a, purpose="personal", role_group_id=0, op="close", row=330)
             for p, a in crowd.rows("SELECT person_id, account_id FROM paasla.account ORDER BY account_id LIMIT 1000")]
    crowd.query("hold", json.dumps(dict(directory="linn", preview=False, control_id=0, digest="c" * 64, why="", locks=1000, removals=0,
                                        items=items, seqs=[])))
    told = dict(person_id=items[0]["person_id"], directory="linn", purpose="personal", account_id=items[0]["account_id"], state="open", row=0,
                sentence="", native_id="", dn="", intents=[], memberships=[], findings=[], resolved=[], changed_at_us=0, locked_at_us=0,
                out_at_us=0, seqs=[], retry_after_us=0, retry_reason="")
    assert walked(crowd, lambda: crowd.query("settle", json.dumps(told))) < FEW


def test_a_thousand_departures_in_one_statement(crowd):
    leave = "UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-M' WHERE employee_no LIKE 'N99___'"
    assert walked(crowd, lambda: crowd.rows(leave, user="hr"), user="hr") < 20 * PEOPLE, "a thousand times everybody would be 100,000,000, of the log alone 3,700,000"
    assert crowd.one("SELECT count(DISTINCT person_id) FROM paasla.dirty") >= 1000
    rows = []
    assert walked(crowd, lambda: rows.extend(crowd.query("load_work", "urgent", ["linn"], 10, 3, [], 20, 0))) < 2 * PEOPLE, \
        "the transaction that they share is looked at once, and of those who ever left each person's own rows"
    assert {r[6] for r in rows if r[0] == "P" and r[14].startswith("N99")} == {"f"}


@pytest.mark.parametrize("first", ["nobody", "people"])
def test_a_plan_that_was_made_of_empty_tables_serves_a_crowd(first):
    """As a daemon keeps it that runs from the first day on; nobody has analysed anything since. Or since all people were
    entered, who have no accounts yet."""
    t = Town()
    people, accounts = FILL.replace(str(PEOPLE), "5000").split("INSERT INTO paasla.account")
    try:
        t.rows("ALTER SYSTEM SET autovacuum = off")
        t.rows("SELECT pg_reload_conf()")
        if first == "people":
            t.rows(people + "ANALYZE")
        with open(os.path.join(QUERIES, "load_work.sql"), encoding="utf-8") as f:
            t.rows("PREPARE load_work (text, text[], int, int, bigint[], int, bigint) AS " + f.read(), user="daemon")
        load = "EXECUTE load_work ('urgent', '{linn}', 10, 3, '{}', 20, 0)"
        plan = by_the_daemon(t, "EXPLAIN (FORMAT JSON) " + load)[0][0][0]["Plan"]
        strays = [n for n in nodes(plan) if n.get("Relation Name") in KEYS and not by_key(n)]
        assert strays == [], "each is found by the person, or by the account"
        t.rows((people if first == "nobody" else "SET session_replication_role = replica;")
               + "INSERT INTO paasla.account" + accounts.replace("ANALYZE;", ""))
        for n in range(500, 600):
            t.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no = 'N%d'" % n, user="hr")
        t.rows("DELETE FROM paasla.dirty WHERE person_id <> 599")
        rows = []
        assert walked(t, lambda: rows.extend(by_the_daemon(t, load))) < FEW
        assert [r[0] for r in rows].count("P") == 1 and [r[0] for r in rows].count("M") == 5
    finally:
        t.rows("ALTER SYSTEM RESET autovacuum")
        t.rows("SELECT pg_reload_conf()")
        t.close()
