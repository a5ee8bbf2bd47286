#!/usr/bin/env bash
#
# drill.sh - `tapio drill` from outside: what it exits with, what it prints, and what it writes.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

# run ARGS...: the tool; its words are $WORK/out and $WORK/err, its status $code. What these scripts
# claim to prove goes to a file of ours.
run() {
    code=0
    TAPIO_PROOFS=$WORK/proofs timeout 20 "$TAPIO" drill "$@" >"$WORK/out" 2>"$WORK/err" || code=$?
}

# refused STATUS PATTERN: one line on stderr that has the pattern, nothing on stdout.
refused() {
    expect "status" "$1" "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q -e "$2" "$WORK/err" || fail "the line says: $(cat "$WORK/err")"
}

# script NAME: from stdin, below $WORK/scripts.
script() {
    mkdir -p "$WORK/scripts/$(dirname "$1")"
    cat >"$WORK/scripts/$1"
}

good_script() {
    script "$1" <<'PKT'
// PROVES RFC9293-MUST-4 RFC9293-MUST-13
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0
+0 < S 0:0(0) win 30000 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
PKT
}

bad_script() {
    script "$1" <<'PKT'
0 < S 0:0(0) win 1000 <mss 1000>
+0 > R. 0:0(0) ack 2 win 0
PKT
}

skipped_script() {
    script "$1" <<'PKT'
`sysctl -q net.ipv4.tcp_ecn=3`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
PKT
}

usage() {
    run
    refused 2 'name a script'
    run --no-such-option x.pkt
    refused 2 'no-such-option'
    run --mtu
    refused 2 'needs a value'
    good_script usage/a.pkt
    run --mtu=5 "$WORK/scripts/usage/a.pkt"
    refused 2 'a number from 68'
    run -D nothing "$WORK/scripts/usage/a.pkt"
    refused 2 'NAME=VALUE'
    run --help
    expect "status" 0 "$code"
    grep -q '^usage: tapio drill' "$WORK/out"
}

files() {
    run "$WORK/missing.pkt"
    refused 1 'No such file'
    mkdir -p "$WORK/empty"
    run "$WORK/empty"
    refused 1 'no script'
    good_script tree/a.pkt
    good_script tree/deep/b.pkt
    script tree/notes.txt <<<'no script'
    run "$WORK/scripts/tree"
    expect "status" 0 "$code"
    expect "stdout" '2 passed, 0 failed, 0 skipped' "$(cat "$WORK/out")"
}

# What comes through a pipe is a script like any other.
pipes() {
    good_script pipes/a.pkt
    run - < <(cat "$WORK/scripts/pipes/a.pkt")
    expect "status" 0 "$code"
    run <(cat "$WORK/scripts/pipes/a.pkt") <(echo '0 nothing')
    expect "status" 1 "$code"
    expect "stdout" '1 passed, 1 failed, 0 skipped' "$(tail -n 1 "$WORK/out")"
}

statuses() {
    good_script mixed/a.pkt
    run "$WORK/scripts/mixed"
    expect "all pass" 0 "$code"
    skipped_script mixed/b.pkt
    run "$WORK/scripts/mixed"
    expect "one skipped" 4 "$code"
    grep -q 'b.pkt:1: skipped, sysctl: net.ipv4.tcp_ecn=3' "$WORK/out"
    run --allow-skip "$WORK/scripts/mixed"
    expect "a skip allowed" 0 "$code"
    bad_script mixed/c.pkt
    run --allow-skip "$WORK/scripts/mixed"
    expect "one failed" 1 "$code"
    grep -q 'c.pkt:2: ack: expected 2, came 1' "$WORK/out"
    expect "the last line" '1 passed, 1 failed, 1 skipped' "$(tail -n 1 "$WORK/out")"
}

json() {
    good_script json/a.pkt
    skipped_script json/b.pkt
    bad_script json/c.pkt
    run --json "$WORK/scripts/json"
    expect "status" 1 "$code"
    python3 - "$WORK/out" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert [row["result"] for row in rows] == ["pass", "skip", "fail"], rows
assert all(row["schema"] == 1 and "virtual_ms" in row for row in rows)
assert rows[1]["skip"] == "sysctl" and rows[0]["skip"] is None
assert rows[2]["line"] == 2 and "expected 2, came 1" in rows[2]["reason"]
PYTHON
    expect "the summary" '1 passed, 1 failed, 1 skipped' "$(cat "$WORK/err")"
}

trace() {
    good_script trace/a.pkt
    run --trace "$WORK/trace.pcapng" "$WORK/scripts/trace/a.pkt"
    expect "status" 0 "$code"
    expect "it begins as a pcapng" 0a0d0d0a "$(head -c 4 "$WORK/trace.pcapng" | od -An -tx1 | tr -d ' ')"
    grep -q 'why=syn-ack' "$WORK/trace.pcapng"
    run --trace "$WORK/none/trace.pcapng" "$WORK/scripts/trace/a.pkt"
    refused 1 'No such file'
    good_script trace/b.pkt
    run --trace "$WORK/trace.pcapng" "$WORK/scripts/trace"
    refused 2 'one script at a time'
}

record() {
    good_script record/a.pkt
    run --record "$WORK/record.json" "$WORK/scripts/record/a.pkt"
    expect "status" 0 "$code"
    python3 - "$WORK/record.json" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert [row["event"] for row in rows] == ["script", "call", "call", "call", "in", "out", "end"], rows
assert rows[1]["name"] == "socket" and rows[1]["wanted"] == 3 and rows[-1]["reason"] == ""
PYTHON
    run --record - "$WORK/scripts/record/a.pkt"
    expect "lines on stdout" 7 "$(wc -l <"$WORK/out")"
    run --record "$WORK/none/record.json" "$WORK/scripts/record/a.pkt"
    refused 1 'No such file'
    good_script record/b.pkt
    run --record "$WORK/record.json" "$WORK/scripts/record"
    refused 2 'one script at a time'
}

proofs() {
    good_script conformance/rfc9293/a.pkt
    bad_script conformance/rfc9293/b.pkt
    : >"$WORK/proofs"
    run "$WORK/scripts/conformance"
    expect "lines" 2 "$(wc -l <"$WORK/proofs")"
    expect "the first" $'RFC9293-MUST-4\tdrill\trfc9293/a\tpass' "$(head -n 1 "$WORK/proofs")"
}

# Shell lines: what stands in a script beside ours is read, and nothing is run.
shell_scripts() {
    script shell/set.sh <<<$'#!/bin/sh\nsysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0'
    script shell/a.pkt <<'PKT'
`./set.sh`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0
+0 < S 0:0(0) win 30000 <mss 1000,sackOK,TS val 1 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460>
PKT
    script shell/b.pkt <<<$'`touch /tmp/tapio-drill-must-not-run`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3'
    run "$WORK/scripts/shell"
    expect "status" 4 "$code"
    grep -q 'b.pkt:1: skipped, shell: touch' "$WORK/out"
    [[ ! -e /tmp/tapio-drill-must-not-run ]]
}

try usage usage
try files files
try pipes pipes
try statuses statuses
try json json
try trace trace
try record record
try proofs proofs
try shell_scripts shell_scripts
finish
