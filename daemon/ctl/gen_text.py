"""Writes what is said about paaslactl's commands elsewhere than in its --help: gen_text.py PROGRAM KIND [TEMPLATE VERSION]

KIND is man (the man page, from the template), bash or zsh (completion). Everything comes from the program's own table of
commands, as its --help prints it; a --help that looks otherwise than expected ends the build."""

import re
import subprocess
import sys
from collections import namedtuple

Option = namedtuple("Option", "name value optional text")  # value: "" for a flag
Command = namedtuple("Command", "name summary usage verbs options notes examples")


def run(program, *args):
    return subprocess.run([program, *args], check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode("utf-8")


def need(pattern, text, what):
    found = re.search(pattern, text, re.S | re.M)
    if not found:
        sys.exit("gen_text.py: %s is not there or looks otherwise in:\n%s" % (what, text))
    return found


def read_options(lines, usage=""):
    """Options with their text, and the lines that are about none."""
    options, notes = [], []
    for line in lines:
        found = re.match(r"  (--[a-z][a-z0-9-]*)(?: (\[?)([A-Z][A-Z0-9_]*)\]?)?(?:\s\s+(.*))?$", line)
        if found:
            options.append(Option(found[1], found[3] or "", found[2] == "[", [found[4] or ""]))
        elif options and re.match(r"\s{4}", line) and not notes:
            options[-1].text.append(line.strip())
        elif line.strip().startswith("--"):
            sys.exit("gen_text.py: this is no option as they all are: %r" % line)
        else:
            notes.append(line.strip())
    for name, value in re.findall(r"(--[a-z][a-z0-9-]*)(?: ([A-Z][A-Z0-9_]*))?", usage):
        if name not in [o.name for o in options]:
            options.append(Option(name, value, False, [""]))
    return options, notes


def alternatives(usage):
    """Split at " | ", except inside brackets."""
    forms, depth = [""], 0
    for i, c in enumerate(usage):
        depth += (c == "[") - (c == "]")
        if depth == 0 and usage[i:i + 3] == " | ":
            forms.append("")
        else:
            forms[-1] += c
    return [form.removeprefix("| ").removeprefix(" | ") for form in forms]


def read_command(program, name):
    text = run(program, name, "--help")
    head = need(r"\A(.+?)\n\nUsage: paaslactl (.+?)\n\n(?:Options:\n(.+?)\n\n)?Examples:\n(.+)\Z", text, "help of " + name)
    summary, usage, options, examples = head.groups()
    forms = [form.split() for form in alternatives(usage)]
    if any(form[0] != name for form in forms):
        sys.exit("gen_text.py: a usage of %s does not begin with its name: %s" % (name, usage))
    verbs = [form[1] for form in forms if len(form) > 1 and re.fullmatch(r"[a-z][a-z-]*", form[1])]
    options, notes = read_options((options or "").split("\n"), usage)
    return Command(name, summary, forms, verbs, options, notes, [e.strip() for e in examples.strip().split("\n")])


class Table:
    def __init__(self, program):
        text = run(program, "--help")
        self.title, listed = need(r"\A(.+?)\n\nUsage: .+?\n\n(.+?)\n\nOptions of all commands:", text, "list").groups()
        self.options, _ = read_options(need(r"^Options of all commands:\n(.+?)\n\n", text, "options")[1].split("\n"))
        exits = need(r"^Exit codes: (.+?)\.\n\n", text, "exit codes")[1].replace("\n", " ")
        self.exits = re.findall(r"(\d+) (.+?)(?:, (?=\d+ )|$)", exits)
        names = [need(r"^  ([a-z][a-z-]*) ", line, "command")[1] for line in listed.split("\n")]
        self.commands = [read_command(program, name) for name in names]


# ---- man(7) ----

def escape(text, literal=False):
    """ASCII that every formatter reads. What is typed has minus signs; running text only where an option begins."""
    text = text.replace("\\", "\0")
    text = text.replace("-", "\\-") if literal else re.sub(r"(?<![A-Za-z0-9])-", r"\\-", text)
    for plain, name in (("'", "(aq"), ("`", "(ga"), ('"', "(dq"), ("^", "(ha"), ("~", "(ti"), ("\0", "(rs")):
        text = text.replace(plain, "\\" + name)
    text = "".join(c if ord(c) < 128 else "\\[u%04X]" % ord(c) for c in text)
    return "\\&" + text if text.startswith(".") else text


def bold(text):
    return "\\fB" + escape(text, True) + "\\fR"


def running(text):
    """`words` between backquotes are bold, a sentence begins on a line of its own."""
    parts = text.split("`")
    parts = [bold(p) if i % 2 else re.sub(r"([.!?]) (?=[A-Z])", r"\1\n", escape(p)) for i, p in enumerate(parts)]
    return "".join(parts)


def sentence(text):
    text = text[:1].upper() + text[1:]
    return running(text if text[-1:] in ".!?" else text + ".")


def typed(words):
    """A form of usage: what is to be replaced in italics, what is typed in bold, brackets as they are."""
    out = []
    for word in words:
        before, core, after = re.fullmatch(r"(\[?)(.*?)(\]?)", word).groups()
        place = re.fullmatch(r"[A-Z][A-Z0-9_]*|options", core)
        out.append(before + ("\\fI%s\\fR" % escape(core, True) if place else bold(core)) + after)
    return " ".join(out)


def man_options(options):
    out = []
    for o in options:
        value = "\\fI%s\\fR" % o.value if o.value else ""
        out += [".TP", bold(o.name) + (" [%s]" % value if o.optional else " " + value if value else ""),
                running(" ".join(o.text).strip() or "See above.")]
    return out


def man_command(c):
    out = [".SS " + c.name, sentence(c.summary)]
    for form in c.usage:
        out += [".PP" if form is c.usage[0] else ".br", bold("paaslactl") + " " + typed(form)]
    out += man_options(c.options)
    notes = re.sub(r"\n\n+", "\n.PP\n", running("\n".join(c.notes).strip()))
    out += [".PP", notes] if notes else []
    return out + [".PP", "Examples:" if c.examples[1:] else "Example:", ".PP", ".EX"] + [escape(e, True) for e in c.examples] + [".EE"]


def man(table, template, version):
    marks = {"@OPTIONS@": man_options(table.options),
             "@EXITS@": [line for code, text in table.exits for line in (".TP", bold(code), sentence(text))],
             "@COMMANDS@": [line for c in table.commands for line in man_command(c)]}
    with open(template, encoding="ascii") as f:
        text = f.read().replace("@VERSION@", version)
    for mark, lines in marks.items():
        if text.count("\n%s\n" % mark) != 1:
            sys.exit("gen_text.py: %s does not hold one line %s" % (template, mark))
        text = text.replace("\n%s\n" % mark, "\n%s\n" % "\n".join(lines))
    return text


# ---- completion ----

def names(options, values=None):
    """All options, or only those that (do not) have a value of their own."""
    return [o.name for o in options if values is None or values == bool(o.value and not o.optional)]


BASH = """\
# bash completion for paaslactl, made from its own table of commands when it was built.
_paaslactl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cmd= n=0 i verbs options valued
    [ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]} # --name=value comes as three words
    [ "$cur" = = ] && cur=
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --dsn) [ "${COMP_WORDS[++i]}" != = ] || ((i++)) ;;
            -* | help) ;;
            *) cmd=${COMP_WORDS[i]} && break ;;
        esac
    done
    case $cmd in
        '')
            verbs='@COMMANDS@'
            options='@OPTIONS@'
            valued=' @VALUED@ ' ;;
@CASES@
        *) return ;;
    esac
    for ((i++; i < COMP_CWORD; i++)); do # how many words stand behind the command
        case " ${COMP_WORDS[i]} " in
            " -"*) case $valued in *" ${COMP_WORDS[i]} "*) [ "${COMP_WORDS[++i]}" != = ] || ((i++)) ;; esac ;;
            *) ((n++)) ;;
        esac
    done
    case $valued in *" $prev "*) return ;; esac
    case $cur in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
        *) [ "$n" -gt 0 ] || mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
    esac
}
complete -F _paaslactl paaslactl
"""


def bash(table):
    cases = []
    for c in table.commands:
        cases += ["        %s)" % c.name, "            verbs='%s'" % " ".join(c.verbs),
                  "            options='%s'" % " ".join(names(c.options) + ["--json", "--help"]),
                  "            valued=' %s ' ;;" % " ".join(names(c.options, True))]
    out = BASH.replace("@COMMANDS@", " ".join([c.name for c in table.commands] + ["help"]))
    out = out.replace("@OPTIONS@", " ".join(names(table.options))).replace("@VALUED@", " ".join(names(table.options, True)))
    return out.replace("@CASES@", "\n".join(cases))


def quoted(text):
    """Inside '...' of zsh, where : [ and ] have a meaning for _arguments."""
    return re.sub(r"([\\:\[\]])", r"\\\1", text).replace("'", "'\\''")


def zsh_option(o):
    value = "%s%s: " % ("::" if o.optional else ":", o.value) if o.value else ""
    return "'%s[%s]%s'" % (o.name, quoted(" ".join(o.text).strip()), value)


def zsh(table):
    out = ["#compdef paaslactl", "# zsh completion for paaslactl, made from its own table of commands when it was built.",
           "_paaslactl()", "{", "    local -a commands=("]
    out += ["        '%s:%s'" % (c.name, quoted(c.summary)) for c in table.commands]
    out += ["        'help:what a command takes, with examples'", "    )", "    local state", "    _arguments -C \\"]
    out += ["        %s \\" % zsh_option(o) for o in table.options]
    out += ["        '1:command:->command' '*::argument:->arguments' && return", "    case $state in",
            "        command) _describe command commands ;;", "        arguments)", "            case $words[1] in"]
    for c in table.commands:
        first = "'1:verb:(%s)'" % " ".join(c.verbs) if c.verbs else "'1: '"
        out += ["                %s)" % c.name, "                    _arguments \\"]
        out += ["                        %s \\" % zsh_option(o) for o in c.options]
        out += ["                        '--json[print JSON]' '--help[what it takes]' %s '*: ' ;;" % first]
    out += ["                help) _describe command commands ;;", "            esac ;;", "    esac", "}", '_paaslactl "$@"']
    return "\n".join(out) + "\n"


def main():
    program, kind = sys.argv[1:3]
    table = Table(program)
    kinds = {"man": lambda: man(table, *sys.argv[3:5]), "bash": lambda: bash(table), "zsh": lambda: zsh(table)}
    sys.stdout.buffer.write(kinds[kind]().encode("utf-8"))


if __name__ == "__main__":
    main()
