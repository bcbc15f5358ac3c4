"""`paaslactl why` under attack: it never says "out" while anything is open. A leaver of whom everything is done is out; then
one thing is opened after the other, and each alone must turn the answer."""
import re

import pytest

from paaslactl import ATTENTION, OK, as_
from sqldaemon import account, hold, intend, item, settle

STATES = ["none", "creating", "ready", "opening", "open", "locking", "closing", "paused", "out", "lost", "foreign"]


def gone(town, no="1042"):
    """Departed, locked, out of the group, the work order done, nothing waits. Returns the account."""
    acc = account(town, no, state="open")[0]
    town.grant(no)
    town.grant(no, "PABER", "vaataja")
    group = town.one("SELECT role_group_id FROM paasla.role_group WHERE group_dn LIKE 'cn=lugeja%%'")
    settle(town, no, acc, "open", memberships=[dict(role_group_id=group, present=True)])
    town.depart(no)
    settle(town, no, acc, "out", memberships=[dict(role_group_id=group, present=False)])
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order WHERE state = 'open'")
    town.clean()
    return acc


def why(town, who="1042", *more):
    """Verdict and what is open, as JSON and in words; both have to say the same."""
    said, told = (as_(town, "auditor")(*form, "why", who, *more, code=None) for form in ((), ("--json",)))
    verdict, last = told.json["verdict"], said.lines[-1]
    assert said.code == told.code == (ATTENTION if verdict == "not_yet_out" else OK)
    assert (" is out" in said.out) == (verdict == "out"), said.out
    assert (" is NOT yet out: " in last) == (verdict == "not_yet_out"), last
    return verdict, told.json["open"], said.out


def test_a_leaver_of_whom_nothing_is_open_is_out(town):
    gone(town)
    verdict, open_, text = why(town)
    assert verdict == "out" and open_ == {}
    assert re.search(r"^  Worked at LV as number 1042, from .* until .*; left on KK-D\.$", text, re.M)
    assert text.endswith("Mari Tamm is out.\n") and "given by grantor" in text and "ended by the departure" in text
    assert why(town, "LV/1042")[0] == why(town, "mari tamm")[0] == why(town, "1042a")[0] == "out", "number, name, log-in"


def test_only_an_account_that_is_out_or_was_never_made_is_closed(town):
    acc = gone(town)
    for state in STATES:
        town.rows("UPDATE paasla.account SET state = %s WHERE account_id = %s", state, acc)
        verdict, open_, text = why(town)
        assert verdict == ("out" if state in ("out", "none") else "not_yet_out"), state
        assert open_ == ({} if verdict == "out" else {"accounts": 1}) and ("is not known to be closed" in text) == bool(open_), state


def test_words_of_the_last_look_are_not_about_what_is_wanted_now(town):
    acc = gone(town)
    words = "The account is open, as wanted."
    town.rows("UPDATE paasla.account SET state = 'open', state_row = 300, state_text = %s WHERE account_id = %s", words, acc)
    said = why(town)[2]
    assert words not in said and "It should be closed; the daemon has not got to it yet." in said
    town.hire("1043")
    works = account(town, "1043", state="open")[0]
    town.rows("UPDATE paasla.account SET state_row = 300, state_text = %s WHERE account_id = %s", words, works)
    assert words in as_(town, "auditor")("why", "1043", code=None).out


def test_a_second_account(town):
    gone(town)
    others = [("linn", "admin"), ("kool", "personal"), ("linn", "service"), ("linn", "shared"), ("kool", "breakglass")]
    for directory, purpose in others:
        login = f"{purpose}.{directory}"
        town.rows("INSERT INTO paasla.account (person_id, directory, purpose, login, state) VALUES (%s, %s, %s, %s, 'open')",
                  town.person("1042"), directory, purpose, login)
        verdict, open_, text = why(town)
        assert (verdict, open_) == ("not_yet_out", {"accounts": 1}) and f"{login} in {directory} is not known to be closed" in text
        town.rows("UPDATE paasla.account SET state = 'out' WHERE login = %s", login)
        assert why(town)[0] == "out"


def finding(town, acc, kind, severity, person=False, directory="linn"):
    town.rows("INSERT INTO paasla.finding (kind, severity, directory, person_id, account_id, key, text) VALUES (%s, %s, %s, %s, %s,"
              " 'k', 'Leiti.')", kind, severity, directory, town.person("1042") if person else None, None if person else acc)


def test_a_finding(town):
    acc = gone(town)
    for kind, severity, person in (("lock_not_proven", "critical", False), ("password_not_useless", "warning", False),
                                   ("write_denied", "warning", False), ("change_observed", "info", False),
                                   ("group_unwritable", "warning", True), ("drift_member_added", "warning", False)):
        finding(town, acc, kind, severity, person)
        verdict, open_, text = why(town)
        assert (verdict, open_) == ("not_yet_out", {"findings": 1}) and f"{severity} ({kind} in linn): Leiti." in text
        town.rows("UPDATE paasla.finding SET state = 'resolved'")
        assert why(town)[0] == "out"


def test_the_directory_answers_as_another_server(town):
    gone(town)
    finding(town, None, "server_changed", "critical")
    assert why(town)[:2] == ("not_yet_out", {"findings": 1})
    town.rows("UPDATE paasla.finding SET directory = 'kool'")
    assert why(town)[0] == "out", "there the person has no account"


def test_the_lock_is_written_and_not_proven(town):
    acc = gone(town)
    town.rows("UPDATE paasla.account SET state = 'closing', locked_at = now(), changed_at = now() WHERE account_id = %s", acc)
    finding(town, acc, "lock_not_proven", "critical")
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"accounts": 1, "findings": 1})
    assert "is being closed: its password is useless, and not all of the rest was seen done yet" in text and "go on until they close" in text


def test_an_order_to_do_it_by_hand(town):
    town.grant("1042", "PABER", "vaataja")
    town.depart("1042")
    town.clean()
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"work_orders": 1}) and "take away vaataja in Paberregister" in text
    assert why(town, "1042", "KAUST")[0] == "not_yet_out", "the register of the question does not narrow the answer"
    town.rows("UPDATE paasla.work_order SET due_at = now() - interval '1 day' WHERE state = 'open'")
    assert "OVERDUE since" in why(town)[2]
    as_(town, "grantor")("work", "done", town.one("SELECT work_order_id FROM paasla.work_order WHERE state = 'open'"))
    assert why(town)[0] == "out"


def test_what_was_given_by_hand_is_taken_away_by_hand(town):
    """Though the register has been moved to a directory since: that directory knows nothing of it."""
    town.grant("1042", "PABER", "vaataja")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order")
    town.rows("UPDATE paasla.register SET route = 'directory' WHERE register_code = 'PABER'", user="admin")
    town.depart("1042")
    town.clean()
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"work_orders": 1}) and "vaataja in Paberregister, ordinary" in text
    # where it ended before orders were opened for that, in an older schema
    town.rows("SET session_replication_role = replica; DELETE FROM paasla.work_order WHERE kind = 'remove'; SET session_replication_role = origin")
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"work_orders": 1}) and "vaataja in Paberregister was given by hand, and nobody" in text
    town.grant("1001", "PABER", "vaataja")
    town.depart("1001")
    town.clean()
    assert why(town, "1001")[:2] == ("out", {}), "nobody gave it by hand"
    town.rows("UPDATE paasla.register SET route = 'manual' WHERE register_code = 'PABER'", user="admin")
    town.rows("SELECT paasla.open_work(array_agg(grant_id)) FROM paasla.access_grant")
    assert why(town)[:2] == ("not_yet_out", {"work_orders": 1}), "by hand again: an order like any other"


def test_an_order_that_somebody_cancelled_is_told(town):
    town.grant("1042", "PABER", "vaataja")
    town.depart("1042")
    town.clean()
    as_(town, "grantor")("work", "cancel", town.one("SELECT work_order_id FROM paasla.work_order WHERE state = 'open'"), "--note", "Pole vaja")
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("out", {}) and re.search("Work order .* vaataja in Paberregister, was cancelled by grantor: Pole vaja", text)
    assert "Nothing that we know of" not in text


def test_an_end_that_nobody_has_taken_yet(town):
    """The daemon is down when a dated departure comes: no order is opened yet, nothing is dirty, there is no account."""
    town.grant("1042", "PABER", "vaataja")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order")
    town.depart("1042", "now() + interval '1 minute'")
    town.clean()
    assert why(town)[0] == "in"
    town.pass_time("1 minute")
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"pending": 1}) and "1 change waits for the daemon" in text
    town.query("tick", user="daemon")
    assert "work_orders" in why(town)[1]


def test_what_waits_for_the_daemon_or_has_no_outcome(town):
    """So it is while a directory cannot be reached."""
    acc = gone(town)
    town.rows("INSERT INTO paasla.dirty (directory, person_id, cause, not_before) VALUES ('linn', %s, 'retry', now() + interval '1 hour')",
              town.person("1042"))
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"pending": 1}) and "whether paaslad runs" in text
    town.clean()
    intend(town, "1042", acc, "open")
    assert why(town)[:2] == ("not_yet_out", {"pending": 1})


def test_the_directory_could_not_be_compared_whole(town):
    """What was seen before that is old: somebody may have unlocked the account since."""
    gone(town)
    town.rows("UPDATE paasla.directory SET last_compare_complete = false, last_compare_at = now()")
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"uncompared": 1}) and "could not be compared whole" in text
    town.rows("UPDATE paasla.directory SET last_compare_complete = true WHERE directory = 'linn'")
    assert why(town)[0] == "out", "kool is not complete, but no account of the person is there"


def test_a_held_plan(town):
    acc = gone(town)
    plan = hold(town, "0f" * 32, [item(town, "1042", acc)])
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"held_steps": 1}) and "`paaslactl plan approve 0f0f0f0f0f0f`" in text
    town.rows("UPDATE paasla.plan_item SET over = true")
    assert why(town)[0] == "out", "a step that is over holds nobody"
    town.rows("UPDATE paasla.plan_item SET over = false")
    town.rows("UPDATE paasla.plan SET state = 'superseded' WHERE plan_id = %s", plan)
    assert why(town)[0] == "out"


def test_a_group_that_nobody_takes_away(town):
    acc = gone(town)
    town.rows("UPDATE paasla.membership SET present = true WHERE account_id = %s", acc)
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"groups": 1}) and "1 group still has the account" in text


@pytest.mark.parametrize("valid", ["now() - interval '1 day', NULL", "now() + interval '1 day', now() + interval '2 days'"])
def test_a_grant_that_no_employment_ends(town, valid):
    gone(town)
    town.rows("SET session_replication_role = replica; INSERT INTO paasla.access_grant (person_id, role_id, valid) SELECT %s, role_id,"
              f" tstzrange({valid}) FROM paasla.register_role WHERE role_code = 'kirjutaja'; SET session_replication_role = origin",
              town.person("1042"))
    assert why(town)[:2] == ("not_yet_out", {"grants": 1})


def test_a_log_in_to_the_database_itself(town):
    gone(town)
    town.rows("INSERT INTO paasla.db_login VALUES ('clerk', %s)", town.person("1042"))
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"logins": 1}) and "ALTER ROLE" in text
    town.rows("ALTER ROLE clerk NOLOGIN")
    try:
        assert why(town)[0] == "out"
    finally:
        town.rows("ALTER ROLE clerk LOGIN")


def test_everything_at_once_is_told(town):
    acc = gone(town)
    finding(town, acc, "lock_not_proven", "critical")
    hold(town, "0f" * 32, [item(town, "1042", acc)])
    town.rows("INSERT INTO paasla.dirty (directory, person_id, cause) VALUES ('linn', %s, 'x')", town.person("1042"))
    town.rows("UPDATE paasla.directory SET last_compare_complete = false")
    town.rows("UPDATE paasla.account SET state = 'open'")
    town.rows("UPDATE paasla.membership SET present = true")
    assert why(town)[1] == {"accounts": 1, "groups": 1, "findings": 1, "held_steps": 1, "pending": 1, "uncompared": 1}


# ---- who is not a leaver ----

def test_who_comes_back_or_is_still_to_come_is_not_out(town):
    gone(town)
    town.hire("1042", "Mari", "Tamm", employed_from="2099-01-01")
    town.clean()
    assert why(town)[0] == "arriving"
    town.rows("UPDATE paasla.account SET state = 'open'")
    assert why(town)[0] == "not_yet_out"
    town.hire("3000", "Tulev", "Inimene", employed_from="2099-01-01")
    assert why(town, "3000")[0] == "arriving"


def test_one_of_two_employments_ends(town):
    """In, but the account that only the other institution wanted is not closed."""
    town.rows("SELECT paasla.hire('LA', 'L1', 'Mari', 'Tamm', personal_code => '37605030299')")
    town.rows("UPDATE paasla.person SET personal_code = NULL WHERE personal_code IS NOT NULL")
    town.rows("SET session_replication_role = replica; UPDATE paasla.employee_number SET person_id = %s WHERE employee_no = 'L1';"
              " UPDATE paasla.employment SET person_id = %s WHERE employee_no = 'L1'; SET session_replication_role = origin",
              town.person("1042"), town.person("1042"))
    town.rows("INSERT INTO paasla.account (person_id, directory, purpose, login, state) VALUES (%s, 'kool', 'personal', 'x', 'open')",
              town.person("1042"))
    town.depart("L1")
    town.clean()
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("in", {"accounts": 1}) and text.endswith("is in; but 1 account is not known to be closed.\n")


def test_on_leave(town):
    acc = account(town, "1042", state="paused")[0]
    town.rows("INSERT INTO paasla.absence (person_id, period, suspend) VALUES (%s, tstzrange(now(), NULL), true)", town.person("1042"))
    town.clean()
    assert why(town)[:2] == ("on_leave", {})
    town.rows("UPDATE paasla.account SET state = 'open' WHERE account_id = %s", acc)
    assert why(town)[:2] == ("on_leave", {"accounts": 1})
