"""Active Directory: departures against the same writes by hand, and a full compare, on Samba domain controllers that sync."""
import json
import os
import random
import subprocess
import time

from bed import BUILD, N_GROUPS, Bench, closing, median, percentile, row, tool, until
from adtown import AdTown
from bulk import fill_database
from departures import ALL_NAMED, profiled
from sambaserver import DOMAIN, GROUPS, PEOPLE, SambaServer

PASSWORD = "Parool-12345"
SETTLE = 0.3  # after a departure: the daemon has written what it did, the server has answered


class SyncedSamba(SambaServer):
    """The tests' server does not wait for the disk; this one does once it is told to."""

    synced = False

    def env(self):
        env = super().env()
        if self.synced:
            del env["TDB_NO_FSYNC"]
        return env

    def sync(self):
        self.stop()
        self.synced = True
        self.start()


class SambaTown(Bench, AdTown):
    def servers(self):
        return SyncedSamba(workers=2), self.database()


class Program:
    """One of tests/bench's: a line in, a line out."""

    def __init__(self, name, *args, env):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "bench", name), *args], text=True, env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def said(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("%s ended" % self.process.args[0])
        return line.rstrip("\n")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class ByHand:
    """The peer, on a domain controller of its own with as many people in as many groups."""

    def __init__(self, people):
        self.ldap = SyncedSamba(workers=2)
        self.ldap.start()
        self.dns = self.ldap.add_people(people, password=PASSWORD)
        for g in range(N_GROUPS):
            self.ldap.add_group("r%d" % g, self.dns)
        self.ldap.sync()
        self.program = Program("byhand", self.ldap.ldaps, self.ldap.ca_file, self.ldap.service_dn, self.ldap.password,
                               str(N_GROUPS), GROUPS, env=self.ldap.env())

    def depart(self, n):
        self.program.tell("512 " + self.dns[n])

    def close(self):
        self.program.close()
        self.ldap.remove()


def refused(server):
    return Program("refused", server.ip, env=server.env())


def provisioned(town):
    """Everybody is there, and from now on the server syncs."""
    town.load()
    town.start()
    town.settled(600)
    town.stop()
    town.ldap.sync()
    town.start()
    until(lambda: town.said().count("live watch: ") >= 2, 60)
    town.settled(60)


def profile(quick):
    n = 16 if quick else 40
    with closing(SambaTown(n, brake=ALL_NAMED)) as town:
        provisioned(town)
        profiled(town, n, 2)


def departures(quick):
    """One at a time, ours and theirs by turns. The same program tries to log on to both domain controllers."""
    n = 16 if quick else 100
    with closing(SambaTown(n, brake=ALL_NAMED)) as town:
        provisioned(town)
        logins = [r[0] for r in town.sql("SELECT a.login FROM paasla.account a JOIN paasla.employee_number USING (person_id)"
                                         " ORDER BY employee_no")]
        with closing(ByHand(n)) as hand, closing(refused(town.ldap)) as our_kdc, closing(refused(hand.ldap)) as their_kdc:
            hand_kinit = lambda i: hand.ldap.kinit("p%d" % i, PASSWORD)[0]
            assert town.can(100000) == (True, True) and hand_kinit(0), "the real kinit"
            ours, theirs = measure(town, hand, our_kdc, their_kdc, logins)
            assert town.kinit(100000, town.password(100000))[0] is False and not hand_kinit(0), "the real kinit"
    names = ("statement → lock confirmed", "statement → kinit refused", "statement → out of 10 groups",
             "commit → lock confirmed", "commit → kinit refused", "commit → out of 10 groups")
    for k, what in enumerate(names):
        mine, other = ([times[k % 3] - (times[3] if k > 2 else 0) for times in side] for side in (ours, theirs))
        row("Samba, departure, %s, median of %d" % (what, n), median(mine) * 1000, median(other) * 1000, 2,
            note="99th percentile %.4g against %.4g ms" % (percentile(mine, 99) * 1000, percentile(other, 99) * 1000))
    print("between the last try that got a ticket and the refusal: %.2f ms ours, %.2f ms theirs (medians)"
          % tuple(median([times[4] for times in side]) * 1000 for side in (ours, theirs)))


def measure(town, hand, our_kdc, their_kdc, logins):
    """Of each departure: until the lock was confirmed, until kinit was refused, until all was done, until the statement was
    committed, and how finely kinit was asked; in seconds from the moment it was asked for."""
    session = town.pg.connect().cursor()
    ours, theirs = [], []
    for i, login in enumerate(logins):
        our_kdc.tell("%s %s" % (login, town.password(100000 + i)))
        assert our_kdc.said() == "open"
        asked = time.time()
        session.execute("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no = %s",
                        (str(100000 + i),))
        committed = time.time()
        at, gap = map(float, our_kdc.said().split())
        until(lambda: town.account(100000 + i, "out_at"), 30)
        locked, out = (town.account(100000 + i, c).timestamp() for c in ("locked_at", "out_at"))
        ours.append((locked - asked, at - asked, out - asked, committed - asked, gap))
        time.sleep(SETTLE)

        their_kdc.tell("p%d %s" % (i, PASSWORD))
        assert their_kdc.said() == "open"
        asked = time.time()
        hand.depart(i)
        at, gap = map(float, their_kdc.said().split())
        locked, out = map(float, hand.program.said().split())
        theirs.append((locked - asked, at - asked, out - asked, 0.0, gap))
        time.sleep(SETTLE)
    return ours, theirs


READ_OF_PEOPLE = ("objectGUID sAMAccountName employeeNumber cn name sn objectClass userAccountControl accountExpires pwdLastSet"
                  " primaryGroupID objectSid altSecurityIdentities adminDescription").split()
READ_OF_GROUPS = "objectClass groupType isCriticalSystemObject adminCount objectSid member objectGUID".split()


def fill(town, people, groups, largest):
    """Directory and database as after a first provisioning; group after group has more people, the last one `largest`."""
    chosen = random.Random(1)
    members = [sorted(chosen.sample(range(people), largest * (g + 1) // groups)) for g in range(groups)]
    out = os.path.join(town.dir, "people")
    town.ldap.stop()
    subprocess.run(["/usr/bin/python3", os.path.join(os.path.dirname(os.path.abspath(__file__)), "domainfill.py"), town.ldap.dir,
                    town.ldap.conf, out], check=True, env=town.ldap.env(), text=True, input=json.dumps(
                        {"people_base": PEOPLE, "group_base": GROUPS, "domain": DOMAIN, "people": people, "members": members}))
    town.ldap.synced = True
    town.ldap.start()
    with open(out) as f:
        known = [line.rstrip("\n").split("\t") for line in f]
    assert len(known) == people
    fill_database(town, members, people, "(SELECT id FROM known WHERE known.n = x.n)", "(SELECT dn FROM known WHERE known.n = x.n)",
                  "'CN=' || role_code || ',%s'" % GROUPS, known)
    return sum(map(len, members))


def compare(quick):
    people, groups, largest = (500, 20, 250) if quick else (5000, 100, 2500)
    with closing(SambaTown(0, groups=0, first_password="none")) as town:
        memberships = fill(town, people, groups, largest)
        search = ["ldapsearch", "-H", town.ldap.ldaps, "-x", "-D", town.ldap.service_dn, "-w", town.ldap.password, "-LLL",
                  "-o", "ldif-wrap=no", "-E", "pr=500/noprompt"]
        town.start()
        done = lambda: town.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'")
        until(lambda: done() >= 1 and town.quiet(), 600, "the first compare:\n" + town.said()[-1000:])
        ours, theirs = [], []
        for _ in range(5):
            before, began = done(), time.time()
            town.sql("SELECT paasla.ask('sync')")
            until(lambda: done() > before, 600)
            ours.append(time.time() - began)
            began = time.time()
            tool(*search, "-b", PEOPLE, "(objectClass=*)", *READ_OF_PEOPLE, env=town.ldap.env())
            tool(*search, "-b", GROUPS, "(objectClass=*)", *READ_OF_GROUPS, env=town.ldap.env())
            theirs.append(time.time() - began)
        print(town.one("SELECT last_compare_text FROM paasla.directory"))
        row("Samba, full compare, nothing to do, %d people, %d groups, %d memberships" % (people, groups, memberships), median(ours),
            median(theirs), 1.5, "s", "ours %s, theirs %s" % tuple(" ".join("%.3g" % t for t in side) for side in (ours, theirs)))
