#!/usr/bin/env bash
#
# why.sh - `tapio why`: questions about a run in which much goes wrong, asked of the running stack while
# it lasts and afterwards. What is true is known, as the test has done it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
PY="python3 $ROOT/tests/e2e/why.py"
SOCKET=$WORK/control
CONN= # the number of the connection that the test is about

serve() {
    serve_start --root "$WORK/site" --chargen 19 --echo 7 --control "$SOCKET" "$@"
}

# why ARGS...: what it says, in $WORK/out.
why() {
    timeout 20 "$TAPIO" why "$@" --control "$SOCKET" >"$WORK/out" 2>"$WORK/err" </dev/null
    printf '$ tapio why %s\n' "$*"
    cat "$WORK/out" "$WORK/err"
}

# says PATTERN: a line of the last answer, as an extended regular expression.
says() {
    grep -Eq -- "$1" "$WORK/out" || fail "no line '$1'"
}

silent_about() {
    ! grep -Eq -- "$1" "$WORK/out" || fail "there is a line '$1'"
}

# newest: the number of the newest connection that lives.
newest() {
    CONN=$("$TAPIO" ss --json --control "$SOCKET" | sed -n 's/.*"type":"connection".*"conn":\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
    [[ $CONN ]]
}

no_connection() {
    [[ -z $("$TAPIO" ss -H --control "$SOCKET") ]]
}

mac_of() { # mac_of ours|theirs
    if [[ $1 == ours ]]; then
        cat /sys/class/net/tap0/address 2>/dev/null ||
            ip -o link show tap0 | sed -n 's|.*link/ether \([^ ]*\).*|\1|p'
    else
        ip -4 neigh show "$HOST" dev tap0 | sed -n 's/.*lladdr \([^ ]*\).*/\1/p'
    fi
}

nothing_yet() {
    serve
    why drop
    says '^nothing was dropped$'
    why rst
    says '^nothing was reset$'
    why stall
    says '^nothing was stalled$'
    why retransmit
    says '^nothing was sent again$'
    why rst 4711
    # shellcheck disable=SC2016 # the backquotes are its own
    says '^there has been no connection 4711: `tapio ss` lists those that live$'
    serve_stop
}

closed_port() {
    serve
    curl --disable --silent --max-time 5 --noproxy '*' "$URL:81/" || true
    why rst
    says '^10\.9\.0\.2:81 with 10\.9\.0\.1:[0-9]+: we sent a reset, [0-9.]+ s ago$'
    says '^    There is no connection and no listener for this segment \(RFC 9293, 3\.10\.7\.1\)\.$'
    why drop
    says '^tcp\.rx_closed: packet [0-9]+, TCP from 10\.9\.0\.1:[0-9]+ to 10\.9\.0\.2:81, [0-9.]+ s ago$'
    says '^since the start: tcp\.rx_closed 1: '
    serve_stop
}

bad_packets() {
    serve
    fetch -o /dev/null "$URL/small.txt"
    $PY throw tap0 "$(mac_of ours)" "$(mac_of theirs)"
    sleep 0.2
    why drop
    says '^tcp\.rx_csum: packet [0-9]+, TCP from 10\.9\.0\.1:1111 to 10\.9\.0\.2:80, '
    says '^    the checksum is wrong \(RFC 9293, MUST-3\)$'
    says '^ip4\.rx_csum: packet [0-9]+, TCP from 10\.9\.0\.1:2222 to 10\.9\.0\.2:80, '
    says '^ip4\.rx_proto: packet [0-9]+, IP from 10\.9\.0\.1 to 10\.9\.0\.2, '
    says '^tcp\.rx_hdr: packet [0-9]+, TCP from 10\.9\.0\.1:3333 to 10\.9\.0\.2:80, '
    says '^eth\.rx_vlan: packet [0-9]+, [0-9.]+ s ago$'
    why drop --json
    says '"type":"drop",.*"drop":"tcp\.rx_csum","packet":[0-9]+,"protocol":6,.*"remote_port":1111,.*"clause":"RFC 9293, MUST-3"'
    serve_stop
}

peer_aborts() {
    serve
    $PY reset 7
    sleep 0.2
    why rst 1
    says '^connection 1, 10\.9\.0\.2:7 with 10\.9\.0\.1:[0-9]+: the peer sent a reset, [0-9.]+ s ago$'
    says '^    A reset at RCV\.NXT: the peer aborted \(RFC 9293, 3\.10\.7\.4, second\)\.$'
    says '^    it ended: reset by the peer'
    why drop 1
    says '^nothing of connection 1 was dropped$'
    serve_stop
}

lost_and_repaired() {
    serve --impair out:loss=3%,seed=3
    fetch -o /dev/null "$URL/big"
    wait_until 5 no_connection
    why retransmit 1
    says '^connection 1, 10\.9\.0\.2:80 with 10\.9\.0\.1:[0-9]+: .*octets sent again, seq [0-9]+'
    says '^    ACKs say that it is lost; as the first of a recovery it leaves at once \(RFC 5681, 3\.2\)\.$'
    silent_about 'retransmission timeout'
    why retransmit 2
    says '^there has been no connection 2'
    serve_stop
}

peer_vanishes() {
    serve
    $PY read-on 19 >"$WORK/reader" &
    started $!
    wait_until 5 grep -q ready "$WORK/reader"
    newest
    ip link set tap0 down
    sleep 1.5
    ip link set tap0 up
    why retransmit "$CONN"
    says "^connection $CONN, 10\\.9\\.0\\.2:19 with .*: .*sent again, seq [0-9]+"
    says '^    Not acknowledged within the retransmission timeout \(RFC 6298, 5\.4\)\.$'
    serve_stop
}

reader_stops_for_a_while() {
    serve
    $PY stop-reading 19 2 >"$WORK/reader" &
    started $!
    wait_until 5 grep -q ready "$WORK/reader"
    sleep 1
    newest
    why stall "$CONN"
    says "^connection $CONN, 10\\.9\\.0\\.2:19 with .*: [0-9]+ octets began to wait [0-9.]+ s ago, and it is not over$"
    says "^    The peer's window has "
    says "^connection $CONN, .*: [0-9]+ octets wait now$"
    wait_until 5 grep -q read "$WORK/reader"
    wait_until 5 no_connection
    why stall "$CONN"
    says "^connection $CONN, 10\\.9\\.0\\.2:19 with .*: [0-9]+ octets waited [12]\\.[0-9]{3} s, until [0-9.]+ s ago$"
    silent_about 'it is not over'
    silent_about 'wait now'
    serve_stop
}

all_is_well() {
    serve
    fetch -o /dev/null "$URL/small.txt"
    why retransmit 1
    says '^nothing of connection 1 was sent again$'
    why stall 1
    says '^nothing of connection 1 was stalled$'
    why rst 1
    says '^nothing of connection 1 was reset$'
    serve_stop
}

long_ago() {
    local i
    serve --set see.ring=32
    $PY reset 7
    sleep 0.1
    why rst 1
    says '^connection 1, .*: the peer sent a reset'
    for ((i = 0; i < 40; i++)); do
        curl --disable --silent --max-time 5 --noproxy '*' "$URL:81/" || true
    done
    why rst 1
    says '^nothing of connection 1 was reset, as far as is remembered: what was decided before [0-9.]+ s ago is overwritten \(see\.ring\)$'
    serve_stop
}

a_reader_who_leaves() {
    serve
    why drop
    "$TAPIO" why drop --control "$SOCKET" 2>"$WORK/err" | true || true
    expect "what it complains about" "" "$(cat "$WORK/err")"
    "$TAPIO" why drop --control "$SOCKET" >/dev/full 2>"$WORK/err" && fail "a full disk is no success"
    expect "lines" 1 "$(wc -l <"$WORK/err")"
    serve_stop
}

make_site 2000000

try "nothing yet, and no such connection" nothing_yet
try "why rst, why drop: a port where nobody listens" closed_port
try "why drop: bad packets, each by its name and whose it was" bad_packets
try "why rst: the peer aborted" peer_aborts
try "why retransmit: lost and repaired, after the connection has ended" lost_and_repaired
try "why retransmit: the peer does not answer" peer_vanishes
try "why stall: while the reader has stopped, and afterwards how long" reader_stops_for_a_while
try "a connection that went well" all_is_well
try "what is overwritten is said to be" long_ago
try "a reader who leaves" a_reader_who_leaves
finish
