"""Many people and groups straight into the files of a domain controller that is stopped, for domain.py: a program of its own,
because Samba's Python modules keep process-wide state.

    python3 domainfill.py FOLDER SMB.CONF OUT      (JSON on standard input: people_base, group_base, domain, people, members:
                                                   for each group the numbers of its people)

OUT gets a line for each person: number, objectGUID, DN."""

import json
import sys

from samba.auth import system_session
from samba.dcerpc import misc
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB


def main(folder, conf, out):
    n = json.load(sys.stdin)
    lp = LoadParm()
    lp.load(conf)
    # Without these options each addition costs as much as there is already.
    db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(lp), lp=lp,
               options=["batch_mode:1", "transaction_index_cache_size:200000"])
    dns = ["CN=p%d,%s" % (i, n["people_base"]) for i in range(n["people"])]
    db.transaction_start()
    for i, dn in enumerate(dns):
        login = "p%d" % i
        db.add({"dn": dn, "objectClass": "user", "sAMAccountName": login, "userPrincipalName": login + "@" + n["domain"],
                "displayName": "Inimene " + login, "sn": "Nimi", "givenName": "Inimene", "userAccountControl": "66048",
                "employeeNumber": "LV-%d" % (100000 + i)})
    for g, members in enumerate(n["members"]):
        db.add({"dn": "CN=g%d,%s" % (g, n["group_base"]), "objectClass": "group", "sAMAccountName": "g%d" % g,
                "member": [dns[i] for i in members]})
    db.transaction_commit()
    with open(out, "w") as f:
        for m in db.search(n["people_base"], scope=1, expression="(employeeNumber=LV-*)", attrs=["sAMAccountName", "objectGUID"]):
            f.write("%s\t%s\t%s\n" % (str(m["sAMAccountName"])[1:], ndr_unpack(misc.GUID, m["objectGUID"][0]), m.dn))


if __name__ == "__main__":
    main(*sys.argv[1:])
