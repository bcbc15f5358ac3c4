"""Makes a domain's files for sambaserver.py, without a running server: samba-tool's own steps, then the tree every test
starts from and the rights of the service account. A program of its own, because Samba's Python modules keep process-wide
state that a test process should not have.

    python3 sambatree.py FOLDER SMB.CONF NAMES.json"""

import json
import sys

from samba.auth import system_session
from samba.ndr import ndr_unpack
from samba.dcerpc import security
from samba.netcmd.dsacl import cmd_dsacl_set
from samba.param import LoadParm
from samba.samdb import SamDB


def main(folder, conf, names):
    lp = LoadParm()
    lp.load(conf)
    db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
    n = json.load(open(names))
    db.transaction_start()
    for dn in n["units"]:
        db.add({"dn": dn, "objectClass": "organizationalUnit"})
    for dn, login, password in n["accounts"]:
        # 66048: an ordinary account whose password does not expire
        db.add({"dn": dn, "objectClass": "user", "sAMAccountName": login, "userPrincipalName": login + "@" + n["domain"],
                "userAccountControl": "66048", "clearTextPassword": ('"%s"' % password).encode("utf-16-le")[2:-2]})
    # A hardened domain: nobody reads accounts merely because he has one. What the service account reads it was given.
    db.modify_ldif("dn: CN=Pre-Windows 2000 Compatible Access,CN=Builtin,%s\nchangetype: modify\ndelete: member\n"
                   "member: CN=S-1-5-11,CN=ForeignSecurityPrincipals,%s\n" % (n["suffix"], n["suffix"]))
    db.transaction_commit()
    delegate(db, n["service"], n["delegation"])


def delegate(db, service, delegation):
    """What `samba-tool dsacl set --objectdn=... --sddl=...` does."""
    found = db.search(service, scope=0, attrs=["objectSid"])
    sid = str(ndr_unpack(security.dom_sid, found[0]["objectSid"][0]))
    for dn, sddl in delegation:
        cmd_dsacl_set().add_ace(db, dn, sddl.replace("SERVICE", sid))


if __name__ == "__main__":
    main(*sys.argv[1:])
