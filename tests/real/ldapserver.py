"""A private slapd in a temporary folder, as an ordinary user, with a small town in it.

    server = SlapdServer()          # makes certificates and configuration, loads the tree
    server.start()
    server.add_people(100)
    ... server.ldapi, server.ldap, server.ldaps, server.service_dn, server.password_file, server.ca_file ...
    server.stop()

Nothing of the host is touched. The service account works by access rules of its own; it is not the rootdn."""

import glob
import os
import random
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import quote

SUFFIX = "dc=linn,dc=test"
PEOPLE = "ou=inimesed," + SUFFIX
GROUPS = "ou=grupid," + SUFFIX
SERVICE = "uid=paasla,ou=teenused," + SUFFIX
ROOT = "cn=root," + SUFFIX
POLICY = "cn=vaikimisi,ou=reeglid," + SUFFIX
CANARY = "uid=kanaarilind," + PEOPLE
NOBODY = "cn=eikeegi,ou=teenused," + SUFFIX


CLAIMS = []


def free_port():
    """Nobody else's while this process lives, also between a server's stop and its next start: below the ports that the
    kernel gives to clients, and claimed by an abstract socket's name."""
    for port in random.sample(range(15000, 32000), 1000):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0paasla-port-%d" % port)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim)
        return port
    raise RuntimeError("no free port between 15000 and 32000")


def run(*cmd, **kw):
    """Runs a program to its end; its output is the error's text when it fails."""
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if p.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(cmd), p.stdout.decode(errors="replace")))
    return p.stdout.decode(errors="replace")


def stand_still(process):
    """SIGSTOP, and every thread has obeyed: one that runs for a moment longer still answers."""
    process.send_signal(signal.SIGSTOP)
    for _ in range(1000):
        states = []
        for path in glob.glob("/proc/%d/task/*/stat" % process.pid):
            with open(path) as f:
                states.append(f.read().rsplit(")", 1)[1].split()[0])
        if all(s == "T" for s in states):
            return
        time.sleep(0.01)
    raise RuntimeError("process %d does not stand still" % process.pid)


class Certificates:
    """A CA and what it signs, by the openssl program, in folder/tls."""

    def __init__(self, folder):
        self.dir = os.path.join(folder, "tls")
        os.makedirs(self.dir)
        self.ca, self.other_ca = self.make_ca("ca"), self.make_ca("other")

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_ca(self, name):
        """It begins long ago: a clock that is put back must not make it one of tomorrow."""
        with open(self.path(name + ".cnf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\ndefault_md=sha256\nrand_serial=yes\n"
                    "unique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n" % (self.path(name + ".db"), self.dir))
        open(self.path(name + ".db"), "w").close()
        with open(self.path(name + ".ext"), "w") as f:
            f.write("basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n")
        key, csr = self.path(name + ".key"), self.path(name + ".csr")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=%s of the tests" % name, "-keyout", key, "-out", csr)
        run("openssl", "ca", "-batch", "-selfsign", "-config", self.path(name + ".cnf"), "-keyfile", key, "-in", csr,
            "-out", self.path(name + ".pem"), "-notext", "-startdate", "20200101000000Z", "-enddate", "20400101000000Z",
            "-extfile", self.path(name + ".ext"))
        return self.path(name + ".pem")

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", start="20200101000000Z", end="20400101000000Z", ca="ca"):
        """Returns (certificate file, key file)."""
        key, csr, crt, ext = (self.path(name + x) for x in (".key", ".csr", ".pem", ".ext"))
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=" + name, "-keyout", key, "-out", csr)
        with open(ext, "w") as f:
            f.write("subjectAltName=%s\n" % san)
        run("openssl", "ca", "-batch", "-config", self.path(ca + ".cnf"), "-cert", self.path(ca + ".pem"), "-keyfile",
            self.path(ca + ".key"), "-in", csr, "-out", crt, "-notext", "-startdate", start, "-enddate", end,
            "-extfile", ext)
        os.chmod(key, 0o644)  # the server's user is another one; these keys guard nothing
        return crt, key


class SlapdServer:
    def __init__(self, folder=None, user="openldap", tls=True, certificate=None, idletimeout=0, live=True, fsync=False, port=None, mirror=None,
                 updateref=None, sessionlog=0):
        """mirror: (server id, port of the other one); the one with id 2 begins empty and gets everything from the first.
        updateref: where a consumer sends writers to, '' for nowhere; the one with id 2 is a consumer then and takes no writes.
        sessionlog: how many changes it keeps to tell by syncIdSet what was deleted since (kept in memory)."""
        self.own = folder is None
        self.dir = folder or tempfile.mkdtemp(prefix="paasla-slapd-")
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self.user = user if os.geteuid() == 0 else None
        self.service_dn, self.root_dn, self.suffix = SERVICE, ROOT, SUFFIX
        self.people, self.groups, self.policy, self.canary, self.nobody = PEOPLE, GROUPS, POLICY, CANARY, NOBODY
        self.password, self.root_password = "teenuse salas\u00f5na", "root"
        self.port, self.tls_port, self.mirror, self.updateref = port or free_port(), free_port(), mirror, updateref
        self.socket = os.path.join(self.dir, "run", "ldapi")
        self.ldapi = "ldapi://" + quote(self.socket, safe="")
        self.ldap = "ldap://127.0.0.1:%d" % self.port
        self.ldaps = "ldaps://127.0.0.1:%d" % self.tls_port
        self.tls, self.idletimeout, self.live, self.fsync = tls, idletimeout, live, fsync
        self.sessionlog, self.process = sessionlog, None
        self.password_file = self.secret("password", self.password)
        if tls:
            self.certificates = Certificates(self.dir)
            self.ca_file = self.certificates.ca
            self.certificate = certificate(self.certificates) if certificate else self.certificates.issue("localhost")
        self._configure()
        if not mirror or mirror[0] == 1:
            self._load()

    def secret(self, name, text):
        path = os.path.join(self.dir, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, text.encode() + b"\n")
        os.close(fd)
        return path

    # ---- set-up ----

    def _give(self, path):
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _configure(self):
        for name in ("db", "run"):
            path = os.path.join(self.dir, name)
            os.makedirs(path, exist_ok=True)
            self._give(path)
        lines = ["include /etc/ldap/schema/%s.schema" % s for s in ("core", "cosine", "inetorgperson", "nis")]
        lines += ["pidfile %s/run/slapd.pid" % self.dir, "argsfile %s/run/slapd.args" % self.dir,
                  "modulepath /usr/lib/ldap", "moduleload back_mdb", "moduleload ppolicy", *["moduleload syncprov"] * self.live,
                  "idletimeout %d" % self.idletimeout, "sockbuf_max_incoming_auth 33554432", "threads 4",
                  'authz-regexp "gidNumber=[0-9]+[+]uidNumber=%d,cn=peercred,cn=external,cn=auth" "%s"'
                  % (os.geteuid(), SERVICE), 'authz-regexp "cn=paaslad" "%s"' % SERVICE]
        if self.mirror:
            lines += ["serverID %d" % self.mirror[0]]
        if self.tls:
            lines += ["TLSCACertificateFile " + self.ca_file, "TLSCertificateFile " + self.certificate[0],
                      "TLSCertificateKeyFile " + self.certificate[1], "TLSVerifyClient try"]
        lines += ["database mdb", "suffix " + SUFFIX, "rootdn " + ROOT, "rootpw " + self.root_password,
                  "directory %s/db" % self.dir, "maxsize 4294967296", *["dbnosync"] * (not self.fsync), "index objectClass,entryUUID,uid eq",
                  "index employeeNumber,member,memberUid eq",
                  'limits dn.exact="%s" size=unlimited time=unlimited' % SERVICE,
                  'access to attrs=userPassword by dn.exact="%s" manage by self write by anonymous auth by * none' % SERVICE,
                  'access to dn.subtree="%s" by dn.exact="%s" write by users read by anonymous auth' % (PEOPLE, SERVICE),
                  'access to dn.subtree="%s" by dn.exact="%s" write by users read' % (GROUPS, SERVICE),
                  'access to * by dn.exact="%s" read by users read by anonymous auth' % SERVICE,
                  "overlay ppolicy", 'ppolicy_default "%s"' % POLICY] + ["overlay syncprov"] * self.live
        lines += ["syncprov-sessionlog %d" % self.sessionlog] * bool(self.sessionlog) + [""]
        if self.mirror:
            at = lines.index("overlay ppolicy")
            lines[at:at] = ['syncrepl rid=001 provider=ldap://127.0.0.1:%d bindmethod=simple binddn="%s" credentials=%s searchbase="%s"'
                            ' type=refreshAndPersist retry="1 +"' % (self.mirror[1], ROOT, self.root_password, SUFFIX)]
            if self.updateref is None:
                lines[at + 1:at + 1] = ["mirrormode on"]
            elif self.updateref:
                lines[at + 1:at + 1] = ["updateref " + self.updateref]
        self.config = os.path.join(self.dir, "slapd.conf")
        with open(self.config, "w") as f:
            f.write("\n".join(lines))

    def tree(self):
        """The entries every test starts from."""
        entry = lambda dn, *lines: "dn: %s\n%s\n\n" % (dn, "\n".join(lines))
        out = entry(SUFFIX, "objectClass: organization", "objectClass: dcObject", "o: Linn", "dc: linn")
        for ou in ("inimesed", "grupid", "teenused", "reeglid"):
            out += entry("ou=%s,%s" % (ou, SUFFIX), "objectClass: organizationalUnit", "ou: " + ou)
        out += entry(SERVICE, "objectClass: account", "objectClass: simpleSecurityObject", "uid: paasla",
                     "userPassword: " + self._hash(self.password))
        out += entry(POLICY, "objectClass: device", "objectClass: pwdPolicy", "cn: vaikimisi",
                     "pwdAttribute: userPassword")
        out += entry(NOBODY, "objectClass: applicationProcess", "cn: eikeegi")
        out += entry(CANARY, "objectClass: inetOrgPerson", "uid: kanaarilind", "cn: Kanaarilind", "sn: Kanaarilind")
        return out

    def _hash(self, password):
        return run("slappasswd", "-h", "{SSHA}", "-s", password).strip()

    def _as_user(self):
        if not self.user:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _load(self):
        ldif = os.path.join(self.dir, "tree.ldif")
        with open(ldif, "w") as f:
            f.write(self.tree())
        run("slapadd", "-q", "-f", self.config, "-l", ldif, **self._as_user())

    def dump(self):
        """Everything as LDIF, operational attributes included. The server must be stopped."""
        return run("slapcat", "-f", self.config, **self._as_user())

    def restore(self, ldif):
        """The data of a dump in place of what there is. The server must be stopped."""
        for name in os.listdir(os.path.join(self.dir, "db")):
            os.unlink(os.path.join(self.dir, "db", name))
        path = os.path.join(self.dir, "restore.ldif")
        with open(path, "w") as f:
            f.write(ldif)
        run("slapadd", "-q", "-f", self.config, "-l", path, **self._as_user())

    def _arguments(self):
        return ["-f", self.config]

    # ---- life ----

    def start(self, wait=True):
        urls = [self.ldapi, "ldap://127.0.0.1:%d" % self.port]
        if self.tls:
            urls.append("ldaps://127.0.0.1:%d" % self.tls_port)
        self.process = subprocess.Popen(["slapd", *self._arguments(), "-h", " ".join(urls), "-d", "0"],
                                        stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.dir, "log"), "ab"),
                                        **self._as_user())
        end = time.monotonic() + 60
        while wait:
            if self.process.poll() is not None:
                raise RuntimeError("slapd ended: " + open(os.path.join(self.dir, "log")).read())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.socket)
                return self
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def reconfigure(self, edit):
        """Starts again with what edit() makes of the text of slapd.conf."""
        self.stop()
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(edit(text))
        self.start()

    def refuse_locks(self):
        """Takes the service account's right to write the lock away, and no other."""
        self.reconfigure(lambda text: text.replace(
            "access to ", 'access to attrs=pwdEndTime by dn.exact="%s" read by * break\naccess to ' % SERVICE, 1))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self):
        stand_still(self.process)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # ---- looking and changing, by the ldap-utils ----

    def _tool(self, name, *args, stdin=None, dn=None, password=None):
        return run(name, "-H", self.ldapi, "-x", "-D", dn or ROOT, "-w", password or self.root_password, *args,
                   input=stdin.encode() if stdin else None, env=dict(os.environ, LDAPNOINIT="1"))

    def add(self, ldif):
        self._tool("ldapadd", stdin=ldif)

    def modify(self, ldif, dn=None, password=None):
        self._tool("ldapmodify", stdin=ldif, dn=dn, password=password)

    def search(self, base, *args):
        """The raw LDIF, unfolded."""
        return self._tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base, *args)

    def add_people(self, n, first=0, password=None):
        """uid=p0 ... below the people's base; returns their DNs. One password for all, if any."""
        hashed = self._hash(password) if password else None
        dns, out = [], []
        for i in range(first, first + n):
            dns.append("uid=p%d,%s" % (i, PEOPLE))
            out.append("dn: %s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: Inimene %d\nsn: Inimene\n"
                       "employeeNumber: T-%d\n%s\n" % (dns[-1], i, i, i, "userPassword: %s\n" % hashed if hashed else ""))
        self.add("\n".join(out))
        return dns

    def bind_ok(self, dn, password):
        p = subprocess.run(["ldapwhoami", "-H", self.ldapi, "-x", "-D", dn, "-w", password], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=dict(os.environ, LDAPNOINIT="1"))
        return p.returncode == 0
