"""paaslactl preflight on a real 389 Directory Server: what it finds there, and that its snippets put it right and back."""
import os
import re
import subprocess

import pytest

import preflight
from ds389server import DELEGATION, GROUPS, PEOPLE, SERVICE, SUFFIX, Ds389Server
from paaslactl import OK
from preflight import Bed, Report
from town import until


class Bed389(Bed):
    def dialect(self):
        return "389ds"

    def options(self):
        l = self.ldap
        return {"dialect": "389ds", "uris": l.ldaps, "ca_file": l.ca_file, "bind_dn": l.service_dn, "password_file": l.password_file,
                "people_base": PEOPLE, "group_base": GROUPS, "canary_dn": l.canary, "rdn_template": "uid={login}," + PEOPLE,
                "attribute.employeeNumber": "{institution}-{employee_no}", "attribute.cn": "{name}", "attribute.sn": "{family}"}

    def fill(self):
        self.role_group(self.add_group("r0"))

    def add_group(self, name, more="description: paasla", kind="groupOfNames", base=GROUPS):
        dn = "cn=%s,%s" % (name, base)
        self.ldap.add("dn: %s\nobjectClass: %s\ncn: %s\n%s\n" % (dn, kind, name, more))
        return dn

    def rules(self, dn, change):
        """Access rules count some milliseconds after their change was answered."""
        before = self.look().rows
        self.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, change))
        until(lambda: self.look().rows != before, what="the rules to count")


@pytest.fixture(scope="module")
def bed():
    b = Bed389(Ds389Server())
    yield b
    b.close()


@pytest.fixture
def own():
    b = Bed389(Ds389Server(usn=False))
    yield b
    b.close()


def everything(bed):
    return bed.ldap.search(SUFFIX, "(objectClass=*)", "*", "+", "aci", "nsAccountLock", "entryusn")


def test_nothing_stands_in_the_way(bed):
    with bed.person("anu.kask", "employeeNumber: LV-1001"):
        said = bed.look()
        assert (said.code, said.bad(), said.bad("note"), said.bad("unknown")) == (OK, [], [], []), said.bad("unknown")
        assert [r["check"] for r in said.rows] == preflight.checks("PF_389DS")
        assert said.row("lock_today")["seen"] == said.row("rights_password")["seen"] == "1 of 1 account"
        assert said.row("clock")["seen"] == "as far as whole seconds tell" and said.row("usn")["seen"] == "on"
        assert said.row("rights_groups")["seen"] == "1 of 1 group"


def test_it_writes_nothing(bed):
    before = everything(bed)
    bed.look()
    assert bed.look(uris=bed.ldap.ldap).row("plain")["state"] == "note"
    assert everything(bed) == before


def test_before_there_is_anybody(bed):
    """Rules may go by the number: those who are there and nobody's say nothing of those who will be."""
    with bed.person("keegi"):
        said = bed.look()
        assert said.code == OK and said.bad("unknown") == ["lock_today", "rights_password", "rights_create"]
        assert said.row("lock_today")["seen"] == "no account belongs to anybody of the table yet"


def test_another_kind_of_server(bed):
    """The configured dialect must be the server's: the daemon's own sentence."""
    said = bed.look(dialect="openldap")
    assert {"in_table", "first_reads"} <= set(said.bad())
    assert "this is 389 Directory Server" in said.row("first_reads")["text"]


@pytest.mark.parametrize("attrs, check", [("nsAccountLock", "lock_today"), ("userPassword", "rights_password")])
def test_a_right_that_lacks_for_one_account(bed, attrs, check):
    deny = 'aci: (targetattr="%s")(version 3.0; acl "test"; deny (write) userdn="ldap:///%s";)' % (attrs, SERVICE)
    with bed.person("anu.kask", "employeeNumber: LV-1001") as one, bed.person("toomas.mets", "employeeNumber: LV-1002"):
        bed.rules(one, "add: aci\n" + deny)
        said = bed.look()
        assert said.bad() == [check] and said.objects(check) == [one] and said.row(check)["seen"] == "1 of 2 accounts"


KEEPS = {"keep_attributes": "displayName mail", "mail_alias_attribute": "mailAlternateAddress", "attribute.displayName": "{name}",
         "attribute.mail": "{given_ascii}.{family_ascii}@linn.test"}


def test_a_kept_name_that_may_not_be_written(own):
    """What keep_attributes and mail_alias_attribute add to the daemon's writes: asked for, and given by the snippet."""
    mailed = "objectClass: mailRecipient"
    with own.person("anu.kask", "employeeNumber: LV-1001", mailed) as one, own.person("toomas.mets", "employeeNumber: LV-1002", mailed):
        assert own.look().row("rights_attributes")["seen"] == "nothing but the lock and the password is written"
        row = own.look(**KEEPS).row("rights_attributes")
        assert row["state"] == "warning" and [o["name"] for o in row["objects"]] == ["displayName", "mail", "mailAlternateAddress"]
        assert "displayName (follows the name) of 2 of 2 accounts, such as uid=" in row["text"]
        (rule,) = set(re.findall(r'^(aci: .*acl "paasla locks".*)$', row["snippet"], re.M))
        own.ldap.modify("dn: %s\nchangetype: modify\nadd: aci\n%s\n" % (PEOPLE, rule))
        ready = until(lambda: (lambda s: s if not s.bad() else None)(own.look(**KEEPS)), what="the rules to count")
        assert ready.row("rights_attributes")["seen"] == "3 of 3 attributes on 2 accounts"
        own.ldap.modify("dn: %s\nchangetype: modify\nreplace: mail\nmail: anu.kask@linn.test\n" % one, dn=SERVICE, password=own.ldap.password)
        with own.person("mari.tamm", "employeeNumber: LV-1003") as bare:  # no class of hers allows it
            row = own.look(**KEEPS).row("rights_attributes")
            assert row["objects"] == [{"name": "mailAlternateAddress", "value": bare}] and "add the class" in row["advice"]
        deny = 'aci: (targetattr="mail")(version 3.0; acl "test"; deny (write) userdn="ldap:///%s";)' % SERVICE
        own.ldap.modify("dn: %s\nchangetype: modify\nadd: aci\n%s\n" % (one, deny))
        said = until(lambda: (lambda s: s if s.bad() else None)(own.look(**KEEPS)), what="the rule to count")
        assert said.bad() == ["rights_attributes"] and said.objects("rights_attributes") == ["mail"]
        assert "mail (follows the name) of 1 of 2 accounts, such as " + one in said.row("rights_attributes")["text"]


def test_more_rights_than_needed(bed):
    with bed.person("anu.kask", "employeeNumber: LV-1001") as one:
        bed.rules(one, 'add: aci\naci: (version 3.0; acl "test"; allow (delete) userdn="ldap:///%s";)' % SERVICE)
        assert bed.look().bad() == ["rights_too_many"] and bed.look().objects("rights_too_many") == [one]


def test_a_lock_of_two_values(bed):
    """Which one the server heeds is a matter of their order."""
    with bed.person("kaks", "nsAccountLock: TRUE", "nsAccountLock: FALSE") as dn, bed.person("lukus", "nsAccountLock: TRUE"):
        said = bed.look()
        assert said.bad() == ["locks_hold"] and said.objects("locks_hold") == [dn]
        assert said.row("locks_hold")["seen"] == "1 of 2 locks are enforced"


def test_nobody_may_be_added(bed):
    deny = 'aci: (targetattr="*")(version 3.0; acl "test"; deny (add) userdn="ldap:///%s";)' % SERVICE
    with bed.person("anu.kask", "employeeNumber: LV-1001"):
        bed.rules(PEOPLE, "add: aci\n" + deny)
        try:
            assert bed.look().bad() == ["rights_create"]
        finally:
            bed.rules(PEOPLE, "delete: aci\n" + deny)


def test_an_attribute_that_may_not_be_read(bed):
    deny = 'aci: (targetattr="employeeNumber")(version 3.0; acl "test"; deny (read,search,compare) userdn="ldap:///%s";)' % SERVICE
    with bed.person("anu.kask", "employeeNumber: LV-1001") as one:
        bed.rules(one, "add: aci\n" + deny)
        said = bed.look()
        assert said.objects("rights_read") == ["employeeNumber"]


def test_groups(bed):
    outside = "cn=kaugel,ou=teenused," + SUFFIX
    bed.ldap.add("dn: %s\nobjectClass: groupOfNames\ncn: kaugel\n" % outside)
    bed.ldap.modify('dn: ou=teenused,%s\nchangetype: modify\nadd: aci\naci: (targetattr="*")(version 3.0; acl "t"; allow (read,search)'
                    ' userdn="ldap:///%s";)\n' % (SUFFIX, SERVICE))
    bed.sql("INSERT INTO paasla.register_role (register_code, role_code, name) SELECT 'NAS', 'x' || n, 'x' FROM generate_series(1, 2) n")
    for n, dn in enumerate((outside, "cn=puudub," + GROUPS), 1):
        bed.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM paasla.register_role"
                " WHERE role_code = %s", dn, "x%d" % n)
    try:
        said = until(lambda: (lambda s: s if s.objects("groups_inside") == [outside] and s.objects("rights_groups") else None)(bed.look()))
        assert said.objects("rights_groups") == [outside] and said.objects("groups_there") == ["cn=puudub," + GROUPS]
        assert "member:" not in said.row("groups_there")["snippet"], "here a group may be empty"
        apply(bed, said.row("groups_there")["snippet"])
        assert bed.look().row("groups_there")["state"] == "ok"
        apply(bed, said.row("groups_there")["undo"])
    finally:
        bed.past("DELETE FROM paasla.role_group WHERE group_dn <> 'cn=r0,%s'" % GROUPS)
        bed.ldap._tool("ldapdelete", outside)


def apply(bed, snippet):
    """What a snippet has people type, as the directory manager. dsconf is asked as it stands there, but for the password."""
    for command, ldif in re.findall(r"^(ldapmodify .*) <<'LDIF'\n(.*?)^LDIF$", snippet, re.S | re.M):
        assert " -D 'cn=Directory Manager' -W" in command
        bed.ldap.modify(ldif)
    for command in re.findall(r"^dsconf (.*)$", snippet, re.M):
        assert command.startswith("-D 'cn=Directory Manager' -W %s " % bed.ldap.ldaps), command
        words = command.split(bed.ldap.ldaps + " ")[1].split()
        subprocess.run(["dsconf", "-D", bed.ldap.root_dn, "-w", bed.ldap.root_password, bed.ldap.ldaps, *words], check=True,
                       env=dict(os.environ, LDAPTLS_CACERT=bed.ldap.ca_file), capture_output=True)


STAMPS = "(entryusn|modifyTimestamp|modifiersName|numSubordinates|tombstoneNumSubordinates|passwordGraceUserTime|nsUniqueId|parentid|entryid): "


def without_stamps(ldif):
    return sorted(sorted(line for line in e.split("\n") if not re.match(STAMPS, line)) for e in ldif.strip().split("\n\n"))


def test_from_no_rights_to_ready_and_back(own):
    """An account without rules or limits of its own, a canary and a group that are not there, USN off, a server of narrow limits."""
    own.ldap.add_people(600, password=None)
    own.ldap.modify("dn: cn=config\nchangetype: modify\nreplace: nsslapd-pagedsizelimit\nnsslapd-pagedsizelimit: 100\n")
    for target in DELEGATION.split("\n\n"):
        own.ldap.modify(target.split("\n", 1)[0] + "\nchangetype: modify\ndelete: aci\n")
    own.ldap.modify("dn: %s\nchangetype: modify\n%s\n" % (SERVICE, "-\n".join("delete: %s\n" % a for a in (
        "nsSizeLimit", "nsTimeLimit", "nsLookThroughLimit", "nsIdleTimeout", "nsPagedSizeLimit"))))
    own.ldap._tool("ldapdelete", own.ldap.canary, "cn=r0," + GROUPS)
    gone = {"people_base", "group_base", "canary", "groups_there"}
    until(lambda: gone <= set(own.look().bad()), what="each of the rules to be gone")
    town, done = everything(own), []

    def carry_out(check, then):
        row = own.look().row(check)
        assert row["snippet"] and row["undo"], row
        done.append(row)
        apply(own, row["snippet"])
        return until(lambda: (lambda s: s if s.row(check)["state"] == then else None)(own.look()), what="%s to be %s" % (check, then))

    said = carry_out("people_base", "ok")
    assert said.bad() == ["canary", "read_all", "groups_there"]
    assert re.search(r"people came to \d+ entries, then the server's size limit ended it \(result 4\)", said.row("read_all")["text"])
    carry_out("read_all", "ok")
    carry_out("canary", "ok")
    said = carry_out("groups_there", "ok")
    assert (said.code, said.bad(), said.bad("note")) == (OK, [], ["usn", "nobodys"])
    assert said.row("rights_groups")["seen"] == "1 of 1 group" and own.look(uris=own.ldap.ldap).row("plain")["state"] == "note"
    with own.person("anu.kask", "employeeNumber: LV-1001"):
        assert [own.look().row(c)["state"] for c in ("lock_today", "rights_password", "rights_create", "rights_read")] == ["ok"] * 4
    done.append(said.row("usn"))
    apply(own, said.row("usn")["snippet"])
    own.ldap.stop()
    own.ldap.start()
    assert own.look().row("usn")["state"] == "ok", "as the snippet says, from the next start on"
    for row in reversed(done):
        apply(own, row["undo"])
    assert without_stamps(everything(own)) == without_stamps(town)


def test_the_rules_let_the_daemon_do_its_work_and_no_more(own):
    """What the snippet gives, as the service account itself would use it."""
    own.ldap.modify(DELEGATION.split("\n\n")[0].split("\n", 1)[0] + "\nchangetype: modify\ndelete: aci\n")
    own.ldap.modify(DELEGATION.split("\n\n")[1].split("\n", 1)[0] + "\nchangetype: modify\ndelete: aci\n")
    until(lambda: {"people_base", "group_base"} <= set(own.look().bad()), what="both rules to be gone")
    apply(own, own.look().row("people_base")["snippet"])
    as_service = dict(dn=SERVICE, password=own.ldap.password)
    ours, theirs = "uid=meie,%s" % PEOPLE, "uid=muu,%s" % PEOPLE
    new = "dn: %s\nobjectClass: inetOrgPerson\ncn: x\nsn: x\nnsAccountLock: TRUE\n%s\n"
    until(lambda: not refused(own.ldap.add, new % (ours, "employeeNumber: LV-5"), **as_service))
    assert refused(own.ldap.add, new % (theirs, ""), **as_service) and refused(own.ldap.add, new % (theirs, "employeeNumber: KK-5"), **as_service)
    own.ldap.add(new % (theirs, "employeeNumber: 17"))
    write = "dn: %s\nchangetype: modify\nreplace: %s\n%s: %s\n"
    for attr, value, group_too in (("nsAccountLock", "FALSE", False), ("userPassword", "Pikk-ja-salajane-1", False)):
        assert not refused(own.ldap.modify, write % (ours, attr, attr, value), **as_service)
        assert refused(own.ldap.modify, write % (theirs, attr, attr, value), **as_service)
    for attr in ("employeeNumber", "cn", "aci"):
        assert refused(own.ldap.modify, write % (ours, attr, attr, "x"), **as_service)
    plain = own.add_group("margita", more="")
    member = "dn: %s\nchangetype: modify\nadd: member\nmember: " + ours + "\n"
    until(lambda: not refused(own.ldap.modify, member % ("cn=r0," + GROUPS), **as_service), what="the rule of groups to count")
    assert refused(own.ldap.modify, member % plain, **as_service)
    assert refused(own.ldap._tool, "ldapdelete", ours, **as_service)


def refused(call, *args, **more):
    try:
        call(*args, **more)
    except RuntimeError as e:
        assert "(50)" in str(e), e
        return True
    return False


def test_every_check_was_seen_to_find_something():
    """Those that only this kind of server has, and those of rights; test_preflight.py sees to the others."""
    missing = set(preflight.checks("PF_389DS")) - set(preflight.checks("PF_OPENLDAP")) - Report.seen
    assert not missing, "these tests, run as a whole, never saw: %s" % sorted(missing)
