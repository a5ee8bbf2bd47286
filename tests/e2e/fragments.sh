#!/usr/bin/env bash
#
# fragments.sh - datagrams that are larger than the link, between `tapio serve` and the kernel.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

FLOOD_SECONDS=8

pinged() {
    ping -c 3 -i 0.3 -W 3 -s 65507 "$HOST" >"$WORK/ping"
    cat "$WORK/ping"
    grep -q '^65515 bytes from' "$WORK/ping"
    grep -q ' 3 received, 0% packet loss' "$WORK/ping"
    ping -c 2 -i 0.3 -W 3 -s 1473 "$HOST"
}

echoed() {
    python3 "$CLIENTS" big_udp "$HOST" 7
}

flooded() {
    local flood
    python3 "$CLIENTS" half_datagrams "$HOST" "$FLOOD_SECONDS" >"$WORK/flood" 2>"$WORK/flood.err" &
    flood=$!
    started "$flood"
    sleep 0.5
    fetch -o "$WORK/got" "http://$HOST/big"
    same_as_site big "$WORK/got"
    ! gone "$flood" || fail "the flood was over before the download: $(tail -n 1 "$WORK/flood.err")"
    wait "$flood"
    printf 'halves sent: %s\n' "$(cat "$WORK/flood")"
    (($(cat "$WORK/flood") > 1000))
    # Behind it, a large datagram gets through again.
    ping -c 1 -W 3 -s 65507 "$HOST"
}

# The other way round: our echo leaves in fragments, and the kernel's answer comes in some.
pings() {
    local size
    for size in 1472 1473 65507; do
        timeout 20 "$TAPIO" ping --dev tap:tap1 --addr 10.9.1.2/24 --host-addr 10.9.1.1/24 -c 2 -i 0.2 \
            -s "$size" 10.9.1.1 >"$WORK/ping"
        grep -q "^$((size + 8)) bytes from 10.9.1.1: icmp_seq=2" "$WORK/ping"
        grep -q '2 packets transmitted, 2 received' "$WORK/ping"
    done
}

ended() {
    serve_stop
    no_complaint
}

make_site 1000000
serve_start --root "$WORK/site" --echo 7
try "ping -s 65507, and one octet more than the link carries" pinged RFC791-3.2-a RFC791-3.2-b \
    RFC791-3.2-f RFC1122-3.3.2-a
try "UDP of up to 65,507 octets comes back" echoed RFC791-3.2-a RFC791-3.2-f
try "a download during a flood of halves, and a large ping after it" flooded P12 RFC791-limits-a
try "tapio ping -s 65507" pings RFC791-3.2-f
try "the server ends well" ended
finish
