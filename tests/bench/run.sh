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
BUILD_TARGETS='daemon/paaslad bench'
build_programs "$TREE" "$WORK/build" --buildtype=release
PAASLA_BUILD=$WORK/build PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/bench/bench.py "$@"
