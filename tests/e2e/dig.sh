#!/usr/bin/env bash
#
# dig.sh - `tapio dig`, and other verbs that are given a name, against dnsmasq at the kernel's end of
# the TAP.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

SERVER_AT=10.9.0.1
EXAMPLES=$BUILT

# A zone of our own, "example"; nothing is asked of anybody else.
dnsmasq_start() {
    dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --no-daemon \
        --pid-file="$WORK/dnsmasq.pid" --user="$(id -un)" --local=/example/ \
        --host-record=real.example,192.0.2.9,2001:db8::9 --cname=alias.example,real.example \
        --mx-host=example,mail.example,10 --txt-record='text.example,two words,"quoted"' \
        --host-record=web.example,$SERVER_AT --host-record=two.example,192.0.2.9 \
        --host-record=two.example,$SERVER_AT --edns-packet-max=512 "${MANY[@]}" >"$WORK/dnsmasq.log" 2>&1 &
    started $!
    disown
    wait_until 5 grep -q 'started, version' "$WORK/dnsmasq.log"
}

# 60 addresses do not fit into 512 octets: that answer is cut short over UDP.
MANY=()
for ((i = 1; i <= 60; i++)); do
    MANY+=("--host-record=many.example,198.51.100.$i")
done

# dig CODE ARGS...: what it prints is $WORK/out and $WORK/err.
dig() {
    local wanted=$1 code=0
    shift
    timeout 30 "$TAPIO" dig "@$SERVER_AT" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    expect "exit code of dig $*" "$wanted" "$code"
}

records() {
    dig 0 real.example
    grep -q '^;; NOERROR, id [0-9]*, from 10\.9\.0\.1 over UDP in ' "$WORK/out"
    grep -q $'^real\.example\.\t[0-9]*\tIN\tA\t192\.0\.2\.9$' "$WORK/out"
    dig 0 real.example AAAA
    grep -q $'\tAAAA\t2001:db8::9$' "$WORK/out"
    dig 0 example MX
    grep -q $'\tMX\t10 mail\.example\.$' "$WORK/out"
    dig 0 -t TXT text.example
    grep -qF $'\tTXT\t"two words" "\\"quoted\\""' "$WORK/out"
}

without_a_server() {
    dig 0 localhost
    grep -q $'^localhost\.\t0\tIN\tA\t127\.0\.0\.1$' "$WORK/out"
    dig 0 --short localhost AAAA
    expect "the data" "::1" "$(cat "$WORK/out")"
}

aliases() {
    dig 0 --short alias.example
    expect "the data" "real.example. 192.0.2.9" "$(paste -sd ' ' "$WORK/out")"
}

over_tcp() {
    dig 0 --tcp real.example
    grep -q ' over TCP in ' "$WORK/out"
}

cut_short() {
    dig 0 many.example
    grep -q ' over TCP in ' "$WORK/out"
    expect "addresses" 60 "$(grep -c $'\tA\t198\.51\.100\.' "$WORK/out")"
}

denials() {
    dig 1 nobody.example
    grep -q 'there is no such name' "$WORK/err"
    grep -q '^;; NXDOMAIN' "$WORK/out"
    dig 1 real.example MX
    grep -q 'has no record of that type' "$WORK/err"
}

silence() {
    local code=0
    timeout 30 "$TAPIO" dig @10.9.0.77 -W 0.2 real.example >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code" 1 "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    grep -q '10\.9\.0\.77 gives no answer' "$WORK/err"
}

captured() {
    dig 0 --capture "$WORK/dig.pcapng" real.example
    tshark -r "$WORK/dig.pcapng" -n -o udp.check_checksum:TRUE -T fields -e dns.qry.name \
        -e dns.flags.response -e udp.checksum.status >"$WORK/fields" 2>"$WORK/tshark.err"
    expect "questions and answers" 2 "$(grep -c '^real\.example' "$WORK/fields")"
    expect "bad checksums" 0 "$(awk -F '\t' '$3 == 0' "$WORK/fields" | wc -l)"
}

# get CODE ARGS...: what it prints is $WORK/out and $WORK/err.
get() {
    local wanted=$1 code=0
    shift
    timeout 30 "$TAPIO" get "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    expect "exit code of get $*" "$wanted" "$code"
}

page_by_name() {
    make_site 1000
    (cd "$WORK/site" && exec python3 -m http.server 8000 >/dev/null 2>&1) &
    started $!
    disown
    wait_until 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/8000"
    get 0 -v --dns "$SERVER_AT" http://web.example:8000/small.txt
    same_as_site small.txt "$WORK/out"
    grep -q 'web\.example.*10\.9\.0\.1' "$WORK/err"
    for _ in 1 2 3; do # one of its addresses leads nowhere, and they come in turns
        get 0 --dns "$SERVER_AT" http://two.example:8000/small.txt
    done
    get 1 --dns "$SERVER_AT" http://nobody.example/
    grep -q "'nobody.example' is nobody's name" "$WORK/err"
    get 1 http://web.example:8000/
    grep -q 'name one by --dns' "$WORK/err"
}

# The name servers' own host answers.
ping_by_name() {
    timeout 20 "$TAPIO" ping -c 2 -i 0.2 --dns "$SERVER_AT" web.example >"$WORK/out"
    grep -q '^PING web\.example (10\.9\.0\.1) from 10\.9\.0\.2 ' "$WORK/out"
    grep -q '2 packets transmitted, 2 received' "$WORK/out"
    local code=0
    timeout 20 "$TAPIO" ping -c 2 --dns "$SERVER_AT" nobody.example >"$WORK/out" 2>"$WORK/err" || code=$?
    expect "exit code" 1 "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q "'nobody.example' is nobody's name" "$WORK/err"
}

# http_get CODE CONF HOST PATH: the example, with CONF as its /etc/resolv.conf.
http_get() {
    local wanted=$1 code=0
    printf '%b' "$2" >"$WORK/resolv.conf"
    # shellcheck disable=SC2016 # the inner shell expands it
    timeout 30 unshare --mount -- sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$WORK/resolv.conf" \
        "$EXAMPLES/http_get" tap0 "$3" 8000 "$4" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    cat "$WORK/err"
    expect "exit code of http_get $3" "$wanted" "$code"
}

# The server of page_by_name() still runs. Of two.example's addresses one leads nowhere, and dnsmasq
# tells them in turns; the example takes the first.
getaddrinfo_by_name() {
    local at_server="nameserver $SERVER_AT\n" i
    http_get 0 "$at_server" web.example /small.txt
    tail -n 1 "$WORK/out" | cmp - "$WORK/site/small.txt"
    http_get 0 "${at_server}search nowhere.example example\noptions ndots:1\n" web /small.txt
    for i in 1 2 3; do
        http_get 0 "$at_server" two.example /small.txt
    done
    http_get 1 "$at_server" nobody.example /
    expect "what it says" "nobody.example: Name or service not known" "$(cat "$WORK/err")"
    http_get 1 "nameserver 10.9.0.77\noptions timeout:1 attempts:1\n" web.example /
    expect "what it says" "web.example: Temporary failure in name resolution" "$(cat "$WORK/err")"
}

dnsmasq_start || die "dnsmasq does not start: $(tail -n 1 "$WORK/dnsmasq.log")"
try 'addresses, mail exchangers and texts come as records' records RFC1035-4.1.3-a
try 'localhost is answered without a server' without_a_server RFC6761-6.3-a
try 'an alias leads to its address' aliases RFC1034-3.6.2-a
try 'a question may be asked over TCP' over_tcp RFC1035-4.2.2-a
try 'an answer that was cut short is asked for over TCP' cut_short RFC1035-4.2.1-a
try 'what is not there is told from what has no such record' denials
try 'silence is told in one line' silence RFC1035-7.2-a
try 'a page is fetched by the name of its server' page_by_name
try 'a program reaches a host by its name' getaddrinfo_by_name RFC6724-6-a
try 'a host is pinged by its name' ping_by_name
try 'questions and answers can be read in the capture' captured
finish
