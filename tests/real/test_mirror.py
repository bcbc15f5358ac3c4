"""Two slapd providers that hold the same data (mirror mode): when one goes, the other carries on, and the watch with it."""
import re

import pytest

from ldapserver import SUFFIX, SlapdServer, free_port
from pgserver import PgServer
from town import Town, until


class MirrorTown(Town):
    def servers(self):
        ports = free_port(), free_port()
        first = SlapdServer(tls=False, port=ports[0], mirror=(1, ports[1]))
        self.second = SlapdServer(tls=False, port=ports[1], mirror=(2, ports[0]))
        self.second.start()
        return first, PgServer(migrated=True)

    def start(self):
        """Not before the second knows our log-on: one that is refused is left alone for long."""
        until(lambda: holds(self.second, self.ldap.service_dn), what="the second server to hold the service account")
        return super().start()

    def uris(self):
        return self.ldap.ldapi + " " + self.second.ldapi

    def close(self):
        try:
            super().close()
        finally:
            self.second.remove()


@pytest.fixture
def town():
    t = MirrorTown(people=3)
    try:
        t.start()
        t.grant(1000, "r1")
        t.settled()
        t.watched()
        level(t)
        t.compare()
        yield t
    finally:
        t.close()


def holds(server, dn):
    try:
        return "dn:" in server.search(dn, "-s", "base", "1.1")
    except RuntimeError:
        return False


def level(town):
    """Both servers hold all that was written to either."""
    csns = lambda server: sorted(re.findall(r"^contextCSN: (\S+)", server.search(SUFFIX, "-s", "base", "contextCSN"), re.M))
    until(lambda: csns(town.ldap) == csns(town.second) != [], what=lambda: "the same data on both: %s, %s" % (
        csns(town.ldap), csns(town.second)))


def put_backs(town, n):
    """So many times: that a server shows no member may only mean that it has not heard of it yet."""
    until(lambda: len(town.findings("drift_member_added", "resolved")) == n, what="the put-back")
    town.settled()


def by_hand(server, dn, text):
    server.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, text))


def test_the_other_provider_carries_on(town):
    password = town.password(1001)
    town.ldap.stop()
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    until(lambda: "resumed where it had ended" in town.said(), what="the watch, on the other provider")
    until(lambda: "member: " + town.dn(1000) not in town.second.search(town.group_dn(4), "member"), what="the put-back")
    # It may say what is still there and not what is gone (present phase); then everything is compared, which is right.
    assert town.second.bind_ok(town.dn(1001), password)
    town.depart(1001)
    town.state_is(1001, "out")
    assert not town.second.bind_ok(town.dn(1001), password)
    town.ldap.start()
    until(lambda: not town.ldap.bind_ok(town.dn(1001), password), what="the first provider to hear of it")


def test_changes_on_both_are_told_and_cookies_of_both_are_kept(town):
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1000))  # reaches the first by replication
    put_backs(town, 1)
    assert "r4" not in town.in_groups(1000)
    by_hand(town.ldap, town.dn(1000), "replace: description\ndescription: siin")
    sids = lambda: {c.split("#")[2] for c in town.one("SELECT cookie FROM paasla.directory").split("csn=")[1].split(";")}
    until(lambda: {"001", "002"} <= sids(), what="a cookie of both servers")
    town.stop()
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1002))
    town.start()
    until(lambda: "resumed where it had ended" in town.said(), what="the watch")
    put_backs(town, 2)
    assert "r4" not in town.in_groups(1002)
