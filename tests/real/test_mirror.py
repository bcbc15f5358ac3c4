"""Two slapd providers that hold the same data (mirror mode): when one goes, the other carries on, and the watch with it."""
import pytest

from ldapserver import PEOPLE, SlapdServer, free_port
from pgserver import PgServer
from town import Town, until


class MirrorTown(Town):
    def servers(self):
        ports = free_port(), free_port()
        first = SlapdServer(tls=False, port=ports[0], mirror=(1, ports[1]))
        self.second = SlapdServer(tls=False, port=ports[1], mirror=(2, ports[0]))
        self.second.start()
        return first, PgServer(migrated=True)

    def uris(self):
        return self.ldap.ldapi + " " + self.second.ldapi

    def close(self):
        try:
            super().close()
        finally:
            self.second.remove()


@pytest.fixture
def town():
    t = MirrorTown(people=3).start()
    t.grant(1000, "r1")
    t.settled()
    until(lambda: t.one("SELECT count(*) FROM paasla.directory WHERE cookie IS NOT NULL") == 1, 30, "the cookie")
    until(lambda: holds(t.second, t.dn(1002)), 30, "the second provider to hold all")
    until(lambda: compares(t) == 2, 30, "the compare at the start and the one after the first refresh")
    t.settled()
    yield t
    t.close()


def compares(town):
    return town.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'")


def holds(server, dn):
    try:
        return "dn:" in server.search(dn, "-s", "base", "1.1")
    except RuntimeError:
        return False


def by_hand(server, dn, text):
    server.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, text))


def test_the_other_provider_carries_on(town):
    password = town.password(1001)
    town.ldap.stop()
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    until(lambda: "resumed where it had ended" in town.said(), 30, "the watch, on the other provider")
    until(lambda: "member: " + town.dn(1000) not in town.second.search(town.group_dn(4), "member"), 30, "the put-back")
    # It may say what is still there and not what is gone (present phase); then everything is compared, which is right.
    assert town.second.bind_ok(town.dn(1001), password)
    town.depart(1001)
    town.state_is(1001, "out", 30)
    assert not town.second.bind_ok(town.dn(1001), password)
    town.ldap.start()
    until(lambda: not town.ldap.bind_ok(town.dn(1001), password), 30, "the first provider to hear of it")


def test_changes_on_both_are_told_and_cookies_of_both_are_kept(town):
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1000))  # reaches the first by replication
    until(lambda: "r4" not in town.in_groups(1000), 30, "the put-back")
    by_hand(town.ldap, town.dn(1000), "replace: description\ndescription: siin")
    sids = lambda: {c.split("#")[2] for c in town.one("SELECT cookie FROM paasla.directory").split("csn=")[1].split(";")}
    until(lambda: {"001", "002"} <= sids(), 30, "a cookie of both servers")
    town.stop()
    by_hand(town.second, town.group_dn(4), "add: member\nmember: " + town.dn(1002))
    town.start()
    until(lambda: "resumed where it had ended" in town.said(), 30, "the watch")
    until(lambda: "r4" not in town.in_groups(1002), 30, "the put-back")
