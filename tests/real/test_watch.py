"""The live watch on real servers, each kind of them: what somebody else changes is found at once, without any compare."""
import os
import re
import signal

import pytest

from adtown import AdTown
from town import PEOPLE, Town, until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")
OPENLDAP_ONLY = pytest.mark.parametrize("kind", ["openldap"])
DS389_ONLY = pytest.mark.parametrize("kind", ["389ds"])
TELLS_GONE = pytest.mark.parametrize("kind", ["openldap", "389ds"])  # of the third see test_watch_ad.py


@pytest.fixture(params=["openldap", "389ds", pytest.param("ad", marks=AS_ROOT)])
def kind(request):
    return request.param


@pytest.fixture
def town(request, kind):
    make = AdTown if kind == "ad" else Town
    yield from all_in_r1(make(people=4, kind=kind, lines=[], **getattr(request, "param", {})))


def all_in_r1(t, people=4):
    """For a fixture: its daemon runs, everybody is in r1, and the watch has begun."""
    t.start()
    try:
        for n in range(people):
            t.grant(1000 + n, "r1")
        t.settled()
        begun(t)
        yield t
    finally:
        t.close()


def begun(t, times=1):
    """Live, and the compares of a start and of a first refresh are through; from here on only the watch can find anything."""
    t.watched(times)
    t.compare()
    t.compares = compares(t)


def compares(t):
    return t.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'")


def count_wakes(t):
    t.sql("CREATE TABLE public.woken (person_id bigint)")
    t.sql("CREATE FUNCTION public.woken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
          " 'BEGIN INSERT INTO public.woken VALUES (NEW.person_id); RETURN NULL; END'")
    t.sql("CREATE TRIGGER woken AFTER INSERT ON paasla.dirty FOR EACH ROW WHEN (NEW.cause = 'watch')"
          " EXECUTE FUNCTION public.woken()")


def wakes(t):
    t.told()
    return t.one("SELECT count(*) FROM public.woken")


def change(t, dn, text, who=None):
    t.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, text), **({"dn": who[0], "password": who[1]} if who else {}))


def test_a_member_added_behind_our_back_is_found_and_put_back_and_the_writer_named(town):
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")
    found = until(lambda: town.sql("SELECT text FROM paasla.finding WHERE kind LIKE 'drift%%'"), what="the finding")
    assert town.kind.administrator in found[0][0]
    town.settled()
    assert compares(town) == town.compares


def test_a_member_taken_out_is_reported_where_the_role_says_so(town):
    change(town, town.group_dn(1), "delete: member\nmember: " + town.dn(1001))
    until(lambda: town.sql("SELECT 1 FROM paasla.finding WHERE kind LIKE 'drift%%' AND text LIKE %s",
                           "%" + town.kind.administrator + "%"), what="the finding")
    town.settled()
    assert town.in_groups(1001) == [] and compares(town) == town.compares


def test_what_somebody_takes_back_is_no_finding_any_more(town):
    """Found, beside others found before in the same group, and over as soon as it is over."""
    town.hire(1004, "Viies", "Inimene")
    town.state_is(1004, "open")
    town.settled()

    def drifts():
        return dict(town.sql("SELECT account_id || kind, state FROM paasla.finding WHERE kind LIKE 'drift%%'"))
    a, b = ["%s%s" % (town.account(no, "account_id"), kind) for no, kind in ((1004, "drift_member_added"), (1001, "drift_member_removed"))]
    change(town, town.group_dn(1), "add: member\nmember: " + town.dn(1004))
    until(lambda: drifts() == {a: "open"}, what="the first finding")
    change(town, town.group_dn(1), "delete: member\nmember: " + town.dn(1001))
    until(lambda: drifts() == {a: "open", b: "open"}, what="the second finding")
    change(town, town.group_dn(1), "delete: member\nmember: " + town.dn(1004))
    until(lambda: drifts() == {a: "resolved", b: "open"}, what="the first one to be over")
    change(town, town.group_dn(1), "add: member\nmember: " + town.dn(1001))
    until(lambda: drifts() == {a: "resolved", b: "resolved"}, what="the second one to be over")
    town.settled()
    assert compares(town) == town.compares


def test_another_spelling_of_a_name_is_the_same_person(town):
    change(town, town.group_dn(4), "add: member\nmember: " + re.sub(r"(?i),(ou|dc)=", r" , \1=", town.dn(1000).upper()))
    until(lambda: town.sql("SELECT 1 FROM paasla.finding WHERE kind LIKE 'drift%%'"), what="the finding")
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")
    assert not town.findings("unmanaged_member")


def test_who_was_found_already_is_not_looked_at_again(town):
    """Each change of a group costs a look at what is new in it, also when one comes shortly upon the other."""
    count_wakes(town)
    for n in range(4):
        change(town, town.group_dn(0), "add: member\nmember: " + town.dn(1000 + n))
        until(lambda: len(town.findings("drift_member_added")) == n + 1, what="finding %d" % n)
        town.settled()
    assert wakes(town) == 4


def test_strangers_are_found(town):
    dn, ldif = town.kind.stranger("tont")
    town.ldap.add(ldif)
    until(lambda: town.findings("orphan_account"), what="the orphan")
    change(town, town.group_dn(0), "add: member\nmember: " + dn)
    assert town.kind.administrator in until(lambda: town.findings("unmanaged_member"), what="the stranger")[0][1]
    if town.kind.dangles:
        change(town, town.group_dn(0), "add: member\nmember: uid=pole,ou=mujal,dc=linn,dc=test")
        until(lambda: len(town.findings("unmanaged_member")) == 2, what="the dangling name")
    assert compares(town) == town.compares


def test_a_leaver_who_is_opened_again_is_closed_again(town):
    password = town.password(1002)
    town.depart(1002)
    town.state_is(1002, "out")
    town.settled()
    change(town, town.dn(1002), town.kind.unlock(password))
    until(lambda: not town.binds(1002, password), what="a closed account")
    town.settled()
    (severity, text), = town.findings("opened_by_hand", "resolved")
    assert severity == "warning" and "was locked, and somebody opened it." in text
    by = "was last written on dc1 at 20" if town.kind.dialect == "ad" else "the entry was last written by " + town.kind.administrator
    assert by in text.lower()
    assert compares(town) == town.compares


@TELLS_GONE
def test_a_deleted_account_is_found(town):
    town.ldap._tool("ldapdelete", town.dn(1003))
    until(lambda: town.findings("account_lost"), what="the finding")
    assert compares(town) == town.compares


@TELLS_GONE
def test_a_deleted_group_is_found(town):
    town.ldap._tool("ldapdelete", town.group_dn(1))
    until(lambda: town.findings("group_missing") or town.sql("SELECT 1 FROM paasla.finding WHERE kind LIKE 'drift%%'"), what="a finding")
    assert compares(town) == town.compares


def no_own_writes(town):
    count_wakes(town)
    before = town.one("SELECT count(*) FROM audit.event")
    for n in range(4):
        town.grant(1000 + n, "r2")
    until(lambda: town.in_groups(1003) == ["r1", "r2"], what="the grants")
    town.settled()
    assert wakes(town) == 0 and compares(town) == town.compares
    assert town.one("SELECT count(*) FROM audit.event") > before


def test_our_own_writes_wake_nobody(town):
    no_own_writes(town)


@DS389_ONLY
@pytest.mark.parametrize("town", [{"live": "usn"}], indirect=True)  # another proof of whose write it was
def test_our_own_writes_wake_nobody_with_update_numbers(town):
    no_own_writes(town)


def test_after_three_put_backs_it_is_only_reported_and_the_writer_named(town):
    for n in range(3):
        change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
        until(lambda: "r4" not in town.in_groups(1000), what="put-back %d" % (n + 1))
        town.settled()
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    reported(town, "drift_member_added")
    assert "r4" in town.in_groups(1000)


def test_after_three_put_backs_of_a_member_taken_out_it_is_only_reported_and_the_writer_named(town):
    for n in (1000, 1001):  # a groupOfNames must not be left empty
        town.grant(n, "r4")
        until(lambda: "r4" in town.in_groups(n), what="the membership")
    town.settled()
    for n in range(3):
        change(town, town.group_dn(4), "delete: member\nmember: " + town.dn(1000))
        until(lambda: "r4" in town.in_groups(1000), what="put-back %d" % (n + 1))
        town.settled()
    change(town, town.group_dn(4), "delete: member\nmember: " + town.dn(1000))
    reported(town, "drift_member_removed")
    assert "r4" not in town.in_groups(1000)


def reported(town, kind):
    """A finding that stays open, and says who it was."""
    until(lambda: town.findings(kind), what="the finding")
    town.settled()
    (_, text), = town.findings(kind)
    assert town.kind.administrator in text, text
    assert compares(town) == town.compares


def test_what_happened_while_the_daemon_was_down_is_told(town):
    town.stop()
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    town.start()
    town.watched(2)
    assert ("resumed where it had ended" in town.said()) == town.kind.cookie
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")


def test_what_happened_while_the_directory_was_away_is_told(town):
    town.ldap.stop()
    until(lambda: "connection" in town.said().split("live watch: begun")[-1], what="the loss")
    town.ldap.start()
    begun(town, 2)  # the server may choose the present phase, and then everything is compared
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")


@OPENLDAP_ONLY
def test_a_restored_directory_raises_an_alarm_and_is_compared(town):
    """The data of before: the server knows less than it told us."""
    town.ldap.stop()
    saved = town.ldap.dump()
    town.ldap.start()
    until(lambda: town.said().count("live watch: resumed") >= 1, what="the watch")
    change(town, town.dn(1000), "replace: description\ndescription: hiljem")
    version = re.search(r"^entryCSN: (\S+)", town.ldap.search(town.dn(1000), "-s", "base", "entryCSN"), re.M).group(1)
    until(lambda: version in town.one("SELECT cookie FROM paasla.directory"), what="the cookie of this change")
    town.stop()
    town.ldap.stop()
    town.ldap.restore(saved)
    town.ldap.start()
    town.start()
    until(lambda: town.findings("directory_went_back"), what="the alarm")
    town.settled()


@OPENLDAP_ONLY
def test_a_cookie_of_nonsense_costs_a_compare_and_nothing_else(town):
    town.stop()
    town.sql("UPDATE paasla.directory SET cookie = 'rid=000,csn=x'")
    town.start()
    begun(town, 2)
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")


def test_killed_between_telling_and_storing(town):
    for n in range(5):
        change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000 + n % 4))
        os.kill(town.process.pid, signal.SIGKILL)
        town.process.wait()
        town.start()
        until(lambda: "r4" not in town.in_groups(1000 + n % 4), what="the put-back")
        town.settled()


# ---- what a persistent search tells, and what it does not ----

@DS389_ONLY
def test_a_renamed_group_is_missed_and_the_writer_named(town):
    town.ldap._tool("ldapmodrdn", "-r", town.group_dn(1), "cn=muu")
    until(lambda: len(town.findings("drift_member_removed")) == 4, what="the findings")
    assert town.kind.administrator in town.findings("drift_member_removed")[0][1]
    assert compares(town) == town.compares


@DS389_ONLY
def test_a_renamed_unit_is_told_alone_and_everything_is_compared(town):
    """Of the people below it, who have another name now, nothing is told."""
    unit = "ou=osakond," + PEOPLE
    town.ldap.add("dn: %s\nobjectClass: organizationalUnit\nou: osakond\n" % unit)
    town.ldap._tool("ldapmodrdn", "-r", "-s", unit, town.dn(1000), "uid=" + town.account(1000, "login"))
    until(lambda: town.account(1000, "dn").endswith(unit), what="the move")
    assert compares(town) == town.compares
    town.ldap._tool("ldapmodrdn", "-r", unit, "ou=teine")
    until(lambda: town.account(1000, "dn").endswith("ou=teine," + PEOPLE), what="the new name")
    until(lambda: compares(town) > town.compares, what="the compare, which is noted after it has named whom to look at")
    town.settled()
    assert compares(town) == town.compares + 1
