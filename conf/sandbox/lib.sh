# Small things that the sandbox's parts share. Sourced.

say() { printf '%s\n' "$@"; } # each argument on a line of its own
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Waits for a command to come true: until_true SECONDS COMMAND... The last look begins after the seconds, however long the
# machine stood still before it.
until_true() {
    until_now=$(date +%s); until_end=$(( until_now + $1 )); shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$until_now" -le "$until_end" ] || return 1
        sleep 0.05
        until_now=$(date +%s)
    done
}

# 24 letters and digits nobody can guess, behind one of each kind for servers that count kinds.
secret() { printf 'Pk7'; head -c 4096 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c 24; }

# Writes a secret without a newline, readable by its owner alone.
secret_file() { # secret_file FILE VALUE
    ( umask 077; printf '%s' "$2" >"$1" )
}

# Fills the words between @ signs of a template: fill FILE WORD=VALUE...
fill() {
    fill_file=$1; shift
    fill_script=
    for pair in "$@"; do
        value=$(printf '%s' "${pair#*=}" | sed 's/[\\&|]/\\&/g; $!s/$/\\/')
        fill_script="$fill_script
s|@${pair%%=*}@|$value|g"
    done
    sed "$fill_script" "$fill_file"
}

# Servers refuse to run as root: as root, everything in the sandbox runs as the user postgres.
sandbox_user() {
    if [ "$(id -u)" -eq 0 ]; then echo postgres; else id -un; fi
}
exec_as_user() { # replaces the shell that calls it
    if [ "$(id -u)" -eq 0 ]; then exec setpriv --reuid postgres --regid postgres --init-groups -- "$@"; else exec "$@"; fi
}
as_user() { ( exec_as_user "$@" ); }

# Stops a process that we started: asks, waits, insists. stop_pid PID SECONDS [SIGNAL]
stop_pid() {
    [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 0
    kill "-${3:-TERM}" "$1" 2>/dev/null || return 0
    if ! until_true "$2" pid_gone "$1"; then kill -KILL "$1" 2>/dev/null || :; fi
}
pid_gone() {
    if [ -r "/proc/$1/stat" ]; then
        case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in Z*) return 0 ;; esac
        return 1
    fi
    return 0
}

# A build out of the tree: build_programs TREE BUILD [MESON OPTION...]
build_programs() {
    build_tree=$1; build_dir=$2; shift 2
    mkdir -p -m 755 "$build_dir"
    [ -O "$build_dir" ] || die "$build_dir belongs to somebody else; set TMPDIR."
    say "Building in $build_dir."
    build_again=
    [ ! -f "$build_dir/build.ninja" ] || build_again=--reconfigure # the schema's steps are listed when it is set up
    # shellcheck disable=SC2086 # one word or none
    meson setup $build_again "$@" "$build_dir" "$build_tree" >"$build_dir/setup.log" 2>&1 ||
        { tail -n 20 "$build_dir/setup.log" >&2; die "meson could not set up the build."; }
    ninja -C "$build_dir" $BUILD_TARGETS >"$build_dir/build.log" 2>&1 ||
        { tail -n 40 "$build_dir/build.log" >&2; die "The build failed."; }
}
BUILD_TARGETS='daemon/paaslad daemon/ctl/paaslactl'
