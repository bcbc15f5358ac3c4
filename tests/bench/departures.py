"""Departures: one by one against the least program that could do them, and as one list against ldapmodify."""
import datetime
import os
import re
import subprocess
import time

from bed import (BUILD, GROUPS, N_GROUPS, PEOPLE, BenchTown, SlapdServer, add_groups, closing, median, percentile,
                 row, tool, until)

PACE = 0.04  # between two changes: one departure is over before the next one


class Least:
    """The peer, on servers of its own kind: a slapd with the same entries, a database with one table."""

    def __init__(self, pg, people):
        self.pg, self.people = pg, people
        self.ldap = SlapdServer(tls=False, fsync=True)
        self.ldap.start()
        add_groups(self.ldap, N_GROUPS)
        self.ldap.add_people(people, password="Parool-12345")
        self.members(range(people))
        pg.sql("CREATE DATABASE least", db="postgres")
        pg.sql("CREATE SCHEMA least", db="least")
        pg.sql("CREATE TABLE least.person (no int PRIMARY KEY, dn text, departed_at timestamptz)", db="least")
        pg.sql("CREATE TABLE least.done (no int, locked float8, gone float8)", db="least")
        pg.sql("INSERT INTO least.person SELECT n, 'uid=p' || n || ',%s' FROM generate_series(0, %d) n" % (PEOPLE, people - 1), db="least")
        pg.sql("CREATE FUNCTION least.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " PERFORM pg_notify('least', NEW.no || ' ' || NEW.dn); RETURN NULL; END $$", db="least")
        pg.sql("CREATE TRIGGER t AFTER UPDATE ON least.person FOR EACH ROW EXECUTE FUNCTION least.tell()", db="least")
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "bench", "least"), pg.dsn(db="least"), self.ldap.ldapi,
                                         self.ldap.service_dn, self.ldap.password, str(N_GROUPS), GROUPS], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        self.session = pg.connect(db="least").cursor()

    def members(self, people):
        values = "".join("member: uid=p%d,%s\n" % (n, PEOPLE) for n in people)
        for g in range(N_GROUPS):
            self.ldap.modify("dn: cn=r%d,%s\nchangetype: modify\nadd: member\n%s" % (g, GROUPS, values))

    def depart(self, n):
        self.session.execute("UPDATE least.person SET departed_at = now() WHERE no = %s", (n,))

    def times(self, first, n):
        until(lambda: self.pg.sql("SELECT count(*) FROM least.done WHERE no >= %d AND no < %d" % (first, first + n), db="least")[0][0] == n)
        return {r[0]: r[1:] for r in self.pg.sql("SELECT no, locked, gone FROM least.done", db="least")}

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.ldap.remove()


def times(town):
    return {int(r[0]) - 100000: (float(r[1]), float(r[2])) for r in town.sql(
        "SELECT n.employee_no, extract(epoch FROM a.locked_at), extract(epoch FROM a.out_at) FROM paasla.account a"
        " JOIN paasla.employee_number n USING (person_id) WHERE a.out_at IS NOT NULL")}


ALL_NAMED = ["named_per_hour = 1000000"]  # nobody names thousands by hand: without this they are a list in pieces


def one_by_one(quick):
    runs, each = 5, 20 if quick else 400
    with closing(BenchTown(runs * each, brake=ALL_NAMED)) as town:
        town.load()
        town.start()
        town.settled(600)
        with closing(Least(town.pg, runs * each)) as least:
            session = town.pg.connect().cursor()
            result = {"ours": [], "theirs": []}
            for run in range(runs):
                asked = {"ours": {}, "theirs": {}}
                for n in range(run * each, (run + 1) * each):
                    asked["ours"][n] = [time.time()]
                    session.execute("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no = %s",
                                    (str(100000 + n),))
                    asked["ours"][n].append(time.time())
                    time.sleep(PACE)
                    asked["theirs"][n] = [time.time()]
                    least.depart(n)
                    asked["theirs"][n].append(time.time())
                    time.sleep(PACE)
                theirs = least.times(run * each, each)
                until(lambda: len([n for n in times(town) if n in asked["ours"]]) == each, 60, "the last departures")
                ours = times(town)
                for name, done in (("ours", ours), ("theirs", theirs)):
                    result[name].append([[(done[n][k] - asked[name][n][c]) * 1000 for n in asked[name]]
                                         for c in (1, 0) for k in (0, 1)])
    for k, what in enumerate(("commit → lock confirmed", "commit → out of 10 groups", "statement → lock confirmed",
                              "statement → out of 10 groups")):
        value = {name: (median([x for r in result[name] for x in r[k]]), median([percentile(r[k], 99) for r in result[name]]))
                 for name in result}
        row("departure, %s, median" % what, value["ours"][0], value["theirs"][0], 2)
        row("departure, %s, 99th percentile" % what, value["ours"][1], value["theirs"][1], 3)


def as_one_list(quick):
    n = 100 if quick else 1000
    with closing(BenchTown(n, max_locks=n, brake=["max_lock_share = 100", "max_removals = %d" % (n * N_GROUPS), "max_removal_share = 100"])) as town:
        town.load()
        town.start()
        town.settled(600)
        dns = [r[0] for r in town.sql("SELECT dn FROM paasla.account ORDER BY account_id")]
        peer = SlapdServer(tls=False, fsync=True)
        peer.start()
        with closing(peer, "remove"):
            add_groups(peer, N_GROUPS)
            peer.add_people(n, password="Parool-12345")
            theirs_dns = ["uid=p%d,%s" % (i, PEOPLE) for i in range(n)]
            values = "".join("member: %s\n" % d for d in theirs_dns)
            for g in range(N_GROUPS):
                peer.modify("dn: cn=r%d,%s\nchangetype: modify\nadd: member\n%s" % (g, GROUPS, values))
            when = (datetime.datetime.utcnow() - datetime.timedelta(seconds=300)).strftime("%Y%m%d%H%M%SZ")
            ldif = os.path.join(town.dir, "list.ldif")
            with open(ldif, "w") as f:
                f.write("".join("dn: %s\nchangetype: modify\nreplace: pwdEndTime\npwdEndTime: %s\n\ndn: %s\nchangetype: modify\n"
                                "delete: userPassword\n\n" % (d, when, d) for d in theirs_dns))
                f.write("".join("dn: cn=r%d,%s\nchangetype: modify\ndelete: member\n%s\n" % (g, GROUPS, values)
                                for g in range(N_GROUPS)))
            t0 = time.time()
            tool("ldapmodify", "-H", peer.ldapi, "-x", "-D", peer.service_dn, "-w", peer.password, "-f", ldif)
            theirs = time.time() - t0
        assert len(dns) == n
        t0 = time.time()
        town.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1'")
        committed = time.time()
        held = lambda: town.sql("SELECT digest FROM paasla.plan WHERE state = 'held'")
        until(lambda: held() or town.one("SELECT count(*) FROM paasla.account WHERE state = 'out'") == n, 60)
        waited = 0
        if held():
            seen = time.time()
            town.sql("SELECT paasla.approve_plan('%s')" % held()[0][0])
            waited = time.time() - seen
        until(lambda: town.one("SELECT count(*) FROM paasla.account WHERE state = 'out'") == n, 120)
        last = town.one("SELECT extract(epoch FROM max(out_at)) FROM paasla.account")
        row("%d departures as one list, commit → all out" % n, float(last) - committed - waited, theirs, 2, "s",
            "the statement itself took %.1f s" % (committed - t0))


def profile(quick):
    """Where the time of one departure goes, from PostgreSQL's log and what the daemon recorded; medians of 40."""
    n = 20 if quick else 40
    with closing(BenchTown(n, brake=ALL_NAMED)) as town:
        town.load()
        town.start()
        town.settled(300)
        profiled(town, n, 0.2)


def profiled(town, n, pace):
    """Of a town in which nothing is left to do; `pace` seconds are enough for a departure."""
    for setting in ("log_min_duration_statement = 0", "log_line_prefix = '%n %x '", "log_parameter_max_length = 0",
                    "log_min_messages = log"):
        town.sql("ALTER SYSTEM SET " + setting)
    town.sql("SELECT pg_reload_conf()")
    session = town.pg.connect().cursor()
    time.sleep(1)
    asked = []
    for i in range(n):
        session.execute("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no = %s", (str(100000 + i),))
        asked.append(time.time())
        time.sleep(pace)
    until(lambda: len(times(town)) == n)
    with open(town.pg.log, errors="replace") as f:
        lines = re.findall(r"^(\d+\.\d+) \d+ LOG:  duration: ([\d.]+) ms  (statement|execute (?:load_work|intents|settle))", f.read(), re.M)
    done = times(town)
    steps = {"the UPDATE itself, with its rules and 11 events": [], "commit → load answered": [], "load → intents (look, plan, brake)": [],
             "intents → lock confirmed": [], "lock → out of 10 groups": [], "out → settled": []}
    for i, at in enumerate(asked[5:], 5):
        after = [(float(t), float(ms), what) for t, ms, what in lines if at - 0.05 < float(t) < at + pace - 0.01]
        first = {}
        for t, ms, what in after:
            first.setdefault(what, (t, ms))
        if len(first) < 4:
            continue
        load, intents, settle = (first["execute " + k][0] for k in ("load_work", "intents", "settle"))
        values = (first["statement"][1] / 1000, load - at, intents - load, done[i][0] - intents, done[i][1] - done[i][0], settle - done[i][1])
        for name, value in zip(steps, values):
            steps[name].append(value * 1000)
    for name, values in steps.items():
        print("| %s | %.2f ms |" % (name, median(values)))
