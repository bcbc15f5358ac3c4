"""A directory of several servers: a leaver's lock goes to all of them side by side, each one's answer is kept, and none that
is away, frozen or read-only delays anything."""
import re
import signal
import time

import pytest

from ldapserver import PEOPLE, SlapdServer, free_port
from paaslactl import ATTENTION, OK, ctl
from pgserver import PgServer
from test_mirror import MirrorTown, level
from town import until

TIMEOUT_MS = 5000  # more than a busy machine needs for an answer, less than the default for what is frozen


class Town(MirrorTown):
    def server(self, n):
        return [self.ldap, self.second][n].ldapi

    def acks(self, no):
        """What each server is known to have of the last lock: {server: (code, seen, acknowledged)}."""
        rows = self.sql("SELECT p.server, p.result_code, p.seen, p.acknowledged_at IS NOT NULL FROM paasla.lock_place p"
                        " JOIN paasla.account a USING (account_id) JOIN paasla.employee_number n USING (person_id)"
                        " WHERE n.employee_no = '%s'" % no)
        return {r[0]: tuple(r[1:]) for r in rows}

    def first_ack(self, no, n):
        """The same of the first lock and server n."""
        return self.sql("SELECT k.result_code, k.seen, k.acknowledged_at IS NOT NULL FROM paasla.lock_ack k"
                        " JOIN paasla.account a USING (account_id) JOIN paasla.employee_number n USING (person_id)"
                        " WHERE n.employee_no = %s AND k.server = %s ORDER BY k.intent_id LIMIT 1", str(no), self.server(n))[0]

    def acked(self, no, n):
        until(lambda: self.acks(no).get(self.server(n), (0, 0, False))[2],
              what=lambda: "server %d to acknowledge; is %s" % (n, self.acks(no)))
        return self.acks(no)[self.server(n)]

    def state_of(self, n):
        rows = self.sql("SELECT state, in_use, read_only FROM paasla.directory_server WHERE server = %s", self.server(n))
        return tuple(rows[0]) if rows else None

    def is_state(self, n, state, in_use, *read_only):
        until(lambda: (self.state_of(n) or ())[:2 + len(read_only)] == (state, in_use, *read_only),
              what=lambda: "server %d to be %s, is %s" % (n, (state, in_use, *read_only), self.state_of(n)))

    def why(self, no):
        return ctl(self.pg.dsn(), "why", no, code=None)

    def events(self, action):
        return self.sql("SELECT detail::jsonb->>'server', result_code, (detail::jsonb->>'seen')::boolean FROM audit.event"
                        " WHERE action = %s ORDER BY event_id", action)


def both_up(t, then=lambda t: None):
    """For a fixture: its daemon runs, and both servers hold the same and are known to work."""
    try:
        t.start()
        then(t)
        t.settled()
        level(t)
        t.is_state(0, "up", True)
        t.is_state(1, "up", False)
        yield t
    finally:
        t.close()


@pytest.fixture
def town():
    yield from both_up(Town(people=4, lines=["timeout_ms = %d" % TIMEOUT_MS]), lambda t: t.grant(1000, "r1"))


def test_the_lock_goes_to_both(town):
    passwords = {no: town.password(no) for no in (1000, 1001)}
    assert town.second.bind_ok(town.dn(1000), passwords[1000])
    town.depart(1000)
    town.state_is(1000, "out")
    acks = [town.acked(1000, n) for n in (0, 1)]
    for server in (town.ldap, town.second):
        assert not server.bind_ok(town.dn(1000), passwords[1000])
    town.settled()
    assert acks == [(0, False, True)] * 2
    assert sorted(town.events("lock.acknowledged")) == sorted((town.server(n), 0, False) for n in (0, 1))
    assert town.events("lock.not_acknowledged") == []


def has_password(server, dn):
    return "userPassword" in server.search(dn, "-s", "base", "userPassword")


def test_a_frozen_server_delays_nothing(town):
    passwords = {no: town.password(no) for no in (1000, 1001)}
    town.second.freeze()
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.acked(1000, 0) == (0, False, True)
    assert not town.ldap.bind_ok(town.dn(1000), passwords[1000])
    said = town.why(1000)
    assert said.code == ATTENTION and "1 server is not known to have the lock" in said.out
    assert re.search(r"Locked on %s at 20[0-9: -]+; not yet on %s \(" % (re.escape(town.server(0)), re.escape(town.server(1))), said.out)
    until(lambda: town.acks(1000)[town.server(1)][0] == -1, what=lambda: "no answer to be noted, is %s" % town.acks(1000))
    assert town.one("SELECT a.out_at < e.at FROM paasla.account a JOIN audit.event e USING (account_id)"
                    " WHERE e.action = 'lock.not_acknowledged'"), "out before anybody gave up waiting for the other one"
    assert not has_password(town.ldap, town.dn(1000))
    town.second.thaw()
    # Seen there: nobody knows when it did what. The account is closed once more at once, and that lock has an answer of its own.
    until(lambda: town.first_ack(1000, 1) == (-1, True, True), what=lambda: "the lock to be seen; is %s" % (town.first_ack(1000, 1),))
    town.settled()
    town.state_is(1000, "out")
    town.acked(1000, 1)
    until(lambda: town.why(1000).code == OK, what="out")
    level(town)  # whatever the two have still to tell each other
    for server in (town.ldap, town.second):
        assert not server.bind_ok(town.dn(1000), passwords[1000])
        assert not has_password(server, town.dn(1000))
    assert town.second.bind_ok(town.dn(1001), passwords[1001])


def test_a_stopped_server_is_looked_at_when_it_is_back(town):
    password = town.password(1000)
    town.second.stop()
    town.is_state(1, "away", False)
    town.depart(1000)
    town.state_is(1000, "out")
    until(lambda: town.acks(1000)[town.server(1)] == (-2, False, False), what="it to be noted")
    said = town.why(1000)
    assert said.code == ATTENTION and "is NOT yet out: 1 server is not known to have the lock." in said.out
    assert re.search(r"Locked on ldapi://\S+ at 20[0-9: -]+; not yet on ldapi://\S+ \(the daemon cannot reach it\)\.", said.out)
    town.second.start()
    assert town.acked(1000, 1) == (-2, True, True)
    town.settled()
    said = town.why(1000)
    assert said.code == OK and said.out.endswith(" is out.\n") and " (seen there)." in said.out
    assert not town.second.bind_ok(town.dn(1000), password)
    assert town.events("lock.not_acknowledged") == [(town.server(1), -2, False)]


def test_the_working_server_stays_in_use(town):
    password = town.password(1000)
    before = len(town.said())
    town.ldap.kill9()
    town.is_state(1, "up", True)
    lost, then = [line for line in town.said()[before:].splitlines() if '"linn (' in line and "not in use" not in line
                  and "live watch" not in line][:2]
    assert "lost" in lost and town.server(0) in lost, lost
    assert "connected" in then and town.server(1) in then, "it was known to work: nothing else was tried before it: " + then
    town.is_state(0, "away", False)
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.acked(1000, 1) == (0, False, True)
    town.ldap.start()
    town.is_state(0, "up", False)
    assert town.acked(1000, 0) == (-2, True, True)
    assert not town.ldap.bind_ok(town.dn(1000), password)
    time.sleep(1.5)
    assert town.state_of(1) == ("up", True, False)  # the first of the list is back and is not preferred
    town.second.stop()
    town.is_state(0, "up", True)
    town.depart(1001)
    town.state_is(1001, "out")
    town.second.start()
    town.acked(1001, 1)


@pytest.fixture
def patient():
    """With the timeout as it is by default."""
    yield from both_up(Town(people=2))


def test_a_frozen_server_in_use_is_left_when_another_one_answers(patient):
    town, password = patient, patient.password(1000)
    town.ldap.freeze()
    town.depart(1000)
    until(lambda: not town.second.bind_ok(town.dn(1000), password), what="the lock on the second")
    town.state_is(1000, "out")
    assert town.acked(1000, 1) == (0, False, True)
    town.is_state(1, "up", True)
    assert "it does not answer and another server does" in town.said() and "no answer in time" not in town.said()
    assert town.why(1000).code == ATTENTION
    town.ldap.thaw()
    town.acked(1000, 0)
    town.settled()
    assert town.state_of(1)[:2] == ("up", True)
    until(lambda: town.why(1000).code == OK, what="out, after the account was closed once more")
    level(town)  # whatever the two have still to tell each other
    for server in (town.ldap, town.second):
        assert not server.bind_ok(town.dn(1000), password)


def test_when_nobody_answers_the_server_in_use_is_not_left(patient):
    town = patient
    town.ldap.freeze()
    town.second.freeze()
    town.depart(1000)
    time.sleep(4)
    town.ldap.thaw()
    town.state_is(1000, "out")
    town.second.thaw()  # not sooner: whichever answers first after that is chance
    town.acked(1000, 1)
    assert town.state_of(0)[:2] == ("up", True) and "it does not answer" not in town.said()


def test_a_crash_forgets_no_server(town):
    """The daemon is killed after the lock and before the other server's answer: the rows were born with the intent."""
    town.second.freeze()
    town.depart(1000)
    town.state_is(1000, "out")
    town.stop(signal.SIGKILL)
    assert town.acks(1000)[town.server(1)][2] is False
    town.second.thaw()
    town.start()
    town.acked(1000, 1)
    town.settled()


# ---- servers that take no writes ----

class ConsumerTown(Town):
    """The second is a consumer; `listed_first` puts it in front."""

    def __init__(self, updateref, listed_first, **more):
        self.updateref, self.listed_first = updateref, listed_first
        super().__init__(**more)

    def servers(self):
        ports = free_port(), free_port()
        first = SlapdServer(tls=False, port=ports[0])
        to = "ldap://127.0.0.1:%d" % ports[0] if self.updateref else ""
        self.second = SlapdServer(tls=False, port=ports[1], mirror=(2, ports[0]), updateref=to)
        self.second.start()
        return first, PgServer(migrated=True)

    def uris(self):
        both = [self.ldap.ldapi, self.second.ldapi]
        return " ".join(reversed(both) if self.listed_first else both)


@pytest.mark.parametrize("updateref", [True, False])
def test_a_consumer_is_not_followed_and_looked_at(updateref):
    """With updateref it answers 10, without 53; either is taken for what it is."""
    t = ConsumerTown(updateref, False, people=3)
    try:
        t.start()
        t.settled()
        level(t)
        t.is_state(1, "up", False)
        password = t.password(1000)
        t.depart(1000)
        t.state_is(1000, "out")
        assert t.acked(1000, 1) == (10 if updateref else 53, True, True)
        assert not t.second.bind_ok(t.dn(1000), password)
        t.is_state(1, "up", False, True)
        t.depart(1001)  # known now: it is not even asked
        assert t.acked(1001, 1) == (10, True, True)
        assert t.said().count("this server takes no writes") == 1
        t.is_state(0, "up", True, False)
    finally:
        t.close()


def test_a_consumer_listed_first_is_left_for_a_server_that_takes_writes():
    t = ConsumerTown(True, True, people=0)
    try:
        t.start()
        t.is_state(1, "up", True)
        t.is_state(0, "up", False)
        t.hire(1000, "Inimene", "Numbera")  # the first write is refused there
        t.state_is(1000, "open")
        t.is_state(0, "up", True)
        t.is_state(1, "up", False, True)
        password = t.password(1000)
        t.ldap.stop()
        t.is_state(1, "up", True)  # better than none: it can be read
        t.depart(1000)
        time.sleep(2)
        t.ldap.start()
        t.is_state(0, "up", True)  # without a write that fails
        t.state_is(1000, "out")
        until(lambda: not t.ldap.bind_ok(t.dn(1000), password), what="the lock")
    finally:
        t.close()


def test_a_referral_of_the_only_server_is_said_and_not_followed():
    class Alone(ConsumerTown):
        def uris(self):
            return self.second.ldapi
    t = Alone(True, True, people=0)
    try:
        t.start()
        t.hire(1000, "Inimene", "Numbera")
        until(lambda: "this server takes no writes; it is not followed to where it points" in t.said(), what="it to be said")
        time.sleep(1)
        assert "employeeNumber" not in t.ldap.search(PEOPLE, "employeeNumber")
    finally:
        t.close()
