"""What paaslactl does for people: a departure taken back, the joiner's letter, the matrix as a file."""
import json
import os
import subprocess

import pytest

import sqltown
from town import Town, until

CTL = os.path.join(os.environ["PAASLA_BUILD"], "daemon", "ctl", "paaslactl")
OK, ATTENTION, USAGE, REFUSED, NO_DB, NO_ANSWER = range(6)


class Said:
    def __init__(self, done):
        self.code, self.raw, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8")

    @property
    def out(self):
        return self.raw.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)


def run(dsn, *args, code=OK, cwd=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    said = Said(subprocess.run([CTL, "--dsn", dsn, *map(str, args)], capture_output=True, timeout=60, env=env, cwd=cwd,
                               stdin=subprocess.DEVNULL))
    assert said.code == code, "%s ended with %d:\n%s%s" % (args, said.code, said.raw, said.err)
    return said


def as_(town, user):
    """paaslactl for one log-in of a copied town."""
    return lambda *args, **more: run(sqltown.server().dsn(user, town.name), *args, **more)


# ---- undo-depart: with a daemon and a directory ----

@pytest.fixture
def live():
    towns = []

    def make(**conf):
        towns.append(Town(**conf))
        t = towns[-1]
        t.sql("CREATE ROLE hr LOGIN IN ROLE paasla_hr")
        t.sql("INSERT INTO paasla.hr_scope VALUES ('hr', 'LV')")
        t.hr = lambda *args, **more: run(t.pg.dsn("hr"), *args, **more)
        return t

    yield make
    for t in towns:
        t.close()


def start(t):
    """1000 and 1001 in groups r0 and r1, 1000 in r4 and STAR too; all open."""
    for no in ("1000", "1001"):
        t.grant(no, "r0")
        t.grant(no, "r1")
    t.grant("1000", "r4")
    t.grant("1000", "arveldaja", register="STAR")
    t.start()
    for no in ("1000", "1001"):
        t.state_is(no, "open")
    t.settled()


def test_a_person_whose_departure_was_a_mistake_is_back(live):
    t = live(people=2)
    start(t)
    old, entry = t.password("1000"), t.account("1000", "native_id")

    def members():
        """Whoever stands in each group; the placeholder comes and goes with need, and is nobody."""
        found = [t.ldap.search(t.group_dn(n), "(objectClass=*)", "member").splitlines() for n in range(5)]
        return [sorted(line for line in group if t.ldap.nobody not in line) for group in found]

    before = members()
    assert t.binds("1000") and t.in_groups("1000") == ["r0", "r1", "r4"]
    t.hr("depart", "1000", "--ref", "KK-2")
    t.state_is("1000", "out")
    t.settled()
    assert not t.binds("1000", old) and t.in_groups("1000") == []

    said = t.hr("undo-depart", "1000", "--ref", "KK-3")
    assert "The departure of number 1000 is taken back; no end is planned." in said.out
    assert "4 rights hold as before." in said.out and "Work orders: 1 cancelled, 1 new" in said.out
    assert "paaslad opens 1 account again" in said.out
    assert "the old password is gone in 1 of" in said.err and "first_password = file" in said.err
    t.state_is("1000", "open")
    t.settled()
    new = t.password("1000")
    assert new != old and t.binds("1000", new) and not t.binds("1000", old), "a one-time password, as for a joiner"
    assert t.account("1000", "native_id") == entry, "the same entry"
    assert members() == before and any("numberb" in line for line in before[1])
    assert t.binds("1001") and t.in_groups("1001") == ["r0", "r1"]
    told = t.sql("SELECT action, session_role FROM audit.event WHERE action LIKE 'employment.%%' AND session_role = 'hr' ORDER BY event_id")
    assert told == [("employment.ended", "hr"), ("employment.resumed", "hr")]
    t.hr("undo-depart", "1000", "--ref", "KK-3", code=REFUSED)
    t.hr("depart", "1000", "--ref", "KK-4")
    t.state_is("1000", "out")
    assert not t.binds("1000", new)


def test_where_nobody_gives_passwords_an_administrator_does(live):
    t = live(people=2)
    start(t)
    t.stop()
    with open(t.conf) as f:
        text = f.read()
    with open(t.conf, "w") as f:
        f.write("\n".join(line for line in text.splitlines() if not line.startswith("first_password")) + "\n")
    old = t.password("1000")
    t.start()
    t.hr("depart", "1000", "--ref", "KK-2")
    t.state_is("1000", "out")
    assert t.hr("--json", "undo-depart", "1000", "--ref", "KK-3").json == {
        "employee_no": "1000", "until": None, "grants_back": 4, "orders_cancelled": 1, "orders_opened": 1, "accounts_closed": 1}
    t.state_is("1000", "open")
    t.settled()
    assert not t.binds("1000", old), "the old one does not come back by itself"
    t.ldap.modify("dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: Uus-parool-2026\n" % t.dn("1000"))
    assert t.binds("1000", "Uus-parool-2026") and t.in_groups("1000") == ["r0", "r1", "r4"]


def test_taken_back_before_the_daemon_saw_it(live):
    t = live(people=2)
    start(t)
    t.stop()
    old = t.password("1000")
    t.hr("depart", "1000", "--ref", "KK-2")
    said = t.hr("undo-depart", "1000", "--ref", "KK-3")
    assert "opens" not in said.out and "password" not in said.err, "nothing was closed"
    t.start()
    t.settled()
    assert t.account("1000", "state") == "open" and t.binds("1000", old) and t.in_groups("1000") == ["r0", "r1", "r4"]
    assert t.one("SELECT count(*) FROM paasla.intent WHERE op = 'close'") == 0


def test_undo_and_departure_while_the_daemon_works(live):
    """Said again and again, faster than the daemon follows: what stands in the end is what the table says."""
    t = live(people=2)
    start(t)
    for turn in range(5):
        t.hr("depart", "1000", "--ref", "KK-%d" % turn)
        t.hr("undo-depart", "1000", "--ref", "U-%d" % turn)
    until(lambda: t.quiet() and t.account("1000", "state") == "open", 30, "the end of it\n" + t.said()[-2000:])
    assert t.in_groups("1000") == ["r0", "r1", "r4"]
    t.hr("depart", "1000", "--ref", "KK-9")
    until(lambda: t.quiet() and t.account("1000", "state") == "out", 30, "out\n" + t.said()[-2000:])
    assert t.in_groups("1000") == [] and t.in_groups("1001") == ["r0", "r1"]


def test_undo_depart_in_words(town):
    hr = as_(town, "hr")
    assert "undo-depart needs --ref" in hr("undo-depart", "1042", code=USAGE).err
    assert "has no departure" in hr("undo-depart", "1042", "--ref", "R", code=REFUSED).err
    end = town.one("SELECT now() + interval '30 days'")
    town.hire("2001", until=end)
    hr("depart", "2001", "--ref", "KK-2")
    said = hr("undo-depart", "2001", "--ref", "R", "--institution", "LV")
    assert "the work ends %s" % end.strftime("%Y-%m-%d") in said.out and "Work orders" not in said.out
    for user in ("grantor", "admin", "auditor", "approver", "daemon", "nobody"):
        assert "permission denied" in as_(town, user)("undo-depart", "2001", "--ref", "R", code=REFUSED).err
