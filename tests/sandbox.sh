#!/bin/sh
# The sandbox's options do what --help says. PAASLA_BUILD names the build.
set -eu
TREE=$(cd "$(dirname "$0")/.." && pwd)
RUN=$TREE/conf/sandbox/run.sh
. "$TREE/conf/sandbox/lib.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/paasla-options.XXXXXX")
chmod 755 "$WORK" # as root, the servers are somebody else
trap 'sh "$RUN" --down --dir "$WORK/kept" >/dev/null 2>&1 || :; rm -rf "$WORK"' EXIT

no() { echo "sandbox.sh: $*" >&2; exit 1; }
ends_with() { # ends_with STATUS ARGUMENT...
    expected=$1; shift
    status=0; sh "$RUN" "$@" >"$WORK/out" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || { cat "$WORK/out" >&2; no "run.sh $* ended with $status, not $expected"; }
}

ends_with 0 --help
grep -q -- --keep "$WORK/out" || no "--help does not explain --keep"
ends_with 2 --directory novell
ends_with 2 --whatever
ends_with 2 --down
ends_with 1 --down --dir "$WORK"

mkdir "$WORK/full" && : >"$WORK/full/file"
ends_with 1 --dir "$WORK/full"

all_gone() { # a process with those that it started: each server leads a process group
    pid_gone "$1" || return 1
    ! ps -eo pgid=,stat= | awk -v id="$1" '$1 == id && $2 !~ /^Z/ { alive = 1 } END { exit !alive }'
}
# A sandbox that stays: the directory's process is in the file of the first argument. kept PID-FILE OPTION...
kept() {
    began=$(date +%s) pid_file=$WORK/kept/$1; shift
    ends_with 0 --empty --keep --dir "$WORK/kept" "$@"
    ends_with 1 --empty --keep --dir "$WORK/kept" # one at a time
    : >"$WORK/pids"
    (
        . "$WORK/kept/env"
        for name in PGHOST PGPORT PGDATABASE PGUSER LDAPURI LDAP_BASE LDAP_BIND_DN LDAP_PASSWORD_FILE PAASLA_CONF PAASLAD_PID; do
            eval "[ -n \"\${$name:-}\" ]" || no "DIR/env does not set $name"
        done
        kill -0 "$PAASLAD_PID" || no "paaslad is not running"
        [ "$(command -v paaslad)" = "$PAASLA_BUILD/daemon/paaslad" ] || no "PATH does not find paaslad"
        [ "$(command -v paaslactl)" ] || no "PATH does not find paaslactl"
        [ "$(psql -XAtc 'SELECT count(*) FROM paasla.person')" = 0 ] || no "--empty has people"
        ldapsearch -x -LLL -H "$LDAPURI" -D "$LDAP_BIND_DN" -y "$LDAP_PASSWORD_FILE" -b "$LDAP_BASE" -s base 1.1 >/dev/null ||
            no "the directory does not answer"
        case $* in *both*) # the kindergarten's directory too
            ldapsearch -x -LLL -H "$LA_LDAPURI" -D "$LA_LDAP_BIND_DN" -y "$LA_LDAP_PASSWORD_FILE" -b "$LA_LDAP_BASE" -s base \
                1.1 >/dev/null || no "the second directory does not answer"
            cat "$WORK/kept/lasteaed/slapd.pid" >>"$WORK/pids" ;;
        esac
        paaslactl status >/dev/null || [ $? -eq 1 ] || no "paaslactl status fails" # 1: something needs somebody
        head -n 1 "$WORK/kept/pg/postmaster.pid" >>"$WORK/pids"
        cat "$pid_file" >>"$WORK/pids"
        ls "$WORK/kept/paju/etc/dirsrv" 2>/dev/null | grep '^slapd-' >"$WORK/names" || :
        echo "$PAASLAD_PID" >>"$WORK/pids"
    )
    ends_with 0 --down --dir "$WORK/kept"
    while read -r pid; do
        until_true 60 all_gone "$pid" || no "process $pid or one of its own still runs after --down"
    done <"$WORK/pids"
    [ ! -e "$WORK/kept" ] || no "--down left the folder"
    for name in $(cat "$WORK/names"); do # outside of it there is only what 389 Directory Server calls by its name
        [ -z "$(ls /dev/shm | grep -F "$name")" ] || no "--down left /dev/shm/*$name*"
    done
    echo "run.sh --empty --keep $*: $(( $(date +%s) - began )) s with --down"
}
kept paju/slapd.pid
if [ "$(id -u)" -eq 0 ]; then
    kept paju/run/pid --directory 389ds
    kept paju/samba.pid --directory samba
    kept linn/samba.pid --directory both
    # Who is not root is told so, before anything is installed or started.
    mkdir "$WORK/conf" && cp -R "$TREE/conf/sandbox" "$WORK/conf" && chmod -R a+rX "$WORK/conf"
    for kind in samba 389ds both; do
        status=0
        setpriv --reuid nobody --regid nogroup --clear-groups sh "$WORK/conf/sandbox/run.sh" --directory "$kind" >"$WORK/out" 2>&1 ||
            status=$?
        [ "$status" -eq 3 ] || { cat "$WORK/out" >&2; no "--directory $kind without root ended with $status, not 3"; }
        grep -q "needs root's rights" "$WORK/out" || no "--directory $kind does not say that it needs root"
    done
fi
echo "The options do what --help says."
