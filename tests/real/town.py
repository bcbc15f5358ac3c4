"""A small town under the real daemon: private PostgreSQL, private directory server, paaslad. Proof of access is a successful
bind, proof of lock-out a failed one."""
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from kinds import KINDS
from ldapserver import GROUPS, PEOPLE
from pgserver import PgServer

BUILD = os.environ["PAASLA_BUILD"]


PATIENCE = 45  # seconds: tells life from death and nothing else; a busy machine may stop anybody for a while


def until(condition, seconds=PATIENCE, what="it"):
    """The last look is after the time: who was stopped itself does not give up what is there."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= end
        value = condition()
        if value:
            return value
        if late:
            raise AssertionError("waited %d s in vain for: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.02)


class Town:
    """Groups r0..r4 belong to roles r0..r4 of register NAS (r4 is put back on drift); register STAR is manual."""

    def __init__(self, people=3, strict=False, live=True, kind="openldap", **conf):
        self.dir = tempfile.mkdtemp(prefix="paasla-town-")
        self.live, self.kind = live, KINDS[kind]
        self.ldap, self.pg = self.servers()
        self.ldap.start()
        self.pg.start()
        self.pg.migrate()
        self.conf_extra, self.process, self.log = conf, None, None
        if strict:
            self.kind.strict(self.ldap)
        self.groups()
        self.schema()
        for n in range(people):
            self.hire(1000 + n, "Inimene", "Number%s" % "abcdefghijklmnopqrstuvwxyz"[n % 26])
        self.write_conf()

    # ---- set-up ----

    n_roles = 5

    def uris(self):
        return self.ldap.ldapi

    def servers(self):
        return self.kind.server(self.live), PgServer(migrated=True)

    def group_dn(self, n):
        return "cn=r%d,%s" % (n, GROUPS)

    def groups(self):
        self.ldap.add("".join("dn: %s\nobjectClass: groupOfNames\ncn: r%d\n%s\n"
                              % (self.group_dn(n), n, self.kind.first_member(self.ldap)) for n in range(5)))

    def schema(self):
        self.sql("CREATE ROLE paaslad LOGIN IN ROLE paasla_daemon")
        self.sql("INSERT INTO paasla.institution VALUES ('LV', 'Linnavalitsus')")
        self.sql("INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('linn', '%s', 'enforce')" % self.kind.dialect)
        self.sql("INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'linn')")
        self.sql("INSERT INTO paasla.register (register_code, name, route) VALUES ('NAS', 'NAS', 'directory'),"
                 " ('STAR', 'STAR', 'manual')")
        self.sql("INSERT INTO paasla.register_role (register_code, role_code, name, mode, on_drift) SELECT 'NAS', 'r' || n,"
                 " 'r' || n, 'enforce', CASE WHEN n = 4 THEN 'put_back' ELSE 'report' END FROM generate_series(0, %d) n" % (self.n_roles - 1))
        self.sql("INSERT INTO paasla.register_role (register_code, role_code, name) VALUES ('STAR', 'arveldaja', 'arveldaja')")
        self.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn',"
                 " 'cn=' || role_code || ',%s' FROM paasla.register_role WHERE register_code = 'NAS' ORDER BY role_code" % GROUPS)
        self.sql("SELECT paasla.file_request('KK-1')")

    def write_conf(self):
        self.conf = os.path.join(self.dir, "paasla.conf")
        first = os.path.join(self.dir, "first")
        os.makedirs(first, 0o700, exist_ok=True)
        lines = ["[database]", "connection = " + self.pg.dsn("paaslad").replace("user=postgres", "user=paaslad"), "[daemon]",
                 "poll_s = %s" % self.conf_extra.get("poll_s", 5), "retry_min_ms = 100", "retry_max_s = 1",
                 "[brake]", "max_locks = %s" % self.conf_extra.get("max_locks", 10), *self.conf_extra.get("brake", []), "[directory linn]", "dialect = " + self.kind.dialect,
                 "uris = " + self.uris(), "tls = none", "bind_dn = " + self.ldap.service_dn,
                 "password_file = " + self.ldap.password_file, "people_base = " + PEOPLE, "group_base = " + GROUPS,
                 "canary_dn = " + self.ldap.canary, *self.kind.conf(self.ldap),
                 "rdn_template = uid={login}," + PEOPLE, "object_classes = inetOrgPerson",
                 "attribute.employeeNumber = {institution}-{employee_no}", "attribute.cn = {name}", "attribute.sn = {family}",
                 "first_password = " + self.conf_extra.get("first_password", "file"), "first_password_dir = " + first]
        with open(self.conf, "w") as f:
            f.write("\n".join(lines + self.conf_extra.get("lines", [])) + "\n")

    # ---- the daemon ----

    def env(self):
        """What the daemon's environment holds beside ours."""
        return {}

    def start(self):
        self.log = open(os.path.join(self.dir, "paaslad.log"), "ab")
        self.process = subprocess.Popen([os.path.join(BUILD, "daemon", "paaslad"), "-c", self.conf], stderr=self.log,
                                        stdout=self.log, env=dict(os.environ, LDAPNOINIT="1", **self.env()))
        return self

    def stop(self, sig=signal.SIGTERM):
        if self.process:
            self.process.send_signal(sig)
            try:
                code = self.process.wait(PATIENCE)
            finally:
                self.process = None
            assert sig == signal.SIGKILL or code == 0, "paaslad ended with %d:\n%s" % (code, self.said()[-4000:])

    def said(self):
        with open(os.path.join(self.dir, "paaslad.log"), errors="replace") as f:
            return f.read()

    def close(self):
        try:
            self.stop()
        finally:
            self.pg.remove()
            if self.ldap.process:
                self.ldap.kill9()  # its data goes too: no need to wait for an orderly end
            self.ldap.remove()
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- people ----

    def sql(self, text, *args):
        return self.pg.sql(text, *args)

    def one(self, text, *args):
        return self.sql(text, *args)[0][0]

    def hire(self, no, given, family, when="now()"):
        self.sql("INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, employed_from)"
                 " VALUES ('LV', '%s', '%s', '%s', %s)" % (no, given, family, when))

    def grant(self, no, role, until="NULL", register="NAS"):
        self.sql("SELECT paasla.grant_access('%s', '%s', '%s', 'KK-1', valid_until => %s)" % (no, register, role, until))

    def depart(self, no):
        self.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no = '%s'" % no)

    # ---- looking ----

    def account(self, no, column):
        rows = self.sql("SELECT a.%s FROM paasla.account a JOIN paasla.employee_number n USING (person_id)"
                        " WHERE n.employee_no = '%s' AND a.purpose = 'personal'" % (column, no))
        return rows[0][0] if rows else None

    def dn(self, no):
        return "uid=%s,%s" % (self.account(no, "login"), PEOPLE)

    def password(self, no):
        with open(sorted(glob.glob(os.path.join(self.dir, "first", self.account(no, "login") + "-2*")))[-1]) as f:
            return f.readline().strip()

    def binds(self, no, password=None):
        return self.ldap.bind_ok(self.dn(no), password or self.password(no))

    def in_groups(self, no):
        found = self.ldap.search(GROUPS, "(member=%s)" % self.dn(no), "cn")
        return sorted(re.findall(r"^cn: (\S+)", found, re.M))

    def quiet(self):
        """Nothing dirty, nothing open; also nothing left to retry."""
        return self.one("SELECT (SELECT count(*) FROM paasla.dirty) + (SELECT count(*) FROM paasla.intent"
                        " WHERE outcome IS NULL)") == 0

    def what_waits(self):
        """For the message of a test that waited in vain."""
        rows = []
        for what in ("'now' AS what, clock_timestamp()::text", "'dirty', d::text FROM paasla.dirty d",
                     "'intent', i::text FROM paasla.intent i WHERE outcome IS NULL",
                     "'account', a::text FROM paasla.account a WHERE person_id IN (SELECT person_id FROM paasla.dirty)",
                     "'session', concat_ws(' ', application_name, state, wait_event, now() - query_start, left(query, 120))"
                     " FROM pg_stat_activity WHERE application_name LIKE 'paaslad%'"):
            rows += self.sql("SELECT " + what.replace("%", "%%") + " LIMIT 20")
        return "\n".join("%s: %s" % row for row in rows)

    def settled(self, seconds=PATIENCE):
        try:
            until(self.quiet, seconds, "a quiet queue")
        except AssertionError as e:
            raise AssertionError("%s; there is\n%s" % (e, self.what_waits())) from None

    def compare(self):
        """A full compare from its beginning, and what it found is settled. One that was wished for before this is over as
        well: the daemon keeps one wish, and begins with it what it has not begun yet."""
        control = self.one("SELECT paasla.ask('sync')")
        until(lambda: self.one("SELECT done_at IS NOT NULL FROM paasla.control WHERE control_id = %s", control), what="the compare")
        self.settled()

    def watched(self, times=1):
        """The live watch stands, for that many times now; with it the wish for a compare is known, if it brings one."""
        until(lambda: len(re.findall("live watch: (?:begun|resumed)", self.said())) >= times, what="the watch")
        if self.kind.cookie:
            until(lambda: self.one("SELECT count(*) FROM paasla.directory WHERE cookie IS NOT NULL") == 1, what="the cookie")

    def told(self):
        """All that anybody wrote before this has been told by the watch, and what comes of it is settled: the last word is of a
        stranger in a group, who is nobody's concern."""
        self.strangers = getattr(self, "strangers", 0) + 1
        dn = self.kind.somebody(self.strangers)
        self.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (self.group_dn(3), dn))
        until(lambda: any(dn in text for _, text in self.findings("unmanaged_member")), what="%s to be told" % dn)
        self.settled()

    def state_is(self, no, state, seconds=PATIENCE):
        until(lambda: self.account(no, "state") == state, seconds,
              lambda: "%s to be %s, is %s" % (no, state, self.account(no, "state")))

    def findings(self, kind, state="open"):
        return self.sql("SELECT severity, text FROM paasla.finding WHERE kind = %s AND state = %s", kind, state)
