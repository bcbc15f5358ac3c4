#!/bin/sh
# Calls that no source may hold: those that write without a limit, run a shell, build SQL from text, or wait where the
# event loop must not.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
cd "${PAASLA_TREE:-$HERE/../..}" || exit 1
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
: >"$TMP/bad"

find lib daemon conf tests -name '*.[ch]' -type f | sort >"$TMP/files"
xargs -r awk -v literals=blank -f "$HERE/code.awk" <"$TMP/files" >"$TMP/code"

# ban WHY FILES-PATTERN EXCEPT-PATTERN CALLS-PATTERN
ban() {
    grep -E "^($2)[^:]*:" "$TMP/code" | grep -vE "^($3)" | grep -E "(^|[^A-Za-z0-9_])($4) *\\(" |
        sed "s/^/$1: /" >>"$TMP/bad"
}

ban "writes without a limit" "lib|daemon|conf|tests" none 'strcpy|stpcpy|strcat|strncat|v?sprintf|gets|alloca'
ban "hides errors or keeps state" "lib|daemon|conf" none 'strtok|ato[ifl]|atoll|tmpnam|mktemp|asctime|ctime'
ban "runs a shell" "lib|daemon|conf|tests" none 'system|popen'
ban "builds SQL from text; use parameters" "lib|daemon" none 'PQescape[A-Za-z]*'
ban "blocks the event loop" "daemon" "daemon/ctl/" 'PQexec[A-Za-z]*|PQprepare|PQconnectdb[A-Za-z]*|PQgetResultBlocking'
ban "blocks the event loop" "daemon" "daemon/dir_(link|gss)\.c" 'ldap_[a-z_]*_s'
ban "blocks the event loop" "daemon" "daemon/ctl/" 'u?sleep|nanosleep|clock_nanosleep|pause'
ban "shared by all threads and libraries" "lib|daemon" none 'rand|srand|random|srandom|setlocale|putenv'

cat "$TMP/bad"
[ ! -s "$TMP/bad" ]
