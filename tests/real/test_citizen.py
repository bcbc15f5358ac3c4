"""paaslad as the host meets it: what it tells the service manager, monitoring and the log; how it reloads and how it ends."""
import itertools
import os
import re
import signal
import socket
import tempfile
import threading
import time
import unicodedata

import pytest

from ldapserver import PEOPLE, stand_still
from test_metrics import Asker, set_option
from town import Town, until


class Manager:
    """What systemd would hear: each datagram with the moment it came. Whoever looks sees all that was sent until then: a mark of
    ours stands behind it in the socket's queue."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="paasla-notify-")
        self.path = os.path.join(self.dir, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.heard, self.marks, self.marked = [], itertools.count(1), 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                text = self.socket.recv(4096).decode("utf-8")
            except OSError:
                return
            if text.startswith("\0"):
                self.marked = int(text[1:])
            else:
                self.heard.append((time.monotonic(), text))

    def drain(self):
        mark = next(self.marks)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"\0%d" % mark, self.path)
        until(lambda: self.marked >= mark, what="what was sent to be read")

    def said(self, text):
        self.drain()
        return [i for i, (_, t) in enumerate(self.heard) if t == text or (text.endswith("=") and t.startswith(text))]

    def status(self):
        self.drain()
        return ([""] + [t[len("STATUS="):] for _, t in self.heard if t.startswith("STATUS=")])[-1]

    def close(self):
        self.socket.close()
        os.unlink(self.path)
        os.rmdir(self.dir)


@pytest.fixture
def manager(monkeypatch):
    m = Manager()
    monkeypatch.setenv("NOTIFY_SOCKET", m.path)
    yield m
    m.close()


@pytest.fixture
def town():
    """Not started yet."""
    t = Town(people=2)
    yield t
    t.close()


def end(town, *signals, seconds=20):
    """Sends them, the second one when the first was heard, and says after how many seconds the daemon ended."""
    begin = time.monotonic()
    for n, sig in enumerate(signals):
        if n:
            until(lambda: "finishing what is in flight" in town.said(), what="the first signal to be heard")
        town.process.send_signal(sig)
    code = town.process.wait(seconds)
    town.process = None
    assert code == 0, "paaslad ended with %d:\n%s" % (code, town.said()[-3000:])
    return time.monotonic() - begin


# ---- the service manager ----

def test_ready_when_the_database_answered_and_every_directory_was_tried(town, manager):
    town.pg.stop()
    town.start()
    until(lambda: "PostgreSQL away" in manager.status() and "1 of 1 directories connected" in manager.status(), what="a status")
    time.sleep(1)
    assert not manager.said("READY=1"), "the database has not answered"
    town.pg.start()
    until(lambda: manager.said("READY=1"), what="READY=1")
    until(lambda: manager.status() == "PostgreSQL connected; 1 of 1 directories connected", what="a good status")
    town.settled()
    town.pg.stop()
    until(lambda: "PostgreSQL away" in manager.status(), what="the loss in the status")
    town.pg.start()
    until(lambda: manager.status().startswith("PostgreSQL connected"), what="a good status again")
    assert len(manager.said("READY=1")) == 1, "ready is said once"
    assert all("\n" not in t for _, t in manager.heard)
    end(town, signal.SIGTERM)
    assert len(manager.said("STOPPING=1")) == 1
    assert manager.said("STOPPING=1")[0] > manager.said("READY=1")[0]
    assert not manager.said("WATCHDOG=1"), "nobody asked for it"


def test_a_directory_that_is_away_delays_its_work_and_not_the_start(town, manager):
    town.ldap.stop()
    town.start()
    until(lambda: manager.said("READY=1"), what="READY=1 though slapd is down")
    assert "0 of 1 directories connected, not linn" in manager.status()
    town.ldap.start()
    until(lambda: "1 of 1 directories connected" in manager.status(), 40, "the directory")


def test_a_second_daemon_is_ready_and_waits(town, manager):
    town.start()
    until(lambda: manager.said("READY=1"), what="READY=1")
    first, town.process = town.process, None
    town.start()
    until(lambda: [t for _, t in manager.heard if "Another paaslad works on this database" in t], what="the second one")
    until(lambda: len(manager.said("READY=1")) == 2, what="READY=1 of the second")
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    until(lambda: manager.status() == "PostgreSQL connected; 1 of 1 directories connected", what="the second at work")


def test_an_old_schema_is_never_ready(town, manager):
    town.sql("DELETE FROM paasla.schema_version WHERE version = (SELECT max(version) FROM paasla.schema_version)")
    town.start()
    until(lambda: "paaslactl db migrate" in manager.status(), what="what is wrong")
    time.sleep(1)
    assert not manager.said("READY=1")


def test_the_watchdog_is_fed_at_half_its_time(town, manager, monkeypatch):
    """Never sooner, and no later where the machine lets it: six feeds in a row tell, whatever stood still before them."""
    monkeypatch.setenv("WATCHDOG_USEC", "800000")
    begin = time.monotonic()
    town.start()

    def gaps():
        times = [manager.heard[i][0] for i in manager.said("WATCHDOG=1")][-6:]
        return sorted(b - a for a, b in zip(times, times[1:]))

    until(lambda: len(gaps()) == 5 and 0.3 < gaps()[2] < 0.5, 60, lambda: "six feeds; the last ones: %s" % gaps())
    assert len(manager.said("WATCHDOG=1")) <= (time.monotonic() - begin) / 0.4
    stand_still(town.process)  # the loop does not turn
    n = len(manager.said("WATCHDOG=1"))
    time.sleep(1.5)
    assert len(manager.said("WATCHDOG=1")) == n
    town.process.send_signal(signal.SIGCONT)
    until(lambda: len(manager.said("WATCHDOG=1")) > n, what="being fed again")


def test_somebody_elses_watchdog_is_not_fed(town, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    town.start()
    until(lambda: manager.said("READY=1"), what="READY=1")
    time.sleep(0.5)
    assert not manager.said("WATCHDOG=1")


# ---- the end ----

def begun(town, no):
    """A departure whose lock is on its way to a directory that does not answer, and that is not given up before the end."""
    set_option(town, "directory linn", "timeout_ms = 60000")
    town.start()
    town.settled()
    town.ldap.freeze()
    town.depart(no)
    until(lambda: town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close' AND outcome IS NULL") == 1, what="the intent")


def test_sigterm_finishes_what_is_in_flight(town, manager):
    """The intents of a lock are being committed when slapd freezes and SIGTERM comes: the lock is written and settled."""
    town.start()
    town.settled()
    gate = town.pg.connect(autocommit=False)
    gate.cursor().execute("SELECT pg_advisory_xact_lock(77)")
    town.sql("CREATE FUNCTION paasla.linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " WHILE NOT pg_try_advisory_xact_lock(77) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NULL; END $$")
    town.sql("CREATE TRIGGER linger AFTER INSERT ON paasla.intent FOR EACH STATEMENT EXECUTE FUNCTION paasla.linger()")
    town.depart(1000)
    until(lambda: town.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1, what="the intents")
    town.ldap.freeze()
    town.process.send_signal(signal.SIGTERM)
    until(lambda: "finishing what is in flight" in town.said(), what="the signal to be heard")
    gate.close()
    until(lambda: town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close' AND outcome IS NULL") == 1, what="the intent of the lock")
    assert town.process.poll() is None, "it waits for slapd"
    town.ldap.thaw()
    assert town.process.wait(20) == 0
    town.process = None
    assert manager.said("STOPPING=1") and "finishing" in manager.status()
    assert town.one("SELECT count(*) FROM paasla.intent WHERE outcome IS NULL") == 0, "what was begun is settled"
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close' AND outcome = 'done'") == 1
    assert town.account(1000, "state") == "out"
    assert "work in flight" not in town.said()


def test_sigterm_ends_in_a_bounded_time_though_nobody_answers(town):
    begun(town, 1000)
    seconds = end(town, signal.SIGTERM)
    assert seconds > 7, seconds
    assert "stopping with work in flight; it is settled at the next start" in town.said()
    town.ldap.thaw()
    town.start()
    town.state_is(1000, "out")


def test_a_second_sigterm_ends_at_once(town):
    begun(town, 1000)
    end(town, signal.SIGTERM, signal.SIGTERM)
    assert "a second signal: stopping at once" in town.said()


def test_sigterm_with_nothing_to_do_and_before_anything_came_up(town):
    town.start()
    town.settled()
    end(town, signal.SIGTERM)
    town.pg.stop()
    town.ldap.stop()
    town.start()
    until(lambda: town.said().count("event=daemon.start") == 2, what="a daemon that answers signals")
    end(town, signal.SIGINT)


# ---- how far long work is ----

LINE = re.compile(r'(?:time=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)|<([0-7])>)'
                  r'(?(1) )level=(\w+) event=([a-z][a-z_.]*)((?: [a-z][a-z0-9_]*=(?:[^\s"=\\]+|"(?:[^"\\]|\\["\\])*"))*)'
                  r' msg="((?:[^"\\]|\\["\\])*)"')


def lines(town):
    """The log, each line read whole: (priority or None, level, event, {field: value}, msg). Of a line that is being written
    just now there may be a half; when the daemon has ended there is none."""
    out, said = [], town.said()
    assert town.process or not said or said.endswith("\n"), said[-200:]
    for line in said[:said.rfind("\n") + 1].splitlines():
        m = LINE.fullmatch(line)
        assert m, "not as agreed: " + line
        fields = dict(re.findall(r' ([a-z][a-z0-9_]*)=("(?:[^"\\]|\\.)*"|\S+)', m.group(5)))
        out.append((m.group(2), m.group(3), m.group(4), fields, m.group(6)))
    return out


def events(town, name):
    return [l for l in lines(town) if l[2] == name]


def test_no_line_names_a_person(town, manager, monkeypatch):
    """A whole working life at level debug, with every kind of trouble that has a name in it."""
    set_option(town, "daemon", "log_level = 7")
    asker = Asker(town)
    given, family, login = "Õnneleid", "Tähtvere", "onneleid.tahtvere"
    town.hire(7777, given, family)
    town.grant(7777, "r0")
    town.grant(7777, "r4")
    town.state_is(7777, "open")
    assert town.account(7777, "login") == login
    town.ldap.add("dn: uid=%s2,%s\nobjectClass: inetOrgPerson\nuid: %s2\ncn: x\nsn: %s\n" % (login, PEOPLE, login, "x"))
    town.hire(7778, given, family)  # meets a stranger of that log-in
    town.hire(7779, "Ольга", "Иванова")
    town.ldap.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (town.group_dn(4), town.dn(1000)))
    town.ldap._tool("ldapdelete", town.group_dn(3))
    town.grant(7777, "r3")
    town.sql("SELECT paasla.ask('sync')")
    town.sql("SELECT paasla.ask('preview')")
    until(lambda: town.findings("group_missing"), what="trouble")
    # PostgreSQL refuses to settle, in words that quote the row.
    town.sql("ALTER TABLE paasla.membership ADD CONSTRAINT never CHECK (present) NOT VALID")
    town.sql("CREATE FUNCTION paasla.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " RAISE EXCEPTION 'the account % of % is not to be touched', NEW.login, NEW.dn; END $$")
    town.sql("CREATE TRIGGER shout BEFORE UPDATE ON paasla.account FOR EACH ROW WHEN (NEW.state = 'out')"
             " EXECUTE FUNCTION paasla.shout()")
    town.depart(7777)
    until(lambda: events(town, "store.statement_failed"), what="a refusal")
    town.sql("DROP TRIGGER shout ON paasla.account")
    town.sql("ALTER TABLE paasla.membership DROP CONSTRAINT never")
    town.state_is(7777, "out")
    town.ldap.stop()
    town.depart(1000)
    until(lambda: events(town, "directory.trouble"), what="a lost directory")
    town.ldap.start()
    town.state_is(1000, "out", 40)
    page, health = asker.get()[1], asker.health()[1]
    town.stop()
    told = town.said() + page + health + "".join(t for _, t in manager.heard)
    for word in (given, family, login, "tahtvere", "Ольга", "Иванова", "Numbera", "numbera", "uid=",
                 town.account(7777, "native_id"), town.password(7777)):
        assert word.lower() not in told.lower(), [l for l in told.splitlines() if word.lower() in l.lower()][:3]
    # As a number of its own: any moment in microseconds may have these digits inside.
    assert not re.search(r"(?<![\d.])7777(?![\d.])", told), [l for l in told.splitlines() if "7777" in l][:3]
    assert {"debug", "info", "notice", "warning", "error"} <= {l[1] for l in lines(town)}, "every level spoke"
    assert {"engine.command", "directory.up", "store.up", "daemon.ready", "daemon.stopping"} <= {l[2] for l in lines(town)}


def test_the_journal_gets_priorities_and_knows_the_time_itself(town, monkeypatch):
    log = os.path.join(town.dir, "paaslad.log")
    open(log, "a").close()
    st = os.stat(log)
    monkeypatch.setenv("JOURNAL_STREAM", "%d:%d" % (st.st_dev, st.st_ino))
    town.start()
    town.settled()
    town.stop()
    assert {l[0] for l in lines(town)} >= {"5", "6"}
    names = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"]
    assert all(names[int(l[0])] == l[1] for l in lines(town))
    open(log, "w").close()
    monkeypatch.setenv("JOURNAL_STREAM", "%d:%d" % (st.st_dev, st.st_ino + 1))  # somebody else's
    town.start()
    until(lambda: events(town, "daemon.ready"), what="ready")
    town.stop()
    assert {l[0] for l in lines(town)} == {None}


def test_the_level_is_kept(town):
    set_option(town, "daemon", "log_level = 4")
    town.start()
    town.settled()
    town.stop()
    assert town.said() == ""


def test_progress_of_a_long_compare(town, manager):
    set_option(town, "directory linn", "timeout_ms = 60000")  # nothing is given up while slapd stands still
    town.start()
    town.settled()
    until(lambda: town.one("SELECT last_complete_at IS NOT NULL FROM paasla.directory"), what="the compare of the start")
    until(lambda: manager.status() == "PostgreSQL connected; 1 of 1 directories connected", what="quiet")
    before, over = len(events(town, "progress")), len(events(town, "progress.over"))
    town.ldap.freeze()
    town.sql("SELECT paasla.ask('sync')")
    until(lambda: re.search(r"; comparing linn: \d+ entries read", manager.status()), what="the compare in the status")
    time.sleep(7)
    assert len(events(town, "progress")) == before + 1, "nothing new: nothing said"
    town.ldap.thaw()
    until(lambda: manager.status() == "PostgreSQL connected; 1 of 1 directories connected", what="the end of it")
    assert len(events(town, "progress.over")) == over + 1
    n = len(manager.heard)
    time.sleep(2)
    manager.drain()
    assert len(manager.heard) == n, "no word while there is no work"


def test_progress_of_a_first_provisioning(town, manager):
    town.sql("CREATE TABLE public.look (rows bigint)")  # what each settling takes out of the queue
    town.sql("CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
             " INSERT INTO public.look SELECT count(*) FROM gone HAVING count(*) > 0; RETURN NULL; END $$")
    town.sql("CREATE TRIGGER look AFTER DELETE ON paasla.dirty REFERENCING OLD TABLE AS gone FOR EACH STATEMENT"
             " EXECUTE FUNCTION public.look()")
    town.start()
    town.settled()
    until(lambda: "persons done" not in manager.status(), what="a status without progress")
    town.sql("INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, employed_from)"
             " SELECT 'LV', 'E' || n, 'Ees', 'Pere' || translate(n::text, '0123456789', 'abcdefghij'), now()"
             " FROM generate_series(1, 1500) n")

    def of_about():
        return [m for m in (re.search(r"(\d+) of about (\d+) persons done", l[4]) for l in events(town, "progress")) if m]

    until(lambda: re.search(r"; (comparing .*; )?\d+ of about \d+ persons done", manager.status()) or of_about(), 40,
          lambda: "progress in the status; it is " + manager.status())
    done, about = map(int, of_about()[0].groups())
    assert 0 < done < about < 2500, "looks at persons, and not the rows of the queue"  # a second look at somebody counts
    until(town.quiet, 120, "the end")
    until(lambda: "persons done" not in manager.status(), 10, "a status without progress")
    said, looks, rows = events(town, "progress"), *town.sql("SELECT count(*), sum(rows) FROM public.look")[0]
    assert said and all(int(l[3]["done"]) <= looks < rows and int(l[3]["seconds"]) >= 1 for l in said), (looks, rows)
    pieces = [[]]  # of work; the seconds of each begin anew
    for l in lines(town):
        if l[2] == "progress":
            pieces[-1].append(int(l[3]["seconds"]))
        elif l[2] == "progress.over":
            pieces.append([])
    assert len(pieces) > 1
    for seconds in pieces:
        assert all(b - a >= 4 for a, b in zip(seconds, seconds[1:])), pieces
# ---- the check ----

@pytest.mark.parametrize("line, says", [("poll_s = soon", "poll_s"), ("pol_s = 5", "Is 'poll_s' meant?"),
                                        ("[brakes]", "unknown section"), ("poll_s 5", "")])
def test_the_check_names_file_and_line(town, line, says):
    import subprocess
    from town import BUILD
    text = open(town.conf).read().splitlines()
    check = [os.path.join(BUILD, "daemon", "paaslad"), "-t", "-c", town.conf]
    good = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert good.returncode == 0 and "is in order" in good.stdout and not good.stderr
    text.insert(3, line)
    with open(town.conf, "w") as f:
        f.write("\n".join(text) + "\n")
    bad = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert bad.returncode == 2 and not bad.stdout
    assert town.conf + ":4: " in bad.stderr and says in bad.stderr, bad.stderr


def test_a_line_of_the_log_is_a_line_whatever_stands_in_it(town):
    """Also for who ends a line at NEL or U+2028, and for a terminal that takes C1 and turns text round."""
    hostile = "a\u0085b\u2028level=error event=forged\u2029c\u009b31m\u202ed\u2066e\n\x1b[2Jf.conf"
    path = os.path.join(town.dir, hostile)
    os.rename(town.conf, path)
    town.conf = path
    town.start()
    until(lambda: re.search("event=daemon.start.*\n", town.said()), what="the first line, whole")
    lines = [line for line in town.said().split("\n") if "event=daemon.start" in line]
    assert len(lines) == 1 and lines[0].splitlines() == [lines[0]] and lines[0].endswith('f.conf"')
    assert not [c for c in lines[0] if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
