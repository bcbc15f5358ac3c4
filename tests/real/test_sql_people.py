"""HR's side: hiring, the staff view, departures, absences; what is refused and in which words."""

import datetime

import pytest


def test_one_update_is_the_whole_offboarding(town):
    who = town.person("1042")
    town.clean()
    town.rows("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-2026-114' WHERE employee_no = '1042'", user="hr")
    assert town.wanted("1042") == ("locked", "departed")
    assert town.dirty() == [("linn", who, "departed")]
    at, detail, ref = town.one("""SELECT e.at, e.detail, o.value FROM audit.event e JOIN audit.opening o USING (event_id)
        WHERE action = 'employment.ended' AND o.field = 'text'""")
    assert ref == "KK-2026-114" and "KK-2026" not in detail
    assert town.notices("hr") == ""


def test_hire_gives_a_person_a_number_and_an_account_to_come(town):
    employment = town.hire("2001", "Õnne", "Žukov-Äär", unit="kantselei", position="sekretär", manager_no="1001", kind="official")
    row = town.one("SELECT given_name, family_name, unit, manager_no, kind, departed_at, employment_id FROM paasla.staff "
                   "WHERE employee_no = '2001'", user="hr")
    assert row == ("Õnne", "Žukov-Äär", "kantselei", "1001", "official", None, employment)
    assert town.wanted("2001") == ("open", "employed")


def test_insert_into_staff_is_hire(town):
    town.rows("INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, employed_from) "
              "VALUES ('LV', '2002', ' Mari ', 'Maasikas', now() + interval '3 days')", user="hr")
    assert town.wanted("2002") == ("locked", "arriving")
    assert town.one("SELECT given_name FROM paasla.staff WHERE employee_no = '2002'", user="hr") == "Mari"


def test_names_are_stored_in_nfc(town):
    town.hire("2003", "O\u0303nne", "Ka\u0308o")
    assert town.one("SELECT given_name, family_name FROM paasla.staff WHERE employee_no = '2003'", user="hr") == ("Õnne", "Käo")


@pytest.mark.parametrize("given, family, code, says", [
    ("", "Tamm", None, "number 2004 has no given name"),
    ("Mari", "  ", None, "number 2004 has no family name"),
    ("Mari", None, None, "number 2004 has no family name"),
    ("Ma\nri", "Tamm", None, "cannot be used"),
    ("Ma\u202eri", "Tamm", None, "cannot be used"),
    ("M" * 101, "Tamm", None, "cannot be used"),
    ("Mari", "Tamm", "37605030298", "personal code is wrong"),
    ("Mari", "Tamm", "37613030299", "personal code is wrong"),
    ("Mari", "Tamm", "123", "personal code is wrong"),
])
def test_hire_refuses_what_cannot_be_a_person(town, given, family, code, says):
    e = town.refused(says, "SELECT paasla.hire('LV', '2004', %s, %s, personal_code => %s)", given, family, code, user="hr")
    assert code is None or code not in str(e), "a personal code is not repeated in messages"


@pytest.mark.parametrize("code", ["37605030299", "49403136515", "60001019906"])
def test_right_personal_codes_are_taken(town, code):
    town.hire("2004", personal_code=code)


def test_employee_number_is_one_persons_for_ever(town):
    town.depart("1042")
    town.refused("employee number 1042 of LV belongs to somebody else.*", "SELECT paasla.hire('LV', '1042', 'Jüri', 'Kask')", user="hr")
    town.refused("number 1001 is employed at LV already", "SELECT paasla.hire('LV', '1001', 'Anu', 'Ülem')", user="hr")


def test_rehire_is_the_same_person_and_revives_nothing(town):
    grant = town.grant("1042")
    who = town.person("1042")
    town.depart("1042")
    town.hire("1042", "Mari", "Tamm")
    assert town.one("SELECT count(DISTINCT person_id), count(*) FROM paasla.staff WHERE employee_no = '1042'", user="hr") == (1, 2)
    assert town.person("1042") == who and town.wanted("1042") == ("open", "employed")
    assert town.one("SELECT upper(valid) <= now(), ended_by FROM paasla.access_grant WHERE grant_id = %s", grant) == (True, "departure")
    assert town.rows("SELECT * FROM paasla.entitlement WHERE person_id = %s", who) == []
    town.depart("1042")  # means the employment that stands, not the one that ended
    assert town.wanted("1042") == ("locked", "departed")


def test_known_personal_code_is_a_second_employment_of_the_same_person(town):
    town.hire("3001", "Tiiu", "Rebane", personal_code="49403136515")
    town.hire("77", "Tiiu", "Hunt", institution="LA", personal_code="49403136515")
    assert "known as Tiiu Rebane" in town.notices("hr")
    assert town.person("3001") == town.person("77", "LA")
    town.depart("3001")
    assert town.wanted("3001") == ("open", "employed"), "the account closes when the last employment ends"
    town.depart("77")
    assert town.wanted("3001") == ("locked", "departed")


def test_number_of_two_institutions_has_to_be_named(town):
    town.hire("1042", "Jüri", "Kask", institution="LA")
    e = town.refused("used by two institutions", "UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '1042'", user="hr")
    assert "LV" in str(e) and "LA" in str(e) and "Name the institution" in str(e)
    assert town.wanted("1042") == ("open", "employed")
    town.refused("used by LA, LV", "SELECT paasla.depart('1042')", user="hr")
    # each by itself, in one message to the server: both are named
    town.rows("UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '1042' AND institution = 'LV';"
              "UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '1042' AND institution = 'LA'", user="hr")
    assert town.wanted("1042") == ("locked", "departed")


def test_scope_makes_a_number_unambiguous(town):
    town.hire("1042", "Jüri", "Kask", institution="LA")
    town.rows("SELECT paasla.depart('1042')", user="hr_la")
    assert town.wanted("1042") == ("open", "employed")
    assert town.one("SELECT departed_at IS NOT NULL FROM paasla.staff", user="hr_la") is True
    assert town.one("SELECT count(*) FROM paasla.staff WHERE institution = 'LV'", user="hr_la") == 0
    town.refused("does not act for institution LV", "SELECT paasla.hire('LV', '9', 'A', 'B')", user="hr_la")
    town.refused("nobody has employee number 1001", "SELECT paasla.depart('1001')", user="hr_la")
    town.rows("UPDATE paasla.staff SET departed_at = now() WHERE employee_no = '1001'", user="hr_la")
    assert town.wanted("1001") == ("open", "employed"), "what a log-in does not see it does not change"


def test_past_end_does_not_change(town):
    town.depart("1042")
    for change in ("now() + interval '1 day'", "NULL", "now()"):
        town.refused("ended on .*hire again", f"UPDATE paasla.staff SET departed_at = {change} WHERE employee_no = '1042'", user="hr")


def test_future_end_moves_and_is_taken_back(town):
    town.depart("1042", "now() + interval '10 days'")
    assert town.wanted("1042") == ("open", "employed")
    town.depart("1042", "now() + interval '20 days'")
    assert town.wanted("1042", at="now() + interval '15 days'") == ("open", "employed")
    town.depart("1042", "NULL")
    assert town.wanted("1042", at="now() + interval '1 year'") == ("open", "employed")


def test_backdated_departure_needs_a_document_and_is_noted(town):
    town.refused("lies in the past and rests on no document",
                 "UPDATE paasla.staff SET departed_at = now() - interval '2 days' WHERE employee_no = '1042'", user="hr")
    town.depart("1042", "now() - interval '2 days'", "KK-7")
    assert "backdated" in town.notices("hr")
    assert '"backdated": true' in town.one("SELECT detail FROM audit.event WHERE action = 'employment.ended'")
    town.rows("UPDATE paasla.staff SET departed_at = now() - interval '30 seconds' WHERE employee_no = '1001'", user="hr")
    assert "backdated" not in town.notices("hr"), "a slow hand is no backdating"


def test_midnight_says_which_moment_it_means(town):
    town.rows("UPDATE paasla.staff SET departed_at = '2027-01-01' WHERE employee_no = '1042'", user="hr")
    assert "the very beginning of 01.01.2027: the last whole day is 31.12.2026" in town.notices("hr")
    town.rows("UPDATE paasla.staff SET departed_at = '2027-01-01 17:00' WHERE employee_no = '1042'", user="hr")
    assert town.notices("hr") == ""


@pytest.mark.parametrize("day, utc", [
    ("2027-03-27", "2027-03-27 22:00"),  # the day before the clocks go forward: Saturday is over at +2
    ("2027-03-28", "2027-03-28 21:00"),  # the day of 23 hours
    ("2027-10-30", "2027-10-30 21:00"),
    ("2027-10-31", "2027-10-31 22:00"),  # the day of 25 hours
])
def test_last_day_ends_at_midnight_in_tallinn(town, day, utc):
    town.rows("SET timezone = 'America/Los_Angeles'", user="hr")
    at = town.one("SELECT paasla.depart('1042', %s, 'KK')", day, user="hr")
    assert at == datetime.datetime.fromisoformat(utc).replace(tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("day, utc", [("2026-03-28", "2026-03-28 22:00"), ("2026-03-29", "2026-03-29 21:00"),
                                      ("2026-10-24", "2026-10-24 21:00"), ("2026-10-25", "2026-10-25 22:00")])
def test_last_day_of_2026(town, day, utc):
    got = town.one("SELECT (%s::date + 1)::timestamp AT TIME ZONE 'Europe/Tallinn'", day)
    assert got == datetime.datetime.fromisoformat(utc).replace(tzinfo=datetime.timezone.utc)


def test_arrival_that_never_comes_is_called_off(town):
    town.hire("2005", employed_from=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3))
    town.grant("2005")
    town.depart("2005")
    assert "the arrival is called off" in town.notices("hr")
    assert town.wanted("2005") == ("locked", "departed")
    assert town.wanted("2005", at="now() + interval '10 days'") == ("locked", "departed")


def test_departure_before_the_beginning_is_refused(town):
    town.refused("cannot end at .*, before that", "UPDATE paasla.staff SET departed_at = '2001-01-01', departure_ref = 'x' "
                 "WHERE employee_no = '1042'", user="hr")
    town.refused("cannot depart at infinity", "UPDATE paasla.staff SET departed_at = 'infinity' WHERE employee_no = '1042'", user="hr")


def test_depart_again_says_so_and_tells_the_daemon_once_more(town):
    town.depart("1042")
    town.clean()
    town.rows("SELECT paasla.depart('1042')", user="hr")
    assert "departed on" in town.notices("hr")
    assert [c for _, _, c in town.dirty()] == ["departed"]
    assert town.one("SELECT count(*) FROM audit.event WHERE detail LIKE '%said_again%'") == 1


def test_depart_of_a_renewed_contract_ends_both(town):
    town.depart("1042", "now() + interval '30 days'")
    town.hire("1042", "Mari", "Tamm", employed_from=town.one("SELECT departed_at FROM paasla.staff WHERE employee_no = '1042'", user="hr"))
    town.rows("SELECT paasla.depart('1042')", user="hr")
    assert town.wanted("1042") == ("locked", "departed")
    assert town.wanted("1042", at="now() + interval '40 days'") == ("locked", "departed")


def test_staff_row_takes_other_changes(town):
    town.clean()
    town.rows("UPDATE paasla.staff SET unit = 'IT', position = 'juht', family_name = 'Kuusk', manager_no = '1002' WHERE employee_no = '1042'",
              user="hr")
    assert town.one("SELECT unit, position, family_name, manager_no FROM paasla.staff WHERE employee_no = '1042'", user="hr") == (
        "IT", "juht", "Kuusk", "1002")
    assert {c for _, _, c in town.dirty()} == {"person", "employment"}
    town.refused("do not change", "UPDATE paasla.staff SET employee_no = '1' WHERE employee_no = '1042'", user="hr")
    town.refused("DELETE on paasla.staff is refused", "DELETE FROM paasla.staff WHERE employee_no = '1042'", user="postgres")


def test_absence_suspends_and_ends(town):
    absence = town.one("SELECT paasla.absent('1042', current_date, NULL, '1001', true)", user="hr")
    assert town.wanted("1042") == ("locked", "suspended")
    assert town.one("SELECT employee_no, suspend FROM paasla.absences", user="hr") == ("1042", True)
    assert town.rows("SELECT * FROM paasla.absences", user="hr_la") == []
    town.refused("no absence", "SELECT paasla.end_absence(%s)", absence, user="hr_la")
    town.clean()
    town.rows("SELECT paasla.end_absence(%s)", absence, user="hr")
    assert town.wanted("1042") == ("open", "employed") and [c for _, _, c in town.dirty()] == ["absence"]
    town.refused("ended on", "SELECT paasla.end_absence(%s)", absence, user="hr")
    coming = town.one("SELECT paasla.absent('1042', current_date + 5, current_date + 9, suspend => true)", user="hr")
    assert town.wanted("1042", at="now() + interval '6 days'") == ("locked", "suspended")
    town.rows("SELECT paasla.end_absence(%s)", coming, user="hr")
    assert town.wanted("1042", at="now() + interval '6 days'") == ("open", "employed")
    town.refused("ends before it begins", "SELECT paasla.absent('1042', current_date, current_date - 1)", user="hr")
    town.refused("nobody can stand in", "SELECT paasla.absent('1042', current_date, NULL, '999999')", user="hr")


def test_an_unknown_manager_is_named_and_refused(town):
    town.hire("78", institution="LA")
    for no in ("4711", "78", ""):
        town.refused("nobody has employee number '%s' at LV" % no, "SELECT paasla.hire('LV', '2001', 'A', 'B', manager_no => %s)", no, user="hr")
        town.refused("nobody has employee number '%s' at LV" % no, "INSERT INTO paasla.staff (institution, employee_no, given_name, "
                     "family_name, manager_no) VALUES ('LV', '2001', 'A', 'B', %s)", no, user="hr")
        town.refused("nobody has employee number '%s' at LV" % no, "UPDATE paasla.staff SET manager_no = %s WHERE employee_no = '1042'", no, user="hr")
    assert town.one("SELECT count(*) FROM paasla.employee_number WHERE employee_no = '2001'") == 0
    town.hire("2001", manager_no="1001")
    town.rows("UPDATE paasla.staff SET manager_no = '1002' WHERE employee_no = '2001'", user="hr")
    assert town.one("SELECT manager_no FROM paasla.staff WHERE employee_no = '2001'", user="hr") == "1002"
    town.rows("UPDATE paasla.staff SET manager_no = NULL WHERE employee_no = '2001'", user="hr")
    assert town.one("SELECT manager_no FROM paasla.staff WHERE employee_no = '2001'", user="hr") is None


@pytest.mark.parametrize("hidden", ["\u061c", "\ufe0f", "\u3164", "\U000e0041", "\ue000", "\u180e", "\uffa0", "\ufffd", "\U000fffff"])
def test_a_name_that_looks_like_another_one_is_refused(town, hidden):
    for given, family in (("Mari" + hidden, "Tamm"), ("Mari", "Ta" + hidden + "mm")):
        town.refused("cannot be used", "SELECT paasla.hire('LV', '2001', %s, %s)", given, family, user="hr")
        town.refused("cannot be used", "UPDATE paasla.staff SET given_name = %s, family_name = %s WHERE employee_no = '1001'", given, family, user="hr")


def test_spaces_of_a_pasted_table_are_spaces(town):
    town.hire("2001", "\u2003Mari\u00a0 Liis ", "von\u3000Tamm")
    assert town.one("SELECT given_name, family_name FROM paasla.staff WHERE employee_no = '2001'", user="hr") == ("Mari Liis", "von Tamm")
    town.refused("cannot be used", "SELECT paasla.hire('LV', '2002', E'Mari\\tLiis', 'Tamm')", user="hr")


def test_two_numbers_are_not_written_alike_in_a_directory(town):
    """{institution}-{employee_no} proves whose entry it is."""
    town.rows("INSERT INTO paasla.institution VALUES ('LV-1', 'Osavald'); INSERT INTO paasla.hr_scope VALUES ('hr', 'LV-1')")
    town.hire("1-2")
    town.refused("belongs to somebody else", "SELECT paasla.hire('LV-1', '2', 'A', 'B')", user="hr")
    town.hire("3", institution="LV-1")
    town.refused("belongs to somebody else", "SELECT paasla.hire('LV', '1-3', 'A', 'B')", user="hr")
