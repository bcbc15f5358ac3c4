"""An end of employment that HR enters beforehand stands in the directory ahead: the account closes by itself, daemon or not."""
import calendar
import decimal
import os
import re
import time

import pytest

from adtown import AdTown
from town import Town, until

EPOCH = 134774 * 86400  # seconds from 1601 to 1970


class OnSlapd(Town):
    grain = 1  # seconds

    def end_of(self, no):
        """The end that the entry shows, as seconds since 1970; None: it has none."""
        found = re.search(r"^pwdEndTime: (\d{14})Z$", self.ldap.search(self.dn(no), "-s", "base", "pwdEndTime"), re.M)
        return found and calendar.timegm(time.strptime(found[1], "%Y%m%d%H%M%S"))

    def end_by_hand(self, no, seconds):
        self.ldap.modify("dn: %s\nchangetype: modify\nreplace: pwdEndTime\npwdEndTime: %s\n"
                         % (self.dn(no), time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))))


class OnAd(AdTown):
    grain = decimal.Decimal("0.000001")

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
        yield t
    finally:
        t.close()


def leaves(town, no, when):
    """`when` in SQL; NULL takes a departure back that has not come yet."""
    town.sql("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'KK-1' WHERE employee_no = '%s'" % (when, no))


def wanted_end(town, no):
    """What HR says, never rounded to sooner."""
    end = town.one("SELECT extract(epoch FROM ends) FROM paasla.wanted_account WHERE purpose = 'personal' AND"
                    " person_id = (SELECT person_id FROM paasla.employee_number WHERE employee_no = '%s')" % no)
    return end and (end / town.grain).to_integral_value(decimal.ROUND_CEILING) * town.grain


def stands(town, no, what="the end in the directory"):
    until(lambda: wanted_end(town, no) == town.end_of(no), what=what)
    town.settled()
    return town.end_of(no)


def sleep_until(seconds):
    time.sleep(max(0, seconds - time.time()))


def test_closes_by_itself_while_the_daemon_is_down(town):
    password = town.password(1000)
    leaves(town, 1000, "now() + interval '6 seconds'")
    ends = stands(town, 1000)
    assert ends is not None
    town.stop()
    assert town.binds(1000, password), "not sooner than HR says"
    sleep_until(float(ends) + 0.2)
    assert not town.binds(1000, password), "the moment has passed, and nobody is there but the directory"
    assert town.account(1000, "state") == "open"
    town.start()
    town.state_is(1000, "out")
    assert not town.binds(1000, password)
    assert town.one("SELECT count(*) FROM audit.event WHERE lifecycle_row = 630") == 1


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
