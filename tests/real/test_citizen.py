"""paaslad as the host meets it: what it tells the service manager, monitoring and the log; how it reloads and how it ends."""
import os
import signal
import socket
import tempfile
import threading
import time

import pytest

from town import Town, until


class Manager:
    """What systemd would hear: each datagram with the moment it came."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="paasla-notify-")
        self.path = os.path.join(self.dir, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.heard = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                text = self.socket.recv(4096).decode("utf-8")
            except OSError:
                return
            self.heard.append((time.monotonic(), text))

    def said(self, text):
        return [i for i, (_, t) in enumerate(self.heard) if t == text or (text.endswith("=") and t.startswith(text))]

    def status(self):
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
    """Sends them, half a second apart, and says after how many seconds the daemon ended."""
    begin = time.monotonic()
    for n, sig in enumerate(signals):
        if n:
            time.sleep(0.5)
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
    until(lambda: "Another paaslad works on this database" in manager.status(), what="the second one")
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
    monkeypatch.setenv("WATCHDOG_USEC", "800000")
    town.start()
    until(lambda: len(manager.said("WATCHDOG=1")) >= 6, what="six feeds")
    times = [manager.heard[i][0] for i in manager.said("WATCHDOG=1")]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert 0.3 < sorted(gaps)[len(gaps) // 2] < 0.5, gaps
    town.process.send_signal(signal.SIGSTOP)  # the loop does not turn
    time.sleep(0.2)
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
    """A departure whose lock is on its way to a directory that does not answer."""
    town.start()
    town.settled()
    town.ldap.freeze()
    town.depart(no)
    time.sleep(0.5)


def test_sigterm_finishes_what_is_in_flight(town, manager):
    """The intents of a lock are being committed when slapd freezes and SIGTERM comes: the lock is written and settled."""
    town.start()
    town.settled()
    town.sql("CREATE FUNCTION paasla.linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$")
    town.sql("CREATE TRIGGER linger AFTER INSERT ON paasla.intent FOR EACH STATEMENT EXECUTE FUNCTION paasla.linger()")
    town.depart(1000)
    until(lambda: town.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1, what="the intents")
    town.ldap.freeze()
    thaw = threading.Timer(2.5, town.ldap.thaw)
    thaw.start()
    seconds = end(town, signal.SIGTERM)
    thaw.join()
    assert 2 < seconds < 6, seconds
    assert manager.said("STOPPING=1") and "finishing" in manager.status()
    assert town.one("SELECT count(*) FROM paasla.intent WHERE outcome IS NULL") == 0, "what was begun is settled"
    assert town.one("SELECT count(*) FROM paasla.intent WHERE op = 'close' AND outcome = 'done'") == 1
    assert town.account(1000, "state") == "out"
    assert "work in flight" not in town.said()


def test_sigterm_ends_in_a_bounded_time_though_nobody_answers(town):
    begun(town, 1000)
    seconds = end(town, signal.SIGTERM)
    assert 7 < seconds < 13, seconds
    assert "stopping with work in flight; it is settled at the next start" in town.said()
    town.ldap.thaw()
    town.start()
    town.state_is(1000, "out")


def test_a_second_sigterm_ends_at_once(town):
    begun(town, 1000)
    assert end(town, signal.SIGTERM, signal.SIGTERM) < 3.5


def test_sigterm_with_nothing_to_do_and_before_anything_came_up(town):
    town.start()
    town.settled()
    assert end(town, signal.SIGTERM) < 2
    town.pg.stop()
    town.ldap.stop()
    town.start()
    time.sleep(0.3)
    assert end(town, signal.SIGINT) < 4


# ---- the check ----

@pytest.mark.parametrize("line, says", [("poll_s = soon", "poll_s"), ("pol_s = 5", "Is 'poll_s' meant?"),
                                        ("[brakes]", "unknown section"), ("poll_s 5", "")])
def test_the_check_names_file_and_line(town, line, says):
    import subprocess
    from town import BUILD
    text = open(town.conf).read().splitlines()
    check = [os.path.join(BUILD, "daemon", "paaslad"), "-t", "-c", town.conf]
    good = subprocess.run(check, capture_output=True, text=True, timeout=10)
    assert good.returncode == 0 and "is in order" in good.stdout and not good.stderr
    text.insert(3, line)
    with open(town.conf, "w") as f:
        f.write("\n".join(text) + "\n")
    bad = subprocess.run(check, capture_output=True, text=True, timeout=10)
    assert bad.returncode == 2 and not bad.stdout
    assert town.conf + ":4: " in bad.stderr and says in bad.stderr, bad.stderr
