"""The first brake under attack: many small things instead of a big one, restarts between them, and named leavers beside it."""
import signal

import psycopg2
import pytest

from town import Town, until

N, LOCKS, REMOVALS, NAMED = 24, 4, 6, 5
SMALL = ["max_removals = %d" % REMOVALS, "max_lock_share = 100", "max_removal_share = 100", "named_per_hour = %d" % NAMED]


@pytest.fixture
def town():
    t = Town(people=0, max_locks=LOCKS, brake=SMALL)
    with open(t.conf, encoding="utf-8") as f:
        text = f.read()
    with open(t.conf, "w", encoding="utf-8") as f:
        f.write(text.replace("[brake]", "bulk_limit = 3\n[brake]"))
    t.start()
    for n in range(N):
        t.hire(3000 + n, "Väike", "Samm" + "abcdefghijklmnopqrstuvwx"[n])
    t.settled(40)
    yield t
    t.close()


def numbers(first, n):
    return [str(3000 + first + i) for i in range(n)]


def depart(t, *who, user="postgres"):
    """All of them in one transaction."""
    t.pg.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK' WHERE employee_no = ANY (%s)", list(who), user=user)


def closed(t):
    return t.one("SELECT count(*) FROM paasla.account WHERE state <> 'open'")


def done(t, op):
    return t.one("SELECT count(*) FROM paasla.intent WHERE outcome = 'done' AND op = %s", op)


def held(t):
    """The one plan that waits: its digest and what it holds."""
    plans = t.sql("SELECT digest, locks, removals, count(*) FILTER (WHERE i.op <> 'remove_member'),"
                  " count(*) FILTER (WHERE i.op = 'remove_member'), items, count(*) FROM paasla.plan JOIN paasla.plan_item i USING (plan_id)"
                  " WHERE state = 'held' GROUP BY plan_id")
    assert len(plans) <= 1, "what is held waits in one plan"
    if not plans:
        return None
    assert plans[0][1:3] == plans[0][3:5] and plans[0][5] == plans[0][6], "it says what it holds"
    return plans[0][:3]


def rest(t, locks, removals=0):
    """Comes to rest with so many held. What comes together is held together, so a feed may have a few more of them held."""
    def there():
        h = held(t)
        return h is not None and h[1:] == (locks, removals)
    until(there, 40, lambda: "%d locks and %d removals held; there is %s" % (locks, removals, held(t)))
    t.settled()


def pieces(t, passed, n, most):
    """Comes to rest with everything either passed or held, and no more passed than may."""
    until(lambda: passed() + sum((held(t) or (0, 0, 0))[1:]) == n, 40, lambda: "all to be passed or held: %d and %s" % (passed(), held(t)))
    t.settled()
    assert passed() <= most and passed() + sum(held(t)[1:]) == n


def again(t):
    """A power cut for the daemon."""
    t.stop(signal.SIGKILL)
    t.start()
    asked = t.one("SELECT paasla.ask('sync')")
    until(lambda: t.one("SELECT done_at IS NOT NULL FROM paasla.control WHERE control_id = %s", asked), 20, "the daemon to be back")
    t.settled()


def test_a_feed_that_departs_one_person_a_commit(town):
    """The first ones are named; the others are counted, whatever the transactions look like."""
    for no in numbers(0, N):
        depart(town, no)
    pieces(town, lambda: closed(town), N, NAMED + LOCKS)
    assert closed(town) >= NAMED and town.binds(3000 + N - 1)
    town.sql("SELECT paasla.approve_plan(%s)", held(town)[0])
    until(lambda: closed(town) == N, what="the released ones")


def test_a_feed_in_pieces_and_restarts_between_them(town):
    for n in range(0, N, 4):
        depart(town, *numbers(n, 4))
        town.settled()
        again(town)
    rest(town, N - LOCKS)
    assert closed(town) == LOCKS


def test_a_leaver_whom_somebody_else_names_is_not_held_up_by_a_feed(town):
    town.sql("CREATE ROLE mari LOGIN IN ROLE paasla_hr; INSERT INTO paasla.hr_scope VALUES ('mari', 'LV')")
    for no in numbers(0, N - 2):
        depart(town, no)
    pieces(town, lambda: closed(town), N - 2, NAMED + LOCKS)
    depart(town, str(3000 + N - 1), user="mari")
    town.state_is(3000 + N - 1, "out", 30)
    waits = town.sql("SELECT n.employee_no FROM paasla.plan_item i JOIN paasla.employee_number n USING (person_id) WHERE NOT over")[0][0]
    town.pg.sql("SELECT paasla.depart(%s)", waits, user="mari")  # one of the list, said once more
    town.state_is(waits, "out", 30)
    assert town.binds(3000 + N - 2), "the one nobody spoke of"


def test_grants_that_are_ended_one_by_one(town):
    for no in numbers(0, N):
        town.grant(no, "r0")
    town.settled()
    for no in numbers(0, N):
        town.sql("SELECT paasla.revoke_access(%s, 'NAS', 'r0')", no)
    pieces(town, lambda: done(town, "remove_member"), N, REMOVALS)
    before = done(town, "remove_member")
    again(town)
    assert done(town, "remove_member") == before, "what is held stays held"


def test_a_role_that_is_switched_on_is_counted_whole(town):
    """Its strangers come in bites of the queue, which may be smaller than the limit: still no more pass than may."""
    town.sql("UPDATE paasla.register_role SET mode = 'observe' WHERE role_code = 'r1'")
    town.ldap.modify("dn: %s\nchangetype: modify\nadd: member\n%s" % (
        town.group_dn(1), "".join("member: %s\n" % town.dn(no) for no in numbers(0, N))))
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: len(town.findings("drift_member_added")) == N, 20, "all strangers to be found")
    town.settled()
    town.sql("UPDATE paasla.register_role SET mode = 'enforce', on_drift = 'put_back' WHERE role_code = 'r1'")
    pieces(town, lambda: done(town, "remove_member"), N, REMOVALS)
    before = done(town, "remove_member")
    again(town)
    assert held(town)[1:] == (0, N - before) and done(town, "remove_member") == before
    town.sql("SELECT paasla.approve_plan(%s)", held(town)[0])
    until(lambda: done(town, "remove_member") == N, what="the released ones")


def test_what_is_held_grows_under_another_digest(town):
    depart(town, *numbers(0, 6))
    rest(town, 6)
    seen = held(town)[0]
    depart(town, *numbers(6, 5))
    rest(town, 11)
    assert held(town)[0] != seen
    with pytest.raises(psycopg2.Error, match="0 held plans"):
        town.sql("SELECT paasla.approve_plan(%s)", seen)
    assert closed(town) == 0
    town.sql("SELECT paasla.approve_plan(%s)", held(town)[0])
    until(lambda: closed(town) == 11, what="the released ones")
    depart(town, *numbers(11, 6))  # an approval is for what was seen
    rest(town, 6)
    assert closed(town) == 11


def test_what_was_released_takes_nothing_from_the_limit(town):
    depart(town, *numbers(0, 6))
    rest(town, 6)
    town.sql("SELECT paasla.approve_plan(%s)", held(town)[0])
    until(lambda: closed(town) == 6, what="the released ones")
    town.settled()
    depart(town, *numbers(6, LOCKS))
    until(lambda: closed(town) == 6 + LOCKS, what="as many as the limit allows")


def test_a_lock_that_somebody_takes_away_stays_in_the_plan_that_holds_it(town):
    """The account was believed to be out, and that alone called the item over."""
    depart(town, *numbers(0, LOCKS))
    until(lambda: closed(town) == LOCKS, what="the leavers to be out")
    town.settled()
    town.sql("SET session_replication_role = replica; UPDATE paasla.intent SET at = at - interval '2 hours' WHERE counted")
    town.stop()
    depart(town, *numbers(LOCKS, LOCKS))
    town.start()
    until(lambda: closed(town) == 2 * LOCKS, what="the next ones to be out")
    town.settled()
    town.ldap.modify("dn: %s\nchangetype: modify\ndelete: pwdEndTime\n" % town.dn(3000))
    until(lambda: held(town), what="the lock to be held")
    town.settled()
    assert town.account(3000, "state") == "open" and held(town)[1:] == (1, 0)
