"""A private PostgreSQL in a temporary folder: its own socket, no network, the schema of sql/ on demand.

    server = PgServer()
    server.start()
    server.migrate()                # database paasla with every migration
    ... server.dsn(), server.dsn("hr_mari"), server.dsn(db="postgres") ...
    server.kill9(); server.start()  # as a power cut: what was committed is there again
    server.stop()

Started as root, the server runs as the user postgres; nothing of the host's own cluster is touched."""

import atexit
import glob
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2

ROOM = 4 << 30  # bytes; a cluster has some thirty million, and a test process a few of them at a time
MIGRATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sql", "migrations")


def bin_dir():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))
    return found[-1] if found else os.path.dirname(shutil.which("postgres") or "/usr/bin/postgres")


def roomy_folder():
    """Where the clusters lie. Each has a thousand files, and a disk's file system spends more time on making and deleting
    those than all the tests together on everything else; none of them has to outlive its test. None: the ordinary place."""
    shm = "/dev/shm"
    if not os.access(shm, os.W_OK | os.X_OK):
        return None
    fs = os.statvfs(shm)
    return shm if fs.f_bavail * fs.f_frsize > ROOM else None


_templates = {}  # of this process: clusters that nobody works with, to be copied; a copy costs a tenth


def template(migrated):
    if migrated not in _templates:
        server = PgServer(copy=False)
        if migrated:
            server.start()
            server.migrate()
            server.stop()
        _templates[migrated] = server
    return _templates[migrated]


class PgServer:
    def __init__(self, migrated=False, copy=True, **settings):
        """migrated: with the database that migrate() makes, as it makes it. settings: further lines of postgresql.conf.
        A real fsync costs seconds and proves nothing in these tests."""
        self.bin, self.migrated = bin_dir(), migrated
        self.dir = tempfile.mkdtemp(prefix="paasla-pg-", dir=None if settings.get("fsync") == "on" else roomy_folder())
        self.data = os.path.join(self.dir, "data")
        self.log = os.path.join(self.dir, "log")
        self.process = None
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        os.chmod(self.dir, 0o755)
        atexit.register(self.remove)
        if copy:
            subprocess.run(self.as_user("cp", "-a", template(migrated).data, self.data), check=True, cwd="/")
        else:
            subprocess.run(self.as_postgres("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                                            "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1"),
                           check=True, cwd="/", stdout=subprocess.DEVNULL)
        lines = {"listen_addresses": "", "unix_socket_directories": self.dir, "fsync": "off", "shared_buffers": "64MB",
                 "max_connections": "40", "max_prepared_transactions": "5", "log_min_messages": "warning"}
        lines.update(settings)
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.writelines(f"{k} = '{v}'\n" for k, v in lines.items())

    @staticmethod
    def as_user(*command):
        return (["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []) + list(command)

    def as_postgres(self, program, *args):
        return self.as_user(os.path.join(self.bin, program), *args)

    def start(self, timeout=30):
        end = time.time() + timeout
        while time.time() < end:
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(self.as_postgres("postgres", "-D", self.data), cwd="/", stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL)
            while self.process.poll() is None and time.time() < end:
                try:
                    psycopg2.connect(self.dsn(db="postgres")).close()
                    return
                except psycopg2.OperationalError:
                    time.sleep(0.02)
            time.sleep(0.1)  # after kill9 the old children still hold the shared memory for a moment
        with open(self.log, encoding="utf-8", errors="replace") as log:
            raise RuntimeError("PostgreSQL does not start: " + log.read()[-2000:])

    def postmaster(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as pid:
            return int(pid.readline())

    def end(self, sig):
        if self.process is not None and self.process.poll() is None:
            os.kill(self.postmaster(), sig)
            self.process.wait(30)
        self.process = None

    def stop(self):
        self.end(signal.SIGINT)  # "fast": sessions are ended, everything is written

    def kill9(self):
        self.end(signal.SIGKILL)

    def remove(self):
        """Called at the end of the program too, so that a test that breaks leaves no server behind."""
        try:
            self.stop()
        except (OSError, subprocess.TimeoutExpired, ValueError):
            pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def dsn(self, user="postgres", db="paasla"):
        return f"host={self.dir} user={user} dbname={db}"

    def connect(self, user="postgres", db="paasla", autocommit=True):
        conn = psycopg2.connect(self.dsn(user, db))
        conn.autocommit = autocommit
        return conn

    def sql(self, text, *args, user="postgres", db="paasla"):
        """One statement in a session of its own; its rows, or None."""
        conn = self.connect(user, db)
        try:
            cur = conn.cursor()
            cur.execute(text, args or None)
            return cur.fetchall() if cur.description else None
        finally:
            conn.close()

    def migrate(self, db="paasla"):
        """What `paaslactl db migrate` does: each file in a transaction that notes it."""
        if self.migrated and db == "paasla":
            return
        self.sql(f'CREATE DATABASE "{db}"', db="postgres")
        for path in sorted(glob.glob(os.path.join(MIGRATIONS, "[0-9]*.sql"))):
            with open(path, "rb") as f:
                text = f.read()
            name = os.path.basename(path)[:-len(".sql")]
            conn = self.connect(db=db, autocommit=False)  # a session each: ALTER DATABASE ... SET counts from the next
            try:
                cur = conn.cursor()
                cur.execute(text.decode("utf-8"))
                cur.execute("INSERT INTO paasla.schema_version (version, name, sha256, program) VALUES (%s, %s, %s, %s)",
                            (int(name.split("_")[0]), name, hashlib.sha256(text).digest(), "pgserver.py"))
                conn.commit()
            finally:
                conn.close()

    def clone(self, name, source="paasla"):
        """A copy of a database nobody is connected to; far quicker than the migrations. Settings of the database are
        not copied with it."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"', db="postgres")
        self.sql(f"ALTER DATABASE \"{name}\" SET timezone = 'Europe/Tallinn'", db="postgres")
        self.sql(f'ALTER DATABASE "{name}" SET jit = off', db="postgres")

    def drop(self, name):
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', db="postgres")
