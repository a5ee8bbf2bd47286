#!/usr/bin/env bash
#
# stream.sh - `--dev stream:PATH`: two of us over a relay that cuts the stream anywhere, and passt, which
# needs neither TAP nor root nor a namespace. Runs in the machine's own network: nothing of it is touched
# but two ports of 127.0.0.1 that nobody has.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_here

# A path of a socket is short, and as root passt is nobody, who must be able to make it.
WIRE=$(mktemp -d /tmp/tapio-e2e.XXXXXX)
trap 'clean_up; rm -rf "$WIRE"' EXIT
((EUID != 0)) || chown nobody "$WIRE"
SOCKET=$WIRE/socket

# peer VERB: the python side, ready to be connected to.
peer() {
    rm -f "$SOCKET" "$WORK/peer.out"
    python3 "$ROOT/tests/e2e/stream_peer.py" "$1" "$SOCKET" >"$WORK/peer.out" &
    started $!
    wait_until 5 grep -q listening "$WORK/peer.out"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# passt_serve ARGS...: passt and a server on it; $HTTP and $DISCARD are their ports here.
passt_serve() {
    rm -f "$SOCKET"
    HTTP=$(free_port)
    DISCARD=$(free_port)
    passt --foreground --one-off --quiet --stderr --socket "$SOCKET" --ipv4-only --interface lo \
        --address 10.9.0.2 --netmask 24 --gateway 10.9.0.1 --mac-addr 02:00:00:09:00:01 --udp-ports none \
        --tcp-ports "127.0.0.1/$HTTP:80" --tcp-ports "127.0.0.1/$DISCARD:9" >"$WORK/passt.out" 2>&1 </dev/null &
    PASST=$!
    started "$PASST"
    wait_until 5 test -S "$SOCKET"
    serve_start --dev "stream:$SOCKET" --root "$WORK/site" --discard 9 "$@"
}

passt_ended() {
    wait_until 5 gone "$PASST"
}

# ended SAYS: the server has ended with one line that says this.
ended() {
    serve_ended 1 5
    expect "lines" 1 "$(wc -l <"$WORK/serve.err")"
    grep -q -e "$1" "$WORK/serve.err"
}

# refused CODE SAYS PATH [COMMAND...]: nothing begins there.
refused() {
    local code=0 wanted=$1 says=$2 path=$3
    shift 3
    "$@" "$TAPIO" serve --dev "stream:$path" 2>"$WORK/err" || code=$?
    expect "exit code" "$wanted" "$code"
    expect "lines" 1 "$(wc -l <"$WORK/err")"
    grep -q -e "$says" "$WORK/err"
}

two_of_us() {
    peer relay
    serve_start --dev "stream:$SOCKET" --root "$WORK/site"
    grep -q 'dev=stream connected' "$WORK/serve.out"
    "$TAPIO" ping --dev "stream:$SOCKET" --addr 10.9.0.3/24 -c 5 -i 0.2 -s 1472 10.9.0.2 | tee "$WORK/ping"
    grep -q ' 0% packet loss' "$WORK/ping"
    ended 'the peer has closed'
}

closed() {
    peer close
    serve_run --dev "stream:$SOCKET"
    ended 'the peer has closed'
}

senseless() {
    peer http
    serve_run --dev "stream:$SOCKET"
    ended 'a frame of 1213486160 octets was announced'
}

nowhere() {
    refused 1 'no such socket' "$WIRE/none"
    refused 1 'no socket' "$ROOT/README.md"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$WIRE/dead"
    refused 1 'nobody listens' "$WIRE/dead"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(sys.argv[1])' \
        "$WIRE/dgram"
    refused 1 'nobody listens\|not a stream' "$WIRE/dgram"
}

not_permitted() {
    peer close
    chmod 700 "$SOCKET"
    chmod 755 "$WIRE"
    cp "$TOOL" "$WIRE/tapio" # the build may lie where nobody may look
    TAPIO=$WIRE/tapio refused 77 'no permission' "$SOCKET" setpriv --reuid 65534 --regid 65534 --clear-groups
}

fetched() {
    fetch -o "$WORK/got" "http://127.0.0.1:$HTTP/big"
    same_as_site big "$WORK/got"
}

over_passt() {
    passt_serve "$@"
    expect "the page" "$(cat "$WORK/site/index.html")" "$(fetch "http://127.0.0.1:$HTTP/")"
    fetched
    # shellcheck disable=SC2016 # for the inner shell
    timeout 60 bash -c 'head -c 4000000 /dev/zero >"/dev/tcp/127.0.0.1/$1"' bash "$DISCARD"
    serve_stop
    passt_ended
}

large_frames() {
    over_passt --mtu 65520
}

# passt keeps nothing that comes early, so each loss would cost a timeout; repeated and late frames do not.
bad_wire() {
    over_passt --impair delay=2ms,dup=1%,seed=5
}

resident() {
    awk '$1 == "VmRSS:" { print $2 }' "/proc/$SERVER/status"
}

# passt reads nothing for two seconds, in the middle of a file: what waits for it is bounded, and it goes on.
stalled() {
    local before after getter
    passt_serve
    fetched
    before=$(resident)
    fetch --limit-rate 5M -o "$WORK/got" "http://127.0.0.1:$HTTP/big" &
    getter=$!
    started "$getter"
    sleep 0.3
    kill -STOP "$PASST"
    sleep 2
    after=$(resident)
    kill -CONT "$PASST"
    wait "$getter"
    same_as_site big "$WORK/got"
    ((after - before < 4096)) || fail "from $before to $after kB while nobody read"
    serve_stop
    passt_ended
}

# passt lends the address, too.
lent_by_passt() {
    rm -f "$SOCKET"
    passt --foreground --one-off --quiet --stderr --socket "$SOCKET" --ipv4-only --interface lo \
        --address 10.9.0.7 --netmask 24 --gateway 10.9.0.1 --mac-addr 02:00:00:09:00:01 --udp-ports none \
        --tcp-ports none >"$WORK/passt.out" 2>&1 </dev/null &
    PASST=$!
    started "$PASST"
    wait_until 5 test -S "$SOCKET"
    "$TAPIO" ping --dhcp --dev "stream:$SOCKET" --set arp.probe_wait=50ms --set arp.probe_min=50ms \
        --set arp.probe_last=100ms -c 1 -W 0.2 10.9.0.1 >"$WORK/out" 2>"$WORK/err" || true
    grep -q '^tapio: dhcp: 10\.9\.0\.7/24 from 10\.9\.0\.1 ' "$WORK/err"
    grep -q '^PING 10\.9\.0\.1 from 10\.9\.0\.7 ' "$WORK/out"
    passt_ended
}

passt_goes() {
    passt_serve
    kill "$PASST"
    ended 'the peer has closed'
}

traces() {
    find "$WIRE/tmp" "$ROOT/build/demo" -mindepth 1 -name '*.*' ! -name demo.pcapng 2>/dev/null || true
    pgrep -f "$WIRE/tmp" || true
}

demo() {
    local word
    mkdir -p "$WIRE/tmp"
    traces >"$WORK/before"
    TMPDIR=$WIRE/tmp bash "$ROOT/scripts/demo" --no-tap </dev/null >"$WORK/demo"
    traces >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
    expect "what is left" "" "$(ls -A "$WIRE/tmp")"
    for word in '^ready ' '^HTTP/1.1 200 ' '^HTTP 200, 20000000 octets' '^equal' '--- handshake' '--- close'; do
        grep -q -e "$word" "$WORK/demo" || fail "the demo does not show: $word"
    done
}

make_site 4000000
try "two of us over a stream that is cut anywhere: a ping of full frames" two_of_us
try "a peer that closes ends it in one line" closed
try "a peer that speaks something else ends it in one line" senseless
try "where nothing listens, one line says what to do" nowhere
if ((EUID == 0)); then
    try "without permission, one line and exit 77" not_permitted
fi
if [[ -z $(passt_refused) ]]; then
    [[ -z ${WIRE-} ]] || chmod 755 "$WIRE"
    try "passt: a page and a file out, a file in" over_passt
    try "passt with frames of 64 KB" large_frames
    try "passt behind a slow wire that repeats frames" bad_wire
    try "passt stops reading: memory is bounded, and the file arrives" stalled
    try "passt lends the address" lent_by_passt RFC2131-3.1-a
    try "passt goes: one line" passt_goes
    if thorough; then
        try "scripts/demo --no-tap shows everything and leaves nothing behind" demo
    fi
else
    skip "passt" no-passt
fi
finish
