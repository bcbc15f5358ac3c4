"""The main job on Active Directory: a real Samba domain controller, a delegated service account. Proof of access is a bind
and a Kerberos ticket, proof of lock-out that both are refused."""
import base64
import os
import re
import signal
import subprocess
import time

import pytest

from adtown import AdTown, add_contacts
from fakeldap import MODIFY, head
from ldapfacts import ADD, DELETE, code, connect
from paaslactl import ATTENTION, ctl
from sambaserver import DELEGATION, GROUPS, PEOPLE, SUFFIX, USER, SambaServer, encoded_password
from test_watch_wake import Between
from town import BUILD, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")


@pytest.fixture
def town(request):
    t = AdTown(**getattr(request, "param", {})).start()
    try:
        t.settled()
        yield t
    finally:
        t.close()


def test_joiner_and_leaver(town):
    town.hire(2000, "Õie", "Jäär-Üürike")
    town.grant(2000, "r1")
    town.grant(2000, "r3")
    town.state_is(2000, "open")
    town.settled()
    seen = town.entry(2000)
    assert town.account(2000, "login") == seen["samaccountname"] == "oie.jaar-uurike"
    assert seen["userprincipalname"] == "oie.jaar-uurike@linn.test" and seen["useraccountcontrol"] == "512"
    assert town.in_groups(2000) == ["r1", "r3"]
    password = town.password(2000)
    assert town.can(2000, password) == (True, True)
    assert town.can(2000, "Vale-salas0na") == (False, False)
    town.depart(2000)
    town.state_is(2000, "out")
    assert town.can(2000, password) == (False, False)
    assert town.in_groups(2000) == []
    assert town.entry(2000)["useraccountcontrol"] == "514"


def test_the_old_password_is_over_also_when_somebody_opens_the_account_by_hand(town):
    """A domain takes the password before the last one for an hour."""
    password = town.password(1000)
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    town.stop()
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 512\n" % town.dn(1000))
    assert town.entry(1000)["useraccountcontrol"] == "512" and town.can(1000, password) == (False, False)


def test_first_password_has_to_be_changed(town):
    town.stop()
    town.conf_extra["must_change"] = "yes"
    town.write_conf()
    town.start()
    town.hire(2001, "Mari", "Maasikas")
    town.state_is(2001, "open")
    town.settled()
    first = town.password(2001)
    assert town.entry(2001, "pwdLastSet")["pwdlastset"] == "0"
    assert town.can(2001, first) == (False, False), "not with this one"
    given, said = town.kinit(2001, first, "Oma-salas0na-7", "Oma-salas0na-7")
    assert given, said
    assert town.can(2001, "Oma-salas0na-7") == (True, True)


def test_renamed_and_moved_while_the_daemon_was_down(town):
    town.grant(1000, "r0")
    town.settled()
    password, before = town.password(1000), town.entry(1000, "objectGUID")
    town.stop()
    town.ldap.add("dn: OU=kool,%s\nobjectClass: organizationalUnit\n" % PEOPLE)
    town.ldap._tool("ldapmodrdn", "-r", "-s", "OU=kool," + PEOPLE, before["dn"], "CN=Uus Nimi")
    moved = town.entry(1000, "objectGUID")
    assert moved["objectguid"] == before["objectguid"] and moved["dn"] == "CN=Uus Nimi,OU=kool," + PEOPLE
    assert town.ldap.bind_ok(moved["dn"], password)
    town.depart(1000)
    town.start()
    town.state_is(1000, "out")
    assert town.dn(1000) == moved["dn"]
    assert town.can(1000, password) == (False, False) and town.in_groups(1000) == []


def set_uac(town, no, old, new):
    town.ldap.modify("dn:: %s\nchangetype: modify\ndelete: userAccountControl\nuserAccountControl: %d\n-\nadd: userAccountControl\n"
                     "userAccountControl: %d\n" % (base64.b64encode(town.dn(no).encode()).decode(), old, new))


def test_other_bits_are_kept(town):
    """Never-expiring password, card required: only the one bit is ever changed."""
    set_uac(town, 1000, 512, 66048)
    set_uac(town, 1001, 512, 262656)
    town.depart(1000)
    town.depart(1001)
    town.state_is(1000, "out")
    town.state_is(1001, "out")
    assert town.entry(1000)["useraccountcontrol"] == "66050"
    assert town.entry(1001)["useraccountcontrol"] == "262658"
    town.settled()
    town.hire(1000, "Inimene", "Numbera")
    town.hire(1001, "Inimene", "Numberb")
    town.state_is(1000, "open")
    town.state_is(1001, "open")
    assert town.entry(1000)["useraccountcontrol"] == "66048"
    assert town.entry(1001)["useraccountcontrol"] == "262656"
    assert town.can(1000) == (True, True)


def fence(town, no):
    return town.entry(no, "adminDescription").get("admindescription")


def test_the_fence_changes_with_every_write_and_foreign_words_stay(town):
    first = fence(town, 1000)
    assert first.startswith("paasla-fence:")
    town.depart(1000)
    town.state_is(1000, "out")
    second = fence(town, 1000)
    assert second.startswith("paasla-fence:") and second != first
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: adminDescription\nadminDescription: raamatukogu\n" % town.dn(1001))
    password = town.password(1001)
    town.depart(1001)
    town.state_is(1001, "out")
    assert fence(town, 1001) == "raamatukogu"
    assert town.can(1001, password) == (False, False)


def test_an_expired_account_is_locked_but_not_by_us(town):
    """Expired in the past: neither opened by us nor believed to be; never is never in both ways to write it."""
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: accountExpires\naccountExpires: 116444736000000000\n" % town.dn(1000))
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: accountExpires\naccountExpires: 0\n" % town.dn(1001))
    town.compare()
    assert len(town.findings("locked_by_hand")) == 1
    assert town.entry(1000)["useraccountcontrol"] == "512"
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.entry(1000)["useraccountcontrol"] == "514"
    assert town.account(1001, "state") == "open"


def test_a_name_with_all_our_letters_and_a_comma(town):
    town.hire(2002, "Õnne-Žanett Äli", "Šöödür, Ümera")
    town.grant(2002, "r2")
    town.state_is(2002, "open")
    town.settled()
    dn = town.entry(2002)["dn"]
    assert dn == "CN=Šöödür\\, Ümera\\, Õnne-Žanett Äli (onne-zanett-ali.sood)," + PEOPLE
    assert town.in_groups(2002) == ["r2"] and town.can(2002) == (True, True)
    password = town.password(2002)
    town.depart(2002)
    town.state_is(2002, "out")
    assert town.in_groups(2002) == [] and town.can(2002, password) == (False, False)


def test_a_protected_account_is_a_critical_finding_and_work_at_once(town):
    password = town.password(1000)
    town.grant(1000, "r0")
    town.settled()
    town.ldap.protect(town.dn(1000))
    town.depart(1000)
    severity, text = until(lambda: town.findings("write_denied"), what="the finding")[0]
    assert severity == "critical" and "result 50" in text
    until(lambda: town.in_groups(1000) == [], what="the groups, which we may write")
    assert town.can(1000, password) == (True, True), "nobody has locked it yet"
    assert town.account(1000, "state") == "locking"
    order = until(lambda: town.sql("SELECT state, class, kind, due_at <= now() FROM paasla.work_order"), what="the order")
    assert [tuple(o) for o in order] == [("open", "kohe", "lock", True)]
    why = ctl(town.pg.dsn(), "why", "LV/1000", code=ATTENTION).out
    assert "paaslad may not lock inimene.numbera in linn: whoever has the right to must lock it by hand, at once (kohe)." in why
    assert "is NOT yet out" in why
    set_uac(town, 1000, 512, 514)
    until(lambda: town.one("SELECT state FROM paasla.work_order") == "done", what="the order to be closed")
    until(lambda: not town.findings("write_denied"), what="the finding to be over")
    assert until(lambda: town.findings("lock_not_ours"), what="what is left, as the lock stands")[0][0] == "warning"
    assert town.can(1000, password) == (False, False)


def test_protected_groups_are_left_alone_unless_they_are_named(town):
    town.role("halduses", "CN=Domain Admins,CN=Users," + SUFFIX)
    town.role("valvatud", town.ldap.add_group("valvatud"))
    town.ldap.modify("dn: CN=valvatud,%s\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n" % GROUPS)
    town.grant(1000, "halduses")
    town.grant(1000, "valvatud")
    town.grant(1000, "r0")
    until(lambda: len(town.findings("group_privileged")) == 2, what="two findings")
    until(lambda: town.in_groups(1000) == ["r0"], what="the other grant")
    assert "Inimene" not in town.ldap.search("CN=Domain Admins,CN=Users," + SUFFIX, "-s", "base", "member")
    town.stop()
    town.conf_extra["lines"] = ["privileged_groups = CN=Keegi,%s | cn=VALVATUD, %s" % (GROUPS, GROUPS)]
    town.write_conf()
    town.start()
    until(lambda: town.in_groups(1000) == ["r0", "valvatud"], what="the group that is named")
    town.depart(1000)
    until(lambda: town.in_groups(1000) == [], what="all but the one that is not ours")
    assert len(town.findings("group_privileged")) <= 1


def test_a_primary_group_is_told_and_left(town):
    sid = town.ldap.samba_tool("group", "show", "r0", "--attributes=objectSid")
    rid = sid.strip().split("-")[-1]
    town.grant(1000, "r0")
    town.settled()
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: %s\n" % (town.dn(1000), rid))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.findings("primary_group"), what="the finding")
    assert town.in_groups(1000) == [], "the server shows it in primaryGroupID alone"
    assert not town.findings("write_failed")


def test_no_password_and_no_right_too_many(town):
    """The log and the events hold no password; the service account has no right beyond what was delegated."""
    password = town.password(1000)
    assert password not in town.said()
    town.depart(1000)
    town.state_is(1000, "out")
    assert password not in town.said()
    assert not town.sql("SELECT 1 FROM audit.event WHERE detail LIKE %s", "%" + password + "%")
    assert not town.sql("SELECT 1 FROM audit.opening WHERE value LIKE %s", "%" + password + "%")
    groups = town.ldap.search(town.ldap.service_dn, "-s", "base", "memberOf", "adminCount")
    assert "memberOf" not in groups and "adminCount" not in groups


def by_hand(town, no, changes):
    """A Modify of the administrator's on a person's entry."""
    town.ldap.modify("dn:: %s\nchangetype: modify\n%s\n" % (base64.b64encode(town.dn(no).encode()).decode(), changes))


def between_look_and_write(town, no, deed):
    """Does something while the daemon has looked and may not write yet: its intents wait for a lock in the database. It asks
    for both at once, so on a slow machine the look may be answered later than this."""
    other = town.pg.connect(autocommit=False)
    other.cursor().execute("LOCK TABLE paasla.intent IN EXCLUSIVE MODE")
    try:
        town.depart(no)
        until(lambda: town.one("SELECT count(*) FROM pg_locks WHERE relation = 'paasla.intent'::regclass AND NOT granted"),
              what="the daemon to want to write")
        time.sleep(0.3)
        deed()
    finally:
        other.rollback()
        other.close()


def test_somebody_else_writes_between_look_and_write(town):
    """What was read is not there any more: nothing is overwritten, all is looked at again, and then it is locked. Whenever it
    was written; with one of three people it was between the two."""
    for no in (1000, 1001, 1002):
        password = town.password(no)
        between_look_and_write(town, no, lambda: set_uac(town, no, 512, 66048))
        town.state_is(no, "out")
        assert town.entry(no)["useraccountcontrol"] == "66050"
        assert town.can(no, password) == (False, False)
        assert not town.findings("write_failed")
        if town.sql("SELECT 1 FROM paasla.intent WHERE op = 'close' AND code = 16"):
            return
    raise AssertionError("no write met what somebody else had written")


def test_a_write_of_ours_that_comes_late_is_refused(town):
    """Locked and opened again: userAccountControl is what it was, and an old lock would fit if there were no fence. And the
    other way round: an old opening does not open who has left since."""
    def late(uac, fence_was):
        return [(DELETE, "userAccountControl", str(uac[0]).encode()), (ADD, "userAccountControl", str(uac[1]).encode()),
                (DELETE, "adminDescription", fence_was.encode()), (ADD, "adminDescription", b"paasla-fence:1")]
    service = connect(town.ldap)
    first = fence(town, 1000)
    town.depart(1000)
    town.state_is(1000, "out")
    second = fence(town, 1000)
    time.sleep(1.1)
    town.hire(1000, "Inimene", "Numbera")
    town.state_is(1000, "open")
    assert code(service.modify_s, town.dn(1000), late((512, 514), first)) == 16
    assert town.can(1000) == (True, True)
    password = town.password(1000)
    town.depart(1000)
    town.state_is(1000, "out")
    assert code(service.modify_s, town.dn(1000), late((514, 512), second)) == 16
    assert town.can(1000, password) == (False, False)


def suspend(town, no, until_when="NULL"):
    town.sql("INSERT INTO paasla.absence (person_id, period, suspend) SELECT person_id, tstzrange(now(), %s), true"
             " FROM paasla.employee_number WHERE employee_no = '%s'" % (until_when, no))


def back(town, no):
    town.sql("UPDATE paasla.absence SET period = tstzrange(lower(period), now()) WHERE person_id ="
             " (SELECT person_id FROM paasla.employee_number WHERE employee_no = '%s')" % no)


def test_after_an_absence_the_password_is_still_its_owners(town):
    """Also when the first tries to open the account were refused."""
    password = town.password(1000)
    town.grant(1000, "r0")
    town.settled()
    acl = town.ldap.search(town.dn(1000), "-s", "base", "nTSecurityDescriptor").split("nTSecurityDescriptor:: ")[1].split("\n")[0]
    suspend(town, 1000)
    town.state_is(1000, "paused")
    assert town.can(1000, password) == (False, False) and town.in_groups(1000) == ["r0"]
    town.ldap.protect(town.dn(1000))
    back(town, 1000)
    until(lambda: town.findings("write_denied"), what="the refusal")
    assert town.account(1000, "state") == "paused", "what we know of the password is not lost"
    by_hand(town, 1000, "replace: nTSecurityDescriptor\nnTSecurityDescriptor:: %s\n" % acl)
    town.state_is(1000, "open")
    assert town.can(1000, password) == (True, True)


@pytest.mark.parametrize("town", [{"first_password": "none"}], indirect=True)
def test_without_first_passwords(town):
    """Nobody gets an account with an empty password, and a password that somebody has set before the first day is kept."""
    assert town.account(1000, "state") == "open" and town.entry(1000)["pwdlastset"] != "0"
    assert town.can(1000, "x") == (False, False)
    town.hire(2000, "Vara", "Lind", "now() + interval '1 day'")
    town.state_is(2000, "ready")
    by_hand(town, 2000, "replace: unicodePwd\nunicodePwd:: " + encoded_password("Abilaua-salas0na"))
    town.sql("UPDATE paasla.staff SET employed_from = now() WHERE employee_no = '2000'")
    town.state_is(2000, "open")
    assert town.can(2000, "Abilaua-salas0na") == (True, True)


def test_an_account_that_was_there_before_us_is_adopted(town):
    town.ldap.add("dn: CN=Kadri Kask,%s\nobjectClass: user\nsAMAccountName: Kadri_Kask\nemployeeNumber: LV-2000\n"
                  "userAccountControl: 512\nunicodePwd:: %s\n" % (PEOPLE, encoded_password("Kadri-salas0na")))
    town.hire(2000, "Kadri", "Kask")
    town.grant(2000, "r1")
    town.state_is(2000, "open")
    town.settled()
    assert town.account(2000, "login") == "kadri_kask" and town.dn(2000) == "CN=Kadri Kask," + PEOPLE
    assert town.can(2000, "Kadri-salas0na") == (True, True) and town.in_groups(2000) == ["r1"]
    town.depart(2000)
    town.state_is(2000, "out")
    assert town.can(2000, "Kadri-salas0na") == (False, False)


def test_a_log_in_that_only_the_directory_can_spell(town):
    town.ldap.add("dn: CN=Jaan Õun,%s\nobjectClass: user\nsAMAccountName: jaan.õun\nuserAccountControl: 514\n" % PEOPLE)
    town.hire(2000, "Jaan", "Õun")  # Samba keeps the two apart, so it is free; Windows would show the other one: taken
    town.state_is(2000, "open")
    assert town.account(2000, "login") == "jaan.oun" and town.entry(2000)["samaccountname"] == "jaan.oun"
    town.ldap.add("dn: CN=Öö,%s\nobjectClass: user\nsAMAccountName: öö\nemployeeNumber: LV-2001\nuserAccountControl: 514\n" % PEOPLE)
    town.hire(2001, "Öö", "Öpik")
    assert "left alone" in until(lambda: town.findings("login_unusable"), what="the finding")[0][1]
    assert not town.sql("SELECT FROM paasla.account a JOIN paasla.employee_number n USING (person_id) WHERE n.employee_no = '2001'")


@pytest.mark.parametrize("scheme", ["starttls", "ldaps"])
def test_both_ways_to_be_encrypted(scheme):
    class Way(AdTown):
        def uris(self):
            return self.ldap.ldap if scheme == "starttls" else self.ldap.ldaps
    t = Way(people=1).start()
    try:
        t.settled()
        assert "connected with TLS" in t.said() and t.can(1000) == (True, True)
    finally:
        t.close()


def test_a_second_domain_controller_gets_the_lock_too():
    """One domain controller by two addresses: as a second one that hears of everything at once. It is sent the lock too, by the
    value that was read before; it finds it there already, and is looked at."""
    class Two(AdTown):
        def uris(self):
            return self.ldap.ldaps + " " + self.ldap.ldap
    t = Two(people=1).start()
    try:
        t.settled()
        assert t.can(1000) == (True, True)
        until(lambda: t.sql("SELECT count(*) FROM paasla.directory_server WHERE state = 'up' AND NOT read_only") == [(2,)], what="both")
        t.depart(1000)
        t.state_is(1000, "out")
        assert t.can(1000) == (False, False)
        until(lambda: t.one("SELECT count(*) FROM paasla.lock_place WHERE acknowledged_at IS NOT NULL") == 2, what="both to have the lock")
        t.settled()
        assert t.account(1000, "state") == "out" and t.entry(1000)["useraccountcontrol"] == "514"
    finally:
        t.close()


def test_drift_is_found_by_the_compare(town):
    town.grant(1000, "r0")
    town.grant(1001, "r0")
    town.settled()
    for no, group in ((1000, 4), (1000, 2)):
        town.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (town.group_dn(group), town.dn(no)))
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (town.group_dn(0), town.dn(1001)))
    town.ldap._tool("ldapdelete", town.dn(1002))
    town.compare()
    assert town.in_groups(1000) == ["r0", "r2"], "r4 put back, r2 left"
    assert town.findings("drift_member_removed") and town.account(1002, "state") == "lost"
    assert len(town.findings("drift_member_added")) == 1 and town.findings("account_lost")[0][0] == "critical"
    assert "complete" not in town.one("SELECT last_compare_text FROM paasla.directory")


def test_a_group_of_six_thousand(town):
    town.grant(1000, "r0")
    town.grant(1001, "r0")
    town.settled()
    add_contacts(town.ldap, town.group_dn(0), 6000, "OU=kontaktid," + SUFFIX)
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (town.group_dn(0), town.dn(1001)))
    town.compare()
    assert len(town.findings("drift_member_removed")) == 1 and not town.findings("drift_member_added")
    assert town.one("SELECT last_compare_complete FROM paasla.directory")
    assert len(town.findings("unmanaged_member")) == 1000, "more of the same helps nobody"
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.in_groups(1000) == []
    assert town.ldap.search(town.group_dn(0), "-s", "base", "member").count("\nmember:") == 6000


def test_stopped_and_started(town):
    town.grant(1000, "r0")
    town.settled()
    password = town.password(1000)
    town.ldap.stop()
    town.depart(1000)
    time.sleep(0.5)
    town.ldap.start()
    town.state_is(1000, "out")
    assert town.can(1000, password) == (False, False) and town.in_groups(1000) == []
    town.stop(signal.SIGKILL)
    town.depart(1001)
    town.start()
    town.state_is(1001, "out")
    town.settled()


class Middle(Between):
    """Passes everything on; once it is armed, the domain controller comes to its end before the fifth Modify gets there."""

    def __init__(self, samba):
        self.end, self.modifies, self.over = None, 0, False
        super().__init__(samba, None)

    def _keeps(self, m, client):
        if self.end and head(m)[1] == MODIFY:
            self.modifies += 1
            if self.modifies == 5:
                getattr(self.samba, self.end)()
                self.over = True
        return False


class MiddleTown(AdTown):
    def uris(self):
        self.between = Middle(self.ldap)
        return self.between.uri

    def close(self):
        self.between.close()
        super().close()


@pytest.mark.parametrize("end", ["kill9", "freeze"])
def test_a_domain_controller_that_goes_away_in_the_middle_of_a_plan(end):
    """Killed, or still taking connections and never answering. Nothing is lost, nothing is called done that is not."""
    town = MiddleTown(people=8).start()
    try:
        goes_away_in_the_middle_of_a_plan(town, end)
    finally:
        town.close()


def goes_away_in_the_middle_of_a_plan(town, end):
    for n in range(8):
        town.grant(1000 + n, "r%d" % (n % 3))
    town.settled(60)
    passwords = [town.password(1000 + n) for n in range(8)]
    town.between.end = end
    town.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK' WHERE employee_no = ANY (%s)",
             [str(1000 + n) for n in range(8)])
    until(lambda: town.between.over, what="the middle")
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close'") > 0
    time.sleep(4)
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'out'") < 8
    assert town.one("SELECT count(*) FROM paasla.intent WHERE outcome IS NULL") + town.one("SELECT count(*) FROM paasla.dirty") > 0
    town.ldap.thaw() if end == "freeze" else town.ldap.start()
    for n in range(8):
        town.state_is(1000 + n, "out", 60)
    town.settled(60)
    for n in range(8):
        assert town.can(1000 + n, passwords[n]) == (False, False) and town.in_groups(1000 + n) == []
    assert town.one("SELECT count(*) FROM audit.event WHERE action = 'account.state' AND detail LIKE '%%\"out\"%%'") >= 8


@pytest.mark.parametrize("what", ["ca", "name", "expired"])
def test_a_certificate_that_proves_nothing(what):
    """Nothing is asked of such a server, by LDAPS and by StartTLS, and the words say why."""
    class Both(AdTown):
        def uris(self):
            return self.ldap.ldaps + " " + self.ldap.ldap
    t = Both(people=1)
    try:
        tls = t.ldap.certificates
        if what == "ca":
            t.ldap.ca_file = tls.other_ca
            t.write_conf()
        else:
            how = {"name": {"san": "DNS:mujal.linn.test"}, "expired": {"san": "IP:" + t.ldap.ip, "end": "20210101000000Z"}}
            crt, key = tls.issue(what, **how[what])
            t.ldap.stop()
            os.chmod(key, 0o600)
            for new, there in ((crt, "dc1.linn.test.pem"), (key, "dc1.linn.test.key")):
                os.replace(new, tls.path(there))
            t.ldap.start(wait=False)
            until(lambda: t.ldap._listens(636) and t.ldap._listens(389), 60, "the server to listen")
        t.start()
        words = {"ca": "is not from the CA in", "name": "is not for the name", "expired": "has expired"}[what]
        until(lambda: t.said().count(words) >= 2, what=lambda: "both addresses to be refused: " + t.said()[-1500:])
        assert "directory.up" not in t.said() and t.one("SELECT count(*) FROM paasla.intent") == 0
    finally:
        t.close()


def test_certificates_are_told_or_taken_away(town):
    """Without the right to take them away the departure is done all the same: nobody logs on to a locked account."""
    names = ["X509:<I>C=EE,O=SK,CN=ESTEID<S>C=EE,SERIALNUMBER=PNOEE-%d" % n for n in (38001085718, 38001085719)]
    for no in (1000, 1001, 1002):
        by_hand(town, no, "add: altSecurityIdentities\n" + "".join("altSecurityIdentities: %s\n" % n for n in names))
    town.depart(1000)
    town.state_is(1000, "out")
    assert "altsecurityidentities" in town.entry(1000) and "2 in altSecurityIdentities" in town.findings("certificates_mapped")[0][1]
    town.stop()
    town.conf_extra["lines"] = ["certificates = clear"]
    town.write_conf()
    town.start()
    town.depart(1001)
    town.state_is(1001, "out")
    town.settled()
    assert "altsecurityidentities" in town.entry(1001) and len(town.findings("certificates_mapped")) == 2
    sid = town.ldap.sid_of("paasla")
    town.ldap.samba_tool("dsacl", "set", "--objectdn=" + PEOPLE, "--action=allow", "--trusteedn=" + town.ldap.service_dn,
                         "--sddl=(OA;CIIO;WP;00fbf30c-91fe-11d1-aebc-0000f80367c1;%s;%s)" % (USER, sid))
    town.depart(1002)
    town.state_is(1002, "out")
    town.settled()
    assert "altsecurityidentities" not in town.entry(1002) and len(town.findings("certificates_mapped")) == 2


def test_why_the_service_account_is_refused_is_said(town):
    town.stop()
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 66050\n" % town.ldap.service_dn)
    town.start()
    until(lambda: "the server refuses the service account: the account is disabled (result 49)" in town.said(), what="the reason")
    assert town.ldap.password not in town.said()


def guide():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf", "active-directory.md"), encoding="utf-8") as f:
        return f.read()


def aces(server, dn, sid):
    """What an account was given on an entry by name, as access control entries with SERVICE for it."""
    told = server.samba_tool("dsacl", "get", "--objectdn=" + dn)
    return sorted(a.replace(sid, "SERVICE") for a in re.findall(r"\([^()]*\)", told) if a.endswith(sid + ")"))


def test_the_guide_gives_the_rights_that_are_tested():
    """Its commands as they stand give another account what the one of the tests has."""
    server = SambaServer(workers=1).start()
    try:
        server.add("dn: CN=teine,OU=teenused,%s\nobjectClass: user\nsAMAccountName: teine\nuserAccountControl: 514\n" % SUFFIX)
        sid, ours = server.sid_of("teine"), server.sid_of("paasla")
        (commands,) = [b for b in re.findall(r"^```\n(.*?)^```$", guide(), re.S | re.M) if b.startswith("samba-tool")]
        script = 'samba_tool() { samba-tool "$@" -s "%s"; }\nset -e\n%s' % (
            server.conf, commands.replace("SID", sid).replace("samba-tool dsacl", "samba_tool dsacl"))
        subprocess.run(["sh", "-c", script], check=True, env=server.env(), cwd=server.dir, stdout=subprocess.DEVNULL)
        for dn, _ in DELEGATION:
            given = aces(server, dn, sid)
            assert given and given == aces(server, dn, ours)
    finally:
        server.remove()


def test_the_guide_s_configuration_is_accepted(tmp_path):
    (block,) = re.findall(r"^```ini\n(.*?)^```$", guide(), re.S | re.M)
    conf = tmp_path / "paasla.conf"
    conf.write_text("[database]\nconnection = dbname=paasla\n" + block)
    done = subprocess.run([os.path.join(BUILD, "daemon", "paaslad"), "-t", "-c", str(conf)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    conf.write_text(conf.read_text().replace("ldaps://dc2.linn.test", "ldaps://dc2.linn.test:3269"))
    done = subprocess.run([os.path.join(BUILD, "daemon", "paaslad"), "-t", "-c", str(conf)], capture_output=True)
    assert done.returncode != 0 and b"global catalog" in done.stderr + done.stdout
