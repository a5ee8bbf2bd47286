#!/usr/bin/env bash
#
# dhcp.sh - `--dhcp`: an address from dnsmasq at the kernel's end of the TAP: lent, renewed, given back,
# and taken away.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

readonly KERNEL=10.9.0.1
# Probing takes 4 to 7 s by the RFC; the unit tests hold it to that.
SOON=(--dhcp --set arp.probe_wait=50ms --set arp.probe_min=50ms --set arp.probe_last=100ms
    --set dhcp.start_max=100ms)
# The interface is there before both ends, and stays.
ip tuntap add tap0 mode tap && ip addr add "$KERNEL/24" dev tap0 && ip link set tap0 up || exit 1

dnsmasq_stop() {
    [[ -e $WORK/dnsmasq ]] || return 0
    kill "$(cat "$WORK/dnsmasq")"
    wait_until 5 gone "$(cat "$WORK/dnsmasq")"
    rm -f "$WORK/leases" "$WORK/dnsmasq"
}

# dnsmasq_start: one address ($RANGE) to lend, for two minutes, and a renewal after five seconds.
dnsmasq_start() {
    dnsmasq_stop # the one of a test that has failed
    : >"$WORK/dnsmasq.log"
    dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --no-daemon \
        --pid-file="$WORK/dnsmasq.pid" --user="$(id -un)" --local=/example/ --interface=tap0 --bind-interfaces \
        --host-record="web.example,$KERNEL" --dhcp-leasefile="$WORK/leases" --dhcp-authoritative --no-ping \
        --log-dhcp --dhcp-range="${RANGE-10.9.0.50,10.9.0.50},2m" --dhcp-option=option:T1,5 >>"$WORK/dnsmasq.log" 2>&1 &
    echo $! >"$WORK/dnsmasq"
    started $!
    disown
    wait_until 5 grep -q 'started, version' "$WORK/dnsmasq.log"
}

logged() { # logged TIMES WHAT: so often at least
    (($(grep -c "$2" "$WORK/dnsmasq.log") >= $1))
}

# The verb prints its page; the lease is asked for in four messages and given back in a fifth.
lent_for_one_ping() {
    dnsmasq_start
    "$TAPIO" ping "${SOON[@]}" -c 3 -i 0.1 "$KERNEL" >"$WORK/out" 2>"$WORK/err"
    grep -q ' 0% packet loss' "$WORK/out"
    grep -q '^tapio: dhcp: 10\.9\.0\.50/24 from 10\.9\.0\.1 for 120 s, gateway 10\.9\.0\.1$' "$WORK/err"
    wait_until 5 logged 1 'DHCPRELEASE(tap0) 10.9.0.50'
    expect "messages" "DHCPDISCOVER DHCPOFFER DHCPREQUEST DHCPACK DHCPRELEASE" \
        "$(grep -o 'DHCP[A-Z]*(' "$WORK/dnsmasq.log" | tr -d '(' | paste -sd ' ')"
    dnsmasq_stop
}

# Under a server: its page is there before and after each renewal, and connections live through them.
renewed_under_a_server() {
    dnsmasq_start
    serve_start "${SOON[@]}" --echo 7 --root "$WORK/site"
    grep -q '^ready http://10\.9\.0\.50:80/' "$WORK/serve.out"
    fetch -o "$WORK/got" http://10.9.0.50/big
    same_as_site big "$WORK/got"
    mkfifo "$WORK/in"
    nc -w 20 10.9.0.50 7 <"$WORK/in" >"$WORK/echoed" &
    started $!
    exec 7>"$WORK/in"
    echo before >&7
    wait_until 5 grep -q before "$WORK/echoed"
    wait_until 20 logged 3 "DHCPACK(tap0) 10.9.0.50" # the first and two renewals
    expect "who asked all again" 1 "$(grep -c 'DHCPDISCOVER' "$WORK/dnsmasq.log")"
    echo after >&7
    wait_until 5 grep -q after "$WORK/echoed"
    exec 7>&-
    expect "the page" "$(cat "$WORK/site/index.html")" "$(fetch http://10.9.0.50/)"
    serve_stop
    wait_until 5 logged 1 'DHCPRELEASE(tap0) 10.9.0.50'
    dnsmasq_stop
}

# The lease says whom to ask for names.
names_from_the_lease() {
    dnsmasq_start
    "$TAPIO" ping "${SOON[@]}" -c 1 web.example >"$WORK/out" 2>"$WORK/err"
    grep -q '^PING web\.example (10\.9\.0\.1) from 10\.9\.0\.50 ' "$WORK/out"
    "$TAPIO" dig "${SOON[@]}" --short web.example >"$WORK/out" 2>"$WORK/err"
    expect "the address" "$KERNEL" "$(cat "$WORK/out")"
    dnsmasq_stop
}

# A server that has forgotten the lease, and lends another address now, says no: ours goes, with all
# that stood on it, and the other one comes.
refused() {
    dnsmasq_start
    serve_start "${SOON[@]}" --echo 7
    nc -w 30 10.9.0.50 7 </dev/null >/dev/null &
    started $!
    dnsmasq_stop
    RANGE=10.9.0.60,10.9.0.60 dnsmasq_start
    wait_until 20 grep -q 'dhcp: 10\.9\.0\.60/24 from' "$WORK/serve.err"
    grep -q 'dhcp: 10\.9\.0\.50 is ours no more' "$WORK/serve.err"
    logged 1 'DHCPNAK(tap0) 10.9.0.50'
    fetch -o "$WORK/got" http://10.9.0.60/
    expect "who is at the old address" "" "$(ping -c 1 -W 1 10.9.0.50 | grep 'bytes from' || true)"
    serve_stop
    dnsmasq_stop
}

# Ctrl-C while nobody answers.
nobody_lends() {
    dnsmasq_stop
    serve_run --dhcp
    sleep 0.5
    kill -INT "$SERVER"
    serve_ended 1 5
    expect "what it says" "tapio: --dhcp: stopped before there was an address" "$(cat "$WORK/serve.err")"
}

contradictions() {
    local code
    for line in "--addr 10.9.0.2/24" "--gateway 10.9.0.1" "--dev tun:tun0"; do
        code=0
        # shellcheck disable=SC2086 # two words
        "$TAPIO" ping --dhcp $line "$KERNEL" >"$WORK/out" 2>"$WORK/err" || code=$?
        expect "exit code with $line" 2 "$code"
        expect "lines" 1 "$(wc -l <"$WORK/err")"
        grep -q -e '^tapio: --dhcp: ' "$WORK/err"
    done
}

make_site 3000000

try "an address is lent for one ping, and given back" lent_for_one_ping RFC2131-3.1-a RFC2131-4.4.6-a
try "a lease is renewed while a server runs on it" renewed_under_a_server RFC2131-4.4.5-a
try "the lease says whom to ask for names" names_from_the_lease RFC2131-3.1-a
try "a server that says no takes the address, and lends another" refused RFC2131-3.1-nak
try "who waits for a server can be told to stop" nobody_lends
try "what a lease would name cannot be given as well" contradictions

finish
