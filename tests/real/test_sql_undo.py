"""A departure that was a mistake: the employment goes on, what ended because of it comes back, what ended by itself or by
somebody's hand does not, and the log says who took back what."""

import json

import psycopg2
import pytest

from test_sql_races import DEPART, two  # noqa: F401 (a fixture)

UNDO = "SELECT * FROM paasla.undo_depart('1042', 'KK-U')"


def undo(town, no="1042", ref="KK-U", institution=None, user="hr"):
    """until, grants back, orders cancelled, orders opened, accounts closed."""
    return town.rows("SELECT * FROM paasla.undo_depart(%s, %s, %s)", no, ref, institution, user=user)[0]


def employment(town, no="1042"):
    return town.one("SELECT lower(period), upper(period), departure_ref FROM paasla.employment WHERE employee_no = %s", no)


def grants(town, no="1042"):
    return town.rows("SELECT grant_id, valid::text, ended_by, given_until FROM paasla.access_grant WHERE person_id = %s ORDER BY grant_id",
                     town.person(no))


def entitled(town, no="1042", at="now()"):
    return sorted(r[0] for r in town.rows(f"SELECT group_dn FROM paasla.entitlement_at({at}) WHERE person_id = %s", town.person(no)))


def orders(town):
    return town.rows("SELECT kind, state, round, cause FROM paasla.work_order ORDER BY work_order_id")


def close(town, kind, state="done", note="tehtud"):
    town.rows("SELECT paasla.close_work_order(work_order_id, %s, %s) FROM paasla.work_order WHERE kind = %s AND state = 'open'",
              state, note, kind, user="grantor")


def events(town, action):
    return [(json.loads(d), t, r, p) for d, t, r, p in town.rows(
        "SELECT e.detail, (SELECT o.value FROM audit.opening o WHERE o.event_id = e.event_id AND o.field = 'text'), e.session_role, "
        "e.person_id FROM audit.event e WHERE e.action = %s ORDER BY e.event_id", action)]


def test_everything_is_as_before(town):
    town.grant("1042")
    town.grant("1042", role="kirjutaja", valid_until=town.one("SELECT now() + interval '10 days'"))
    town.grant("1042", "PABER", "vaataja", valid_from=town.one("SELECT now() + interval '60 days'"))
    before, was, groups = grants(town), employment(town), entitled(town)
    assert len(groups) == 2
    town.depart("1042")
    assert town.wanted("1042") == ("locked", "departed") and entitled(town) == []
    assert town.one("SELECT isempty(valid) FROM paasla.access_grant ORDER BY grant_id DESC LIMIT 1") is True
    town.clean()
    assert undo(town) == (None, 3, 0, 0, 0)
    assert (grants(town), employment(town), entitled(town)) == (before, was, groups)
    assert town.wanted("1042") == ("open", "employed")
    assert ("linn", town.person("1042"), "resumed") in town.dirty()
    town.depart("1042", ref="KK-9")
    assert town.wanted("1042") == ("locked", "departed"), "a departure afterwards is one like any other"
    assert undo(town, ref="KK-10")[1] == 3 and grants(town) == before


def test_the_log_says_who_took_back_what_and_why(town):
    town.rows("INSERT INTO paasla.db_login SELECT 'hr', person_id FROM paasla.employee_number WHERE employee_no = '1001'")
    town.depart("1042", ref="KK-D")
    departure = town.one("SELECT max(event_id) FROM audit.event WHERE action = 'employment.ended'")
    undo(town, ref="  KK-U ")
    detail, text, role, person = events(town, "employment.resumed")[0]
    assert detail["undone_event"] == departure and "until" not in detail and detail["before_until"]
    assert (text, role, person) == ("KK-U", "hr", town.person("1042"))
    assert town.one("SELECT acting_person FROM audit.event WHERE action = 'employment.resumed'") == town.person("1001")
    assert len(events(town, "employment.ended")) == 1, "taking back is no second departure"
    assert town.one("SELECT resumed_ref FROM paasla.employment WHERE employee_no = '1042'") == "KK-U"


def test_all_or_nothing(town):
    """The change and its event fall together."""
    town.depart("1042")
    town.rows("BEGIN; " + UNDO + "; ROLLBACK", user="hr")
    assert events(town, "employment.resumed") == [] and town.wanted("1042") == ("locked", "departed")
    assert undo(town)[0] is None


def test_goes_back_step_by_step(town):
    ten, twenty = town.one("SELECT now() + interval '10 days', now() + interval '20 days'")
    grant = town.grant("1042")
    town.depart("1042", f"'{ten}'", "KK-A")
    town.depart("1042", f"'{twenty}'", "KK-B")
    town.depart("1042", ref="KK-C")
    assert undo(town)[:2] == (twenty, 1)
    assert employment(town)[1:] == (twenty, "KK-B") and town.wanted("1042") == ("open", "employed")
    assert town.one("SELECT upper(valid), ended_by FROM paasla.access_grant WHERE grant_id = %s", grant) == (twenty, "departure")
    assert undo(town)[0] == ten and employment(town)[1:] == (ten, "KK-A")
    town.depart("1042", ref="KK-E")
    assert undo(town)[0] == ten and employment(town)[1:] == (ten, "KK-A"), "not the departures that were taken back before"
    assert undo(town)[0] is None and employment(town)[1:] == (None, None)
    town.refused("has no departure: it is employed since", UNDO, user="hr")
    assert town.one("SELECT valid, ended_by FROM paasla.access_grant WHERE grant_id = %s", grant)[1] is None


def test_end_given_with_the_employment(town):
    end = town.one("SELECT now() + interval '30 days'")
    town.hire("2001", until=end)
    grant = town.grant("2001")
    town.refused("the end on .* was given with the employment", "SELECT paasla.undo_depart('2001', 'R')", user="hr")
    town.depart("2001")
    assert undo(town, "2001")[0] == end
    assert town.one("SELECT upper(valid), ended_by FROM paasla.access_grant WHERE grant_id = %s", grant) == (end, "departure")
    town.refused("the end on .* was given with the employment", "SELECT paasla.undo_depart('2001', 'R')", user="hr")


def test_an_end_that_has_passed_meanwhile(early):
    def departed(town, soon):
        town.hire("2001", until=soon)
        town.rows("SELECT paasla.depart('2001')", user="hr")

    town = early(departed)
    town.refused("would have ended on .*has passed.*hire again", "SELECT paasla.undo_depart('2001', 'R')", user="hr")


def test_refusals(town):
    for ref in ("", "   ", "x" * 61, None):
        town.depart("1042") if town.wanted("1042")[0] == "open" else None
        with pytest.raises(psycopg2.Error, match="needs a document"):
            undo(town, ref=ref)
    town.refused("has no departure", "SELECT paasla.undo_depart('1001', 'R')", user="hr")
    town.refused("nobody has employee number 9999", "SELECT paasla.undo_depart('9999', 'R')", user="hr")
    town.refused("nobody has employee number 1042", "SELECT paasla.undo_depart('1042', 'R')", user="hr_la")
    for user in ("grantor", "admin", "approver", "auditor", "daemon", "nobody"):
        town.refused("permission denied", "SELECT paasla.undo_depart('1042', 'R')", user=user)
    town.refused("not changed in isolation level", "BEGIN ISOLATION LEVEL REPEATABLE READ; " + UNDO, user="hr")
    town.rows("ROLLBACK", user="hr")
    town.hire("1042", institution="LA")
    town.rows("SELECT paasla.depart('1042', institution => 'LA')", user="hr")
    town.refused("is used by LA, LV", UNDO, user="hr")
    assert undo(town, institution="LA", user="hr_la")[0] is None
    assert town.wanted("1042", directory="linn") == ("locked", "departed"), "the other institution's stays"
    # Nobody gets round the rule by the view or the table.
    town.refused("ended on .*hire again.*undo_depart", "UPDATE paasla.staff SET departed_at = NULL WHERE employee_no = '1042' AND "
                 "institution = 'LV'", user="hr")
    town.refused("permission denied", "UPDATE paasla.employment SET resumed_event = 1", user="hr")


def test_a_newer_employment(town):
    town.hire("3001", "Tiiu", "Rebane", personal_code="49403136515")
    town.depart("3001")
    town.hire("3002", "Tiiu", "Rebane", personal_code="49403136515")
    town.refused("newer employment at LV: number 3002", "SELECT paasla.undo_depart('3001', 'R')", user="hr")
    town.depart("3002")
    town.refused("newer employment at LV: number 3002", "SELECT paasla.undo_depart('3001', 'R')", user="hr")
    town.depart("1042")
    town.hire("1042", "Mari", "Tamm")
    town.refused("1042 at LV has no departure: it is employed since.*hired again", UNDO, user="hr")
    # One that went on beside it, and one at another institution, are no reason.
    town.hire("4001", "Piret", "Kuusk", personal_code="60001019906")
    town.hire("4002", "Piret", "Kuusk", personal_code="60001019906")
    town.depart("4001")
    town.hire("4003", "Piret", "Kuusk", personal_code="60001019906", institution="LA")
    assert undo(town, "4001")[0] is None


def test_a_called_off_arrival_is_on_again(town):
    first, last = town.one("SELECT now() + interval '3 days', now() + interval '90 days'")
    town.hire("2001", employed_from=first, until=last)
    town.one("SELECT paasla.depart('2001', NULL, 'KK-D')", user="hr")
    assert town.wanted("2001", at="now() + interval '5 days'") == ("locked", "departed")
    assert undo(town, "2001")[0] == last and employment(town, "2001")[:2] == (first, last)
    assert town.wanted("2001", at="now() + interval '5 days'") == ("open", "employed")


def test_what_one_departure_ended_comes_back_together(town):
    end, begin = town.one("SELECT now() + interval '30 days', now() + interval '40 days'")
    town.hire("2001", "Uku", "Kask", until=end)
    town.hire("2001", "Uku", "Kask", employed_from=begin)
    town.one("SELECT paasla.depart('2001', NULL, 'KK-D')", user="hr")
    assert town.wanted("2001", at="now() + interval '50 days'") == ("locked", "departed")
    assert undo(town, "2001")[0] is None
    assert [(r[0], r[1]) for r in town.rows("SELECT upper(period), lower(period) > now() FROM paasla.employment WHERE employee_no = '2001' "
                                            "ORDER BY employment_id")] == [(end, False), (None, True)]
    assert len(events(town, "employment.resumed")) == 2


# ---- what comes back, and what does not ----

def test_what_somebody_ended_stays_ended(town):
    revoked = town.grant("1042")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'lugeja')", user="grantor")
    town.depart("1042", "now() + interval '5 days'")
    later = town.grant("1042", role="kirjutaja")
    town.rows("SELECT paasla.revoke_access('1042', 'KAUST', 'kirjutaja')", user="grantor")
    town.depart("1042")
    before = grants(town)
    assert undo(town)[1] == 0 and grants(town) == before
    assert [g[2] for g in before] == ["revoke", "revoke"] and {revoked, later} == {g[0] for g in before}


def test_what_would_have_ended_by_itself_stays_ended(early):
    def departed(town, soon):
        town.grant("1042", "PABER", "vaataja", valid_until=soon)
        close(town, "add")
        town.depart("1042")

    town = early(departed)
    before = grants(town)
    assert undo(town)[1:] == (0, 0, 0, 0) and grants(town) == before
    assert orders(town)[-1][:2] == ("remove", "open"), "has to be removed all the same"


def test_older_departures_stay(town):
    """Grants that rest on no employment end with the last one: only those of this departure come back."""
    def free(role):
        return town.one("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, tstzrange(now(), NULL), "
                        "'KK-1' FROM paasla.register_role WHERE role_code = %s RETURNING grant_id", town.person("1042"), role, user="grantor")
    old = free("lugeja")
    town.depart("1042")
    town.hire("1042", "Mari", "Tamm")
    new, bound = free("kirjutaja"), town.grant("1042", "PABER", "vaataja")
    town.depart("1042")
    assert undo(town)[1] == 2
    state = {g[0]: g[2] for g in grants(town)}
    assert state == {old: "departure", new: None, bound: None}


def test_two_employments(town):
    """A departure from one of two ended only what rests on it; what rests on none ended with the second."""
    code = "49403136515"
    town.hire("3001", "Tiiu", "Rebane", personal_code=code)
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code=code)
    here, there = town.grant("3001"), town.grant("78", role="kirjutaja")
    free = town.one("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, tstzrange(now(), NULL), "
                    "'KK-1' FROM paasla.register_role WHERE role_code = 'vaataja' RETURNING grant_id", town.person("3001"), user="grantor")
    town.depart("3001")
    town.depart("78")
    assert undo(town, "3001")[1] == 2
    assert {g[0]: g[2] for g in grants(town, "3001")} == {here: None, there: "departure", free: None}
    assert undo(town, "78")[1] == 1 and {g[2] for g in grants(town, "3001")} == {None}


def test_a_role_that_was_given_anew(town):
    code = "49403136515"
    town.hire("3001", "Tiiu", "Rebane", personal_code=code)
    town.hire("78", "Tiiu", "Rebane", institution="LA", personal_code=code)
    town.grant("3001", "PABER", "vaataja")
    town.depart("3001")
    town.grant("78", "PABER", "vaataja")
    before = grants(town, "3001")
    assert undo(town, "3001")[1] == 0 and "gives the same role" in town.notices("hr")
    assert grants(town, "3001") == before and town.wanted("3001") == ("open", "employed")


def test_a_privileged_right_comes_back_with_its_approval(town):
    town.rows("SELECT paasla.file_request('KK-9', '1001')", user="grantor")
    town.rows("SELECT paasla.approve_request('KK-9')", user="approver")
    town.one("SELECT paasla.grant_access('1042', 'JUUR', 'juur', 'KK-9', 'valve', now() + interval '30 days')", user="grantor")
    before = grants(town)
    town.depart("1042")
    assert undo(town)[1] == 1 and grants(town) == before


def test_backdated(town):
    """What was in effect before the moment that HR named comes back, also when the departure emptied it."""
    town.rows("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT %s, role_id, tstzrange(now() - interval '1 day', NULL), "
              "'KK-1' FROM paasla.register_role WHERE role_code IN ('vaataja', 'lugeja')", town.person("1042"))
    close(town, "add")
    before = grants(town)
    town.depart("1042", "now() - interval '2 days'", "KK-7")
    assert {g[1] for g in grants(town)} == {"empty"}
    assert undo(town)[1:4] == (2, 1, 0) and grants(town) == before


def test_only_the_departure_may_reopen_a_grant(town):
    town.grant("1042")
    town.depart("1042")
    for change in ("valid = tstzrange(lower(valid), NULL)", "valid = tstzrange(lower(valid), NULL), reason = 'x'"):
        town.refused("an end that has passed does not change", f"UPDATE paasla.access_grant SET {change}", user="grantor")
    town.refused("permission denied", "UPDATE paasla.access_grant SET ended_by = 'departure!', valid = tstzrange(lower(valid), NULL)", user="grantor")
    town.rows("UPDATE paasla.access_grant SET ended_by = 'revoke' WHERE false")
    town.refused("an end that has passed", "UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), NULL)")


# ---- orders ----

@pytest.mark.parametrize("add, remove, after, counts", [
    # not removed yet: nothing to do but to leave it
    ("done", None, [("add", "done", 0), ("remove", "cancelled", 0)], (1, 0)),
    # removed: has to be added again
    ("done", "done", [("add", "done", 0), ("remove", "done", 0), ("add", "open", 1)], (0, 1)),
    # never added, because the end came first
    (None, None, [("add", "cancelled", 0), ("remove", "cancelled", 0), ("add", "open", 1)], (1, 1)),
    (None, "cancelled", [("add", "cancelled", 0), ("remove", "cancelled", 0), ("add", "open", 1)], (0, 1)),
    # somebody said that neither need be
    ("cancelled", "cancelled", [("add", "cancelled", 0), ("remove", "cancelled", 0)], (0, 0)),
    # it was not removed, and need not be
    ("done", "cancelled", [("add", "done", 0), ("remove", "cancelled", 0)], (0, 0)),
])
def test_orders(town, add, remove, after, counts):
    town.grant("1042", "PABER", "vaataja")
    if add:
        close(town, "add", add)
    town.depart("1042")
    if remove:
        close(town, "remove", remove)
    assert undo(town)[1:4] == (1, *counts)
    assert [o[:3] for o in orders(town)] == after
    if not remove:
        assert "taken back (KK-U)" in town.one("SELECT note FROM paasla.work_order WHERE kind = 'remove'")
    assert [o[3] for o in orders(town) if o[2] == 1] == ["resumed"] * counts[1]
    town.query("tick")
    assert [o[:3] for o in orders(town)] == after, "the clock orders nothing more"
    town.depart("1042", ref="KK-2")
    again = [o[:3] for o in orders(town) if o[2] == 1]
    assert again[-1] == ("remove", "open", 1), "a departure in earnest has an order of its own"
    assert undo(town, ref="KK-3")[1] == 1


def test_no_order_where_the_directory_does_it(town):
    town.grant("1042")
    town.depart("1042")
    assert undo(town)[1:4] == (1, 0, 0) and orders(town) == []
    town.rows("UPDATE paasla.register SET route = 'manual' WHERE register_code = 'KAUST'", user="admin")
    town.depart("1042")
    assert [o[:3] for o in orders(town)] == [("remove", "open", 0)]


def test_a_right_whose_day_came_meanwhile_is_ordered(early):
    def departed(town, begin):
        town.grant("1042", "PABER", "vaataja", valid_from=begin)
        town.depart("1042")

    town = early(departed)
    assert undo(town)[1:4] == (1, 0, 1)
    assert [o[:3] for o in orders(town)] == [("add", "open", 0)]


def test_a_right_that_begins_later_is_ordered_then(early):
    def taken_back(town, begin):
        town.grant("1042", "PABER", "vaataja", valid_from=begin)
        town.depart("1042")
        assert undo(town)[1:4] == (1, 0, 0)

    town = early(taken_back)
    town.query("tick")
    assert [o[:3] for o in orders(town)] == [("add", "open", 0)]


# ---- two sessions ----

@pytest.mark.parametrize("statement", [DEPART, "SELECT paasla.depart('1042', NULL, 'KK-2')"])
@pytest.mark.parametrize("commit", [True, False])
def test_a_departure_while_the_first_is_being_taken_back(town, two, statement, commit):
    """Whoever says it second means it: it is not answered by what is just being undone."""
    grant = town.grant("1042")
    town.depart("1042", ref="KK-D")
    a, b = two()
    a.run(UNDO)
    assert b.start(statement), "waits for the undo"
    a.finish(commit)
    if commit:
        b.finish()
        assert town.wanted("1042") == ("locked", "departed")
        assert town.one("SELECT ended_by FROM paasla.access_grant WHERE grant_id = %s", grant) == "departure"
        assert len(events(town, "employment.ended")) == 2 and len(events(town, "employment.resumed")) == 1
        assert undo(town)[1] == 1, "and may be a mistake again"
    else:
        if statement == DEPART:
            with pytest.raises(psycopg2.Error, match="an end that has passed does not change"):
                b.finish()
        else:
            b.finish()
        assert town.wanted("1042") == ("locked", "departed")


@pytest.mark.parametrize("first, planned", [
    ("SELECT paasla.depart('1042', NULL, 'KK-2')", False),  # says it once more
    ("SELECT paasla.depart('1042', NULL, 'KK-2')", True),   # brings it forward
    (DEPART, True),
])
@pytest.mark.parametrize("commit", [True, False])
def test_an_undo_while_the_departure_is_said_again(town, two, first, planned, commit):
    """The undo means the departure that its sender saw."""
    town.depart("1042", "now() + interval '5 days'" if planned else "now()", "KK-D")
    a, b = two()
    a.run(first)
    assert b.start(UNDO), "waits for the departure"
    a.finish(commit)
    if commit:
        with pytest.raises(psycopg2.Error, match="changed by somebody else just now"):
            b.finish()
        assert town.wanted("1042") == ("locked", "departed")
    else:
        b.finish()
        assert town.wanted("1042", at="now() + interval '6 days'") == ("open", "employed")


@pytest.mark.parametrize("commit", [True, False])
def test_two_undo_at_once(town, two, commit):
    town.depart("1042")
    a, b = two()
    a.run(UNDO)
    assert b.start(UNDO)
    a.finish(commit)
    if commit:
        with pytest.raises(psycopg2.Error, match="changed by somebody else just now"):
            b.finish()
    else:
        b.finish()
    assert len(events(town, "employment.resumed")) == 1 and town.wanted("1042") == ("open", "employed")


@pytest.mark.parametrize("number", ["1042", "1043"])
@pytest.mark.parametrize("hire_first", [True, False])
def test_a_hire_beside_an_undo(town, two, number, hire_first):
    town.rows("UPDATE paasla.staff SET personal_code = '49403136515' WHERE employee_no = '1042'", user="hr")
    town.depart("1042")
    hire = f"SELECT paasla.hire('LV', '{number}', 'Mari', 'Tamm', personal_code => '49403136515')"
    a, b = two()
    a.run(hire if hire_first else UNDO)
    assert b.start(UNDO if hire_first else hire)
    a.finish()
    if hire_first:
        with pytest.raises(psycopg2.Error, match="newer employment at LV|somebody else just now"):
            b.finish()
        assert events(town, "employment.resumed") == []
    elif number == "1042":
        with pytest.raises(psycopg2.Error, match="is employed at LV already"):
            b.finish()
    else:
        b.finish()  # a second post beside the first
        assert town.one("SELECT count(*) FROM paasla.employment WHERE period @> now() AND person_id = %s", town.person("1042")) == 2
    assert town.wanted("1042") == ("open", "employed")


@pytest.mark.parametrize("undo_first", [True, False])
def test_a_grant_beside_an_undo(town, two, undo_first):
    town.depart("1042")
    grant = "SELECT paasla.grant_access('1042', 'PABER', 'vaataja', 'KK-1', 'r')"
    a, b = two("hr" if undo_first else "grantor", "grantor" if undo_first else "hr")
    if undo_first:
        a.run(UNDO)
        assert b.start(grant)
        a.finish()
        b.finish()
        assert town.one("SELECT ended_by FROM paasla.access_grant") is None
    else:
        with pytest.raises(psycopg2.Error, match="is not employed then"):
            a.run(grant)
        b.run(UNDO)
        b.finish()


def test_what_was_said_again_of_an_end_that_counts_no_more(town):
    """It must not make a leaver of a later list a named one."""
    town.depart("1042")
    town.one("SELECT paasla.depart('1042')", user="hr")
    assert town.one("SELECT said_again_xact IS NOT NULL FROM paasla.employment WHERE employee_no = '1042'")
    undo(town)
    assert town.one("SELECT said_again_xact, ended_xact FROM paasla.employment WHERE employee_no = '1042'") == (None, None)
    assert "said_again" not in events(town, "employment.resumed")[0][0]


def test_in_the_very_transaction_of_the_departure(town):
    town.grant("1042")
    before = grants(town)
    town.rows("BEGIN; SELECT paasla.depart('1042', NULL, 'KK-D'); " + UNDO + "; COMMIT", user="hr")
    assert grants(town) == before and town.wanted("1042") == ("open", "employed")
