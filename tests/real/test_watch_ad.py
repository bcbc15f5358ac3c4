"""The live watch of Active Directory where it differs from the others: what DirSync and update numbers tell, what they do not
tell a delegated account, and servers that are restored, changed or killed. What all kinds do alike: test_watch.py."""
import os
import re
import shutil
import stat

import pytest

from adtown import AdTown, add_contacts
from sambaserver import PEOPLE, SUFFIX
from test_watch import all_in_r1, begun, change, compares, count_wakes, wakes
from town import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")
UNIT = "OU=osakond," + PEOPLE


@pytest.fixture
def town(request):
    yield from all_in_r1(AdTown(people=4, lines=[], **getattr(request, "param", {})))


def place(t):
    return t.one("SELECT cookie FROM paasla.directory")


def restart_with(t, old, new):
    """The daemon, with what it keeps of the watch changed meanwhile."""
    t.stop()
    changed = re.sub(old, new, place(t))
    assert changed != place(t)
    t.sql("UPDATE paasla.directory SET cookie = %s", changed)
    t.start()
    begun(t, 2)


def by_numbers(t):
    restart_with(t, "^dirsync:([^:]+):([^:]+):.*", r"usn:\1:\2")


def rename(t, no, rdn, above=None):
    t.ldap._tool("ldapmodrdn", "-r", *(["-s", above] if above else []), t.dn(no), rdn)


def put_back(t, n=1000):
    change(t, t.group_dn(4), "add: member\nmember: " + t.dn(n))
    until(lambda: "r4" not in t.in_groups(n), what="the put-back")


def unit(t):
    t.ldap.add("dn: %s\nobjectClass: organizationalUnit\n" % UNIT)


# ---- what is told ----

@pytest.mark.parametrize("how", ["DirSync", "numbers"])
def test_what_changed_is_asked_for_and_not_left_to_the_compare(town, how):
    if how == "numbers":
        by_numbers(town)
    change(town, town.group_dn(0), "add: member\nmember: " + town.dn(1000))
    until(lambda: town.findings("drift_member_added"), what="the finding")
    assert compares(town) == town.compares


@pytest.mark.parametrize("how", ["DirSync", "numbers"])
def test_a_name_and_a_place_are_followed(town, how):
    if how == "numbers":
        by_numbers(town)
    unit(town)
    begun_with = compares(town)
    rename(town, 1000, "CN=Uus Nimi")
    until(lambda: town.account(1000, "dn") == "CN=Uus Nimi," + PEOPLE, what="the name")
    rename(town, 1000, "CN=Uus Nimi", UNIT)
    until(lambda: town.account(1000, "dn") == "CN=Uus Nimi," + UNIT, what="the place")
    put_back(town)
    if how == "DirSync":  # by numbers a unit that came is as good a reason for a compare as one that was renamed
        assert compares(town) == begun_with == town.compares


def test_a_renamed_unit_is_told_alone_and_everything_is_compared(town):
    """Of the people below it, who have another name now, nothing is told."""
    unit(town)
    rename(town, 1000, town.dn(1000).split(",OU=")[0], UNIT)
    until(lambda: town.account(1000, "dn").endswith(UNIT), what="the move")
    assert compares(town) == town.compares
    town.ldap._tool("ldapmodrdn", "-r", UNIT, "OU=teine")
    until(lambda: town.account(1000, "dn").endswith("OU=teine," + PEOPLE), what="the new name")
    until(lambda: compares(town) == town.compares + 1, what="the compare")


def test_a_renamed_group_is_missed(town):
    town.ldap._tool("ldapmodrdn", "-r", town.group_dn(1), "CN=muu")
    until(lambda: len(town.findings("drift_member_removed")) == 4, what="the findings")
    assert compares(town) == town.compares


def test_a_stranger_who_is_moved_to_our_people_is_found(town):
    dn, ldif = town.kind.stranger("tont")
    town.ldap.add(ldif.replace(PEOPLE, "CN=Users," + SUFFIX))
    town.told()
    assert not town.findings("orphan_account")
    town.ldap._tool("ldapmodrdn", "-r", "-s", PEOPLE, dn.replace(PEOPLE, "CN=Users," + SUFFIX), "CN=tont")
    until(lambda: town.findings("orphan_account"), what="the orphan")
    assert compares(town) == town.compares


def test_a_group_of_two_thousand(town):
    add_contacts(town.ldap, town.group_dn(4), 2000, "OU=kontaktid,OU=teenused," + SUFFIX)
    put_back(town)
    town.told()
    town.compare()  # so many new ones at once are left to it; now they are known
    town.compares = compares(town)
    put_back(town)
    assert compares(town) == town.compares


# ---- what is not told ----

def test_what_a_delegated_account_is_not_told_is_found_by_the_compare(town):
    """Deleted, and moved out of its sight."""
    town.told()  # so is what the daemon wrote into the group, which would bring the group to its attention
    town.ldap._tool("ldapdelete", town.dn(1002))
    rename(town, 1003, town.dn(1003).split(",OU=")[0], "CN=Users," + SUFFIX)
    town.told()
    assert not town.findings("account_lost") and compares(town) == town.compares
    town.compare()
    until(lambda: len(town.findings("account_lost")) == 2, what="the findings")


def test_a_deletion_is_told_to_who_may_read_what_was_deleted(town):
    town.ldap.show_deleted()
    town.ldap._tool("ldapdelete", town.dn(1002))
    until(lambda: town.findings("account_lost"), what="the finding")
    town.ldap._tool("ldapdelete", town.group_dn(1))
    until(lambda: town.findings("group_missing") or town.findings("drift_member_removed"), what="the group's")
    assert compares(town) == town.compares


# ---- our own writes ----

def test_writes_of_ours_are_no_news_and_those_of_others_are(town):
    count_wakes(town)
    for n in range(4):
        town.grant(1000 + n, "r2")
    until(lambda: town.in_groups(1003) == ["r1", "r2"], what="the grants")
    town.settled()
    assert wakes(town) == 0
    change(town, town.group_dn(2), "delete: member\nmember: " + town.dn(1000))
    until(lambda: town.findings("drift_member_removed"), what="the finding")
    change(town, town.group_dn(2), "add: member\nmember: " + town.dn(1000))  # as we had written it
    until(lambda: not town.findings("drift_member_removed"), what="the finding to be over")
    assert wakes(town) == 2, "it is as it should be: only who was amiss is looked at"
    change(town, town.group_dn(2), "delete: member\nmember: " + town.dn(1000))
    until(lambda: town.one("SELECT count(*) FROM public.woken") == 3, what="the news")
    assert compares(town) == town.compares


def test_an_account_that_stands_as_it_was_seen_is_no_news(town):
    count_wakes(town)
    town.depart(1001)
    town.state_is(1001, "out")
    town.settled()
    first = wakes(town)
    assert first <= 3  # a question may fall between our look and any of the writes before it: the lock, the password twice
    for value, news in (("66050", 1), ("514", 2), ("66050", 3)):
        change(town, town.dn(1001), "replace: userAccountControl\nuserAccountControl: " + value)
        until(lambda: town.one("SELECT count(*) FROM public.woken") >= first + news, what="the news")
        town.settled()
    assert wakes(town) == first + 3 and not town.sql("SELECT 1 FROM paasla.finding WHERE state = 'open' AND kind LIKE 'drift%%'")


# ---- servers ----

def test_a_killed_server(town):
    for _ in range(2):
        before = len(town.said())
        town.ldap.kill9()
        until(lambda: "connection" in town.said()[before:], what="the loss")
        town.ldap.start()
        until(lambda: "live watch: resumed" in town.said()[before:], what="the watch")
        put_back(town)
    assert compares(town) == town.compares


def test_a_restored_server_raises_an_alarm_and_is_compared(town):
    """The files of before: it has the same invocationId and knows less than it told us."""
    town.ldap.stop()
    saved = os.path.join(town.ldap.dir, "saved")
    shutil.copytree(os.path.join(town.ldap.dir, "private"), saved, symlinks=True,
                    ignore=lambda folder, names: [n for n in names if stat.S_ISSOCK(os.lstat(os.path.join(folder, n)).st_mode)])
    town.ldap.start()
    until(lambda: town.said().count("live watch: resumed") >= 1, what="the watch")
    before = int(re.search(r"^highestCommittedUSN: (\d+)", town.ldap.search("", "-s", "base", "highestCommittedUSN"), re.M)[1])
    put_back(town)
    until(lambda: int(place(town).split(":")[2]) > before, what="the cookie of this change")
    town.settled()
    town.stop()
    town.ldap.stop()
    shutil.rmtree(os.path.join(town.ldap.dir, "private"))
    os.rename(saved, os.path.join(town.ldap.dir, "private"))
    town.ldap.start()
    town.start()
    until(lambda: town.findings("directory_went_back"), what="the alarm")
    begun(town, 3)
    put_back(town)


def test_another_server_is_compared_whole(town):
    restart_with(town, "^dirsync:[^:]+", "dirsync:00000000-0000-0000-0000-000000000001")
    assert "another server than the one that we had asked" in town.said() and not town.findings("directory_went_back")
    assert town.said().count("live watch: begun") == 2
    put_back(town)


@pytest.mark.parametrize("old,new", [(r"^dirsync:([^:]+):([^:]+):.*", r"dirsync:\1:1:00"), ("^.*", "rid=000,csn=x")])
def test_a_cookie_of_nonsense_costs_a_compare_and_nothing_else(town, old, new):
    restart_with(town, old, new)
    assert town.said().count("live watch: begun") == 2 and place(town).startswith("dirsync:")
    put_back(town)


# ---- by update numbers ----

def test_by_numbers(town):
    by_numbers(town)
    assert place(town).startswith("usn:")
    count_wakes(town)
    put_back(town)
    password = town.password(1002)
    town.depart(1002)
    town.state_is(1002, "out")
    town.settled()
    change(town, town.dn(1002), town.kind.unlock(password))
    until(lambda: town.entry(1002)["useraccountcontrol"] == "514", what="a closed account")
    town.settled()
    assert not town.can(1002, password)[0]
    assert "was last written on DC1 at 20" in town.findings("opened_by_hand", "resolved")[0][1]
    before = wakes(town)
    for n in range(4):
        town.grant(1000 + n, "r2") if n != 2 else None
    until(lambda: town.in_groups(1003) == ["r1", "r2"], what="the grants")
    town.settled()
    assert wakes(town) == before and not town.findings("drift_member_added")
    town.stop()
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1000))
    town.start()
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")
    assert "update numbers" not in town.said()  # it was never refused
