"""The store against a real PostgreSQL that is stopped, killed and cut off: every request gets exactly one answer.

store_harness (built next to paaslad) is driven by lines; see its head for the words.
"""
import hashlib
import os
import re
import socket
import subprocess
import threading
import time

import psycopg2
import pytest

from pgserver import PgServer

HARNESS = os.path.join(os.environ.get("PAASLA_BUILD", "build"), "daemon", "store_harness")
ANSWERS = ("STORE_DONE", "TICKED", "LOAD_DONE", "RESERVED", "INTENDED", "SCAN_DONE")
COMMANDS = {
    "recover": "recover {req}",
    "tick": "tick {req}",
    "load": "load {req} urgent openldap 10",
    "reserve": "reserve {req} openldap 1 personal mari.tamm,mari.tamm2",
    "intents": "intents {req} openldap 1 1",
    "settle": "settle {req} openldap 1 personal 1 1 1",
    "hold": "hold {req} openldap 1,2 1",
    "nominate": "nominate {req} openldap 1",
    "compare": "compare {req} openldap",
    "scan_accounts": "scan_accounts {req} openldap",
    "scan_group": "scan_group {req} openldap cn=x,dc=linn,dc=test",
    "scan_groups": "scan_groups {req} openldap",
}


class Harness:
    def __init__(self, dsn, password_file=None):
        args = [HARNESS, dsn] + ([str(password_file)] if password_file else [])
        env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, bufsize=1, env=env)
        self.lines, self.log, self.sent, self.killed = [], [], {}, False
        for pipe, into in ((self.p.stdout, self.lines), (self.p.stderr, self.log)):
            threading.Thread(target=self._read, args=(pipe, into), daemon=True).start()

    @staticmethod
    def _read(pipe, into):
        for line in pipe:
            into.append(line.rstrip("\n"))

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def ask(self, command, req):
        self.sent[req] = len(self.lines)
        self.say(COMMANDS[command].format(req=req))

    def wait(self, pattern, since=0, timeout=90, log=False):
        """The first line from index `since` on that matches. The harness tries again to connect after up to half a minute."""
        end = time.time() + timeout
        while time.time() < end:
            for line in (self.log if log else self.lines)[since:]:
                if re.search(pattern, line):
                    return line
            assert self.p.poll() is None, "harness ended: " + "\n".join(self.log)
            time.sleep(0.005)
        raise AssertionError(f"no {pattern!r} in {self.lines[since:]} log {self.log}")

    def wait_answer(self, req, timeout=90):
        return self.wait(rf"^({'|'.join(ANSWERS)}) {req}\b|^STORE_DOWN", self.sent[req], timeout)

    def answers(self, req):
        """How often req was answered: by its own event, or by a STORE_DOWN while it was open."""
        n, closed = 0, False
        for line in self.lines[self.sent[req]:]:
            word = line.split()[0]
            if word == "STORE_DOWN":
                n += 0 if closed else 1
                closed = True
            elif word in ANSWERS and line.split()[1] == str(req):
                n += 1
                closed = True
        return n

    def count(self, word, since=0):
        return sum(line.split()[0] == word for line in self.lines[since:])

    def kill(self):
        self.killed = True
        self.p.kill()
        self.p.wait()

    def close(self):
        if self.killed:
            return
        if self.p.poll() is None:
            self.say("quit")
        status = self.p.wait(60)
        assert status == 0, "\n".join(self.log)


TOWN = """
CREATE ROLE paaslad LOGIN IN ROLE paasla_daemon;
INSERT INTO paasla.institution (institution, name) VALUES ('LV', 'Linnavalitsus');
INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('openldap', 'openldap', 'enforce');
INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'openldap');
SELECT paasla.hire('LV', '1001', 'Mari', 'Tamm');
SELECT paasla.reserve('openldap', (SELECT min(person_id) FROM paasla.person), 'personal', '{mari.tamm}');
"""


@pytest.fixture(scope="module")
def pg():
    server = PgServer(migrated=True)
    server.start()
    server.migrate()
    sql(server, TOWN)
    yield server
    server.stop()


def daemon_dsn(pg):
    """As the daemon works: a log-in that owns nothing."""
    return psycopg2.extensions.make_dsn(pg.dsn(), user="paaslad")


@pytest.fixture
def harness(pg):
    made = []

    def make(password_file=None, up=True, dsn=None):
        h = Harness(dsn or daemon_dsn(pg), password_file)
        made.append(h)
        if up:
            h.wait("^STORE_UP")
        return h

    yield make
    for h in made:
        h.close()


def connect(pg):
    conn = psycopg2.connect(pg.dsn())
    conn.autocommit = True
    return conn


def sql(pg, text, *args):
    conn = connect(pg)
    try:
        cur = conn.cursor()
        cur.execute(text, args)
        return cur.fetchall() if cur.description else None
    finally:
        conn.close()


class Locked:
    """While it lasts, no statement of the daemon gets through: all its tables are locked."""

    def __init__(self, pg):
        self.pg = pg

    def __enter__(self):
        self.conn = psycopg2.connect(self.pg.dsn())
        cur = self.conn.cursor()
        cur.execute("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                    "WHERE schemaname = 'paasla' AND tablename <> 'schema_version' ORDER BY 1")
        for (table,) in cur.fetchall():
            cur.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        return self

    def __exit__(self, *unused):
        try:
            self.conn.rollback()
            self.conn.close()
        except psycopg2.Error:
            pass  # the server went with it


def pid_of(pg, name):
    rows = sql(pg, "SELECT pid FROM pg_stat_activity WHERE application_name = %s", name)
    return rows[0][0] if rows else None


def cut(pg, name="paaslad"):
    sql(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", name)


def wait_waiting(pg, name):
    """Until the daemon's statement stands in front of the lock."""
    end = time.time() + 60
    while time.time() < end:
        if sql(pg, "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'", name):
            return
        time.sleep(0.01)
    raise AssertionError("the statement never waited")


@pytest.fixture(scope="module")
def big_scan(pg):
    """More rows than fit into the buffers between two programs."""
    sql(pg, """
        INSERT INTO paasla.person (given_name, family_name) SELECT 'Jaan', 'Kask' FROM generate_series(1, 30000);
        INSERT INTO paasla.employee_number (institution, employee_no, person_id)
            SELECT 'LV', 'b' || person_id, person_id FROM paasla.person WHERE family_name = 'Kask';
        INSERT INTO paasla.employment (person_id, institution, employee_no, period)
            SELECT person_id, 'LV', 'b' || person_id, tstzrange(now(), NULL) FROM paasla.person WHERE family_name = 'Kask';
        """)
    return sql(pg, "SELECT count(*) FROM paasla.wanted_account WHERE directory = 'openldap'")[0][0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_one_answer(harness, command):
    h = harness()
    h.ask(command, 7)
    assert " failed" not in h.wait_answer(7), h.log
    time.sleep(0.1)
    assert h.answers(7) == 1 and h.count("STORE_DOWN") == 0


def no_plan_waits(pg):
    """What is held while one waits would go into that one."""
    sql(pg, "UPDATE paasla.plan SET state = 'superseded' WHERE state = 'held'")


def test_the_same_plan_has_the_same_digest(pg, harness):
    """Made by the shell, over sorted lines: the order of the items does not matter, and anybody can compute it."""
    no_plan_waits(pg)
    h = harness()
    h.say("hold 1 openldap 11,2 1")
    h.wait("^STORE_DONE 1$")
    h.say("hold 2 openldap 2,11 1")
    h.wait("^STORE_DONE 2$")
    lines = "close 11 0 personal 0\nclose 2 0 personal 0\n"
    digest = hashlib.sha256(lines.encode()).hexdigest()
    assert sql(pg, "SELECT count(*) FROM paasla.plan WHERE digest = %s", digest) == [(1,)]


@pytest.mark.parametrize("fault", ["stop", "kill9", "cut"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_server_goes_in_the_middle(pg, harness, command, fault):
    h = harness()
    name = {"scan_accounts": "paaslad scan", "scan_groups": "paaslad scan", "scan_group": "paaslad watch"}.get(command, "paaslad")
    with Locked(pg):
        h.ask(command, 1)
        h.ask("tick", 2)
        wait_waiting(pg, name)
        if fault == "cut":
            cut(pg, "paaslad")
        elif fault == "stop":
            pg.stop()
        else:
            pg.kill9()
        h.wait("^STORE_DOWN")
    if fault != "cut":
        pg.start()
    again = len(h.lines)
    h.wait("^STORE_UP", h.lines.index("STORE_DOWN 0"))
    h.ask(command, 3)
    h.wait_answer(3)
    time.sleep(0.05)
    assert [h.answers(r) for r in (1, 2, 3)] == [1, 1, 1]
    assert h.count("STORE_DOWN") == 1 and again >= 1


def test_a_pipeline_of_hundreds_is_cut(pg, harness):
    h = harness()
    reqs = range(1000, 1400)
    for r in reqs:
        h.sent[r] = len(h.lines)
    h.say("burst 400 tick 1000")
    h.wait("^TICKED 1020")
    pg.kill9()
    h.wait("^STORE_DOWN")
    pg.start()
    h.wait("^STORE_UP", h.lines.index("STORE_DOWN 0"))
    h.ask("tick", 5)
    h.wait_answer(5)
    assert all(h.answers(r) == 1 for r in reqs)
    done = [int(line.split()[1]) for line in h.lines if line.startswith("TICKED 1")]
    assert done == sorted(done)


def test_a_lost_scan_is_only_a_scan(pg, harness):
    h = harness()
    h.wait("^DIRTY")
    with Locked(pg):
        h.ask("scan_accounts", 1)
        wait_waiting(pg, "paaslad scan")
        cut(pg, "paaslad scan")
        h.wait("^SCAN_DONE 1 failed")
    h.ask("scan_groups", 2)
    assert h.wait_answer(2).startswith("SCAN_DONE 2")
    assert h.answers(1) == 1 and h.count("STORE_DOWN") == 0


def test_a_second_daemon_waits_and_takes_over(pg, harness):
    first = harness()
    second = harness(up=False)
    second.wait("another paaslad .* works on this database", log=True)
    time.sleep(4.5)  # two more tries
    assert second.count("STORE_UP") == 0
    assert sum("another paaslad" in line for line in second.log) == 1
    first.say("quit")
    second.wait("^STORE_UP")


@pytest.mark.parametrize("shift, sentence", [(-1, "run paaslactl db migrate"), (1, "this paaslad is older than the schema")])
def test_wrong_schema_version(pg, harness, shift, sentence):
    newest = sql(pg, "SELECT max(version) FROM paasla.schema_version")[0][0]
    sql(pg, "UPDATE paasla.schema_version SET version = version + %s WHERE version = %s", 100 * shift, newest)
    try:
        h = harness(up=False)
        h.wait(sentence, log=True)
        time.sleep(1.5)
        assert sum(sentence in line for line in h.log) == 1 and h.count("STORE_UP") == 0
    finally:
        sql(pg, "UPDATE paasla.schema_version SET version = %s WHERE version = %s", newest, newest + 100 * shift)
    h.wait("^STORE_UP")


def test_a_database_without_schema(pg, harness):
    sql(pg, "ALTER SCHEMA paasla RENAME TO elsewhere")
    try:
        h = harness(up=False)
        h.wait("run paaslactl db migrate", log=True)
    finally:
        sql(pg, "ALTER SCHEMA elsewhere RENAME TO paasla")
    h.wait("^STORE_UP")


def test_the_schema_changes_under_a_running_daemon(pg, harness):
    """A function is gone: not a failure to be repeated for ever, but a reason to look at the schema version again."""
    h = harness()
    sql(pg, "ALTER FUNCTION paasla.mark_due() RENAME TO mark_due_elsewhere")
    try:
        h.ask("tick", 1)
        h.wait("^STORE_DOWN")
    finally:
        sql(pg, "ALTER FUNCTION paasla.mark_due_elsewhere() RENAME TO mark_due")
    h.wait("^STORE_UP", h.lines.index("STORE_DOWN 0"))
    h.ask("tick", 2)
    assert h.wait_answer(2).startswith("TICKED 2 next=")
    assert h.answers(1) == 1


def test_the_listening_connection_is_cut(pg, harness):
    h = harness()
    h.wait("^DIRTY")
    at = len(h.lines)
    cut(pg, "paaslad listen")
    h.wait("not woken by PostgreSQL any more", log=True)
    h.wait("^DIRTY", at)  # whatever was said meanwhile
    at = len(h.lines)
    sql(pg, "NOTIFY paasla_dirty")
    h.wait("^DIRTY", at)
    assert h.count("STORE_DOWN") == 0


def test_our_own_writes_are_no_hints(pg, harness):
    """Otherwise a tick that marks somebody would be the hint for the next tick, without end."""
    sql(pg, "SELECT paasla.hire('LV', '1002', 'Jaan', 'Kuusk')")  # due within the minute that a tick looks back
    h = harness()
    h.wait("^DIRTY")
    time.sleep(0.2)
    at = len(h.lines)
    for i, command in enumerate(("tick", "recover", "nominate", "tick")):
        h.ask(command, 10 + i)
        h.wait_answer(10 + i)
    time.sleep(0.3)
    assert h.count("DIRTY", at) == 0
    sql(pg, "NOTIFY paasla_dirty")
    h.wait("^DIRTY", at)


def test_a_storm_of_hints_is_a_few(pg, harness):
    h = harness()
    h.wait("^DIRTY")
    time.sleep(0.2)
    at, began = len(h.lines), time.time()
    conn = connect(pg)
    for i in range(2000):
        conn.cursor().execute("NOTIFY paasla_dirty")
    conn.close()
    h.wait("^DIRTY", at)
    time.sleep(0.3)
    count, took = h.count("DIRTY", at), time.time() - began
    assert 1 <= count <= took / 0.002 + 3


def test_a_control_row_is_seen(pg, harness):
    h = harness()
    h.wait("^DIRTY")
    sql(pg, "INSERT INTO paasla.control (kind) VALUES ('sync')")
    sql(pg, "NOTIFY paasla_control")
    h.wait(r"^CONTROL 0 control=\d+ preview=0 dir=$")
    sql(pg, "NOTIFY paasla_control")
    time.sleep(0.3)
    assert h.count("CONTROL") == 1
    sql(pg, "UPDATE paasla.control SET done_at = now()")


def test_a_request_outlives_the_daemon_that_took_it(pg, harness):
    h = harness()
    h.wait("^DIRTY")
    sql(pg, "INSERT INTO paasla.control (kind) VALUES ('sync')")
    sql(pg, "NOTIFY paasla_control")
    taken = h.wait("^CONTROL")
    h.kill()
    assert harness().wait("^CONTROL") == taken
    sql(pg, "UPDATE paasla.control SET done_at = now()")


def test_a_paused_read_holds_nobody_up(pg, harness, big_scan):
    h = harness()
    h.wait("^DIRTY")
    h.say("pause 1000")
    h.ask("scan_accounts", 1)
    h.wait("^PAUSED 1 rows=1000")
    h.ask("tick", 2)
    assert h.wait_answer(2).startswith("TICKED 2")
    h.ask("scan_group", 3)
    assert h.wait_answer(3).startswith("SCAN_DONE 3"), "whoever watches the directory"
    h.sent[4] = len(h.lines)
    h.say("scan_accounts 4 another")
    assert h.wait_answer(4).startswith("SCAN_DONE 4"), "the compare of another directory"
    time.sleep(0.5)
    assert h.answers(1) == 0
    h.say("memory")
    before = int(h.wait("^MAXRSS").split()[1])
    at = len(h.lines)
    h.say("resume")
    assert h.wait_answer(1) == f"SCAN_DONE 1 rows={big_scan - 1000}", "counted since the last end"
    h.say("memory")
    assert int(h.wait("^MAXRSS", at).split()[1]) - before < 8000  # kB


def test_the_server_goes_during_a_pause(pg, harness, big_scan):
    h = harness()
    h.say("pause 1000")
    h.ask("scan_accounts", 1)
    h.wait("^PAUSED 1")
    pg.kill9()
    h.wait("^STORE_DOWN")
    pg.start()
    h.wait("^STORE_UP", h.lines.index("STORE_DOWN 0"))
    h.say("resume")
    h.ask("scan_accounts", 2)
    assert h.wait_answer(2) == f"SCAN_DONE 2 rows={big_scan + 1000}"
    assert h.answers(1) == 1


def test_a_peer_that_says_nothing(harness, tmp_path):
    """The socket takes the connection and never answers: our own limit ends it, since libpq has none here."""
    peer = socket.socket(socket.AF_UNIX)
    peer.bind(str(tmp_path / ".s.PGSQL.5432"))
    peer.listen(10)
    h = harness(dsn=f"host={tmp_path} dbname=paasla user=nobody connect_timeout=1", up=False)
    h.wait("PostgreSQL cannot be used: .*did not answer in time", log=True)
    first, _ = peer.accept()
    peer.settimeout(60)
    second, _ = peer.accept()  # it comes back
    for s in (first, second, peer):
        s.close()


def test_a_password_file_others_may_read(pg, harness, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x\n")
    secret.chmod(0o644)
    h = harness(password_file=secret, up=False)
    h.wait("PostgreSQL cannot be used: .*secret", log=True)
    time.sleep(1)
    assert h.count("STORE_UP") == 0
    secret.chmod(0o600)
    h.wait("^STORE_UP")


def test_a_statement_that_is_refused_is_answered_failed(pg, harness):
    h = harness()
    with Locked(pg):  # 55P03 after lock_timeout
        h.ask("settle", 1)  # behind the question for controls, which waits for its own lock_timeout
        assert h.wait_answer(1) == "STORE_DONE 1 failed"
    h.ask("tick", 2)
    assert h.wait_answer(2).startswith("TICKED 2 next=")
    assert [h.answers(r) for r in (1, 2)] == [1, 1] and h.count("STORE_DOWN") == 0


def test_a_failure_at_commit_is_a_failure(pg, harness):
    """Rows came and the statement was done; then the transaction was refused (as a serialization failure is)."""
    no_plan_waits(pg)
    sql(pg, """
        CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'names somebody' USING ERRCODE = 'serialization_failure'; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON paasla.plan DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.late();
        """)
    try:
        h = harness()
        h.sent[1] = len(h.lines)
        h.say("hold 1 openldap 77 1")
        h.ask("reserve", 2)
        assert h.wait_answer(1) == "STORE_DONE 1 failed"
        assert h.wait_answer(2).startswith("RESERVED 2 account=")
        h.wait("SQLSTATE 40001", log=True)  # another pipe than the answers, read by another thread
        assert not any("names somebody" in line for line in h.log)
    finally:
        sql(pg, "DROP FUNCTION public.late() CASCADE")
