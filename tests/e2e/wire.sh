#!/usr/bin/env bash
#
# wire.sh - `tapio wire`: two kernels on one bad wire. The other kernel's network is a namespace within
# ours, into which one of the TAPs is moved.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

NEAR=10.8.0.1
FAR=10.8.0.2

# A process that keeps the far network, and is its name.
unshare -n sleep 600 &
FAR_NET=$!
started "$FAR_NET"
disown

far() {
    nsenter --net="/proc/$FAR_NET/ns/net" "$@"
}

# wire_start ARGS...: near0 is ours, far0 the other network's.
wire_start() {
    rm -f "$WORK/wire.code" "$WORK/wire.out"
    {
        "$TAPIO" wire tap:near0 tap:far0 "$@" >"$WORK/wire.out" 2>"$WORK/wire.err" </dev/null &
        echo $! >"$WORK/wire.pid"
        code=0
        wait $! || code=$?
        echo "$code" >"$WORK/wire.code"
    } &
    disown
    wait_until 5 grep -q '^ready tap:near0 tap:far0$' "$WORK/wire.out"
    started "$(cat "$WORK/wire.pid")"
    ip addr add "$NEAR/24" dev near0
    ip link set far0 netns "$FAR_NET"
    far ip addr add "$FAR/24" dev far0
    far ip link set far0 up
    far ip link set lo up
}

wire_stop() {
    kill -INT "$(cat "$WORK/wire.pid")"
    wait_until 5 test -s "$WORK/wire.code"
    cat "$WORK/wire.out" "$WORK/wire.err"
    expect "exit code" 0 "$(cat "$WORK/wire.code")"
    expect "what it complains about" "" "$(cat "$WORK/wire.err")"
}

# figure WAY WHAT: of the last wire, "near0" or "far0" being where frames came from.
figure() {
    sed -n "s/^tap:$1 to .* \([0-9]*\) $2.*/\1/p" "$WORK/wire.out"
}

carries() {
    wire_start
    ping -q -c 20 -i 0.02 -s 1472 "$FAR" | grep -q ' 0% packet loss'
    nsenter --net="/proc/$FAR_NET/ns/net" python3 -m http.server --bind "$FAR" --directory "$WORK/site" 8000 >/dev/null 2>&1 &
    started $! # nsenter becomes python: this is its process
    wait_until 5 fetch -o /dev/null "http://$FAR:8000/small.txt"
    fetch -o "$WORK/got" "http://$FAR:8000/big"
    same_as_site big "$WORK/got"
    wire_stop
    (($(figure near0 'frames came') > 20 && $(figure far0 'went on') > 1000))
    expect "lost" "0 0" "$(figure near0 lost) $(figure far0 lost)"
}

# 20 ms there and 30 ms back.
delays() {
    local average
    wire_start --impair 'in:delay=20ms;out:delay=30ms'
    ping -q -c 5 -i 0.2 "$FAR" >"$WORK/ping"
    cat "$WORK/ping"
    average=$(sed -n 's|^rtt .* = [^/]*/\([0-9]*\).*|\1|p' "$WORK/ping")
    ((average >= 50 && average < 65))
    wire_stop
}

# Every frame that goes there is lost, and the seed decides which of those that come back.
loses() {
    wire_start --impair 'in:loss=100%'
    expect "answers" "" "$(ping -q -c 3 -i 0.1 -W 1 "$FAR" | grep ' 0% packet loss' || true)"
    wire_stop
    expect "went on" 0 "$(figure near0 'went on')"
    (($(figure near0 'lost') > 0))
}

refused() {
    local code=0
    "$TAPIO" wire "$@" >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code of wire $*" 2 "$code"
    expect "lines" 1 "$(wc -l <"$WORK/err")"
}

mistakes() {
    refused
    refused tap:a
    refused tap:a tap:a
    refused tap:a b
    refused tap:a tun:b
    refused tap:a tap:b tap:c
    refused tap:a tap:b --impair loss=2
    refused tap:a tap:b --ready-fd 99
    expect "interfaces that are left" "" "$(ip -o link show type tun)"
}

make_site 5000000

try "two kernels reach each other, and a file arrives whole" carries
try "each way has its delay" delays
try "what is lost is counted" loses
try "a mistake is told in one line, and nothing is left" mistakes
finish
