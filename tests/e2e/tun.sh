#!/usr/bin/env bash
#
# tun.sh - a link of bare IP packets: `tapio` on a TUN against the kernel, IPv4 and IPv6.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

HOST6=fd00:9::2
URL=http://$HOST
URL6="http://[$HOST6]"
BOTH=(--dev tun:tun0 --addr "$HOST/24" --addr "$HOST6/64" --root "$WORK/site")

# The kernel without IPv6, or with it switched off, has nobody to talk to.
has_ipv6() {
    [[ $(cat /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null) == 0 ]]
}

pinged() {
    ping -c 3 -i 0.2 -W 2 "$HOST"
    ping -6 -c 3 -i 0.2 -W 2 "$HOST6"
    # As large as the link takes, and not to be fragmented.
    ping -c 1 -W 2 -M 'do' -s 1472 "$HOST"
    ping -6 -c 1 -W 2 -M 'do' -s 1452 "$HOST6"
}

fetched() {
    fetch -o "$WORK/got4" "$URL/big"
    same_as_site big "$WORK/got4"
    fetch -g -6 -o "$WORK/got6" "$URL6/big"
    same_as_site big "$WORK/got6"
}

served_with() {
    serve_start "${BOTH[@]}" --offload "$1" --capture "$WORK/tun.pcapng"
    grep -q "dev=tun0 created .* link=ip offload=$1 " "$WORK/serve.out"
    pinged
    fetched
    expect "a closed port over IPv6, curl's exit code" 7 \
        "$(fetch -g -6 "$URL6:81/" 2>/dev/null || echo $?)"
    serve_stop
}

with_offload() {
    served_with on
}

without_offload() {
    served_with off
}

captured() {
    [[ -s $WORK/tun.pcapng ]]
    tshark -r "$WORK/tun.pcapng" -n -T fields -e frame.protocols >"$WORK/fields" 2>"$WORK/tshark.err"
    grep -q '^raw:ip:tcp' "$WORK/fields"
    grep -q '^raw:ipv6:tcp' "$WORK/fields"
    grep -q '^raw:ipv6:icmpv6' "$WORK/fields"
    expect "packets with a bad checksum" 0 \
        "$(tshark -r "$WORK/tun.pcapng" -n -o tcp.check_checksum:TRUE -Y "$WRONG_TCP_SUM" 2>/dev/null | wc -l)"
}

only_ipv6() {
    serve_start --dev tun:tun0 --addr "$HOST6/64" --root "$WORK/site" --impair loss=1%,seed=5
    grep -q "^ready http://\[$HOST6\]:80/" "$WORK/serve.out"
    expect "IPv4 addresses of the kernel" "" "$(ip -4 -o addr show dev tun0)"
    fetch -g -6 -o "$WORK/got6" "$URL6/big"
    same_as_site big "$WORK/got6"
    serve_stop
}

pings_the_kernel() {
    "$TAPIO" ping --dev tun:tun1 -c 3 -i 0.2 10.9.0.1
    "$TAPIO" ping --dev tun:tun1 --addr "$HOST6/64" -c 3 -i 0.2 fd00:9::1
}

told_of_a_closed_port() {
    serve_start "${BOTH[@]}"
    # A datagram that nobody takes: the kernel hands the ICMP error to who sent it.
    python3 - "$HOST" "$HOST6" <<'PYTHON'
import socket, sys
for host in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.connect((host, 9))
        s.send(b"anybody?")
        try:
            s.recv(1)
            sys.exit("an answer from " + host)
        except ConnectionRefusedError:
            pass
PYTHON
    serve_stop
}

joined() {
    ip tuntap add dev tungiven mode tun
    ip addr add 10.9.0.1/24 dev tungiven
    ip link set tungiven up
    serve_start --dev tun:tungiven --root "$WORK/site"
    grep -q 'dev=tungiven attached' "$WORK/serve.out"
    fetch -o "$WORK/got4" "$URL/small.txt"
    same_as_site small.txt "$WORK/got4"
    serve_stop
    ip link show dev tungiven
    "$TAPIO" serve --dev tap:tungiven 2>"$WORK/err" && fail "a TUN was taken for a TAP"
    grep -q 'no TAP' "$WORK/err"
    ip link del tungiven
}

examples_run() {
    "$BUILT/two_stacks"
    "$BUILT/ip_packets"
    "$BUILT/own_device"
}

make_site 4000000
try "the examples run" examples_run
try "a TUN that is there is joined, and is no TAP" joined
if has_ipv6; then
    try "ping and curl over IPv4 and IPv6, checksums offloaded" with_offload RFC8200-8.1-a \
        RFC4443-4.1-a
    if have tshark; then
        try "the capture is one of IP packets, with whole checksums" captured
    fi
    try "ping and curl over IPv4 and IPv6, whole checksums" without_offload RFC8200-8.1-a \
        RFC4443-4.1-a
    try "a stack of IPv6 alone, and 1% loss: equal at the end" only_ipv6
    try "tapio ping asks the kernel over either" pings_the_kernel
    try "a datagram to nobody is refused by name, over either" told_of_a_closed_port \
        RFC4443-3.1-a RFC1122-3.2.2.1-a
else
    skip "IPv6 over a TUN" no-ipv6
fi
finish
