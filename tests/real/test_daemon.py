"""The main job under the real daemon on real servers, each kind of them: good days first, then the bad ones that the promises
name."""
import re
import signal
import threading
import time

import pytest

from adtown import AdTown
from town import Town, until


SLAPD_ONLY = pytest.mark.parametrize("kind", ["openldap"])


@pytest.fixture(params=["openldap", "389ds", "ad"])
def kind(request):
    return request.param


@pytest.fixture
def town(request, kind):
    t = (AdTown if kind == "ad" else Town)(kind=kind, **getattr(request, "param", {})).start()
    try:
        t.settled()
        yield t
    finally:
        t.close()


def test_joiner_has_exactly_the_granted_groups(town):
    town.hire(2000, "Õie", "Jäär-Üürike")
    town.grant(2000, "r1")
    town.grant(2000, "r3")
    town.state_is(2000, "open")
    town.settled()
    assert town.account(2000, "login") == "oie.jaar-uurike"
    assert town.in_groups(2000) == ["r1", "r3"]
    assert town.binds(2000)
    assert not town.binds(2000, "not the password")


def test_leaver_is_out_and_named_in_the_log(town):
    town.grant(1000, "r0")
    town.grant(1000, "r1")
    town.grant(1000, "arveldaja", register="STAR")
    town.settled()
    password = town.password(1000)
    assert town.binds(1000, password) and town.in_groups(1000) == ["r0", "r1"]
    town.depart(1000)
    assert town.one("SELECT count(*) FROM paasla.work_order WHERE kind = 'remove' AND state = 'open'") == 1
    town.state_is(1000, "out")
    assert not town.binds(1000, password)
    assert town.in_groups(1000) == []
    actions = [r[0] for r in town.sql("SELECT DISTINCT action FROM audit.event WHERE person_id ="
                                      " (SELECT person_id FROM paasla.employee_number WHERE employee_no = '1000')")]
    assert {"employment.ended", "grant.ended", "work_order.opened", "intent.planned", "intent.outcome",
            "account.state"} <= set(actions)
    assert town.one("SELECT locked_at >= changed_at AND out_at >= locked_at FROM paasla.account WHERE state = 'out'")


def no_password_left(town):
    """Everything but the lock is done, somebody is told, and nothing says that the leaver is out."""
    town.grant(1000, "r0")
    town.settled()
    password = town.password(1000)
    assert town.binds(1000, password)
    town.depart(1000)
    severity, text = until(lambda: [f for kind in ("write_denied", "write_failed") for f in town.findings(kind)], what="the finding")[0]
    assert severity == "critical" and "The password was made useless all the same" in text
    assert not town.binds(1000, password) and town.in_groups(1000) == []
    town.state_is(1000, "closing")
    until(lambda: town.one("SELECT answer FROM paasla.leaver_state('1000')") == "still open", what="HR to be told")
    assert town.one("SELECT count(*) FROM paasla.work_order WHERE kind = 'lock' AND class = 'kohe' AND state = 'open'") == 1


def taken_back(town):
    """Another password lies where the first one lay; the old one is gone for good."""
    old = town.password(1000)
    town.sql("SELECT paasla.undo_depart('1000', 'KK-2')")
    town.state_is(1000, "open")
    town.settled()
    assert town.password(1000) != old and town.binds(1000) and not town.binds(1000, old)
    assert town.in_groups(1000) == ["r0"]


def test_a_leaver_whose_lock_is_refused_has_no_password_left(town):
    town.ldap.refuse_locks()
    no_password_left(town)
    taken_back(town)


@pytest.mark.parametrize("kind", ["openldap"])
@pytest.mark.parametrize("town", [{"first_password": "none"}], indirect=True)
def test_where_no_passwords_are_given_somebody_is_told_that_one_is_gone(town):
    town.grant(1000, "r0")
    town.settled()
    town.ldap.refuse_locks()
    town.depart(1000)
    town.state_is(1000, "closing")
    town.sql("SELECT paasla.undo_depart('1000', 'KK-2')")
    town.state_is(1000, "open")
    assert "nobody knows its password" in until(lambda: town.findings("password_gone"), what="the finding")[0][1]


@pytest.mark.parametrize("kind", ["openldap"])
def test_a_leaver_whose_server_knows_no_lock_has_no_password_left(town):
    """slapd without the overlay and without what it had written."""
    town.ldap.stop()
    entries = town.ldap.dump().split("\n\n")
    town.ldap.reconfigure(lambda text: "".join(line for line in text.splitlines(True) if "ppolicy" not in line))
    town.ldap.stop()
    town.ldap.restore("\n\n".join(re.sub(r"(?m)^pwd.*\n(?: .*\n)*", "", e) for e in entries if "pwdPolicy" not in e))
    town.ldap.start()
    no_password_left(town)


def test_that_a_leaver_was_opened_is_told_as_long_as_it_is_so(town):
    password = town.password(1000)
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    town.ldap.refuse_locks()
    town.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (town.dn(1000), town.kind.unlock(password)))
    until(lambda: town.findings("opened_by_hand"), what="the finding")
    tries = lambda: town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close' AND outcome = 'failed'")
    until(lambda: tries() >= 3, what="more tries")
    assert town.findings("opened_by_hand") and not town.binds(1000, password)


LPK = """attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey $ uid ) )
"""


@pytest.mark.parametrize("kind", ["openldap", "389ds"])
def test_keys_that_a_leaver_leaves_are_told(town):
    """A lock holds up no host that takes them from the directory. They are nobody's account's while it is needed."""
    name, attribute = {"openldap": ("ldapPublicKey", "sshPublicKey"), "389ds": ("nsAccount", "nsSshPublicKey")}[town.kind.dialect]
    if town.kind.dialect == "openldap":
        town.ldap.reconfigure(lambda text: text.replace("pidfile ", LPK + "pidfile ", 1))
    for no in (1000, 1001):
        town.ldap.modify("dn: %s\nchangetype: modify\nadd: objectClass\nobjectClass: %s\n-\nadd: %s\n%s: ssh-ed25519 AAAA ta\n"
                         % (town.dn(no), name, attribute, attribute))
    town.depart(1000)
    town.state_is(1000, "out")
    (severity, text), = until(lambda: town.findings("keys_left"), what="the finding")
    assert severity == "warning" and "inimene.numbera in, locked or not (1 in %s)" % attribute in text
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: %s\n" % (town.dn(1000), attribute))
    until(lambda: not town.findings("keys_left"), what="the finding to be over")


@pytest.mark.parametrize("town", [{"strict": True}], indirect=True)
def test_min_age_and_quality_do_not_hold_up_a_leaver(town):
    password = town.password(1001)
    assert town.binds(1001, password)
    town.depart(1001)
    town.state_is(1001, "out")
    assert not town.binds(1001, password)
    # The password is useless too, not only locked.
    town.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (town.dn(1001), town.kind.unlock()))
    assert not town.binds(1001, password)


@SLAPD_ONLY  # the other's lock hangs on no policy
def test_a_deleted_policy_is_not_believed(town):
    town.ldap._tool("ldapdelete", town.ldap.policy)
    town.depart(1001)
    until(lambda: town.findings("lock_not_proven"), what="a finding that the lock is not proven")
    assert town.account(1001, "state") == "closing"
    assert town.findings("lock_not_proven")[0][0] == "critical"


def test_returning_leaver(town):
    town.grant(1000, "r0")
    town.settled()
    login, old = town.account(1000, "login"), town.password(1000)
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    time.sleep(1.1)
    town.hire(1000, "Inimene", "Numbera")
    town.state_is(1000, "open")
    town.settled()
    assert town.account(1000, "login") == login
    assert not town.binds(1000, old) and town.binds(1000)
    assert town.in_groups(1000) == [], "a rehire brings no old right back"


def test_future_arrival_departure_and_grant_end_by_timer(town):
    """All of it stands a day ahead first, which no machine is too slow to see; then it is moved to a moment from now. What
    came of it came by the timer, or on a slow machine with the move, and never before the moment."""
    tomorrow, soon = "now() + interval '1 day'", "now() + interval '%d seconds'" % town.kind.soon
    town.hire(2001, "Tuleja", "Tamm", tomorrow)
    town.grant(1000, "r0", tomorrow)
    town.sql("UPDATE paasla.staff SET departed_at = " + tomorrow + ", departure_ref = 'KK-1' WHERE employee_no = '1001'")
    town.state_is(2001, "ready")
    until(lambda: town.in_groups(1000) == ["r0"], what="the dated grant")
    town.settled()
    assert town.binds(1001) and town.account(2001, "state") == "ready" and town.account(1001, "state") == "open"
    came = town.one("UPDATE paasla.staff SET employed_from = " + soon + " WHERE employee_no = '2001' RETURNING employed_from")
    left = town.one("UPDATE paasla.staff SET departed_at = " + soon + " WHERE employee_no = '1001' RETURNING departed_at")
    over = town.one("UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), " + soon + ") WHERE upper(valid) > now()"
                    " RETURNING upper(valid)")
    town.state_is(2001, "open")
    town.state_is(1001, "out")
    until(lambda: town.in_groups(1000) == [], what="the end of the grant")
    town.settled()
    assert town.binds(2001)
    begun = lambda no, op: town.one("SELECT min(i.at) FROM paasla.intent i JOIN paasla.employee_number n USING (person_id)"
                                    " WHERE n.employee_no = %s AND i.op = %s", str(no), op)
    assert begun(2001, "open") >= came and begun(1001, "close") >= left and begun(1000, "remove_member") >= over


def add_by_hand(town, no, group):
    town.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (town.group_dn(group), town.dn(no)))


def test_drift_is_found_put_back_or_reported(town):
    add_by_hand(town, 1000, 4)
    add_by_hand(town, 1000, 2)
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.in_groups(1000) == ["r2"], what="r4 put back, r2 left")
    until(lambda: len(town.findings("drift_member_added")) == 1, what="the finding; r4 may have been put back before r2 was added")
    town.settled()
    assert len(town.findings("drift_member_added")) == 1, "the one that is only reported stays open"
    assert len(town.findings("drift_member_added", "resolved")) == 1, "the one put back is told and over"
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (town.group_dn(2), town.dn(1000)))
    town.sql("SELECT paasla.ask('sync')")
    town.sql("INSERT INTO paasla.dirty (directory, person_id, cause) SELECT directory, person_id, 'test' FROM paasla.account")
    until(lambda: not town.findings("drift_member_added"), what="the finding to be over")


def test_who_has_nothing_to_do_sleeps(town):
    """Counted over more than one of its own timers (poll_s is 5): how often it woke up, and what it asked PostgreSQL."""
    def woke():
        with open("/proc/%d/status" % town.process.pid) as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M)[1])
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    time.sleep(2)
    before, began = woke(), time.monotonic()
    time.sleep(6)
    times = woke() - before
    assert times < town.kind.naps * (time.monotonic() - began) / 6, "a machine that holds us up gives the daemon more time too"


def test_a_mass_departure_is_held_whole_and_released(town):
    for n in range(15):
        town.hire(3000 + n, "Suur", "Hulk%s" % "abcdefghijklmno"[n])
    town.settled()
    town.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no LIKE '30%'")
    digest = until(lambda: (town.sql("SELECT digest FROM paasla.plan WHERE state = 'held'") or [[None]])[0][0], what="a held plan")
    town.settled()
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 18, "nothing was locked"
    assert town.binds(3000)
    town.depart(1000)  # a named leaver is not held up
    town.state_is(1000, "out")
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'out'") == 1
    town.sql("SELECT paasla.approve_plan(%s)", digest)
    until(lambda: town.one("SELECT count(*) FROM paasla.account WHERE state = 'out'") == 16, what="the released plan")
    assert not town.binds(3000)


def test_observe_writes_nothing(town):
    town.sql("UPDATE paasla.directory SET mode = 'observe'")
    town.settled()
    town.depart(1000)
    town.hire(2002, "Uus", "Ööbik")
    town.settled()
    assert town.binds(1000), "an observed directory is not written"
    assert town.findings("change_observed")
    assert "LV-2002" not in town.ldap.search(town.ldap.people, "(employeeNumber=LV-2002)", "employeeNumber")
    town.sql("UPDATE paasla.directory SET mode = 'enforce'")
    town.state_is(1000, "out")
    town.state_is(2002, "open")


def test_a_role_without_its_group(town):
    town.ldap._tool("ldapdelete", town.group_dn(3))
    town.grant(1000, "r3")
    town.grant(1000, "r0")
    until(lambda: town.findings("group_missing"), what="the finding")
    until(lambda: town.in_groups(1000) == ["r0"], what="the other grant")


def test_hostile_names_and_groups(town):
    odd = r'cn=R\,\+\"\\\<\>\;\3dx,' + town.ldap.groups
    town.ldap.add(town.kind.group(town.ldap, odd))
    town.sql("INSERT INTO paasla.register_role (register_code, role_code, name, mode) VALUES ('NAS', 'odd', 'odd', 'enforce')")
    town.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM"
             " paasla.register_role WHERE role_code = 'odd'", odd)
    town.hire(2003, "Mary Änn", "O’Connež-Šuslik, (Testnumber)")
    town.grant(2003, "odd")
    town.state_is(2003, "open")
    town.settled()
    assert town.binds(2003)
    assert town.one("SELECT count(*) FROM paasla.membership WHERE present") == 1


def test_a_cyrillic_name_is_told_and_holds_up_nobody(town):
    town.hire(2004, "Сергей", "Егоров")
    town.hire(2005, "Kadri", "Kask")
    town.state_is(2005, "open")
    assert "U+" in until(lambda: town.findings("name_unusable"), what="the finding")[0][1]


def test_same_names_get_the_next_free_login(town):
    town.hire(2006, "Jüri", "Õun")
    town.hire(2007, "Juri", "Oun")
    town.ldap.add(town.kind.stranger("juri.oun3")[1])
    town.settled()
    town.hire(2008, "Jüri", "Oun")
    town.state_is(2008, "open")
    logins = {town.account(n, "login") for n in (2006, 2007, 2008)}
    assert len(logins) == 3 and "juri.oun3" not in logins


def test_renamed_and_moved_entries_are_followed(town):
    town.grant(1000, "r0")
    town.settled()
    rdn = town.kind.rdn + "=uus-nimi"
    town.ldap._tool("ldapmodrdn", "-r", town.dn(1000), rdn)
    town.depart(1000)
    town.state_is(1000, "out")
    assert town.kind.is_locked(town.ldap, rdn + "," + town.ldap.people)
    assert "uus-nimi" not in town.ldap.search(town.group_dn(0), "(objectClass=*)", "member")


def test_a_deleted_account_is_reported_and_not_made_anew(town):
    town.ldap._tool("ldapdelete", town.dn(1002))
    town.sql("SELECT paasla.ask('sync')")
    town.state_is(1002, "lost")
    town.settled()
    assert town.findings("account_lost")[0][0] == "critical"
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op = 'create'") == 3


def test_a_hidden_directory_concludes_nothing(town):
    """The canary is gone: absence proves nothing, nobody is lost, nobody is locked out."""
    town.ldap._tool("ldapdelete", town.ldap.canary)
    town.ldap._tool("ldapdelete", town.dn(1002))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.one("SELECT last_compare_complete IS FALSE FROM paasla.directory"), what="the compare to give up")
    town.sql("INSERT INTO paasla.dirty (directory, person_id, cause) SELECT directory, person_id, 'test' FROM paasla.account")
    until(lambda: town.one("SELECT count(*) FROM paasla.dirty WHERE cause = 'test'") == 0, what="everybody to be looked at")
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 3
    assert town.binds(1000)


def test_directory_and_postgresql_stopped_and_started(town):
    town.grant(1000, "r0")
    town.settled()
    password = town.password(1000)
    town.ldap.stop()
    town.depart(1000)
    time.sleep(0.5)
    town.ldap.start()
    town.state_is(1000, "out")
    assert not town.binds(1000, password)
    town.pg.stop()
    time.sleep(0.5)
    town.pg.start()
    town.depart(1001)
    town.state_is(1001, "out")
    town.settled()


def test_killed_at_any_moment(town):
    """kill -9 while work is going on; afterwards all is as wanted, each intent has an outcome, nobody is double."""
    for n in range(12):
        town.hire(4000 + n, "Elu", "Kass%s" % "abcdefghijkl"[n])
        town.grant(4000 + n, "r%d" % (n % 4))
        if n % 3 == 2:
            town.depart(4000 + n - 2)
        time.sleep(0.03)
        town.stop(signal.SIGKILL)
        town.start()
    town.settled()
    for n in range(12):
        gone = n % 3 == 0
        if gone:  # closed; or never made, because the departure came first
            until(lambda: town.account(4000 + n, "state") in (None, "none", "out"), what="%d to be out" % (4000 + n))
            assert not town.account(4000 + n, "native_id") or not town.binds(4000 + n, "x") and town.in_groups(4000 + n) == []
        else:
            town.state_is(4000 + n, "open")
            assert town.in_groups(4000 + n) == ["r%d" % (n % 4)] and town.binds(4000 + n)


def test_a_grant_between_the_two_reads_of_a_compare_survives(town):
    """Grants are committed and written while full compares run without pause."""
    stop = threading.Event()

    def compare():
        while not stop.is_set():
            town.sql("SELECT paasla.ask('sync')")
            time.sleep(0.01)

    thread = threading.Thread(target=compare)
    thread.start()
    try:
        for n in range(20):
            no, role = 1000 + n % 3, "r%d" % (n // 3 % 4)
            if role not in town.in_groups(no):
                town.grant(no, role)
                until(lambda: role in town.in_groups(no), what="%s in %s" % (no, role))
    finally:
        stop.set()
        thread.join()
    town.settled()
    have = town.one("SELECT count(*) FROM paasla.access_grant WHERE valid @> now()")
    assert sum(len(town.in_groups(1000 + n)) for n in range(3)) == have
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op = 'remove_member'") == 0


@SLAPD_ONLY  # the other one always tells
@pytest.mark.parametrize("town", [{"live": False}], indirect=True)  # a watch would put it back before we ask
def test_preview_writes_nothing_and_says_what_would_be_done(town):
    town.sql("UPDATE paasla.directory SET mode = 'enforce'")
    town.compare()  # that of the start is over, too: it would put back what is done now
    add_by_hand(town, 1000, 4)
    before = town.one("SELECT count(*) FROM paasla.intent")
    control = town.one("SELECT paasla.ask('preview')")
    until(lambda: town.one("SELECT done_at IS NOT NULL FROM paasla.control WHERE control_id = %s" % control), what="the preview")
    assert town.sql("SELECT op FROM paasla.plan_item i JOIN paasla.control c USING (plan_id) WHERE c.control_id = %s" % control) \
        == [("remove_member",)]
    assert town.one("SELECT count(*) FROM paasla.intent") == before and town.in_groups(1000) == ["r4"]


def test_absence_locks_and_keeps_password_and_groups(town):
    town.grant(1000, "r0")
    town.settled()
    password = town.password(1000)
    town.sql("INSERT INTO paasla.absence (person_id, period, suspend) SELECT person_id, tstzrange(now(), now() + interval"
             " '1 day'), true FROM paasla.employee_number WHERE employee_no = '1000'")
    town.state_is(1000, "paused")
    assert not town.binds(1000, password) and town.in_groups(1000) == ["r0"]
    back = town.one("UPDATE paasla.absence SET period = tstzrange(lower(period), now() + interval '%d seconds')"
                    " RETURNING upper(period)" % town.kind.soon)
    town.state_is(1000, "open")
    assert town.binds(1000, password)
    assert town.one("SELECT max(at) FROM paasla.intent WHERE op = 'open'") >= back, "not before the absence was over"


def test_strangers_are_reported_and_forgotten_when_they_are_gone(town):
    stranger, text = town.kind.stranger("vana")
    town.ldap.add(text)
    town.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (town.group_dn(4), stranger))

    town.compare()
    assert stranger.split(",")[0] in town.findings("orphan_account")[0][1] and len(town.findings("unmanaged_member")) == 1
    assert stranger in town.ldap.search(town.group_dn(4), "(objectClass=*)", "member"), "not ours: never written"
    town.ldap._tool("ldapdelete", stranger)
    if town.kind.dangles:
        town.ldap.modify("dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (town.group_dn(4), stranger))
    town.compare()
    assert not town.findings("orphan_account") and not town.findings("unmanaged_member")
