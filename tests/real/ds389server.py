"""A private 389 Directory Server in a temporary folder, with the same small town in it as ldapserver.py has.

    server = Ds389Server()          # a copy of an instance that dscreate makes once for each test process
    server.start()
    server.add_people(10)
    ... server.ldaps, server.ldapi, server.service_dn, server.password_file, server.ca_file ...
    server.remove()

Only as root: the server itself runs as the package's user dirsrv. Every path of it lies in the folder; /etc/dirsrv,
/var/lib/dirsrv and /run are not written."""

import atexit
import base64
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import quote

from ldapserver import Certificates, free_port, run, stand_still

SUFFIX = "dc=linn,dc=test"
PEOPLE = "ou=inimesed," + SUFFIX
GROUPS = "ou=grupid," + SUFFIX
SERVICE = "uid=paasla,ou=teenused," + SUFFIX
CANARY = "uid=kanaarilind," + PEOPLE
ROOT = "cn=Directory Manager"
ROOT_PASSWORD = "Halduri-salas0na"
PASSWORD = "teenuse salas\u00f5na"

# The service account's rights, ready for ldapmodify. Nobody has to read what a password is kept as.
DELEGATION = """dn: {people}
changetype: modify
add: aci
aci: (targetattr!="userPassword")
 (version 3.0; acl "paasla reads people"; allow (read,search,compare) userdn="ldap:///{service}";)
aci: (targetattr="nsAccountLock || userPassword")(targetfilter="(objectClass=person)")
 (version 3.0; acl "paasla locks"; allow (write) userdn="ldap:///{service}";)
aci: (target="ldap:///uid=*,{people}")(targetattr="*")
 (version 3.0; acl "paasla creates people"; allow (add) userdn="ldap:///{service}";)

dn: {groups}
changetype: modify
add: aci
aci: (targetattr!="userPassword")
 (version 3.0; acl "paasla reads groups"; allow (read,search,compare) userdn="ldap:///{service}";)
aci: (targetattr="member || uniqueMember || memberUid")
 (targetfilter="(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))")
 (version 3.0; acl "paasla manages members"; allow (write) userdn="ldap:///{service}";)
""".format(people=PEOPLE, groups=GROUPS, service=SERVICE)


def tree():
    """The entries every test starts from."""
    entry = lambda dn, *lines: "dn: %s\n%s\n\n" % (dn, "\n".join(lines))
    out = entry(SUFFIX, "objectClass: domain", "dc: linn")
    for ou in ("inimesed", "grupid", "teenused"):
        out += entry("ou=%s,%s" % (ou, SUFFIX), "objectClass: organizationalUnit", "ou: " + ou)
    out += entry(SERVICE, "objectClass: account", "objectClass: simpleSecurityObject", "uid: paasla",
                 "userPassword:: " + base64.b64encode(PASSWORD.encode()).decode(), *("%s: -1" % a for a in (
                     "nsSizeLimit", "nsTimeLimit", "nsLookThroughLimit", "nsIdleTimeout", "nsPagedSizeLimit")))
    out += entry(CANARY, "objectClass: inetOrgPerson", "uid: kanaarilind", "cn: Kanaarilind", "sn: Kanaarilind")
    for target in DELEGATION.split("\n\n"):  # an import takes entries, not changes
        dn, _, _, acis = target.split("\n", 3)
        out = out.replace(dn + "\n", dn + "\n" + acis.rstrip("\n") + "\n", 1)
    return out


SETUP = """[general]
start = False
strict_host_checking = False
full_machine_name = ds.linn.test
selinux = False
[slapd]
instance_name = paasla
port = {port}
secure_port = {tls_port}
root_password = {password}
self_sign_cert = False
[backend-userroot]
suffix = {suffix}
create_suffix_entry = True
"""


def paths(d):
    """dscreate's defaults, all of them inside the folder."""
    etc = d + "/etc/dirsrv/slapd-{instance_name}"
    own = {"with_systemd": "0", "data_dir": d + "/share", "sysconf_dir": d + "/etc", "initconfig_dir": d + "/etc/default",
           "config_dir": etc, "cert_dir": etc, "schema_dir": etc + "/schema", "local_state_dir": d + "/var",
           "inst_dir": d + "/inst", "tmpfiles_d": d + "/tmpfiles", "tmp_dir": d + "/run", "run_dir": d + "/run",
           "lock_dir": d + "/run/lock", "ldapi": d + "/run/ldapi", "pid_file": d + "/run/pid", "log_dir": d + "/log",
           "db_dir": d + "/db", "db_home_dir": d + "/db", "backup_dir": d + "/bak", "ldif_dir": d + "/ldif"}
    return dict(own, **{name + "_log": d + "/log/" + file for name, file in
                        (("access", "access"), ("audit", "audit"), ("error", "errors"), ("security", "security"))})


def give(folder):
    entry = pwd.getpwnam("dirsrv")
    for at, folders, files in os.walk(folder):
        for name in [at] + [os.path.join(at, f) for f in files]:
            os.chown(name, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


class Template:
    """The instance's files, made at the first need and copied for each server."""

    folder = None

    @classmethod
    def get(cls):
        if not cls.folder:
            folder = tempfile.mkdtemp(prefix="paasla-389-template-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            os.chmod(folder, 0o755)
            cls._make(folder)
            cls.folder = folder
        return cls.folder

    @staticmethod
    def _make(folder):
        with open("/usr/share/dirsrv/inf/defaults.inf") as f:
            defaults = f.read()
        for key, value in paths(folder).items():
            defaults, found = re.subn(r"(?m)^%s = .*$" % key, "%s = %s" % (key, value), defaults)
            if found != 1:
                raise RuntimeError("defaults.inf has %d lines for %s" % (found, key))
        shutil.copytree("/usr/share/dirsrv/data", folder + "/share/dirsrv/data")
        for name in ("config", "schema"):
            shutil.copytree("/etc/dirsrv/" + name, folder + "/etc/dirsrv/" + name)
        for name in ("share/dirsrv/inf", "run"):
            os.makedirs(os.path.join(folder, name))
        with open(folder + "/share/dirsrv/inf/defaults.inf", "w") as f:
            f.write(defaults)
        _edit(folder + "/share/dirsrv/data/template-dse.ldif",  # it is started once, and not for the network
              lambda text: text.replace("\nnsslapd-port:", "\nnsslapd-listenhost: 127.0.0.1\nnsslapd-port:", 1))
        with open(folder + "/setup.inf", "w") as f:
            f.write(SETUP.format(port=free_port(), tls_port=free_port(), password=ROOT_PASSWORD, suffix=SUFFIX))
        give(folder)
        run("dscreate", "-v", "from-file", folder + "/setup.inf", env=dict(os.environ, PREFIX=folder))
        with open(folder + "/tree.ldif", "w") as f:
            f.write(tree())
        os.chmod(folder + "/tree.ldif", 0o644)
        run("ns-slapd", "ldif2db", "-D", folder + "/etc/dirsrv/slapd-paasla", "-n", "userroot", "-i", folder + "/tree.ldif")


def _edit(path, change):
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(change(text))


class Ds389Server:
    def __init__(self, usn=True):
        """usn: the USN plugin, which is off in an instance as dscreate makes it."""
        if os.geteuid() != 0:
            raise RuntimeError("389 Directory Server is started by root only")
        self.process = None
        self.dir = tempfile.mkdtemp(prefix="paasla-389-")
        atexit.register(self.remove)
        os.chmod(self.dir, 0o755)
        self.name = "p" + os.path.basename(self.dir).rsplit("-", 1)[1]  # a semaphore of the machine bears the name
        self.suffix, self.people, self.groups, self.canary = SUFFIX, PEOPLE, GROUPS, CANARY
        self.service_dn, self.root_dn, self.password, self.root_password = SERVICE, ROOT, PASSWORD, ROOT_PASSWORD
        self.port, self.tls_port = free_port(), free_port()
        self.ldap, self.ldaps = "ldap://127.0.0.1:%d" % self.port, "ldaps://127.0.0.1:%d" % self.tls_port
        self.socket = self._path("run/ldapi")
        self.ldapi = "ldapi://" + quote(self.socket, safe="")
        self.uri, self.usn = self.ldaps, usn
        self.password_file = self._path("password")
        self._copy()
        self._certify()
        give(self.dir)
        with open(os.open(self.password_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(self.password + "\n")

    def _path(self, name):
        return os.path.join(self.dir, name)

    # ---- set-up ----

    def _copy(self):
        template = Template.get()
        self.etc = self._path("etc/dirsrv/slapd-" + self.name)
        shutil.copytree(template + "/etc/dirsrv/slapd-paasla", self.etc)
        shutil.copytree(template + "/db", self._path("db"), ignore=shutil.ignore_patterns("__db.*", "guardian"))
        for name in ("run/lock", "log", "bak", "ldif", "inst"):
            os.makedirs(self._path(name))
        os.chmod(self._path("run"), 0o755)  # whoever asks by the socket need not be dirsrv

        def own(text):
            text = text.replace(template, self.dir).replace("slapd-paasla", "slapd-" + self.name)
            text = re.sub(r"(?m)^nsslapd-port: .*$", "nsslapd-port: %d\nnsslapd-security: on" % self.port, text)
            text = re.sub(r"(?m)^nsslapd-securePort: .*$", "nsslapd-securePort: %d\nnsslapd-securelistenhost: 127.0.0.1"
                          % self.tls_port, text)
            if self.usn:
                text = re.sub(r"(?s)(\ndn: cn=USN,cn=plugins,cn=config\n.*?nsslapd-pluginEnabled: )off", r"\1on", text)
            return text
        for name in ("dse.ldif", "pkcs11.txt"):
            _edit(os.path.join(self.etc, name), own)
        for name in ("dse.ldif.bak", "dse.ldif.startOK"):
            os.unlink(os.path.join(self.etc, name))

    def _certify(self):
        self.certificates = Certificates(self.dir)
        self.ca_file = self.certificates.ca
        cert, key = self.certificates.issue("ds.linn.test", san="DNS:ds.linn.test,DNS:localhost,IP:127.0.0.1")
        bundle, pin = self._path("tls/server.p12"), os.path.join(self.etc, "pwdfile.txt")
        run("openssl", "pkcs12", "-export", "-in", cert, "-inkey", key, "-name", "Server-Cert", "-out", bundle, "-passout", "pass:")
        run("pk12util", "-i", bundle, "-d", self.etc, "-k", pin, "-W", "")
        run("certutil", "-A", "-d", self.etc, "-n", "ca", "-t", "CT,,", "-i", self.ca_file, "-f", pin)

    # ---- life ----

    def start(self, wait=True):
        for name in ("run/ldapi", "run/pid"):  # what a killed one left
            if os.path.lexists(self._path(name)):
                os.unlink(self._path(name))
        self.process = subprocess.Popen(["ns-slapd", "-D", self.etc, "-i", self._path("run/pid"), "-d", "0"],
                                        stdin=subprocess.DEVNULL, stdout=open(self._path("out"), "ab"),
                                        stderr=subprocess.STDOUT, cwd=self.dir)
        end = time.monotonic() + 60
        while wait and not (self._answers(socket.AF_UNIX, self.socket)
                            and self._answers(socket.AF_INET, ("127.0.0.1", self.tls_port))):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("ns-slapd did not start: " + open(self._path("out"), errors="replace").read()[-3000:])
            time.sleep(0.02)
        return self

    @staticmethod
    def _answers(family, address):
        with socket.socket(family) as s:
            try:
                s.connect(address)
                return True
            except OSError:
                return False

    def refuse_locks(self):
        """Takes the service account's right to write the lock away, and no other."""
        self.modify('dn: %s\nchangetype: modify\nadd: aci\naci: (targetattr="nsAccountLock")(version 3.0; acl "no locks";'
                    ' deny (write) userdn="ldap:///%s";)\n' % (PEOPLE, SERVICE))

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(60)
                self.process = None
            except subprocess.TimeoutExpired:
                self.kill9()

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self):
        stand_still(self.process)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.dir:
            self.stop()
            for left in glob.glob("/dev/shm/sem.slapd-%s.*" % self.name):
                os.unlink(left)
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None
            atexit.unregister(self.remove)

    # ---- looking and changing, by the ldap-utils ----

    def _tool(self, name, *args, stdin=None, dn=None, password=None):
        return run(name, "-H", self.ldapi, "-x", "-D", dn or ROOT, "-w", password or self.root_password, *args,
                   input=stdin.encode() if stdin else None, env=dict(os.environ, LDAPNOINIT="1"))

    def add(self, ldif, dn=None, password=None):
        self._tool("ldapadd", stdin=ldif, dn=dn, password=password)

    def modify(self, ldif, dn=None, password=None):
        self._tool("ldapmodify", stdin=ldif, dn=dn, password=password)

    def search(self, base, *args):
        """The raw LDIF, unfolded."""
        return self._tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base, *args)

    def bind_ok(self, dn, password):
        p = subprocess.run(["ldapsearch", "-H", self.ldapi, "-x", "-D", dn, "-w", password, "-s", "base", "-b", "", "1.1"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, LDAPNOINIT="1"))
        return p.returncode == 0

    can_bind = bind_ok

    def plugin(self, name, on):
        """Switches a plugin on or off; it counts from the next start."""
        self.modify("dn: cn=%s,cn=plugins,cn=config\nchangetype: modify\nreplace: nsslapd-pluginEnabled\n"
                    "nsslapd-pluginEnabled: %s\n" % (name, "on" if on else "off"))

    # ---- people and groups ----

    def add_people(self, n, first=0, password="Inimese salas\u00f5na"):
        """uid=p0 ... below the people's base; returns their DNs. One password for all, if any."""
        dns = ["uid=p%d,%s" % (i, PEOPLE) for i in range(first, first + n)]
        self.add("\n".join(
            "dn: %s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: Inimene %d\nsn: Inimene\nemployeeNumber: T-%d\n%s"
            % (dn, i, i, i, "userPassword: %s\n" % password if password else "") for i, dn in enumerate(dns, first)))
        return dns

    def add_group(self, name, members=(), kind="groupOfNames"):
        dn = "cn=%s,%s" % (name, GROUPS)
        self.add("dn: %s\nobjectClass: %s\ncn: %s\n%s" % (dn, kind, name, "".join("member: %s\n" % m for m in members)))
        return dn
