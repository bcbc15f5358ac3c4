"""What the tests of `paaslactl preflight` share: a small town that nobody has switched on, and what preflight says of it."""
import contextlib
import os
import re
import shutil
import tempfile
import unicodedata

from ldapserver import GROUPS, PEOPLE, POLICY, SlapdServer
from paaslactl import ATTENTION, OK, ctl
from pgserver import PgServer

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "daemon", "ctl", "preflight_table.c")


def table(dialect):
    """(id, has a snippet) of the table's checks for one kind of server; "asked": only for who asks for it."""
    with open(TABLE, encoding="ascii") as f:
        rows = re.findall(r'^ {4}\{"([a-z_]+)",\s+([A-Z0-9_ |]+),(.*?)\},$', f.read(), re.M | re.S)
    assert len(rows) > 25
    found = [(name, "asked" if rest.rstrip().endswith("true") else not rest.rstrip().endswith("NULL")) for name, kinds, rest in rows if "PF_ALL" in kinds or dialect in kinds]
    assert len(dict(found)) == len(found), "two rows of one id for " + dialect
    return found


def checks(dialect):
    return [name for name, _ in table(dialect)]


def hides_something(row):
    return any(unicodedata.category(c) in ("Cc", "Cf") for o in row["objects"] for c in o["name"] + (o["value"] or ""))


class Report:
    """One directory of what preflight said as JSON."""

    seen = set()  # every id that was not as it should be, in any test of this run

    def __init__(self, said, directory="linn", asked=False):
        self.code, self.err = said.code, said.err
        self.whole = said.json
        (self.dir,) = [d for d in self.whole["directories"] if d["directory"] == directory]
        self.rows = self.dir["checks"]
        for row in self.rows:
            told = row["state"] in ("note", "warning", "stops") or (row["state"] == "unknown" and row["text"])
            assert bool(row["text"]) == bool(told), row
            assert "{" not in re.sub(r"\{[-0-9]+\}", "", (row["text"] or "") + (row["advice"] or "")), row
            if told:
                Report.seen.add(row["check"])
                has = dict(table("PF_" + self.dir["dialect"].upper()))[row["check"]]
                has = asked if has == "asked" else has
                assert (row["snippet"] is not None) == (row["undo"] is not None) == (has and not hides_something(row)), row
        assert self.dir["needs"] == sum(row["needs_person"] for row in self.rows)
        assert (self.code == ATTENTION) == (self.whole["needs"] > 0 or bool(said.err))

    def bad(self, *states):
        """ids of what is not as it should be; by default what needs a person."""
        return [row["check"] for row in self.rows if row["state"] in (states or ("warning", "stops"))]

    def row(self, check, address=None):
        (found,) = [r for r in self.rows if r["check"] == check and address in (None, r["address"])]
        return found

    def objects(self, check):
        return [o["name"] for o in self.row(check)["objects"]]


class Server(SlapdServer):
    """slapd that tells its time, with a second database that people_base is not in."""

    def _configure(self):
        super()._configure()
        with open(self.config, "a", encoding="utf-8") as f:
            f.write("\ndatabase monitor\naccess to * by * read\n")


class Bed:
    """Group r0 has a role and the mark; three people are hired and have no account. Nothing needs anybody."""

    directory = "linn"

    def __init__(self, ldap=None):
        self.dir = tempfile.mkdtemp(prefix="paasla-preflight-")
        os.chmod(self.dir, 0o755)
        self.ldap = ldap or Server()
        self.ldap.start()
        self.pg = PgServer(migrated=True)
        self.pg.start()
        self.pg.migrate()
        self.sql("CREATE ROLE paaslad LOGIN IN ROLE paasla_daemon")
        self.sql("INSERT INTO paasla.institution VALUES ('LV', 'Linnavalitsus')")
        self.sql("INSERT INTO paasla.directory (directory, dialect) VALUES ('linn', %s)", self.dialect())
        self.sql("INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'linn')")
        self.sql("INSERT INTO paasla.register (register_code, name, route) VALUES ('NAS', 'NAS', 'directory')")
        self.sql("INSERT INTO paasla.register_role (register_code, role_code, name) VALUES ('NAS', 'r0', 'r0')")
        for no, given, family in (("1001", "Anu", "Kask"), ("1002", "Toomas", "Mets"), ("1003", "Mari", "Tamm")):
            self.hire(no, given, family)
        self.fill()

    def dialect(self):
        return "openldap"

    def fill(self):
        self.role_group(self.add_group("r0"))

    def close(self):
        self.pg.remove()
        self.ldap.remove()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- set-up ----

    def sql(self, text, *args):
        return self.pg.sql(text, *args)

    def hire(self, no, given, family):
        self.sql("SELECT paasla.hire('LV', %s, %s, %s)", no, given, family)

    def add_group(self, name, more="description: paasla", kind="groupOfNames", base=GROUPS):
        dn = "cn=%s,%s" % (name, base)
        member = "member: %s\n" % self.ldap.nobody if kind == "groupOfNames" else ""
        self.ldap.add("dn: %s\nobjectClass: %s\ncn: %s\n%s%s\n" % (dn, kind, name, member, more))
        return dn

    def role_group(self, dn):
        self.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM paasla.register_role", dn)

    def options(self):
        l = self.ldap
        return {"dialect": "openldap", "uris": l.ldap, "tls": "starttls", "ca_file": l.ca_file, "bind_dn": l.service_dn,
                "password_file": l.password_file, "people_base": PEOPLE, "group_base": GROUPS, "canary_dn": l.canary,
                "placeholder_dn": l.nobody, "policy_dn": l.policy, "rdn_template": "uid={login}," + PEOPLE,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.cn": "{name}", "attribute.sn": "{family}"}

    def conf(self, **changed):
        """The path of a configuration; None leaves an option out, _ in a name stands for itself."""
        lines = dict(self.options(), **changed)
        text = "[database]\nconnection = %s\n[directory linn]\n%s" % (
            self.pg.dsn("paaslad"), "".join("%s = %s\n" % (k, v) for k, v in lines.items() if v is not None))
        path = os.path.join(self.dir, "paasla.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    # ---- looking ----

    def ctl(self, *words, code=None, user="paaslad", **changed):
        return ctl(self.pg.dsn(user), *words, "--config", self.conf(**changed), code=code, timeout=120)

    def look(self, *options, **changed):
        return Report(self.ctl("--json", "preflight", *options, **changed), asked="--protected-accounts" in options)

    @contextlib.contextmanager
    def entry(self, dn, *lines):
        self.ldap.add("dn: %s\n%s\n" % (dn, "\n".join(lines)))
        try:
            yield dn
        finally:
            self.ldap._tool("ldapdelete", dn)

    def person(self, uid, *more):
        return self.entry("uid=%s,%s" % (uid, PEOPLE), "objectClass: inetOrgPerson", "uid: " + uid, "cn: " + uid, "sn: " + uid, *more)

    @contextlib.contextmanager
    def changed(self, dn, change, back):
        self.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, change))
        try:
            yield
        finally:
            self.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, back))

    def past(self, text, *args):
        """A statement that the rules of the tables do not see: what the past may have left there."""
        self.sql("SET session_replication_role = replica; " + text, *args)

    @contextlib.contextmanager
    def rows(self, make, undo, *args):
        self.past(make, *args)
        try:
            yield
        finally:
            self.past(undo)
