#!/bin/sh
# Builds the fuzz targets with clang and the sanitizers and runs each for a while; ends with 1 when one finds something.
# usage: run.sh [SECONDS [TARGET...]]      (default: 10 seconds for each of all targets)
#        run.sh --list                      (the names of the targets, nothing else)
# Needs the Debian packages clang and libclang-rt-14-dev. PAASLA_FUZZ_DIR: where the programs and what they found stay; a
# later run tries that again first (default: a temporary folder that is removed when nothing was found). CLANG: another
# compiler.
set -u
TREE=$(cd "$(dirname "$0")/../.." && pwd)
cd "$TREE" || exit 1
ALL='dn filter conf row sync persist dirsync ad_repl cookie page csv'
if [ "${1:-}" = --list ]; then echo "$ALL"; exit 0; fi
SECONDS_EACH=${1:-10}
[ $# -eq 0 ] || shift
TARGETS=${*:-$ALL}
CLANG=${CLANG:-clang}
DIR=${PAASLA_FUZZ_DIR:-$(mktemp -d)} || exit 1
STATUS=0

sources() {
    case $1 in
        dn) echo lib/directory/dn.c ;;
        filter) echo lib/directory/filter.c ;;
        conf) echo lib/conf/*.c -linih ;;
        sync) echo lib/directory/sync.c lib/directory/ber.c ;;
        persist) echo lib/directory/persist.c lib/directory/ber.c ;;
        dirsync) echo lib/directory/dirsync.c lib/directory/ber.c ;;
        ad_repl) echo lib/directory/ad_repl.c lib/directory/dn.c ;;
        cookie) echo lib/directory/cookie.c ;;
        page) echo daemon/dir_page.c lib/directory/ber.c -lldap -llber ;;
        csv) echo daemon/ctl/matrix_csv.c daemon/ctl/matrix.c daemon/ctl/html.c daemon/ctl/table.c daemon/ctl/progress.c -lpq -ljansson -lutf8proc ;;
        row) echo lib/engine/row.c lib/core/lifecycle.c lib/core/member.c ;;
        *) return 1 ;;
    esac
}

for target in $TARGETS; do
    files=$(sources "$target") || { echo "there is no target $target"; exit 1; }
    mkdir -p "$DIR/corpus-$target" "$DIR/found-$target"
    # shellcheck disable=SC2086 # sources and libraries are words
    "$CLANG" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers -Werror -g -O1 -fno-omit-frame-pointer \
        -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -isystem /usr/include/postgresql \
        "tests/fuzz/fuzz_$target.c" lib/base/*.c $files -o "$DIR/fuzz_$target" ||
        { echo "fuzz_$target cannot be built"; STATUS=1; continue; }
    if "$DIR/fuzz_$target" -max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=60 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$DIR/found-$target/" "$DIR/corpus-$target" "tests/fuzz/corpus/$target" "$DIR/found-$target" \
        >"$DIR/$target.log" 2>&1
    then
        echo "fuzz_$target: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$DIR/$target.log") runs"
    else
        grep -am 3 -E 'the rule does not hold|ERROR: |runtime error: ' "$DIR/$target.log"
        tail -n 40 "$DIR/$target.log"
        echo "fuzz_$target FOUND SOMETHING; the input is in $DIR/found-$target. To see it again:"
        echo "  $DIR/fuzz_$target $DIR/found-$target/*"
        STATUS=1
    fi
done
[ "$STATUS" -ne 0 ] || [ -n "${PAASLA_FUZZ_DIR:-}" ] || rm -rf "$DIR"
exit $STATUS
