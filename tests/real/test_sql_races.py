"""Two sessions at once: each trigger and each statement of the queue, in both orders.

Race opens two transactions; `first` and `second` run statements in them. A statement that has to wait does so in a thread
of its own, and the test sees for whom."""

import json
import threading
import time

import psycopg2
import pytest

from sqldaemon import account, item, settle

GRANT = "SELECT paasla.grant_access('1042', '{0}', '{1}', 'KK-1', 'r')"
DEPART = "UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no = '1042'"


class Session:
    """One transaction. run() waits for the statement, start() only until it is done or waits for a lock."""

    def __init__(self, town, user):
        self.town, self.conn = town, town.connect(user, autocommit=False)
        self.cur = self.conn.cursor()
        self.pid, self.thread, self.error = self.conn.get_backend_pid(), None, None

    def run(self, text, *args):
        self.cur.execute(text, args or None)
        return self.cur.fetchall() if self.cur.description else None

    def start(self, text, *args):
        def work():
            try:
                self.cur.execute(text, args or None)
            except psycopg2.Error as e:
                self.error = e
        self.thread = threading.Thread(target=work)
        self.thread.start()
        end = time.time() + 60
        while self.thread.is_alive() and not self.waits():
            assert time.time() < end
            time.sleep(0.005)
        return self.thread.is_alive()

    def waits(self):
        """For a transaction that stands open, so that it goes on waiting; not for a moment, for what is being done just now."""
        return self.town.one("SELECT EXISTS (SELECT FROM unnest(pg_blocking_pids(%s)) b JOIN pg_stat_activity a ON a.pid = b"
                             " WHERE a.state LIKE 'idle in transaction%%')", self.pid)

    def finish(self, commit=True):
        """The end of what start() began. An error is raised here."""
        if self.thread:
            self.thread.join(60)
            assert not self.thread.is_alive(), "still waits"
            self.thread = None
        if self.error:
            self.conn.rollback()
            error, self.error = self.error, None
            raise error
        self.conn.commit() if commit else self.conn.rollback()

    def close(self):
        if self.thread:
            self.conn.cancel()
            self.thread.join(60)
        self.conn.close()


@pytest.fixture
def two(town):
    made = []

    def open_two(first="hr", second="hr"):
        made.extend([Session(town, first), Session(town, second)])
        return made[-2:]

    yield open_two
    for s in made:
        s.close()


@pytest.mark.parametrize("commit", [True, False])
def test_two_hires_with_one_number(town, two, commit):
    a, b = two()
    a.run("SELECT paasla.hire('LV', '2001', 'Anu', 'Esimene')")
    assert b.start("SELECT paasla.hire('LV', '2001', 'Toomas', 'Teine')"), "waits for the first"
    a.finish(commit)
    if commit:
        with pytest.raises(psycopg2.errors.UniqueViolation, match="belongs to somebody else"):
            b.finish()
    else:
        b.finish()
    assert town.one("SELECT family_name FROM paasla.staff WHERE employee_no = '2001'", user="hr") == ("Esimene" if commit else "Teine")
    assert town.one("SELECT count(*) FROM paasla.person WHERE family_name IN ('Esimene', 'Teine')") == 1


def test_two_rehires_at_once(town, two):
    town.depart("1042")
    a, b = two()
    a.run("SELECT paasla.hire('LV', '1042', 'Mari', 'Tamm')")
    b.start("SELECT paasla.hire('LV', '1042', 'Mari', 'Tamm')")
    a.finish()
    with pytest.raises(psycopg2.Error, match="is employed at LV already"):
        b.finish()


@pytest.mark.parametrize("commit", [True, False])
def test_two_grants_that_overlap(town, two, commit):
    a, b = two("grantor", "grantor")
    a.run(GRANT.format("KAUST", "lugeja"))
    assert b.start(GRANT.format("KAUST", "lugeja"))
    a.finish(commit)
    if commit:
        with pytest.raises(psycopg2.errors.UniqueViolation, match="has KAUST lugeja already"):
            b.finish()
    else:
        b.finish()
    assert town.one("SELECT count(*) FROM paasla.access_grant") == 1


def alive(town):
    return town.one("SELECT count(*) FROM paasla.access_grant WHERE NOT isempty(valid) AND (upper(valid) IS NULL OR upper(valid) > clock_timestamp())")


@pytest.mark.parametrize("commit", [True, False])
def test_grant_while_a_departure_is_being_committed(town, two, commit):
    hr, it = two("hr", "grantor")
    hr.run(DEPART)
    assert it.start(GRANT.format("PABER", "vaataja"))
    hr.finish(commit)
    if commit:
        with pytest.raises(psycopg2.Error, match="is not employed then"):
            it.finish()
    else:
        it.finish()
    assert alive(town) == (0 if commit else 1)


@pytest.mark.parametrize("commit", [True, False])
def test_departure_while_a_grant_is_being_committed(town, two, commit):
    it, hr = two("grantor", "hr")
    it.run(GRANT.format("PABER", "vaataja"))
    assert hr.start(DEPART)
    it.finish(commit)
    hr.finish()
    assert alive(town) == 0
    if commit:
        assert [r[0] for r in town.rows("SELECT kind || ' ' || state FROM paasla.work_order ORDER BY 1")] == ["add cancelled", "remove open"]


@pytest.mark.parametrize("first", ["revoke", "depart"])
def test_revocation_and_departure_meet(town, two, first):
    town.grant("1042", "PABER", "vaataja")
    it, hr = two("grantor", "hr")
    revoke = "SELECT paasla.revoke_access('1042', 'PABER', 'vaataja')"
    if first == "revoke":
        it.run(revoke)
        assert hr.start(DEPART)
        it.finish()
        hr.finish()
    else:
        hr.run(DEPART)
        assert it.start(revoke)
        hr.finish()
        with pytest.raises(psycopg2.Error, match="does not have|has passed"):
            it.finish()
    assert town.one("SELECT ended_by FROM paasla.access_grant") == ("revoke" if first == "revoke" else "departure")
    assert town.one("SELECT count(*) FROM paasla.work_order WHERE kind = 'remove'") == 1


def test_two_departures_of_one_person(town, two):
    a, b = two()
    a.run(DEPART)
    assert b.start(DEPART)
    a.finish()
    with pytest.raises(psycopg2.Error, match="ended on"):
        b.finish()
    assert town.one("SELECT count(*) FROM audit.event WHERE action = 'employment.ended'") == 1


def test_both_employments_of_one_person_end_at_once(town, two):
    """Each departure alone is not the last one; together they are, and the grant that rests on none must end."""
    town.hire("3001", "Tiiu", "Rebane", personal_code="49403136515")
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code="49403136515")
    town.rows("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, tstzrange(now(), NULL), 'KK-1' "
              "FROM paasla.register_role WHERE role_code = 'vaataja'", town.person("3001"), user="grantor")
    a, b = two("hr", "hr_la")
    a.run("SELECT paasla.depart('3001')")
    assert b.start("SELECT paasla.depart('78')")
    a.finish()
    b.finish()
    assert alive(town) == 0


def test_one_login_for_two_people(town, two):
    a, b = two("daemon", "daemon")
    a.run("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x,y}')", town.person("1001"))
    assert b.start("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x,y}')", town.person("1042"))
    a.finish()
    b.finish()
    assert town.rows("SELECT login FROM paasla.login_name ORDER BY 1") == [("x",), ("y",)]


def test_one_login_for_one_person_twice(town, two):
    who = town.person("1042")
    a, b = two("daemon", "daemon")
    a.run("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x,y}')", who)
    assert b.start("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x,y}')", who)
    a.finish()
    b.finish()
    assert town.rows("SELECT login FROM paasla.login_name") == [("x",)] and town.one("SELECT count(*) FROM paasla.account") == 1


def test_a_wake_up_while_settle_consumes(town, two):
    acc = account(town, "1042")[0]
    town.clean()
    town.grant("1042")
    seqs = [r[0] for r in town.rows("SELECT seq FROM paasla.dirty")]
    it, daemon = two("grantor", "daemon")
    it.run(GRANT.format("KAUST", "kirjutaja"))  # its row is there, not yet to be seen
    told = dict(person_id=town.person("1042"), directory="linn", purpose="personal", account_id=acc, state="open", row=300, sentence="",
                intents=[], memberships=[], findings=[], resolved=[], seqs=seqs, retry_after_us=0)
    assert not daemon.start("SELECT paasla.settle(%s)", json.dumps(told)), "settling waits for nobody"
    daemon.finish()
    it.finish()
    assert [c for _, _, c in town.dirty()] == ["granted"]


def test_consumed_rows_come_back_when_settle_does_not_commit(town, two):
    acc = account(town, "1042")[0]
    before = town.dirty()
    a, _ = two("daemon", "daemon")
    a.run("SELECT paasla.settle(%s)", json.dumps(dict(
        person_id=town.person("1042"), directory="linn", purpose="personal", account_id=acc, state="open", row=300, sentence="", intents=[],
        memberships=[], findings=[], resolved=[], seqs=[r[0] for r in town.rows("SELECT seq FROM paasla.dirty")], retry_after_us=0)))
    a.finish(commit=False)
    assert town.dirty() == before


@pytest.mark.parametrize("tick_first", [True, False])
def test_due_work_beside_a_grant_whose_time_comes_before_it_is_committed(town, two, tick_first):
    town.query("tick")
    it, daemon = two("grantor", "daemon")
    it.run("SELECT paasla.grant_access('1042', 'PABER', 'vaataja', 'KK-1', 'r', NULL, clock_timestamp() + interval '0.2 seconds')")
    town.rows("SELECT pg_sleep(0.3)")
    if tick_first:
        assert not daemon.start("SELECT paasla.mark_due()"), "the tick waits for nobody"
        daemon.finish()
        assert town.rows("SELECT * FROM paasla.work_order") == []
    it.finish()
    assert ("linn", town.person("1042"), "granted") in town.dirty(), "the wake-up that makes the daemon tick again"
    town.query("tick")
    assert town.rows("SELECT kind, state FROM paasla.work_order") == [("add", "open")]


def test_two_ticks_open_one_order(town, two):
    town.one("SELECT paasla.grant_access('1042', 'PABER', 'vaataja', 'KK-1', 'r', NULL, clock_timestamp() + interval '0.1 seconds')", user="grantor")
    town.rows("SELECT pg_sleep(0.2)")
    a, b = two("daemon", "daemon")
    a.run("SELECT paasla.mark_due()")
    b.start("SELECT paasla.mark_due()")
    a.finish()
    b.finish()
    assert town.rows("SELECT kind, state FROM paasla.work_order") == [("add", "open")]


def test_one_finding_by_two_sessions(town, two):
    found = json.dumps(dict(persons=[], findings=[dict(kind="k", severity="info", person_id=0, account_id=0, role_group_id=0, key="x", text="t")]))
    a, b = two("daemon", "daemon")
    a.run("SELECT paasla.nominate('linn', %s)", found)
    assert b.start("SELECT paasla.nominate('linn', %s)", found)
    a.finish()
    b.finish()
    assert town.one("SELECT count(*) FROM paasla.finding") == 1


def test_one_plan_by_two_sessions(town, two):
    acc = account(town, "1042")[0]
    text = json.dumps(dict(directory="linn", digest="a" * 64, locks=1, removals=0, items=[item(town, "1042", acc)], seqs=[]))
    a, b = two("daemon", "daemon")
    a.run("SELECT paasla.hold(%s)", text)
    assert b.start("SELECT paasla.hold(%s)", text)
    a.finish()
    with pytest.raises(psycopg2.errors.UniqueViolation):
        b.finish()
    assert town.one("SELECT count(*) FROM paasla.plan") == 1


def test_two_approvers_of_one_plan(town, two):
    acc = account(town, "1042")[0]
    town.query("hold", json.dumps(dict(directory="linn", digest="a" * 64, locks=1, removals=0, items=[item(town, "1042", acc)], seqs=[])))
    a, b = two("approver", "approver")
    a.run("SELECT paasla.approve_plan('aaaaaaaa')")
    assert b.start("SELECT paasla.approve_plan('aaaaaaaa')")
    a.finish()
    with pytest.raises(psycopg2.Error, match="held no more"):
        b.finish()
    assert town.one("SELECT count(*) FROM audit.event WHERE action = 'plan.approved'") == 1


def test_two_close_one_work_order(town, two):
    town.grant("1042", "PABER", "vaataja")
    a, b = two("grantor", "grantor")
    close = "SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order"
    a.run(close)
    assert b.start(close)
    a.finish()
    with pytest.raises(psycopg2.Error, match="is done since"):
        b.finish()


def test_two_approve_one_request(town, two):
    town.rows("INSERT INTO paasla.db_login SELECT 'postgres', person_id FROM paasla.staff WHERE employee_no = '1042'")
    a, b = two("approver", "postgres")
    a.run("SELECT paasla.approve_request('KK-1')")
    assert b.start("SELECT paasla.approve_request('KK-1')")
    a.finish()
    with pytest.raises(psycopg2.Error, match="approved already"):
        b.finish()


def test_role_changes_while_somebody_is_granted_it(town, two):
    """Whichever commits last wakes the person: the role's holders are read after its change, the grant wakes by itself."""
    a, b = two("grantor", "admin")
    a.run(GRANT.format("KAUST", "lugeja"))
    assert not b.start("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'lugeja'")
    b.finish()
    town.clean()
    a.finish()
    assert ("linn", town.person("1042"), "granted") in town.dirty()


def test_departure_while_the_daemon_reserves(town, two):
    hr, daemon = two("hr", "daemon")
    hr.run(DEPART)
    daemon.start("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x}')", town.person("1042"))
    hr.finish()
    daemon.finish()
    assert town.wanted("1042") == ("locked", "departed")
    settle(town, "1042", town.one("SELECT account_id FROM paasla.account"), "out")
