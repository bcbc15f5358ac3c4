"""What the Active Directory dialect rests on, asked of a real Samba domain controller: codes, texts, rights.

The service account has the rights of sambaserver.DELEGATION and no others; nothing here may need more."""

import itertools
import os

import pytest

from ldapfacts import ADD, DELETE, REPLACE, answer, code, connect, control, read, values
from sambaserver import GROUPS, PEOPLE, ROOT, SUFFIX, SambaServer, password_value

PERMISSIVE = "1.2.840.113556.1.4.1413"
PASSWORD = "Inimese-salas0na"
DISABLED, WRONG, EXPIRED, MUST_CHANGE, LOCKED_OUT = "data 533,", "data 52e,", "data 701,", "data 773,", "data 775,"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")
numbers = itertools.count(100)


@pytest.fixture(scope="module")
def samba():
    s = SambaServer()
    try:
        yield s.start()
    finally:
        s.remove()


@pytest.fixture(scope="module")
def admin(samba):
    return connect(samba, ROOT, samba.root_password)


@pytest.fixture(scope="module")
def service(samba):
    return connect(samba)


@pytest.fixture
def person(samba):
    """(login, DN) of a person of this test alone; the password is PASSWORD."""
    n = next(numbers)
    return "p%d" % n, samba.add_people(1, first=n, password=PASSWORD)[0]


@pytest.fixture
def group(samba):
    return samba.add_group("g%d" % next(numbers))


def swap(dn, connection, controls=None, **changes):
    """One Modify that takes the old value of each attribute away and puts the new one in its place; None is no value."""
    mods = []
    for attribute, (old, new) in changes.items():
        mods += [] if old is None else [(DELETE, attribute, str(old).encode())]
        mods += [] if new is None else [(ADD, attribute, str(new).encode())]
    return answer(connection.modify_ext_s, dn, mods, serverctrls=controls)


def bind(samba, login, password=PASSWORD, **kw):
    return answer(connect, samba, login + "@linn.test", password, **kw)


# ---- locking ----

def test_lock_stops_binds_and_tickets_at_once(samba, service, person):
    login, dn = person
    assert bind(samba, login)[0] == 0 and samba.kinit(login, PASSWORD)[0]
    assert swap(dn, service, userAccountControl=(512, 514))[0] == 0
    assert read(service, dn, "userAccountControl") == "514"
    for who in (login + "@linn.test", dn):
        got, text = answer(connect, samba, who, PASSWORD)
        assert got == 49 and DISABLED in text and text.startswith("80090308: LdapErr: DSID-")
    assert WRONG in bind(samba, login, "vale")[1]  # who does not know the password does not learn of the lock
    given, said = samba.kinit(login, PASSWORD)
    assert not given and "Client's credentials have been revoked" in said
    assert swap(dn, service, userAccountControl=(514, 512))[0] == 0
    assert bind(samba, login)[0] == 0 and samba.kinit(login, PASSWORD)[0]


def test_never_expiring_password_is_no_hindrance(service, admin, person):
    _, dn = person
    admin.modify_s(dn, [(REPLACE, "userAccountControl", b"66048")])
    assert swap(dn, service, userAccountControl=(66048, 66050))[0] == 0
    assert swap(dn, service, userAccountControl=(66050, 66048))[0] == 0
    assert read(service, dn, "userAccountControl") == "66048"


def test_old_value_is_compared(service, person):
    _, dn = person
    got, text = swap(dn, service, userAccountControl=(66048, 66050))
    assert got == 16 and "no matching attribute value" in text
    assert read(service, dn, "userAccountControl") == "512"
    # Not compared where the new value is the one that is there already: success, and nothing is written.
    usn = read(service, dn, "uSNChanged")
    assert swap(dn, service, userAccountControl=(514, 512))[0] == 0
    assert read(service, dn, "uSNChanged", "userAccountControl") == (usn, "512")


def test_fence_refuses_what_comes_late(service, person):
    """ABA: an old lock that arrives after the account was enabled again finds the old flags, but not the old fence."""
    _, dn = person
    assert swap(dn, service, adminDescription=(None, 1), userAccountControl=(512, 514))[0] == 0
    assert swap(dn, service, adminDescription=(1, 2), userAccountControl=(514, 512))[0] == 0
    got, text = swap(dn, service, adminDescription=(1, 9), userAccountControl=(512, 514))
    assert got == 16 and "'adminDescription': no matching attribute value" in text
    assert read(service, dn, "adminDescription", "userAccountControl") == ("2", "512")
    # The first fence of an account is an add alone, and a second first one is refused.
    assert swap(dn, service, adminDescription=(None, 1), userAccountControl=(512, 514))[0] == 20
    # Without the fence the same late write passes.
    assert swap(dn, service, userAccountControl=(512, 514))[0] == 0


def test_order_within_the_modify_does_not_matter_for_the_fence(service, person):
    _, dn = person
    assert swap(dn, service, userAccountControl=(512, 514), adminDescription=(None, 1))[0] == 0
    assert swap(dn, service, userAccountControl=(514, 512), adminDescription=(7, 8))[0] == 16
    assert read(service, dn, "adminDescription", "userAccountControl") == ("1", "514")  # nothing of it was done


def test_permissive_modify_breaks_the_comparison(service, person):
    _, dn = person
    permissive = [control(PERMISSIVE)]
    assert swap(dn, service, adminDescription=(None, 1))[0] == 0
    assert swap(dn, service, permissive, adminDescription=(7, 8))[0] == 20
    # It ignores a fence that does not fit, where nothing is put in its place.
    assert swap(dn, service, permissive, adminDescription=(7, None), userAccountControl=(512, 514))[0] == 0
    assert read(service, dn, "adminDescription", "userAccountControl") == ("1", "514")


# ---- the service account ----

@pytest.mark.parametrize("attribute,value,expected", [
    ("userAccountControl", b"514", 0), ("adminDescription", b"1", 0), ("accountExpires", b"0", 0), ("pwdLastSet", b"0", 0),
    ("unicodePwd", password_value("Uus-salas0na-2"), 0), ("displayName", b"x", 50), ("sAMAccountName", b"x", 50),
    ("userPrincipalName", b"x@linn.test", 50), ("adminCount", b"1", 50), ("lockoutTime", b"0", 50),
    ("servicePrincipalName", b"x/y", 50), ("primaryGroupID", b"512", 50)])
def test_service_account_writes_what_was_delegated_and_no_more(service, person, attribute, value, expected):
    assert code(service.modify_s, person[1], [(REPLACE, attribute, value)]) == expected


def test_service_account_reaches_nobody_outside(service, person, group):
    _, dn = person
    for target in (ROOT, "CN=paasla,OU=teenused," + SUFFIX):
        assert code(service.modify_s, target, [(REPLACE, "adminDescription", b"1")]) == 50
    assert read(service, ROOT, "userAccountControl") is None  # not readable: no error, simply not there
    assert read(service, dn, "userAccountControl") == "512"
    assert code(service.modify_s, "CN=Domain Admins,CN=Users," + SUFFIX, [(ADD, "member", dn.encode())]) == 50
    assert code(service.modify_s, group, [(REPLACE, "description", b"x")]) == 50
    assert code(service.delete_s, dn) == 50
    assert code(service.rename_s, dn, "CN=keegi teine") == 50


def test_protected_accounts(samba, service, admin, person):
    """What becomes of members of Domain Admins and the like on Windows: their access list is replaced by that of
    AdminSDHolder. Samba 4.17 has no such process; adminCount alone changes nothing."""
    _, dn = person
    may = values(service, dn, "allowedAttributesEffective")
    assert {"userAccountControl", "adminDescription", "accountExpires", "pwdLastSet"} == may
    admin.modify_s(dn, [(REPLACE, "adminCount", b"1")])
    assert swap(dn, service, userAccountControl=(512, 514))[0] == 0
    samba.protect(dn)
    assert values(service, dn, "allowedAttributesEffective") == set()  # the preflight's sign, before anybody leaves
    assert swap(dn, service, userAccountControl=(514, 512))[0] == 50
    assert code(service.modify_s, dn, [(REPLACE, "unicodePwd", password_value("Uus-salas0na-2"))]) == 50


# ---- joining ----

def newcomer(name, control=514, **more):
    fields = {"objectClass": "user", "sAMAccountName": name, "userPrincipalName": name + "@linn.test",
              "userAccountControl": str(control), "displayName": "\u00d5nne \u0160\u017e", **more}
    return [(k, v if isinstance(v, bytes) else v.encode()) for k, v in fields.items() if v is not None]


def test_create_disabled_then_password_then_enable(samba, service):
    login = "n%d" % next(numbers)
    dn = "CN=%s,%s" % (login, PEOPLE)
    service.add_s(dn, newcomer(login, adminDescription="1", employeeID="T-1"))
    assert read(service, dn, "userAccountControl", "pwdLastSet", "accountExpires") == ("514", "0", "9223372036854775807")
    assert code(service.modify_s, dn, [(REPLACE, "unicodePwd", password_value(PASSWORD))]) == 0
    assert DISABLED in bind(samba, login)[1]
    assert swap(dn, service, userAccountControl=(514, 512))[0] == 0
    assert bind(samba, login)[0] == 0 and samba.kinit(login, PASSWORD)[0]
