"""A name that HR changes is written through to the attributes that are kept, on each kind of server; somebody's own stays."""
import base64
import os
import re

import pytest

from adtown import AdTown
from ldapserver import PEOPLE
from paaslactl import ctl
from sambaserver import PEOPLE as AD_PEOPLE, USER
from test_ad import sid_of
from town import Town, until

MAIL = ["attribute.mail = {given}.{family}@linn.test"]


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
                             % (USER, sid_of(self.ldap, "paasla")))


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
    until(lambda: shown(town, 1000) == [["Kask"], ["Mari"], ["Mari.Kask@linn.test"]], what="the new name")
    town.settled()
    assert not town.findings("name_by_hand") and not town.findings("write_failed") and not town.findings("write_denied")
    old = "Inimene.Numbera@linn.test"
    assert town.values(1000, town.alias) == ["smtp:" + old if town.alias == "proxyAddresses" else old]
    assert town.account(1000, "login") == "inimene.numbera", "the log-in never changes"
    assert town.sql("SELECT outcome FROM paasla.intent WHERE op = 'rename'") == [("done",)]
    town.renamed(2000, "Õie", "Šmidt")
    until(lambda: town.values(2000, "sn") == ["Šmidt"], what="a name of other letters")
    town.settled()
    assert (town.account(2000, "login"), town.account(2000, "dn")) == (login, dn)
    # once more, and back
    town.renamed(1000, "Inimene", "Numbera")
    until(lambda: shown(town, 1000) == [["Numbera"], ["Inimene"], [old]], what="the old name again")


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
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: town.one("SELECT count(*) FROM paasla.control WHERE done_at IS NULL") == 0, what="the compare")
    town.settled()
    assert town.values(1000, "sn") == ["Numbera"], "nothing is written unasked"


def test_the_address_in_use(town):
    """As Exchange has it: SMTP: is the address in use, smtp: are the others."""
    if town.alias != "proxyAddresses":
        pytest.skip("an attribute of Active Directory")
    town.by_hand(1000, "add: proxyAddresses", "proxyAddresses: SMTP:Inimene.Numbera@linn.test", "proxyAddresses: smtp:info@linn.test")
    town.renamed(1000, "Inimene", "Kask")
    until(lambda: town.values(1000, "mail") == ["Inimene.Kask@linn.test"], what="the new address")
    assert town.values(1000, "proxyAddresses") == ["SMTP:Inimene.Kask@linn.test", "smtp:Inimene.Numbera@linn.test",
                                                   "smtp:info@linn.test"]
    town.renamed(1000, "Inimene", "Numbera")
    until(lambda: town.values(1000, "mail") == ["Inimene.Numbera@linn.test"], what="the old address")
    assert town.values(1000, "proxyAddresses") == ["SMTP:Inimene.Numbera@linn.test", "smtp:Inimene.Kask@linn.test",
                                                   "smtp:info@linn.test"]
    assert "Last write: rename" in ctl(town.pg.dsn(), "why", "LV/1000").out
