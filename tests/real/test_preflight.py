"""paaslactl preflight on a real slapd: every check is seen to find what it is for, and to be quiet otherwise."""
import os
import re
import sys
import time

import pytest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "install"))
import chapter
import preflight
from configured import ConfiguredSlapd
from fakeldap import DONE, FakeServer, entry, message, result
from ldapserver import GROUPS, PEOPLE, SUFFIX, SlapdServer, run
from paaslactl import ATTENTION, NO_DB, OK, USAGE, ctl
from preflight import Bed, Report, Server


@pytest.fixture(scope="module")
def bed():
    b = Bed()
    yield b
    b.close()


# ---- nothing stands in the way ----

def test_nothing_stands_in_the_way(bed):
    said = bed.look()
    assert (said.code, said.bad(), said.bad("note"), said.bad("skipped")) == (OK, [], ["plain"], [])
    assert said.bad("unknown") == ["rights_write"], "slapd tells nobody, and preflight does not pretend"
    assert [r["check"] for r in said.rows] == preflight.checks("PF_OPENLDAP")
    assert said.dir["mode"] == "observe" and "TLS1.3" in said.row("tls")["seen"]
    assert re.match(r"until 2040-01-01 \(\d{4} days\), from ca of the tests$", said.row("certificate")["seen"])
    text = bed.ctl("preflight", "linn", code=OK)
    assert text.lines[0] == "linn (openldap, mode observe): nothing stands in the way."
    assert re.search(r"^canary +ok +visible, also among all people$", text.out, re.M) and not text.err


def test_it_writes_nothing(bed):
    """Neither in the directory, operational attributes included, nor one transaction in PostgreSQL."""
    with bed.person("anu.kask"), bed.person("kaks", "employeeNumber: LV-9"), bed.person("yks", "employeeNumber: LV-9"):
        before = bed.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"), everything(bed)
        assert bed.look().bad() == ["numbers_twice", "number_missing"]
        bed.ctl("preflight", "--snippets", "-", code=ATTENTION)
        assert (bed.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"), everything(bed)) == before


def everything(bed):
    return bed.ldap.search(SUFFIX, "(objectClass=*)", "*", "+")


def test_who_may_ask(bed):
    for role in ("admin", "auditor"):
        bed.sql("DO $$ BEGIN CREATE ROLE p_%s LOGIN IN ROLE paasla_%s; EXCEPTION WHEN duplicate_object THEN NULL; END $$" % (role, role))
        assert bed.ctl("preflight", user="p_" + role).code == OK
    bed.sql("CREATE ROLE p_hr LOGIN IN ROLE paasla_hr")
    assert "lacks the role" in bed.ctl("preflight", user="p_hr", code=3).err


# ---- words ----

def test_words(bed, tmp_path):
    assert "there is no [directory kool]" in bed.ctl("preflight", "kool", code=USAGE).err
    assert "--json holds the snippets" in bed.ctl("--json", "preflight", "--snippets", "-", code=USAGE).err
    missing = ctl(bed.pg.dsn("paaslad"), "preflight", "--config", str(tmp_path / "none"), code=USAGE)
    assert str(tmp_path / "none") in missing.err and not missing.out
    assert ctl("host=/nonexistent", "preflight", code=NO_DB).err
    with bed.rows("INSERT INTO paasla.directory (directory, dialect) VALUES ('kool', 'openldap')",
                  "DELETE FROM paasla.directory WHERE directory = 'kool'"):
        said = bed.ctl("preflight", code=ATTENTION)
        assert "paasla.directory has kool" in said.err
        assert not bed.ctl("preflight", "linn", code=OK).err
    path = tmp_path / "snippets"
    said = bed.ctl("preflight", "--snippets", str(path), code=OK)
    assert said.out.startswith("linn (") and path.read_text().startswith("# Read each")
    assert bed.ctl("preflight", "--snippets", "-", code=OK).out == path.read_text()


# ---- PostgreSQL and the connection ----

def test_another_dialect_in_the_table(bed):
    with bed.rows("UPDATE paasla.directory SET dialect = '389ds'", "UPDATE paasla.directory SET dialect = 'openldap'"):
        assert bed.look().bad() == ["in_table"]


def test_a_directory_that_postgresql_does_not_know(bed):
    path = bed.conf()
    with open(path) as f:
        text = f.read().replace("[directory linn]", "[directory uus]")
    with open(path, "w") as f:
        f.write(text)
    said = Report(ctl(bed.pg.dsn("paaslad"), "--json", "preflight", "--config", path, code=ATTENTION), "uus")
    assert said.bad() == ["in_table"] and said.dir["mode"] is None
    assert said.row("nobodys")["state"] == said.row("groups_nobodys")["state"] == "skipped"
    assert said.row("read_all")["state"] == "ok"


@pytest.mark.parametrize("check, words, changes", [
    ("reach", "not reachable: Connection refused", lambda b: {"uris": "ldap://127.0.0.1:1"}),
    ("reach", "the server's name cannot be looked up", lambda b: {"uris": "ldap://nowhere.invalid"}),
    ("tls", "is not from the CA", lambda b: {"ca_file": b.ldap.certificates.other_ca}),
    ("tls", "ca_file /nowhere: No such file", lambda b: {"ca_file": "/nowhere"}),
    ("tls", "refuses StartTLS", lambda b: {"uris": b.bare.ldap}),
    ("log_on", "refuses the service account's credentials", lambda b: {"password_file": b.ldap.secret("wrong", "wrong")}),
    ("log_on", "No such file", lambda b: {"password_file": "/nowhere"}),
    ("log_on", "nobody handed over credentials", lambda b: {"password_file": "credential:linn"}),
])
def test_the_way_there(bed, check, words, changes):
    if not hasattr(bed, "bare"):
        bed.bare = SlapdServer(tls=False)
        bed.bare.start()
    said = bed.look(**changes(bed))
    assert said.bad() == [check] and words in said.row(check)["text"], said.row(check)
    later = [r["check"] for r in said.rows if r["state"] == "skipped"]
    assert {"people_base", "read_all", "nobodys"} <= set(later) and said.row("in_table")["state"] == "ok"
    for passed in ("reach", "tls", "log_on")[:("reach", "tls", "log_on").index(check)]:
        assert said.row(passed)["state"] == "ok"


@pytest.mark.parametrize("san, start, end, check, words", [
    ("IP:127.0.0.1", "20200101000000Z", "20210101000000Z", "tls", "has expired"),
    ("DNS:muu.test", "20200101000000Z", "20400101000000Z", "tls", "not for the name 127.0.0.1"),
    ("IP:127.0.0.1", "20200101000000Z", None, "certificate", r"in 5 days\."),
])
def test_certificates(bed, san, start, end, check, words):
    end = end or time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5.5 * 86400))
    server = SlapdServer(certificate=lambda c: c.issue("s", san=san, start=start, end=end))
    try:
        server.start()
        said = bed.look(uris=server.ldaps, ca_file=server.ca_file)
        row = said.row(check)
        assert check in said.bad() and re.search(words, row["text"]) and row["address"] == server.ldaps
    finally:
        server.remove()


def test_a_server_that_says_nothing(bed):
    bed.ldap.freeze()
    try:
        said = bed.look(connect_ms=1000)
        assert said.bad() == ["tls"] and "no end within 1000 ms" in said.row("tls")["text"]
    finally:
        bed.ldap.thaw()


def test_passwords_without_tls(bed):
    assert "without TLS is looked at (result 49)" in bed.look().row("plain")["seen"]
    assert bed.look(uris=bed.ldap.ldaps).row("plain")["state"] == "skipped"
    assert bed.look(uris=bed.ldap.ldapi).row("plain")["state"] == "skipped"
    with open(bed.ldap.config) as f:
        was = f.read()
    try:
        restart(bed, was.replace("database mdb", "security simple_bind=64\ndatabase mdb", 1))
        said = bed.look()
        assert (said.row("plain")["state"], said.row("log_on")["state"]) == ("ok", "ok"), said.row("plain")
        assert bed.look(uris=bed.ldap.ldapi).code == OK, "64 lets the host's own socket through"
    finally:
        restart(bed, was)


def restart(bed, config):
    bed.ldap.stop()
    with open(bed.ldap.config, "w") as f:
        f.write(config)
    bed.ldap.start()


def test_two_addresses(bed):
    """One that is away needs a person, the rest is looked at by the other; two that differ are not one directory."""
    gone = "ldap://127.0.0.1:1"
    said = bed.look(uris="%s %s" % (gone, bed.ldap.ldap))
    assert said.bad() == ["reach"] and said.row("reach", gone)["state"] == "stops"
    assert said.row("reach", bed.ldap.ldap)["state"] == "ok" and said.row("nobodys")["state"] == "ok"
    assert bed.look(uris="%s %s" % (bed.ldap.ldap, bed.ldap.ldaps)).row("same_server")["state"] == "ok"
    other = SlapdServer()
    try:
        other.start()
        with open(bed.dir + "/cas.pem", "w") as f:
            f.write(open(bed.ldap.ca_file).read() + open(other.ca_file).read())
        said = bed.look(uris="%s %s" % (bed.ldap.ldap, other.ldap), ca_file=bed.dir + "/cas.pem")
        assert said.bad() == ["same_server"] and "hold different data" in said.row("same_server")["text"]
    finally:
        other.remove()


def test_another_server_than_before(bed):
    with bed.rows("UPDATE paasla.directory SET identity = 'somebody-else'", "UPDATE paasla.directory SET identity = NULL"):
        said = bed.look()
        assert said.bad() == ["same_server"] and "SELECT paasla.accept_server('linn')" in said.row("same_server")["advice"]


# ---- clocks, and a server that is a script ----

def scripted(answers):
    """A server that shows what `answers` gives for a base; everything else is empty."""
    def answer(_, msgid, op, base):
        found = answers(base)
        return message(msgid, entry(*found)) + message(msgid, DONE) if found else None
    return FakeServer(answer)


@pytest.mark.parametrize("off, state, words", [(0, "ok", "as far as whole seconds tell"), (-400, "warning", r"39\d s behind"),
                                               (400, "warning", r"(39\d|400) s ahead"), (30, "ok", r"(29|30) s ahead")])
def test_clocks(bed, off, state, words):
    def answers(base):
        if base == "cn=Current,cn=Time,cn=Monitor":
            return base, [("monitorTimestamp", [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + off))])]
        return None
    server = scripted(answers)
    try:
        row = bed.look(uris=server.uri, tls="none").row("clock")
        assert row["state"] == state and re.search(words, row["seen"]), row
    finally:
        server.close()


def test_a_server_without_a_clock(bed):
    server = scripted(lambda base: None)
    try:
        said = bed.look(uris=server.uri, tls="none")
        assert said.row("clock")["state"] == "unknown" and "clock" not in said.bad()
    finally:
        server.close()


def test_a_root_entry_that_may_not_be_read(bed):
    server = FakeServer(root=False, answer=lambda conn, msgid, op, base: message(msgid, result(0x65, 50)))
    try:
        said = bed.look(uris=server.uri, tls="none")
        assert "first_reads" in said.bad() and "the root entry cannot be read (result 50)" in said.row("first_reads")["text"]
        assert "result 50" in said.row("people_base")["text"] or said.row("people_base")["state"] == "ok"
    finally:
        server.close()


# ---- what the configuration names ----

@pytest.mark.parametrize("option, check, words", [
    ("people_base", "people_base", "does not exist or may not be seen"),
    ("group_base", "group_base", "does not exist or may not be seen"),
    ("canary_dn", "canary", "does not exist or may not be seen"),
    ("placeholder_dn", "placeholder", "does not exist or may not be seen"),
    ("policy_dn", "policy", "does not exist or may not be seen"),
])
def test_what_is_named_and_not_there(bed, option, check, words):
    dn = "cn=puudub," + (PEOPLE if option == "canary_dn" else SUFFIX)
    said = bed.look(**{option: dn})
    assert check in said.bad() and words in said.row(check)["text"] and dn in said.row(check)["text"]
    if option not in ("people_base", "group_base"):
        assert [b for b in said.bad() if b != "lock_today"] == [check]


def test_a_canary_in_the_wrong_place(bed):
    said = bed.look(canary_dn=bed.ldap.service_dn)
    assert said.bad() == ["canary"] and "does not lie below people_base" in said.row("canary")["text"]
    assert said.row("canary")["state"] == "stops"


def test_a_placeholder_only_where_one_is_needed(bed):
    said = bed.look(placeholder_dn=None)
    assert said.bad() == ["placeholder"] and "1 group with a role may not be empty" in said.row("placeholder")["text"]
    with bed.entry("cn=uks," + GROUPS, "objectClass: posixGroup", "cn: uks", "gidNumber: 1", "description: paasla") as dn:
        with bed.rows("UPDATE paasla.role_group SET group_dn = %s", "UPDATE paasla.role_group SET group_dn = 'cn=r0,%s'" % GROUPS, dn):
            assert bed.look(placeholder_dn=None).row("placeholder")["seen"] == "none needed so far"


def test_a_policy_that_is_none(bed):
    said = bed.look(policy_dn=bed.ldap.nobody)
    assert "policy" in said.bad() and "is no pwdPolicy entry" in said.row("policy")["text"]
    assert "policy_dn is not set" in bed.look(policy_dn=None).row("policy")["text"]


# ---- limits and rights ----

def with_rules(bed, *changes):
    with open(bed.ldap.config) as f:
        was = text = f.read()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    restart(bed, text)
    return was


@pytest.mark.parametrize("limit, words", [("size=2 time=unlimited", r"people came to 2 entries, then the server's size limit.*result 4"),
                                          ("size.pr=2 size.prtotal=2", r"result (4|11)\)")])
def test_limits(bed, limit, words):
    with bed.person("a"), bed.person("b"), bed.person("c"):
        was = with_rules(bed, ("size=unlimited time=unlimited", limit))
        try:
            said = bed.look()
            assert "read_all" in said.bad() and re.search(words, said.row("read_all")["text"]), said.row("read_all")
            assert said.row("nobodys")["state"] == "skipped", "from half of the people nothing is concluded"
        finally:
            restart(bed, was)


@pytest.mark.parametrize("attr", ["employeeNumber", "pwdEndTime", "objectClass", "entryUUID", "entryCSN", "uid"])
def test_attributes_that_may_not_be_seen(bed, attr):
    rule = 'access to dn.subtree="%s" attrs=%s by dn.exact="%s" none by * break\n' % (PEOPLE, attr, bed.ldap.service_dn)
    with bed.person("naha", "employeeNumber: LV-77"):
        was = with_rules(bed, ("access to attrs=userPassword", rule + "access to attrs=userPassword"))
        try:
            said = bed.look()
            assert said.code == ATTENTION
            if attr in ("employeeNumber", "pwdEndTime", "uid", "entryCSN"):
                assert said.objects("rights_read") == [attr], said.row("rights_read")
            else:  # without ids nothing can be told apart, without classes nothing is an account
                assert "read_all" in said.bad() or said.row("rights_read")["state"] in ("stops", "unknown")
        finally:
            restart(bed, was)


def test_a_server_that_tells_of_no_change(bed):
    server = SlapdServer(live=False)
    try:
        server.start()
        said = bed.look(uris=server.ldap, ca_file=server.ca_file)
        assert said.row("watch")["text"].startswith("What others change is not told") and "no overlay syncprov" in said.row("watch")["text"]
    finally:
        server.remove()


def test_groups_in_another_database(bed):
    said = bed.look(group_base="cn=Monitor")
    assert "watch" in said.bad() and "lie in different databases" in said.row("watch")["text"]


OVERLAY = 'overlay ppolicy\nppolicy_default "%s"\n' % preflight.POLICY


@pytest.mark.parametrize("instead", ["", "overlay ppolicy\n", 'overlay ppolicy\nppolicy_default "cn=puudub,%s"\n' % SUFFIX])
def test_a_default_policy_that_is_in_force_for_nobody(bed, instead):
    """The module is loaded and policy_dn names a policy: only what the server does not say tells."""
    with bed.person("anu.kask", "employeeNumber: LV-1001", "userPassword: parool") as dn:
        assert bed.look().row("ppolicy")["seen"] == "a default policy is in force"
        was = with_rules(bed, (OVERLAY, instead))
        try:
            said = bed.look()
            assert said.bad() == ["ppolicy", "lock_today"] and said.objects("lock_today") == [dn]
            assert "would keep nobody out" in said.row("ppolicy")["text"] and said.row("policy")["state"] == "ok"
        finally:
            restart(bed, was)


def test_without_the_overlay(bed):
    was = with_rules(bed, (OVERLAY, ""), ("moduleload ppolicy\n", ""))
    try:
        assert "slapd has no overlay ppolicy on the database" in bed.look().row("ppolicy")["text"]
    finally:
        restart(bed, was)


# ---- whom a lock would not keep out ----

def known(bed, no, uid, native_id, state="open"):
    return bed.rows("INSERT INTO paasla.account (person_id, directory, purpose, login, native_id, dn, state) SELECT person_id, 'linn',"
                    " 'personal', %s, %s, %s, %s FROM paasla.employee_number WHERE employee_no = %s",
                    "DELETE FROM paasla.account", uid, native_id, "uid=%s,%s" % (uid, PEOPLE), state, no)


def uuid(bed, dn):
    return re.search(r"^entryUUID: (\S+)", bed.ldap.search(dn, "-s", "base", "entryUUID"), re.M)[1]


def test_a_leaver_whom_no_policy_would_keep_out(bed):
    with bed.person("anu.kask", "employeeNumber: LV-1001") as dn, known(bed, "1001", "anu.kask", uuid(bed, dn)):
        assert bed.look().row("lock_today")["seen"] == "1 of 1 accounts of the table's people could be"
        with bed.changed(dn, "add: pwdPolicySubentry\npwdPolicySubentry: cn=kadunud," + SUFFIX, "delete: pwdPolicySubentry"):
            said = bed.look()
            assert said.bad() == ["lock_today"] and said.objects("lock_today") == [dn]
        with bed.changed(dn, "add: pwdPolicySubentry\npwdPolicySubentry: " + bed.ldap.policy, "delete: pwdPolicySubentry"):
            assert bed.look(policy_dn=None).bad() == ["policy"], "its own policy stands"


def test_locks_that_nobody_enforces(bed):
    """The entry says locked, and its owner logs on: what README calls lock_not_proven, seen beforehand."""
    with bed.person("lukus", "userPassword: parool") as dn:
        with bed.changed(dn, "add: pwdEndTime\npwdEndTime: 20200101000000Z", "delete: pwdEndTime"):
            assert not bed.ldap.bind_ok(dn, "parool") and bed.look().row("locks_hold")["state"] == "ok"
            with bed.changed(dn, "add: pwdPolicySubentry\npwdPolicySubentry: cn=kadunud," + SUFFIX, "delete: pwdPolicySubentry"):
                assert bed.ldap.bind_ok(dn, "parool")
                said = bed.look()
                assert said.bad() == ["locks_hold"] and said.objects("locks_hold") == [dn]


# ---- groups ----

def test_groups(bed):
    outside = bed.add_group("mujal", base="ou=teenused," + SUFFIX)
    odd = bed.add_group("veider", kind="organizationalRole")
    plain = bed.add_group("margita", more="")
    spare = bed.add_group("kellegi")
    gone = "cn=puudub," + GROUPS
    bed.sql("INSERT INTO paasla.register_role (register_code, role_code, name) SELECT 'NAS', 'x' || n, 'x' FROM generate_series(1, 4) n")
    for n, dn in enumerate((outside, odd, plain, gone), 1):
        bed.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s FROM paasla.register_role"
                " WHERE role_code = %s", dn, "x%d" % n)
    try:
        said = bed.look()
        assert said.bad() == ["groups_there", "groups_inside", "groups_writable"]
        assert (said.objects("groups_there"), said.objects("groups_inside"), said.objects("groups_writable"),
                said.objects("groups_marked")) == ([gone], [outside], [odd], [plain])
        assert said.row("groups_nobodys")["seen"] in ("1 of 3 groups", "2 of 4 groups"), said.row("groups_nobodys")
        assert "dn: %s\nchangetype: add\n" % gone in said.row("groups_there")["snippet"]
        assert plain in said.row("groups_marked")["snippet"] and odd not in said.row("groups_marked")["snippet"]
    finally:
        bed.past("DELETE FROM paasla.role_group WHERE group_dn <> 'cn=r0,%s'" % GROUPS)
        for dn in (outside, odd, plain, spare):
            bed.ldap._tool("ldapdelete", dn)


# ---- whose is it ----

def test_numbers_in_two_entries(bed):
    with bed.person("yks", "employeeNumber: LV-1001"), bed.person("kaks", "employeeNumber: LV-1001"):
        said = bed.look()
        assert said.bad() == ["numbers_twice"] and said.objects("numbers_twice") == ["LV-1001"]


def test_somebody_who_is_there_already_without_a_number(bed):
    """The daemon would make mari.tamm2; the snippet names the entry and the number, and makes it hers."""
    with bed.person("mari.tamm") as dn:
        said = bed.look()
        assert said.bad() == ["number_missing"] and said.row("number_missing")["objects"] == [{"name": dn, "value": "LV-1003"}]
        assert said.objects("nobodys") == [dn]
        apply(bed, said.row("number_missing")["snippet"])
        said = bed.look()
        assert said.bad() == [] and said.row("nobodys")["state"] == "ok", "she is known by her number now"
    assert bed.look().row("nobodys")["state"] == "ok"


def apply(bed, snippet):
    """Runs what a snippet says, as the directory's administrator on its own socket."""
    for text in re.findall(r"<<'LDIF'\n(.*?)^LDIF$", snippet, re.S | re.M):
        bed.ldap.modify(text)


def test_log_ins_that_collide(bed):
    with bed.person("anu.kask", "employeeNumber: LV-4711"):
        assert bed.look().bad() == [], "somebody of the same name: the next log-in is free"
        with known(bed, "1001", "anu.kask", None, "none"):
            said = bed.look()
            assert said.bad() == ["log_in_taken"] and said.objects("log_in_taken") == ["anu.kask"]
    with bed.person("akask", "employeeNumber: LV-1001") as dn, known(bed, "1001", "anu.kask", None, "none"):
        said = bed.look()
        assert said.bad() == ["log_in_taken"] and said.row("log_in_taken")["objects"] == [{"name": "anu.kask", "value": dn}]


def test_names_of_which_no_log_in_can_be_made(bed):
    bed.hire("1009", "Иван", "Петров")
    try:
        said = bed.look()
        assert said.bad() == ["no_log_in"] and said.objects("no_log_in") == ["Иван Петров (1009)"]
    finally:
        bed.past("UPDATE paasla.person SET given_name = 'Ivan', family_name = 'Petrov' WHERE given_name = 'Иван'")


def test_accounts_that_are_gone(bed):
    with known(bed, "1001", "anu.kask", "00000000-0000-0000-0000-000000000000"):
        said = bed.look()
        assert said.bad() == ["gone"] and said.objects("gone") == ["uid=anu.kask," + PEOPLE]


def test_accounts_of_nobody(bed):
    with bed.person("keegi") as dn, bed.entry("ou=alam," + PEOPLE, "objectClass: organizationalUnit"):
        said = bed.look()
        assert said.code == OK and said.bad("note") == ["plain", "nobodys"] and said.objects("nobodys") == [dn]


# ---- what is typed ----

HOSTILE = ["cn=a\nb", "cn=a\u202eb", "cn=a\x1b[2Jb", "cn=x\nLDIF\nrm"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_breaks_out(bed, name):
    """It is told, escaped, and no snippet is made of it."""
    dn = name + "," + GROUPS
    with bed.rows("UPDATE paasla.role_group SET group_dn = %s", "UPDATE paasla.role_group SET group_dn = 'cn=r0,%s'" % GROUPS, dn):
        row = bed.look().row("groups_there")
        assert row["objects"][0]["name"] == dn and row["snippet"] is None and row["undo"] is None
        text = bed.ctl("preflight", "--snippets", "-", code=ATTENTION).out
        assert "has a character that cannot be seen" in text and not re.search(r"^(rm|LDIF\nrm)", text, re.M)


@pytest.mark.parametrize("name", ["cn=O'Brien", 'cn=jutum\\"ark', "cn=töö\\, õhtul", "cn= tühik", "cn=\\#trellid", "cn=$(id)`id`"])
def test_a_name_that_needs_care(bed, name):
    """In the here-document of a snippet any name that can be seen stands for itself."""
    dn = name + "," + GROUPS
    with bed.rows("UPDATE paasla.role_group SET group_dn = %s", "UPDATE paasla.role_group SET group_dn = 'cn=r0,%s'" % GROUPS, dn):
        said = bed.look()
        snippet = said.row("groups_there")["snippet"]
        apply(bed, snippet)
        assert bed.look().row("groups_there")["state"] == "ok"
        apply(bed, said.row("groups_there")["undo"])
        assert bed.look().row("groups_there")["state"] == "warning"


# ---- from bare to ready, and back ----

class BareBed(Bed):
    """A directory as Debian's package sets one up, with a town in it, and our account with no rights of its own: nothing
    of README's chapter Install was done but the account and the configuration."""

    service = "cn=paaslad,ou=teenused," + SUFFIX
    groups = "ou=ryhmad," + SUFFIX

    def fill(self):
        self.ldap.add("dn: ou=teenused,{0}\nobjectClass: organizationalUnit\n\ndn: ou=reeglid,{0}\nobjectClass: organizationalUnit\n\n"
                      "dn: {1}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: salas\n".format(SUFFIX, self.service))
        self.role_group("cn=uksed," + self.groups)
        self.sql("INSERT INTO paasla.register_role (register_code, role_code, name) VALUES ('NAS', 'r1', 'r1')")
        self.sql("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', 'cn=uus,%s' FROM paasla.register_role"
                 " WHERE role_code = 'r1'" % self.groups)
        self.ldap.add_people(520)  # more than the package's size limit

    def options(self):
        l = self.ldap
        return dict(super().options(), bind_dn=self.service, password_file=l.secret("service", "salas"), group_base=self.groups,
                    canary_dn="uid=kanaarilind," + PEOPLE, placeholder_dn="cn=tyhi,ou=teenused," + SUFFIX,
                    policy_dn="cn=vaikimisi,ou=reeglid," + SUFFIX, uris=l.ldap)


@pytest.fixture
def bare():
    b = BareBed(ConfiguredSlapd())
    yield b
    b.close()


def carry_out(bed, text):
    """What a snippet has people type: the parts for slapd's configuration on its host as root, the rest as the administrator."""
    for command, ldif in re.findall(r"^(ldapmodify .*) <<'LDIF'\n(.*?)^LDIF$", text, re.S | re.M):
        if " -Y EXTERNAL " in command:
            run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", bed.ldap.ldapi, input=ldif.encode())
        else:
            assert command == "ldapmodify -x -ZZ -H %s -D 'cn=admin,%s' -W" % (bed.ldap.ldap, SUFFIX)
            status, said = bed.ldap.tool(bed.ldap.root_dn, bed.ldap.admin_file, "ldapmodify", stdin=ldif)
            assert status == 0, said


def configuration(bed):
    """cn=config but for what cannot be taken back: a module stays loaded with its schema, and does nothing by itself."""
    text = run("ldapsearch", "-Q", "-LLL", "-o", "ldif-wrap=no", "-Y", "EXTERNAL", "-H", bed.ldap.ldapi, "-b", "cn=config")
    return [line for line in text.split("\n") if not re.match("olcModuleLoad:|olcAttributeTypes:|olcObjectClasses:", line)]


def test_from_bare_to_ready_and_back(bare):
    stands = ["canary", "placeholder", "read_all", "ppolicy", "policy", "watch", "groups_there"]
    before, town = configuration(bare), everything(bare)
    said = bare.look()
    assert said.bad() == stands
    for check in stands:
        assert said.row(check)["snippet"] and said.row(check)["undo"], check
    order = ["ppolicy", "policy", "watch", "read_all", "placeholder", "canary", "groups_there", "groups_marked", "rights_write"]
    rows = [said.row(check) for check in order]
    for row in rows:
        carry_out(bare, row["snippet"])
        if row["check"] == "policy":
            assert bare.look().row("ppolicy")["state"] == "ok", "before our rules our account may compare its own password"
    ready = bare.look()
    assert (ready.code, ready.bad(), ready.bad("unknown")) == (OK, [], ["clock", "rights_write"])
    assert ready.row("groups_marked")["state"] == "ok" and ready.row("nobodys")["seen"] == "522 of 522 accounts"
    for row in reversed(rows):
        carry_out(bare, row["undo"])
    assert bare.look().bad() == stands
    assert configuration(bare) == before
    assert without_stamps(everything(bare)) == without_stamps(town)


def without_stamps(ldif):
    """Entries in any order, without who wrote last."""
    entries = [[line for line in e.split("\n") if not re.match("(entryCSN|modifyTimestamp|modifiersName|contextCSN): ", line)]
               for e in ldif.strip().split("\n\n")]
    return sorted(sorted(e) for e in entries)


def test_the_rules_are_those_of_readme(bare):
    """One text in two places: who follows README and who follows preflight gives the same rights."""
    (readme,) = [text for command, text in chapter.documents("LDIF") if "olcAccess" in text]
    rules = lambda text: [re.sub(r"\s+", " ", r).replace('"(', "(").replace(')"', ")").strip()
                          for r in re.findall(r"^olcAccess: ((?:.*\n)(?:  .*\n)*)", text, re.M)]
    ours = rules(bare.look(group_base="ou=ryhmad," + SUFFIX).row("rights_write")["snippet"])
    assert len(ours) == 8 and ours == rules(readme)
    for needed in ("olcOverlay: ppolicy", "olcPPolicyHashCleartext: TRUE", "olcSpCheckpoint: 1000 5",
                   'olcLimits: dn.exact="%s" size=unlimited time=unlimited' % bare.service):
        assert needed in readme and needed in bare.ctl("preflight", "--snippets", "-").out, needed


def test_a_kept_name_is_in_the_rules(bare):
    """slapd tells nobody what may be written; the row says which attributes that is about, and the rules give them."""
    keeps = {"keep_attributes": "displayName mail", "mail_alias_attribute": "mailAlternateAddress", "attribute.displayName": "{name}",
             "attribute.mail": "{given_ascii}.{family_ascii}@linn.test"}
    plain, row = (bare.look(group_base="ou=ryhmad," + SUFFIX, **k).row("rights_write") for k in ({}, keeps))
    assert "may write pwdEndTime, userPassword, and" in plain["text"]
    assert "may write pwdEndTime, userPassword, displayName, mail, mailAlternateAddress, and" in row["text"]
    assert " attrs=pwdEndTime\n" in plain["snippet"] and " attrs=pwdEndTime,displayName,mail,mailAlternateAddress\n" in row["snippet"]


# ---- the table ----

def test_every_check_was_seen_to_find_something():
    missing = set(preflight.checks("PF_OPENLDAP")) - Report.seen
    assert not missing, "these tests, run as a whole, never saw: %s" % sorted(missing)
