"""The simulator's model store held against a real PostgreSQL: the same random history must give the same wanted
accounts, entitlements, wake-ups and rows of work in both.

`paasla-sim --history SEED` prints the history; the head of tests/sim/history.h says what its lines mean."""
import collections
import json
import os
import re
import subprocess
import time

import pytest

from pgserver import PgServer

HERE = os.path.dirname(os.path.abspath(__file__))
SIM = os.path.join(os.environ.get("PAASLA_BUILD", "build"), "tests", "sim", "paasla-sim")
QUERIES = os.path.join(HERE, "..", "..", "sql", "queries")
SEEDS = range(1, int(os.environ.get("PAASLA_MODEL_SEEDS", "30")) + 1)
ORDER = "PMENIHD"


@pytest.fixture(scope="module")
def server():
    pg = PgServer(migrated=True)
    pg.start()
    pg.migrate()
    yield pg
    pg.stop()


def query(name):
    """A statement of sql/queries with $n as psycopg2's named parameters."""
    with open(os.path.join(QUERIES, name), encoding="utf-8") as f:
        text = "".join(line for line in f if not line.startswith("--"))
    return re.sub(r"\$(\d)", r"%(p\1)s", text.replace("%", "%%"))


class Replay:
    def __init__(self, conn):
        self.cur = conn.cursor()
        self.t0 = time.time_ns() // 1000

    def moment(self, n):
        return f"(timestamptz 'epoch' + {self.t0 + int(n)}::bigint * interval '1 microsecond')"

    def since_start(self, moments, in_order=False):
        at = [int(us) - self.t0 if us != "0" else 0 for us in moments.split()]
        return " ".join(str(n) for n in (sorted(at) if in_order else at))

    def do(self, sql):
        self.cur.execute(re.sub(r"T\((-?\d+)\)", lambda m: self.moment(m.group(1)), sql))

    def rows(self, sql, params=None):
        self.cur.execute(sql, params)
        return [[str(v) for v in row] for row in self.cur.fetchall()]

    def wanted(self, at, **_):
        return self.rows("SELECT person_id, directory, purpose, want, cause FROM paasla.wanted_account_at("
                         + self.moment(at) + ")")

    def entitled(self, at, **_):
        return self.rows("SELECT person_id, role_group_id FROM paasla.entitlement_at(" + self.moment(at) + ")")

    def dirty(self, **_):
        return self.rows("SELECT directory, person_id, cause FROM paasla.dirty")

    def load(self, persons, **about):
        got = self.rows(query("load_work.sql"), {"p1": about["class"], "p2": ["linn", "kool"], "p3": 1000, "p4": 2,
                                                 "p5": persons, "p6": 4, "p7": 3600000000})
        in_order(got)
        width = {"T": 6, "W": 5, "G": 8, "P": 21, "M": 10, "E": 9, "N": 7, "I": 8, "H": 7, "D": 4}
        for row in got:
            assert not any(row[width[row[0]]:]), f"more columns than row.h names: {row}"
            del row[width[row[0]]:]
            if row[0] == "T":
                row[5] = "~" if row[5] else ""
            elif row[0] == "P":
                row[19] = "~"
                row[7] = row[7] or "0"
            elif row[0] == "D":
                row[3] = "~"
            elif row[0] == "E":
                row[4:] = [self.since_start(row[4]), *row[5:7], self.since_start(row[7], True), self.since_start(row[8])]
            elif row[0] == "I":
                row[7] = self.since_start(row[7])
            elif row[0] == "W":
                row[4] = "~"
        return got

    def scan_accounts(self, directory, **_):
        return [[*row[:9], self.since_start(row[9]), *row[10:]] for row in self.rows(query("scan_accounts.sql"), {"p1": directory, "p2": True})]

    def scan_group(self, directory, group, **_):
        return self.rows(query("scan_group.sql"), {"p1": directory, "p2": group})

    def scan_groups(self, directory, **_):
        got = self.rows(query("scan_groups.sql"), {"p1": directory})
        return [[*row[:3], " ".join(sorted(row[3].split(), key=int))] for row in got]


def in_order(rows):
    """T and W, then G, then for each pair P (admin first), M, E, N, I, H, D, as row.h promises and the engine relies on."""
    kinds = "".join(row[0] for row in rows)
    assert re.fullmatch("(TW*)*G*[PMENIHD]*", kinds), kinds
    seen, last = set(), None
    for row in rows:
        if row[0] in "TWG":
            continue
        pair = (row[1], row[2])
        if last is None or last[0] != pair:
            assert pair not in seen, f"the rows of {pair} do not stand together"
            seen.add(pair)
            last = (pair, "P", "")
        assert ORDER.index(row[0]) >= ORDER.index(last[1]), f"{row} comes after a row {last[1]}"
        if row[0] == "P":
            assert row[3] > last[2], "purposes are not in order"
            last = (pair, "P", row[3])
        else:
            last = (pair, row[0], "")


def count(rows):
    return collections.Counter(tuple(row) for row in rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_history(server, seed):
    name = f"model{seed}"
    server.clone(name)
    conn = server.connect(db=name)
    try:
        out = subprocess.run([SIM, "--history", str(seed)], capture_output=True, text=True, check=True).stdout
        replay, done = Replay(conn), []
        for line in out.splitlines():
            step = json.loads(line)
            if "do" in step:
                done.append(step["do"])
                replay.do(step["do"])
                continue
            what = step.pop("check")
            want, got = count(step.pop("rows")), count(getattr(replay, what)(**step))
            story = "\n".join(done[-25:])
            assert want == got, (f"seed {seed}, {what} {step}: only the model: {dict(want - got)}; only PostgreSQL: "
                                 f"{dict(got - want)}; after\n{story}")
        assert time.time_ns() // 1000 - replay.t0 < 45_000_000, "the replay was too slow to compare what is wanted now"
    finally:
        conn.close()
        server.drop(name)
