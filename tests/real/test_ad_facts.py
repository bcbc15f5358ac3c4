"""What the Active Directory dialect rests on, asked of a real Samba domain controller: codes, texts, rights.

The service account has the rights of sambaserver.DELEGATION and no others; nothing here may need more."""

import itertools
import os
import time
import uuid

import pytest

from ldapfacts import ADD, BASE, DELETE, REPLACE, TREE, answer, code, connect, control, read, values
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
              "userAccountControl": control and str(control), "displayName": "\u00d5nne \u0160\u017e", **more}
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
    service.modify_s(dn, [(REPLACE, "pwdLastSet", b"0")])
    assert MUST_CHANGE in bind(samba, login)[1]
    given, said = samba.kinit(login, PASSWORD)
    assert not given and "Password expired.  You must change it now." in said


def test_add_can_carry_everything_on_samba(samba, service):
    """Windows refuses unicodePwd in an Add and the enabling of an account without a password; Samba does neither."""
    new = lambda login, **more: service.add_s("CN=%s,%s" % (login, PEOPLE), newcomer(login, **more))
    n = next(numbers)
    new("a%d" % n, control=512, unicodePwd=password_value(PASSWORD))
    assert bind(samba, "a%d" % n)[0] == 0
    new("b%d" % n)
    assert swap("CN=b%d,%s" % (n, PEOPLE), service, userAccountControl=(514, 512))[0] == 0
    new("c%d" % n, control=None)
    assert read(service, "CN=c%d,%s" % (n, PEOPLE), "userAccountControl") == "546"  # disabled, and no password needed
    new("d%d" % n, control=66050, accountExpires="133000000000000000")
    assert read(service, "CN=d%d,%s" % (n, PEOPLE), "userAccountControl", "accountExpires") == ("66050", "133000000000000000")


def test_collisions_and_refused_names(service):
    n = next(numbers)
    first, upn = "e%d" % n, "e%d@linn.test" % n
    service.add_s("CN=%s,%s" % (first, PEOPLE), newcomer(first))
    new = lambda login, cn=None, base=PEOPLE, **more: answer(
        service.add_s, "CN=%s,%s" % (cn or login, base), newcomer(login, **more))
    assert new("f%d" % n, cn=first) == (68, "Entry CN=%s,%s already exists" % (first, PEOPLE))
    assert new(first, cn="f%d" % n, userPrincipalName="f%d@linn.test" % n) == (
        68, "00002071: samldb: samAccountName '%s' already in use!" % first)
    assert new("f%d" % n, userPrincipalName=upn) == (
        19, "0000202F: samldb: userPrincipalName '%s' is already in use " % upn)
    assert new("f,%d" % n, cn="f%d" % n)[0] == 19
    assert new("f%d" % n, base=GROUPS)[0] == 50
    assert new("f%d" % n, primaryGroupID="513")[0] == 53
    assert new("f%d-longer-than-20-letters" % n)[0] == 0  # Windows refuses it
    service.add_s("CN=g%d,%s" % (n, PEOPLE), newcomer("g%d" % n, sAMAccountName=None))
    assert read(service, "CN=g%d,%s" % (n, PEOPLE), "sAMAccountName").startswith("$")  # somebody invents a name


@pytest.mark.parametrize("value,expected,text", [
    (password_value("a"), 19, "0000052D: Constraint violation - check_password_restrictions: the password is too short."),
    (password_value(PASSWORD)[2:-2], 53, "00002035: setup_io: it's not allowed to set the NT hash password directly'"),
    ('"%s"' % PASSWORD, 53, "00002035: setup_io: it's not allowed to set the NT hash password directly'")])
def test_refused_passwords(service, person, value, expected, text):
    """Too weak; without quotation marks; not in UTF-16. With a lock in the same Modify, the lock is refused too."""
    value = value if isinstance(value, bytes) else value.encode()
    got = answer(service.modify_s, person[1], [(DELETE, "userAccountControl", b"512"), (ADD, "userAccountControl", b"514"),
                                               (REPLACE, "unicodePwd", value)])
    assert got[0] == expected and got[1].startswith(text)
    assert read(service, person[1], "userAccountControl") == "512"


def test_password_before_the_last_reset_still_binds(samba, service, person):
    """For an hour, as on Windows for network log-ins; Kerberos refuses it at once. Who wants a password to be over resets
    it twice, and does not take that for the lock."""
    login, dn = person
    reset = lambda new: service.modify_s(dn, [(REPLACE, "unicodePwd", password_value(new))])
    reset("Juhuslik-ja-pikk-6fJw")
    assert bind(samba, login)[0] == bind(samba, login, "Juhuslik-ja-pikk-6fJw")[0] == 0
    assert samba.kinit(login, PASSWORD) == (False, "Password for %s@LINN.TEST: \nkinit: Password incorrect while getting "
                                                   "initial credentials\n" % login)
    reset("Juhuslik-ja-pikk-Pw2q")
    assert WRONG in bind(samba, login)[1]
    assert bind(samba, login, "Juhuslik-ja-pikk-6fJw")[0] == 0


def test_lock_and_scramble_in_one_modify(samba, service, person):
    login, dn = person
    assert code(service.modify_s, dn, [(DELETE, "userAccountControl", b"512"), (ADD, "userAccountControl", b"514"),
                                       (REPLACE, "unicodePwd", password_value("Juhuslik-ja-pikk-6fJw"))]) == 0
    assert DISABLED in bind(samba, login)[1] and DISABLED in bind(samba, login, "Juhuslik-ja-pikk-6fJw")[1]


# ---- other things that stop a log-in ----

def filetime(moment):
    return str(int((moment + 11644473600) * 10**7)).encode()


def test_account_expires(samba, service, person):
    login, dn = person
    put = lambda value: code(service.modify_s, dn, [(REPLACE, "accountExpires", value)])
    for never in (b"0", b"9223372036854775807", filetime(time.time() + 3600)):
        assert put(never) == 0 and bind(samba, login)[0] == 0 and samba.kinit(login, PASSWORD)[0]
    for past in (b"1", filetime(time.time() - 1)):
        assert put(past) == 0 and EXPIRED in bind(samba, login)[1]
        given, said = samba.kinit(login, PASSWORD)
        assert not given and "Client's credentials have been revoked" in said  # nothing else than for a lock
    for lead in (2, 10, 60):  # until the log-on was answered before the moment came
        moment = time.time() + lead
        assert put(filetime(moment)) == 0
        got = bind(samba, login)[0]
        if time.time() < moment:
            break
    assert got == 0
    time.sleep(max(0, moment - time.time()) + 0.1)
    assert EXPIRED in bind(samba, login)[1]  # by itself, to the second
    assert swap(dn, service, userAccountControl=(512, 514))[0] == 0
    assert DISABLED in bind(samba, login)[1]  # of the two, the lock is told
    assert put(b"9223372036854775808") == 21


def test_lockout_by_guessing_is_another_thing(samba, service, admin, person):
    login, dn = person
    admin.modify_s(SUFFIX, [(REPLACE, "lockoutThreshold", b"3")])
    try:
        for _ in range(3):
            assert WRONG in bind(samba, login, "vale")[1]
        assert LOCKED_OUT in bind(samba, login)[1]
        assert "Client's credentials have been revoked" in samba.kinit(login, PASSWORD)[1]
        assert read(service, dn, "userAccountControl") == "512"  # the flags do not show it
        assert read(service, dn, "msDS-User-Account-Control-Computed") == "16"
        assert swap(dn, service, userAccountControl=(512, 514))[0] == 0
        assert DISABLED in bind(samba, login)[1]
    finally:
        admin.modify_s(SUFFIX, [(REPLACE, "lockoutThreshold", b"0")])


def test_flags_samba_takes_and_flags_it_drops(service, person):
    _, dn = person
    put = lambda value: code(service.modify_s, dn, [(REPLACE, "userAccountControl", str(value).encode())])
    for value, kept in ((2, 514), (512 + 16, 512), (512 + 0x800000, 512), (544, 544), (512, 512)):
        assert put(value) == 0 and read(service, dn, "userAccountControl") == str(kept)
    assert put(512 + 0x80000) == 50  # trusted for delegation
    assert put(4096) == 65
    assert code(service.modify_s, dn, [(DELETE, "userAccountControl", b"512")]) == 53  # there always is a value


def test_ways_to_bind(samba, service, person):
    login, dn = person
    for name in (dn, login + "@linn.test", "LINN\\" + login, "linn.test/inimesed/" + login):
        assert code(connect, samba, name, PASSWORD) == 0
    assert code(connect, samba, login, PASSWORD) == 49
    assert bind(samba, login, uri=samba.ldap) == (8, "BindSimple: Transport encryption required.")
    assert bind(samba, login, uri=samba.ldap, starttls=True)[0] == 0
    assert WRONG in bind(samba, "pole-sellist")[1]
    held = connect(samba, dn, PASSWORD)
    assert swap(dn, service, userAccountControl=(512, 514))[0] == 0
    assert code(held.search_s, "", BASE) == 0  # who is in stays in
    assert answer(service.whoami_s)[0] == 2


# ---- members ----

def test_members(samba, service, person, group):
    dn, other = person[1], samba.add_people(1, first=next(numbers))[0]
    member = lambda op, who=dn, **kw: answer(service.modify_ext_s, group, [(op, "member", who.encode())], **kw)
    assert member(DELETE)[0] == 16  # of a group that never had one
    assert member(ADD)[0] == 0
    got, text = member(ADD)
    assert got == 68 and text.startswith("Attribute member already exists for target GUID ")
    got, text = member(DELETE, other)
    assert got == 53 and text.startswith("Attribute member doesn't exist for target GUID ")
    assert member(ADD, "CN=pole," + PEOPLE)[0] == 32 and member(DELETE, "CN=pole," + PEOPLE)[0] == 53
    assert code(service.modify_s, group, [(ADD, "member", [other.encode(), dn.encode()])]) == 68
    assert values(service, group, "member") == {dn}  # nothing of it was done
    permissive = {"serverctrls": [control(PERMISSIVE)]}  # does nothing for members
    assert member(ADD, **permissive)[0] == 68 and member(DELETE, other, **permissive)[0] == 53
    assert member(DELETE)[0] == 0
    got, text = member(DELETE)
    assert got == 53 and text.startswith("Attribute member already deleted for target GUID ")  # of one that had him
    guid = "<GUID=%s>" % uuid.UUID(bytes_le=raw(service, dn, "objectGUID"))
    assert member(ADD, guid)[0] == 0 and values(service, group, "member") == {dn}
    assert values(service, dn, "memberOf") == {group}


def test_primary_group_is_no_member(service, admin, person):
    users = "CN=Domain Users,CN=Users," + SUFFIX
    assert read(service, person[1], "primaryGroupID", "memberOf") == ("513", None)
    assert values(admin, users, "member") == set()
    member = lambda op: answer(admin.modify_s, users, [(op, "member", person[1].encode())])
    assert member(ADD) == (68, "00002071: samldb: member %s already set via primaryGroupID 513" % person[1])
    assert member(DELETE)[0] == 16


# ---- what stays when names change ----

def raw(connection, dn, attribute):
    return connection.search_s(dn, BASE, attrlist=[attribute])[0][1][attribute][0]


def test_guid_finds_who_was_renamed_and_moved(service, admin, person, group):
    dn = person[1]
    octets = raw(service, dn, "objectGUID")
    text = str(uuid.UUID(bytes_le=octets))  # the first three fields are turned round
    service.modify_s(group, [(ADD, "member", dn.encode())])
    name = "\u00d5nne \u0160\u017e\u00e4\u00f6\u00fc\\, %s" % person[0]
    admin.rename_s(dn, "CN=" + name)
    unit = "OU=osakond %s,%s" % (person[0], PEOPLE)
    admin.add_s(unit, [("objectClass", b"organizationalUnit")])
    admin.rename_s("CN=%s,%s" % (name, PEOPLE), "CN=" + name, newsuperior=unit)
    moved = "CN=%s,%s" % (name, unit)
    for base in ("<GUID=%s>" % text, "<GUID=%s>" % octets.hex()):
        assert service.search_s(base, BASE, attrlist=["1.1"])[0][0] == moved
    for value in ("".join("\\%02x" % o for o in octets), text):  # the text form is Samba's kindness
        assert service.search_s(PEOPLE, TREE, "(objectGUID=%s)" % value, ["1.1"]) == [(moved, {})]
    assert values(service, group, "member") == {moved}  # the server's own links follow
    assert read(service, moved.replace("\u00d5", "\\C3\\B5").replace("\\,", "\\2c").lower(), "name") == name.replace("\\", "")
    assert swap("<GUID=%s>" % text, service, userAccountControl=(512, 514))[0] == 0  # a write by the id, too
    admin.delete_s(moved)
    assert swap("<GUID=%s>" % text, service, userAccountControl=(514, 512)) == (32, "Base-DN '<GUID=%s>' not found" % text)
    assert values(service, group, "member") == set()
