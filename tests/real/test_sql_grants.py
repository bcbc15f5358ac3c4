"""Grants: what may be given, how it ends, what it makes people do by hand."""

import pytest


def ends(town, grant):
    return town.one("SELECT upper(valid), ended_by, isempty(valid) FROM paasla.access_grant WHERE grant_id = %s", grant)


def orders(town):
    return town.rows("SELECT kind, class, state FROM paasla.work_order ORDER BY work_order_id")


def approved(town, reference="KK-9", by="1001"):
    town.rows("SELECT paasla.file_request(%s, %s)", reference, by, user="grantor")
    town.rows("SELECT paasla.approve_request(%s)", reference, user="approver")
    return reference


def privileged(town, no, reference, until="now() + interval '30 days'", reason="'valve'"):
    return f"SELECT paasla.grant_access('{no}', 'JUUR', 'juur', '{reference}', {reason}, {until})"


def test_grant_is_an_entitlement_at_once(town):
    who = town.person("1042")
    town.clean()
    town.grant("1042")
    assert town.rows("SELECT directory, purpose, group_dn, mode FROM paasla.entitlement WHERE person_id = %s", who) == [
        ("linn", "personal", "cn=lugeja,ou=grupid,dc=linn", "enforce")]
    assert town.dirty() == [("linn", who, "granted")]
    at = town.one("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    assert town.rows("SELECT * FROM paasla.entitlement WHERE person_id = %s", who) == []
    assert town.one("SELECT upper(valid) = %s, ended_by FROM paasla.access_grant", at) == (True, "revoke")
    town.refused("does not have KAUST lugeja", "SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")


def test_a_grant_rests_on_a_request_and_a_role(town):
    town.refused("there is no request KK-404", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-404')", user="grantor")
    town.refused("register KAUST has no role x.*kirjutaja, lugeja", "SELECT paasla.grant_access('1042', 'KAUST', 'x', 'KK-1')", user="grantor")
    town.refused("no such register", "SELECT paasla.grant_access('1042', 'X', 'x', 'KK-1')", user="grantor")
    town.refused("nobody has employee number 5", "SELECT paasla.grant_access('5', 'KAUST', 'lugeja', 'KK-1')", user="grantor")
    town.refused("KK-1 is filed already", "SELECT paasla.file_request('KK-1', '1001')", user="grantor")


def test_grants_of_one_role_do_not_overlap(town):
    town.grant("1042")
    town.refused("has KAUST lugeja already", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1')", user="grantor")
    town.refused("grant_once", "INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT person_id, role_id, "
                 "tstzrange(now(), NULL), 'KK-1' FROM paasla.access_grant", user="grantor")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    town.grant("1042")


def test_only_who_is_employed_then_is_given_anything(town):
    town.depart("1042", "now() + interval '5 days'")
    town.refused("is not employed then", "SELECT paasla.grant_access('1042', 'KAUST', 'lugeja', 'KK-1', 'r', NULL, now() + interval '6 days')",
                 user="grantor")
    grant = town.grant("1042")
    assert ends(town, grant)[1] == "departure", "capped by the end that is known"
    town.depart("1042")
    town.refused("is not employed then", "SELECT paasla.grant_access('1042', 'KAUST', 'kirjutaja', 'KK-1')", user="grantor")
    town.refused("over before it is given", "SELECT paasla.grant_access('1001', 'KAUST', 'lugeja', 'KK-1', 'r', now() - interval '1 hour', "
                 "now() - interval '2 hours')", user="grantor")


def test_departure_caps_grants_and_moves_them_along(town):
    forever = town.grant("1042")
    short = town.grant("1042", role="kirjutaja", valid_until=town.one("SELECT now() + interval '10 days'"))
    later = town.grant("1042", "PABER", "vaataja", valid_from=town.one("SELECT now() + interval '60 days'"))
    end = ends(town, short)[0]
    town.depart("1042", "now() + interval '30 days'")
    first = ends(town, forever)
    assert first[1] == "departure" and ends(town, short) == (end, None, False)
    assert ends(town, later) == (None, "departure", True), "would begin after the departure"
    town.depart("1042", "now() + interval '5 days'")
    assert ends(town, forever)[0] < first[0] and ends(town, short)[1] == "departure"
    town.depart("1042", "now() + interval '20 days'")
    assert ends(town, short) == (end, None, False), "never beyond the end that was given"
    town.depart("1042", "NULL")
    assert ends(town, forever) == (None, None, False)


def test_cancelled_departure_does_not_undo_a_revocation(town):
    grant = town.grant("1042")
    town.depart("1042", "now() + interval '5 days'")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    town.depart("1042", "NULL")
    assert ends(town, grant)[1] == "revoke"


def test_a_grant_ends_with_the_employment_it_rests_on(town):
    town.hire("77", "Mari", "Tamm", institution="LA", personal_code=None)  # somebody else of the same name
    other = town.person("77", "LA")
    assert other != town.person("1042")
    town.hire("3001", "Tiiu", "Rebane", personal_code="49403136515")
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code="49403136515")
    here, there = town.grant("3001"), town.grant("78", role="kirjutaja")
    free = town.one("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, tstzrange(now(), NULL), 'KK-1' "
                    "FROM paasla.register_role WHERE role_code = 'vaataja' RETURNING grant_id", town.person("3001"), user="grantor")
    town.depart("3001")
    assert [ends(town, g)[1] for g in (here, there, free)] == ["departure", None, None]
    town.depart("78")
    assert [ends(town, g)[1] for g in (here, there, free)] == ["departure"] * 3


def test_what_a_plain_update_may_not_do(town):
    grant = town.grant("1042")
    def update(what, says, user="grantor"):
        town.refused(says, f"UPDATE paasla.access_grant SET {what} WHERE grant_id = %s", grant, user=user)
    update("valid = tstzrange(lower(valid), now() - interval '1 hour')", "cannot end at|has been in effect|over before|bound")
    update("valid = 'empty'", "has been in effect since")
    update("valid = tstzrange(now() + interval '1 day', NULL)", "beginning does not change")
    update("ended_by = 'departure'", "permission denied")
    update("person_id = person_id + 1", "do not change", "postgres")
    update("role_id = role_id + 1", "do not change", "postgres")
    update("given_until = now()", "permission denied")
    town.rows("UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), now()) WHERE grant_id = %s", grant, user="grantor")
    assert ends(town, grant)[1] == "revoke"
    update("valid = tstzrange(lower(valid), NULL)", "an end that has passed does not change")


def test_privileged_needs_a_third_person_a_reason_and_an_end(town):
    def refused(sql, says):
        town.refused(says, sql, user="grantor")
    refused(privileged(town, "1042", "KK-1"), "approval of somebody who is neither requester nor beneficiary")
    ref = approved(town)
    refused(privileged(town, "1042", ref, until="NULL"), "needs a reason and an end")
    refused(privileged(town, "1042", ref, reason="' '"), "needs a reason and an end")
    refused(privileged(town, "1002", ref), "neither requester nor beneficiary")  # the approver wants it
    grant = town.one(privileged(town, "1042", ref), user="grantor")
    refused(f"UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), now() + interval '1 year') WHERE grant_id = {grant}",
            "is not prolonged")
    town.rows("SELECT paasla.file_request('KK-11', '1002')", user="grantor")
    town.refused("was made by the same person", "SELECT paasla.approve_request('KK-11')", user="approver")
    town.refused("approved already", "SELECT paasla.approve_request(%s)", ref, user="approver")
    town.refused("request_four_eyes|does not change|approved already", "UPDATE paasla.request SET requested_by = approved_by "
                 "WHERE reference = %s", ref)
    town.refused("nobody knows which person", "SELECT paasla.approve_request('KK-1')", user="postgres")


def test_departure_of_a_privileged_holder_can_be_taken_back(town):
    grant = town.one(privileged(town, "1042", approved(town)), user="grantor")
    end = ends(town, grant)[0]
    town.depart("1042", "now() + interval '5 days'")
    town.depart("1042", "NULL")
    assert ends(town, grant) == (end, None, False)


def test_manual_register_has_orders_in_the_same_transaction(town):
    town.grant("1042", "PABER", "vaataja")
    assert orders(town) == [("add", "tavaline", "open")]
    town.rows("SELECT paasla.revoke_access('1042', 'PABER', 'vaataja')", user="grantor")
    assert orders(town) == [("add", "tavaline", "cancelled"), ("remove", "tavaline", "open")]
    assert town.one("SELECT note FROM paasla.work_order WHERE kind = 'add'").startswith("The right ended")
    assert town.one("SELECT due_at - opened_at > interval '47 hours' FROM paasla.work_order WHERE kind = 'remove'")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done', 'tehtud') FROM paasla.work_order WHERE kind = 'remove'", user="grantor")
    town.refused("is done since", "SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order WHERE kind = 'remove'", user="grantor")


def test_order_to_remove_is_urgent_for_administrators_and_privileged_roles(town):
    town.one(privileged(town, "1042", approved(town)), user="grantor")
    town.hire("2001", it_admin=True)
    town.grant("2001", "PABER", "vaataja")
    town.depart("1042")
    town.depart("2001")
    assert sorted(o[:2] for o in orders(town) if o[0] == "remove") == [("remove", "kohe"), ("remove", "kohe")]


def test_cancelling_an_order_needs_a_note(town):
    town.grant("1042", "PABER", "vaataja")
    order = town.one("SELECT work_order_id FROM paasla.work_order")
    town.refused("needs a note", "SELECT paasla.close_work_order(%s, 'cancelled')", order, user="grantor")
    town.refused("done or cancelled, not open", "SELECT paasla.close_work_order(%s, 'open')", order, user="grantor")
    town.refused("no work order 999", "SELECT paasla.close_work_order(999, 'done')", user="grantor")
    town.rows("SELECT paasla.close_work_order(%s, 'cancelled', 'pole vaja')", order, user="grantor")
    assert town.one("SELECT state, closed_by FROM paasla.work_order") == ("cancelled", "grantor")


def test_orders_open_when_their_time_comes(town):
    begin, end = town.one("SELECT clock_timestamp() + interval '1 minute', clock_timestamp() + interval '2 minutes'")
    town.one("SELECT paasla.grant_access('1042', 'PABER', 'vaataja', 'KK-1', 'r', %s, %s)", end, begin, user="grantor")
    assert orders(town) == []
    assert abs(town.query("tick")[0][0] - begin.timestamp() * 1e6) < 2, "the next moment, in microseconds"
    town.pass_time("1 minute")
    town.query("tick")
    assert orders(town) == [("add", "tavaline", "open")]
    town.pass_time("1 minute")
    town.query("tick")
    town.query("tick")
    assert orders(town) == [("add", "tavaline", "cancelled"), ("remove", "tavaline", "open")]


def test_backdated_departure_has_given_things_taken_back(town):
    town.rows("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, "
              "tstzrange(now() - interval '1 day', NULL), 'KK-1' FROM paasla.register_role WHERE role_code = 'vaataja'", town.person("1042"))
    town.depart("1042", "now() - interval '2 days'")
    assert town.one("SELECT isempty(valid) FROM paasla.access_grant")
    assert orders(town)[-1] == ("remove", "tavaline", "open")


def test_adopted_rights_are_not_ordered_anew(town):
    town.rows("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference, origin) SELECT %s, role_id, tstzrange(now(), NULL), "
              "'KK-1', 'adopted' FROM paasla.register_role WHERE role_code = 'vaataja'", town.person("1042"))
    assert orders(town) == []
    town.depart("1042")
    assert orders(town) == [("remove", "tavaline", "open")]


@pytest.mark.parametrize("end", ["revoke", "depart", "due", "backdated"])
def test_what_was_added_by_hand_is_removed_by_hand_whatever_the_route_is_then(town, end):
    """A register that came to hang on a directory left its old rights where they were, and nobody was told."""
    if end == "due":
        town.grant("1042", "PABER", "vaataja", valid_until=town.one("SELECT now() + interval '1 minute'"))
    else:
        town.grant("1042", "PABER", "vaataja")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order", user="grantor")
    town.rows("UPDATE paasla.register SET route = 'directory' WHERE register_code = 'PABER'", user="admin")
    town.grant("1001", "PABER", "vaataja")  # given now: the directory's, not ours
    if end == "revoke":
        town.rows("SELECT paasla.revoke_access('1042', 'PABER', 'vaataja')", user="grantor")
        town.rows("SELECT paasla.revoke_access('1001', 'PABER', 'vaataja')", user="grantor")
    elif end == "due":
        town.pass_time("1 minute")
        town.query("tick")
    else:
        town.depart("1042", "now() - interval '2 days'" if end == "backdated" else "now()")
        town.depart("1001")
    assert orders(town) == [("add", "tavaline", "done"), ("remove", "tavaline", "open")]
    assert town.one("SELECT DISTINCT person_id FROM paasla.work_order") == town.person("1042")


def test_matrix_shows_what_is_held_now(town):
    town.grant("1042")
    town.grant("1042", "PABER", "vaataja")
    town.grant("1001", valid_from=town.one("SELECT now() + interval '3 days'"))
    assert town.rows("SELECT employee_no, register_code, role_code, route, work_order_state FROM paasla.matrix ORDER BY 2", user="auditor") == [
        ("1042", "KAUST", "lugeja", "directory", None), ("1042", "PABER", "vaataja", "manual", "open")]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_other_isolation_levels_are_refused(town, level):
    town.refused("not changed in isolation level", f"BEGIN ISOLATION LEVEL {level}; "
                 "UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '1042'", user="hr")
    town.rows("ROLLBACK", user="hr")


@pytest.mark.parametrize("same", [
    "CN=Lugeja, OU=grupid ,dc = linn", "cn=lugeja,ou=grupid,  dc=linn ", r"cn=a\2cb\+c,ou=x", r"CN=A\,b\2Bc , ou=x", r"cn=d\5ce,ou=x"])
def test_one_group_is_one_roles_however_it_is_written(town, same):
    """Otherwise the end of one right takes the other one's membership away."""
    def add(dn, role):
        return town.rows("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', %s "
                         "FROM paasla.register_role WHERE role_code = %s", dn, role, user="admin")
    add(r"cn=a\,b\+c,ou=x", "vaataja"), add(r"cn=d\\e,ou=x", "vaataja")
    town.refused("is the group of (KAUST lugeja|PABER vaataja) already", "INSERT INTO paasla.role_group (role_id, directory, group_dn) "
                 "SELECT role_id, 'linn', %s FROM paasla.register_role WHERE role_code = 'kirjutaja'", same, user="admin")
    for other in (r"cn=a,b\+c,ou=x", r"cn=a\,b\+cc,ou=x", "cn=lugeja,ou=grupid2,dc=linn", r"cn=lugeja\ ,ou=grupid,dc=linn"):
        add(other, "kirjutaja")
    town.rows("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'kool', 'cn=lugeja,ou=grupid,dc=linn' "
              "FROM paasla.register_role WHERE role_code = 'kirjutaja'", user="admin")
