#!/bin/sh
# Which way the archives of lib/ depend, and that none of them reaches outside: read from their symbols.
# usage: layering.sh [BUILD]    (or PAASLA_BUILD; an ordinary build, without sanitizers)
set -u
LC_ALL=C
export LC_ALL
TREE=${PAASLA_TREE:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${1:-${PAASLA_BUILD:-}}
if [ -z "$BUILD" ] || [ ! -d "$BUILD/lib" ]; then
    echo "usage: layering.sh BUILD (there is no '$BUILD/lib')"
    exit 1
fi
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
BAD=$TMP/bad
: >"$BAD"

# Who may use whom.
may_use() {
    case $1 in
        base) echo "" ;;
        directory) echo "base" ;;
        core) echo "directory base" ;;
        engine) echo "core directory base" ;;
        conf | audit) echo "base" ;;
        *) return 1 ;;
    esac
}

# What any of them may ask of the C library: nothing that reads a clock, draws a random number, opens, reads, writes,
# waits, forks or looks at the environment or the locale. fwrite, fputs and stderr: the last words before abort().
PURE='mem(cpy|move|set|cmp|chr|rchr|mem)|rawmemchr|mempcpy|explicit_bzero
str(len|nlen|cmp|ncmp|chr|chrnul|rchr|spn|cspn|pbrk|str|n?dup|casecmp|ncasecmp)
malloc|calloc|realloc|reallocarray|free|abort|qsort|qsort_r|bsearch
v?snprintf|fwrite|fputs|stderr
__stack_chk_fail|__errno_location|__assert_fail|_GLOBAL_OFFSET_TABLE_
__(mem|str|vsn|sn|explicit_bzero)[a-z]*_chk'
# What one of them may ask beyond that.
extra() {
    case $1 in
        core) echo 'utf8proc_[a-z_]*' ;; # Unicode tables
        # the file is read and the sample written here
        conf) echo 'ini_parse_stream|fopen(64)?|fread|__fread_chk|ferror|fclose|fput[cs]|putc|fprintf|__fprintf_chk|strerror' ;;
        audit) echo 'EVP_[A-Za-z0-9_]*|SHA256[A-Za-z0-9_]*' ;; # hashes and signatures
        *) echo 'none' ;;
    esac
}

archives=$(find "$BUILD/lib" -maxdepth 1 -name 'libpl_*.a' | sort)
[ -n "$archives" ] || { echo "no archive libpl_*.a in $BUILD/lib"; exit 1; }

for archive in $archives; do
    name=${archive##*/libpl_} name=${name%.a}
    may_use "$name" >/dev/null || echo "$name: an archive that layering.sh does not know" >>"$BAD"
    nm --defined-only "$archive" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u >"$TMP/$name.has"
    nm -u "$archive" 2>/dev/null | awk 'NF == 2 { print $2 }' | sort -u >"$TMP/$name.all"
    [ -s "$TMP/$name.has" ] || echo "$name: defines nothing (are its object files there?)" >>"$BAD"
    comm -23 "$TMP/$name.all" "$TMP/$name.has" >"$TMP/$name.needs"
    grep -v '^pl_' "$TMP/$name.has" | sed "s/^/$name: a name without pl_: /" >>"$BAD"
    # Variables that may change: none. (.data.rel.ro holds constants with addresses in them.)
    nm --defined-only --format=sysv "$archive" 2>/dev/null |
        awk -F'|' -v n="$name" 'NF >= 7 { s = $7; gsub(/ /, "", s); v = $1; gsub(/ /, "", v)
            if (s ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && s !~ /^\.data\.rel\.ro/) print n ": a variable: " v }' >>"$BAD"
done

for archive in $archives; do
    name=${archive##*/libpl_} name=${name%.a}
    cp "$TMP/$name.needs" "$TMP/left"
    for other in $(may_use "$name"); do
        [ -e "$TMP/$other.has" ] || continue
        comm -23 "$TMP/left" "$TMP/$other.has" >"$TMP/left2" && mv "$TMP/left2" "$TMP/left"
    done
    for other in "$TMP"/*.has; do
        comm -12 "$TMP/left" "$other" | sed "s/^/$name: may not use $(basename "$other" .has): /" >>"$BAD"
        comm -23 "$TMP/left" "$other" >"$TMP/left2" && mv "$TMP/left2" "$TMP/left"
    done
    # shellcheck disable=SC2086 # one pattern a line
    pattern=$(printf '%s\n' "$PURE" "$(extra "$name")" | tr '\n' '|')
    grep -Evx "${pattern%|}" "$TMP/left" | sed "s/^/$name: reaches outside: /" >>"$BAD"
done

# The same from the headers that are included, for what leaves no symbol.
for name in base directory core engine conf audit; do
    [ -d "$TREE/lib/$name" ] || continue
    for other in base directory core engine conf audit; do
        case " $name $(may_use $name) " in *" $other "*) continue ;; esac
        grep -nE "#include \".*\\b$other/" "$TREE/lib/$name"/*.[ch] | sed "s|^$TREE/||" >>"$BAD"
    done
    grep -nE '#include <(libpq|ldap|lber|event|sys/socket|unistd|fcntl|pthread|poll|netdb)' "$TREE/lib/$name"/*.[ch] |
        sed "s|^$TREE/||" >>"$BAD"
    grep -nE '#include ".*daemon/' "$TREE/lib/$name"/*.[ch] | sed "s|^$TREE/||" >>"$BAD"
done

cat "$BAD"
[ ! -s "$BAD" ]
