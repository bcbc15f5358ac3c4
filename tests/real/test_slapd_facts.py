"""The codes of memberships at slapd, beside those of test_ad_facts.py and test_389_facts.py: the same requests, the
third answer."""

import pytest

from ldapfacts import ADD, DELETE, answer, connect, control, values
from ldapserver import CANARY, GROUPS, NOBODY, PEOPLE, SERVICE, SlapdServer

PERMISSIVE = "1.2.840.113556.1.4.1413"
GROUP = "cn=r\u00fchm," + GROUPS


@pytest.fixture(scope="module")
def service():
    s = SlapdServer()
    try:
        s.start()
        s.add("dn: %s\nobjectClass: groupOfNames\ncn: r\u00fchm\nmember: %s\n" % (GROUP, NOBODY))
        yield connect(s, SERVICE, s.password, uri=s.ldaps)
    finally:
        s.remove()


def test_members(service):
    member = lambda op, dn=CANARY, **kw: answer(service.modify_ext_s, GROUP, [(op, "member", dn.encode())], **kw)
    permissive = {"serverctrls": [control(PERMISSIVE)]}
    assert member(DELETE) == (16, "modify/delete: member: no such value")
    assert member(ADD) == (0, "")
    assert member(ADD) == (20, "modify/add: member: value #0 already exists")
    assert member(ADD, CANARY.upper())[0] == 20
    assert member(ADD, **permissive)[0] == 0  # it helps with what is there, and not with what is not
    assert member(DELETE, "uid=pole," + PEOPLE, **permissive)[0] == 16
    assert member(ADD, "uid=pole," + PEOPLE)[0] == 0  # nobody looks whether there is such an entry
    assert answer(service.modify_s, GROUP, [(ADD, "member", [SERVICE.encode(), CANARY.encode()])])[0] == 20
    assert values(service, GROUP, "member") == {NOBODY, CANARY, "uid=pole," + PEOPLE}  # nothing of it was done
    assert member(ADD, "rumal")[0] == 21
    assert answer(service.modify_s, "cn=pole," + GROUPS, [(ADD, "member", CANARY.encode())])[0] == 32


def test_a_group_of_names_keeps_one(service):
    service.modify_s(GROUP, [(DELETE, "member", dn.encode()) for dn in values(service, GROUP, "member") - {NOBODY}])
    assert answer(service.modify_s, GROUP, [(DELETE, "member", NOBODY.encode())]) == (
        65, "object class 'groupOfNames' requires attribute 'member'")
