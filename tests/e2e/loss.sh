#!/usr/bin/env bash
#
# loss.sh - 2 % random loss in each direction on the real path: what arrives is what was sent.
#
# The packets die in the forward hook of a router between the client and the TAP, where neither sender
# sees it: a drop on a sender's own output would be a local failure to it, and no loss.
#
#     client 10.8.0.2 --- veth --- 10.8.0.1 router 10.9.0.1 --- tap0 --- 10.9.0.2 tapio
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

PERCENT=2
CLIENT= # a process in the client's namespace

in_client() {
    nsenter --target "$CLIENT" --net -- "$@"
}

lossy_path() {
    unshare --net -- sleep 600 &
    CLIENT=$!
    started "$CLIENT"
    disown
    wait_until 5 other_network
    ip link add toclient type veth peer name torouter
    ip link set torouter netns "$CLIENT"
    ip addr add 10.8.0.1/24 dev toclient
    ip link set toclient up
    in_client ip addr add 10.8.0.2/24 dev torouter
    in_client ip link set lo up
    in_client ip link set torouter up
    in_client ip route add default via 10.8.0.1
    # One packet is one segment: else one drop takes 64 KB.
    in_client ethtool -K torouter tso off gso off gro off >/dev/null
    ethtool -K toclient tso off gso off gro off >/dev/null
    echo 1 >/proc/sys/net/ipv4/ip_forward
    nft -f - <<RULES
table ip loss {
    chain wire {
        type filter hook forward priority 0;
        numgen random mod 100 < $PERCENT counter drop
    }
}
RULES
}

other_network() {
    [[ $(readlink "/proc/$CLIENT/ns/net") != $(readlink /proc/self/ns/net) ]]
}

lost_something() {
    local packets
    packets=$(nft list table ip loss | awk '{ for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }')
    printf 'packets lost so far: %s\n' "$packets"
    ((packets > SIZE / 300000)) # a quarter of what is to be expected
}

large_download() {
    in_client curl --disable --silent --show-error --max-time 240 --noproxy '*' -o "$WORK/got" "http://$HOST/big"
    same_as_site big "$WORK/got"
    lost_something
}

large_upload() {
    in_client python3 "$CLIENTS" echo "$HOST" 7 "$SIZE"
    lost_something
}

many_small() {
    local number
    for ((number = 0; number < 40; number++)); do
        expect "answer $number" "a small file" \
            "$(in_client curl --disable --silent --show-error --max-time 30 --noproxy '*' "http://$HOST/small.txt")"
    done
}

if ! nft add table ip probe 2>/dev/null; then
    skip '*' no-netfilter
    finish
fi
SIZE=20000000
thorough || SIZE=1000000
make_site "$SIZE"
if lossy_path >"$WORK/path" 2>&1 &&
    serve_start --root "$WORK/site" --echo 7 --gateway 10.9.0.1 --offload off; then
    try "a download of $SIZE octets over $PERCENT % loss each way, equal" large_download RFC1122-3.3.1.6-a
    try "an upload of $SIZE octets and back over the same, equal" large_upload
    thorough && try "40 short connections over the same" many_small
    try "the server ends well" serve_stop
else
    cat "$WORK/path"
    try "a lossy path and a server on it" false
fi
finish
