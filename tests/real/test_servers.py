"""A directory of several servers: a leaver's lock goes to all of them side by side, each one's answer is kept, and none that
is away, frozen or read-only delays anything."""
import signal
import time

import pytest

from test_mirror import MirrorTown, holds
from town import until

TIMEOUT_MS = 1500


class Town(MirrorTown):
    def server(self, n):
        return [self.ldap, self.second][n].ldapi

    def acks(self, no):
        """What each server is known to have of the last lock: {server: (code, seen, acknowledged)}."""
        rows = self.sql("SELECT p.server, p.result_code, p.seen, p.acknowledged_at IS NOT NULL FROM paasla.lock_place p"
                        " JOIN paasla.account a USING (account_id) JOIN paasla.employee_number n USING (person_id)"
                        " WHERE n.employee_no = '%s'" % no)
        return {r[0]: tuple(r[1:]) for r in rows}

    def acked(self, no, n, seconds=15):
        until(lambda: self.acks(no).get(self.server(n), (0, 0, False))[2], seconds,
              "server %d to acknowledge; is %s" % (n, self.acks(no)))
        return self.acks(no)[self.server(n)]

    def state_of(self, n):
        rows = self.sql("SELECT state, in_use, read_only FROM paasla.directory_server WHERE server = %s", self.server(n))
        return tuple(rows[0]) if rows else None

    def is_state(self, n, state, in_use):
        until(lambda: (self.state_of(n) or ())[:2] == (state, in_use), 20, "server %d to be %s, is %s"
              % (n, state, self.state_of(n)))

    def lock_ms(self, no):
        return self.one("SELECT extract(epoch FROM a.locked_at - a.changed_at) * 1000 FROM paasla.account a"
                        " JOIN paasla.employee_number n USING (person_id) WHERE n.employee_no = '%s'" % no)

    def events(self, action):
        return self.sql("SELECT detail::jsonb->>'server', result_code, (detail::jsonb->>'seen')::boolean FROM audit.event"
                        " WHERE action = %s ORDER BY event_id", action)


@pytest.fixture
def town():
    t = Town(people=4, lines=["timeout_ms = %d" % TIMEOUT_MS, "connect_ms = 1000"]).start()
    t.grant(1000, "r1")
    t.settled()
    until(lambda: holds(t.second, t.dn(1003)), 30, "the second provider to hold all")
    t.is_state(0, "up", True)
    t.is_state(1, "up", False)
    yield t
    t.close()


def test_the_lock_goes_to_both(town):
    passwords = {no: town.password(no) for no in (1000, 1001)}
    assert town.second.bind_ok(town.dn(1000), passwords[1000])
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.acked(1000, 0) == (0, False, True)
    assert town.acked(1000, 1) == (0, False, True)
    for server in (town.ldap, town.second):
        assert not server.bind_ok(town.dn(1000), passwords[1000])
    town.settled()
    assert sorted(town.events("lock.acknowledged")) == sorted((town.server(n), 0, False) for n in (0, 1))
    assert town.events("lock.not_acknowledged") == []


def has_password(server, dn):
    return "userPassword" in server.search(dn, "-s", "base", "userPassword")


def test_a_frozen_server_delays_nothing(town):
    passwords = {no: town.password(no) for no in (1000, 1001)}
    town.second.freeze()
    begin = time.monotonic()
    town.depart(1000)
    town.state_is(1000, "out")
    assert time.monotonic() - begin < 1 and town.lock_ms(1000) < 500
    assert town.acked(1000, 0) == (0, False, True)
    until(lambda: town.acks(1000)[town.server(1)][0] == -1, 10, "no answer to be noted, is %s" % town.acks(1000))
    assert not town.ldap.bind_ok(town.dn(1000), passwords[1000])
    assert not has_password(town.ldap, town.dn(1000))
    town.second.thaw()
    assert town.acked(1000, 1) == (-1, True, True)  # seen there: nobody knows when it did what
    town.settled()
    assert town.account(1000, "state") == "out"
    town.acked(1000, 1)
    time.sleep(1)  # whatever the two have still to tell each other
    for server in (town.ldap, town.second):
        assert not server.bind_ok(town.dn(1000), passwords[1000])
        assert not has_password(server, town.dn(1000))
    assert town.second.bind_ok(town.dn(1001), passwords[1001])


def test_a_stopped_server_is_looked_at_when_it_is_back(town):
    password = town.password(1000)
    town.second.stop()
    town.is_state(1, "away", False)
    begin = time.monotonic()
    town.depart(1000)
    town.state_is(1000, "out")
    assert time.monotonic() - begin < 1
    until(lambda: town.acks(1000)[town.server(1)] == (-2, False, False), 10, "it to be noted")
    town.second.start()
    assert town.acked(1000, 1, 40) == (-2, True, True)
    assert not town.second.bind_ok(town.dn(1000), password)
    assert town.events("lock.not_acknowledged") == [(town.server(1), -2, False)]


def test_the_working_server_stays_in_use(town):
    password = town.password(1000)
    began = time.monotonic()
    town.ldap.stop()
    town.is_state(1, "up", True)
    assert time.monotonic() - began < 2  # its connection was warm: no pause
    town.is_state(0, "away", False)
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.acked(1000, 1) == (0, False, True)
    town.ldap.start()
    town.is_state(0, "up", False)
    assert town.acked(1000, 0, 40) == (-2, True, True)
    assert not town.ldap.bind_ok(town.dn(1000), password)
    time.sleep(1.5)
    assert town.state_of(1) == ("up", True, False)  # the first of the list is back and is not preferred
    town.second.stop()
    town.is_state(0, "up", True)
    town.depart(1001)
    town.state_is(1001, "out")
    town.second.start()
    town.acked(1001, 1, 40)


def test_a_crash_forgets_no_server(town):
    """The daemon is killed after the lock and before the other server's answer: the rows were born with the intent."""
    town.second.freeze()
    town.depart(1000)
    until(lambda: town.account(1000, "state") == "out", 10, "the departure")
    town.stop(signal.SIGKILL)
    assert town.acks(1000)[town.server(1)][2] is False
    town.second.thaw()
    town.start()
    town.acked(1000, 1, 30)
    town.settled()
