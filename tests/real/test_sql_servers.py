"""Which server has which lock, in the database: what is owed is born with the intent, what is said is kept once, and `why`
says it in a sentence and never calls somebody out whom one server still lets in."""
import json
import re

import pytest

from sqldaemon import account, intend, settle
from test_ctl_why import gone, why

DC1, DC2, DC3 = servers = ["ldap://dc1.linn.test", "ldaps://dc2.linn.test:10636/", "ldap://dc3.linn.test"]


def note(town, used=0, **other):
    """How the connections are; other: dc2="away", dc3="read_only"."""
    rows = []
    for i, uri in enumerate(servers):
        how = other.get("dc%d" % (i + 1), "up")
        rows.append(dict(server=uri, listed=i + 1, in_use=i == used, state="up" if how == "read_only" else how,
                         read_only=how == "read_only", since_us=1, why=""))
    town.query("note_connections", json.dumps([dict(directory="linn", state="up", since_us=1, why="", servers=rows)]))


def say(town, acc, intent, server, code=0, seen=False, after=False, whole=True, at=1772352000000000):
    town.query("acked", "linn", json.dumps([dict(account_id=acc, intent_id=intent, server=server, code=code, seen=seen, after=after,
                                                 whole=whole, at_us=at)]))


def done(town, acc, intent, state="out", **more):
    settle(town, "1042", acc, state, intents=[dict(id=intent, outcome="done", code=0, at_us=1)], **more)


def owed(town, *names, before=1000000):
    return sorted(r[2] for r in town.query("unacked", "linn", list(names or servers), before))


def events(town):
    return town.rows("SELECT action, result_code, detail::jsonb->>'server' FROM audit.event WHERE action LIKE 'lock.%%' ORDER BY event_id")


@pytest.fixture
def closed(town):
    """1042 is gone; his lock went to three servers. Gives account and intent."""
    note(town)
    acc = gone(town)
    town.rows("UPDATE paasla.account SET native_id = 'u-1' WHERE account_id = %s", acc)
    intent = intend(town, "1042", acc, "close")
    return acc, intent


def test_what_is_owed_is_born_with_the_intent(town, closed):
    acc, intent = closed
    assert owed(town) == sorted(servers) and owed(town, DC2) == [DC2]
    for server in servers:
        say(town, acc, intent, server)
    assert owed(town) == []
    done(town, acc, intent)
    assert owed(town) == [] and [e[:2] for e in events(town)] == [("lock.acknowledged", 0)] * 3


def test_an_answer_that_is_still_to_come_is_waited_for(town, closed):
    acc, intent = closed
    assert owed(town, before=intent) == [] and len(owed(town, before=intent + 1)) == 3
    say(town, acc, intent, DC1, whole=False)
    say(town, acc, intent, DC2, -1)
    say(town, acc, intent, DC3, 0)
    assert owed(town, before=intent) == [DC2]
    assert owed(town, before=intent + 1) == [DC1, DC2]


def test_one_server_owes_nothing(town):
    rows = [dict(server=DC1, listed=1, in_use=True, state="up", read_only=False, since_us=1, why="")]
    town.query("note_connections", json.dumps([dict(directory="linn", state="up", since_us=1, why="", servers=rows)]))
    acc = gone(town)
    intend(town, "1042", acc, "close")
    assert town.one("SELECT count(*) FROM paasla.lock_ack") == 0


def test_said_twice_counts_once_and_is_never_taken_back(town, closed):
    acc, intent = closed
    say(town, acc, intent, DC2, -1)
    say(town, acc, intent, DC2, -1)
    assert DC2 in owed(town)
    say(town, acc, intent, DC2, 16)
    say(town, acc, intent, DC2, seen=True)
    say(town, acc, intent, DC2, 50)
    say(town, acc, intent, DC2, seen=True)
    assert DC2 not in owed(town)
    assert events(town) == [("lock.not_acknowledged", -1, DC2), ("lock.not_acknowledged", 16, DC2), ("lock.acknowledged", 16, DC2)]
    assert town.rows("SELECT result_code, seen FROM paasla.lock_ack WHERE server = %s", DC2) == [(16, True)]


def test_an_account_without_an_id_is_not_forgotten(town, closed):
    """A close that follows its making: the id comes with the outcome, and nobody would ask again by then."""
    acc, _ = closed
    town.rows("UPDATE paasla.account SET native_id = NULL WHERE account_id = %s", acc)
    assert {r[3] for r in town.query("unacked", "linn", servers, 1000000)} == {""}


def test_strangers_are_not_noted(town, closed):
    acc, intent = closed
    say(town, acc, intent + 1000, DC1)
    say(town, acc + 1000, intent, DC1)
    town.query("acked", "kool", json.dumps([dict(account_id=acc, intent_id=intent, server=DC1, code=0, seen=False, after=False, whole=False, at_us=1)]))
    assert events(town) == [] and len(owed(town)) == 3


def test_only_a_lock_that_counts_is_looked_for(town, closed):
    acc, intent = closed
    assert len(owed(town)) == 3  # its outcome is not known yet
    done(town, acc, intent)
    assert len(owed(town)) == 3
    settle(town, "1042", acc, "open")  # somebody opened it
    assert owed(town) == []
    settle(town, "1042", acc, "out")
    reopened = intend(town, "1042", acc, "open")
    assert owed(town) == []  # an opening is on its way
    settle(town, "1042", acc, "out", intents=[dict(id=reopened, outcome="not_done", code=0, at_us=0)])
    assert len(owed(town)) == 3
    again = intend(town, "1042", acc, "close")
    assert {r[1] for r in town.query("unacked", "linn", servers, 1000000)} == {again}
    note(town, dc2="away")
    rows = [dict(server=DC1, listed=1, in_use=True, state="up", read_only=False, since_us=1, why="")]
    town.query("note_connections", json.dumps([dict(directory="linn", state="up", since_us=1, why="", servers=rows)]))
    assert owed(town) == [DC1]  # the others are listed no more


def test_a_lock_that_may_have_been_done_late_is_followed_by_another_close(town, closed):
    acc, intent = closed
    for server, code in ((DC1, 0), (DC2, -1), (DC3, -2)):
        say(town, acc, intent, server, code)
    done(town, acc, intent)
    town.clean()
    say(town, acc, intent, DC3, seen=True)  # nothing was ever sent there
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"
    say(town, acc, intent, DC2, seen=True)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking"
    assert town.rows("SELECT directory, cause FROM paasla.dirty") == [("linn", "close_again")]
    say(town, acc, intent, DC2, seen=True)
    assert town.one("SELECT count(*) FROM paasla.dirty") == 1
    again = intend(town, "1042", acc, "close")
    done(town, acc, again)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"


@pytest.mark.parametrize("first", ["answer", "settle"])
def test_a_password_that_did_not_reach_a_server_with_the_lock(town, closed, first):
    """Whichever is stored first, the answer or the outcome: nobody is out before the second close."""
    acc, intent = closed
    town.rows("UPDATE paasla.account SET state = 'open' WHERE account_id = %s", acc)
    for server, code in ((DC1, 0), (DC2, 0), (DC3, -2)):
        say(town, acc, intent, server, code, whole=server == DC1)
    say(town, acc, intent, DC3, -2, after=True)  # it never had the lock
    steps = [lambda: say(town, acc, intent, DC2, -1, after=True), lambda: done(town, acc, intent)]
    for step in steps if first == "answer" else reversed(steps):
        town.clean()
        step()
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking"
    assert town.rows("SELECT cause FROM paasla.dirty") == [("close_again",)]
    done(town, acc, intend(town, "1042", acc, "close"))
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"


def test_a_server_whose_word_on_the_password_is_missing_is_looked_at(town, closed):
    """The daemon ended between the two: the look that shows the lock there leads to another close."""
    acc, intent = closed
    say(town, acc, intent, DC1)
    say(town, acc, intent, DC2, whole=False)
    say(town, acc, intent, DC3, whole=False)
    say(town, acc, intent, DC3, after=True)
    done(town, acc, intent)
    assert owed(town) == [DC2] and "not yet on" not in why(town)[2]
    say(town, acc, intent, DC2, seen=True)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking" and owed(town) == []


def test_a_lock_before_the_last_one_that_lacks_its_password_counts_too(town, closed):
    """The first close was done on the second server, its password never went anywhere; of the second close nothing reached it."""
    acc, first = closed
    say(town, acc, first, DC1, -1)
    say(town, acc, first, DC2, 0, whole=False)
    second = intend(town, "1042", acc, "close")
    for server, code in ((DC1, 0), (DC2, -2), (DC3, 0)):
        say(town, acc, second, server, code, whole=server == DC1)
    say(town, acc, second, DC3, 0, after=True)
    done(town, acc, second)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"
    say(town, acc, second, DC2, seen=True)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking"
    third = intend(town, "1042", acc, "close")
    say(town, acc, third, DC2, -2, whole=False)
    done(town, acc, third)
    say(town, acc, third, DC2, seen=True)  # it is enough once
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"


def test_a_password_that_may_be_back_while_the_next_close_is_done(town, closed):
    """Word of it comes after the second close was done elsewhere, of which nothing reached this server."""
    acc, first = closed
    second = intend(town, "1042", acc, "close")
    done(town, acc, second)
    say(town, acc, first, DC2, 0, whole=False)
    for server, code in ((DC1, 0), (DC2, -2), (DC3, 0)):
        say(town, acc, second, server, code, whole=server == DC1)
    say(town, acc, second, DC3, 0, after=True)
    say(town, acc, first, DC2, -2, after=True)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out" and owed(town) == [DC2]
    say(town, acc, second, DC2, seen=True)
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "locking"
    done(town, acc, intend(town, "1042", acc, "close"))
    assert town.one("SELECT state FROM paasla.account WHERE account_id = %s", acc) == "out"


def test_a_server_that_refuses_for_ever_is_no_loop(town, closed):
    acc, intent = closed
    for i in range(5):
        town.clean()
        say(town, acc, intent, DC2, whole=False)
        say(town, acc, intent, DC2, 50, after=True)
        done(town, acc, intent)
        soon, = town.rows("SELECT not_before < now() FROM paasla.dirty WHERE cause = 'close_again'")
        assert soon == (i < 3,)
        intent = intend(town, "1042", acc, "close")


def test_why_says_where_the_lock_is(town, closed):
    acc, intent = closed
    done(town, acc, intent)
    town.clean()
    assert why(town)[1] == {"servers": 3}
    say(town, acc, intent, DC1)
    say(town, acc, intent, DC2, 20)
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("not_yet_out", {"servers": 2})
    assert re.search(r"^    Locked on dc1\.linn\.test at 2026-03-01 10:00:00; not yet on dc2\.linn\.test:10636 \(it answered with result 20"
                     r" and does not show the lock\), on dc3\.linn\.test \(it has not answered yet\)\.$", text, re.M), text
    assert "2 servers are not known to have the lock; the daemon looks there until it does" in text
    say(town, acc, intent, DC2, seen=True)
    for how, words in (("away", "the daemon cannot reach it"), ("refused", "it refuses the daemon's log-on"),
                       ("read_only", "it takes no writes, and replication has not shown the lock there")):
        note(town, dc3=how)
        assert f"dc2.linn.test:10636 at 2026-03-01 10:00:00 (seen there); not yet on dc3.linn.test ({words}).\n" in why(town)[2]
    note(town)
    say(town, acc, intent, DC3, -2)
    assert "(it could not be reached then, and it has not shown the lock since)" in why(town)[2]
    say(town, acc, intent, DC3, -1)
    assert "(no answer came, and it has not shown the lock since)" in why(town)[2]
    say(town, acc, intent, DC3, 0)
    verdict, open_, text = why(town)
    assert (verdict, open_) == ("out", {}) and "not yet on" not in text


def test_why_of_an_account_that_no_server_has_locked(town, closed):
    acc, intent = closed
    done(town, acc, intent, state="closing")
    assert "    Not yet on dc1.linn.test (it has not answered yet), on dc2" in why(town)[2]


def test_why_of_somebody_who_is_back(town, closed):
    acc, intent = closed
    done(town, acc, intent)
    settle(town, "1042", acc, "open")
    assert "Locked on" not in why(town)[2] and "ot yet on" not in why(town)[2]


def test_a_second_account_has_its_own_line(town, closed):
    acc, intent = closed
    other = account(town, "1042", purpose="admin", state="out")[0]
    say(town, acc, intent, DC1)
    second = intend(town, "1042", other, "close", purpose="admin")
    say(town, other, second, DC3)
    text = why(town)[2]
    assert len(re.findall(r"Locked on dc1", text)) == 1 and len(re.findall(r"Locked on dc3", text)) == 1
