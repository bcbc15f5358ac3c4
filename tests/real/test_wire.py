"""No password on the wire and none in a log: the whole life of an account, with everything recorded that the daemon, the
directory, the KDC and PostgreSQL say to each other, and all of it searched. Nobody knows the password that a closed account
gets; that it cannot be read shows in that nothing can be read at all. Controls: the same search finds the passwords where
the same daemon (or, on Active Directory, ldapmodify) is made to send them in the clear."""
import base64
import json
import os
import re
import subprocess
from urllib.parse import urlsplit

import pytest

import wire
from adtown import AdTown
from fakeldap import BIND, UNBIND, octets
from ldapserver import SlapdServer, run
from paaslactl import ctl
from pgserver import PgServer
from sambaserver import encoded_password
from test_ad_kerberos import KerberosTown
from town import Town

NO = 2000
# What every connection of the daemon's speaks of; each way's own names come to these.
WORDS = ["objectClass", "userPassword", "unicodePwd", "sAMAccountName", "userAccountControl", "pwdEndTime", "nsAccountLock",
         "employeeNumber", "member", "inetOrgPerson", "inimesed", "grupid", "Maasikas", "LV-%d" % NO]


class TalkativeSlapd(SlapdServer):
    def _arguments(self):
        return super()._arguments() + ["-d", "stats"]

    def logs(self):
        return [os.path.join(self.dir, "log")]


class Recorded:
    """A town between whose daemon and servers recorders stand. `way`: ldaps, starttls, sealed or plain."""

    def __init__(self, **more):
        self.recorders = {}
        super().__init__(**more)

    def record(self, name, at, target):
        self.recorders[name] = wire.Recorder(at, target)
        return self.recorders[name]

    def servers(self):
        ldap = super().servers()[0]
        # Everything that the daemon says, its parameters too: log_parameter_max_length is without a limit by default.
        return ldap, PgServer(migrated=True, log_statement="all", log_min_messages="info")

    def uris(self):
        """The same address, so that certificate and Kerberos name are right, and another port."""
        url = urlsplit(super().uris())
        target = (url.hostname, url.port or {"ldap": 389, "ldaps": 636}[url.scheme])
        return "%s://%s:%d" % (url.scheme, url.hostname, self.record("directory", (url.hostname, 0), target).port)

    def write_conf(self):
        super().write_conf()
        name = ".s.PGSQL.5432"
        self.record("PostgreSQL", os.path.join(self.dir, name), os.path.join(self.pg.dir, name))
        with open(self.conf) as f:
            text = f.read()
        with open(self.conf, "w") as f:
            f.write(text.replace("host=" + self.pg.dir, "host=" + self.dir).replace("[daemon]\n", "[daemon]\nlog_level = 7\n"))

    def close(self):
        try:
            super().close()
        finally:
            for recorder in self.recorders.values():
                recorder.close()


class OnTcp(Town):
    """slapd and 389 Directory Server by the network, not by their socket."""

    def __init__(self, way, **more):
        self.way = way
        super().__init__(**more)

    def servers(self):
        if self.kind.dialect == "openldap":
            return TalkativeSlapd(), None
        server = super().servers()[0]
        server.logs = lambda: [os.path.join(server.dir, "log", name) for name in ("access", "errors", "audit")]
        return server, None

    def groups(self):
        if self.kind.dialect == "389ds":
            self.ldap.modify("dn: cn=config\nchangetype: modify\nreplace: nsslapd-auditlog-logging-enabled\n"
                             "nsslapd-auditlog-logging-enabled: on\n-\nreplace: nsslapd-accesslog-logbuffering\n"
                             "nsslapd-accesslog-logbuffering: off\n")
        super().groups()

    def uris(self):
        return self.ldap.ldaps if self.way == "ldaps" else self.ldap.ldap

    def write_conf(self):
        super().write_conf()
        if self.way != "plain":
            with open(self.conf) as f:
                text = f.read()
            with open(self.conf, "w") as f:
                f.write(text.replace("tls = none\n", "ca_file = %s\n" % self.ldap.ca_file))


def talkative(samba):
    with open(samba.conf, "a") as f:
        f.write("log level = 3\n")
    samba.logs = lambda: [os.path.join(samba.dir, "out"), os.path.join(samba.dir, "log")]
    return samba


class OnSamba(AdTown):
    def __init__(self, way, **more):
        self.way = way
        super().__init__(**more)

    def servers(self):
        return talkative(super().servers()[0]), None

    def uris(self):
        return self.ldap.ldaps if self.way == "ldaps" else self.ldap.ldap


class Sealed(KerberosTown):
    def servers(self):
        return talkative(super().servers()[0]), None

    def write_conf(self):
        """The daemon asks the KDC by a recorder, too."""
        super().write_conf()
        self.own_krb5 = os.path.join(self.dir, "krb5.conf")
        with open(self.ldap.krb5) as f:
            text = f.read()
        with open(self.own_krb5, "w") as f:
            f.write(text.replace("    kdc = %s\n" % self.ldap.ip, "    kdc = %s:%d\n" % (
                self.ldap.ip, self.record("KDC", (self.ldap.ip, 0), (self.ldap.ip, 88)).port)))

    def env(self):
        return dict(super().env(), KRB5_CONFIG=self.own_krb5)


WAYS = {"openldap": ("ldaps", "starttls", "plain"), "389ds": ("ldaps", "starttls", "plain"), "ad": ("ldaps", "starttls", "sealed")}


def built(kind, way):
    base = OnTcp if kind != "ad" else Sealed if way == "sealed" else OnSamba
    return type("RecordedTown", (Recorded, base), {})(way=way, kind=kind)


def keys(keytab):
    """Of an account that logs on by keytab these are its password: each of them gets a ticket."""
    found = re.findall(r"\(0x([0-9a-f]+)\)", run("klist", "-k", "-K", keytab))
    assert len(found) >= 2 and all(len(k) >= 32 for k in found), found
    return {"key %d" % n: bytes.fromhex(k) for n, k in enumerate(found)}


class Evidence:
    """Somebody comes, is let in and goes, with everything recorded."""

    def __init__(self, town, kind, way):
        self.town, self.kind, self.way = town, kind, way
        self.secrets = {"the service account's": town.ldap.password}
        town.start()
        town.settled(60)
        town.hire(NO, "Mari", "Maasikas")
        town.grant(NO, "r1")
        town.state_is(NO, "open", 30)
        town.settled()
        self.secrets["the first"] = town.password(NO)
        assert town.ldap.bind_ok(town.dn(NO), self.secrets["the first"]) and town.in_groups(NO) == ["r1"]
        town.depart(NO)
        town.state_is(NO, "out", 30)
        town.settled()
        assert not town.ldap.bind_ok(town.dn(NO), self.secrets["the first"]) and town.in_groups(NO) == []
        if way == "sealed":
            self.secrets.update(keys(town.keytab))
        else:
            ctl(town.pg.dsn(), "preflight", "--config", town.conf, code=None)
        town.stop()

    def wire(self, name="directory"):
        return b"\n".join(self.town.recorders[name].streams())

    def places(self):
        """Everything that is searched."""
        found = {"between us and " + name: self.wire(name) for name in self.town.recorders}
        logs = {"our log": os.path.join(self.town.dir, "paaslad.log"), "PostgreSQL's log": self.town.pg.log}
        logs.update(("the server's " + os.path.basename(path), path) for path in self.town.ldap.logs() if os.path.exists(path))
        for name, path in logs.items():
            with open(path, "rb") as f:
                found[name] = f.read()
        found["the database with its events"] = subprocess.run(
            self.town.pg.as_postgres("pg_dump", "-h", self.town.pg.dir, "-U", "postgres", "paasla"), check=True, cwd="/",
            stdout=subprocess.PIPE).stdout
        empty = [name for name, data in found.items() if not data]
        assert empty in ([], ["the server's errors"]), empty
        return found


@pytest.fixture(scope="module", params=["%s by %s" % (kind, way) for kind, ways in WAYS.items() for way in ways])
def evidence(request):
    kind, _, way = request.param.partition(" by ")
    if kind != "openldap" and os.geteuid() != 0:
        pytest.skip("this server runs as root only")
    town = built(kind, way)
    try:
        yield Evidence(town, kind, way)
    finally:
        town.close()


def test_no_password_anywhere(evidence):
    """`plain` is the control: the same daemon, told to use no TLS with a server on its own host. Elsewhere nothing is found."""
    in_the_clear = [("between us and directory", name) for name in ("the first", "the service account's")]
    places = evidence.places()
    assert wire.search(places, evidence.secrets) == (in_the_clear if evidence.way == "plain" else [])
    for name in ("between us and PostgreSQL", "PostgreSQL's log", "the database with its events"):
        assert wire.words_in(places[name], ["mari.maasikas", "LV-%d" % NO]), "what would have been found in %s?" % name


def is_probe(question):
    """preflight tries, as nobody and with nobody's password, whether the server would take a password without TLS."""
    if b"cn=nobody of paaslactl preflight," not in question:
        return False
    op, content, rest = wire.take_message(question)
    return op == BIND and content.endswith(octets("nobody's password", 0x80)) and (not rest or wire.take_message(rest)[0] == UNBIND)


def test_nothing_can_be_read(evidence):
    """So the password that nobody knows cannot be read, either: all is TLS or sealed, from the first octet to the last."""
    seen = {"ldaps": wire.seen_as_ldaps, "starttls": wire.seen_as_starttls, "sealed": wire.seen_as_sealed}
    pairs = [(bytes(q), bytes(a)) for q, a in evidence.town.recorders["directory"].connections if q]
    probes = [pair for pair in pairs if is_probe(pair[0])]
    assert len(probes) <= (evidence.way == "starttls")
    pairs = [pair for pair in pairs if pair not in probes]
    readable = wire.words_in(b"\n".join(q + b"\n" + a for q, a in pairs), WORDS)
    if evidence.way == "plain":
        assert {"userPassword", "objectClass", "Maasikas", "inimesed"} <= set(readable)
        for look in seen.values():
            with pytest.raises(AssertionError):
                look(*pairs[0])
        return
    assert readable == [] and pairs
    for question, answer in pairs:
        for records in seen[evidence.way](question, answer):
            assert records.count(wire.APPLICATION_DATA) >= 1
    said = [sum(len(stream) for stream in column) for column in zip(*pairs)]
    assert min(said) > 4000, "an account's life is not told in so few octets: %s" % said


def test_the_search_finds_them_where_they_are(evidence):
    """The same service on the same server, without protection; refused where the server has sense, but sent."""
    town, first = evidence.town, evidence.secrets["the first"]
    url = urlsplit(town.ldap.ldap)
    recorder = wire.Recorder((url.hostname, 0), (url.hostname, url.port or 389))
    value = "unicodePwd:: " + encoded_password(first) if evidence.kind == "ad" else "userPassword: " + first
    name = value.split(":")[0]
    ldif = "dn: %s\nchangetype: modify\nreplace: %s\n%s\n" % (town.dn(NO), name, value)
    try:
        for login in (["-D", town.ldap.service_dn, "-w", town.ldap.password], []):
            subprocess.run(["ldapmodify", "-x", "-H", "ldap://%s:%d" % (url.hostname, recorder.port), *login], input=ldif.encode(),
                           env=dict(os.environ, LDAPNOINIT="1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        heard = {"the wire": b"\n".join(recorder.streams())}
        assert wire.search(heard, evidence.secrets) == [("the wire", "the first"), ("the wire", "the service account's")]
        assert name in wire.words_in(heard["the wire"], WORDS)
    finally:
        recorder.close()
    town.sql("SELECT length(%s)", first)
    assert ("PostgreSQL's log", "the first") in wire.search(evidence.places(), evidence.secrets)


@pytest.mark.parametrize("secret", ["Teenuse-salas\u00f5na-1", "kR7mZpq2WvXn9bTd", "a b/c+d=e\\f\"g"])
def test_every_form_is_found(secret):
    utf16 = ('"%s"' % secret).encode("utf-16-le")
    hidden = [octets(secret), utf16, json.dumps({"p": secret}).encode(), secret.encode().hex().encode(), secret.upper().encode(),
              ("\\x" + secret.encode().hex()).encode()]
    hidden += [base64.b64encode(b"x" * n + raw + b"y" * m) for raw in (secret.encode(), utf16) for n in range(4) for m in range(3)]
    for n, where in enumerate(hidden):
        assert wire.search({"there": b"\xff\0before" + where + b"\0after"}, {"it": secret}) == [("there", "it")], (n, where)
    assert wire.search({"there": b"\n".join(hidden)}, {"it": secret[:-1] + "_"}) == []
