#!/usr/bin/env bash
#
# scan.sh - frames that nobody should send, thrown at the server from a raw socket while it serves: it
# lives, it drops each kind by its name, and the transfer beside it is byte-exact.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST

neighbour_mac() {
    ip -4 neigh show "$HOST" dev tap0 | awk '{ for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1) }'
}

throw_frames() {
    local mac theirs client
    fetch -o /dev/null "$URL/"
    theirs=$(neighbour_mac)
    mac=$(ip -o link show tap0 | awk '{ for (i = 1; i < NF; i++) if ($i == "link/ether") print $(i + 1) }')
    # This side may send longer frames than the server's MTU of 1500 allows.
    ip link set tap0 mtu 9000
    fetch --limit-rate 10M -o "$WORK/got" "$URL/big" 2>"$WORK/client.err" &
    client=$!
    started "$client"
    python3 "$CLIENTS" frames tap0 "$mac" "$theirs" 10.9.0.1 "$HOST" 80 81
    wait "$client"
    same_as_site big "$WORK/got"
    ip link set tap0 mtu 1500
}

still_there() {
    expect "the file" "a small file" "$(fetch "$URL/small.txt")"
    ping -q -n -c 1 -W 2 "$HOST"
}

# dropped NAME...: did the capture's second interface get at least one frame of each name?
dropped() {
    local name
    for name in "$@"; do
        grep -q "^drop $name " "$WORK/summary" || fail "nothing was dropped as $name"
    done
}

named_drops() {
    serve_stop
    "$ROOT/scripts/annotate" --summary "$WORK/scan.pcapng" >"$WORK/summary"
    grep '^drop ' "$WORK/summary"
    expect "packets without a comment" 0 "$(awk '$1 == "without-comment" { print $2 }' "$WORK/summary")"
}

names_of_ethernet() {
    dropped eth.rx_giant eth.rx_bad_src eth.rx_vlan eth.rx_proto
}

names_of_arp() {
    dropped arp.rx_bad arp.rx_bad_sender
}

names_of_ip() {
    dropped ip4.rx_hdr ip4.rx_martian ip4.frag_big ip4.rx_l2bcast
}

names_of_tcp() {
    dropped tcp.rx_hdr tcp.rx_csum tcp.rx_flags tcp.rx_closed
}

make_site 20000000
if serve_start --root "$WORK/site" --offload off --capture "$WORK/scan.pcapng"; then
    try "a thousand bad frames beside a transfer: equal at the end" throw_frames
    try "the server still answers" still_there
    try "it ends well, and every dropped frame has a name" named_drops
    try "Ethernet's bad frames are dropped by name" names_of_ethernet E02 E04 E06 E07
    try "ARP's bad packets are dropped by name" names_of_arp A01 A02
    try "IPv4's bad packets are dropped by name" names_of_ip E05 P01 P04 P07
    try "TCP's bad segments are dropped by name: null, XMAS, SYN+FIN, LAND" names_of_tcp C01 C02 C13 C14 C15
else
    try "the server starts" false
fi
finish
