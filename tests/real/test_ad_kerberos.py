"""Log-on by Kerberos on a real domain controller: sealed without TLS, bound to the channel with it, from a keytab only."""
import os
import re

import pytest

from adtown import AdTown
from sambaserver import REALM
from town import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")


class KerberosTown(AdTown):
    """`way`: sealed, starttls or ldaps. The service is called by its address here, as nobody resolves names."""

    def __init__(self, way, login="paasla", **more):
        self.way, self.login = way, login
        super().__init__(people=1, **more)

    def servers(self):
        samba, pg = super().servers()
        if self.way != "sealed":  # Samba's default takes Kerberos only where it seals, or under TLS nothing but passwords
            with open(samba.conf) as f:
                text = f.read()
            with open(samba.conf, "w") as f:
                f.write(text.replace("require strong auth = yes", "require strong auth = allow_sasl_over_tls"))
        self.keytab = os.path.join(samba.dir, "paaslad.keytab")
        samba.samba_tool("spn", "add", "ldap/" + samba.ip, "dc1$")
        samba.samba_tool("domain", "exportkeytab", self.keytab, "--principal=%s@%s" % (self.login, REALM))
        os.chmod(self.keytab, 0o600)
        return samba, pg

    def uris(self):
        return self.ldap.ldaps if self.way == "ldaps" else self.ldap.ldap

    def write_conf(self):
        super().write_conf()
        with open(self.conf) as f:
            text = re.sub(r"(?m)^(bind_dn|password_file) = .*\n", "", f.read())
        text = text.replace("dialect = ad\n", "dialect = ad\nsasl = gssapi\nkeytab_file = %s\nprincipal = %s@%s\n%s"
                            % (self.keytab, self.login, REALM, "tls = none\n" if self.way == "sealed" else ""))
        with open(self.conf, "w") as f:
            f.write(text)

    def env(self):
        return dict(super().env(), KRB5_CONFIG=self.ldap.krb5)

    def change_krb5(self, line):
        with open(self.ldap.krb5) as f:
            text = f.read()
        with open(self.ldap.krb5, "w") as f:
            f.write(text.replace("[libdefaults]\n", "[libdefaults]\n%s\n" % line))


@pytest.fixture(params=["sealed", "starttls", "ldaps"])
def town(request):
    t = KerberosTown(request.param)
    yield t
    t.close()


def test_the_main_job_by_a_ticket(town):
    town.start()
    town.settled()
    assert ("connected with TLS" in town.said()) == (town.way != "sealed")
    town.hire(2000, "Mari", "Maasikas")
    town.grant(2000, "r1")
    town.state_is(2000, "open")
    town.settled()
    password = town.password(2000)
    assert town.can(2000, password) == (True, True) and town.in_groups(2000) == ["r1"]
    town.depart(2000)
    town.state_is(2000, "out")
    assert town.can(2000, password) == (False, False) and town.in_groups(2000) == []


@pytest.fixture
def sealed():
    t = KerberosTown("sealed")
    yield t
    t.close()


def test_a_ticket_that_ends_is_followed_by_another(sealed):
    """Of two minutes and some seconds: before it ends the connection is made anew (it is looked at once a minute)."""
    sealed.change_krb5("ticket_lifetime = 126")
    sealed.start()
    sealed.settled()
    word = "the Kerberos ticket of this connection ends soon"
    until(lambda: word in sealed.said(), 180, "the end of the first connection")
    until(lambda: "event=directory.up" in sealed.said().split(word)[-1], what="the second connection")
    sealed.depart(1000)
    sealed.state_is(1000, "out")


def test_what_is_wrong_is_said(sealed):
    def says(words):
        before = len(sealed.said()) if sealed.log else 0
        sealed.start()
        until(lambda: words in sealed.said()[before:], what=lambda: "%s; it said %s" % (words, sealed.said()[-2000:]))
        until(lambda: "daemon.ready" in sealed.said()[before:], what="a daemon that can be stopped")
        sealed.stop()
        assert "event=directory.up" not in sealed.said()

    os.chmod(sealed.keytab, 0o644)
    says("may be read or changed by others")
    os.chmod(sealed.keytab, 0o600)
    os.rename(sealed.keytab, sealed.keytab + ".away")
    says("No such file or directory")
    os.rename(sealed.keytab + ".away", sealed.keytab)
    sealed.ldap.samba_tool("user", "setpassword", "paasla", "--newpassword=Uus-salas0na-2")
    sealed.ldap.samba_tool("user", "setpassword", "paasla", "--newpassword=Uus-salas0na-3")
    says("no Kerberos ticket by keytab_file")
    with open(sealed.conf) as f:
        text = f.read()
    with open(sealed.conf, "w") as f:
        f.write(text.replace("principal = paasla@", "principal = keegi@"))
    says("no Kerberos ticket by keytab_file")


def test_a_server_that_is_no_kerberos_service_of_that_name(sealed):
    sealed.ldap.samba_tool("spn", "delete", "ldap/" + sealed.ldap.ip, "dc1$")
    sealed.start()
    until(lambda: "the log-on by Kerberos failed" in sealed.said(), what="the word")
    assert "event=directory.up" not in sealed.said()
