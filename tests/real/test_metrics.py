"""/metrics and /healthz of the real daemon: what they say, and that nobody who asks can hold anything up."""
import concurrent.futures
import datetime
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import prometheus
from ldapserver import SUFFIX, free_port, stand_still
from town import BUILD, Town, until


class Local(http.client.HTTPConnection):
    """HTTP over a local socket."""

    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        end = time.monotonic() + self.timeout
        while True:
            try:
                return self.sock.connect(self.path)
            except BlockingIOError:  # the socket's queue is full
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def set_option(town, section, line):
    """The option, set or set anew in paasla.conf; whoever reads it meanwhile finds the whole file of before."""
    name = line.split(" =")[0]
    with open(town.conf) as f:
        text = [l for l in f.read().splitlines() if not l.startswith(name + " =")]
    text.insert(text.index("[%s]" % section) + 1, line)
    with open(town.conf + ".new", "w") as f:
        f.write("\n".join(text) + "\n")
    os.replace(town.conf + ".new", town.conf)


class Asker:
    def __init__(self, town, start=True):
        self.town, self.path = town, os.path.join(town.dir, "metrics.sock")
        set_option(town, "daemon", "metrics = unix:" + self.path)
        self.began = time.time()
        if start:
            town.start()
            town.settled()
            self.opens()

    def opens(self):
        """The daemon says so when it listens; the file is there a moment before."""
        until(lambda: "/metrics and /healthz answer on unix:" + self.path in self.town.said(), what="the door")

    def get(self, path="/metrics", method="GET", **kw):
        c = Local(self.path)
        try:
            c.request(method, path, **kw)
            r = c.getresponse()
            return r.status, r.read().decode("utf-8")
        finally:
            c.close()

    def page(self):
        """What comes, with or without the numbers of the database."""
        status, text = self.get()
        assert status == 200
        return prometheus.parse(text)

    def metrics(self):
        """With what only the database knows: a page does not wait longer for it than three seconds."""
        return until(lambda: (lambda m: prometheus.value(m, "paasla_database_answered") == 1 and m)(self.page()), 60, "a whole page")

    def health(self):
        return self.get("/healthz")

    def well(self):
        until(lambda: self.health() == (200, WELL), what=lambda: "health: %s" % (self.health(),))


@pytest.fixture
def town():
    t = Town(people=2)
    yield t
    t.close()


@pytest.fixture
def asker(town):
    return Asker(town)


WELL = "ok: PostgreSQL and 1 of 1 directories connected, no change waits for long\n"
DATABASE = {"paasla_queue_rows", "paasla_queue_persons", "paasla_queue_oldest_seconds", "paasla_plans_held", "paasla_findings_open",
            "paasla_locks_not_proven", "paasla_intents_open", "paasla_work_orders_open",
            "paasla_compare_complete_timestamp_seconds"}


def test_a_departure_is_counted(town, asker):
    begin = asker.began
    before = asker.metrics()
    assert prometheus.value(before, "paasla_lock_delay_seconds_count", directory="linn") == 0
    town.grant(1000, "r0")
    town.grant(1000, "arveldaja", register="STAR")
    town.settled()
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    m = asker.metrics()
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "daemon", "metric_table.c")) as f:
        table = set(re.findall(r'=\s*\{\s*"(\w+)"', f.read()))
    assert set(m) == table and DATABASE < table, "each row of the table has its sample"

    def value(sample, **labels):
        return prometheus.value(m, sample, **labels)

    for delay in ("lock", "out"):
        assert value("paasla_%s_delay_seconds_count" % delay, directory="linn") == 1
        took = town.one("SELECT extract(epoch FROM %s - changed_at)::float8 FROM paasla.account WHERE state = 'out'"
                        % {"lock": "locked_at", "out": "out_at"}[delay])
        assert abs(value("paasla_%s_delay_seconds_sum" % delay, directory="linn") - took) < 1e-5 and took > 0
    assert value("paasla_writes_total", directory="linn", op="close", result="success") == 1
    assert value("paasla_writes_total", directory="linn", op="remove_member", result="success") == 1
    assert value("paasla_up", part="database", name="postgresql") == 1
    assert value("paasla_up", part="directory", name="linn") == 1
    assert begin - 60 < value("paasla_up_since_timestamp_seconds", part="directory", name="linn") < time.time()
    assert value("paasla_queue_rows", directory="linn", state="due") == 0
    assert value("paasla_queue_oldest_seconds", directory="linn") == 0
    assert value("paasla_intents_open", directory="linn") == 0
    orders = town.one("SELECT count(*) FROM paasla.work_order WHERE state = 'open'")
    assert value("paasla_work_orders_open", state="in_time") == orders > 0
    assert value("paasla_work_orders_open", state="overdue") == 0
    assert begin - 60 < value("paasla_compare_complete_timestamp_seconds", directory="linn") <= time.time()
    assert begin - 60 < value("process_start_time_seconds") < time.time()
    assert value("paasla_healthy") == 1 and value("paasla_database_answered") == 1 and value("paasla_standby") == 0
    asker.well()


def test_a_leaver_who_is_put_right_again_is_no_departure(town, asker):
    town.grant(1000, "r0")
    town.settled()
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: pwdEndTime\n" % town.dn(1000))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: "pwdEndTime" in town.ldap.search(town.dn(1000), "(objectClass=*)", "pwdEndTime"), what="the lock again")
    town.settled()
    m = asker.metrics()
    assert prometheus.value(m, "paasla_lock_delay_seconds_count", directory="linn") == 1
    assert prometheus.value(m, "paasla_writes_total", directory="linn", op="close", result="success") == 2


def test_refused_writes_are_counted_by_the_name_of_their_result(town, asker):
    """A group where the service account may only read."""
    closed = "cn=kinni,ou=reeglid," + SUFFIX
    town.ldap.add("dn: %s\nobjectClass: groupOfNames\ncn: kinni\nmember: %s\n" % (closed, town.ldap.nobody))
    town.sql("INSERT INTO paasla.register_role (register_code, role_code, name, mode) VALUES ('NAS', 'kinni', 'kinni', 'enforce')")
    town.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM"
             " paasla.register_role WHERE role_code = 'kinni'", closed)
    town.grant(1000, "kinni")
    until(lambda: town.findings("write_denied"), what="the finding")
    m = asker.metrics()
    assert prometheus.value(m, "paasla_findings_open", directory="linn", severity="warning") == 1
    assert prometheus.value(m, "paasla_writes_total", directory="linn", op="add_member", result="insufficientAccessRights") >= 1
    assert prometheus.value(m, "paasla_writes_total", directory="linn", op="add_member", result="success") is None


def held(town, table):
    """Nobody reads this table until it is closed."""
    conn = town.pg.connect(autocommit=False)
    conn.cursor().execute("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % table)
    return conn


def waiting_at(path):
    """How many connections nobody has taken yet."""
    with open("/proc/net/unix") as f:
        return sum(path in l and l.split()[5] == "02" for l in f)


def ask_at_once(town, asker):
    """Ten, all of them taken while the first one's question waits. Whether each was told what the database says: a page waits
    three seconds for that, and where the machine takes longer to let them in it proves nothing."""
    calls = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'paaslad info'"
    lock = held(town, "paasla.finding")

    def asked(path):
        return asker.get(path), time.monotonic()

    stand_still(town.process)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(asked, p) for p in ["/metrics", "/healthz"] * 5]
        until(lambda: waiting_at(asker.path) == 10, what="ten to stand at the door")
        begin = time.monotonic()
        town.process.send_signal(signal.SIGCONT)
        until(lambda: town.one(calls + " AND wait_event_type = 'Lock'") == 1, what="the question")
        until(lambda: waiting_at(asker.path) == 0, what="all of them to be let in")
        assert town.one(calls) == 1
        lock.close()
        whole = []
        for i, a in enumerate(answers):
            (status, text), at = a.result(60)
            whole.append(status == 200 and (i % 2 or prometheus.value(prometheus.parse(text), "paasla_database_answered") == 1))
            assert whole[-1] or at - begin > 2.5, text
    return all(whole)


def test_who_asks_at_once_shares_one_question(town, asker):
    assert town.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'paaslad info'") == 0, "nobody asked yet"
    asker.metrics()
    until(lambda: ask_at_once(town, asker), 120, "all ten to be told")


def test_a_database_that_does_not_answer_in_time(town, asker):
    asker.metrics()
    lock = held(town, "paasla.finding")
    m = asker.page()
    assert prometheus.value(m, "paasla_database_answered") == 0 and not set(m) & DATABASE
    assert prometheus.value(m, "paasla_up", part="database", name="postgresql") == 1
    status, text = asker.health()
    assert (status, text) == (503, "PostgreSQL does not answer in time\n")
    lock.close()
    until(lambda: asker.health()[0] == 200, what="health")


def test_no_database_no_directory(town, asker):
    town.pg.stop()
    until(lambda: asker.health() == (503, "PostgreSQL is away\n"), what="the loss")
    m = asker.page()
    assert prometheus.value(m, "paasla_up", part="database", name="postgresql") == 0
    assert prometheus.value(m, "paasla_healthy") == 0 and not set(m) & DATABASE
    town.ldap.stop()
    until(lambda: prometheus.value(asker.page(), "paasla_up", part="directory", name="linn") == 0, what="slapd's loss")
    town.pg.start()
    town.ldap.start()
    until(lambda: asker.health() == (200, WELL), 40, what="health again")
    assert prometheus.value(asker.metrics(), "paasla_up", part="directory", name="linn") == 1


def test_a_lock_that_is_not_proven_is_no_health(town, asker):
    town.ldap._tool("ldapdelete", town.ldap.policy)
    town.depart(1001)
    until(lambda: asker.health() == (503, "1 lock is not proven to be enforced\n"), what="what is wrong")
    assert prometheus.value(asker.metrics(), "paasla_locks_not_proven", directory="linn") == 1


def test_refused_credentials_and_old_changes_are_no_health(town):
    with open(town.ldap.password_file, "w") as f:
        f.write("another\n")
    asker = Asker(town, start=False)
    town.start()
    asker.opens()
    until(lambda: re.fullmatch(r"directory linn refuses our log-on and is away for \d+ s\n", asker.health()[1]), what="the refusal")
    old = town.one("UPDATE paasla.dirty SET at = now() - interval '6 minutes' RETURNING extract(epoch FROM at)::float8")
    until(lambda: re.match(r"a change has waited for ([6-9]|\d\d+) min\ndirectory linn", asker.health()[1]), what="the old change")
    assert asker.health()[0] == 503
    assert 360 <= prometheus.value(asker.metrics(), "paasla_queue_oldest_seconds", directory="linn") <= time.time() - old + 0.1
    assert prometheus.value(asker.metrics(), "paasla_queue_rows", directory="linn", state="due") > 0


def wakeups(town, seconds=8):
    """How often the daemon went to sleep in so many seconds: as often as something woke it."""
    def count():
        total = 0
        for task in os.listdir("/proc/%d/task" % town.process.pid):
            with open("/proc/%d/task/%s/status" % (town.process.pid, task)) as f:
                total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M).group(1))
        return total
    begin = count()
    time.sleep(seconds)
    return count() - begin


def test_who_only_could_be_asked_wakes_up_for_nothing(town):
    """What the start leaves to do comes to an end, a timer does not: it is waited for as few of them as without a door."""
    set_option(town, "daemon", "poll_s = 3600")
    town.start()
    town.settled()
    until(lambda: town.one("SELECT last_complete_at IS NOT NULL FROM paasla.directory"), what="the compare of the start")
    without = min(wakeups(town) for _ in range(2))
    town.stop()
    asker = Asker(town, start=False)
    town.start()
    asker.opens()
    asker.well()
    counts = []
    until(lambda: counts.append(wakeups(town)) or counts[-1] <= without + 2, 60, lambda:
          "rest: neither the door nor its connection to the database has a timer of its own; %d without, %s with" % (without, counts))


# ---- paaslactl status ----

def status(town, *args, user="auditor"):
    p = subprocess.run([os.path.join(BUILD, "daemon", "ctl", "paaslactl"), "--dsn", town.pg.dsn(user), *args, "status"],
                       capture_output=True, text=True, timeout=60)
    assert not p.stderr, p.stderr
    return p.returncode, p.stdout


def test_status_tells_of_delays_and_writes_of_the_last_day(town):
    town.sql("CREATE ROLE auditor LOGIN IN ROLE paasla_auditor")
    assert "Nobody was locked." in status(town)[1] and "There was none." in status(town)[1]
    town.start()
    town.grant(1000, "r0")
    town.settled()
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    said = json.loads(status(town, "--json")[1])
    (delay,), writes = said["delays"], {w["operation"]: w for w in said["writes"]}
    lock, out = town.sql("SELECT 1000 * extract(epoch FROM locked_at - changed_at), 1000 * extract(epoch FROM out_at - changed_at)"
                         " FROM paasla.account WHERE state = 'out'")[0]
    assert (delay["directory"], delay["locked"]) == ("linn", 1)
    assert abs(float(delay["lock_median_ms"]) - float(lock)) < 0.1 and abs(float(delay["out_longest_ms"]) - float(out)) < 0.1
    assert writes["close"]["done"] == writes["add_member"]["done"] == writes["remove_member"]["done"] == 1
    assert all(w["refused"] == 0 for w in writes.values())
    town.sql("ALTER TABLE paasla.account DISABLE TRIGGER account_moments")  # they stay as they were
    town.sql("UPDATE paasla.account SET locked_at = now() - interval '25 hours'")
    assert "Nobody was locked." in status(town)[1]


def test_the_first_line_of_status_says_whether_anything_needs_a_person(town):
    town.sql("CREATE ROLE auditor LOGIN IN ROLE paasla_auditor")
    code, text = status(town)
    assert code == 1 and "no paaslad works on this database" in text.splitlines()[0]
    town.start()
    town.settled()
    until(lambda: status(town)[1].startswith("Nothing needs you.\n"), what=lambda: "a good word:\n" + status(town)[1])
    code, text = status(town)
    assert code == 0 and re.search(r"^linn +enforce +up +20", text, re.M), text
    assert re.search(r"^Daemon: works", text, re.M), text
    written = "SELECT xmin::text || ' ' || ctid::text FROM paasla.connection"
    town.ldap.stop()
    until(lambda: re.search(r"^linn +enforce +away +20.* linn \(ldapi", status(town)[1], re.M), what=lambda: "the loss:\n" + status(town)[1])
    assert status(town)[0] == 0, "it has only just gone"

    def later():  # the daemon may note once more, at any moment, since when
        town.sql("UPDATE paasla.connection SET since = now() - interval '3 minutes' WHERE directory = 'linn'")
        return status(town)

    alarm = "1 thing needs a person: directory linn is away for 3 min.\n"
    until(lambda: (lambda code, text: code == 1 and text.startswith(alarm))(*later()), what=lambda: "the alarm:\n" + later()[1])
    town.ldap.start()
    until(lambda: re.search(r"^linn +enforce +up +20", status(town)[1], re.M), 40, what="slapd again")
    town.settled()

    def rests():  # longer than the daemon's own pace, which is five seconds
        before = town.one(written)
        time.sleep(6)
        return town.one(written) == before

    until(rests, 30, what="nothing to be written because time passes")
    town.sql("INSERT INTO paasla.plan (directory, digest, state, why, locks, removals, items)"
             " VALUES ('linn', repeat('0f', 32), 'held', 'test', 1, 0, 1)")
    town.sql("CREATE FUNCTION paasla.never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " NEW.last_compare_complete := false; RETURN NEW; END $$")  # whenever the compare of the return is over
    town.sql("CREATE TRIGGER never BEFORE UPDATE ON paasla.directory FOR EACH ROW EXECUTE FUNCTION paasla.never()")
    town.sql("UPDATE paasla.directory SET last_compare_complete = false")
    assert status(town)[1].startswith("2 things need a person: 1 held plan, 1 directory without a complete compare.\n")
    town.stop(signal.SIGKILL)
    until(lambda: "no paaslad works" in status(town)[1].splitlines()[0], what="its death")
    code, text = status(town)
    assert code == 1 and not re.search(r"^linn +enforce +up", text, re.M), "nobody knows how the connections are"
    said = json.loads(status(town, "--json")[1])
    assert said["needs"] == 3 and said["daemon"][0]["works"] is False


# ---- the door ----

def test_what_is_not_asked_for(asker):
    assert asker.get("/")[0] == 404 and asker.get("/metrics/x")[0] == 404 and asker.get("//metrics")[0] == 404
    assert asker.get("/metrics?x=1")[0] == 200
    status, text = asker.get(method="HEAD")
    assert (status, text) == (200, "")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert asker.get(method=method)[0] in (405, 501), method
    assert asker.health()[0] == 200


@pytest.mark.parametrize("what", [b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET\r\n\r\n",
                                  b"GET " + b"/" * 20000, b"GET /metrics HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 5000,
                                  b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
                                  b"GET /metrics HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01"])
def test_garbage_is_refused_or_dropped(town, asker, what):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(asker.path)
        got = b""
        try:
            s.sendall(what)
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert not got.startswith(b"HTTP/1.1 200"), got[:200]
    assert asker.health()[0] == 200 and town.process.poll() is None


def fds(town):
    return len(os.listdir("/proc/%d/fd" % town.process.pid))


def test_slow_clients_hold_nothing_up(town, asker):
    """More connections than there are places: first those that send a byte now and then and never end, then silent ones and
    beginnings. The daemon keeps its descriptors, work goes on, and whoever waits is served when they have had their time."""
    asker.metrics()
    before = fds(town)
    slow, stop = [], threading.Event()
    begin = time.monotonic()
    for i in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(1)
        try:
            s.connect(asker.path)
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " if i < 16 else b"GET /met" if i % 2 else b"")
        except OSError:
            pass  # the kernel's own queue is bounded too
        slow.append(s)

    def dribble():
        while not stop.wait(0.5):
            for s in slow[:16]:
                try:
                    s.send(b"a")
                except OSError:
                    pass

    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    time.sleep(0.5)
    assert fds(town) <= before + 17, "16 connections, and one that is just being taken"
    town.depart(1000)
    town.state_is(1000, "out")  # whom somebody who dribbles held up would wait without end
    for s in slow[16:]:
        s.close()
    asker.health()
    assert time.monotonic() - begin > 4, "those who dribble had their time"
    asker.well()
    stop.set()
    thread.join()
    for s in slow:
        s.close()
    until(lambda: fds(town) <= before, 30, lambda: "the descriptors to be free again: %d before, %d now" % (before, fds(town)))


def test_who_goes_before_the_answer(town, asker):
    asker.metrics()
    before = fds(town)
    lock = held(town, "paasla.finding")
    for _ in range(10):
        s = socket.socket(socket.AF_UNIX)
        s.connect(asker.path)
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        s.close()
    time.sleep(0.5)
    lock.close()
    until(lambda: asker.health()[0] == 200, what="health")
    until(lambda: fds(town) <= before, 15, "the descriptors to be free again")
    assert town.process.poll() is None


def test_the_end_comes_while_somebody_waits(town, asker):
    asker.metrics()
    lock = held(town, "paasla.finding")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(asker.path)
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        begin = time.time()
        until(lambda: town.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'paaslad info'"
                               " AND wait_event_type = 'Lock'") == 1, what="the question")
        town.stop()
        heard = re.search(r"time=(\S+)Z level=\S+ event=daemon.stopping ", town.said()).group(1)
        late = datetime.datetime.fromisoformat(heard + "+00:00").timestamp() - begin > 2.5  # then the page came as it was
        assert s.recv(100) == b"" or late
    lock.close()
    assert not os.path.exists(asker.path), "the socket goes with the daemon"


def test_the_place_is_taken_or_was_left(town):
    asker = Asker(town, start=False)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(asker.path)
        other.listen()
        town.start()
        town.settled()
        assert "nobody can listen there: Address already in use" in town.said()
        assert os.path.exists(asker.path), "somebody else's is left alone"
        town.stop()
    town.start()  # the file is there still, and nobody behind it
    until(lambda: "/metrics and /healthz answer on unix:" in town.said(), what="the listener")
    until(lambda: asker.health()[0] == 200, what="health")


def test_a_port_of_this_host(town):
    port = free_port()
    set_option(town, "daemon", "metrics = 127.0.0.1:%d" % port)
    town.start()
    town.settled()
    until(lambda: "/metrics and /healthz answer on 127.0.0.1:" in town.said(), what="the door")
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request("GET", "/metrics")
    r = c.getresponse()
    assert r.status == 200 and r.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert prometheus.parse(r.read().decode())
    assert r.getheader("Connection") == "close"
    with open("/proc/net/tcp") as f:
        listening = [l.split()[1] for l in f if l.split()[3] == "0A"]
    assert "0100007F:%04X" % port in listening and "00000000:%04X" % port not in listening


@pytest.mark.parametrize("value, says", [
    ("0.0.0.0:9464", "not on '0.0.0.0'"), ("192.0.2.1:9464", "not on '192.0.2.1'"), ("[::]:9464", "not on '[::]'"),
    ("ldap1.linn.test:9464", "not on 'ldap1.linn.test'"), ("9464", "host:port"), ("127.0.0.1:0", "from 1 to 65535"),
    ("unix:metrics.sock", "must begin with /"), ("unix:/" + "a" * 107, "107 bytes")])
def test_nobody_else_is_answered(town, value, says):
    set_option(town, "daemon", "metrics = " + value)
    said = subprocess.run([os.path.join(BUILD, "daemon", "paaslad"), "-t", "-c", town.conf], capture_output=True, text=True)
    assert said.returncode == 2 and says in said.stderr and ": metrics" in said.stderr, said.stderr
    assert re.match(r"paaslad: %s:\d+: " % re.escape(town.conf), said.stderr)
