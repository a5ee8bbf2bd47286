#!/usr/bin/env bash
#
# programs.sh - unmodified programs on our stack, by `tapio exec`.
#
#     tests/e2e/programs.sh           each program, over a clean link and over a bad one
#     tests/e2e/programs.sh --write   at full length (iperf3 for 10 s, as many requests over the bad link, too),
#                                     and writes docs/programs.md
#
# The programs are the distribution's. What one of them asks or is asked on our stack, another that is not
# on it answers or asks from the kernel's side, 10.9.0.1. Files have to arrive octet by octet. The shim is
# that of the plain build: a sanitizer would have to be loaded into each program first.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
PLAIN=${TAPIO_PLAIN:-$ROOT/build/tapio} # the shim is of the plain build
[[ -e $(dirname "$PLAIN")/libtapio-exec.so ]] || die "libtapio-exec.so is missing beside $PLAIN: run scripts/build"
[[ $TAPIO != */plain_frames ]] || PLAIN=$TAPIO
begin "$@"

WRITES=0
[[ ${1-} != --write ]] || WRITES=1
readonly BAD_LINK=loss=1%,delay=5ms
readonly PEER=10.9.0.1
ROUND=clean
STACK=() # the stack options of this round
RESULT=
: >"$WORK/rows"

# --- parts ------------------------------------------------------------------------------------------

# clean A, bad B, or B when it is written: what this round takes.
size_of_round() {
    if [[ $ROUND == clean ]] || { ((WRITES)) && [[ ${3-} == written ]]; }; then
        echo "$1"
    else
        echo "$2"
    fi
}

seconds_of_round() {
    if ((WRITES)); then echo 10; else echo 1; fi
}

no_device() {
    ! ip link show tap0 && ! ip link show tap1
}

# on_stack CMD...: on a stack of ours, to its end.
on_stack() {
    wait_until 5 no_device
    timeout 200 "$PLAIN" exec "${STACK[@]}" -- "$@"
}

# start LOG CMD...: in the background; its process is $PROCESS.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    PROCESS=$!
    disown
    started "$PROCESS"
}

kernel_listens() {
    ss -ltnH "sport = :$1" | grep . >/dev/null
}

stack_answers() {
    nc -z -w 2 "$HOST" "$1"
}

# server_on_kernel PORT CMD...
server_on_kernel() {
    local port=$1
    shift
    start "$WORK/server.log" "$@"
    wait_until 10 kernel_listens "$port"
}

# server_on_stack PORT CMD...
server_on_stack() {
    local port=$1
    shift
    wait_until 5 no_device
    start "$WORK/server.log" "$PLAIN" exec "${STACK[@]}" -- "$@"
    wait_until 20 stack_answers "$port"
}

# The program ends by SIGTERM, and what it had goes with it.
end_server() {
    kill -TERM "$PROCESS"
    wait_until 10 gone "$PROCESS"
    wait_until 5 no_device
    if grep -E 'Assertion|Segmentation|stack smashing' "$WORK/server.log"; then
        return 1
    fi
}

figure() {
    printf '%s' "$*" >"$WORK/figure"
}

# one_round NAME FUNCTION: a test; what the table says of it is in $RESULT.
one_round() {
    local before=$BAD
    rm -f "$WORK/figure"
    try "$1" "$2"
    RESULT=works
    [[ ! -s $WORK/figure ]] || RESULT=$(cat "$WORK/figure")
    ((BAD == before)) || RESULT=fails
}

# asks PROGRAM VERSION ROLE WORDS FUNCTION: over a clean link and over a bad one, and a row of the table.
asks() {
    local clean
    if ! have "$1"; then
        skip "$1" "missing-$1"
        return
    fi
    ROUND=clean STACK=()
    one_round "$1, $3" "$5"
    clean=$RESULT
    ROUND=bad STACK=(--impair "$BAD_LINK")
    one_round "$1, $3, $BAD_LINK" "$5"
    printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" "$clean" "$RESULT" >>"$WORK/rows"
}

version_of() {
    { "$@" 2>&1 || true; } | grep -oE '[0-9]+\.[0-9]+[0-9.a-zA-Z]*' | sed -n 1p
}

# --- web --------------------------------------------------------------------------------------------

start_nginx() {
    mkdir -p "$WORK/nginx"
    cat >"$WORK/nginx.conf" <<CONF
daemon off;
master_process off;
user root;
pid $WORK/nginx/pid;
error_log $WORK/nginx/error;
events {}
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    default_type application/octet-stream;
    client_body_temp_path $WORK/nginx/body;
    proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi;
    uwsgi_temp_path $WORK/nginx/uwsgi;
    scgi_temp_path $WORK/nginx/scgi;
    server { listen $1; root $WORK/site; }
}
CONF
}

nginx_command() {
    printf '%s\n' nginx -c "$WORK/nginx.conf" -e "$WORK/nginx/error"
}

curl_asks() {
    local file
    file=$(size_of_round big medium)
    on_stack curl --disable -sS -o "$WORK/got" "http://$PEER:8002/$file"
    same_as_site "$file" "$WORK/got"
    on_stack curl --disable -sS --data-binary @"$WORK/site/small.txt" -o /dev/null -w '%{http_code}' "http://$PEER:8002/" \
        >"$WORK/out"
    expect "a POST" 405 "$(cat "$WORK/out")"
}

wget_asks() {
    local file
    file=$(size_of_round big medium)
    on_stack wget -q -O "$WORK/got" "http://$PEER:8002/$file"
    same_as_site "$file" "$WORK/got"
}

urllib_asks() {
    local file
    file=$(size_of_round big medium)
    on_stack python3 -c 'import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' "http://$PEER:8002/$file" >"$WORK/got"
    same_as_site "$file" "$WORK/got"
}

# thousand PORT [CONCURRENT]: requests of a kernel client; over the bad link a fifth of them, unless it is written.
thousand() {
    local count
    count=$(size_of_round 1000 200 written)
    timeout 120 ab -q -n "$count" -c "${2-20}" "http://$HOST:$1/small.txt" >"$WORK/ab" 2>&1 || { tail -n 3 "$WORK/ab" && return 1; }
    expect "requests" "$count" "$(sed -n 's/^Complete requests: *//p' "$WORK/ab")"
    expect "failures" 0 "$(sed -n 's/^Failed requests: *//p' "$WORK/ab")"
}

serves_files() {
    local port=$1 file
    file=$(size_of_round big medium)
    fetch -o "$WORK/got" "http://$HOST:$port/$file"
    same_as_site "$file" "$WORK/got"
    thousand "$port" "${2-20}"
    end_server
}

python_serves() {
    server_on_stack 8101 python3 -m http.server --directory "$WORK/site" 8101
    fetch "http://$HOST:8101/folder/" | grep '>inside.txt<' >/dev/null # the directory
    serves_files 8101 4                            # its backlog is 5
}

nginx_serves() {
    start_nginx 8102
    # shellcheck disable=SC2046
    server_on_stack 8102 $(nginx_command)
    serves_files 8102
}

node_serves() {
    cat >"$WORK/server.js" <<'JS'
const fs = require('fs'), [,, port, root] = process.argv;
require('http').createServer((ask, answer) => fs.createReadStream(root + ask.url).pipe(answer)).listen(+port);
JS
    server_on_stack 8103 node "$WORK/server.js" 8103 "$WORK/site"
    serves_files 8103
}

ab_asks() {
    local count
    count=$(size_of_round 5000 200 written)
    on_stack ab -q -n "$count" -c 20 "http://$PEER:8002/small.txt" >"$WORK/ab" 2>&1 || { tail -n 3 "$WORK/ab" && return 1; }
    expect "requests" "$count" "$(sed -n 's/^Complete requests: *//p' "$WORK/ab")"
    expect "failures" 0 "$(sed -n 's/^Failed requests: *//p' "$WORK/ab")"
}

wrk_asks() {
    on_stack wrk -t 2 -c 20 -d 2 "http://$PEER:8002/small.txt" >"$WORK/out"
    expect "errors" "" "$(grep -E 'Socket errors|Non-2xx' "$WORK/out" || true)"
    grep -Eq '^Requests/sec: +[1-9]' "$WORK/out"
}

# --- octets -----------------------------------------------------------------------------------------

nc_sends() {
    local file
    file=$(size_of_round big medium)
    start "$WORK/got" nc -l -N 7001
    wait_until 5 kernel_listens 7001
    on_stack nc -N "$PEER" 7001 <"$WORK/site/$file"
    wait_until 5 gone "$PROCESS"
    same_as_site "$file" "$WORK/got"
}

# start_listener PORT CMD...: one that takes one connection, which no probe may use up.
start_listener() {
    local port=$1
    shift
    wait_until 5 no_device
    start "$WORK/got" "$PLAIN" exec "${STACK[@]}" --control "$WORK/control" -- "$@"
    wait_until 10 listens_on_stack "$port"
}

listens_on_stack() {
    "$PLAIN" ss --control "$WORK/control" -l 2>/dev/null | grep ":$1 " >/dev/null
}

nc_listens() {
    local file
    file=$(size_of_round big medium)
    start_listener 7002 nc -l -N 7002
    timeout 60 nc -N "$HOST" 7002 <"$WORK/site/$file" >/dev/null
    wait_until 10 gone "$PROCESS"
    same_as_site "$file" "$WORK/got"
}

socat_listens() {
    local file
    file=$(size_of_round big medium)
    start_listener 7003 socat -u TCP-LISTEN:7003 STDOUT
    timeout 60 nc -N "$HOST" 7003 <"$WORK/site/$file" >/dev/null
    wait_until 10 gone "$PROCESS"
    same_as_site "$file" "$WORK/got"
}

# iperf_runs COMMAND...: 1 and 8 streams, both ways, and a line of figures.
iperf_runs() {
    local seconds options all=
    seconds=$(seconds_of_round)
    for options in "" "-R" "-P 8" "-R -P 8"; do
        # shellcheck disable=SC2086
        "$@" -t "$seconds" $options --json >"$WORK/iperf.json" || { tail -n 3 "$WORK/iperf.json" && return 1; }
        all+="${all:+, }$(python3 - "$WORK/iperf.json" <<'PYTHON'
import json, sys
end = json.load(open(sys.argv[1]))["end"]
rate = end["sum_received"]["bits_per_second"]
assert rate > 0, "nothing has arrived"
print(f"{rate / 1e9:.2f}")
PYTHON
)"
    done
    figure "$all Gbit/s"
}

iperf_serves() {
    server_on_stack 5201 iperf3 -s
    iperf_runs timeout 60 iperf3 -c "$HOST"
    end_server
}

iperf_asks() {
    server_on_kernel 5201 iperf3 -s
    iperf_runs on_stack iperf3 -c "$PEER"
    kill "$PROCESS"
    wait_until 10 gone "$PROCESS"
}

# --- redis, memcached ---------------------------------------------------------------------------------

readonly REDIS=(redis-server --bind 0.0.0.0 --protected-mode no --save '' --appendonly no --dir "$WORK")

# bench_redis COMMAND...
bench_redis() {
    local count
    count=$(size_of_round 100000 2000 written)
    timeout 200 "$@" -n "$count" -c 50 -q -t set,get >"$WORK/out" 2>"$WORK/err" || { tail -n 3 "$WORK/err" && return 1; }
    tr '\r' '\n' <"$WORK/out" >"$WORK/lines"
    expect "results" 2 "$(grep -c 'requests per second' "$WORK/lines")"
    figure "$(sed -n 's/^\(SET\|GET\): \([0-9]*\).* requests per second.*/\2/p' "$WORK/lines" | paste -sd/) requests/s"
}

redis_serves() {
    server_on_stack 6379 "${REDIS[@]}" --port 6379
    head -c 1000000 "$WORK/site/medium" | redis-cli -h "$HOST" -x set medium >/dev/null
    redis-cli -h "$HOST" --raw get medium | head -c 1000000 >"$WORK/got"
    head -c 1000000 "$WORK/site/medium" | cmp - "$WORK/got"
    bench_redis redis-benchmark -h "$HOST"
    end_server
}

redis_cli_asks() {
    server_on_kernel 6380 "${REDIS[@]}" --port 6380
    on_stack redis-cli -h "$PEER" -p 6380 -x set medium <"$WORK/site/medium" >/dev/null
    on_stack redis-cli -h "$PEER" -p 6380 --raw get medium >"$WORK/got"
    head -c -1 "$WORK/got" | cmp - "$WORK/site/medium"
    kill "$PROCESS"
    wait_until 10 gone "$PROCESS"
}

redis_benchmark_asks() {
    server_on_kernel 6381 "${REDIS[@]}" --port 6381
    wait_until 5 no_device
    bench_redis "$PLAIN" exec "${STACK[@]}" -- redis-benchmark -h "$PEER" -p 6381
    kill "$PROCESS"
    wait_until 10 gone "$PROCESS"
}

memcached_serves() {
    server_on_stack 11211 memcached -u root -l 0.0.0.0 -p 11211
    python3 - "$HOST" "$WORK/site/medium" "$(size_of_round 1000 100 written)" <<'PYTHON'
import socket, sys
text = open(sys.argv[2], "rb").read()[:500000]
with socket.create_connection((sys.argv[1], 11211)) as s:
    f = s.makefile("rwb")
    f.write(b"set a 0 0 %d\r\n%s\r\n" % (len(text), text)); f.flush()
    assert f.readline() == b"STORED\r\n"
    for _ in range(int(sys.argv[3])):
        f.write(b"get b\r\n"); f.flush()
        assert f.readline() == b"END\r\n"
    f.write(b"get a\r\n"); f.flush()
    f.readline()
    assert f.read(len(text)) == text
PYTHON
    end_server
}

# --- what has to say no -------------------------------------------------------------------------------

# It forks for each connection, and its child has no socket: it says so, and does not use the kernel's.
dropbear_says_no() {
    dropbearkey -t ed25519 -f "$WORK/key" >/dev/null 2>&1 || true
    server_on_stack 2222 dropbear -F -E -r "$WORK/key" -p 2222
    timeout 10 nc "$HOST" 2222 </dev/null >/dev/null || true
    wait_until 5 grep -q 'was forked by a program with sockets on our stack' "$WORK/server.log"
    figure "refused: it forks"
    end_server
}

# --- the table ------------------------------------------------------------------------------------------

write_table() {
    cat >"$ROOT/docs/programs.md" <<PAGE
# Programs on our stack

What \`tapio exec\` was tried with: unmodified programs of the distribution, each in a process with a stack of its own.
The other end is the kernel, at the other side of the TAP. Files arrive octet by octet, servers answer 1,000 requests
of a kernel's client, and whatever was started has left nothing behind. The last column is the same with
\`--impair $BAD_LINK\`, each way. iperf3's four figures are 1 stream, 1 stream the other way, 8 streams, 8 streams the
other way, 10 s each; redis' two are SET and GET, 100,000 requests of 50 clients. They were taken on
$(nproc) cores that had other work, and say that it runs, not how fast: \`scripts/bench programs\` measures what the shim costs.

Made by \`tests/e2e/programs.sh --write\`.

| program | version | as | what | clean link | $BAD_LINK |
|---|---|---|---|---|---|
$(cat "$WORK/rows")
PAGE
}

make_site
: >"$WORK/site/folder/inside.txt"
head -c 2000000 "$WORK/site/big" >"$WORK/site/medium"
start_nginx 8002
# shellcheck disable=SC2046
server_on_kernel 8002 $(nginx_command)

asks curl "$(version_of curl --version)" client "a file, a POST" curl_asks
asks wget "$(version_of wget --version)" client "a file" wget_asks
asks nc openbsd client "a file, sent" nc_sends
asks nc openbsd server "a file, received" nc_listens
asks python3 "$(version_of python3 --version)" client "urllib: a file" urllib_asks
asks python3 "$(version_of python3 --version)" server "http.server: a directory, a file, 1,000 requests" python_serves
asks iperf3 "$(version_of iperf3 --version)" client "1 and 8 streams, both ways" iperf_asks
asks iperf3 "$(version_of iperf3 --version)" server "1 and 8 streams, both ways" iperf_serves
asks redis-server "$(version_of redis-server --version)" server "redis-benchmark, a value of 1 MB" redis_serves
asks redis-cli "$(version_of redis-cli --version)" client "a value of 2 MB, set and read" redis_cli_asks
asks redis-benchmark "$(version_of redis-benchmark --version)" client "50 connections" redis_benchmark_asks
asks ab "$(version_of ab -V)" client "5,000 requests, 20 at a time" ab_asks
asks wrk "$(version_of wrk --version)" client "2 threads, 20 connections" wrk_asks
asks nginx "$(version_of nginx -v)" server "master_process off: a file, 1,000 requests" nginx_serves
asks socat "$(version_of socat -V)" server "a file, received" socat_listens
asks node "$(version_of node --version)" server "http: a file, 1,000 requests" node_serves
asks memcached "$(version_of memcached --version)" server "threads: a value of 500 KB, 1,000 requests" memcached_serves
asks dropbear "$(version_of dropbear -V)" server "a process for each connection" dropbear_says_no
((!WRITES)) || write_table
finish
