"""What the benchmarks share: a town whose servers sync to disk, its peer beside it, and the table."""
import contextlib
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "real"))
from ldapserver import GROUPS, PEOPLE, SlapdServer  # noqa: E402
from pgserver import PgServer  # noqa: E402
from town import BUILD, Town, until  # noqa: E402

N_GROUPS = 10


def letters(n):
    return "".join("abcdefghij"[int(c)] for c in str(n))


class Bench:
    """What makes a town of the tests one to measure: many people, and a database that is on disk for sure."""

    def __init__(self, people, groups=N_GROUPS, grants=True, **conf):
        self.n_people, self.n_groups, self.grants, self.n_roles = people, groups, grants, groups
        super().__init__(people=0, **conf)

    settings = {}

    def database(self):
        return PgServer(fsync="on", shared_buffers="512MB", max_wal_size="4GB", **self.settings)

    def settled(self, seconds=20):
        """A daemon that ended will never get there."""
        until(lambda: self.process.poll() is not None or self.quiet(), seconds, "a quiet queue")
        assert self.process.poll() is None, self.said()[-2000:]

    def load(self):
        """Everybody hired and everything granted, in two statements."""
        self.sql("INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, employed_from)"
                 " SELECT 'LV', (100000 + n)::text, 'Inimene', 'Nimi' || translate(n::text, '0123456789', 'abcdefghij'), now()"
                 " FROM generate_series(0, %d) n" % (self.n_people - 1))
        if self.grants:
            self.sql("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT p.person_id, r.role_id,"
                     " tstzrange(now(), NULL), 'KK-1' FROM paasla.person p, paasla.register_role r WHERE r.register_code = 'NAS'")


class BenchTown(Bench, Town):
    """With ten groups, on slapd or 389 Directory Server, which sync to disk here."""

    def servers(self):
        ldap = SlapdServer(tls=False, fsync=True) if self.kind.dialect == "openldap" else self.kind.server(True)
        return ldap, self.database()

    def groups(self):
        add_groups(self.ldap, self.n_groups)


def add_groups(ldap, n):
    first = "member: %s\n" % ldap.nobody if hasattr(ldap, "nobody") else ""
    ldap.add("".join("dn: cn=r%d,%s\nobjectClass: groupOfNames\ncn: r%d\n%s\n" % (g, GROUPS, g, first) for g in range(n)))


@contextlib.contextmanager
def closing(thing, how="close"):
    try:
        yield thing
    finally:
        getattr(thing, how)()


def tool(*args, **kw):
    return subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **kw)


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def median(values):
    return statistics.median(values)


ROWS = []


def row(what, ours, theirs, target, unit="ms", note=""):
    """One line of the table; the ratio is what counts."""
    ratio = ours / theirs if theirs else float("nan")
    reached = "-" if target is None else "yes" if ratio <= target else "NO"
    ROWS.append("| %s | %.4g %s | %.4g %s | %.2f | %s | %s |" % (what, ours, unit, theirs, unit, ratio,
                                                                "-" if target is None else "≤ %g" % target, reached))
    print(ROWS[-1] + ("  " + note if note else ""), flush=True)


def absolute(what, ours, limit, unit, target_text, note=""):
    ROWS.append("| %s | %.4g %s | %.4g %s | %.2f | %s | %s |" % (what, ours, unit, limit, unit, ours / limit, target_text,
                                                                "yes" if ours <= limit else "NO"))
    print(ROWS[-1] + ("  " + note if note else ""), flush=True)
