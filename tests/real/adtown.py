"""The small town of town.py on Active Directory: a real Samba domain controller, reached by LDAPS as a delegated account that
has the rights of sambaserver.DELEGATION and no others."""
import base64
import os
import re
import subprocess

from pgserver import PgServer
from sambaserver import DOMAIN, GROUPS, PEOPLE, REALM, SambaServer
from town import Town


class AdTown(Town):
    def __init__(self, kind="ad", **rest):
        super().__init__(kind=kind, **rest)

    def servers(self):
        return SambaServer(workers=2), PgServer(migrated=True)

    def uris(self):
        return self.ldap.ldaps

    def group_dn(self, n):
        return "CN=r%d,%s" % (n, GROUPS)

    def groups(self):
        for n in range(self.n_roles):
            self.ldap.add_group("r%d" % n)

    def schema(self):
        super().schema()
        self.sql("DELETE FROM paasla.role_group")
        self.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn',"
                 " 'CN=' || role_code || ',%s' FROM paasla.register_role WHERE register_code = 'NAS' ORDER BY role_code" % GROUPS)

    def write_conf(self):
        self.conf = os.path.join(self.dir, "paasla.conf")
        first = os.path.join(self.dir, "first")
        os.makedirs(first, 0o700, exist_ok=True)
        extra = self.conf_extra
        lines = ["[database]", "connection = " + self.pg.dsn("paaslad").replace("user=postgres", "user=paaslad"), "[daemon]",
                 "poll_s = %s" % extra.get("poll_s", 5), "retry_min_ms = 100", "retry_max_s = 1",
                 "compare_every_s = %s" % extra.get("compare_every_s", 3600), "[brake]",
                 "max_locks = %s" % extra.get("max_locks", 10), *extra.get("brake", []), "[directory linn]", "dialect = ad",
                 "uris = " + self.uris(), "ca_file = " + self.ldap.ca_file, "bind_dn = " + self.ldap.service_dn,
                 "password_file = " + self.ldap.password_file, "people_base = " + PEOPLE, "group_base = " + GROUPS,
                 "canary_dn = " + self.ldap.canary, "rdn_template = CN={family}\\, {given} ({login})," + PEOPLE,
                 "attribute.employeeNumber = {institution}-{employee_no}", "attribute.sn = {family}",
                 "attribute.givenName = {given}", "attribute.displayName = {name}",
                 "attribute.userPrincipalName = {login}@" + DOMAIN,
                 "first_password = " + extra.get("first_password", "file"), "first_password_dir = " + first,
                 "must_change_password = " + extra.get("must_change", "no")]
        with open(self.conf, "w") as f:
            f.write("\n".join(lines + extra.get("lines", [])) + "\n")

    def role(self, code, group_dn):
        self.sql("INSERT INTO paasla.register_role (register_code, role_code, name, mode) VALUES ('NAS', %s, %s, 'enforce')", code, code)
        self.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM"
                 " paasla.register_role WHERE role_code = %s", group_dn, code)

    # ---- looking ----

    def dn(self, no):
        return self.account(no, "dn")

    def entry(self, no, *attrs):
        """Attributes of the person's entry as the administrator sees them, by lower-case name; found by its number."""
        text = self.ldap.search(PEOPLE, "(employeeNumber=LV-%s)" % no, *attrs)
        found = {}
        for name, sign, value in re.findall(r"^([^:#\s][^:]*):(:?) (.*)$", text, re.M):
            found[name.lower()] = base64.b64decode(value).decode("utf-8", "surrogateescape") if sign else value
        return found

    def in_groups(self, no):
        found = self.ldap.search(GROUPS, "(member=%s)" % self.escaped(self.entry(no)["dn"]), "cn")
        return sorted(re.findall(r"^cn: (\S+)", found, re.M))

    @staticmethod
    def escaped(value):
        return "".join("\\%02x" % b if chr(b) in "\\*()\0" or b > 126 else chr(b) for b in value.encode())

    def kinit(self, no, password, *new):
        """Whether there is a ticket; with a new password twice where the server asks for another one."""
        login = self.account(no, "login")
        p = subprocess.run(["kinit", "-c", "FILE:" + os.path.join(self.ldap.dir, "tickets." + login), "%s@%s" % (login, REALM)],
                           input="\n".join([password, *new, ""]).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=self.ldap.env(), cwd=self.ldap.dir)
        return p.returncode == 0, p.stdout.decode(errors="replace")

    def can(self, no, password=None):
        """(LDAP bind, Kerberos ticket): the two ways to log on."""
        password = password or self.password(no)
        return self.ldap.bind_ok(self.dn(no), password), self.kinit(no, password)[0]


MANY = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
folder, conf, base, group, n = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
db.transaction_start()
db.add({"dn": base, "objectClass": "organizationalUnit"})
dns = ["CN=k%d,%s" % (i, base) for i in range(int(n))]
for dn in dns:
    db.add({"dn": dn, "objectClass": "contact"})
db.modify_ldif("dn: %s\\nchangetype: modify\\nadd: member\\n%s" % (group, "".join("member: %s\\n" % dn for dn in dns)))
db.transaction_commit()
"""


def add_contacts(server, group, n, base):
    """n contacts below `base`, all members of the group: straight into the server's files, because by LDAP it takes minutes."""
    subprocess.run(["/usr/bin/python3", "-c", MANY, server.dir, server.conf, base, group, str(n)], check=True, env=server.env(),
                   cwd=server.dir)
