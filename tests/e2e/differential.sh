#!/usr/bin/env bash
#
# differential.sh - every script that is short enough is played to the kernel's TCP and to ours: what differs is known.
#
# First the tool itself: it must see a difference, and a row of the list that nothing shows. Then all scripts of
# tests/conformance that pass with Linux's values within three seconds, against our stack in virtual time; then those of
# tests/e2e/live against `tapio serve` on a TUN. A script is one test; differential.tsv is the list of what is known.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

SCRIPTS=$ROOT/tests/conformance
LIST=$ROOT/tests/e2e/differential.tsv

# run ARGS...: the tool; its words are $WORK/out, its status $code.
run() {
    code=0
    python3 "$ROOT/tests/e2e/differential.py" "$@" >"$WORK/out" 2>&1 || code=$?
}

# ours waits for the delayed ACK of another profile where the kernel answers at once.
a_difference_is_seen() {
    run --profile rfc "$SCRIPTS/rfc5681/4.2-every-second-segment.pkt"
    expect "status" 1 "$code"
    grep -q 'difference' "$WORK/out"
}

the_same_is_said() {
    run "$SCRIPTS/rfc9293/3.7.4-minshall.pkt"
    expect "status" 0 "$code"
    expect "the words" "$SCRIPTS/rfc9293/3.7.4-minshall.pkt: same" "$(cat "$WORK/out")"
}

a_stale_row_fails() {
    printf 'rfc9293/3.7.4-*\tflags: S | F\tnever\n' >"$WORK/list"
    run --known "$WORK/list" "$SCRIPTS/rfc9293/3.7.4-minshall.pkt"
    expect "status" 1 "$code"
    grep -q '^not ok .*list:1: no script shows this any more' "$WORK/out"
}

try a_difference_is_seen a_difference_is_seen
try the_same_is_said the_same_is_said
try a_stale_row_fails a_stale_row_fails

# all ARGS...: one test a script, counted with ours.
all() {
    local good bad
    run --known "$@"
    grep -v '^[0-9]* passed' "$WORK/out"
    read -r good bad < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { print $1, $3 }' "$WORK/out")
    ((${good:-0} > 0)) || bad=1 # it fell over before it could count
    GOOD=$((GOOD + ${good:-0}))
    BAD=$((BAD + bad))
}

few=()
if [[ ! -e /proc/sys/net/ipv6 ]]; then
    few=(--no-ipv6)
    skip ipv6 no-ipv6
fi
# Kernels differ among themselves: the list is of one, and on another its differences are told, not judged.
if grep -q "^# kernel: $(uname -r | cut -d. -f1,2)\$" "$LIST"; then
    judge=all
else
    judge=tell
    skip kernel other-kernel
fi
tell() {
    run --known "$@"
    grep -v '^[0-9]* passed' "$WORK/out" | sed 's/^/on this kernel: /'
}

"$judge" "$LIST" "${few[@]}" --select --longest 3 --jobs 16 "$SCRIPTS"
printf '# no difference is known there\n' >"$WORK/list"
"$judge" "$WORK/list" "${few[@]}" --live "$ROOT/tests/e2e/live"
finish
