"""A slapd as Debian's package sets one up: configuration in cn=config, one database, its default rules. The town in it has
people and groups already, and knows nothing of Pääsla."""

import os
import subprocess

from ldapserver import SlapdServer, run

BASE = "dc=linn,dc=test"
ADMIN = "cn=admin," + BASE

CONFIG = """\
dn: cn=config
objectClass: olcGlobal
cn: config
olcArgsFile: {dir}/run/slapd.args
olcPidFile: {dir}/run/slapd.pid
olcTLSCACertificateFile: {ca}
olcTLSCertificateFile: {certificate}
olcTLSCertificateKeyFile: {key}

dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

{schemas}
dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcAccess: {{0}}to * by dn.exact={root},cn=peercred,cn=external,cn=auth manage by * break
olcAccess: {{1}}to dn.exact="" by * read
olcAccess: {{2}}to dn.base="cn=Subschema" by * read
olcSizeLimit: 500

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcAccess: {{0}}to * by dn.exact={root},cn=peercred,cn=external,cn=auth manage by * break

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcDbDirectory: {dir}/db
olcDbNoSync: TRUE
olcSuffix: {base}
olcRootDN: {admin}
olcRootPW: {password}
olcLastMod: TRUE
olcDbMaxSize: 1073741824
olcDbIndex: objectClass eq
olcDbIndex: cn,uid eq
olcDbIndex: uidNumber,gidNumber eq
olcDbIndex: member,memberUid eq
olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{1}}to attrs=shadowLastChange by self write by * read
olcAccess: {{2}}to * by * read
"""

TREE = """\
dn: {base}
objectClass: organization
objectClass: dcObject
o: Linn
dc: linn

dn: ou=inimesed,{base}
objectClass: organizationalUnit
ou: inimesed

dn: ou=ryhmad,{base}
objectClass: organizationalUnit
ou: ryhmad

dn: uid=vana.olija,ou=inimesed,{base}
objectClass: inetOrgPerson
uid: vana.olija
cn: Vana Olija
sn: Olija
userPassword: olija-parool

dn: cn=uksed,ou=ryhmad,{base}
objectClass: groupOfNames
cn: uksed
member: uid=vana.olija,ou=inimesed,{base}

dn: uid=muu.number,ou=inimesed,{base}
objectClass: inetOrgPerson
uid: muu.number
cn: Muu Number
sn: Number
employeeNumber: 1042

dn: cn=muud,ou=ryhmad,{base}
objectClass: groupOfNames
cn: muud
description: Muud
member: uid=vana.olija,ou=inimesed,{base}

dn: ou=mujal,{base}
objectClass: organizationalUnit
ou: mujal

dn: cn=haldurid,ou=mujal,{base}
objectClass: groupOfNames
cn: haldurid
member: uid=vana.olija,ou=inimesed,{base}
"""


class ConfiguredSlapd(SlapdServer):
    """SlapdServer's life and tools; another configuration and another town."""

    def _configure(self):
        self.root_dn, self.suffix = ADMIN, BASE
        self.admin_file = self.password_in("admin", self.root_password)
        for name in ("db", "run", "slapd.d"):
            os.makedirs(os.path.join(self.dir, name), exist_ok=True)
            self._give(os.path.join(self.dir, name))
        schemas = "".join("include: file:///etc/ldap/schema/%s.ldif\n\n" % s for s in ("core", "cosine", "nis", "inetorgperson"))
        self.ldif = CONFIG.format(dir=self.dir, base=BASE, admin=ADMIN, password=self.root_password, schemas=schemas,
                                  ca=self.ca_file, certificate=self.certificate[0], key=self.certificate[1],
                                  root="gidNumber=%d+uidNumber=%d" % (os.getegid(), os.geteuid()))
        self.config = os.path.join(self.dir, "slapd.d")

    def _slapadd(self, number, text):
        path = os.path.join(self.dir, "load.ldif")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)
        run("slapadd", "-q", "-F", self.config, "-n", str(number), "-l", path, **self._as_user())

    def _load(self):
        self._slapadd(0, self.ldif)
        self._slapadd(1, TREE.format(base=BASE))

    def password_in(self, name, text):
        """As the tools want it: without an end of line."""
        path = self.secret(name, text)
        os.truncate(path, len(text))
        return path

    def _arguments(self):
        return ["-F", self.config]

    def _tool(self, name, *args, stdin=None, dn=None, password=None):
        return super()._tool(name, *args, stdin=stdin, dn=dn or ADMIN, password=password)

    def tool(self, dn, password_file, name, *args, stdin=None):
        """As anybody, by TLS; (exit status, output)."""
        env = {k: v for k, v in os.environ.items() if k != "LDAPNOINIT"}  # with it no variable is read
        p = subprocess.run([name, "-ZZ", "-H", self.ldap, "-x", "-D", dn, "-y",
                            password_file, *args], input=stdin.encode() if stdin else None, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, env=dict(env, LDAPTLS_CACERT=self.ca_file))
        return p.returncode, p.stdout.decode(errors="replace")
