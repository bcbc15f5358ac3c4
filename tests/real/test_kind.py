"""Which kind of server answers, and what is special to 389 Directory Server under the whole daemon."""
import time

import pytest

from ds389server import DELEGATION, SUFFIX
from paaslactl import ATTENTION, ctl
from town import GROUPS, PEOPLE, Town, until

OTHER = {"openldap": "389ds", "389ds": "openldap"}


@pytest.fixture
def town(request, kind):
    t = Town(kind=kind, **getattr(request, "param", {}))
    yield t
    t.close()


def dialect(t, name):
    with open(t.conf) as f:
        text = f.read()
    with open(t.conf, "w") as f:
        f.write(text.replace("dialect = " + t.kind.dialect, "dialect = " + name))


def test_a_server_of_another_kind_is_left_alone(town, kind):
    """Not a word of ours lies in either; the daemon says which kind it found, in its log and in `status`."""
    before = town.ldap.search(PEOPLE, "(objectClass=*)", "modifyTimestamp")
    with open(town.conf) as f:
        right = f.read()
    dialect(town, OTHER[kind])
    town.start()
    found = "(dialect %s), but the configuration says dialect = %s" % (kind, OTHER[kind])
    until(lambda: found in town.said(), what="the word")
    line = [x for x in town.said().splitlines() if found in x][0]
    assert "level=error" in line and "event=directory.trouble" in line
    status = lambda: ctl(town.pg.dsn("postgres"), "status", "--json", code=None).json["directories"][0]
    away = until(lambda: [d for d in (status(),) if d["connection"] == "away" and d["why"]], what="the status")[0]
    assert found in away["why"] and "nothing is read or written" in away["why"]
    time.sleep(0.5)
    assert town.one("SELECT count(*) FROM paasla.intent") == 0 and town.account(1000, "native_id") is None
    assert town.ldap.search(PEOPLE, "(objectClass=*)", "modifyTimestamp") == before
    town.stop()
    with open(town.conf, "w") as f:
        f.write(right)
    town.start()
    town.state_is(1000, "open")
    town.settled()
    until(lambda: status()["why"] is None, what="the status, which is noted by itself")


# ---- OpenLDAP ----

@pytest.mark.parametrize("kind", ["openldap"])
@pytest.mark.parametrize("lacks", ["overlay ppolicy", "ppolicy_default"])
def test_a_policy_that_nobody_applies_proves_no_lock(town, lacks):
    """The module is loaded and the root entry names its controls; policy_dn is a policy. Still the lock is only a value."""
    town.start()
    town.settled()
    password = town.password(1000)
    town.stop()
    town.ldap.stop()
    with open(town.ldap.config) as f:
        lines = f.read().split("\n")
    with open(town.ldap.config, "w") as f:
        f.write("\n".join(x for x in lines if not x.startswith(("ppolicy_default", lacks))))
    town.ldap.start()
    town.start()
    town.sql("INSERT INTO paasla.absence (person_id, period, suspend) SELECT person_id, tstzrange(now(), now() + interval '1 day'), true"
             " FROM paasla.employee_number WHERE employee_no = '1000'")
    until(lambda: town.findings("lock_not_proven"), what="the word")
    assert town.ldap.bind_ok(town.dn(1000), password), "the server applies no policy"
    town.depart(1000)
    until(lambda: not town.ldap.bind_ok(town.dn(1000), password), what="the password to be gone")
    town.state_is(1000, "closing")
    time.sleep(1)  # it is tried again meanwhile
    assert town.account(1000, "state") == "closing" and town.findings("lock_not_proven")


# ---- 389 Directory Server ----

ds389 = pytest.mark.parametrize("kind", ["389ds"])


def lock_values(t, no):
    return [x.split(": ", 1)[1] for x in t.ldap.search(t.dn(no), "(objectClass=*)", "nsAccountLock").splitlines()
            if x.startswith("nsAccountLock: ")]


def change(t, dn, text):
    t.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, text))


@ds389
def test_a_lock_that_only_looks_like_one_is_seen_and_set_right(town):
    """The server looks at the first value only: behind false, TRUE locks nobody."""
    town.start()
    town.settled()
    password = town.password(1000)
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    change(town, town.dn(1000), "replace: nsAccountLock\nnsAccountLock: false\nnsAccountLock: TRUE\n-\n"
           "replace: userPassword\nuserPassword: " + password)
    until(lambda: lock_values(town, 1000) == ["TRUE"], what="one value")
    town.settled()
    assert not town.binds(1000, password)
    change(town, town.dn(1000), "delete: nsAccountLock")
    until(lambda: lock_values(town, 1000) == ["TRUE"], what="the lock")
    assert not town.binds(1000, password), "the password was made useless too"


ROLES = """dn: cn=nsManagedDisabledRole,{0}
objectClass: LDAPsubentry
objectClass: nsRoleDefinition
objectClass: nsSimpleRoleDefinition
objectClass: nsManagedRoleDefinition
cn: nsManagedDisabledRole

dn: cn=nsDisabledRole,{0}
objectClass: LDAPsubentry
objectClass: nsRoleDefinition
objectClass: nsComplexRoleDefinition
objectClass: nsNestedRoleDefinition
cn: nsDisabledRole
nsRoleDN: cn=nsManagedDisabledRole,{0}

dn: cn=nsAccountInactivationTmp,{0}
objectClass: nsContainer
cn: nsAccountInactivationTmp

dn: cn="cn=nsDisabledRole,{0}",cn=nsAccountInactivationTmp,{0}
objectClass: extensibleObject
objectClass: costemplate
objectClass: ldapsubentry
nsAccountLock: true
cosPriority: 0

dn: cn=nsAccountInactivation_cos,{0}
objectClass: LDAPsubentry
objectClass: cosSuperDefinition
objectClass: cosClassicDefinition
cn: nsAccountInactivation_cos
cosTemplateDn: cn=nsAccountInactivationTmp,{0}
cosSpecifier: nsRole
cosAttribute: nsAccountLock operational
""".format(SUFFIX)


@ds389
def test_a_lock_by_role_is_seen_and_not_ours_to_take_away(town):
    """As ns-inactivate.pl locks. It hides what stands in the entry: a leaver's own lock is written under it."""
    town.start()
    town.settled()
    password, role = town.password(1000), "nsRoleDN: cn=nsManagedDisabledRole," + SUFFIX
    town.ldap.add(ROLES)
    change(town, town.dn(1000), "add: nsRoleDN\n" + role)
    until(lambda: not town.binds(1000, password), what="the role's lock")
    town.sql("SELECT paasla.ask('sync')")  # the server computes it a while after the entry was changed, and tells nobody
    until(lambda: town.findings("locked_by_hand"), what="the finding")
    town.settled()
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op IN ('open', 'lock', 'close') AND person_id ="
                    " (SELECT person_id FROM paasla.employee_number WHERE employee_no = '1000')") == 1, "only its first opening"
    town.depart(1000)
    town.state_is(1000, "out")
    town.hire(1000, "Inimene", "Numbera")  # the role's lock stays when she returns
    until(lambda: [f for f in town.findings("locked_by_hand") if "is not ours" in f[1]], what="the finding")
    assert not town.binds(1000)
    change(town, town.dn(1000), "delete: nsRoleDN\n" + role)
    until(lambda: "nsRole:" not in town.ldap.search(town.dn(1000), "(objectClass=*)", "nsRole")
          and lock_values(town, 1000) == ["TRUE"], what="the server's word, and our own lock under the role's")
    town.sql("SELECT paasla.ask('sync')")
    town.state_is(1000, "open")
    until(lambda: town.binds(1000), what="the way in")


@ds389
def test_a_policy_may_keep_the_password_and_not_the_lock(town):
    """A minimum age holds up every change of a password by who is no administrator of passwords (passwordAdminDN)."""
    change(town, "cn=config", "replace: passwordMinAge\npasswordMinAge: 86400")
    town.start()
    town.grant(1000, "r0")
    town.settled()
    password = town.password(1000)
    town.depart(1000)
    until(lambda: town.findings("password_not_useless"), what="the finding")
    assert not town.binds(1000, password) and lock_values(town, 1000) == ["TRUE"]
    until(lambda: town.in_groups(1000) == [], what="the groups")
    change(town, "cn=config", "replace: passwordAdminDN\npasswordAdminDN: " + town.ldap.service_dn)
    town.state_is(1000, "out")
    until(lambda: not town.findings("password_not_useless"), what="the end of the finding")
    change(town, town.dn(1000), town.kind.unlock())
    assert not town.binds(1000, password)


@ds389
def test_data_that_was_loaded_anew_is_another_server(town):
    """The same names with other ids: nothing is concluded and nothing written until somebody says so."""
    town.start()
    town.settled()
    until(lambda: town.one("SELECT identity IS NOT NULL FROM paasla.directory"), what="the server to be known")
    town.stop()
    town.ldap._tool("ldapdelete", "-r", PEOPLE)
    town.ldap.add("dn: %s\nobjectClass: organizationalUnit\nou: inimesed\n\n" % PEOPLE +
                  "dn: %s\nobjectClass: inetOrgPerson\nuid: kanaarilind\ncn: K\nsn: K\n" % town.ldap.canary)
    town.ldap.modify(DELEGATION.split("\n\n")[0] + "\n")
    town.start()
    until(lambda: town.findings("server_changed"), what="the alarm")
    town.depart(1000)
    time.sleep(1)
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 3 and not town.findings("account_lost")
    town.sql("SELECT paasla.accept_server('linn')")
    until(lambda: len(town.findings("account_lost")) >= 2, what="what is really gone")


@ds389
def test_many_people_are_read_whole_by_an_account_without_limits_of_its_own(town):
    """The limits of a server as it is made (2000 entries) do not count for a read in pages."""
    change(town, town.ldap.service_dn, "-\n".join("delete: %s\n" % a for a in (
        "nsSizeLimit", "nsTimeLimit", "nsLookThroughLimit", "nsIdleTimeout", "nsPagedSizeLimit")))
    town.ldap.add_people(2100, password=None)
    town.start()
    town.settled()
    until(lambda: town.one("SELECT last_compare_complete FROM paasla.directory"), what="a complete compare")
    until(lambda: "full compare: 21" in town.said(), what="all entries")
