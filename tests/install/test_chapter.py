"""README's chapter Install carried out on a private PostgreSQL and a private slapd with the installed programs: the statements,
the LDIF, the access rules and the settings are README's own. The daemon runs as nobody (as whoever runs the tests, when that
is not root) and has its secret from $CREDENTIALS_DIRECTORY alone."""

import os
import pwd
import re
import signal
import subprocess
import time

import pytest

import chapter
from configured import ADMIN, BASE, ConfiguredSlapd
from ldapserver import run
from pgserver import PgServer

SERVICE = "cn=paaslad,ou=teenused," + BASE
PEOPLE, GROUPS = "ou=inimesed," + BASE, "ou=ryhmad," + BASE


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError("waited %d s in vain for %s" % (seconds, what() if callable(what) else what))


class Host:
    """A host on which README's steps were taken."""

    def __init__(self, root, folder):
        self.root, self.dir = root, folder
        self.paaslad, self.paaslactl = self.root + "/usr/sbin/paaslad", self.root + "/usr/bin/paaslactl"
        self.process = self.pg = self.ldap = None

    # ---- README's steps ----

    def database(self):
        self.pg = PgServer()
        self.pg.start()
        create, = [line for line in chapter.commands().split("\n") if " createdb " in line]
        subprocess.run([os.path.join(self.pg.bin, "createdb"), "-h", self.pg.dir, "-U", "postgres",
                        *create.split(" createdb ")[1].split()], check=True)
        self.ctl("postgres", "db", "migrate")
        self.roles, self.switch_on = [text for command, text in chapter.documents("SQL") if " psql " in command]
        self.psql(self.roles)

    def directory(self):
        self.ldap = ConfiguredSlapd()
        self.ldap.start()
        config, entries = chapter.documents("LDIF")
        assert config[0].startswith("ldapmodify ") and entries[0].startswith("ldapadd ")
        run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", self.ldap.ldapi, input=config[1].encode())
        self.ldap.add(entries[1])
        self.mark, = chapter.blocks("ldif")
        self.ldap.modify(self.mark)
        self.secrets = os.path.join(self.dir, "credentials")
        os.mkdir(self.secrets, 0o700)
        self.secret = os.path.join(self.secrets, "secret_linn")
        with open(self.secret, "w", encoding="ascii") as f:
            f.write("salajane-%d" % os.getpid())
        os.chmod(self.secret, 0o400)
        assert re.search(r"^ldappasswd .*-T /etc/paasla/secret/linn .*\n? *%s$" % SERVICE, chapter.commands().replace("\\\n", ""), re.M)
        self.ldap._tool("ldappasswd", "-T", self.secret, SERVICE)

    def configuration(self):
        self.first = os.path.join(self.dir, "first")
        os.mkdir(self.first, 0o700)
        ours = {"uris": self.ldap.ldap, "ca_file": self.ldap.ca_file, "first_password_dir": self.first}
        pairs = chapter.settings()
        assert set(ours) <= {name for name, _ in pairs}
        with open(self.root + "/etc/paasla/paasla.conf", encoding="utf-8") as f:
            sample = f.read()
        sample = chapter.edit_conf(sample, "directory linn", [(n, ours.get(n, v)) for n, v in pairs])
        sample = sample.replace("connection = host=/run/postgresql ", "connection = host=%s " % self.pg.dir)
        self.conf = os.path.join(self.dir, "paasla.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(sample)

    # ---- the daemon, as somebody who owns nothing ----

    def user(self):
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def as_daemon(self):
        user = self.user()
        for path in (self.first, self.secrets, self.secret):
            if os.geteuid() == 0:
                os.chown(path, user.pw_uid, user.pw_gid)
        drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        return dict(drop, cwd="/", env={"CREDENTIALS_DIRECTORY": self.secrets})

    def start(self):
        self.log = os.path.join(self.dir, "log")
        subprocess.run([self.paaslad, "-t", "-c", self.conf], check=True, **self.as_daemon())
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.paaslad, "-c", self.conf], stderr=log, stdout=log, **self.as_daemon())

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        for server in (self.pg, self.ldap):
            if server:
                server.remove()

    # ---- asking ----

    def ctl(self, who, *words, codes=(0,)):
        p = subprocess.run([self.paaslactl, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=dict(os.environ, PGHOST=self.pg.dir, PGUSER=who, PGDATABASE="paasla"))
        assert p.returncode in codes, "%s: %d\n%s\n%s" % (words, p.returncode, p.stdout.decode(), self.process and self.said())
        return p.stdout.decode()

    def psql(self, text):
        subprocess.run([os.path.join(self.pg.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.pg.dir, "-U",
                        "postgres", "paasla"], input=text.encode(), check=True)

    def account(self, number):
        rows = self.pg.sql("SELECT a.login, a.state FROM paasla.account a JOIN paasla.staff s USING (person_id)"
                           " WHERE s.employee_no = %s", number)
        return rows[0] if rows else (None, None)

    def is_in(self, number, state, seconds=30):
        until(lambda: self.account(number)[1] == state, seconds,
              lambda: "%s to be %s: %s\n%s" % (number, state, self.account(number), self.said()))

    def binds(self, login):
        dn = "uid=%s,%s" % (login, PEOPLE)
        return self.ldap.bind_ok(dn, self.password(login))

    def password(self, login):
        name, = [n for n in os.listdir(self.first) if n.startswith(login + "-2")]
        with open(os.path.join(self.first, name), encoding="ascii") as f:
            return f.readline().strip()

    def entry(self, dn, *attributes):
        return self.ldap.search(dn, "-s", "base", "(objectClass=*)", *attributes)


@pytest.fixture(scope="module")
def host(root, folder):
    h = Host(root, folder("host"))
    try:
        h.database()
        h.directory()
        h.configuration()
        yield h
    finally:
        h.close()


def test_what_the_daemon_may_in_the_directory(host):
    """The access rules of README, tried by the service account itself: what it needs is allowed, the rest is refused."""
    old, group, other = "uid=vana.olija," + PEOPLE, "cn=uksed," + GROUPS, "cn=muud," + GROUPS
    new, strange = "uid=proov," + PEOPLE, "uid=proov,ou=mujal," + BASE
    person = "objectClass: inetOrgPerson\nuid: proov\ncn: Proov\nsn: Proov\nemployeeNumber: LV-1\n"
    password, lock = "replace: userPassword\nuserPassword: x\n", "replace: pwdEndTime\npwdEndTime: 20250101000000Z\n"
    canary = "uid=kanaarilind," + PEOPLE
    try:
        for code, name, ldif in (
                (0, "ldapadd", "dn: %s\n%s" % (new, person)),
                (0, "ldapmodify", "dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: x\n" % new),
                (0, "ldapmodify", "dn: %s\nchangetype: modify\nreplace: pwdEndTime\npwdEndTime: 20250101000000Z\n" % new),
                (0, "ldapmodify", "dn: %s\nchangetype: modify\ndelete: pwdEndTime\n" % new),
                (0, "ldapmodify", "dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (group, new)),
                (0, "ldapmodify", "dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (group, new)),
                # Attributes that are not ours, entries that are not ours, nothing deleted, moved or renamed.
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nreplace: sn\nsn: Muu\n" % old),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nadd: description\ndescription: x\n" % canary),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nadd: description\ndescription: x\n" % group),
                (50, "ldapmodify", "dn: cn=haldurid,ou=mujal,%s\nchangetype: modify\nadd: member\nmember: %s\n" % (BASE, new)),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: x\n" % SERVICE),
                (50, "ldapmodify", "dn: cn=vaikimisi,ou=reeglid,%s\nchangetype: modify\nadd: pwdLockout\npwdLockout: TRUE\n" % BASE),
                (50, "ldapmodify", "dn: %s\nchangetype: delete\n" % new),
                (50, "ldapmodify", "dn: %s\nchangetype: delete\n" % old),
                (50, "ldapmodify", "dn: %s\nchangetype: delete\n" % group),
                (50, "ldapmodify", "dn: %s\nchangetype: modrdn\nnewrdn: uid=muu\ndeleteoldrdn: 1\n" % old),
                (50, "ldapmodify", "dn: %s\nchangetype: modrdn\nnewrdn: uid=vana.olija\ndeleteoldrdn: 0\n"
                                   "newsuperior: ou=mujal,%s\n" % (old, BASE)),
                # Entries in the same folders that Pääsla does not keep; nor does it make them its own.
                *[(50, "ldapmodify", "dn: %s\nchangetype: modify\n%s" % (dn, change))
                  for dn in (old, canary, "uid=muu.number," + PEOPLE) for change in (
                      password, lock, "replace: employeeNumber\nemployeeNumber: LV-7\n")],
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (other, new)),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (other, old)),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nadd: description\ndescription: paasla\n" % other),
                (50, "ldapmodify", "dn: %s\nchangetype: modify\nreplace: employeeNumber\nemployeeNumber: 7\n" % new),
                (50, "ldapadd", "dn: %s\n%s" % (strange, person)),
                (50, "ldapadd", "dn: cn=uus,%s\nobjectClass: groupOfNames\ncn: uus\nmember: %s\n" % (GROUPS, old)),
                (50, "ldapadd", "dn: uid=all,%s\n%s" % (old, person.replace("proov", "all"))),
                (50, "ldapmodify", "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcReadOnly\n"
                                   "olcReadOnly: TRUE\n")):
            got, said = host.ldap.tool(SERVICE, host.secret, name, stdin=ldif)
            assert got == code, "%s as the service account: %d\n%s" % (ldif, got, said)
    finally:
        host.ldap._tool("ldapdelete", new)


def test_what_the_daemon_may_read(host):
    code, said = host.ldap.tool(SERVICE, host.secret, "ldapsearch", "-LLL", "-b", BASE, "(objectClass=*)", "*", "+")
    assert code == 0 and "\nuserPassword:" not in said
    for dn in ("uid=vana.olija," + PEOPLE, "cn=haldurid,ou=mujal," + BASE, "cn=vaikimisi,ou=reeglid," + BASE):
        assert "dn: " + dn in said.replace("\n ", "")
    assert "entryUUID: " in said and "entryCSN: " in said
    # Others read and write what they did before: README's rules only add.
    code, said = host.ldap.tool(ADMIN, host.ldap.admin_file, "ldapsearch", "-LLL", "-b", PEOPLE, "(uid=vana.olija)", "userPassword")
    assert code == 0 and "\nuserPassword:" in said
    assert host.ldap.bind_ok("uid=vana.olija," + PEOPLE, "olija-parool")
    mine = host.ldap.password_in("olija", "olija-parool")
    code, said = host.ldap.tool("uid=vana.olija," + PEOPLE, mine, "ldapsearch", "-LLL", "-b", PEOPLE, "uid", "userPassword", "sn")
    assert code == 0 and "sn: Olija" in said and said.count("\nuserPassword:") == 1  # her own, by Debian's rule
    change = "changetype: modify\nreplace: pwdEndTime\npwdEndTime: 20250101000000Z\n"
    code, _ = host.ldap.tool("uid=vana.olija," + PEOPLE, mine, "ldapmodify", stdin="dn: uid=kanaarilind,%s\n%s" % (PEOPLE, change))
    assert code == 50


def test_from_the_first_start_to_a_departure(host):
    # A town's policy may be strict: it holds up neither a first password nor a departure.
    host.ldap.modify("dn: cn=vaikimisi,ou=reeglid,%s\nchangetype: modify\nadd: pwdMinAge\npwdMinAge: 86400\n-\n"
                     "add: pwdCheckQuality\npwdCheckQuality: 2\n-\nadd: pwdMinLength\npwdMinLength: 10\n-\n"
                     "add: pwdSafeModify\npwdSafeModify: TRUE\n" % BASE)
    before = host.entry("uid=vana.olija," + PEOPLE, "entryCSN")
    host.start()
    host.ctl("mari", "hire", "1042", "Piret", "Lõhmus", "--institution", "LV")
    host.ctl("postgres", "sync")
    assert "uid=piret" not in host.ldap.search(PEOPLE, "(uid=piret*)", "1.1")  # only observed
    assert "orphan_account" in host.ctl("postgres", "findings", "--all", codes=(0, 1))
    host.psql(host.switch_on)
    host.is_in("1042", "open")
    login = host.account("1042")[0]
    assert host.binds(login)

    host.psql("SET SESSION AUTHORIZATION jaan;"
              "INSERT INTO paasla.register (register_code, name, route) VALUES ('UKS', 'Uksed', 'directory');"
              "INSERT INTO paasla.register_role (register_code, role_code, name, mode) VALUES ('UKS', 'uks', 'Uks', 'enforce');"
              "INSERT INTO paasla.role_group (role_id, directory, group_dn)"
              " SELECT role_id, 'linn', 'cn=uksed,%s' FROM paasla.register_role" % GROUPS)
    host.psql("INSERT INTO paasla.request (reference, requested_by) SELECT 'T-1', person_id FROM paasla.staff")
    host.ctl("jaan", "grant", "1042", "UKS", "uks", "--ref", "T-1")
    member = "member: uid=%s,%s" % (login, PEOPLE)
    until(lambda: member in host.entry("cn=uksed," + GROUPS, "member"), 30, lambda: "the membership\n" + host.said())

    # A role on a group without README's mark: it is said and not written, and the mark alone puts it right.
    other = "cn=muud," + GROUPS
    host.psql("SET SESSION AUTHORIZATION jaan;"
              "INSERT INTO paasla.register_role (register_code, role_code, name, mode) VALUES ('UKS', 'muu', 'Muu', 'enforce');"
              "INSERT INTO paasla.role_group (role_id, directory, group_dn)"
              " SELECT role_id, 'linn', '%s' FROM paasla.register_role WHERE role_code = 'muu'" % other)
    host.ctl("jaan", "grant", "1042", "UKS", "muu", "--ref", "T-1")
    denied = "SELECT kind FROM paasla.finding WHERE kind = 'write_denied' AND state = 'open'"
    until(lambda: host.pg.sql(denied), 30, lambda: "the refusal to be a finding\n" + host.said())
    assert member not in host.entry(other, "member")
    host.ldap.modify(host.mark.replace("cn=uksed," + GROUPS, other))
    host.ctl("postgres", "sync")
    until(lambda: member in host.entry(other, "member"), 30, lambda: "the marked group's member\n" + host.said())
    until(lambda: not host.pg.sql(denied), 30, lambda: "the finding's end\n" + host.said())

    host.ctl("mari", "depart", "1042", "--ref", "KK-1")
    host.is_in("1042", "out")
    assert not host.binds(login)
    for group in ("cn=uksed," + GROUPS, other):
        assert member not in host.entry(group, "member")
    # The password is useless too, whatever the policy says of its age.
    host.ldap.modify("dn: uid=%s,%s\nchangetype: modify\ndelete: pwdEndTime\n" % (login, PEOPLE))
    assert not host.binds(login)
    assert before == host.entry("uid=vana.olija," + PEOPLE, "entryCSN")
    assert not host.pg.sql("SELECT kind, text FROM paasla.finding WHERE kind = 'password_not_useless'")
    assert not host.pg.sql(denied)
