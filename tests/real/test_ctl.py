"""paaslactl as people and programs meet it: what it says, how it ends, who may. Without a daemon, on a copy of the small
town of sqltown.py. test_ctl_look.py looks around there, test_ctl_why.py asks why; test_ctl_town.py has a daemon."""
import contextlib
import glob
import json
import os
import pty
import re
import subprocess
import threading
import types

import pytest

import sqltown
from paaslactl import ATTENTION, CTL, HOSTILE, NO_ANSWER, NO_DB, OK, REFUSED, USAGE, as_, ctl, environment
from pgserver import MIGRATIONS, PgServer
from town import until

COMMANDS = ["status", "db", "hire", "depart", "undo-depart", "grant", "revoke", "request", "work", "plan", "sync", "preflight", "why", "person",
            "letter", "register", "matrix", "findings", "log"]
NEWEST = len(glob.glob(os.path.join(MIGRATIONS, "[0-9]*.sql")))


# ---- arguments and help: no database is asked ----

@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(command):
    for words in ((command, "--help"), ("help", command), ("-h", command)):
        said = ctl("host=/nonexistent", *words)
        assert "Usage: paaslactl " + command in said.out
        examples = said.out.split("\nExamples:\n")[1]
        assert re.search(r"^  paaslactl (.* )?%s\b" % command, examples, re.M), examples
        assert not said.err


def test_help_lists_every_command():
    out = ctl(None, "--help").out
    assert re.findall(r"^  ([a-z-]+) +\S", out.split("Options of all")[0], re.M) == COMMANDS
    assert re.fullmatch(r"paaslactl \S+\n", ctl(None, "--version").out)
    without = subprocess.run([CTL], capture_output=True, timeout=60)
    assert without.returncode == USAGE and without.stdout.decode() == out


@pytest.mark.parametrize("words, says", [
    (["statsu"], "Did you mean status?"),
    (["nonsense"], "there is no command nonsense"),
    (["--jsoon", "status"], "Did you mean --json?"),
    (["--dsn"], "--dsn needs a value"),
    (["status", "extra"], "extra is one word too many"),
    (["db"], "usage: paaslactl db migrate"),
    (["db", "migrat"], "Did you mean migrate?"),
    (["db", "status", "--dry-run"], "usage: paaslactl db"),
    (["hire", "1", "A", "B"], "hire needs --institution"),
    (["hire", "1", "A", "--institution", "LV"], "needs more than that"),
    (["hire", "1", "A", "B", "--institution", "LV", "--unti", "x"], "Did you mean --unit?"),
    (["hire", "1", "A", "B", "--institution", "LV", "--institution=LA"], "--institution is given twice"),
    (["depart", "1042"], "depart needs --ref"),
    (["depart", "1042", "--ref"], "--ref needs a value"),
    (["depart", "1042", "--ref", "--wait"], "--ref needs a value"),
    (["depart", "1042", "--ref", "R", "--wait=soon"], "--wait is a whole number"),
    (["depart", "1042", "--ref", "R", "--wait", "99999999999999999999"], "--wait is a whole number"),
    (["grant", "1042", "KAUST", "lugeja"], "grant needs --ref"),
    (["grant", "1042", "KAUST", "--ref", "R"], "needs more than that"),
    (["revoke", "1042", "KAUST"], "needs more than that"),
    (["request", "file", "R"], "request needs --by"),
    (["request", "file", "R", "--by", "1", "--sha256", "abc"], "--sha256 is 64 hexadecimal digits"),
    (["request", "aprove", "R"], "Did you mean approve?"),
    (["request", "approve", "R", "--by", "1"], "usage: paaslactl request"),
    (["work"], "needs more than that"),
    (["work", "done", "seventeen"], "the work order is a whole number"),
    (["work", "cancel", "1"], "needs --note"),
    (["work", "lits"], "Did you mean list?"),
    (["plan", "show"], "usage: paaslactl plan"),
    (["plan", "--timeout", "-1"], "--timeout is a whole number"),
    (["plan", "--for", "1 hour"], "usage: paaslactl plan"),
    (["sync", "a", "b"], "b is one word too many"),
    (["why"], "needs more than that"),
    (["findings", "--severity", "bad"], "--severity is info, warning or critical"),
    (["log", "--limit", "many"], "--limit is a whole number"),
    (["log", "--follow", "--until", "today"], "--follow has no end"),
    (["log", "--since", "yesterday"], "--since cannot be yesterday: a day is written 2026-03-01"),
    (["log", "--since", "2026-02-31"], "--since cannot be 2026-02-31: February 2026 has the days 1 to 28"),
    (["log", "--until", "2026-13-01"], "--until cannot be 2026-13-01: there is no month 13"),
    (["log", "--since", HOSTILE], "\\x1b[2J"),
    (["hire", "1", "A", "B", "--institution", "LV", "--from", "2026-02-30"], "--from cannot be 2026-02-30: February"),
    (["hire", "1", "A", "B", "--institution", "LV", "--kind", "boss"], "--kind is official, employee, external, trainee or elected"),
    (["depart", "1", "--ref", "R", "--last-day", "31.12.2026"], "--last-day cannot be 31.12.2026: a day is written 2026-03-01"),
    (["depart", "1", "--ref", "R", "--last-day", "2026-12-31T10:00"], "--last-day cannot be"),
    (["grant", "1", "K", "l", "--ref", "R", "--until", "2026-06-31"], "--until cannot be 2026-06-31: June 2026 has the days 1 to 30"),
    (["grant", "1", "K", "l", "--ref", "R", "--from", "soon"], "--from cannot be soon"),
    (["plan", "approve", "0123456789", "--for", "a while"], "--for cannot be a while: it is written '30 minutes'"),
    (["plan", "approve", "0123456789", "--for", "25 hours"], "at most a day"),
    (["depart", "1042", "--ref", ""], "--ref is a document number of 1 to 60 characters, not ''"),
    (["request", "file", "õ" * 61, "--by", "1"], "REF is a document number of 1 to 60 characters"),
    (["request", "approve", "  "], "REF is a document number"),
    (["grant", "1042", "KAUST", "lugeja", "--ref", "r" * 61], "--ref is a document number"),
    (["revoke", "1042", "KAUST", "lugeja", "--ref="], "--ref is a document number"),
    ([HOSTILE], "\\x1b[2J"),
    (["status", "--" + HOSTILE], "\\u202e"),
    (["plan", "--timeout", HOSTILE], "\\u2028"),
])
def test_wrong_usage(words, says):
    said = ctl("host=/nonexistent dbname=x", *words, code=USAGE)
    assert says in said.err, said.err
    assert not said.out


def test_bytes_that_are_no_utf8():
    done = subprocess.run([CTL, b"\xff\xfe\x1b"], capture_output=True, timeout=60)
    assert done.returncode == USAGE and b"\\xff\\xfe\\x1b" in done.stderr


def test_no_database():
    for words in (["status"], ["db", "status"], ["db", "migrate"], ["person"], ["why", "1042"], ["plan"], ["--json", "log"],
                  ["depart", "1042", "--ref", "R"]):
        said = ctl("host=/nonexistent password=geheim dbname=x", *words, code=NO_DB)
        assert "cannot reach the database" in said.err and "geheim" not in said.err and not said.out
    assert ctl("no such = = thing", "status", code=NO_DB).err


def test_lost_database():
    """The server goes away in the middle of a --follow."""
    pg = PgServer()
    try:
        pg.start()
        pg.migrate()
        p = subprocess.Popen([CTL, "--dsn", pg.dsn(), "log", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: pg.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'paaslactl'")[0][0], what="it")
        pg.stop()
        err = p.communicate(timeout=60)[1]
        assert p.returncode == NO_DB and b"was lost" in err
    finally:
        pg.remove()


def test_the_output_cannot_be_written(town):
    with open("/dev/full", "w") as full:
        done = subprocess.run([CTL, "--dsn", sqltown.server().dsn("admin", town.name), "person"], stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode != OK and b"could not be written" in done.stderr


# ---- db: the schema ----

@pytest.fixture
def empty():
    """An empty database of the copied town's server."""
    pg, name = sqltown.server(), "empty_db"
    pg.sql(f'CREATE DATABASE "{name}" TEMPLATE template0', db="postgres")
    yield lambda *args, user="postgres", **more: ctl(pg.dsn(user, name), *args, **more)
    pg.drop(name)


def in_empty(text, *args):
    return sqltown.server().sql(text, *args, db="empty_db")


def test_migrate_dry_fresh_and_twice(empty):
    names = sorted(os.path.basename(p)[:-4] for p in glob.glob(os.path.join(MIGRATIONS, "[0-9]*.sql")))
    assert "db migrate" in empty("db", "status", code=ATTENTION).out
    assert empty("--json", "db", "status", code=ATTENTION).json == []
    assert empty("db", "migrate", "--dry-run", code=ATTENTION).out.splitlines() == ["would apply " + n for n in names]
    assert empty("--json", "db", "migrate", "--dry-run", code=ATTENTION).json == {
        "dry_run": True, "migrations": names, "version": 0}
    assert not in_empty("SELECT FROM pg_namespace WHERE nspname IN ('paasla', 'audit')"), "a dry run makes nothing"
    assert empty("--json", "db", "migrate").json == {"dry_run": False, "migrations": names, "version": NEWEST}
    assert empty("db", "migrate").out == f"The schema is up to date: version {NEWEST}.\n"
    assert empty("--json", "db", "migrate", "--dry-run").json == {"dry_run": True, "migrations": [], "version": NEWEST}
    rows, table = empty("--json", "db", "status").json, empty("db", "status").out.splitlines()
    assert [r["name"] for r in rows] == names and [r["version"] for r in rows] == list(range(1, NEWEST + 1))
    assert len(table) == NEWEST + 1 and all(r["name"] in line and r["sha256"] in line for r, line in zip(rows, table[1:]))
    # Only half is there: the rest is applied, and said so before.
    in_empty("DELETE FROM paasla.schema_version WHERE version = %s", NEWEST)
    assert "1 newer" in empty("db", "status", code=ATTENTION).out
    assert empty("db", "migrate", "--dry-run", code=ATTENTION).out == f"would apply {names[-1]}\n"
    # Another text than this program's is told and stops nothing.
    in_empty("UPDATE paasla.schema_version SET sha256 = sha256('x') WHERE version = 3")
    assert "migration 3" in empty("db", "status", code=ATTENTION).err


def test_a_newer_schema_is_refused(town):
    """The program is older than the schema."""
    root = as_(town, "postgres")
    town.rows("INSERT INTO paasla.schema_version (version, name, sha256, program)"
              " VALUES (%s, '9999_later', sha256('x'), 'later')", NEWEST + 7)
    for words in (["db", "migrate"], ["db", "migrate", "--dry-run"], ["db", "status"], ["--json", "db", "migrate"]):
        said = root(*words, code=REFUSED)
        assert f"version {NEWEST + 7}" in said.err and "newer than this program" in said.err
    assert town.one("SELECT count(*) FROM paasla.schema_version") == NEWEST + 1
    said = root("--json", "status", code=ATTENTION).json
    assert "schema of another version" in said["text"] and said["counts"][0]["schema_version"] == NEWEST + 7


def test_migrate_without_the_right_leaves_nothing(empty):
    said = empty("db", "migrate", user="nobody", code=REFUSED)
    assert "failed and was rolled back" in said.err and "the owner of the database" in said.err
    assert not in_empty("SELECT FROM pg_namespace WHERE nspname IN ('paasla', 'audit')")


def test_two_migrations_at_once(empty):
    pg = sqltown.server()
    both = [subprocess.Popen([CTL, "--json", "--dsn", pg.dsn(db="empty_db"), "db", "migrate"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE) for _ in range(2)]
    done = [(*p.communicate(timeout=120), p.returncode) for p in both]
    assert [d[2] for d in done] == [OK, OK], done
    assert sorted(len(json.loads(d[0])["migrations"]) for d in done) == [0, NEWEST]


# ---- the verbs, in the sessions of those who use them ----

def test_hire_request_grant_revoke_depart(town):
    hr, grantor, approver = as_(town, "hr"), as_(town, "grantor"), as_(town, "approver")
    said = hr("hire", "2001", "Õie", "Mägi-Tamm", "--institution=LV", "--unit", "Rahandus", "--position", "spetsialist",
              "--kind", "official", "--it-admin", "--manager", "1001", "--from", "2025-01-02").out
    assert said.startswith("Õie Mägi-Tamm has number 2001 at LV")
    assert town.one("SELECT unit, position, kind, it_admin, lower(period) = '2025-01-02 00:00 Europe/Tallinn' FROM"
                    " paasla.employment WHERE employee_no = '2001'") == ("Rahandus", "spetsialist", "official", True, True)
    job = hr("--json", "hire", "2002", "--institution", "LV", "--", "--Odd", "--Name").json
    assert job == [{"employment_id": town.one("SELECT employment_id FROM paasla.employment WHERE employee_no = '2002'")}]
    assert grantor("request", "file", "T 1", "--by", "1001", "--sha256", "ab" * 32).out == "Request T 1 is filed.\n"
    assert town.one("SELECT document_sha256 FROM paasla.request WHERE reference = 'T 1'").tobytes() == b"\xab" * 32
    assert "filed already" in grantor("request", "file", "T 1", "--by", "1001", code=REFUSED).err
    grantor("grant", "2001", "JUUR", "juur", "--ref", " T 1 ", code=REFUSED)  # privileged: four eyes
    assert "approved" in approver("request", "approve", "T 1").out
    grant = grantor("--json", "grant", "2001", "JUUR", "juur", "--ref", "T 1", "--reason", "sest", "--until", "2099-01-01").json
    assert town.one("SELECT reason, upper(valid) = '2099-01-01 00:00 Europe/Tallinn' FROM paasla.access_grant"
                    " WHERE grant_id = %s", grant[0]["grant_id"]) == ("sest", True)
    said = grantor("grant", "2001", "PABER", "vaataja", "--ref", "KK-1", "--from", "2098-01-01", "--until", "2099-01-01").out
    assert "from 2098-01-01 until the beginning of 2099-01-01" in said
    ended = grantor("--json", "revoke", "2001", "JUUR", "juur", "--ref", " T 2 ")
    assert list(ended.json[0]) == ["ended_at", "reference"] and ended.json[0]["reference"] == "T 2"
    assert "note: no request T 2 is filed" in ended.err
    said = hr("depart", "2001", "--ref", "KK 9", "--last-day", "2099-12-31")
    assert said.out == "Number 2001 departs at 2100-01-01 00:00:00+02.\n"
    gone = hr("--json", "depart", "2001", "--ref", "KK 9").json
    assert gone["passed"] is True and gone["employee_no"] == "2001" and gone["directories"] is None
    assert re.search("departed on .* already", hr("depart", "2001", "--ref", "KK 9").err)
    assert town.one("SELECT departure_ref FROM paasla.employment WHERE employee_no = '2001'") == "KK 9"


@pytest.fixture(scope="module")
def sevens():
    """One town for all that is refused: it changes nothing."""
    t = sqltown.Town()
    t.hire("7", "Seitse", "Esimene", "LV")
    t.hire("7", "Seitse", "Teine", "LA")
    t.rows("SELECT paasla.file_request('OWN', '1002')")
    yield t
    t.close()


@pytest.mark.parametrize("user, code, words, says", [
    # wrong words: nobody or nothing of that name, a name that means two, a value that cannot be
    ("hr", USAGE, ["depart", "nobody", "--ref", "R"], "nobody has employee number nobody"),
    ("hr", USAGE, ["hire", "3000", "A", "B", "--institution", "LV", "--manager", "9999"], "--manager cannot be 9999: nobody at LV"),
    ("hr", USAGE, ["depart", "7", "--ref", "R"], "employee number 7 is used by LA, LV. Name the institution"),
    ("grantor", USAGE, ["grant", "1042", "KAUST", "lugeja", "--ref", "never filed"], "there is no request never filed"),
    ("grantor", USAGE, ["grant", "1042", "KAUST", "kuningas", "--ref", "KK-1"], "KAUST has no role kuningas. Its roles: kirj"),
    ("grantor", USAGE, ["grant", "1042", "KAOS", "lugeja", "--ref", "KK-1"], "There is no such register"),
    ("grantor", USAGE, ["grant", "9999", "KAUST", "lugeja", "--ref", "KK-1"], "nobody has employee number 9999"),
    ("grantor", USAGE, ["grant", "1042", "KAUST", "lugeja", "--ref", "KK-1", "--until", "2001-01-01"],
     "--until cannot be 2001-01-01: that is not after now"),
    ("grantor", USAGE, ["grant", "1042", "KAUST", "lugeja", "--ref", "KK-1", "--from", "2099-01-02", "--until", "2099-01-01"],
     "--until cannot be 2099-01-01: that is not after 2099-01-02"),
    ("grantor", USAGE, ["revoke", "1042", "KAUST", "lugeja"], "number 1042 does not have KAUST lugeja"),
    ("grantor", USAGE, ["request", "file", "R", "--by", "9999"], "nobody has employee number 9999"),
    ("approver", USAGE, ["request", "approve", "never filed"], "there is no request never filed"),
    ("grantor", USAGE, ["work", "done", "4711"], "there is no work order 4711"),
    ("approver", USAGE, ["plan", "approve", "0123456789"], "0 held plans"),
    ("admin", USAGE, ["plan", "nowhere"], "there is no directory nowhere"),
    ("admin", USAGE, ["sync", "nowhere"], "there is no directory nowhere"),
    # rules and rights
    ("hr", REFUSED, ["hire", "1042", "A", "B", "--institution", "LV"], "1042 of LV belongs to somebody else"),
    ("hr", REFUSED, ["hire", "3000", "A", "B", "--institution", "XX"], "does not act for institution XX"),
    ("hr", REFUSED, ["hire", "3000", "A", "B", "--institution", "LV", "--code", "12345678901"], "personal code is wrong"),
    ("hr", REFUSED, ["hire", "3000", "A\x1b", "B", "--institution", "LV"], "name .* cannot be used"),
    ("hr_la", USAGE, ["depart", "1042", "--ref", "R"], "nobody has employee number 1042"),
    ("grantor", REFUSED, ["request", "file", "KK-1", "--by", "1001"], "KK-1 is filed already"),
    ("grantor", REFUSED, ["grant", "1042", "JUUR", "juur", "--ref", "KK-1"], "JUUR juur is privileged"),
    ("grantor", REFUSED, ["depart", "1042", "--ref", "R"], "permission denied.* lacks the role"),
    ("approver", REFUSED, ["request", "approve", "OWN"], "made by the same person"),
    ("clerk", REFUSED, ["request", "approve", "KK-1"], "permission denied"),
])
def test_said_no_in_a_sentence(sevens, user, code, words, says):
    before = sevens.one("SELECT count(*) FROM audit.event")
    said = as_(sevens, user)(*words, code=code)
    assert re.search(says, said.err), said.err
    assert not said.out and sevens.one("SELECT count(*) FROM audit.event") == before


def test_unknown_words_are_told_apart(town):
    admin = as_(town, "admin")
    assert "nobody has the number" in admin("why", "9999", code=USAGE).err
    assert "nobody has the number" in admin("person", HOSTILE, code=USAGE).err
    assert "Did you mean KAUST?" in admin("why", "1042", "KAUS", code=USAGE).err
    assert "Did you mean PABER?" in admin("register", "PAPER", code=USAGE).err
    assert "there is no institution XX" in admin("matrix", "--institution", "XX", code=USAGE).err
    assert "no plan has a digest" in admin("plan", "show", "123", code=USAGE).err
    admin("log", "--since", "2025-99-99", code=USAGE)
    town.hire("3001", "Mari", "Tammik")
    assert admin("why", "mari tamm").out.startswith("Mari Tamm, LV/1042\n"), "the whole name counts before its part"
    several = admin("why", "mari", code=USAGE).err
    assert "may be 2 persons" in several and "LV/1042" in several and "LV/3001" in several


def test_work_orders(town):
    grantor = as_(town, "grantor")
    assert grantor("work", "list").out == "No work order is open.\n" and grantor("--json", "work", "list").json == []
    town.grant("1042", "PABER", "vaataja")
    rows, table = grantor("--json", "work", "list").json, grantor("work", "list").out.splitlines()
    assert [(r["do"], r["number"], r["person"], r["register"], r["state"]) for r in rows] == [
        ("add", "1042", "Mari Tamm", "Paberregister", "open")]
    assert len(table) == 2 and "Mari Tamm" in table[1] and str(rows[0]["id"]) in table[1]
    assert "is done" in grantor("work", "done", rows[0]["id"], "--note", "tehtud").out
    assert "is done since" in grantor("work", "done", rows[0]["id"], code=REFUSED).err
    town.depart("1042")
    order = grantor("--json", "work", "list").json[0]
    assert order["do"] == "remove"
    assert grantor("--json", "work", "cancel", order["id"], "--note", HOSTILE).json == [
        {"work_order_id": order["id"], "state": "cancelled"}]
    closed = grantor("--json", "work", "list", "--all").json
    assert sorted((r["state"], r["note"]) for r in closed) == [("cancelled", HOSTILE), ("done", "tehtud")]
    assert "\\x1b[2J" in grantor("work", "list", "--all").out
    assert grantor("work", "list").out == "No work order is open.\n"


GROUPS = ["hr", "grantor", "approver", "admin", "auditor", "reviewer", "daemon", "nobody"]
READERS = {"grantor", "approver", "admin", "auditor"}
MAY = [
    (["hire", "4000", "A", "B", "--institution", "LV"], {"hr"}, OK),
    (["depart", "1042", "--ref", "R", "--last-day", "2099-01-01"], {"hr"}, OK),
    (["request", "file", "R-{user}", "--by", "1001"], {"hr", "grantor"}, OK),
    (["request", "approve", "KK-1"], {"approver"}, OK),
    (["grant", "1001", "KAUST", "lugeja", "--ref", "KK-1"], {"grantor"}, OK),
    (["revoke", "1001", "KAUST", "lugeja"], {"grantor"}, OK),
    (["work", "list"], READERS, OK),
    (["work", "done", "{order}"], {"grantor"}, OK),
    (["plan", "--timeout", "0"], READERS - {"auditor"}, NO_ANSWER),
    (["sync", "--timeout", "0"], READERS - {"auditor"}, NO_ANSWER),
    (["plan", "list"], READERS | {"daemon"}, OK),
    (["plan", "approve", "{digest}"], {"approver"}, OK),
    (["status"], READERS, ATTENTION),
    (["why", "1042"], READERS, OK),
    (["person"], READERS | {"daemon"}, OK),
    (["register"], READERS, OK),
    (["matrix"], READERS, OK),
    (["findings"], READERS, OK),
    (["log"], READERS, OK),
    (["db", "status"], set(GROUPS) - {"nobody"}, OK),
    (["db", "migrate"], set(GROUPS) - {"nobody"}, OK),  # there is nothing to be done
]


def held_plan(town):
    return town.one("INSERT INTO paasla.plan (directory, digest, state, why, locks, removals, items)"
                    " VALUES ('linn', repeat('0f', 32), 'held', 'test', 1, 0, 1) RETURNING digest")


def test_only_who_may_can(town):
    town.grant("1042", "PABER", "vaataja")
    words = {"order": town.one("SELECT work_order_id FROM paasla.work_order"), "digest": held_plan(town)}
    for command, may, code in MAY:
        for user in GROUPS:
            args = [w.format(user=user, **words) for w in command]
            if user in may:
                assert as_(town, user)(*args, code=None).code == code, (user, args)
            elif user != "reviewer" or command[0] != "db":
                said = as_(town, user)(*args, code=REFUSED)
                assert "permission denied" in said.err and "Hint" not in said.err, (user, args, said.err)
                assert not said.out, (user, args)


# ---- long waits ----

def on_terminal(town, *args, term="xterm"):
    """What stands on the terminal that is its standard error, and on its standard output, which is none."""
    ours, its = pty.openpty()
    p = subprocess.Popen([CTL, "--dsn", sqltown.server().dsn("postgres", town.name), *args], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=its, env=dict(environment(), TERM=term))
    os.close(its)
    shown = []

    def read():  # while it runs: a terminal that nobody reads holds its program up
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while True:
                shown.append(os.read(ours, 4096))
    reader = threading.Thread(target=read)
    reader.start()
    out = p.communicate(timeout=60)[0]
    reader.join(10)
    os.close(ours)
    return p.returncode, out.decode(), b"".join(shown).decode()


def test_a_long_wait_is_told_on_a_terminal_and_wiped_away(town):
    code, out, shown = on_terminal(town, "sync", "--timeout", "6")
    assert code == NO_ANSWER and "begin" not in out
    waits, complaint = shown.split("\r\x1b[Kpaaslactl: ")
    told = [int(s) for s in re.findall(r"\r\x1b\[Kwaiting for paaslad to begin \((\d+) s\)", waits)]
    assert len(set(told)) > 1 and told == sorted(told) and told[0] >= 1, "the seconds that pass: " + repr(waits)
    assert "\n" not in waits and complaint.startswith("the daemon has not answered within 6 s.")
    code, out, shown = on_terminal(town, "sync", "--timeout", "2", term="dumb")
    assert code == NO_ANSWER and shown.startswith("paaslactl: the daemon has not answered")


def test_a_migration_is_told_before_it_begins(empty):
    shown = on_terminal(types.SimpleNamespace(name="empty_db"), "db", "migrate")[2]
    assert shown.count("applying ") == NEWEST and shown.startswith("\r\x1b[Kapplying 0001_") and shown.endswith("\r\x1b[K")
