"""That nothing is left out: each trigger of the schemas and each statement of sql/queries that writes has a case with two
sessions, here by its name. One that is new and not in these tables fails."""
import os
import re

import pytest

import test_ctl
import test_sql_races as main
import test_sql_races_daemon as daemon
import test_sql_races_people as people
import test_sql_undo as undo
from sqltown import QUERIES

# What they do rests on the row alone (or on no row): another session cannot change its outcome. Checked below.
ROW_ONLY = {"refuse", "keys_stay", "sane_dates", "request_approval", "grant_end_document", "first_moments", "compare_complete", "dirty_notify"}

TRIGGERS = {
    # of people
    "staff_insert": [main.test_two_hires_with_one_number, main.test_two_rehires_at_once],
    "staff_update": [main.test_two_departures_of_one_person, main.test_revocation_and_departure_meet],
    "staff_statement": [main.test_two_departures_of_one_person],
    "person_new": [main.test_two_hires_with_one_number],
    "person_upd": [people.test_two_rename_one_person],
    "person_renamed": [people.test_two_rename_one_person, people.test_a_rename_beside_a_departure],
    "employment_guard": [main.test_two_departures_of_one_person, undo.test_a_departure_while_the_first_is_being_taken_back],
    "employment_new": [main.test_two_rehires_at_once, people.test_an_institution_gets_a_directory_while_somebody_is_hired],
    "employment_upd": [main.test_both_employments_of_one_person_end_at_once, main.test_departure_while_a_grant_is_being_committed],
    "employment_said": [undo.test_an_undo_while_the_departure_is_said_again, people.test_a_rename_beside_a_departure],
    "absence_new": [people.test_an_absence_is_entered_while_its_person_departs, people.test_an_absence_is_entered_while_its_person_is_hired_elsewhere],
    "absence_upd": [people.test_two_absences_of_one_person_and_one_is_cut_short, people.test_two_cut_one_absence_short],
    # of what they may
    "grant_guard": [main.test_grant_while_a_departure_is_being_committed, main.test_two_grants_that_overlap],
    "grant_new": [main.test_two_grants_that_overlap, people.test_a_role_changes_while_somebody_is_granted_it],
    "grant_upd": [main.test_revocation_and_departure_meet],
    "work_order_new": [main.test_two_ticks_open_one_order, daemon.test_one_refused_lock_by_two_sessions_is_one_order],
    "work_order_upd": [main.test_two_close_one_work_order],
    "role_group_new": [people.test_one_group_for_two_roles],
    # of accounts
    "account_count_new": [daemon.test_an_account_is_reserved_beside_one_that_is_settled],
    "account_count_is": [daemon.test_two_settle_accounts_of_one_directory],
    "account_count_was": [daemon.test_two_settle_accounts_of_one_directory],
    "membership_count_new": [daemon.test_two_settle_accounts_of_one_directory],
    "membership_count_is": [daemon.test_two_settle_accounts_of_one_directory],
    "membership_count_was": [daemon.test_two_settle_accounts_of_one_directory],
    "account_owned": [daemon.test_an_entry_that_becomes_ours_while_the_watch_tells_of_it_is_no_stranger],
    "account_close_again": [daemon.test_the_account_is_closed_again_whichever_comes_last],
    "intent_owes_acks": [daemon.test_a_lock_is_planned_while_a_server_comes],
    "finding_lock_refused": [daemon.test_one_refused_lock_by_two_sessions_is_one_order, daemon.test_a_refused_lock_is_closed_by_hand_while_it_is_found_again],
    "control_notify": [people.test_a_compare_is_asked_for_while_a_directory_is_entered, daemon.test_what_is_asked_for_is_taken_while_it_is_asked],
    # of a directory's row, which are not made by the loop below
    "directory_update": [people.test_two_change_the_same_row, people.test_a_directory_changes_while_somebody_is_hired],
}
for table in people.ROWS:
    TRIGGERS.setdefault(table + "_insert", [people.test_two_enter_the_same_row])
    TRIGGERS.setdefault(table + "_update", [people.test_two_change_the_same_row])
    TRIGGERS.setdefault(table + "_delete", [people.test_one_changes_what_another_removes])
TRIGGERS["role_group_update"] = [people.test_two_remove_one_group]  # every column of it is a key
TRIGGERS["role_group_delete"] = [people.test_two_remove_one_group, people.test_a_role_changes_while_somebody_is_granted_it]

STATEMENTS = {
    "acked": [daemon.test_the_account_is_closed_again_whichever_comes_last, daemon.test_two_acks_of_one_lock],
    "controls": [daemon.test_two_take_what_is_asked_for],
    "controls_unfinished": [daemon.test_two_take_what_is_asked_for],
    "ctl_ask": [daemon.test_what_is_asked_for_is_taken_while_it_is_asked],
    "ctl_depart": [main.test_both_employments_of_one_person_end_at_once],
    "ctl_grant": [main.test_two_grants_that_overlap],
    "ctl_hire": [main.test_two_hires_with_one_number],
    "ctl_plan_approve": [main.test_two_approvers_of_one_plan],
    "ctl_request_approve": [main.test_two_approve_one_request],
    "ctl_request_file": [daemon.test_two_file_one_document],
    "ctl_revoke": [main.test_revocation_and_departure_meet],
    "ctl_schema_note": [test_ctl.test_two_migrations_at_once],
    "ctl_undo_depart": [undo.test_two_undo_at_once, undo.test_a_hire_beside_an_undo],
    "ctl_work_close": [main.test_two_close_one_work_order],
    "hold": [main.test_one_plan_by_two_sessions],
    "intents": [daemon.test_a_lock_is_planned_while_a_server_comes],
    "nominate": [main.test_one_finding_by_two_sessions],
    "note_compare": [daemon.test_two_say_how_a_compare_went],
    "note_config": [daemon.test_two_note_their_settings],
    "note_connections": [daemon.test_two_note_their_connections],
    "recover": [daemon.test_the_daemon_begins_anew_while_a_write_of_before_is_settled],
    "reserve": [main.test_one_login_for_two_people, main.test_departure_while_the_daemon_reserves],
    "settle": [daemon.test_the_account_is_closed_again_whichever_comes_last, main.test_a_wake_up_while_settle_consumes],
    "tick": [main.test_two_ticks_open_one_order],
    "watched": [daemon.test_what_the_watch_tells_is_not_consumed_by_a_look_of_before, daemon.test_two_watches_tell_the_same],
    "unacked": [daemon.test_what_is_owed_is_asked_while_it_is_told],  # writes nothing; what it misses is not written
}


def triggers(town):
    """Name, function, and what it is written in."""
    return town.rows("SELECT g.tgname, p.proname, p.prosrc FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid"
                     " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = g.tgfoid"
                     " WHERE n.nspname IN ('paasla', 'audit') AND NOT g.tgisinternal ORDER BY 1")


def test_each_trigger_has_a_case(town):
    there = {name for name, function, _ in triggers(town) if function not in ROW_ONLY}
    assert sorted(there - TRIGGERS.keys()) == [], "triggers without a case of two sessions"
    assert sorted(TRIGGERS.keys() - there - {"directory_update"}) == [], "cases of triggers that are not there"


def test_those_that_look_at_the_row_alone_do(town):
    found = {function: text for _, function, text in triggers(town) if function in ROW_ONLY}
    assert found.keys() == ROW_ONLY
    for function, text in found.items():
        assert not re.search(r"\b(paasla|audit)\s*\.|\b(INSERT|UPDATE|DELETE|LOCK)\b(?!\s*')", text.replace("paasla_dirty", "")), function


def test_each_statement_that_writes_has_a_case(town):
    """It names INSERT, UPDATE or DELETE, or calls a function of ours that may write."""
    may = {n for n, in town.rows("SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                                 " WHERE n.nspname IN ('paasla', 'audit') AND p.provolatile = 'v'")}
    writes = set()
    for name in os.listdir(QUERIES):
        with open(os.path.join(QUERIES, name), encoding="utf-8") as f:
            text = re.sub(r"--.*", "", f.read())
        if set(re.findall(r"\b(?:paasla|audit)\.(\w+)\s*\(", text)) & may or re.search(r"\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b", text, re.I):
            writes.add(name[:-len(".sql")])
    assert sorted(writes - STATEMENTS.keys()) == [], "statements without a case of two sessions"
    assert sorted(STATEMENTS.keys() - writes) == ["unacked"], "cases of statements that are not there"


@pytest.mark.parametrize("table", [TRIGGERS, STATEMENTS], ids=["triggers", "statements"])
def test_each_case_is_a_test(table):
    for name, cases in table.items():
        assert cases and all(c.__name__.startswith("test_") and callable(c) for c in cases), name
