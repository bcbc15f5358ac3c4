"""Held plans, approvals, previews, full compares: what the brake and the compare leave in the store."""

import hashlib
import json
import select

import psycopg2
import pytest

from sqldaemon import account, hold, intend, item, load, only, settle

A, B = "a" * 64, "b" * 64


def plans(town):
    return town.rows("SELECT digest, state FROM paasla.plan ORDER BY plan_id")


def held(town, *numbers):
    """Open accounts of these, their holders departed, and a plan that holds the locks."""
    accounts = {}
    for no in numbers:
        if no not in ("1001", "1002", "1042"):
            town.hire(no)
        accounts[no] = account(town, no, state="open")[0]
    town.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'x' WHERE employee_no = ANY (%s)", list(numbers), user="hr")
    seqs = [r[0] for r in town.rows("SELECT seq FROM paasla.dirty")]
    plan = hold(town, A, [item(town, no, acc) for no, acc in accounts.items()], seqs=seqs)
    return plan, accounts


def us(town, ago=0):
    """The daemon's clock, which is the database's here."""
    return int((town.one("SELECT extract(epoch FROM clock_timestamp())") - ago) * 10**6)


def compare(town, directory="linn", **more):
    told = dict(control_id=0, complete=True, entries=5, accounts=4, groups=3, nominated=2, orphans=1, identity="", why="", began_us=us(town))
    told.update(more)
    town.query("note_compare", directory, json.dumps(told))


def nominate(town, persons=(), findings=(), directory="linn"):
    town.query("nominate", directory, json.dumps(dict(persons=[dict(person_id=p, cause=c) for p, c in persons], findings=list(findings))))


def test_a_held_plan_takes_its_rows_and_is_approved_by_digest(town):
    plan, accounts = held(town, "1042", "1043")
    assert town.dirty() == [] and plans(town) == [(A, "held")]
    assert hold(town, A, [item(town, "1042", accounts["1042"])]) == plan, "held once"
    town.refused("0 held plans", "SELECT paasla.approve_plan(%s)", B, user="approver")
    town.refused("0 held plans", "SELECT paasla.approve_plan('aaa')", user="approver")
    town.refused("permission denied", "SELECT paasla.approve_plan(%s)", A, user="grantor")
    town.refused("At most one day", "SELECT paasla.approve_plan(%s, '2 days')", A, user="approver")
    assert town.one("SELECT paasla.approve_plan(%s)", A[:12], user="approver") == plan
    assert {c for _, _, c in town.dirty()} == {"approved"} and len(town.dirty()) == 2
    assert [r[4] for r in only(load(town), "H")] == ["approved", "approved"]


def test_a_plan_is_not_approved_by_its_number(town):
    """A number stays when a plan grows."""
    plan, _ = held(town, "1042")
    town.refused("0 held plans", "SELECT paasla.approve_plan(%s)", str(plan), user="approver")


def test_a_plan_that_waits_takes_up_what_is_held_after_it(town):
    plan, accounts = held(town, "1042", "1043")
    town.hire("1044")
    more = [item(town, "1044", account(town, "1044", state="open")[0])]
    assert hold(town, B, more) == plan and hold(town, B, more) == plan, "sent twice"
    digest = town.one("SELECT digest FROM paasla.plan")
    lines = sorted("%s %d %d personal 0\n" % ("close", i["person_id"], i["account_id"])
                   for i in [item(town, no, acc) for no, acc in accounts.items()] + more)
    assert digest == hashlib.sha256("".join(lines).encode()).hexdigest(), "as the daemon makes it"
    assert town.one("SELECT locks, items FROM paasla.plan") == (3, 3)
    assert town.one("SELECT detail::jsonb->>'digest' FROM audit.event WHERE action = 'plan.held' ORDER BY event_id DESC LIMIT 1") == digest
    town.refused("0 held plans", "SELECT paasla.approve_plan(%s)", A, user="approver")
    town.one("SELECT paasla.approve_plan(%s)", digest, user="approver")
    town.hire("1045")
    assert hold(town, B, [item(town, "1045", 0)]) != plan, "what may run is not added to"
    assert [s for _, s in plans(town)] == ["approved", "held"]


def test_two_directories_have_plans_of_their_own(town):
    plan, _ = held(town, "1042")
    town.hire("1043")
    assert hold(town, B, [item(town, "1043", 0)], directory="kool") != plan


def both(town, user, *also):
    town.rows("CREATE ROLE %s LOGIN IN ROLE paasla_approver, %s" % (user, ", ".join(also)))


def test_nobody_releases_what_they_did_themselves(town):
    user = "both_" + town.name
    both(town, user, "paasla_hr", "paasla_grantor")
    town.rows("INSERT INTO paasla.hr_scope VALUES (%s, 'LV')", user)
    held(town, "1042")
    town.rows("UPDATE paasla.employment SET period = period", user="postgres")  # whatever happens to a person later
    assert town.one("SELECT paasla.approve_plan(%s)", A, user=user), "somebody else departed these"
    town.hire("1046")
    acc = account(town, "1046", state="open")[0]
    town.rows("SELECT paasla.depart('1046')", user=user)
    hold(town, B, [item(town, "1046", acc)])
    town.refused("did what plan b+ rests on", "SELECT paasla.approve_plan(%s)", B, user=user)
    town.rows("INSERT INTO paasla.db_login SELECT r, person_id FROM paasla.staff, unnest(ARRAY[%s, 'clerk']) r WHERE employee_no = '1001'", user)
    town.rows("GRANT paasla_approver TO clerk")
    try:
        town.rows("SELECT paasla.depart('1042')", user="hr")
        town.rows("SELECT paasla.depart('1046')", user=user)  # now as the person behind the log-in
        assert town.one("SELECT paasla.approve_plan(%s)", B, user="approver")
    finally:
        town.rows("REVOKE paasla_approver FROM clerk")


def test_nobody_releases_removals_of_their_own(town):
    user = "grants_" + town.name
    both(town, user, "paasla_grantor", "paasla_admin")
    group = town.one("SELECT role_group_id FROM paasla.role_group g JOIN paasla.register_role r USING (role_id) WHERE role_code = 'lugeja'")
    acc = account(town, "1042", state="open")[0]
    town.grant("1042")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user=user)
    hold(town, A, [item(town, "1042", acc, "remove_member", group)])
    town.refused("did what plan a+ rests on", "SELECT paasla.approve_plan(%s)", A, user=user)
    town.grant("1042")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    town.one("SELECT paasla.approve_plan(%s)", A, user=user)
    town.rows("UPDATE paasla.register_role SET on_drift = 'put_back' WHERE role_code = 'lugeja'", user=user)
    acc = account(town, "1001", state="open")[0]
    hold(town, B, [item(town, "1001", acc, "remove_member", group)])
    town.refused("did what plan b+ rests on", "SELECT paasla.approve_plan(%s)", B, user=user)


def test_an_approved_plan_is_done_when_all_of_it_is(town):
    _, accounts = held(town, "1042", "1043")
    town.rows("SELECT paasla.approve_plan(%s)", A, user="approver")
    for no, acc in accounts.items():
        assert plans(town) == [(A, "approved")]
        n = intend(town, no, acc, "close")
        settle(town, no, acc, "out", intents=[dict(id=n, outcome="done", code=0, at_us=0)])
    assert plans(town) == [(A, "done")]
    assert town.one("SELECT count(*) FROM audit.event WHERE action = 'plan.done'") == 1


def test_a_held_plan_that_became_needless_is_closed(town):
    _, accounts = held(town, "1042", "1043")
    town.hire("1042", "Mari", "Tamm")
    settle(town, "1042", accounts["1042"], "open")
    assert plans(town) == [(A, "held")]
    settle(town, "1043", accounts["1043"], "out")  # somebody named the leaver
    assert plans(town) == [(A, "superseded")]


def test_an_approval_that_ran_out_is_none(town):
    _, accounts = held(town, "1042", "1043")
    town.rows("SELECT paasla.approve_plan(%s, '0.05 seconds')", A, user="approver")
    town.rows("SELECT pg_sleep(0.1)")
    assert only(load(town), "H") == []
    hold(town, A, [item(town, no, acc) for no, acc in accounts.items()])
    assert plans(town) == [(A, "expired"), (A, "held")]
    town.rows("SELECT paasla.approve_plan(%s, '0.05 seconds')", A, user="approver")
    town.rows("SELECT pg_sleep(0.1)")
    town.query("tick")
    assert plans(town) == [(A, "expired"), (A, "expired")]


def test_a_larger_plan_takes_the_place_of_a_smaller_one(town):
    _, accounts = held(town, "1042", "1043", "1044")
    hold(town, B, [item(town, no, accounts[no]) for no in accounts] + [item(town, "1001", 0)])
    assert plans(town) == [(A, "superseded"), (B, "held")]


def test_preview_ends_its_control_row_and_consumes_nothing(town):
    control = town.one("SELECT paasla.ask('preview')", user="admin")
    town.grant("1042")
    before = town.dirty()
    assert town.query("controls") == [(control, "preview", "")]
    plan = hold(town, A, [item(town, "1042", 0, "create")], preview=True, control=control, directory="")
    assert town.one("SELECT done_at IS NOT NULL, plan_id FROM paasla.control") == (True, plan)
    assert town.dirty() == before and plans(town) == [(A, "preview")]
    assert town.query("controls") == []


def test_ask_names_a_directory_that_exists(town):
    town.refused("no directory x", "SELECT paasla.ask('sync', 'x')", user="admin")
    town.refused("control_kind", "SELECT paasla.ask('dance')", user="admin")
    town.rows("SELECT paasla.ask('sync', 'linn')", user="admin")
    assert town.one("SELECT directory, detail LIKE '%sync%' FROM audit.event WHERE action = 'control.asked'") == ("linn", True)


def test_control_taken_by_a_daemon_that_died_is_handed_on(town):
    first, second = [town.one("SELECT paasla.ask('sync', 'linn')", user="admin") for _ in range(2)]
    assert [int(r[0]) for r in town.query("controls")] == [first, second] and town.query("controls") == []
    third = town.one("SELECT paasla.ask('sync', 'linn')", user="admin")
    assert [int(r[0]) for r in town.query("controls_unfinished")] == [first, second, third], "in the order they were taken"
    town.query("recover")
    assert town.query("controls") == [], "what this daemon has taken stays taken when a directory comes back"
    compare(town, control_id=third)
    assert town.one("SELECT count(*) FROM paasla.control WHERE done_at IS NULL") == 0, "what was taken before is answered with it"
    assert town.query("controls") == town.query("controls_unfinished") == [], "what is answered is not taken again"


def test_a_nominee_is_never_left_out_because_a_wake_up_lies_there(town):
    """That one may be consumed by somebody who looked before the difference was there."""
    who = town.person("1042")
    town.clean()
    nominate(town, [(who, "compare")])
    nominate(town, [(who, "compare_removal")])
    assert [c for _, _, c in town.dirty()] == ["compare", "compare_removal"]


def test_the_first_complete_compare_says_which_server_it_is(town):
    def identity():
        return town.one("SELECT coalesce(identity, ''), last_compare_complete FROM paasla.directory WHERE directory = 'linn'")
    compare(town, complete=False, identity="A", why="canary not seen")
    assert identity() == ("", False)
    compare(town, identity="A")
    assert identity() == ("A", True)
    compare(town, identity="B")
    assert identity() == ("A", True)
    assert town.one("SELECT kind, severity, key FROM paasla.finding") == ("server_changed", "critical", "linn")
    assert [r[4] for r in only(load(town), "T")] == ["", "A"]
    town.refused("permission denied", "SELECT paasla.accept_server('linn')", user="approver")
    town.refused("no directory x", "SELECT paasla.accept_server('x')", user="admin")
    town.rows("SELECT paasla.accept_server('linn')", user="admin")
    assert identity()[0] == "" and town.one("SELECT state FROM paasla.finding") == "resolved"
    compare(town, identity="B")
    assert identity() == ("B", True)


def test_compare_ends_what_somebody_asked_for(town):
    control = town.one("SELECT paasla.ask('sync', 'linn')", user="admin")
    compare(town, control_id=control)
    done, result = town.one("SELECT done_at IS NOT NULL, result FROM paasla.control")
    assert done and result == "linn: 5 entries, 4 accounts, 3 groups compared; 2 persons differ and are looked at again; 1 stranger"
    assert "identity" not in town.one("SELECT detail FROM audit.event WHERE action = 'compare.done'")


def answers(town, control):
    return dict(town.rows("SELECT directory, complete FROM paasla.control_answer WHERE control_id = %s", control))


def is_done(town, control):
    return town.one("SELECT done_at IS NOT NULL FROM paasla.control WHERE control_id = %s", control)


def test_a_sync_of_all_is_done_when_every_directory_has_answered(town):
    control = town.one("SELECT paasla.ask('sync')", user="admin")
    assert answers(town, control) == {"linn": None, "kool": None}
    town.query("controls")
    compare(town, "kool", control_id=control, complete=False, why="a reason", nominated=0, orphans=0)
    compare(town, "kool", control_id=0)
    assert not is_done(town, control) and answers(town, control) == {"linn": None, "kool": False}
    compare(town, "linn", control_id=control, nominated=0, orphans=0)
    assert is_done(town, control) and answers(town, control) == {"linn": True, "kool": False}
    assert town.one("SELECT result FROM paasla.control").splitlines() == [
        "kool: 5 entries, 4 accounts, 3 groups compared; NOT COMPLETE: a reason",
        "linn: 5 entries, 4 accounts, 3 groups compared; nobody differs"]


def test_a_compare_answers_whoever_had_asked_by_then(town):
    """The daemon remembers one wish a directory. Who asks while a compare runs waits for the next one."""
    both, one, preview = (town.one(f"SELECT paasla.ask({x})", user="admin") for x in ("'sync'", "'sync', 'linn'", "'preview'"))
    assert len(town.query("controls")) == 3
    late = town.one("SELECT paasla.ask('sync', 'linn')", user="admin")  # not taken yet
    other = town.one("SELECT paasla.ask('sync', 'kool')", user="admin")
    compare(town, "linn", control_id=one)
    assert [is_done(town, c) for c in (both, one, preview, late, other)] == [False, True, False, False, False]
    town.query("controls")
    compare(town, "kool", control_id=other)
    assert [is_done(town, c) for c in (both, one, preview, late, other)] == [True, True, False, False, True]
    compare(town, "linn", control_id=late)
    assert is_done(town, late)
    town.refused("is refused", "DELETE FROM paasla.control_answer")
    town.refused("does not change", "UPDATE paasla.control_answer SET directory = 'kool' WHERE directory = 'linn'")


def test_a_sync_without_a_directory_is_done_at_once(town):
    town.rows("SET session_replication_role = replica; DELETE FROM paasla.role_group; DELETE FROM paasla.institution_directory;"
              " DELETE FROM paasla.directory; SET session_replication_role = origin")
    assert is_done(town, town.one("SELECT paasla.ask('sync')"))


def test_a_lost_account_is_made_anew_only_on_a_persons_word(town):
    acc = account(town, "1042", state="lost")[0]
    town.refused("no reason", "SELECT paasla.recreate_account(%s, ' ')", acc, user="admin")
    assert town.one("SELECT state FROM paasla.account") == "lost"
    town.rows("SELECT paasla.recreate_account(%s, 'kustutati kogemata')", acc, user="admin")
    assert town.one("SELECT state, native_id FROM paasla.account") == ("none", None)
    town.refused("is not lost", "SELECT paasla.recreate_account(%s, 'x')", acc, user="admin")


def test_totals_are_what_counting_gives(town):
    groups = [r[0] for r in town.rows("SELECT role_group_id FROM paasla.role_group WHERE purpose = 'personal' ORDER BY 1")]
    for no in ("1001", "1002", "1042"):
        acc = account(town, no)[0]
        settle(town, no, acc, "open", memberships=[dict(role_group_id=g, present=True) for g in groups])
    settle(town, "1042", acc, "out", memberships=[dict(role_group_id=groups[0], present=False), dict(role_group_id=groups[1], present=True)])
    assert town.one("SELECT open_accounts, memberships FROM paasla.directory_total") == town.one(
        "SELECT (SELECT count(*) FROM paasla.account WHERE state = 'open'), (SELECT count(*) FROM paasla.membership WHERE present)") == (2, 5)


@pytest.mark.parametrize("statement", ["settle", "hold", "intents"])
def test_nonsense_is_refused_whole(town, statement):
    before = town.one("SELECT count(*) FROM audit.event")
    with pytest.raises(psycopg2.Error):
        town.query(statement, "not json")
    assert town.one("SELECT count(*) FROM audit.event") == before


def test_a_wake_up_is_sent_for_rows_and_only_for_rows(town):
    ear = town.session("daemon")
    ear.cursor().execute("LISTEN paasla_dirty")
    town.query("tick")  # what was made with the town is due once
    town.grant("1042")
    town.query("tick")
    ear.notifies.clear()
    town.query("tick")
    town.query("recover")
    nominate(town)
    ear.cursor().execute("SELECT 1")  # what was sent so far comes with the answer
    assert ear.notifies == []
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    select.select([ear], [], [], 10)
    ear.poll()
    assert [n.channel for n in ear.notifies] == ["paasla_dirty"]


def orphan(key, login):
    return dict(kind="orphan_account", severity="warning", key=key, login=login, text="An account of nobody.")


def open_orphans(town):
    return [r[0] for r in town.rows("SELECT key FROM paasla.finding WHERE kind = 'orphan_account' AND state = 'open' ORDER BY key")]


def test_a_compare_clears_what_was_told_before_it_began(town):
    """A watch tells of a stranger between two compares; the second one does not see it any more. When it was told is the
    daemon's to say: what waits in its pipe is written later, and the compare's own findings sooner than its end."""
    compare(town)
    began = us(town)
    nominate(town, findings=[dict(orphan("id-1", "voorasta"), as_of_us=began - 1), dict(orphan("id-2", "teine"), as_of_us=began)])
    compare(town, began_us=began - 10**6)
    assert open_orphans(town) == ["id-1", "id-2"], "told while it ran"
    compare(town, began_us=began, complete=False)
    assert open_orphans(town) == ["id-1", "id-2"], "nothing is concluded"
    compare(town, began_us=began)
    assert open_orphans(town) == ["id-2"]
    nominate(town, findings=[dict(orphan("id-2", "teine"), as_of_us=began + 10**9)])  # seen again
    compare(town, began_us=began + 10**8)
    assert open_orphans(town) == ["id-2"]
    assert "began" not in town.one("SELECT detail FROM audit.event WHERE action = 'compare.done' ORDER BY event_id DESC LIMIT 1")


def test_what_is_being_made_is_nobodys_orphan(town):
    """A compare reads the store before the directory: an account that was made in between is not an orphan."""
    acc, login = account(town, "1042", state="creating")
    town.rows("UPDATE paasla.account SET native_id = NULL WHERE account_id = %s", acc, user="postgres")
    nominate(town, findings=[orphan("id-1", login.upper()), orphan("id-2", "voorasta")])
    assert open_orphans(town) == ["id-2"]
    settle(town, "1042", acc, "ready", native_id="id-1")
    nominate(town, findings=[orphan("id-1", "another.name"), orphan("id-3", login)])
    assert open_orphans(town) == ["id-2", "id-3"], "by its id; and another entry with this log-in is another's"


def test_an_orphan_that_finds_its_person_is_one_no_more(town):
    acc, _ = account(town, "1042", state="creating")
    town.rows("UPDATE paasla.account SET native_id = NULL WHERE account_id = %s", acc, user="postgres")
    nominate(town, findings=[orphan("id-1", "of.before"), orphan("id-2", "voorasta")])
    before = town.one("SELECT max(event_id) FROM audit.event")
    settle(town, "1042", acc, "open", native_id="id-1")
    assert open_orphans(town) == ["id-2"]
    assert town.one("SELECT count(*) FROM audit.event WHERE event_id > %s AND action = 'finding.resolved'", before) == 1
