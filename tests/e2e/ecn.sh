#!/usr/bin/env bash
#
# ecn.sh - congestion marks with the kernel at the other end: who asks, what is marked, and what each
# end makes of marks that nftables writes on the way (RFC 3168).
#
# Our own capture tells: it has what left us before it was marked, and what came after. The kernel's
# side needs no trust beyond its own TCP.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

OURS=$WORK/ours.pcapng
PEER=10.9.0.1
US="ip.src == $HOST"
THEM="ip.src == $PEER"
SYN='tcp.flags.syn == 1 && tcp.flags.ack == 0'
SYN_ACK='tcp.flags.syn == 1 && tcp.flags.ack == 1'
LATER='tcp.flags.syn == 0'
ECT_0='ip.dsfield.ecn == 2'
CE='ip.dsfield.ecn == 3'

count() {
    tshark -n -r "$OURS" -Y "$1" 2>/dev/null | wc -l
}

none() { # none WHAT FILTER
    expect "$1" 0 "$(count "$2")"
}

some() { # some WHAT FILTER
    local found
    found=$(count "$2")
    printf '%s: %s\n' "$1" "$found"
    ((found > 0)) || fail "no $1"
}

kernel_ecn() {
    echo "$1" >/proc/sys/net/ipv4/tcp_ecn
}

serve() {
    serve_start --root "$WORK/site" --echo 7 --offload off --capture "$OURS" "$@"
}

# Both directions of the text are marked as capable, and nothing else of ours is.
marked_both_ways() {
    some "text of ours with ECT(0)" "$US && tcp.len > 0 && $ECT_0"
    some "text of the kernel's that may be marked" "$THEM && tcp.len > 0 && ip.dsfield.ecn != 0"
    none "other marks of ours" "$US && ip.dsfield.ecn != 0 && !($ECT_0)"
    none "marks of ours without text" "$US && tcp.len == 0 && ip.dsfield.ecn != 0"
    none "marks of ours on what was sent again" "$US && tcp.analysis.retransmission && ip.dsfield.ecn != 0"
}

not_marked() {
    none "marks of ours" "$US && ip.dsfield.ecn != 0"
    none "ECE or CWR of ours" "$US && (tcp.flags.ece == 1 || tcp.flags.cwr == 1) && !($SYN)"
}

traffic() {
    fetch -o "$WORK/got" "http://$HOST/big"
    same_as_site big "$WORK/got"
    python3 "$CLIENTS" echo "$HOST" 7 300000
}

kernel_asks() {
    kernel_ecn 1
    serve
    traffic
    serve_stop
    none "plain SYNs" "$THEM && $SYN && !(tcp.flags.ece == 1 && tcp.flags.cwr == 1)"
    some "answers with ECE alone" "$US && $SYN_ACK && tcp.flags.ece == 1 && tcp.flags.cwr == 0"
    none "other answers" "$US && $SYN_ACK && !(tcp.flags.ece == 1 && tcp.flags.cwr == 0)"
    marked_both_ways
}

kernel_does_not_ask() {
    kernel_ecn 0
    serve
    traffic
    serve_stop
    not_marked
}

we_never_answer() {
    kernel_ecn 1
    serve --set tcp.ecn=0
    traffic
    serve_stop
    none "answers with ECE" "$US && $SYN_ACK && tcp.flags.ece == 1"
    not_marked
    kernel_ecn 0
}

listens() {
    ss -ltnH "sport = :8000" | grep -q .
}

kernel_serves() {
    (cd "$WORK/site" && exec python3 -m http.server --bind 0.0.0.0 8000) >/dev/null 2>&1 &
    started $!
    disown
    wait_until 15 listens
}

# A file of the kernel's, over a stack that asks.
get() {
    timeout 60 "$TAPIO" get --offload off --set tcp.ecn=1 --capture "$OURS" -o "$WORK/got" \
        "http://$PEER:8000/big" 2>"$WORK/err" </dev/null
    same_as_site big "$WORK/got"
    some "SYNs of ours that ask" "$US && $SYN && tcp.flags.ece == 1 && tcp.flags.cwr == 1"
}

we_ask() {
    kernel_ecn 2
    get
    some "grants of the kernel's" "$THEM && $SYN_ACK && tcp.flags.ece == 1 && tcp.flags.cwr == 0"
    marked_both_ways
}

we_ask_in_vain() {
    kernel_ecn 0
    get
    none "grants of the kernel's" "$THEM && $SYN_ACK && tcp.flags.ece == 1"
    not_marked
}

# marks HOOK WHICH PERCENT: a router that is congested, in one direction.
marks() {
    nft -f - <<RULES
table ip marks {
    chain wire {
        type filter hook $1 priority 0;
        $2 ip ecn ect0 numgen random mod 100 < $3 counter ip ecn set ce
    }
}
RULES
}

marked_packets() {
    local packets
    packets=$(nft list table ip marks | awk '{ for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }')
    nft delete table ip marks
    printf 'packets marked: %s\n' "$packets"
    ((packets > 0))
}

# The kernel sends, and we say that it should be slower.
their_text_is_marked() {
    kernel_ecn 1
    marks postrouting 'oifname "tap0"' 20
    serve
    python3 "$CLIENTS" echo "$HOST" 7 3000000
    serve_stop
    marked_packets
    some "marks that came" "$THEM && tcp.len > 0 && $CE"
    some "ACKs of ours with ECE" "$US && $LATER && tcp.flags.ece == 1"
    some "answers of the kernel's" "$THEM && $LATER && tcp.flags.cwr == 1"
    marked_both_ways
}

# We send, and the kernel says that we should be slower.
our_text_is_marked() {
    kernel_ecn 1
    marks prerouting 'iifname "tap0"' 2
    serve
    fetch -o "$WORK/got" "http://$HOST/big"
    same_as_site big "$WORK/got"
    serve_stop
    marked_packets
    some "echoes of the kernel's" "$THEM && $LATER && tcp.flags.ece == 1"
    some "reductions" 'frame.comment contains "why=ack-congestion-echo"'
    some "CWR of ours on text that is marked as capable" "$US && $LATER && tcp.flags.cwr == 1 && tcp.len > 0 && $ECT_0"
    none "CWR of ours on anything else" "$US && $LATER && tcp.flags.cwr == 1 && !(tcp.len > 0 && $ECT_0)"
    none "retransmissions of ours" "$US && tcp.analysis.retransmission"
    marked_both_ways
}

SIZE=5000000
thorough || SIZE=1000000
make_site "$SIZE"
try "a kernel that asks is answered, and text is marked as capable both ways" kernel_asks \
    RFC3168-6.1.1-a RFC3168-6.1.1-b RFC9293-SHLD-8
try "one that does not ask gets nothing of it" kernel_does_not_ask
try "nobody does with tcp.ecn=0" we_never_answer
try "a server of the kernel's is there" kernel_serves
try "with tcp.ecn=1 we ask, and the kernel grants it" we_ask RFC3168-6.1.1-a RFC3168-6.1.1-b
try "with tcp.ecn=1 we ask in vain, and do without" we_ask_in_vain RFC3168-6.1.1-a
if nft add table ip probe 2>/dev/null; then
    try "marks on the kernel's text are echoed until it has answered, and all arrives" their_text_is_marked RFC3168-6.1.3-a
    try "marks on our text make us slower without a retransmission" our_text_is_marked RFC3168-6.1.2-a
else
    skip '*' no-netfilter
fi
finish
