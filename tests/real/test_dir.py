"""The LDAP side of the daemon against a real slapd that is killed, stopped and cut off, and against peers that stall,
lie or talk nonsense. dir_harness (built next to paaslad) takes commands as lines of JSON; see its head."""

import json
import os
import socket
import stat
import subprocess
import tempfile
import threading
import time

import pytest

from fakeldap import ADD, DONE, MODIFY, SEARCH, FakeServer, Proxy, entry, integer, message, octets, result, tlv
from ldapserver import CANARY, PEOPLE, SERVICE, SlapdServer

HARNESS = os.path.join(os.environ.get("PAASLA_BUILD", "build"), "daemon", "dir_harness")
UNKNOWN = -1
PATIENCE = 45  # seconds: what is not there then does not come, and not by the tick of each minute either

# What libldap 2.5 itself loses when it makes a TLS context with a client certificate; test_reconnects_lose_nothing shows
# that this happens once and not with every connection.
# A thread that judges a certificate may be cut off by the end of the process, and then frees nothing.
SUPPRESSED = "leak:gnutls_x509_privkey_init\nleak:gnutls_x509_crt_init\nleak:CRYPTO_zalloc\n"


class Harness:
    """One run of dir_harness. On close: it ended well, no request got two answers, no DN of a person was logged."""

    def __init__(self, *options, env=None, **more):
        more.setdefault("people_base", PEOPLE)
        args = [HARNESS] + list(options) + ["%s=%s" % kv for kv in more.items()]
        with tempfile.NamedTemporaryFile("w", prefix="lsan", delete=False) as f:
            f.write(SUPPRESSED)
        self.suppressions = f.name
        env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""),
                   LSAN_OPTIONS="suppressions=%s:print_suppressions=0" % f.name, **(env or {}))
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=env)
        self.events, self.log, self.open, self.doubled = [], [], set(), []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self._read_events, self._read_log)]
        for reader in self.readers:
            reader.start()

    def _read_events(self):
        for line in self.p.stdout:
            with self.changed:
                ev = json.loads(line)
                if ev["event"] == "down":
                    self.open.clear()
                elif ev["event"] == "result":
                    if ev["req"] not in self.open:
                        self.doubled.append(ev)
                    self.open.discard(ev["req"])
                self.events.append(ev)
                self.changed.notify_all()

    def _read_log(self):
        for line in self.p.stderr:
            with self.changed:
                self.log.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait(self, test, timeout=PATIENCE, what="events"):
        end = time.monotonic() + timeout
        with self.changed:
            while not test(self):
                left = end - time.monotonic()
                assert left > 0, "waited in vain; last events %s, log %s" % (self.events[-3:], self.log[-5:])
                self.changed.wait(left)

    def count(self, kind, req=None):
        return sum(1 for e in self.events if e["event"] == kind and (req is None or e.get("req") == req))

    def up(self, timeout=PATIENCE, times=1):
        self.wait(lambda h: h.count("up") >= times, timeout)
        return [e for e in self.events if e["event"] == "up"][-1]

    def down(self, timeout=PATIENCE, times=1):
        self.wait(lambda h: h.count("down") >= times, timeout)

    def logged(self, text, timeout=PATIENCE):
        self.wait(lambda h: any(text in line for line in h.log), timeout)

    def send(self, do, req=0, times=1, **more):
        with self.changed:
            if do in ("search", "modify", "add"):
                self.open.update(range(req, req + times))
        self.p.stdin.write(json.dumps(dict(more, do=do, req=req, times=times)) + "\n")
        self.p.stdin.flush()

    def result(self, req, timeout=PATIENCE):
        self.wait(lambda h: h.count("result", req) > 0, timeout)
        return [e for e in self.events if e["event"] == "result" and e["req"] == req][0]

    def entries(self, req):
        return [e for e in self.events if e["event"] == "entry" and e["req"] == req]

    def ask(self, do, req, timeout=PATIENCE, **more):
        self.send(do, req, **more)
        return self.result(req, timeout)

    def memory_kb(self):
        return int(open("/proc/%d/statm" % self.p.pid).read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    def cpu_seconds(self):
        fields = open("/proc/%d/stat" % self.p.pid).read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.p.stdin.close()
        code = self.p.wait(60)
        for reader in self.readers:  # to the end of what it said
            reader.join(60)
        os.unlink(self.suppressions)
        log = "\n".join(self.log)
        assert code == 0, log
        assert not self.doubled
        assert "uid=" not in log, log


@pytest.fixture(scope="module")
def town():
    server = SlapdServer()
    server.start()
    server.add_people(1200)
    yield server
    server.remove()


@pytest.fixture
def own():
    """A server that the test may kill."""
    server = SlapdServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def run():
    """Starts harnesses and checks each at the end."""
    started = []

    def start(*args, **kw):
        started.append(Harness(*args, **kw))
        return started[-1]
    yield start
    for h in started:
        if h.p.poll() is None:
            h.close()


def simple(server, **more):
    return dict({"bind_dn": SERVICE, "password_file": server.password_file, "ca_file": server.ca_file}, **more)


def secret(tmp_path, text="salasona", mode=0o600):
    path = tmp_path / "secret"
    path.write_text(text + "\n")
    path.chmod(mode)
    return str(path)


def fake(tmp_path, server, **more):
    return dict({"uris": server.uri, "tls": "none", "bind_dn": SERVICE, "password_file": secret(tmp_path)}, **more)


# ---- coming up ----

@pytest.mark.parametrize("way", ["ldapi-external", "ldapi", "starttls", "ldaps", "client-certificate"])
def test_ways_in(town, run, way):
    cert, key = town.certificates.issue("paaslad", san="DNS:paaslad")
    options = {
        "ldapi-external": {"uris": town.ldapi, "sasl": "external"},
        "ldapi": simple(town, uris=town.ldapi),
        "starttls": simple(town, uris=town.ldap),
        "ldaps": simple(town, uris=town.ldaps),
        "client-certificate": {"uris": town.ldaps, "sasl": "external", "ca_file": town.ca_file, "cert_file": cert,
                               "key_file": key},
    }[way]
    h = run(**options)
    up = h.up()
    assert up["identity"] in town.search(PEOPLE, "-s", "base", "entryUUID")
    assert up["ppolicy"] and up["assertion"]
    assert h.ask("modify", 1, dn=CANARY, mods=[["replace", "sn", ["Lind"]]])["code"] == 0


def test_second_address(town, run, tmp_path):
    h = run(**simple(town, uris="ldap://127.0.0.1:1 " + town.ldaps))
    h.up()
    h.logged("not reachable")
    assert "not reachable" in h.log[0]


@pytest.mark.parametrize("what", ["ca", "name", "expired", "unreadable", "localhost"])
@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_certificate_refused(town, run, what, scheme):
    tls = town.certificates
    server, options, sentence = town, simple(town), {
        "ca": "is not from the CA in", "name": "is not for the name 127.0.0.1", "expired": "has expired",
        "unreadable": "ca_file /nonexistent", "localhost": "this host's own name"}[what]
    if what == "ca":
        options["ca_file"] = tls.other_ca
    elif what == "unreadable":
        options["ca_file"] = "/nonexistent"
    elif what != "localhost":
        how = {"name": {"san": "DNS:mujal.test"}, "expired": {"end": "20210101000000Z"}}[what]
        server = SlapdServer(certificate=lambda c: c.issue(what, **how))
        server.start()
        options = simple(server)
    try:
        uri = getattr(server, scheme)
        h = run(uris=uri.replace("127.0.0.1", "localhost") if what == "localhost" else uri, **options)
        h.logged(sentence)
        assert h.count("up") == 0
        h.close()
    finally:
        if server is not town:
            server.remove()


def test_password_is_not_sent_to_a_stranger(town, run, tmp_path):
    peer = FakeServer(tls=town.certificates.issue("voor", ca="other"))
    h = run(**fake(tmp_path, peer, ca_file=town.ca_file))
    h.logged("is not from the CA in")
    assert peer.binds == 0 and peer.received == b""
    peer.close()


def test_environment_is_ignored(town, run, tmp_path):
    (tmp_path / ".ldaprc").write_text("TLS_REQCERT never\nTLS_CACERT %s\nURI ldap://127.0.0.1:1\n" % town.ca_file)
    h = run(uris=town.ldaps, **simple(town, ca_file=town.certificates.other_ca),
            env={"HOME": str(tmp_path), "LDAPRC": ".ldaprc", "LDAPTLS_REQCERT": "never", "LDAPTLS_CACERT": town.ca_file})
    h.logged("is not from the CA in")
    assert h.count("up") == 0


def test_no_password_in_the_clear(run, tmp_path):
    h = run(uris="ldap://192.0.2.1", tls="none", bind_dn=SERVICE, password_file=secret(tmp_path))
    h.logged("tls = none is only for")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            mine = s.getsockname()[0]
        except OSError:
            return  # this host has only its loopback
    with socket.create_server((mine, 0)) as listener:
        listener.settimeout(1)
        h = run(uris="ldap://%s:%d" % listener.getsockname()[:2], tls="none", bind_dn=SERVICE,
                password_file=secret(tmp_path))
        h.logged("nothing was sent")
        with pytest.raises(socket.timeout):
            listener.accept()


def test_reconnects_lose_nothing(town, run):
    cert, key = town.certificates.issue("paaslad", san="DNS:paaslad")
    proxy = Proxy(town.tls_port)
    h = run(uris=" ".join(["ldaps://127.0.0.1:%d" % proxy.port] * 60), sasl="external", ca_file=town.ca_file,
            cert_file=cert, key_file=key, people_base="ou=pole,dc=linn,dc=test")  # fails after the bind, 60 times a round
    h.wait(lambda h: proxy.connections > 40)
    before = h.memory_kb()
    h.wait(lambda h: proxy.connections > 200, timeout=60)
    assert h.memory_kb() - before < 1200  # 160 times 15 kB would be 2400
    proxy.close()


@pytest.mark.parametrize("how, sentence", [
    ({"mode": 0o644}, "may be read or changed by others"), ({"text": ""}, "is empty"),
    ({"text": "x" * 5000}, "larger than 4096")])
def test_secret_refused(run, tmp_path, how, sentence):
    peer = FakeServer()
    h = run(uris=peer.uri, tls="none", bind_dn=SERVICE, password_file=secret(tmp_path, **how))
    h.logged(sentence)
    assert peer.binds == 0
    peer.close()


def test_wrong_password_is_no_loop(run, tmp_path):
    peer = FakeServer(bind_code=49)
    options = fake(tmp_path, peer)
    h = run(**options)
    h.logged("refuses the service account's credentials")
    time.sleep(6)
    assert peer.binds == 1
    peer.bind_code = 0
    secret(tmp_path, "uus")  # the file changes: no need to wait
    h.up()
    assert peer.binds == 3, (peer.connections, peer.bind_times, h.log)  # one refused, then one for each channel
    peer.close()


def test_missing_base_and_rights(town, run, tmp_path):
    h = run(**simple(town, uris=town.ldapi, people_base="ou=pole,dc=linn,dc=test"))
    h.logged("people_base ou=pole,dc=linn,dc=test does not exist or may not be seen")
    peer = FakeServer(answer=lambda c, m, op, base: None)
    h = run(**fake(tmp_path, peer, people_base="ou=muud,dc=linn,dc=test"))
    h.logged("may not read entryUUID of people_base")
    assert h.count("up") == 0
    peer.close()


# ---- peers that stall ----

def answers_while_connecting(run, town, uris, began):
    """The loop is alive: the answer does not wait for the end of the minute that connecting may take."""
    h = run(**simple(town, uris=uris, connect_ms=60000))
    end = time.monotonic() + PATIENCE
    while not began():
        assert time.monotonic() < end, "no connection"
        time.sleep(0.02)
    assert h.ask("search", 1, base=PEOPLE)["code"] == UNKNOWN
    assert h.count("up") == 0
    h.close()


def test_silent_peer_delays_nobody(town, run):
    peer = FakeServer(silent=True)
    for scheme in ("ldap", "ldaps"):
        uris = "%s://127.0.0.1:%d %s" % (scheme, peer.port, town.ldaps)
        answers_while_connecting(run, town, uris, lambda n=peer.connections: peer.connections > n)
        h = run(**simple(town, uris=uris, connect_ms=1500))
        h.up()
        assert h.cpu_seconds() < 1
        h.logged("no end within 1500 ms")
    peer.close()


@pytest.mark.parametrize("limit", [1, 4, 40, 130, 500, 900])
def test_stall_mid_handshake(town, run, limit):
    proxy = Proxy(town.tls_port, limit=limit)
    uris = "ldaps://127.0.0.1:%d %s" % (proxy.port, town.ldaps)
    answers_while_connecting(run, town, uris, lambda: proxy.connections > 0)
    h = run(**simple(town, uris=uris, connect_ms=1500))
    h.up()
    assert h.cpu_seconds() < 1
    proxy.close()


def test_quit_while_connecting(run):
    peer = FakeServer(silent=True)
    h = run(uris="ldaps://127.0.0.1:%d" % peer.port, bind_dn=SERVICE, ca_file="/etc/passwd", connect_ms=60000)
    time.sleep(0.3)
    h.close()
    peer.close()


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_one_byte_at_a_time(town, run, scheme):
    proxy = Proxy(town.tls_port if scheme == "ldaps" else town.port, piece=1)
    h = run(**simple(town, uris="%s://127.0.0.1:%d" % (scheme, proxy.port)))
    h.up()
    assert h.ask("search", 1, base=PEOPLE, scope="one", filter="(uid=p1*)", attrs=["uid"], timeout=30)["complete"]
    assert len(h.entries(1)) == 311
    proxy.close()


def test_several_messages_in_one_record(town, run, tmp_path):
    def answer(conn, msgid, op, base):
        if op == SEARCH and base.startswith("cn="):
            many = b"".join(message(msgid, entry("cn=%d" % i, [("cn", ["x"])])) for i in range(100))
            return many + message(msgid, DONE)
        return None
    peer = FakeServer(answer, tls=town.certificates.issue("kirje"))
    h = run(**fake(tmp_path, peer, ca_file=town.ca_file))
    h.up()
    for req in range(1, 6):
        assert h.ask("search", req, base="cn=x", timeout=12)["complete"]
        assert len(h.entries(req)) == 100
    peer.close()


def test_one_message_in_many_records(town, run, tmp_path):
    """As Active Directory sends a big group: all of it is here at once, and the socket has nothing more to show."""
    values = ["x" * 32 + str(i) for i in range(1200)]

    def answer(conn, msgid, op, base):
        if op == SEARCH and base.startswith("cn="):
            return message(msgid, entry(base, [("cn", values)])) + message(msgid, DONE)
        return None
    peer = FakeServer(answer, tls=town.certificates.issue("kirje"), record=256)
    h = run(**fake(tmp_path, peer, ca_file=town.ca_file, timeout_ms=90000))
    h.up()
    for req in range(1, 6):
        assert h.ask("search", req, base="cn=x")["complete"]
        assert len(h.entries(req)) == 1
    peer.close()


# ---- reading ----

def everyone(h, req, **more):
    h.send("search", req, base=PEOPLE, scope="sub", filter="(objectClass=inetOrgPerson)", attrs=["uid"], paged=True, **more)


def test_pages(town, run):
    h = run(**simple(town, uris=town.ldaps))
    h.up()
    everyone(h, 1)
    everyone(h, 2)  # slapd keeps one page state: the second waits for the first
    assert h.ask("search", 3, base=CANARY)["complete"]
    for req in (1, 2):
        assert h.result(req) == {"event": "result", "req": req, "code": 0, "complete": True}
        assert len({e["dn"] for e in h.entries(req)}) == 1201


def test_pause(town, run):
    h = run(**simple(town, uris=town.ldaps, timeout_ms=4000))
    h.up()
    everyone(h, 1, pause_after=70)
    h.wait(lambda h: len(h.entries(1)) >= 70)
    time.sleep(17)  # longer than any deadline: a pause is ours, not the server's
    assert len(h.entries(1)) == 70
    assert h.ask("search", 2, base=CANARY)["complete"]  # on the same connection
    assert len(h.entries(1)) == 70
    for i in range(2, 18):
        h.send("resume", 1)
        h.wait(lambda h: len(h.entries(1)) == 70 * i)
    h.send("resume", 1)
    assert h.result(1)["complete"]
    assert len({e["dn"] for e in h.entries(1)}) == 1201
    assert h.count("down") == 0


@pytest.mark.parametrize("value", [b"", b"\x30\x00", b"\x30\x03\x02\x01\x00", b"\x30\x08\x02\x01\x00\x04\x09x", b"more"])
def test_a_page_whose_end_cannot_be_read_is_not_the_last_one(run, tmp_path, value):
    """Else what stands on the pages behind it would be taken for gone."""
    control = tlv(0x30, octets("1.2.840.113556.1.4.319") + octets(value))
    peer = FakeServer(lambda conn, msgid, op, base: message(msgid, entry("uid=a," + PEOPLE, [("uid", ["a"])])) + message(msgid, DONE, control)
                      if op == SEARCH and base == PEOPLE else None)
    h = run(**fake(tmp_path, peer))
    h.up()
    everyone(h, 1)
    h.wait(lambda h: h.count("down") == 1)  # and the read has no result
    assert not [e for e in h.events if e["event"] == "result"]
    peer.close()


def test_usability(own, run):
    dn, = own.add_people(1, password="vana")
    h = run(**simple(own, uris=own.ldapi))
    h.up()
    assert h.ask("search", 1, base=dn, attrs=["uid"], usability=True)["complete"]
    assert h.entries(1)[0]["attrs"] == {"uid": ["p0"], "paaslaUsable": ["TRUE"]}
    assert h.ask("modify", 2, dn=dn, mods=[["replace", "pwdEndTime", ["20200101000000Z"]]])["code"] == 0
    assert h.ask("search", 3, base=dn, attrs=["uid"], usability=True)["complete"]
    assert h.entries(3)[0]["attrs"]["paaslaUsable"] == ["FALSE"]
    assert not own.bind_ok(dn, "vana")


def test_absence_needs_a_whole_answer(run, tmp_path):
    def answer(conn, msgid, op, base):
        kinds = {
            "cn=range": [entry(base, [("member;range=0-1499", ["a"])]), DONE],
            "cn=last": [entry(base, [("member;range=1500-*", ["a"])]), DONE],
            "cn=reference": [tlv(0x73, octets("ldap://mujal.test/")), DONE],
            "cn=limit": [entry("cn=a", []), result(0x65, 4)],
            "cn=liar": [entry(base, [("PaaslaUsable", ["TRUE"]), ("paaslausable;x", ["TRUE"]), ("cn", ["liar"])]), DONE],
        }
        return b"".join(message(msgid, op) for op in kinds[base]) if base in kinds else None
    peer = FakeServer(answer)
    h = run(**fake(tmp_path, peer))
    h.up()
    assert not h.ask("search", 1, base="cn=range")["complete"]
    assert h.ask("search", 2, base="cn=last")["complete"]
    assert not h.ask("search", 3, base="cn=reference")["complete"]
    assert h.ask("search", 4, base="cn=limit") == {"event": "result", "req": 4, "code": 4, "complete": False}
    h.logged("size limit")
    assert h.ask("search", 5, base="cn=liar", usability=True)["complete"]
    assert h.entries(5)[0]["attrs"] == {"cn": ["liar"]}
    peer.close()


# ---- writing ----

def test_results(own, run):
    h = run(**simple(own, uris=own.ldapi))
    h.up()
    dn = "uid=uus," + PEOPLE
    attrs = [["objectClass", ["inetOrgPerson"]], ["uid", ["uus"]], ["cn", ["Uus"]], ["sn", ["Uus"]]]
    assert h.ask("add", 1, dn=dn, attrs=attrs)["code"] == 0
    assert h.ask("add", 2, dn=dn, attrs=attrs)["code"] == 68
    assert h.ask("modify", 3, dn=dn, mods=[["replace", "sn", ["A"]]], assertion="(sn=Uus)")["code"] == 0
    assert h.ask("modify", 4, dn=dn, mods=[["replace", "sn", ["B"]]], assertion="(sn=Uus)")["code"] == 122
    assert h.ask("modify", 5, dn=dn, mods=[["delete", "sn", []]])["code"] == 65
    assert h.ask("modify", 6, dn="uid=x\x00," + PEOPLE, mods=[["replace", "sn", ["A"]]])["code"] == 34
    assert h.ask("modify", 7, dn=dn, mods=[["replace", "sn", ["A"]]], assertion="((")["code"] == 80
    assert h.ask("search", 8, base=PEOPLE, filter="(uid=")["code"] == 80
    assert h.count("down") == 0


def test_bytes(own, run):
    h = run(**simple(own, uris=own.ldaps))
    h.up()
    assert h.ask("modify", 1, dn=CANARY, mods=[["replace", "jpegPhoto", ["a\x00b"]]])["code"] == 0
    assert h.ask("modify", 2, dn=CANARY, mods=[["replace", "audio", [[100000], [99999]]]])["code"] == 0
    assert h.ask("search", 3, base=CANARY, attrs=["jpegPhoto", "audio"])["complete"]
    attrs = h.entries(3)[0]["attrs"]
    assert attrs["jpegPhoto"] == [{"len": 3, "head": "610062"}]
    assert [v["len"] for v in attrs["audio"]] == [100000, 99999]


@pytest.mark.parametrize("uri", ["ldapi", "ldaps"])
def test_full_socket(own, run, uri):
    """The server does not read for a while: requests wait, none is lost, none is sent twice."""
    h = run(**simple(own, uris=getattr(own, uri), timeout_ms=120000))
    h.up()
    own.freeze()
    h.send("modify", 1, times=40, dn=CANARY, mods=[["replace", "audio", [[1000000]]]])
    time.sleep(1)
    assert h.cpu_seconds() < 3
    own.thaw()
    for req in range(1, 41):
        assert h.result(req, timeout=120)["code"] == 0


def test_first_password(own, run, tmp_path):
    dn, = own.add_people(1)
    tmp_path.chmod(0o700)
    h = run(**simple(own, uris=own.ldapi, first_password_dir=tmp_path))
    h.up()
    change = dict(dn=dn, mods=[["replace", "sn", ["Avatud"]]], first_password=True, login="p0")
    assert h.ask("modify", 1, assertion="(sn=Keegi)", **change)["code"] == 122
    assert list(tmp_path.iterdir()) == []  # the server took nothing: nothing is kept
    assert h.ask("modify", 2, **change)["code"] == 0
    file, = tmp_path.iterdir()
    assert file.name.startswith("p0-20") and stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text()[:-1]
    assert len(password) == 16 and not set(password) & set("lIO01o")
    assert own.bind_ok(dn, password)
    assert "Avatud" in own.search(dn, "sn")
    assert h.ask("modify", 3, **change)["code"] == 0
    assert len({f.read_text() for f in tmp_path.iterdir()}) == 2
    h.close()
    assert not any("p0" in line or password in line for line in h.log)


@pytest.mark.parametrize("wrong", ["mode", "link", "missing", "login"])
def test_first_password_not_kept(own, run, tmp_path, wrong):
    dn, = own.add_people(1)
    folder = tmp_path / "salasonad"
    folder.mkdir(mode=0o755 if wrong == "mode" else 0o700)
    name = {"link": tmp_path / "link", "missing": tmp_path / "pole"}.get(wrong, folder)
    if wrong == "link":
        name.symlink_to(folder)
    h = run(**simple(own, uris=own.ldapi, first_password_dir=name))
    h.up()
    login = "../p0" if wrong == "login" else "p0"
    assert h.ask("modify", 1, dn=dn, mods=[["replace", "sn", ["X"]]], first_password=True, login=login)["code"] == 80
    assert "sn: X" not in own.search(dn, "sn")  # nothing was sent
    assert list(folder.iterdir()) == []
    h.logged("file name" if wrong == "login" else "first_password_dir")


# ---- trouble ----

def test_kill_during_writes(own, run):
    h = run(**simple(own, uris=own.ldapi))
    for round in range(3):
        h.up(times=round + 1)
        first = 1000 * round + 1
        h.send("modify", first, times=600, dn=CANARY, mods=[["replace", "sn", ["x"]]])
        h.wait(lambda h: h.count("result") >= 50 * (round + 1))
        own.kill9()
        h.down(times=round + 1)
        assert not h.open  # a result or the down: each exactly one
        own.start()
    h.up(times=4, timeout=90)
    assert h.ask("modify", 9000, dn=CANARY, mods=[["replace", "sn", ["Lind"]]])["code"] == 0


def test_stopped_server(own, run):
    h = run(**simple(own, uris=own.ldaps, timeout_ms=5000, connect_ms=5000))
    h.up()
    own.freeze()
    begin = time.monotonic()
    h.send("modify", 1, dn=CANARY, mods=[["replace", "sn", ["x"]]], channel="urgent")
    h.send("search", 2, base=CANARY)
    h.down()
    assert time.monotonic() - begin > 4.9
    assert h.count("result") == 0  # what became of them is unknown: DIR_DOWN is the answer
    assert h.ask("search", 3, base=CANARY)["code"] == UNKNOWN
    own.thaw()
    h.up(times=2, timeout=90)
    assert h.ask("search", 4, base=CANARY)["complete"]


def test_restart_is_found_without_work(own, run):
    h = run(**simple(own, uris=own.ldapi))
    h.up()
    own.stop()
    h.down()
    own.start()
    h.up(times=2)


GOODBYE = message(0, tlv(0x78, integer(52, 0x0A) + octets("") + octets("") + octets("1.3.6.1.4.1.1466.20036", 0x8A)))


@pytest.mark.parametrize("bad, sentence", [
    (GOODBYE, "notice of disconnection"),
    (b"\x30\x84\x7f\xff\xff\xff\x02\x01", "lost"),
    (b"\x00" * 64, "lost"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "lost"),
    (None, "no answer to what was asked"),
])
def test_nonsense(run, tmp_path, bad, sentence):
    def answer(conn, msgid, op, base):
        if base != "cn=x":
            return None
        return bad if bad is not None else message(msgid, result({SEARCH: 0x67, MODIFY: 0x65, ADD: 0x65}[op], 0))
    peer = FakeServer(answer)
    h = run(**fake(tmp_path, peer, timeout_ms=5000))
    h.up()
    h.send("modify", 1, dn="cn=x", mods=[["replace", "sn", ["x"]]])
    h.send("search", 2, base="cn=y", channel="urgent")
    h.down()
    h.up(times=2)
    assert h.ask("search", 3, base="cn=y")["code"] == 0
    h.close()
    if sentence:
        assert any(sentence in line or "no answer in time" in line for line in h.log), h.log
    peer.close()


def test_a_watch_that_never_ends_to_tell_holds_up_nobody(run, tmp_path):
    """Its connection always has something to read. What is asked on the others is sent all the same, and not by the tick,
    which comes once a minute as long as everybody seems to be quiet."""
    over = threading.Event()

    class Flood(FakeServer):
        def _send(self, s, out):
            super()._send(s, out)
            while b",cn=flood" in out and not over.is_set():
                s.sendall(out)

    change = tlv(0x30, octets("2.16.840.1.113730.3.4.7") + octets(bytes.fromhex("30030a0104")))  # an entry that was modified

    def answer(conn, msgid, op, base):
        return b"".join(message(msgid, entry("uid=x%d,cn=flood" % n, []), change) for n in range(1000)) if base == "cn=flood" else None
    peer = Flood(answer)
    h = run(**fake(tmp_path, peer))
    h.up()
    h.send("watch", 1, base="cn=flood")
    h.wait(lambda h: h.count("watch", 1) > 20, what="the flood")
    for req in (2, 3, 4):
        assert h.ask("search", req, base="cn=y", channel="urgent", timeout=10)["code"] == 0
    before = h.count("watch", 1)
    h.wait(lambda h: h.count("watch", 1) > before + 5, what="the flood, still")
    over.set()
    h.close()
    peer.close()


def test_flood_of_failures_backs_off(run, tmp_path):
    peer = FakeServer(bind_code=52)
    h = run(**fake(tmp_path, peer))
    h.logged("refuses the bind")
    time.sleep(5)
    assert 1 <= peer.binds < 15
    assert sum("refuses the bind" in line for line in h.log) == 1  # said once
    peer.close()
