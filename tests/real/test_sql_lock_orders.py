"""Orders to lock by hand what the daemon may not write: opened with the finding, closed when the directory shows the lock, and
told by `why` and `work list` in words."""
import json
import re

import pytest

from paaslactl import ATTENTION, as_
from sqldaemon import account, settle


def refused(town, no, acc, kind="write_denied", severity="critical", group=0, **more):
    who = town.person(no)
    settle(town, no, acc, "locking", findings=[dict(kind=kind, severity=severity, person_id=who, account_id=acc,
           role_group_id=group, key="%d/personal%s" % (who, "/%d" % group if group else ""), text="Keelduti.")], **more)


EVERYTHING = [dict(kind="*", severity="info", person_id=0, account_id=0, role_group_id=0, key="*", text="")]


@pytest.fixture
def leaver(town):
    acc = account(town, "1042", state="open")[0]
    town.depart("1042")
    town.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order WHERE state = 'open'")
    return acc


def orders(town, columns="kind, class, state, cause"):
    return [tuple(r) for r in town.rows("SELECT %s FROM paasla.work_order WHERE kind = 'lock' ORDER BY work_order_id" % columns)]


@pytest.mark.parametrize("kind", ["write_denied", "write_failed", "account_unreadable"])
def test_a_refused_lock_is_somebodys_work_at_once(town, leaver, kind):
    refused(town, "1042", leaver, kind)
    assert orders(town) == [("lock", "kohe", "open", kind)]
    assert town.one("SELECT due_at <= now() AND person_id = %s AND account_id = %s FROM paasla.work_order WHERE kind = 'lock'",
                    town.person("1042"), leaver)
    refused(town, "1042", leaver, kind)
    assert len(orders(town)) == 1, "seen again, the same order"
    told = town.rows("SELECT person_id, account_id, directory, detail FROM audit.event WHERE action = 'work_order.opened'"
                     " ORDER BY event_id DESC LIMIT 1")[0]
    assert tuple(told[:3]) == (town.person("1042"), leaver, "linn")
    assert json.loads(told[3])["class"] == "kohe"


@pytest.mark.parametrize("finding", [dict(kind="write_denied", severity="warning"), dict(kind="lock_not_proven"),
                                     dict(kind="write_denied", group=1), dict(kind="password_not_useless", severity="warning")])
def test_other_refusals_are_not(town, leaver, finding):
    refused(town, "1042", leaver, **finding)
    assert orders(town) == []


def test_it_closes_when_the_directory_shows_the_lock(town, leaver):
    refused(town, "1042", leaver, lock_seen=False)
    settle(town, "1042", leaver, "locking", resolved=EVERYTHING, lock_seen=False)
    assert orders(town, "state") == [("open",)], "a finding may be over while a plan is held; the lock is not there"
    settle(town, "1042", leaver, "locking", lock_seen=True)
    assert orders(town, "state, note") == [("done", "The directory shows the lock.")]
    refused(town, "1042", leaver)
    assert orders(town, "state") == [("done",), ("open",)], "opened again by somebody, refused again"


def test_it_is_cancelled_when_nobody_wants_the_lock_any_more(town, leaver):
    refused(town, "1042", leaver)
    town.hire("1042", "Mari", "Tamm")
    settle(town, "1042", leaver, "open", resolved=EVERYTHING, lock_seen=False)
    assert orders(town, "state, note") == [("cancelled", "The account need not be locked any more.")]


def test_closed_by_hand_it_is_not_asked_again_but_the_person_is_not_out(town, leaver):
    refused(town, "1042", leaver)
    as_(town, "grantor")("work", "done", orders(town, "work_order_id")[0][0])
    refused(town, "1042", leaver)
    assert orders(town, "state") == [("done",)]
    assert as_(town, "auditor")("--json", "why", "1042", code=ATTENTION).json["open"]["findings"] == 1


def test_why_and_the_list_say_it(town, leaver):
    refused(town, "1042", leaver)
    said = as_(town, "auditor")("why", "1042", code=ATTENTION)
    number = orders(town, "work_order_id")[0][0]
    assert re.search(r"^  paaslad may not lock 1042a in linn: whoever has the right to must lock it by hand, at once \(kohe\)\. "
                     r"Work order %d, OVERDUE since [^;]*; it closes when the directory shows the lock\.$" % number, said.out, re.M)
    assert "1 thing is to be done by hand" in said.lines[-1]
    told = as_(town, "auditor")("--json", "why", "1042", code=ATTENTION).json
    assert told["open"]["work_orders"] == 1 and told["work_orders"][0]["kind"] == "lock"
    row = as_(town, "grantor")("--json", "work", "list").json[0]
    assert (row["do"], row["register"], row["role"], row["number"]) == ("lock", "linn", "1042a", "1042")
    as_(town, "grantor")("work", "cancel", number, "--note", "Pole vaja.")
    said = as_(town, "auditor")("why", "1042", code=ATTENTION).out
    assert "but work order %d to do so was cancelled by" % number in said and "Pole vaja." in said


def test_other_orders_keep_their_shape(town):
    for broken in ("INSERT INTO paasla.work_order (person_id, kind, class, due_at, cause) VALUES (%s, 'lock', 'kohe', now(), 'x')",
                   "INSERT INTO paasla.work_order (person_id, kind, class, due_at, cause) VALUES (%s, 'add', 'kohe', now(), 'x')"):
        with pytest.raises(Exception, match="work_order_about"):
            town.rows(broken, town.person("1042"))


def test_log_ins_that_were_there_before_us(town):
    who = town.person("1042")
    for good in ("mari_tamm", "_mari", "0mari", "m" * 64):
        town.rows("INSERT INTO paasla.login_name (login, person_id, purpose) VALUES (%s, %s, 'personal')", good, who)
    for bad in ("Mari", "mari tamm", "-mari", ".mari", "m" * 65, "", "m\u00e4ri", "a@b"):
        with pytest.raises(Exception, match="login_name_login_check"):
            town.rows("INSERT INTO paasla.login_name (login, person_id, purpose) VALUES (%s, %s, 'personal')", bad, who)
