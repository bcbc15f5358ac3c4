"""A name that HR changes is written through to the attributes that are kept, on each kind of server; somebody's own stays."""
import base64
import os
import re
import time

import psycopg2
import pytest

from adtown import AdTown
from ldapserver import PEOPLE
from paaslactl import ctl
from sambaserver import PEOPLE as AD_PEOPLE, USER
from town import Town, until

MAIL = ["attribute.mail = {given_ascii}.{family_ascii}@linn.test"]


class Names:
    """What the tests ask of a town."""

    def values(self, no, attr):
        found = self.ldap.search(self.dn(no), "-s", "base", attr)
        return sorted(base64.b64decode(v).decode() if sign else v
                      for sign, v in re.findall(r"^%s:(:?) (.*)$" % re.escape(attr), found, re.M | re.I))

    def by_hand(self, no, *lines):
        self.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (self.dn(no), "\n".join(lines)))

    def renamed(self, no, given, family):
        self.sql("UPDATE paasla.staff SET given_name = %s, family_name = %s WHERE employee_no = %s", given, family, str(no))


class Inet(Names, Town):
    kept, alias = "cn sn givenName displayName mail", "description"
    templates = ["attribute.givenName = {given}", "attribute.displayName = {family}, {given}"]

    def allow(self):
        if self.kind.dialect == "389ds":
            self.ldap.modify("dn: %s\nchangetype: modify\nadd: aci\naci: (targetattr=\"%s\")(version 3.0; acl \"paasla writes names\";"
                             " allow (write) userdn=\"ldap:///%s\";)\n"
                             % (PEOPLE, " || ".join([*self.kept.split(), self.alias]), self.ldap.service_dn))


class Ad(Names, AdTown):
    kept, alias = "sn givenName displayName mail", "proxyAddresses"
    templates = []  # adtown.py has them

    def allow(self):
        self.ldap.samba_tool("dsacl", "set", "--objectdn=" + AD_PEOPLE, "--sddl=(OA;CIIO;WP;;%s;%s)"
                             % (USER, self.ldap.sid_of("paasla")))


@pytest.fixture(params=["openldap", "389ds", "ad"])
def town(request):
    if request.param != "openldap" and os.geteuid() != 0:
        pytest.skip("this server runs as root only")
    make = Ad if request.param == "ad" else Inet
    t = make(kind=request.param, lines=[*make.templates, *MAIL, "keep_attributes = " + make.kept,
                                        "mail_alias_attribute = " + make.alias])
    try:
        t.allow()
        t.start()
        t.settled()
        t.watched()
        t.compare()
        t.told()  # what is refused is tried again when somebody is looked at for another reason: there is none left
        yield t
    finally:
        t.close()


def shown(town, no):
    return [town.values(no, a) for a in ("sn", "givenName", "mail")]


def test_follows(town):
    town.hire(2000, "Õie", "Jäär")
    town.state_is(2000, "open")
    town.settled()
    login, dn = town.account(2000, "login"), town.account(2000, "dn")
    town.renamed(1000, "Mari", "Kask")
    until(lambda: shown(town, 1000) == [["Kask"], ["Mari"], ["mari.kask@linn.test"]], what="the new name")
    town.settled()
    assert not town.findings("name_by_hand") and not town.findings("write_failed") and not town.findings("write_denied")
    old = "inimene.numbera@linn.test"
    assert town.values(1000, town.alias) == ["smtp:" + old if town.alias == "proxyAddresses" else old]
    assert town.account(1000, "login") == "inimene.numbera", "the log-in never changes"
    assert town.sql("SELECT outcome FROM paasla.intent WHERE op = 'rename'") == [("done",)]
    town.renamed(2000, "Õie", "Šmidt")
    until(lambda: town.values(2000, "sn") == ["Šmidt"], what="a name of other letters")
    town.settled()
    assert town.values(2000, "mail") == ["oie.smidt@linn.test"]
    assert (town.account(2000, "login"), town.account(2000, "dn")) == (login, dn)
    # once more, and back
    town.renamed(1000, "Inimene", "Numbera")
    until(lambda: shown(town, 1000) == [["Numbera"], ["Inimene"], [old]], what="the old name again")


def renames(town):
    return town.one("SELECT count(*) FROM paasla.intent WHERE op = 'rename'")


def nothing_loops(town, seconds=4):
    """What is refused is told once, and not tried again each second (retry_max_s is 1 here)."""
    town.settled()
    before = renames(town)
    time.sleep(seconds)
    assert renames(town) == before


def test_letters_that_mean_something(town):
    dn = town.account(1000, "dn")
    given, family = "Õie, *(Mai)\\", "=Jäär-Žüšö #1;\"<t>+"
    town.renamed(1000, given, family)
    until(lambda: town.values(1000, "sn") == [family], what="the new name")
    town.settled()
    assert town.values(1000, "givenName") == [given] and town.account(1000, "dn") == dn
    assert not town.findings("write_failed")
    # an address can be made of letters only
    assert town.values(1000, "mail") == ["inimene.numbera@linn.test"] and "mail" in town.findings("name_by_hand")[0][1]
    town.renamed(1000, "Õie, Mai", "Jäär-Žüšö")
    until(lambda: town.values(1000, "mail") == ["oie-mai.jaar-zuso@linn.test"], what="the address")
    town.settled()
    assert town.values(1000, "givenName") == ["Õie, Mai"] and not town.findings("name_by_hand")
    town.renamed(1000, "Мария", "Kask")
    until(lambda: town.values(1000, "givenName") == ["Мария"], what="the name of other letters")
    town.settled()
    assert town.values(1000, "mail") == ["oie-mai.jaar-zuso@linn.test"] and "mail" in town.findings("name_by_hand")[0][1]
    with pytest.raises(psycopg2.Error):
        town.renamed(1000, "Mari\x07", "Kask")


def test_a_name_that_is_too_long(town):
    if town.kind.dialect != "ad":
        pytest.skip("Active Directory has the bounds")
    town.renamed(1000, "Inimene", "Kask" * 25)
    until(lambda: town.findings("write_failed"), what="the finding")
    nothing_loops(town)
    assert town.values(1000, "sn") == ["Numbera"] and renames(town) == 1
    town.grant(1000, "r1")  # and holds up nothing else
    until(lambda: town.in_groups(1000) == ["r1"], what="the group")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.values(1000, "sn") == ["Kask"], what="the name that fits")
    until(lambda: not town.findings("write_failed"), what="the finding to be over")


def test_an_address_that_is_somebody_else_s(town):
    dn, ldif = town.kind.stranger("voeras")
    town.ldap.add(ldif)
    town.ldap.modify("dn: %s\nchangetype: modify\nadd: mail\nmail: Mari.Kask@linn.test\n" % dn)
    town.renamed(1000, "Mari", "Kask")
    until(lambda: town.values(1000, "sn") == ["Kask"], what="the new name")
    nothing_loops(town)
    (severity, text), = town.findings("mail_taken")
    assert severity == "warning" and "mail" in text and "kask@" not in text.lower()
    assert town.values(1000, "mail") == ["inimene.numbera@linn.test"] and not town.values(1000, town.alias)
    assert "Mari.Kask@linn.test" in town.ldap.search(dn, "-s", "base", "mail")
    # as somebody's other address, too
    other = ("smtp:" if town.alias == "proxyAddresses" else "") + "mari.kask@linn.test"
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: mail\n-\nadd: %s\n%s: %s\n" % (dn, town.alias, town.alias, other))
    town.compare()
    assert town.findings("mail_taken") and town.values(1000, "mail") == ["inimene.numbera@linn.test"]
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: %s\n" % (dn, town.alias))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.values(1000, "mail") == ["mari.kask@linn.test"], what="the address, which is free now")
    until(lambda: not town.findings("mail_taken"), what="the finding to be over")


def test_a_value_that_the_server_takes_for_another(town):
    """Refused as a value that is there already, again and again: no race, and no loop."""
    if town.kind.dialect == "ad":
        pytest.skip("one value only")
    town.by_hand(1000, "add: sn", "sn: KASK")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.findings("write_failed"), what="the finding")
    nothing_loops(town)
    assert town.values(1000, "sn") == ["KASK", "Numbera"] and renames(town) == 2
    town.by_hand(1000, "delete: sn", "sn: KASK")
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.values(1000, "sn") == ["Kask"], what="the new name")
    until(lambda: not town.findings("write_failed"), what="the finding to be over")


def test_one_address_and_two_people(town):
    town.sql("UPDATE paasla.staff SET given_name = 'Mari', family_name = 'Kask' WHERE employee_no IN ('1000', '1001', '1002')")
    until(lambda: [town.values(no, "sn") for no in (1000, 1001, 1002)] == [["Kask"]] * 3, what="the new names")
    nothing_loops(town)
    mails = sorted(town.values(no, "mail")[0] for no in (1000, 1001, 1002))
    assert mails.count("mari.kask@linn.test") == 1 and len(town.findings("mail_taken")) == 2


def test_hr_cannot_make_up_its_mind(town):
    for n in range(6):
        name = ("Inimene", "Numbera") if n % 2 else ("Mari", "Kask")
        town.renamed(1000, *name)
        until(lambda: town.values(1000, "sn") == [name[1]], what="the name of turn %d" % n)
    town.settled()
    assert town.values(1000, "mail") == ["inimene.numbera@linn.test"] and not town.findings("name_fought")
    # somebody else who puts it back is another matter
    town.renamed(1000, "Mari", "Kask")
    for n in range(3):
        until(lambda: town.values(1000, "sn") == ["Kask"], what="HR's name")
        town.settled()
        town.by_hand(1000, "replace: sn", "sn: Numbera")
        town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.findings("name_fought"), what="the finding")
    nothing_loops(town)
    assert town.values(1000, "sn") == ["Numbera"]


def test_somebody_s_own_stays(town):
    town.by_hand(1000, "replace: displayName", "displayName: Abilinnapea")
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.findings("name_by_hand"), what="the finding")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.values(1000, "sn") == ["Kask"], what="the new name")
    town.settled()
    assert town.values(1000, "displayName") == ["Abilinnapea"]
    (severity, text), = town.findings("name_by_hand")
    assert severity == "info" and "displayName" in text and "Abilinnapea" not in text
    town.by_hand(1000, "replace: displayName", "displayName: " + ("Inimene Kask" if town.kind.dialect == "ad" else "Kask, Inimene"))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: not town.findings("name_by_hand"), what="the finding to be over")


def test_while_the_daemon_was_down(town):
    town.stop()
    town.renamed(1000, "Inimene", "Kask")
    town.renamed(1000, "Inimene", "Saar")
    town.start()
    until(lambda: town.values(1000, "sn") == ["Saar"], what="the newest name")
    town.settled()
    # somebody who brings a former name back is set right by the next compare
    town.by_hand(1000, "replace: sn", "sn: Kask")
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.values(1000, "sn") == ["Saar"], what="HR's name again")


def test_observed_and_nothing_kept(town):
    town.sql("UPDATE paasla.directory SET mode = 'observe'")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.findings("change_observed"), what="what would be written")
    town.settled()
    assert town.values(1000, "sn") == ["Numbera"]
    town.stop()
    town.conf_extra["lines"] = [*town.templates, *MAIL]
    town.write_conf()
    town.sql("UPDATE paasla.directory SET mode = 'enforce'")
    town.start()
    town.settled()
    town.compare()
    assert town.values(1000, "sn") == ["Numbera"], "nothing is written unasked"


def test_the_address_in_use(town):
    """As Exchange has it: SMTP: is the address in use, smtp: are the others."""
    if town.alias != "proxyAddresses":
        pytest.skip("an attribute of Active Directory")
    town.by_hand(1000, "add: proxyAddresses", "proxyAddresses: SMTP:inimene.numbera@linn.test", "proxyAddresses: smtp:info@linn.test")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.values(1000, "mail") == ["inimene.kask@linn.test"], what="the new address")
    town.settled()
    assert town.values(1000, "proxyAddresses") == ["SMTP:inimene.kask@linn.test", "smtp:info@linn.test",
                                                   "smtp:inimene.numbera@linn.test"]
    town.renamed(1000, "Inimene", "Numbera")
    until(lambda: town.values(1000, "mail") == ["inimene.numbera@linn.test"], what="the old address")
    town.settled()  # with the outcome of the write
    assert town.values(1000, "proxyAddresses") == ["SMTP:inimene.numbera@linn.test", "smtp:info@linn.test",
                                                   "smtp:inimene.kask@linn.test"]
    assert "Last write: rename" in ctl(town.pg.dsn(), "why", "LV/1000").out
