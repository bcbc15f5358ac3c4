"""An end of employment that HR enters beforehand stands in the directory ahead: the account closes by itself, daemon or not."""
import calendar
import decimal
import os
import re
import time

import pytest

from adtown import AdTown
from paaslactl import ctl
from sambaserver import ACCOUNT_EXPIRES, ADMIN_DESCRIPTION
from town import Town, until

EPOCH = 134774 * 86400  # seconds from 1601 to 1970


class OnSlapd(Town):
    grain = 1  # seconds
    all_ways = (True,)

    def logs_on(self, no, password):
        return (self.binds(no, password),)

    def end_of(self, no):
        """The end that the entry shows, as seconds since 1970; None: it has none."""
        found = re.search(r"^pwdEndTime: (\d{14})Z$", self.ldap.search(self.dn(no), "-s", "base", "pwdEndTime"), re.M)
        return found and calendar.timegm(time.strptime(found[1], "%Y%m%d%H%M%S"))

    def end_by_hand(self, no, seconds):
        self.ldap.modify("dn: %s\nchangetype: modify\nreplace: pwdEndTime\npwdEndTime: %s\n"
                         % (self.dn(no), time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))))


class OnAd(AdTown):
    grain = decimal.Decimal("0.000001")
    all_ways = (True, True)  # a bind, a Kerberos ticket

    def logs_on(self, no, password):
        return self.can(no, password)

    def end_of(self, no):
        ticks = int(self.entry(no, "accountExpires")["accountexpires"])
        return None if ticks in (0, 2**63 - 1) else decimal.Decimal(ticks) / 10**7 - EPOCH

    def end_by_hand(self, no, seconds):
        self.ldap.modify("dn: %s\nchangetype: modify\nreplace: accountExpires\naccountExpires: %d\n"
                         % (self.dn(no), (int(seconds) + EPOCH) * 10**7))


@pytest.fixture(params=[OnSlapd, OnAd], ids=["openldap", "ad"])
def town(request):
    if request.param is OnAd and os.geteuid() != 0:
        pytest.skip("Samba runs as root only")
    t = request.param().start()
    try:
        t.settled()
        t.watched()
        t.compare()
        t.told()  # nobody is looked at from here on but for what the test does
        yield t
    finally:
        t.close()


def leaves(town, no, when):
    """`when` in SQL; NULL takes a departure back that has not come yet."""
    town.sql("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'KK-1' WHERE employee_no = '%s'" % (when, no))


def wanted_end(town, no):
    """What HR says, never rounded to sooner."""
    end = town.one("SELECT extract(epoch FROM max(ends)) FROM paasla.known_end_at(now()) WHERE purpose = 'personal' AND"
                    " person_id = (SELECT person_id FROM paasla.employee_number WHERE employee_no = '%s')" % no)
    return end and (end / town.grain).to_integral_value(decimal.ROUND_CEILING) * town.grain


def stands(town, no, what="the end in the directory"):
    until(lambda: wanted_end(town, no) == town.end_of(no), what=what)
    town.settled()
    return town.end_of(no)


def sleep_until(seconds):
    time.sleep(max(0, seconds - time.time()))


def in_time(town, deed):
    """Somebody whose end stands in the directory, with the daemon stopped and deed(number, password) done before that moment:
    (number, password, the moment, what the deed gave). Where the machine is too slow for it with one person, whatever the
    deed saw counts for nothing, and another one leaves later."""
    for no, seconds in ((1000, 6), (1001, 30), (1002, 150)):
        password = town.password(no)
        leaves(town, no, "now() + interval '%d seconds'" % seconds)
        moment = town.one("SELECT extract(epoch FROM departed_at) FROM paasla.staff WHERE employee_no = '%s'" % no)
        ends = (moment / town.grain).to_integral_value(decimal.ROUND_CEILING) * town.grain
        until(lambda: town.end_of(no) == ends or time.time() > ends, 200, "the end in the directory")
        town.stop()
        gave = deed(no, password)
        if time.time() < ends:
            assert town.end_of(no) == ends
            return no, password, float(ends), gave
        town.start()
    raise AssertionError("no end stood in the directory in time")


def test_closes_by_itself_while_the_daemon_is_down(town):
    no, password, ends, before = in_time(town, town.logs_on)
    assert before == town.all_ways, "not sooner than HR says"
    sleep_until(ends + 0.2)
    assert not any(town.logs_on(no, password)), "the moment has passed, and nobody is there but the directory"
    assert town.account(no, "state") == "open"
    town.start()
    town.state_is(no, "out")
    assert not town.binds(no, password)
    assert town.one("SELECT count(*) FROM audit.event JOIN paasla.employee_number n USING (person_id)"
                    " WHERE lifecycle_row = 630 AND n.employee_no = '%s'" % no) == 1


def test_moved_and_taken_back(town):
    password = town.password(1000)
    leaves(town, 1000, "now() + interval '1 day'")
    first = stands(town, 1000)
    leaves(town, 1000, "now() + interval '2 days'")
    assert stands(town, 1000, "the later end") > first
    leaves(town, 1000, "now() + interval '1 hour'")
    assert stands(town, 1000, "the sooner end") < first
    leaves(town, 1000, "NULL")
    assert stands(town, 1000, "no end") is None
    assert town.binds(1000, password) and not town.findings("end_by_hand")
    assert [r[0] for r in town.sql("SELECT detail::jsonb->>'ends' = 'never' FROM audit.event WHERE action = 'intent.planned'"
                                   " AND detail::jsonb->>'op' = 'keep' ORDER BY event_id")] == [False, False, False, True]


def test_a_crowd_that_nobody_named_meets_the_brake_and_no_end(town):
    """An end ahead is a lock that no brake can hold: a feed that lets everybody end tomorrow must not lock out the town."""
    for n in range(12):
        town.hire(3000 + n, "Suur", "Hulk%s" % "abcdefghijkl"[n])
    until(lambda: town.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 15, 90, "everybody open")
    town.sql("UPDATE paasla.staff SET departed_at = now() + interval '1 day', departure_ref = 'KK-1' WHERE employee_no LIKE '30%'")
    town.settled()
    assert [town.end_of(3000 + n) for n in range(12)] == [None] * 12
    assert len(town.findings("end_not_ahead")) == 12
    leaves(town, 1000, "now() + interval '1 day'")  # named: his is written, whoever else ends then
    stands(town, 1000)
    town.sql("UPDATE paasla.staff SET departed_at = NULL WHERE employee_no LIKE '30%'")
    town.settled()
    assert not town.findings("end_not_ahead")


def test_what_somebody_else_set(town):
    """Sooner than HR says: reported, and it stays. Later, or none: HR's is written."""
    password = town.password(1000)
    leaves(town, 1000, "now() + interval '2 days'")
    ends = stands(town, 1000)
    town.end_by_hand(1000, time.time() + 86400)
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.findings("end_by_hand"), what="the finding")
    town.settled()
    assert town.end_of(1000) < ends and town.binds(1000, password)
    town.end_by_hand(1000, time.time() + 3 * 86400)
    town.sql("SELECT paasla.ask('sync')")
    stands(town, 1000, "HR's end again")
    until(lambda: not town.findings("end_by_hand"), what="the finding to be over")
    # where HR knows of no end, a stranger's is nobody's business
    town.end_by_hand(1001, time.time() + 86400)
    town.compare()
    assert town.end_of(1001) is not None and not town.findings("end_by_hand")


def test_moved_to_later_while_the_daemon_was_down(town):
    """The directory closed the account at the old end. That is no lock of somebody else's: it is open again, with its password."""
    no, password, ends, _ = in_time(town, lambda no, _: leaves(town, no, "now() + interval '1 day'"))
    sleep_until(ends + 0.2)
    assert not town.binds(no, password)
    town.start()
    stands(town, no, "the later end")
    assert town.binds(no, password) and town.account(no, "state") == "open" and not town.findings("locked_by_hand")


def test_back_after_the_end(town):
    """Opening clears the end, however it passed: the one that stood there, or one that was moved there before it came."""
    leaves(town, 1000, "now() + interval '1 day'")
    assert stands(town, 1000) is not None
    leaves(town, 1000, "now() + interval '3 seconds'")
    town.state_is(1000, "out")
    town.settled()
    time.sleep(1.1)
    town.hire(1000, "Inimene", "Numbera")
    town.state_is(1000, "open")
    town.settled()
    assert town.binds(1000) and town.end_of(1000) is None


def keeps(town):
    return town.one("SELECT count(*) FROM paasla.intent WHERE op = 'keep'")


def test_an_end_in_the_past_is_a_departure(town):
    password = town.password(1000)
    leaves(town, 1000, "now() - interval '100 ms'")
    town.state_is(1000, "out")
    town.settled()
    assert not town.binds(1000, password) and keeps(town) == 0


def test_refused(town):
    """Told once, and not tried again each second (retry_max_s is 1 here); the daemon locks when the moment comes."""
    if not isinstance(town, OnAd):
        pytest.skip("rights to single attributes are easily taken on Active Directory")
    password = town.password(1000)
    town.ldap.deny(ACCOUNT_EXPIRES)
    leaves(town, 1000, "now() + interval '1 day'")
    until(lambda: town.findings("write_denied"), what="the finding")
    town.settled()
    tried = keeps(town)
    time.sleep(4)
    assert keeps(town) == tried == 1 and town.end_of(1000) is None
    leaves(town, 1000, "now() + interval '3 seconds'")
    moment = town.one("SELECT departed_at FROM paasla.staff WHERE employee_no = '1000'")
    town.state_is(1000, "out")
    assert not town.binds(1000, password) and town.end_of(1000) is None
    assert town.one("SELECT min(at) FROM paasla.intent WHERE op = 'close'") >= moment, "and not sooner"


def test_without_the_fence(town):
    """Where the fence cannot be written the end is."""
    if not isinstance(town, OnAd):
        pytest.skip("a fence of Active Directory")
    town.ldap.deny(ADMIN_DESCRIPTION)
    leaves(town, 1000, "now() + interval '1 day'")
    assert stands(town, 1000) is not None
    town.end_by_hand(1001, time.time() + 3 * 86400)  # and where somebody else's words stand in its place
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: adminDescription\nadminDescription: meie oma\n" % town.dn(1001))
    leaves(town, 1001, "now() + interval '1 day'")
    assert stands(town, 1001) is not None
    assert town.entry(1001, "adminDescription")["admindescription"] == "meie oma"


def test_observed_and_switched_off(town):
    town.sql("UPDATE paasla.directory SET mode = 'observe'")
    leaves(town, 1000, "now() + interval '1 day'")
    until(lambda: town.findings("change_observed"), what="what would be written")
    town.settled()
    assert town.end_of(1000) is None
    town.sql("UPDATE paasla.directory SET mode = 'enforce'")
    stands(town, 1000)
    town.stop()
    town.conf_extra["lines"] = ["end_ahead = no"]
    town.write_conf()
    town.start()
    until(lambda: town.end_of(1000) is None, what="the end to be taken away again")
    town.settled()


def test_why_says_it(town):
    leaves(town, 1000, "now() + interval '1 day'")
    stands(town, 1000)
    said = ctl(town.pg.dsn(), "why", "LV/1000").out
    assert "It closes by itself at " in said and "even if this daemon is down" in said
    leaves(town, 1000, "NULL")
    stands(town, 1000, "no end")
    assert "closes by itself" not in ctl(town.pg.dsn(), "why", "LV/1000").out
