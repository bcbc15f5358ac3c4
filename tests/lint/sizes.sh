#!/bin/sh
# A file fits in the head, a function on a screen.
set -u
cd "${PAASLA_TREE:-$(dirname "$0")/../..}" || exit 1

C_LINES=600 H_LINES=250 FUNCTION_LINES=80

# Files that may be longer, and why.
limit() {
    case $1 in
        lib/engine/engine.h) echo 350 ;; # the whole contract between engine and shell, read as one text
        lib/engine/priv.h) echo 360 ;;   # one struct that all parts of the engine work on
        *.c) echo $C_LINES ;;
        *.h) echo $H_LINES ;;
    esac
}

bad=$(
    find lib daemon tests conf \( -name '*.c' -o -name '*.h' \) -type f | sort | while read -r file; do
        lines=$(wc -l <"$file")
        max=$(limit "$file")
        [ "$lines" -le "$max" ] || echo "$file: $lines lines, the limit is $max"
        # A function body stands between a { and a } at the beginning of a line.
        awk -v max=$FUNCTION_LINES '
            /^[A-Za-z_].*\(/ { title = $0 }
            /^\{/ { from = FNR }
            /^\}/ { if (from > 0 && FNR - from - 1 > max)
                        printf "%s:%d: %d lines in %s\n", FILENAME, from, FNR - from - 1, title
                    from = 0 }' "$file"
    done
)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
