"""The daemon's statements beside each other, in both orders: `settle` beside `acked` and beside `watched`, the totals that
triggers keep, what is noted of servers and settings. test_sql_races_all.py says which case is for which trigger."""
import json

import psycopg2
import pytest

from sqldaemon import account
from test_sql_races import two  # noqa: F401 (the fixture)
from test_sql_servers import DC1, DC2, DC3, closed, done, note, owed, say, servers  # noqa: F401 (the fixture)

ACKED, WATCHED = "SELECT paasla.acked('linn', %s)", "SELECT paasla.watched('linn', %s)"
BOTH = pytest.mark.parametrize("turned", [False, True])


def told(town, no, acc, state, **more):
    out = dict(person_id=town.person(no), directory="linn", purpose="personal", account_id=acc, state=state, row=0, sentence="",
               native_id="", dn="", intents=[], memberships=[], findings=[], resolved=[], changed_at_us=0, locked_at_us=0, out_at_us=0,
               seqs=[r[0] for r in town.rows("SELECT seq FROM paasla.dirty")], retry_after_us=0, retry_reason="")
    out.update(more)
    return "SELECT paasla.settle(%s)", json.dumps(out)


def both(two, turned, one, other, users=("daemon", "daemon"), commit=True, late_first=False, between=lambda: None):
    """Two transactions, one statement each; `turned`: the other one begins. The one that began stays open until the other is
    done or waits. late_first: when the second one need not wait it also ends first. True: it waited."""
    if turned:
        one, other, users = other, one, users[::-1]
    a, b = two(*users)
    a.run(*one)
    waited = b.start(*other)
    if late_first and not waited:
        b.finish()
        between()
        a.finish(commit)
    else:
        a.finish(commit)
        between()
        b.finish()
    return waited


def alone(town, turned, one, other):
    """Two statements of which neither sees what the other does beside it. They never stand beside each other: whoever works
    holds daemon_lock, one session has it, and that one says one thing after the other."""
    lock = town.query("daemon_lock", user="daemon")
    with town.connect("daemon") as late:
        cur = late.cursor()
        cur.execute("SELECT pg_catalog.pg_try_advisory_lock(123563549092961)::int")
        assert (lock, cur.fetchall()) == ([(1,)], [(0,)])
    late.close()
    for text, *args in (other, one) if turned else (one, other):
        town.rows(text, *args, user="daemon")


LATE = pytest.mark.parametrize("late_first", [False, True])


# ---- settle beside acked ----

@BOTH
def test_the_account_is_closed_again_whichever_comes_last(town, closed, turned):
    """A server may have kept the old password: an account that is settled as out meanwhile is not."""
    acc, intent = closed
    for server in servers:
        say(town, acc, intent, server, whole=server != DC2)
    item = dict(account_id=acc, intent_id=intent, server=DC2, code=49, seen=False, after=True, whole=False, at_us=1772352000000000)
    town.rows("UPDATE paasla.account SET state = 'closing' WHERE account_id = %s", acc)
    town.clean()
    settle = told(town, "1042", acc, "out", intents=[dict(id=intent, outcome="done", code=0, at_us=1)])
    alone(town, turned, settle, (ACKED, json.dumps([item])))
    assert town.one("SELECT bool_or(close_again) FROM paasla.lock_ack")
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking"
    assert [c for _, _, c in town.dirty()] == ["close_again"]


@BOTH
def test_two_acks_of_one_lock(town, two, closed, turned):
    acc, intent = closed
    one, other = ((ACKED, json.dumps([dict(account_id=acc, intent_id=intent, server=DC2, code=code, seen=False, after=False, whole=True,
                                           at_us=1772352000000000)])) for code in (0, -1))
    assert both(two, turned, one, other)
    assert town.one("SELECT acknowledged_at IS NOT NULL FROM paasla.lock_ack WHERE server = %s", DC2), "what is acknowledged stays so"
    assert owed(town) == sorted([DC1, DC3])


@BOTH
def test_what_is_owed_is_asked_while_it_is_told(town, two, closed, turned):
    """Asked once too often at most."""
    acc, intent = closed
    item = json.dumps([dict(account_id=acc, intent_id=intent, server=DC2, code=0, seen=False, after=False, whole=True, at_us=1)])
    ask = "SELECT server FROM paasla.unacked('linn', %s, 1000000) ORDER BY 1"
    a, b = two("daemon", "daemon")
    if turned:
        assert [s for s, in b.run(ask, servers)] == sorted(servers)
    a.run(ACKED, item)
    assert [s for s, in b.run(ask, servers)] == sorted(servers), "not committed, so not known"
    a.finish()
    assert [s for s, in b.run(ask, servers)] == sorted([DC1, DC3])
    b.finish()


@BOTH
@LATE
def test_a_lock_is_planned_while_a_server_comes(town, two, closed, turned, late_first):
    """It is owed by those that were there; what the new one says is kept all the same."""
    acc, _ = closed
    rows = [dict(server=s, listed=i + 1, in_use=i == 0, state="up", read_only=False, since_us=1, why="") for i, s in enumerate([*servers, "ldap://dc4"])]
    plan = json.dumps([dict(account_id=acc, person_id=town.person("1042"), directory="linn", purpose="personal", role_group_id=0, op="close",
                            row=330, put_back=False)])
    assert not both(two, turned, ("SELECT paasla.intend(%s)", plan), ("SELECT paasla.note_connections(%s)", json.dumps(
        [dict(directory="linn", state="up", since_us=1, why="", servers=rows)])), late_first=late_first)
    last = town.one("SELECT max(intent_id) FROM paasla.intent")
    of = lambda: {s for s, in town.rows("SELECT server FROM paasla.lock_ack WHERE intent_id = %s", last)}
    assert set(servers) <= of()
    say(town, acc, last, "ldap://dc4")
    assert of() == {*servers, "ldap://dc4"} and "ldap://dc4" not in owed(town, *of())


# ---- settle beside watched ----

@BOTH
@LATE
@pytest.mark.parametrize("known", ["by its id", "by its log-in"])
def test_what_the_watch_tells_is_not_consumed_by_a_look_of_before(town, two, turned, late_first, known):
    acc, login = account(town, "1042")[:2]
    town.clean()
    town.grant("1042")
    if known == "by its id":
        town.rows("UPDATE paasla.account SET native_id = 'u-1' WHERE account_id = %s", acc)
    seen = json.dumps(dict(entries=[dict(id="u-1", login=login, kind="orphan_account", severity="warning", person_id=0, account_id=0,
                                         role_group_id=0, key="u-1", text="Keegi.")],
                           persons=[], findings=[], cookie="rid=000,csn=1", identity="x"))
    both(two, turned, told(town, "1042", acc, "open", native_id="u-1"), (WATCHED, seen), late_first=late_first)
    assert [c for _, _, c in town.dirty()] == ["watch"]
    assert town.rows("SELECT 1 FROM paasla.finding") == [] and town.one("SELECT cookie FROM paasla.directory WHERE directory = 'linn'")
    assert town.one("SELECT state || native_id FROM paasla.account WHERE account_id = %s", acc) == "openu-1"


@BOTH
def test_an_entry_that_becomes_ours_while_the_watch_tells_of_it_is_no_stranger(town, turned):
    """Its log-in is not told (or is another one), and its id is being written down just now."""
    acc = account(town, "1042")[0]
    town.clean()
    seen = json.dumps(dict(entries=[dict(id="u-1", login="", kind="orphan_account", severity="warning", person_id=0, account_id=0,
                                         role_group_id=0, key="u-1", text="Keegi.")],
                           persons=[], findings=[], cookie="rid=000,csn=1", identity="x"))
    alone(town, turned, told(town, "1042", acc, "open", native_id="u-1"), (WATCHED, seen))
    assert town.rows("SELECT state FROM paasla.finding WHERE state = 'open'") == []


@BOTH
def test_two_watches_tell_the_same(town, two, turned):
    found = dict(kind="unmanaged_member", severity="warning", person_id=0, account_id=0, role_group_id=0, key="k", text="t")
    one, other = ((WATCHED, json.dumps(dict(entries=[], persons=[dict(person_id=town.person(no), cause="watch")], findings=[found],
                                            cookie="rid=000,csn=" + no, identity="x"))) for no in ("1001", "1042"))
    town.clean()
    assert both(two, turned, one, other)
    assert town.dirty() == sorted(("linn", town.person(no), "watch") for no in ("1001", "1042"))
    assert town.one("SELECT cookie FROM paasla.directory WHERE directory = 'linn'") == "rid=000,csn=" + ("1001" if turned else "1042")
    assert town.one("SELECT count(*) FROM paasla.finding") == 1


# ---- what triggers count ----

def totals(town):
    """As kept, and as counted anew."""
    kept = town.rows("SELECT directory, open_accounts, memberships FROM paasla.directory_total WHERE open_accounts + memberships > 0 ORDER BY 1")
    anew = town.rows("SELECT a.directory, count(*) FILTER (WHERE a.state = 'open'), (SELECT count(*) FROM paasla.membership m JOIN paasla.account x"
                     " USING (account_id) WHERE m.present AND x.directory = a.directory) FROM paasla.account a GROUP BY 1 ORDER BY 1")
    return kept, [r for r in anew if r[1] + r[2] > 0]


@BOTH
@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("steps", [("open", "open"), ("open", "out"), ("out", "out")])
def test_two_settle_accounts_of_one_directory(town, two, turned, commit, steps):
    """Accounts and memberships are counted once each, whatever of it is rolled back."""
    group = town.one("SELECT role_group_id FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja%%'")
    say = []
    for no, state in zip(("1001", "1042"), steps):
        acc = account(town, no)[0]
        member = [dict(role_group_id=group, present=True)]
        if state == "out":
            town.rows(*told(town, no, acc, "open", memberships=member))
            member[0]["present"] = False
        say.append(told(town, no, acc, state, memberships=member))
    assert both(two, turned, *say, commit=commit), "one row of totals a directory"
    kept, anew = totals(town)
    assert kept == anew
    opened = [s == "open" for s in steps]  # the one that began may have been rolled back
    if not commit:
        opened[turned] = not opened[turned]
    assert sum(opened) == (kept[0][1] if kept else 0) == (kept[0][2] if kept else 0)


@BOTH
@LATE
def test_an_account_is_reserved_beside_one_that_is_settled(town, two, turned, late_first):
    acc = account(town, "1001")[0]
    both(two, turned, told(town, "1001", acc, "open"),
         ("SELECT * FROM paasla.reserve('linn', %s, 'personal', '{x}')", town.person("1042")), late_first=late_first)
    kept, anew = totals(town)
    assert kept == anew == [("linn", 1, 0)]


# ---- what is found and noted ----

@BOTH
@pytest.mark.parametrize("commit", [True, False])
def test_one_refused_lock_by_two_sessions_is_one_order(town, two, turned, commit):
    acc = account(town, "1042", state="open")[0]
    town.depart("1042")
    found = dict(kind="write_denied", severity="critical", person_id=town.person("1042"), account_id=acc, role_group_id=0, key="k", text="t")
    nominate = "SELECT paasla.nominate('linn', %s)", json.dumps(dict(persons=[], findings=[found]))
    assert both(two, turned, nominate, told(town, "1042", acc, "locking", findings=[found]), commit=commit)
    assert town.rows("SELECT cause, state FROM paasla.work_order WHERE kind = 'lock'") == [("write_denied", "open")]
    assert town.rows("SELECT state FROM paasla.finding") == [("open",)]


@BOTH
def test_a_refused_lock_is_closed_by_hand_while_it_is_found_again(town, two, turned):
    acc = account(town, "1042", state="open")[0]
    town.depart("1042")
    found = dict(kind="write_denied", severity="critical", person_id=town.person("1042"), account_id=acc, role_group_id=0, key="k", text="t")
    town.rows(*told(town, "1042", acc, "locking", findings=[found]))
    close = "SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order WHERE kind = 'lock'",
    both(two, turned, close, told(town, "1042", acc, "locking", findings=[found]), users=("grantor", "daemon"))
    assert town.rows("SELECT count(*) FROM paasla.work_order WHERE kind = 'lock'") == [(1,)]


def config(note_id, **values):
    return "SELECT paasla.note_config(%s)", json.dumps(dict(
        note_id=note_id, kind="reload", version="1", host="h", file_sha256="a" * 64, started_us=1, loaded_us=1, needs_restart=[],
        values=values, secrets={}))


@BOTH
@pytest.mark.parametrize("before", [False, True])
def test_two_note_their_settings(town, two, turned, before):
    if before:
        town.rows(*config("0", x="0", gone="1"))
    assert both(two, turned, config("1", x="1", y="1"), config("2", x="2", z="2"))
    last = dict(x="1", y="1") if turned else dict(x="2", z="2")
    assert town.one("SELECT note_id FROM paasla.daemon_run") == ("1" if turned else "2")
    assert dict(town.rows("SELECT name, value FROM paasla.config_value")) == last
    assert town.one("SELECT count(*) FROM audit.event WHERE action LIKE 'config.%%'") == 2 + before


@BOTH
def test_the_same_settings_are_noted_once(town, two, turned):
    town.rows(*config("0", x="0"))
    assert both(two, turned, config("1", x="1"), config("1", x="1"))
    assert town.one("SELECT count(*) FROM audit.event WHERE action LIKE 'config.%%'") == 2


@BOTH
@pytest.mark.parametrize("before", [False, True])
def test_two_note_their_connections(town, two, turned, before):
    def say(why):
        return "SELECT paasla.note_connections(%s)", json.dumps([dict(directory=d, state="up", since_us=1, why=why, servers=[
            dict(server=s, listed=1, in_use=True, state="up", read_only=False, since_us=1, why=why) for s in (DC1, DC2)])
            for d in ("linn", "kool")])
    if before:
        note(town)
    assert both(two, turned, say("one"), say("other"))
    last = "one" if turned else "other"
    assert town.rows("SELECT directory, why FROM paasla.connection ORDER BY 1") == [("kool", last), ("linn", last)]
    assert town.rows("SELECT DISTINCT why, count(*) FROM paasla.directory_server GROUP BY 1") == [(last, 4)]


@BOTH
def test_two_say_how_a_compare_went(town, two, turned):
    def say(complete):
        return "SELECT paasla.note_compare('linn', %s)", json.dumps(dict(complete=complete, entries=1, accounts=1, groups=1, nominated=0,
                                                                         control_id=0, started_us=1))
    assert both(two, turned, say(True), say(False))
    assert town.one("SELECT last_compare_complete, last_complete_at IS NOT NULL FROM paasla.directory WHERE directory = 'linn'") == (turned, True)


# ---- what is asked for and begun anew ----

@BOTH
@LATE
def test_what_is_asked_for_is_taken_while_it_is_asked(town, two, turned, late_first):
    """By this look or by the next one, once."""
    took = []
    town.query("ctl_ask", "preview", "linn", user="postgres")
    a, b = two(*(("daemon", "postgres") if turned else ("postgres", "daemon")))
    ask, take = "SELECT paasla.ask('sync', 'kool')", "SELECT control_id FROM paasla.take_controls(false)"
    for session in (a, b):
        took += (session.run(take) if session is (a if turned else b) else session.run(ask) and [])
    for session in (b, a) if late_first else (a, b):
        session.finish()
    took += town.rows(take)
    assert sorted(took) == town.rows("SELECT control_id FROM paasla.control ORDER BY 1") and len(took) == 2


@pytest.mark.parametrize("commit", [True, False])
def test_two_take_what_is_asked_for(town, two, commit):
    town.query("ctl_ask", "sync", None, user="postgres")
    a, b = two("daemon", "daemon")
    took = a.run("SELECT control_id FROM paasla.take_controls(false)")
    b.start("SELECT control_id FROM paasla.take_controls(false)")
    a.finish(commit)
    b.thread and b.thread.join(20)
    other = b.cur.fetchall()
    b.finish()
    assert len(took) == 1 and len(other) == (0 if commit else 1)


@BOTH
@LATE
def test_the_daemon_begins_anew_while_a_write_of_before_is_settled(town, two, turned, late_first):
    """The person is looked at once more; the outcome stands."""
    acc = account(town, "1042", state="closing")[0]
    intent = town.one("SELECT paasla.intend(%s)", json.dumps([dict(account_id=acc, person_id=town.person("1042"), directory="linn",
                      purpose="personal", role_group_id=0, op="close", row=330, put_back=False)]))
    town.clean()
    settle = told(town, "1042", acc, "out", intents=[dict(id=intent, outcome="done", code=0, at_us=1)])
    both(two, turned, settle, ("SELECT paasla.recover()",), late_first=late_first)
    assert town.one("SELECT outcome FROM paasla.intent") == "done" and {c for _, _, c in town.dirty()} <= {"recovery"}
    town.rows("SELECT paasla.recover()")
    assert len(town.rows("SELECT 1 FROM paasla.dirty WHERE cause = 'recovery'")) <= 1


@BOTH
def test_two_file_one_document(town, two, turned):
    one, other = (("SELECT paasla.file_request('KK-9', %s)", no) for no in ("1001", "1042"))
    try:
        both(two, turned, one, other, users=("grantor", "grantor"))
    except psycopg2.errors.UniqueViolation:
        pass
    assert town.one("SELECT count(*) FROM paasla.request WHERE reference = 'KK-9'") == 1
