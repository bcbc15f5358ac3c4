"""paaslactl preflight --selftest on real servers: it sees what the daemon needs, leaves nothing behind, and touches nothing else."""
import os
import re
import signal
import subprocess

import pytest

from ldapserver import SUFFIX, SlapdServer
from paaslactl import ATTENTION, CTL, OK, USAGE, Said, environment
from selftest import BEDS, OpenLdap, Relay, Report, plain
from test_preflight import BareBed, ConfiguredSlapd, carry_out, configuration

NOT_REACHABLE = 4
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "daemon", "ctl", "selftest_table.c")
MARK = "description: paasla selftest 20260101T000000"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="389 Directory Server and Samba run as root only")


@pytest.fixture(scope="module", params=list(BEDS))
def bed(request):
    b = BEDS[request.param]()
    yield b
    b.close()


@pytest.fixture
def clean(bed):
    """The OU is empty before and after, whatever the test found."""
    assert bed.below() == []
    yield bed
    for dn in sorted(bed.below(), key=lambda d: -d.count(",")):
        bed.delete(dn)


def table(dialect):
    with open(TABLE, encoding="ascii") as f:
        text = re.sub(r"\bLDAP,", "PF_OPENLDAP | PF_389DS,", f.read()).replace("PF_ALL", "PF_OPENLDAP | PF_389DS | PF_AD")
    rows = re.findall(r'^ {4}\{"([a-z_]+)",\s+([A-Z0-9_ |]+),', text, re.M)
    found = [name for name, kinds in rows if "PF_" + dialect.upper() in kinds.split(" | ")]
    assert len(found) > 25 and len(set(found)) == len(found)
    return found


# ---- all is as needed ----

NOT_TRIED = {"openldap": [], "389ds": ["assertion"], "ad": ["assertion", "post_read"]}
CODES = {"openldap": (49, 49, 20, 16, 65), "389ds": (53, 53, 20, 16, 0), "ad": (49, 49, 68, 53, 0)}


def test_the_server_behaves_as_needed(clean):
    before = clean.outside()
    said = clean.look()
    assert (said.code, said.those("differs"), said.whole["left"], said.whole["stopped"]) == (OK, [], [], None), said.whole
    assert list(said.rows) == table(clean.dialect) and said.those("skipped") == NOT_TRIED[clean.dialect]
    assert said.those("note") == ["alike"]
    assert said.codes("log_on_locked", "log_on_after_lock", "group_twice", "group_absent", "group_last") == list(CODES[clean.dialect])
    assert said.codes("log_on", "log_on_first") == [0, 49 if clean.dialect == "ad" else 0] and said.whole["removed"] >= 6
    assert said.whole["ou"] == clean.ou and said.whole["directory"] == "linn" and said.whole["removed_of_former"] == 0
    assert clean.below() == []
    assert clean.outside() == before


def test_for_people(clean):
    said = clean.run("linn", code=OK)
    assert re.match(r"linn \(%s, .*\): the server behaves as the daemon needs, in \d+ checks; \d were not tried\.$" % clean.dialect, said.lines[0])
    assert re.search(r"^log_on_after_lock +ok +refused, (49 invalidCredentials|53 unwillingToPerform): ", said.out, re.M)
    assert said.lines[-1] == "Nothing is left of it in %s." % clean.ou and not said.err


def test_log_ins_that_differ_by_a_mark(clean):
    """Samba and slapd take both; 389 has a rule about letters. Windows takes them for one, and was not tried."""
    came = clean.look(code=OK).rows["alike"]["came"]
    assert ("does not take the letter" if clean.dialect == "389ds" else "it takes both") in came


@pytest.mark.parametrize("bed", ["ad"], indirect=True)
def test_a_first_password_that_has_to_be_changed(clean):
    said = clean.look(code=OK, must_change_password="yes")
    assert said.rows["log_on_first"]["expected_code"] == 49 and "must be changed first" in said.rows["log_on_first"]["came"]
    said = clean.look(code=OK, must_change_password="no")
    assert said.rows["log_on_first"]["expected_code"] == said.rows["log_on_first"]["code"] == 0


def test_other_forms_of_names(clean):
    cn = {} if clean.dialect == "ad" else {"attribute.cn": "{name} {login}"}
    assert clean.look(code=OK, rdn_template="CN={name} {login}," + clean.server.people, **cn).those("differs") == []
    said = clean.run(code=USAGE, rdn_template="CN={name},OU={login}," + clean.server.people)
    assert "needs {login} in the first part" in said.err and clean.below() == []


# ---- the OU ----

@pytest.mark.parametrize("lines", [
    ["description: tavaline"], [MARK], ["description: paasla selftest"]], ids=["stranger", "mark", "half a mark"])
def test_an_ou_that_is_not_empty(clean, lines):
    """Also one with our mark and no name of ours, or the other way round, is nobody's to remove."""
    name = "keegi" if lines == [MARK] else "paasla-selftest-ab2c"
    dn = "ou=%s,%s" % (name, clean.ou)
    clean.entry(dn, "objectClass: organizationalUnit", *lines)
    before = clean.outside()
    said = clean.run(code=USAGE)
    assert "it is not empty, so nothing is written. 1 entry" in said.err and name in said.err and not said.out
    assert [d.lower() for d in clean.below()] == [dn.lower()] and clean.outside() == before


def test_leftovers_beside_a_stranger_stay(clean):
    clean.entry("ou=paasla-selftest-ab2c," + clean.ou, "objectClass: organizationalUnit", MARK)
    clean.entry("ou=keegi,ou=paasla-selftest-ab2c," + clean.ou, "objectClass: organizationalUnit")
    assert "ou=keegi," in clean.run(code=USAGE).err.lower()
    assert len(clean.below()) == 2


def test_what_may_not_be_the_place(clean):
    l, before = clean.server, clean.outside()
    for ou, word in ((l.people, "people_base"), (l.suffix, "people_base"), (l.groups, "group_base"), (l.canary, "canary_dn"),
                     ("ou=x," + l.canary, "canary_dn"), (l.service_dn, "bind_dn"), (l.service_dn.split(",", 1)[1], "is that or lies in it"),
                     (l.people.upper().replace(",", " , "), "people_base"), ("ou=puudub," + l.suffix, "does not exist"),
                     ("paasla", "this is no DN"), (" ", "this is no DN"), ("ou=x,", "this is no DN"),
                     ("<GUID=00112233445566778899aabbccddeeff>", "this is no DN")):
        said = clean.run(ou=ou, code=USAGE)
        assert word in said.err and not said.out, (ou, said.err)
    assert clean.outside() == before and clean.below() == []


def test_below_a_base(clean):
    """The whole tree may be one: then it is told that a daemon sees it."""
    said = clean.look(code=OK, group_base=clean.server.suffix)
    assert [n for n in said.whole["notes"] if "lies below group_base" in n] == said.whole["notes"] != []


def test_no_right_in_the_ou(clean):
    before = clean.below(clean.other)
    said = clean.look(code=ATTENTION, ou=clean.other)
    assert said.those("differs") == ["place"] and said.rows["place"]["code"] == 50 and said.those("ok") == []
    assert "may not make and remove entries" in said.rows["place"]["text"] and said.whole["left"] == []
    assert clean.other in said.whole["snippet"] and said.whole["undo"]
    assert clean.below(clean.other) == before == []
    assert "add --snippets -" in clean.run(ou=clean.other, code=ATTENTION).out


@pytest.mark.parametrize("bed", ["389ds"], indirect=True)
def test_no_right_to_remove(clean):
    aci = 'aci: (targetattr="*")(version 3.0; acl "t"; allow (add,read,search) userdn="ldap:///%s";)' % clean.server.service_dn
    clean.server.modify("dn: %s\nchangetype: modify\nadd: aci\n%s\n" % (clean.other, aci))
    try:
        said = clean.look(code=ATTENTION, ou=clean.other)
        (left,), (dn,) = said.whole["left"], clean.below(clean.other)
        assert left["dn"] == dn and left["code"] == 50 and said.rows["place"]["came"].endswith("(it may not remove what it has made)")
        assert left["command"].startswith("ldapdelete -x -H ldaps://") and left["command"].endswith(" '%s'" % dn)
        assert "Left behind, remove by hand:\n  " in clean.run(ou=clean.other, code=ATTENTION).out
    finally:
        for dn in clean.below(clean.other):
            clean.delete(dn)
        clean.server.modify("dn: %s\nchangetype: modify\ndelete: aci\n%s\n" % (clean.other, aci))


@pytest.mark.parametrize("bed", ["389ds", "ad"], indirect=True)
def test_a_name_of_the_ou_that_has_to_be_escaped(clean):
    plain, name = clean.ou, "OU=Pr\u00f5o\\, v'\u017eik," + clean.server.suffix
    clean.ou = name
    try:
        clean.apply(clean.run("--snippets", "-", code=OK).out.split("# To take it back:")[0])
        assert clean.look(code=OK).those("differs") == [] and clean.below() == []
        clean.delete(name)
    finally:
        clean.ou = plain


# ---- ends of other kinds ----

def through(bed, at, act):
    """A configuration that reaches the server through a relay."""
    port = 636 if bed.dialect == "ad" else bed.server.tls_port
    host = bed.server.ip if bed.dialect == "ad" else "127.0.0.1"
    relay = Relay((host, port), at, act)
    return relay, {"uris": "ldaps://%s:%d" % (host, relay.port), "tls": None}


@pytest.mark.parametrize("at", [25, 40, 48])
def test_interrupted(clean, at):
    seen = []

    def act(*_):
        seen.extend(clean.below())
        process.send_signal(signal.SIGINT if at != 40 else signal.SIGTERM)
    relay, conf = through(clean, at, act)
    process = clean.start("--json", **conf)
    said = Report(end(process))
    relay.close()
    assert seen and (said.code, said.whole["stopped"], said.whole["left"]) == (ATTENTION, "interrupted", [])
    assert said.those("skipped") and said.those("differs") == [] and clean.below() == []


def end(process):
    out, err = process.communicate(timeout=120)
    return Said(subprocess.CompletedProcess([], process.returncode, out, err))


def test_killed_and_run_again(clean):
    relay, conf = through(clean, 48, lambda *_: process.kill())
    process, before = clean.start("--json", **conf), clean.outside()
    process.communicate(timeout=120)
    relay.close()
    left = clean.below()
    assert process.returncode == -signal.SIGKILL and left
    assert clean.outside() == before
    said = clean.look(code=OK)
    assert said.whole["removed_of_former"] == len(left) and clean.below() == []


def test_the_connection_is_lost(clean):
    relay, conf = through(clean, 45, lambda *_: True)
    said = Report(end(clean.start("--json", **conf)))
    relay.close()
    assert (said.code, said.whole["stopped"], said.whole["left"]) == (ATTENTION, "the connection was lost", [])
    assert said.whole["removed"] > 0 and clean.below() == []


def test_the_connection_does_not_come_back(clean):
    def act(relay, *_):
        relay.refuse = True
        return True
    relay, conf = through(clean, 45, act)
    said = Report(end(clean.start("--json", **conf)))
    relay.close()
    there, told = {plain(dn) for dn in clean.below()}, {plain(l["dn"]) for l in said.whole["left"]}
    assert said.code == ATTENTION and there and there <= told, "what is left was told"
    assert all(l["dn"] in l["command"] or "\\" in l["dn"] for l in said.whole["left"])
    assert clean.look(code=OK).whole["removed_of_former"] == len(there) and clean.below() == []


def test_not_reachable(clean):
    said = clean.run(code=NOT_REACHABLE, uris="ldaps://127.0.0.1:1", tls=None)
    assert "not reachable" in said.err
    assert clean.look(code=OK, uris="ldaps://127.0.0.1:1 " + clean.options()["uris"]).whole["address"] == clean.options()["uris"]


def test_which_directory(clean):
    with open(clean.conf()) as f:
        text = f.read()
    path = os.path.join(clean.dir, "two.conf")
    with open(path, "w") as f:
        f.write(text + text[text.index("[directory linn]"):].replace("[directory linn]", "[directory kool]"))
    two = lambda *more: end(start(path, clean, *more))
    assert "2 directories; say which" in two().err and two().code == USAGE
    assert "there is no [directory vald]" in two("vald").err
    assert two("kool").lines[0].startswith("kool (")


def start(path, bed, *more):
    return subprocess.Popen([CTL, "preflight", *more, "--selftest", bed.ou, "--config", path], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment())


# ---- a server that does not do what the daemon needs ----

class NoPolicy(SlapdServer):
    """The overlay is loaded, so that the lock can be written, and no policy applies to anybody."""

    def _configure(self):
        super()._configure()
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace('ppolicy_default "%s"' % self.policy, ""))


def test_a_lock_that_is_not_enforced():
    bed = OpenLdap(NoPolicy())
    try:
        said = bed.look(code=ATTENTION)
        assert {"create_locked", "log_on_locked", "log_on_after_lock", "lock_proven"} <= set(said.those("differs"))
        assert said.codes("lock", "log_on_after_lock") == [0, 0] and "go on logging on" in said.rows["log_on_after_lock"]["text"]
        assert bed.below() == [] and said.whole["left"] == []
        text = bed.run(code=ATTENTION).out
        assert "differs (log_on_after_lock): awaited refused, 49 invalidCredentials: log-on with the right password, after the lock; " \
               "came 0 success. A leaver would go on logging on" in text
    finally:
        bed.close()


class Lacking(OpenLdap):
    """One line more in front of the rules."""

    def put(self, line):
        with open(self.server.config) as f:
            self.text = f.read()
        with open(self.server.config, "w") as f:
            f.write(self.text.replace("access to", line + "\naccess to", 1))
        self.server.stop()
        self.server.start()


@pytest.fixture(scope="module")
def lacking():
    b = Lacking()
    yield b
    b.close()


@pytest.mark.parametrize("what, differ", [
    ("attrs=member", {"group_add": 50}),
    ("attrs=pwdEndTime", {"open": 50, "lock": 50, "close": 50}),
    ("attrs=userPassword", {"password": 50, "first_password": 50, "close": 50}),
    ("attrs=entryUUID", {"create": 0}),
    ("attrs=cn", {"rename": 50}),
    ("attrs=entryCSN", {"post_read": 0}),
    ("attrs=children", {"place": 50}),
])
def test_what_lacks_is_found(lacking, what, differ):
    """Each by the check that is there for it."""
    who = 'dn.exact="%s"' % lacking.server.service_dn
    lacking.put('access to dn.subtree="%s" %s by %s %s by * break' % (
        lacking.ou, what, who, "none" if what in ("attrs=entryUUID", "attrs=entryCSN") else "read"))
    try:
        said = lacking.look(code=ATTENTION)
        assert {name: said.rows[name]["code"] for name in said.those("differs")} == differ
        assert all(said.rows[name]["text"] and said.rows[name]["advice"] for name in differ)
        assert lacking.below() == [] and said.whole["left"] == []
    finally:
        with open(lacking.server.config, "w") as f:
            f.write(lacking.text)
        lacking.server.stop()
        lacking.server.start()


def test_a_directory_that_gives_no_pages(lacking):
    """What cannot be looked at whole is not written to."""
    lacking.put("")
    with open(lacking.server.config, "w") as f:
        f.write(lacking.text.replace("size=unlimited", "size=unlimited size.prtotal=disabled"))
    lacking.server.stop()
    lacking.server.start()
    try:
        said = lacking.run(code=ATTENTION)
        assert "cannot be read whole, in pages (11 adminLimitExceeded), so nothing is written" in said.err and lacking.below() == []
    finally:
        with open(lacking.server.config, "w") as f:
            f.write(lacking.text)
        lacking.server.stop()
        lacking.server.start()


def test_a_configuration_that_makes_no_accounts(clean):
    said = clean.look(code=ATTENTION, **{"attribute.puudub": "x"})
    assert said.those("differs") == ["create"] and said.rows["create"]["code"] in (16, 17, 65)
    assert "attribute.*" in said.rows["create"]["advice"] and said.those("ok") == ["place"]
    assert "something before it did not come true" in said.rows["lock"]["came"]


@pytest.mark.parametrize("bed", ["389ds", "ad"], indirect=True)
def test_a_policy_that_refuses_passwords(clean):
    """Of 16 letters and digits; whoever may reset a password is not above it there, unlike slapd."""
    dn, names = ("cn=config", ("passwordCheckSyntax: on", "passwordMinLength: 20")) if clean.dialect == "389ds" else (
        clean.server.suffix, ("minPwdLength: 20",))
    old = clean.server.search(dn, "-s", "base", *[n.split(":")[0] for n in names])
    change = lambda lines: clean.server.modify("dn: %s\nchangetype: modify\n%s" % (
        dn, "-\n".join("replace: %s\n%s\n" % (l.split(":")[0], l) for l in lines)))
    change(names)
    try:
        said = clean.look(code=ATTENTION)
        assert said.those("differs") == ["password"] + ["first_password"] * (said.rows["first_password"]["state"] == "differs")
        assert said.rows["password"]["code"] == 19 and "password policy" in said.rows["password"]["advice"]
        assert "log_on" in said.those("skipped") and clean.below() == []
    finally:
        change(re.findall(r"^(?:%s): .*$" % "|".join(n.split(":")[0] for n in names), old, re.M))


@pytest.mark.parametrize("bed", ["ad"], indirect=True)
def test_without_a_fence(clean):
    """Then the flags alone are compared, and a write that comes late succeeds: that is what the check is there to find."""
    said = clean.look(code=ATTENTION, fence_attribute="")
    assert said.those("differs") == ["fence_late"] and said.rows["fence_late"]["code"] == 0
    assert "is 514, not 512" in said.rows["fence_late"]["came"] and "fence_attribute" in said.rows["fence_late"]["advice"]
    assert said.rows["fence_other"]["state"] == "ok" and clean.below() == []


# ---- other ways to log on ----

@pytest.mark.parametrize("bed", ["openldap"], indirect=True)
def test_by_the_socket(clean):
    said = clean.look(code=OK, uris=clean.server.ldapi, tls=None, ca_file=None, sasl="external", bind_dn=None, password_file=None)
    assert said.those("differs") == [] and said.rows["log_on_after_lock"]["code"] == 49


@pytest.mark.parametrize("bed", ["ad"], indirect=True)
def test_by_kerberos(clean):
    """Without TLS the daemon's own connection is sealed; a password of the test's would not be, and is not sent."""
    l = clean.server
    keytab = os.path.join(l.dir, "paaslad.keytab")
    l.samba_tool("spn", "add", "ldap/" + l.ip, "dc1$")
    l.samba_tool("domain", "exportkeytab", keytab, "--principal=paasla@" + l.realm)
    os.chmod(keytab, 0o600)
    os.environ["KRB5_CONFIG"] = l.krb5
    try:
        said = clean.look(code=ATTENTION, uris=l.ldap, tls="none", sasl="gssapi", keytab_file=keytab, principal="paasla@" + l.realm,
                          bind_dn=None, password_file=None)
        assert said.those("differs") == [] and "ldaps://" in said.whole["notes"][0]
        assert {"log_on_locked", "log_on", "log_on_after_lock", "log_on_closed"} <= set(said.those("skipped"))
        assert said.codes("lock", "close", "password", "fence_other", "fence_late") == [0, 0, 0, 16, 16] and clean.below() == []
    finally:
        del os.environ["KRB5_CONFIG"]


# ---- the snippet where it belongs ----

def each(bare, text):
    """One command after the other."""
    for part in text.split("\nLDIF\n"):
        carry_out(bare, part + "\nLDIF\n")


def test_the_snippet_of_openldap_and_back():
    """On a slapd as Debian's package sets one up, ready by what preflight says, and no right more."""
    bare = BareBed(ConfiguredSlapd())
    ou = "ou=paasla-selftest," + SUFFIX
    try:
        for check in ("ppolicy", "policy", "watch", "read_all", "placeholder", "canary", "rights_write"):
            carry_out(bare, bare.look().row(check)["snippet"])
        before = configuration(bare)
        made, undo = bare.ctl("preflight", "--selftest", ou, "--snippets", "-", code=OK).out.split("# To take it back:\n")
        each(bare, made)
        said = Report(bare.ctl("--json", "preflight", "--selftest", ou, code=OK))
        assert (said.code, said.those("differs"), said.whole["left"]) == (OK, [], [])
        each(bare, re.sub(r"^# ?", "", undo, flags=re.M))
        assert configuration(bare) == before
        assert "does not exist" in bare.ctl("preflight", "--selftest", ou, code=USAGE).err
    finally:
        bare.close()
