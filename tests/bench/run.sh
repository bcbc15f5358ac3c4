#!/bin/sh
# Measures paaslad against its peers on real servers that sync to disk, and prints README's table. Nothing is asserted.
# usage: sh tests/bench/run.sh [--quick] [departures] [list] [outside] [compare] [entitlement] [provisioning] [idle] [profile]
#        [samba] [samba-compare] [samba-profile] [found]   (these as root only)
# Everything takes a quarter of an hour on two quiet processors; --quick takes three minutes and proves little.
set -eu
TREE=$(cd "$(dirname "$0")/../.." && pwd)
WORK=${PAASLA_BENCH_DIR:-${TMPDIR:-/tmp}/paasla-bench-$(id -u)}
. "$TREE/conf/sandbox/lib.sh"
. "$TREE/conf/sandbox/packages.sh"
cd "$TREE"
# shellcheck disable=SC2086 # the lists are words
packages_need $PACKAGES_BUILD $PACKAGES_RUN $PACKAGES_SLAPD $PACKAGES_TEST
mkdir -p "$WORK"
again=
[ ! -d "$WORK/build" ] || again=--reconfigure # the schema's steps are listed when it is set up
# shellcheck disable=SC2086 # one word or none
meson setup $again "$WORK/build" "$TREE" --buildtype=release >"$WORK/build.log" 2>&1 || { cat "$WORK/build.log"; exit 1; }
ninja -C "$WORK/build" daemon/paaslad bench >"$WORK/build.log" 2>&1 || { cat "$WORK/build.log"; exit 1; }
PAASLA_BUILD=$WORK/build PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/bench/bench.py "$@"
