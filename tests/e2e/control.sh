#!/usr/bin/env bash
#
# control.sh - looking into a running stack: `tapio ss` and `tapio capture` on the control socket, and
# what clients that behave badly cost the stack.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The folders of control sockets are those of the machine: here they are ours alone.
if [[ -n ${TAPIO_E2E-} && -z ${TAPIO_E2E_MOUNTS-} ]]; then
    TAPIO_E2E_MOUNTS=1 exec unshare --mount --propagation private -- bash "$0" "$@"
fi
begin "$@"
mount -t tmpfs none /run
[[ ! -d /tmp/tapio-$EUID ]] || mount -t tmpfs none "/tmp/tapio-$EUID"
# The kernel's own cap (32 MB) holds the whole of /big: a slow reader's connection would be idle at once.
echo '4096 131072 1048576' >/proc/sys/net/ipv4/tcp_rmem

URL=http://$HOST
PY="python3 $ROOT/tests/e2e/control.py"
export XDG_RUNTIME_DIR=$WORK/r
mkdir "$XDG_RUNTIME_DIR"

# run ARGS...: the tool with a limit of time; its talk is $WORK/out and $WORK/err, its status $code.
run() {
    code=0
    timeout 20 "$TAPIO" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
}

# refused STATUS PATTERN: one line on stderr that has the pattern, nothing on stdout.
refused() {
    expect "status" "$1" "$code"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    grep -q -e "$2" "$WORK/err" || fail "the line says: $(cat "$WORK/err")"
}

sockets() {
    find "$XDG_RUNTIME_DIR" -name '*.sock' | wc -l
}

# download [CURL ARGS...]: in the background, its process $LOADER.
download() {
    curl --disable --silent --max-time 60 --noproxy '*' -o /dev/null "$@" "$URL/big" &
    LOADER=$!
    started "$LOADER"
}

no_download() {
    kill "$LOADER" 2>/dev/null || true # it may have ended
    wait "$LOADER" 2>/dev/null || true
}

# --- finding it -------------------------------------------------------------------------------

nobody_runs() {
    run ss --stacks
    expect "status of a list of none" "0 0 0" "$code $(wc -c <"$WORK/out") $(wc -c <"$WORK/err")"
    run ss
    refused 1 "tapio serve"
    run capture -w "$WORK/none"
    refused 1 "tapio serve"
    [[ ! -e $WORK/none ]] || fail "a file was made for nothing"
    run ss --control "$WORK/nowhere"
    refused 1 'No such file'
}

its_place() {
    serve_start
    expect "mode of the socket" 600 "$(stat -c %a "$XDG_RUNTIME_DIR/tapio/$SERVER-tap0.sock")"
    expect "mode of its folder" 700 "$(stat -c %a "$XDG_RUNTIME_DIR/tapio")"
    run ss -l
    expect "status" 0 "$code"
    serve_stop
    expect "what is left" "" "$(ls "$XDG_RUNTIME_DIR")"
    (
        unset XDG_RUNTIME_DIR
        serve_start
        [[ -S /run/tapio/$SERVER-tap0.sock ]] || fail "it is not in /run/tapio"
        run ss
        expect "status" 0 "$code"
        serve_stop
    )
    # The same folder by two ways is one.
    [[ -d /run/tapio ]] || mkdir -m 0700 /run/tapio
    serve_start --control "/run/tapio/1-same.sock"
    expect "sockets" "/run/tapio/1-same.sock" "$(XDG_RUNTIME_DIR=/run "$TAPIO" ss --stacks)"
    serve_stop
}

two_servers() {
    local second
    serve_start
    "$TAPIO" serve --dev tap:tap1 --addr 10.9.1.2/24 --host-addr 10.9.1.1/24 >"$WORK/second" 2>&1 &
    second=$!
    started "$second"
    wait_until 5 grep -q '^ready ' "$WORK/second"
    run ss
    expect "status" 2 "$code"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q "^$XDG_RUNTIME_DIR/tapio/$SERVER-tap0.sock$" "$WORK/err"
    grep -q "^$XDG_RUNTIME_DIR/tapio/$second-tap1.sock$" "$WORK/err"
    grep -q '^tapio: 2 stacks are running; choose one by --control PATH$' "$WORK/err"
    sed '$d' "$WORK/err" >"$WORK/listed"
    run ss --stacks
    cmp "$WORK/listed" "$WORK/out"
    run ss --stacks --json
    grep -qx "{\"schema\":1,\"verb\":\"ss\",\"type\":\"socket\",\"path\":\"$XDG_RUNTIME_DIR/tapio/$second-tap1.sock\",\"pid\":$second,\"device\":\"tap1\"}" "$WORK/out"
    run ss --json --control "$XDG_RUNTIME_DIR/tapio/$second-tap1.sock"
    expect "status with --control" 0 "$code"
    grep -q '"device":"tap1"' "$WORK/out"
    fetch -o /dev/null http://10.9.1.2/
    fetch -o /dev/null "$URL/"
    kill -TERM "$second"
    wait "$second"
    run ss
    expect "status when one is left" 0 "$code"
    serve_stop
}

killed() {
    serve_start
    kill -KILL "$SERVER"
    wait_until 5 gone "$SERVER"
    expect "sockets that a killed one leaves" 1 "$(sockets)"
    run ss
    refused 1 "tapio serve"
    expect "sockets after a look" 0 "$(sockets)"
    serve_start
    kill -KILL "$SERVER"
    wait_until 5 gone "$SERVER"
    serve_start # which looks, too
    expect "sockets" 1 "$(sockets)"
    serve_stop
}

chosen_path() {
    serve_start --control "$WORK/mine"
    expect "mode" 600 "$(stat -c %a "$WORK/mine")"
    expect "sockets elsewhere" 0 "$(sockets)"
    run ss --control "$WORK/mine"
    expect "status" 0 "$code"
    run serve --dev tap:tap1 --addr 10.9.1.2/24 --host-addr 10.9.1.1/24 --control "$WORK/mine"
    refused 1 "--control $WORK/mine: something is there already"
    kill -KILL "$SERVER"
    wait_until 5 gone "$SERVER"
    run ss --control "$WORK/mine"
    refused 1 'nobody answers'
    serve_start --control "$WORK/mine" # a dead one gives way
    serve_stop
    [[ ! -e $WORK/mine ]] || fail "the socket was left behind"
    : >"$WORK/file"
    run serve --control "$WORK/file"
    refused 1 'something is there already'
    [[ -f $WORK/file ]] || fail "a file was removed"
    run serve --control /nowhere/mine
    refused 1 'No such file'
}

no_place() {
    local tool=$TOOL
    # The tool is opened before the folders disappear under it.
    # shellcheck disable=SC2016 # for the inner shell
    printf '#!/bin/bash\nexec 9<%q\nexec unshare --mount --propagation private -- bash -c %q tapio "$@"\n' "$tool" \
        'mount -t tmpfs -o ro none /run; mount -t tmpfs -o ro none /tmp; XDG_RUNTIME_DIR=/run/none exec /proc/self/fd/9 "$@"' \
        >"$WORK/wrapped"
    chmod +x "$WORK/wrapped"
    TAPIO=$WORK/wrapped
    serve_start
    fetch -o /dev/null "$URL/"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/serve.err")"
    grep -q 'nobody can look in, .*--control PATH' "$WORK/serve.err"
    serve_stop
}

short_verbs() {
    local pinger
    "$TAPIO" ping -c 20 -i 0.2 --control "$WORK/ping" 10.9.0.1 >"$WORK/pinged" 2>&1 &
    pinger=$!
    started "$pinger"
    wait_until 5 test -S "$WORK/ping"
    expect "sockets elsewhere" 0 "$(sockets)"
    run ss -a --control "$WORK/ping"
    expect "status" 0 "$code"
    grep -q '^icmp ' "$WORK/out"
    kill -INT "$pinger"
    wait "$pinger"
    [[ ! -e $WORK/ping ]] || fail "the socket was left behind"
}

# --- ss ---------------------------------------------------------------------------------------

live_transfer() {
    serve_start --root "$WORK/site"
    download --limit-rate 2M
    wait_until 5 "$TAPIO" ss --state established --json
    sleep 0.3
    $PY transfer
    no_download
    serve_stop
}

in_the_words_of_ss() {
    serve_start --root "$WORK/site" --echo 7
    download --limit-rate 2M
    sleep 0.5
    run ss -tin
    expect "status" 0 "$code"
    cat "$WORK/out"
    grep -Eq '^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port' "$WORK/out"
    grep -Eq '^ESTAB +0 +[0-9]+ +10\.9\.0\.2:80 +10\.9\.0\.1:[0-9]+ *$' "$WORK/out"
    expect "lines" 3 "$(wc -l <"$WORK/out")"
    grep -Pq '^\t ts sack cubic wscale:[0-9]+,[0-9]+ rto:[0-9.]+ rtt:[0-9.]+/[0-9.]+ ato:40 mss:1448 pmtu:1500 rcvmss:[0-9]+ advmss:1460 cwnd:[0-9]+ (ssthresh:[0-9]+ )?bytes_sent:[0-9]+ (bytes_retrans:[0-9]+ )?bytes_acked:[0-9]+ bytes_received:[0-9]+ segs_out:[0-9]+ segs_in:[0-9]+ data_segs_out:[0-9]+ data_segs_in:1 send [0-9]+bps lastsnd:[0-9]+ lastrcv:[0-9]+ lastack:[0-9]+ .* limited_by:[a-z-]+' "$WORK/out"
    run ss -tlnH
    expect "listeners" 2 "$(grep -c '^LISTEN ' "$WORK/out")"
    expect "lines without titles" 2 "$(wc -l <"$WORK/out")"
    run ss -uan
    grep -Eq '^udp +UNCONN +0 +0 +\*:7 +\*:\*' "$WORK/out"
    run ss -to
    cat "$WORK/out"
    grep -Eq '^ESTAB .* timer:\((on|persist|override|tail-loss-probe),[0-9.]+ms,[0-9]+\)' "$WORK/out"
    run ss -a --port 7 -H
    expect "those with port 7" 2 "$(wc -l <"$WORK/out")"
    run ss --state LISTEN -H
    expect "those that listen" 2 "$(wc -l <"$WORK/out")"
    run ss --state nonsense
    refused 2 'no such state'
    no_download
    serve_stop
}

as_json() {
    serve_start --root "$WORK/site" --echo 7
    "$TAPIO" ss -a --json | $PY json-lines
    expect "PIPESTATUS" "0 0" "${PIPESTATUS[*]}"
    code=0
    "$TAPIO" ss --json | true || code=$?
    "$TAPIO" ss -a >/dev/full 2>"$WORK/err" || code=$?
    expect "status when nothing can be printed" 1 "$code"
    serve_stop
}

limited_by_the_peer() {
    serve_start --chargen 19
    $PY stalled
    serve_stop
}

why_cwnd_changed() {
    serve_start --root "$WORK/site" --impair out:loss=1%,seed=3
    download --limit-rate 5M
    $PY cause
    no_download
    serve_stop
}


# --- who behaves badly ------------------------------------------------------------------------

other_user() {
    local socket
    serve_start
    socket=$XDG_RUNTIME_DIR/tapio/$SERVER-tap0.sock
    # A way in that nothing but the check stands in: the modes of file and folder are other locks.
    mkdir /run/way
    mount --bind "$XDG_RUNTIME_DIR/tapio" /run/way
    cp "$TOOL" /run/copy
    chmod 0755 /run
    chmod 0777 "$socket" "$XDG_RUNTIME_DIR/tapio"
    code=0
    setpriv --reuid 65534 --regid 65534 --clear-groups \
        /run/copy ss --control "/run/way/${socket##*/}" >"$WORK/out" 2>"$WORK/err" || code=$?
    chmod 0700 "$XDG_RUNTIME_DIR/tapio"
    umount /run/way
    refused 1 'this stack belongs to another user'
    run ss
    expect "status of our own" 0 "$code"
    serve_stop
}

rude_clients() {
    serve_start --root "$WORK/site"
    $PY rude
    $PY hundred
    run ss
    expect "status after all that" 0 "$code"
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    serve_stop
}

# rate: octets a second of the best of three downloads.
rate() {
    local i best=0 now
    for ((i = 0; i < 3; i++)); do
        now=$(fetch -o /dev/null -w '%{speed_download}' "$URL/big")
        now=${now%.*}
        ((now <= best)) || best=$now
    done
    printf '%s\n' "$best"
}

# Captures cost what writing them costs, so the yardstick is a capture whose reader keeps up.
deaf_clients() {
    local before deaf with i
    serve_start --root "$WORK/site"
    "$TAPIO" capture -w - >/dev/null 2>&1 &
    started $!
    sleep 0.3
    before=$(rate)
    kill $!
    $PY never-read >"$WORK/deaf" &
    deaf=$!
    started "$deaf"
    wait_until 5 grep -q deaf "$WORK/deaf"
    for ((i = 0; i < 4; i++)); do # a busy machine makes single figures small
        with=$(rate)
        printf 'octets a second: %s beside a capture that is read, %s beside six clients that read nothing\n' \
            "$before" "$with"
        ((with * 2 <= before)) || break
    done
    run ss
    expect "status" 0 "$code"
    kill "$deaf"
    ((with * 2 > before)) || fail "serving went from $before to $with octets a second"
    serve_stop
}

# An idle socket costs nothing that can be measured.
stopped_clients() {
    local stopped
    serve_start --root "$WORK/site"
    "$TAPIO" capture -w "$WORK/stopped.pcapng" 2>"$WORK/stopped.err" &
    stopped=$!
    started "$stopped"
    wait_until 5 test -s "$WORK/stopped.pcapng"
    kill -STOP "$stopped"
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    kill -CONT "$stopped"
    sleep 0.5
    fetch -o /dev/null "$URL/"
    kill -INT "$stopped"
    wait "$stopped"
    cat "$WORK/stopped.err"
    read -r packets lost statistics < <($PY whole-blocks "$WORK/stopped.pcapng")
    printf '%s packets, %s lost\n' "$packets" "$lost"
    ((packets > 100 && lost > 100 && statistics == 2))
    grep -q "^$lost packets lost, for the reader was slow$" "$WORK/stopped.err"
    serve_stop
}

# --- capture ----------------------------------------------------------------------------------

live_into_tshark() {
    local capturer
    serve_start --root "$WORK/site"
    mkfifo "$WORK/live"
    tshark -l -n -r - -T fields -e frame.number -e _ws.col.Protocol -e frame.comment \
        <"$WORK/live" >"$WORK/seen" 2>"$WORK/tshark.err" &
    local viewer=$!
    started "$viewer"
    "$TAPIO" capture -w - >"$WORK/live" 2>"$WORK/err" &
    capturer=$!
    started "$capturer"
    sleep 0.5
    fetch -o /dev/null "$URL/small.txt"
    wait_until 10 grep -q 'HTTP' "$WORK/seen" # while it runs
    expect "packets without a comment" 0 "$(grep -vc 'why=' "$WORK/seen" || true)"
    kill -INT "$capturer"
    code=0
    wait "$capturer" || code=$?
    expect "status" 0 "$code"
    wait "$viewer"
    grep -Eq '^[0-9]+ packets captured$' "$WORK/err"
    expect "packets" "$(sed 's/ .*//;q' "$WORK/err")" "$(wc -l <"$WORK/seen")"
    fetch -o /dev/null "$URL/"
    rm "$WORK/live"
    serve_stop
}

a_number_of_packets() {
    serve_start --root "$WORK/site"
    download --limit-rate 2M
    run capture -c 20 -s 100 -w "$WORK/twenty.pcapng"
    expect "status" 0 "$code"
    expect "packets, lost, statistics" "20 0 2" "$($PY whole-blocks "$WORK/twenty.pcapng")"
    expect "longest" 100 "$(tshark -r "$WORK/twenty.pcapng" -T fields -e frame.cap_len 2>/dev/null | sort -n | tail -1)"
    run capture -q -c 2 -w "$WORK/two.pcapng"
    expect "status and octets on stderr" "0 0" "$code $(wc -c <"$WORK/err")"
    no_download
    run capture
    refused 2 'needs -w FILE'
    run capture -w /nowhere/file
    refused 1 'No such file'
    run capture -c 0 -w x
    refused 2 'number of packets'
    serve_stop
}

reader_vanishes() {
    serve_start --root "$WORK/site"
    download --limit-rate 2M
    code=0
    timeout 20 "$TAPIO" capture -w - 2>"$WORK/err" | head -c 2000 >/dev/null || code=${PIPESTATUS[0]}
    expect "status" 1 "$code"
    expect "octets on stderr" 0 "$(wc -c <"$WORK/err")"
    "$TAPIO" capture -w "$WORK/killed.pcapng" 2>/dev/null &
    started $!
    wait_until 5 test -s "$WORK/killed.pcapng"
    kill -KILL $!
    wait $! 2>/dev/null || true
    sleep 0.3
    $PY whole-blocks "$WORK/killed.pcapng"
    no_download
    run ss
    expect "status" 0 "$code"
    fetch -o /dev/null "$URL/"
    serve_stop
}

# It takes what a pipe holds and no more: signals must be heard all the same.
reader_stands_still() {
    local capturer reader
    serve_start --root "$WORK/site"
    mkfifo "$WORK/still"
    # shellcheck disable=SC2217 # it holds the end of a pipe
    sleep 60 <"$WORK/still" &
    reader=$!
    started "$reader"
    "$TAPIO" capture -w - >"$WORK/still" 2>"$WORK/err" &
    capturer=$!
    started "$capturer"
    fetch -o /dev/null "$URL/big"
    kill -TERM "$capturer"
    sleep 1
    kill -TERM "$capturer"
    code=0
    wait_until 5 gone "$capturer" || kill -KILL "$capturer"
    wait "$capturer" || code=$?
    kill "$reader"
    wait "$reader" 2>/dev/null || true
    expect "status" 1 "$code"
    grep -q 'its reader took nothing' "$WORK/err"
    serve_stop
}

stack_vanishes() {
    local capturer
    serve_start --root "$WORK/site"
    download --limit-rate 4M
    "$TAPIO" capture -w "$WORK/cut.pcapng" 2>"$WORK/err" &
    capturer=$!
    started "$capturer"
    sleep 0.5
    kill -KILL "$SERVER"
    code=0
    wait "$capturer" || code=$?
    no_download
    expect "status" 1 "$code"
    cat "$WORK/err"
    grep -Eq '^tapio: the stack has ended; the [0-9]+ packets before that are good$' "$WORK/err"
    $PY whole-blocks "$WORK/cut.pcapng"
    expect "what tshark says" "" "$(tshark -r "$WORK/cut.pcapng" 2>&1 >/dev/null | grep -v 'Running as user' || true)"
}

stack_ends_well() {
    local capturer
    serve_start --root "$WORK/site"
    "$TAPIO" capture -w "$WORK/end.pcapng" 2>"$WORK/err" &
    capturer=$!
    started "$capturer"
    wait_until 5 test -s "$WORK/end.pcapng"
    fetch -o /dev/null "$URL/"
    serve_stop
    code=0
    wait "$capturer" || code=$?
    expect "status" 0 "$code"
    read -r packets lost statistics < <($PY whole-blocks "$WORK/end.pcapng")
    expect "lost, statistics" "0 2" "$lost $statistics"
    ((packets > 8)) || fail "$packets packets"
}

make_site 30000000
try "no stack runs: exit 1, one line, no file" nobody_runs
try "the socket is in our folder, ours alone, and goes with the server" its_place
try "two servers: exit 2 and a list; --control chooses" two_servers
try "what a killed server leaves is removed when found" killed F10
try "--control PATH: there and nowhere else; what is there stays unless it is dead" chosen_path
try "no place for a socket: one line, and serving goes on" no_place
try "a short verb has a socket when asked for" short_verbs
try "ss --json of a live transfer: sane figures that move" live_transfer
try "ss -tin, -tl, -ua, -o, --port, --state: in the words of ss" in_the_words_of_ss
try "ss --json: each line JSON with its schema" as_json
try "ss: a reader that stops is what limits the sender" limited_by_the_peer
try "ss: why cwnd last changed" why_cwnd_changed
if ((EUID == 0)) && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    try "another user is told so, and no more" other_user
fi
try "garbage, half a line, a huge line, a hundred clients" rude_clients
try "clients that never read do not slow the server" deaf_clients F06
try "a capture that is stopped loses packets and counts them" stopped_clients F06
try "capture -w - live into tshark, ended by Ctrl-C" live_into_tshark
try "capture -c, -s: a number of packets, cut" a_number_of_packets
try "the capture's reader goes away, or is killed" reader_vanishes F10
try "the capture's reader stands still: two signals end it" reader_stands_still
try "the stack is killed: what was captured is whole" stack_vanishes F10
try "the stack ends: so does the capture, with statistics" stack_ends_well
finish
