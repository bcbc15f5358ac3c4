#!/bin/sh
# Pääsla's sandbox: a sample town on real servers in one command. See --help.
set -eu

SANDBOX=$(cd "$(dirname "$0")" && pwd)
TREE=$(cd "$SANDBOX/../.." && pwd)
. "$SANDBOX/lib.sh"
. "$SANDBOX/packages.sh"

usage() {
    cat <<'HELP'
usage: sh conf/sandbox/run.sh [options]

Installs what is missing, builds, starts a private PostgreSQL and a private directory in a folder, loads the sample town
Paju, starts paaslad, plays the story, stops everything. Ends with 0 when every step of the story came true.

  --keep            leave it running and write DIR/env (read it with `. DIR/env`; of two directories the town's has the plain
                    names, and the kindergarten's begin with LA_)
  --dir DIR         where it lives; a new folder (default: a temporary one)
  --directory KIND  openldap (default); 389ds, 389 Directory Server; samba, a domain of Active Directory; both, the town
                    with a domain by Samba and its kindergarten with OpenLDAP under one daemon, and a story of its own.
                    All but the first only as root: otherwise nothing is started and it ends with 3
  --no-story        stop before the story: schema, sample town and daemon in step
  --empty           schema, directory tree, institutions and log-ins only: no people, registers or grants, no story
  --down            stop what --keep left running in --dir, and remove that folder
  --help            this text

Environment: PAASLA_BUILD, a meson build folder to use as it is instead of building one;
PAASLA_SANDBOX_LDAP_PORT, a free port of 127.0.0.1 on which slapd also speaks LDAP with StartTLS.
As root, the servers and paaslad run as the user postgres; otherwise everything runs as you.
HELP
}

wrong() { printf '%s: %s\n%s\n' "${0##*/}" "$*" "Try --help." >&2; exit 2; }

KEEP=no STORY=yes PEOPLE=yes DOWN=no DIR= PLACE=openldap
while [ $# -gt 0 ]; do
    case $1 in
        --keep) KEEP=yes ;;
        --dir) [ $# -ge 2 ] || wrong "--dir needs a folder."; DIR=$2; shift ;;
        --dir=*) DIR=${1#--dir=} ;;
        --directory) [ $# -ge 2 ] || wrong "--directory needs a kind."; PLACE=$2; shift ;;
        --directory=*) PLACE=${1#--directory=} ;;
        --no-story) STORY=no ;;
        --empty) PEOPLE=no STORY=no ;;
        --down) DOWN=yes ;;
        --help|-h) usage; exit 0 ;;
        *) wrong "there is no option $1." ;;
    esac
    shift
done
# The directory of the town and that of its kindergarten, NAME:KIND; mostly they share one.
place() {
    ROOT_FOR=
    case $1 in
        openldap) TOWN=paju:slapd KINDERGARTEN=paju:slapd PACKAGES_KIND=$PACKAGES_SLAPD ;;
        389ds) TOWN=paju:ds389 KINDERGARTEN=paju:ds389 PACKAGES_KIND=$PACKAGES_389DS
            ROOT_FOR="389 Directory Server's files in /etc/dirsrv" ;;
        samba) TOWN=paju:samba KINDERGARTEN=paju:samba PACKAGES_KIND=$PACKAGES_SAMBA
            ROOT_FOR="a domain controller of Samba" ;;
        both) TOWN=linn:samba KINDERGARTEN=lasteaed:slapd PACKAGES_KIND="$PACKAGES_SAMBA $PACKAGES_SLAPD"
            ROOT_FOR="a domain controller of Samba" ;;
        *) return 1 ;;
    esac
}
place "$PLACE" || wrong "--directory knows openldap, 389ds, samba and both, not $PLACE."
if [ -n "$ROOT_FOR" ] && [ "$(id -u)" -ne 0 ]; then
    say "${0##*/}: --directory $PLACE needs root's rights, for $ROOT_FOR. Nothing was started." >&2
    exit 3
fi

# ---- the folder ----
MARK=.paasla-sandbox
if [ "$DOWN" = yes ]; then
    [ -n "$DIR" ] || wrong "--down needs --dir."
    [ -f "$DIR/$MARK" ] || die "$DIR is not a sandbox of ours."
    DIR=$(cd "$DIR" && pwd)
    PLACE=$(cat "$DIR/$MARK")
    place "$PLACE" || die "$DIR is a sandbox of $PLACE, which this version does not know."
    . "$SANDBOX/servers.sh"
    stop_all
    rm -rf "$DIR"
    exit 0
fi

# shellcheck disable=SC2086 # the lists are words
packages_need $PACKAGES_RUN $PACKAGES_KIND
# shellcheck disable=SC2086
[ -n "${PAASLA_BUILD:-}" ] || packages_need $PACKAGES_BUILD

if [ -z "$DIR" ]; then
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/paasla.XXXXXX")
else
    mkdir -p "$DIR"
    DIR=$(cd "$DIR" && pwd)
    [ ! -f "$DIR/$MARK" ] || die "A sandbox lives in $DIR already; end it with --down --dir $DIR."
    [ -z "$(ls -A "$DIR")" ] || die "$DIR is not empty."
fi
[ ${#DIR} -le 70 ] || die "$DIR is too long: the path of a socket has at most 107 bytes, and those of Samba lie deep."
chmod 700 "$DIR"
echo "$PLACE" >"$DIR/$MARK"
for folder in pg run log secrets first; do mkdir -m 700 "$DIR/$folder"; done
. "$SANDBOX/servers.sh"
hand_over "$DIR"
as_user test -x "$DIR" || die "$(sandbox_user) cannot reach $DIR; give another folder with --dir."

# ---- whatever happens, nothing stays behind that was not asked for ----
finish() {
    status=$?
    trap - EXIT HUP INT TERM
    set +e
    if [ "$status" -eq 0 ] && [ "$KEEP" = yes ]; then exit 0; fi
    stop_all
    if [ "$status" -eq 0 ]; then
        rm -rf "$DIR"
    else
        if [ -s "$DIR/log/paaslad.log" ]; then
            say "" "The last lines of paaslad:" >&2
            grep -v "a first password lies" "$DIR/log/paaslad.log" | tail -n 25 >&2
        fi
        echo "The folder $DIR stays for you to look at; its log folder has the servers' words." >&2
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# ---- build ----
if [ -n "${PAASLA_BUILD:-}" ]; then
    BUILD=$PAASLA_BUILD
else
    BUILD=${TMPDIR:-/tmp}/paasla-build-$(printf '%s' "$TREE" | cksum | cut -d' ' -f1)-$(id -u)
    build_programs "$TREE" "$BUILD"
fi
export PATH="$BUILD/daemon:$BUILD/daemon/ctl:$PATH"
export PGHOST="$DIR/run" PGPORT=5432 PGDATABASE="$DB_NAME"
unset PGPASSWORD PGSERVICE PGOPTIONS

# ---- servers, schema, town ----
say "Starting PostgreSQL and $DIRECTORIES in $DIR."
start_postgres
each_directory start_directory
write_conf
PGUSER=postgres paaslactl db migrate || die "The schema could not be made; paaslactl says why above."
load_sql "$SANDBOX/base.sql" || die "The frame of the town does not load; PostgreSQL says why above."
if [ "$PEOPLE" = yes ]; then
    say "Loading the town of Paju."
    load_sql "$SANDBOX/town.sql" ||
        die "The sample town does not load; PostgreSQL says why above."
fi
start_paaslad
. "$SANDBOX/story.sh"
if [ "$PEOPLE" = yes ]; then story_in_step; fi

if [ "$STORY" = yes ]; then
    if [ "$TOWN" = "$KINDERGARTEN" ]; then story_play; else . "$SANDBOX/story_two.sh"; story_two_play; fi
fi
if [ "$KEEP" = yes ]; then
    write_env
    say "" "Left running. Use it with:   . $DIR/env" "End it with:                 sh conf/sandbox/run.sh --down --dir $DIR"
fi
