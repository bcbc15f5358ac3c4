#!/bin/sh
# Installs what is missing, builds, runs every test. The last line is "N passed, N failed, N skipped".
# usage: sh tests/run.sh [PART...]   parts: unit fuzz real sim sandbox install lint (default: all), and bare: README's chapter
# Install with systemd in a bootstrapped Debian (root, the network, five minutes; only when it is named)
# Environment: PAASLA_TEST_DIR, a folder that keeps builds and logs (default: one below TMPDIR for this tree and user);
# PAASLA_SIM_SEEDS (default 10000), PAASLA_SIM_ASAN_SEEDS (default 300), PAASLA_FUZZ_SECONDS for each target (default 5).
set -u

TREE=$(cd "$(dirname "$0")/.." && pwd)
SANDBOX=$TREE/conf/sandbox
PYTHON=/usr/bin/python3
cd "$TREE" || exit 1
. "$SANDBOX/lib.sh"
. "$SANDBOX/packages.sh"

WORK=${PAASLA_TEST_DIR:-${TMPDIR:-/tmp}/paasla-test-$(printf '%s' "$TREE" | cksum | cut -d' ' -f1)-$(id -u)}
PARTS=${*:-unit fuzz sim lint sandbox install real}
PASSED=0 FAILED=0 SKIPPED=0

# ---- counting ----
pass() { PASSED=$((PASSED + 1)); say "ok    $1"; }
fail() { FAILED=$((FAILED + 1)); say "FAIL  $1"; }
report() {
    say "" "$PASSED passed, $FAILED failed, $SKIPPED skipped"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
    exit $?
}
skip() { SKIPPED=$((SKIPPED + 1)); say "skip  $1"; }
fatal() { fail "$1"; report; }

# Adds the counts of a JUnit file and names what failed: count_junit FILE WHAT
count_junit() {
    counts=$("$PYTHON" - "$1" <<'PY'
import sys, xml.etree.ElementTree as tree
passed = failed = skipped = 0
try:
    cases = list(tree.parse(sys.argv[1]).iter("testcase"))
except (OSError, tree.ParseError):
    cases = []
for case in cases:
    name = "%s %s" % (case.get("classname", ""), case.get("name", ""))
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
        print("FAIL  " + name, file=sys.stderr)
    elif case.find("skipped") is not None:
        skipped += 1
        print("skip  " + name, file=sys.stderr)
    else:
        passed += 1
print(passed, failed, skipped)
PY
    )
    # shellcheck disable=SC2086 # three numbers
    set -- "$2" $counts
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3)) SKIPPED=$((SKIPPED + $4))
    say "      $1: $2 passed, $3 failed, $4 skipped"
    [ $(($2 + $3 + $4)) -gt 0 ] || fail "$1: no test ran"
}

# One command as one test, its words in a log: one_test NAME SECONDS COMMAND...
one_test() {
    test_name=$1 test_seconds=$2; shift 2
    test_log=$WORK/log/$(printf '%s' "$test_name" | tr -c 'A-Za-z0-9\n' '_').log
    if timeout -k 20 "$test_seconds" "$@" >"$test_log" 2>&1; then
        pass "$test_name"
    else
        test_status=$?
        tail -n 60 "$test_log"
        fail "$test_name (exit $test_status; all of it: $test_log)"
    fi
}

# ---- parts ----
part_unit() {
    timeout -k 20 1200 meson test -C "$WORK/asan" --no-suite sim --no-rebuild --print-errorlogs --timeout-multiplier 4 \
        >"$WORK/log/unit.log" 2>&1
    unit_status=$?
    unit_failed=$FAILED
    count_junit "$WORK/asan/meson-logs/testlog.junit.xml" "unit tests (address and undefined-behaviour sanitizers)"
    [ "$unit_status" -eq 0 ] || tail -n 80 "$WORK/log/unit.log"
    [ "$unit_status" -eq 0 ] || [ "$FAILED" -gt "$unit_failed" ] || fail "meson test ended with $unit_status"
}

# What was tried stays in the folder and is where the next run goes on from.
part_fuzz() {
    for fuzz_target in $(sh tests/fuzz/run.sh --list); do
        one_test "fuzz $fuzz_target" 300 env -u ASAN_OPTIONS -u UBSAN_OPTIONS PAASLA_FUZZ_DIR="$WORK/fuzz" \
            sh tests/fuzz/run.sh "${PAASLA_FUZZ_SECONDS:-5}" "$fuzz_target"
        cat "$test_log"
    done
}

# Tests by pytest: run_pytest NAME WHAT BUILD SECONDS FOLDER [OPTION...]
run_pytest() {
    pytest_name=$1 pytest_what=$2 pytest_build=$3 pytest_seconds=$4; shift 4
    rm -f "$WORK/$pytest_name.xml"
    PAASLA_BUILD=$pytest_build timeout -k 20 "$pytest_seconds" "$PYTHON" -m pytest -q -p no:cacheprovider \
        --junitxml="$WORK/$pytest_name.xml" "$@" >"$WORK/log/$pytest_name.log" 2>&1
    pytest_status=$?
    pytest_failed=$FAILED
    count_junit "$WORK/$pytest_name.xml" "$pytest_what"
    [ "$pytest_status" -eq 0 ] || tail -n 120 "$WORK/log/$pytest_name.log"
    [ "$pytest_status" -eq 0 ] || [ "$FAILED" -gt "$pytest_failed" ] || fail "pytest ended with $pytest_status"
}

# They mostly wait for servers, so several files run at a time; the tests of one file share servers and stay together.
part_real() { run_pytest real "tests on real servers" "$WORK/asan" 3000 tests/real -n 4 --dist loadfile; }

part_install() { run_pytest install "tests of what is installed" "$WORK/build" 600 tests/install; }

part_bare() {
    packages_need debootstrap iproute2 || fatal "packages"
    rm -rf --one-file-system "$WORK/bare"
    one_test "a bootstrapped Debian" 900 debootstrap --variant=minbase bookworm "$WORK/bare"
    one_test "README's chapter Install on a bare host" 900 sh tests/install/bare.sh "$WORK/bare"
    rm -rf --one-file-system "$WORK/bare"
}

# Half of the seeds on each core, and then some with sanitizers, which are several times slower: from a seed from which these
# few reach each row and each fault, too (where they do not any more, look for another one). At the lowest priority beside the
# other parts, which mostly wait for servers; their results are told last.
part_sim() {
    sim_half=$(( ${PAASLA_SIM_SEEDS:-10000} / 2 ))
    { sim first build 1 "$sim_half"; sim sanitizers asan 20301 "${PAASLA_SIM_ASAN_SEEDS:-300}"; } &
    sim_one=$!
    sim second build $((sim_half + 1)) "$sim_half" &
    sim_two=$!
    say "the simulator runs beside the other parts"
}

# sim NAME BUILD FIRST SEEDS
sim() {
    timeout -k 20 3900 nice -n 19 "$WORK/$2/tests/sim/paasla-sim" --from "$3" --seeds "$4" >"$WORK/log/sim_$1.log" 2>&1
    echo "$?" >"$WORK/log/sim_$1.status"
}

sim_result() {
    if [ "$(cat "$WORK/log/sim_$1.status" 2>/dev/null)" = 0 ]; then
        tail -n "$2" "$WORK/log/sim_$1.log"
        pass "simulator, $3"
    else
        tail -n 80 "$WORK/log/sim_$1.log"
        fail "simulator, $3"
    fi
}

sim_results() {
    say "" "== sim, the results"
    wait "$sim_one" "$sim_two"
    sim_result first 80 "the first $sim_half seeds"
    sim_result second 1 "the second $sim_half seeds"
    sim_result sanitizers 1 "with sanitizers, ${PAASLA_SIM_ASAN_SEEDS:-300} seeds"
}

part_sandbox() {
    for sandbox_kind in openldap 389ds samba both; do
        if [ "$sandbox_kind" != openldap ] && [ "$(id -u)" -ne 0 ]; then
            skip "the sandbox's story, $sandbox_kind (as root only)"
            continue
        fi
        one_test "the sandbox's story, $sandbox_kind" 600 env PAASLA_BUILD="$WORK/build" \
            sh "$SANDBOX/run.sh" --directory "$sandbox_kind"
    done
    one_test "the sandbox's options" 600 env PAASLA_BUILD="$WORK/build" sh tests/sandbox.sh
}

part_lint() {
    for lint in tests/lint/*.sh; do
        [ -e "$lint" ] || continue
        one_test "$lint" 600 env PAASLA_BUILD="$WORK/build" PAASLA_TREE="$TREE" sh "$lint"
    done
}

# ---- the run ----
# shellcheck disable=SC2086 # the lists are words
packages_need $PACKAGES_BUILD $PACKAGES_RUN $PACKAGES_SLAPD $PACKAGES_TEST || fatal "packages"
mkdir -p "$WORK/log" && [ -O "$WORK" ] || fatal "$WORK cannot be used; set PAASLA_TEST_DIR"
rm -f "$WORK"/log/sim_*
mkdir -p "$WORK/sanitizer" && chmod 1777 "$WORK/sanitizer" && rm -f "$WORK"/sanitizer/*

# A build keeps the defaults it was first set up with: one from other defaults is made anew.
setup_of=$(cat meson.build tests/run.sh conf/sandbox/lib.sh | cksum)
if [ "$(cat "$WORK/setup_of" 2>/dev/null)" != "$setup_of" ]; then
    rm -rf --one-file-system "$WORK/build" "$WORK/asan" && printf '%s\n' "$setup_of" >"$WORK/setup_of" || fatal "$WORK"
fi
BUILD_TARGETS='all bench'
( build_programs "$TREE" "$WORK/build" ) || fatal "the build"
BUILD_TARGETS=
( build_programs "$TREE" "$WORK/asan" -Db_sanitize=address,undefined -Db_lundef=false ) ||
    fatal "the build with sanitizers"

# What the sanitizers find in a daemon that a test stopped must not get lost: it is counted at the end.
export ASAN_OPTIONS="log_path=$WORK/sanitizer/report:abort_on_error=0:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="log_path=$WORK/sanitizer/report:print_stacktrace=1:halt_on_error=1"
export PYTHONDONTWRITEBYTECODE=1

for part in $PARTS; do
    say "" "== $part"
    case $part in
        unit|fuzz|real|sim|sandbox|install|bare|lint) "part_$part" ;;
        *) fail "there is no part $part" ;;
    esac
done
case " $PARTS " in *" sim "*) sim_results ;; esac
if [ -n "$(ls "$WORK/sanitizer")" ]; then
    for found in "$WORK"/sanitizer/*; do head -n 30 "$found"; done
    fail "the sanitizers found something: $WORK/sanitizer"
else
    pass "the sanitizers found nothing"
fi
report
