"""What the 389 Directory Server dialect rests on, asked of a real one: codes, texts, rights.

The service account has the rights of ds389server.DELEGATION and no others; nothing here may need more."""

import itertools
import os
import time

import ldap
import pytest
from ldap.controls.libldap import SimplePagedResultsControl
from ldap.controls.psearch import PersistentSearchControl
from ldap.controls.readentry import PostReadControl

from ds389server import CANARY, DELEGATION, GROUPS, PEOPLE, ROOT, SERVICE, SUFFIX, Ds389Server
from ldapfacts import ADD, BASE, DELETE, REPLACE, TREE, answer, code, connect, control, read, values

PERMISSIVE, ASSERTION, PASSWORD_POLICY = "1.2.840.113556.1.4.1413", "1.3.6.1.1.12", "1.3.6.1.4.1.42.2.27.8.5.1"
EFFECTIVE_RIGHTS, USABILITY, CHANGED = "1.3.6.1.4.1.42.2.27.9.5.2", "1.3.6.1.4.1.42.2.27.9.5.8", "2.16.840.1.113730.3.4.7"
LOCKED = (53, "Account inactivated. Contact system administrator.")
PASSWORD = "Inimese salas\u00f5na"
HASHED = b"{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g+lYSbGkEMzw=="

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="389 Directory Server is started by root only")
numbers = itertools.count(100)


@pytest.fixture(scope="module")
def server():
    s = Ds389Server()
    try:
        yield s.start()
    finally:
        s.remove()


@pytest.fixture(scope="module")
def admin(server):
    return connect(server, ROOT, server.root_password)


@pytest.fixture(scope="module")
def service(server):
    return connect(server)


@pytest.fixture
def person(server):
    """The DN of a person of this test alone; the password is PASSWORD."""
    return server.add_people(1, first=next(numbers), password=PASSWORD)[0]


@pytest.fixture
def group(server):
    return server.add_group("g%d" % next(numbers))


def bind(server, dn, password=PASSWORD):
    return answer(connect, server, dn, password)


def lock(connection, dn, value=b"TRUE"):
    return code(connection.modify_s, dn, [(REPLACE, "nsAccountLock", value)])


# ---- locking ----

def test_lock_stops_binds_at_once(server, service, person):
    held = connect(server, person, PASSWORD)
    assert lock(service, person) == 0
    assert bind(server, person) == LOCKED
    assert bind(server, person, "vale") == LOCKED  # so a lock can be seen from outside without knowing any password
    assert bind(server, CANARY, "vale")[0] == 49
    assert held.whoami_s() == "dn: " + person  # who is in stays in
    assert lock(service, person, None) == 0
    assert bind(server, person)[0] == 0


def test_locked_bind_tells_a_client_that_asks(server, service, person):
    lock(service, person)
    c = ldap.initialize(server.ldapi)
    with pytest.raises(ldap.UNWILLING_TO_PERFORM) as refused:
        c.result4(c.simple_bind(person, PASSWORD, serverctrls=[control(PASSWORD_POLICY, critical=False)]))
    assert refused.value.args[0]["ctrls"][0][2].endswith(b"\x81\x01\x01")  # error [1] accountLocked (1)


def test_lock_is_read_only_when_named(service, person):
    lock(service, person)
    shown = lambda *asked: "nsAccountLock" in service.search_s(person, BASE, attrlist=list(asked) or None)[0][1]
    assert not shown() and not shown("*") and shown("+") and shown("nsAccountLock")
    assert not shown("nsaccountlock")  # the name comes back in the letters it was asked for with
    assert read(service, person, "nsAccountLock") == "TRUE"
    assert service.search_s(PEOPLE, TREE, "(&(nsAccountLock=true)(%s))" % person.split(",")[0], ["1.1"])[0][0] == person


@pytest.mark.parametrize("value,locks", [(b"true", True), (b"True", True), (b"false", False), (b"1", False), (b"jah", False),
                                         ([b"true", b"false"], True), ([b"false", b"true"], False)])
def test_only_a_first_value_true_locks(server, service, person, value, locks):
    """No syntax and no single value: whoever adds a value to one that says false has locked nobody. Replace it."""
    assert lock(service, person, value) == 0
    assert bind(server, person) == (LOCKED if locks else (0, ""))


def test_lock_is_compared_like_other_values(service, person):
    assert code(service.modify_s, person, [(DELETE, "nsAccountLock", None)]) == 16
    assert lock(service, person, b"FALSE") == 0
    swap = [(DELETE, "nsAccountLock", b"false"), (ADD, "nsAccountLock", b"TRUE")]
    assert code(service.modify_s, person, swap) == 0  # letters' case does not matter
    assert code(service.modify_s, person, swap) == 16
    assert code(service.modify_s, person, [(ADD, "nsAccountLock", b"true")]) == 20
    assert read(service, person, "nsAccountLock") == "TRUE"


# ---- passwords ----

def test_service_account_cannot_set_a_hashed_password(service, admin, person):
    for value in (HASHED, b"{CRYPT}!", b"{CLEAR}x"):
        assert answer(service.modify_s, person, [(REPLACE, "userPassword", value)]) == (
            19, "invalid password syntax - passwords with storage scheme are not allowed")
    # All of the Modify is refused: a lock together with such a password locks nobody.
    both = [(REPLACE, "nsAccountLock", b"TRUE"), (REPLACE, "userPassword", HASHED)]
    assert code(service.modify_s, person, both) == 19 and read(service, person, "nsAccountLock") is None
    assert code(admin.modify_s, person, both) == 0 and read(service, person, "nsAccountLock") == "TRUE"


def test_scrambling(server, service, person):
    assert code(service.modify_s, person, [(REPLACE, "nsAccountLock", b"TRUE"),
                                           (REPLACE, "userPassword", b"juhuslik ja pikk 6fJw")]) == 0
    assert lock(service, person, None) == 0 and bind(server, person)[0] == 49
    assert code(service.modify_s, person, [(DELETE, "userPassword", None)]) == 0
    assert code(service.modify_s, person, [(DELETE, "userPassword", None)]) == 16
    assert bind(server, person) == (49, "")
    assert bind(server, person, "") == (53, "Unauthenticated binds are not allowed")


def test_password_policy_refuses_the_whole_modify(server, service, admin, person):
    admin.modify_s("cn=config", [(REPLACE, "passwordCheckSyntax", b"on")])
    try:
        got, text = answer(service.modify_s, person, [(REPLACE, "nsAccountLock", b"TRUE"), (REPLACE, "userPassword", b"x")])
        assert (got, text) == (19, "invalid password syntax - password must be at least 8 characters long")
        assert read(service, person, "nsAccountLock") is None
    finally:
        admin.modify_s("cn=config", [(REPLACE, "passwordCheckSyntax", b"off")])


# ---- members ----

def test_members(service, person, group):
    member = lambda op, dn=person: answer(service.modify_s, group, [(op, "member", dn.encode())])
    assert values(service, group, "member") == set()  # a groupOfNames without members is allowed
    assert member(DELETE) == (16, "")
    assert member(ADD) == (0, "")
    assert member(ADD) == member(ADD, person.upper()) == (20, "")
    assert member(ADD, "uid=pole," + PEOPLE) == (0, "")  # nobody looks whether there is such an entry
    assert code(service.modify_s, group, [(ADD, "member", [CANARY.encode(), person.encode()])]) == 20
    assert values(service, group, "member") == {person, "uid=pole," + PEOPLE}  # nothing of it was done
    assert member(DELETE, "uid=pole," + PEOPLE) == member(DELETE) == (0, "")
    assert member(DELETE) == (16, "")
    assert member(ADD, "rumal")[0] == 21


def test_deleted_people_stay_members_and_memberof_is_off(service, admin, person, group):
    service.modify_s(group, [(ADD, "member", person.encode())])
    assert read(admin, person, "memberOf") is None
    admin.delete_s(person)
    assert values(service, group, "member") == {person}
    for plugin in ("MemberOf Plugin", "referential integrity postoperation", "Retro Changelog Plugin", "Content Synchronization"):
        assert read(admin, "cn=%s,cn=plugins,cn=config" % plugin, "nsslapd-pluginEnabled") == "off"


def test_controls(service, person, group):
    """Neither permissive modify nor assertion, but the entry after the change, in the answer."""
    supported = values(service, "", "supportedControl")
    add = [(ADD, "member", person.encode())]
    for oid in (PERMISSIVE, ASSERTION):
        assert oid not in supported
        assert code(service.modify_ext_s, group, add, serverctrls=[control(oid, b"\x87\x0bobjectClass")]) == 12
    sent = service.modify_ext(group, add, serverctrls=[PostReadControl(True, ["entryusn", "nsUniqueId", "member"])])
    after = service.result4(sent, 1, 10, add_ctrls=1)[3][0].entry
    assert after["member"] == [person.encode()]
    assert (after["entryusn"][0].decode(), after["nsUniqueId"][0].decode()) == read(service, group, "entryusn", "nsUniqueId")
    assert read(service, group, "modifiersName") == SERVICE


# ---- the service account ----

def test_service_account_does_what_it_may_and_no_more(service, admin, person, group):
    refused = lambda *a: answer(service.modify_s, *a)[0] == 50
    assert answer(service.modify_s, person, [(REPLACE, "cn", b"x")]) == (
        50, "Insufficient 'write' privilege to the 'cn' attribute of entry '%s'.\n" % person)
    assert refused(group, [(REPLACE, "cn", b"x")]) and refused(PEOPLE, [(REPLACE, "nsAccountLock", b"TRUE")])
    assert refused(SERVICE, [(REPLACE, "userPassword", b"x")]) and refused(PEOPLE, [(REPLACE, "aci", b"x")])
    assert code(service.delete_s, person) == 50 and code(service.rename_s, person, "uid=teine") == 50
    assert read(service, person, "userPassword") is None and read(admin, person, "userPassword")
    new = lambda base: code(service.add_s, "uid=u%d,%s" % (next(numbers), base), [
        ("objectClass", b"inetOrgPerson"), ("cn", "\u00d5nne \u0160\u017e".encode()), ("sn", b"x"), ("nsAccountLock", b"TRUE")])
    assert new(PEOPLE) == 0 and new(GROUPS) == 50
    assert code(service.modify_s, "cn=pole," + GROUPS, [(ADD, "member", person.encode())]) == 50  # not 32
    assert code(admin.modify_s, "cn=pole," + GROUPS, [(ADD, "member", person.encode())]) == 32


def rights(connection, dn, who, attributes):
    """(the entry's rights, {attribute: rights}) by the control of effective rights; None where nothing is answered."""
    sent = connection.search_ext(dn, BASE, attrlist=attributes, serverctrls=[control(EFFECTIVE_RIGHTS, b"dn: " + who.encode())])
    found = connection.result3(sent, 1, 60)[1]
    if not found:
        return None
    each = found[0][1]["attributeLevelRights"][0].decode().split(", ")
    return found[0][1]["entryLevelRights"][0].decode(), dict(r.split(":") for r in each)


def test_effective_rights_for_the_preflight(server, service, admin, person, group):
    """r s c: read, search, compare; w o: write, obliterate; v a: view and add the entry. Of oneself one may ask; the
    right g that others need nobody has to give."""
    asked = ["nsAccountLock", "userPassword", "cn"]
    expected = ("va", {"nsAccountLock": "rscwo", "userPassword": "wo", "cn": "rsc"})
    assert rights(service, person, SERVICE, asked) == rights(admin, person, SERVICE, asked) == expected
    assert rights(service, group, SERVICE, ["member"]) == ("v", {"member": "rscwo"})
    assert answer(rights, service, person, person, asked) == (
        50, "get-effective-rights: requestor has no g permission on the entry")
    admin.modify_s(PEOPLE, [(DELETE, "aci", None)])
    try:
        end = time.monotonic() + 60  # it counts some milliseconds after it was answered
        while lock(service, person) == 0 and time.monotonic() < end:
            pass
        assert lock(service, person) == 50
        # Where nothing may be read, the answer is success with nothing in it, here and in any search.
        assert rights(service, person, SERVICE, asked) is None
        assert service.search_s(person, BASE) == service.search_s("uid=pole," + PEOPLE, BASE) == []
        assert rights(admin, person, SERVICE, asked)[1]["nsAccountLock"] == "none"
    finally:
        server.modify(DELEGATION.split("\n\n")[0] + "\n")
        while service.search_s(person, BASE) == []:
            assert time.monotonic() < end + 60
    assert code(service.search_s, "uid=pole," + PEOPLE, BASE) == 32


def test_account_usability_needs_a_right_of_its_own(service, person):
    got, text = answer(lambda: service.search_ext_s(person, BASE, attrlist=["1.1"], serverctrls=[control(USABILITY)]))
    assert (got, text) == (50, "Insufficient access rights to use the account usability request control")


# ---- watching ----

class Watch:
    """A persistent search: notes() returns [(kind of change, DN, previous DN, entry)] of what came meanwhile."""

    def __init__(self, server, base=SUFFIX, expression="(objectClass=*)", only_changes=True):
        self.c = connect(server)
        types = ["add", "delete", "modify", "modDN"]
        asked = [PersistentSearchControl(changeTypes=types, changesOnly=only_changes, returnECs=True)]
        self.id = self.c.search_ext(base, TREE, expression, ["nsUniqueId", "nsAccountLock", "member", "entryusn"], serverctrls=asked)
        self.c.search_s("", BASE, attrlist=["1.1"])  # answered after the search was accepted

    def notes(self, n, quiet=0.3):
        """Waits for n of them, and whether more come."""
        out = []
        while True:
            try:
                found = self.c.result4(self.id, 0, 60 if len(out) < n else quiet, add_ctrls=1)
            except ldap.TIMEOUT:
                assert len(out) == n, out
                return out
            for dn, entry, controls in found[1]:
                changed = [c for c in controls if c.controlType == CHANGED]
                kind, before = (changed[0].changeType, changed[0].previousDN) if changed else (0, None)
                out.append((kind, dn, before, {k.lower(): v for k, v in entry.items()}))


def test_persistent_search_tells_every_change_whoever_made_it(server, service, admin, person, group):
    w = Watch(server)
    assert lock(service, person) == 0
    kind, dn, _, entry = w.notes(1, quiet=0.05)[0]
    assert (kind, dn, entry["nsaccountlock"]) == (4, person, [b"TRUE"])
    lock(service, person)
    assert [n[:2] for n in w.notes(1)] == [(4, person)]  # also what changed nothing
    w.c.modify_s(group, [(ADD, "member", person.encode())])  # also what the same connection wrote: the whole entry comes
    assert [(n[1], n[3]["member"]) for n in w.notes(1)] == [(group, [person.encode()])]
    assert code(w.c.modify_s, group, [(ADD, "member", person.encode())]) == 20 and bind(server, CANARY, "vale")[0] == 49
    assert w.notes(0) == []  # not what was refused, and no binds
    usn = read(service, person, "entryusn")
    admin.rename_s(person, "uid=uus", newsuperior=PEOPLE)
    assert [n[:3] for n in w.notes(1)] == [(8, "uid=uus," + PEOPLE, person)]
    admin.delete_s("uid=uus," + PEOPLE)
    (kind, dn, _, entry), = w.notes(1)
    assert (kind, dn) == (2, "uid=uus," + PEOPLE) and int(entry["entryusn"][0]) > int(usn)


def test_a_password_brings_two_notes_and_not_in_order(server, service, person):
    """The entry's own change and what the server writes beside it; the older state may come last. So a note is a reason
    to look, and what it carries may be old: entryusn tells."""
    w = Watch(server, base=PEOPLE)
    assert code(service.modify_s, person, [(REPLACE, "userPassword", b"Uus parool 123")]) == 0
    usns = {int(n[3]["entryusn"][0]) for n in w.notes(2)}
    assert len(usns) == 2 and str(max(usns)) == read(service, person, "entryusn")


def test_what_leaves_the_filter_is_not_told(server, service, person):
    w = Watch(server, expression="(nsAccountLock=TRUE)")
    lock(service, person)
    assert len(w.notes(1)) == 1
    lock(service, person, None)
    assert w.notes(0) == []


def test_renamed_parent_is_told_alone(server, admin, person):
    old, new = ("ou=%s,%s" % (name, PEOPLE) for name in ("osakond", "teine"))
    admin.add_s(old, [("objectClass", b"organizationalUnit")])
    admin.rename_s(person, person.split(",")[0], newsuperior=old)
    w = Watch(server)
    admin.rename_s(old, "ou=teine")
    assert [n[:3] for n in w.notes(1)] == [(8, new, old)]  # of the person below, whose DN is another now, nothing


def test_persistent_search_can_begin_with_what_is_there(server, group):
    w = Watch(server, base=group, only_changes=False)
    assert [n[:2] for n in w.notes(1)] == [(0, group)]  # 0: no control, thus no change
    assert code(w.c.abandon, w.id) == 0 and code(w.c.search_s, "", BASE) == 0


# ---- what stays when names change, and what was changed since ----

def test_ids_and_update_numbers(service, admin, person, group):
    uid = person.split(",")[0]
    found = lambda c, expression: [dn for dn, _ in c.search_s(SUFFIX, TREE, expression, ["1.1"])]
    nsid, uuid = read(service, person, "nsUniqueId", "entryUUID")
    assert len(nsid.split("-")) == 4 and len(uuid) == 36
    admin.rename_s(person, uid + "x")
    renamed = person.replace(uid, uid + "x")
    assert found(service, "(nsUniqueId=%s)" % nsid) == found(service, "(entryUUID=%s)" % uuid) == [renamed]
    usn = int(read(service, "", "lastusn;userroot"))
    assert found(service, "(entryusn>=%d)" % (usn + 1)) == []
    service.modify_s(group, [(ADD, "member", renamed.encode())])
    assert found(service, "(entryusn>=%d)" % (usn + 1)) == [group]
    admin.delete_s(renamed)
    gone = "(&(objectClass=nsTombstone)(entryusn>=%d))" % (usn + 1)
    assert found(admin, gone) == ["nsuniqueid=%s,%s" % (nsid, renamed)]
    assert found(service, gone) == []  # who was deleted, only the administrator learns: read everything to know
    service.add_s(person, [("objectClass", b"inetOrgPerson"), ("cn", b"x"), ("sn", b"x")])
    assert read(service, person, "nsUniqueId") != nsid


def test_names(server, service, group):
    """The 7-bit check plugin, on in an instance as dscreate makes it, wants plain letters for uid and mail."""
    new = lambda dn, *more: answer(service.add_s, dn, [("objectClass", b"inetOrgPerson"), ("sn", b"x"), ("cn", b"x"), *more])
    foreign = "\u00f5\u00e4\u00f6\u00fc"
    assert new("uid=%s,%s" % (foreign, PEOPLE)) == (19, "The value is not 7-bit clean: " + foreign)
    plain = "uid=u%d,%s" % (next(numbers), PEOPLE)
    assert new(plain, ("mail", (foreign + "@linn.test").encode()))[0] == 21  # that is the attribute's syntax
    assert new(plain, ("displayName", foreign.encode()), ("userPassword", (foreign * 2).encode()))[0] == 0
    assert bind(server, plain, foreign * 2)[0] == 0
    member = lambda op, dn: code(service.modify_s, group, [(op, "member", dn.encode())])
    assert member(ADD, "cn=%s\\, \u0161\u017e,%s" % (foreign, PEOPLE)) == 0
    same = "CN=\\c3\\95\u00e4\u00f6\u00fc\\2c  \u0160\u017e, " + PEOPLE  # capitals, spaces and the way of writing do not count
    assert member(ADD, same) == 20 and member(DELETE, same) == 0


# ---- limits and the connection ----

def test_limits(server, service, admin):
    server.add_people(2100, first=100000, password=None)
    own = ["nsSizeLimit", "nsLookThroughLimit", "nsPagedSizeLimit"]
    count = lambda c: len(c.search_s(PEOPLE, TREE, "(uid=p1000*)", ["1.1"])) + len(c.search_s(PEOPLE, TREE, "(uid=p10*)", ["1.1"]))
    assert count(service) > 2100
    admin.modify_s(SERVICE, [(DELETE, name, None) for name in own])
    try:
        plain = connect(server)
        assert code(count, plain) == 4  # nsslapd-sizelimit is 2000; it counts for those who bind from now on
        assert count(service) > 2100
        n, page = 0, SimplePagedResultsControl(True, 500, b"")
        while True:
            got = plain.result4(plain.search_ext(PEOPLE, TREE, "(uid=p10*)", ["1.1"], serverctrls=[page]), 1, 30, add_ctrls=1)
            n, page.cookie = n + len(got[1]), got[3][0].cookie
            if not page.cookie:
                break
        assert n >= 2100  # in pages, everything comes
    finally:
        admin.modify_s(SERVICE, [(ADD, name, b"-1") for name in own])


def test_group_of_2100_is_read_whole(server, service):
    dn = server.add_group("g%d" % next(numbers), ["uid=p%d,%s" % (i, PEOPLE) for i in range(2100)])
    assert len(values(service, dn, "member")) == 2100
    assert service.search_s(dn, BASE, attrlist=["member;range=0-*"])[0][1] == {}  # AD's ranges: no values and no error


def test_connections(server, admin, person):
    assert code(connect, server, person, PASSWORD, uri=server.ldap, starttls=True) == 0
    assert code(connect, server, person, PASSWORD, uri=server.ldap) == 0  # as dscreate makes it, without encryption too
    admin.modify_s("cn=config", [(REPLACE, "nsslapd-require-secure-binds", b"on")])
    try:
        assert answer(connect, server, person, PASSWORD, uri=server.ldap) == (13, "Operation requires a secure connection")
        assert code(connect, server, person, PASSWORD, uri=server.ldapi) == 0
    finally:
        admin.modify_s("cn=config", [(REPLACE, "nsslapd-require-secure-binds", b"off")])
    c = connect(server, person, PASSWORD)
    c.unbind_s()
    assert code(connect, server, person, PASSWORD) == 0


def test_restart_and_kill():
    """Own server: the others go on with theirs. Update numbers and ids survive; a stopped server ends the watch."""
    s = Ds389Server().start()
    try:
        admin = connect(s, ROOT, s.root_password)
        dn = s.add_people(1)[0]
        lock(admin, dn)
        before = read(admin, dn, "nsUniqueId", "entryusn", "nsAccountLock")
        w = Watch(s)
        s.stop()
        with pytest.raises(ldap.SERVER_DOWN):
            w.c.result4(w.id, 0, 10)
        connect(s.start(), ROOT, s.root_password)
        s.kill9()
        admin = connect(s.start(), ROOT, s.root_password)
        assert read(admin, dn, "nsUniqueId", "entryusn", "nsAccountLock") == before
    finally:
        s.remove()
