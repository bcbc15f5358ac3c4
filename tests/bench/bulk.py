"""Much at once: first provisioning, a full compare with nothing to do, the view of entitlements, an idle daemon."""
import os
import random
import subprocess
import time

from bed import GROUPS, PEOPLE, BenchTown, SlapdServer, absolute, add_groups, closing, median, row, tool, until


def memory(pid):
    """Kilobytes: highest resident set so far, anonymous now."""
    with open("/proc/%d/status" % pid) as f:
        values = dict(line.split(":", 1) for line in f)
    return int(values["VmHWM"].split()[0]), int(values["RssAnon"].split()[0])


def provisioning(quick):
    people, groups = (500, 10) if quick else (10000, 10)
    with closing(BenchTown(people, groups=groups, first_password="none")) as town:
        town.load()
        town.sql("ANALYZE")
        peer = SlapdServer(tls=False, fsync=True)
        peer.start()
        with closing(peer, "remove"):
            add_groups(peer, groups)
            add, change = os.path.join(town.dir, "add.ldif"), os.path.join(town.dir, "members.ldif")
            with open(add, "w") as f:
                f.write("".join("dn: uid=p%d,%s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: Inimene %d\nsn: Nimi\nemployeeNumber: LV-%d\n\n"
                                % (n, PEOPLE, n, n, n) for n in range(people)))
            with open(change, "w") as f:
                for g in range(groups):
                    for first in range(0, people, 500):
                        f.write("dn: cn=r%d,%s\nchangetype: modify\nadd: member\n%s\n" % (g, GROUPS, "".join(
                            "member: uid=p%d,%s\n" % (n, PEOPLE) for n in range(first, min(first + 500, people)))))
            login = ["-H", peer.ldapi, "-x", "-D", peer.service_dn, "-w", peer.password]
            began = time.time()
            tool("ldapadd", *login, "-f", add)
            tool("ldapmodify", *login, "-f", change)
            theirs = time.time() - began
        began = time.time()
        town.start()
        until(lambda: town.one("SELECT count(*) FROM paasla.membership WHERE present") == people * groups and town.quiet(), 1800)
        row("first provisioning, %d people, %d memberships" % (people, people * groups), time.time() - began, theirs, 3, "s")


def fill(town, people, groups, per_person):
    """Directory and database as after a first provisioning, by slapadd and COPY-sized statements."""
    town.ldap.stop()
    chosen = random.Random(1)
    members = [[] for _ in range(groups)]
    ldif = os.path.join(town.dir, "town.ldif")
    with open(ldif, "w") as f:
        for n in range(people):
            f.write("dn: uid=p%d,%s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: Inimene %d\nsn: Nimi\nemployeeNumber: LV-%d\n"
                    "entryUUID: %08x-0000-4000-8000-000000000000\n\n" % (n, PEOPLE, n, n, 100000 + n, n + 1))
            for g in chosen.sample(range(groups), per_person):
                members[g].append(n)
        for g in range(groups):
            f.write("dn: cn=g%d,%s\nobjectClass: groupOfNames\ncn: g%d\n%s\n" % (g, GROUPS, g, "".join(
                "member: uid=p%d,%s\n" % (n, PEOPLE) for n in members[g])))
    os.chmod(town.dir, 0o755)
    subprocess.run(["slapadd", "-q", "-f", town.ldap.config, "-l", ldif], check=True, **town.ldap._as_user())
    town.ldap.start()
    fill_database(town, members, people, "lpad(to_hex(n + 1), 8, '0') || '-0000-4000-8000-000000000000'", "'uid=p' || n || ',%s'" % PEOPLE,
                  "'cn=' || role_code || ',%s'" % GROUPS)
    return max(len(m) for m in members)


def fill_database(town, members, people, native_id, dn, group_dn, known=()):
    """members: of each group the numbers of its people. The rest is SQL: of person n its account's id and DN, of a role its
    group. known: rows (n, id, DN) of a temporary table of that name."""
    groups = len(members)
    conn = town.pg.connect()
    cur = conn.cursor()
    cur.execute("SET session_replication_role = replica")  # the rules were kept when these rows were made by them
    cur.execute("INSERT INTO paasla.register_role (register_code, role_code, name, mode) SELECT 'NAS', 'g' || n, 'g' || n, 'enforce'"
                " FROM generate_series(0, %d) n" % (groups - 1))
    cur.execute("INSERT INTO paasla.role_group (role_id, directory, group_dn) SELECT role_id, 'linn', " + group_dn +
                " FROM paasla.register_role WHERE role_code LIKE 'g%'")
    cur.execute("CREATE TEMPORARY TABLE known (n int, id text, dn text)")
    cur.executemany("INSERT INTO known VALUES (%s, %s, %s)", known)
    cur.execute("INSERT INTO paasla.person (given_name, family_name) SELECT 'Inimene', 'Nimi' FROM generate_series(1, %d)" % people)
    cur.execute("INSERT INTO paasla.employment (person_id, institution, employee_no, period) SELECT person_id, 'LV',"
                " (99999 + row_number() OVER (ORDER BY person_id))::text, tstzrange(now() - interval '1 year', NULL) FROM paasla.person")
    cur.execute("INSERT INTO paasla.employee_number (institution, employee_no, person_id) SELECT institution, employee_no, person_id"
                " FROM paasla.employment")
    cur.execute("INSERT INTO paasla.account (person_id, directory, purpose, login, native_id, dn, state) SELECT person_id, 'linn',"
                " 'personal', 'p' || n, %s, %s, 'open' FROM (SELECT person_id, row_number() OVER (ORDER BY person_id) - 1 AS n"
                " FROM paasla.person) x" % (native_id, dn))
    cur.execute("CREATE TEMPORARY TABLE m (g int, n int)")
    path = os.path.join(town.dir, "m.csv")
    with open(path, "w") as f:
        for g in range(groups):
            f.writelines("%d\t%d\n" % (g, n) for n in members[g])
    with open(path) as f:
        cur.copy_from(f, "m")
    for table, columns, values in (
            ("access_grant", "(person_id, role_id, valid, reference)", "a.person_id, r.role_id, tstzrange(now() - interval '1 day', NULL), 'KK-1'"),
            ("membership", "(account_id, role_group_id, present)", "a.account_id, rg.role_group_id, true")):
        cur.execute("INSERT INTO paasla.%s %s SELECT %s FROM m JOIN paasla.account a ON a.login = 'p' || m.n"
                    " JOIN paasla.register_role r ON r.role_code = 'g' || m.g JOIN paasla.role_group rg USING (role_id)"
                    % (table, columns, values))
    cur.execute("SET session_replication_role = origin")
    cur.execute("UPDATE paasla.directory_total SET open_accounts = %s, memberships = %s WHERE directory = 'linn'",
                (people, sum(map(len, members))))
    cur.execute("ANALYZE")
    conn.close()


def compare(quick):
    people, groups, per_person = (5000, 50, 10) if quick else (100000, 200, 10)
    with closing(BenchTown(0, groups=0, first_password="none")) as town:
        largest = fill(town, people, groups, per_person)
        login = ["-H", town.ldap.ldapi, "-x", "-D", town.ldap.service_dn, "-w", town.ldap.password, "-LLL", "-o", "ldif-wrap=no"]
        town.start()
        done = lambda: town.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'")
        until(lambda: done() >= 1 and town.quiet(), 600, "the first compare:\n" + town.said()[-1000:])
        ours, theirs = [], []
        for _ in range(3):
            before = done()
            began = time.time()
            town.sql("SELECT paasla.ask('sync')")
            until(lambda: done() > before, 600)
            ours.append(time.time() - began)
            began = time.time()
            tool("ldapsearch", *login, "-E", "pr=500/noprompt", "-b", PEOPLE, "(objectClass=*)", "*", "+")
            tool("ldapsearch", *login, "-b", GROUPS, "(objectClass=*)", "member")
            search = time.time() - began
            began = time.time()
            with open("/dev/null", "w") as null:
                town.pg.connect().cursor().copy_expert("COPY (SELECT * FROM paasla.entitlement) TO STDOUT", null)
            theirs.append(max(search, time.time() - began))
        print(town.one("SELECT last_compare_text FROM paasla.directory"))
        row("full compare, nothing to do, %d people, %d memberships" % (people, people * per_person), median(ours), median(theirs),
            1.5, "s")
        limit = 32 * 1024 + 150 * people / 1024 + largest * 60 / 1024
        absolute("the same, highest memory", memory(town.process.pid)[0] / 1024, limit / 1024, "MiB",
                 "≤ 32 MiB + 150 B a person + the largest group")


def loops_over(plan, table, inside=False):
    """Whether some nested loop reads the table, on whichever side."""
    inside = inside or plan["Node Type"] == "Nested Loop"
    return inside and plan.get("Relation Name") == table or any(loops_over(p, table, inside) for p in plan.get("Plans", []))


def entitlement(quick):
    current, ended = (20000, 80000) if quick else (1000000, 4000000)
    with closing(BenchTown(0, groups=0)) as town:
        people = current // 10
        fill(town, people, 50 if quick else 200, 10)
        conn = town.pg.connect()
        cur = conn.cursor()
        cur.execute("SET session_replication_role = replica")
        cur.execute("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference) SELECT g.person_id, g.role_id,"
                    " tstzrange(now() - (i * 10 + 20) * interval '1 day', now() - (i * 10 + 15) * interval '1 day'), 'KK-1'"
                    " FROM paasla.access_grant g, generate_series(1, %d) i" % (ended // current))
        cur.execute("SET session_replication_role = origin")
        cur.execute("VACUUM ANALYZE")
        def timed(sql):
            best = []
            for _ in range(3):
                began = time.time()
                with open("/dev/null", "w") as null:
                    cur.copy_expert("COPY (%s) TO STDOUT" % sql, null)
                best.append(time.time() - began)
            return median(best)
        base = timed("SELECT person_id, role_id, valid FROM paasla.access_grant WHERE valid @> now()")
        row("paasla.entitlement, %d current, %d ended grants, unordered" % (current, ended), timed("SELECT * FROM paasla.entitlement"), base, 3, "s")
        row("the same, ordered", timed("SELECT * FROM paasla.entitlement ORDER BY person_id, role_group_id"), base, 5, "s")
        one = median([timed("SELECT * FROM paasla.entitlement WHERE person_id = %d" % (1000 + i)) for i in range(20)])
        absolute("the same, one person", one * 1000, 2, "ms", "≤ 2 ms")
        cur.execute("EXPLAIN (FORMAT JSON) SELECT * FROM paasla.entitlement")
        print("nested loop over grants in its plan: %s" % ("yes" if loops_over(cur.fetchone()[0][0]["Plan"], "access_grant") else "no"))


def idle(quick):
    with closing(BenchTown(1000, first_password="none", poll_s=3600)) as town:  # so that nothing wakes it but what should not
        town.load()
        town.start()
        town.settled(600)
        before = town.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'")
        town.sql("SELECT paasla.ask('sync')")
        until(lambda: town.one("SELECT count(*) FROM audit.event WHERE action = 'compare.done'") > before)
        time.sleep(15)
        seconds = 30 if quick else 120
        wake = lambda: sum(int(line.split()[1]) for line in open("/proc/%d/status" % town.process.pid) if "voluntary_ctxt" in line)
        first = wake()
        time.sleep(seconds)
        woken = wake() - first
        absolute("idle, 1,000 people, woken in %d s, with no timer due" % seconds, woken, 10, "times", "keep-alive and nothing else")
        absolute("idle, 1,000 people, anonymous memory", memory(town.process.pid)[1] / 1024, 12, "MiB", "≤ 12 MiB")
