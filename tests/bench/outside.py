"""A change by somebody else: when a program that only holds the search open hears of it, and when our finding stands."""
import os
import random
import subprocess
import threading
import time

from bed import BUILD, GROUPS, BenchTown, absolute, closing, median, percentile, until
import ldapfacts
from ldapfacts import ldap
from domain import SambaTown


def change(quick):
    n = 20 if quick else 200
    with closing(BenchTown(n, groups=10, grants=False)) as town:
        town.load()
        town.start()
        town.settled(300)
        until(lambda: "live watch: begun" in town.said())
        time.sleep(2)
        holder = subprocess.Popen([os.path.join(BUILD, "tests", "bench", "holder"), town.ldap.ldapi, town.ldap.service_dn,
                                   town.ldap.password, GROUPS], stdout=subprocess.PIPE, text=True)
        heard, ready = [], threading.Event()

        def read():
            for line in holder.stdout:
                if "ready" in line:
                    ready.set()
                elif ready.is_set():
                    heard.append(float(line.split()[0]))
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert ready.wait(20)
        dns = [r[0] for r in town.sql("SELECT dn FROM paasla.account ORDER BY account_id")]
        for i, dn in enumerate(dns):
            town.ldap.modify("dn: cn=r%d,%s\nchangetype: modify\nadd: member\nmember: %s\n" % (i % 4, GROUPS, dn))
            time.sleep(0.1)
        until(lambda: len(heard) == n and town.one("SELECT count(*) FROM paasla.finding WHERE kind = 'drift_member_added'") == n, 30)
        holder.terminate()
        found = [float(r[0]) for r in town.sql("SELECT extract(epoch FROM first_at) FROM paasla.finding"
                                               " WHERE kind = 'drift_member_added' ORDER BY finding_id")]
        late = [(f - h) * 1000 for f, h in zip(sorted(found), sorted(heard))]
        absolute("change by somebody else → finding, later than a held search hears of it, median", median(late), 10, "ms", "≤ 10 ms more")


class Stamped:
    """PostgreSQL keeps when each transaction was committed: that of a row which nobody changes later, written with the finding."""
    settings = {"track_commit_timestamp": "on"}

    def schema(self):
        super().schema()
        self.sql("CREATE SCHEMA bench")
        self.sql("CREATE TABLE bench.found (finding_id bigint)")
        self.sql("CREATE FUNCTION bench.found() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                 " INSERT INTO bench.found VALUES (NEW.finding_id); RETURN NULL; END $$")
        self.sql("CREATE TRIGGER bench_found AFTER INSERT ON paasla.finding FOR EACH ROW WHEN (NEW.kind = 'drift_member_added')"
                 " EXECUTE FUNCTION bench.found()")


class StampedTown(Stamped, BenchTown):
    pass


class StampedSambaTown(Stamped, SambaTown):
    pass


def found(quick):
    """From the request to the server until the finding is committed, on each kind of server; each time another person and
    another group, so that what was found before is not looked at again."""
    n = 20 if quick else 100
    for name, make, limit_ms in (("slapd", StampedTown, 100), ("389-ds", lambda *a, **k: StampedTown(*a, kind="389ds", **k), 100),
                                 ("Samba", StampedSambaTown, 2000)):
        with closing(make(n, groups=n, grants=False, first_password="none")) as town:
            if name == "Samba":
                town.ldap.sync()
            took, change = by_hand(town, connected(town.ldap), n)
        absolute("change by somebody else → finding, %s, 99th percentile of %d" % (name, n), percentile(took, 99) * 1000,
                 limit_ms, "ms", "≤ %g ms" % limit_ms, "median %.4g ms, of which the server's own answer is %.3g ms"
                 % (median(took) * 1000, median(change) * 1000))


def connected(server):
    """As its administrator."""
    if hasattr(server, "realm"):
        return ldapfacts.connect(server, server.root_dn, server.root_password)
    connection = ldap.initialize(server.ldapi)
    connection.simple_bind_s(server.root_dn, server.root_password)
    return connection


def by_hand(town, connection, n):
    """At odd moments, so that a server that is asked each second is not always asked as long after the change."""
    town.load()
    town.start()
    town.settled(300)
    until(lambda: "live watch: begun" in town.said(), 60)
    time.sleep(3)  # what the daemon wrote itself has come back to it
    chosen, began, answered = random.Random(1), [], []
    for i, (dn,) in enumerate(town.sql("SELECT dn FROM paasla.account ORDER BY account_id")):
        time.sleep(chosen.uniform(0.3, 0.8))
        began.append(time.time())
        connection.modify_s(town.group_dn(i), [(ldap.MOD_ADD, "member", [dn.encode()])])
        answered.append(time.time() - began[-1])
        until(lambda: town.one("SELECT count(*) FROM bench.found") == i + 1, 30, "finding %d" % i)
    ended = town.sql("SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM bench.found ORDER BY finding_id")
    return [float(end[0]) - begin for begin, end in zip(began, ended)], answered
