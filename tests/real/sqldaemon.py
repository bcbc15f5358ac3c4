"""The daemon's statements as short words, for the tests of sql/."""

import json


def load(town, kind="urgent", limit=100, named=3, persons=(), directories=("linn", "kool"), per_hour=20, passed_us=0):
    return [[c for c in r] for r in town.query("load_work", kind, list(directories), limit, named, list(persons), per_hour, passed_us)]


def only(rows, kind):
    return [r for r in rows if r[0] == kind]


def account(town, no, directory="linn", purpose="personal", state=None):
    got = town.query("reserve", directory, town.person(no), purpose, [no + "a", no + "b"])[0]
    if state:
        town.rows("UPDATE paasla.account SET state = %s WHERE account_id = %s", state, got[0])
    return got


def settle(town, no, acc, state, directory="linn", purpose="personal", seqs=None, **more):
    who = town.person(no)
    if seqs is None:
        seqs = [r[0] for r in town.rows("SELECT seq FROM paasla.dirty WHERE person_id = %s AND directory = %s", who, directory)]
    told = dict(person_id=who, directory=directory, purpose=purpose, account_id=acc, state=state, row=0, sentence="", native_id="", dn="",
                intents=[], memberships=[], findings=[], resolved=[], changed_at_us=0, locked_at_us=0, out_at_us=0, seqs=seqs,
                retry_after_us=0, retry_reason="")
    told.update(more)
    town.query("settle", json.dumps(told))


def intend(town, no, acc, op, group=0, directory="linn", purpose="personal", put_back=False):
    return town.query("intents", json.dumps([dict(account_id=acc, person_id=town.person(no), directory=directory, purpose=purpose,
                                                  role_group_id=group, op=op, row=330, put_back=put_back)]))[0][0]


def hold(town, digest, items, preview=False, control=0, seqs=(), directory="linn"):
    return town.query("hold", json.dumps(dict(directory=directory, preview=preview, control_id=control, digest=digest, why="too many",
                                              locks=len(items), removals=0, items=items, seqs=list(seqs))))[0][0]


def item(town, no, acc, op="close", group=0):
    return dict(person_id=town.person(no), account_id=acc, purpose="personal", role_group_id=group, op=op, row=330)
