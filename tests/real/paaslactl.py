"""paaslactl for tests: runs it, and holds what is true of every run: nothing that moves a terminal, and no end without a word."""
import json
import os
import subprocess
import unicodedata

import sqltown

CTL = os.path.join(os.environ["PAASLA_BUILD"], "daemon", "ctl", "paaslactl")
OK, ATTENTION, USAGE, REFUSED, NO_DB, NO_ANSWER = range(6)
# What moves the cursor, sets a title, turns the line round or hides: ESC, BEL, CSI, RLO, zero width, line separator, BOM.
HOSTILE = "A\x1b[2J\x1b]0;title\x07\x9b31m\u202edrow\u202c\u200b\u2028\ufeff\t\r\nB"


def raw(text):
    """The characters that may not go to a terminal; a line's end is ours."""
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Said:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")}


def ctl(dsn, *args, code=OK, timeout=120):
    """code None: any."""
    said = Said(subprocess.run([CTL, *(["--dsn", dsn] if dsn else []), *map(str, args)], capture_output=True, timeout=timeout,
                               env=environment(), stdin=subprocess.DEVNULL))
    if code is not None:
        assert said.code == code, "%s ended with %d:\n%s%s" % (args, said.code, said.out, said.err)
    assert not raw(said.out) and not raw(said.err), (args, said.out, said.err)
    assert said.code in (OK, ATTENTION) or said.err, "%s ended with %d and no word" % (args, said.code)
    return said


def as_(town, user):
    """paaslactl for one log-in of a copied town (sqltown.py)."""
    dsn = sqltown.server().dsn(user, town.name)
    return lambda *args, **more: ctl(dsn, *args, **more)

