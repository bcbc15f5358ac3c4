"""What paaslactl shows: status, person, register, matrix, findings, the document of a revocation, how far a leaver is, the
log. As tables for people and JSON for programs, which have to say the same. No daemon runs here."""
import json
import re
import subprocess

import sqltown
from paaslactl import ATTENTION, CTL, HOSTILE, NO_ANSWER, OK, USAGE, as_, columns
from sqldaemon import account, hold, intend, item, settle
from town import until


def shows(town, user, *words, code=OK):
    """The table and the JSON of one command: as many lines as objects, each object's texts in its line, columns in step."""
    said, rows = as_(town, user)(*words, code=code), as_(town, user)("--json", *words, code=code).json
    head, *lines = said.lines
    assert len(lines) == len(rows), (said.out, rows)
    titles = [k.replace("_", " ") for k in rows[0]]
    assert re.split("  +", head.strip()) == titles, head
    for line, row in zip(lines, rows):
        for value in row.values():
            if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d ", value) and value.isprintable():
                assert value in line, (value, line)
    texts = [k.replace("_", " ") for k in rows[0] if not any(isinstance(r[k], int) for r in rows)]
    for title in texts[1:]:  # a column of texts begins where its heading does, two blanks behind the one before
        at = columns(head[:re.search(f"  {title}(  |$)", head).start()])
        for line in lines:
            cut = next((i for i in range(len(line) + 1) if columns(line[:i]) == at), None)
            assert cut is not None and (line[cut:] == "" or line[cut:cut + 2] == "  "), (title, line)
    return rows


def test_person(town):
    town.hire("3001", "Õie", "Šö-Žülž", unit="Rahandus", position="spetsialist")
    account(town, "3001", state="open")
    account(town, "3001", "kool", state="out")
    town.depart("1001")
    rows = shows(town, "auditor", "person")
    assert [r["number"] for r in rows] == ["3001", "1042", "1002", "1001"], "by family name, as in Estonian: Š before T, Ü last"
    mine = rows[0]
    assert (mine["name"], mine["unit"], mine["position"], mine["departed_at"]) == ("Õie Šö-Žülž", "Rahandus", "spetsialist", None)
    assert mine["accounts"] == "3001a out in kool, 3001a open in linn"
    assert rows[3]["departed_at"] is not None
    assert [r["number"] for r in shows(town, "auditor", "person", "mari")] == ["1042"]
    town.hire("1001", "Anu", "Ülem")
    assert len(shows(town, "auditor", "person", "1001")) == 2, "one person: every employment"
    assert len(as_(town, "auditor")("--json", "person").json) == 4, "all: the one that counts"


def test_register_and_matrix(town):
    rows = shows(town, "auditor", "register")
    assert [(r["register"], r["route"]) for r in rows] == [("JUUR", "manual"), ("KAUST", "directory"), ("PABER", "manual")]
    town.grant("1042")
    town.grant("1002", "PABER", "vaataja", valid_until="2099-01-01")
    roles = shows(town, "auditor", "register", "KAUST")
    assert [(r["role"], r["mode"], r["holders"]) for r in roles] == [("kirjutaja", "enforce", 0), ("lugeja", "enforce", 1)]
    assert roles[1]["groups"] == "cn=lugeja,ou=grupid,dc=linn in linn"
    matrix = shows(town, "auditor", "matrix")
    assert [(r["number"], r["register"], r["role"], r["work_order"], r["reference"]) for r in matrix] == [
        ("1042", "KAUST", "lugeja", None, "KK-1"), ("1002", "PABER", "vaataja", "open", "KK-1")]
    assert matrix[1]["valid_until"] == "2099-01-01 00:00:00+02"
    auditor = as_(town, "auditor")
    assert [r["number"] for r in auditor("--json", "matrix", "--register", "PABER").json] == ["1002"]
    assert [r["number"] for r in auditor("--json", "matrix", "--person", "mari", "--institution", "LV").json] == ["1042"]
    assert auditor("matrix", "--institution", "LA").out == "Nobody has a right there now.\n"
    assert auditor("--json", "matrix", "--institution", "LA").json == []


def test_findings_the_worst_first(town):
    auditor = as_(town, "auditor")
    assert auditor("findings").out == "Nothing is open.\n" and auditor("--json", "findings").json == []
    assert auditor("findings", "--all").out == "Nothing was ever found.\n"
    acc = account(town, "1042", state="open")[0]
    town.rows("INSERT INTO paasla.finding (kind, severity, directory, account_id, key, text, state) VALUES"
              " ('drift_member_added', 'info', 'linn', NULL, 'a', 'Esimene.', 'open'), ('lock_not_proven', 'critical', 'linn', %s, 'b', %s,"
              " 'open'), ('write_denied', 'warning', 'kool', NULL, 'c', 'Kolmas.', 'resolved')", acc, HOSTILE)
    rows = as_(town, "auditor")("--json", "findings", code=ATTENTION).json
    assert [(r["severity"], r["person"], r["state"]) for r in rows] == [("critical", "Mari Tamm", "open"), ("info", None, "open")]
    assert rows[0]["text"] == HOSTILE and "\\x1b[2J" in auditor("findings", code=ATTENTION).out
    assert [r["kind"] for r in shows(town, "auditor", "findings", "--severity", "info")] == ["drift_member_added"]
    assert [r["state"] for r in auditor("--json", "findings", "--all", code=ATTENTION).json] == ["open", "open", "resolved"]
    town.rows("UPDATE paasla.finding SET state = 'resolved' WHERE severity = 'critical'")
    assert auditor("findings").lines[1].split()[1] == "info"
    auditor("findings", "--all")  # a critical one that is over needs nobody


# ---- the document of a revocation ----

def test_a_revocation_keeps_its_document(town):
    """Filed: who asked for it is told too. Not filed: taken away all the same, and the number is kept."""
    grantor, auditor = as_(town, "grantor"), as_(town, "auditor")
    town.rows("SELECT paasla.file_request('T-91', '1002')")
    for no in ("1042", "1001"):
        grantor("grant", no, "KAUST", "lugeja", "--ref", "KK-1")
    said = grantor("revoke", "1042", "KAUST", "lugeja", "--ref", "T-91")
    assert re.search(r"ended at .* on T-91\. `paaslactl why 1042 KAUST`", said.out) and not said.err
    assert "no request T-92 is filed" in grantor("revoke", "1001", "KAUST", "lugeja", "--ref", "T-92").err
    text = auditor("why", "1042", "KAUST").out
    assert re.search("lugeja .* held from .* until .*, revoked on T-91, as requested by Toomas Õunapuu; given by grantor at .* on KK-1, "
                     "requested by Anu Ülem", text), text
    told = auditor("--json", "why", "1001", "KAUST").json["grants"]
    assert [(g["reference"], g["ended_by"], g["end_reference"], g["end_requested_by"]) for g in told] == [("KK-1", "revoke", "T-92", None)]
    assert "There is no grant." in auditor("why", "1042").out, "what is over is told where it is asked for"
    given, ended = (auditor("--json", "log", "--person", "1042", "--action", a).json[-1] for a in ("grant.given", "grant.ended"))
    assert (given["reference"], ended["reference"]) == ("KK-1", "T-91")
    assert "reference T-92" in auditor("log", "--person", "1001", "--action", "grant.ended").lines[-1]


def test_the_document_of_an_end_stands_with_its_end(town):
    grant = town.grant("1042", valid_until="2099-01-01")
    where = f"WHERE grant_id = {grant}"
    get = lambda: town.one(f"SELECT upper(valid) = '2098-01-01', ended_by, end_reference FROM paasla.access_grant {where}")
    end = f"UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), '2098-01-01'), end_reference = 'T-1' {where}"
    town.refused("does not change by itself", f"UPDATE paasla.access_grant SET end_reference = 'T-1' {where}", user="grantor")
    town.refused("reference ' ' cannot be used", "SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja', ' ')", user="grantor")
    town.refused("grant_end_reference", end.replace("T-1", " "), user="grantor")
    town.rows(end, user="grantor")
    assert get() == (True, None, "T-1")
    town.refused("does not change by itself", f"UPDATE paasla.access_grant SET end_reference = NULL {where}", user="grantor")
    event = town.one("SELECT action, (SELECT value FROM audit.opening o WHERE o.event_id = e.event_id AND field = 'value') FROM"
                     " audit.event e ORDER BY event_id DESC LIMIT 1")
    assert event == ("grant.changed", "T-1")
    # A departure caps it and is moved: the end that was given, and its document, come back with it.
    town.depart("1042", "'2097-01-01'")
    assert get() == (False, "departure", "T-1")
    town.depart("1042", "NULL")
    assert get() == (True, None, "T-1")
    # Prolonged: that end is taken back, and its document with it.
    town.rows(f"UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), '2098-06-01') {where}", user="grantor")
    assert get() == (False, None, None)
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    assert get() == (False, "revoke", None)
    assert "reference" not in as_(town, "auditor")("--json", "log", "--action", "grant.ended").json[-1], "not the document it was given on"
    town.refused("no document of its end", "INSERT INTO paasla.access_grant (person_id, role_id, valid, reference, end_reference)"
                 " SELECT person_id, role_id, tstzrange(now(), NULL), 'KK-1', 'x' FROM paasla.access_grant")


# ---- depart --wait: how far a leaver is, in the words that HR may know ----

def state_of(town, no="1042", user="hr", institution=None):
    return dict(town.rows("SELECT * FROM paasla.leaver_state(%s, %s)", no, institution, user=user))


def test_what_hr_may_know_of_a_leaver(town):
    acc = account(town, "1042", state="open")[0]
    assert state_of(town) == {"linn": "stays open"}
    town.depart("1042")
    assert state_of(town) == {"linn": "still open"}, "nobody has looked at it"
    town.clean()
    answers = {}
    for state in ("none", "creating", "ready", "opening", "open", "locking", "closing", "paused", "out", "lost", "foreign"):
        town.rows("UPDATE paasla.account SET state = %s", state)
        answers.setdefault(state_of(town)["linn"], []).append(state)
    assert answers == {"no account": ["none"], "still open": ["creating", "opening", "open", "locking", "closing"],
                       "locked": ["ready", "paused"], "out": ["out"], "not proven": ["lost", "foreign"]}, "of a lock nothing is known"
    town.rows("UPDATE paasla.account SET state = 'closing', locked_at = now()")
    assert state_of(town) == {"linn": "locked"}
    town.rows("INSERT INTO paasla.finding (kind, severity, directory, account_id, key, text) VALUES"
              " ('lock_not_proven', 'critical', 'linn', %s, 'k', 'x')", acc)
    assert state_of(town) == {"linn": "not proven"}
    town.rows("UPDATE paasla.account SET state = 'out'")
    town.rows("UPDATE paasla.finding SET state = 'resolved'")
    town.rows("INSERT INTO paasla.dirty (directory, person_id, cause) VALUES ('linn', %s, 'x')", town.person("1042"))
    assert state_of(town) == {"linn": "locked"}, "out, and something waits"
    intend(town, "1042", acc, "open")
    assert state_of(town) == {"linn": "still open"}, "a write whose outcome nobody knows"
    town.rows("UPDATE paasla.intent SET outcome = 'not_done'")
    town.clean()
    for directory, purpose, expected in (("linn", "admin", {"linn": "still open"}), ("kool", "personal", {"kool": "still open", "linn": "out"})):
        other = account(town, "1042", directory, purpose, state="open")[0]
        town.clean()
        assert state_of(town) == {"linn": "out"} | expected, "the one that is furthest from out"
        town.rows("UPDATE paasla.account SET state = 'out' WHERE account_id = %s", other)
    assert state_of(town) == {"linn": "out", "kool": "out"}


def test_hr_asks_only_about_its_own_staff(town):
    town.hire("77", institution="LA")
    assert set(state_of(town, "77", "hr_la")) == {"kool", "linn"}
    town.refused("nobody has employee number 1042", "SELECT * FROM paasla.leaver_state('1042')", user="hr_la")
    town.refused("nobody has employee number 5", "SELECT * FROM paasla.leaver_state('5')", user="hr_la")
    town.hire("1042", institution="LA")
    assert set(state_of(town, "1042", "hr_la")) == {"kool", "linn"}, "the number of the institution that it sees"
    town.refused("used by LA, LV", "SELECT * FROM paasla.leaver_state('1042')", user="hr")
    for user in ("grantor", "auditor", "admin", "approver", "daemon", "nobody"):
        town.refused("permission denied", "SELECT * FROM paasla.leaver_state('77')", user=user)


def test_depart_waits_as_hr(town):
    hr = as_(town, "hr")
    acc = account(town, "1042", state="open")[0]
    said = hr("depart", "1042", "--ref", "KK 9", "--wait", "0", code=NO_ANSWER)
    assert re.search(r"^linn: still OPEN, as far as is known \(after \d+\.\d s\)\.$", said.out, re.M)
    assert "not all accounts were out after 0 s" in said.err and "permission" not in said.err
    watch = subprocess.Popen([CTL, "--json", "--dsn", sqltown.server().dsn("hr", town.name), "depart", "1042", "--ref", "KK 9", "--wait",
                              "90"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: town.one("SELECT count(*) FROM paasla.dirty WHERE cause = 'departed'") >= 2, what="the second word")
    assert watch.poll() is None
    settle(town, "1042", acc, "out")
    out, err = watch.communicate(timeout=120)
    assert watch.returncode == OK, err
    assert json.loads(out)["directories"] == [{"directory": "linn", "answer": "out"}]
    town.hire("3000", institution="LA")
    town.clean()
    assert hr("depart", "3000", "--ref", "KK 9", "--last-day", "2099-12-31", "--wait").lines[-1].startswith("That is still to come")
    assert hr("depart", "nobody", "--ref", "R", "--wait", "0", code=USAGE).err
