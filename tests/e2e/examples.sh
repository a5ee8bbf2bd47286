#!/usr/bin/env bash
#
# examples.sh - the programs of examples/ that want a TAP, against the kernel.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

EXAMPLES=$BUILT
KERNEL=10.9.0.1
EXAMPLE= # process id of the example that runs

# example_start NAME ARGS...: its talk goes to $WORK/example.out and .err.
example_start() {
    local name=$1
    shift
    "$EXAMPLES/$name" "$@" >"$WORK/example.out" 2>"$WORK/example.err" </dev/null &
    EXAMPLE=$!
    started "$EXAMPLE"
}

example_ended() { # example_ended CODE
    local code=0
    wait_until 20 gone "$EXAMPLE"
    wait "$EXAMPLE" || code=$?
    cat "$WORK/example.err"
    expect "exit code of the example" "$1" "$code"
}

# The kernel's side: echoes connections, as many as asked for, at a port that it prints.
kernel_echo() {
    rm -f "$WORK/port"
    python3 "$CLIENTS" serve_echo "$1" >"$WORK/port" 2>"$WORK/kernel.err" &
    started $!
    wait_until 10 test -s "$WORK/port"
}

a_server() {
    example_start echo_server tap0 3
    wait_until 10 grep -q '^ready' "$WORK/example.out"
    expect "the echo" "hello, stack" "$(echo 'hello, stack' | nc -N -w 10 "$HOST" 7)"
    python3 "$CLIENTS" echo "$HOST" 7 5000000
    expect "the echo again" "bye" "$(echo 'bye' | nc -N -w 10 "$HOST" 7)"
    example_ended 0
}

# The kernel listens before its address is there, and is reached once the example has made the TAP.
a_client() {
    local port code=0
    kernel_echo 1
    port=$(cat "$WORK/port")
    head -c 3000000 /dev/urandom >"$WORK/in"
    timeout 60 "$EXAMPLES/echo_client" tap0 "$KERNEL" "$port" <"$WORK/in" >"$WORK/out" 2>"$WORK/err" || code=$?
    cat "$WORK/err"
    expect "exit code of the client" 0 "$code"
    cmp "$WORK/in" "$WORK/out"
}

a_client_is_refused() {
    local code=0
    timeout 60 "$EXAMPLES/echo_client" tap0 "$KERNEL" 1 </dev/null >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code of the client" 1 "$code"
    grep -q 'Connection refused' "$WORK/err"
}

a_foreign_loop() {
    local port code=0
    kernel_echo 1
    port=$(cat "$WORK/port")
    { for number in {1..20}; do echo "line $number" && sleep 0.02; done; } |
        timeout 60 "$EXAMPLES/foreign_loop" tap0 "$KERNEL" "$port" >"$WORK/out" 2>"$WORK/err" || code=$?
    cat "$WORK/err"
    expect "exit code of the loop" 0 "$code"
    expect "what came back" "$(for number in {1..20}; do echo "line $number"; done)" "$(cat "$WORK/out")"
}

# Four datagrams, one of them empty, one that fills a packet.
datagrams() {
    example_start udp_echo tap0 4
    wait_until 10 grep -q '^ready' "$WORK/example.out"
    python3 - "$HOST" <<'END'
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    for data in (b"hello", b"", b"x" * 1472):
        s.sendto(data, (sys.argv[1], 7))
        got, sender = s.recvfrom(4096)
        assert got == data and sender == (sys.argv[1], 7), (len(data), len(got), sender)
    s.sendto(b"the last", (sys.argv[1], 7))
    assert s.recv(100) == b"the last"
END
    example_ended 0
}

a_page() {
    local code=0
    make_site 1000000
    (cd "$WORK/site" && exec python3 -m http.server 8000 >/dev/null 2>&1) &
    started $!
    wait_until 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/8000"
    timeout 30 "$EXAMPLES/http_get" tap0 "$KERNEL" 8000 /big >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code" 0 "$code"
    head -n 1 "$WORK/out" | grep -q '^HTTP/1.[01] 200 OK'
    tail -c 1000000 "$WORK/out" | cmp - "$WORK/site/big"
    code=0
    timeout 30 "$EXAMPLES/http_get" tap0 "$KERNEL" 1 / >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code at a closed port" 1 "$code"
    expect "what it says" "$KERNEL: Connection refused" "$(cat "$WORK/err")"
}

# The program that the README begins with, as a newcomer copies it.
the_first_one() {
    awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$ROOT/README.md" >"$WORK/hello.c"
    cc -Wall -Wextra -Werror "$WORK/hello.c" -o "$WORK/hello" -I"$ROOT/include" "$ROOT/build/libtapio.a" -pthread
    "$WORK/hello" >"$WORK/example.out" 2>"$WORK/example.err" &
    EXAMPLE=$!
    started "$EXAMPLE"
    wait_until 10 nc -z -w 1 "$HOST" 7
    expect "the greeting" "hello" "$(nc -d -w 10 "$HOST" 7)"
    kill "$EXAMPLE"
    example_ended 143
}

no_device() {
    local code=0
    "$EXAMPLES/echo_server" 'not/a/name' >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    expect "exit code without a device" 1 "$code"
    expect "lines that say why" 1 "$(wc -l <"$WORK/err")"
}

try "echo_server" a_server POSIX-accept
try "echo_client" a_client POSIX-partial
try "echo_client, refused" a_client_is_refused POSIX-connect
try "foreign_loop" a_foreign_loop
try "udp_echo" datagrams RFC1122-4.1.3.5-a
try "http_get" a_page
try "the first program of the README" the_first_one
try "a device that cannot be" no_device F07
finish
