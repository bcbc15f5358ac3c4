"""A small town for the tests of sql/: one PostgreSQL for the whole run, a fresh copy of the database for each test.

Institutions LV (directory linn) and LA (directories linn and kool); log-ins hr (LV and LA), hr_la (LA only), admin,
grantor, approver, auditor, daemon, nobody; register KAUST hangs on the directory, PABER is done by hand, JUUR is
privileged and on both."""

import itertools
import os
import re

import psycopg2
import psycopg2.extensions

from pgserver import PgServer

QUERIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sql", "queries")
TOWN = """
CREATE ROLE hr LOGIN IN ROLE paasla_hr;
CREATE ROLE hr_la LOGIN IN ROLE paasla_hr;
CREATE ROLE admin LOGIN IN ROLE paasla_admin;
CREATE ROLE grantor LOGIN IN ROLE paasla_grantor;
CREATE ROLE approver LOGIN IN ROLE paasla_approver;
CREATE ROLE auditor LOGIN IN ROLE paasla_auditor;
CREATE ROLE reviewer LOGIN IN ROLE paasla_reviewer;
CREATE ROLE daemon LOGIN IN ROLE paasla_daemon;
CREATE ROLE clerk LOGIN IN ROLE paasla_grantor, paasla_onbehalf;
CREATE ROLE nobody LOGIN;
INSERT INTO paasla.institution (institution, name) VALUES ('LV', 'Linnavalitsus'), ('LA', 'Lasteaed');
INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('linn', 'openldap', 'enforce'), ('kool', 'openldap', 'enforce');
INSERT INTO paasla.institution_directory (institution, directory) VALUES ('LV', 'linn'), ('LA', 'linn'), ('LA', 'kool');
INSERT INTO paasla.hr_scope (role_name, institution) VALUES ('hr', 'LV'), ('hr', 'LA'), ('hr_la', 'LA');
INSERT INTO paasla.register (register_code, name, route, due_in)
    VALUES ('KAUST', 'Kaustad', 'directory', '1 day'), ('PABER', 'Paberregister', 'manual', '2 days'), ('JUUR', 'Juurõigus', 'manual', '1 day');
INSERT INTO paasla.register_role (register_code, role_code, name, mode, privileged) VALUES
    ('KAUST', 'lugeja', 'lugeja', 'enforce', false), ('KAUST', 'kirjutaja', 'kirjutaja', 'enforce', false),
    ('PABER', 'vaataja', 'vaataja', 'enforce', false), ('JUUR', 'juur', 'juur', 'enforce', true);
INSERT INTO paasla.role_group (role_id, directory, group_dn, purpose)
    SELECT role_id, 'linn', 'cn=' || role_code || ',ou=grupid,dc=linn', CASE WHEN privileged THEN 'admin' ELSE 'personal' END
    FROM paasla.register_role WHERE register_code IN ('KAUST', 'JUUR') ORDER BY role_id;
"""
PEOPLE = """
SELECT paasla.hire('LV', '1001', 'Anu', 'Ülem', employed_from => now() - interval '1 year');
SELECT paasla.hire('LV', '1002', 'Toomas', 'Õunapuu', employed_from => now() - interval '1 year');
SELECT paasla.hire('LV', '1042', 'Mari', 'Tamm', employed_from => now() - interval '1 year');
INSERT INTO paasla.db_login SELECT 'approver', person_id FROM paasla.staff WHERE employee_no = '1002';
SELECT paasla.file_request('KK-1', '1001');
"""
# Each moment that is kept lies so much further back, and no trigger is asked.
LATER = """
DO $$ DECLARE t record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR t IN SELECT a.attrelid::regclass AS name, string_agg(format(CASE a.atttypid WHEN 'timestamptz'::regtype THEN '%1$I = %1$I - %2$L::interval'
            ELSE '%1$I = CASE WHEN isempty(%1$I) THEN %1$I ELSE tstzrange(lower(%1$I) - %2$L::interval, upper(%1$I) - %2$L::interval,'
                ' CASE WHEN lower_inc(%1$I) THEN ''['' ELSE ''('' END || CASE WHEN upper_inc(%1$I) THEN '']'' ELSE '')'' END) END' END,
            a.attname, {0}), ', ') AS sets
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'paasla'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            AND a.atttypid IN ('timestamptz'::regtype, 'tstzrange'::regtype) GROUP BY 1
    LOOP EXECUTE format('UPDATE %s SET %s', t.name, t.sets); END LOOP;
END $$"""
_server = None
_numbers = itertools.count(1)


def server():
    global _server
    if _server is None:
        _server = PgServer(migrated=True)
        _server.start()
        _server.migrate()
        _server.sql(TOWN)
        _server.sql(PEOPLE)
    return _server


class Town:
    """One copy of the database. Statements run in the session of a log-in, each in a transaction of its own."""

    def __init__(self):
        self.name = f"town{next(_numbers)}"
        server().clone(self.name, "paasla")
        self.sessions = {}

    def close(self):
        for conn in self.sessions.values():
            conn.close()
        server().drop(self.name)

    def connect(self, user="postgres", autocommit=True):
        return server().connect(user, self.name, autocommit)

    def session(self, user="postgres"):
        if user not in self.sessions or self.sessions[user].closed:
            self.sessions[user] = self.connect(user)
        return self.sessions[user]

    def rows(self, text, *args, user="postgres"):
        conn = self.session(user)
        conn.notices.clear()
        cur = conn.cursor()
        cur.execute(text, args or None)
        return cur.fetchall() if cur.description else None

    def one(self, text, *args, user="postgres"):
        found = self.rows(text, *args, user=user)
        assert len(found) == 1, found
        return found[0][0] if len(found[0]) == 1 else found[0]

    def notices(self, user="postgres"):
        return "".join(self.session(user).notices)

    def refused(self, pattern, text, *args, user="postgres"):
        """The statement fails with a message or hint that matches; returns the error."""
        try:
            self.rows(text, *args, user=user)
        except psycopg2.Error as e:
            assert re.search(pattern, str(e), re.S), f"expected {pattern!r}: {e}"
            return e
        raise AssertionError(f"not refused for {user}: {text}")

    # ---- what tests say often ----

    def hire(self, no, given="Eesnimi", family=None, institution="LV", **more):
        names = "".join(f', "{k}" => %s' for k in more)
        return self.one(f"SELECT paasla.hire(%s, %s, %s, %s{names})", institution, no, given, family or "Nimi" + no,
                        *more.values(), user="hr")

    def depart(self, no, at="now()", ref="KK-D"):
        self.rows(f"UPDATE paasla.staff SET departed_at = {at}, departure_ref = %s WHERE employee_no = %s", ref, no, user="hr")

    def grant(self, no, register="KAUST", role="lugeja", **more):
        names = "".join(f", {k} => %s" for k in more)
        return self.one(f"SELECT paasla.grant_access(%s, %s, %s, 'KK-1', 'tööks'{names})", no, register, role,
                        *more.values(), user="grantor")

    def person(self, no, institution="LV"):
        return self.one("SELECT person_id FROM paasla.employee_number WHERE employee_no = %s AND institution = %s", no, institution)

    def wanted(self, no, directory="linn", purpose="personal", at="now()"):
        found = self.rows(f"SELECT want, cause FROM paasla.wanted_account_at({at}) WHERE person_id = %s AND directory = %s"
                          " AND purpose = %s", self.person(no), directory, purpose)
        return found[0] if found else None

    def clean(self):
        """As if the daemon had consumed everything."""
        self.rows("DELETE FROM paasla.dirty")

    def dirty(self):
        return sorted(set(self.rows("SELECT directory, person_id, cause FROM paasla.dirty")))

    def pass_time(self, span):
        """As if it went by. A test that waits for a moment which it set before the first of its statements fails where these
        take longer; with minutes instead of tenths, and no waiting, none does."""
        self.rows(LATER.replace("{0}", "'%s'" % span))

    def query(self, name, *args, user="daemon"):
        """A file of sql/queries as the daemon sends it: $n are parameters."""
        with open(os.path.join(QUERIES, name + ".sql"), encoding="utf-8") as f:
            text = f.read()
        conn = self.session(user)
        cur = conn.cursor()
        count = max([int(n) for n in re.findall(r"\$(\d+)", text)] or [0])
        assert count == len(args), (name, count)
        values = {f"p{i + 1}": v for i, v in enumerate(args)}
        cur.execute(re.sub(r"\$(\d+)", r"%(p\1)s", text.replace("%", "%%")), values)
        return cur.fetchall()
