"""Peers that are silent, slow, rude or mad, each as a directory of the real daemon, beside one that is a good slapd. Each
time: the daemon says what is wrong, tries again with pauses, and a leaver is locked in the good directory meanwhile. The
limits in seconds only tell life from death. test_dir.py has what one directory alone can show."""

import os
import re
import time

import pytest

from fakeldap import DONE, SEARCH, FakeServer, MeanProxy, Proxy, entry, message, octets, tlv
from ldapserver import SERVICE, SlapdServer
from test_dir import Harness, fake
from town import GROUPS, PEOPLE, Town, until

PAUSE_MIN_S = 0.25  # DIR_BACKOFF_MIN_MS
LIVE_S = 45
PEOPLE_HIRED = 52


class TownOfMany(Town):
    """Beside "linn" the directories of `bad`, {name: lines of configuration}. "paha" holds accounts of the town; all others
    are only looked at. Behind all of them is the slapd `other`."""

    def __init__(self):
        self.bad, self.next = {}, 1000
        self.other = SlapdServer(tls=True)
        self.other.start()
        # More leavers in an hour than one log-in names: none of them is to be held up here.
        super().__init__(people=0, brake=["named_per_hour = 1000"])
        for n in range(PEOPLE_HIRED):
            self.hire(1000 + n, "Inimene", "Number%s" % "abcdefghijklmnopqrstuvwxyz"[n % 26])
        self.write_conf({"paha": {"uris": self.other.ldapi}})
        self.start()
        until(lambda: self.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 2 * PEOPLE_HIRED, 180, "accounts")
        self.settled()
        self.stop()

    def env(self):
        """libldap 2.5 leaks a Notice of Disconnection that comes while it waits for the answer to a bind: 117 bytes each."""
        path = os.path.join(self.dir, "lsan")
        with open(path, "w") as f:
            f.write("leak:ber_memcalloc_x\n")
        return {"LSAN_OPTIONS": "suppressions=%s:print_suppressions=0" % path}

    def schema(self):
        super().schema()
        self.directory("paha", "enforce")
        self.sql("INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'paha')")

    def directory(self, name, mode):
        self.sql("INSERT INTO paasla.directory (directory, dialect, mode) VALUES (%s, 'openldap', %s) ON CONFLICT DO NOTHING",
                 name, mode)

    def write_conf(self, bad=None):
        super().write_conf()
        with open(self.conf, "a") as f:
            for name, more in (bad or {}).items():
                lines = {"dialect": "openldap", "tls": "none", "bind_dn": SERVICE, "password_file": self.other.password_file,
                         "people_base": PEOPLE, "group_base": GROUPS, "canary_dn": self.other.canary,
                         "placeholder_dn": self.other.nobody, "policy_dn": self.other.policy,
                         "rdn_template": "uid={login}," + PEOPLE, "connect_ms": 1500, "timeout_ms": 1000,
                         "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.cn": "{name}",
                         "attribute.sn": "{family}", "ca_file": self.other.ca_file}
                lines.update(more)
                f.write("[directory %s]\n%s\n" % (name, "\n".join("%s = %s" % kv for kv in lines.items())))

    def begin(self, bad):
        for name in bad:
            self.directory(name, "observe")
        self.write_conf(bad)
        open(os.path.join(self.dir, "paaslad.log"), "w").close()
        return self.start()

    def somebody(self):
        self.next += 1
        return self.next - 1

    def state_in(self, no, directory):
        return self.one("SELECT state FROM paasla.account a JOIN paasla.employee_number n USING (person_id)"
                        " WHERE n.employee_no = %s AND a.directory = %s", str(no), directory)

    def lines_of(self, name):
        return [line for line in self.said().splitlines() if ("%s (" % name) in line]

    def says(self, name, words, seconds=LIVE_S):
        until(lambda: any(words in line for line in self.lines_of(name)), seconds,
              lambda: "%s to say '%s'; it said %s" % (name, words, self.lines_of(name)))

    def leaver_is_locked_in_the_good_one(self):
        no = self.somebody()
        password = self.password(no)
        assert self.ldap.bind_ok(self.dn(no), password)
        self.depart(no)
        until(lambda: self.state_in(no, "linn") == "out", LIVE_S, lambda: "%d to be out of linn; it says %s" % (no, self.said()[-3000:]))
        assert not self.ldap.bind_ok(self.dn(no), password)
        return no

    def close(self):
        super().close()
        self.other.remove()


@pytest.fixture(scope="module")
def many():
    town = TownOfMany()
    yield town
    town.close()


@pytest.fixture
def town(many):
    yield many
    many.stop()  # it ended well
    assert not re.search(r"uid=p?\w+\.\w+", many.said()), "names of people in the log"


DEEDS = ["silent", "trickle", "goodbye", "garbage", "huge", "promise", "half", "close", "behind"]
SLOW, GONE, TOLD = "no answer in time", "lost", "notice of disconnection"
SAYS = {
    "bind": dict({d: "the server ended the connection while binding" for d in DEEDS}, silent="no end within 1500 ms while "
                 "binding", trickle="no end within 1500 ms while binding",
                 behind="the server ended the connection while reading the root entry"),
    "search": dict({d: GONE for d in DEEDS}, silent=SLOW, trickle=SLOW, promise=SLOW, goodbye=TOLD, behind=TOLD),
}
SAYS["modify"] = SAYS["search"]
PASSED_ON = ["trickle", "half", "behind"]  # the server did it, and only the answer is bad


def check_pauses(begin, peers):
    """Each tried again, and never without a pause. A round is at most two connections, or three when TLS failed."""
    until(lambda: all(p.connections >= 4 for p in peers.values()), LIVE_S, lambda: "second rounds of all: %s" %
          {name: p.connections for name, p in peers.items()})
    connections = [p.connections for p in peers.values()]  # before the time is taken: more of it allows more of them
    rounds = 2 + (time.monotonic() - begin) / PAUSE_MIN_S
    assert all(n <= 3 * rounds for n in connections)


@pytest.mark.parametrize("phase", ["bind", "search"])
def test_all_bad_at_once(town, phase):
    peers = {"bad" + deed: MeanProxy(town.other.port) for deed in DEEDS}
    for deed in DEEDS:
        peers["bad" + deed].be(phase, deed)
    begin = time.monotonic()
    town.begin({name: {"uris": p.uri} for name, p in peers.items()})
    town.leaver_is_locked_in_the_good_one()
    for deed in DEEDS:
        town.says("bad" + deed, SAYS[phase][deed])
    town.leaver_is_locked_in_the_good_one()
    check_pauses(begin, peers)
    check_recovery(town, peers)
    for p in peers.values():
        p.close()


def check_recovery(town, peers):
    """Each is connected, and watched where that is said to have ended; then nothing more is said, longer than any deadline. A
    watch that stands is silent by right: one that a peer has left without an answer is seen to be dead only by the keep-alive
    of each minute, so what is said of watches is looked at apart. Where a deadline passes all the same (of what was asked
    before, or because the machine holds the peer up, which is threads of this program) it is waited until none does."""
    for p in peers.values():
        p.be()
    time.sleep(1.5)  # what is not answered yet is given up

    def nothing_more():
        until(lambda: all(up(town, name) and not watch_lost(town, name) for name in peers), 60,
              lambda: "all to be connected; they say %s" % [town.lines_of(name)[-3:] for name in peers])
        before = {name: len(said_of_asking(town, name)) for name in peers}
        if not asked:
            asked.append(town.leaver_is_locked_in_the_good_one())
        time.sleep(1.5)
        news = [line for name in peers for line in said_of_asking(town, name)[before[name]:]]
        late = any(word in line for line in news for word in (SLOW, "no end within"))
        assert late or not news, news
        return not late
    asked = []
    until(nothing_more, 120, "no deadline to pass any more")


WATCH = "live watch"


def said_of_asking(town, name):
    return [line for line in town.lines_of(name) if WATCH not in line]


def up(town, name):
    return said_of_asking(town, name)[-1].split("): ")[1].startswith("connected")


def watch_lost(town, name):
    """It was said that its watch ended, and not that it stands again."""
    lines = [line for line in town.said().splitlines() if "directory=%s " % name in line and WATCH in line]
    return bool(lines) and not re.search("live watch: (begun|resumed)", lines[-1])


@pytest.mark.parametrize("deed", DEEDS)
def test_bad_at_a_write(town, deed):
    """What became of the write is unknown; the person is locked all the same, once the peer behaves."""
    peer = MeanProxy(town.other.port)
    begin = time.monotonic()
    town.begin({"paha": {"uris": peer.uri}})
    town.says("paha", ": connected")
    peer.be("modify", deed)
    no = town.leaver_is_locked_in_the_good_one()
    town.says("paha", SAYS["modify"][deed])
    assert deed in PASSED_ON or town.state_in(no, "paha") != "out"
    until(lambda: len(peer.deeds) >= 2, LIVE_S, "a second write")
    check_pauses(begin, {"paha": peer})
    town.leaver_is_locked_in_the_good_one()
    assert len(town.lines_of("paha")) < 30
    check_recovery(town, {"paha": peer})
    until(lambda: town.state_in(no, "paha") == "out", LIVE_S, lambda: "%d to be out of paha; it says %s" % (no, town.said()[-3000:]))
    town.settled()
    assert town.one("SELECT count(*) FROM paasla.intent WHERE outcome IS NULL") == 0
    peer.close()


# ---- TLS ----

ENDED = ["badplain", "badstarthalf", "badstartpromise"]

def test_handshakes_that_stall(town):
    """Silent before the first byte of the server's; silent at several places in the middle; silent where StartTLS was
    asked for; an end in the middle of the handshake; and no TLS at all behind an ldaps address."""
    silent, plain = FakeServer(silent=True), MeanProxy(town.other.port)
    peers = {"badsilent": silent, "badplain": plain}
    uris = {name: "ldaps://127.0.0.1:%d" % p.port for name, p in peers.items()}
    for limit in (1, 5, 60, 130, 400, 700):
        name = "badafter%d" % limit
        peers[name] = Proxy(town.other.tls_port, limit=limit)
        uris[name] = "ldaps://127.0.0.1:%d" % peers[name].port
    for name, deed in (("badstart", "silent"), ("badstarthalf", "half"), ("badstartpromise", "promise")):
        peers[name] = MeanProxy(town.other.port)
        peers[name].be("starttls", deed)
        uris[name] = peers[name].uri
    begin = time.monotonic()
    town.begin({name: {"uris": uri, "tls": "starttls"} for name, uri in uris.items()})
    town.leaver_is_locked_in_the_good_one()
    for name in peers:
        town.says(name, "no end within 1500 ms while" if name not in ENDED else "the server ended the")
    town.leaver_is_locked_in_the_good_one()
    check_pauses(begin, peers)
    for p in peers.values():
        p.close()
