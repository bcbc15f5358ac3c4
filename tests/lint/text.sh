#!/bin/sh
# What no file of the tree may hold: notes to oneself, paths of somebody's machine, tabs, characters one cannot see;
# and C sources are ASCII.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
cd "${PAASLA_TREE:-$HERE/../..}" || exit 1
SELF=tests/lint/text.sh
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
: >"$TMP/bad"

find . \( -name .git -o -name .issues -o -name __pycache__ -o -name build -o -name 'build-*' \) -prune -o -type f -print |
    sed 's|^\./||' | grep -vxF "$SELF" | grep -v "^tests/fuzz/corpus/" | sort >"$TMP/all"
# Text files only: what holds a NUL byte is none.
while read -r file; do
    if [ -s "$file" ] && LC_ALL=C grep -qaP '\x00' "$file"; then continue; fi
    echo "$file"
done <"$TMP/all" >"$TMP/files"

# look WHAT FILES-PATTERN GREP-OPTIONS...
look() {
    what=$1 which=$2
    shift 2
    grep -E "$which" "$TMP/files" | tr '\n' '\0' | xargs -0 -r env LC_ALL=C.UTF-8 grep -nH "$@" |
        sed "s/^/$what: /" >>"$TMP/bad"
}

SOURCES='\.(c|h|sh|sql|py|md|build|awk|in|conf|ldif|service)$|meson_options.txt$'
look "a note to oneself" . -E '\b(TODO|FIXME|XXX|HACK)\b'
look "a path of one machine" . -E '(^|[^A-Za-z0-9_.}/-])/(work|home|root)/'
look "a tab" "$SOURCES" -P '\t'
look "a space at the end of the line" "$SOURCES" -E ' $'
look "a carriage return" "$SOURCES" -P '\r$'
look "a character that one cannot see" . -P '[\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]'

# Letters beyond ASCII stand in tests and in texts for people, as string literals, and nowhere else in C. Where a table
# of letters is the subject, its comments may show them.
grep -E '\.(c|h)$' "$TMP/files" | while read -r file; do
    case $file in
        lib/core/login_fold.c) continue ;;
        tests/* | daemon/*) LC_ALL=C awk -v literals=blank -f "$HERE/code.awk" "$file" ;;
        *) awk '{ print FILENAME ":" FNR ":" $0 }' "$file" ;;
    esac
done | LC_ALL=C grep -aP '[^\x00-\x7f]' | sed 's/^/not ASCII: /' >>"$TMP/bad"

cat "$TMP/bad"
[ ! -s "$TMP/bad" ]
