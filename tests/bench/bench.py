"""Measures paaslad against its peers, interleaved in one run, and prints the table of README. Nothing is asserted."""
import datetime
import os
import sys
import traceback

import bed
import bulk
import departures
import domain
import outside

MEASURES = {"departures": departures.one_by_one, "list": departures.as_one_list, "outside": outside.change,
            "compare": bulk.compare, "entitlement": bulk.entitlement, "provisioning": bulk.provisioning, "idle": bulk.idle,
            "profile": departures.profile, "samba": domain.departures, "samba-compare": domain.compare,
            "samba-profile": domain.profile, "found": outside.found}


def main(args):
    quick = "--quick" in args
    names = [a for a in args if not a.startswith("-")] or list(MEASURES)
    for name in names:
        if name not in MEASURES:
            sys.exit("bench: there is no measure %s; there are %s" % (name, ", ".join(MEASURES)))
    print("%s, %d processors, load %s%s" % (datetime.date.today(), os.cpu_count(), os.getloadavg()[0], ", quick" if quick else ""))
    print("| what | Pääsla | against | ratio | to reach | reached |\n|---|---|---|---|---|---|", flush=True)
    failed = 0
    for name in names:
        try:
            MEASURES[name](quick)
        except Exception:  # one measure that breaks does not hide the others
            traceback.print_exc()
            failed = 1
    print("\n" + "\n".join(bed.ROWS))
    return failed


sys.exit(main(sys.argv[1:]))
