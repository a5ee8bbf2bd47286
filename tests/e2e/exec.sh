#!/usr/bin/env bash
#
# exec.sh - `tapio exec` itself: what a program may do with its sockets, what is refused and how, processes
# beside and below each other, and that nothing stays. Which programs run is programs.sh's.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
PLAIN=${TAPIO_PLAIN:-$ROOT/build/tapio} # the shim is of the plain build
[[ -e $(dirname "$PLAIN")/libtapio-exec.so ]] || die "libtapio-exec.so is missing beside $PLAIN: run scripts/build"
[[ $TAPIO != */plain_frames ]] || PLAIN=$TAPIO
begin "$@"
export XDG_RUNTIME_DIR=$WORK/run PEER=10.9.0.1
mkdir -m 700 "$XDG_RUNTIME_DIR"

readonly ECHO=7007 WEB=8002
CALLS=(python3 "$ROOT/tests/e2e/exec_calls.py")

no_device() {
    [[ -z $(ip -o link show type tun) ]]
}

kernel_listens() {
    ss -ltnH "sport = :$1" | grep . >/dev/null
}

# on_stack ARGS...: `tapio exec ARGS`; its exit code is $code, its talk $WORK/out and $WORK/err.
on_stack() {
    code=0
    wait_until 5 no_device
    timeout 60 "$PLAIN" exec "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
}

# is_fine WHAT [ARGUMENT...]: exec_calls.py found nothing wrong.
is_fine() {
    on_stack -- "${CALLS[@]}" "$@"
    expect "what it says ($(tail -n 1 "$WORK/err"))" fine "$(cat "$WORK/out")"
    expect "status" 0 "$code"
}

# lines_of_ours COUNT PATTERN
lines_of_ours() {
    expect "lines of ours" "$1" "$(grep -c '^tapio: ' "$WORK/err")"
    grep -q "^tapio: .*$2" "$WORK/err" || fail "no '$2' in: $(cat "$WORK/err")"
}

# refused STATUS PATTERN: one line and nothing else, no device.
refused() {
    expect "status" "$1" "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    lines_of_ours 1 "$2"
    no_device
}

# --- what a program may do ------------------------------------------------------------------------------

mixed_descriptors() { is_fine mixed "$ECHO"; }
late_epoll() { is_fine late "$ECHO"; }
several_numbers() { is_fine numbers "$ECHO"; }
options_and_names() { is_fine settings "$ECHO"; }
sendfile_works() { is_fine files "$ECHO" "$WORK/site/big"; }
many_threads() { is_fine threads "$ECHO"; }
udp_works() { is_fine datagrams "$ECHO"; }
handlers_leave() { is_fine interrupted "$ECHO"; }
all_closed() { is_fine closes_all "$ECHO"; }

loopback_is_the_kernels() {
    is_fine loopback
    expect "talk" "" "$(cat "$WORK/err")"
}

a_child_has_none() {
    is_fine forked "$ECHO"
    lines_of_ours 1 'was forked by a program with sockets on our stack'
}

names_are_asked_for() {
    dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --no-daemon --pid-file="$WORK/dnsmasq.pid" \
        --user="$(id -un)" --local=/example/ --host-record=web.example,"$PEER" >"$WORK/dnsmasq.log" 2>&1 &
    started $!
    disown
    wait_until 5 grep -q 'started, version' "$WORK/dnsmasq.log"
    on_stack --dns "$PEER" -- "${CALLS[@]}" names
    expect "what it says ($(tail -n 1 "$WORK/err"))" fine "$(cat "$WORK/out")"
    on_stack --dns "$PEER" -- curl --disable -sS "http://web.example:$WEB/small.txt"
    same_as_site small.txt "$WORK/out"
}

stdio_works() {
    cat >"$WORK/stdio.c" <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    char line[100];
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (argc < 3 || connect(s, (struct sockaddr *)&to, sizeof to)) return 1;
    FILE *f = fdopen(s, "r+");
    fprintf(f, "a line of stdio\n");
    fflush(f);
    if (!fgets(line, sizeof line, f) || strcmp(line, "a line of stdio\n")) return 2;
    if (send(s, "x", 1, 0) != 1 || recv(s, line, atoi("50"), 0) != 1) return 3; /* __recv_chk */
    return fclose(f) ? 4 : 0;
}
C
    gcc -O2 -D_FORTIFY_SOURCE=2 -o "$WORK/stdio" "$WORK/stdio.c"
    nm -D "$WORK/stdio" | grep __recv_chk >/dev/null
    on_stack -- "$WORK/stdio" "$PEER" "$ECHO"
    expect "status: $(cat "$WORK/err")" 0 "$code"
}

over_ipv6() {
    on_stack --dev tun:tun9 --addr fd00:9::2/64 -- curl --disable -sS -g -6 "http://[fd00:9::1]:$WEB/small.txt"
    same_as_site small.txt "$WORK/out"
}

# --- what is refused --------------------------------------------------------------------------------------

wrong_words() {
    local words pattern status
    while IFS='|' read -r status words pattern; do
        # shellcheck disable=SC2086
        on_stack $words
        refused "$status" "$pattern" || fail "$words"
    done <<'WORDS'
2||needs \[--\] CMD
2|--netns old -- true|'new' is what there is
2|--capture - -- true|standard output is the program's
2|--adr 10.9.0.9/24 -- true|did you mean --addr
1|-- no-such-program-at-all|no such program
WORDS
}

options_end_at_the_program() {
    on_stack ip -V
    expect "status: $(cat "$WORK/err")" 0 "$code"
    on_stack -- sh -c 'exit 7'
    expect "the program's own status" 7 "$code"
    no_device
}

make_programs() {
    printf 'int main(void) { return 0; }\n' >"$WORK/empty.c"
    gcc -static -o "$WORK/static" "$WORK/empty.c"
    printf 'static const char id[] __attribute__((used, section(".note.go.buildid"))) = "id";\nint main(void) { return 0; }\n' \
        >"$WORK/go.c"
    gcc -o "$WORK/go" "$WORK/go.c"
    printf '#! %s -x\n' "$WORK/static" >"$WORK/script"
    chmod +x "$WORK/script"
}

no_library_gets_in() {
    make_programs
    on_stack -- "$WORK/static"
    refused 1 'static cannot be run on a stack of ours: it is linked statically'
    on_stack -- "$WORK/script"
    refused 1 'script cannot be run on a stack of ours: it is linked statically'
    on_stack -- "$WORK/go"
    refused 1 'it is a Go program'
    cp "$WORK/stdio" "$WORK/setuid" 2>/dev/null || gcc -o "$WORK/setuid" "$WORK/empty.c"
    if ((EUID == 0)) && chown 65534 "$WORK/setuid" 2>/dev/null; then
        chmod u+s "$WORK/setuid"
        on_stack -- "$WORK/setuid"
        refused 1 'it runs with privileges of its own'
    fi
}

nor_from_within() {
    make_programs
    on_stack -- sh -c "$WORK/static; echo \$?"
    expect "what the shell says of it" 126 "$(cat "$WORK/out")"
    lines_of_ours 1 'it is linked statically'
    on_stack -- python3 -c "import subprocess; subprocess.run(['$WORK/static'])"
    expect "python's status" 1 "$code"
    lines_of_ours 1 'it is linked statically'
    grep -q PermissionError "$WORK/err"
}

a_busy_device() {
    wait_until 5 no_device
    "$PLAIN" exec --dev tap:tap5 -- python3 -m http.server 8009 >"$WORK/server.log" 2>&1 </dev/null &
    started $!
    disown
    wait_until 10 nc -z "$HOST" 8009
    code=0
    "$PLAIN" exec --dev tap:tap5 -- curl --disable -s http://"$PEER":"$WEB"/ >"$WORK/out" 2>"$WORK/err" || code=$?
    ((code != 0))
    lines_of_ours 1 'tap5.*--dev'
    kill "$(tail -n 1 "$WORK/pids")"
    wait_until 5 no_device
}

no_permission() {
    code=0
    setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$PLAIN" exec -- curl --disable -s http://"$PEER":"$WEB"/ \
        >"$WORK/out" 2>"$WORK/err" || code=$?
    ((code != 0))
    lines_of_ours 1 'run as root'
    no_device
    # and who needs no network does not hear of it
    setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$PLAIN" exec -- echo fine >"$WORK/out" 2>"$WORK/err"
    expect "talk" "" "$(cat "$WORK/err")"
}

# --- processes ----------------------------------------------------------------------------------------------

a_shell_costs_nothing() {
    on_stack --ready-fd 1 -- sh -c 'ip -o link show type tun; cat /dev/null'
    expect "devices and words" "" "$(cat "$WORK/out" "$WORK/err")"
}

# Each of a shell's children has a stack of its own: next to each other, and one after the other.
two_at_once() {
    ip addr add 10.7.0.1/32 dev lo # by way of each kernel's side, which is the gateway
    on_stack -- sh -c "curl --disable -sS --limit-rate 10M -o $WORK/got1 http://10.7.0.1:$WEB/big &
        curl --disable -sS --limit-rate 10M -o $WORK/got2 http://10.7.0.1:$WEB/big &
        for i in $(seq -s ' ' 100); do
            devices=\$(ip -o link show type tun | cut -d: -f2 | tr -d '\n')
            [ \"\$devices\" != ' tap0 tap1' ] || break
            sleep 0.05
        done
        printf %s \"\$devices\"; wait"
    same_as_site big "$WORK/got1" && same_as_site big "$WORK/got2"
    expect "their devices" " tap0 tap1" "$(cat "$WORK/out")"
    expect "talk" "" "$(cat "$WORK/err")"
}

told_ready() {
    on_stack --ready-fd 3 -- curl --disable -sS -o "$WORK/got" "http://$PEER:$WEB/small.txt" 3>"$WORK/ready"
    grep -Eq '^ready dev=tap0 addr=10.9.0.2 pid=[0-9]+$' "$WORK/ready"
}

# Of a program that was killed only the name of its socket is left, until somebody looks.
killed() {
    local signal server
    for signal in KILL TERM INT; do
        wait_until 5 no_device
        "$PLAIN" exec -- python3 -c 'import socket, signal, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
s = socket.create_server(("", 7100)); time.sleep(60)' >"$WORK/server.log" 2>&1 </dev/null &
        server=$!
        disown
        started "$server"
        wait_until 10 nc -z "$HOST" 7100
        kill -"$signal" "$server"
        wait_until 5 gone "$server"
        wait_until 5 no_device
        "$PLAIN" ss --stacks >/dev/null 2>&1 || true # which removes what nobody listens at
        expect "sockets after SIG$signal" "" "$(find "$XDG_RUNTIME_DIR" -type s)"
    done
}

# What was written last arrives, though the program has ended.
last_words() {
    nc -l 7200 >"$WORK/got" </dev/null &
    started $!
    disown
    wait_until 5 kernel_listens 7200
    on_stack --impair delay=20ms,loss=2%,seed=5 -- python3 -c "import socket, sys
s = socket.create_connection(('$PEER', 7200)); s.sendall(open('$WORK/site/big', 'rb').read()[:300000])"
    wait_until 5 gone "$(tail -n 1 "$WORK/pids")"
    head -c 300000 "$WORK/site/big" | cmp - "$WORK/got"
}

looked_into() {
    wait_until 5 no_device
    "$PLAIN" exec --control "$WORK/control" --capture "$WORK/exec.pcapng" --impair loss=2%,seed=3 -- python3 -m http.server --directory "$WORK/site" 8010 \
        >"$WORK/server.log" 2>&1 </dev/null &
    local server=$!
    disown
    started "$server"
    wait_until 10 nc -z "$HOST" 8010
    fetch -o "$WORK/got" "http://$HOST:8010/big"
    same_as_site big "$WORK/got"
    "$PLAIN" ss --control "$WORK/control" -l >"$WORK/out"
    grep -q 'LISTEN.*:8010' "$WORK/out"
    "$PLAIN" why --control "$WORK/control" retransmit >"$WORK/out"
    grep -q 'RFC' "$WORK/out"
    kill "$server"
    wait_until 10 gone "$server"
    tshark -r "$WORK/exec.pcapng" -Y 'http.request.uri == "/big"' 2>"$WORK/tshark.err" | grep GET >/dev/null
}

# In a namespace of its own, where the kernel's side is reached by who has not the shim.
own_namespace() {
    local how=(env) said
    # as an ordinary user, where that one may open the device (in a rootless suite we are one)
    ((EUID != 0)) || ! as_nobody test -w /dev/net/tun -a -r "$PLAIN" || how=(as_nobody)
    said=$("${how[@]}" "$PLAIN" exec --netns new -- sh -c "ip -o link show type tun
        env -u LD_PRELOAD nc -l 7300 >/dev/null & sleep 0.2
        echo hello | nc -N -w 5 10.9.0.1 7300 && ip -o addr show lo | wc -l")
    [[ $said =~ ^[1-9]$ ]] || fail "it says: $said"
    no_device
}

as_nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 2>/dev/null
}

make_site
mkdir -p "$WORK/empty"
(cd "$WORK/site" && exec python3 -m http.server --bind :: $WEB) >/dev/null 2>&1 &
started $!
python3 "$ROOT/tests/e2e/exec_echo.py" $ECHO >"$WORK/echo.log" 2>&1 &
started $!
disown -a
wait_until 10 kernel_listens $WEB
wait_until 10 kernel_listens $ECHO

try "poll, select and epoll over both kinds" mixed_descriptors
try "a set that is waited at learns of its first socket" late_epoll
try "dup, dup2, F_DUPFD, and small numbers" several_numbers
try "fcntl, ioctl, options, names" options_and_names
try "sendfile" sendfile_works
try "stdio over a socket, and a fortified program" stdio_works
try "threads" many_threads
try "UDP" udp_works
try "a handler that leaves a call for good" handlers_leave
try "a program that closes everything" all_closed
try "loopback is the kernel's" loopback_is_the_kernels
try "names" names_are_asked_for
try "IPv6" over_ipv6
try "a forked child has none, and says so" a_child_has_none F05
try "wrong words" wrong_words
try "options end at the program" options_end_at_the_program
try "programs that no library gets into" no_library_gets_in
try "nor from within" nor_from_within
try "a busy device" a_busy_device F07
if setpriv --bounding-set=-net_admin true 2>/dev/null; then
    try "without permission" no_permission
fi
try "a shell costs nothing" a_shell_costs_nothing
try "two at once" two_at_once
try "--ready-fd" told_ready
try "killed programs leave nothing behind" killed F10
try "what was written last arrives" last_words
try "--capture, --impair, ss, why" looked_into
try "--netns new" own_namespace
finish
