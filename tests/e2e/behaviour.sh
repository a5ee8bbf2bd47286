#!/usr/bin/env bash
#
# behaviour.sh - one set of cases is run on the kernel's sockets and on ours: what differs is known.
#
# The cases, tests/e2e/behaviour/, hold no expectations: they say what they see, and the two outputs are compared line by
# line. behaviour.tsv lists the differences that are known, with reasons. First the comparison itself is tried.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

PROGRAM=$BUILT/tests/behaviour
COMPARE=$ROOT/tests/e2e/behaviour/compare.py
LIST=$ROOT/tests/e2e/behaviour.tsv
LEAST=200 # cases

[[ -x $PROGRAM ]] || die "$PROGRAM is missing: build with -Dtests=true"
# One refusal each second is all that the peer would send otherwise.
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit

# compared KERNEL OURS LIST: what is printed is $WORK/compared, the status $code.
compared() {
    code=0
    python3 "$COMPARE" "$1" "$2" "$3" >"$WORK/compared" 2>&1 || code=$?
}

a_difference_is_seen() {
    printf 'case a\nconnect: 0\nend\n' >"$WORK/left"
    printf 'case a\nconnect: -1 EINVAL\nend\n' >"$WORK/right"
    : >"$WORK/list"
    compared "$WORK/left" "$WORK/right" "$WORK/list"
    expect "status" 1 "$code"
    printf 'a\t1\tconnect: 0\tconnect: -1 EINVAL\tbecause\n' >"$WORK/list"
    compared "$WORK/left" "$WORK/right" "$WORK/list"
    expect "status when it is listed" 0 "$code"
}

a_stale_row_fails() {
    printf 'case a\nconnect: 0\nend\n' >"$WORK/left"
    printf 'a\t1\tconnect: 0\tconnect: -1 EINVAL\tbecause\n' >"$WORK/list"
    compared "$WORK/left" "$WORK/left" "$WORK/list"
    expect "status" 1 "$code"
    grep -q 'list:1: no case shows this any more' "$WORK/compared"
}

a_run_that_ends_early_fails() {
    printf 'case a\nconnect: 0\nend\n' >"$WORK/left"
    printf 'case a\nconnect: 0\n' >"$WORK/right"
    : >"$WORK/list"
    compared "$WORK/left" "$WORK/right" "$WORK/list"
    expect "status" 1 "$code"
}

run() {
    timeout 60 "$PROGRAM" "$1" >"$WORK/$1" 2>"$WORK/$1.err" || {
        tail -n 5 "$WORK/$1.err"
        fail "it ended in $(grep '^case ' "$WORK/$1" | tail -n 1)"
    }
}

the_kernel_runs_all() {
    run kernel
    (($(grep -c '^case ' "$WORK/kernel") >= LEAST)) || fail "fewer than $LEAST cases"
}

ours_runs_all() {
    run ours
}

ours_is_the_kernel() {
    compared "$WORK/kernel" "$WORK/ours" "$LIST"
    cat "$WORK/compared"
    ((code == 0))
}

try a_difference_is_seen a_difference_is_seen
try a_stale_row_fails a_stale_row_fails
try a_run_that_ends_early_fails a_run_that_ends_early_fails
try the_kernel_runs_all the_kernel_runs_all
try ours_runs_all ours_runs_all
# Kernels differ among themselves: the list is of one, and on another its differences are told, not judged.
if grep -q "^# kernel: $(uname -r | cut -d. -f1,2)\$" "$LIST"; then
    try ours_is_the_kernel ours_is_the_kernel
else
    skip kernel other-kernel
    compared "$WORK/kernel" "$WORK/ours" "$LIST"
    sed 's/^/on this kernel: /' "$WORK/compared"
fi
finish
