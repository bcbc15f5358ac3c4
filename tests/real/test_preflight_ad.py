"""paaslactl preflight on a real Active Directory domain controller (Samba): what it finds there, and what its rights give."""
import base64
import contextlib
import functools
import json
import re
import shlex
import socket
import struct
import subprocess
import threading

import pytest

import preflight
from adtown import AdTown
from ldapserver import Certificates
from paaslactl import ATTENTION, OK, USAGE, ctl
from preflight import Bed, Report
from sambaserver import (ACCOUNT_CONTROL, ACCOUNT_EXPIRES, ADMIN_DESCRIPTION, DELEGATION, DOMAIN, GROUP, GROUPS, MEMBER, PEOPLE,
                         PWD_LAST_SET, REALM, RESET_PASSWORD, SERVICE, SUFFIX, USER, SambaServer, encoded_password)
from town import until


class BedAd(Bed):
    def dialect(self):
        return "ad"

    def options(self):
        l = self.ldap
        return {"dialect": "ad", "uris": l.ldaps, "ca_file": l.ca_file, "bind_dn": l.service_dn, "password_file": l.password_file,
                "people_base": PEOPLE, "group_base": GROUPS, "canary_dn": l.canary,
                "rdn_template": "CN={family}\\, {given} ({login})," + PEOPLE,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.sn": "{family}",
                "attribute.userPrincipalName": "{login}@" + DOMAIN}

    def fill(self):
        self.role_group(self.ldap.add_group("r0"))

    def person(self, login, *more):
        return self.entry("CN=%s,%s" % (login, PEOPLE), "objectClass: user", "sAMAccountName: " + login, "userAccountControl: 514", *more)

    def give(self, dn, sddl):
        """An access rule more, by Samba's own program; SERVICE stands for the account's SID."""
        self.ldap.samba_tool("dsacl", "set", "-H", "ldb://" + self.ldap._path("private/sam.ldb"), "--objectdn=" + dn,
                             "--sddl=" + sddl.replace("SERVICE", self.sid()))

    def sid(self):
        return sid_of(self.ldap)


@pytest.fixture(scope="module")
def bed():
    b = BedAd(SambaServer())
    yield b
    b.close()


def test_nothing_stands_in_the_way(bed):
    with bed.person("anu.kask", "employeeNumber: LV-1001"):
        said = bed.look()
        assert (said.code, said.bad(), said.bad("note"), said.bad("unknown")) == (OK, [], [], []), said.rows
        assert said.row("rights_password")["seen"] == "1 of 1 account"
        assert [r["check"] for r in said.rows] == preflight.checks("PF_AD")
        assert said.row("lock_today")["seen"] == "1 of 1 account" and said.row("clock")["seen"] == "as far as whole seconds tell"
        assert said.row("rights_groups")["seen"] == "1 of 1 group" and said.row("rights_create")["seen"] == "in " + PEOPLE
        assert said.row("rights_read")["state"] == "ok"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def test_it_writes_nothing(bed):
    everything = lambda: bed.ldap.search(SUFFIX, "(objectClass=*)", "*", "uSNChanged", "badPwdCount", "lastLogon", "logonCount")
    bed.look()
    before = everything()
    said = bed.look(uris=bed.ldap.ldap)
    assert said.row("plain")["state"] == "ok", "a domain controller refuses a password in the clear (8)"
    changed = {line for line in set(everything().split("\n")) ^ set(before.split("\n")) if not line.startswith(("lastLogon:", "logonCount:", "uSNChanged:"))}
    assert changed == set(), "but that our own account was here"


GUARDIAN = "CN=AdminSDHolder,CN=System," + SUFFIX
# What dsacls calls rights, classes and attributes, by the numbers of the schema.
SCHEMA = {"userAccountControl": ACCOUNT_CONTROL, "adminDescription": ADMIN_DESCRIPTION, "accountExpires": ACCOUNT_EXPIRES,
          "pwdLastSet": PWD_LAST_SET, "member": MEMBER, "user": USER, "group": GROUP, "Reset Password": RESET_PASSWORD}


def aces_of(text, place):
    """The access control entries that the snippet's lines for Windows give on a place, in SDDL with SERVICE for the SID."""
    found = []
    for dn, scope, right, what, heir in re.findall(
            r"""^dsacls '([^']*)' (?:/I:([ST]) )?/G "\$\{who\}:(GR|WP|CA|CC)(?:;([^;"]+))?(?:;([^;"]+))?"$""", text, re.M):
        flags = {"": "", "T": "CI", "S": "CIIO"}[scope]
        if dn != place:
            continue
        if right == "GR":
            found.append("(A;%s;LCRPLORC;;;SERVICE)" % flags)
        else:
            found.append("(OA;%s;%s;%s;%s;SERVICE)" % (flags, {"CA": "CR"}.get(right, right), SCHEMA[what], SCHEMA[heir] if heir else ""))
    return sorted(found)


def test_a_protected_account(bed):
    """What a Windows domain does to members of its own groups: preflight says so before anybody leaves. The ordinary rights
    would not help; those that would are given only to who asks for them, and the text says what they make the daemon."""
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn, bed.person("toomas.mets", "employeeNumber: LV-1002"):
        bed.ldap.protect(dn)
        said = bed.look()
        assert said.objects("guarded") == [dn] and said.row("guarded")["state"] == "note"
        assert said.bad() == ["lock_protected"] and said.objects("lock_protected") == [dn]
        assert said.row("lock_today")["seen"] == "1 of 1 account"
        assert said.row("rights_attributes")["seen"] == "3 of 3 attributes on 1 account"
        assert "--protected-accounts" in said.row("lock_protected")["advice"]
        plain, asked = (bed.ctl("preflight", "--snippets", "-", *more).out for more in ((), ("--protected-accounts",)))
        assert not any(word in plain for word in (GUARDIAN, "lock_protected", "lock_today"))
        (part,) = [p for p in re.split(r"(?m)^# ---- ", asked) if p.startswith("linn, lock_protected ----")]
        head, undo = part.split("# To take it back:\n")
        assert head.index("as mighty as") < head.index("tier 0") < head.index("dsacls ") and "within the hour" in head
        assert undo.count("# dsacls '%s' /R $who\n" % GUARDIAN) == 1 and "runProtectAdminGroupsTask" in undo
        assert PEOPLE not in re.sub(r"(?m)^#.*$", "", head)


def test_rights_on_protected_accounts():
    """The lines of that text for Windows, carried out: what SDProp copies from there lets the daemon lock."""
    bed = BedAd(SambaServer())
    try:
        with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
            bed.ldap.protect(dn)
            said = bed.look("--protected-accounts")
            assert said.bad() == ["lock_protected"]
            aces = aces_of(said.row("lock_protected")["snippet"], GUARDIAN)
            assert len(aces) == 6 and not any("CI" in ace for ace in aces)
            bed.give(GUARDIAN, "".join(aces))
            bed.ldap.protect(dn)  # as SDProp does, within the hour
            said = bed.look("--protected-accounts")
            assert said.bad() == [] and said.row("lock_protected")["seen"] == "1 of 1 protected account"
            assert said.row("rights_attributes")["seen"] == "3 of 3 attributes on 1 account"
            assert said.row("rights_password")["seen"] == "1 of 1 account"
            as_service = dict(dn=SERVICE, password=bed.ldap.password)
            bed.ldap.modify("dn: %s\nchangetype: modify\nreplace: adminDescription\nadminDescription: 1\n" % dn, **as_service)
            bed.ldap.modify("dn: %s\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: %s\n"
                            % (dn, encoded_password("Teine-salas0na")), **as_service)
    finally:
        bed.close()


def test_protected_accounts_is_said_with_snippets(bed):
    for words in (["--protected-accounts"], ["--protected-accounts", "--selftest", "OU=x," + SUFFIX]):
        assert "--protected-accounts is said with --snippets or --json" in bed.ctl("preflight", *words, code=USAGE).err


# What the daemon writes of accounts when the configuration wants all of it, and what the schema calls it.
WANTS = {"certificates": "clear", "keep_attributes": "displayName mail", "mail_alias_attribute": "proxyAddresses",
         "attribute.displayName": "{name}", "attribute.mail": "{given_ascii}.{family_ascii}@linn.test"}
MORE = {"altSecurityIdentities": "00fbf30c-91fe-11d1-aebc-0000f80367c1", "displayName": "bf967953-0de6-11d0-a285-00aa003049e2",
        "mail": "bf967961-0de6-11d0-a285-00aa003049e2", "proxyAddresses": "bf967a06-0de6-11d0-a285-00aa003049e2"}
WRITTEN = {"adminDescription": ADMIN_DESCRIPTION, "accountExpires": ACCOUNT_EXPIRES, "pwdLastSet": PWD_LAST_SET, **MORE}


@pytest.mark.parametrize("attribute", sorted(WRITTEN))
def test_a_right_that_lacks_for_one_account(bed, attribute):
    """Everything that the configuration lets the daemon write is asked for, of each account."""
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn, bed.person("toomas.mets", "employeeNumber: LV-1002") as other:
        for target in (dn, other):
            bed.give(target, "".join("(OA;;WP;%s;;SERVICE)" % i for i in MORE.values()))
        said = bed.look(**WANTS)
        assert said.bad() == [] and said.row("rights_attributes")["seen"] == "7 of 7 attributes on 2 accounts"
        bed.give(dn, "(OD;;WP;%s;;SERVICE)" % WRITTEN[attribute])
        said = bed.look(**WANTS)
        assert said.bad() == ["rights_attributes"] and said.objects("rights_attributes") == [attribute]
        row = said.row("rights_attributes")
        assert row["seen"] == "6 of 7 attributes on 2 accounts" and row["objects"][0]["value"] == dn
        assert re.search(r"%s \([a-z ,]+\) of 1 of 2 accounts, such as %s\." % (attribute, dn), row["text"]), row["text"]
        assert '"${who}:WP;%s;user"' % attribute in row["snippet"]


@pytest.mark.parametrize("rule, may", [
    ("(OD;;CR;%s;;SERVICE)" % RESET_PASSWORD, False), ("(D;;CR;;;SERVICE)", False), ("(OD;;CR;%s;;WD)" % RESET_PASSWORD, False),
    ("(OD;;CR;%s;;GROUP)" % RESET_PASSWORD, False),
    ("(OD;CIIO;CR;%s;;SERVICE)" % RESET_PASSWORD, True), ("(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;SERVICE)", True),
    ("(OD;;CR;%s;;DG)" % RESET_PASSWORD, True), ("(OD;;WP;%s;;SERVICE)" % MEMBER, True)])
def test_a_password_that_may_not_be_set(bed, rule, may):
    """What preflight makes of an account's rules is what the server does."""
    group = bed.ldap.add_group("teenused")
    bed.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (group, SERVICE))
    text = bed.ldap.search(group, "-s", "base", "objectSid")
    octets = base64.b64decode(re.search(r"^objectSid:: (\S+)$", text, re.M)[1])
    of_group = "S-1-5-" + "-".join(str(n) for n in struct.unpack("<%dI" % octets[1], octets[8:]))
    try:
        with bed.person("anu.kask", "employeeNumber: LV-1001") as dn, bed.person("toomas.mets", "employeeNumber: LV-1002"):
            bed.give(dn, rule.replace("GROUP", of_group))
            said = bed.look()
            row = said.row("rights_password")
            try:
                bed.ldap.modify("dn: %s\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: %s\n" % (dn, encoded_password("Teine-salas0na")),
                                dn=SERVICE, password=bed.ldap.password)
                did = True
            except RuntimeError as e:
                assert "(50)" in str(e), e
                did = False
            assert did == may
            assert (row["state"], [o["name"] for o in row["objects"]]) == (("ok", []) if may else ("warning", [dn])), row
            assert row["seen"] == ("2 of 2 accounts" if may else "1 of 2 accounts")
            assert may or "the password of 1 account (Reset Password)" in row["text"]
    finally:
        bed.ldap._tool("ldapdelete", group)


def test_rules_that_may_not_be_read(bed):
    """Then nobody can know beforehand, and the row says so."""
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
        bed.give(dn, "(D;;RC;;;SERVICE)")
        row = bed.look().row("rights_password")
        assert row["state"] == "unknown" and row["seen"] == "the access rules of 1 of 1 account may not be read"
        assert "shows with the first departure, as the finding password_not_useless" in row["text"] and row["snippet"]


@pytest.mark.parametrize("attribute, option, value", [
    ("adminDescription", "fence_attribute", "description"), ("accountExpires", "end_ahead", "no"), ("pwdLastSet", "must_change_password", "no")])
def test_what_the_configuration_does_without(bed, attribute, option, value):
    """No right is asked for, or given by the snippet, that this configuration has no use for."""
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
        bed.give(dn, "(OD;;WP;%s;;SERVICE)(OD;;CR;%s;;SERVICE)" % (WRITTEN[attribute], RESET_PASSWORD))
        assert bed.look().objects("rights_attributes") == [attribute]
        said = bed.look(**{option: value})
        assert attribute not in said.objects("rights_attributes")
        assert attribute + ";user" not in said.row("rights_password")["snippet"]
        assert said.objects("rights_attributes") == (["description"] if option == "fence_attribute" else [])


def test_groups(bed):
    gone, plain = "CN=puudub," + GROUPS, bed.ldap.add_group("esmane")
    own = "CN=Domain Admins,CN=Users," + SUFFIX
    token = re.search(r"^primaryGroupToken: (\d+)", bed.ldap.search(plain, "-s", "base", "primaryGroupToken"), re.M)[1]
    bed.sql("INSERT INTO paasla.register_role (register_code, role_code, name) SELECT 'NAS', 'x' || n, 'x' FROM generate_series(1, 3) n")
    for n, dn in enumerate((gone, plain, own), 1):
        bed.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM paasla.register_role"
                " WHERE role_code = %s", dn, "x%d" % n)
    try:
        with bed.person("mari.esmane") as dn:
            bed.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (plain, dn))
            bed.ldap.modify("dn: %s\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: %s\n" % (dn, token))
            said = bed.look()
            assert said.objects("groups_there") == [gone] and said.objects("groups_primary") == [plain]
            assert said.row("groups_guarded")["state"] == "warning" and bed.look(privileged_groups=own).row("groups_guarded")["state"] == "ok"
            assert said.objects("groups_guarded") == [own] and said.objects("groups_inside") == [own]
            assert said.objects("rights_groups") == [own]
            assert "New-ADGroup -Name 'puudub' -GroupScope Global -Path '%s'\n" % GROUPS in said.row("groups_there")["snippet"]
    finally:
        bed.past("DELETE FROM paasla.role_group WHERE group_dn <> 'CN=r0,%s'" % GROUPS)
        bed.ldap._tool("ldapdelete", plain)


def test_groups_in_groups_are_told(bed):
    """Also one in another, and whoever has one as their primary group, of which the server counts nobody a member."""
    role = "CN=r0," + GROUPS
    assert bed.look().row("groups_nested")["state"] == "ok"
    inner = bed.ldap.add_group("sisemine")
    deeper = bed.ldap.add_group("sugavam")
    try:
        with bed.person("mari.sees") as mari, bed.person("jaan.esmane") as jaan:
            for group, member in ((role, inner), (inner, deeper), (deeper, mari), (inner, jaan)):
                bed.ldap.modify("dn:: %s\nchangetype: modify\nadd: member\nmember:: %s\n" % (b64(group), b64(member)))
            token = re.search(r"^primaryGroupToken: (\d+)", bed.ldap.search(inner, "-s", "base", "primaryGroupToken"), re.M)[1]
            bed.ldap.modify("dn: %s\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: %s\n" % (jaan, token))
            said = bed.look()
            assert said.row("groups_nested")["state"] == "warning"
            assert sorted(said.objects("groups_nested")) == ["%s in %s (1 account: jaan.esmane)" % (inner, role),
                                                             "%s in %s (1 account: mari.sees)" % (deeper, role)]
    finally:
        bed.ldap._tool("ldapdelete", deeper, inner)


def test_more_rights_than_needed(bed):
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn, bed.person("toomas.mets", "employeeNumber: LV-1002") as other:
        bed.give(dn, "(A;;WD;;;SERVICE)")  # may change the rules themselves
        bed.give(other, "(A;;WP;;;SERVICE)")  # may write all attributes
        said = bed.look()
        assert said.bad() == ["rights_too_many"] and sorted(said.objects("rights_too_many")) == [dn, other]


def test_another_fence(bed):
    """What the configuration lets the daemon write is not more than it needs."""
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
        bed.give(dn, "(OA;;WP;bf967950-0de6-11d0-a285-00aa003049e2;;SERVICE)")  # description
        assert bed.look().bad() == ["rights_too_many"] and bed.look(fence_attribute="description").bad() == []


def test_somebody_who_is_there_already_without_a_number(bed):
    with bed.person("mari.tamm") as dn:
        said = bed.look()
        assert said.bad() == ["number_missing"] and said.objects("number_missing") == [dn]
        assert "Set-ADUser '%s' -Replace @{ employeeNumber='LV-1003' }\n" % dn in said.row("number_missing")["snippet"]
        assert "Set-ADUser '%s' -Clear employeeNumber\n" % dn == said.row("number_missing")["undo"]


def test_quotation_marks(bed):
    """In PowerShell the typographic ones end a string as the straight one does."""
    dn = "CN=O'Brien\u2019s $(rm),%s" % GROUPS
    with bed.rows("UPDATE paasla.role_group SET group_dn = %s", "UPDATE paasla.role_group SET group_dn = 'CN=r0,%s'" % GROUPS, dn):
        assert "-Name 'O''Brien\u2019\u2019s $(rm)' -GroupScope" in bed.look().row("groups_there")["snippet"]


@pytest.mark.parametrize("option, check", [("canary_dn", "canary"), ("people_base", "people_base"), ("group_base", "group_base")])
def test_what_is_named_and_not_there(bed, option, check):
    said = bed.look(**{option: "CN=puudub," + PEOPLE})
    assert check in said.bad() and "does not exist or may not be seen" in said.row(check)["text"]
    if option == "canary_dn":
        assert "New-ADUser -Name 'puudub' -SamAccountName 'puudub' -Path '%s'" % PEOPLE in said.row("canary")["snippet"]


def test_the_whole_domain_as_a_base(bed):
    """The domain's root points to other partitions; they are no part of what is to be read."""
    assert bed.look(group_base=SUFFIX).row("read_all")["state"] == "ok"


def test_ways_in_without_a_certificate(monkeypatch, tmp_path):
    """A domain controller that nobody gave a certificate: what preflight prints of Kerberos, carried out, leads in."""
    bed = BedAd(SambaServer(workers=1, tls=False))
    monkeypatch.setenv("KRB5_CONFIG", bed.ldap.krb5)
    try:
        for uris, step in ((bed.ldap.ldaps, "reach"), (bed.ldap.ldap, "tls")):
            said = bed.look(uris=uris)
            row = said.row("ways_in")
            assert said.bad() == [step] and row["state"] == "note" and uris in row["text"], said.rows
            assert "sasl = gssapi" in row["text"] and "a certificate for the domain controller" in row["text"]
            for word in ("ktpass /princ 'paasla@%s' /mapuser 'paasla'" % REALM, "1.3.6.1.5.5.7.3.1", "Cert:\\LocalMachine\\My", "certutil -pulse"):
                assert word in row["snippet"], word
            assert "Remove-Item Cert:" in row["undo"] and "Set-ADAccountPassword 'paasla' -Reset" in row["undo"]
            assert all(line.startswith("#") for line in row["snippet"].splitlines() + row["undo"].splitlines()), "nobody runs both"
        keytab = str(tmp_path / "linn.keytab")
        (make,) = re.findall(r"(?m)^# samba-tool (domain exportkeytab linn.keytab .*)$", row["snippet"])
        bed.ldap.samba_tool(*shlex.split(make.replace("linn.keytab", keytab)))
        lines = dict(re.findall(r"(?m)^# (uris|tls|sasl|keytab_file|principal) = (.*)$", row["snippet"]))
        assert lines.pop("keytab_file") == "credential:secret_linn.keytab" and len(lines) == 4
        with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
            said = bed.look(bind_dn=None, password_file=None, keytab_file=keytab, **lines)
            assert said.bad() == [] and said.row("ways_in")["seen"] == "none is needed", said.rows
            assert said.row("lock_today")["seen"] == "1 of 1 account"
            bed.give(dn, "(OD;;CR;%s;;SERVICE)" % RESET_PASSWORD)
            said = bed.look(bind_dn=None, password_file=None, keytab_file=keytab, **lines)
            assert said.bad() == ["rights_password"] and bed.sid() in said.row("rights_password")["snippet"], "also where the configuration names no DN"
    finally:
        bed.close()


@contextlib.contextmanager
def peer(answer):
    """A port where whoever comes is heard once, answered and shown out."""
    def serve():
        while True:
            try:
                with listener.accept()[0] as s:
                    s.sendall(answer(s.recv(4096)))
            except OSError:
                if not alive:
                    return

    alive, listener = [True], socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        alive.clear()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("scheme, answer, why", [
    ("ldaps", lambda heard: b"", "ends the TLS handshake"),
    # unavailable, as Windows answers StartTLS; the message's number is the question's
    ("ldap", lambda heard: b"\x30\x0c\x02\x01" + heard[4:5] + b"\x78\x07\x0a\x01\x34\x04\x00\x04\x00", "refuses StartTLS (result 52)")])
def test_a_windows_server_without_a_certificate(bed, scheme, answer, why):
    """It listens where ldaps is spoken, and hangs up; Samba does not listen there at all."""
    with peer(answer) as port:
        uri = "%s://127.0.0.1:%d" % (scheme, port)
        said = bed.look(uris=uri)
    assert said.bad() == ["tls"] and said.row("ways_in")["state"] == "note" and why in said.row("ways_in")["text"], said.rows
    assert "# uris = ldap://127.0.0.1\n" in said.row("ways_in")["snippet"]


def test_a_certificate_that_is_there_is_not_missed(bed, tmp_path):
    """Another authority's, or nobody at home: no ways in are named where that is not what is wrong."""
    other = Certificates(str(tmp_path)).ca
    for changed, step in ((dict(ca_file=other), "tls"), (dict(ca_file=other, uris=bed.ldap.ldap), "tls"), (dict(uris="ldaps://127.0.0.252"), "reach")):
        said = bed.look(**changed)
        assert said.bad() == [step] and said.row("ways_in")["state"] == "skipped", said.row("ways_in")
    assert bed.look().row("ways_in")["seen"] == "the server has a certificate"


def test_from_no_rights_to_ready():
    """The lines for Samba of the snippet, carried out, and those for Windows as they would be: both give what the tests of
    the daemon have, neither more nor less."""
    bed = BedAd(SambaServer())
    try:
        given = {dn: aces(bed.ldap, dn) for dn, _ in DELEGATION}
        assert all(given.values())
        drop_rules(bed.ldap)
        assert not any(aces(bed.ldap, dn) for dn, _ in DELEGATION)
        with bed.person("anu.kask", "employeeNumber: LV-1001") as dn:
            said = bed.look()
            assert {"people_base", "rights_groups"} & set(said.bad()), said.bad()
            row = next(r for r in said.rows if r["snippet"] and "samba-tool dsacl" in r["snippet"])
            carry_out(bed.ldap, row["snippet"])
            said = until(lambda: (lambda s: s if not s.bad() else None)(bed.look()), what="the rules to count")
            assert said.row("lock_today")["seen"] == "1 of 1 account" and said.row("rights_create")["state"] == "ok"
            assert said.row("rights_attributes")["seen"] == "3 of 3 attributes on 1 account"
            assert sid_of(bed.ldap) in row["snippet"] and row["undo"].count("dsacls ") == 3
        assert {dn: aces(bed.ldap, dn) for dn, _ in DELEGATION} == given
        for dn, sddl in DELEGATION:
            assert aces_of(row["snippet"], dn) == sorted(re.findall(r"\([^()]*\)", sddl))
    finally:
        bed.close()


def test_the_daemon_works_with_what_the_snippet_gives():
    """Everything that it writes of people, with all options that add to it, and an account that has these rights only."""
    town = AdTown(people=1, must_change="yes", lines=["%s = %s" % (k, v) for k, v in WANTS.items() if k != "attribute.displayName"])
    try:
        drop_rules(town.ldap)
        said = Report(ctl(town.pg.dsn(), "--json", "preflight", "--config", town.conf, code=ATTENTION))
        carry_out(town.ldap, next(r["snippet"] for r in said.rows if r["snippet"] and "samba-tool dsacl" in r["snippet"]))
        town.start().settled()
        town.hire(2000, "Mari", "Maasikas")
        town.grant(2000, "r1")
        town.state_is(2000, "open")
        town.settled()
        dn, seen = town.dn(2000), town.entry(2000, "*", "pwdLastSet")
        assert seen["pwdlastset"] == "0" and town.kinit(2000, town.password(2000), "Oma-salas0na-7", "Oma-salas0na-7")[0]
        assert town.can(2000, "Oma-salas0na-7") == (True, True) and town.in_groups(2000) == ["r1"]
        card = "X509:<I>C=EE,O=SK,CN=ESTEID<S>C=EE,SERIALNUMBER=PNOEE-38001085718"
        town.ldap.modify("dn: %s\nchangetype: modify\nadd: altSecurityIdentities\naltSecurityIdentities: %s\n" % (dn, card))
        town.sql("UPDATE paasla.staff SET family_name = 'Kask', departed_at = now() + interval '2 days', departure_ref = 'KK-1'"
                 " WHERE employee_no = '2000'")
        until(lambda: town.entry(2000)["displayname"] == "Mari Kask" and town.entry(2000)["accountexpires"] != str(2 ** 63 - 1),
              what="the name and the end")
        town.settled()
        seen = town.entry(2000)
        assert seen["mail"] == "mari.kask@linn.test" and seen["proxyaddresses"] == "smtp:mari.maasikas@linn.test"
        assert seen["admindescription"].startswith("paasla")
        town.depart(2000)
        town.state_is(2000, "out")
        town.settled()
        seen = town.entry(2000)
        assert int(seen["useraccountcontrol"]) & 2 and "altsecurityidentities" not in seen and town.in_groups(2000) == []
        assert town.can(2000, "Oma-salas0na-7") == (False, False)
        assert town.sql("SELECT kind FROM paasla.finding WHERE kind IN ('write_denied', 'password_not_useless')") == []
        assert set(town.sql("SELECT outcome FROM paasla.intent")) == {("done",)}
        town.stop()  # or it would lock again
        town.ldap.modify("dn: %s\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 512\n-\n"
                         "replace: accountExpires\naccountExpires: 0\n" % dn)
        assert town.can(2000, "Oma-salas0na-7") == (False, False), "the password is another one"
    finally:
        town.close()


def carry_out(server, snippet):
    """The lines for Samba."""
    for command in re.findall(r"^# samba-tool (dsacl set .*)$", snippet, re.M):
        server.samba_tool(*shlex.split(command), "-H", "ldb://" + server._path("private/sam.ldb"))


@functools.lru_cache(None)
def sid_of(server):
    text = server.samba_tool("user", "show", "paasla", "--attributes=objectSid", "-H", "ldb://" + server._path("private/sam.ldb"))
    return re.search(r"^objectSid: (S-\S+)", text, re.M)[1]


def descriptor(server, dn):
    return server.samba_tool("dsacl", "get", "--objectdn=" + dn, "-H", "ldb://" + server._path("private/sam.ldb"))


def aces(server, dn):
    """What our account was given there by name."""
    return sorted(a for a in re.findall(r"\([^()]*\)", descriptor(server, dn)) if a.endswith(sid_of(server) + ")"))


def drop_rules(server):
    """Takes our account's access rules away again."""
    left = {}
    for dn, _ in DELEGATION:
        left[dn] = re.sub(r"\([^()]*;%s\)" % sid_of(server), "", re.search(r"^O:.*$", descriptor(server, dn), re.M)[0])
    server.stop()
    subprocess.run(["/usr/bin/python3", "-c", DROP, server.conf, server._path("private/sam.ldb"), json.dumps(left)], check=True, env=server.env())
    server.start()


DROP = """
import json
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils
conf, db, left = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
for dn, sddl in json.loads(left).items():
    SDUtils(SamDB(url=db, session_info=system_session(lp), lp=lp)).modify_sd_on_dn(dn, sddl)
"""


def test_every_check_was_seen_to_find_something():
    """Those that the other two kinds of servers do not have."""
    missing = set(preflight.checks("PF_AD")) - set(preflight.checks("PF_OPENLDAP")) - Report.seen
    assert not missing, "these tests, run as a whole, never saw: %s" % sorted(missing)
