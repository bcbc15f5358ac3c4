"""README's chapter Install, taken apart: what an administrator types is what the tests type."""

import os
import re
import sys

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def text():
    with open(os.path.join(TREE, "README.md"), encoding="utf-8") as f:
        found = re.search(r"^## Install\n(.+?)^## ", f.read(), re.S | re.M)
    assert found, "README has no chapter Install"
    return found[1]


def blocks(language):
    """The code blocks in one language, in their order."""
    return re.findall(r"^```%s\n(.*?)^```$" % language, text(), re.S | re.M)


def documents(word):
    """What commands read from <<'WORD' to WORD, each with the command it is for."""
    found = []
    for block in blocks("sh"):
        found += re.findall(r"^(\S[^\n]*(?:\\\n[^\n]*)*?) <<'%s'\n(.*?)^%s$" % (word, word), block, re.S | re.M)
    return found


def commands():
    """All blocks of commands as one script."""
    return "\n".join(blocks("sh"))


def settings():
    """The lines for paasla.conf as pairs."""
    (block,) = blocks("ini")
    return [tuple(part.strip() for part in line.split("=", 1)) for line in block.strip().split("\n")]


def edit_conf(sample, section, pairs):
    """What an editor does with a sample: each option has exactly one line in its section, written or as a comment."""
    lines, here, edited = sample.split("\n"), "", set()
    for i, line in enumerate(lines):
        if line.startswith("["):
            here = line.strip("[]")
        for name, value in pairs:
            if here == section and re.match(r"#?%s = " % re.escape(name), line):
                assert name not in edited, "the sample has %s twice" % name
                edited.add(name)
                lines[i] = "%s = %s" % (name, value)
    missing = [name for name, _ in pairs if name not in edited]
    assert not missing, "the sample has no line for %s in [%s]" % (", ".join(missing), section)
    return "\n".join(lines)


def script():
    """The whole chapter as a shell script, in its order; what is done with an editor is done by this program."""
    parts = []
    for language, block in re.findall(r"^```(sh|ini)\n(.*?)^```$", text(), re.S | re.M):
        parts.append(block if language == "sh" else "python3 tests/install/chapter.py edit /etc/paasla/paasla.conf\n")
    return parts


def main():
    if sys.argv[1] == "script":
        print("\n".join(script()[int(sys.argv[2]):int(sys.argv[3]) if sys.argv[3:] else None]))
    elif sys.argv[1] == "edit":
        with open(sys.argv[2], "r+", encoding="utf-8") as f:
            edited = edit_conf(f.read(), "directory linn", settings())
            f.seek(0)
            f.write(edited)
            f.truncate()


if __name__ == "__main__":
    main()
