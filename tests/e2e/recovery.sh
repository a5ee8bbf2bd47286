#!/usr/bin/env bash
#
# recovery.sh - how fast we recover from loss, beside the kernel on the same path: 1, 3 and 5 % of the
# packets of each direction are lost, and the rates of interleaved transfers are compared.
#
#     client 10.8.0.2 --- veth --- router --- veth --- 10.7.0.2 server (the kernel's)
#                                    +------- tap0 --- 10.9.0.2 tapio serve
#                                    +------- tap1 --- 10.6.0.2 tapio get
#
# Each packet between two of them crosses the router's forward hook once, and dies there by chance:
# neither sender sees it. We send: the client gets a file from us, or from the server. We receive: the
# server sends a file to us, or to the client; what is timed is its own sending, until all is acknowledged.
#
# The router forwards RATE to each of them: else the time is the processor's, not the recovery's. Without
# offloads our stack makes a system call for each packet, and the kernel none: TAPIO_PATH_RATE=none shows it.
# Every file is compared. The rate is judged by the medians, and by a bound that is loose, as a busy
# machine is no failure; TAPIO_FULL=1, which scripts/nightly sets, asks for 0.9 of the kernel's rate.
TAPIO=${TAPIO_PLAIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/tapio} # the rate of a sanitized one is none
TAPIO=$(realpath "$TAPIO")
export TAPIO
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

RATE=${TAPIO_PATH_RATE:-100mbit} # "none": as fast as the machine
SIZE=2000000
PAIRS=5
MOST=20
BOUND=0.5
if [[ ${TAPIO_FULL:-0} != 0 ]]; then
    SIZE=20000000
    PAIRS=15
    MOST=60
    BOUND=0.9
fi
SERVER_ADDR=10.7.0.2
SENDING=$WORK/sending # what the kernel's server says
CLIENT_NET=           # processes that keep a network, and are its name
SERVER_NET=

in_client() {
    nsenter --net="/proc/$CLIENT_NET/ns/net" -- "$@"
}

in_server() {
    nsenter --net="/proc/$SERVER_NET/ns/net" -- "$@"
}

# plain ENTER... DEVICE: one packet is one segment, or a drop takes 64 KB.
plain() {
    "${@:1:$#-1}" ethtool -K "${!#}" tso off gso off gro off rx off tx off >/dev/null
}

# slow DEVICE: what goes out there waits in a queue of 50 ms at most.
slow() {
    [[ $RATE == none ]] || tc qdisc add dev "$1" root tbf rate "$RATE" burst 32k latency 50ms
}

# join DEVICE NET PID ENTER: a network whose one host, NET.2, is behind DEVICE of the router.
join() {
    ip link add "$1" type veth peer name outside
    ip link set outside netns "$3"
    ip addr add "$2.1/24" dev "$1"
    ip link set "$1" up
    "$4" ip addr add "$2.2/24" dev outside
    "$4" ip link set lo up
    "$4" ip link set outside up
    "$4" ip route add default via "$2.1"
    # What one transfer learns of the path is not for the next.
    "$4" bash -c 'echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save'
    plain "$4" outside
    plain "$1"
    slow "$1"
}

other_network() {
    [[ $(readlink "/proc/$1/ns/net") != $(readlink /proc/self/ns/net) ]]
}

# A process that keeps a network.
network() {
    unshare --net -- sleep 3600 &
    started $!
    disown
    wait_until 5 other_network $!
}

path() {
    join toclient 10.8.0 "$CLIENT_NET" in_client
    join toserver 10.7.0 "$SERVER_NET" in_server
    # `tapio get` comes and goes; its device stays.
    ip tuntap add dev tap1 mode tap
    ip addr add 10.6.0.1/24 dev tap1
    ip link set tap1 up
    slow tap1
    echo 1 >/proc/sys/net/ipv4/ip_forward
    # Not by in_server(): what is to be ended is the server, and no shell around it.
    nsenter --net="/proc/$SERVER_NET/ns/net" -- python3 "$ROOT/tests/e2e/recovery_server.py" \
        "$SERVER_ADDR" 80 "$WORK/site/big" >"$SENDING" 2>&1 &
    started $!
    disown
    wait_until 10 grep -q '^ready' "$SENDING"
    serve_start --root "$WORK/site" --gateway 10.9.0.1 --offload off
    slow tap0
}

lose() { # lose PERCENT
    nft -f - <<RULES
table ip recovery
delete table ip recovery
table ip recovery {
    chain wire {
        type filter hook forward priority 0;
        meta l4proto tcp numgen random mod 100 < $1 counter drop
    }
}
RULES
}

lost() {
    nft list table ip recovery | awk '{ for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }'
}

# --- one transfer: each prints its megabits a second ----------------------------------------

rate() { # rate SECONDS
    awk -v octets="$SIZE" -v seconds="$1" 'BEGIN { printf "%.2f\n", octets * 8 / 1e6 / seconds }'
}

whole() {
    cmp "$WORK/site/big" "$WORK/got" >&2
    rm "$WORK/got"
}

# The client's view of a file from HOST, from its request on: a lost SYN is no matter of recovery.
client_gets() {
    local times
    times=$(in_client curl --disable --silent --show-error --max-time 120 --noproxy '*' -o "$WORK/got" \
        -w '%{time_pretransfer} %{time_total}' "http://$1/big")
    whole
    rate "$(awk '{ print $2 - $1 }' <<<"$times")"
}

# The sender's view of the file that COMMAND gets from the kernel's server.
server_sends() {
    local before
    before=$(wc -l <"$SENDING")
    "$@"
    whole
    wait_until 10 said_more_than "$before"
    rate "$(tail -n 1 "$SENDING")"
}

said_more_than() {
    (($(wc -l <"$SENDING") > $1))
}

we_get() {
    timeout 120 "$TAPIO" get --dev tap:tap1 --addr 10.6.0.2/24 --gateway 10.6.0.1 --offload off \
        -o "$WORK/got" "http://$SERVER_ADDR/big" </dev/null >&2
}

client_gets_plainly() {
    in_client curl --disable --silent --show-error --max-time 120 --noproxy '*' -o "$WORK/got" \
        "http://$SERVER_ADDR/big"
}

we_send() {
    client_gets "$HOST"
}

kernel_sends() {
    client_gets "$SERVER_ADDR"
}

we_receive() {
    server_sends we_get
}

kernel_receives() {
    server_sends client_gets_plainly
}

# --- many of them ---------------------------------------------------------------------------

# summary FILE: "MEDIAN LEAST MOST"
summary() {
    sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)], all[1], all[NR] }'
}

# judge PERCENT: the line of the table goes to $WORK/figures; is it within the bound?
judge() {
    local ours kernels
    ours=$(summary "$WORK/ours")
    kernels=$(summary "$WORK/kernels")
    awk -v ours="$ours" -v kernels="$kernels" -v lost="$(lost)" -v pairs="$(wc -l <"$WORK/ours")" \
        -v size="$SIZE" -v percent="$1" -v bound="$BOUND" 'BEGIN {
        split(ours, o); split(kernels, k)
        printf "    of %d pairs of %.1f MB: ours %.1f Mbit/s (%.1f to %.1f), the kernel %.1f (%.1f to %.1f): %.2f; %d packets lost\n",
            pairs, size / 1e6, o[1], o[2], o[3], k[1], k[2], k[3], o[1] / k[1], lost
        exit percent > 0 && o[1] < bound * k[1]
    }' >"$WORK/figures"
}

# beside PERCENT OURS KERNELS: PAIRS of each, in turns. Chance decides how long one takes, at 3 % by a factor
# of two, at 5 % of four: five times 15 pairs of the same two had ratios from 0.87 to 1.01. So more of them are
# tried, up to MOST, before it says that we are slow; what is judged are all of them.
beside() {
    local pair
    lose "$1"
    : >"$WORK/ours"
    : >"$WORK/kernels"
    for ((pair = 1; pair <= MOST; pair++)); do
        "$3" >>"$WORK/kernels"
        "$2" >>"$WORK/ours"
        if ((pair % PAIRS == 0)) && judge "$1"; then
            break
        fi
    done
    (($(lost) >= SIZE * PAIRS * $1 / 150000)) # half of what the text alone is to lose
    judge "$1" || fail "$(sed 's/^ *//' "$WORK/figures"): below $BOUND of the kernel's rate"
}

sends_0() { beside 0 we_send kernel_sends; }
receives_0() { beside 0 we_receive kernel_receives; }
sends_1() { beside 1 we_send kernel_sends; }
sends_3() { beside 3 we_send kernel_sends; }
sends_5() { beside 5 we_send kernel_sends; }
receives_1() { beside 1 we_receive kernel_receives; }
receives_3() { beside 3 we_receive kernel_receives; }
receives_5() { beside 5 we_receive kernel_receives; }

# compare NAME FUNCTION: a test whose figures are printed, passed or not.
compare() {
    : >"$WORK/figures"
    try "$1" "$2"
    cat "$WORK/figures"
}

if ! nft add table ip probe 2>/dev/null; then
    skip '*' no-netfilter
    finish
fi
make_site "$SIZE"
network
CLIENT_NET=$!
network
SERVER_NET=$!
if path >"$WORK/path" 2>&1; then
    if [[ $BOUND == 0.9 ]]; then
        compare "without loss we send what is sent" sends_0
        compare "without loss we receive what is sent" receives_0
    fi
    for percent in 1 3 5; do
        compare "at $percent % loss we send what is sent, at $BOUND of the kernel's rate or more" "sends_$percent"
        compare "at $percent % loss we receive what is sent, at $BOUND of the rate to the kernel or more" "receives_$percent"
    done
    try "the server ends well" serve_stop
else
    cat "$WORK/path"
    try "a lossy path and servers on it" false
fi
finish
