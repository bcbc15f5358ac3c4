#!/bin/sh
# Proves that the other lints can fail: each rule is broken once in a small tree of its own and must be named.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
STATUS=0

fresh() {
    rm -rf "$TMP/tree" && mkdir -p "$TMP/tree/lib/base" "$TMP/tree/lib/core" "$TMP/tree/lib/conf" "$TMP/tree/daemon" \
        "$TMP/tree/tests" "$TMP/tree/conf" "$TMP/tree/build/lib"
    echo 'int pl_ok(void); int pl_ok(void) { return 1; }' >"$TMP/tree/lib/base/ok.c"
}
# lint NAME: runs it on the small tree.
lint() { PAASLA_TREE=$TMP/tree PAASLA_BUILD=$TMP/tree/build sh "$HERE/$1.sh" >"$TMP/out" 2>&1; }
quiet() {
    lint "$1" || { echo "$1 complains about a good tree:"; cat "$TMP/out"; STATUS=1; }
}
# caught LINT WORDS: it must fail and say so.
caught() {
    if lint "$1"; then
        echo "$1 did not find: $2"
        STATUS=1
    elif ! grep -qF -- "$2" "$TMP/out"; then
        echo "$1 failed but did not say '$2':"
        cat "$TMP/out"
        STATUS=1
    fi
}
# archive NAME CODE: libpl_NAME.a from one source.
archive() {
    printf '%s\n' "$2" >"$TMP/$1.c"
    "${CC:-cc}" -w -c "$TMP/$1.c" -o "$TMP/$1.o" && ar crs "$TMP/tree/build/lib/libpl_$1.a" "$TMP/$1.o" || STATUS=1
}

# ---- text ----
fresh && quiet text
word=TO word=${word}DO home=home # in pieces, because this file is looked at too
fresh && echo "/* $word later */" >"$TMP/tree/lib/base/a.c" && caught text "a note to oneself: lib/base/a.c:1"
fresh && echo "see /${home}/mari/x" >"$TMP/tree/README.md" && caught text "a path of one machine: README.md:1"
fresh && printf 'int\ta;\n' >"$TMP/tree/lib/base/a.c" && caught text "a tab: lib/base/a.c:1"
fresh && printf '\303\265\n' >"$TMP/tree/lib/base/a.c" && caught text "not ASCII: lib/base/a.c:1"
fresh && printf '/* \303\265 */ "a"\n' >"$TMP/tree/tests/a.c" && quiet text
fresh && printf 'f("\\"\303\265");\n' >"$TMP/tree/tests/a.c" && quiet text
fresh && printf 'f("x"); \303\265\n' >"$TMP/tree/tests/a.c" && caught text "not ASCII: tests/a.c:1"
fresh && printf 'a \342\200\256 b\n' >"$TMP/tree/README.md" && caught text "a character that one cannot see: README.md:1"

# ---- sizes ----
fresh && quiet sizes
fresh && seq 601 | sed 's/.*/;/' >"$TMP/tree/lib/base/a.c" && caught sizes "lib/base/a.c: 601 lines"
fresh && seq 251 | sed 's/.*/;/' >"$TMP/tree/lib/base/a.h" && caught sizes "lib/base/a.h: 251 lines"
fresh && { echo 'int f(void)'; echo '{'; seq 81 | sed 's/.*/;/'; echo '}'; } >"$TMP/tree/daemon/a.c" &&
    caught sizes "daemon/a.c:2: 81 lines in int f(void)"

# ---- banned ----
fresh && printf '/* strcpy(a, b) */ // gets(x)\nf("system(x)"); snprintf(a); my_system(b);\n' >"$TMP/tree/daemon/a.c" &&
    quiet banned
for call in strcpy strcat sprintf gets strtok atoi system popen PQescapeLiteral PQexec PQexecParams ldap_search_ext_s \
    sleep usleep; do
    fresh && echo "x = $call(a);" >"$TMP/tree/daemon/a.c" && caught banned "daemon/a.c:1:x = $call(a);"
done
fresh && echo 'ldap_unbind_ext_s(a);' >"$TMP/tree/daemon/dir_link.c" && quiet banned
fresh && mkdir "$TMP/tree/daemon/ctl" && echo 'PQexec(a);' >"$TMP/tree/daemon/ctl/a.c" && quiet banned

# ---- layering ----
fresh && archive base 'int pl_b(void) { return 0; }' &&
    archive core 'int pl_b(void); int pl_c(void) { return pl_b(); } static const char *const t[] = {"a"};
                  const char *pl_t(int i) { return t[i]; }' && quiet layering
archive core 'int pl_b(void); long time(void *); long pl_c(void) { return pl_b() + time(0); }' &&
    caught layering "core: reaches outside: time"
archive core 'int open(const char *, int); int pl_c(void) { return open("a", 0); }' &&
    caught layering "core: reaches outside: open"
archive core 'void *PQexec(void *, char *); void *pl_c(void) { return PQexec(0, 0); }' &&
    caught layering "core: reaches outside: PQexec"
archive core 'int pl_c(void) { static int n; return n++; }' && caught layering "core: a variable: n"
archive core 'int other(void) { return 0; }' && caught layering "core: a name without pl_: other"
archive core 'int pl_c(void) { return 0; }' && archive base 'int pl_c(void); int pl_b(void) { return pl_c(); }' &&
    caught layering "base: may not use core: pl_c"
fresh && archive base 'int pl_b(void) { return 0; }' && echo '#include "../core/member.h"' >"$TMP/tree/lib/base/a.h" &&
    caught layering "lib/base/a.h:1"

exit $STATUS
