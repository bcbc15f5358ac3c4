"""How an Active Directory domain is read whole and watched by the service account: ranges, pages, DirSync, notifications,
update numbers; asked of a real Samba domain controller."""

import itertools
import os
import time
import uuid

import ldap
import pytest
from ldap.controls import ResponseControl
from ldap.controls.libldap import SimplePagedResultsControl

from ldapfacts import ADD, BASE, DELETE, ONE, REPLACE, TREE, answer, code, connect, control, read, values
from sambaserver import GROUPS, PEOPLE, ROOT, SUFFIX, SambaServer

DIRSYNC, NOTIFY, DOMAIN_SCOPE = "1.2.840.113556.1.4.841", "1.2.840.113556.1.4.528", "1.2.840.113556.1.4.1339"
SHOW_DELETED, EXTENDED_DN = "1.2.840.113556.1.4.417", "1.2.840.113556.1.4.529"
OBJECT_SECURITY, INCREMENTAL = 1, -2**31  # the second is the highest bit of 32: a negative number
MANY, BIG = 6000, "CN=suur," + GROUPS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")
numbers = itertools.count(100000)


@pytest.fixture(scope="module")
def samba():
    """One worker: whoever writes, the notification's process sees it. Two tests have servers of their own."""
    s = SambaServer(workers=1)
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
    return samba.add_people(1, first=next(numbers))[0]


@pytest.fixture
def group(samba):
    return samba.add_group("g%d" % next(numbers))


# ---- reading everything ----

@pytest.fixture(scope="module")
def crowd():
    s = SambaServer()
    try:
        s.load_people(MANY, group="suur")
        yield connect(s.start())
    finally:
        s.remove()


@pytest.mark.parametrize("asked,name,count", [
    ("member", "member", MANY), ("member;range=0-*", "member;range=0-*", MANY),
    ("member;range=0-1499", "member;range=0-1499", 1500), ("member;range=4500-*", "member;range=4500-*", 1500),
    ("member;range=5990-7000", "member;range=5990-*", 10), ("member;range=6000-*", "member;range=6000-*", 0)])
def test_ranges_of_a_big_group(crowd, asked, name, count):
    """Samba slices only when asked; Windows also when not, from 1,500 on: `member` then has no values beside the slice."""
    assert [(k, len(v)) for k, v in crowd.search_s(BIG, BASE, attrlist=[asked])[0][1].items()] == [(name, count)]


def test_slices_make_the_whole(crowd):
    whole, first, name = set(), 0, ""
    while not name.endswith("-*"):
        (name, found), = crowd.search_s(BIG, BASE, attrlist=["member;range=%d-%d" % (first, first + 1499)])[0][1].items()
        whole.update(found)
        first += len(found)
    assert len(whole) == MANY and first == MANY


def test_one_membership_is_asked_for_by_the_filter(crowd):
    who = lambda dn: crowd.search_s(BIG, BASE, "(member=%s)" % dn, ["1.1"])
    assert who("CN=p5999," + PEOPLE) == [(BIG, {})] and who("CN=kanaarilind," + PEOPLE) == []


def page(connection, cookie=b"", size=1000, expression="(objectClass=user)", attributes=("cn",)):
    sent = connection.search_ext(PEOPLE, TREE, expression, list(attributes),
                                 serverctrls=[SimplePagedResultsControl(True, size, cookie)])
    found = connection.result3(sent, 1, 60)
    return len(found[1]), found[3][0].cookie


def test_pages(crowd):
    count, cookie = page(crowd)
    pages = [count]
    while cookie:
        count, cookie = page(crowd, cookie)
        pages.append(count)
    assert pages == [1000] * 6 + [1]  # and the canary
    assert len(crowd.search_s(PEOPLE, TREE, "(objectClass=user)", ["1.1"])) == MANY + 1  # Samba has no limit; Windows 1,000


def test_a_search_in_pages_stays_what_it_is(crowd):
    cookie = page(crowd)[1]
    assert code(page, crowd, cookie, expression="(objectClass=person)") == 12
    assert code(page, crowd, page(crowd)[1], attributes=["name"]) == 12
    assert page(crowd, page(crowd)[1], size=10)[0] == 10
    many = [page(crowd, size=10)[1] for _ in range(12)]
    assert code(page, crowd, many[0], size=10) == 53  # ten are kept for a connection
    assert page(crowd, many[-1], size=10)[0] == 10


# ---- which server, and how far it is ----

def test_root_and_update_numbers(samba, service, admin, person, group):
    root = lambda name: read(service, "", name)
    assert root("isSynchronized") == "TRUE" and root("dnsHostName") == "dc1.linn.test"
    assert root("defaultNamingContext") == SUFFIX and root("vendorName").startswith("Samba Team")
    assert "1.2.840.113556.1.4.800" in values(service, "", "supportedCapabilities")  # this is an Active Directory
    assert {DIRSYNC, NOTIFY, SHOW_DELETED} <= values(service, "", "supportedControl")
    settings = service.search_s(root("dsServiceName"), BASE, attrlist=["invocationId"])[0][1]
    assert len(settings["invocationId"][0]) == 16  # another one after a restore; the service account may read it
    before, usn = int(root("highestCommittedUSN")), read(service, person, "uSNChanged")
    service.modify_s(group, [(ADD, "member", person.encode())])
    assert int(root("highestCommittedUSN")) > before
    changed = service.search_ext_s(SUFFIX, TREE, "(uSNChanged>=%d)" % (before + 1), ["1.1"], serverctrls=[control(DOMAIN_SCOPE)])
    assert changed == [(group, {})]
    assert read(service, person, "uSNChanged") == usn  # a membership is a change of the group alone


def test_the_whole_domain_ends_with_a_referral(service, person):
    """Not an entry and not an error: a search reference to other naming contexts, unless it is declined."""
    expression = "(sAMAccountName=%s)" % person[3:].split(",")[0]
    found = service.search_s(SUFFIX, TREE, expression, ["1.1"])
    assert found == [(person, {}), (None, ["ldaps://linn.test/CN=Configuration," + SUFFIX])]
    assert service.search_ext_s(SUFFIX, TREE, expression, ["1.1"], serverctrls=[control(DOMAIN_SCOPE)]) == [(person, {})]


def test_what_cannot_be_read_is_not_there(service, admin, person):
    """No error in any search: an attribute, an entry and a deleted entry are missing in the same way."""
    assert service.search_s(ROOT, BASE, attrlist=["userAccountControl"])[0][1] == {}
    assert service.search_s(SUFFIX, TREE, "(userAccountControl=512)", ["1.1"])[:-1] == service.search_s(
        PEOPLE, TREE, "(userAccountControl=512)", ["1.1"])
    admin.delete_s(person)
    gone = lambda c: [dn for dn, _ in c.search_ext_s(SUFFIX, TREE, "(&(isDeleted=TRUE)(objectClass=user))", ["1.1"],
                                                     serverctrls=[control(SHOW_DELETED), control(DOMAIN_SCOPE)])]
    assert any(dn.startswith(person.split(",")[0] + "\\0ADEL:") for dn in gone(admin)) and gone(service) == []
    assert code(service.search_s, person, BASE) == 32


# ---- DirSync ----

class Answer(ResponseControl):
    """What comes back: SEQUENCE { INTEGER more, INTEGER size, OCTET STRING cookie }."""

    def decodeControlValue(self, encoded):
        def take(octets):
            length, at = octets[1], 2
            if length & 128:
                at = 2 + (length & 127)
                length = int.from_bytes(octets[2:at], "big")
            return octets[at:at + length], octets[at + length:]
        body = take(encoded)[0]
        (more, body), (self.size, body) = take(body), (0, take(take(body)[1])[1])
        self.more, self.cookie = int.from_bytes(more, "big"), take(body)[0]


def integer(n):
    length = (n.bit_length() + 8) // 8
    return bytes([2, length]) + n.to_bytes(length, "big", signed=True)


def dirsync(connection, cookie=b"", flags=OBJECT_SECURITY + INCREMENTAL, base=SUFFIX, critical=True, more=(),
            attributes=("objectGUID", "name", "isDeleted", "userAccountControl", "member")):
    """Returns ({DN: attributes}, the answer's control)."""
    value = integer(flags) + integer(0) + b"\x04" + (bytes([len(cookie)]) if len(cookie) < 128 else b"\x81" + bytes(
        [len(cookie)])) + cookie
    value = b"\x30" + (bytes([len(value)]) if len(value) < 128 else b"\x81" + bytes([len(value)])) + value
    sent = connection.search_ext(base, TREE, "(|(objectClass=user)(objectClass=group))", list(attributes),
                                 serverctrls=[control(DIRSYNC, value, critical), *more])
    found = connection.result4(sent, 1, 60, add_ctrls=1, resp_ctrl_classes={DIRSYNC: Answer})
    return {dn: entry for dn, entry, _ in found[1] if dn}, found[3][0]


def test_dirsync_tells_what_changed(service, admin, person, group):
    everything, at = dirsync(service)
    assert everything[person]["userAccountControl"] == [b"512"] and at.more == 0 and len(at.cookie) > 0
    nothing, at = dirsync(service, at.cookie)
    assert nothing == {} and at.more == 0
    admin.modify_s(person, [(REPLACE, "displayName", b"x")])
    assert dirsync(service, at.cookie)[0] == {}  # attributes nobody asked for are no change
    service.modify_s(person, [(REPLACE, "userAccountControl", b"514")])
    changed, at = dirsync(service, at.cookie)
    assert list(changed) == [person] and changed[person]["userAccountControl"] == [b"514"]
    assert len(changed[person]["objectGUID"][0]) == 16  # it and instanceType always come
    admin.rename_s(person, "CN=teine %d" % next(numbers))
    (moved, entry), = dirsync(service, at.cookie)[0].items()
    assert moved.startswith("CN=teine") and "name" in entry and "userAccountControl" not in entry
    assert dirsync(service, at.cookie)[0] == {moved: entry}  # the same cookie, the same answer


def test_dirsync_of_members(samba, service, group):
    """With INCREMENTAL the values that came (range=1-1) and went (range=0-0); without it, those that are."""
    a, b = samba.add_people(2, first=next(numbers) + next(numbers))
    service.modify_s(group, [(ADD, "member", a.encode())])
    at = dirsync(service)[1]
    service.modify_s(group, [(ADD, "member", b.encode())])
    service.modify_s(group, [(DELETE, "member", a.encode())])
    entry = dirsync(service, at.cookie)[0][group]
    assert entry["member;range=1-1"] == [b.encode()] and entry["member;range=0-0"] == [a.encode()]
    assert dirsync(service, at.cookie, flags=OBJECT_SECURITY)[0][group]["member"] == [b.encode()]
    (name, entry), = dirsync(service, at.cookie, more=[control(EXTENDED_DN, b"\x30\x03\x02\x01\x01")])[0].items()
    guid = uuid.UUID(bytes_le=service.search_s(b, BASE, attrlist=["objectGUID"])[0][1]["objectGUID"][0])
    assert name.endswith(">;" + group) and entry["member;range=1-1"][0].decode().startswith("<GUID=%s>;<SID=S-1-5-21-" % guid)
    service.modify_s(group, [(DELETE, "member", b.encode())])
    entry = dirsync(service, at.cookie)[0][group]  # who came and went meanwhile is told as gone: he may never have been seen
    assert set(entry["member;range=0-0"]) == {a.encode(), b.encode()} and "member;range=1-1" not in entry


def test_dirsync_refusals(service, admin):
    assert code(dirsync, service, flags=INCREMENTAL) == 50  # needs the right to replicate the domain
    assert dirsync(admin, flags=INCREMENTAL)[0]
    assert code(dirsync, service, base=PEOPLE) == 53  # a whole naming context or nothing
    assert code(dirsync, service, critical=False) == 1
    got, text = answer(dirsync, service, b"rumal")
    assert got == 12 and text.startswith("0000202C: Unable to unmarshall cookie")


def test_dirsync_is_silent_about_who_went_away(service, admin, samba, person, group):
    """Deleted, or moved where the service account cannot read: nothing comes, and the membership that ended with the
    entry is not told either. Only reading everything shows it."""
    other = samba.add_people(1, first=next(numbers))[0]
    service.modify_s(group, [(ADD, "member", [person.encode(), other.encode()])])
    at = dirsync(service)[1]
    admin.delete_s(person)
    admin.rename_s(other, other.split(",")[0], newsuperior="CN=Users," + SUFFIX)
    assert dirsync(service, at.cookie)[0] == {}
    assert values(service, group, "member") == {other.replace(PEOPLE, "CN=Users," + SUFFIX)}


def test_dirsync_goes_on_after_a_restart_and_tells_deletions_to_who_may_read_them():
    s = SambaServer(workers=1).start()
    try:
        first, second = s.add_people(2)
        admin, service = connect(s, ROOT, s.root_password), connect(s)
        at = dirsync(service)[1]
        guid = admin.search_s(first, BASE, attrlist=["objectGUID"])[0][1]["objectGUID"]
        s.stop()
        s.start()
        admin, service = connect(s, ROOT, s.root_password), connect(s)
        s.show_deleted()
        admin.delete_s(first)
        service.modify_s(second, [(REPLACE, "userAccountControl", b"514")])
        changed = dirsync(service, at.cookie)[0]
        gone = [(dn, e) for dn, e in changed.items() if e.get("isDeleted") == [b"TRUE"]]
        assert len(gone) == 1 and gone[0][1]["objectGUID"] == guid and gone[0][0].startswith("CN=p0\\0ADEL:")
        assert changed[second]["userAccountControl"] == [b"514"]
    finally:
        s.remove()


# ---- notifications ----

class Watch:
    def __init__(self, server, connection=None, base=SUFFIX, scope=TREE, expression="(objectClass=*)"):
        self.c = connection or connect(server)
        self.id = self.c.search_ext(base, scope, expression, ["userAccountControl"], serverctrls=[control(NOTIFY)])

    def next(self, seconds):
        """(DN, attributes) of the next entry; None when none comes in time."""
        try:
            return self.c.result3(self.id, 0, seconds)[1][0]
        except ldap.TIMEOUT:
            return None


def test_notifications(samba, service, admin, person):
    w = Watch(samba)
    assert w.next(0.2) is None  # nothing of what is there already
    w.c.modify_s(person, [(REPLACE, "userAccountControl", b"514")])
    assert w.next(60) == (person, {"userAccountControl": [b"514"]})  # one's own, too
    other = connect(samba)
    other.modify_s(person, [(REPLACE, "userAccountControl", b"512")])
    assert w.next(60) == (person, {"userAccountControl": [b"512"]})
    admin.delete_s(person)
    assert w.next(6) is None  # no deletion to who may not read what was deleted


def test_notifications_of_other_workers_come_seconds_later():
    s = SambaServer(workers=4).start()
    try:
        dn, w, waits = s.add_people(1)[0], Watch(s), []
        for n in range(20):  # a connection is with any of the workers
            c = connect(s)
            began = time.monotonic()
            c.modify_s(dn, [(REPLACE, "adminDescription", str(n).encode())])
            assert w.next(60)[0] == dn
            waits.append(time.monotonic() - began)
            if waits[-1] > 1:
                break
        assert waits[-1] > 1, waits
    finally:
        s.remove()


def test_notification_refusals(samba):
    refused = lambda seconds, **kw: answer(lambda: Watch(samba, **kw).next(seconds))
    got, text = refused(60, expression="(objectClass=user)")
    assert got == 53 and text.startswith("000020B9: Search filter too complex.")
    assert refused(0.2, base=PEOPLE, scope=ONE)[0] == refused(0.2, base=PEOPLE)[0] == refused(0.2, expression="(name=*)")[0] == 0
    c = connect(samba)
    for _ in range(5):
        assert Watch(samba, c).next(0.1) is None
    assert answer(lambda: Watch(samba, c).next(60)) == (11, "00002024: MaxNotificationPerConn reached")
