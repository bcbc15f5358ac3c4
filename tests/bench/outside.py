"""A change by somebody else: when a program that only holds the search open hears of it, and when our finding stands."""
import os
import subprocess
import threading
import time

from bed import BUILD, GROUPS, BenchTown, absolute, closing, median, until


def change(quick):
    n = 20 if quick else 200
    with closing(BenchTown(n, groups=10, grants=False)) as town:
        town.load()
        town.start()
        town.settled(300)
        until(lambda: "live watch: begun" in town.said())
        time.sleep(2)
        holder = subprocess.Popen([os.path.join(BUILD, "tests", "bench", "holder"), town.ldap.ldapi, town.ldap.service_dn,
                                   town.ldap.password, GROUPS], stdout=subprocess.PIPE, text=True)
        heard, ready = [], threading.Event()

        def read():
            for line in holder.stdout:
                if "ready" in line:
                    ready.set()
                elif ready.is_set():
                    heard.append(float(line.split()[0]))
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert ready.wait(20)
        dns = [r[0] for r in town.sql("SELECT dn FROM paasla.account ORDER BY account_id")]
        for i, dn in enumerate(dns):
            town.ldap.modify("dn: cn=r%d,%s\nchangetype: modify\nadd: member\nmember: %s\n" % (i % 4, GROUPS, dn))
            time.sleep(0.1)
        until(lambda: len(heard) == n and town.one("SELECT count(*) FROM paasla.finding WHERE kind = 'drift_member_added'") == n, 30)
        holder.terminate()
        found = [float(r[0]) for r in town.sql("SELECT extract(epoch FROM first_at) FROM paasla.finding"
                                               " WHERE kind = 'drift_member_added' ORDER BY finding_id")]
        late = [(f - h) * 1000 for f, h in zip(sorted(found), sorted(heard))]
        absolute("change by somebody else → finding, later than a held search hears of it, median", median(late), 10, "ms", "≤ 10 ms more")
