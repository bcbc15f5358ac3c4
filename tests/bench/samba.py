"""Active Directory: departures against the same writes by hand, and a full compare, on Samba domain controllers that sync."""
import os
import subprocess
import time

from bed import BUILD, N_GROUPS, Bench, closing, median, percentile, row, until
from adtown import AdTown
from sambaserver import GROUPS, PEOPLE, SambaServer

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


def departures(quick):
    """One at a time, ours and theirs by turns. The same program tries to log on to both domain controllers."""
    n = 16 if quick else 150
    with closing(SambaTown(n, brake=["named_per_hour = 1000000"])) as town:
        town.load()
        town.start()
        town.settled(600)
        logins = [r[0] for r in town.sql("SELECT a.login FROM paasla.account a JOIN paasla.employee_number USING (person_id)"
                                         " ORDER BY employee_no")]
        town.stop()
        town.ldap.sync()
        town.start()
        until(lambda: "live watch: begun" in town.said(), 60)
        town.settled(60)
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
