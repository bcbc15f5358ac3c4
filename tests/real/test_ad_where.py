"""Where and when somebody else's change was made on Active Directory: what a real Samba domain controller tells an account
with delegated rights, and what the findings make of it."""
import datetime
import os
import re
import struct
import time
import uuid

import pytest

from adtown import AdTown
from ldapfacts import ADD, BASE, DELETE, REPLACE, TREE, connect, read
from sambaserver import ROOT, SUFFIX, SambaServer, work_on_files
from town import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")

# ATTRTYP (MS-DRSR 5.16.4), as lib/directory/ad_repl.h has them.
CLASS, FENCE, CONTROL, EXPIRES, MEMBER = 0, 0x200e2, 0x90008, 0x9009f, 0x1f
SITES = "CN=Sites,CN=Configuration," + SUFFIX
STAMPS = "replPropertyMetaData"


def stamps(connection, dn):
    """{attid: (seconds since 1970, invocationId, originating update number)}"""
    octets, = connection.search_s(dn, BASE, attrlist=[STAMPS])[0][1][STAMPS]
    version, count = struct.unpack_from("<I4xI4x", octets)
    assert version == 1 and len(octets) == 16 + 48 * count
    rows = [struct.unpack_from("<IIQ16sQQ", octets, 16 + 48 * i) for i in range(count)]
    return {attid: (at - 11644473600, server, usn) for attid, _, at, server, usn, _ in rows}


@pytest.fixture(scope="module")
def samba():
    s = SambaServer()
    try:
        yield s.start()
    finally:
        s.remove()


def test_what_a_delegated_account_is_told(samba):
    service, admin = connect(samba), connect(samba, ROOT, samba.root_password)
    person, = samba.add_people(1)
    group = samba.add_group("g")
    made, began = stamps(service, person), time.time()
    assert FENCE not in made and len({row[2] for row in made.values()}) == 1  # an Add is one write
    service.modify_s(person, [(DELETE, "userAccountControl", b"512"), (ADD, "userAccountControl", b"514"),
                              (ADD, "adminDescription", b"1")])
    ours = stamps(service, person)
    assert ours[CONTROL] == ours[FENCE] and ours[CONTROL][2] > made[CONTROL][2] and ours[EXPIRES] == made[EXPIRES]
    assert int(began) <= ours[CONTROL][0] <= time.time()
    admin.modify_s(person, [(REPLACE, "userAccountControl", b"512")])
    theirs = stamps(service, person)
    assert theirs[FENCE] == ours[FENCE] and theirs[CONTROL][2] > ours[CONTROL][2] and theirs[CONTROL][1] == ours[CONTROL][1]
    # A value that is there already is no write.
    service.modify_s(person, [(DELETE, "userAccountControl", b"514"), (ADD, "userAccountControl", b"512"),
                              (REPLACE, "adminDescription", b"2")])
    again = stamps(service, person)
    assert again[CONTROL] == theirs[CONTROL] and again[FENCE][2] > theirs[CONTROL][2]
    # The server's name, by an ordinary search.
    settings = read(service, "", "dsServiceName")
    wanted = "".join("\\%02x" % octet for octet in theirs[CONTROL][1])
    assert service.search_s(SITES, TREE, "(invocationId=%s)" % wanted, ["1.1"]) == [(settings, {})]
    assert settings.startswith("CN=NTDS Settings,CN=DC1,CN=Servers,") and settings.endswith("," + SITES)
    # Of members nothing is told, not even to the administrator: they have stamps of their own, one for each value.
    before = stamps(service, group)
    admin.modify_s(group, [(ADD, "member", person.encode())])
    assert stamps(service, group) == stamps(admin, group) == before and MEMBER not in before
    for name in ("msDS-ReplValueMetaData", "msDS-ReplAttributeMetaData"):
        for asked in (name, name + ";binary"):
            assert [c.search_s(dn, BASE, attrlist=[asked])[0][1] for c in (service, admin) for dn in (person, group)] == [{}] * 4
    # And nobody is named anywhere.
    assert [c.search_s(person, BASE, attrlist=["modifiersName", "creatorsName"])[0][1] for c in (service, admin)] == [{}, {}]


# ---- findings ----

@pytest.fixture
def town():
    t = AdTown().start()
    try:
        t.settled()
        yield t
    finally:
        t.close()


def now():
    """In whole seconds, as the server counts."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def put(town, no, attribute, value):
    """By the administrator; returns since when and until when."""
    text = "dn: %s\nchangetype: modify\nreplace: %s\n%s: %s\n" % (town.dn(no), attribute, attribute, value)
    before = now()
    town.ldap.modify(text)
    return before, now()


def about(town, kind, no):
    name = town.dn(no)
    return [text for _, text in town.findings(kind) if name in text]


def said(town, kind, no, attribute, server, when):
    """The finding's sentence is there and the time is right."""
    text, = until(lambda: about(town, kind, no), what=kind)
    found = re.search(r" (\w+) was last written on (.+) at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\.$", text)
    assert found, text
    assert found[1] == attribute and found[2] == server
    assert when[0] <= datetime.datetime.fromisoformat(found[3]) <= when[1], (text, when)


def test_who_locked_an_employee(town):
    at = put(town, 1000, "userAccountControl", 514)
    said(town, "locked_by_hand", 1000, "userAccountControl", "DC1", at)
    at = put(town, 1001, "accountExpires", 116444736000000000)
    said(town, "locked_by_hand", 1001, "accountExpires", "DC1", at)


def test_who_opened_a_leavers_account(town):
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    town.sql("UPDATE paasla.directory SET mode = 'observe'")
    town.settled()
    assert not about(town, "change_observed", 1000)
    at = put(town, 1000, "userAccountControl", 512)
    said(town, "change_observed", 1000, "userAccountControl", "DC1", at)


def test_our_own_write_is_nobody_elses(town):
    """A lock of ours that the table has forgotten, as after a restored backup: it is told, without a where."""
    town.depart(1000)
    town.state_is(1000, "out")
    town.settled()
    town.stop()
    town.sql("UPDATE paasla.account SET state = 'open' WHERE person_id = (SELECT person_id FROM paasla.employee_number WHERE"
             " employee_no = '1000')")
    town.hire(1000, "Inimene", "Numbera")
    town.start()
    text, = until(lambda: about(town, "locked_by_hand", 1000), what="the finding")
    assert "last written" not in text
    assert town.entry(1000)["useraccountcontrol"] == "514"


def restored(town, name=None):
    """The domain controller begins another life, as after a restore: what was written before bears the id of the former one.
    With a name, another server has that id."""
    town.stop()
    town.ldap.stop()
    work_on_files("life", town.ldap.dir, town.ldap.conf, servers="CN=Servers,CN=Default-First-Site-Name," + SITES,
                  life=str(uuid.uuid4()), other=name)
    town.ldap.start()
    town.start()


def test_on_another_domain_controller(town):
    at = put(town, 1000, "userAccountControl", 514)
    said(town, "locked_by_hand", 1000, "userAccountControl", "DC1", at)
    _, server, _ = stamps(connect(town.ldap), town.dn(1000))[CONTROL]
    restored(town)
    unknown = "a server without a known name (%s)" % uuid.UUID(bytes_le=server)
    until(lambda: unknown in "".join(about(town, "locked_by_hand", 1000)), what="the new sentence")
    said(town, "locked_by_hand", 1000, "userAccountControl", unknown, at)
    # Two servers' clocks may differ by five minutes: so soon after a write of ours on another one, nobody knows whose it is.
    put(town, 1001, "userAccountControl", 514)
    text, = until(lambda: about(town, "locked_by_hand", 1001), what="the finding")
    assert "last written" not in text


def test_on_another_domain_controller_with_a_name(town):
    at = put(town, 1000, "userAccountControl", 514)
    said(town, "locked_by_hand", 1000, "userAccountControl", "DC1", at)
    restored(town, "DC2")
    until(lambda: "DC2" in "".join(about(town, "locked_by_hand", 1000)), what="the new sentence")
    said(town, "locked_by_hand", 1000, "userAccountControl", "DC2", at)
