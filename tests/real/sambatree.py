"""Works on a domain's files for sambaserver.py: a program of its own, because Samba's Python modules keep process-wide
state that a test process should not have.

    python3 sambatree.py tree FOLDER SMB.CONF      (JSON on standard input: what every test starts from)
    python3 sambatree.py people FOLDER SMB.CONF    (JSON: many people and a group of them; the server must be stopped)
    python3 sambatree.py deleted FOLDER SMB.CONF   (JSON: the service account may read what was deleted)
    python3 sambatree.py life FOLDER SMB.CONF      (JSON: the server gets another invocationId, another server has the former
                                                    one; it must be stopped)"""

import json
import sys
import uuid

import ldb
from samba.auth import system_session
from samba.netcmd.dsacl import cmd_dsacl_set
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils


def tree(db, n):
    db.transaction_start()
    for dn in n["units"]:
        db.add({"dn": dn, "objectClass": "organizationalUnit"})
    for dn, login, password in n["accounts"]:
        # 66048: an ordinary account whose password does not expire
        db.add({"dn": dn, "objectClass": "user", "sAMAccountName": login, "userPrincipalName": login + "@" + n["domain"],
                "userAccountControl": "66048", "clearTextPassword": password.encode("utf-16-le")})
    # A hardened domain: nobody reads accounts merely because he has one. What the service account reads it was given.
    db.modify_ldif("dn: CN=Pre-Windows 2000 Compatible Access,CN=Builtin,%s\nchangetype: modify\ndelete: member\n"
                   "member: CN=S-1-5-11,CN=ForeignSecurityPrincipals,%s\n" % (n["suffix"], n["suffix"]))
    db.transaction_commit()
    sid = str(SDUtils(db).get_object_sid(n["service"]))
    for dn, sddl in n["delegation"]:
        cmd_dsacl_set().add_ace(db, dn, sddl.replace("SERVICE", sid))  # the work of `samba-tool dsacl set`


def people(db, n):
    db.transaction_start()
    names = ["p%d" % i for i in range(n["first"], n["first"] + n["count"])]
    dns = ["CN=%s,%s" % (name, n["people"]) for name in names]
    for name, dn in zip(names, dns):
        db.add({"dn": dn, "objectClass": "user", "sAMAccountName": name, "userPrincipalName": name + "@" + n["domain"],
                "displayName": "Inimene " + name[1:], "employeeNumber": "T-" + name[1:], "userAccountControl": "66048"})
    if n["group"]:
        db.add({"dn": n["group"], "objectClass": "group", "sAMAccountName": n["group"][3:].split(",")[0], "member": dns})
    db.transaction_commit()


def deleted(db, n):
    sd = SDUtils(db)
    sd.dacl_prepend_aces("CN=Deleted Objects," + n["suffix"], "(A;CI;LCRP;;;%s)" % sd.get_object_sid(n["service"]),
                         controls=["show_deleted:1"])


def life(db, n):
    mine, servers = "CN=NTDS Settings,CN=DC1," + n["servers"], n["servers"]
    former = db.search(mine, ldb.SCOPE_BASE, attrs=["invocationId"])[0]["invocationId"][0]
    message = ldb.Message(ldb.Dn(db, mine))
    message["x"] = ldb.MessageElement(uuid.UUID(n["life"]).bytes_le, ldb.FLAG_MOD_REPLACE, "invocationId")
    db.modify(message, controls=["relax:0"])
    if n["other"]:
        other = "CN=%s,%s" % (n["other"], servers)
        db.add({"dn": other, "objectClass": "server"}, controls=["relax:0"])
        db.add({"dn": "CN=NTDS Settings," + other, "objectClass": "nTDSDSA", "invocationId": former}, controls=["relax:0"])


def main(what, folder, conf):
    lp = LoadParm()
    lp.load(conf)
    # Without these options each addition costs as much as there is already.
    options = ["batch_mode:1", "transaction_index_cache_size:200000"] if what == "people" else []
    db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(lp), lp=lp, options=options)
    {"tree": tree, "people": people, "deleted": deleted, "life": life}[what](db, json.load(sys.stdin))


if __name__ == "__main__":
    main(*sys.argv[1:])
