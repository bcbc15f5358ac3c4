"""A private Samba AD domain controller in a temporary folder, with the same small town in it as ldapserver.py has.

    server = SambaServer()          # a copy of a domain that is made once for each test process
    server.start()
    server.add_people(10)
    ... server.ldaps, server.service_dn, server.password_file, server.ca_file, server.kinit("p0", password) ...
    server.remove()

Only as root. Ports cannot be chosen, so each server has a loopback address of its own; /etc/samba, /etc/krb5.conf and
/var/lib/samba are neither read nor written. All servers of one process are the same domain: same SIDs, same GUIDs."""

import atexit
import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from ldapserver import Certificates, run

REALM = "LINN.TEST"
DOMAIN = "linn.test"
SUFFIX = "DC=linn,DC=test"
PEOPLE = "OU=inimesed," + SUFFIX
GROUPS = "OU=grupid," + SUFFIX
SERVICES = "OU=teenused," + SUFFIX
SERVICE = "CN=paasla," + SERVICES
CANARY = "CN=kanaarilind," + PEOPLE
ROOT = "CN=Administrator,CN=Users," + SUFFIX
ROOT_PASSWORD = "Halduri-salas0na"
PASSWORD = "Teenuse-salas\u00f5na-1"

# Classes, attributes and rights by the GUIDs the schema gives them.
USER, GROUP = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"
ACCOUNT_CONTROL, ADMIN_DESCRIPTION = "bf967a68-0de6-11d0-a285-00aa003049e2", "bf967919-0de6-11d0-a285-00aa003049e2"
ACCOUNT_EXPIRES, MEMBER = "bf967915-0de6-11d0-a285-00aa003049e2", "bf9679c0-0de6-11d0-a285-00aa003049e2"
PWD_LAST_SET, RESET_PASSWORD = "bf967a0a-0de6-11d0-a285-00aa003049e2", "00299570-246d-11d0-a768-00aa006e0529"

# The service account's rights, SERVICE standing for its SID: what an administrator gives with
# `samba-tool dsacl set --objectdn=OU --sddl=ACES` (on Windows: dsacls).
DELEGATION = [
    (PEOPLE, "(A;CI;LCRPLORC;;;SERVICE)"
     + "".join("(OA;CIIO;WP;%s;%s;SERVICE)" % (a, USER)
               for a in (ACCOUNT_CONTROL, ADMIN_DESCRIPTION, ACCOUNT_EXPIRES, PWD_LAST_SET))
     + "(OA;CIIO;CR;%s;%s;SERVICE)(OA;CI;CC;%s;;SERVICE)" % (RESET_PASSWORD, USER, USER)),
    (GROUPS, "(A;CI;LCRPLORC;;;SERVICE)(OA;CIIO;WP;%s;%s;SERVICE)" % (MEMBER, GROUP)),
]

# A machine that fails is nobody's test here, and a busy disk would make each write last.
NO_FSYNC = {"TDB_NO_FSYNC": "1"}


class Address:
    """A loopback address nobody else uses: an abstract socket's name is the claim, and ends with the process."""

    PORTS = (88, 389, 464, 636, 3268, 3269)

    def __init__(self):
        for last in range(5, 251):
            self.ip = "127.0.0.%d" % last
            self.claim = socket.socket(socket.AF_UNIX)
            try:
                self.claim.bind("\0paasla-address-" + self.ip)
                for port in self.PORTS:
                    with socket.socket() as s:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        s.bind((self.ip, port))
                return
            except OSError:
                self.claim.close()
        raise RuntimeError("no free address between 127.0.0.5 and 127.0.0.250")

    def release(self):
        self.claim.close()


class Template:
    """The files of the domain, made at the first need and copied for each server."""

    folder = None

    @classmethod
    def get(cls):
        if not cls.folder:
            folder = tempfile.mkdtemp(prefix="paasla-samba-domain-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            cls._make(folder)
            cls.folder = folder
        return cls.folder

    @staticmethod
    def _make(folder):
        base = os.path.join(folder, "base.conf")
        with open(base, "w") as f:
            f.write("[global]\n")
        run("samba-tool", "domain", "provision", "-s", base, "--realm=" + REALM, "--domain=" + REALM.split(".")[0],
            "--server-role=dc", "--dns-backend=NONE", "--adminpass=" + ROOT_PASSWORD, "--targetdir=" + folder,
            "--host-name=dc1", "--host-ip=127.0.0.1", "--option=interfaces=lo", "--option=bind interfaces only=yes",
            env=dict(os.environ, **NO_FSYNC))
        work_on_files("tree", folder, os.path.join(folder, "etc", "smb.conf"), units=[PEOPLE, GROUPS, SERVICES],
                      suffix=SUFFIX, domain=DOMAIN, service=SERVICE, delegation=DELEGATION,
                      accounts=[(SERVICE, "paasla", PASSWORD), (CANARY, "kanaarilind", "Kanaarilinnu-1")])


def work_on_files(what, folder, conf, **names):
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sambatree.py")
    run("/usr/bin/python3", program, what, folder, conf, input=json.dumps(names).encode(), env=dict(os.environ, **NO_FSYNC))


CONF = """[global]
netbios name = DC1
workgroup = LINN
realm = LINN.TEST
server role = active directory domain controller
server services = ldap, kdc, drepl
interfaces = {ip}/8
bind interfaces only = yes
prefork children = {workers}
ldap server require strong auth = yes
tls enabled = {tls}
tls cafile = {ca}
tls certfile = {cert}
tls keyfile = {key}
private dir = {dir}/private
lock directory = {dir}/run
state directory = {dir}/state
cache directory = {dir}/cache
pid directory = {dir}/run
ncalrpc dir = {dir}/run/ncalrpc
winbindd socket directory = {dir}/run/winbindd
ntp signd socket directory = {dir}/run/ntp_signd
binddns dir = {dir}/bind-dns
log file = {dir}/log
logging = file
rpc start on demand helpers = no
"""

KRB5 = """[libdefaults]
default_realm = LINN.TEST
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
LINN.TEST = {{
    kdc = {ip}
    kpasswd_server = {ip}
}}
[domain_realm]
{ip} = LINN.TEST
.linn.test = LINN.TEST
"""


class SambaServer:
    def __init__(self, workers=4, tls=True):
        """workers: processes that serve LDAP, each with a part of the connections (4 is Samba's own default). Without tls
        it is a domain controller that nobody gave a certificate; the programs then log on by Kerberos, as ROOT only."""
        self.tls = tls
        if os.geteuid() != 0:
            raise RuntimeError("Samba as a domain controller runs as root only")
        self.address, self.process = Address(), None
        self.dir = tempfile.mkdtemp(prefix="paasla-samba-")
        atexit.register(self.remove)
        self.ip = self.address.ip
        self.suffix, self.people, self.groups, self.canary = SUFFIX, PEOPLE, GROUPS, CANARY
        self.service_dn, self.root_dn, self.realm, self.domain = SERVICE, ROOT, REALM, DOMAIN
        self.password, self.root_password = PASSWORD, ROOT_PASSWORD
        self.ldap, self.ldaps = "ldap://" + self.ip, "ldaps://" + self.ip
        self.uri = self.ldaps if tls else self.ldap
        self.conf, self.krb5 = self._path("smb.conf"), self._path("krb5.conf")
        for name in ("private", "state"):
            shutil.copytree(os.path.join(Template.get(), name), self._path(name), symlinks=True)
        for name in ("run", "run/ncalrpc", "cache", "bind-dns", "home"):
            os.makedirs(self._path(name), mode=0o755)
        self.certificates = Certificates(self.dir)
        self.ca_file = self.certificates.ca
        cert, key = self.certificates.issue("dc1." + DOMAIN, san="DNS:dc1.%s,IP:%s" % (DOMAIN, self.ip))
        os.chmod(key, 0o600)  # Samba refuses a key that others can read
        os.chmod(self.dir, 0o755)  # the daemon may be somebody else and needs the CA
        self._write("smb.conf", CONF.format(ip=self.ip, dir=self.dir, ca=self.ca_file, cert=cert, key=key, workers=workers,
                                            tls="yes" if tls else "no"))
        self._write("krb5.conf", KRB5.format(ip=self.ip))
        self._write("ldap.conf", "TLS_CACERT %s\nTLS_REQCERT demand\nREFERRALS off\nSASL_NOCANON on\n" % self.ca_file)
        self.password_file = self._write("password", self.password + "\n", 0o600)
        if not tls:
            self.samba_tool("spn", "add", "ldap/" + self.ip, "dc1$")  # it is called by its address: nobody resolves names

    def _path(self, name):
        return os.path.join(self.dir, name)

    def _write(self, name, text, mode=0o644):
        path = self._path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        return path

    # ---- life ----

    def start(self, wait=True):
        # It ends by itself when its standard input does: nothing is left behind by a test process that was killed.
        self.process = subprocess.Popen(["samba", "-i", "-s", self.conf, "--debug-stdout"], stdin=subprocess.PIPE,
                                        stdout=open(self._path("out"), "ab"), stderr=subprocess.STDOUT, env=self.env(),
                                        start_new_session=True)
        end = time.monotonic() + 60
        while wait and not (self._listens(88) and self._listens(464) and self._answers()):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("samba did not start: " + open(self._path("out"), errors="replace").read()[-3000:])
            time.sleep(0.02)
        if wait and not self.tls:
            run("kinit", "Administrator@" + REALM, input=self.root_password.encode() + b"\n", env=self.env(), cwd=self.dir)
        return self

    def _listens(self, port):
        try:
            socket.create_connection((self.ip, port), 1).close()
            return True
        except OSError:
            return False

    def _answers(self):
        """Whether an anonymous bind, over TLS if there is TLS, is answered."""
        context = ssl.create_default_context(cafile=self.ca_file)
        try:
            with socket.create_connection((self.ip, 636 if self.tls else 389), 5) as plain, \
                    context.wrap_socket(plain, server_hostname=self.ip) if self.tls else plain as s:
                s.sendall(bytes.fromhex("300c020101600702010304008000"))
                return len(s.recv(100)) > 0
        except OSError:
            return False

    def _signal(self, number):
        """Samba is several processes; they have a process group of their own."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        if self.process:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                pass
            self.kill9()

    def kill9(self):
        self._signal(signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait()
        self.process = None
        end = time.monotonic() + 60
        while any(self._listens(port) for port in Address.PORTS) and time.monotonic() < end:
            time.sleep(0.01)  # its children are nobody's children now: what they listen on shows when the last has ended

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def remove(self):
        if self.address:
            self.stop()
            shutil.rmtree(self.dir, ignore_errors=True)
            self.address.release()
            self.address = None
            atexit.unregister(self.remove)

    # ---- looking and changing, by the ldap-utils and Samba's and Kerberos' own programs ----

    def env(self):
        """Programs that get this read no configuration of the host."""
        own = {"LDAPCONF": self._path("ldap.conf"), "HOME": self._path("home"), "KRB5_CONFIG": self.krb5,
               "KRB5CCNAME": "FILE:" + self._path("tickets"), "SMB_CONF_PATH": self.conf, "LC_ALL": "C.UTF-8", **NO_FSYNC}
        return dict({k: v for k, v in os.environ.items() if not k.startswith(("LDAP", "KRB5"))}, **own)

    def _tool(self, name, *args, stdin=None, dn=None, password=None):
        who = ["-x", "-D", dn or ROOT, "-w", password or self.root_password] if self.tls else ["-Q", "-Y", "GSSAPI"]
        assert self.tls or (dn or ROOT) == ROOT
        return run(name, "-H", self.uri, *who, *args,
                   input=stdin.encode() if stdin else None, env=self.env(), cwd=self.dir)

    def add(self, ldif, dn=None, password=None):
        self._tool("ldapadd", stdin=ldif, dn=dn, password=password)

    def modify(self, ldif, dn=None, password=None):
        self._tool("ldapmodify", stdin=ldif, dn=dn, password=password)

    def search(self, base, *args):
        """The raw LDIF, unfolded."""
        return self._tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base, *args)

    def bind_ok(self, dn, password):
        p = subprocess.run(["ldapsearch", "-H", self.ldaps, "-x", "-D", dn, "-w", password, "-s", "base", "-b", "", "1.1"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env(), cwd=self.dir)
        return p.returncode == 0

    can_bind = bind_ok

    def samba_tool(self, *args):
        """`samba-tool` on the domain's files; the server, if it runs, sees what was changed."""
        return run("samba-tool", *args, "-s", self.conf, env=self.env(), cwd=self.dir)

    def kinit(self, login, password):
        """Returns (whether a ticket was given, what kinit said)."""
        p = subprocess.run(["kinit", "-c", "FILE:" + self._path("tickets." + login), "%s@%s" % (login, REALM)],
                           input=password.encode() + b"\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=self.env(), cwd=self.dir)
        return p.returncode == 0, p.stdout.decode(errors="replace")

    # ---- people and groups ----

    def add_people(self, n, first=0, password="Inimese-salas0na", control=512):
        """CN=p0 ... below the people's base, sAMAccountName p0; returns their DNs. One password for all."""
        dns = ["CN=p%d,%s" % (i, PEOPLE) for i in range(first, first + n)]
        self.add("\n".join(
            "dn: %s\nobjectClass: user\nsAMAccountName: p%d\nuserPrincipalName: p%d@%s\ndisplayName: Inimene %d\n"
            "sn: Inimene\nemployeeNumber: T-%d\nuserAccountControl: %d\nunicodePwd:: %s\n"
            % (dn, i, i, DOMAIN, i, i, control, encoded_password(password)) for i, dn in enumerate(dns, first)))
        return dns

    def load_people(self, n, first=0, group=None):
        """The same, many and without passwords, written to the files: the server must be stopped. 6,000 take 6 s.
        With group, that group is made and has them all."""
        work_on_files("people", self.dir, self.conf, people=PEOPLE, domain=DOMAIN, first=first, count=n,
                      group=group and "CN=%s,%s" % (group, GROUPS))

    def show_deleted(self):
        """Lets the service account read what was deleted: a right that DELEGATION does not have, and that on Windows
        only who takes the ownership of the container can give."""
        work_on_files("deleted", self.dir, self.conf, suffix=SUFFIX, service=SERVICE)

    def add_group(self, name, members=()):
        dn = "CN=%s,%s" % (name, GROUPS)
        self.add("dn: %s\nobjectClass: group\nsAMAccountName: %s\n%s" % (dn, name, "".join("member: %s\n" % m for m in members)))
        return dn

    def sid_of(self, login):
        return re.search(r"objectSid: (\S+)", self.samba_tool("user", "show", login, "--attributes=objectSid")).group(1)

    def deny(self, attribute):
        """Takes the service account's right to write it (a GUID) away, on all accounts."""
        self.samba_tool("dsacl", "set", "--objectdn=" + PEOPLE, "--sddl=(OD;CIIO;WP;%s;%s;%s)"
                        % (attribute, USER, self.sid_of("paasla")))

    def refuse_locks(self):
        self.deny(ACCOUNT_CONTROL)

    def protect(self, dn):
        """Does to an account what a Windows domain's SDProp does to members of Domain Admins and the like, and Samba does
        not: AdminSDHolder's access list in place of its own, and nothing inherited."""
        text = self.search("CN=AdminSDHolder,CN=System," + SUFFIX, "-s", "base", "nTSecurityDescriptor")
        descriptor = bytearray(base64.b64decode(text.split("nTSecurityDescriptor:: ")[1].split("\n")[0]))
        descriptor[3] |= 0x10  # SE_DACL_PROTECTED
        self.modify("dn: %s\nchangetype: modify\nreplace: nTSecurityDescriptor\nnTSecurityDescriptor:: %s\n-\n"
                    "replace: adminCount\nadminCount: 1\n" % (dn, base64.b64encode(descriptor).decode()))


def password_value(password):
    """What unicodePwd takes: the password in quotation marks as UTF-16."""
    return ('"%s"' % password).encode("utf-16-le")


def encoded_password(password):
    return base64.b64encode(password_value(password)).decode()
