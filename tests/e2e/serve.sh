#!/usr/bin/env bash
#
# serve.sh - `tapio serve` as its users see it, with and without checksum offload: files, echo, ping,
# ARP, and how it starts and stops.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST

small_file() {
    expect "the file" "a small file" "$(fetch "$URL/small.txt")"
    expect "the index" "$(cat "$WORK/site/index.html")" "$(fetch "$URL/")"
}

large_file() {
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
    rm "$WORK/got"
}

head_request() {
    fetch --head "$URL/small.txt" >"$WORK/head"
    grep -q '^HTTP/1.1 200 ' "$WORK/head"
    grep -qi '^content-length: 13.$' "$WORK/head"
    # HEAD says what GET would, and sends no body.
    python3 "$CLIENTS" raw "$HOST" 80 'HEAD /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >"$WORK/head"
    expect "octets behind the header" 0 "$(sed '1,/^\r$/d' "$WORK/head" | wc -c)"
}

fifty_at_once() {
    local pids=() number pid
    mkdir -p "$WORK/fifty"
    for ((number = 0; number < 50; number++)); do
        fetch -o "$WORK/fifty/$number" "$URL/medium" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    for ((number = 0; number < 50; number++)); do
        same_as_site medium "$WORK/fifty/$number"
    done
    rm -r "$WORK/fifty"
}

large_ping() {
    ping -q -n -c 5 -i 0.2 -W 2 -s 1400 "$HOST" >"$WORK/ping"
    grep -q ' 0% packet loss' "$WORK/ping"
    # As much as the link takes, whole.
    ping -q -n -c 1 -W 2 -M "do" -s 1472 "$HOST"
}

echo_by_nc() {
    expect "the echo" "hello, stack" "$(echo 'hello, stack' | nc -N -w 10 "$HOST" 7)"
}

echo_by_nc_udp() {
    expect "the echo" "hello, datagram" "$(echo 'hello, datagram' | nc -u -w 2 "$HOST" 7)"
    # A line of the pattern, or none: from 0 to 512 characters.
    echo x | nc -u -w 2 "$HOST" 19 >"$WORK/chargen"
    (($(wc -c <"$WORK/chargen") <= 512))
}

udp_datagrams() {
    python3 "$CLIENTS" udp "$HOST" 7 9 19
}

echo_much() {
    python3 "$CLIENTS" echo "$HOST" 7 5000000
}

keep_alive() {
    fetch --verbose "$URL/small.txt" "$URL/" "$URL/medium" -o "$WORK/one" -o "$WORK/two" -o "$WORK/three" 2>"$WORK/talk"
    expect "connections" 1 "$(grep -c '^\* *Connected to' "$WORK/talk")"
    same_as_site small.txt "$WORK/one"
    same_as_site index.html "$WORK/two"
    same_as_site medium "$WORK/three"
}

pipelined() {
    python3 "$CLIENTS" pipeline "$HOST" 80 40
}

file_changes() {
    python3 "$CLIENTS" changes "$HOST" 80 "$WORK/site"
}

discard_and_chargen() {
    python3 "$CLIENTS" discard "$HOST" 9 2000000
    python3 "$CLIENTS" chargen "$HOST" 19 500000
}

status_of() {
    fetch --output /dev/null --write-out '%{http_code}' "$@"
}

not_there() {
    expect "status" 404 "$(status_of "$URL/nothing-here")"
    expect "status" 404 "$(status_of "$URL/small.txt/below-a-file")"
}

refuses() { # refuses STATUS REQUEST
    local line
    line=$(python3 "$CLIENTS" raw "$HOST" 80 "$2" | head -n 1)
    [[ $line == "HTTP/1.1 $1 "* ]] || fail "wanted $1, got '$line' for $2"
}

bad_requests() {
    refuses 400 'GET / HTTP/1.1\r\n\r\n'
    refuses 400 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'
    refuses 400 'GET / HTTP/1.1\nHost: x\n\n'
    refuses 400 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'
    refuses 501 'BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    refuses 505 'GET / HTTP/2.5\r\nHost: x\r\n\r\n'
}

no_way_out() {
    local path code
    ln -sf ../secret "$WORK/site/link"
    for path in /../secret /%2e%2e/secret /%252e%252e/secret '/..\secret' /folder/../../secret /%2e%2e%2fsecret \
        /..%c0%afsecret //secret /link /small.txt%00.html /./../secret; do
        fetch --path-as-is --output "$WORK/got" "$URL$path" --write-out '%{http_code}' >"$WORK/code" || true
        code=$(cat "$WORK/code")
        [[ $code == 400 || $code == 403 || $code == 404 ]] || fail "$path: status $code"
        if grep -q 'outside the site' "$WORK/got"; then
            fail "$path: left the root"
        fi
    done
    expect "status" 200 "$(status_of "$URL/small.txt")"
}

strange_files() {
    [[ -p $WORK/site/fifo ]] || mkfifo "$WORK/site/fifo"
    expect "a FIFO" 403 "$(status_of --max-time 5 "$URL/fifo")"
    expect "a folder" 200 "$(status_of "$URL/folder/")"
    # Without its slash a folder's relative links would lead elsewhere: it is told where it is.
    expect "a folder without its slash" 301 "$(status_of "$URL/folder")"
    fetch -o "$WORK/got" --write-out '%{http_code} %{size_download}' "$URL/empty" >"$WORK/code"
    expect "an empty file" "200 0" "$(cat "$WORK/code")"
}

metrics() {
    fetch --dump-header "$WORK/head" -o "$WORK/got" "$URL/.tapio/metrics"
    grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8.$' "$WORK/head"
    grep -qi '^transfer-encoding: chunked.$' "$WORK/head"
    # Every sample has its family's two lines above it, once, and a number.
    awk '
        /^# HELP / { if ($3 in help) exit 1; help[$3] = 1; next }
        /^# TYPE / { if (!($3 in help) || ($3 in type)) exit 1; type[$3] = $4; next }
        { name = $1; sub(/{.*/, "", name)
          if (!(name in type) || $NF !~ /^[0-9.]+$/ || seen[$1]++) { print "bad: " $0; exit 1 } }
    ' "$WORK/got"
    grep -q '^tapio_info{version="[0-9.]*"} 1$' "$WORK/got"
    grep -q '^tapio_http_responses_total{class="2xx"} [1-9]' "$WORK/got"
    grep -q '^tapio_connections{state="LISTEN"} [1-9]' "$WORK/got"
}

arp_sane() {
    local mac
    arping -q -c 2 -w 3 -I tap0 "$HOST"
    mac=$(ip -4 neigh show "$HOST" dev tap0 | awk '{ for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1) }')
    [[ $mac =~ ^([0-9a-f]{2}:){5}[0-9a-f]{2}$ ]] || fail "no neighbour entry: '$mac'"
    ping -q -n -c 1 -W 2 "$HOST" >/dev/null
    ip -4 neigh show "$HOST" dev tap0 | grep -E 'REACHABLE|DELAY|PROBE|STALE' >/dev/null
    # Nobody answers for an address that is not ours.
    if arping -q -c 1 -w 1 -I tap0 10.9.0.77; then
        fail "somebody answered for 10.9.0.77"
    fi
}

second_server() {
    local code=0
    timeout 10 "$TAPIO" serve --root "$WORK/site" >"$WORK/second.out" 2>"$WORK/second.err" </dev/null || code=$?
    expect "exit code of the second" 1 "$code"
    expect "lines that it says" 1 "$(wc -l <"$WORK/second.err")"
    grep -q "$SERVER" "$WORK/second.err" # it names who holds the device
    grep -q -e '--dev' "$WORK/second.err" # and the option that helps
    small_file
}

quiet_end() {
    serve_start --root "$WORK/site"
    small_file
    serve_stop TERM
    if ip link show tap0 >/dev/null 2>&1; then
        fail "tap0 is left behind"
    fi
}

ends_in_a_transfer() {
    local client
    serve_start --root "$WORK/site" --chargen 19
    # A reader that has stopped reading: the server cannot finish, and must end all the same.
    (exec 3<>"/dev/tcp/$HOST/19" && exec sleep 30) &
    client=$!
    started "$client"
    sleep 0.5
    kill -INT "$SERVER"
    serve_ended 0 8
    kill "$client"
}

stdin_at_its_end() {
    # serve_start gives it /dev/null: at its end from the first moment. It must still be there later.
    serve_start --root "$WORK/site"
    sleep 1
    small_file
    serve_stop TERM
}

ready_descriptor() {
    serve_run --root "$WORK/site" --ready-fd 9 9>"$WORK/ready"
    wait_until 10 test -s "$WORK/ready"
    small_file
    serve_stop TERM
}

# What is loaded is resident from the first moment on, so what one other verb needs is not.
few_libraries() {
    serve_start --root "$WORK/site"
    small_file
    if grep -E 'libpcap|libdbus' "/proc/$SERVER/maps"; then
        fail "libraries that only explain needs are loaded"
    fi
    serve_stop TERM
}

built_in_page() {
    serve_start
    expect "status" 200 "$(status_of "$URL/")"
    serve_stop TERM
}

chosen_ttl() {
    serve_start --root "$WORK/site"
    ping -n -c 1 -W 2 "$HOST" | grep ' ttl=64 ' >/dev/null
    serve_stop TERM
    serve_start --root "$WORK/site" --set ip.ttl=33
    ping -n -c 1 -W 2 "$HOST" | grep ' ttl=33 ' >/dev/null
    serve_stop TERM
}

given_device() {
    ip tuntap add dev tapgiven mode tap
    ip addr add 10.77.0.1/24 dev tapgiven
    ip link set tapgiven up
    serve_start --root "$WORK/site" --dev tap:tapgiven --addr 10.77.0.2/24
    expect "status" 200 "$(status_of http://10.77.0.2/small.txt)"
    serve_stop TERM
    ip -4 addr show dev tapgiven | grep '10.77.0.1/24' >/dev/null # still there, as it was
    ip link del tapgiven
}

# The window that we offer is no more than its queue holds: nothing of an upload is lost there.
short_queue() {
    ip tuntap add dev tapshort mode tap
    ip link set tapshort txqueuelen 50
    ip addr add 10.77.0.1/24 dev tapshort
    ip link set tapshort up
    serve_start --root "$WORK/site" --dev tap:tapshort --addr 10.77.0.2/24 --discard 9 --offload off
    # shellcheck disable=SC2016 # for the inner shell
    timeout 60 bash -c 'head -c 20000000 /dev/zero >/dev/tcp/10.77.0.2/9'
    expect "frames that found no room" 0 \
        "$(ip -s link show dev tapshort | awk '/TX:/ { getline; print $4 }')"
    serve_stop TERM
    ip link del tapshort
}

SIZE=100000000
thorough || SIZE=10000000
make_site "$SIZE"
head -c 300000 /dev/urandom >"$WORK/site/medium"

for offload in off on; do
    if ! serve_start --root "$WORK/site" --echo 7 --discard 9 --chargen 19 --offload "$offload"; then
        try "offload $offload: the server starts" false
        continue
    fi
    try "offload $offload: a small file and the index" small_file
    try "offload $offload: a file of $SIZE octets, equal" large_file
    try "offload $offload: HEAD" head_request
    try "offload $offload: 50 curls in parallel, all equal" fifty_at_once
    try "offload $offload: ping with 1400 octets, and with all that the link takes" large_ping RFC1122-3.3.2-a
    try "offload $offload: echo by nc" echo_by_nc
    try "offload $offload: echo by nc -u" echo_by_nc_udp
    try "offload $offload: UDP: echo of each length, silence of discard, a closed port, no loop" udp_datagrams RFC1122-4.1.3.3-a RFC768-Fields-c U06
    try "offload $offload: echo of 5 MB, equal" echo_much
    try "offload $offload: several files over one connection" keep_alive
    try "offload $offload: 40 pipelined requests are answered in order" pipelined RFC9112-9.3.2-a
    try "offload $offload: what changes between two requests is seen by the second" file_changes
    try "offload $offload: discard and chargen" discard_and_chargen
    try "offload $offload: metrics for Prometheus" metrics
    try "offload $offload: 404 for what is not there" not_there
    try "offload $offload: bad requests get the right refusal" bad_requests W04 W05
    try "offload $offload: no path leaves the root" no_way_out W06
    try "offload $offload: a FIFO, a folder, an empty file" strange_files W07
    try "offload $offload: ARP answers and the kernel's entry is sane" arp_sane
    try "offload $offload: a second server names the first" second_server
    try "offload $offload: SIGTERM ends it with 0" serve_stop
done
try "nothing is left after SIGTERM" quiet_end
thorough && try "Ctrl-C ends it during a transfer" ends_in_a_transfer
try "stdin at its end does not end it" stdin_at_its_end
try "--ready-fd tells when it answers" ready_descriptor
try "no library is loaded that a server does not need" few_libraries
try "without --root there is a built-in page" built_in_page
try "the TTL is 64, or as chosen" chosen_ttl RFC1122-3.2.1.7-b
try "an existing device is used as it is" given_device
try "the window respects the queue of the device" short_queue
finish
