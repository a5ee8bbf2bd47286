#!/usr/bin/env bash
#
# wireshark.sh - captures before Wireshark's own eyes: tshark, capinfos, our Lua file, our extcap, live and
# from a file; and what a capture costs.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The folders of control sockets and of extcaps are those of the machine: here they are ours alone.
if [[ -n ${TAPIO_E2E-} && -z ${TAPIO_E2E_MOUNTS-} ]]; then
    TAPIO_E2E_MOUNTS=1 exec unshare --mount --propagation private -- bash "$0" "$@"
fi
begin "$@"
mount -t tmpfs none /run
[[ ! -d /tmp/tapio-$EUID ]] || mount -t tmpfs none "/tmp/tapio-$EUID"

URL=http://$HOST
LUA=$ROOT/tools/wireshark/tapio.lua
PY="python3 $ROOT/tests/e2e/wireshark.py"
OURS=$WORK/ours.pcapng
export TAPIO XDG_RUNTIME_DIR=$WORK/r HOME=$WORK/home # no preferences and plugins of the user's
mkdir "$XDG_RUNTIME_DIR" "$HOME"

# A busy machine is no failure; TAPIO_FULL=1, which scripts/nightly sets, asks for what is promised.
if [[ ${TAPIO_FULL:-0} != 0 ]]; then
    ROUNDS=9 RATIO=50
else
    ROUNDS=3 RATIO=25
fi

# said FILE: what it has but that we are root.
said() {
    grep -v '^Running as user' "$1" || true
}

# lua ARGS...: tshark with our fields, and nothing on stderr.
lua() {
    tshark -n -X "lua_script:$LUA" "$@" 2>"$WORK/tshark.err"
    expect "what tshark says" "" "$(said "$WORK/tshark.err")"
}

# --- a run with all that may go wrong -------------------------------------------------------------

record() {
    local theirs
    serve_start --root "$WORK/site" --chargen 19 --discard 9 --offload off --capture "$OURS" --log all=debug \
        --impair "in:loss=1%,reorder=3%,delay=1ms,seed=11;out:loss=2%,reorder=3%,delay=1ms,seed=12"
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    theirs=$(ip -4 neigh show "$HOST" dev tap0 | awk '{ for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1) }')
    python3 "$CLIENTS" discard "$HOST" 9 1000000
    $PY stall "$HOST" 19
    # The first answer may be lost on the way; nc asks again, and gets none in its second.
    nc -z -w 3 "$HOST" 81 && fail "somebody listens on port 81"
    $PY bad tap0 "$theirs" 10.9.0.1 "$HOST"
    "$TAPIO" why drop --json >"$WORK/drops"
    serve_stop
}

# Reasons and fields, triggers of what was sent again, drops and their names, numbers: see wireshark.py.
every_packet() {
    $PY judge "$OURS" "$LUA" "$WORK/serve.err" "$WORK/drops"
}

no_warning() {
    tshark -n -r "$OURS" >"$WORK/out" 2>"$WORK/err"
    expect "what tshark says" "" "$(said "$WORK/err")"
    capinfos "$OURS" >"$WORK/infos" 2>"$WORK/err"
    expect "what capinfos says" "" "$(said "$WORK/err")"
    cat "$WORK/infos"
    grep -q '^File timestamp precision: *nanoseconds (9)$' "$WORK/infos"
    grep -q '^Strict time order: *True$' "$WORK/infos"
    grep -q '^Capture application: *tapio$' "$WORK/infos"
    grep -q "^Capture oper-sys: *Linux $(uname -r)\$" "$WORK/infos"
    grep -q '^ *Name = tap0$' "$WORK/infos"
    grep -q '^ *Name = tap0-dropped$' "$WORK/infos"
    expect "interfaces with statistics" 2 "$(grep -c '^ *Number of stat entries = 1$' "$WORK/infos")"
    lua -r "$OURS" -q -z expert,error >"$WORK/errors"
    lua -r "$OURS" -q -z expert,note >"$WORK/notes"
    cat "$WORK/notes"
    grep -Eq '^ +[0-9]+ +Sequence +TAPIO +Sent again, [a-z-]+$' "$WORK/notes"
    grep -Eq '^ +[0-9]+ +Protocol +TAPIO +Discarded as tcp.rx_csum$' "$WORK/notes"
}

# matches FILTER: how many packets it leaves.
matches() {
    lua -r "$OURS" -Y "$1" -T fields -e tapio.packet | wc -l
}

filters() {
    local comments=$WORK/comments
    tshark -n -r "$OURS" -T fields -e frame.comment 2>/dev/null >"$comments"
    expect "with cwnd < 10000" "$(grep -Ec ' cwnd=[0-9]{1,4} ' "$comments")" "$(matches 'tapio.cwnd < 10000')"
    expect "with why" "$(grep -c ' why=fast-retransmit ' "$comments")" "$(matches 'tapio.why == "fast-retransmit"')"
    expect "dropped" "$(grep -c ' drop=' "$comments")" "$(matches tapio.drop)"
    expect "dropped, by interface" "$(grep -c ' drop=' "$comments")" "$(matches 'frame.interface_id == 1')"
    expect "before any loss" "$(grep -c ' ssthresh=inf ' "$comments")" "$(matches 'tapio.cwnd && !tapio.ssthresh')"
    expect "without comment" 0 "$(matches '!tapio')"
    (($(matches 'tapio.retransmit && tapio.clause contains "8985"') > 0))
    tshark -n -X "lua_script:$LUA" -r "$OURS" -Y tapio.retransmit -c 2000 \
        -o 'gui.column.format:"No.","%m","cwnd","%Cus:tapio.cwnd","why","%Cus:tapio.why"' 2>/dev/null >"$WORK/columns"
    head -n 3 "$WORK/columns"
    grep -Eq '^ *[0-9]+ +[0-9]+ +[a-z]+-retransmit' "$WORK/columns"
}

# maxima FILE: those of cwnd in the first intervals that have one.
maxima() {
    lua -r "$1" -q -z 'io,stat,0.02,MAX(tapio.cwnd)tapio.cwnd,MAX(tapio.inflight)tapio.inflight' >"$WORK/plot"
    head -n 25 "$WORK/plot" >&2
    awk -F '|' '$2 ~ /<>/ && $3 + 0 > 0 { print $3 + 0 }' "$WORK/plot" | head -n 4 | paste -s -d ' '
}

graph() {
    local a b c d
    serve_start --root "$WORK/site" --capture "$WORK/rise.pcapng" --impair in:delay=20ms
    fetch -o /dev/null "$URL/big"
    serve_stop
    read -r a b c d < <(maxima "$WORK/rise.pcapng")
    printf 'cwnd: %s %s %s %s\n' "$a" "$b" "$c" "$d"
    ((a <= b && b <= c && c <= d && a < d)) # a round trip may lie across two intervals
}

comments_of_others() {
    $PY comments "$WORK/others.pcapng"
    $PY others "$WORK/others.pcapng" "$LUA"
}

# --- live -----------------------------------------------------------------------------------------

within_50_ms() {
    local limit=50
    [[ $RATIO == 50 ]] || limit=200
    serve_start --root "$WORK/site"
    LIMIT_MS=$limit $PY latency "$TAPIO" "$HOST" 20
    serve_stop
}

at_once() {
    serve_start --root "$WORK/site" --capture "$WORK/open.pcapng"
    ping -q -n -c 1 -W 2 "$HOST"
    wait_until 2 grep -q 'why=icmp-echo-reply' "$WORK/open.pcapng"
    tshark -n -r "$WORK/open.pcapng" 2>"$WORK/err" | tail -n 1 | grep 'Echo (ping) reply'
    expect "what tshark says" "" "$(said "$WORK/err")"
    serve_stop
}

# --- extcap -----------------------------------------------------------------------------------------

EXTCAPS=$(tshark -G folders 2>/dev/null | sed -n 's/^Extcap path:[[:space:]]*//p')

with_extcap() {
    mount -t tmpfs none "$EXTCAPS"
    ln -s "$ROOT/tools/wireshark/tapio-extcap" "$EXTCAPS/tapio-extcap"
}

interfaces() {
    tshark -D 2>/dev/null | sed -n 's/^[0-9]*\. \(tapio:.*\)/\1/p'
}

extcap_lists() {
    local second
    with_extcap
    expect "interfaces when nothing runs" "" "$(interfaces)"
    serve_start
    expect "interfaces" "tapio:tap0 (tapio stack, process $SERVER)" "$(interfaces)"
    # The same name in another network.
    unshare --net "$TAPIO" serve --addr 10.9.1.2/24 --host-addr 10.9.1.1/24 >"$WORK/second" 2>&1 &
    second=$!
    started "$second"
    wait_until 5 grep -q '^ready ' "$WORK/second"
    expect "interfaces" "$(printf 'tapio:tap0:%s (tapio stack, process %s)\n' "$SERVER" "$SERVER" "$second" "$second" | sort)" \
        "$(interfaces | sort)"
    kill "$second"
    wait "$second"
    "$EXTCAPS/tapio-extcap" --extcap-interface tapio:tap0 --extcap-dlts | grep -q '^dlt {number=1}'
    "$EXTCAPS/tapio-extcap" --extcap-interface tapio:tap0 --extcap-config | grep -q '^arg {number=0}{call=--snaplen}'
    expect "what is said of a filter" 1 \
        "$("$EXTCAPS/tapio-extcap" --extcap-interface tapio:tap0 --extcap-capture-filter 'port 80' | wc -l)"
    serve_stop
}

nobody_captures() {
    ! pgrep -f "^$TOOL capture" >"$WORK/left"
}

extcap_captures() {
    local viewer code=0
    serve_start --root "$WORK/site"
    timeout 30 tshark -n -l -i tapio:tap0 -X "lua_script:$LUA" -c 10 -T fields -e tapio.packet -e tapio.why >"$WORK/seen" 2>"$WORK/err" &
    viewer=$!
    started "$viewer"
    wait_until 10 pgrep -f "^$TOOL capture"
    fetch -o /dev/null "$URL/big"
    wait "$viewer" || code=$?
    cat "$WORK/err" "$WORK/seen"
    expect "status" 0 "$code"
    expect "packets with a reason" 10 "$(grep -Ec '^[0-9]+[[:space:]][a-z-]+$' "$WORK/seen")"
    wait_until 5 nobody_captures
    # Whoever stops it gets no complaint, and nothing stays behind.
    tshark -n -i tapio:tap0 >"$WORK/seen" 2>"$WORK/err" &
    viewer=$!
    started "$viewer"
    wait_until 10 pgrep -f "^$TOOL capture"
    ping -q -n -c 3 -i 0.2 "$HOST"
    kill -INT "$viewer"
    wait "$viewer" || code=$?
    expect "status" 0 "$code"
    wait_until 5 nobody_captures
    if grep -i 'error' "$WORK/err"; then
        fail "tshark complains"
    fi
    # The stack ends well, and so does its viewer; one that is killed is told of.
    timeout 30 tshark -n -i tapio:tap0 >"$WORK/seen" 2>"$WORK/err" &
    viewer=$!
    started "$viewer"
    wait_until 10 pgrep -f "^$TOOL capture"
    sleep 0.5 # it has connected, too
    serve_stop
    code=0
    wait "$viewer" || code=$?
    cat "$WORK/err"
    expect "status when the stack has ended" 0 "$code"
    serve_start
    timeout 30 tshark -n -i tapio:tap0 >"$WORK/seen" 2>"$WORK/err" &
    viewer=$!
    started "$viewer"
    wait_until 10 pgrep -f "^$TOOL capture"
    kill -KILL "$SERVER"
    wait "$viewer" || true
    cat "$WORK/err"
    grep -q 'Error by extcap pipe: tapio: ' "$WORK/err"
    "$EXTCAPS/tapio-extcap" --capture --extcap-interface tapio:tap0 --fifo "$WORK/fifo" 2>"$WORK/err" && fail "it captures nothing"
    grep -q 'tapio:tap0: no stack of that name is running now' "$WORK/err"
    [[ ! -e $WORK/fifo ]]
}

# --- what it costs ----------------------------------------------------------------------------------

# The tool without sanitizers, where it is built.
FAST=$ROOT/build/tapio
[[ -x $FAST ]] || FAST=$TAPIO

# rate ARGS...: octets a second of one download.
rate() {
    local TAPIO=$FAST
    serve_start --root "$WORK/site" "$@" >&2
    fetch -o /dev/null -w '%{speed_download}\n' "$URL/bulk"
    serve_stop >&2
    rm -f "$WORK/cost.pcapng"
}

median() {
    sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}

capture_costs() {
    local i without with
    head -c 100000000 /dev/zero >"$WORK/site/bulk"
    for ((i = 0; i < ROUNDS; i++)); do
        rate >>"$WORK/without"
        rate --capture "$WORK/cost.pcapng" >>"$WORK/with"
    done
    without=$(median <"$WORK/without")
    with=$(median <"$WORK/with")
    printf 'octets a second: %s without a capture, %s with one: %s %%\n' "$without" "$with" $((100 * with / without))
    ((100 * with >= RATIO * without)) || fail "less than $RATIO %"
}

make_site 5000000
try "loss, reordering, a closed window, resets, bad packets: recorded" record
try "every packet: its reason as fields, its number in every view, its trigger when sent again, its drop" every_packet
try "tshark and capinfos read it without a warning; experts tell drops and what was sent again" no_warning
try "the fields filter, and make columns" filters
try "the fields make graphs: cwnd rises in slow start" graph
try "comments of others are left alone" comments_of_others
try "a packet shows in tshark -r - soon" within_50_ms
try "a capture file has what has passed while it grows" at_once
try "extcap lists the stacks that run" extcap_lists
try "extcap captures, and ends with its viewer or its stack" extcap_captures
try "serving with a capture beside serving without" capture_costs
finish
