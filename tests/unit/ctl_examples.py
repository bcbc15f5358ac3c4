#!/usr/bin/env python3
"""Every verb of paaslactl teaches itself: its help has two or three examples, and each of them is a command that paaslactl
takes - it ends only because there is no database (4), not because of its words (2); what asks no database, because there is no
configuration. usage: ctl_examples.py PAASLACTL"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

USAGE, NO_DB = 2, 4


def run(args, cwd):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    env["PGHOST"] = os.path.join(cwd, "nobody-listens-here")
    return subprocess.run(args, capture_output=True, text=True, timeout=30, env=env, cwd=cwd, stdin=subprocess.DEVNULL)


def examples(text):
    """The lines below "Examples:", without what a pipe or a redirection adds."""
    found = []
    for line in text.split("\nExamples:\n", 1)[1].rstrip("\n").split("\n"):
        assert line.startswith("  paaslactl "), "not an example: %r" % line
        words = list(shlex.shlex(line.strip(), posix=True, punctuation_chars="|<>&;"))
        found.append(words[:next((i for i, w in enumerate(words) if w in ("|", ">", "&&", ";")), len(words))])
    return found


def main(ctl):
    bad = []
    with tempfile.TemporaryDirectory() as cwd:
        top = run([ctl, "--help"], cwd).stdout
        verbs = re.findall(r"^  ([a-z-]+) +\S", top.split("Options of all")[0], re.M)
        assert len(verbs) > 10, top
        for verb in [None] + verbs:
            said = run([ctl] + ([verb] if verb else []) + ["--help"], cwd)
            shown = examples(said.stdout)
            if said.returncode != 0 or not 2 <= len(shown) <= 3:
                bad.append("%s: %d examples, exit %d" % (verb, len(shown), said.returncode))
            used = set()
            for words in shown:
                done = run([ctl] + words[1:], cwd)
                used |= set(words) & set(verbs)
                ended = (USAGE, "paasla.conf") if "--selftest" in words else (NO_DB, "cannot reach the database")
                if done.returncode != ended[0] or ended[1] not in done.stderr or done.stdout:
                    bad.append("%s: %s ended with %d: %s" % (verb, " ".join(words), done.returncode, done.stderr))
            if verb and verb not in used:
                bad.append("%s: no example uses it" % verb)
        if os.listdir(cwd):
            bad.append("left behind: %s" % os.listdir(cwd))
        wrong = run([ctl, "depart"], cwd)
        assert wrong.returncode == 2, "this test could not see a wrong word: %d" % wrong.returncode
    print("\n".join(bad) or "%d verbs" % len(verbs))
    return 1 if bad else 0


sys.exit(main(os.path.abspath(sys.argv[1])))
