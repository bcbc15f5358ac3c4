#!/usr/bin/env python3
"""Writes one C file that holds every migration and query. Usage: embed.py OUT.c FILE.sql..."""
import hashlib
import os
import sys


def literal(text):
    out = []
    for line in text.decode("utf-8").splitlines(keepends=True):
        s = "".join(c if c.isascii() and c.isprintable() and c not in '"\\?' else
                    "".join("\\%03o" % b for b in c.encode("utf-8")) for c in line)
        out.append('    "%s"' % s)
    return "\n".join(out) or '    ""'


def row(path):
    text = open(path, "rb").read()
    name = os.path.basename(path)[: -len(".sql")]
    version = int(name.split("_")[0]) if os.path.basename(os.path.dirname(path)) == "migrations" else 0
    return version, name, "{\"%s\",\n%s,\n     %d, %d, \"%s\"}," % (name, literal(text), len(text), version,
                                                                hashlib.sha256(text).hexdigest())


rows = sorted(row(p) for p in sys.argv[2:])
migrations = [r for r in rows if r[0] > 0]
queries = [r for r in rows if r[0] == 0]
assert [r[0] for r in migrations] == list(range(1, len(migrations) + 1)), "migrations are numbered without gaps"
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('#include "embed.h"\n\n#include <string.h>\n\n')
    out.write("const struct pl_sql pl_sql_migrations[] = {\n%s\n};\n" % "\n".join(r[2] for r in migrations))
    out.write("const size_t pl_sql_n_migrations = %d;\n\n" % len(migrations))
    out.write("static const struct pl_sql queries[] = {\n%s\n};\n\n" % "\n".join(r[2] for r in queries))
    out.write("int pl_sql_schema_version(void)\n{\n    return %d;\n}\n\n" % len(migrations))
    out.write("const char *pl_sql_query(const char *name)\n{\n"
              "    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)\n"
              "        if (strcmp(queries[i].name, name) == 0)\n            return queries[i].text;\n    return NULL;\n}\n")
