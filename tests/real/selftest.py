"""What the tests of `paaslactl preflight --selftest` share: a server, a delegated account, an OU that its own snippet made, and
a configuration whose database nobody can reach."""
import base64
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading

import ldapserver
import sambaserver
from ldapserver import SlapdServer
from paaslactl import CTL, OK, Said, environment, raw


def entries(text):
    return [e.strip() for e in text.split("\n\n") if e.lstrip().startswith("dn:")]


def name_of(entry):
    sign, value = re.match(r"dn:(:?) (.*)", entry).groups()
    return base64.b64decode(value).decode() if sign else value


def plain(dn):
    """389 writes \\2C where others write \\, and each has its own letters in the names of attributes."""
    return dn.lower().replace("\\2c", "\\,")


class Bed:
    ou = "ou=paasla-selftest,dc=linn,dc=test"
    other = "ou=tavaline,dc=linn,dc=test"  # an OU that nobody gave to our account

    def __init__(self, server):
        self.server = server
        self.dir = tempfile.mkdtemp(prefix="paasla-selftest-")
        os.chmod(self.dir, 0o755)
        server.start()
        self.delegate()

    def close(self):
        self.server.remove()
        shutil.rmtree(self.dir, ignore_errors=True)

    def delegate(self):
        """As the snippet has it, and no right more."""
        self.apply(self.run("--snippets", "-", code=OK).out.split("# To take it back:")[0])
        self.server.add("dn: %s\nobjectClass: organizationalUnit\n" % self.other)
        self.show()

    def show(self):
        """Our account sees the other OU, and may do nothing there."""

    def conf(self, **changed):
        lines = dict(self.options(), **changed)
        path = os.path.join(self.dir, "paasla.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("[database]\nconnection = host=/nonexistent dbname=paasla\n[directory linn]\n"
                    + "".join("%s = %s\n" % (k.replace("__", "."), v) for k, v in lines.items() if v is not None))
        return path

    def words(self, *more, ou=None, **changed):
        return [CTL, *(["--json"] if "--json" in more else []), "preflight", "--selftest", ou or self.ou, "--config", self.conf(**changed),
                *[m for m in more if m != "--json"]]

    def start(self, *more, **changed):
        return subprocess.Popen(self.words(*more, **changed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
                                stdin=subprocess.DEVNULL)

    def run(self, *more, code=None, **changed):
        process = self.start(*more, **changed)
        out, err = process.communicate(timeout=120)
        said = Said(subprocess.CompletedProcess([], process.returncode, out, err))
        assert code is None or said.code == code, "ended with %d:\n%s%s" % (said.code, said.out, said.err)
        assert not raw(said.out) and not raw(said.err), (said.out, said.err)
        return said

    def look(self, code=None, **changed):
        return Report(self.run("--json", code=code, **changed))

    def below(self, ou=None):
        """DNs in the OU, as the administrator sees them."""
        base = ou or self.ou
        found = [name_of(e) for e in entries(self.server.search(base, "(objectClass=*)", "1.1"))]
        return [dn for dn in found if plain(dn) != plain(base)]

    def outside(self):
        """Every entry that is not in the OU, with all its attributes but what a log-on leaves on an account."""
        text = self.server.search(self.server.suffix, "(objectClass=*)", "*", "+", *self.operational)
        found = [e for e in entries(text) if not plain(name_of(e)).endswith(plain(self.ou))]
        assert len(found) > 5
        return sorted("\n".join(l for l in e.split("\n") if not l.startswith(self.restless)) for e in found)

    operational = ()
    restless = ("contextCSN:",)  # of the whole database

    def entry(self, dn, *lines):
        self.server.add("dn: %s\n%s\n" % (dn, "\n".join(lines)))

    def delete(self, dn):
        self.server._tool("ldapdelete", dn)


class Report:
    def __init__(self, said):
        self.code, self.whole, self.said = said.code, said.json, said
        self.rows = {r["check"]: r for r in self.whole["checks"]}
        assert len(self.rows) == len(self.whole["checks"])
        for r in self.rows.values():
            assert r["needs_person"] == (r["state"] == "differs") == bool(r["text"]) or r["state"] != "differs", r
        assert (self.code == 1) == (self.whole["needs"] > 0)

    def those(self, state):
        return [name for name, r in self.rows.items() if r["state"] == state]

    def codes(self, *names):
        return [self.rows[n]["code"] for n in names]


class OpenLdap(Bed):
    dialect = "openldap"

    def __init__(self, server=None):
        super().__init__(server or SlapdServer())

    def options(self):
        l = self.server
        return {"dialect": "openldap", "uris": l.ldap, "tls": "starttls", "ca_file": l.ca_file, "bind_dn": l.service_dn,
                "password_file": l.password_file, "people_base": l.people, "group_base": l.groups, "canary_dn": l.canary,
                "placeholder_dn": l.nobody, "policy_dn": l.policy, "rdn_template": "uid={login}," + l.people,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.cn": "{name}", "attribute.sn": "{family}"}

    def apply(self, snippet):
        """Rules of cn=config as lines of slapd.conf; everybody else keeps theirs, behind."""
        self.server.add(re.search(r"^dn::? .*?(?=^LDIF)", snippet, re.S | re.M)[0].replace("changetype: add\n", ""))
        rules = re.findall(r"^olcAccess: \{\d\}(to .*\n  by .*)$", snippet, re.M)
        assert len(rules) == 4
        with open(self.server.config) as f:
            text = f.read()
        own = 'access to dn.subtree="%s" attrs=userPassword by anonymous auth\n' % self.ou  # else slapd.conf's fixture gives us manage
        with open(self.server.config, "w") as f:
            f.write(text.replace("access to", "".join("access %s\n" % r for r in rules) + own + "access to", 1))
        self.server.stop()
        self.server.start()


class Ds389(Bed):
    dialect = "389ds"
    operational = ("aci", "nsAccountLock", "entryusn")

    def __init__(self, server=None):
        from ds389server import Ds389Server  # wants root: only who needs it
        super().__init__(server or Ds389Server())

    def options(self):
        l = self.server
        return {"dialect": "389ds", "uris": l.ldaps, "ca_file": l.ca_file, "bind_dn": l.service_dn, "password_file": l.password_file,
                "people_base": l.people, "group_base": l.groups, "canary_dn": l.canary, "rdn_template": "uid={login}," + l.people,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.cn": "{name}", "attribute.sn": "{family}"}

    def apply(self, snippet):
        self.server.add(re.search(r"^dn::? .*?(?=^LDIF)", snippet, re.S | re.M)[0].replace("changetype: add\n", ""))

    def show(self):
        self.server.modify('dn: %s\nchangetype: modify\nadd: aci\naci: (targetattr="*")(version 3.0; acl "sees"; allow (read,search)'
                           ' userdn="ldap:///%s";)\n' % (self.other, self.server.service_dn))


class Ad(Bed):
    dialect = "ad"
    ou = "OU=paasla-selftest,DC=linn,DC=test"
    other = "OU=tavaline,DC=linn,DC=test"
    restless = ("lastLogon:", "logonCount:", "uSNChanged:", "whenChanged:", "lastLogonTimestamp:", "rIDNextRID:")

    def __init__(self, server=None):
        super().__init__(server or sambaserver.SambaServer(workers=1))

    def options(self):
        l = self.server
        return {"dialect": "ad", "uris": l.ldaps, "ca_file": l.ca_file, "bind_dn": l.service_dn, "password_file": l.password_file,
                "people_base": l.people, "group_base": l.groups, "canary_dn": l.canary,
                "rdn_template": "CN={family}\\, {given} ({login})," + l.people,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.sn": "{family}", "attribute.givenName": "{given}",
                "attribute.userPrincipalName": "{login}@" + l.domain}

    def apply(self, snippet):
        commands = re.findall(r"^# samba-tool (.*)$", snippet, re.M)
        assert len(commands) == 2
        for command in commands:
            self.server.samba_tool(*shlex.split(command), "-H", "ldb://" + self.server._path("private/sam.ldb"))

    def show(self):
        db = "ldb://" + self.server._path("private/sam.ldb")
        sid = re.search(r"^objectSid: (S-\S+)", self.server.samba_tool("user", "show", "paasla", "--attributes=objectSid", "-H", db), re.M)[1]
        self.server.samba_tool("dsacl", "set", "-H", db, "--objectdn=" + self.other, "--sddl=(A;;LCRPLORC;;;%s)" % sid)


BEDS = {b.dialect: b for b in (OpenLdap, Ds389, Ad)}


def end(*sockets, how=socket.SHUT_RDWR):
    for s in sockets:
        try:
            s.shutdown(how)
        except OSError:
            pass


class Relay:
    """Between paaslactl and the server: counts what the client sends on its first connection, and does something at one of
    them, before it is handed on. Whoever closes it knows that the server is through with what it was sent."""

    def __init__(self, to, at, act):
        self.to, self.at, self.act, self.seen = to, at, act, 0
        self.listener = socket.create_server((to[0], 0))
        self.port, self.first, self.refuse, self.pumps = self.listener.getsockname()[1], True, False, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            server = socket.create_connection(self.to)
            both = [threading.Thread(target=self._ask, args=(client, server, self.first), daemon=True),
                    threading.Thread(target=self._answer, args=(server, client), daemon=True)]
            self.first = False
            self.pumps += both
            for pump in both:
                pump.start()

    def _ask(self, client, server, counts):
        cut = False
        try:
            while not cut and (data := client.recv(65536)):
                if counts:
                    self.seen += 1
                    cut = self.seen == self.at and self.act(self, client, server)
                if not cut:
                    server.sendall(data)
        except OSError:
            pass
        if cut:
            end(client, server)
        else:
            end(server, how=socket.SHUT_WR)

    @staticmethod
    def _answer(server, client):
        """To the server's own end, whether the client still listens or not."""
        try:
            while data := server.recv(65536):
                try:
                    client.sendall(data)
                except OSError:
                    pass
        except OSError:
            pass
        end(server, client)

    def close(self):
        for pump in self.pumps:
            pump.join(60)
        self.listener.close()
