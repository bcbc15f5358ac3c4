"""`paaslactl log`: filters, times, following. What is committed late is not passed over; personal codes are not shown."""
import json
import re
import select
import subprocess

import pytest

import sqltown
from paaslactl import CTL, HOSTILE, NO_DB, USAGE, as_, raw
from town import until


def log(town, *words, user="auditor", **more):
    return as_(town, user)("--json", "log", *words, **more).json


def test_who_what_whom_when_on_what(town):
    town.depart("1042", ref="KK-2026-114")
    line = as_(town, "auditor")("log", "--action", "employment.ended").lines
    assert len(line) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  hr  employment\.ended  Mari Tamm LV/1042: employment_id \d+, .*"
                        r"reference KK-2026-114", line[0]), line
    event = log(town, "--action", "employment.ended")[0]
    assert (event["session_role"], event["person"], event["number"], event["private"]["text"]) == (
        "hr", "Mari Tamm", "LV/1042", "KK-2026-114")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["at"]) and isinstance(event["detail"], dict)
    assert "at_local" not in event and "result_code" not in event, "what is empty is left out"


def test_who_acts_is_a_person_where_one_is_known(town):
    town.rows("SELECT paasla.approve_request('KK-1')", user="approver")
    assert "  Toomas Õunapuu  request.changed" in as_(town, "auditor")("log").lines[-1]


def test_filters(town):
    for no in ("1042", "1002"):
        town.grant(no)
        town.grant(no, "PABER", "vaataja")
    town.rows("SELECT paasla.revoke_access('1002', 'KAUST', 'lugeja')", user="grantor")
    mari, both = town.person("1042"), {town.person("1042"), town.person("1002")}
    everything = log(town, "--limit", "1000")
    assert [e["event_id"] for e in everything] == sorted(e["event_id"] for e in everything)
    assert {e["person_id"] for e in log(town, "--person", "1042")} == {mari}
    assert len(log(town, "--person", "1042")) == len([e for e in everything if e.get("person_id") == mari])
    assert {e["register_code"] for e in log(town, "--register", "PABER")} == {"PABER"}
    assert {e["person_id"] for e in log(town, "--register", "KAUST", "--action", "grant")} == both
    assert {e["action"] for e in log(town, "--action", "grant")} == {"grant.given", "grant.ended"}
    assert {e["action"] for e in log(town, "--action", "grant.ended")} == {"grant.ended"}
    assert log(town, "--action", "gran") == [], "a whole word, or a whole beginning"
    assert [e["action"] for e in log(town, "--person", "1042", "--register", "KAUST")] == ["grant.given"]
    assert log(town, "--limit", "3") == everything[-3:] and log(town, "--limit", "0") == []
    assert as_(town, "auditor")("log", "--action", "nothing").out == "The log holds nothing of that kind.\n"
    assert "nobody has the number" in as_(town, "auditor")("log", "--person", "9999", code=USAGE).err
    assert "Did you mean KAUST?" in as_(town, "auditor")("log", "--register", "KAUTS", code=USAGE).err


def test_times(town):
    everything = log(town, "--limit", "1000")
    at = everything[len(everything) // 2]["at"]
    assert log(town, "--since", at) == [e for e in everything if e["at"] >= at]
    assert log(town, "--until", at) == [e for e in everything if e["at"] < at]
    assert log(town, "--since", at, "--until", at) == []
    local = town.one("SELECT to_char(%s::timestamptz AT TIME ZONE 'Europe/Tallinn', 'YYYY-MM-DD HH24:MI:SS.US')", at)
    assert log(town, "--since", local) == log(town, "--since", at), "without a zone it is Tallinn's time"
    day, tomorrow = town.one("SELECT to_char(now() AT TIME ZONE 'Europe/Tallinn', 'YYYY-MM-DD'),"
                             " to_char(now() AT TIME ZONE 'Europe/Tallinn' + interval '1 day', 'YYYY-MM-DD')")
    assert log(town, "--since", "today") == log(town, "--since", day) and log(town, "--since", tomorrow) == []
    assert log(town, "--since", "-1d") == log(town, "--since", "-24h") == everything
    town.rows("ALTER TABLE audit.event DISABLE TRIGGER event_append_only; UPDATE audit.event SET at = at - interval '1 hour';"
              " ALTER TABLE audit.event ENABLE ALWAYS TRIGGER event_append_only")
    everything = log(town, "--limit", "1000")
    town.depart("1042")
    assert {e["action"] for e in log(town, "--since", "-1800s")} >= {"employment.ended"} != {e["action"] for e in everything}
    assert log(town, "--until", "-1800s") == everything


def test_only_the_newest_and_that_is_said(town):
    town.rows("SELECT audit.append('test.many', '{}', jsonb_build_object('n', n)) FROM generate_series(1, 250) n")
    said = as_(town, "auditor")("log")
    assert len(said.lines) == 200 and "these are the newest 200; --limit N shows more" in said.err
    assert said.lines[-1].endswith("test.many: n 250")
    assert len(as_(town, "auditor")("log", "--limit", "1000", "--action", "test").lines) == 250


def test_personal_values(town):
    """Names are told to who may see them; the personal code is HR's, and not in the log for anybody."""
    town.hire("2001", "Õie", "Mägi", personal_code="37605030299")
    assert town.one("SELECT count(*) FROM audit.opening WHERE value = '37605030299'") == 1
    for said in (as_(town, "auditor")("log").out, json.dumps(log(town))):
        assert "Mägi" in said or "M\\u00e4gi" in said
        assert "37605030299" not in said


def test_hostile_words_stay_on_their_line(town):
    town.grant("1042", "PABER", "vaataja")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done', %s) FROM paasla.work_order", HOSTILE, user="grantor")
    lines = as_(town, "auditor")("log", "--action", "work_order.done").lines
    assert len(lines) == 1 and "note A\\x1b[2J" in lines[0] and "\\u202edrow" in lines[0]
    assert log(town, "--action", "work_order.done")[0]["private"]["text"] == HOSTILE


# ---- following ----

class Follower:
    """`log --follow`, its lines as they come. When it is made it has asked from where on it follows."""

    def __init__(self, town, *words):
        self.process = subprocess.Popen([CTL, "--json", "--dsn", sqltown.server().dsn("auditor", town.name), "log", "--follow", *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        until(lambda: town.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'paaslactl' AND datname = %s AND"
                                " query ~ 'audit.event|pg_snapshot_xmin' AND state = 'idle'", town.name), what="the follower")

    def next(self):
        assert select.select([self.process.stdout], [], [], 20)[0], "nothing came"
        line = self.process.stdout.readline().decode()
        assert line and not raw(line), self.process.stderr.read()
        return json.loads(line)


@pytest.fixture
def follow(town):
    made = []

    def start(*words):
        made.append(Follower(town, *words))
        return made[-1]

    yield start
    for f in made:
        f.process.kill()
        f.process.communicate()


def test_follow_begins_with_the_newest_and_goes_on(town, follow):
    f = follow("--limit", "2")
    begin = [f.next() for _ in range(2)]
    assert begin == log(town, "--limit", "2")
    town.grant("1042")
    assert f.next()["action"] == "grant.given"
    town.depart("1002")
    assert f.next()["action"] == "employment.ended"


def test_follow_with_filters(town, follow):
    f = follow("--limit", "0", "--person", "1042", "--action", "grant")
    town.grant("1002")
    town.grant("1042", "PABER", "vaataja")
    town.grant("1042")
    got = [f.next(), f.next()]
    assert [(e["person_id"], e["action"]) for e in got] == [(town.person("1042"), "grant.given")] * 2


def test_follow_waits_for_what_is_committed_late_and_loses_nothing(town, follow):
    """A transaction that began first and ends last: what came beside it waits, then all of it comes, each row once."""
    f = follow("--limit", "0", "--action", "grant")
    late = town.connect("grantor", autocommit=False)
    late.cursor().execute("SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1', 'hiline')")
    for n in range(3):
        town.grant("1002", "KAUST" if n < 2 else "PABER", ("lugeja", "kirjutaja", "vaataja")[n])
    town.rows("SELECT pg_sleep(0.8)")
    late.commit()
    late.close()
    got = [f.next() for _ in range(4)]
    assert len({e["event_id"] for e in got}) == 4 and got[0]["private"]["text"] == "hiline"
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    assert f.next()["action"] == "grant.ended"


def test_follow_as_lines_ends_with_the_database(town):
    p = subprocess.Popen([CTL, "--dsn", sqltown.server().dsn("auditor", town.name), "log", "--follow"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    assert re.match(rb"\d{4}-\d\d-\d\d .*  [a-z_]+\.[a-z_]+", p.stdout.readline())
    until(lambda: town.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'paaslactl'"
                            " AND datname = %s", town.name), what="its session")
    err = p.communicate(timeout=60)[1]
    assert p.returncode == NO_DB and b"the connection to the database was lost" in err
