#!/usr/bin/env bash
#
# cli.sh - the tool's manners: what it exits with, that each refusal is one line with its cause, that
# nothing is half set up, and how it behaves when a permission, a descriptor or a disk is missing.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST

# run ARGS...: the tool with a limit of time; its talk is $WORK/out and $WORK/err, its status $code.
run() {
    run_as "$TAPIO" "$@"
}

run_as() {
    code=0
    timeout 20 "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
}

# refused STATUS PATTERN: one line on stderr that has the pattern, nothing on stdout, no device.
refused() {
    expect "status" "$1" "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q -e "$2" "$WORK/err" || fail "the line says: $(cat "$WORK/err")"
    no_device
}

no_device() {
    if ip link show tap0 >/dev/null 2>&1; then
        fail "tap0 was left behind"
    fi
}

# wrapped SHELL_WORDS: from here to the end of the test the tool runs as they say, in a shell, where
# "$TOOL" "$@" stands for it.
wrapped() {
    printf '#!/bin/bash\nTOOL=%q\n%s\n' "$TAPIO" "$1" >"$WORK/wrapped"
    chmod +x "$WORK/wrapped"
    TAPIO=$WORK/wrapped
}

# --- verbs ------------------------------------------------------------------------------------

bare() {
    run
    expect "status" 2 "$code"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q '^usage: tapio ' "$WORK/err"
}

help_and_version() {
    run --help
    expect "status" 0 "$code"
    expect "octets on stderr" 0 "$(wc -c <"$WORK/err")"
    grep -q '^usage: tapio ' "$WORK/out"
    run --version
    expect "status" 0 "$code"
    grep -Eq '^tapio [0-9]+\.[0-9]+' "$WORK/out"
    for verb in serve get ping dig exec ss why top capture explain drill sim wire lab doctor; do
        run "$verb" --help
        expect "status of $verb --help" 0 "$code"
        grep -q "^usage: tapio $verb" "$WORK/out"
        cp "$WORK/out" "$WORK/option"
        run help "$verb"
        expect "status of help $verb" 0 "$code"
        cmp "$WORK/out" "$WORK/option"
    done
    run help sevre
    refused 2 "did you mean 'serve'"
    run serve --set help
    expect "status" 0 "$code"
    grep -q '^tcp.rto_min ' "$WORK/out"
}

help_names_all_options() {
    local option
    run serve --help
    for option in dev addr host-addr gateway dns mac mtu queues offload capture impair set seed control \
        ready-fd log profile capture-raw root port echo discard chargen access-log log-format busy-poll allow-control no-live; do
        grep -q -e "--$option" "$WORK/out" || fail "--$option is not in the help"
    done
    run exec --help
    for option in netns dev addr capture impair control ready-fd; do
        grep -q -e "--$option" "$WORK/out" || fail "--$option is not in the help of exec"
    done
    run sim --help
    for option in seed conns bytes impair mtu offload swarm soak flows set capture plot json; do
        grep -q -e "--$option" "$WORK/out" || fail "--$option is not in the help of sim"
    done
}

unknown_verb() {
    run sevre
    refused 2 "did you mean 'serve'"
    run nonsense
    refused 2 "tapio --help"
    run --nonsense
    refused 2 "tapio --help"
    run "$(printf 'two\nlines')"
    refused 2 'two\\x0alines'
}

cannot_print() {
    code=0
    "$TAPIO" --help >/dev/full 2>"$WORK/err" || code=$?
    : >"$WORK/out"
    refused 1 'standard output'
}

# --- command lines ----------------------------------------------------------------------------

# STATUS | ARGUMENTS | what the line says
usage_table() {
    local status arguments says
    while IFS='|' read -r status arguments says; do
        [[ -n $status ]] || continue
        # shellcheck disable=SC2086 # several words
        run $arguments
        refused "$status" "$says" || fail "tapio $arguments"
    done <<'TABLE'
2|serve --mtu 0|68 to 65535
2|serve --mtu 67|68 to 65535
2|serve --mtu 65536|68 to 65535
2|serve --mtu 65522|at most 65521
2|serve --addr 10.9.0.2/33|prefix
2|serve --addr 10.9.0.2|10.9.0.2/24
2|serve --addr 10.9.0.255/24|broadcast
2|serve --addr 224.0.0.1/24|no station
2|serve --addr 10.9.0.2/24 --addr 10.9.0.2/24|twice
2|serve --addr 10.9.0.1/24|--host-addr
2|serve --host-addr 10.9.0.2/24|needs another
2|serve --addr 192.0.2.2/24|--host-addr
2|serve --host-addr 192.0.2.1/24|share no network
2|serve --mac 01:00:5e:00:00:01|group
2|serve --mac 00:00:00:00:00:00|no station
2|serve --gateway 10.9.1.1|on the link
2|serve --gateway 10.9.0.2|our own
2|serve --dev tap0|--dev tap:tap0
2|serve --dev tap:name-that-is-too-long|1 to 15
2|serve --queues 0|1 to 256
2|serve --offload maybe|on or off
2|serve --impair loss=101%|--impair
2|serve --log tcp=loud|--log
2|serve --set tcp.mls=30s|did you mean tcp.msl
2|serve --set tcp.msl=0|it goes from
2|serve --profile plan9|freebsd
2|serve --seed x|--seed
2|serve --ready-fd 99|not open
2|serve --port 0|1 to 65535
2|serve --port 65536|1 to 65535
2|serve --echo 80|--port has this port
2|serve --impair rate=fast|or none
2|serve --busy-poll never|not a number of microseconds
2|serve --echo 7 --discard 7|--echo has this port
2|serve --prot 80|did you mean --port
2|serve --index a/b|without a slash
2|serve --header X|it has no colon
2|serve --header Content-Length:5|the server itself says that
2|serve --per-client 0|from 1
1|serve --mime-types /nonexistent/types|name a file like /etc/mime.types
2|serve --port|needs an argument
2|serve operand|unexpected
2|ping 10.9.0.255|broadcast
2|ping 10.9.0.0|number of our network
2|ping 10.9.0.2|our own address
2|ping 127.0.0.1|--host-addr
1|ping 192.0.2.1|--gateway
2|get http://10.9.0.255/|broadcast
2|get http://127.0.0.1:8000/|--host-addr
1|get http://localhost:8000/|--host-addr
1|dig @192.0.2.1 example|--gateway
2|serve --root|needs an argument
2|serve --access-log|needs an argument
2|serve --log-format xml --access-log -|common, combined or json
2|serve --log-format json|--access-log
1|serve --access-log /nothing/here|No such file
1|serve --access-log /etc|Is a directory
1|serve --root /nothing/here|No such file
1|serve --root /etc/passwd|Not a directory
1|serve --capture /nothing/here|No such file
1|serve --queues 2|not built in yet
1|serve --dev stream:/nothing/here|no such socket
1|serve --dev stream:/etc/passwd|no socket
2|serve --dev stream:/tmp/s --host-addr 10.9.0.1/24|leave it out
1|serve --dev pcap:eth0|not built in yet
1|serve --addr fe80::2/64|not built in yet
2|ping|needs HOST
2|ping 10.9.0.1 10.9.0.2|unexpected
2|ping -c 0 10.9.0.1|-c 0
2|ping -i 0 10.9.0.1|-i 0
2|ping -s 11 10.9.0.1|-s 11
2|ping -s 65508 10.9.0.1|-s 65508
2|ping -W x 10.9.0.1|-W x
2|ping -x 10.9.0.1|-x
2|ping 224.0.0.1|no station
2|ping a..b|neither an address nor a name
2|dig|needs
2|dig a..b --dns 10.9.0.1|no name
2|dig www.example|--dns
2|dig @nobody www.example|not the address of a server
2|dig @10.9.0.1 www.example XYZ|--type XYZ
2|ping 10.9.0.2|our own
1|ping 192.0.2.1|--gateway
1|ping -s 1473 10.9.0.1|at most 1472
1|ping example.org|name one by --dns
1|ping fe80::1|not built in yet
2|ss --addr 10.9.0.2/24|no such option
2|ss operand|unexpected
2|why|why needs drop
2|why nothing|there are 'why drop'
2|why rst x|not the number of a connection
2|why rst 1 2|unexpected
1|why rst --control /nothing/here|No such file
2|ss --port 65536|not a port
2|ss --control|needs an argument
1|ss --control /nothing/here|No such file
1|ss --control /etc/passwd|nobody answers
2|top operand|unexpected
2|top --addr 10.9.0.2/24|no such option
2|top --count 0|not a number of samples
2|top --interval 0|--interval 0
2|top --json --interval 1|does not go with --json
2|top --control|needs an argument
1|top --control /nothing/here|No such file
1|top --control /etc/passwd|nobody answers
2|capture|needs -w
2|capture -w|needs an argument
2|capture -c 0 -w -|number of packets
2|capture -s 63 -w -|from 64
1|capture --control /nothing/here -w -|No such file
1|serve --control /nothing/here|No such file
1|serve --control /etc/passwd|choose another path
2|lab nothing|'tapio lab' lists them
2|lab handshak3|did you mean 'handshake'
2|lab --lang fr|there are en and ko
2|lab handshake close|unexpected
2|lab --capture /tmp/x|of which lab
2|lab --all handshake|--lang alone
1|lab handshake --capture /nothing/here|No such file
2|doctor --addr 10.9.0.2/24|no such option
2|doctor now|unexpected
TABLE
}

# --- what the machine refuses -----------------------------------------------------------------

without_the_capability() {
    run_as setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$TAPIO" serve
    refused 77 'run as root'
    run_as setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$TAPIO" ping -c 1 10.9.0.1
    refused 77 'run as root'
}

as_nobody() {
    local copy
    copy=$(mktemp -d)
    chmod 755 "$copy"
    cp "$TOOL" "$copy/tapio"
    run_as setpriv --reuid 65534 --regid 65534 --clear-groups "$copy/tapio" serve
    rm -r "$copy"
    refused 77 'root'
}

no_device_node() {
    # shellcheck disable=SC2016 # for the inner shell
    run_as unshare --mount --propagation unchanged -- sh -c \
        'mount --make-private /dev && mount -t tmpfs none /dev/net && exec "$0" serve' "$TAPIO"
    refused 1 'modprobe tun'
    # shellcheck disable=SC2016
    run_as unshare --mount --propagation unchanged -- sh -c \
        'mount --make-private /dev && mount -t tmpfs none /dev/net && exec "$0" doctor' "$TAPIO"
    expect "status of doctor" 1 "$code"
    grep -q '^missing tun-device: .*modprobe tun' "$WORK/out"
}

no_tap() {
    ip link add tap0 type bridge
    run serve
    ip link del tap0
    refused 1 'choose another'
}

few_descriptors() {
    local limit
    for limit in 4 5 6 7 8; do
        code=0
        (ulimit -Sn "$limit" && ulimit -Hn "$limit" && exec timeout 20 "$TAPIO" serve) \
            >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
        refused 1 'Too many open files' || fail "with $limit descriptors"
    done
}

mtu_of_an_existing_device() {
    ip tuntap add dev tapgiven mode tap
    ip link set tapgiven mtu 1000
    run serve --dev tap:tapgiven --mtu 1400
    ip link del tapgiven
    refused 1 "'ip link set tapgiven mtu 1400'"
}

# The owner of a TAP needs no privilege to serve on it.
without_privileges() {
    ip tuntap add dev tap0 mode tap user "$(id -u)"
    ip addr add 10.9.0.1/24 dev tap0
    ip link set tap0 up
    # shellcheck disable=SC2016 # for the wrapper
    wrapped 'exec setpriv --bounding-set=-all --inh-caps=-all "$TOOL" "$@"'
    serve_start
    fetch -o /dev/null "$URL/"
    serve_stop
    ip link del tap0
}

# --- serving ----------------------------------------------------------------------------------

ready_line() {
    serve_start --echo 7 --chargen 19
    expect "lines on stdout" 1 "$(wc -l <"$WORK/serve.out")"
    grep -Eq '^ready http://10\.9\.0\.2:80/ .*dev=tap0 .*memory=[0-9]+MB.* echo=7 chargen=19$' "$WORK/serve.out"
    expect "octets on stderr" 0 "$(wc -c <"$WORK/serve.err")"
    ip -4 addr show dev tap0 | grep '10.9.0.1/24' >/dev/null
    serve_stop INT
}

chosen_addresses() {
    serve_start --addr 192.0.2.2/24 --addr 192.0.2.3/24 --host-addr 192.0.2.1/24 --port 8080 --mtu 900
    fetch -o /dev/null http://192.0.2.2:8080/
    fetch -o /dev/null http://192.0.2.3:8080/
    ip link show dev tap0 | grep 'mtu 900 ' >/dev/null
    serve_stop
}

own_mac() {
    serve_start --mac 02:00:5e:10:00:02
    ping -q -n -c 1 -W 2 "$HOST" >/dev/null
    ip -4 neigh show "$HOST" dev tap0 | grep '02:00:5e:10:00:02' >/dev/null
    serve_stop
}

without_standard_descriptors() {
    # Closed descriptors must not come back as the device: nothing may be printed onto the wire.
    # shellcheck disable=SC2016
    wrapped 'exec "$TOOL" "$@" <&- >&- 2>&-'
    serve_run
    wait_until 10 fetch -o /dev/null "$URL/"
    serve_stop
}

second_signal() {
    local client
    serve_start --chargen 19
    (exec 3<>"/dev/tcp/$HOST/19" && exec sleep 30) &
    client=$!
    started "$client"
    sleep 0.5
    kill -TERM "$SERVER"
    sleep 0.5
    if gone "$SERVER"; then
        fail "it did not wait for its peer"
    fi
    kill -TERM "$SERVER"
    serve_ended 0 1
    kill "$client"
}

# What peers see at the end: a FIN when they are idle, a reset when they never finish. peers_at_the_end
# MODE is a client of either kind that ends the server itself.
peers_at_the_end() {
    python3 - "$HOST" "$SERVER" "$1" <<'PYTHON'
import os, socket, sys, time
host, server, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def until_the_end(sock):
    """What a peer sees that does nothing until the server must have given up."""
    time.sleep(0.5)
    os.kill(server, 15)
    time.sleep(6)
    sock.settimeout(2)
    try:
        while sock.recv(1 << 20):
            pass
        sock.send(b"still here?")
        time.sleep(0.2)
        sock.send(b"no")
        return "nothing"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"

if mode == "idle":
    sock = socket.create_connection((host, 80))
    sock.sendall(b"GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"a small file" in sock.recv(65536)
    os.kill(server, 15)
    sock.settimeout(2)
    assert sock.recv(100) == b"", "text after the last answer"
elif mode == "deaf":  # takes the FIN and never sends its own
    sock = socket.create_connection((host, 7))
    assert until_the_end(sock) == "reset"
else:  # its window is closed
    sock = socket.create_connection((host, 19))
    assert until_the_end(sock) == "reset"
PYTHON
}

fin_for_the_idle() {
    serve_start --root "$WORK/site"
    peers_at_the_end idle
    serve_ended 0 2
}

reset_for_the_deaf() {
    serve_start --echo 7
    peers_at_the_end deaf
    serve_ended 0 2
}

reset_into_a_closed_window() {
    serve_start --chargen 19
    peers_at_the_end stalled
    serve_ended 0 2
}

# --- captures that cannot go on ---------------------------------------------------------------

# Are the octets of a file whole pcapng blocks?
whole_blocks() {
    python3 - "$1" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
order = ">" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "<"
at = blocks = 0
while at < len(data):
    length, = struct.unpack_from(order + "I", data, at + 4)
    assert length >= 12 and at + length <= len(data), f"half a block at {at}"
    assert struct.unpack_from(order + "I", data, at + length - 4)[0] == length
    at += length
    blocks += 1
print(blocks, "blocks")
assert blocks > 3
PYTHON
}

serves_on() {
    fetch -o "$WORK/got" "$URL/big"
    same_as_site big "$WORK/got"
}

full_disk() {
    # shellcheck disable=SC2016
    wrapped 'ulimit -f 64 && exec "$TOOL" "$@"'
    serve_start --root "$WORK/site" --capture "$WORK/capture"
    serves_on
    serve_stop
    whole_blocks "$WORK/capture"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/serve.err")"
    grep -q 'the capture ended early: File too large' "$WORK/serve.err"
}

no_disk_at_all() {
    run serve --capture /dev/full
    refused 1 'No space left'
}

# A reader of the capture that goes away, or never reads. The ready line is on stderr then.
bad_reader() { # bad_reader COMMAND...
    mkfifo "$WORK/pipe"
    "$@" <"$WORK/pipe" >/dev/null &
    started $!
    wrapped "exec \"\$TOOL\" \"\$@\" >$WORK/pipe"
    serve_start --root "$WORK/site" --capture -
    serves_on
    serve_stop
    grep -q 'the capture ended early' "$WORK/serve.err"
    rm "$WORK/pipe"
}

reader_gone() {
    bad_reader head -c 1000
}

reader_asleep() {
    bad_reader sleep 30
}

capture_to_stdout() {
    serve_start --root "$WORK/site" --capture -
    fetch -o /dev/null "$URL/small.txt"
    serve_stop
    whole_blocks "$WORK/serve.out"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/serve.err")"
}

# --- ping and doctor --------------------------------------------------------------------------

ping_answers() {
    run ping -c 3 -i 0.1 10.9.0.1
    expect "status" 0 "$code"
    expect "answers" 3 "$(grep -c '^64 bytes from 10.9.0.1: icmp_seq=' "$WORK/out")"
    grep -q '^3 packets transmitted, 3 received, 0% packet loss' "$WORK/out"
    grep -Eq '^rtt min/avg/max = [0-9.]+/[0-9.]+/[0-9.]+ ms$' "$WORK/out"
    run ping -c 1 -s 1472 10.9.0.1
    expect "status with 1472 octets" 0 "$code"
    no_device
}

ping_without_answer() {
    run ping -c 1 -W 0.5 10.9.0.77
    expect "status" 1 "$code"
    grep -q '^1 packets transmitted, 0 received, .*100% packet loss' "$WORK/out"
    no_device
}

two_answers() {
    grep '^64 bytes from ' "$WORK/out" | sed -n 2p | grep -q .
}

ping_interrupted() {
    local pinger
    code=0
    "$TAPIO" ping -i 0.2 10.9.0.1 >"$WORK/out" 2>"$WORK/err" </dev/null &
    pinger=$!
    started "$pinger"
    wait_until 10 two_answers
    kill -INT "$pinger"
    wait "$pinger" || code=$?
    expect "status" 0 "$code"
    # One may be on its way at that moment.
    grep -Eq '^[0-9]+ packets transmitted, ([2-9]|[0-9]{2,}) received, ' "$WORK/out"
}

reader_of_ping_goes() {
    code=0
    timeout 10 "$TAPIO" ping -i 0.1 10.9.0.1 </dev/null 2>"$WORK/err" | head -n 1 >"$WORK/out" || code=${PIPESTATUS[0]}
    expect "status" 1 "$code"
    expect "octets on stderr" 0 "$(wc -c <"$WORK/err")"
    grep -q '^PING ' "$WORK/out"
}

dig_interrupted() {
    local digger
    code=0
    "$TAPIO" dig --log arp=debug @10.9.0.77 example >"$WORK/out" 2>"$WORK/err" </dev/null &
    digger=$!
    started "$digger"
    wait_until 10 grep -q 'who-has 10.9.0.77' "$WORK/err"
    kill -INT "$digger"
    wait "$digger" || code=$?
    expect "status" 1 "$code"
    grep -q '^tapio: dig example: interrupted$' "$WORK/err"
}

doctor_is_content() {
    run doctor
    expect "status" 0 "$code"
    grep -q '^ok .*tap: ' "$WORK/out"
    run doctor --json
    expect "status" 0 "$code"
    python3 -c '
import json, sys
for line in sys.stdin:
    o = json.loads(line)
    assert o["schema"] == 1 and o["state"] in ("ok", "optional"), o' <"$WORK/out"
    no_device
}

doctor_without_permission() {
    # No capability here, and no namespace to get it in.
    # shellcheck disable=SC2016
    run_as setpriv --bounding-set=-net_admin,-sys_admin --inh-caps=-all sh -c \
        'echo 0 >/proc/sys/user/max_user_namespaces 2>/dev/null; exec "$0" doctor' "$TAPIO"
    if ((code == 0)); then
        grep -q "unshare -rn" "$WORK/out" # a namespace could be had all the same, and it says so
    else
        expect "status" 77 "$code"
        grep -q '^missing tap: ' "$WORK/out"
    fi
}

no_color() {
    script -qec "$TAPIO doctor" /dev/null </dev/null >"$WORK/out" || true
    grep -q $'\033\\[' "$WORK/out"
    NO_COLOR=1 script -qec "$TAPIO doctor" /dev/null </dev/null >"$WORK/out" || true
    if grep -q $'\033' "$WORK/out"; then
        fail "there is colour in spite of NO_COLOR"
    fi
}

make_site 3000000

try "the bare tool prints its usage to stderr and exits 2" bare
try "--help and --version go to stdout, exit 0" help_and_version
try "the help of serve names every option of the contract" help_names_all_options
try "an unknown verb gets a suggestion and exit 2" unknown_verb
try "what cannot be printed is a failure" cannot_print
try "each wrong command line: its status, one line, no device" usage_table F12
try "without CAP_NET_ADMIN: exit 77, one line" without_the_capability F07
if ((EUID == 0)) && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    try "as nobody: exit 77, one line" as_nobody F07
fi
try "no /dev/net/tun: one line, exit 1" no_device_node F07
try "the name is taken by a bridge: one line, exit 1" no_tap F07
try "too few descriptors: one line, exit 1, nothing left" few_descriptors F07
try "an MTU above the device's: one line, exit 1" mtu_of_an_existing_device
try "the owner of a TAP serves on it without privileges" without_privileges
try "the ready line, and silence otherwise" ready_line
try "addresses, port and MTU as chosen" chosen_addresses
try "a MAC as chosen" own_mac
try "closed standard descriptors do no harm" without_standard_descriptors
try "a second signal ends it at once" second_signal F04
try "at the end: a FIN for the idle" fin_for_the_idle F04
try "at the end: a reset for who never closes" reset_for_the_deaf F04
try "at the end: a reset for who does not read" reset_into_a_closed_window F04
try "a capture on a full disk ends at a whole block, serving goes on" full_disk F06
try "a capture that cannot begin: one line, exit 1" no_disk_at_all F06
try "the capture's reader goes away, serving goes on" reader_gone F06
try "the capture's reader sleeps, serving goes on" reader_asleep F06
try "a capture on stdout moves the ready line to stderr" capture_to_stdout
try "ping: answers and statistics, exit 0" ping_answers
try "ping: no answer, exit 1" ping_without_answer
try "ping: Ctrl-C prints the statistics" ping_interrupted
try "ping: ends when nobody reads it" reader_of_ping_goes
try "dig: Ctrl-C is no answer" dig_interrupted
try "doctor: exit 0 where serve can run" doctor_is_content
try "doctor: without permission it says what to do" doctor_without_permission
try "NO_COLOR is obeyed" no_color
finish
