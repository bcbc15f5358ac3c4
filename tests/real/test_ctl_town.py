"""paaslactl beside a daemon that works: two directories on two slapds, one town for all of it. Each test has people of its own."""
import json
import re
import subprocess

import pytest

from ldapserver import GROUPS, PEOPLE, SlapdServer
from paaslactl import ATTENTION, CTL, NO_ANSWER, OK, USAGE, ctl
from town import Town as OneDirectory
from town import until

KOOL = """[directory kool]
dialect = openldap
timeout_ms = 60000
uris = %s
tls = none
bind_dn = %s
password_file = %s
people_base = %s
group_base = %s
canary_dn = %s
placeholder_dn = %s
policy_dn = %s
rdn_template = uid={login},%s
object_classes = inetOrgPerson
attribute.employeeNumber = {institution}-{employee_no}
attribute.cn = {name}
attribute.sn = {family}"""
LOGINS = {"hr": "hr", "it": "grantor, paasla_admin", "chief": "approver", "auditor": "auditor"}


class Town(OneDirectory):
    """Institution LA has accounts in both directories. `it` grants and administers, `chief` approves."""

    def __init__(self):
        self.other = SlapdServer(tls=False)
        self.other.start()
        o = self.other
        # linn tells of nothing by itself, so that what was changed by hand is there when a command asks.
        kool = KOOL % (o.ldapi, o.service_dn, o.password_file, PEOPLE, GROUPS, o.canary, o.nobody, o.policy, PEOPLE)
        super().__init__(people=0, max_locks=2, live=False, lines=kool.splitlines())
        self.numbers = iter(range(1000, 2000))

    def schema(self):
        super().schema()
        self.sql("INSERT INTO paasla.institution VALUES ('LA', 'Lasteaed')")
        self.sql("INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('kool', 'openldap', 'enforce')")
        self.sql("INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LA', 'linn'), ('LA', 'kool')")
        for login, roles in LOGINS.items():
            self.sql("CREATE ROLE %s LOGIN IN ROLE paasla_%s" % (login, roles))
        self.sql("INSERT INTO paasla.hr_scope (role_name, institution) VALUES ('hr', 'LV'), ('hr', 'LA')")

    def close(self):
        try:
            super().close()
        finally:
            self.other.remove()

    def ctl(self, user, *words, **more):
        return ctl(self.pg.dsn(user), *words, **more)

    def person(self, institution="LV", *roles):
        """Somebody new, whose accounts are open and whose groups are given."""
        no = str(next(self.numbers))
        self.ctl("hr", "hire", no, "Inimene", "Nimi" + "abcdefghij"[int(no[-2])] + "abcdefghij"[int(no[-1])], "--institution", institution)
        for role in roles:
            self.ctl("it", "grant", no, *role.split("/"), "--ref", "KK-1")
        until(lambda: self.one("SELECT count(*) FILTER (WHERE a.state = 'open') = count(*) FROM paasla.wanted_account w JOIN"
                               " paasla.employee_number n USING (person_id) LEFT JOIN paasla.account a USING (person_id, directory, purpose)"
                               " WHERE n.employee_no = %s", no), what="%s to be open" % no)
        self.settled()
        return no


@pytest.fixture(scope="module")
def town():
    t = Town()
    try:
        t.start()
        yield t
    finally:
        t.close()


def why(town, no, code, **more):
    return town.ctl("auditor", "--json", "why", no, code=code, **more).json


def out_in_the_end(town, no):
    until(lambda: town.ctl("auditor", "why", no, code=None).code == OK, 30, "%s to be out" % no)
    said = town.ctl("auditor", "why", no)
    assert said.lines[-1].endswith(" is out."), said.out
    return said.out


# ---- depart and why ----

def test_a_departure_from_end_to_end(town):
    no = town.person("LV", "NAS/r0", "NAS/r1", "STAR/arveldaja")
    password = town.password(no)
    assert town.binds(no, password) and town.in_groups(no) == ["r0", "r1"]
    told = town.ctl("auditor", "why", no, "NAS").out
    assert "cn=r0,%s in linn (is in it)" % GROUPS in told and "is open" in told and told.splitlines()[-1].endswith(" is in.")
    town.ctl("it", "work", "done", town.ctl("it", "--json", "work", "list").json[0]["id"])
    said = town.ctl("hr", "depart", no, "--ref", "KK-2026-114", "--wait", "90")
    assert re.search(r"^linn: out \(after \d+\.\d s\)\.$", said.out, re.M), said.out
    assert not town.binds(no, password) and town.in_groups(no) == []
    told = why(town, no, ATTENTION)
    assert (told["verdict"], told["open"]) == ("not_yet_out", {"work_orders": 1}), "by hand it is not done yet"
    order = town.ctl("it", "--json", "work", "list").json[0]
    assert (order["do"], order["number"]) == ("remove", no)
    town.ctl("it", "work", "done", order["id"], "--note", "tehtud")
    text = out_in_the_end(town, no)
    assert "left on KK-2026-114" in text and re.search("Locked at .*, [0-9]+ ms after the change", text)
    assert "Last write: remove_member at" in text or "Last write: close at" in text
    actions = [e["action"] for e in town.ctl("auditor", "--json", "log", "--person", no).json]
    for action in ("employment.ended", "grant.ended", "work_order.opened", "intent.planned", "intent.outcome", "account.state",
                   "work_order.done"):
        assert action in actions, action
    assert town.ctl("auditor", "--json", "person", no).json[0]["accounts"] == "%s out in linn" % town.account(no, "login")


def test_two_directories_and_two_accounts(town):
    no = town.person("LA")
    town.sql("UPDATE paasla.staff SET it_admin = true WHERE employee_no = '%s'" % no)
    until(lambda: town.one("SELECT count(*) FROM paasla.account a JOIN paasla.employee_number n USING (person_id) WHERE"
                           " n.employee_no = %s AND a.state = 'open'", no) == 4, what="two accounts in each")
    said = town.ctl("hr", "--json", "depart", no, "--ref", "KK-2", "--wait", "90").json
    assert said["directories"] == [{"directory": "kool", "answer": "out"}, {"directory": "linn", "answer": "out"}]
    assert len(why(town, no, OK)["accounts"]) == 4


def test_one_directory_cannot_be_reached(town):
    no = town.person("LA")
    town.other.stop()
    said = town.ctl("hr", "--json", "depart", no, "--ref", "KK-3", "--wait", "1", code=NO_ANSWER)
    assert said.json["directories"][0] == {"directory": "kool", "answer": "still open"}
    until(lambda: town.one("SELECT count(*) FROM paasla.account a JOIN paasla.employee_number n USING (person_id) WHERE"
                           " n.employee_no = %s AND a.directory = 'linn' AND a.state = 'out'", no) == 1, 30, "linn to be done")
    said = town.ctl("hr", "--json", "depart", no, "--ref", "KK-3", "--wait", "1", code=NO_ANSWER)
    assert said.json["directories"] == [{"directory": "kool", "answer": "still open"}, {"directory": "linn", "answer": "out"}]
    told = why(town, no, ATTENTION)
    assert told["verdict"] == "not_yet_out" and told["open"]["accounts"] == 1 and told["open"]["pending"] >= 1
    town.other.start()
    out_in_the_end(town, no)


def test_a_lock_that_nothing_proves(town):
    no = town.person()
    policy = town.ldap.search(town.ldap.policy, "-s", "base")
    town.ldap._tool("ldapdelete", town.ldap.policy)
    town.ctl("hr", "depart", no, "--ref", "KK-4")
    told = until(lambda: (lambda t: t if t["open"].get("findings") else None)(why(town, no, ATTENTION)), what="the finding")
    assert told["verdict"] == "not_yet_out" and told["findings"][0]["kind"] == "lock_not_proven"
    assert town.ctl("hr", "--json", "depart", no, "--ref", "KK-4", "--wait", "1", code=NO_ANSWER).json["directories"] == [
        {"directory": "linn", "answer": "not proven"}]
    assert "lock_not_proven" in town.ctl("it", "findings", "--severity", "critical", code=ATTENTION).out
    assert "critical finding" in town.ctl("it", "status", code=ATTENTION).lines[0]
    town.ldap.add(policy)
    out_in_the_end(town, no)
    town.settled()
    assert town.ctl("it", "findings").out == "Nothing is open.\n"


def test_a_role_that_is_only_observed_keeps_its_leaver(town):
    no = town.person("LV", "NAS/r2")
    town.sql("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'r2'")
    town.settled()
    town.ctl("hr", "depart", no, "--ref", "KK-5")
    until(lambda: town.account(no, "locked_at") and town.quiet(), what="the lock")
    told = why(town, no, ATTENTION)
    assert told["verdict"] == "not_yet_out" and told["open"].get("groups") == 1, told["open"]
    town.sql("UPDATE paasla.register_role SET mode = 'enforce' WHERE role_code = 'r2'")
    out_in_the_end(town, no)


def test_a_revocation_is_carried_out_and_told(town):
    no = town.person("LV", "NAS/r0", "NAS/r1")
    town.ctl("it", "revoke", no, "NAS", "r1", "--ref", "T-7")
    until(lambda: town.in_groups(no) == ["r0"], what="the end of r1")
    until(lambda: town.ctl("auditor", "why", no).lines[-1].endswith(" is in."), what="nothing to be open")
    text = town.ctl("auditor", "why", no, "NAS").out
    assert re.search(r"r1 \(r1\) held .*, revoked on T-7; given by it .*\n.*cn=r1,\S* in linn \(is not in it\)", text), text
    assert "cn=r0,%s in linn (is in it)" % GROUPS in text and text.splitlines()[-1].endswith(" is in.")


# ---- sync ----

def test_sync_tells_what_each_directory_found(town):
    town.settled()
    said = town.ctl("it", "sync")
    assert [re.sub(r"\d+", "N", line) for line in said.lines] == [
        "kool: N entries, N accounts, N groups compared; nobody differs.",
        "linn: N entries, N accounts, N groups compared; nobody differs.", "Nothing is left for the daemon to do."]
    told = town.ctl("it", "--json", "sync").json
    assert told["answered"] is True and told["pending"] == [{"due": 0, "later": 0, "held": 0, "incomplete": 0}]
    assert [(d["directory"], d["complete"], d["differ"], d["strangers"]) for d in told["directories"]] == [
        ("kool", True, 0, 0), ("linn", True, 0, 0)]
    assert [d["directory"] for d in town.ctl("it", "--json", "sync", "linn").json["directories"]] == ["linn"]


def test_nobody_differs_who_has_no_account_and_needs_none(town):
    """On leave from the first day: no account is made, though grants stand. It was told as a difference for each group."""
    no = str(next(town.numbers))
    town.sql("BEGIN; SELECT paasla.hire('LV', '%s', 'Puhkusel', 'Inimene'); SELECT paasla.absent('%s', current_date, NULL, NULL,"
             " true, 'LV'); SELECT paasla.grant_access('%s', 'NAS', r, 'KK-1') FROM unnest(ARRAY['r0', 'r1', 'r2']) r; COMMIT" % (no, no, no))
    town.settled()
    assert town.account(no, "state") in (None, "none")
    assert town.ctl("it", "--json", "sync").json["directories"][1]["differ"] == 0
    assert why(town, no, OK)["verdict"] == "on_leave"


def test_a_person_who_differs_in_many_ways_is_one(town):
    no = town.person("LV", "NAS/r0", "NAS/r1")
    town.sql("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code IN ('r2', 'r3')")
    for role in ("r2", "r3"):
        town.ctl("it", "grant", no, "NAS", role, "--ref", "KK-1")
    town.settled()
    said = town.ctl("it", "sync", "linn")
    assert "linn: " in said.lines[0] and said.lines[0].endswith("; 1 person differs and is looked at again.")
    assert "2 findings are open: `paaslactl findings`." in said.lines, "which is where it is told, as the mode observe wants it"
    town.sql("UPDATE paasla.register_role SET mode = 'enforce' WHERE role_code IN ('r2', 'r3')")
    town.settled()
    assert town.in_groups(no) == ["r0", "r1", "r2", "r3"]
    assert town.ctl("it", "sync", "linn").lines[0].endswith("; nobody differs.")


def test_sync_waits_for_every_directory(town):
    town.other.freeze()
    try:
        patient = []  # longer each time, until linn was compared in time

        def one_of_two():
            patient.append(2 * len(patient) + 2)
            said = town.ctl("it", "sync", "--timeout", patient[-1], code=NO_ANSWER)
            assert "kool: NOT compared yet." in said.lines
            return said.lines[1] != "linn: NOT compared yet." and said

        said = until(one_of_two, 30, "the compare of linn")
        assert said.lines[1].endswith("; nobody differs.")
        assert "the daemon has begun but not answered within %d s" % patient[-1] in said.err
        asked = [subprocess.Popen([CTL, "--json", "--dsn", town.pg.dsn("it"), "sync", *more], stdout=subprocess.PIPE) for more in
                 ([], ["kool"], [])]
        town.ctl("it", "sync", "linn")
        assert [p.poll() for p in asked] == [None] * 3
    finally:
        town.other.thaw()
    for p in asked:
        told = json.loads(p.communicate(timeout=120)[0])
        assert p.returncode == OK and told["answered"] and all(d["complete"] for d in told["directories"])
    until(lambda: town.one("SELECT count(*) FROM paasla.control WHERE done_at IS NULL") == 0, what="the one given up too")


def test_an_incomplete_compare_is_told(town):
    canary = town.ldap.search(town.ldap.canary, "-s", "base")
    town.ldap._tool("ldapdelete", town.ldap.canary)
    said = town.ctl("it", "sync", code=ATTENTION)
    assert "linn: 0 entries, " in said.out and "NOT COMPLETE: the canary entry is not visible" in said.out
    assert "1 directory has no complete compare" in said.out and "Nothing is left" not in said.out
    town.ldap.add(canary)
    town.ctl("it", "sync")


# ---- plan ----

def by_hand(town, no, role, change="add"):
    town.ldap.modify("dn: cn=%s,%s\nchangetype: modify\n%s: member\nmember: %s\n" % (role, GROUPS, change, town.dn(no)))


def test_plan_says_what_would_be_done_and_does_nothing(town):
    assert town.ctl("it", "plan").out == "Nothing would be done.\n"
    no = town.person()
    by_hand(town, no, "r4")
    said = town.ctl("it", "plan", code=ATTENTION)
    head, line, last = said.lines
    assert head.split()[:5] == ["person", "number", "login", "purpose", "op"] and last == "1 thing would be done; nothing was written."
    assert no in line and "remove_member" in line and "cn=r4," + GROUPS in line and town.in_groups(no) == ["r4"]
    told = town.ctl("it", "--json", "plan", "linn", code=ATTENTION).json
    assert [(i["number"], i["op"], i["group"]) for i in told["list"]] == [(no, "remove_member", "cn=r4," + GROUPS)] and told["list"][0]["why"]
    assert town.ctl("it", "--json", "plan", "kool").json["list"] == []
    said = town.ctl("it", "sync")
    assert "1 person differs" in said.out and town.in_groups(no) == [], "r4 is put back"
    assert "drift_member_added" in town.ctl("it", "findings", "--all").out
    town.ctl("it", "plan")


def test_a_held_plan_is_listed_shown_and_approved(town):
    many = [town.person() for _ in range(5)]
    town.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-120' WHERE employee_no = ANY (%s)", many)
    until(lambda: town.one("SELECT count(*) FROM paasla.plan WHERE state = 'held'") == 1, what="the plan to be held")
    held = town.ctl("chief", "--json", "plan", "list").json[0]
    assert (held["directory"], held["state"], held["locks"], held["items"]) == ("linn", "held", 5, 5)
    shown = town.ctl("chief", "plan", "show", held["digest"][:8])
    assert shown.lines[0].startswith("Plan %s for linn of" % held["digest"][:16]) and all(no in shown.out for no in many)
    told = why(town, many[0], ATTENTION)
    assert told["verdict"] == "not_yet_out" and told["open"]["held_steps"] == 1 and town.binds(many[0])
    assert "1 plan is held and waits for somebody" in town.ctl("it", "sync", code=ATTENTION).out
    assert town.ctl("hr", "--json", "depart", many[1], "--ref", "KK-120", "--wait", "90").json["directories"][0]["answer"] == "out", \
        "named by itself it is not held any more"
    town.ctl("it", "plan", "approve", held["digest"], code=3)
    town.ctl("chief", "plan", "approve", held["digest"][:7], code=USAGE)
    said = town.ctl("chief", "plan", "approve", held["digest"][:8], "--for", "30 minutes")
    assert said.out.startswith("The plan of 5 items for linn may run until ")
    for no in many:
        out_in_the_end(town, no)
    done = until(lambda: [p for p in town.ctl("chief", "--json", "plan", "list").json if p["state"] == "done"], what="the plan to be done")
    assert done[0]["approved_by"] == "chief"
    assert "0 held plans" in town.ctl("chief", "plan", "approve", held["digest"][:8], code=USAGE).err


def test_somebody_lets_a_leaver_in_again_by_hand(town):
    no = town.person("LV", "NAS/r0")
    town.ctl("hr", "depart", no, "--ref", "KK-6", "--wait", "90")
    town.settled()
    by_hand(town, no, "r3")
    assert "1 person differs" in town.ctl("it", "sync", "linn").out
    out_in_the_end(town, no)
    assert town.in_groups(no) == [], "of a leaver it is taken away, whatever the role says of drift"
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: pwdEndTime\n" % town.dn(no))
    town.ctl("it", "sync", "linn")
    out_in_the_end(town, no)
    assert "pwdEndTime" in town.ldap.search(town.dn(no), "(objectClass=*)", "+"), "locked again"


# ---- the daemon is away ----

def test_questions_to_nobody(town):
    """A directory that is entered and not configured, and then no daemon at all. Last: it stays entered."""
    town.sql("INSERT INTO paasla.directory (directory, dialect) VALUES ('vana', 'openldap')")
    for words in (["sync", "vana"], ["plan", "vana"]):  # said by a daemon that has heard of it

        def heard():
            said = town.ctl("it", *words, "--timeout", "1", code=NO_ANSWER)
            assert said.out == ("vana: NOT compared yet.\n" if words[0] == "sync" else "")
            return "is not in paaslad's configuration" in said.err

        until(heard, what="the daemon to begin")
    assert "directory vana is asked for and not in the configuration" in town.said()

    def both_others():
        said = town.ctl("it", "sync", "--timeout", "2", code=NO_ANSWER)
        assert "vana: NOT compared yet." in said.lines
        return len([line for line in said.lines if "nobody differs" in line]) == 2

    until(both_others, 30, "the compares of the others")
    town.ctl("it", "sync", "linn")
    town.stop()
    for words in (["sync"], ["plan"], ["sync", "linn"]):
        said = town.ctl("it", "--json", *words, "--timeout", "0", code=NO_ANSWER)
        assert "the daemon has not answered within 0 s. Is paaslad running" in said.err
    no = str(next(town.numbers))
    town.ctl("hr", "hire", no, "Hiline", "Tulija", "--institution", "LV")
    assert town.ctl("hr", "--json", "depart", no, "--ref", "KK-9", "--wait", "1", code=NO_ANSWER).json["directories"] == [
        {"directory": "linn", "answer": "still open"}], "nobody has looked at it"
    assert why(town, no, ATTENTION)["open"] == {"pending": 2}
