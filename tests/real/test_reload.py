"""SIGHUP: what can change while paaslad runs does, what cannot is said, a mistake changes nothing; and each load of the
configuration leaves one event."""
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

import prometheus
from test_citizen import Manager, events
from test_metrics import Asker, set_option, status
from town import Town, until


@pytest.fixture
def manager(monkeypatch):
    m = Manager()
    monkeypatch.setenv("NOTIFY_SOCKET", m.path)
    yield m
    m.close()


@pytest.fixture
def town():
    t = Town(people=2)
    yield t
    t.close()


def started(town):
    town.start()
    town.settled()
    until(lambda: notes(town), what="the event of the start")
    return town


def hup(town):
    """Reads the file again and waits until that is done, one way or the other."""
    def done():
        return len(events(town, "config.reloaded")) + len(events(town, "config.refused"))
    before = done()
    town.process.send_signal(signal.SIGHUP)
    until(lambda: done() > before, what=lambda: "the reload; it says\n" + town.said()[-1500:])


def notes(town):
    """The events of the configuration, oldest first: (action, detail)."""
    rows = town.sql("SELECT action, detail FROM audit.event WHERE action LIKE 'config.%' ORDER BY event_id")
    return [(action, json.loads(detail)) for action, detail in rows]


def said_last(town, name):
    return events(town, name)[-1][4]


def depart_all(town, first, n):
    for i in range(n):
        town.hire(first + i, "Lahkuja", "Hulk%s" % "abcdefghijklmno"[i])
    town.settled()
    town.sql("UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-1' WHERE employee_no BETWEEN '%d' AND '%d'"
             % (first, first + n - 1))


# ---- what a reload does ----

def test_limits_change_at_once(town, manager):
    begin = time.monotonic()
    started(town)
    until(lambda: manager.said("READY=1"), what="READY=1")
    set_option(town, "brake", "max_locks = 2")
    hup(town)
    depart_all(town, 3000, 5)
    until(lambda: town.one("SELECT count(*) FROM paasla.plan WHERE state = 'held'") == 1, what="the brake of the new file")
    set_option(town, "brake", "max_locks = 20")
    hup(town)
    depart_all(town, 4000, 5)
    for n in range(5):
        town.state_is(4000 + n, "out")
    assert town.one("SELECT count(*) FROM paasla.plan") == 1
    until(lambda: len(manager.said("READY=1")) == 3, what="READY=1 after the second reload")
    texts = [t for _, t in manager.heard]
    reloading = [i for i, t in enumerate(texts) if t.startswith("RELOADING=1\nMONOTONIC_USEC=")]
    ready = [i for i, t in enumerate(texts) if t == "READY=1"]
    assert len(reloading) == 2 and len(ready) == 3 and ready[0] < reloading[0] < ready[1] < reloading[1] < ready[2]
    for i in reloading:
        stamp = int(texts[i].split("MONOTONIC_USEC=")[1]) / 1e6
        assert begin < stamp <= manager.heard[i][0], "this host's monotonic clock"


def test_the_log_level_and_the_door_change_at_once(town):
    started(town)
    asker = Asker(town, start=False)
    hup(town)
    asker.well()
    other = os.path.join(town.dir, "other.sock")
    set_option(town, "daemon", "metrics = unix:" + other)
    hup(town)
    assert not os.path.exists(asker.path), "the old socket is gone"
    asker.path = other
    m = asker.metrics()
    assert prometheus.value(m, "paasla_config_last_reload_successful") == 1
    set_option(town, "daemon", "metrics = ")
    set_option(town, "daemon", "log_level = 3")
    town.process.send_signal(signal.SIGHUP)
    until(lambda: not os.path.exists(other), what="the door to be shut")
    said = lambda name: len([l for l in events(town, "config.option") if l[3]["option"] == name])
    until(lambda: said("daemon.metrics") == 3 and said("daemon.log_level") == 1, what="the last words")
    size = len(town.said())
    town.hire(2000, "Vaikne", "Tamm")
    town.state_is(2000, "open")
    assert len(town.said()) == size, "only errors are written now"


def test_a_mistake_changes_nothing(town, manager):
    asker = Asker(town)
    until(lambda: manager.said("READY=1"), what="READY=1")
    with open(town.conf) as f:
        good = f.read()
    begin = len(until(lambda: notes(town), what="the event of the start"))
    lines = good.splitlines()
    for bad, says in (("poll_s = soon", "poll_s"), ("no_such = 1", "has no option"), ("bind_dn = nothing", "is not a DN")):
        at = lines.index("[directory linn]" if "dn" in bad else "[daemon]") + 1
        with open(town.conf, "w") as f:
            f.write("\n".join(l for l in lines[:at] + [bad] + lines[at:] if not ("dn" in bad and l.startswith("bind_dn = uid")))
                    .replace("max_locks = 10", "max_locks = 0") + "\n")
        hup(town)
        said = said_last(town, "config.refused")
        assert "stays as it was: %s:%d: " % (town.conf, at + 1) in said and says in said, said
        m = asker.metrics()
        assert prometheus.value(m, "paasla_config_last_reload_successful") == 0
    os.unlink(town.conf)
    hup(town)
    assert town.conf + ": No such file" in said_last(town, "config.refused")
    with open(town.conf, "w") as f:
        f.write(good)
    until(lambda: len(manager.said("READY=1")) == 5, what="ready after each refusal too")
    assert len(notes(town)) == begin
    hup(town)
    assert prometheus.value(asker.metrics(), "paasla_config_last_reload_successful") == 1
    town.depart(1000)
    town.state_is(1000, "out")


def test_a_place_that_is_taken_changes_nothing_else(town):
    started(town)
    Asker(town, start=False)
    set_option(town, "daemon", "metrics = unix:" + town.pg.dir + "/.s.PGSQL.5432")
    set_option(town, "brake", "max_locks = 1")
    hup(town)
    assert "nobody can listen there" in said_last(town, "config.refused")
    depart_all(town, 3000, 5)
    for n in range(5):
        town.state_is(3000 + n, "out")  # ten are allowed still


def test_what_needs_a_restart_is_said_and_stays(town):
    town.sql("CREATE ROLE auditor LOGIN IN ROLE paasla_auditor")
    started(town)
    with open(town.conf) as f:
        text = f.read()
    moved = text.replace("people_base = ", "people_base = ou=uus,").replace("attribute.cn = {name}", "attribute.cn = {family}")
    kool = "\n[directory kool]\n" + text.split("[directory linn]\n")[1]
    with open(town.conf, "w") as f:
        f.write(moved + kool + "inflight = 7\n")
    set_option(town, "daemon", "poll_s = 4")
    hup(town)
    until(lambda: events(town, "config.needs_restart"), what="what needs a restart")
    assert said_last(town, "config.needs_restart") == \
        "needs a restart: directory linn.people_base, directory linn.attribute.cn, directory kool"
    until(lambda: notes(town)[-1][0] == "config.changed", what="the note")
    _, detail = notes(town)[-1]
    assert detail["changes"] == {"daemon.poll_s": {"old": "5", "new": "4"}}
    assert detail["needs_restart"] == ["directory linn.people_base", "directory linn.attribute.cn", "directory kool"]
    until(lambda: "3 changed options that need a restart of paaslad" in status(town)[1].splitlines()[0], what="the status")
    town.hire(2000, "Uus", "Tulija")
    town.state_is(2000, "open")  # by the old templates, in the old place
    assert "cn: Uus Tulija" in town.ldap.search(town.dn(2000), "(objectClass=*)", "cn")
    with open(town.conf, "w") as f:
        f.write(text)
    hup(town)
    until(lambda: notes(town)[-1][1]["changes"] == {"daemon.poll_s": {"old": "4", "new": "5"}}, what="the note")
    assert "needs_restart" not in notes(town)[-1][1]
    until(lambda: "restart" not in status(town)[1].splitlines()[0], what="the status without it")


def ups(town):
    return len(events(town, "directory.up"))


def test_another_way_to_the_directory(town):
    started(town)
    assert ups(town) == 1
    hup(town)
    time.sleep(1)
    assert ups(town) == 1, "nothing of it changed: it stays connected"
    set_option(town, "directory linn", "uris = " + town.ldap.ldap)
    hup(town)
    until(lambda: ups(town) == 2, 30, "the new way")
    assert town.ldap.ldap in said_last(town, "directory.up")
    town.depart(1000)
    town.state_is(1000, "out")


def test_a_changed_secret_is_read_again(town):
    started(town)
    town.ldap.modify("dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: uus salajane\n" % town.ldap.service_dn)
    with open(town.ldap.password_file, "w") as f:
        f.write("uus salajane\n")
    hup(town)
    until(lambda: ups(town) == 2, 30, "the log-on with the new password")
    until(lambda: notes(town)[-1][0] == "config.changed", 30, "the note of it, on another connection")
    action, detail = notes(town)[-1]
    assert action == "config.changed" and detail["secrets_changed"] == ["directory linn.password_file"]
    assert "changes" not in detail
    everything = json.dumps(notes(town)) + town.said()
    assert "salajane" not in everything
    # What is kept of it cannot be compared with anything outside of this database.
    assert town.one("SELECT count(*) FROM paasla.config_value WHERE secret IS NOT NULL AND length(secret) = 32") == 1
    town.depart(1000)
    town.state_is(1000, "out")


@pytest.mark.parametrize("spoil", ["gone", "open", "empty"])
def test_a_secret_that_cannot_be_read_costs_no_connection(town, spoil):
    started(town)
    if spoil == "gone":
        os.unlink(town.ldap.password_file)
    elif spoil == "open":
        os.chmod(town.ldap.password_file, 0o644)
    else:
        open(town.ldap.password_file, "w").close()
    set_option(town, "directory linn", "uris = " + town.ldap.ldap)
    hup(town)
    assert "directory linn.password_file: secret " in said_last(town, "config.refused")
    town.depart(1000)
    town.state_is(1000, "out")
    assert ups(town) == 1


def test_reloads_in_the_midst_of_work(town):
    """Connections made anew again and again while people come and go: everything is done in the end, once."""
    started(town)
    ways = [town.ldap.ldap, town.ldap.ldapi]
    for n in range(30):
        town.hire(5000 + n, "Ees", "Pere" + "abcdefghijklmnopqrstuvwxyzõäöü"[n])
        town.grant(5000 + n, "r%d" % (n % 4))
        if n % 3 == 0:
            set_option(town, "directory linn", "uris = " + ways[n % 2])
            town.process.send_signal(signal.SIGHUP)
    town.depart(1000)
    town.state_is(1000, "out", 40)
    town.settled(60)
    assert town.one("SELECT count(*) FROM paasla.account WHERE state = 'open'") == 31
    assert all(town.in_groups(5000 + n) == ["r%d" % (n % 4)] for n in range(30))
    assert len(events(town, "config.reloaded")) >= 1 and not events(town, "config.refused")


def test_no_reload_while_stopping(town):
    started(town)
    town.ldap.freeze()
    town.depart(1000)
    until(lambda: town.one("SELECT count(*) FROM paasla.intent WHERE outcome IS NULL") > 0, what="the intent")
    town.process.send_signal(signal.SIGTERM)
    until(lambda: "finishing what is in flight" in town.said(), what="the signal to be heard")
    town.process.send_signal(signal.SIGHUP)
    until(lambda: "not read again" in town.said(), what="the refusal")
    town.ldap.thaw()
    assert town.process.wait(15) == 0
    town.process = None


# ---- the events ----

def test_each_start_leaves_one_event(town):
    started(town)
    action, detail = notes(town)[0]
    assert action == "config.loaded" and len(notes(town)) == 1
    with open(town.conf, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    assert detail["file_sha256"] == digest
    assert detail["version"] == subprocess.run([os.path.join(os.environ["PAASLA_BUILD"], "daemon", "paaslad"), "-v"],
                                               capture_output=True, text=True).stdout.split()[1]
    assert detail["host"] == os.uname().nodename
    changes = detail["changes"]
    assert changes["daemon.poll_s"] == {"new": "5"} and changes["directory linn.uris"] == {"new": town.ldap.ldapi}
    assert changes["directory linn.attribute.cn"] == {"new": "{name}"} and changes["brake.max_locks"] == {"new": "10"}
    town.stop()
    started(town)
    until(lambda: len(notes(town)) == 2, what="the second event")
    action, detail = notes(town)[1]
    assert action == "config.loaded" and "changes" not in detail and "secrets_changed" not in detail
    town.stop()
    set_option(town, "daemon", "poll_s = 7")
    set_option(town, "directory linn", "inflight = 3")
    with open(town.ldap.password_file) as f:
        secret = f.read()
    with open(town.ldap.password_file, "w") as f:
        f.write(secret.rstrip("\n"))  # the same without its end of line: the same secret
    town.start()
    until(lambda: len(notes(town)) == 3, what="the third event")
    action, detail = notes(town)[2]
    assert action == "config.loaded"
    assert detail["changes"] == {"daemon.poll_s": {"old": "5", "new": "7"}, "directory linn.inflight": {"old": "256", "new": "3"}}
    assert "secrets_changed" not in detail
    row = town.sql("SELECT acting_person, person_id, session_role FROM audit.event WHERE action = 'config.loaded'")[0]
    assert row == (None, None, "paaslad")
    said = status_log(town)
    assert "config.loaded" in said and "file_sha256" in said


def status_log(town):
    p = subprocess.run([os.path.join(os.environ["PAASLA_BUILD"], "daemon", "ctl", "paaslactl"), "--dsn", town.pg.dsn(), "log",
                        "--action", "config"], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return p.stdout


def test_a_reload_that_finds_nothing_new_is_a_load(town):
    started(town)
    hup(town)
    until(lambda: len(notes(town)) == 2, what="the event")
    assert notes(town)[1][0] == "config.loaded" and "changes" not in notes(town)[1][1]
    with open(town.conf, "a") as f:
        f.write("# another word\n")
    hup(town)
    until(lambda: len(notes(town)) == 3, what="the event")
    assert notes(town)[2][0] == "config.changed" and "changes" not in notes(town)[2][1], "the file is another one"


def test_the_event_waits_for_the_database_and_comes_once(town, manager):
    town.pg.stop()
    town.start()
    until(lambda: "PostgreSQL away" in manager.status(), what="the start")
    set_option(town, "daemon", "poll_s = 4")
    hup(town)
    set_option(town, "daemon", "poll_s = 3")
    hup(town)
    town.pg.start()
    until(lambda: len(notes(town)) == 3, 30, "the events")
    assert [a for a, _ in notes(town)] == ["config.loaded", "config.changed", "config.changed"]
    assert [d["changes"]["daemon.poll_s"] for _, d in notes(town)] == [{"new": "5"}, {"old": "5", "new": "4"}, {"old": "4", "new": "3"}]
    for _ in range(2):
        town.pg.kill9()
        until(lambda: "PostgreSQL away" in manager.status(), what="the loss")
        town.pg.start()
        until(lambda: manager.status().startswith("PostgreSQL connected"), 30, "PostgreSQL again")
    town.settled()
    assert len(notes(town)) == 3


def test_a_note_whose_end_was_not_known_counts_once(town):
    note = json.dumps({"note_id": "a1", "kind": "start", "version": "1", "host": "h", "file_sha256": "0" * 64, "started_us": 1,
                       "loaded_us": 1, "values": {"daemon.poll_s": "5"}, "secrets": {}, "needs_restart": []})
    for _ in range(3):
        town.pg.sql("SELECT paasla.note_config(%s::jsonb)", note, user="paaslad")
    assert len(notes(town)) == 1
    town.pg.sql("SELECT paasla.note_config(%s::jsonb)", note.replace("a1", "a2"), user="paaslad")
    assert len(notes(town)) == 2


def test_a_refused_note_holds_nothing_up(town):
    town.sql("ALTER TABLE paasla.daemon_run ADD CONSTRAINT no CHECK (version = 'another')")
    town.start()
    town.settled()
    town.depart(1000)
    town.state_is(1000, "out")
    until(lambda: events(town, "store.note_lost"), what="the refusal")
    until(lambda: town.one("SELECT count(*) FROM paasla.connection") == 1, what="the other note to get through")


def test_a_standby_notes_nothing(town):
    started(town)
    first, town.process = town.process, None
    town.start()
    until(lambda: events(town, "store.standby"), what="the second one")
    time.sleep(1)
    assert len(notes(town)) == 1, "it is not in force yet"
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    until(lambda: len(notes(town)) == 2, what="the event of its own")
    assert re.fullmatch("[0-9a-f]{64}", notes(town)[1][1]["file_sha256"])
