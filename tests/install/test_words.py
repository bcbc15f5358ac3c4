"""Man pages that formatters take without a word, and completion that knows every command and option of the program."""

import glob
import os
import pty
import re
import select
import subprocess
import time

import pytest

import chapter
from test_tree import MAN, read, run

COMMANDS = {"status", "db", "hire", "depart", "grant", "plan", "why", "log"}  # some that will always be there


def paaslactl(root):
    return os.path.join(root, "usr/bin/paaslactl")


def commands(root):
    listed = re.search(r"\n\n((?:  [a-z-]+ .+\n)+)", run(paaslactl(root), "--help"))[1]
    names = re.findall(r"^  ([a-z-]+) ", listed, re.M)
    assert COMMANDS <= set(names)
    return names


# ---- man ----

def lint(page):
    """What mandoc and groff have to say; neither may say anything."""
    said = run("mandoc", "-T", "lint", "-W", "warning", page, codes=(0, 2, 3, 4))
    return said + run("groff", "-man", "-ww", "-z", "-k", page)


@pytest.mark.parametrize("page", MAN)
def test_man_page(root, page):
    path = os.path.join(root, page)
    text = read(path)
    assert lint(path) == ""
    assert text.isascii() and "@" not in text.replace("postgresql://user@", "")
    version = re.search(r"version: '([0-9.]+)'", read(chapter.TREE, "meson.build"))[1]
    assert '"Paasla %s"' % version in text
    shown = run("mandoc", "-T", "utf8", path)
    for section in ("NAME", "DESCRIPTION", "FILES", "SEE"):
        assert section in re.sub(".\b", "", shown)


def test_a_mistake_in_a_man_page_is_seen(root, tmp_path):
    page = tmp_path / "x.1"
    text = read(root, MAN[0])
    for broken in (text.replace(".SH NAME", ".SHX NAME", 1), text.replace("\\fB", "\\(zz", 1)):
        assert broken != text
        page.write_text(broken, encoding="ascii")
        assert lint(str(page)) != ""


def test_every_option_of_the_configuration_is_explained(root):
    page = re.sub(r"\\f.|\\", "", read(root, "usr/share/man/man5/paasla.conf.5"))
    sample = read(root, "etc/paasla/paasla.conf")
    names = re.findall(r"^#?([a-z_]+)(?:\.[A-Za-z]+)? = ", sample, re.M)
    assert len(set(names)) > 30
    for name in names:
        assert re.search(r"^\.TP\n%s(\.NAME)? = " % name, page, re.M), name
    for section in re.findall(r"^\[(.+)\]$", sample, re.M):
        assert "\n.SS [%s]\n" % section.replace("directory linn", "directory NAME").replace(" ", " ") in page


def test_every_command_is_explained(root):
    page = re.sub(r"\\f.|\\", "", read(root, "usr/share/man/man1/paaslactl.1"))
    for name in commands(root):
        part = re.search(r"^\.SS %s\n(.+?)(?=^\.S[SH])" % re.escape(name), page, re.S | re.M)[1]
        said = run(paaslactl(root), name, "--help")
        for option in re.findall(r"^  (--[a-z0-9-]+)", said, re.M):
            assert re.search(r"^\.TP\n%s\b" % option, part, re.M), (name, option)
        assert "paaslactl " + name in part and ".EX\n" in part
    assert [int(code) for code in re.findall(r"^\.TP\n(\d)\n", page, re.M)] == list(range(6))


# ---- completion ----

BASH = """
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_paaslactl
[ "${#COMPREPLY[@]}" -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(root, *words):
    """What bash offers for the last word; an = is a word of its own, as bash has it."""
    split = [part for word in words for part in (re.split("(=)", word) if word.startswith("--") else [word])]
    if len(split) > len(words) and split[-1] == "":
        split.pop()
    script = os.path.join(root, "usr/share/bash-completion/completions/paaslactl")
    return run("bash", "--norc", "-u", "-c", BASH, "bash", script, "paaslactl", *split).split()


def test_bash_is_told_where_to_ask(root):
    script = os.path.join(root, "usr/share/bash-completion/completions/paaslactl")
    assert run("bash", "--norc", "-c", '. "$1"; complete -p paaslactl', "bash", script) == "complete -F _paaslactl paaslactl\n"


def test_bash_completes(root):
    assert bash(root, "") == commands(root) + ["help"]
    assert bash(root, "stat") == ["status"]
    assert bash(root, "--dsn", "dbname=x", "--json", "dep") == ["depart"]
    assert bash(root, "--dsn=dbname", "hi") == ["hire"]
    assert bash(root, "help", "gra") == ["grant"]
    assert bash(root, "--js") == ["--json"]
    assert bash(root, "db", "") == ["migrate", "status"]
    assert bash(root, "plan", "--timeout", "5", "a") == ["approve"]
    assert bash(root, "plan", "--timeout=5", "l") == ["list"]
    assert bash(root, "depart", "1042", "--r") == ["--ref"]
    # What nobody but the user knows is not guessed at.
    for words in (["depart", ""], ["depart", "1042", "--ref", ""], ["depart", "--ref="], ["db", "migrate", ""], ["nothing", "--"]):
        assert bash(root, *words) == []


def test_what_is_offered_is_taken(root):
    """And what the source reads is offered."""
    offered = set()
    for name in commands(root):
        options = bash(root, name, "--")
        assert {"--json", "--help"} <= set(options)
        for option in set(options) - {"--json", "--help"}:
            offered.add(option)
            p = subprocess.run([paaslactl(root), name, option, "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={"PGHOST": "/nowhere"}, timeout=120)
            assert p.returncode in (2, 4) and "has no option" not in p.stdout.decode(), (name, option, p.stdout)
    read_by_source = set()
    for path in glob.glob(os.path.join(chapter.TREE, "daemon/ctl/cmd_*.c")):
        read_by_source |= set(re.findall(r'ctl_(?:option|flag|option_number)\(&?a, "(--[a-z0-9-]+)"', read(path)))
    assert len(read_by_source) > 15 and read_by_source <= offered


class Zsh:
    """An interactive zsh on a terminal of its own."""

    def __init__(self, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", LC_ALL="C.UTF-8", COLUMNS="200", ZDOTDIR="/nonexistent")
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.said = ""
        self.type("fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D; setopt auto_list; unsetopt beep; PS1='> '\n"
                  "echo READ''Y\n" % folder)
        self.wait("READY\r\n")

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            assert time.monotonic() < end, "zsh does not say %r: %r" % (pattern, self.said)
            if select.select([self.fd], [], [], 0.1)[0]:
                self.said += os.read(self.fd, 65536).decode("utf-8", errors="replace")

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.mark.parametrize("line, shown", [
    ("paaslactl stat", "paaslactl status"), ("paaslactl ", "db +-- make or update"), ("paaslactl db ", "migrate +status"),
    ("paaslactl --json depart 1042 --l", "--last-day +-- the last working day"), ("paaslactl help gr", "paaslactl help grant")])
def test_zsh_completes(root, line, shown):
    zsh = Zsh(os.path.join(root, "usr/share/zsh/vendor-completions"))
    try:
        zsh.type(line + "\t")
        zsh.wait(shown)
    finally:
        zsh.close()
