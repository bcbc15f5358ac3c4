"""The main job on Active Directory: a real Samba domain controller, a delegated service account. Proof of access is a bind
and a Kerberos ticket, proof of lock-out that both are refused."""
import os

import pytest

from adtown import AdTown

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")


@pytest.fixture
def town(request):
    t = AdTown(**getattr(request, "param", {})).start()
    try:
        t.settled()
        yield t
    finally:
        t.close()


def test_joiner_and_leaver(town):
    town.hire(2000, "Õie", "Jäär-Üürike")
    town.grant(2000, "r1")
    town.grant(2000, "r3")
    town.state_is(2000, "open")
    town.settled()
    seen = town.entry(2000)
    assert town.account(2000, "login") == seen["samaccountname"] == "oie.jaar-uurike"
    assert seen["userprincipalname"] == "oie.jaar-uurike@linn.test" and seen["useraccountcontrol"] == "512"
    assert town.in_groups(2000) == ["r1", "r3"]
    password = town.password(2000)
    assert town.can(2000, password) == (True, True)
    assert town.can(2000, "Vale-salas0na") == (False, False)
    town.depart(2000)
    town.state_is(2000, "out")
    assert town.can(2000, password) == (False, False)
    assert town.in_groups(2000) == []
    assert town.entry(2000)["useraccountcontrol"] == "514"
