#!/usr/bin/env bash
#
# capture.sh - our capture and one of the kernel's side, before independent judges: tshark's expert view
# with checksums on, and a replay of the connections' states.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
OURS=$WORK/ours.pcapng
KERNELS=$WORK/kernels.pcapng

# Both captures of: a page, a large file, echo, ping, an upload, a refused connection.
record() {
    local sniffer
    serve_start --root "$WORK/site" --echo 7 --discard 9 --offload off --capture "$OURS"
    dumpcap -q -B 64 -i tap0 -w "$KERNELS" 2>"$WORK/dumpcap.err" &
    sniffer=$!
    started "$sniffer"
    wait_until 5 test -s "$KERNELS"
    sleep 0.5
    fetch -o /dev/null "$URL/"
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    expect "the echo" hello "$(echo hello | nc -N -w 5 "$HOST" 7)"
    python3 "$CLIENTS" echo "$HOST" 7 300000
    # shellcheck disable=SC2016 # for the inner shell
    # Text that no dissector takes for its own.
    timeout 60 bash -c 'yes tapio | head -c "$1" >"/dev/tcp/$2/9"' bash "$(stat -c %s "$WORK/got")" "$HOST"
    ping -q -n -c 2 -i 0.2 -s 1400 "$HOST"
    if nc -z -w 2 "$HOST" 81; then
        fail "somebody listens on port 81"
    fi
    # The sniffer first: the device goes with the server. It writes what it has once a second.
    sleep 1.5
    kill -INT "$sniffer"
    wait "$sniffer"
    serve_stop
}

# The kernel's side of a TAP hands over whole segments with partial sums unless its offloads are off;
# with --offload off the stack does not grant them.
judge() {
    tshark -n -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE "$@" 2>/dev/null
}

count() {
    judge -r "$1" -Y "$2" | wc -l
}

nothing_malformed() { # nothing_malformed FILE
    expect "malformed packets" 0 "$(count "$1" '_ws.malformed')"
    expect "bad checksums" 0 "$(count "$1" \
        "$WRONG_TCP_SUM || ip.checksum.status == 0 || icmp.checksum.status == 0")"
    judge -r "$1" -q -z expert,warn >"$WORK/expert"
    cat "$WORK/expert"
    # The one reset is port 81's; the expert view calls it a warning.
    expect "resets" 1 "$(count "$1" 'tcp.flags.reset == 1')"
    expect "resets from elsewhere than port 81" 0 "$(count "$1" 'tcp.flags.reset == 1 && tcp.srcport != 81')"
    # Each group's table has its count first and its summary last; only these may be there.
    awk '/^(Errors|Warns) / { inside = 1 } inside && $1 ~ /^[0-9]+$/' "$WORK/expert" |
        grep -v -E 'TCP Checksum 0xffff instead of 0x0000|Connection reset \(RST\)|TCP Zero Window|TCP window specified by the receiver is now completely full|TCP Window Full|This frame is a \(suspected\) (out-of-order|retransmission)|ACKed segment that wasn.t captured|Previous segment|D-SACK Sequence' \
            >"$WORK/left" || true
    expect "expert entries that need an explanation" "" "$(cat "$WORK/left")"
}

ours_is_clean() {
    nothing_malformed "$OURS"
}

kernels_is_clean() {
    nothing_malformed "$KERNELS"
}

both_agree() {
    # What left and what came is the same seen from either side (the kernel's other chatter is IPv6).
    expect "TCP packets" "$(count "$KERNELS" 'tcp')" "$(count "$OURS" 'tcp')"
    expect "ICMP packets" "$(count "$KERNELS" 'icmp')" "$(count "$OURS" 'icmp')"
}

every_packet_explained() {
    "$ROOT/scripts/annotate" --summary "$OURS" >"$WORK/summary"
    head -n 20 "$WORK/summary"
    expect "packets without a comment" 0 "$(awk '$1 == "without-comment" { print $2 }' "$WORK/summary")"
    expect "packets without a reason" 0 \
        "$(awk '$1 == "why" && ($2 == "none" || $2 == "unexplained") { n += $3 } END { print n + 0 }' "$WORK/summary")"
    # tshark finds the same comments where Wireshark shows them.
    expect "packets that tshark sees uncommented" 0 "$(count "$OURS" '!frame.comment')"
}

no_reason_covers_all() {
    local most
    most=$(awk '$1 == "packets" { all = $2 } $1 == "why" && $3 > 0.6 * all { print $2 ": " $3 " of " all }' \
        "$WORK/summary")
    expect "a reason that covers too much" "" "$most"
}

frames_fit() {
    local longest shortest
    longest=$(awk '$1 == "longest-frame" { print $2 }' "$WORK/summary")
    ((longest <= 1514)) || fail "a frame of $longest octets"
    shortest=$(awk '$1 == "shortest-sent" { print $2 }' "$WORK/summary")
    ((shortest >= 60)) || fail "we sent a frame of $shortest octets"
}

replay_agrees() {
    python3 "$ROOT/tests/support/replay.py" "$OURS"
}

capture_to_stdout() {
    serve_run --root "$WORK/site" --offload off --capture -
    wait_until 10 grep -q '^ready ' "$WORK/serve.err"
    fetch -o /dev/null "$URL/"
    serve_stop
    (($(count "$WORK/serve.out" tcp) >= 8))
}

# With offload frames of 64 KB pass both ways; the capture holds what a wire would have carried.
big_frames_are_told_in_segments() {
    local frames segments
    serve_start --root "$WORK/site" --discard 9 --offload on --capture "$WORK/big.pcapng"
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    # shellcheck disable=SC2016 # for the inner shell
    timeout 60 bash -c 'yes tapio | head -c "$1" >"/dev/tcp/$2/9"' bash "$(stat -c %s "$WORK/got")" "$HOST"
    frames=$(fetch "$URL/.tapio/metrics" | awk '$1 ~ /^tapio_dev_tx_frames/ { print $NF }')
    serve_stop
    judge -r "$WORK/big.pcapng" -T fields -e frame.len -e ip.src -e tcp.len >"$WORK/lens"
    expect "the longest frame" 1514 "$(awk '$1 > most { most = $1 } END { print most }' "$WORK/lens")"
    segments=$(awk -v us="$HOST" '$2 == us && $3 > 0' "$WORK/lens" | wc -l)
    ((frames * 4 < segments)) || fail "$segments segments in $frames frames"
    expect "bad checksums, holes and overlaps" 0 "$(count "$WORK/big.pcapng" "$WRONG_TCP_SUM ||
        ip.checksum.status == 0 || tcp.analysis.lost_segment || tcp.analysis.retransmission ||
        tcp.analysis.out_of_order")"
    python3 "$ROOT/tests/support/replay.py" "$WORK/big.pcapng"
}

make_site 20000000
try "traffic of every kind, recorded at both ends" record
try "our capture: nothing malformed, checksums good, no unexplained reset" ours_is_clean
try "the kernel's capture: the same" kernels_is_clean
try "both captures hold the same packets" both_agree
try "every packet of ours has a comment and a reason" every_packet_explained
try "no single reason covers more than 60 % of the packets" no_reason_covers_all
try "no frame is longer or shorter than the link takes" frames_fit RFC894-p2-a RFC894-p3-a
try "connections and states agree with an independent replay" replay_agrees
try "--capture - writes the capture to stdout and the talk to stderr" capture_to_stdout
try "with offload: big frames pass, and the capture has their segments" big_frames_are_told_in_segments
finish
